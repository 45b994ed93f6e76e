#!/usr/bin/env bats
# Each network namespace has an instance of its own.

load common
load life

setup() {
	fresh_module
	ip netns add there
}

teardown() {
	stop_all
	! ip netns list | grep -q '^there' || ip netns delete there
	unload_module
}

there() { ip netns exec there "$@"; }

# A life-service in the other namespace.
start_there() {
	local id=$1
	shift
	rm -f "$BATS_TEST_TMPDIR/$id.fifo"
	mkfifo "$BATS_TEST_TMPDIR/$id.fifo"
	start "$id" ip netns exec there life-service -i "$BATS_TEST_TMPDIR/$id.fifo" "$@" "$id"
	wait_line "$BATS_TEST_TMPDIR/$id.out" '^ready' 60
}

# bats test_tags=smoke
@test "a service of another namespace is neither seen nor used" {
	for transport in chardev netlink; do
		start_there "far-$transport" -t "$transport"
	done
	assert_equal "$(vexipc services --json)" '[]'
	assert_equal "$(there vexipc services --json | jq -c 'map(.id)')" '["far-chardev","far-netlink"]'
	for transport in chardev netlink; do
		run -4 vexipc embed --transport "$transport" text
		run -4 vexipc embed --service "far-$transport" --transport "$transport" text
		run -4 vexipc status "far-$transport"
		run -4 vexipc drain "far-$transport"
	done
	run -0 there vexipc embed text
	assert_equal $(($(requests_of far-chardev) + $(requests_of far-netlink))) 1
	stats_are services=0 completed=0 refused=4
}

@test "the same id is free in each namespace, and each asks its own" {
	start_service same -t chardev
	start there-same ip netns exec there life-service -t netlink same
	wait_line "$BATS_TEST_TMPDIR/there-same.out" '^ready'
	run -0 vexipc embed here
	run -0 there vexipc embed there
	assert_equal "$(requests_of same)" 1
	assert_equal "$(grep -c '^request same there' "$BATS_TEST_TMPDIR/there-same.out")" 1
	# A handle of the one means nothing in the other.
	[ "$(status_of same handle)" != "$(there vexipc status same --json | jq -r .handle)" ]
}

@test "configuration and counters are each namespace's own" {
	config request_timeout_ms=1234
	assert_equal "$(there vexipc config get request_timeout_ms)" 30000
	there vexipc config set max_queue_size=77
	assert_equal "$(config_of max_queue_size)" 1000
	start_service here
	run -0 vexipc embed text
	assert_equal "$(there vexipc stats --json | jq -c '[.submitted, .services, .registered]')" '[0,0,0]'
}

@test "events of one namespace are not told in another" {
	start monitor ip netns exec there vexipc monitor --json -c 1
	wait_until 20 there_listens
	start_service here
	start_there far
	finish monitor
	assert_status 0
	assert_equal "$(output_of monitor | jq -r .service)" far
}
there_listens() {
	there awk '$2 == 16 && $4 != "00000000" { found = 1 } END { exit !found }' /proc/net/netlink
}

@test "a descriptor stays with the namespace in which it was opened" {
	start_service here
	exec {fd}<>/dev/vexipc
	# The one who uses it is elsewhere; what it asks is the old namespace's service.
	run -0 ip netns exec there python3 - "$fd" <<-'PYTHON'
		import fcntl, struct, sys
		fd = int(sys.argv[1])
		arg = bytearray(struct.pack("<QQ10I", *[0] * 12))
		# VEXIPC_IOC_LIST
		fcntl.ioctl(fd, 3 << 30 | len(arg) << 16 | ord("V") << 8 | 0x24, arg)
		print(struct.unpack_from("<I", arg, 8 * 2 + 4 * 7)[0])
	PYTHON
	exec {fd}>&-
	assert_equal "$output" 1 "services it sees"
}

# Two who submit at once may take the same turn: shares are only nearly equal.
all_are_held() { [ $(($(requests_of holder-c) + $(requests_of holder-n))) = 40 ]; }

# bats test_tags=smoke
@test "a namespace that goes with services, clients and requests inside leaves nothing" {
	start_there holder-c -t chardev -m hold
	start_there holder-n -t netlink -m hold
	seq 20 >"$BATS_TEST_TMPDIR/texts"
	for transport in chardev netlink; do
		start "client-$transport" ip netns exec there vexipc embed --transport "$transport" \
			-f "$BATS_TEST_TMPDIR/texts" -j 20
	done
	start monitor ip netns exec there vexipc monitor
	wait_until 20 all_are_held
	ip netns delete there
	# Its processes keep it; they all go at once.
	kill -KILL "$(pid_of holder-c)" "$(pid_of holder-n)" "$(pid_of client-chardev)" \
		"$(pid_of client-netlink)" "$(pid_of monitor)"
	stop_all
	unload_module
	load_module
}

@test "namespaces come and go while the module is there, with and without a service" {
	for i in $(seq "$(scale 20)"); do
		ip netns add "passing$i"
		ip netns exec "passing$i" vexipc stats --json >/dev/null
		((i % 2)) || start "passing$i" ip netns exec "passing$i" life-service "passing$i"
	done
	for i in $(seq "$(scale 20)"); do ip netns delete "passing$i"; done
	start_service here
	run -0 vexipc embed text
}

@test "the user who owns a namespace may register and configure there, and only there" {
	start owner unshare --user --map-root-user --net sh -c 'echo in && exec sleep infinity'
	wait_line "$BATS_TEST_TMPDIR/owner.out" in
	owned() { nsenter --user --net --preserve-credentials -t "$(pid_of owner)" "$@"; }
	run -0 owned vexipc config set max_queue_size=5
	start service nsenter --user --net --preserve-credentials -t "$(pid_of owner)" life-service -t netlink owned
	wait_line "$BATS_TEST_TMPDIR/service.out" '^ready'
	assert_equal "$(owned vexipc services --json | jq -c 'map(.id)')" '["owned"]'
	assert_equal "$(vexipc services --json)" '[]'
	assert_equal "$(config_of max_queue_size)" 1000
	# With the same rights, the first namespace is not theirs.
	run -5 unshare --user --map-root-user vexipc config set max_queue_size=5
	run unshare --user --map-root-user life-service -t netlink intruder
	assert_output_has 'refused 1 EPERM'
}
