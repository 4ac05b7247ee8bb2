// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=180
 *
 * Who is charged, and what becomes of the charge when the task moves, the
 * cgroup goes or many cgroups compete for the same blocks.
 */
#include <pthread.h>

#include "hp_test.h"

HP_FIXTURE(life, "pool=2M");

#define TOP	(&self->env.top)

struct job {
	struct hp_env *env;
	const char *name;
	unsigned long units;
};

static int job_fallocate(void *arg)
{
	struct job *j = arg;
	int fd = hp_open(j->env, j->name);

	return fd < 0 || fallocate(fd, 0, 0, j->units * UNIT);
}

static int job_write(void *arg)
{
	struct job *j = arg;
	int fd = hp_open(j->env, j->name);

	for (unsigned long i = 0; i < j->units; i++)
		if (pwrite(fd, "w", 1, i * UNIT + 7) != 1)
			return 1;
	return 0;
}

static int job_fault(void *arg)
{
	struct job *j = arg;
	int fd = hp_open_sized(j->env, j->name, j->units * UNIT);
	unsigned char *p = mmap(NULL, j->units * UNIT, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return 1;
	for (unsigned long i = 0; i < j->units; i++)
		if (touch_write(p + i * UNIT, 1))
			return 2;
	return 0;
}

static int file_gone(struct hp_env *env, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", env->dir, name);
	return unlink(path);
}

/* --- the owner --- */

static int (* const jobs[])(void *) = { job_fallocate, job_write, job_fault };

TEST_F(life, who_allocates_is_charged)
{
	struct job j = { &self->env, "f", 2 };
	struct cg b;
	int fd;

	ASSERT_OK(cg_make(&b, TOP, "b"));
	for (unsigned int i = 0; i < ARRAY_SIZE(jobs); i++) {
		/* The file is opened and sized by one ... */
		fd = hp_open_sized(&self->env, "f", 2 * UNIT);
		ASSERT_LE(0, fd);
		/* ... and filled by another. */
		ASSERT_EQ(0, hp_run(&b, jobs[i], &j)) TH_LOG("job %d", i);
		EXPECT_EQ(2 * UNIT, cg_hp(&b, "current", "2MB"))
			TH_LOG("job %d", i);
		EXPECT_EQ(0, CURRENT_2M);
		EXPECT_EQ(2 * UNIT, cg_hp(TOP, "current", "2MB"));
		ASSERT_OK(file_gone(&self->env, "f"));
		/* Our own descriptor still holds it. */
		EXPECT_EQ(2 * UNIT, cg_hp(&b, "current", "2MB"));
		close(fd);
		EXPECT_TRUE(eventually(!cg_hp(&b, "current", "2MB"), 5));
	}
}

TEST_F(life, one_file_many_owners)
{
	struct cg b;
	int fd = hp_open(&self->env, "f");

	ASSERT_OK(cg_make(&b, TOP, "b"));
	ASSERT_OK(fallocate(fd, 0, 0, UNIT));
	ASSERT_OK(cg_join(&b));
	ASSERT_OK(fallocate(fd, 0, 0, 3 * UNIT));
	ASSERT_OK(cg_join(CG));
	EXPECT_EQ(UNIT, CURRENT_2M);
	EXPECT_EQ(2 * UNIT, cg_hp(&b, "current", "2MB"));
	/* Each block goes back to whom it was charged, whoever frees it. */
	ASSERT_OK(ftruncate(fd, UNIT));
	EXPECT_EQ(UNIT, CURRENT_2M);
	EXPECT_EQ(0, cg_hp(&b, "current", "2MB"));
}

TEST_F(life, a_task_that_moves_leaves_its_charge)
{
	struct cg b;
	int fd = hp_open(&self->env, "f");

	ASSERT_OK(cg_make(&b, TOP, "b"));
	ASSERT_OK(fallocate(fd, 0, 0, 2 * UNIT));
	ASSERT_OK(cg_join(&b));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
	EXPECT_EQ(0, cg_hp(&b, "current", "2MB"));
	/* Touching what is there does not move it either. */
	ASSERT_EQ(1, pwrite(fd, "x", 1, 0));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
	ASSERT_EQ(1, pwrite(fd, "x", 1, 2 * UNIT));
	EXPECT_EQ(UNIT, cg_hp(&b, "current", "2MB"));
	ASSERT_OK(cg_join(CG));
}

/* --- removal --- */

TEST_F(life, rmdir_with_live_files)
{
	struct job j = { &self->env, "f", 3 };
	char path[128], buf[8];
	struct cg b;
	int fd;

	ASSERT_OK(cg_make(&b, TOP, "b"));
	ASSERT_EQ(0, hp_run(&b, job_write, &j));
	ASSERT_EQ(3 * UNIT, cg_hp(&b, "current", "2MB"));
	ASSERT_OK(cg_remove(&b));
	/* The parent keeps the charge, the file its content. */
	EXPECT_EQ(3 * UNIT, cg_hp(TOP, "current", "2MB"));
	EXPECT_EQ(3 * UNIT, cg_key(TOP, "memory.stat", "hugepool"));
	snprintf(path, sizeof(path), "%s/f", self->env.dir);
	fd = open(path, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(1, pread(fd, buf, 1, 2 * UNIT + 7));
	EXPECT_EQ('w', buf[0]);
	/* The parent's limit still counts it. */
	ASSERT_OK(cg_limit(TOP, "2MB", 3 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 3 * UNIT, 1));
	/* And freed blocks leave the parent's counters. */
	ASSERT_OK(ftruncate(fd, UNIT));
	EXPECT_EQ(UNIT, cg_hp(TOP, "current", "2MB"));
	ASSERT_OK(ftruncate(fd, 0));
	EXPECT_EQ(0, cg_hp(TOP, "current", "2MB"));
	EXPECT_EQ(0, cg_key(TOP, "memory.stat", "hugepool"));
}

TEST_F(life, rmdir_up_to_the_root)
{
	struct job j = { &self->env, "f", 2 };
	long long used = hp_sum("used");
	struct cg outer, inner;
	char name[32];

	snprintf(name, sizeof(name), "hp-outer.%d", getpid());
	ASSERT_OK(cg_make(&outer, NULL, name));
	ASSERT_OK(cg_make(&inner, &outer, "inner"));
	ASSERT_EQ(0, hp_run(&inner, job_fallocate, &j));
	ASSERT_OK(cg_remove(&outer));
	EXPECT_EQ(used + 2 * UNIT, hp_sum("used"));
	ASSERT_OK(file_gone(&self->env, "f"));
	EXPECT_TRUE(eventually(hp_sum("used") == used, 5));
}

TEST_F(life, a_new_cgroup_of_the_same_name_starts_empty)
{
	struct job j = { &self->env, "f", 2 };
	struct cg b;

	ASSERT_OK(cg_make(&b, TOP, "b"));
	ASSERT_OK(cg_limit(&b, "2MB", 2 * UNIT));
	ASSERT_EQ(0, hp_run(&b, job_fallocate, &j));
	ASSERT_OK(cg_remove(&b));
	ASSERT_OK(cg_make(&b, TOP, "b"));
	EXPECT_EQ(0, cg_hp(&b, "current", "2MB"));
	EXPECT_EQ(0, cg_hp(&b, "peak", "2MB"));
	EXPECT_EQ(LLONG_MAX, cg_hp(&b, "max", "2MB"));
	EXPECT_EQ(2 * UNIT, cg_hp(TOP, "current", "2MB"));
}

/* Many short-lived cgroups: their charges neither leak nor go negative. */
TEST_F(life, create_fill_remove)
{
	struct job j = { &self->env, "f", 1 };
	char name[16];
	struct cg b;

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		j.name = name;
		ASSERT_OK(cg_make(&b, TOP, "b"));
		ASSERT_EQ(0, hp_run(&b, jobs[i % 3], &j));
		if (i % 2) {
			ASSERT_OK(file_gone(&self->env, name));
		}
		ASSERT_OK(cg_remove(&b));
	}
	EXPECT_TRUE(eventually(cg_hp(TOP, "current", "2MB") == 10 * UNIT, 5));
	for (int i = 0; i < 20; i += 2) {
		snprintf(name, sizeof(name), "f%d", i);
		ASSERT_OK(file_gone(&self->env, name));
	}
	EXPECT_TRUE(eventually(!cg_hp(TOP, "current", "2MB"), 5));
}

/* --- competition --- */

#define RIVALS	4

struct rival {
	struct hp_env *env;
	int nr;
	unsigned long want;	/* units held at most */
	int rounds;
};

/* Takes and gives back; more than it is allowed is refused, never less. */
static int compete(void *arg)
{
	struct rival *r = arg;
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "rival%d", r->nr);
	fd = hp_open(r->env, name);
	for (int i = 0; i < r->rounds; i++) {
		if (fallocate(fd, 0, 0, r->want * UNIT))
			return 1;
		if (!fallocate(fd, 0, r->want * UNIT, UNIT) || errno != ENOSPC)
			return 2;
		if (file_blocks(fd) != (long long)(r->want * UNIT))
			return 3;
		if (pwrite(fd, "x", 1, (i % r->want) * UNIT) != 1)
			return 4;
		if (ftruncate(fd, 0))
			return 5;
	}
	return 0;
}

