#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# hugepool-test: machine=harness timeout=10
# harness-expect: process: leaves the machine as it found it
#
# Leaves a process running.
echo 1..1
setsid sleep 1000 >/dev/null 2>&1 &
echo "ok 1 one"
