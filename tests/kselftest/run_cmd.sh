#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# hugepool-test: machine=numa2 timeout=400
#
# hugepool run for real: what the command gets, what others keep, and that
# nothing is left behind. What needs no kernel is in tests/cli.

. "$(dirname "$0")/lib.sh"

NAME=hp-run.$$
DIR=$CG/$NAME
# Where rows make cgroups of their own.
TOP=hp-top.$$
MNT=$WORK/mnt
OUTSIDER=$WORK/outsider

row_cleanup() {
	local dir

	for dir in "$MNT" "$OUTSIDER"; do
		! mountpoint -q "$dir" || umount "$dir"
	done
	for dir in "$DIR"* "$CG/$TOP"; do
		[ -d "$dir" ] || continue
		# In the order in which they can be removed.
		find "$dir" -depth -type d | while read -r dir; do
			xargs -r kill -KILL <"$dir/cgroup.procs" || true
			within 5 rmdir "$dir"
		done
	done
	within 10 pool_reserved_is 0
}

pool_reserved_is() {
	[ "$(pool reserved)" = "$1" ]
}

mount_pool() {
	mkdir -p "$1"
	mount -t tmpfs -o pool=2M,size=0 hp "$1"
}

# Into $WORK/out, with this status.
ends_with() { # STATUS COMMAND...
	local wanted=$1 status=0

	shift
	"$@" >"$WORK/out" 2>&1 || status=$?
	[ "$status" = "$wanted" ] ||
		fail "ended with $status, not $wanted: $*: $(cat "$WORK/out")"
}

says() {
	[[ $(<"$WORK/out") == *"$1"* ]] || fail "'$1' is not said: $(<"$WORK/out")"
}

# The command "echo ran" has left no trace.
did_not_run() {
	[[ $'\n'$(<"$WORK/out")$'\n' != *$'\nran\n'* ]] || fail "the command was run"
}

no_cgroup_left() {
	local left

	left=$(find "$CG" -name "$NAME*" -o -name 'hugepool-*')
	[ -z "$left" ] || fail "left behind: $left"
}

# Shell text that is run in a cgroup below $TOP from its beginning.
in_cgroup() { # CGROUP TEXT ARGUMENT...
	local cg=$1 text=$2

	shift 2
	# shellcheck disable=SC2016  # expands in the child
	bash -c 'echo 0 >"$0/cgroup.procs"; eval "$1"' "$CG/$cg" "$text" "$@"
}

row_command_is_in_a_new_cgroup() {
	ends_with 0 hugepool run --name "$NAME" -- cat /proc/self/cgroup
	same cgroup "0::/$NAME" "$(grep ^0: "$WORK/out")"
	no_cgroup_left
	ends_with 0 hugepool run cat /proc/self/cgroup
	grep -Eqx '0::/hugepool-[0-9]+' "$WORK/out"
	no_cgroup_left
}

row_max_is_in_the_file_and_holds() {
	mount_pool "$MNT"
	ends_with 0 hugepool run --name "$NAME" --max 2M=8M --max 2MB=6M@1 --max 1G=max -- \
		cat "$DIR/memory.hugepool.max"
	same 2MB $((8 << 20)) "$(key "$WORK/out" 2MB)"
	same 2MB/node0 max "$(key "$WORK/out" 2MB/node0)"
	same 2MB/node1 $((6 << 20)) "$(key "$WORK/out" 2MB/node1)"
	same 1GB max "$(key "$WORK/out" 1GB)"
	ends_with 0 hugepool run --max 2M=8M fallocate -l 8M "$MNT/f"
	rm "$MNT/f"
	ends_with 1 hugepool run --max 2M=8M fallocate -l 10M "$MNT/f"
	says "No space left on device"
	no_cgroup_left
}

