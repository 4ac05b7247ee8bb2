// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=180
 *
 * fallocate is the reservation: after a 0 the blocks are there, charged, and no
 * touch can fail; after an error nothing is there that was not there before.
 */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "hp_test.h"

FIXTURE(reserve) {
	struct hp_env env;
	int fd;
};

FIXTURE_VARIANT(reserve) {
	const char *opts;
};

FIXTURE_VARIANT_ADD(reserve, pool_2m) { "pool=2M" };
FIXTURE_VARIANT_ADD(reserve, pool_2m_base) { "pool=2M+base" };

FIXTURE_SETUP(reserve)
{
	HP_SETUP(variant->opts);
	self->fd = hp_open(&self->env, "a");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(reserve)
{
	EXPECT_ENDED(&self->env);
}

#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static off_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -1 : st.st_size;
}

TEST_F(reserve, blocks_are_used_and_charged)
{
	long long used = hp_sum("used"), nr = vm_event("nr_hugepool");

	ASSERT_OK(fallocate(self->fd, 0, 0, 8 * UNIT));
	EXPECT_EQ(used + 8 * UNIT, hp_sum("used"));
	EXPECT_EQ(8 * UNIT, CURRENT_2M);
	EXPECT_EQ(8 * UNIT, file_blocks(self->fd));
	EXPECT_EQ(8 * UNIT, size_of(self->fd));
	EXPECT_EQ(nr + 8 * 512, vm_event("nr_hugepool"));
	EXPECT_EQ(8 * UNIT, cg_key(CG, "memory.stat", "hugepool"));
}

/* Any part of a unit costs the unit. */
TEST_F(reserve, part_of_a_unit)
{
	ASSERT_OK(fallocate(self->fd, 0, UNIT - 1, 2));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
	EXPECT_EQ(UNIT + 1, size_of(self->fd));
}

TEST_F(reserve, keep_size)
{
	unsigned char c = 1;

	ASSERT_OK(fallocate(self->fd, FALLOC_FL_KEEP_SIZE, 0, 3 * UNIT));
	EXPECT_EQ(0, size_of(self->fd));
	EXPECT_EQ(3 * UNIT, CURRENT_2M);
	EXPECT_EQ(0, pread(self->fd, &c, 1, 0));
	/* Growing into it costs nothing. */
	ASSERT_OK(ftruncate(self->fd, 2 * UNIT));
	EXPECT_EQ(1, pwrite(self->fd, &c, 1, 2 * UNIT));
	EXPECT_EQ(3 * UNIT, CURRENT_2M);
	/* A truncate gives back also what lies past the end. */
	ASSERT_OK(ftruncate(self->fd, UNIT));
	EXPECT_EQ(UNIT, CURRENT_2M);
}

TEST_F(reserve, again_costs_nothing)
{
	long long alloc;

	ASSERT_OK(fallocate(self->fd, 0, 0, 4 * UNIT));
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, UNIT));
	alloc = vm_event("hugepool_alloc");
	ASSERT_OK(fallocate(self->fd, 0, 0, 4 * UNIT));
	ASSERT_OK(fallocate(self->fd, FALLOC_FL_KEEP_SIZE, 5, UNIT));
	EXPECT_EQ(4 * UNIT, CURRENT_2M);
	EXPECT_EQ(alloc, vm_event("hugepool_alloc"));
	/* Also where nothing more could be had. */
	ASSERT_OK(cg_limit(CG, "2MB", 0));
	EXPECT_OK(fallocate(self->fd, 0, 0, 4 * UNIT));
	EXPECT_EQ(0, cg_event(CG, "max"));
}

/* The promise itself, three ways of taking the pool away afterwards. */
static int touch_all(int fd, size_t len)
{
	unsigned char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED,
				fd, 0);
	int ret = 0;

	if (p == MAP_FAILED)
		return -errno;
	for (size_t off = 0; off < len && !ret; off += UNIT) {
		ret = touch_read(p + off);
		if (!ret && p[off])
			ret = -EIO;	/* somebody else's byte */
		if (!ret)
			ret = touch_write(p + off + UNIT - 1, 0x5a);
	}
	munmap(p, len);
	return ret;
}

