// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: the block state machine.
 *
 * A 1 GB block is whole and free, whole and handed out, or broken. It is broken
 * by a 2 MB request (where the caller allows it), by a memory failure, or by its
 * owner, and can be made whole again from the moment its 512 units are free:
 * breaking and merging only change this bookkeeping, under the caller's lock, so
 * there is no moment at which free memory is hidden from a request. Whether it is
 * made whole is up to the caller, who knows what 2 MB blocks were promised. The
 * struct pages follow when the block is handed out the next time (struct
 * hp_slot.form); an owner who splits a block writes those of its pieces.
 *
 * No lock is taken here: hugepool_lock is held around every call.
 */

#include <linux/errno.h>
#include <linux/string.h>

#include "core.h"

static unsigned long hp_window(unsigned long unit)
{
	return unit / HP_UNITS_PER_BLOCK;
}

static unsigned int hp_index(unsigned long unit)
{
	return unit % HP_UNITS_PER_BLOCK;
}

/**
 * hp_node_init - make an empty pool for a node
 * @node: pool to initialise
 * @nid: node number
 * @windows: room for a pointer per window, zeroed; owned by the caller
 * @first_window: number of the window that @windows[0] stands for
 * @nr_windows: length of @windows
 */
void hp_node_init(struct hp_node *node, int nid, struct hp_block **windows,
		  unsigned long first_window, unsigned long nr_windows)
{
	memset(node, 0, sizeof(*node));
	node->nid = nid;
	node->windows = windows;
	node->first_window = first_window;
	node->nr_windows = nr_windows;
	INIT_LIST_HEAD(&node->whole);
	INIT_LIST_HEAD(&node->broken);
	INIT_LIST_HEAD(&node->small);
}

/**
 * hp_node_find - the block that a unit belongs to
 * @node: pool to look in
 * @unit: unit number
 *
 * Return: the block, or NULL when @unit is not memory of this pool.
 */
struct hp_block *hp_node_find(const struct hp_node *node, unsigned long unit)
{
	unsigned long window = hp_window(unit) - node->first_window;
	struct hp_block *block;

	if (hp_window(unit) < node->first_window || window >= node->nr_windows)
		return NULL;
	block = node->windows[window];
	if (!block || !test_bit(hp_index(unit), block->present))
		return NULL;
	return block;
}

/* Broken, but all of it is free. */
static bool hp_block_idle(const struct hp_block *block)
{
	return block->gigantic && block->nr_free == HP_UNITS_PER_BLOCK;
}

/*
 * Put @block on the list that says what can be had from it, or on none. Idle
 * blocks are behind the others, where hp_node_merge() finds them and a request
 * comes to them last.
 */
static void hp_relink(struct hp_node *node, struct hp_block *block)
{
	list_del_init(&block->link);
	if (block->whole) {
		if (!block->in_use)
			list_add(&block->link, &node->whole);
	} else if (hp_block_idle(block)) {
		list_add_tail(&block->link, &node->broken);
	} else if (block->nr_free) {
		list_add(&block->link, block->gigantic ? &node->broken :
							 &node->small);
	}
}

/**
 * hp_node_add - put reserved memory into a pool
 * @node: pool of the memory's node
 * @block: zeroed descriptor of the window, or the one that hp_node_find() or an
 *	   earlier call put into this window when more units of it are added
 * @unit: first unit; with @gigantic a multiple of 512
 * @nr: number of units, none beyond the window; with @gigantic 512
 * @gigantic: one 1 GB block, its struct pages formed as such; else 2 MB blocks,
 *	      each formed as such
 *
 * Return: 0, or -EINVAL when the range is not as described, lies outside the
 * node or is in the pool already. Nothing is changed then.
 */
