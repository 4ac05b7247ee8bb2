// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=180
 *
 * A pool mount is a tmpfs: what statfs, stat, df and du say, size= and quota
 * limits, and everything else a file system is used for.
 */
#include <sys/quota.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "hp_test.h"

FIXTURE(fs) {
	struct hp_env env;
};

FIXTURE_VARIANT(fs) {
	const char *opts;
};

FIXTURE_VARIANT_ADD(fs, pool_2m) { "pool=2M,size=32M" };
FIXTURE_VARIANT_ADD(fs, pool_2m_base) { "pool=2M+base,size=32M" };

FIXTURE_SETUP(fs)
{
	HP_SETUP(variant->opts);
}

FIXTURE_TEARDOWN_PARENT(fs)
{
	EXPECT_ENDED(&self->env);
}

static char *in(struct hp_env *env, const char *name)
{
	static char path[2][192];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", env->dir, name);
	return path[turn];
}

/* --- statfs and stat --- */

TEST_F(fs, statfs_counts_units)
{
	int fd = hp_open(&self->env, "f");
	struct statfs st;

	ASSERT_OK(statfs(self->env.dir, &st));
	EXPECT_EQ(UNIT, st.f_bsize);
	EXPECT_EQ(UNIT, st.f_frsize);
	EXPECT_EQ(16, st.f_blocks);
	EXPECT_EQ(16, st.f_bfree);
	EXPECT_EQ(16, st.f_bavail);
	ASSERT_EQ(1, pwrite(fd, "x", 1, 0));
	ASSERT_OK(fallocate(fd, 0, 4 * UNIT, 2 * UNIT));
	ASSERT_OK(statfs(self->env.dir, &st));
	EXPECT_EQ(16, st.f_blocks);
	EXPECT_EQ(13, st.f_bfree);
	EXPECT_EQ(13, st.f_bavail);
	ASSERT_OK(fstatfs(fd, &st));
	EXPECT_EQ(UNIT, st.f_bsize);
	EXPECT_EQ(13, st.f_bfree);
}

TEST_F(fs, stat_of_a_file)
{
	int fd = hp_open(&self->env, "f");
	struct stat st;

	ASSERT_OK(fstat(fd, &st));
	EXPECT_EQ(UNIT, st.st_blksize);
	EXPECT_EQ(0, st.st_blocks);
	ASSERT_EQ(1, pwrite(fd, "x", 1, 3 * UNIT));
	ASSERT_OK(fstat(fd, &st));
	EXPECT_EQ(UNIT, st.st_blksize);
	EXPECT_EQ(UNIT / 512, st.st_blocks);
	EXPECT_EQ(3 * UNIT + 1, st.st_size);
}

static long long command_number(const char *cmd)
{
	FILE *f = popen(cmd, "re");
	long long val = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%lld", &val) != 1)
		val = -1;
	pclose(f);
	return val;
}

TEST_F(fs, df_and_du_agree)
{
	int fd = hp_open(&self->env, "f");
	char cmd[256];

	ASSERT_EQ(1, pwrite(fd, "x", 1, 0));
	ASSERT_EQ(1, pwrite(fd, "x", 1, 5 * UNIT));
	snprintf(cmd, sizeof(cmd), "df -B1 --output=used %s | tail -1",
		 self->env.dir);
	EXPECT_EQ(2 * UNIT, command_number(cmd));
	snprintf(cmd, sizeof(cmd), "df -B1 --output=avail %s | tail -1",
		 self->env.dir);
	EXPECT_EQ(14 * UNIT, command_number(cmd));
	snprintf(cmd, sizeof(cmd), "du -B1 -s %s", in(&self->env, "f"));
	EXPECT_EQ(2 * UNIT, command_number(cmd));
}

