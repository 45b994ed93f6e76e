#!/usr/bin/env bats
# Balancing policies in BPF: loaded, used, replaced, and thrown out.

load common
load life
load policy

setup() {
	fresh_module
	patient
	ip netns add there
}

teardown() {
	stop_all
	! ip netns list | grep -q '^there' || ip netns delete there
	unload_policies
	[ ! -e /sys/fs/bpf/vexipc ] || vexipc telemetry detach
	# A program that is gone for us is freed a moment later.
	unload_module
}

there() { ip netns exec there "$@"; }

# bats test_tags=smoke
@test "requests go where the policy says; without it, where the algorithm says" {
	start_echo light --weight 1
	start_echo heavy --weight 900
	load_test weight
	embed 10
	assert_equal "$(stat_of completed heavy) $(stat_of completed light)" "10 0"
	assert_equal "$(policy_of weight chosen)" 10
	load_test first
	embed 10
	assert_equal "$(stat_of completed heavy) $(stat_of completed light)" "10 10"
	policy use none
	embed 10
	assert_equal "$(stat_of completed heavy) $(stat_of completed light)" "15 15"
	# A request may say how it wants to be balanced.
	policy use weight
	vexipc embed --algorithm round-robin one two >/dev/null
	assert_equal "$(policy_of weight calls)" 10
}

# bats test_tags=smoke
@test "the shipped policies load, choose, and are unloaded; the module goes after" {
	start_echo one --weight 100
	start_echo two --weight 100
	for name in load content; do
		policy load "$name"
		embed 20
		assert_equal "$(policy_of "$name" chosen)" 20
		assert_equal "$(policy_of "$name" bad_answers) $(policy_of "$name" declined)" "0 0"
		policy unload "$name"
		run -4 policy show "$name"
		[ ! -e "/sys/fs/bpf/vexipc/policy/$name" ]
	done
	run -0 policy show
	assert_output_has 'no policy'
}

# flees ID: of 60 requests it gets a sixth at the most; blindly chosen, it had half. Where
# processors are taken away the other one is slow for once: the third time counts.
flees() {
	local got
	for _ in 1 2 3; do
		got=-$(stat_of completed "$1")
		embed 60
		got=$((got + $(stat_of completed "$1")))
		echo "$1: $got of 60"
		[ "$got" -gt 10 ] || return 0
	done
	return 1
}

@test "policy load spares who reports a busy processor, or more memory than others" {
	calm
	policy load load
	abi-policy reported
	vexipc telemetry attach
	policy load load
	abi-policy reported
	vexipc telemetry detach
}

@test "policy load goes by telemetry, and by the module's own figures without it" {
	start_echo fast
	start_echo slow --engine-options delay=300
	policy load load
	flees slow
	policy unload load
	vexipc telemetry attach
	policy load load
	flees slow
	# What telemetry leaves behind is not gone by when it is old.
	vexipc telemetry detach
	sleep 2.5
	flees slow
	vexipc telemetry attach
	flees slow
	vexipc telemetry detach
	assert_equal "$(policy_of load bad_answers)" 0
}

@test "policy content sends long texts to the lower tier, and models to who lists them" {
	start_echo low --priority 1
	start_echo high --priority 200
	policy load content
	embed 5
	assert_equal "$(stat_of completed high) $(stat_of completed low)" "5 0"
	printf '%03000d\n' 1 2 3 >"$BATS_TEST_TMPDIR/long"
	vexipc embed -f "$BATS_TEST_TMPDIR/long" >/dev/null
	assert_equal "$(stat_of completed high) $(stat_of completed low)" "5 3"
}

@test "the policy hears how attempts ended" {
	start_echo good
	load_test first
	embed 7
	run -0 bpftool -j map dump name first_counts
	assert_equal "$(jq -r '.[0].formatted.value | "\(.selected) \(.completed) \(.failed)"' <<<"$output")" "7 7 0"
}

@test "a policy is replaced under load, again and again, without losing a request" {
	calm
	start_service a -t chardev
	start_service b -t netlink
	load_test first
	start_load
	for i in $(seq "$(scale 5)"); do
		for file in first weight first; do load_test "$file" --name first; done
	done
	assert_equal "$(policy_of first updates)" "$((3 * $(scale 5)))"
	assert_equal "$(policy list --json | jq length)" 1
	finish_load a b
}

