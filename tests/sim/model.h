/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The naive model of one node's pool: a byte per unit, and for every unit what
 * its struct pages would look like. It shares no code and no idea with core.c
 * but the answers it expects.
 */
#ifndef _SIM_MODEL_H
#define _SIM_MODEL_H

#include "sim.h"

enum unit_state {
	ABSENT,
	FREE,
	USED,
	RETIRED,
	WHOLE_FREE,	/* part of a 1 GB block */
	WHOLE_USED,
};

/* What a unit's first struct page says; all others follow it. */
enum unit_shape {
	SHAPE_TAIL,
	SHAPE_HEAD_2M,
	SHAPE_HEAD_PIECE,	/* between the two */
	SHAPE_HEAD_1G,
};

struct model_window {
	bool gigantic;
	unsigned char state[HP_UNITS_PER_BLOCK];
	unsigned char bad[HP_UNITS_PER_BLOCK];
	unsigned char kind[HP_UNITS_PER_BLOCK];
	unsigned char shape[HP_UNITS_PER_BLOCK];
	/* The unit whose head the struct pages of each unit refer to. */
	unsigned short head[HP_UNITS_PER_BLOCK];
	/* So that a question needs no walk; model_check() recounts it. */
	unsigned int nr_free;
};

struct model_node {
	unsigned long first_window;
	unsigned long nr_windows;
	struct model_window windows[SIM_WINDOWS];
	unsigned long total[HP_NR_CLASSES];
	unsigned long free[HP_NR_CLASSES];
	unsigned long nr_broken;
	unsigned long nr_poisoned;
};

/* How often the random driver saw what it is there to see. */
struct model_seen {
	unsigned long breaks, merges, retired, marked, again, whole_retired;
	unsigned long reformed_1g, formed_2m, unit0_last;
	unsigned long split, split_whole, pieces, pieces_retired;
};

extern struct model_seen seen;

bool model_add(struct model_node *node, unsigned long unit, unsigned int nr,
	       bool gigantic);
void model_take(struct model_node *node, enum hp_class class, bool brk,
		u8 kind, const struct hp_slot *slot);
bool model_holds(const struct model_node *node, unsigned long unit,
		 unsigned int nr);
void model_split(struct model_node *node, unsigned long unit, unsigned int nr,
		 unsigned int new_nr);
enum hp_give model_give(struct model_node *node, unsigned long unit,
			unsigned int nr, u8 *kind);
void model_merge(struct model_node *node, unsigned long unit);
bool model_has_idle(const struct model_node *node);
enum hp_fail model_fail(struct model_node *node, unsigned long unit);
void model_counters(const struct model_node *node, const struct hp_node *real);
void model_check(const struct model_node *node, const struct hp_node *real);

#endif /* _SIM_MODEL_H */
