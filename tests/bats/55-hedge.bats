#!/usr/bin/env bats
# Hedges: what is late at one service is asked of a second one, and the first answer
# is the request's.

load common
load life

pins=/sys/fs/bpf/vexipc

teardown() {
	stop_all
	[ ! -e "$pins" ] || vexipc telemetry detach
	unload_module
}

# Two services that usually answer at once: enough of their times is known.
quick_services() {
	local id
	for id in slow fast; do start_service "$id" "$@"; done
	vexipc embed {1..80} >/dev/null
}

hedging() { config hedge_percentile=90 "$@"; }

# answers ID: what it holds, and what comes.
answers() {
	tell "$1" 'mode answer'
	tell "$1" flush
}

hold() { tell "$1" 'mode hold'; }

# called_off: how many requests the slow one got that the other answered. Where it was
# the one that was hedged to, that may be over before the hedge is sent.
called_off() {
	wait_until 20 status_is slow in_flight 0
	wait_until 20 status_is slow queued 0
	stat_of cancelled slow
}

@test "nothing is hedged by default" {
	assert_equal "$(config_of hedge_percentile)" 0
	quick_services
	hold slow
	submit many 4
	holds slow 2
	sleep 1
	stats_are hedges=0 hedges_won=0
	answers slow
	results many
	every '.error == null and .hedged == null and .attempts == 1'
	assert_idle
}

# bats test_tags=smoke
@test "what is late is answered by a second service; the late answer is an orphan" {
	quick_services
	hedging
	before=$(stat_of completed)
	hold slow
	for i in 1 2 3 4; do
		run -0 vexipc embed --dims 1 "$i"
		every '.service == "fast"'
		assert_equal "$(of_all '.[0].embedding')" "[$i]"
	done
	won=$(stat_of hedges_won)
	[ "$won" -ge 2 ]
	stats_are completed=$((before + 4)) retries=0 failed=0 orphans=0
	assert_equal "$(stat_of hedges_won fast)" "$won"
	cancelled=$(called_off)
	[ "$cancelled" -ge "$won" ]
	[ "$cancelled" -le "$(stat_of hedges)" ]
	answers slow
	wait_stat orphans "$cancelled"
	assert_idle
}

@test "the client is told that a hedge answered" {
	quick_services
	hedging
	hold slow
	output=$(for i in 1 2 3 4; do vexipc embed "$i"; done)
	assert_equal "$(of_all 'map(select(.hedged)) | length')" "$(stat_of hedges_won)"
	assert_equal "$(of_all 'map(select(.hedged) | .attempts == 2) | all')" true
	assert_equal "$(of_all 'map(select(.hedged | not) | .attempts <= 2) | all')" true
}

@test "when the first service answers first, the hedge's answer is an orphan" {
	quick_services
	hedging
	hold slow
	hold fast
	submit one 1
	wait_stat hedges 1
	wait_until 20 all_hold_one
	[ "$(requests_of slow)" -gt 0 ]
	stats_are in_flight=1
	before=$(stat_of orphans)
	first=$(first_of)
	answers "$first"
	results one
	every ".service == \"$first\" and .hedged == null and .attempts == 2"
	for id in slow fast; do answers "$id"; done
	wait_stat orphans $((before + 1))
	stats_are hedges=1 hedges_won=0
	assert_idle
}

# ask_both: one request, which both services have when this returns; neither answers.
ask_both() {
	hold slow
	hold fast
	submit one 1
	wait_until 20 all_hold_one
}

all_hold_one() { status_is slow in_flight 1 && status_is fast in_flight 1; }

# first_of: the one that has the request, not its hedge.
first_of() { [ "$(stat_of hedges slow)" = 0 ] && echo slow || echo fast; }
other_than() { [ "$1" = slow ] && echo fast || echo slow; }

@test "hedges keep to their budget" {
	quick_services
	hedging hedge_budget_percent=0
	hold slow
	hold fast
	submit many 40
	wait_stat in_flight 40
	wait_stat hedges 3
	sleep 1
	stats_are hedges=3 in_flight=40
	for id in slow fast; do answers "$id"; done
	results many
	every '.error == null'
	assert_idle
}

@test "what may go to one service only, and what may not be retried, is not hedged" {
	quick_services
	hedging
	hold slow
	submit pinned 2 --service slow
	holds slow 2
	sleep 1
	stats_are hedges=0
	answers slow
	results pinned
	hold slow
	hold fast
	config max_retry_attempts=0
	submit once 2
	wait_stat in_flight 2
	sleep 1
	stats_are hedges=0
	for id in slow fast; do answers "$id"; done
	results once
	every '.error == null'
	assert_idle
}

