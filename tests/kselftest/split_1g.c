// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=gb timeout=1200
 *
 * 1 GB blocks that lose a part of themselves. With 1G+2M whole units go back to
 * the pool, whatever is left keeps its contents, and the owner's cgroup holds it
 * as 2 MB; with 1G a block stays whole. A block whose units are all back is one
 * again. A block that somebody else refers to stays whole, and is cleared.
 */
#include <liburing.h>
#include <linux/falloc.h>
#include <pthread.h>

#include "hp_test.h"
#include "shadow.h"

/* A row goes over 1 GB several times, under emulation. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	300

#define GB		(1UL << 30)
#define CURRENT_1G	cg_hp(CG, "current", "1GB")

FIXTURE(split_1g) {
	struct hp_env env;
	struct shadow s;
};

FIXTURE_VARIANT(split_1g) {
	const char *opts;
	bool units;		/* units can go back */
};

FIXTURE_VARIANT_ADD(split_1g, both) {
	.opts = "pool=1G+2M,mpol=bind:0,size=2G", .units = true,
};

FIXTURE_VARIANT_ADD(split_1g, whole) {
	.opts = "pool=1G,mpol=bind:0,size=2G",
};

/* With huge pages the copy costs seconds less. */
static void *big(void)
{
	void *p = mmap(NULL, GB + UNIT, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	p = (void *)(((unsigned long)p + UNIT - 1) & ~(UNIT - 1));
	madvise(p, GB, MADV_HUGEPAGE);
	return p;
}

static int open_block(struct hp_env *env, struct shadow *s, bool written)
{
	int ret = 0;

	s->fd = hp_open(env, "f");
	s->buf = big();
	/* Room for the largest write; verify() needs no copy of all. */
	s->tmp = malloc(4 * UNIT);
	s->cap = GB;
	s->size = 0;
	s->rng = 1;
	if (s->fd < 0 || !s->buf || !s->tmp)
		return -ENOMEM;
	if (sh_truncate(s, GB) || sh_fallocate(s, 0, GB, 0))
		return -errno;
	/* Something in every unit, and what crosses from one to the next. */
	for (unsigned long u = 0; written && !ret && u < GB / UNIT; u++)
		ret = sh_pwrite(s, u * UNIT + 100 * u, 8192);
	for (unsigned long u = 1; written && !ret && u < GB / UNIT; u += 31)
		ret = sh_pwrite(s, u * UNIT - 5000, 10000);
	return ret;
}

FIXTURE_SETUP(split_1g)
{
	HP_SETUP(variant->opts);
	ASSERT_OK(open_block(&self->env, &self->s, true));
	ASSERT_EQ(GB, CURRENT_1G);
	ASSERT_EQ(0, CURRENT_2M);
	ASSERT_EQ(GB, hp_attr(0, "1GB/used"));
}

FIXTURE_TEARDOWN_PARENT(split_1g)
{
	EXPECT_ENDED(&self->env);
}

/* The books of node 0 and of the cgroup, with @lost units back in the pool. */
static const char *books(struct hp_env *env, bool broken, long long lost)
{
	const struct hp_node *was = &env->before.node[0];
	long long left = broken ? (long long)GB - lost * (long long)UNIT : 0;
	static char why[200];
	struct hp_pool now;
	struct hp_node *n = &now.node[0];
	struct cg *cg = &env->cg;

	hp_read(&now);
	if (n->total != n->free + n->used + n->poisoned ||
	    n->total != n->total_2m + n->total_1g + n->poisoned ||
	    n->total_2m != n->free_2m + n->used_2m ||
	    n->total_1g != n->free_1g + n->used_1g)
		return "the sums do not hold";
	snprintf(why, sizeof(why),
		 "2MB total %lld used %lld free %lld, 1GB total %lld used %lld, broken %lld, current %lld %lld",
		 n->total_2m, n->used_2m, n->free_2m, n->total_1g, n->used_1g,
		 n->broken, cg_hp(cg, "current", "2MB"),
		 cg_hp(cg, "current", "1GB"));
	if (n->total != was->total || n->broken != (broken ? GB : 0) ||
	    n->total_1g != was->total_1g - (broken ? GB : 0) ||
	    n->used_1g != (broken ? 0 : GB) ||
	    n->used_2m != left ||
	    n->free_2m != was->free_2m + (broken ? lost * (long long)UNIT : 0))
		return why;
	if (cg_hp(cg, "current", "2MB") != left ||
	    cg_hp(cg, "current", "2MB/node0") != left ||
	    cg_hp(cg, "current", "1GB") != (broken ? 0 : GB) ||
	    cg_hp(&env->top, "current", "2MB") != left ||
	    cg_hp(&env->top, "current", "1GB") != (broken ? 0 : GB))
		return why;
	return NULL;
}

#define EXPECT_BOOKS(broken, lost) ({					\
	const char *__why = books(&self->env, broken, lost);		\
	if (__why)							\
		TH_LOG("%s", __why);					\
	EXPECT_TRUE(!__why); })

