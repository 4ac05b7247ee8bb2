/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hugepool: what the block state machine promises, as scripts.
 *
 * A script is a list of calls with the answers they must give. KUnit runs them
 * in the kernel (core_kunit.c); the hugepool project also runs them in userspace
 * under sanitizers (tests/sim). That is why nothing here allocates or asserts:
 * hp_script_run() says what was broken and leaves the rest to its caller.
 */
#ifndef _MM_HUGEPOOL_TESTS_CORE_CASES_H
#define _MM_HUGEPOOL_TESTS_CORE_CASES_H

#include <linux/errno.h>
#include <linux/string.h>

#include "../core.h"

#define HP_BED_WINDOWS		4
#define HP_BED_FIRST_WINDOW	7
#define HP_BED_FIRST_UNIT	(HP_BED_FIRST_WINDOW * HP_UNITS_PER_BLOCK)
#define HP_BED_UNITS		(HP_BED_WINDOWS * HP_UNITS_PER_BLOCK)
#define HP_MAX_STEPS		24

enum hp_op {
	HP_OP_END,
	HP_OP_ADD,
	HP_OP_TAKE,
	HP_OP_GIVE,
	HP_OP_SPLIT,
	HP_OP_FAIL,
	HP_OP_MERGE,
	HP_OP_COUNT,
	HP_OP_KILL,
};

/**
 * struct hp_step - a call, or a run of calls on neighbouring units
 * @op: what to call
 * @class: size of the block
 * @brk: of hp_node_take()
 * @gigantic: of hp_node_add()
 * @other: hp_node_add() gets a descriptor that is not the window's own;
 *	   hp_node_take() breaks another window than that of @unit
 * @form: expected in hp_slot.form
 * @broke: expected in hp_slot.broke of the first call
 * @unit: the unit, counted from the start of the bed; hp_node_take() must hand
 *	  out this one, then the next lower ones
 * @nr: units of hp_node_add(); @keep of hp_node_merge(); else calls, of
 *	hp_node_give() and hp_node_fail() with this unit and the next higher ones
 * @units: units of each piece that is given back or split; 0 for those of @class
 * @new_units: hp_node_split(): units of each new piece
 * @result: what the call must return
 * @count: HP_OP_COUNT: the node's total and free of 2 MB, total and free of
 *	   1 GB, broken blocks, poisoned units
 */
struct hp_step {
	enum hp_op op;
	enum hp_class class;
	bool brk;
	bool gigantic;
	bool other;
	bool form;
	bool broke;
	long unit;
	unsigned int nr;
	unsigned int units;
	unsigned int new_units;
	int result;
	unsigned int count[6];
};

struct hp_script {
	const char *name;
	struct hp_step steps[HP_MAX_STEPS];
};

/* hp_node_add() of 2 MB blocks, of a 1 GB block, and refused. */
#define S_ADD(_unit, _nr) \
	{ .op = HP_OP_ADD, .unit = _unit, .nr = _nr }
#define S_ADD_1G(_unit) \
	{ .op = HP_OP_ADD, .unit = _unit, .nr = HP_UNITS_PER_BLOCK, \
	  .gigantic = true }
#define S_ADD_REFUSED(_unit, _nr, _gigantic) \
	{ .op = HP_OP_ADD, .unit = _unit, .nr = _nr, .gigantic = _gigantic, \
	  .result = -EINVAL }
#define S_ADD_OTHER_REFUSED(_unit, _nr) \
	{ .op = HP_OP_ADD, .unit = _unit, .nr = _nr, .other = true, \
	  .result = -EINVAL }
/* hp_node_take() of units downwards, after breaking a block, of 1 GB, in vain. */
#define S_TAKE(_unit, _nr, _form) \
	{ .op = HP_OP_TAKE, .unit = _unit, .nr = _nr, .form = _form, \
	  .result = true }
#define S_BREAK(_unit) \
	{ .op = HP_OP_TAKE, .unit = _unit, .nr = 1, .brk = true, \
	  .form = true, .broke = true, .result = true }
#define S_BREAK_BESIDE(_unit) \
	{ .op = HP_OP_TAKE, .unit = _unit, .nr = 1, .brk = true, \
	  .form = true, .broke = true, .other = true, .result = true }
#define S_TAKE_1G(_unit, _form) \
	{ .op = HP_OP_TAKE, .class = HP_1G, .unit = _unit, .nr = 1, \
	  .form = _form, .result = true }
#define S_NONE(_class, _brk) \
	{ .op = HP_OP_TAKE, .class = _class, .brk = _brk, .nr = 1, \
	  .result = false }
/* hp_node_give() and hp_node_fail(), upwards. */
#define S_GIVE(_unit, _nr, _result) \
	{ .op = HP_OP_GIVE, .unit = _unit, .nr = _nr, .result = _result }
#define S_GIVE_1G(_unit, _result) \
	{ .op = HP_OP_GIVE, .class = HP_1G, .unit = _unit, .nr = 1, \
	  .result = _result }
