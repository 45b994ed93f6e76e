#!/usr/bin/env bats
# Circuit breakers: when they open, whom they let through, when they close.

load common
load life

# failing ID N: it fails N requests.
failing() {
	tell "$1" 'mode fail'
	seq "$2" >"$BATS_TEST_TMPDIR/failing"
	run vexipc embed --service "$1" -f "$BATS_TEST_TMPDIR/failing"
	tell "$1" 'mode answer'
}

# answering ID N: it answers N requests.
answering() {
	seq "$2" >"$BATS_TEST_TMPDIR/answering"
	run -0 vexipc embed --service "$1" -f "$BATS_TEST_TMPDIR/answering"
}

breaker_of() { status_of "$1" breaker; }
breaker_is() { assert_equal "$(breaker_of "$1")" "$2" "breaker of $1"; }

# What opens stays open, however slow the machine is, unless a test says so.
two() {
	config breaker_ejection_ms=3600000 breaker_max_ejection_ms=3600000
	start_service bad
	start_service good
}

# gets ID N: of ten requests for anyone it gets N.
gets() {
	seq 10 >"$BATS_TEST_TMPDIR/any"
	run -0 vexipc embed -f "$BATS_TEST_TMPDIR/any"
	assert_equal "$(of_all "map(select(.service == \"$1\")) | length")" "$2" "share of $1"
}

@test "breaker_failures: so many in a row open it, and it gets nothing" {
	two
	failing bad 4
	answering bad 1
	failing bad 4
	breaker_is bad closed
	gets bad 5
	failing bad 5
	breaker_is bad open
	gets bad 0
	config breaker_failures=3
	start_service third
	failing third 3
	breaker_is third open
}

@test "breaker_error_percent and breaker_min_volume: a share of failures opens it" {
	two
	config breaker_failures=0 breaker_min_volume=10
	failing bad 9
	breaker_is bad closed
	failing bad 10
	breaker_is bad open
	config breaker_error_percent=0
	failing good 30
	breaker_is good closed
}

@test "breaker_ejection_ms: half-open after it, closed after five good answers" {
	two
	config breaker_ejection_ms=500
	start_monitor monitor vexipc monitor --json
	failing bad 5
	wait_until 20 status_is bad breaker half-open
	gets bad 5
	breaker_is bad closed
	wait_line "$BATS_TEST_TMPDIR/monitor.out" breaker-opened
	wait_line "$BATS_TEST_TMPDIR/monitor.out" breaker-closed
}

@test "breaker_max_ejection_ms bounds what grows each time it opens again" {
	two
	config breaker_ejection_ms=200 breaker_max_ejection_ms=400
	while [ "$(requests_of bad)" -lt 12 ]; do
		failing bad 5
		wait_until 20 status_is bad breaker half-open
	done
}

@test "breaker_panic_percent: with too few left breakers do not count; 0: all_breakers_open" {
	two
	failing bad 5
	gets bad 0
	failing good 5
	gets bad 5
	config breaker_panic_percent=0
	run vexipc embed 1
	assert_output_has all_breakers_open
	stats_are refused_by.all_breakers_open=1
	run -0 vexipc embed --service bad 1
}

@test "overload is no failure" {
	two
	config max_retry_attempts=0
	tell bad 'mode overload'
	seq 20 >"$BATS_TEST_TMPDIR/texts"
	run vexipc embed --service bad -f "$BATS_TEST_TMPDIR/texts"
	breaker_is bad closed
}

@test "a request that fails before its breaker opens is answered elsewhere" {
	two
	tell bad 'mode retry'
	seq 40 >"$BATS_TEST_TMPDIR/texts"
	run -0 vexipc embed -f "$BATS_TEST_TMPDIR/texts"
	every '.error == null and .service == "good"'
	breaker_is bad open
	assert_equal "$(requests_of bad)" 5
}

@test "vexipc breaker: held open, held closed, let go" {
	two
	vexipc breaker bad open
	breaker_is bad open
	gets bad 0
	vexipc breaker bad closed
	failing bad 30
	breaker_is bad closed
	gets bad 5
	vexipc breaker bad auto
	failing bad 5
	breaker_is bad open
	run -2 vexipc breaker bad ajar
	run -4 vexipc breaker nobody open
	run -0 vexipc services
	assert_output_has BREAKER
}

@test "vexipc breaker: a service has limits of its own, and status shows them" {
	two
	vexipc breaker bad failures=2 ejection_ms=700000
	assert_equal "$(status_of bad breaker_failures) $(status_of bad breaker_ejection_ms)" "2 700000"
	assert_equal "$(status_of good breaker_failures) $(status_of bad breaker_min_volume)" "5 20"
	failing bad 2
	failing good 4
	breaker_is bad open
	breaker_is good closed
	vexipc breaker bad failures=inherit auto
	config breaker_failures=6
	assert_equal "$(status_of bad breaker_failures)" 6
	# One that may not be leaves the others alone.
	run -1 vexipc breaker bad failures=1 min_volume=0
	assert_equal "$(status_of bad breaker_failures)" 6
	run -2 vexipc breaker bad panic=3
	run -2 vexipc breaker bad failures=many
	run -4 vexipc breaker nobody failures=1
}
