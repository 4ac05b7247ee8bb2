// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2,gb timeout=300
 *
 * No request that a guarantee covers ever fails, and no guarantee is given that
 * cannot be kept, whoever else asks at the same moment. Almost nothing is left in
 * the pool. Cgroups take what they were guaranteed and give it back; others,
 * without a guarantee, and the root's own tasks, take whatever they get; guarantees
 * are raised and lowered, and cgroups with guarantees are made, use them up and
 * are removed, with blocks left behind or not. Where there are 1 GB blocks they are
 * guaranteed, used and broken meanwhile.
 *
 * For HUGEPOOL_SECONDS: 4, and two minutes in the long run. HUGEPOOL_SEED repeats
 * the choices, though not their order.
 */
#include <stdarg.h>

#include "hp_test.h"
#include "cg.h"

#define GB		(1UL << 30)
#define PUNCH		(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define LEFT		12	/* units free on each node at the start */
#define SLOTS		32	/* units of a worker's file */
#define WORKERS		16

/* --- what all processes share --- */

struct shared {
	volatile int stop;
	unsigned long covered, refused, promised, turned_down, removed, blocks;
};

static struct shared *shared;

#define COUNT(what)	__sync_fetch_and_add(&shared->what, 1)

static int __attribute__((format(printf, 1, 2))) complain(const char *fmt, ...)
{
	va_list ap;

	shared->stop = 1;
	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	return 1;
}

/* --- workers: each a process with a file of its own --- */

struct worker {
	struct hp_env *env;
	const char *name;
	int (*run)(struct worker *w);
	struct cg cg;		/* where it runs; no path: in the root */
	struct cg about;	/* whose guarantee it changes, or below which it is */
	int node, units;
	uint64_t rng;
	pid_t pid;
	int fd;
	unsigned char *map;
	uint64_t held;		/* slots of the file */
};

static uint64_t draw(struct worker *w, uint64_t below)
{
	return rng_below(&w->rng, below);
}

/* One block into a slot, by one of three ways; 0 or an errno. */
static int take(struct worker *w, int slot)
{
	int err = 0;

	switch (draw(w, 3)) {
	case 0:
		if (fallocate(w->fd, 0, slot * UNIT, UNIT))
			err = errno;
		break;
	case 1:
		if (pwrite(w->fd, "x", 1, slot * UNIT + 77) != 1)
			err = errno;
		break;
	default:
		/* For a fault that would be SIGBUS. */
		if (madvise(w->map + slot * UNIT, UNIT, MADV_POPULATE_WRITE))
			err = errno == EFAULT ? ENOSPC : errno;
	}
	if (!err)
		w->held |= 1ULL << slot;
	return err;
}

static int give(struct worker *w, int slot)
{
	w->held &= ~(1ULL << slot);
	return fallocate(w->fd, PUNCH, slot * UNIT, UNIT) ? errno : 0;
}

/* Never more than its guarantee: must get it, every time. */
static int covered(struct worker *w)
{
	if (bind_to(w->node))
		return complain("%s: no policy", w->name);
	while (!shared->stop) {
		int slot = draw(w, w->units), err;

		err = w->held >> slot & 1 ? give(w, slot) : take(w, slot);
		if (err)
			return complain("%s: has %#llx, slot %d: %s", w->name,
					(unsigned long long)w->held, slot,
					strerror(err));
		COUNT(covered);
	}
	return 0;
}

/* As much as it gets, where it gets it. */
static int greedy(struct worker *w)
{
	while (!shared->stop) {
		int slot = draw(w, SLOTS), err;

		if (!draw(w, 4) && bind_to((int)draw(w, 3) - 1))
			return complain("%s: no policy", w->name);
		if (!w->cg.path[0] && !draw(w, 16))
			wr_file(HP_SYSFS "/demote", draw(w, 2) ? "1" : "0");
		err = w->held >> slot & 1 ? give(w, slot) : take(w, slot);
		if (err && err != ENOSPC)
			return complain("%s: %s", w->name, strerror(err));
		if (err)
			COUNT(refused);
		/* What was refused has left nothing behind. */
		if (file_blocks(w->fd) !=
		    __builtin_popcountll(w->held) * (long long)UNIT)
			return complain("%s: has %#llx and %lld bytes", w->name,
					(unsigned long long)w->held,
					file_blocks(w->fd));
	}
	return 0;
}

