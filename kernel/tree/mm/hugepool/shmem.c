// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: the adapter for tmpfs.
 *
 * What a mount option pool= means, and how a file gets its blocks. The list of
 * a mount or file is a small set of bits, 0 for a file without pool memory.
 */

#include <linux/hugepool.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>

#include "../internal.h"
#include "cmdline.h"
#include "internal.h"

/* For a request that no node can serve. */
static nodemask_t hp_no_node = NODE_MASK_NONE;

#define HP_POOL_BASE	BIT(HP_NR_CLASSES)
#define HP_POOL_CLASSES	(HP_POOL_BASE - 1)

/**
 * hugepool_parse_pool - parse the value of the mount option pool=
 * @text: value
 * @pool: set on success, never 0
 *
 * Return: NULL, or why the list cannot be mounted.
 */
const char *hugepool_parse_pool(const char *text, unsigned int *pool)
{
	unsigned long classes;
	bool base;

	if (hp_parse_list(text, &classes, &base))
		return "the list must be 2M, 1G or 1G+2M, each optionally with +base";
	*pool = classes | (base ? HP_POOL_BASE : 0);
	return NULL;
}

/**
 * hugepool_pool_name - a list as /proc/mounts shows it
 * @pool: as set by hugepool_parse_pool()
 *
 * Return: the list.
 */
const char *hugepool_pool_name(unsigned int pool)
{
	return hp_list_name(pool & HP_POOL_CLASSES, pool & HP_POOL_BASE);
}

/**
 * hugepool_pool_has_base - may a file hold ordinary pages besides?
 * @pool: list of the file
 */
bool hugepool_pool_has_base(unsigned int pool)
{
	return pool & HP_POOL_BASE;
}

/**
 * hugepool_pool_order - what a file gets at a time, and gives back
 * @pool: list of the file
 *
 * Return: order of the smallest listed size.
 */
unsigned int hugepool_pool_order(unsigned int pool)
{
	return pool & BIT(HP_2M) ? HP_UNIT_ORDER : HP_BLOCK_ORDER;
}

/**
 * hugepool_pool_max_order - what a file should be mapped for
 * @pool: list of the file
 *
 * Return: order of the largest listed size.
 */
unsigned int hugepool_pool_max_order(unsigned int pool)
{
	return pool & BIT(HP_1G) ? HP_BLOCK_ORDER : HP_UNIT_ORDER;
}

/* Order of the smallest piece that the file which holds a folio can be given. */
static unsigned int hp_folio_granule(struct folio *folio)
{
	return hugepool_pool_order(SHMEM_I(folio->mapping->host)->pool);
}

/**
 * hugepool_may_split - may a pool folio be split?
 * @folio: the folio, locked
 * @new_order: order of the smallest piece
 *
 * Nothing below its unit can go back to the pool. A file that is only given 1 GB
 * blocks keeps them whole, since a smaller hole could not be filled again; there
 * only a memory failure is a reason, which leaves no hole. guest_memfd has blocks of
 * one size for good.
 */
bool hugepool_may_split(struct folio *folio, unsigned int new_order)
{
	if (new_order < HP_UNIT_ORDER || !shmem_mapping(folio->mapping))
		return false;
	return folio_test_has_hwpoisoned(folio) ||
	       new_order >= hp_folio_granule(folio);
}

/**
 * hugepool_split_end - where a split may take pieces away from the file
 * @folio: the folio that is split, locked
 * @end: first page behind the end of the file
 *
 * Return: first page of which a piece is not needed any more.
 */
pgoff_t hugepool_split_end(struct folio *folio, pgoff_t end)
{
	return round_up(end, 1UL << hp_folio_granule(folio));
}

/**
 * hugepool_pool_exists - does the machine have blocks of every listed size?
 * @pool: as set by hugepool_parse_pool()
 *
 * Return: whether a file system with this list can be mounted now.
 */
