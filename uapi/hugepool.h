/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What the hugepool adds to the headers of the kernel, for programs that are built
 * where those are older: include it behind <sys/mman.h> and <linux/kvm.h>, as far
 * as they are needed.
 */
#ifndef HUGEPOOL_UAPI_H
#define HUGEPOOL_UAPI_H

/* memfd_create(2): linux/memfd.h */
#ifndef MFD_HUGEPOOL
#define MFD_HUGEPOOL			0x0020U
#endif

/* KVM_CREATE_GUEST_MEMFD: linux/kvm.h */
#ifndef GUEST_MEMFD_FLAG_HUGEPOOL
#define GUEST_MEMFD_FLAG_HUGEPOOL	(1ULL << 2)

/* With GUEST_MEMFD_FLAG_HUGEPOOL: log2 of the size of the blocks, 21 or 30 */
#define GUEST_MEMFD_SIZE_SHIFT		26
#define GUEST_MEMFD_SIZE_MASK		(0x3fULL << GUEST_MEMFD_SIZE_SHIFT)
#define GUEST_MEMFD_SIZE_2MB		(21ULL << GUEST_MEMFD_SIZE_SHIFT)
#define GUEST_MEMFD_SIZE_1GB		(30ULL << GUEST_MEMFD_SIZE_SHIFT)
#endif

#endif
