// SPDX-License-Identifier: GPL-2.0
/*
 * The only process of the guests of tests/bench/run: measure, print, reset.
 *
 *   init [FILE=VALUE]... [KIND[-1G][+fallocate]]... [split:KIND]...
 *        [depth:KIND[+min]:N]... [guest:SIZE]...
 *
 * The clock is the time stamp counter.  QEMU's -icount makes it count the
 * instructions since power-on, so nothing has to be calibrated.
 *
 * Each FILE must contain VALUE, or the figures would be of something else.
 *
 * For each KIND (pool, hugetlbfs, tmpfs), 1 GiB of a file in such a file system
 * is written to at each 4 KB through a shared mapping, once more (nothing
 * faults any longer: that is the loop's own cost), and given back.
 * With +fallocate the memory is asked for before it is mapped.  All this
 * happens in a cgroup with a memory controller, as it would for a user.
 *
 * KIND is of 2 MB pages and 1 GiB; KIND-1G of 1 GB pages and 2 GiB, and so that
 * they can be compared, KIND-2G is of 2 MB pages and 2 GiB.
 *
 * split:KIND maps a gigabyte of it, touches it all, protects one 4 KB page in
 * the middle, touches it all again, and says what page tables that has taken.
 *
 * depth:KIND:N allocates 1 GiB with fallocate and gives it back, in a cgroup that
 * is N levels below the root; with +min all of it is guaranteed to each of them.
 *
 * guest:SIZE lets the CPU of a virtual machine write to each 4 KB of 2 GiB that are
 * a guest_memfd, of ordinary pages (4K) or of blocks of the pool (2M, 1G), and once
 * more.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../kselftest/guest.h"

#define GIB	(1ul << 30)

static void finish(void)
{
	fflush(stdout);
	tcdrain(1);
	reboot(RB_AUTOBOOT);	/* QEMU runs with -no-reboot */
}

static void must(int ok, const char *what)
{
	if (ok)
		return;
	printf("FAILED: %s: %m\n", what);
	finish();
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	must(fd >= 0 && write(fd, text, strlen(text)) > 0, path);
	close(fd);
}

static void set_up(void)
{
	must(!mount("none", "/proc", "proc", 0, "") &&
	     !mount("none", "/sys", "sysfs", 0, "") &&
	     !mkdir("/mnt", 0755) && !mkdir("/cg", 0755) &&
	     !mount("none", "/cg", "cgroup2", 0, ""), "mount");
	put("/cg/cgroup.subtree_control", "+memory");
	must(!mkdir("/cg/bench", 0755), "mkdir");
	put("/cg/bench/cgroup.procs", "1");
}

static void check(char *path)
{
	char *want = strchr(path, '=');
	char have[64] = "";
	FILE *f;

	must(want != NULL, path);
	*want++ = '\0';
	f = fopen(path, "r");
	must(f && fscanf(f, "%63s", have) == 1, path);
	fclose(f);
	printf("%s: %s\n", path, have);
	must(!strcmp(have, want), path);
}

static void mount_kind(const char *kind)
{
	int err, large = strstr(kind, "-1G") != NULL;

	if (!strncmp(kind, "pool", 4))
		err = mount("none", "/mnt", "tmpfs", 0, large ? "pool=1G" : "pool=2M");
	else if (!strncmp(kind, "hugetlbfs", 9))
		err = mount("none", "/mnt", "hugetlbfs", 0,
			    large ? "pagesize=1G" : "pagesize=2M");
	else
		err = mount("none", "/mnt", "tmpfs", 0, "huge=always,size=1G");
	must(!err, kind);
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/* Of page tables, in kB. */
static long tables(void)
{
	char line[128];
	long kb = -1;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "VmPTE: %ld", &kb);
	if (f)
		fclose(f);
	return kb;
}

static void touch(volatile char *map, size_t size)
{
	for (size_t at = 0; at < size; at += 4096)
		map[at] = 1;
}

static void measure(const char *kind)
{
	size_t size = strstr(kind, "-1G") || strstr(kind, "-2G") ? 2 * GIB : GIB;
	int fd, err, ahead = strstr(kind, "+fallocate") != NULL;
	long before, after;
	uint64_t t[6];
	char *map;

	mount_kind(kind);
	fd = open("/mnt/file", O_RDWR | O_CREAT, 0600);
	must(fd >= 0 && !unlink("/mnt/file"), "file");
	before = faults();
	t[0] = __rdtsc();
	err = ahead ? fallocate(fd, 0, 0, size) : ftruncate(fd, size);
	t[1] = __rdtsc();
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	t[2] = __rdtsc();
	must(!err && map != MAP_FAILED, kind);
	touch(map, size);
	t[3] = __rdtsc();
	after = faults();
	touch(map, size);
	t[4] = __rdtsc();
	munmap(map, size);
	close(fd);
	t[5] = __rdtsc();
	printf("RESULT %s allocate=%lu map=%lu touch=%lu again=%lu teardown=%lu faults=%ld\n",
	       kind, t[1] - t[0], t[2] - t[1], t[3] - t[2], t[4] - t[3],
	       t[5] - t[4], after - before);
	must(!umount("/mnt"), "umount");
}

/* Into cgroups inside of each other, and back out of them. */
static void descend(char *path, int depth, int guaranteed)
{
	char file[256];

	strcpy(path, "/cg");
	for (int i = 0; i < depth; i++) {
		snprintf(file, sizeof(file), "%s/cgroup.subtree_control", path);
		put(file, "+memory");
		strcat(path, "/d");
		must(!mkdir(path, 0755), path);
		if (!guaranteed)
			continue;
		snprintf(file, sizeof(file), "%s/memory.hugepool.min", path);
		put(file, "2MB 1G");
	}
	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	put(file, "1");
}

