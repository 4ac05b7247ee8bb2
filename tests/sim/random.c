// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations on random worlds: nodes with any mix of 1 GB blocks, 2 MB
 * windows and holes, a tree of accounts, and requests that fall back from node
 * to node as the kernel's do. Every answer is compared with the models'.
 */

#include <errno.h>
#include <string.h>

#include "accounts.h"
#include "guarantee.h"
#include "model.h"

#define WORLD_NODES	3
#define WORLD_OPS	50000
#define MAX_HELD	(WORLD_NODES * SIM_WINDOWS * HP_UNITS_PER_BLOCK)

struct node {
	struct hp_node real;
	struct hp_block **windows;
	struct model_node model;
	int nid;
	/* Who broke a block, and claims it until it is whole; or SIM_NOBODY. */
	int debtors[SIM_WINDOWS];
	/* Blocks were lost: too much is promised. */
	bool lost[HP_NR_CLASSES];
};

struct held {
	unsigned long unit;
	unsigned short nr;	/* units */
	unsigned short node;
	short who;
	short zombie;	/* its account, while the folio still refers to it */
	u8 kind;
};

struct world {
	struct rng *rng;
	struct node nodes[WORLD_NODES];
	int nids[WORLD_NODES];
	struct model_accounts accounts;
	struct held held[MAX_HELD];
	unsigned int nr_held;
	unsigned int take_share;	/* of 100 takes and gives */
	unsigned int fail_share;	/* one failure in so many operations */
	bool demote;
};

static struct {
	unsigned long taken[HP_NR_CLASSES], empty, limit, fell_back, bad_gives;
	unsigned long bad_splits, late, zombies, lost;
	unsigned long worlds, removed, added;
	unsigned long repaid, written_off;
	unsigned long min_set, min_nospc, min_busy, divided;
	unsigned long covered, kept_out, kept_broken;
} did;

static int distances[SIM_NIDS][SIM_NIDS];

static int distance(int from, int to)
{
	return distances[from][to];
}

static struct node *node_of_nid(struct world *w, int nid)
{
	unsigned int i;

	for (i = 0; i < WORLD_NODES; i++)
		if (w->nodes[i].nid == nid)
			return &w->nodes[i];
	return NULL;
}

static struct hp_account *root_of(struct world *w)
{
	return w->accounts.accounts[0].real;
}

/* Make one block whole, if that leaves all 2 MB ones that were promised. */
static bool merge_one(struct world *w, struct node *node)
{
	unsigned long unit;
	int *debtor;

	if (!hp_claim_merge(root_of(w), &node->real, &unit))
		return false;
	model_merge(&node->model, unit);
	debtor = &node->debtors[unit / 512 - node->model.first_window];
	if (*debtor != SIM_NOBODY) {
		w->accounts.claims[node->nid][HP_1G].owed[*debtor]--;
		did.repaid++;
	}
	*debtor = SIM_NOBODY;
	return true;
}

/* As hp_pool_merge(). */
static void merge_all(struct world *w)
{
	unsigned int i;

	for (i = 0; i < WORLD_NODES; i++)
		while (merge_one(w, &w->nodes[i]))
			;
}

static void lose(struct node *node)
{
	node->lost[HP_2M] = true;
	node->lost[HP_1G] = true;
	did.lost++;
}

/* hp_node_add() of any range, good or bad; the model says which it is. */
static void add_range(struct world *w, struct node *node, unsigned long unit,
		      unsigned int nr, bool gigantic)
{
	unsigned long window = unit / 512 - node->model.first_window;
	struct hp_block *block = NULL, *fresh = NULL, before;
	struct hp_node node_before = node->real;
	bool good;

	if (unit / 512 >= node->model.first_window &&
	    window < node->model.nr_windows)
		block = node->windows[window];
	if (!block)
		block = fresh = sim_alloc(sizeof(*fresh));
	before = *block;
	good = model_add(&node->model, unit, nr, gigantic);
	sim_check(hp_node_add(&node->real, block, unit, nr, gigantic) ==
		  (good ? 0 : -EINVAL));
	if (good) {
		did.added++;
		return;
	}
	sim_check(!memcmp(&before, block, sizeof(before)));
	sim_check(!memcmp(&node_before, &node->real, sizeof(node_before)));
	free(fresh);
}