/* A random guarantee, or none; -1 when the answer was a wrong one. */
static int promise(struct worker *w, const struct cg *cg)
{
	static const char * const keys[] = { "2MB", "2MB/node0", "2MB/node1" };
	int ret = cg_promise(cg, keys[draw(w, 3)], draw(w, 7) * UNIT);

	if (!ret) {
		COUNT(promised);
		return 1;
	}
	COUNT(turned_down);
	return ret == -ENOSPC ? 0 : -1;
}

/* What @cg was just guaranteed, by a member of it that holds nothing else. */
static int use_up(struct worker *w, const struct cg *cg)
{
	long long min;
	off_t at = 0;
	char key[16];

	for (int node = 0; node < 2; node++) {
		snprintf(key, sizeof(key), "2MB/node%d", node);
		min = cg_hp(cg, "min", key);
		if (min < 0 || bind_to(node))
			return complain("%s: %lld of %s", w->name, min, key);
		if (min && fallocate(w->fd, 0, at, min))
			return complain("%s: %lld guaranteed on node %d: %s",
					w->name, min, node, strerror(errno));
		at += min;
	}
	return 0;
}

/* Changes its own guarantee, and relies on each that it is given. */
static int promised(struct worker *w)
{
	while (!shared->stop) {
		int first = draw(w, 2);

		if (promise(w, &w->cg) < 0)
			return complain("%s: wrong answer", w->name);
		if (use_up(w, &w->cg))
			return 1;
		if ((first && cg_promise(&w->cg, "2MB", 0)) ||
		    ftruncate(w->fd, 0) ||
		    (!first && draw(w, 2) && cg_promise(&w->cg, "2MB", 0)))
			return complain("%s: cannot give back", w->name);
	}
	return cg_promise(&w->cg, "2MB", 0);
}

/* Makes a cgroup, has something promised to it, uses that, and removes it. */
static int churn(struct worker *w)
{
	const struct cg *parent = w->about.path[0] ? &w->about : NULL;
	struct cg made;
	char name[48];

	snprintf(name, sizeof(name), "churn.%d", getpid());
	while (!shared->stop) {
		if (cg_make(&made, parent, name))
			return complain("%s: cannot make a cgroup", w->name);
		/* What was left behind in the one before. */
		if (draw(w, 2) && ftruncate(w->fd, 0))
			return complain("%s: ftruncate", w->name);
		if (promise(w, &made) < 0)
			return complain("%s: wrong answer", w->name);
		if (ftruncate(w->fd, 0) || cg_join(&made) || use_up(w, &made) ||
		    cg_join_root())
			return complain("%s: not in the cgroup", w->name);
		if (draw(w, 2) && ftruncate(w->fd, 0))
			return complain("%s: ftruncate", w->name);
		if (cg_remove(&made))
			return complain("%s: cannot remove it", w->name);
		COUNT(removed);
	}
	return 0;
}

/* Raises somebody's guarantee, and lowers it to what it was. */
static int raise_and_lower(struct worker *w)
{
	char key[16];
	int ret;

	snprintf(key, sizeof(key), "2MB/node%d", w->node);
	while (!shared->stop) {
		ret = cg_promise(&w->about, key, (w->units + draw(w, 4)) * UNIT);
		if (ret && ret != -ENOSPC && ret != -EBUSY)
			return complain("%s: raised: %s", w->name,
					strerror(-ret));
		ret = cg_promise(&w->about, key, w->units * UNIT);
		/* Children may have been promised some of it meanwhile. */
		if (ret && ret != -EBUSY)
			return complain("%s: lowered: %s", w->name,
					strerror(-ret));
		usleep(draw(w, 2000));
	}
	return 0;
}

/* The same with 1 GB blocks. */
static int covered_block(struct worker *w)
{
	if (bind_to(w->node))
		return complain("%s: no policy", w->name);
	while (!shared->stop) {
		if (fallocate(w->fd, 0, 0, GB))
			return complain("%s: %s", w->name, strerror(errno));
		if (ftruncate(w->fd, 0))
			return complain("%s: ftruncate", w->name);
		COUNT(blocks);
		usleep(draw(w, 200000));
	}
	return 0;
}

