#!/usr/bin/env bats
# Telemetry: figures in BPF maps, kept by programs on the tracepoints.
# shellcheck disable=SC2154 # stderr is of run --separate-stderr

load common
load life

pins=/sys/fs/bpf/vexipc

# What the tests of policies leave pinned is not for these to find.
setup() {
	fresh_module
	rm -rf "$pins"
}

teardown() {
	stop_all
	! ip netns list | grep -q '^there' || ip netns delete there
	[ ! -e "$pins" ] || vexipc telemetry detach
	unload_module
}

attach() { vexipc telemetry attach "$@"; }

# telemetry FILTER: of `vexipc telemetry status --json`.
telemetry() { vexipc telemetry status --json | jq -r "$1"; }

# of_service ID FIELD; of_instance FIELD
of_service() { telemetry ".services[] | select(.id == \"$1\" and .state != \"gone\") | .$2"; }
of_instance() { telemetry ".instance as \$own | .instances[] | select(.cookie == \$own) | .$1"; }

# The figures of the maps are those that the module has counted, nothing was
# missed, and the figures of each service add up.
assert_agrees() {
	local maps module
	maps=$(vexipc telemetry status --json)
	module=$(vexipc stats --json)
	jq -ne --argjson m "$maps" --argjson s "$module" '
		($m.instances[] | select(.cookie == $m.instance)) as $i |
		["completed", "failed", "timed_out", "cancelled", "refused", "retries",
		 "failovers", "orphans", "alerts", "registered", "unregistered",
		 "services_died", "bytes_in", "bytes_out", "refused_by", "failed_by",
		 "cache_hits", "cache_misses", "coalesced", "hit_rate", "denied_privilege",
		 "denied_token", "denied_rule", "denied_priority"] |
		map(select($i[.] != $s[.]) | "\(.): maps \($i[.]), module \($s[.])") |
		if length > 0 then error(join("; ")) else true end' >/dev/null
	jq -e '[.recursion_misses, .instances_untracked, .latency_untracked] == [0, 0, 0]' \
		<<<"$maps" >/dev/null
	jq -e '.services | all(.requests == .completed + .failed + .cancelled + .overloaded +
		.evicted + .in_flight and .in_flight == 0 and .queued == 0 and
		.queued_low + .queued_normal + .queued_high + .queued_critical == 0)' \
		<<<"$maps" >/dev/null
	jq -e '.instances | all(.queued == 0)' <<<"$maps" >/dev/null
}

# The same for one service that is there.
assert_service_agrees() {
	local maps stats
	maps=$(telemetry ".services[] | select(.id == \"$1\" and .state != \"gone\")")
	stats=$(vexipc stats "$1" --json)
	jq -ne --argjson m "$maps" --argjson s "$stats" '
		$m.requests == $s.submitted and $m.completed == $s.completed and
		$m.timed_out == $s.timed_out and $m.cancelled == $s.cancelled and
		$m.failed - $m.timed_out + $m.overloaded + $m.evicted == $s.failed and
		$m.orphans == $s.orphans and $m.heartbeats == $s.heartbeats and
		($m.errors.bad_answer // 0) == $s.bad_answers and
		$m.bytes_in == $s.bytes_in and $m.bytes_out == $s.bytes_out' >/dev/null || {
		echo "maps: $maps"
		echo "module: $stats"
		return 1
	}
}

# bats test_tags=smoke
@test "no module, telemetry not attached, and attached are three different answers" {
	run -1 vexipc telemetry status
	assert_output_has "not attached"
	run -1 vexipc telemetry status --json
	assert_equal "$(jq -c . <<<"$output")" '{"attached":false}'
	unload_module
	run -3 vexipc telemetry status
	assert_output_has "module is not loaded"
	run -3 vexipc telemetry attach
	load_module
	attach
	run -0 vexipc telemetry status
	assert_equal "$(telemetry .attached)" true
}

@test "status works beside a policy that is loaded" {
	attach
	vexipc policy load load
	run -0 vexipc telemetry status
	assert_output_has 'programs'
	vexipc policy unload load
	run -0 vexipc telemetry status
	rmdir $pins/policy
}

@test "a layout of another version is told as such" {
	attach
	local value
	read -ra value <<<"63 00 00 00 01$(printf ' 00%.0s' {1..59})"
	bpftool map update pinned $pins/control key 0 0 0 0 value hex "${value[@]}"
	run -1 vexipc telemetry status
	assert_output_has "another version"
	attach
	assert_equal "$(telemetry .version)" 5
}

# bats test_tags=smoke
@test "after a storm with kills the maps agree with the module's counters, exactly" {
	attach
	run life-storm -s 4 -k "$(scale 20)" -t 4 -r "$(scale 800)" -S 40
	echo "$output"
	assert_success
	assert_idle
	assert_agrees
	[ "$(of_instance services_died)" -gt 0 ]
	[ "$(of_instance failovers)" -gt 0 ]
}

