#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# hugepool-test: host=1 timeout=600
#
# The kernel command line. Runs on the host and boots a guest per row: tokens
# good and bad, more than there is, 1 GB pages beside hugetlb's and without CPU
# support, NUMA off, memory that comes later, and kexec with half of RAM in the
# pool.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

TOP=${HUGEPOOL_TOP:-$(dirname "$(readlink -f "$0")")/../..}
[ -x "$TOP/tests/qemu/run" ] || TOP=$TOP/..
RUN=$TOP/tests/qemu/run
QEMU=$(type -P qemu-system-x86_64)
OUT=$WORK/boot.out

# boot RUN-OPTIONS... : what the guest says of its pool goes to OUT, and what the
# commands in THEN print.
THEN=
boot() {
	local status=0

	# shellcheck disable=SC2016  # expands in the guest
	rm -f "$WORK/kernel.log"
	"$RUN" --timeout 240 --log "$WORK" "$@" -- bash -c '
		cd /sys/kernel/mm/hugepool
		grep -r . node*
		grep HugeP /proc/meminfo
		dmesg | grep -i hugepool
		eval "$0"' "$THEN" >"$OUT" 2>&1 || status=$?
	[ "$status" = 0 ] || fail "the guest ended with $status: $(tail -5 "$OUT")"
}

# node NR ATTR
node() {
	sed -n "s,^node$1/$2:,,p" "$OUT"
}

# units NODE0 [NODE1]: the 2 MB blocks each node must have
units() {
	local nr=0 want

	for want; do
		same "node$nr/2MB/total" $((want * UNIT)) "$(node "$nr" 2MB/total)"
		same "node$nr/2MB/free" $((want * UNIT)) "$(node "$nr" 2MB/free)"
		nr=$((nr + 1))
	done
}

# says REGEX: in the kernel's log, without the command line itself
says() {
	grep -v 'ommand line:' "$OUT" | grep -Eq "$1" || {
		sed 's/^/log: /' "$OUT"
		fail "nothing in the log matches $1"
	}
}

# A qemu that changes arguments on the way to the real one.
qemu_with() { # BASH-CODE that edits the array "args"
	mkdir -p "$WORK/bin"
	cat >"$WORK/bin/qemu-system-x86_64" <<-SHIM
	#!/bin/bash
	args=("\$@")
	$1
	exec "$QEMU" "\${args[@]}"
	SHIM
	chmod +x "$WORK/bin/qemu-system-x86_64"
	PATH=$WORK/bin:$PATH
}

row_requests_add_up() {
	boot --mem 768M,768M --append "hugepool=2M:8@0,2MB:4@1 hugepool=2M:2@1" \
		--append hugepool=2M:5
	# Five without a node: three and two.
	units 11 8
	same 1GB 0 "$(node 0 1GB/total)"
	same meminfo $((19 * 2048)) \
		"$(awk '/^HugePool_Total/ { print $2 }' "$OUT")"
}

row_bad_tokens_are_named_and_skipped() {
	local token bad=(2M 2M: 2M:0 3M:1 2M:x 2M:-1@0 2M:4@9 2M:4@ 2M:4@x foo
			 2M:4@0@1 2m:4 "2M:0x4" 2M:99999999999999999999)

	boot --mem 768M,768M \
		--append "hugepool=$(IFS=,; echo "${bad[*]}"),2M:3@1 hugepool=2M:2@0"
	units 2 3
	for token in "${bad[@]}"; do
		says "'$token'|[ :]$token( |:|\$)"
	done
}

row_more_than_there_is() {
	local got

	boot --mem 1G,512M --append hugepool=2M:4@0,2M:4000@1
	units 4
	got=$(($(node 1 2MB/total) / UNIT))
	[ "$got" -gt 0 ] || fail "node 1 gave nothing"
	[ "$got" -lt 256 ] || fail "node 1 of 512 MB gave $got blocks"
	# One warning, with the node, the size and both numbers.
	says "node 1.*2MB.*\<$got\>.*\<4000\>"
}

row_no_pool_no_noise() {
	boot --mem 768M,768M
	units 0 0
	! grep -v 'ommand line:' "$OUT" | grep -q "hugepool: " ||
		fail "the log talks of a pool: $(grep 'hugepool: ' "$OUT")"
}

row_a_gigabyte_beside_hugetlbs() {
	boot --mem 4G,4G --append \
		"hugepagesz=1G hugepages=1:1 hugepagesz=2M hugepages=16" \
		--append hugepool=1G:1@1,2M:16@1
	same node1/1GB/total $((1 << 30)) "$(node 1 1GB/total)"
	same node1/1GB/free $((1 << 30)) "$(node 1 1GB/free)"
	units 0 16
	same HugePages_Total 16 "$(awk '/^HugePages_Total/ { print $2 }' "$OUT")"
}

