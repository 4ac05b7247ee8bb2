// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=180
 *
 * Every way of putting bytes into a file and getting them out again, compared
 * with a byte-for-byte copy. The same rows run on a plain tmpfs: what differs
 * there is a fault of the test, what differs only with pool= is one of the pool.
 */
#include "hp_test.h"
#include "shadow.h"

#define CAP	(9 * MB + 12345)

FIXTURE(rw) {
	struct hp_env env;
	struct shadow s;
};

FIXTURE_VARIANT(rw) {
	const char *opts;
	bool pool;		/* no page but the pool's */
};

FIXTURE_VARIANT_ADD(rw, tmpfs) { "size=64M", false };
FIXTURE_VARIANT_ADD(rw, pool_2m) { "pool=2M", true };
FIXTURE_VARIANT_ADD(rw, pool_2m_base) { "pool=2M+base", true };

FIXTURE_SETUP(rw)
{
	int fd;

	HP_SETUP(variant->opts);
	fd = hp_open(&self->env, "data");
	ASSERT_LE(0, fd);
	ASSERT_OK(sh_init(&self->s, fd, CAP, 0x5eed));
}

FIXTURE_TEARDOWN_PARENT(rw)
{
	EXPECT_ENDED(&self->env);
}

#define VERIFY()							\
	do {								\
		const char *__why = sh_verify_all(&self->s);		\
		ASSERT_TRUE(!__why) TH_LOG("%s", __why);		\
	} while (0)

TEST_F(rw, write_append)
{
	static const size_t lens[] = { 1, 4095, 4096, 100000, UNIT, UNIT + 7 };

	for (unsigned int i = 0; i < ARRAY_SIZE(lens); i++)
		ASSERT_OK(sh_append(&self->s, lens[i]));
	VERIFY();
}

TEST_F(rw, overwrite_at_odd_offsets)
{
	ASSERT_OK(sh_pwrite(&self->s, 0, 5 * MB));
	ASSERT_OK(sh_pwrite(&self->s, 1, 3));
	ASSERT_OK(sh_pwrite(&self->s, UNIT - 1, 2));
	ASSERT_OK(sh_pwrite(&self->s, UNIT + 4095, UNIT));
	ASSERT_OK(sh_writev(&self->s, 2 * UNIT - 5000, 10000));
	VERIFY();
}

TEST_F(rw, sparse_reads_zero)
{
	ASSERT_OK(sh_pwrite(&self->s, 3 * UNIT + 77, 100));
	ASSERT_OK(sh_pwrite(&self->s, UNIT / 2, 1));
	/* A hole that is read costs nothing; only a mapping fills it. */
	EXPECT_NULL(sh_verify(&self->s, SH_PREAD));
	EXPECT_NULL(sh_verify(&self->s, SH_SPLICE));
	EXPECT_NULL(sh_verify(&self->s, SH_SENDFILE));
	EXPECT_EQ(2 * (variant->pool ? UNIT : 4096), file_blocks(self->s.fd));
	VERIFY();
}

TEST_F(rw, read_at_and_past_eof)
{
	char buf[16];

	ASSERT_OK(sh_pwrite(&self->s, 0, UNIT + 5));
	EXPECT_EQ(5, pread(self->s.fd, buf, sizeof(buf), UNIT));
	EXPECT_EQ(1, pread(self->s.fd, buf, sizeof(buf), UNIT + 4));
	EXPECT_EQ(0, pread(self->s.fd, buf, sizeof(buf), UNIT + 5));
	EXPECT_EQ(0, pread(self->s.fd, buf, sizeof(buf), 8 * UNIT));
	VERIFY();
}

TEST_F(rw, splice_in)
{
	ASSERT_OK(sh_splice_in(&self->s, 0, 300000));
	ASSERT_OK(sh_splice_in(&self->s, UNIT - 1000, 2000));
	ASSERT_OK(sh_splice_in(&self->s, UNIT + 12288, 123));
	VERIFY();
}

TEST_F(rw, sendfile_in)
{
	ASSERT_OK(sh_sendfile_in(&self->s, 4097, UNIT + 4096));
	ASSERT_OK(sh_sendfile_in(&self->s, 0, 100));
	VERIFY();
}

TEST_F(rw, mmap_is_the_file)
{
	ASSERT_OK(sh_truncate(&self->s, 3 * UNIT + 100));
	ASSERT_OK(sh_mmap_write(&self->s, 17, 5000));
	ASSERT_OK(sh_mmap_write(&self->s, UNIT - 10, 20));
	ASSERT_OK(sh_pwrite(&self->s, UNIT - 5, 10));
	ASSERT_OK(sh_mmap_write(&self->s, 3 * UNIT, 100));
	VERIFY();
}

