#!/usr/bin/env bats
# scripts/bench-compare: what it says of two files, and its exit status.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../../.." || return
	now=$BATS_TEST_TMPDIR/now.json was=$BATS_TEST_TMPDIR/was.json
	json=$BATS_TEST_TMPDIR/compare.json
	results 1000 2000 3000 >"$was"
}

# results MEDIAN...: a file of the benchmark, for peers a, b, ...
results() {
	local peers=(a b c d) i=0 comma='' median
	echo '{"unit": "instructions", "kernel": "6.12", "results": ['
	for median; do
		printf '%s{"peer": "%s", "request_bytes": 256, "answer_bytes": 2048, "depth": 1, "median": %s}\n' \
			"$comma" "${peers[i]}" "$median"
		comma=, i=$((i + 1))
	done
	echo ']}'
}

# compare STATUS: of the two, which must end so.
compare() {
	run --separate-stderr scripts/bench-compare --json "$json" --files "$was" "$now"
	# shellcheck disable=SC2154 # run sets stderr
	printf 'status %s\n%s\n%s\n' "$status" "$output" "$stderr"
	[ "$status" = "$1" ]
}

@test "bench-compare: up to 2 % either way nothing has moved" {
	results 1020 1960 3000 >"$now"
	compare 0
	[ "$output" = "3 compared, 0 worse, 0 better by over 2 %" ]
}

@test "bench-compare: what takes less is shown, and is no failure" {
	results 1000 1900 3000 >"$now"
	compare 0
	[[ ${lines[1]} == *"-5 %"*2000*1900*"b, 256 B -> 2048 B, depth 1" ]]
	[ "${lines[2]}" = "3 compared, 0 worse, 1 better by over 2 %" ]
}

@test "bench-compare: what takes more fails, the worst first" {
	results 1021 1000 3300 >"$now"
	compare 1
	[[ ${lines[1]} == *"+10 %"*"c, 256"* ]]
	[[ ${lines[2]} == *"+2.1 %"*"a, 256"* ]]
	[[ ${lines[3]} == *"-50 %"*"b, 256"* ]]
	[ "${lines[4]}" = "3 compared, 2 worse, 1 better by over 2 %" ]
	run -0 scripts/in-root -- jq -c '[.compared, (.worse | map(.peer)), (.better | map(.peer)),
		(.worse[0] | .was, .now)]' <"$json"
	[ "$output" = '[3,["c","a"],["b"],3000,3300]' ]
}

@test "bench-compare: what only one of the two has is named, and not compared" {
	results 1000 2000 3000 9 >"$now"
	sed -i 's/"peer": "b"/"peer": "gone"/' "$was"
	compare 0
	[[ $output == *"only before: gone"*"only now: b, d"*"2 compared, 0 worse"* ]]
}

@test "bench-compare: wrong use and files that cannot be compared are 2" {
	results 1000 2000 3000 | sed 's/instructions/ns/' >"$now"
	compare 2
	echo nonsense >"$now"
	compare 2
	for wrong in '' --nonsense no-such-revision "--files $was" --json; do
		# shellcheck disable=SC2086 # words of their own
		run scripts/bench-compare $wrong
		echo "'$wrong': $status $output"
		[ "$status" = 2 ]
	done
}
