// SPDX-License-Identifier: GPL-2.0
/*
 * Guarantees under threads. Each thread is a program in a cgroup of its own; they
 * draw on two small pools, more than there is, split 1 GB blocks, give back, set and
 * drop guarantees, and remove and make cgroups. One mutex stands for hugepool_lock and, as in
 * pool.c, a request looks first, lets go of the lock, and is admitted and served
 * in a second critical section.
 *
 * A thread knows by itself what was guaranteed to its cgroup and what it holds of
 * that: as long as the one is more than the other no request may fail, whatever
 * the others do. And no block may be in two hands.
 */

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "guarantee.h"
#include "sim.h"
#include "tests/claim_model.h"

#define NODES		2
#define WINDOWS		3
#define PARENTS		2
#define WORKERS		6
/* At least so many steps of each, and most of it seen, on a slow machine, too. */
#define MIN_STEPS	10000
#define MAX_SECONDS	120
#define MAX_BLOCKS	(NODES * WINDOWS * HP_UNITS_PER_BLOCK)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Under the lock. The root is number 0 of the model, then come the parents. */
static struct hp_node nodes[NODES];
static struct hp_block *windows[NODES][WINDOWS];
static struct hp_block blocks[NODES][WINDOWS];
static struct hp_account *accounts[1 + PARENTS];
static struct hp_claim_model claims[NODES][HP_NR_CLASSES];
static bool demote;
/* Who broke a block, or -1. */
static int debtors[NODES][WINDOWS];
static struct {
	unsigned long served, covered, refused, races, set, full, removed;
	unsigned long breaks, splits, merges;
} did;

/* Set while a unit is in somebody's hands. */
static atomic_bool out[NODES][WINDOWS * HP_UNITS_PER_BLOCK];
static atomic_bool stop;
/* All give back what they have: else no 1 GB block would ever be whole again. */
static atomic_bool ebb;

struct piece {
	struct hp_account *account;
	unsigned long unit;
	enum hp_class class;
	int nid;
	int owner;	/* number in the model */
};

/* What one thread knows. */
struct worker {
	pthread_t thread;
	struct rng rng;
	int number;
	int parent;
	struct hp_account *account;
	struct hp_account *zombie;
	unsigned long min[NODES][HP_NR_CLASSES];
	unsigned long held[NODES][HP_NR_CLASSES];
	struct piece pieces[MAX_BLOCKS];
	unsigned int nr_pieces;
	bool filling;
	atomic_ulong steps;
};

static struct worker workers[WORKERS];

static struct hp_account *new_account(struct hp_account *parent)
{
	struct hp_account *account = sim_alloc(sizeof(*account) +
		NODES * sizeof(account->nodes[0]));

	hp_account_init(account, parent, NODES);
	return account;
}

static void create_claims(int who, int parent)
{
	int nid, class;

	for (nid = 0; nid < NODES; nid++)
		for (class = 0; class < HP_NR_CLASSES; class++)
			hp_model_create(&claims[nid][class], who, parent);
}

/* Before the lock is dropped. */
static void check_books(int nid)
{
	const struct hp_count *count = accounts[0]->nodes[nid].count;
	const struct hp_node *node = &nodes[nid];
	unsigned long keep = hp_claim_all(accounts[0], HP_2M, nid);
	unsigned int class, i;

	/* No block waits to be made whole. */
	for (i = 0; i < WINDOWS; i++)
		sim_check(!blocks[nid][i].gigantic ||
			  blocks[nid][i].nr_free < HP_UNITS_PER_BLOCK ||
			  node->total[HP_2M] < keep + HP_UNITS_PER_BLOCK);
	for (class = 0; class < HP_NR_CLASSES; class++) {
		sim_check(hp_claim_all(accounts[0], class, nid) <=
			  hp_model_total(node, class));
		sim_check(count[class].used + node->free[class] ==
			  node->total[class]);
		sim_check(hp_claim_reserved(accounts[0], class, node) <=
			  node->free[class]);
	}
}

static bool merge_one(int nid)
{
	unsigned long unit;
	int *debtor;

	if (!hp_claim_merge(accounts[0], &nodes[nid], &unit))
		return false;
	debtor = &debtors[nid][unit / HP_UNITS_PER_BLOCK];
	if (*debtor >= 0)
		claims[nid][HP_1G].owed[*debtor]--;
	*debtor = -1;
	did.merges++;
	return true;
}

/* Between critical sections: others may come in. */
static void pause_sometimes(struct rng *rng)
{
	if (rng_one_in(rng, 4))
		sched_yield();
}

