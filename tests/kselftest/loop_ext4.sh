#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# hugepool-test: machine=numa2 timeout=180
#
# A disk image in the pool: a loop device on a pool file, with and without
# direct I/O, ext4 on it, discard that gives blocks back, and a full pool that is
# an I/O error and no more.

. "$(dirname "$0")/lib.sh"

MNT=$WORK/mnt
EXT=$WORK/ext

row_cleanup() {
	mountpoint -q "$EXT" && umount "$EXT"
	losetup -j "$MNT/disk" 2>/dev/null | cut -d: -f1 | while read -r dev; do
		losetup -d "$dev"
	done
	# The device lets go of its file when its last user has.
	if mountpoint -q "$MNT"; then
		within 10 umount "$MNT"
	fi
}

# with_disk POOL LOSETUP-OPTIONS...
with_disk() {
	mkdir -p "$MNT" "$EXT"
	mount -t tmpfs -o "pool=$1" hp "$MNT"
	shift
	truncate -s 48M "$MNT/disk"
	LOOP=$(losetup --find --show "$@" "$MNT/disk")
}

files_survive() {
	mkfs.ext4 -q -E nodiscard "$LOOP"
	mount "$LOOP" "$EXT"
	cp /bin/bash /usr/bin/perl /etc/passwd "$EXT"
	umount "$EXT"
	sync
	e2fsck -fn "$LOOP" >"$WORK/fsck" 2>&1 || fail "$(cat "$WORK/fsck")"
	mount -o ro "$LOOP" "$EXT"
	cmp /bin/bash "$EXT/bash"
	cmp /usr/bin/perl "$EXT/perl"
	umount "$EXT"
	[ "$(pool used)" -ge "$((2 * UNIT))" ] || fail "nothing in the pool"
}

row_ext4() {
	with_disk 2M
	files_survive
}

row_ext4_direct_io() {
	with_disk 2M --direct-io=on
	files_survive
}

row_ext4_with_base() {
	with_disk 2M+base
	files_survive
}

row_discard_gives_blocks_back() {
	with_disk 2M
	dd if=/dev/zero of="$LOOP" bs=1M count=48 conv=fsync status=none
	same filled $((24 * UNIT)) "$(du -B1 "$MNT/disk" | cut -f1)"
	blkdiscard -o $((4 * UNIT)) -l $((8 * UNIT)) "$LOOP"
	same discarded $((16 * UNIT)) "$(du -B1 "$MNT/disk" | cut -f1)"
	# Reads as zero, and can be written again.
	dd if="$LOOP" bs=2M skip=5 count=1 status=none | cmp -n "$UNIT" - /dev/zero
	dd if=/bin/bash of="$LOOP" bs=4k seek=2560 count=8 conv=fsync,notrunc \
		status=none
	same written $((17 * UNIT)) "$(du -B1 "$MNT/disk" | cut -f1)"
}

row_a_full_pool_is_an_io_error() {
	local free

	with_disk 2M
	free=$(pool free)
	fallocate -l $((free - 2 * UNIT)) "$MNT/hog"
	refused dd if=/dev/zero of="$LOOP" bs=1M count=8 conv=fsync
	rm "$MNT/hog"
	dd if=/dev/zero of="$LOOP" bs=1M count=8 conv=fsync status=none
}

run_rows
