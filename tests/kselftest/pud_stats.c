// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=pud timeout=1200
 *
 * What looks at a mapping leaves it as it is. A gigabyte of a file is mapped,
 * by one entry if its block is that large; then everything in /proc and every
 * call that walks page tables to ask, mark or advise is used on it: the numbers
 * must be right, and the entries, the page tables and the contents the same
 * after it as before.
 */
#include <linux/mempolicy.h>
#include <numaif.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "hp_test.h"
#include "pud.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#define MADV_GUARD_REMOVE	103
#endif
#ifndef MADV_COLD
#define MADV_COLD		20
#define MADV_PAGEOUT		21
#endif

#define GB_KB	((long)(GB / KB))

FIXTURE(stats) {
	struct hp_env env;
	int fd;
	unsigned char *p;
	long long tables, splits;
};

FIXTURE_VARIANT(stats) {
	const struct backing *b;
};

FIXTURE_VARIANT_ADD(stats, pool_1g) { &pool_1g };
FIXTURE_VARIANT_ADD(stats, pool_1g_2m) { &pool_1g_2m };
FIXTURE_VARIANT_ADD(stats, pool_2m) { &pool_2m };
FIXTURE_VARIANT_ADD(stats, tmpfs) { &tmpfs_thp };
FIXTURE_VARIANT_ADD(stats, hugetlb) { &hugetlb_1g };

/* Page tables; also those for the buffers of what reads it, the first time. */
static long long settled_tables(void)
{
	vm_pte();
	vm_rollup_kb("Rss");
	vm_numa_maps(NULL, "N0");
	vm_smaps_kb(NULL, "Rss");
	return vm_pte();
}

#define MAP_AND_STAMP()	do {						\
	HP_SETUP(NULL);							\
	ASSERT_OK(backing_mount(&self->env, variant->b));		\
	self->fd = hp_open_sized(&self->env, "f", GB);			\
	ASSERT_LE(0, self->fd);						\
	self->p = reserve_place(GB);					\
	ASSERT_EQ(self->p, mmap(self->p, GB, PROT_READ | PROT_WRITE,	\
				MAP_SHARED | MAP_FIXED, self->fd, 0));	\
	stamp(self->p, 0, GB_PAGES, 1);					\
	self->tables = settled_tables();				\
	self->splits = vm_event("thp_split_pud");			\
} while (0)

FIXTURE_SETUP(stats) { MAP_AND_STAMP(); }
FIXTURE_TEARDOWN_PARENT(stats) { EXPECT_ENDED(&self->env); }

/* Others move, are reclaimed, or count in another way: nothing to compare. */
FIXTURE(pools) {
	struct hp_env env;
	int fd;
	unsigned char *p;
	long long tables, splits;
};

FIXTURE_VARIANT(pools) {
	const struct backing *b;
};

FIXTURE_VARIANT_ADD(pools, pool_1g) { &pool_1g };
FIXTURE_VARIANT_ADD(pools, pool_1g_2m) { &pool_1g_2m };
FIXTURE_VARIANT_ADD(pools, pool_2m) { &pool_2m };

FIXTURE_SETUP(pools) { MAP_AND_STAMP(); }
FIXTURE_TEARDOWN_PARENT(pools) { EXPECT_ENDED(&self->env); }

/* As it was after setup; a word of each page is read for it. */
#define EXPECT_UNCHANGED()						\
	do {								\
		EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);		\
		EXPECT_EQ(self->splits, vm_event("thp_split_pud"));	\
		EXPECT_EQ(self->tables, vm_pte());			\
		EXPECT_PAGES(self->p, 0, GB_PAGES, 1);			\
	} while (0)

/* hugetlbfs has counters of its own in smaps. */
#define IS_HUGETLB	(!strcmp(variant->b->fs, "hugetlbfs"))
#define WHOLE		(variant->b->block == GB)

static int node_of(void *at)
{
	int status = -1;

	if (move_pages(0, 1, &at, NULL, &status, 0))
		return -errno;
	return status;
}

/* --- smaps and smaps_rollup --- */

