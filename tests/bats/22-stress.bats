#!/usr/bin/env bats
# Many at once, and exactly one completion each.
# bats file_tags=slow

load common
load life

storm() {
	run life-storm "$@"
	echo "$output"
	assert_success
	[ "$(sed -n 's/^services_died //p' <<<"$output")" -gt 0 ]
	assert_idle
}

# bats test_tags=smoke
@test "kill storm: services are killed under load with deadlines and cancels: each request has one completion" {
	storm -s 6 -k "$(scale 30)" -t 4 -r "$(scale 1500)" -S 1
}

@test "kill storm with few services, many clients and short queues" {
	config max_queue_size=100 max_concurrent_per_service=8
	storm -s 2 -k "$(scale 30)" -t 8 -r "$(scale 600)" -S 2
}

# bats test_tags=long
@test "kill storms with other seeds" {
	for seed in {3..12}; do
		storm -s $((seed % 7 + 1)) -k "$(scale 60)" -t $((seed % 8 + 1)) -r "$(scale 3000)" \
			-S "$seed"
	done
}

@test "a late answer is an orphan, and its client was told that time was up" {
	for transport in chardev netlink ring; do
		start_service late -t "$transport" -m hold
		run -1 vexipc embed --timeout 2000 --transport "$transport" text
		every '.error == "timed_out" and .attempts == 1'
		holds late 0
		before=$(stat_of orphans)
		tell late 'mode answer'
		tell late flush
		wait_stat orphans $((before + 1))
		run -0 vexipc embed again
		stop late
	done
	stats_are timed_out=3 completed=3 bad_answers=0
	assert_idle
}

@test "a request whose time is up while it waits is never sent" {
	start_service busy -c 1 -m hold
	submit first 1
	wait_requests busy 1
	run -1 vexipc embed --timeout 50 text
	every '.error == "timed_out"'
	tell busy 'mode answer'
	tell busy flush
	results first
	assert_equal "$(requests_of busy)" 1
	stats_are timed_out=1 completed=1
}

# bats test_tags=smoke
@test "a cancelled request completes once, as cancelled; its answer is an orphan" {
	start_service holder -m hold
	run -0 life-client cancel
	wait_requests holder 1
	tell holder 'mode answer'
	tell holder flush
	wait_stat orphans 1
	stats_are cancelled=1 submitted=1 completed=0
	assert_idle
}

@test "a signal ends a blocking request with EINTR and cancels it" {
	start_service holder -m hold
	start client life-client sync
	wait_requests holder 1
	kill -USR1 "$(pid_of client)"
	finish client
	assert_status 0
	assert_equal "$(output_of client)" 'EINTR interrupted 1'
	stats_are cancelled=1 in_flight=0
}

@test "a client that is killed or closes cancels its requests; the services are free again" {
	start_service holder -m hold
	run -0 life-client close
	submit killed 5
	submit killed-netlink 5 --transport netlink
	wait_requests holder 15
	stop killed KILL
	stop killed-netlink KILL
	wait_stat cancelled 15
	holds holder 0
	assert_idle
}

# bats test_tags=smoke
@test "asynchronous requests without blocking: read, poll, epoll, FIONREAD" {
	start_service one
	run -0 life-client nonblock
	assert_equal "$output" ok
}

@test "threads share a client, and each gets its own vectors" {
	start_service a -t chardev
	start_service b -t netlink
	for transport in chardev netlink; do
		run -0 life-client threads "$transport" 8 "$(scale 100)"
	done
	stats_are failed=0 completed=$((16 * $(scale 100)))
}

@test "many processes at once each get their own vectors" {
	start_service a -t chardev
	start_service b -t netlink
	for i in {1..8}; do start "client$i" life-client threads chardev 2 "$(scale 50)"; done
	for i in {1..8}; do
		finish "client$i" 60
		assert_status 0
	done
	stats_are failed=0 completed=$((16 * $(scale 50)))
}

# bats test_tags=smoke
@test "1024 services at once: all are listed, all get requests; one more is refused with ENFILE" {
	calm
	start_service many -n 1025 -t mix
	assert_equal "$(grep ^refused "$BATS_TEST_TMPDIR/many.out")" 'refused 1025 ENFILE'
	assert_equal "$(vexipc services --json | jq 'length')" 1024
	assert_equal "$(vexipc services --json | jq -r '.[1023].id')" many-1024
	assert_equal "$(vexipc services --json | jq -c '[group_by(.transport)[] | length]')" '[512,512]'
	stats_are services=1024
	config max_queue_size=4000
	run -0 life-client flood chardev 2048
	vexipc services --json | jq -e 'all(.completed == 2)'
	stats_are completed=2048
	kill -KILL "$(pid_of many)"
	wait_until 60 stat_is services 0
	stats_are services_died=1024
}

# bats test_tags=smoke
@test "10,000 requests in flight at once all complete" {
	# None overflows, or whoever reads faster is given more than its half.
	config max_queue_size=10000 max_service_queue=10000 max_concurrent_per_service=5000
	config queue_backpressure_percent=100
	calm
	start_service a -t chardev -m hold
	start_service b -t netlink -m hold
	start flood life-client flood chardev 10000
	wait_stat in_flight 10000 120
	assert_equal "$(status_of a in_flight) $(status_of b in_flight)" "5000 5000"
	run -1 vexipc embed 'one more'
	# The limit of the instance is reached, too.
	stats_are refused_by.too_many_requests=1
	for id in a b; do
		tell "$id" 'mode answer'
		tell "$id" flush
	done
	finish flood 120
	assert_status 0
	stats_are completed=10000 failed=0
	assert_idle
}

@test "10,000 requests in flight through netlink, and the service that has them dies" {
	n=$(scale 10000)
	config max_queue_size=10000 max_concurrent_per_service=10000 stall_timeout_ms=0
	start_service dying -t netlink -m hold
	start flood life-client flood netlink "$n"
	wait_stat in_flight "$n" 120
	start_service heir -t chardev
	kill -KILL "$(pid_of dying)"
	finish flood 120
	assert_status 0
	stats_are completed="$n" failovers="$n" failed=0 retries=0
	assert_idle
}
