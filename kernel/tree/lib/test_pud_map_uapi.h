/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What lib/test_pud_map.c offers to the tests in user space.
 */
#ifndef _LIB_TEST_PUD_MAP_UAPI_H
#define _LIB_TEST_PUD_MAP_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TEST_PUD_DEV_PFN	"test_pud_pfn"
#define TEST_PUD_DEV_MIXED	"test_pud_mixed"
#define TEST_PUD_DEV_DAX	"test_pud_dax"

/**
 * struct test_pud_stat - who uses the folio
 * @refs: references, without the one of the device
 * @mapcount: page table entries that map it, of any size
 * @pins: pins of GUP
 */
struct test_pud_stat {
	__s32 refs;
	__s32 mapcount;
	__s32 pins;
};

/* Flags of struct test_pud_gup */
#define TEST_PUD_GUP_WRITE	0x1
#define TEST_PUD_GUP_LONGTERM	0x2	/* pin, else get */
#define TEST_PUD_GUP_SPLIT	0x4	/* FOLL_SPLIT_PMD */

/**
 * struct test_pud_gup - take and give back one page by get_user_pages()
 * @addr: in, the address
 * @index: out, the index of the page in the folio; -1 if it is another's
 * @flags: in
 */
struct test_pud_gup {
	__u64 addr;
	__s64 index;
	__u32 flags;
	__u32 pad;
};

#define TEST_PUD_STAT	_IOR('P', 0x80, struct test_pud_stat)
#define TEST_PUD_GUP	_IOWR('P', 0x81, struct test_pud_gup)
/* In: an address. Out: log2 of what its entry maps, 0 if there is none. */
#define TEST_PUD_SHIFT	_IOWR('P', 0x82, __u64)

#endif /* _LIB_TEST_PUD_MAP_UAPI_H */