@test "the figures of a service that fails, is overloaded, times out and is cancelled are the module's" {
	attach
	start_service moody -c 16 -b 10
	run -0 vexipc embed one two three
	tell moody 'mode fail'
	run -1 vexipc embed four
	tell moody 'mode overload'
	run -1 vexipc embed --timeout 300 five
	tell moody 'mode hold'
	run -1 vexipc embed --timeout 2000 six
	run -0 life-client cancel
	wait_stat in_flight 0
	tell moody 'mode answer'
	tell moody flush
	wait_stat orphans 2
	tell moody heartbeat
	seq 25 | vexipc embed --batch 10 >/dev/null
	assert_agrees
	assert_service_agrees moody
	assert_equal "$(of_service moody batches)" 3
	assert_equal "$(of_service moody items)" 28
	assert_equal "$(of_service moody batch_max)" 10
	assert_equal "$(of_instance 'batch_sizes | .[2] + .[3]')" 3
	assert_equal "$(of_service moody last_error)" cancelled
	[ "$(of_service moody error_ppm)" -gt 0 ]
}

as_nobody() { setpriv --reuid 65534 --clear-groups "$@"; }

@test "who is denied is counted, by reason" {
	attach
	start_service one
	run -5 as_nobody vexipc embed --transport netlink text
	local token=/run/vexipc-test.token
	vexipc token issue --json --id other | jq -r .token >$token
	chmod 644 $token
	run -3 as_nobody vexipc-embedd --id mine --engine echo --transport netlink --token-file $token
	run -0 vexipc rule add --uid 65534 --allow embed --models other
	for _ in 1 2 3; do run -5 as_nobody vexipc embed --transport netlink text; done
	run -0 vexipc rule clear
	run -0 vexipc rule add --uid 65534 --allow embed
	run -5 as_nobody vexipc embed --transport netlink --priority critical text
	run -0 vexipc rule clear
	assert_agrees
	assert_equal "$(of_instance '|
		[.denied_privilege, .denied_token > 0, .denied_rule, .denied_priority]' | jq -c .)" \
		'[1,true,3,1]'
}

@test "queue depth now and highest, by priority" {
	attach
	start_service busy -c 1 -m hold
	submit first 1
	wait_requests busy 1
	submit high 3 --priority high
	submit low 2 --priority low
	wait_until 20 status_is busy queued 5
	assert_equal "$(of_service busy queued)" 5
	assert_equal "$(of_service busy '|"\(.queued_high) \(.queued_low) \(.queued_normal)"')" "3 2 0"
	assert_equal "$(of_instance 'queued_high')" 3
	tell busy 'mode answer'
	tell busy flush
	for name in first high low; do
		results $name
		assert_equal "$status" 0
	done
	assert_equal "$(of_service busy queued)" 0
	[ "$(of_service busy queued_max)" -ge 5 ]
	assert_equal "$(of_instance 'highest_high')" 3
	assert_agrees
}

@test "the limit of what a service has at once, as it adapts" {
	attach
	start_service one
	assert_equal "$(of_service one limit)" 0
	vexipc embed one >/dev/null
	assert_equal "$(of_service one '|"\(.limit) \(.limit_min)"')" '100 100'
	config adaptive_concurrency=true
	vexipc embed two >/dev/null
	assert_equal "$(of_service one '|.limit == .limit_min and .limit >= 1 and .limit < 20')" true
	config adaptive_concurrency=false
	vexipc embed three >/dev/null
	assert_equal "$(of_service one '|.limit == 100 and .limit_min < 20')" true
}

@test "bpftool map dump prints the figures by name" {
	attach
	start_echo one
	vexipc embed text >/dev/null
	run -0 bpftool map dump pinned $pins/services
	for field in handle version requests latency_ns latency_peak_ns error_ppm cpu_permille; do
		assert_output_has "\"$field\":"
	done
	assert_output_has '"id": "one"'
	for map in control instances queues; do
		run -0 bpftool map dump pinned $pins/$map
	done
	assert_output_has '"depth":'
}

@test "a slot used again has none of its predecessor's figures" {
	attach
	start_service first
	run -0 vexipc embed {1..20}
	slot=$(of_service first slot)
	[ "$(of_service first p50_ns)" -gt 0 ]
	stop first
	wait_no_service first
	assert_equal "$(telemetry ".services[] | select(.slot == $slot) | .state")" gone
	start_service second
	assert_equal "$(of_service second slot)" "$slot"
	assert_equal "$(telemetry "[.services[] | select(.slot == $slot)] | length")" 1
	assert_equal "$(of_service second '|
		[.requests, .completed, .p50_ns, .latency_ns, .bytes_in, .before_requests]' |
		jq -c .)" '[0,0,0,0,0,0]'
	run -0 vexipc embed one
	assert_equal "$(of_service second completed)" 1
	assert_service_agrees second
}

