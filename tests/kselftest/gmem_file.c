// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=kvm timeout=900
 *
 * guest_memfd of blocks as a file: what it can be made of, allocation and holes,
 * the mapping of it, whom it is charged to, where it comes from, and what happens
 * when there is nothing left. See gmem_guest.c for the guest's side.
 */
#include <linux/falloc.h>
#include <pthread.h>
#include <sys/uio.h>

#include "hp_test.h"
#include "cg.h"
#include "gmem.h"
#include "numa.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	240

#define RW		(PROT_READ | PROT_WRITE)
#define BLOCK		(variant->size->block)
#define FLAGS		(variant->size->flags)
#define BIG		(BLOCK == GB)
#define HELD		gmem_held(CG, variant->size)

/* Descriptors that this process has. */
static int nr_fds(void)
{
	int nr = 0;

	for (int fd = 0; fd < 1024; fd++)
		nr += fcntl(fd, F_GETFD) >= 0;
	return nr;
}

FIXTURE(gmem_flags) {
	struct hp_env env;
	int vm;
};

FIXTURE_SETUP(gmem_flags)
{
	HP_SETUP(NULL);
	self->vm = gmem_vm(KVM_X86_DEFAULT_VM);
	ASSERT_LE(0, self->vm);
}

FIXTURE_TEARDOWN_PARENT(gmem_flags)
{
	EXPECT_ENDED(&self->env);
}

TEST_F(gmem_flags, the_capability_has_the_flag_alone)
{
	EXPECT_EQ(GUEST_MEMFD_FLAG_HUGEPOOL | GMEM_SHARED,
		  ioctl(self->vm, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD_FLAGS));
}

TEST_F(gmem_flags, bad_ones_are_refused)
{
	const uint64_t pool = GUEST_MEMFD_FLAG_HUGEPOOL;
	int fds = nr_fds();

	for (uint64_t log = 0; log < 64; log++) {
		uint64_t size = log << GUEST_MEMFD_SIZE_SHIFT;

		if (log) {
			EXPECT_EQ(-EINVAL, gmem_create(self->vm, GB, size));
			EXPECT_EQ(-EINVAL, gmem_create(self->vm, GB,
						       size | GMEM_SHARED));
		}
		if (log == 21 || log == 30)
			continue;
		EXPECT_EQ(-EINVAL, gmem_create(self->vm, GB, pool | size));
		EXPECT_EQ(-EINVAL, gmem_create(self->vm, GB,
					       pool | size | GMEM_SHARED));
	}
	for (int bit = 3; bit < 64; bit++)
		if (bit < GUEST_MEMFD_SIZE_SHIFT || bit > 31) {
			EXPECT_EQ(-EINVAL, gmem_create(self->vm, GB,
						       gmem_2m.flags | 1ULL << bit));
		}
	EXPECT_EQ(fds, nr_fds());
}

TEST_F(gmem_flags, sizes_are_multiples_of_the_block)
{
	static const long long bad[] = {
		0, 1, 4096, UNIT - 4096, UNIT - 1, UNIT + 1, UNIT + 4096, -1,
		-(long long)UNIT, LLONG_MIN, LLONG_MAX,
	};
	int fds = nr_fds(), fd;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, gmem_create(self->vm, bad[i], gmem_2m.flags));
		EXPECT_EQ(-EINVAL, gmem_create(self->vm, bad[i], gmem_1g.flags));
	}
	for (long long units = 1; units < 512; units++) {
		EXPECT_EQ(-EINVAL, gmem_create(self->vm, units * UNIT,
					       gmem_1g.flags));
	}
	EXPECT_EQ(fds, nr_fds());

	/* The file may be larger than the pool: it takes nothing before its use. */
	fd = gmem_create(self->vm, 1024 * GB, gmem_1g.flags);
	EXPECT_LE(0, fd);
	EXPECT_EQ(0, gmem_held(CG, &gmem_1g));
}