row_node_binds() {
	local node

	mount_pool "$MNT"
	for node in 0 1; do
		# shellcheck disable=SC2016  # expands in the child
		ends_with 0 hugepool run --name "$NAME" --node $node -- \
			bash -e -c 'fallocate -l 8M "$1/f$2"
				cat "$0/memory.hugepool.current"' "$DIR" "$MNT" $node
		same "node $node" $((8 << 20)) "$(key "$WORK/out" "2MB/node$node")"
		same "other node" 0 "$(key "$WORK/out" "2MB/node$((1 - node))")"
	done
	# That it is a binding and no preference shows where the node has no more.
	ends_with 1 hugepool run --node 1 --max 2M=2M@1 fallocate -l 4M "$MNT/g"
	ends_with 0 hugepool run --node 0,1 --max 2M=2M@1 fallocate -l 4M "$MNT/g"
}

row_node_that_is_not_allowed() {
	mkdir "$CG/$TOP"
	echo +cpuset >"$CG/cgroup.subtree_control"
	echo 0 >"$CG/$TOP/cpuset.mems"
	ends_with 125 hugepool run --parent "$TOP" --name "$NAME" --node 0-1 -- echo ran
	says "cpuset.mems.effective"
	did_not_run
	no_cgroup_left
	ends_with 0 hugepool run --parent "$TOP" --node 0 -- true
}

row_min_is_kept_from_others() {
	local total have

	mount_pool "$MNT"
	mount_pool "$OUTSIDER"
	total=$(pool total)
	# shellcheck disable=SC2016
	hugepool run --name "$NAME" --min 2M=64M@0 --min 2M=128M@1 -- bash -c '
		touch "$0/ready"
		until [ -e "$0/go" ]; do sleep 0.1; done
		fallocate -l 192M "$1/f"' "$WORK" "$MNT" >"$WORK/out" 2>&1 &
	have=$!
	within 10 [ -e "$WORK/ready" ]
	same 2MB/node0 $((64 << 20)) "$(key "$DIR/memory.hugepool.min" 2MB/node0)"
	same 2MB/node1 $((128 << 20)) "$(key "$DIR/memory.hugepool.min" 2MB/node1)"
	same 2MB $((192 << 20)) "$(key "$DIR/memory.hugepool.min" 2MB)"
	same reserved $((192 << 20)) "$(pool reserved)"
	ends_with 1 fallocate -l $((total - (190 << 20))) "$OUTSIDER/f"
	fallocate -l $((total - (192 << 20))) "$OUTSIDER/f"
	touch "$WORK/go"
	wait "$have"
	same file $((192 << 20)) "$(($(stat -c %b "$MNT/f") * 512))"
	no_cgroup_left
	within 5 pool_reserved_is 0
	rm -f "$WORK/go" "$WORK/ready"
}

row_min_goes_to_the_node_of_the_command() {
	ends_with 0 hugepool run --name "$NAME" --node 1 --min 2M=64M --max 2M=64M -- \
		cat "$DIR/memory.hugepool.min"
	same 2MB/node0 0 "$(key "$WORK/out" 2MB/node0)"
	same 2MB/node1 $((64 << 20)) "$(key "$WORK/out" 2MB/node1)"
}

row_min_for_all_nodes_is_divided() {
	local node0 node1

	ends_with 0 hugepool run --name "$NAME" --min 2M=64M -- cat "$DIR/memory.hugepool.min"
	node0=$(key "$WORK/out" 2MB/node0)
	node1=$(key "$WORK/out" 2MB/node1)
	same 2MB $((64 << 20)) "$(key "$WORK/out" 2MB)"
	same sum $((64 << 20)) $((node0 + node1))
	[ "$node0" -gt 0 ] && [ "$node1" -gt 0 ]
}

