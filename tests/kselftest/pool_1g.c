// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=pud timeout=600
 *
 * pool=1G and pool=1G+2M, with and without base: which size a place in a file
 * gets, what statfs and stat say of it, what is charged, and what happens when
 * there is no block to be had.
 */
#include <sys/sendfile.h>

#include "hp_test.h"
#include "pud.h"

#define PUNCH		(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define CURRENT_1G	cg_hp(CG, "current", "1GB")

#define EXPECT_CURRENT(in_1g, in_2m)					\
	do {								\
		EXPECT_EQ(in_1g, CURRENT_1G);				\
		EXPECT_EQ(in_2m, CURRENT_2M);				\
	} while (0)

/* --- every list that holds 1G --- */

FIXTURE(list) {
	struct hp_env env;
	int fd;
};

FIXTURE_VARIANT(list) {
	const char *opts, *shown;
	unsigned long smallest;
};

FIXTURE_VARIANT_ADD(list, 1g) { "pool=1G", "pool=1G", GB };
FIXTURE_VARIANT_ADD(list, 1g_base) { "pool=1GB+base", "pool=1G+base", GB };
FIXTURE_VARIANT_ADD(list, 1g_2m) { "pool=1G+2M", "pool=1G+2M", UNIT };
FIXTURE_VARIANT_ADD(list, 1g_2m_base) { "pool=1GB+2MB+base", "pool=1G+2M+base", UNIT };

FIXTURE_SETUP(list)
{
	HP_SETUP(variant->opts);
	self->fd = hp_open(&self->env, "f");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(list)
{
	EXPECT_ENDED(&self->env);
}

TEST_F(list, is_shown)
{
	static char mounts[64 * 1024];
	char *line, *end;

	ASSERT_OK(rd_file("/proc/self/mounts", mounts, sizeof(mounts)));
	line = strstr(mounts, self->env.dir);
	ASSERT_TRUE(line != NULL);
	line[strcspn(line, "\n")] = '\0';
	line = strstr(line, "pool=");
	ASSERT_TRUE(line != NULL);
	end = line + strcspn(line, ", ");
	*end = '\0';
	EXPECT_STREQ(variant->shown, line);
}

TEST_F(list, statfs_and_stat)
{
	long long total = hp_sum("1GB/total");
	struct statfs st;
	struct stat file;

	if (variant->smallest == UNIT)
		total += hp_sum("2MB/total");
	ASSERT_OK(statfs(self->env.dir, &st));
	EXPECT_EQ(variant->smallest, st.f_bsize);
	EXPECT_EQ(variant->smallest, st.f_frsize);
	EXPECT_EQ(total, st.f_blocks * st.f_bsize);
	EXPECT_EQ(total, st.f_bavail * st.f_bsize);
	ASSERT_OK(fallocate(self->fd, 0, 0, GB));
	ASSERT_OK(statfs(self->env.dir, &st));
	EXPECT_EQ(total - GB, st.f_bavail * st.f_bsize);
	EXPECT_EQ(total - GB, st.f_bfree * st.f_bsize);
	ASSERT_OK(fstat(self->fd, &file));
	EXPECT_EQ(UNIT, file.st_blksize);
	EXPECT_EQ(GB / 512, file.st_blocks);
	EXPECT_EQ(GB, file.st_size);
}

TEST_F(list, a_whole_gigabyte_is_a_block)
{
	long long alloc = vm_event("hugepool_alloc");

	ASSERT_OK(fallocate(self->fd, 0, 0, GB));
	EXPECT_CURRENT(GB, 0);
	EXPECT_EQ(alloc + 1, vm_event("hugepool_alloc"));
	EXPECT_EQ(GB, hp_sum("1GB/used"));
	EXPECT_EQ(GB, cg_key(CG, "memory.stat", "hugepool"));
	EXPECT_LE(GB, cg_num(CG, "memory.current"));
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_TRUE(eventually(CURRENT_1G == 0, 10));
	EXPECT_EQ(GB, cg_hp(CG, "peak", "1GB"));
	EXPECT_EQ(0, cg_hp(CG, "peak", "2MB"));
}

/* A file that only a fault or a write fills, once it has its size. */
TEST_F(list, sized_first)
{
	unsigned char *p;

	ASSERT_OK(ftruncate(self->fd, 2 * GB));
	EXPECT_EQ(0, file_blocks(self->fd));
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, GB / 2));
	EXPECT_CURRENT(GB, 0);
	p = mmap(NULL, 2 * GB, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_OK(touch_read(p + GB + 5 * UNIT));
	EXPECT_CURRENT(2 * GB, 0);
	EXPECT_EQ('x', p[GB / 2]);
	p[GB / 2] = 0;
	/* No byte of an earlier owner. */
	EXPECT_EQ(2 * GB, first_not(p, 2 * GB, 0));
}

