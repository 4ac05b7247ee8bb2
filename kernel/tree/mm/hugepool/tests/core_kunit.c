// SPDX-License-Identifier: GPL-2.0
/* Hugepool: KUnit tests of the block state machine and of node selection. */

#include <kunit/test.h>

#include "core_cases.h"
#include "order_cases.h"

static void hp_script_desc(const struct hp_script *script, char *desc)
{
	strscpy(desc, script->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(hp_script, hp_scripts, hp_script_desc);

/*
 * Every call of a script answers as the script says, leaves the counters in
 * agreement with the blocks, and changes nothing when it is refused.
 */
static void hugepool_test_blocks(struct kunit *test)
{
	const struct hp_script *script = test->param_value;
	struct hp_bed *bed = kunit_kzalloc(test, sizeof(*bed), GFP_KERNEL);
	unsigned int at = 0;
	const char *wrong;

	KUNIT_ASSERT_NOT_NULL(test, bed);
	wrong = hp_script_run(script, bed, &at);
	if (wrong)
		KUNIT_FAIL(test, "step %u: %s", at, wrong);
}

/* hp_node_check() is what other tests lean on: it must see what is wrong. */
static void hugepool_test_check(struct kunit *test)
{
	struct hp_bed *bed = kunit_kzalloc(test, sizeof(*bed), GFP_KERNEL);
	struct hp_node *node;
	struct hp_slot slot;

	KUNIT_ASSERT_NOT_NULL(test, bed);
	node = &bed->node;
	hp_node_init(node, 0, bed->windows, 0, HP_BED_WINDOWS);
	KUNIT_ASSERT_EQ(test, hp_node_add(node, &bed->blocks[0], 0, 8, false), 0);
	KUNIT_ASSERT_EQ(test, hp_node_add(node, &bed->blocks[1], 512, 512, true), 0);
	KUNIT_ASSERT_TRUE(test, hp_node_take(node, HP_2M, false, 0, &slot));
	KUNIT_ASSERT_TRUE(test, hp_node_check(node));

	node->free[HP_2M]++;
	KUNIT_EXPECT_FALSE(test, hp_node_check(node));
	node->free[HP_2M]--;

	node->total[HP_1G]--;
	KUNIT_EXPECT_FALSE(test, hp_node_check(node));
	node->total[HP_1G]++;

	node->nr_poisoned++;
	KUNIT_EXPECT_FALSE(test, hp_node_check(node));
	node->nr_poisoned--;

	node->nr_broken++;
	KUNIT_EXPECT_FALSE(test, hp_node_check(node));
	node->nr_broken--;

	__set_bit(slot.unit, bed->blocks[0].free);
	KUNIT_EXPECT_FALSE(test, hp_node_check(node));
	__clear_bit(slot.unit, bed->blocks[0].free);

	list_del_init(&bed->blocks[1].link);
	KUNIT_EXPECT_FALSE(test, hp_node_check(node));
	list_add(&bed->blocks[1].link, &node->whole);

	KUNIT_EXPECT_TRUE(test, hp_node_check(node));
}

static void hp_order_desc(const struct hp_order_case *oc, char *desc)
{
	strscpy(desc, oc->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(hp_order, hp_order_cases, hp_order_desc);

/* Nodes are asked from the nearest to the farthest, the preferred one first. */
static void hugepool_test_order(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, hp_order_run(test->param_value));
}

static struct kunit_case hugepool_core_cases[] = {
	KUNIT_CASE_PARAM(hugepool_test_blocks, hp_script_gen_params),
	KUNIT_CASE(hugepool_test_check),
	KUNIT_CASE_PARAM(hugepool_test_order, hp_order_gen_params),
	{}
};

static struct kunit_suite hugepool_core_suite = {
	.name = "hugepool_core",
	.test_cases = hugepool_core_cases,
};

kunit_test_suite(hugepool_core_suite);

MODULE_DESCRIPTION("KUnit tests of the hugepool block state machine");
MODULE_LICENSE("GPL");
