// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=kvm timeout=900
 *
 * guest_memfd of blocks as a guest's memory: which entries KVM maps it by, what
 * the guest finds in it, holes under a running CPU, CPUs and the host at the same
 * block, nodes, limits, and memory that is partly private. The CPUs run the jobs
 * of guest.c. See gmem_file.c for the file by itself.
 */
#include <linux/falloc.h>
#include <pthread.h>

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
/* Small blocks are tried by the dozen. */
#define NR_BLOCKS	(BIG ? 2 : 64)
#define SIZE		(NR_BLOCKS * BLOCK)
#define VALUE		0x5a5a000000000001ULL

FIXTURE(gmem_guest) {
	struct hp_env env;
	struct guest g;
	struct guest_maps low;
	int fd;
	unsigned char *p;
};

FIXTURE_VARIANT(gmem_guest) {
	const struct gmem_size *size;
};

FIXTURE_VARIANT_ADD(gmem_guest, 2m) {
	.size = &gmem_2m,
};

FIXTURE_VARIANT_ADD(gmem_guest, 1g) {
	.size = &gmem_1g,
};

/* Low memory is mapped afterwards, and entries that come are the test's. */
static int warm_up(struct guest *g, int cpu)
{
	return guest_do(g, cpu, GUEST_LOOK, (struct guest_range) { 0x1000, 1, 8 },
			NULL);
}

FIXTURE_SETUP(gmem_guest)
{
	HP_SETUP(NULL);
	ASSERT_OK(guest_open(&self->g, KVM_X86_DEFAULT_VM, 3));
	self->fd = gmem_create(self->g.vm, SIZE, FLAGS | GMEM_SHARED);
	ASSERT_LE(0, self->fd);
	ASSERT_OK(gmem_slot(self->g.vm, 1, GUEST_TEST, SIZE, self->fd, 0, NULL));
	self->p = mmap(NULL, SIZE, RW, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	for (int cpu = 0; cpu < 3; cpu++) {
		ASSERT_OK(warm_up(&self->g, cpu));
	}
	self->low = guest_maps(&self->g);
	EXPECT_EQ(0, self->low.g);
	EXPECT_EQ(0, self->low.m);
}

FIXTURE_TEARDOWN_PARENT(gmem_guest)
{
	EXPECT_ENDED(&self->env);
}

/* Words of @nr blocks of a file that begins at GUEST_TEST, from @first on. */
static struct guest_range words(unsigned long block, unsigned int first,
				unsigned int nr, unsigned long step)
{
	return (struct guest_range) {
		GUEST_TEST + first * block, nr * block / step, step, VALUE,
	};
}

/* One in each 4 KB, and one in each 2 MB. */
#define PAGES_OF(first, nr)	words(BLOCK, first, nr, 4096)
#define UNITS_OF(first, nr)	words(BLOCK, first, nr, UNIT)

#define EXPECT_JOB(want, cpu, job, range) ({				\
	uint64_t __got = 0;						\
	EXPECT_OK(guest_do(&self->g, cpu, job, range, &__got));		\
	EXPECT_EQ(want, __got); })

/* What the guest has written, as the host sees it. */
static unsigned long host_wrong(const unsigned char *p, struct guest_range r)
{
	unsigned long wrong = 0;

	for (uint64_t i = 0; i < r.nr; i++, r.gpa += r.step)
		wrong += *(uint64_t *)(p + (r.gpa - GUEST_TEST)) !=
			 guest_word(r.gpa, r.value);
	return wrong;
}

