# shellcheck shell=bash
# What the tests of policies share, beyond common.bash and life.bash.

setup() {
	fresh_module
	patient
}

teardown() {
	stop_all
	unload_policies
	[ ! -e /sys/fs/bpf/vexipc ] || vexipc telemetry detach
	# A program that is gone for us is freed a moment later.
	unload_module
}

unload_policies() {
	local name
	module_loaded || return 0
	vexipc policy list --json | jq -r '.[] | select(.state != "detached").name' |
		while read -r name; do vexipc policy unload "$name"; done
}

# max_us US: how long a policy may take. Processors are taken away for long where all is
# translated: only tests of slowness have the limit as it is.
max_us() { echo "$1" >/sys/module/vexipc/parameters/policy_max_us; }
patient() { max_us 2000000; }

policy() { vexipc policy "$@"; }
test_policy() { echo "/usr/lib/vexipc/tests/policy_$1.bpf.o"; }
load_test() { vexipc policy load "$(test_policy "$1")" "${@:2}"; }

# policy_of NAME FIELD
policy_of() { vexipc policy show "$1" --json | jq -r ".$2"; }
policy_is() { [ "$(policy_of "$1" "$2")" = "$3" ]; }
no_policy() { ! vexipc policy show "$1"; }

# embed N: one after the other.
embed() {
	seq "$1" >"$BATS_TEST_TMPDIR/texts"
	vexipc embed -f "$BATS_TEST_TMPDIR/texts" -j 1 >"$BATS_TEST_TMPDIR/answers"
}

# Clients of two kinds, over two transports, for as long as the test says: they look whether each request
# has its own answer, and one. Each round is 100 requests. Whoever is tested beside them
# gets on as well.
loads=(threads-chardev flood-netlink)
start_load() {
	local load options
	for load in "${loads[@]}"; do
		options=100
		[ "${load%-*}" = flood ] || options='2 50'
		# shellcheck disable=SC2016
		start "$load" nice -n 10 sh -c 'while [ ! -e "$1/enough" ]; do
			life-client $2 $3 $4 >&2 || exit 1; echo round; done' \
			sh "$BATS_TEST_TMPDIR" "${load%-*}" "${load#*-}" "$options"
	done
	next_round
}

rounds_of() { grep -c round "$BATS_TEST_TMPDIR/$1.out"; }
rounds_are_more() { [ "$(rounds_of "$1")" -gt "$2" ]; }

# Each client gets on.
next_round() {
	local load before
	for load in "${loads[@]}"; do
		before=$(rounds_of "$load" || :)
		wait_until 120 rounds_are_more "$load" "$before" || {
			errors_of "$load"
			return 1
		}
	done
}

# finish_load SERVICE...: no request was lost, none answered twice, and none sent to two
# of the services that there are.
finish_load() {
	local load id rounds=0 asked=0
	touch "$BATS_TEST_TMPDIR/enough"
	for load in "${loads[@]}"; do
		finish "$load" 60
		errors_of "$load" | grep -vx -e ok -e submitted || :
		assert_status 0
		rounds=$((rounds + $(rounds_of "$load")))
	done
	assert_idle
	stats_are submitted=$((rounds * 100)) completed=$((rounds * 100)) failed=0 timed_out=0 \
		cancelled=0 refused=0 orphans=0 retries=0 failovers=0 bad_answers=0
	for id; do asked=$((asked + $(requests_of "$id"))); done
	assert_equal $asked $((rounds * 100)) "requests that services got"
	echo "$rounds rounds"
}
