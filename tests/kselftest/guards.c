// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=240
 *
 * What moves, merges, splits, swaps or drops ordinary memory leaves the pool's
 * alone: khugepaged and MADV_COLLAPSE, KSM, compaction, drop_caches, reclaim
 * with swap, migration, memory offlining, soft offline and userfaultfd. Each
 * row looks that the content, the charge and the place are as before, and that
 * the call came back.
 */
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "hp_test.h"

#define NR	4
#define LEN	(NR * UNIT)

FIXTURE(guard) {
	struct hp_env env;
	int fd;
	unsigned char *p;
};

FIXTURE_SETUP(guard)
{
	HP_SETUP("pool=2M");
	self->fd = hp_open_sized(&self->env, "f", LEN);
	ASSERT_LE(0, self->fd);
	self->p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED,
		       self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	pattern_fill(self->p, LEN, 1);
}

FIXTURE_TEARDOWN_PARENT(guard)
{
	EXPECT_ENDED(&self->env);
}

static bool intact(const unsigned char *p)
{
	static unsigned char want[LEN];

	pattern_fill(want, LEN, 1);
	return !memcmp(p, want, LEN);
}

struct where {
	unsigned long pfn[NR];
	long long used;
};

static void note(const unsigned char *p, struct where *w)
{
	for (int i = 0; i < NR; i++)
		w->pfn[i] = pfn_of(p + i * UNIT);
	w->used = hp_sum("used");
}

#define EXPECT_UNTOUCHED(was)						\
	do {								\
		struct where __now;					\
		EXPECT_TRUE(intact(self->p));				\
		note(self->p, &__now);					\
		EXPECT_EQ(0, memcmp(&__now, (was), sizeof(__now)));	\
		EXPECT_EQ(LEN, CURRENT_2M);				\
		EXPECT_EQ(LEN, file_blocks(self->fd));			\
	} while (0)

/* --- collapsing --- */

TEST_F(guard, madv_collapse_of_pool_blocks)
{
	struct where was;

	note(self->p, &was);
	ASSERT_NE(0, was.pfn[0]);
	madvise(self->p, LEN, MADV_COLLAPSE);
	EXPECT_UNTOUCHED(&was);
}

FIXTURE(collapse) {
	struct hp_env env;
	int fd;
	unsigned char *p;
};

