#!/usr/bin/env bats
# The vexipc command: each subcommand, what it prints and how it ends.
# shellcheck disable=SC2154 # stderr is of run --separate-stderr

load common
load life

setup_file() { fresh_module; }
setup() { :; }
teardown() { stop_all; }
teardown_file() { unload_module; }

# vectors TYPE FILE: the numbers of a .npy file, a row a line, checked for form.
vectors() {
	python3 - "$@" <<-'PYTHON'
		import ast, struct, sys
		wanted, data = sys.argv[1], open(sys.argv[2], "rb").read()
		assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
		length, = struct.unpack_from("<H", data, 8)
		assert (10 + length) % 64 == 0 and data[10 + length - 1:10 + length] == b"\n"
		header = ast.literal_eval(data[10:10 + length].decode())
		assert header["descr"] == wanted and not header["fortran_order"], header
		rows, columns = header["shape"]
		code = {"<f4": "f", "<f2": "e", "|u1": "B"}[wanted]
		values = struct.unpack("<%d%s" % (rows * columns, code), data[10 + length:])
		for row in range(rows):
		    print(*("%g" % v for v in values[row * columns:(row + 1) * columns]))
	PYTHON
}

# bats test_tags=smoke
@test "embed: arguments, lines of stdin, lines of a file, a whole file" {
	start_service one
	run -0 vexipc embed --dims 3 5 'two words'
	assert_equal "$(of_all 'map(.embedding)')" '[[5,6,7],[0,1,2]]'
	assert_equal "$(of_all 'map(.index)')" '[0,1]'
	every '.service == "one" and .dimensions == 3 and .dtype == "float32" and .attempts == 1 and
		(.request_id | startswith("0x")) and .queue_us >= 0 and .service_us >= 0'
	printf '1\n\n2\r\n3' >"$BATS_TEST_TMPDIR/lines"
	output=$(vexipc embed --dims 1 <"$BATS_TEST_TMPDIR/lines")
	assert_equal "$(of_all 'map(.embedding[0])')" '[1,2,3]'
	output=$(vexipc embed --dims 1 -f "$BATS_TEST_TMPDIR/lines")
	assert_equal "$(of_all 'map(.embedding[0])')" '[1,2,3]'
	output=$(vexipc embed --dims 1 -f - <"$BATS_TEST_TMPDIR/lines")
	assert_equal "$(of_all 'length')" 3
	output=$(vexipc embed --dims 1 --whole --raw -f "$BATS_TEST_TMPDIR/lines")
	assert_equal "$(of_all 'map(.embedding[0])')" '[1]'
	assert_equal "$(stat_of bytes_in one)" $((1 + 9 + 3 * 3 + 7))
}

@test "embed: nothing in, nothing out" {
	output=$(vexipc embed </dev/null)
	assert_equal "$output" ''
}

@test "embed: results come in the order of the texts, however many are under way" {
	start_service a -t chardev
	start_service b -t netlink
	seq 200 >"$BATS_TEST_TMPDIR/texts"
	for options in '-j 50' '-j 50 --transport netlink' '' '-j 7'; do
		# shellcheck disable=SC2086
		output=$(vexipc embed --dims 1 $options -f "$BATS_TEST_TMPDIR/texts")
		assert_equal "$(of_all 'map(.embedding[0]) == [range(1; 201)] and
			map(.index) == [range(200)]')" true
	done
}

@test "embed --batch: several texts in one request, in order, the last one shorter" {
	start_service one -b 10
	seq 25 >"$BATS_TEST_TMPDIR/texts"
	for options in '' '-j 3' '-j 3 --transport netlink'; do
		before=$(stat_of batches)
		# shellcheck disable=SC2086
		output=$(vexipc embed --dims 1 --batch 10 $options -f "$BATS_TEST_TMPDIR/texts")
		assert_equal "$(of_all 'map(.embedding[0]) == [range(1; 26)]')" true
		assert_equal "$(stat_of batches)" $((before + 3))
	done
}

