// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=300
 *
 * Pool memory beside ordinary memory in one cgroup. At memory.max a request for
 * pool memory is an error, soon, and nobody is killed for it: not who asks, not a
 * neighbour. Above memory.high it is slower, and can be killed while it waits.
 *
 * 4 KB allocations go by the ordinary rules of cgroup v2, to which pool memory is
 * memory that cannot be reclaimed: where it fills memory.max of a cgroup,
 *  - what is charged already stays usable, and new page cache is had by reclaiming
 *    other page cache of the cgroup;
 *  - what nothing can be reclaimed for, as anonymous memory without swap, or files
 *    of a tmpfs without pool=, makes the OOM killer choose among the processes of
 *    that cgroup and those below it. That is the level whose limit was reached:
 *    below a common parent with a limit it can be a neighbour, who asked for it;
 *  - a file of a mount with +base that was refused a block asks for such pages;
 *  - the pool memory itself stays with its files, and so charged.
 */
#include "hp_test.h"
#include "cg.h"

#define TOP	(&self->env.top)
#define B	(&self->b)
#define N	(&self->n)
#define UNITS	4		/* that can be had of the pool */
#define SLACK	(UNIT * 3 / 4)	/* and for what else a process needs */
#define SOON	20.0		/* seconds, on a busy host */

FIXTURE(memory) {
	struct hp_env env;
	struct cg b, n;
	int fd;
};