@test "a policy is loaded, unloaded and killed under load: no request is lost" {
	calm
	start_service a -t chardev
	start_service b -t netlink
	start_load
	for i in $(seq "$(scale 10)"); do
		load_test weight
		case $((i % 3)) in
		0) policy unload weight ;;
		1) rm /sys/fs/bpf/vexipc/policy/weight ;;
		2) bpftool link detach id "$(policy_of weight link_id)" ;;
		esac
		wait_until 20 no_policy weight
	done
	finish_load a b
}

# bats test_tags=smoke
@test "a policy that answers nonsense is detached; there is an alert, and show tells why" {
	start_service a
	start_monitor monitor vexipc monitor --json
	load_test bad
	embed 20
	wait_until 20 policy_is bad state detached
	run -0 policy show bad
	assert_output_has 'beyond the candidates'
	assert_equal "$(policy_of bad bad_answers)" 8
	assert_equal "$(policy_of bad link_id)" 0
	wait_line "$BATS_TEST_TMPDIR/monitor.out" 'policy-detached.*policy bad detached: select returned'
	run -0 policy show --json
	assert_equal "$(jq -c '[.uses, .in_use, .fallbacks]' <<<"$output")" '["bad",false,20]'
	# A better one may take its name and place.
	load_test weight --name bad
	embed 5
	assert_equal "$(policy_of bad state) $(policy_of bad chosen)" "loaded 5"
	stats_are completed=25 failed=0
}

@test "a slow policy is bypassed at once, and detached when it is slow again" {
	start_service a
	max_us 20000
	load_test slow
	embed 5
	assert_equal "$(policy_of slow calls) $(policy_of slow overruns)" "1 1"
	run -0 policy show slow
	assert_output_has 'more than policy_max_us'
	sleep 1.1
	embed 5
	wait_until 20 policy_is slow state detached
	assert_equal "$(policy_of slow calls) $(policy_of slow overruns)" "2 2"
	stats_are completed=10 failed=0
}

@test "policies that may not be are refused, and the message says why" {
	run -1 load_test sleeps
	assert_output_has 'cannot load'
	run -1 load_test looks_beyond
	assert_output_has 'the verifier refuses it'
	run -1 load_test refuses
	assert_output_has 'cannot attach policy refuses: '
	run -1 policy load /dev/null
	run -1 policy load /nowhere.bpf.o
	assert_output_has 'No such file'
	run -2 load_test first --name 'a/b'
	run -4 policy use first
	run -4 policy unload first
	assert_equal "$(policy list --json)" '[]'
}

@test "one name, one policy: what holds it otherwise is not replaced" {
	load_test first
	# Loaded, but with a link that is not where it is looked for.
	mv /sys/fs/bpf/vexipc/policy/first /sys/fs/bpf/elsewhere ||
		bpftool link pin id "$(policy_of first link_id)" /sys/fs/bpf/elsewhere
	rm -f /sys/fs/bpf/vexipc/policy/first
	run -1 load_test weight --name first
	assert_output_has 'another policy of that name is loaded'
	assert_equal "$(policy_of first updates)" 0
	rm /sys/fs/bpf/elsewhere
	wait_until 20 no_policy first
	load_test weight --name first
}

# bats test_tags=smoke
@test "each namespace has its own policy, and only who administers it chooses" {
	for ns in here there; do
		for id in light heavy; do
			weight=1
			[ "$id" = light ] || weight=900
			if [ "$ns" = here ]; then
				start_echo "$id" --weight "$weight"
			else
				start "there-$id" ip netns exec there vexipc-embedd --id "$id" \
					--engine echo --weight "$weight"
				wait_until 30 there vexipc status "$id"
			fi
		done
	done
	load_test weight
	load_test first --no-use
	there vexipc policy use first
	embed 4
	there vexipc embed a b c d >/dev/null
	assert_equal "$(stat_of completed heavy) $(stat_of completed light)" "4 0"
	assert_equal "$(there vexipc stats light --json | jq .completed)" 4
	assert_equal "$(policy_of weight chosen) $(policy_of first chosen)" "4 4"
	run -5 unshare --user --map-root-user vexipc policy use first
	ip netns delete there
}