TEST_F(gmem_flags, memory_slots_are_multiples_of_the_block)
{
	static const struct { uint64_t gpa, len, off; } bad[] = {
		{ GUEST_TEST + 4096, UNIT, 0 }, { GUEST_TEST, 4096, 0 },
		{ GUEST_TEST, UNIT + 4096, 0 }, { GUEST_TEST, UNIT - 4096, 0 },
		{ GUEST_TEST, UNIT, 4096 }, { GUEST_TEST, UNIT, UNIT - 4096 },
		{ GUEST_TEST, 5 * UNIT, 0 }, { GUEST_TEST, UNIT, 4 * UNIT },
		{ GUEST_TEST, UNIT, -(uint64_t)UNIT }, { GUEST_TEST + UNIT / 2, UNIT, 0 },
	};
	static const struct { uint64_t gpa, len, off; } good[] = {
		{ GUEST_TEST, 4 * UNIT, 0 }, { GUEST_TEST + UNIT, UNIT, 3 * UNIT },
	};
	int fd = gmem_create(self->vm, 4 * UNIT, gmem_2m.flags);
	int big = gmem_create(self->vm, GB, gmem_1g.flags);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, big);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, gmem_slot(self->vm, 1, bad[i].gpa, bad[i].len,
					     fd, bad[i].off, NULL))
			TH_LOG("%zu", i);
	}
	EXPECT_EQ(-EINVAL, gmem_slot(self->vm, 1, GUEST_TEST + UNIT, GB, big, 0, NULL));
	EXPECT_EQ(-EINVAL, gmem_slot(self->vm, 1, GUEST_TEST, UNIT, big, 0, NULL));
	EXPECT_EQ(-EINVAL, gmem_slot(self->vm, 1, GUEST_TEST, GB, big, UNIT, NULL));

	/* What was refused has left no slot, and no binding of the file. */
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		ASSERT_OK(gmem_slot(self->vm, 1, good[i].gpa, good[i].len, fd,
				    good[i].off, NULL));
		ASSERT_OK(gmem_slot(self->vm, 1, good[i].gpa, 0, fd, 0, NULL));
	}
	ASSERT_OK(gmem_slot(self->vm, 1, GUEST_TEST, GB, big, 0, NULL));
	/* Its memory has one place in the guest. */
	EXPECT_EQ(-EEXIST, gmem_slot(self->vm, 2, GUEST_TEST + GB, GB, big, 0, NULL));
}

/* Nobody may follow writes in a guest_memfd: 7.2 refuses it, and we keep that. */
TEST_F(gmem_flags, dirty_logging_is_refused)
{
	struct kvm_userspace_memory_region2 region = {
		.slot = 1, .guest_phys_addr = GUEST_TEST, .memory_size = UNIT,
	};
	int fd = gmem_create(self->vm, UNIT, gmem_2m.flags);

	ASSERT_LE(0, fd);
	region.guest_memfd = fd;
	region.flags = KVM_MEM_GUEST_MEMFD | KVM_MEM_LOG_DIRTY_PAGES;
	EXPECT_ERRNO(EINVAL, ioctl(self->vm, KVM_SET_USER_MEMORY_REGION2, &region));
	region.flags = KVM_MEM_GUEST_MEMFD | KVM_MEM_READONLY;
	EXPECT_ERRNO(EINVAL, ioctl(self->vm, KVM_SET_USER_MEMORY_REGION2, &region));
	region.flags = KVM_MEM_GUEST_MEMFD;
	EXPECT_OK(ioctl(self->vm, KVM_SET_USER_MEMORY_REGION2, &region));
	region.flags = KVM_MEM_GUEST_MEMFD | KVM_MEM_LOG_DIRTY_PAGES;
	EXPECT_ERRNO(EINVAL, ioctl(self->vm, KVM_SET_USER_MEMORY_REGION2, &region));
}

/* --- a file of two blocks --- */

FIXTURE(gmem_file) {
	struct hp_env env;
	int vm, fd;
};

FIXTURE_VARIANT(gmem_file) {
	const struct gmem_size *size;
};

FIXTURE_VARIANT_ADD(gmem_file, 2m) {
	.size = &gmem_2m,
};

FIXTURE_VARIANT_ADD(gmem_file, 1g) {
	.size = &gmem_1g,
};

