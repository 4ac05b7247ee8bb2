// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=gb timeout=300
 *
 * memory.hugepool.min where there are 1 GB blocks: guarantees of whole blocks,
 * which no request of 2 MB breaks; guarantees of 2 MB, which units of broken
 * blocks serve as well as any, so that a block is not put together again while
 * they are needed; and owners who break a block that they were guaranteed.
 */
#include "hp_test.h"
#include "cg.h"

#define GB	(1UL << 30)
#define TOP	(&self->env.top)
#define OTHER	(&self->other)
#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define SMALL	64UL		/* units of each node beside its 1 GB block */

FIXTURE(min_1g) {
	struct hp_env env;
	struct cg other;	/* beside env.top */
	int fd2m, fd1g, fd;	/* on mounts of pool=2M, 1G and 1G+2M */
};

static int mount_all(struct hp_env *env)
{
	static const char * const lists[] = { "2M", "1G", "1G+2M" };
	char dir[96], opts[48];
	int ret = 0;

	for (int i = 0; i < 3 && !ret; i++) {
		snprintf(dir, sizeof(dir), "%s/%s", env->dir, lists[i]);
		snprintf(opts, sizeof(opts), "pool=%s,size=4G", lists[i]);
		ret = mkdir(dir, 0755) ? -errno : hp_mount(dir, opts);
	}
	return ret;
}

static int umount_all(struct hp_env *env)
{
	static const char * const lists[] = { "2M", "1G", "1G+2M" };
	char dir[96];
	int ret = 0;

	for (int i = 0; i < 3; i++) {
		snprintf(dir, sizeof(dir), "%s/%s", env->dir, lists[i]);
		if (hp_umount(dir) || rmdir(dir))
			ret = -EBUSY;
	}
	return ret;
}

FIXTURE_SETUP(min_1g)
{
	char name[32];

	HP_SETUP(NULL);
	snprintf(name, sizeof(name), "hp-other.%d", getpid());
	ASSERT_OK(cg_make(OTHER, NULL, name));
	ASSERT_OK(mount_all(&self->env));
	self->fd2m = hp_open(&self->env, "2M/f");
	self->fd1g = hp_open(&self->env, "1G/f");
	self->fd = hp_open(&self->env, "1G+2M/f");
	ASSERT_LE(0, self->fd2m);
	ASSERT_LE(0, self->fd1g);
	ASSERT_LE(0, self->fd);
	for (int node = 0; node < 2; node++) {
		ASSERT_EQ(SMALL * UNIT, hp_attr(node, "2MB/free"));
		ASSERT_EQ(GB, hp_attr(node, "1GB/free"));
	}
	ASSERT_OK(bind_to(0));
}

FIXTURE_TEARDOWN_PARENT(min_1g)
{
	EXPECT_OK(wr_file(HP_SYSFS "/demote", "0"));
	EXPECT_OK(umount_all(&self->env));
	EXPECT_OK(cg_remove(OTHER));
	EXPECT_ENDED(&self->env);
}

#define DEMOTE(on)	ASSERT_OK(wr_file(HP_SYSFS "/demote", on))
#define PROMISE(cg, key, units)	cg_promise(cg, key, (units) * UNIT)
/* Up to so many units or bytes in all, by a member of @cg. */
#define FILL_2M(cg, units)						\
	cg_fallocate(cg, CG, self->fd2m, 0, (units) * UNIT)
#define FILL_1G(cg)	cg_fallocate(cg, CG, self->fd1g, 0, GB)
#define MERGED(node)	(!hp_attr(node, "1GB/broken"))

/* --- guarantees of 1 GB blocks --- */

