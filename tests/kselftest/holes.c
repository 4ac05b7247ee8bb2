// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2
 *
 * Holes under those who use the file. A block that was removed is charged until
 * nobody has it any more, and who waited for it wants another at once: where a limit,
 * or the pool, has just what the file needs, nobody may be told that there is none.
 */
#include <pthread.h>

#include "hp_test.h"

#define RW		(PROT_READ | PROT_WRITE)
#define PUNCH		(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define USERS		3

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

struct user {
	pthread_t thread;
	unsigned char *p;
	int fd;
	bool stop;
	long refused;
};

FIXTURE(holes) {
	struct hp_env env;
	struct user user[USERS];
	unsigned char *p;
	int fd;
};

FIXTURE_VARIANT(holes) {
	const char *opts;
};

FIXTURE_VARIANT_ADD(holes, pool) {
	.opts = "pool=2M,mpol=bind:0",
};

FIXTURE_VARIANT_ADD(holes, with_base) {
	.opts = "pool=2M+base,mpol=bind:0",
};

FIXTURE_SETUP(holes)
{
	HP_SETUP(variant->opts);
	self->fd = hp_open_sized(&self->env, "f", UNIT);
	ASSERT_LE(0, self->fd);
	self->p = mmap(NULL, UNIT, RW, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN_PARENT(holes)
{
	hp_unhog(&self->env);
	EXPECT_ENDED(&self->env);
}

/* By a fault that says so instead of a signal, or by a write. */
static void *use(void *arg)
{
	struct user *user = arg;

	while (!__atomic_load_n(&user->stop, __ATOMIC_RELAXED)) {
		if (user->p)
			user->refused += madvise(user->p, 4096, MADV_POPULATE_WRITE) != 0;
		else
			user->refused += pwrite(user->fd, "x", 1, 4096) != 1;
	}
	return NULL;
}

static void punch_under_users(struct __test_metadata *_metadata,
			      FIXTURE_DATA(holes) *self)
{
	double end = now() + run_seconds(4, 60);
	long holes = 0;

	for (int i = 0; i < USERS; i++) {
		self->user[i] = (struct user) { .fd = self->fd, .p = i ? self->p : NULL };
		ASSERT_OK(pthread_create(&self->user[i].thread, NULL, use,
					 &self->user[i]));
	}
	for (; now() < end; holes++)
		ASSERT_OK(fallocate(self->fd, PUNCH, 0, UNIT));
	for (int i = 0; i < USERS; i++) {
		__atomic_store_n(&self->user[i].stop, true, __ATOMIC_RELAXED);
		pthread_join(self->user[i].thread, NULL);
		EXPECT_EQ(0, self->user[i].refused);
	}
	TH_LOG("%ld holes", holes);
	/* With +base, nobody was given ordinary pages instead. */
	ASSERT_OK(touch_write(self->p, 1));
	EXPECT_EQ((long long)UNIT, CURRENT_2M);
}

TEST_F(holes, at_the_limit)
{
	ASSERT_OK(cg_limit(CG, "2MB", UNIT));
	punch_under_users(_metadata, self);
	EXPECT_EQ(0, cg_event(CG, "max"));
	EXPECT_EQ((long long)UNIT, cg_hp(CG, "peak", "2MB"));
}

TEST_F(holes, with_the_last_block)
{
	ASSERT_OK(hp_hog(&self->env, 0, UNIT));
	punch_under_users(_metadata, self);
	EXPECT_EQ(0, cg_event(CG, "nospc"));
}

TEST_HARNESS_MAIN
