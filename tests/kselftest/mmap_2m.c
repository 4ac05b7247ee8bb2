// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=180
 *
 * Mappings of a pool file: mapped by PMDs and aligned for it, right under
 * everything that takes a piece of them (mprotect, munmap, mremap, fork, COW,
 * madvise, mlock), for everything that reads through them, and while a page is
 * pinned by I/O.
 */
#include <liburing.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "hp_test.h"

#define NR	4		/* units in the file */
#define LEN	(NR * UNIT)
#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

FIXTURE(map) {
	struct hp_env env;
	int fd;
	unsigned char *p;
};

FIXTURE_VARIANT(map) {
	const char *opts;
};

FIXTURE_VARIANT_ADD(map, pool_2m) { "pool=2M" };
FIXTURE_VARIANT_ADD(map, pool_2m_base) { "pool=2M+base" };

FIXTURE_SETUP(map)
{
	HP_SETUP(variant->opts);
	self->fd = hp_open_sized(&self->env, "f", LEN);
	ASSERT_LE(0, self->fd);
	self->p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED,
		       self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	for (int i = 0; i < NR; i++)
		ASSERT_OK(touch_write(self->p + i * UNIT, 'a' + i));
}

FIXTURE_TEARDOWN_PARENT(map)
{
	EXPECT_ENDED(&self->env);
}

/* Unit i starts with 'a' + i: nothing has moved or been lost. */
static bool intact(const unsigned char *p)
{
	for (int i = 0; i < NR; i++)
		if (p[i * UNIT] != 'a' + i)
			return false;
	return true;
}

/* --- how it is mapped --- */

TEST_F(map, aligned_and_by_pmd)
{
	EXPECT_EQ(0, (unsigned long)self->p % UNIT);
	EXPECT_EQ(LEN, smaps_field(self->p, "Rss"));
	EXPECT_EQ(LEN, smaps_field(self->p, "ShmemPmdMapped"));
	EXPECT_EQ(LEN, CURRENT_2M);
}

TEST_F(map, one_fault_maps_a_unit)
{
	unsigned char *q;

	q = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(0, smaps_field(q, "Rss"));
	EXPECT_OK(touch_read(q + UNIT + 12345));
	EXPECT_EQ(UNIT, smaps_field(q, "Rss"));
	EXPECT_EQ(UNIT, smaps_field(q, "ShmemPmdMapped"));
}

TEST_F(map, aligned_to_the_file_offset)
{
	unsigned char *q;

	/* Offset and address agree modulo a unit, so PMDs still fit. */
	q = mmap(NULL, 2 * UNIT, PROT_READ, MAP_SHARED, self->fd, UNIT / 2);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(UNIT / 2, (unsigned long)q % UNIT);
	EXPECT_OK(touch_read(q + UNIT));
	EXPECT_EQ(UNIT, smaps_field(q, "ShmemPmdMapped"));
}

