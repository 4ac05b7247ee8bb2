// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=180
 *
 * memory.hugepool.*: which files exist where, what can be written to max and min
 * and what is refused, that limits hold at every level at once, and that current,
 * peak, events, numa_stat and the ordinary memory counters say what is true.
 * More about min is in cgroup_min.c, about events in cgroup_events.c.
 */
#include <poll.h>

#include "hp_test.h"
#include "cg.h"

FIXTURE(limit) {
	struct hp_env env;
	int fd;
};

FIXTURE_SETUP(limit)
{
	/* size= beyond the pool, or a hog would fill the mount as well. */
	HP_SETUP("pool=2M,size=2G");
	self->fd = hp_open(&self->env, "a");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(limit)
{
	EXPECT_ENDED(&self->env);
}

#define TOP	(&self->env.top)
#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static int has_file(const struct cg *cg, const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/memory.hugepool.%s", cg->path, file);
	return !access(path, F_OK);
}

/* --- files --- */

static const char * const cg_files[] = {
	"current", "peak", "max", "min", "events", "events.local", "numa_stat",
};

TEST_F(limit, files_of_a_cgroup)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(cg_files); i++) {
		EXPECT_TRUE(has_file(CG, cg_files[i]))
			TH_LOG("memory.hugepool.%s is missing", cg_files[i]);
	}
	EXPECT_FALSE(has_file(CG, "capacity"));
}

TEST_F(limit, files_of_the_root)
{
	static const struct cg root = { CG_ROOT };

	EXPECT_TRUE(has_file(&root, "capacity"));
	for (unsigned int i = 0; i < ARRAY_SIZE(cg_files); i++) {
		EXPECT_FALSE(has_file(&root, cg_files[i]))
			TH_LOG("the root has memory.hugepool.%s", cg_files[i]);
	}
}

TEST_F(limit, capacity_is_what_the_machine_has)
{
	static const struct cg root = { CG_ROOT };
	char key[32];

	EXPECT_EQ(hp_sum("2MB/total"), cg_hp(&root, "capacity", "2MB"));
	EXPECT_EQ(hp_sum("1GB/total"), cg_hp(&root, "capacity", "1GB"));
	for (int node = 0; node < hp_nr_nodes(); node++) {
		snprintf(key, sizeof(key), "2MB/node%d", node);
		EXPECT_EQ(hp_attr(node, "2MB/total"),
			  cg_hp(&root, "capacity", key));
		snprintf(key, sizeof(key), "1GB/node%d", node);
		EXPECT_EQ(hp_attr(node, "1GB/total"),
			  cg_hp(&root, "capacity", key));
	}
}

TEST_F(limit, a_new_cgroup_has_everything)
{
	static const char * const keys[] = {
		"2MB", "1GB", "2MB/node0", "2MB/node1", "1GB/node0",
		"1GB/node1",
	};
	static const char * const events[] = {
		"max", "nospc", "fallback",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
		EXPECT_EQ(LLONG_MAX, cg_hp(CG, "max", keys[i]))
			TH_LOG("max of %s", keys[i]);
		EXPECT_EQ(0, cg_hp(CG, "current", keys[i]))
			TH_LOG("current of %s", keys[i]);
		EXPECT_EQ(0, cg_hp(CG, "peak", keys[i]))
			TH_LOG("peak of %s", keys[i]);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(events); i++) {
		EXPECT_EQ(0, cg_event(CG, events[i]));
		EXPECT_EQ(0, cg_event_local(CG, events[i]));
	}
}

/* --- what may be written --- */

FIXTURE(key) {
	struct hp_env env;
};

FIXTURE_VARIANT(key) {
	const char *line;
	const char *key;	/* that changes; NULL: EINVAL */
	long long val;
	int min_err;		/* of a line that max accepts */
};

