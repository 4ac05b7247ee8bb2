// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=300
 *
 * memory.hugepool.min: what is guaranteed to a cgroup nobody else can use up, and
 * more than there is cannot be guaranteed. Who may have how much of a parent's
 * guarantee, what becomes of it when blocks are held and given back, when it is
 * lowered and when the cgroup goes, and what others see of it. The rest of the
 * lines that can be written is in cgroup_limits.c.
 */
#include <numaif.h>

#include "hp_test.h"
#include "cg.h"

#define TOP	(&self->env.top)
#define OTHER	(&self->other)
#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define NODE	256UL		/* units of each node */

FIXTURE(min) {
	struct hp_env env;
	struct cg other;	/* beside env.top */
	int fd, fd2;
};

FIXTURE_SETUP(min)
{
	char name[32];

	HP_SETUP("pool=2M,size=2G");
	snprintf(name, sizeof(name), "hp-other.%d", getpid());
	ASSERT_OK(cg_make(OTHER, NULL, name));
	self->fd = hp_open(&self->env, "a");
	self->fd2 = hp_open(&self->env, "b");
	ASSERT_LE(0, self->fd);
	ASSERT_LE(0, self->fd2);
	ASSERT_EQ(2, hp_nr_nodes());
	for (int node = 0; node < 2; node++) {
		ASSERT_EQ(NODE * UNIT, hp_attr(node, "2MB/free"));
		ASSERT_EQ(0, hp_attr(node, "reserved"));
	}
}

FIXTURE_TEARDOWN_PARENT(min)
{
	EXPECT_OK(cg_remove(OTHER));
	EXPECT_ENDED(&self->env);
}

#define PROMISE(cg, key, units)	cg_promise(cg, key, (units) * UNIT)
#define FILL(cg, fd, at, units)						\
	cg_fallocate(cg, CG, fd, (at) * UNIT, (units) * UNIT)

#define EXPECT_MIN(cg, n0, n1)						\
	do {								\
		EXPECT_EQ((n0) * UNIT, cg_hp(cg, "min", "2MB/node0"));	\
		EXPECT_EQ((n1) * UNIT, cg_hp(cg, "min", "2MB/node1"));	\
		EXPECT_EQ(((n0) + (n1)) * UNIT, cg_hp(cg, "min", "2MB")); \
	} while (0)

/* --- the file --- */

TEST_F(min, nothing_by_default)
{
	static const char * const keys[] = {
		"2MB", "1GB", "2MB/node0", "2MB/node1", "1GB/node0",
		"1GB/node1",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
		EXPECT_EQ(0, cg_hp(CG, "min", keys[i]))
			TH_LOG("min of %s", keys[i]);
		EXPECT_EQ(0, cg_hp(OTHER, "min", keys[i]))
			TH_LOG("min of %s", keys[i]);
	}
	EXPECT_RESERVED(0, 0);
}

TEST_F(min, a_node_at_a_time)
{
	ASSERT_OK(PROMISE(OTHER, "2MB/node0", 8));
	EXPECT_MIN(OTHER, 8, 0);
	EXPECT_RESERVED(8 * UNIT, 0);
	ASSERT_OK(PROMISE(OTHER, "2M/node1", 5));
	EXPECT_MIN(OTHER, 8, 5);
	EXPECT_RESERVED(8 * UNIT, 5 * UNIT);
	ASSERT_OK(PROMISE(OTHER, "2MB/node0", 3));
	EXPECT_MIN(OTHER, 3, 5);
	EXPECT_RESERVED(3 * UNIT, 5 * UNIT);
	EXPECT_EQ(0, cg_hp(OTHER, "min", "1GB"));
	/* It is free memory all the same. */
	EXPECT_EQ(2 * NODE * UNIT, hp_sum("2MB/free"));
	EXPECT_EQ(0, cg_hp(OTHER, "current", "2MB"));
	ASSERT_OK(PROMISE(OTHER, "2MB", 0));
	EXPECT_MIN(OTHER, 0, 0);
	EXPECT_RESERVED(0, 0);
}

/* --- a total is divided --- */

FIXTURE(divide) {
	struct hp_env env;
	struct cg other;
};

FIXTURE_VARIANT(divide) {
	unsigned long taken0, taken1;	/* guaranteed to somebody else */
	unsigned long total, share0, share1;
};

FIXTURE_VARIANT_ADD(divide, even) { 0, 0, 10, 5, 5 };
FIXTURE_VARIANT_ADD(divide, one_left_over) { 0, 0, 11, 6, 5 };
FIXTURE_VARIANT_ADD(divide, a_single_one) { 0, 0, 1, 1, 0 };
FIXTURE_VARIANT_ADD(divide, all_there_is) { 0, 0, 2 * NODE, NODE, NODE };
FIXTURE_VARIANT_ADD(divide, nothing) { 0, 0, 0, 0, 0 };
/* 64 : 256 */
FIXTURE_VARIANT_ADD(divide, uneven) { 192, 0, 10, 2, 8 };
FIXTURE_VARIANT_ADD(divide, uneven_and_one_left_over) { 192, 0, 11, 3, 8 };
FIXTURE_VARIANT_ADD(divide, uneven_and_few) { 192, 0, 3, 1, 2 };
FIXTURE_VARIANT_ADD(divide, uneven_and_a_single_one) { 192, 0, 1, 1, 0 };
FIXTURE_VARIANT_ADD(divide, uneven_and_all) { 192, 0, 320, 64, 256 };
/* 256 : 1 */
FIXTURE_VARIANT_ADD(divide, hardly_any_on_one) { 0, 255, 256, 256, 0 };
FIXTURE_VARIANT_ADD(divide, hardly_any_but_all) { 0, 255, 257, 256, 1 };
FIXTURE_VARIANT_ADD(divide, none_on_the_first) { 256, 0, 7, 0, 7 };
FIXTURE_VARIANT_ADD(divide, none_on_the_second) { 0, 256, 7, 7, 0 };
/* 1 : 3 */
FIXTURE_VARIANT_ADD(divide, nearly_all_taken) { 255, 253, 4, 1, 3 };
FIXTURE_VARIANT_ADD(divide, three_of_four) { 255, 253, 3, 1, 2 };