TEST_F(list, a_hole_costs_nothing)
{
	static unsigned char buf[UNIT];

	memset(buf, 1, sizeof(buf));
	ASSERT_OK(ftruncate(self->fd, 2 * GB + 5));
	ASSERT_EQ(UNIT, pread(self->fd, buf, UNIT, GB - UNIT / 2));
	EXPECT_EQ(UNIT, first_not(buf, UNIT, 0));
	EXPECT_EQ(5, pread(self->fd, buf, UNIT, 2 * GB));
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_HOLE));
	EXPECT_ERRNO(ENXIO, lseek(self->fd, 0, SEEK_DATA));
	EXPECT_CURRENT(0, 0);
}

TEST_F(list, again_costs_nothing)
{
	long long alloc;

	ASSERT_OK(fallocate(self->fd, 0, 0, GB));
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, GB - 1));
	alloc = vm_event("hugepool_alloc");
	ASSERT_OK(cg_limit(CG, "1GB", 0));
	ASSERT_OK(cg_limit(CG, "2MB", 0));
	EXPECT_OK(fallocate(self->fd, 0, 0, GB));
	EXPECT_OK(fallocate(self->fd, FALLOC_FL_KEEP_SIZE, UNIT, UNIT));
	EXPECT_EQ(alloc, vm_event("hugepool_alloc"));
	EXPECT_EQ(0, cg_event(CG, "max"));
	EXPECT_CURRENT(GB, 0);
	EXPECT_EQ(1, pread(self->fd, (char[1]){}, 1, GB - 1));
}

/* What was reserved can be touched, whatever has become of the rest. */
TEST_F(list, reserved_is_reserved)
{
	unsigned char *p;

	ASSERT_OK(fallocate(self->fd, 0, 0, GB));
	ASSERT_OK(cg_limit(CG, "1GB", 0));
	ASSERT_OK(cg_limit(CG, "2MB", 0));
	p = mmap(NULL, GB, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, touch_write(p + GB / 2, 3));
	p[GB / 2] = 0;
	EXPECT_EQ(GB, first_not(p, GB, 0));
	EXPECT_EQ(GB, smaps_field(p, "PudMapped"));
	EXPECT_EQ(0, cg_event(CG, "max"));
}

/* Bytes and where they are, on both sides of a block's end. */
TEST_F(list, io_across_blocks)
{
	static unsigned char want[3 * UNIT], got[3 * UNIT];
	int mem = memfd_create("m", 0), p[2];
	size_t len = sizeof(want), done = 0;
	off_t at = GB - UNIT - 1234, from = at;
	ssize_t n;

	pattern_fill(want, len, 7);
	ASSERT_OK(ftruncate(self->fd, 2 * GB));
	ASSERT_EQ(len, pwrite(self->fd, want, len, at));
	EXPECT_CURRENT(2 * GB, 0);
	ASSERT_EQ(len, pread(self->fd, got, len, at));
	EXPECT_EQ(0, memcmp(want, got, len));
	while (done < len && (n = sendfile(mem, self->fd, &from, len - done)) > 0)
		done += n;
	EXPECT_EQ(len, done);
	ASSERT_EQ(len, pread(mem, got, len, 0));
	EXPECT_EQ(0, memcmp(want, got, len));
	/* Pages of the block pass through a pipe. */
	ASSERT_OK(pipe(p));
	from = GB - 4096;
	ASSERT_EQ(8192, splice(self->fd, &from, p[1], NULL, 8192, 0));
	ASSERT_EQ(8192, read(p[0], got, 8192));
	EXPECT_EQ(0, memcmp(want + (GB - 4096 - at), got, 8192));
	ASSERT_EQ(8192, write(p[1], want, 8192));
	from = 2 * GB - 8192;
	ASSERT_EQ(8192, splice(p[0], NULL, self->fd, &from, 8192, 0));
	ASSERT_EQ(8192, pread(self->fd, got, len, 2 * GB - 8192));
	EXPECT_EQ(0, memcmp(want, got, 8192));
	/* And nothing anywhere else. */
	EXPECT_STAMPS_FD(self->fd, 0, GB_PAGES - 514, 0);
}

TEST_F(list, exec)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/true", self->env.dir);
	ASSERT_EQ(0, hp_exec("cp", "/bin/true", path, NULL));
	EXPECT_EQ(0, hp_exec(path, NULL));
}

/* --- 1G alone: everything is whole blocks --- */