static void hand_out(const struct piece *piece, bool is_out)
{
	unsigned int i;

	for (i = 0; i < hp_class_units(piece->class); i++)
		sim_check(atomic_exchange(&out[piece->nid][piece->unit + i],
					  is_out) != is_out);
}

/* The second critical section of a request: false when others were faster. */
static bool take(struct worker *w, enum hp_class class, int nid,
		 struct hp_slot *slot)
{
	struct hp_claim_model *models = claims[nid];
	struct hp_node *node = &nodes[nid];
	enum hp_admission how = hp_admit(w->account, class, demote, node);

	sim_check(how == hp_model_admission(models, w->number, class, demote,
					    node));
	if (hp_model_covers(&models[class], w->number, 1)) {
		/* By a guarantee of the parent, perhaps, that others share. */
		sim_check(how == HP_ADMIT_FREE);
		did.covered++;
	}
	if (how == HP_ADMIT_NONE)
		return false;
	sim_check(hp_node_take(node, class, how == HP_ADMIT_BREAK, HP_SHMEM,
			       slot));
	hp_account_charge(w->account, HP_SHMEM, class, nid);
	models[class].own[w->number]++;
	check_books(nid);
	did.served++;
	did.breaks += how == HP_ADMIT_BREAK;
	return true;
}

/* As hugepool_alloc(). */
static bool request(struct worker *w, enum hp_class class, int nid)
{
	bool covered = w->held[nid][class] < w->min[nid][class];
	enum hp_admission how;
	struct hp_slot slot;
	bool taken;

	pthread_mutex_lock(&lock);
	how = hp_admit(w->account, class, demote, &nodes[nid]);
	did.refused += how == HP_ADMIT_NONE;
	pthread_mutex_unlock(&lock);
	sim_check(how != HP_ADMIT_NONE || !covered);
	if (how == HP_ADMIT_NONE)
		return false;

	pause_sometimes(&w->rng);
	pthread_mutex_lock(&lock);
	taken = take(w, class, nid, &slot);
	did.races += !taken;
	pthread_mutex_unlock(&lock);
	sim_check(taken || !covered);
	if (!taken)
		return false;

	sim_check(w->nr_pieces < MAX_BLOCKS);
	w->pieces[w->nr_pieces] = (struct piece) {
		w->account, slot.unit, class, nid, w->number,
	};
	hand_out(&w->pieces[w->nr_pieces++], true);
	w->held[nid][class]++;
	return true;
}

/* As hugepool_free_folio(). */
static void give(struct worker *w, unsigned int i)
{
	struct piece piece = w->pieces[i];
	u8 kind;

	w->pieces[i] = w->pieces[--w->nr_pieces];
	if (piece.owner == w->number)
		w->held[piece.nid][piece.class]--;
	hand_out(&piece, false);
	pthread_mutex_lock(&lock);
	sim_check(hp_node_give(&nodes[piece.nid], piece.unit,
			       hp_class_units(piece.class), &kind) ==
		  HP_GIVE_FREED);
	hp_account_uncharge(piece.account, HP_SHMEM, piece.class, piece.nid, 1);
	claims[piece.nid][piece.class].own[piece.owner]--;
	merge_one(piece.nid);
	check_books(piece.nid);
	pthread_mutex_unlock(&lock);
}

/* As hugepool_split_folio(). */
static void split(struct worker *w, unsigned int i)
{
	struct piece *piece = &w->pieces[i];
	unsigned int nid = piece->nid, window = piece->unit / HP_UNITS_PER_BLOCK;
	u8 kind;

	pthread_mutex_lock(&lock);
	sim_check(hp_node_split(&nodes[nid], piece->unit, HP_UNITS_PER_BLOCK, 1,
				&kind));
	hp_account_break(piece->account, HP_SHMEM, nid);
	hp_claim_break(piece->account, &nodes[nid], &blocks[nid][window]);
	debtors[nid][window] = piece->owner;
	claims[nid][HP_1G].own[piece->owner]--;
	claims[nid][HP_1G].owed[piece->owner]++;
	claims[nid][HP_2M].own[piece->owner] += HP_UNITS_PER_BLOCK;
	while (merge_one(nid))
		;
	did.splits++;
	check_books(nid);
	pthread_mutex_unlock(&lock);

	/* That it is whole again it is not told: it counts the block as held. */
	if (piece->owner == w->number)
		w->held[nid][HP_2M] += HP_UNITS_PER_BLOCK;
	piece->class = HP_2M;
	for (i = 1; i < HP_UNITS_PER_BLOCK; i++) {
		sim_check(w->nr_pieces < MAX_BLOCKS);
		w->pieces[w->nr_pieces] = *piece;
		w->pieces[w->nr_pieces++].unit += i;
	}
}

