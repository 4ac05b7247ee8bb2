#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# hugepool-test: machine=harness timeout=10
# harness-expect: taint: leaves the machine as it found it
#
# Taints the kernel. The tests after it are not to be blamed for that.
echo 1..1
echo 64 >/proc/sys/kernel/tainted
echo "ok 1 one"
