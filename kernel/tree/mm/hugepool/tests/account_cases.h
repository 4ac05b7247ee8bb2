/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hugepool: what charging through a tree of accounts promises, as scripts. Run by
 * KUnit (account_kunit.c) and in userspace under sanitizers (tests/sim of the
 * hugepool project).
 */
#ifndef _MM_HUGEPOOL_TESTS_ACCOUNT_CASES_H
#define _MM_HUGEPOOL_TESTS_ACCOUNT_CASES_H

#include "account_tree.h"

#define HP_ALL_NODES	(-1)
#define HP_MAX_ACTS	20

enum hp_act_op {
	HP_ACT_END,
	HP_ACT_MAX,
	HP_ACT_CHARGE,
	HP_ACT_REFUSED,
	HP_ACT_UNCHARGE,
	HP_ACT_BREAK,
	HP_ACT_WHOLE,
	HP_ACT_IS,
};

/**
 * struct hp_act - one call and its answer
 * @op: MAX sets a limit; CHARGE asks and charges; REFUSED asks and is told @by;
 *	UNCHARGE gives back; BREAK moves 1 GB blocks to 2 MB; IS compares used and
 *	peak
 * @who: account
 * @class: size
 * @nid: node, or HP_ALL_NODES with MAX and IS
 * @value: the limit, or what used must be, or the number of blocks
 * @peak: what the peak must be; with UNCHARGE, blocks given back in each of the
 *	  @value calls, 0 for one
 * @by: the account that must refuse
 */
struct hp_act {
	enum hp_act_op op;
	enum hp_who who;
	enum hp_class class;
	int nid;
	unsigned long value;
	unsigned long peak;
	enum hp_who by;
};

struct hp_play {
	const char *name;
	struct hp_act acts[HP_MAX_ACTS];
};

#define A_MAX(_who, _class, _nid, _max) \
	{ HP_ACT_MAX, _who, _class, _nid, _max, 0, HP_NOBODY }
#define A_CHARGE(_who, _class, _nid, _times) \
	{ HP_ACT_CHARGE, _who, _class, _nid, _times, 0, HP_NOBODY }
#define A_REFUSED(_who, _class, _nid, _by) \
	{ HP_ACT_REFUSED, _who, _class, _nid, 0, 0, _by }
#define A_UNCHARGE(_who, _class, _nid, _times) \
	{ HP_ACT_UNCHARGE, _who, _class, _nid, _times, 0, HP_NOBODY }
#define A_UNCHARGE_ALL(_who, _class, _nid, _blocks) \
	{ HP_ACT_UNCHARGE, _who, _class, _nid, 1, _blocks, HP_NOBODY }
#define A_BREAK(_who, _nid, _times) \
	{ HP_ACT_BREAK, _who, HP_1G, _nid, _times, 0, HP_NOBODY }
#define A_WHOLE(_who, _nid) \
	{ HP_ACT_WHOLE, _who, HP_1G, _nid, 1, 0, HP_NOBODY }
#define A_IS(_who, _class, _nid, _used, _peak) \
	{ HP_ACT_IS, _who, _class, _nid, _used, _peak, HP_NOBODY }