TEST_F(gmem_guest, entries_are_as_large_as_the_blocks)
{
	long long faults = gmem_kvm_stat(self->g.cpu[0].fd, "pf_fixed");

	EXPECT_JOB(0, 0, GUEST_LOOK, PAGES_OF(0, NR_BLOCKS));
	EXPECT_MAPS(&self->g, self->low, BIG ? NR_BLOCKS : 0, BIG ? 0 : NR_BLOCKS, 0);
	EXPECT_EQ(NR_BLOCKS, gmem_kvm_stat(self->g.cpu[0].fd, "pf_fixed") - faults);
	EXPECT_EQ(NR_BLOCKS, HELD);
	EXPECT_JOB(0, 0, GUEST_FILL, PAGES_OF(0, NR_BLOCKS));
	EXPECT_JOB(0, 1, GUEST_CHECK, PAGES_OF(0, NR_BLOCKS));
	EXPECT_EQ(NR_BLOCKS, gmem_kvm_stat(self->g.cpu[0].fd, "pf_fixed") - faults);
	EXPECT_EQ(0, host_wrong(self->p, PAGES_OF(0, NR_BLOCKS)));
	EXPECT_MAPS(&self->g, self->low, BIG ? NR_BLOCKS : 0, BIG ? 0 : NR_BLOCKS, 0);
}

TEST_F(gmem_guest, the_host_writes_what_the_guest_reads)
{
	for (uint64_t off = 0; off < SIZE; off += UNIT)
		*(uint64_t *)(self->p + off) = guest_word(GUEST_TEST + off, VALUE);
	EXPECT_JOB(0, 0, GUEST_CHECK, UNITS_OF(0, NR_BLOCKS));
	EXPECT_EQ(NR_BLOCKS, HELD);
}

TEST_F(gmem_guest, a_new_block_is_zero)
{
	for (int turn = 0; turn < 2; turn++) {
		EXPECT_JOB(0, 0, GUEST_LOOK, PAGES_OF(0, NR_BLOCKS));
		EXPECT_JOB(0, 0, GUEST_FILL, PAGES_OF(0, NR_BLOCKS));
		ASSERT_OK(fallocate(self->fd, GMEM_PUNCH, 0, SIZE));
		EXPECT_EQ(0, HELD);
		EXPECT_MAPS(&self->g, self->low, 0, 0, 0);
	}
}

/* The other blocks stay mapped: no CPU takes a fault on them again. */
TEST_F(gmem_guest, a_hole_unmaps_what_was_removed)
{
	long long faults;

	EXPECT_JOB(0, 0, GUEST_FILL, UNITS_OF(0, NR_BLOCKS));
	faults = gmem_kvm_stat(self->g.cpu[0].fd, "pf_fixed");
	ASSERT_OK(fallocate(self->fd, GMEM_PUNCH, BLOCK, BLOCK));
	EXPECT_MAPS(&self->g, self->low, BIG ? NR_BLOCKS - 1 : 0,
		    BIG ? 0 : NR_BLOCKS - 1, 0);
	EXPECT_EQ(NR_BLOCKS - 1, HELD);
	EXPECT_JOB(0, 0, GUEST_CHECK, UNITS_OF(0, 1));
	if (!BIG) {
		EXPECT_JOB(0, 0, GUEST_CHECK, UNITS_OF(2, NR_BLOCKS - 2));
	}
	EXPECT_EQ(faults, gmem_kvm_stat(self->g.cpu[0].fd, "pf_fixed"));
	EXPECT_JOB(0, 0, GUEST_LOOK, PAGES_OF(1, 1));
	EXPECT_EQ(faults + 1, gmem_kvm_stat(self->g.cpu[0].fd, "pf_fixed"));
	EXPECT_EQ(NR_BLOCKS, HELD);
}

struct spinner {
	struct guest *g;
	int cpu, ret;
	struct guest_range range;
	uint64_t rounds;
};

static void *spin(void *arg)
{
	struct spinner *s = arg;

	s->ret = guest_do(s->g, s->cpu, GUEST_SPIN, s->range, &s->rounds);
	return NULL;
}

/*
 * Blocks are taken away from under two CPUs that write to all of them. What the
 * pool hands out next must not be written by the guest.
 */
