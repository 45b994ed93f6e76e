#!/usr/bin/env bats
# vexipc-top in a real terminal, as tmux is one: what it shows, keys, recordings.
# shellcheck disable=SC2154 # stderr is of run --separate-stderr

load common
load life

setup() {
	fresh_module
	vexipc telemetry attach
}

teardown() {
	end_terminal
	stop_all
	vexipc telemetry detach
	unload_module
}

# -------------------------------------------------------------- the terminal --

# Whatever ails tmux, it is not what is tested. Each test has a server of its own:
# one that is about to end takes no new sessions.
end_terminal() { timeout 10 tmux -L "top$BATS_TEST_NUMBER" kill-server 2>/dev/null || :; }

# open_top COLUMNS ROWS [NAME=VALUE...] -- [OPTION...]: vexipc-top in a terminal.
open_top() {
	local size=(-x "$1" -y "$2") settings=(LC_ALL=C.UTF-8)
	shift 2
	while [ "$1" != -- ]; do
		settings+=("$1")
		shift
	done
	shift
	# 3 is what BATS writes TAP to: it must not stay open.
	tmux -L "top$BATS_TEST_NUMBER" -u -f /dev/null new-session -d -s top "${size[@]}" \
		"env ${settings[*]} vexipc-top $*; echo ended with \$?; sleep 600" 3>&-
}

press() { tmux -L "top$BATS_TEST_NUMBER" send-keys -t top "$@"; }
resize() { tmux -L "top$BATS_TEST_NUMBER" resize-window -t top -x "$1" -y "$2"; }

# The screen, without spaces at the ends of lines.
screen() { tmux -L "top$BATS_TEST_NUMBER" capture-pane -p -t top | sed 's/ *$//'; }
screen_has() { screen | grep -qE -- "$1"; }
screen_lacks() { ! screen_has "$1"; }

# shows PATTERN [SECONDS]: sooner or later.
shows() {
	wait_until "${2:-30}" screen_has "$1" || {
		screen
		return 1
	}
}

# What is the same every time: no clock, no lines, no figures of time; without
# empty rows.
stable() {
	sed -E '/^$/d; s/ *[0-9]{2}:[0-9]{2}:[0-9]{2}$//; s/[▁▂▃▄▅▆▇█]//g
		s/\b[0-9.]+(ns|us|ms|s)\b/TIME/g; s/highest [0-9.k]+/highest N/; s/  +/ /g; s/ $//'
}

close_top() {
	press q
	shows '^ended with 0'
	end_terminal
}

# Two services that answered ten requests each and are idle.
two_services() {
	start_service alpha
	start_service beta
	seq 20 | vexipc embed --dims 1 >/dev/null
	assert_equal "$(requests_of alpha) $(requests_of beta)" '10 10'
}

# ---------------------------------------------------------------- the screen --

# bats test_tags=smoke
@test "80x24: the instance, and a row a service" {
	two_services
	open_top 80 24 -- -s id
	shows '^alpha +active +closed +- +0 '
	assert_equal "$(screen | stable)" "$(cat <<-'SCREEN'
		vexipc-top available 2/2 req/s 0
		in flight 0 queued 0 p50 - p99 - errors% -
		queues: critical 0 high 0 normal 0 low 0 highest N retries 0 failovers 0
		policy round-robin dropped 0
		SERVICE STATE BREAKER SHARE% REQ/S INFL QUEUE P50 P99 ERR% CPU%
		alpha active closed - 0 0 0 TIME TIME - -
		beta active closed - 0 0 0 TIME TIME - -
		h help q quit s sort / filter p pause Enter details d drain u resume
	SCREEN
	)"
	# The keys stand in the last row.
	screen | sed -n '$p' | grep -q '^h help'
	close_top
}

@test "20x5 has what matters most, 200x60 all; it follows the terminal's size" {
	two_services
	open_top 20 5 -- -s id
	shows '^alpha +0 '
	assert_equal "$(screen | stable)" $'up 2/2 req/s 0\nSERVICE REQ/S P99\nalpha 0 TIME\nbeta 0 TIME'
	resize 200 60
	shows '^SERVICE .*MEM$'
	assert_equal "$(screen | stable | sed -nE '5,8{s/cache [0-9.]+[BK]/cache N/;p}')" "$(cat <<-'SCREEN'
		held 0B cache N answers 0 cached% - hits 0 misses 0 coalesced 0 denied 0
		SERVICE STATE BREAKER SHARE% REQ/S INFL QUEUE P50 P99 ERR% CPU% MEM
		alpha active closed - 0 0 0 TIME TIME - - -
		beta active closed - 0 0 0 TIME TIME - - -
	SCREEN
	)"
	screen_has '^h help'
	for size in '1 1' '250 80' '80 24'; do
		# shellcheck disable=SC2086
		resize $size
	done
	shows '^alpha +active'
	close_top
}

