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

# waits_in BYTES: 100,000 requests of 256 bytes that wait take no more each. Others take
# memory meanwhile, too, and so it is the least of some times.
waits_in() {
	local each
	each=$(vexipc-bench -s 256:2048 -d 1 -n 50 --repeat 1 -p vexipc-ring \
		--with-waiting 100000 --json - | jq '.waiting_bytes | ceil')
	echo "$each bytes each"
	[ "$each" -le "$1" ]
}

@test "a request that waits takes its content and at most 512 bytes" {
	debug_kernel && skip "what the debug kernel adds to each object is not the module's"
	# On one processor slabs are of one page, and have less room for what is not of a page.
	[ "$(nproc)" -gt 1 ] || skip "slabs are different on one processor"
	waits_in $((256 + 512)) || waits_in $((256 + 512)) || waits_in $((256 + 512))
}
