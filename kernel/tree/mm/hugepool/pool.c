// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: the pools of all nodes, allocation and freeing.
 *
 * Joins the state machine (core.c), the accounts (account.c) and the struct
 * pages (folio.c) under one lock. A request is admitted and its block taken in
 * one critical section, after everything that may fail or sleep has been done:
 * a refused request has neither taken a block nor raised a count at any time.
 *
 * One lock for all nodes, because a limit spans them. It is held for the time of
 * a bitmap search and a walk up the cgroups; a block that is drawn under it is
 * cleared without it, which takes hundreds of times longer.
 */

#include <linux/cpuset.h>
#include <linux/hugepool.h>
#include <linux/memcontrol.h>
#include <linux/memory.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../internal.h"
#include "guarantee.h"
#include "internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/hugepool.h>

DEFINE_STATIC_KEY_FALSE(hugepool_key);

DEFINE_SPINLOCK(hugepool_lock);

/* /sys/kernel/mm/hugepool/demote: may a 2 MB request break a 1 GB block? */
bool hugepool_demote __read_mostly;

struct hp_account *hp_root_account;

/* Set up at boot, the pointers never change afterwards. */
static struct hp_node *hp_nodes[MAX_NUMNODES] __ro_after_init;
static int hp_nids[MAX_NUMNODES] __ro_after_init;
static unsigned int hp_nr_nids __ro_after_init;
/* For every node that can ask: hp_nids from the nearest to the farthest. */
static int *hp_orders __ro_after_init;

/**
 * hp_pool_add_node - create the empty pool of a node
 * @nid: node
 * @first_unit: lowest unit that will be added
 * @nr_units: span of the units that will be added
 *
 * Return: 0 or -ENOMEM.
 */
int __init hp_pool_add_node(int nid, unsigned long first_unit,
			    unsigned long nr_units)
{
	unsigned long first = first_unit / HP_UNITS_PER_BLOCK;
	unsigned long last = (first_unit + nr_units - 1) / HP_UNITS_PER_BLOCK;
	struct hp_node *node = kzalloc_obj(*node);
	struct hp_block **windows = kvcalloc(last - first + 1, sizeof(*windows),
					     GFP_KERNEL);

	if (!node || !windows) {
		kfree(node);
		kvfree(windows);
		return -ENOMEM;
	}
	hp_node_init(node, nid, windows, first, last - first + 1);
	hp_nodes[nid] = node;
	hp_nids[hp_nr_nids++] = nid;
	return 0;
}

/**
 * hp_pool_add - add blocks whose struct pages are ready
 * @nid: their node, known to hp_pool_add_node()
 * @unit: first unit
 * @nr: number of units, for 1 GB blocks a multiple of 512
 * @class: size of the blocks
 *
 * Context: boot; different nodes may be served at the same time.
 * Return: 0, or -ENOMEM with some of the blocks added.
 */
int __init hp_pool_add(int nid, unsigned long unit, unsigned long nr,
		       enum hp_class class)
{
	struct hp_node *node = hp_nodes[nid];

	while (nr) {
		unsigned int index = unit % HP_UNITS_PER_BLOCK;
		unsigned int step = min(nr, HP_UNITS_PER_BLOCK - index);
		unsigned long window = unit / HP_UNITS_PER_BLOCK -
				       node->first_window;
		struct hp_block *block = node->windows[window];
		int err;

		if (!block)
			block = kzalloc_obj(*block);
		if (!block)
			return -ENOMEM;
		err = hp_node_add(node, block, unit, step, class == HP_1G);
		if (WARN_ON_ONCE(err))
			return err;
		unit += step;
		nr -= step;
	}
	return 0;
}

/**
 * hp_pool_node - the pool of a node
 * @nid: any node
 *
 * Return: the pool, NULL when the node has none.
 */
struct hp_node *hp_pool_node(int nid)
{
	return hp_nodes[nid];
}

static int hp_distance(int from, int to)
{
	return node_distance(from, to);
}

