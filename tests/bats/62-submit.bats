#!/usr/bin/env bats
# Many requests submitted and many completions taken in one call.

load common
load life

# bats test_tags=smoke
@test "many are submitted and taken at once, each with its vector" { abi-submit at_once; }
@test "each way to refuse has its errno, and submits nothing" { abi-submit refuses; }
@test "one that is refused ends it, and how far it came is told" { abi-submit is_told_how_far; }
@test "when the queues are full it is told to come back, and waits for nothing" { abi-submit comes_back; }
@test "what has no room, or cannot be written, is taken again" { abi-submit loses_nothing; }
@test "of a failure, what the service said is told" { abi-submit hears_why; }
@test "it waits as long as it is to, and a signal ends it" { abi-submit waits_no_longer; }

# bats test_tags=smoke
@test "many threads take from one descriptor: each completion once, and all end" { abi-submit many_take; }
