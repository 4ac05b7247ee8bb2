// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: the adapter for KVM's guest_memfd.
 *
 * A guest_memfd is made of blocks of one size. What is mapped, invalidated and
 * cleared when is KVM's business (virt/kvm/guest_memfd.c).
 */

#include <linux/export.h>
#include <linux/hugepool.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "internal.h"

/**
 * hugepool_gmem_supported - can there be a guest_memfd with pool memory?
 *
 * Return: whether the machine has blocks of any size.
 */
bool hugepool_gmem_supported(void)
{
	return hugepool_enabled() && hp_pool_total(BIT(HP_2M) | BIT(HP_1G));
}
EXPORT_SYMBOL_FOR_MODULES(hugepool_gmem_supported, "kvm");

/**
 * hugepool_gmem_order - order of the blocks of a guest_memfd
 * @size_log: log2 of their size
 *
 * Return: the order, or -EINVAL when the machine has no blocks of that size.
 */
int hugepool_gmem_order(unsigned int size_log)
{
	enum hp_class class;

	if (size_log == HP_UNIT_SHIFT)
		class = HP_2M;
	else if (size_log == HP_BLOCK_SHIFT)
		class = HP_1G;
	else
		return -EINVAL;
	if (!hugepool_enabled() || !hp_pool_total(BIT(class)))
		return -EINVAL;
	return hp_class_order(class);
}
EXPORT_SYMBOL_FOR_MODULES(hugepool_gmem_order, "kvm");

/* Draw a block for the place around @index in a file and put it there. */
static struct folio *hp_gmem_fill(struct address_space *mapping, pgoff_t index,
				  const struct hugepool_request *req)
{
	struct folio *folio;
	int err;

	if (xa_load(&mapping->i_pages, index))
		return ERR_PTR(-EEXIST);
	folio = hugepool_alloc(req);
	if (IS_ERR(folio))
		return ERR_PTR(-ENOMEM);

	__folio_set_locked(folio);
	err = __filemap_add_folio(mapping, folio,
				  round_down(index, 1UL << req->order),
				  (req->gfp & ~__GFP_NORETRY) |
				  __GFP_RETRY_MAYFAIL, NULL);
	if (err) {
		folio_unlock(folio);
		folio_put(folio);
		return ERR_PTR(err);
	}
	/* On no LRU list, and charged already: no filemap_add_folio(). */
	return folio;
}

/**
 * hugepool_gmem_add - allocate a block for a hole of a guest_memfd
 * @mapping: its page cache
 * @holes: of the file
 * @index: page index in the hole
 * @order: order of its blocks
 * @pol: NUMA policy for @index, NULL for that of the task
 *
 * Context: process context, may sleep; without folio locks.
 * Return: the folio, locked, in the page cache, neither uptodate nor zeroed; or
 * an ERR_PTR: -EEXIST when the hole was filled meanwhile, -ENOMEM when there is
 * no block to be had.
 */
struct folio *hugepool_gmem_add(struct address_space *mapping,
				struct hugepool_holes *holes, pgoff_t index,
				unsigned int order, struct mempolicy *pol)
{
	struct hugepool_request req = {
		.order = order,
		/* One attempt at reclaim for memory.max, and no OOM kill. */
		.gfp = mapping_gfp_mask(mapping) | __GFP_NOWARN | __GFP_NORETRY,
		.consumer = HUGEPOOL_GUEST_MEMFD,
		.pol = pol ?: get_task_policy(current),
		.ilx = mapping->host->i_ino + (index >> order),
		.nid = NUMA_NO_NODE,
	};
	unsigned long until = hp_holes_until();
	struct folio *folio;

	do {
		req.may_shrink = hp_holes_may_retry(holes, until);
		scoped_guard(mutex, &holes->fill)
			folio = hp_gmem_fill(mapping, index, &req);
	} while (folio == ERR_PTR(-ENOMEM) && req.may_shrink &&
		 hp_holes_wait());
	return folio;
}
EXPORT_SYMBOL_FOR_MODULES(hugepool_gmem_add, "kvm");
