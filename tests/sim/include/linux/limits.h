/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stands in for the kernel's header in tests/sim. <limits.h> includes this very
 * file for PATH_MAX and its like: those come from the next one on the path.
 */
#include_next <linux/limits.h>
#include <limits.h>