/**
 * hp_pool_start - open the pools for requests
 *
 * Context: boot, after the last hp_pool_add().
 */
void __init hp_pool_start(void)
{
	int nid;

	if (!hp_nr_nids)
		return;
	if (!hp_root_account) {
		hp_root_account = kzalloc(struct_size(hp_root_account, nodes,
						      nr_node_ids),
					  GFP_KERNEL | __GFP_NOFAIL);
		hp_account_init(hp_root_account, NULL, nr_node_ids);
	}
	hp_orders = kcalloc(nr_node_ids, hp_nr_nids * sizeof(*hp_orders),
			    GFP_KERNEL | __GFP_NOFAIL);
	for_each_node(nid)
		hp_node_order(nid, hp_nids, hp_nr_nids, hp_distance,
			      hp_orders + nid * hp_nr_nids);
	static_branch_enable(&hugepool_key);
}

/**
 * hp_pool_stats - the numbers of one node
 * @nid: any node; zeroes for one without a pool
 * @stats: filled in, all taken at one moment
 */
void hp_pool_stats(int nid, struct hp_stats *stats)
{
	const struct hp_node *node = hp_nodes[nid];
	unsigned int class;

	memset(stats, 0, sizeof(*stats));
	if (!node)
		return;
	guard(spinlock_irqsave)(&hugepool_lock);
	memcpy(stats->total, node->total, sizeof(stats->total));
	memcpy(stats->free, node->free, sizeof(stats->free));
	stats->nr_broken = node->nr_broken;
	stats->nr_poisoned = node->nr_poisoned;
	for (class = 0; class < HP_NR_CLASSES; class++)
		stats->reserved[class] = hp_claim_reserved(hp_root_account,
							   class, node);
}

/**
 * hp_pool_capacity - what a node has in service
 * @nid: node, or NUMA_NO_NODE for all together
 * @blocks: set per class to the number of blocks
 */
void hp_pool_capacity(int nid, unsigned long *blocks)
{
	unsigned int i, class;

	for (class = 0; class < HP_NR_CLASSES; class++)
		blocks[class] = 0;
	guard(spinlock_irqsave)(&hugepool_lock);
	for (i = 0; i < hp_nr_nids; i++) {
		const struct hp_node *node = hp_nodes[hp_nids[i]];

		if (nid != NUMA_NO_NODE && nid != node->nid)
			continue;
		for (class = 0; class < HP_NR_CLASSES; class++)
			blocks[class] += node->total[class];
	}
}

/**
 * hp_pool_total - pages in service of some classes, on all nodes
 * @classes: bit per class
 *
 * With 2 MB alone and demotion switched on, 1 GB blocks count as well: they can
 * be had unit by unit.
 *
 * Return: number of pages.
 */
unsigned long hp_pool_total(unsigned long classes)
{
	unsigned long blocks[HP_NR_CLASSES], pages = 0;
	unsigned int class;

	if (classes & BIT(HP_2M) && READ_ONCE(hugepool_demote))
		classes |= BIT(HP_1G);
	hp_pool_capacity(NUMA_NO_NODE, blocks);
	for (class = 0; class < HP_NR_CLASSES; class++)
		if (classes & BIT(class))
			pages += blocks[class] << hp_class_order(class);
	return pages;
}

static unsigned long hp_account_available(const struct hp_account *account,
					  unsigned long classes, bool demote)
{
	unsigned long pages = 0;
	unsigned int i, class;

	lockdep_assert_held(&hugepool_lock);
	for (i = 0; i < hp_nr_nids; i++) {
		const struct hp_node *node = hp_nodes[hp_nids[i]];

		for (class = 0; class < HP_NR_CLASSES; class++)
			if (classes & BIT(class) && !node->dead)
				pages += hp_claim_room(account, class, demote,
						       node) <<
					 hp_class_order(class);
	}
	return pages;
}