row_min_that_does_not_fit() {
	local arg key

	for arg in "2M=$(($(pool total) + UNIT))" "2M=514M@0" "1G=1G"; do
		key=${arg%%=*}B
		[ "$arg" = "${arg%@*}" ] || key=$key/node${arg#*@}
		ends_with 125 hugepool run --name "$NAME" --max 2M=max --min "$arg" -- echo ran
		did_not_run
		says "$DIR/memory.hugepool.min: '$key "
		says "No space left on device"
		says "of $key there is not so much left that is neither in use nor guaranteed"
		no_cgroup_left
		same reserved 0 "$(pool reserved)"
	done
}

row_min_comes_out_of_the_parents() {
	mkdir "$CG/$TOP"
	ends_with 125 hugepool run --parent "$TOP" --name "$NAME" --min 2M=16M@0 -- true
	says "guarantees in /$TOP come out of its own, which is 0 for 2MB/node0"
	no_cgroup_left
	echo "2MB/node0 16M" >"$CG/$TOP/memory.hugepool.min"
	ends_with 0 hugepool run --parent "$TOP" --min 2M=16M@0 -- true
	ends_with 125 hugepool run --parent "$TOP" --min 2M=18M@0 -- true
	says "which is 16M for 2MB/node0"
	no_cgroup_left
}

row_two_cannot_both_have_most_of_it() {
	local i pid ran=0 refused=0 status
	local -a pids=()

	for i in 1 2 3; do
		# Whoever is first waits until the others have been refused.
		# shellcheck disable=SC2016
		hugepool run --name "$NAME.$i" --min 2M=600M -- \
			bash -c 'until [ -e "$0/go" ]; do sleep 0.1; done' "$WORK" >"$WORK/err.$i" 2>&1 &
		pids+=($!)
	done
	within 10 bash -c "[ \$(cat '$WORK'/err.? | grep -c 'No space left') = 2 ]"
	touch "$WORK/go"
	for pid in "${pids[@]}"; do
		status=0
		wait "$pid" || status=$?
		case $status in
		0) ran=$((ran + 1)) ;;
		125) refused=$((refused + 1)) ;;
		*) fail "ended with $status" ;;
		esac
	done
	rm "$WORK/go"
	same ran 1 "$ran"
	same refused 2 "$refused"
	no_cgroup_left
}

row_cgroup_shows_it() {
	mount_pool "$MNT"
	# shellcheck disable=SC2016
	ends_with 0 hugepool run --name "$NAME" --min 2M=16M@0 --max 2M=32M -- bash -c '
		fallocate -l 8M "$0/f"
		! fallocate -l 34M "$0/g" 2>/dev/null
		hugepool cgroup --json -o cgroup,2MB,2MB/node0.min,events "$1"' "$MNT" "$NAME"
	says "\"cgroup\": \"/$NAME\""
	says "\"2MB.current\": $((8 << 20))"
	says "\"2MB.min\": $((16 << 20))"
	says "\"2MB/node0.min\": $((16 << 20))"
	says "\"2MB.max\": $((32 << 20))"
	says '"events.max": 1'
	says '"events.nospc": 0'
}

row_controller_is_switched_on_where_needed() {
	mkdir -p "$CG/$TOP/a/b"
	ends_with 0 hugepool run --parent "$TOP/a/b" --name "$NAME" --max 2M=2M -- \
		cat "$CG/$TOP/a/b/$NAME/memory.hugepool.max"
	same 2MB "$UNIT" "$(key "$WORK/out" 2MB)"
	grep -qw memory "$CG/$TOP/a/cgroup.subtree_control"
	grep -qw memory "$CG/$TOP/a/b/cgroup.subtree_control"
	no_cgroup_left
}

row_parent_with_processes() {
	mkdir "$CG/$TOP"
	sleep 1000 >/dev/null 2>&1 &
	echo $! >"$CG/$TOP/cgroup.procs"
	ends_with 125 hugepool run --parent "$TOP" --name "$NAME" -- echo ran
	says "there are processes in the cgroup /$TOP:"
	# shellcheck disable=SC2016
	ends_with 125 in_cgroup "$TOP" 'hugepool run --name "$2" -- echo ran; exit $?' "$NAME"
	says "there are processes in the cgroup /$TOP, hugepool itself among them"
	did_not_run
	no_cgroup_left
	kill $!
}

