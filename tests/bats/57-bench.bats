#!/usr/bin/env bats
# vexipc-bench: every peer carries what it is given, however little it is measured, and
# latencies are of all requests that were due. Time is counted instructions here.
# bats file_tags=icount

load common

setup_file() {
	load_module
	modprobe fuse
}
setup() { :; }
teardown() { stop_all; }
teardown_file() { unload_module; }

@test "bench: each peer makes round trips, alone and several at once, and none is left out" {
	run -0 --separate-stderr vexipc-bench -s 8192:4096 -d 1 -d 8 -n 20 --warm-up 20 --repeat 1 --json -
	every_peer=$(vexipc-bench --list | wc -l)
	# shellcheck disable=SC2154 # run sets stderr
	assert_equal "$stderr" ""
	assert_equal "$(jq -c --argjson peers "$every_peer" '
		(.results | length) == 2 * $peers, (.results | map(.peer) | unique | length) == $peers,
		(.results | map(.ratio > 0 and .median > 0) | all)' <<<"$output" | sort -u)" true
}

@test "bench: latencies are of all requests that were due, and rise with what is held up" {
	run -0 --separate-stderr vexipc-bench --rate 500 --seconds 2 -s 256:2048 --json - \
		-p unix-stream -p vexipc-chardev -p vexipc-netlink -p vexipc-chardev-lib -p fuse-write
	assert_equal "$(jq -c '.unit, .rate, .seconds, (.latencies | map(.peer))' <<<"$output" | xargs)" \
		"ns 500 2 [unix-stream,vexipc-chardev,vexipc-netlink,vexipc-chardev-lib,fuse-write]"
	jq -e '.latencies | map(.due == 1000 and .answered == .due and .depth == 64 and
		.seconds > 1 and 0 < .p50 and .p50 <= .p99 and .p99 <= .["p99.9"] and
		.["p99.9"] <= .max and 0 < .mean and .mean <= .max and .late_p99 <= .max) | all' \
		<<<"$output"
}

# child PID: the only one of it, when it is there.
child() { until pgrep -P "$1"; do sleep 0.05; done; }

@test "bench: while the service stands still, all that are due wait, not only those under way" {
	local bench service
	vexipc-bench --rate 500 --seconds 4 -s 256:2048 -p unix-stream \
		--json "$BATS_TEST_TMPDIR/json" &
	bench=$!
	service=$(child "$(child $bench)")
	sleep 1
	kill -STOP "$service"
	sleep 1
	kill -CONT "$service"
	wait $bench
	# 500 waited for half a second on the average. Were it only the 64 under way, the
	# mean of 2000 would be at 32 ms.
	jq -e '.latencies[0] | .answered == 2000 and .mean > 60e6 and .p99 > 0.7e9 and
		.max > 0.9e9' "$BATS_TEST_TMPDIR/json"
}

@test "bench: a table of latencies; peers without poll() are left out and named" {
	run -0 --separate-stderr vexipc-bench --rate 200 --seconds 1 -s 256:2048 -p unix-stream -p haproxy
	[[ ${lines[0]} == "200 requests a second for 1 s"* ]]
	[[ $output == *"p99.9"*unix-stream* && $output != *haproxy* ]]
	[[ $stderr == *"haproxy: left out"* ]]
}

# took PEER OPTION...: instructions a round trip; the median of five, for what the kernel
# has put off may come due in one of them
took() {
	vexipc-bench -s 256:2048 -d 1 -n 200 --repeat 5 -p "$1" --json - "${@:2}" |
		jq '.results[0].median | round'
}

# at_most PERCENT A B: A is at most so much of B.
at_most() {
	echo "$2 is to be at most $1 % of $3"
	[ $(($2 * 100)) -le $(($1 * $3)) ]
}

@test "bench: telemetry takes at most 5 % of a round trip over netlink, 10 % over the ring" {
	netlink=$(took vexipc-netlink)
	ring=$(took vexipc-ring)
	vexipc telemetry attach
	at_most 105 "$(took vexipc-netlink)" "$netlink"
	at_most 110 "$(took vexipc-ring)" "$ring"
	vexipc telemetry detach
}

@test "bench: a cached answer takes at most 35 % of a round trip over netlink" {
	at_most 35 "$(took vexipc-cached)" "$(took vexipc-netlink)"
}

@test "bench: 1024 services take no more than 8, by ring and device" {
	for peer in vexipc-ring vexipc-chardev; do
		at_most 115 "$(took "$peer" --with-services 1024)" "$(took "$peer" --with-services 8)"
	done
}

@test "bench: 100,000 requests that wait for another service are in nobody's way" {
	none=$(took vexipc-ring)
	vexipc-bench -s 256:2048 -d 1 -n 200 --repeat 5 -p vexipc-ring --with-waiting 100000 \
		--json "$BATS_TEST_TMPDIR/json"
	jq -e --argjson none "$none" '.waiting == 100000 and .waiting_bytes < 256 + 560 and
		.results[0].median <= 1.15 * $none' "$BATS_TEST_TMPDIR/json"
	assert_idle
}

@test "bench: only peers that can be several are; too many are refused" {
	run -1 vexipc-bench --with-services 8 -p unix-stream
	assert_output_has "unix-stream: has one service only"
	run ! vexipc-bench --with-services 1025
	assert_output_has "not a number from 1 to 1024"
}