int hp_node_add(struct hp_node *node, struct hp_block *block,
		unsigned long unit, unsigned int nr, bool gigantic)
{
	unsigned long window = hp_window(unit) - node->first_window;
	unsigned int i, index = hp_index(unit);

	if (hp_window(unit) < node->first_window || window >= node->nr_windows)
		return -EINVAL;
	if (!nr || nr > HP_UNITS_PER_BLOCK - index)
		return -EINVAL;
	if (gigantic && nr != HP_UNITS_PER_BLOCK)
		return -EINVAL;
	if (node->windows[window] &&
	    (gigantic || node->windows[window] != block || block->gigantic))
		return -EINVAL;
	for (i = index; i < index + nr; i++)
		if (test_bit(i, block->present))
			return -EINVAL;

	if (!node->windows[window]) {
		node->windows[window] = block;
		INIT_LIST_HEAD(&block->link);
		block->first = hp_window(unit) * HP_UNITS_PER_BLOCK;
	}
	bitmap_set(block->present, index, nr);
	if (gigantic) {
		block->gigantic = true;
		block->whole = true;
		block->prepared = true;
		node->total[HP_1G]++;
		node->free[HP_1G]++;
	} else {
		bitmap_set(block->free, index, nr);
		bitmap_set(block->formed, index, nr);
		block->nr_free += nr;
		node->total[HP_2M] += nr;
		node->free[HP_2M] += nr;
	}
	hp_relink(node, block);
	return 0;
}

/*
 * Turn a whole block into units. Those of a free block that failed are retired
 * and leave both classes; those of a block in use still belong to its owner.
 */
static void hp_break(struct hp_node *node, struct hp_block *block)
{
	unsigned int nr_bad = 0;

	if (block->in_use) {
		bitmap_copy(block->formed, block->present, HP_UNITS_PER_BLOCK);
		block->in_use = false;
	} else {
		nr_bad = bitmap_weight(block->bad, HP_UNITS_PER_BLOCK);
		bitmap_andnot(block->free, block->present, block->bad,
			      HP_UNITS_PER_BLOCK);
		block->nr_free = HP_UNITS_PER_BLOCK - nr_bad;
		node->free[HP_1G]--;
		node->free[HP_2M] += block->nr_free;
	}
	block->whole = false;
	block->prepared = false;

	node->total[HP_1G]--;
	node->total[HP_2M] += HP_UNITS_PER_BLOCK - nr_bad;
	node->nr_broken++;
	node->nr_poisoned += nr_bad;
	hp_relink(node, block);
}

/* All units of a broken block are free: make it whole. */
static void hp_merge(struct hp_node *node, struct hp_block *block)
{
	bitmap_zero(block->free, HP_UNITS_PER_BLOCK);
	bitmap_zero(block->formed, HP_UNITS_PER_BLOCK);
	block->nr_free = 0;
	block->whole = true;
	block->in_use = false;
	block->prepared = false;

	node->total[HP_2M] -= HP_UNITS_PER_BLOCK;
	node->free[HP_2M] -= HP_UNITS_PER_BLOCK;
	node->nr_broken--;
	node->total[HP_1G]++;
	node->free[HP_1G]++;
	hp_relink(node, block);
}

static bool hp_take_whole(struct hp_node *node, u8 kind, struct hp_slot *slot)
{
	struct hp_block *block;

	if (list_empty(&node->whole))
		return false;
	block = list_first_entry(&node->whole, struct hp_block, link);
	block->in_use = true;
	__set_bit(0, block->heads);
	block->kind[0] = kind;
	node->free[HP_1G]--;
	hp_relink(node, block);

	slot->unit = block->first;
	slot->form = !block->prepared;
	block->prepared = true;
	return true;
}

