// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib.h"
#include "vm.h"

#define PAGE		4096UL
/* pagemap entries per read: 2 MB of address space. */
#define CHUNK		512

static char *proc_path(char *path, size_t len, pid_t pid, const char *file)
{
	if (pid)
		snprintf(path, len, "/proc/%d/%s", pid, file);
	else
		snprintf(path, len, "/proc/self/%s", file);
	return path;
}

/* --- smaps, smaps_rollup, status --- */

long vm_smaps_pid_kb(pid_t pid, const void *addr, const char *key)
{
	unsigned long start, end, at = (unsigned long)addr;
	char path[64], line[512];
	size_t len = strlen(key);
	long val = -ENOENT;
	bool in = false;
	FILE *f;

	f = fopen(proc_path(path, sizeof(path), pid, "smaps"), "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			in = at >= start && at < end;
		else if (in && !strncmp(line, key, len) && line[len] == ':')
			val = strtol(line + len + 1, NULL, 10);
	}
	fclose(f);
	return val;
}

long vm_smaps_kb(const void *addr, const char *key)
{
	return vm_smaps_pid_kb(0, addr, key);
}

long vm_rollup_pid_kb(pid_t pid, const char *key)
{
	char path[64];

	return rd_key(proc_path(path, sizeof(path), pid, "smaps_rollup"), key);
}

long vm_rollup_kb(const char *key)
{
	return vm_rollup_pid_kb(0, key);
}

long vm_status_pid_kb(pid_t pid, const char *key)
{
	char path[64];

	return rd_key(proc_path(path, sizeof(path), pid, "status"), key);
}

long vm_status_kb(const char *key)
{
	return vm_status_pid_kb(0, key);
}

long vm_meminfo_kb(const char *key)
{
	return rd_key("/proc/meminfo", key);
}

/* --- pagemap --- */

int vm_pagemap_pid(pid_t pid, const void *addr, uint64_t *ent, size_t nr)
{
	off_t off = (unsigned long)addr / PAGE * sizeof(*ent);
	size_t got = 0, len = nr * sizeof(*ent);
	char path[64];
	ssize_t n;
	int fd;

	fd = open(proc_path(path, sizeof(path), pid, "pagemap"),
		  O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (got < len) {
		n = pread(fd, (char *)ent + got, len - got, off + got);
		if (n <= 0) {
			n = n ? -errno : -EIO;
			close(fd);
			return n;
		}
		got += n;
	}
	close(fd);
	return 0;
}

int vm_pagemap(const void *addr, uint64_t *ent, size_t nr)
{
	return vm_pagemap_pid(0, addr, ent, nr);
}

uint64_t vm_pme(const void *addr)
{
	uint64_t ent;

	return vm_pagemap(addr, &ent, 1) ? 0 : ent;
}

long vm_contiguous_pages(const void *addr, size_t len)
{
	uint64_t ent[CHUNK], first = 0;
	size_t i, n, page, nr = len / PAGE;
	int ret;

	for (page = 0; page < nr; page += n) {
		n = nr - page < CHUNK ? nr - page : CHUNK;
		ret = vm_pagemap((const char *)addr + page * PAGE, ent, n);
		if (ret)
			return ret;
		if (!page)
			first = ent[0] & PME_PFN;
		for (i = 0; i < n; i++)
			if (!(ent[i] & PME_PRESENT) ||
			    (ent[i] & PME_PFN) != first + page + i)
				return page + i;
	}
	return nr;
}

long vm_pages_with(const void *addr, size_t len, uint64_t bits)
{
	size_t i, n, page, nr = len / PAGE;
	uint64_t ent[CHUNK];
	long with = 0;
	int ret;

	for (page = 0; page < nr; page += n) {
		n = nr - page < CHUNK ? nr - page : CHUNK;
		ret = vm_pagemap((const char *)addr + page * PAGE, ent, n);
		if (ret)
			return ret;
		for (i = 0; i < n; i++)
			with += (ent[i] & bits) == bits;
	}
	return with;
}

/* --- PAGEMAP_SCAN --- */

struct scan_region {
	uint64_t start, end, categories;
};

struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask;
	uint64_t return_mask;
};

#define SCAN	_IOWR('f', 16, struct scan_arg)

struct vm_scan vm_scan(const void *p, size_t len, uint64_t flags, uint64_t mask,
		       uint64_t max_pages)
{
	struct scan_region vec[64] = {};
	struct scan_arg arg = {
		.size = sizeof(arg),
		.flags = flags,
		.start = (unsigned long)p,
		.end = (unsigned long)p + len,
		.vec = (unsigned long)vec,
		.vec_len = sizeof(vec) / sizeof(vec[0]),
		.max_pages = max_pages,
		.category_mask = mask,
		.return_mask = PAGE_IS_PRESENT | PAGE_IS_HUGE | PAGE_IS_FILE |
			       PAGE_IS_WRITTEN | PAGE_IS_SWAPPED |
			       PAGE_IS_PFNZERO,
	};
	struct vm_scan s = {};
	int fd;

	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	s.ret = fd < 0 ? -1 : ioctl(fd, SCAN, &arg);
	if (s.ret < 0)
		s.ret = -errno;
	if (fd >= 0)
		close(fd);
	s.walk_end = arg.walk_end;
	for (long i = 0; i < s.ret; i++)
		s.pages += (vec[i].end - vec[i].start) / PAGE;
	s.start = vec[0].start;
	s.categories = vec[0].categories;
	return s;
}

/* --- the rest --- */

long vm_numa_maps(const void *addr, const char *key)
{
	char line[1024], want[32], tok[32], *p;
	long val = -ENOENT;
	FILE *f = fopen("/proc/self/numa_maps", "re");

	if (!f)
		return -errno;
	snprintf(want, sizeof(want), "%08lx ", (unsigned long)addr);
	snprintf(tok, sizeof(tok), " %s=", key);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, want, strlen(want)))
			continue;
		p = strstr(line, tok);
		val = p ? strtol(p + strlen(tok), NULL, 10) : 0;
	}
	fclose(f);
	return val;
}

int vm_clear_refs(int what)
{
	char val[8];

	snprintf(val, sizeof(val), "%d", what);
	return wr_file("/proc/self/clear_refs", val);
}
