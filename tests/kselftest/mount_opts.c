// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=120
 *
 * pool= as a mount option: the lists that are legal, each kind that is not
 * (EINVAL and a line in the fs context log), what a remount may change, what
 * /proc/mounts and statfs say, and who may mount.
 */
#include <sched.h>
#include <sys/syscall.h>

#include "hp_test.h"

/*
 * Configures a tmpfs with one pool= value up to the creation of the
 * superblock. Returns 0 or -errno of the step that refused, and the log.
 */
static int fs_try(const char *key, const char *val, const char *key2,
		  const char *val2, char *log, size_t len)
{
	int fd = fsopen("tmpfs", FSOPEN_CLOEXEC), ret = 0;
	ssize_t n;

	log[0] = '\0';
	if (fd < 0)
		return -errno;
	if (fsconfig(fd, FSCONFIG_SET_STRING, key, val, 0) ||
	    (key2 && fsconfig(fd, FSCONFIG_SET_STRING, key2, val2, 0)) ||
	    fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		ret = -errno;
	n = read(fd, log, len - 1);
	log[n > 0 ? n : 0] = '\0';
	close(fd);
	return ret;
}

/* --- the list --- */

FIXTURE(list) {
	struct hp_env env;
};

FIXTURE_VARIANT(list) {
	const char *value;
	const char *shown;	/* in /proc/mounts; NULL: refused */
};

FIXTURE_VARIANT_ADD(list, 2M) { "2M", "2M" };
FIXTURE_VARIANT_ADD(list, 2MB) { "2MB", "2M" };
FIXTURE_VARIANT_ADD(list, 2M_base) { "2M+base", "2M+base" };
FIXTURE_VARIANT_ADD(list, 2MB_base) { "2MB+base", "2M+base" };
FIXTURE_VARIANT_ADD(list, empty) { "", NULL };
FIXTURE_VARIANT_ADD(list, base_alone) { "base", NULL };
FIXTURE_VARIANT_ADD(list, base_first) { "base+2M", NULL };
FIXTURE_VARIANT_ADD(list, trailing_plus) { "2M+", NULL };
FIXTURE_VARIANT_ADD(list, leading_plus) { "+2M", NULL };
FIXTURE_VARIANT_ADD(list, double_plus) { "2M++base", NULL };
FIXTURE_VARIANT_ADD(list, twice) { "2M+2M", NULL };
FIXTURE_VARIANT_ADD(list, twice_mixed) { "2M+2MB", NULL };
FIXTURE_VARIANT_ADD(list, base_twice) { "2M+base+base", NULL };
FIXTURE_VARIANT_ADD(list, lower_case) { "2m", NULL };
FIXTURE_VARIANT_ADD(list, upper_base) { "2M+BASE", NULL };
FIXTURE_VARIANT_ADD(list, 4K) { "4K", NULL };
FIXTURE_VARIANT_ADD(list, 64K) { "64K", NULL };
FIXTURE_VARIANT_ADD(list, bytes) { "2097152", NULL };
FIXTURE_VARIANT_ADD(list, kilobytes) { "2048K", NULL };
FIXTURE_VARIANT_ADD(list, 4M) { "4M", NULL };
FIXTURE_VARIANT_ADD(list, 2G) { "2G", NULL };
FIXTURE_VARIANT_ADD(list, space_after) { "2M ", NULL };
FIXTURE_VARIANT_ADD(list, space_before) { " 2M", NULL };
FIXTURE_VARIANT_ADD(list, colon) { "2M:4", NULL };
FIXTURE_VARIANT_ADD(list, prefix) { "2MBx", NULL };
FIXTURE_VARIANT_ADD(list, wrong_order) { "2M+1G", NULL };
FIXTURE_VARIANT_ADD(list, three) { "1G+2M+1G", NULL };
FIXTURE_VARIANT_ADD(list, binary) { "\x01\x02\xff", NULL };
/* Legal lists, but no 1 GB block exists on this machine. */
FIXTURE_VARIANT_ADD(list, empty_class_1G) { "1G", NULL };
FIXTURE_VARIANT_ADD(list, empty_class_1G_base) { "1G+base", NULL };
FIXTURE_VARIANT_ADD(list, empty_class_1G_2M) { "1G+2M", NULL };
FIXTURE_VARIANT_ADD(list, empty_class_1G_2M_base) { "1G+2M+base", NULL };

FIXTURE_SETUP(list)
{
	HP_SETUP(NULL);
}

FIXTURE_TEARDOWN_PARENT(list)
{
	EXPECT_ENDED(&self->env);
}

/* The value of pool= in our line of /proc/mounts; "" when there is none. */
static const char *shown_pool(const char *dir)
{
	static char line[1024];
	FILE *f = fopen("/proc/self/mounts", "re");
	char *p, *end;

	while (f && fgets(line, sizeof(line), f)) {
		p = strstr(line, dir);
		if (!p || p[strlen(dir)] != ' ')
			continue;
		p = strstr(p, ",pool=");
		fclose(f);
		if (!p)
			return "";
		p += 6;
		end = p + strcspn(p, ", \n");
		*end = '\0';
		return p;
	}
	if (f)
		fclose(f);
	return "(not mounted)";
}

TEST_F(list, legal_or_refused)
{
	char opts[64], log[1024];
	int ret;

	ret = fs_try("pool", variant->value, NULL, NULL, log, sizeof(log));
	snprintf(opts, sizeof(opts), "pool=%s", variant->value);
	if (variant->shown) {
		ASSERT_EQ(0, ret) TH_LOG("%s", log);
		ASSERT_OK(hp_mount(self->env.dir, opts));
		self->env.mounted = true;
		EXPECT_STREQ(variant->shown, shown_pool(self->env.dir));
		return;
	}
	EXPECT_EQ(-EINVAL, ret);
	/* "e <subsystem>: <text>": an error, and it is about pool=. */
	EXPECT_EQ('e', log[0]);
	EXPECT_TRUE(strstr(log, "pool") != NULL)
		TH_LOG("log is '%s'", log);
	EXPECT_EQ(-EINVAL, hp_mount(self->env.dir, opts));
}

/* --- other options beside it --- */

HP_FIXTURE(opts, NULL);

static int try_mount(struct hp_env *env, const char *opts)
{
	int ret = hp_mount(env->dir, opts);

	return ret ?: hp_umount(env->dir);
}

TEST_F(opts, pool_without_value)
{
	EXPECT_EQ(-EINVAL, try_mount(&self->env, "pool"));
}

TEST_F(opts, huge_other_than_never)
{
	char log[1024];

	EXPECT_EQ(-EINVAL, try_mount(&self->env, "pool=2M,huge=always"));
	EXPECT_EQ(-EINVAL, try_mount(&self->env, "huge=always,pool=2M"));
	EXPECT_EQ(-EINVAL, try_mount(&self->env, "pool=2M,huge=within_size"));
	EXPECT_EQ(-EINVAL, try_mount(&self->env, "huge=advise,pool=2M+base"));
	EXPECT_EQ(-EINVAL, fs_try("pool", "2M", "huge", "always", log,
				  sizeof(log)));
	EXPECT_EQ('e', log[0]);
	EXPECT_OK(try_mount(&self->env, "pool=2M,huge=never"));
	EXPECT_OK(try_mount(&self->env, "huge=never,pool=2M+base"));
}

/* The global switch is for mounts that leave huge= open; this is not one. */
TEST_F(opts, global_huge_switch_does_not_matter)
{
	static const char knob[] =
		"/sys/kernel/mm/transparent_hugepage/shmem_enabled";
	char was[128], *p, *end;
	int fd;

	ASSERT_OK(rd_file(knob, was, sizeof(was)));
	p = strchr(was, '[');
	ASSERT_TRUE(p != NULL);
	end = strchr(++p, ']');
	*end = '\0';
	ASSERT_OK(wr_file(knob, "deny"));
	EXPECT_OK(hp_mount(self->env.dir, "pool=2M"));
	self->env.mounted = true;
	fd = hp_open(&self->env, "a");
	EXPECT_OK(fallocate(fd, 0, 0, UNIT));
	EXPECT_EQ(UNIT, CURRENT_2M);
	EXPECT_OK(wr_file(knob, "force"));
	EXPECT_EQ(1, pwrite(fd, "x", 1, UNIT));
	EXPECT_EQ(2 * UNIT, CURRENT_2M);
	EXPECT_OK(wr_file(knob, p));
}

TEST_F(opts, common_options_work)
{
	EXPECT_OK(try_mount(&self->env, "pool=2M,mode=700,uid=1,gid=2"));
	EXPECT_OK(try_mount(&self->env, "nr_inodes=16,pool=2M+base"));
	EXPECT_OK(try_mount(&self->env, "pool=2M,noswap"));
	EXPECT_OK(try_mount(&self->env, "pool=2M,mpol=interleave:0-1"));
	EXPECT_OK(try_mount(&self->env, "pool=2M,inode64"));
	EXPECT_EQ(-EINVAL, try_mount(&self->env, "pool=2M,nosuch"));
}

TEST_F(opts, nr_inodes_is_kept)
{
	struct statfs st;
	int i;

	ASSERT_OK(hp_mount(self->env.dir, "pool=2M,nr_inodes=5"));
	self->env.mounted = true;
	ASSERT_OK(statfs(self->env.dir, &st));
	EXPECT_EQ(5, st.f_files);
	for (i = 0; i < 4; i++) {
		char name[8] = { 'a' + i };

		EXPECT_LE(0, hp_open(&self->env, name));
	}
	EXPECT_EQ(-ENOSPC, hp_open(&self->env, "z"));
}

/* --- size= --- */

static long long mounted_size(struct hp_env *env, const char *opts)
{
	struct statfs st;
	long long ret = hp_mount(env->dir, opts);

	if (ret)
		return ret;
	ret = statfs(env->dir, &st) ? -errno :
		(long long)st.f_blocks * st.f_bsize;
	hp_umount(env->dir);
	return ret;
}

TEST_F(opts, default_size_is_the_pool)
{
	EXPECT_EQ(hp_sum("2MB/total"), mounted_size(&self->env, "pool=2M"));
	EXPECT_EQ(hp_sum("2MB/total"),
		  mounted_size(&self->env, "pool=2M+base"));
}

TEST_F(opts, percent_is_of_the_pool)
{
	long long half = hp_sum("2MB/total") / 2;

	/* Rounded up to a unit. */
	half = (half + UNIT - 1) / UNIT * UNIT;
	EXPECT_EQ(half, mounted_size(&self->env, "pool=2M,size=50%"));
	EXPECT_EQ(half, mounted_size(&self->env, "size=50%,pool=2M"));
}

TEST_F(opts, size_is_rounded_up_to_a_unit)
{
	EXPECT_EQ(UNIT, mounted_size(&self->env, "pool=2M,size=1"));
	EXPECT_EQ(UNIT, mounted_size(&self->env, "pool=2M,size=2M"));
	EXPECT_EQ(2 * UNIT, mounted_size(&self->env, "pool=2M,size=2049K"));
	EXPECT_EQ(4 * UNIT, mounted_size(&self->env, "size=7M,pool=2M+base"));
}

/* More than the pool is allowed, as on any tmpfs, and never available. */
TEST_F(opts, size_beyond_the_pool)
{
	struct statfs st;

	ASSERT_OK(hp_mount(self->env.dir, "pool=2M,size=1T"));
	self->env.mounted = true;
	ASSERT_OK(statfs(self->env.dir, &st));
	EXPECT_EQ(1UL << 40, st.f_blocks * st.f_bsize);
	EXPECT_GE(hp_sum("free"), (long long)(st.f_bavail * st.f_bsize));
}

/* --- remount --- */

HP_FIXTURE(remount, "pool=2M,size=8M");

static int remount(struct hp_env *env, const char *opts)
{
	return mount("x", env->dir, "tmpfs", MS_REMOUNT, opts) ? -errno : 0;
}

TEST_F(remount, changing_pool_is_refused)
{
	EXPECT_EQ(-EINVAL, remount(&self->env, "pool=2M+base"));
	EXPECT_EQ(-EINVAL, remount(&self->env, "pool=1G"));
	EXPECT_EQ(-EINVAL, remount(&self->env, "pool="));
	EXPECT_STREQ("2M", shown_pool(self->env.dir));
}

TEST_F(remount, repeating_pool_is_fine)
{
	struct statfs st;

	EXPECT_OK(remount(&self->env, "pool=2M"));
	EXPECT_OK(remount(&self->env, "pool=2MB,size=12M"));
	ASSERT_OK(statfs(self->env.dir, &st));
	EXPECT_EQ(6, st.f_blocks);
	EXPECT_STREQ("2M", shown_pool(self->env.dir));
}

TEST_F(remount, without_pool_keeps_it)
{
	int fd;

	EXPECT_OK(remount(&self->env, "size=16M"));
	EXPECT_STREQ("2M", shown_pool(self->env.dir));
	fd = hp_open(&self->env, "a");
	EXPECT_EQ(1, pwrite(fd, "x", 1, 0));
	EXPECT_EQ(UNIT, CURRENT_2M);
}

TEST_F(remount, huge_is_refused)
{
	EXPECT_EQ(-EINVAL, remount(&self->env, "huge=always"));
	EXPECT_EQ(-EINVAL, remount(&self->env, "huge=within_size"));
	EXPECT_OK(remount(&self->env, "huge=never"));
	EXPECT_STREQ("2M", shown_pool(self->env.dir));
}

TEST_F(remount, size_rules)
{
	struct statfs st;
	int fd = hp_open(&self->env, "a");

	ASSERT_OK(fallocate(fd, 0, 0, 3 * UNIT));
	/* Below what is in use: refused, as on any tmpfs. */
	EXPECT_EQ(-EINVAL, remount(&self->env, "size=4M"));
	EXPECT_OK(remount(&self->env, "size=5M"));
	ASSERT_OK(statfs(self->env.dir, &st));
	EXPECT_EQ(3, st.f_blocks);
	EXPECT_EQ(0, st.f_bavail);
}

/* mount(8) hands back all the options it sees in /proc/mounts. */
TEST_F(remount, by_the_mount_command)
{
	EXPECT_OK(hp_exec("mount", "-o", "remount,size=10M", self->env.dir,
			  NULL));
	EXPECT_OK(hp_exec("mount", "-o", "remount,ro", self->env.dir, NULL));
	EXPECT_EQ(-EROFS, hp_open(&self->env, "a"));
	EXPECT_NE(0, hp_exec("mount", "-o", "remount,pool=2M+base",
			     self->env.dir, NULL));
	EXPECT_STREQ("2M", shown_pool(self->env.dir));
}

/* A plain tmpfs cannot become one that draws from the pool. */
HP_FIXTURE(plain, "size=8M");

TEST_F(plain, remount_with_pool_is_refused)
{
	EXPECT_EQ(-EINVAL, remount(&self->env, "pool=2M"));
	EXPECT_STREQ("", shown_pool(self->env.dir));
}

/* --- privilege --- */

HP_FIXTURE(userns, NULL);

static int userns_mount(void *arg)
{
	int ret;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return 77;
	/* An ordinary tmpfs is allowed here: only pool= is not. */
	ret = hp_mount(arg, "size=1M");
	if (ret)
		return 78;
	umount2(arg, MNT_DETACH);
	ret = hp_mount(arg, "pool=2M");
	return -ret;
}

TEST_F(userns, pool_needs_the_initial_namespace)
{
	EXPECT_EQ(EPERM, hp_run(NULL, userns_mount, self->env.dir));
}

static int userns_remount(void *arg)
{
	int ret;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return 77;
	ret = hp_mount(arg, "size=1M");
	if (ret)
		return 78;
	ret = mount("x", arg, "tmpfs", MS_REMOUNT, "pool=2M") ? errno : 0;
	umount2(arg, MNT_DETACH);
	return ret == EPERM || ret == EINVAL ? 0 : 79;
}

TEST_F(userns, nor_by_remount)
{
	EXPECT_OK(hp_run(NULL, userns_remount, self->env.dir));
}

TEST_HARNESS_MAIN
