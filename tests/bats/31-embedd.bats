#!/usr/bin/env bats
# The vexipc-embedd service: its engines, its options, how it starts and ends.
# shellcheck disable=SC2154 # stderr is of run --separate-stderr

load common
load life

golden=$BATS_TEST_DIRNAME/../fixtures/use-lite-golden.json

# check_golden TYPE FILE...: the JSON lines of `vexipc embed` for the golden
# texts in TYPE, within what that type allows. The second FILE has them as
# float32.
check_golden() {
	python3 - "$golden" "$@" <<-'PYTHON'
		import json, sys
		golden = json.load(open(sys.argv[1]))
		kind = sys.argv[2]
		lines = [json.loads(line) for line in open(sys.argv[3])]
		exact = [json.loads(line)["embedding"] for line in open(sys.argv[-1])]
		assert len(lines) == len(golden) and len(golden) >= 12, len(lines)
		worst = 0
		for line, want, own in zip(lines, golden, exact):
		    got, want = line["embedding"], want["embedding"]
		    assert line["dtype"] == kind and len(got) == len(want) == 512, line
		    if kind == "binary":
		        assert got == [1 if v > 0 else -1 for v in own], line["index"]
		        # A golden number is rounded to 7 digits.
		        assert all(g == (1 if w > 0 else -1) for g, w in zip(got, want) if abs(w) > 1e-5)
		        continue
		    limit = {"float32": 1e-5, "float16": 1e-3, "int16": 1e-4,
		             "int8": 0.01 * max(map(abs, want))}[kind]
		    off = max(abs(g - w) for g, w in zip(got, want))
		    worst = max(worst, off / limit)
		    assert off <= limit, (kind, line["index"], off, limit)
		print(kind, "is off by", worst, "of what it may")
	PYTHON
}

@test "use-lite embeds the golden sentences in every data type as the reference does" {
	start lite vexipc-embedd --id lite --threads 2
	wait_service lite
	jq -r '.[].text' "$golden" >"$BATS_TEST_TMPDIR/texts"
	for kind in float32 float16 int16 int8 binary; do
		vexipc embed --dtype "$kind" -j 2 -f "$BATS_TEST_TMPDIR/texts" >"$BATS_TEST_TMPDIR/$kind"
		check_golden "$kind" "$BATS_TEST_TMPDIR/$kind" "$BATS_TEST_TMPDIR/float32"
	done
	# And as a batch: the same numbers.
	vexipc embed --batch 12 -f "$BATS_TEST_TMPDIR/texts" >"$BATS_TEST_TMPDIR/batch"
	assert_equal "$(jq -c .embedding "$BATS_TEST_TMPDIR/batch")" \
		"$(jq -c .embedding "$BATS_TEST_TMPDIR/float32")"
	vexipc status lite --json | jq -e '.dimensions == [512] and (.data_types | length) == 5'
	run -4 vexipc embed --dims 256 text
}

@test "use-lite refuses what is no UTF-8, for good, and tells so" {
	start lite vexipc-embedd --id lite
	wait_service lite
	printf 'not \xff UTF-8' >"$BATS_TEST_TMPDIR/text"
	run -1 vexipc embed --raw --whole -f "$BATS_TEST_TMPDIR/text"
	every '.error == "bad_string" and .attempts == 1'
}

@test "echo gives the documented vector, whatever transport, in every data type" {
	cat >"$BATS_TEST_TMPDIR/reference" <<-'PYTHON'
		import struct, sys
		M = 2 ** 64 - 1
		def vector(content, dims):
		    h = 0xcbf29ce484222325 ^ len(content)
		    padded = content + bytes(-len(content) % 8)
		    for w, in struct.iter_unpack("<Q", padded):
		        h = (h ^ w) * 0x100000001b3 & M
		        h ^= h >> 32
		    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9 & M
		    h = (h ^ h >> 27) * 0x94d049bb133111eb & M
		    h ^= h >> 31
		    start, step = h & 0xffffffff, h >> 32 | 1
		    for i in range(dims):
		        u = (start + (i + 1) * step) & 0xffffffff
		        u -= (u >> 31) << 32
		        yield (u >> 8) / 2 ** 23
		sys.stdout.buffer.write(struct.pack("<%df" % int(sys.argv[2]),
		                                    *vector(sys.argv[1].encode(), int(sys.argv[2]))))
	PYTHON
	for transport in chardev netlink ring; do
		start_echo "echo-$transport" --transport "$transport" --engine-options dims=10
		for text in a 'twelve bytes' 'Grüße, 世界, and more than sixteen'; do
			python3 "$BATS_TEST_TMPDIR/reference" "$text" 10 >"$BATS_TEST_TMPDIR/want"
			vexipc embed -o raw "$text" >"$BATS_TEST_TMPDIR/got"
			cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
		done
		python3 "$BATS_TEST_TMPDIR/reference" a 8192 >"$BATS_TEST_TMPDIR/want"
		vexipc embed --dims 8192 -o raw a >"$BATS_TEST_TMPDIR/got"
		cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
		for kind in float16:20 int8:10 int16:20 binary:2; do
			assert_equal "$(vexipc embed --dtype "${kind%:*}" -o raw a | wc -c)" "${kind#*:}"
		done
		stop "echo-$transport"
	done
}

