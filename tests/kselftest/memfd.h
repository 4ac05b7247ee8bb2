/* SPDX-License-Identifier: GPL-2.0 */
/* memfd_create(MFD_HUGEPOOL), newer than the C library. */
#ifndef HUGEPOOL_TESTS_MEMFD_H
#define HUGEPOOL_TESTS_MEMFD_H

#include <fcntl.h>
#include <sys/mman.h>

#include "../../uapi/hugepool.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL		0x0008U
#define MFD_EXEC		0x0010U
#endif
#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT		26
#endif
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB		(21U << MFD_HUGE_SHIFT)
#define MFD_HUGE_1GB		(30U << MFD_HUGE_SHIFT)
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC		0x0020
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE	0x0010
#endif

#define HP_MEMFD(flags)	memfd_create("hp", MFD_HUGEPOOL | (flags))

#endif
