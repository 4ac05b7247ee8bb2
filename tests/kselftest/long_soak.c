// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2,gb long=1 timeout=420
 *
 * The same small things for HUGEPOOL_SECONDS (120), a few thousand blocks in
 * all: mounts that come, are filled and go, and cgroups that come, are charged
 * and go, with and without files that outlive them. What is lost a little at a
 * time would show: the counters are looked at after each round, and dead cgroups
 * and kernel memory at the end.
 */
#include "hp_test.h"

#define DEAD_ALLOWED	2	/* cgroups of others, on their way out */
#define MOST		24	/* units a round takes, of each kind */

HP_FIXTURE(soak, "pool=2M");

static long long used_before(const struct hp_env *env)
{
	long long sum = 0;

	for (int node = 0; node < env->before.nr; node++)
		sum += env->before.node[node].used;
	return sum;
}

/* --- what is done to a file --- */

struct job {
	const char *dir;
	const char *name;
	unsigned long units;
	int how;
};

/* 0, or the number of the step that failed. */
static int fill(void *arg)
{
	struct job *j = arg;
	size_t size = j->units * UNIT;
	unsigned char *p;
	char path[128];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/%s", j->dir, j->name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return 1;
	switch (j->how) {
	case 0:
		ret = fallocate(fd, 0, 0, size) ? 2 : 0;
		break;
	case 1:
		for (unsigned long i = 0; i < j->units && !ret; i++)
			ret = pwrite(fd, "soak", 4, i * UNIT + 4094) == 4 ? 0 : 3;
		break;
	default:
		p = ftruncate(fd, size) ? MAP_FAILED :
		    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED)
			ret = 4;
		else if (madvise(p, size, MADV_POPULATE_WRITE))
			ret = 5;
	}
	if (!ret && file_blocks(fd) != (long long)size)
		ret = 6;
	close(fd);
	return ret;
}

static int gone(const char *dir, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return unlink(path) ? -errno : 0;
}

/* --- mounts --- */

/* NULL, or what was wrong. Every fourth mount goes with its files in it. */
static const char *mount_round(struct hp_env *env, int round, unsigned long units)
{
	static const char * const opts[] = {
		"pool=2M", "pool=2M+base", "pool=2M,size=64M", "pool=2M,mpol=interleave",
	};
	char dir[80];
	struct job j = { dir, "f", units, round % 3 };
	const char *why = NULL;
	long long used = hp_sum("used");
	int ret;

	snprintf(dir, sizeof(dir), "%s-soak", env->dir);
	if (mkdir(dir, 0755))
		return "mkdir";
	if (hp_mount(dir, opts[round % ARRAY_SIZE(opts)])) {
		rmdir(dir);
		return "mount";
	}
	/* A child, so that no mapping of ours keeps the mount. */
	ret = hp_run(NULL, fill, &j);
	if (ret)
		why = "filling a file";
	else if (hp_sum("used") != used + (long long)(units * UNIT))
		why = "used does not show what the file holds";
	else if (round % 4 && gone(dir, "f"))
		why = "unlink";
	if (hp_umount(dir))
		why = why ?: "umount";
	if (rmdir(dir))
		why = why ?: "rmdir of the mount point";
	if (!why && !eventually(hp_sum("used") == used, 10))
		why = "used after umount";
	return why;
}

/* Mounts that must be refused, and must not cost anything. */
static const char *refusal_round(struct hp_env *env)
{
	if (hp_mount(env->dir, "pool=2M,huge=always") != -EINVAL)
		return "pool= with huge=";
	if (hp_mount(env->dir, "pool=2M,uid=x") != -EINVAL)
		return "pool= with a bad option after it";
	if (hp_mount(env->dir, "pool=3M") != -EINVAL)
		return "pool=3M";
	return NULL;
}

/* --- cgroups --- */

