// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: charge arithmetic over a tree of accounts. See account.h.
 */

#include "account.h"

static void hp_count_init(struct hp_count *count)
{
	count->used = 0;
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
	for (class = 0; class < HP_NR_CLASSES; class++)
		hp_count_init(&account->all[class]);
	for (nid = 0; nid < nr_nodes; nid++) {
		struct hp_account_node *node = &account->nodes[nid];

		for (class = 0; class < HP_NR_CLASSES; class++) {
			hp_count_init(&node->count[class]);
			for (consumer = 0; consumer < HP_NR_CONSUMERS; consumer++)
				node->held[consumer][class] = 0;
		}
	}
}

static bool hp_count_full(const struct hp_count *count)
{
	return count->used >= count->max;
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

static void hp_count_add(struct hp_count *count)
{
	if (++count->used > count->peak)
		count->peak = count->used;
}

/**
 * hp_account_charge - a block was handed out
 * @account: account of the owner
 * @consumer: what uses the block
 * @class: its size
 * @nid: its node
 *
 * Cannot fail: the caller has asked hp_account_over() under the same lock.
 */
void hp_account_charge(struct hp_account *account, enum hp_consumer consumer,
		       enum hp_class class, int nid)
{
	for (; account; account = account->parent) {
		hp_count_add(&account->all[class]);
		hp_count_add(&account->nodes[nid].count[class]);
		account->nodes[nid].held[consumer][class]++;
	}
}

/**
 * hp_account_uncharge - a block came back
 * @account: account that hp_account_charge() was told, or an ancestor of it
 *	     when the cgroup has gone offline since
 * @consumer: as charged
 * @class: as charged
 * @nid: as charged
 */
void hp_account_uncharge(struct hp_account *account, enum hp_consumer consumer,
			 enum hp_class class, int nid)
{
	for (; account; account = account->parent) {
		account->all[class].used--;
		account->nodes[nid].count[class].used--;
		account->nodes[nid].held[consumer][class]--;
	}
}
