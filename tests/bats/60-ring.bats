#!/usr/bin/env bats
# The ring: requests and answers in memory that a service maps.

load common

# bats test_tags=smoke
@test "a request comes in its slot, the answer goes from its slot" {
	abi-ring round_trip
}

@test "a ring that nobody can have is refused, each with its errno" {
	abi-ring setups
}

@test "requests are mapped for reading, neither mapping grows or is inherited" {
	abi-ring mappings
}

@test "each mistake has its errno, and the answer can be given again" {
	abi-ring errors
}

@test "of answers in one call, those before a wrong one are taken" {
	abi-ring partial
}

# bats test_tags=smoke
@test "any idle queue takes any request, with a thread each, and with two" {
	abi-ring queues
}

@test "waiting ends with a request, the time, a signal, or when told; poll and eventfd tell" {
	abi-ring waiting
}

@test "what is larger than a slot takes the side buffer, both ways" {
	abi-ring large
}

@test "batches of clients, and requests that travel together" {
	abi-ring batches
}

@test "failures with and without a text, and answers that do not fit" {
	abi-ring failures
}

# bats test_tags=smoke
@test "kill -9, close, exec, fork: what it held is answered by another, once" {
	abi-ring death
}

@test "unregistering and draining end who waits, and what it holds" {
	abi-ring leaving
}

@test "late answers are orphans, and another service's too" {
	abi-ring orphans
}

@test "who waits in the ring has the descriptor, and the mapping has nothing" {
	abi-ring closed
}

@test "who finds no free slot is told, and poll() tells when one is free" {
	abi-ring starved
}

@test "answers count whether or not their ACKs are read" {
	abi-ring unread_acks
}

# bats test_tags=smoke
@test "whoever writes to shared memory while it is read ends each request once" {
	abi-ring hostile
}

@test "a slot is handed out again when its answer has been read" {
	abi-ring reused
}
