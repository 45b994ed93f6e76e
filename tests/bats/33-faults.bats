#!/usr/bin/env bats
# Faults injected into each allocation of a request in turn: nothing is lost,
# and the module goes on. Debian's kernel has no fault injection.
# bats file_tags=debug,slow

load common
load life

setup() {
	[ -e /proc/self/fail-nth ] || skip "this kernel has no fault injection: use scripts/vm run --kernel debug"
	fresh_module
	for fault in failslab fail_page_alloc; do
		echo N >"/sys/kernel/debug/$fault/ignore-gfp-wait"
		echo 0 >"/sys/kernel/debug/$fault/verbose"
	done
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
}

teardown() {
	stop_all
	unload_module
}

# sweep KIND: until a request meets no fault; then all is as before.
sweep() {
	run life-failnth "$1"
	echo "$output"
	assert_success
	assert_output_has swept
	# There was something to fail, or this tests nothing.
	[ "${#lines[@]}" -gt 3 ]
	run -0 vexipc embed --dims 8 after
	assert_idle
}

@test "a blocking request meets a fault in each place: it says so or is answered" {
	start_service one -t chardev
	sweep sync
}

@test "an asynchronous request meets a fault in each place: it says so, or completes once" {
	start_service one -t chardev
	sweep async
}

@test "with a service behind netlink: the request survives a send that finds no memory" {
	start_service one -t netlink
	sweep sync
	stop one
	start_service two -t netlink
	sweep async
}

@test "registration meets a fault in each place: it says so, and the id is free again" {
	start_service one
	sweep register
	assert_equal "$(vexipc services --json | jq -c 'map(.id)')" '["one"]'
}
