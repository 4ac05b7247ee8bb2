// SPDX-License-Identifier: GPL-2.0
/*
 * Who holds the memory of the pools, from memory.hugepool.numa_stat.
 *
 * The file includes what is below its cgroup, so that those next to the root tell all.  As in
 * pools.c it does not matter which consumers and sizes there are.
 */
#include <errno.h>

#include "internal.h"

struct adder {
	struct hp_ctx *ctx;
	struct hp_pools *pools;
	bool incomplete;
};

/*
 * "shmem.2MB/node0", what a cgroup has of one size on one node, is about the consumer "shmem".
 * NULL for a name of another shape.
 */
static char *consumer_name(const char *name, unsigned int *node)
{
	const char *slash = strrchr(name, '/');
	const char *dot;

	if (!slash || !hp_is_node_dir(slash + 1, node))
		return NULL;
	dot = memrchr(name, '.', slash - name);
	if (!dot || dot == name)
		return NULL;
	return hp_asprintf("%.*s", (int)(dot - name), name);
}

/* A part that is no number, or a sum that does not fit, leaves nothing that could be shown. */
static void add_part(struct hp_ctx *ctx, const struct hp_cgroup *cg,
		     const struct hp_cg_value *part, struct hp_value *sum)
{
	if (sum->state == HP_UNREADABLE)
		return;
	if (part->value.state != HP_NUMBER) {
		hp_report(ctx, "%s: %s: '%s' is not a number", cg->path, part->name,
			  part->value.text ? part->value.text : "max");
		sum->state = HP_UNREADABLE;
	} else if (__builtin_add_overflow(sum->number, part->value.number, &sum->number)) {
		hp_report(ctx, "%s: %s: the sum over the cgroups exceeds 64 bits", cg->path,
			  part->name);
		sum->state = HP_UNREADABLE;
	} else {
		sum->state = HP_NUMBER;
	}
}

static void add_value(struct adder *a, const struct hp_cgroup *cg, const struct hp_cg_value *part)
{
	struct hp_pools *pools = a->pools;
	struct hp_field *field;
	unsigned int node;
	char *consumer;
	size_t n;

	consumer = consumer_name(part->name, &node);
	if (!consumer)
		return;
	field = hp_fields_get(&pools->consumers, consumer, pools->nr_nodes);
	for (n = 0; n < pools->nr_nodes; n++) {
		if (pools->node[n] == node)
			add_part(a->ctx, cg, part, &field->value[n]);
	}
	free(consumer);
}

/* Takes over @path.  False when this is no cgroup that tells. */
static bool add_cgroup(struct adder *a, char *path)
{
	struct hp_cgroup *cg = hp_zalloc(1, sizeof(*cg));
	int found;
	size_t i;

	cg->path = path;
	found = hp_cg_read_file(a->ctx, cg, HP_CG_PREFIX "numa_stat");
	if (found < 0)
		a->incomplete = true;
	for (i = 0; i < cg->nr_values; i++)
		add_value(a, cg, &cg->value[i]);
	hp_cgroup_free(cg);
	return found;
}

static void add_child(void *data, const char *dir, const char *name, bool is_dir)
{
	(void)dir;
	if (is_dir)
		add_cgroup(data, hp_asprintf("/%s", name));
}

/*
 * A plain listing for both backends: libcgroup's walk goes through the whole tree whatever depth
 * it is given.
 */
static void add_children(struct adder *a)
{
	struct hp_ctx *ctx = a->ctx;
	int err;

	err = hp_read_dir(ctx->cg_root, add_child, a);
	if (err && err != -ENOENT && err != -ENOTDIR) {
		hp_report(ctx, "%s: %s", ctx->cg_root, strerror(-err));
		a->incomplete = true;
	}
}

/* Nobody knows what the cgroup that could not be read has of which consumer. */
static void forget_sums(struct hp_pools *pools)
{
	size_t i, n;

	for (i = 0; i < pools->consumers.nr; i++) {
		for (n = 0; n < pools->nr_nodes; n++)
			pools->consumers.field[i].value[n].state = HP_UNREADABLE;
	}
}

void hp_pools_read_consumers(struct hp_ctx *ctx, struct hp_pools *pools)
{
	struct adder a = { .ctx = ctx, .pools = pools };
	char *problem = hp_cg_open(ctx);

	if (problem) {
		free(problem);
		return;
	}
	/* The root has the file in a cgroup namespace only, and then it tells all by itself. */
	if (!add_cgroup(&a, hp_strdup("/")))
		add_children(&a);
	if (a.incomplete)
		forget_sums(pools);
	hp_fields_sort(&pools->consumers);
}