/**
 * hp_pool_available - pages that requests of some classes could get now
 * @classes: bit per class
 *
 * What others have a claim to is not available to the caller, what was guaranteed
 * to its own cgroup is.
 *
 * Context: process context.
 * Return: number of pages, of all nodes and without regard to limits.
 */
unsigned long hp_pool_available(unsigned long classes)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(NULL);
	const struct hp_account *account = hp_memcg_account(memcg);
	bool demote = READ_ONCE(hugepool_demote);
	unsigned long pages;

	/* Where they can be had whole as well, do not count them twice. */
	if (classes & BIT(HP_1G))
		demote = false;
	scoped_guard(spinlock_irqsave, &hugepool_lock)
		pages = hp_account_available(account, classes, demote);
	mem_cgroup_put(memcg);
	return pages;
}

/**
 * struct hp_try - a request on its way through the nodes
 * @req: what the consumer asked for
 * @class: size that @req's order stands for
 * @demote: the setting, read once: both sides of a decision must agree on it
 * @account: account to charge
 * @nid: node to ask first
 * @nodes: nodes that may be asked, NULL for all that the cpuset allows
 * @first: of these, the nodes to be asked before the others; NULL for all
 * @over: account whose limit refused a node that has a block
 * @admission: how the node that hp_try_find() has found serves the request
 * @broken: a node was taken out of service, which must be said without the lock
 * @slot: the block, once taken
 */
struct hp_try {
	const struct hugepool_request *req;
	enum hp_class class;
	bool demote;
	struct hp_account *account;
	int nid;
	const nodemask_t *nodes;
	const nodemask_t *first;
	struct hp_account *over;
	enum hp_admission admission;
	bool broken;
	struct hp_slot slot;
};

/* Which nodes a request may be served from, and in which order. */
static void hp_try_nodes(struct hp_try *try)
{
	const struct hugepool_request *req = try->req;
	nodemask_t *nodes = req->nodes;

	try->nid = req->nid == NUMA_NO_NODE ? numa_mem_id() : req->nid;
	try->first = NULL;
	if (req->pol) {
		try->nid = numa_mem_id();
		nodes = mpol_target_nodes(req->gfp, req->pol, req->ilx,
					  &try->nid);
		if (mpol_is_preferred_many(req->pol)) {
			try->first = nodes;
			nodes = NULL;
		}
	}
	try->nodes = nodes;
}

/*
 * Can this node serve the request? A node whose limit is reached, or where all
 * that is free is claimed by others, is as good as an empty one: the next node is
 * asked.
 */
static bool hp_try_node(struct hp_try *try, struct hp_node *node)
{
	struct hp_account *over;

	lockdep_assert_held(&hugepool_lock);
	try->admission = hp_admit(try->account, try->class, try->demote, node);
	if (try->admission == HP_ADMIT_NONE)
		return false;
	over = hp_account_over(try->account, try->class, node->nid);
	if (over && !try->over)
		try->over = over;
	return !over;
}

/* The node that serves the request, or NULL when there is none. */
static struct hp_node *hp_try_find(struct hp_try *try)
{
	const int *order = hp_orders + try->nid * hp_nr_nids;
	unsigned int pass, i;

	try->over = NULL;
	for (pass = try->first ? 0 : 1; pass < 2; pass++) {
		for (i = 0; i < hp_nr_nids; i++) {
			int nid = order[i];

			if (try->req->gfp & __GFP_THISNODE && nid != try->nid)
				continue;
			/* As the page allocator: a policy widens no cpuset. */
			if (!node_isset(nid, cpuset_current_mems_allowed))
				continue;
			if (try->nodes && !node_isset(nid, *try->nodes))
				continue;
			if (!pass && !node_isset(nid, *try->first))
				continue;
			if (hp_try_node(try, hp_nodes[nid]))
				return hp_nodes[nid];
		}
	}
	return NULL;
}

/* Would the request be served now? Spares the memory charge when not. */
static bool hp_try_probe(struct hp_try *try)
{
	guard(spinlock_irqsave)(&hugepool_lock);
	return hp_try_find(try);
}