# Of each tracepoint, while the kernel has not freed what was replaced.
programs_are() {
	[ "$(bpftool -j prog | jq '[.[] | select(.name == "request_complete")] | length')" = "$1" ]
}

# bats test_tags=smoke
@test "a second attach takes over and doubles nothing, under load" {
	attach
	start_service steady -c 20
	submit load "$(scale 2000)"
	for _ in 1 2 3; do
		run -0 attach
		assert_output_has "goes on"
	done
	results load
	assert_equal "$status" 0
	assert_idle
	assert_agrees
	assert_service_agrees steady
	assert_pinned
	wait_until 20 programs_are 1
}

# There is a pin for each program and for its link, and no other; status says so.
assert_pinned() {
	assert_equal "$(cd $pins/links && printf '%s ' *)" "$(cd $pins/programs && printf '%s ' *)"
	local count
	count=$(find $pins/links -type f | wc -l)
	assert_equal "$(telemetry '"\(.programs) \(.links) \(.programs_pinned)"')" \
		"$count $count $count"
	assert_equal "$(cd $pins && printf '%s ' *)" \
		"control events instances latency links programs queues services "
}

# bats test_tags=smoke
@test "programs, links and maps are pinned, a policy beside them; detach leaves the policy alone" {
	attach
	assert_pinned
	for program in "$pins"/programs/*; do
		run -0 bpftool -j prog show pinned "$program"
		# The kernel keeps 15 letters of a name.
		local name=${program##*/}
		assert_equal "$(jq -r .name <<<"$output" | cut -c -15)" "${name:0:15}"
		assert_equal "$(bpftool -j link show pinned "$pins/links/$name" | jq .prog_id)" \
			"$(jq .id <<<"$output")"
	done
	vexipc policy load load
	attach
	vexipc telemetry detach
	assert_equal "$(cd $pins && printf '%s ' ./* policy/*)" "./policy policy/load "
	vexipc policy unload load
	rmdir $pins/policy
}

@test "killed while it attaches, it has taken over or not: nothing is missed or counted twice" {
	attach
	start_service steady -c 20
	submit load "$(scale 1000)"
	for delay in 0.1 0.3 0.6 0.9 1.2 1.6 2; do
		start attach vexipc telemetry attach
		sleep $delay
		stop attach KILL
		run -0 vexipc telemetry status
	done
	results load
	assert_equal "$status" 0
	assert_idle
	assert_agrees
	attach
	assert_pinned
	vexipc embed text >/dev/null
	assert_agrees
}

links_are_not() { [ "$(stat -c %i $pins/links)" != "$1" ]; }

# Its links are in place, those that write are not any more: they go on until the next
# attach has handed over from them.
@test "killed between its pins and the hand-over: nothing is missed until the next attach has" {
	attach
	start_service steady -c 20
	for _ in 1 2; do
		local links
		links=$(stat -c %i $pins/links)
		start halfway strace -qq -o /dev/null -e trace=renameat2 \
			-e inject=renameat2:delay_exit=600000000:when=2 vexipc telemetry attach
		wait_until 60 links_are_not "$links"
		pkill -KILL -P "$(pid_of halfway)"
		finish halfway || :
	done
	assert_equal "$(find $pins -maxdepth 1 -name 'new_*' | wc -l)" 4
	submit load "$(scale 1000)"
	attach
	results load
	assert_equal "$status" 0
	assert_idle
	assert_agrees
	assert_pinned
}

