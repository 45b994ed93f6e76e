#!/usr/bin/env bats
# Answers that are kept and given again, and equal requests that are asked once.

load common
load cgroup
load life

embed() { run -0 vexipc embed "$@"; }
asked() { assert_equal "$(requests_of one)" "$1" "requests that reached the service"; }
of_cache() { every '.cached == true'; }
of_service() { every '.cached != true and .service == "one"'; }

caching() {
	config cache_enabled=1 "$@"
	start_service one
}

# equal NAME N TEXT [OPTION...]: N requests for one text at once; results NAME ends them.
equal() {
	local name=$1 n=$2 text=$3
	shift 3
	yes "$text" | head -n "$n" >"$BATS_TEST_TMPDIR/$name.texts"
	start "$name" vexipc embed -f "$BATS_TEST_TMPDIR/$name.texts" -j "$n" "$@"
}

@test "without cache_enabled each request is asked" {
	start_service one
	embed 7
	embed 7
	of_service
	asked 2
	stats_are cache_hits=0 cache_misses=0 cache_entries=0
}

# bats test_tags=smoke
@test "the second time the answer is from the cache, whichever way it is asked, even without a service" {
	caching
	embed 7
	of_service
	local vector
	vector=$(of_all '.[0].embedding')
	tell one unregister
	for way in "" "--transport netlink" "-j 2"; do
		# shellcheck disable=SC2086
		embed $way 7
		of_cache
		assert_equal "$(of_all '.[0].embedding')" "$vector"
		every '.attempts == 0'
	done
	asked 1
	stats_are submitted=4 completed=4 cache_hits=3 cache_misses=1 cache_entries=1
	assert_idle
}

@test "another model, type, dimensions, content type or service is another question; so is --no-cache" {
	config cache_enabled=1
	start_echo one --dims 8,16
	embed 7
	for other in "--dtype int8" "--dims 16" "--raw" "--service one"; do
		# shellcheck disable=SC2086
		embed $other 7
		of_service
		# shellcheck disable=SC2086
		embed $other 7
		of_cache
	done
	embed --no-cache 7
	of_service
	embed 7
	of_cache
	embed 8
	of_service
	assert_idle
}

@test "what failed is not kept" {
	caching
	tell one 'mode fail'
	run -1 vexipc embed 7
	tell one 'mode answer'
	embed 7
	of_service
	asked 2
	stats_are cache_insertions=1 cache_entries=1
}

@test "cache_ttl_sec: an answer that is too old is asked anew, and collected without being asked" {
	caching cache_ttl_sec=1
	embed 7
	not_kept() { vexipc embed 7 | grep -vq cached; }
	wait_until 10 not_kept
	embed 8
	wait_stat cache_entries 0
	config cache_ttl_sec=300
	embed 8
	of_service
}

@test "cache_max_entries: the rest goes, but not what is asked again and again" {
	caching cache_max_entries=20
	seq 5 >"$BATS_TEST_TMPDIR/often"
	embed -f "$BATS_TEST_TMPDIR/often"
	embed -f "$BATS_TEST_TMPDIR/often"
	of_cache
	seq 1000 1060 >"$BATS_TEST_TMPDIR/scan"
	embed -f "$BATS_TEST_TMPDIR/scan"
	stats_are cache_entries=20 cache_evictions=46 cache_insertions=66
	embed -f "$BATS_TEST_TMPDIR/often"
	of_cache
	config cache_max_entries=3
	stats_are cache_entries=3
	config cache_enabled=0
	stats_are cache_entries=0 cache_bytes=0
}

@test "cache_max_bytes: bounded, and what is larger than an eighth is not kept" {
	caching cache_max_bytes=65536
	head -c 9000 /dev/zero | tr '\0' x >"$BATS_TEST_TMPDIR/large"
	embed -f "$BATS_TEST_TMPDIR/large"
	stats_are cache_entries=0
	seq 200 >"$BATS_TEST_TMPDIR/texts"
	embed -f "$BATS_TEST_TMPDIR/texts"
	[ "$(stat_of cache_bytes)" -le 65536 ]
	[ "$(stat_of cache_evictions)" -gt 0 ]
}

