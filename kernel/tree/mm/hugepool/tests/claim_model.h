/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hugepool: the naive model of guarantees, for KUnit and for tests/sim of the
 * hugepool project.
 *
 * It keeps what each account holds itself, has broken and was promised, and nothing
 * else. A claim is added up from the leaves whenever it is asked for; whether
 * something is admitted is found out by doing it, adding everything up again and
 * undoing it.
 */
#ifndef _MM_HUGEPOOL_TESTS_CLAIM_MODEL_H
#define _MM_HUGEPOOL_TESTS_CLAIM_MODEL_H

#include <linux/errno.h>
#include <linux/types.h>

#include "../guarantee.h"

#define HP_MODEL_ACCOUNTS	10
#define HP_MODEL_ROOT		0

/* Accounts of one class on one node. */
struct hp_claim_model {
	bool there[HP_MODEL_ACCOUNTS];
	int parent[HP_MODEL_ACCOUNTS];
	unsigned long min[HP_MODEL_ACCOUNTS];
	unsigned long own[HP_MODEL_ACCOUNTS];
	/* Of 1 GB: broken by it, and not whole again. */
	unsigned long owed[HP_MODEL_ACCOUNTS];
};

static inline void hp_model_create(struct hp_claim_model *model, int who,
				   int parent)
{
	model->there[who] = true;
	model->parent[who] = parent;
	model->min[who] = 0;
	model->own[who] = 0;
	model->owed[who] = 0;
}

/* The cgroup is removed: its guarantee is void, what it holds the parent's. */
static inline void hp_model_remove(struct hp_claim_model *model, int who)
{
	model->own[model->parent[who]] += model->own[who];
	model->owed[model->parent[who]] += model->owed[who];
	model->there[who] = false;
}

static inline bool hp_model_is_child(const struct hp_claim_model *model,
				     int who, int parent)
{
	return model->there[who] && who != HP_MODEL_ROOT &&
	       model->parent[who] == parent;
}

/* max(min(c), held by c itself + sum of claims of its children) */
static inline unsigned long hp_model_claim(const struct hp_claim_model *model,
					   int who)
{
	unsigned long held = model->own[who] + model->owed[who];
	int i;

	for (i = 0; i < HP_MODEL_ACCOUNTS; i++)
		if (hp_model_is_child(model, i, who))
			held += hp_model_claim(model, i);
	return held > model->min[who] ? held : model->min[who];
}

static inline unsigned long hp_model_all(const struct hp_claim_model *model)
{
	return hp_model_claim(model, HP_MODEL_ROOT);
}

static inline unsigned long
hp_model_children(const struct hp_claim_model *model, int who)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < HP_MODEL_ACCOUNTS; i++)
		if (hp_model_is_child(model, i, who))
			sum += hp_model_claim(model, i);
	return sum;
}

static inline unsigned long
hp_model_children_min(const struct hp_claim_model *model, int who)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < HP_MODEL_ACCOUNTS; i++)
		if (hp_model_is_child(model, i, who))
			sum += model->min[i];
	return sum;
}

/* What is kept from everybody in all when @who holds @nr more. */
static inline unsigned long hp_model_with(struct hp_claim_model *model, int who,
					  unsigned long nr)
{
	unsigned long all;

	model->own[who] += nr;
	all = hp_model_all(model);
	model->own[who] -= nr;
	return all;
}

/* Do guarantees of @who and those above cover @nr more blocks? */
static inline bool hp_model_covers(struct hp_claim_model *model, int who,
				   unsigned long nr)
{
	return hp_model_with(model, who, nr) == hp_model_all(model);
}

/* Are @nr more blocks admitted where there are @total? */
static inline bool hp_model_admits(struct hp_claim_model *model, int who,
				   unsigned long nr, unsigned long total)
{
	return hp_model_covers(model, who, nr) ||
	       hp_model_with(model, who, nr) <= total;
}

