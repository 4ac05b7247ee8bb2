#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The demonstration of `make run`, in the guest: every command is shown before
# its output, and what it ought to show is checked.  Ends with status 0 only if
# all of it was true.

set -euo pipefail

data=/mnt/data
large=/mnt/large
group=/sys/fs/cgroup/demo
files=4
size=80			# MB each
reserve=64		# MB

# Colours only where somebody sees them.
if [ -t 1 ]; then
	bold=$'\e[1m' plain=$'\e[0m'
else
	bold='' plain=''
fi

say() {
	printf '\n%s# %s%s\n' "$bold" "$*" "$plain"
}

# Show a command and run it.
show() {
	printf '%s$ %s%s\n' "$bold" "$*" "$plain"
	bash -c "$*"
}

# The same for one that must be refused, with these words.
refused() { # WORDS COMMAND
	local words=$1 output
	shift

	printf '%s$ %s%s\n' "$bold" "$*" "$plain"
	if output=$(bash -c "$*" 2>&1); then
		echo "$output"
		broken "that should have been refused"
	fi
	echo "$output"
	grep -qF "$words" <<<"$output" || broken "expected \"$words\""
}

broken() {
	printf '\n%sNOT AS IT SHOULD BE: %s%s\n' "$bold" "$*" "$plain"
	exit 1
}

# equal WHAT HAVE WANT
equal() {
	[ "$2" = "$3" ] || broken "$1: $2, expected $3"
	echo "  -> $1: $2, as it should be"
}

pool() { # NODE FILE
	cat "/sys/kernel/mm/hugepool/node$1/$2"
}

# The value after a key in one of the group's files.
value() { # KEY FILE
	sed -n "s/^$1 //p" "$group/memory.hugepool.$2"
}

mb() {
	echo $(($1 << 20))
}

before() {
	say "The machine: two NUMA nodes. Each gave memory to the pool at boot:"
	show "grep -o 'hugepool=[^ ]*' /proc/cmdline"
	show "numactl --hardware | grep -E 'available|size'"
	say "The pool before anything uses it:"
	show "hugepool status"
	free0=$(pool 0 free)
	free1=$(pool 1 free)
	equal "in use on both nodes" "$(($(pool 0 used) + $(pool 1 used)))" 0
}

set_up() {
	say "A cgroup that may hold 512 MB of it:"
	show "cgcreate -g memory:/demo"
	show "cgset -r memory.hugepool.max='2MB 512M' demo"
	show "cgget -r memory.hugepool.max demo"
	equal "the limit in bytes" "$(value 2MB max)" "$(mb 512)"
	say "A file system whose data is 2 MB blocks of the pool, nothing else:"
	show "mkdir -p $data"
	show "mount -t tmpfs -o pool=2M none $data"
	show "grep $data /proc/mounts"
	show "df -h $data"
}

# What a user would run: reads a disk, writes files, takes their checksums on
# the way.  Two at a time, one per CPU.
workload() {
	cat <<-'END'
	#!/bin/bash
	# write.sh DIR FILES MB: files from what is on the disk, and their sums
	set -e -o pipefail
	one() {
		dd if=/dev/vda bs=1M skip=$(($2 * 50)) count="$3" status=none |
			tee "$1/file$2" | sha256sum | sed "s|-|$1/file$2|"
	}
	export -f one
	seq 0 $(($2 - 1)) | xargs -P 2 -I{} bash -c "one $1 {} $3" >/tmp/sums
	END
}

write_files() {
	workload >/tmp/write.sh
	say "A program in that cgroup, its memory bound to node 1, writes" \
		"$files files of $size MB:"
	show "cgexec -g memory:demo numactl --membind=1" \
		"bash /tmp/write.sh $data $files $size"
	show "ls -l $data"
	say "Read back from the pool, against the checksums taken on the way in:"
	show "sha256sum -c /tmp/sums"
	say "Every block is on node 1 and charged to the cgroup:"
	show "hugepool status"
	show "hugepool cgroup"
	show "cat $group/memory.hugepool.numa_stat"
	equal "bytes used on node 1" "$(pool 1 used)" "$(mb $((files * size)))"
	equal "bytes used on node 0" "$(pool 0 used)" 0
	equal "bytes charged to the cgroup" "$(value 2MB current)" \
		"$(mb $((files * size)))"
	equal "shmem on node 1 in numa_stat" \
		"$(grep '^shmem.2MB ' "$group/memory.hugepool.numa_stat" |
			grep -o 'N1=[0-9]*')" "N1=$(mb $((files * size)))"
}

