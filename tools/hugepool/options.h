/* SPDX-License-Identifier: GPL-2.0 */
/* The options that every subcommand that shows a table has. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "fields.h"
#include "libhugepool.h"
#include "render.h"

struct show_options {
	const char *command;		/* "status" */
	const char *output;		/* argument of -o, or NULL */
	const char *sysroot;		/* or NULL */
	bool all;			/* -a, where it exists */
	struct render_options render;
};

/*
 * @usage is the text in front of the list of options; @all_help, when not NULL, says what -a does
 * and makes the option exist.  Returns the exit status when there is nothing left to do, else -1;
 * optind is then at the first operand.
 */
int parse_show_options(int argc, char **argv, struct show_options *options, const char *usage,
		       const char *all_help, const struct field *table);

/*
 * The fields to show, in order: what -o says, or those the table shows by default.  @found is what
 * the kernel shows, and may be asked for; with @as_found it is also what is shown by default: what
 * the table has and the kernel has not is left out, what only the kernel has is added.
 */
bool select_fields(const struct show_options *options, const struct field *table,
		   const struct names *found, bool as_found, struct names *out);

/*
 * What a cell shows for a value; complains about one that had to be a number and is not, as
 * @where directly followed by @name.
 */
void set_cell(struct cell *cell, const struct hp_value *value, bool is_size, bool known,
	      const char *where, const char *name);

const struct field *find_field(const struct field *table, const char *name);

#endif
