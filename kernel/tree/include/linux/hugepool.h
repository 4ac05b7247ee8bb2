/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hugepool: per-node pools of 2 MB and 1 GB blocks, reserved at boot.
 *
 * The allocator interface for consumers in mm. See
 * Documentation/mm/hugepool/design.rst.
 */
#ifndef _LINUX_HUGEPOOL_H
#define _LINUX_HUGEPOOL_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/gfp_types.h>
#include <linux/jiffies.h>
#include <linux/jump_label.h>
#include <linux/mutex.h>
#include <linux/nodemask_types.h>
#include <linux/page-flags.h>
#include <linux/pgtable.h>
#include <linux/types.h>

struct address_space;
struct file;
struct inode;
struct mem_cgroup;
struct mempolicy;
struct mm_struct;
struct seq_file;
struct vm_area_struct;
struct vm_fault;

#ifdef CONFIG_HUGEPOOL
/* The smaller size of blocks: no pool folio is smaller. */
#define HUGEPOOL_UNIT_ORDER	(PMD_SHIFT - PAGE_SHIFT)
/* The larger one. */
#define HUGEPOOL_BLOCK_PAGES	BIT(PUD_SHIFT - PAGE_SHIFT)
#else
/* For code that nobody comes to. */
#define HUGEPOOL_UNIT_ORDER	0
#define HUGEPOOL_BLOCK_PAGES	1UL
#endif
#define HUGEPOOL_UNIT_PAGES	BIT(HUGEPOOL_UNIT_ORDER)

/* Who uses a block: the rows of memory.hugepool.numa_stat. */
enum hugepool_consumer {
	HUGEPOOL_SHMEM,
	HUGEPOOL_GUEST_MEMFD,
	HUGEPOOL_NR_CONSUMERS,
};

#ifdef CONFIG_HUGEPOOL
/**
 * struct hugepool_holes - what filling the holes of a file, and making some, needs
 * @fill: serialises filling them. Of two faults on the same hole only one may ask
 *	  the pool, or the second would be refused where there is room for one
 * @nr_making: how many are making holes
 * @made: when the last one was done, in jiffies
 *
 * A block that was removed is charged until its last reference is dropped, which
 * may be that of somebody who waits for its lock. So what is refused right after
 * that is not refused for good.
 */
struct hugepool_holes {
	struct mutex fill;	/* one at a time */
	atomic_t nr_making;
	unsigned long made;
};

static inline void hugepool_holes_init(struct hugepool_holes *holes)
{
	mutex_init(&holes->fill);
	atomic_set(&holes->nr_making, 0);
	holes->made = jiffies - HZ;
}

/* Around the removal of blocks from the page cache. */
static inline void hugepool_holes_begin(struct hugepool_holes *holes)
{
	atomic_inc(&holes->nr_making);
}

static inline void hugepool_holes_end(struct hugepool_holes *holes)
{
	WRITE_ONCE(holes->made, jiffies);
	atomic_dec(&holes->nr_making);
}
#else
struct hugepool_holes { };

static inline void hugepool_holes_init(struct hugepool_holes *holes)
{
}

static inline void hugepool_holes_begin(struct hugepool_holes *holes)
{
}

static inline void hugepool_holes_end(struct hugepool_holes *holes)
{
}
#endif

/**
 * struct hugepool_request - what hugepool_alloc() is asked for
 * @order:	HPAGE_PMD_ORDER or HPAGE_PUD_ORDER
 * @gfp:	context of the memory cgroup charge, the only part of an allocation
 *		that may sleep or reclaim; __GFP_THISNODE keeps to @nid
 * @consumer:	who will use the block
 * @may_fall_back: the caller serves a refused request with ordinary memory
 * @may_shrink:	the caller asks for a smaller block next: a refusal is not told
 *		to anybody
 * @mm:		whose memory cgroup to charge; NULL for that of the current task
 * @pol:	memory policy that names the nodes, or NULL for @nid and @nodes
 * @ilx:	index for interleave policies in @pol
 * @nid:	preferred node, or NUMA_NO_NODE for the local one; without @pol
 * @nodes:	allowed nodes, as far as the cpuset allows them, or NULL for all
 *		that it allows; without @pol
 */
