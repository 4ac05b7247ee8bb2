// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=kvm timeout=600 poison=1
 *
 * Memory failure of one page in a block of a guest: host and guest lose that page
 * and no other, just as with a guest_memfd of ordinary pages; its unit is out of
 * service when the block comes back. These rows cost blocks for the rest of the
 * boot.
 */
#include <linux/falloc.h>
#include <setjmp.h>

#include "hp_test.h"
#include "gmem.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	240

#define RW		(PROT_READ | PROT_WRITE)
#define BLOCK		(variant->size ? variant->size->block : 4096)
#define VALUE		0x1234500000000001ULL
/* Where it fails; nothing else is written in that page. */
#define BAD		(variant->at)

FIXTURE(gmem_poison) {
	struct hp_env env;
	struct guest g;
	struct guest_maps low;
	int fd;
	unsigned char *p;
};

FIXTURE_VARIANT(gmem_poison) {
	const struct gmem_size *size;	/* NULL: not the pool's */
	unsigned long len, at;
};

FIXTURE_VARIANT_ADD(gmem_poison, 2m) {
	.size = &gmem_2m, .len = 4 * UNIT, .at = UNIT + 5 * 4096,
};

FIXTURE_VARIANT_ADD(gmem_poison, 1g) {
	.size = &gmem_1g, .len = GB, .at = 77 * UNIT + 5 * 4096,
};

FIXTURE_VARIANT_ADD(gmem_poison, ordinary) {
	.len = 4 * UNIT, .at = UNIT + 5 * 4096,
};

FIXTURE_SETUP(gmem_poison)
{
	HP_SETUP(NULL);
	ASSERT_OK(guest_open(&self->g, KVM_X86_DEFAULT_VM, 1));
	self->fd = gmem_create(self->g.vm, variant->len, GMEM_SHARED |
			       (variant->size ? variant->size->flags : 0));
	ASSERT_LE(0, self->fd);
	ASSERT_OK(gmem_slot(self->g.vm, 1, GUEST_TEST, variant->len, self->fd, 0, NULL));
	self->p = mmap(NULL, variant->len, RW, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	ASSERT_OK(guest_do(&self->g, 0, GUEST_LOOK,
			   (struct guest_range) { 0x1000, 1, 8 }, NULL));
	self->low = guest_maps(&self->g);
}

FIXTURE_TEARDOWN_PARENT(gmem_poison)
{
	long long all = 0;

	/* What came back is all but the unit, of a block of 1 GB as units. */
	for (int i = 0; i < self->env.before.nr; i++) {
		struct hp_node *n = &self->env.before.node[i];
		long long lost = hp_attr(i, "poisoned") - n->poisoned;
		long long broken = lost && BLOCK == GB ? GB : 0;

		all += lost;
		n->poisoned += lost;
		n->free -= lost;
		n->free_2m += broken - lost;
		n->total_2m += broken - lost;
		n->free_1g -= broken;
		n->total_1g -= broken;
		n->broken += broken;
	}
	EXPECT_EQ(variant->size ? (long long)UNIT : 0, all);
	EXPECT_ENDED(&self->env);
}

static siginfo_t told;
static sigjmp_buf back;

/* A signal to the one who injects is forced: ignoring it would not do. */
static void on_sigbus(int sig)
{
}

static void on_access(int sig, siginfo_t *info, void *context)
{
	told = *info;
	siglongjmp(back, 1);
}

/* Whether reading is answered as a VMM needs it: what has failed, and where. */
static bool says_failed(volatile unsigned char *p)
{
	struct sigaction act = { .sa_sigaction = on_access, .sa_flags = SA_SIGINFO }, old;

	memset(&told, 0, sizeof(told));
	sigaction(SIGBUS, &act, &old);
	if (!sigsetjmp(back, 1))
		(void)*p;
	sigaction(SIGBUS, &old, NULL);
	return told.si_code == BUS_MCEERR_AR && told.si_addr == p && told.si_addr_lsb == 12;
}

static int fail_page(unsigned char *p)
{
	int ret;

	signal(SIGBUS, on_sigbus);
	ret = madvise(p, 4096, MADV_HWPOISON) ? -errno : 0;
	signal(SIGBUS, SIG_DFL);
	return ret;
}

TEST_F(gmem_poison, one_page_is_lost)
{
	const struct guest_range units = { GUEST_TEST, variant->len / UNIT, UNIT, VALUE };
	const uint64_t unit = BAD / UNIT * UNIT;
	/* The pages of the unit before the bad one, and behind it. */
	const struct guest_range before = { GUEST_TEST + unit, 5, 4096, VALUE };
	const struct guest_range behind = { GUEST_TEST + unit + 6 * 4096, 506, 4096, VALUE };
	const struct guest_range bad = { GUEST_TEST + BAD, 1, 8, VALUE };
	uint64_t wrong;

	ASSERT_OK(guest_do(&self->g, 0, GUEST_FILL, units, NULL));
	ASSERT_OK(guest_do(&self->g, 0, GUEST_FILL, before, NULL));
	ASSERT_OK(guest_do(&self->g, 0, GUEST_FILL, behind, NULL));
	ASSERT_OK(touch_write(self->p + BAD, 1));
	/* Of its own pages KVM says "delayed", which counts as a failure there. */
	ASSERT_EQ(variant->size ? 0 : -EBUSY, fail_page(self->p + BAD));

	/* The VMM is told on its access to the page, and when the guest does. */
	if (variant->size)
		EXPECT_TRUE(says_failed(self->p + BAD));
	EXPECT_EQ(SIGBUS, touch_read(self->p + BAD));
	EXPECT_EQ(SIGBUS, touch_write(self->p + BAD + 4095, 1));
	EXPECT_EQ(-EHWPOISON, guest_do(&self->g, 0, GUEST_LOOK, bad, NULL));
	EXPECT_EQ(KVM_EXIT_MEMORY_FAULT, self->g.cpu[0].run->exit_reason);
	EXPECT_EQ(GUEST_TEST + BAD, self->g.cpu[0].run->memory_fault.gpa);
	EXPECT_EQ(-EHWPOISON, guest_go_on(&self->g, 0, NULL));

	/* All else is as it was, on both sides. */
	EXPECT_OK(guest_do(&self->g, 0, GUEST_CHECK, before, &wrong));
	EXPECT_EQ(0, wrong);
	EXPECT_OK(guest_do(&self->g, 0, GUEST_CHECK, behind, &wrong));
	EXPECT_EQ(0, wrong);
	EXPECT_OK(guest_do(&self->g, 0, GUEST_CHECK, units, &wrong));
	EXPECT_EQ(0, wrong);
	for (unsigned long page = 0; page < 512; page++)
		if (unit + page * 4096 != BAD) {
			EXPECT_EQ(guest_word(GUEST_TEST + unit + page * 4096, VALUE),
				  *(uint64_t *)(self->p + unit + page * 4096));
		}

	if (variant->size) {
		/* By entries as large as can be. */
		EXPECT_MAPS(&self->g, self->low, 0, variant->len / UNIT - 1, 511);
		EXPECT_EQ(variant->len / BLOCK, gmem_held(&self->env.cg, variant->size));
	}
}

TEST_HARNESS_MAIN