static bool hp_take_unit(struct hp_node *node, u8 kind, struct hp_slot *slot)
{
	struct hp_block *block;
	unsigned int index;
	bool idle;

	/* Broken blocks first, so that 2 MB use does not spread. */
	if (!list_empty(&node->broken))
		block = list_first_entry(&node->broken, struct hp_block, link);
	else if (!list_empty(&node->small))
		block = list_first_entry(&node->small, struct hp_block, link);
	else
		return false;
	idle = hp_block_idle(block);

	/* The highest unit first: see struct hp_block. */
	index = find_last_bit(block->free, HP_UNITS_PER_BLOCK);
	__clear_bit(index, block->free);
	__set_bit(index, block->heads);
	block->kind[index] = kind;
	node->free[HP_2M]--;
	if (!--block->nr_free || idle)
		hp_relink(node, block);

	slot->unit = block->first + index;
	slot->form = !test_bit(index, block->formed);
	__set_bit(index, block->formed);
	return true;
}

/**
 * hp_node_take - hand out a block
 * @node: pool to take it from
 * @class: size
 * @brk: break a free 1 GB block for a 2 MB one, though there may be free units
 * @kind: consumer, given back by hp_node_give()
 * @slot: filled in on success
 *
 * Return: true, or false when there is none (and nothing changed). False after
 * hp_admit() has found one means that the pool is inconsistent.
 */
bool hp_node_take(struct hp_node *node, enum hp_class class, bool brk,
		  u8 kind, struct hp_slot *slot)
{
	if (node->dead)
		return false;

	slot->class = class;
	slot->broke = false;
	if (class == HP_1G)
		return hp_take_whole(node, kind, slot);
	if (brk) {
		struct hp_block *block;

		if (list_empty(&node->whole))
			return false;
		block = list_first_entry(&node->whole, struct hp_block, link);
		hp_break(node, block);
		slot->broke = true;
		slot->broken = block->first;
	}
	return hp_take_unit(node, kind, slot);
}

static bool hp_unit_in_use(const struct hp_block *block, unsigned int index)
{
	if (block->whole)
		return block->in_use;
	/* A retired unit is neither free nor formed. */
	return !test_bit(index, block->free) && test_bit(index, block->formed);
}

/* Units of the piece in use that begins here, 0 when none does. */
static unsigned int hp_piece_units(const struct hp_block *block,
				   unsigned int index)
{
	unsigned int end = index + 1;

	if (!test_bit(index, block->heads))
		return 0;
	while (end < HP_UNITS_PER_BLOCK && !test_bit(end, block->heads) &&
	       hp_unit_in_use(block, end))
		end++;
	return end - index;
}

/**
 * hp_node_split - a piece in use is several smaller ones from now on
 * @node: pool that handed it out
 * @unit: its first unit
 * @nr: its number of units
 * @new_nr: number of units of each new piece, less than @nr and a divisor of it
 * @kind: set to the consumer that hp_node_take() was told
 *
 * A whole block is broken by that: its units count as 2 MB ones until all of them
 * are back.
 *
 * Return: true, or false when there is no such piece; nothing was changed then,
 * @kind is not set, and the caller must stop trusting this pool.
 */
bool hp_node_split(struct hp_node *node, unsigned long unit, unsigned int nr,
		   unsigned int new_nr, u8 *kind)
{
	struct hp_block *block = hp_node_find(node, unit);
	unsigned int i, index = hp_index(unit);

	if (!block || !new_nr || new_nr >= nr || nr % new_nr ||
	    hp_piece_units(block, index) != nr)
		return false;

	*kind = block->kind[index];
	if (block->whole)
		hp_break(node, block);
	for (i = index; i < index + nr; i += new_nr) {
		__set_bit(i, block->heads);
		block->kind[i] = *kind;
	}
	return true;
}

static enum hp_give hp_give_whole(struct hp_node *node, struct hp_block *block)
{
	block->in_use = false;
	node->free[HP_1G]++;
	if (!bitmap_empty(block->bad, HP_UNITS_PER_BLOCK)) {
		hp_break(node, block);
		return HP_GIVE_RETIRED;
	}
	hp_relink(node, block);
	return HP_GIVE_FREED;
}

