#!/usr/bin/env bats
# Faults injected into each allocation, and each copy from and to user space, of
# one request's life in turn, and of what else one can ask for: nothing is lost, and
# the module goes on. Debian's kernel has no fault injection.
# bats file_tags=debug,slow,smoke

load common
load life

setup() {
	[ -e /proc/self/fail-nth ] || skip "this kernel has no fault injection: use scripts/vm run --kernel debug"
	fresh_module
	for fault in failslab fail_page_alloc fail_usercopy; do
		echo 0 >"/sys/kernel/debug/$fault/verbose"
	done
	for fault in failslab fail_page_alloc; do
		echo N >"/sys/kernel/debug/$fault/ignore-gfp-wait"
	done
	echo N >/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
}

teardown() {
	no_failslab
	stop_all
	unload_module
}

# But what a task asks for by /proc/self/fail-nth, whatever it calls.
no_failslab() {
	echo 0 >/sys/kernel/debug/failslab/probability
	echo 0 >/sys/kernel/debug/failslab/require-start
	echo 0xffffffffffffffff >/sys/kernel/debug/failslab/require-end
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

# scene NAME CLIENT SERVICE WHO [BYTES]: as of abi-faults.
scene() {
	run abi-faults "$@"
	echo "$*: $output"
	assert_success
	assert_output_has swept
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

@test "faults are of all three kinds: slabs, pages and copies" {
	start_service one -t chardev
	run life-failnth sync
	assert_success
	assert_output_has ENOMEM
	assert_output_has EFAULT
}

@test "a request by message meets faults on either side" {
	scene request chardev chardev both
	scene request chardev ring both
	scene request netlink netlink both
}

@test "a batch meets faults on either side" {
	scene batch_request netlink chardev both
	scene batch chardev chardev client
	scene batch chardev netlink service
	scene batch chardev ring service
	scene batch_room chardev netlink client
}

@test "many in one call, and commands of io_uring, meet faults on either side" {
	scene submission chardev chardev client
	scene submission chardev netlink service
	scene uring chardev chardev client
	scene uring chardev ring service
}

@test "requests that travel together meet faults" {
	scene carried chardev chardev service
	scene carried chardev ring service
	scene carried chardev netlink client
}

@test "answers that are kept, and those that are shared, meet faults" {
	scene cached chardev netlink both
	scene coalesced netlink chardev both
}

@test "requests that overflow, and those that a rate refuses, meet faults" {
	scene overflow chardev netlink client
	scene overflow chardev chardev service
	scene refused chardev chardev client
}

@test "hedges, and answers that come too late, meet faults" {
	scene hedged chardev chardev both
	scene hedged netlink ring service
	scene hedged chardev netlink service
}

# Its memory is asked for in nobody's call: what kmod/hedge.c asks for fails.
@test "a hedge that finds no memory is tried again" {
	local failslab=/sys/kernel/debug/failslab
	start_service one
	start_service two
	vexipc embed {1..80} >/dev/null
	config hedge_percentile=90
	tell one 'mode hold'
	tell two 'mode hold'
	sort /proc/kallsyms | sed -n 's/^\(.*\) [tT] vexipc_hedge_[a-z]*\t.*/0x\1/p' >"$BATS_TEST_TMPDIR/code"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/code")" -gt 3 ]
	head -n 1 "$BATS_TEST_TMPDIR/code" >$failslab/require-start
	tail -n 1 "$BATS_TEST_TMPDIR/code" >$failslab/require-end
	echo 3 >$failslab/times
	echo 100 >$failslab/probability
	submit client 1
	wait_stat hedges 1
	assert_equal "$(cat $failslab/times)" 0
	for id in one two; do
		tell $id 'mode answer'
		tell $id flush
	done
	results client
	every '.error == null and .attempts == 2'
	assert_idle
}

@test "services that come with a token, beat, answer and go meet faults" {
	scene life chardev chardev service
	scene life chardev ring service
	scene life chardev netlink service
	scene life_by_message chardev netlink service
}

@test "tokens, rules and settings meet faults: nothing is half done" {
	for by in chardev netlink; do
		scene admin_tokens $by chardev client
		scene admin_rules $by chardev client
		scene admin_config $by chardev client
	done
}

@test "all that shows something meets faults" {
	scene look chardev chardev client
	scene look netlink chardev client
}

# ----------------------------------------------------------------- all of it --

# everywhere NAME...: each by both transports on each side, with the faults on either,
# and with contents that travel in pieces.
everywhere() {
	local name client service who size
	config buffer_size=1000000
	for name; do
		for client in chardev netlink; do
			for service in chardev netlink ring; do
				for who in client service both; do
					for size in 16 3000 100000; do
						scene "$name" $client $service $who $size
					done
				done
			done
		done
	done
}

# bats test_tags=long
@test "all ways: requests and batches by message" { everywhere request batch_request; }

# bats test_tags=long
@test "all ways: what travels together" { everywhere carried; }

# bats test_tags=long
@test "all ways: the cache" { everywhere cached; }

# bats test_tags=long
@test "all ways: equal requests" { everywhere coalesced; }

# bats test_tags=long
@test "all ways: the overflow queue" { everywhere overflow; }

# bats test_tags=long
@test "all ways: rates" { everywhere refused; }

# bats test_tags=long
@test "all ways: hedges" { everywhere hedged; }

# bats test_tags=long
@test "all ways: calls that have many, commands of io_uring" {
	config buffer_size=1000000
	for service in chardev netlink ring; do
		for who in client service both; do
			for size in 16 3000 100000; do
				scene batch chardev $service $who $size
				scene batch_room chardev $service $who $size
				scene submission chardev $service $who $size
				scene uring chardev $service $who $size
			done
		done
	done
}

# bats test_tags=long
@test "all ways: the life of a service" {
	for client in chardev netlink; do
		for service in chardev netlink ring; do
			for who in client service both; do
				scene life $client $service $who
				scene life_by_message $client $service $who
			done
		done
	done
}

# bats test_tags=long
@test "several times: tokens, rules, settings and what shows something" {
	for _ in 1 2 3; do
		for by in chardev netlink; do
			for name in admin_tokens admin_rules admin_config look; do
				scene $name $by chardev client
			done
		done
		scene look chardev netlink both
		scene look netlink netlink both
	done
}

# bats test_tags=long
@test "several times: blocking and asynchronous requests, and registration" {
	for _ in 1 2 3; do
		for by in chardev netlink; do
			start_service one -t $by
			sweep sync
			sweep async
			sweep register
			stop one
		done
	done
}
