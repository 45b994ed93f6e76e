#!/usr/bin/env bats
# Services that die or fail with requests in hand: where the requests go, how
# often, and what their clients are told.
#
# That failing over waits for nothing shows in the counters: what comes after a
# backoff is a retry.

load common
load life

# all_go_to_heir N: N requests that "dying" has, once it is dead, are answered by "heir".
all_go_to_heir() {
	results client
	assert_status 0
	every '.error == null and .service == "heir" and .attempts == 2'
	assert_equal "$(of_all 'map(.request_id) | unique | length')" "$1"
	assert_equal "$(requests_of heir)" "$1"
	stats_are submitted="$1" completed="$1" failovers="$1" retries=0 services_died=1
	assert_idle
}

# dying_has N TRANSPORT
dying_has() {
	start_service dying -t "$2" -m hold
	submit client "$1"
	wait_requests dying "$1"
	start_service heir -t "$2"
}

# bats test_tags=smoke
@test "chardev: kill -9 with 20 requests in hand: another service answers each once, at once" {
	dying_has 20 chardev
	kill -KILL "$(pid_of dying)"
	all_go_to_heir 20
}

# bats test_tags=smoke
@test "netlink: kill -9 with 20 requests in hand: another service answers each once, at once" {
	dying_has 20 netlink
	kill -KILL "$(pid_of dying)"
	all_go_to_heir 20
}

# bats test_tags=smoke
@test "ring: kill -9 with 20 requests in hand: another service answers each once, at once" {
	dying_has 20 ring
	kill -KILL "$(pid_of dying)"
	all_go_to_heir 20
}

@test "requests fail over from netlink to chardev and back" {
	start_service dying -t netlink -m hold
	submit client 10
	wait_requests dying 10
	start_service heir -t chardev
	kill -KILL "$(pid_of dying)"
	all_go_to_heir 10
	start_service second -t chardev -m hold
	stop heir
	submit client 10
	wait_requests second 10
	start_service third -t netlink
	kill -KILL "$(pid_of second)"
	results client
	every '.error == null and .service == "third" and .attempts == 2'
}

@test "chardev: closing the descriptor with requests in hand is as good as dying" {
	dying_has 5 chardev
	tell dying close
	all_go_to_heir 5
}

@test "netlink: closing the socket with requests in hand is as good as dying" {
	dying_has 5 netlink
	tell dying close
	all_go_to_heir 5
}

@test "ring: closing the descriptor with requests in hand is as good as dying" {
	dying_has 5 ring
	tell dying close
	all_go_to_heir 5
}

@test "becoming another program by exec with requests in hand is as good as dying" {
	for transport in chardev netlink ring; do
		fresh_module
		dying_has 5 "$transport"
		tell dying exec
		all_go_to_heir 5
		running dying
		stop_all
	done
}

