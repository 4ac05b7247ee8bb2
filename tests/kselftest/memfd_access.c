// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=180
 *
 * Who may have a memfd of pool memory: CAP_IPC_LOCK in the initial user
 * namespace, or the group of vm.hugepool_shm_group. And what a user namespace
 * does not give: neither that, nor a mount with pool=.
 */
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "hp_test.h"
#include "memfd.h"

#define KNOB	"/proc/sys/vm/hugepool_shm_group"
#define GROUP	4242
#define NOBODY	65534

FIXTURE(access) {
	struct hp_env env;
};

FIXTURE_SETUP(access)
{
	HP_SETUP(NULL);
}

FIXTURE_TEARDOWN_PARENT(access)
{
	EXPECT_OK(wr_file(KNOB, "-1"));
	EXPECT_ENDED(&self->env);
}

/* What creating one, and using it, says: 0 or an errno. */
static int try_memfd(void)
{
	int fd = HP_MEMFD(0), ret = 0;

	if (fd < 0)
		return errno;
	if (pwrite(fd, "x", 1, 0) != 1)
		ret = errno;
	close(fd);
	return ret;
}

struct user {
	gid_t gid;
	gid_t extra;		/* supplementary group, 0: none */
	int keep_cap;		/* of all, CAP_IPC_LOCK alone; -1: none */
};

/* Sets the caller's capabilities to @caps; 0 or an errno. */
static int set_caps(uint64_t caps)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {
		{ .effective = caps, .permitted = caps },
		{ .effective = caps >> 32, .permitted = caps >> 32 },
	};

	return syscall(SYS_capset, &head, data) ? errno : 0;
}

static int become(const struct user *u)
{
	if (setgroups(u->extra ? 1 : 0, &u->extra) || setresgid(u->gid, u->gid,
								u->gid) ||
	    (u->keep_cap > 0 && prctl(PR_SET_KEEPCAPS, 1)) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return 90;
	if (u->keep_cap > 0 && set_caps(1ULL << CAP_IPC_LOCK))
		return 91;
	return 0;
}

static int memfd_as(void *arg)
{
	return become(arg) ?: try_memfd();
}

/* --- capability --- */

TEST_F(access, needs_cap_ipc_lock)
{
	struct user nobody = { NOBODY, 0, 0 }, locker = { NOBODY, 0, 1 };

	EXPECT_EQ(-1, rd_num(KNOB));
	EXPECT_EQ(0, try_memfd());
	EXPECT_EQ(EPERM, hp_run(CG, memfd_as, &nobody));
	EXPECT_EQ(0, hp_run(CG, memfd_as, &locker));
}

static int root_without_cap(void *arg)
{
	/* All but one. */
	return set_caps(~(1ULL << CAP_IPC_LOCK) & ((1ULL << 41) - 1)) ? 92 :
		try_memfd();
}

TEST_F(access, root_without_it_is_nobody)
{
	EXPECT_EQ(EPERM, hp_run(CG, root_without_cap, NULL));
}

/* An argument that makes no sense is said to be that, whoever asks. */
static int bad_as_nobody(void *arg)
{
	struct user nobody = { NOBODY, 0, 0 };
	int ret = become(&nobody);

	if (ret)
		return ret;
	return HP_MEMFD(MFD_HUGETLB) < 0 && errno == EINVAL ? 0 : 93;
}

TEST_F(access, bad_flags_are_einval_for_all)
{
	EXPECT_EQ(0, hp_run(CG, bad_as_nobody, NULL));
}

/* --- group --- */

TEST_F(access, membership_is_enough)
{
	struct user none = { NOBODY, 0, 0 }, main = { GROUP, 0, 0 };
	struct user extra = { NOBODY, GROUP, 0 }, wrong = { GROUP + 1, 0, 0 };

	ASSERT_OK(wr_file(KNOB, "4242"));
	EXPECT_EQ(4242, rd_num(KNOB));
	EXPECT_EQ(EPERM, hp_run(CG, memfd_as, &none));
	EXPECT_EQ(EPERM, hp_run(CG, memfd_as, &wrong));
	EXPECT_EQ(0, hp_run(CG, memfd_as, &main));
	EXPECT_EQ(0, hp_run(CG, memfd_as, &extra));
	/* It takes effect at once, in both directions. */
	ASSERT_OK(wr_file(KNOB, "-1"));
	EXPECT_EQ(EPERM, hp_run(CG, memfd_as, &main));
	EXPECT_EQ(EPERM, hp_run(CG, memfd_as, &extra));
	/* Group 0 is a group as any other, and not the default. */
	ASSERT_OK(wr_file(KNOB, "0"));
	main.gid = 0;
	EXPECT_EQ(0, hp_run(CG, memfd_as, &main));
	EXPECT_EQ(EPERM, hp_run(CG, memfd_as, &none));
}

/* What was created stays usable, and counts against the limits. */
TEST_F(access, membership_widens_no_limit)
{
	struct user main = { GROUP, 0, 0 };

	ASSERT_OK(wr_file(KNOB, "4242"));
	ASSERT_OK(cg_limit(CG, "2MB", 0));
	EXPECT_EQ(ENOSPC, hp_run(CG, memfd_as, &main));
	EXPECT_EQ(1, cg_event(CG, "max"));
}

static int write_knob_as(void *arg)
{
	return become(arg) ?: -wr_file(KNOB, "65534");
}

TEST_F(access, sysctl_values)
{
	static const char * const bad[] = {
		"-2", "-2147483648", "2147483648", "99999999999999999999",
		"x", "root", "0x",
	};
	struct user nobody = { NOBODY, 0, 0 };

	ASSERT_OK(wr_file(KNOB, "7"));
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, wr_file(KNOB, bad[i]))
			TH_LOG("'%s' was accepted", bad[i]);
		EXPECT_EQ(7, rd_num(KNOB)) TH_LOG("after '%s'", bad[i]);
	}
	EXPECT_OK(wr_file(KNOB, "2147483647"));
	EXPECT_EQ(2147483647, rd_num(KNOB));
	EXPECT_OK(wr_file(KNOB, "0"));
	EXPECT_OK(wr_file(KNOB, "-1\n"));
	EXPECT_EQ(-1, rd_num(KNOB));
	EXPECT_EQ(EACCES, hp_run(NULL, write_knob_as, &nobody));
	EXPECT_EQ(-1, rd_num(KNOB));
}