FIXTURE_SETUP(divide)
{
	char name[32];

	HP_SETUP(NULL);
	snprintf(name, sizeof(name), "hp-other.%d", getpid());
	ASSERT_OK(cg_make(OTHER, NULL, name));
}

FIXTURE_TEARDOWN_PARENT(divide)
{
	EXPECT_OK(cg_remove(OTHER));
	EXPECT_ENDED(&self->env);
}

TEST_F(divide, in_proportion_to_what_can_be_promised)
{
	unsigned long taken = variant->taken0 + variant->taken1;

	ASSERT_OK(PROMISE(OTHER, "2MB/node0", variant->taken0));
	ASSERT_OK(PROMISE(OTHER, "2MB/node1", variant->taken1));
	ASSERT_OK(PROMISE(TOP, "2MB", variant->total));
	EXPECT_MIN(TOP, variant->share0, variant->share1);
	EXPECT_RESERVED((variant->taken0 + variant->share0) * UNIT,
			(variant->taken1 + variant->share1) * UNIT);
	/* What it has been promised itself is not in its way. */
	ASSERT_OK(PROMISE(TOP, "2MB", variant->total));
	EXPECT_MIN(TOP, variant->share0, variant->share1);
	EXPECT_EQ(-ENOSPC, PROMISE(TOP, "2MB", 2 * NODE - taken + 1));
	EXPECT_MIN(TOP, variant->share0, variant->share1);
}

/* All shares are replaced, not only those that would have to grow. */
TEST_F(min, a_total_replaces_all_shares)
{
	ASSERT_OK(PROMISE(OTHER, "2MB/node0", 9));
	ASSERT_OK(PROMISE(OTHER, "2MB", 6));
	EXPECT_MIN(OTHER, 3, 3);
	ASSERT_OK(PROMISE(OTHER, "2MB/node1", 2));
	EXPECT_MIN(OTHER, 3, 2);
	EXPECT_RESERVED(3 * UNIT, 2 * UNIT);
}

/* A parent can promise what it has, and where it has it. */
TEST_F(min, a_parent_is_divided_where_it_has_a_share)
{
	ASSERT_OK(PROMISE(TOP, "2MB/node0", 2));
	ASSERT_OK(PROMISE(TOP, "2MB/node1", 6));
	ASSERT_OK(PROMISE(CG, "2MB", 4));
	EXPECT_MIN(CG, 1, 3);
	EXPECT_EQ(-ENOSPC, PROMISE(CG, "2MB", 9));
	EXPECT_MIN(CG, 1, 3);
	ASSERT_OK(PROMISE(CG, "2MB", 8));
	EXPECT_MIN(CG, 2, 6);
	/* The parent's is what is set aside, and once. */
	EXPECT_RESERVED(2 * UNIT, 6 * UNIT);
}

/* --- what cannot be promised --- */

TEST_F(min, no_more_than_the_node_has)
{
	EXPECT_EQ(-ENOSPC, PROMISE(TOP, "2MB/node0", NODE + 1));
	EXPECT_MIN(TOP, 0, 0);
	ASSERT_OK(PROMISE(TOP, "2MB/node0", NODE));
	EXPECT_EQ(-ENOSPC, PROMISE(OTHER, "2MB/node0", 1));
	EXPECT_EQ(-ENOSPC, PROMISE(OTHER, "2MB", NODE + 1));
	EXPECT_MIN(OTHER, 0, 0);
	ASSERT_OK(PROMISE(OTHER, "2MB/node1", NODE));
	EXPECT_RESERVED(NODE * UNIT, NODE * UNIT);
	EXPECT_EQ(-ENOSPC, PROMISE(OTHER, "2MB/node0", 1));
	EXPECT_MIN(OTHER, 0, NODE);
	/* Every number that can be written is refused like that. */
	EXPECT_EQ(-ENOSPC, cg_write(OTHER, "memory.hugepool.min",
				    "2MB 18446744073707454464"));
	EXPECT_EQ(-ENOSPC, cg_write(OTHER, "memory.hugepool.min",
				    "2MB/node0 18446744073707454464"));
	EXPECT_EQ(-ENOSPC, cg_write(OTHER, "memory.hugepool.min", "2MB 8E"));
	EXPECT_MIN(OTHER, 0, NODE);
}