/* Odd rounds leave a file that outlives its cgroup, the next one removes it. */
static const char *cgroup_round(struct hp_env *env, int round, unsigned long units)
{
	long long held = cg_hp(&env->top, "current", "2MB");
	struct job j = { env->dir, round % 2 ? "odd" : "even", units, round % 3 };
	struct cg outer, inner;

	if (cg_make(&outer, &env->top, "outer") || cg_make(&inner, &outer, "inner"))
		return "new cgroups";
	if (cg_limit(&outer, "2MB", units * UNIT))
		return "writing a limit";
	if (hp_run(&inner, fill, &j))
		return "filling a file in a cgroup";
	if (cg_hp(&inner, "current", "2MB") != (long long)(units * UNIT) ||
	    cg_hp(&outer, "peak", "2MB") != (long long)(units * UNIT) ||
	    cg_hp(&env->top, "current", "2MB") != held + (long long)(units * UNIT))
		return "memory.hugepool.current or peak";
	/* One more than the limit: refused, counted, and without a trace. */
	j.name = "more";
	j.units = 1;
	if (!hp_run(&inner, fill, &j) || cg_event(&outer, "max") < 1)
		return "the limit did not hold";
	if (gone(env->dir, "more"))
		return "unlink of what was refused";
	if (round % 2 == 0 && gone(env->dir, "even"))
		return "unlink before rmdir";
	if (cg_remove(&outer))
		return "rmdir";
	if (round % 2) {
		if (cg_hp(&env->top, "current", "2MB") != held + (long long)(units * UNIT))
			return "the charge of a removed cgroup";
		if (gone(env->dir, "odd"))
			return "unlink after rmdir";
	}
	if (!eventually(cg_hp(&env->top, "current", "2MB") == held, 10))
		return "memory.hugepool.current at the end";
	return NULL;
}

/* --- the whole --- */

/* Cgroups that are removed and still there, once nothing cached keeps them. */
static long long dead_cgroups(void)
{
	wr_file("/proc/sys/vm/drop_caches", "3");
	return rd_key(CG_ROOT "/cgroup.stat", "nr_dying_descendants");
}

static long long kernel_kb(void)
{
	return rd_key("/proc/meminfo", "PageTables") +
	       rd_key("/proc/meminfo", "KernelStack") +
	       rd_key("/proc/meminfo", "Percpu");
}

static const char *one_round(struct hp_env *env, int round, unsigned long units)
{
	const char *why;

	why = mount_round(env, round, units);
	if (!why)
		why = cgroup_round(env, round, units);
	if (!why && round % 16 == 0)
		why = refusal_round(env);
	if (!why && hp_sum("used") != used_before(env))
		why = "used at the end of a round";
	if (!why && hp_sum("reserved"))
		why = "reserved at the end of a round";
	return why;
}

TEST_F_TIMEOUT(soak, nothing_is_lost, 1200)
{
	long long dead = dead_cgroups(), kb = 0;
	unsigned long units, blocks = 0;
	double begin = now(), end = begin + run_seconds(120, 120);
	const char *why;
	int round = 0;

	ASSERT_LE(0, dead);
	do {
		/* All numbers from 1 to MOST, in an order of no meaning. */
		units = 1 + round * 7 % MOST;
		why = one_round(&self->env, round, units);
		if (!why)
			why = hp_settled(&self->env.before, 10);
		ASSERT_TRUE(!why)
			TH_LOG("round %d, %lu units: %s", round, units, why);
		blocks += 2 * units;
		/* The first rounds fill the kernel's caches. */
		if (++round == 8)
			kb = kernel_kb();
	} while (now() < end || round < 16);
	printf("# %d rounds, %lu blocks, %.0f s\n", round, blocks, now() - begin);
	EXPECT_TRUE(eventually(dead_cgroups() <= dead + DEAD_ALLOWED, 60))
		TH_LOG("%lld dead cgroups, %lld before", dead_cgroups(), dead);
	EXPECT_TRUE(eventually(kernel_kb() <= kb + 4096, 60))
		TH_LOG("page tables, stacks and percpu: %lld kB, %lld before",
		       kernel_kb(), kb);
}

TEST_HARNESS_MAIN
