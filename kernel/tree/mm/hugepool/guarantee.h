/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hugepool: memory.hugepool.min, which nobody else can use up.
 *
 * The claim of an account, per class and node, is what it holds or what it was
 * guaranteed, whichever is more, where its children's claims count as held. A
 * request or a guarantee is admitted only while the claims of all, and what
 * nobody is charged for, fit into the blocks of that class and node: all of it is
 * the claim of the root. A request that its account's guarantee covers, or that
 * of an account above, does not raise the root's claim, so it finds a free block.
 *
 * Whoever breaks a 1 GB block that it holds has used it up: until its units are all
 * back and it is whole, the block counts as claimed by the one and as there for
 * all. So nobody can draw on its guarantee again and again, until there is no whole
 * block left for others who were promised one.
 *
 * Pure bookkeeping like account.h, under hugepool_lock.
 */
#ifndef _MM_HUGEPOOL_GUARANTEE_H
#define _MM_HUGEPOOL_GUARANTEE_H

#include "account.h"
#include "core.h"

/* Whether a node serves a request, and how. */
enum hp_admission {
	HP_ADMIT_NONE,		/* no free block, or all of them are claimed */
	HP_ADMIT_FREE,		/* with a free block of its class */
	HP_ADMIT_BREAK,		/* with a unit of a 1 GB block, broken for that */
};

void hp_claim_hold(struct hp_account *account, enum hp_class class, int nid,
		   long nr);
void hp_claim_fold(struct hp_account *account, enum hp_class class, int nid);
void hp_claim_break(struct hp_account *account, struct hp_node *node,
		    struct hp_block *block);
enum hp_fail hp_claim_fail(struct hp_node *node, unsigned long unit);
bool hp_claim_merge(const struct hp_account *root, struct hp_node *node,
		    unsigned long *unit);
void hp_claim_inherit(const struct hp_account *account, struct hp_node *node);
unsigned long hp_claim_all(const struct hp_account *account,
			   enum hp_class class, int nid);
unsigned long hp_claim_room(const struct hp_account *account,
			    enum hp_class class, bool demote,
			    const struct hp_node *node);
unsigned long hp_claim_reserved(const struct hp_account *root,
				enum hp_class class, const struct hp_node *node);
enum hp_admission hp_admit(const struct hp_account *account,
			   enum hp_class class, bool demote,
			   const struct hp_node *node);
unsigned long hp_min_room(const struct hp_account *account,
			  enum hp_class class, const struct hp_node *node);
int hp_min_check(const struct hp_account *account, enum hp_class class, int nid,
		 unsigned long min, unsigned long room);
void hp_min_set(struct hp_account *account, enum hp_class class, int nid,
		unsigned long min);
int hp_min_divide(unsigned long min, const unsigned long *room,
		  const unsigned long *children_min, unsigned long *share,
		  unsigned int nr_nodes);

#endif /* _MM_HUGEPOOL_GUARANTEE_H */