TEST_F(gmem_guest, holes_under_running_CPUs)
{
	struct spinner s[2];
	pthread_t t[2];
	uint64_t rng = run_seed();
	double end = now() + run_seconds(BIG ? 10 : 5, 60);
	int punched = 0, reused = 0, other;
	unsigned char *q;

	other = gmem_create(self->g.vm, BLOCK, FLAGS | GMEM_SHARED);
	ASSERT_LE(0, other);
	q = mmap(NULL, BLOCK, RW, MAP_SHARED, other, 0);
	ASSERT_NE(MAP_FAILED, q);
	/* From one node, that has no more than this: so it is often the one just freed. */
	ASSERT_OK(range_policy(self->p, SIZE, MPOL_BIND, 1));
	ASSERT_OK(range_policy(q, BLOCK, MPOL_BIND, 1));
	for (int i = 0; i < 2; i++) {
		s[i] = (struct spinner) { &self->g, i, 0, UNITS_OF(0, NR_BLOCKS - 1) };
		s[i].range.gpa += 64 * i;
		ASSERT_OK(pthread_create(&t[i], NULL, spin, &s[i]));
	}
	while (now() < end) {
		off_t off = rng_below(&rng, NR_BLOCKS - 1) * BLOCK;
		unsigned long pfn;

		ASSERT_OK(touch_read(self->p + off));
		pfn = pfn_of(self->p + off);
		ASSERT_OK(fallocate(self->fd, GMEM_PUNCH, off, BLOCK));
		ASSERT_OK(touch_read(q));
		reused += pfn_of(q) == pfn;
		for (uint64_t u = 0; u < BLOCK; u += UNIT)
			for (int i = 0; i < 2; i++) {
				ASSERT_EQ(0, *(uint64_t *)(q + u + 64 * i));
			}
		ASSERT_OK(fallocate(other, GMEM_PUNCH, 0, BLOCK));
		punched++;
	}
	guest_stop_spinning(&self->g, true);
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], NULL);
		EXPECT_EQ(0, s[i].ret);
		EXPECT_LT(0, s[i].rounds);
		EXPECT_JOB(0, i, GUEST_FILL, s[i].range);
		EXPECT_JOB(0, 2, GUEST_CHECK, s[i].range);
	}
	TH_LOG("%d holes, %d blocks at once in other hands, %llu rounds", punched, reused,
	       (unsigned long long)(s[0].rounds + s[1].rounds));
	EXPECT_LT(0, reused);
}

struct toucher {
	pthread_barrier_t *start;
	struct guest *g;
	int cpu, turns, wrong;	/* cpu -1: the host */
	struct guest_range range;
	unsigned char *p;
};

static void *touch_for_ever(void *arg)
{
	struct toucher *t = arg;

	while (!__atomic_load_n(&t->turns, __ATOMIC_RELAXED))
		t->wrong += touch_read(t->p) != 0;
	return NULL;
}

/*
 * What was removed is charged until nobody has it any more, and those who waited for
 * it want a block at once: with a limit of just what there is they get one.
 */
