/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of libhugepool share with each other and with nobody else. */
#ifndef HP_INTERNAL_H
#define HP_INTERNAL_H

#include "libhugepool.h"
#include "alloc.h"

struct hp_cg_backend;

struct hp_ctx {
	char *sysroot;			/* "" for the running machine */
	bool live;			/* no --sysroot: the libraries may ask the kernel */
	hp_report_fn report;
	const struct hp_cg_backend *cg;	/* NULL until the first use of cgroups */
	char *cg_root;			/* where the cgroup hierarchy is mounted */
};

void hp_report(struct hp_ctx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The whole file as a string; 0 or -errno. */
int hp_read_text(const char *path, char **text);

/* Called for each file and directory in @dir, in the order of names. */
typedef void (*hp_entry_fn)(void *data, const char *dir, const char *name, bool is_dir);

/* 0 or -errno. */
int hp_read_dir(const char *dir, hp_entry_fn fn, void *data);

/* One sysfs file.  Reports what cannot be read. */
void hp_read_value(struct hp_ctx *ctx, const char *path, struct hp_value *value);

/* Classifies one word; takes a copy if it has to keep it. */
void hp_set_value(struct hp_value *value, const char *word);

/* @name is "node" and a decimal number without leading zeros. */
bool hp_is_node_dir(const char *name, unsigned int *node);

/* The field of that name; a new one, absent on all nodes, when there is none yet. */
struct hp_field *hp_fields_get(struct hp_fields *fields, const char *name, size_t nr_nodes);
void hp_fields_sort(struct hp_fields *fields);

/*
 * Where cgroups are read from.  There are two because libcgroup finds the hierarchy through
 * /proc/mounts and offers no way to name another root: it serves the running machine, and a
 * plain directory walk serves --sysroot.  Everything above this seam is the same for both, and
 * tests/cli runs the same trees through both.
 */
struct hp_cg_visit {
	void (*dir)(void *data, const char *path);
	void (*file)(void *data, const char *path, const char *name);
	void *data;
};

struct hp_cg_backend {
	/* Sets ctx->cg_root; NULL, or what is wrong, which the caller frees. */
	char *(*open)(struct hp_ctx *ctx);
	/*
	 * @path and everything below it: each directory before what it holds, with paths as in
	 * struct hp_cgroup.  Nonzero after a report.
	 */
	int (*walk)(struct hp_ctx *ctx, const char *path, const struct hp_cg_visit *visit);
	/* 0 or -errno. */
	int (*read)(struct hp_ctx *ctx, const char *path, const char *name, char **text);
};

extern const struct hp_cg_backend hp_cg_libcgroup;
extern const struct hp_cg_backend hp_cg_directory;

#define HP_CG_PREFIX	"memory.hugepool."

/* Sets ctx->cg; NULL, or what is wrong, which the caller frees. */
char *hp_cg_open(struct hp_ctx *ctx);

/*
 * Appends what a file with HP_CG_PREFIX says to @cg->value.  1; 0 when there is no such file (any
 * more: a cgroup may be removed at any moment, and that is no failure); -errno after a report.
 */
int hp_cg_read_file(struct hp_ctx *ctx, struct hp_cgroup *cg, const char *name);

#endif