TEST_F(min, a_class_without_pool)
{
	ASSERT_EQ(0, hp_sum("1GB/total"));
	EXPECT_EQ(-ENOSPC, cg_write(TOP, "memory.hugepool.min", "1GB 1G"));
	EXPECT_EQ(-ENOSPC, cg_write(TOP, "memory.hugepool.min",
				    "1GB/node1 1G"));
	EXPECT_OK(cg_write(TOP, "memory.hugepool.min", "1GB 0"));
	EXPECT_OK(cg_write(TOP, "memory.hugepool.min", "1GB/node1 0"));
	EXPECT_EQ(0, cg_hp(TOP, "min", "1GB"));
	EXPECT_EQ(0, cg_hp(TOP, "min", "1GB/node1"));
	EXPECT_RESERVED(0, 0);
}

/* What is held counts for who holds it, and against all others. */
TEST_F(min, what_others_hold_cannot_be_promised)
{
	ASSERT_OK(bind_to(0));
	ASSERT_OK(FILL(OTHER, self->fd, 0, 6));
	EXPECT_EQ(-ENOSPC, PROMISE(TOP, "2MB/node0", NODE - 5));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", NODE - 6));
	EXPECT_RESERVED((NODE - 6) * UNIT, 0);
	/* The six that it holds can be promised to their holder. */
	EXPECT_EQ(-ENOSPC, PROMISE(OTHER, "2MB/node0", 7));
	ASSERT_OK(PROMISE(OTHER, "2MB/node0", 6));
	EXPECT_RESERVED((NODE - 6) * UNIT, 0);
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_RESERVED(NODE * UNIT, 0);
	ASSERT_OK(bind_to(-1));
}

TEST_F(min, what_nobody_is_charged_for_cannot_be_promised)
{
	ASSERT_OK(hp_hog(&self->env, 1, 4 * UNIT));
	EXPECT_EQ(-ENOSPC, PROMISE(TOP, "2MB/node1", 5));
	ASSERT_OK(PROMISE(TOP, "2MB/node1", 4));
	EXPECT_RESERVED(0, 4 * UNIT);
	EXPECT_EQ(4 * UNIT, hp_attr(1, "free"));
	/* Nothing is left for the root's own tasks. */
	ASSERT_OK(bind_to(1));
	EXPECT_EQ(-ENOSPC, FILL(NULL, self->fd, 0, 1));
	ASSERT_OK(bind_to(-1));
	EXPECT_OK(hp_unhog(&self->env));
	EXPECT_OK(PROMISE(TOP, "2MB/node1", NODE));
}

/* --- a child's share comes out of its parent's --- */

TEST_F(min, no_more_than_the_parent_has)
{
	struct cg b;

	ASSERT_OK(cg_make(&b, TOP, "b"));
	/* Nothing, as long as the parent has nothing. */
	EXPECT_EQ(-ENOSPC, PROMISE(CG, "2MB/node0", 1));
	EXPECT_EQ(-ENOSPC, PROMISE(CG, "2MB", 1));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", 8));
	EXPECT_EQ(-ENOSPC, PROMISE(CG, "2MB/node0", 9));
	EXPECT_EQ(-ENOSPC, PROMISE(CG, "2MB/node1", 1));
	ASSERT_OK(PROMISE(CG, "2MB/node0", 8));
	EXPECT_EQ(-ENOSPC, PROMISE(&b, "2MB/node0", 1));
	EXPECT_EQ(-ENOSPC, PROMISE(&b, "2MB", 1));
	EXPECT_MIN(&b, 0, 0);
	ASSERT_OK(PROMISE(CG, "2MB/node0", 5));
	EXPECT_EQ(-ENOSPC, PROMISE(&b, "2MB/node0", 4));
	ASSERT_OK(PROMISE(&b, "2MB/node0", 3));
	EXPECT_EQ(-ENOSPC, PROMISE(CG, "2MB/node0", 6));
	EXPECT_MIN(CG, 5, 0);
	/* Promised on, it is still the same eight. */
	EXPECT_RESERVED(8 * UNIT, 0);
}

/* A child that has been promised nothing may be there first. */
TEST_F(min, what_a_sibling_holds_cannot_be_promised)
{
	struct cg b;

	ASSERT_OK(cg_make(&b, TOP, "b"));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", 8));
	ASSERT_OK(bind_to(0));
	ASSERT_OK(FILL(&b, self->fd, 0, 6));
	EXPECT_EQ(-ENOSPC, PROMISE(CG, "2MB/node0", 3));
	ASSERT_OK(PROMISE(CG, "2MB/node0", 2));
	EXPECT_RESERVED(2 * UNIT, 0);
	ASSERT_OK(ftruncate(self->fd, 2 * UNIT));
	ASSERT_OK(PROMISE(CG, "2MB/node0", 6));
	EXPECT_RESERVED(6 * UNIT, 0);
	ASSERT_OK(bind_to(-1));
}

TEST_F(min, not_less_than_the_children_have)
{
	struct cg b;

	ASSERT_OK(cg_make(&b, TOP, "b"));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", 10));
	ASSERT_OK(PROMISE(TOP, "2MB/node1", 10));
	ASSERT_OK(PROMISE(CG, "2MB/node0", 3));
	ASSERT_OK(PROMISE(&b, "2MB/node0", 2));
	ASSERT_OK(PROMISE(CG, "2MB/node1", 1));
	EXPECT_EQ(-EBUSY, PROMISE(TOP, "2MB/node0", 4));
	EXPECT_EQ(-EBUSY, PROMISE(TOP, "2MB/node0", 0));
	EXPECT_EQ(-EBUSY, PROMISE(TOP, "2MB/node1", 0));
	EXPECT_EQ(-EBUSY, PROMISE(TOP, "2MB", 5));
	EXPECT_MIN(TOP, 10, 10);
	EXPECT_RESERVED(10 * UNIT, 10 * UNIT);
	ASSERT_OK(PROMISE(TOP, "2MB/node0", 5));
	ASSERT_OK(PROMISE(TOP, "2MB", 6));
	EXPECT_MIN(TOP, 5, 1);
	EXPECT_RESERVED(5 * UNIT, UNIT);
	/* A child that is gone has nothing. */
	ASSERT_OK(cg_remove(&b));
	EXPECT_TRUE(eventually(!PROMISE(TOP, "2MB/node0", 3), 5));
	EXPECT_RESERVED(3 * UNIT, UNIT);
}

