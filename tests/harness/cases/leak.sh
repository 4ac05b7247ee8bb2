#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# hugepool-test: machine=harness timeout=20
# harness-expect: leak: leaves the machine as it found it
#
# One block stays in use: no process and no mount leads to its file any more,
# only a loop device holds it.
echo 1..1
dir=$(mktemp -d)
mount -t tmpfs -o pool=2M none "$dir"
echo data >"$dir/file"
losetup --find --show "$dir/file" >/dev/null
umount -l "$dir"
echo "ok 1 one"
