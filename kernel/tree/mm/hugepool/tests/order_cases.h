/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hugepool: the order in which nodes are asked, as a table. Run by KUnit
 * (core_kunit.c) and in userspace under sanitizers (tests/sim of the hugepool
 * project).
 */
#ifndef _MM_HUGEPOOL_TESTS_ORDER_CASES_H
#define _MM_HUGEPOOL_TESTS_ORDER_CASES_H

#include <linux/string.h>

#include "../core.h"

#define HP_ORDER_NODES	4

/**
 * struct hp_order_case - one question to hp_node_order()
 * @name: what is shown
 * @nid: preferred node
 * @nr: nodes that have a pool
 * @nids: these nodes
 * @order: expected
 */
struct hp_order_case {
	const char *name;
	int nid;
	unsigned int nr;
	int nids[HP_ORDER_NODES];
	int order[HP_ORDER_NODES];
};

/*
 * Distances between the nodes of the cases: from the row to the column. The way
 * back may differ, and node 3 claims to be nearer to node 2 than to itself.
 */
static inline int hp_case_distance(int from, int to)
{
	static const u8 distances[HP_ORDER_NODES][HP_ORDER_NODES] = {
		{ 10, 21, 21, 31 },
		{ 31, 10, 21, 16 },
		{ 12, 14, 10, 14 },
		{ 20, 20, 10, 15 },
	};

	return distances[from][to];
}

static const struct hp_order_case hp_order_cases[] = {
	{ "nearest first, lower number of two", 0, 4,
	  { 0, 1, 2, 3 }, { 0, 1, 2, 3 } },
	{ "given in any order", 0, 4,
	  { 3, 2, 0, 1 }, { 0, 1, 2, 3 } },
	{ "distance, not number", 1, 4,
	  { 0, 1, 2, 3 }, { 1, 3, 2, 0 } },
	{ "distance from the preferred node, not to it", 2, 4,
	  { 3, 1, 0, 2 }, { 2, 0, 1, 3 } },
	{ "preferred node before all, whatever its distance", 3, 4,
	  { 0, 1, 2, 3 }, { 3, 2, 0, 1 } },
	{ "preferred node without pool", 1, 3,
	  { 0, 2, 3 }, { 3, 2, 0 } },
	{ "one node", 2, 1, { 1 }, { 1 } },
	{ "no node", 0, 0, { 0 }, { 0 } },
};

/* Whether hp_node_order() gives the order of @oc and touches nothing behind it. */
static inline bool hp_order_run(const struct hp_order_case *oc)
{
	int order[HP_ORDER_NODES + 1];
	unsigned int i;

	for (i = 0; i <= HP_ORDER_NODES; i++)
		order[i] = -7;
	if (hp_node_order(oc->nid, oc->nids, oc->nr, hp_case_distance,
			  order) != oc->nr)
		return false;
	return !memcmp(order, oc->order, oc->nr * sizeof(*order)) &&
	       order[oc->nr] == -7;
}

#endif /* _MM_HUGEPOOL_TESTS_ORDER_CASES_H */
