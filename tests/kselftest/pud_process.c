// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=pud timeout=900
 *
 * A gigabyte mapped by one entry in the life of processes: fork, ptrace, futexes,
 * a core dump, exit, an OOM kill, and what else asks the kernel for something
 * about a mapping: userfaultfd, clear_refs, KSM, collapsing.
 */
#include <elf.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "hp_test.h"
#include "pud.h"

/* Newer than the C library's headers. */
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC	(1 << 15)
#endif

FIXTURE(proc) {
	struct hp_env env;
	int fd;
	unsigned char *p;	/* all of it, stamped */
	char core[128];		/* core_pattern as it was */
};

FIXTURE_VARIANT(proc) {
	const struct backing *b;
};

FIXTURE_VARIANT_ADD(proc, pool_1g) { &pool_1g };
FIXTURE_VARIANT_ADD(proc, pool_1g_2m) { &pool_1g_2m };
FIXTURE_VARIANT_ADD(proc, pool_2m) { &pool_2m };
FIXTURE_VARIANT_ADD(proc, tmpfs) { &tmpfs_thp };
FIXTURE_VARIANT_ADD(proc, hugetlb) { &hugetlb_1g };

#define CORE_PATTERN	"/proc/sys/kernel/core_pattern"

FIXTURE_SETUP(proc)
{
	HP_SETUP(NULL);
	ASSERT_OK(rd_file(CORE_PATTERN, self->core, sizeof(self->core)));
	ASSERT_OK(backing_mount(&self->env, variant->b));
	self->fd = hp_open_sized(&self->env, "f", GB);
	ASSERT_LE(0, self->fd);
	self->p = mmap(NULL, GB, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	stamp(self->p, 0, GB_PAGES, 1);
}

FIXTURE_TEARDOWN_PARENT(proc)
{
	EXPECT_OK(wr_file(CORE_PATTERN, self->core));
	EXPECT_ENDED(&self->env);
}

#define EXPECT_AS_BEFORE(gen)						\
	do {								\
		EXPECT_STAMPS(self->p, 0, GB_PAGES, gen);		\
		EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);		\
		if (variant->b->pool)					\
			EXPECT_EQ(GB, pool_held(CG));			\
	} while (0)

struct job {
	const struct backing *b;
	const struct hp_env *env;
	unsigned char *p;
	int fd;
};

#define JOB { variant->b, &self->env, self->p, self->fd }

/* --- fork and exit --- */

static int child_uses_it(void *arg)
{
	struct job *j = arg;

	if (stamp_wrong(j->p, 0, GB_PAGES, 1))
		return 1;
	if (mapped_wrong(j->b, j->p, GB, GB, 0))
		return 2;
	stamp(j->p, 0, GB_PAGES, 2);
	/* The parent's entry is no business of ours. */
	return munmap(j->p, GB) ? 3 : 0;
}

TEST_F(proc, fork)
{
	struct job j = JOB;

	EXPECT_EQ(0, hp_run(NULL, child_uses_it, &j));
	EXPECT_AS_BEFORE(2);
}

static int child_splits_it(void *arg)
{
	struct job *j = arg;

	if (mprotect(j->p + GB / 2, PAGE, PROT_READ))
		return 1;
	if (stamp_wrong(j->p, 0, GB_PAGES, 1))
		return 2;
	if (touch_write(j->p + GB / 2, 1) != SIGSEGV)
		return 3;
	return 0;
}

TEST_F(proc, fork_and_split_in_the_child)
{
	struct job j = JOB;

	if (variant->b == &hugetlb_1g)
		return;		/* nothing below a page of its own */
	EXPECT_EQ(0, hp_run(NULL, child_splits_it, &j));
	EXPECT_OK(touch_write(self->p + GB / 2, self->p[GB / 2]));
	EXPECT_AS_BEFORE(1);
}

/* Children of children, each with the mapping, gone in any order. */
static int child_forks(void *arg)
{
	struct job *j = arg;

	for (int i = 0; i < 4; i++) {
		if (fork() < 0)
			return 1;
		if (touch_read(j->p + i * GB / 4))
			return 2;
	}
	return stamp_wrong(j->p, 0, 1024, 1) ? 3 : 0;
}

