// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pud.h"

const struct backing pool_1g = { "tmpfs", "pool=1G", GB, true, false };
const struct backing pool_1g_2m = { "tmpfs", "pool=1G+2M", GB, true, true };
const struct backing pool_2m = { "tmpfs", "pool=2M,mpol=bind:0", UNIT, true, true };
const struct backing tmpfs_thp = { "tmpfs", "huge=always,size=2G", 0, false, true };
const struct backing hugetlb_1g = { "hugetlbfs", "pagesize=1G", GB, false, false };

int backing_mount(struct hp_env *env, const struct backing *b)
{
	if (mount("hugepool-test", env->dir, b->fs, 0, b->opts))
		return -errno;
	env->mounted = true;
	return 0;
}

/* --- by which entries --- */

long long smaps_sum(const void *start, size_t len, const char *field)
{
	unsigned long at = (unsigned long)start, from, to;
	FILE *f = fopen("/proc/self/smaps", "re");
	size_t n = strlen(field);
	long long sum = 0;
	bool in = false, seen = false;
	char line[512];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			in = from >= at && from < at + len;
		} else if (in && !strncmp(line, field, n) && line[n] == ':') {
			sum += strtoll(line + n + 1, NULL, 10) * KB;
			seen = true;
		}
	}
	fclose(f);
	return seen ? sum : -ENOENT;
}

const char *mapped_wrong(const struct backing *b, const void *p, size_t len,
			 long long pud, long long pmd)
{
	long long has_pud = smaps_sum(p, len, "PudMapped");
	long long has_pmd = smaps_sum(p, len, "ShmemPmdMapped");
	static char why[160];

	/* Nobody has promised how the others do it. */
	if (!b->pool)
		return NULL;
	if (b->block < GB) {
		pmd += pud;
		pud = 0;
	}
	if (has_pud == pud && has_pmd == pmd)
		return NULL;
	snprintf(why, sizeof(why),
		 "PudMapped %lld kB, not %lld; ShmemPmdMapped %lld kB, not %lld",
		 has_pud / 1024, pud / 1024, has_pmd / 1024, pmd / 1024);
	return why;
}

long long vm_pte(void)
{
	return vm_status_kb("VmPTE") * KB;
}

long minor_faults(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return use.ru_minflt;
}

long long pool_held(const struct cg *cg)
{
	return cg_hp(cg, "current", "1GB") + cg_hp(cg, "current", "2MB");
}

/* --- stamps --- */

uint64_t stamp_of(size_t page, unsigned int gen)
{
	return gen ? (uint64_t)gen << 32 | (page + 1) : 0;
}

/* Not always the same word of a page. */
static size_t stamp_at(size_t page)
{
	return page % (PAGE / 8) * 8;
}

void stamp(void *p, size_t first, size_t nr, unsigned int gen)
{
	unsigned char *at = p;

	for (size_t i = 0; i < nr; i++, at += PAGE)
		*(volatile uint64_t *)(at + stamp_at(first + i)) =
			stamp_of(first + i, gen);
}

static const char *stamp_differs(size_t page, uint64_t seen, unsigned int gen)
{
	static char why[120];

	snprintf(why, sizeof(why), "page %zu (at %#zx) holds %#llx, not %#llx", page,
		 page * PAGE, (unsigned long long)seen,
		 (unsigned long long)stamp_of(page, gen));
	return why;
}

const char *stamp_wrong(const void *p, size_t first, size_t nr, unsigned int gen)
{
	const unsigned char *at = p;
	uint64_t seen;

	for (size_t i = 0; i < nr; i++, at += PAGE) {
		seen = *(volatile uint64_t *)(at + stamp_at(first + i));
		if (seen != stamp_of(first + i, gen))
			return stamp_differs(first + i, seen, gen);
	}
	return NULL;
}

const char *stamp_wrong_fd(int fd, size_t first, size_t nr, unsigned int gen)
{
	static unsigned char buf[1 << 20] __attribute__((aligned(4096)));
	const char *why = NULL;
	size_t n;

	for (; nr && !why; first += n, nr -= n) {
		n = nr < sizeof(buf) / PAGE ? nr : sizeof(buf) / PAGE;
		if (pread(fd, buf, n * PAGE, first * PAGE) != (ssize_t)(n * PAGE))
			return "the file cannot be read";
		why = stamp_wrong(buf, first, n, gen);
	}
	return why;
}

bool touch_range(const void *p, size_t len)
{
	/* The first byte of each unit safely, the others once that is known. */
	for (size_t off = 0; off < len; off += PAGE) {
		const unsigned char *at = (const unsigned char *)p + off;

		if (off % UNIT)
			(void)*(volatile const unsigned char *)at;
		else if (touch_read((unsigned char *)at))
			return false;
	}
	return true;
}

unsigned char *reserve_place(size_t len)
{
	unsigned char *p = mmap(NULL, len + 3 * GB, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	return (unsigned char *)(((uintptr_t)p + 2 * GB - 1) / GB * GB);
}

/* --- direct I/O --- */

int loop_disk(int file)
{
	struct loop_config cfg = {
		.fd = file,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR,
	};
	int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC), fd, err;
	char path[32];

	if (ctl < 0)
		return -errno;
	do {
		/* The one that is free may be somebody else's by now. */
		snprintf(path, sizeof(path), "/dev/loop%d",
			 ioctl(ctl, LOOP_CTL_GET_FREE));
		fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
		err = fd < 0 || ioctl(fd, LOOP_CONFIGURE, &cfg) ? errno : 0;
		if (err && fd >= 0)
			close(fd);
	} while (err == EBUSY);
	close(ctl);
	return err ? -err : fd;
}

/* Over an ordinary memfd: what direct I/O pins are our blocks. */
int direct_disk(size_t size)
{
	int mem = memfd_create("disk", MFD_CLOEXEC), fd;

	if (mem < 0 || ftruncate(mem, size))
		return -errno;
	fd = loop_disk(mem);
	close(mem);
	return fd;
}