struct hugepool_request {
	unsigned int order;
	gfp_t gfp;
	enum hugepool_consumer consumer;
	bool may_fall_back;
	bool may_shrink;
	struct mm_struct *mm;
	struct mempolicy *pol;
	pgoff_t ilx;
	int nid;
	nodemask_t *nodes;
};

#ifdef CONFIG_HUGEPOOL

DECLARE_STATIC_KEY_FALSE(hugepool_key);

/**
 * hugepool_enabled - does this machine have a pool?
 *
 * Context: any, from the moment that initcalls run.
 */
static inline bool hugepool_enabled(void)
{
	return static_branch_unlikely(&hugepool_key);
}

/**
 * folio_is_hugepool - is this folio pool memory?
 * @folio: a folio that the caller holds a reference on, or has frozen
 *
 * Costs nothing on machines without a pool.
 */
static inline bool folio_is_hugepool(const struct folio *folio)
{
	return hugepool_enabled() && folio_test_large(folio) &&
	       folio_test_hugepool(folio);
}

void __init hugepool_bootmem_alloc(void);
void __init hugepool_init_folios(void);

struct folio *hugepool_alloc(const struct hugepool_request *req);
void hugepool_refuse(const struct hugepool_request *req);
void hugepool_free_folio(struct folio *folio);
void hugepool_split_folio(struct folio *folio, unsigned int old_order,
			  unsigned int new_order);
int hugepool_zero_folio(struct folio *folio, unsigned long addr);
int hugepool_memory_failure(unsigned long pfn);
bool hugepool_has_pfn(unsigned long pfn);
void hugepool_report_meminfo(struct seq_file *m);

bool hugepool_vma_has_puds(const struct vm_area_struct *vma);
bool hugepool_can_map_pud(const struct vm_fault *vmf, unsigned int order);
vm_fault_t hugepool_map_pud(struct vm_fault *vmf, struct folio *folio);
unsigned long hugepool_get_unmapped_area(struct file *file, unsigned long addr,
					 unsigned long len,
					 unsigned long pgoff,
					 unsigned long flags);

#else /* !CONFIG_HUGEPOOL */

static inline bool hugepool_enabled(void)
{
	return false;
}

static inline bool folio_is_hugepool(const struct folio *folio)
{
	return false;
}

static inline void hugepool_bootmem_alloc(void)
{
}

static inline void hugepool_init_folios(void)
{
}

static inline void hugepool_free_folio(struct folio *folio)
{
}

static inline void hugepool_split_folio(struct folio *folio,
					unsigned int old_order,
					unsigned int new_order)
{
}

static inline int hugepool_zero_folio(struct folio *folio, unsigned long addr)
{
	return 0;
}

static inline int hugepool_memory_failure(unsigned long pfn)
{
	return -ENOENT;
}

static inline bool hugepool_has_pfn(unsigned long pfn)
{
	return false;
}

static inline void hugepool_report_meminfo(struct seq_file *m)
{
}

static inline bool hugepool_vma_has_puds(const struct vm_area_struct *vma)
{
	return false;
}

static inline bool hugepool_can_map_pud(const struct vm_fault *vmf,
					unsigned int order)
{
	return false;
}

static inline vm_fault_t hugepool_map_pud(struct vm_fault *vmf,
					  struct folio *folio)
{
	return VM_FAULT_FALLBACK;
}

static inline unsigned long
hugepool_get_unmapped_area(struct file *file, unsigned long addr,
			   unsigned long len, unsigned long pgoff,
			   unsigned long flags)
{
	return -ENOMEM;
}

#endif /* CONFIG_HUGEPOOL */

