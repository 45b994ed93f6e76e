#!/usr/bin/env bats
# The configuration: each field acts at once, or is refused.

load common

# Each test has a module of its own: nobody sees what another has set.
setup_file() { :; }
setup() { load_module; }
teardown() {
	stop_all
	unload_module
}
teardown_file() { :; }

@test "max_concurrent_requests bounds the instance: EUSERS" {
	abi-config max_concurrent_requests
}

@test "max_concurrent_per_service bounds what a service has in hand" {
	abi-config max_concurrent_per_service
}

@test "request_timeout_ms ends requests that name no timeout" {
	abi-config request_timeout_ms
}

# bats test_tags=smoke
@test "max_queue_size bounds the queues: ENOBUFS" {
	abi-config max_queue_size
}

@test "discovery_interval_sec: discovery is multicast so often, and after ten without a sign a service has gone" {
	abi-config discovery_interval_sec
}

@test "health_check_interval_sec: a silent service is probed after it" {
	abi-config health_check_interval_sec
}

@test "max_retry_attempts: so many more attempts, then the failure is the client's" {
	abi-config max_retry_attempts
}

@test "retry_backoff_base_ms: how long before the same service is asked again" {
	abi-config retry_backoff_base_ms
}

@test "enable_authentication: off, anyone may register" {
	chgrp 4242 /dev/vexipc
	setpriv --reuid 65534 --regid 4242 --clear-groups abi-config may_register
	config enable_authentication=false
	setpriv --reuid 65534 --regid 4242 --clear-groups abi-config may_register
}

@test "transport_type: how services register that name no transport" {
	start_echo default
	assert_equal "$(status_of default transport)" ring
	config transport_type=chardev
	start_echo changed
	assert_equal "$(status_of changed transport)" chardev
}

@test "buffer_size bounds the bytes a service has in hand" {
	abi-config buffer_size
}

@test "connection_timeout_ms: how long a socket may be full before a request goes elsewhere" {
	abi-config connection_timeout_ms
}

@test "max_retries: how often a full socket is tried in that time" {
	abi-config max_retries
}

@test "algorithm: round robin takes turns" {
	abi-config algorithm
}

@test "probe_timeout_ms: a probe unanswered so long has failed" {
	abi-config probe_timeout_ms
}

@test "unhealthy_after: so many failed probes make a service failed" {
	abi-config unhealthy_after
}

@test "healthy_after: so many answered probes make it active again" {
	abi-config healthy_after
}

@test "encryption and compression are refused by name: not built" {
	for setting in enable_encryption=true enable_compression=true; do
		run vexipc config set max_queue_size=7 "$setting"
		assert_status 1
		assert_output_has "not offered by this version; nothing was changed"
		assert_equal "$(config_of max_queue_size)" 1000
	done
	config enable_encryption=false enable_compression=false
}

# bats test_tags=smoke
@test "what is out of range or unbuilt is refused whole, by ioctl and netlink, and says which" {
	abi-config ranges
}

@test "vexipc config refuses whole, too, and tells the range" {
	run vexipc config set request_timeout_ms=50 max_retry_attempts=11
	assert_status 1
	assert_output_has "cannot set max_retry_attempts to 11: it goes from 0 to 10; nothing was changed"
	assert_equal "$(config_of request_timeout_ms)" 30000
	run vexipc config set nonsense=1
	assert_status 2
	run vexipc config set max_queue_size
	assert_status 2
}

@test "every field can be set to its ends and read back, by ioctl and netlink" {
	abi-config limits
}

@test "vexipc config set and get: every field it shows" {
	local field value
	while IFS='=' read -r field value; do
		vexipc config set "$field=$value"
		assert_equal "$(config_of "$field")" "$value" "$field"
	done < <(vexipc config show --json | jq -r 'to_entries[] | "\(.key)=\(.value.value)"')
	assert_equal "$(vexipc config show --json | jq length)" 69
	config max_queue_size=17 request_timeout_ms=18
	assert_equal "$(vexipc config get max_queue_size request_timeout_ms | tr '\n' ' ')" \
		"max_queue_size=17 request_timeout_ms=18 "
}

@test "config ioctl: bad counts, flags, pointers and reserved fields" {
	abi-config arguments
}
