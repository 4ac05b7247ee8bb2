// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "numa.h"

#define WEIGHTS		"/sys/kernel/mm/mempolicy/weighted_interleave"

static long long held_key(const struct cg *cg, const char *class, int node)
{
	char key[32];

	snprintf(key, sizeof(key), "%s/node%d", class, node);
	return cg_hp(cg, "current", key);
}

long long held_on(const struct hp_env *env, const struct cg *cg,
		  const char *class, int node)
{
	static const char * const consumers[] = { "shmem", "guest_memfd" };
	long long held, stat = 0, numa, used, all;
	char line[32], col[8], path[256];

	held = held_key(cg, class, node);
	all = held_key(cg, "2MB", node) + held_key(cg, "1GB", node);
	snprintf(col, sizeof(col), "N%d", node);
	snprintf(path, sizeof(path), "%s/memory.hugepool.numa_stat", cg->path);
	for (size_t i = 0; i < sizeof(consumers) / sizeof(consumers[0]); i++) {
		snprintf(line, sizeof(line), "%s.%s", consumers[i], class);
		stat += rd_col(path, line, col);
	}
	snprintf(path, sizeof(path), "%s/memory.numa_stat", cg->path);
	/* Only nodes that have memory are listed there. */
	numa = rd_col(path, "hugepool", col);
	if (numa == -ENOENT)
		numa = 0;
	used = hp_attr(node, "used") - env->before.node[node].used;
	if (held != stat || all != numa || used < all)
		return -1;
	return held;
}

int node_at(const void *addr)
{
	void *page = (void *)addr;
	int status = -1;

	if (move_pages(0, 1, &page, NULL, &status, 0))
		return -errno;
	return status;
}

int pin_to_node(int node)
{
	char path[96], list[64];
	cpu_set_t set;
	int ret;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist",
		 node);
	ret = rd_file(path, list, sizeof(list));
	if (ret)
		return ret;
	if (list[0] < '0' || list[0] > '9')
		return -ENXIO;
	CPU_ZERO(&set);
	CPU_SET(atoi(list), &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

int task_policy(int mode, unsigned long mask)
{
	return set_mempolicy(mode, mask ? &mask : NULL,
			     mask ? MASK_BITS : 0) ? -errno : 0;
}

int range_policy(void *addr, size_t len, int mode, unsigned long mask)
{
	return mbind(addr, len, mode, mask ? &mask : NULL,
		     mask ? MASK_BITS : 0, 0) ? -errno : 0;
}

int range_home(void *addr, size_t len, int node)
{
	return syscall(SYS_set_mempolicy_home_node, addr, len, node, 0) ?
		-errno : 0;
}

int set_weight(int node, int weight)
{
	char path[96], val[16];

	snprintf(path, sizeof(path), WEIGHTS "/node%d", node);
	snprintf(val, sizeof(val), "%d", weight);
	return wr_file(path, val);
}

int reset_weights(void)
{
	/* "auto" would want to know the bandwidth of the nodes. */
	return set_weight(0, 1) ?: set_weight(1, 1);
}
