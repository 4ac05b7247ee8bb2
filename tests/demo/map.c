// SPDX-License-Identifier: GPL-2.0
/*
 * For tests/demo/demo.sh: map a gigabyte of a file, write to each page of it,
 * take the right to write from one, and say each time how it is mapped.
 *
 *   map FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define GIB	(1ul << 30)
#define PAGE	4096ul

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

/* kB of a field, summed over the mappings that begin in our gigabyte. */
static long smaps(const char *map, const char *field)
{
	unsigned long from, to, at = (unsigned long)map;
	FILE *f = fopen("/proc/self/smaps", "r");
	long sum = 0, kb;
	char line[512];
	int in = 0;

	must(!!f, "smaps");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			in = from >= at && from < at + GIB;
		else if (in && !strncmp(line, field, strlen(field)) &&
			 sscanf(line + strlen(field), ": %ld", &kb) == 1)
			sum += kb;
	}
	fclose(f);
	return sum;
}

static long tables(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[128];
	long kb = 0;

	must(!!f, "status");
	while (fgets(line, sizeof(line), f))
		sscanf(line, "VmPTE: %ld", &kb);
	fclose(f);
	return kb;
}

static void say(const char *when, const char *map, long before)
{
	printf("%-26s%12ld%16ld%13ld\n", when, smaps(map, "PudMapped"),
	       smaps(map, "ShmemPmdMapped"), tables() - before);
}

int main(int argc, char **argv)
{
	struct rusage start, end;
	unsigned long at;
	long before;
	char *map;
	int fd;

	must(argc == 2, "map FILE");
	fd = open(argv[1], O_RDWR);
	must(fd >= 0, argv[1]);
	map = mmap(NULL, GIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(map != MAP_FAILED, "mmap");
	printf("%-26s%12s%16s%13s\n", "kB", "PudMapped", "ShmemPmdMapped", "page tables");
	before = tables();
	say("mapped", map, before);
	getrusage(RUSAGE_SELF, &start);
	for (at = 0; at < GIB; at += PAGE)
		*(unsigned long *)(map + at) = at;
	getrusage(RUSAGE_SELF, &end);
	say("written to", map, before);
	must(!mprotect(map + GIB / 2, PAGE, PROT_READ), "mprotect");
	for (at = 0; at < GIB; at += PAGE)
		must(*(volatile unsigned long *)(map + at) == at, "contents");
	say("one page of it read-only", map, before);
	munmap(map, GIB);
	map = mmap(NULL, GIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (at = 0; at < GIB; at += PAGE)
		must(*(volatile unsigned long *)(map + at) == at, "contents");
	say("mapped anew", map, before);
	printf("faults to write to 262144 pages: %ld\n",
	       end.ru_minflt + end.ru_majflt - start.ru_minflt - start.ru_majflt);
	return 0;
}
