// SPDX-License-Identifier: GPL-2.0
/* hugepool: find the subcommand, run it, and make sure its output arrived. */
#include <errno.h>
#include <locale.h>

#include "builtin.h"

const struct command commands[] = {
	{ "status", "what each NUMA node's pool holds", cmd_status },
	{ "cgroup", "what cgroups hold, their limits and events", cmd_cgroup },
	{ "run", "run a command in a new cgroup with guarantees and limits", cmd_run },
	{ "help", "list the commands, or explain one of them", cmd_help },
	{ "version", "print the version", cmd_version },
	{ NULL, NULL, NULL },
};

static unsigned int complaints;

static void remark(const char *message)
{
	/* What was printed before comes first, wherever both streams lead. */
	fflush(stdout);
	fprintf(stderr, "hugepool: %s\n", message);
}

void complain(const char *message)
{
	remark(message);
	complaints++;
}

static void format_to(void (*say)(const char *message), const char *fmt, va_list args)
{
	char *s;

	if (vasprintf(&s, fmt, args) < 0)
		s = NULL;
	say(hp_must(s));
	free(s);
}

void complainf(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format_to(complain, fmt, args);
	va_end(args);
}

void remarkf(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format_to(remark, fmt, args);
	va_end(args);
}

int usage_error(const char *command)
{
	if (command)
		fprintf(stderr, "Try 'hugepool help %s'.\n", command);
	else
		fprintf(stderr, "Try 'hugepool help'.\n");
	return EXIT_USAGE;
}

static const struct command *find_command(const char *name)
{
	const struct command *c;

	for (c = commands; c->name; c++) {
		if (!strcmp(c->name, name))
			return c;
	}
	return NULL;
}

static int run_command(const struct command *c, int argc, char **argv)
{
	char *full = hp_asprintf("hugepool %s", c->name);
	int status;

	argv[0] = full;
	status = c->run(argc, argv);
	free(full);
	return status;
}

static void print_commands(FILE *out)
{
	const struct command *c;

	fprintf(out, "Usage: hugepool COMMAND [ARGUMENT...]\n\n"
		"See and control the pools of 2 MB and 1 GB blocks of memory.\n\n"
		"Commands:\n");
	for (c = commands; c->name; c++)
		fprintf(out, "  %-10s%s\n", c->name, c->summary);
	fprintf(out, "\n'hugepool help COMMAND' and hugepool(1) have the details.\n");
}

int cmd_help(int argc, char **argv)
{
	char option[] = "--help";
	char *args[] = { NULL, option, NULL };
	const struct command *c;

	if (argc > 2) {
		complainf("help: one command at a time");
		return usage_error(NULL);
	}
	if (argc < 2) {
		print_commands(stdout);
		return EXIT_SUCCESS;
	}
	c = find_command(argv[1]);
	if (!c) {
		complainf("'%s' is not a command", argv[1]);
		return usage_error(NULL);
	}
	if (c->run == cmd_help || c->run == cmd_version) {
		printf("hugepool %s: %s\n", c->name, c->summary);
		return EXIT_SUCCESS;
	}
	return run_command(c, 2, args);
}

int cmd_version(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		complainf("version: takes no argument");
		return usage_error(NULL);
	}
	printf("hugepool %s\n", VERSION);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const struct command *c;
	const char *name;
	int status;

	setlocale(LC_ALL, "");
	if (argc < 2) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	name = argv[1];
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		name = "help";
	else if (!strcmp(name, "--version") || !strcmp(name, "-V"))
		name = "version";
	c = find_command(name);
	if (!c) {
		complainf("'%s' is not a command", name);
		return usage_error(NULL);
	}
	status = run_command(c, argc - 1, argv + 1);
	/* A full disk or a closed pipe must not look like success. */
	errno = 0;
	if (fflush(stdout) || ferror(stdout))
		complainf("cannot write the output: %s", errno ? strerror(errno) : "I/O error");
	return !status && complaints ? EXIT_FAILURE : status;
}
