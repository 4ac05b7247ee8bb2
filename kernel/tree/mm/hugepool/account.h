/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hugepool: who holds how many blocks, and how many they may hold.
 *
 * One struct hp_account per memory cgroup, linked like the cgroups. The root's
 * account counts everything that is handed out, so that what nobody is charged
 * for is the root's own. Like core.h this is pure bookkeeping: the caller holds
 * hugepool_lock, which makes a check of all levels and the charge one step: no
 * level ever shows a refused try.
 */
#ifndef _MM_HUGEPOOL_ACCOUNT_H
#define _MM_HUGEPOOL_ACCOUNT_H

#include <linux/limits.h>
#include <linux/types.h>

#include "core.h"

#define HP_NO_LIMIT	ULONG_MAX

/* Who uses a block: the rows of memory.hugepool.numa_stat. */
enum hp_consumer {
	HP_SHMEM,
	HP_GUEST_MEMFD,
	HP_NR_CONSUMERS,
};

/**
 * struct hp_count - blocks of one class, on one node or on all
 * @used: held by the cgroup and its descendants
 * @owed: of 1 GB, broken by them and not whole again
 * @peak: highest value of @used
 * @max: the sum of @used and @owed may not be raised above it
 */
struct hp_count {
	unsigned long used;
	unsigned long owed;
	unsigned long peak;
	unsigned long max;
};

/**
 * struct hp_claim - what of one class on one node an account keeps from others
 * @min: its guarantee
 * @children_min: the sum of its children's guarantees
 * @own: held by the account itself and what removed children have left behind,
 *	 not by its descendants; of 1 GB, what it has broken counts as well until
 *	 it is whole again
 * @children: sum of the claims of its children
 * @all: the claim: @own + @children, and never less than @min
 */
struct hp_claim {
	unsigned long min;
	unsigned long children_min;
	long own;
	long children;
	long all;
};

/**
 * struct hp_account_node - an account's blocks on one node
 * @count: per class
 * @claim: per class
 * @held: per consumer and class, the parts of @count's used
 */
struct hp_account_node {
	struct hp_count count[HP_NR_CLASSES];
	struct hp_claim claim[HP_NR_CLASSES];
	unsigned long held[HP_NR_CONSUMERS][HP_NR_CLASSES];
};

/**
 * struct hp_account - what one cgroup and its descendants hold
 * @parent: account of the parent cgroup, NULL for the root
 * @gone: the cgroup is, what it held is its parent's
 * @all: per class, over all nodes
 * @nodes: per node number
 */
struct hp_account {
	struct hp_account *parent;
	bool gone;
	struct hp_count all[HP_NR_CLASSES];
	struct hp_account_node nodes[];
};

void hp_account_init(struct hp_account *account, struct hp_account *parent,
		     unsigned int nr_nodes);
void hp_account_exit(struct hp_account *account, unsigned int nr_nodes);
struct hp_account *hp_account_over(struct hp_account *account,
				   enum hp_class class, int nid);
void hp_account_charge(struct hp_account *account, enum hp_consumer consumer,
		       enum hp_class class, int nid);
void hp_account_break(struct hp_account *account, enum hp_consumer consumer,
		      int nid);
void hp_account_owe(struct hp_account *account, int nid, long nr);
void hp_account_uncharge(struct hp_account *account, enum hp_consumer consumer,
			 enum hp_class class, int nid, unsigned int nr);

#endif /* _MM_HUGEPOOL_ACCOUNT_H */