TEST_F(reserve, touch_after_the_pool_is_empty)
{
	ASSERT_OK(fallocate(self->fd, 0, 0, 4 * UNIT));
	ASSERT_OK(hp_hog(&self->env, -1, 0));
	ASSERT_EQ(0, hp_sum("free"));
	EXPECT_OK(touch_all(self->fd, 4 * UNIT));
	EXPECT_EQ(5, pwrite(self->fd, "hello", 5, UNIT + 100));
	EXPECT_EQ(4 * UNIT, CURRENT_2M);
	EXPECT_OK(hp_unhog(&self->env));
}

TEST_F(reserve, touch_after_the_limit_is_lowered)
{
	ASSERT_OK(fallocate(self->fd, 0, 0, 4 * UNIT));
	ASSERT_OK(cg_limit(CG, "2MB", 0));
	EXPECT_OK(touch_all(self->fd, 4 * UNIT));
	EXPECT_EQ(4 * UNIT, CURRENT_2M);
	EXPECT_EQ(0, cg_event(CG, "max"));
	EXPECT_EQ(0, cg_event(CG, "nospc"));
}

static int touch_by_another(void *arg)
{
	return touch_all(*(int *)arg, 4 * UNIT) ? 1 : 0;
}

TEST_F(reserve, touch_by_a_task_without_allowance)
{
	struct cg poor;

	ASSERT_OK(fallocate(self->fd, 0, 0, 4 * UNIT));
	ASSERT_OK(cg_make(&poor, &self->env.top, "poor"));
	ASSERT_OK(cg_limit(&poor, "2MB", 0));
	EXPECT_OK(hp_run(&poor, touch_by_another, &self->fd));
	EXPECT_EQ(0, cg_hp(&poor, "current", "2MB"));
	EXPECT_EQ(4 * UNIT, CURRENT_2M);
}

/* --- failing: with base the rest would come from ordinary pages --- */

FIXTURE(strict) {
	struct hp_env env;
	int fd;
};

FIXTURE_SETUP(strict)
{
	/* size= beyond the pool, or a hog would fill the mount as well. */
	HP_SETUP("pool=2M,size=2G");
	self->fd = hp_open(&self->env, "a");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(strict)
{
	EXPECT_ENDED(&self->env);
}

TEST_F(strict, failure_leaves_nothing)
{
	long long used = hp_sum("used");

	ASSERT_OK(cg_limit(CG, "2MB", 5 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, 6 * UNIT));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_EQ(used, hp_sum("used"));
	EXPECT_EQ(0, file_blocks(self->fd));
	EXPECT_EQ(0, size_of(self->fd));
	EXPECT_OK(fallocate(self->fd, 0, 0, 5 * UNIT));
}

TEST_F(strict, failure_keeps_what_was_there)
{
	unsigned char buf[64];

	ASSERT_EQ(5, pwrite(self->fd, "first", 5, 2 * UNIT));
	ASSERT_OK(fallocate(self->fd, 0, 4 * UNIT, UNIT));
	ASSERT_OK(cg_limit(CG, "2MB", 5 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, 8 * UNIT));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
	EXPECT_EQ(5 * UNIT, size_of(self->fd));
	ASSERT_EQ(5, pread(self->fd, buf, 5, 2 * UNIT));
	EXPECT_EQ(0, memcmp(buf, "first", 5));
	/* What had been reserved before is still reserved. */
	ASSERT_OK(cg_limit(CG, "2MB", 0));
	EXPECT_EQ(1, pwrite(self->fd, "x", 1, 4 * UNIT));
}

/* The range may begin in the middle of a block that the call has added. */
TEST_F(strict, failure_of_an_unaligned_range_leaves_nothing)
{
	long long used = hp_sum("used");

	ASSERT_OK(cg_limit(CG, "2MB", 3 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, MB, 5 * UNIT));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_EQ(0, file_blocks(self->fd));
	EXPECT_EQ(used, hp_sum("used"));

	/* Unless that block was there before. */
	ASSERT_OK(fallocate(self->fd, 0, 0, UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, MB, 5 * UNIT));
	EXPECT_EQ(UNIT, CURRENT_2M);
	EXPECT_EQ(UNIT, file_blocks(self->fd));
}

TEST_F(strict, failure_on_an_empty_pool)
{
	ASSERT_OK(hp_hog(&self->env, -1, 3 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, 4 * UNIT));
	EXPECT_EQ(3 * UNIT, hp_sum("free"));
	EXPECT_OK(fallocate(self->fd, 0, 0, 3 * UNIT));
	EXPECT_EQ(0, hp_sum("free"));
	EXPECT_OK(hp_unhog(&self->env));
}

/* The default size= ends where the pool does: the event says which it was. */
TEST_F(strict, a_mount_that_holds_all_of_the_pool)
{
	long long all = hp_sum("free");

	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, 4 * all));
	EXPECT_EQ(1, cg_event(CG, "nospc"));
	ASSERT_OK(fallocate(self->fd, 0, 0, all));
	EXPECT_EQ(0, hp_sum("free"));
	EXPECT_EQ(1, cg_event(CG, "nospc"));
	EXPECT_ERRNO(ENOSPC, pwrite(self->fd, "x", 1, all));
	EXPECT_EQ(2, cg_event(CG, "nospc"));
	EXPECT_EQ(0, cg_event(CG, "max"));
}