/* A piece of a split block: given back, split, and what cannot be split. */
#define S_GIVE_PIECE(_unit, _units, _result) \
	{ .op = HP_OP_GIVE, .unit = _unit, .nr = 1, .units = _units, \
	  .result = _result }
#define S_SPLIT(_unit, _units, _new_units) \
	{ .op = HP_OP_SPLIT, .unit = _unit, .nr = 1, .units = _units, \
	  .new_units = _new_units, .result = true }
#define S_SPLIT_REFUSED(_unit, _units, _new_units) \
	{ .op = HP_OP_SPLIT, .unit = _unit, .nr = 1, .units = _units, \
	  .new_units = _new_units, .result = false }
#define S_FAIL(_unit, _nr, _result) \
	{ .op = HP_OP_FAIL, .unit = _unit, .nr = _nr, .result = _result }
/* hp_node_merge() of the block that begins with a unit, and in vain. */
#define S_MERGE(_unit, _keep) \
	{ .op = HP_OP_MERGE, .unit = _unit, .nr = _keep, .result = true }
#define S_NO_MERGE(_keep) \
	{ .op = HP_OP_MERGE, .nr = _keep, .result = false }
#define S_COUNT(...) \
	{ .op = HP_OP_COUNT, .count = { __VA_ARGS__ } }
#define S_KILL { .op = HP_OP_KILL }

