// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=180
 *
 * Random mount options and random file operations, for a bounded time. The
 * seed is printed; HUGEPOOL_SEED repeats a run, HUGEPOOL_SECONDS prolongs it.
 */
#include <sched.h>

#include "hp_test.h"
#include "shadow.h"

FIXTURE(fuzz) {
	struct hp_env env;
};

FIXTURE_SETUP(fuzz)
{
	HP_SETUP(NULL);
}

FIXTURE_TEARDOWN_PARENT(fuzz)
{
	EXPECT_ENDED(&self->env);
}

/* --- mount options --- */

static const char * const tokens[] = {
	"pool=2M", "pool=2MB", "pool=2M+base", "pool=1G", "pool=1G+2M", "pool=",
	"pool", "pool=+", "pool=2M+", "pool=2M+2M", "pool=base", "pool=2m",
	"pool=2M+1G", "pool=\x01\xff", "huge=never", "huge=always",
	"huge=within_size", "size=4M", "size=1", "size=50%", "size=0", "size=x",
	"size=200%", "mode=700", "uid=0", "nr_inodes=64", "mpol=bind:0",
	"mpol=interleave", "mpol=prefer:1", "noswap", "mpol=bind:9", "bogus",
};

/* Whether an option string must be refused because of what it says of pool=. */
static bool must_refuse(const char *opts)
{
	/* The machine has no 1 GB block: a list with 1G is only good if a later
	 * pool= replaces it.
	 */
	static const char * const good[] = { "2M", "2MB", "2M+base" };
	static const char * const empty[] = { "1G", "1G+2M" };
	char copy[512], *tok, *save = NULL;
	bool pool = false, huge = false, bad = false, last = true, ok;

	snprintf(copy, sizeof(copy), "%s", opts);
	for (tok = strtok_r(copy, ",", &save); tok;
	     tok = strtok_r(NULL, ",", &save)) {
		if (!strcmp(tok, "pool") || !strcmp(tok, "bogus"))
			return true;
		if (!strncmp(tok, "huge=", 5))
			huge = strcmp(tok, "huge=never");
		if (strncmp(tok, "pool=", 5))
			continue;
		last = false;
		for (unsigned int i = 0; i < ARRAY_SIZE(good); i++)
			last |= !strcmp(tok + 5, good[i]);
		ok = last;
		for (unsigned int i = 0; i < ARRAY_SIZE(empty); i++)
			ok |= !strcmp(tok + 5, empty[i]);
		bad |= !ok;
		pool = true;
	}
	return bad || !last || (pool && huge);
}

TEST_F(fuzz, mount_options)
{
	uint64_t rng = run_seed();
	double end = now() + run_seconds(6, 6);
	int tried = 0, mounted = 0;

	while (now() < end) {
		char opts[512] = "";
		int n = 1 + rng_below(&rng, 4), ret;

		for (int i = 0; i < n; i++) {
			size_t len = strlen(opts);

			snprintf(opts + len, sizeof(opts) - len, "%s%s",
				 i ? "," : "",
				 tokens[rng_below(&rng, ARRAY_SIZE(tokens))]);
		}
		ret = hp_mount(self->env.dir, opts);
		tried++;
		if (!ret) {
			mounted++;
			ASSERT_FALSE(must_refuse(opts))
				TH_LOG("mounted with '%s'", opts);
			/* A remount may fail, but must leave a sane mount. */
			mount("x", self->env.dir, "tmpfs", MS_REMOUNT,
			      tokens[rng_below(&rng, ARRAY_SIZE(tokens))]);
			ASSERT_OK(hp_umount(self->env.dir));
			continue;
		}
		ASSERT_EQ(-EINVAL, ret) TH_LOG("'%s'", opts);
	}
	printf("# %d option strings, %d mounted\n", tried, mounted);
	EXPECT_LT(0, mounted);
	EXPECT_LT(mounted, tried);
}