TEST_F(reserve, size_limit_of_the_mount)
{
	ASSERT_OK(mount("x", self->env.dir, "tmpfs", MS_REMOUNT, "size=6M"));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, 4 * UNIT));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_OK(fallocate(self->fd, 0, 0, 3 * UNIT));
	/* Not the pool's refusal, so not the pool's event. */
	EXPECT_EQ(0, cg_event(CG, "nospc"));
	EXPECT_EQ(0, cg_event(CG, "max"));
}

TEST_F(reserve, rlimit_fsize)
{
	struct rlimit rl = { 2 * UNIT, 2 * UNIT };

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_OK(setrlimit(RLIMIT_FSIZE, &rl));
	EXPECT_ERRNO(EFBIG, fallocate(self->fd, 0, 0, 3 * UNIT));
	EXPECT_EQ(0, CURRENT_2M);
}

/* --- giving back --- */

TEST_F(reserve, punch_gives_whole_units_back)
{
	ASSERT_OK(fallocate(self->fd, 0, 0, 6 * UNIT));
	ASSERT_OK(fallocate(self->fd, PUNCH, UNIT, 2 * UNIT));
	EXPECT_EQ(4 * UNIT, CURRENT_2M);
	EXPECT_EQ(4 * UNIT, file_blocks(self->fd));
	/* Half of unit 3, all of unit 4, half of unit 5. */
	ASSERT_OK(fallocate(self->fd, PUNCH, 3 * UNIT + UNIT / 2, 2 * UNIT));
	EXPECT_EQ(3 * UNIT, CURRENT_2M);
	EXPECT_EQ(6 * UNIT, size_of(self->fd));
}

TEST_F(reserve, punch_below_a_unit_zeroes_in_place)
{
	static unsigned char buf[UNIT];

	memset(buf, 0xcc, UNIT);
	ASSERT_EQ(UNIT, pwrite(self->fd, buf, UNIT, 0));
	ASSERT_OK(fallocate(self->fd, PUNCH, 4096, UNIT - 8192));
	EXPECT_EQ(UNIT, CURRENT_2M);
	ASSERT_EQ(UNIT, pread(self->fd, buf, UNIT, 0));
	EXPECT_EQ(4096, first_not(buf, 4096, 0xcc));
	EXPECT_EQ(UNIT - 8192, first_not(buf + 4096, UNIT - 8192, 0));
	EXPECT_EQ(4096, first_not(buf + UNIT - 4096, 4096, 0xcc));
	/* And the range is still reserved. */
	ASSERT_OK(cg_limit(CG, "2MB", 0));
	EXPECT_EQ(1, pwrite(self->fd, "x", 1, UNIT / 2));
}

