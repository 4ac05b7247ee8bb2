// SPDX-License-Identifier: GPL-2.0
/* Which NUMA nodes there are: libnuma for the running machine, the copied sysfs otherwise. */
#include <dirent.h>
#include <numa.h>

#include "internal.h"

static void add_node(unsigned int **node, size_t *nr, unsigned int id)
{
	*node = hp_grow(*node, *nr, sizeof(**node));
	(*node)[(*nr)++] = id;
}

static int compare_nodes(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return x < y ? -1 : x > y;
}

static void nodes_from_libnuma(unsigned int **node, size_t *nr)
{
	int id;

	/* A kernel without NUMA has its pool on node 0, which the pool's own directory tells. */
	if (numa_available() < 0)
		return;
	/*
	 * numa_nodes_ptr has every node, numa_all_nodes_ptr only those this process may
	 * allocate from: a cpuset must not hide a node from an administrator's overview.
	 */
	for (id = 0; id <= numa_max_node(); id++) {
		if (numa_bitmask_isbitset(numa_nodes_ptr, id))
			add_node(node, nr, id);
	}
}

static void nodes_from_directory(const char *path, unsigned int **node, size_t *nr)
{
	struct dirent *entry;
	unsigned int id;
	DIR *dir;

	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (hp_is_node_dir(entry->d_name, &id))
			add_node(node, nr, id);
	}
	closedir(dir);
	qsort(*node, *nr, sizeof(**node), compare_nodes);
}

void hp_nodes(struct hp_ctx *ctx, unsigned int **node, size_t *nr)
{
	char *path;

	/* An allocated array even when it is empty: qsort() must not be given NULL. */
	*node = hp_zalloc(1, sizeof(**node));
	*nr = 0;
	if (ctx->live) {
		nodes_from_libnuma(node, nr);
		return;
	}
	path = hp_asprintf("%s/sys/devices/system/node", ctx->sysroot);
	nodes_from_directory(path, node, nr);
	free(path);
}
