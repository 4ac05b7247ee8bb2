// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=pud timeout=900
 *
 * A gigabyte of a file comes into a mapping: by reading, by writing, ahead of
 * use, and under the hands of everything that takes references on its pages:
 * direct I/O, registered buffers, vmsplice, process_vm_*. One body for 1 GB and
 * 2 MB blocks, and for hugetlbfs and tmpfs, which must agree on contents.
 */
#include <liburing.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "hp_test.h"
#include "pud.h"
#include "../../../mm/gup_test.h"

#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

FIXTURE(map) {
	struct hp_env env;
	int fd;
	unsigned char *p;	/* all of it, nothing touched */
};

FIXTURE_VARIANT(map) {
	const struct backing *b;
};

FIXTURE_VARIANT_ADD(map, pool_1g) { &pool_1g };
FIXTURE_VARIANT_ADD(map, pool_1g_2m) { &pool_1g_2m };
FIXTURE_VARIANT_ADD(map, pool_2m) { &pool_2m };
FIXTURE_VARIANT_ADD(map, tmpfs) { &tmpfs_thp };
FIXTURE_VARIANT_ADD(map, hugetlb) { &hugetlb_1g };

static void *map_shared(int fd, int prot, int flags)
{
	return mmap(NULL, GB, prot, MAP_SHARED | flags, fd, 0);
}

