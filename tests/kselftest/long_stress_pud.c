// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=pud long=1 timeout=300
 *
 * The mix of stress_pud while the kernel's allocations fail at random, those of
 * page tables and VMAs first of all. Calls may fail for want of memory; nothing
 * is lost, nothing that was stored changes, and all blocks come back. Needs a
 * kernel with FAILSLAB and FAIL_PAGE_ALLOC. HUGEPOOL_SECONDS (120) is how long.
 */

#include "hp_test.h"
#include "pud_mix.h"

#define DEBUGFS	"/sys/kernel/debug/"

/* Failures only of tasks that ask for them; the probability comes last. */
static const struct setting {
	const char *file, *val;
} settings[] = {
	{ "failslab/task-filter", "Y" },
	{ "failslab/verbose", "0" },
	{ "failslab/ignore-gfp-wait", "N" },
	{ "failslab/interval", "1" },
	{ "failslab/times", "-1" },
	{ "fail_page_alloc/task-filter", "Y" },
	{ "fail_page_alloc/verbose", "0" },
	{ "fail_page_alloc/ignore-gfp-wait", "N" },
	{ "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ "fail_page_alloc/min-order", "0" },
	{ "fail_page_alloc/interval", "1" },
	{ "fail_page_alloc/times", "-1" },
	{ "failslab/probability", "1" },
	{ "fail_page_alloc/probability", "10" },
};

FIXTURE(stress) {
	struct hp_env env;
	struct mix_shared *mix;
	bool set;
	char old[ARRAY_SIZE(settings)][32];
};

static char *path_of(int i)
{
	static char path[128];

	snprintf(path, sizeof(path), DEBUGFS "%s", settings[i].file);
	return path;
}

FIXTURE_SETUP(stress)
{
	if (access(path_of(0), F_OK) || access(path_of(5), F_OK))
		SKIP(return, "a kernel without fault injection");
	self->mix = mmap(NULL, sizeof(*self->mix), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->mix);
	HP_SETUP(NULL);
	for (int i = 0; i < ARRAY_SIZE(settings); i++)
		ASSERT_OK(rd_file(path_of(i), self->old[i], sizeof(self->old[i])));
	self->set = true;
	for (int i = 0; i < ARRAY_SIZE(settings); i++)
		ASSERT_OK(wr_file(path_of(i), settings[i].val));
}

FIXTURE_TEARDOWN_PARENT(stress)
{
	/* Probabilities are off before the filters go. */
	for (int i = ARRAY_SIZE(settings) - 1; self->set && i >= 0; i--)
		EXPECT_OK(wr_file(path_of(i), self->old[i]));
	if (self->set) {
		EXPECT_OK(mix_end(&self->env));
		EXPECT_ENDED(&self->env);
	}
}

TEST_F_TIMEOUT(stress, with_failing_allocations, 1200)
{
	struct mix_shared *s = self->mix;
	const char *why;

	s->inject = 1;
	ASSERT_OK(mix_begin(s, &self->env));
	EXPECT_EQ(0, mix_run(s, run_seconds(120, 120), run_seed()))
		TH_LOG("%s", s->why);
	why = s->failed ? NULL : mix_verify(s);
	EXPECT_TRUE(!why)
		TH_LOG("%s", why);
	printf("# %lu operations, %lu without memory, %lu pages compared, %lu refused, %lu accesses denied\n",
	       s->ops, s->nomem, s->checked, s->refused, s->denied);
	EXPECT_LT(0, s->checked);
	EXPECT_LT(0, s->nomem);
	EXPECT_LT(s->nomem, s->ops);
	EXPECT_EQ(0, cg_key(&self->env.top, "memory.events", "oom_kill"));
}

TEST_HARNESS_MAIN
