#!/usr/bin/env bats
# Who may do what: registration tokens, access rules, critical priority.

load common

# Each changes rules and counters: each has a module of its own.
setup_file() { :; }
setup() {
	load_module
	chgrp "$group" /dev/vexipc
}
teardown() {
	stop_all
	rm -f /run/vexipc-test.token*
	unload_module
}
teardown_file() { :; }

group=4242
user=65534
as_user() { setpriv --reuid "$user" --regid "$group" --clear-groups "$@"; }
as_outsider() { setpriv --reuid "$user" --regid "$user" --clear-groups "$@"; }

# issue OPTION...: the token is in the file $token, its id in $id.
issue() {
	# Where the user can read it, which BATS's own folders do not allow.
	token=/run/vexipc-test.token
	vexipc token issue --json "$@" >"$BATS_TEST_TMPDIR/issued"
	id=$(jq -r .id "$BATS_TEST_TMPDIR/issued")
	jq -r .token "$BATS_TEST_TMPDIR/issued" >"$token"
	chmod 644 "$token"
}

token_field() { vexipc token list --json | jq -r ".[] | select(.id == $id) | .$1"; }

# start_with_token ID [OPTION...]: an echo service of an unprivileged user.
start_with_token() {
	local service=$1
	shift
	start "$service" setpriv --reuid "$user" --regid "$group" --clear-groups \
		vexipc-embedd --id "$service" --engine echo --token-file "$token" "$@"
}

# refused_token ID [OPTION...]: the same is refused, for the token.
refused_token() {
	run as_user vexipc-embedd --id "$1" --engine echo --token-file "$token" "${@:2}"
	assert_status 3
	assert_output_has "the token is unknown, over, or not good for"
}

# bats test_tags=smoke
@test "a token lets an unprivileged service register, over the device and netlink" {
	issue --label "two of them" --id 'free-*'
	start_with_token free-c --transport chardev
	start_with_token free-n --transport netlink
	wait_service free-c
	wait_service free-n
	run -0 vexipc embed --service free-c hello
	run -0 vexipc embed --service free-n hello
	assert_equal "$(status_of free-n uid)" "$user"
	assert_equal "$(token_field services)" 2
	assert_equal "$(token_field label)" "two of them"
	assert_equal "$(token_field uid)" 0
	stop free-c
	assert_equal "$(token_field services)" 1
	assert_equal "$(token_field registered)" 2
	assert_idle
}

@test "without privilege and token registering is EPERM, and counted" {
	run as_user vexipc-embedd --id none --engine echo --transport chardev
	assert_status 3
	assert_output_has "CAP_NET_ADMIN or a token"
	run as_outsider vexipc-embedd --id none --engine echo --transport netlink
	assert_status 3
	assert_output_has "CAP_NET_ADMIN or a token"
	assert_equal "$(stat_of denied_privilege)" 2
	assert_equal "$(stat_of services)" 0
}

@test "a token is told once: no list shows it" {
	issue
	run -0 vexipc token list
	[[ $output != *"$(cat "$token")"* ]]
	run -0 vexipc token list --json
	[[ $output != *"$(cat "$token")"* ]]
}

@test "a token's limits hold: ids, models, uses, services at once; what is denied is counted" {
	issue --id 'a-?' --uses 2 --services 1
	refused_token b-1
	refused_token a-12
	start_with_token a-1
	wait_service a-1
	refused_token a-2
	assert_equal "$(token_field uses_left)" 1
	stop a-1
	wait_no_service a-1
	start_with_token a-2
	wait_service a-2
	stop a-2
	refused_token a-3
	assert_equal "$(token_field uses_left)" 0
	issue --models 'other*'
	refused_token a-4
	# A wrong one is a wrong one.
	tr '0123456789abcdef' '123456789abcdef0' <"$token" >"$token.wrong"
	chmod 644 "$token.wrong"
	token=$token.wrong
	refused_token a-5
	[ "$(stat_of denied_token)" -ge 6 ]
	assert_equal "$(stat_of registered)" 2
}

@test "a token's ceilings lower what a service asks for: tier, batches" {
	issue --priority 50 --no-batch
	start_with_token low --priority 200 --max-batch 10
	wait_service low
	assert_equal "$(status_of low priority)" 50
	assert_equal "$(status_of low max_batch)" 1
}