HP_FIXTURE(whole, "pool=1G,size=8G");

TEST_F(whole, the_tail_too)
{
	int fd = hp_open(&self->env, "f");

	ASSERT_EQ(1, pwrite(fd, "x", 1, 0));
	EXPECT_CURRENT(GB, 0);
	EXPECT_EQ(GB, file_blocks(fd));
	/* Grown inside the block, for nothing; then by another. */
	ASSERT_EQ(1, pwrite(fd, "x", 1, GB - 1));
	EXPECT_CURRENT(GB, 0);
	ASSERT_EQ(2, pwrite(fd, "xx", 2, GB - 1));
	EXPECT_CURRENT(2 * GB, 0);
	ASSERT_OK(ftruncate(fd, GB + 1));
	EXPECT_CURRENT(2 * GB, 0);
	ASSERT_OK(ftruncate(fd, GB));
	EXPECT_CURRENT(GB, 0);
	/* Zeroed in place, not given back. */
	ASSERT_OK(fallocate(fd, PUNCH, UNIT, 2 * UNIT));
	ASSERT_OK(ftruncate(fd, UNIT));
	EXPECT_CURRENT(GB, 0);
}

TEST_F(whole, failure_leaves_nothing)
{
	long long used = hp_sum("used");
	int fd = hp_open(&self->env, "f");

	/* More than there is on the machine. */
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 4 * GB));
	EXPECT_EQ(1, cg_event(CG, "nospc"));
	EXPECT_CURRENT(0, 0);
	EXPECT_EQ(used, hp_sum("used"));
	EXPECT_EQ(0, file_blocks(fd));
	/* More than the limit allows. */
	ASSERT_OK(cg_limit(CG, "1GB", 2 * GB));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 3 * GB));
	EXPECT_EQ(1, cg_event(CG, "max"));
	EXPECT_CURRENT(0, 0);
	/* What was there stays, and stays what it was. */
	ASSERT_EQ(5, pwrite(fd, "first", 5, GB + 77));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 3 * GB));
	EXPECT_CURRENT(GB, 0);
	EXPECT_EQ(GB, file_blocks(fd));
	EXPECT_EQ(GB + 82, lseek(fd, 0, SEEK_END));
	ASSERT_OK(cg_write(CG, "memory.hugepool.max", "1GB max"));
	EXPECT_OK(fallocate(fd, 0, 0, 2 * GB));
	EXPECT_CURRENT(2 * GB, 0);
}

TEST_F(whole, at_the_limit)
{
	int fd = hp_open_sized(&self->env, "f", 2 * GB);
	unsigned char *p;

	ASSERT_OK(cg_limit(CG, "1GB", GB));
	p = mmap(NULL, 2 * GB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_OK(touch_write(p, 1));
	EXPECT_EQ(SIGBUS, touch_write(p + GB, 1));
	EXPECT_EQ(SIGBUS, touch_read(p + GB + 5 * UNIT));
	EXPECT_EQ(2, cg_event(CG, "max"));
	EXPECT_ERRNO(ENOSPC, pwrite(fd, "x", 1, GB));
	EXPECT_ERRNO(EFAULT, madvise(p, 2 * GB, MADV_POPULATE_WRITE));
	EXPECT_CURRENT(GB, 0);
	/* 2 MB blocks there are: they are not in the list. */
	EXPECT_EQ(self->env.before.node[0].free_2m, hp_attr(0, "2MB/free"));
	EXPECT_EQ(0, cg_key(CG, "memory.events", "oom_kill"));
	/* Below what is held: no more, and nothing else. */
	ASSERT_OK(cg_limit(CG, "1GB", 0));
	EXPECT_OK(touch_write(p + GB - 1, 1));
	EXPECT_EQ(GB, smaps_field(p, "PudMapped"));
}

TEST_F(whole, memory_max)
{
	int fd = hp_open_sized(&self->env, "f", GB);
	unsigned char *p;

	ASSERT_OK(cg_write(CG, "memory.max", "512M"));
	p = mmap(NULL, GB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(SIGBUS, touch_write(p, 1));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 1));
	EXPECT_ERRNO(ENOSPC, pwrite(fd, "x", 1, 0));
	EXPECT_EQ(0, cg_key(CG, "memory.events", "oom_kill"));
	EXPECT_EQ(0, cg_key(CG, "memory.events", "oom"));
	EXPECT_CURRENT(0, 0);
	EXPECT_EQ(0, cg_hp(CG, "peak", "1GB"));
	ASSERT_OK(cg_write(CG, "memory.max", "max"));
	EXPECT_OK(touch_write(p, 1));
}

