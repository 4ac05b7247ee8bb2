// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: the memory.hugepool.* files and what ties accounts to cgroups.
 *
 * Every memory cgroup has an account (account.h), the root's counts all of the
 * pool. When a cgroup goes offline its folios follow their objcg to the parent;
 * the parent's account has counted them all along, so nothing is moved here.
 */

#include <linux/cgroup.h>
#include <linux/ctype.h>
#include <linux/hugepool.h>
#include <linux/memcontrol.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "cmdline.h"
#include "internal.h"

/**
 * struct hp_memcg - an account and the cgroup that it belongs to
 * @memcg: the cgroup
 * @account: its account
 */
struct hp_memcg {
	struct mem_cgroup *memcg;
	struct hp_account account;	/* must be last: ends in an array */
};

static const char * const hp_consumer_names[HP_NR_CONSUMERS] = {
	[HP_SHMEM]		= "shmem",
	[HP_GUEST_MEMFD]	= "guest_memfd",
};

static const char * const hp_event_names[HP_NR_EVENTS] = {
	[HP_EVENT_MAX]		= "max",
	[HP_EVENT_NOSPC]	= "nospc",
	[HP_EVENT_FALLBACK]	= "fallback",
	[HP_EVENT_RECLAIM]	= "reclaim",
};

/**
 * hugepool_memcg_alloc - give a new memory cgroup its account
 * @memcg: the cgroup
 * @parent: its parent, NULL for the root
 *
 * Return: 0 or -ENOMEM.
 */
int hugepool_memcg_alloc(struct mem_cgroup *memcg, struct mem_cgroup *parent)
{
	struct hp_memcg *hpm;

	BUILD_BUG_ON((int)HP_NR_EVENTS != HUGEPOOL_NR_EVENTS);
	hpm = kvzalloc(struct_size(hpm, account.nodes, nr_node_ids),
		       GFP_KERNEL_ACCOUNT);
	if (!hpm)
		return -ENOMEM;
	hpm->memcg = memcg;
	hp_account_init(&hpm->account, parent ? parent->hugepool.account : NULL,
			nr_node_ids);
	memcg->hugepool.account = &hpm->account;
	if (!parent)
		hp_root_account = &hpm->account;
	return 0;
}

/**
 * hugepool_memcg_free - release what hugepool_memcg_alloc() set up
 * @memcg: a cgroup that nobody can reach any more
 */
void hugepool_memcg_free(struct mem_cgroup *memcg)
{
	struct hp_account *account = memcg->hugepool.account;

	if (account)
		kvfree(container_of(account, struct hp_memcg, account));
}

/**
 * hugepool_memcg_offline - a cgroup was removed
 * @memcg: the cgroup; its children are gone
 *
 * What was guaranteed to it is there for others again. What it holds stays
 * charged, to its parent.
 */
void hugepool_memcg_offline(struct mem_cgroup *memcg)
{
	hp_promise_end(memcg->hugepool.account);
}

/**
 * hugepool_memcg_reset - nobody can see the settings of a cgroup any more
 * @memcg: the cgroup, for which the memory controller was switched off, but
 *	   another controller needs it
 *
 * Back to the defaults, as for all settings of the controller.
 */
void hugepool_memcg_reset(struct mem_cgroup *memcg)
{
	struct hp_account *account = memcg->hugepool.account;
	unsigned int class;
	int nid;

	scoped_guard(spinlock_irqsave, &hugepool_lock) {
		for (class = 0; class < HP_NR_CLASSES; class++) {
			WRITE_ONCE(account->all[class].max, HP_NO_LIMIT);
			for_each_node(nid)
				WRITE_ONCE(account->nodes[nid].count[class].max,
					   HP_NO_LIMIT);
		}
	}
	hp_promise_drop(account);
}

/**
 * hp_memcg_account - account of a cgroup
 * @memcg: the cgroup, NULL when the memory controller is disabled
 *
 * Return: its account, for NULL that of the whole machine.
 */
struct hp_account *hp_memcg_account(struct mem_cgroup *memcg)
{
	return memcg ? memcg->hugepool.account : hp_root_account;
}

/**
 * hp_memcg_event - count a refused request and wake who polls for it
 * @memcg: the cgroup it happened in, its ancestors are told as well; NULL when
 *	   the memory controller is disabled
 * @event: what happened
 *
 * Context: any but with hugepool_lock held.
 */