static const struct hp_script hp_scripts[] = {
	/* A node without memory serves nothing and owns nothing. */
	{ "empty node", {
		S_NONE(HP_2M, true),
		S_NONE(HP_1G, true),
		S_GIVE(0, 1, HP_GIVE_BAD),
		S_FAIL(0, 1, HP_FAIL_NOT_OURS),
		S_COUNT(0, 0, 0, 0, 0, 0),
	} },
	/* A range that is not as described is refused and changes nothing. */
	{ "add refuses bad ranges", {
		S_ADD_REFUSED(0, 0, false),
		S_ADD_REFUSED(0, 513, false),
		S_ADD_REFUSED(500, 13, false),
		S_ADD_REFUSED(0, 511, true),
		S_ADD_REFUSED(1, 512, true),
		S_ADD_REFUSED(-1, 1, false),
		S_ADD_REFUSED(-512, 512, true),
		S_ADD_REFUSED(HP_BED_UNITS, 1, false),
		S_ADD_REFUSED(-1 - HP_BED_FIRST_UNIT, 1, false),
		S_COUNT(0, 0, 0, 0, 0, 0),
	} },
	/* Memory is added once, and a window is of one kind. */
	{ "add refuses what is there", {
		S_ADD(10, 10),
		S_ADD_REFUSED(19, 1, false),
		S_ADD_REFUSED(0, 11, false),
		S_ADD_REFUSED(0, 512, true),
		S_ADD_OTHER_REFUSED(100, 1),
		S_ADD_1G(512),
		S_ADD_REFUSED(512, 512, true),
		S_ADD_REFUSED(512, 1, false),
		S_COUNT(10, 10, 1, 1, 0, 0),
	} },
	/* 2 MB blocks may fill a window in parts, also while some are out. */
	{ "windows partially present", {
		S_ADD(10, 5),
		S_ADD(100, 3),
		S_TAKE(102, 3, false),
		S_TAKE(14, 5, false),
		S_NONE(HP_2M, true),
		S_ADD(511, 1),
		S_COUNT(9, 1, 0, 0, 0, 0),
		S_TAKE(511, 1, false),
		S_GIVE(9, 1, HP_GIVE_BAD),
		S_GIVE(15, 1, HP_GIVE_BAD),
		S_GIVE(99, 1, HP_GIVE_BAD),
		S_FAIL(103, 1, HP_FAIL_NOT_OURS),
		S_GIVE(10, 5, HP_GIVE_FREED),
		S_GIVE(100, 3, HP_GIVE_FREED),
		S_COUNT(9, 8, 0, 0, 0, 0),
	} },
	/* All units of a 2 MB window free do not make a 1 GB block. */
	{ "2 MB reservations never merge", {
		S_ADD(0, 512),
		S_TAKE(511, 512, false),
		S_NONE(HP_2M, true),
		S_GIVE(0, 512, HP_GIVE_FREED),
		S_COUNT(512, 512, 0, 0, 0, 0),
		S_NONE(HP_1G, false),
	} },
	/* A 1 GB block is only broken for a 2 MB request that says so. */
	{ "no break unless told", {
		S_ADD_1G(0),
		S_NONE(HP_2M, false),
		S_COUNT(0, 0, 1, 1, 0, 0),
		S_BREAK(511),
		S_COUNT(512, 511, 0, 0, 1, 0),
		S_TAKE(510, 1, true),
	} },
	/* Told so, it is broken although others have free units: used up first. */
	{ "break beside free units", {
		S_ADD_1G(0),
		S_ADD_1G(512),
		S_BREAK(1023),
		S_TAKE(1022, 509, true),
		S_BREAK_BESIDE(513),
		S_COUNT(1024, 513, 0, 0, 2, 0),
		S_TAKE(512, 1, true),
		S_TAKE(511, 1, true),
		S_NONE(HP_2M, true),
	} },
	/* A 1 GB request takes whole blocks only. */
	{ "no 1 GB block from units", {
		S_ADD(0, 512),
		S_ADD_1G(512),
		S_TAKE_1G(512, false),
		S_NONE(HP_1G, false),
		S_NONE(HP_1G, true),
		S_COUNT(512, 512, 1, 0, 0, 0),
	} },
	/* A 1 GB block goes out and comes back as it was. */
	{ "1 GB block out and back", {
		S_ADD_1G(1024),
		S_TAKE_1G(1024, false),
		S_COUNT(0, 0, 1, 0, 0, 0),
		S_GIVE_1G(1024, HP_GIVE_FREED),
		S_COUNT(0, 0, 1, 1, 0, 0),
		S_TAKE_1G(1024, false),
	} },
	/* Whole blocks stay whole while a broken one or a 2 MB block is free. */
	{ "break order", {
		S_ADD_1G(0),
		S_ADD_1G(512),
		S_ADD(1024, 2),
		S_TAKE(1025, 2, false),
		S_BREAK(1023),
		S_GIVE(1024, 1, HP_GIVE_FREED),
		/* Not 1024: the broken block is used up first. */
		S_TAKE(1022, 511, true),
		S_TAKE(1024, 1, false),
		S_COUNT(514, 0, 1, 1, 1, 0),
		S_BREAK(511),
		S_COUNT(1026, 511, 0, 0, 2, 0),
	} },
	/* Its struct pages are the head that the other units still refer to. */
	{ "unit 0 of a broken block goes last", {
		S_ADD_1G(0),
		S_BREAK(511),
		S_TAKE(510, 510, true),
		S_GIVE(300, 1, HP_GIVE_FREED),
		S_TAKE(300, 1, false),
		S_TAKE(0, 1, true),
		S_NONE(HP_2M, true),
		S_GIVE(300, 1, HP_GIVE_FREED),
		S_GIVE(0, 1, HP_GIVE_FREED),
		S_TAKE(300, 1, false),
		S_TAKE(0, 1, false),
		S_COUNT(512, 0, 0, 0, 1, 0),
	} },
	/* A block is whole at the moment its 512th unit comes back. */
	{ "merge on the 512th free", {
		S_ADD_1G(0),
		S_BREAK(511),
		S_TAKE(510, 511, true),
		S_GIVE(0, 511, HP_GIVE_FREED),
		S_NONE(HP_1G, false),
		S_COUNT(512, 511, 0, 0, 1, 0),
		S_GIVE(511, 1, HP_GIVE_FREED),
		S_MERGE(0, 0),
		S_COUNT(0, 0, 1, 1, 0, 0),
		S_NONE(HP_2M, false),
		S_TAKE_1G(0, true),
		S_GIVE_1G(0, HP_GIVE_FREED),
		S_TAKE_1G(0, false),
	} },
	/* All free, a block is made whole only if enough units are left. */
	{ "merge leaves what is promised", {
		S_ADD_1G(0),
		S_ADD(512, 3),
		S_NO_MERGE(0),
		S_BREAK(511),
		S_NO_MERGE(0),
		S_GIVE(511, 1, HP_GIVE_FREED),
		S_NO_MERGE(4),
		S_COUNT(515, 515, 0, 0, 1, 0),
		S_NONE(HP_1G, false),
		/* An idle block is used before 2 MB blocks, and merged after. */
		S_TAKE(511, 1, false),
		S_TAKE(510, 1, true),
		S_NO_MERGE(0),
		S_GIVE(510, 2, HP_GIVE_FREED),
		S_MERGE(0, 3),
		S_NO_MERGE(0),
		S_COUNT(3, 3, 1, 1, 0, 0),
		S_TAKE_1G(0, true),
	} },
	/* Of several idle blocks as many are made whole as may be. */
	{ "merge one of two", {
		S_ADD_1G(0),
		S_ADD_1G(512),
		S_TAKE_1G(512, false),
		S_SPLIT(512, 512, 256),
		S_BREAK(511),
		S_TAKE(510, 1, true),
		S_GIVE_PIECE(512, 256, HP_GIVE_FREED),
		S_GIVE_PIECE(768, 256, HP_GIVE_FREED),
		/* The one that is in use goes on being used. */
		S_TAKE(509, 1, true),
		S_GIVE(509, 3, HP_GIVE_FREED),
		S_NO_MERGE(513),
		S_COUNT(1024, 1024, 0, 0, 2, 0),
		S_MERGE(0, 512),
		S_NO_MERGE(1),
		S_FAIL(600, 1, HP_FAIL_RETIRED),
		S_NO_MERGE(0),
		S_COUNT(511, 511, 1, 1, 1, 1),
	} },
	/* What never was taken since the break counts as free for the merge. */
	{ "merge after one unit", {
		S_ADD_1G(512),
		S_BREAK(1023),
		S_GIVE(1023, 1, HP_GIVE_FREED),
		S_MERGE(512, 0),
		S_COUNT(0, 0, 1, 1, 0, 0),
		S_BREAK(1023),
		S_TAKE(1022, 1, true),
		S_GIVE(1023, 1, HP_GIVE_FREED),
		S_TAKE(1023, 1, false),
		S_GIVE(1022, 1, HP_GIVE_FREED),
		S_GIVE(1023, 1, HP_GIVE_FREED),
		S_MERGE(512, 0),
		S_TAKE_1G(512, true),
	} },
	/* A used up window comes back with its first free unit. */
	{ "several windows", {
		S_ADD(0, 2),
		S_ADD(512, 1),
		S_TAKE(512, 1, false),
		S_TAKE(1, 2, false),
		S_NONE(HP_2M, false),
		S_GIVE(0, 1, HP_GIVE_FREED),
		S_TAKE(0, 1, false),
		S_GIVE(512, 1, HP_GIVE_FREED),
		S_TAKE(512, 1, false),
		S_NONE(HP_2M, false),
	} },
	/* A free unit that fails is out of service at once and for good. */
	{ "failure of a free unit", {
		S_ADD(0, 3),
		S_FAIL(1, 1, HP_FAIL_RETIRED),
		S_FAIL(1, 1, HP_FAIL_AGAIN),
		S_COUNT(2, 2, 0, 0, 0, 1),
		S_TAKE(2, 1, false),
		S_TAKE(0, 1, false),
		S_NONE(HP_2M, false),
		S_GIVE(1, 1, HP_GIVE_BAD),
		S_GIVE(2, 1, HP_GIVE_FREED),
		S_FAIL(2, 1, HP_FAIL_RETIRED),
		S_NONE(HP_2M, false),
		S_COUNT(1, 0, 0, 0, 0, 2),
	} },
	/* A unit in use is retired when it comes back, however often it failed. */
	{ "failure of a used unit", {
		S_ADD(0, 2),
		S_TAKE(1, 2, false),
		S_FAIL(0, 1, HP_FAIL_MARKED),
		S_FAIL(0, 1, HP_FAIL_MARKED),
		S_COUNT(2, 0, 0, 0, 0, 0),
		S_GIVE(0, 1, HP_GIVE_RETIRED),
		S_GIVE(0, 1, HP_GIVE_BAD),
		S_FAIL(0, 1, HP_FAIL_AGAIN),
		S_COUNT(1, 0, 0, 0, 0, 1),
		S_NONE(HP_2M, false),
		S_GIVE(1, 1, HP_GIVE_FREED),
		S_TAKE(1, 1, false),
	} },
	/* A free 1 GB block gives up one unit, not all: even without demote. */
	{ "failure in a free 1 GB block", {
		S_ADD_1G(0),
		S_FAIL(5, 1, HP_FAIL_RETIRED),
		S_COUNT(511, 511, 0, 0, 1, 1),
		S_NONE(HP_1G, false),
		S_TAKE(511, 506, true),
		S_TAKE(4, 5, true),
		S_NONE(HP_2M, true),
		/* Never whole again. */
		S_GIVE(0, 5, HP_GIVE_FREED),
		S_GIVE(6, 506, HP_GIVE_FREED),
		S_COUNT(511, 511, 0, 0, 1, 1),
		S_NONE(HP_1G, false),
	} },
	/* The head of the stale tails fails: the tails are still formed anew. */
	{ "failure of unit 0", {
		S_ADD_1G(0),
		S_FAIL(0, 1, HP_FAIL_RETIRED),
		S_TAKE(511, 511, true),
		S_NONE(HP_2M, true),
		S_GIVE(1, 511, HP_GIVE_FREED),
		S_COUNT(511, 511, 0, 0, 1, 1),
	} },
	/* A handed-out 1 GB block that failed comes back as its good units. */
	{ "whole block with bad units given back", {
		S_ADD_1G(0),
		S_TAKE_1G(0, false),
		S_FAIL(7, 1, HP_FAIL_MARKED),
		S_FAIL(300, 1, HP_FAIL_MARKED),
		S_FAIL(300, 1, HP_FAIL_MARKED),
		S_COUNT(0, 0, 1, 0, 0, 0),
		S_GIVE_1G(0, HP_GIVE_RETIRED),
		S_COUNT(510, 510, 0, 0, 1, 2),
		S_NONE(HP_1G, true),
		S_TAKE(511, 211, true),
		S_TAKE(299, 292, true),
		S_TAKE(6, 7, true),
		S_NONE(HP_2M, true),
		S_GIVE(300, 1, HP_GIVE_BAD),
		S_GIVE_1G(0, HP_GIVE_BAD),
		S_FAIL(300, 1, HP_FAIL_AGAIN),
	} },
	/* Nothing good is left: still no trouble. */
	{ "whole block failed entirely", {
		S_ADD_1G(0),
		S_TAKE_1G(0, false),
		S_FAIL(0, 512, HP_FAIL_MARKED),
		S_GIVE_1G(0, HP_GIVE_RETIRED),
		S_COUNT(0, 0, 0, 0, 1, 512),
		S_NONE(HP_2M, true),
		S_GIVE(0, 512, HP_GIVE_BAD),
	} },
	/* A unit of a broken block that failed in use keeps it from merging. */
	{ "failed unit prevents the merge", {
		S_ADD_1G(0),
		S_BREAK(511),
		S_TAKE(510, 1, true),
		S_FAIL(510, 1, HP_FAIL_MARKED),
		S_FAIL(3, 1, HP_FAIL_RETIRED),
		S_COUNT(511, 509, 0, 0, 1, 1),
		S_GIVE(511, 1, HP_GIVE_FREED),
		S_GIVE(510, 1, HP_GIVE_RETIRED),
		S_COUNT(510, 510, 0, 0, 1, 2),
		S_TAKE(511, 1, false),
		S_TAKE(509, 1, true),
	} },
	/* What was not handed out in this way is not taken back. */
	{ "double free", {
		S_ADD(0, 2),
		S_ADD_1G(512),
		S_GIVE(1, 1, HP_GIVE_BAD),
		S_TAKE(1, 1, false),
		S_GIVE(1, 1, HP_GIVE_FREED),
		S_GIVE(1, 1, HP_GIVE_BAD),
		S_GIVE_1G(512, HP_GIVE_BAD),
		S_TAKE_1G(512, false),
		S_GIVE_1G(512, HP_GIVE_FREED),
		S_GIVE_1G(512, HP_GIVE_BAD),
		/* Free units of a broken block, formed and not. */
		S_TAKE(1, 2, false),
		S_BREAK(1023),
		S_TAKE(1022, 1, true),
		S_GIVE(1023, 1, HP_GIVE_FREED),
		S_GIVE(1023, 1, HP_GIVE_BAD),
		S_GIVE(512, 1, HP_GIVE_BAD),
		S_COUNT(514, 511, 0, 0, 1, 0),
	} },
	{ "wrong class given back", {
		S_ADD(0, 512),
		S_ADD_1G(512),
		S_ADD_1G(1024),
		S_TAKE_1G(1024, false),
		S_TAKE(511, 512, false),
		S_GIVE_1G(0, HP_GIVE_BAD),
		S_GIVE(1024, 512, HP_GIVE_BAD),
		S_GIVE_1G(1025, HP_GIVE_BAD),
		S_BREAK(1023),
		S_TAKE(1022, 511, true),
		S_GIVE_1G(512, HP_GIVE_BAD),
		S_COUNT(1024, 0, 1, 0, 1, 0),
		S_GIVE_1G(1024, HP_GIVE_FREED),
	} },
	{ "foreign unit given back", {
		S_ADD(0, 512),
		S_ADD_1G(512),
		S_TAKE(511, 512, false),
		S_GIVE(-1, 1, HP_GIVE_BAD),
		S_GIVE(HP_BED_UNITS, 1, HP_GIVE_BAD),
		S_GIVE(1024, 1, HP_GIVE_BAD),
		S_GIVE_1G(1024, HP_GIVE_BAD),
		S_GIVE_1G(-512, HP_GIVE_BAD),
		S_GIVE_1G(HP_BED_UNITS, HP_GIVE_BAD),
		S_GIVE(-1 - HP_BED_FIRST_UNIT, 1, HP_GIVE_BAD),
		S_FAIL(-1, 1, HP_FAIL_NOT_OURS),
		S_FAIL(HP_BED_UNITS, 1, HP_FAIL_NOT_OURS),
		S_FAIL(1024, 1, HP_FAIL_NOT_OURS),
	} },
	/* An owner splits a block: it is broken, and all of it still in use. */
	{ "block split in use", {
		S_ADD_1G(512),
		S_TAKE_1G(512, false),
		S_SPLIT(512, 512, 1),
		S_COUNT(512, 0, 0, 0, 1, 0),
		S_NONE(HP_2M, true),
		S_NONE(HP_1G, true),
		S_GIVE_1G(512, HP_GIVE_BAD),
		S_GIVE(512, 511, HP_GIVE_FREED),
		S_COUNT(512, 511, 0, 0, 1, 0),
		/* Each was a folio of 2 MB: nothing to form. */
		S_TAKE(1022, 1, false),
		S_GIVE(1022, 1, HP_GIVE_FREED),
		S_GIVE(1023, 1, HP_GIVE_FREED),
		S_MERGE(512, 0),
		S_COUNT(0, 0, 1, 1, 0, 0),
		S_TAKE_1G(512, true),
		S_GIVE_1G(512, HP_GIVE_FREED),
		S_TAKE_1G(512, false),
	} },
	/* A hole of one unit, as truncation makes it: pieces of every size. */
	{ "pieces of every size", {
		S_ADD_1G(0),
		S_TAKE_1G(0, false),
		S_SPLIT(0, 512, 256),
		S_COUNT(512, 0, 0, 0, 1, 0),
		S_SPLIT(0, 256, 128),
		S_SPLIT(0, 128, 64),
		S_SPLIT(0, 64, 32),
		S_SPLIT(0, 32, 16),
		S_SPLIT(0, 16, 8),
		S_SPLIT(0, 8, 4),
		S_SPLIT(0, 4, 2),
		S_SPLIT(0, 2, 1),
		S_GIVE(1, 1, HP_GIVE_FREED),
		S_TAKE(1, 1, false),
		S_GIVE(0, 2, HP_GIVE_FREED),
		S_GIVE_PIECE(2, 2, HP_GIVE_FREED),
		S_GIVE_PIECE(128, 128, HP_GIVE_FREED),
		S_COUNT(512, 132, 0, 0, 1, 0),
		/* Tail pages of what came back as one folio are formed anew. */
		S_TAKE(255, 128, true),
		S_TAKE(3, 2, true),
		S_TAKE(1, 2, false),
		S_NONE(HP_2M, true),
		S_COUNT(512, 0, 0, 0, 1, 0),
	} },
	/* The unit with the head of a piece goes last of the piece. */
	{ "head of a piece goes last", {
		S_ADD_1G(0),
		S_TAKE_1G(0, false),
		S_SPLIT(0, 512, 256),
		S_SPLIT(256, 256, 4),
		S_GIVE_PIECE(260, 4, HP_GIVE_FREED),
		S_TAKE(263, 2, true),
		S_GIVE(262, 1, HP_GIVE_FREED),
		S_TAKE(262, 1, false),
		S_TAKE(261, 2, true),
		S_GIVE_PIECE(256, 4, HP_GIVE_FREED),
		S_GIVE_PIECE(0, 256, HP_GIVE_FREED),
		S_COUNT(512, 260, 0, 0, 1, 0),
	} },
	{ "merge of pieces", {
		S_ADD_1G(0),
		S_TAKE_1G(0, false),
		S_SPLIT(0, 512, 128),
		S_GIVE_PIECE(128, 128, HP_GIVE_FREED),
		S_GIVE_PIECE(384, 128, HP_GIVE_FREED),
		S_GIVE_PIECE(0, 128, HP_GIVE_FREED),
		S_COUNT(512, 384, 0, 0, 1, 0),
		S_GIVE_PIECE(256, 128, HP_GIVE_FREED),
		S_MERGE(0, 0),
		S_COUNT(0, 0, 1, 1, 0, 0),
		S_BREAK(511),
		S_GIVE(511, 1, HP_GIVE_FREED),
		S_MERGE(0, 0),
		S_TAKE_1G(0, true),
	} },
	/* Pieces come back as they are, neither in part nor several at a time. */
	{ "pieces given back wrongly", {
		S_ADD_1G(0),
		S_ADD(512, 4),
		S_TAKE_1G(0, false),
		S_TAKE(515, 4, false),
		S_GIVE_PIECE(0, 256, HP_GIVE_BAD),
		S_SPLIT(0, 512, 256),
		S_SPLIT(256, 256, 64),
		S_GIVE(0, 512, HP_GIVE_BAD),
		S_GIVE_1G(0, HP_GIVE_BAD),
		S_GIVE_PIECE(0, 128, HP_GIVE_BAD),
		S_GIVE_PIECE(128, 128, HP_GIVE_BAD),
		S_GIVE_PIECE(256, 128, HP_GIVE_BAD),
		S_GIVE_PIECE(288, 32, HP_GIVE_BAD),
		S_GIVE_PIECE(448, 128, HP_GIVE_BAD),
		S_GIVE_PIECE(512, 4, HP_GIVE_BAD),
		S_GIVE_PIECE(0, 256, HP_GIVE_FREED),
		S_GIVE_PIECE(0, 256, HP_GIVE_BAD),
		S_GIVE_PIECE(448, 64, HP_GIVE_FREED),
		S_GIVE_PIECE(448, 64, HP_GIVE_BAD),
		S_COUNT(516, 320, 0, 0, 1, 0),
	} },
	/* Only what is in use is split, and as it is. */
	{ "split refused", {
		S_ADD_1G(0),
		S_ADD(512, 8),
		S_SPLIT_REFUSED(0, 512, 256),
		S_TAKE_1G(0, false),
		S_SPLIT_REFUSED(0, 512, 512),
		S_SPLIT_REFUSED(0, 512, 0),
		S_SPLIT_REFUSED(0, 512, 3),
		S_SPLIT_REFUSED(0, 256, 128),
		S_SPLIT_REFUSED(1, 512, 1),
		S_SPLIT_REFUSED(256, 256, 1),
		S_SPLIT_REFUSED(1024, 512, 1),
		S_TAKE(519, 2, false),
		S_SPLIT_REFUSED(518, 2, 1),
		S_SPLIT_REFUSED(519, 1, 1),
		S_SPLIT_REFUSED(512, 1, 1),
		S_COUNT(8, 6, 1, 0, 0, 0),
	} },
	/* The unit that failed is retired with its piece, the others come back. */
	{ "failure before a split", {
		S_ADD_1G(0),
		S_TAKE_1G(0, false),
		S_FAIL(130, 1, HP_FAIL_MARKED),
		S_SPLIT(0, 512, 128),
		S_SPLIT(128, 128, 1),
		S_COUNT(512, 0, 0, 0, 1, 0),
		S_GIVE(128, 2, HP_GIVE_FREED),
		S_GIVE(130, 1, HP_GIVE_RETIRED),
		S_GIVE(130, 1, HP_GIVE_BAD),
		S_GIVE(131, 125, HP_GIVE_FREED),
		S_GIVE_PIECE(0, 128, HP_GIVE_FREED),
		S_GIVE_PIECE(256, 128, HP_GIVE_FREED),
		S_GIVE_PIECE(384, 128, HP_GIVE_FREED),
		S_COUNT(511, 511, 0, 0, 1, 1),
		S_NONE(HP_1G, true),
		S_TAKE(511, 256, true),
		S_TAKE(255, 125, false),
		S_TAKE(129, 2, false),
		S_TAKE(127, 128, true),
		S_NONE(HP_2M, true),
	} },
	/* A piece with a failed unit comes back without it, the head included. */
	{ "failure in a piece", {
		S_ADD_1G(0),
		S_TAKE_1G(0, false),
		S_SPLIT(0, 512, 256),
		S_FAIL(256, 1, HP_FAIL_MARKED),
		S_FAIL(511, 1, HP_FAIL_MARKED),
		S_FAIL(511, 1, HP_FAIL_MARKED),
		S_GIVE_PIECE(256, 256, HP_GIVE_RETIRED),
		S_COUNT(510, 254, 0, 0, 1, 2),
		S_FAIL(511, 1, HP_FAIL_AGAIN),
		S_TAKE(510, 254, true),
		S_NONE(HP_2M, true),
		S_GIVE_PIECE(0, 256, HP_GIVE_FREED),
		S_GIVE(257, 254, HP_GIVE_FREED),
		S_COUNT(510, 510, 0, 0, 1, 2),
	} },
	/* A pool out of service hands out nothing, and still takes back. */
	{ "dead node", {
		S_ADD(0, 4),
		S_ADD_1G(512),
		S_TAKE(3, 1, false),
		S_KILL,
		S_NONE(HP_2M, true),
		S_NONE(HP_1G, true),
		S_GIVE(3, 1, HP_GIVE_FREED),
		S_COUNT(4, 4, 1, 1, 0, 0),
	} },
};

