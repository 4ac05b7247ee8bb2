#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# hugepool-test: machine=numa2 timeout=180
#
# Placement as users ask for it: numactl around an ordinary program, mpol= on
# the mount, numactl --file on a file; checked in sysfs and numa_stat (numa_maps
# is placement.c's).

. "$(dirname "$0")/lib.sh"

DIR=$CG/hp-numactl.$$
MNT=$WORK/mnt

row_cleanup() {
	mountpoint -q "$MNT" && umount "$MNT"
	if [ -d "$DIR" ]; then
		rmdir "$DIR"
	fi
}

setup() {
	mkdir -p "$MNT" "$DIR"
	mount -t tmpfs -o "pool=2M$1" hp "$MNT"
}

# in_group COMMAND...
in_group() {
	bash -c 'echo 0 >"$0/cgroup.procs"; exec "$@"' "$DIR" "$@"
}

# placed N0 N1: units on the nodes, by all that tell.
placed() {
	local node want seen

	for node in 0 1; do
		want=$(($((node ? $2 : $1)) * UNIT))
		same "current on node $node" "$want" \
			"$(key "$DIR/memory.hugepool.current" "2MB/node$node")"
		seen=$(grep '^shmem.2MB ' "$DIR/memory.hugepool.numa_stat" |
			tr ' ' '\n' | sed -n "s/^N$node=//p")
		same "numa_stat on node $node" "$want" "$seen"
		same "used on node $node" "$want" "$(cat "$HP/node$node/used")"
	done
}

row_membind() {
	setup ""
	in_group numactl --membind=0 fallocate -l $((4 * UNIT)) "$MNT/a"
	placed 4 0
	in_group numactl --membind=1 dd if=/dev/urandom of="$MNT/b" bs=1M \
		count=5 status=none
	placed 4 3
}

row_membind_is_strict() {
	local free

	setup ""
	free=$(cat "$HP/node1/2MB/free")
	numactl --membind=1 fallocate -l $((free - 2 * UNIT)) "$MNT/hog"
	refused in_group numactl --membind=1 fallocate -l $((3 * UNIT)) "$MNT/a"
	grep -qi "no space left" "$WORK/out"
	same current 0 "$(key "$DIR/memory.hugepool.current" 2MB)"
	in_group numactl --membind=1 fallocate -l $((2 * UNIT)) "$MNT/a"
	same "free on node 1" 0 "$(cat "$HP/node1/2MB/free")"
	rm "$MNT/hog"
}

row_preferred() {
	local free

	setup ""
	in_group numactl --preferred=1 fallocate -l $((3 * UNIT)) "$MNT/a"
	placed 0 3
	rm "$MNT/a"
	free=$(cat "$HP/node1/2MB/free")
	numactl --membind=1 fallocate -l $((free - UNIT)) "$MNT/hog"
	in_group numactl --preferred=1 fallocate -l $((3 * UNIT)) "$MNT/a"
	same "elsewhere" $((2 * UNIT)) \
		"$(key "$DIR/memory.hugepool.current" 2MB/node0)"
	rm "$MNT/hog"
}

row_interleave() {
	setup ""
	in_group numactl --interleave=0,1 fallocate -l $((10 * UNIT)) "$MNT/a"
	placed 5 5
}

row_localalloc() {
	local cpu node

	setup ""
	for node in 0 1; do
		cpu=$(sed 's/[^0-9].*//' \
			"/sys/devices/system/node/node$node/cpulist")
		[ -n "$cpu" ] || continue
		in_group numactl --physcpubind="$cpu" --localalloc \
			fallocate -l $((2 * UNIT)) "$MNT/a"
		placed $((node ? 0 : 2)) $((node ? 2 : 0))
		rm "$MNT/a"
		within 5 bash -c "grep -q '^2MB 0$' '$DIR/memory.hugepool.current'"
	done
}

row_mpol_of_the_mount() {
	setup ,mpol=bind:1
	in_group fallocate -l $((2 * UNIT)) "$MNT/a"
	placed 0 2
	grep -q "mpol=bind:1" /proc/mounts
	umount "$MNT"
	mount -t tmpfs -o pool=2M,mpol=interleave hp "$MNT"
	in_group fallocate -l $((6 * UNIT)) "$MNT/a"
	placed 3 3
}

row_numactl_file() {
	setup ""
	# numactl maps the file, binds the range and touches it.
	in_group numactl --length=$((4 * UNIT)) --file "$MNT/a" \
		--membind=1 --touch
	placed 0 4
}

run_rows