TEST_F(stats, smaps_of_one_process)
{
	if (IS_HUGETLB) {
		EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Private_Hugetlb") +
				 vm_smaps_kb(self->p, "Shared_Hugetlb"));
		EXPECT_EQ(0, vm_smaps_kb(self->p, "Rss"));
		EXPECT_EQ(0, vm_smaps_kb(self->p, "PudMapped"));
	} else {
		EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Size"));
		EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Rss"));
		EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Pss"));
		EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Referenced"));
		EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Private_Dirty"));
		EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Pss_Dirty"));
		EXPECT_EQ(0, vm_smaps_kb(self->p, "Private_Clean"));
		EXPECT_EQ(0, vm_smaps_kb(self->p, "Shared_Dirty"));
		EXPECT_EQ(0, vm_smaps_kb(self->p, "Shared_Clean"));
		EXPECT_EQ(0, vm_smaps_kb(self->p, "Anonymous"));
		EXPECT_EQ(0, vm_smaps_kb(self->p, "Swap"));
		EXPECT_EQ(0, vm_smaps_kb(self->p, "Locked"));
		EXPECT_LE(GB_KB, vm_status_kb("RssShmem"));
		EXPECT_GT(GB_KB + 65536, vm_status_kb("RssShmem"));
	}
	EXPECT_EQ(variant->b->pool ? GB_KB : 0,
		  vm_smaps_kb(self->p, "HugePool"));
	EXPECT_EQ(variant->b->pool && WHOLE ? GB_KB : 0,
		  vm_smaps_kb(self->p, "PudMapped"));
	EXPECT_UNCHANGED();
}

TEST_F(stats, smaps_rollup)
{
	if (!IS_HUGETLB) {
		EXPECT_LE(GB_KB, vm_rollup_kb("Rss"));
		EXPECT_GT(GB_KB + 65536, vm_rollup_kb("Rss"));
		EXPECT_LE(GB_KB, vm_rollup_kb("Pss_Shmem"));
	}
	EXPECT_EQ(variant->b->pool && WHOLE ? GB_KB : 0,
		  vm_rollup_kb("PudMapped"));
	EXPECT_EQ(variant->b->pool ? GB_KB : 0, vm_rollup_kb("HugePool"));
	EXPECT_UNCHANGED();
}

/* A child that reads a page of each unit, and stays until it is killed. */
static pid_t child_that_maps(const unsigned char *p)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready))
		return -1;
	pid = hp_fork();
	if (!pid) {
		for (size_t i = 0; i < GB_UNITS; i++)
			if (touch_read((unsigned char *)p + i * UNIT))
				_exit(1);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	hp_wait(pid);
}

TEST_F(stats, smaps_of_two_processes)
{
	pid_t pid = child_that_maps(self->p);

	ASSERT_LT(0, pid);
	if (IS_HUGETLB) {
		EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Shared_Hugetlb"));
		EXPECT_EQ(GB_KB, vm_smaps_pid_kb(pid, self->p, "Shared_Hugetlb"));
	} else if (variant->b->pool) {
		EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Rss"));
		EXPECT_EQ(GB_KB / 2, vm_smaps_kb(self->p, "Pss"));
		EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Shared_Dirty"));
		EXPECT_EQ(0, vm_smaps_kb(self->p, "Private_Dirty"));
		EXPECT_EQ(GB_KB, vm_smaps_pid_kb(pid, self->p, "Rss"));
		EXPECT_EQ(GB_KB / 2, vm_smaps_pid_kb(pid, self->p, "Pss"));
		EXPECT_EQ(GB_KB, vm_smaps_pid_kb(pid, self->p, "Shared_Dirty"));
		EXPECT_EQ(WHOLE ? GB_KB : 0,
			  vm_smaps_pid_kb(pid, self->p, "PudMapped"));
		EXPECT_EQ(WHOLE ? GB_KB : 0,
			  vm_rollup_pid_kb(pid, "PudMapped"));
	}
	EXPECT_EQ(0, vm_pages_with(self->p, 4 * UNIT,
				   PME_PRESENT | PME_EXCLUSIVE));
	end_child(pid);
	EXPECT_UNCHANGED();
}

