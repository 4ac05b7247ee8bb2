// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa4 timeout=180
 *
 * Four nodes: two pools of different size, node 2 with memory but without a
 * pool, node 3 with a CPU but without memory. Asking for blocks of these is an
 * error or leads to the next node, as the policy says; it never breaks a promise
 * about where memory is.
 */
#include "hp_test.h"
#include "numa.h"

#define RW		(PROT_READ | PROT_WRITE)
#define NO_POOL		2
#define NO_MEMORY	3

HP_FIXTURE(node, "pool=2M,size=4G");

/* Nothing of ours is where there is no pool. */
#define EXPECT_NONE_ELSEWHERE()						\
	do {								\
		EXPECT_EQ(0, held_on(&self->env, CG, "2MB", NO_POOL));	\
		EXPECT_EQ(0, held_on(&self->env, CG, "2MB", NO_MEMORY));\
	} while (0)

TEST_F(node, machine_is_as_described)
{
	char list[64];

	ASSERT_EQ(4, hp_nr_nodes());
	EXPECT_LT(hp_attr(1, "total"), hp_attr(0, "total"));
	EXPECT_LT(0, hp_attr(1, "total"));
	EXPECT_EQ(0, hp_attr(NO_POOL, "total"));
	EXPECT_EQ(0, hp_attr(NO_MEMORY, "total"));
	ASSERT_OK(rd_file("/sys/devices/system/node/has_memory", list,
			  sizeof(list)));
	EXPECT_STREQ("0-2\n", list);
}

/* --- bind --- */

TEST_F(node, bind_to_a_node_without_pool)
{
	int fd = hp_open_sized(&self->env, "f", 4 * UNIT);
	unsigned char *p = mmap(NULL, 4 * UNIT, RW, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(task_policy(MPOL_BIND, 1 << NO_POOL));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, UNIT));
	EXPECT_ERRNO(ENOSPC, pwrite(fd, "x", 1, 0));
	EXPECT_EQ(SIGBUS, touch_write(p, 1));
	EXPECT_EQ(3, cg_event(CG, "nospc"));
	task_policy(MPOL_DEFAULT, 0);
	/* By the policy of the file, whoever allocates. */
	ASSERT_OK(range_policy(p, UNIT, MPOL_BIND, 1 << NO_POOL));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_EQ(SIGBUS, touch_write(p, 1));
	EXPECT_ON(0, 0);
	EXPECT_OK(touch_write(p + UNIT, 1));
	EXPECT_EQ(UNIT, CURRENT_2M);
	EXPECT_NONE_ELSEWHERE();
}