/* Admit the request and take its block. */
static struct hp_node *hp_try_take(struct hp_try *try)
{
	struct hp_node *node;

	guard(spinlock_irqsave)(&hugepool_lock);
	node = hp_try_find(try);
	if (!node)
		return NULL;
	if (!hp_node_take(node, try->class, try->admission == HP_ADMIT_BREAK,
			  try->req->consumer, &try->slot)) {
		/* hp_admit() has seen the block: the books are wrong. */
		WRITE_ONCE(node->dead, true);
		try->broken = true;
		return NULL;
	}
	hp_account_charge(try->account,
			  (enum hp_consumer)try->req->consumer, try->class,
			  node->nid);
	return node;
}

/* Charge memory, take the block, give it to the owner. */
static struct folio *hp_try_alloc(struct hp_try *try, struct mem_cgroup *memcg)
{
	unsigned int order = try->req->order;
	struct hp_node *node;
	struct folio *folio;
	unsigned long pfn;

	if (!hp_try_probe(try))
		return ERR_PTR(-ENOSPC);
	if (mem_cgroup_precharge(memcg, try->req->gfp, 1U << order))
		return ERR_PTR(-ENOMEM);
	node = hp_try_take(try);
	if (!node) {
		WARN_ONCE(try->broken, "hugepool: the books of a node are wrong; pool taken out of service\n");
		mem_cgroup_cancel_precharge(memcg, 1U << order);
		return ERR_PTR(-ENOSPC);
	}

	pfn = hp_unit_pfn(try->slot.unit);
	if (try->slot.broke) {
		count_vm_event(HUGEPOOL_DEMOTE);
		trace_hugepool_demote(node->nid, hp_unit_pfn(try->slot.broken));
	}
	if (try->slot.form)
		folio = hp_folio_form(pfn, try->class);
	else
		folio = pfn_folio(pfn);
	VM_WARN_ON_ONCE_FOLIO(folio_order(folio) != order, folio);
	VM_WARN_ON_ONCE_FOLIO(folio_nid(folio) != node->nid, folio);

	mem_cgroup_commit_precharge(folio, memcg);
	lruvec_stat_mod_folio(folio, NR_HUGEPOOL, folio_nr_pages(folio));
	set_page_refcounted(&folio->page);
	return folio;
}

/* Tell the owner's cgroup, once per refused request. */
static void hp_try_refused(const struct hp_try *try, struct mem_cgroup *memcg,
			   int err)
{
	enum hp_event event = HP_EVENT_NOSPC;

	count_vm_event(HUGEPOOL_ALLOC_FAIL);
	trace_hugepool_alloc_fail(try->nid, try->req->order,
				  try->req->consumer, err);
	if (try->req->may_fall_back) {
		event = HP_EVENT_FALLBACK;
	} else if (err != -ENOSPC) {
		/* memory.max refused: memory.events tells. */
		return;
	} else if (try->over) {
		memcg = hp_account_memcg(try->over) ?: memcg;
		event = HP_EVENT_MAX;
	}
	hp_memcg_event(memcg, event);
}

/**
 * hugepool_alloc - draw a block from the pool
 * @req: what is wanted, and for whom
 *
 * The block comes from the first node, in the order of the memory policy and
 * then of distance, that has one and whose limits admit it. It is charged to the
 * owner's memory cgroup, as memory and as pool memory, before it is taken.
 *
 * The folio has one reference, is not locked, not on an LRU list and *not
 * zeroed*, whatever init_on_alloc= says: the caller must clear it before anybody
 * can see it. It is freed by the last folio_put().
 *
 * Context: process context; may sleep, unless @req->gfp forbids it and a 2 MB
 * block is wanted.
 * Return: the folio, or an ERR_PTR: -ENOSPC when no allowed node has a block or
 * memory.hugepool.max is reached, -ENOMEM when memory.max is reached and reclaim
 * did not help, -EINVAL for an order that no block has. Never an OOM kill.
 */
