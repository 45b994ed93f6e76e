#!/usr/bin/env bats
# Whatever is thrown at it, the module stays whole and goes on serving.

load common

@test "random and mutated messages and ioctls do no harm to those who work meanwhile" {
	run abi-fuzz fuzz 3000 "${VEXIPC_FUZZ_SEED:-}"
	echo "$output"
	assert_success
	assert_conserved
}

# bats test_tags=long
@test "random and mutated messages and ioctls, for long" {
	run abi-fuzz fuzz 200000 "${VEXIPC_FUZZ_SEED:-}"
	echo "$output"
	assert_success
	assert_conserved
}
