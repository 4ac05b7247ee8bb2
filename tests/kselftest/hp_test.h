/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kselftest harness with a timeout fit for a debug kernel under emulation,
 * and the fixture most rows share: a cgroup, a mount, and the teardown that
 * proves that both leave the pool as they found it.
 */
#ifndef HUGEPOOL_TESTS_HP_TEST_H
#define HUGEPOOL_TESTS_HP_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* What went wrong belongs beside the row that says so. */
#define TH_LOG_STREAM	stdout
#include "kselftest_harness.h"
#include "lib.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	120

#define ASSERT_OK(expr)		ASSERT_EQ(0, (expr))
#define EXPECT_OK(expr)		EXPECT_EQ(0, (expr))

/* For calls that answer -1 with errno. */
#define EXPECT_ERRNO(err, expr) ({					\
	errno = 0;							\
	long __r = (long)(expr);					\
	int __e = errno;						\
	EXPECT_EQ(-1, __r)						\
		TH_LOG("%s succeeded", #expr);				\
	EXPECT_EQ(err, __e); })

#define EXPECT_ENDED(env) ({						\
	const char *__why = hp_end(env);				\
	if (__why)							\
		TH_LOG("not as found: %s", __why);			\
	EXPECT_TRUE(!__why); })

/*
 * Setup runs in the child that also runs the test, teardown in its parent
 * after the child is gone: so no mapping or descriptor can keep a block.
 */
#define HP_FIXTURE(name, opts)						\
	FIXTURE(name) { struct hp_env env; };				\
	FIXTURE_SETUP(name) { HP_SETUP(opts); }				\
	FIXTURE_TEARDOWN_PARENT(name) { EXPECT_ENDED(&self->env); }

#define HP_SETUP(opts)	do {						\
	int __r = hp_begin(&self->env, (opts));				\
	if (__r)							\
		hp_end(&self->env);					\
	ASSERT_OK(__r);							\
} while (0)

#define CG		(&self->env.cg)
#define CURRENT_2M	cg_hp(CG, "current", "2MB")

#endif