static void fill_window(struct world *w, struct node *node, unsigned long first)
{
	unsigned int i, nr;

	switch (rng_below(w->rng, 6)) {
	case 0:
		break;
	case 1:
	case 2:
	case 3:
		add_range(w, node, first, 512, true);
		break;
	case 4:
		add_range(w, node, first, 512, false);
		break;
	default:
		for (i = rng_below(w->rng, 200); i < 512;
		     i += nr + rng_below(w->rng, 100)) {
			nr = 1 + rng_below(w->rng, 60);
			if (nr > 512 - i)
				nr = 512 - i;
			add_range(w, node, first + i, nr, false);
		}
	}
}

static void make_node(struct world *w, struct node *node, int nid)
{
	struct model_node *model = &node->model;
	unsigned long i;

	memset(model, 0, sizeof(*model));
	node->nid = nid;
	memset(node->lost, 0, sizeof(node->lost));
	for (i = 0; i < SIM_WINDOWS; i++)
		node->debtors[i] = SIM_NOBODY;
	model->first_window = rng_below(w->rng, 100);
	model->nr_windows = 2 + rng_below(w->rng, SIM_WINDOWS - 1);
	node->windows = sim_alloc(model->nr_windows * sizeof(*node->windows));
	hp_node_init(&node->real, nid, node->windows, model->first_window,
		     model->nr_windows);
	for (i = 0; i < model->nr_windows; i++)
		fill_window(w, node, (model->first_window + i) * 512);
	model_check(model, &node->real);
}

static void make_world(struct world *w)
{
	bool hole = rng_one_in(w->rng, 2);
	int i, j;

	for (i = 0; i < SIM_NIDS; i++)
		for (j = 0; j < SIM_NIDS; j++)
			distances[i][j] = i == j ? 10 :
				11 + rng_below(w->rng, 3) * 5;
	memset(&w->accounts, 0, sizeof(w->accounts));
	accounts_create(&w->accounts, 0, SIM_NOBODY);
	for (i = 0; i < WORLD_NODES; i++) {
		/* Sometimes node 1 has no pool. */
		w->nids[i] = hole && i ? i + 1 : i;
		make_node(w, &w->nodes[i], w->nids[i]);
	}
	w->nr_held = 0;
	w->take_share = 80;
	/* Many failures leave no 1 GB block that could merge. */
	w->fail_share = rng_one_in(w->rng, 3) ? 500 : 20000;
	w->demote = true;
	did.worlds++;
}

/* Whether and how a node has to serve a request, limits aside. */
static enum hp_admission expected(struct world *w, struct node *node,
				  enum hp_class class, int who)
{
	struct hp_claim_model *models = w->accounts.claims[node->nid];
	enum hp_admission how;

	how = hp_model_admission(models, who, class, w->demote, &node->real);
	if (!hp_model_covers(&models[class], who, 1)) {
		did.kept_out += how == HP_ADMIT_NONE && node->real.free[class];
		return how;
	}
	/* What was promised is there. */
	sim_check(how == HP_ADMIT_FREE || node->lost[class]);
	did.covered++;
	return how;
}

/* Which node has to serve the request, found the plain way. */
static int expected_node(struct world *w, enum hp_class class, int who,
			 int preferred, unsigned int mask)
{
	int best = -1, best_key = 0;
	unsigned int i;

	for (i = 0; i < WORLD_NODES; i++) {
		int nid = w->nids[i];
		int key = nid == preferred ? 0 : distances[preferred][nid];

		if (!(mask & 1U << nid) ||
		    expected(w, &w->nodes[i], class, who) == HP_ADMIT_NONE ||
		    accounts_over(&w->accounts, who, class, nid) != SIM_NOBODY)
			continue;
		if (best < 0 || key < best_key) {
			best = nid;
			best_key = key;
		}
	}
	return best;
}

