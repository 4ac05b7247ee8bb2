# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by the other scripts: where things are, messages, progress.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$ROOT/build
# shellcheck disable=SC2034 # for those who source this
LINUX=${KERNEL_TREE:-$BUILD/linux}
LOG=$BUILD/log
mkdir -p "$LOG"

say()
{
	printf '%s\n' "$*"
}

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# base_value KEY: a value of configs/BASE
base_value()
{
	sed -n "s/^$1=//p" "$ROOT/configs/BASE"
}

# minutes SECONDS
minutes()
{
	printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
}

# with_progress WHAT LOGFILE COUNT PATTERN CMD...
# Run CMD with its output in LOGFILE.  Until it ends, say how long it has been
# running and how many lines of the log match PATTERN, of about COUNT (0: not
# known).  Every second on a terminal, every 20 seconds otherwise, so that a
# recorded log stays short.
with_progress()
{
	local what=$1 log=$2 count=$3 pattern=$4 start=$SECONDS last=$SECONDS pid n t rc=0
	shift 4

	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	# A build that goes on after its caller was stopped would race with the next.
	trap 'kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; exit 130' INT TERM
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.5
		t=$((SECONDS - start))
		if [ -t 1 ]; then
			[ $((SECONDS - last)) -ge 1 ] || continue
		else
			[ $((SECONDS - last)) -ge 20 ] || continue
		fi
		last=$SECONDS
		n=$(grep -c -E "$pattern" "$log" || :)
		[ "$count" -eq 0 ] || n="$n of about $count"
		if [ -t 1 ]; then
			printf '\r\033[K%s: %s, %s' "$what" "$(minutes $t)" "$n"
		else
			say "$what: $(minutes $t), $n"
		fi
	done
	wait "$pid" || rc=$?
	trap - INT TERM
	[ ! -t 1 ] || printf '\r\033[K'
	say "$what: $([ $rc -eq 0 ] && echo "done" || echo "FAILED") after $(minutes $((SECONDS - start)))"
	return $rc
}
