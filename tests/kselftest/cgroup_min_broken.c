// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=pud timeout=300
 *
 * Two 1 GB blocks of one node, each guaranteed to somebody else. Who has broken the
 * own one by a hole cannot have the other's instead: what was promised to others is
 * theirs, whatever its owner makes of his. Nor is a limit of one block no limit for
 * who breaks one after the other.
 */
#include "hp_test.h"
#include "cg.h"
#include "vm.h"

#define TOP	(&self->env.top)
#define OTHER	(&self->other)
#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

FIXTURE(broken) {
	struct hp_env env;
	struct cg other;
	int fd, fd2;
};

FIXTURE_VARIANT(broken) {
	bool siblings;		/* below one parent with a guarantee of both */
};

FIXTURE_VARIANT_ADD(broken, strangers) { };
FIXTURE_VARIANT_ADD(broken, siblings) { .siblings = true };

FIXTURE_SETUP(broken)
{
	bool siblings = variant->siblings;
	char name[32];

	HP_SETUP("pool=1G+2M,mpol=bind:0,size=4G");
	snprintf(name, sizeof(name), "hp-other.%d", getpid());
	ASSERT_OK(cg_make(OTHER, siblings ? TOP : NULL, name));
	ASSERT_EQ(2 * GB, hp_attr(0, "1GB/free"));
	ASSERT_OK(cg_promise(TOP, "1GB/node0", siblings ? 2 * GB : GB));
	ASSERT_OK(cg_promise(CG, "1GB/node0", GB));
	ASSERT_OK(cg_promise(OTHER, "1GB/node0", GB));
	self->fd = hp_open_sized(&self->env, "f", GB);
	self->fd2 = hp_open_sized(&self->env, "g", GB);
	EXPECT_RESERVED(2 * GB, 0);
	/* Ours, with a hole in it. */
	ASSERT_OK(fallocate(self->fd, 0, 0, GB));
	EXPECT_RESERVED(GB, 0);
	ASSERT_OK(fallocate(self->fd, PUNCH, 0, UNIT));
	ASSERT_EQ(0, cg_hp(CG, "current", "1GB"));
	ASSERT_EQ(GB - UNIT, CURRENT_2M);
}

FIXTURE_TEARDOWN_PARENT(broken)
{
	EXPECT_OK(cg_remove(OTHER));
	EXPECT_ENDED(&self->env);
}

TEST_F(broken, no_other_for_it)
{
	EXPECT_RESERVED(GB, 0);
	/* In 2 MB, since no whole one may be had. */
	EXPECT_OK(fallocate(self->fd2, 0, 0, 8 * UNIT));
	EXPECT_EQ(0, cg_hp(CG, "current", "1GB"))
		TH_LOG("took what was guaranteed to another cgroup");
	ASSERT_OK(ftruncate(self->fd2, 0));
	ASSERT_OK(ftruncate(self->fd2, GB));
	/* It is there for whom it was promised to. */
	EXPECT_OK(cg_fallocate(OTHER, CG, self->fd2, 0, GB));
	EXPECT_EQ(GB, cg_hp(OTHER, "current", "1GB"));
	EXPECT_EQ(0, cg_event(OTHER, "nospc"));
}

TEST_F(broken, put_together_it_is_ours_again)
{
	ASSERT_OK(cg_fallocate(OTHER, CG, self->fd2, 0, GB));
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_TRUE(eventually(!hp_attr(0, "1GB/broken"), 5));
	EXPECT_RESERVED(GB, 0);
	ASSERT_OK(ftruncate(self->fd, GB));
	EXPECT_OK(fallocate(self->fd, 0, 0, GB));
	EXPECT_EQ(GB, cg_hp(CG, "current", "1GB"));
	EXPECT_EQ(GB, cg_hp(OTHER, "current", "1GB"));
}

/* --- limits --- */

HP_FIXTURE(limited, "pool=1G+2M,mpol=bind:0,size=4G");

TEST_F(limited, no_second_one_for_the_first)
{
	int fd = hp_open_sized(&self->env, "f", 2 * GB);

	ASSERT_LE(0, fd);
	ASSERT_OK(cg_limit(CG, "1GB", GB));
	ASSERT_OK(cg_limit(CG, "2MB", 0));
	ASSERT_OK(fallocate(fd, 0, 0, GB));
	ASSERT_OK(fallocate(fd, PUNCH, 0, UNIT));
	EXPECT_EQ(0, cg_hp(CG, "current", "1GB"));
	EXPECT_EQ((long long)(GB - UNIT), CURRENT_2M);
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, GB, GB));
	EXPECT_EQ(1, cg_event(CG, "max"));
	EXPECT_EQ((long long)GB, hp_attr(0, "1GB/free"));
	/* Others have what is left. */
	EXPECT_OK(cg_fallocate(NULL, CG, fd, GB, GB));
	ASSERT_OK(fallocate(fd, PUNCH, GB, GB));

	/* A single unit keeps it broken. */
	ASSERT_OK(fallocate(fd, PUNCH, 0, GB - UNIT));
	EXPECT_EQ((long long)UNIT, CURRENT_2M);
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, GB, GB));
	ASSERT_OK(fallocate(fd, PUNCH, 0, GB));
	EXPECT_TRUE(eventually(!hp_attr(0, "1GB/broken"), 5));
	EXPECT_OK(fallocate(fd, 0, GB, GB));
	EXPECT_EQ((long long)GB, cg_hp(CG, "current", "1GB"));
}

/* It is the block of the cgroup that broke it, wherever that is in the tree. */
TEST_F(limited, also_by_limits_above_and_on_the_node)
{
	int fd = hp_open_sized(&self->env, "f", 2 * GB);

	ASSERT_LE(0, fd);
	ASSERT_OK(cg_limit(TOP, "1GB/node0", GB));
	ASSERT_OK(fallocate(fd, 0, 0, GB));
	ASSERT_OK(fallocate(fd, PUNCH, 0, UNIT));
	ASSERT_OK(cg_limit(TOP, "2MB", 0));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, GB, GB));
	EXPECT_EQ(1, cg_event_local(TOP, "max"));
	ASSERT_OK(cg_limit(TOP, "1GB/node0", 2 * GB));
	EXPECT_OK(fallocate(fd, 0, GB, GB));
}

TEST_HARNESS_MAIN