/* Where an even share would be less than the children's, theirs comes first. */
TEST_F(min, children_are_served_before_the_rest_is_divided)
{
	ASSERT_OK(PROMISE(TOP, "2MB", 40));
	ASSERT_OK(PROMISE(CG, "2MB/node1", 8));
	ASSERT_OK(PROMISE(TOP, "2MB", 10));
	EXPECT_MIN(TOP, 2, 8);
	ASSERT_OK(PROMISE(TOP, "2MB", 8));
	EXPECT_MIN(TOP, 0, 8);
	EXPECT_EQ(-EBUSY, PROMISE(TOP, "2MB", 7));
	ASSERT_OK(PROMISE(TOP, "2MB", 20));
	EXPECT_MIN(TOP, 10, 10);
}

/* --- others cannot take it --- */

static int nodes_first_is(int node)
{
	unsigned long mask = 1UL << node;

	return set_mempolicy(MPOL_PREFERRED, &mask, 64) ? -errno : 0;
}

TEST_F(min, outsiders_are_refused)
{
	long long fails = vm_event("hugepool_alloc_fail");

	ASSERT_OK(PROMISE(TOP, "2MB/node0", NODE - 3));
	ASSERT_OK(bind_to(0));
	EXPECT_OK(FILL(OTHER, self->fd2, 0, 2));
	EXPECT_EQ(-ENOSPC, FILL(OTHER, self->fd2, 2, 2));
	EXPECT_EQ(2 * UNIT, cg_hp(OTHER, "current", "2MB"));
	EXPECT_EQ(1, cg_event_local(OTHER, "nospc"));
	EXPECT_EQ(1, cg_event(OTHER, "nospc"));
	/* The root's own tasks are nothing better. */
	EXPECT_OK(FILL(NULL, self->fd2, 2, 1));
	EXPECT_EQ(-ENOSPC, FILL(NULL, self->fd2, 3, 1));
	EXPECT_EQ(fails + 2, vm_event("hugepool_alloc_fail"));
	EXPECT_EQ((NODE - 3) * UNIT, hp_attr(0, "free"));
	EXPECT_RESERVED((NODE - 3) * UNIT, 0);
	/* Whose it is has not been asked, and gets all of it. */
	EXPECT_EQ(0, cg_event(TOP, "nospc"));
	EXPECT_OK(fallocate(self->fd, 0, 0, (NODE - 3) * UNIT));
	EXPECT_RESERVED(0, 0);
	EXPECT_EQ(0, hp_attr(0, "free"));
	EXPECT_EQ(0, cg_event(TOP, "nospc"));
	EXPECT_EQ(0, cg_event(OTHER, "max"));
	ASSERT_OK(bind_to(-1));
}