/* What a script runs on. Zeroed by the caller, too large for the stack. */
struct hp_bed {
	struct hp_node node, node_before;
	struct hp_block *windows[HP_BED_WINDOWS];
	struct hp_block blocks[HP_BED_WINDOWS + 1];
	struct hp_block blocks_before[HP_BED_WINDOWS + 1];
	u8 kind[HP_BED_UNITS];
};

static inline void hp_bed_remember(struct hp_bed *bed)
{
	memcpy(&bed->node_before, &bed->node, sizeof(bed->node));
	memcpy(bed->blocks_before, bed->blocks, sizeof(bed->blocks));
}

static inline bool hp_bed_changed(const struct hp_bed *bed)
{
	return memcmp(&bed->node_before, &bed->node, sizeof(bed->node)) ||
	       memcmp(bed->blocks_before, bed->blocks, sizeof(bed->blocks));
}

static inline const char *hp_step_add(struct hp_bed *bed,
				      const struct hp_step *step)
{
	unsigned int window = HP_BED_WINDOWS;

	if (!step->other && step->unit >= 0 && step->unit < HP_BED_UNITS)
		window = step->unit / HP_UNITS_PER_BLOCK;
	if (hp_node_add(&bed->node, &bed->blocks[window],
			HP_BED_FIRST_UNIT + step->unit, step->nr,
			step->gigantic) != step->result)
		return "hp_node_add() answered wrongly";
	if (step->result && hp_bed_changed(bed))
		return "a refused hp_node_add() changed something";
	return NULL;
}

