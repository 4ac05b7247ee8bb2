#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# hugepool-test: machine=harness timeout=10
# harness-expect: oops: guest survives
#
# The kernel follows a bad pointer.
echo 1..2
echo "ok 1 one"
echo EXCEPTION >/sys/kernel/debug/provoke-crash/DIRECT
echo "ok 2 two"