/* By write(2) and by a fault as by fallocate(2). */
TEST_F(min, every_way_to_allocate_is_refused)
{
	unsigned char *p = mmap(NULL, UNIT, PROT_READ | PROT_WRITE, MAP_SHARED,
				self->fd2, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(ftruncate(self->fd2, UNIT));
	ASSERT_OK(PROMISE(OTHER, "2MB", 2 * NODE));
	EXPECT_ERRNO(ENOSPC, pwrite(self->fd2, "x", 1, 0));
	EXPECT_EQ(1, cg_event_local(CG, "nospc"));
	EXPECT_EQ(SIGBUS, touch_write(p, 1));
	EXPECT_EQ(2, cg_event_local(CG, "nospc"));
	EXPECT_EQ(SIGBUS, touch_read(p));
	EXPECT_EQ(3, cg_event_local(CG, "nospc"));
	EXPECT_EQ(3, cg_event(TOP, "nospc"));
	EXPECT_EQ(0, cg_event_local(TOP, "nospc"));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_EQ(0, cg_hp(CG, "peak", "2MB"));
	/* At once when it may. */
	ASSERT_OK(PROMISE(OTHER, "2MB", 2 * NODE - 1));
	EXPECT_OK(touch_write(p, 1));
}

TEST_F(min, a_mount_with_base_falls_back)
{
	char dir[96];
	int fd;

	snprintf(dir, sizeof(dir), "%s/m", self->env.dir);
	ASSERT_OK(mkdir(dir, 0755));
	ASSERT_OK(hp_mount(dir, "pool=2M+base"));
	fd = hp_open(&self->env, "m/f");
	ASSERT_OK(PROMISE(OTHER, "2MB", 2 * NODE));
	EXPECT_EQ(1, pwrite(fd, "x", 1, 0));
	EXPECT_EQ(4096, file_blocks(fd));
	EXPECT_EQ(1, cg_event_local(CG, "fallback"));
	EXPECT_EQ(0, cg_event_local(CG, "nospc"));
	EXPECT_EQ(0, CURRENT_2M);
	close(fd);
	ASSERT_OK(hp_umount(dir));
}

TEST_F(min, siblings_are_refused)
{
	struct cg b;

	ASSERT_OK(cg_make(&b, TOP, "b"));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", NODE - 1));
	ASSERT_OK(PROMISE(CG, "2MB/node0", NODE - 4));
	ASSERT_OK(bind_to(0));
	/* What the parent has left for them, and what nobody has a claim to. */
	EXPECT_OK(FILL(&b, self->fd2, 0, 4));
	EXPECT_EQ(-ENOSPC, FILL(&b, self->fd2, 4, 1));
	EXPECT_EQ(1, cg_event_local(&b, "nospc"));
	EXPECT_EQ(1, cg_event(TOP, "nospc"));
	EXPECT_EQ(0, cg_event_local(TOP, "nospc"));
	EXPECT_EQ(0, cg_event(CG, "nospc"));
	EXPECT_RESERVED((NODE - 4) * UNIT, 0);
	EXPECT_OK(fallocate(self->fd, 0, 0, 20 * UNIT));
	EXPECT_RESERVED((NODE - 24) * UNIT, 0);
	ASSERT_OK(bind_to(-1));
}

/* What a parent has not promised on is there for all of its children alone. */
TEST_F(min, the_rest_of_a_parent)
{
	struct cg b;

	ASSERT_OK(cg_make(&b, TOP, "b"));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", 10));
	ASSERT_OK(PROMISE(CG, "2MB/node0", 4));
	ASSERT_OK(PROMISE(OTHER, "2MB/node0", NODE - 10));
	ASSERT_OK(bind_to(0));
	EXPECT_OK(FILL(&b, self->fd2, 0, 5));
	EXPECT_RESERVED((NODE - 5) * UNIT, 0);
	/* One of the rest by who has a guarantee of its own. */
	EXPECT_OK(fallocate(self->fd, 0, 0, 5 * UNIT));
	EXPECT_EQ(-ENOSPC, FILL(&b, self->fd2, 5, 1));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 5 * UNIT, 1));
	EXPECT_RESERVED((NODE - 10) * UNIT, 0);
	/* Given back, it is the parent's rest again. */
	ASSERT_OK(ftruncate(self->fd, 4 * UNIT));
	EXPECT_OK(FILL(&b, self->fd2, 5, 1));
	EXPECT_EQ(-ENOSPC, FILL(NULL, self->fd2, 6, 1));
	ASSERT_OK(bind_to(-1));
}

TEST_F(min, the_next_node_is_tried)
{
	ASSERT_OK(PROMISE(OTHER, "2MB/node0", NODE));
	ASSERT_OK(nodes_first_is(0));
	EXPECT_OK(fallocate(self->fd, 0, 0, 3 * UNIT));
	EXPECT_EQ(3 * UNIT, cg_hp(CG, "current", "2MB/node1"));
	/* Nothing was refused, so nothing is counted. */
	EXPECT_EQ(0, cg_event(CG, "nospc"));
	ASSERT_OK(bind_to(-1));
	ASSERT_OK(PROMISE(OTHER, "2MB/node1", NODE - 3));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 3 * UNIT, 1));
	EXPECT_EQ(1, cg_event(CG, "nospc"));
}

/* The node with the guarantee comes before one that is further down the policy. */
TEST_F(min, the_owner_is_served_where_the_policy_says)
{
	ASSERT_OK(PROMISE(OTHER, "2MB/node0", NODE));
	ASSERT_OK(nodes_first_is(0));
	EXPECT_OK(FILL(OTHER, self->fd, 0, 3));
	EXPECT_EQ(3 * UNIT, cg_hp(OTHER, "current", "2MB/node0"));
	EXPECT_EQ(0, cg_hp(OTHER, "current", "2MB/node1"));
	ASSERT_OK(bind_to(-1));
}

/* --- holding, and giving back --- */

TEST_F(min, more_than_that_may_be_held)
{
	ASSERT_OK(PROMISE(TOP, "2MB/node0", 4));
	ASSERT_OK(PROMISE(CG, "2MB/node0", 4));
	ASSERT_OK(bind_to(0));
	ASSERT_OK(fallocate(self->fd, 0, 0, 3 * UNIT));
	EXPECT_RESERVED(UNIT, 0);
	ASSERT_OK(fallocate(self->fd, 0, 0, 10 * UNIT));
	EXPECT_RESERVED(0, 0);
	EXPECT_EQ(10 * UNIT, CURRENT_2M);
	/* The same on the other node takes nothing from what is due on this. */
	ASSERT_OK(ftruncate(self->fd, 4 * UNIT));
	EXPECT_RESERVED(0, 0);
	ASSERT_OK(bind_to(1));
	ASSERT_OK(fallocate(self->fd2, 0, 0, 6 * UNIT));
	EXPECT_RESERVED(0, 0);
	ASSERT_OK(ftruncate(self->fd, UNIT));
	EXPECT_RESERVED(3 * UNIT, 0);
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_RESERVED(4 * UNIT, 0);
	ASSERT_OK(bind_to(-1));
}