/* May the account be charged for a block of this node? As the model says. */
static bool admitted(struct world *w, enum hp_class class, int who, int zombie,
		     int nid)
{
	int over = accounts_over(&w->accounts, who, class, nid);
	struct hp_account *refused;

	refused = hp_account_over(accounts_real(&w->accounts, who, zombie),
				  class, nid);
	sim_check(refused == (over == SIM_NOBODY ? NULL :
			      w->accounts.accounts[over].real));
	did.limit += !!refused;
	return !refused;
}

static void take_from(struct world *w, struct node *node, enum hp_class class,
		      int who, int zombie, bool brk)
{
	struct held *held = &w->held[w->nr_held];
	u8 kind = rng_next(w->rng);
	struct hp_slot slot;

	memset(&slot, 0xa5, sizeof(slot));
	sim_check(hp_node_take(&node->real, class, brk, kind, &slot));
	model_take(&node->model, class, brk, kind, &slot);
	hp_account_charge(accounts_real(&w->accounts, who, zombie), HP_SHMEM,
			  class, node->nid);
	accounts_charge(&w->accounts, who, class, node->nid);
	accounts_check_claim(&w->accounts, who, class, node->nid);

	sim_check(w->nr_held < MAX_HELD);
	*held = (struct held){ slot.unit, hp_class_units(class),
			       node - w->nodes, who, zombie, kind };
	w->nr_held++;
	did.taken[class]++;
	did.late += zombie != SIM_NOBODY;
}

/* A request of a cgroup or, rarely, of one that was removed meanwhile. */
static int pick_owner(struct world *w, int *zombie)
{
	int i = rng_below(w->rng, SIM_ZOMBIES);

	*zombie = SIM_NOBODY;
	if (!w->accounts.zombies[i].real || w->accounts.zombies[i].reparented ||
	    !rng_one_in(w->rng, 4))
		return accounts_pick(&w->accounts, w->rng);
	*zombie = i;
	return w->accounts.zombies[i].heir;
}

/* As hugepool's allocator does it, node by node. */
static void op_request(struct world *w)
{
	enum hp_class class = rng_one_in(w->rng, 12) ? HP_1G : HP_2M;
	unsigned int i, mask = 1 + rng_below(w->rng, (1 << SIM_NIDS) - 1);
	int zombie, who = pick_owner(w, &zombie);
	int preferred = rng_below(w->rng, SIM_NIDS);
	int best, order[WORLD_NODES];
	bool first = true;

	if (rng_one_in(w->rng, 2))
		mask = ~0U;
	best = expected_node(w, class, who, preferred, mask);
	sim_check(hp_node_order(preferred, w->nids, WORLD_NODES, distance,
				order) == WORLD_NODES);
	for (i = 0; i < WORLD_NODES; i++) {
		struct node *node = node_of_nid(w, order[i]);
		enum hp_admission how;

		if (!(mask & 1U << order[i]))
			continue;
		how = hp_admit(accounts_real(&w->accounts, who, zombie), class,
			       w->demote, &node->real);
		sim_check(how == expected(w, node, class, who));
		if (how != HP_ADMIT_NONE &&
		    admitted(w, class, who, zombie, order[i])) {
			sim_check(best == order[i]);
			did.fell_back += !first;
			take_from(w, node, class, who, zombie,
				  how == HP_ADMIT_BREAK);
			return;
		}
		first = false;
		if (!node->real.free[class]) {
			struct hp_node before = node->real;
			struct hp_slot slot;

			sim_check(!hp_node_take(&node->real, class, false, 0,
						&slot));
			sim_check(!memcmp(&before, &node->real, sizeof(before)));
		}
	}
	sim_check(best == -1);
	did.empty++;
}

