// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=180
 *
 * memfd_create(MFD_HUGEPOOL): which flags make one, seals, sizes, what it says of
 * itself, who pays for it and that nothing of it stays. Who may have one is in
 * memfd_access.c, blocks of 1 GB are in memfd_1g.c.
 */
#include <liburing.h>
#include <sys/syscall.h>

#include "hp_test.h"
#include "memfd.h"
#include "numa.h"

#define RW	(PROT_READ | PROT_WRITE)
#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

HP_FIXTURE(memfd, NULL);

static int sized(unsigned int flags, off_t size)
{
	int fd = HP_MEMFD(flags);

	if (fd >= 0 && ftruncate(fd, size)) {
		close(fd);
		return -1;
	}
	return fd;
}

static unsigned char *map_file(int fd, size_t len, int flags)
{
	return mmap(NULL, len, RW, flags, fd, 0);
}

/* --- flags --- */

TEST_F(memfd, flags_that_make_one)
{
	static const unsigned int good[] = {
		0, MFD_HUGE_2MB, MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_EXEC,
		MFD_NOEXEC_SEAL, MFD_NOEXEC_SEAL | MFD_ALLOW_SEALING,
		MFD_HUGE_2MB | MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC,
	};
	struct stat st;
	int fd;

	for (unsigned int i = 0; i < ARRAY_SIZE(good); i++) {
		fd = HP_MEMFD(good[i]);
		ASSERT_LE(0, fd) TH_LOG("flags %#x", good[i]);
		ASSERT_EQ(1, pwrite(fd, "x", 1, 0)) TH_LOG("%#x", good[i]);
		EXPECT_EQ(UNIT, CURRENT_2M) TH_LOG("flags %#x", good[i]);
		EXPECT_EQ(good[i] & MFD_CLOEXEC ? FD_CLOEXEC : 0,
			  fcntl(fd, F_GETFD));
		ASSERT_OK(fstat(fd, &st));
		EXPECT_EQ(good[i] & MFD_NOEXEC_SEAL ? 0666 : 0777,
			  st.st_mode & 0777);
		close(fd);
		EXPECT_EQ(0, CURRENT_2M);
	}
}

TEST_F(memfd, flags_that_are_refused)
{
	for (unsigned int log = 1; log < 64; log++) {
		/* 1 GB is a legal size, of which this machine has no block. */
		if (log == 21)
			continue;
		EXPECT_ERRNO(EINVAL, HP_MEMFD(log << MFD_HUGE_SHIFT));
	}
	EXPECT_ERRNO(EINVAL, HP_MEMFD(MFD_HUGETLB));
	EXPECT_ERRNO(EINVAL, HP_MEMFD(MFD_HUGETLB | MFD_HUGE_2MB));
	EXPECT_ERRNO(EINVAL, memfd_create("x", MFD_HUGE_2MB));
	EXPECT_ERRNO(EINVAL, memfd_create("x", MFD_HUGE_1GB));
	EXPECT_ERRNO(EINVAL, HP_MEMFD(MFD_EXEC | MFD_NOEXEC_SEAL));
	for (unsigned int bit = 6; bit < 26; bit++)
		EXPECT_ERRNO(EINVAL, HP_MEMFD(1U << bit));
	EXPECT_ERRNO(EFAULT, memfd_create((void *)8, MFD_HUGEPOOL));
	EXPECT_EQ(0, hp_sum("used"));
}

/* 1 GB blocks that may be broken make the class of 2 MB, never the reverse. */
TEST_F(memfd, demote_makes_no_1g)
{
	ASSERT_OK(wr_file(HP_SYSFS "/demote", "1"));
	EXPECT_ERRNO(EINVAL, HP_MEMFD(MFD_HUGE_1GB));
	EXPECT_OK(wr_file(HP_SYSFS "/demote", "0"));
}

/* --- what it says of itself --- */

