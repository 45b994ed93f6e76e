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
	local submitted refused
	config max_queue_size=4 max_concurrent_requests=6
	start_service one -b 3
	submitted=$(stat_of submitted) refused=$(stat_of refused)
	output=$(vexipc embed --dims 1 --batch 20 {1..20})
	config max_queue_size=1000 max_concurrent_requests=10000
	assert_equal "$(of_all 'map(.embedding[0]) == [range(1; 21)]')" true
	# What found no room and came again is one request, and was not refused.
	stats_are submitted=$((submitted + 20)) refused="$refused"
}

@test "each item of a batch outlives its service" {
	start_service one -b 4 -m hold
	start many vexipc embed --dims 1 --batch 6 {1..6}
	holds one 6
	start_service two -b 4
	stop one KILL
	results many
	assert_equal "$(of_all 'map(.embedding[0])')" '[1,2,3,4,5,6]'
	every '.service == "two" and .attempts == 2'
}

@test "a signal ends a batch: nothing of it is left" {
	start_service one -b 4 -m hold
	start many vexipc embed --batch 6 {1..6}
	holds one 6
	stop many INT
	assert_equal "$(stat_of in_flight)" 0
	assert_equal "$(stat_of queued)" 0
}

# ---------------------------------------------------------- dynamic batches --

# stalled N [OPTION...]: N requests wait for service one, which does not read: they
# wait here only if it is on the device.
stalled() {
	local n=$1
	shift
	kill -STOP "$(pid_of one)"
	submit many "$n" --dims 1 --service one "$@"
	wait_stat queued "$n"
}
go_on() { kill -CONT "$(pid_of one)"; }

@test "requests that wait for one service travel in batches of what it takes, if told to" {
	start_service one -t chardev -b 4
	for on in 0 1; do
		config dynamic_batching=$on
		carriers=$(stat_of carriers) carried=$(stat_of carried)
		stalled 10
		go_on
		results many
		assert_equal "$(of_all 'map(.embedding[0]) == [range(1; 11)]')" true
		stats_are carriers=$((carriers + on * 3)) carried=$((carried + on * 10))
	done
	assert_conserved
	config dynamic_batching=0
}

@test "a service that takes no batches gets none" {
	config dynamic_batching=1
	start_service one -t chardev
	before=$(stat_of carriers)
	stalled 5
	go_on
	results many
	config dynamic_batching=0
	assert_equal "$(of_all 'map(.embedding[0]) == [range(1; 6)]')" true
	assert_equal "$(stat_of carriers)" "$before"
}

@test "what expires in a batch is completed once, by its deadline; the others by the answer" {
	config dynamic_batching=1
	start_service one -t chardev -b 8 -m hold
	kill -STOP "$(pid_of one)"
	# Long enough for all of this to be sent before.
	local ms=4000
	! debug_kernel || ms=20000
	start hasty vexipc embed --service one --timeout $ms 1
	wait_stat queued 1
	submit many 3 --dims 1 --service one
	wait_stat queued 4
	go_on
	finish hasty
	[[ $(output_of hasty) == *timed_out* ]]
	before=$(stat_of orphans)
	tell one 'mode answer'
	tell one flush
	results many
	config dynamic_batching=0
	assert_equal "$(of_all 'map(.embedding[0])')" '[1,2,3]'
	assert_equal "$(stat_of orphans)" $((before + 1))
	assert_conserved
}

@test "when a batch fails as a whole, each request goes on by itself" {
	config dynamic_batching=1 retry_budget_percent=100
	start_service one -t chardev -b 8 -m retry
	kill -STOP "$(pid_of one)"
	submit many 5 --dims 1
	wait_stat queued 5
	start_service two
	go_on
	results many
	assert_equal "$(of_all 'map(.embedding[0])')" '[1,2,3,4,5]'
	every '.service == "two" and .attempts == 2'
	# And when its service dies.
	stop two
	tell one 'mode hold'
	stalled 5
	go_on
	holds one 5
	start_service two
	stop one KILL
	results many
	config dynamic_batching=0
	every '.error == "no_such_service" or .service == "two" or .error == "service_died"'
	assert_conserved
}

@test "over netlink a request waits batch_delay_us for company; long batches come in pieces" {
	config dynamic_batching=1 batch_delay_us=100000 batch_max_bytes=1000000 buffer_size=1000000
	start_service one -t netlink -b 20
	before=$(stat_of carriers)
	for i in {1..10}; do printf '%d%020000d\n' "$i" 0; done >"$BATS_TEST_TMPDIR/texts"
	output=$(vexipc embed --dims 1 -j 10 -f "$BATS_TEST_TMPDIR/texts")
	config dynamic_batching=0 batch_delay_us=0 batch_max_bytes=65536 buffer_size=262144
	assert_equal "$(of_all 'map(.error) | unique')" '[null]'
	[ "$(stat_of carriers)" -gt "$before" ]
	assert_conserved
}