@test "its options are what status shows" {
	start_echo full --name 'A name' --dims 64,128 --max-batch 7 --max-concurrent 9 --priority 200 \
		--weight 300 --endpoint 'http://host/' --metadata rack=4 --metadata 'who=me too' \
		--transport chardev --threads 3
	vexipc status full --json | jq -e '.name == "A name" and .dimensions == [64,128] and
		.max_batch == 7 and .max_concurrent == 9 and .priority == 200 and .weight == 300 and
		.endpoint == "http://host/" and .metadata == {rack: "4", who: "me too"} and
		.transport == "chardev" and .models == ["echo"] and (.features | index("batch"))'
	[ -n "$(status_of full software_version)" ]
}

@test "it prefers the instance's transport_type" {
	start_echo default
	assert_equal "$(status_of default transport)" ring
	config transport_type=chardev
	start_echo other
	assert_equal "$(status_of other transport)" chardev
	start_echo auto --transport auto
	assert_equal "$(status_of auto transport)" chardev
	start_echo named --transport ring --threads 3
	assert_equal "$(status_of named transport)" ring
}

@test "it sends heartbeats with its processor time and memory, thrice an interval" {
	config health_check_interval_sec=1
	start_echo beats
	wait_until 30 stat_above heartbeats 4
	vexipc status beats --json | jq -e '.memory_bytes > 100000 and .cpu_permille < 16000 and
		.last_heartbeat_ns > .registered_ns'
	# Who beats needs no probes.
	stats_are probe_failures=0
}
stat_above() { [ "$(stat_of "$1")" -gt "$2" ]; }

# bats test_tags=smoke
@test "SIGTERM: it finishes what it has, takes nothing new, unregisters, exits with 0" {
	for transport in chardev netlink ring; do
		start_echo leaver --transport "$transport" --threads 4 --engine-options delay=60000
		submit client 4
		holds leaver 4
		stop leaver
		assert_status 0
		results client
		assert_status 0
		every '.error == null and .attempts == 1'
	done
	stats_are unregistered=3 services_died=0 failovers=0 completed=12
	assert_idle
}

@test "SIGTERM: what it can not finish within --drain goes to another" {
	start_echo stalls --drain 200 --engine-options stall_every=1
	submit client 3
	holds stalls 3
	start_service heir
	stop stalls
	results client
	every '.error == null and .service == "heir"'
	service_gone stalls
}

@test "two SIGTERMs end it at once" {
	start_echo stalls --drain 3600000 --engine-options stall_every=1
	submit client 1
	holds stalls 1
	kill "$(pid_of stalls)"
	wait_service stalls draining
	stop stalls
	results client
	every '.error == "service_died"'
}

@test "it tells the service manager when it is ready and when it stops" {
	start listener python3 -u -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listens")
while True:
    print(s.recv(4096).decode().replace("\n", " "))' "$BATS_TEST_TMPDIR/notify"
	wait_line "$BATS_TEST_TMPDIR/listener.out" listens
	start one env NOTIFY_SOCKET="$BATS_TEST_TMPDIR/notify" vexipc-embedd --id one --engine echo
	wait_line "$BATS_TEST_TMPDIR/listener.out" 'READY=1 STATUS=serving as one'
	# Ready means registered.
	service_is one active
	stop one
	wait_line "$BATS_TEST_TMPDIR/listener.out" 'STOPPING=1'
}

@test "clear errors: what is wrong with the command line, status 2" {
	run -2 vexipc-embedd
	assert_output_has '--id is missing'
	run -2 vexipc-embedd --id a --engine magic
	assert_output_has 'no engine "magic"'
	for options in '--threads 0' '--priority 256' '--weight 0' '--transport ring2' '--dims x' \
		'--metadata nonsense' 'word' '--nonsense'; do
		# shellcheck disable=SC2086
		run -2 vexipc-embedd --id a --engine echo $options
		assert_output_has 'help'
	done
	run -0 vexipc-embedd --help
	assert_output_has 'stall_every=N'
}

@test "clear errors: engine options, the model, the id, rights, the module" {
	run -1 vexipc-embedd --id a --engine echo --engine-options nonsense=1
	assert_output_has 'unknown option'
	run -1 vexipc-embedd --id a --model /nonexistent
	assert_output_has '/nonexistent'
	head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/model"
	run -1 vexipc-embedd --id a --model "$BATS_TEST_TMPDIR/model"
	assert_output_has "not a use-lite model file"
	start_echo taken
	run -1 vexipc-embedd --id taken --engine echo
	assert_output_has 'there is a service "taken" already'
	run -1 vexipc-embedd --id $'new\nline' --engine echo
	run -1 vexipc-embedd --id "$(printf 'x%.0s' {1..65})" --engine echo
	run -3 setpriv --reuid 12345 --clear-groups vexipc-embedd --id b --engine echo
	assert_output_has CAP_NET_ADMIN
	stop taken
	unload_module
	run -3 vexipc-embedd --id a --engine echo
	assert_output_has 'modprobe vexipc'
	load_module
}

