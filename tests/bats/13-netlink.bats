#!/usr/bin/env bats
# The generic netlink family: attributes, texts, events, and the kernel's own
# client for it.

load common

# Some change the configuration: each has a module of its own.
setup_file() { :; }
setup() { load_module; }
teardown() {
	stop_all
	unload_module
}
teardown_file() { :; }

linux=/usr/share/vexipc-test/linux
ynl() {
	python3 "$linux/tools/net/ynl/cli.py" --spec /usr/share/vexipc/netlink/vexipc.yaml \
		--schema "$linux/Documentation/netlink/genetlink.yaml" --output-json "$@"
}

# bats test_tags=smoke
@test "a service's life in attributes: register, heartbeat, get, drain, unregister" {
	abi-netlink attributes
}

@test "dumps list every service once, filtered as asked" {
	abi-netlink dumps
}

@test "statistics as attributes are those of the ioctl" {
	abi-netlink figures
}

@test "every refusal says why" {
	abi-netlink texts
}

@test "requests and answers have their commands" {
	abi-netlink commands
}

@test "a socket cancels its own requests, and nobody else's" {
	abi-netlink cancelling
}

@test "a service that comes, drains, resumes and goes is told to group discovery" {
	abi-netlink service_events
}

# bats test_tags=smoke
@test "alerts: no capable service, queue full, service unavailable and back" {
	abi-netlink alerts
}

@test "closed sockets leave nothing behind" {
	abi-netlink sockets
}

@test "the kernel's own YNL client lists services and gets statistics by our specification" {
	start one abi-ioctls serve one netlink
	start two abi-ioctls serve two chardev
	wait_service one
	wait_service two
	run ynl --dump service-get
	assert_success
	assert_equal "$(jq -r '[.[].service.id] | sort | join(" ")' <<<"$output")" "one two"
	assert_equal "$(jq -r '[.[].service.transport] | sort | join(" ")' <<<"$output")" \
		"chardev netlink"
	vexipc embed hello >"$BATS_TEST_TMPDIR/vector"
	run ynl --do stats-get
	assert_success
	assert_equal "$(jq '.stats.completed' <<<"$output")" 1
	assert_equal "$(jq '.stats.services' <<<"$output")" 2
}

@test "the kernel's own YNL client sets the configuration and is refused with our text" {
	run ynl --do config-set --json '{"config": {"max-queue-size": 12}}'
	assert_success
	assert_equal "$(config_of max_queue_size)" 12
	run ynl --do config-set --json '{"config": {"max-queue-size": 0}}'
	assert_status 1
	assert_output_has "must be between 1 and"
}

@test "vexipc monitor shows services and alerts as they come" {
	start_monitor monitor vexipc monitor --json --count 3
	start_echo shown
	run vexipc embed --model none hello
	assert_status 4
	stop shown KILL
	finish monitor
	assert_equal "$status" 0
	assert_equal "$(jq -s 'length' "$BATS_TEST_TMPDIR/monitor.out")" 3
	grep -q shown "$BATS_TEST_TMPDIR/monitor.out"
	grep -q no-capable-service "$BATS_TEST_TMPDIR/monitor.out"
}