FIXTURE_SETUP(gmem_file)
{
	HP_SETUP(NULL);
	self->vm = gmem_vm(KVM_X86_DEFAULT_VM);
	ASSERT_LE(0, self->vm);
	self->fd = gmem_create(self->vm, 2 * BLOCK, FLAGS | GMEM_SHARED);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(gmem_file)
{
	EXPECT_ENDED(&self->env);
}

/* All of the file. */
#define MAP_ALL()	({						\
	unsigned char *__p = mmap(NULL, 2 * BLOCK, RW, MAP_SHARED, self->fd, 0); \
	ASSERT_NE(MAP_FAILED, __p);					\
	__p; })

TEST_F(gmem_file, allocation_and_holes)
{
	struct stat st;

	ASSERT_OK(fstat(self->fd, &st));
	EXPECT_EQ(2 * BLOCK, st.st_size);
	EXPECT_EQ(BLOCK, st.st_blksize);
	EXPECT_EQ(0, st.st_blocks);
	ASSERT_OK(fallocate(self->fd, FALLOC_FL_KEEP_SIZE, BLOCK, BLOCK));
	EXPECT_EQ(1, HELD);
	EXPECT_EQ((long long)BLOCK, gmem_stat(CG, variant->size));
	ASSERT_OK(fallocate(self->fd, FALLOC_FL_KEEP_SIZE, 0, 2 * BLOCK));
	EXPECT_EQ(2, HELD);
	ASSERT_OK(fallocate(self->fd, GMEM_PUNCH, 0, BLOCK));
	EXPECT_EQ(1, HELD);
	/* Twice is as good as once. */
	ASSERT_OK(fallocate(self->fd, GMEM_PUNCH, 0, BLOCK));
	EXPECT_EQ(1, HELD);
	ASSERT_OK(fallocate(self->fd, GMEM_PUNCH, 0, 2 * BLOCK));
	EXPECT_EQ(0, HELD);
	EXPECT_EQ(2 * (long long)BLOCK, cg_hp(CG, "peak", variant->size->class));
}

TEST_F(gmem_file, parts_of_a_block_are_refused)
{
	const off_t b = BLOCK;
	const struct { off_t off, len; } bad[] = {
		{ 0, 4096 }, { 4096, b }, { 4096, 4096 }, { b, b - 4096 }, { 0, b + 1 },
		{ 1, b }, { b - 4096, 4096 }, { b - 4096, 2 * b }, { 0, b / 2 },
		{ b / 2, b / 2 }, { b + b / 2, b },
	};

	ASSERT_OK(fallocate(self->fd, FALLOC_FL_KEEP_SIZE, 0, BLOCK));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_ERRNO(EINVAL, fallocate(self->fd, GMEM_PUNCH, bad[i].off, bad[i].len));
		EXPECT_ERRNO(EINVAL, fallocate(self->fd, FALLOC_FL_KEEP_SIZE,
					       bad[i].off, bad[i].len));
	}
	EXPECT_ERRNO(EOPNOTSUPP, fallocate(self->fd, 0, 0, BLOCK));
	EXPECT_ERRNO(EOPNOTSUPP, fallocate(self->fd, FALLOC_FL_KEEP_SIZE |
					   FALLOC_FL_ZERO_RANGE, 0, BLOCK));
	EXPECT_ERRNO(EINVAL, fallocate(self->fd, FALLOC_FL_KEEP_SIZE, 2 * BLOCK, BLOCK));
	EXPECT_EQ(-1, ftruncate(self->fd, BLOCK));
	EXPECT_EQ(1, HELD);
}