static const struct hp_play hp_plays[] = {
	/* A charge counts in the account and above it, nowhere else. */
	{ "charge reaches every ancestor", {
		A_CHARGE(HP_B, HP_2M, 1, 3),
		A_IS(HP_B, HP_2M, 1, 3, 3),
		A_IS(HP_B, HP_2M, HP_ALL_NODES, 3, 3),
		A_IS(HP_A, HP_2M, 1, 3, 3),
		A_IS(HP_ROOT, HP_2M, 1, 3, 3),
		A_IS(HP_ROOT, HP_2M, HP_ALL_NODES, 3, 3),
		A_IS(HP_C, HP_2M, HP_ALL_NODES, 0, 0),
		A_IS(HP_D, HP_2M, HP_ALL_NODES, 0, 0),
		A_IS(HP_B, HP_2M, 0, 0, 0),
		A_IS(HP_B, HP_1G, 1, 0, 0),
		A_IS(HP_ROOT, HP_1G, HP_ALL_NODES, 0, 0),
		A_UNCHARGE(HP_B, HP_2M, 1, 3),
		A_IS(HP_B, HP_2M, 1, 0, 3),
		A_IS(HP_ROOT, HP_2M, HP_ALL_NODES, 0, 3),
	} },
	/* What has never been limited is never refused. */
	{ "no limit", {
		A_CHARGE(HP_C, HP_1G, 2, 1000),
		A_IS(HP_ROOT, HP_1G, 2, 1000, 1000),
	} },
	/* A limit allows exactly its number. */
	{ "limit of its own", {
		A_MAX(HP_B, HP_2M, HP_ALL_NODES, 2),
		A_CHARGE(HP_B, HP_2M, 0, 1),
		A_CHARGE(HP_B, HP_2M, 2, 1),
		A_REFUSED(HP_B, HP_2M, 0, HP_B),
		A_REFUSED(HP_B, HP_2M, 1, HP_B),
		A_CHARGE(HP_B, HP_1G, 0, 1),
		A_CHARGE(HP_C, HP_2M, 0, 1),
		A_UNCHARGE(HP_B, HP_2M, 2, 1),
		A_CHARGE(HP_B, HP_2M, 0, 1),
		A_REFUSED(HP_B, HP_2M, 0, HP_B),
	} },
	/* The limit of an ancestor holds for all below it together. */
	{ "limit of an ancestor", {
		A_MAX(HP_A, HP_2M, HP_ALL_NODES, 3),
		A_CHARGE(HP_B, HP_2M, 0, 2),
		A_CHARGE(HP_C, HP_2M, 1, 1),
		A_REFUSED(HP_B, HP_2M, 0, HP_A),
		A_REFUSED(HP_C, HP_2M, 2, HP_A),
		A_REFUSED(HP_A, HP_2M, 2, HP_A),
		A_CHARGE(HP_D, HP_2M, 0, 1),
		A_UNCHARGE(HP_B, HP_2M, 0, 1),
		A_CHARGE(HP_A, HP_2M, 2, 1),
		A_REFUSED(HP_B, HP_2M, 0, HP_A),
	} },
	/* The bookkeeping of the root itself can refuse, too. */
	{ "limit of the root", {
		A_MAX(HP_ROOT, HP_1G, 1, 1),
		A_CHARGE(HP_D, HP_1G, 1, 1),
		A_REFUSED(HP_B, HP_1G, 1, HP_ROOT),
		A_CHARGE(HP_B, HP_1G, 0, 1),
	} },
	/* Of several limits that are reached the lowest one is named. */
	{ "the lowest limit refuses", {
		A_MAX(HP_A, HP_2M, HP_ALL_NODES, 1),
		A_MAX(HP_B, HP_2M, 0, 1),
		A_CHARGE(HP_B, HP_2M, 0, 1),
		A_REFUSED(HP_B, HP_2M, 0, HP_B),
		A_REFUSED(HP_B, HP_2M, 1, HP_A),
		A_REFUSED(HP_C, HP_2M, 0, HP_A),
	} },
	/* A limit of one node and one size leaves the others alone. */
	{ "limit per node", {
		A_MAX(HP_B, HP_2M, 1, 1),
		A_CHARGE(HP_B, HP_2M, 1, 1),
		A_REFUSED(HP_B, HP_2M, 1, HP_B),
		A_CHARGE(HP_B, HP_2M, 0, 5),
		A_CHARGE(HP_B, HP_1G, 1, 5),
		A_CHARGE(HP_A, HP_2M, 1, 1),
		A_MAX(HP_A, HP_2M, 0, 5),
		A_REFUSED(HP_C, HP_2M, 0, HP_A),
		A_CHARGE(HP_C, HP_2M, 2, 1),
	} },
	/* 0 allows nothing, and a limit below usage only stops more. */
	{ "limit at once", {
		A_MAX(HP_D, HP_2M, HP_ALL_NODES, 0),
		A_REFUSED(HP_D, HP_2M, 0, HP_D),
		A_MAX(HP_D, HP_2M, HP_ALL_NODES, HP_NO_LIMIT),
		A_CHARGE(HP_D, HP_2M, 0, 4),
		A_MAX(HP_D, HP_2M, HP_ALL_NODES, 2),
		A_IS(HP_D, HP_2M, HP_ALL_NODES, 4, 4),
		A_REFUSED(HP_D, HP_2M, 0, HP_D),
		A_UNCHARGE(HP_D, HP_2M, 0, 2),
		A_REFUSED(HP_D, HP_2M, 0, HP_D),
		A_UNCHARGE(HP_D, HP_2M, 0, 1),
		A_CHARGE(HP_D, HP_2M, 0, 1),
	} },
	/* A refused try is in no peak, at no level. */
	{ "peak counts what was held", {
		A_MAX(HP_ROOT, HP_2M, 0, 2),
		A_CHARGE(HP_B, HP_2M, 0, 2),
		A_REFUSED(HP_B, HP_2M, 0, HP_ROOT),
		A_REFUSED(HP_C, HP_2M, 0, HP_ROOT),
		A_IS(HP_C, HP_2M, 0, 0, 0),
		A_IS(HP_B, HP_2M, 0, 2, 2),
		A_IS(HP_A, HP_2M, HP_ALL_NODES, 2, 2),
		A_IS(HP_ROOT, HP_2M, HP_ALL_NODES, 2, 2),
		A_UNCHARGE(HP_B, HP_2M, 0, 1),
		A_CHARGE(HP_B, HP_2M, 1, 1),
		A_IS(HP_B, HP_2M, 0, 1, 2),
		A_IS(HP_B, HP_2M, 1, 1, 1),
		A_IS(HP_B, HP_2M, HP_ALL_NODES, 2, 2),
		A_CHARGE(HP_C, HP_2M, 2, 1),
		A_IS(HP_A, HP_2M, HP_ALL_NODES, 3, 3),
	} },
	/* Of a cgroup that is gone, an ancestor gives back what it left. */
	{ "uncharge from an ancestor", {
		A_CHARGE(HP_B, HP_2M, 0, 2),
		A_CHARGE(HP_C, HP_2M, 0, 1),
		A_UNCHARGE(HP_A, HP_2M, 0, 2),
		A_IS(HP_A, HP_2M, 0, 1, 3),
		A_IS(HP_ROOT, HP_2M, HP_ALL_NODES, 1, 3),
		A_IS(HP_C, HP_2M, 0, 1, 1),
	} },
	/* A broken block is 512 units of the same owner, at every level. */
	{ "break moves to 2 MB", {
		A_CHARGE(HP_B, HP_1G, 1, 2),
		A_CHARGE(HP_C, HP_2M, 1, 1),
		A_BREAK(HP_B, 1, 1),
		A_IS(HP_B, HP_1G, 1, 1, 2),
		A_IS(HP_B, HP_2M, 1, 512, 512),
		A_IS(HP_B, HP_2M, HP_ALL_NODES, 512, 512),
		A_IS(HP_B, HP_2M, 0, 0, 0),
		A_IS(HP_A, HP_1G, HP_ALL_NODES, 1, 2),
		A_IS(HP_A, HP_2M, 1, 513, 513),
		A_IS(HP_ROOT, HP_1G, 1, 1, 2),
		A_IS(HP_ROOT, HP_2M, HP_ALL_NODES, 513, 513),
		A_IS(HP_C, HP_2M, 1, 1, 1),
		A_IS(HP_D, HP_2M, 1, 0, 0),
		A_UNCHARGE_ALL(HP_B, HP_2M, 1, 256),
		A_UNCHARGE_ALL(HP_A, HP_2M, 1, 256),
		A_IS(HP_A, HP_2M, 1, 1, 513),
		A_IS(HP_B, HP_2M, 1, 256, 512),
		A_IS(HP_ROOT, HP_2M, HP_ALL_NODES, 1, 513),
	} },
	/* Whatever the limits for 2 MB are; they stop only what comes next. */
	{ "break above the limit", {
		A_MAX(HP_A, HP_2M, HP_ALL_NODES, 3),
		A_MAX(HP_B, HP_2M, 0, 0),
		A_MAX(HP_B, HP_1G, HP_ALL_NODES, 1),
		A_CHARGE(HP_B, HP_1G, 0, 1),
		A_REFUSED(HP_B, HP_1G, 0, HP_B),
		A_BREAK(HP_B, 0, 1),
		A_IS(HP_B, HP_2M, 0, 512, 512),
		A_IS(HP_A, HP_2M, HP_ALL_NODES, 512, 512),
		A_REFUSED(HP_C, HP_2M, 1, HP_A),
		/* That for 1 GB has no room until the block is whole again. */
		A_IS(HP_B, HP_1G, 0, 0, 1),
		A_REFUSED(HP_B, HP_1G, 0, HP_B),
		A_REFUSED(HP_B, HP_1G, 1, HP_B),
		A_CHARGE(HP_C, HP_1G, 0, 1),
		A_WHOLE(HP_B, 0),
		A_CHARGE(HP_B, HP_1G, 0, 1),
		A_UNCHARGE_ALL(HP_B, HP_2M, 0, 510),
		A_CHARGE(HP_C, HP_2M, 1, 1),
		A_REFUSED(HP_C, HP_2M, 1, HP_A),
	} },
};

