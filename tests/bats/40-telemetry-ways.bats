#!/usr/bin/env bats
# Telemetry of requests that go a way of their own: several in one message, in the
# overflow queue, and behind an equal one. At rest the maps agree with the module.

load common
load life

pins=/sys/fs/bpf/vexipc

setup() {
	fresh_module
	calm
	vexipc telemetry attach
}

teardown() {
	stop_all
	[ ! -e "$pins" ] || vexipc telemetry detach
	unload_module
}

# telemetry FILTER: of `vexipc telemetry status --json`.
telemetry() { vexipc telemetry status --json | jq -c "$1"; }
of_service() { telemetry ".services[] | select(.id == \"$1\" and .state != \"gone\") | .$2"; }
of_instance() { telemetry ".instance as \$own | .instances[] | select(.cookie == \$own) | $1"; }

# What waits, by band: all of it, and what of it is in the overflow queue.
waiting() {
	bpftool -j map dump pinned $pins/queues |
		jq -c '[.[].formatted.value] | [.[0].band | length] as $n |
			map([.band[].depth, .overflow[]]) | transpose | map(add) |
			[.[:4], .[4:]]'
}

# Nothing is under way, and each figure that both have is the same; of each service what
# it was sent has ended in one way.
assert_agrees() {
	local maps module
	assert_idle
	maps=$(vexipc telemetry status --json)
	module=$(vexipc stats --json)
	jq -ne --argjson m "$maps" --argjson s "$module" '
		($m.instances[] | select(.cookie == $m.instance)) as $i |
		["completed", "failed", "timed_out", "cancelled", "refused", "retries",
		 "failovers", "orphans", "alerts", "services_died", "bytes_in", "bytes_out",
		 "refused_by", "failed_by", "cache_hits", "cache_misses", "coalesced", "hedges",
		 "hedges_won", "queued", "queued_low", "queued_normal", "queued_high",
		 "queued_critical"] |
		map(select($i[.] != $s[.]) | "\(.): maps \($i[.]), module \($s[.])") |
		if length > 0 then error(join("; ")) else true end' >/dev/null
	# No client asks for a batch here: what has a size is a message of several requests.
	jq -ne --argjson m "$maps" --argjson s "$module" '
		($m.instances[] | select(.cookie == $m.instance)).batch_sizes as $sizes |
		[($sizes[1:] | add), ($m.services | map(.batches) | add), $sizes[0]] ==
		[$s.carriers, $s.carriers, $s.completed + $s.failed + $s.timed_out + $s.cancelled]
		' >/dev/null || {
		jq -c '[.instances[].batch_sizes, (.services[] | [.id, .batches])]' <<<"$maps"
		jq -c '[.carriers, .completed, .failed, .timed_out, .cancelled]' <<<"$module"
		return 1
	}
	jq -e '.services | all(.requests == .completed + .failed + .cancelled + .overloaded +
		.evicted and .in_flight == 0 and .queued == 0)' <<<"$maps" >/dev/null
	jq -e '[.recursion_misses, .instances_untracked, .latency_untracked] == [0, 0, 0]' \
		<<<"$maps" >/dev/null
	assert_equal "$(waiting)" '[[0,0,0,0],[0,0,0,0]]' 'what waits'
}

# stalled NAME N [OPTION...]: N more requests wait for service one, which does not read.
stalled() {
	local before
	before=$(stat_of queued)
	kill -STOP "$(pid_of one)"
	submit "$1" "$2" "${@:3}"
	wait_stat queued $((before + $2))
}
go_on() { kill -CONT "$(pid_of one)"; }

@test "several requests in one message: a batch of their number, and each by itself" {
	config dynamic_batching=1
	start_service one -t chardev -b 4
	stalled many 10
	go_on
	results many
	every '.error == null'
	stats_are carriers=3 carried=10
	assert_equal "$(of_service one '| [.batches, .batch_max, .requests, .completed, .items]')" \
		'[3,4,10,10,10]'
	assert_equal "$(of_instance '.batch_sizes[:4]')" '[10,1,2,0]'
	assert_agrees
}

@test "messages of several that fail, expire, are cancelled or die with their service" {
	config dynamic_batching=1 retry_budget_percent=100
	start_service one -t chardev -b 8 -m retry
	stalled failing 5
	start_service two -t chardev
	go_on
	results failing
	every '.service == "two" and .attempts == 2'
	stats_are carriers=1 carried=5 retries=5
	assert_agrees

	# Each of these is with one: two are cancelled, three out of time, the rest die.
	tell one 'mode hold'
	vexipc drain two
	stalled cancelled 2
	submit late 3 --timeout 15000
	submit dying 3
	wait_stat queued 8
	go_on
	holds one 8
	stop cancelled KILL
	results late
	every '.error == "timed_out"'
	vexipc resume two
	stop one KILL
	results dying
	every '.service == "two" and .attempts == 2'
	stats_are carriers=2 carried=13 cancelled=2 timed_out=3 failovers=3
	assert_agrees
}

