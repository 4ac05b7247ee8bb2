// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: memfds, which draw from the pool without a mount.
 *
 * Who may mount tmpfs with pool= is trusted with the machine; a memfd is for
 * programs. They need the capability to lock memory, since that is what pool
 * memory amounts to, or to be in a group that the administrator has named.
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hugepool.h>
#include <linux/shmem_fs.h>
#include <linux/sysctl.h>
#include <linux/uidgid.h>

#include "internal.h"

/* vm.hugepool_shm_group: -1 is nobody. */
static int hp_shm_group __read_mostly = -1;

static bool hp_may_create(void)
{
	kgid_t group = make_kgid(&init_user_ns, READ_ONCE(hp_shm_group));

	if (gid_valid(group) && in_group_p(group))
		return true;
	return capable(CAP_IPC_LOCK);
}

/**
 * hugepool_memfd_create - create the file of a memfd with pool memory
 * @name: name of the file
 * @size_log: log2 of the size of its blocks, 0 for 2 MB
 *
 * Context: process context.
 * Return: an empty file; or an ERR_PTR: -EINVAL when there are no blocks of that
 * size, -EPERM when the caller may not use the pool, or what shmem says.
 */
struct file *hugepool_memfd_create(const char *name, unsigned int size_log)
{
	enum hp_class class;

	if (!size_log || size_log == HP_UNIT_SHIFT)
		class = HP_2M;
	else if (size_log == HP_BLOCK_SHIFT)
		class = HP_1G;
	else
		return ERR_PTR(-EINVAL);
	if (!hp_may_create())
		return ERR_PTR(-EPERM);
	if (!hp_pool_total(BIT(class)))
		return ERR_PTR(-EINVAL);
	return shmem_pool_file_setup(name, BIT(class));
}

static const struct ctl_table hp_memfd_table[] = {
	{
		.procname	= "hugepool_shm_group",
		.data		= &hp_shm_group,
		.maxlen		= sizeof(hp_shm_group),
		.mode		= 0644,
		.proc_handler	= proc_dointvec_minmax,
		.extra1		= SYSCTL_NEG_ONE,
		.extra2		= SYSCTL_INT_MAX,
	},
};

static int __init hp_memfd_init(void)
{
	register_sysctl_init("vm", hp_memfd_table);
	return 0;
}
subsys_initcall(hp_memfd_init);
