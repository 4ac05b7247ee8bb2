/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hugepool: pools of three nodes, a tree of accounts that draws from them, and
 * the naive model of its guarantees. Requests, returns, splits and failures go
 * through the same steps as in pool.c, and hp_market_check() compares all that
 * can be asked with the model.
 *
 * Nothing here allocates or asserts: what is wrong is said by the string that is
 * returned. KUnit runs this in the kernel (guarantee_kunit.c), tests/sim of the
 * hugepool project in userspace.
 */
#ifndef _MM_HUGEPOOL_TESTS_GUARANTEE_MARKET_H
#define _MM_HUGEPOOL_TESTS_GUARANTEE_MARKET_H

#include <linux/string.h>

#include "../guarantee.h"
#include "account_tree.h"
#include "claim_model.h"

#define HP_MARKET_WINDOWS	3
#define HP_MARKET_GRANTS	\
	(HP_TREE_NODES * HP_MARKET_WINDOWS * HP_UNITS_PER_BLOCK)

/* A block that an account holds. */
struct hp_grant {
	unsigned long unit;
	enum hp_who who;
	enum hp_class class;
	int nid;
};

/* Zeroed by the caller, who provides the accounts; too large for the stack. */
struct hp_market {
	struct hp_tree tree;
	struct hp_node nodes[HP_TREE_NODES];
	struct hp_block *windows[HP_TREE_NODES][HP_MARKET_WINDOWS];
	struct hp_block blocks[HP_TREE_NODES][HP_MARKET_WINDOWS];
	struct hp_claim_model models[HP_TREE_NODES][HP_NR_CLASSES];
	/* Who broke a block, and claims it until it is whole; or nobody. */
	enum hp_who debtors[HP_TREE_NODES][HP_MARKET_WINDOWS];
	/* Blocks were lost: too much is promised. */
	bool lost[HP_TREE_NODES][HP_NR_CLASSES];
	struct hp_grant grants[HP_MARKET_GRANTS];
	unsigned int nr_grants;
	bool demote;
};

static inline int hp_market_index(enum hp_who who)
{
	return (int)who - HP_ROOT;
}

/* The account itself or, when that is gone, the next above that is not. */
static inline enum hp_who hp_market_heir(const struct hp_market *market,
					 enum hp_who who)
{
	while (!market->models[0][0].there[hp_market_index(who)])
		who = hp_tree_parents[who];
	return who;
}

static inline void hp_market_create(struct hp_market *market, enum hp_who who)
{
	enum hp_who parent = hp_tree_parents[who];
	unsigned int nid, class;

	hp_account_init(market->tree.who[who], market->tree.who[parent],
			HP_TREE_NODES);
	for (nid = 0; nid < HP_TREE_NODES; nid++)
		for (class = 0; class < HP_NR_CLASSES; class++)
			hp_model_create(&market->models[nid][class],
					hp_market_index(who),
					hp_market_index(parent));
}

static inline void hp_market_init(struct hp_market *market)
{
	unsigned int nid, who;

	for (nid = 0; nid < HP_TREE_NODES; nid++)
		hp_node_init(&market->nodes[nid], nid, market->windows[nid], 0,
			     HP_MARKET_WINDOWS);
	for (who = HP_ROOT; who < HP_NR_WHO; who++)
		hp_market_create(market, who);
}

static inline const char *hp_market_add(struct hp_market *market, int nid,
					unsigned long unit, unsigned int nr,
					bool gigantic)
{
	struct hp_block *block =
		&market->blocks[nid][unit / HP_UNITS_PER_BLOCK];

	return hp_node_add(&market->nodes[nid], block, unit, nr, gigantic) ?
	       "hp_node_add() refused" : NULL;
}

/* How the model would serve a request. */
static inline enum hp_admission hp_market_expects(struct hp_market *market,
						  enum hp_who who,
						  enum hp_class class, int nid)
{
	return hp_model_admission(market->models[nid],
				  hp_market_index(hp_market_heir(market, who)),
				  class, market->demote, &market->nodes[nid]);
}

