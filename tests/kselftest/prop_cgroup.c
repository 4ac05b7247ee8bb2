// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa4 timeout=300
 *
 * Random trees of cgroups with random limits and guarantees; files of a mount and
 * memfds in which tasks that move between the cgroups allocate by random policies,
 * by every way there is. After every step all that can be read of every cgroup,
 * file and node is compared with prop_model.c, which knows where each block must
 * come from, or that there must be none. Then the same in parallel, where only
 * that guarantees hold can be known.
 *
 * The seed is printed, HUGEPOOL_SEED repeats a run but for the inode numbers, by
 * which interleaving begins on one node or the other. HUGEPOOL_SECONDS is how long:
 * 5, and ten minutes in the long run.
 */
#include <stdarg.h>
#include <time.h>

#include "hp_test.h"
#include "memfd.h"
#include "numa.h"
#include "prop_model.h"

#define RW	(PROT_READ | PROT_WRITE)
#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define SIZE	(PM_UNITS * UNIT)
/* What is left of the two pools for all of it: less than the files could hold. */
#define LEAVE_0	14
#define LEAVE_1	9

static uint64_t prop_seed(void)
{
	const char *env = getenv("HUGEPOOL_SEED");
	uint64_t seed = env ? strtoull(env, NULL, 0) : (uint64_t)time(NULL);

	printf("# repeat with HUGEPOOL_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

static double prop_seconds(double part)
{
	const char *env = getenv("HUGEPOOL_SECONDS");

	return part * (env ? atof(env) : getenv("HUGEPOOL_LONG") ? 600 : 5);
}

/* --- the machine, beside the model --- */

enum attr { USED, FREE, RESERVED, NR_ATTRS };

static const char * const attr_names[NR_ATTRS] = { "used", "free", "reserved" };

struct world {
	struct hp_env *env;
	struct pm m;
	struct cg cg[PM_GROUPS];
	int fd[PM_FILES];
	/* Open all the time, since they are read after every step. */
	int node_fd[PM_NODES][NR_ATTRS];
	int current_fd[PM_GROUPS];
	uint64_t rng;
	unsigned int serial;
	unsigned long step, moves;
	struct pm_task task;		/* that does the operation */
	int at;				/* the group that we are in */
	bool dying;			/* a cgroup may not be quite gone */
	char what[200];			/* the operation */
	char why[240];			/* what is wrong */
};

static uint64_t pick(struct world *w, uint64_t n)
{
	return rng_below(&w->rng, n);
}

static void __attribute__((format(printf, 2, 3))) note(struct world *w,
						       const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->what, sizeof(w->what), fmt, ap);
	va_end(ap);
}

static bool __attribute__((format(printf, 2, 3))) wrong(struct world *w,
							const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
	return false;
}

static int read_distances(struct pm *m)
{
	char path[96], line[128], *p;

	for (int a = 0; a < m->nr_nodes; a++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%d/distance", a);
		if (rd_file(path, line, sizeof(line)))
			return -EIO;
		p = line;
		for (int b = 0; b < m->nr_nodes; b++)
			m->distance[a][b] = strtol(p, &p, 10);
	}
	return 0;
}

static int new_file(struct world *w, int f)
{
	struct pm_file *file = &w->m.file[f];
	char path[96];
	struct stat st;
	int fd;

	if (pick(w, 2)) {
		fd = HP_MEMFD(MFD_CLOEXEC);
	} else {
		snprintf(path, sizeof(path), "%s/f%d", w->env->dir, f);
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		/* Its last name and its last descriptor go together. */
		if (fd >= 0)
			unlink(path);
	}
	if (fd < 0 || ftruncate(fd, SIZE) || fstat(fd, &st))
		return -errno;
	w->fd[f] = fd;
	file->ino = st.st_ino;
	file->pol = (struct pm_policy) { MPOL_DEFAULT, 0 };
	return 0;
}

static int open_attrs(struct world *w)
{
	char path[96];

	for (int n = 0; n < w->m.nr_nodes; n++)
		for (int a = 0; a < NR_ATTRS; a++) {
			snprintf(path, sizeof(path), HP_SYSFS "/node%d/%s", n,
				 attr_names[a]);
			w->node_fd[n][a] = open(path, O_RDONLY | O_CLOEXEC);
			if (w->node_fd[n][a] < 0)
				return -errno;
		}
	return 0;
}

static int open_group(struct world *w, int g)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/memory.hugepool.current",
		 w->cg[g].path);
	w->current_fd[g] = open(path, O_RDONLY | O_CLOEXEC);
	return w->current_fd[g] < 0 ? -errno : 0;
}

