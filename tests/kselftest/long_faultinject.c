// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 long=1 timeout=420
 *
 * Kernel allocations that fail, one after the other and then at random, while
 * the pool is used. Whatever fails does so with an error that a program can
 * understand, leaves nothing allocated and no content changed, and the same
 * operation works afterwards. Needs a kernel with FAILSLAB and FAIL_PAGE_ALLOC;
 * HUGEPOOL_SECONDS (60) is for the row that goes by chance.
 */

#include "hp_test.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define MOST_FAILURES	2000	/* no operation allocates that often */
#define UNITS		3

static const char * const injectors[] = { "failslab", "fail_page_alloc" };

/* Failures only where we ask for them, but there of every allocation. */
static const struct setting {
	const char *injector, *name, *val;
} settings[] = {
	{ "failslab", "task-filter", "Y" },
	{ "failslab", "verbose", "0" },
	{ "failslab", "ignore-gfp-wait", "N" },
	{ "failslab", "interval", "1" },
	{ "failslab", "times", "-1" },
	{ "failslab", "probability", "0" },
	{ "fail_page_alloc", "task-filter", "Y" },
	{ "fail_page_alloc", "verbose", "0" },
	{ "fail_page_alloc", "ignore-gfp-wait", "N" },
	{ "fail_page_alloc", "ignore-gfp-highmem", "N" },
	{ "fail_page_alloc", "min-order", "0" },
	{ "fail_page_alloc", "interval", "1" },
	{ "fail_page_alloc", "times", "-1" },
	{ "fail_page_alloc", "probability", "0" },
};

FIXTURE(inject) {
	struct hp_env env;
	bool set;
	char old[ARRAY_SIZE(settings)][32];
};

FIXTURE_VARIANT(inject) {
	const char *pool;
};

FIXTURE_VARIANT_ADD(inject, pool) { "pool=2M" };
FIXTURE_VARIANT_ADD(inject, pool_base) { "pool=2M+base" };

static void setting_path(const struct setting *s, char *path, size_t len)
{
	snprintf(path, len, DEBUGFS "%s/%s", s->injector, s->name);
}

FIXTURE_SETUP(inject)
{
	char path[128];

	for (int i = 0; i < (int)ARRAY_SIZE(injectors); i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s", injectors[i]);
		if (access(path, F_OK))
			SKIP(return, "%s is missing: a kernel without fault injection",
			     path);
	}
	HP_SETUP(variant->pool);
	for (int i = 0; i < (int)ARRAY_SIZE(settings); i++) {
		setting_path(&settings[i], path, sizeof(path));
		ASSERT_OK(rd_file(path, self->old[i], sizeof(self->old[i])));
	}
	self->set = true;
	for (int i = 0; i < (int)ARRAY_SIZE(settings); i++) {
		setting_path(&settings[i], path, sizeof(path));
		ASSERT_OK(wr_file(path, settings[i].val));
	}
}

FIXTURE_TEARDOWN_PARENT(inject)
{
	char path[128];

	/* Probability, the last of each, is off before its filter goes. */
	for (int i = ARRAY_SIZE(settings) - 1; self->set && i >= 0; i--) {
		setting_path(&settings[i], path, sizeof(path));
		EXPECT_OK(wr_file(path, self->old[i]));
	}
	if (self->set) {
		EXPECT_ENDED(&self->env);
	}
}

/* --- failing the n-th allocation --- */

/* Opened once: opening it allocates. */
static int nth_fd = -1;

static int nth_set(int n)
{
	char buf[16];
	int len = snprintf(buf, sizeof(buf), "%d", n);

	if (nth_fd < 0)
		nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return pwrite(nth_fd, buf, len, 0) == len ? 0 : -errno;
}

/* How many more allocations the operation could have made; ends it. */
static int nth_end(void)
{
	char buf[16] = "";
	int left = -EIO;

	if (pread(nth_fd, buf, sizeof(buf) - 1, 0) > 0)
		left = atoi(buf);
	nth_set(0);
	return left;
}

/* --- operations --- */

struct op_state {
	struct hp_env *env;
	int fd;			/* one empty file, or UNITS units for those that ask */
	unsigned char *map;	/* UNITS units of it */
	char dir[96];		/* for mounts */
	char cgroup[200];
	const char *pool;
};

struct op {
	const char *name;
	bool filled;		/* wants the file to be there */
	bool keeps;		/* allocates nothing of the pool when it succeeds */
	int (*run)(struct op_state *s);		/* 0 or -errno */
	int (*undo)(struct op_state *s);	/* after success */
};

static int op_fallocate(struct op_state *s)
{
	return fallocate(s->fd, 0, 0, UNITS * UNIT) ? -errno : 0;
}

static int op_fallocate_rest(struct op_state *s)
{
	return fallocate(s->fd, 0, UNIT / 2, 2 * UNITS * UNIT) ? -errno : 0;
}