bool hugepool_pool_exists(unsigned int pool)
{
	unsigned int class;

	for (class = 0; class < HP_NR_CLASSES; class++)
		if (pool & BIT(class) && !hp_pool_total(BIT(class)))
			return false;
	return true;
}

/**
 * hugepool_pool_pages - what the machine has of the listed sizes
 * @pool: as set by hugepool_parse_pool()
 *
 * Return: number of pages, of all nodes.
 */
unsigned long hugepool_pool_pages(unsigned int pool)
{
	return hp_pool_total(pool & HP_POOL_CLASSES);
}

/**
 * hugepool_pool_available - what the pool could give to a file now
 * @pool: as set by hugepool_parse_pool()
 *
 * Return: number of pages, of all nodes and regardless of limits.
 */
unsigned long hugepool_pool_available(unsigned int pool)
{
	return hp_pool_available(pool & HP_POOL_CLASSES);
}

/**
 * hugepool_shmem_fits - could a file ever hold a range?
 * @inode: the file, with a pool list
 * @pages: length of the range
 *
 * Spares fallocate() the work when all of the pool, what the file holds already
 * and, with +base, the machine's memory are less than is asked for. The owner's
 * cgroup is told about the refusal.
 */
bool hugepool_shmem_fits(struct inode *inode, unsigned long pages)
{
	unsigned int pool = SHMEM_I(inode)->pool;
	unsigned long limit;
	struct hugepool_request req = {
		.order = hugepool_pool_order(pool),
		.consumer = HUGEPOOL_SHMEM,
		.nid = NUMA_NO_NODE,
		.nodes = &hp_no_node,
	};

	limit = hugepool_pool_pages(pool) + inode->i_mapping->nrpages +
		2 * HUGEPOOL_UNIT_PAGES;
	if (hugepool_pool_has_base(pool))
		limit += totalram_pages();
	if (pages <= limit)
		return true;
	hugepool_refuse(&req);
	return false;
}

/* Draw a block for the place around @hole in a file and put it there. */
static struct folio *hp_shmem_fill(struct inode *inode, pgoff_t hole,
				   const struct hugepool_request *req)
{
	struct address_space *mapping = inode->i_mapping;
	gfp_t tree_gfp = (req->gfp & ~__GFP_NORETRY) | __GFP_RETRY_MAYFAIL;
	long pages = 1L << req->order;
	pgoff_t index = round_down(hole, pages), found = index;
	struct folio *folio;
	int err;

	/* Look again, now that nobody else fills this place. */
	if (xa_load(&mapping->i_pages, hole))
		return ERR_PTR(-EEXIST);
	/* Ordinary pages around the hole, with +base: no room for a block. */
	if (xa_find(&mapping->i_pages, &found, index + pages - 1, XA_PRESENT))
		return ERR_PTR(-ENOSPC);

	/* Quota and size= first: what they refuse must not take a block. */
	err = shmem_inode_acct_blocks(inode, pages);
	if (err) {
		/* A mount's default size= ends exactly where the pool does. */
		if (err == -ENOSPC && !req->may_fall_back && !req->may_shrink)
			hugepool_refuse(req);
		return ERR_PTR(err);
	}

	folio = hugepool_alloc(req);
	if (IS_ERR(folio)) {
		shmem_inode_unacct_blocks(inode, pages);
		return ERR_PTR(-ENOMEM);
	}
	__folio_set_locked(folio);
	__folio_set_swapbacked(folio);

	/* A refused tree node would be taken for an exhausted pool: try harder. */
	err = shmem_add_to_page_cache(folio, mapping, index, NULL, tree_gfp);
	if (err) {
		shmem_inode_unacct_blocks(inode, pages);
		folio_unlock(folio);
		folio_put(folio);
		return ERR_PTR(err);
	}
	shmem_recalc_inode(inode, pages, 0);
	/*
	 * A block stays with its file: drop_caches must not take clean ones, and
	 * truncate_inode_partial_folio() drops a clean folio that it cannot
	 * split, though a fault may have stored something in it meanwhile.
	 */
	folio_mark_dirty(folio);
	/*
	 * Pool folios are on no LRU list: reclaiming one would be no progress
	 * for the page allocator, and blocks do not migrate.
	 */
	return folio;
}