@test "what was removed by hand is told, and the next attach makes it whole" {
	attach
	start_service one
	rm $pins/programs/request_send
	run -0 vexipc telemetry status
	assert_equal "$(telemetry '.programs - .programs_pinned')" 1
	rm $pins/links/*
	run -1 vexipc telemetry status
	assert_output_has "its links are gone: run 'sudo vexipc telemetry attach'"
	run -1 --separate-stderr vexipc telemetry status --json
	assert_equal "$(jq -c . <<<"$output")" '{"attached":false}'
	[[ $stderr == *'its links are gone'* ]]
	run -1 vexipc telemetry events --timeout 0
	vexipc embed text >/dev/null
	attach
	assert_pinned
	vexipc embed text >/dev/null
	assert_equal "$(of_service one completed)" 1
	rm -r $pins/links $pins/programs
	run -1 vexipc telemetry status
	assert_output_has "its links are gone"
	attach
	assert_pinned
	rm -r $pins
	run -1 vexipc telemetry status
	assert_output_has "not attached"
	attach
	assert_pinned
	vexipc embed text >/dev/null
	assert_equal "$(of_service one completed)" 1
}

@test "services that were there before are taken in, with what they had" {
	start_service early -m hold
	submit held 3
	wait_requests early 3
	attach
	assert_equal "$(of_service early in_flight)" 3
	assert_equal "$(of_service early '| "\(.partial) \(.requests) \(.before_requests)"')" "true 0 3"
	tell early 'mode answer'
	tell early flush
	results held
	assert_equal "$(of_service early in_flight)" 0
	assert_equal "$(of_service early completed)" 3
	run -0 vexipc embed more
	assert_equal "$(of_service early '| "\(.requests) \(.completed)"')" "1 4"
	assert_equal "$(of_instance queued)" 0
}

@test "percentiles are within 2 % of those of the latencies themselves" {
	attach
	start_echo one --engine-options delay=5,jitter=60 --threads 8
	# Of fewer, one is more than 2 % from the next.
	seq 400 >"$BATS_TEST_TMPDIR/texts"
	vexipc embed -f "$BATS_TEST_TMPDIR/texts" -j 4 |
		jq .service_us | sort -n >"$BATS_TEST_TMPDIR/times"
	for pair in 500:p50_ns 900:p90_ns 990:p99_ns 999:p999_ns; do
		share=${pair%:*} field=${pair#*:}
		got=$(of_service one "$field")
		awk -v share="$share" -v got="$got" -v field="$field" '
			{ time[NR] = $1 * 1000 }
			END {
				# Where times are far apart, which of two neighbours it is
				# differs by how one rounds.
				rank = int((NR * share + 999) / 1000)
				for (i = rank - 1; i <= rank + 1; i++) {
					off = got / time[i < NR ? i : NR] - 1
					near = near || (off < 0.02 && off > -0.02)
				}
				printf "%s is %d, exactly %d\n", field, got, time[rank]
				exit !near
			}' "$BATS_TEST_TMPDIR/times"
	done
}

@test "slow requests, changes of state and alerts are events, the threshold set at run time" {
	attach --slow-ms 0
	start_service calm
	run -0 vexipc embed quick
	attach --slow-ms 50
	tell calm 'mode hold'
	submit held 1
	wait_requests calm 2
	sleep 0.1
	tell calm 'mode answer'
	tell calm flush
	results held
	vexipc drain calm
	vexipc resume calm
	kill -KILL "$(pid_of calm)"
	finish calm
	wait_no_service calm
	run -0 vexipc telemetry events --json --timeout 500
	assert_equal "$(jq -c .event <<<"$output" | tr -d '"' | tr '\n' ' ')" \
		"register slow state state state unregister alert "
	jq -se 'map(select(.event == "slow")) | length == 1 and .[0].service == "calm" and
		.[0].total_ns >= 50000000 and .[0].service_ns > 0 and .[0].error == "ok"' <<<"$output"
	jq -se 'map(select(.event == "state") | .now) == ["draining", "active", "gone"]' <<<"$output"
	jq -se 'map(select(.event == "unregister"))[0].died' <<<"$output"
	assert_equal "$(of_instance slow)" 1
}

@test "an instance has its own figures, which go with its namespace" {
	attach
	ip netns add there
	start far ip netns exec there life-service -t netlink far
	wait_line "$BATS_TEST_TMPDIR/far.out" '^ready' 60
	run -0 ip netns exec there vexipc embed text
	run -4 vexipc embed text
	assert_equal "$(telemetry '[.instances[] | "\(.completed) \(.refused)"] | sort | join(", ")')" \
		"0 1, 1 0"
	stop far
	ip netns delete there
	wait_until 20 sh -c '[ "$(vexipc telemetry status --json | jq ".instances | length")" = 1 ]'
}

@test "attached and detached at any moment under load, no request is lost or answered twice" {
	start churn bash -c 'while :; do vexipc telemetry attach; sleep 0.2
		vexipc telemetry detach; done'
	run life-storm -s 3 -k "$(scale 10)" -t 4 -r "$(scale 400)" -S 41
	echo "$output"
	assert_success
	stop churn
	assert_idle
}

@test "figures go on when a link is killed, and the next attach makes it whole" {
	attach
	start_service one
	rm $pins/links/request_send
	run -0 vexipc embed text
	run -1 vexipc telemetry status
	assert_output_has "20 of 21 programs"
	attach
	run -0 vexipc telemetry status
}

# bats test_tags=smoke
@test "detach leaves nothing pinned or loaded, and the module unloads at once" {
	attach
	start_echo one
	vexipc embed text >/dev/null
	stop one
	vexipc telemetry detach
	[ ! -e "$pins" ]
	wait_until 20 programs_are 0
	modprobe -r vexipc
	load_module
	run -0 vexipc telemetry detach
	assert_output_has "was not attached"
}

@test "who lacks the right is told so" {
	attach
	run -5 setpriv --reuid 65534 --clear-groups vexipc telemetry status
	assert_output_has "permission denied"
}
