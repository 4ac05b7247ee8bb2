// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "numa.h"
#include "prop_model.h"

void pm_init(struct pm *m, int nr_nodes)
{
	memset(m, 0, sizeof(*m));
	m->nr_nodes = nr_nodes;
	for (int f = 0; f < PM_FILES; f++)
		for (int u = 0; u < PM_UNITS; u++)
			m->file[f].unit[u].owner = PM_HOLE;
	for (int n = 0; n < PM_NODES; n++)
		m->weight[n] = 1;
}

/* --- sums --- */

static bool is_child(const struct pm *m, int group, int parent)
{
	return m->group[group].live && m->group[group].parent == parent;
}

bool pm_is_leaf(const struct pm *m, int group)
{
	for (int g = 0; g < PM_GROUPS; g++)
		if (is_child(m, g, group))
			return false;
	return true;
}

long pm_held(const struct pm *m, int group, int node)
{
	long sum = 0;

	if (node == PM_ALL) {
		for (int n = 0; n < m->nr_nodes; n++)
			sum += pm_held(m, group, n);
		return sum;
	}
	for (int g = 0; g < PM_GROUPS; g++)
		if (is_child(m, g, group))
			sum += pm_held(m, g, node);
	return sum + m->group[group].own[node];
}

long pm_used(const struct pm *m, int node)
{
	long sum = m->outside[node];

	for (int g = 0; g < PM_GROUPS; g++)
		if (is_child(m, g, PM_OUTSIDE))
			sum += pm_held(m, g, node);
	return sum;
}

long pm_claim(const struct pm *m, int group, int node)
{
	long held = m->group[group].own[node];

	for (int g = 0; g < PM_GROUPS; g++)
		if (is_child(m, g, group))
			held += pm_claim(m, g, node);
	return held > m->group[group].min[node] ? held :
						  m->group[group].min[node];
}

long pm_claims(const struct pm *m, int node)
{
	long sum = m->outside[node];

	for (int g = 0; g < PM_GROUPS; g++)
		if (is_child(m, g, PM_OUTSIDE))
			sum += pm_claim(m, g, node);
	return sum;
}

long pm_reserved(const struct pm *m, int node)
{
	return pm_claims(m, node) - pm_used(m, node);
}

/* --- guarantees --- */

static long children_min(const struct pm *m, int group, int node)
{
	long sum = 0;

	for (int g = 0; g < PM_GROUPS; g++)
		if (is_child(m, g, group))
			sum += m->group[g].min[node];
	return sum;
}

/* Would it fit, in the pool and in what the parent has? By trying. */
static bool min_fits(struct pm *m, int group, int node, long min)
{
	struct pm_group *g = &m->group[group];
	long was = g->min[node], left;
	bool fits;

	if (min <= was)
		return true;
	g->min[node] = min;
	fits = pm_claims(m, node) <= m->total[node];
	g->min[node] = was;
	if (g->parent == PM_OUTSIDE)
		return fits;
	left = m->group[g->parent].min[node];
	for (int o = 0; o < PM_GROUPS; o++)
		if (o != group && is_child(m, o, g->parent))
			left -= pm_claim(m, o, node);
	return fits && min <= left;
}

static long min_room(struct pm *m, int group, int node)
{
	long room = m->group[group].min[node];

	while (min_fits(m, group, node, room + 1))
		room++;
	return room;
}

/* Whole blocks in proportion to @part, the remainder one each from the lowest. */
static void divide(const struct pm *m, long what, const long *part, long *share)
{
	long sum = 0, left = what;

	for (int n = 0; n < m->nr_nodes; n++)
		sum += part[n];
	for (int n = 0; n < m->nr_nodes; n++) {
		share[n] = sum ? what * part[n] / sum : 0;
		left -= share[n];
	}
	while (left)
		for (int n = 0; n < m->nr_nodes && left; n++)
			if (share[n] < part[n]) {
				share[n]++;
				left--;
			}
}