@test "traffic is seen: rate, share, requests held, errors and their kind" {
	start_service alpha
	start_service beta -m fail
	start load sh -c 'while :; do seq 50 | vexipc embed --dims 1 --service alpha
		vexipc embed --service beta x; done'
	open_top 200 60 -- -s id
	shows '^alpha +active +closed +[1-9][0-9.]* +[1-9][0-9.k]* .*█.* 0 +[1-9][0-9.]*[mu]s +[1-9][0-9.]*[mu]s .*█.* +0 '
	shows '^beta +active +[a-z-]+ +[0-9.]+ +0 .* 100 '
	press Down Enter
	shows '^LAST ERRORS$'
	shows '^ +[0-9]+s ago  service_failed x[1-9]'
	press Escape Home Enter
	shows '^LATENCY OF ANSWERS SINCE IT CAME$'
	shows '^ +[0-9.]+[mu]s - +[0-9.]+[mu]?s +[1-9][0-9.k]*  #+$'
	shows '^p99 +[0-9.]+[mu]s +[0-9.]+[mu]s .*█'
	stop load KILL
	press Escape
	close_top
}

@test "without UTF-8 and color: ASCII, and no color" {
	two_services
	open_top 200 30 LC_ALL=C -- --no-color
	shows '^beta +active .*_'
	run ! grep -P '[^\x00-\x7f]' <(screen)
	run ! grep -P '\x1b\[[0-9;]*3[0-7]' <(tmux -L "top$BATS_TEST_NUMBER" capture-pane -e -p -t top)
	close_top
	open_top 200 30 TERM=screen-256color --
	shows '^beta +active .*▁'
	grep -qP '\x1b\[[0-9;]*3[0-7]' <(tmux -L "top$BATS_TEST_NUMBER" capture-pane -e -p -t top)
	close_top
}

# -------------------------------------------------------------------- keys --

@test "d drains the chosen service, u resumes it; both ask first; not with --readonly" {
	two_services
	open_top 80 24 -- -s id
	shows '^beta +active'
	press Down d
	shows '^drain beta\? y/n'
	press n
	wait_until 10 screen_lacks '^drain beta'
	service_is beta active
	press d
	shows '^drain beta\?'
	press y
	wait_service beta draining
	shows '^beta +draining'
	screen_has '^alpha +active'
	press u
	shows '^resume beta\?'
	press y
	wait_service beta active
	shows '^beta +active'
	close_top
	open_top 80 24 -- -s id --readonly
	shows '^alpha +active'
	press d
	shows '^--readonly: cannot drain'
	service_is alpha active
	close_top
}

@test "a breaker that is open, and the policy in use with its fallbacks, are seen" {
	two_services
	vexipc breaker beta open
	vexipc policy load load
	open_top 80 24 -- -s id
	shows '^policy load, 0 fell back on round-robin +dropped 0'
	shows '^beta +active +open '
	vexipc breaker beta auto
	shows '^beta +active +half-open '
	vexipc policy unload load
	shows '^policy round-robin +dropped 0'
	# One that is thrown out is still named, and what it did not choose is counted.
	echo 2000000 >/sys/module/vexipc/parameters/policy_max_us
	vexipc policy load /usr/lib/vexipc/tests/policy_bad.bpf.o
	seq 20 | vexipc embed --dims 1 >/dev/null
	shows '^policy bad \(gone\), 20 fell back on round-robin'
	vexipc policy use none
	shows '^policy round-robin +dropped 0'
	# Who came before telemetry has a breaker, too.
	vexipc telemetry detach
	vexipc breaker alpha open
	vexipc telemetry attach
	shows '^alpha +active +open '
	press Enter
	shows 'breaker open'
	close_top
	vexipc breaker alpha auto
	vexipc breaker beta auto
}

rows_are() { [ "$(screen | sed -n '6,7s/ .*//p')" = "$1" ]; }

@test "keys sort, filter, pause and help" {
	two_services
	open_top 80 24 -- -s id
	shows '^alpha'
	press r
	wait_until 10 rows_are $'beta\nalpha'
	press r / ALP
	shows '^filter: ALP_$'
	wait_until 10 screen_lacks '^beta'
	press Enter h
	shows '^vexipc-top: keys and columns'
	press x /
	press C-u Enter
	shows '^beta'
	press p
	shows 'paused [0-9:]{8}$'
	local before
	before=$(screen)
	start_service gamma
	sleep 2
	assert_equal "$(screen)" "$before"
	press p
	shows '^gamma +active'
	close_top
}

# -------------------------------------------------------------- recordings --

