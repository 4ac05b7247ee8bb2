/* SPDX-License-Identifier: GPL-2.0 */
/* What --min and --max of hugepool run say: SIZE=VALUE[@NODE]. */
#ifndef LIMITS_H
#define LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NO_NODE		(-1)	/* of all nodes together */

struct limit {
	const char *arg;	/* as it was given */
	const char *size;	/* "2MB": what keys begin with */
	int64_t node;		/* or NO_NODE */
	uint64_t bytes;		/* UINT64_MAX: "max" */
};

/* All that one of the two options was given. */
struct limits {
	const char *option;	/* "min", and the end of the name of the file */
	struct limit *limit;
	size_t nr;
};

/* Nodes in ascending order. */
struct nodes {
	unsigned int *node;
	size_t nr;
};

bool nodes_have(const struct nodes *nodes, unsigned int node);

/* The argument of --node: numbers and ranges, each a node of @machine.  False after a complaint. */
bool nodes_parse(const char *arg, const struct nodes *machine, struct nodes *out);

/* One more argument, which is read by limits_parse() when the nodes are known. */
void limits_add(struct limits *limits, const char *arg);

/* False after a complaint; that is so for the following one as well. */
bool limits_parse(struct limits *limits, const struct nodes *machine);

/*
 * Whether all of it can be meant: nothing is said twice, and no guarantee is one that the command
 * could never use, because of a limit or because its memory is bound to @bound.  With one such
 * node, a guarantee that names none becomes one of that node.
 */
bool limits_check(struct limits *min, const struct limits *max, const struct nodes *machine,
		  const struct nodes *bound);

/* "2MB/node0 1048576", what is written for it; the caller frees it. */
char *limit_text(const struct limit *limit);

void limits_free(struct limits *limits);

#endif