TEST_F(fs, size_limit)
{
	int fd = hp_open(&self->env, "f");
	struct statfs st;

	ASSERT_OK(fallocate(fd, 0, 0, 15 * UNIT));
	ASSERT_EQ(1, pwrite(fd, "x", 1, 15 * UNIT));
	EXPECT_ERRNO(ENOSPC, pwrite(fd, "x", 1, 16 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 16 * UNIT, 1));
	ASSERT_OK(statfs(self->env.dir, &st));
	EXPECT_EQ(0, st.f_bfree);
	EXPECT_EQ(0, st.f_bavail);
	/* The mount is full, not the pool. */
	EXPECT_EQ(0, cg_event(CG, "nospc"));
	EXPECT_EQ(0, cg_event(CG, "fallback"));
	ASSERT_OK(ftruncate(fd, 15 * UNIT));
	EXPECT_EQ(1, pwrite(fd, "x", 1, 15 * UNIT));
}

/* --- names --- */

TEST_F(fs, directories_and_links)
{
	char target[3000], back[3001];
	struct stat st;
	int fd;

	ASSERT_OK(mkdir(in(&self->env, "d"), 0755));
	fd = hp_open(&self->env, "d/f");
	ASSERT_LE(0, fd);
	ASSERT_EQ(5, write(fd, "hello", 5));
	ASSERT_OK(link(in(&self->env, "d/f"), in(&self->env, "hard")));
	ASSERT_OK(fstat(fd, &st));
	EXPECT_EQ(2, st.st_nlink);
	ASSERT_OK(rename(in(&self->env, "d/f"), in(&self->env, "g")));
	EXPECT_ERRNO(ENOENT, access(in(&self->env, "d/f"), F_OK));
	/* A long target lives in a page, which is not the pool's. */
	memset(target, 'l', sizeof(target) - 1);
	target[sizeof(target) - 1] = '\0';
	ASSERT_OK(symlink(target, in(&self->env, "sym")));
	EXPECT_EQ(2999, readlink(in(&self->env, "sym"), back, 3000));
	EXPECT_EQ(0, memcmp(target, back, 2999));
	EXPECT_EQ(UNIT, CURRENT_2M);
	EXPECT_ERRNO(EEXIST, mkdir(in(&self->env, "d"), 0755));
	ASSERT_OK(rmdir(in(&self->env, "d")));
	/* Two names, one content: the blocks go with the last of them. */
	ASSERT_OK(close(fd));
	ASSERT_OK(unlink(in(&self->env, "hard")));
	EXPECT_EQ(UNIT, CURRENT_2M);
	ASSERT_OK(unlink(in(&self->env, "g")));
	EXPECT_TRUE(eventually(CURRENT_2M == 0, 5));
}

TEST_F(fs, rename_over_a_file_frees_it)
{
	int a = hp_open(&self->env, "a"), b = hp_open(&self->env, "b");

	ASSERT_OK(fallocate(a, 0, 0, 2 * UNIT));
	ASSERT_OK(fallocate(b, 0, 0, 3 * UNIT));
	close(a);
	close(b);
	ASSERT_OK(rename(in(&self->env, "a"), in(&self->env, "b")));
	EXPECT_TRUE(eventually(CURRENT_2M == 2 * UNIT, 5));
}

