// SPDX-License-Identifier: GPL-2.0
/* The pool's core in userspace: rows of TAP. See run for what it proves. */

#include <ctype.h>
#include <getopt.h>
#include <string.h>

#include "sim.h"

#define DEFAULT_SEED	20261120ULL
#define DEFAULT_OPS	600000UL
#define TEXTS		100000UL
#define DEFAULT_SECONDS	1UL

unsigned long long sim_seed = DEFAULT_SEED;
unsigned long sim_op;

static unsigned int rows;
static bool failed;
static char random_name[80];

/* Names come from test data: nothing that TAP would take for its own. */
static void print_name(const char *name)
{
	for (; *name; name++) {
		unsigned char c = *name;

		if (!isprint(c) || c == '#' || c == '\\')
			printf("\\x%02x", c);
		else
			putchar(c);
	}
}

void tap_row(bool ok, const char *kind, const char *name, const char *why)
{
	printf("%sok %u - %s \"", ok ? "" : "not ", ++rows, kind);
	print_name(name);
	printf("\"\n");
	if (!ok) {
		failed = true;
		if (why)
			printf("# %s\n", why);
	}
}

void sim_failed(const char *file, int line, const char *what)
{
	char why[256];

	snprintf(why, sizeof(why), "%s:%d: in operation %lu: %s", file, line,
		 sim_op, what);
	tap_row(false, "random", random_name, why);
	exit(1);
}

void *sim_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return memory;
}

static unsigned long long number(const char *text)
{
	unsigned long long value;
	char *end;

	value = strtoull(text, &end, 0);
	if (!*text || *end) {
		fprintf(stderr, "not a number: %s\n", text);
		exit(2);
	}
	return value;
}

static void usage(FILE *out)
{
	fprintf(out,
		"usage: sim [--seed N] [--ops N] [--seconds N] [--tsan PROGRAM]\n"
		"  --seed N     start of the random numbers (default %llu)\n"
		"  --ops N      random operations (default %lu)\n"
		"  --seconds N  time for threads (default %lu)\n"
		"  --tsan PROGRAM  the same threads under ThreadSanitizer\n",
		DEFAULT_SEED, DEFAULT_OPS, DEFAULT_SECONDS);
}

/* The random parts end the run at the first difference. */
static void begin_random(const char *what, unsigned long nr)
{
	snprintf(random_name, sizeof(random_name), "%lu %s, seed %llu", nr,
		 what, sim_seed);
}

static void run_random(unsigned long ops)
{
	struct rng rng = { sim_seed };

	begin_random("texts", TEXTS);
	text_random(&rng, TEXTS);
	tap_row(true, "random", random_name, NULL);

	rng.state = sim_seed;
	begin_random("operations", ops);
	/* With these numbers it is known to see everything. */
	random_run(&rng, ops, ops >= DEFAULT_OPS && sim_seed == DEFAULT_SEED);
	tap_row(true, "random", random_name, NULL);
}

/* @tsan is the program that does it again, or NULL. */
static void run_threads(unsigned long seconds, const char *tsan)
{
	char command[4096];
	int status;

	begin_random("seconds of threads", seconds);
	threads_run(sim_seed, seconds);
	tap_row(true, "random", random_name, NULL);
	if (!tsan)
		return;
	/* Its rows would be counted as ours: it writes to where errors go. */
	snprintf(command, sizeof(command), "%s %llu %lu >&2", tsan, sim_seed,
		 seconds);
	fflush(stdout);
	status = system(command);
	snprintf(command, sizeof(command), "its status is %#x", status);
	tap_row(!status, "ThreadSanitizer", random_name, command);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "ops", required_argument, NULL, 'o' },
		{ "seconds", required_argument, NULL, 't' },
		{ "tsan", required_argument, NULL, 'T' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	unsigned long ops = DEFAULT_OPS, seconds = DEFAULT_SECONDS;
	const char *tsan = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 's':
			sim_seed = number(optarg);
			break;
		case 'o':
			ops = number(optarg);
			break;
		case 't':
			seconds = number(optarg);
			break;
		case 'T':
			tsan = optarg;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}

	printf("TAP version 13\n1..%u\n", directed_rows() + 3 + !!tsan);
	directed_run();
	run_random(ops);
	run_threads(seconds, tsan);
	return failed;
}