TEST_F(min_1g, keys_and_sums)
{
	ASSERT_OK(cg_promise(TOP, "1GB/node1", GB));
	EXPECT_EQ(0, cg_hp(TOP, "min", "1GB/node0"));
	EXPECT_EQ(GB, cg_hp(TOP, "min", "1GB/node1"));
	EXPECT_EQ(GB, cg_hp(TOP, "min", "1GB"));
	EXPECT_EQ(0, cg_hp(TOP, "min", "2MB"));
	EXPECT_RESERVED(0, GB);
	/* Both sizes together are what is reserved. */
	ASSERT_OK(PROMISE(TOP, "2MB/node1", 8));
	EXPECT_RESERVED(0, GB + 8 * UNIT);
	EXPECT_EQ(-EINVAL, cg_promise(TOP, "1GB/node1", UNIT));
	EXPECT_EQ(-EINVAL, cg_promise(TOP, "1GB", GB + UNIT));
	EXPECT_EQ(-ENOSPC, cg_promise(TOP, "1GB/node1", 2 * GB));
	EXPECT_EQ(-ENOSPC, cg_promise(TOP, "1GB", 3 * GB));
	EXPECT_EQ(-ENOSPC, cg_promise(OTHER, "1GB/node1", GB));
	EXPECT_RESERVED(0, GB + 8 * UNIT);
	/* Only node 0 has one left. */
	ASSERT_OK(cg_promise(OTHER, "1GB", GB));
	EXPECT_EQ(GB, cg_hp(OTHER, "min", "1GB/node0"));
	EXPECT_RESERVED(GB, GB + 8 * UNIT);
	ASSERT_OK(cg_promise(OTHER, "1GB", 0));
	ASSERT_OK(cg_promise(TOP, "1GB", 2 * GB));
	EXPECT_EQ(GB, cg_hp(TOP, "min", "1GB/node0"));
	EXPECT_RESERVED(GB, GB + 8 * UNIT);
	/* One for two nodes: whole blocks, the lowest node first. */
	ASSERT_OK(cg_promise(TOP, "1GB", GB));
	EXPECT_EQ(GB, cg_hp(TOP, "min", "1GB/node0"));
	EXPECT_RESERVED(GB, 8 * UNIT);
}

TEST_F(min_1g, others_are_refused_and_it_is_served)
{
	ASSERT_OK(cg_promise(TOP, "1GB/node0", GB));
	ASSERT_OK(cg_promise(CG, "1GB/node0", GB));
	EXPECT_EQ(-ENOSPC, FILL_1G(OTHER));
	EXPECT_EQ(1, cg_event_local(OTHER, "nospc"));
	EXPECT_EQ(-ENOSPC, FILL_1G(NULL));
	EXPECT_EQ(0, cg_hp(OTHER, "peak", "1GB"));
	EXPECT_RESERVED(GB, 0);
	EXPECT_OK(FILL_1G(CG));
	EXPECT_EQ(GB, cg_hp(CG, "current", "1GB/node0"));
	EXPECT_RESERVED(0, 0);
	/* Freed, it is not for others, either. */
	ASSERT_OK(ftruncate(self->fd1g, 0));
	EXPECT_EQ(-ENOSPC, FILL_1G(OTHER));
	EXPECT_RESERVED(GB, 0);
	ASSERT_OK(cg_promise(CG, "1GB", 0));
	ASSERT_OK(cg_promise(TOP, "1GB", 0));
	EXPECT_OK(FILL_1G(OTHER));
}

/* Where the list has both, the smaller size serves who may not have the other. */
TEST_F(min_1g, the_smaller_size_is_taken_instead)
{
	ASSERT_OK(cg_promise(OTHER, "1GB", 2 * GB));
	ASSERT_OK(ftruncate(self->fd, GB));
	EXPECT_OK(fallocate(self->fd, 0, 0, 8 * UNIT));
	EXPECT_EQ(8 * UNIT, CURRENT_2M);
	EXPECT_EQ(0, cg_hp(CG, "current", "1GB"));
	EXPECT_EQ(0, cg_event(CG, "nospc"));
	EXPECT_RESERVED(GB, GB);
}

TEST_F(min_1g, statfs_knows_who_asks)
{
	struct statfs st;
	char dir[96];

	ASSERT_OK(cg_promise(TOP, "1GB/node0", GB));
	ASSERT_OK(cg_promise(CG, "1GB/node0", GB));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", 10));
	snprintf(dir, sizeof(dir), "%s/1G", self->env.dir);
	ASSERT_OK(statfs(dir, &st));
	EXPECT_EQ(2, st.f_bavail);
	ASSERT_OK(cg_join(OTHER));
	ASSERT_OK(statfs(dir, &st));
	EXPECT_EQ(1, st.f_bavail);
	snprintf(dir, sizeof(dir), "%s/2M", self->env.dir);
	ASSERT_OK(statfs(dir, &st));
	EXPECT_EQ(2 * SMALL - 10, st.f_bavail);
	/* Only the block that may be broken counts besides. */
	DEMOTE("1");
	ASSERT_OK(statfs(dir, &st));
	EXPECT_EQ(2 * SMALL - 10 + 512, st.f_bavail);
	ASSERT_OK(cg_join(CG));
}

/* --- 2 MB requests, and blocks that are guaranteed as a whole --- */

