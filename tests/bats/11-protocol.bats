#!/usr/bin/env bats
# Messages, over both transports.

load common

# bats test_tags=smoke
@test "each of the 15 types is sent and answered: client chardev, service chardev" {
	abi-protocol types chardev chardev
}

# bats test_tags=smoke
@test "each of the 15 types is sent and answered: client netlink, service netlink" {
	abi-protocol types netlink netlink
}

@test "each of the 15 types is sent and answered: client chardev, service netlink" {
	abi-protocol types chardev netlink
}

@test "each of the 15 types is sent and answered: client netlink, service chardev" {
	abi-protocol types netlink chardev
}

@test "each of the 15 types is sent and answered: client chardev, service ring" {
	abi-protocol types chardev ring
}

@test "each of the 15 types is sent and answered: client netlink, service ring" {
	abi-protocol types netlink ring
}

# It takes so long on a slow machine that probes would come between, the request's
# deadline, and an alert that the service answers nothing, and be counted.
corrupt_headers() {
	config health_check_interval_sec=3600 discovery_interval_sec=3600 \
		request_timeout_ms=3600000 stall_timeout_ms=0
	abi-protocol corrupt_headers "$1"
	config health_check_interval_sec=30 discovery_interval_sec=30 request_timeout_ms=30000 \
		stall_timeout_ms=10000
}

@test "chardev: every corruption of a byte of a header is refused and changes nothing" {
	corrupt_headers chardev
}

@test "netlink: every corruption of a byte of a header is refused and changes nothing" {
	corrupt_headers netlink
}

@test "every corrupted byte of a body is EBADMSG" {
	abi-protocol corrupt_bodies
}

@test "each wrong field of a header has its errno" {
	abi-protocol header_fields
}

@test "every unknown flag of a header is EOPNOTSUPP" {
	abi-protocol header_flags
}

@test "chardev: each malformed body has its errno and changes nothing" {
	abi-protocol malformed_bodies chardev
}

@test "netlink: each malformed body has its errno and changes nothing" {
	abi-protocol malformed_bodies netlink
}

@test "strings that are not UTF-8 or have control characters are refused, others taken" {
	abi-protocol malformed_strings
}

@test "versions are negotiated: the highest both speak, or a NACK" {
	abi-protocol versions
}

@test "features are negotiated: what both have" {
	abi-protocol features
}

@test "a service is sent nothing that it has no feature for" {
	abi-protocol features_kept
}

@test "batches go only to services that take so many items" {
	abi-protocol batch_limits
}

@test "an answer to a batch that does not fit fails the request and is counted" {
	abi-protocol bad_batch_answers
}

@test "an answer that does not fit fails the request and is counted" {
	abi-protocol bad_answers
}

@test "forged, stolen and doubled answers are orphans: counted and dropped" {
	abi-protocol orphans
}

@test "late answers are orphans: counted and dropped" {
	abi-protocol late
}

@test "WANT_ACK tells a service whether its answer counted" {
	abi-protocol want_ack
}

@test "what failed at one service succeeds at the next, and the first has no say any more" {
	abi-protocol retries
}

# section: that of docs/protocol.md.
section() {
	sed -n '/^## A session on the device/,/^## A ring/p' \
		"$BATS_TEST_DIRNAME/../../docs/protocol.md"
}

# alike: of dumps, how long each is, and of each the first row: magic, version, type,
# length. What follows are ids and times.
alike() { sed -n 's/^ *\(0000  .\{47\}\)  .*/\1/p; s/^ *\(00[1-9a-f]0\)  .*/\1/p'; }

@test "the documentation's session on the device goes as it shows" {
	# With time enough for any machine.
	section | sed -n '/^```python$/,/^```$/{ /^```/d; s/ 5000,/ 3600000,/; p }' \
		>"$BATS_TEST_TMPDIR/session.py"
	run -0 python3 "$BATS_TEST_TMPDIR/session.py"
	diff <(section | alike) <(alike <<<"$output")
	[ "$(alike <<<"$output" | grep -c '^0000')" = 6 ]
}
