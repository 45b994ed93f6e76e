#!/usr/bin/env bats
# Clients that embed by commands of io_uring.

load common
load life

# bats test_tags=smoke
@test "requests are commands, their completions entries of the client's ring" {
	abi-uring embeds
	assert_equal "$(stat_of completed)" 256
}

@test "completions that are run when the client asks for them" { abi-uring embeds_deferred; }
@test "commands that io_uring's workers issue" { abi-uring embeds_by_workers; }
@test "commands that a polling thread issues" { abi-uring embeds_by_a_poller; }
@test "each way to refuse has its errno" { abi-uring refuses; }
@test "nobody waits for room: EAGAIN, and poll() tells when there is some" { abi-uring comes_back; }
@test "a cancel is a command as well" { abi-uring cancels; }
@test "the deadline ends a request" { abi-uring times_out; }

# bats test_tags=smoke
@test "closing the ring cancels what is under way" { abi-uring goes_with_its_ring; }

# bats test_tags=smoke
@test "so does the end of the process" { abi-uring goes_with_its_process; }

# bats test_tags=smoke
@test "an answer and a cancel race: one completion each" { abi-uring races; }

# bats test_tags=smoke
@test "clients are killed in the middle of it, again and again: each request ended once" {
	abi-uring storm
	assert_idle
}

@test "a service dies: its requests move, and each has one completion" { abi-uring fails_over; }