@test "embed -o raw and -o npy: the vectors, to the bit" {
	start_service one
	vexipc embed --dims 3 -o raw 5 6 >"$BATS_TEST_TMPDIR/raw"
	assert_equal "$(python3 -c 'import struct, sys
print(*struct.unpack("<6f", sys.stdin.buffer.read()))' <"$BATS_TEST_TMPDIR/raw")" \
		"5.0 6.0 7.0 6.0 7.0 8.0"
	vexipc embed --dims 3 -o npy 5 6 >"$BATS_TEST_TMPDIR/npy"
	assert_equal "$(vectors '<f4' "$BATS_TEST_TMPDIR/npy")" $'5 6 7\n6 7 8'
}

@test "embed --service, --model, --dims, --dtype choose the service" {
	start_service small -M mini -d 8
	start_service large -M maxi -d 16
	for options in '--service large' '--model maxi' '--dims 16'; do
		# shellcheck disable=SC2086
		run -0 vexipc embed $options 1
		every '.service == "large"'
	done
	for options in '--service nobody' '--model midi' '--dims 7' '--dtype int8' \
		'--service small --dims 16'; do
		# shellcheck disable=SC2086
		run -4 vexipc embed $options 1
	done
	run -4 --separate-stderr vexipc embed --service nobody 1
	every '.error == "no_such_service" and .service == null'
}

@test "embed: what fails is told in its place and on stderr, the rest goes on; exit status 1" {
	printf '1\n%0300000d\n3\n' 0 >"$BATS_TEST_TMPDIR/texts"
	start_service one -t netlink -d 8
	# A text larger than buffer_size does not go through netlink.
	run -1 --separate-stderr vexipc embed -f "$BATS_TEST_TMPDIR/texts"
	assert_equal "$(of_all 'map(.error)')" '[null,"too_large",null]'
	[[ $stderr == *'1 of 3 texts failed'* ]]
	vexipc embed -o npy -f "$BATS_TEST_TMPDIR/texts" >"$BATS_TEST_TMPDIR/npy" 2>/dev/null || :
	assert_equal "$(vectors '<f4' "$BATS_TEST_TMPDIR/npy" | sed -n 2p | tr ' ' '\n' | sort -u)" nan
}

@test "services: a table with a line each, by id; --json with every field; filters" {
	start_service zeta -d 8 -M m1
	start_service alpha -d 16
	vexipc drain alpha
	run -0 vexipc services
	assert_equal "${#lines[@]}" 3
	[[ ${lines[0]} == ID*STATE*HEALTH* ]]
	[[ ${lines[1]} == alpha*draining* && ${lines[2]} == zeta*active* ]]
	run -0 vexipc services --json
	jq -e 'map(.id) == ["alpha","zeta"]' <<<"$output"
	assert_equal "$(jq -r '.[0] | keys[]' <<<"$output" | sort | paste -sd' ')" \
		"available_day available_hour available_minute average_us breaker \
breaker_ejection_ms breaker_error_percent breaker_failures breaker_max_ejection_ms \
breaker_min_volume breaker_own bytes_in bytes_out completed cpu_permille data_types dimensions failures features handle health id in_flight last_heartbeat_ns \
latency_us limit load max_batch max_concurrent memory_bytes name p50_us p90_us p999_us p99_us pid \
priority queue_ns queued registered_ns reported_in_flight reported_queue_depth requests slot \
software_version state throughput transport uid version weight"
	for filter in '--dims 8' '--model m1' '--state active'; do
		# shellcheck disable=SC2086
		assert_equal "$(vexipc services $filter --json | jq -c 'map(.id)')" '["zeta"]' "$filter"
	done
	assert_equal "$(vexipc services --state active --state draining --json | jq length)" 2
	assert_equal "$(vexipc services --dtype int8 --json)" '[]'
}