/* sh_verify() would need as much memory again. */
static const char *verify(struct shadow *s)
{
	static char why[80];

	for (size_t off = 0; off < s->size; off += UNIT) {
		size_t len = s->size - off < UNIT ? s->size - off : UNIT;

		if (pread(s->fd, s->tmp, len, off) != (ssize_t)len)
			return "short read";
		if (!memcmp(s->tmp, s->buf + off, len))
			continue;
		snprintf(why, sizeof(why), "unit %zu differs", off / UNIT);
		return why;
	}
	return pread(s->fd, s->tmp, 1, s->size) ? "read beyond the end" : NULL;
}

#define EXPECT_SAME() ({						\
	const char *__why = verify(&self->s);				\
	if (__why)							\
		TH_LOG("%s", __why);					\
	EXPECT_TRUE(!__why); })

/* Punches of every kind: what is inside of a unit is cleared, units go back. */
static void punch_row(struct __test_metadata *_metadata,
		      FIXTURE_DATA(split_1g) *self, bool units)
{
	static const struct {
		off_t off;
		size_t len;
		long long back;		/* units that go back besides */
	} holes[] = {
		{ 17 * UNIT + 100, 5000, 0 },
		{ 100 * UNIT, UNIT, 1 },
		{ 100 * UNIT, UNIT, 0 },
		{ 98 * UNIT + 4096, 2 * UNIT, 1 },
		{ 0, 100, 0 },
		{ 0, UNIT, 1 },
		{ GB - UNIT - 1, UNIT + 1, 1 },
		{ 200 * UNIT - 1, 16 * UNIT + 2, 16 },
		{ 300 * UNIT, 64 * UNIT, 64 },
		{ 310 * UNIT, 60 * UNIT, 6 },
		{ 255 * UNIT + UNIT / 2, UNIT, 0 },
		{ 255 * UNIT, 2 * UNIT, 2 },
		{ 5 * UNIT + 4097, 90 * UNIT - 8000, 88 },
	};
	struct shadow *s = &self->s;
	long long demoted = vm_event("hugepool_demote");
	const char *why;
	long long lost = 0;

	for (unsigned int i = 0; i < sizeof(holes) / sizeof(*holes); i++) {
		ASSERT_OK(sh_punch(s, holes[i].off, holes[i].len));
		lost += units ? holes[i].back : 0;
		why = books(&self->env, lost > 0, lost);
		EXPECT_TRUE(!why)
			TH_LOG("hole %u: %s", i, why);
	}
	EXPECT_SAME();
	EXPECT_EQ(GB - lost * (long long)UNIT, file_blocks(s->fd));
	EXPECT_EQ(demoted + units, vm_event("hugepool_demote"));
	EXPECT_EQ(0, cg_event(CG, "max"));
	EXPECT_EQ(0, cg_event(CG, "nospc"));
	EXPECT_EQ(GB, cg_hp(CG, "peak", "1GB"));
	EXPECT_EQ(units ? GB : 0, cg_hp(CG, "peak", "2MB"));
	/* The holes can be filled again, by units. */
	ASSERT_OK(sh_pwrite(s, 100 * UNIT + 77, 3 * UNIT));
	ASSERT_OK(sh_pwrite(s, 5000, 10));
	EXPECT_SAME();
}

TEST_F(split_1g, punch)
{
	punch_row(_metadata, self, variant->units);
}

