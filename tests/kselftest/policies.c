// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2,numa4 timeout=900
 *
 * Every mode of NUMA policy, by block: of the task, of the file (mbind) and of
 * the mount, whether a block is drawn by fallocate, write or fault. And that a
 * node at its limit, or whose blocks are there for others, is an empty node.
 */
#include "hp_test.h"
#include "numa.h"

/* A write to cpuset.mems is slow in QEMU: see placement.c. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	400

#define UNITS	8
#define LEN	(UNITS * UNIT)
#define RW	(PROT_READ | PROT_WRITE)

/* --- who has a policy, and who allocates by it --- */

enum source { OF_THE_TASK, OF_THE_FILE };

static int by_fallocate(int fd, unsigned char *p)
{
	return fallocate(fd, 0, 0, LEN) ? -errno : 0;
}

static int by_write(int fd, unsigned char *p)
{
	for (int i = 0; i < UNITS; i++)
		if (pwrite(fd, "w", 1, i * UNIT + 4711) != 1)
			return -errno;
	return 0;
}

static int by_fault(int fd, unsigned char *p)
{
	for (int i = 0; i < UNITS; i++)
		if (touch_write(p + i * UNIT + 4096, 1))
			return -EFAULT;
	return 0;
}

struct policy {
	const char *name;
	int cpu_of;		/* node to run on */
	int mode;
	unsigned long mask;
	int n0, n1;		/* where eight units go */
};

static const struct policy policies[] = {
	{ "default on node 0", 0, MPOL_DEFAULT, 0, 8, 0 },
	{ "default on node 1", 1, MPOL_DEFAULT, 0, 0, 8 },
	{ "local on node 1", 1, MPOL_LOCAL, 0, 0, 8 },
	{ "bind 0", 1, MPOL_BIND, 1, 8, 0 },
	{ "bind 1", 0, MPOL_BIND, 2, 0, 8 },
	{ "bind 0,1 on node 1", 1, MPOL_BIND, 3, 0, 8 },
	{ "bind 0,1 on node 0", 0, MPOL_BIND, 3, 8, 0 },
	{ "static bind 1", 0, MPOL_BIND | MPOL_F_STATIC_NODES, 2, 0, 8 },
	{ "preferred 1", 0, MPOL_PREFERRED, 2, 0, 8 },
	{ "preferred-many 1", 0, MPOL_PREFERRED_MANY, 2, 0, 8 },
	{ "preferred-many 0,1 on node 1", 1, MPOL_PREFERRED_MANY, 3, 0, 8 },
	{ "interleave 0,1", 0, MPOL_INTERLEAVE, 3, 4, 4 },
	{ "interleave 1", 0, MPOL_INTERLEAVE, 2, 0, 8 },
	{ "weighted interleave", 0, MPOL_WEIGHTED_INTERLEAVE, 3, 6, 2 },
};

FIXTURE(mode) {
	struct hp_env env;
};

FIXTURE_VARIANT(mode) {
	enum source source;
	int (*draw)(int fd, unsigned char *p);
};

FIXTURE_VARIANT_ADD(mode, task_fallocate) { OF_THE_TASK, by_fallocate };
FIXTURE_VARIANT_ADD(mode, task_write) { OF_THE_TASK, by_write };
FIXTURE_VARIANT_ADD(mode, task_fault) { OF_THE_TASK, by_fault };
FIXTURE_VARIANT_ADD(mode, mbind_fallocate) { OF_THE_FILE, by_fallocate };
FIXTURE_VARIANT_ADD(mode, mbind_write) { OF_THE_FILE, by_write };
FIXTURE_VARIANT_ADD(mode, mbind_fault) { OF_THE_FILE, by_fault };

FIXTURE_SETUP(mode)
{
	HP_SETUP("pool=2M");
	ASSERT_OK(set_weight(0, 3));
	ASSERT_OK(set_weight(1, 1));
}

FIXTURE_TEARDOWN_PARENT(mode)
{
	EXPECT_OK(reset_weights());
	EXPECT_ENDED(&self->env);
}

/* The policy of a file wins over that of the task, which asks for the opposite. */
static int set_policy(enum source source, const struct policy *pol,
		      unsigned char *p)
{
	if (source == OF_THE_TASK)
		return task_policy(pol->mode, pol->mask);
	if (pol->mode == MPOL_DEFAULT)
		return task_policy(MPOL_DEFAULT, 0) ?:
		       range_policy(p, LEN, MPOL_DEFAULT, 0);
	return task_policy(MPOL_BIND, pol->n0 ? 2 : 1) ?:
	       range_policy(p, LEN, pol->mode, pol->mask);
}