FIXTURE_VARIANT_ADD(key, all_nodes) { "2MB 8388608", "2MB", 8388608 };
FIXTURE_VARIANT_ADD(key, newline) { "2MB 8388608\n", "2MB", 8388608 };
FIXTURE_VARIANT_ADD(key, short_name) { "2M 8388608", "2MB", 8388608 };
FIXTURE_VARIANT_ADD(key, zero) { "2MB 0", "2MB", 0 };
FIXTURE_VARIANT_ADD(key, suffix) { "2MB 8M", "2MB", 8388608 };
FIXTURE_VARIANT_ADD(key, node) { "2MB/node1 4194304", "2MB/node1", 4194304 };
FIXTURE_VARIANT_ADD(key, class_without_pool) {
	"1GB 1073741824", "1GB", 1073741824, -ENOSPC };
FIXTURE_VARIANT_ADD(key, class_without_pool_on_a_node) {
	"1GB/node1 0", "1GB/node1", 0 };
FIXTURE_VARIANT_ADD(key, the_word_max) { "2MB/node0 max", "2MB/node0",
	LLONG_MAX, -EINVAL };
FIXTURE_VARIANT_ADD(key, no_key) { "8388608", NULL };
FIXTURE_VARIANT_ADD(key, no_value) { "2MB", NULL };
FIXTURE_VARIANT_ADD(key, blank_value) { "2MB ", NULL };
FIXTURE_VARIANT_ADD(key, two_values) { "2MB 0 0", NULL };
FIXTURE_VARIANT_ADD(key, two_lines) { "2MB 0\n1GB 0\n", NULL };
FIXTURE_VARIANT_ADD(key, two_lines_one_bad) { "2MB 0\nxyz\n", NULL };
FIXTURE_VARIANT_ADD(key, negative) { "2MB -2097152", NULL };
FIXTURE_VARIANT_ADD(key, not_a_number) { "2MB lots", NULL };
FIXTURE_VARIANT_ADD(key, trailing_junk) { "2MB 2097152x", NULL };
FIXTURE_VARIANT_ADD(key, beyond_64_bits) { "2MB 18446744073709551616", NULL };
FIXTURE_VARIANT_ADD(key, beyond_64_bits_with_suffix) {
	"2MB 27021597764222976K", NULL };
FIXTURE_VARIANT_ADD(key, two_suffixes) { "2MB 4MK", NULL };
FIXTURE_VARIANT_ADD(key, hexadecimal) { "2MB 0x200000", NULL };
FIXTURE_VARIANT_ADD(key, plus_sign) { "2MB +2097152", NULL };
FIXTURE_VARIANT_ADD(key, not_a_multiple) { "2MB 2097153", NULL };
FIXTURE_VARIANT_ADD(key, page_multiple) { "2MB 4096", NULL };
FIXTURE_VARIANT_ADD(key, unit_multiple_of_1G) { "1GB 2097152", NULL };
FIXTURE_VARIANT_ADD(key, unknown_size) { "4MB 0", NULL };
FIXTURE_VARIANT_ADD(key, lower_case) { "2mb 0", NULL };
FIXTURE_VARIANT_ADD(key, unknown_node) { "2MB/node9 0", NULL };
FIXTURE_VARIANT_ADD(key, huge_node) { "2MB/node4294967296 0", NULL };
FIXTURE_VARIANT_ADD(key, negative_node) { "2MB/node-1 0", NULL };
FIXTURE_VARIANT_ADD(key, node_without_number) { "2MB/node 0", NULL };
FIXTURE_VARIANT_ADD(key, node_junk) { "2MB/node0x 0", NULL };
FIXTURE_VARIANT_ADD(key, slash_only) { "2MB/ 0", NULL };
FIXTURE_VARIANT_ADD(key, newline_only) { "\n", NULL };
FIXTURE_VARIANT_ADD(key, blanks) { " \t ", NULL };

FIXTURE_SETUP(key)
{
	HP_SETUP(NULL);
}

FIXTURE_TEARDOWN_PARENT(key)
{
	EXPECT_ENDED(&self->env);
}

/* What the file says before and after; the result of writing @line to it. */
static int write_line(const struct cg *cg, const char *file, const char *line,
		      char *before, char *after, size_t len)
{
	char path[256];
	int ret;

	snprintf(path, sizeof(path), "%s/memory.hugepool.%s", cg->path, file);
	if (rd_file(path, before, len))
		return -EIO;
	ret = wr_file(path, line);
	return rd_file(path, after, len) ? -EIO : ret;
}