static void op_give(struct world *w)
{
	struct held *last = &w->held[w->nr_held - 1], held;
	struct node *node;
	u8 kind = 0, model_kind = 0;
	enum hp_give given;
	enum hp_class class;
	unsigned int i, nr;

	i = rng_below(w->rng, w->nr_held);
	held = w->held[i];
	w->held[i] = *last;
	w->nr_held--;

	node = &w->nodes[held.node];
	given = hp_node_give(&node->real, held.unit, held.nr, &kind);
	sim_check(given == model_give(&node->model, held.unit, held.nr,
				      &model_kind));
	sim_check(given != HP_GIVE_BAD);
	sim_check(kind == held.kind && model_kind == held.kind);
	class = held.nr == 512 ? HP_1G : HP_2M;
	nr = class == HP_1G ? 1 : held.nr;
	hp_account_uncharge(accounts_real(&w->accounts, held.who, held.zombie),
			    HP_SHMEM, class, node->nid, nr);
	accounts_uncharge(&w->accounts, held.who, class, node->nid, nr);
	accounts_check_claim(&w->accounts, held.who, class, node->nid);
	if (given == HP_GIVE_RETIRED)
		lose(node);
	/* As hugepool_free_folio(): one is enough, check_op() sees to that. */
	merge_one(w, node);
}

/* A unit of the node, or near one that is in use, or just outside. */
static unsigned long any_unit(struct world *w, struct node *node)
{
	unsigned long first = node->model.first_window * 512;

	if (w->nr_held && rng_one_in(w->rng, 2))
		return w->held[rng_below(w->rng, w->nr_held)].unit +
		       rng_below(w->rng, 3);
	if (rng_one_in(w->rng, 3))
		return first + rng_below(w->rng, node->model.nr_windows) * 512;
	return first - 20 + rng_below(w->rng, node->model.nr_windows * 512 + 40);
}

static struct hp_block *block_at(struct node *node, unsigned long unit)
{
	unsigned long window = unit / 512 - node->model.first_window;

	return unit / 512 >= node->model.first_window &&
	       window < node->model.nr_windows ? node->windows[window] : NULL;
}

/* What nobody holds is given back: refused, and nothing is changed. */
static void op_bad_give(struct world *w)
{
	struct node *node = &w->nodes[rng_below(w->rng, WORLD_NODES)];
	unsigned int nr = rng_one_in(w->rng, 2) ? 1 : 1U << rng_below(w->rng, 10);
	unsigned long unit = any_unit(w, node);
	struct hp_block *block = block_at(node, unit), before;
	struct hp_node node_before = node->real;
	u8 kind = 77;

	if (model_holds(&node->model, unit, nr))
		return;
	if (block)
		before = *block;
	sim_check(hp_node_give(&node->real, unit, nr, &kind) == HP_GIVE_BAD);
	sim_check(kind == 77);
	sim_check(!block || !memcmp(&before, block, sizeof(before)));
	sim_check(!memcmp(&node_before, &node->real, sizeof(node_before)));
	did.bad_gives++;
}

/*
 * A block or a piece of one is split: evenly, or as truncation does it, in half
 * again and again around one unit.
 */
static void split_held(struct world *w, unsigned int i, unsigned int new_nr)
{
	struct held held = w->held[i];
	struct node *node = &w->nodes[held.node];
	unsigned int offset;
	u8 kind = 0;

	sim_check(hp_node_split(&node->real, held.unit, held.nr, new_nr,
				&kind));
	sim_check(kind == held.kind);
	model_split(&node->model, held.unit, held.nr, new_nr);
	if (held.nr == 512) {
		bool bad = !bitmap_empty(block_at(node, held.unit)->bad, 512);

		hp_account_break(accounts_real(&w->accounts, held.who,
					       held.zombie), HP_SHMEM,
				 node->nid);
		accounts_break(&w->accounts, held.who, node->nid, bad);
		hp_claim_break(accounts_real(&w->accounts, held.who,
					     held.zombie), &node->real,
			       block_at(node, held.unit));
		node->debtors[held.unit / 512 - node->model.first_window] =
			bad ? SIM_NOBODY : held.who;
		merge_all(w);
	}
	w->held[i].nr = new_nr;
	for (offset = new_nr; offset < held.nr; offset += new_nr) {
		sim_check(w->nr_held < MAX_HELD);
		w->held[w->nr_held] = w->held[i];
		w->held[w->nr_held].unit = held.unit + offset;
		w->nr_held++;
	}
}