TEST_F(whole, limit_of_a_parent_and_of_a_node)
{
	int fd = hp_open(&self->env, "f");

	ASSERT_OK(cg_limit(&self->env.top, "1GB", GB));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 2 * GB));
	EXPECT_EQ(1, cg_event_local(&self->env.top, "max"));
	EXPECT_EQ(0, cg_event(CG, "max"));
	ASSERT_OK(cg_write(&self->env.top, "memory.hugepool.max", "1GB max"));
	/* A node at its limit is one without blocks: the next is tried. */
	ASSERT_OK(cg_limit(CG, "1GB/node0", 0));
	ASSERT_OK(fallocate(fd, 0, 0, GB));
	EXPECT_EQ(GB, cg_hp(CG, "current", "1GB/node1"));
	EXPECT_EQ(0, cg_hp(CG, "current", "1GB/node0"));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, GB, GB));
}

/* --- bound to a node --- */

HP_FIXTURE(bound, "pool=1G,mpol=bind:1,size=8G");

TEST_F(bound, never_another_node)
{
	int fd = hp_open(&self->env, "f");
	char path[256];

	ASSERT_OK(fallocate(fd, 0, 0, GB));
	EXPECT_EQ(GB, hp_attr(1, "1GB/used"));
	snprintf(path, sizeof(path), "%s/memory.hugepool.numa_stat", CG->path);
	EXPECT_EQ(GB, rd_col(path, "shmem.1GB", "N1"));
	EXPECT_EQ(0, rd_col(path, "shmem.1GB", "N0"));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, 0, 2 * GB));
	EXPECT_EQ(0, hp_attr(0, "1GB/used"));
	EXPECT_CURRENT(GB, 0);
}

/* --- size= --- */

HP_FIXTURE(sized, "pool=1G,size=1500M");

TEST_F(sized, what_does_not_fit)
{
	int fd = hp_open(&self->env, "f");

	ASSERT_OK(fallocate(fd, 0, 0, GB));
	EXPECT_ERRNO(ENOSPC, fallocate(fd, 0, GB, 1));
	EXPECT_ERRNO(ENOSPC, pwrite(fd, "x", 1, GB));
	EXPECT_CURRENT(GB, 0);
	/* The mount is full, not the pool. */
	EXPECT_EQ(0, cg_event(CG, "nospc"));
}

/* --- 1G+2M: which of the two --- */

FIXTURE(mixed) {
	struct hp_env env;
	int fd;
};

FIXTURE_VARIANT(mixed) {
	const char *opts;
};

FIXTURE_VARIANT_ADD(mixed, plain) { "pool=1G+2M,size=8G" };
FIXTURE_VARIANT_ADD(mixed, base) { "pool=1G+2M+base,size=8G" };

FIXTURE_SETUP(mixed)
{
	HP_SETUP(variant->opts);
	self->fd = hp_open(&self->env, "f");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(mixed)
{
	EXPECT_ENDED(&self->env);
}

TEST_F(mixed, small_writes_are_small_blocks)
{
	static unsigned char buf[UNIT];

	for (int i = 0; i < 20; i++)
		ASSERT_EQ(UNIT, write(self->fd, buf, UNIT));
	EXPECT_CURRENT(0, 20 * UNIT);
	/* Now it has the size, but not the room. */
	ASSERT_OK(ftruncate(self->fd, GB));
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, GB / 2));
	EXPECT_CURRENT(0, 21 * UNIT);
}

TEST_F(mixed, one_large_write)
{
	/* Pages of zero cost nothing to hold. */
	unsigned char *zero = mmap(NULL, GB + UNIT, PROT_READ,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ASSERT_NE(MAP_FAILED, zero);
	ASSERT_EQ(GB + UNIT, pwrite(self->fd, zero, GB + UNIT, 0));
	EXPECT_CURRENT(GB, UNIT);
}

TEST_F(mixed, the_end_counts)
{
	/* A byte too small; as large as it must be; with a tail. */
	ASSERT_OK(ftruncate(self->fd, GB - 1));
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, UNIT));
	EXPECT_CURRENT(0, UNIT);
	ASSERT_OK(ftruncate(self->fd, 0));
	ASSERT_OK(ftruncate(self->fd, GB));
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, UNIT));
	EXPECT_CURRENT(GB, 0);
	ASSERT_OK(ftruncate(self->fd, GB + 5));
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, GB));
	EXPECT_CURRENT(GB, UNIT);
}

