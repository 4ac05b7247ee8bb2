// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: guarantees, and what they leave to others. See guarantee.h.
 */

#include <linux/errno.h>

#include "guarantee.h"

static struct hp_claim *hp_claim(struct hp_account *account,
				 enum hp_class class, int nid)
{
	return &account->nodes[nid].claim[class];
}

static const struct hp_claim *hp_claim_of(const struct hp_account *account,
					  enum hp_class class, int nid)
{
	return &account->nodes[nid].claim[class];
}

/* What the claim would be if so many blocks more were held, or given back. */
static long hp_claim_with(const struct hp_claim *claim, long more)
{
	long held = claim->own + claim->children + more;

	return held < (long)claim->min ? (long)claim->min : held;
}

/* Blocks that the account and those below may still draw on its guarantee. */
static long hp_claim_slack(const struct hp_claim *claim)
{
	return claim->all - claim->own - claim->children;
}

/* Something about @account's claim has changed: tell those above. */
static void hp_claim_update(struct hp_account *account, enum hp_class class,
			    int nid)
{
	while (account) {
		struct hp_claim *claim = hp_claim(account, class, nid);
		long more = hp_claim_with(claim, 0) - claim->all;

		if (!more)
			return;
		claim->all += more;
		account = account->parent;
		if (account)
			hp_claim(account, class, nid)->children += more;
	}
}

/**
 * hp_claim_hold - an account holds more blocks, or fewer
 * @account: account that is charged, or an ancestor of it when it is gone
 * @class: size of the blocks
 * @nid: their node
 * @nr: number of blocks, negative when they come back
 */
void hp_claim_hold(struct hp_account *account, enum hp_class class, int nid,
		   long nr)
{
	hp_claim(account, class, nid)->own += nr;
	hp_claim_update(account, class, nid);
}

/**
 * hp_claim_fold - make what an account holds its parent's own
 * @account: account without a guarantee that nobody is going to charge any more
 * @class: size of the blocks
 * @nid: their node
 */
void hp_claim_fold(struct hp_account *account, enum hp_class class, int nid)
{
	struct hp_claim *claim = hp_claim(account, class, nid), *parent;

	if (!account->parent)
		return;
	parent = hp_claim(account->parent, class, nid);
	parent->children -= claim->all;
	parent->own += claim->all;
	claim->own = 0;
	claim->children = 0;
	claim->all = 0;
}

/**
 * hp_claim_all - what an account keeps from others
 * @account: account; that of the root keeps all that is held or promised
 * @class: size of the blocks
 * @nid: their node
 *
 * Return: number of blocks.
 */
unsigned long hp_claim_all(const struct hp_account *account,
			   enum hp_class class, int nid)
{
	return hp_claim_of(account, class, nid)->all;
}

/* Climb to the root, where @more of a claim of @account arrives as the result. */
static long hp_claim_grow(const struct hp_account **account,
			  enum hp_class class, int nid, long more)
{
	for (;;) {
		const struct hp_claim *claim = hp_claim_of(*account, class, nid);

		more = hp_claim_with(claim, more) - claim->all;
		if (!(*account)->parent)
			return more;
		*account = (*account)->parent;
	}
}

/* What nobody has a claim to. Less than nothing after blocks were lost. */
static long hp_unclaimed(const struct hp_account *root, enum hp_class class,
			 const struct hp_node *node)
{
	return (long)node->total[class] -
	       hp_claim_of(root, class, node->nid)->all;
}

/* How much the claim of an account may grow. */
static long hp_claim_rest(const struct hp_account *account,
			  enum hp_class class, const struct hp_node *node)
{
	long rest = 0, unclaimed;

	while (account->parent) {
		account = account->parent;
		rest += hp_claim_slack(hp_claim_of(account, class, node->nid));
	}
	unclaimed = hp_unclaimed(account, class, node);
	return unclaimed > 0 ? rest + unclaimed : rest;
}

/**
 * hp_claim_room - how many blocks of a node could an account draw?
 * @account: account
 * @class: size of the blocks
 * @node: pool of the node
 *
 * Return: number of free blocks that no other account has a claim to, whatever
 * the limits.
 */
unsigned long hp_claim_room(const struct hp_account *account,
			    enum hp_class class, const struct hp_node *node)
{
	unsigned long room;

	room = hp_claim_slack(hp_claim_of(account, class, node->nid)) +
	       hp_claim_rest(account, class, node);
	return room < node->free[class] ? room : node->free[class];
}

/**
 * hp_claim_reserved - blocks of a node that are claimed, but not held
 * @root: account of the root
 * @class: size of the blocks
 * @node: pool of the node
 *
 * Return: number of free blocks that are there for somebody.
 */
unsigned long hp_claim_reserved(const struct hp_account *root,
				enum hp_class class, const struct hp_node *node)
{
	const struct hp_account_node *at = &root->nodes[node->nid];
	long reserved;

	reserved = at->claim[class].all - (long)at->count[class].used;
	if (reserved < 0)
		return 0;
	/* More was promised than is left after a memory failure, or a break. */
	return (unsigned long)reserved < node->free[class] ? reserved :
							      node->free[class];
}

/**
 * hp_admit - does a node have a block for an account?
 * @account: account of the owner
 * @class: size of the block
 * @demote: whether a 2 MB request may break a free 1 GB block
 * @node: pool of the node
 *
 * Free blocks that others have a claim to are as good as none. Where too much was
 * promised, because blocks have been lost to memory failures or their owner has
 * broken them, requests that a guarantee covers are served as long as there is
 * anything.
 *
 * Return: how hp_node_take() can serve the request.
 */