struct folio *hugepool_alloc(const struct hugepool_request *req)
{
	struct hp_try try = {
		.req = req,
		.demote = READ_ONCE(hugepool_demote),
	};
	struct mem_cgroup *memcg;
	unsigned int cookie;
	struct folio *folio;

	BUILD_BUG_ON((int)HUGEPOOL_NR_CONSUMERS != (int)HP_NR_CONSUMERS);
	BUILD_BUG_ON(HP_UNIT_ORDER != HPAGE_PMD_ORDER);
	BUILD_BUG_ON(HP_BLOCK_ORDER != HPAGE_PUD_ORDER);

	if (req->order == HP_UNIT_ORDER)
		try.class = HP_2M;
	else if (req->order == HP_BLOCK_ORDER)
		try.class = HP_1G;
	else
		return ERR_PTR(-EINVAL);
	if (!hugepool_enabled())
		return ERR_PTR(-ENOSPC);

	memcg = get_mem_cgroup_from_mm(req->mm);
	try.account = hp_memcg_account(memcg);
	do {
		cookie = read_mems_allowed_begin();
		hp_try_nodes(&try);
		folio = hp_try_alloc(&try, memcg);
	} while (IS_ERR(folio) && read_mems_allowed_retry(cookie));

	if (IS_ERR(folio)) {
		if (!req->may_shrink)
			hp_try_refused(&try, memcg, PTR_ERR(folio));
	} else {
		count_vm_event(HUGEPOOL_ALLOC);
		trace_hugepool_alloc(folio_nid(folio), folio_pfn(folio),
				     req->order, req->consumer);
	}
	mem_cgroup_put(memcg);
	return folio;
}

/**
 * hugepool_refuse - count a request that was refused before it got here
 * @req: the request
 *
 * For consumers with limits of their own: where the pool or a limit of the
 * owner's cgroups would have refused the request as well, the cgroup is told
 * about that, once.
 *
 * Context: process context.
 */
void hugepool_refuse(const struct hugepool_request *req)
{
	struct hp_try try = {
		.req = req,
		.class = req->order == HP_BLOCK_ORDER ? HP_1G : HP_2M,
		.demote = READ_ONCE(hugepool_demote),
	};
	struct mem_cgroup *memcg;

	if (!hugepool_enabled())
		return;
	memcg = get_mem_cgroup_from_mm(req->mm);
	try.account = hp_memcg_account(memcg);
	hp_try_nodes(&try);
	if (!hp_try_probe(&try))
		hp_try_refused(&try, memcg, -ENOSPC);
	mem_cgroup_put(memcg);
}

/*
 * The pool's books and the world disagree. Nothing of this node is handed out
 * any more; what is in use stays usable.
 */
static void hp_node_quarantine(struct hp_node *node, unsigned long pfn)
{
	if (node)
		WRITE_ONCE(node->dead, true);
	WARN_ONCE(1, "hugepool: pfn %#lx came back to node %d or was split, but is not handed out like that; pool taken out of service\n",
		  pfn, pfn_to_nid(pfn));
}

/*
 * Make a 1 GB block whole that is all free, if no guarantee needs its units. What
 * comes back at a time is never enough for a second one.
 */
static bool hp_merge_one(struct hp_node *node, unsigned long *unit)
{
	lockdep_assert_held(&hugepool_lock);
	return hp_claim_merge(hp_root_account, node, unit);
}

static void hp_merged(int nid, unsigned long unit)
{
	count_vm_event(HUGEPOOL_MERGE);
	trace_hugepool_merge(nid, hp_unit_pfn(unit));
}

/**
 * hp_pool_merge - make 1 GB blocks whole again, all that can be
 *
 * To be called without hugepool_lock when a guarantee has become smaller.
 *
 * Context: any.
 */