TEST_F(proc, fork_of_forks)
{
	struct job j = JOB;

	EXPECT_EQ(0, hp_run(NULL, child_forks, &j));
	EXPECT_AS_BEFORE(1);
}

static int child_is_killed(void *arg)
{
	struct job *j = arg;

	touch_read(j->p);
	raise(SIGKILL);
	return 1;
}

TEST_F(proc, killed)
{
	struct job j = JOB;

	EXPECT_EQ(128 + SIGKILL, hp_run(NULL, child_is_killed, &j));
	EXPECT_AS_BEFORE(1);
}

/* The last process with a descriptor or mapping of it: all goes back. */
static int child_holds_a_file(void *arg)
{
	struct job *j = arg;
	unsigned char *q;
	int fd;

	munmap(j->p, GB);
	if (ftruncate(j->fd, 0))
		return 1;
	fd = hp_open_sized(j->env, "g", GB);
	q = mmap(NULL, GB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || q == MAP_FAILED)
		return 2;
	close(fd);
	stamp(q, 0, GB_PAGES, 3);
	return mapped_wrong(j->b, q, GB, GB, 0) ? 3 : 0;
}

TEST_F(proc, exit_with_an_unlinked_file)
{
	struct job j = JOB;
	char path[128];

	EXPECT_EQ(0, hp_run(NULL, child_holds_a_file, &j));
	snprintf(path, sizeof(path), "%s/g", self->env.dir);
	ASSERT_OK(unlink(path));
	if (variant->b->pool)
		EXPECT_TRUE(eventually(pool_held(CG) == 0, 10));
}

/* --- the OOM killer --- */

static int child_runs_out(void *arg)
{
	struct job *j = arg;
	size_t len = 512 * MB;
	char *q;

	if (stamp_wrong(j->p, 0, GB_PAGES, 1))
		return 1;
	stamp(j->p, 0, GB_PAGES, 2);
	q = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(q, 1, len);
	return 2;
}

TEST_F(proc, oom_kill)
{
	struct job j = JOB;
	struct cg poor;

	ASSERT_OK(cg_make(&poor, &self->env.top, "poor"));
	ASSERT_OK(cg_write(&poor, "memory.max", "32M"));
	EXPECT_EQ(128 + SIGKILL, hp_run(&poor, child_runs_out, &j));
	EXPECT_EQ(1, cg_key(&poor, "memory.events", "oom_kill"));
	EXPECT_EQ(0, cg_key(CG, "memory.events", "oom_kill"));
	EXPECT_AS_BEFORE(2);
}

/* --- ptrace --- */

static pid_t stopped_child(unsigned char *p)
{
	pid_t pid = hp_fork();
	int status;

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(stamp_wrong(p, 2, 1, 7) ? 1 : 0);
	}
	if (pid > 0 && (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)))
		return -1;
	return pid;
}

TEST_F(proc, ptrace)
{
	pid_t pid = stopped_child(self->p + 2 * PAGE);
	uint64_t *word;

	ASSERT_LT(0, pid);
	for (size_t page = 5; page < GB_PAGES; page += GB_PAGES / 7) {
		word = (uint64_t *)(self->p + page * PAGE + page % 512 * 8);
		errno = 0;
		EXPECT_EQ(stamp_of(page, 1), ptrace(PTRACE_PEEKDATA, pid, word, NULL));
		EXPECT_EQ(0, errno);
	}
	/* Its word of page 2, which the child looks for. */
	EXPECT_EQ(0, ptrace(PTRACE_POKEDATA, pid, self->p + 2 * PAGE + 16,
			    stamp_of(2, 7)));
	EXPECT_EQ(stamp_of(2, 7), *(uint64_t *)(self->p + 2 * PAGE + 16));
	EXPECT_EQ(0, ptrace(PTRACE_CONT, pid, NULL, NULL));
	EXPECT_EQ(0, hp_wait(pid));
	*(uint64_t *)(self->p + 2 * PAGE + 16) = stamp_of(2, 1);
	EXPECT_AS_BEFORE(1);
}