TEST_F(memfd, stat_and_statfs)
{
	long long total = hp_sum("2MB/total"), left;
	int fd = HP_MEMFD(0), plain = memfd_create("plain", 0);
	struct statfs fs;
	struct cg other;
	struct stat st;

	ASSERT_OK(fstat(fd, &st));
	EXPECT_EQ(UNIT, st.st_blksize);
	ASSERT_EQ(1, pwrite(fd, "x", 1, 5 * UNIT + 1));
	ASSERT_OK(fstat(fd, &st));
	EXPECT_EQ(UNIT / 512, st.st_blocks);
	EXPECT_EQ(5 * UNIT + 2, st.st_size);
	left = total - hp_sum("used");
	ASSERT_OK(fstatfs(fd, &fs));
	EXPECT_EQ(0x01021994, fs.f_type);
	EXPECT_EQ(UNIT, fs.f_bsize);
	EXPECT_EQ(UNIT, fs.f_frsize);
	EXPECT_EQ(total, fs.f_blocks * UNIT);
	EXPECT_EQ(left, fs.f_bavail * UNIT);
	/* What is there for somebody else is not available. */
	ASSERT_OK(cg_make(&other, NULL, "hp-other"));
	ASSERT_OK(cg_promise(&other, "2MB", left - 3 * UNIT));
	ASSERT_OK(fstatfs(fd, &fs));
	EXPECT_EQ(3, fs.f_bavail);
	EXPECT_OK(cg_remove(&other));
	EXPECT_TRUE(eventually(!fstatfs(fd, &fs) &&
			       left == (long long)(fs.f_bavail * UNIT), 10));
	/* An ordinary memfd is none of it. */
	ASSERT_OK(fstatfs(plain, &fs));
	EXPECT_EQ(4096, fs.f_bsize);
	ASSERT_OK(fstat(plain, &st));
	EXPECT_EQ(4096, st.st_blksize);
	ASSERT_EQ(1, pwrite(plain, "x", 1, 0));
	EXPECT_EQ(UNIT, CURRENT_2M);
}

TEST_F(memfd, is_mapped_by_pmd)
{
	int fd = sized(0, 4 * UNIT);
	unsigned char *p = map_file(fd, 4 * UNIT, MAP_SHARED);

	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, (unsigned long)p % UNIT);
	for (int i = 0; i < 4; i++)
		ASSERT_OK(touch_write(p + i * UNIT, 1));
	EXPECT_EQ(4 * UNIT, smaps_field(p, "ShmemPmdMapped"));
	EXPECT_EQ(4 * UNIT, smaps_field(p, "HugePool"));
	EXPECT_EQ(0, smaps_field(p, "PudMapped"));
	EXPECT_EQ(4 * UNIT, CURRENT_2M);
}

/* --- sizes and contents --- */

TEST_F(memfd, sizes_need_not_be_multiples)
{
	static const off_t sizes[] = {
		1, 4095, 4096, 4097, UNIT - 1, UNIT, UNIT + 1, 3 * UNIT + 77,
	};
	int fd = HP_MEMFD(0);
	struct stat st;
	char c;

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		long long blocks = (sizes[i] + UNIT - 1) / UNIT;

		ASSERT_OK(ftruncate(fd, 0));
		ASSERT_OK(ftruncate(fd, sizes[i]));
		EXPECT_EQ(0, CURRENT_2M);
		ASSERT_OK(fallocate(fd, 0, 0, sizes[i]));
		ASSERT_OK(fstat(fd, &st));
		EXPECT_EQ(sizes[i], st.st_size);
		EXPECT_EQ(blocks * (long long)UNIT, CURRENT_2M);
		ASSERT_EQ(1, pwrite(fd, "e", 1, sizes[i] - 1));
		ASSERT_EQ(1, pread(fd, &c, 1, sizes[i] - 1));
		EXPECT_EQ('e', c);
		EXPECT_EQ(0, pread(fd, &c, 1, sizes[i]));
		/* Growing shows zeroes behind the old end. */
		ASSERT_OK(ftruncate(fd, sizes[i] + 1));
		ASSERT_EQ(1, pread(fd, &c, 1, sizes[i]));
		EXPECT_EQ(0, c);
	}
}

