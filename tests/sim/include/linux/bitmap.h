/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stands in for the kernel's header in tests/sim: bit by bit, because being
 * obviously right counts for more here than being fast.
 */
#ifndef _SIM_LINUX_BITMAP_H
#define _SIM_LINUX_BITMAP_H

#include <linux/types.h>

#define SIM_BITS_PER_LONG	(8 * sizeof(unsigned long))

#define DECLARE_BITMAP(name, bits) \
	unsigned long name[((bits) + SIM_BITS_PER_LONG - 1) / SIM_BITS_PER_LONG]

static inline bool test_bit(unsigned long nr, const unsigned long *map)
{
	return map[nr / SIM_BITS_PER_LONG] >> (nr % SIM_BITS_PER_LONG) & 1;
}

static inline void __set_bit(unsigned long nr, unsigned long *map)
{
	map[nr / SIM_BITS_PER_LONG] |= 1UL << (nr % SIM_BITS_PER_LONG);
}

static inline void __clear_bit(unsigned long nr, unsigned long *map)
{
	map[nr / SIM_BITS_PER_LONG] &= ~(1UL << (nr % SIM_BITS_PER_LONG));
}

static inline bool __test_and_set_bit(unsigned long nr, unsigned long *map)
{
	bool was = test_bit(nr, map);

	__set_bit(nr, map);
	return was;
}

static inline void bitmap_set(unsigned long *map, unsigned int start,
			      unsigned int nr)
{
	while (nr--)
		__set_bit(start++, map);
}

static inline void bitmap_copy(unsigned long *to, const unsigned long *from,
			       unsigned int nr)
{
	while (nr--)
		if (test_bit(nr, from))
			__set_bit(nr, to);
		else
			__clear_bit(nr, to);
}

static inline void bitmap_zero(unsigned long *map, unsigned int nr)
{
	while (nr--)
		__clear_bit(nr, map);
}

static inline unsigned int bitmap_weight(const unsigned long *map,
					 unsigned int nr)
{
	unsigned int weight = 0;

	while (nr--)
		weight += test_bit(nr, map);
	return weight;
}

static inline bool bitmap_empty(const unsigned long *map, unsigned int nr)
{
	return !bitmap_weight(map, nr);
}

/* Like the kernel's: whether anything is left in @dst. */
static inline bool bitmap_andnot(unsigned long *dst, const unsigned long *a,
				 const unsigned long *b, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (test_bit(i, a) && !test_bit(i, b))
			__set_bit(i, dst);
		else
			__clear_bit(i, dst);
	}
	return !bitmap_empty(dst, nr);
}

/* Like the kernel's: @nr when no bit is set. */
static inline unsigned long find_last_bit(const unsigned long *map,
					  unsigned long nr)
{
	unsigned long i = nr;

	while (i)
		if (test_bit(--i, map))
			return i;
	return nr;
}

#endif /* _SIM_LINUX_BITMAP_H */
