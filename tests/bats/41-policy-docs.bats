#!/usr/bin/env bats
# What docs/policy.md shows is built as it says, loads, and routes as it says.

load common
load life
load policy

docs=$BATS_TEST_DIRNAME/../../docs/policy.md

# Each source of the text, in the file that is named before it, in a folder of its own.
setup() {
	fresh_module
	calm
	patient
	mkdir "$BATS_TEST_TMPDIR/sources"
	cd "$BATS_TEST_TMPDIR/sources" || return
	awk '/^`[^`]*\.c`:$/ { file = substr($0, 2, length($0) - 3) }
		/^```/ { on = 0 }
		on { print >file }
		/^```c$/ { on = 1 }' "$docs"
}

# A command of the text, that begins so, without what is said of it; the reader is root
# here.
shown() {
	local line
	line=$(grep -P "^\t$1" "$docs" | sed 's/^\t//; s/^sudo //; s/   .*//')
	[ -n "$line" ]
	run -0 bash -c "$line"
}

@test "each source is compiled by the command shown, and loads" {
	local sources=(*.bpf.c)
	assert_equal "${#sources[@]}" "$(grep -c '^```c$' "$docs")"
	assert_equal "${sources[*]}" mine.bpf.c
	start_echo one
	shown 'clang '
	assert_equal "$output" ''
	shown 'sudo vexipc policy load \./mine'
	assert_output_has 'policy mine loaded and in use'
	shown 'vexipc embed hello && '
	assert_output_has 'policy mine, 0 choices fell back'
	assert_equal "$(policy_of mine chosen)" 1
	# Again, and it takes the old one's place.
	shown 'sudo vexipc policy load \./mine'
	assert_output_has 'policy mine replaced'
	assert_equal "$(policy_of mine updates)" 1
	shown 'vexipc policy list'
	assert_output_has mine
	shown 'vexipc policy show  '
}

@test "mine: the service that has the fewest requests in hand, waiting or not" {
	start_service many -m hold
	start_service few -m hold -c 1
	shown 'clang '
	shown 'sudo vexipc policy load \./mine'
	submit pinned 3 --service many
	holds many 3
	for i in 0 1 2; do
		start "free$i" vexipc embed "$i"
		wait_until 30 status_is few queued "$i"
		holds few 1
	done
	holds many 3
	assert_equal "$(policy_of mine '| "\(.calls) \(.chosen)"')" "3 3"
	for id in many few; do
		tell $id 'mode answer'
		tell $id flush
	done
	for name in pinned free0 free1 free2; do
		results $name
		assert_status 0
	done
	assert_idle
}