void hp_pool_merge(void)
{
	unsigned long unit, flags;
	unsigned int i;
	bool merged;

	for (i = 0; i < hp_nr_nids; i++) {
		struct hp_node *node = hp_nodes[hp_nids[i]];

		do {
			spin_lock_irqsave(&hugepool_lock, flags);
			merged = hp_merge_one(node, &unit);
			spin_unlock_irqrestore(&hugepool_lock, flags);
			if (merged)
				hp_merged(node->nid, unit);
		} while (merged);
	}
}

/**
 * hp_pool_inherit - what an account has broken is its parent's business
 * @account: account that hp_account_exit() was called for
 *
 * Context: with hugepool_lock held.
 */
void hp_pool_inherit(const struct hp_account *account)
{
	unsigned int i;

	lockdep_assert_held(&hugepool_lock);
	for (i = 0; i < hp_nr_nids; i++)
		hp_claim_inherit(account, hp_nodes[hp_nids[i]]);
}

/**
 * hugepool_free_folio - take a pool folio back
 * @folio: folio whose last reference is gone
 *
 * Called from the free paths of folios instead of the page allocator. The block
 * is uncharged and free again in one step. If all of a broken 1 GB block is free
 * now, and no guarantee needs its units, it is whole again.
 *
 * Context: any, interrupts included.
 */
void hugepool_free_folio(struct folio *folio)
{
	unsigned int order = folio_order(folio), nr = hp_order_units(order);
	enum hp_class class = hp_units_class(nr);
	unsigned int blocks = nr / hp_class_units(class);
	unsigned long pfn = folio_pfn(folio);
	struct hp_node *node = hp_nodes[folio_nid(folio)];
	enum hp_give given = HP_GIVE_BAD;
	unsigned long flags, unit;
	struct obj_cgroup *owner;
	bool merged = false;
	u8 consumer;

	lruvec_stat_mod_folio(folio, NR_HUGEPOOL, -folio_nr_pages(folio));
	owner = hp_memcg_uncharge(folio);
	hp_folio_reset(folio);

	/* The owner's cgroup may go offline: its account stays until then. */
	rcu_read_lock();
	spin_lock_irqsave(&hugepool_lock, flags);
	if (node)
		given = hp_node_give(node, hp_pfn_unit(pfn), nr, &consumer);
	if (given != HP_GIVE_BAD) {
		hp_account_uncharge(hp_owner_account(owner), consumer, class,
				    node->nid, blocks);
		merged = hp_merge_one(node, &unit);
	}
	spin_unlock_irqrestore(&hugepool_lock, flags);
	rcu_read_unlock();
	hp_owner_put(owner);

	if (given == HP_GIVE_BAD) {
		hp_node_quarantine(node, pfn);
		return;
	}
	count_vm_events(HUGEPOOL_FREE, blocks);
	trace_hugepool_free(node->nid, pfn, order, consumer);
	if (merged)
		hp_merged(node->nid, unit);
}

/* A piece is several smaller ones now: the books, and the owner's account. */
static bool hp_pool_split(struct hp_node *node, struct folio *folio,
			  unsigned int nr, unsigned int new_nr)
{
	unsigned long unit = hp_pfn_unit(folio_pfn(folio));
	struct obj_cgroup *owner = hp_folio_owner(folio);
	struct hp_account *account;
	u8 consumer;

	guard(rcu)();
	guard(spinlock_irqsave)(&hugepool_lock);
	if (!node || !hp_node_split(node, unit, nr, new_nr, &consumer))
		return false;
	if (hp_units_class(nr) == HP_1G) {
		account = hp_owner_account(owner);
		hp_account_break(account, consumer, node->nid);
		hp_claim_break(account, node, hp_node_find(node, unit));
	}
	return true;
}

/**
 * hugepool_split_folio - a pool folio was split
 * @folio: the folio, its struct pages split already, charges included
 * @old_order: what its order was
 * @new_order: order that it, and each of the folios behind it, has now; not
 *	       below the order of a unit
 *
 * The new folios are pool folios as well. When a 1 GB block is not whole any
 * more it counts as 512 units from now on, for the pool and for its owner: that
 * takes nothing from anybody, so it does not fail, whatever the limits are.
 *
 * Context: any. All of the folios are frozen and have the owner in common.
 */