TEST_F(min_1g, demote_spares_a_guaranteed_block)
{
	long long demoted = vm_event("hugepool_demote");

	DEMOTE("1");
	ASSERT_OK(cg_promise(TOP, "1GB/node0", GB));
	EXPECT_OK(FILL_2M(OTHER, SMALL));
	EXPECT_EQ(-ENOSPC, FILL_2M(OTHER, SMALL + 1));
	EXPECT_EQ(1, cg_event_local(OTHER, "nospc"));
	EXPECT_EQ(-ENOSPC, FILL_2M(NULL, SMALL + 1));
	/* Not even for whom it was promised: that was a whole block. */
	EXPECT_EQ(-ENOSPC, FILL_2M(CG, SMALL + 1));
	EXPECT_EQ(GB, hp_attr(0, "1GB/free"));
	EXPECT_RESERVED(GB, 0);
	/* Unless somebody asks for it elsewhere. */
	ASSERT_OK(bind_to(1));
	EXPECT_OK(FILL_2M(OTHER, SMALL + SMALL + 1));
	EXPECT_EQ(GB, hp_attr(1, "1GB/broken"));
	ASSERT_OK(bind_to(0));
	ASSERT_OK(cg_promise(TOP, "1GB", 0));
	EXPECT_OK(FILL_2M(OTHER, SMALL + SMALL + 2));
	EXPECT_EQ(GB, hp_attr(0, "1GB/broken"));
	EXPECT_EQ(demoted + 2, vm_event("hugepool_demote"));
	/* What is broken cannot be promised as a whole. */
	EXPECT_EQ(-ENOSPC, cg_promise(TOP, "1GB", GB));
}

TEST_F(min_1g, no_whole_block_backs_units)
{
	DEMOTE("1");
	EXPECT_EQ(-ENOSPC, PROMISE(TOP, "2MB/node0", SMALL + 1));
	EXPECT_EQ(-ENOSPC, PROMISE(TOP, "2MB", 2 * SMALL + 1));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", SMALL));
	EXPECT_RESERVED(SMALL * UNIT, 0);
	EXPECT_EQ(GB, hp_attr(0, "1GB/free"));
	EXPECT_EQ(0, hp_attr(0, "1GB/broken"));
}

/* An outsider breaks a block that nobody claims rather than take a claimed unit. */
TEST_F(min_1g, demote_beside_guaranteed_units)
{
	ASSERT_OK(PROMISE(TOP, "2MB/node0", SMALL));
	EXPECT_EQ(-ENOSPC, FILL_2M(OTHER, 1));
	DEMOTE("1");
	EXPECT_OK(FILL_2M(OTHER, 1));
	EXPECT_EQ(GB, hp_attr(0, "1GB/broken"));
	EXPECT_RESERVED(SMALL * UNIT, 0);
	DEMOTE("0");
	EXPECT_OK(FILL_2M(OTHER, 512));
	EXPECT_EQ(-ENOSPC, FILL_2M(OTHER, 513));
	EXPECT_RESERVED(SMALL * UNIT, 0);
	EXPECT_EQ(0, cg_event(TOP, "nospc"));
	EXPECT_OK(cg_fallocate(CG, CG, self->fd, 0, SMALL * UNIT));
	EXPECT_RESERVED(0, 0);
	EXPECT_EQ(0, hp_attr(0, "free"));
}

/* --- broken blocks and guarantees of 2 MB --- */

TEST_F(min_1g, units_of_a_broken_block_are_promised)
{
	long long merged = vm_event("hugepool_merge");

	DEMOTE("1");
	ASSERT_OK(FILL_2M(NULL, SMALL + 1));
	ASSERT_EQ(GB, hp_attr(0, "1GB/broken"));
	EXPECT_EQ(-ENOSPC, PROMISE(TOP, "2MB/node0", 512));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", 511));
	EXPECT_RESERVED(511 * UNIT, 0);
	ASSERT_OK(PROMISE(TOP, "2MB/node0", SMALL + 1));
	/* All of it is free now, and one unit more is promised than is beside it. */
	ASSERT_OK(ftruncate(self->fd2m, 0));
	usleep(200000);
	EXPECT_EQ(GB, hp_attr(0, "1GB/broken"));
	EXPECT_EQ(0, hp_attr(0, "1GB/free"));
	EXPECT_EQ((SMALL + 512) * UNIT, hp_attr(0, "2MB/free"));
	EXPECT_EQ(merged, vm_event("hugepool_merge"));
	EXPECT_RESERVED((SMALL + 1) * UNIT, 0);
	EXPECT_EQ(-ENOSPC, FILL_1G(CG));
	/* More can be promised while it is like that. */
	EXPECT_EQ(-ENOSPC, PROMISE(TOP, "2MB/node0", SMALL + 513));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", SMALL + 512));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", SMALL + 1));
	EXPECT_EQ(merged, vm_event("hugepool_merge"));
	/* Whole again as soon as it is not needed. */
	ASSERT_OK(PROMISE(TOP, "2MB/node0", SMALL));
	EXPECT_EQ(GB, hp_attr(0, "1GB/free"));
	EXPECT_EQ(0, hp_attr(0, "1GB/broken"));
	EXPECT_EQ(merged + 1, vm_event("hugepool_merge"));
	EXPECT_RESERVED(SMALL * UNIT, 0);
}

