// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=120
 *
 * A service manager's work by the C API of libcgroup: create a cgroup with a
 * guarantee and a limit in one go, read both back, run a task in it, change it,
 * see why something was refused, remove it. The tools are in cgroup_tools.sh.
 */
#include <libcgroup.h>

#include "hp_test.h"
#include "cg.h"

#define NODE	256UL		/* units of each node */

FIXTURE(lib) {
	struct hp_env env;
	char name[32];
	struct cg made;		/* what libcgroup makes of it */
};

FIXTURE_SETUP(lib)
{
	HP_SETUP("pool=2M,size=2G");
	snprintf(self->name, sizeof(self->name), "hp-lib.%d", getpid());
	snprintf(self->made.path, sizeof(self->made.path), CG_ROOT "/%s",
		 self->name);
	ASSERT_EQ(0, cgroup_init());
}

FIXTURE_TEARDOWN_PARENT(lib)
{
	EXPECT_OK(cg_remove(&self->made));
	EXPECT_ENDED(&self->env);
}

/* A group with one line each for min and max; NULL when libcgroup refuses. */
static struct cgroup *describe(const char *name, const char *min,
			       const char *max)
{
	struct cgroup *group = cgroup_new_cgroup(name);
	struct cgroup_controller *memory;

	if (!group)
		return NULL;
	memory = cgroup_add_controller(group, "memory");
	if (memory && (!min || !cgroup_add_value_string(memory,
					"memory.hugepool.min", min)) &&
	    (!max || !cgroup_add_value_string(memory, "memory.hugepool.max",
					      max)))
		return group;
	cgroup_free(&group);
	return NULL;
}

/* What libcgroup reads from memory.hugepool.<file>, to be freed. */
static char *value_of(const char *name, const char *file)
{
	struct cgroup *group = cgroup_new_cgroup(name);
	struct cgroup_controller *memory;
	char key[64], *value = NULL;

	snprintf(key, sizeof(key), "memory.hugepool.%s", file);
	if (group && !cgroup_get_cgroup(group)) {
		memory = cgroup_get_controller(group, "memory");
		if (!memory || cgroup_get_value_string(memory, key, &value))
			value = NULL;
	}
	cgroup_free(&group);
	return value;
}

static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (!strncmp(text, line, len) && (!text[len] || text[len] == '\n'))
			return true;
	}
	return false;
}

TEST_F(lib, create_with_a_guarantee_and_a_limit)
{
	struct cgroup *group = describe(self->name, "2MB/node1 8388608",
					"2MB 16777216");

	ASSERT_NE(NULL, group);
	ASSERT_EQ(0, cgroup_create_cgroup(group, 0));
	cgroup_free(&group);
	EXPECT_EQ(4 * UNIT, cg_hp(&self->made, "min", "2MB/node1"));
	EXPECT_EQ(4 * UNIT, cg_hp(&self->made, "min", "2MB"));
	EXPECT_EQ(8 * UNIT, cg_hp(&self->made, "max", "2MB"));
	EXPECT_RESERVED(0, 4 * UNIT);
}

TEST_F(lib, read_what_was_set)
{
	struct cgroup *group = describe(self->name, "2MB 6M", NULL);
	char *value, path[256], text[1024];

	ASSERT_NE(NULL, group);
	ASSERT_EQ(0, cgroup_create_cgroup(group, 0));
	cgroup_free(&group);
	value = value_of(self->name, "min");
	ASSERT_NE(NULL, value);
	EXPECT_TRUE(has_line(value, "2MB 6291456")) TH_LOG("%s", value);
	EXPECT_TRUE(has_line(value, "2MB/node0 4194304")) TH_LOG("%s", value);
	EXPECT_TRUE(has_line(value, "2MB/node1 2097152")) TH_LOG("%s", value);
	EXPECT_TRUE(has_line(value, "1GB 0")) TH_LOG("%s", value);
	/* All of the file, as it is. */
	snprintf(path, sizeof(path), "%s/memory.hugepool.min", self->made.path);
	ASSERT_OK(rd_file(path, text, sizeof(text)));
	EXPECT_EQ(0, strncmp(text, value, strlen(value)));
	EXPECT_GE(strlen(value) + 1, strlen(text));
	free(value);
}

