#!/usr/bin/env bats
# Which service gets a request: each algorithm, sessions, the retry budget, and
# services that make no progress.

load common
load life

# who [OPTION...]: the service that answers a request.
who() { vexipc embed "$@" | jq -r .service; }

# share_of ID: how many of the JSON lines in $output are its.
share_of() { of_all "map(select(.service == \"$1\")) | length"; }

# hold_pinned ID N: it has N requests in hand and answers none.
hold_pinned() {
	submit "held-$1" "$2" --service "$1"
	holds "$1" "$2"
}

@test "least-connections: the one with the fewest requests, not the next one" {
	start_service busy -m hold
	start_service free
	hold_pinned busy 3
	config algorithm=least-connections
	for i in 1 2 3 4; do assert_equal "$(who "$i")" free; done
}

@test "--algorithm overrides the instance's for a request" {
	start_service busy -m hold
	start_service free
	hold_pinned busy 3
	for i in 1 2 3 4; do assert_equal "$(who --algorithm least-connections "$i")" free; done
	start other vexipc embed 1
	start another vexipc embed 2
	holds busy 4
}

@test "priority: the lower tier only when the upper one is full or gone" {
	start_service low -p 10
	start_service high -p 200 -c 1
	config algorithm=priority
	for i in 1 2 3; do assert_equal "$(who "$i")" high; done
	tell high 'mode hold'
	start held vexipc embed 4
	holds high 1
	for i in 1 2 3; do assert_equal "$(who "$i")" low; done
	tell high 'mode answer'
	tell high flush
	results held
	assert_equal "$(who 5)" high
	vexipc drain high
	assert_equal "$(who 6)" low
	vexipc resume high
	assert_equal "$(who 7)" high
}

@test "capability: the tightest fit, and what only the wide one can do goes there" {
	start_service wide
	start_service tight -d 8
	config algorithm=capability
	for i in 1 2 3 4; do assert_equal "$(who --dims 8 "$i")" tight; done
	assert_equal "$(who --dims 16 5)" wide
}

@test "weighted-round-robin: shares by weight, exactly" {
	start_service three -w 300
	start_service one -w 100
	config algorithm=weighted-round-robin
	seq 40 >"$BATS_TEST_TMPDIR/texts"
	run -0 vexipc embed -j 1 -f "$BATS_TEST_TMPDIR/texts"
	assert_equal "$(share_of three)" 30
	assert_equal "$(share_of one)" 10
}

@test "consistent-hash: the same text to the same service, and few move when one dies" {
	local before
	for id in a b c d; do start_service "$id"; done
	config algorithm=consistent-hash
	seq 100 >"$BATS_TEST_TMPDIR/texts"
	run -0 vexipc embed -f "$BATS_TEST_TMPDIR/texts"
	before=$(of_all 'map(.service)')
	run -0 vexipc embed -f "$BATS_TEST_TMPDIR/texts"
	assert_equal "$(of_all 'map(.service)')" "$before"
	stop a
	run -0 vexipc embed -f "$BATS_TEST_TMPDIR/texts"
	jq -e --argjson before "$before" '[$before, map(.service)] | transpose |
		all(.[0] == .[1] or .[0] == "a") and any(.[0] == "a")' \
		<<<"$(json_lines | jq -sc .)"
}

@test "least-response-time, load-based and peak-ewma leave one that fails alone" {
	for algorithm in least-response-time load-based peak-ewma; do
		fresh_module
		config algorithm="$algorithm" breaker_failures=0 breaker_error_percent=0
		start_service good
		start_service bad -m fail
		seq 30 >"$BATS_TEST_TMPDIR/texts"
		run vexipc embed --timeout 60000 -f "$BATS_TEST_TMPDIR/texts"
		echo "$algorithm: $(requests_of bad)"
		[ "$(requests_of bad)" -le 3 ]
		[ "$(requests_of good)" -ge 27 ]
		stop_all
	done
}