static inline struct hp_count *hp_tree_count(const struct hp_tree *tree,
					     const struct hp_act *act)
{
	struct hp_account *account = tree->who[act->who];

	if (act->nid == HP_ALL_NODES)
		return &account->all[act->class];
	return &account->nodes[act->nid].count[act->class];
}

/* The parts add up: consumers to their node, nodes to the whole. */
static inline bool hp_account_adds_up(const struct hp_account *account,
				      enum hp_class class)
{
	unsigned long nodes = 0;
	unsigned int nid, consumer;

	for (nid = 0; nid < HP_TREE_NODES; nid++) {
		const struct hp_account_node *node = &account->nodes[nid];
		unsigned long held = 0;

		for (consumer = 0; consumer < HP_NR_CONSUMERS; consumer++)
			held += node->held[consumer][class];
		if (held != node->count[class].used)
			return false;
		nodes += held;
	}
	return nodes == account->all[class].used;
}

static inline const char *hp_act_run(const struct hp_tree *tree,
				     const struct hp_act *act)
{
	struct hp_account *account = tree->who[act->who];
	struct hp_count *count;
	unsigned long i;

	switch (act->op) {
	case HP_ACT_MAX:
		hp_tree_count(tree, act)->max = act->value;
		return NULL;
	case HP_ACT_CHARGE:
		for (i = 0; i < act->value; i++) {
			if (hp_account_over(account, act->class, act->nid))
				return "hp_account_over() refused";
			hp_account_charge(account, HP_SHMEM, act->class,
					  act->nid);
		}
		return NULL;
	case HP_ACT_REFUSED:
		return hp_account_over(account, act->class, act->nid) ==
		       tree->who[act->by] ?
		       NULL : "hp_account_over() answered wrongly";
	case HP_ACT_UNCHARGE:
		for (i = 0; i < act->value; i++)
			hp_account_uncharge(account, HP_SHMEM, act->class,
					    act->nid, act->peak ?: 1);
		return NULL;
	case HP_ACT_BREAK:
		for (i = 0; i < act->value; i++)
			hp_account_break(account, HP_SHMEM, act->nid);
		hp_account_owe(account, act->nid, act->value);
		return NULL;
	case HP_ACT_WHOLE:
		hp_account_owe(account, act->nid, -1);
		return NULL;
	case HP_ACT_IS:
		count = hp_tree_count(tree, act);
		return count->used == act->value && count->peak == act->peak ?
		       NULL : "used or peak is wrong";
	default:
		return "no such act";
	}
}

/* NULL, or what was broken, and by which act of @play (counted from 1). */
static inline const char *hp_play_run(const struct hp_play *play,
				      struct hp_tree *tree, unsigned int *at)
{
	const char *wrong;
	unsigned int i;

	hp_tree_init(tree);
	for (i = 0; i < HP_MAX_ACTS && play->acts[i].op; i++) {
		const struct hp_act *act = &play->acts[i];

		*at = i + 1;
		wrong = hp_act_run(tree, act);
		if (wrong)
			return wrong;
		if (!hp_account_adds_up(tree->who[HP_A], HP_2M) ||
		    !hp_account_adds_up(tree->who[HP_A], HP_1G) ||
		    !hp_account_adds_up(tree->who[HP_ROOT], HP_2M) ||
		    !hp_account_adds_up(tree->who[HP_ROOT], HP_1G))
			return "the parts do not add up";
	}
	return NULL;
}

#endif /* _MM_HUGEPOOL_TESTS_ACCOUNT_CASES_H */
