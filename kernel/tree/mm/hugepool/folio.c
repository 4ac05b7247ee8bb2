// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: the struct pages of blocks.
 *
 * A free block is a compound page with a reference count of 0, of the order it
 * came back with (or was reserved with), or part of a larger one. It keeps its
 * identity, the flag PG_hugepool in the first tail page, through all of its life.
 * Only the owner of a block writes its struct pages: hp_node_take() hands a block
 * to exactly one owner before they are formed, and they are reset before
 * hp_node_give().
 */

#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/page_table_check.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

#include "../internal.h"
#include "internal.h"

/* Make the first two struct pages of a block say what it is. */
static struct folio *hp_folio_set_head(struct page *page, enum hp_class class)
{
	struct folio *folio = (struct folio *)page;

	__folio_set_head(folio);
	prep_compound_head(page, hp_class_order(class));
	folio_set_large_rmappable(folio);
	folio_set_hugepool(folio);
	return folio;
}

/**
 * hp_folio_init - initialise the struct pages of a reserved block
 * @pfn: first page of the block
 * @class: its size
 * @zone: zone that holds all of it
 * @nid: its node
 *
 * The struct pages may hold anything before: with deferred initialisation
 * nobody has written them, otherwise they look like allocated single pages.
 *
 * Context: boot, before page_ext is set up; one thread per block.
 */
void __init hp_folio_init(unsigned long pfn, enum hp_class class,
			  unsigned long zone, int nid)
{
	struct page *head = pfn_to_page(pfn);
	unsigned int order = hp_class_order(class);
	unsigned long i, nr_pages = 1UL << order;

	__init_single_page(head, pfn, zone, nid);
	set_page_count(head, 0);
	for (i = 1; i < nr_pages; i++) {
		struct page *tail = head + i;

		__init_single_page(tail, pfn + i, zone, nid);
		set_page_count(tail, 0);
		prep_compound_tail(tail, head, order);
	}
	hp_folio_set_head(head, class);

	/*
	 * Reserved memory that memblock does not initialise has no pageblock
	 * flags. Whatever they say is never used for pool memory, but unset
	 * flags are not a valid type.
	 */
	for (i = 0; i < nr_pages; i += pageblock_nr_pages)
		init_pageblock_migratetype(head + i, MIGRATE_MOVABLE, false);
	cond_resched();
}

/**
 * hp_folio_form - give the struct pages of a block another shape
 * @pfn: first page of the block
 * @class: size it is handed out with
 *
 * Needed when a block was broken or merged since its struct pages were written.
 * Rewrites all of them, 16 MB for a 1 GB block.
 *
 * Context: the caller owns the block, which is frozen. May sleep for a 1 GB
 * block.
 * Return: the folio, its reference count still 0.
 */
struct folio *hp_folio_form(unsigned long pfn, enum hp_class class)
{
	struct page *head = pfn_to_page(pfn);
	unsigned int order = hp_class_order(class);
	unsigned long i, nr_pages = 1UL << order;

	for (i = 0; i < nr_pages; i++) {
		struct page *page = head + i;

		/* Former heads and first tails have flags and counters set. */
		page->flags.f &= ~PAGE_FLAGS_CHECK_AT_PREP;
		page->mapping = NULL;
		atomic_set(&page->_mapcount, -1);
		set_page_count(page, 0);
#ifdef CONFIG_MEMCG
		page->memcg_data = 0;
#endif
		if (i) {
			prep_compound_tail(page, head, order);
		} else {
			clear_compound_head(page);
			set_page_private(page, 0);
		}
		if (order > HP_UNIT_ORDER && !(i % HPAGE_PMD_NR))
			cond_resched();
	}
	return hp_folio_set_head(head, class);
}

/**
 * hp_folio_split - give the pieces of a split folio their identity
 * @folio: first of them
 * @old_order: order before the split
 * @new_order: order of each piece
 *
 * Context: any; the pieces are frozen compound pages.
 */
void hp_folio_split(struct folio *folio, unsigned int old_order,
		    unsigned int new_order)
{
	unsigned long i, nr_pages = 1UL << old_order;

	for (i = 0; i < nr_pages; i += 1UL << new_order)
		folio_set_hugepool(page_folio(folio_page(folio, i)));
}

/**
 * hp_folio_reset - undo what the last owner left in the struct pages
 * @folio: folio that is being freed, uncharged
 *
 * What the page allocator does when it frees and prepares a page, for a folio
 * that stays compound. HWPoison marks of single pages stay.
 *
 * Context: any; @folio is frozen with a reference count of 0.
 */
void hp_folio_reset(struct folio *folio)
{
	unsigned int order = folio_order(folio);

	VM_WARN_ON_ONCE_FOLIO(folio_ref_count(folio), folio);
	VM_WARN_ON_ONCE_FOLIO(folio_mapped(folio), folio);
	VM_WARN_ON_ONCE_FOLIO(folio_maybe_dma_pinned(folio), folio);
	VM_WARN_ON_ONCE_FOLIO(folio_test_lru(folio), folio);
	VM_WARN_ON_ONCE_FOLIO(folio_test_locked(folio), folio);
	VM_WARN_ON_ONCE_FOLIO(folio_test_writeback(folio), folio);
	VM_WARN_ON_ONCE_FOLIO(folio->mapping, folio);
	VM_WARN_ON_ONCE_FOLIO(!list_empty(&folio->_deferred_list), folio);

	/* As in __free_pages_prepare(): truncation may have raced with munlock. */
	if (unlikely(folio_test_mlocked(folio))) {
		long nr_pages = folio_nr_pages(folio);

		__folio_clear_mlocked(folio);
		zone_stat_mod_folio(folio, NR_MLOCK, -nr_pages);
		count_vm_events(UNEVICTABLE_PGCLEARED, nr_pages);
	}
	page_table_check_free(&folio->page, order);

	folio->flags.f &= ~(PAGE_FLAGS_CHECK_AT_PREP & ~PG_head_mask);
	folio->mapping = NULL;
	folio->index = 0;
	folio->private = NULL;
	folio_clear_has_hwpoisoned(folio);
	folio_clear_partially_mapped(folio);
	page_cpupid_reset_last(&folio->page);
	prep_compound_head(&folio->page, order);
}

/**
 * hugepool_zero_folio - clear a block
 * @folio: the block
 * @addr: address at which it will be used first, or 0: cleared last, so that it
 *	  is in the cache
 *
 * Always clears, whatever the kernel is configured to do when it allocates or
 * frees: that is the business of the page allocator. A page that has failed is
 * not touched.
 *
 * Context: may sleep.
 * Return: 0, or -EINTR when the task was killed before all of a 1 GB block was
 * cleared.
 */
int hugepool_zero_folio(struct folio *folio, unsigned long addr)
{
	const unsigned long nr = folio_nr_pages(folio);
	const unsigned long base = ALIGN_DOWN(addr, folio_size(folio));
	unsigned long done, step;

	if (unlikely(folio_test_has_hwpoisoned(folio))) {
		truncate_zero_range(folio, 0, folio_size(folio));
		return 0;
	}
	if (folio_order(folio) == HP_UNIT_ORDER) {
		folio_zero_user(folio, addr);
		return 0;
	}
	/* No page of so much stays in the cache. */
	for (done = 0; done < nr; done += step) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		step = min(nr - done, PROCESS_PAGES_NON_PREEMPT_BATCH);
		clear_user_highpages(folio_page(folio, done),
				     base + done * PAGE_SIZE, step);
	}
	return 0;
}
EXPORT_SYMBOL_FOR_MODULES(hugepool_zero_folio, "kvm");