@test "status: all that is known of a service, as a table and as JSON" {
	start_service one -M model-a
	run -0 vexipc embed 1
	run -0 vexipc status one
	assert_output_has 'model-a'
	grep -Eq '^completed +1' <<<"$output"
	run -0 vexipc status one --json
	jq -e '.id == "one" and .models == ["model-a"] and .metadata == {} and .completed == 1 and
		.requests == 1 and .bytes_in == 1 and .bytes_out == 32 and .p50_us > 0 and
		.available_minute == 10000' <<<"$output"
	run -4 vexipc status nobody
	assert_output_has "'nobody'"
}

@test "stats: of the instance and of a service, as a table and as JSON" {
	start_service one
	before=$(stat_of completed)
	run -0 vexipc embed 1 2
	assert_equal "$(stat_of completed)" $((before + 2))
	assert_equal "$(stat_of completed one)" 2
	run -0 vexipc stats
	grep -Eq "^completed +$((before + 2))( |$)" <<<"$output"
	jq -e 'has("submitted") and has("refused_by") and has("max_queue_size")' <<<"$(vexipc stats --json)"
	run -4 vexipc stats nobody
}

@test "config: show, get, set; all or nothing; errors tell the range" {
	run -0 vexipc config show
	assert_output_has request_timeout_ms
	run -0 vexipc config show --json
	jq -e '.max_queue_size == {value: 1000, min: 1, max: 131072, default: 1000, unit: ""} and
		.enable_authentication.value == true and .transport_type.value == "ring"' <<<"$output"
	run -0 vexipc config set max_queue_size=500 max_retries=2
	run -0 vexipc config get max_queue_size max_retries
	assert_equal "$output" $'max_queue_size=500\nmax_retries=2'
	run -1 vexipc config set max_retries=7 max_queue_size=0
	assert_output_has 'it goes from 1 to 131072'
	run -1 vexipc config set max_retries=7 enable_encryption=true
	assert_output_has 'not offered'
	assert_equal "$(config_of max_retries)" 2
	run -2 vexipc config set max_retries=many
	run -2 vexipc config set nonsense=1
	assert_output_has "no field 'nonsense'"
	run -2 vexipc config get nonsense
	run -2 vexipc config
	vexipc config set max_queue_size=1000 max_retries=3
}

@test "drain and resume say which service is not there" {
	start_service one
	run -0 vexipc drain one
	service_is one draining
	run -0 vexipc resume one
	service_is one active
	for command in drain resume; do
		run -4 vexipc "$command" nobody
		assert_output_has "cannot $command service 'nobody'"
		run -2 vexipc "$command"
		run -2 vexipc "$command" one two
	done
}

@test "ping: the module and a service, several times, as text and as JSON" {
	start_service one
	for transport in chardev netlink; do
		run -0 vexipc ping --transport "$transport"
		assert_output_has 'module: health 100, services 1'
		run -0 vexipc ping one --transport "$transport"
		assert_output_has 'one: health 100'
	done
	run -0 vexipc ping one -c 3 --interval 0 --json
	assert_equal "${#lines[@]}" 3
	every '.service == "one" and .health == 100 and .round_trip_us > 0'
	run -4 vexipc ping nobody
	# No answer in time is a failure.
	kill -STOP "$(pid_of one)"
	run -1 vexipc ping one --timeout 100
	kill -CONT "$(pid_of one)"
}

@test "monitor: ends after -c events, after --timeout, at SIGINT; text and JSON" {
	run -0 vexipc monitor --timeout 1
	run -1 vexipc monitor --timeout 1 -c 1
	for options in '' --json; do
		# shellcheck disable=SC2086
		start_monitor monitor vexipc monitor $options
		start_service passer
		wait_line "$BATS_TEST_TMPDIR/monitor.out" passer
		stop monitor INT
		assert_status 0
		stop passer
	done
	# The end of the first one may be told to the second monitor still.
	jq -se 'any(.event == "service" and .state == "active" and .time_ns > 0)' "$BATS_TEST_TMPDIR/monitor.out"
}