static int set_min_all(struct pm *m, int group, long min)
{
	long room[PM_NODES], least[PM_NODES], share[PM_NODES];
	long rooms = 0, leasts = 0;
	bool enough = true;

	for (int n = 0; n < m->nr_nodes; n++) {
		room[n] = min_room(m, group, n);
		least[n] = children_min(m, group, n);
		rooms += room[n];
		leasts += least[n];
	}
	if (min > rooms)
		return -ENOSPC;
	if (min < leasts)
		return -EBUSY;
	divide(m, min, room, share);
	for (int n = 0; n < m->nr_nodes; n++)
		enough &= share[n] >= least[n];
	if (!enough) {
		/* What the children have comes first. */
		for (int n = 0; n < m->nr_nodes; n++)
			room[n] -= least[n];
		divide(m, min - leasts, room, share);
		for (int n = 0; n < m->nr_nodes; n++)
			share[n] += least[n];
	}
	memcpy(m->group[group].min, share, m->nr_nodes * sizeof(*share));
	return 0;
}

int pm_set_min(struct pm *m, int group, int node, long min)
{
	if (node == PM_ALL)
		return set_min_all(m, group, min);
	if (min < children_min(m, group, node))
		return -EBUSY;
	if (!min_fits(m, group, node, min))
		return -ENOSPC;
	m->group[group].min[node] = min;
	return 0;
}

/* --- allocation --- */

static bool below_limits(const struct pm *m, int group, int node)
{
	for (int g = group; g != PM_OUTSIDE; g = m->group[g].parent) {
		if (pm_held(m, g, node) >= m->group[g].max[node] ||
		    pm_held(m, g, PM_ALL) >= m->group[g].max[PM_ALL])
			return false;
	}
	return true;
}

static void hold(struct pm *m, int group, int node, long more)
{
	if (group == PM_OUTSIDE)
		m->outside[node] += more;
	else
		m->group[group].own[node] += more;
}

/* Is there a block, and is it for this group? */
static bool admits(struct pm *m, int group, int node, bool *covered)
{
	long before = pm_claims(m, node), after;
	bool free = pm_used(m, node) < m->total[node];

	hold(m, group, node, 1);
	after = pm_claims(m, node);
	hold(m, group, node, -1);
	*covered = after == before;
	if (*covered && !free)
		m->wrong = true;
	return free && after <= m->total[node];
}

/* The nodes of the pool as they lie around @from. */
static int by_distance(const struct pm *m, int from, int *nodes)
{
	int nr = 0;

	for (int d = 0; d < 256; d++)
		for (int n = 0; n < m->nr_nodes; n++)
			if (m->distance[from][n] == d && m->total[n])
				nodes[nr++] = n;
	return nr;
}

static int interleaved(const struct pm *m, const struct pm_policy *pol,
		       unsigned long ilx)
{
	bool weighted = pol->mode == MPOL_WEIGHTED_INTERLEAVE;
	unsigned long turns = 0;

	for (int n = 0; n < m->nr_nodes; n++)
		if (pol->mask >> n & 1)
			turns += weighted ? m->weight[n] : 1;
	ilx %= turns;
	for (int n = 0; n < m->nr_nodes; n++) {
		unsigned long turn = weighted ? m->weight[n] : 1;

		if (!(pol->mask >> n & 1))
			continue;
		if (ilx < turn)
			return n;
		ilx -= turn;
	}
	return -1;
}

/* In which order nodes are asked; a node may come twice. */
static int candidates(const struct pm *m, const struct pm_policy *pol,
		      int local, unsigned long ilx, int *list)
{
	int near[PM_NODES], nr, out = 0, from = local;

	switch (pol->mode) {
	case MPOL_PREFERRED:
		from = __builtin_ctzl(pol->mask);
		break;
	case MPOL_INTERLEAVE:
	case MPOL_WEIGHTED_INTERLEAVE:
		from = interleaved(m, pol, ilx);
		break;
	}
	nr = by_distance(m, from, near);
	if (pol->mode == MPOL_BIND || pol->mode == MPOL_PREFERRED_MANY)
		for (int i = 0; i < nr; i++)
			if (pol->mask >> near[i] & 1)
				list[out++] = near[i];
	if (pol->mode != MPOL_BIND)
		for (int i = 0; i < nr; i++)
			list[out++] = near[i];
	return out;
}

static void note_peaks(struct pm *m, int group)
{
	for (int g = group; g != PM_OUTSIDE; g = m->group[g].parent)
		for (int n = 0; n <= PM_NODES; n++) {
			long held;

			if (n < PM_NODES && n >= m->nr_nodes)
				continue;
			held = pm_held(m, g, n);
			if (m->group[g].peak[n] < held)
				m->group[g].peak[n] = held;
		}
}