TEST_F(gmem_file, is_mapped_by_entries_of_its_size)
{
	unsigned char *p = MAP_ALL();

	EXPECT_EQ(0, (unsigned long)p % BLOCK);
	for (size_t off = 0; off < 2 * BLOCK; off += BLOCK) {
		ASSERT_OK(touch_write(p + off + BLOCK / 3, 0x77));
	}
	EXPECT_EQ(2, HELD);
	EXPECT_EQ(BIG ? 2 * (long long)BLOCK : 0, smaps_field(p, "PudMapped"));
	EXPECT_EQ(BIG ? 0 : 2 * (long long)BLOCK, smaps_field(p, "FilePmdMapped"));
	EXPECT_EQ(2 * (long long)BLOCK, smaps_field(p, "HugePool"));
	EXPECT_EQ(2 * (long long)BLOCK, smaps_field(p, "Rss"));
	EXPECT_EQ(0, p[0]);
	EXPECT_EQ(0x77, p[BLOCK + BLOCK / 3]);
}

TEST_F(gmem_file, a_part_is_mapped_by_smaller_entries)
{
	unsigned char *p = MAP_ALL(), *q;
	size_t some = BIG ? UNIT : 4096;

	ASSERT_OK(touch_write(p, 0x11));
	/* At an odd place: by 2 MB where that fits, else by pages. */
	q = mmap(NULL, some, RW, MAP_SHARED, self->fd, BLOCK - some);
	ASSERT_NE(MAP_FAILED, q);
	ASSERT_OK(touch_write(q, 0x22));
	EXPECT_EQ(0x22, p[BLOCK - some]);
	EXPECT_EQ(0, smaps_field(q, "PudMapped"));
	EXPECT_EQ((long long)some, smaps_field(q, "Rss"));
	/* A page of the large entry gets other rights than the others. */
	ASSERT_OK(mprotect(p + 4096, 4096, PROT_READ));
	EXPECT_EQ(SIGSEGV, touch_write(p + 4096, 1));
	ASSERT_OK(touch_write(p + 8192, 0x33));
	EXPECT_EQ(0x11, p[0]);
	EXPECT_EQ(0x22, p[BLOCK - some]);
	EXPECT_EQ(1, HELD);
}

TEST_F(gmem_file, a_hole_takes_the_mapping_with_it)
{
	unsigned char *p = MAP_ALL();

	memset(p, 0x55, 4096);
	memset(p + BLOCK, 0x66, 4096);
	ASSERT_OK(fallocate(self->fd, GMEM_PUNCH, 0, BLOCK));
	EXPECT_EQ(1, HELD);
	EXPECT_EQ((long long)BLOCK, smaps_field(p, "Rss"));
	EXPECT_EQ(0, p[17]);
	EXPECT_EQ(0x66, p[BLOCK + 17]);
	EXPECT_EQ(2, HELD);
}

/* Every free block is filled, given back, and looked at when it is used again. */
TEST_F(gmem_file, what_others_left_is_not_seen)
{
	long long all = hp_sum(BIG ? "1GB/free" : "2MB/free");
	unsigned char *p;
	int fd;

	for (int turn = 0; turn < 2; turn++) {
		fd = gmem_create(self->vm, all, FLAGS | GMEM_SHARED);
		ASSERT_LE(0, fd);
		p = mmap(NULL, all, RW, MAP_SHARED, fd, 0);
		ASSERT_NE(MAP_FAILED, p);
		for (long long off = 0; off < all; off += 4096) {
			ASSERT_EQ(0, *(uint64_t *)(p + off + turn * 2048))
				TH_LOG("turn %d, offset %lld", turn, off);
		}
		memset(p, 0xff, all);
		munmap(p, all);
		close(fd);
		EXPECT_TRUE(eventually(HELD == 0, 5));
	}
}