TEST_F(gmem_guest, holes_at_the_limit)
{
	struct toucher host = { .p = self->p };
	double end = now() + run_seconds(BIG ? 10 : 5, 60);
	struct spinner s[2];
	pthread_t t[3];

	ASSERT_OK(cg_limit(CG, variant->size->class, BLOCK));
	for (int i = 0; i < 2; i++) {
		s[i] = (struct spinner) { &self->g, i, 0, UNITS_OF(0, 1) };
		ASSERT_OK(pthread_create(&t[i], NULL, spin, &s[i]));
	}
	ASSERT_OK(pthread_create(&t[2], NULL, touch_for_ever, &host));
	while (now() < end)
		ASSERT_OK(fallocate(self->fd, GMEM_PUNCH, 0, BLOCK));
	guest_stop_spinning(&self->g, true);
	__atomic_store_n(&host.turns, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(0, s[0].ret);
	EXPECT_EQ(0, s[1].ret);
	EXPECT_EQ(0, host.wrong);
	EXPECT_EQ(0, cg_event(CG, "max"));
	EXPECT_EQ((long long)BLOCK, cg_hp(CG, "peak", variant->size->class));
}

static void *touch_together(void *arg)
{
	struct toucher *t = arg;
	uint64_t bits;

	for (int turn = 0; turn < t->turns; turn++) {
		pthread_barrier_wait(t->start);
		if (t->cpu < 0)
			t->wrong += *(uint64_t *)t->p != 0;
		else
			t->wrong += guest_do(t->g, t->cpu, GUEST_LOOK, t->range,
					     &bits) || bits;
		pthread_barrier_wait(t->start);
	}
	return NULL;
}

/* There is one block for all of them, and nobody is told that there is none. */
TEST_F(gmem_guest, a_race_for_the_only_block_has_no_loser)
{
	struct toucher a[4];
	pthread_barrier_t start;
	pthread_t t[4];
	int turns = BIG ? 5 : 200;

	ASSERT_OK(cg_limit(CG, variant->size->class, BLOCK));
	pthread_barrier_init(&start, NULL, 5);
	for (int i = 0; i < 4; i++) {
		a[i] = (struct toucher) { &start, &self->g, i < 3 ? i : -1, turns, 0,
					  UNITS_OF(1, 1), self->p + BLOCK };
		ASSERT_OK(pthread_create(&t[i], NULL, touch_together, &a[i]));
	}
	for (int turn = 0; turn < turns; turn++) {
		pthread_barrier_wait(&start);
		pthread_barrier_wait(&start);
		EXPECT_OK(fallocate(self->fd, GMEM_PUNCH, BLOCK, BLOCK));
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		EXPECT_EQ(0, a[i].wrong);
	}
	EXPECT_EQ(0, cg_event(CG, "max"));
}

/* --- nodes, limits, the end --- */

TEST_F(gmem_guest, nodes)
{
	for (int node = 0; node < 2; node++) {
		ASSERT_OK(range_policy(self->p + node * BLOCK, BLOCK, MPOL_BIND,
				       1UL << node));
		EXPECT_JOB(0, 0, GUEST_LOOK, UNITS_OF(node, 1));
		EXPECT_EQ((long long)BLOCK,
			  held_on(&self->env, CG, variant->size->class, node));
	}
	ASSERT_OK(fallocate(self->fd, GMEM_PUNCH, 0, SIZE));
	/* Without one for the file it is that of the task which runs the CPU. */
	ASSERT_OK(range_policy(self->p, SIZE, MPOL_DEFAULT, 0));
	for (int node = 1; node >= 0; node--) {
		ASSERT_OK(task_policy(MPOL_BIND, 1UL << node));
		EXPECT_JOB(0, 0, GUEST_LOOK, UNITS_OF(node, 1));
		EXPECT_EQ((long long)BLOCK,
			  held_on(&self->env, CG, variant->size->class, node));
	}
	ASSERT_OK(task_policy(MPOL_DEFAULT, 0));
}

/* KVM_RUN fails, the guest has not moved, and goes on when there is memory. */
TEST_F(gmem_guest, a_limit_gives_ENOMEM)
{
	long long kills = vm_event("oom_kill");
	uint64_t wrong;

	ASSERT_OK(cg_limit(CG, variant->size->class, BLOCK));
	EXPECT_EQ(-ENOMEM, guest_do(&self->g, 0, GUEST_FILL, UNITS_OF(0, 2), NULL));
	EXPECT_EQ(-ENOMEM, guest_go_on(&self->g, 0, NULL));
	EXPECT_EQ(2, cg_event(CG, "max"));
	EXPECT_EQ(1, HELD);
	ASSERT_OK(cg_limit(CG, variant->size->class, 2 * BLOCK));
	EXPECT_OK(guest_go_on(&self->g, 0, NULL));
	EXPECT_OK(guest_do(&self->g, 0, GUEST_CHECK, UNITS_OF(0, 2), &wrong));
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(kills, vm_event("oom_kill"));
}

TEST_F(gmem_guest, an_empty_pool_gives_ENOMEM)
{
	long long all = hp_sum(BIG ? "1GB/free" : "2MB/free");
	long long kills = vm_event("oom_kill");
	int hog = gmem_create(self->g.vm, all, FLAGS);

	ASSERT_LE(0, hog);
	ASSERT_OK(fallocate(hog, FALLOC_FL_KEEP_SIZE, 0, all));
	EXPECT_EQ(-ENOMEM, guest_do(&self->g, 0, GUEST_LOOK, UNITS_OF(0, 1), NULL));
	EXPECT_EQ(1, cg_event(CG, "nospc"));
	EXPECT_EQ(kills, vm_event("oom_kill"));
	ASSERT_OK(fallocate(hog, GMEM_PUNCH, 0, BLOCK));
	EXPECT_OK(guest_go_on(&self->g, 0, NULL));
	EXPECT_EQ(all / (long long)BLOCK, HELD);
}

TEST_F(gmem_guest, a_guarantee_is_kept)
{
	long long all = hp_sum(BIG ? "1GB/free" : "2MB/free");
	int hog = gmem_create(self->g.vm, all, FLAGS);

	ASSERT_LE(0, hog);
	ASSERT_OK(cg_promise(&self->env.top, variant->size->class, BLOCK));
	ASSERT_OK(cg_promise(CG, variant->size->class, BLOCK));
	ASSERT_OK(cg_join_root());
	EXPECT_ERRNO(ENOMEM, fallocate(hog, FALLOC_FL_KEEP_SIZE, 0, all));
	EXPECT_OK(fallocate(hog, FALLOC_FL_KEEP_SIZE, 0, all - BLOCK));
	ASSERT_OK(cg_join(CG));
	EXPECT_JOB(0, 0, GUEST_LOOK, UNITS_OF(0, 1));
	EXPECT_EQ(-ENOMEM, guest_do(&self->g, 0, GUEST_LOOK, UNITS_OF(1, 1), NULL));
}

/* Of the two that hold blocks, the slot is not one: the last descriptor is. */
TEST_F(gmem_guest, closing_the_file_takes_the_memory_away)
{
	EXPECT_JOB(0, 0, GUEST_FILL, UNITS_OF(0, NR_BLOCKS));
	ASSERT_OK(munmap(self->p, SIZE));
	EXPECT_EQ(NR_BLOCKS, HELD);
	close(self->fd);
	EXPECT_TRUE(eventually(HELD == 0, 5));
	EXPECT_MAPS(&self->g, self->low, 0, 0, 0);
	EXPECT_NE(0, guest_do(&self->g, 0, GUEST_LOOK, UNITS_OF(0, 1), NULL));
}

TEST_F(gmem_guest, the_file_outlives_the_guest)
{
	EXPECT_JOB(0, 0, GUEST_FILL, UNITS_OF(0, NR_BLOCKS));
	guest_close(&self->g);
	EXPECT_EQ(0, host_wrong(self->p, UNITS_OF(0, NR_BLOCKS)));
	EXPECT_EQ(NR_BLOCKS, HELD);
	ASSERT_OK(fallocate(self->fd, GMEM_PUNCH, 0, BLOCK));
	EXPECT_EQ(NR_BLOCKS - 1, HELD);
}

TEST_F(gmem_guest, a_slot_elsewhere)
{
	EXPECT_JOB(0, 0, GUEST_FILL, UNITS_OF(0, NR_BLOCKS));
	ASSERT_OK(gmem_slot(self->g.vm, 1, GUEST_TEST, 0, self->fd, 0, NULL));
	ASSERT_OK(warm_up(&self->g, 0));
	EXPECT_MAPS(&self->g, self->low, 0, 0, 0);
	EXPECT_EQ(NR_BLOCKS, HELD);
	ASSERT_OK(gmem_slot(self->g.vm, 1, GUEST_TEST + BLOCK, SIZE - BLOCK, self->fd,
			    BLOCK, NULL));
	EXPECT_JOB(0, 0, GUEST_CHECK, UNITS_OF(1, NR_BLOCKS - 1));
	EXPECT_MAPS(&self->g, self->low, BIG ? 1 : 0, BIG ? 0 : NR_BLOCKS - 1, 0);
}

/* A slot may be smaller than the file and at another block: still large entries. */
TEST_F(gmem_guest, any_block_fits_any_place)
{
	ASSERT_OK(gmem_slot(self->g.vm, 1, GUEST_TEST, 0, self->fd, 0, NULL));
	ASSERT_OK(gmem_slot(self->g.vm, 1, GUEST_TEST, BLOCK, self->fd, BLOCK, NULL));
	ASSERT_OK(warm_up(&self->g, 0));
	EXPECT_JOB(0, 0, GUEST_FILL, PAGES_OF(0, 1));
	EXPECT_MAPS(&self->g, self->low, BIG ? 1 : 0, BIG ? 0 : 1, 0);
	EXPECT_EQ(guest_word(GUEST_TEST + 4096, VALUE),
		  *(uint64_t *)(self->p + BLOCK + 4096));
}

/* --- memory that is private in parts --- */

FIXTURE(gmem_private) {
	struct hp_env env;
	struct guest g;
	struct guest_maps low;
	int fd;
	unsigned char *shared;
};

FIXTURE_VARIANT(gmem_private) {
	const struct gmem_size *size;
};

FIXTURE_VARIANT_ADD(gmem_private, 2m) {
	.size = &gmem_2m,
};

FIXTURE_VARIANT_ADD(gmem_private, 1g) {
	.size = &gmem_1g,
};

/* A gigabyte, of which the private side is in blocks and the other is ordinary. */
FIXTURE_SETUP(gmem_private)
{
	size_t size = BIG ? GB : 16 * UNIT;

	HP_SETUP(NULL);
	ASSERT_OK(guest_open(&self->g, KVM_X86_SW_PROTECTED_VM, 2));
	self->fd = gmem_create(self->g.vm, size, FLAGS);
	ASSERT_LE(0, self->fd);
	self->shared = mmap(NULL, 3 * GB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
			    MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
	/* KVM wants addresses to be as aligned as the guest's. */
	self->shared += GB - (unsigned long)self->shared % GB;
	ASSERT_EQ(self->shared, mmap(self->shared, GB, RW, MAP_PRIVATE |
				     MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0));
	ASSERT_OK(madvise(self->shared, GB, MADV_NOHUGEPAGE));
	ASSERT_OK(gmem_slot(self->g.vm, 1, GUEST_TEST, size, self->fd, 0, self->shared));
	ASSERT_OK(gmem_attributes(self->g.vm, GUEST_TEST, size,
				  KVM_MEMORY_ATTRIBUTE_PRIVATE));
	for (int cpu = 0; cpu < 2; cpu++) {
		ASSERT_OK(warm_up(&self->g, cpu));
	}
	self->low = guest_maps(&self->g);
}

FIXTURE_TEARDOWN_PARENT(gmem_private)
{
	EXPECT_ENDED(&self->env);
}

TEST_F(gmem_private, a_mixed_block_is_mapped_by_smaller_entries)
{
	const uint64_t odd = GUEST_TEST + 5 * UNIT + 7 * 4096;
	const int units = BIG ? 512 : 16, blocks = BIG ? 1 : 16;
	struct guest_range all = { GUEST_TEST, units, UNIT, VALUE };
	struct guest_range pages = { GUEST_TEST + 5 * UNIT, 512, 4096, VALUE };
	struct guest_range one = { odd, 1, 8, VALUE };

	EXPECT_JOB(0, 0, GUEST_LOOK, all);
	EXPECT_JOB(0, 0, GUEST_LOOK, pages);
	EXPECT_MAPS(&self->g, self->low, BIG ? 1 : 0, BIG ? 0 : 16, 0);
	EXPECT_JOB(0, 0, GUEST_FILL, all);
	EXPECT_JOB(0, 0, GUEST_FILL, pages);
	EXPECT_EQ(blocks, HELD);

	/* One page is shared: it is another one, and its neighbours keep theirs. */
	ASSERT_OK(gmem_attributes(self->g.vm, odd, 4096, 0));
	*(uint64_t *)(self->shared + (odd - GUEST_TEST)) = 0x1234;
	EXPECT_JOB(0x1234, 0, GUEST_LOOK, one);
	EXPECT_JOB(0, 0, GUEST_CHECK, all);
	EXPECT_JOB(1, 0, GUEST_CHECK, pages);
	EXPECT_MAPS(&self->g, self->low, 0, units - 1, 512);
	EXPECT_EQ(blocks, HELD);

	/* All private again: the page is as it was, and so is the block. */
	ASSERT_OK(gmem_attributes(self->g.vm, odd, 4096, KVM_MEMORY_ATTRIBUTE_PRIVATE));
	EXPECT_JOB(0, 1, GUEST_CHECK, one);
	EXPECT_JOB(0, 1, GUEST_CHECK, all);
	EXPECT_JOB(0, 1, GUEST_CHECK, pages);
	EXPECT_MAPS(&self->g, self->low, BIG ? 1 : 0, BIG ? 0 : 16, 0);
	EXPECT_EQ(blocks, HELD);
}

TEST_F(gmem_private, the_host_cannot_map_it)
{
	EXPECT_ERRNO(ENODEV, mmap(NULL, UNIT, RW, MAP_SHARED, self->fd, 0));
	close(self->fd);
	self->fd = gmem_create(self->g.vm, BLOCK, FLAGS | GUEST_MEMFD_FLAG_MMAP);
	ASSERT_LE(0, self->fd);
	self->shared = mmap(NULL, BLOCK, RW, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
	EXPECT_EQ(SIGBUS, touch_read(self->shared));
	EXPECT_EQ(SIGBUS, touch_write(self->shared, 1));
	EXPECT_EQ(0, HELD);
}

/* Conversion all over a block, with a CPU at work in it. */
TEST_F(gmem_private, conversions_under_a_running_CPU)
{
	const uint64_t end = GUEST_TEST + (BIG ? GB : 16 * UNIT);
	struct spinner s = { &self->g, 0, 0,
			     { GUEST_TEST, BIG ? 512 : 16, UNIT, VALUE } };
	uint64_t rng = run_seed();
	double stop = now() + run_seconds(5, 60);
	pthread_t t;

	/* In each unit the first page is private, and others change. */
	EXPECT_JOB(0, 0, GUEST_FILL, s.range);
	ASSERT_OK(pthread_create(&t, NULL, spin, &s));
	while (now() < stop) {
		uint64_t gpa = GUEST_TEST + rng_below(&rng, s.range.nr) * UNIT + 4096;
		uint64_t len = (1 + rng_below(&rng, 511)) * 4096;

		ASSERT_LE(gpa + len, end);
		ASSERT_OK(gmem_attributes(self->g.vm, gpa, len, 0));
		ASSERT_OK(gmem_attributes(self->g.vm, gpa, len,
					  KVM_MEMORY_ATTRIBUTE_PRIVATE));
	}
	guest_stop_spinning(&self->g, true);
	pthread_join(t, NULL);
	EXPECT_EQ(0, s.ret);
	/* Entries become large again where the next fault is. */
	EXPECT_OK(guest_do(&self->g, 1, GUEST_LOOK, (struct guest_range) {
			   GUEST_TEST, (end - GUEST_TEST) / 4096, 4096 }, NULL));
	EXPECT_JOB(0, 1, GUEST_CHECK, s.range);
	EXPECT_MAPS(&self->g, self->low, BIG ? 1 : 0, BIG ? 0 : 16, 0);
}

TEST_HARNESS_MAIN
