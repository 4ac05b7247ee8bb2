#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# hugepool-test: machine=harness timeout=10
# harness-expect: fail: of two
#
# A row that failed.
echo 1..2
echo "ok 1 one"
echo "not ok 2 of two"
exit 1