/* Mapped as a whole here, and a unit and a page of it again elsewhere. */
TEST_F(pools, smaps_of_parts)
{
	unsigned char *place = reserve_place(2 * UNIT), *unit, *page;

	unit = mmap(place, UNIT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		    self->fd, 3 * UNIT);
	ASSERT_EQ(place, unit);
	page = mmap(place + UNIT, PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, self->fd, 5 * UNIT + 7 * PAGE);
	ASSERT_EQ(place + UNIT, page);
	EXPECT_PAGES(unit - 3 * UNIT, 3 * UNIT / PAGE, UNIT / PAGE, 1);
	EXPECT_PAGES(page - 5 * UNIT - 7 * PAGE, 5 * UNIT / PAGE + 7, 1, 1);

	EXPECT_EQ(UNIT / KB, vm_smaps_kb(unit, "Rss"));
	EXPECT_EQ(UNIT / KB, vm_smaps_kb(unit, "ShmemPmdMapped"));
	EXPECT_EQ(0, vm_smaps_kb(unit, "PudMapped"));
	EXPECT_EQ(UNIT / KB, vm_smaps_kb(unit, "HugePool"));
	EXPECT_EQ(UNIT / KB / 2, vm_smaps_kb(unit, "Pss"));
	EXPECT_EQ(UNIT / KB, vm_smaps_kb(unit, "Shared_Dirty"));
	EXPECT_EQ(4, vm_smaps_kb(page, "Rss"));
	EXPECT_EQ(2, vm_smaps_kb(page, "Pss"));
	EXPECT_EQ(0, vm_smaps_kb(page, "ShmemPmdMapped"));

	EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Rss"));
	EXPECT_EQ(GB_KB - UNIT / KB / 2 - 2, vm_smaps_kb(self->p, "Pss"));
	EXPECT_EQ(UNIT / KB + 4, vm_smaps_kb(self->p, "Shared_Dirty"));
	EXPECT_EQ(GB_KB - UNIT / KB - 4, vm_smaps_kb(self->p, "Private_Dirty"));
	/* The bits in pagemap are those of each page. */
	EXPECT_EQ(UNIT / PAGE, vm_pages_with(self->p + 2 * UNIT, 2 * UNIT,
					     PME_PRESENT | PME_EXCLUSIVE));
	EXPECT_EQ(UNIT / PAGE - 1, vm_pages_with(self->p + 5 * UNIT, UNIT,
						 PME_PRESENT | PME_EXCLUSIVE));
	EXPECT_EQ(0, vm_pages_with(unit, UNIT, PME_PRESENT | PME_EXCLUSIVE));
	EXPECT_EQ((vm_pme(self->p) & PME_PFN) + 3 * UNIT / PAGE,
		  (vm_pme(unit) & PME_PFN) +
		  (WHOLE ? 0 : (vm_pme(self->p) & PME_PFN) + 3 * UNIT / PAGE -
			       (vm_pme(self->p + 3 * UNIT) & PME_PFN)));

	munmap(unit, UNIT);
	munmap(page, PAGE);
	EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Pss"));
	EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Private_Dirty"));
	EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
	EXPECT_PAGES(self->p, 0, GB_PAGES, 1);
}

/* --- pagemap --- */

TEST_F(stats, pagemap)
{
	unsigned long block = variant->b->block ?: UNIT;
	uint64_t bits = PME_PRESENT | PME_FILE;

	/* For hugetlb the bit depends on what a table of PUDs held before. */
	if (!IS_HUGETLB)
		bits |= PME_EXCLUSIVE;
	for (size_t at = 0; at < GB; at += block)
		if (vm_contiguous_pages(self->p + at, block) != block / PAGE) {
			EXPECT_EQ(0, at)
				TH_LOG("the block at %#zx is not contiguous", at);
			EXPECT_TRUE(false);
			break;
		}
	EXPECT_EQ(GB_PAGES, vm_pages_with(self->p, GB, bits));
	EXPECT_EQ(0, vm_pages_with(self->p, GB, PME_SWAP));
	/* From the middle of an entry, over its end into nothing. */
	EXPECT_EQ(3, vm_pages_with(self->p + GB - 3 * PAGE, 6 * PAGE,
				   PME_PRESENT));
	EXPECT_UNCHANGED();
}

static uint64_t kpage(const char *file, uint64_t pfn)
{
	uint64_t val = ~0ULL;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return val;
	if (pread(fd, &val, 8, pfn * 8) != 8)
		val = ~0ULL;
	close(fd);
	return val;
}

TEST_F(stats, kpagecount)
{
	const size_t at[] = { 0, PAGE, 7 * UNIT + 3 * PAGE, GB - PAGE };
	pid_t pid;

	for (int i = 0; i < ARRAY_SIZE(at); i++)
		EXPECT_EQ(1, kpage("kpagecount",
				   vm_pme(self->p + at[i]) & PME_PFN));
	pid = child_that_maps(self->p);
	ASSERT_LT(0, pid);
	/* The child touched the first page of each unit. */
	EXPECT_EQ(2, kpage("kpagecount", vm_pme(self->p) & PME_PFN));
	end_child(pid);
	EXPECT_UNCHANGED();
}