/* Nobody writes through a shared mapping that is read-only, by force neither. */
TEST_F(proc, ptrace_of_a_read_only_mapping)
{
	pid_t pid;

	ASSERT_OK(mprotect(self->p, GB, PROT_READ));
	pid = stopped_child(self->p);
	ASSERT_LT(0, pid);
	EXPECT_ERRNO(EIO, ptrace(PTRACE_POKEDATA, pid, self->p, 99L));
	EXPECT_EQ(stamp_of(0, 1), ptrace(PTRACE_PEEKDATA, pid, self->p, NULL));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, hp_wait(pid));
	EXPECT_AS_BEFORE(1);
}

/* --- futexes --- */

static long futex(void *at, int op, uint32_t val, struct timespec *timeout)
{
	return syscall(SYS_futex, at, op, val, timeout, NULL, 0);
}

/* Waits on two words of one block through a mapping of its own. */
static int child_waits(void *arg)
{
	struct timespec limit = { .tv_sec = 60 };
	struct job *j = arg;
	uint32_t *word;
	unsigned char *q;

	munmap(j->p, GB);
	q = mmap(NULL, GB, PROT_READ | PROT_WRITE, MAP_SHARED, j->fd, 0);
	if (q == MAP_FAILED)
		return 1;
	word = (uint32_t *)(q + GB / 2 + 4 * PAGE);
	*(uint32_t *)(q + PAGE + 2048) = 1;	/* here I am */
	while (*(volatile uint32_t *)word == 0)
		if (futex(word, FUTEX_WAIT, 0, &limit) && errno == ETIMEDOUT)
			return 2;
	return 0;
}

TEST_F(proc, futex_between_processes)
{
	struct job j = JOB;
	volatile uint32_t *here = (uint32_t *)(self->p + PAGE + 2048);
	uint32_t *word = (uint32_t *)(self->p + GB / 2 + 4 * PAGE);
	uint64_t was = *(uint64_t *)word, was_here = *(uint64_t *)here;
	pid_t pid;

	*word = 0;
	*here = 0;
	pid = hp_fork();
	if (!pid)
		_exit(child_waits(&j));
	ASSERT_LT(0, pid);
	ASSERT_TRUE(eventually(*here == 1, 30));
	usleep(200000);
	/* A neighbour in the same block is not what it waits for. */
	EXPECT_EQ(0, futex(self->p + 4 * PAGE, FUTEX_WAKE, 10, NULL));
	EXPECT_EQ(0, futex(word + 1024, FUTEX_WAKE, 10, NULL));
	*word = 1;
	EXPECT_EQ(1, futex(word, FUTEX_WAKE, 10, NULL));
	EXPECT_EQ(0, hp_wait(pid));
	*(uint64_t *)word = was;
	*(uint64_t *)here = was_here;
	EXPECT_AS_BEFORE(1);
}

/* --- core dump --- */

#define CORE_MAX	(48UL << 20)

static int child_dumps(void *arg)
{
	struct rlimit max = { CORE_MAX, CORE_MAX };
	struct job *j = arg;

	touch_read(j->p);
	/* Shared mappings of files and of hugetlb, besides what is by default. */
	if (setrlimit(RLIMIT_CORE, &max) ||
	    wr_file("/proc/self/coredump_filter", "0x7b"))
		return 1;
	raise(SIGABRT);
	return 2;
}

/* Where the segment that begins at @addr lies in a core file; 0: nowhere. */
static off_t find_segment(int core, const void *addr)
{
	Elf64_Ehdr head;
	Elf64_Phdr seg;

	if (pread(core, &head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG))
		return 0;
	for (int i = 0; i < head.e_phnum; i++) {
		if (pread(core, &seg, sizeof(seg), head.e_phoff + i * sizeof(seg)) !=
		    sizeof(seg))
			return 0;
		if (seg.p_type == PT_LOAD && seg.p_vaddr == (unsigned long)addr)
			return seg.p_filesz == GB ? seg.p_offset : 0;
	}
	return 0;
}

