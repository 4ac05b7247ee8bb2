/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stands in for the kernel's header in tests/sim. <errno.h> includes this very
 * file, so the numbers themselves must come from the next one on the path.
 */
#include_next <linux/errno.h>