FIXTURE_SETUP(map)
{
	HP_SETUP(NULL);
	ASSERT_OK(backing_mount(&self->env, variant->b));
	self->fd = hp_open_sized(&self->env, "f", GB);
	ASSERT_LE(0, self->fd);
	self->p = map_shared(self->fd, PROT_READ | PROT_WRITE, 0);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN_PARENT(map)
{
	EXPECT_ENDED(&self->env);
}

/* Mapped whole, charged once, as the backing does it. */
#define EXPECT_WHOLE(p)							\
	do {								\
		EXPECT_MAPPED(variant->b, p, GB, GB, 0);		\
		if (variant->b->pool) {					\
			EXPECT_EQ(GB, smaps_field(p, "Rss"));		\
			EXPECT_EQ(GB, smaps_field(p, "HugePool"));	\
			EXPECT_EQ(GB, pool_held(CG));			\
			EXPECT_EQ(variant->b->block == GB ? GB : 0,	\
				  cg_hp(CG, "current", "1GB"));		\
		}							\
	} while (0)

/* --- faults --- */

TEST_F(map, read_fault)
{
	long long tables = vm_pte();

	EXPECT_OK(touch_read(self->p + 123456789));
	EXPECT_EQ(0, self->p[123456789]);
	if (variant->b->block == GB) {
		EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
		/* No table below the entry, and none set aside for later. */
		EXPECT_EQ(tables, vm_pte());
	}
	EXPECT_STAMPS(self->p, 0, GB_PAGES, 0);
	EXPECT_WHOLE(self->p);
	/* Then written: the same block, now dirty. */
	stamp(self->p, 0, GB_PAGES, 1);
	EXPECT_STAMPS_FD(self->fd, 0, GB_PAGES, 1);
	EXPECT_WHOLE(self->p);
}

TEST_F(map, write_fault)
{
	long faults = minor_faults();

	/* Not the word of the last page that is stamped. */
	EXPECT_OK(touch_write(self->p + GB - PAGE, 0x77));
	stamp(self->p, 0, GB_PAGES, 1);
	/* One, and what else this program may have touched for the first time. */
	if (variant->b->block == GB)
		EXPECT_GE(faults + 20, minor_faults());
	EXPECT_WHOLE(self->p);
	EXPECT_EQ(0x77, self->p[GB - PAGE]);
	EXPECT_STAMPS_FD(self->fd, 0, GB_PAGES, 1);
}

TEST_F(map, read_only_mapping)
{
	unsigned char *q = map_shared(self->fd, PROT_READ, 0);

	ASSERT_NE(MAP_FAILED, q);
	EXPECT_STAMPS(q, 0, GB_PAGES, 0);
	EXPECT_MAPPED(variant->b, q, GB, GB, 0);
	EXPECT_EQ(SIGSEGV, touch_write(q + 5, 1));
	/* What is written elsewhere shows. */
	stamp(self->p, 0, GB_PAGES, 2);
	EXPECT_STAMPS(q, 0, GB_PAGES, 2);
	ASSERT_OK(mprotect(q, GB, PROT_READ | PROT_WRITE));
	stamp(q, 0, GB_PAGES, 3);
	EXPECT_STAMPS(self->p, 0, GB_PAGES, 3);
	EXPECT_MAPPED(variant->b, q, GB, GB, 0);
	EXPECT_WHOLE(self->p);
}

TEST_F(map, ahead_of_use)
{
	static const struct {
		int flags, advice;
		bool write;
	} ways[] = {
		{ MAP_POPULATE, 0 },
		{ 0, MADV_POPULATE_READ },
		{ 0, MADV_POPULATE_WRITE, true },
	};
	unsigned char *q;
	long faults;

	for (int i = 0; i < ARRAY_SIZE(ways); i++) {
		q = map_shared(self->fd, PROT_READ | PROT_WRITE, ways[i].flags);
		ASSERT_NE(MAP_FAILED, q);
		if (ways[i].advice)
			ASSERT_OK(madvise(q, GB, ways[i].advice));
		EXPECT_MAPPED(variant->b, q, GB, GB, 0);
		faults = minor_faults();
		if (ways[i].write || ways[i].flags)
			stamp(q, 0, GB_PAGES, i + 1);
		else
			EXPECT_TRUE(touch_range(q, GB));
		/* NUMA balancing asks where ordinary memory is used from. */
		if (variant->b->block)
			EXPECT_GE(faults + 20, minor_faults());
		ASSERT_OK(munmap(q, GB));
	}
	EXPECT_STAMPS_FD(self->fd, 0, GB_PAGES, ARRAY_SIZE(ways));
}

TEST_F(map, populating_a_part)
{
	ASSERT_OK(madvise(self->p + GB / 2, UNIT, MADV_POPULATE_WRITE));
	/* With a large block that is all of it. */
	if (variant->b->block == GB)
		EXPECT_WHOLE(self->p);
	stamp(self->p, 0, GB_PAGES, 1);
	EXPECT_STAMPS_FD(self->fd, 0, GB_PAGES, 1);
	EXPECT_WHOLE(self->p);
}

/* The second of two mappings finds the block there. */
TEST_F(map, twice)
{
	unsigned char *q = map_shared(self->fd, PROT_READ | PROT_WRITE, 0);

	ASSERT_NE(MAP_FAILED, q);
	stamp(self->p, 0, GB_PAGES, 1);
	EXPECT_STAMPS(q, 0, GB_PAGES, 1);
	EXPECT_WHOLE(self->p);
	EXPECT_WHOLE(q);
	ASSERT_OK(munmap(self->p, GB));
	stamp(q, 0, GB_PAGES, 2);
	EXPECT_WHOLE(q);
	EXPECT_STAMPS_FD(self->fd, 0, GB_PAGES, 2);
}

/* What lies behind the end is not there, though the block is. */
TEST_F(map, behind_the_end)
{
	off_t size = 10 * UNIT + 5000;

	if (variant->b == &hugetlb_1g)
		return;		/* its files end with a page */
	ASSERT_OK(ftruncate(self->fd, size));
	EXPECT_OK(touch_write(self->p + size, 1));
	EXPECT_EQ(SIGBUS, touch_read(self->p + 11 * UNIT));
	EXPECT_EQ(SIGBUS, touch_write(self->p + GB - 1, 1));
	EXPECT_EQ(0, smaps_field(self->p, "PudMapped"));
	/* Grown, the rest reads as zero. */
	ASSERT_OK(ftruncate(self->fd, GB));
	EXPECT_PAGES(self->p, 10 * 512 + 2, GB_PAGES - 10 * 512 - 2, 0);
}

TEST_F(map, private_copies_pages)
{
	unsigned char *q;
	long long held;

	if (variant->b == &hugetlb_1g)
		return;		/* would copy a whole page of its own */
	stamp(self->p, 0, GB_PAGES, 1);
	held = pool_held(CG);
	q = mmap(NULL, GB, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_STAMPS(q, 0, 4 * 512, 1);
	ASSERT_OK(touch_write(q + GB / 2, 0x99));
	EXPECT_EQ(0x99, q[GB / 2]);
	EXPECT_PAGES(q, GB_PAGES / 2 + 1, 512, 1);
	EXPECT_EQ(0, smaps_field(q, "PudMapped"));
	EXPECT_GE(UNIT, smaps_field(q, "Anonymous"));
	EXPECT_STAMPS(self->p, 0, GB_PAGES, 1);
	EXPECT_EQ(held, pool_held(CG));
	EXPECT_WHOLE(self->p);
}

/* --- I/O on its pages --- */

#define DISK	(64 * MB)

TEST_F(map, direct_io)
{
	int fd = direct_disk(DISK);

	ASSERT_LE(0, fd);
	stamp(self->p, 0, GB_PAGES, 1);
	/* Out of the middle, not aligned to a unit, and back elsewhere. */
	ASSERT_EQ(DISK, pwrite(fd, self->p + GB / 2 + 512 * 3, DISK, 0));
	ASSERT_EQ(DISK, pread(fd, self->p + 512 * 3, DISK, 0));
	EXPECT_EQ(0, memcmp(self->p + 512 * 3, self->p + GB / 2 + 512 * 3, DISK));
	EXPECT_PAGES(self->p, DISK / PAGE + 2, GB_PAGES - DISK / PAGE - 2, 1);
	EXPECT_WHOLE(self->p);
	/* Into a mapping that nobody has touched, up to its last byte. */
	ASSERT_OK(munmap(self->p, GB));
	self->p = map_shared(self->fd, PROT_READ | PROT_WRITE, 0);
	ASSERT_EQ(2 * UNIT, pread(fd, self->p + GB - 2 * UNIT, 2 * UNIT, 0));
	EXPECT_EQ(0, memcmp(self->p + GB - 2 * UNIT, self->p + 512 * 3, 2 * UNIT));
	EXPECT_PAGES(self->p, GB_PAGES / 2, GB_PAGES / 4, 1);
	close(fd);
}

static void ring_copy(struct __test_metadata *_metadata, struct io_uring *ring,
		      int out, unsigned char *from, size_t len, off_t to)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;

	io_uring_prep_write_fixed(sqe, out, from, len, to, 0);
	ASSERT_EQ(1, io_uring_submit_and_wait(ring, 1));
	ASSERT_EQ(0, io_uring_wait_cqe(ring, &cqe));
	EXPECT_EQ(len, cqe->res);
	io_uring_cqe_seen(ring, cqe);
}

TEST_F(map, registered_with_io_uring)
{
	struct iovec iov = { self->p, GB };
	int out = memfd_create("out", 0);
	struct io_uring ring;
	unsigned char *q;

	/* Pins for long, all of it, and faults it in on the way. */
	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	ASSERT_EQ(0, io_uring_register_buffers(&ring, &iov, 1));
	EXPECT_WHOLE(self->p);
	stamp(self->p, 0, GB_PAGES, 1);
	ring_copy(_metadata, &ring, out, self->p + GB / 2 - UNIT, 2 * UNIT, 0);
	ring_copy(_metadata, &ring, out, self->p + GB - UNIT, UNIT, 2 * UNIT);
	q = mmap(NULL, 3 * UNIT, PROT_READ, MAP_SHARED, out, 0);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_STAMPS(q, GB_PAGES / 2 - 512, 1024, 1);
	EXPECT_STAMPS(q + 2 * UNIT, GB_PAGES - 512, 512, 1);
	/* The pin outlives the mapping; what is stored later is seen. */
	stamp(self->p, 0, 1024, 2);
	ASSERT_OK(munmap(self->p, GB));
	self->p = mmap(self->p, GB, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED_NOREPLACE, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	ring_copy(_metadata, &ring, out, self->p, UNIT, 0);
	EXPECT_STAMPS(q, 0, 512, 2);
	EXPECT_STAMPS(self->p, 0, 1024, 2);
	EXPECT_PAGES(self->p, 1024, GB_PAGES - 1024, 1);
	EXPECT_WHOLE(self->p);
	ASSERT_EQ(0, io_uring_unregister_buffers(&ring));
	io_uring_queue_exit(&ring);
}

TEST_F(map, vmsplice)
{
	struct iovec iov = { self->p + GB / 2, 8 * PAGE };
	static unsigned char buf[8 * PAGE];
	int p[2];

	ASSERT_OK(pipe(p));
	stamp(self->p, 0, GB_PAGES, 1);
	ASSERT_EQ(8 * PAGE, vmsplice(p[1], &iov, 1, 0));
	/* The pipe's reference outlives the mapping. */
	ASSERT_OK(munmap(self->p, GB));
	ASSERT_EQ(8 * PAGE, read(p[0], buf, sizeof(buf)));
	EXPECT_STAMPS(buf, GB_PAGES / 2, 8, 1);
}

TEST_F(map, process_vm_both_ways)
{
	static unsigned char buf[2 * UNIT + 100];
	struct iovec local = { buf, sizeof(buf) };
	struct iovec remote = { self->p + GB / 2 - UNIT, sizeof(buf) };

	stamp(self->p, 0, GB_PAGES, 1);
	ASSERT_EQ(sizeof(buf), process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	EXPECT_STAMPS(buf, GB_PAGES / 2 - 512, 1024, 1);
	stamp(buf, 0, 1024, 2);
	remote.iov_base = self->p;
	local.iov_len = remote.iov_len = 1024 * PAGE;
	ASSERT_EQ(1024 * PAGE, process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
	EXPECT_PAGES(self->p, 1024, GB_PAGES - 1024, 1);
	EXPECT_EQ(stamp_of(0, 2), *(uint64_t *)self->p);
	EXPECT_WHOLE(self->p);
}

/* --- get_user_pages by itself, of every kind --- */

static int gup(int fd, unsigned long cmd, unsigned char *p, size_t len,
	       unsigned int flags, unsigned int per_call)
{
	struct gup_test t = {
		.addr = (unsigned long)p, .size = len, .gup_flags = flags,
		.nr_pages_per_call = per_call,
	};

	if (ioctl(fd, cmd, &t))
		return -errno;
	return t.size == len ? 0 : -EIO;
}

#define WRITE	1U	/* FOLL_WRITE */

TEST_F(map, every_kind_of_gup)
{
	static const unsigned long cmds[] = {
		GUP_FAST_BENCHMARK, PIN_FAST_BENCHMARK, PIN_LONGTERM_BENCHMARK,
		GUP_BASIC_TEST, PIN_BASIC_TEST,
	};
	int fd = open("/sys/kernel/debug/gup_test", O_RDWR | O_CLOEXEC);
	unsigned char *q;

	if (fd < 0)
		SKIP(return, "no /sys/kernel/debug/gup_test");
	for (int i = 0; i < ARRAY_SIZE(cmds); i++) {
		/* A fresh mapping each: the first to come must also fault. */
		q = map_shared(self->fd, PROT_READ | PROT_WRITE, 0);
		ASSERT_NE(MAP_FAILED, q);
		EXPECT_OK(gup(fd, cmds[i], q + PAGE, 4 * UNIT, 0, 512))
			TH_LOG("read, %d", i);
		EXPECT_OK(gup(fd, cmds[i], q + GB / 2 - PAGE, 4 * UNIT, WRITE, 1024))
			TH_LOG("write, %d", i);
		EXPECT_OK(gup(fd, cmds[i], q + GB - 16 * UNIT, 16 * UNIT, WRITE, 4096))
			TH_LOG("to the end, %d", i);
		if (variant->b->block == GB)
			EXPECT_MAPPED(variant->b, q, GB, GB, 0);
		ASSERT_OK(munmap(q, GB));
	}
	/* Of a private mapping: reading for long unshares what it takes. */
	if (variant->b != &hugetlb_1g) {
		q = mmap(NULL, GB, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd, 0);
		ASSERT_NE(MAP_FAILED, q);
		for (int i = 0; i < ARRAY_SIZE(cmds); i++) {
			EXPECT_OK(gup(fd, cmds[i], q + UNIT - PAGE, 4 * PAGE, 0, 4))
				TH_LOG("private, read, %d", i);
		}
		EXPECT_OK(gup(fd, PIN_LONGTERM_BENCHMARK, q, 4 * PAGE, WRITE, 4));
	}
	close(fd);
}

/* What is pinned stays what it was, though the file has let it go. */
TEST_F(map, pinned_for_long_and_truncated)
{
	struct pin_longterm_test pin = {
		.addr = (unsigned long)self->p + GB / 2, .size = 4 * UNIT,
		.flags = PIN_LONGTERM_TEST_FLAG_USE_WRITE,
	};
	int fd = open("/sys/kernel/debug/gup_test", O_RDWR | O_CLOEXEC);
	static unsigned char seen[4 * UNIT];
	uint64_t to = (uint64_t)seen;

	if (fd < 0)
		SKIP(return, "no /sys/kernel/debug/gup_test");
	stamp(self->p, 0, GB_PAGES, 1);
	ASSERT_OK(ioctl(fd, PIN_LONGTERM_TEST_START, &pin));
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_EQ(SIGBUS, touch_read(self->p + GB / 2));
	ASSERT_OK(ioctl(fd, PIN_LONGTERM_TEST_READ, &to));
	EXPECT_STAMPS(seen, GB_PAGES / 2, 2048, 1);
	/* The block comes back with the pin, not before. */
	if (variant->b->pool)
		EXPECT_LE(4 * UNIT, pool_held(CG));
	ASSERT_OK(ioctl(fd, PIN_LONGTERM_TEST_STOP));
	if (variant->b->pool)
		EXPECT_TRUE(eventually(pool_held(CG) == 0, 10));
	close(fd);
}

TEST_HARNESS_MAIN