static inline const char *hp_step_take(struct hp_bed *bed,
				       const struct hp_step *step,
				       unsigned int call)
{
	long unit = step->unit - call;
	struct hp_slot slot;
	u8 kind = 1 + unit % 250;

	/* Whatever hp_node_take() leaves unset shows. */
	memset(&slot, 0xa5, sizeof(slot));
	if (hp_node_take(&bed->node, step->class, step->brk && !call, kind,
			 &slot) != step->result)
		return "hp_node_take() answered wrongly";
	if (!step->result)
		return hp_bed_changed(bed) ?
			"a refused hp_node_take() changed something" : NULL;
	if (slot.unit != HP_BED_FIRST_UNIT + unit)
		return "hp_node_take() handed out another unit";
	if (slot.class != step->class || slot.form != step->form ||
	    slot.broke != (step->broke && !call))
		return "hp_node_take() described the block wrongly";
	if (slot.broke && step->other == (slot.broken / HP_UNITS_PER_BLOCK ==
					  slot.unit / HP_UNITS_PER_BLOCK))
		return "hp_node_take() broke another block than it should";
	bed->kind[unit] = kind;
	return NULL;
}

static inline const char *hp_step_give(struct hp_bed *bed,
				       const struct hp_step *step,
				       unsigned int call)
{
	long unit = step->unit + call;
	u8 kind = 0;

	if ((int)hp_node_give(&bed->node, HP_BED_FIRST_UNIT + unit,
			      step->units ?: hp_class_units(step->class),
			      &kind) != step->result)
		return "hp_node_give() answered wrongly";
	if (step->result != HP_GIVE_BAD)
		return kind == bed->kind[unit] ?
			NULL : "hp_node_give() forgot the consumer";
	if (kind || hp_bed_changed(bed))
		return "a refused hp_node_give() changed something";
	return NULL;
}