TEST_F(node, bind_to_a_node_without_memory)
{
	int fd = hp_open_sized(&self->env, "f", 4 * UNIT);
	unsigned char *p = mmap(NULL, 4 * UNIT, RW, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(-EINVAL, task_policy(MPOL_BIND, 1 << NO_MEMORY));
	EXPECT_EQ(-EINVAL, task_policy(MPOL_INTERLEAVE, 1 << NO_MEMORY));
	EXPECT_EQ(-EINVAL, range_policy(p, UNIT, MPOL_BIND, 1 << NO_MEMORY));
	/* With another one it is that other one alone, until it is empty. */
	ASSERT_OK(task_policy(MPOL_BIND, 1 << NO_MEMORY | 1 << 1));
	ASSERT_OK(hp_hog(&self->env, 1, UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_OK(fallocate(fd, 0, 0, UNIT));
	EXPECT_EQ(SIGBUS, touch_write(p + UNIT, 1));
	EXPECT_ON(0, 1);
	task_policy(MPOL_DEFAULT, 0);
	EXPECT_OK(hp_unhog(&self->env));
}

TEST_F(node, mount_bound_to_them)
{
	char dir[96];

	snprintf(dir, sizeof(dir), "%s/m", self->env.dir);
	ASSERT_OK(mkdir(dir, 0755));
	EXPECT_EQ(-EINVAL, hp_mount(dir, "pool=2M,mpol=bind:3"));
	ASSERT_OK(hp_mount(dir, "pool=2M,mpol=bind:2"));
	EXPECT_ERRNO(ENOSPC, fallocate(hp_open(&self->env, "m/f"), 0, 0, 1));
	EXPECT_EQ(0, CURRENT_2M);
	umount2(dir, MNT_DETACH);
}

/* --- policies that may go on --- */

TEST_F(node, others_lead_to_the_next_pool)
{
	static const struct { int mode, mask, n0, n1; } tries[] = {
		{ MPOL_PREFERRED, 1 << NO_POOL, 9, 0 },
		{ MPOL_PREFERRED_MANY, 1 << NO_POOL, 9, 0 },
		{ MPOL_PREFERRED_MANY, 1 << NO_POOL | 2, 0, 9 },
		{ MPOL_BIND, 1 << NO_POOL | 2, 0, 9 },
		/* Every third is meant for node 2, to which both are as near. */
		{ MPOL_INTERLEAVE, 1 << NO_POOL | 3, 6, 3 },
	};
	int fd = hp_open_sized(&self->env, "f", 9 * UNIT);

	/* Of several, and without one, it is the nearest to the task. */
	ASSERT_OK(pin_to_node(0));
	for (unsigned int i = 0; i < ARRAY_SIZE(tries); i++) {
		ASSERT_OK(task_policy(tries[i].mode, tries[i].mask));
		EXPECT_OK(fallocate(fd, 0, 0, 9 * UNIT));
		EXPECT_ON(tries[i].n0, tries[i].n1);
		EXPECT_NONE_ELSEWHERE();
		ASSERT_OK(ftruncate(fd, 0));
	}
	task_policy(MPOL_DEFAULT, 0);
	EXPECT_EQ(0, cg_event(CG, "nospc"));
}

/* Who runs where there is no pool is served from the nearest. */
TEST_F(node, local_without_pool_or_memory)
{
	int fd = hp_open_sized(&self->env, "f", 4 * UNIT);
	unsigned char *p = mmap(NULL, 4 * UNIT, RW, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	for (int node = NO_POOL; node <= NO_MEMORY; node++) {
		ASSERT_OK(pin_to_node(node));
		EXPECT_OK(fallocate(fd, 0, 0, 2 * UNIT));
		EXPECT_OK(touch_write(p + 2 * UNIT, 1));
		EXPECT_ON(3, 0);
		ASSERT_OK(task_policy(MPOL_LOCAL, 0));
		EXPECT_OK(touch_write(p + 3 * UNIT, 1));
		EXPECT_ON(4, 0);
		ASSERT_OK(task_policy(MPOL_DEFAULT, 0));
		ASSERT_OK(ftruncate(fd, 0));
		ASSERT_OK(ftruncate(fd, 4 * UNIT));
	}
}

TEST_F(node, home_without_pool_or_memory)
{
	int fd = hp_open_sized(&self->env, "f", 4 * UNIT);
	unsigned char *p = mmap(NULL, 4 * UNIT, RW, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(range_policy(p, 4 * UNIT, MPOL_BIND, 2));
	ASSERT_OK(range_home(p, 2 * UNIT, NO_POOL));
	ASSERT_OK(range_home(p + 2 * UNIT, 2 * UNIT, NO_MEMORY));
	EXPECT_OK(fallocate(fd, 0, 0, 4 * UNIT));
	EXPECT_ON(0, 4);
}

/* --- pools of different size --- */

TEST_F(node, uneven_pools_are_used_up)
{
	long long all = hp_sum("free");
	int fd = hp_open(&self->env, "f");

	ASSERT_OK(task_policy(MPOL_INTERLEAVE, 3));
	ASSERT_OK(fallocate(fd, 0, 0, all));
	EXPECT_ON(hp_attr(0, "total") / UNIT, hp_attr(1, "total") / UNIT);
	EXPECT_EQ(0, hp_sum("free"));
	EXPECT_ERRNO(ENOSPC, pwrite(fd, "x", 1, all));
	EXPECT_NONE_ELSEWHERE();
	task_policy(MPOL_DEFAULT, 0);
}

TEST_F(node, guarantees_follow_the_pools)
{
	/* A child could only be given what its parent has. */
	struct cg *top = &self->env.top;
	long long n0, n1;

	/* In proportion to what each node can promise, whole blocks. */
	ASSERT_OK(cg_promise(top, "2MB", 27 * UNIT));
	n0 = cg_hp(top, "min", "2MB/node0") / UNIT;
	n1 = cg_hp(top, "min", "2MB/node1") / UNIT;
	EXPECT_EQ(27, n0 + n1);
	EXPECT_EQ(27 * hp_attr(1, "total") / hp_sum("total"), n1);
	EXPECT_EQ(0, cg_hp(top, "min", "2MB/node2"));
	EXPECT_EQ(0, cg_hp(top, "min", "2MB/node3"));
	/* What a node has not it cannot promise. */
	EXPECT_EQ(-ENOSPC, cg_promise(top, "2MB/node2", UNIT));
	EXPECT_EQ(-ENOSPC, cg_promise(top, "2MB/node3", UNIT));
	EXPECT_EQ(-ENOSPC, cg_promise(top, "2MB/node1",
				      hp_attr(1, "total") + UNIT));
	EXPECT_OK(cg_promise(top, "2MB/node2", 0));
	EXPECT_OK(cg_promise(top, "2MB/node3", 0));
	/* All nodes together never need the impossible of one. */
	EXPECT_OK(cg_promise(top, "2MB", hp_sum("total")));
	EXPECT_EQ(hp_attr(1, "total"), cg_hp(top, "min", "2MB/node1"));
	EXPECT_EQ(hp_attr(0, "total"), hp_attr(0, "reserved"));
	EXPECT_EQ(0, hp_attr(NO_POOL, "reserved"));
	ASSERT_OK(cg_promise(top, "2MB", 0));
	EXPECT_EQ(0, hp_sum("reserved"));
}

TEST_F(node, limits_of_nodes_without_pool)
{
	int fd = hp_open(&self->env, "f");

	EXPECT_OK(cg_limit(CG, "2MB/node2", UNIT));
	EXPECT_OK(cg_limit(CG, "2MB/node3", 0));
	EXPECT_EQ(-EINVAL, cg_limit(CG, "2MB/node4", 0));
	EXPECT_EQ(-EINVAL, cg_promise(CG, "2MB/node4", 0));
	EXPECT_OK(fallocate(fd, 0, 0, 2 * UNIT));
	/* A node without pool does not help one that is at its limit. */
	ASSERT_OK(cg_limit(CG, "2MB/node0", 0));
	ASSERT_OK(cg_limit(CG, "2MB/node1", 0));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 2 * UNIT, UNIT));
	EXPECT_EQ(1, cg_event(CG, "max"));
}

/* --- cpuset.mems --- */

TEST_F(node, cpuset_without_pool)
{
	int fd = hp_open_sized(&self->env, "f", 4 * UNIT);
	unsigned char *p = mmap(NULL, 4 * UNIT, RW, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(cg_write(CG, "cpuset.mems", "1"));
	EXPECT_OK(touch_write(p, 0x5a));
	ASSERT_OK(cg_write(CG, "cpuset.mems", "2"));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_EQ(SIGBUS, touch_write(p + UNIT, 1));
	/* What is there stays where it is, and usable. */
	EXPECT_EQ(0x5a, p[0]);
	EXPECT_EQ(1, node_at(p));
	EXPECT_ON(0, 1);
	ASSERT_OK(cg_write(CG, "cpuset.mems", "0,2"));
	EXPECT_OK(touch_write(p + UNIT, 1));
	EXPECT_ON(1, 1);
	EXPECT_NONE_ELSEWHERE();
}

/* --- numactl --- */

#define NUMACTL(...)	hp_exec("numactl", __VA_ARGS__, NULL)

TEST_F(node, numactl)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/f", self->env.dir);
	EXPECT_NE(0, NUMACTL("--membind=2", "fallocate", "-l", "4M", path));
	EXPECT_NE(0, NUMACTL("--membind=3", "fallocate", "-l", "4M", path));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_OK(NUMACTL("--membind=1,2", "fallocate", "-l", "4M", path));
	EXPECT_ON(0, 2);
	EXPECT_OK(NUMACTL("--preferred=2", "fallocate", "-l", "6M", path));
	EXPECT_ON(1, 2);
	EXPECT_OK(NUMACTL("--preferred-many=1", "fallocate", "-l", "8M", path));
	EXPECT_ON(1, 3);
	EXPECT_OK(NUMACTL("--physcpubind=3", "--localalloc", "fallocate",
			  "-l", "10M", path));
	EXPECT_ON(2, 3);
	ASSERT_OK(unlink(path));
	EXPECT_TRUE(eventually(CURRENT_2M == 0, 5));
	EXPECT_OK(NUMACTL("--interleave=0,1", "fallocate", "-l", "20M", path));
	EXPECT_ON(5, 5);
	EXPECT_NONE_ELSEWHERE();
}

TEST_HARNESS_MAIN