TEST_F(fs, o_tmpfile)
{
	int fd = open(self->env.dir, O_TMPFILE | O_RDWR, 0600);
	char proc[32];

	ASSERT_LE(0, fd);
	ASSERT_EQ(4, write(fd, "temp", 4));
	EXPECT_EQ(UNIT, CURRENT_2M);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	ASSERT_OK(linkat(AT_FDCWD, proc, AT_FDCWD, in(&self->env, "named"),
			 AT_SYMLINK_FOLLOW));
	close(fd);
	EXPECT_EQ(UNIT, CURRENT_2M);
	fd = open(self->env.dir, O_TMPFILE | O_RDWR, 0600);
	ASSERT_OK(fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_EQ(3 * UNIT, CURRENT_2M);
	close(fd);
	EXPECT_TRUE(eventually(CURRENT_2M == UNIT, 5));
}

TEST_F(fs, xattrs)
{
	char buf[16];
	int fd = hp_open(&self->env, "f");

	ASSERT_OK(fsetxattr(fd, "trusted.hp", "value", 5, 0));
	EXPECT_EQ(5, fgetxattr(fd, "trusted.hp", buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "value", 5));
	EXPECT_OK(fremovexattr(fd, "trusted.hp"));
	EXPECT_EQ(0, CURRENT_2M);
}

/* A pipe, a device and a socket are not files with data pages. */
TEST_F(fs, special_files)
{
	EXPECT_OK(mkfifo(in(&self->env, "fifo"), 0600));
	EXPECT_OK(mknod(in(&self->env, "null"), S_IFCHR | 0600, 0x103));
	EXPECT_EQ(0, CURRENT_2M);
}

/* --- advice and syncing --- */

TEST_F(fs, advice_and_sync)
{
	int fd = hp_open(&self->env, "f");
	char c;

	ASSERT_EQ(1, pwrite(fd, "q", 1, UNIT));
	EXPECT_EQ(0, posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED));
	EXPECT_EQ(0, posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	EXPECT_EQ(0, posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	EXPECT_OK(readahead(fd, 0, 2 * UNIT));
	EXPECT_OK(fsync(fd));
	EXPECT_OK(fdatasync(fd));
	EXPECT_OK(syncfs(fd));
	/* None of it allocates or drops anything. */
	EXPECT_EQ(UNIT, CURRENT_2M);
	ASSERT_EQ(1, pread(fd, &c, 1, UNIT));
	EXPECT_EQ('q', c);
}

TEST_F(fs, file_locks_and_leases)
{
	struct flock fl = { .l_type = F_WRLCK, .l_len = 10 };
	int fd = hp_open(&self->env, "f");

	EXPECT_OK(fcntl(fd, F_SETLK, &fl));
	fl.l_type = F_UNLCK;
	EXPECT_OK(fcntl(fd, F_SETLK, &fl));
}

TEST_F(fs, fallocate_needs_a_writable_file)
{
	int fd = hp_open(&self->env, "f"), ro;

	ASSERT_LE(0, fd);
	ro = open(in(&self->env, "f"), O_RDONLY);
	EXPECT_ERRNO(EBADF, fallocate(ro, 0, 0, UNIT));
	EXPECT_ERRNO(EINVAL, fallocate(fd, 0, 0, 0));
	EXPECT_ERRNO(EINVAL, fallocate(fd, 0, -1, UNIT));
	EXPECT_ERRNO(EFBIG, fallocate(fd, 0, LLONG_MAX - UNIT,
				    UNIT + 1));
	EXPECT_EQ(0, CURRENT_2M);
}

/* --- the pool is shared by all mounts --- */

HP_FIXTURE(big, "pool=2M");

TEST_F(big, f_bavail_is_what_the_pool_can_give)
{
	struct statfs st;

	ASSERT_OK(statfs(self->env.dir, &st));
	EXPECT_EQ(hp_sum("free"), (long long)(st.f_bavail * UNIT));
	/* Another mount takes: less is available here, none is used. */
	ASSERT_OK(mkdir(in(&self->env, "m"), 0755));
	ASSERT_OK(hp_mount(in(&self->env, "m"), "pool=2M"));
	ASSERT_OK(fallocate(hp_open(&self->env, "m/f"), 0, 0, 7 * UNIT));
	ASSERT_OK(statfs(self->env.dir, &st));
	EXPECT_EQ(hp_sum("free"), (long long)(st.f_bavail * UNIT));
	EXPECT_EQ(st.f_blocks, st.f_bfree);
	/* Also where other files of this mount take it. */
	ASSERT_OK(hp_hog(&self->env, -1, 2 * UNIT));
	ASSERT_OK(statfs(self->env.dir, &st));
	EXPECT_EQ(2, st.f_bavail);
	EXPECT_OK(hp_unhog(&self->env));
	umount2(in(&self->env, "m"), MNT_DETACH);
}

TEST_F(big, many_small_files)
{
	char name[16];
	int fd;

	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		fd = hp_open(&self->env, name);
		ASSERT_EQ(1, pwrite(fd, "s", 1, 0));
		close(fd);
	}
	EXPECT_EQ(40 * UNIT, CURRENT_2M);
	for (int i = 0; i < 40; i += 2) {
		snprintf(name, sizeof(name), "f%d", i);
		ASSERT_OK(unlink(in(&self->env, name)));
	}
	EXPECT_TRUE(eventually(CURRENT_2M == 20 * UNIT, 5));
}

TEST_F(big, umount_gives_everything_back)
{
	long long used = self->env.before.node[0].used +
			 self->env.before.node[1].used;
	char name[16];
	int fd;

	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		fd = hp_open(&self->env, name);
		ASSERT_OK(fallocate(fd, 0, 0, 3 * UNIT));
		close(fd);
	}
	EXPECT_EQ(used + 30 * UNIT, hp_sum("used"));
	ASSERT_OK(hp_umount(self->env.dir));
	self->env.mounted = false;
	EXPECT_TRUE(eventually(hp_sum("used") == used, 10));
	EXPECT_EQ(0, CURRENT_2M);
}