void hugepool_split_folio(struct folio *folio, unsigned int old_order,
			  unsigned int new_order)
{
	struct hp_node *node = hp_nodes[folio_nid(folio)];
	unsigned long pfn = folio_pfn(folio);

	hp_folio_split(folio, old_order, new_order);
	if (!hp_pool_split(node, folio, hp_order_units(old_order),
			   hp_order_units(new_order))) {
		hp_node_quarantine(node, pfn);
		return;
	}
	if (old_order == HP_BLOCK_ORDER) {
		count_vm_event(HUGEPOOL_DEMOTE);
		trace_hugepool_demote(node->nid, pfn);
		/* Its units may serve the owner's guarantee in place of others. */
		hp_pool_merge();
	}
}

static struct hp_node *hp_pfn_node(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	return page ? hp_nodes[page_to_nid(page)] : NULL;
}

/**
 * hugepool_has_pfn - does the pool own this page?
 * @pfn: any page frame number
 *
 * Unlike folio_is_hugepool() this needs no reference: it asks the pool's books,
 * which name its memory from boot to shutdown, free or not.
 *
 * Context: any.
 */
bool hugepool_has_pfn(unsigned long pfn)
{
	struct hp_node *node;

	if (!hugepool_enabled())
		return false;
	node = hp_pfn_node(pfn);
	return node && hp_node_find(node, hp_pfn_unit(pfn));
}

/**
 * hugepool_memory_failure - a page has failed that may be the pool's
 * @pfn: page frame number of the failed page
 *
 * A free unit is retired at once: it counts as poisoned and is never handed out
 * again. A unit in use is retired when it comes back; its users are the business
 * of memory_failure().
 *
 * Context: process context.
 * Return: 0 when the unit was free and is retired now, -EBUSY when it is in use,
 * -EHWPOISON when the unit had been retired before, -ENOENT when the page is not
 * pool memory.
 */
int hugepool_memory_failure(unsigned long pfn)
{
	struct hp_node *node;
	enum hp_fail found;

	if (!hugepool_enabled())
		return -ENOENT;
	node = hp_pfn_node(pfn);
	if (!node)
		return -ENOENT;
	scoped_guard(spinlock_irqsave, &hugepool_lock)
		found = hp_claim_fail(node, hp_pfn_unit(pfn));

	switch (found) {
	case HP_FAIL_RETIRED:
		/* If a 1 GB block was broken, there are units to spare now. */
		hp_pool_merge();
		return 0;
	case HP_FAIL_MARKED:
		return -EBUSY;
	case HP_FAIL_AGAIN:
		return -EHWPOISON;
	default:
		return -ENOENT;
	}
}

#ifdef CONFIG_MEMORY_HOTPLUG
/*
 * Pool memory is never given up, so memory that holds some of it cannot go
 * offline: say so at once instead of trying to migrate it for ever.
 */
static int hp_memory_notify(struct notifier_block *nb, unsigned long action,
			    void *data)
{
	const struct memory_notify *arg = data;
	unsigned long pfn;

	if (action != MEM_GOING_OFFLINE)
		return NOTIFY_OK;
	for (pfn = arg->start_pfn; pfn < arg->start_pfn + arg->nr_pages;
	     pfn += HPAGE_PMD_NR) {
		if (!hugepool_has_pfn(pfn))
			continue;
		pr_info("hugepool: memory at pfn %#lx cannot go offline: it belongs to the pool\n",
			pfn);
		return NOTIFY_BAD;
	}
	return NOTIFY_OK;
}

static int __init hp_memory_notify_init(void)
{
	hotplug_memory_notifier(hp_memory_notify, DEFAULT_CALLBACK_PRI);
	return 0;
}
subsys_initcall(hp_memory_notify_init);
#endif /* CONFIG_MEMORY_HOTPLUG */
