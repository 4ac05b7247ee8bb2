// SPDX-License-Identifier: GPL-2.0
/* The cases that KUnit runs in the kernel, here under the sanitizers. */

#include "tests/account_cases.h"
#include "tests/cmdline_cases.h"
#include "tests/core_cases.h"
#include "tests/order_cases.h"
#include "tests/guarantee_cases.h"
#include "tests/guarantee_random.h"

#include "sim.h"

unsigned int directed_rows(void)
{
	return ARRAY_SIZE(hp_scripts) + ARRAY_SIZE(hp_order_cases) +
	       ARRAY_SIZE(hp_plays) + ARRAY_SIZE(hp_deals) +
	       ARRAY_SIZE(hp_request_cases) + ARRAY_SIZE(hp_class_cases) + ARRAY_SIZE(hp_list_cases) +
	       ARRAY_SIZE(hp_spread_cases) + 1;
}

static void step_row(const char *kind, const char *name, unsigned int at,
		     const char *wrong)
{
	char why[128];

	snprintf(why, sizeof(why), "step %u: %s", at, wrong ? wrong : "");
	tap_row(!wrong, kind, name, why);
}

static void run_blocks(void)
{
	unsigned int i, at = 0;

	for (i = 0; i < ARRAY_SIZE(hp_scripts); i++) {
		struct hp_bed *bed = sim_alloc(sizeof(*bed));
		const char *wrong = hp_script_run(&hp_scripts[i], bed, &at);

		step_row("blocks", hp_scripts[i].name, at, wrong);
		free(bed);
	}
	for (i = 0; i < ARRAY_SIZE(hp_order_cases); i++)
		tap_row(hp_order_run(&hp_order_cases[i]), "node order",
			hp_order_cases[i].name, NULL);
}

static void make_tree(struct hp_tree *tree)
{
	unsigned int who;

	for (who = HP_ROOT; who < HP_NR_WHO; who++)
		tree->who[who] = sim_alloc(sizeof(struct hp_account) +
			HP_TREE_NODES * sizeof(struct hp_account_node));
}

static void free_tree(struct hp_tree *tree)
{
	unsigned int who;

	for (who = HP_ROOT; who < HP_NR_WHO; who++)
		free(tree->who[who]);
}

static void run_accounts(void)
{
	unsigned int i, at = 0;

	for (i = 0; i < ARRAY_SIZE(hp_plays); i++) {
		struct hp_tree tree = {};
		const char *wrong;

		make_tree(&tree);
		wrong = hp_play_run(&hp_plays[i], &tree, &at);
		step_row("accounts", hp_plays[i].name, at, wrong);
		free_tree(&tree);
	}
}

static void run_guarantees(void)
{
	unsigned int i, at = 0;

	for (i = 0; i < ARRAY_SIZE(hp_deals); i++) {
		struct hp_market *market = sim_alloc(sizeof(*market));
		const char *wrong;

		make_tree(&market->tree);
		wrong = hp_deal_run(&hp_deals[i], market, &at);
		step_row("guarantees", hp_deals[i].name, at, wrong);
		free_tree(&market->tree);
		free(market);
	}
}

/* What KUnit does with one seed, with many. */
#define MARKETS		40
#define MARKET_STEPS	2000

static void run_market(void)
{
	struct hp_market *market = sim_alloc(sizeof(*market));
	struct hp_tree tree = {};
	const char *wrong = NULL;
	unsigned int i, at = 0;
	char why[160];

	make_tree(&tree);
	for (i = 0; i < MARKETS && !wrong; i++) {
		memset(market, 0, sizeof(*market));
		market->tree = tree;
		wrong = hp_random_run(market, sim_seed + i, MARKET_STEPS, &at);
	}
	snprintf(why, sizeof(why), "seed %llu, step %u: %s", sim_seed + i - 1,
		 at, wrong ? wrong : "");
	tap_row(!wrong, "guarantees", "random steps", why);
	free_tree(&tree);
	free(market);
}

static void run_text(void)
{
	char name[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hp_request_cases); i++)
		tap_row(hp_request_run(&hp_request_cases[i]), "hugepool=",
			hp_request_cases[i].text, NULL);
	for (i = 0; i < ARRAY_SIZE(hp_class_cases); i++)
		tap_row(hp_class_run(&hp_class_cases[i]), "size",
			hp_class_cases[i].text, NULL);
	for (i = 0; i < ARRAY_SIZE(hp_list_cases); i++)
		tap_row(hp_list_run(&hp_list_cases[i]), "pool=",
			hp_list_cases[i].text, NULL);
	for (i = 0; i < ARRAY_SIZE(hp_spread_cases); i++) {
		snprintf(name, sizeof(name), "%lu over %u nodes",
			 hp_spread_cases[i].count, hp_spread_cases[i].nr);
		tap_row(hp_spread_run(&hp_spread_cases[i]), "spread", name,
			NULL);
	}
}

void directed_run(void)
{
	run_blocks();
	run_accounts();
	run_guarantees();
	run_market();
	run_text();
}
