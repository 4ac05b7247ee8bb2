// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=gb timeout=300
 *
 * What mm does with page table entries that map 1 GB, as vfio-pci and
 * device-dax make them; nothing of it needs a pool. Rows fail on a kernel
 * without the fixes, most of them fatally: run one at a time there, by -r of
 * the names that -l prints. Memory and mapping are those of lib/test_pud_map.c
 * (CONFIG_TEST_PUD_MAP).
 *
 * Each row ends with the proof that data, references, mappings and RSS are as
 * they have to be, and that the kernel saw no "bad pud".
 *
 * What is right already has to stay so; make regress reads this.
 * Kept as on stock:
 *   any.pfn.munmap_whole any.pfn.munmap_of_protnone any.pfn.fork_* any.pfn.smaps
 *   any.dax.munmap_whole any.dax.fork_* any.dax.smaps
 *   folio.dax.dontneed_* folio.dax.gup folio.dax.write_to_private
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <numaif.h>

#include "hp_test.h"
#include "vm.h"
#include "../../../lib/test_pud_map_uapi.h"

#define PAGE		4096UL
#define NR_UNITS	(GB / UNIT)
#define PUD_SHIFT	30
#define RW		(PROT_READ | PROT_WRITE)

/* Newer than the headers of the guest's C library. */
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC	(1 << 15)
#endif

/* --- mapping --- */