@test "a session stays where it is when one of its requests is hedged" {
	quick_services
	run -0 vexipc embed --session mine 1
	at=$(of_all '.[0].service' | tr -d '"')
	other=$(other_than "$at")
	hedging
	hold "$at"
	run -0 vexipc embed --session mine 2
	every ".hedged and .service == \"$other\""
	answers "$at"
	config hedge_percentile=0
	run -0 vexipc embed --session mine 3
	every ".service == \"$at\""
	assert_idle
}

@test "either service may be killed in between: the other answers" {
	quick_services
	hedging
	for which in first other; do
		ask_both
		id=$(first_of)
		[ "$which" = first ] || id=$(other_than "$id")
		stop "$id" KILL
		left=$(other_than "$id")
		answers "$left"
		results one
		every ".service == \"$left\""
		stop "$left"
		assert_idle
		fresh_module
		quick_services
		hedging
	done
}

@test "when both are killed the request fails, once" {
	quick_services
	hedging
	ask_both
	stop slow KILL
	stop fast KILL
	results one
	every '.error == "service_died"'
	stats_are failed=1
	assert_idle
}

@test "a client that is killed leaves no hedge" {
	quick_services
	hedging
	ask_both
	stop one KILL
	holds slow 0
	holds fast 0
	assert_idle
}

@test "what travels in batches is hedged, one by one" {
	quick_services -b 8
	hedging hedge_budget_percent=100 dynamic_batching=1
	hold slow
	start client vexipc embed --dims 1 -j 8 {1..24}
	wait_until 60 has_won 4
	# What found no room at the other when it was late waits for this one.
	answers slow
	results client
	assert_success
	assert_equal "$(of_all 'map(.embedding[0])')" \
		'[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24]'
	assert_equal "$(of_all 'map(select(.hedged)) | length')" "$(stat_of hedges_won)"
	assert_idle
}

has_won() { [ "$(stat_of hedges_won)" -ge "$1" ]; }

@test "the trace tells of a hedge, and what came of it" {
	quick_services
	hedging
	hold slow
	trace-cmd record -q -e vexipc:vexipc_request_hedge -o "$BATS_TEST_TMPDIR/trace.dat" \
		vexipc embed {1..4} >/dev/null
	trace-cmd report -q -i "$BATS_TEST_TMPDIR/trace.dat" >"$BATS_TEST_TMPDIR/report"
	assert_equal "$(grep -c 'ended=0 error=0' "$BATS_TEST_TMPDIR/report")" "$(stat_of hedges)"
	assert_equal "$(grep -c 'ended=1 error=0' "$BATS_TEST_TMPDIR/report")" \
		"$(stat_of hedges_won)"
}

@test "telemetry counts hedges, and its figures are those of the module" {
	vexipc telemetry attach
	quick_services
	hedging
	hold slow
	for i in {1..6}; do vexipc embed "$i" >/dev/null; done
	# Whichever of two answers comes second is one.
	cancelled=$(called_off)
	[ "$cancelled" -gt 0 ]
	answers slow
	wait_stat orphans "$cancelled"
	maps=$(vexipc telemetry status --json)
	jq -ne --argjson m "$maps" --argjson s "$(vexipc stats --json)" '
		($m.instances[] | select(.cookie == $m.instance)) as $i |
		["hedges", "hedges_won", "completed", "cancelled", "bytes_in", "bytes_out",
		 "orphans"] | all($i[.] == $s[.]) and $i.hedges > 0'
	jq -e '.services | all(.requests == .completed + .failed + .cancelled and
		.in_flight == 0 and .queued == 0)' <<<"$maps"
	for id in slow fast; do
		jq -ne --argjson s "$(vexipc stats $id --json)" --argjson m "$(jq --arg id $id \
			'.services[] | select(.id == $id)' <<<"$maps")" '
			["completed", "cancelled", "bytes_in", "bytes_out", "orphans"] |
			all($m[.] == $s[.]) and $m.requests == $s.submitted'
	done
}

# bats test_tags=slow
@test "kill storm with hedging: each request has one completion" {
	hedging hedge_percentile=50 hedge_budget_percent=100
	run life-storm -s 6 -k "$(scale 20)" -t 4 -r "$(scale 1500)" -S 1
	echo "$output"
	assert_success
	[ "$(stat_of hedges)" -gt 0 ]
	assert_idle
}