void hp_memcg_event(struct mem_cgroup *memcg, enum hp_event event)
{
	if (!memcg)
		return;
	atomic_long_inc(&memcg->hugepool.events_local[event]);
	cgroup_file_notify(&memcg->hugepool.events_local_file);
	for (; memcg && !mem_cgroup_is_root(memcg);
	     memcg = parent_mem_cgroup(memcg)) {
		atomic_long_inc(&memcg->hugepool.events[event]);
		cgroup_file_notify(&memcg->hugepool.events_file);
	}
}

/**
 * hp_account_memcg - cgroup of an account
 * @account: account
 *
 * Return: the cgroup; NULL for the account that stands in for the root when the
 * memory controller is disabled.
 */
struct mem_cgroup *hp_account_memcg(struct hp_account *account)
{
	if (mem_cgroup_disabled())
		return NULL;
	return container_of(account, struct hp_memcg, account)->memcg;
}

/**
 * hp_folio_owner - who a folio is charged to
 * @folio: folio that nobody else can free or uncharge meanwhile
 *
 * Return: the owner, without a reference; NULL when the memory controller is
 * disabled.
 */
struct obj_cgroup *hp_folio_owner(struct folio *folio)
{
	return folio_memcg_charged(folio) ? folio_objcg(folio) : NULL;
}

/**
 * hp_memcg_uncharge - uncharge the memory of a folio, but remember its owner
 * @folio: folio that is being freed
 *
 * Context: any.
 * Return: the owner with a reference, to be dropped with hp_owner_put(); NULL
 * when the memory controller is disabled.
 */
struct obj_cgroup *hp_memcg_uncharge(struct folio *folio)
{
	struct obj_cgroup *owner = hp_folio_owner(folio);

	if (owner)
		obj_cgroup_get(owner);
	mem_cgroup_uncharge(folio);
	return owner;
}

/**
 * hp_owner_account - account of the cgroup that an owner belongs to now
 * @owner: as returned by hp_memcg_uncharge() or hp_folio_owner()
 *
 * The cgroup that was charged or, when that went offline, an ancestor.
 *
 * Context: under rcu_read_lock(), which keeps the account.
 * Return: the account.
 */
struct hp_account *hp_owner_account(struct obj_cgroup *owner)
{
	return hp_memcg_account(owner ? obj_cgroup_memcg(owner) : NULL);
}

/**
 * hp_owner_put - drop the reference that hp_memcg_uncharge() took
 * @owner: owner or NULL
 */
void hp_owner_put(struct obj_cgroup *owner)
{
	if (owner)
		obj_cgroup_put(owner);
}

/* The files. A key is a class, or a class and a node. */

/**
 * struct hp_key - "2MB" or "2MB/node0"
 * @class: the class
 * @nid: the node, NUMA_NO_NODE for all nodes together
 */
struct hp_key {
	enum hp_class class;
	int nid;
};

static int hp_parse_key(const char *text, struct hp_key *key)
{
	const char *slash = strchrnul(text, '/');
	unsigned int nid;
	int err;

	if (hp_parse_class(text, slash - text, &key->class))
		return -EINVAL;
	key->nid = NUMA_NO_NODE;
	if (!*slash)
		return 0;
	if (strncmp(slash, "/node", 5) || !isdigit(slash[5]))
		return -EINVAL;
	err = kstrtouint(slash + 5, 10, &nid);
	if (err || nid >= nr_node_ids || !node_online(nid))
		return -EINVAL;
	key->nid = nid;
	return 0;
}

static void hp_show_value(struct seq_file *m, const struct hp_key *key,
			  unsigned long blocks)
{
	seq_puts(m, hp_class_name(key->class));
	if (key->nid != NUMA_NO_NODE)
		seq_printf(m, "/node%d", key->nid);
	if (blocks == HP_NO_LIMIT)
		seq_puts(m, " max\n");
	else
		seq_printf(m, " %llu\n", hp_bytes(key->class, blocks));
}

