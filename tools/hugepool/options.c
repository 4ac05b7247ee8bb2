// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>

#include "builtin.h"
#include "options.h"

static void print_help(const char *usage, const char *all_help, const struct field *table)
{
	printf("%s\nOptions:\n", usage);
	if (all_help)
		printf("  -a, --all            %s\n", all_help);
	printf("  -b, --bytes          sizes in bytes rather than K, M, G (powers of 1024, exact)\n"
	       "  -J, --json           JSON; sizes are integers in bytes\n"
	       "  -n, --noheadings     no headings and nothing below the table\n"
	       "  -o, --output LIST    these fields only; +LIST: these as well\n"
	       "      --sysroot DIR    read the copy of /sys in DIR\n"
	       "  -h, --help           this text\n");
	fields_help(table);
}

int parse_show_options(int argc, char **argv, struct show_options *options, const char *usage,
		       const char *all_help, const struct field *table)
{
	enum { OPT_SYSROOT = 256 };
	static const struct option longopts[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "bytes", no_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'J' },
		{ "noheadings", no_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "sysroot", required_argument, NULL, OPT_SYSROOT },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	/* Without -a the table starts behind its first entry. */
	const struct option *longs = all_help ? longopts : longopts + 1;
	const char *shorts = all_help ? "abJno:h" : "bJno:h";
	int opt;

	while ((opt = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		switch (opt) {
		case 'a':
			options->all = true;
			break;
		case 'b':
			options->render.bytes = true;
			break;
		case 'J':
			options->render.json = true;
			break;
		case 'n':
			options->render.no_headings = true;
			break;
		case 'o':
			options->output = optarg;
			break;
		case OPT_SYSROOT:
			options->sysroot = optarg;
			break;
		case 'h':
			print_help(usage, all_help, table);
			return EXIT_SUCCESS;
		default:
			return usage_error(options->command);
		}
	}
	if (options->sysroot && !*options->sysroot) {
		complainf("--sysroot: the name of a directory is missing");
		return usage_error(options->command);
	}
	/* Someone who named the fields wants those and nothing else. */
	options->render.no_facts = options->render.no_headings ||
				   (options->output && *options->output != '+');
	return -1;
}

bool select_fields(const struct show_options *options, const struct field *table,
		   const struct names *found, bool as_found, struct names *out)
{
	struct names universe = { NULL, 0 }, defaults = { NULL, 0 };
	const struct field *field;
	bool ok = true;
	size_t i;

	fields_universe(table, found, &universe);
	for (i = 0; i < universe.nr; i++) {
		field = find_field(table, universe.name[i]);
		if (field ? field->by_default && (!as_found || names_have(found, field->name)) :
		    as_found)
			names_add(&defaults, universe.name[i]);
	}
	if (options->output) {
		ok = fields_select(options->output, &universe, &defaults, out);
		names_free(&defaults);
	} else {
		*out = defaults;
	}
	names_free(&universe);
	return ok;
}

void set_cell(struct cell *cell, const struct hp_value *value, bool is_size, bool known,
	      const char *where, const char *name)
{
	switch (value->state) {
	case HP_NUMBER:
		cell->type = is_size ? CELL_SIZE : CELL_COUNT;
		cell->number = value->number;
		break;
	case HP_NOLIMIT:
		cell->type = CELL_NOLIMIT;
		break;
	case HP_TEXT:
		/* What we know to be a number must be one; what we do not know is passed on. */
		if (known) {
			complainf("%s%s: '%s' is not a number", where, name, value->text);
		} else {
			cell->type = CELL_TEXT;
			cell->text = hp_strdup(value->text);
		}
		break;
	case HP_ABSENT:
	case HP_UNREADABLE:
		break;
	}
}

const struct field *find_field(const struct field *table, const char *name)
{
	for (; table->name; table++) {
		if (!strcmp(table->name, name))
			return table;
	}
	return NULL;
}