static void op_split(struct world *w)
{
	unsigned int i, tries, unit, start = rng_below(w->rng, w->nr_held);

	/* Larger than a unit they are rare. */
	for (tries = 0; tries < w->nr_held; tries++) {
		i = (start + tries) % w->nr_held;
		if (w->held[i].nr > 1)
			break;
	}
	if (tries == w->nr_held)
		return;
	if (rng_one_in(w->rng, 3)) {
		split_held(w, i, w->held[i].nr >> (1 + rng_below(w->rng,
				__builtin_ctz(w->held[i].nr))));
		return;
	}
	unit = w->held[i].unit + rng_below(w->rng, w->held[i].nr);
	while (w->held[i].nr > 1) {
		unsigned int old = w->nr_held;

		split_held(w, i, w->held[i].nr / 2);
		if (unit >= w->held[old].unit)
			i = old;
	}
}

/* What nobody holds like that is not split, and nothing is changed. */
static void op_bad_split(struct world *w)
{
	struct node *node = &w->nodes[rng_below(w->rng, WORLD_NODES)];
	unsigned int nr = 1U << rng_below(w->rng, 10), new_nr = nr / 2;
	unsigned long unit = any_unit(w, node);
	struct hp_block *block = block_at(node, unit), before;
	struct hp_node node_before = node->real;
	u8 kind = 77;

	if (new_nr && model_holds(&node->model, unit, nr))
		new_nr = rng_one_in(w->rng, 2) ? nr : 0;
	if (block)
		before = *block;
	sim_check(!hp_node_split(&node->real, unit, nr, new_nr, &kind));
	sim_check(kind == 77);
	sim_check(!block || !memcmp(&before, block, sizeof(before)));
	sim_check(!memcmp(&node_before, &node->real, sizeof(node_before)));
	did.bad_splits++;
}

static void op_fail(struct world *w)
{
	struct node *node = &w->nodes[rng_below(w->rng, WORLD_NODES)];
	unsigned long unit = any_unit(w, node);
	struct hp_block *block = block_at(node, unit);
	enum hp_fail found = hp_claim_fail(&node->real, unit);
	int *debtor;

	sim_check(found == model_fail(&node->model, unit));
	if (block && found != HP_FAIL_NOT_OURS) {
		debtor = &node->debtors[unit / 512 - node->model.first_window];
		if (*debtor != SIM_NOBODY) {
			w->accounts.claims[node->nid][HP_1G].owed[*debtor]--;
			did.written_off++;
		}
		*debtor = SIM_NOBODY;
	}
	lose(node);
	merge_all(w);
}

static void op_add(struct world *w)
{
	struct node *node = &w->nodes[rng_below(w->rng, WORLD_NODES)];
	unsigned long unit = any_unit(w, node);

	if (rng_one_in(w->rng, 4))
		unit -= unit % 512;
	add_range(w, node, unit, rng_one_in(w->rng, 3) ? 512 :
		  rng_below(w->rng, 8), rng_one_in(w->rng, 4));
	merge_all(w);
}