@test "when it is unregistered by others it says so and exits with 1" {
	config health_check_interval_sec=1
	start_echo one
	python3 - <<-'PYTHON'
		import fcntl, struct
		name = b"one"
		import ctypes
		buf = ctypes.create_string_buffer(name)
		arg = bytearray(struct.pack("<QIIII", ctypes.addressof(buf), len(name), 0, 0, 0))
		with open("/dev/vexipc", "r+b", buffering=0) as device:
		    fcntl.ioctl(device, 3 << 30 | len(arg) << 16 | ord("V") << 8 | 0x21, arg)
	PYTHON
	wait_no_service one
	finish one 60
	assert_status 1
	[[ $(errors_of one) == *'the module ended the service'* ]]
}

# ---------------------------------------------------------- misbehaviour --

# misbehaves OPTIONS: such an echo service, and one that behaves.
misbehaves() {
	start_echo bad --engine-options "$1" --transport "${2:-netlink}"
	start_service good -d 8
}

@test "echo delay: the answer comes later, and is timed so" {
	start_echo slow --engine-options delay=50
	run -0 vexipc embed text
	every '.service_us >= 50000'
}

@test "echo fail, overload: the request goes to another service" {
	for fault in fail=1 fail_every=1 overload_every=1; do
		misbehaves "$fault"
		run -0 vexipc embed --dims 8 1 2 3 4
		every '.service == "good"'
		stop bad
		stop good
	done
	run -4 vexipc embed text
	stats_are completed=12 failed=0 retries=6
}

@test "echo overload alone: the client is told overloaded, and the service is not blamed" {
	config retry_backoff_base_ms=1 max_retry_attempts=1
	start_echo busy --engine-options overload_every=1
	run -1 vexipc embed text
	every '.error == "overloaded" and .attempts == 2'
	assert_equal "$(status_of busy failures)" 0
}

@test "echo lie_length: a bad answer; the request goes to another service" {
	for transport in chardev netlink ring; do
		misbehaves lie_length_every=1 "$transport"
		run -0 vexipc embed --dims 8 1 2 3 4
		every '.service == "good"'
		stop bad
		stop good
	done
	stats_are bad_answers=6 retries=6 failed=0
	config max_retry_attempts=1 retry_backoff_base_ms=1
	start_echo liar --engine-options lie_length_every=1
	run -1 vexipc embed --dims 8 text
	every '.error == "bad_answer" and .attempts == 2'
	[ "$(stat_of bad_answers liar)" = 2 ]
}

@test "echo answer_twice: the second one is an orphan" {
	for transport in chardev netlink ring; do
		start_echo "twice-$transport" --engine-options answer_twice_every=1 --transport "$transport"
		run -0 vexipc embed --service "twice-$transport" 1 2 3
		every '.error == null'
		wait_until 10 stat_for "twice-$transport" orphans 3
	done
	stats_are orphans=9 completed=9 bad_answers=0
}
stat_for() { [ "$(stat_of "$2" "$1")" = "$3" ]; }

@test "echo answer_other: another's request is not its to answer: an orphan; its own runs out of time" {
	for transport in chardev netlink ring; do
		start_echo "other-$transport" --engine-options answer_other_every=1 --transport "$transport"
		start_service "victim" -m hold
		# Neighbours in the module's table, so that there is one to answer.
		submit victims 8 --service victim --timeout 120000
		wait_requests victim 8
		run -1 vexipc embed --service "other-$transport" --timeout 3000 -j 4 1 2 3 4
		every '.error == "timed_out"'
		assert_equal "$(stat_of orphans "other-$transport")" 4
		tell victim 'mode answer'
		tell victim flush
		results victims
		every '.error == null and .service == "victim"'
		stop victim
	done
	assert_idle
}

@test "echo corrupt: the module refuses the message; the request runs out of time" {
	for transport in chardev netlink ring; do
		start_echo "corrupt-$transport" --engine-options corrupt_every=1 --transport "$transport"
		run -1 vexipc embed --service "corrupt-$transport" --timeout 3000 text
		every '.error == "timed_out"'
	done
	stats_are bad_messages=3 completed=0 timed_out=3
	assert_idle
}

@test "echo stall: the request runs out of time, others go on" {
	start_echo stall --engine-options stall_every=2
	run -1 vexipc embed --timeout 3000 -j 4 1 2 3 4
	assert_equal "$(of_all 'map(select(.error == "timed_out")) | length')" 2
	assert_equal "$(of_all 'map(select(.error == null)) | length')" 2
}