# recorded N: the last look in the recording has so many requests of each service.
recorded() {
	run -0 vexipc-top --json -s id --replay "$BATS_TEST_TMPDIR/top.rec"
	[ "$(of_all 'last.services | map([.id, .requests])')" = "[[\"alpha\",$1],[\"beta\",$1]]" ]
}

@test "a replay of a recording shows the same, and needs no module" {
	two_services
	open_top 100 24 -- -s id -d 0.3 --record "$BATS_TEST_TMPDIR/top.rec"
	shows 'recording [0-9:]{8}$'
	seq 20 | vexipc embed --dims 1 >/dev/null
	wait_until 10 recorded 20
	press p
	shows 'paused'
	screen | sed 1d >"$BATS_TEST_TMPDIR/live"
	close_top
	stop_all
	vexipc telemetry detach
	modprobe -r vexipc
	open_top 100 24 -- -s id -d 0.1 --replay "$BATS_TEST_TMPDIR/top.rec"
	shows 'replay, at its end [0-9:]{8}$'
	# All but the keys there are, in the last line.
	diff <(head -n -1 "$BATS_TEST_TMPDIR/live") <(screen | sed 1d | head -n -1)
	press d
	shows 'a replay cannot drain'
	close_top
	recorded 20
	# One that is damaged is told, not shown.
	printf x | dd of="$BATS_TEST_TMPDIR/top.rec" bs=1 seek=200 conv=notrunc status=none
	run -1 --separate-stderr vexipc-top -b --replay "$BATS_TEST_TMPDIR/top.rec"
	[[ $stderr == *'it is damaged'* ]]
	load_module
	vexipc telemetry attach
}

# ------------------------------------------------------------------- batch --

@test "without a terminal it prints; JSON has the figures of the module" {
	two_services
	run -0 --separate-stderr vexipc-top -n 2 -d 0.2 -s id
	assert_equal "$stderr" ''
	assert_equal "$(grep -c '^alpha ' <<<"$output")" 2
	[[ $output == *'available 2/2'* ]]
	run -0 --separate-stderr vexipc-top --json -n 1 -d 0.2 -s id
	assert_equal "$(jq -c '[.policy, .instance.completed, (.services[] | [.id, .state, .requests,
		.completed, .in_flight, .recent.answers_per_second])]' <<<"$output")" \
		'["round-robin",20,["alpha","active",10,10,0,0],["beta","active",10,10,0,0]]'
	run -0 vexipc-top --json -n 1 -d 0.2 -f bet
	assert_equal "$(jq -c '[.services[].id]' <<<"$output")" '["beta"]'
}

@test "services that came before telemetry have their names, too" {
	vexipc telemetry detach
	start_service early
	vexipc telemetry attach
	vexipc embed --dims 1 1 >/dev/null
	run -0 --separate-stderr vexipc-top --json -n 1 -d 0.2
	assert_equal "$(jq -c '[.services[].id]' <<<"$output")" '["early"]'
}

@test "a look takes as many system calls with forty services as with one" {
	local few many calls=openat,ioctl,bpf,read,readlink,newfstatat
	start_service one
	strace -f -c -o "$BATS_TEST_TMPDIR/few" -e trace="$calls" \
		vexipc-top --json -n 5 -d 0.1 >"$BATS_TEST_TMPDIR/json"
	start_service lot -n 39
	strace -f -c -o "$BATS_TEST_TMPDIR/many" -e trace="$calls" \
		vexipc-top --json -n 5 -d 0.1 >"$BATS_TEST_TMPDIR/json"
	assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/json" | jq '.services | length')" 40
	few=$(awk '$NF == "total" { print $4 }' "$BATS_TEST_TMPDIR/few")
	many=$(awk '$NF == "total" { print $4 }' "$BATS_TEST_TMPDIR/many")
	assert_equal "$many" "$few" "the number of system calls"
}

# ----------------------------------------------------------- what is missing --

@test "without telemetry or module it says so, and begins when they come" {
	vexipc telemetry detach
	start_service alpha
	open_top 80 24 --
	shows '^telemetry is not attached'
	screen_has 'sudo vexipc telemetry attach'
	run -1 --separate-stderr vexipc-top -b -n 1
	[[ $stderr == *'telemetry is not attached'*'vexipc telemetry attach'* && -z $output ]]
	vexipc telemetry attach
	shows '^alpha +active'
	vexipc telemetry detach
	shows '^telemetry is not attached'
	# It keeps nothing from being unloaded.
	stop_all
	unload_module
	shows '^the module is not loaded'
	run -3 --separate-stderr vexipc-top -b -n 1
	[[ $stderr == *'sudo modprobe vexipc'* ]]
	load_module
	vexipc telemetry attach
	shows '^no service is registered'
	close_top
}

