#!/usr/bin/env bats
# scripts/vm from the host: what it prints, how it exits, what the machine sees.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../../.." || return
}

# vm_run STATUS ARGS...: scripts/vm run, which must end so.
vm_run() {
	local want=$1
	shift
	run --separate-stderr scripts/vm run "$@"
	# shellcheck disable=SC2154 # run sets stderr
	printf 'status %s\n%s\n' "$status" "$stderr"
	[ "$status" = "$want" ]
}

gate_says() {
	echo "[    1.000000] $1" >"$BATS_TEST_TMPDIR/log"
	run scripts/kernel-log-gate "$BATS_TEST_TMPDIR/log"
}

@test "the gate lets an ordinary kernel log pass" {
	gate_says "vexipc: loading out-of-tree module taints kernel."
	[ "$status" = 0 ]
	[ -z "$output" ]
}

@test "the gate catches each kind of kernel complaint and shows it" {
	while read -r line; do
		gate_says "$line"
		echo "$line"
		[ "$status" = 1 ]
		[[ $output == *"$line"* ]]
	done <"$BATS_TEST_DIRNAME/../../fixtures/kernel-complaints"
}

@test "vm run: stdout is the command's to the byte, stderr apart, the status its own" {
	vm_run 7 --no-build -- \
		sh -c 'printf "a\0b\r\n"; head -c 300000 /dev/zero | tr "\0" "\377"; echo oops >&2; exit 7'
	[ "$stderr" = oops ]
	scripts/vm run --no-build -- sh -c 'printf "a\0b\r\n"; head -c 300000 /dev/zero | tr "\0" "\377"' \
		>"$BATS_TEST_TMPDIR/out"
	printf 'a\0b\r\n' >"$BATS_TEST_TMPDIR/want"
	head -c 300000 /dev/zero | tr '\0' '\377' >>"$BATS_TEST_TMPDIR/want"
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/out"
}

@test "vm run: tree, share, rw folder, environment and stdin are as promised" {
	mkdir "$BATS_TEST_TMPDIR/share" "$BATS_TEST_TMPDIR/out"
	echo shared >"$BATS_TEST_TMPDIR/share/file"
	export VEXIPC_HELLO="two words"
	vm_run 0 --no-build --share "$BATS_TEST_TMPDIR/share" --rw "$BATS_TEST_TMPDIR/out" -- \
		bash -c '
			set -e
			pwd
			echo scratch >Makefile && cat Makefile
			cat /mnt/share/file
			if touch /mnt/share/no 2>/dev/null; then exit 1; fi
			echo written >/mnt/out/file
			echo "$VEXIPC_HELLO"
			wc -c
			mountpoint -q /sys/kernel/debug && mountpoint -q /sys/kernel/tracing
			mountpoint -q /sys/fs/bpf && mountpoint -q /sys/fs/cgroup
			ping -c1 127.0.0.1 >/dev/null 2>&1 || ip -br addr show lo | grep -q 127.0.0.1' </dev/null
	[ "$output" = "$PWD
scratch
shared
two words
0" ]
	[ "$(cat "$BATS_TEST_TMPDIR/out/file")" = written ]
	[ "$(head -c 7 Makefile)" != scratch ]
}

@test "vm run: as many processors as asked for, else two; the kernel log kept where asked" {
	local log=$BATS_TEST_TMPDIR/kept
	vm_run 3 --no-build --smp 3 --log "$log" -- \
		sh -c 'nproc; echo "kept for later" >/dev/kmsg; exit 3'
	[ "$output" = 3 ]
	grep -aq 'Linux version 6\.12' "$log"
	grep -aq 'smp: Brought up 1 node, 3 CPUs' "$log"
	grep -aq 'kept for later' "$log"
	vm_run 123 --no-build --log "$log" -- \
		sh -c 'nproc; echo "<4>WARNING: CPU: 0 PID: 1 at fixture.c:2" >/dev/kmsg'
	[ "$output" = 2 ]
	grep -aq 'at fixture.c:2' "$log"
	run ! grep -aq 'kept for later' "$log"
}

@test "vm run: 123 and the excerpt when the kernel warned, whatever the command's status" {
	vm_run 123 --no-build -- \
		sh -c 'echo "<4>WARNING: CPU: 0 PID: 1 at fixture.c:1" >/dev/kmsg; echo done'
	[ "$output" = "done" ]
	[[ $stderr == *"WARNING: CPU: 0 PID: 1 at fixture.c:1"* ]]
}

@test "vm run: 123 when the kernel crashed under the command" {
	vm_run 123 --no-build -- \
		sh -c 'echo c >/proc/sysrq-trigger; sleep 60'
	[[ $stderr == *"Kernel panic"* ]]
}

@test "vm run: 124 when the command outlives its time" {
	vm_run 124 --no-build --timeout 40 -- sh -c 'echo started; sleep 1000'
	[ "$output" = started ]
	[[ $stderr == *"timed out"* ]]
}

@test "vm run: 125 and the reason when the machine does not boot" {
	vm_run 125 --no-build --mem 24M --timeout 60 -- true
	[[ $stderr == *"vm: "* ]]
}

@test "vm run: 125 on a bad option" {
	vm_run 125 --nonsense -- true
	vm_run 125 --kernel nonsense -- true
	vm_run 125 --share "$BATS_TEST_TMPDIR/nowhere" -- true
	vm_run 125 --timeout
	[[ $stderr == *"--help"* ]]
}

@test "vm shell: a terminal of the same size, in the tree, that ends as the shell does" {
	local typed=$BATS_TEST_TMPDIR/typed shown=$BATS_TEST_TMPDIR/shown keys
	mkfifo "$typed"
	script -qefc 'stty rows 33 cols 77; exec scripts/vm shell --no-build' "$shown" \
		<"$typed" >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	exec {keys}<>"$typed"
	# A prompt, then what was typed and what came of it.
	until grep -aq '# ' "$shown" 2>/dev/null || ! kill -0 $! 2>/dev/null; do sleep 0.5; done
	# shellcheck disable=SC2016 # of the shell in the machine
	echo 'echo "size $(stty size) tty $(tty) in $PWD"; exit 3' >&"$keys"
	status=0
	wait $! || status=$?
	exec {keys}>&-
	cat -v "$shown" "$BATS_TEST_TMPDIR/err"
	[ "$status" = 3 ]
	grep -aq "^size 33 77 tty /dev/hvc0 in $PWD" "$shown"
}

@test "vm shell: 125 without a terminal" {
	run -125 scripts/vm shell --no-build </dev/null
	[[ $output == *"needs a terminal"* ]]
}
