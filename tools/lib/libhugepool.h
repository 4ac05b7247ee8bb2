/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libhugepool: read what the hugepool kernel interfaces show.
 *
 * The library only reads and parses.  It knows the shape of the files (one decimal number per
 * sysfs file, flat-keyed cgroup files), not which files there are: whatever a newer kernel adds
 * is passed on under its own name.  What is shown, and how, is up to the caller.
 *
 * Running out of memory ends the process: the callers are short-lived commands.
 */
#ifndef LIBHUGEPOOL_H
#define LIBHUGEPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Told of every problem, one complete sentence without newline at a time. */
typedef void (*hp_report_fn)(const char *message);

struct hp_ctx;

/*
 * @sysroot: a directory that holds a copy of /sys, or NULL for the running machine.
 * NULL after a report.
 */
struct hp_ctx *hp_open(const char *sysroot, hp_report_fn report);
void hp_close(struct hp_ctx *ctx);

enum hp_state {
	HP_ABSENT,	/* no such file or key here */
	HP_NUMBER,
	HP_NOLIMIT,	/* the kernel's word "max" */
	HP_TEXT,	/* there, but neither of these: @text has it */
	HP_UNREADABLE,	/* there, but it cannot be read; already reported */
};

struct hp_value {
	enum hp_state state;
	uint64_t number;
	char *text;
};

/* Decimal digits and nothing else, within 64 bits; a final newline is allowed. */
bool hp_parse_u64(const char *s, uint64_t *number);

/* The same with at most one of the suffixes K, M, G, T, P, E, in either case, as in the kernel. */
bool hp_parse_size(const char *s, uint64_t *bytes);

/* Exact: the largest of G, M and K that leaves no remainder, else plain bytes. */
#define HP_SIZE_LEN	32
char *hp_format_size(uint64_t bytes, char buf[HP_SIZE_LEN]);

/*
 * The kernel's spelling of a name that may hold a class: "2M/free" is "2MB/free".  Caller frees.
 */
char *hp_normalise_name(const char *name);

/*
 * Every node the machine has, with a pool or not, ascending; an empty list where that cannot be
 * known.  The caller frees it.
 */
void hp_nodes(struct hp_ctx *ctx, unsigned int **node, size_t *nr);

/* The pools: /sys/kernel/mm/hugepool */

struct hp_field {
	char *name;
	struct hp_value *value;	/* one per node, in the order of hp_pools.node */
};

/* Sorted by name. */
struct hp_fields {
	size_t nr;
	struct hp_field *field;
};

struct hp_setting {
	char *name;		/* "demote" */
	struct hp_value value;
};

struct hp_pools {
	size_t nr_nodes;
	unsigned int *node;	/* every node of the machine, with a pool or not, ascending */
	struct hp_fields files;	/* by their path inside node<N>/: "free", "2MB/total" */
	struct hp_fields consumers; /* "shmem", see hp_pools_read_consumers() */
	size_t nr_settings;
	struct hp_setting *setting; /* the files that are not per node, sorted by name */
};

/* NULL after a report. */
struct hp_pools *hp_pools_read(struct hp_ctx *ctx);
void hp_pools_free(struct hp_pools *pools);
const struct hp_field *hp_fields_find(const struct hp_fields *fields, const char *name);

/*
 * Sets @pools->consumers to what each consumer in memory.hugepool.numa_stat of the cgroups holds,
 * blocks of all sizes together.  Cgroups do not know of what tasks of the root hold, nor of what
 * is outside of the cgroup namespace of the caller.  Where there are no such cgroups there are no
 * consumers, and that is not reported.
 */
void hp_pools_read_consumers(struct hp_ctx *ctx, struct hp_pools *pools);

/* The cgroups: memory.hugepool.* */

struct hp_cg_value {
	/*
	 * "2MB.current", "2MB/node0.max" from memory.hugepool.{current,max}; "events.nospc",
	 * "events.local.max"; "shmem.2MB/node0" and the sum "shmem.2MB" from numa_stat.
	 */
	char *name;
	struct hp_value value;
};

struct hp_cgroup {
	char *path;			/* from the root of the hierarchy, "/" being that root */
	struct hp_cgroup *parent;	/* NULL: this is where the walk began */
	struct hp_cgroup **child;	/* sorted by path */
	size_t nr_children;
	size_t nr_values;
	struct hp_cg_value *value;	/* in the order of the files */
};

/* NULL after a report.  @path as in hp_cgroup.path; the leading slash may be missing. */
struct hp_cgroup *hp_cgroup_read(struct hp_ctx *ctx, const char *path);
void hp_cgroup_free(struct hp_cgroup *cg);
const struct hp_value *hp_cgroup_find(const struct hp_cgroup *cg, const char *name);

/*
 * Where the hierarchy of cgroups is mounted on the machine (without the sysroot); NULL after a
 * report, also when it is none of version 2 with memory.hugepool.*.
 */
const char *hp_cgroup_mount(struct hp_ctx *ctx);

/* What follows is for those who have called hp_cgroup_mount(); the caller frees what it gets. */

/*
 * "jobs//a/" and, as users paste it, "/sys/fs/cgroup/jobs/a" are "/jobs/a".  NULL for a path that
 * would lead out of the hierarchy.
 */
char *hp_cgroup_clean_path(struct hp_ctx *ctx, const char *path);

/* The text of one file of a cgroup; NULL, and nothing reported, when it cannot be read. */
char *hp_cgroup_text(struct hp_ctx *ctx, const char *path, const char *name);

/* The cgroup of the caller, and its process; NULL and 0, and nothing reported, when not known. */
char *hp_cgroup_own(struct hp_ctx *ctx);
uint64_t hp_own_pid(struct hp_ctx *ctx);

#endif
