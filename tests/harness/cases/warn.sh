#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# hugepool-test: machine=harness timeout=10
# harness-expect: warn: guest survives
#
# The kernel warns, which panics; the tests after it are run all the same.
echo 1..2
echo "ok 1 one"
echo WARNING >/sys/kernel/debug/provoke-crash/DIRECT
echo "ok 2 two"