static int world_init(struct world *w, struct hp_env *env, uint64_t seed)
{
	int nr = hp_nr_nodes(), ret = 0;

	w->env = env;
	w->rng = seed;
	pm_init(&w->m, nr);
	for (int n = 0; n < nr; n++) {
		w->m.total[n] = hp_attr(n, "total") / UNIT;
		w->m.outside[n] = hp_attr(n, "used") / UNIT;
	}
	if (set_weight(0, 2) || set_weight(1, 1) || read_distances(&w->m))
		return -EIO;
	w->m.weight[0] = 2;
	w->cg[pm_add_group(&w->m, PM_OUTSIDE)] = env->top;
	w->at = pm_add_group(&w->m, 0);
	w->cg[w->at] = env->cg;
	if (open_attrs(w) || open_group(w, 0) || open_group(w, w->at))
		return -EIO;
	for (int f = 0; f < PM_FILES && !ret; f++)
		ret = new_file(w, f);
	return ret;
}

/* --- comparing --- */

/* The number after "<key> " in a file that was read; -1 when there is none. */
static long long keyed(const char *buf, const char *key)
{
	size_t len = strlen(key);
	const char *p = buf;

	while (p) {
		if (!strncmp(p, key, len) && p[len] == ' ')
			return strtoll(p + len + 1, NULL, 10);
		p = strchr(p, '\n');
		if (p)
			p++;
	}
	return -1;
}

static const char *key_of(int node)
{
	static char key[24];

	if (node == PM_ALL)
		return "2MB";
	snprintf(key, sizeof(key), "2MB/node%d", node);
	return key;
}

static long want_of(const struct pm *m, int g, const char *file, int node)
{
	long sum = 0;

	if (!strcmp(file, "current"))
		return pm_held(m, g, node);
	if (!strcmp(file, "peak"))
		return m->group[g].peak[node];
	if (node != PM_ALL)
		return m->group[g].min[node];
	for (int n = 0; n < m->nr_nodes; n++)
		sum += m->group[g].min[n];
	return sum;
}