/* A request, which must be served as @admission says. */
static inline const char *hp_market_take(struct hp_market *market,
					 enum hp_who who, enum hp_class class,
					 int nid, enum hp_admission admission)
{
	struct hp_account *account = market->tree.who[who];
	enum hp_who heir = hp_market_heir(market, who);
	struct hp_node *node = &market->nodes[nid];
	struct hp_slot slot;

	if (hp_admit(account, class, market->demote, node) != admission)
		return "hp_admit() answered wrongly";
	if (admission == HP_ADMIT_NONE)
		return NULL;
	if (!hp_node_take(node, class, admission == HP_ADMIT_BREAK, HP_SHMEM,
			  &slot))
		return "hp_admit() has seen a block that is not there";
	hp_account_charge(account, HP_SHMEM, class, nid);
	market->models[nid][class].own[hp_market_index(heir)]++;
	market->grants[market->nr_grants++] = (struct hp_grant) {
		.unit = slot.unit, .who = heir, .class = class, .nid = nid,
	};
	return NULL;
}

/* As hp_merge_one(). */
static inline bool hp_market_merge_one(struct hp_market *market, int nid)
{
	unsigned long unit;
	enum hp_who *debtor;

	if (!hp_claim_merge(market->tree.who[HP_ROOT], &market->nodes[nid],
			    &unit))
		return false;
	debtor = &market->debtors[nid][unit / HP_UNITS_PER_BLOCK];
	if (*debtor)
		market->models[nid][HP_1G].owed[hp_market_index(*debtor)]--;
	*debtor = HP_NOBODY;
	return true;
}

/* As hp_pool_merge(). */
static inline void hp_market_merge(struct hp_market *market)
{
	int nid;

	for (nid = 0; nid < HP_TREE_NODES; nid++)
		while (hp_market_merge_one(market, nid))
			;
}

/* As hugepool_free_folio(): one merge has to be enough. */
static inline const char *hp_market_give(struct hp_market *market,
					 unsigned int nr)
{
	struct hp_grant grant = market->grants[nr];
	struct hp_node *node = &market->nodes[grant.nid];
	enum hp_give given;
	u8 kind;

	market->grants[nr] = market->grants[--market->nr_grants];
	given = hp_node_give(node, grant.unit, hp_class_units(grant.class),
			     &kind);
	if (given == HP_GIVE_BAD)
		return "hp_node_give() refused";
	if (given == HP_GIVE_RETIRED) {
		market->lost[grant.nid][HP_2M] = true;
		market->lost[grant.nid][HP_1G] = true;
	}
	hp_account_uncharge(market->tree.who[grant.who], HP_SHMEM, grant.class,
			    grant.nid, 1);
	market->models[grant.nid][grant.class].own[hp_market_index(grant.who)]--;
	hp_market_merge_one(market, grant.nid);
	return NULL;
}

/* The owner of a 1 GB block splits it into units. */
static inline const char *hp_market_split(struct hp_market *market,
					  unsigned int nr)
{
	struct hp_grant *grant = &market->grants[nr];
	struct hp_claim_model *models = market->models[grant->nid];
	struct hp_node *node = &market->nodes[grant->nid];
	int who = hp_market_index(grant->who);
	unsigned int i, window;
	bool bad;
	u8 kind;

	if (!hp_node_split(node, grant->unit, HP_UNITS_PER_BLOCK, 1, &kind))
		return "hp_node_split() refused";
	hp_account_break(market->tree.who[grant->who], HP_SHMEM, grant->nid);
	window = grant->unit / HP_UNITS_PER_BLOCK;
	hp_claim_break(market->tree.who[grant->who], node,
		       &market->blocks[grant->nid][window]);
	bad = !bitmap_empty(market->blocks[grant->nid][window].bad,
			    HP_UNITS_PER_BLOCK);
	market->debtors[grant->nid][window] = bad ? HP_NOBODY : grant->who;
	models[HP_1G].own[who]--;
	models[HP_1G].owed[who] += !bad;
	models[HP_2M].own[who] += HP_UNITS_PER_BLOCK;
	grant->class = HP_2M;
	for (i = 1; i < HP_UNITS_PER_BLOCK; i++) {
		market->grants[market->nr_grants] = *grant;
		market->grants[market->nr_grants++].unit += i;
	}
	hp_market_merge(market);
	return NULL;
}

