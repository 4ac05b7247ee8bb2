// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: /sys/kernel/mm/hugepool/.
 *
 * A view: one value per file, sizes in bytes. See
 * Documentation/ABI/testing/sysfs-kernel-mm-hugepool.
 */

#include <linux/hugepool.h>
#include <linux/kobject.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "internal.h"

/**
 * struct hp_node_dir - the directory of a node
 * @kobj: its kobject
 * @nid: the node
 */
struct hp_node_dir {
	struct kobject kobj;
	int nid;
};

/**
 * struct hp_attr - a file below a node's directory
 * @attr: name and mode
 * @value: computes what is shown, from numbers taken at one moment
 */
struct hp_attr {
	struct attribute attr;
	u64 (*value)(const struct hp_stats *stats);
};

static ssize_t hp_node_show(struct kobject *kobj, struct attribute *attr,
			    char *buf)
{
	struct hp_node_dir *dir = container_of(kobj, struct hp_node_dir, kobj);
	struct hp_attr *file = container_of(attr, struct hp_attr, attr);
	struct hp_stats stats;

	hp_pool_stats(dir->nid, &stats);
	return sysfs_emit(buf, "%llu\n", file->value(&stats));
}

static u64 hp_total(const struct hp_stats *stats)
{
	return hp_bytes(HP_2M, stats->total[HP_2M] + stats->nr_poisoned) +
	       hp_bytes(HP_1G, stats->total[HP_1G]);
}

static u64 hp_free(const struct hp_stats *stats)
{
	return hp_bytes(HP_2M, stats->free[HP_2M]) +
	       hp_bytes(HP_1G, stats->free[HP_1G]);
}

static u64 hp_poisoned(const struct hp_stats *stats)
{
	return hp_bytes(HP_2M, stats->nr_poisoned);
}

static u64 hp_used(const struct hp_stats *stats)
{
	return hp_total(stats) - hp_free(stats) - hp_poisoned(stats);
}

static u64 hp_reserved(const struct hp_stats *stats)
{
	return hp_bytes(HP_2M, stats->reserved[HP_2M]) +
	       hp_bytes(HP_1G, stats->reserved[HP_1G]);
}

static u64 hp_total_2m(const struct hp_stats *stats)
{
	return hp_bytes(HP_2M, stats->total[HP_2M]);
}

static u64 hp_free_2m(const struct hp_stats *stats)
{
	return hp_bytes(HP_2M, stats->free[HP_2M]);
}

static u64 hp_used_2m(const struct hp_stats *stats)
{
	return hp_total_2m(stats) - hp_free_2m(stats);
}

static u64 hp_total_1g(const struct hp_stats *stats)
{
	return hp_bytes(HP_1G, stats->total[HP_1G]);
}

static u64 hp_free_1g(const struct hp_stats *stats)
{
	return hp_bytes(HP_1G, stats->free[HP_1G]);
}

static u64 hp_used_1g(const struct hp_stats *stats)
{
	return hp_total_1g(stats) - hp_free_1g(stats);
}

static u64 hp_broken_1g(const struct hp_stats *stats)
{
	return hp_bytes(HP_1G, stats->nr_broken);
}

#define HP_ATTR(_var, _name, _value)					\
	static struct hp_attr _var = {					\
		.attr = { .name = _name, .mode = 0444 },		\
		.value = _value,					\
	}

HP_ATTR(hp_attr_total, "total", hp_total);
HP_ATTR(hp_attr_free, "free", hp_free);
HP_ATTR(hp_attr_used, "used", hp_used);
HP_ATTR(hp_attr_reserved, "reserved", hp_reserved);
HP_ATTR(hp_attr_poisoned, "poisoned", hp_poisoned);
HP_ATTR(hp_attr_total_2m, "total", hp_total_2m);
HP_ATTR(hp_attr_free_2m, "free", hp_free_2m);
HP_ATTR(hp_attr_used_2m, "used", hp_used_2m);
HP_ATTR(hp_attr_total_1g, "total", hp_total_1g);
HP_ATTR(hp_attr_free_1g, "free", hp_free_1g);
HP_ATTR(hp_attr_used_1g, "used", hp_used_1g);
HP_ATTR(hp_attr_broken_1g, "broken", hp_broken_1g);

static struct attribute *hp_node_attrs[] = {
	&hp_attr_total.attr,
	&hp_attr_free.attr,
	&hp_attr_used.attr,
	&hp_attr_reserved.attr,
	&hp_attr_poisoned.attr,
	NULL
};

static struct attribute *hp_2m_attrs[] = {
	&hp_attr_total_2m.attr,
	&hp_attr_free_2m.attr,
	&hp_attr_used_2m.attr,
	NULL
};

static struct attribute *hp_1g_attrs[] = {
	&hp_attr_total_1g.attr,
	&hp_attr_free_1g.attr,
	&hp_attr_used_1g.attr,
	&hp_attr_broken_1g.attr,
	NULL
};

static const struct attribute_group hp_node_group = {
	.attrs = hp_node_attrs,
};

static const struct attribute_group hp_2m_group = {
	.name = "2MB",
	.attrs = hp_2m_attrs,
};

static const struct attribute_group hp_1g_group = {
	.name = "1GB",
	.attrs = hp_1g_attrs,
};

static const struct attribute_group *hp_node_groups[] = {
	&hp_node_group,
	&hp_2m_group,
	&hp_1g_group,
	NULL
};

static void hp_node_release(struct kobject *kobj)
{
	kfree(container_of(kobj, struct hp_node_dir, kobj));
}

static const struct sysfs_ops hp_node_sysfs_ops = {
	.show = hp_node_show,
};

static const struct kobj_type hp_node_ktype = {
	.release = hp_node_release,
	.sysfs_ops = &hp_node_sysfs_ops,
	.default_groups = hp_node_groups,
};

static ssize_t demote_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(hugepool_demote));
}

static ssize_t demote_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	unsigned int value;
	int err;

	err = kstrtouint(buf, 10, &value);
	if (err)
		return err;
	if (value > 1)
		return -EINVAL;
	WRITE_ONCE(hugepool_demote, value);
	return count;
}

static struct kobj_attribute hp_demote_attr = __ATTR_RW(demote);

static int __init hp_sysfs_add_node(struct kobject *parent, int nid)
{
	struct hp_node_dir *dir = kzalloc_obj(*dir);
	int err;

	if (!dir)
		return -ENOMEM;
	dir->nid = nid;
	err = kobject_init_and_add(&dir->kobj, &hp_node_ktype, parent,
				   "node%d", nid);
	if (err)
		kobject_put(&dir->kobj);
	return err;
}

static int __init hp_sysfs_init(void)
{
	struct kobject *root;
	int nid, err;

	root = kobject_create_and_add("hugepool", mm_kobj);
	if (!root)
		return -ENOMEM;
	err = sysfs_create_file(root, &hp_demote_attr.attr);
	if (err)
		goto fail;
	for_each_online_node(nid) {
		err = hp_sysfs_add_node(root, nid);
		if (err)
			goto fail;
	}
	return 0;

fail:
	pr_err("hugepool: cannot create files in /sys/kernel/mm/hugepool: %d\n",
	       err);
	kobject_put(root);
	return err;
}
subsys_initcall(hp_sysfs_init);
