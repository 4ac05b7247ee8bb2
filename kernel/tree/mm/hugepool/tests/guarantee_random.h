/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hugepool: random operations on the market of guarantee_market.h. Whether each
 * of them is admitted is asked of the naive model first.
 */
#ifndef _MM_HUGEPOOL_TESTS_GUARANTEE_RANDOM_H
#define _MM_HUGEPOOL_TESTS_GUARANTEE_RANDOM_H

#include "guarantee_market.h"
#include "random.h"

/* Somebody whose cgroup is there. */
static inline enum hp_who hp_random_who(struct hp_market *market, u64 *state)
{
	return hp_market_heir(market, HP_ROOT + hp_random_below(state,
						HP_NR_WHO - HP_ROOT));
}

/* A few blocks, as many as there are, or one by one until there are no more. */
static inline const char *hp_random_take(struct hp_market *market, u64 *state)
{
	enum hp_class class = hp_random_below(state, 6) ? HP_2M : HP_1G;
	enum hp_who who = hp_random_who(market, state);
	int nid = (int)hp_random_below(state, HP_TREE_NODES);
	unsigned long nr = 1 + hp_random_below(state, 3);
	const char *wrong = NULL;

	if (!hp_random_below(state, 8))
		nr = hp_random_below(state, HP_UNITS_PER_BLOCK);
	while (nr-- && !wrong) {
		enum hp_admission expected;

		expected = hp_market_expects(market, who, class, nid);
		wrong = hp_market_take(market, who, class, nid, expected);
		if (expected == HP_ADMIT_NONE)
			break;
	}
	return wrong;
}

static inline const char *hp_random_give(struct hp_market *market, u64 *state)
{
	unsigned long nr = 1 + hp_random_below(state, 3);
	const char *wrong = NULL;

	if (!hp_random_below(state, 8))
		nr = hp_random_below(state, HP_UNITS_PER_BLOCK);
	while (nr-- && market->nr_grants && !wrong)
		wrong = hp_market_give(market,
				       hp_random_below(state, market->nr_grants));
	return wrong;
}

static inline const char *hp_random_split(struct hp_market *market, u64 *state)
{
	unsigned int i, start;

	if (!market->nr_grants)
		return NULL;
	start = hp_random_below(state, market->nr_grants);
	for (i = start; i < market->nr_grants; i++)
		if (market->grants[i].class == HP_1G)
			return hp_market_split(market, i);
	return NULL;
}

/* Guarantees about as large as what there is: it depends whether they fit. */
static inline const char *hp_random_min(struct hp_market *market, u64 *state)
{
	enum hp_class class = hp_random_below(state, 3) ? HP_2M : HP_1G;
	enum hp_who who = hp_random_who(market, state);
	int nid = (int)hp_random_below(state, HP_TREE_NODES);
	unsigned long total = hp_model_total(&market->nodes[nid], class), min;

	if (who == HP_ROOT)
		return NULL;
	min = hp_random_below(state, 2 * total / 3 + 2);
	return hp_market_min(market, who, class, nid, min,
			     hp_model_min(&market->models[nid][class],
					  hp_market_index(who), min, total));
}

static inline const char *hp_random_divide(struct hp_market *market, u64 *state)
{
	enum hp_class class = hp_random_below(state, 3) ? HP_2M : HP_1G;
	enum hp_who who = hp_random_who(market, state);
	unsigned long min, all = 0, least = 0;
	int nid;

	if (who == HP_ROOT)
		return NULL;
	/* That hp_min_room() is right has been checked already. */
	for (nid = 0; nid < HP_TREE_NODES; nid++) {
		least += hp_model_children_min(&market->models[nid][class],
					       hp_market_index(who));
		all += hp_min_room(market->tree.who[who], class,
				   &market->nodes[nid]);
	}
	min = hp_random_below(state, all + all / 8 + 2);
	return hp_market_divide(market, who, class, min,
				min > all ? -ENOSPC : min < least ? -EBUSY : 0);
}

/* A cgroup without children goes, or one comes below a parent that is there. */
static inline const char *hp_random_cgroup(struct hp_market *market, u64 *state)
{
	enum hp_who who = HP_A + hp_random_below(state, HP_NR_WHO - HP_A);
	const struct hp_claim_model *model = &market->models[0][0];
	unsigned int child;

	if (!model->there[hp_market_index(who)]) {
		if (model->there[hp_market_index(hp_tree_parents[who])])
			hp_market_create(market, who);
		return NULL;
	}
	for (child = HP_A; child < HP_NR_WHO; child++)
		if (hp_tree_parents[child] == who &&
		    model->there[hp_market_index(child)])
			return NULL;
	hp_market_exit(market, who);
	return NULL;
}

static inline const char *hp_random_step(struct hp_market *market, u64 *state)
{
	unsigned long dice = hp_random_below(state, 200);

	if (dice < 70)
		return hp_random_take(market, state);
	if (dice < 120)
		return hp_random_give(market, state);
	if (dice < 160)
		return hp_random_min(market, state);
	if (dice < 180)
		return hp_random_divide(market, state);
	if (dice < 190)
		return hp_random_cgroup(market, state);
	if (dice < 194)
		return hp_random_split(market, state);
	if (dice < 198) {
		market->demote = hp_random_below(state, 2);
		return NULL;
	}
	/* Rarely: what has failed is gone for good. */
	if (!hp_random_below(state, 8))
		hp_market_fail(market, (int)hp_random_below(state, 2),
			       hp_random_below(state, 1024));
	return NULL;
}

/* Two 1 GB blocks and 2 MB ones, one of each, nothing. */
static inline const char *hp_random_memory(struct hp_market *market)
{
	return hp_market_add(market, 0, 0, HP_UNITS_PER_BLOCK, true) ?:
	       hp_market_add(market, 0, 512, HP_UNITS_PER_BLOCK, true) ?:
	       hp_market_add(market, 0, 1024, 40, false) ?:
	       hp_market_add(market, 1, 0, HP_UNITS_PER_BLOCK, true) ?:
	       hp_market_add(market, 1, 512, 5, false);
}

/* NULL, or what was broken, and by which step (counted from 1). */
static inline const char *hp_random_run(struct hp_market *market, u64 seed,
					unsigned int steps, unsigned int *at)
{
	const char *wrong;
	unsigned int nid;

	hp_market_init(market);
	wrong = hp_random_memory(market);
	for (*at = 1; *at <= steps && !wrong; ++*at) {
		wrong = hp_random_step(market, &seed);
		if (!wrong)
			wrong = hp_market_check(market);
		/* That walks all units, too slow to do it each time. */
		for (nid = 0; nid < HP_TREE_NODES && !wrong && *at % 64 == 0; nid++)
			if (!hp_node_check(&market->nodes[nid]))
				wrong = "hp_node_check() found the counters wrong";
		if (wrong)
			return wrong;
	}
	while (!wrong && market->nr_grants)
		wrong = hp_market_give(market, 0);
	return wrong ?: hp_market_check(market);
}

#endif /* _MM_HUGEPOOL_TESTS_GUARANTEE_RANDOM_H */
