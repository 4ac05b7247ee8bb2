// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=gb timeout=900 poison=1
 *
 * Memory failure of one page of a 1 GB block in use: its owner loses that page
 * and no other, by read, write and store; the unit around it is out of service
 * when it comes back, and the other 511 can be had again. These rows cost blocks
 * for the rest of the boot, and use one up each.
 */
#include <linux/falloc.h>

#include "hp_test.h"

/* A row goes over 1 GB several times, under emulation. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	400

#define GB		(1UL << 30)
#define CURRENT_1G	cg_hp(CG, "current", "1GB")
#define BAD		(77 * UNIT + 5 * 4096)

/* Ignoring the signal would not do: it is forced upon who injects. */
static void on_sigbus(int sig)
{
}

/* Fails the page of the file at @off, through a mapping of its own. */
static int fail_page(int fd, off_t off)
{
	unsigned char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
				fd, off);
	int ret;

	if (p == MAP_FAILED)
		return -1;
	ret = touch_read(p);
	signal(SIGBUS, on_sigbus);
	ret = ret ?: madvise(p, 4096, MADV_HWPOISON);
	signal(SIGBUS, SIG_DFL);
	munmap(p, 4096);
	return ret;
}

static bool sums_hold(int node)
{
	return hp_attr(node, "total") == hp_attr(node, "free") +
		hp_attr(node, "used") + hp_attr(node, "poisoned") &&
	       hp_attr(node, "total") == hp_attr(node, "2MB/total") +
		hp_attr(node, "1GB/total") + hp_attr(node, "poisoned");
}

static unsigned char mark(unsigned long u)
{
	return 1 + u % 250;
}

/* A written block on @node, a mark at the start of every unit. */
static int open_marked(struct hp_env *env, const char *name)
{
	int fd = hp_open_sized(env, name, GB);
	unsigned char page[4096];

	if (fd < 0)
		return fd;
	for (unsigned long u = 0; u < GB / UNIT; u++) {
		memset(page, mark(u), sizeof(page));
		if (pwrite(fd, page, sizeof(page), u * UNIT) != sizeof(page))
			return -EIO;
	}
	return fd;
}

/* Units whose mark is not as written. */
static long wrong_marks(int fd)
{
	unsigned char page[4096];
	long wrong = 0;

	for (unsigned long u = 0; u < GB / UNIT; u++)
		wrong += pread(fd, page, sizeof(page), u * UNIT) !=
				 sizeof(page) ||
			 first_not(page, sizeof(page), mark(u)) != sizeof(page);
	return wrong;
}

/* Only the page at @off reads as an error. */
static const char *only_bad(int fd, off_t off)
{
	unsigned char page[8192];

	errno = 0;
	if (pread(fd, page, 1, off) != -1 || errno != EIO)
		return "the page can be read";
	if (pread(fd, page, 4096, off + 4095) != -1 || errno != EIO)
		return "the end of the page can be read";
	if (pwrite(fd, page, 1, off) != -1 || errno != EIO)
		return "the page can be written";
	if (pread(fd, page, sizeof(page), off - 4096) != 4096)
		return "a read does not end at the page";
	if (pread(fd, page, 4096, off + 4096) != 4096)
		return "the page behind cannot be read";
	if (pwrite(fd, page, 4096, off + 4096) != 4096 ||
	    pwrite(fd, page, 4096, off - 4096) != 4096)
		return "the pages beside cannot be written";
	return NULL;
}

#define EXPECT_NONE(why) ({						\
	const char *__why = (why);					\
	if (__why)							\
		TH_LOG("%s", __why);					\
	EXPECT_TRUE(!__why); })

FIXTURE(poison_1g) {
	struct hp_env env;
};

FIXTURE_VARIANT(poison_1g) {
	const char *opts;
	int node;
	bool units;
};

/* Each takes one of the two blocks of the machine out of the 1 GB class. */
FIXTURE_VARIANT_ADD(poison_1g, whole) {
	.opts = "pool=1G,mpol=bind:0,size=2G", .node = 0,
};

FIXTURE_VARIANT_ADD(poison_1g, both) {
	.opts = "pool=1G+2M,mpol=bind:1,size=2G", .node = 1, .units = true,
};

FIXTURE_SETUP(poison_1g)
{
	HP_SETUP(variant->opts);
	if (hp_attr(variant->node, "1GB/free") < (long long)GB) {
		hp_end(&self->env);
		SKIP(return, "no whole block left");
	}
}

/* What a row retired is no longer what hp_end() may ask for. */
FIXTURE_TEARDOWN_PARENT(poison_1g)
{
	for (int i = 0; i < self->env.before.nr; i++) {
		struct hp_node *n = &self->env.before.node[i];
		long long lost = hp_attr(i, "poisoned") - n->poisoned;

		if (!lost)
			continue;
		n->poisoned += lost;
		n->free -= lost;
		n->free_2m += n->free_1g - lost;
		n->total_2m += n->total_1g - lost;
		n->broken += n->free_1g;
		n->total_1g = 0;
		n->free_1g = 0;
	}
	EXPECT_ENDED(&self->env);
}