TEST_F(map, an_odd_address_works_in_pages)
{
	unsigned char *q, c;

	munmap(self->p, LEN);
	q = mmap(self->p + 4096, UNIT, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ('a', q[0]);
	EXPECT_OK(touch_write(q + UNIT - 1, 0x7e));
	EXPECT_EQ(0, smaps_field(q, "ShmemPmdMapped"));
	EXPECT_EQ(LEN, CURRENT_2M);
	munmap(q, UNIT);
	ASSERT_EQ(1, pread(self->fd, &c, 1, UNIT - 1));
	EXPECT_EQ(0x7e, c);
}

TEST_F(map, beyond_the_end_is_sigbus)
{
	unsigned char *q;

	q = mmap(NULL, LEN + UNIT, PROT_READ | PROT_WRITE, MAP_SHARED,
		 self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(SIGBUS, touch_read(q + LEN));
	ASSERT_OK(ftruncate(self->fd, UNIT + 1));
	/* As on any tmpfs, what is behind the end in its block is mapped. */
	EXPECT_OK(touch_read(q + UNIT));
	EXPECT_EQ(SIGBUS, touch_read(q + 2 * UNIT));
	EXPECT_EQ(SIGBUS, touch_read(self->p + 3 * UNIT));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
}

TEST_F(map, smaps_counts_pool_memory)
{
	unsigned char *anon;

	EXPECT_EQ(LEN, smaps_field(self->p, "HugePool"));
	anon = mmap(NULL, UNIT, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, anon);
	ASSERT_OK(touch_write(anon, 1));
	EXPECT_EQ(0, smaps_field(anon, "HugePool"));
	/* In the rollup it is the sum. */
	EXPECT_EQ(LEN / KB, rd_key("/proc/self/smaps_rollup", "HugePool"));
	munmap(self->p + UNIT, UNIT);
	EXPECT_EQ(UNIT, smaps_field(self->p, "HugePool"));
}

/* --- private mappings --- */

TEST_F(map, private_reads_the_pool_and_copies_on_write)
{
	long long alloc;
	unsigned char *q;

	q = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_TRUE(intact(q));
	alloc = vm_event("hugepool_alloc");
	ASSERT_OK(touch_write(q + UNIT, 0x99));
	EXPECT_EQ(0x99, q[UNIT]);
	EXPECT_EQ('b', self->p[UNIT]);
	EXPECT_EQ(0, q[UNIT + 1]);
	/* The copy is ordinary memory: the pool gave nothing. */
	EXPECT_EQ(alloc, vm_event("hugepool_alloc"));
	EXPECT_EQ(LEN, CURRENT_2M);
	EXPECT_LE(4096, smaps_field(q, "Anonymous"));
	/* What the file gets later is seen where it was not copied. */
	self->p[2 * UNIT] = 0x55;
	EXPECT_EQ(0x55, q[2 * UNIT]);
}

/* --- pieces of a mapping --- */

TEST_F(map, mprotect_of_a_piece)
{
	ASSERT_OK(mprotect(self->p + UNIT + 8192, 4096, PROT_READ));
	EXPECT_EQ(SIGSEGV, touch_write(self->p + UNIT + 8192, 1));
	EXPECT_OK(touch_write(self->p + UNIT + 4096, 1));
	EXPECT_OK(touch_write(self->p + UNIT + 12288, 1));
	EXPECT_OK(touch_read(self->p + UNIT + 8192));
	ASSERT_OK(mprotect(self->p, LEN, PROT_NONE));
	EXPECT_EQ(SIGSEGV, touch_read(self->p));
	ASSERT_OK(mprotect(self->p, LEN, PROT_READ | PROT_WRITE));
	EXPECT_OK(touch_write(self->p + UNIT + 8192, 1));
	EXPECT_TRUE(intact(self->p));
	EXPECT_EQ(LEN, CURRENT_2M);
}

TEST_F(map, munmap_of_a_piece)
{
	ASSERT_OK(munmap(self->p + UNIT + 4096, 4096));
	EXPECT_EQ(SIGSEGV, touch_read(self->p + UNIT + 4096));
	EXPECT_OK(touch_read(self->p + UNIT));
	EXPECT_OK(touch_write(self->p + UNIT + 8192, 5));
	ASSERT_OK(munmap(self->p + 2 * UNIT, UNIT));
	EXPECT_EQ('a', self->p[0]);
	EXPECT_EQ('d', self->p[3 * UNIT]);
	EXPECT_EQ(LEN, CURRENT_2M);
	/* Unmapping is not freeing: the file has it all. */
	ASSERT_EQ(1, pread(self->fd, self->p, 1, 2 * UNIT));
	EXPECT_EQ('c', self->p[0]);
}

TEST_F(map, mremap)
{
	unsigned char *q, *spot;

	/* Moved whole, to a place where PMDs fit, and then by half a unit. */
	spot = mmap(NULL, 4 * LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	ASSERT_NE(MAP_FAILED, spot);
	spot += UNIT - (unsigned long)spot % UNIT;
	q = mremap(self->p, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED, spot);
	ASSERT_EQ(spot, q);
	EXPECT_TRUE(intact(q));
	EXPECT_EQ(LEN, smaps_field(q, "ShmemPmdMapped"));
	q = mremap(q, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED,
		   spot + LEN + UNIT / 2);
	ASSERT_EQ(spot + LEN + UNIT / 2, q);
	EXPECT_TRUE(intact(q));
	EXPECT_OK(touch_write(q + 5, 5));
	q = mremap(q, LEN, UNIT + 4096, 0);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ('b', q[UNIT]);
	EXPECT_EQ(LEN, CURRENT_2M);
}

static int child_sees_and_writes(void *arg)
{
	unsigned char *p = arg;

	if (!intact(p) || touch_write(p + 100, 0xc1))
		return 1;
	/* A mapping made and dropped in the child. */
	return munmap(p + UNIT, UNIT) ? 2 : 0;
}

TEST_F(map, fork_shares)
{
	EXPECT_EQ(0, hp_run(NULL, child_sees_and_writes, self->p));
	EXPECT_EQ(0xc1, self->p[100]);
	EXPECT_TRUE(intact(self->p));
	EXPECT_EQ(LEN, CURRENT_2M);
}

static int child_copies(void *arg)
{
	unsigned char *q = arg;

	return q[0] != 0x31 || touch_write(q, 0x32) || q[0] != 0x32;
}

TEST_F(map, fork_of_a_private_mapping)
{
	unsigned char *q;

	q = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	ASSERT_OK(touch_write(q, 0x31));
	EXPECT_EQ(0, hp_run(NULL, child_copies, q));
	EXPECT_EQ(0x31, q[0]);
	EXPECT_EQ('a', self->p[0]);
}

/* --- madvise, mlock, mincore --- */

TEST_F(map, madv_dontneed_keeps_the_file)
{
	ASSERT_OK(madvise(self->p, LEN, MADV_DONTNEED));
	EXPECT_EQ(0, smaps_field(self->p, "Rss"));
	EXPECT_EQ(LEN, CURRENT_2M);
	EXPECT_TRUE(intact(self->p));
	ASSERT_OK(madvise(self->p + UNIT + 4096, 4096, MADV_DONTNEED));
	EXPECT_TRUE(intact(self->p));
}

TEST_F(map, madv_remove_punches)
{
	self->p[2 * UNIT + 4096] = 7;
	ASSERT_OK(madvise(self->p + UNIT, UNIT, MADV_REMOVE));
	EXPECT_EQ(LEN - UNIT, CURRENT_2M);
	EXPECT_EQ(0, self->p[UNIT]);
	EXPECT_EQ(LEN, CURRENT_2M);
	/* Less than a unit is zeroed where it is. */
	ASSERT_OK(madvise(self->p + 2 * UNIT + 4096, 4096, MADV_REMOVE));
	EXPECT_EQ(0, self->p[2 * UNIT + 4096]);
	EXPECT_EQ('c', self->p[2 * UNIT]);
	EXPECT_EQ(LEN, CURRENT_2M);
}

TEST_F(map, reclaim_advice_leaves_them)
{
	EXPECT_OK(madvise(self->p, LEN, MADV_COLD));
	EXPECT_OK(madvise(self->p, LEN, MADV_PAGEOUT));
	EXPECT_TRUE(intact(self->p));
	EXPECT_EQ(LEN, CURRENT_2M);
	EXPECT_EQ(LEN, file_blocks(self->fd));
}

TEST_F(map, mlock_and_munlock)
{
	ASSERT_OK(mlock(self->p + 4096, UNIT));
	EXPECT_EQ(UNIT, smaps_field(self->p + 4096, "Locked"));
	ASSERT_OK(munlock(self->p + 4096, UNIT));
	ASSERT_OK(mlock(self->p, LEN));
	ASSERT_OK(munmap(self->p, UNIT));
	EXPECT_EQ('b', self->p[UNIT]);
	/* Truncated while locked: the blocks go back all the same. */
	ASSERT_OK(ftruncate(self->fd, UNIT));
	EXPECT_EQ(UNIT, CURRENT_2M);
}

TEST_F(map, mincore_tells_what_is_there)
{
	static unsigned char vec[LEN / 4096];
	unsigned char all = 1;

	ASSERT_OK(fallocate(self->fd, PUNCH, UNIT, UNIT));
	ASSERT_OK(mincore(self->p, LEN, vec));
	for (unsigned int i = 0; i < ARRAY_SIZE(vec); i++)
		all &= (vec[i] & 1) == (i / 512 != 1);
	EXPECT_EQ(1, all);
}

/* --- read through by others --- */

TEST_F(map, process_vm_readv)
{
	static unsigned char buf[UNIT + 10];
	struct iovec local = { buf, sizeof(buf) };
	struct iovec remote = { self->p + UNIT - 5, sizeof(buf) };

	EXPECT_EQ(sizeof(buf), process_vm_readv(getpid(), &local, 1, &remote,
						1, 0));
	EXPECT_EQ('b', buf[5]);
	EXPECT_EQ('c', buf[5 + UNIT]);
}

/* A loop device over an ordinary memfd: its direct I/O pins our blocks. */
static int loop_over_memfd(size_t size)
{
	struct loop_config cfg = { .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int ctl = open("/dev/loop-control", O_RDWR), nr, fd;
	char path[32];

	if (ctl < 0)
		return -errno;
	nr = ioctl(ctl, LOOP_CTL_GET_FREE);
	close(ctl);
	snprintf(path, sizeof(path), "/dev/loop%d", nr);
	cfg.fd = memfd_create("disk", MFD_CLOEXEC);
	if (ftruncate(cfg.fd, size))
		return -errno;
	fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, LOOP_CONFIGURE, &cfg))
		return -errno;
	close(cfg.fd);
	return fd;
}

TEST_F(map, direct_io_from_and_to_pool_memory)
{
	int fd = loop_over_memfd(LEN);

	ASSERT_LE(0, fd);
	ASSERT_EQ(LEN, pwrite(fd, self->p, LEN, 0));
	memset(self->p, 0, LEN);
	ASSERT_EQ(LEN, pread(fd, self->p, LEN, 0));
	EXPECT_TRUE(intact(self->p));
	/* Not aligned to a unit: some of one block, some of the next. */
	ASSERT_EQ(8192, pread(fd, self->p + UNIT - 4096, 8192, UNIT));
	EXPECT_EQ('b', self->p[UNIT - 4096]);
	close(fd);
}

TEST_F(map, vmsplice_outlives_the_hole)
{
	struct iovec iov = { self->p + UNIT, 4096 };
	char buf[4096];
	int p[2];

	ASSERT_OK(pipe(p));
	ASSERT_EQ(4096, vmsplice(p[1], &iov, 1, 0));
	/* The pipe holds a reference on the block. */
	ASSERT_OK(fallocate(self->fd, PUNCH, UNIT, UNIT));
	EXPECT_EQ(0, self->p[UNIT]);
	ASSERT_EQ(4096, read(p[0], buf, sizeof(buf)));
	EXPECT_EQ('b', buf[0]);
	close(p[0]);
	close(p[1]);
	EXPECT_TRUE(eventually(CURRENT_2M == LEN, 5));
}

/*
 * A registered buffer pins pool memory for long. Punching below it gives the
 * file a new block while the pinned one stays alive, and unpinning frees it.
 */
TEST_F(map, pinned_by_io_uring_and_punched)
{
	struct iovec iov = { self->p + UNIT, UNIT };
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	int out = memfd_create("out", 0);
	char c;

	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	ASSERT_EQ(0, io_uring_register_buffers(&ring, &iov, 1));
	ASSERT_OK(fallocate(self->fd, PUNCH, UNIT, UNIT));
	EXPECT_OK(touch_write(self->p + UNIT, 0x66));
	/* The pinned block and its successor are both in use. */
	EXPECT_EQ(LEN + UNIT, CURRENT_2M);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_write_fixed(sqe, out, self->p + UNIT, 4096, 0, 0);
	ASSERT_EQ(1, io_uring_submit_and_wait(&ring, 1));
	ASSERT_EQ(0, io_uring_wait_cqe(&ring, &cqe));
	EXPECT_EQ(4096, cqe->res);
	io_uring_cqe_seen(&ring, cqe);
	ASSERT_EQ(1, pread(out, &c, 1, 0));
	EXPECT_EQ('b', c);
	ASSERT_EQ(0, io_uring_unregister_buffers(&ring));
	io_uring_queue_exit(&ring);
	EXPECT_TRUE(eventually(CURRENT_2M == LEN, 10));
	EXPECT_EQ(0x66, self->p[UNIT]);
}

/* A file that is run: text mapped from the pool. */
TEST_F(map, exec_from_a_pool_mount)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/true", self->env.dir);
	ASSERT_EQ(0, hp_exec("cp", "/bin/true", path, NULL));
	EXPECT_EQ(0, hp_exec(path, NULL));
	EXPECT_LT(LEN, CURRENT_2M);
}

TEST_HARNESS_MAIN
