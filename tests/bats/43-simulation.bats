#!/usr/bin/env bats
# What the load policy makes of slow and failing services, and what choosing costs.
# Time is counted instructions here: it may be asserted, however busy the host is.
# Fewer requests than docs/performance.md reports: VEXIPC_SIM_REQUESTS=20000.
# bats file_tags=icount

load common
load sim

requests=${VEXIPC_SIM_REQUESTS:-6000}

setup() { load_module; }

use_load() {
	vexipc telemetry attach
	vexipc policy load load
}

# sim NAME OPTION...: its JSON is in the file NAME.
sim() { vexipc-sim "${@:2}" >"$BATS_TEST_TMPDIR/$1"; }
figure() { jq -r "$2" "$BATS_TEST_TMPDIR/$1"; }

# slow N TIMES: the p99 of round robin is at least so many times that of the policy.
# It is that of all that were accepted: those that timed out had no answer.
slow() {
	local policy robin
	sim robin -s "$1" -r "$requests"
	use_load
	sim policy -s "$1" -r "$requests"
	policy=$(figure policy .ended_us.p99) robin=$(figure robin .ended_us.p99)
	echo "p99: round robin $robin us, policy load $policy us"
	[ "$((policy * $2))" -le "$robin" ]
	holds policy ".completed == $requests"
	assert_equal "$(vexipc policy show --json | jq .fallbacks)" 0
}

@test "one slow service of four: the load policy's p99 is a tenth of round robin's" { slow 1 10; }
@test "two slow services of four: a fifth" { slow 2 5; }

# Not because the slow ones have a queue: a worker for each request.
@test "slow services without queues hardly show in the load policy's p99" {
	use_load
	sim one -s 1 -w 90 -l 0.1 -r "$requests"
	holds one '.latency_us.p99 <= 20000 and .completed == .submitted'
	sim two -s 2 -w 90 -l 0.1 -r "$requests"
	holds two '.latency_us.p99 <= 40000 and .completed == .submitted'
}

# fails NAME FROM TO: service 0 fails half of its requests between these seconds; it
# has under 5 % of the requests after one second of that, and 80 % of an equal share
# ten seconds after.
fails() {
	sim "$1" -F "0:$2:$3:50" -d "$(($3 + 12))" -w 1
	figure "$1" '"share by second: \(.by_second | map((.[0] / add * 1000 | floor) / 1000))"'
	holds "$1" ".by_second[$(($2 + 1)):$3] | (map(.[0]) | add) / (map(add) | add) < 0.05"
	# In one second there are too few requests to tell a fifth from a quarter.
	holds "$1" ".by_second[$(($3 + 7)):$(($3 + 10))] | map(.[0] / add) | add / length >= 0.2"
	holds "$1" '.failed <= .submitted / 1000 and .refused == 0'
}

@test "a service that fails loses its share in a second, and has it back ten after it is well" {
	use_load
	fails short 2 5
	fails long 2 14
}

@test "load beyond what there is is refused, and the rest is answered as fast as can be" {
	vexipc rule add --allow embed --priority critical >/dev/null
	sim over -l 2 -d 4 -p critical=1,normal=8,low=1 -u 1001=9,1002=1
	holds over '.refused_by | keys - ["queue_full", "shed", "would_block"] == []'
	holds over '.refused > 0 and .goodput >= 0.9 * .capacity'
	holds over '.submitted == .completed + .failed + .refused'
	holds over '[.priorities[].submitted, .users[].submitted] | add == 2 * ('"$(figure over .submitted)"')'
	assert_idle
}

@test "choosing takes at most 1.5 times as long of 1024 services as of 8" {
	use_load
	run -0 vexipc-bench --instructions --services 8 --services 1024 -n 300
	echo "$output"
	assert_output_has 'policy load'
	assert_equal "$(awk '$(NF - 3) == 1024 && $NF != "-"' <<<"$output" | wc -l)" 10
	awk '$(NF - 3) == 1024 && $NF > 1.5 { bad = 1 } END { exit bad }' <<<"$output"
}
