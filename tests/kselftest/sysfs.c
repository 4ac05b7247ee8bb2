// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2,gb timeout=180
 *
 * The numbers: what sysfs, meminfo, vmstat and the trace events say, that they
 * add up at rest and while blocks come and go, and that the knobs take what is
 * documented and nothing else.
 */
#include <dirent.h>

#include "hp_test.h"

HP_FIXTURE(sys, "pool=2M");

/* NULL, or the first sum that does not come out on any node. */
static const char *sums(void)
{
	static char why[128];
	struct hp_pool s;

	hp_read(&s);
	if (!s.nr)
		return "no node";
	for (int i = 0; i < s.nr; i++) {
		struct hp_node *n = &s.node[i];
		const char *bad =
			n->total != n->free + n->used + n->poisoned ?
				"total != free + used + poisoned" :
			n->total_2m != n->free_2m + n->used_2m ?
				"2MB/total != free + used" :
			n->total_1g != n->free_1g + n->used_1g ?
				"1GB/total != free + used" :
			n->total != n->total_2m + n->total_1g + n->poisoned ?
				"total != 2MB + 1GB + poisoned" :
			n->reserved > n->free ? "reserved > free" :
			n->reserved < 0 || n->broken < 0 ? "negative" :
			n->broken % (1024 * MB) ? "broken is no multiple" :
			n->total % UNIT ? "total is no multiple" : NULL;

		if (bad) {
			snprintf(why, sizeof(why), "node%d: %s", i, bad);
			return why;
		}
	}
	return NULL;
}

#define EXPECT_SUMS()							\
	do {								\
		const char *__why = sums();				\
		EXPECT_TRUE(!__why)					\
			TH_LOG("%s", __why);				\
	} while (0)

TEST_F(sys, every_node_has_its_files)
{
	static const char * const files[] = {
		"total", "free", "used", "reserved", "poisoned", "2MB/total",
		"2MB/free", "2MB/used", "1GB/total", "1GB/free", "1GB/used",
		"1GB/broken",
	};
	char path[96];

	ASSERT_EQ(2, hp_nr_nodes());
	for (int node = 0; node < 2; node++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(files); i++) {
			EXPECT_LE(0, hp_attr(node, files[i]))
				TH_LOG("node%d/%s", node, files[i]);
			/* They report; they do not take anything. */
			snprintf(path, sizeof(path), HP_SYSFS "/node%d/%s",
				 node, files[i]);
			EXPECT_GT(0, wr_file(path, "0"))
				TH_LOG("node%d/%s", node, files[i]);
		}
	}
}

TEST_F(sys, sums_hold)
{
	int fd = hp_open(&self->env, "f");

	EXPECT_SUMS();
	ASSERT_OK(fallocate(fd, 0, 0, 20 * UNIT));
	EXPECT_SUMS();
	ASSERT_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    3 * UNIT, 5 * UNIT));
	EXPECT_SUMS();
	ASSERT_OK(ftruncate(fd, 0));
	EXPECT_SUMS();
}

/* One file alone is a snapshot of one lock: read while others allocate. */
TEST_F(sys, reading_while_blocks_come_and_go)
{
	double end = now() + 3;
	pid_t pid = hp_fork();
	int fd, rounds = 0;

	if (!pid) {
		fd = hp_open(&self->env, "churn");
		while (now() < end)
			if (fallocate(fd, 0, 0, 16 * UNIT) || ftruncate(fd, 0))
				_exit(1);
		_exit(0);
	}
	while (now() < end) {
		long long used = hp_sum("used"), free = hp_sum("free");

		ASSERT_LE(0, used);
		ASSERT_LE(0, free);
		ASSERT_GE(hp_sum("total"), used);
		ASSERT_GE(hp_sum("total"), free);
		rounds++;
	}
	EXPECT_LT(0, rounds);
	EXPECT_EQ(0, hp_wait(pid));
	EXPECT_SUMS();
}

TEST_F(sys, meminfo)
{
	long long total = hp_sum("total") / 1024, mem;
	int fd = hp_open(&self->env, "f");

	mem = rd_key("/proc/meminfo", "MemTotal");
	EXPECT_LT(total, mem);
	EXPECT_EQ(total, rd_key("/proc/meminfo", "HugePool_Total"));
	EXPECT_EQ(hp_sum("free") / 1024,
		  rd_key("/proc/meminfo", "HugePool_Free"));
	EXPECT_EQ(0, rd_key("/proc/meminfo", "HugePool_Rsvd"));
	ASSERT_OK(fallocate(fd, 0, 0, 10 * UNIT));
	EXPECT_EQ(total, rd_key("/proc/meminfo", "HugePool_Total"));
	EXPECT_EQ(hp_sum("free") / 1024,
		  rd_key("/proc/meminfo", "HugePool_Free"));
	/* What is drawn from the pool was never free memory of the buddy. */
	EXPECT_EQ(mem, rd_key("/proc/meminfo", "MemTotal"));
}

TEST_F(sys, drawing_does_not_cost_free_memory)
{
	int fd = hp_open(&self->env, "f");
	long long before, after;

	ASSERT_OK(fallocate(fd, 0, 0, UNIT));
	before = rd_key("/proc/meminfo", "MemFree");
	ASSERT_OK(fallocate(fd, 0, 0, 40 * UNIT));
	after = rd_key("/proc/meminfo", "MemFree");
	/* 80 MB of pool; a few hundred kB of page cache nodes at most. */
	EXPECT_GT(8 * 1024, before - after);
}

