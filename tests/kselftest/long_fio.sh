#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# hugepool-test: machine=numa2 long=1 timeout=420
#
# What others have written to find errors in file systems: fio, which reads back
# all that it has written and compares checksums, through read and write and
# through mappings, and those of stress-ng's stressors that work on files. For
# HUGEPOOL_SECONDS (90) in all, of which a third is stress-ng's.

. "$(dirname "$0")/lib.sh"

MNT=$WORK/mnt
ROWS=6
EACH=$((${HUGEPOOL_SECONDS:-90} / ROWS))
[ "$EACH" -gt 0 ] || EACH=1

row_cleanup() {
	if mountpoint -q "$MNT"; then
		within 10 umount "$MNT"
	fi
}

with_mount() { # POOL
	mkdir -p "$MNT"
	mount -t tmpfs -o "pool=$1" hp "$MNT"
}

# What was written is read back and compared now and then, and at the end; no
# such reads, or a file that is not in the pool, would make the row worthless.
verified() { # ENGINE BLOCK-SIZE FIO-OPTIONS...
	local engine=$1 block=$2 held

	shift 2
	if ! fio --name=v --directory="$MNT" --size=48M --numjobs=2 --rw=randrw \
		--ioengine="$engine" --bs="$block" --verify=crc32c \
		--verify_fatal=1 --verify_backlog=256 --do_verify=1 \
		--time_based --runtime="$EACH" --randseed=7 --group_reporting \
		--output="$WORK/fio" "$@"; then
		tail -n 30 "$WORK/fio"
		fail "fio ended with an error"
	fi
	grep -q 'err= 0' "$WORK/fio" || fail "$(tail -n 30 "$WORK/fio")"
	grep -E '^ +read:' "$WORK/fio"
	grep -E '^ +write:' "$WORK/fio"
	held=$(du -B1 -s "$MNT" | cut -f1)
	# At random, and with --fallocate=none, some units may stay holes.
	[ "$held" -ge $((48 << 20)) ] || fail "the files hold $held"
	[ "$(pool used)" -ge "$held" ] || fail "the pool has given $(pool used)"
}

row_fio_psync() {
	with_mount 2M
	verified psync 4k
}

row_fio_psync_large_and_unaligned() {
	with_mount 2M
	verified psync 65k --fallocate=none
}

row_fio_mmap() {
	with_mount 2M
	verified mmap 16k
}

row_fio_mmap_with_base() {
	with_mount 2M+base
	verified mmap 4k --fallocate=none
}

stressed() {
	local status=0

	stress-ng --temp-path "$MNT" --timeout "$EACH" --verify --oom-avoid-bytes 0 \
		"$@" >"$WORK/stress" 2>&1 || status=$?
	[ "$status" = 0 ] || head -n 20 "$WORK/stress"
	same "stress-ng's exit status" 0 "$status"
	same "skipped stressors" "" "$(grep -E 'skipped: [1-9]' "$WORK/stress" || true)"
}

row_stress_ng_space() {
	with_mount 2M
	stressed --fallocate 1 --fallocate-bytes 16M --hdd 1 --hdd-bytes 16M \
		--copy-file 1 --copy-file-bytes 128M --sync-file 1 \
		--sync-file-bytes 16M
}

row_stress_ng_mappings() {
	with_mount 2M
	stressed --mmap 1 --mmap-file --mmap-bytes 16M --sendfile 1 \
		--sendfile-size 4M --seek 1 --seek-size 16M --splice 1
}

run_rows
