// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=pud timeout=300
 *
 * Everything that can be done to mappings of pool=1G, pool=1G+2M and pool=2M
 * files at once, at random (pud_mix.h), for HUGEPOOL_SECONDS: 25, and ten minutes
 * in the long run. HUGEPOOL_SEED repeats the choices, though not their order.
 */
#include "hp_test.h"
#include "pud_mix.h"

FIXTURE(stress) {
	struct hp_env env;
	struct mix_shared *mix;
};

FIXTURE_SETUP(stress)
{
	self->mix = mmap(NULL, sizeof(*self->mix), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->mix);
	HP_SETUP(NULL);
}

FIXTURE_TEARDOWN_PARENT(stress)
{
	EXPECT_OK(mix_end(&self->env));
	EXPECT_ENDED(&self->env);
}

TEST_F_TIMEOUT(stress, all_at_once, 1200)
{
	struct mix_shared *s = self->mix;
	const char *why;

	ASSERT_OK(mix_begin(s, &self->env));
	EXPECT_EQ(0, mix_run(s, run_seconds(25, 600), run_seed()))
		TH_LOG("%s", s->why);
	why = s->failed ? NULL : mix_verify(s);
	EXPECT_TRUE(!why)
		TH_LOG("%s", why);
	printf("# %lu operations, %lu pages compared, %lu refused, %lu accesses denied\n",
	       s->ops, s->checked, s->refused, s->denied);
	EXPECT_LT(0, s->checked);
	EXPECT_EQ(0, cg_key(&self->env.top, "memory.events", "oom_kill"));
	EXPECT_EQ(pool_held(CG), cg_key(CG, "memory.stat", "hugepool"));
}

TEST_HARNESS_MAIN