static inline void hp_market_fail(struct hp_market *market, int nid,
				  unsigned long unit)
{
	enum hp_who *debtor =
		&market->debtors[nid][unit / HP_UNITS_PER_BLOCK];

	hp_claim_fail(&market->nodes[nid], unit);
	if (*debtor)
		market->models[nid][HP_1G].owed[hp_market_index(*debtor)]--;
	*debtor = HP_NOBODY;
	market->lost[nid][HP_2M] = true;
	market->lost[nid][HP_1G] = true;
	hp_market_merge(market);
}

/* As hp_promise_node(). */
static inline const char *hp_market_min(struct hp_market *market,
					enum hp_who who, enum hp_class class,
					int nid, unsigned long min, int result)
{
	struct hp_account *account = market->tree.who[who];
	unsigned long room;

	room = hp_min_room(account, class, &market->nodes[nid]);
	if (hp_min_check(account, class, nid, min, room) != result)
		return "hp_min_check() answered wrongly";
	if (result)
		return NULL;
	hp_min_set(account, class, nid, min);
	market->models[nid][class].min[hp_market_index(who)] = min;
	hp_market_merge(market);
	return NULL;
}

/* As hp_promise_all(). */
static inline const char *hp_market_divide(struct hp_market *market,
					   enum hp_who who, enum hp_class class,
					   unsigned long min, int result)
{
	unsigned long room[HP_TREE_NODES], least[HP_TREE_NODES];
	unsigned long share[HP_TREE_NODES];
	struct hp_account *account = market->tree.who[who];
	const char *wrong;
	int nid;

	for (nid = 0; nid < HP_TREE_NODES; nid++) {
		room[nid] = hp_min_room(account, class, &market->nodes[nid]);
		least[nid] = account->nodes[nid].claim[class].children_min;
	}
	if (hp_min_divide(min, room, least, share, HP_TREE_NODES) != result)
		return "hp_min_divide() answered wrongly";
	if (result)
		return NULL;
	wrong = hp_model_shares(min, room, least, share, HP_TREE_NODES);
	for (nid = 0; nid < HP_TREE_NODES && !wrong; nid++)
		wrong = hp_market_min(market, who, class, nid, share[nid], 0);
	return wrong;
}

/* The cgroup is removed; what it holds is its parent's. */
static inline void hp_market_exit(struct hp_market *market, enum hp_who who)
{
	unsigned int nid, class, i;
	enum hp_who heir;

	hp_account_exit(market->tree.who[who], HP_TREE_NODES);
	for (nid = 0; nid < HP_TREE_NODES; nid++) {
		hp_claim_inherit(market->tree.who[who], &market->nodes[nid]);
		for (class = 0; class < HP_NR_CLASSES; class++)
			hp_model_remove(&market->models[nid][class],
					hp_market_index(who));
	}
	heir = hp_market_heir(market, who);
	for (nid = 0; nid < HP_TREE_NODES; nid++)
		for (i = 0; i < HP_MARKET_WINDOWS; i++)
			if (market->debtors[nid][i] == who)
				market->debtors[nid][i] = heir;
	for (i = 0; i < market->nr_grants; i++)
		if (market->grants[i].who == who)
			market->grants[i].who = heir;
	hp_market_merge(market);
}

