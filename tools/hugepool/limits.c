// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <strings.h>

#include "builtin.h"
#include "limits.h"

/* As everywhere, 2M and 2MB are the same.  Case does not matter, as for -o. */
static const struct {
	const char *word, *size;
	uint64_t block;
} sizes[] = {
	{ "2M", "2MB", 2 << 20 },
	{ "2MB", "2MB", 2 << 20 },
	{ "1G", "1GB", 1 << 30 },
	{ "1GB", "1GB", 1 << 30 },
};

#define NR_SIZES	(sizeof(sizes) / sizeof(sizes[0]))

bool nodes_have(const struct nodes *nodes, unsigned int node)
{
	size_t i;

	for (i = 0; i < nodes->nr; i++) {
		if (nodes->node[i] == node)
			return true;
	}
	return false;
}

/* A number and nothing else, of an @arg of @option. */
static bool parse_node(const char *option, const char *arg, const char *word,
		       const struct nodes *machine, unsigned int *node)
{
	uint64_t n;

	if (strchr(word, '\n') || !hp_parse_u64(word, &n)) {
		complainf("--%s %s: '%s' is not the number of a node", option, arg, word);
		return false;
	}
	if (n > UINT32_MAX || !nodes_have(machine, n)) {
		complainf("--%s %s: the machine has no node %s", option, arg, word);
		return false;
	}
	*node = n;
	return true;
}

static bool parse_range(const char *arg, char *word, const struct nodes *machine, bool *chosen)
{
	unsigned int first, last, node;
	char *end = strchr(word, '-');
	size_t i;

	if (end)
		*end++ = '\0';
	if (!parse_node("node", arg, word, machine, &first))
		return false;
	last = first;
	if (end && !parse_node("node", arg, end, machine, &last))
		return false;
	if (last < first) {
		complainf("--node %s: %u-%u is no range", arg, first, last);
		return false;
	}
	for (node = first; node <= last; node++) {
		if (!nodes_have(machine, node)) {
			complainf("--node %s: the machine has no node %u", arg, node);
			return false;
		}
	}
	for (i = 0; i < machine->nr; i++) {
		if (machine->node[i] >= first && machine->node[i] <= last)
			chosen[i] = true;
	}
	return true;
}

/*
 * numa_parse_nodestring() would print what it thinks of the argument itself, and knows only the
 * nodes of the running machine.
 */
bool nodes_parse(const char *arg, const struct nodes *machine, struct nodes *out)
{
	bool *chosen = hp_zalloc(machine->nr, sizeof(*chosen)), ok = true;
	char *list = hp_strdup(arg), *rest = list, *word;
	size_t i;

	while (ok && (word = strsep(&rest, ",")))
		ok = parse_range(arg, word, machine, chosen);
	out->node = hp_zalloc(machine->nr, sizeof(*out->node));
	out->nr = 0;
	for (i = 0; i < machine->nr; i++) {
		if (chosen[i])
			out->node[out->nr++] = machine->node[i];
	}
	free(list);
	free(chosen);
	return ok;
}

/* @value is what follows the "=", without the node. */
static bool parse_value(const char *option, struct limit *limit, const char *value,
			uint64_t block)
{
	char size[HP_SIZE_LEN];

	if (!strcmp(value, "max")) {
		if (!strcmp(option, "max")) {
			limit->bytes = UINT64_MAX;
			return true;
		}
		complainf("--%s %s: a guarantee is an amount", option, limit->arg);
		return false;
	}
	if (!hp_parse_size(value, &limit->bytes)) {
		complainf("--%s %s: '%s' is not a number of bytes, with one of the suffixes "
			  "K, M, G, T, P, E or none", option, limit->arg, value);
		return false;
	}
	if (limit->bytes % block) {
		complainf("--%s %s: %" PRIu64 " bytes are not a multiple of %s", option,
			  limit->arg, limit->bytes, hp_format_size(block, size));
		return false;
	}
	return true;
}

static bool parse_limit(const char *option, struct limit *limit, const struct nodes *machine)
{
	char *size = hp_strdup(limit->arg);
	char *value = strchr(size, '='), *node = NULL;
	unsigned int n;
	bool ok = false;
	size_t i;

	if (!value) {
		complainf("--%s %s: not SIZE=VALUE[@NODE]", option, limit->arg);
		goto out;
	}
	*value++ = '\0';
	node = strchr(value, '@');
	if (node)
		*node++ = '\0';
	for (i = 0; i < NR_SIZES && strcasecmp(size, sizes[i].word); i++)
		;
	if (i == NR_SIZES) {
		complainf("--%s %s: there are no blocks of '%s': 2M or 1G", option, limit->arg, size);
		goto out;
	}
	limit->size = sizes[i].size;
	limit->node = NO_NODE;
	if (node) {
		if (!parse_node(option, limit->arg, node, machine, &n))
			goto out;
		limit->node = n;
	}
	ok = parse_value(option, limit, value, sizes[i].block);
out:
	free(size);
	return ok;
}

