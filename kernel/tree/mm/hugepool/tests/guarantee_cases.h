/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hugepool: what memory.hugepool.min promises, as scripts. Run by KUnit
 * (guarantee_kunit.c) and in userspace under sanitizers (tests/sim of the hugepool
 * project). After each term everything is compared with the naive model.
 */
#ifndef _MM_HUGEPOOL_TESTS_GUARANTEE_CASES_H
#define _MM_HUGEPOOL_TESTS_GUARANTEE_CASES_H

#include "guarantee_market.h"

#define HP_MAX_TERMS	26

enum hp_term_op {
	HP_TERM_END,
	HP_TERM_ADD,
	HP_TERM_DEMOTE,
	HP_TERM_TAKE,
	HP_TERM_GIVE,
	HP_TERM_SPLIT,
	HP_TERM_FAIL,
	HP_TERM_MIN,
	HP_TERM_DIVIDE,
	HP_TERM_EXIT,
	HP_TERM_KILL,
	HP_TERM_MINS,
	HP_TERM_RESERVED,
	HP_TERM_ROOM,
	HP_TERM_TOTAL,
};

/**
 * struct hp_term - one call, or several, and the answer
 * @op: what to call
 * @who: account
 * @class: size
 * @nid: node
 * @nr: number of blocks; the first unit with ADD and FAIL
 * @result: what the call must return
 * @is: numbers to compare with; with ADD, units and whether they are one block;
 *	with FAIL, units
 */
struct hp_term {
	enum hp_term_op op;
	enum hp_who who;
	enum hp_class class;
	int nid;
	unsigned long nr;
	int result;
	unsigned long is[HP_TREE_NODES];
};

struct hp_deal {
	const char *name;
	struct hp_term terms[HP_MAX_TERMS];
};

/* Memory of a node: 2 MB blocks, a 1 GB block. */
#define T_ADD(_nid, _unit, _nr) \
	{ .op = HP_TERM_ADD, .nid = _nid, .nr = _unit, .is = { _nr, false } }
#define T_ADD_1G(_nid, _unit) \
	{ .op = HP_TERM_ADD, .nid = _nid, .nr = _unit, \
	  .is = { HP_UNITS_PER_BLOCK, true } }
#define T_DEMOTE { .op = HP_TERM_DEMOTE }
/* Requests: served from free blocks, by breaking one, refused. */
#define T_TAKE(_who, _class, _nid, _nr) \
	{ .op = HP_TERM_TAKE, .who = _who, .class = _class, .nid = _nid, \
	  .nr = _nr, .result = HP_ADMIT_FREE }
#define T_BREAK(_who, _nid) \
	{ .op = HP_TERM_TAKE, .who = _who, .class = HP_2M, .nid = _nid, \
	  .nr = 1, .result = HP_ADMIT_BREAK }
#define T_NONE(_who, _class, _nid) \
	{ .op = HP_TERM_TAKE, .who = _who, .class = _class, .nid = _nid, \
	  .nr = 1, .result = HP_ADMIT_NONE }
/* Blocks of an account come back, the one of 1 GB is split by its owner. */
#define T_GIVE(_who, _class, _nid, _nr) \
	{ .op = HP_TERM_GIVE, .who = _who, .class = _class, .nid = _nid, \
	  .nr = _nr }
#define T_SPLIT(_who, _nid) \
	{ .op = HP_TERM_SPLIT, .who = _who, .class = HP_1G, .nid = _nid }
#define T_FAIL(_nid, _unit, _nr) \
	{ .op = HP_TERM_FAIL, .nid = _nid, .nr = _unit, .is = { _nr } }
/* Guarantees: on one node, divided over all, refused, and what they are. */
#define T_MIN(_who, _class, _nid, _nr) \
	{ .op = HP_TERM_MIN, .who = _who, .class = _class, .nid = _nid, \
	  .nr = _nr }
#define T_MIN_REFUSED(_who, _class, _nid, _nr, _result) \
	{ .op = HP_TERM_MIN, .who = _who, .class = _class, .nid = _nid, \
	  .nr = _nr, .result = _result }
#define T_DIVIDE(_who, _class, _nr, _result) \
	{ .op = HP_TERM_DIVIDE, .who = _who, .class = _class, .nr = _nr, \
	  .result = _result }
#define T_MINS(_who, _class, ...) \
	{ .op = HP_TERM_MINS, .who = _who, .class = _class, \
	  .is = { __VA_ARGS__ } }
#define T_EXIT(_who) \
	{ .op = HP_TERM_EXIT, .who = _who }
/* The pool of a node is taken out of service. */
#define T_KILL(_nid) \
	{ .op = HP_TERM_KILL, .nid = _nid }
#define T_RESERVED(_class, _nid, _nr) \
	{ .op = HP_TERM_RESERVED, .class = _class, .nid = _nid, .nr = _nr }
/* hp_claim_room(): what an account could draw. */
#define T_ROOM(_who, _class, _nid, _nr) \
	{ .op = HP_TERM_ROOM, .who = _who, .class = _class, .nid = _nid, \
	  .nr = _nr }
#define T_TOTAL(_nid, _units, _blocks) \
	{ .op = HP_TERM_TOTAL, .nid = _nid, .is = { _units, _blocks } }

