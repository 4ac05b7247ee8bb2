/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of what is charged to whom and guaranteed to whom: doing things as a
 * member of another cgroup, on a given node, and what is set aside for all.
 */
#ifndef HUGEPOOL_TESTS_CG_H
#define HUGEPOOL_TESTS_CG_H

#include "../../uapi/hugepool.h"
#include "lib.h"

/*
 * fallocate() by a member of @cg (NULL: the root), 0 or -errno. The caller is in
 * @home afterwards.
 */
int cg_fallocate(const struct cg *cg, const struct cg *home, int fd, off_t off,
		 off_t len);
/* Number of "<event> N" in memory.<file>. */
long long cg_mem_event(const struct cg *cg, const char *event);

/* Memory policy of the caller: that node alone; -1: none. */
int bind_to(int node);

/*
 * NULL when so much is reserved on nodes 0 and 1, and HugePool_Rsvd is the sum of
 * all; else what is wrong.
 */
const char *reserved_wrong(long long node0, long long node1);

#define EXPECT_RESERVED(n0, n1)						\
	do {								\
		const char *__why = reserved_wrong(n0, n1);		\
		EXPECT_TRUE(!__why)					\
			TH_LOG("%s", __why);				\
	} while (0)

/* After a cgroup was removed: what was guaranteed to it comes back a bit later. */
#define EXPECT_RESERVED_SOON(n0, n1)					\
	do {								\
		eventually(!reserved_wrong(n0, n1), 5);			\
		EXPECT_RESERVED(n0, n1);				\
	} while (0)

#endif
