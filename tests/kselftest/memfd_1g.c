// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=gb timeout=240
 *
 * memfd_create(MFD_HUGEPOOL | MFD_HUGE_1GB): blocks of 1 GB, each mapped by one
 * entry. See memfd.c for all that does not depend on their size.
 */
#include <liburing.h>

#include "hp_test.h"
#include "memfd.h"
#include "numa.h"
#include "vm.h"

#define RW		(PROT_READ | PROT_WRITE)
#define PUNCH		(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define CURRENT_1G	cg_hp(CG, "current", "1GB")

FIXTURE(memfd_1g) {
	struct hp_env env;
	int fd;
};

FIXTURE_SETUP(memfd_1g)
{
	HP_SETUP(NULL);
	self->fd = HP_MEMFD(MFD_HUGE_1GB | MFD_ALLOW_SEALING);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(memfd_1g)
{
	EXPECT_ENDED(&self->env);
}

TEST_F(memfd_1g, is_mapped_by_one_entry)
{
	unsigned char *p;
	long pte;

	ASSERT_OK(ftruncate(self->fd, GB));
	p = mmap(NULL, GB, RW, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, (unsigned long)p % GB);
	pte = vm_status_kb("VmPTE");
	ASSERT_OK(touch_write(p + GB / 3, 0x77));
	EXPECT_EQ((long long)GB, smaps_field(p, "PudMapped"));
	EXPECT_EQ((long long)GB, smaps_field(p, "HugePool"));
	EXPECT_EQ(0, smaps_field(p, "ShmemPmdMapped"));
	EXPECT_GE(8, vm_status_kb("VmPTE") - pte);
	EXPECT_EQ((long long)GB, CURRENT_1G);
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_EQ(0, p[GB - 1]);
	EXPECT_EQ(0x77, p[GB / 3]);
}

TEST_F(memfd_1g, says_what_it_is)
{
	struct statfs fs;
	struct stat st;

	ASSERT_OK(fstat(self->fd, &st));
	EXPECT_EQ(UNIT, st.st_blksize);
	ASSERT_OK(fstatfs(self->fd, &fs));
	EXPECT_EQ(GB, fs.f_bsize);
	EXPECT_EQ(hp_sum("1GB/total"), (long long)(fs.f_blocks * GB));
	EXPECT_EQ(2, fs.f_bavail);
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 0));
	ASSERT_OK(fstatfs(self->fd, &fs));
	EXPECT_EQ(2, fs.f_blocks);
	EXPECT_EQ(1, fs.f_bavail);
	ASSERT_OK(fstat(self->fd, &st));
	EXPECT_EQ(GB / 512, st.st_blocks);
}

TEST_F(memfd_1g, size_and_holes)
{
	char c = 1;

	/* The tail of an odd size is a block as well. */
	ASSERT_OK(fallocate(self->fd, 0, 0, 123));
	EXPECT_EQ((long long)GB, CURRENT_1G);
	ASSERT_EQ(1, pwrite(self->fd, "p", 1, 100));
	/* Less than a block is not given back, but cleared. */
	ASSERT_OK(fallocate(self->fd, PUNCH, 0, 2 * UNIT));
	EXPECT_EQ((long long)GB, CURRENT_1G);
	ASSERT_EQ(1, pread(self->fd, &c, 1, 100));
	EXPECT_EQ(0, c);
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_TRUE(eventually(CURRENT_1G == 0, 5));
	/* Two are there, three are not. */
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, 3 * GB));
	EXPECT_EQ(0, CURRENT_1G);
	EXPECT_EQ(1, cg_event(CG, "nospc"));
}

TEST_F(memfd_1g, seal_write_waits_for_pins)
{
	struct io_uring ring;
	struct iovec iov;
	char *p;

	ASSERT_OK(ftruncate(self->fd, GB));
	p = mmap(NULL, GB, RW, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_ERRNO(EBUSY, fcntl(self->fd, F_ADD_SEALS, F_SEAL_WRITE));
	iov = (struct iovec) { p + 100 * UNIT, 4096 };
	ASSERT_OK(io_uring_queue_init(4, &ring, 0));
	ASSERT_OK(io_uring_register_buffers(&ring, &iov, 1));
	ASSERT_OK(munmap(p, GB));
	EXPECT_ERRNO(EBUSY, fcntl(self->fd, F_ADD_SEALS, F_SEAL_WRITE));
	ASSERT_OK(io_uring_unregister_buffers(&ring));
	io_uring_queue_exit(&ring);
	EXPECT_TRUE(eventually(!fcntl(self->fd, F_ADD_SEALS, F_SEAL_WRITE |
				      F_SEAL_SHRINK), 10));
	EXPECT_ERRNO(EPERM, pwrite(self->fd, "x", 1, 0));
	EXPECT_ERRNO(EPERM, ftruncate(self->fd, 0));
	p = mmap(NULL, GB, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_OK(touch_read((unsigned char *)p));
	EXPECT_EQ((long long)GB, smaps_field(p, "PudMapped"));
}

/* The 2 MB of this machine's are there for those that ask for 2 MB. */
TEST_F(memfd_1g, sizes_side_by_side)
{
	int small = HP_MEMFD(MFD_HUGE_2MB), any = HP_MEMFD(0);

	ASSERT_EQ(1, pwrite(small, "x", 1, 0));
	ASSERT_EQ(1, pwrite(any, "x", 1, 0));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
	EXPECT_EQ(0, CURRENT_1G);
	ASSERT_OK(cg_limit(CG, "1GB", 0));
	EXPECT_ERRNO(ENOSPC, pwrite(self->fd, "x", 1, 0));
	EXPECT_OK(fallocate(small, 0, 0, 3 * UNIT));
	EXPECT_ERRNO(EINVAL, HP_MEMFD(MFD_HUGE_1GB | MFD_HUGETLB));
	EXPECT_ERRNO(EINVAL, memfd_create("x", MFD_HUGE_1GB));
}

TEST_HARNESS_MAIN
