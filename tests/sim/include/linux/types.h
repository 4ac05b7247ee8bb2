/* SPDX-License-Identifier: GPL-2.0 */
/* Stands in for the kernel's header in tests/sim. */
#ifndef _SIM_LINUX_TYPES_H
#define _SIM_LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The C library's headers come here too and expect what it calls by __u8. */
#include_next <linux/types.h>

typedef uint8_t u8;
typedef uint64_t u64;

struct list_head {
	struct list_head *next, *prev;
};

#endif /* _SIM_LINUX_TYPES_H */