TEST_F(sys, vmstat_events_and_node_counts)
{
	static const char * const events[] = {
		"hugepool_alloc", "hugepool_alloc_fail", "hugepool_free",
		"hugepool_demote", "hugepool_merge",
	};
	long long alloc, freed, failed, nr = 0;
	int fd = hp_open(&self->env, "f");

	for (unsigned int i = 0; i < ARRAY_SIZE(events); i++) {
		EXPECT_LE(0, vm_event(events[i])) TH_LOG("%s", events[i]);
	}
	alloc = vm_event("hugepool_alloc");
	freed = vm_event("hugepool_free");
	failed = vm_event("hugepool_alloc_fail");
	ASSERT_EQ(0, vm_event("nr_hugepool"));
	ASSERT_OK(fallocate(fd, 0, 0, 6 * UNIT));
	EXPECT_EQ(alloc + 6, vm_event("hugepool_alloc"));
	EXPECT_EQ(6 * 512, vm_event("nr_hugepool"));
	for (int node = 0; node < hp_nr_nodes(); node++) {
		char path[64];

		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%d/vmstat", node);
		nr += rd_key(path, "nr_hugepool");
	}
	EXPECT_EQ(6 * 512, nr);
	ASSERT_OK(ftruncate(fd, 0));
	EXPECT_EQ(freed + 6, vm_event("hugepool_free"));
	EXPECT_EQ(0, vm_event("nr_hugepool"));
	EXPECT_EQ(failed, vm_event("hugepool_alloc_fail"));
	ASSERT_OK(cg_limit(CG, "2MB", 0));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 1));
	EXPECT_LT(failed, vm_event("hugepool_alloc_fail"));
}

/* --- knobs --- */

TEST_F(sys, demote_takes_0_and_1)
{
	static const char knob[] = HP_SYSFS "/demote";
	static const char * const bad[] = { "2", "-1", "yes please", "", "1 1",
					    "\n", "0x1", "10" };

	ASSERT_EQ(0, rd_num(knob));
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		/* An empty write never reaches the kernel's store function. */
		if (!*bad[i])
			continue;
		EXPECT_EQ(-EINVAL, wr_file(knob, bad[i])) TH_LOG("'%s'", bad[i]);
		EXPECT_EQ(0, rd_num(knob));
	}
	EXPECT_OK(wr_file(knob, "1\n"));
	EXPECT_EQ(1, rd_num(knob));
	EXPECT_OK(wr_file(knob, "0"));
	EXPECT_EQ(0, rd_num(knob));
}

/* Ours, by name and by how many can write what. */
TEST_F(sys, permissions)
{
	struct stat st;

	ASSERT_OK(stat(HP_SYSFS "/node0/total", &st));
	EXPECT_EQ(0444, st.st_mode & 0777);
	ASSERT_OK(stat(HP_SYSFS "/demote", &st));
	EXPECT_EQ(0644, st.st_mode & 0777);
}

/* --- trace events --- */

static const char *tracefs(void)
{
	static const char dir[] = "/sys/kernel/tracing";

	if (access(HP_SYSFS, F_OK) == 0 &&
	    access("/sys/kernel/tracing/trace", F_OK))
		mount("tracefs", dir, "tracefs", 0, NULL);
	return dir;
}

static int trace_write(const char *file, const char *val)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", tracefs(), file);
	return wr_file(path, val);
}

static int trace_count(const char *event)
{
	char path[128], line[512];
	int n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/trace", tracefs());
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		n += line[0] != '#' && strstr(line, event) != NULL;
	if (f)
		fclose(f);
	return n;
}

TEST_F(sys, trace_events_fire)
{
	bool mounted = !access("/sys/kernel/tracing/trace", F_OK);
	int fd = hp_open(&self->env, "f");

	ASSERT_OK(trace_write("trace", "\n"));
	ASSERT_OK(trace_write("events/hugepool/enable", "1"));
	ASSERT_OK(fallocate(fd, 0, 0, 3 * UNIT));
	ASSERT_OK(cg_limit(CG, "2MB", 0));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 3 * UNIT, 1));
	ASSERT_OK(ftruncate(fd, UNIT));
	ASSERT_OK(trace_write("events/hugepool/enable", "0"));
	EXPECT_EQ(3, trace_count("hugepool_alloc:"));
	EXPECT_LE(1, trace_count("hugepool_alloc_fail:"));
	EXPECT_EQ(2, trace_count("hugepool_free:"));
	EXPECT_OK(trace_write("trace", "\n"));
	if (!mounted)
		umount("/sys/kernel/tracing");
}

TEST_F(sys, trace_events_exist)
{
	static const char * const events[] = {
		"reserve", "alloc", "alloc_fail", "free", "demote", "merge",
	};
	bool mounted = !access("/sys/kernel/tracing/trace", F_OK);
	char path[128];

	for (unsigned int i = 0; i < ARRAY_SIZE(events); i++) {
		snprintf(path, sizeof(path),
			 "%s/events/hugepool/hugepool_%s/format", tracefs(),
			 events[i]);
		EXPECT_OK(access(path, R_OK)) TH_LOG("%s", path);
	}
	if (!mounted)
		umount("/sys/kernel/tracing");
}

TEST_HARNESS_MAIN
