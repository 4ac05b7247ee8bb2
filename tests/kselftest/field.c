// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=180
 *
 * What users of hugetlb have reported as failures, by kind. Each row first makes
 * the failure happen with hugetlb, so that the situation is the real one, and then
 * shows that it cannot happen here. Comments say what hugetlb did.
 *
 * The numbers are those of the list that this was made from; the reports behind
 * them are of cloud-hypervisor, Kubernetes, PostgreSQL, OpenJ9, Firecracker and
 * others.
 */
#include <stdarg.h>

#include "hp_test.h"
#include "memfd.h"
#include "numa.h"
#include "vm.h"

#define RW	(PROT_READ | PROT_WRITE)
#define TOP	(&self->env.top)

static const struct cg root = { CG_ROOT };

/* Gives hugetlb @n0 and @n1 pages of 2 MB on the two nodes. */
static int hugetlb_pages(int n0, int n1)
{
	char path[128], val[16];
	int want[2] = { n0, n1 };

	for (int node = 0; node < 2; node++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages",
			 node);
		snprintf(val, sizeof(val), "%d", want[node]);
		if (wr_file(path, val) || rd_num(path) != want[node])
			return -ENOMEM;
	}
	return 0;
}

static unsigned char *map_hugetlb(int units, int flags)
{
	return mmap(NULL, units * UNIT, RW,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB | flags, -1, 0);
}

static unsigned char *map_file(int fd, int units)
{
	return mmap(NULL, units * UNIT, RW, MAP_SHARED, fd, 0);
}

/* How many of the first @units can be touched before SIGBUS. */
static int touch_units(unsigned char *p, int units)
{
	for (int i = 0; i < units; i++)
		if (touch_write(p + i * UNIT, 0x5a))
			return i;
	return units;
}

static void __attribute__((format(printf, 1, 2))) hugetlb_did(const char *fmt,
							      ...)
{
	va_list ap;

	printf("# hugetlb: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

FIXTURE(field) {
	struct hp_env env;
};

FIXTURE_SETUP(field)
{
	HP_SETUP("pool=2M,size=4G");
	ASSERT_OK(cg_write(&root, "cgroup.subtree_control", "+hugetlb"));
	ASSERT_OK(cg_write(TOP, "cgroup.subtree_control", "+hugetlb"));
}

FIXTURE_TEARDOWN_PARENT(field)
{
	EXPECT_OK(hugetlb_pages(0, 0));
	EXPECT_ENDED(&self->env);
	EXPECT_OK(cg_write(&root, "cgroup.subtree_control", "-hugetlb"));
}

/* --- 1: SIGBUS instead of an error --- */

/* The limit of the container is 0, the node has all that is wanted. */
TEST_F(field, 1_sigbus_instead_of_an_error_limit_of_0)
{
	int fd = hp_open_sized(&self->env, "f", 4 * UNIT);
	unsigned char *p;

	ASSERT_OK(hugetlb_pages(4, 4));
	ASSERT_OK(cg_write(CG, "hugetlb.2MB.max", "0"));
	p = map_hugetlb(4, MAP_POPULATE);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, touch_units(p, 4));
	hugetlb_did("mmap(MAP_POPULATE) succeeds, the first touch is SIGBUS");
	munmap(p, 4 * UNIT);

	ASSERT_OK(cg_limit(CG, "2MB", 0));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 4 * UNIT));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_EQ(1, cg_event(CG, "max"));
}

/* A virtual machine that starts with less memory than it was given. */
TEST_F(field, 1_sigbus_instead_of_an_error_too_few_blocks)
{
	int fd = hp_open_sized(&self->env, "f", 10 * UNIT), huge;
	struct stat st;
	unsigned char *p;
	char dir[80];

	ASSERT_OK(hugetlb_pages(4, 4));
	p = map_hugetlb(10, MAP_NORESERVE);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(8, touch_units(p, 10));
	hugetlb_did("10 blocks of 8 mapped (MAP_NORESERVE), the 9th is SIGBUS");
	munmap(p, 10 * UNIT);
	snprintf(dir, sizeof(dir), "%s/h", self->env.dir);
	ASSERT_OK(mkdir(dir, 0755));
	ASSERT_OK(mount("none", dir, "hugetlbfs", 0, "pagesize=2M"));
	huge = hp_open(&self->env, "h/f");
	ASSERT_LE(0, huge);
	EXPECT_ERRNO(ENOSPC, fallocate(huge, 0, 0, 10 * UNIT));
	ASSERT_OK(fstat(huge, &st));
	hugetlb_did("fallocate of 10 of 8 is ENOSPC and keeps %llu",
		    st.st_blocks * 512ULL / UNIT);
	EXPECT_EQ(8 * UNIT / 512, st.st_blocks);
	close(huge);
	ASSERT_OK(umount2(dir, MNT_DETACH));

	ASSERT_OK(hp_hog(&self->env, -1, 8 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 10 * UNIT));
	EXPECT_EQ(0, CURRENT_2M);
	ASSERT_OK(fallocate(fd, 0, 0, 8 * UNIT));
	EXPECT_OK(hp_unhog(&self->env));
}