TEST_F(min, freed_blocks_return_to_the_guarantee)
{
	ASSERT_OK(PROMISE(TOP, "2MB/node0", 4));
	ASSERT_OK(PROMISE(OTHER, "2MB/node0", NODE - 4));
	ASSERT_OK(bind_to(0));
	for (int round = 0; round < 4; round++) {
		ASSERT_OK(fallocate(self->fd, 0, 0, 4 * UNIT));
		EXPECT_EQ(-ENOSPC, FILL(OTHER, self->fd2, 0, NODE - 3));
		ASSERT_OK(fallocate(self->fd, PUNCH, UNIT * round, UNIT));
		/* One is free, and it is ours. */
		EXPECT_EQ(-ENOSPC, FILL(NULL, self->fd2, 0, 1));
		EXPECT_RESERVED((NODE - 3) * UNIT, 0);
	}
	ASSERT_OK(bind_to(-1));
}

TEST_F(min, lowering_gives_back)
{
	ASSERT_OK(PROMISE(TOP, "2MB/node0", NODE));
	ASSERT_OK(bind_to(0));
	ASSERT_OK(fallocate(self->fd, 0, 0, 2 * UNIT));
	EXPECT_EQ(-ENOSPC, FILL(OTHER, self->fd2, 0, 1));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", NODE - 3));
	EXPECT_RESERVED((NODE - 5) * UNIT, 0);
	EXPECT_OK(FILL(OTHER, self->fd2, 0, 3));
	EXPECT_EQ(-ENOSPC, FILL(OTHER, self->fd2, 3, 1));
	/* Below what is held: nothing is taken away. */
	ASSERT_OK(PROMISE(TOP, "2MB", 0));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
	EXPECT_RESERVED(0, 0);
	EXPECT_OK(FILL(OTHER, self->fd2, 3, 1));
	/* Raised again to what can be had. */
	EXPECT_EQ(-ENOSPC, PROMISE(TOP, "2MB/node0", NODE - 3));
	EXPECT_OK(PROMISE(TOP, "2MB/node0", NODE - 4));
	ASSERT_OK(bind_to(-1));
}

/* --- the cgroup goes --- */

TEST_F(min, rmdir_gives_back)
{
	ASSERT_OK(PROMISE(OTHER, "2MB/node1", NODE));
	ASSERT_OK(bind_to(1));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, UNIT));
	ASSERT_OK(cg_remove(OTHER));
	EXPECT_TRUE(eventually(!fallocate(self->fd, 0, 0, UNIT), 5));
	EXPECT_RESERVED_SOON(0, 0);
	ASSERT_OK(bind_to(-1));
}

TEST_F(min, rmdir_gives_back_to_the_parent)
{
	struct cg b;

	ASSERT_OK(cg_make(&b, TOP, "b"));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", 8));
	ASSERT_OK(PROMISE(&b, "2MB/node0", 8));
	EXPECT_EQ(-ENOSPC, PROMISE(CG, "2MB/node0", 1));
	ASSERT_OK(cg_remove(&b));
	EXPECT_TRUE(eventually(!PROMISE(CG, "2MB/node0", 8), 5));
	EXPECT_RESERVED(8 * UNIT, 0);
}

#define DEPTH	8

/* A chain of cgroups below @top, each with the same guarantee. */
static int make_chain(struct cg *top, struct cg *chain, unsigned long units)
{
	int ret = PROMISE(top, "2MB/node0", units);

	for (int i = 0; i < DEPTH && !ret; i++) {
		ret = cg_make(&chain[i], i ? &chain[i - 1] : top, "d");
		if (!ret)
			ret = PROMISE(&chain[i], "2MB/node0", units);
	}
	return ret;
}

TEST_F(min, at_any_depth)
{
	struct cg chain[DEPTH], *last = &chain[DEPTH - 1];

	ASSERT_OK(make_chain(OTHER, chain, 6));
	EXPECT_RESERVED(6 * UNIT, 0);
	ASSERT_OK(PROMISE(TOP, "2MB/node0", NODE - 6));
	ASSERT_OK(bind_to(0));
	EXPECT_OK(FILL(last, self->fd, 0, 6));
	EXPECT_EQ(-ENOSPC, FILL(last, self->fd, 6, 1));
	EXPECT_EQ(1, cg_event_local(last, "nospc"));
	EXPECT_EQ(1, cg_event(OTHER, "nospc"));
	EXPECT_EQ(6 * UNIT, cg_hp(OTHER, "current", "2MB/node0"));
	EXPECT_RESERVED((NODE - 6) * UNIT, 0);
	ASSERT_OK(bind_to(-1));
	/* Nobody in between can be lowered. */
	EXPECT_EQ(-EBUSY, PROMISE(OTHER, "2MB/node0", 5));
	EXPECT_EQ(-EBUSY, PROMISE(&chain[3], "2MB/node0", 5));
	ASSERT_OK(PROMISE(last, "2MB/node0", 0));
	EXPECT_EQ(-EBUSY, PROMISE(&chain[3], "2MB/node0", 5));
}

TEST_F(min, rmdir_gives_back_at_any_depth)
{
	struct cg chain[DEPTH];

	ASSERT_OK(make_chain(OTHER, chain, 6));
	ASSERT_OK(cg_remove(&chain[4]));
	EXPECT_TRUE(eventually(!PROMISE(&chain[3], "2MB/node0", 0), 5));
	EXPECT_RESERVED(6 * UNIT, 0);
	ASSERT_OK(cg_remove(&chain[0]));
	EXPECT_RESERVED(6 * UNIT, 0);
	EXPECT_TRUE(eventually(!PROMISE(OTHER, "2MB/node0", 2), 5));
	EXPECT_RESERVED(2 * UNIT, 0);
	ASSERT_OK(cg_remove(OTHER));
	EXPECT_RESERVED_SOON(0, 0);
}

