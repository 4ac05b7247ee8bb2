// SPDX-License-Identifier: GPL-2.0
/* The part with threads alone, for a build under ThreadSanitizer. See run. */

#include "sim.h"

void sim_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	exit(1);
}

void *sim_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		sim_failed(__FILE__, __LINE__, "out of memory");
	return memory;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: tsan SEED SECONDS\n");
		return 2;
	}
	threads_run(strtoull(argv[1], NULL, 0), strtoul(argv[2], NULL, 0));
	return 0;
}