@test "a token ends with its time, not the services it brought" {
	issue --expires "$(scale_time 3)s"
	start_with_token early
	wait_service early
	wait_until 20 expired
	refused_token late
	run -0 vexipc embed hello
}
# Long enough to start a service in.
scale_time() { debug_kernel && echo $(($1 * 10)) || echo "$1"; }
expired() { [ "$(date +%s%N)" -gt "$(jq .expires_ns "$BATS_TEST_TMPDIR/issued")" ]; }

# bats test_tags=smoke
@test "a revoked token is good for nothing; with --unregister its services go" {
	issue
	start_with_token one
	start_echo root-owned
	wait_service one
	run -0 vexipc token revoke "$id" --unregister
	assert_output_has "services that went: 1"
	wait_no_service one
	wait_service root-owned
	refused_token two
	run -4 vexipc token revoke "$id"
	assert_output_has "none of this id"
	assert_equal "$(vexipc token list --json)" '[]'
	issue
	start_with_token kept
	wait_service kept
	run -0 vexipc token revoke "$id"
	wait_service kept
}

@test "strings of tokens are plain, and only administrators see them" {
	run -1 vexipc token issue --label $'two\nlines'
	assert_output_has "control characters"
	run -1 vexipc token issue --id $'\xff'
	assert_output_has "UTF-8"
	run -5 as_user vexipc token list
	run -5 as_user vexipc token issue
	run -5 as_user vexipc token revoke 1
	run -5 as_user vexipc rule list
	run -5 as_user vexipc rule add --allow embed
	run -5 as_user vexipc rule clear
	assert_equal "$(stat_of denied_privilege)" 6
}

# bats test_tags=smoke
@test "a rule lets a user embed over netlink, with its models and priorities alone" {
	start_echo echo
	run -5 as_outsider vexipc embed --transport netlink hello
	run -0 vexipc rule add --uid "$user" --allow embed,look --models 'ec*' --priority high
	run -0 as_outsider vexipc embed --transport netlink --model echo hello
	run -0 as_user vexipc embed --model echo --priority high hello
	for transport in netlink chardev; do
		run -5 as_user vexipc embed --transport "$transport" --model other hello
		assert_output_has "access rule"
		run -5 as_user vexipc embed --transport "$transport" hello
		run -5 as_user vexipc embed --transport "$transport" --model echo --priority 193 hello
	done
	assert_equal "$(stat_of denied_rule)" 6
	assert_equal "$(stat_of denied_privilege)" 1
	assert_equal "$(stat_of submitted)" 2
	# Root is above rules, and others are as without any.
	run -0 vexipc embed hello
	run -0 setpriv --reuid 1234 --regid "$group" --clear-groups vexipc embed hello
	assert_idle
}

@test "the first rule that matches decides; removed, the next does" {
	local first
	start_echo echo
	first=$(vexipc rule add --uid "$user" --allow none)
	run -0 vexipc rule add --gid "$group" --allow embed
	run -5 as_user vexipc embed hello
	assert_output_has "access rule"
	run -0 vexipc rule remove "$first"
	run -0 as_user vexipc embed hello
	# Neither look nor administer is allowed by that.
	run -5 as_user vexipc stats
	run -5 as_user vexipc services
	run -5 as_user vexipc status echo
	run -5 as_user vexipc config set max_queue_size=5
	run -0 vexipc rule add --uid "$user" --allow look --before "$(vexipc rule list --json | jq '.[0].id')"
	run -0 as_user vexipc stats
	run -5 as_user vexipc embed hello
	run -4 vexipc rule remove "$first"
	run -0 vexipc rule clear
	assert_equal "$(vexipc rule list --json)" '[]'
	run -0 as_user vexipc embed hello
}

@test "a rule lets a user administer, but for rules, and register" {
	run -5 as_user vexipc config set max_queue_size=5
	run -0 vexipc rule add --uid "$user" --allow administer,embed,look
	run -0 as_user vexipc config set max_queue_size=5
	run -0 as_user vexipc token issue
	run -5 as_user vexipc rule clear
	start theirs setpriv --reuid "$user" --regid "$group" --clear-groups \
		vexipc-embedd --id theirs --engine echo
	wait_service theirs
	run -0 as_user vexipc drain theirs
}