TEST_F(proc, core_dump)
{
	struct job j = JOB;
	uint64_t seen;
	size_t page;
	off_t at;
	int core;

	/* Of a gigabyte, what the limit lets through. */
	ASSERT_OK(wr_file(CORE_PATTERN, "core"));
	EXPECT_EQ(128 + SIGABRT, hp_run(NULL, child_dumps, &j));
	core = open("core", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, core);
	at = find_segment(core, self->p);
	EXPECT_LT(0, at);
	for (page = 0; at > 0; page++) {
		if (pread(core, &seen, 8, at + page * PAGE + page % 512 * 8) != 8)
			break;
		if (seen == stamp_of(page, 1))
			continue;
		EXPECT_EQ(stamp_of(page, 1), seen)
			TH_LOG("page %zu", page);
		break;
	}
	EXPECT_LT(1024, page);
	close(core);
	EXPECT_OK(unlink("core"));
	EXPECT_AS_BEFORE(1);
}

/* --- others with an interest in page tables --- */

TEST_F(proc, userfaultfd_is_refused)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .range = { (unsigned long)self->p, GB } };
	static const unsigned int modes[] = {
		UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP,
		UFFDIO_REGISTER_MODE_MINOR,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (!variant->b->pool)
		return;		/* they can */
	ASSERT_LE(0, fd);
	ASSERT_OK(ioctl(fd, UFFDIO_API, &api));
	for (int i = 0; i < ARRAY_SIZE(modes); i++) {
		reg.mode = modes[i];
		EXPECT_ERRNO(EINVAL, ioctl(fd, UFFDIO_REGISTER, &reg));
	}
	close(fd);
	EXPECT_AS_BEFORE(1);
}

/*
 * Whoever only tracks writes may register any memory. Holes of such a mapping are
 * not filled with ordinary pages all the same.
 */
TEST_F(proc, userfaultfd_fills_no_hole)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_WP_ASYNC };
	struct uffdio_register reg = {
		.range = { (unsigned long)self->p, GB }, .mode = UFFDIO_REGISTER_MODE_WP,
	};
	struct uffdio_zeropage zero = { .range = { (unsigned long)self->p, PAGE } };
	struct uffdio_continue cont = { .range = { (unsigned long)self->p, PAGE } };
	struct uffdio_copy copy = { .dst = (unsigned long)self->p, .len = PAGE };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (!variant->b->pool)
		return;		/* theirs are */
	copy.src = (unsigned long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_LE(0, fd);
	ASSERT_OK(ioctl(fd, UFFDIO_API, &api));
	ASSERT_OK(ioctl(fd, UFFDIO_REGISTER, &reg));
	ASSERT_OK(fallocate(self->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, GB));
	EXPECT_ERRNO(EINVAL, ioctl(fd, UFFDIO_COPY, &copy));
	EXPECT_ERRNO(EINVAL, ioctl(fd, UFFDIO_ZEROPAGE, &zero));
	EXPECT_ERRNO(EINVAL, ioctl(fd, UFFDIO_CONTINUE, &cont));
	EXPECT_EQ(0, file_blocks(self->fd));
	EXPECT_OK(touch_write(self->p, 1));
	EXPECT_EQ((long long)variant->b->block, pool_held(&self->env.cg));
	close(fd);
}

/* New memory is soft-dirty, where there is such a bit. */
static bool has_soft_dirty(void)
{
	unsigned char *q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return !touch_write(q, 1) && vm_pme(q) & PME_SOFT_DIRTY && !vm_clear_refs(4);
}