TEST_F(mixed, fallocate_counts_to_its_end)
{
	ASSERT_OK(fallocate(self->fd, FALLOC_FL_KEEP_SIZE, 0, GB + 1));
	EXPECT_CURRENT(GB, UNIT);
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_END));
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_TRUE(eventually(pool_held(CG) == 0, 10));
	/* The block reaches back before the range that was asked for. */
	ASSERT_OK(fallocate(self->fd, 0, UNIT, GB));
	EXPECT_CURRENT(GB, UNIT);
	ASSERT_OK(ftruncate(self->fd, 0));
	ASSERT_OK(fallocate(self->fd, 0, 0, GB - 1));
	EXPECT_CURRENT(0, GB);
}

TEST_F(mixed, present_units_stay)
{
	ASSERT_EQ(5, pwrite(self->fd, "there", 5, 7 * UNIT));
	ASSERT_OK(fallocate(self->fd, 0, 0, 64 * UNIT));
	EXPECT_CURRENT(0, 64 * UNIT);
	ASSERT_OK(fallocate(self->fd, 0, 0, 2 * GB));
	EXPECT_CURRENT(GB, GB);
	EXPECT_EQ(2 * GB, file_blocks(self->fd));
}

TEST_F(mixed, no_block_to_be_had)
{
	ASSERT_OK(cg_limit(CG, "1GB", 0));
	ASSERT_OK(ftruncate(self->fd, GB));
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 0));
	EXPECT_CURRENT(0, UNIT);
	ASSERT_OK(fallocate(self->fd, 0, 0, 8 * UNIT));
	EXPECT_CURRENT(0, 8 * UNIT);
}

TEST_F(mixed, nothing_to_be_had)
{
	bool base = strstr(variant->opts, "base");

	ASSERT_OK(fallocate(self->fd, 0, 0, UNIT));
	ASSERT_OK(cg_limit(CG, "1GB", 0));
	ASSERT_OK(cg_limit(CG, "2MB", 4 * UNIT));
	if (base) {
		/* Goes on in ordinary pages. */
		EXPECT_OK(fallocate(self->fd, 0, 0, 5 * UNIT));
		EXPECT_CURRENT(0, 4 * UNIT);
		EXPECT_EQ(5 * UNIT, file_blocks(self->fd));
	} else {
		EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, GB));
		EXPECT_CURRENT(0, UNIT);
		EXPECT_EQ(UNIT, file_blocks(self->fd));
	}
}

/* Undone from the middle: a block and some units, when the rest is refused. */
TEST_F(mixed, failure_undoes_both_sizes)
{
	if (strstr(variant->opts, "base"))
		return;
	ASSERT_OK(cg_limit(CG, "1GB", GB));
	ASSERT_OK(cg_limit(CG, "2MB", 8 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, 2 * GB));
	EXPECT_CURRENT(0, 0);
	EXPECT_EQ(0, file_blocks(self->fd));
	EXPECT_EQ(hp_sum("1GB/total"), hp_sum("1GB/free"));
	EXPECT_OK(fallocate(self->fd, 0, 0, GB + 8 * UNIT));
	EXPECT_CURRENT(GB, 8 * UNIT);
}

/* --- blocks broken for others --- */

FIXTURE(broken) {
	struct hp_env env;
	int fd;
};

FIXTURE_SETUP(broken)
{
	HP_SETUP("pool=1G+2M,mpol=bind:1,size=8G");
	self->fd = hp_open(&self->env, "f");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(broken)
{
	EXPECT_OK(wr_file(HP_SYSFS "/demote", "0"));
	EXPECT_ENDED(&self->env);
}

TEST_F(broken, whole_again_for_the_next)
{
	long long units = hp_attr(1, "2MB/free");
	int other = hp_open_sized(&self->env, "g", GB);

	/* All 2 MB blocks of the node, and one out of its 1 GB block. */
	ASSERT_OK(fallocate(self->fd, 0, 0, units));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, units, UNIT));
	ASSERT_OK(wr_file(HP_SYSFS "/demote", "1"));
	ASSERT_OK(fallocate(self->fd, 0, units, UNIT));
	EXPECT_EQ(GB, hp_attr(1, "1GB/broken"));
	/* No whole block: units do, of the same block. */
	ASSERT_EQ(1, pwrite(other, "x", 1, 0));
	EXPECT_CURRENT(0, units + 2 * UNIT);
	ASSERT_OK(ftruncate(other, 0));
	ASSERT_OK(ftruncate(self->fd, 0));
	ASSERT_TRUE(eventually(hp_attr(1, "1GB/free") == GB, 10));
	ASSERT_OK(ftruncate(other, GB));
	ASSERT_EQ(1, pwrite(other, "x", 1, 0));
	EXPECT_CURRENT(GB, 0);
}

TEST_HARNESS_MAIN
