// SPDX-License-Identifier: GPL-2.0
/* hugepool cgroup: a tree of cgroups with what they hold of the pools. */
#include <ctype.h>
#include <getopt.h>

#include "builtin.h"
#include "options.h"

static const struct field cgroup_fields[] = {
	{ "cgroup", "path of the cgroup", true },
	{ "2MB.current", "held now, in blocks of 2 MB", true },
	{ "2MB.peak", "the most ever held", true },
	{ "2MB.min", "guarantee", true },
	{ "2MB.max", "limit", true },
	{ "2MB.capacity", "what the machine has (root only)", false },
	{ "1GB.current", "held now, in blocks of 1 GB", true },
	{ "1GB.peak", "the most ever held", true },
	{ "1GB.min", "guarantee", true },
	{ "1GB.max", "limit", true },
	{ "1GB.capacity", "what the machine has (root only)", false },
	{ "events.max", "requests a limit here or below refused", true },
	{ "events.nospc", "requests refused because no block was to be had", true },
	{ "events.fallback", "requests that fell back to ordinary memory", true },
	{ "events.reclaim", "requests that had to reclaim pool memory", true },
	{ "events.local.max", "as events.max, without the cgroups below", false },
	{ "events.local.nospc", "as events.nospc, without the cgroups below", false },
	{ "events.local.fallback", "as events.fallback, without the cgroups below", false },
	{ "events.local.reclaim", "as events.reclaim, without the cgroups below", false },
	{ "shmem.2MB", "held by tmpfs, in blocks of 2 MB", false },
	{ "shmem.1GB", "held by tmpfs, in blocks of 1 GB", false },
	{ NULL, NULL, false },
};

static const char cgroup_usage[] =
	"Usage: hugepool cgroup [OPTION...] [PATH...]\n\n"
	"Show what cgroups hold of the pools: all of them, or those below each PATH.\n"
	"Those that hold nothing, have no guarantee and no limit, and counted no event are left out.\n"
	"Per-node fields are 2MB/node0.current, 1GB/node1.max, shmem.2MB/node0 and so on;\n"
	"2MB, 1GB, 2MB/node0, events and events.local each stand for a group of fields.\n";

static bool is_event(const char *name)
{
	return !strncmp(name, "events", 6);
}

/*
 * The table's field that @name is, or is the part of a single node of ("2MB/node0.max"); NULL for
 * what we do not know, which may be anything and is shown as it is.
 */
static const struct field *known_field(const char *name)
{
	const char *node = strstr(name, "/node");
	const struct field *field;
	char *plain;
	size_t len;

	if (!node)
		return find_field(cgroup_fields, name);
	len = strlen("/node");
	while (isdigit((unsigned char)node[len]))
		len++;
	plain = hp_asprintf("%.*s%s", (int)(node - name), name, node + len);
	field = find_field(cgroup_fields, plain);
	free(plain);
	return field;
}

/* In the order of the table whatever the order of the files is, unknown ones last. */
static int compare_names(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	const struct field *f = known_field(x), *g = known_field(y);

	if (!f != !g)
		return f ? -1 : 1;
	if (f != g)
		return f < g ? -1 : 1;
	return strverscmp(x, y);
}

static bool ends_with(const char *s, const char *end)
{
	size_t a = strlen(s), b = strlen(end);

	return a >= b && !strcmp(s + a - b, end);
}

/* Says more than what a cgroup that never had to do with the pool shows. */
static bool is_telling(const struct hp_cg_value *v)
{
	if (is_event(v->name) || ends_with(v->name, ".current") || ends_with(v->name, ".min"))
		return v->value.state != HP_NUMBER || v->value.number;
	return ends_with(v->name, ".max") && v->value.state != HP_NOLIMIT;
}

/* Worth a row of its own even when it was not asked for. */
static bool is_interesting(const struct hp_cgroup *cg)
{
	size_t i;

	for (i = 0; i < cg->nr_values; i++) {
		if (is_telling(&cg->value[i]))
			return true;
	}
	for (i = 0; i < cg->nr_children; i++) {
		if (is_interesting(cg->child[i]))
			return true;
	}
	return false;
}

static void collect_names(const struct hp_cgroup *cg, struct names *found)
{
	size_t i;

	for (i = 0; i < cg->nr_values; i++) {
		if (!names_have(found, cg->value[i].name))
			names_add(found, cg->value[i].name);
	}
	for (i = 0; i < cg->nr_children; i++)
		collect_names(cg->child[i], found);
}