TEST_F(stats, pagemap_scan)
{
	uint64_t here = PAGE_IS_PRESENT | PAGE_IS_FILE | PAGE_IS_HUGE |
			PAGE_IS_WRITTEN;
	unsigned long at = (unsigned long)self->p;
	struct vm_scan s;

	s = vm_scan(self->p, GB, 0, PAGE_IS_PRESENT, 0);
	EXPECT_EQ(1, s.ret);
	EXPECT_EQ(GB_PAGES, s.pages);
	EXPECT_EQ(at + GB, s.walk_end);
	if (variant->b->pool)
		EXPECT_EQ(here, s.categories);
	s = vm_scan(self->p, GB, 0, PAGE_IS_SWAPPED, 0);
	EXPECT_EQ(0, s.ret);
	/* A part, from an odd place, and cut short. */
	s = vm_scan(self->p + 5 * PAGE, 3 * UNIT, 0, PAGE_IS_PRESENT, 1000);
	EXPECT_EQ(1, s.ret);
	EXPECT_EQ(1000, s.pages);
	EXPECT_EQ(at + 5 * PAGE, s.start);
	EXPECT_EQ(at + 1005 * PAGE, s.walk_end);
	/* Only userfaultfd can have it write-protected. */
	s = vm_scan(self->p, GB, PM_SCAN_WP_MATCHING, PAGE_IS_WRITTEN, 0);
	EXPECT_EQ(0, s.ret);
	s = vm_scan(self->p, GB, PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC,
		    PAGE_IS_WRITTEN, 0);
	EXPECT_EQ(-EPERM, s.ret);
	EXPECT_UNCHANGED();
}

/* --- placement --- */

TEST_F(stats, numa_maps)
{
	int node = node_of(self->p);
	char key[16];

	ASSERT_LE(0, node);
	snprintf(key, sizeof(key), "N%d", node);
	if (!IS_HUGETLB && variant->b->pool)
		EXPECT_EQ(GB_PAGES, vm_numa_maps(self->p, key));
	if (IS_HUGETLB)
		EXPECT_EQ(1, vm_numa_maps(self->p, key));
	EXPECT_UNCHANGED();
}

TEST_F(pools, move_pages)
{
	void *at[] = { self->p, self->p + PAGE, self->p + 9 * UNIT + 5 * PAGE,
		       self->p + GB - PAGE, self->p + GB };
	int to[ARRAY_SIZE(at)], status[ARRAY_SIZE(at)];
	int i, node = node_of(self->p);

	ASSERT_LE(0, node);
	ASSERT_OK(move_pages(0, ARRAY_SIZE(at), at, NULL, status, 0));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(node, status[i]);
		to[i] = !node;
	}
	EXPECT_EQ(-ENOENT, status[4]);
	to[4] = !node;
	/* Where they are already: fine. Anywhere else: they stay. */
	ASSERT_OK(move_pages(0, ARRAY_SIZE(at), at, to, status, MPOL_MF_MOVE));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(-EBUSY, status[i]);
		to[i] = node;
	}
	ASSERT_OK(move_pages(0, 4, at, to, status, MPOL_MF_MOVE));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(node, status[i]);
	EXPECT_UNCHANGED();
}

TEST_F(pools, mbind)
{
	int node = node_of(self->p);
	unsigned long here, there;

	ASSERT_LE(0, node);
	here = 1UL << node;
	there = 1UL << !node;
	EXPECT_OK(mbind(self->p, GB, MPOL_BIND, &here, 8, MPOL_MF_STRICT));
	EXPECT_ERRNO(EIO, mbind(self->p, GB, MPOL_BIND, &there, 8,
				MPOL_MF_STRICT));
	EXPECT_UNCHANGED();
	EXPECT_OK(mbind(self->p, GB, MPOL_BIND, &there, 8, MPOL_MF_MOVE));
	EXPECT_ERRNO(EIO, mbind(self->p, GB, MPOL_BIND, &there, 8,
				MPOL_MF_MOVE | MPOL_MF_STRICT));
	EXPECT_ERRNO(EIO, mbind(self->p, GB, MPOL_BIND, &there, 8,
				MPOL_MF_MOVE_ALL | MPOL_MF_STRICT));
	EXPECT_EQ(node, node_of(self->p));
	EXPECT_UNCHANGED();
	/* A part has a VMA of its own after it. */
	EXPECT_ERRNO(EIO, mbind(self->p + 3 * UNIT + PAGE, UNIT, MPOL_BIND,
				&there, 8, MPOL_MF_MOVE | MPOL_MF_STRICT));
	EXPECT_PAGES(self->p, 0, GB_PAGES, 1);
	EXPECT_EQ(node, node_of(self->p + 3 * UNIT + PAGE));
}

