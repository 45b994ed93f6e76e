#!/usr/bin/env bats
# Programs that do what nobody should, at the worst moment.

load common
load life

@test "a child that is refused a service and dies leaves its parent's" {
	run timeout 60 life-hostile child
	assert_success
}

@test "what one sleeping reader has no room for is the next one's" {
	run timeout 60 life-hostile readers
	assert_success
}

@test "what a service says of a failure reaches who waits in an ioctl" {
	start_service saying -m fail
	for transport in chardev netlink; do
		run -1 vexipc embed --transport "$transport" text
		every '.error == "service_failed" and .message == "as told"'
	done
	tell saying "mode overload"
	config max_retry_attempts=0
	for transport in chardev netlink; do
		run vexipc embed --transport "$transport" text
		every '.error == "overloaded" and .kind == ["retry", "overload"]'
	done
}