TEST_F(mode, places_blocks)
{
	unsigned char *p;
	int fd;

	for (unsigned int i = 0; i < ARRAY_SIZE(policies); i++) {
		const struct policy *pol = &policies[i];

		fd = hp_open_sized(&self->env, "f", LEN);
		p = mmap(NULL, LEN, RW, MAP_SHARED, fd, 0);
		ASSERT_NE(MAP_FAILED, p);
		ASSERT_OK(pin_to_node(pol->cpu_of));
		ASSERT_EQ(0, set_policy(variant->source, pol, p))
			TH_LOG("%s", pol->name);
		EXPECT_EQ(0, variant->draw(fd, p)) TH_LOG("%s", pol->name);
		EXPECT_EQ(pol->n0 * (long long)UNIT,
			  held_on(&self->env, CG, "2MB", 0))
			TH_LOG("%s", pol->name);
		EXPECT_EQ(pol->n1 * (long long)UNIT,
			  held_on(&self->env, CG, "2MB", 1))
			TH_LOG("%s", pol->name);
		/* Once mapped, the page tables say the same. */
		for (int u = 0; u < UNITS; u++)
			touch_read(p + u * UNIT);
		EXPECT_EQ(pol->n0 * 512, numa_maps_pages(p, 0));
		EXPECT_EQ(pol->n1 * 512, numa_maps_pages(p, 1));
		EXPECT_EQ(pol->n0 == 8 ? 0 : 1, !!pol->n1);
		if (!pol->n0 || !pol->n1)
			EXPECT_EQ(!!pol->n1, node_at(p));
		task_policy(MPOL_DEFAULT, 0);
		munmap(p, LEN);
		ASSERT_OK(ftruncate(fd, 0));
		close(fd);
	}
}

/* --- mpol= of the mount, what placement.c has not --- */

FIXTURE(of_mount) {
	struct hp_env env;
};

FIXTURE_VARIANT(of_mount) {
	const char *opts;
	int n0, n1;
};

FIXTURE_VARIANT_ADD(of_mount, weighted) {
	"pool=2M,mpol=weighted interleave:0-1", 6, 2 };
FIXTURE_VARIANT_ADD(of_mount, prefer_many) {
	"pool=2M,mpol=prefer (many):1", 0, 8 };
FIXTURE_VARIANT_ADD(of_mount, bind_static) {
	"pool=2M,mpol=bind=static:1", 0, 8 };
FIXTURE_VARIANT_ADD(of_mount, local) { "pool=2M,mpol=local", 0, 8 };
FIXTURE_VARIANT_ADD(of_mount, unset) { "pool=2M,mpol=default", 8, 0 };

FIXTURE_SETUP(of_mount)
{
	HP_SETUP(variant->opts);
	ASSERT_OK(set_weight(0, 3));
	ASSERT_OK(set_weight(1, 1));
}

FIXTURE_TEARDOWN_PARENT(of_mount)
{
	EXPECT_OK(reset_weights());
	EXPECT_ENDED(&self->env);
}

TEST_F(of_mount, places_blocks)
{
	int fd = hp_open_sized(&self->env, "f", LEN);

	/* "local" beats a task's policy, "default" leaves it to the task. */
	ASSERT_OK(pin_to_node(1));
	ASSERT_OK(task_policy(MPOL_PREFERRED, 1));
	EXPECT_OK(fallocate(fd, 0, 0, 4 * UNIT));
	EXPECT_OK(by_write(fd, NULL));
	EXPECT_ON(variant->n0, variant->n1);
	task_policy(MPOL_DEFAULT, 0);
}

/* mbind on a file of such a mount: the nearest wins. */
HP_FIXTURE(bound, "pool=2M,mpol=bind:1");