@test "a forked child that still has the descriptor does not keep the dead one's requests" {
	dying_has 5 chardev
	tell dying fork
	child=${output##* }
	kill -KILL "$(pid_of dying)"
	all_go_to_heir 5
	kill -0 "$child"
	kill -KILL "$child"
}

@test "requests that wait in a dead service's queue fail over with those it had" {
	start_service dying -m hold -c 2
	submit client 10
	wait_requests dying 2
	wait_stat queued 8
	start_service heir
	kill -KILL "$(pid_of dying)"
	all_go_to_heir 10
}

@test "full queues lose nothing that fails over" {
	config max_queue_size=1
	start_service dying -t netlink -m hold
	# One at a time: each is sent before the next one needs its place.
	for i in 1 2 3 4 5 6; do
		start "client$i" vexipc embed "$i"
		wait_requests dying "$i"
	done
	start_service heir -t chardev -c 1
	kill -KILL "$(pid_of dying)"
	for i in 1 2 3 4 5 6; do
		results "client$i"
		every '.error == null and .service == "heir"'
	done
	stats_are failovers=6 failed=0
}

@test "with nobody to fail over to the clients are told ECONNRESET, service_died" {
	for transport in chardev netlink ring; do
		start_service dying -t "$transport" -m hold
		submit client 5 --transport "$transport"
		start sync life-client sync
		wait_requests dying 6
		kill -KILL "$(pid_of dying)"
		results client
		assert_status 1
		every '.error == "service_died" and .attempts == 1'
		finish sync
		assert_equal "$(output_of sync)" 'ECONNRESET service_died 1'
		stop dying
	done
	stats_are failed=18 failed_by.service_died=18 completed=0
	assert_idle
}

@test "services that can not do it get nothing of what the dead one had" {
	start_service dying -d 8 -m hold
	submit client 3 --dims 8
	wait_requests dying 3
	start_service wrong -d 16
	start_service heir -d 8
	kill -KILL "$(pid_of dying)"
	all_go_to_heir 3
	assert_equal "$(requests_of wrong)" 0
}

@test "max_retry_attempts bounds how many services a request may outlive" {
	config max_retry_attempts=3
	start_service dying1 -m hold
	submit client 4
	for i in 1 2 3; do
		wait_requests "dying$i" 4
		start_service "dying$((i + 1))" -m hold
		kill -KILL "$(pid_of "dying$i")"
	done
	wait_requests dying4 4
	stats_are failovers=12 retries=0 failed=0
	start_service spare
	kill -KILL "$(pid_of dying4)"
	results client
	every '.error == "service_died" and .attempts == 4'
	assert_equal "$(requests_of spare)" 0
	stats_are failovers=12 failed=4
	assert_idle
}

@test "a service that asks for a retry: the request goes to another one, at once" {
	for mode in retry overload; do
		start_service bad -m "$mode"
		start_service good
		run -0 vexipc embed -j 4 1 2 3 4
		every '.error == null and .service == "good"'
		assert_equal "$(of_all 'map(.attempts) | add')" 6
		stop bad
		stop good
	done
	stats_are retries=4 failovers=0 failed=0
}

@test "a service that says no for good: the client is told so, nobody else is asked" {
	start_service bad -m fail
	run -1 vexipc embed text
	start_service other
	vexipc drain other
	assert_output_has '"error":"service_failed"'
	assert_output_has 'as told'
	stats_are retries=0 failed=1 failed_by.service_failed=1
}

@test "attempts are bounded by max_retry_attempts" {
	config max_retry_attempts=2 retry_backoff_base_ms=1
	for id in a b c d e; do start_service "$id" -m retry; done
	run -1 vexipc embed text
	every '.error == "service_failed" and .attempts == 3'
	stats_are retries=2 failed=1
	config max_retry_attempts=0
	run -1 vexipc embed text
	every '.error == "service_failed" and .attempts == 1'
	stats_are retries=2 failed=2
}

@test "a backoff comes only before the same service again, and then it does" {
	config max_retry_attempts=3 retry_backoff_base_ms=1
	start_service a -m retry
	start_service b -m retry
	run -1 vexipc embed text
	# Each once without a pause; then both have been tried, twice after a pause.
	every '.attempts == 4'
	stats_are retries=3
	assert_equal "$(($(requests_of a) + $(requests_of b)))" 4
	[ "$(requests_of a)" -ge 1 ] && [ "$(requests_of b)" -ge 1 ]

	# A pause longer than the request has ends it, after each has had it once.
	config retry_backoff_base_ms=60000
	run -1 vexipc embed --timeout 10000 text
	every '.error == "service_failed" and .attempts <= 3'
	stats_are failed=2
}

@test "a request pinned to a service that dies is told so, not given to another" {
	start_service dying -m hold
	start_service other
	submit client 2 --service dying
	wait_requests dying 2
	kill -KILL "$(pid_of dying)"
	results client
	every '.error == "service_died"'
	assert_equal "$(requests_of other)" 0
	stats_are failed_by.service_died=2
	assert_idle
}

@test "a request pinned to a service that asks for a retry goes to the same one again" {
	config max_retry_attempts=2 retry_backoff_base_ms=1
	start_service bad -m retry
	start_service good
	run -1 vexipc embed --service bad text
	every '.error == "service_failed" and .attempts == 3'
	assert_equal "$(requests_of bad) $(requests_of good)" "3 0"
}

@test "the deadline bounds all attempts together" {
	config max_retry_attempts=10 retry_backoff_base_ms=1
	start_service slow -m hold
	start_service next -m hold
	vexipc drain next
	start client vexipc embed --timeout "$(debug_kernel && echo 60000 || echo 15000)" text
	wait_requests slow 1
	vexipc resume next
	kill -KILL "$(pid_of slow)"
	wait_requests next 1
	results client
	every '.error == "timed_out" and .attempts == 2'
	stats_are timed_out=1 failed=0 failovers=1
	assert_idle
}

# It does not read, and its socket is full of the one request that it has. The priority
# sends it all that comes: it is there and has credits.
deaf() {
	calm
	config algorithm=priority "$@"
	start_service deaf -t netlink -p 200 -r 1
	start_service other -p 10
	kill -STOP "$(pid_of deaf)"
	submit first 1 --service deaf
	holds deaf 1
}

# deaf_hears N: the one it had is answered when it reads; nobody else had it, nor it another.
deaf_hears() {
	kill -CONT "$(pid_of deaf)"
	results first
	every '.error == null and .service == "deaf" and .attempts == 1'
	assert_equal "$(requests_of deaf) $(requests_of other)" "1 $1"
	stats_are failed=0 orphans=0 failovers=0 services_died=0
	assert_idle
}

@test "connection_timeout_ms: what is stuck before a service that reads nothing goes elsewhere" {
	local begun
	deaf connection_timeout_ms=1500
	begun=$(date +%s%N)
	submit stuck 3
	results stuck
	assert_status 0
	every '.error == null and .service == "other"'
	[ $(($(date +%s%N) - begun)) -ge 1400000000 ]
	stats_are retries=3 send_retries=5
	deaf_hears 3
}

@test "connection_timeout_ms: until then it waits, and goes to the service if that reads" {
	deaf connection_timeout_ms=60000
	submit stuck 3
	wait_until 20 status_is deaf queued 3
	kill -CONT "$(pid_of deaf)"
	results stuck
	every '.error == null and .service == "deaf" and .attempts == 1'
	results first
	assert_equal "$(requests_of deaf) $(requests_of other)" "4 0"
	stats_are retries=0 failed=0
	assert_idle
}

@test "connection_timeout_ms: with nobody else the client is told so" {
	deaf connection_timeout_ms=300 max_retry_attempts=0
	vexipc drain other
	submit stuck 2
	results stuck
	assert_status 1
	every '.error == "transport_failed"'
	stats_are failed_by.transport_failed=2
	kill -CONT "$(pid_of deaf)"
	results first
	every '.error == null and .service == "deaf"'
	assert_idle
}

# bats test_tags=smoke
@test "round robin gives equal services exactly equal shares" {
	calm
	for id in a b c d e; do start_service "$id"; done
	seq 50 | vexipc embed >/dev/null
	for id in a b c d e; do
		assert_equal "$(requests_of "$id")" 10 "share of $id"
		assert_equal "$(stat_of completed "$id")" 10 "counted for $id"
	done
}

@test "round robin gives equal shares with services in between that can not do it" {
	start_service a -d 8 -t chardev
	start_service x1 -d 16 -t chardev
	start_service x2 -d 16 -t netlink
	start_service b -d 8 -t netlink
	start_service x3 -M other -d 32 -t chardev
	start_service c -d 8 -t chardev
	vexipc drain x3
	seq 30 | vexipc embed --dims 8 >/dev/null
	for id in a b c; do assert_equal "$(requests_of "$id")" 10 "share of $id"; done
	for id in x1 x2 x3; do assert_equal "$(requests_of "$id")" 0 "share of $id"; done
}