/* Print a line for every key, with the value that @value finds for it. */
static void hp_show_keys(struct seq_file *m, struct hp_account *account,
			 unsigned long (*value)(struct hp_account *account,
						const struct hp_key *key))
{
	struct hp_key key;

	key.nid = NUMA_NO_NODE;
	for (key.class = 0; key.class < HP_NR_CLASSES; key.class++)
		hp_show_value(m, &key, value(account, &key));
	for (key.class = 0; key.class < HP_NR_CLASSES; key.class++)
		for_each_online_node(key.nid)
			hp_show_value(m, &key, value(account, &key));
}

static struct hp_account *hp_seq_account(struct seq_file *m)
{
	return hp_memcg_account(mem_cgroup_from_seq(m));
}

static struct hp_count *hp_key_count(struct hp_account *account,
				     const struct hp_key *key)
{
	if (key->nid == NUMA_NO_NODE)
		return &account->all[key->class];
	return &account->nodes[key->nid].count[key->class];
}

static unsigned long hp_capacity_value(struct hp_account *account,
				       const struct hp_key *key)
{
	unsigned long blocks[HP_NR_CLASSES];

	hp_pool_capacity(key->nid, blocks);
	return blocks[key->class];
}

static unsigned long hp_current_value(struct hp_account *account,
				      const struct hp_key *key)
{
	return READ_ONCE(hp_key_count(account, key)->used);
}

static unsigned long hp_peak_value(struct hp_account *account,
				   const struct hp_key *key)
{
	return READ_ONCE(hp_key_count(account, key)->peak);
}

static unsigned long hp_max_value(struct hp_account *account,
				  const struct hp_key *key)
{
	return READ_ONCE(hp_key_count(account, key)->max);
}

static unsigned long hp_min_value(struct hp_account *account,
				  const struct hp_key *key)
{
	unsigned long sum = 0;
	int nid;

	for_each_online_node(nid)
		if (key->nid == NUMA_NO_NODE || key->nid == nid)
			sum += READ_ONCE(account->nodes[nid].claim[key->class].min);
	return sum;
}

static int hp_capacity_show(struct seq_file *m, void *v)
{
	hp_show_keys(m, NULL, hp_capacity_value);
	return 0;
}

static int hp_current_show(struct seq_file *m, void *v)
{
	hp_show_keys(m, hp_seq_account(m), hp_current_value);
	return 0;
}

static int hp_peak_show(struct seq_file *m, void *v)
{
	hp_show_keys(m, hp_seq_account(m), hp_peak_value);
	return 0;
}

static int hp_max_show(struct seq_file *m, void *v)
{
	hp_show_keys(m, hp_seq_account(m), hp_max_value);
	return 0;
}

static int hp_min_show(struct seq_file *m, void *v)
{
	hp_show_keys(m, hp_seq_account(m), hp_min_value);
	return 0;
}

/*
 * A number of bytes, with or without one of the usual suffixes, as a number of
 * blocks. Stricter than memparse(), which takes other bases and overflows.
 */
static int hp_parse_blocks(char *text, enum hp_class class,
			   unsigned long *blocks)
{
	static const char suffixes[] = "kmgtpe";
	size_t len = strlen(text);
	unsigned int shift = 0;
	const char *suffix;
	u64 number, bytes;

	if (len && isalpha(text[len - 1])) {
		suffix = strchr(suffixes, tolower(text[len - 1]));
		if (!suffix)
			return -EINVAL;
		shift = 10 * (suffix - suffixes + 1);
		text[--len] = '\0';
	}
	/* kstrto*() takes a sign. */
	if (!isdigit(*text) || kstrtou64(text, 10, &number) ||
	    check_shl_overflow(number, shift, &bytes) ||
	    bytes % hp_bytes(class, 1))
		return -EINVAL;
	*blocks = bytes >> hp_class_shift(class);
	return 0;
}

/* Take a line apart that was written to a file: a key and what to set it to. */
static int hp_parse_line(char *line, struct hp_key *key, char **value)
{
	char *name;

	line = strstrip(line);
	if (strchr(line, '\n'))
		return -EINVAL;
	name = strsep(&line, " \t");
	if (!line || hp_parse_key(name, key))
		return -EINVAL;
	*value = strim(line);
	return 0;
}

