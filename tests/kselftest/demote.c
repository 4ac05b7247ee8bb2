// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=gb timeout=180
 *
 * 1 GB blocks and 2 MB requests: with demote=0 a whole block stays whole and a
 * request ends at the 2 MB class; with demote=1 a block is broken when nothing
 * smaller is left, broken blocks are used up first, and a broken block is one
 * again by itself once its 512 units are free.
 */
#include "hp_test.h"

#define GB	(1UL << 30)

FIXTURE(demote) {
	struct hp_env env;
	int fd;
};

FIXTURE_SETUP(demote)
{
	HP_SETUP("pool=2M,mpol=bind:0,size=2G");
	self->fd = hp_open(&self->env, "f");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(demote)
{
	EXPECT_OK(wr_file(HP_SYSFS "/demote", "0"));
	EXPECT_ENDED(&self->env);
}

static int set_demote(int on)
{
	return wr_file(HP_SYSFS "/demote", on ? "1" : "0");
}

/* Units of the 2 MB class that node 0 has beside its 1 GB blocks. */
static long long units0(struct hp_env *env)
{
	return env->before.node[0].free_2m / (long long)UNIT;
}

TEST_F(demote, off_ends_at_the_2m_class)
{
	long long n = units0(&self->env);

	ASSERT_EQ(0, rd_num(HP_SYSFS "/demote"));
	ASSERT_LT(0, n);
	ASSERT_EQ(GB, hp_attr(0, "1GB/free"));
	EXPECT_OK(fallocate(self->fd, 0, 0, n * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, n * UNIT, 1));
	EXPECT_EQ(1, cg_event(CG, "nospc"));
	EXPECT_EQ(GB, hp_attr(0, "1GB/free"));
	EXPECT_EQ(0, hp_attr(0, "1GB/broken"));
}

TEST_F(demote, on_breaks_a_block_when_needed)
{
	long long n = units0(&self->env), events = vm_event("hugepool_demote");

	ASSERT_OK(set_demote(1));
	/* Not before the class itself is used up. */
	ASSERT_OK(fallocate(self->fd, 0, 0, n * UNIT));
	EXPECT_EQ(0, hp_attr(0, "1GB/broken"));
	EXPECT_EQ(GB, hp_attr(0, "1GB/total"));
	ASSERT_OK(fallocate(self->fd, 0, n * UNIT, UNIT));
	EXPECT_EQ(GB, hp_attr(0, "1GB/broken"));
	EXPECT_EQ(0, hp_attr(0, "1GB/total"));
	EXPECT_EQ(0, hp_attr(0, "1GB/free"));
	EXPECT_EQ(n * UNIT + GB, hp_attr(0, "2MB/total"));
	EXPECT_EQ(GB - UNIT, hp_attr(0, "2MB/free"));
	EXPECT_EQ(self->env.before.node[0].total, hp_attr(0, "total"));
	EXPECT_EQ(events + 1, vm_event("hugepool_demote"));
	/* Charged as what was asked for: 2 MB blocks. */
	EXPECT_EQ((n + 1) * UNIT, CURRENT_2M);
	EXPECT_EQ(0, cg_hp(CG, "current", "1GB"));
}

TEST_F(demote, a_block_merges_by_itself)
{
	long long n = units0(&self->env), events = vm_event("hugepool_merge");

	ASSERT_OK(set_demote(1));
	ASSERT_OK(fallocate(self->fd, 0, 0, (n + 3) * UNIT));
	ASSERT_EQ(GB, hp_attr(0, "1GB/broken"));
	/* Switching it off does not take back what was handed out. */
	ASSERT_OK(set_demote(0));
	EXPECT_EQ(GB, hp_attr(0, "1GB/broken"));
	ASSERT_OK(fallocate(self->fd, 0, 0, (n + 4) * UNIT));
	/* The last unit of the block decides. */
	ASSERT_OK(ftruncate(self->fd, (n + 1) * UNIT));
	EXPECT_EQ(GB, hp_attr(0, "1GB/broken"));
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_TRUE(eventually(hp_attr(0, "1GB/broken") == 0, 10));
	EXPECT_EQ(GB, hp_attr(0, "1GB/free"));
	EXPECT_EQ(n * UNIT, hp_attr(0, "2MB/free"));
	EXPECT_EQ(events + 1, vm_event("hugepool_merge"));
}

TEST_F(demote, broken_blocks_are_used_first)
{
	long long n = units0(&self->env);
	int other = hp_open(&self->env, "g");

	ASSERT_OK(set_demote(1));
	/* One unit of the 1 GB block in g, then all of the 2 MB class free. */
	ASSERT_OK(fallocate(self->fd, 0, 0, n * UNIT));
	ASSERT_OK(fallocate(other, 0, 0, UNIT));
	ASSERT_EQ(GB, hp_attr(0, "1GB/broken"));
	ASSERT_OK(ftruncate(self->fd, 0));
	ASSERT_OK(set_demote(0));
	/*
	 * New units come out of the broken block: once g's goes, the block
	 * stays broken as long as those others are in it.
	 */
	ASSERT_OK(fallocate(self->fd, 0, 0, 8 * UNIT));
	ASSERT_OK(ftruncate(other, 0));
	usleep(500000);
	EXPECT_EQ(GB, hp_attr(0, "1GB/broken"));
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_TRUE(eventually(hp_attr(0, "1GB/broken") == 0, 10));
}

TEST_F(demote, all_of_the_node)
{
	long long n = units0(&self->env);

	ASSERT_OK(set_demote(1));
	ASSERT_OK(fallocate(self->fd, 0, 0, n * UNIT + GB));
	EXPECT_EQ(0, hp_attr(0, "free"));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, n * UNIT + GB, 1));
	/* The other node has not been touched: the policy was to bind. */
	EXPECT_EQ(self->env.before.node[1].free, hp_attr(1, "free"));
	/* Content is what was written, block by block. */
	for (long long i = 0; i < n + 512; i += 61)
		ASSERT_EQ(8, pwrite(self->fd, &i, 8, i * UNIT + 4096));
	for (long long i = 0; i < n + 512; i += 61) {
		long long got = -1;

		ASSERT_EQ(8, pread(self->fd, &got, 8, i * UNIT + 4096));
		ASSERT_EQ(i, got);
	}
}

