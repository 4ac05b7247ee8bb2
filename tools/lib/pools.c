// SPDX-License-Identifier: GPL-2.0
/*
 * The pools, from /sys/kernel/mm/hugepool.
 *
 * What is there is found by listing directories, never from a list of names: a field, a class or
 * a setting that a newer kernel adds shows up without a change here.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "internal.h"

/* Called for each entry of a directory in the order of names; @dir is its path. */
typedef void (*entry_fn)(void *data, const char *dir, const char *name, bool is_dir);

/* 0 or -errno. */
static int for_each_entry(const char *path, entry_fn fn, void *data)
{
	struct dirent **entry;
	struct stat st;
	int i, nr;

	nr = scandir(path, &entry, NULL, alphasort);
	if (nr < 0)
		return -errno;
	for (i = 0; i < nr; i++) {
		char *full = hp_asprintf("%s/%s", path, entry[i]->d_name);

		if (entry[i]->d_name[0] != '.' && !lstat(full, &st) &&
		    (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)))
			fn(data, path, entry[i]->d_name, S_ISDIR(st.st_mode));
		free(full);
		free(entry[i]);
	}
	free(entry);
	return 0;
}

/* One reading under way; @node and @class say where in the tree it is. */
struct reader {
	struct hp_ctx *ctx;
	struct hp_pools *pools;
	size_t node;
	const char *class;
	bool failed;
};

static struct hp_field *get_field(struct hp_pools *pools, const char *name)
{
	struct hp_field *field;

	field = (struct hp_field *)hp_pools_find(pools, name);
	if (field)
		return field;
	pools->field = hp_grow(pools->field, pools->nr_fields, sizeof(*field));
	field = &pools->field[pools->nr_fields++];
	field->name = hp_strdup(name);
	field->value = hp_zalloc(pools->nr_nodes, sizeof(*field->value));
	return field;
}

static void read_class_entry(void *data, const char *dir, const char *name, bool is_dir)
{
	struct reader *r = data;
	char *path, *field;

	if (is_dir)
		return;
	path = hp_asprintf("%s/%s", dir, name);
	field = hp_asprintf("%s/%s", r->class, name);
	hp_read_value(r->ctx, path, &get_field(r->pools, field)->value[r->node]);
	free(field);
	free(path);
}

static void read_subdir(struct reader *r, const char *dir, const char *name, entry_fn fn)
{
	char *path = hp_asprintf("%s/%s", dir, name);
	int err;

	err = for_each_entry(path, fn, r);
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
	hp_read_value(r->ctx, path, &get_field(r->pools, name)->value[r->node]);
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

static int compare_fields(const void *a, const void *b)
{
	return strcmp(((const struct hp_field *)a)->name, ((const struct hp_field *)b)->name);
}

struct hp_pools *hp_pools_read(struct hp_ctx *ctx)
{
	struct hp_pools *pools = hp_zalloc(1, sizeof(*pools));
	struct reader r = { .ctx = ctx, .pools = pools };
	char *path;
	int err;

	path = hp_asprintf("%s/sys/kernel/mm/hugepool", ctx->sysroot);
	hp_nodes(ctx, &pools->node, &pools->nr_nodes);
	err = for_each_entry(path, add_pool_node, &r);
	if (!err)
		err = for_each_entry(path, read_top_entry, &r);
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
	if (pools->nr_fields)
		qsort(pools->field, pools->nr_fields, sizeof(*pools->field), compare_fields);
	return pools;
}

void hp_pools_free(struct hp_pools *pools)
{
	size_t i, n;

	for (i = 0; i < pools->nr_fields; i++) {
		for (n = 0; n < pools->nr_nodes; n++)
			free(pools->field[i].value[n].text);
		free(pools->field[i].value);
		free(pools->field[i].name);
	}
	for (i = 0; i < pools->nr_settings; i++) {
		free(pools->setting[i].value.text);
		free(pools->setting[i].name);
	}
	free(pools->setting);
	free(pools->field);
	free(pools->node);
	free(pools);
}

const struct hp_field *hp_pools_find(const struct hp_pools *pools, const char *name)
{
	size_t i;

	for (i = 0; i < pools->nr_fields; i++) {
		if (!strcmp(pools->field[i].name, name))
			return &pools->field[i];
	}
	return NULL;
}