/* A unit of 512 ordinary pages in a +base file: the collapser's dream. */
FIXTURE_SETUP(collapse)
{
	HP_SETUP("pool=2M+base");
	self->fd = hp_open(&self->env, "f");
	ASSERT_LE(0, self->fd);
	ASSERT_OK(cg_limit(CG, "2MB", 0));
	ASSERT_OK(fallocate(self->fd, 0, 0, UNIT));
	ASSERT_OK(cg_write(CG, "memory.hugepool.max", "2MB max"));
	self->p = mmap(NULL, UNIT, PROT_READ | PROT_WRITE, MAP_SHARED,
		       self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	pattern_fill(self->p, UNIT, 2);
}

FIXTURE_TEARDOWN_PARENT(collapse)
{
	EXPECT_ENDED(&self->env);
}

static bool still_small(const unsigned char *p)
{
	static unsigned char want[UNIT];

	pattern_fill(want, UNIT, 2);
	return !memcmp(p, want, UNIT) && !smaps_field(p, "ShmemPmdMapped");
}

TEST_F(collapse, madv_collapse)
{
	EXPECT_EQ(-1, madvise(self->p, UNIT, MADV_COLLAPSE));
	EXPECT_TRUE(still_small(self->p));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_EQ(UNIT, file_blocks(self->fd));
}

#define THP	"/sys/kernel/mm/transparent_hugepage/"

static int save(const char *path, char *val, size_t len)
{
	char buf[128], *p, *end;
	int ret = rd_file(path, buf, sizeof(buf));

	if (ret)
		return ret;
	p = strchr(buf, '[');
	end = p ? strchr(p, ']') : NULL;
	if (end)
		snprintf(val, len, "%.*s", (int)(end - p - 1), p + 1);
	else
		snprintf(val, len, "%s", buf);
	return 0;
}

/* Small pages now, and wanted huge from now on: what khugepaged looks for. */
static unsigned char *collapsible(void)
{
	unsigned char *p = mmap(NULL, 2 * UNIT, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	p += UNIT - (unsigned long)p % UNIT;
	madvise(p, UNIT, MADV_NOHUGEPAGE);
	memset(p, 1, UNIT);
	return madvise(p, UNIT, MADV_HUGEPAGE) ? NULL : p;
}

TEST_F(collapse, khugepaged)
{
	static const char * const knobs[] = {
		THP "enabled", THP "shmem_enabled",
		THP "khugepaged/scan_sleep_millisecs",
		THP "khugepaged/pages_to_scan",
	};
	static const char * const eager[] = { "always", "force", "10", "4096" };
	char was[ARRAY_SIZE(knobs)][128];
	unsigned char *other;
	long long scans;

	for (unsigned int i = 0; i < ARRAY_SIZE(knobs); i++)
		ASSERT_OK(save(knobs[i], was[i], sizeof(was[i])));
	for (unsigned int i = 0; i < ARRAY_SIZE(knobs); i++)
		ASSERT_OK(wr_file(knobs[i], eager[i]));
	madvise(self->p, UNIT, MADV_HUGEPAGE);
	ASSERT_OK(touch_write(self->p, *self->p));
	other = collapsible();
	ASSERT_TRUE(other != NULL);
	/* It is at work in this process: the anonymous unit gets huge ... */
	EXPECT_TRUE(eventually(smaps_field(other, "AnonHugePages") ==
			       (long long)UNIT, 20));
	/* ... and one more full round saw the pool file if anything did. */
	scans = rd_num(THP "khugepaged/full_scans");
	EXPECT_TRUE(eventually(rd_num(THP "khugepaged/full_scans") >=
			       scans + 2, 10));
	for (unsigned int i = 0; i < ARRAY_SIZE(knobs); i++)
		EXPECT_OK(wr_file(knobs[i], was[i]));
	EXPECT_TRUE(still_small(self->p));
	EXPECT_EQ(0, CURRENT_2M);
}

/* --- KSM --- */

#define KSM	"/sys/kernel/mm/ksm/"

TEST_F(guard, ksm)
{
	struct where was;
	unsigned char *q;
	long long scans;

	/* Private, as KSM wants it, of a file full of equal pages. */
	note(self->p, &was);
	q = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	ASSERT_OK(madvise(q, LEN, MADV_MERGEABLE));
	EXPECT_TRUE(intact(q));
	for (int i = 0; i < 8; i++)
		memset(q + i * 4096, 0x44, 4096);
	ASSERT_OK(wr_file(KSM "pages_to_scan", "5000"));
	ASSERT_OK(wr_file(KSM "sleep_millisecs", "10"));
	scans = rd_num(KSM "full_scans");
	ASSERT_OK(wr_file(KSM "run", "1"));
	EXPECT_TRUE(eventually(rd_num(KSM "full_scans") >= scans + 3, 15));
	/* The copies may merge; what the pool holds may not. */
	EXPECT_EQ(8 * 4096, first_not(q, 8 * 4096, 0x44));
	EXPECT_UNTOUCHED(&was);
	EXPECT_OK(wr_file(KSM "run", "2"));
	EXPECT_OK(wr_file(KSM "run", "0"));
	EXPECT_OK(wr_file(KSM "pages_to_scan", "100"));
	EXPECT_OK(wr_file(KSM "sleep_millisecs", "20"));
	EXPECT_UNTOUCHED(&was);
}

/* --- compaction, caches, reclaim, swap --- */

TEST_F(guard, compaction_and_drop_caches)
{
	struct where was;

	note(self->p, &was);
	ASSERT_OK(wr_file("/proc/sys/vm/compact_memory", "1"));
	ASSERT_OK(wr_file("/proc/sys/vm/drop_caches", "3"));
	EXPECT_UNTOUCHED(&was);
}

TEST_F(guard, memory_reclaim)
{
	struct where was;

	note(self->p, &was);
	/* EAGAIN when it cannot get that much: it must come back with it. */
	cg_write(CG, "memory.reclaim", "16M");
	EXPECT_UNTOUCHED(&was);
	/* The same as kswapd would, for a whole node. */
	wr_file("/sys/devices/system/node/node0/reclaim", "64M");
	wr_file("/sys/devices/system/node/node1/reclaim", "64M");
	EXPECT_UNTOUCHED(&was);
}

static int zram_on(void)
{
	int ret = wr_file("/sys/block/zram0/disksize", "134217728");

	if (ret)
		return ret;
	return hp_exec("mkswap", "/dev/zram0", NULL) ?:
	       hp_exec("swapon", "/dev/zram0", NULL);
}

TEST_F(guard, swap_takes_other_memory)
{
	struct where was;
	unsigned char *anon;

	note(self->p, &was);
	anon = mmap(NULL, 32 * MB, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, anon);
	pattern_fill(anon, 32 * MB, 3);
	ASSERT_EQ(0, zram_on());
	cg_write(CG, "memory.reclaim", "24M");
	EXPECT_LT(0, cg_num(CG, "memory.swap.current"));
	EXPECT_GE(32 * MB, cg_num(CG, "memory.swap.current"));
	EXPECT_OK(madvise(self->p, LEN, MADV_PAGEOUT));
	EXPECT_UNTOUCHED(&was);
	EXPECT_EQ(0, hp_exec("swapoff", "/dev/zram0", NULL));
	EXPECT_OK(wr_file("/sys/block/zram0/reset", "1"));
	EXPECT_UNTOUCHED(&was);
}

/* Pool memory is not what makes the machine look short of memory. */
TEST_F(guard, not_counted_as_unevictable_or_cache)
{
	long long unevictable = rd_key("/proc/meminfo", "Unevictable");
	int fd = hp_open(&self->env, "g");

	ASSERT_OK(fallocate(fd, 0, 0, 32 * UNIT));
	printf("# Unevictable grew by %lld kB for 64 MB of pool\n",
	       rd_key("/proc/meminfo", "Unevictable") - unevictable);
	EXPECT_EQ(32 * UNIT, file_blocks(fd));
	ASSERT_OK(ftruncate(fd, 0));
	EXPECT_GE(unevictable + 4096, rd_key("/proc/meminfo", "Unevictable"));
}

/* --- offlining --- */

static int memory_block(unsigned long pfn, char *path, size_t len)
{
	char buf[64];
	unsigned long size;

	if (rd_file("/sys/devices/system/memory/block_size_bytes", buf,
		    sizeof(buf)))
		return -ENOENT;
	size = strtoul(buf, NULL, 16);
	snprintf(path, len, "/sys/devices/system/memory/memory%lu/state",
		 pfn * 4096 / size);
	return access(path, W_OK) ? -errno : 0;
}

TEST_F(guard, memory_offline_of_a_used_block)
{
	struct where was;
	char path[96], state[32];
	double begin;

	note(self->p, &was);
	ASSERT_OK(memory_block(was.pfn[0], path, sizeof(path)));
	begin = now();
	EXPECT_GT(0, wr_file(path, "offline"));
	EXPECT_GT(20, (int)(now() - begin));
	ASSERT_OK(rd_file(path, state, sizeof(state)));
	EXPECT_STREQ("online\n", state);
	EXPECT_UNTOUCHED(&was);
}

TEST_F(guard, memory_offline_of_a_free_block)
{
	char path[96], state[32];
	struct where was;
	double begin;

	note(self->p, &was);
	munmap(self->p, LEN);
	ASSERT_OK(ftruncate(self->fd, 0));
	ASSERT_OK(memory_block(was.pfn[0], path, sizeof(path)));
	begin = now();
	EXPECT_GT(0, wr_file(path, "offline"));
	EXPECT_GT(20, (int)(now() - begin));
	ASSERT_OK(rd_file(path, state, sizeof(state)));
	EXPECT_STREQ("online\n", state);
	EXPECT_TRUE(!hp_settled(&self->env.before, 5));
	EXPECT_OK(fallocate(self->fd, 0, 0, LEN));
}

TEST_F(guard, soft_offline_is_refused)
{
	struct where was;

	note(self->p, &was);
	EXPECT_EQ(-1, madvise(self->p + UNIT, 4096, MADV_SOFT_OFFLINE));
	EXPECT_UNTOUCHED(&was);
	EXPECT_EQ(0, hp_sum("poisoned"));
}

TEST_F(guard, soft_offline_of_a_free_block_is_refused)
{
	struct where was;
	char addr[32];

	note(self->p, &was);
	munmap(self->p, LEN);
	ASSERT_OK(ftruncate(self->fd, 0));
	snprintf(addr, sizeof(addr), "0x%lx", was.pfn[1] * 4096);
	EXPECT_GT(0, wr_file("/sys/devices/system/memory/soft_offline_page",
			     addr));
	EXPECT_EQ(0, hp_sum("poisoned"));
	EXPECT_TRUE(!hp_settled(&self->env.before, 5));
}

/* --- userfaultfd must not slip an ordinary page into a pool file --- */

TEST_F(guard, userfaultfd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { 0 };
	struct uffdio_copy copy = { 0 };
	static unsigned char src[4096];
	unsigned char *q;
	int uffd, fd;

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	ASSERT_LE(0, uffd);
	ASSERT_OK(ioctl(uffd, UFFDIO_API, &api));
	fd = hp_open_sized(&self->env, "u", UNIT);
	q = mmap(NULL, UNIT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	reg.range.start = (unsigned long)q;
	reg.range.len = UNIT;
	reg.mode = UFFDIO_REGISTER_MODE_MISSING;
	if (!ioctl(uffd, UFFDIO_REGISTER, &reg)) {
		copy.dst = (unsigned long)q;
		copy.src = (unsigned long)src;
		copy.len = 4096;
		ioctl(uffd, UFFDIO_COPY, &copy);
	}
	EXPECT_EQ(0, file_blocks(fd) % UNIT);
	close(uffd);
}

TEST_HARNESS_MAIN