TEST_F(key, accepted_or_refused_whole)
{
	char before[1024], after[1024];
	int ret;

	/* So that "nothing changed" is more than "still the default". */
	ASSERT_OK(cg_limit(CG, "2MB/node0", 6 * UNIT));
	ret = write_line(CG, "max", variant->line, before, after,
			 sizeof(before));
	if (variant->key) {
		EXPECT_EQ(0, ret);
		EXPECT_EQ(variant->val, cg_hp(CG, "max", variant->key));
		/* Keys are independent of each other. */
		if (strcmp(variant->key, "2MB/node0")) {
			EXPECT_EQ(6 * UNIT, cg_hp(CG, "max", "2MB/node0"));
		}
		return;
	}
	EXPECT_EQ(-EINVAL, ret);
	EXPECT_STREQ(before, after);
}

TEST_F(key, the_same_of_min)
{
	int want = variant->key ? variant->min_err : -EINVAL;
	char before[1024], after[1024];

	ASSERT_OK(cg_promise(TOP, "2MB/node0", 6 * UNIT));
	ASSERT_OK(cg_promise(TOP, "2MB/node1", UNIT));
	EXPECT_EQ(want, write_line(TOP, "min", variant->line, before, after,
				   sizeof(before)));
	if (!want) {
		EXPECT_EQ(variant->val, cg_hp(TOP, "min", variant->key));
		return;
	}
	EXPECT_STREQ(before, after);
	EXPECT_RESERVED(6 * UNIT, UNIT);
}

TEST_F(limit, the_others_cannot_be_written)
{
	EXPECT_GT(0, cg_write(CG, "memory.hugepool.current", "2MB 0"));
	EXPECT_GT(0, cg_write(CG, "memory.hugepool.peak", "2MB 0"));
	EXPECT_GT(0, cg_write(CG, "memory.hugepool.events", "max 0"));
	EXPECT_GT(0, cg_write(CG, "memory.hugepool.events.local", "max 0"));
	EXPECT_GT(0, cg_write(CG, "memory.hugepool.numa_stat", "0"));
}

/* --- limits --- */

TEST_F(limit, exactly_the_limit)
{
	ASSERT_OK(cg_limit(CG, "2MB", 4 * UNIT));
	EXPECT_OK(fallocate(self->fd, 0, 0, 4 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 4 * UNIT, 1));
	EXPECT_EQ(4 * UNIT, CURRENT_2M);
	ASSERT_OK(cg_write(CG, "memory.hugepool.max", "2MB max"));
	EXPECT_OK(fallocate(self->fd, 0, 4 * UNIT, 1));
}

TEST_F(limit, lowering_below_usage_stops_growth_only)
{
	ASSERT_EQ(4, pwrite(self->fd, "data", 4, 0));
	ASSERT_OK(fallocate(self->fd, 0, 0, 4 * UNIT));
	EXPECT_OK(cg_limit(CG, "2MB", UNIT));
	EXPECT_EQ(UNIT, cg_hp(CG, "max", "2MB"));
	EXPECT_EQ(4 * UNIT, CURRENT_2M);
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 4 * UNIT, UNIT));
	/* Giving back two of four is not room yet: one may be held. */
	ASSERT_OK(fallocate(self->fd, PUNCH, 2 * UNIT, 2 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 4 * UNIT, UNIT));
	ASSERT_OK(fallocate(self->fd, PUNCH, 0, 2 * UNIT));
	EXPECT_OK(fallocate(self->fd, 0, 4 * UNIT, UNIT));
	EXPECT_EQ(UNIT, CURRENT_2M);
}

TEST_F(limit, the_other_class_does_not_limit_this_one)
{
	ASSERT_OK(cg_limit(CG, "1GB", 0));
	EXPECT_OK(fallocate(self->fd, 0, 0, UNIT));
}

