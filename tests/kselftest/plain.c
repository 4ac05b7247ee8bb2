// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=plain timeout=60
 *
 * A kernel with the pool built in and no hugepool= on its command line: every
 * file is there and says zero, every way in is refused, and tmpfs is as ever.
 */
#include "hp_test.h"

HP_FIXTURE(plain, NULL);

TEST_F(plain, everything_is_zero)
{
	static const struct cg root = { CG_ROOT };

	ASSERT_LT(0, hp_nr_nodes());
	EXPECT_EQ(0, hp_sum("total"));
	EXPECT_EQ(0, hp_sum("2MB/total"));
	EXPECT_EQ(0, hp_sum("1GB/total"));
	EXPECT_EQ(0, rd_key("/proc/meminfo", "HugePool_Total"));
	EXPECT_EQ(0, rd_key("/proc/meminfo", "HugePool_Free"));
	EXPECT_EQ(0, vm_event("nr_hugepool"));
	EXPECT_EQ(0, cg_hp(&root, "capacity", "2MB"));
	EXPECT_EQ(0, cg_hp(&root, "capacity", "1GB"));
}

TEST_F(plain, an_empty_class_cannot_be_mounted)
{
	EXPECT_EQ(-EINVAL, hp_mount(self->env.dir, "pool=2M"));
	EXPECT_EQ(-EINVAL, hp_mount(self->env.dir, "pool=2M+base"));
	EXPECT_EQ(-EINVAL, hp_mount(self->env.dir, "pool=1G"));
	EXPECT_EQ(-EINVAL, hp_mount(self->env.dir, "pool=1G+2M+base"));
}

TEST_F(plain, demote_does_not_fill_an_empty_class)
{
	ASSERT_OK(wr_file(HP_SYSFS "/demote", "1"));
	EXPECT_EQ(-EINVAL, hp_mount(self->env.dir, "pool=2M"));
	ASSERT_OK(wr_file(HP_SYSFS "/demote", "0"));
}

TEST_F(plain, limits_can_be_written_all_the_same)
{
	EXPECT_OK(cg_limit(CG, "2MB", UNIT));
	EXPECT_EQ(UNIT, cg_hp(CG, "max", "2MB"));
	EXPECT_OK(cg_limit(CG, "1GB/node0", 1UL << 30));
	EXPECT_EQ(1LL << 30, cg_hp(CG, "max", "1GB/node0"));
	EXPECT_EQ(0, CURRENT_2M);
}

TEST_F(plain, ordinary_tmpfs_is_as_ever)
{
	struct statfs st;
	int fd;

	ASSERT_OK(hp_mount(self->env.dir, "size=8M,huge=always"));
	self->env.mounted = true;
	ASSERT_OK(statfs(self->env.dir, &st));
	EXPECT_EQ(4096, st.f_bsize);
	fd = hp_open(&self->env, "f");
	EXPECT_EQ(1, pwrite(fd, "x", 1, UNIT));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_EQ(0, cg_key(CG, "memory.stat", "hugepool"));
}

TEST_HARNESS_MAIN