/* Bytes no parser expects: it may only say EINVAL (or mount). */
TEST_F(fuzz, mount_garbage)
{
	uint64_t rng = run_seed();
	double end = now() + run_seconds(3, 3);

	while (now() < end) {
		static const char alphabet[] = "2MG1B+base,=:@ kK0x-%\t";
		char opts[160] = "pool=";
		int n = rng_below(&rng, 24), ret;

		for (int i = 0; i < n; i++)
			opts[5 + i] = alphabet[rng_below(&rng,
						sizeof(alphabet) - 1)];
		opts[5 + n] = '\0';
		ret = hp_mount(self->env.dir, opts);
		if (!ret) {
			ASSERT_FALSE(must_refuse(opts))
				TH_LOG("mounted with '%s'", opts);
			ASSERT_OK(hp_umount(self->env.dir));
		} else {
			ASSERT_EQ(-EINVAL, ret) TH_LOG("'%s'", opts);
		}
	}
}

/* --- file content --- */

FIXTURE(content) {
	struct hp_env env;
};

FIXTURE_VARIANT(content) {
	const char *opts;
};

FIXTURE_VARIANT_ADD(content, pool_2m) { "pool=2M" };
FIXTURE_VARIANT_ADD(content, pool_2m_base) { "pool=2M+base" };

FIXTURE_SETUP(content)
{
	HP_SETUP(variant->opts);
}

FIXTURE_TEARDOWN_PARENT(content)
{
	EXPECT_ENDED(&self->env);
}

TEST_F(content, random_operations)
{
	uint64_t seed = run_seed();
	double end = now() + run_seconds(7, 7);
	struct shadow s;
	char what[160];
	const char *why;
	int step;

	ASSERT_OK(sh_init(&s, hp_open(&self->env, "fuzz"), 13 * MB + 321,
			  seed));
	for (step = 0; now() < end; step++) {
		int ret = sh_random_op(&s, what, sizeof(what));

		ASSERT_EQ(0, ret) TH_LOG("step %d: %s", step, what);
		if (step % 4)
			continue;
		why = sh_verify(&s, rng_below(&s.rng, SH_NR_READS));
		ASSERT_TRUE(!why) TH_LOG("step %d: %s: %s", step, what, why);
	}
	why = sh_verify_all(&s);
	EXPECT_TRUE(!why) TH_LOG("at the end: %s", why);
	printf("# %d operations\n", step);
	EXPECT_LT(10, step);
}

/*
 * The same under a limit the file keeps hitting: an operation may then do less
 * or nothing, but what the file holds stays a prefix of what was asked, the
 * counter never passes the limit and the test is never killed.
 */
TEST_F(content, random_operations_at_the_limit)
{
	uint64_t rng = run_seed();
	double end = now() + run_seconds(5, 5);
	int fd = hp_open(&self->env, "fuzz"), refused = 0;
	static unsigned char buf[3 * MB];

	ASSERT_LE(0, fd);
	ASSERT_OK(cg_limit(CG, "2MB", 3 * UNIT));
	while (now() < end) {
		off_t off = rng_below(&rng, 8 * UNIT);
		size_t len = 1 + rng_below(&rng, sizeof(buf));
		long ret = 0;

		errno = 0;
		switch (rng_below(&rng, 4)) {
		case 0:
			ret = pwrite(fd, buf, len, off);
			break;
		case 1:
			ret = fallocate(fd, 0, off, len);
			break;
		case 2:
			ret = fallocate(fd, FALLOC_FL_PUNCH_HOLE |
					FALLOC_FL_KEEP_SIZE, off, len);
			break;
		case 3:
			ret = ftruncate(fd, off);
			break;
		}
		if (ret < 0) {
			ASSERT_EQ(ENOSPC, errno);
			refused++;
		}
		ASSERT_GE(3 * UNIT, CURRENT_2M);
	}
	if (strstr(variant->opts, "base")) {
		EXPECT_LT(0, cg_event(CG, "fallback"));
	} else {
		EXPECT_LT(0, refused);
	}
}

TEST_HARNESS_MAIN
