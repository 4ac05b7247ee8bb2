// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=120 poison=1
 *
 * Memory failure. A block that fails in use is taken out of service when it
 * comes back, a free one at once; both are counted in poisoned, never handed
 * out again, and the node's total keeps adding up. These rows cost blocks for
 * the rest of the boot, so tests/run puts them last.
 */
#include "hp_test.h"
#include "cg.h"

FIXTURE(poison) {
	struct hp_env env;
	int fd;
	unsigned char *p;
};

FIXTURE_SETUP(poison)
{
	HP_SETUP("pool=2M,mpol=bind:0");
	self->fd = hp_open_sized(&self->env, "f", 3 * UNIT);
	ASSERT_LE(0, self->fd);
	self->p = mmap(NULL, 3 * UNIT, PROT_READ | PROT_WRITE, MAP_SHARED,
		       self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	for (int i = 0; i < 3; i++)
		memset(self->p + i * UNIT, 'a' + i, UNIT);
}

/* What a row retired is no longer what hp_end() may ask for. */
FIXTURE_TEARDOWN_PARENT(poison)
{
	struct hp_node *n = &self->env.before.node[0];
	long long lost = hp_attr(0, "poisoned") - n->poisoned;

	n->poisoned += lost;
	n->free -= lost;
	n->free_2m -= lost;
	n->total_2m -= lost;
	EXPECT_ENDED(&self->env);
}

static bool sums_hold(int node)
{
	return hp_attr(node, "total") == hp_attr(node, "free") +
		hp_attr(node, "used") + hp_attr(node, "poisoned") &&
	       hp_attr(node, "total") == hp_attr(node, "2MB/total") +
		hp_attr(node, "1GB/total") + hp_attr(node, "poisoned");
}

/* Ignoring the signal would not do: it is forced upon who injects. */
static void on_sigbus(int sig)
{
}

TEST_F(poison, a_block_in_use)
{
	long long total = hp_attr(0, "total"), bad = hp_attr(0, "poisoned");
	unsigned char *victim = self->p + UNIT + 8192;

	/*
	 * Whether the error can be contained further than the block, and what
	 * madvise() and SIGBUS say of it, is the kernel's affair.
	 */
	signal(SIGBUS, on_sigbus);
	madvise(victim, 4096, MADV_HWPOISON);
	signal(SIGBUS, SIG_DFL);
	EXPECT_TRUE(sums_hold(0));
	EXPECT_EQ(total, hp_attr(0, "total"));
	/* The neighbours are as good as they were. */
	EXPECT_EQ('a', self->p[0]);
	EXPECT_EQ('c', self->p[2 * UNIT]);
	/* The file may go; the block goes out of service with it. */
	munmap(self->p, 3 * UNIT);
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_TRUE(eventually(hp_attr(0, "poisoned") ==
			       bad + (long long)UNIT, 5));
	EXPECT_EQ(total, hp_attr(0, "total"));
	EXPECT_EQ(0, hp_attr(0, "used"));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_TRUE(sums_hold(0));
	/* And the file system goes on working. */
	EXPECT_OK(fallocate(self->fd, 0, 0, 3 * UNIT));
}

TEST_F(poison, a_free_block)
{
	long long total = hp_attr(0, "total"), bad = hp_attr(0, "poisoned");
	unsigned long pfn = pfn_of(self->p + UNIT);
	char addr[32];

	ASSERT_NE(0, pfn);
	munmap(self->p, 3 * UNIT);
	ASSERT_OK(ftruncate(self->fd, 0));
	snprintf(addr, sizeof(addr), "0x%lx", pfn * 4096);
	/* Handled or not, the answer is no promise; what follows is. */
	wr_file("/sys/devices/system/memory/hard_offline_page", addr);
	EXPECT_TRUE(eventually(hp_attr(0, "poisoned") ==
			       bad + (long long)UNIT, 5));
	EXPECT_EQ(total, hp_attr(0, "total"));
	EXPECT_TRUE(sums_hold(0));
}

/* All was promised when one is lost: for others there is nothing, for those... */
TEST_F(poison, more_was_promised_than_is_left)
{
	unsigned long pfn = pfn_of(self->p);
	struct cg *top = &self->env.top, other;
	char addr[32], name[32];
	long long free;

	munmap(self->p, 3 * UNIT);
	ASSERT_OK(ftruncate(self->fd, 0));
	free = hp_attr(0, "2MB/free");
	snprintf(name, sizeof(name), "hp-other.%d", getpid());
	ASSERT_OK(cg_make(&other, NULL, name));
	ASSERT_OK(cg_promise(top, "2MB/node0", 6 * UNIT));
	ASSERT_OK(cg_promise(&other, "2MB/node0", free - 6 * UNIT));
	EXPECT_RESERVED(free, 0);
	snprintf(addr, sizeof(addr), "0x%lx", pfn * 4096);
	wr_file("/sys/devices/system/memory/hard_offline_page", addr);
	ASSERT_TRUE(eventually(hp_attr(0, "2MB/free") == free - UNIT, 5));

	/* ... who were promised it, as long as there is any. */
	EXPECT_RESERVED(free - UNIT, 0);
	EXPECT_EQ(-ENOSPC, cg_fallocate(NULL, CG, self->fd, 0, UNIT));
	EXPECT_OK(fallocate(self->fd, 0, 0, 6 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 6 * UNIT, 1));
	EXPECT_RESERVED(free - 7 * UNIT, 0);
	/* What was said is not taken back, but no more is promised. */
	EXPECT_EQ(free - 6 * UNIT, cg_hp(&other, "min", "2MB/node0"));
	EXPECT_OK(cg_promise(&other, "2MB/node0", free - 6 * UNIT));
	EXPECT_EQ(-ENOSPC, cg_promise(top, "2MB/node0", 7 * UNIT));
	EXPECT_OK(cg_promise(&other, "2MB/node0", free - 7 * UNIT));
	EXPECT_EQ(-ENOSPC, cg_promise(&other, "2MB/node0", free - 6 * UNIT));
	EXPECT_RESERVED(free - 7 * UNIT, 0);
	EXPECT_OK(cg_remove(&other));
}

/* Everything that is left can be had, and none of it is a retired block. */
TEST_F(poison, never_handed_out_again)
{
	unsigned long bad = pfn_of(self->p + 2 * UNIT);
	long long left;
	char addr[32];
	unsigned char *p;

	munmap(self->p, 3 * UNIT);
	ASSERT_OK(ftruncate(self->fd, 0));
	snprintf(addr, sizeof(addr), "0x%lx", bad * 4096);
	wr_file("/sys/devices/system/memory/hard_offline_page", addr);
	left = hp_attr(0, "2MB/free");
	ASSERT_LT(0, left);
	ASSERT_OK(fallocate(self->fd, 0, 0, left));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, left, 1));
	p = mmap(NULL, left, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	for (long long off = 0; off < left; off += UNIT) {
		ASSERT_OK(touch_write(p + off, 1));
		ASSERT_NE(bad, pfn_of(p + off));
	}
	EXPECT_TRUE(sums_hold(0));
}

TEST_HARNESS_MAIN