static void truncate_row(struct __test_metadata *_metadata,
			 FIXTURE_DATA(split_1g) *self, bool units)
{
	struct shadow *s = &self->s;

	ASSERT_OK(sh_truncate(s, GB - 1));
	EXPECT_BOOKS(false, 0);
	ASSERT_OK(sh_truncate(s, GB - UNIT - 1));
	EXPECT_BOOKS(units, 1);
	ASSERT_OK(sh_truncate(s, 300 * UNIT + 12345));
	EXPECT_BOOKS(units, 211);
	ASSERT_OK(sh_truncate(s, 300 * UNIT));
	EXPECT_BOOKS(units, 212);
	/* Grown again, what was cut off is zero. */
	ASSERT_OK(sh_truncate(s, GB));
	EXPECT_BOOKS(units, 212);
	EXPECT_SAME();
	ASSERT_OK(sh_truncate(s, 1));
	EXPECT_BOOKS(units, 511);
	ASSERT_OK(sh_truncate(s, 0));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_EQ(0, CURRENT_1G);
	EXPECT_EQ(GB, hp_attr(0, "1GB/free"));
	ASSERT_OK(sh_truncate(s, GB));
	EXPECT_SAME();
}

TEST_F(split_1g, truncate)
{
	truncate_row(_metadata, self, variant->units);
}

/* The same with ordinary pages allowed, and with a block nobody has touched. */
FIXTURE(split_base) {
	struct hp_env env;
	struct shadow s;
};

FIXTURE_VARIANT(split_base) {
	const char *opts;
	bool units;
};

FIXTURE_VARIANT_ADD(split_base, both) {
	.opts = "pool=1G+2M+base,mpol=bind:0,size=2G", .units = true,
};

FIXTURE_VARIANT_ADD(split_base, whole) {
	.opts = "pool=1G+base,mpol=bind:0,size=2G",
};

FIXTURE_SETUP(split_base)
{
	HP_SETUP(variant->opts);
	ASSERT_OK(open_block(&self->env, &self->s, false));
	ASSERT_EQ(GB, CURRENT_1G);
}

FIXTURE_TEARDOWN_PARENT(split_base)
{
	EXPECT_ENDED(&self->env);
}

TEST_F(split_base, punch)
{
	punch_row(_metadata, (void *)self, variant->units);
}

TEST_F(split_base, truncate)
{
	truncate_row(_metadata, (void *)self, variant->units);
}

/* All of it back: one block again, and handed out as one. */
TEST_F(split_1g, punch_until_whole_again)
{
	long long merged = vm_event("hugepool_merge");
	struct shadow *s = &self->s;
	int fd;

	/* Every other unit, then all: pieces of every size come back. */
	for (unsigned long u = 1; u < 40; u += 2)
		ASSERT_OK(sh_punch(s, u * UNIT, UNIT));
	EXPECT_BOOKS(variant->units, 20);
	EXPECT_SAME();
	ASSERT_OK(sh_punch(s, 0, GB));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_EQ(0, CURRENT_1G);
	EXPECT_EQ(GB, hp_attr(0, "1GB/free"));
	EXPECT_EQ(0, hp_attr(0, "1GB/broken"));
	EXPECT_EQ(0, file_blocks(s->fd));
	EXPECT_EQ(merged + variant->units, vm_event("hugepool_merge"));
	fd = hp_open_sized(&self->env, "g", GB);
	ASSERT_LE(0, fd);
	ASSERT_OK(fallocate(fd, 0, 0, GB));
	EXPECT_EQ(GB, hp_attr(0, "1GB/used"));
	EXPECT_EQ(GB, CURRENT_1G);
	ASSERT_EQ(5, pwrite(fd, "hello", 5, GB - 5));
	close(fd);
}

/* Whatever the limit for 2 MB: the move is neither refused nor an event. */
TEST_F(split_1g, above_the_limit)
{
	struct shadow *s = &self->s;

	ASSERT_OK(cg_limit(CG, "2MB", 0));
	ASSERT_OK(cg_limit(&self->env.top, "2MB/node0", UNIT));
	ASSERT_OK(sh_punch(s, 3 * UNIT, 2 * UNIT));
	EXPECT_BOOKS(variant->units, 2);
	EXPECT_EQ(0, cg_event(CG, "max"));
	EXPECT_EQ(0, cg_event(&self->env.top, "max"));
	if (!variant->units)
		return;
	/* But nothing more can be had. */
	EXPECT_ERRNO(ENOSPC, fallocate(s->fd, 0, 3 * UNIT, UNIT));
	EXPECT_EQ(1, cg_event(CG, "max"));
	EXPECT_BOOKS(true, 2);
}

/*
 * A pipe refers to pages of the block: nothing waits for it, nothing of it goes
 * back, and what the file reads is zero all the same.
 */