@test "a rule matches a cgroup and those below it" {
	local cgroup=/sys/fs/cgroup/vexipc-test
	mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
	mkdir -p "$cgroup/below"
	start_echo echo
	run -0 vexipc rule add --cgroup vexipc-test --allow none
	run -0 as_user vexipc embed hello
	run -5 sh -c "echo \$\$ >$cgroup/below/cgroup.procs && exec setpriv --reuid $user \
		--regid $group --clear-groups vexipc embed hello"
	assert_output_has "access rule"
	rmdir "$cgroup/below" "$cgroup"
}

# bats test_tags=smoke
@test "critical priority takes privilege or a rule: else EPERM, counted" {
	start_echo echo
	run -0 vexipc embed --priority critical hello
	for transport in chardev netlink; do
		run -0 vexipc embed --transport "$transport" --priority critical hello
	done
	run -5 as_user vexipc embed --priority critical hello
	run -0 as_user vexipc embed --priority 254 hello
	assert_equal "$(stat_of denied_priority)" 1
	run -0 vexipc rule add --uid "$user" --allow embed --priority critical
	run -0 as_user vexipc embed --priority critical hello
	run -0 as_outsider vexipc embed --transport netlink --priority critical hello
	run -0 vexipc rule clear
	run -0 vexipc rule add --uid "$user" --allow embed
	run -5 as_outsider vexipc embed --transport netlink --priority critical hello
	assert_output_has "critical priority"
	assert_equal "$(stat_of denied_priority)" 2
	assert_idle
}

@test "the kernel's own YNL client issues, lists and revokes tokens, adds and removes rules" {
	local linux=/usr/share/vexipc-test/linux secret
	ynl() {
		python3 "$linux/tools/net/ynl/cli.py" --spec /usr/share/vexipc/netlink/vexipc.yaml \
			--schema "$linux/Documentation/netlink/genetlink.yaml" --output-json "$@"
	}
	run ynl --do token-new --json '{"token": {"label": "ynl", "pattern": "y-*", "uses": 3}}'
	assert_success
	secret=$(jq -r .token.secret <<<"$output" | tr -d ' ')
	assert_equal "${#secret}" 64
	token=/run/vexipc-test.token
	echo "$secret" >"$token"
	start_with_token y-1 --transport netlink
	wait_service y-1
	run ynl --dump token-get
	assert_success
	assert_equal "$(jq -r '.[0].token | "\(.label) \(.["uses-left"]) \(.services) \(.secret)"' <<<"$output")" \
		"ynl 2 1 null"
	run ynl --do token-del --json '{"token": {"id": 1, "unregister": true}}'
	assert_success
	assert_equal "$(jq .token.services <<<"$output")" 1
	run ynl --do rule-new --json '{"rule": {"uid": 7, "allow": ["embed"], "max-priority": 200}}'
	assert_success
	assert_equal "$(vexipc rule list --json | jq -c '.[] | [.uid, .allow, .max_priority]')" \
		'[7,["embed"],200]'
	run ynl --dump rule-get
	assert_success
	assert_equal "$(jq -c '.[0].rule.uid' <<<"$output")" 7
	run ynl --do rule-del --json '{"rule": {"id": 9}}'
	assert_status 1
	assert_output_has "none of this id"
	run ynl --do rule-del --json '{}'
	assert_success
	assert_equal "$(vexipc rule list --json)" '[]'
}

@test "what is denied is traced, with who, what and why" {
	local trace=/sys/kernel/tracing
	mountpoint -q "$trace" || mount -t tracefs none "$trace"
	echo >"$trace/trace"
	echo 1 >"$trace/events/vexipc/vexipc_access_denied/enable"
	run -5 as_user vexipc embed --priority critical hello
	run -5 as_user vexipc config set max_queue_size=5
	echo 0 >"$trace/events/vexipc/vexipc_access_denied/enable"
	grep -q "vexipc_access_denied: .*uid=$user operation=2 reason=4 error=1" "$trace/trace"
	grep -q "vexipc_access_denied: .*uid=$user operation=4 reason=1 error=1" "$trace/trace"
}