/* @len bytes of @fd from offset 0, at an address that is aligned to 1 GB. */
static unsigned char *map_aligned(int fd, size_t len, int prot, int flags)
{
	unsigned char *p, *aligned;

	p = mmap(NULL, len + 2 * GB, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return p;
	aligned = (void *)(((uintptr_t)p + GB - 1) & ~(GB - 1));
	/* Leave the rest of the table free, as for any other mapping. */
	munmap(p, len + 2 * GB);
	return mmap(aligned, len, prot, flags | MAP_FIXED_NOREPLACE, fd, 0);
}

/* An address aligned to 1 GB with @len free bytes. */
static unsigned char *free_aligned(size_t len)
{
	unsigned char *p = map_aligned(-1, len, PROT_NONE,
				       MAP_PRIVATE | MAP_ANONYMOUS);

	if (p != MAP_FAILED)
		munmap(p, len);
	return p;
}

static int shift_of(int fd, const void *p)
{
	uint64_t val = (uintptr_t)p;

	return ioctl(fd, TEST_PUD_SHIFT, &val) ? -errno : (int)val;
}

static struct test_pud_stat stat_of(int fd)
{
	struct test_pud_stat stat = { -1, -1, -1 };

	ioctl(fd, TEST_PUD_STAT, &stat);
	return stat;
}

/* --- content: a number in each unit, at a place that differs --- */

static volatile uint64_t *probe(unsigned char *p, unsigned long unit)
{
	return (void *)(p + unit * UNIT + (unit * 8 * PAGE + unit * 8) % UNIT);
}

static void fill(unsigned char *p)
{
	for (unsigned long i = 0; i < NR_UNITS; i++)
		*probe(p, i) = ~i;
}

/* The first of the units [@from, @to) that is not as filled; @to if all are. */
static unsigned long check(unsigned char *p, unsigned long from,
			   unsigned long to)
{
	while (from < to && *probe(p, from) == ~from)
		from++;
	return from;
}

#define EXPECT_DATA(p, from, to)	EXPECT_EQ(to, check(p, from, to))

/* --- what the kernel has to say --- */

static bool said_bad_pud(int kmsg)
{
	char line[1024];
	bool bad = false;
	ssize_t n;

	while ((n = read(kmsg, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		bad |= !!strstr(line, "bad pud");
	}
	return bad;
}

/* Runs @fn in a child that is killed after a while: -1 if it had to be. */
static int run_bounded(int (*fn)(int fd), int fd)
{
	double end = now() + 30;
	int status;
	pid_t pid = hp_fork();

	if (!pid)
		_exit(fn(fd));
	while (now() < end) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) :
						   128 + WTERMSIG(status);
		usleep(20000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

/* --- any mapping by a PUD --- */

FIXTURE(any) {
	int fd, kmsg;
	unsigned char *p;
};

FIXTURE_VARIANT(any) {
	const char *dev;
	bool folio;
};

FIXTURE_VARIANT_ADD(any, pfn) {
	.dev = "/dev/" TEST_PUD_DEV_PFN,
};

FIXTURE_VARIANT_ADD(any, mixed) {
	.dev = "/dev/" TEST_PUD_DEV_MIXED,
	.folio = true,
};

FIXTURE_VARIANT_ADD(any, dax) {
	.dev = "/dev/" TEST_PUD_DEV_DAX,
	.folio = true,
};

#define OPEN_DEV(dev)	do {						\
	if (access((dev), F_OK))					\
		SKIP(return, "no %s", (dev));				\
	self->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);		\
	ASSERT_LE(0, self->kmsg);					\
	ASSERT_LE(0, lseek(self->kmsg, 0, SEEK_END));			\
	/* 1 GB in one piece: a busy machine may need a moment for that. */ \
	ASSERT_TRUE(eventually((self->fd = open((dev), O_RDWR)) >= 0, 20)); \
} while (0)

/* Everything is to be unmapped already. */
#define CLOSE_DEV()	do {						\
	if (self->fd > 0) {						\
		struct test_pud_stat __stat = stat_of(self->fd);	\
		EXPECT_EQ(0, __stat.refs);				\
		EXPECT_EQ(0, __stat.mapcount);				\
		EXPECT_EQ(0, __stat.pins);				\
		EXPECT_FALSE(said_bad_pud(self->kmsg));			\
		close(self->fd);					\
		close(self->kmsg);					\
	}								\
} while (0)

FIXTURE_SETUP(any)
{
	OPEN_DEV(variant->dev);
	self->p = map_aligned(self->fd, GB, RW, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, self->p);
	fill(self->p);
	ASSERT_EQ(PUD_SHIFT, shift_of(self->fd, self->p));
	ASSERT_EQ(variant->folio, stat_of(self->fd).refs);
	ASSERT_EQ(variant->folio, stat_of(self->fd).mapcount);
}

FIXTURE_TEARDOWN(any)
{
	if (self->p)
		munmap(self->p, GB);
	CLOSE_DEV();
}

TEST_F(any, munmap_whole)
{
	EXPECT_OK(munmap(self->p, GB));
	EXPECT_EQ(SIGSEGV, touch_read(self->p));
}

TEST_F(any, munmap_half)
{
	ASSERT_OK(munmap(self->p + GB / 2, GB / 2));
	EXPECT_DATA(self->p, 0, NR_UNITS / 2);
	EXPECT_EQ(SIGSEGV, touch_read(self->p + GB / 2));
}

TEST_F(any, munmap_first_page)
{
	ASSERT_OK(munmap(self->p, PAGE));
	EXPECT_EQ(SIGSEGV, touch_read(self->p));
	EXPECT_DATA(self->p, 1, NR_UNITS);
}

TEST_F(any, munmap_page_in_the_middle)
{
	ASSERT_OK(munmap(self->p + GB / 2 + PAGE, PAGE));
	EXPECT_DATA(self->p, 0, NR_UNITS / 2);
	EXPECT_EQ(SIGSEGV, touch_read(self->p + GB / 2 + PAGE));
	EXPECT_DATA(self->p, NR_UNITS / 2 + 2, NR_UNITS);
}

TEST_F(any, mprotect_page)
{
	unsigned char *page = self->p + 100 * UNIT + PAGE;

	ASSERT_OK(mprotect(page, PAGE, PROT_READ));
	EXPECT_EQ(SIGSEGV, touch_write(page, 1));
	EXPECT_EQ(0, touch_read(page));
	EXPECT_EQ(0, touch_write(page - 1, 1));
	EXPECT_EQ(0, touch_write(page + PAGE, 1));
	EXPECT_DATA(self->p, 0, NR_UNITS);
}

TEST_F(any, mprotect_half)
{
	ASSERT_OK(mprotect(self->p + GB / 2, GB / 2, PROT_READ));
	EXPECT_EQ(0, touch_write(self->p + GB / 2 - 1, 1));
	EXPECT_EQ(SIGSEGV, touch_write(self->p + GB / 2, 1));
	EXPECT_DATA(self->p, 0, NR_UNITS);
	EXPECT_OK(munmap(self->p + GB / 2, GB / 2));
	EXPECT_DATA(self->p, 0, NR_UNITS / 2);
}

TEST_F(any, mprotect_whole_to_none_and_back)
{
	ASSERT_OK(mprotect(self->p, GB, PROT_NONE));
	EXPECT_EQ(SIGSEGV, touch_read(self->p));
	ASSERT_OK(mprotect(self->p, GB, PROT_READ));
	EXPECT_EQ(PUD_SHIFT, shift_of(self->fd, self->p));
	EXPECT_DATA(self->p, 0, NR_UNITS);
	EXPECT_EQ(SIGSEGV, touch_write(self->p, 1));
	ASSERT_OK(mprotect(self->p, GB, RW));
	EXPECT_EQ(0, touch_write(self->p + PAGE, 1));
	EXPECT_EQ(PUD_SHIFT, shift_of(self->fd, self->p));
}

TEST_F(any, munmap_of_protnone)
{
	ASSERT_OK(mprotect(self->p, GB, PROT_NONE));
	EXPECT_OK(munmap(self->p, GB));
}

TEST_F(any, split_of_protnone)
{
	ASSERT_OK(mprotect(self->p, GB, PROT_NONE));
	ASSERT_OK(mprotect(self->p + GB / 2, GB / 2, RW));
	EXPECT_EQ(SIGSEGV, touch_read(self->p));
	EXPECT_DATA(self->p, NR_UNITS / 2, NR_UNITS);
}

/* mremap() of [@off, @off + @len) to @to, and back. */
static void move(struct __test_metadata *_metadata, unsigned char *p,
		 size_t off, size_t len, unsigned char *to)
{
	unsigned long from = off / UNIT, end = (off + len) / UNIT;

	ASSERT_EQ(to, mremap(p + off, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
			     to));
	EXPECT_EQ(SIGSEGV, touch_read(p + off));
	EXPECT_EQ(SIGSEGV, touch_read(p + off + len - 1));
	EXPECT_DATA(to - off, from, end);
	EXPECT_DATA(p, 0, from);
	EXPECT_DATA(p, end, NR_UNITS);
	ASSERT_EQ(p + off, mremap(to, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
				  p + off));
	EXPECT_DATA(p, 0, NR_UNITS);
	EXPECT_EQ(SIGSEGV, touch_read(to));
}

TEST_F(any, mremap_whole)
{
	unsigned char *to = free_aligned(GB);

	ASSERT_EQ(to, mremap(self->p, GB, GB, MREMAP_MAYMOVE | MREMAP_FIXED,
			     to));
	/* Moved, and not just mapped again. */
	EXPECT_EQ(PUD_SHIFT, shift_of(self->fd, to));
	EXPECT_EQ(0, shift_of(self->fd, self->p));
	EXPECT_DATA(to, 0, NR_UNITS);
	EXPECT_EQ(SIGSEGV, touch_read(self->p));
	EXPECT_EQ(variant->folio, stat_of(self->fd).mapcount);
	ASSERT_EQ(self->p, mremap(to, GB, GB, MREMAP_MAYMOVE | MREMAP_FIXED,
				  self->p));
	EXPECT_EQ(PUD_SHIFT, shift_of(self->fd, self->p));
	EXPECT_DATA(self->p, 0, NR_UNITS);
}

TEST_F(any, mremap_whole_to_odd_address)
{
	move(_metadata, self->p, 0, GB, free_aligned(3 * GB) + 3 * PAGE);
}

TEST_F(any, mremap_whole_to_unit)
{
	move(_metadata, self->p, 0, GB, free_aligned(3 * GB) + 5 * UNIT);
}

TEST_F(any, mremap_half)
{
	move(_metadata, self->p, GB / 2, GB / 2, free_aligned(GB) + GB / 2);
}

TEST_F(any, mremap_some_units)
{
	move(_metadata, self->p, 7 * UNIT, 9 * UNIT, free_aligned(GB));
}

TEST_F(any, mremap_shrink)
{
	ASSERT_EQ(self->p, mremap(self->p, GB, GB - UNIT - PAGE, 0));
	EXPECT_DATA(self->p, 0, NR_UNITS - 2);
	EXPECT_EQ(SIGSEGV, touch_read(self->p + GB - UNIT));
}

TEST_F(any, fork_child_ends_first)
{
	pid_t pid = hp_fork();

	if (!pid)
		_exit(check(self->p, 0, NR_UNITS) != NR_UNITS);
	EXPECT_EQ(0, hp_wait(pid));
	EXPECT_DATA(self->p, 0, NR_UNITS);
	EXPECT_EQ(PUD_SHIFT, shift_of(self->fd, self->p));
	EXPECT_EQ(variant->folio, stat_of(self->fd).refs);
}

TEST_F(any, fork_parent_unmaps_first)
{
	int go[2];
	pid_t pid;
	char c;

	ASSERT_OK(pipe(go));
	pid = hp_fork();
	if (!pid) {
		bool ok = read(go[0], &c, 1) == 1 &&
			  check(self->p, 0, NR_UNITS) == NR_UNITS;
		struct test_pud_stat stat = stat_of(self->fd);

		/* What is mapped is also counted. */
		ok = ok && stat.refs == variant->folio &&
		     stat.mapcount == variant->folio;
		_exit(!ok);
	}
	EXPECT_OK(munmap(self->p, GB));
	EXPECT_EQ(1, write(go[1], "", 1));
	EXPECT_EQ(0, hp_wait(pid));
}

TEST_F(any, smaps)
{
	EXPECT_LE(0, smaps_field(self->p, "Rss"));
	EXPECT_DATA(self->p, 0, NR_UNITS);
}

/* --- a mapping that holds references of a folio --- */

FIXTURE(folio) {
	int fd, kmsg;
	unsigned char *p;
	long long rss;
};

FIXTURE_VARIANT(folio) {
	const char *dev;
};

FIXTURE_VARIANT_ADD(folio, mixed) {
	.dev = "/dev/" TEST_PUD_DEV_MIXED,
};

FIXTURE_VARIANT_ADD(folio, dax) {
	.dev = "/dev/" TEST_PUD_DEV_DAX,
};

static long long rss_file(void)
{
	return rd_key("/proc/self/status", "RssFile");
}

FIXTURE_SETUP(folio)
{
	OPEN_DEV(variant->dev);
	self->rss = rss_file();
	self->p = map_aligned(self->fd, GB, RW, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, self->p);
	fill(self->p);
	ASSERT_EQ(PUD_SHIFT, shift_of(self->fd, self->p));
	ASSERT_EQ(1, stat_of(self->fd).mapcount);
}

FIXTURE_TEARDOWN(folio)
{
	if (self->p) {
		munmap(self->p, GB);
		/* Some pages of the program may have come in since. */
		EXPECT_GT(self->rss + 100000, rss_file());
	}
	CLOSE_DEV();
}

TEST_F(folio, dontneed_page)
{
	ASSERT_OK(madvise(self->p + 77 * UNIT, PAGE, MADV_DONTNEED));
	/* A split takes the entry away, and what it held. */
	EXPECT_EQ(0, stat_of(self->fd).refs);
	EXPECT_EQ(0, stat_of(self->fd).mapcount);
	EXPECT_GT(self->rss + 100000, rss_file());
	EXPECT_DATA(self->p, 0, NR_UNITS);
	EXPECT_EQ(PUD_SHIFT, shift_of(self->fd, self->p));
	EXPECT_EQ(1, stat_of(self->fd).mapcount);
}

TEST_F(folio, dontneed_whole)
{
	ASSERT_OK(madvise(self->p, GB, MADV_DONTNEED));
	EXPECT_EQ(0, stat_of(self->fd).refs);
	EXPECT_EQ(0, stat_of(self->fd).mapcount);
	EXPECT_DATA(self->p, 0, NR_UNITS);
}

struct race {
	unsigned char *p;
	size_t len;
	bool stop;
};

static void *touch_on_and_on(void *arg)
{
	struct race *r = arg;
	uint64_t seed = 1;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED))
		*probe(r->p, rng_below(&seed, NR_UNITS));
	return NULL;
}

