#!/usr/bin/env bats
# `make && make install && modprobe vexipc` with make alone, none of scripts/.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../../.." || return
	# An overlay's upper folder must not lie on an overlay or a tmpfs.
	work=$(mktemp -d "$(. scripts/lib.sh && echo "$cache")/install.XXXXXX")
}

teardown() {
	rm -rf "$work" "$work.work"
}

@test "a plain make and make install in a Debian 13 root give a module that loads and tools that run" {
	mkdir -p "$work/usr/src/vexipc-src"
	git ls-files -z --cached --others --exclude-standard | grep -zv '^scripts/' |
		cpio --quiet -0 -pdm "$work/usr/src/vexipc-src"
	release=$(find "$(scripts/rootfs)/usr/lib/modules" -mindepth 1 -printf '%f\n' -prune | sort -V | head -n 1)
	# uname -r would name the host's kernel, not the root's.
	scripts/in-root --upper "$work" -- sh -ec "
		cd /usr/src/vexipc-src
		make -j\$(nproc) KREL=$release
		make install KREL=$release"
	run -0 scripts/vm run --layer "$work" -- sh -ec '
		modprobe vexipc
		test -c /dev/vexipc
		test -e /sys/kernel/btf/vexipc
		vexipc --help >/dev/null
		vexipc-embedd --help >/dev/null
		pkg-config --exists vexipc
		man -w vexipc
		modprobe -r vexipc
		make -C /usr/src/vexipc-src uninstall
		if modprobe vexipc 2>/dev/null; then exit 1; fi
		test ! -e /usr/bin/vexipc
		echo gone'
	[[ $output == *gone ]]
}
