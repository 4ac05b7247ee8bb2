#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# hugepool-test: machine=harness timeout=10
# harness-expect: ok
#
# Nothing is wrong with it.
echo 1..2
echo "ok 1 first"
echo "ok 2 second"