static int op_write(struct op_state *s)
{
	static const char byte = 'x';

	return pwrite(s->fd, &byte, 1, UNIT + 5) == 1 ? 0 : -errno;
}

static int op_populate(struct op_state *s)
{
	return madvise(s->map, UNITS * UNIT, MADV_POPULATE_WRITE) ? -errno : 0;
}

/* A plain fault: it comes back with the page or with SIGBUS. */
static int op_fault(struct op_state *s)
{
	int sig = touch_write(s->map + UNIT + 7, 1);

	return !sig ? 0 : sig == SIGBUS ? -ENOSPC : -EPROTO;
}

static int op_punch_part(struct op_state *s)
{
	return fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 UNIT + 100, UNIT / 2) ? -errno : 0;
}

static int op_truncate(struct op_state *s)
{
	return ftruncate(s->fd, UNIT + 100) ? -errno : 0;
}

static int op_mount(struct op_state *s)
{
	return hp_mount(s->dir, s->pool);
}

static int undo_mount(struct op_state *s)
{
	return hp_umount(s->dir);
}

static int op_cgroup(struct op_state *s)
{
	return mkdir(s->cgroup, 0755) ? -errno : 0;
}

static int undo_cgroup(struct op_state *s)
{
	return rmdir(s->cgroup) ? -errno : 0;
}

static int op_limit(struct op_state *s)
{
	return cg_limit(&s->env->cg, "2MB", 100 * UNIT);
}

static int op_current(struct op_state *s)
{
	char path[256], buf[512];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/memory.hugepool.current", s->env->cg.path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = read(fd, buf, sizeof(buf)) > 0 ? 0 : -errno;
	close(fd);
	return ret;
}

static int op_statfs(struct op_state *s)
{
	struct statfs st;

	return statfs(s->env->dir, &st) ? -errno : 0;
}

static int op_create(struct op_state *s)
{
	int fd = hp_open(s->env, "new");

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int undo_create(struct op_state *s)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/new", s->env->dir);
	return unlink(path) ? -errno : 0;
}

static const struct op ops[] = {
	{ "fallocate", false, false, op_fallocate },
	{ "fallocate over a part", true, false, op_fallocate_rest },
	{ "write", false, false, op_write },
	{ "populate", false, false, op_populate },
	{ "fault", false, false, op_fault },
	{ "punch of a part", true, false, op_punch_part },
	{ "truncate", true, false, op_truncate },
	{ "create", false, true, op_create, undo_create },
	{ "mount", false, true, op_mount, undo_mount },
	{ "cgroup", false, true, op_cgroup, undo_cgroup },
	{ "limit", false, true, op_limit },
	{ "current", false, true, op_current },
	{ "statfs", false, true, op_statfs },
};

static bool clean_error(int err)
{
	return err == -ENOMEM || err == -ENOSPC || err == -EFAULT || err == -EAGAIN;
}

/* The file as an operation wants to find it; mappings without any page. */
static int prepare(struct op_state *s, const struct op *op)
{
	if (ftruncate(s->fd, 0) || ftruncate(s->fd, UNITS * UNIT))
		return -errno;
	if (op->filled)
		for (int i = 0; i < UNITS; i++)
			if (pwrite(s->fd, "mark", 4, i * UNIT + 10) != 4)
				return -errno;
	return 0;
}

/* What was written before must be there still; of a hole, zero. */
static bool marks_are_there(struct op_state *s, const struct op *op)
{
	char buf[4];

	for (int i = 0; i < UNITS; i++)
		if (pread(s->fd, buf, 4, i * UNIT + 10) != 4 ||
		    memcmp(buf, op->filled ? "mark" : "\0\0\0\0", 4))
			return false;
	return true;
}

/* NULL, or why one operation with its @n-th allocation failing was wrong. */
static const char *one_failure(struct op_state *s, const struct op *op, int n,
			       int *left, int *ret)
{
	static char why[200];
	long long used, held;

	if (prepare(s, op))
		return "the file could not be prepared";
	used = hp_sum("used");
	held = file_blocks(s->fd);
	if (nth_set(n))
		return "fail-nth cannot be written";
	*ret = op->run(s);
	*left = nth_end();
	if (*left < 0)
		return "fail-nth cannot be read";
	if (!*ret) {
		if (op->undo && op->undo(s))
			return "what succeeded could not be undone";
		if (op->keeps && !eventually(hp_sum("used") == used, 5))
			return "the pool is less by something";
		return NULL;
	}
	if (!clean_error(*ret)) {
		snprintf(why, sizeof(why), "error %s", strerror(-*ret));
		return why;
	}
	/* A populate that fails keeps what it has got so far: no reservation. */
	if (op->run != op_populate &&
	    (!eventually(hp_sum("used") == used, 5) || file_blocks(s->fd) != held)) {
		snprintf(why, sizeof(why), "used %lld, was %lld; the file holds %lld, held %lld",
			 hp_sum("used"), used, file_blocks(s->fd), held);
		return why;
	}
	return marks_are_there(s, op) ? NULL : "content has changed";
}