TEST_F(memfd, ordinary_io)
{
	static unsigned char buf[UNIT + 9999], back[sizeof(buf)];
	int fd = HP_MEMFD(0), other = HP_MEMFD(0);
	off_t off;

	pattern_fill(buf, sizeof(buf), 1);
	ASSERT_EQ(sizeof(buf), pwrite(fd, buf, sizeof(buf), UNIT - 5));
	ASSERT_EQ(sizeof(buf), pread(fd, back, sizeof(buf), UNIT - 5));
	EXPECT_EQ(0, memcmp(buf, back, sizeof(buf)));
	EXPECT_EQ(3 * UNIT, CURRENT_2M);
	/* Whole units of a hole go back, the rest reads as zero. */
	ASSERT_OK(fallocate(fd, PUNCH, 4096, 2 * UNIT - 4096));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
	ASSERT_EQ(100, pread(fd, back, 100, UNIT + 100));
	EXPECT_EQ(100, first_not(back, 100, 0));
	EXPECT_EQ(2 * UNIT, lseek(fd, UNIT, SEEK_DATA));
	EXPECT_EQ(UNIT, lseek(fd, 0, SEEK_HOLE));
	off = 2 * UNIT;
	EXPECT_EQ(4096, copy_file_range(fd, &off, other, NULL, 4096, 0));
	ASSERT_EQ(4096, pread(other, back, 4096, 0));
	EXPECT_EQ(0, memcmp(buf + UNIT + 5, back, 4096));
	EXPECT_EQ(3 * UNIT, CURRENT_2M);
}