TEST_F(pools, migrate_pages)
{
	int node = node_of(self->p);
	unsigned long here, there;

	ASSERT_LE(0, node);
	here = 1UL << node;
	there = 1UL << !node;
	/* The number of folios that could not be moved. */
	EXPECT_EQ(GB / variant->b->block, migrate_pages(0, 8, &here, &there));
	EXPECT_EQ(node, node_of(self->p));
	EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
	EXPECT_PAGES(self->p, 0, GB_PAGES, 1);
}

/* --- mincore, mlock --- */

TEST_F(stats, mincore)
{
	static unsigned char vec[GB_PAGES];
	size_t missing = 0;

	ASSERT_OK(mincore(self->p, GB, vec));
	for (size_t i = 0; i < GB_PAGES; i++)
		missing += !(vec[i] & 1);
	EXPECT_EQ(0, missing);
	memset(vec, 0, 5);
	ASSERT_OK(mincore(self->p + 3 * PAGE, 4 * PAGE, vec));
	EXPECT_EQ(1, vec[0] & vec[3]);
	EXPECT_EQ(0, vec[4]);
	self->tables = settled_tables();
	EXPECT_UNCHANGED();
}

TEST_F(stats, mlock_of_all)
{
	long before = vm_meminfo_kb("Mlocked");

	ASSERT_OK(mlock(self->p, GB));
	if (!IS_HUGETLB) {
		EXPECT_EQ(GB_KB, vm_status_kb("VmLck"));
		EXPECT_EQ(before + GB_KB, vm_meminfo_kb("Mlocked"));
		EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Locked"));
	}
	EXPECT_UNCHANGED();
	ASSERT_OK(munlock(self->p, GB));
	EXPECT_EQ(0, vm_status_kb("VmLck"));
	EXPECT_TRUE(eventually(vm_meminfo_kb("Mlocked") == before, 5));
	EXPECT_UNCHANGED();
	/* Unmapped while locked. */
	ASSERT_OK(mlock(self->p, GB));
	ASSERT_OK(munmap(self->p, GB));
	EXPECT_EQ(0, vm_status_kb("VmLck"));
	EXPECT_TRUE(eventually(vm_meminfo_kb("Mlocked") == before, 5));
}

TEST_F(stats, mlock_of_parts)
{
	long before = vm_meminfo_kb("Mlocked");

	if (IS_HUGETLB)
		return;
	/* A part of a block is locked in its place, but the block is not. */
	ASSERT_OK(mlock(self->p + 5 * PAGE, 3 * PAGE));
	EXPECT_EQ(12, vm_status_kb("VmLck"));
	EXPECT_EQ(12, vm_smaps_kb(self->p + 5 * PAGE, "Locked"));
	EXPECT_EQ(12, vm_smaps_kb(self->p + 5 * PAGE, "Rss"));
	if (variant->b->pool)
		EXPECT_EQ(before, vm_meminfo_kb("Mlocked"));
	EXPECT_PAGES(self->p, 0, GB_PAGES, 1);
	ASSERT_OK(munlock(self->p, GB));
	EXPECT_EQ(0, vm_status_kb("VmLck"));
	EXPECT_TRUE(eventually(vm_meminfo_kb("Mlocked") == before, 5));

	/* All of it, and then not all of it any more. */
	ASSERT_OK(mlock(self->p, GB));
	ASSERT_OK(munlock(self->p + 7 * UNIT, UNIT));
	EXPECT_EQ(GB_KB - UNIT / KB, vm_status_kb("VmLck"));
	EXPECT_GE(before + GB_KB, vm_meminfo_kb("Mlocked"));
	EXPECT_LE(before, vm_meminfo_kb("Mlocked"));
	EXPECT_PAGES(self->p, 0, GB_PAGES, 1);
	ASSERT_OK(munmap(self->p, GB / 2));
	EXPECT_LE(before, vm_meminfo_kb("Mlocked"));
	EXPECT_PAGES(self->p, GB_PAGES / 2, GB_PAGES / 2, 1);
	ASSERT_OK(munmap(self->p + GB / 2, GB / 2));
	EXPECT_EQ(0, vm_status_kb("VmLck"));
	EXPECT_TRUE(eventually(vm_meminfo_kb("Mlocked") == before, 5))
		TH_LOG("Mlocked %ld, was %ld", vm_meminfo_kb("Mlocked"), before);
}