FIXTURE_SETUP(memory)
{
	HP_SETUP("pool=2M,size=2G");
	ASSERT_OK(cg_make(B, TOP, "b"));
	ASSERT_OK(cg_make(N, TOP, "n"));
	self->fd = hp_open(&self->env, "f");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(memory)
{
	EXPECT_ENDED(&self->env);
}

/*
 * memory.<file> of @cg: so much more than there is in it now. That is without page
 * cache, which would make room, and without what is charged in advance on each CPU:
 * a limit that is passed gets rid of both.
 */
static int limit_at(const struct cg *cg, const char *file, unsigned long more)
{
	char text[32];

	if (cg_write(cg, "memory.high", "0") ||
	    cg_write(cg, "memory.high", "max"))
		return -EIO;
	usleep(50000);

	snprintf(text, sizeof(text), "%llu", cg_num(cg, "memory.current") + more);
	return cg_write(cg, file, text);
}

#define EXPECT_NOBODY_KILLED(cg)					\
	do {								\
		EXPECT_EQ(0, cg_mem_event(cg, "oom"));			\
		EXPECT_EQ(0, cg_mem_event(cg, "oom_kill"));		\
	} while (0)

/* --- a neighbour that wants to be left alone --- */

struct neighbour {
	volatile int *stop, *ready;	/* shared with it */
	pid_t pid;
};

static int live(const struct neighbour *nb, const struct cg *cg)
{
	unsigned char *p = mmap(NULL, UNIT, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (cg_join(cg) || p == MAP_FAILED)
		return 99;
	do {
		for (unsigned long i = 0; i < UNIT; i += 4096)
			p[i]++;
		*nb->ready = 1;
		usleep(1000);
	} while (!*nb->stop);
	return 0;
}

/* One that runs @run, or by itself uses a bit of memory again and again. */
static int neighbour_start(struct neighbour *nb, const struct cg *cg,
			   int (*run)(const struct neighbour *nb,
				      const struct cg *cg))
{
	volatile int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (word == MAP_FAILED)
		return -errno;
	nb->stop = word;
	nb->ready = word + 1;
	nb->pid = hp_fork();
	if (!nb->pid)
		_exit(run(nb, cg));
	return eventually(*nb->ready, 20) ? 0 : -ETIMEDOUT;
}

static int neighbour_end(struct neighbour *nb)
{
	*nb->stop = 1;
	return hp_wait(nb->pid);
}

/* --- memory.max --- */

struct asker {
	struct hp_env *env;
	int nr;
};

static unsigned char page[4096];

/* Asks in every way for what it cannot get, and again; all must say so. */
static int ask(void *arg)
{
	struct asker *a = arg;
	char name[16];
	unsigned char *p;
	int fd;

	snprintf(name, sizeof(name), "ask%d", a->nr);
	fd = hp_open_sized(a->env, name, 16 * UNIT);
	p = mmap(NULL, 16 * UNIT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return 99;
	for (int i = 0; i < 10; i++) {
		if (!fallocate(fd, 0, 0, UNIT) || errno != ENOSPC)
			return 1;
		if (pwrite(fd, page, 4096, 5 * UNIT) >= 0 || errno != ENOSPC)
			return 2;
		if (touch_write(p + 7 * UNIT, 1) != SIGBUS)
			return 3;
		if (touch_read(p + 7 * UNIT) != SIGBUS)
			return 4;
	}
	return file_blocks(fd) ? 5 : 0;
}

static int ask_all(struct hp_env *env, const struct cg *cg, double *took)
{
	double begin = now();
	struct asker a[3];
	pid_t pid[3];
	int ret = 0;

	for (int i = 0; i < 3; i++) {
		a[i] = (struct asker){ env, i };
		pid[i] = hp_fork();
		if (!pid[i])
			_exit(cg_join(cg) ? 98 : ask(&a[i]));
	}
	for (int i = 0; i < 3; i++)
		ret |= hp_wait(pid[i]);
	*took = now() - begin;
	return ret;
}

TEST_F(memory, filled_by_pool_memory)
{
	struct neighbour nb;
	double took;

	ASSERT_OK(neighbour_start(&nb, N, live));
	ASSERT_OK(cg_fallocate(B, CG, self->fd, 0, UNITS * UNIT));
	ASSERT_OK(limit_at(B, "memory.max", SLACK));
	EXPECT_EQ(0, ask_all(&self->env, B, &took));
	EXPECT_GT(SOON, took);
	EXPECT_LT(0, cg_mem_event(B, "max"));
	EXPECT_EQ(UNITS * UNIT, cg_hp(B, "current", "2MB"));
	/* Of memory.hugepool.max nothing was said, and the pool has enough. */
	EXPECT_EQ(0, cg_event(TOP, "max"));
	EXPECT_EQ(0, cg_event(TOP, "nospc"));
	EXPECT_EQ(0, neighbour_end(&nb));
	EXPECT_NOBODY_KILLED(TOP);
}

/* Filled by one child up to the limit of the parent: for the other as well. */
TEST_F(memory, filled_by_a_neighbour)
{
	struct neighbour nb;
	double took;

	ASSERT_OK(neighbour_start(&nb, N, live));
	ASSERT_OK(cg_fallocate(B, CG, self->fd, 0, UNITS * UNIT));
	ASSERT_OK(limit_at(TOP, "memory.max", SLACK));
	EXPECT_EQ(0, ask_all(&self->env, N, &took));
	EXPECT_GT(SOON, took);
	EXPECT_EQ(0, ask_all(&self->env, B, &took));
	EXPECT_GT(SOON, took);
	EXPECT_EQ(0, neighbour_end(&nb));
	EXPECT_NOBODY_KILLED(TOP);
	EXPECT_EQ(UNITS * UNIT, cg_hp(TOP, "current", "2MB"));
	/* At once again when there is room. */
	ASSERT_OK(ftruncate(self->fd, UNIT));
	EXPECT_OK(cg_fallocate(N, CG, self->fd, UNIT, UNIT));
}

/* --- 4 KB pages of a cgroup that pool memory fills --- */

/* Anonymous memory beyond what is left. */
static int want_anon(void *arg)
{
	size_t len = 4 * UNIT;
	unsigned char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	madvise(p, len, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < len; i += 4096)
		p[i] = 1;
	return 0;
}

/* The same with pool memory in its own address space. */
static int map_and_want_anon(void *arg)
{
	unsigned char *p = mmap(NULL, UNITS * UNIT, PROT_READ | PROT_WRITE,
				MAP_SHARED, *(int *)arg, 0);

	for (int i = 0; i < UNITS; i++)
		if (touch_write(p + i * UNIT, 0x42))
			return 1;
	return want_anon(NULL);
}

/* Files of a tmpfs, which without swap nothing can be reclaimed of, either. */
static int want_tmpfs(void *arg)
{
	int fd = memfd_create("ordinary", MFD_CLOEXEC);

	for (unsigned long i = 0; i < 4 * UNIT / 4096; i++)
		if (write(fd, page, 4096) != 4096)
			return errno;
	return 0;
}

/* In a mount with +base, where there is no room for another block. */
static int want_base(void *arg)
{
	int fd = hp_open(arg, "m/f");

	for (unsigned long i = 0; i < 4 * UNIT / 4096; i++)
		if (pwrite(fd, page, 4096, i * 4096) != 4096)
			return errno;
	return 0;
}

/* Page cache: more than there is room for, but it can be reclaimed. */
static int want_cache(void *arg)
{
	char buf[64 * 1024];
	size_t all = 0;
	ssize_t n;
	int fd;

	fd = open("/usr/bin/perl", O_RDONLY);
	if (fd < 0)
		fd = open("/bin/bash", O_RDONLY);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		all += n;
	return n || !all;
}

/* @fn in a cgroup that the file fills; it, and nobody else, was killed. */
#define EXPECT_KILLED_BY_ITS_OWN(fn, arg)				\
	do {								\
		struct neighbour __nb;					\
									\
		ASSERT_OK(neighbour_start(&__nb, N, live));		\
		ASSERT_OK(cg_fallocate(B, CG, self->fd, 0, UNITS * UNIT)); \
		ASSERT_OK(limit_at(B, "memory.max", SLACK));		\
		EXPECT_EQ(128 + SIGKILL, hp_run(B, fn, arg));		\
		EXPECT_EQ(1, cg_mem_event(B, "oom_kill"));		\
		EXPECT_LE(1, cg_mem_event(B, "oom"));			\
		EXPECT_EQ(0, cg_mem_event(N, "oom_kill"));		\
		EXPECT_EQ(0, neighbour_end(&__nb));			\
		/* Pool memory is of no help then, and is not lost. */	\
		EXPECT_EQ(UNITS * UNIT, cg_hp(B, "current", "2MB"));	\
		EXPECT_EQ(UNITS * UNIT, file_blocks(self->fd));		\
	} while (0)

TEST_F(memory, anonymous_memory_is_killed_for)
{
	EXPECT_KILLED_BY_ITS_OWN(want_anon, NULL);
}

TEST_F(memory, who_maps_pool_memory_is_killed_without_it)
{
	unsigned char byte = 0;

	EXPECT_KILLED_BY_ITS_OWN(map_and_want_anon, &self->fd);
	ASSERT_EQ(1, pread(self->fd, &byte, 1, (UNITS - 1) * UNIT));
	EXPECT_EQ(0x42, byte);
}

TEST_F(memory, ordinary_tmpfs_is_killed_for)
{
	EXPECT_KILLED_BY_ITS_OWN(want_tmpfs, NULL);
}

TEST_F(memory, base_pages_are_killed_for)
{
	char dir[96];

	snprintf(dir, sizeof(dir), "%s/m", self->env.dir);
	ASSERT_OK(mkdir(dir, 0755));
	ASSERT_OK(hp_mount(dir, "pool=2M+base"));
	EXPECT_KILLED_BY_ITS_OWN(want_base, &self->env);
	/* The block was refused without anybody being killed for that. */
	EXPECT_LT(0, cg_event_local(B, "fallback"));
	ASSERT_OK(hp_umount(dir));
}

TEST_F(memory, page_cache_goes_round)
{
	ASSERT_OK(cg_fallocate(B, CG, self->fd, 0, UNITS * UNIT));
	ASSERT_OK(limit_at(B, "memory.max", SLACK));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, hp_run(B, want_cache, NULL));
	EXPECT_NOBODY_KILLED(B);
	EXPECT_EQ(UNITS * UNIT, cg_hp(B, "current", "2MB"));
}

/* Below the limit of a common parent it is the largest of all. */
TEST_F(memory, ordinary_rules_at_the_parents_limit)
{
	ASSERT_OK(cg_fallocate(B, CG, self->fd, 0, UNITS * UNIT));
	ASSERT_OK(limit_at(TOP, "memory.max", 3 * UNIT));
	EXPECT_EQ(128 + SIGKILL, hp_run(N, want_anon, NULL));
	EXPECT_EQ(1, cg_mem_event(N, "oom_kill"));
	EXPECT_EQ(1, cg_mem_event(TOP, "oom_kill"));
	EXPECT_EQ(0, cg_mem_event(B, "oom_kill"));
	EXPECT_EQ(UNITS * UNIT, cg_hp(B, "current", "2MB"));
}

static int round_fd;

/* Takes pool memory and gives it back, at the limit, until it is told to stop. */
static int take_and_give(const struct neighbour *nb, const struct cg *cg)
{
	if (cg_join(cg))
		return 99;
	while (!*nb->stop) {
		for (int i = 0; i < 2; i++)
			if (fallocate(round_fd, 0, i * UNIT, UNIT) &&
			    errno != ENOSPC)
				return 1;
		if (ftruncate(round_fd, 0))
			return 2;
		*nb->ready = 1;
	}
	return 0;
}

/* An OOM kill in the same cgroup neither stops nor kills who asks the pool. */
TEST_F(memory, beside_an_oom_kill)
{
	struct neighbour nb;
	double begin;

	round_fd = hp_open(&self->env, "round");
	ASSERT_OK(cg_fallocate(B, CG, self->fd, 0, UNITS * UNIT));
	ASSERT_OK(limit_at(B, "memory.max", UNIT + SLACK));
	ASSERT_OK(neighbour_start(&nb, B, take_and_give));
	begin = now();
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(128 + SIGKILL, hp_run(B, want_anon, NULL));
	EXPECT_EQ(0, neighbour_end(&nb));
	EXPECT_GT(3 * SOON, now() - begin);
	EXPECT_EQ(3, cg_mem_event(B, "oom_kill"));
	EXPECT_EQ(UNITS * UNIT, cg_hp(B, "current", "2MB"));
}

/* --- memory.high --- */

struct taker {
	struct hp_env *env;
	int units;
};

static int take_units(void *arg)
{
	struct taker *t = arg;
	int fd = hp_open(t->env, "taker");

	for (int i = 0; i < t->units; i++)
		if (fallocate(fd, 0, i * UNIT, UNIT))
			return errno;
	return 0;
}

static int touch_units(void *arg)
{
	struct taker *t = arg;
	int fd = hp_open_sized(t->env, "toucher", t->units * UNIT);
	unsigned char *p = mmap(NULL, t->units * UNIT, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	for (int i = 0; i < t->units; i++)
		if (touch_write(p + i * UNIT, 1))
			return 1;
	return 0;
}

TEST_F(memory, above_high_it_goes_on)
{
	struct taker t = { &self->env, 2 };
	struct neighbour nb;
	double begin;

	ASSERT_OK(neighbour_start(&nb, N, live));
	ASSERT_OK(limit_at(B, "memory.high", SLACK));
	begin = now();
	EXPECT_EQ(0, hp_run(B, take_units, &t));
	EXPECT_EQ(0, hp_run(B, touch_units, &t));
	EXPECT_GT(SOON, now() - begin);
	EXPECT_EQ(4 * UNIT, cg_hp(B, "current", "2MB"));
	EXPECT_LT(0, cg_mem_event(B, "high"));
	EXPECT_EQ(0, cg_mem_event(N, "high"));
	/* Who is not in it does not wait. */
	begin = now();
	EXPECT_OK(cg_fallocate(N, CG, self->fd, 0, 8 * UNIT));
	EXPECT_GT(SOON / 2, now() - begin);
	EXPECT_EQ(0, neighbour_end(&nb));
	EXPECT_NOBODY_KILLED(TOP);
}

TEST_F(memory, killed_while_it_is_throttled)
{
	int (* const way[])(void *) = { take_units, touch_units };
	struct taker t = { &self->env, 200 };
	double begin;
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		long long high = cg_mem_event(B, "high");

		ASSERT_OK(limit_at(B, "memory.high", SLACK));
		pid = hp_fork();
		if (!pid)
			_exit(cg_join(B) ? 99 : way[i](&t));
		ASSERT_TRUE(eventually(cg_mem_event(B, "high") > high + 1, 20));
		usleep(100000);
		begin = now();
		kill(pid, SIGKILL);
		/* Of two hundred it is not done by then. */
		EXPECT_EQ(128 + SIGKILL, hp_wait(pid));
		EXPECT_GT(SOON / 2, now() - begin);
	}
	EXPECT_NOBODY_KILLED(TOP);
}

/* --- the numbers --- */

/* What is counted for a cgroup. */
struct numbers {
	long long current, hugepool, shmem, file, unevictable;
};

static struct numbers numbers(const struct cg *cg)
{
	return (struct numbers){
		.current = cg_num(cg, "memory.current"),
		.hugepool = cg_key(cg, "memory.stat", "hugepool"),
		.shmem = cg_key(cg, "memory.stat", "shmem"),
		.file = cg_key(cg, "memory.stat", "file"),
		.unevictable = cg_key(cg, "memory.stat", "unevictable"),
	};
}

#define EXPECT_GREW(cg, was, blocks, pages)				\
	do {								\
		struct numbers is = numbers(cg);			\
		long long all = (blocks) * UNIT + (pages) * 4096UL;	\
									\
		EXPECT_EQ((blocks) * UNIT, is.hugepool - (was)->hugepool); \
		EXPECT_EQ(all, is.shmem - (was)->shmem);		\
		EXPECT_EQ(all, is.file - (was)->file);			\
		EXPECT_EQ(0, is.unevictable - (was)->unevictable);	\
		/* It counts in batches, and what else is charged. */	\
		EXPECT_GE(SLACK, llabs(is.current - (was)->current - all)); \
	} while (0)

static int write_ordinary(void *arg)
{
	return pwrite(*(int *)arg, page, 4096, 0) != 4096;
}

TEST_F(memory, stat_is_exact)
{
	struct taker t = { &self->env, 3 };
	struct numbers b, top, n;
	int mem = memfd_create("ordinary", MFD_CLOEXEC);

	/* Once before, for what a first process of a cgroup leaves in it. */
	ASSERT_EQ(0, hp_run(B, want_cache, NULL));
	b = numbers(B);
	top = numbers(TOP);
	n = numbers(N);
	ASSERT_EQ(0, b.hugepool);
	ASSERT_EQ(0, hp_run(B, take_units, &t));
	EXPECT_GREW(B, &b, 3, 0);
	EXPECT_GREW(TOP, &top, 3, 0);
	ASSERT_EQ(0, hp_run(B, touch_units, &t));
	EXPECT_GREW(B, &b, 6, 0);
	EXPECT_GREW(TOP, &top, 6, 0);
	ASSERT_EQ(0, hp_run(B, write_ordinary, &mem));
	/* So little is not in memory.stat at once. */
	eventually(numbers(B).shmem - b.shmem == 6 * UNIT + 4096, 5);
	EXPECT_GREW(B, &b, 6, 1);
	EXPECT_GREW(TOP, &top, 6, 1);
	EXPECT_GREW(N, &n, 0, 0);
	close(mem);
	eventually(numbers(B).shmem - b.shmem == 6 * UNIT, 5);
	ASSERT_OK(ftruncate(hp_open(&self->env, "taker"), UNIT));
	ASSERT_OK(ftruncate(hp_open(&self->env, "toucher"), 0));
	EXPECT_GREW(B, &b, 1, 0);
	EXPECT_GREW(TOP, &top, 1, 0);
}

/* Nothing to reclaim: soon said, and nothing lost. */
TEST_F(memory, reclaim_finds_nothing)
{
	double begin = now();

	ASSERT_OK(cg_fallocate(B, CG, self->fd, 0, UNITS * UNIT));
	EXPECT_EQ(-EAGAIN, cg_write(B, "memory.reclaim", "64M"));
	EXPECT_GT(SOON, now() - begin);
	EXPECT_EQ(UNITS * UNIT, cg_hp(B, "current", "2MB"));
	EXPECT_EQ(UNITS * UNIT, file_blocks(self->fd));
	EXPECT_NOBODY_KILLED(TOP);
}

TEST_HARNESS_MAIN