TEST_F(bound, mbind_replaces_mpol)
{
	int fd = hp_open_sized(&self->env, "f", LEN);
	unsigned char *p = mmap(NULL, LEN, RW, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(range_policy(p, 6 * UNIT, MPOL_BIND, 1));
	ASSERT_OK(fallocate(fd, 0, 0, LEN));
	EXPECT_ON(6, 2);
}

/* --- set_mempolicy_home_node --- */

HP_FIXTURE(home, "pool=2M");

TEST_F(home, is_asked_first)
{
	int fd = hp_open_sized(&self->env, "f", LEN);
	unsigned char *p = mmap(NULL, LEN, RW, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(pin_to_node(0));
	ASSERT_OK(range_policy(p, LEN, MPOL_BIND, 3));
	ASSERT_OK(range_home(p, 4 * UNIT, 1));
	ASSERT_OK(fallocate(fd, 0, 0, 6 * UNIT));
	EXPECT_ON(2, 4);
	EXPECT_OK(touch_read(p));
	EXPECT_OK(touch_read(p + 4 * UNIT));
	EXPECT_EQ(1, node_at(p));
	EXPECT_EQ(0, node_at(p + 4 * UNIT));
}

TEST_F(home, of_preferred_many)
{
	int fd = hp_open_sized(&self->env, "f", LEN);
	unsigned char *p = mmap(NULL, LEN, RW, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(pin_to_node(0));
	ASSERT_OK(range_policy(p, LEN, MPOL_PREFERRED_MANY, 3));
	ASSERT_OK(range_home(p, LEN, 1));
	ASSERT_OK(by_fault(fd, p));
	EXPECT_ON(0, 8);
}

/* An empty home leads to the other nodes of the policy, and no further. */
TEST_F(home, when_empty)
{
	int fd = hp_open_sized(&self->env, "f", LEN);
	unsigned char *p = mmap(NULL, LEN, RW, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(hp_hog(&self->env, 1, 2 * UNIT));
	ASSERT_OK(range_policy(p, LEN, MPOL_BIND, 3));
	ASSERT_OK(range_home(p, LEN, 1));
	ASSERT_OK(fallocate(fd, 0, 0, 5 * UNIT));
	EXPECT_ON(3, 2);
	ASSERT_OK(range_policy(p + 5 * UNIT, 3 * UNIT, MPOL_BIND, 2));
	ASSERT_OK(range_home(p + 5 * UNIT, 3 * UNIT, 0));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, LEN));
	EXPECT_EQ(SIGBUS, touch_write(p + 5 * UNIT, 1));
	EXPECT_ON(3, 2);
	EXPECT_OK(hp_unhog(&self->env));
}

/* --- a node that is as good as empty --- */

enum empty { HOGGED, AT_MAX, PARENT_AT_MAX, PROMISED };

FIXTURE(full) {
	struct hp_env env;
	struct cg other;
	int fd;
};

FIXTURE_VARIANT(full) {
	enum empty why;
};

FIXTURE_VARIANT_ADD(full, hogged) { HOGGED };
FIXTURE_VARIANT_ADD(full, at_its_max) { AT_MAX };
FIXTURE_VARIANT_ADD(full, at_the_max_of_the_parent) { PARENT_AT_MAX };
FIXTURE_VARIANT_ADD(full, promised_to_others) { PROMISED };

/* Leaves @units of node 1. */
static int make_full(struct hp_env *env, struct cg *other, enum empty why,
		     unsigned long units)
{
	switch (why) {
	case HOGGED:
		return hp_hog(env, 1, units * UNIT);
	case AT_MAX:
		return cg_limit(&env->cg, "2MB/node1", units * UNIT);
	case PARENT_AT_MAX:
		return cg_limit(&env->top, "2MB/node1", units * UNIT);
	case PROMISED:
		return cg_promise(other, "2MB/node1",
				  hp_attr(1, "free") - units * UNIT);
	}
	return -EINVAL;
}

FIXTURE_SETUP(full)
{
	/* size= beyond the pool, or a hog would fill the mount as well. */
	HP_SETUP("pool=2M,size=4G");
	/* Beside the parent, which would keep the promise from nobody below it. */
	ASSERT_OK(cg_make(&self->other, NULL, "hp-other"));
	self->fd = hp_open_sized(&self->env, "f", LEN);
	ASSERT_OK(make_full(&self->env, &self->other, variant->why, 2));
}

FIXTURE_TEARDOWN_PARENT(full)
{
	EXPECT_OK(cg_remove(&self->other));
	EXPECT_ENDED(&self->env);
}

/* Exactly one event, of the kind that fits. */
#define EXPECT_ONE_REFUSAL()						\
	do {								\
		bool limit = variant->why == AT_MAX ||			\
			     variant->why == PARENT_AT_MAX;		\
									\
		EXPECT_EQ(limit, cg_event(&self->env.top, "max"));	\
		EXPECT_EQ(!limit, cg_event(&self->env.top, "nospc"));	\
	} while (0)

TEST_F(full, bind_is_refused)
{
	ASSERT_OK(task_policy(MPOL_BIND, 2));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, 3 * UNIT));
	EXPECT_ON(0, 0);
	EXPECT_ONE_REFUSAL();
	EXPECT_OK(fallocate(self->fd, 0, 0, 2 * UNIT));
	EXPECT_ON(0, 2);
	task_policy(MPOL_DEFAULT, 0);
}

