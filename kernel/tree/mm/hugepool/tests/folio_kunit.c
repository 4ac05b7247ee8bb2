// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: struct pages of real blocks, through the allocator interface.
 *
 * Draws from the pools that hugepool= has reserved. A case that needs a size
 * which no node has is skipped.
 */

#include <kunit/test.h>

#include <linux/hugepool.h>
#include <linux/list.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/nodemask.h>

#include "../../internal.h"
#include "../internal.h"

static int folio_node_with(enum hp_class class)
{
	struct hp_stats stats;
	int nid;

	for_each_online_node(nid) {
		hp_pool_stats(nid, &stats);
		if (stats.free[class])
			return nid;
	}
	return NUMA_NO_NODE;
}

static int folio_test_node(struct kunit *test, enum hp_class class)
{
	int nid = folio_node_with(class);

	if (nid == NUMA_NO_NODE)
		kunit_skip(test, "no free block of %u MB: boot with hugepool=",
			   1U << (hp_class_shift(class) - 20));
	return nid;
}

static struct folio *folio_test_alloc(unsigned int order, int nid)
{
	nodemask_t nodes = nodemask_of_node(nid);
	struct hugepool_request req = {
		.order = order,
		.gfp = GFP_KERNEL | __GFP_NORETRY,
		.consumer = HUGEPOOL_SHMEM,
		.nid = nid,
		.nodes = &nodes,
	};

	return hugepool_alloc(&req);
}