TEST_F(limit, a_full_node_is_an_empty_node)
{
	ASSERT_OK(cg_limit(CG, "2MB/node0", 2 * UNIT));
	EXPECT_OK(fallocate(self->fd, 0, 0, 6 * UNIT));
	EXPECT_GE(2 * UNIT, cg_hp(CG, "current", "2MB/node0"));
	EXPECT_EQ(6 * UNIT, CURRENT_2M);
	EXPECT_EQ(6 * UNIT, cg_hp(CG, "current", "2MB/node0") +
			    cg_hp(CG, "current", "2MB/node1"));
	/* Nothing was refused to the user, so nothing is counted. */
	EXPECT_EQ(0, cg_event(CG, "max"));
	EXPECT_EQ(0, cg_event(CG, "nospc"));
}

TEST_F(limit, node_and_total_hold_together)
{
	ASSERT_OK(cg_limit(CG, "2MB", 3 * UNIT));
	ASSERT_OK(cg_limit(CG, "2MB/node0", 2 * UNIT));
	ASSERT_OK(cg_limit(CG, "2MB/node1", 2 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, 4 * UNIT));
	EXPECT_OK(fallocate(self->fd, 0, 0, 3 * UNIT));
	EXPECT_GE(2 * UNIT, cg_hp(CG, "current", "2MB/node0"));
	EXPECT_GE(2 * UNIT, cg_hp(CG, "current", "2MB/node1"));
}

/* --- levels --- */

TEST_F(limit, parent_limits_the_sum)
{
	struct cg b;
	int fd2 = hp_open(&self->env, "b");

	ASSERT_OK(cg_make(&b, TOP, "b"));
	ASSERT_OK(cg_limit(TOP, "2MB", 4 * UNIT));
	ASSERT_OK(fallocate(self->fd, 0, 0, 3 * UNIT));
	ASSERT_OK(cg_join(&b));
	EXPECT_ERRNO(ENOSPC, fallocate(fd2, 0, 0, 2 * UNIT));
	EXPECT_OK(fallocate(fd2, 0, 0, UNIT));
	EXPECT_EQ(3 * UNIT, CURRENT_2M);
	EXPECT_EQ(UNIT, cg_hp(&b, "current", "2MB"));
	EXPECT_EQ(4 * UNIT, cg_hp(TOP, "current", "2MB"));
	ASSERT_OK(cg_join(CG));
}

TEST_F(limit, events_belong_to_their_level)
{
	/* The child's own limit: counted there and upwards. */
	ASSERT_OK(cg_limit(CG, "2MB", UNIT));
	ASSERT_OK(fallocate(self->fd, 0, 0, UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, UNIT, UNIT));
	EXPECT_EQ(1, cg_event_local(CG, "max"));
	EXPECT_EQ(1, cg_event(CG, "max"));
	EXPECT_EQ(0, cg_event_local(TOP, "max"));
	EXPECT_EQ(1, cg_event(TOP, "max"));
	/* The parent's: counted from the parent upwards. */
	ASSERT_OK(cg_write(CG, "memory.hugepool.max", "2MB max"));
	ASSERT_OK(cg_limit(TOP, "2MB", UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, UNIT, UNIT));
	EXPECT_EQ(1, cg_event(CG, "max"));
	EXPECT_EQ(1, cg_event_local(TOP, "max"));
	EXPECT_EQ(2, cg_event(TOP, "max"));
	EXPECT_EQ(0, cg_event(TOP, "nospc"));
}

TEST_F(limit, nospc_belongs_to_the_requester)
{
	ASSERT_OK(hp_hog(&self->env, -1, UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, 2 * UNIT));
	EXPECT_EQ(1, cg_event_local(CG, "nospc"));
	EXPECT_EQ(1, cg_event(CG, "nospc"));
	EXPECT_EQ(0, cg_event_local(TOP, "nospc"));
	EXPECT_EQ(1, cg_event(TOP, "nospc"));
	EXPECT_EQ(0, cg_event(TOP, "max"));
	EXPECT_OK(hp_unhog(&self->env));
}

