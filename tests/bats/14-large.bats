#!/usr/bin/env bats
# Long messages: 16 MiB through the device, fragments through netlink.

load common

@test "the device carries the longest request there may be, and no longer one" {
	abi-large longest_request
}

@test "the device carries an answer of 16 MiB" {
	abi-large longest_answer
}

# bats test_tags=smoke
@test "100 KiB go between all transports, in fragments where it is netlink" {
	abi-large fragments
}

@test "messages as long as a fragment, and a byte more or less" {
	abi-large borders
}

@test "what is too large for netlink's buffers goes to the device, or is EMSGSIZE" {
	abi-large too_large_for_netlink
}

@test "fragments with gaps, overlaps and wrong totals are refused, and do no harm" {
	abi-large misplaced
}

@test "only requests and answers may be so long" {
	abi-large long_others
}

@test "FETCH gives what its socket holds, and nothing of others" {
	abi-large fetching
}