enum hp_admission hp_admit(const struct hp_account *account,
			   enum hp_class class, bool demote,
			   const struct hp_node *node)
{
	const struct hp_account *root = account;
	long more, unclaimed;

	if (node->dead)
		return HP_ADMIT_NONE;
	more = hp_claim_grow(&root, class, node->nid, 1);
	unclaimed = hp_unclaimed(root, class, node);
	if (node->free[class] && (!more || more <= unclaimed))
		return HP_ADMIT_FREE;

	if (class != HP_2M || !demote || !node->free[HP_1G] ||
	    hp_unclaimed(root, HP_1G, node) < 1)
		return HP_ADMIT_NONE;
	if (more && more > unclaimed + (long)HP_UNITS_PER_BLOCK)
		return HP_ADMIT_NONE;
	return HP_ADMIT_BREAK;
}

/**
 * hp_min_room - the largest guarantee that an account can be given on a node
 * @account: account, not the root's
 * @class: size of the blocks
 * @node: pool of the node
 *
 * A child's guarantee comes out of its parent's, as far as the claims of the
 * other children leave some; the root's children share the pool.
 *
 * Return: number of blocks, not less than the guarantee that it has.
 */
unsigned long hp_min_room(const struct hp_account *account,
			  enum hp_class class, const struct hp_node *node)
{
	const struct hp_claim *claim = hp_claim_of(account, class, node->nid);
	const struct hp_account *parent = account->parent;
	long room = claim->all + hp_claim_rest(account, class, node);

	if (parent->parent) {
		const struct hp_claim *above;
		long share;

		above = hp_claim_of(parent, class, node->nid);
		share = (long)above->min - (above->children - claim->all);
		if (share < room)
			room = share;
	}
	return room < (long)claim->min ? claim->min : room;
}

/**
 * hp_min_check - can the guarantee of an account be set?
 * @account: account, not the root's
 * @class: size of the blocks
 * @nid: node
 * @min: number of blocks
 * @room: what hp_min_room() says; 0 for a node without a pool
 *
 * Return: 0, -ENOSPC when that is more than there is to promise, or -EBUSY when
 * it is less than the guarantees of the children.
 */
int hp_min_check(const struct hp_account *account, enum hp_class class, int nid,
		 unsigned long min, unsigned long room)
{
	if (min < hp_claim_of(account, class, nid)->children_min)
		return -EBUSY;
	return min > room ? -ENOSPC : 0;
}

/**
 * hp_min_set - set the guarantee of an account
 * @account: account
 * @class: size of the blocks
 * @nid: node
 * @min: number of blocks, less than before or as hp_min_check() allows
 */
void hp_min_set(struct hp_account *account, enum hp_class class, int nid,
		unsigned long min)
{
	struct hp_claim *claim = hp_claim(account, class, nid);

	if (account->parent)
		hp_claim(account->parent, class, nid)->children_min +=
			min - claim->min;
	claim->min = min;
	hp_claim_update(account, class, nid);
}

/*
 * Divide @min in proportion to what each node has above @base: whole blocks, the
 * remainder one each from the lowest node. @base may be NULL.
 */
static void hp_divide_above(unsigned long min, const unsigned long *room,
			    const unsigned long *base, unsigned long *share,
			    unsigned int nr_nodes)
{
	unsigned long sum = 0, left = min;
	unsigned int nid;

	for (nid = 0; nid < nr_nodes; nid++) {
		share[nid] = base ? base[nid] : 0;
		sum += room[nid] - share[nid];
		left -= share[nid];
	}
	min = left;
	for (nid = 0; nid < nr_nodes && sum; nid++) {
		unsigned long part = room[nid] - share[nid];

		part = min * part / sum;
		share[nid] += part;
		left -= part;
	}
	while (left) {
		for (nid = 0; nid < nr_nodes && left; nid++) {
			if (share[nid] == room[nid])
				continue;
			share[nid]++;
			left--;
		}
	}
}

/**
 * hp_min_divide - divide a guarantee over the nodes
 * @min: number of blocks to divide
 * @room: what each node can promise
 * @children_min: what the children were promised on each, not more than @room
 * @share: set to the share of each node
 * @nr_nodes: length of the three
 *
 * In proportion to @room. Where that would leave a node with less than the
 * children were promised there, that is set aside before the rest is divided.
 *
 * Return: 0; -ENOSPC when @min is more than the nodes can promise together;
 * -EBUSY when it is less than the children were promised.
 */
int hp_min_divide(unsigned long min, const unsigned long *room,
		  const unsigned long *children_min, unsigned long *share,
		  unsigned int nr_nodes)
{
	unsigned long all = 0, least = 0;
	unsigned int nid;

	for (nid = 0; nid < nr_nodes; nid++) {
		all += room[nid];
		least += children_min[nid];
	}
	if (min > all)
		return -ENOSPC;
	if (min < least)
		return -EBUSY;
	hp_divide_above(min, room, NULL, share, nr_nodes);
	for (nid = 0; nid < nr_nodes; nid++) {
		if (share[nid] >= children_min[nid])
			continue;
		hp_divide_above(min, room, children_min, share, nr_nodes);
		break;
	}
	return 0;
}
