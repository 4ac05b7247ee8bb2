// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=180
 *
 * Nothing left: a write is cut short and then ENOSPC, fallocate is ENOSPC, a
 * fault is SIGBUS, nobody is ever killed, and with +base the file goes on in
 * ordinary pages. The same for an empty pool, for memory.hugepool.max, for one
 * node's memory.hugepool.max, for the parent's, and for memory.max.
 */
#include <pthread.h>

#include "hp_test.h"

enum source { EMPTY_POOL, LIMIT, NODE_LIMITS, PARENT_LIMIT, MEMORY_MAX };

#define LEFT	3	/* units that can still be had */

/* Touched before memory.max is set, so that it is never charged against it. */
static unsigned char buf[5 * UNIT];

FIXTURE(out) {
	struct hp_env env;
	int fd;
};

FIXTURE_VARIANT(out) {
	enum source source;
};

FIXTURE_VARIANT_ADD(out, empty_pool) { EMPTY_POOL };
FIXTURE_VARIANT_ADD(out, limit) { LIMIT };
FIXTURE_VARIANT_ADD(out, node_limits) { NODE_LIMITS };
FIXTURE_VARIANT_ADD(out, parent_limit) { PARENT_LIMIT };
FIXTURE_VARIANT_ADD(out, memory_max) { MEMORY_MAX };

/* Leaves LEFT units for the test's cgroup, by the means of the variant. */
static int leave(struct hp_env *env, enum source source)
{
	char buf[32];
	int ret = 0;

	switch (source) {
	case EMPTY_POOL:
		return hp_hog(env, -1, LEFT * UNIT);
	case LIMIT:
		return cg_limit(&env->cg, "2MB", LEFT * UNIT);
	case NODE_LIMITS:
		for (int node = 0; node < hp_nr_nodes() && !ret; node++) {
			snprintf(buf, sizeof(buf), "2MB/node%d", node);
			ret = cg_limit(&env->cg, buf, node ? 0 : LEFT * UNIT);
		}
		return ret;
	case PARENT_LIMIT:
		return cg_limit(&env->top, "2MB", LEFT * UNIT);
	case MEMORY_MAX:
		/* Room for page tables and the like, not for another unit. */
		snprintf(buf, sizeof(buf), "%llu",
			 cg_num(&env->cg, "memory.current") + LEFT * UNIT +
			 UNIT * 3 / 4);
		return cg_write(&env->cg, "memory.max", buf);
	}
	return -EINVAL;
}

/* size= beyond the pool, or the hog would fill the mount as well. */
FIXTURE_SETUP(out)
{
	HP_SETUP("pool=2M,size=2G");
	self->fd = hp_open(&self->env, "a");
	ASSERT_LE(0, self->fd);
	memset(buf, 0x3c, sizeof(buf));
	ASSERT_OK(leave(&self->env, variant->source));
}

FIXTURE_TEARDOWN_PARENT(out)
{
	/* The rule that holds on every row: an error, never a kill. */
	EXPECT_EQ(0, cg_key(CG, "memory.events", "oom_kill"));
	EXPECT_EQ(0, cg_key(CG, "memory.events", "oom"));
	EXPECT_ENDED(&self->env);
}

/*
 * Counted refusals, seen where they belong: a limit's at the level that has the
 * limit, an empty pool's at the one who asked, and each at the levels above.
 */
static long long refusals(struct hp_env *env, enum source source)
{
	struct cg *at = source == PARENT_LIMIT ? &env->top : &env->cg;
	const char *event = source == EMPTY_POOL ? "nospc" : "max";
	const char *other = source == EMPTY_POOL ? "max" : "nospc";

	if (cg_event(&env->top, event) != cg_event(at, event) ||
	    cg_event(at, other))
		return -1;
	if (source == PARENT_LIMIT && cg_event(&env->cg, event))
		return -2;
	return cg_event_local(at, event) == cg_event(at, event) ?
		cg_event(at, event) : -3;
}

/* memory.max is no limit of the pool: its refusals are in memory.events. */
#define EXPECT_REFUSED(n)						\
	do {								\
		if (variant->source != MEMORY_MAX) {			\
			EXPECT_EQ(n, refusals(&self->env,		\
					      variant->source));	\
		}							\
	} while (0)

TEST_F(out, write_is_cut_short_then_enospc)
{
	ssize_t n;

	n = write(self->fd, buf, sizeof(buf));
	EXPECT_EQ(LEFT * UNIT, n);
	EXPECT_ERRNO(ENOSPC, write(self->fd, buf, 1));
	EXPECT_EQ(LEFT * UNIT, CURRENT_2M);
	/* What is there can be written on. */
	EXPECT_EQ(100, pwrite(self->fd, buf, 100, UNIT - 50));
	ASSERT_EQ(LEFT * UNIT, pread(self->fd, buf, sizeof(buf), 0));
	EXPECT_EQ(LEFT * UNIT, first_not(buf, LEFT * UNIT, 0x3c));
}