/* As hp_promise(): whether @min is guaranteed now. */
static bool promise(struct hp_account *account, int who, enum hp_class class,
		    int nid, unsigned long min)
{
	struct hp_claim_model *model = &claims[nid][class];
	struct hp_node *node = &nodes[nid];
	int err;

	pthread_mutex_lock(&lock);
	err = hp_min_check(account, class, nid, min,
			   hp_min_room(account, class, node));
	sim_check(err == hp_model_min(model, who, min,
				      hp_model_total(node, class)));
	if (!err) {
		hp_min_set(account, class, nid, min);
		model->min[who] = min;
		while (merge_one(nid))
			;
		did.set++;
	} else {
		did.full++;
	}
	check_books(nid);
	pthread_mutex_unlock(&lock);
	return !err;
}

/* Ask for a guarantee, or lower it, which nobody may refuse. */
static void change_min(struct worker *w)
{
	enum hp_class class = rng_one_in(&w->rng, 20) ? HP_1G : HP_2M;
	int nid = rng_below(&w->rng, NODES);
	unsigned long *min = &w->min[nid][class], wanted;
	bool granted;

	wanted = rng_below(&w->rng, class == HP_1G ? 2 : 30);
	if (rng_one_in(&w->rng, 10))
		wanted *= 10;
	granted = promise(w->account, w->number, class, nid, wanted);
	sim_check(granted || wanted > *min);
	if (granted)
		*min = wanted;
}

static void make_cgroup(struct worker *w)
{
	w->parent = rng_below(&w->rng, 1 + PARENTS);
	w->account = new_account(accounts[w->parent]);
	memset(w->min, 0, sizeof(w->min));
	memset(w->held, 0, sizeof(w->held));
	pthread_mutex_lock(&lock);
	create_claims(w->number, w->parent);
	pthread_mutex_unlock(&lock);
}

/* What the account of a removed cgroup was charged for refers to its parent's. */
static void reparent(struct worker *w)
{
	unsigned int i;

	for (i = 0; i < w->nr_pieces; i++)
		if (w->pieces[i].account == w->zombie)
			w->pieces[i].account = accounts[w->pieces[i].owner];
	free(w->zombie);
	w->zombie = NULL;
}

/* As hugepool_memcg_offline(); what is held goes on being held. */
static void remove_cgroup(struct worker *w)
{
	int nid, class;
	unsigned int i;

	reparent(w);
	pthread_mutex_lock(&lock);
	hp_account_exit(w->account, NODES);
	for (nid = 0; nid < NODES; nid++) {
		hp_claim_inherit(w->account, &nodes[nid]);
		for (i = 0; i < WINDOWS; i++)
			if (debtors[nid][i] == w->number)
				debtors[nid][i] = w->parent;
		for (class = 0; class < HP_NR_CLASSES; class++)
			hp_model_remove(&claims[nid][class], w->number);
		while (merge_one(nid))
			;
		check_books(nid);
	}
	did.removed++;
	pthread_mutex_unlock(&lock);
	for (i = 0; i < w->nr_pieces; i++)
		if (w->pieces[i].owner == w->number)
			w->pieces[i].owner = w->parent;
	w->zombie = w->account;
}

