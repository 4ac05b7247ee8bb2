#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# hugepool-test: machine=numa2 timeout=300
#
# memory.hugepool.* by the tools of libcgroup, as an administrator uses them:
# cgcreate, cgset, cgget, cgexec, cgclassify, cgdelete.

. "$(dirname "$0")/lib.sh"

GROUP=hp-tools.$$
DIR=$CG/$GROUP
MNT=$WORK/mnt

row_cleanup() {
	mountpoint -q "$MNT" && umount "$MNT"
	if [ -d "$DIR" ]; then
		cgdelete -r -g "memory:$GROUP"
	fi
	[ ! -d "$DIR" ] || fail "cgdelete left $DIR"
}

setup() {
	cgcreate -g "memory:$GROUP"
	mkdir -p "$MNT"
	mount -t tmpfs -o pool=2M hp "$MNT"
}

row_cgcreate_has_the_files() {
	local f

	setup
	for f in current peak max min events events.local numa_stat; do
		[ -r "$DIR/memory.hugepool.$f" ] || fail "no memory.hugepool.$f"
	done
	[ -w "$DIR/memory.hugepool.max" ]
	[ -w "$DIR/memory.hugepool.min" ]
}

row_cgset_one_key_at_a_time() {
	setup
	cgset -r "memory.hugepool.max=2MB 8388608" "$GROUP"
	same 2MB 8388608 "$(key "$DIR/memory.hugepool.max" 2MB)"
	cgset -r "memory.hugepool.max=2MB/node1 4194304" "$GROUP"
	same 2MB/node1 4194304 "$(key "$DIR/memory.hugepool.max" 2MB/node1)"
	same 2MB 8388608 "$(key "$DIR/memory.hugepool.max" 2MB)"
	cgset -r "memory.hugepool.max=2MB max" "$GROUP"
	same 2MB max "$(key "$DIR/memory.hugepool.max" 2MB)"
}

row_cgset_reports_a_bad_value() {
	setup
	cgset -r "memory.hugepool.max=2MB 8388608" "$GROUP"
	refused cgset -r "memory.hugepool.max=2MB 8388609" "$GROUP"
	refused cgset -r "memory.hugepool.max=3MB 0" "$GROUP"
	refused cgset -r "memory.hugepool.max=2MB/node7 0" "$GROUP"
	same 2MB 8388608 "$(key "$DIR/memory.hugepool.max" 2MB)"
}

row_cgset_min() {
	setup
	cgset -r "memory.hugepool.min=2MB 10M" "$GROUP"
	same 2MB $((5 * UNIT)) "$(key "$DIR/memory.hugepool.min" 2MB)"
	same 2MB/node0 $((3 * UNIT)) "$(key "$DIR/memory.hugepool.min" 2MB/node0)"
	same 2MB/node1 $((2 * UNIT)) "$(key "$DIR/memory.hugepool.min" 2MB/node1)"
	same reserved $((5 * UNIT)) "$(pool reserved)"
	cgset -r "memory.hugepool.min=2MB/node1 0" "$GROUP"
	same 2MB $((3 * UNIT)) "$(key "$DIR/memory.hugepool.min" 2MB)"
	# By the name that is in the path of the pool as well.
	cgset -r "memory.hugepool.min=2M 0" "$GROUP"
	same reserved 0 "$(pool reserved)"
}

row_cgset_min_reports_a_bad_value() {
	local value

	setup
	cgset -r "memory.hugepool.min=2MB 8M" "$GROUP"
	for value in "2MB 8388609" "2MB max" "3MB 0" "2MB/node7 0" "2MB -2097152" \
			"2MB $(($(pool 2MB/total) + UNIT))"; do
		refused cgset -r "memory.hugepool.min=$value" "$GROUP"
	done
	grep -qi "no space left" "$WORK/out" || fail "$(cat "$WORK/out")"
	same 2MB $((4 * UNIT)) "$(key "$DIR/memory.hugepool.min" 2MB)"
}

# All that the pool has is promised to one, who gets it where others do not.
row_cgexec_gets_what_was_promised() {
	local all

	setup
	cgcreate -g "memory:$GROUP/a" -g "memory:$GROUP/b"
	all=$(pool 2MB/total)
	cgset -r "memory.hugepool.min=2MB $all" "$GROUP"
	cgset -r "memory.hugepool.min=2MB $((all - 2 * UNIT))" "$GROUP/a"
	refused cgset -r "memory.hugepool.min=2MB $((3 * UNIT))" "$GROUP/b"
	refused fallocate -l "$UNIT" "$MNT/outside"
	cgexec -g "memory:$GROUP/b" fallocate -l $((2 * UNIT)) "$MNT/b"
	refused cgexec -g "memory:$GROUP/b" fallocate -l $((3 * UNIT)) "$MNT/b"
	same nospc 1 "$(key "$DIR/b/memory.hugepool.events" nospc)"
	cgexec -g "memory:$GROUP/a" fallocate -l $((20 * UNIT)) "$MNT/a"
	same a $((20 * UNIT)) "$(key "$DIR/a/memory.hugepool.current" 2MB)"
	refused cgset -r "memory.hugepool.min=2MB 0" "$GROUP"
	rm -f "$MNT/outside" "$MNT/a" "$MNT/b"
}