/* A block that is broken serves as memory as well as any other. */
TEST_F(demote, punching_a_broken_block)
{
	long long n = units0(&self->env);

	ASSERT_OK(set_demote(1));
	ASSERT_OK(fallocate(self->fd, 0, 0, (n + 32) * UNIT));
	for (int i = 0; i < 32; i += 2)
		ASSERT_OK(fallocate(self->fd, FALLOC_FL_PUNCH_HOLE |
				    FALLOC_FL_KEEP_SIZE, (n + i) * UNIT,
				    UNIT));
	EXPECT_EQ((n + 16) * UNIT, CURRENT_2M);
	EXPECT_EQ(GB, hp_attr(0, "1GB/broken"));
	ASSERT_OK(fallocate(self->fd, 0, 0, (n + 32) * UNIT));
	EXPECT_EQ((n + 32) * UNIT, CURRENT_2M);
}

/* pool=2M where only 1 GB blocks exist is not empty if they may be broken. */
TEST_F(demote, default_size_counts_the_listed_class)
{
	struct statfs st;
	char dir[96];

	snprintf(dir, sizeof(dir), "%s/m", self->env.dir);
	ASSERT_OK(mkdir(dir, 0755));
	ASSERT_OK(hp_mount(dir, "pool=2M"));
	ASSERT_OK(statfs(dir, &st));
	EXPECT_EQ(hp_sum("2MB/total"), (long long)(st.f_blocks * UNIT));
	ASSERT_OK(umount(dir));
}

TEST_HARNESS_MAIN