/* What is left behind in a file stays, what was promised beyond it does not. */
TEST_F(min, rmdir_with_live_memory)
{
	struct cg chain[DEPTH];

	ASSERT_OK(make_chain(OTHER, chain, 9));
	ASSERT_OK(bind_to(0));
	ASSERT_OK(FILL(&chain[DEPTH - 1], self->fd, 0, 3));
	EXPECT_RESERVED(6 * UNIT, 0);
	/* Those above still have the promise, and hold what was left. */
	ASSERT_OK(cg_remove(&chain[2]));
	EXPECT_TRUE(eventually(!PROMISE(&chain[1], "2MB/node0", 4), 5));
	EXPECT_EQ(3 * UNIT, cg_hp(&chain[1], "current", "2MB"));
	EXPECT_RESERVED(6 * UNIT, 0);
	/* All that is above gone: the three of nobody. */
	ASSERT_OK(cg_remove(OTHER));
	EXPECT_RESERVED_SOON(0, 0);
	EXPECT_EQ(3 * UNIT, hp_attr(0, "used"));
	EXPECT_EQ(-ENOSPC, PROMISE(TOP, "2MB/node0", NODE - 2));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", NODE - 3));
	ASSERT_OK(ftruncate(self->fd, UNIT));
	EXPECT_EQ(UNIT, hp_attr(0, "used"));
	EXPECT_RESERVED((NODE - 3) * UNIT, 0);
	ASSERT_OK(PROMISE(TOP, "2MB/node0", NODE - 1));
	ASSERT_OK(bind_to(-1));
}

/* The parent's guarantee covers what a child has left behind. */
TEST_F(min, left_behind_below_a_guarantee)
{
	struct cg b;

	ASSERT_OK(cg_make(&b, TOP, "b"));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", 8));
	ASSERT_OK(PROMISE(&b, "2MB/node0", 5));
	ASSERT_OK(PROMISE(OTHER, "2MB/node0", NODE - 8));
	ASSERT_OK(bind_to(0));
	ASSERT_OK(FILL(&b, self->fd, 0, 5));
	ASSERT_OK(cg_remove(&b));
	EXPECT_EQ(5 * UNIT, cg_hp(TOP, "current", "2MB"));
	EXPECT_RESERVED((NODE - 5) * UNIT, 0);
	/* Three are left for the others below it, and eight when it is freed. */
	EXPECT_OK(fallocate(self->fd2, 0, 0, 3 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd2, 0, 3 * UNIT, UNIT));
	ASSERT_OK(ftruncate(self->fd, 0));
	/* The guarantee of the cgroup itself may outlive it a little. */
	EXPECT_TRUE(eventually(!fallocate(self->fd2, 0, 0, 8 * UNIT), 5));
	/* And what it held is not in the way of what can be promised. */
	EXPECT_TRUE(eventually(!PROMISE(CG, "2MB/node0", 8), 5));
	EXPECT_RESERVED((NODE - 8) * UNIT, 0);
	ASSERT_OK(bind_to(-1));
}

/* By taking the controller away as well, where io keeps it there out of sight. */
TEST_F(min, switching_the_controller_off_gives_back)
{
	struct cg b;

	for (int io = 0; io < 2; io++) {
		ASSERT_OK(cg_make(&b, OTHER, "b"));
		ASSERT_OK(cg_write(OTHER, "cgroup.subtree_control",
				   io ? "+io" : "-io"));
		ASSERT_OK(PROMISE(OTHER, "2MB/node0", 6));
		ASSERT_OK(PROMISE(&b, "2MB/node0", 6));
		ASSERT_OK(cg_limit(&b, "2MB", 7 * UNIT));
		ASSERT_OK(cg_write(OTHER, "cgroup.subtree_control", "-memory"));
		EXPECT_TRUE(eventually(!PROMISE(OTHER, "2MB/node0", 2), 5))
			TH_LOG("%s io", io ? "with" : "without");
		EXPECT_RESERVED_SOON(2 * UNIT, 0);
		/* And no limit that nobody can see. */
		EXPECT_OK(FILL(&b, self->fd, 0, 8));
		ASSERT_OK(ftruncate(self->fd, 0));
		ASSERT_OK(cg_write(OTHER, "cgroup.subtree_control", "+memory"));
		EXPECT_MIN(&b, 0, 0);
		EXPECT_EQ(LLONG_MAX, cg_hp(&b, "max", "2MB"));
		ASSERT_OK(cg_remove(&b));
	}
}

TEST_F(min, a_new_cgroup_of_the_same_name_has_none)
{
	struct cg b;

	ASSERT_OK(PROMISE(TOP, "2MB", 8));
	for (int i = 0; i < 5; i++) {
		ASSERT_OK(cg_make(&b, TOP, "b"));
		EXPECT_MIN(&b, 0, 0);
		/* Gone or on its way, the one before is not in the way. */
		EXPECT_TRUE(eventually(!PROMISE(&b, "2MB", 8), 5));
		ASSERT_OK(cg_remove(&b));
	}
	EXPECT_RESERVED(4 * UNIT, 4 * UNIT);
}