/* All that one account says of one class on one node. */
static inline const char *hp_market_check_one(struct hp_market *market,
					      enum hp_who who,
					      enum hp_class class, int nid)
{
	struct hp_claim_model *model = &market->models[nid][class];
	const struct hp_account *account = market->tree.who[who];
	const struct hp_claim *claim = &account->nodes[nid].claim[class];
	const struct hp_node *node = &market->nodes[nid];
	unsigned long total = hp_model_total(node, class), room;
	int i = hp_market_index(who);

	if (claim->min != model->min[i] ||
	    claim->children_min != hp_model_children_min(model, i))
		return "the guarantees are not those that were set";
	if (claim->all != hp_model_claim(model, i) ||
	    claim->own != model->own[i] + model->owed[i] ||
	    claim->children != hp_model_children(model, i))
		return "the claims are wrong";
	if (!hp_model_room_right(market->models[nid], i, class, false, node,
				 hp_claim_room(account, class, false, node)) ||
	    !hp_model_room_right(market->models[nid], i, class, true, node,
				 hp_claim_room(account, class, true, node)))
		return "hp_claim_room() answered wrongly";
	/* What a guarantee covers is there, unless blocks were lost. */
	if (!market->lost[nid][class] && hp_model_covers(model, i, 1) &&
	    hp_admit(account, class, false, node) != HP_ADMIT_FREE)
		return "a guarantee that is not kept";
	if (who == HP_ROOT)
		return NULL;
	room = hp_min_room(account, class, node);
	if (hp_model_min(model, i, room, total) ||
	    hp_model_min(model, i, room + 1, total) != -ENOSPC)
		return "hp_min_room() answered wrongly";
	return NULL;
}

/* What one node says of a class, and that nothing waits to be made whole. */
static inline const char *hp_market_check_node(struct hp_market *market,
					       enum hp_class class, int nid)
{
	const struct hp_account *root = market->tree.who[HP_ROOT];
	const struct hp_node *node = &market->nodes[nid];
	unsigned long all, free = node->free[class], reserved;
	unsigned int i, owed = 0;

	for (i = 0; i < HP_MARKET_WINDOWS; i++)
		owed += !!market->debtors[nid][i];
	if (node->nr_owed != owed)
		return "the number of blocks that are owed is wrong";
	all = hp_model_all(&market->models[nid][class]);
	if (all <= hp_model_total(node, class))
		market->lost[nid][class] = false;
	else if (!market->lost[nid][class])
		return "more was promised than there is";
	reserved = all - root->nodes[nid].count[class].used -
		   (hp_model_total(node, class) - node->total[class]);
	if (hp_claim_reserved(root, class, node) !=
	    (reserved < free ? reserved : free))
		return "hp_claim_reserved() answered wrongly";
	for (i = 0; i < HP_MARKET_WINDOWS && class == HP_2M; i++)
		if (market->blocks[nid][i].gigantic &&
		    market->blocks[nid][i].nr_free == HP_UNITS_PER_BLOCK &&
		    node->total[HP_2M] >= all + HP_UNITS_PER_BLOCK)
			return "a block that could be made whole";
	return NULL;
}

/* NULL, or what differs from the model. */
static inline const char *hp_market_check(struct hp_market *market)
{
	const char *wrong = NULL;
	unsigned int class, who;
	int nid;

	for (nid = 0; nid < HP_TREE_NODES; nid++) {
		/* Such a pool serves nobody, whatever the model says. */
		if (market->nodes[nid].dead)
			continue;
		for (class = 0; class < HP_NR_CLASSES && !wrong; class++) {
			wrong = hp_market_check_node(market, class, nid);
			for (who = HP_ROOT; who < HP_NR_WHO && !wrong; who++)
				if (hp_market_heir(market, who) == who)
					wrong = hp_market_check_one(market, who,
								    class, nid);
		}
	}
	return wrong;
}

#endif /* _MM_HUGEPOOL_TESTS_GUARANTEE_MARKET_H */
