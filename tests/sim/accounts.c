// SPDX-License-Identifier: GPL-2.0
/* The naive model of a tree of accounts. See accounts.h. */

#include <string.h>

#include "accounts.h"

/* Is @who @above itself or somewhere below it? */
static bool is_below(const struct model_accounts *all, int who, int above)
{
	for (; who != SIM_NOBODY; who = all->accounts[who].parent)
		if (who == above)
			return true;
	return false;
}

static unsigned long used(const struct model_accounts *all, int who,
			  enum hp_class class, int nid)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < SIM_ACCOUNTS; i++)
		if (all->accounts[i].real && is_below(all, i, who))
			sum += all->claims[nid][class].own[i];
	return sum;
}

static unsigned long used_all(const struct model_accounts *all, int who,
			      enum hp_class class)
{
	unsigned long sum = 0;
	int i, nid;

	for (i = 0; i < SIM_ACCOUNTS; i++) {
		if (!all->accounts[i].real || !is_below(all, i, who))
			continue;
		for (nid = 0; nid < SIM_NIDS; nid++)
			sum += all->claims[nid][class].own[i];
	}
	return sum;
}

/* What counts against a limit: 1 GB blocks that were broken and are not whole, too. */
static unsigned long counted(const struct model_accounts *all, int who,
			     enum hp_class class, int nid)
{
	unsigned long sum = used(all, who, class, nid);
	int i;

	for (i = 0; i < SIM_ACCOUNTS; i++)
		if (all->accounts[i].real && is_below(all, i, who))
			sum += all->claims[nid][class].owed[i];
	return sum;
}

static unsigned long counted_all(const struct model_accounts *all, int who,
				 enum hp_class class)
{
	unsigned long sum = 0;
	int nid;

	for (nid = 0; nid < SIM_NIDS; nid++)
		sum += counted(all, who, class, nid);
	return sum;
}

void accounts_create(struct model_accounts *all, int who, int parent)
{
	struct model_account *account = &all->accounts[who];
	size_t size = sizeof(*account->real) +
		      SIM_NIDS * sizeof(account->real->nodes[0]);
	int nid, class;

	memset(account, 0, sizeof(*account));
	/* ULONG_MAX: no limit. */
	memset(account->max, 0xff, sizeof(account->max));
	memset(account->max_all, 0xff, sizeof(account->max_all));
	account->parent = parent;
	account->real = sim_alloc(size);
	/* What a recycled account left behind must not matter. */
	memset(account->real, 0x5a, size);
	hp_account_init(account->real, parent == SIM_NOBODY ? NULL :
			all->accounts[parent].real, SIM_NIDS);
	for (nid = 0; nid < SIM_NIDS; nid++)
		for (class = 0; class < HP_NR_CLASSES; class++)
			hp_model_create(&all->claims[nid][class], who, parent);
}

/*
 * The cgroup goes offline: what it holds becomes its parent's, and its account is
 * kept until nobody can come to it any more. Returns the number of the zombie, or
 * SIM_NOBODY when there are so many that this has to wait.
 */
int accounts_remove(struct model_accounts *all, int who)
{
	struct model_account *account = &all->accounts[who];
	struct model_zombie *zombie;
	int i, nid, class;

	for (i = 0; i < SIM_ZOMBIES && all->zombies[i].real; i++)
		;
	if (i == SIM_ZOMBIES)
		return SIM_NOBODY;
	hp_account_exit(account->real, SIM_NIDS);
	for (nid = 0; nid < SIM_NIDS; nid++)
		for (class = 0; class < HP_NR_CLASSES; class++)
			hp_model_remove(&all->claims[nid][class], who);
	zombie = &all->zombies[i];
	*zombie = (struct model_zombie){ account->real, account->parent, false };
	account->real = NULL;
	/* So that late requests need only ask the limits of the heir. */
	for (class = 0; class < HP_NR_CLASSES; class++) {
		zombie->real->all[class].max = HP_NO_LIMIT;
		for (nid = 0; nid < SIM_NIDS; nid++)
			zombie->real->nodes[nid].count[class].max = HP_NO_LIMIT;
	}
	for (zombie = all->zombies; zombie < all->zombies + SIM_ZOMBIES; zombie++)
		if (zombie->real && zombie->heir == who)
			zombie->heir = account->parent;
	return i;
}

/* Nobody knows the account any more, nor one below it. */
bool accounts_free_zombie(struct model_accounts *all, int zombie)
{
	struct hp_account *real = all->zombies[zombie].real;
	int i;

	for (i = 0; i < SIM_ZOMBIES; i++)
		if (all->zombies[i].real && all->zombies[i].real->parent == real)
			return false;
	free(real);
	all->zombies[zombie].real = NULL;
	return true;
}

/* The account to charge or uncharge: the one that was there at the time, or not. */
struct hp_account *accounts_real(const struct model_accounts *all, int who,
				 int zombie)
{
	if (zombie != SIM_NOBODY && all->zombies[zombie].real &&
	    !all->zombies[zombie].reparented)
		return all->zombies[zombie].real;
	return all->accounts[who].real;
}

int accounts_pick(const struct model_accounts *all, struct rng *rng)
{
	int who;

	do {
		who = rng_below(rng, SIM_ACCOUNTS);
	} while (!all->accounts[who].real);
	return who;
}

