#!/usr/bin/env bats
# What waits: in which order it is sent; what overload does to it.

load common

# Each test has a module of its own: nobody sees what another has set.
setup_file() { :; }
setup() { load_module; }
teardown() {
	stop_all
	unload_module
}
teardown_file() { :; }

@test "what is of a higher band goes first, in a band who came first" {
	abi-queue bands
}

@test "of one user the earliest deadline goes first" {
	abi-queue deadlines
}

@test "who waits rises a band after queue_ageing_ms, or never" {
	abi-queue ageing
}

@test "users of a band take turns, and large requests count for more" {
	abi-queue fairness
}