TEST_F(limit, events_wake_a_poller)
{
	char path[256], buf[256];
	struct pollfd pfd = { .events = POLLPRI };

	snprintf(path, sizeof(path), "%s/memory.hugepool.events", CG->path);
	pfd.fd = open(path, O_RDONLY);
	ASSERT_LE(0, pfd.fd);
	ASSERT_LT(0, read(pfd.fd, buf, sizeof(buf)));
	ASSERT_EQ(0, poll(&pfd, 1, 0));
	ASSERT_OK(cg_limit(CG, "2MB", 0));
	ASSERT_EQ(0, poll(&pfd, 1, 50));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, 1));
	EXPECT_EQ(1, poll(&pfd, 1, 5000));
	EXPECT_TRUE(pfd.revents & POLLPRI);
	/* Reading arms it again. */
	lseek(pfd.fd, 0, SEEK_SET);
	ASSERT_LT(0, read(pfd.fd, buf, sizeof(buf)));
	EXPECT_EQ(0, poll(&pfd, 1, 0));
}

/* --- peak --- */

TEST_F(limit, peak_is_what_was_held)
{
	ASSERT_OK(fallocate(self->fd, 0, 0, 5 * UNIT));
	ASSERT_OK(ftruncate(self->fd, UNIT));
	EXPECT_EQ(5 * UNIT, cg_hp(CG, "peak", "2MB"));
	EXPECT_EQ(5 * UNIT, cg_hp(TOP, "peak", "2MB"));
	EXPECT_EQ(0, cg_hp(CG, "peak", "1GB"));
	EXPECT_LE(5 * UNIT, cg_hp(CG, "peak", "2MB/node0") +
			    cg_hp(CG, "peak", "2MB/node1"));
}

TEST_F(limit, peak_ignores_what_the_own_limit_refused)
{
	ASSERT_OK(cg_limit(CG, "2MB", 2 * UNIT));
	ASSERT_OK(fallocate(self->fd, 0, 0, 2 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 2 * UNIT, 1));
	EXPECT_EQ(2 * UNIT, cg_hp(CG, "peak", "2MB"));
	EXPECT_EQ(2 * UNIT, cg_hp(TOP, "peak", "2MB"));
}

TEST_F(limit, peak_ignores_what_the_parent_refused)
{
	ASSERT_OK(cg_limit(TOP, "2MB", 2 * UNIT));
	ASSERT_OK(fallocate(self->fd, 0, 0, 2 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 2 * UNIT, 1));
	EXPECT_EQ(2 * UNIT, cg_hp(CG, "peak", "2MB"));
	EXPECT_EQ(2 * UNIT, cg_hp(TOP, "peak", "2MB"));
}

TEST_F(limit, peak_ignores_what_memory_max_refused)
{
	char max[32];

	snprintf(max, sizeof(max), "%llu", cg_num(TOP, "memory.current") +
		 2 * UNIT + UNIT * 3 / 4);
	ASSERT_OK(cg_write(TOP, "memory.max", max));
	ASSERT_OK(fallocate(self->fd, 0, 0, 2 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 2 * UNIT, 1));
	EXPECT_EQ(2 * UNIT, cg_hp(CG, "peak", "2MB"));
	EXPECT_EQ(2 * UNIT, cg_hp(TOP, "peak", "2MB"));
	EXPECT_EQ(0, cg_key(TOP, "memory.events", "oom_kill"));
}

TEST_F(limit, peak_ignores_what_the_empty_pool_refused)
{
	ASSERT_OK(hp_hog(&self->env, -1, 2 * UNIT));
	ASSERT_OK(fallocate(self->fd, 0, 0, 2 * UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 2 * UNIT, 1));
	EXPECT_EQ(2 * UNIT, cg_hp(CG, "peak", "2MB"));
	EXPECT_OK(hp_unhog(&self->env));
}

/* --- it is ordinary charged memory as well --- */

TEST_F(limit, memory_current_moves_by_blocks)
{
	long long before = cg_num(CG, "memory.current"), delta;

	ASSERT_OK(fallocate(self->fd, 0, 0, 16 * UNIT));
	delta = cg_num(CG, "memory.current") - before;
	EXPECT_LE(16 * UNIT, delta);
	EXPECT_GT(17 * UNIT, delta);
	ASSERT_OK(ftruncate(self->fd, 0));
	delta = cg_num(CG, "memory.current") - before;
	EXPECT_GT(UNIT, delta);
}

