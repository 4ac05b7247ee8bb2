/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a range is mapped, as the kernel tells it: smaps, status, pagemap,
 * numa_maps. A @pid of 0 is the caller itself. Values are in kB where the name
 * says so; -errno when there is no answer.
 */
#ifndef HUGEPOOL_TESTS_VM_H
#define HUGEPOOL_TESTS_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define GB		(1UL << 30)

/* Bits of a pagemap entry. */
#define PME_PFN		((1ULL << 55) - 1)
#define PME_SOFT_DIRTY	(1ULL << 55)
#define PME_EXCLUSIVE	(1ULL << 56)
#define PME_UFFD_WP	(1ULL << 57)
#define PME_GUARD	(1ULL << 58)
#define PME_FILE	(1ULL << 61)
#define PME_SWAP	(1ULL << 62)
#define PME_PRESENT	(1ULL << 63)

/* A field of the smaps entry of the VMA that holds @addr. */
long vm_smaps_pid_kb(pid_t pid, const void *addr, const char *key);
long vm_smaps_kb(const void *addr, const char *key);
/* A field of smaps_rollup. */
long vm_rollup_pid_kb(pid_t pid, const char *key);
long vm_rollup_kb(const char *key);
/* A field of status: VmPTE, VmRSS, RssShmem, VmLck... */
long vm_status_pid_kb(pid_t pid, const char *key);
long vm_status_kb(const char *key);
/* A field of /proc/meminfo. */
long vm_meminfo_kb(const char *key);

/* @nr pagemap entries from @addr on; 0 or -errno (-EIO when cut short). */
int vm_pagemap_pid(pid_t pid, const void *addr, uint64_t *ent, size_t nr);
int vm_pagemap(const void *addr, uint64_t *ent, size_t nr);
/* One of them; 0 when it cannot be read. */
uint64_t vm_pme(const void *addr);
/*
 * Pages of [@addr, @addr + @len) that are present and, beginning with the
 * first, contiguous in memory; -errno.
 */
long vm_contiguous_pages(const void *addr, size_t len);
/* Entries of the range with all of @bits set. */
long vm_pages_with(const void *addr, size_t len, uint64_t bits);

/* PAGEMAP_SCAN is newer than the C library's headers. */
#ifndef PAGE_IS_WRITTEN
#define PM_SCAN_WP_MATCHING	(1 << 0)
#define PM_SCAN_CHECK_WPASYNC	(1 << 1)
#define PAGE_IS_WRITTEN		(1 << 1)
#define PAGE_IS_FILE		(1 << 2)
#define PAGE_IS_PRESENT		(1 << 3)
#define PAGE_IS_SWAPPED		(1 << 4)
#define PAGE_IS_PFNZERO		(1 << 5)
#define PAGE_IS_HUGE		(1 << 6)
#endif

struct vm_scan {
	long ret;		/* regions, or -errno */
	uint64_t pages;		/* in all of them */
	uint64_t walk_end;
	uint64_t start, categories;	/* of the first */
};

/* Regions of @len bytes at @p with all of @mask, at most @max_pages (0: any). */
struct vm_scan vm_scan(const void *p, size_t len, uint64_t flags, uint64_t mask,
		       uint64_t max_pages);

/* "<key>=" in the numa_maps line of the VMA that starts at @addr; 0: absent. */
long vm_numa_maps(const void *addr, const char *key);
/* A value for /proc/self/clear_refs. */
int vm_clear_refs(int what);

#endif
