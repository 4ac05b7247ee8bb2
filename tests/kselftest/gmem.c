// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "gmem.h"

const struct gmem_size gmem_2m = {
	"2MB", UNIT, GUEST_MEMFD_FLAG_HUGEPOOL | GUEST_MEMFD_SIZE_2MB,
};

const struct gmem_size gmem_1g = {
	"1GB", GB, GUEST_MEMFD_FLAG_HUGEPOOL | GUEST_MEMFD_SIZE_1GB,
};

long gmem_held(const struct cg *cg, const struct gmem_size *size)
{
	long long held = cg_hp(cg, "current", size->class);

	return held % size->block ? -1 : held / (long long)size->block;
}

long long gmem_stat(const struct cg *cg, const struct gmem_size *size)
{
	char path[256], key[32], col[16];
	long long sum = 0;

	snprintf(path, sizeof(path), "%s/memory.hugepool.numa_stat", cg->path);
	snprintf(key, sizeof(key), "guest_memfd.%s", size->class);
	for (int node = 0; node < hp_nr_nodes(); node++) {
		long long bytes;

		snprintf(col, sizeof(col), "N%d", node);
		bytes = rd_col(path, key, col);
		if (bytes < 0)
			return bytes;
		sum += bytes;
	}
	return sum;
}