/* Held blocks that the guarantee covers count once. */
TEST_F(min_1g, a_block_merges_beside_what_is_held)
{
	DEMOTE("1");
	ASSERT_OK(FILL_2M(NULL, SMALL + 1));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", SMALL + 8));
	ASSERT_OK(cg_fallocate(CG, CG, self->fd, 0, 4 * UNIT));
	ASSERT_OK(ftruncate(self->fd2m, 0));
	/* Four of the broken block are held, the rest of it is promised. */
	EXPECT_EQ(GB, hp_attr(0, "1GB/broken"));
	EXPECT_RESERVED((SMALL + 4) * UNIT, 0);
	ASSERT_OK(PROMISE(TOP, "2MB", 2));
	EXPECT_EQ(GB, hp_attr(0, "1GB/broken"));
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_TRUE(eventually(MERGED(0), 5));
	EXPECT_RESERVED(2 * UNIT, 0);
}

TEST_F(min_1g, rmdir_lets_a_block_merge)
{
	DEMOTE("1");
	ASSERT_OK(FILL_2M(NULL, SMALL + 1));
	ASSERT_OK(PROMISE(OTHER, "2MB/node0", SMALL + 1));
	ASSERT_OK(ftruncate(self->fd2m, 0));
	EXPECT_EQ(GB, hp_attr(0, "1GB/broken"));
	ASSERT_OK(cg_remove(OTHER));
	EXPECT_TRUE(eventually(MERGED(0), 5));
	EXPECT_EQ(GB, hp_attr(0, "1GB/free"));
	EXPECT_RESERVED(0, 0);
}

/* --- owners who break what they were guaranteed --- */

TEST_F(min_1g, broken_by_its_owner)
{
	ASSERT_OK(cg_promise(TOP, "1GB/node0", GB));
	ASSERT_OK(cg_promise(CG, "1GB/node0", GB));
	ASSERT_OK(fallocate(self->fd, 0, 0, GB));
	ASSERT_EQ(GB, cg_hp(CG, "current", "1GB"));
	ASSERT_OK(fallocate(self->fd, PUNCH, 0, UNIT));
	EXPECT_EQ(0, cg_hp(CG, "current", "1GB"));
	EXPECT_EQ(GB - UNIT, CURRENT_2M);
	EXPECT_EQ(GB, cg_hp(CG, "min", "1GB"));
	/* There is no whole block that could be reserved. */
	EXPECT_RESERVED(0, 0);
	EXPECT_EQ(-ENOSPC, FILL_1G(CG));
	/* It comes back as one, and to whom it was promised. */
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_TRUE(eventually(MERGED(0), 5));
	EXPECT_RESERVED(GB, 0);
	EXPECT_EQ(-ENOSPC, FILL_1G(OTHER));
	DEMOTE("1");
	EXPECT_EQ(-ENOSPC, FILL_2M(OTHER, SMALL + 1));
	EXPECT_OK(FILL_1G(CG));
	EXPECT_RESERVED(0, 0);
}

/* The units serve the owner's own guarantee of 2 MB: others may have the rest. */
TEST_F(min_1g, units_of_the_owner_serve_its_guarantee)
{
	ASSERT_OK(PROMISE(TOP, "2MB/node0", SMALL));
	EXPECT_EQ(-ENOSPC, FILL_2M(OTHER, 1));
	ASSERT_OK(fallocate(self->fd, 0, 0, GB));
	EXPECT_RESERVED(SMALL * UNIT, 0);
	ASSERT_OK(fallocate(self->fd, PUNCH, 0, 2 * UNIT));
	EXPECT_EQ(510 * UNIT, CURRENT_2M);
	EXPECT_RESERVED(0, 0);
	EXPECT_OK(FILL_2M(OTHER, SMALL + 2));
	EXPECT_EQ(-ENOSPC, FILL_2M(OTHER, SMALL + 3));
	/* Freed, enough of them stay units for what was promised. */
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_RESERVED(SMALL * UNIT, 0);
	EXPECT_EQ(GB, hp_attr(0, "1GB/broken"));
	EXPECT_OK(cg_fallocate(CG, CG, self->fd, 0, SMALL * UNIT));
	ASSERT_OK(ftruncate(self->fd, 0));
	ASSERT_OK(ftruncate(self->fd2m, 0));
	EXPECT_TRUE(eventually(MERGED(0), 5));
	EXPECT_RESERVED(SMALL * UNIT, 0);
}

TEST_HARNESS_MAIN