TEST_F(split_1g, referred_to)
{
	struct shadow *s = &self->s;
	loff_t off = 50 * UNIT;
	char buf[4096];
	int p[2];

	ASSERT_OK(sh_pwrite(s, 0, 100));
	ASSERT_OK(pipe(p));
	ASSERT_EQ(4096, splice(s->fd, &off, p[1], NULL, 4096, 0));
	ASSERT_OK(sh_punch(s, 3 * UNIT + 7, 2 * UNIT));
	EXPECT_BOOKS(false, 0);
	ASSERT_OK(sh_punch(s, 49 * UNIT, 4 * UNIT));
	EXPECT_BOOKS(false, 0);
	ASSERT_OK(sh_truncate(s, 100 * UNIT));
	EXPECT_BOOKS(false, 0);
	EXPECT_SAME();
	ASSERT_OK(sh_truncate(s, GB));
	EXPECT_SAME();
	/* It is the page of the file that the pipe has, cleared with it. */
	ASSERT_EQ(4096, read(p[0], buf, 4096));
	EXPECT_EQ(4096, first_not(buf, 4096, 0));
	ASSERT_OK(sh_punch(s, 49 * UNIT, 4 * UNIT));
	EXPECT_BOOKS(variant->units, 4);
	EXPECT_SAME();
	close(p[0]);
	close(p[1]);
}

/* So does a device that has pages of it pinned, and what it writes stays. */
TEST_F(split_1g, pinned)
{
	struct shadow *s = &self->s;
	struct io_uring ring;
	struct iovec iov;
	unsigned char *p;

	p = mmap(NULL, GB, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	iov.iov_base = p + 60 * UNIT - 4096;
	iov.iov_len = 8192;
	ASSERT_OK(io_uring_queue_init(2, &ring, 0));
	ASSERT_OK(io_uring_register_buffers(&ring, &iov, 1));
	ASSERT_OK(sh_punch(s, 60 * UNIT, 4 * UNIT));
	EXPECT_BOOKS(false, 0);
	ASSERT_OK(sh_punch(s, 70 * UNIT + 5, 4 * UNIT));
	EXPECT_BOOKS(false, 0);
	ASSERT_OK(sh_truncate(s, 100 * UNIT));
	EXPECT_BOOKS(false, 0);
	ASSERT_OK(sh_truncate(s, GB));
	EXPECT_SAME();
	EXPECT_EQ(0, p[60 * UNIT]);
	ASSERT_OK(io_uring_unregister_buffers(&ring));
	io_uring_queue_exit(&ring);
	/* Unpinning may be left to a worker. */
	EXPECT_TRUE(eventually(!sh_punch(s, 60 * UNIT, 4 * UNIT) &&
			       !books(&self->env, variant->units, 4), 5));
	EXPECT_SAME();
	munmap(p, GB);
}

/* Through a mapping of all of it, the holes are zero, and the rest as it was. */
TEST_F(split_1g, mapped)
{
	struct shadow *s = &self->s;
	unsigned char *p;
	long wrong = 0;

	p = mmap(NULL, GB, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	for (int round = 0; round < 3; round++) {
		for (unsigned long u = 0; u < GB / UNIT; u++) {
			unsigned long off = u * UNIT + 100 * u + 5000;

			wrong += p[off] != s->buf[off];
			p[off] = s->buf[off] = u + round;
		}
		EXPECT_EQ(0, wrong);
		ASSERT_OK(sh_punch(s, (100 * round + 7) * UNIT - 1,
				   2 * UNIT + 2));
	}
	EXPECT_EQ(0, p[7 * UNIT + 4096]);
	EXPECT_SAME();
	munmap(p, GB);
}

/* numa_stat tells the same as current. */
TEST_F(split_1g, numa_stat)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/memory.hugepool.numa_stat", CG->path);
	EXPECT_EQ(GB, rd_col(path, "shmem.1GB", "N0"));
	EXPECT_EQ(0, rd_col(path, "shmem.2MB", "N0"));
	ASSERT_OK(sh_punch(&self->s, 0, 10 * UNIT));
	EXPECT_EQ(variant->units ? 0 : GB, rd_col(path, "shmem.1GB", "N0"));
	EXPECT_EQ(variant->units ? GB - 10 * UNIT : 0,
		  rd_col(path, "shmem.2MB", "N0"));
	EXPECT_EQ(0, rd_col(path, "shmem.2MB", "N1"));
}

/* Random holes and writes against the copy; at the end all is back. */
TEST_F(split_1g, random_holes)
{
	struct shadow *s = &self->s;

	for (int i = 0; i < 60; i++) {
		off_t off = rng_below(&s->rng, GB);
		size_t len = 1 + rng_below(&s->rng, i % 3 ? 3 * UNIT : 80 * UNIT);

		if (off + len > GB)
			len = GB - off;
		if (rng_below(&s->rng, 3)) {
			ASSERT_OK(sh_punch(s, off, len));
		} else {
			if (len > 100000)
				len = 100000;
			ASSERT_OK(sh_pwrite(s, off, len));
		}
		EXPECT_EQ(hp_attr(0, "used"), CURRENT_2M + CURRENT_1G)
			TH_LOG("step %d", i);
	}
	EXPECT_SAME();
}

/* What a failed fallocate added goes, and what was there before stays. */
HP_FIXTURE(undo_1g, "pool=1G")

TEST_F(undo_1g, keeps_what_was_there)
{
	int fd = hp_open(&self->env, "f");
	char buf[8];

	ASSERT_LE(0, fd);
	ASSERT_OK(fallocate(fd, 0, GB, GB));
	EXPECT_EQ(GB, CURRENT_1G);
	/* Begins and ends within a block; the machine has two. */
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, GB / 2, 2 * GB));
	EXPECT_EQ(GB, CURRENT_1G);
	EXPECT_EQ(GB, file_blocks(fd));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, GB + GB / 2, 2 * GB));
	EXPECT_EQ(GB, CURRENT_1G);
	ASSERT_EQ(1, pwrite(fd, "x", 1, GB + 5));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, GB, 3 * GB));
	EXPECT_EQ(GB, CURRENT_1G);
	ASSERT_EQ(3, pread(fd, buf, 3, GB + 4));
	EXPECT_EQ(0, memcmp(buf, "\0x", 3));
	ASSERT_OK(fallocate(fd, 0, GB + 1, GB));
	EXPECT_EQ(2 * GB, CURRENT_1G);
	close(fd);
}