TEST_F(proc, soft_dirty)
{
	static const size_t written[] = { 0, 511, 512, GB_PAGES / 2 + 3, GB_PAGES - 1 };
	size_t page;

	if (!has_soft_dirty())
		SKIP(return, "no soft-dirty bits");
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < ARRAY_SIZE(written); i++) {
			page = written[i];
			stamp(self->p + page * PAGE, page, 1, 1);
			/* hugetlb has none: its pages are always dirty. */
			if (variant->b != &hugetlb_1g)
				EXPECT_TRUE(vm_pme(self->p + page * PAGE) & PME_SOFT_DIRTY)
					TH_LOG("round %d, page %zu", round, page);
		}
		EXPECT_STAMPS(self->p, 0, GB_PAGES, 1);
		ASSERT_OK(vm_clear_refs(4));
	}
	/* Referenced bits, and the peak of the resident set. */
	for (int what = 1; what <= 5; what++) {
		EXPECT_OK(vm_clear_refs(what));
		EXPECT_STAMPS(self->p, 0, GB_PAGES, 1);
	}
	/* However that has been done: mapped anew, it is one entry again. */
	ASSERT_OK(munmap(self->p, GB));
	self->p = mmap(NULL, GB, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	EXPECT_AS_BEFORE(1);
}

/* A mapping at a new place counts as changed, by whatever entries. */
TEST_F(proc, soft_dirty_when_moved)
{
	unsigned char *to = reserve_place(GB);

	if (!has_soft_dirty())
		SKIP(return, "no soft-dirty bits");
	/* hugetlb does not mark what it moves. */
	if (variant->b == &hugetlb_1g)
		return;
	EXPECT_EQ(0, vm_pages_with(self->p, GB, PME_SOFT_DIRTY));
	ASSERT_EQ(to, mremap(self->p, GB, GB, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	self->p = to;
	EXPECT_STAMPS(self->p, 0, GB_PAGES, 1);
	EXPECT_EQ(GB_PAGES, vm_pages_with(self->p, GB, PME_SOFT_DIRTY));
}

static void ksm_scans(void)
{
	long long scans = rd_num("/sys/kernel/mm/ksm/full_scans");

	wr_file("/sys/kernel/mm/ksm/pages_to_scan", "10000");
	wr_file("/sys/kernel/mm/ksm/run", "1");
	eventually(rd_num("/sys/kernel/mm/ksm/full_scans") >= scans + 2, 10);
	wr_file("/sys/kernel/mm/ksm/run", "2");
	wr_file("/sys/kernel/mm/ksm/run", "0");
	wr_file("/sys/kernel/mm/ksm/pages_to_scan", "100");
}

TEST_F(proc, ksm_leaves_it)
{
	/* Shared mappings are not its business; that is no error. */
	EXPECT_OK(madvise(self->p, GB, MADV_MERGEABLE));
	EXPECT_OK(madvise(self->p + GB / 2 + PAGE, UNIT, MADV_MERGEABLE));
	ksm_scans();
	EXPECT_AS_BEFORE(1);
	EXPECT_OK(madvise(self->p, GB, MADV_UNMERGEABLE));
	EXPECT_AS_BEFORE(1);
}

TEST_F(proc, collapse_leaves_it)
{
	unsigned long pfn = pfn_of(self->p);

	if (variant->b == &hugetlb_1g)
		return;
	madvise(self->p, 8 * UNIT, MADV_COLLAPSE);
	madvise(self->p + GB / 2, UNIT, MADV_COLLAPSE);
	EXPECT_AS_BEFORE(1);
	if (variant->b->pool)
		EXPECT_EQ(pfn, pfn_of(self->p));
}

TEST_F(proc, cold_and_pageout_leave_it)
{
	if (variant->b == &hugetlb_1g || variant->b == &tmpfs_thp)
		return;
	EXPECT_OK(madvise(self->p, GB, MADV_COLD));
	EXPECT_OK(madvise(self->p + GB / 2, 3 * PAGE, MADV_COLD));
	EXPECT_OK(madvise(self->p, GB, MADV_PAGEOUT));
	EXPECT_OK(madvise(self->p + GB / 4, UNIT, MADV_PAGEOUT));
	EXPECT_EQ(GB, file_blocks(self->fd));
	/* They may have unmapped it. */
	EXPECT_STAMPS(self->p, 0, GB_PAGES, 1);
	EXPECT_EQ(GB, pool_held(CG));
}

TEST_HARNESS_MAIN