row_cgdelete_gives_back_what_was_promised() {
	setup
	cgcreate -g "memory:$GROUP/a"
	cgset -r "memory.hugepool.min=2MB 8M" "$GROUP"
	cgset -r "memory.hugepool.min=2MB 8M" "$GROUP/a"
	cgdelete -g "memory:$GROUP/a"
	same reserved $((4 * UNIT)) "$(pool reserved)"
	within 5 cgset -r "memory.hugepool.min=2MB 0" "$GROUP"
	cgset -r "memory.hugepool.min=2MB 8M" "$GROUP"
	cgdelete -g "memory:$GROUP"
	within 5 nothing_reserved
}

nothing_reserved() {
	[ "$(pool reserved)" = 0 ]
}

row_cgget_reads_what_the_files_say() {
	local f

	setup
	cgset -r "memory.hugepool.min=2MB/node1 $((5 * UNIT))" "$GROUP"
	cgexec -g "memory:$GROUP" fallocate -l $((3 * UNIT)) "$MNT/f"
	for f in current peak max min events events.local numa_stat; do
		cgget -n -v -r "memory.hugepool.$f" "$GROUP" |
			tr -s '\t\n' '  ' >"$WORK/by-cgget"
		tr -s '\t\n' '  ' <"$DIR/memory.hugepool.$f" >"$WORK/by-cat"
		diff "$WORK/by-cgget" "$WORK/by-cat" ||
			fail "memory.hugepool.$f differs"
	done
}

row_cgexec_is_charged_and_limited() {
	setup
	cgset -r "memory.hugepool.max=2MB $((4 * UNIT))" "$GROUP"
	cgexec -g "memory:$GROUP" fallocate -l $((4 * UNIT)) "$MNT/f"
	same current $((4 * UNIT)) "$(key "$DIR/memory.hugepool.current" 2MB)"
	refused cgexec -g "memory:$GROUP" fallocate -l $((5 * UNIT)) "$MNT/f"
	same events 1 "$(key "$DIR/memory.hugepool.events" max)"
	same current $((4 * UNIT)) "$(key "$DIR/memory.hugepool.current" 2MB)"
	# dd says what it could write, and why not more.
	refused cgexec -g "memory:$GROUP" dd if=/dev/zero of="$MNT/g" bs=1M count=1
	grep -q "No space left on device" "$WORK/out"
}

row_copies_are_true() {
	local n

	setup
	# A few tens of MB of real files, through the pool and back.
	cgexec -g "memory:$GROUP" tar -C /usr/bin -cf "$MNT/a.tar" .
	tar -C /usr/bin -cf - . | cmp - "$MNT/a.tar"
	n=$(stat -c %s "$MNT/a.tar")
	same blocks $(((n + UNIT - 1) / UNIT * UNIT)) \
		"$(key "$DIR/memory.hugepool.current" 2MB)"
}

row_cgclassify_moves_the_task_not_the_charge() {
	local pid

	setup
	cgcreate -g "memory:$GROUP/a" -g "memory:$GROUP/b"
	# shellcheck disable=SC2016  # expands in the child
	cgexec -g "memory:$GROUP/a" bash -c '
		fallocate -l $((2 << 20)) "$0/f"
		echo ready >"$0/../ready"
		until [ -e "$0/../go" ]; do sleep 0.1; done
		fallocate -l $((6 << 20)) "$0/f"' "$MNT" &
	pid=$!
	within 10 [ -e "$WORK/ready" ]
	cgclassify -g "memory:$GROUP/b" "$pid"
	same a "$UNIT" "$(key "$DIR/a/memory.hugepool.current" 2MB)"
	same b 0 "$(key "$DIR/b/memory.hugepool.current" 2MB)"
	touch "$WORK/go"
	wait "$pid"
	rm -f "$WORK/go" "$WORK/ready"
	same a "$UNIT" "$(key "$DIR/a/memory.hugepool.current" 2MB)"
	same b $((2 * UNIT)) "$(key "$DIR/b/memory.hugepool.current" 2MB)"
}

row_cgdelete_with_live_files() {
	setup
	cgcreate -g "memory:$GROUP/a"
	cgexec -g "memory:$GROUP/a" fallocate -l $((3 * UNIT)) "$MNT/f"
	cgdelete -g "memory:$GROUP/a"
	same parent $((3 * UNIT)) "$(key "$DIR/memory.hugepool.current" 2MB)"
	rm "$MNT/f"
	within 5 bash -c "grep -q '^2MB 0$' '$DIR/memory.hugepool.current'"
}

row_root_has_the_capacity() {
	setup
	same capacity "$(pool 2MB/total)" "$(key "$CG/memory.hugepool.capacity" 2MB)"
	refused cat "$CG/memory.hugepool.max"
}

run_rows