@test "vexipc cache flush: all, of a model, of a service" {
	config cache_enabled=1
	start_service one -M m
	start_service two -M n
	fill() {
		vexipc cache flush
		embed --service one 1
		embed --service two 2
		embed --model m 3
		embed --model n 4
	}
	fill
	embed --service one 1
	of_cache
	run -0 vexipc cache flush --service one
	assert_equal "$output" "flushed 2"
	embed --model n 4
	of_cache
	fill
	# That of service one, which has this model, too.
	run -0 vexipc cache flush --model m --json
	assert_equal "$(jq .flushed <<<"$output")" 2
	fill
	run -0 vexipc cache flush --model m --service two
	assert_equal "$output" "flushed 0"
	run -0 vexipc cache flush
	assert_equal "$output" "flushed 4"
	run -2 vexipc cache flush --model ''
	run -2 vexipc cache --model m
	run -5 setpriv --bounding-set -all --inh-caps -all vexipc cache flush
	run -0 vexipc cache --json
	jq -e '.cache_enabled == true and .cache_entries == 0 and .hit_rate > 0' <<<"$output"
}

@test "cache_per_user: nobody is given what another asked" {
	caching cache_per_user=1
	embed 7
	run -0 setpriv --reuid 1000 --regid 0 --clear-groups vexipc embed 7
	of_service
	run -0 setpriv --reuid 1000 --regid 0 --clear-groups vexipc embed 7
	of_cache
	config cache_per_user=0
	embed 7
	of_service
	run -0 setpriv --reuid 1000 --regid 0 --clear-groups vexipc embed 7
	of_cache
}

@test "the cache is given back when memory is short" {
	caching
	seq 20 >"$BATS_TEST_TMPDIR/texts"
	embed -f "$BATS_TEST_TMPDIR/texts"
	stats_are cache_entries=20
	given_back() { echo 2 >/proc/sys/vm/drop_caches && stat_is cache_entries 0; }
	wait_until 10 given_back
	stats_are cache_bytes=0 cache_evictions=20
	embed 7
	of_service
}

# bats test_tags=smoke
@test "who asked has a full memory cgroup: its kept answers are given back, nobody else's, no request fails" {
	caching cache_max_bytes=1000000000 cache_max_entries=100000
	embed -f <(seq 1001 1050)
	group=$(limited_cgroup 24M)
	# More than there is room for, of 8 and of 100 KiB each.
	{ seq -f '%08000.0f' 3000 && seq -f '%0100000.0f' 400; } |
		sh -c "echo \$\$ >$group/cgroup.procs && exec vexipc embed -j 4" >"$BATS_TEST_TMPDIR/answers"
	assert_equal "$(jq -c 'select(.error)' "$BATS_TEST_TMPDIR/answers" | wc -l)" 0
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/answers")" 3400
	grep '^max [1-9]' "$group/memory.events"
	grep '^oom_kill 0' "$group/memory.events"
	[ "$(stat_of cache_evictions)" -gt 100 ]
	embed -f <(seq 1001 1050)
	of_cache
	remove_cgroup "$group"
	assert_idle
}

@test "coalesce: equal requests at once are asked once, and each is answered" {
	start_service one -m hold
	config coalesce=1
	equal all 5 7
	wait_stat coalesced 4
	wait_requests one 1
	equal other 1 7 --no-cache
	wait_requests one 2
	tell one 'mode answer'
	tell one flush
	results all
	every '.embedding[0] == 7'
	assert_equal "$(of_all 'map(select(.coalesced)) | length')" 4
	results other
	of_service
	asked 2
	# Not kept: the cache is off.
	embed 7
	asked 3
	stats_are submitted=7 completed=7 coalesced=4 cache_hits=0
	assert_idle
}

@test "coalesce: with the cache, what was asked once is kept for those who come later" {
	config coalesce=1 cache_enabled=1
	start_service one -m hold
	equal all 3 7
	wait_stat coalesced 2
	tell one 'mode answer'
	tell one flush
	results all
	embed 7
	of_cache
	asked 1
}

