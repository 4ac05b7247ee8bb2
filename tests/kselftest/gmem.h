/* SPDX-License-Identifier: GPL-2.0 */
/* For tests of guest_memfd of blocks; see guest.h for who uses it as memory. */
#ifndef HUGEPOOL_TESTS_GMEM_H
#define HUGEPOOL_TESTS_GMEM_H

#include "guest.h"
#include "lib.h"
#include "vm.h"

#define GMEM_SHARED	(GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED)
#define GMEM_PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

/* A size of blocks. */
struct gmem_size {
	const char *class;	/* key in cgroup files, folder in sysfs */
	unsigned long block;
	uint64_t flags;
};

extern const struct gmem_size gmem_2m, gmem_1g;

/* What the cgroup holds in blocks of the size, in blocks; -1 when that is odd. */
long gmem_held(const struct cg *cg, const struct gmem_size *size);
/* Bytes of guest_memfd on all nodes, by numa_stat of the cgroup. */
long long gmem_stat(const struct cg *cg, const struct gmem_size *size);

/* How many 1 GB, 2 MB and 4 KB entries there are, besides those of low memory. */
#define EXPECT_MAPS(guest, base, want_g, want_m, want_k)			\
	do {								\
		struct guest_maps __m = guest_maps(guest);			\
		EXPECT_EQ((base).g + (want_g), __m.g);			\
		EXPECT_EQ((base).m + (want_m), __m.m);			\
		EXPECT_EQ((base).k + (want_k), __m.k);			\
	} while (0)

#endif
