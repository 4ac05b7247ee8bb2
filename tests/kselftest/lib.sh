# SPDX-License-Identifier: GPL-2.0
#
# TAP and the pool's counters for the selftests written in shell. A test
# defines functions named row_* and ends with "run_rows"; each runs in a
# subshell with errexit, in order, and is one row. What a row sets up it may
# leave to row_cleanup, which the test may redefine and which runs after each.

set -euo pipefail

# shellcheck disable=SC2034  # for those who source this
HP=/sys/kernel/mm/hugepool
# shellcheck disable=SC2034
CG=/sys/fs/cgroup
# shellcheck disable=SC2034
UNIT=$((2 << 20))
WORK=$(mktemp -d /tmp/hp-sh.XXXXXX)

row_cleanup() { :; }

fail() {
	echo "# $*"
	return 1
}

# same WHAT WANTED SEEN
same() {
	[ "$2" = "$3" ] || fail "$1: wanted $2, seen $3"
}

# refused COMMAND...: it must fail, by itself and not by a signal.
refused() {
	local status=0

	"$@" >"$WORK/out" 2>&1 || status=$?
	[ "$status" -ne 0 ] || fail "succeeded: $*"
	[ "$status" -lt 126 ] || fail "ended with $status: $*"
}

# within SECONDS COMMAND...: until it succeeds.
within() {
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || fail "did not come: $*"
		sleep 0.1
	done
}

# pool ATTR: summed over the nodes.
pool() {
	local sum=0 file

	for file in "$HP"/node*/"$1"; do
		sum=$((sum + $(<"$file")))
	done
	echo "$sum"
}

# key FILE KEY: the value in a flat-keyed file.
key() {
	local name value

	while read -r name value _; do
		[ "$name" != "$2" ] || echo "$value"
	done <"$1"
}

pool_used_is() {
	[ "$(pool used)" = "$1" ]
}

run_rows() {
	local rows nr=0 failed=0 row before status cleaned

	mapfile -t rows < <(declare -F | awk '$3 ~ /^row_/ && $3 != "row_cleanup" { print $3 }')
	echo "TAP version 13"
	echo "1..${#rows[@]}"
	for row in "${rows[@]}"; do
		nr=$((nr + 1))
		before=$([ ! -d "$HP" ] || pool used)
		# Not "if (...)": that would switch errexit off inside.
		set +e
		(set -e; "$row") 2>&1 | sed 's/^/# /'
		status=${PIPESTATUS[0]}
		(set -e; row_cleanup) 2>&1 | sed 's/^/# /'
		cleaned=${PIPESTATUS[0]}
		set -e
		if [ "$cleaned" != 0 ]; then
			echo "# cleaning up failed with $cleaned"
			status=1
		fi
		if [ -n "$before" ] && ! within 10 pool_used_is "$before"; then
			status=1
		fi
		if [ "$status" = 0 ]; then
			echo "ok $nr ${row#row_}"
		else
			echo "not ok $nr ${row#row_}"
			failed=1
		fi
	done
	rm -rf "$WORK"
	exit "$failed"
}
