// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=gb timeout=240
 *
 * Where blocks of 1 GB come from, one of which each of the two nodes has: policy
 * of task and file, interleaving by block, limits and promises of a node. They do
 * not move.
 */
#include "hp_test.h"
#include "numa.h"
#include "vm.h"

#define RW	(PROT_READ | PROT_WRITE)

HP_FIXTURE(gb, "pool=1G,size=8G");

#define EXPECT_GB(n0, n1)						\
	do {								\
		EXPECT_EQ((long long)((n0) * GB),			\
			  held_on(&self->env, CG, "1GB", 0));		\
		EXPECT_EQ((long long)((n1) * GB),			\
			  held_on(&self->env, CG, "1GB", 1));		\
	} while (0)

static unsigned char *map_file(int fd, size_t len)
{
	return mmap(NULL, len, RW, MAP_SHARED, fd, 0);
}

TEST_F(gb, interleave_is_by_block)
{
	int fd = hp_open_sized(&self->env, "f", 2 * GB);
	unsigned char *p = map_file(fd, 2 * GB);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(task_policy(MPOL_INTERLEAVE, 3));
	ASSERT_OK(fallocate(fd, 0, 0, 2 * GB));
	EXPECT_GB(1, 1);
	EXPECT_OK(touch_read(p));
	EXPECT_OK(touch_read(p + GB));
	EXPECT_EQ(1, node_at(p) + node_at(p + GB));
	/* One node from end to end of a block. */
	EXPECT_OK(touch_read(p + GB - 1));
	EXPECT_EQ(node_at(p), node_at(p + GB - 1));
	EXPECT_EQ(GB / 4096, numa_maps_pages(p, 0));
	EXPECT_EQ(GB / 4096, numa_maps_pages(p, 1));
	task_policy(MPOL_DEFAULT, 0);
}

TEST_F(gb, of_a_file_by_mbind)
{
	int fd = hp_open_sized(&self->env, "f", 2 * GB);
	unsigned char *p = map_file(fd, 2 * GB);
	void *page = p;
	int to = 0, status = -1;

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(range_policy(p, GB, MPOL_BIND, 2));
	ASSERT_OK(touch_write(p + 12345, 0x5a));
	EXPECT_GB(0, 1);
	EXPECT_EQ(1, node_at(p));
	/* The second would have to come from the same node. */
	ASSERT_OK(range_policy(p + GB, GB, MPOL_BIND, 2));
	EXPECT_EQ(SIGBUS, touch_write(p + GB, 1));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, GB, GB));
	EXPECT_GB(0, 1);
	/* And the first stays. */
	EXPECT_ERRNO(EIO, mbind(p, GB, MPOL_BIND, MASK(0), MASK_BITS,
				MPOL_MF_STRICT));
	EXPECT_ERRNO(EIO, mbind(p, GB, MPOL_BIND, MASK(0), MASK_BITS,
				MPOL_MF_MOVE | MPOL_MF_STRICT));
	EXPECT_OK(mbind(p, GB, MPOL_BIND, MASK(0), MASK_BITS, MPOL_MF_MOVE));
	EXPECT_LE(0, move_pages(0, 1, &page, &to, &status, MPOL_MF_MOVE));
	EXPECT_EQ(-EBUSY, status);
	EXPECT_GB(0, 1);
	EXPECT_EQ(0x5a, p[12345]);
	/* Home is where the policy of a range says first. */
	ASSERT_OK(range_policy(p + GB, GB, MPOL_BIND, 3));
	ASSERT_OK(range_home(p + GB, GB, 1));
	EXPECT_OK(touch_write(p + GB, 1));
	EXPECT_GB(1, 1);
}

/* Limit, promise: an empty node. Blocks of 2 MB are another matter. */
TEST_F(gb, a_node_that_is_as_good_as_empty)
{
	int fd = hp_open(&self->env, "f");
	struct cg other;

	ASSERT_OK(cg_limit(CG, "1GB/node1", 0));
	ASSERT_OK(task_policy(MPOL_BIND, 2));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, GB));
	EXPECT_EQ(1, cg_event(CG, "max"));
	ASSERT_OK(task_policy(MPOL_PREFERRED, 2));
	EXPECT_OK(fallocate(fd, 0, 0, GB));
	EXPECT_GB(1, 0);
	ASSERT_OK(ftruncate(fd, 0));
	ASSERT_OK(cg_write(CG, "memory.hugepool.max", "1GB/node1 max"));

	ASSERT_OK(cg_make(&other, NULL, "hp-other"));
	ASSERT_OK(cg_promise(&other, "1GB/node0", GB));
	EXPECT_EQ((long long)GB, hp_attr(0, "reserved"));
	ASSERT_OK(task_policy(MPOL_BIND, 1));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, GB));
	EXPECT_EQ(1, cg_event(CG, "nospc"));
	ASSERT_OK(task_policy(MPOL_PREFERRED_MANY, 1));
	EXPECT_OK(fallocate(fd, 0, 0, GB));
	EXPECT_GB(0, 1);
	task_policy(MPOL_DEFAULT, 0);
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, GB, GB));
	/* To whom it was promised it is there. */
	ASSERT_OK(cg_join(&other));
	EXPECT_OK(fallocate(fd, 0, GB, GB));
	EXPECT_EQ((long long)GB, cg_hp(&other, "current", "1GB/node0"));
	ASSERT_OK(ftruncate(fd, 0));
	ASSERT_OK(cg_join(CG));
	EXPECT_OK(cg_remove(&other));
}

TEST_HARNESS_MAIN