static void race(struct __test_metadata *_metadata, struct race *r)
{
	double end = now() + 4;
	pthread_t thread;

	ASSERT_OK(pthread_create(&thread, NULL, touch_on_and_on, r));
	while (now() < end)
		for (int i = 0; i < 100; i++)
			EXPECT_OK(madvise(r->p + i * UNIT, r->len,
					  MADV_DONTNEED));
	__atomic_store_n(&r->stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

TEST_F(folio, race_of_dontneed_page_and_fault)
{
	struct race r = { .p = self->p, .len = PAGE };

	race(_metadata, &r);
	EXPECT_DATA(self->p, 0, NR_UNITS);
}

static void *dontneed_on_and_on(void *arg)
{
	struct race *r = arg;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED))
		madvise(r->p, GB, MADV_DONTNEED);
	return NULL;
}

TEST_F(folio, race_of_dontneed_whole_page_and_fault)
{
	struct race r = { .p = self->p, .len = PAGE };
	pthread_t thread;

	ASSERT_OK(pthread_create(&thread, NULL, dontneed_on_and_on, &r));
	race(_metadata, &r);
	pthread_join(thread, NULL);
	EXPECT_DATA(self->p, 0, NR_UNITS);
}

/* --- get_user_pages() --- */

static int gup(int fd, const unsigned char *p, int flags, long *index)
{
	struct test_pud_gup arg = { .addr = (uintptr_t)p, .flags = flags };
	int ret = ioctl(fd, TEST_PUD_GUP, &arg) ? -errno : 0;

	*index = arg.index;
	return ret;
}