/* What is written to memory.hugepool.min for one node, with pool or without. */
static void op_min(struct world *w)
{
	enum hp_class class = rng_one_in(w->rng, 6) ? HP_1G : HP_2M;
	int nid = rng_below(w->rng, SIM_NIDS);
	int who = accounts_pick(&w->accounts, w->rng);
	struct hp_account *real = w->accounts.accounts[who].real;
	struct hp_claim_model *model = &w->accounts.claims[nid][class];
	struct node *node = node_of_nid(w, nid);
	unsigned long min, room = 0, total = 0;
	int expect;

	if (!who)
		return;
	if (node) {
		room = hp_min_room(real, class, &node->real);
		total = hp_model_total(&node->real, class);
		/* What it says it can be given, it can, and not one more. */
		sim_check(!hp_model_min(model, who, room, total));
		sim_check(hp_model_min(model, who, room + 1, total) == -ENOSPC);
	}
	min = rng_below(w->rng, rng_one_in(w->rng, 3) ? 2 * total + 2 :
			total / 4 + 2);
	expect = hp_model_min(model, who, min, total);
	sim_check(hp_min_check(real, class, nid, min, room) == expect);
	did.min_nospc += expect == -ENOSPC;
	did.min_busy += expect == -EBUSY;
	if (expect)
		return;
	hp_min_set(real, class, nid, min);
	model->min[who] = min;
	accounts_check_claim(&w->accounts, who, class, nid);
	did.min_set++;
	merge_all(w);
}

/* The same for all nodes together. */
static void op_divide(struct world *w)
{
	enum hp_class class = rng_one_in(w->rng, 6) ? HP_1G : HP_2M;
	int nid, who = accounts_pick(&w->accounts, w->rng);
	struct hp_account *real = w->accounts.accounts[who].real;
	unsigned long room[SIM_NIDS], least[SIM_NIDS], share[SIM_NIDS];
	unsigned long min, all = 0, needed = 0;
	int expect = 0;

	if (!who)
		return;
	for (nid = 0; nid < SIM_NIDS; nid++) {
		struct node *node = node_of_nid(w, nid);

		room[nid] = node ? hp_min_room(real, class, &node->real) : 0;
		least[nid] = hp_model_children_min(&w->accounts.claims[nid][class],
						   who);
		all += room[nid];
		needed += least[nid];
	}
	min = rng_below(w->rng, rng_one_in(w->rng, 2) ? all + 2 : all / 4 + 2);
	if (min > all)
		expect = -ENOSPC;
	else if (min < needed)
		expect = -EBUSY;
	sim_check(hp_min_divide(min, room, least, share, SIM_NIDS) == expect);
	if (expect)
		return;
	sim_check(!hp_model_shares(min, room, least, share, SIM_NIDS));
	for (nid = 0; nid < SIM_NIDS; nid++) {
		hp_min_set(real, class, nid, share[nid]);
		w->accounts.claims[nid][class].min[who] = share[nid];
		accounts_check_claim(&w->accounts, who, class, nid);
	}
	did.divided++;
	merge_all(w);
}

/*
 * What becomes of an account whose cgroup is gone: its folios refer to the
 * parent's, and at last it is freed.
 */
static void op_zombie(struct world *w)
{
	int i, zombie = rng_below(w->rng, SIM_ZOMBIES);

	if (!w->accounts.zombies[zombie].real)
		return;
	if (!w->accounts.zombies[zombie].reparented) {
		w->accounts.zombies[zombie].reparented = true;
		for (i = 0; i < w->nr_held; i++)
			if (w->held[i].zombie == zombie)
				w->held[i].zombie = SIM_NOBODY;
	} else if (accounts_free_zombie(&w->accounts, zombie)) {
		did.zombies++;
	}
}

/* What a removed cgroup has broken is its parent's business. */
static void inherit(struct world *w, struct node *node, int who, int zombie)
{
	unsigned int i;

	hp_claim_inherit(w->accounts.zombies[zombie].real, &node->real);
	for (i = 0; i < SIM_WINDOWS; i++)
		if (node->debtors[i] == who)
			node->debtors[i] = w->accounts.accounts[who].parent;
}

