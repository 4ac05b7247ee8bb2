// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <numaif.h>
#include <stdio.h>

#include "cg.h"
#include "vm.h"

int cg_fallocate(const struct cg *cg, const struct cg *home, int fd, off_t off,
		 off_t len)
{
	int back, ret = cg ? cg_join(cg) : cg_join_root();

	if (!ret)
		ret = fallocate(fd, 0, off, len) ? -errno : 0;
	back = cg_join(home);
	return ret ?: back;
}

long long cg_mem_event(const struct cg *cg, const char *event)
{
	return cg_key(cg, "memory.events", event);
}

int bind_to(int node)
{
	unsigned long mask = 1UL << (node < 0 ? 0 : node);

	if (node < 0)
		return set_mempolicy(MPOL_DEFAULT, NULL, 0) ? -errno : 0;
	return set_mempolicy(MPOL_BIND, &mask, sizeof(mask) * 8) ? -errno : 0;
}

const char *reserved_wrong(long long node0, long long node1)
{
	long long seen0 = hp_attr(0, "reserved"), seen1 = hp_attr(1, "reserved");
	long long all = vm_meminfo_kb("HugePool_Rsvd");
	static char why[200];

	if (seen0 == node0 && seen1 == node1 &&
	    all * (long long)KB == hp_sum("reserved"))
		return NULL;
	snprintf(why, sizeof(why),
		 "reserved: %lld and %lld, wanted %lld and %lld; HugePool_Rsvd %lld kB",
		 seen0, seen1, node0, node1, all);
	return why;
}