static const struct hp_deal hp_deals[] = {
	/* Nobody but the owner can draw what was promised. */
	{ "outsiders cannot take it", {
		T_ADD(0, 0, 10),
		T_MIN(HP_A, HP_2M, 0, 4),
		T_RESERVED(HP_2M, 0, 4),
		T_ROOM(HP_D, HP_2M, 0, 6),
		T_ROOM(HP_ROOT, HP_2M, 0, 6),
		T_ROOM(HP_A, HP_2M, 0, 10),
		T_TAKE(HP_D, HP_2M, 0, 5),
		T_TAKE(HP_ROOT, HP_2M, 0, 1),
		T_NONE(HP_D, HP_2M, 0),
		T_NONE(HP_ROOT, HP_2M, 0),
		T_TAKE(HP_A, HP_2M, 0, 4),
		T_RESERVED(HP_2M, 0, 0),
		T_NONE(HP_A, HP_2M, 0),
	} },
	/* Each node and each size stands for itself. */
	{ "per class and node", {
		T_ADD(0, 0, 4),
		T_ADD(1, 0, 4),
		T_ADD_1G(0, 512),
		T_MIN(HP_A, HP_2M, 0, 4),
		T_NONE(HP_D, HP_2M, 0),
		T_TAKE(HP_D, HP_2M, 1, 4),
		T_TAKE(HP_D, HP_1G, 0, 1),
		T_NONE(HP_A, HP_2M, 1),
		T_NONE(HP_A, HP_1G, 0),
		T_TAKE(HP_A, HP_2M, 0, 4),
		T_MIN_REFUSED(HP_A, HP_2M, 2, 1, -ENOSPC),
		T_MIN(HP_A, HP_2M, 2, 0),
	} },
	/* An account holds what it was promised, and more where there is more. */
	{ "beyond the guarantee", {
		T_ADD(0, 0, 10),
		T_MIN(HP_A, HP_2M, 0, 4),
		T_MIN(HP_D, HP_2M, 0, 3),
		T_TAKE(HP_A, HP_2M, 0, 7),
		T_NONE(HP_A, HP_2M, 0),
		T_RESERVED(HP_2M, 0, 3),
		T_TAKE(HP_D, HP_2M, 0, 3),
		T_NONE(HP_D, HP_2M, 0),
		T_GIVE(HP_A, HP_2M, 0, 3),
		T_RESERVED(HP_2M, 0, 0),
		T_TAKE(HP_D, HP_2M, 0, 3),
		T_GIVE(HP_A, HP_2M, 0, 1),
		T_RESERVED(HP_2M, 0, 1),
		T_NONE(HP_D, HP_2M, 0),
	} },
	/* Freed blocks return to the guarantee. */
	{ "freed blocks return", {
		T_ADD(0, 0, 4),
		T_MIN(HP_B, HP_2M, 0, 0),
		T_MIN(HP_A, HP_2M, 0, 3),
		T_MIN(HP_B, HP_2M, 0, 3),
		T_TAKE(HP_B, HP_2M, 0, 3),
		T_TAKE(HP_D, HP_2M, 0, 1),
		T_GIVE(HP_B, HP_2M, 0, 3),
		T_RESERVED(HP_2M, 0, 3),
		T_NONE(HP_D, HP_2M, 0),
		T_NONE(HP_C, HP_2M, 0),
		T_TAKE(HP_B, HP_2M, 0, 3),
		T_NONE(HP_B, HP_2M, 0),
	} },
	/* What is held already counts as kept for its holder. */
	{ "what is held counts", {
		T_ADD(0, 0, 10),
		T_TAKE(HP_A, HP_2M, 0, 6),
		T_TAKE(HP_D, HP_2M, 0, 4),
		T_MIN(HP_A, HP_2M, 0, 6),
		T_MIN_REFUSED(HP_A, HP_2M, 0, 7, -ENOSPC),
		T_RESERVED(HP_2M, 0, 0),
		T_GIVE(HP_A, HP_2M, 0, 5),
		T_RESERVED(HP_2M, 0, 5),
		T_NONE(HP_D, HP_2M, 0),
		T_MIN_REFUSED(HP_D, HP_2M, 0, 5, -ENOSPC),
		T_MIN(HP_D, HP_2M, 0, 4),
	} },
	/* What nobody is charged for is in nobody's share. */
	{ "uncharged users", {
		T_ADD(0, 0, 10),
		T_TAKE(HP_ROOT, HP_2M, 0, 3),
		T_MIN_REFUSED(HP_A, HP_2M, 0, 8, -ENOSPC),
		T_MIN(HP_A, HP_2M, 0, 7),
		T_NONE(HP_ROOT, HP_2M, 0),
		T_GIVE(HP_ROOT, HP_2M, 0, 2),
		T_MIN(HP_D, HP_2M, 0, 2),
		T_NONE(HP_ROOT, HP_2M, 0),
	} },
	/* More than the pool has left is refused, and changes nothing. */
	{ "does not fit in the pool", {
		T_ADD(0, 0, 10),
		T_MIN_REFUSED(HP_A, HP_2M, 0, 11, -ENOSPC),
		T_MIN_REFUSED(HP_A, HP_2M, 0, HP_NO_LIMIT >> HP_UNIT_SHIFT,
			      -ENOSPC),
		T_MINS(HP_A, HP_2M, 0, 0, 0),
		T_MIN(HP_A, HP_2M, 0, 10),
		T_MIN_REFUSED(HP_D, HP_2M, 0, 1, -ENOSPC),
		T_MIN_REFUSED(HP_A, HP_1G, 0, 1, -ENOSPC),
		T_MIN(HP_A, HP_2M, 0, 3),
		T_MIN(HP_D, HP_2M, 0, 7),
		T_MIN_REFUSED(HP_A, HP_2M, 0, 4, -ENOSPC),
		T_MINS(HP_A, HP_2M, 3, 0, 0),
	} },
	/* A child's guarantee comes out of its parent's. */
	{ "out of the parent's share", {
		T_ADD(0, 0, 20),
		T_MIN_REFUSED(HP_B, HP_2M, 0, 1, -ENOSPC),
		T_MIN(HP_A, HP_2M, 0, 10),
		T_MIN(HP_B, HP_2M, 0, 6),
		T_RESERVED(HP_2M, 0, 10),
		T_MIN_REFUSED(HP_C, HP_2M, 0, 5, -ENOSPC),
		T_MIN(HP_C, HP_2M, 0, 4),
		T_MIN_REFUSED(HP_E, HP_2M, 0, 7, -ENOSPC),
		T_MIN(HP_E, HP_2M, 0, 6),
		T_RESERVED(HP_2M, 0, 10),
		T_MIN_REFUSED(HP_B, HP_2M, 0, 7, -ENOSPC),
		T_MIN(HP_A, HP_2M, 0, 11),
		T_MIN(HP_B, HP_2M, 0, 7),
	} },
	/* So do the claims of the other children, guaranteed or not. */
	{ "other children's claims", {
		T_ADD(0, 0, 20),
		T_MIN(HP_A, HP_2M, 0, 10),
		T_TAKE(HP_C, HP_2M, 0, 7),
		T_MIN_REFUSED(HP_B, HP_2M, 0, 4, -ENOSPC),
		T_MIN(HP_B, HP_2M, 0, 3),
		T_GIVE(HP_C, HP_2M, 0, 3),
		T_MIN(HP_B, HP_2M, 0, 6),
		/* Held by the parent itself, it counts in the pool alone. */
		T_TAKE(HP_A, HP_2M, 0, 10),
		T_MIN_REFUSED(HP_E, HP_2M, 0, 7, -ENOSPC),
		T_MIN(HP_E, HP_2M, 0, 6),
		T_NONE(HP_D, HP_2M, 0),
		T_TAKE(HP_E, HP_2M, 0, 6),
	} },
	/* A child draws on its own guarantee, then on that of its parent. */
	{ "siblings share what is their parent's", {
		T_ADD(0, 0, 20),
		T_MIN(HP_A, HP_2M, 0, 10),
		T_MIN(HP_B, HP_2M, 0, 4),
		T_TAKE(HP_D, HP_2M, 0, 10),
		T_ROOM(HP_C, HP_2M, 0, 6),
		T_TAKE(HP_C, HP_2M, 0, 6),
		T_NONE(HP_C, HP_2M, 0),
		T_NONE(HP_A, HP_2M, 0),
		T_TAKE(HP_E, HP_2M, 0, 2),
		T_TAKE(HP_B, HP_2M, 0, 2),
		T_NONE(HP_B, HP_2M, 0),
		T_GIVE(HP_C, HP_2M, 0, 1),
		T_NONE(HP_D, HP_2M, 0),
		T_TAKE(HP_B, HP_2M, 0, 1),
	} },
	/* Below what the children were promised it does not go. */
	{ "busy", {
		T_ADD(0, 0, 20),
		T_MIN(HP_A, HP_2M, 0, 10),
		T_MIN(HP_B, HP_2M, 0, 3),
		T_MIN(HP_C, HP_2M, 0, 4),
		T_MIN_REFUSED(HP_A, HP_2M, 0, 6, -EBUSY),
		T_MIN_REFUSED(HP_A, HP_2M, 0, 0, -EBUSY),
		T_MINS(HP_A, HP_2M, 10, 0, 0),
		T_MIN(HP_A, HP_2M, 0, 7),
		T_RESERVED(HP_2M, 0, 7),
		T_MIN(HP_B, HP_2M, 0, 0),
		T_MIN(HP_A, HP_2M, 0, 4),
		T_MIN(HP_C, HP_2M, 0, 0),
		T_MIN(HP_A, HP_2M, 0, 0),
		T_RESERVED(HP_2M, 0, 0),
	} },
	/* Lowering is possible whatever is held; others can draw it at once. */
	{ "lowering", {
		T_ADD(0, 0, 10),
		T_MIN(HP_A, HP_2M, 0, 8),
		T_TAKE(HP_A, HP_2M, 0, 5),
		T_TAKE(HP_D, HP_2M, 0, 2),
		T_NONE(HP_D, HP_2M, 0),
		T_MIN(HP_A, HP_2M, 0, 6),
		T_TAKE(HP_D, HP_2M, 0, 2),
		T_NONE(HP_D, HP_2M, 0),
		T_MIN(HP_A, HP_2M, 0, 2),
		T_RESERVED(HP_2M, 0, 0),
		T_TAKE(HP_D, HP_2M, 0, 1),
		T_MIN(HP_A, HP_2M, 0, 0),
		T_NONE(HP_D, HP_2M, 0),
	} },
	/* Whole blocks in proportion to what is there, the rest from the lowest. */
	{ "divide over uneven nodes", {
		T_ADD(0, 0, 10),
		T_ADD(1, 0, 30),
		T_ADD(2, 0, 1),
		T_DIVIDE(HP_A, HP_2M, 20, 0),
		T_MINS(HP_A, HP_2M, 5, 15, 0),
		T_DIVIDE(HP_A, HP_2M, 40, 0),
		T_MINS(HP_A, HP_2M, 10, 30, 0),
		T_DIVIDE(HP_A, HP_2M, 41, 0),
		T_MINS(HP_A, HP_2M, 10, 30, 1),
		T_DIVIDE(HP_A, HP_2M, 42, -ENOSPC),
		T_MINS(HP_A, HP_2M, 10, 30, 1),
		T_DIVIDE(HP_A, HP_2M, 1, 0),
		T_MINS(HP_A, HP_2M, 1, 0, 0),
		T_DIVIDE(HP_A, HP_2M, 0, 0),
		T_MINS(HP_A, HP_2M, 0, 0, 0),
		T_DIVIDE(HP_A, HP_1G, 0, 0),
		T_DIVIDE(HP_A, HP_1G, 1, -ENOSPC),
	} },
	/* A node that cannot promise any more gets nothing of the remainder. */
	{ "divide past a full node", {
		T_ADD(0, 0, 5),
		T_ADD(1, 0, 3),
		T_ADD(2, 0, 3),
		T_TAKE(HP_D, HP_2M, 0, 5),
		T_DIVIDE(HP_A, HP_2M, 5, 0),
		T_MINS(HP_A, HP_2M, 0, 3, 2),
		/* What is held counts here, too. */
		T_GIVE(HP_D, HP_2M, 0, 5),
		T_TAKE(HP_A, HP_2M, 0, 5),
		T_DIVIDE(HP_A, HP_2M, 9, 0),
		T_MINS(HP_A, HP_2M, 5, 2, 2),
	} },
	/* All shares are replaced, those written for one node included. */
	{ "divide replaces", {
		T_ADD(0, 0, 10),
		T_ADD(1, 0, 10),
		T_MIN(HP_A, HP_2M, 1, 9),
		T_DIVIDE(HP_A, HP_2M, 8, 0),
		T_MINS(HP_A, HP_2M, 4, 4, 0),
		T_MIN(HP_A, HP_2M, 0, 7),
		T_MINS(HP_A, HP_2M, 7, 4, 0),
		T_DIVIDE(HP_A, HP_2M, 2, 0),
		T_MINS(HP_A, HP_2M, 1, 1, 0),
	} },
	/* A parent keeps on each node what its children were promised there. */
	{ "divide above the children", {
		T_ADD(0, 0, 10),
		T_ADD(1, 0, 10),
		T_DIVIDE(HP_A, HP_2M, 20, 0),
		T_MIN(HP_B, HP_2M, 1, 8),
		T_DIVIDE(HP_A, HP_2M, 7, -EBUSY),
		T_MINS(HP_A, HP_2M, 10, 10, 0),
		T_DIVIDE(HP_A, HP_2M, 8, 0),
		T_MINS(HP_A, HP_2M, 0, 8, 0),
		T_DIVIDE(HP_A, HP_2M, 11, 0),
		T_MINS(HP_A, HP_2M, 3, 8, 0),
		T_DIVIDE(HP_A, HP_2M, 16, 0),
		T_MINS(HP_A, HP_2M, 8, 8, 0),
		T_DIVIDE(HP_B, HP_2M, 17, -ENOSPC),
		T_DIVIDE(HP_B, HP_2M, 8, 0),
		T_MINS(HP_B, HP_2M, 4, 4, 0),
	} },
	/* A removed cgroup keeps nothing from anybody. */
	{ "removal", {
		T_ADD(0, 0, 10),
		T_MIN(HP_D, HP_2M, 0, 8),
		T_TAKE(HP_D, HP_2M, 0, 3),
		T_ROOM(HP_A, HP_2M, 0, 2),
		T_EXIT(HP_D),
		T_RESERVED(HP_2M, 0, 0),
		T_ROOM(HP_A, HP_2M, 0, 7),
		T_MIN(HP_A, HP_2M, 0, 7),
		T_GIVE(HP_ROOT, HP_2M, 0, 3),
		T_MIN(HP_A, HP_2M, 0, 10),
	} },
	/* At depth, what it has left behind draws on its parent's guarantee. */
	{ "removal at depth", {
		T_ADD(0, 0, 20),
		T_MIN(HP_A, HP_2M, 0, 12),
		T_MIN(HP_B, HP_2M, 0, 10),
		T_MIN(HP_E, HP_2M, 0, 6),
		T_TAKE(HP_E, HP_2M, 0, 4),
		T_EXIT(HP_E),
		T_RESERVED(HP_2M, 0, 8),
		T_MIN(HP_B, HP_2M, 0, 5),
		/* Not a claim of a child any more, and no obstacle to others. */
		T_MIN(HP_C, HP_2M, 0, 7),
		T_EXIT(HP_B),
		T_RESERVED(HP_2M, 0, 8),
		T_MIN(HP_C, HP_2M, 0, 12),
		T_GIVE(HP_A, HP_2M, 0, 2),
		T_ROOM(HP_D, HP_2M, 0, 6),
		T_EXIT(HP_C),
		T_EXIT(HP_A),
		T_RESERVED(HP_2M, 0, 0),
		T_ROOM(HP_D, HP_2M, 0, 18),
		T_GIVE(HP_ROOT, HP_2M, 0, 2),
		T_ROOM(HP_D, HP_2M, 0, 20),
	} },
	/* Requests that were under way are the parent's. */
	{ "request of a removed cgroup", {
		T_ADD(0, 0, 10),
		T_MIN(HP_A, HP_2M, 0, 6),
		T_MIN(HP_B, HP_2M, 0, 6),
		T_TAKE(HP_D, HP_2M, 0, 4),
		T_NONE(HP_C, HP_2M, 0),
		T_EXIT(HP_E),
		T_TAKE(HP_E, HP_2M, 0, 2),
		T_EXIT(HP_B),
		T_TAKE(HP_E, HP_2M, 0, 1),
		T_TAKE(HP_B, HP_2M, 0, 1),
		T_MIN(HP_C, HP_2M, 0, 2),
		T_NONE(HP_E, HP_2M, 0),
		T_TAKE(HP_C, HP_2M, 0, 2),
		T_GIVE(HP_A, HP_2M, 0, 4),
		T_TAKE(HP_C, HP_2M, 0, 4),
	} },
	/* Whole blocks are not broken to promise 2 MB, broken ones will do. */
	{ "2 MB by units only", {
		T_ADD_1G(0, 0),
		T_ADD_1G(0, 512),
		T_ADD(0, 1024, 5),
		T_DEMOTE,
		T_MIN_REFUSED(HP_A, HP_2M, 0, 6, -ENOSPC),
		T_MIN(HP_A, HP_2M, 0, 5),
		T_BREAK(HP_D, 0),
		T_MIN_REFUSED(HP_A, HP_2M, 0, 517, -ENOSPC),
		T_MIN(HP_A, HP_2M, 0, 516),
		T_TOTAL(0, 517, 1),
		/* For others a block may be broken, though units are free. */
		T_BREAK(HP_D, 0),
		T_TAKE(HP_D, HP_2M, 0, 511),
		T_NONE(HP_D, HP_2M, 0),
		T_TAKE(HP_A, HP_2M, 0, 516),
	} },
	/* A 1 GB block that somebody was promised stays whole. */
	{ "no break of what was promised", {
		T_ADD_1G(0, 0),
		T_ADD_1G(0, 512),
		T_DEMOTE,
		T_MIN(HP_A, HP_1G, 0, 1),
		T_BREAK(HP_D, 0),
		T_TAKE(HP_D, HP_2M, 0, 511),
		T_NONE(HP_D, HP_2M, 0),
		/* The owner breaks it only by taking it. */
		T_NONE(HP_A, HP_2M, 0),
		T_TAKE(HP_A, HP_1G, 0, 1),
		T_NONE(HP_A, HP_2M, 0),
		T_NONE(HP_D, HP_1G, 0),
	} },
	/* Units that were promised keep a block broken; it is whole afterwards. */
	{ "merge waits for the guarantee", {
		T_ADD_1G(0, 0),
		T_ADD(0, 512, 2),
		T_DEMOTE,
		T_TAKE(HP_D, HP_2M, 0, 2),
		T_BREAK(HP_D, 0),
		T_MIN(HP_A, HP_2M, 0, 3),
		T_GIVE(HP_D, HP_2M, 0, 3),
		T_TOTAL(0, 514, 0),
		T_NONE(HP_D, HP_1G, 0),
		T_TAKE(HP_A, HP_2M, 0, 3),
		T_TOTAL(0, 514, 0),
		T_MIN(HP_A, HP_2M, 0, 2),
		T_GIVE(HP_A, HP_2M, 0, 3),
		T_TOTAL(0, 2, 1),
		T_TAKE(HP_D, HP_1G, 0, 1),
		T_RESERVED(HP_2M, 0, 2),
	} },
	/* Lowering, removal and units of others make it whole, too. */
	{ "merge after the guarantee", {
		T_ADD_1G(0, 0),
		T_ADD_1G(0, 512),
		T_DEMOTE,
		T_BREAK(HP_A, 0),
		T_MIN(HP_A, HP_2M, 0, 500),
		T_MIN(HP_B, HP_2M, 0, 500),
		T_GIVE(HP_A, HP_2M, 0, 1),
		T_TOTAL(0, 512, 1),
		T_MIN_REFUSED(HP_A, HP_2M, 0, 0, -EBUSY),
		T_EXIT(HP_E),
		T_EXIT(HP_B),
		T_TOTAL(0, 512, 1),
		T_MIN(HP_A, HP_2M, 0, 0),
		T_TOTAL(0, 0, 2),
		T_BREAK(HP_C, 0),
		T_MIN(HP_D, HP_2M, 0, 1),
		T_GIVE(HP_C, HP_2M, 0, 1),
		T_TAKE(HP_C, HP_1G, 0, 1),
		/* Its units can stand for the guarantee instead. */
		T_SPLIT(HP_C, 0),
		T_TOTAL(0, 1024, 0),
		T_GIVE(HP_C, HP_2M, 0, 1),
		T_TOTAL(0, 512, 1),
		T_EXIT(HP_D),
		T_GIVE(HP_C, HP_2M, 0, 511),
		T_TOTAL(0, 0, 2),
	} },
	/* Two idle blocks, and a guarantee that ends: both are whole at once. */
	{ "several merges", {
		T_ADD_1G(0, 0),
		T_ADD_1G(0, 512),
		T_DEMOTE,
		T_BREAK(HP_D, 0),
		T_TAKE(HP_D, HP_2M, 0, 511),
		T_BREAK(HP_D, 0),
		T_MIN(HP_A, HP_2M, 0, 511),
		T_GIVE(HP_D, HP_2M, 0, 513),
		T_TOTAL(0, 512, 1),
		T_MIN(HP_A, HP_2M, 0, 0),
		T_TOTAL(0, 0, 2),
		T_BREAK(HP_A, 0),
		T_MIN(HP_A, HP_2M, 0, 512),
		T_BREAK(HP_D, 0),
		T_MIN(HP_A, HP_2M, 0, 1023),
		T_GIVE(HP_A, HP_2M, 0, 1),
		T_GIVE(HP_D, HP_2M, 0, 1),
		T_TOTAL(0, 1024, 0),
		T_EXIT(HP_E),
		T_EXIT(HP_B),
		T_EXIT(HP_C),
		T_EXIT(HP_A),
		T_TOTAL(0, 0, 2),
	} },
	/* Whoever breaks a block that it was promised has used it up. */
	{ "break by the owner", {
		T_ADD_1G(0, 0),
		T_ADD_1G(0, 512),
		T_MIN(HP_A, HP_1G, 0, 1),
		T_MIN(HP_D, HP_1G, 0, 1),
		T_TAKE(HP_A, HP_1G, 0, 1),
		T_SPLIT(HP_A, 0),
		T_TOTAL(0, 512, 1),
		T_RESERVED(HP_1G, 0, 1),
		/* The other one was promised to D. */
		T_NONE(HP_A, HP_1G, 0),
		T_MIN_REFUSED(HP_A, HP_1G, 0, 2, -ENOSPC),
		T_NONE(HP_C, HP_2M, 0),
		T_MIN_REFUSED(HP_D, HP_2M, 0, 1, -ENOSPC),
		T_TAKE(HP_D, HP_1G, 0, 1),
		/* All units back, it is there for the guarantee again. */
		T_GIVE(HP_A, HP_2M, 0, 511),
		T_NONE(HP_A, HP_1G, 0),
		T_GIVE(HP_A, HP_2M, 0, 1),
		T_TOTAL(0, 0, 2),
		T_NONE(HP_D, HP_1G, 0),
		T_TAKE(HP_A, HP_1G, 0, 1),
	} },
	/* The same where others have taken some of the units. */
	{ "broken block in other hands", {
		T_ADD_1G(0, 0),
		T_ADD_1G(0, 512),
		T_MIN(HP_A, HP_1G, 0, 1),
		T_TAKE(HP_A, HP_1G, 0, 1),
		T_SPLIT(HP_A, 0),
		T_GIVE(HP_A, HP_2M, 0, 3),
		T_TAKE(HP_D, HP_2M, 0, 3),
		T_GIVE(HP_A, HP_2M, 0, 509),
		T_TOTAL(0, 512, 1),
		/* Used up, so it can have what is left as anybody can. */
		T_RESERVED(HP_1G, 0, 0),
		T_TAKE(HP_D, HP_1G, 0, 1),
		T_NONE(HP_A, HP_1G, 0),
		T_GIVE(HP_D, HP_2M, 0, 3),
		T_TOTAL(0, 0, 2),
		T_RESERVED(HP_1G, 0, 1),
		T_NONE(HP_D, HP_1G, 0),
		T_TAKE(HP_A, HP_1G, 0, 1),
	} },
	/* It stays so when the cgroup that broke the block is removed. */
	{ "broken block of a removed cgroup", {
		T_ADD_1G(0, 0),
		T_ADD_1G(0, 512),
		T_MIN(HP_A, HP_1G, 0, 1),
		T_MIN(HP_B, HP_1G, 0, 1),
		T_MIN(HP_D, HP_1G, 0, 1),
		T_TAKE(HP_E, HP_1G, 0, 1),
		T_SPLIT(HP_E, 0),
		T_EXIT(HP_E),
		T_NONE(HP_B, HP_1G, 0),
		T_EXIT(HP_B),
		T_NONE(HP_A, HP_1G, 0),
		T_MIN_REFUSED(HP_C, HP_1G, 0, 2, -ENOSPC),
		T_TAKE(HP_D, HP_1G, 0, 1),
		T_GIVE(HP_A, HP_2M, 0, 512),
		T_TOTAL(0, 0, 2),
		T_TAKE(HP_C, HP_1G, 0, 1),
	} },
	/* After a failure, what is left is for those who were promised it. */
	{ "overcommitted after a failure", {
		T_ADD(0, 0, 4),
		T_MIN(HP_A, HP_2M, 0, 2),
		T_MIN(HP_D, HP_2M, 0, 2),
		T_FAIL(0, 0, 1),
		T_RESERVED(HP_2M, 0, 3),
		T_NONE(HP_ROOT, HP_2M, 0),
		T_MIN_REFUSED(HP_A, HP_2M, 0, 3, -ENOSPC),
		T_TAKE(HP_A, HP_2M, 0, 2),
		T_NONE(HP_A, HP_2M, 0),
		T_TAKE(HP_D, HP_2M, 0, 1),
		T_NONE(HP_D, HP_2M, 0),
		T_RESERVED(HP_2M, 0, 0),
		/* A guarantee may stay and be lowered. */
		T_MIN(HP_D, HP_2M, 0, 2),
		T_MIN(HP_D, HP_2M, 0, 1),
		T_GIVE(HP_A, HP_2M, 0, 2),
		T_NONE(HP_D, HP_2M, 0),
		T_MIN(HP_A, HP_2M, 0, 1),
		T_TAKE(HP_D, HP_2M, 0, 1),
	} },
	/* Where a break would not make up for the loss, it is not for others. */
	{ "overcommitted by a block", {
		T_ADD_1G(0, 0),
		T_ADD_1G(0, 512),
		T_ADD(0, 1024, 512),
		T_MIN(HP_A, HP_2M, 0, 512),
		T_DEMOTE,
		T_FAIL(0, 1024, 511),
		T_BREAK(HP_D, 0),
		T_GIVE(HP_D, HP_2M, 0, 1),
		T_TOTAL(0, 513, 1),
		T_FAIL(0, 1535, 1),
		T_TOTAL(0, 512, 1),
		T_MIN(HP_A, HP_2M, 0, 0),
		T_TOTAL(0, 0, 2),
		T_BREAK(HP_A, 0),
		T_MIN(HP_A, HP_2M, 0, 512),
		T_GIVE(HP_A, HP_2M, 0, 1),
		T_FAIL(0, 512, 512),
		T_TOTAL(0, 0, 1),
		T_NONE(HP_D, HP_2M, 0),
		T_ROOM(HP_A, HP_2M, 0, 0),
		/* For those who were promised units, it is. */
		T_BREAK(HP_A, 0),
		T_NONE(HP_D, HP_2M, 0),
		T_TAKE(HP_A, HP_2M, 0, 511),
		T_NONE(HP_D, HP_2M, 0),
	} },
	/* A unit in use that failed is missing when it comes back. */
	{ "failure in use", {
		T_ADD(0, 0, 3),
		T_MIN(HP_A, HP_2M, 0, 3),
		T_TAKE(HP_A, HP_2M, 0, 1),
		T_FAIL(0, 2, 1),
		T_RESERVED(HP_2M, 0, 2),
		T_GIVE(HP_A, HP_2M, 0, 1),
		T_RESERVED(HP_2M, 0, 2),
		T_ROOM(HP_A, HP_2M, 0, 2),
		T_ROOM(HP_D, HP_2M, 0, 0),
		T_TAKE(HP_A, HP_2M, 0, 2),
		T_NONE(HP_A, HP_2M, 0),
	} },
	/* What can never be whole again is not waited for: before a split... */
	{ "failure in a 1 GB block in use", {
		T_ADD_1G(0, 0),
		T_TAKE(HP_A, HP_1G, 0, 1),
		T_ADD_1G(0, 512),
		T_ADD_1G(0, 1024),
		T_MIN(HP_A, HP_1G, 0, 2),
		T_RESERVED(HP_1G, 0, 1),
		T_FAIL(0, 5, 1),
		T_SPLIT(HP_A, 0),
		T_RESERVED(HP_1G, 0, 2),
		T_GIVE(HP_A, HP_2M, 0, 512),
		T_TOTAL(0, 511, 2),
		T_NONE(HP_D, HP_1G, 0),
		T_TAKE(HP_A, HP_1G, 0, 2),
	} },
	/* ...and after it, whether the unit is in use or free. */
	{ "failure in a broken block", {
		T_ADD_1G(0, 0),
		T_TAKE(HP_A, HP_1G, 0, 1),
		T_ADD_1G(0, 512),
		T_ADD_1G(0, 1024),
		T_MIN(HP_A, HP_1G, 0, 2),
		T_SPLIT(HP_A, 0),
		T_RESERVED(HP_1G, 0, 1),
		T_FAIL(0, 5, 1),
		T_RESERVED(HP_1G, 0, 2),
		T_NONE(HP_D, HP_1G, 0),
		T_TAKE(HP_A, HP_1G, 0, 1),
		T_SPLIT(HP_A, 0),
		T_GIVE(HP_A, HP_2M, 0, 1024),
		T_TAKE(HP_A, HP_1G, 0, 2),
	} },
	/* A pool out of service serves nobody, and takes on no guarantee. */
	{ "dead node", {
		T_ADD(0, 0, 10),
		T_ADD(1, 0, 10),
		T_MIN(HP_A, HP_2M, 0, 5),
		T_MIN(HP_A, HP_2M, 1, 1),
		T_TAKE(HP_A, HP_2M, 0, 3),
		T_KILL(0),
		T_NONE(HP_A, HP_2M, 0),
		T_MIN_REFUSED(HP_A, HP_2M, 0, 6, -ENOSPC),
		T_DIVIDE(HP_A, HP_2M, 15, 0),
		T_MINS(HP_A, HP_2M, 5, 10, 0),
		T_DIVIDE(HP_A, HP_2M, 16, -ENOSPC),
		T_MIN(HP_A, HP_2M, 0, 2),
		T_MIN_REFUSED(HP_A, HP_2M, 0, 3, -ENOSPC),
		T_GIVE(HP_A, HP_2M, 0, 3),
	} },
	/* Of a 1 GB block that fails, 511 units are left: to be promised, too. */
	{ "failure in a free 1 GB block", {
		T_ADD_1G(0, 0),
		T_ADD_1G(0, 512),
		T_DEMOTE,
		T_MIN(HP_A, HP_1G, 0, 2),
		T_NONE(HP_D, HP_2M, 0),
		T_FAIL(0, 700, 1),
		T_TOTAL(0, 511, 1),
		T_RESERVED(HP_1G, 0, 1),
		T_MIN(HP_D, HP_2M, 0, 511),
		T_NONE(HP_C, HP_2M, 0),
		T_NONE(HP_D, HP_1G, 0),
		T_TAKE(HP_D, HP_2M, 0, 511),
		T_NONE(HP_D, HP_2M, 0),
		T_TAKE(HP_A, HP_1G, 0, 1),
	} },
	/* An idle block is made whole when other units can take its place. */
	{ "merge after a failure", {
		T_ADD_1G(0, 0),
		T_ADD_1G(0, 512),
		T_ADD_1G(0, 1024),
		T_DEMOTE,
		T_BREAK(HP_D, 0),
		T_MIN(HP_D, HP_2M, 0, 5),
		T_GIVE(HP_D, HP_2M, 0, 1),
		T_TOTAL(0, 512, 2),
		/* Of those that are whole. The broken one is the last added. */
		T_FAIL(0, 100, 1),
		T_TOTAL(0, 511, 2),
		T_TAKE(HP_D, HP_1G, 0, 2),
		T_GIVE(HP_D, HP_1G, 0, 2),
	} },
	/* So it is when its owner breaks another one and gives units back. */
	{ "merge after a split", {
		T_ADD_1G(0, 0),
		T_ADD_1G(0, 512),
		T_DEMOTE,
		T_BREAK(HP_D, 0),
		T_MIN(HP_D, HP_2M, 0, 5),
		T_GIVE(HP_D, HP_2M, 0, 1),
		T_TOTAL(0, 512, 1),
		T_TAKE(HP_A, HP_1G, 0, 1),
		T_SPLIT(HP_A, 0),
		T_TOTAL(0, 1024, 0),
		T_GIVE(HP_A, HP_2M, 0, 5),
		T_TOTAL(0, 512, 1),
	} },
};