static bool read_open(int fd, char *buf, size_t len)
{
	ssize_t n = pread(fd, buf, len - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool check_keys(struct world *w, int g, const char *file,
		       const char *buf)
{
	for (int n = 0; n <= PM_NODES; n++) {
		long want;
		long long seen;

		if (n < PM_NODES && n >= w->m.nr_nodes)
			continue;
		want = want_of(&w->m, g, file, n);
		seen = keyed(buf, key_of(n));
		if (seen != want * (long long)UNIT)
			return wrong(w, "%s of group %d: %s is %lld, should be %ld units",
				     file, g, key_of(n), seen, want);
	}
	return true;
}

static bool check_group(struct world *w, int g, bool all)
{
	static const char * const more[] = { "peak", "min" };
	char path[256], buf[1024];

	if (!read_open(w->current_fd[g], buf, sizeof(buf)))
		return wrong(w, "current of group %d cannot be read", g);
	if (!check_keys(w, g, "current", buf))
		return false;
	for (unsigned int i = 0; all && i < ARRAY_SIZE(more); i++) {
		snprintf(path, sizeof(path), "%s/memory.hugepool.%s",
			 w->cg[g].path, more[i]);
		if (rd_file(path, buf, sizeof(buf)))
			return wrong(w, "%s cannot be read", path);
		if (!check_keys(w, g, more[i], buf))
			return false;
	}
	return true;
}

static bool check_node(struct world *w, int n)
{
	long used = pm_used(&w->m, n), seen;
	const long want[NR_ATTRS] = {
		used, w->m.total[n] - used, pm_reserved(&w->m, n),
	};
	char buf[64];

	for (int a = 0; a < NR_ATTRS; a++) {
		if (!read_open(w->node_fd[n][a], buf, sizeof(buf)))
			return wrong(w, "%s cannot be read", attr_names[a]);
		seen = strtoll(buf, NULL, 10) / UNIT;
		if (seen != want[a])
			return wrong(w, "node%d/%s is %ld, should be %ld units",
				     n, attr_names[a], seen, want[a]);
	}
	return true;
}

static bool check_files(struct world *w)
{
	for (int f = 0; f < PM_FILES; f++) {
		long want = 0;

		for (int u = 0; u < PM_UNITS; u++)
			want += w->m.file[f].unit[u].owner != PM_HOLE;
		if (file_blocks(w->fd[f]) != want * (long long)UNIT)
			return wrong(w, "file %d has %lld bytes, should have %ld units",
				     f, file_blocks(w->fd[f]), want);
	}
	return true;
}

static bool check_rest(struct world *w)
{
	struct cg *top = &w->env->top;
	long long pages = 0, events;

	for (int n = 0; n < w->m.nr_nodes; n++)
		pages += pm_used(&w->m, n) * 512;
	if (rd_key("/proc/vmstat", "nr_hugepool") != pages)
		return wrong(w, "nr_hugepool is %lld, should be %lld",
			     rd_key("/proc/vmstat", "nr_hugepool"), pages);
	events = cg_event(top, "max") + cg_event(top, "nospc");
	if (events != (long long)w->m.refused)
		return wrong(w, "%lld refusals counted, should be %lu", events,
			     w->m.refused);
	if (cg_event(top, "fallback") || cg_key(top, "memory.events", "oom"))
		return wrong(w, "fallback or oom counted");
	return true;
}

static bool check(struct world *w, bool all)
{
	if (w->m.wrong)
		return wrong(w, "the model could not keep a promise");
	for (int n = 0; n < w->m.nr_nodes; n++)
		if ((all || w->m.total[n]) && !check_node(w, n))
			return false;
	for (int g = 0; g < PM_GROUPS; g++)
		if (w->m.group[g].live && !check_group(w, g, all))
			return false;
	return check_files(w) && (!all || check_rest(w));
}

/* --- allocating --- */

static bool may_join(const struct pm *m, int g)
{
	return m->group[g].live && g && pm_is_leaf(m, g);
}

/* To move takes the kernel longer than all the rest of a step: not each time. */
static int any_leaf(struct world *w)
{
	int g = w->at;

	if (g != PM_OUTSIDE && may_join(&w->m, g) && pick(w, 2))
		return g;
	do {
		g = pick(w, PM_GROUPS);
	} while (!may_join(&w->m, g));
	return g;
}

static struct pm_policy any_policy(struct world *w)
{
	static const int modes[] = {
		MPOL_DEFAULT, MPOL_DEFAULT, MPOL_LOCAL, MPOL_BIND, MPOL_BIND,
		MPOL_PREFERRED, MPOL_PREFERRED_MANY, MPOL_INTERLEAVE,
		MPOL_WEIGHTED_INTERLEAVE,
	};
	struct pm_policy pol = { modes[pick(w, ARRAY_SIZE(modes))], 0 };

	if (pol.mode == MPOL_PREFERRED)
		pol.mask = 1UL << pick(w, 3);
	else if (pol.mode != MPOL_DEFAULT && pol.mode != MPOL_LOCAL)
		pol.mask = 1 + pick(w, 7);	/* nodes 0 to 2 have memory */
	return pol;
}

static bool move_to(struct world *w, int g)
{
	static const struct cg root = { CG_ROOT };

	if (w->at == g)
		return true;
	w->at = g;
	w->moves++;
	return cg_join(g == PM_OUTSIDE ? &root : &w->cg[g]) ?
		wrong(w, "cannot join group %d", g) : true;
}

enum way { BY_FALLOCATE, BY_WRITE, BY_WRITE_ACROSS, BY_FAULT, BY_READ_FAULT, NR_WAYS };

static const char * const way_names[NR_WAYS] = {
	"fallocate", "write", "write across", "fault", "read fault",
};

struct draw {
	enum way way;
	int fd, first, end;
};

/* What it came to: 0, or an errno; EIO for what should not be. */
static int draw(void *arg)
{
	struct draw *d = arg;
	unsigned char *p;
	ssize_t n;
	int sig;

	switch (d->way) {
	case BY_FALLOCATE:
		/* A byte of a unit is as good as all of it. */
		return fallocate(d->fd, 0, (d->first + 1) * UNIT - 1,
				 (d->end - d->first - 1) * UNIT + 1) ? errno : 0;
	case BY_WRITE:
		n = pwrite(d->fd, "w", 1, d->first * UNIT + 4097);
		return n == 1 ? 0 : errno;
	case BY_WRITE_ACROSS:
		n = pwrite(d->fd, "ww", 2, (d->first + 1) * UNIT - 1);
		return n == 2 ? 0 : n == 1 ? ENOSPC : errno;
	default:
		p = mmap(NULL, UNIT, RW, MAP_SHARED, d->fd, d->first * UNIT);
		if (p == MAP_FAILED)
			return EIO;
		sig = d->way == BY_FAULT ? touch_write(p + 12345, 1) :
					   touch_read(p + 12345);
		munmap(p, UNIT);
		return sig == SIGBUS ? ENOSPC : sig ? EIO : 0;
	}
}

static int predict(struct world *w, int f, const struct draw *d)
{
	int ret = 0;

	if (d->way == BY_FALLOCATE)
		return pm_fallocate(&w->m, &w->task, f, d->first, d->end);
	for (int u = d->first; u < d->end && !ret; u++)
		ret = pm_fill(&w->m, &w->task, f, u);
	return ret;
}

static bool op_draw(struct world *w)
{
	static const struct cg root = { CG_ROOT };
	int f = pick(w, PM_FILES), want, got, g;
	struct draw d = { pick(w, NR_WAYS), w->fd[f] };
	struct pm_task *t = &w->task;

	/* Single units more often: runs would always be refused. */
	d.first = pick(w, PM_UNITS - 4);
	d.end = d.first + 1;
	if (d.way == BY_FALLOCATE)
		d.end += pick(w, 5);
	else if (d.way == BY_WRITE_ACROSS)
		d.end++;
	g = pick(w, 16) ? any_leaf(w) : PM_OUTSIDE;
	t->group = g;
	t->cpu_node = pick(w, w->m.nr_nodes);
	t->pol = any_policy(w);
	note(w, "%s of %d units from %d of file %d in group %d on node %d, policy %d of %#lx",
	     way_names[d.way], d.end - d.first, d.first, f, g, t->cpu_node,
	     t->pol.mode, t->pol.mask);
	if (pin_to_node(t->cpu_node) || task_policy(t->pol.mode, t->pol.mask))
		return wrong(w, "policy refused");
	want = -predict(w, f, &d);
	/* A child inherits where it runs and by what policy. */
	if (!pick(w, 8)) {
		got = hp_run(g < 0 ? &root : &w->cg[g], draw, &d);
		w->moves++;
	} else {
		if (!move_to(w, g))
			return false;
		got = draw(&d);
	}
	task_policy(MPOL_DEFAULT, 0);
	if (got != want)
		return wrong(w, "says %d, should be %d", got, want);
	return true;
}

/* --- giving back --- */

static bool op_punch(struct world *w)
{
	int f = pick(w, PM_FILES), first = pick(w, PM_UNITS);
	int end = first + 1 + pick(w, PM_UNITS - first);

	note(w, "punch %d to %d of file %d", first, end, f);
	/* Parts of units at both ends stay. */
	if (fallocate(w->fd[f], PUNCH, first ? first * UNIT - 4096 : 0,
		      (end - first) * UNIT + (first ? 8192 : 4096)))
		return wrong(w, "says %d", errno);
	pm_free(&w->m, f, first, end);
	return true;
}

static bool op_truncate(struct world *w)
{
	int f = pick(w, PM_FILES), end = pick(w, PM_UNITS);

	note(w, "truncate file %d to %d", f, end);
	/* Half a unit is a unit. */
	if (ftruncate(w->fd[f], end * UNIT - (end ? UNIT / 2 : 0)) ||
	    ftruncate(w->fd[f], SIZE))
		return wrong(w, "says %d", errno);
	pm_free(&w->m, f, end, PM_UNITS);
	return true;
}

static bool op_replace(struct world *w)
{
	int f = pick(w, PM_FILES);

	note(w, "new file %d", f);
	close(w->fd[f]);
	pm_free(&w->m, f, 0, PM_UNITS);
	return new_file(w, f) ? wrong(w, "cannot be made") : true;
}

static bool op_file_policy(struct world *w)
{
	int f = pick(w, PM_FILES), ret;
	struct pm_policy pol = any_policy(w);
	unsigned char *p;

	/* For a new mapping, which has none, that is no change. */
	if (pol.mode == MPOL_DEFAULT)
		return true;
	note(w, "policy %d of %#lx for file %d", pol.mode, pol.mask, f);
	p = mmap(NULL, SIZE, RW, MAP_SHARED, w->fd[f], 0);
	if (p == MAP_FAILED)
		return wrong(w, "mmap says %d", errno);
	ret = range_policy(p, SIZE, pol.mode, pol.mask);
	munmap(p, SIZE);
	w->m.file[f].pol = pol;
	return ret ? wrong(w, "says %d", ret) : true;
}

/* --- limits, guarantees, groups --- */

static int any_group(struct world *w)
{
	int g;

	do {
		g = pick(w, PM_GROUPS);
	} while (!w->m.group[g].live);
	return g;
}

static int any_node(struct world *w)
{
	int n = pick(w, w->m.nr_nodes + 2);

	return n < w->m.nr_nodes ? n : PM_ALL;
}

static bool op_max(struct world *w)
{
	int g = any_group(w), n = any_node(w);
	/* Who is far up limits all: often enough not at all. */
	long max = pick(w, 2) ? pick(w, 14) + (g ? 0 : 6) : PM_NO_LIMIT;
	char line[64];

	note(w, "max of group %d, %s: %ld", g, key_of(n), max);
	w->m.group[g].max[n] = max;
	if (max == PM_NO_LIMIT)
		snprintf(line, sizeof(line), "%s max", key_of(n));
	else
		snprintf(line, sizeof(line), "%s %ld", key_of(n),
			 max * (long)UNIT);
	return cg_write(&w->cg[g], "memory.hugepool.max", line) ?
		wrong(w, "refused") : true;
}

/* What a removed cgroup had is its parent's when it has gone for good. */
static bool wait_for_the_dying(struct world *w)
{
	const struct cg *top = &w->env->top;

	if (w->dying &&
	    !eventually(!cg_key(top, "cgroup.stat", "nr_dying_descendants"), 20))
		return wrong(w, "a removed cgroup does not go");
	w->dying = false;
	return true;
}

static bool op_min(struct world *w)
{
	/* Who is far up needs the most, or there is nothing to pass on. */
	int g = pick(w, 3) ? any_group(w) : 0, n = any_node(w), want, got;
	long min = g ? pick(w, 6) : 4 + pick(w, 14);

	note(w, "min of group %d, %s: %ld", g, key_of(n), min);
	if (!wait_for_the_dying(w))
		return false;
	want = pm_set_min(&w->m, g, n, min);
	got = cg_promise(&w->cg[g], key_of(n), min * UNIT);
	return got == want ? true : wrong(w, "says %d, should be %d", got, want);
}

static int depth(const struct pm *m, int g)
{
	return g == PM_OUTSIDE ? 0 : 1 + depth(m, m->group[g].parent);
}

static bool op_mkdir(struct world *w)
{
	int parent = any_group(w), g;
	char name[24];

	if (depth(&w->m, parent) > 4)
		return true;
	g = pm_add_group(&w->m, parent);
	if (g < 0)
		return true;
	snprintf(name, sizeof(name), "g%u", w->serial++);
	note(w, "new group %d in %d", g, parent);
	/* Whoever has children has no processes. */
	if (w->at == parent && !move_to(w, PM_OUTSIDE))
		return false;
	return cg_make(&w->cg[g], &w->cg[parent], name) || open_group(w, g) ?
		wrong(w, "cannot be made") : true;
}

static bool op_rmdir(struct world *w)
{
	int g = any_group(w), parent = w->m.group[g].parent;
	bool promised = false;

	/* The first two belong to the fixture. */
	if (g < 2 || !pm_is_leaf(&w->m, g))
		return true;
	for (int n = 0; n < w->m.nr_nodes; n++)
		promised |= w->m.group[g].min[n] > 0;
	note(w, "rmdir of group %d in %d, which holds %ld", g, parent,
	     pm_held(&w->m, g, PM_ALL));
	if (w->at == g && !move_to(w, PM_OUTSIDE))
		return false;
	close(w->current_fd[g]);
	if (rmdir(w->cg[g].path))
		return wrong(w, "says %d", errno);
	pm_remove_group(&w->m, g);
	w->dying = true;
	/* A leaf again, that processes may be in. */
	if (parent && pm_is_leaf(&w->m, parent) &&
	    cg_write(&w->cg[parent], "cgroup.subtree_control",
		     "-memory -cpuset"))
		return wrong(w, "controllers stay");
	/* Its guarantee is given back, though not at once. */
	return !promised || wait_for_the_dying(w);
}

static bool any_op(struct world *w)
{
	static const struct { int weight; bool (*op)(struct world *w); } ops[] = {
		{ 48, op_draw }, { 11, op_punch }, { 7, op_truncate },
		{ 3, op_replace }, { 4, op_file_policy }, { 9, op_max },
		{ 13, op_min }, { 3, op_mkdir }, { 2, op_rmdir },
	};
	int at = pick(w, 100);
	unsigned int i = 0;

	while (at >= ops[i].weight)
		at -= ops[i++].weight;
	w->what[0] = '\0';
	return ops[i].op(w);
}

FIXTURE(prop) {
	struct hp_env env;
};

FIXTURE_SETUP(prop)
{
	/* size= beyond the pool, or a hog would fill the mount as well. */
	HP_SETUP("pool=2M,size=4G");
	ASSERT_OK(hp_hog(&self->env, 0, LEAVE_0 * UNIT));
	ASSERT_OK(hp_hog(&self->env, 1, LEAVE_1 * UNIT));
}

FIXTURE_TEARDOWN_PARENT(prop)
{
	EXPECT_OK(reset_weights());
	EXPECT_ENDED(&self->env);
}

TEST_F_TIMEOUT(prop, random_steps, 800)
{
	double end = now() + prop_seconds(0.7);
	static struct world w;
	bool ok = true;

	ASSERT_OK(world_init(&w, &self->env, prop_seed()));
	ASSERT_TRUE(check(&w, true)) TH_LOG("at the start: %s", w.why);
	while (ok && now() < end) {
		w.step++;
		ok = any_op(&w);
		/* What was mapped or open in a child may come back later. */
		if (ok)
			ok = eventually(check(&w, w.step % 4 == 0), 5);
	}
	EXPECT_TRUE(ok) TH_LOG("step %lu: %s: %s", w.step, w.what, w.why);
	if (!ok)
		pm_print(&w.m);
	printf("# %lu steps: %lu blocks drawn, %lu of them guaranteed; %lu requests refused; %lu moves between cgroups\n",
	       w.step, w.m.drawn, w.m.covered, w.m.refused, w.moves);
	EXPECT_LT(0, w.m.drawn);
}

/* --- in parallel --- */

#define GUARANTEED	3
#define THIEVES		3

struct shared {
	volatile int stop;
	unsigned long promised, stolen, refused;
	volatile int failed;
	char why[160];
};

struct part {
	struct hp_env *env;
	struct shared *s;
	struct cg cg;
	int nr;
	int min[2];
	uint64_t rng;
};

/* Never more than it was promised, on one node after the other: never refused. */
static int entitled(struct part *p)
{
	struct shared *s = p->s;
	int fd = HP_MEMFD(0);

	while (!s->stop) {
		int node = rng_below(&p->rng, 2);
		int units = 1 + rng_below(&p->rng, p->min[node]);
		bool fault = rng_below(&p->rng, 2);
		unsigned char *q;
		int bad = 0;

		if (ftruncate(fd, units * UNIT) ||
		    task_policy(MPOL_BIND, 1UL << node))
			return 1;
		if (fault) {
			q = mmap(NULL, units * UNIT, RW, MAP_SHARED, fd, 0);
			for (int u = 0; u < units; u++)
				bad |= touch_write(q + u * UNIT, 1);
			munmap(q, units * UNIT);
		} else if (fallocate(fd, 0, 0, units * UNIT)) {
			bad = errno;
		}
		if (bad && !__sync_lock_test_and_set(&s->failed, 1))
			snprintf(s->why, sizeof(s->why),
				 "%s of %d units of %d promised on node %d: %s",
				 fault ? "fault" : "fallocate", units,
				 p->min[node], node,
				 fault ? strsignal(bad) : strerror(bad));
		__sync_fetch_and_add(&s->promised, units);
		if (ftruncate(fd, 0))
			return 1;
	}
	return 0;
}

/* All it can get, all the time. */
static int thief(struct part *p)
{
	struct shared *s = p->s;
	int fd = HP_MEMFD(0);

	while (!s->stop) {
		int units = 1 + rng_below(&p->rng, LEAVE_0 + LEAVE_1);

		if (fallocate(fd, 0, rng_below(&p->rng, 30) * UNIT,
			      units * UNIT))
			__sync_fetch_and_add(&s->refused, 1);
		else
			__sync_fetch_and_add(&s->stolen, units);
		if (!rng_below(&p->rng, 4) && ftruncate(fd, 0))
			return 1;
	}
	return 0;
}

/* Limits and guarantees of others come and go meanwhile. */
static void disturb(struct part *victims, struct cg *changing, uint64_t *rng,
		    double end)
{
	while (now() < end && !victims[0].s->failed) {
		struct part *v = &victims[GUARANTEED + rng_below(rng, THIEVES - 1)];

		cg_limit(&v->cg, rng_below(rng, 2) ? "2MB" : "2MB/node1",
			 rng_below(rng, 12) * UNIT);
		cg_promise(changing, rng_below(rng, 2) ? "2MB" : "2MB/node0",
			   rng_below(rng, 10) * UNIT);
		usleep(1000);
	}
}

TEST_F_TIMEOUT(prop, guarantees_under_pressure, 400)
{
	static const int mins[GUARANTEED][2] = { { 3, 2 }, { 1, 3 }, { 4, 1 } };
	struct part part[GUARANTEED + THIEVES] = {};
	pid_t pid[GUARANTEED + THIEVES];
	uint64_t rng = prop_seed();
	struct cg changing;
	struct shared *s;
	char name[16];

	s = mmap(NULL, 4096, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, s);
	ASSERT_OK(cg_make(&changing, &self->env.top, "changing"));
	/* So that it depends on no other than the pool what it can be given. */
	ASSERT_OK(cg_promise(&self->env.top, "2MB/node0", 11 * UNIT));
	ASSERT_OK(cg_promise(&self->env.top, "2MB/node1", 7 * UNIT));
	for (int i = 0; i < GUARANTEED + THIEVES; i++) {
		struct part *p = &part[i];

		*p = (struct part) { &self->env, s, {}, i };
		p->rng = rng_next(&rng);
		snprintf(name, sizeof(name), "p%d", i);
		ASSERT_OK(cg_make(&p->cg, &self->env.top, name));
		for (int n = 0; n < 2 && i < GUARANTEED; n++) {
			p->min[n] = mins[i][n];
			ASSERT_OK(cg_promise(&p->cg, n ? "2MB/node1" :
					     "2MB/node0", p->min[n] * UNIT));
		}
		pid[i] = hp_fork();
		if (pid[i])
			continue;
		/* The last of them is limited by nothing. */
		if (i == GUARANTEED + THIEVES - 1 ? cg_join_root() :
						    cg_join(&p->cg))
			_exit(9);
		_exit(i < GUARANTEED ? entitled(p) : thief(p));
	}
	disturb(part, &changing, &rng, now() + prop_seconds(0.3));
	s->stop = 1;
	for (int i = 0; i < GUARANTEED + THIEVES; i++)
		EXPECT_EQ(0, hp_wait(pid[i]));
	EXPECT_EQ(0, s->failed) TH_LOG("%s", s->why);
	printf("# %lu guaranteed blocks drawn, %lu others, %lu requests of others refused\n",
	       s->promised, s->stolen, s->refused);
	EXPECT_LT(0, s->promised);
}

TEST_HARNESS_MAIN