static void ascend(char *path, int depth, int guaranteed)
{
	char file[256];

	put("/cg/bench/cgroup.procs", "1");
	while (depth--) {
		/* It would end with the cgroup, but some time later. */
		snprintf(file, sizeof(file), "%s/memory.hugepool.min", path);
		if (guaranteed)
			put(file, "2MB 0");
		must(!rmdir(path), path);
		path[strlen(path) - 2] = '\0';
	}
}

static void measure_depth(char *kind)
{
	char *colon = strchr(kind, ':'), path[128];
	int fd, err, depth = 0, guaranteed = strstr(kind, "+min") != NULL;
	uint64_t t[3];

	must(colon && sscanf(colon, ":%d", &depth) == 1 && depth > 0 &&
	     depth < 40, kind);
	*colon = '\0';
	descend(path, depth, guaranteed);
	mount_kind(kind);
	fd = open("/mnt/file", O_RDWR | O_CREAT, 0600);
	must(fd >= 0 && !unlink("/mnt/file"), "file");
	t[0] = __rdtsc();
	err = fallocate(fd, 0, 0, GIB);
	t[1] = __rdtsc();
	must(!err, kind);
	err = ftruncate(fd, 0);
	t[2] = __rdtsc();
	must(!err, kind);
	close(fd);
	printf("RESULT depth:%s:%d allocate=%lu free=%lu\n", kind, depth,
	       t[1] - t[0], t[2] - t[1]);
	must(!umount("/mnt"), "umount");
	ascend(path, depth, guaranteed);
}

static void measure_split(const char *kind)
{
	long none, whole, called, again;
	char *map;
	int fd;

	mount_kind(kind);
	fd = open("/mnt/file", O_RDWR | O_CREAT, 0600);
	must(fd >= 0 && !unlink("/mnt/file") && !ftruncate(fd, GIB), "file");
	none = tables();
	map = mmap(NULL, GIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(map != MAP_FAILED, kind);
	touch(map, GIB);
	whole = tables();
	must(!mprotect(map + GIB / 2, 4096, PROT_READ), "mprotect");
	called = tables();
	for (size_t at = 0; at < GIB; at += 4096)
		(void)((volatile char *)map)[at];
	again = tables();
	printf("RESULT split:%s whole=%ld called=%ld again=%ld\n", kind,
	       whole - none, called - none, again - none);
	munmap(map, GIB);
	close(fd);
	must(!umount("/mnt"), "umount");
}

static void measure_guest(const char *size)
{
	struct guest_range all = { GUEST_TEST, 2 * GIB / 4096, 4096, 1 };
	uint64_t flags = 0, t[4];
	long long before, after;
	struct guest_maps low, maps;
	struct guest g = { };
	int fd;

	if (!strcmp(size, "2M"))
		flags = GUEST_MEMFD_FLAG_HUGEPOOL | GUEST_MEMFD_SIZE_2MB;
	else if (!strcmp(size, "1G"))
		flags = GUEST_MEMFD_FLAG_HUGEPOOL | GUEST_MEMFD_SIZE_1GB;
	else
		must(!strcmp(size, "4K"), size);
	must(!access("/dev/kvm", F_OK) ||
	     !mount("none", "/dev", "devtmpfs", 0, ""), "devtmpfs");
	must(!guest_open(&g, KVM_X86_DEFAULT_VM, 1), "virtual machine");
	fd = gmem_create(g.vm, 2 * GIB, flags | GUEST_MEMFD_FLAG_MMAP |
			 GUEST_MEMFD_FLAG_INIT_SHARED);
	must(fd >= 0, "guest_memfd");
	must(!gmem_slot(g.vm, 1, GUEST_TEST, 2 * GIB, fd, 0, NULL), "slot");
	/* What the guest is itself is there before it counts. */
	must(!guest_do(&g, 0, GUEST_LOOK, (struct guest_range) { 0x1000, 1, 8, 0 },
		       NULL),
	     "run");
	low = guest_maps(&g);
	before = gmem_kvm_stat(g.cpu[0].fd, "pf_fixed");
	t[0] = __rdtsc();
	must(!guest_do(&g, 0, GUEST_FILL, all, NULL), "run");
	t[1] = __rdtsc();
	after = gmem_kvm_stat(g.cpu[0].fd, "pf_fixed");
	maps = guest_maps(&g);
	t[2] = __rdtsc();
	must(!guest_do(&g, 0, GUEST_FILL, all, NULL), "run again");
	t[3] = __rdtsc();
	printf("RESULT guest:%s touch=%lu again=%lu faults=%lld pages_1g=%lld pages_2m=%lld pages_4k=%lld\n",
	       size, t[1] - t[0], t[3] - t[2], after - before,
	       maps.g - low.g, maps.m - low.m, maps.k - low.k);
	guest_close(&g);
	close(fd);
}

int main(int argc, char **argv)
{
	uint64_t started = __rdtsc();
	struct utsname name;

	set_up();
	uname(&name);
	printf("KERNEL %s %s\nRESULT boot init=%lu\n", name.release,
	       name.version, started);
	for (int i = 1; i < argc; i++)
		if (argv[i][0] == '/')
			check(argv[i]);
		else if (!strncmp(argv[i], "split:", 6))
			measure_split(argv[i] + 6);
		else if (!strncmp(argv[i], "depth:", 6))
			measure_depth(argv[i] + 6);
		else if (!strncmp(argv[i], "guest:", 6))
			measure_guest(argv[i] + 6);
		else
			measure(argv[i]);
	printf("DONE\n");
	finish();
}
