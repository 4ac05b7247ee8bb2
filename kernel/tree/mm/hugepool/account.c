// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: charge arithmetic over a tree of accounts. See account.h.
 */

#include <linux/string.h>

#include "account.h"
#include "guarantee.h"

static void hp_count_init(struct hp_count *count)
{
	count->used = 0;
	count->owed = 0;
	count->peak = 0;
	count->max = HP_NO_LIMIT;
}

/**
 * hp_account_init - make an account that holds nothing and is not limited
 * @account: account with room for @nr_nodes nodes
 * @parent: account of the parent cgroup, NULL for the root
 * @nr_nodes: number of nodes
 */
void hp_account_init(struct hp_account *account, struct hp_account *parent,
		     unsigned int nr_nodes)
{
	unsigned int class, consumer, nid;

	account->parent = parent;
	account->gone = false;
	for (class = 0; class < HP_NR_CLASSES; class++)
		hp_count_init(&account->all[class]);
	for (nid = 0; nid < nr_nodes; nid++) {
		struct hp_account_node *node = &account->nodes[nid];

		for (class = 0; class < HP_NR_CLASSES; class++) {
			hp_count_init(&node->count[class]);
			memset(&node->claim[class], 0,
			       sizeof(node->claim[class]));
			for (consumer = 0; consumer < HP_NR_CONSUMERS; consumer++)
				node->held[consumer][class] = 0;
		}
	}
}

/**
 * hp_account_exit - the cgroup of an account is gone
 * @account: account whose children are gone, too; not the root's
 * @nr_nodes: as for hp_account_init()
 *
 * Its guarantee is void. What it was charged for and has not given back belongs
 * to its parent, which counts it already. The account may be told about charges
 * that were under way, and those are its parent's as well, until it is freed.
 */
void hp_account_exit(struct hp_account *account, unsigned int nr_nodes)
{
	unsigned int class, nid;

	for (nid = 0; nid < nr_nodes; nid++)
		for (class = 0; class < HP_NR_CLASSES; class++)
			hp_claim_fold(account, class, nid);
	account->gone = true;
}

static bool hp_count_full(const struct hp_count *count)
{
	return count->used + count->owed >= count->max;
}

/**
 * hp_account_over - would one more block exceed a limit?
 * @account: account of the owner
 * @class: size of the block
 * @nid: node of the block
 *
 * Return: the account whose limit refuses the block, the lowest one of several;
 * NULL when it may be charged.
 */
struct hp_account *hp_account_over(struct hp_account *account,
				   enum hp_class class, int nid)
{
	for (; account; account = account->parent)
		if (hp_count_full(&account->all[class]) ||
		    hp_count_full(&account->nodes[nid].count[class]))
			return account;
	return NULL;
}

static void hp_count_add(struct hp_count *count, unsigned int nr)
{
	count->used += nr;
	if (count->used > count->peak)
		count->peak = count->used;
}

static void hp_hold(struct hp_account *account, enum hp_consumer consumer,
		    enum hp_class class, int nid, unsigned int nr)
{
	hp_count_add(&account->all[class], nr);
	hp_count_add(&account->nodes[nid].count[class], nr);
	account->nodes[nid].held[consumer][class] += nr;
}

static void hp_release(struct hp_account *account, enum hp_consumer consumer,
		       enum hp_class class, int nid, unsigned int nr)
{
	account->all[class].used -= nr;
	account->nodes[nid].count[class].used -= nr;
	account->nodes[nid].held[consumer][class] -= nr;
}

/**
 * hp_account_charge - a block was handed out
 * @account: account of the owner
 * @consumer: what uses the block
 * @class: its size
 * @nid: its node
 *
 * Cannot fail: the caller has asked hp_account_over() and hp_admit() under the
 * same lock.
 */
void hp_account_charge(struct hp_account *account, enum hp_consumer consumer,
		       enum hp_class class, int nid)
{
	hp_claim_hold(account, class, nid, 1);
	for (; account; account = account->parent)
		hp_hold(account, consumer, class, nid, 1);
}

/**
 * hp_account_break - a 1 GB block in use was broken
 * @account: account of the owner, as for hp_account_uncharge()
 * @consumer: as charged
 * @nid: as charged
 *
 * What is held stays the same, so no limit is asked: the owner may be above
 * those for 2 MB afterwards. hp_claim_break() has to be told as well.
 */
void hp_account_break(struct hp_account *account, enum hp_consumer consumer,
		      int nid)
{
	for (; account; account = account->parent) {
		hp_release(account, consumer, HP_1G, nid, 1);
		hp_hold(account, consumer, HP_2M, nid, HP_UNITS_PER_BLOCK);
	}
}

/**
 * hp_account_owe - 1 GB blocks that were broken in use count against limits
 * @account: account of who has broken them
 * @nid: their node
 * @nr: number of blocks, negative when they are whole again
 *
 * Else a limit for 1 GB blocks would be none for those who break one after the
 * other.
 */
void hp_account_owe(struct hp_account *account, int nid, long nr)
{
	for (; account; account = account->parent) {
		account->all[HP_1G].owed += nr;
		account->nodes[nid].count[HP_1G].owed += nr;
	}
}

/**
 * hp_account_uncharge - blocks came back
 * @account: account that hp_account_charge() was told, or an ancestor of it
 *	     when the cgroup has gone offline since
 * @consumer: as charged
 * @class: as charged, or 2 MB for units of a block that was broken since
 * @nid: as charged
 * @nr: number of blocks
 */
void hp_account_uncharge(struct hp_account *account, enum hp_consumer consumer,
			 enum hp_class class, int nid, unsigned int nr)
{
	hp_claim_hold(account, class, nid, -(long)nr);
	for (; account; account = account->parent)
		hp_release(account, consumer, class, nid, nr);
}