@test "over netlink what found no room travels later, and is counted once" {
	config dynamic_batching=1 batch_delay_us=20000 algorithm=least-connections
	start_service one -t netlink -b 8
	start_service two -t netlink -b 8 -r 1
	seq 400 >"$BATS_TEST_TMPDIR/texts"
	run -0 vexipc embed -f "$BATS_TEST_TMPDIR/texts" -j 100
	[ "$(stat_of carriers)" -gt 0 ]
	assert_agrees
}

@test "the overflow queue: by band while it has some, and empty when they have gone" {
	config max_service_queue=2
	start_service one -t chardev
	stalled first 6
	submit high 4 --priority high
	submit late 2 --priority low --timeout 15000
	submit gone 1 --priority critical
	# Of each band what finds room in the service's own queue waits there.
	wait_stat queued 13
	assert_equal "$(waiting | jq -c '.[0]')" '[2,6,4,1]'
	assert_equal "$(waiting | jq '.[1] | add')" "$(stat_of overflow)"
	[ "$(stat_of overflow)" -ge 4 ]
	assert_equal "$(of_instance '[.queued_low, .queued_normal, .queued_high, .queued_critical]')" \
		'[2,6,4,1]'
	stats_are queued_low=2 queued_normal=6 queued_high=4 queued_critical=1
	results late
	every '.error == "timed_out"'
	stop gone KILL
	wait_stat cancelled 1
	assert_equal "$(waiting | jq -c '.[0]')" '[0,6,4,0]'
	assert_equal "$(waiting | jq '.[1] | add')" "$(stat_of overflow)"
	# One that comes takes of it; what has room nowhere is left.
	start_service two -t chardev
	wait_stat overflow 0
	go_on
	for name in first high; do
		results $name
		every '.error == null'
	done
	[ "$(requests_of two)" -gt 0 ]
	assert_agrees
	assert_equal "$(of_instance '[.highest_low, .highest_normal, .highest_high, .highest_critical]')" \
		'[2,6,4,1]'
}

@test "the overflow queue: when the last service dies, nothing is left of it" {
	config max_service_queue=2
	start_service one -t chardev
	stalled many 9
	assert_equal "$(waiting | jq -c '.[1]')" '[0,7,0,0]'
	stop one KILL
	results many
	every '.error == "service_died" or .error == "no_such_service"'
	stats_are overflow=0 overflowed=7 failed=9
	assert_agrees
}

# equal NAME N TEXT [OPTION...]: N requests for one text at once; results NAME ends them.
equal() {
	yes "$3" | head -n "$2" >"$BATS_TEST_TMPDIR/$1.texts"
	start "$1" vexipc embed -f "$BATS_TEST_TMPDIR/$1.texts" -j "$2" "${@:4}"
}

@test "behind an equal one: those who wait, lead on, end by themselves, or hit the cache" {
	config coalesce=1 cache_enabled=1
	start_service one -m hold
	equal first 1 7
	holds one 1
	equal more 4 7
	equal late 2 7 --timeout 3000
	equal gone 1 7
	wait_stat coalesced 7
	# Who waits is in no queue, and no service's.
	assert_equal "$(waiting)" '[[0,0,0,0],[0,0,0,0]]' 'what waits'
	assert_equal "$(of_service one '| [.requests, .in_flight, .queued]')" '[1,1,0]'
	assert_equal "$(of_instance .coalesced)" 7
	results late
	every '.error == "timed_out"'
	stop gone KILL
	stop first KILL
	wait_stat cancelled 2
	# One of the four leads on, of the same service.
	wait_requests one 2
	tell one 'mode answer'
	tell one flush
	results more
	every '.error == null'
	run -0 vexipc embed 7 7 8
	assert_equal "$(of_all 'map(select(.cached)) | length')" 2
	stats_are cache_hits=2 coalesced=7 completed=7
	assert_agrees
	assert_equal "$(of_instance '[.cache_hits, .coalesced]')" '[2,7]'
	assert_equal "$(of_instance .cache_misses)" "$(stat_of cache_misses)"
}

@test "all of it at once, with kills: the maps agree with the module, exactly" {
	config dynamic_batching=1 batch_delay_us=1000 max_service_queue=4 coalesce=1 \
		max_concurrent_per_service=4
	run life-storm -s 4 -k "$(scale 20)" -t 4 -r "$(scale 800)" -S 42
	echo "$output"
	assert_success
	[ "$(stat_of overflowed)" -gt 0 ]
	[ "$(stat_of services_died)" -gt 0 ]
	assert_idle
	assert_equal "$(waiting)" '[[0,0,0,0],[0,0,0,0]]' 'what waits'
	jq -ne --argjson m "$(vexipc telemetry status --json)" --argjson s "$(vexipc stats --json)" '
		($m.instances[] | select(.cookie == $m.instance)) as $i |
		["completed", "failed", "timed_out", "cancelled", "refused", "retries", "failovers",
		 "orphans", "services_died", "bytes_in", "bytes_out", "coalesced", "cache_misses"] |
		map(select($i[.] != $s[.]) | "\(.): maps \($i[.]), module \($s[.])") |
		if length > 0 then error(join("; ")) else true end'
}
