#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# hugepool-test: machine=kvm timeout=300
#
# KVM's own guest_memfd_test, as the series extends it: with the block as page size
# for both sizes. And as it always was, on ordinary pages beside a pool.

. "$(dirname "$0")/lib.sh"

row_guest_memfd_test() {
	local status=0

	"$(dirname "$0")/guest_memfd_test" >"$WORK/out" 2>&1 || status=$?
	sed 's/^/# /' "$WORK/out"
	same "exit status" 0 "$status"
	# The machine has what it needs: no size may be left out.
	refused grep -q skipped "$WORK/out"
	within 10 used_is 0
}

used_is() {
	[ "$(pool used)" = "$1" ]
}

run_rows
