// SPDX-License-Identifier: GPL-2.0
/* Hugepool: its lines in /proc/meminfo. */

#include <linux/hugepool.h>
#include <linux/nodemask.h>
#include <linux/seq_file.h>

#include "internal.h"

static void hp_meminfo_line(struct seq_file *m, const char *name, u64 bytes)
{
	seq_printf(m, "%s%8llu kB\n", name, bytes >> 10);
}

/**
 * hugepool_report_meminfo - print the pool's lines of /proc/meminfo
 * @m: file
 */
void hugepool_report_meminfo(struct seq_file *m)
{
	u64 total = 0, free = 0, reserved = 0;
	int nid;

	for_each_online_node(nid) {
		struct hp_stats stats;
		unsigned int class;

		hp_pool_stats(nid, &stats);
		for (class = 0; class < HP_NR_CLASSES; class++) {
			total += hp_bytes(class, stats.total[class]);
			free += hp_bytes(class, stats.free[class]);
			reserved += hp_bytes(class, stats.reserved[class]);
		}
		total += hp_bytes(HP_2M, stats.nr_poisoned);
	}
	hp_meminfo_line(m, "HugePool_Total: ", total);
	hp_meminfo_line(m, "HugePool_Free:  ", free);
	hp_meminfo_line(m, "HugePool_Rsvd:  ", reserved);
}