@test "algorithms change live and no request is lost or answered twice" {
	for id in a b c d; do start_service "$id" -t mix; done
	submit client 400 -j 8
	for algorithm in least-connections least-response-time load-based priority capability \
		weighted-round-robin peak-ewma consistent-hash round-robin; do
		config algorithm="$algorithm"
	done
	results client
	assert_status 0
	every '.error == null and .attempts == 1'
	assert_equal "$(of_all 'map(.request_id) | unique | length')" 400
	stats_are submitted=400 completed=400 orphans=0 retries=0
	assert_idle
}

@test "a session stays with its service, moves once when that goes, and stays" {
	for id in a b c; do start_service "$id"; done
	at=$(who --session mine 1)
	for i in 1 2 3 4; do assert_equal "$(who --session mine "$i")" "$at"; done
	vexipc drain "$at"
	now=$(who --session mine 1)
	[ "$now" != "$at" ]
	vexipc resume "$at"
	for i in 1 2 3 4; do assert_equal "$(who --session mine "$i")" "$now"; done
}

@test "sticky_timeout_sec: 0 lets sessions go round; after it a session is forgotten" {
	for id in a b; do start_service "$id"; done
	config sticky_timeout_sec=0
	[ "$(who --session mine 1)" != "$(who --session mine 2)" ]
	config sticky_timeout_sec=1
	at=$(who --session mine 1)
	sleep 1.5
	[ "$(who --session mine 1)" != "$at" ]
}

@test "retry_budget_percent: how many requests under way are retried at once" {
	config retry_backoff_base_ms=60000 breaker_failures=0 breaker_error_percent=0
	for percent in 20 50; do
		config retry_budget_percent="$percent"
		start_service "bad$percent" -m hold
		submit "client$percent" 20 --timeout 100000
		holds "bad$percent" 20
		tell "bad$percent" 'mode retry'
		tell "bad$percent" flush
		# The others are told at once.
		wait_stat failed $((percent == 20 ? 16 : 16 + 10))
		stop "client$percent"
		stop "bad$percent"
	done
}

@test "stall_timeout_ms: one that beats but answers nothing is degraded, and back when it answers" {
	config stall_timeout_ms=500
	start_service stuck -m hold
	start_service good
	hold_pinned stuck 1
	wait_until 20 status_is stuck state degraded
	tell stuck heartbeat
	status_is stuck state degraded
	for i in 1 2 3 4; do assert_equal "$(who "$i")" good; done
	tell stuck 'mode answer'
	tell stuck flush
	wait_until 20 status_is stuck state active
	config stall_timeout_ms=0
	tell stuck 'mode hold'
	hold_pinned stuck 1
	sleep 2
	status_is stuck state active
}

@test "slow_after_ms: one that takes long is degraded, and back when it answers in time" {
	config slow_after_ms=3000
	start_service slow -m hold
	start_service good
	hold_pinned slow 1
	sleep 8
	tell slow 'mode answer'
	tell slow flush
	wait_until 20 status_is slow state degraded
	status_is slow health 50
	for i in 1 2 3 4; do assert_equal "$(who "$i")" good; done
	run -0 vexipc embed --service slow {1..30}
	wait_until 20 status_is slow state active
	status_is slow health 100
	config slow_after_ms=0
}

@test "slow_start_sec: load-based gives a newcomer little at first" {
	config algorithm=load-based slow_start_sec=0
	start_service old
	run -0 vexipc embed 1
	start_service new
	# Each has answered once.
	vexipc embed --service new 1
	config slow_start_sec=3600
	# Both are newcomers now: as good as equal.
	seq 20 >"$BATS_TEST_TMPDIR/texts"
	tell old 'mode hold'
	hold_pinned old 2
	run -0 vexipc embed -f "$BATS_TEST_TMPDIR/texts"
	assert_equal "$(share_of new)" 20
	tell old 'mode answer'
	tell old flush
	config slow_start_sec=4
	sleep 4
	start_service newest
	vexipc embed --service newest 1
	run -0 vexipc embed -f "$BATS_TEST_TMPDIR/texts"
	[ "$(share_of newest)" -le 2 ]
}
