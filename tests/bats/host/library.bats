#!/usr/bin/env bats
# libvexipc as programs link and include it: its map, its symbols and its headers agree.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/../../.." || return
	scripts/build userspace
}

setup() {
	cd "$BATS_TEST_DIRNAME/../../.." || return
	built=$(. scripts/lib.sh && build_folder)
	map=$BATS_TEST_TMPDIR/map
	# SYMBOL@@VERSION, of each node of the map.
	awk '/^VEXIPC_[0-9]+ \{$/ { version = $1 }
		/^\t[a-z_0-9]+;$/ { sub(/;/, ""); print $1 "@@" version }' \
		tools/lib/vexipc.map | sort >"$map"
	[ "$(wc -l <"$map")" -gt 100 ]
}

in_root() { scripts/in-root --bind "$built" -- "$@"; }

# same FILE: what comes in is what FILE holds; what differs is shown.
same() { diff "$1" <(sort); }

@test "the shared library exports what its map lists, under that version, and nothing else" {
	in_root nm -D --defined-only --with-symbol-versions "$built/lib/libvexipc.so.1" \
		>"$BATS_TEST_TMPDIR/nm"
	awk '$2 == "T" { print $3 }' "$BATS_TEST_TMPDIR/nm" | same "$map"
	# The versions themselves, which have no address to speak of.
	awk '$2 != "T" { print $2, $3 }' "$BATS_TEST_TMPDIR/nm" |
		same <(sed 's/.*@@/A /' "$map" | sort -u)
	in_root readelf -d "$built/lib/libvexipc.so.1" | grep -q 'soname: \[libvexipc\.so\.1\]'
}

@test "each function that the headers declare is exported, and each exported one is declared" {
	# shellcheck disable=SC2016 # of the shell in the root
	in_root sh -ec 'for header in tools/lib/include/vexipc/*.h; do
		gcc -x c -std=gnu17 -Itools/lib/include -Iinclude/uapi -fsyntax-only \
			-aux-info /dev/stdout "$header"
	done' | sed -n 's|^/\* tools/lib/include/vexipc/.*[ *]\([a-z_0-9]*\) (.*|\1|p' | sort -u |
		same <(sed 's/@@.*//' "$map")
}

@test "the static library has no names but its own" {
	in_root nm -g --defined-only "$built/lib/libvexipc.a" | awk 'NF == 3 { print $3 }' |
		sort >"$BATS_TEST_TMPDIR/names"
	run grep -vE '^(vexipc|vxi)_' "$BATS_TEST_TMPDIR/names"
	echo "$output"
	[ "$status" = 1 ]
	grep '^vexipc_' "$BATS_TEST_TMPDIR/names" | same <(sed 's/@@.*//' "$map")
}

@test "each header compiles by itself, as strict C99 and as C++" {
	# shellcheck disable=SC2016 # of the shell in the root
	in_root sh -ec 'for header in tools/lib/include/vexipc/*.h include/uapi/linux/*.h; do
		set -- -Wall -Wextra -Werror -Itools/lib/include -Iinclude/uapi -fsyntax-only "$header"
		gcc -x c -std=c99 -pedantic "$@"
		clang -x c++ "$@"
	done'
}
