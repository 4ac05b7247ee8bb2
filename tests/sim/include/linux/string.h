/* SPDX-License-Identifier: GPL-2.0 */
/* Stands in for the kernel's header in tests/sim. */
#include <string.h>
