#!/usr/bin/env bats
# Tracepoints: their names and arguments are an interface.

load common

events="alert request_attempt request_complete request_orphan request_queue request_refuse
	request_retry request_send request_submit service_breaker service_heartbeat service_probe
	service_register service_state service_unregister"
# Those that a short run does not bring about.
rare="access_denied cache_lookup instance_exit request_carry request_hedge request_unqueue
	request_unsend"

@test "trace-cmd lists every event, with its arguments" {
	local event
	run trace-cmd list -e '^vexipc:' --full -F
	for event in $events $rare; do
		assert_output_has "name: vexipc_$event"
	done
	assert_output_has "field:u64 correlation"
	assert_output_has "field:char id[64]"
}

# documented: the tracepoints that docs/abi.md lists, one a line with their arguments.
documented() {
	sed -n '/^## Tracepoints/,/^## [^T]/{ /^```$/,/^```$/{ /^```/d; p } }' \
		"$BATS_TEST_DIRNAME/../../docs/abi.md" | tr -s '\n\t' '  ' | sed 's/) */)\n/g'
}

# actual: those that the module has: their arguments in the order of BTF, where types
# are hidden behind numbers, with the types of their fields.
actual() {
	local btf=$BATS_TEST_TMPDIR/btf format name proto arg args
	bpftool btf dump file /sys/kernel/btf/vexipc >"$btf"
	for format in /sys/kernel/tracing/events/vexipc/vexipc_*/format; do
		name=${format%/format} name=${name##*/} args=''
		proto=$(sed -n "s/.* FUNC '__traceiter_$name' type_id=\([0-9]*\).*/\1/p" "$btf")
		while read -r arg; do
			args+=", $(field_of "$format" "$arg")"
		done < <(sed -n "/^\[$proto\] /,/^\[/{ s/^\t'\([a-z_]*\)' .*/\1/p }" "$btf" |
			grep -v '^__data$')
		echo "$name(${args#, })"
		fields_are "$format" "$args" || echo "$name has other fields than arguments"
	done
}

# field_of FORMAT NAME: as it is declared there.
field_of() { sed -n "s/^\tfield:\(.* $2\(\[[0-9]*\]\)\?\);\toffset.*/\1/p" "$1"; }

# fields_are FORMAT ARGUMENTS: has the record as many as that?
fields_are() {
	local commas=${2//[!,]/}
	[ "$(grep -c '^.field:' "$1")" = $((${#commas} + $(grep -c '^.field:.* common_' "$1"))) ]
}

@test "each tracepoint is documented with its arguments, in their order, and has no others" {
	run -0 diff <(documented | sort) <(actual | sort)
	[ "$(documented | grep -c '^vexipc_[a-z_]*(u64 instance.*)$')" -gt 20 ]
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