/* --- advice --- */

TEST_F(pools, reclaim_advice)
{
	const int advice[] = { MADV_COLD, MADV_PAGEOUT };

	for (int i = 0; i < ARRAY_SIZE(advice); i++) {
		EXPECT_OK(madvise(self->p, GB, advice[i]));
		EXPECT_OK(madvise(self->p + 3 * PAGE, PAGE, advice[i]));
		EXPECT_OK(madvise(self->p + UNIT - PAGE, UNIT, advice[i]));
		EXPECT_OK(madvise(self->p + 5 * UNIT, 9 * UNIT, advice[i]));
	}
	EXPECT_UNCHANGED();
	EXPECT_EQ(GB, pool_held(CG));
	EXPECT_EQ(WHOLE ? GB : 0, cg_hp(CG, "current", "1GB"));
}

/* The same where the block is mapped in pieces. */
TEST_F(pools, reclaim_advice_for_pieces)
{
	unsigned char *q = self->p + GB;

	ASSERT_OK(munmap(self->p, GB));
	/* By 2 MB, and then by 4 KB. */
	ASSERT_EQ(q, mmap(q, GB / 2, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_FIXED, self->fd, 0));
	ASSERT_EQ(q + GB / 2 + PAGE,
		  mmap(q + GB / 2 + PAGE, UNIT, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, self->fd, GB / 2));
	EXPECT_PAGES(q, 0, GB_PAGES / 2, 1);
	EXPECT_PAGES(q + PAGE, GB_PAGES / 2, UNIT / PAGE, 1);
	EXPECT_EQ(GB_KB / 2, vm_smaps_kb(q, "ShmemPmdMapped"));
	for (int i = MADV_COLD; i <= MADV_PAGEOUT; i++) {
		EXPECT_OK(madvise(q, GB / 2, i));
		EXPECT_OK(madvise(q + 3 * PAGE, PAGE, i));
		EXPECT_OK(madvise(q + UNIT - PAGE, UNIT, i));
		EXPECT_OK(madvise(q + GB / 2 + PAGE, UNIT, i));
		EXPECT_OK(madvise(q + GB / 2 + 9 * PAGE, 5 * PAGE, i));
	}
	EXPECT_EQ(GB_KB / 2, vm_smaps_kb(q, "ShmemPmdMapped"));
	EXPECT_PAGES(q, 0, GB_PAGES / 2, 1);
	EXPECT_PAGES(q + PAGE, GB_PAGES / 2, UNIT / PAGE, 1);
	EXPECT_EQ(GB, pool_held(CG));
	EXPECT_EQ(WHOLE ? GB : 0, cg_hp(CG, "current", "1GB"));
}

TEST_F(pools, process_madvise)
{
	struct iovec vec[] = { { self->p, GB }, { self->p + UNIT, PAGE } };
	int pidfd = syscall(SYS_pidfd_open, getpid(), 0);

	ASSERT_LE(0, pidfd);
	EXPECT_EQ(GB + PAGE, syscall(SYS_process_madvise, pidfd, vec, 2,
				     MADV_COLD, 0));
	EXPECT_EQ(GB + PAGE, syscall(SYS_process_madvise, pidfd, vec, 2,
				     MADV_PAGEOUT, 0));
	EXPECT_EQ(GB + PAGE, syscall(SYS_process_madvise, pidfd, vec, 2,
				     MADV_WILLNEED, 0));
	close(pidfd);
	EXPECT_UNCHANGED();
}

