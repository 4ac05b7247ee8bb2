/* SPDX-License-Identifier: GPL-2.0 */
/* Hugepool: the tree of accounts that directed cases play in. */
#ifndef _MM_HUGEPOOL_TESTS_ACCOUNT_TREE_H
#define _MM_HUGEPOOL_TESTS_ACCOUNT_TREE_H

#include "../account.h"

/* A and D are children of the root, B and C of A, E of B. */
enum hp_who {
	HP_NOBODY,
	HP_ROOT,
	HP_A,
	HP_B,
	HP_C,
	HP_D,
	HP_E,
	HP_NR_WHO,
};

#define HP_TREE_NODES	3

/* Zeroed by the caller. Indexed by enum hp_who; the first stays NULL. */
struct hp_tree {
	struct hp_account *who[HP_NR_WHO];
};

static const enum hp_who hp_tree_parents[HP_NR_WHO] = {
	[HP_A] = HP_ROOT, [HP_B] = HP_A, [HP_C] = HP_A, [HP_D] = HP_ROOT,
	[HP_E] = HP_B,
};

static inline void hp_tree_init(struct hp_tree *tree)
{
	unsigned int who;

	/* In this order, parents come before their children. */
	for (who = HP_ROOT; who < HP_NR_WHO; who++)
		hp_account_init(tree->who[who], tree->who[hp_tree_parents[who]],
				HP_TREE_NODES);
}

#endif /* _MM_HUGEPOOL_TESTS_ACCOUNT_TREE_H */
