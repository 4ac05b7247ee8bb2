#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# hugepool-test: machine=harness timeout=20
# harness-expect: cgroup: leaves the machine as it found it
#
# Leaves a cgroup that holds a block.
echo 1..1
group=/sys/fs/cgroup/harness-left
dir=$(mktemp -d)
mkdir "$group"
mount -t tmpfs -o pool=2M none "$dir"
bash -c "echo \$\$ >$group/cgroup.procs && echo data >$dir/file"
echo "ok 1 one"
