// SPDX-License-Identifier: GPL-2.0
/* Hugepool: KUnit tests of memory.hugepool.min. */

#include <kunit/test.h>
#include <linux/overflow.h>

#include "guarantee_cases.h"
#include "guarantee_random.h"

#define HP_RANDOM_SEED	20261120
#define HP_RANDOM_STEPS	2000

static void hp_deal_desc(const struct hp_deal *deal, char *desc)
{
	strscpy(desc, deal->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(hp_deal, hp_deals, hp_deal_desc);

static struct hp_market *hp_test_market(struct kunit *test)
{
	struct hp_market *market = kunit_kzalloc(test, sizeof(*market),
						 GFP_KERNEL);
	unsigned int who;

	KUNIT_ASSERT_NOT_NULL(test, market);
	for (who = HP_ROOT; who < HP_NR_WHO; who++) {
		struct hp_account *account;

		account = kunit_kzalloc(test, struct_size(account, nodes,
							  HP_TREE_NODES),
					GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, account);
		market->tree.who[who] = account;
	}
	return market;
}

/* What the specification says of guarantees, sentence by sentence. */
static void hugepool_test_guarantees(struct kunit *test)
{
	struct hp_market *market = hp_test_market(test);
	unsigned int at = 0;
	const char *wrong;

	wrong = hp_deal_run(test->param_value, market, &at);
	if (wrong)
		KUNIT_FAIL(test, "term %u: %s", at, wrong);
}

/* Any mix of requests, guarantees, splits, failures and cgroups that go. */
static void hugepool_test_random(struct kunit *test)
{
	struct hp_market *market = hp_test_market(test);
	unsigned int at = 0;
	const char *wrong;

	wrong = hp_random_run(market, HP_RANDOM_SEED, HP_RANDOM_STEPS, &at);
	if (wrong)
		KUNIT_FAIL(test, "step %u: %s", at, wrong);
}

static struct kunit_case hugepool_guarantee_cases[] = {
	KUNIT_CASE_PARAM(hugepool_test_guarantees, hp_deal_gen_params),
	KUNIT_CASE(hugepool_test_random),
	{}
};

static struct kunit_suite hugepool_guarantee_suite = {
	.name = "hugepool_guarantee",
	.test_cases = hugepool_guarantee_cases,
};

kunit_test_suite(hugepool_guarantee_suite);

MODULE_DESCRIPTION("KUnit tests of hugepool guarantees");
MODULE_LICENSE("GPL");
