// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: setting guarantees aside in the pools of all nodes.
 *
 * The arithmetic is that of guarantee.c. What is set aside is a number, no
 * particular blocks.
 */

#include <linux/nodemask.h>
#include <linux/slab.h>

#include "guarantee.h"
#include "internal.h"

static unsigned long hp_room(const struct hp_account *account,
			     enum hp_class class, int nid)
{
	const struct hp_node *node = hp_pool_node(nid);

	lockdep_assert_held(&hugepool_lock);
	return node ? hp_min_room(account, class, node) : 0;
}

static int hp_promise_node(struct hp_account *account, enum hp_class class,
			   int nid, unsigned long min)
{
	int err;

	guard(spinlock_irqsave)(&hugepool_lock);
	err = hp_min_check(account, class, nid, min,
			   hp_room(account, class, nid));
	if (!err)
		hp_min_set(account, class, nid, min);
	return err;
}

/* What each node can promise, and has to, and the share that it gets. */
struct hp_shares {
	unsigned long *room;
	unsigned long *least;
	unsigned long *share;
};

static int hp_promise_shares(struct hp_account *account, enum hp_class class,
			     unsigned long min, const struct hp_shares *to)
{
	unsigned int nid;
	int err;

	guard(spinlock_irqsave)(&hugepool_lock);
	for (nid = 0; nid < nr_node_ids; nid++) {
		to->room[nid] = hp_room(account, class, nid);
		to->least[nid] = account->nodes[nid].claim[class].children_min;
	}
	err = hp_min_divide(min, to->room, to->least, to->share, nr_node_ids);
	if (err)
		return err;
	for (nid = 0; nid < nr_node_ids; nid++)
		hp_min_set(account, class, nid, to->share[nid]);
	return 0;
}

static int hp_promise_all(struct hp_account *account, enum hp_class class,
			  unsigned long min)
{
	unsigned long *rows __free(kvfree) = NULL;
	struct hp_shares to;

	rows = kvmalloc_array(3 * nr_node_ids, sizeof(*rows), GFP_KERNEL);
	if (!rows)
		return -ENOMEM;
	to.room = rows;
	to.least = rows + nr_node_ids;
	to.share = rows + 2 * nr_node_ids;
	return hp_promise_shares(account, class, min, &to);
}

/**
 * hp_promise - guarantee blocks to an account
 * @account: account, not the root's
 * @class: size of the blocks
 * @nid: their node, or NUMA_NO_NODE to divide them over all nodes in proportion
 *	 to what each can promise
 * @min: number of blocks, in place of those guaranteed before
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOSPC when the pool, or the guarantee of the parent, has not so
 * many left; -EBUSY when it is less than what the children were guaranteed;
 * -ENOMEM. Nothing is changed by a refusal.
 */
int hp_promise(struct hp_account *account, enum hp_class class, int nid,
	       unsigned long min)
{
	int err;

	if (nid == NUMA_NO_NODE)
		err = hp_promise_all(account, class, min);
	else
		err = hp_promise_node(account, class, nid, min);
	if (!err)
		hp_pool_merge();
	return err;
}

/**
 * hp_promise_drop - give back all that was guaranteed to an account
 * @account: account whose children are guaranteed nothing
 *
 * Context: any.
 */
void hp_promise_drop(struct hp_account *account)
{
	unsigned int class;
	int nid;

	scoped_guard(spinlock_irqsave, &hugepool_lock)
		for_each_node(nid)
			for (class = 0; class < HP_NR_CLASSES; class++)
				hp_min_set(account, class, nid, 0);
	hp_pool_merge();
}

/**
 * hp_promise_end - the cgroup of an account is gone, and its guarantee with it
 * @account: account whose children are gone, too
 *
 * Context: any.
 */
void hp_promise_end(struct hp_account *account)
{
	scoped_guard(spinlock_irqsave, &hugepool_lock) {
		hp_account_exit(account, nr_node_ids);
		hp_pool_inherit(account);
	}
	hp_pool_merge();
}
