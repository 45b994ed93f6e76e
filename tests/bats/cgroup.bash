# shellcheck shell=bash disable=SC2154
# Memory cgroups for clients. With common.bash.

# A cgroup with so much memory: its path.
limited_cgroup() {
	local root=$BATS_TEST_TMPDIR/cgroup
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		root=/sys/fs/cgroup
	else
		mkdir -p "$root"
		mount -t cgroup2 none "$root"
	fi
	echo +memory >"$root/cgroup.subtree_control"
	mkdir "$root/vexipc-client"
	echo "$1" >"$root/vexipc-client/memory.max"
	echo "$root/vexipc-client"
}

# Away with it.
remove_cgroup() {
	wait_until 10 rmdir "$1"
	if mountpoint -q "$BATS_TEST_TMPDIR/cgroup"; then
		umount "$BATS_TEST_TMPDIR/cgroup"
	fi
}
