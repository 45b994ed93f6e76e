# shellcheck shell=bash disable=SC2034,SC2154
# What the tests of life cycle, stress and tools share, beyond common.bash. They
# have a fresh module for each test, with nothing counted, and each test ends by
# unloading it: whatever a test does must leave nothing behind.

setup_file() { :; }
setup() { fresh_module; }
teardown() {
	stop_all
	unload_module
}
teardown_file() { :; }

# Requests have time enough on the slowest of machines: what ends by its deadline
# names one.
fresh_module() {
	load_module
	config request_timeout_ms=3600000
}

# However long anything takes, nobody is found unhealthy, stalled or gone.
calm() {
	config stall_timeout_ms=0 health_check_interval_sec=3600 discovery_interval_sec=3600
}

# How much smaller than usual the storms are to be: 1 is full size.
scale() {
	local scale=${VEXIPC_SCALE:-}
	[ -n "$scale" ] || { scale=1 && debug_kernel && scale=5; } || :
	echo $(($1 / scale > 0 ? $1 / scale : 1))
}

# --------------------------------------------------- services under command --

# start_service ID [OPTION...]: a life-service, registered when this returns.
start_service() {
	local id=$1
	shift
	rm -f "$BATS_TEST_TMPDIR/$id.fifo"
	mkfifo "$BATS_TEST_TMPDIR/$id.fifo"
	start "$id" life-service -i "$BATS_TEST_TMPDIR/$id.fifo" "$@" "$id"
	wait_line "$BATS_TEST_TMPDIR/$id.out" '^ready' 60 || {
		errors_of "$id"
		return 1
	}
}

# tell ID COMMAND: a life-service does it; what came of it is in $output.
tell() {
	local fifo=$BATS_TEST_TMPDIR/$1.fifo out=$BATS_TEST_TMPDIR/$1.out before
	before=$(grep -c "^done ${2%% *}" "$out" || :)
	printf '%s\n' "$2" 1<>"$fifo" >&1
	wait_until 20 said_more "$out" "$2" "$before" || {
		output_of "$1"
		errors_of "$1"
		return 1
	}
	output=$(grep "^done ${2%% *}" "$out" | tail -n 1)
}

said_more() { [ "$(grep -c "^done ${2%% *}" "$1")" -gt "$3" ]; }

# requests_of ID: how many requests a life-service has seen.
requests_of() { grep -c "^request $1 " "$BATS_TEST_TMPDIR/$1.out" || :; }

# wait_requests ID N: until it has seen so many.
wait_requests() { wait_until 30 requests_are "$1" "$2"; }
requests_are() { [ "$(requests_of "$1")" = "$2" ]; }

# holds ID N: until the module says that the service has N requests.
holds() { wait_until 30 status_is "$1" in_flight "$2"; }
status_is() { [ "$(status_of "$1" "$2")" = "$3" ]; }

# ------------------------------------------------------------------ clients --

# submit NAME N [OPTION...]: N texts, all under way at once, in the background;
# `results NAME` waits for the end and has the JSON lines.
submit() {
	local name=$1 n=$2
	shift 2
	seq "$n" >"$BATS_TEST_TMPDIR/$name.texts"
	start "$name" vexipc embed -f "$BATS_TEST_TMPDIR/$name.texts" -j "$n" "$@"
}

# results NAME: when it has ended: its JSON lines in $output, exit status in $status.
results() {
	finish "$1" 60
	output=$(output_of "$1")
}

# every FILTER: it holds for each JSON line in $output, and there are some.
every() {
	json_lines | jq -se "length > 0 and all($1)" >/dev/null || {
		echo "not so for each: $1"
		printf '%s\n' "$output" | cut -c 1-400
		return 1
	}
}

# of_all FILTER: an expression over the array of all JSON lines in $output.
of_all() { json_lines | jq -sc "$1"; }

# `run` has what went to stderr in $output, too.
json_lines() { grep '^{' <<<"$output"; }

# stats_are NAME=VALUE...: several counters at once.
stats_are() {
	local stats pair
	stats=$(vexipc stats --json)
	for pair; do
		assert_equal "$(jq -r ".${pair%%=*} // 0" <<<"$stats")" "${pair#*=}" "${pair%%=*}" ||
			return
	done
}
