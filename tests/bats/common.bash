# shellcheck shell=bash disable=SC2034,SC2154
# What the BATS files share. They run in the virtual machine, as root; see
# scripts/vm. A file says `load common` and gets:
#
#   setup_file      loads the module fresh
#   teardown        ends what start began
#   teardown_file   unloads the module, which must work
#
# One that defines any of these itself calls load_module, stop_all and
# unload_module where it wants them.

bats_require_minimum_version 1.5.0

# BATS notes before every command where it is, in functions too, which takes two
# hundred times as long as the command. Here only what fails, or takes too long, does.
set +T
bats_error_trap() {
	bats_check_status_from_trap
	if [ -z "$BATS_DEBUG_LAST_STACK_TRACE_IS_VALID" ]; then
		bats_capture_stack_trace
		BATS_DEBUG_LAST_STACK_TRACE_IS_VALID=1
	fi
}
bats_timeout_trap() {
	BATS_TIMED_OUT=1
	bats_capture_stack_trace
	# In the innermost function a signal does not know the line.
	BATS_DEBUG_LAST_STACK_TRACE=("${BATS_DEBUG_LAST_STACK_TRACE[@]:1}")
	BATS_DEBUG_LAST_STACK_TRACE_IS_VALID=1
	exit 1
}

setup_file() { load_module; }
teardown() { stop_all; }
teardown_file() { unload_module; }

# ------------------------------------------------------------- the module --

# A fresh one, with nothing counted yet.
load_module() {
	if module_loaded; then
		unload_module || return
	fi
	modprobe vexipc || return
	wait_until 10 test -c /dev/vexipc
}

# It goes, at once or as soon as the last file or socket has been released.
unload_module() {
	module_loaded || {
		echo "the module is not loaded: did it vanish?"
		return 1
	}
	wait_until 20 modprobe -qr vexipc || {
		echo "the module does not unload: $(module_users) uses"
		return 1
	}
	[ ! -e /dev/vexipc ] && ! module_loaded
}

module_loaded() { [ -d /sys/module/vexipc ] && [ "$(cat /sys/module/vexipc/initstate)" = live ]; }
module_users() { cat /sys/module/vexipc/refcnt; }

# Is this the debug kernel? There all is about ten times slower.
debug_kernel() { [ -e /sys/kernel/debug/kmemleak ]; }

# ---------------------------------------------------------------- waiting --

# wait_until SECONDS COMMAND...: until COMMAND succeeds. On a debug kernel the
# seconds are five times as long.
wait_until() {
	local seconds=$1 end
	shift
	debug_kernel && seconds=$((seconds * 5))
	end=$((SECONDS + seconds))
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "after $seconds s still not: $*"
			return 1
		fi
		sleep 0.05
	done
}

# file_has FILE PATTERN: a condition for wait_until.
file_has() { grep -qE -- "$2" "$1"; }

# wait_line FILE PATTERN [SECONDS]: until a line of FILE matches.
wait_line() {
	wait_until "${3:-20}" file_has "$1" "$2" || {
		echo "--- $1:"
		cat "$1"
		return 1
	}
}

# ---------------------------------------------------------------- children --

# start NAME COMMAND...: in the background, with stdout and stderr in
# $BATS_TEST_TMPDIR/NAME.out and .err. NAME is for stop, pid_of and the like.
start() {
	local name=$1
	shift
	# 3 is what BATS writes TAP to: it must not stay open. A process group
	# of its own, so that stop_all gets what it began, too.
	setsid "$@" </dev/null >"$BATS_TEST_TMPDIR/$name.out" 2>"$BATS_TEST_TMPDIR/$name.err" 3>&- &
	echo $! >"$BATS_TEST_TMPDIR/$name.pid"
}

# start_monitor NAME COMMAND...: the same of what listens to multicast events;
# it listens when this returns.
start_monitor() {
	local before
	before=$(listeners)
	start "$@"
	wait_until 20 more_listeners "$before" || {
		errors_of "$1"
		return 1
	}
}

# Generic netlink sockets in a group: number 16, and the mask in column 4.
listeners() { awk '$2 == 16 && $4 !~ /^0+$/ { n++ } END { print n + 0 }' /proc/net/netlink; }
more_listeners() { [ "$(listeners)" -gt "$1" ]; }