static int promised_block(struct worker *w)
{
	int ret;

	if (bind_to(w->node))
		return complain("%s: no policy", w->name);
	while (!shared->stop) {
		ret = cg_promise(&w->cg, "1GB/node1", GB);
		if (ret == -ENOSPC) {
			COUNT(turned_down);
			usleep(draw(w, 20000));
			continue;
		}
		if (ret || fallocate(w->fd, 0, 0, GB))
			return complain("%s: %s", w->name,
					strerror(ret ? -ret : errno));
		COUNT(blocks);
		if (ftruncate(w->fd, 0) || cg_promise(&w->cg, "1GB", 0))
			return complain("%s: cannot give back", w->name);
		usleep(draw(w, 200000));
	}
	return cg_promise(&w->cg, "1GB", 0);
}

/* --- the run --- */

/* The cgroups, of which q and l are beside env.top, and who works in them. */
struct race {
	struct hp_env env;
	struct cg a, b, c, p, u, v, k, q, l;
	unsigned long gb;	/* size of a 1 GB block, 0 where there is none */
	struct worker w[WORKERS];
	int nr;
};

FIXTURE(race) {
	struct hp_env env;
	struct race *r;
};

FIXTURE_SETUP(race)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	self->r = calloc(1, sizeof(*self->r));
	ASSERT_NE(NULL, self->r);
	HP_SETUP("pool=2M,size=4G");
	self->r->env = self->env;
}

FIXTURE_TEARDOWN_PARENT(race)
{
	char dir[96];

	EXPECT_OK(wr_file(HP_SYSFS "/demote", "0"));
	snprintf(dir, sizeof(dir), "%s/1G", self->env.dir);
	umount2(dir, 0);
	EXPECT_ENDED(&self->env);
}

/* A cgroup in @parent, with its guarantee. */
static int make(struct cg *cg, const struct cg *parent, const char *name,
		const char *key, unsigned long bytes)
{
	int ret = cg_make(cg, parent, name);

	return ret ?: bytes ? cg_promise(cg, key, bytes) : 0;
}

static int make_cgroups(struct race *r)
{
	const struct cg *top = &r->env.top;
	char q[32], l[32];

	snprintf(q, sizeof(q), "hp-race-q.%d", getpid());
	snprintf(l, sizeof(l), "hp-race-l.%d", getpid());
	/* Out of the parent's: 8 units on node 0, 3 on node 1. */
	return cg_promise(top, "2MB/node0", 8 * UNIT) ?:
	       cg_promise(top, "2MB/node1", 3 * UNIT) ?:
	       cg_promise(top, "1GB/node0", r->gb) ?:
	       make(&r->a, top, "a", "2MB/node0", 3 * UNIT) ?:
	       make(&r->c, top, "c", "2MB/node1", 3 * UNIT) ?:
	       make(&r->p, top, "p", "2MB/node0", 5 * UNIT) ?:
	       make(&r->b, &r->p, "b", "2MB/node0", 2 * UNIT) ?:
	       make(&r->u, top, "u", NULL, 0) ?:
	       make(&r->v, &r->p, "v", NULL, 0) ?:
	       make(&r->k, top, "k", "1GB/node0", r->gb) ?:
	       /* And from what nobody has. */
	       make(&r->q, NULL, q, NULL, 0) ?: make(&r->l, NULL, l, NULL, 0);
}

#define ADD(...)	(r->w[r->nr++] = (struct worker){ &r->env, __VA_ARGS__ })

static void add_workers(struct race *r)
{
	ADD("covered-a", covered, r->a, .node = 0, .units = 2);
	ADD("covered-a2", covered, r->a, .node = 0, .units = 1);
	ADD("covered-b", covered, r->b, .node = 0, .units = 2);
	ADD("covered-c", covered, r->c, .node = 1, .units = 3);
	ADD("greedy-u", greedy, r->u);
	ADD("greedy-v", greedy, r->v);
	ADD("greedy-root", greedy);
	ADD("promised", promised, r->q);
	ADD("churn", churn);
	ADD("churn-p", churn, .about = r->p);
	ADD("raise-a", raise_and_lower, .about = r->a, .node = 0, .units = 3);
	ADD("raise-p", raise_and_lower, .about = r->p, .node = 0, .units = 5);
	ADD("raise-top", raise_and_lower, .about = r->env.top, .node = 0,
	    .units = 8);
	if (!r->gb)
		return;
	ADD("covered-k", covered_block, r->k, .node = 0);
	ADD("promised-l", promised_block, r->l, .node = 1);
}

