#!/usr/bin/env bats
# Loading, unloading, and what stands in the way of it.

load common
load life

# bats test_tags=smoke
@test "the module does not unload while a descriptor is open" {
	exec {fd}<>/dev/vexipc
	run ! modprobe -r vexipc
	assert_output_has 'in use'
	exec {fd}>&-
	modprobe -r vexipc
	modprobe vexipc
}

# bats test_tags=smoke
@test "the module does not unload while a service is registered through netlink" {
	start_service one -t netlink
	run ! modprobe -r vexipc
	assert_output_has 'in use'
	tell one close
	wait_until 20 modprobe -qr vexipc
	modprobe vexipc
}

@test "a client's netlink socket does not keep the module; its requests end with it" {
	start_service holder -t netlink -m hold
	submit client 20 --transport netlink
	wait_requests holder 20
	kill -KILL "$(pid_of holder)"
	results client
	every '.error == "service_died"'
	# Sockets that stay open: one that listens.
	start monitor vexipc monitor
	wait_until 20 modprobe -qr vexipc
	modprobe vexipc
	run -0 vexipc stats
}

@test "unloading fails over nothing and leaves nothing when netlink clients have requests under way" {
	# Without a service that pins the module, requests under way are those that
	# wait for a retry: the service they were with asked for one, and left.
	config retry_backoff_base_ms=60000 max_retry_attempts=1
	start_service fickle -t netlink -m retry
	submit client 30 --transport netlink
	wait_requests fickle 30
	kill -KILL "$(pid_of fickle)"
	wait_stat services 0
	running client
	wait_until 20 modprobe -qr vexipc
	# The client was told, or its family is gone: it must not wait for ever.
	stop client
	modprobe vexipc
	assert_equal "$(stat_of submitted)" 0
}

@test "twenty times loaded and unloaded, every fifth time with a service and a request" {
	for i in $(seq "$(scale 20)"); do
		load_module
		if ((i % 5 == 0)); then
			start_service one
			vexipc embed text >/dev/null
			stop one KILL
		fi
		modprobe -r vexipc
	done
	load_module
}

@test "it unloads after a storm of kills" {
	life-storm -s 4 -k "$(scale 20)" -t 4 -r "$(scale 500)" -S 77
	unload_module
	load_module
}

@test "unloading and loading race with programs that open the device and the family" {
	start opener bash -c 'while :; do vexipc stats >/dev/null 2>&1; vexipc ping --transport netlink >/dev/null 2>&1; done'
	for _ in $(seq "$(scale 20)"); do
		wait_until 30 modprobe -qr vexipc
		modprobe vexipc
	done
	stop opener KILL
}

@test "the device is for root and the group vexipc: mode 0660, given by udev to the group" {
	assert_equal "$(stat -c %a /dev/vexipc)" 660 mode
	rule=$(grep -rhs '^[^#]*KERNEL=="vexipc"' /usr/lib/udev/rules.d /lib/udev/rules.d | head -n 1)
	echo "$rule"
	[[ $rule == *'GROUP="vexipc"'* ]]
	[[ $rule == *'MODE="0660"'* ]]
}

@test "without the module the tools say what to do, and exit with 3" {
	unload_module
	for command in 'stats' 'services' 'embed x' 'monitor' 'config show' 'ping' 'drain x' \
		'embed --transport netlink x'; do
		# shellcheck disable=SC2086
		run -3 vexipc $command
		assert_output_has 'modprobe vexipc'
	done
	load_module
}

@test "unprivileged users may not register, drain or configure; they may not open the device" {
	start_service one
	run -5 nobody vexipc stats
	assert_output_has 'group vexipc'
	chmod 666 /dev/vexipc
	run -0 nobody vexipc embed text
	for command in 'config set max_queue_size=5' 'drain one' 'resume one'; do
		# shellcheck disable=SC2086
		run -5 nobody vexipc $command
	done
	for transport in chardev netlink; do
		run -1 nobody life-service -t "$transport" two
		assert_output_has 'refused 1 EPERM'
	done
	config enable_authentication=false
	start open setpriv --reuid 12345 --regid 12345 --clear-groups life-service -t netlink open
	wait_line "$BATS_TEST_TMPDIR/open.out" '^ready'
	assert_equal "$(status_of open uid)" 12345
}

nobody() { setpriv --reuid 12345 --regid 12345 --clear-groups "$@"; }