int pm_fill(struct pm *m, const struct pm_task *t, int file, int unit)
{
	struct pm_file *f = &m->file[file];
	const struct pm_policy *pol = f->pol.mode != MPOL_DEFAULT ? &f->pol :
								    &t->pol;
	int list[2 * PM_NODES], nr;
	bool covered;

	if (f->unit[unit].owner != PM_HOLE)
		return 0;
	nr = candidates(m, pol, t->cpu_node, f->ino + unit, list);
	for (int i = 0; i < nr; i++) {
		if (!admits(m, t->group, list[i], &covered) ||
		    !below_limits(m, t->group, list[i]))
			continue;
		f->unit[unit] = (struct pm_unit) { t->group, list[i] };
		hold(m, t->group, list[i], 1);
		note_peaks(m, t->group);
		m->drawn++;
		m->covered += covered && t->group != PM_OUTSIDE;
		return 0;
	}
	m->refused += t->group != PM_OUTSIDE;
	return -ENOSPC;
}

void pm_free(struct pm *m, int file, int first, int end)
{
	for (int u = first; u < end; u++) {
		struct pm_unit *unit = &m->file[file].unit[u];

		if (unit->owner == PM_HOLE)
			continue;
		hold(m, unit->owner, unit->node, -1);
		unit->owner = PM_HOLE;
	}
}

int pm_fallocate(struct pm *m, const struct pm_task *t, int file, int first,
		 int end)
{
	bool there[PM_UNITS];
	int ret = 0;

	for (int u = first; u < end; u++)
		there[u] = m->file[file].unit[u].owner != PM_HOLE;
	for (int u = first; u < end && !ret; u++)
		ret = pm_fill(m, t, file, u);
	for (int u = first; u < end && ret; u++)
		if (!there[u])
			pm_free(m, file, u, u + 1);
	return ret;
}

/* --- groups --- */

int pm_add_group(struct pm *m, int parent)
{
	for (int g = 0; g < PM_GROUPS; g++) {
		struct pm_group *group = &m->group[g];

		if (group->live)
			continue;
		memset(group, 0, sizeof(*group));
		group->live = true;
		group->parent = parent;
		for (int n = 0; n <= PM_NODES; n++)
			group->max[n] = PM_NO_LIMIT;
		return g;
	}
	return -1;
}

/* What it holds is its parent's from now on. */
void pm_remove_group(struct pm *m, int group)
{
	int parent = m->group[group].parent;

	for (int f = 0; f < PM_FILES; f++)
		for (int u = 0; u < PM_UNITS; u++)
			if (m->file[f].unit[u].owner == group)
				m->file[f].unit[u].owner = parent;
	for (int n = 0; n < m->nr_nodes; n++)
		hold(m, parent, n, m->group[group].own[n]);
	m->group[group].live = false;
}

void pm_print(const struct pm *m)
{
	for (int n = 0; n < m->nr_nodes; n++)
		printf("# node %d: %ld units, %ld used, %ld claimed, %ld of them outside\n",
		       n, m->total[n], pm_used(m, n), pm_claims(m, n),
		       m->outside[n]);
	for (int g = 0; g < PM_GROUPS; g++) {
		const struct pm_group *group = &m->group[g];

		if (!group->live)
			continue;
		printf("# group %d in %d, max of all %ld:", g, group->parent,
		       group->max[PM_ALL]);
		for (int n = 0; n < m->nr_nodes; n++)
			printf(" node %d: own %ld min %ld max %ld;", n,
			       group->own[n], group->min[n], group->max[n]);
		printf("\n");
	}
	for (int f = 0; f < PM_FILES; f++) {
		const struct pm_file *file = &m->file[f];

		printf("# file %d, inode %lu, policy %d of %#lx:", f, file->ino,
		       file->pol.mode, file->pol.mask);
		for (int u = 0; u < PM_UNITS; u++)
			if (file->unit[u].owner == PM_HOLE)
				printf(" -");
			else
				printf(" %d@%d", file->unit[u].owner,
				       file->unit[u].node);
		printf("\n");
	}
}
