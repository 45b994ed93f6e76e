# shellcheck shell=bash
# What the files that run vexipc-sim with the load policy share, beyond common.bash.

setup_file() { :; }
teardown_file() { unload_module; }

teardown() {
	stop_all
	if vexipc policy show load >/dev/null; then vexipc policy unload load; fi
	vexipc telemetry detach >/dev/null
}

# holds NAME FILTER: of what came of it; shown when it is not so.
holds() {
	jq -e "$2" "$BATS_TEST_TMPDIR/$1" >/dev/null || {
		echo "not so: $2"
		jq -c . "$BATS_TEST_TMPDIR/$1"
		return 1
	}
}