/* --- user namespaces --- */

/* A new user namespace, in which the caller's ids look like these. */
static int enter_userns(uid_t uid, gid_t gid)
{
	uid_t was_uid = geteuid();
	gid_t was_gid = getegid();
	char map[64];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return 94;
	snprintf(map, sizeof(map), "%u %u 1", uid, was_uid);
	if (wr_file("/proc/self/setgroups", "deny") ||
	    wr_file("/proc/self/uid_map", map))
		return 95;
	snprintf(map, sizeof(map), "%u %u 1", gid, was_gid);
	return wr_file("/proc/self/gid_map", map) ? 96 : 0;
}

static int memfd_in_userns(void *arg)
{
	/* Has all capabilities there, as root and as who it was. */
	return become(arg) ?: prctl(PR_SET_DUMPABLE, 1) ? 97 :
	       enter_userns(0, 0) ?: try_memfd();
}

static int root_in_userns(void *arg)
{
	return enter_userns(0, 0) ?: try_memfd();
}

TEST_F(access, capability_of_a_user_namespace_is_none)
{
	struct user nobody = { NOBODY, 0, 0 };

	EXPECT_EQ(EPERM, hp_run(CG, memfd_in_userns, &nobody));
	EXPECT_EQ(EPERM, hp_run(CG, root_in_userns, NULL));
}

/* Calls itself what it is not. */
static int pose_as_group(void *arg)
{
	int ret = become(arg) ?: prctl(PR_SET_DUMPABLE, 1) ? 97 :
		  enter_userns(0, GROUP);

	if (ret)
		return ret;
	if (getegid() != GROUP)
		return 98;
	return try_memfd();
}

TEST_F(access, groups_are_those_of_the_initial_namespace)
{
	struct user nobody = { NOBODY, 0, 0 }, main = { GROUP, 0, 0 };
	struct user extra = { NOBODY, GROUP, 0 };

	ASSERT_OK(wr_file(KNOB, "4242"));
	EXPECT_EQ(EPERM, hp_run(CG, pose_as_group, &nobody));
	/* Who is a member stays one, whatever it is called there. */
	EXPECT_EQ(0, hp_run(CG, memfd_in_userns, &main));
	EXPECT_EQ(0, hp_run(CG, memfd_in_userns, &extra));
}

static int mount_in_userns(void *arg)
{
	struct user nobody = { GROUP, 0, 0 };
	int ret = become(&nobody) ?: prctl(PR_SET_DUMPABLE, 1) ? 97 :
		  enter_userns(0, 0);

	if (ret)
		return ret;
	/* Not for members of the group, either: a mount is the administrator's. */
	if (hp_mount(arg, "size=1M"))
		return 99;
	umount2(arg, MNT_DETACH);
	return -hp_mount(arg, "pool=2M");
}

TEST_F(access, no_mount_in_a_user_namespace)
{
	ASSERT_OK(chmod(self->env.dir, 0777));
	ASSERT_OK(wr_file(KNOB, "4242"));
	EXPECT_EQ(EPERM, hp_run(CG, mount_in_userns, self->env.dir));
}

TEST_HARNESS_MAIN