TEST_F(folio, gup)
{
	long index;

	EXPECT_EQ(0, gup(self->fd, self->p + 3 * UNIT + PAGE, 0, &index));
	EXPECT_EQ(3 * 512 + 1, index);
	EXPECT_EQ(0, gup(self->fd, self->p + GB - 1,
			 TEST_PUD_GUP_WRITE | TEST_PUD_GUP_LONGTERM, &index));
	EXPECT_EQ(NR_UNITS * 512 - 1, index);
	EXPECT_EQ(PUD_SHIFT, shift_of(self->fd, self->p));
}

TEST_F(folio, gup_split)
{
	long index;

	EXPECT_EQ(0, gup(self->fd, self->p + UNIT, TEST_PUD_GUP_SPLIT, &index));
	EXPECT_EQ(512, index);
	/* Uprobes count on that. */
	EXPECT_EQ(12, shift_of(self->fd, self->p + UNIT));
	EXPECT_DATA(self->p, 0, NR_UNITS);
}

static int pin_in_private(int fd)
{
	unsigned char *p = map_aligned(fd, GB, RW, MAP_PRIVATE);
	long index = 0;

	if (p == MAP_FAILED || touch_read(p) || shift_of(fd, p) != PUD_SHIFT)
		return 1;
	/* R/O, but long-term: of a copy. */
	if (gup(fd, p + UNIT, TEST_PUD_GUP_LONGTERM, &index))
		return 2;
	return index == -1 ? 0 : 3;
}

