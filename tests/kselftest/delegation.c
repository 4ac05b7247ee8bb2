// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=180
 *
 * A cgroup that was handed to a user: its max and min stay the administrator's,
 * what is in it the user may divide. With the rights of files, and with those of
 * a cgroup namespace (nsdelegate), where even root of a container is only a user.
 */
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>

#include "hp_test.h"

#define OWNER	65534
#define MAX	"memory.hugepool.max"
#define MIN	"memory.hugepool.min"
#define TOP	(&self->env.top)

FIXTURE(delegated) {
	struct hp_env env;
};

/* What the kernel says is to be given away, and the directory. */
static int delegate(const struct cg *cg, uid_t uid)
{
	char names[1024], path[256], *tok, *save = NULL;
	int ret = rd_file("/sys/kernel/cgroup/delegate", names, sizeof(names));

	if (ret || chown(cg->path, uid, uid))
		return ret ?: -errno;
	for (tok = strtok_r(names, "\n", &save); tok;
	     tok = strtok_r(NULL, "\n", &save)) {
		snprintf(path, sizeof(path), "%s/%s", cg->path, tok);
		if (!access(path, F_OK) && chown(path, uid, uid))
			return -errno;
	}
	return 0;
}

FIXTURE_SETUP(delegated)
{
	HP_SETUP("pool=2M,mode=1777,size=4G");
	ASSERT_OK(cg_limit(TOP, "2MB", 16 * UNIT));
	ASSERT_OK(cg_promise(TOP, "2MB/node0", 8 * UNIT));
	ASSERT_OK(cg_limit(CG, "2MB", 6 * UNIT));
	ASSERT_OK(cg_promise(CG, "2MB/node0", 4 * UNIT));
	ASSERT_OK(delegate(CG, OWNER));
}

FIXTURE_TEARDOWN_PARENT(delegated)
{
	EXPECT_ENDED(&self->env);
}

static int become_owner(void)
{
	if (setgroups(0, NULL) || setresgid(OWNER, OWNER, OWNER) ||
	    setresuid(OWNER, OWNER, OWNER))
		return 90;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return 0;
}

/* Says which of the steps did not go as wanted, by its line. */
#define STEP(cond)	do { if (!(cond)) {				\
		printf("# line %d: %s (%s)\n", __LINE__, #cond,		\
		       strerror(errno));				\
		return 1; } } while (0)

TEST_F(delegated, kernel_gives_none_of_it_away)
{
	char names[1024];

	ASSERT_OK(rd_file("/sys/kernel/cgroup/delegate", names,
			  sizeof(names)));
	EXPECT_TRUE(strstr(names, "cgroup.procs") != NULL);
	EXPECT_TRUE(strstr(names, "hugepool") == NULL);
}

/* --- by the rights of files --- */

static int raise_own(void *arg)
{
	struct hp_env *env = arg;
	struct cg *cg = &env->cg;
	char path[256];

	STEP(!become_owner());
	STEP(cg_limit(cg, "2MB", 100 * UNIT) == -EACCES);
	STEP(cg_write(cg, MAX, "2MB max") == -EACCES);
	STEP(cg_limit(cg, "2MB/node0", 0) == -EACCES);
	STEP(cg_promise(cg, "2MB/node0", 5 * UNIT) == -EACCES);
	STEP(cg_promise(cg, "2MB", 0) == -EACCES);
	STEP(cg_write(&env->top, MAX, "2MB max") == -EACCES);
	STEP(cg_promise(&env->top, "2MB", 20 * UNIT) == -EACCES);
	/* To own the directory is not to own its files. */
	snprintf(path, sizeof(path), "%s/" MAX, cg->path);
	STEP(chmod(path, 0666) && errno == EPERM);
	STEP(chown(path, OWNER, OWNER) && errno == EPERM);
	STEP(unlink(path));
	/* Nor is there a way out to where more is allowed. */
	STEP(cg_join(&env->top) < 0);
	STEP(cg_join_root() == -EACCES);
	/* Looking is allowed. */
	STEP(cg_hp(cg, "max", "2MB") == 6 * UNIT);
	STEP(cg_hp(cg, "min", "2MB") == 4 * UNIT);
	STEP(cg_hp(cg, "current", "2MB") == 0);
	return 0;
}