/* Once it was told that it has them, nothing takes them away again. */
TEST_F(field, 1_sigbus_instead_of_an_error_after_success)
{
	int fd = hp_open_sized(&self->env, "f", 8 * UNIT);
	unsigned char *p = map_hugetlb(4, 0), *q = map_file(fd, 8);

	EXPECT_EQ(MAP_FAILED, p);
	ASSERT_OK(hugetlb_pages(4, 0));
	p = map_hugetlb(4, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(cg_write(CG, "hugetlb.2MB.max", "2097152"));
	EXPECT_EQ(1, touch_units(p, 4));
	hugetlb_did("limit lowered after mmap: 1 of 4 can be touched");
	munmap(p, 4 * UNIT);

	ASSERT_NE(MAP_FAILED, q);
	ASSERT_OK(fallocate(fd, 0, 0, 8 * UNIT));
	ASSERT_OK(cg_limit(CG, "2MB", 0));
	ASSERT_OK(hp_hog(&self->env, -1, 0));
	EXPECT_EQ(8, touch_units(q, 8));
	/* Dropping the mapping does not drop what is in the file. */
	munmap(q, 8 * UNIT);
	q = map_file(fd, 8);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(8, touch_units(q, 8));
	EXPECT_OK(hp_unhog(&self->env));
}

/* --- 2: what was reserved is more than the cgroup may have --- */

TEST_F(field, 2_reservation_against_the_limit_of_the_cgroup)
{
	int fd = hp_open_sized(&self->env, "f", 8 * UNIT);
	unsigned char *p;
	char max[32];

	ASSERT_OK(hugetlb_pages(4, 4));
	snprintf(max, sizeof(max), "%lu", 4 * UNIT);
	ASSERT_OK(cg_write(CG, "hugetlb.2MB.max", max));
	/* What a database looks at before it asks. */
	EXPECT_EQ(8, rd_key("/proc/meminfo", "HugePages_Free"));
	p = map_hugetlb(6, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(4, touch_units(p, 6));
	hugetlb_did("6 blocks reserved under a limit of 4, the 5th is SIGBUS");
	munmap(p, 6 * UNIT);

	ASSERT_OK(cg_limit(CG, "2MB", 4 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 6 * UNIT));
	EXPECT_EQ(0, CURRENT_2M);
	/* A program can read what it may have, and then has it. */
	ASSERT_OK(fallocate(fd, 0, 0, cg_hp(CG, "max", "2MB") - CURRENT_2M));
	p = map_file(fd, 4);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(4, touch_units(p, 4));
	EXPECT_EQ(0, cg_hp(CG, "max", "2MB") - CURRENT_2M);
}

/* And memory.max, which hugetlb does not know. */
TEST_F(field, 2_reservation_against_memory_max)
{
	int fd = hp_open_sized(&self->env, "f", 8 * UNIT);
	unsigned char *p;
	char max[32];

	ASSERT_OK(hugetlb_pages(4, 4));
	snprintf(max, sizeof(max), "%lld",
		 cg_num(CG, "memory.current") + 3 * (long long)UNIT);
	ASSERT_OK(cg_write(CG, "memory.max", max));
	p = map_hugetlb(8, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(8, touch_units(p, 8));
	hugetlb_did("16 MB used under a memory.max of about 6 MB");
	munmap(p, 8 * UNIT);

	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 8 * UNIT));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_OK(fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_EQ(0, cg_key(CG, "memory.events", "oom_kill"));
}

/* --- 3: the wrong node --- */

/* A process of node 0, and blocks on node 1 only. */
TEST_F(field, 3_wrong_node_bound_after_the_reservation)
{
	int fd = hp_open_sized(&self->env, "f", 4 * UNIT);
	unsigned char *p;

	ASSERT_OK(hugetlb_pages(0, 4));
	p = map_hugetlb(4, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(range_policy(p, 4 * UNIT, MPOL_BIND, 1));
	EXPECT_EQ(0, touch_units(p, 4));
	hugetlb_did("reserved on node 1, bound to node 0: the touch is SIGBUS");
	munmap(p, 4 * UNIT);

	p = map_file(fd, 4);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(hp_hog(&self->env, 0, 2 * UNIT));
	ASSERT_OK(range_policy(p, 4 * UNIT, MPOL_BIND, 1));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 4 * UNIT));
	EXPECT_ON(0, 0);
	ASSERT_OK(fallocate(fd, 0, 0, 2 * UNIT));
	EXPECT_ON(2, 0);
	EXPECT_EQ(2, touch_units(p, 2));
	EXPECT_OK(hp_unhog(&self->env));
}

/* Two that reserve the same blocks of a node. */
TEST_F(field, 3_wrong_node_reserved_twice)
{
	int a = hp_open_sized(&self->env, "a", 4 * UNIT);
	int b = hp_open_sized(&self->env, "b", 4 * UNIT);
	unsigned char *p, *q;

	ASSERT_OK(hugetlb_pages(4, 4));
	ASSERT_OK(task_policy(MPOL_BIND, 1));
	p = map_hugetlb(4, 0);
	q = map_hugetlb(4, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(4, touch_units(q, 4));
	EXPECT_EQ(0, touch_units(p, 4));
	hugetlb_did("4 blocks of node 0 reserved twice: the first who reserved gets SIGBUS");
	munmap(p, 4 * UNIT);
	munmap(q, 4 * UNIT);

	ASSERT_OK(hp_hog(&self->env, 0, 4 * UNIT));
	ASSERT_OK(fallocate(a, 0, 0, 4 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(b, 0, 0, 4 * UNIT));
	p = map_file(a, 4);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(4, touch_units(p, 4));
	EXPECT_ON(4, 0);
	EXPECT_EQ(4 * 512, numa_maps_pages(p, 0));
	task_policy(MPOL_DEFAULT, 0);
	EXPECT_OK(hp_unhog(&self->env));
}

/* --- 4: theft --- */

static int take_hugetlb(void *arg)
{
	int ready = *(int *)arg;
	unsigned char *p = map_hugetlb(4, 0);

	if (p == MAP_FAILED || touch_units(p, 4) != 4 ||
	    write(ready, "r", 1) != 1)
		return 1;
	pause();
	return 0;
}

/* Runs @fn in @cg until it says by its pipe that it is ready; 0: it did not. */
static pid_t run_until_ready(const struct cg *cg, int (*fn)(void *))
{
	int ends[2];
	pid_t pid;
	char c;

	if (pipe(ends))
		return 0;
	pid = hp_fork();
	if (!pid) {
		close(ends[0]);
		_exit(cg_join(cg) || fn(&ends[1]));
	}
	close(ends[1]);
	if (read(ends[0], &c, 1) != 1) {
		hp_wait(pid);
		pid = 0;
	}
	close(ends[0]);
	return pid;
}

static int take_all(void *arg)
{
	struct hp_env *env = arg;
	long long want = hp_sum("free"), fair = want - hp_sum("reserved");
	int fd = hp_open(env, "thief");

	/* All is refused; what nobody was promised is not. */
	if (!fallocate(fd, 0, 0, want) || errno != ENOSPC)
		return 1;
	if (!fallocate(fd, 0, 0, fair + UNIT) || errno != ENOSPC)
		return 2;
	if (fallocate(fd, 0, 0, fair))
		return 3;
	return !pwrite(fd, "x", 1, fair) || errno != ENOSPC;
}

TEST_F(field, 4_theft_of_what_another_was_promised)
{
	int fd = hp_open(&self->env, "f");
	char path[80];
	pid_t pid;

	ASSERT_OK(hugetlb_pages(4, 0));
	/* All that can be said there: so much, but not so much is yours. */
	ASSERT_OK(cg_write(CG, "hugetlb.2MB.max", "8388608"));
	pid = run_until_ready(&root, take_hugetlb);
	ASSERT_LT(0, pid);
	EXPECT_EQ(MAP_FAILED, map_hugetlb(1, 0));
	EXPECT_EQ(ENOMEM, errno);
	hugetlb_did("another takes all blocks first, then there are none");
	kill(pid, SIGKILL);
	hp_wait(pid);

	for (int i = 0; i < 2; i++) {
		/* What a child is given has to be its parent's. */
		ASSERT_OK(cg_promise(i ? CG : TOP, "2MB/node0", 4 * UNIT));
		ASSERT_OK(cg_promise(i ? CG : TOP, "2MB/node1", 2 * UNIT));
	}
	EXPECT_EQ(0, hp_run(&root, take_all, &self->env));
	EXPECT_EQ(6 * UNIT, hp_sum("free"));
	ASSERT_OK(fallocate(fd, 0, 0, 6 * UNIT));
	EXPECT_ON(4, 2);
	/* Given back it is still there for its owner alone. */
	ASSERT_OK(ftruncate(fd, 0));
	EXPECT_EQ(4 * UNIT, hp_attr(0, "reserved"));
	EXPECT_EQ(6 * UNIT, hp_sum("free"));
	ASSERT_OK(fallocate(fd, 0, 0, 6 * UNIT));
	snprintf(path, sizeof(path), "%s/thief", self->env.dir);
	EXPECT_OK(unlink(path));
}

/* --- 8: a memfd cannot have large pages --- */

TEST_F(field, 8_memfd_without_large_pages)
{
	int plain = memfd_create("plain", 0), fd = HP_MEMFD(0), huge;
	unsigned char *p, *q;

	ASSERT_OK(ftruncate(plain, 4 * UNIT));
	p = map_file(plain, 4);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(4, touch_units(p, 4));
	EXPECT_EQ(0, smaps_field(p, "ShmemPmdMapped"));
	munmap(p, 4 * UNIT);
	ASSERT_OK(hugetlb_pages(4, 0));
	huge = memfd_create("huge", MFD_HUGETLB);
	ASSERT_LE(0, huge);
	EXPECT_ERRNO(EINVAL, ftruncate(huge, UNIT + 4096));
	ASSERT_OK(ftruncate(huge, 4 * UNIT));
	EXPECT_ERRNO(EINVAL, pwrite(huge, "x", 1, 0));
	hugetlb_did("a memfd has no write(2), nor sizes that are no multiple");
	close(huge);

	/* Without a mount, and with all that a file can do. */
	EXPECT_OK(ftruncate(fd, 3 * UNIT + 4096));
	EXPECT_EQ(1, pwrite(fd, "x", 1, 0));
	q = map_file(fd, 4);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(3, touch_units(q, 3));
	EXPECT_EQ(3 * UNIT, smaps_field(q, "ShmemPmdMapped"));
	EXPECT_EQ(3 * UNIT, smaps_field(q, "HugePool"));
}

/* --- 10: holes in the accounts --- */

TEST_F(field, 10_memory_that_no_account_shows)
{
	long long current = cg_num(CG, "memory.current");
	int fd = hp_open_sized(&self->env, "f", 8 * UNIT);
	long rss = vm_status_kb("VmRSS");
	unsigned char *p;

	ASSERT_OK(hugetlb_pages(8, 0));
	p = map_hugetlb(8, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(8, touch_units(p, 8));
	EXPECT_GT(UNIT, cg_num(CG, "memory.current") - current);
	EXPECT_GT(1024, vm_status_kb("VmRSS") - rss);
	EXPECT_EQ(0, smaps_field(p, "Rss"));
	hugetlb_did("16 MB used: memory.current +%lld kB, VmRSS +%ld kB, Rss of smaps 0",
		    (cg_num(CG, "memory.current") - current) / 1024,
		    vm_status_kb("VmRSS") - rss);
	munmap(p, 8 * UNIT);

	current = cg_num(CG, "memory.current");
	rss = vm_status_kb("VmRSS");
	p = map_file(fd, 8);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(8, touch_units(p, 8));
	EXPECT_LE(8 * UNIT, cg_num(CG, "memory.current") - current);
	EXPECT_GT(9 * UNIT, cg_num(CG, "memory.current") - current);
	EXPECT_EQ(8 * UNIT, cg_key(CG, "memory.stat", "hugepool"));
	EXPECT_LE(8 * UNIT / 1024, vm_status_kb("VmRSS") - rss);
	EXPECT_EQ(8 * UNIT, smaps_field(p, "Rss"));
	EXPECT_EQ(8 * UNIT, smaps_field(p, "Pss"));
	EXPECT_EQ(8 * UNIT, smaps_field(p, "HugePool"));
	EXPECT_EQ(8 * UNIT, CURRENT_2M);
	EXPECT_EQ(8 * UNIT, cg_hp(CG, "peak", "2MB"));
	EXPECT_EQ(0, cg_event(CG, "max"));
	/* And nothing is left of it afterwards. */
	munmap(p, 8 * UNIT);
	ASSERT_OK(ftruncate(fd, 0));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_GT(UNIT, cg_num(CG, "memory.current") - current);
}

/* One refused request is one, where many count tries. */
TEST_F(field, 10_failures_are_counted_once)
{
	int fd = hp_open_sized(&self->env, "f", 8 * UNIT);
	unsigned char *p = map_file(fd, 8);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(cg_limit(CG, "2MB", 2 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 8 * UNIT));
	EXPECT_EQ(1, cg_event(CG, "max"));
	EXPECT_EQ(2, touch_units(p, 3));
	EXPECT_EQ(2, cg_event(CG, "max"));
	EXPECT_ERRNO(ENOSPC, pwrite(fd, "x", 1, 7 * UNIT));
	EXPECT_EQ(3, cg_event(CG, "max"));
	EXPECT_EQ(3, cg_event(TOP, "max"));
	EXPECT_EQ(0, cg_event_local(TOP, "max"));
	EXPECT_EQ(0, cg_event(CG, "nospc"));
}

TEST_HARNESS_MAIN