pid_of() { cat "$BATS_TEST_TMPDIR/$1.pid"; }
output_of() { cat "$BATS_TEST_TMPDIR/$1.out"; }
errors_of() { cat "$BATS_TEST_TMPDIR/$1.err"; }
running() { kill -0 "$(pid_of "$1")" 2>/dev/null; }

# stop NAME [SIGNAL]: ends it with SIGTERM, or SIGNAL, and waits for it. Its exit
# status is in $status; the call itself succeeds.
stop() {
	local pid
	pid=$(pid_of "$1")
	kill "-${2:-TERM}" "$pid" 2>/dev/null || :
	finish "$1"
}

# finish NAME [SECONDS]: waits until it ends by itself; sets $status. One that
# does not end is killed, and the call fails.
finish() {
	local pid late=0
	pid=$(pid_of "$1")
	wait_until "${2:-30}" ended "$pid" || late=1
	[ "$late" = 0 ] || kill -KILL "$pid" 2>/dev/null || :
	status=0
	wait "$pid" || status=$?
	rm -f "$BATS_TEST_TMPDIR/$1.pid"
	return "$late"
}

# Gone, or a zombie that the shell has yet to wait for.
ended() {
	[ ! -e "/proc/$1" ] || grep -q '^State:[[:space:]]*[ZX]' "/proc/$1/status" 2>/dev/null ||
		[ ! -e "/proc/$1" ]
}

stop_all() {
	local file pid
	for file in "$BATS_TEST_TMPDIR"/*.pid; do
		[ -e "$file" ] || continue
		pid=$(cat "$file")
		kill -KILL -- "-$pid" "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
		rm -f "$file"
	done
}

# ---------------------------------------------------------------- services --

# start_echo ID [OPTION...]: an echo service, registered when this returns.
start_echo() {
	local id=$1
	shift
	start "$id" vexipc-embedd --id "$id" --engine echo "$@"
	wait_service "$id"
}

# wait_service ID [STATE]: until it is registered, in that state if one is given.
wait_service() {
	wait_until 30 service_is "$@" || {
		echo "service $1 is not there${2:+, or not $2}"
		if [ -e "$BATS_TEST_TMPDIR/$1.err" ]; then
			errors_of "$1"
		fi
		return 1
	}
}

wait_no_service() { wait_until 30 service_gone "$1"; }

service_is() {
	local state
	state=$(vexipc status "$1" --json | jq -r .state)
	[ -n "$state" ] && [ "${2:-$state}" = "$state" ]
}

service_gone() { ! vexipc status "$1"; }

# status_of ID FIELD: of `vexipc status`.
status_of() { vexipc status "$1" --json | jq -r ".$2"; }

# --------------------------------------------------------- figures, config --

# stat_of FIELD [ID]: a counter of the instance, or of a service. FIELD is a
# path of jq's: submitted, refused_by.queue_full
stat_of() { vexipc stats ${2:+"$2"} --json | jq -r ".$1 // 0"; }

stat_is() { [ "$(stat_of "$1")" = "$2" ]; }

# wait_stat FIELD VALUE [SECONDS]
wait_stat() {
	wait_until "${3:-20}" stat_is "$1" "$2" || {
		echo "$1 is $(stat_of "$1"), not $2"
		return 1
	}
}

config() { vexipc config set "$@"; }
config_of() { vexipc config get "$1"; }

# Every request submitted is accounted for, exactly; nothing is left over.
assert_conserved() {
	local s
	s=$(vexipc stats --json)
	jq -e '.submitted == .completed + .failed + .timed_out + .cancelled + .refused +
		.queued + .in_flight' <<<"$s" >/dev/null || {
		echo "the counters do not add up: $s"
		return 1
	}
}

# The same, with nothing under way.
assert_idle() {
	wait_stat in_flight 0 && wait_stat queued 0 && assert_conserved
}

# ------------------------------------------------------------------ asserts --

# Of `run`'s $status and $output, shown when they are not as they should be.
assert_success() { assert_status 0; }

assert_status() {
	[ "$status" = "$1" ] || {
		echo "status is $status, not $1"
		printf '%s\n' "output:" "$output"
		return 1
	}
}

assert_output_has() {
	[[ $output == *"$1"* ]] || {
		printf '%s\n' "the output has no '$1':" "$output"
		return 1
	}
}

# assert_equal GOT WANTED [WHAT]
assert_equal() {
	[ "$1" = "$2" ] || {
		echo "${3:-it} is '$1', not '$2'"
		return 1
	}
}