TEST_F(life, concurrent_cgroups_get_their_share)
{
	struct rival r[RIVALS];
	struct cg c[RIVALS];
	pid_t pid[RIVALS];
	char name[16];

	for (int i = 0; i < RIVALS; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		ASSERT_OK(cg_make(&c[i], TOP, name));
		r[i] = (struct rival){ &self->env, i, 4 + i, 25 };
		ASSERT_OK(cg_limit(&c[i], "2MB", r[i].want * UNIT));
	}
	for (int i = 0; i < RIVALS; i++) {
		pid[i] = hp_fork();
		if (!pid[i])
			_exit(cg_join(&c[i]) ? 99 : compete(&r[i]));
		ASSERT_LT(0, pid[i]);
	}
	for (int i = 0; i < RIVALS; i++) {
		EXPECT_EQ(0, hp_wait(pid[i]))
			TH_LOG("rival %d", i);
	}
	for (int i = 0; i < RIVALS; i++) {
		EXPECT_EQ(0, cg_hp(&c[i], "current", "2MB"));
		EXPECT_EQ(r[i].want * UNIT, cg_hp(&c[i], "peak", "2MB"));
		EXPECT_EQ(25, cg_event_local(&c[i], "max"));
		EXPECT_EQ(0, cg_event(&c[i], "nospc"));
	}
	EXPECT_EQ(RIVALS * 25, cg_event(TOP, "max"));
	EXPECT_EQ(0, cg_hp(TOP, "current", "2MB"));
}

