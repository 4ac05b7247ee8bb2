// SPDX-License-Identifier: GPL-2.0
/* Hugepool: KUnit tests of the parsers of hugepool= and pool=. */

#include <kunit/test.h>

#include "cmdline_cases.h"

/*
 * Good tokens of hugepool= come out as written, bad ones are named whole and
 * refused, and neither keeps the others from counting.
 */
static void hugepool_test_requests(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hp_request_cases); i++)
		KUNIT_EXPECT_TRUE_MSG(test, hp_request_run(&hp_request_cases[i]),
				      "hugepool=%s", hp_request_cases[i].text);
}

/* A size is 2M, 2MB, 1G or 1GB, in upper case, and shown as 2MB or 1GB. */
static void hugepool_test_classes(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hp_class_cases); i++)
		KUNIT_EXPECT_TRUE_MSG(test, hp_class_run(&hp_class_cases[i]),
				      "\"%s\"", hp_class_cases[i].text);
	KUNIT_EXPECT_STREQ(test, hp_class_name(HP_2M), "2MB");
	KUNIT_EXPECT_STREQ(test, hp_class_name(HP_1G), "1GB");
}

/* The six legal lists are taken and shown in their short form, no other is. */
static void hugepool_test_lists(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hp_list_cases); i++)
		KUNIT_EXPECT_TRUE_MSG(test, hp_list_run(&hp_list_cases[i]),
				      "pool=%s", hp_list_cases[i].text);
}

/* Blocks without a node are spread evenly, the remainder from the lowest. */
static void hugepool_test_spread(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hp_spread_cases); i++)
		KUNIT_EXPECT_TRUE_MSG(test, hp_spread_run(&hp_spread_cases[i]),
				      "%lu over %u nodes",
				      hp_spread_cases[i].count,
				      hp_spread_cases[i].nr);
}

static struct kunit_case hugepool_cmdline_cases[] = {
	KUNIT_CASE(hugepool_test_requests),
	KUNIT_CASE(hugepool_test_classes),
	KUNIT_CASE(hugepool_test_lists),
	KUNIT_CASE(hugepool_test_spread),
	{}
};

static struct kunit_suite hugepool_cmdline_suite = {
	.name = "hugepool_cmdline",
	.test_cases = hugepool_cmdline_cases,
};

kunit_test_suite(hugepool_cmdline_suite);

MODULE_DESCRIPTION("KUnit tests of the hugepool parsers");
MODULE_LICENSE("GPL");
