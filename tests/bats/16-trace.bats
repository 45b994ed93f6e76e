#!/usr/bin/env bats
# Tracepoints: their names and arguments are an interface.

load common

events="alert request_attempt request_complete request_orphan request_queue request_refuse
	request_retry request_send request_submit service_breaker service_heartbeat service_probe
	service_register service_state service_unregister"
# Those that a short run does not bring about.
rare="access_denied cache_lookup instance_exit request_hedge request_unqueue request_unsend"

@test "trace-cmd lists every event, with its arguments" {
	local event
	run trace-cmd list -e '^vexipc:' --full -F
	for event in $events $rare; do
		assert_output_has "name: vexipc_$event"
	done
	assert_output_has "field:u64 correlation"
	assert_output_has "field:char id[64]"
}

@test "trace-cmd records every step of requests and every change of services" {
	local event
	trace-cmd record -q -e vexipc -o "$BATS_TEST_TMPDIR/trace.dat" bash -ec '
		abi-protocol types chardev netlink
		abi-protocol retries
		abi-netlink alerts
		abi-ioctls serve broken &
		until vexipc breaker broken open; do sleep 0.1; done
		kill %1' >/dev/null
	trace-cmd report -q -i "$BATS_TEST_TMPDIR/trace.dat" >"$BATS_TEST_TMPDIR/report"
	for event in $events; do
		grep -q " vexipc_$event: " "$BATS_TEST_TMPDIR/report" || {
			echo "no vexipc_$event"
			return 1
		}
	done
	grep -q 'vexipc_service_register: .* id=typed ' "$BATS_TEST_TMPDIR/report"
	grep -q 'vexipc_request_complete: .* error=0 attempts=2 ' "$BATS_TEST_TMPDIR/report"
}

@test "bpftrace -e tracepoint:vexipc:* sees a request pass" {
	# bpftrace takes its time: no probe of the module's in between.
	config health_check_interval_sec=3600
	start service abi-ioctls serve traced
	wait_service traced
	run bpftrace -e 'tracepoint:vexipc:* { @[probe] = count(); }' -c "$(command -v vexipc) embed hello"
	assert_success
	for event in submit queue send attempt complete; do
		assert_output_has "@[tracepoint:vexipc:vexipc_request_$event]: 1"
	done
}