static inline const char *hp_step_split(struct hp_bed *bed,
					const struct hp_step *step)
{
	unsigned int i;
	u8 kind = 0;

	if (hp_node_split(&bed->node, HP_BED_FIRST_UNIT + step->unit,
			  step->units, step->new_units, &kind) != step->result)
		return "hp_node_split() answered wrongly";
	if (!step->result)
		return kind || hp_bed_changed(bed) ?
			"a refused hp_node_split() changed something" : NULL;
	if (kind != bed->kind[step->unit])
		return "hp_node_split() forgot the consumer";
	for (i = 0; i < step->units; i++)
		bed->kind[step->unit + i] = kind;
	return NULL;
}

static inline const char *hp_step_merge(struct hp_bed *bed,
					const struct hp_step *step)
{
	unsigned long unit = ~0UL;

	if (hp_node_merge(&bed->node, step->nr, &unit) != step->result)
		return "hp_node_merge() answered wrongly";
	if (!step->result)
		return hp_bed_changed(bed) ?
			"a hp_node_merge() in vain changed something" : NULL;
	return unit == HP_BED_FIRST_UNIT + step->unit ?
		NULL : "hp_node_merge() made another block whole";
}

static inline const char *hp_step_fail(struct hp_bed *bed,
				       const struct hp_step *step,
				       unsigned int call)
{
	if ((int)hp_node_fail(&bed->node, HP_BED_FIRST_UNIT + step->unit + call)
	    != step->result)
		return "hp_node_fail() answered wrongly";
	if ((step->result == HP_FAIL_NOT_OURS ||
	     step->result == HP_FAIL_AGAIN) && hp_bed_changed(bed))
		return "an idle hp_node_fail() changed something";
	return NULL;
}

