// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=900
 *
 * Which node a block comes from: task policy, mount mpol=, mbind on a mapping,
 * cpuset.mems, and what happens when that node has nothing left. Checked in
 * memory.hugepool.current and numa_stat, in sysfs and in numa_maps. Blocks
 * never move afterwards.
 */
#include <sched.h>

#include "hp_test.h"
#include "numa.h"

/*
 * A write to cpuset.mems moves the pages of libraries. QEMU takes up to 80 ms to
 * forget what it has translated of one, when a guest has run for a while.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	400

/* --- task policy --- */

HP_FIXTURE(task, "pool=2M");

#define ASSERT_NODES()	ASSERT_EQ(2, hp_nr_nodes())

TEST_F(task, bind)
{
	int fd = hp_open(&self->env, "f");

	ASSERT_NODES();
	for (int node = 0; node < 2; node++) {
		ASSERT_OK(set_mempolicy(MPOL_BIND, MASK(node), MASK_BITS));
		ASSERT_OK(fallocate(fd, 0, 0, 3 * UNIT));
		EXPECT_ON(node ? 0 : 3, node ? 3 : 0);
		ASSERT_OK(ftruncate(fd, 0));
		/* write(2) and a fault take the same way. */
		ASSERT_EQ(1, pwrite(fd, "x", 1, UNIT));
		EXPECT_ON(node ? 0 : 1, node ? 1 : 0);
		ASSERT_OK(ftruncate(fd, 0));
	}
	set_mempolicy(MPOL_DEFAULT, NULL, 0);
}

