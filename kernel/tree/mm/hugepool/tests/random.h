/* SPDX-License-Identifier: GPL-2.0 */
/* Hugepool: random numbers that are the same everywhere for the same seed. */
#ifndef _MM_HUGEPOOL_TESTS_RANDOM_H
#define _MM_HUGEPOOL_TESTS_RANDOM_H

#include <linux/types.h>

/* splitmix64 */
static inline u64 hp_random_next(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* A number below @limit. */
static inline unsigned long hp_random_below(u64 *state, unsigned long limit)
{
	return (unsigned long)hp_random_next(state) % limit;
}

#endif /* _MM_HUGEPOOL_TESTS_RANDOM_H */