TEST_F(folio, gup_longterm_in_private)
{
	EXPECT_EQ(0, run_bounded(pin_in_private, self->fd));
}

static unsigned char *protnone;

/* A debugger may read what its debuggee may not. */
static int peek_at_protnone(int fd)
{
	pid_t pid = hp_fork();
	unsigned long val;
	int status, err;

	if (!pid) {
		/* It has none of its parent's entries. */
		if (touch_read(protnone) || mprotect(protnone, GB, PROT_NONE) ||
		    shift_of(fd, protnone) != PUD_SHIFT ||
		    ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return 2;
	errno = 0;
	val = ptrace(PTRACE_PEEKDATA, pid, probe(protnone, 9), NULL);
	err = errno;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return err ? 3 : val == ~9UL ? 0 : 4;
}

TEST_F(folio, ptrace_of_protnone)
{
	protnone = self->p;
	EXPECT_EQ(0, run_bounded(peek_at_protnone, self->fd));
}

/* --- private mappings: one leaf, and pages of the process beside it --- */

#define PRIVATE_LEN	(2 * GB)

static unsigned char *map_private(int fd)
{
	unsigned char *p = map_aligned(fd, PRIVATE_LEN, RW, MAP_PRIVATE);

	if (p == MAP_FAILED || touch_read(p) || touch_write(p + GB, 42) ||
	    shift_of(fd, p) != PUD_SHIFT)
		return NULL;
	return p;
}

TEST_F(folio, fork_of_private)
{
	unsigned char *p = map_private(self->fd);
	pid_t pid;

	ASSERT_NE(NULL, p);
	pid = hp_fork();
	if (!pid)
		_exit(check(p, 0, NR_UNITS) != NR_UNITS || p[GB] != 42);
	EXPECT_EQ(0, hp_wait(pid));
	EXPECT_DATA(p, 0, NR_UNITS);
	EXPECT_EQ(42, p[GB]);
	EXPECT_OK(munmap(p, PRIVATE_LEN));
	EXPECT_EQ(1, stat_of(self->fd).mapcount);
	EXPECT_EQ(1, stat_of(self->fd).refs);
}

TEST_F(folio, write_to_private)
{
	unsigned char *p = map_private(self->fd);

	ASSERT_NE(NULL, p);
	EXPECT_EQ(0, touch_write((void *)probe(p, 1), 1));
	EXPECT_NE(~1UL, *probe(p, 1));
	EXPECT_DATA(p, 2, NR_UNITS);
	EXPECT_DATA(self->p, 0, NR_UNITS);
	EXPECT_OK(munmap(p, PRIVATE_LEN));
	EXPECT_EQ(1, stat_of(self->fd).mapcount);
}

TEST_F(folio, swapoff)
{
	unsigned char *p = map_private(self->fd);

	ASSERT_NE(NULL, p);
	ASSERT_OK(wr_file("/sys/block/zram0/disksize", "67108864"));
	ASSERT_OK(hp_exec("mkswap", "/dev/zram0", NULL));
	ASSERT_OK(hp_exec("swapon", "/dev/zram0", NULL));
	EXPECT_TRUE(eventually(!madvise(p + GB, PAGE, MADV_PAGEOUT) &&
			       rd_key("/proc/self/status", "VmSwap") > 0, 10));
	EXPECT_OK(hp_exec("swapoff", "/dev/zram0", NULL));
	EXPECT_OK(wr_file("/sys/block/zram0/reset", "1"));
	EXPECT_EQ(PUD_SHIFT, shift_of(self->fd, p));
	EXPECT_EQ(42, p[GB]);
	EXPECT_DATA(p, 0, NR_UNITS);
	EXPECT_OK(munmap(p, PRIVATE_LEN));
	EXPECT_EQ(1, stat_of(self->fd).mapcount);
}

/* --- userfaultfd --- */

TEST_F(folio, userfaultfd_wp)
{
	struct uffdio_api api = {
		.api = UFFD_API, .features = UFFD_FEATURE_WP_ASYNC,
	};
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)self->p, .len = GB },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	struct uffdio_writeprotect wp = { .range = reg.range };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	ASSERT_LE(0, uffd);
	ASSERT_OK(ioctl(uffd, UFFDIO_API, &api));
	if (ioctl(uffd, UFFDIO_REGISTER, &reg)) {
		/* It is not to be had for VM_MIXEDMAP. */
		EXPECT_EQ(EINVAL, errno);
		close(uffd);
		return;
	}
	/* Nothing was protected. */
	EXPECT_OK(ioctl(uffd, UFFDIO_WRITEPROTECT, &wp));
	wp.range.len = PAGE;
	wp.mode = UFFDIO_WRITEPROTECT_MODE_WP;
	EXPECT_OK(ioctl(uffd, UFFDIO_WRITEPROTECT, &wp));
	EXPECT_EQ(0, touch_write(self->p + 8, 0));
	EXPECT_DATA(self->p, 0, NR_UNITS);
	EXPECT_OK(ioctl(uffd, UFFDIO_UNREGISTER, &reg.range));
	EXPECT_DATA(self->p, 0, NR_UNITS);
	close(uffd);
}