row_no_gigabyte_without_cpu_support() {
	# shellcheck disable=SC2016  # for the shim
	qemu_with 'args=("${args[@]/#max,-erms/max,-erms,-pdpe1gb}")'
	# And nothing but that is missing: 2 MB blocks work as ever.
	# shellcheck disable=SC2016  # expands in the guest
	THEN='grep -c pdpe1gb /proc/cpuinfo
		for list in 1G 1G+base 1G+2M 1G+2M+base; do
			dmesg -C
			mount -t tmpfs -o pool=$list none /mnt || echo refused $list
			dmesg | grep -q "pool=" && echo said why
		done
		/opt/hugepool/build/tests/kselftest/mmap_2m -t aligned_and_by_pmd \
			-t mprotect_of_a_piece -t mremap >/dev/null && echo 2 MB work'
	boot --mem 3G,3G --append hugepool=1G:1@1,2M:32@1
	same 1GB 0 "$(node 1 1GB/total)"
	units 0 32
	says "1G:1@1"
	same CPUs 0 "$(grep -cx '[1-9]' "$OUT")"
	same refused 4 "$(grep -c "^refused 1G" "$OUT")"
	same explained 4 "$(grep -cx "said why" "$OUT")"
	grep -qx "2 MB work" "$OUT" || fail "2 MB do not work: $(tail "$OUT")"
}

row_numa_off() {
	boot --mem 768M,768M --append numa=off \
		--append hugepool=2M:8@0,2M:3,2M:2@1
	units 11
	# Node 1 is none of this kernel's.
	says "2M:2@1"
	[ -z "$(node 1 total)" ] || fail "there is a node 1"
}

row_a_node_without_memory() {
	boot --mem 1G,0 --nodes 2 --append hugepool=2M:8@0,2M:4@1,2M:3
	units 11
	says "2M:4@1"
}

row_memory_that_comes_later() {
	# A DIMM that firmware does not list: ACPI adds it, as hotplug does.
	# shellcheck disable=SC2016  # for the shim
	qemu_with 'for i in "${!args[@]}"; do
		[ "${args[i]}" != -m ] || args[i+1]+=,slots=2,maxmem=8G
	done
	args+=(-object memory-backend-ram,id=late,size=512M
	       -device pc-dimm,memdev=late,node=1)'
	boot --mem 768M,768M --append "hugepool=2M:8@0,2M:8@1 memhp_default_state=online"
	units 8 8
	same meminfo $((16 * 2048)) \
		"$(awk '/^HugePool_Total/ { print $2 }' "$OUT")"
}

row_kho_with_half_of_ram() {
	boot --mem 2G,2G --append "kho=on hugepool=2M:512@0,2M:512@1"
	units 512 512
	! grep -q "KHO: Failed" "$WORK/kernel.log" ||
		fail "$(grep KHO "$WORK/kernel.log")"
	grep -q kho=on "$WORK/kernel.log"
}

row_kexec_and_crash_kernel() {
	local kernel=/opt/hugepool/build/debug/arch/x86/boot/bzImage

	# shellcheck disable=SC2016  # expands in the guest
	"$RUN" --timeout 240 --mem 3G,3G --append "crashkernel=256M kho=on" \
		--append hugepool=2M:768@0,2M:768@1 -- bash -ec '
		for how in "-s -l" "-c -l" "-s -p"; do
			kexec $how "$0" --reuse-cmdline
			case $how in
			*-l) file=/sys/kernel/kexec_loaded ;;
			*) file=/sys/kernel/kexec_crash_loaded ;;
			esac
			[ "$(cat $file)" = 1 ]
			echo "loaded with $how"
			# -u comes last, or -p means loading again.
			kexec ${how/-l} -u
			[ "$(cat $file)" = 0 ]
		done
		cat /sys/kernel/mm/hugepool/node*/free
		dmesg | grep -Ei "kho|kexec|crash" || true' "$kernel" >"$OUT" 2>&1 ||
		{ cat "$OUT"; fail "not with half of RAM in the pool"; }
	same loads 3 "$(grep -c '^loaded with' "$OUT")"
	same free 2 "$(grep -cx $((768 * UNIT)) "$OUT")"
	# KHO is on, or the log says what it needs.
	if grep -qi "kho: failed" "$OUT"; then
		grep -v "ommand line:" "$OUT" | grep -q kho_scratch ||
			fail "$(cat "$OUT")"
	fi
}

run_rows