/* Every struct page of a folio belongs to it, and looks untouched. */
static void folio_expect_fresh(struct kunit *test, struct folio *folio,
			       unsigned int order)
{
	unsigned long i, wrong = 0;

	KUNIT_EXPECT_TRUE(test, folio_is_hugepool(folio));
	KUNIT_EXPECT_TRUE(test, folio_test_large_rmappable(folio));
	KUNIT_EXPECT_EQ(test, folio_order(folio), order);
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	KUNIT_EXPECT_FALSE(test, folio_mapped(folio));
	KUNIT_EXPECT_FALSE(test, folio_maybe_dma_pinned(folio));
	KUNIT_EXPECT_FALSE(test, folio_test_has_hwpoisoned(folio));
	KUNIT_EXPECT_NULL(test, folio->mapping);
	KUNIT_EXPECT_NULL(test, folio->private);
	KUNIT_EXPECT_EQ(test, folio->flags.f & PAGE_FLAGS_CHECK_AT_PREP,
			PG_head_mask);
	for (i = 1; i < folio_nr_pages(folio); i++) {
		struct page *page = folio_page(folio, i);

		/* The order and the folio's own flags are in the first tail. */
		wrong += page_folio(page) != folio || !PageTail(page) ||
			 page_count(page) != 1 ||
			 (i > 1 && page->flags.f & PAGE_FLAGS_CHECK_AT_PREP);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

/* A block comes with clean struct pages and counts as used until it is put. */
static void folio_test_unit(struct kunit *test)
{
	int nid = folio_test_node(test, HP_2M);
	struct hp_stats before, during, after;
	struct folio *folio;

	hp_pool_stats(nid, &before);
	folio = folio_test_alloc(HP_UNIT_ORDER, nid);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
	hp_pool_stats(nid, &during);
	folio_expect_fresh(test, folio, HP_UNIT_ORDER);
	KUNIT_EXPECT_EQ(test, folio_nid(folio), nid);
	folio_put(folio);
	hp_pool_stats(nid, &after);

	KUNIT_EXPECT_EQ(test, during.free[HP_2M], before.free[HP_2M] - 1);
	KUNIT_EXPECT_EQ(test, during.total[HP_2M], before.total[HP_2M]);
	KUNIT_EXPECT_MEMEQ(test, &after, &before, sizeof(before));
}

/* Whatever an owner leaves in the struct pages is gone for the next one. */
static void folio_test_reset(struct kunit *test)
{
	int nid = folio_test_node(test, HP_2M);
	struct folio *folio, *again;

	folio = folio_test_alloc(HP_UNIT_ORDER, nid);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
	folio_set_referenced(folio);
	folio_mark_uptodate(folio);
	folio_set_dirty(folio);
	folio_set_workingset(folio);
	folio_set_swapbacked(folio);
	folio_set_has_hwpoisoned(folio);
	folio->private = test;
	folio->index = 512;
	folio_put(folio);

	again = folio_test_alloc(HP_UNIT_ORDER, nid);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, again);
	/* The unit that came back last is the next one of its block. */
	KUNIT_EXPECT_PTR_EQ(test, again, folio);
	folio_expect_fresh(test, again, HP_UNIT_ORDER);
	folio_put(again);
}

/* A 1 GB block is one folio. */
static void folio_test_block(struct kunit *test)
{
	int nid = folio_test_node(test, HP_1G);
	struct hp_stats before, after;
	struct folio *folio;

	hp_pool_stats(nid, &before);
	folio = folio_test_alloc(HP_BLOCK_ORDER, nid);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
	folio_expect_fresh(test, folio, HP_BLOCK_ORDER);
	folio_put(folio);
	hp_pool_stats(nid, &after);
	KUNIT_EXPECT_MEMEQ(test, &after, &before, sizeof(before));
}

/* Draw units until none is left, demotion included, onto a list. */
static unsigned long folio_drain(int nid, struct list_head *list)
{
	unsigned long nr = 0;

	for (;;) {
		struct folio *folio = folio_test_alloc(HP_UNIT_ORDER, nid);

		if (IS_ERR(folio))
			return nr;
		list_add_tail(&folio->lru, list);
		nr++;
	}
}

/*
 * With demotion a 1 GB block can be had as 512 units, each a folio of its own
 * from its first moment; when all are back, it is a 1 GB block again.
 */
static void folio_test_break_and_merge(struct kunit *test)
{
	int nid = folio_test_node(test, HP_1G);
	bool demote = READ_ONCE(hugepool_demote);
	struct hp_stats before, drained, after;
	struct folio *folio, *next;
	LIST_HEAD(units);
	unsigned long nr;

	hp_pool_stats(nid, &before);
	WRITE_ONCE(hugepool_demote, true);
	nr = folio_drain(nid, &units);
	WRITE_ONCE(hugepool_demote, demote);
	hp_pool_stats(nid, &drained);
	KUNIT_EXPECT_EQ(test, nr, before.free[HP_2M] +
			before.free[HP_1G] * HP_UNITS_PER_BLOCK);
	KUNIT_EXPECT_EQ(test, drained.free[HP_2M], 0);
	KUNIT_EXPECT_EQ(test, drained.free[HP_1G], 0);
	KUNIT_EXPECT_EQ(test, drained.nr_broken,
			before.nr_broken + before.free[HP_1G]);

	list_for_each_entry_safe(folio, next, &units, lru) {
		list_del(&folio->lru);
		folio_expect_fresh(test, folio, HP_UNIT_ORDER);
		folio_put(folio);
	}
	hp_pool_stats(nid, &after);
	KUNIT_EXPECT_MEMEQ(test, &after, &before, sizeof(before));

	folio = folio_test_alloc(HP_BLOCK_ORDER, nid);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
	folio_expect_fresh(test, folio, HP_BLOCK_ORDER);
	folio_put(folio);
}

/* As __split_folio_to_order() and its caller do it with a folio of any kind. */
static void folio_split_frozen(struct folio *folio, unsigned int old_order,
			       unsigned int new_order)
{
	unsigned long i;

	folio_split_memcg_refs(folio, old_order, new_order);
	for (i = 1UL << new_order; i < 1UL << old_order; i += 1UL << new_order) {
		struct folio *piece = (struct folio *)folio_page(folio, i);

		piece->mapping = NULL;
		clear_compound_head(&piece->page);
		prep_compound_page(&piece->page, new_order);
		folio_set_large_rmappable(piece);
#ifdef CONFIG_MEMCG
		piece->memcg_data = folio->memcg_data;
#endif
	}
	folio_set_order(folio, new_order);
	hugepool_split_folio(folio, old_order, new_order);
}

/* Halve a frozen 1 GB folio again and again, until @unit is a folio alone. */
static void folio_split_around(struct folio *folio, unsigned int unit)
{
	struct page *at = folio_page(folio, unit * HPAGE_PMD_NR);
	unsigned int order;

	for (order = HP_BLOCK_ORDER; order > HP_UNIT_ORDER; order--)
		folio_split_frozen(page_folio(at), order, order - 1);
}

/*
 * A 1 GB block that its owner splits is broken, held as units, and whole again
 * when the last piece is back, whatever their orders are.
 */
static void folio_test_split(struct kunit *test)
{
	int nid = folio_test_node(test, HP_1G);
	struct hp_stats before, split, after;
	unsigned long used_2m, used_1g, pfn;
	struct page *head, *end, *page;
	struct folio *folio, *piece;
	unsigned int nr = 0;

	hp_pool_stats(nid, &before);
	used_2m = hp_root_account->all[HP_2M].used;
	used_1g = hp_root_account->all[HP_1G].used;
	folio = folio_test_alloc(HP_BLOCK_ORDER, nid);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
	pfn = folio_pfn(folio);
	head = &folio->page;
	end = head + folio_nr_pages(folio);
	KUNIT_ASSERT_TRUE(test, folio_ref_freeze(folio, 1));
	folio_split_around(folio, 300);

	hp_pool_stats(nid, &split);
	KUNIT_EXPECT_EQ(test, split.total[HP_1G], before.total[HP_1G] - 1);
	KUNIT_EXPECT_EQ(test, split.free[HP_1G], before.free[HP_1G] - 1);
	KUNIT_EXPECT_EQ(test, split.total[HP_2M],
			before.total[HP_2M] + HP_UNITS_PER_BLOCK);
	KUNIT_EXPECT_EQ(test, split.free[HP_2M], before.free[HP_2M]);
	KUNIT_EXPECT_EQ(test, split.nr_broken, before.nr_broken + 1);
	KUNIT_EXPECT_EQ(test, hp_root_account->all[HP_2M].used,
			used_2m + HP_UNITS_PER_BLOCK);
	KUNIT_EXPECT_EQ(test, hp_root_account->all[HP_1G].used, used_1g);

	for (page = head; page < end; page += folio_nr_pages(piece)) {
		piece = page_folio(page);
		KUNIT_ASSERT_PTR_EQ(test, &piece->page, page);
		folio_ref_unfreeze(piece, 1);
		folio_expect_fresh(test, piece, folio_order(piece));
		nr++;
	}
	/* 18 - 9 halves that were not split further, and the unit. */
	KUNIT_EXPECT_EQ(test, nr, HP_BLOCK_ORDER - HP_UNIT_ORDER + 1);

	/* From the highest to the lowest; page_folio() of the rest stays true. */
	while (end > head) {
		piece = page_folio(end - 1);
		end = &piece->page;
		folio_put(piece);
	}
	hp_pool_stats(nid, &after);
	KUNIT_EXPECT_MEMEQ(test, &after, &before, sizeof(before));
	KUNIT_EXPECT_EQ(test, hp_root_account->all[HP_2M].used, used_2m);

	folio = folio_test_alloc(HP_BLOCK_ORDER, nid);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
	KUNIT_EXPECT_EQ(test, folio_pfn(folio), pfn);
	folio_expect_fresh(test, folio, HP_BLOCK_ORDER);
	folio_put(folio);
}

/* Without demotion 2 MB requests leave free 1 GB blocks alone. */
static void folio_test_no_demote(struct kunit *test)
{
	int nid = folio_test_node(test, HP_1G);
	struct hp_stats before, drained;
	struct folio *folio, *next;
	LIST_HEAD(units);
	unsigned long nr;

	if (READ_ONCE(hugepool_demote))
		kunit_skip(test, "demote is set");
	hp_pool_stats(nid, &before);
	nr = folio_drain(nid, &units);
	hp_pool_stats(nid, &drained);
	KUNIT_EXPECT_EQ(test, nr, before.free[HP_2M]);
	KUNIT_EXPECT_EQ(test, drained.free[HP_1G], before.free[HP_1G]);
	list_for_each_entry_safe(folio, next, &units, lru) {
		list_del(&folio->lru);
		folio_put(folio);
	}
}

/* Orders that no block has, and nodes that have no pool, are errors. */
static void folio_test_refused(struct kunit *test)
{
	static const unsigned int orders[] = { 0, 8, 10, 17, 19 };
	nodemask_t none = NODE_MASK_NONE;
	struct hugepool_request req = {
		.order = HP_UNIT_ORDER,
		.gfp = GFP_KERNEL,
		.consumer = HUGEPOOL_SHMEM,
		.nid = first_online_node,
		.nodes = &none,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++)
		KUNIT_EXPECT_PTR_EQ(test, folio_test_alloc(orders[i], 0),
				    ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, hugepool_alloc(&req), ERR_PTR(-ENOSPC));
}

/* The pool knows its memory by page frame number. */
static void folio_test_pfn(struct kunit *test)
{
	int nid = folio_test_node(test, HP_2M);
	struct folio *folio = folio_test_alloc(HP_UNIT_ORDER, nid);
	struct page *other = alloc_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, folio);
	KUNIT_EXPECT_TRUE(test, hugepool_has_pfn(folio_pfn(folio)));
	KUNIT_EXPECT_TRUE(test, hugepool_has_pfn(folio_pfn(folio) + 511));
	folio_put(folio);
	KUNIT_ASSERT_NOT_NULL(test, other);
	KUNIT_EXPECT_FALSE(test, hugepool_has_pfn(page_to_pfn(other)));
	KUNIT_EXPECT_FALSE(test, folio_is_hugepool(page_folio(other)));
	__free_page(other);
}

static struct kunit_case hugepool_folio_cases[] = {
	KUNIT_CASE(folio_test_unit),
	KUNIT_CASE(folio_test_reset),
	KUNIT_CASE(folio_test_block),
	KUNIT_CASE_SLOW(folio_test_break_and_merge),
	KUNIT_CASE_SLOW(folio_test_split),
	KUNIT_CASE(folio_test_no_demote),
	KUNIT_CASE(folio_test_refused),
	KUNIT_CASE(folio_test_pfn),
	{}
};

static struct kunit_suite hugepool_folio_suite = {
	.name = "hugepool_folio",
	.test_cases = hugepool_folio_cases,
};

kunit_test_suite(hugepool_folio_suite);
