/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hugepool: the state of blocks and units, without struct page.
 *
 * Everything declared here is plain bookkeeping: it takes no lock, allocates
 * nothing, prints nothing and never looks at a struct page, so that the same
 * source compiles in userspace (tests/sim of the hugepool project) and under
 * KUnit. The caller serialises all calls with hugepool_lock.
 *
 * Terms: a unit is 2 MB, addressed by its number (physical address / 2 MB).
 * A window is the 1 GB-aligned range of 512 units around a unit. Every window
 * that holds pool memory of a node has one struct hp_block. A window that was
 * reserved as a 1 GB block is "gigantic": it is either whole (free or handed
 * out as 1 GB) or broken into units. A window with 2 MB reservations holds
 * those of its 512 units that were reserved.
 */
#ifndef _MM_HUGEPOOL_CORE_H
#define _MM_HUGEPOOL_CORE_H

#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/types.h>

#define HP_UNIT_SHIFT		21
#define HP_BLOCK_SHIFT		30
#define HP_UNITS_PER_BLOCK	(1U << (HP_BLOCK_SHIFT - HP_UNIT_SHIFT))

struct hp_account;

/* The two sizes of blocks that users see. */
enum hp_class {
	HP_2M,
	HP_1G,
	HP_NR_CLASSES,
};

static inline unsigned int hp_class_shift(enum hp_class class)
{
	return class == HP_1G ? HP_BLOCK_SHIFT : HP_UNIT_SHIFT;
}

static inline unsigned int hp_class_units(enum hp_class class)
{
	return class == HP_1G ? HP_UNITS_PER_BLOCK : 1;
}

/* Less than a whole block counts as so many units. */
static inline enum hp_class hp_units_class(unsigned int units)
{
	return units == HP_UNITS_PER_BLOCK ? HP_1G : HP_2M;
}

/**
 * struct hp_block - the pool's part of one 1 GB-aligned window on one node
 * @link:	on hp_node.whole, .broken or .small while it has something free
 *		of that kind; empty otherwise
 * @first:	number of the first unit of the window, a multiple of 512
 * @gigantic:	reserved as one 1 GB block
 * @whole:	@gigantic and not broken: free or handed out as 1 GB
 * @in_use:	@whole and handed out
 * @prepared:	@whole and its struct pages form one compound page of 1 GB
 * @nr_free:	units set in @free
 * @present:	units of the window that belong to the pool
 * @free:	units that can be handed out one by one; all clear while @whole
 * @bad:	units with a memory failure: retired, or to be retired when they
 *		come back
 * @formed:	units that are in use, and free ones whose struct pages form one
 *		compound page of 2 MB; all clear while @whole
 * @heads:	first units of the pieces in use: unit 0 of a whole block, and of
 *		a broken one as many as its owners hold folios of it
 * @kind:	which consumer holds the piece that begins with a unit
 * @debtor:	broken by its owner: the account that the block counts in as a 1 GB
 *		block until it is whole again, see hp_claim_break()
 *
 * What is handed out is a piece: a whole block, a unit or, where the owner has
 * split a whole block, any of the powers of two between. A piece comes back as
 * it is.
 *
 * Free units whose bit in @formed is clear still are tail pages of a larger
 * compound page, headed by the first unit of the piece that came back with them,
 * which is unit 0 after a break. hp_node_take() hands out the highest free unit
 * first, so that the unit with the head those tails point to stays free and
 * frozen until no free unit refers to it any more. Units that were retired before
 * they were formed keep referring to it; who looks at memory by page frame number
 * asks hugepool_has_pfn() or hugepool_memory_failure().
 */