/* What lies behind i_size in the last page must not come back. */
TEST_F(rw, bytes_past_eof_never_come_back)
{
	unsigned char *p;

	ASSERT_OK(sh_pwrite(&self->s, 0, UNIT + 100));
	p = mmap(NULL, 2 * UNIT, PROT_READ | PROT_WRITE, MAP_SHARED,
		 self->s.fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	p[UNIT + 200] = 0xee;
	munmap(p, 2 * UNIT);
	ASSERT_OK(sh_truncate(&self->s, UNIT + 50));
	ASSERT_OK(sh_truncate(&self->s, 2 * UNIT));
	VERIFY();
}

TEST_F(rw, fallocate_reads_zero)
{
	ASSERT_OK(sh_fallocate(&self->s, 0, UNIT + 1, 0));
	VERIFY();
	ASSERT_OK(sh_fallocate(&self->s, 100, 3 * UNIT, 1));
	VERIFY();
	ASSERT_OK(sh_truncate(&self->s, 3 * UNIT));
	VERIFY();
}

TEST_F(rw, fallocate_keeps_data)
{
	ASSERT_OK(sh_pwrite(&self->s, 10, UNIT));
	ASSERT_OK(sh_fallocate(&self->s, 0, 3 * UNIT, 0));
	ASSERT_OK(sh_fallocate(&self->s, 0, 3 * UNIT, 1));
	VERIFY();
}

TEST_F(rw, write_into_fallocated)
{
	ASSERT_OK(sh_fallocate(&self->s, 0, 3 * UNIT, 0));
	ASSERT_OK(sh_pwrite(&self->s, 4096, 100));
	ASSERT_OK(sh_mmap_write(&self->s, UNIT + 9999, 3));
	VERIFY();
}

TEST_F(rw, punch)
{
	ASSERT_OK(sh_pwrite(&self->s, 0, 4 * UNIT));
	ASSERT_OK(sh_punch(&self->s, 100, 50));
	ASSERT_OK(sh_punch(&self->s, 4096, 8192));
	VERIFY();
	ASSERT_OK(sh_punch(&self->s, UNIT, UNIT));
	VERIFY();
	ASSERT_OK(sh_punch(&self->s, 2 * UNIT - 1, UNIT + 2));
	ASSERT_OK(sh_pwrite(&self->s, 2 * UNIT + 5, 6));
	ASSERT_OK(sh_punch(&self->s, 0, CAP));
	EXPECT_EQ(0, file_blocks(self->s.fd));
	VERIFY();
}

TEST_F(rw, truncate_down_and_up)
{
	ASSERT_OK(sh_pwrite(&self->s, 0, 4 * UNIT));
	ASSERT_OK(sh_truncate(&self->s, 3 * UNIT - 3));
	ASSERT_OK(sh_truncate(&self->s, 4 * UNIT));
	VERIFY();
	ASSERT_OK(sh_truncate(&self->s, 4096));
	ASSERT_OK(sh_truncate(&self->s, 1));
	ASSERT_OK(sh_truncate(&self->s, UNIT));
	VERIFY();
	ASSERT_OK(sh_truncate(&self->s, 0));
	EXPECT_EQ(0, file_blocks(self->s.fd));
	VERIFY();
}

TEST_F(rw, copy_file_range)
{
	ASSERT_OK(sh_pwrite(&self->s, 0, UNIT + 5000));
	ASSERT_OK(sh_copy_range(&self->s, 1, 2 * UNIT + 3, UNIT));
	ASSERT_OK(sh_copy_range(&self->s, UNIT, 5000, 4096));
	VERIFY();
}

TEST_F(rw, seek_data_and_hole)
{
	off_t step = variant->pool ? (off_t)UNIT : 4096;

	ASSERT_OK(sh_truncate(&self->s, 4 * UNIT));
	ASSERT_OK(sh_pwrite(&self->s, 2 * UNIT, 10));
	EXPECT_EQ(2 * UNIT, lseek(self->s.fd, 0, SEEK_DATA));
	EXPECT_EQ(0, lseek(self->s.fd, 0, SEEK_HOLE));
	/* The hole begins where the pool block (or the page) ends. */
	EXPECT_EQ(2 * UNIT + step, lseek(self->s.fd, 2 * UNIT, SEEK_HOLE));
	EXPECT_ERRNO(ENXIO, lseek(self->s.fd, 3 * UNIT, SEEK_DATA));
	VERIFY();
}

TEST_F(rw, unsupported_fallocate_modes)
{
	ASSERT_OK(sh_pwrite(&self->s, 0, UNIT));
	EXPECT_ERRNO(EOPNOTSUPP, fallocate(self->s.fd, 0x08, 0, UNIT));
	EXPECT_ERRNO(EOPNOTSUPP, fallocate(self->s.fd, 0x20, 0, UNIT));
	VERIFY();
}

TEST_F(rw, st_blocks_follow)
{
	size_t grain = variant->pool ? UNIT : 4096;

	ASSERT_OK(sh_pwrite(&self->s, 0, 1));
	EXPECT_EQ(grain, file_blocks(self->s.fd));
	ASSERT_OK(sh_pwrite(&self->s, 2 * UNIT - 1, 2));
	EXPECT_EQ(3 * grain, file_blocks(self->s.fd));
	ASSERT_OK(sh_punch(&self->s, UNIT, UNIT));
	EXPECT_EQ(2 * grain, file_blocks(self->s.fd));
}

/* A fixed mix: the same operations in the same order on all three mounts. */
TEST_F(rw, mixed)
{
	char what[128];
	const char *why;

	for (int i = 0; i < 120; i++) {
		int ret = sh_random_op(&self->s, what, sizeof(what));

		ASSERT_EQ(0, ret) TH_LOG("step %d: %s", i, what);
		why = sh_verify(&self->s, i % SH_NR_READS);
		ASSERT_TRUE(!why) TH_LOG("step %d: %s: %s", i, what, why);
	}
	VERIFY();
}

TEST_HARNESS_MAIN