static ssize_t hp_max_write(struct kernfs_open_file *of, char *buf,
			    size_t nbytes, loff_t off)
{
	struct hp_account *account;
	struct hp_key key;
	unsigned long max;
	char *value;

	account = hp_memcg_account(mem_cgroup_from_css(of_css(of)));
	if (hp_parse_line(buf, &key, &value))
		return -EINVAL;
	if (!strcmp(value, "max"))
		max = HP_NO_LIMIT;
	else if (hp_parse_blocks(value, key.class, &max))
		return -EINVAL;

	scoped_guard(spinlock_irqsave, &hugepool_lock)
		WRITE_ONCE(hp_key_count(account, &key)->max, max);
	return nbytes;
}

static ssize_t hp_min_write(struct kernfs_open_file *of, char *buf,
			    size_t nbytes, loff_t off)
{
	struct hp_account *account;
	struct hp_key key;
	unsigned long min;
	char *value;
	int err;

	account = hp_memcg_account(mem_cgroup_from_css(of_css(of)));
	if (hp_parse_line(buf, &key, &value) ||
	    hp_parse_blocks(value, key.class, &min))
		return -EINVAL;
	err = hp_promise(account, key.class, key.nid, min);
	return err ?: nbytes;
}

static int hp_show_events(struct seq_file *m, atomic_long_t *events)
{
	unsigned int i;

	for (i = 0; i < HP_NR_EVENTS; i++)
		seq_printf(m, "%s %ld\n", hp_event_names[i],
			   atomic_long_read(&events[i]));
	return 0;
}

static int hp_events_show(struct seq_file *m, void *v)
{
	return hp_show_events(m, mem_cgroup_from_seq(m)->hugepool.events);
}

static int hp_events_local_show(struct seq_file *m, void *v)
{
	return hp_show_events(m, mem_cgroup_from_seq(m)->hugepool.events_local);
}

static int hp_numa_stat_show(struct seq_file *m, void *v)
{
	struct hp_account *account = hp_seq_account(m);
	unsigned int consumer, class;
	int nid;

	for (consumer = 0; consumer < HP_NR_CONSUMERS; consumer++) {
		for (class = 0; class < HP_NR_CLASSES; class++) {
			seq_printf(m, "%s.%s", hp_consumer_names[consumer],
				   hp_class_name(class));
			for_each_online_node(nid) {
				struct hp_account_node *node;

				node = &account->nodes[nid];
				seq_printf(m, " N%d=%llu", nid,
					   hp_bytes(class, READ_ONCE(node->held[consumer][class])));
			}
			seq_putc(m, '\n');
		}
	}
	return 0;
}

static struct cftype hp_files[] = {
	{
		.name = "hugepool.capacity",
		.flags = CFTYPE_ONLY_ON_ROOT,
		.seq_show = hp_capacity_show,
	},
	{
		.name = "hugepool.current",
		.flags = CFTYPE_NOT_ON_ROOT,
		.seq_show = hp_current_show,
	},
	{
		.name = "hugepool.peak",
		.flags = CFTYPE_NOT_ON_ROOT,
		.seq_show = hp_peak_show,
	},
	{
		.name = "hugepool.max",
		.flags = CFTYPE_NOT_ON_ROOT,
		.seq_show = hp_max_show,
		.write = hp_max_write,
	},
	{
		.name = "hugepool.min",
		.flags = CFTYPE_NOT_ON_ROOT,
		.seq_show = hp_min_show,
		.write = hp_min_write,
	},
	{
		.name = "hugepool.events",
		.flags = CFTYPE_NOT_ON_ROOT,
		.file_offset = offsetof(struct mem_cgroup, hugepool.events_file),
		.seq_show = hp_events_show,
	},
	{
		.name = "hugepool.events.local",
		.flags = CFTYPE_NOT_ON_ROOT,
		.file_offset = offsetof(struct mem_cgroup,
					hugepool.events_local_file),
		.seq_show = hp_events_local_show,
	},
	{
		.name = "hugepool.numa_stat",
		.flags = CFTYPE_NOT_ON_ROOT,
		.seq_show = hp_numa_stat_show,
	},
	{ }	/* terminate */
};

static int __init hp_memcg_init(void)
{
	if (mem_cgroup_disabled())
		return 0;
	return cgroup_add_dfl_cftypes(&memory_cgrp_subsys, hp_files);
}
subsys_initcall(hp_memcg_init);