/* A cgroup comes or goes. */
static void op_cgroup(struct world *w)
{
	int zombie, parent, who = rng_below(w->rng, SIM_ACCOUNTS);
	unsigned int i;

	if (!w->accounts.accounts[who].real) {
		accounts_create(&w->accounts, who,
				accounts_pick(&w->accounts, w->rng));
		return;
	}
	if (!who || !accounts_is_leaf(&w->accounts, who))
		return;
	parent = w->accounts.accounts[who].parent;
	zombie = accounts_remove(&w->accounts, who);
	if (zombie == SIM_NOBODY)
		return;
	for (i = 0; i < w->nr_held; i++) {
		if (w->held[i].who != who)
			continue;
		w->held[i].who = parent;
		if (w->held[i].zombie == SIM_NOBODY)
			w->held[i].zombie = zombie;
	}
	for (i = 0; i < WORLD_NODES; i++)
		inherit(w, &w->nodes[i], who, zombie);
	did.removed++;
	merge_all(w);
}

static void check_room(struct world *w, struct node *node, int who)
{
	const struct hp_account *real = w->accounts.accounts[who].real;
	unsigned int class, demote;

	for (class = 0; class < HP_NR_CLASSES; class++)
		for (demote = 0; demote < 2; demote++)
			sim_check(hp_model_room_right(w->accounts.claims[node->nid],
						      who, class, demote,
						      &node->real,
						      hp_claim_room(real, class, demote,
								    &node->real)));
}

static void check_world(struct world *w)
{
	unsigned int i;
	int who;

	for (i = 0; i < WORLD_NODES; i++) {
		model_check(&w->nodes[i].model, &w->nodes[i].real);
		for (who = 0; who < SIM_ACCOUNTS; who++)
			if (w->accounts.accounts[who].real)
				check_room(w, &w->nodes[i], who);
	}
	accounts_check(&w->accounts);
}

/* No more is promised than there is, and no block waits to be made whole. */
static void check_node(struct world *w, struct node *node)
{
	const struct hp_account_node *root = &root_of(w)->nodes[node->nid];
	unsigned int class;

	model_counters(&node->model, &node->real);
	for (class = 0; class < HP_NR_CLASSES; class++) {
		unsigned long all = hp_claim_all(root_of(w), class, node->nid);
		unsigned long total = hp_model_total(&node->real, class);
		unsigned long free = node->real.free[class], reserved;

		if (all <= total)
			node->lost[class] = false;
		sim_check(all <= total || node->lost[class]);
		reserved = all - root->count[class].used -
			   (total - node->real.total[class]);
		sim_check(hp_claim_reserved(root_of(w), class, &node->real) ==
			  (reserved < free ? reserved : free));
		if (class == HP_2M && model_has_idle(&node->model)) {
			sim_check(total < all + HP_UNITS_PER_BLOCK);
			did.kept_broken++;
		}
	}
}

static void check_op(struct world *w)
{
	unsigned int i, class = rng_below(w->rng, HP_NR_CLASSES);

	for (i = 0; i < WORLD_NODES; i++)
		check_node(w, &w->nodes[i]);
	accounts_check_claim(&w->accounts, 0, class,
			     w->nids[rng_below(w->rng, WORLD_NODES)]);
}

static void op_any(struct world *w)
{
	struct rng *rng = w->rng;

	if (rng_one_in(rng, 150))
		accounts_limit(&w->accounts, accounts_pick(&w->accounts, rng),
			       rng);
	else if (rng_one_in(rng, 100))
		op_cgroup(w);
	else if (rng_one_in(rng, 100))
		op_zombie(w);
	else if (rng_one_in(rng, 50))
		op_min(w);
	else if (rng_one_in(rng, 150))
		op_divide(w);
	else if (rng_one_in(rng, 40))
		op_bad_give(w);
	else if (rng_one_in(rng, 100))
		op_bad_split(w);
	else if (w->nr_held && rng_one_in(rng, 60))
		op_split(w);
	else if (rng_one_in(rng, w->fail_share))
		op_fail(w);
	else if (rng_one_in(rng, 4000))
		op_add(w);
	else if (rng_one_in(rng, 1000))
		w->demote = rng_one_in(rng, 2);
	else if (rng_one_in(rng, 6000))
		w->take_share = 20 + 20 * rng_below(rng, 4);
	else if (!w->nr_held || rng_below(rng, 100) < w->take_share)
		op_request(w);
	else
		op_give(w);
	check_op(w);
}

