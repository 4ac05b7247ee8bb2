// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=pud timeout=900
 *
 * Parts of a gigabyte that is mapped by one entry get other rights, go away, are
 * locked, pinned or given back. The rest stays as it is, the part gets 2 MB
 * entries where they fit and pages where they do not, at the price of the tables
 * for it and no others, and a new mapping is one entry again.
 */
#include <liburing.h>

#include "hp_test.h"
#include "pud.h"

FIXTURE(split) {
	struct hp_env env;
	int fd;
	unsigned char *p;	/* all of it, stamped with gen */
	unsigned int gen;
};

FIXTURE_VARIANT(split) {
	const struct backing *b;
};

FIXTURE_VARIANT_ADD(split, pool_1g) { &pool_1g };
FIXTURE_VARIANT_ADD(split, pool_1g_2m) { &pool_1g_2m };
FIXTURE_VARIANT_ADD(split, pool_2m) { &pool_2m };
FIXTURE_VARIANT_ADD(split, tmpfs) { &tmpfs_thp };

static void *map_whole(int fd)
{
	return mmap(NULL, GB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

FIXTURE_SETUP(split)
{
	HP_SETUP(NULL);
	ASSERT_OK(backing_mount(&self->env, variant->b));
	self->fd = hp_open_sized(&self->env, "f", GB);
	ASSERT_LE(0, self->fd);
	self->p = map_whole(self->fd);
	ASSERT_NE(MAP_FAILED, self->p);
	stamp(self->p, 0, GB_PAGES, ++self->gen);
}

FIXTURE_TEARDOWN_PARENT(split)
{
	EXPECT_ENDED(&self->env);
}

static const struct part {
	size_t off, len;
} parts[] = {
	{ 0, PAGE },			/* the first page, one in the middle, */
	{ GB / 2 + 5 * PAGE, PAGE },	/* and the last */
	{ GB - PAGE, PAGE },
	{ GB / 4 - PAGE, 2 * PAGE },	/* one in each of two units */
	{ UNIT, UNIT },
	{ GB / 2 + PAGE, UNIT },
	{ 3 * UNIT + 2 * PAGE, 5 * UNIT },
	{ 0, GB / 2 },
};

#define FOR_EACH_PART(part)						\
	for (const struct part *part = parts; part < parts + ARRAY_SIZE(parts); part++)

/* Units that an edge of the part goes through. */
static int units_cut(const struct part *part)
{
	size_t end = part->off + part->len;

	return !!(part->off % UNIT) +
		(end % UNIT && (end / UNIT != part->off / UNIT || !(part->off % UNIT)));
}

/* The tables that mapping the part on its own takes, at most. */
static long long tables_for(const struct backing *b, const struct part *part)
{
	return ((b->block == GB) + units_cut(part)) * PAGE;
}

static int write_same(unsigned char *p)
{
	return touch_write(p, *p);
}

/* Nothing is mapped that was: for the next part to start afresh. */
#define ANEW()								\
	do {								\
		ASSERT_OK(munmap(self->p, GB));				\
		self->p = map_whole(self->fd);				\
		ASSERT_NE(MAP_FAILED, self->p);				\
		EXPECT_STAMPS(self->p, 0, GB_PAGES, self->gen);		\
		EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);		\
	} while (0)

/* --- rights --- */

TEST_F(split, mprotect_of_parts)
{
	long long before, after;

	FOR_EACH_PART(part) {
		unsigned char *from = self->p + part->off, *to = from + part->len;

		TH_LOG("%#zx+%#zx", part->off, part->len);
		before = vm_pte();
		ASSERT_OK(mprotect(from, part->len, PROT_READ));
		EXPECT_EQ(SIGSEGV, touch_write(from, 0));
		EXPECT_EQ(SIGSEGV, touch_write(to - 1, 0));
		if (part->off)
			EXPECT_OK(write_same(from - 1));
		if (part->off + part->len < GB)
			EXPECT_OK(write_same(to));
		EXPECT_STAMPS(self->p, 0, GB_PAGES, self->gen);
		EXPECT_MAPPED(variant->b, self->p, GB, 0, GB - units_cut(part) * UNIT);
		after = vm_pte();
		if (variant->b->pool)
			EXPECT_GE(before + tables_for(variant->b, part), after);

		/* All may be written again: the table stays, nothing is lost. */
		ASSERT_OK(mprotect(from, part->len, PROT_READ | PROT_WRITE));
		stamp(self->p, 0, GB_PAGES, ++self->gen);
		EXPECT_EQ(0, smaps_sum(self->p, GB, "PudMapped"));
		EXPECT_EQ(after, vm_pte());
		ANEW();
	}
	EXPECT_STAMPS_FD(self->fd, 0, GB_PAGES, self->gen);
	if (variant->b->pool)
		EXPECT_EQ(GB, pool_held(CG));
}

/* What the whole costs: two tables, where others keep one for each unit. */
TEST_F(split, one_page_costs_two_tables)
{
	long long before = vm_pte();

	if (!variant->b->pool)
		return;
	ASSERT_OK(mprotect(self->p + GB / 2, PAGE, PROT_READ));
	EXPECT_GE(before + 2 * PAGE, vm_pte());
	EXPECT_TRUE(touch_range(self->p, GB));
	EXPECT_GE(before + 2 * PAGE, vm_pte());
	ASSERT_OK(munmap(self->p, GB));
	/* Given back with the mapping, together with its own. */
	EXPECT_GE(before, vm_pte());
}

TEST_F(split, mprotect_to_none_and_back)
{
	FOR_EACH_PART(part) {
		unsigned char *from = self->p + part->off;

		ASSERT_OK(mprotect(from, part->len, PROT_NONE));
		EXPECT_EQ(SIGSEGV, touch_read(from));
		EXPECT_EQ(SIGSEGV, touch_read(from + part->len - 1));
		if (part->off)
			EXPECT_OK(write_same(from - 1));
		ASSERT_OK(mprotect(from, part->len, PROT_READ | PROT_WRITE));
		EXPECT_STAMPS(self->p, 0, GB_PAGES, self->gen);
	}
	ANEW();
}

TEST_F(split, mprotect_of_the_whole)
{
	long long before = vm_pte();

	ASSERT_OK(mprotect(self->p, GB, PROT_READ));
	EXPECT_EQ(SIGSEGV, touch_write(self->p + GB / 2, 0));
	EXPECT_STAMPS(self->p, 0, GB_PAGES, self->gen);
	ASSERT_OK(mprotect(self->p, GB, PROT_NONE));
	EXPECT_EQ(SIGSEGV, touch_read(self->p + GB - 1));
	ASSERT_OK(mprotect(self->p, GB, PROT_READ | PROT_WRITE));
	stamp(self->p, 0, GB_PAGES, ++self->gen);
	EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
	EXPECT_GE(before, vm_pte());
	ANEW();
}

/* --- unmapping --- */

TEST_F(split, munmap_of_parts)
{
	FOR_EACH_PART(part) {
		unsigned char *from = self->p + part->off, *to = from + part->len;

		TH_LOG("%#zx+%#zx", part->off, part->len);
		ASSERT_OK(munmap(from, part->len));
		EXPECT_EQ(SIGSEGV, touch_read(from));
		EXPECT_EQ(SIGSEGV, touch_read(to - 1));
		if (part->off)
			EXPECT_STAMPS(self->p, 0, part->off / PAGE, self->gen);
		if (part->off + part->len < GB)
			EXPECT_STAMPS(to, (part->off + part->len) / PAGE,
				      GB_PAGES - (part->off + part->len) / PAGE,
				      self->gen);
		EXPECT_EQ(0, smaps_sum(self->p, GB, "PudMapped"));
		if (variant->b->pool)
			EXPECT_EQ(GB - part->len, smaps_sum(self->p, GB, "Rss"));
		/* Put back where it was. */
		ASSERT_EQ(from, mmap(from, part->len, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_FIXED_NOREPLACE, self->fd,
				     part->off));
		stamp(self->p, 0, GB_PAGES, ++self->gen);
		ANEW();
	}
	EXPECT_STAMPS_FD(self->fd, 0, GB_PAGES, self->gen);
}

TEST_F(split, another_mapping_over_parts)
{
	FOR_EACH_PART(part) {
		unsigned char *from = self->p + part->off;

		ASSERT_EQ(from, mmap(from, part->len, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
		EXPECT_STAMPS(from, part->off / PAGE, part->len / PAGE, 0);
		EXPECT_OK(touch_write(from, 0xee));
		if (part->off)
			EXPECT_STAMPS(self->p, 0, part->off / PAGE, self->gen);
		ASSERT_OK(munmap(self->p, GB));
		self->p = map_whole(self->fd);
		ASSERT_NE(MAP_FAILED, self->p);
		EXPECT_STAMPS(self->p, 0, GB_PAGES, self->gen);
	}
}

/* --- advice --- */

TEST_F(split, dontneed_of_parts)
{
	long long pud, pmd;

	FOR_EACH_PART(part) {
		ASSERT_OK(madvise(self->p + part->off, part->len, MADV_DONTNEED));
		EXPECT_STAMPS(self->p, 0, GB_PAGES, self->gen);
		if (!variant->b->pool)
			continue;
		EXPECT_EQ(GB, smaps_field(self->p, "Rss"));
		EXPECT_EQ(GB, pool_held(CG));
		/* As one entry, or what its table can hold. */
		pud = smaps_field(self->p, "PudMapped");
		pmd = smaps_field(self->p, "ShmemPmdMapped");
		EXPECT_TRUE(pud ? pud == GB && !pmd : pmd >= GB - 2 * UNIT)
			TH_LOG("%#zx+%#zx: PudMapped %lld, ShmemPmdMapped %lld",
			       part->off, part->len, pud, pmd);
	}
	ASSERT_OK(madvise(self->p, GB, MADV_DONTNEED));
	EXPECT_EQ(0, smaps_field(self->p, "Rss"));
	ANEW();
}

/* Bytes in whole units of the part. */
static size_t whole_units(const struct part *part)
{
	size_t from = (part->off + UNIT - 1) / UNIT * UNIT;
	size_t to = (part->off + part->len) / UNIT * UNIT;

	return to > from ? to - from : 0;
}

TEST_F(split, remove_of_parts)
{
	FOR_EACH_PART(part) {
		size_t first = part->off / PAGE, nr = part->len / PAGE;
		size_t gone = variant->b->units ? whole_units(part) : 0;

		TH_LOG("%#zx+%#zx", part->off, part->len);
		ASSERT_OK(madvise(self->p + part->off, part->len, MADV_REMOVE));
		if (variant->b->pool) {
			EXPECT_EQ(GB - gone, file_blocks(self->fd));
			EXPECT_EQ(GB - gone, pool_held(CG));
			/* A block that gave something is none any more. */
			EXPECT_EQ(variant->b->block == GB && !gone ? GB : 0,
				  cg_hp(CG, "current", "1GB"));
		}
		EXPECT_PAGES(self->p, first, nr, 0);
		EXPECT_STAMPS(self->p, 0, first, self->gen);
		EXPECT_PAGES(self->p, first + nr, GB_PAGES - first - nr, self->gen);
		/* For the next part, a whole gigabyte again. */
		ASSERT_OK(munmap(self->p, GB));
		ASSERT_OK(ftruncate(self->fd, 0));
		ASSERT_OK(ftruncate(self->fd, GB));
		self->p = map_whole(self->fd);
		ASSERT_NE(MAP_FAILED, self->p);
		EXPECT_STAMPS(self->p, 0, GB_PAGES, 0);
		stamp(self->p, 0, GB_PAGES, ++self->gen);
		EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
	}
}

/* Unit by unit, in no order: at the end the block is whole and free. */
TEST_F(split, remove_of_all_units)
{
	long long free_1g;

	if (!variant->b->pool || !variant->b->units)
		return;
	for (size_t i = 0; i < GB_UNITS; i++) {
		size_t unit = i * 211 % GB_UNITS;

		ASSERT_OK(madvise(self->p + unit * UNIT, UNIT, MADV_REMOVE));
		if (i == GB_UNITS / 2)
			EXPECT_EQ(GB - (i + 1) * UNIT, pool_held(CG));
	}
	EXPECT_EQ(0, file_blocks(self->fd));
	EXPECT_TRUE(eventually(pool_held(CG) == 0, 10));
	free_1g = 0;
	for (int node = 0; node < self->env.before.nr; node++)
		free_1g += self->env.before.node[node].free_1g;
	EXPECT_TRUE(eventually(hp_sum("1GB/free") == free_1g, 10));
	/* Nothing is present: touched, it is a whole block once more. */
	self->gen = 0;
	ANEW();
	EXPECT_EQ(variant->b->block == GB ? GB : 0, cg_hp(CG, "current", "1GB"));
}

/* --- locking --- */

TEST_F(split, mlock_of_parts)
{
	FOR_EACH_PART(part) {
		unsigned char *from = self->p + part->off;

		TH_LOG("%#zx+%#zx", part->off, part->len);
		ASSERT_OK(mlock(from, part->len));
		EXPECT_EQ(part->len, smaps_field(from, "Rss"));
		EXPECT_EQ(part->len, smaps_field(from, "Locked"));
		EXPECT_STAMPS(self->p, 0, GB_PAGES, self->gen);
		/* Every other time unlocked, every other unmapped while locked. */
		if ((part - parts) % 2)
			ASSERT_OK(munlock(from, part->len));
		EXPECT_STAMPS(self->p, 0, GB_PAGES, self->gen);
		ANEW();
	}
	ASSERT_OK(mlock(self->p, GB));
	EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
	EXPECT_EQ(GB, smaps_field(self->p, "Locked"));
	ASSERT_OK(munlock(self->p + GB / 2, PAGE));
	EXPECT_STAMPS(self->p, 0, GB_PAGES, self->gen);
	ASSERT_OK(munlock(self->p, GB));
	/* Truncated while a part of it is locked. */
	ASSERT_OK(mlock(self->p + UNIT, UNIT));
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_EQ(SIGBUS, touch_read(self->p + UNIT));
}

/* --- pinned --- */

static int ring_read(struct io_uring *ring, int from, unsigned char *to, size_t len)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int res;

	io_uring_prep_read_fixed(sqe, from, to, len, 0, 0);
	if (io_uring_submit_and_wait(ring, 1) != 1 || io_uring_wait_cqe(ring, &cqe))
		return -EIO;
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

/* A part of the mapping changes under a pin: the pinned pages stay the file's. */
TEST_F(split, while_pinned)
{
	struct iovec iov = { self->p + GB / 2, 4 * PAGE };
	size_t first = GB_PAGES / 2, held = GB;
	static unsigned char buf[4 * PAGE];
	int src = memfd_create("src", 0);
	struct io_uring ring;

	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	ASSERT_EQ(0, io_uring_register_buffers(&ring, &iov, 1));
	EXPECT_OK(mprotect(iov.iov_base, PAGE, PROT_READ));
	EXPECT_OK(mprotect(self->p + UNIT + PAGE, UNIT, PROT_READ));
	EXPECT_STAMPS(self->p, 0, GB_PAGES, self->gen);
	EXPECT_OK(madvise(self->p + GB / 2 - PAGE, 2 * PAGE, MADV_DONTNEED));
	ASSERT_OK(munmap(self->p + GB / 2 + PAGE, PAGE));
	/* Into the pages, whoever maps them. */
	stamp(buf, first, 4, 9);
	ASSERT_EQ(sizeof(buf), write(src, buf, sizeof(buf)));
	EXPECT_EQ(sizeof(buf), ring_read(&ring, src, iov.iov_base, sizeof(buf)));
	EXPECT_STAMPS_FD(self->fd, first, 4, 9);
	EXPECT_PAGES(self->p, first, 1, 9);
	ASSERT_OK(munmap(self->p, GB));
	self->p = map_whole(self->fd);
	ASSERT_NE(MAP_FAILED, self->p);
	EXPECT_PAGES(self->p, first, 4, 9);
	EXPECT_MAPPED(variant->b, self->p, UNIT, variant->b->block ?: UNIT, 0);
	/* Giving back other parts of it: zero at once, whatever it takes. */
	EXPECT_OK(madvise(self->p, 4 * UNIT, MADV_REMOVE));
	if (variant->b == &pool_2m)
		held -= 4 * UNIT;
	if (variant->b->pool)
		EXPECT_EQ(held, pool_held(CG));
	EXPECT_STAMPS(self->p, 0, 4 * 512, 0);
	EXPECT_PAGES(self->p, 4 * 512, first - 4 * 512, self->gen);
	EXPECT_PAGES(self->p, first + 4, GB_PAGES - first - 4, self->gen);
	/* The pinned pages are still the file's own. */
	stamp(buf, first, 4, 10);
	ASSERT_EQ(sizeof(buf), pwrite(src, buf, sizeof(buf), 0));
	ASSERT_EQ(0, lseek(src, 0, SEEK_SET));
	EXPECT_EQ(sizeof(buf), ring_read(&ring, src, iov.iov_base, sizeof(buf)));
	EXPECT_PAGES(self->p, first, 4, 10);
	ASSERT_EQ(0, io_uring_unregister_buffers(&ring));
	io_uring_queue_exit(&ring);
	/* Once they are free, it can be given back. */
	ASSERT_OK(madvise(self->p, 4 * UNIT, MADV_REMOVE));
	if (variant->b->pool)
		EXPECT_TRUE(eventually(pool_held(CG) == GB - (variant->b->units ?
							      4 * UNIT : 0), 10));
	close(src);
}

TEST_HARNESS_MAIN
