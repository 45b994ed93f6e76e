#!/usr/bin/env bats
# What a request takes of the kernel's memory, and whose it is.

load common
load life

# large_of COMMAND...: the stacks in which the module took more than a page at once
# while COMMAND ran.
large_of() {
	bpftrace -e '
		tracepoint:kmem:kmalloc /args.bytes_req > 4096/ { @[kstack] = count(); }
		tracepoint:kmem:kmem_cache_alloc /args.bytes_req > 4096/ { @[kstack] = count(); }' \
		-c "$*" >"$BATS_TEST_TMPDIR/stacks"
	run grep vexipc "$BATS_TEST_TMPDIR/stacks"
}

@test "a small request, and its answer, take no memory beyond a page at once" {
	config health_check_interval_sec=3600
	for transport in chardev netlink ring; do
		start_service "$transport" -t "$transport" -d 512
		large_of "$(command -v vexipc)" embed --dims 512 --service "$transport" text
		assert_equal "$output" ""
		# There is something to be seen when there is: still of the slab's sizes.
		head -c 20000 /dev/zero | tr '\0' a >"$BATS_TEST_TMPDIR/long"
		large_of "$(command -v vexipc)" embed --dims 512 --service "$transport" -f "$BATS_TEST_TMPDIR/long"
		assert_output_has vexipc
	done
}