@test "links that are gone, some of them or all, are told; in print and JSON, too" {
	two_services
	open_top 80 24 -- -s id
	shows '^alpha +active'
	run ! screen_has '^telemetry'
	local pins=/sys/fs/bpf/vexipc programs
	programs=$(find $pins/links -type f | wc -l)
	rm $pins/links/request_send
	shows "^telemetry: $((programs - 1)) of $programs programs are attached: run 'sudo vexipc telemetry attach'$"
	screen_has '^alpha +active'
	run -0 vexipc-top -b -n 1 -d 0.1
	assert_output_has "$((programs - 1)) of $programs programs are attached"
	run -0 vexipc-top --json -n 1 -d 0.1
	assert_equal "$(jq -c --argjson all "$programs" '.telemetry |
		[.attached, .programs == $all, .links == $all - 1]' <<<"$output")" '[true,true,true]'
	rm $pins/links/*
	shows '^telemetry counts no more, its links are gone$'
	screen_has "^run 'sudo vexipc telemetry attach'$"
	for options in -b --json; do
		run -1 --separate-stderr vexipc-top $options -n 1
		[[ $stderr == *"its links are gone: run 'sudo vexipc telemetry attach'"* && -z $output ]]
	done
	vexipc telemetry attach
	shows '^alpha +active'
	run ! screen_has '^telemetry'
	rm -r $pins
	shows '^telemetry is not attached'
	# Removed and attached between two looks, it has other maps.
	vexipc telemetry attach
	shows '^alpha +active'
	press p Enter
	shows 'paused'
	rm -r $pins
	vexipc telemetry attach
	seq 34 | vexipc embed --dims 1 >/dev/null
	press p
	shows '^requests 17 '
	press Escape
	close_top
}

@test "figures that do not follow what the module counts are told as stale" {
	two_services
	open_top 80 24 -- -s id -d 0.3
	shows '^alpha +active'
	# As if the programs that write were others, which there are not.
	local control=/sys/fs/bpf/vexipc/control value
	read -ra value < <(bpftool -j map lookup pinned $control key 0 0 0 0 |
		jq -r '.value | join(" ")')
	value[4]=0x63
	bpftool map update pinned $control key 0 0 0 0 value "${value[@]}"
	start load sh -c 'while :; do vexipc embed --dims 1 x; done'
	shows "^telemetry: figures are stale for [0-9ms]+: run 'sudo vexipc telemetry attach'$" 60
	screen_has '^alpha +active'
	run -0 vexipc-top --json -n 12 -d 1
	of_all 'any(.telemetry.stale_ns >= 3000000000)' | grep -q true
	vexipc telemetry attach
	wait_until 60 screen_lacks '^telemetry'
	stop load KILL
	close_top
}

@test "what is held and cached, and who was denied, in the header and in JSON" {
	start_service alpha
	config cache_enabled=true
	for _ in 1 2 3 4; do vexipc embed --dims 1 text >/dev/null; done
	run ! setpriv --reuid 65534 --clear-groups vexipc embed --transport netlink text
	tell alpha 'mode hold'
	submit held 1
	wait_requests alpha 2
	open_top 120 40 -- -s id
	shows '^held [1-9][0-9.]*[BK]  cache [1-9][0-9.]*[BK]  answers 1  cached% 60.0  hits 3  misses 2  coalesced 0  denied 1  privilege 1$'
	run -0 vexipc-top --json -n 1 -d 0.1
	jq -e '.module.held_bytes > 0 and .module.cache_bytes > 0 and .module.cache_entries == 1 and
		(.module, .instance | .cache_hits == 3 and .cache_misses == 2 and .hit_rate == 60 and
		 .denied_privilege == 1) and .instance.recent.hit_share == null' <<<"$output"
	assert_equal "$(vexipc stats --json | jq '.hit_rate == 60')" true
	vexipc stats | grep -qE '^hit_rate +60\.0 +%$'
	# There is no room for it in a low terminal: then the rate alone.
	resize 120 24
	shows '^policy .*  cached% 60\.0$'
	run ! screen_has '^held'
	close_top
	tell alpha 'mode answer'
	tell alpha flush
	results held
	assert_equal "$status" 0
	config cache_enabled=false
}

@test "wrong arguments end with 2" {
	for options in '-d 0' '-d x' '-n 0' '-s nothing' 'what' '--record a --replay b'; do
		# shellcheck disable=SC2086
		run -2 vexipc-top $options
	done
	run -0 vexipc-top --help
	run -0 vexipc-top --version
	touch "$BATS_TEST_TMPDIR/there"
	run -1 vexipc-top -n 1 --record "$BATS_TEST_TMPDIR/there"
}
