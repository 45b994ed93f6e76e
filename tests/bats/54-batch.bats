#!/usr/bin/env bats
# Batches: of a client as one call, and of requests that wait for one service.
# shellcheck disable=SC2154 # stderr is of run --separate-stderr

load common
load life

setup_file() { fresh_module; }
setup() { :; }
teardown() { stop_all; }
teardown_file() { unload_module; }

both_ways() { echo '' && echo '--transport netlink'; }

@test "a batch larger than any service takes is split; results in the order of the texts" {
	start_service small -b 3
	start_service larger -b 10 -t netlink
	seq 40 >"$BATS_TEST_TMPDIR/texts"
	while read -r way; do
		# shellcheck disable=SC2086
		output=$(vexipc embed --dims 1 --batch max $way -f "$BATS_TEST_TMPDIR/texts")
		assert_equal "$(of_all 'map(.embedding[0]) == [range(1; 41)] and
			map(.index) == [range(40)]')" true
	done < <(both_ways)
}

@test "a batch goes to services that take no batches, a request an item" {
	start_service single
	while read -r way; do
		# shellcheck disable=SC2086
		output=$(vexipc embed --dims 1 --batch 5 $way {1..7})
		assert_equal "$(of_all 'map(.embedding[0])')" '[1,2,3,4,5,6,7]'
	done < <(both_ways)
}

@test "what fails in a batch fails alone, with the error of a single request" {
	printf '1\n%0300000d\n3\n' 0 >"$BATS_TEST_TMPDIR/texts"
	# A text larger than buffer_size does not go through netlink.
	start_service one -t netlink -b 10
	while read -r way; do
		# shellcheck disable=SC2086
		run -1 --separate-stderr vexipc embed --batch 3 $way -f "$BATS_TEST_TMPDIR/texts"
		assert_equal "$(of_all 'map(.error)')" '[null,"too_large",null]'
		# shellcheck disable=SC2086
		run -1 --separate-stderr vexipc embed --batch 3 $way 1 '' 3
		assert_equal "$(of_all 'map(.error)')" '[null,"invalid",null]'
		# shellcheck disable=SC2086
		run -4 --separate-stderr vexipc embed --batch 2 --dims 8192 --service nobody $way 1 2
		assert_equal "$(of_all 'map(.error)')" '["no_such_service","no_such_service"]'
	done < <(both_ways)
}

@test "a batch larger than the queues waits for its own room" {
	config max_queue_size=4 max_concurrent_requests=6
	start_service one -b 3
	output=$(vexipc embed --dims 1 --batch 20 {1..20})
	config max_queue_size=1000 max_concurrent_requests=10000
	assert_equal "$(of_all 'map(.embedding[0]) == [range(1; 21)]')" true
}

@test "each item of a batch outlives its service" {
	start_service one -b 4 -m hold
	start many vexipc embed --dims 1 --batch 6 {1..6}
	wait_requests one 6
	start_service two -b 4
	stop one KILL
	results many
	assert_equal "$(of_all 'map(.embedding[0])')" '[1,2,3,4,5,6]'
	every '.service == "two" and .attempts == 2'
}

@test "a signal ends a batch: nothing of it is left" {
	start_service one -b 4 -m hold
	start many vexipc embed --batch 6 {1..6}
	wait_requests one 6
	stop many INT
	assert_equal "$(stat_of in_flight)" 0
	assert_equal "$(stat_of queued)" 0
}