static int state_init(struct op_state *s, struct hp_env *env, const char *pool)
{
	*s = (struct op_state){ env, hp_open_sized(env, "f", UNITS * UNIT),
				.pool = pool };
	snprintf(s->dir, sizeof(s->dir), "%s-inject", env->dir);
	snprintf(s->cgroup, sizeof(s->cgroup), "%s/inject", env->top.path);
	if (s->fd < 0)
		return s->fd;
	s->map = mmap(NULL, UNITS * UNIT, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->map == MAP_FAILED || mkdir(s->dir, 0755))
		return -errno;
	return nth_set(0);
}

/* --- rows --- */

TEST_F_TIMEOUT(inject, each_allocation_in_turn, 1200)
{
	struct op_state s;
	int n, left, ret = -EIO, all = 0;
	const char *why;

	ASSERT_OK(state_init(&s, &self->env, variant->pool));
	for (int i = 0; i < (int)ARRAY_SIZE(ops); i++) {
		int errors = 0;

		for (n = 1, left = 0; !left && n < MOST_FAILURES; n++) {
			why = one_failure(&s, &ops[i], n, &left, &ret);
			EXPECT_TRUE(!why)
				TH_LOG("%s, allocation %d: %s", ops[i].name, n, why);
			if (why)
				break;
			errors += !!ret;
		}
		/* Not all used up: this time nothing failed, and it must work. */
		EXPECT_EQ(0, ret)
			TH_LOG("%s without a failure", ops[i].name);
		EXPECT_GT(MOST_FAILURES, n)
			TH_LOG("%s never ends", ops[i].name);
		printf("# %s: %d allocations, %d of them an error\n", ops[i].name,
		       n - 2, errors);
		all += errors;
	}
	/* Or nothing was made to fail at all. */
	EXPECT_LT(0, all);
	ASSERT_OK(rmdir(s.dir));
}

/* --- by chance --- */

static int probability(const char *percent)
{
	char path[128];
	int ret = 0;

	for (int i = 0; i < (int)ARRAY_SIZE(injectors) && !ret; i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s/probability", injectors[i]);
		ret = wr_file(path, percent);
	}
	return ret;
}

static int make_it_fail_fd = -1;

static int make_it_fail(bool on)
{
	if (make_it_fail_fd < 0)
		make_it_fail_fd = open("/proc/thread-self/make-it-fail",
				       O_RDWR | O_CLOEXEC);
	/* It may be the buffer of this very write that cannot be had. */
	for (int i = 0; i < 1000; i++)
		if (pwrite(make_it_fail_fd, on ? "1" : "0", 1, 0) == 1)
			return 0;
	return -errno;
}

struct chance {
	struct op_state s;
	double seconds;
	uint64_t rng;
	unsigned long done, errors;
};

/* 0, or what kind of thing went wrong. */
static int by_chance(void *arg)
{
	struct chance *c = arg;
	double end = now() + c->seconds;

	while (now() < end) {
		const struct op *op = &ops[rng_below(&c->rng, ARRAY_SIZE(ops))];
		long long used, held;
		int ret;

		if (prepare(&c->s, op))
			return 10;
		used = hp_sum("used");
		held = file_blocks(c->s.fd);
		if (make_it_fail(true))
			return 11;
		ret = op->run(&c->s);
		if (make_it_fail(false))
			return 12;
		c->done++;
		if (!ret && op->undo && op->undo(&c->s))
			return 13;
		if (!ret)
			continue;
		c->errors++;
		if (!clean_error(ret)) {
			printf("# %s: %s\n", op->name, strerror(-ret));
			return 14;
		}
		if (op->run == op_populate)
			continue;
		if (!eventually(hp_sum("used") == used, 5) ||
		    file_blocks(c->s.fd) != held || !marks_are_there(&c->s, op)) {
			printf("# %s: used %lld, was %lld\n", op->name,
			       hp_sum("used"), used);
			return 15;
		}
	}
	return ftruncate(c->s.fd, 0) ? 16 : 0;
}

TEST_F_TIMEOUT(inject, by_chance, 1200)
{
	struct chance *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, c);
	/* Both variants together take that long. */
	c->seconds = run_seconds(60, 60) / 2;
	c->rng = run_seed();
	ASSERT_OK(state_init(&c->s, &self->env, variant->pool));
	ASSERT_OK(probability("5"));
	EXPECT_EQ(0, hp_run(CG, by_chance, c));
	ASSERT_OK(probability("0"));
	printf("# %lu operations, %lu of them an error\n", c->done, c->errors);
	EXPECT_LT(0, c->errors);
	EXPECT_LT(c->errors, c->done);
	ASSERT_OK(rmdir(c->s.dir));
}

TEST_HARNESS_MAIN