TEST_F(stats, guard_regions)
{
	unsigned char *guard = self->p + 2 * UNIT + 3 * PAGE;

	if (IS_HUGETLB) {
		EXPECT_ERRNO(EINVAL, madvise(self->p, PAGE, MADV_GUARD_INSTALL));
		return;
	}
	ASSERT_OK(madvise(guard, 2 * PAGE, MADV_GUARD_INSTALL));
	EXPECT_EQ(SIGSEGV, touch_read(guard));
	EXPECT_EQ(SIGSEGV, touch_write(guard + PAGE, 1));
	EXPECT_OK(touch_read(guard - 1));
	EXPECT_OK(touch_read(guard + 2 * PAGE));
	EXPECT_EQ(2, vm_pages_with(self->p, GB, PME_GUARD));
	EXPECT_PAGES(self->p, 0, 2 * UNIT / PAGE + 3, 1);
	EXPECT_PAGES(self->p, 2 * UNIT / PAGE + 5, UNIT / PAGE, 1);
	ASSERT_OK(madvise(guard, 2 * PAGE, MADV_GUARD_REMOVE));
	EXPECT_PAGES(self->p, 0, GB_PAGES, 1);
	/* None to remove: nothing to split for it. */
	ASSERT_OK(munmap(self->p, GB));
	ASSERT_EQ(self->p, mmap(self->p, GB, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_FIXED, self->fd, 0));
	EXPECT_PAGES(self->p, 0, GB_PAGES, 1);
	ASSERT_OK(madvise(guard, 2 * PAGE, MADV_GUARD_REMOVE));
	EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
}

/* --- who used it: clear_refs, page_idle --- */

static int nothing(void *arg)
{
	return 0;
}

/*
 * Read @at, until @cond. The processor need not mark an entry that it has in
 * its TLB, which is not flushed when the mark is taken away: fork() does that.
 */
#define EXPECT_TOUCHED(at, cond)					\
	EXPECT_TRUE(eventually((hp_run(NULL, nothing, NULL),		\
				touch_read(at), cond), 10))

TEST_F(pools, referenced)
{
	EXPECT_EQ(GB_KB, vm_smaps_kb(self->p, "Referenced"));
	ASSERT_OK(vm_clear_refs(1));
	EXPECT_EQ(0, vm_smaps_kb(self->p, "Referenced"));
	EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
	EXPECT_TOUCHED(self->p + 3 * UNIT, variant->b->block / KB ==
		       vm_smaps_kb(self->p, "Referenced"));
	ASSERT_OK(vm_clear_refs(3));
	EXPECT_EQ(0, vm_smaps_kb(self->p, "Referenced"));
	EXPECT_UNCHANGED();
}

/* CONFIG_MEM_SOFT_DIRTY: then a page that was written after clear_refs says so. */
static bool soft_dirty_works(void)
{
	unsigned char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool works;

	*p = 1;
	works = vm_pme(p) & PME_SOFT_DIRTY;
	munmap(p, PAGE);
	return works;
}

TEST_F(pools, soft_dirty)
{
	/* Also without the tracking this must not take anything away. */
	EXPECT_EQ(0, vm_clear_refs(4));
	EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
	EXPECT_PAGES(self->p, 0, GB_PAGES, 1);
	EXPECT_EQ(0, vm_pages_with(self->p, GB, PME_SOFT_DIRTY));
	stamp(self->p + 3 * UNIT, 3 * UNIT / PAGE, 1, 1);
	EXPECT_EQ(soft_dirty_works() ? variant->b->block / PAGE : 0,
		  vm_pages_with(self->p, GB, PME_SOFT_DIRTY));
	EXPECT_UNCHANGED();
}

#define IDLE	"/sys/kernel/mm/page_idle/bitmap"

static int idle_bit(uint64_t pfn, bool set)
{
	uint64_t word = set ? 1ULL << pfn % 64 : 0;
	int fd = open(IDLE, O_RDWR | O_CLOEXEC);
	off_t at = pfn / 64 * 8;
	int ret = -1;

	if (fd < 0)
		return -errno;
	if (set)
		ret = pwrite(fd, &word, 8, at) == 8 ? 0 : -errno;
	else if (pread(fd, &word, 8, at) == 8)
		ret = word >> pfn % 64 & 1;
	close(fd);
	return ret;
}

TEST_F(pools, page_idle)
{
	uint64_t pfn = vm_pme(self->p) & PME_PFN;

	ASSERT_OK(idle_bit(pfn, true));
	EXPECT_EQ(1, idle_bit(pfn, false));
	EXPECT_EQ(1, idle_bit(pfn, false));
	EXPECT_TOUCHED(self->p + variant->b->block - PAGE,
		       idle_bit(pfn, false) == 0);
	EXPECT_UNCHANGED();
}

/* --- DAMON --- */

#define DAMON	"/sys/kernel/mm/damon/admin/kdamonds/"
#define CTX	DAMON "0/contexts/0/"