/* A lazily unmounted file system lives as long as its last user. */
TEST_F(big, lazy_umount_keeps_open_files)
{
	int fd = hp_open(&self->env, "f");

	ASSERT_EQ(1, pwrite(fd, "x", 1, 0));
	ASSERT_OK(umount2(self->env.dir, MNT_DETACH));
	self->env.mounted = false;
	EXPECT_EQ(1, pwrite(fd, "x", 1, UNIT));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
	close(fd);
	EXPECT_TRUE(eventually(CURRENT_2M == 0, 10));
}

/* --- quota --- */

HP_FIXTURE(quota, "pool=2M,usrquota");

TEST_F(quota, edquot)
{
	struct if_dqblk dq = {
		.dqb_bhardlimit = 3 * UNIT / 1024,	/* in KB */
		.dqb_valid = QIF_LIMITS,
	};
	int fd = hp_open(&self->env, "f"), root;

	root = open(self->env.dir, O_RDONLY | O_DIRECTORY);
	ASSERT_OK(syscall(SYS_quotactl_fd, root, QCMD(Q_SETQUOTA, USRQUOTA),
			  1234, &dq));
	ASSERT_OK(fchown(fd, 1234, 0));
	/* root may pass a quota; the file's owner may not. */
	ASSERT_OK(chmod(self->env.dir, 01777));
	ASSERT_OK(seteuid(1234));
	EXPECT_OK(fallocate(fd, 0, 0, 3 * UNIT));
	EXPECT_ERRNO(EDQUOT, fallocate(fd, 0, 3 * UNIT, 1));
	EXPECT_ERRNO(EDQUOT, pwrite(fd, "x", 1, 3 * UNIT));
	ASSERT_OK(seteuid(0));
	EXPECT_EQ(3 * UNIT, CURRENT_2M);
	EXPECT_EQ(0, cg_event(CG, "max"));
	EXPECT_EQ(0, cg_event(CG, "nospc"));
	memset(&dq, 0, sizeof(dq));
	ASSERT_OK(syscall(SYS_quotactl_fd, root, QCMD(Q_GETQUOTA, USRQUOTA),
			  1234, &dq));
	EXPECT_EQ(3 * UNIT, dq.dqb_curspace);
	ASSERT_OK(ftruncate(fd, 0));
	ASSERT_OK(syscall(SYS_quotactl_fd, root, QCMD(Q_GETQUOTA, USRQUOTA),
			  1234, &dq));
	EXPECT_EQ(0, dq.dqb_curspace);
}

/* --- noswap --- */

HP_FIXTURE(noswap, "pool=2M,noswap");

TEST_F(noswap, works_as_without)
{
	int fd = hp_open(&self->env, "f");

	EXPECT_OK(fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_EQ(1, pwrite(fd, "x", 1, 2 * UNIT));
	EXPECT_EQ(3 * UNIT, CURRENT_2M);
}

TEST_HARNESS_MAIN
