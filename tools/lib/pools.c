// SPDX-License-Identifier: GPL-2.0
/*
 * The pools, from /sys/kernel/mm/hugepool.
 *
 * What is there is found by listing directories, never from a list of names: a field, a class or
 * a setting that a newer kernel adds shows up without a change here.
 */
#include <errno.h>

#include "internal.h"

/* One reading under way; @node and @class say where in the tree it is. */
struct reader {
	struct hp_ctx *ctx;
	struct hp_pools *pools;
	size_t node;
	const char *class;
	bool failed;
};

static void set_file(struct reader *r, const char *name, const char *path)
{
	struct hp_pools *pools = r->pools;
	struct hp_field *field = hp_fields_get(&pools->files, name, pools->nr_nodes);

	hp_read_value(r->ctx, path, &field->value[r->node]);
}

static void read_class_entry(void *data, const char *dir, const char *name, bool is_dir)
{
	struct reader *r = data;
	char *path, *field;

	if (is_dir)
		return;
	path = hp_asprintf("%s/%s", dir, name);
	field = hp_asprintf("%s/%s", r->class, name);
	set_file(r, field, path);
	free(field);
	free(path);
}

static void read_subdir(struct reader *r, const char *dir, const char *name, hp_entry_fn fn)
{
	char *path = hp_asprintf("%s/%s", dir, name);
	int err;

	err = hp_read_dir(path, fn, r);
	/* ENOENT: went away since it was listed. */
	if (err && err != -ENOENT) {
		hp_report(r->ctx, "%s: %s", path, strerror(-err));
		r->failed = true;
	}
	free(path);
}

static void read_node_entry(void *data, const char *dir, const char *name, bool is_dir)
{
	struct reader *r = data;
	char *path;

	if (is_dir) {
		r->class = name;
		read_subdir(r, dir, name, read_class_entry);
		return;
	}
	path = hp_asprintf("%s/%s", dir, name);
	set_file(r, name, path);
	free(path);
}

static void read_top_entry(void *data, const char *dir, const char *name, bool is_dir)
{
	struct reader *r = data;
	struct hp_pools *pools = r->pools;
	struct hp_setting *setting;
	unsigned int id;
	char *path;

	if (is_dir) {
		if (!hp_is_node_dir(name, &id))
			return;
		/* add_pool_node() has put every such directory on the list. */
		for (r->node = 0; r->node < pools->nr_nodes; r->node++) {
			if (pools->node[r->node] == id)
				read_subdir(r, dir, name, read_node_entry);
		}
		return;
	}
	pools->setting = hp_grow(pools->setting, pools->nr_settings, sizeof(*setting));
	setting = &pools->setting[pools->nr_settings++];
	setting->name = hp_strdup(name);
	path = hp_asprintf("%s/%s", dir, name);
	hp_read_value(r->ctx, path, &setting->value);
	free(path);
}

/* First pass: a node that has a pool belongs on the list, known to the machine or not. */
static void add_pool_node(void *data, const char *dir, const char *name, bool is_dir)
{
	struct reader *r = data;
	struct hp_pools *pools = r->pools;
	unsigned int id;
	size_t i;

	(void)dir;
	if (!is_dir || !hp_is_node_dir(name, &id))
		return;
	for (i = 0; i < pools->nr_nodes && pools->node[i] < id; i++)
		;
	if (i < pools->nr_nodes && pools->node[i] == id)
		return;
	pools->node = hp_grow(pools->node, pools->nr_nodes, sizeof(*pools->node));
	memmove(&pools->node[i + 1], &pools->node[i],
		(pools->nr_nodes - i) * sizeof(*pools->node));
	pools->node[i] = id;
	pools->nr_nodes++;
}

struct hp_field *hp_fields_get(struct hp_fields *fields, const char *name, size_t nr_nodes)
{
	struct hp_field *field;

	field = (struct hp_field *)hp_fields_find(fields, name);
	if (field)
		return field;
	fields->field = hp_grow(fields->field, fields->nr, sizeof(*field));
	field = &fields->field[fields->nr++];
	field->name = hp_strdup(name);
	field->value = hp_zalloc(nr_nodes, sizeof(*field->value));
	return field;
}

const struct hp_field *hp_fields_find(const struct hp_fields *fields, const char *name)
{
	size_t i;

	for (i = 0; i < fields->nr; i++) {
		if (!strcmp(fields->field[i].name, name))
			return &fields->field[i];
	}
	return NULL;
}

static int compare_fields(const void *a, const void *b)
{
	return strcmp(((const struct hp_field *)a)->name, ((const struct hp_field *)b)->name);
}

void hp_fields_sort(struct hp_fields *fields)
{
	if (fields->nr)
		qsort(fields->field, fields->nr, sizeof(*fields->field), compare_fields);
}

static void free_fields(struct hp_fields *fields, size_t nr_nodes)
{
	size_t i, n;

	for (i = 0; i < fields->nr; i++) {
		for (n = 0; n < nr_nodes; n++)
			free(fields->field[i].value[n].text);
		free(fields->field[i].value);
		free(fields->field[i].name);
	}
	free(fields->field);
}

struct hp_pools *hp_pools_read(struct hp_ctx *ctx)
{
	struct hp_pools *pools = hp_zalloc(1, sizeof(*pools));
	struct reader r = { .ctx = ctx, .pools = pools };
	char *path;
	int err;

	path = hp_asprintf("%s/sys/kernel/mm/hugepool", ctx->sysroot);
	hp_nodes(ctx, &pools->node, &pools->nr_nodes);
	err = hp_read_dir(path, add_pool_node, &r);
	if (!err)
		err = hp_read_dir(path, read_top_entry, &r);
	if (err == -ENOENT || err == -ENOTDIR)
		hp_report(ctx, "%s: no such directory: %s has no hugepool (CONFIG_HUGEPOOL)",
			  path, ctx->live ? "this kernel" : "the kernel it was taken from");
	else if (err)
		hp_report(ctx, "%s: %s", path, strerror(-err));
	free(path);
	if (err || r.failed) {
		hp_pools_free(pools);
		return NULL;
	}
	hp_fields_sort(&pools->files);
	return pools;
}

void hp_pools_free(struct hp_pools *pools)
{
	size_t i;

	free_fields(&pools->files, pools->nr_nodes);
	free_fields(&pools->consumers, pools->nr_nodes);
	for (i = 0; i < pools->nr_settings; i++) {
		free(pools->setting[i].value.text);
		free(pools->setting[i].name);
	}
	free(pools->setting);
	free(pools->node);
	free(pools);
}