reservation() {
	local held

	say "fallocate is a reservation: when it returns, the blocks are there."
	show "cgexec -g memory:demo fallocate -l ${reserve}M $data/reserved"
	held=$(value 2MB current)
	equal "bytes charged" "$held" "$(mb $((files * size + reserve)))"
	say "More than the cgroup may have: all or nothing."
	refused "No space left on device" \
		"cgexec -g memory:demo fallocate -l 1G $data/too-big"
	equal "bytes charged, still" "$(value 2MB current)" "$held"
	show "rm -f $data/too-big"
}

limit() {
	say "Writing on until the limit is an ordinary error, and kills nobody:"
	refused "No space left on device" \
		"cgexec -g memory:demo dd if=/dev/zero of=$data/more bs=1M"
	show "cat $group/memory.hugepool.events"
	equal "bytes charged: the limit" "$(value 2MB current)" "$(mb 512)"
	[ "$(value max events)" -ge 2 ] || broken "the refusals were not counted"
	equal "OOM kills in the cgroup" \
		"$(sed -n 's/^oom_kill //p' "$group/memory.events")" 0
	say "At the limit, what was reserved can still be written:"
	show "cgexec -g memory:demo dd if=/dev/zero of=$data/reserved bs=1M" \
		"count=$reserve conv=notrunc"
	say "And nothing of this has touched the files:"
	show "sha256sum --quiet -c /tmp/sums && echo all $files files are whole"
	show "hugepool status"
}

# Freed blocks may take a moment on their way back.
all_back() {
	local i

	for ((i = 0; i < 50; i++)); do
		if [ "$(pool 0 free)" = "$free0" ] &&
			[ "$(pool 1 free)" = "$free1" ]; then
			return
		fi
		sleep 0.1
	done
}

# The figure in a row of what map prints.
row() { # NAME COLUMN
	sed -n "s/^$1  *//p" /tmp/map | awk -v n="$2" '{ print $n }'
}

one_entry() {
	say "1 GB blocks: a file of one, mapped by one page-table entry."
	show "mkdir -p $large"
	show "mount -t tmpfs -o pool=1G none $large"
	show "fallocate -l 1G $large/file"
	show "hugepool status"
	say "A program writes to all of it, then makes one 4 KB page read-only:"
	show "numactl --membind=1 /opt/hugepool/build/tests/demo/map" \
		"$large/file | tee /tmp/map"
	equal "kB mapped by one entry" "$(row 'written to' 1)" $((1 << 20))
	equal "the same with a page read-only" "$(row 'one page of it read-only' 1)" 0
	equal "kB of 2 MB entries then: all but the page's" \
		"$(row 'one page of it read-only' 2)" $(((1 << 20) - 2048))
	[ "$(row 'one page of it read-only' 3)" -le 8 ] ||
		broken "more than two page tables"
	echo "  -> and two page tables more, 8 kB; nothing was set aside for that"
	equal "mapped anew it is one entry again" "$(row 'mapped anew' 1)" $((1 << 20))
	show "umount $large"
}

after() {
	say "Taking it all down:"
	show "rm $data/file* $data/more $data/reserved"
	show "umount $data"
	show "cgdelete -g memory:/demo"
	all_back
	say "The pool as it was:"
	show "hugepool status"
	equal "free on node 0" "$(pool 0 free)" "$free0"
	equal "free on node 1" "$(pool 1 free)" "$free1"
	equal "the kernel's taint" "$(cat /proc/sys/kernel/tainted)" 0
}

before
set_up
write_files
reservation
limit
one_entry
after
say "Every block is back. That was hugepool."