TEST_F(delegated, owner_cannot_raise_its_own)
{
	EXPECT_EQ(0, hp_run(CG, raise_own, &self->env));
	EXPECT_EQ(6 * UNIT, cg_hp(CG, "max", "2MB"));
	EXPECT_EQ(4 * UNIT, cg_hp(CG, "min", "2MB"));
	EXPECT_EQ(16 * UNIT, cg_hp(TOP, "max", "2MB"));
}

/* Two children, and a third for the owner: inner cgroups hold no process. */
static int make_children(struct cg *cg, struct cg *a, struct cg *b)
{
	struct cg self;

	snprintf(self.path, sizeof(self.path), "%.100s/self", cg->path);
	STEP(!mkdir(self.path, 0755));
	STEP(!cg_join(&self));
	STEP(!cg_write(cg, "cgroup.subtree_control", "+memory"));
	STEP(!cg_make(a, cg, "a"));
	STEP(!cg_make(b, cg, "b"));
	return 0;
}

static int divide(void *arg)
{
	struct hp_env *env = arg;
	struct cg *cg = &env->cg, a, b;

	STEP(!become_owner());
	STEP(!make_children(cg, &a, &b));
	STEP(!cg_limit(&a, "2MB", 5 * UNIT));
	STEP(!cg_promise(&a, "2MB/node0", 3 * UNIT));
	/* The rest of what it was given itself, and not a block more. */
	STEP(cg_promise(&b, "2MB/node0", 2 * UNIT) == -ENOSPC);
	STEP(!cg_promise(&b, "2MB/node0", UNIT));
	STEP(cg_promise(&b, "2MB/node1", UNIT) == -ENOSPC);
	STEP(cg_promise(&b, "2MB", 2 * UNIT) == -ENOSPC);
	STEP(cg_promise(&a, "2MB/node0", 4 * UNIT) == -ENOSPC);
	STEP(!cg_promise(&a, "2MB/node0", 2 * UNIT));
	STEP(!cg_promise(&b, "2MB/node0", 2 * UNIT));
	/* A limit above the parent's is a wish. */
	STEP(!cg_limit(&b, "2MB", 100 * UNIT));
	return 0;
}

struct want {
	struct hp_env *env;
	const char *file;
	int units;
};

static int draw(void *arg)
{
	struct want *w = arg;
	int fd, ret;

	if (become_owner())
		return 90;
	fd = hp_open(w->env, w->file);
	ret = fallocate(fd, 0, 0, w->units * UNIT) ? errno : 0;
	close(fd);
	return ret;
}

TEST_F(delegated, owner_divides_what_it_has)
{
	struct want want = { &self->env, "f", 7 };
	struct cg a, b;

	ASSERT_OK(cg_join_root());
	ASSERT_EQ(0, hp_run(CG, divide, &self->env));
	snprintf(a.path, sizeof(a.path), "%.100s/a", CG->path);
	snprintf(b.path, sizeof(b.path), "%.100s/b", CG->path);
	/* All else in use by others: what was passed on is there. */
	ASSERT_OK(hp_hog(&self->env, 1, 0));
	ASSERT_OK(hp_hog(&self->env, 0, 8 * UNIT));
	want.units = 2;
	EXPECT_EQ(0, hp_run(&a, draw, &want));
	want.file = "g";
	EXPECT_EQ(0, hp_run(&b, draw, &want));
	EXPECT_EQ(4 * UNIT, CURRENT_2M);
	/* What its parent keeps is its own up to the limits. */
	want.file = "h";
	want.units = 3;
	EXPECT_EQ(ENOSPC, hp_run(&b, draw, &want));
	want.units = 2;
	EXPECT_EQ(0, hp_run(&b, draw, &want));
	EXPECT_EQ(6 * UNIT, CURRENT_2M);
	EXPECT_EQ(1, cg_hp(CG, "events", "max"));
	EXPECT_EQ(0, cg_hp(&b, "events", "max"));
	EXPECT_EQ(0, cg_hp(TOP, "events.local", "max"));
	EXPECT_OK(hp_unhog(&self->env));
}

