#!/usr/bin/env bats
# Policies and telemetry that misbehave, come and go while there are requests: each is
# answered once, whoever chooses.
# bats file_tags=slow

load common
load life
load policy

start_services() {
	calm
	start_service a -t chardev
	start_service b -t netlink
	start_service c -t ring
	start_monitor monitor vexipc monitor --json
	start_load
}

alerts_are() {
	[ "$(grep -cE "policy-detached.*policy $1 detached: $2" "$BATS_TEST_TMPDIR/monitor.out")" = "$3" ]
}

# thrown_out NAME REASON TIMES: detached, and told so, for the so-manieth time; the
# algorithm chooses.
thrown_out() {
	local before
	wait_until 60 policy_is "$1" state detached
	run -0 policy show
	assert_output_has "policy $1 is not loaded"
	[[ $output =~ $2 ]]
	wait_until 20 alerts_are "$1" "$2" "$3"
	before=$(policy show --json | jq .fallbacks)
	next_round
	[ "$(policy show --json | jq .fallbacks)" -gt "$before" ]
	assert_equal "$(policy show --json | jq -c '[.uses, .in_use]')" "[\"$1\",false]"
}

@test "nonsense under load: a policy that begins with it is thrown out, again and again" {
	start_services
	for i in $(seq "$(scale 3)"); do
		load_test turns
		thrown_out turns 'select returned [0-9]+, beyond the candidates' "$i"
		assert_equal "$(policy_of turns chosen)" 100
		# Two processors may be in it as it is condemned.
		[ "$(policy_of turns bad_answers)" -ge 8 ]
		[ "$(policy_of turns bad_answers)" -le $((8 + $(nproc))) ]
	done
	finish_load a b c
}

@test "slow under load: left out, and thrown out when it is slow again" {
	start_services
	max_us 20000
	for i in $(seq "$(scale 2)"); do
		load_test slow
		thrown_out slow 'took [0-9]+ us, more than policy_max_us=20000' "$i"
		[ "$(policy_of slow overruns)" -ge 2 ]
		[ "$(policy_of slow max_ns)" -gt 60000000 ]
	done
	finish_load a b c
}

# The loader is killed at any moment: before it has loaded, between, or after.
@test "killed, replaced and unloaded under load: the policy is whole or is not there" {
	start_services
	for i in $(seq "$(scale 4)"); do
		start loader vexipc policy load "$(test_policy weight)"
		sleep "$(awk "BEGIN { print $i % 8 / 10 }")"
		stop loader KILL
		# What nobody holds goes a moment later.
		if [ -e /sys/fs/bpf/vexipc/policy/weight ]; then
			policy_is weight state loaded
		else
			wait_until 20 no_policy weight
		fi
		load_test first --name weight
		load_test weight
		assert_equal "$(policy_of weight state)" loaded
		policy unload weight
		wait_until 20 no_policy weight
	done
	assert_equal "$(policy list --json)" '[]'
	finish_load a b c
}

# Who attaches is killed, and what that left is detached. Attaching takes long.
@test "telemetry comes, goes and is killed under load, beside a policy that reads its maps" {
	vexipc telemetry attach
	policy load load
	start_services
	for i in $(seq "$(scale 2)"); do
		start attacher vexipc telemetry attach
		sleep "$(awk "BEGIN { print $i / 5 }")"
		stop attacher KILL
		vexipc telemetry detach
		next_round
		vexipc telemetry attach
		run -0 vexipc telemetry status
	done
	next_round
	assert_equal "$(policy_of load '| "\(.state) \(.bad_answers) \(.declined) \(.overruns)"')" \
		"loaded 0 0 0"
	assert_equal "$(policy show --json | jq '.in_use and .fallbacks == 0 and .chosen > 0')" true
	finish_load a b c
}