/* --- limits still apply --- */

TEST_F(min, a_limit_below_it_applies)
{
	ASSERT_OK(PROMISE(TOP, "2MB/node0", 8));
	ASSERT_OK(PROMISE(CG, "2MB/node0", 8));
	ASSERT_OK(cg_limit(CG, "2MB", 4 * UNIT));
	EXPECT_MIN(CG, 8, 0);
	ASSERT_OK(bind_to(0));
	EXPECT_OK(fallocate(self->fd, 0, 0, 4 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 4 * UNIT, 1));
	EXPECT_EQ(1, cg_event_local(CG, "max"));
	EXPECT_EQ(0, cg_event(CG, "nospc"));
	EXPECT_RESERVED(4 * UNIT, 0);
	/* The parent's and that of a node as well. */
	ASSERT_OK(cg_write(CG, "memory.hugepool.max", "2MB max"));
	ASSERT_OK(cg_limit(TOP, "2MB/node0", 5 * UNIT));
	EXPECT_OK(fallocate(self->fd, 0, 4 * UNIT, 1));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 5 * UNIT, 1));
	EXPECT_EQ(1, cg_event_local(TOP, "max"));
	/* It can be promised below a limit, too. */
	EXPECT_OK(PROMISE(TOP, "2MB/node0", 20));
	EXPECT_RESERVED(15 * UNIT, 0);
	ASSERT_OK(bind_to(-1));
}

TEST_F(min, memory_max_below_it_applies)
{
	char max[32];

	ASSERT_OK(PROMISE(TOP, "2MB/node0", 8));
	snprintf(max, sizeof(max), "%llu", cg_num(TOP, "memory.current") +
		 2 * UNIT + UNIT * 3 / 4);
	ASSERT_OK(cg_write(TOP, "memory.max", max));
	ASSERT_OK(bind_to(0));
	EXPECT_OK(fallocate(self->fd, 0, 0, 2 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 2 * UNIT, 1));
	EXPECT_EQ(0, cg_event(TOP, "nospc"));
	EXPECT_EQ(0, cg_event(TOP, "max"));
	EXPECT_EQ(0, cg_mem_event(TOP, "oom_kill"));
	EXPECT_RESERVED(6 * UNIT, 0);
	ASSERT_OK(cg_write(TOP, "memory.max", "max"));
	EXPECT_OK(fallocate(self->fd, 0, 0, 8 * UNIT));
	ASSERT_OK(bind_to(-1));
}

/* --- what df says --- */

static long long available(const struct hp_env *env, const struct cg *cg)
{
	long long units = -1;
	struct statfs st;

	if ((cg ? cg_join(cg) : cg_join_root()) || statfs(env->dir, &st))
		return -1;
	units = st.f_bavail;
	return cg_join(&env->cg) ? -1 : units;
}

#define AVAILABLE(cg)	available(&self->env, cg)

/* A memfd, which no mount limits, says the same. */
static long long memfd_available(const struct cg *cg, const struct cg *home)
{
	int fd = memfd_create("min", MFD_HUGEPOOL | MFD_CLOEXEC);
	struct statfs st;

	if (fd < 0 || cg_join(cg) || fstatfs(fd, &st) || cg_join(home))
		return -1;
	close(fd);
	return st.f_bavail;
}

TEST_F(min, statfs_knows_who_asks)
{
	struct cg b;

	ASSERT_OK(cg_make(&b, TOP, "b"));
	ASSERT_OK(PROMISE(TOP, "2MB/node0", 100));
	ASSERT_OK(PROMISE(CG, "2MB/node0", 60));
	EXPECT_EQ(2 * NODE, AVAILABLE(CG));
	EXPECT_EQ(2 * NODE - 60, AVAILABLE(&b));
	EXPECT_EQ(2 * NODE - 100, AVAILABLE(OTHER));
	EXPECT_EQ(2 * NODE - 100, AVAILABLE(NULL));
	EXPECT_EQ(2 * NODE, memfd_available(CG, CG));
	EXPECT_EQ(2 * NODE - 60, memfd_available(&b, CG));
	EXPECT_EQ(2 * NODE - 100, memfd_available(OTHER, CG));
	ASSERT_OK(bind_to(0));
	ASSERT_OK(fallocate(self->fd, 0, 0, 10 * UNIT));
	EXPECT_EQ(2 * NODE - 10, AVAILABLE(CG));
	EXPECT_EQ(2 * NODE - 60, AVAILABLE(&b));
	EXPECT_EQ(2 * NODE - 100, AVAILABLE(OTHER));
	/* What it says can be had, and no more. */
	ASSERT_OK(PROMISE(OTHER, "2MB", 2 * NODE - 100));
	EXPECT_EQ(90, AVAILABLE(CG));
	EXPECT_EQ(40, AVAILABLE(&b));
	EXPECT_EQ(2 * NODE - 100, AVAILABLE(OTHER));
	EXPECT_EQ(0, AVAILABLE(NULL));
	ASSERT_OK(bind_to(-1));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd2, 0, 0, 91 * UNIT));
	EXPECT_OK(fallocate(self->fd2, 0, 0, 90 * UNIT));
	EXPECT_EQ(0, AVAILABLE(CG));
	EXPECT_EQ(0, AVAILABLE(&b));
	EXPECT_EQ(2 * NODE - 100, AVAILABLE(OTHER));
}

TEST_HARNESS_MAIN
