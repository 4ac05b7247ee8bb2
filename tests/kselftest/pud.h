/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of mappings by PUD: one gigabyte of a file in the pool, in hugetlbfs
 * or in plain tmpfs, whose pages all carry a stamp, and what tells by which
 * entries it is mapped.
 */
#ifndef HUGEPOOL_TESTS_PUD_H
#define HUGEPOOL_TESTS_PUD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib.h"
#include "vm.h"

#define PAGE		4096UL
#define GB_PAGES	(GB / PAGE)
#define GB_UNITS	(GB / UNIT)

/* What a file of a gigabyte consists of. */
struct backing {
	const char *fs, *opts;
	unsigned long block;	/* the first gigabyte, once it is there, is made of */
	bool pool;		/* drawn from the pool */
	bool units;		/* gives 2 MB back out of a 1 GB block */
};

extern const struct backing pool_1g, pool_1g_2m, pool_2m, tmpfs_thp, hugetlb_1g;

/* Mounts it on env->dir, after hp_begin() without options. */
int backing_mount(struct hp_env *env, const struct backing *b);

/* Field of smaps, in bytes, summed over the mappings that begin in the range. */
long long smaps_sum(const void *start, size_t len, const char *field);
/* NULL, or how the range is not mapped by @pud and @pmd bytes of entries. */
const char *mapped_wrong(const struct backing *b, const void *p, size_t len,
			 long long pud, long long pmd);
/* Bytes of page tables this process has below PUD entries. */
long long vm_pte(void);
long minor_faults(void);
/* What the cgroup holds in both sizes; -1 when they are not as the backing says. */
long long pool_held(const struct cg *cg);

/* --- stamps: a word in each page, never zero --- */
uint64_t stamp_of(size_t page, unsigned int gen);
/* Pages @first to @first + @nr of the file, which @p maps from @first on. */
void stamp(void *p, size_t first, size_t nr, unsigned int gen);
/* NULL, or which page does not have its stamp. With gen 0 all must be zero. */
const char *stamp_wrong(const void *p, size_t first, size_t nr, unsigned int gen);
/* The same, read from the file. */
const char *stamp_wrong_fd(int fd, size_t first, size_t nr, unsigned int gen);

/* Touches a byte in each page, to read; false after a signal. */
bool touch_range(const void *p, size_t len);

/* An aligned place of @len bytes with a gigabyte to spare on each side. */
unsigned char *reserve_place(size_t len);

/* A loop device over @file, for direct I/O; a descriptor or -errno. */
int loop_disk(int file);
/* A block device of @size bytes that does direct I/O; a descriptor or -errno. */
int direct_disk(size_t size);

#define EXPECT_MAPPED(b, p, len, pud, pmd) ({				\
	const char *__why = mapped_wrong(b, p, len, pud, pmd);		\
	EXPECT_TRUE(!__why)						\
		TH_LOG("%s", __why); })

#define EXPECT_STAMPS(p, first, nr, gen) ({				\
	const char *__why = stamp_wrong(p, first, nr, gen);		\
	EXPECT_TRUE(!__why)						\
		TH_LOG("%s", __why); })

/* The same of part of a mapping that begins with the file. */
#define EXPECT_PAGES(p, first, nr, gen)					\
	EXPECT_STAMPS((p) + (first) * PAGE, first, nr, gen)

#define EXPECT_STAMPS_FD(fd, first, nr, gen) ({				\
	const char *__why = stamp_wrong_fd(fd, first, nr, gen);		\
	EXPECT_TRUE(!__why)						\
		TH_LOG("%s", __why); })

#endif
