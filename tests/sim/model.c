// SPDX-License-Identifier: GPL-2.0
/* The naive model of one node's pool. See model.h. */

#include "model.h"

struct model_seen seen;

static struct model_window *window_of(struct model_node *node,
				      unsigned long unit)
{
	unsigned long window = unit / 512;

	if (window < node->first_window ||
	    window >= node->first_window + node->nr_windows)
		return NULL;
	return &node->windows[window - node->first_window];
}

/* Is this window a 1 GB block that is in one piece? */
static bool is_whole(const struct model_window *w)
{
	return w->state[0] == WHOLE_FREE || w->state[0] == WHOLE_USED;
}

bool model_add(struct model_node *node, unsigned long unit, unsigned int nr,
	       bool gigantic)
{
	struct model_window *w = window_of(node, unit);
	unsigned int i, first = unit % 512;

	if (!w || !nr || first + nr > 512 || w->gigantic)
		return false;
	if (gigantic && nr != 512)
		return false;
	for (i = 0; i < 512; i++)
		if (w->state[i] != ABSENT &&
		    (gigantic || (i >= first && i < first + nr)))
			return false;

	for (i = first; i < first + nr; i++) {
		w->state[i] = gigantic ? WHOLE_FREE : FREE;
		w->head[i] = gigantic ? 0 : i;
		w->shape[i] = gigantic ? SHAPE_TAIL : SHAPE_HEAD_2M;
	}
	if (gigantic) {
		w->gigantic = true;
		w->shape[0] = SHAPE_HEAD_1G;
		node->total[HP_1G]++;
		node->free[HP_1G]++;
	} else {
		w->nr_free += nr;
		node->total[HP_2M] += nr;
		node->free[HP_2M] += nr;
	}
	return true;
}

/* The block falls apart; its struct pages stay as they are. */
static void model_break(struct model_node *node, struct model_window *w)
{
	unsigned int i;

	for (i = 0; i < 512; i++) {
		w->state[i] = w->bad[i] ? RETIRED : FREE;
		if (w->bad[i]) {
			node->nr_poisoned++;
			continue;
		}
		w->nr_free++;
		node->total[HP_2M]++;
		node->free[HP_2M]++;
	}
	node->total[HP_1G]--;
	node->free[HP_1G]--;
	node->nr_broken++;
	seen.breaks++;
}

static void check_shape_1g(const struct model_window *w)
{
	unsigned int i;

	sim_check(w->shape[0] == SHAPE_HEAD_1G && w->head[0] == 0);
	for (i = 1; i < 512; i++)
		sim_check(w->shape[i] == SHAPE_TAIL && w->head[i] == 0);
}

static void take_whole(struct model_node *node, struct model_window *w,
		       u8 kind, const struct hp_slot *slot)
{
	unsigned int i;

	sim_check(slot->unit % 512 == 0);
	sim_check(!slot->broke);
	sim_check(w->state[0] == WHOLE_FREE);
	if (slot->form) {
		for (i = 0; i < 512; i++) {
			w->head[i] = 0;
			w->shape[i] = SHAPE_TAIL;
		}
		w->shape[0] = SHAPE_HEAD_1G;
		seen.reformed_1g++;
	}
	/* Whether it was formed now or said to be so already. */
	check_shape_1g(w);
	for (i = 0; i < 512; i++) {
		sim_check(w->state[i] == WHOLE_FREE && !w->bad[i]);
		w->state[i] = WHOLE_USED;
	}
	w->kind[0] = kind;
	node->free[HP_1G]--;
}

/* All units of a broken block are free. */
static bool is_idle(const struct model_window *w)
{
	return w->gigantic && !is_whole(w) && w->nr_free == 512;
}

/* The lower, the sooner units of a window are used; 0 when it has none. */
static int tier(const struct model_window *w)
{
	if (!w->nr_free)
		return 0;
	return !w->gigantic ? 3 : is_idle(w) ? 2 : 1;
}

static void check_tier(const struct model_node *node,
		       const struct model_window *w)
{
	unsigned long i;

	sim_check(tier(w));
	for (i = 0; i < node->nr_windows; i++)
		sim_check(!tier(&node->windows[i]) ||
			  tier(&node->windows[i]) >= tier(w));
}