static inline const char *hp_term_take(struct hp_market *market,
				       const struct hp_term *term)
{
	const char *wrong = NULL;
	unsigned long i;

	for (i = 0; i < term->nr && !wrong; i++) {
		if (!market->nodes[term->nid].dead &&
		    (int)hp_market_expects(market, term->who, term->class,
					   term->nid) != term->result)
			return "the model does not agree";
		wrong = hp_market_take(market, term->who, term->class,
				       term->nid,
				       (enum hp_admission)term->result);
	}
	return wrong;
}

static inline bool hp_term_means(const struct hp_term *term,
				 const struct hp_grant *grant)
{
	return grant->who == term->who && grant->class == term->class &&
	       grant->nid == term->nid;
}

/* What the account was given last comes back first. */
static inline const char *hp_term_give(struct hp_market *market,
				       const struct hp_term *term)
{
	unsigned long left = term->nr;
	unsigned int i = market->nr_grants;
	const char *wrong;

	while (left) {
		if (!i--)
			return "so much is not held";
		if (!hp_term_means(term, &market->grants[i]))
			continue;
		wrong = hp_market_give(market, i);
		if (wrong)
			return wrong;
		left--;
	}
	return NULL;
}

static inline const char *hp_term_split(struct hp_market *market,
					const struct hp_term *term)
{
	unsigned int i;

	for (i = 0; i < market->nr_grants; i++)
		if (hp_term_means(term, &market->grants[i]))
			return hp_market_split(market, i);
	return "no block to split";
}