static enum hp_give hp_give_units(struct hp_node *node, struct hp_block *block,
				  unsigned int index, unsigned int nr)
{
	enum hp_give given = HP_GIVE_FREED;
	bool listed = block->nr_free;
	unsigned int i;

	for (i = index; i < index + nr; i++) {
		if (test_bit(i, block->bad)) {
			/* It must not look as if it were handed out. */
			__clear_bit(i, block->formed);
			node->total[HP_2M]--;
			node->nr_poisoned++;
			given = HP_GIVE_RETIRED;
			continue;
		}
		/* Of a larger piece, all units are part of one compound page. */
		if (nr > 1)
			__clear_bit(i, block->formed);
		__set_bit(i, block->free);
		node->free[HP_2M]++;
		block->nr_free++;
	}
	if (!listed || hp_block_idle(block))
		hp_relink(node, block);
	return given;
}

/**
 * hp_node_give - take a piece back
 * @node: pool that handed it out
 * @unit: its first unit
 * @nr: its number of units: those of the class that it was handed out as, or
 *	what hp_node_split() has left of it
 * @kind: set to the consumer that hp_node_take() was told
 *
 * Return: what became of it. On HP_GIVE_BAD nothing was changed and @kind is
 * not set: the caller must stop trusting this pool.
 */
enum hp_give hp_node_give(struct hp_node *node, unsigned long unit,
			  unsigned int nr, u8 *kind)
{
	struct hp_block *block = hp_node_find(node, unit);
	unsigned int index = hp_index(unit);

	if (!block || !nr || hp_piece_units(block, index) != nr)
		return HP_GIVE_BAD;

	*kind = block->kind[index];
	__clear_bit(index, block->heads);
	if (block->whole)
		return hp_give_whole(node, block);
	return hp_give_units(node, block, index, nr);
}

/**
 * hp_node_merge - make a broken 1 GB block whole of which all units are free
 * @node: pool
 * @keep: number of 2 MB blocks, free or not, that the pool must have afterwards
 * @unit: set to the first unit of the block
 *
 * To be called until it says no after every change that may free such a block or
 * lower @keep.
 *
 * Return: whether there was such a block.
 */
bool hp_node_merge(struct hp_node *node, unsigned long keep,
		   unsigned long *unit)
{
	struct hp_block *block;

	if (list_empty(&node->broken))
		return false;
	block = list_last_entry(&node->broken, struct hp_block, link);
	if (!hp_block_idle(block) ||
	    node->total[HP_2M] < keep + HP_UNITS_PER_BLOCK)
		return false;
	hp_merge(node, block);
	*unit = block->first;
	return true;
}

/**
 * hp_node_fail - memory of a unit has failed
 * @node: pool of the memory's node
 * @unit: unit that holds the failed byte
 *
 * A free unit is out of service at once; a free 1 GB block around it is broken
 * for that, whatever the demote setting. A unit in use is retired when it comes
 * back, however often it is reported until then.
 *
 * Return: what the unit was.
 */
enum hp_fail hp_node_fail(struct hp_node *node, unsigned long unit)
{
	struct hp_block *block = hp_node_find(node, unit);
	unsigned int index = hp_index(unit);

	if (!block)
		return HP_FAIL_NOT_OURS;
	if (hp_unit_in_use(block, index)) {
		__set_bit(index, block->bad);
		return HP_FAIL_MARKED;
	}
	if (__test_and_set_bit(index, block->bad))
		return HP_FAIL_AGAIN;
	if (block->whole) {
		hp_break(node, block);
		return HP_FAIL_RETIRED;
	}
	__clear_bit(index, block->free);
	__clear_bit(index, block->formed);
	node->total[HP_2M]--;
	node->free[HP_2M]--;
	node->nr_poisoned++;
	block->nr_free--;
	hp_relink(node, block);
	return HP_FAIL_RETIRED;
}

