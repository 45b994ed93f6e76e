#!/usr/bin/env bats
# `make && make install && modprobe vexipc` with make alone, none of scripts/.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../../.." || return
	# An overlay's upper folder must not lie on an overlay or a tmpfs.
	work=$(mktemp -d "$(. scripts/lib.sh && echo "$cache")/install.XXXXXX")
}

teardown() {
	rm -rf "$work" "$work.work" "$work.root"
}

# The packages that the README names.
readme_packages() {
	sed -n '/^sudo apt install/,/[^\\]$/p' README.md | sed 's/^sudo apt install//; s/\\$//' |
		tr -s '[:space:]' '\n' | grep .
}

# plain COMMAND: in a Debian 13 with these packages alone; what it writes is in $work.
plain() {
	local root packages
	mapfile -t packages < <(readme_packages)
	root=$(scripts/rootfs --plain "${packages[@]}")
	release=$(cd "$root/usr/lib/modules" && echo ./*) && release=${release#./}
	mkdir -p "$work.work" "$work.root"
	# uname -r would name the host's kernel, not the root's.
	unshare --mount --propagation private sh -ec '
		mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$2.work" "$2.root"
		mount -t proc proc "$2.root/proc"
		mount --rbind /dev "$2.root/dev"
		mount -t tmpfs tmpfs "$2.root/tmp"
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin KREL="$3" \
			chroot "$2.root" sh -exc "$4"' - "$root" "$work" "$release" "$1"
}

@test "make and make install in a Debian 13 with the README's packages give a module that loads and tools that run" {
	mkdir -p "$work/usr/src/vexipc-src"
	git ls-files -z --cached --others --exclude-standard | grep -zv '^scripts/' |
		cpio --quiet -0 -pdm "$work/usr/src/vexipc-src"
	plain 'cd /usr/src/vexipc-src && make && make install && cd /usr/src
		sed -n "/^\`\`\`c/,/^\`\`\`$/p" vexipc-src/README.md | grep -v "^\`\`\`" >embed.c
		gcc -o embed embed.c $(pkg-config --cflags --libs vexipc)
		gcc -o embed-static embed.c $(pkg-config --cflags vexipc) -Wl,-Bstatic -lvexipc \
			-Wl,-Bdynamic $(pkg-config --static --libs vexipc | sed "s/-lvexipc //")
		if ldd embed-static | grep libvexipc; then exit 1; fi'
	run scripts/vm run --layer "$work" -- sh -exc '
		modprobe vexipc
		test -c /dev/vexipc
		test -e /sys/kernel/btf/vexipc
		vexipc --help >/dev/null
		vexipc-embedd --help >/dev/null
		vexipc-embedd --id one --engine echo & service=$!
		until vexipc status one >/dev/null 2>&1; do sleep 0.1; done
		vexipc embed --dims 3 hello
		/usr/src/embed hello
		/usr/src/embed-static hello
		vexipc telemetry attach
		vexipc-top -b -n 1
		vexipc telemetry detach
		kill $service
		wait
		pkg-config --exists vexipc
		man -w vexipc
		modprobe -r vexipc
		make -C /usr/src/vexipc-src uninstall
		if modprobe vexipc 2>/dev/null; then exit 1; fi
		test ! -e /usr/bin/vexipc
		echo gone'
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *'"service":"one"'*gone ]]
	[ "$(grep -c 'dimensions, the first is' <<<"$output")" = 2 ]
}