TEST_F(memfd, limit_is_an_error)
{
	int fd = sized(0, 4 * UNIT);
	unsigned char *p = map_file(fd, 4 * UNIT, MAP_SHARED);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(cg_limit(CG, "2MB", 2 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 3 * UNIT));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_OK(fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_ERRNO(ENOSPC, pwrite(fd, "x", 1, 2 * UNIT));
	EXPECT_EQ(SIGBUS, touch_write(p + 3 * UNIT, 1));
	EXPECT_EQ(3, cg_event(CG, "max"));
	EXPECT_EQ(0, cg_key(CG, "memory.events", "oom_kill"));
}

TEST_F(memfd, private_mapping_does_not_write_back)
{
	int fd = sized(0, UNIT);
	unsigned char *p = map_file(fd, UNIT, MAP_PRIVATE);
	char c;

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(1, pwrite(fd, "a", 1, 0));
	EXPECT_EQ('a', p[0]);
	p[0] = 'b';
	ASSERT_EQ(1, pread(fd, &c, 1, 0));
	EXPECT_EQ('a', c);
	EXPECT_EQ(UNIT, CURRENT_2M);
}

TEST_F(memfd, is_placed_by_policy)
{
	int fd = sized(0, 4 * UNIT);
	unsigned char *p = map_file(fd, 4 * UNIT, MAP_SHARED);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(range_policy(p, 2 * UNIT, MPOL_BIND, 2));
	ASSERT_OK(task_policy(MPOL_BIND, 1));
	ASSERT_OK(fallocate(fd, 0, 0, 4 * UNIT));
	EXPECT_ON(2, 2);
	task_policy(MPOL_DEFAULT, 0);
}

/* --- seals --- */

TEST_F(memfd, not_to_be_sealed_by_default)
{
	int fd = HP_MEMFD(0);

	EXPECT_EQ(F_SEAL_SEAL, fcntl(fd, F_GET_SEALS));
	EXPECT_ERRNO(EPERM, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
}

TEST_F(memfd, seal_shrink_and_grow)
{
	int fd = sized(MFD_ALLOW_SEALING, 2 * UNIT);

	ASSERT_EQ(1, pwrite(fd, "x", 1, UNIT));
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	EXPECT_ERRNO(EPERM, ftruncate(fd, UNIT));
	EXPECT_OK(ftruncate(fd, 3 * UNIT));
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	EXPECT_ERRNO(EPERM, ftruncate(fd, 3 * UNIT + 1));
	EXPECT_ERRNO(EPERM, fallocate(fd, 0, 3 * UNIT, UNIT));
	EXPECT_ERRNO(EPERM, pwrite(fd, "x", 1, 3 * UNIT));
	/* Within its size it is as before: filled, and emptied. */
	EXPECT_OK(fallocate(fd, 0, 0, 3 * UNIT));
	EXPECT_OK(fallocate(fd, PUNCH, 0, UNIT));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	EXPECT_ERRNO(EPERM, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
		  fcntl(fd, F_GET_SEALS));
}

TEST_F(memfd, seal_write)
{
	int fd = sized(MFD_ALLOW_SEALING, 2 * UNIT);
	unsigned char *p = map_file(fd, 2 * UNIT, MAP_SHARED);
	char c;

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(touch_write(p, 'w'));
	EXPECT_ERRNO(EBUSY, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	ASSERT_OK(munmap(p, 2 * UNIT));
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_ERRNO(EPERM, pwrite(fd, "x", 1, 0));
	EXPECT_ERRNO(EPERM, fallocate(fd, PUNCH, 0, UNIT));
	EXPECT_EQ(MAP_FAILED, map_file(fd, UNIT, MAP_SHARED));
	p = mmap(NULL, 2 * UNIT, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ('w', p[0]);
	EXPECT_ERRNO(EACCES, mprotect(p, UNIT, RW));
	EXPECT_EQ(UNIT, smaps_field(p, "ShmemPmdMapped"));
	ASSERT_EQ(1, pread(fd, &c, 1, 0));
	EXPECT_EQ('w', c);
	p = map_file(fd, UNIT, MAP_PRIVATE);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_OK(touch_write(p, 'p'));
	ASSERT_EQ(1, pread(fd, &c, 1, 0));
	EXPECT_EQ('w', c);
}

TEST_F(memfd, seal_future_write)
{
	int fd = sized(MFD_ALLOW_SEALING, 2 * UNIT);
	unsigned char *p = map_file(fd, 2 * UNIT, MAP_SHARED);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	/* Who has it mapped goes on, drawing blocks if need be. */
	EXPECT_OK(touch_write(p + UNIT, 1));
	EXPECT_EQ(UNIT, CURRENT_2M);
	EXPECT_ERRNO(EPERM, pwrite(fd, "x", 1, 0));
	EXPECT_EQ(MAP_FAILED, map_file(fd, UNIT, MAP_SHARED));
}

/* Somebody may be writing into a block that was pinned, by DMA for one. */
TEST_F(memfd, seal_write_waits_for_pins)
{
	int fd = sized(MFD_ALLOW_SEALING, 2 * UNIT);
	unsigned char *p = map_file(fd, 2 * UNIT, MAP_SHARED);
	struct iovec iov = { p, 2 * UNIT };
	struct io_uring ring;

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(io_uring_queue_init(4, &ring, 0));
	ASSERT_OK(io_uring_register_buffers(&ring, &iov, 1));
	ASSERT_OK(munmap(p, 2 * UNIT));
	EXPECT_ERRNO(EBUSY, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	ASSERT_OK(io_uring_unregister_buffers(&ring));
	io_uring_queue_exit(&ring);
	EXPECT_TRUE(eventually(!fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 10));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
}

/* --- running a program from it --- */

static int fill_with(int fd, const char *program)
{
	static char buf[64 * 1024];
	int from = open(program, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (from < 0)
		return -errno;
	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(fd, buf, n) != n)
			return -EIO;
	close(from);
	return n;
}

static int exec_fd(void *arg)
{
	char *argv[] = { "false", NULL }, *envp[] = { NULL };

	syscall(SYS_execveat, *(int *)arg, "", argv, envp, AT_EMPTY_PATH);
	return errno;
}

TEST_F(memfd, exec)
{
	int fd = HP_MEMFD(MFD_EXEC | MFD_CLOEXEC);

	ASSERT_OK(fill_with(fd, "/bin/false"));
	/* It ran: 1 is what false says. */
	EXPECT_EQ(1, hp_run(NULL, exec_fd, &fd));
	EXPECT_EQ(UNIT, CURRENT_2M);
	close(fd);
	EXPECT_TRUE(eventually(CURRENT_2M == 0, 5));
}

TEST_F(memfd, noexec_seal)
{
	int fd = HP_MEMFD(MFD_NOEXEC_SEAL | MFD_CLOEXEC);

	ASSERT_OK(fill_with(fd, "/bin/false"));
	EXPECT_EQ(F_SEAL_EXEC, fcntl(fd, F_GET_SEALS));
	EXPECT_ERRNO(EPERM, fchmod(fd, 0777));
	EXPECT_EQ(EACCES, hp_run(NULL, exec_fd, &fd));
}

/* Sealing the mode of a program seals what is in it as well. */
TEST_F(memfd, seal_exec)
{
	int fd = HP_MEMFD(MFD_ALLOW_SEALING | MFD_EXEC);

	ASSERT_EQ(1, write(fd, "x", 1));
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
	EXPECT_EQ(F_SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
		  F_SEAL_FUTURE_WRITE, fcntl(fd, F_GET_SEALS));
	EXPECT_ERRNO(EPERM, fchmod(fd, 0666));
	EXPECT_ERRNO(EPERM, pwrite(fd, "y", 1, 0));
	EXPECT_ERRNO(EPERM, fallocate(fd, 0, 0, 2 * UNIT));
}

/* --- who pays, and until when --- */

struct passed {
	int fd;
	off_t off;
};

static int fill_unit(void *arg)
{
	struct passed *j = arg;
	unsigned char *p = map_file(j->fd, 4 * UNIT, MAP_SHARED);

	return p == MAP_FAILED || pwrite(j->fd, "o", 1, j->off) != 1 ||
	       touch_write(p + j->off + UNIT, 2) || p[0] != 's';
}

TEST_F(memfd, shared_between_cgroups)
{
	struct passed j = { sized(0, 4 * UNIT), UNIT };
	struct cg other;

	ASSERT_OK(cg_make(&other, &self->env.top, "other"));
	ASSERT_EQ(1, pwrite(j.fd, "s", 1, 0));
	ASSERT_OK(hp_run(&other, fill_unit, &j));
	/* Each for what it has drawn, also when it has gone. */
	EXPECT_EQ(UNIT, CURRENT_2M);
	EXPECT_EQ(2 * UNIT, cg_hp(&other, "current", "2MB"));
	ASSERT_OK(cg_limit(&other, "2MB", 2 * UNIT));
	j.off = 3 * UNIT;
	EXPECT_NE(0, hp_run(&other, fill_unit, &j));
	EXPECT_EQ(1, cg_event(&other, "max"));
	EXPECT_EQ(0, cg_event(CG, "max"));
	ASSERT_OK(cg_remove(&other));
	EXPECT_EQ(3 * UNIT, cg_hp(&self->env.top, "current", "2MB"));
	ASSERT_OK(ftruncate(j.fd, 0));
	EXPECT_TRUE(eventually(!cg_hp(&self->env.top, "current", "2MB"), 5));
}

TEST_F(memfd, lives_as_long_as_its_last_user)
{
	int fd = sized(0, 2 * UNIT), dup_fd;
	unsigned char *p = map_file(fd, 2 * UNIT, MAP_SHARED);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(touch_write(p, 1));
	dup_fd = dup(fd);
	close(fd);
	EXPECT_EQ(UNIT, CURRENT_2M);
	close(dup_fd);
	EXPECT_OK(touch_write(p + UNIT, 1));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
	ASSERT_OK(munmap(p, UNIT));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
	ASSERT_OK(munmap(p + UNIT, UNIT));
	EXPECT_TRUE(eventually(CURRENT_2M == 0, 5));
}

static int hold_and_wait(int ready)
{
	int fd = sized(0, 3 * UNIT);
	unsigned char *p = map_file(fd, 3 * UNIT, MAP_SHARED);

	if (p == MAP_FAILED || touch_write(p, 1) ||
	    fallocate(fd, 0, UNIT, 2 * UNIT) || write(ready, "r", 1) != 1)
		return 1;
	pause();
	return 0;
}

TEST_F(memfd, goes_with_a_killed_process)
{
	int pipefd[2];
	pid_t pid;
	char c;

	ASSERT_OK(pipe(pipefd));
	pid = hp_fork();
	if (!pid)
		_exit(hold_and_wait(pipefd[1]));
	ASSERT_EQ(1, read(pipefd[0], &c, 1));
	EXPECT_EQ(3 * UNIT, CURRENT_2M);
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, hp_wait(pid));
	EXPECT_TRUE(eventually(CURRENT_2M == 0, 5));
}

TEST_HARNESS_MAIN
