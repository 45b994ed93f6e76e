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

@test "overloaded: what is low is refused, and the newest of the lowest makes room" {
	start_monitor monitor vexipc monitor --json
	abi-queue shedding
	for alert in backpressure shedding-began shedding-ended; do
		wait_line "$BATS_TEST_TMPDIR/monitor.out" "\"alert\":\"$alert\""
	done
}

@test "under backpressure who does not wait is told EAGAIN, and POLLOUT when there is room" {
	abi-queue come_back
}

@test "full queues: who may wait does, until its deadline" {
	abi-queue waiting
}

@test "a batch that waits for room, with nothing of it under way, is interrupted: EINTR" {
	abi-queue batch_interrupted
}

@test "what finds a service's queue full goes to whichever has room first" {
	abi-queue overflow
}

@test "a standing queue is cut short, but for what is critical" {
	abi-queue standing
}