/* Under one parent's limit: what all hold together never passes it. */
static int grab(void *arg)
{
	struct rival *r = arg;
	char name[16];
	int fd, got = 0;

	snprintf(name, sizeof(name), "rival%d", r->nr);
	fd = hp_open(r->env, name);
	/* Whoever has not had any by then waits for the others to end. */
	for (int i = 0; i < r->rounds || !got; i++) {
		if (!fallocate(fd, 0, (i % 8) * UNIT, UNIT))
			got++;
		else if (errno != ENOSPC)
			return 200;
		if (cg_hp(&r->env->top, "current", "2MB") >
		    (long long)(r->want * UNIT))
			return 201;
		if (i % 8 == 7 && ftruncate(fd, 0))
			return 202;
	}
	return ftruncate(fd, 0) ? 202 : 0;
}

TEST_F(life, concurrent_cgroups_below_one_limit)
{
	struct rival r[RIVALS];
	pid_t pid[RIVALS];
	struct cg c[RIVALS];
	char name[16];

	ASSERT_OK(cg_limit(TOP, "2MB", 10 * UNIT));
	for (int i = 0; i < RIVALS; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		ASSERT_OK(cg_make(&c[i], TOP, name));
		r[i] = (struct rival){ &self->env, i, 10, 64 };
		pid[i] = hp_fork();
		if (!pid[i])
			_exit(cg_join(&c[i]) ? 99 : grab(&r[i]));
		ASSERT_LT(0, pid[i]);
	}
	for (int i = 0; i < RIVALS; i++) {
		EXPECT_EQ(0, hp_wait(pid[i]))
			TH_LOG("rival %d", i);
	}
	EXPECT_GE(10 * UNIT, cg_hp(TOP, "peak", "2MB"));
	EXPECT_EQ(0, cg_hp(TOP, "current", "2MB"));
}

/* Removed while its tasks' last blocks are being given back. */
TEST_F(life, removal_races_with_freeing)
{
	struct cg b;
	char name[16];
	pid_t pid;

	for (int i = 0; i < 10; i++) {
		struct job j = { &self->env, "f", 3 };

		snprintf(name, sizeof(name), "f%d", i);
		j.name = name;
		ASSERT_OK(cg_make(&b, TOP, "b"));
		ASSERT_EQ(0, hp_run(&b, job_write, &j));
		pid = hp_fork();
		if (!pid)
			_exit(file_gone(&self->env, name) ? 1 : 0);
		ASSERT_OK(cg_remove(&b));
		ASSERT_EQ(0, hp_wait(pid));
	}
	EXPECT_TRUE(eventually(!cg_hp(TOP, "current", "2MB"), 5));
}

struct toucher {
	unsigned char *p;
	int ret;
};

static void *touch_thread(void *arg)
{
	struct toucher *t = arg;

	for (int i = 0; i < 8; i++)
		if (madvise(t->p + i * UNIT, UNIT, MADV_POPULATE_WRITE))
			t->ret = errno;
	return NULL;
}

/* Threads of one process share its mm and so its owner. */
TEST_F(life, threads_charge_their_mm)
{
	int fd = hp_open_sized(&self->env, "f", 8 * UNIT);
	struct toucher t[4];
	pthread_t id[4];
	unsigned char *p;

	p = mmap(NULL, 8 * UNIT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	for (int i = 0; i < 4; i++) {
		t[i] = (struct toucher){ p };
		ASSERT_OK(pthread_create(&id[i], NULL, touch_thread, &t[i]));
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(id[i], NULL);
		EXPECT_EQ(0, t[i].ret);
	}
	EXPECT_EQ(8 * UNIT, CURRENT_2M);
}

TEST_HARNESS_MAIN
