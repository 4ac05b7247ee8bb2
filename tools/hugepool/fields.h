/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Field tables.  One table per subcommand drives --help, -o, the default selection and the order
 * of what is shown, in text and in JSON alike.
 */
#ifndef FIELDS_H
#define FIELDS_H

#include <stdbool.h>
#include <stddef.h>

struct field {
	const char *name;
	const char *help;
	bool by_default;
};

struct names {
	char **name;
	size_t nr;
};

void names_add(struct names *names, const char *name);
bool names_have(const struct names *names, const char *name);
void names_free(struct names *names);

/*
 * All that can be asked for: the table (which ends with an entry without name) in its order, then
 * what else the kernel showed.
 */
void fields_universe(const struct field *table, const struct names *found, struct names *out);

/*
 * The argument of -o: names separated by commas, in any case, 2M for 2MB and 1G for 1GB; a leading
 * '+' adds to @defaults.  A name that is no field but the start of some ("2MB", "events") stands
 * for all of them.  Complains and returns false when a name is unknown.
 */
bool fields_select(const char *arg, const struct names *universe, const struct names *defaults,
		   struct names *out);

/* The table as --help shows it. */
void fields_help(const struct field *table);

#endif
