// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: guarantees, and what they leave to others. See guarantee.h.
 */

#include <linux/bitmap.h>
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

/* Who has the claims of @account now: an ancestor, when its cgroup is gone. */
static struct hp_account *hp_claimant(struct hp_account *account)
{
	while (account->gone)
		account = account->parent;
	return account;
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
	account = hp_claimant(account);
	hp_claim(account, class, nid)->own += nr;
	hp_claim_update(account, class, nid);
}

/**
 * hp_claim_fold - void a guarantee, and make what its account holds the parent's
 * @account: account whose children were folded; not the root's
 * @class: size of the blocks
 * @nid: their node
 */
void hp_claim_fold(struct hp_account *account, enum hp_class class, int nid)
{
	struct hp_claim *claim = hp_claim(account, class, nid);
	struct hp_claim *parent = hp_claim(account->parent, class, nid);

	hp_min_set(account, class, nid, 0);
	parent->children -= claim->all;
	parent->own += claim->all;
	claim->own = 0;
	claim->all = 0;
}

/* Whoever has broken the block does not claim it any more. */
static void hp_claim_settle(struct hp_node *node, struct hp_block *block)
{
	if (!block->debtor)
		return;
	hp_account_owe(block->debtor, node->nid, -1);
	hp_claim_hold(block->debtor, HP_1G, node->nid, -1);
	block->debtor = NULL;
	node->nr_owed--;
}

/**
 * hp_claim_break - a 1 GB block in use was broken by its owner
 * @account: account of the owner, as for hp_claim_hold()
 * @node: pool of the node
 * @block: the block
 *
 * Its units are claimed in addition to it, unless memory of it has failed: it is
 * not going to be whole again.
 */
void hp_claim_break(struct hp_account *account, struct hp_node *node,
		    struct hp_block *block)
{
	account = hp_claimant(account);
	hp_claim_hold(account, HP_2M, node->nid, HP_UNITS_PER_BLOCK);
	block->debtor = account;
	node->nr_owed++;
	hp_account_owe(account, node->nid, 1);
	if (!bitmap_empty(block->bad, HP_UNITS_PER_BLOCK))
		hp_claim_settle(node, block);
}

/**
 * hp_claim_fail - memory of a unit has failed
 * @node: pool of the memory's node
 * @unit: unit that holds the failed byte
 *
 * If the block was broken by its owner, nothing of it is left to wait for.
 *
 * Return: as hp_node_fail().
 */
enum hp_fail hp_claim_fail(struct hp_node *node, unsigned long unit)
{
	enum hp_fail found = hp_node_fail(node, unit);

	if (found == HP_FAIL_MARKED || found == HP_FAIL_RETIRED)
		hp_claim_settle(node, hp_node_find(node, unit));
	return found;
}

/**
 * hp_claim_merge - make a 1 GB block whole, if no guarantee needs its units
 * @root: account of the root
 * @node: pool of the node
 * @unit: set to the first unit of the block
 *
 * Return: as hp_node_merge(). Whoever has broken the block does not claim it any
 * more then.
 */
bool hp_claim_merge(const struct hp_account *root, struct hp_node *node,
		    unsigned long *unit)
{
	if (!hp_node_merge(node, hp_claim_all(root, HP_2M, node->nid), unit))
		return false;
	hp_claim_settle(node, hp_node_find(node, *unit));
	return true;
}

/**
 * hp_claim_inherit - the parent of an account is the debtor now
 * @account: account that hp_account_exit() was called for
 * @node: pool of a node
 */
void hp_claim_inherit(const struct hp_account *account, struct hp_node *node)
{
	unsigned long i;

	for (i = 0; i < node->nr_windows && node->nr_owed; i++) {
		struct hp_block *block = node->windows[i];

		if (block && block->debtor == account)
			block->debtor = account->parent;
	}
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
	long total = node->total[class];

	/* These are in the claims of those who broke them. */
	if (class == HP_1G)
		total += node->nr_owed;
	return total - hp_claim_of(root, class, node->nid)->all;
}

/* Free 1 GB blocks that 2 MB requests may break: nobody has a claim to them. */
static long hp_breakable(const struct hp_account *root,
			 const struct hp_node *node)
{
	long unclaimed = hp_unclaimed(root, HP_1G, node);

	if (unclaimed < 0)
		return 0;
	return unclaimed < (long)node->free[HP_1G] ? unclaimed :
						     (long)node->free[HP_1G];
}

static const struct hp_account *hp_claim_root(const struct hp_account *account)
{
	while (account->parent)
		account = account->parent;
	return account;
}

/* How much the claim of an account may grow, were @more blocks added. */
static long hp_claim_rest(const struct hp_account *account,
			  enum hp_class class, const struct hp_node *node,
			  long more)
{
	long rest = 0, unclaimed;

	while (account->parent) {
		account = account->parent;
		rest += hp_claim_slack(hp_claim_of(account, class, node->nid));
	}
	unclaimed = hp_unclaimed(account, class, node) + more;
	return unclaimed > 0 ? rest + unclaimed : rest;
}

/**
 * hp_claim_room - how many blocks of a node could an account draw?
 * @account: account
 * @class: size of the blocks
 * @demote: whether a 2 MB request may break a free 1 GB block
 * @node: pool of the node
 *
 * Return: number of free blocks that no other account has a claim to, whatever
 * the limits.
 */
unsigned long hp_claim_room(const struct hp_account *account,
			    enum hp_class class, bool demote,
			    const struct hp_node *node)
{
	long room, free, more = 0;

	if (class == HP_2M && demote)
		more = hp_breakable(hp_claim_root(account), node) *
		       HP_UNITS_PER_BLOCK;
	room = hp_claim_slack(hp_claim_of(account, class, node->nid)) +
	       hp_claim_rest(account, class, node, more);
	free = node->free[class] + more;
	return room < free ? room : free;
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
	if (class == HP_1G)
		reserved -= node->nr_owed;
	if (reserved < 0)
		return 0;
	/* More was promised than is left after a memory failure. */
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
 * promised, because blocks have been lost to memory failures, requests that a
 * guarantee covers are served as long as there is anything.
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

	if (class != HP_2M || !demote || !hp_breakable(root, node))
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
	long room = claim->all + hp_claim_rest(account, class, node, 0);

	/* Nothing more is handed out there: nothing more can be promised. */
	if (node->dead)
		return claim->min;
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
