#!/usr/bin/env bats
# How much is let in: rates, what may be held, and who pays for it.

load common
load cgroup

# Each test has a module of its own: nobody sees what another has set.
setup_file() { :; }
setup() { load_module; }
teardown() {
	stop_all
	unload_module
}
teardown_file() { :; }

# bats test_tags=smoke
@test "a user's rate: what is more is refused, EDQUOT, and told when to come back; live" {
	abi-admission of_user
}

@test "the instance's rate, and the module's" {
	abi-admission of_instance_and_module
}

@test "each session has a rate of its own" {
	abi-admission of_session
}

@test "a service that has had its share is passed over; when all have had theirs it is told" {
	abi-admission of_service
}

@test "a refusal takes nothing from any bucket" {
	abi-admission all_or_nothing
}

@test "over messages, ERROR tells when to come back" {
	abi-admission by_message
}

@test "what is held is bounded: bytes and requests of a user, an instance, the module" {
	abi-admission held
}

@test "a rate of requests: a batch is as many as its items; who is refused is told when to come back" {
	start_echo one
	config limit_user_requests=1 limit_user_burst_ms=5000
	run -1 --separate-stderr vexipc embed --batch 20 {1..20}
	refused=$(jq -s 'map(select(.error == "rate_limited")) | length' <<<"$output")
	[ "$refused" -gt 0 ] && [ "$refused" -le 15 ]
	jq -se 'length == 20 and all(.error == null or
		.error == "rate_limited" and .retry_after_ms > 0 and .retry_after_ms <= 5000)' \
		<<<"$output"
	assert_equal "$(stat_of limited_user)" "$refused"
	assert_equal "$(stat_of completed)" "$((20 - refused))"
	assert_idle
}

@test "what is above the namespaces is set in the first one only" {
	ip netns add other
	run -0 ip netns exec other abi-admission module_field
	ip netns del other
}

@test "one namespace's flood takes from the module's rate, which all share" {
	ip netns add other
	start_echo one
	start two ip netns exec other vexipc-embedd --id two --engine echo
	wait_until 30 ip netns exec other vexipc status two
	config limit_module_bytes=1 limit_module_burst_ms=10000
	vexipc embed 0123456789 >/dev/null
	run ip netns exec other vexipc embed 0123456789
	assert_output_has rate_limited
	assert_equal "$(ip netns exec other vexipc stats --json | jq .limited_module)" 1
	config limit_module_bytes=0
	ip netns exec other vexipc embed 0123456789 >/dev/null
	stop two
	ip netns del other
	assert_idle
}

@test "vexipc embed tells when to come back, and the alert that limiting began" {
	start_echo one
	start_monitor alerts vexipc monitor --json
	config limit_user_bytes=1 limit_user_burst_ms=10000
	vexipc embed 0123456789 >/dev/null
	run vexipc embed 0123456789
	assert_status 1
	assert_output_has "(again in "
	assert_output_has "more requests than are allowed"
	run --separate-stderr vexipc embed 0123456789
	jq -e '.error == "rate_limited" and .retry_after_ms > 0 and .retry_after_ms <= 10000' \
		<<<"$output"
	wait_line "$BATS_TEST_TMPDIR/alerts.out" rate-limited
	assert_equal "$(stat_of limited_user)" 2
	assert_equal "$(stat_of refused_by.rate_limited)" 2
	assert_idle
}

as_user() { setpriv --reuid "$1" --regid 4242 --clear-groups "${@:2}"; }

@test "one user's flood is limited, another's requests pass" {
	chgrp 4242 /dev/vexipc
	start_echo one
	local text
	text=$(printf '%0100d' 7)
	config limit_user_bytes=1 limit_user_burst_ms=600000
	# 600 bytes each, and then none for long: of 30 texts six pass.
	yes "$text" | head -30 | as_user 1001 vexipc embed -j 8 >"$BATS_TEST_TMPDIR/flood" || :
	passed=$(jq -s 'map(select(.error == null)) | length' "$BATS_TEST_TMPDIR/flood")
	[ "$passed" -ge 6 ] && [ "$passed" -le 9 ]
	as_user 1002 vexipc embed "$text" >/dev/null
	run as_user 1001 vexipc embed "$text"
	assert_output_has rate_limited
	as_user 1003 vexipc embed "$text" >/dev/null
	assert_equal "$(stat_of limited_user)" $((30 - passed + 1))
	assert_idle
}

@test "adaptive_rates: while a flood fills the queues rates are lower" {
	abi-admission adaptive_rates
}

@test "a client over its memory.max gets ENOMEM, is not killed, and the others notice nothing" {
	start_echo one --transport chardev -o delay=100000
	start_echo two --dims 7
	vexipc drain two
	group=$(limited_cgroup 12M)
	mkfifo "$BATS_TEST_TMPDIR/hold"
	start glutton sh -c "exec abi-admission memory $group <$BATS_TEST_TMPDIR/hold"
	exec 9>"$BATS_TEST_TMPDIR/hold"
	wait_line "$BATS_TEST_TMPDIR/glutton.out" full 60 || {
		errors_of glutton
		return 1
	}
	running glutton
	vexipc resume two
	vexipc embed --dims 7 another >/dev/null
	assert_equal "$(grep -c . "$BATS_TEST_TMPDIR/glutton.out")" 2
	grep -q '^oom_kill 0' "$group/memory.events"
	exec 9>&-
	finish glutton
	assert_equal "$status" 0
	stop one
	assert_idle
	remove_cgroup "$group"
}

@test "answers that are left unread are at the expense of the client, not of the service" {
	local failed
	for transport in chardev netlink ring; do
		start_echo "$transport" --transport "$transport"
	done
	config max_queue_size=10000 request_timeout_ms=3600000 stall_timeout_ms=0 \
		health_check_interval_sec=3600
	group=$(limited_cgroup 24M)
	mkfifo "$BATS_TEST_TMPDIR/hold"
	for transport in chardev netlink ring; do
		failed=$(stat_of failed)
		kill -STOP "$(pid_of "$transport")"
		start "to-$transport" sh -c "exec abi-admission unread $group $transport \
			<$BATS_TEST_TMPDIR/hold"
		exec 9>"$BATS_TEST_TMPDIR/hold"
		wait_line "$BATS_TEST_TMPDIR/to-$transport.out" submitted 60 || {
			errors_of "to-$transport"
			return 1
		}
		kill -CONT "$(pid_of "$transport")"
		wait_stat in_flight 0 120
		wait_stat queued 0 120
		# Nothing that the service did wrong, and others are served.
		wait_until 20 service_is "$transport" active
		assert_equal "$(vexipc status "$transport" --json | jq .failures)" 0
		vexipc embed --dims 8192 --service "$transport" another >/dev/null
		exec 9>&-
		finish "to-$transport" 120
		assert_equal "$status $(errors_of "to-$transport")" '0 '
		[ "$(stat_of failed)" -gt "$failed" ]
	done
	config max_queue_size=1000 request_timeout_ms=30000 stall_timeout_ms=10000 \
		health_check_interval_sec=30
	assert_idle
	remove_cgroup "$group"
}