/* Fill up until there is no more, then give some back, and again. */
static void step(struct worker *w)
{
	enum hp_class class = rng_one_in(&w->rng, 20) ? HP_1G : HP_2M;
	int nid = rng_below(&w->rng, NODES);

	if (rng_one_in(&w->rng, 30)) {
		change_min(w);
	} else if (rng_one_in(&w->rng, 500)) {
		remove_cgroup(w);
		pause_sometimes(&w->rng);
		make_cgroup(w);
	} else if (w->zombie && rng_one_in(&w->rng, 200)) {
		reparent(w);
	} else if (!w->nr_pieces || (w->filling && !ebb)) {
		if (!request(w, class, nid) && rng_one_in(&w->rng, 20))
			w->filling = false;
	} else {
		unsigned int i = rng_below(&w->rng, w->nr_pieces);

		if (w->pieces[i].class == HP_1G && rng_one_in(&w->rng, 8))
			split(w, i);
		else
			give(w, i);
		if (rng_one_in(&w->rng, 100))
			w->filling = true;
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;

	make_cgroup(w);
	while (!stop) {
		step(w);
		w->steps++;
	}
	while (w->nr_pieces)
		give(w, 0);
	remove_cgroup(w);
	reparent(w);
	return NULL;
}

/* What the administrator does: shares of the parents, and demote. */
static void govern(struct rng *rng)
{
	enum hp_class class = rng_one_in(rng, 8) ? HP_1G : HP_2M;
	int who = 1 + rng_below(rng, PARENTS), nid = rng_below(rng, NODES);

	if (rng_one_in(rng, 10))
		ebb = !ebb;
	promise(accounts[who], who, class, nid,
		rng_below(rng, class == HP_1G ? 2 : 150));
	if (!rng_one_in(rng, 10))
		return;
	pthread_mutex_lock(&lock);
	demote = !rng_one_in(rng, 5);
	pthread_mutex_unlock(&lock);
}

static void add(int nid, unsigned int window, unsigned int nr, bool gigantic)
{
	sim_check(!hp_node_add(&nodes[nid], &blocks[nid][window],
			       window * HP_UNITS_PER_BLOCK, nr, gigantic));
}

static void begin(void)
{
	unsigned int i;

	for (i = 0; i < NODES; i++)
		hp_node_init(&nodes[i], i, windows[i], 0, WINDOWS);
	memset(debtors, 0xff, sizeof(debtors));
	add(0, 0, HP_UNITS_PER_BLOCK, true);
	add(0, 1, HP_UNITS_PER_BLOCK, true);
	add(0, 2, 60, false);
	add(1, 0, HP_UNITS_PER_BLOCK, true);
	add(1, 1, 90, false);
	for (i = 0; i <= PARENTS; i++) {
		accounts[i] = new_account(i ? accounts[0] : NULL);
		create_claims(i, 0);
	}
}

/* All has come back: nothing is claimed, and every block is whole. */
static void end(void)
{
	static const unsigned long units[NODES] = { 60, 90 };
	static const unsigned long whole[NODES] = { 2, 1 };
	int nid, class;

	for (nid = 0; nid < NODES; nid++) {
		for (class = 0; class < HP_NR_CLASSES; class++) {
			promise(accounts[1], 1, class, nid, 0);
			promise(accounts[2], 2, class, nid, 0);
			sim_check(!hp_claim_all(accounts[0], class, nid));
		}
		sim_check(nodes[nid].total[HP_2M] == units[nid]);
		sim_check(nodes[nid].free[HP_2M] == units[nid]);
		sim_check(nodes[nid].total[HP_1G] == whole[nid]);
		sim_check(nodes[nid].free[HP_1G] == whole[nid]);
		sim_check(hp_node_check(&nodes[nid]));
	}
	for (nid = 0; nid <= PARENTS; nid++)
		free(accounts[nid]);
}

static bool seen_enough(void)
{
	bool all;

	pthread_mutex_lock(&lock);
	all = did.covered && did.served > did.covered && did.refused &&
	      did.set && did.full && did.removed && did.splits && did.merges;
	pthread_mutex_unlock(&lock);
	return all;
}

static bool is_enough(void)
{
	unsigned int i;

	for (i = 0; i < WORKERS; i++)
		if (workers[i].steps < MIN_STEPS)
			return false;
	return seen_enough();
}

void threads_run(unsigned long long seed, unsigned long seconds)
{
	struct rng rng = { seed };
	time_t until;
	unsigned int i;

	begin();
	for (i = 0; i < WORKERS; i++) {
		workers[i].number = 1 + PARENTS + i;
		workers[i].rng.state = rng_next(&rng);
		sim_check(!pthread_create(&workers[i].thread, NULL, work,
					  &workers[i]));
	}
	until = time(NULL) + seconds;
	while (time(NULL) < until ||
	       (time(NULL) < until + MAX_SECONDS && !is_enough())) {
		struct timespec moment = { 0, 100000 };

		govern(&rng);
		nanosleep(&moment, NULL);
	}
	stop = true;
	for (i = 0; i < WORKERS; i++)
		sim_check(!pthread_join(workers[i].thread, NULL));
	end();

	printf("# %u threads: served %lu, of these covered %lu, refused %lu, races lost %lu, guarantees set %lu, refused %lu, cgroups removed %lu, breaks %lu, splits %lu, merges %lu\n",
	       WORKERS, did.served, did.covered, did.refused, did.races,
	       did.set, did.full, did.removed, did.breaks, did.splits, did.merges);
	sim_check(seen_enough());
}