row_alone_it_steps_aside() {
	mkdir "$CG/$TOP"
	# shellcheck disable=SC2016
	ends_with 3 in_cgroup "$TOP" 'exec hugepool run --name "$2" --max 2M=2M -- bash -c "
		cat /proc/self/cgroup /proc/\$PPID/cgroup; exit 3"' "$NAME"
	same command "0::/$TOP/$NAME" "$(sed -n 1p "$WORK/out")"
	same hugepool "0::/$TOP/$NAME.wait" "$(sed -n 2p "$WORK/out")"
	no_cgroup_left
	same controllers "" "$(cat "$CG/$TOP/cgroup.subtree_control")"
	# When it fails, too.
	# shellcheck disable=SC2016
	ends_with 125 in_cgroup "$TOP" 'exec hugepool run --name "$2" --min 2M=4G -- true' "$NAME"
	no_cgroup_left
	same controllers "" "$(cat "$CG/$TOP/cgroup.subtree_control")"
}

row_aside_of_others_it_takes_nothing_from() {
	mkdir "$CG/$TOP"
	# shellcheck disable=SC2016
	ends_with 0 in_cgroup "$TOP" 'exec hugepool run --name "$2" -- mkdir "$0/other"' "$NAME"
	says "-memory"
	[ -e "$CG/$TOP/other/memory.hugepool.max" ]
	[ ! -d "$CG/$TOP/$NAME" ]
}

row_exit_status() {
	ends_with 0 hugepool run true
	ends_with 1 hugepool run false
	ends_with 77 hugepool run -- bash -c 'exit 77'
	ends_with 137 hugepool run -- bash -c 'kill -KILL $$'
	ends_with 143 hugepool run -- bash -c 'kill -TERM $$'
	ends_with 127 hugepool run no-such-program
	ends_with 126 hugepool run /etc/passwd
	ends_with 2 hugepool run --max 2M=1M true
	no_cgroup_left
}

row_signals_are_passed_on() {
	local sig pid status

	for sig in HUP TERM USR1; do
		status=0
		# shellcheck disable=SC2016
		hugepool run --name "$NAME" --max 2M=2M -- bash -c '
			trap "echo got $1 >$0/got; exit 9" "$1"
			touch "$0/ready"
			while :; do sleep 0.1; done' "$WORK" $sig >"$WORK/out" 2>&1 &
		pid=$!
		within 10 [ -e "$WORK/ready" ]
		kill -$sig $pid
		wait $pid || status=$?
		same status 9 $status
		same "what came" "got $sig" "$(cat "$WORK/got")"
		rm "$WORK/got" "$WORK/ready"
		no_cgroup_left
	done
}

# The terminal sends to the whole group: once, not once more by hugepool.
row_interrupt_from_the_terminal() {
	local status=0

	# shellcheck disable=SC2016
	cat >"$WORK/count" <<-'END'
		n=0
		trap 'n=$((n + 1))' INT
		touch "$0/ready"
		for ((i = 0; i < 10; i++)); do sleep 0.1; done
		echo "interrupted $n" >"$0/got"
		exit 5
	END
	{
		within 20 [ -e "$WORK/ready" ]
		printf '\003'
		sleep 1
	} | script -qec "hugepool run --name $NAME -- bash -c '$(sed "s/'/'\\\\''/g" "$WORK/count")' $WORK" \
		/dev/null >"$WORK/out" 2>&1 || status=$?
	same status 5 $status
	same "what came" "interrupted 1" "$(cat "$WORK/got")"
	rm "$WORK/got" "$WORK/ready"
	no_cgroup_left
}

