/* SPDX-License-Identifier: GPL-2.0 */
/* Run a command in a cgroup, and wait for it. */
#ifndef SPAWN_H
#define SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "limits.h"

struct spawn {
	char **argv;
	const char *procs;		/* cgroup.procs of the cgroup */
	const struct nodes *bound;	/* what its memory is bound to; none: as the caller's */
};

/*
 * From here on signals that would end this process wait, until spawn() passes them on: what
 * has been made has to be removed.  For as long as the process lives.
 */
void spawn_begin(void);

/*
 * The exit status: that of the command, 128 + N when signal N ended it, or after a complaint
 * EXIT_NOT_FOUND, EXIT_NOT_EXECUTABLE or EXIT_NOT_RUN.
 */
int spawn(const struct spawn *spawn);

#endif
