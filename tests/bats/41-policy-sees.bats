#!/usr/bin/env bats
# What a policy sees: services and requests, field by field, as they are.

load common
load life
load policy

setup() {
	fresh_module
	calm
	patient
	load_test sees
}

# bats test_tags=smoke
@test "each candidate is what its service registered, reported, holds and has done" {
	abi-policy services
}

@test "open breakers are not offered, but in a panic; half-open ones are, and told as such" {
	abi-policy breakers
}

@test "what is tried again is told, and who has had it already" {
	abi-policy again
}

@test "the request: all that was asked, and one hash for one content" {
	abi-policy request
}
