// SPDX-License-Identifier: GPL-2.0
/*
 * LD_PRELOAD: directories below /sys/fs/cgroup have files when they are made and are empty when they
 * are removed, as those of cgroupfs, so that hugepool run can be tried on a copied tree.
 *
 * FAKE= is a list of what goes wrong: "nospc" (a write to memory.hugepool.min), "nomin" (there is no
 * such file), "nojoin" (nor cgroup.procs), "busy" (somebody is left in the cgroup in the end),
 * "below" (a cgroup is).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[] = {
	"cgroup.controllers", "cgroup.procs", "cgroup.subtree_control", "cgroup.type",
	"memory.hugepool.max", "memory.hugepool.min",
};

#define NR_NAMES	(sizeof(names) / sizeof(names[0]))

static bool is_cgroup(const char *path)
{
	return !strncmp(path, "/sys/fs/cgroup/", 15);
}

static bool goes_wrong(const char *what)
{
	const char *list = getenv("FAKE");

	return list && strstr(list, what);
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

int mkdir(const char *path, mode_t mode)
{
	int (*real)(const char *path, mode_t mode) = dlsym(RTLD_NEXT, "mkdir");
	char file[4096];
	size_t i;

	if (real(path, mode))
		return -1;
	if (!is_cgroup(path))
		return 0;
	for (i = 0; i < NR_NAMES; i++) {
		if (strstr(names[i], ".min") && goes_wrong("nomin"))
			continue;
		if (strstr(names[i], ".procs") && goes_wrong("nojoin"))
			continue;
		put(path, names[i], "");
	}
	if (goes_wrong("nospc")) {
		snprintf(file, sizeof(file), "%s/memory.hugepool.min", path);
		if (unlink(file) || symlink("/dev/full", file))
			abort();
	}
	return 0;
}

int rmdir(const char *path)
{
	int (*real)(const char *path) = dlsym(RTLD_NEXT, "rmdir");
	char file[4096];
	size_t i;

	if (is_cgroup(path)) {
		if (goes_wrong("busy"))
			put(path, "cgroup.procs", "4711\n4712\n");
		if (goes_wrong("below"))
			put(path, "cgroup.procs", "");
		if (goes_wrong("busy") || goes_wrong("below")) {
			errno = EBUSY;
			return -1;
		}
		for (i = 0; i < NR_NAMES; i++) {
			snprintf(file, sizeof(file), "%s/%s", path, names[i]);
			unlink(file);
		}
	}
	return real(path);
}
