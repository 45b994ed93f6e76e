# shellcheck shell=bash disable=SC2034,SC2154
# What the scripts share: messages, the cache folder, root rights, locks.
# Source it; it sets `tree` (the project's folder) and `cache`.

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=${VEXIPC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vexipc}

# Debian packages that the host itself needs; everything else lives in the root.
host_packages=(mmdebstrap busybox-static cpio erofs-utils xz-utils zstd bats)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
	say "$*"
	exit 1
}

# Prints the comment block at the head of the calling script.
usage() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }

# Runs the calling script again under sudo when it lacks root rights. The cache
# stays the user's.
need_root() {
	[ "$(id -u)" = 0 ] && return
	exec sudo --preserve-env=VEXIPC_CACHE,VEXIPC_TEST_FILTER,VEXIPC_TEST_TIMEOUT,VEXIPC_SUITES,CI,http_proxy,https_proxy \
		VEXIPC_CACHE="$cache" bash "$0" "$@"
}

# Hands files made as root under sudo back to the user who called.
give_back() {
	[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$@"
}

# Installs the missing ones of the named Debian packages on the host.
install_host_packages() {
	local missing=() package
	for package in "$@"; do
		dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null |
			grep -q 'ok installed' || missing+=("$package")
	done
	[ ${#missing[@]} = 0 ] && return
	say "installing ${missing[*]}"
	exec {apt_lock}>/run/lock/vexipc-apt
	flock "$apt_lock"
	apt-get -qq update >&2
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
		--no-install-recommends "${missing[@]}" >&2
	exec {apt_lock}>&-
}

# with_lock FILE CMD...: one at a time.
with_lock() {
	mkdir -p "$(dirname "$1")"
	(
		flock 9
		"${@:2}" 9>&-
	) 9>"$1"
}

# disk_image FILE DIR: a file tree as a disk, which under emulation is read many
# times faster than a shared folder.
disk_image() {
	[ -f "$1" ] && return
	mkfs.erofs --quiet "$1.new" "$2" >&2
	mv "$1.new" "$1"
}

# hash_of FILE...: a short name for what something is made of.
hash_of() { cat "$@" | sha256sum | cut -c1-16; }

# kernel NAME: sets kernel_dir, kernel_release, kernel_image and kernel_layers
# (file trees to lay over the root) for 6.12, backports, debug or kcsan.
kernel() {
	local root releases
	root=$("$tree/scripts/rootfs")
	kernel_layers=()
	mapfile -t releases < <(cd "$root/usr/lib/modules" && printf '%s\n' * | sort -V)
	case $1 in
	6.12) kernel_release=${releases[0]} ;;
	backports) kernel_release=${releases[-1]} ;;
	debug | kcsan)
		kernel_dir=$("$tree/scripts/debug-kernel" "$1")
		kernel_release=$(<"$kernel_dir/release")
		kernel_image=$kernel_dir/bzImage
		kernel_layers=("$kernel_dir/modules")
		return
		;;
	*) die "no kernel named $1" ;;
	esac
	kernel_dir=$root
	kernel_image=$root/boot/vmlinuz-$kernel_release
}

# The folder for what is built in the root from this tree.
build_folder() {
	echo "$cache/build-$(printf '%s %s' "$tree" "$("$tree/scripts/rootfs" --path)" | sha256sum | cut -c1-16)"
}