static inline const char *hp_step_count(const struct hp_bed *bed,
					const struct hp_step *step)
{
	const struct hp_node *node = &bed->node;

	if (node->total[HP_2M] != step->count[0] ||
	    node->free[HP_2M] != step->count[1])
		return "the 2 MB counters are wrong";
	if (node->total[HP_1G] != step->count[2] ||
	    node->free[HP_1G] != step->count[3])
		return "the 1 GB counters are wrong";
	if (node->nr_broken != step->count[4] ||
	    node->nr_poisoned != step->count[5])
		return "the broken or poisoned counter is wrong";
	return NULL;
}

static inline const char *hp_step_run(struct hp_bed *bed,
				      const struct hp_step *step,
				      unsigned int call)
{
	switch (step->op) {
	case HP_OP_ADD:
		return hp_step_add(bed, step);
	case HP_OP_TAKE:
		return hp_step_take(bed, step, call);
	case HP_OP_GIVE:
		return hp_step_give(bed, step, call);
	case HP_OP_SPLIT:
		return hp_step_split(bed, step);
	case HP_OP_FAIL:
		return hp_step_fail(bed, step, call);
	case HP_OP_MERGE:
		return hp_step_merge(bed, step);
	case HP_OP_COUNT:
		return hp_step_count(bed, step);
	case HP_OP_KILL:
		bed->node.dead = true;
		return NULL;
	default:
		return "no such step";
	}
}

/* NULL, or what was broken, and by which step of @script (counted from 1). */
static inline const char *hp_script_run(const struct hp_script *script,
					struct hp_bed *bed, unsigned int *at)
{
	const char *wrong = NULL;
	unsigned int i, call;

	hp_node_init(&bed->node, 1, bed->windows, HP_BED_FIRST_WINDOW,
		     HP_BED_WINDOWS);
	for (i = 0; i < HP_MAX_STEPS && script->steps[i].op; i++) {
		const struct hp_step *step = &script->steps[i];
		bool once = step->op == HP_OP_ADD ||
			    step->op == HP_OP_MERGE || !step->nr;
		unsigned int calls = once ? 1 : step->nr;

		*at = i + 1;
		for (call = 0; call < calls && !wrong; call++) {
			hp_bed_remember(bed);
			wrong = hp_step_run(bed, step, call);
		}
		if (!wrong && !hp_node_check(&bed->node))
			wrong = "hp_node_check() found the counters wrong";
		if (wrong)
			break;
	}
	return wrong;
}

#endif /* _MM_HUGEPOOL_TESTS_CORE_CASES_H */
