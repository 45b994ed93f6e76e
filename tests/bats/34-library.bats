#!/usr/bin/env bats
# libvexipc over the module: what its header promises of descriptors, and of what none
# of the tools asks for.

load common
load life

setup() {
	fresh_module
	calm
}

teardown() {
	stop_all
	[ ! -e /sys/fs/bpf/vexipc ] || vexipc telemetry detach
	unload_module
}

@test "a channel is readable when its answer is there, and not before" {
	for transport in chardev netlink; do
		run -0 life-library channel "$transport"
	done
}

# bats test_tags=smoke
@test "a client is readable when a completion is there, and not before; closed, it cancels" {
	for transport in chardev netlink; do
		run -0 life-library client "$transport"
	done
	wait_stat cancelled 2
	stats_are submitted=6 completed=4
	assert_idle
}

@test "a service knows its transport, features and heartbeat, and answers for its health" {
	for transport in chardev netlink ring; do
		run -0 life-library service "$transport"
		assert_equal "$output" 1200000 "ms between heartbeats, over $transport,"
	done
}

@test "a monitor is readable when a service comes or goes, and not before" {
	run -0 life-library monitor
}

@test "telemetry's events are readable when a service comes or goes, and not before" {
	vexipc telemetry attach
	run -0 life-library telemetry
}

# examples: each block of C in the documentation, as a file of $examples.
examples() {
	examples=$BATS_TEST_TMPDIR/examples
	mkdir "$examples"
	awk -v "folder=$examples" '
		/^```c$/ || /^\.Bd -literal/ { out = folder "/" ++n ".c"; next }
		/^```$/ || /^\.Ed$/ { out = "" }
		out { gsub(/\\e/, "\\"); print >out }' README.md docs/*.md tools/*/*.[1-8]
}

# example PATTERN: the one whole program that has it, without .c.
example() {
	local found
	found=$(grep -lE -- "$1" "$examples"/*.c)
	[ "$(wc -l <<<"$found")" = 1 ] && echo "${found%.c}"
}

@test "each whole program in the documentation compiles as README says, and works" {
	local programs program service client
	cd "$BATS_TEST_DIRNAME/../.."
	examples
	mapfile -t programs < <(grep -lE '^int main\(' "$examples"/*.c)
	[ "${#programs[@]}" -ge 3 ]
	for program in "${programs[@]}"; do
		# shellcheck disable=SC2046 # options
		gcc -Wall -Werror -o "${program%.c}" "$program" \
			$(pkg-config --cflags --libs vexipc)
	done
	service=$(example vexipc_service_serve)
	start constant "$service"
	wait_service constant
	for client in "${programs[@]%.c}"; do
		[ "$client" != "$service" ] || continue
		run -0 "$client"
		assert_output_has '2 dimensions'
	done
	run -0 "$(example argc)" 'another sentence'
	assert_equal "$output" '2 dimensions, the first is 0.600000'
	stop constant
	run -1 "$(example argc)"
	assert_output_has 'no service can do this'
}