/* Giving all away and taking it back makes nothing more of it. */
static int churn(void *arg)
{
	struct hp_env *env = arg;
	struct cg *cg = &env->cg, a, b;

	STEP(!become_owner());
	STEP(!make_children(cg, &a, &b));
	for (int i = 0; i < 20; i++) {
		struct cg *x = i % 2 ? &a : &b, *y = i % 2 ? &b : &a;

		STEP(!cg_promise(x, "2MB/node0", 4 * UNIT));
		STEP(cg_promise(y, "2MB/node0", UNIT) == -ENOSPC);
		STEP(!cg_promise(x, "2MB", 0));
	}
	STEP(!cg_promise(&a, "2MB/node0", 4 * UNIT));
	STEP(!rmdir(a.path));
	/* Its share comes back, within seconds. */
	STEP(eventually(!cg_promise(&b, "2MB/node0", 4 * UNIT), 5));
	STEP(cg_promise(&b, "2MB/node0", 5 * UNIT) == -ENOSPC);
	return 0;
}

TEST_F(delegated, shares_come_back_and_no_more)
{
	ASSERT_OK(cg_join_root());
	EXPECT_EQ(0, hp_run(CG, churn, &self->env));
	EXPECT_EQ(8 * UNIT, hp_attr(0, "reserved"));
}

/* --- in a cgroup namespace --- */

FIXTURE(ns) {
	struct hp_env env;
};

static int remount_cgroups(const char *opts)
{
	/* Of the namespace's file system, not of one mount. */
	return mount("none", CG_ROOT, "cgroup2", MS_REMOUNT, opts) ? -errno : 0;
}

FIXTURE_SETUP(ns)
{
	HP_SETUP("pool=2M");
	ASSERT_OK(cg_limit(CG, "2MB", 6 * UNIT));
	ASSERT_OK(cg_promise(TOP, "2MB/node0", 8 * UNIT));
	ASSERT_OK(cg_promise(CG, "2MB/node0", 4 * UNIT));
	ASSERT_OK(remount_cgroups("nsdelegate"));
}

FIXTURE_TEARDOWN_PARENT(ns)
{
	EXPECT_OK(remount_cgroups(""));
	EXPECT_ENDED(&self->env);
}

static int root_of_a_container(void *arg)
{
	struct hp_env *env = arg;
	struct cg a, b;

	/* It is in env->cg, which becomes the root of its namespace. */
	STEP(!unshare(CLONE_NEWCGROUP));
	STEP(cg_limit(&env->cg, "2MB", 100 * UNIT) == -EPERM);
	STEP(cg_write(&env->cg, MAX, "2MB max") == -EPERM);
	STEP(cg_promise(&env->cg, "2MB/node0", 5 * UNIT) == -EPERM);
	STEP(cg_promise(&env->cg, "2MB", 0) == -EPERM);
	/* Below, all is its own. */
	STEP(!make_children(&env->cg, &a, &b));
	STEP(!cg_limit(&a, "2MB", 2 * UNIT));
	STEP(!cg_promise(&a, "2MB/node0", 4 * UNIT));
	STEP(cg_promise(&b, "2MB/node0", UNIT) == -ENOSPC);
	STEP(!cg_join(&a));
	STEP(!fallocate(hp_open(env, "f"), 0, 0, 2 * UNIT));
	STEP(fallocate(hp_open(env, "f"), 0, 0, 3 * UNIT) && errno == ENOSPC);
	return 0;
}

TEST_F(ns, root_of_a_container_is_a_user)
{
	ASSERT_OK(cg_join_root());
	EXPECT_EQ(0, hp_run(CG, root_of_a_container, &self->env));
	EXPECT_EQ(6 * UNIT, cg_hp(CG, "max", "2MB"));
	EXPECT_EQ(4 * UNIT, cg_hp(CG, "min", "2MB"));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
}

TEST_HARNESS_MAIN