static void take_unit(struct model_node *node, struct model_window *w,
		      u8 kind, const struct hp_slot *slot)
{
	unsigned int i, u = slot->unit % 512;

	if (slot->broke) {
		struct model_window *broken = window_of(node, slot->broken);

		sim_check(slot->broken % 512 == 0);
		sim_check(broken && broken->state[0] == WHOLE_FREE);
		model_break(node, broken);
	}
	check_tier(node, w);
	sim_check(w->state[u] == FREE && !w->bad[u]);

	if (slot->form) {
		w->head[u] = u;
		w->shape[u] = SHAPE_HEAD_2M;
		seen.formed_2m++;
	}
	/* Whether it was formed now or said to be so already. */
	sim_check(w->head[u] == u && w->shape[u] == SHAPE_HEAD_2M);

	w->state[u] = USED;
	w->kind[u] = kind;
	w->nr_free--;
	node->free[HP_2M]--;

	/* No free unit may refer to the struct pages of one that is in use. */
	for (i = 0; i < 512; i++)
		sim_check(w->state[i] != FREE || i == u || w->head[i] != u);
	if (w->gigantic && u == 0)
		seen.unit0_last++;
}

void model_take(struct model_node *node, enum hp_class class, bool brk,
		u8 kind, const struct hp_slot *slot)
{
	struct model_window *w = window_of(node, slot->unit);

	sim_check(slot->class == class);
	sim_check(w);
	sim_check(slot->broke == brk);
	if (class == HP_1G)
		take_whole(node, w, kind, slot);
	else
		take_unit(node, w, kind, slot);
}

/* Is exactly this handed out as one piece? */
bool model_holds(const struct model_node *node, unsigned long unit,
		 unsigned int nr)
{
	struct model_window *w = window_of((struct model_node *)node, unit);
	unsigned int i, u = unit % 512;

	if (!w || !nr || u + nr > 512)
		return false;
	if (w->state[u] == WHOLE_USED)
		return u == 0 && nr == 512;
	for (i = 0; i < 512; i++) {
		bool part = w->state[i] == USED && w->head[i] == u;

		if (part != (i >= u && i < u + nr))
			return false;
	}
	return true;
}

/* The owner has split a piece that it holds, and formed the smaller ones. */
void model_split(struct model_node *node, unsigned long unit, unsigned int nr,
		 unsigned int new_nr)
{
	struct model_window *w = window_of(node, unit);
	unsigned int i, u = unit % 512;
	u8 kind = w->kind[u];

	sim_check(model_holds(node, unit, nr));
	if (nr == 512) {
		node->total[HP_1G]--;
		node->total[HP_2M] += 512;
		node->nr_broken++;
		seen.split_whole++;
	}
	for (i = u; i < u + nr; i++) {
		w->state[i] = USED;
		w->head[i] = i - i % new_nr;
		w->shape[i] = i % new_nr ? SHAPE_TAIL :
			      new_nr == 1 ? SHAPE_HEAD_2M : SHAPE_HEAD_PIECE;
		w->kind[i] = kind;
	}
	seen.split++;
}

static enum hp_give give_whole(struct model_node *node, struct model_window *w,
			       u8 *kind)
{
	unsigned int i, bad = 0;

	/* What the owner had was its own until the end. */
	check_shape_1g(w);
	*kind = w->kind[0];
	node->free[HP_1G]++;
	for (i = 0; i < 512; i++) {
		w->state[i] = WHOLE_FREE;
		bad += w->bad[i];
	}
	if (!bad)
		return HP_GIVE_FREED;
	model_break(node, w);
	seen.whole_retired++;
	return HP_GIVE_RETIRED;
}

enum hp_give model_give(struct model_node *node, unsigned long unit,
			unsigned int nr, u8 *kind)
{
	struct model_window *w = window_of(node, unit);
	enum hp_give given = HP_GIVE_FREED;
	unsigned int i, u = unit % 512;

	if (!model_holds(node, unit, nr))
		return HP_GIVE_BAD;
	if (nr == 512)
		return give_whole(node, w, kind);

	sim_check(w->shape[u] == (nr == 1 ? SHAPE_HEAD_2M : SHAPE_HEAD_PIECE));
	*kind = w->kind[u];
	for (i = u; i < u + nr; i++) {
		if (w->bad[i]) {
			w->state[i] = RETIRED;
			node->total[HP_2M]--;
			node->nr_poisoned++;
			given = HP_GIVE_RETIRED;
			continue;
		}
		w->state[i] = FREE;
		w->nr_free++;
		node->free[HP_2M]++;
	}
	seen.retired += given == HP_GIVE_RETIRED;
	seen.pieces += nr > 1;
	seen.pieces_retired += nr > 1 && given == HP_GIVE_RETIRED;
	return given;
}