@test "monitor shows alerts: no capable service, queue full, service unavailable" {
	start_monitor monitor vexipc monitor --json
	run -4 vexipc embed text
	wait_line "$BATS_TEST_TMPDIR/monitor.out" '"alert":"no-capable-service"'
	config max_queue_size=1
	start_service holder -c 1 -m hold
	submit client 4
	wait_line "$BATS_TEST_TMPDIR/monitor.out" '"alert":"queue-full"'
	stop holder KILL
	wait_line "$BATS_TEST_TMPDIR/monitor.out" '"alert":"service-unavailable"'
	config max_queue_size=1000
}

@test "a tool whose reader has gone ends quietly" {
	start_service one
	seq 50 >"$BATS_TEST_TMPDIR/texts"
	run bash -o pipefail -c 'vexipc embed -f "$1" | head -n 1' - "$BATS_TEST_TMPDIR/texts"
	assert_equal "${#lines[@]}" 1
}

@test "wrong usage: status 2, what is wrong, and where help is" {
	for command in '' 'nonsense' 'embed --nonsense x' 'embed --dims 0 x' 'embed --dims many x' \
		'embed --dtype int4 x' 'embed --timeout 0 x' 'embed -o xml x' 'embed -f x y' \
		'status' 'status a b' 'services a' 'services --state sleeping' 'monitor x' 'ping a b'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr vexipc $command
		assert_equal "$output" ''
		[[ $stderr == *help* || $stderr == *Usage* ]] || { echo "$command: $stderr" && false; }
	done
	run -1 vexipc embed -f /nonexistent
	assert_output_has '/nonexistent: No such file'
}

@test "--help of the tool and of each subcommand, and the version" {
	run -0 vexipc --help
	for command in embed services status stats config drain resume monitor ping; do
		grep -q "^  $command " <<<"$(vexipc --help)"
		run -0 vexipc "$command" --help
		assert_output_has Usage
	done
	run -0 vexipc --version
	assert_output_has 'protocol 1'
}

@test "the man pages render and document each option and subcommand that --help shows" {
	for tool in vexipc vexipc-embedd; do
		page=$(MANWIDTH=200 man -P cat "$tool" 2>"$BATS_TEST_TMPDIR/warnings" | col -b)
		[ -n "$page" ]
		assert_equal "$(cat "$BATS_TEST_TMPDIR/warnings")" ''
		helps=$("$tool" --help)
		if [ "$tool" = vexipc ]; then
			for command in embed services status stats config drain resume monitor ping; do
				grep -qw -- "$command" <<<"$page"
				helps+=$'\n'$(vexipc "$command" --help)
			done
		fi
		while read -r option; do
			grep -qF -- "$option" <<<"$page" || { echo "$tool: $option is not in the page" && false; }
		done < <(grep -oE '(^|[ ,])--[a-z][a-z-]*' <<<"$helps" | tr -d ' ,' | sort -u |
			grep -vxE -- '--(help|usage|version)')
	done
}

@test "bash completes subcommands, options, fields and ids" {
	start_service alpha
	complete_with() {
		bash -c '
			. /usr/share/bash-completion/completions/vexipc
			COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
			COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
			function=$(complete -p vexipc | sed "s/.*-F \([^ ]*\).*/\1/")
			"$function" vexipc "${@: -1}" "${@: -2:1}" 2>/dev/null
			printf "%s\n" "${COMPREPLY[@]}"' - vexipc "$@" | sed 's/ *$//'
	}
	assert_equal "$(complete_with '' | sort | paste -sd' ')" \
		"--help --version breaker cache config drain embed monitor ping policy resume rule services stats status telemetry token version"
	assert_equal "$(complete_with se)" services
	[[ $(complete_with embed --dt) == --dtype* ]]
	assert_equal "$(complete_with status al)" alpha
	[[ $(complete_with config set max_que) == max_queue_size* ]]
}