bool accounts_is_leaf(const struct model_accounts *all, int who)
{
	int i;

	for (i = 0; i < SIM_ACCOUNTS; i++)
		if (all->accounts[i].real && all->accounts[i].parent == who)
			return false;
	return true;
}

/* Set one limit: none, below what is used, or somewhat above it. */
void accounts_limit(struct model_accounts *all, int who, struct rng *rng)
{
	struct model_account *account = &all->accounts[who];
	enum hp_class class = rng_below(rng, HP_NR_CLASSES);
	int nid = (int)rng_below(rng, SIM_NIDS + 1) - 1;
	unsigned long max = HP_NO_LIMIT, now;

	now = nid < 0 ? used_all(all, who, class) : used(all, who, class, nid);
	/* Low limits at the root keep the pools of all from filling up. */
	if (rng_one_in(rng, who ? 2 : 10))
		max = rng_below(rng, 2 * now + (class == HP_2M ? 500 : 3));
	if (nid < 0) {
		account->max_all[class] = max;
		account->real->all[class].max = max;
	} else {
		account->max[nid][class] = max;
		account->real->nodes[nid].count[class].max = max;
	}
}

int accounts_over(const struct model_accounts *all, int who,
		  enum hp_class class, int nid)
{
	for (; who != SIM_NOBODY; who = all->accounts[who].parent) {
		const struct model_account *account = &all->accounts[who];

		if (account->max_all[class] != HP_NO_LIMIT &&
		    counted_all(all, who, class) + 1 > account->max_all[class])
			return who;
		if (account->max[nid][class] != HP_NO_LIMIT &&
		    counted(all, who, class, nid) + 1 > account->max[nid][class])
			return who;
	}
	return SIM_NOBODY;
}

static void raise_peaks(struct model_accounts *all, int who,
			enum hp_class class, int nid)
{
	for (; who != SIM_NOBODY; who = all->accounts[who].parent) {
		struct model_account *account = &all->accounts[who];
		unsigned long now = used(all, who, class, nid);

		if (now > account->peak[nid][class])
			account->peak[nid][class] = now;
		now = used_all(all, who, class);
		if (now > account->peak_all[class])
			account->peak_all[class] = now;
	}
}

void accounts_charge(struct model_accounts *all, int who, enum hp_class class,
		     int nid)
{
	all->claims[nid][class].own[who]++;
	raise_peaks(all, who, class, nid);
}

/*
 * A 1 GB block is 512 units now, of the same account. Until it is whole again, if
 * it can be, it is claimed and limited as one of 1 GB, too.
 */
void accounts_break(struct model_accounts *all, int who, int nid, bool bad)
{
	sim_check(all->claims[nid][HP_1G].own[who]);
	all->claims[nid][HP_1G].own[who]--;
	all->claims[nid][HP_1G].owed[who] += !bad;
	all->claims[nid][HP_2M].own[who] += 512;
	raise_peaks(all, who, HP_2M, nid);
}

void accounts_uncharge(struct model_accounts *all, int who, enum hp_class class,
		       int nid, unsigned int nr)
{
	sim_check(all->claims[nid][class].own[who] >= nr);
	all->claims[nid][class].own[who] -= nr;
}

/* What an account was guaranteed and keeps from others. */
void accounts_check_claim(const struct model_accounts *all, int who,
			  enum hp_class class, int nid)
{
	const struct hp_claim *claim =
		&all->accounts[who].real->nodes[nid].claim[class];
	const struct hp_claim_model *model = &all->claims[nid][class];

	sim_check(claim->min == model->min[who]);
	sim_check(claim->children_min == hp_model_children_min(model, who));
	sim_check(claim->own == model->own[who] + model->owed[who]);
	sim_check(claim->children == hp_model_children(model, who));
	sim_check(claim->all == hp_model_claim(model, who));
}

static void check_one(const struct model_accounts *all, int who)
{
	const struct model_account *account = &all->accounts[who];
	int nid, class;

	for (class = 0; class < HP_NR_CLASSES; class++) {
		const struct hp_count *count = &account->real->all[class];

		sim_check(count->used == used_all(all, who, class));
		sim_check(count->peak == account->peak_all[class]);
		sim_check(count->max == account->max_all[class]);
		for (nid = 0; nid < SIM_NIDS; nid++) {
			const struct hp_account_node *node =
				&account->real->nodes[nid];

			count = &node->count[class];
			sim_check(count->used == used(all, who, class, nid));
			sim_check(count->peak == account->peak[nid][class]);
			sim_check(count->max == account->max[nid][class]);
			sim_check(node->held[HP_SHMEM][class] == count->used);
			accounts_check_claim(all, who, class, nid);
		}
	}
}

/* Every number of every account. */
void accounts_check(const struct model_accounts *all)
{
	int who;

	for (who = 0; who < SIM_ACCOUNTS; who++)
		if (all->accounts[who].real)
			check_one(all, who);
}

void accounts_free(struct model_accounts *all)
{
	int who;

	for (who = 0; who < SIM_ACCOUNTS; who++)
		free(all->accounts[who].real);
	for (who = 0; who < SIM_ZOMBIES; who++)
		free(all->zombies[who].real);
}