/* What must the answer be to a write of @min? */
static inline int hp_model_min(struct hp_claim_model *model, int who,
			       unsigned long min, unsigned long total)
{
	unsigned long before = hp_model_all(model), old = model->min[who], all;
	int parent = model->parent[who];

	if (min < hp_model_children_min(model, who))
		return -EBUSY;
	if (min <= old)
		return 0;
	if (parent != HP_MODEL_ROOT &&
	    min + hp_model_children(model, parent) -
	    hp_model_claim(model, who) > model->min[parent])
		return -ENOSPC;
	model->min[who] = min;
	all = hp_model_all(model);
	model->min[who] = old;
	return all == before || all <= total ? 0 : -ENOSPC;
}

/* What claims may add up to: what was broken by its owner is still claimed. */
static inline unsigned long hp_model_total(const struct hp_node *node,
					   enum hp_class class)
{
	return node->total[class] + (class == HP_1G ? node->nr_owed : 0);
}

/*
 * How is a request served? @models are those of both classes on the node.
 * Nobody's guarantee of 1 GB is broken into for 2 MB, not one's own either.
 */
static inline enum hp_admission
hp_model_admission(struct hp_claim_model *models, int who, enum hp_class class,
		   bool demote, const struct hp_node *node)
{
	unsigned long total = hp_model_total(node, class);

	if (node->free[class] &&
	    hp_model_admits(&models[class], who, 1, total))
		return HP_ADMIT_FREE;
	if (class == HP_2M && demote && node->free[HP_1G] &&
	    hp_model_all(&models[HP_1G]) < hp_model_total(node, HP_1G) &&
	    hp_model_admits(&models[HP_2M], who, 1, total + HP_UNITS_PER_BLOCK))
		return HP_ADMIT_BREAK;
	return HP_ADMIT_NONE;
}

/* Is @room what @who can draw, and not one block more? */
static inline bool hp_model_room_right(struct hp_claim_model *models, int who,
				       enum hp_class class, bool demote,
				       const struct hp_node *node,
				       unsigned long room)
{
	unsigned long total = hp_model_total(node, class);
	unsigned long whole = hp_model_total(node, HP_1G), blocks = 0;
	unsigned long claimed = hp_model_all(&models[HP_1G]);
	unsigned long free = node->free[class];

	if (class == HP_2M && demote && claimed < whole)
		blocks = whole - claimed;
	if (blocks > node->free[HP_1G])
		blocks = node->free[HP_1G];
	total += blocks * HP_UNITS_PER_BLOCK;
	free += blocks * HP_UNITS_PER_BLOCK;
	return room <= free &&
	       hp_model_admits(&models[class], who, room, total) &&
	       (room == free ||
		!hp_model_admits(&models[class], who, room + 1, total));
}

/* What is right about each share, however it was worked out. */
static inline const char *hp_model_shares(unsigned long min,
					  const unsigned long *room,
					  const unsigned long *least,
					  const unsigned long *share, int nr)
{
	unsigned long all = 0, sum = 0;
	bool plain = true, full = false;
	int nid;

	for (nid = 0; nid < nr; nid++) {
		all += room[nid];
		sum += share[nid];
	}
	for (nid = 0; nid < nr; nid++) {
		if (share[nid] > room[nid] || share[nid] < least[nid])
			return "a share that its node cannot have";
		/* Of the remainder at most one, if the children leave a choice. */
		if (all && least[nid] > min * room[nid] / all)
			plain = false;
	}
	if (sum != min)
		return "the shares do not add up";
	for (nid = nr - 1; plain && all && nid >= 0; nid--) {
		unsigned long part = min * room[nid] / all;

		if (share[nid] != part && share[nid] != part + 1)
			return "a share that is not in proportion";
		/* The remainder begins with the lowest node. */
		if (share[nid] > part)
			full = true;
		else if (full && part < room[nid])
			return "the remainder went to a higher node";
	}
	return NULL;
}

#endif /* _MM_HUGEPOOL_TESTS_CLAIM_MODEL_H */
