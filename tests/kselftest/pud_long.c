// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=pud timeout=240
 *
 * Clearing, zeroing in place, splitting and freeing a gigabyte takes long: others
 * on the same CPU run meanwhile, and who is killed in the middle of it dies.
 */
#include <pthread.h>
#include <sched.h>

#include "hp_test.h"
#include "pud.h"

#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

FIXTURE(slow) {
	struct hp_env env;
	int fd;
	unsigned char *p;
};

FIXTURE_VARIANT(slow) {
	const struct backing *b;
};

FIXTURE_VARIANT_ADD(slow, pool_1g) { &pool_1g };
FIXTURE_VARIANT_ADD(slow, pool_1g_2m) { &pool_1g_2m };

FIXTURE_SETUP(slow)
{
	HP_SETUP(NULL);
	ASSERT_OK(backing_mount(&self->env, variant->b));
	self->fd = hp_open_sized(&self->env, "f", 3 * GB);
	ASSERT_LE(0, self->fd);
	self->p = mmap(NULL, 3 * GB, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN_PARENT(slow)
{
	EXPECT_ENDED(&self->env);
}

/* --- others run --- */

static volatile bool stop;
static volatile double longest;	/* that the other thread was not let run */

static void *ticker(void *arg)
{
	double last = now(), at;

	while (!stop) {
		at = now();
		longest = at - last > longest ? at - last : longest;
		last = at;
		sched_yield();
	}
	return NULL;
}

/*
 * As long as the half of it all is too long, unless it is over at once. A busy
 * host stops both alike.
 */
#define EXPECT_OTHERS_RUN(call)						\
	do {								\
		double __begin = now(), __took;				\
		longest = 0;						\
		ASSERT_OK(call);					\
		__took = now() - __begin;				\
		EXPECT_FALSE(longest > 0.3 && longest > __took / 2)	\
			TH_LOG("%s: %.2f s of %.2f s", #call,		\
			       longest, __took);			\
	} while (0)

TEST_F(slow, others_run_on_the_same_cpu)
{
	cpu_set_t one;
	pthread_t id;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_OK(sched_setaffinity(0, sizeof(one), &one));
	ASSERT_OK(pthread_create(&id, NULL, ticker, NULL));
	EXPECT_OTHERS_RUN(madvise(self->p, 2 * GB, MADV_POPULATE_WRITE));
	EXPECT_OTHERS_RUN(fallocate(self->fd, PUNCH, PAGE, GB - 2 * PAGE));
	EXPECT_OTHERS_RUN(fallocate(self->fd, PUNCH, GB + UNIT, UNIT));
	EXPECT_OTHERS_RUN(mprotect(self->p + GB / 2, PAGE, PROT_READ));
	EXPECT_OTHERS_RUN(munmap(self->p, GB));
	EXPECT_OTHERS_RUN(ftruncate(self->fd, GB / 2 + PAGE));
	EXPECT_OTHERS_RUN(ftruncate(self->fd, 0));
	stop = true;
	pthread_join(id, NULL);
}

/* --- killed --- */

/* Kills it once it has the first block; true if it has not come to the last. */
static bool dies_in_between(pid_t pid)
{
	bool began = eventually(hp_sum("1GB/used") >= GB, 30);

	kill(pid, SIGKILL);
	return hp_wait(pid) == 128 + SIGKILL && began;
}

TEST_F(slow, killed_while_it_populates)
{
	pid_t pid = hp_fork();

	if (!pid) {
		madvise(self->p, 3 * GB, MADV_POPULATE_WRITE);
		pause();
	}
	ASSERT_LT(0, pid);
	EXPECT_TRUE(dies_in_between(pid));
	EXPECT_GT(3 * GB, pool_held(CG));
	/* Whoever comes next finds no trace of it. */
	EXPECT_EQ(GB, first_not(self->p, GB, 0));
}

TEST_F(slow, killed_while_it_writes)
{
	unsigned char *zero = mmap(NULL, 3 * GB, PROT_READ, MAP_PRIVATE |
				   MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, zero);
	pid = hp_fork();
	if (!pid) {
		pwrite(self->fd, zero, 3 * GB, 0);
		pause();
	}
	ASSERT_LT(0, pid);
	EXPECT_TRUE(dies_in_between(pid));
	EXPECT_GT(3 * GB, pool_held(CG));
	EXPECT_EQ(GB, first_not(self->p, GB, 0));
}

TEST_HARNESS_MAIN