TEST_F(task, fault)
{
	int fd = hp_open_sized(&self->env, "f", 4 * UNIT);
	unsigned char *p = mmap(NULL, 4 * UNIT, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(set_mempolicy(MPOL_BIND, MASK(1), MASK_BITS));
	ASSERT_OK(touch_write(p, 1));
	ASSERT_OK(touch_write(p + 3 * UNIT, 1));
	EXPECT_ON(0, 2);
	ASSERT_OK(set_mempolicy(MPOL_BIND, MASK(0), MASK_BITS));
	ASSERT_OK(touch_write(p + UNIT, 1));
	EXPECT_ON(1, 2);
	EXPECT_EQ(512, numa_maps_pages(p, 0));
	EXPECT_EQ(1024, numa_maps_pages(p, 1));
	set_mempolicy(MPOL_DEFAULT, NULL, 0);
}

TEST_F(task, interleave_is_even)
{
	int fd = hp_open(&self->env, "f");

	ASSERT_OK(set_mempolicy(MPOL_INTERLEAVE, BOTH, MASK_BITS));
	ASSERT_OK(fallocate(fd, 0, 0, 8 * UNIT));
	EXPECT_ON(4, 4);
	set_mempolicy(MPOL_DEFAULT, NULL, 0);
}

TEST_F(task, preferred)
{
	int fd = hp_open(&self->env, "f");

	ASSERT_OK(set_mempolicy(MPOL_PREFERRED, MASK(1), MASK_BITS));
	ASSERT_OK(fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_ON(0, 2);
	ASSERT_OK(set_mempolicy(MPOL_PREFERRED, MASK(0), MASK_BITS));
	ASSERT_OK(fallocate(fd, 0, 0, 3 * UNIT));
	EXPECT_ON(1, 2);
	set_mempolicy(MPOL_DEFAULT, NULL, 0);
}

TEST_F(task, local_by_default)
{
	int fd = hp_open(&self->env, "f");
	unsigned int cpu, node;
	cpu_set_t set;

	/* Pinned, so that "local" is one node for the whole test. */
	ASSERT_OK(getcpu(&cpu, &node));

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	ASSERT_OK(sched_setaffinity(0, sizeof(set), &set));
	ASSERT_OK(getcpu(&cpu, &node));
	ASSERT_OK(fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_ON(node ? 0 : 2, node ? 2 : 0);
}

TEST_F(task, bind_never_takes_another_nodes_memory)
{
	int fd = hp_open(&self->env, "f");

	ASSERT_OK(hp_hog(&self->env, 0, 2 * UNIT));
	ASSERT_OK(set_mempolicy(MPOL_BIND, MASK(0), MASK_BITS));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 3 * UNIT));
	EXPECT_ON(0, 0);
	EXPECT_EQ(1, cg_event(CG, "nospc"));
	EXPECT_OK(fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_ON(2, 0);
	EXPECT_ERRNO(ENOSPC, pwrite(fd, "x", 1, 2 * UNIT));
	set_mempolicy(MPOL_DEFAULT, NULL, 0);
	EXPECT_OK(hp_unhog(&self->env));
}

TEST_F(task, bound_fault_on_an_empty_node_is_sigbus)
{
	int fd = hp_open_sized(&self->env, "f", UNIT);
	unsigned char *p = mmap(NULL, UNIT, PROT_READ | PROT_WRITE, MAP_SHARED,
				fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(hp_hog(&self->env, 1, 0));
	ASSERT_OK(set_mempolicy(MPOL_BIND, MASK(1), MASK_BITS));
	EXPECT_EQ(SIGBUS, touch_write(p, 1));
	EXPECT_ON(0, 0);
	ASSERT_OK(set_mempolicy(MPOL_DEFAULT, NULL, 0));
	EXPECT_OK(touch_write(p, 1));
	EXPECT_ON(1, 0);
	EXPECT_OK(hp_unhog(&self->env));
}

TEST_F(task, preferred_goes_elsewhere_when_empty)
{
	int fd = hp_open(&self->env, "f");

	ASSERT_OK(hp_hog(&self->env, 1, UNIT));
	ASSERT_OK(set_mempolicy(MPOL_PREFERRED, MASK(1), MASK_BITS));
	EXPECT_OK(fallocate(fd, 0, 0, 3 * UNIT));
	EXPECT_ON(2, 1);
	EXPECT_EQ(0, cg_event(CG, "nospc"));
	set_mempolicy(MPOL_DEFAULT, NULL, 0);
	EXPECT_OK(hp_unhog(&self->env));
}

TEST_F(task, interleave_goes_elsewhere_when_empty)
{
	int fd = hp_open(&self->env, "f");

	ASSERT_OK(hp_hog(&self->env, 0, UNIT));
	ASSERT_OK(set_mempolicy(MPOL_INTERLEAVE, BOTH, MASK_BITS));
	EXPECT_OK(fallocate(fd, 0, 0, 6 * UNIT));
	EXPECT_ON(1, 5);
	set_mempolicy(MPOL_DEFAULT, NULL, 0);
	EXPECT_OK(hp_unhog(&self->env));
}

/* A node at its memory.hugepool.max is an empty node, for bind as well. */
TEST_F(task, bind_to_a_node_at_its_limit)
{
	int fd = hp_open(&self->env, "f");

	ASSERT_OK(cg_limit(CG, "2MB/node0", UNIT));
	ASSERT_OK(set_mempolicy(MPOL_BIND, MASK(0), MASK_BITS));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_ON(0, 0);
	EXPECT_EQ(1, cg_event(CG, "max"));
	ASSERT_OK(set_mempolicy(MPOL_PREFERRED, MASK(0), MASK_BITS));
	EXPECT_OK(fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_ON(1, 1);
	set_mempolicy(MPOL_DEFAULT, NULL, 0);
}

/* --- mpol= of the mount --- */

FIXTURE(mount_mpol) {
	struct hp_env env;
};

FIXTURE_VARIANT(mount_mpol) {
	const char *opts;
	int n0, n1;		/* of eight units */
};

FIXTURE_VARIANT_ADD(mount_mpol, bind0) { "pool=2M,mpol=bind:0", 8, 0 };
FIXTURE_VARIANT_ADD(mount_mpol, bind1) { "pool=2M,mpol=bind:1", 0, 8 };
FIXTURE_VARIANT_ADD(mount_mpol, prefer1) { "pool=2M,mpol=prefer:1", 0, 8 };
FIXTURE_VARIANT_ADD(mount_mpol, interleave) {
	"pool=2M,mpol=interleave:0-1", 4, 4 };
FIXTURE_VARIANT_ADD(mount_mpol, bind1_base) {
	"pool=2M+base,mpol=bind:1", 0, 8 };
FIXTURE_VARIANT_ADD(mount_mpol, interleave_base) {
	"mpol=interleave:0,1,pool=2M+base", 4, 4 };

FIXTURE_SETUP(mount_mpol)
{
	HP_SETUP(variant->opts);
}

FIXTURE_TEARDOWN_PARENT(mount_mpol)
{
	EXPECT_ENDED(&self->env);
}

TEST_F(mount_mpol, fallocate)
{
	int fd = hp_open(&self->env, "f");

	/* The mount's policy wins over the task's. */
	ASSERT_OK(set_mempolicy(MPOL_PREFERRED, MASK(0), MASK_BITS));
	ASSERT_OK(fallocate(fd, 0, 0, 8 * UNIT));
	EXPECT_ON(variant->n0, variant->n1);
	set_mempolicy(MPOL_DEFAULT, NULL, 0);
}

TEST_F(mount_mpol, write_and_fault)
{
	int fd = hp_open_sized(&self->env, "f", 8 * UNIT);
	unsigned char *p = mmap(NULL, 8 * UNIT, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	for (int i = 0; i < 8; i++) {
		if (i < 4) {
			ASSERT_EQ(1, pwrite(fd, "x", 1, i * UNIT));
		} else {
			ASSERT_OK(touch_write(p + i * UNIT, 1));
		}
	}
	EXPECT_ON(variant->n0, variant->n1);
	munmap(p, 8 * UNIT);
}

/* --- mbind on a shared mapping: the policy belongs to the file --- */

HP_FIXTURE(bound, "pool=2M");

TEST_F(bound, ranges_of_a_file)
{
	int fd = hp_open_sized(&self->env, "f", 8 * UNIT);
	unsigned char *p = mmap(NULL, 8 * UNIT, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(mbind(p, 3 * UNIT, MPOL_BIND, MASK(1), MASK_BITS, 0));
	ASSERT_OK(mbind(p + 3 * UNIT, 5 * UNIT, MPOL_BIND, MASK(0), MASK_BITS,
			0));
	for (int i = 0; i < 4; i++)
		ASSERT_OK(touch_write(p + i * UNIT, 1));
	EXPECT_ON(1, 3);
	/* Others who allocate in the file are placed by it as well. */
	ASSERT_OK(fallocate(fd, 0, 0, 8 * UNIT));
	EXPECT_ON(5, 3);
	ASSERT_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			    UNIT));
	ASSERT_EQ(1, pwrite(fd, "x", 1, 0));
	EXPECT_ON(5, 3);
}

TEST_F(bound, interleave)
{
	int fd = hp_open_sized(&self->env, "f", 8 * UNIT);
	unsigned char *p = mmap(NULL, 8 * UNIT, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(mbind(p, 8 * UNIT, MPOL_INTERLEAVE, BOTH, MASK_BITS, 0));
	for (int i = 0; i < 8; i++)
		ASSERT_OK(touch_write(p + i * UNIT, 1));
	EXPECT_ON(4, 4);
}

TEST_F(bound, an_empty_node_is_sigbus)
{
	int fd = hp_open_sized(&self->env, "f", UNIT);
	unsigned char *p = mmap(NULL, UNIT, PROT_READ | PROT_WRITE, MAP_SHARED,
				fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(mbind(p, UNIT, MPOL_BIND, MASK(1), MASK_BITS, 0));
	ASSERT_OK(hp_hog(&self->env, 1, 0));
	EXPECT_EQ(SIGBUS, touch_write(p, 1));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, UNIT));
	EXPECT_ON(0, 0);
	EXPECT_OK(hp_unhog(&self->env));
	EXPECT_OK(touch_write(p, 1));
	EXPECT_ON(0, 1);
}

/* --- nothing moves --- */

static unsigned char *two_units_on(struct hp_env *env, int node)
{
	int fd = hp_open_sized(env, "f", 2 * UNIT);
	unsigned char *p = mmap(NULL, 2 * UNIT, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	if (p == MAP_FAILED ||
	    mbind(p, 2 * UNIT, MPOL_BIND, MASK(node), MASK_BITS, 0) ||
	    touch_write(p, 0xa1) || touch_write(p + UNIT, 0xa2))
		return NULL;
	return p;
}

TEST_F(bound, mpol_mf_strict_is_eio)
{
	unsigned char *p = two_units_on(&self->env, 0);

	ASSERT_TRUE(p != NULL);
	EXPECT_OK(mbind(p, 2 * UNIT, MPOL_BIND, MASK(0), MASK_BITS,
			MPOL_MF_STRICT));
	EXPECT_ERRNO(EIO, mbind(p, 2 * UNIT, MPOL_BIND, MASK(1), MASK_BITS,
				MPOL_MF_STRICT));
	EXPECT_ON(2, 0);
}

TEST_F(bound, mpol_mf_move_leaves_them)
{
	unsigned char *p = two_units_on(&self->env, 0);

	ASSERT_TRUE(p != NULL);
	EXPECT_OK(mbind(p, 2 * UNIT, MPOL_BIND, MASK(1), MASK_BITS,
			MPOL_MF_MOVE));
	EXPECT_ON(2, 0);
	EXPECT_ERRNO(EIO, mbind(p, 2 * UNIT, MPOL_BIND, MASK(1), MASK_BITS,
				MPOL_MF_MOVE | MPOL_MF_STRICT));
	EXPECT_ERRNO(EIO, mbind(p, 2 * UNIT, MPOL_BIND, MASK(1), MASK_BITS,
				MPOL_MF_MOVE_ALL | MPOL_MF_STRICT));
	EXPECT_ON(2, 0);
	EXPECT_EQ(0xa1, p[0]);
	EXPECT_EQ(0xa2, p[UNIT]);
}

TEST_F(bound, move_pages_is_ebusy)
{
	unsigned char *p = two_units_on(&self->env, 0);
	int nodes[2] = { 1, 1 }, status[2] = { -1, -1 };
	void *pages[2] = { p, p + UNIT };

	ASSERT_TRUE(p != NULL);
	/* Asking where they are works ... */
	ASSERT_OK(move_pages(0, 2, pages, NULL, status, 0));
	EXPECT_EQ(0, status[0]);
	EXPECT_EQ(0, status[1]);
	/* ... moving them does not, page by page. */
	EXPECT_LE(0, move_pages(0, 2, pages, nodes, status, MPOL_MF_MOVE));
	EXPECT_EQ(-EBUSY, status[0]);
	EXPECT_EQ(-EBUSY, status[1]);
	EXPECT_LE(0, move_pages(0, 2, pages, nodes, status,
				MPOL_MF_MOVE_ALL));
	EXPECT_EQ(-EBUSY, status[0]);
	EXPECT_ON(2, 0);
	EXPECT_EQ(0xa1, p[0]);
}

TEST_F(bound, migratepages_leaves_them)
{
	unsigned char *p = two_units_on(&self->env, 0);
	char pid[16];

	ASSERT_TRUE(p != NULL);
	snprintf(pid, sizeof(pid), "%d", getpid());
	/* The program may complain; the blocks must not move. */
	hp_exec("migratepages", pid, "0", "1", NULL);
	EXPECT_LE(0, migrate_pages(0, MASK_BITS, MASK(0), MASK(1)));
	EXPECT_ON(2, 0);
	EXPECT_EQ(0xa2, p[UNIT]);
	EXPECT_EQ(1024, numa_maps_pages(p, 0));
}

/* --- cpuset.mems --- */

HP_FIXTURE(cpuset, "pool=2M");

TEST_F(cpuset, mems_confine)
{
	int fd = hp_open(&self->env, "f");

	ASSERT_OK(cg_write(CG, "cpuset.mems", "1"));
	ASSERT_OK(fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_ON(0, 2);
	ASSERT_OK(cg_write(CG, "cpuset.mems", "0"));
	ASSERT_OK(fallocate(fd, 0, 0, 3 * UNIT));
	EXPECT_ON(1, 2);
}

TEST_F(cpuset, an_empty_node_is_an_error)
{
	int fd = hp_open_sized(&self->env, "f", 2 * UNIT);
	unsigned char *p = mmap(NULL, 2 * UNIT, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(hp_hog(&self->env, 1, UNIT));
	ASSERT_OK(cg_write(CG, "cpuset.mems", "1"));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_OK(touch_write(p, 1));
	EXPECT_EQ(SIGBUS, touch_write(p + UNIT, 1));
	EXPECT_ON(0, 1);
	ASSERT_OK(cg_write(CG, "cpuset.mems", "0-1"));
	EXPECT_OK(touch_write(p + UNIT, 1));
	EXPECT_ON(1, 1);
	EXPECT_OK(hp_unhog(&self->env));
}

/* What the policy of a file allows is not what its user's cpuset allows. */
TEST_F(cpuset, a_policy_does_not_widen_it)
{
	int fd = hp_open_sized(&self->env, "f", 2 * UNIT);
	unsigned char *p = mmap(NULL, 2 * UNIT, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(mbind(p, 2 * UNIT, MPOL_BIND, BOTH, MASK_BITS, 0));
	ASSERT_OK(hp_hog(&self->env, 0, UNIT));
	ASSERT_OK(cg_write(CG, "cpuset.mems", "0"));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_ON(0, 0);
	EXPECT_OK(touch_write(p, 1));
	EXPECT_EQ(SIGBUS, touch_write(p + UNIT, 1));
	EXPECT_ON(1, 0);
	EXPECT_OK(hp_unhog(&self->env));
}

/* cpuset with its page migration moves ordinary memory, never blocks. */
TEST_F(cpuset, a_change_affects_only_later_allocations)
{
	int fd = hp_open_sized(&self->env, "f", 4 * UNIT);
	unsigned char *p = mmap(NULL, 4 * UNIT, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(cg_write(CG, "cpuset.mems", "0"));
	ASSERT_OK(touch_write(p, 0x11));
	ASSERT_OK(touch_write(p + UNIT, 0x22));
	ASSERT_OK(cg_write(CG, "cpuset.mems", "1"));
	/* The migration of a v2 cpuset runs from a workqueue. */
	usleep(200000);
	EXPECT_ON(2, 0);
	ASSERT_OK(touch_write(p + 2 * UNIT, 0x33));
	EXPECT_ON(2, 1);
	EXPECT_EQ(0x11, p[0]);
	EXPECT_EQ(0x22, p[UNIT]);
}

TEST_HARNESS_MAIN
