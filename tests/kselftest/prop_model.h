/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the pool must do, in the plainest words: a tree of groups with limits and
 * guarantees of 2 MB blocks, files whose blocks each have an owner and a node.
 * Nothing is kept that can be summed up, nothing is calculated that can be tried.
 */
#ifndef HUGEPOOL_TESTS_PROP_MODEL_H
#define HUGEPOOL_TESTS_PROP_MODEL_H

#include <stdbool.h>

#define PM_NODES	4
#define PM_ALL		PM_NODES	/* in place of a node: all of them */
#define PM_GROUPS	12
#define PM_FILES	6
#define PM_UNITS	12		/* of a file */
#define PM_OUTSIDE	(-1)		/* the root cgroup, which nothing limits */
#define PM_HOLE		(-2)
#define PM_NO_LIMIT	(1L << 40)

struct pm_group {
	bool live;
	int parent;			/* or PM_OUTSIDE */
	long max[PM_NODES + 1];
	long min[PM_NODES];
	long own[PM_NODES];		/* not what those below hold */
	long peak[PM_NODES + 1];
};

struct pm_policy {
	int mode;			/* MPOL_* */
	unsigned long mask;
};

struct pm_unit {
	int owner;			/* a group, PM_OUTSIDE or PM_HOLE */
	int node;
};

struct pm_file {
	unsigned long ino;
	struct pm_policy pol;		/* MPOL_DEFAULT: that of the task */
	struct pm_unit unit[PM_UNITS];
};

struct pm {
	int nr_nodes;
	long total[PM_NODES];
	int distance[PM_NODES][PM_NODES];
	int weight[PM_NODES];
	long outside[PM_NODES];
	struct pm_group group[PM_GROUPS];
	struct pm_file file[PM_FILES];
	unsigned long refused;		/* requests of groups */
	unsigned long drawn, covered;	/* blocks, and those that were promised */
	bool wrong;			/* a promise that the model could not keep */
};

/* Who allocates, and where it runs. */
struct pm_task {
	int group;
	int cpu_node;
	struct pm_policy pol;
};

void pm_init(struct pm *m, int nr_nodes);
/* What a group holds with all below it, on a node or on all. */
long pm_held(const struct pm *m, int group, int node);
long pm_used(const struct pm *m, int node);
/* What it keeps from others. */
long pm_claim(const struct pm *m, int group, int node);
long pm_claims(const struct pm *m, int node);
/* Free blocks that are there for somebody. */
long pm_reserved(const struct pm *m, int node);
bool pm_is_leaf(const struct pm *m, int group);

/* Each returns 0 or -errno, as the kernel has to. */
int pm_set_min(struct pm *m, int group, int node, long min);
/* Units [@first, @end) of a file: all or nothing. */
int pm_fallocate(struct pm *m, const struct pm_task *t, int file, int first,
		 int end);
/* One unit, if it is not there. */
int pm_fill(struct pm *m, const struct pm_task *t, int file, int unit);
void pm_free(struct pm *m, int file, int first, int end);

int pm_add_group(struct pm *m, int parent);
void pm_remove_group(struct pm *m, int group);

/* All of it, as comments of TAP. */
void pm_print(const struct pm *m);

#endif