TEST_F(lib, change_one_key)
{
	struct cgroup *group = describe(self->name, "2MB 8M", NULL);

	ASSERT_NE(NULL, group);
	ASSERT_EQ(0, cgroup_create_cgroup(group, 0));
	cgroup_free(&group);
	group = describe(self->name, "2MB/node0 0", NULL);
	ASSERT_NE(NULL, group);
	ASSERT_EQ(0, cgroup_modify_cgroup(group));
	cgroup_free(&group);
	EXPECT_EQ(0, cg_hp(&self->made, "min", "2MB/node0"));
	EXPECT_EQ(2 * UNIT, cg_hp(&self->made, "min", "2MB/node1"));
	EXPECT_RESERVED(0, 2 * UNIT);
}

TEST_F(lib, a_refusal_has_its_errno)
{
	struct cgroup *group = describe(self->name, "2MB 8M", NULL);

	ASSERT_NE(NULL, group);
	ASSERT_EQ(0, cgroup_create_cgroup(group, 0));
	cgroup_free(&group);
	/* More than there is. */
	group = describe(self->name, "2MB 1P", NULL);
	EXPECT_EQ(ECGOTHER, cgroup_modify_cgroup(group));
	EXPECT_EQ(ENOSPC, cgroup_get_last_errno());
	cgroup_free(&group);
	/* No number at all. */
	group = describe(self->name, "2MB some", NULL);
	EXPECT_NE(0, cgroup_modify_cgroup(group));
	EXPECT_EQ(EINVAL, cgroup_get_last_errno());
	cgroup_free(&group);
	EXPECT_EQ(4 * UNIT, cg_hp(&self->made, "min", "2MB"));
}

/* A task in the group gets what was promised where nobody else does. */
static int use_the_guarantee(struct hp_env *env, const char *name)
{
	struct cgroup *group = cgroup_new_cgroup(name);
	int fd;

	if (!group || !cgroup_add_controller(group, "memory") ||
	    cgroup_attach_task(group))
		return 1;
	cgroup_free(&group);
	fd = hp_open(env, "f");
	if (fd < 0 || bind_to(0))
		return 2;
	if (fallocate(fd, 0, 0, 4 * UNIT))
		return 3;
	return !fallocate(fd, 0, 4 * UNIT, UNIT) ? 4 : errno != ENOSPC ? 5 : 0;
}

TEST_F(lib, run_a_task)
{
	struct cgroup *group = describe(self->name, "2MB/node0 8M", NULL);
	pid_t pid;
	int fd;

	ASSERT_NE(NULL, group);
	ASSERT_EQ(0, cgroup_create_cgroup(group, 0));
	cgroup_free(&group);
	ASSERT_OK(cg_promise(&self->env.top, "2MB/node0", (NODE - 4) * UNIT));
	pid = hp_fork();
	if (!pid)
		_exit(use_the_guarantee(&self->env, self->name));
	EXPECT_EQ(0, hp_wait(pid));
	EXPECT_EQ(4 * UNIT, cg_hp(&self->made, "current", "2MB/node0"));
	EXPECT_EQ(1, cg_event_local(&self->made, "nospc"));
	fd = hp_open(&self->env, "f");
	ASSERT_OK(ftruncate(fd, 0));
}

TEST_F(lib, removal_gives_back)
{
	struct cgroup *group = describe(self->name, "2MB 8M", NULL);

	ASSERT_NE(NULL, group);
	ASSERT_EQ(0, cgroup_create_cgroup(group, 0));
	EXPECT_RESERVED(2 * UNIT, 2 * UNIT);
	ASSERT_EQ(0, cgroup_delete_cgroup(group, 0));
	cgroup_free(&group);
	EXPECT_TRUE(access(self->made.path, F_OK));
	EXPECT_RESERVED_SOON(0, 0);
}

TEST_HARNESS_MAIN
