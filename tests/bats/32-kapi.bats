#!/usr/bin/env bats
# The in-kernel API, as the module vexipc_sample uses it.

load common
load life

folder=/sys/kernel/debug/vexipc_sample

setup() {
	fresh_module
	modprobe vexipc_sample
}

teardown() {
	stop_all
	# modprobe -r would take vexipc with it.
	wait_until 20 rmmod vexipc_sample
	unload_module
}

# vector_of FILE TEXT: written to the file, the vector read back.
vector_of() {
	(exec 4<>"$folder/$1" && printf %s "$2" >&4 && cat <&4)
}

from_cli() { vexipc embed -o raw "$1" | od -An -v -tx4 -w4 | tr -d ' '; }

# bats test_tags=smoke
@test "a text written to the sample's file gives the vector that the command line gets" {
	start_echo one --engine-options dims=100
	for file in text async; do
		for text in 'a text' 'Übung, 世界'; do
			assert_equal "$(vector_of "$file" "$text")" "$(from_cli "$text")"
		done
	done
	stats_are completed=8 failed=0
	# A vector each open file; nothing asked, nothing read.
	assert_equal "$(cat "$folder/text")" ''
}

@test "the sample's writer gets the request's errno" {
	for file in text async; do
		run ! vector_of "$file" x
		assert_output_has 'No such device'
		start_service bad -m fail
		run ! vector_of "$file" x
		assert_output_has 'Remote I/O error'
		stop bad
	done
	stats_are refused=2 failed=2
}

@test "a kernel client's request fails over when its service dies" {
	for file in text async; do
		start_service dying -m hold
		start writer bash -c "exec 4<>'$folder/$file'; printf 5 >&4 && cat <&4"
		wait_requests dying 1
		start_service heir
		kill -KILL "$(pid_of dying)"
		finish writer
		assert_status 0
		# 5.0
		assert_equal "$(head -n 1 "$BATS_TEST_TMPDIR/writer.out")" 40a00000
		stop heir
	done
	stats_are failovers=2 completed=2
}

@test "a writer that is interrupted cancels its request, which is called back once" {
	start_service holder -m hold
	for file in text async; do
		before=$(requests_of holder)
		start writer bash -c "printf x >'$folder/$file'"
		wait_requests holder $((before + 1))
		stop writer
		assert_equal "$status" 143
	done
	stats_are cancelled=2 in_flight=0
	tell holder 'mode answer'
	tell holder flush
	wait_stat orphans 2
	assert_idle
}

@test "the sample does not unload while a request is under way, and unloads cleanly after" {
	start_service holder -m hold
	for file in text async; do
		before=$(requests_of holder)
		start writer bash -c "printf x >'$folder/$file'"
		wait_requests holder $((before + 1))
		run ! rmmod vexipc_sample
		assert_output_has 'in use'
		stop writer KILL
		wait_until 20 rmmod vexipc_sample
		modprobe vexipc_sample
	done
	assert_idle
}

@test "the module does not unload while the sample uses it" {
	run ! modprobe -r vexipc
	assert_output_has 'in use'
	rmmod vexipc_sample
	modprobe -r vexipc
	modprobe vexipc
	modprobe vexipc_sample
}
