#!/usr/bin/env bats
# Services: coming, states, health, going.

load common
load life

# One second instead of thirty.
hurry() { config health_check_interval_sec=1 discovery_interval_sec=1 "$@"; }

# bats test_tags=smoke
@test "a service registers over each transport, and is listed as it is" {
	for transport in chardev netlink ring; do
		start_service "$transport" -t "$transport" -d 8 -c 3 -M small -b 4
		status=$(vexipc status "$transport" --json)
		echo "$status"
		jq -e --arg t "$transport" '.id == $t and .state == "active" and .transport == $t and
			.dimensions == [8] and .max_concurrent == 3 and .max_batch == 4 and
			.models == ["small"] and .health == 100 and .in_flight == 0 and
			.uid == 0 and .version == 1' <<<"$status"
		assert_equal "$(jq .pid <<<"$status")" "$(pid_of "$transport")" pid
		assert_equal "$(jq -r .handle <<<"$status")" \
			"$(sed -n 's/^ready //p' "$BATS_TEST_TMPDIR/$transport.out")" handle
	done
	assert_equal "$(vexipc services --json | jq -c 'map(.id)')" '["chardev","netlink","ring"]'
	stats_are services=3 registered=3
}

# bats test_tags=smoke
@test "a service that closes its descriptor or socket is gone at once" {
	for transport in chardev netlink ring; do
		start_service "$transport" -t "$transport"
		tell "$transport" close
		run vexipc status "$transport"
		assert_status 4
	done
	assert_equal "$(vexipc services --json)" '[]'
	stats_are services=0 services_died=3 unregistered=0
}

@test "an id is taken only once, whichever way it comes, and free again when its service went" {
	start_service twin -t chardev
	for transport in chardev netlink ring; do
		run -1 life-service -t "$transport" twin
		assert_output_has 'refused 1 EEXIST'
	done
	stop twin KILL
	start_service again -t netlink
	run -1 life-service -t chardev again
	assert_output_has 'refused 1 EEXIST'
	stop again KILL
	start_service twin -t netlink
}

@test "a service at its limit is busy, and active again when it has answered" {
	for transport in chardev netlink ring; do
		start_service "$transport" -t "$transport" -c 2 -m hold
		submit client 3
		wait_service "$transport" busy
		wait_until 20 status_is "$transport" queued 1
		vexipc status "$transport" --json |
			jq -e '.in_flight == 2 and .queued == 1 and .load == 1500'
		tell "$transport" 'mode answer'
		tell "$transport" flush
		results client
		every '.error == null and .attempts == 1'
		wait_service "$transport" active
		stop "$transport"
	done
	assert_idle
}

# bats test_tags=smoke
@test "a drained service gets nothing new, keeps what it has, and resumes" {
	start_service one -m hold
	submit held 2
	holds one 2
	vexipc drain one
	wait_service one draining
	run vexipc embed no
	assert_status 4
	tell one 'mode answer'
	tell one flush
	results held
	every '.error == null and .service == "one"'
	assert_equal "$(requests_of one)" 2
	vexipc resume one
	wait_service one active
	run -0 vexipc embed yes
	assert_equal "$(requests_of one)" 3
	stats_are completed=3 refused=1 refused_by.no_capable_service=1
}

@test "requests go round a drained service, and come to it again when it resumes" {
	start_service a
	start_service b
	vexipc drain a
	seq 4 | vexipc embed >/dev/null
	assert_equal "$(requests_of a) $(requests_of b)" "0 4"
	vexipc resume a
	seq 4 | vexipc embed >/dev/null
	assert_equal "$(requests_of a) $(requests_of b)" "2 6"
}

@test "unregistering hands what the service has to another and says how much that was" {
	for transport in chardev netlink ring; do
		start_service leaver -t "$transport" -m hold
		submit client 4
		holds leaver 4
		start_service heir
		tell leaver unregister
		assert_equal "$output" 'done unregister 4'
		results client
		every '.error == null and .service == "heir" and .attempts == 2'
		stop leaver
		stop heir
	done
	stats_are unregistered=3 failovers=12 retries=0
	assert_idle
}

@test "unregistering with drain: it finishes what it has, then it is gone" {
	for transport in chardev netlink ring; do
		start_service leaver -t "$transport" -m hold
		submit client 3
		holds leaver 3
		tell leaver drain
		wait_service leaver draining
		run vexipc embed no
		assert_status 4
		tell leaver 'mode answer'
		tell leaver flush
		results client
		every '.error == null and .attempts == 1'
		wait_line "$BATS_TEST_TMPDIR/leaver.out" '^gone leaver'
		wait_no_service leaver
		stop leaver
	done
	stats_are unregistered=3 services_died=0 failovers=0
}

@test "unregistering with drain ends an idle service without further ado" {
	start_service idle
	tell idle drain
	wait_line "$BATS_TEST_TMPDIR/idle.out" '^gone idle'
	wait_no_service idle
	stats_are unregistered=1 services=0
}

