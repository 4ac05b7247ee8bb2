#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# hugepool-test: machine=harness timeout=10
# harness-expect: short: row 3 of 3
#
# A row that was planned and does not come.
echo 1..3
echo "ok 1 one"
echo "ok 2 two"
