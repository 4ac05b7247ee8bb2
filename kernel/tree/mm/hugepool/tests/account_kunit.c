// SPDX-License-Identifier: GPL-2.0
/* Hugepool: KUnit tests of charging through a tree of accounts. */

#include <kunit/test.h>
#include <linux/overflow.h>

#include "account_cases.h"

static void hp_play_desc(const struct hp_play *play, char *desc)
{
	strscpy(desc, play->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(hp_play, hp_plays, hp_play_desc);

/*
 * Limits hold at every level, per node and over all; usage and peak say at
 * every level what is and was held, and nothing of what was refused.
 */
static void hugepool_test_charges(struct kunit *test)
{
	struct hp_tree tree = {};
	unsigned int who, at = 0;
	const char *wrong;

	for (who = HP_ROOT; who < HP_NR_WHO; who++) {
		tree.who[who] = kunit_kzalloc(test,
					      struct_size(tree.who[who], nodes,
							  HP_TREE_NODES),
					      GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, tree.who[who]);
	}
	wrong = hp_play_run(test->param_value, &tree, &at);
	if (wrong)
		KUNIT_FAIL(test, "act %u: %s", at, wrong);
}

/* A new account holds nothing and is not limited, whatever was there before. */
static void hugepool_test_init(struct kunit *test)
{
	struct hp_account *account;
	size_t size = struct_size(account, nodes, HP_TREE_NODES);
	unsigned int class, nid;

	account = kunit_kmalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, account);
	memset(account, 0x5a, size);
	hp_account_init(account, NULL, HP_TREE_NODES);

	KUNIT_EXPECT_NULL(test, account->parent);
	KUNIT_EXPECT_FALSE(test, account->gone);
	for (class = 0; class < HP_NR_CLASSES; class++) {
		KUNIT_EXPECT_EQ(test, account->all[class].used, 0);
		KUNIT_EXPECT_EQ(test, account->all[class].peak, 0);
		KUNIT_EXPECT_EQ(test, account->all[class].max, HP_NO_LIMIT);
		for (nid = 0; nid < HP_TREE_NODES; nid++) {
			struct hp_account_node *node = &account->nodes[nid];

			KUNIT_EXPECT_EQ(test, node->count[class].used, 0);
			KUNIT_EXPECT_EQ(test, node->count[class].peak, 0);
			KUNIT_EXPECT_EQ(test, node->count[class].max,
					HP_NO_LIMIT);
			KUNIT_EXPECT_EQ(test, node->held[HP_SHMEM][class], 0);
			KUNIT_EXPECT_EQ(test, node->claim[class].min, 0);
			KUNIT_EXPECT_EQ(test, node->claim[class].children_min, 0);
			KUNIT_EXPECT_EQ(test, node->claim[class].own, 0);
			KUNIT_EXPECT_EQ(test, node->claim[class].children, 0);
			KUNIT_EXPECT_EQ(test, node->claim[class].all, 0);
		}
	}
}

static struct kunit_case hugepool_account_cases[] = {
	KUNIT_CASE_PARAM(hugepool_test_charges, hp_play_gen_params),
	KUNIT_CASE(hugepool_test_init),
	{}
};

static struct kunit_suite hugepool_account_suite = {
	.name = "hugepool_account",
	.test_cases = hugepool_account_cases,
};

kunit_test_suite(hugepool_account_suite);

MODULE_DESCRIPTION("KUnit tests of hugepool charge arithmetic");
MODULE_LICENSE("GPL");
