/* SPDX-License-Identifier: GPL-2.0 */
/* The subcommands, and what they share. */
#ifndef BUILTIN_H
#define BUILTIN_H

#include "alloc.h"
#include "libhugepool.h"

/* Exit status of every subcommand. */
#define EXIT_USAGE	2

/* Of hugepool run, as of env(1): below these it is that of the command. */
#define EXIT_NOT_RUN		125
#define EXIT_NOT_EXECUTABLE	126
#define EXIT_NOT_FOUND		127

struct command {
	const char *name;
	const char *summary;
	/* argv[0] is "hugepool NAME", so that getopt's messages carry it. */
	int (*run)(int argc, char **argv);
};

/* Ends with an entry without name. */
extern const struct command commands[];

int cmd_status(int argc, char **argv);
int cmd_cgroup(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_version(int argc, char **argv);

/*
 * Every complaint goes through here, to stderr and with the name of the program.  Once it has
 * been called a command that would succeed exits with EXIT_FAILURE.
 */
void complain(const char *message);
void complainf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, but for what is no failure. */
void remarkf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Points at the help of a subcommand; returns EXIT_USAGE. */
int usage_error(const char *command);

#endif