TEST_F(limit, memory_stat_lines)
{
	long long shmem = cg_key(CG, "memory.stat", "shmem");

	ASSERT_EQ(0, cg_key(CG, "memory.stat", "hugepool"));
	ASSERT_OK(fallocate(self->fd, 0, 0, 3 * UNIT));
	EXPECT_EQ(3 * UNIT, cg_key(CG, "memory.stat", "hugepool"));
	EXPECT_EQ(shmem + 3 * UNIT, cg_key(CG, "memory.stat", "shmem"));
	EXPECT_EQ(3 * UNIT, cg_key(TOP, "memory.stat", "hugepool"));
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_EQ(0, cg_key(CG, "memory.stat", "hugepool"));
	EXPECT_EQ(shmem, cg_key(CG, "memory.stat", "shmem"));
}

static long long numa_sum(const struct cg *cg, const char *file,
			  const char *key)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", cg->path, file);
	return rd_col(path, key, "N0") + rd_col(path, key, "N1");
}

TEST_F(limit, numa_stat_adds_up)
{
	char path[256];

	ASSERT_OK(fallocate(self->fd, 0, 0, 5 * UNIT));
	EXPECT_EQ(5 * UNIT, numa_sum(CG, "memory.hugepool.numa_stat",
				     "shmem.2MB"));
	EXPECT_EQ(5 * UNIT, numa_sum(CG, "memory.numa_stat", "hugepool"));
	snprintf(path, sizeof(path), "%s/memory.hugepool.numa_stat", CG->path);
	EXPECT_EQ(cg_hp(CG, "current", "2MB/node0"),
		  rd_col(path, "shmem.2MB", "N0"));
	EXPECT_EQ(cg_hp(CG, "current", "2MB/node1"),
		  rd_col(path, "shmem.2MB", "N1"));
	ASSERT_OK(ftruncate(self->fd, 0));
	EXPECT_EQ(0, numa_sum(CG, "memory.hugepool.numa_stat", "shmem.2MB"));
	EXPECT_EQ(0, numa_sum(CG, "memory.numa_stat", "hugepool"));
}

TEST_F(limit, root_is_not_charged)
{
	long long used = hp_sum("used");

	ASSERT_OK(cg_limit(CG, "2MB", 0));
	ASSERT_OK(cg_join_root());
	EXPECT_OK(fallocate(self->fd, 0, 0, 2 * UNIT));
	EXPECT_EQ(used + 2 * UNIT, hp_sum("used"));
	EXPECT_EQ(0, CURRENT_2M);
	EXPECT_EQ(0, cg_hp(TOP, "current", "2MB"));
	ASSERT_OK(cg_join(CG));
}

/* memory.high only slows down; it neither refuses nor kills. */
TEST_F(limit, memory_high_does_not_refuse)
{
	ASSERT_OK(cg_write(CG, "memory.high", "4194304"));
	EXPECT_OK(fallocate(self->fd, 0, 0, 3 * UNIT));
	EXPECT_EQ(3 * UNIT, CURRENT_2M);
	EXPECT_EQ(0, cg_key(CG, "memory.events", "oom"));
	ASSERT_OK(cg_write(CG, "memory.high", "max"));
}

TEST_F(limit, peak_of_a_limit_raised_later)
{
	ASSERT_OK(cg_limit(CG, "2MB", UNIT));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, 3 * UNIT));
	EXPECT_GE(UNIT, cg_hp(CG, "peak", "2MB"));
	ASSERT_OK(cg_limit(CG, "2MB", 3 * UNIT));
	EXPECT_OK(fallocate(self->fd, 0, 0, 3 * UNIT));
	EXPECT_EQ(3 * UNIT, cg_hp(CG, "peak", "2MB"));
	EXPECT_EQ(0, cg_event(CG, "nospc"));
}

TEST_HARNESS_MAIN
