// SPDX-License-Identifier: GPL-2.0
#include <strings.h>

#include "builtin.h"
#include "fields.h"

void names_add(struct names *names, const char *name)
{
	names->name = hp_grow(names->name, names->nr, sizeof(*names->name));
	names->name[names->nr++] = hp_strdup(name);
}

bool names_have(const struct names *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->nr; i++) {
		if (!strcmp(names->name[i], name))
			return true;
	}
	return false;
}

void names_free(struct names *names)
{
	size_t i;

	for (i = 0; i < names->nr; i++)
		free(names->name[i]);
	free(names->name);
	names->name = NULL;
	names->nr = 0;
}

void fields_universe(const struct field *table, const struct names *found, struct names *out)
{
	size_t i;

	for (; table->name; table++)
		names_add(out, table->name);
	for (i = 0; i < found->nr; i++) {
		if (!names_have(out, found->name[i]))
			names_add(out, found->name[i]);
	}
}

/*
 * @field belongs to the group @name: one more part follows, and only one ("events" is not
 * "events.local.max").  What the machine has is not what a cgroup has: capacity is never part.
 */
static bool in_group(const char *field, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(field, name, len) || !field[len] || !strchr("./", field[len]))
		return false;
	field += len + 1;
	return !strpbrk(field, "./") && strcmp(field, "capacity");
}

/* A field twice would be a JSON key twice: only the first one counts. */
static void add_once(struct names *names, const char *name)
{
	if (!names_have(names, name))
		names_add(names, name);
}

static bool add_selected(const char *arg, const struct names *universe, struct names *out)
{
	char *name = hp_normalise_name(arg);
	bool known = false;
	size_t i;

	for (i = 0; i < universe->nr && !known; i++) {
		if (!strcasecmp(universe->name[i], name)) {
			add_once(out, universe->name[i]);
			known = true;
		}
	}
	if (!known) {
		for (i = 0; i < universe->nr; i++) {
			if (in_group(universe->name[i], name)) {
				add_once(out, universe->name[i]);
				known = true;
			}
		}
	}
	free(name);
	return known;
}

bool fields_select(const char *arg, const struct names *universe, const struct names *defaults,
		   struct names *out)
{
	char *list, *item, *rest;
	bool ok = true;
	size_t i;

	if (*arg == '+') {
		for (i = 0; i < defaults->nr; i++)
			names_add(out, defaults->name[i]);
		arg++;
	}
	list = hp_strdup(arg);
	rest = list;
	while (ok && (item = strsep(&rest, ","))) {
		ok = add_selected(item, universe, out);
		if (!ok)
			complainf("unknown field '%s'", item);
	}
	free(list);
	return ok;
}

void fields_help(const struct field *table)
{
	printf("\nFields (* = shown by default):\n");
	for (; table->name; table++)
		printf("  %-22s%c %s\n", table->name, table->by_default ? '*' : ' ', table->help);
}