@test "coalesce: when the first goes, the next is asked" {
	start_service one -m hold
	config coalesce=1
	equal first 1 7
	wait_requests one 1
	equal second 1 7
	wait_stat coalesced 1
	equal third 2 7
	wait_stat coalesced 3
	stop first
	wait_requests one 2
	stop second
	wait_requests one 3
	tell one 'mode answer'
	tell one flush
	results third
	every '.embedding[0] == 7'
	assert_equal "$(of_all 'map(select(.coalesced)) | length')" 1
	stats_are completed=2 cancelled=2
	assert_idle
}

@test "coalesce: those who wait end by themselves as well" {
	start_service one -m hold
	config coalesce=1
	equal first 1 7
	wait_requests one 1
	equal late 1 7 --timeout 100
	equal gone 1 7
	wait_stat coalesced 2
	results late
	every '.error == "timed_out"'
	stop gone
	asked 1
	tell one 'mode answer'
	tell one flush
	results first
	of_service
	stats_are completed=1 cancelled=1 timed_out=1
	assert_idle
}

@test "coalesce: a service's refusal is everybody's, and the death of a service nobody's" {
	start_service one -m hold
	config coalesce=1 cache_enabled=1
	equal all 3 7
	wait_stat coalesced 2
	tell one 'mode fail'
	tell one flush
	results all
	assert_status 1
	every '.error == "service_failed"'
	asked 1
	stats_are failed=3 cache_entries=0
	tell one 'mode hold'
	equal again 3 8
	wait_stat coalesced 4
	start_service two
	stop one KILL
	results again
	every '.embedding[0] == 8 and .service == "two"'
	assert_equal "$(requests_of two)" 1
	assert_idle
}

@test "coalesce: what is urgent does not wait for what is not" {
	start_service one -m hold
	config coalesce=1
	equal low 1 7 --priority low
	wait_requests one 1
	equal critical 1 7 --priority critical
	wait_requests one 2
	equal lowest 1 7 --priority 0
	wait_stat coalesced 1
	tell one 'mode answer'
	tell one flush
	results low
	results critical
	results lowest
	every '.coalesced'
	stats_are completed=3
	assert_idle
}

linux=/usr/share/vexipc-test/linux

@test "netlink: CACHE_FLUSH forgets, and says how many" {
	caching
	embed 1
	embed 2
	ynl() {
		python3 "$linux/tools/net/ynl/cli.py" \
			--spec /usr/share/vexipc/netlink/vexipc.yaml \
			--schema "$linux/Documentation/netlink/genetlink.yaml" --output-json "$@"
	}
	run -0 ynl --do cache-flush --json '{"cache": {"service": "two"}}'
	assert_equal "$(jq .cache.flushed <<<"$output")" 0
	run -0 ynl --do stats-get
	assert_equal "$(jq '.stats."cache-entries"' <<<"$output")" 2
	run ynl --do cache-flush --json '{"cache": {"model": ""}}'
	assert_output_has "a name is empty"
	run -0 ynl --do cache-flush
	assert_equal "$(jq .cache.flushed <<<"$output")" 2
	stats_are cache_entries=0 cache_invalidations=2
}

@test "telemetry counts what the module counts, and traces tell each look" {
	caching
	vexipc telemetry attach
	trace-cmd record -q -e vexipc:vexipc_cache_lookup -o "$BATS_TEST_TMPDIR/trace.dat" \
		sh -ec 'for i in 1 2 3; do vexipc embed 7; done' >/dev/null
	run -0 trace-cmd report -q -i "$BATS_TEST_TMPDIR/trace.dat"
	assert_equal "$(grep -c 'lookup=0' <<<"$output")" 1
	assert_equal "$(grep -c 'lookup=1' <<<"$output")" 2
	run -0 vexipc telemetry status --json
	vexipc telemetry detach
	jq -e '.instance as $own | .instances[] | select(.cookie == $own) |
		.cache_hits == 2 and .cache_misses == 1 and .completed == 3' <<<"$output"
}
