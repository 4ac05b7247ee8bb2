// SPDX-License-Identifier: GPL-2.0
/* hugepool status: nodes as columns, as numastat shows them; fields as rows. */
#include <getopt.h>

#include "builtin.h"
#include "options.h"

static const struct field status_fields[] = {
	{ "total", "memory the pool of the node owns", true },
	{ "free", "not handed out (reserved included)", true },
	{ "used", "handed out", true },
	{ "shmem", "of that, held by files on tmpfs and memfds", true },
	{ "guest_memfd", "of that, held by guest_memfds of KVM", true },
	{ "other", "the rest: of the root cgroup, or outside of the cgroup namespace", true },
	{ "reserved", "free, but guaranteed to cgroups", true },
	{ "available", "what a cgroup without a guarantee can get: free - reserved", false },
	{ "poisoned", "retired after a memory failure", true },
	{ "2MB/total", "in blocks of 2 MB, pieces of broken 1 GB blocks included", true },
	{ "2MB/free", "of those, not handed out", true },
	{ "2MB/used", "of those, handed out", true },
	{ "1GB/total", "in whole blocks of 1 GB", true },
	{ "1GB/free", "of those, not handed out", true },
	{ "1GB/used", "of those, handed out", true },
	{ "1GB/broken", "1 GB blocks that serve as 2 MB blocks for now", true },
	{ NULL, NULL, false },
};

static const char status_usage[] =
	"Usage: hugepool status [OPTION...]\n\n"
	"Show the pool of each NUMA node and who uses it: a column per node, a row per field.\n";

static void compute_available(const struct hp_pools *pools, struct hp_value *value)
{
	const struct hp_field *free_field = hp_fields_find(&pools->files, "free");
	const struct hp_field *reserved = hp_fields_find(&pools->files, "reserved");
	const struct hp_value *f, *r;
	size_t n;

	for (n = 0; n < pools->nr_nodes; n++) {
		if (!free_field || !reserved)
			continue;
		f = &free_field->value[n];
		r = &reserved->value[n];
		if (f->state != HP_NUMBER || r->state != HP_NUMBER)
			continue;
		value[n].state = HP_NUMBER;
		/* The two were not read at the same moment. */
		value[n].number = f->number > r->number ? f->number - r->number : 0;
	}
}

/* What is left of "used" on a node when it is known what each consumer holds there. */
static bool find_rest(const struct hp_pools *pools, size_t n, uint64_t *rest)
{
	const struct hp_value *held;
	size_t i;

	for (i = 0; i < pools->consumers.nr; i++) {
		held = &pools->consumers.field[i].value[n];
		if (held->state == HP_ABSENT)
			continue;
		if (held->state != HP_NUMBER)
			return false;
		/* The files of the pool and those of the cgroups were not read at one moment. */
		*rest = *rest > held->number ? *rest - held->number : 0;
	}
	return true;
}

static void compute_other(const struct hp_pools *pools, struct hp_value *value)
{
	const struct hp_field *used = hp_fields_find(&pools->files, "used");
	size_t n;

	if (!used || !pools->consumers.nr)
		return;
	for (n = 0; n < pools->nr_nodes; n++) {
		value[n].state = used->value[n].state;
		value[n].number = used->value[n].number;
		/* What is wrong with a text is said where "used" itself is shown. */
		if (value[n].state == HP_TEXT ||
		    (value[n].state == HP_NUMBER && !find_rest(pools, n, &value[n].number)))
			value[n].state = HP_UNREADABLE;
	}
}

/* The sum over the nodes that have the field; nothing when one of them is not known. */
static void set_total(struct cell *total, const struct hp_value *value, size_t nr)
{
	uint64_t sum = 0;
	bool any = false;
	size_t n;

	for (n = 0; n < nr; n++) {
		if (value[n].state == HP_ABSENT)
			continue;
		if (value[n].state != HP_NUMBER ||
		    __builtin_add_overflow(sum, value[n].number, &sum))
			return;
		any = true;
	}
	if (any) {
		total->type = CELL_SIZE;
		total->number = sum;
	}
}

/* What was read under that name. */
static const struct hp_field *find_read(const struct hp_pools *pools, const char *name)
{
	const struct hp_field *field = hp_fields_find(&pools->files, name);

	return field ? field : hp_fields_find(&pools->consumers, name);
}