#if defined(CONFIG_HUGEPOOL) && defined(CONFIG_SHMEM)
const char *hugepool_parse_pool(const char *text, unsigned int *pool);
const char *hugepool_pool_name(unsigned int pool);
bool hugepool_pool_has_base(unsigned int pool);
unsigned int hugepool_pool_order(unsigned int pool);
unsigned int hugepool_pool_max_order(unsigned int pool);
bool hugepool_may_split(struct folio *folio, unsigned int new_order);
pgoff_t hugepool_split_end(struct folio *folio, pgoff_t end);
bool hugepool_pool_exists(unsigned int pool);
unsigned long hugepool_pool_pages(unsigned int pool);
unsigned long hugepool_pool_available(unsigned int pool);
bool hugepool_shmem_fits(struct inode *inode, unsigned long pages);
unsigned long hugepool_shmem_orders(struct inode *inode, pgoff_t index,
				    loff_t end);
struct folio *hugepool_shmem_add(struct inode *inode, pgoff_t index,
				 unsigned long orders, struct mm_struct *mm,
				 gfp_t gfp, struct mempolicy *pol, pgoff_t ilx);
#else
static inline const char *hugepool_parse_pool(const char *text,
					      unsigned int *pool)
{
	return "the kernel has no pools";
}

static inline const char *hugepool_pool_name(unsigned int pool)
{
	return "";
}

static inline bool hugepool_pool_has_base(unsigned int pool)
{
	return false;
}

static inline unsigned int hugepool_pool_order(unsigned int pool)
{
	return HUGEPOOL_UNIT_ORDER;
}

static inline unsigned int hugepool_pool_max_order(unsigned int pool)
{
	return HUGEPOOL_UNIT_ORDER;
}

static inline bool hugepool_may_split(struct folio *folio,
				      unsigned int new_order)
{
	return !IS_ENABLED(CONFIG_HUGEPOOL);
}

static inline pgoff_t hugepool_split_end(struct folio *folio, pgoff_t end)
{
	return end;
}

static inline bool hugepool_pool_exists(unsigned int pool)
{
	return false;
}

static inline unsigned long hugepool_pool_pages(unsigned int pool)
{
	return 0;
}

static inline unsigned long hugepool_pool_available(unsigned int pool)
{
	return 0;
}

static inline bool hugepool_shmem_fits(struct inode *inode,
				       unsigned long pages)
{
	return true;
}

static inline unsigned long hugepool_shmem_orders(struct inode *inode,
						  pgoff_t index, loff_t end)
{
	return 0;
}

static inline struct folio *hugepool_shmem_add(struct inode *inode,
					       pgoff_t index,
					       unsigned long orders,
					       struct mm_struct *mm, gfp_t gfp,
					       struct mempolicy *pol,
					       pgoff_t ilx)
{
	return ERR_PTR(-ENOSPC);
}
#endif

#ifdef CONFIG_HUGEPOOL
bool hugepool_gmem_supported(void);
int hugepool_gmem_order(unsigned int size_log);
struct folio *hugepool_gmem_add(struct address_space *mapping,
				struct hugepool_holes *holes, pgoff_t index,
				unsigned int order, struct mempolicy *pol);
#else
static inline bool hugepool_gmem_supported(void)
{
	return false;
}

static inline int hugepool_gmem_order(unsigned int size_log)
{
	return -EINVAL;
}

static inline struct folio *hugepool_gmem_add(struct address_space *mapping,
					      struct hugepool_holes *holes,
					      pgoff_t index, unsigned int order,
					      struct mempolicy *pol)
{
	return ERR_PTR(-ENOMEM);
}
#endif

#if defined(CONFIG_HUGEPOOL) && defined(CONFIG_SHMEM) && \
	defined(CONFIG_MEMFD_CREATE)
struct file *hugepool_memfd_create(const char *name, unsigned int size_log);
#else
static inline struct file *hugepool_memfd_create(const char *name,
						 unsigned int size_log)
{
	return ERR_PTR(-EINVAL);
}
#endif

#endif /* _LINUX_HUGEPOOL_H */