/* All units of a block are free, and it is whole. */
void model_merge(struct model_node *node, unsigned long unit)
{
	struct model_window *w = window_of(node, unit);
	unsigned int i;

	sim_check(unit % 512 == 0 && w && is_idle(w));
	for (i = 0; i < 512; i++)
		w->state[i] = WHOLE_FREE;
	w->nr_free = 0;
	node->total[HP_2M] -= 512;
	node->free[HP_2M] -= 512;
	node->total[HP_1G]++;
	node->free[HP_1G]++;
	node->nr_broken--;
	seen.merges++;
}

bool model_has_idle(const struct model_node *node)
{
	unsigned long i;

	for (i = 0; i < node->nr_windows; i++)
		if (is_idle(&node->windows[i]))
			return true;
	return false;
}

enum hp_fail model_fail(struct model_node *node, unsigned long unit)
{
	struct model_window *w = window_of(node, unit);
	unsigned int u = unit % 512;

	if (!w || w->state[u] == ABSENT)
		return HP_FAIL_NOT_OURS;
	w->bad[u] = 1;
	switch (w->state[u]) {
	case USED:
	case WHOLE_USED:
		seen.marked++;
		return HP_FAIL_MARKED;
	case RETIRED:
		seen.again++;
		return HP_FAIL_AGAIN;
	case WHOLE_FREE:
		model_break(node, w);
		return HP_FAIL_RETIRED;
	default:
		w->state[u] = RETIRED;
		w->nr_free--;
		node->total[HP_2M]--;
		node->free[HP_2M]--;
		node->nr_poisoned++;
		return HP_FAIL_RETIRED;
	}
}

/* What a user would see of the node. */
void model_counters(const struct model_node *node, const struct hp_node *real)
{
	sim_check(real->total[HP_2M] == node->total[HP_2M]);
	sim_check(real->total[HP_1G] == node->total[HP_1G]);
	sim_check(real->free[HP_2M] == node->free[HP_2M]);
	sim_check(real->free[HP_1G] == node->free[HP_1G]);
	sim_check(real->nr_broken == node->nr_broken);
	sim_check(real->nr_poisoned == node->nr_poisoned);
}

static void check_window(const struct model_window *w,
			 const struct hp_node *real, unsigned long first,
			 struct model_node *sum)
{
	bool whole = is_whole(w), any = false;
	unsigned int i, nr_free = 0;

	for (i = 0; i < 512; i++) {
		struct hp_block *block = hp_node_find(real, first + i);

		sim_check(!block == (w->state[i] == ABSENT));
		if (!block)
			continue;
		any = true;
		sim_check(block->first == first);
		sim_check(block->gigantic == w->gigantic);
		sim_check(block->whole == whole);
		sim_check(test_bit(i, block->free) == (w->state[i] == FREE));
		sim_check(test_bit(i, block->bad) == w->bad[i]);
		/* A free unit that refers to another's head: not one in use. */
		if (w->state[i] == FREE && w->head[i] != i)
			sim_check(w->state[w->head[i]] != USED);
		nr_free += w->state[i] == FREE;
		sum->total[HP_2M] += w->state[i] == FREE || w->state[i] == USED;
		sum->nr_poisoned += w->state[i] == RETIRED;
	}
	sim_check(nr_free == w->nr_free);
	sum->free[HP_2M] += nr_free;
	sum->total[HP_1G] += whole;
	sum->free[HP_1G] += w->state[0] == WHOLE_FREE;
	sum->nr_broken += any && w->gigantic && !whole;
}

/* Everything, counted anew: the model, and the real pool against it. */
void model_check(const struct model_node *node, const struct hp_node *real)
{
	struct model_node sum = {};
	unsigned long i;

	for (i = 0; i < node->nr_windows; i++)
		check_window(&node->windows[i], real,
			     (node->first_window + i) * 512, &sum);
	model_counters(&sum, real);
	model_counters(node, real);
	sim_check(hp_node_check(real));
}