static int damon_on(pid_t pid)
{
	char val[16];
	int ret;

	snprintf(val, sizeof(val), "%d", pid);
	ret = wr_file(DAMON "nr_kdamonds", "1");
	ret = ret ?: wr_file(DAMON "0/contexts/nr_contexts", "1");
	ret = ret ?: wr_file(CTX "operations", "vaddr");
	ret = ret ?: wr_file(CTX "targets/nr_targets", "1");
	ret = ret ?: wr_file(CTX "targets/0/pid_target", val);
	ret = ret ?: wr_file(CTX "monitoring_attrs/intervals/sample_us", "2000");
	ret = ret ?: wr_file(CTX "monitoring_attrs/intervals/aggr_us", "20000");
	ret = ret ?: wr_file(CTX "schemes/nr_schemes", "1");
	ret = ret ?: wr_file(CTX "schemes/0/action", "migrate_cold");
	ret = ret ?: wr_file(CTX "schemes/0/access_pattern/sz/max",
			     "18446744073709551615");
	ret = ret ?: wr_file(CTX "schemes/0/access_pattern/age/max", "1000000");
	ret = ret ?: wr_file(CTX "schemes/0/access_pattern/nr_accesses/max",
			     "1000");
	ret = ret ?: wr_file(DAMON "0/state", "on");
	return ret;
}

TEST_F(pools, damon_vaddr)
{
	if (access(DAMON, F_OK))
		SKIP(return, "CONFIG_DAMON_SYSFS is off");
	ASSERT_OK(damon_on(getpid()));
	sleep(2);
	EXPECT_PAGES(self->p, 0, GB_PAGES, 1);
	/* Watched, and offered for migration: still there, in one piece. */
	EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
	EXPECT_OK(wr_file(DAMON "0/state", "off"));
	EXPECT_OK(wr_file(DAMON "nr_kdamonds", "0"));
	EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
}

/* --- while it changes --- */

static volatile bool done;

static void *reader(void *arg)
{
	static unsigned char vec[16384];
	unsigned char *p = arg;
	void *at = p + 7 * UNIT;
	uint64_t ent[16];
	long rounds = 0;
	int status;

	while (!done) {
		vm_smaps_kb(p, "Rss");
		vm_rollup_kb("Rss");
		vm_numa_maps(p, "N0");
		vm_pagemap(p + UNIT, ent, ARRAY_SIZE(ent));
		vm_scan(p, GB, 0, PAGE_IS_PRESENT, 0);
		mincore(p + 9 * UNIT, sizeof(vec) * PAGE, vec);
		move_pages(0, 1, &at, NULL, &status, 0);
		madvise(p + 11 * UNIT, PAGE, MADV_COLD);
		rounds++;
	}
	return (void *)rounds;
}

TEST_F(stats, readers_while_it_changes)
{
	unsigned char *p = self->p;
	double end = now() + 5;
	pthread_t thread;
	void *rounds;
	long n = 0;

	done = false;
	ASSERT_OK(pthread_create(&thread, NULL, reader, p));
	while (now() < end) {
		switch (n++ % 5) {
		case 0:
			EXPECT_OK(madvise(p, GB, MADV_DONTNEED));
			break;
		case 1:
			if (!IS_HUGETLB)
				EXPECT_OK(madvise(p + 7 * UNIT + PAGE, PAGE,
						  MADV_DONTNEED));
			break;
		case 2:
			EXPECT_OK(vm_clear_refs(1));
			break;
		case 3:
			if (!IS_HUGETLB)
				EXPECT_OK(mlock(p, GB));
			break;
		case 4:
			/* Mapped anew, it is one entry again. */
			EXPECT_OK(munmap(p, GB));
			EXPECT_EQ(p, mmap(p, GB, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_FIXED, self->fd, 0));
			break;
		}
		for (size_t i = 0; i < GB_UNITS; i += 37)
			EXPECT_OK(touch_read(p + i * UNIT));
	}
	done = true;
	ASSERT_OK(pthread_join(thread, &rounds));
	EXPECT_LT(0, (long)rounds);
	TH_LOG("%ld changes, %ld rounds of readers", n, (long)rounds);
	munmap(p, GB);
	ASSERT_EQ(p, mmap(p, GB, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_FIXED, self->fd, 0));
	EXPECT_PAGES(p, 0, GB_PAGES, 1);
	EXPECT_MAPPED(variant->b, p, GB, GB, 0);
}

TEST_HARNESS_MAIN