TEST_F(out, fallocate_is_enospc)
{
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, (LEFT + 1) * UNIT));
	EXPECT_REFUSED(1);
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_OK(fallocate(self->fd, 0, 0, LEFT * UNIT));
	EXPECT_REFUSED(1);
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, LEFT * UNIT, 1));
	EXPECT_REFUSED(2);
	EXPECT_EQ(LEFT * UNIT, CURRENT_2M);
}

TEST_F(out, fault_is_sigbus)
{
	unsigned char *p;

	ASSERT_OK(ftruncate(self->fd, 5 * UNIT));
	p = mmap(NULL, 5 * UNIT, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd,
		 0);
	ASSERT_NE(MAP_FAILED, p);
	for (int i = 0; i < LEFT; i++)
		ASSERT_OK(touch_write(p + i * UNIT, 1));
	EXPECT_REFUSED(0);
	EXPECT_EQ(SIGBUS, touch_write(p + LEFT * UNIT, 1));
	EXPECT_REFUSED(1);
	EXPECT_EQ(SIGBUS, touch_read(p + LEFT * UNIT + 5));
	EXPECT_EQ(LEFT * UNIT, CURRENT_2M);
	/* One unit given back is one that can be had again. */
	ASSERT_OK(fallocate(self->fd, FALLOC_FL_PUNCH_HOLE |
			    FALLOC_FL_KEEP_SIZE, 0, UNIT));
	EXPECT_OK(touch_write(p + LEFT * UNIT, 1));
	EXPECT_EQ(SIGBUS, touch_write(p, 1));
}

/* get_user_pages meets the same end: an error code, no loop. */
TEST_F(out, a_system_call_gets_efault)
{
	unsigned char *p;
	int zero;

	ASSERT_OK(fallocate(self->fd, 0, 0, LEFT * UNIT));
	ASSERT_OK(ftruncate(self->fd, 5 * UNIT));
	p = mmap(NULL, 5 * UNIT, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd,
		 0);
	ASSERT_NE(MAP_FAILED, p);
	zero = open("/dev/zero", O_RDONLY);
	EXPECT_ERRNO(EFAULT, read(zero, p + LEFT * UNIT, 10));
}