@test "heartbeats show in status: when, processor, memory, requests in hand" {
	for transport in chardev netlink ring; do
		start_service "$transport" -t "$transport" -m hold
		assert_equal "$(status_of "$transport" last_heartbeat_ns)" 0
		submit client 2
		wait_requests "$transport" 2
		tell "$transport" heartbeat
		wait_until 10 beaten "$transport"
		vexipc status "$transport" --json | jq -e '.reported_in_flight == 2 and
			.memory_bytes > 100000 and .cpu_permille <= 4000 and
			.last_heartbeat_ns >= .registered_ns'
		stop "$transport"
		finish client
	done
	stats_are heartbeats=3
}
beaten() { [ "$(status_of "$1" last_heartbeat_ns)" != 0 ]; }

@test "without heartbeats it is probed; answering keeps it active" {
	for transport in chardev netlink ring; do
		start_service "$transport" -t "$transport"
	done
	config health_check_interval_sec=1 probe_timeout_ms=60000
	wait_until 30 stat_above probes 3
	stats_are probe_failures=0 services=3
	service_is chardev active
	service_is netlink active
	service_is ring active
}
stat_above() { [ "$(stat_of "$1")" -gt "$2" ]; }

@test "missed probes: degraded after one, failed after three, active again after two answered" {
	for transport in chardev netlink ring; do
		# No probe with the last one's patience is under way when they go off.
		config health_check_interval_sec=3600
		start_service "$transport" -t "$transport"
		start_monitor "monitor-$transport" vexipc monitor --json
		tell "$transport" 'probes off'
		hurry probe_timeout_ms=100 discovery_interval_sec=3600
		wait_service "$transport" failed
		assert_equal "$(status_of "$transport" health)" 0
		# A failed one gets probes only.
		run vexipc embed no
		assert_status 4
		tell "$transport" 'probes on'
		config probe_timeout_ms=60000
		wait_service "$transport" active
		assert_equal "$(status_of "$transport" health)" 100
		run -0 vexipc embed yes
		assert_equal "$(requests_of "$transport")" 1
		wait_line "$BATS_TEST_TMPDIR/monitor-$transport.out" service-back
		stop "monitor-$transport" INT
		stop "$transport"
		output=$(jq -r --arg id "$transport" 'select(.service == $id and .event == "service") |
			.state' "$BATS_TEST_TMPDIR/monitor-$transport.out")
		[[ $output == *degraded$'\n'failed$'\n'active* ]]
		output=$(jq -r --arg id "$transport" 'select(.service == $id and .event == "alert") |
			"\(.alert) \(.value)"' "$BATS_TEST_TMPDIR/monitor-$transport.out")
		assert_equal "$(head -n 2 <<<"$output" | paste -sd,)" \
			"service-unavailable 3,service-back 2"
	done
}

@test "a degraded service is the last choice" {
	start_service weak
	start_service strong
	tell weak 'probes off'
	config health_check_interval_sec=1 probe_timeout_ms=100 unhealthy_after=100
	wait_service weak degraded
	# The other one may have been too late once, too.
	config health_check_interval_sec=3600
	tell strong heartbeat
	wait_service strong active
	seq 6 | vexipc embed >/dev/null
	assert_equal "$(requests_of weak) $(requests_of strong)" "0 6"
	stop strong
	wait_no_service strong
	run -0 vexipc embed still
	assert_equal "$(requests_of weak)" 1
}

# A probe under way may fail after a heartbeat.
recovers() { tell "$1" heartbeat && service_is "$1" active; }

@test "a heartbeat makes a degraded service active again" {
	start_service weak
	tell weak 'probes off'
	config health_check_interval_sec=1 probe_timeout_ms=100 unhealthy_after=100
	wait_service weak degraded
	config health_check_interval_sec=3600
	wait_until 30 recovers weak
}

@test "what waits for a service that turns out to be unhealthy moves on" {
	start_service well
	vexipc drain well
	start_service sick -t chardev
	kill -STOP "$(pid_of sick)"
	submit client 3
	wait_stat queued 3
	vexipc resume well
	config health_check_interval_sec=1 probe_timeout_ms=100
	results client
	every '.error == null and .service == "well" and .attempts == 2'
	service_is sick failed
	kill -CONT "$(pid_of sick)"
	wait_service sick active
}

@test "a service without a sign of life for ten discovery intervals is gone, and its requests move on" {
	start_service dead -t chardev -m hold
	submit client 2
	wait_requests dead 2
	kill -STOP "$(pid_of dead)"
	start_service alive
	hurry unhealthy_after=100
	wait_no_service dead
	results client
	every '.error == null and .service == "alive" and .attempts == 2'
	service_is alive active
	stats_are services=1 services_died=1
	# Its descriptor is open still, but it is nobody now.
	kill -CONT "$(pid_of dead)"
	tell dead 'probes on'
}

@test "the module multicasts DISCOVERY each interval while there are services" {
	start_service one
	start_monitor monitor vexipc monitor --json
	config discovery_interval_sec=1
	wait_until 20 discoveries 2
}
discoveries() { [ "$(grep -c '"event":"discovery"' "$BATS_TEST_TMPDIR/monitor.out")" -ge "$1" ]; }

@test "vexipc monitor tells of each service that comes, drains, resumes and goes" {
	start_monitor monitor vexipc monitor --json -c 4
	start_service passer
	vexipc drain passer
	vexipc resume passer
	stop passer
	finish monitor
	assert_status 0
	assert_equal "$(output_of monitor | jq -rs 'map(select(.event == "service") |
		.service + " " + .state) | join(",")')" \
		"passer active,passer draining,passer active,passer gone"
}