row_who_is_left_keeps_the_cgroup() {
	local pid

	# shellcheck disable=SC2016
	ends_with 4 hugepool run --name "$NAME" --min 2M=8M -- bash -c '
		setsid sleep 1000 >/dev/null 2>&1 </dev/null & exit 4'
	says "$DIR stays, with what it was given: there are processes left in it: "
	pid=$(cat "$DIR/cgroup.procs")
	same process sleep "$(cat "/proc/$pid/comm")"
	says "left in it: $pid"
	same reserved $((8 << 20)) "$(pool reserved)"
	kill "$pid"
	within 5 rmdir "$DIR"
	within 5 pool_reserved_is 0
}

row_files_outlive_the_cgroup() {
	mount_pool "$MNT"
	ends_with 0 hugepool run --name "$NAME" --min 2M=8M -- fallocate -l 8M "$MNT/f"
	no_cgroup_left
	same used $((8 << 20)) "$(pool used)"
	within 5 pool_reserved_is 0
}

row_dry_run_does_nothing_and_says_all() {
	local before

	before=$(cat "$CG/cgroup.subtree_control"; find "$CG" -type d)
	ends_with 0 hugepool run --dry-run --name "$NAME" --min 2M=8M@1 --max 2M=16M --node 0,1 -- \
		cat /proc/self/cgroup "$DIR/memory.hugepool.min" "$DIR/memory.hugepool.max"
	same cgroups "$before" "$(cat "$CG/cgroup.subtree_control"; find "$CG" -type d)"
	same reserved 0 "$(pool reserved)"
	# What it prints is a script, and does the same.
	cp "$WORK/out" "$WORK/script"
	ends_with 0 bash -e "$WORK/script"
	says "0::/$NAME"
	says "2MB/node1 $((8 << 20))"
	says "2MB $((16 << 20))"
	no_cgroup_left
}

row_bad_input_changes_nothing() {
	local before args

	before=$(cat "$CG/cgroup.subtree_control"; find "$CG" -type d)
	while read -r args; do
		# shellcheck disable=SC2086  # words are meant
		ends_with 2 hugepool run $args -- echo ran
		did_not_run
	done <<-'END'
		--max 2M=2M@2
		--max 2M=8M --min 2M=3M
		--min 2M=8M --min 2M=4M@0
		--min 2M=8M --node 2
		--parent /there/is/none
		--sysroot /
	END
	same cgroups "$before" "$(cat "$CG/cgroup.subtree_control"; find "$CG" -type d)"
}

# An owner of a subtree needs nobody's help, and gets no more than was given.
row_delegated_subtree() {
	local text f

	mkdir -p "$CG/$TOP/shell"
	echo +memory >"$CG/cgroup.subtree_control"
	echo "2MB 8M" >"$CG/$TOP/memory.hugepool.max"
	for f in "" /cgroup.procs /cgroup.subtree_control /shell /shell/cgroup.procs; do
		chown 65534:65534 "$CG/$TOP$f"
	done
	chmod 711 "$WORK"
	mount_pool "$MNT"
	# shellcheck disable=SC2016
	text='exec setpriv --reuid 65534 --regid 65534 --clear-groups hugepool run --parent "$2" \
		--name "$3" "${@:4}"'
	ends_with 0 in_cgroup "$TOP/shell" "$text" "$TOP" "$NAME" --max 2M=16M -- \
		fallocate -l 8M "$MNT/f"
	rm "$MNT/f"
	ends_with 1 in_cgroup "$TOP/shell" "$text" "$TOP" "$NAME" --max 2M=16M -- \
		fallocate -l 10M "$MNT/f"
	ends_with 125 in_cgroup "$TOP/shell" "$text" "$TOP" "$NAME" --min 2M=2M -- true
	says "come out of its own, which is 0 for 2MB"
	# shellcheck disable=SC2016
	text='exec setpriv --reuid 65534 --regid 65534 --clear-groups hugepool run --parent / "${@:2}"'
	ends_with 125 in_cgroup "$TOP/shell" "$text" --name "$NAME" -- true
	says "Permission denied"
	no_cgroup_left
}

run_rows
