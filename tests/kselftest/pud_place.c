// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=pud timeout=900
 *
 * Where a gigabyte is mapped: the place mmap() picks, other places it is moved
 * to, several places at once, at offsets and addresses that fit one entry, 2 MB
 * entries, or none.
 */
#include "hp_test.h"
#include "pud.h"

FIXTURE(place) {
	struct hp_env env;
	int fd;
	unsigned char *p;	/* all of it, stamped with 1 */
};

FIXTURE_VARIANT(place) {
	const struct backing *b;
};

FIXTURE_VARIANT_ADD(place, pool_1g) { &pool_1g };
FIXTURE_VARIANT_ADD(place, pool_1g_2m) { &pool_1g_2m };
FIXTURE_VARIANT_ADD(place, pool_2m) { &pool_2m };
FIXTURE_VARIANT_ADD(place, tmpfs) { &tmpfs_thp };

#define RW	(PROT_READ | PROT_WRITE)

FIXTURE_SETUP(place)
{
	HP_SETUP(NULL);
	ASSERT_OK(backing_mount(&self->env, variant->b));
	self->fd = hp_open_sized(&self->env, "f", GB);
	ASSERT_LE(0, self->fd);
	self->p = mmap(NULL, GB, RW, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	stamp(self->p, 0, GB_PAGES, 1);
}

FIXTURE_TEARDOWN_PARENT(place)
{
	EXPECT_ENDED(&self->env);
}

#define EXPECT_HELD()							\
	do {								\
		if (variant->b->pool)					\
			EXPECT_EQ(GB, pool_held(CG));			\
	} while (0)

/* --- mremap --- */

static unsigned char *move(unsigned char *from, unsigned char *to, size_t len)
{
	return mremap(from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

TEST_F(place, moved_to_an_aligned_place)
{
	unsigned char *spot = reserve_place(GB), *q;
	long long before = vm_pte();
	long faults;

	ASSERT_TRUE(spot != NULL);
	q = move(self->p, spot, GB);
	ASSERT_EQ(spot, q);
	EXPECT_EQ(SIGSEGV, touch_read(self->p));
	faults = minor_faults();
	EXPECT_STAMPS(q, 0, GB_PAGES, 1);
	EXPECT_MAPPED(variant->b, q, GB, GB, 0);
	if (variant->b->block == GB) {
		/* The entry, not its 512 parts; a table above it is all. */
		EXPECT_GE(faults + 20, minor_faults());
		EXPECT_GE(before + PAGE, vm_pte());
	}
	stamp(q, 0, GB_PAGES, 2);
	EXPECT_STAMPS_FD(self->fd, 0, GB_PAGES, 2);
	EXPECT_HELD();
}

TEST_F(place, moved_by_a_unit_by_pages_and_back)
{
	unsigned char *spot = reserve_place(3 * GB), *q;
	long long before = vm_pte();

	ASSERT_TRUE(spot != NULL);
	q = move(self->p, spot + UNIT, GB);
	ASSERT_EQ(spot + UNIT, q);
	EXPECT_STAMPS(q, 0, GB_PAGES, 1);
	EXPECT_MAPPED(variant->b, q, GB, 0, GB);
	/* Now nothing larger than a page fits. */
	q = move(q, spot + GB + 2 * UNIT + 5 * PAGE, GB);
	ASSERT_EQ(spot + GB + 2 * UNIT + 5 * PAGE, q);
	EXPECT_STAMPS(q, 0, GB_PAGES, 1);
	EXPECT_MAPPED(variant->b, q, GB, 0, 0);
	EXPECT_EQ(GB, smaps_field(q, "Rss"));
	stamp(q, 0, GB_PAGES, 2);
	EXPECT_HELD();
	q = move(q, self->p, GB);
	ASSERT_EQ(self->p, q);
	EXPECT_STAMPS(q, 0, GB_PAGES, 2);
	/*
	 * Where tables came along or were left, they stay; what is mapped
	 * anew is one entry.
	 */
	ASSERT_OK(munmap(q, GB));
	q = mmap(NULL, GB, RW, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_STAMPS(q, 0, GB_PAGES, 2);
	EXPECT_MAPPED(variant->b, q, GB, GB, 0);
	EXPECT_GE(before + 8 * PAGE, vm_pte());
}

/* Split, then moved to a place that is fresh: one entry again. */
TEST_F(place, whole_again_by_moving)
{
	unsigned char *spot = reserve_place(GB), *q;

	ASSERT_TRUE(spot != NULL);
	ASSERT_OK(mprotect(self->p + GB / 2, PAGE, PROT_READ));
	EXPECT_STAMPS(self->p, 0, GB_PAGES, 1);
	ASSERT_OK(mprotect(self->p + GB / 2, PAGE, RW));
	ASSERT_OK(madvise(self->p, GB, MADV_DONTNEED));
	q = move(self->p, spot, GB);
	ASSERT_EQ(spot, q);
	EXPECT_STAMPS(q, 0, GB_PAGES, 1);
	if (variant->b->block == GB)
		EXPECT_MAPPED(variant->b, q, GB, GB, 0);
}

TEST_F(place, moving_parts)
{
	static const struct {
		size_t off, len, to;
	} moves[] = {
		{ GB / 2, UNIT, 0 },			/* stays a 2 MB entry */
		{ GB / 4, 2 * UNIT, 4 * UNIT + PAGE },	/* cannot */
		{ GB / 8 + PAGE, PAGE, 9 * UNIT },
		{ GB - PAGE, PAGE, 10 * UNIT - PAGE },
		{ 0, PAGE, 12 * UNIT },
	};
	unsigned char *spot = reserve_place(GB), *q;
	size_t at = 0;

	ASSERT_TRUE(spot != NULL);
	for (int i = 0; i < ARRAY_SIZE(moves); i++) {
		q = move(self->p + moves[i].off, spot + moves[i].to, moves[i].len);
		ASSERT_EQ(spot + moves[i].to, q);
		EXPECT_EQ(SIGSEGV, touch_read(self->p + moves[i].off));
		EXPECT_STAMPS(q, moves[i].off / PAGE, moves[i].len / PAGE, 1);
	}
	EXPECT_MAPPED(variant->b, spot, UNIT, 0, UNIT);
	EXPECT_MAPPED(variant->b, spot + 4 * UNIT, UNIT, 0, 0);
	/* What is left, between the holes. */
	for (size_t page = 0; page < GB_PAGES; page++) {
		bool gone = false;

		for (int i = 0; i < ARRAY_SIZE(moves); i++)
			gone |= page * PAGE >= moves[i].off &&
				page * PAGE < moves[i].off + moves[i].len;
		if (gone)
			continue;
		if (stamp_wrong(self->p + page * PAGE, page, 1, 1)) {
			at = page;
			break;
		}
	}
	EXPECT_EQ(0, at);
	EXPECT_EQ(0, smaps_sum(self->p, GB, "PudMapped"));
	EXPECT_HELD();
}

TEST_F(place, shrinking_and_growing)
{
	unsigned char *q;

	q = mremap(self->p, GB, GB / 2 + PAGE, 0);
	ASSERT_EQ(self->p, q);
	EXPECT_EQ(SIGSEGV, touch_read(q + GB / 2 + PAGE));
	EXPECT_STAMPS(q, 0, GB_PAGES / 2 + 1, 1);
	EXPECT_MAPPED(variant->b, q, GB, 0, GB / 2);
	q = mremap(q, GB / 2 + PAGE, GB, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_STAMPS(q, 0, GB_PAGES, 1);
	/* Behind the end of the file there is nothing. */
	q = mremap(q, GB, GB + UNIT, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_STAMPS(q, 0, GB_PAGES, 1);
	EXPECT_EQ(SIGBUS, touch_read(q + GB));
	EXPECT_HELD();
}

TEST_F(place, moved_and_left_mapped)
{
	unsigned char *q;

	q = mremap(self->p, GB, GB, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_STAMPS(q, 0, GB_PAGES, 1);
	EXPECT_STAMPS(self->p, 0, GB_PAGES, 1);
	stamp(q, 0, GB_PAGES, 2);
	EXPECT_STAMPS(self->p, 0, GB_PAGES, 2);
	EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
	EXPECT_HELD();
}

/* --- several places --- */

TEST_F(place, a_second_mapping)
{
	static const struct {
		size_t off, len, skew;	/* of the address, against the offset */
		size_t pmd;
	} maps[] = {
		{ 0, GB, UNIT, GB },
		{ GB / 2, GB / 2, 0, GB / 2 },
		{ UNIT, 7 * UNIT, 0, 7 * UNIT },
		{ UNIT + PAGE, 2 * UNIT, 0, UNIT },
		{ GB / 4, 4 * UNIT, PAGE, 0 },
		{ 3 * PAGE, PAGE, 0, 0 },
	};
	unsigned char *spot = reserve_place(2 * GB), *q;

	ASSERT_TRUE(spot != NULL);
	for (int i = 0; i < ARRAY_SIZE(maps); i++) {
		size_t first = maps[i].off / PAGE, nr = maps[i].len / PAGE;

		TH_LOG("%#zx+%#zx", maps[i].off, maps[i].len);
		q = spot + maps[i].off + maps[i].skew;
		ASSERT_EQ(q, mmap(q, maps[i].len, RW, MAP_SHARED | MAP_FIXED,
				  self->fd, maps[i].off));
		EXPECT_STAMPS(q, first, nr, 1);
		EXPECT_MAPPED(variant->b, q, maps[i].len, 0, maps[i].pmd);
		/* Both see what either stores. */
		stamp(q, first, nr, 2);
		EXPECT_PAGES(self->p, first, nr, 2);
		stamp(self->p, 0, GB_PAGES, 1);
		EXPECT_STAMPS(q, first, nr, 1);
		/* The first is one entry as before. */
		EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
		ASSERT_OK(munmap(q, maps[i].len));
	}
	EXPECT_STAMPS(self->p, 0, GB_PAGES, 1);
	EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
	EXPECT_HELD();
}

/* Fifty of them, with pieces, and all gone in any order. */
TEST_F(place, many_mappings)
{
	unsigned char *q[50];

	for (int i = 0; i < ARRAY_SIZE(q); i++) {
		q[i] = mmap(NULL, GB, RW, MAP_SHARED, self->fd, 0);
		ASSERT_NE(MAP_FAILED, q[i]);
		EXPECT_STAMPS(q[i] + i * UNIT, i * 512, 512, 1);
		if (i % 3 == 1)
			ASSERT_OK(mprotect(q[i] + i * PAGE, PAGE, PROT_READ));
		if (i % 3 == 2)
			ASSERT_OK(munmap(q[i] + i * UNIT, UNIT));
		EXPECT_OK(touch_read(q[i]));
	}
	EXPECT_HELD();
	for (int i = 0; i < ARRAY_SIZE(q); i++)
		ASSERT_OK(munmap(q[i * 7 % ARRAY_SIZE(q)], GB));
	EXPECT_STAMPS(self->p, 0, GB_PAGES, 1);
	EXPECT_MAPPED(variant->b, self->p, GB, GB, 0);
}

TEST_F(place, fixed_at_an_odd_address)
{
	unsigned char *q = self->p + PAGE;

	ASSERT_OK(munmap(self->p, GB));
	ASSERT_EQ(q, mmap(q, GB, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, self->fd, 0));
	EXPECT_STAMPS(q, 0, 4 * 512, 1);
	EXPECT_PAGES(q, GB_PAGES - 512, 512, 1);
	EXPECT_MAPPED(variant->b, q, GB, 0, 0);
	EXPECT_OK(touch_write(q + GB - 1, 0xab));
	EXPECT_EQ(SIGSEGV, touch_write(q + GB, 1));
	EXPECT_HELD();
}

/* A mapping that only partly is the block: its neighbour is another file. */
TEST_F(place, neighbours)
{
	int other = hp_open_sized(&self->env, "g", 4 * UNIT);
	unsigned char *spot = reserve_place(GB), *q;

	if (variant->b == &pool_1g)
		return;		/* another block; counted elsewhere */
	ASSERT_TRUE(spot != NULL);
	ASSERT_LE(0, other);
	q = mmap(spot, GB / 2, RW, MAP_SHARED | MAP_FIXED, self->fd, 0);
	ASSERT_EQ(spot, q);
	q = mmap(spot + GB / 2, 4 * UNIT, RW, MAP_SHARED | MAP_FIXED, other, 0);
	ASSERT_EQ(spot + GB / 2, q);
	stamp(q, 0, 4 * 512, 5);
	EXPECT_STAMPS(spot, 0, GB_PAGES / 2, 1);
	EXPECT_MAPPED(variant->b, spot, GB, 0, GB / 2 + 4 * UNIT);
	EXPECT_STAMPS(q, 0, 4 * 512, 5);
	EXPECT_STAMPS(self->p, 0, GB_PAGES, 1);
}

/* --- where mmap() puts things --- */

#define MOD(p, size)	((uintptr_t)(p) % (size))

TEST_F(place, whole_blocks_are_aligned)
{
	unsigned char *q;

	if (variant->b->block != GB)
		return;
	EXPECT_EQ(0, MOD(self->p, GB));
	/* An odd mapping between, so that chance does not help. */
	ASSERT_NE(MAP_FAILED, mmap(NULL, 5 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0));
	q = mmap(NULL, GB + 5 * PAGE, RW, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(0, MOD(q, GB));
	q = mmap(NULL, 2 * GB, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(0, MOD(q, GB));
	/* With an offset, so that the file's gigabytes meet the addresses'. */
	q = mmap(NULL, 2 * GB, PROT_READ, MAP_SHARED, self->fd, 3 * UNIT);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(3 * UNIT, MOD(q, GB));
}

/*
 * How far two new mappings lie apart: in a gap that others have left there may
 * be room for one of them only, so the least of some tries.
 */
static size_t distance(size_t len, int flags, int fd)
{
	size_t least = SIZE_MAX, apart;
	unsigned char *q, *r;

	for (int i = 0; i < 5; i++) {
		q = mmap(NULL, len, RW, flags, fd, 0);
		r = mmap(NULL, len, RW, flags, fd, 0);
		if (q == MAP_FAILED || r == MAP_FAILED)
			return SIZE_MAX;
		apart = q > r ? q - r : r - q;
		least = apart < least ? apart : least;
	}
	return least;
}

TEST_F(place, smaller_ones_as_ever)
{
	unsigned char *q = mmap(NULL, 8 * UNIT, RW, MAP_SHARED, self->fd, 0);

	ASSERT_NE(MAP_FAILED, q);
	if (variant->b->pool)
		EXPECT_EQ(0, MOD(q, UNIT));
	/* Aligned to a unit and no more; less than a unit: not at all. */
	EXPECT_GE(9 * UNIT, distance(8 * UNIT, MAP_SHARED, self->fd));
	EXPECT_EQ(4 * PAGE, distance(4 * PAGE, MAP_SHARED, self->fd));
}

TEST_F(place, hints_are_kept)
{
	unsigned char *spot = reserve_place(GB), *q;

	ASSERT_TRUE(spot != NULL);
	ASSERT_OK(munmap(spot, GB));
	q = mmap(spot + PAGE, GB / 2, RW, MAP_SHARED, self->fd, 0);
	EXPECT_EQ(spot + PAGE, q);
	EXPECT_STAMPS(q, 0, 512, 1);
}

TEST_F(place, others_are_not_moved)
{
	static const size_t sizes[] = { GB, GB + PAGE, GB / 2 + PAGE, 3 * PAGE };

	/* At most 2 MB between them, as THP has it. */
	for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_GE(sizes[i] + UNIT,
			  distance(sizes[i], MAP_PRIVATE | MAP_ANONYMOUS, -1))
			TH_LOG("%zu", sizes[i]);
	}
}

/* Where a gigabyte fits, but no aligned one, there is still a mapping. */
TEST_F(place, no_room_for_alignment)
{
	unsigned char *spot = reserve_place(GB), *q;

	ASSERT_TRUE(spot != NULL);
	ASSERT_OK(munmap(spot + PAGE, GB));
	q = mmap(spot + PAGE, GB, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, self->fd, 0);
	ASSERT_EQ(spot + PAGE, q);
	EXPECT_STAMPS(q, 0, 1024, 1);
}

TEST_HARNESS_MAIN