TEST_F(folio, userfaultfd_unregister)
{
	struct uffdio_api api = {
		.api = UFFD_API, .features = UFFD_FEATURE_WP_ASYNC,
	};
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)self->p, .len = GB },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	ASSERT_LE(0, uffd);
	ASSERT_OK(ioctl(uffd, UFFDIO_API, &api));
	if (!ioctl(uffd, UFFDIO_REGISTER, &reg))
		EXPECT_OK(ioctl(uffd, UFFDIO_UNREGISTER, &reg.range));
	EXPECT_EQ(PUD_SHIFT, shift_of(self->fd, self->p));
	close(uffd);
}

/* --- what only looks must not split --- */

#define EXPECT_LEFT_ALONE()						\
	do {								\
		EXPECT_EQ(PUD_SHIFT, shift_of(self->fd, self->p));	\
		EXPECT_EQ(1, stat_of(self->fd).refs);			\
		EXPECT_EQ(1, stat_of(self->fd).mapcount);		\
	} while (0)

TEST_F(folio, look_smaps)
{
	EXPECT_EQ(GB / KB, vm_smaps_kb(self->p, "Rss"));
	EXPECT_EQ(GB / KB, vm_smaps_kb(self->p, "Pss"));
	EXPECT_LE(GB / KB, vm_rollup_kb("Rss"));
	EXPECT_LEFT_ALONE();
}