/* Sums of one block, for hp_node_check(). */
static bool hp_block_check(const struct hp_block *block,
			   unsigned long *total, unsigned long *free,
			   unsigned long *poisoned)
{
	unsigned int i, nr_free = 0;
	bool used = false;

	if (block->whole) {
		total[HP_1G]++;
		free[HP_1G] += !block->in_use;
		return block->gigantic && !block->nr_free &&
		       bitmap_empty(block->free, HP_UNITS_PER_BLOCK) &&
		       bitmap_empty(block->formed, HP_UNITS_PER_BLOCK) &&
		       bitmap_weight(block->heads, HP_UNITS_PER_BLOCK) ==
		       block->in_use &&
		       test_bit(0, block->heads) == block->in_use &&
		       (block->in_use ||
			bitmap_empty(block->bad, HP_UNITS_PER_BLOCK));
	}
	for (i = 0; i < HP_UNITS_PER_BLOCK; i++) {
		bool is_free = test_bit(i, block->free);
		bool formed = test_bit(i, block->formed);
		bool head = test_bit(i, block->heads);
		bool follows = used;

		/* What is in use begins with a head, nothing else has one. */
		used = formed && !is_free;
		if (used ? !head && !follows : head)
			return false;
		if (!test_bit(i, block->present)) {
			if (is_free || formed || test_bit(i, block->bad))
				return false;
			continue;
		}
		if (test_bit(i, block->bad) && !formed) {
			if (is_free)
				return false;
			*poisoned += 1;
			continue;
		}
		/* Only a unit of a broken block may be free and not formed. */
		if (!formed && !(is_free && block->gigantic))
			return false;
		nr_free += is_free;
		total[HP_2M]++;
	}
	free[HP_2M] += nr_free;
	return nr_free == block->nr_free;
}

/**
 * hp_node_check - do the counters of a pool agree with its blocks?
 * @node: pool to check
 *
 * Walks every unit: for tests and after an inconsistency, not for hot paths.
 *
 * Return: true when everything agrees.
 */
bool hp_node_check(const struct hp_node *node)
{
	unsigned long total[HP_NR_CLASSES] = {}, free[HP_NR_CLASSES] = {};
	unsigned long poisoned = 0, broken = 0, i;

	for (i = 0; i < node->nr_windows; i++) {
		const struct hp_block *block = node->windows[i];
		bool listed;

		if (!block)
			continue;
		if (!hp_block_check(block, total, free, &poisoned))
			return false;
		broken += block->gigantic && !block->whole;
		listed = block->whole ? !block->in_use : block->nr_free;
		if (listed == list_empty(&block->link))
			return false;
	}
	return total[HP_2M] == node->total[HP_2M] &&
	       total[HP_1G] == node->total[HP_1G] &&
	       free[HP_2M] == node->free[HP_2M] &&
	       free[HP_1G] == node->free[HP_1G] &&
	       poisoned == node->nr_poisoned && broken == node->nr_broken;
}

/**
 * hp_node_order - the order in which nodes are asked for a block
 * @nid: node that is preferred; need not be one of @nids
 * @nids: nodes that have a pool
 * @nr: length of @nids
 * @distance: distance between two nodes
 * @order: room for @nr nodes, filled with @nids from the nearest to the
 *	   farthest; of nodes equally far the lower number comes first
 *
 * Return: @nr.
 */
unsigned int hp_node_order(int nid, const int *nids, unsigned int nr,
			   int (*distance)(int from, int to), int *order)
{
	unsigned int i, j;

	for (i = 0; i < nr; i++) {
		int next = nids[i];

		for (j = i; j; j--) {
			int prev = order[j - 1];
			int d_next = next == nid ? 0 : distance(nid, next);
			int d_prev = prev == nid ? 0 : distance(nid, prev);

			if (d_prev < d_next || (d_prev == d_next && prev < next))
				break;
			order[j] = prev;
		}
		order[j] = next;
	}
	return nr;
}