/* What somebody refers to stays whole, and loses the page as well. */
static void fail_pinned(struct __test_metadata *_metadata,
			FIXTURE_DATA(poison_1g) *self,
			const FIXTURE_VARIANT(poison_1g) *variant, int fd,
			unsigned char *p)
{
	loff_t off = 300 * UNIT;
	int hold[2];

	ASSERT_OK(pipe(hold));
	ASSERT_EQ(4096, splice(fd, &off, hold[1], NULL, 4096, 0));
	ASSERT_OK(fail_page(fd, BAD + 8 * 4096));
	EXPECT_NONE(only_bad(fd, BAD + 8 * 4096));
	EXPECT_EQ(SIGBUS, touch_read(p + BAD + 8 * 4096));
	EXPECT_OK(touch_read(p + BAD));
	EXPECT_EQ(0, wrong_marks(fd));
	EXPECT_EQ(GB, CURRENT_1G);
	EXPECT_EQ(0, hp_attr(variant->node, "1GB/broken"));
	close(hold[0]);
	close(hold[1]);
}

/* Clearing around a bad page does not touch it; a 1G file keeps all of it. */
static void clear_around(struct __test_metadata *_metadata,
			 FIXTURE_DATA(poison_1g) *self,
			 const FIXTURE_VARIANT(poison_1g) *variant, int fd)
{
	ASSERT_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    BAD - 3 * 4096 - 1, 6 * 4096 + 2));
	EXPECT_NONE(only_bad(fd, BAD));
	ASSERT_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    100 * UNIT, 3 * UNIT));
	EXPECT_EQ(3, wrong_marks(fd));
	EXPECT_EQ(variant->units ? GB - 3 * UNIT : GB, CURRENT_2M);
	ASSERT_OK(ftruncate(fd, GB / 2));
	EXPECT_EQ(variant->units ? GB / 2 - 3 * UNIT : GB, CURRENT_2M);
	ASSERT_OK(ftruncate(fd, GB));
	EXPECT_EQ(3 + 256, wrong_marks(fd));
	EXPECT_NONE(only_bad(fd, BAD));
}

TEST_F(poison_1g, one_page_is_lost)
{
	int node = variant->node, fd = open_marked(&self->env, "f");
	long long total = hp_attr(node, "total");
	long long bad = hp_attr(node, "poisoned");
	long long free_2m = hp_attr(node, "2MB/free");
	unsigned char *p;

	ASSERT_LE(0, fd);
	ASSERT_EQ(GB, CURRENT_1G);
	/* A limit for 2 MB does not matter to what is held. */
	ASSERT_OK(cg_limit(CG, "2MB", 0));
	p = mmap(NULL, GB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_OK(touch_read(p + BAD));
	ASSERT_OK(touch_write(p + BAD + 4096, 9));

	if (!variant->units)
		fail_pinned(_metadata, self, variant, fd, p);

	ASSERT_OK(fail_page(fd, BAD));
	EXPECT_NONE(only_bad(fd, BAD));
	EXPECT_EQ(0, wrong_marks(fd));
	EXPECT_EQ(SIGBUS, touch_read(p + BAD));
	EXPECT_EQ(SIGBUS, touch_write(p + BAD, 1));
	EXPECT_OK(touch_write(p + BAD + 4096, 2));
	EXPECT_OK(touch_write(p + BAD - 4096, 2));
	EXPECT_EQ(mark(78), p[78 * UNIT]);
	EXPECT_EQ(mark(0), p[0]);

	/* All of it is still held, as units now. */
	EXPECT_EQ(0, CURRENT_1G);
	EXPECT_EQ(GB, CURRENT_2M);
	EXPECT_EQ(0, cg_event(CG, "max"));
	EXPECT_EQ(GB, hp_attr(node, "1GB/broken"));
	EXPECT_EQ(GB, hp_attr(node, "2MB/used"));
	EXPECT_EQ(free_2m, hp_attr(node, "2MB/free"));
	EXPECT_EQ(total, hp_attr(node, "total"));
	EXPECT_TRUE(sums_hold(node));

	/* The same page again, and one more of the same unit. */
	fail_page(fd, BAD);
	if (variant->units)
		ASSERT_OK(fail_page(fd, BAD + 8 * 4096));
	EXPECT_NONE(only_bad(fd, BAD + 8 * 4096));
	EXPECT_NONE(only_bad(fd, BAD));
	EXPECT_EQ(0, wrong_marks(fd));
	EXPECT_EQ(GB, CURRENT_2M);

	clear_around(_metadata, self, variant, fd);

	/* The unit goes out of service with the hole, or with the file. */
	munmap(p, GB);
	if (variant->units) {
		ASSERT_OK(fallocate(fd,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    77 * UNIT, UNIT));
		EXPECT_EQ(bad + (long long)UNIT, hp_attr(node, "poisoned"));
		ASSERT_OK(cg_limit(CG, "2MB", 4 * GB));
		ASSERT_EQ(1, pwrite(fd, "x", 1, BAD));
		EXPECT_TRUE(sums_hold(node));
	}
	ASSERT_OK(ftruncate(fd, 0));
	EXPECT_TRUE(eventually(hp_attr(node, "poisoned") ==
			       bad + (long long)UNIT, 5));
	EXPECT_EQ(total, hp_attr(node, "total"));
	EXPECT_EQ(0, hp_attr(node, "used"));
	EXPECT_EQ(free_2m + (long long)(GB - UNIT), hp_attr(node, "2MB/free"));
	EXPECT_EQ(0, hp_attr(node, "1GB/total"));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_TRUE(sums_hold(node));
	close(fd);
}

TEST_HARNESS_MAIN
