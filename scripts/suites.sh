# shellcheck shell=bash disable=SC2034,SC2154
# What the test drivers share: run a suite that prints TAP, count, sum up.
# Source it after scripts/lib.sh.

results=$(mktemp -d)
beside=()
trap 'stop_beside; rm -rf "$results"' EXIT

# tap_count FILE: "passed failed". A plan's tests that never came have failed,
# and so has what was skipped: everything that a test needs is in the root.
tap_count() {
	awk '
		/^1\.\.[0-9]+/ { planned += substr($1, 4) }
		/^ok / { if (tolower($0) ~ /# skip/) bad++; else good++ }
		/^not ok / { bad++ }
		END {
			if (planned > good + bad) bad = planned - good
			print good + 0, bad + 0
		}' "$1"
}

# suite NAME CMD...: runs CMD, whose stdout is TAP.
suite() {
	local name=$1 start=$SECONDS status=0 good bad
	shift
	local tap=$results/$name.tap
	echo "== $name"
	"$@" </dev/null | tee "$tap" || status=$?
	read -r good bad < <(tap_count "$tap")
	if [ "$status" != 0 ] && [ "$bad" = 0 ]; then
		echo "not ok - $name ended with status $status"
		bad=1
	elif [ "$good" = 0 ] && [ "$bad" = 0 ]; then
		echo "not ok - $name ran no test"
		bad=1
	fi
	echo "$good $bad" >>"$results/$name.count"
	[ "$bad" = 0 ] || failures "$name" "$tap" "$status" >>"$results/$name.failures"
	echo "== $name: $good passed, $bad failed, $(minutes $((SECONDS - start))) min"
}

# beside NAME CMD...: a suite with what the others leave of the processors. What it
# prints comes when `wait_beside` has seen it end.
beside() {
	# Of a process group of its own, which can be ended.
	set -m
	{ renice -n 5 -p "$BASHPID" >/dev/null && suite "$@"; } >"$results/$1.log" 2>&1 &
	beside+=("$!" "$1")
	set +m
}

wait_beside() {
	local i name
	for ((i = 0; i < ${#beside[@]}; i += 2)); do
		name=${beside[i + 1]}
		wait "${beside[i]}" || {
			echo "0 1" >>"$results/$name.count"
			echo "$name: ended before its end" >>"$results/$name.failures"
		}
		cat "$results/$name.log"
	done
	beside=()
}

stop_beside() {
	local i
	for ((i = 0; i < ${#beside[@]}; i += 2)); do
		kill -TERM -- "-${beside[i]}" 2>/dev/null || :
		wait "${beside[i]}" 2>/dev/null || :
	done
}

# failures SUITE FILE STATUS: what of the TAP in FILE failed, with the last that it
# said for itself.
failures() {
	awk -v suite="$1" -v status="$3" '
		function flush() {
			for (i = said > 15 ? said - 15 : 0; i < said; i++) print "    " lines[i]
			said = 0
		}
		/^(not )?ok / { flush(); bad = /^not ok / || tolower($0) ~ /# skip/ }
		/^(not )?ok / && bad { print suite ": " $0; seen = 1 }
		/^#/ && bad { lines[said++] = $0 }
		END { flush(); if (!seen) print suite ": ended with status " status " or before its plan" }' "$2"
}

minutes() { awk -v s="$1" 'BEGIN { printf "%.1f", s / 60 }'; }

# What failed, and the last line; fails if anything failed.
total() {
	local passed failed
	if compgen -G "$results/*.failures" >/dev/null; then
		echo "== failed"
		cat "$results"/*.failures
	fi
	read -r passed failed < <(awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }' "$results"/*.count)
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}

# The unit tests, natively in the root.
unit_tests() {
	"$tree/scripts/build" unit || return
	local program model
	model=$("$tree/scripts/fetch-model")
	for program in "$(build_folder)"/unit/*; do
		# A sanitizer's report or a crash is a failure of its own.
		"$tree/scripts/in-root" --bind "$(build_folder)" \
			--bind "${model%/*}" -- env VEXIPC_MODEL="$model" timeout 300 "$program" 2>&1 ||
			echo "not ok - ${program##*/} ended with status $?"
	done
}

# vm_bats KERNEL TAGS FILE...: BATS files, and `kunit` for the KUnit suites, in as
# many virtual machines as there are processors. Each takes the next when it has
# done one, those tagged slow first.
vm_bats() {
	local kernel=$1 tags=$2 jobs=$results/jobs files=() pids=() vm status=0
	shift 2
	"$tree/scripts/build" --kernel "$kernel" || return
	mkdir "$jobs"
	mapfile -t files < <(tagged "$tags" "$@")
	mapfile -t files < <(slow_first "${files[@]}")
	for ((vm = 0; vm < $(nproc) && vm < ${#files[@]}; vm++)); do
		"$tree/scripts/vm" run --kernel "$kernel" --rw "$jobs" \
			--timeout "${VEXIPC_SUITE_TIMEOUT:-3000}" -- \
			scripts/guest-suite "$tags" "${files[@]#"$tree"/}" 2>"$results/err.$vm" &
		pids+=($!)
	done
	for vm in "${!pids[@]}"; do
		wait "${pids[vm]}" || status=$?
		sed 's/^/# /' "$results/err.$vm"
	done
	find "$jobs" -name '*.tap' -o -name '*.part' | sort | xargs -r cat
	rm -r "$jobs"
	return "$status"
}

# Wants a BATS file the clock that counts instructions?
counts() { [ -f "$1" ] && grep -q 'file_tags=.*icount' "$1"; }

# icount_bats KERNEL FILE...: BATS files where time is counted instructions.
icount_bats() {
	local kernel=$1
	shift
	"$tree/scripts/vm" run --icount --kernel "$kernel" --timeout "${VEXIPC_SUITE_TIMEOUT:-5000}" -- \
		scripts/guest-bats '!long,!debug' "${@#"$tree"/}"
}

# tagged TAGS FILE...: those that have tests of the first of TAGS, a line each; `kunit`.
tagged() {
	local file first=${1%%,*}
	for file in "${@:2}"; do
		case $first in
		'' | '!'*) ;;
		*) [ "$file" = kunit ] || grep -qE "^# bats (file|test)_tags=.*$first" "$file" || continue ;;
		esac
		echo "$file"
	done
}

slow_first() {
	local file later=()
	for file; do
		if [ "$file" = kunit ] || grep -q 'file_tags=.*slow' "$file"; then
			echo "$file"
		else
			later+=("$file")
		fi
	done
	[ ${#later[@]} = 0 ] || printf '%s\n' "${later[@]}"
}