static void set_path_cell(struct cell *cell, const struct hp_cgroup *cg, bool below)
{
	cell->type = CELL_TEXT;
	cell->text = hp_strdup(cg->path);
	/* The tree shows where it is. */
	if (below)
		cell->label = hp_strdup(strrchr(cg->path, '/') + 1);
}

static void add_cgroup_rows(struct table *table, const struct show_options *options,
			    const struct names *names, const struct hp_cgroup *cg, size_t parent)
{
	const struct hp_value *value;
	const char *name;
	struct row *row;
	size_t i, self;
	char *where;

	/* Where the walk began is shown in any case: it was asked for. */
	if (parent != NO_PARENT && !options->all && !is_interesting(cg))
		return;
	self = table->nr_rows;
	row = table_add_row(table, parent);
	where = hp_asprintf("%s: ", cg->path);
	for (i = 0; i < names->nr; i++) {
		name = names->name[i];
		if (!strcmp(name, "cgroup")) {
			set_path_cell(&row->cell[i], cg, parent != NO_PARENT);
			continue;
		}
		value = hp_cgroup_find(cg, name);
		if (value)
			set_cell(&row->cell[i], value, !is_event(name), known_field(name),
				 where, name);
	}
	free(where);
	for (i = 0; i < cg->nr_children; i++)
		add_cgroup_rows(table, options, names, cg->child[i], self);
}

/* What the machine has, from the root, if it is among those shown. */
static void add_capacity(struct table *table, const struct hp_cgroup *cg)
{
	const size_t suffix = strlen(".capacity");
	struct fact *fact;
	const char *name;
	size_t i;

	for (i = 0; i < cg->nr_values; i++) {
		name = cg->value[i].name;
		if (!ends_with(name, ".capacity"))
			continue;
		fact = table_add_fact(table, hp_asprintf("%.*s", (int)(strlen(name) - suffix), name));
		fact->only_json = strchr(fact->name, '/');
		set_cell(&fact->cell, &cg->value[i].value, true, known_field(name), "/: ", name);
	}
}

static char *upper_case(const char *s)
{
	char *out = hp_strdup(s), *p;

	for (p = out; *p; p++)
		*p = toupper((unsigned char)*p);
	return out;
}

static void add_cgroup_columns(struct table *table, const struct names *names)
{
	struct column *column;
	const char *name;
	size_t i;

	for (i = 0; i < names->nr; i++) {
		name = names->name[i];
		column = table_add_column(table, hp_strdup(name), upper_case(name));
		column->is_tree = !strcmp(name, "cgroup");
		column->is_size = !column->is_tree && !is_event(name);
	}
}

static int show_cgroups(const struct show_options *options, struct hp_cgroup **tree, size_t nr)
{
	struct table table = {
		.name = "cgroups", .facts_name = "capacity", .facts_label = "capacity ",
	};
	struct names found = { NULL, 0 }, names = { NULL, 0 };
	int status = EXIT_SUCCESS;
	size_t i;

	names_add(&found, "cgroup");
	for (i = 0; i < nr; i++)
		collect_names(tree[i], &found);
	qsort(found.name, found.nr, sizeof(*found.name), compare_names);
	if (select_fields(options, cgroup_fields, &found, false, &names)) {
		add_cgroup_columns(&table, &names);
		for (i = 0; i < nr; i++) {
			add_cgroup_rows(&table, options, &names, tree[i], NO_PARENT);
			if (!table.nr_facts)
				add_capacity(&table, tree[i]);
		}
		table_render(&table, &options->render);
	} else {
		status = usage_error(options->command);
	}
	table_free(&table);
	names_free(&names);
	names_free(&found);
	return status;
}

int cmd_cgroup(int argc, char **argv)
{
	struct show_options options = { .command = "cgroup" };
	struct hp_cgroup **tree, *cg;
	struct hp_ctx *ctx;
	size_t nr = 0, i;
	int status;

	status = parse_show_options(argc, argv, &options, cgroup_usage,
				    "those that are left out otherwise, too",
				    cgroup_fields);
	if (status >= 0)
		return status;
	ctx = hp_open(options.sysroot, complain);
	if (!ctx)
		return EXIT_FAILURE;
	tree = hp_zalloc(argc - optind + 1, sizeof(*tree));
	do {
		/* One PATH that is not there does not hide the others. */
		cg = hp_cgroup_read(ctx, optind < argc ? argv[optind] : "/");
		if (cg)
			tree[nr++] = cg;
	} while (++optind < argc);
	status = EXIT_FAILURE;
	if (nr)
		status = show_cgroups(&options, tree, nr);
	for (i = 0; i < nr; i++)
		hp_cgroup_free(tree[i]);
	free(tree);
	hp_close(ctx);
	return status;
}