TEST_F(reserve, truncate_gives_back)
{
	ASSERT_OK(fallocate(self->fd, 0, 0, 6 * UNIT));
	ASSERT_OK(ftruncate(self->fd, 2 * UNIT + 1));
	EXPECT_EQ(3 * UNIT, CURRENT_2M);
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_EQ(0, CURRENT_2M);
}

TEST_F(reserve, unlink_gives_back_at_the_last_close)
{
	char path[128];

	ASSERT_OK(fallocate(self->fd, 0, 0, 3 * UNIT));
	snprintf(path, sizeof(path), "%s/a", self->env.dir);
	ASSERT_OK(unlink(path));
	EXPECT_EQ(3 * UNIT, CURRENT_2M);
	ASSERT_OK(close(self->fd));
	EXPECT_TRUE(eventually(CURRENT_2M == 0, 5));
}

/* --- interruption --- */

static void on_alarm(int sig)
{
}

/*
 * A signal may end a long fallocate with EINTR or wait for its end; either way
 * there is all of it or nothing. The timer is short at first so that it hits
 * inside the call on any machine.
 */
TEST_F(reserve, a_signal)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	bool done = false;

	ASSERT_OK(sigaction(SIGALRM, &sa, NULL));
	for (int us = 200; us < 50000; us += us) {
		struct itimerval it = { { 0, 0 }, { 0, us } };

		ASSERT_OK(setitimer(ITIMER_REAL, &it, NULL));
		done = !fallocate(self->fd, 0, 0, 100 * UNIT);
		if (!done) {
			ASSERT_EQ(EINTR, errno);
		}
		EXPECT_EQ(done ? 100 * UNIT : 0, CURRENT_2M);
		EXPECT_EQ(done ? 100 * UNIT : 0, file_blocks(self->fd));
		ASSERT_OK(ftruncate(self->fd, 0));
	}
}

/* Killed in the middle: nothing may stay that was not there before. */
TEST_F(reserve, a_fatal_signal)
{
	long long blocks;
	pid_t pid;

	ASSERT_OK(fallocate(self->fd, 0, 50 * UNIT, UNIT));
	for (int us = 200; us < 50000; us += us) {
		pid = hp_fork();
		if (!pid)
			_exit(fallocate(self->fd, 0, 0, 100 * UNIT) ? 1 : 0);
		ASSERT_LT(0, pid);
		usleep(us);
		kill(pid, SIGKILL);
		hp_wait(pid);
		blocks = file_blocks(self->fd);
		EXPECT_TRUE(blocks == UNIT || blocks == 100 * UNIT)
			TH_LOG("%lld units", blocks / (long long)UNIT);
		EXPECT_EQ(blocks, CURRENT_2M);
		if (blocks == 100 * UNIT) {
			ASSERT_OK(fallocate(self->fd, PUNCH, 0, 50 * UNIT));
			ASSERT_OK(fallocate(self->fd, PUNCH, 51 * UNIT,
					    49 * UNIT));
		}
	}
}

/* --- in parallel --- */

struct racer {
	int fd;
	int ret;
};

static void *race(void *arg)
{
	struct racer *r = arg;

	for (int i = 0; i < 8 && !r->ret; i++)
		if (fallocate(r->fd, 0, 0, 8 * UNIT))
			r->ret = errno;
	return NULL;
}

/* Threads on one file under a limit of exactly its size: no spurious error. */
TEST_F(reserve, racing_for_the_same_range)
{
	pthread_t t[4];
	struct racer r[4];

	ASSERT_OK(cg_limit(CG, "2MB", 8 * UNIT));
	for (int i = 0; i < 4; i++) {
		r[i] = (struct racer){ self->fd };
		ASSERT_OK(pthread_create(&t[i], NULL, race, &r[i]));
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		EXPECT_EQ(0, r[i].ret);
	}
	EXPECT_EQ(8 * UNIT, CURRENT_2M);
	EXPECT_EQ(0, cg_event(CG, "max"));
}

TEST_HARNESS_MAIN
