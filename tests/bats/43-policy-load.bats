#!/usr/bin/env bats
# What the load policy makes of newcomers.
# Time is counted instructions here: see 43-simulation.bats.
# bats file_tags=icount

load common
load sim

setup() {
	load_module
	vexipc policy load load
}

# sim NAME OPTION...: its JSON is in the file NAME. A worker for each request: what a
# service gets is not for its queue.
sim() {
	vexipc-sim -w 90 "${@:2}" >"$BATS_TEST_TMPDIR/$1"
	holds "$1" '.completed == .submitted'
	assert_equal "$(vexipc policy show --json | jq -c '[.in_use, .fallbacks]')" '[true,0]'
}

# share NAME SERVICE FROM TO CONDITION: of all requests of these seconds it had that part.
share() {
	holds "$1" ".by_second[$3:$4] | (map(.[$2]) | add) / (map(add) | add) |
		(\"# seconds $3 to $4: \(.)\\n\" | stderr | false) or $5" 2>&3
}

# Some 200 a second; a fourth of them is the share of one service. What each gets
# differs a little from second to second.
@test "a newcomer gets a small share at first, and all of it ten seconds later" {
	sim new -n 4 -j 3:12 -d 27 -l 0.006
	share new 3 0 12 '. == 0'
	share new 3 12 14 '. > 0.01 and . < 0.16'
	share new 3 20 27 '. > 0.16 and . < 0.34'
	for old in 0 1 2; do share new $old 20 27 '. > 0.16 and . < 0.34'; done
}
