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