/*
 * Truncation into the middle of a hole, while a fault below the new end fills
 * it: what came in late is cleared behind the end, and truncation comes to one.
 */
HP_FIXTURE(late_fault, "pool=2M,mpol=bind:0")

static unsigned char *late_page;
static volatile bool late_stop;

static void *late_toucher(void *arg)
{
	while (!late_stop)
		(void)*(volatile unsigned char *)late_page;
	return NULL;
}

TEST_F(late_fault, truncate_ends)
{
	int fd = hp_open_sized(&self->env, "f", UNIT);
	double end = now() + 10;
	pthread_t thread;
	char buf[4096];

	ASSERT_LE(0, fd);
	late_page = mmap(NULL, UNIT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, late_page);
	ASSERT_OK(pthread_create(&thread, NULL, late_toucher, NULL));
	while (now() < end) {
		ASSERT_OK(fallocate(fd,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    0, UNIT));
		ASSERT_OK(ftruncate(fd, UNIT / 2));
		ASSERT_OK(ftruncate(fd, UNIT));
	}
	late_stop = true;
	pthread_join(thread, NULL);
	ASSERT_EQ(4096, pread(fd, buf, 4096, UNIT / 2));
	EXPECT_EQ(4096, first_not(buf, 4096, 0));
	munmap(late_page, UNIT);
	close(fd);
}

/* The debugging aid cannot split a block where nothing else may. */
TEST_F(split_1g, debugfs)
{
	char cmd[200];

	if (access("/sys/kernel/debug/split_huge_pages", W_OK))
		SKIP(return, "no split_huge_pages in debugfs");
	snprintf(cmd, sizeof(cmd), "%s/f,0x0,0x40000,0", self->env.dir);
	wr_file("/sys/kernel/debug/split_huge_pages", cmd);
	EXPECT_EQ(0, hp_attr(0, "free") + (long long)GB -
		     self->env.before.node[0].free);
	EXPECT_SAME();
	snprintf(cmd, sizeof(cmd), "%s/f,0x0,0x40000,12", self->env.dir);
	wr_file("/sys/kernel/debug/split_huge_pages", cmd);
	EXPECT_BOOKS(variant->units, 0);
	EXPECT_SAME();
}

TEST_HARNESS_MAIN