TEST_F(folio, look_pagemap)
{
	EXPECT_EQ(GB / PAGE, vm_contiguous_pages(self->p, GB));
	EXPECT_LEFT_ALONE();
}

TEST_F(folio, look_pagemap_scan)
{
	struct vm_scan s = vm_scan(self->p, GB, 0, PAGE_IS_PRESENT, 0);

	EXPECT_EQ(1, s.ret);
	EXPECT_EQ(GB / PAGE, s.pages);
	EXPECT_LEFT_ALONE();
}

TEST_F(folio, look_numa_maps)
{
	EXPECT_EQ(GB / PAGE, vm_numa_maps(self->p, "N0") +
			     vm_numa_maps(self->p, "N1"));
	EXPECT_LEFT_ALONE();
}

TEST_F(folio, look_clear_refs)
{
	EXPECT_OK(vm_clear_refs(1));
	EXPECT_EQ(0, vm_smaps_kb(self->p, "Referenced"));
	EXPECT_OK(vm_clear_refs(4));
	EXPECT_OK(touch_write(self->p, self->p[0]));
	EXPECT_LEFT_ALONE();
	EXPECT_DATA(self->p, 0, NR_UNITS);
}

TEST_F(folio, look_mincore)
{
	static unsigned char vec[GB / PAGE];
	unsigned long missing = 0;

	EXPECT_OK(mincore(self->p, GB, vec));
	for (unsigned long i = 0; i < GB / PAGE; i++)
		missing += !(vec[i] & 1);
	EXPECT_EQ(0, missing);
	EXPECT_LEFT_ALONE();
}

TEST_F(folio, look_mbind)
{
	unsigned long all = 3;

	/* There is nothing on other nodes, because there are none. */
	EXPECT_OK(mbind(self->p, GB, MPOL_BIND, &all, 8, MPOL_MF_STRICT));
	EXPECT_LEFT_ALONE();
}

TEST_F(folio, look_madvise)
{
	EXPECT_OK(madvise(self->p, GB, MADV_COLD));
	EXPECT_OK(madvise(self->p + PAGE, UNIT, MADV_COLD));
	EXPECT_OK(madvise(self->p + PAGE, UNIT, MADV_PAGEOUT));
	EXPECT_LEFT_ALONE();
}

TEST_HARNESS_MAIN