void limits_add(struct limits *limits, const char *arg)
{
	limits->limit = hp_grow(limits->limit, limits->nr, sizeof(*limits->limit));
	limits->limit[limits->nr++].arg = arg;
}

bool limits_parse(struct limits *limits, const struct nodes *machine)
{
	size_t i;

	for (i = 0; i < limits->nr; i++) {
		if (!parse_limit(limits->option, &limits->limit[i], machine))
			return false;
	}
	return true;
}

static const struct limit *find_limit(const struct limits *limits, const char *size, int64_t node)
{
	size_t i;

	for (i = 0; i < limits->nr; i++) {
		if (!strcmp(limits->limit[i].size, size) && limits->limit[i].node == node)
			return &limits->limit[i];
	}
	return NULL;
}

static bool check_twice(const struct limits *limits)
{
	const struct limit *limit, *first;

	for (limit = limits->limit; limit < limits->limit + limits->nr; limit++) {
		first = find_limit(limits, limit->size, limit->node);
		if (first != limit) {
			complainf("--%s %s: given before, as %s", limits->option, limit->arg,
				  first->arg);
			return false;
		}
	}
	return true;
}

/* A guarantee on nodes that the command gets no memory of is none. */
static bool place_min(struct limit *limit, const struct nodes *machine, const struct nodes *bound)
{
	if (!bound->nr || bound->nr == machine->nr)
		return true;
	if (limit->node == NO_NODE) {
		if (bound->nr > 1) {
			complainf("--min %s: say how much on which node of --node, with @NODE: "
				  "the kernel would divide it over all nodes", limit->arg);
			return false;
		}
		limit->node = bound->node[0];
	} else if (!nodes_have(bound, limit->node)) {
		complainf("--min %s: node %" PRId64 " is not among those of --node", limit->arg,
			  limit->node);
		return false;
	}
	return true;
}

/*
 * The kernel takes the amount for all nodes as an order to divide it anew, and what is written for
 * a node as a change of that: together they would mean what nobody can read from them.
 */
static bool check_min(const struct limits *min, const struct limits *max, const struct limit *limit)
{
	const struct limit *all = find_limit(min, limit->size, NO_NODE);
	const struct limit *top = find_limit(max, limit->size, limit->node);
	const struct limit *top_all = find_limit(max, limit->size, NO_NODE);
	uint64_t sum = 0;
	size_t i;

	if (limit->node != NO_NODE && all) {
		complainf("--min %s: beside --min %s it is not clear what is meant: "
			  "give all shares, or the sum", limit->arg, all->arg);
		return false;
	}
	if (top && limit->bytes > top->bytes) {
		complainf("--min %s: more than --max %s will ever allow", limit->arg, top->arg);
		return false;
	}
	for (i = 0; i < min->nr; i++) {
		if (!strcmp(min->limit[i].size, limit->size) &&
		    __builtin_add_overflow(sum, min->limit[i].bytes, &sum))
			sum = UINT64_MAX;
	}
	if (top_all && sum > top_all->bytes) {
		complainf("--min %s: with the other nodes' it is more than --max %s will ever allow",
			  limit->arg, top_all->arg);
		return false;
	}
	return true;
}

bool limits_check(struct limits *min, const struct limits *max, const struct nodes *machine,
		  const struct nodes *bound)
{
	size_t i;

	for (i = 0; i < min->nr; i++) {
		if (!place_min(&min->limit[i], machine, bound))
			return false;
	}
	if (!check_twice(min) || !check_twice(max))
		return false;
	for (i = 0; i < min->nr; i++) {
		if (!check_min(min, max, &min->limit[i]))
			return false;
	}
	return true;
}

char *limit_text(const struct limit *limit)
{
	char node[32] = "", value[32] = "max";

	if (limit->node != NO_NODE)
		snprintf(node, sizeof(node), "/node%" PRId64, limit->node);
	if (limit->bytes != UINT64_MAX)
		snprintf(value, sizeof(value), "%" PRIu64, limit->bytes);
	return hp_asprintf("%s%s %s", limit->size, node, value);
}

void limits_free(struct limits *limits)
{
	free(limits->limit);
	limits->limit = NULL;
	limits->nr = 0;
}