struct hp_block {
	struct list_head link;
	unsigned long first;
	bool gigantic;
	bool whole;
	bool in_use;
	bool prepared;
	unsigned int nr_free;
	DECLARE_BITMAP(present, HP_UNITS_PER_BLOCK);
	DECLARE_BITMAP(free, HP_UNITS_PER_BLOCK);
	DECLARE_BITMAP(bad, HP_UNITS_PER_BLOCK);
	DECLARE_BITMAP(formed, HP_UNITS_PER_BLOCK);
	DECLARE_BITMAP(heads, HP_UNITS_PER_BLOCK);
	u8 kind[HP_UNITS_PER_BLOCK];
	struct hp_account *debtor;
};

/**
 * struct hp_node - the pool of one NUMA node
 * @nid:	node number
 * @dead:	taken out of service after an inconsistency: nothing is handed
 *		out any more
 * @first_window: number of the first window in @windows
 * @nr_windows:	length of @windows
 * @windows:	block of each window of the node's memory, NULL where none
 * @whole:	free 1 GB blocks
 * @broken:	broken 1 GB blocks with a free unit, those that are all free last
 * @small:	windows of 2 MB reservations with a free unit
 * @total:	blocks in service per class: whole ones under 1 GB, units of
 *		broken blocks and of 2 MB reservations under 2 MB
 * @free:	blocks of @total that are not handed out
 * @nr_broken:	broken 1 GB blocks
 * @nr_poisoned: units retired after a memory failure, in no class
 * @nr_owed:	broken 1 GB blocks with a debtor
 */
struct hp_node {
	int nid;
	bool dead;
	unsigned long first_window;
	unsigned long nr_windows;
	struct hp_block **windows;
	struct list_head whole;
	struct list_head broken;
	struct list_head small;
	unsigned long total[HP_NR_CLASSES];
	unsigned long free[HP_NR_CLASSES];
	unsigned long nr_broken;
	unsigned long nr_poisoned;
	unsigned long nr_owed;
};

/**
 * struct hp_slot - a block that was handed out
 * @unit:	number of its first unit
 * @class:	its size
 * @form:	its struct pages do not have the shape of @class yet: the new
 *		owner must form the compound page
 * @broke:	a free 1 GB block was broken for it
 * @broken:	first unit of that block, with @broke
 */
struct hp_slot {
	unsigned long unit;
	enum hp_class class;
	bool form;
	bool broke;
	unsigned long broken;
};

/* What hp_node_give() did with the returned block. */
enum hp_give {
	HP_GIVE_BAD,		/* not handed out by this pool: inconsistency */
	HP_GIVE_FREED,
	HP_GIVE_RETIRED,	/* one unit or more went to the poisoned */
};

/* What hp_node_fail() found. */
enum hp_fail {
	HP_FAIL_NOT_OURS,	/* no pool memory */
	HP_FAIL_AGAIN,		/* retired before */
	HP_FAIL_RETIRED,	/* was free: out of service now */
	HP_FAIL_MARKED,		/* handed out: retired when it comes back */
};

void hp_node_init(struct hp_node *node, int nid, struct hp_block **windows,
		  unsigned long first_window, unsigned long nr_windows);
int hp_node_add(struct hp_node *node, struct hp_block *block,
		unsigned long unit, unsigned int nr, bool gigantic);
struct hp_block *hp_node_find(const struct hp_node *node, unsigned long unit);
bool hp_node_take(struct hp_node *node, enum hp_class class, bool brk,
		  u8 kind, struct hp_slot *slot);
bool hp_node_split(struct hp_node *node, unsigned long unit, unsigned int nr,
		   unsigned int new_nr, u8 *kind);
enum hp_give hp_node_give(struct hp_node *node, unsigned long unit,
			  unsigned int nr, u8 *kind);
bool hp_node_merge(struct hp_node *node, unsigned long keep,
		   unsigned long *unit);
enum hp_fail hp_node_fail(struct hp_node *node, unsigned long unit);
bool hp_node_check(const struct hp_node *node);

unsigned int hp_node_order(int nid, const int *nids, unsigned int nr,
			   int (*distance)(int from, int to), int *order);

#endif /* _MM_HUGEPOOL_CORE_H */
