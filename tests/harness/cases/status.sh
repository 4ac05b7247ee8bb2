#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# hugepool-test: machine=harness timeout=10
# harness-expect: status: exit status
#
# Every row is fine and the exit status is not.
echo 1..1
echo "ok 1 one"
exit 1