/**
 * hugepool_shmem_orders - which blocks may fill a hole
 * @inode: the file, with a pool list
 * @index: page index of the hole
 * @end: end of the write or fallocate() that meets the hole, in bytes
 *
 * With 1G+2M a block of 1 GB is used where all of it is going to be below the
 * end of the file. Whether there is something in its place already is looked at
 * when the hole is filled.
 *
 * Return: bit per page order.
 */
unsigned long hugepool_shmem_orders(struct inode *inode, pgoff_t index,
				    loff_t end)
{
	unsigned int pool = SHMEM_I(inode)->pool;
	unsigned long orders = 0;

	if (pool & BIT(HP_2M))
		orders |= BIT(HP_UNIT_ORDER);
	if (pool & BIT(HP_1G)) {
		pgoff_t last = index | (BIT(HP_BLOCK_ORDER) - 1);

		end = max(end, i_size_read(inode));
		if (!orders || last < end >> PAGE_SHIFT)
			orders |= BIT(HP_BLOCK_ORDER);
	}
	return orders;
}

/**
 * hugepool_shmem_add - allocate pool memory for a hole of a file
 * @inode: the file, with a pool list
 * @index: page index of the hole
 * @orders: bit per page order: the largest is taken, and no refusal reported
 *	    while there are others to try
 * @mm: mm that faults, or NULL when the current task writes or allocates
 * @gfp: GFP flags of the mapping
 * @pol: NUMA policy for @index
 * @ilx: interleave index for @index
 *
 * Context: process context. Takes the lock of the file's holes, inside of mmap_lock,
 * i_rwsem and the invalidate lock, and outside of folio locks.
 * Return: the folio, locked, in the page cache, neither uptodate nor zeroed; or
 * an ERR_PTR: -EEXIST when the place was filled meanwhile, -EDQUOT for a quota,
 * -ENOSPC for everything else that is exhausted.
 */
struct folio *hugepool_shmem_add(struct inode *inode, pgoff_t index,
				 unsigned long orders, struct mm_struct *mm,
				 gfp_t gfp, struct mempolicy *pol, pgoff_t ilx)
{
	unsigned int pool = SHMEM_I(inode)->pool;
	struct hugepool_request req = {
		.order = __fls(orders),
		/* One attempt at reclaim for memory.max, and no OOM kill. */
		.gfp = gfp | __GFP_NORETRY | __GFP_NOWARN,
		.consumer = HUGEPOOL_SHMEM,
		.may_fall_back = hugepool_pool_has_base(pool),
		.may_shrink = hweight_long(orders) > 1,
		.mm = mm,
		.pol = pol,
		.ilx = ilx,
		.nid = NUMA_NO_NODE,
	};
	struct hugepool_holes *holes = &SHMEM_I(inode)->pool_holes;
	bool last = !req.may_shrink, again;
	unsigned long until = hp_holes_until();
	struct folio *folio;

	/*
	 * Clearing the block, which takes most of the time, is done without the
	 * lock. It is the file's own, since reclaim may wait for a loop device
	 * that must fill a hole of another file.
	 */
	do {
		again = last && hp_holes_may_retry(holes, until);
		req.may_shrink = !last || again;
		scoped_guard(mutex, &holes->fill)
			folio = hp_shmem_fill(inode, index, &req);
	} while (folio == ERR_PTR(-ENOMEM) && again && hp_holes_wait());
	/*
	 * For a fault -ENOMEM means an OOM situation and a retry, of which there
	 * would be no end.
	 */
	if (folio == ERR_PTR(-ENOMEM))
		folio = ERR_PTR(-ENOSPC);
	return folio;
}