TEST_F(full, bound_file_is_refused)
{
	unsigned char *p = mmap(NULL, LEN, RW, MAP_SHARED, self->fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(range_policy(p, LEN, MPOL_BIND, 2));
	EXPECT_OK(touch_write(p, 1));
	EXPECT_OK(touch_write(p + UNIT, 1));
	EXPECT_EQ(SIGBUS, touch_write(p + 2 * UNIT, 1));
	EXPECT_ONE_REFUSAL();
	EXPECT_ERRNO(ENOSPC, pwrite(self->fd, "x", 1, 3 * UNIT));
	EXPECT_ON(0, 2);
}

/* The next node of those that are allowed. */
TEST_F(full, others_go_on)
{
	static const struct { int mode, mask, n0, n1; } tries[] = {
		{ MPOL_PREFERRED, 2, 6, 2 },
		{ MPOL_PREFERRED_MANY, 2, 6, 2 },
		{ MPOL_BIND, 3, 6, 2 },
		{ MPOL_INTERLEAVE, 3, 6, 2 },
		{ MPOL_INTERLEAVE, 2, 6, 2 },
		{ MPOL_WEIGHTED_INTERLEAVE, 3, 6, 2 },
		{ MPOL_LOCAL, 0, 6, 2 },
	};

	ASSERT_OK(pin_to_node(1));
	for (unsigned int i = 0; i < ARRAY_SIZE(tries); i++) {
		ASSERT_OK(task_policy(tries[i].mode, tries[i].mask));
		EXPECT_OK(fallocate(self->fd, 0, 0, LEN));
		EXPECT_ON(tries[i].n0, tries[i].n1);
		ASSERT_OK(ftruncate(self->fd, 0));
	}
	task_policy(MPOL_DEFAULT, 0);
	/* None of these was refused. */
	EXPECT_EQ(0, cg_event(&self->env.top, "max"));
	EXPECT_EQ(0, cg_event(&self->env.top, "nospc"));
}

/* --- cpuset.mems --- */

HP_FIXTURE(cpuset, "pool=2M");

/* A policy of the task follows its cpuset, and so do later blocks alone. */
TEST_F(cpuset, rebinds_the_policy_of_a_task)
{
	int fd = hp_open_sized(&self->env, "f", LEN);

	ASSERT_OK(cg_write(CG, "cpuset.mems", "0"));
	ASSERT_OK(task_policy(MPOL_BIND, 1));
	ASSERT_OK(fallocate(fd, 0, 0, 2 * UNIT));
	ASSERT_OK(cg_write(CG, "cpuset.mems", "1"));
	ASSERT_OK(fallocate(fd, 0, 0, 5 * UNIT));
	EXPECT_ON(2, 3);
	task_policy(MPOL_DEFAULT, 0);
}

TEST_F(cpuset, confines_interleaving)
{
	int fd = hp_open_sized(&self->env, "f", LEN);

	ASSERT_OK(task_policy(MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, 3));
	ASSERT_OK(fallocate(fd, 0, 0, 4 * UNIT));
	EXPECT_ON(2, 2);
	ASSERT_OK(cg_write(CG, "cpuset.mems", "1"));
	ASSERT_OK(fallocate(fd, 0, 0, LEN));
	EXPECT_ON(2, 6);
	task_policy(MPOL_DEFAULT, 0);
}

/*
 * Where the policy of a file and the cpuset have no node in common the cpuset
 * decides, as for any page; never is it a node outside of it.
 */
TEST_F(cpuset, against_the_policy_of_a_file)
{
	int fd = hp_open_sized(&self->env, "f", LEN);
	unsigned char *p = mmap(NULL, LEN, RW, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(range_policy(p, LEN, MPOL_BIND, 1));
	ASSERT_OK(cg_write(CG, "cpuset.mems", "1"));
	ASSERT_OK(fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_ON(0, 2);
	ASSERT_OK(hp_hog(&self->env, 1, 0));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 2 * UNIT, UNIT));
	EXPECT_EQ(SIGBUS, touch_write(p + 2 * UNIT, 1));
	EXPECT_ON(0, 2);
	EXPECT_OK(hp_unhog(&self->env));
}

TEST_HARNESS_MAIN
