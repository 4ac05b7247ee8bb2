// SPDX-License-Identifier: GPL-2.0
/*
 * The cgroup tree with its memory.hugepool.* files.
 *
 * As in pools.c nothing depends on which files or keys there are, only on their shape.
 */
#include <ctype.h>
#include <errno.h>
#include <unistd.h>

#include "internal.h"

/* One walk under way. */
struct builder {
	struct hp_ctx *ctx;
	struct hp_cgroup *top;
	struct hp_cgroup *last;		/* the directory seen last */
	bool any_file;
};

/*
 * The cgroup of @path, or of what is above it when @above.  Backends visit a directory before
 * what it holds, so it is @last or one of its ancestors; a walk that races with rmdir may break
 * that rule, and then the entry is left out.
 */
static struct hp_cgroup *find_open(struct builder *b, const char *path, bool above)
{
	size_t len = strlen(path);
	struct hp_cgroup *cg;

	if (above) {
		while (len && path[len - 1] != '/')
			len--;
		if (len > 1)
			len--;
	}
	for (cg = b->last; cg; cg = cg->parent) {
		if (strlen(cg->path) == len && !strncmp(cg->path, path, len))
			return cg;
	}
	return NULL;
}

static void visit_dir(void *data, const char *path)
{
	struct builder *b = data;
	struct hp_cgroup *parent = NULL, *cg;

	if (b->top) {
		parent = find_open(b, path, true);
		if (!parent)
			return;
	}
	cg = hp_zalloc(1, sizeof(*cg));
	cg->path = hp_strdup(path);
	cg->parent = parent;
	if (parent) {
		parent->child = hp_grow(parent->child, parent->nr_children, sizeof(cg));
		parent->child[parent->nr_children++] = cg;
	} else {
		b->top = cg;
	}
	b->last = cg;
}

/* Takes over @name. */
static struct hp_value *add_value(struct hp_cgroup *cg, char *name)
{
	cg->value = hp_grow(cg->value, cg->nr_values, sizeof(*cg->value));
	cg->value[cg->nr_values].name = name;
	return &cg->value[cg->nr_values++].value;
}

/* "N0=4096" is node 0's part of @key; any other "what=value" becomes @key.what. */
static void add_pair(struct hp_cgroup *cg, const char *key, char *pair, struct hp_value *sum)
{
	struct hp_value *value;
	char *word = strchr(pair, '=');

	*word++ = '\0';
	if (pair[0] != 'N' || !isdigit((unsigned char)pair[1])) {
		hp_set_value(add_value(cg, hp_asprintf("%s.%s", key, pair)), word);
		return;
	}
	value = add_value(cg, hp_asprintf("%s/node%s", key, pair + 1));
	hp_set_value(value, word);
	if (sum->state == HP_NUMBER && (value->state != HP_NUMBER ||
	    __builtin_add_overflow(sum->number, value->number, &sum->number)))
		sum->state = HP_ABSENT;		/* better no sum than a wrong one */
}

static void parse_line(struct hp_cgroup *cg, const char *attr, char *line)
{
	struct hp_value sum = { .state = HP_NUMBER };
	char *key, *rest, *word, *save;
	bool pairs;

	key = strtok_r(line, " \t", &save);
	if (!key)
		return;
	rest = strtok_r(NULL, "", &save);
	if (!rest) {
		/* A file with one value and no key is named by the file alone. */
		hp_set_value(add_value(cg, hp_strdup(attr)), key);
		return;
	}
	pairs = strchr(rest, '=');
	if (!pairs) {
		if (!strncmp(attr, "events", 6))
			word = hp_asprintf("%s.%s", attr, key);
		else
			word = hp_asprintf("%s.%s", key, attr);
		hp_set_value(add_value(cg, word), rest);
		return;
	}
	for (word = strtok_r(rest, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (strchr(word, '='))
			add_pair(cg, key, word, &sum);
	}
	*add_value(cg, hp_strdup(key)) = sum;
}

int hp_cg_read_file(struct hp_ctx *ctx, struct hp_cgroup *cg, const char *name)
{
	char *text, *line, *save;
	int err;

	err = ctx->cg->read(ctx, cg->path, name, &text);
	if (err == -ENOENT || err == -ENODEV)
		return 0;
	if (err) {
		hp_report(ctx, "%s%s/%s: %s", ctx->cg_root, strcmp(cg->path, "/") ? cg->path : "",
			  name, strerror(-err));
		return err;
	}
	name += strlen(HP_CG_PREFIX);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		parse_line(cg, name, line);
	free(text);
	return 1;
}

static void visit_file(void *data, const char *path, const char *name)
{
	struct builder *b = data;
	struct hp_cgroup *cg;

	if (strncmp(name, HP_CG_PREFIX, strlen(HP_CG_PREFIX)))
		return;
	cg = find_open(b, path, false);
	if (!cg)
		return;
	b->any_file = true;
	hp_cg_read_file(b->ctx, cg, name);
}

static int compare_paths(const void *a, const void *b)
{
	const struct hp_cgroup *const *x = a, *const *y = b;

	return strcmp((*x)->path, (*y)->path);
}

static void sort_children(struct hp_cgroup *cg)
{
	size_t i;

	if (cg->nr_children)
		qsort(cg->child, cg->nr_children, sizeof(*cg->child), compare_paths);
	for (i = 0; i < cg->nr_children; i++)
		sort_children(cg->child[i]);
}

char *hp_cgroup_clean_path(struct hp_ctx *ctx, const char *path)
{
	const char *mount = ctx->cg_root + strlen(ctx->sysroot);
	size_t mount_len = strlen(mount), len, n = 0;
	char *out;

	if (!strncmp(path, mount, mount_len) && (!path[mount_len] || path[mount_len] == '/'))
		path += mount_len;
	out = hp_zalloc(strlen(path) + 2, 1);
	while (*path) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && !strncmp(path, "..", 2)) {
			free(out);
			return NULL;
		}
		if (len && !(len == 1 && *path == '.')) {
			out[n++] = '/';
			memcpy(out + n, path, len);
			n += len;
		}
		path += len;
	}
	if (!n)
		out[0] = '/';
	return out;
}