static void add_status_row(struct table *table, const struct hp_pools *pools, const char *name)
{
	const struct hp_field *field = find_read(pools, name);
	struct hp_value *computed = hp_zalloc(pools->nr_nodes, sizeof(*computed));
	const struct hp_value *value = field ? field->value : computed;
	struct row *row = table_add_row(table, NO_PARENT);
	bool known = find_field(status_fields, name);
	char where[32];
	size_t n;

	/* No file has these.  Should a kernel have one of that name, the file counts. */
	if (!field && !strcmp(name, "available"))
		compute_available(pools, computed);
	else if (!field && !strcmp(name, "other"))
		compute_other(pools, computed);
	row->cell[0].type = CELL_TEXT;
	row->cell[0].text = hp_strdup(name);
	for (n = 0; n < pools->nr_nodes; n++) {
		snprintf(where, sizeof(where), "node%u/", pools->node[n]);
		set_cell(&row->cell[n + 1], &value[n], true, known, where, name);
	}
	set_total(&row->cell[n + 1], value, pools->nr_nodes);
	free(computed);
}

static void build_status(struct table *table, const struct hp_pools *pools,
			 const struct names *names)
{
	struct fact *fact;
	size_t i;

	table_add_column(table, hp_strdup("field"), hp_strdup("POOL"));
	for (i = 0; i < pools->nr_nodes; i++)
		table_add_column(table, hp_asprintf("node%u", pools->node[i]),
				 hp_asprintf("Node %u", pools->node[i]))->is_size = true;
	table_add_column(table, hp_strdup("total"), hp_strdup("Total"))->is_size = true;
	for (i = 0; i < names->nr; i++)
		add_status_row(table, pools, names->name[i]);
	for (i = 0; i < pools->nr_settings; i++) {
		fact = table_add_fact(table, hp_strdup(pools->setting[i].name));
		set_cell(&fact->cell, &pools->setting[i].value, false, false, "", "");
	}
}

/* What the kernel shows. */
static void find_names(const struct hp_pools *pools, struct names *found)
{
	size_t i;

	for (i = 0; i < pools->files.nr; i++)
		names_add(found, pools->files.field[i].name);
	for (i = 0; i < pools->consumers.nr; i++)
		names_add(found, pools->consumers.field[i].name);
	if (pools->consumers.nr)
		names_add(found, "other");
}

/*
 * The table with the consumers that it does not know, in front of "other": all that together make
 * "used" are next to each other.  The caller frees it.
 */
static struct field *complete_table(const struct hp_pools *pools)
{
	const struct hp_fields *consumers = &pools->consumers;
	const struct field *known;
	struct field *table, *end;
	const char *name;
	size_t i;

	table = hp_zalloc(1, sizeof(status_fields) + consumers->nr * sizeof(*table));
	end = table;
	for (known = status_fields; known->name; known++) {
		for (i = 0; i < consumers->nr && !strcmp(known->name, "other"); i++) {
			name = consumers->field[i].name;
			if (!find_field(status_fields, name))
				*end++ = (struct field){ name, NULL, true };
		}
		*end++ = *known;
	}
	return table;
}

static int show_status(const struct show_options *options, const struct hp_pools *pools)
{
	struct table table = { .name = "pool", .facts_name = "settings", .facts_label = "" };
	struct names found = { NULL, 0 }, names = { NULL, 0 };
	struct field *fields = complete_table(pools);
	int status = EXIT_SUCCESS;

	find_names(pools, &found);
	if (select_fields(options, fields, &found, true, &names)) {
		build_status(&table, pools, &names);
		table_render(&table, &options->render);
	} else {
		status = usage_error(options->command);
	}
	table_free(&table);
	names_free(&names);
	names_free(&found);
	free(fields);
	return status;
}

int cmd_status(int argc, char **argv)
{
	struct show_options options = { .command = "status" };
	struct hp_pools *pools;
	struct hp_ctx *ctx;
	int status;

	status = parse_show_options(argc, argv, &options, status_usage, NULL, status_fields);
	if (status >= 0)
		return status;
	if (optind < argc) {
		complainf("status: unexpected argument '%s'", argv[optind]);
		return usage_error(options.command);
	}
	ctx = hp_open(options.sysroot, complain);
	if (!ctx)
		return EXIT_FAILURE;
	pools = hp_pools_read(ctx);
	status = EXIT_FAILURE;
	if (pools) {
		hp_pools_read_consumers(ctx, pools);
		status = show_status(&options, pools);
		hp_pools_free(pools);
	}
	hp_close(ctx);
	return status;
}
