#!/usr/bin/env bats
# The device: what its ioctls do, and each way in which they refuse.

load common

# The device is for a group, as its udev rule has it.
group=4242
unprivileged() { setpriv --reuid 65534 --regid "$1" --clear-groups "${@:2}"; }

@test "the module has its type information" {
	[ -s /sys/kernel/btf/vexipc ]
	bpftool btf dump file /sys/kernel/btf/vexipc | grep -q "STRUCT 'vexipc_request'"
}

# bats test_tags=smoke
@test "the specification's examples compile with the installed header alone, register and embed" {
	gcc -Wall -Wextra -Werror -Wno-pointer-to-int-cast \
		-o "$BATS_TEST_TMPDIR/examples" tests/abi/spec_examples.c
	run "$BATS_TEST_TMPDIR/examples"
	assert_success
	assert_output_has "registered with 768 dimensions"
	assert_output_has "completion of 768 dimensions"
}

# bats test_tags=smoke
@test "register: what a service says of itself is what its status tells" {
	abi-ioctls register_tells
}

@test "register: zero in every field but the id means the defaults" {
	abi-ioctls register_defaults
}

@test "register: each bad field has its errno, and registers nothing" {
	abi-ioctls register_refused
}

@test "register: an id exists once, a descriptor has one service, which lives as long as it" {
	abi-ioctls register_exists
}

@test "unregister: by id, with drain, and each way to refuse" {
	abi-ioctls unregister
}

# bats test_tags=smoke
@test "embed: blocks until the vector is there, in each data type" {
	abi-ioctls embed_blocks
}

# bats test_tags=smoke
@test "embed: without a result pointer it is submitted, and its completion read" {
	abi-ioctls embed_submits
}

@test "embed: each bad field has its errno; what was no request is not counted" {
	abi-ioctls embed_refused
}

@test "embed: a result too small is ENOSPC and tells the size; nothing is written" {
	abi-ioctls embed_no_space
}

@test "embed: a request id is taken until its completion is read, on its descriptor" {
	abi-ioctls embed_ids
}

@test "embed: a signal cancels, with EINTR" {
	abi-ioctls embed_interrupted
}

@test "embed: after its timeout a request is ETIMEDOUT, and no service is sent it" {
	abi-ioctls embed_times_out
}

@test "status: by id and by handle, text of any size, and each way to refuse" {
	abi-ioctls status
}

@test "list: filters, short and long buffers, older and newer entries" {
	abi-ioctls list
}

@test "stats: of the instance and of a service, exactly" {
	abi-ioctls stats
}

@test "cancel: one's own requests only, once, and the late answer is an orphan" {
	abi-ioctls cancel
}

@test "control: a drained service gets nothing until it is resumed" {
	abi-ioctls control
}

@test "policies: what is wrong is refused, and with none loaded there are none" {
	abi-ioctls policies
}

@test "ioctls are numbered 0x20 to 0x30 as specified; all else is ENOTTY, a bad pointer EFAULT" {
	abi-ioctls numbers
}

@test "ioctls take shorter structs as if zeros followed, and longer ones if zeros do" {
	abi-ioctls sizes
}

@test "32-bit callers have the same structs" {
	abi-ioctls compat
}

@test "FIONREAD tells the size of the next message" {
	abi-ioctls fionread
}

# bats test_tags=smoke
@test "without privilege but with the device's group one may embed and look, not register or administer" {
	start theirs abi-ioctls serve theirs
	wait_line "$BATS_TEST_TMPDIR/theirs.out" serving
	chgrp "$group" /dev/vexipc
	unprivileged "$group" abi-ioctls unprivileged
}

@test "without the device's group one may look over netlink, and no more" {
	start theirs abi-ioctls serve theirs
	wait_line "$BATS_TEST_TMPDIR/theirs.out" serving
	unprivileged 65534 abi-ioctls outsider
}

@test "who opened a descriptor counts, not who writes to it" {
	chgrp "$group" /dev/vexipc
	abi-ioctls borrowed "$group"
}

@test "read: O_NONBLOCK is EAGAIN when there is nothing" {
	abi-device nonblocking
}

@test "read: blocks until there is something, and a signal is EINTR" {
	abi-device blocking
	abi-device interrupted
}

@test "read: what does not fit is EMSGSIZE and stays, completions and requests alike" {
	abi-device short_reads
	abi-device short_reads_of_requests
}

@test "read: as many whole messages as fit, completions before requests" {
	abi-device several_in_a_read
	abi-device completions_first
}

@test "read: a fault loses nothing" {
	abi-device fault_in_read
	abi-device fault_in_read_of_request
}

@test "read: of many readers each message has one" {
	abi-device many_readers
}

@test "write: several messages at once; one that is bad ends it, and what was done is told" {
	abi-device several_in_a_write
}

@test "write: what is cut off is EINVAL, a fault EFAULT, and changes nothing" {
	abi-device short_writes
	abi-device fault_in_write
}

@test "poll tells exactly when there is something to read" {
	abi-device polling
}

@test "epoll: edge and level" {
	abi-device epolling
}

@test "replies that nobody reads are bounded: ENOBUFS" {
	abi-device unread_replies
}

@test "the device is a stream: no seeking, no pread" {
	abi-device seeking
}

@test "closing a descriptor cancels its requests" {
	abi-device closed_with_requests
}
