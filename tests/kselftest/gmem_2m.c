// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2
 *
 * guest_memfd where there are blocks of 2 MB and none of 1 GB.
 */
#include "hp_test.h"
#include "gmem.h"

HP_FIXTURE(gmem_2m, NULL);

TEST_F(gmem_2m, there_is_no_other_size)
{
	int vm = gmem_vm(KVM_X86_DEFAULT_VM);

	ASSERT_LE(0, vm);
	EXPECT_EQ(-EINVAL, gmem_create(vm, GB, gmem_1g.flags));
	EXPECT_EQ(-EINVAL, gmem_create(vm, GB, gmem_1g.flags | GMEM_SHARED));
	EXPECT_LE(0, gmem_create(vm, GB, gmem_2m.flags));
	EXPECT_EQ(GUEST_MEMFD_FLAG_HUGEPOOL | GMEM_SHARED,
		  ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD_FLAGS));
}

TEST_HARNESS_MAIN