/* Questions, which change nothing. */
static inline const char *hp_term_ask(struct hp_market *market,
				      const struct hp_term *term)
{
	const struct hp_account *account = market->tree.who[term->who];
	const struct hp_node *node = &market->nodes[term->nid];
	int nid;

	switch (term->op) {
	case HP_TERM_MINS:
		for (nid = 0; nid < HP_TREE_NODES; nid++)
			if (account->nodes[nid].claim[term->class].min !=
			    term->is[nid])
				return "the guarantee is another";
		return NULL;
	case HP_TERM_RESERVED:
		return hp_claim_reserved(market->tree.who[HP_ROOT], term->class,
					 node) == term->nr ?
		       NULL : "reserved is wrong";
	case HP_TERM_ROOM:
		return hp_claim_room(account, term->class, false, node) ==
		       term->nr ? NULL : "the room is wrong";
	case HP_TERM_TOTAL:
		return node->total[HP_2M] == term->is[0] &&
		       node->total[HP_1G] == term->is[1] ?
		       NULL : "the totals are wrong";
	default:
		return "no such term";
	}
}

static inline const char *hp_term_run(struct hp_market *market,
				      const struct hp_term *term)
{
	unsigned long i;

	switch (term->op) {
	case HP_TERM_ADD:
		return hp_market_add(market, term->nid, term->nr, term->is[0],
				     term->is[1]);
	case HP_TERM_DEMOTE:
		market->demote = true;
		return NULL;
	case HP_TERM_TAKE:
		return hp_term_take(market, term);
	case HP_TERM_GIVE:
		return hp_term_give(market, term);
	case HP_TERM_SPLIT:
		return hp_term_split(market, term);
	case HP_TERM_FAIL:
		for (i = 0; i < term->is[0]; i++)
			hp_market_fail(market, term->nid, term->nr + i);
		return NULL;
	case HP_TERM_MIN:
		return hp_market_min(market, term->who, term->class, term->nid,
				     term->nr, term->result);
	case HP_TERM_DIVIDE:
		return hp_market_divide(market, term->who, term->class,
					term->nr, term->result);
	case HP_TERM_EXIT:
		hp_market_exit(market, term->who);
		return NULL;
	case HP_TERM_KILL:
		market->nodes[term->nid].dead = true;
		return NULL;
	default:
		return hp_term_ask(market, term);
	}
}

/* NULL, or what was broken, and by which term of @deal (counted from 1). */
static inline const char *hp_deal_run(const struct hp_deal *deal,
				      struct hp_market *market, unsigned int *at)
{
	const char *wrong = NULL;
	unsigned int i, nid;

	hp_market_init(market);
	for (i = 0; i < HP_MAX_TERMS && deal->terms[i].op; i++) {
		*at = i + 1;
		wrong = hp_term_run(market, &deal->terms[i]);
		if (!wrong)
			wrong = hp_market_check(market);
		for (nid = 0; nid < HP_TREE_NODES && !wrong; nid++)
			if (!hp_node_check(&market->nodes[nid]))
				wrong = "hp_node_check() found the counters wrong";
		if (wrong)
			break;
	}
	return wrong;
}

#endif /* _MM_HUGEPOOL_TESTS_GUARANTEE_CASES_H */