static int start(struct worker *w)
{
	bool block = w->run == covered_block || w->run == promised_block;
	char name[64];

	snprintf(name, sizeof(name), "%s%s", block ? "1G/" : "", w->name);
	w->pid = hp_fork();
	if (w->pid)
		return w->pid < 0 ? -errno : 0;
	w->fd = hp_open_sized(w->env, name, block ? 0 : SLOTS * UNIT);
	w->map = mmap(NULL, SLOTS * UNIT, PROT_READ | PROT_WRITE, MAP_SHARED,
		      w->fd, 0);
	if (w->fd < 0 || w->map == MAP_FAILED ||
	    (w->cg.path[0] ? cg_join(&w->cg) : cg_join_root()))
		_exit(complain("%s: cannot start", w->name));
	_exit(w->run(w) || ftruncate(w->fd, 0));
}

/* Lets them run for their time; what is reserved always is within bounds. */
static int watch(struct race *r, double seconds)
{
	double end = now() + seconds;
	int bad = 0;

	while (now() < end && !shared->stop) {
		usleep(50000);
		for (int node = 0; node < 2; node++) {
			long long reserved = hp_attr(node, "reserved");

			if (reserved < 0 || reserved > hp_attr(node, "total"))
				bad = complain("%lld reserved", reserved);
		}
	}
	shared->stop = 1;
	for (int i = 0; i < r->nr; i++)
		bad |= hp_wait(r->w[i].pid) ?
			complain("%s has failed", r->w[i].name) : 0;
	return bad;
}

TEST_F_TIMEOUT(race, no_covered_request_fails, 400)
{
	struct race *r = self->r;
	struct cg *top = &r->env.top;
	uint64_t seed = run_seed();
	char dir[96];

	ASSERT_EQ(2, hp_nr_nodes());
	r->gb = hp_attr(0, "1GB/free") ? GB : 0;
	for (int node = 0; node < 2; node++)
		ASSERT_OK(hp_hog(&r->env, node, LEFT * UNIT));
	if (r->gb) {
		snprintf(dir, sizeof(dir), "%s/1G", r->env.dir);
		ASSERT_OK(mkdir(dir, 0755));
		ASSERT_OK(hp_mount(dir, "pool=1G,size=4G"));
	}
	ASSERT_OK(make_cgroups(r));
	add_workers(r);
	for (int i = 0; i < r->nr; i++) {
		r->w[i].rng = seed + i;
		ASSERT_OK(start(&r->w[i]));
	}
	EXPECT_EQ(0, watch(r, run_seconds(4, 120)));
	printf("# %lu covered requests and %lu blocks, %lu refused; %lu guarantees given, %lu not; %lu cgroups removed\n",
	       shared->covered, shared->blocks, shared->refused,
	       shared->promised, shared->turned_down, shared->removed);
	EXPECT_LT(0, shared->covered);
	EXPECT_LT(0, shared->refused);
	EXPECT_LT(0, shared->promised);
	EXPECT_LT(0, shared->removed);

	/* Nobody was refused to whom something was due, and nothing is missing. */
	EXPECT_EQ(0, cg_event(&r->a, "nospc") + cg_event(&r->b, "nospc") +
		     cg_event(&r->c, "nospc") + cg_event(&r->k, "nospc") +
		     cg_event(&r->q, "nospc") + cg_event(&r->l, "nospc"));
	EXPECT_OK(cg_promise(&r->p, "2MB/node0", 5 * UNIT));
	EXPECT_OK(cg_promise(top, "2MB/node0", 8 * UNIT));
	EXPECT_EQ(0, cg_hp(top, "current", "2MB"));
	EXPECT_EQ(0, cg_hp(top, "current", "1GB"));
	EXPECT_TRUE(eventually(!hp_sum("1GB/broken"), 5));
	EXPECT_RESERVED_SOON(8 * UNIT + r->gb, 3 * UNIT);
	EXPECT_EQ(LEFT * UNIT, hp_attr(0, "2MB/free"));
	EXPECT_EQ(LEFT * UNIT, hp_attr(1, "2MB/free"));
	EXPECT_OK(cg_remove(&r->q));
	EXPECT_OK(cg_remove(&r->l));
	EXPECT_OK(hp_unhog(&r->env));
}

TEST_HARNESS_MAIN