/* All comes back, and then it is all there. */
static void end_world(struct world *w)
{
	unsigned int i, class;
	unsigned long window;

	while (w->nr_held)
		op_give(w);
	check_world(w);
	for (i = 0; i < WORLD_NODES; i++) {
		struct node *node = &w->nodes[i];

		for (class = 0; class < HP_NR_CLASSES; class++)
			sim_check(node->real.free[class] ==
				  node->real.total[class]);
		for (window = 0; window < node->model.nr_windows; window++)
			free(node->windows[window]);
		free(node->windows);
	}
	accounts_free(&w->accounts);
}

static void report(void)
{
	printf("# %lu worlds, taken 2MB %lu 1GB %lu, none to be had %lu, fell back %lu, over a limit %lu\n",
	       did.worlds, did.taken[HP_2M], did.taken[HP_1G], did.empty,
	       did.fell_back, did.limit);
	printf("# bad gives %lu, added %lu, cgroups removed %lu, breaks %lu, merges %lu, formed 2MB %lu 1GB %lu\n",
	       did.bad_gives, did.added, did.removed, seen.breaks, seen.merges,
	       seen.formed_2m, seen.reformed_1g);
	printf("# split %lu, of these whole blocks %lu, refused %lu, pieces given back %lu, with failed units %lu\n",
	       seen.split, seen.split_whole, did.bad_splits, seen.pieces,
	       seen.pieces_retired);
	printf("# guarantees: set %lu, no space %lu, busy %lu, divided %lu, requests covered %lu, kept out %lu, kept broken %lu, blocks lost %lu\n",
	       did.min_set, did.min_nospc, did.min_busy, did.divided,
	       did.covered, did.kept_out, did.kept_broken, did.lost);
	printf("# requests of removed cgroups %lu, their accounts freed %lu, broken blocks whole again %lu, never %lu\n",
	       did.late, did.zombies, did.repaid, did.written_off);
	printf("# unit 0 taken %lu, marked %lu, retired %lu and in whole blocks %lu, failed again %lu\n",
	       seen.unit0_last, seen.marked, seen.retired, seen.whole_retired,
	       seen.again);
}

/* @covered: the run must have seen everything. */
void random_run(struct rng *rng, unsigned long ops, bool covered)
{
	struct world *w = sim_alloc(sizeof(*w));

	w->rng = rng;
	for (sim_op = 0; sim_op < ops; sim_op++) {
		if (sim_op % WORLD_OPS == 0) {
			if (did.worlds)
				end_world(w);
			make_world(w);
		}
		op_any(w);
		if (sim_op % 1000 == 0)
			check_world(w);
	}
	if (did.worlds)
		end_world(w);
	free(w);
	report();
	if (!covered)
		return;
	sim_check(did.taken[HP_1G] && did.empty && did.fell_back && did.limit);
	sim_check(did.bad_gives && did.removed);
	sim_check(seen.breaks && seen.merges && seen.formed_2m);
	sim_check(seen.reformed_1g && seen.unit0_last && seen.marked);
	sim_check(seen.retired && seen.whole_retired && seen.again);
	sim_check(seen.split_whole && seen.split > seen.split_whole);
	sim_check(did.bad_splits && seen.pieces && seen.pieces_retired);
	sim_check(did.min_set && did.min_nospc && did.min_busy && did.divided);
	sim_check(did.covered && did.kept_out && did.kept_broken && did.lost);
	sim_check(did.late && did.zombies && did.repaid && did.written_off);
}
