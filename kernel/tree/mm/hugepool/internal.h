/* SPDX-License-Identifier: GPL-2.0 */
/* Hugepool: what its files share with each other and with nobody else. */
#ifndef _MM_HUGEPOOL_INTERNAL_H
#define _MM_HUGEPOOL_INTERNAL_H

#include <linux/hugepool.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

#include "account.h"
#include "core.h"

#define HP_UNIT_ORDER	(HP_UNIT_SHIFT - PAGE_SHIFT)
#define HP_BLOCK_ORDER	(HP_BLOCK_SHIFT - PAGE_SHIFT)

static inline unsigned int hp_class_order(enum hp_class class)
{
	return hp_class_shift(class) - PAGE_SHIFT;
}

/* Units in a folio, which is of the order of a unit or above. */
static inline unsigned int hp_order_units(unsigned int order)
{
	return 1U << (order - HP_UNIT_ORDER);
}

static inline unsigned long hp_unit_pfn(unsigned long unit)
{
	return unit << HP_UNIT_ORDER;
}

static inline unsigned long hp_pfn_unit(unsigned long pfn)
{
	return pfn >> HP_UNIT_ORDER;
}

/**
 * struct hp_stats - the numbers of one node, taken at one moment
 * @total:	blocks in service per class
 * @free:	of these, not handed out
 * @reserved:	of the free ones, those that cgroups have a claim to
 * @nr_broken:	broken 1 GB blocks
 * @nr_poisoned: units retired after a memory failure
 */
struct hp_stats {
	unsigned long total[HP_NR_CLASSES];
	unsigned long free[HP_NR_CLASSES];
	unsigned long reserved[HP_NR_CLASSES];
	unsigned long nr_broken;
	unsigned long nr_poisoned;
};

static inline u64 hp_bytes(enum hp_class class, unsigned long blocks)
{
	return (u64)blocks << hp_class_shift(class);
}

/* pool.c */
/*
 * Protects every struct hp_node and struct hp_account. Taken with interrupts
 * off, since folios are freed from interrupt handlers. Innermost: no lock is
 * taken, nothing is allocated and nothing is printed under it.
 */
extern spinlock_t hugepool_lock;
extern bool hugepool_demote;

int __init hp_pool_add_node(int nid, unsigned long first_unit,
			    unsigned long nr_units);
int __init hp_pool_add(int nid, unsigned long unit, unsigned long nr,
		       enum hp_class class);
void __init hp_pool_start(void);
void hp_pool_stats(int nid, struct hp_stats *stats);
unsigned long hp_pool_total(unsigned long classes);
unsigned long hp_pool_available(unsigned long classes);
void hp_pool_capacity(int nid, unsigned long *blocks);
struct hp_node *hp_pool_node(int nid);
void hp_pool_merge(void);
void hp_pool_inherit(const struct hp_account *account);

/* promise.c */
int hp_promise(struct hp_account *account, enum hp_class class, int nid,
	       unsigned long min);
void hp_promise_drop(struct hp_account *account);
void hp_promise_end(struct hp_account *account);

/* folio.c */
struct folio *hp_folio_form(unsigned long pfn, enum hp_class class);
void hp_folio_split(struct folio *folio, unsigned int old_order,
		    unsigned int new_order);
void hp_folio_reset(struct folio *folio);
void __init hp_folio_init(unsigned long pfn, enum hp_class class,
			  unsigned long zone, int nid);

/* memcg.c */
enum hp_event {
	HP_EVENT_MAX,
	HP_EVENT_NOSPC,
	HP_EVENT_FALLBACK,
	HP_EVENT_RECLAIM,
	HP_NR_EVENTS,
};

/* Account of the root cgroup, or of the machine when there are no cgroups. */
extern struct hp_account *hp_root_account;

#ifdef CONFIG_MEMCG
struct hp_account *hp_memcg_account(struct mem_cgroup *memcg);
void hp_memcg_event(struct mem_cgroup *memcg, enum hp_event event);
struct mem_cgroup *hp_account_memcg(struct hp_account *account);
struct obj_cgroup *hp_memcg_uncharge(struct folio *folio);
struct obj_cgroup *hp_folio_owner(struct folio *folio);
struct hp_account *hp_owner_account(struct obj_cgroup *owner);
void hp_owner_put(struct obj_cgroup *owner);
#else
static inline struct hp_account *hp_memcg_account(struct mem_cgroup *memcg)
{
	return hp_root_account;
}

static inline void hp_memcg_event(struct mem_cgroup *memcg, enum hp_event event)
{
}

static inline struct mem_cgroup *hp_account_memcg(struct hp_account *account)
{
	return NULL;
}

static inline struct obj_cgroup *hp_memcg_uncharge(struct folio *folio)
{
	return NULL;
}

static inline struct obj_cgroup *hp_folio_owner(struct folio *folio)
{
	return NULL;
}

static inline struct hp_account *hp_owner_account(struct obj_cgroup *owner)
{
	return hp_root_account;
}

static inline void hp_owner_put(struct obj_cgroup *owner)
{
}
#endif

/*
 * Blocks that were just removed from a file are not back yet: a request that was
 * refused meanwhile is made again, quietly, for a tenth of a second at most. The
 * last one is told about as any.
 */
static inline unsigned long hp_holes_until(void)
{
	return jiffies + HZ / 10;
}

static inline bool hp_holes_may_retry(const struct hugepool_holes *holes,
				      unsigned long until)
{
	return (atomic_read(&holes->nr_making) ||
		time_before(jiffies, READ_ONCE(holes->made) + HZ / 10)) &&
	       time_before(jiffies, until) && !fatal_signal_pending(current);
}

static inline bool hp_holes_wait(void)
{
	schedule_timeout_killable(1);
	return true;
}

#endif /* _MM_HUGEPOOL_INTERNAL_H */