TEST_F(gmem_file, other_processes_see_the_same)
{
	unsigned char *p = MAP_ALL();
	char buf[64] = "", told[64] = "from the child";
	struct iovec mine = { buf, sizeof(buf) };
	struct iovec its = { p + BLOCK + 100, sizeof(buf) };
	int pipes[2];
	pid_t pid;

	ASSERT_OK(pipe(pipes));
	pid = hp_fork();
	if (!pid) {
		memcpy(p + BLOCK + 100, told, sizeof(told));
		if (write(pipes[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	ASSERT_EQ(1, read(pipes[0], buf, 1));
	/* Through its page tables, and through ours. */
	EXPECT_EQ(sizeof(buf), process_vm_readv(pid, &mine, 1, &its, 1, 0));
	EXPECT_STREQ(told, buf);
	EXPECT_STREQ(told, (char *)p + BLOCK + 100);
	EXPECT_EQ(1, HELD);
	kill(pid, SIGKILL);
	hp_wait(pid);
}

/* Blocks belong to the file: the VM may go first, and does not take them along. */
TEST_F(gmem_file, outlives_the_machine)
{
	unsigned char *p = MAP_ALL();

	ASSERT_OK(gmem_slot(self->vm, 1, GUEST_TEST, BLOCK, self->fd, 0, NULL));
	ASSERT_OK(touch_write(p, 0x42));
	close(self->vm);
	EXPECT_EQ(0x42, p[0]);
	ASSERT_OK(touch_write(p + BLOCK, 0x43));
	EXPECT_EQ(2, HELD);
	close(self->fd);
	EXPECT_EQ(2, HELD);
	munmap(p, 2 * BLOCK);
	EXPECT_TRUE(eventually(HELD == 0, 5));
}

/* --- whose, and from where --- */

TEST_F(gmem_file, a_limit_gives_ENOMEM_or_SIGBUS)
{
	unsigned char *p = MAP_ALL();
	long long kills = vm_event("oom_kill");

	ASSERT_OK(cg_limit(CG, variant->size->class, BLOCK));
	ASSERT_OK(touch_write(p, 1));
	EXPECT_EQ(SIGBUS, touch_write(p + BLOCK, 1));
	EXPECT_EQ(SIGBUS, touch_read(p + BLOCK));
	EXPECT_ERRNO(ENOMEM, fallocate(self->fd, FALLOC_FL_KEEP_SIZE, BLOCK, BLOCK));
	EXPECT_ERRNO(ENOMEM, fallocate(self->fd, FALLOC_FL_KEEP_SIZE, 0, 2 * BLOCK));
	EXPECT_EQ(4, cg_event(CG, "max"));
	EXPECT_EQ(kills, vm_event("oom_kill"));
	EXPECT_EQ(1, HELD);
	EXPECT_EQ(1, p[0]);
	ASSERT_OK(cg_limit(CG, variant->size->class, 2 * BLOCK));
	EXPECT_OK(touch_write(p + BLOCK, 1));
}

TEST_F(gmem_file, memory_max_is_no_OOM_kill)
{
	/* More than memory.max allows, in blocks of either size. */
	const unsigned long nr = BIG ? 2 : 64, len = nr * BLOCK;
	int fd = gmem_create(self->vm, len, FLAGS | GMEM_SHARED);
	unsigned char *p;
	char max[32];

	ASSERT_LE(0, fd);
	p = mmap(NULL, len, RW, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	snprintf(max, sizeof(max), "%lu", BIG ? GB + 64 * MB : 64 * MB);
	ASSERT_OK(cg_write(CG, "memory.max", max));
	EXPECT_ERRNO(ENOMEM, fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, len));
	EXPECT_LT(0, HELD);
	EXPECT_LT(HELD, nr);
	EXPECT_EQ(SIGBUS, touch_write(p + len - BLOCK, 1));
	EXPECT_EQ(0, cg_mem_event(CG, "oom_kill"));
	EXPECT_EQ(0, cg_mem_event(&self->env.top, "oom_kill"));
	EXPECT_LT(0, cg_mem_event(CG, "max"));
	ASSERT_OK(cg_write(CG, "memory.max", "max"));
	EXPECT_OK(touch_write(p + len - BLOCK, 1));
}

/* By no means: blocks are of one size for good. */
TEST_F(gmem_file, is_not_split)
{
	unsigned char *p = MAP_ALL();
	char cmd[96];

	if (access("/sys/kernel/debug/split_huge_pages", W_OK))
		SKIP(return, "no split_huge_pages in debugfs");
	ASSERT_OK(touch_write(p, 1));
	for (int order = 0; order < 18; order += 9) {
		snprintf(cmd, sizeof(cmd), "%d,0x%lx,0x%lx,%d", getpid(),
			 (unsigned long)p, (unsigned long)p + BLOCK, order);
		wr_file("/sys/kernel/debug/split_huge_pages", cmd);
		EXPECT_EQ(1, HELD);
		EXPECT_EQ(1, p[0]);
	}
}

TEST_F(gmem_file, an_empty_pool_gives_ENOMEM_or_SIGBUS)
{
	unsigned char *p = MAP_ALL();
	long long all = hp_sum(BIG ? "1GB/free" : "2MB/free");
	int hog = gmem_create(self->vm, all, FLAGS);
	long long kills = vm_event("oom_kill");

	ASSERT_LE(0, hog);
	ASSERT_OK(fallocate(hog, FALLOC_FL_KEEP_SIZE, 0, all));
	EXPECT_EQ(0, hp_sum(BIG ? "1GB/free" : "2MB/free"));
	EXPECT_EQ(SIGBUS, touch_write(p, 1));
	EXPECT_ERRNO(ENOMEM, fallocate(self->fd, FALLOC_FL_KEEP_SIZE, 0, BLOCK));
	EXPECT_EQ(2, cg_event(CG, "nospc"));
	/* What was there before the one that is not stays. */
	ASSERT_OK(fallocate(hog, GMEM_PUNCH, 0, BLOCK));
	EXPECT_ERRNO(ENOMEM, fallocate(self->fd, FALLOC_FL_KEEP_SIZE, 0, 2 * BLOCK));
	EXPECT_OK(touch_write(p, 1));
	EXPECT_EQ(SIGBUS, touch_write(p + BLOCK, 1));
	ASSERT_OK(fallocate(hog, GMEM_PUNCH, BLOCK, BLOCK));
	EXPECT_OK(touch_write(p + BLOCK, 1));
	EXPECT_EQ(kills, vm_event("oom_kill"));
}

/* fallocate() by a member of the root cgroup, or -errno. */
static int hog_as_root(const struct cg *home, int fd, off_t off, off_t len)
{
	int ret = cg_join_root();

	if (!ret && fallocate(fd, FALLOC_FL_KEEP_SIZE, off, len))
		ret = -errno;
	return cg_join(home) ?: ret;
}

TEST_F(gmem_file, a_guarantee_is_kept)
{
	unsigned char *p = MAP_ALL();
	long long all = hp_sum(BIG ? "1GB/free" : "2MB/free");
	int hog = gmem_create(self->vm, all, FLAGS);

	ASSERT_LE(0, hog);
	ASSERT_OK(cg_promise(&self->env.top, variant->size->class, BLOCK));
	ASSERT_OK(cg_promise(CG, variant->size->class, BLOCK));
	EXPECT_EQ(-ENOMEM, hog_as_root(CG, hog, 0, all));
	/* Others get all but one. */
	ASSERT_OK(hog_as_root(CG, hog, 0, all - BLOCK));
	EXPECT_EQ(-ENOMEM, hog_as_root(CG, hog, all - BLOCK, BLOCK));
	EXPECT_OK(touch_write(p, 1));
	EXPECT_EQ(SIGBUS, touch_write(p + BLOCK, 1));
}

TEST_F(gmem_file, policies)
{
	unsigned char *p = MAP_ALL();
	long long rest;
	int hog;

	for (int node = 0; node < 2; node++) {
		ASSERT_OK(range_policy(p + node * BLOCK, BLOCK, MPOL_BIND, 1UL << node));
		ASSERT_OK(touch_write(p + node * BLOCK, 1));
		EXPECT_EQ(node, node_at(p + node * BLOCK));
		EXPECT_EQ((long long)BLOCK,
			  held_on(&self->env, CG, variant->size->class, node));
	}
	/* It is of the file, and says where fallocate() takes from, too. */
	ASSERT_OK(fallocate(self->fd, GMEM_PUNCH, 0, 2 * BLOCK));
	ASSERT_OK(range_policy(p, 2 * BLOCK, MPOL_BIND, 2));
	ASSERT_OK(munmap(p, 2 * BLOCK));
	ASSERT_OK(fallocate(self->fd, FALLOC_FL_KEEP_SIZE, 0, BLOCK));
	EXPECT_EQ((long long)BLOCK, held_on(&self->env, CG, variant->size->class, 1));
	/* Nothing left there: no other node's instead. */
	rest = hp_attr(1, BIG ? "1GB/free" : "2MB/free");
	hog = gmem_create(self->vm, rest, FLAGS);
	ASSERT_LE(0, hog);
	ASSERT_OK(task_policy(MPOL_BIND, 2));
	ASSERT_OK(fallocate(hog, FALLOC_FL_KEEP_SIZE, 0, rest));
	ASSERT_OK(task_policy(MPOL_DEFAULT, 0));
	EXPECT_ERRNO(ENOMEM, fallocate(self->fd, FALLOC_FL_KEEP_SIZE, BLOCK, BLOCK));
	EXPECT_EQ(0, held_on(&self->env, CG, variant->size->class, 0));
}

TEST_F(gmem_file, the_policy_of_the_task)
{
	for (int node = 0; node < 2; node++) {
		ASSERT_OK(task_policy(MPOL_BIND, 1UL << node));
		ASSERT_OK(fallocate(self->fd, FALLOC_FL_KEEP_SIZE, node * BLOCK, BLOCK));
		EXPECT_EQ((long long)BLOCK,
			  held_on(&self->env, CG, variant->size->class, node));
	}
	ASSERT_OK(fallocate(self->fd, GMEM_PUNCH, 0, 2 * BLOCK));
	ASSERT_OK(task_policy(MPOL_INTERLEAVE, 3));
	ASSERT_OK(fallocate(self->fd, FALLOC_FL_KEEP_SIZE, 0, 2 * BLOCK));
	EXPECT_EQ((long long)BLOCK, held_on(&self->env, CG, variant->size->class, 0));
	EXPECT_EQ((long long)BLOCK, held_on(&self->env, CG, variant->size->class, 1));
	ASSERT_OK(task_policy(MPOL_DEFAULT, 0));
}

/* --- two at a time --- */

struct race {
	unsigned char *p;
	int fd;
	off_t block;
	pthread_barrier_t start;
	int turns, failed;
};

static void *race_touch(void *arg)
{
	struct race *r = arg;

	for (int turn = 0; turn < r->turns; turn++) {
		pthread_barrier_wait(&r->start);
		if (r->p[r->block / 2] != 0)
			__atomic_fetch_add(&r->failed, 1, __ATOMIC_RELAXED);
		pthread_barrier_wait(&r->start);
	}
	return NULL;
}

static void *race_allocate(void *arg)
{
	struct race *r = arg;

	for (int turn = 0; turn < r->turns; turn++) {
		pthread_barrier_wait(&r->start);
		if (fallocate(r->fd, FALLOC_FL_KEEP_SIZE, 0, r->block))
			__atomic_fetch_add(&r->failed, 1, __ATOMIC_RELAXED);
		pthread_barrier_wait(&r->start);
	}
	return NULL;
}

/* With a limit of one block nobody is told that there is none: SIGBUS would kill. */
TEST_F(gmem_file, a_race_for_the_only_block_has_no_loser)
{
	struct race r = {
		.p = MAP_ALL(), .fd = self->fd, .block = BLOCK,
		.turns = BIG ? 5 : 300,
	};
	pthread_t t[4];

	ASSERT_OK(cg_limit(CG, variant->size->class, BLOCK));
	pthread_barrier_init(&r.start, NULL, 5);
	for (int i = 0; i < 4; i++) {
		ASSERT_OK(pthread_create(&t[i], NULL, i == 3 ? race_allocate : race_touch,
					 &r));
	}
	for (int turn = 0; turn < r.turns; turn++) {
		pthread_barrier_wait(&r.start);
		pthread_barrier_wait(&r.start);
		EXPECT_OK(fallocate(self->fd, GMEM_PUNCH, 0, BLOCK));
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(0, r.failed);
	EXPECT_EQ(0, cg_event(CG, "max"));
	EXPECT_EQ((long long)BLOCK, cg_hp(CG, "peak", variant->size->class));
}

TEST_HARNESS_MAIN