/* The root has "capacity", or in a cgroup namespace, where it is not the real root, "current". */
static bool kernel_has_hugepool(struct hp_ctx *ctx)
{
	static const char *const file[] = { HP_CG_PREFIX "capacity", HP_CG_PREFIX "current" };
	size_t i;
	char *text;

	for (i = 0; i < 2; i++) {
		if (!ctx->cg->read(ctx, "/", file[i], &text)) {
			free(text);
			return true;
		}
	}
	return false;
}

char *hp_cg_open(struct hp_ctx *ctx)
{
	char *problem = NULL;

	if (!ctx->cg) {
		ctx->cg = ctx->live ? &hp_cg_libcgroup : &hp_cg_directory;
		problem = ctx->cg->open(ctx);
		if (problem)
			ctx->cg = NULL;
	}
	return problem;
}

static bool open_hierarchy(struct hp_ctx *ctx)
{
	char *problem = hp_cg_open(ctx);

	if (problem)
		hp_report(ctx, "%s", problem);
	free(problem);
	return ctx->cg;
}

static void report_no_hugepool(struct hp_ctx *ctx)
{
	hp_report(ctx, "%s/" HP_CG_PREFIX "capacity: no such file: "
		  "no hugepool (CONFIG_HUGEPOOL), or no memory controller, in this hierarchy",
		  ctx->cg_root);
}

const char *hp_cgroup_mount(struct hp_ctx *ctx)
{
	if (!open_hierarchy(ctx))
		return NULL;
	if (!kernel_has_hugepool(ctx)) {
		report_no_hugepool(ctx);
		return NULL;
	}
	return ctx->cg_root + strlen(ctx->sysroot);
}

char *hp_cgroup_text(struct hp_ctx *ctx, const char *path, const char *name)
{
	char *text;

	return ctx->cg->read(ctx, path, name, &text) ? NULL : text;
}

char *hp_cgroup_own(struct hp_ctx *ctx)
{
	char *file = hp_asprintf("%s/proc/self/cgroup", ctx->sysroot);
	char *text, *line, *save, *own = NULL;

	if (!hp_read_text(file, &text)) {
		/* Version 2 is the hierarchy of number 0 without a name. */
		for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			if (!own && !strncmp(line, "0::/", 4))
				own = hp_cgroup_clean_path(ctx, line + 3);
		}
		free(text);
	}
	free(file);
	return own;
}

uint64_t hp_own_pid(struct hp_ctx *ctx)
{
	uint64_t pid = 0;
	char *file, *text;

	if (ctx->live)
		return getpid();
	file = hp_asprintf("%s/proc/self/stat", ctx->sysroot);
	if (!hp_read_text(file, &text)) {
		text[strcspn(text, " ")] = '\0';
		if (!hp_parse_u64(text, &pid))
			pid = 0;
		free(text);
	}
	free(file);
	return pid;
}

struct hp_cgroup *hp_cgroup_read(struct hp_ctx *ctx, const char *path)
{
	struct builder b = { .ctx = ctx };
	const struct hp_cg_visit visit = { visit_dir, visit_file, &b };
	char *clean;
	int err;

	if (!open_hierarchy(ctx))
		return NULL;
	clean = hp_cgroup_clean_path(ctx, path);
	if (!clean) {
		hp_report(ctx, "%s: not the path of a cgroup", path);
		return NULL;
	}
	err = ctx->cg->walk(ctx, clean, &visit);
	if (!err && !b.any_file && !kernel_has_hugepool(ctx)) {
		report_no_hugepool(ctx);
		err = -ENOENT;
	}
	free(clean);
	if (err && b.top) {
		hp_cgroup_free(b.top);
		b.top = NULL;
	}
	if (b.top)
		sort_children(b.top);
	return b.top;
}

void hp_cgroup_free(struct hp_cgroup *cg)
{
	size_t i;

	for (i = 0; i < cg->nr_children; i++)
		hp_cgroup_free(cg->child[i]);
	for (i = 0; i < cg->nr_values; i++) {
		free(cg->value[i].value.text);
		free(cg->value[i].name);
	}
	free(cg->value);
	free(cg->child);
	free(cg->path);
	free(cg);
}

const struct hp_value *hp_cgroup_find(const struct hp_cgroup *cg, const char *name)
{
	size_t i;

	for (i = 0; i < cg->nr_values; i++) {
		if (!strcmp(cg->value[i].name, name))
			return &cg->value[i].value;
	}
	return NULL;
}
