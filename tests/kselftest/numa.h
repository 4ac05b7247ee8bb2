/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which node memory is on, by all that tell, and how to make it come from there.
 */
#ifndef HUGEPOOL_TESTS_NUMA_H
#define HUGEPOOL_TESTS_NUMA_H

#include <numaif.h>

#include "lib.h"

/* Newer than Debian's <numaif.h>. */
#ifndef MPOL_PREFERRED_MANY
#define MPOL_PREFERRED_MANY	5
#endif
#ifndef MPOL_WEIGHTED_INTERLEAVE
#define MPOL_WEIGHTED_INTERLEAVE	6
#endif
#ifndef MPOL_F_STATIC_NODES
#define MPOL_F_STATIC_NODES	(1 << 15)
#endif
#ifndef SYS_set_mempolicy_home_node
#define SYS_set_mempolicy_home_node	450
#endif

#define MASK(node)	(&(unsigned long){ 1UL << (node) })
#define BOTH		(&(unsigned long){ 3UL })
#define MASK_BITS	(sizeof(unsigned long) * 8)

/*
 * Bytes of @class ("2MB", "1GB") that @cg of @env holds on @node; -1 unless
 * memory.hugepool.current, its numa_stat, memory.numa_stat and sysfs agree. What
 * others hold, a hog for one, may add to the latter.
 */
long long held_on(const struct hp_env *env, const struct cg *cg,
		  const char *class, int node);
/* What the cgroup of a fixture holds on the first two nodes, in units. */
#define EXPECT_ON(n0, n1)						\
	do {								\
		EXPECT_EQ((long long)(n0) * (long long)UNIT,		\
			  held_on(&self->env, CG, "2MB", 0));		\
		EXPECT_EQ((long long)(n1) * (long long)UNIT,		\
			  held_on(&self->env, CG, "2MB", 1));		\
	} while (0)

/* The node of the page that we have mapped at @addr; -errno when there is none. */
int node_at(const void *addr);
/* Keeps this task on the CPUs of @node; 0 or -errno. */
int pin_to_node(int node);
/* set_mempolicy(2) and mbind(2) by mask; 0 or -errno. MPOL_DEFAULT takes none. */
int task_policy(int mode, unsigned long mask);
int range_policy(void *addr, size_t len, int mode, unsigned long mask);
int range_home(void *addr, size_t len, int node);
/* The weight of a node for weighted interleaving. */
int set_weight(int node, int weight);
/* 1 for the first two nodes, as at boot. */
int reset_weights(void);

#endif