TEST_F(out, populate_stops_without_harm)
{
	unsigned char *p;

	ASSERT_OK(ftruncate(self->fd, 5 * UNIT));
	p = mmap(NULL, 5 * UNIT, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_POPULATE, self->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(LEFT * UNIT, CURRENT_2M);
	EXPECT_OK(touch_write(p, 1));
	EXPECT_EQ(SIGBUS, touch_write(p + LEFT * UNIT, 1));
}

TEST_F(out, a_hole_can_be_read)
{
	ASSERT_OK(fallocate(self->fd, 0, 0, LEFT * UNIT));
	ASSERT_OK(ftruncate(self->fd, 5 * UNIT));
	EXPECT_EQ(UNIT, pread(self->fd, buf, UNIT, 4 * UNIT));
	EXPECT_EQ(UNIT, first_not(buf, UNIT, 0));
	EXPECT_EQ(LEFT * UNIT, CURRENT_2M);
}

TEST_F(out, splice_is_enospc)
{
	int p[2];

	ASSERT_OK(fallocate(self->fd, 0, 0, LEFT * UNIT));
	ASSERT_OK(pipe(p));
	ASSERT_EQ(5, write(p[1], "hello", 5));
	lseek(self->fd, LEFT * UNIT, SEEK_SET);
	EXPECT_ERRNO(ENOSPC, splice(p[0], NULL, self->fd, NULL, 5, 0));
	EXPECT_EQ(LEFT * UNIT, file_blocks(self->fd));
}

struct racer {
	unsigned char *p;
	pthread_barrier_t *go;
	int failed;
};

static void *race(void *arg)
{
	struct racer *r = arg;

	pthread_barrier_wait(r->go);
	/* An errno instead of a signal, so that threads can do it. */
	for (int i = 0; i < LEFT; i++)
		if (madvise(r->p + i * UNIT, UNIT, MADV_POPULATE_WRITE))
			r->failed = errno;
	return NULL;
}

/* Two who fault the last block of one file in together both get it. */
TEST_F(out, racing_faults_on_the_last_block)
{
	pthread_barrier_t go;
	pthread_t t[2];
	struct racer r[2];
	unsigned char *p;

	ASSERT_OK(ftruncate(self->fd, LEFT * UNIT));
	p = mmap(NULL, LEFT * UNIT, PROT_READ | PROT_WRITE, MAP_SHARED,
		 self->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	for (int round = 0; round < 10; round++) {
		pthread_barrier_init(&go, NULL, 2);
		for (int i = 0; i < 2; i++) {
			r[i] = (struct racer){ p, &go };
			ASSERT_OK(pthread_create(&t[i], NULL, race, &r[i]));
		}
		for (int i = 0; i < 2; i++) {
			pthread_join(t[i], NULL);
			ASSERT_EQ(0, r[i].failed)
				TH_LOG("round %d", round);
		}
		ASSERT_EQ(LEFT * UNIT, CURRENT_2M);
		ASSERT_OK(fallocate(self->fd, FALLOC_FL_PUNCH_HOLE |
				    FALLOC_FL_KEEP_SIZE, 0, LEFT * UNIT));
	}
}

/* Directories, links and empty files need no block. */
TEST_F(out, names_need_no_block)
{
	char path[160], target[300];

	ASSERT_OK(fallocate(self->fd, 0, 0, LEFT * UNIT));
	snprintf(path, sizeof(path), "%s/dir", self->env.dir);
	EXPECT_OK(mkdir(path, 0755));
	memset(target, 'x', sizeof(target) - 1);
	target[sizeof(target) - 1] = '\0';
	snprintf(path, sizeof(path), "%s/dir/link", self->env.dir);
	EXPECT_OK(symlink(target, path));
	EXPECT_EQ(299, readlink(path, target, sizeof(target)));
	EXPECT_LE(0, hp_open(&self->env, "empty"));
}

/* --- with base --- */

FIXTURE(base) {
	struct hp_env env;
	int fd;
};

FIXTURE_VARIANT(base) {
	enum source source;
};

FIXTURE_VARIANT_ADD(base, empty_pool) { EMPTY_POOL };
FIXTURE_VARIANT_ADD(base, limit) { LIMIT };
FIXTURE_VARIANT_ADD(base, node_limits) { NODE_LIMITS };
FIXTURE_VARIANT_ADD(base, parent_limit) { PARENT_LIMIT };
FIXTURE_VARIANT_ADD(base, memory_max) { MEMORY_MAX };

FIXTURE_SETUP(base)
{
	HP_SETUP("pool=2M+base,size=2G");
	self->fd = hp_open(&self->env, "a");
	ASSERT_LE(0, self->fd);
	memset(buf, 0x3c, sizeof(buf));
	ASSERT_OK(leave(&self->env, variant->source));
}

FIXTURE_TEARDOWN_PARENT(base)
{
	EXPECT_EQ(0, cg_key(CG, "memory.events", "oom_kill"));
	EXPECT_ENDED(&self->env);
}

TEST_F(base, write_falls_back)
{
	off_t off = LEFT * UNIT;
	size_t len = 64 * KB;

	ASSERT_OK(fallocate(self->fd, 0, 0, off));
	EXPECT_EQ(0, cg_event(CG, "fallback"));
	ASSERT_EQ(len, pwrite(self->fd, buf, len, off));
	EXPECT_LT(0, cg_event(CG, "fallback"));
	EXPECT_EQ(LEFT * UNIT, CURRENT_2M);
	EXPECT_EQ(off + len, file_blocks(self->fd));
	memset(buf, 0, len);
	ASSERT_EQ(len, pread(self->fd, buf, len, off));
	EXPECT_EQ(len, first_not(buf, len, 0x3c));
}

TEST_F(base, fault_falls_back)
{
	unsigned char *p;

	ASSERT_OK(fallocate(self->fd, 0, 0, LEFT * UNIT));
	ASSERT_OK(ftruncate(self->fd, 5 * UNIT));
	p = mmap(NULL, 5 * UNIT, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd,
		 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_OK(touch_write(p + 4 * UNIT + 4096, 1));
	EXPECT_EQ(1, cg_event(CG, "fallback"));
	EXPECT_EQ(LEFT * UNIT, CURRENT_2M);
	EXPECT_EQ(LEFT * UNIT + 4096, file_blocks(self->fd));
}

/* Ordinary pages and pool blocks in one file are punched alike. */
TEST_F(base, mixed_file_is_given_back)
{
	ASSERT_OK(fallocate(self->fd, 0, UNIT, LEFT * UNIT));
	ASSERT_EQ(3, pwrite(self->fd, "abc", 3, 4094));
	EXPECT_EQ(LEFT * UNIT + 2 * 4096, file_blocks(self->fd));
	ASSERT_OK(fallocate(self->fd, FALLOC_FL_PUNCH_HOLE |
			    FALLOC_FL_KEEP_SIZE, 0, 2 * UNIT));
	EXPECT_EQ((LEFT - 1) * UNIT, CURRENT_2M);
	EXPECT_EQ((LEFT - 1) * UNIT, file_blocks(self->fd));
	/* What is free again is used again. */
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 0));
	EXPECT_EQ(LEFT * UNIT, CURRENT_2M);
}

TEST_HARNESS_MAIN
