// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2 timeout=180
 *
 * memory.hugepool.events and .events.local at every level of a deep tree: which
 * one counts what, and that poll and inotify wake who waits for either. That peak
 * never counts what was refused, at no level, while many are refused at once, and
 * that a limit holds from the moment it is written, at any level.
 */
#include <poll.h>
#include <sys/inotify.h>

#include "hp_test.h"
#include "cg.h"

#define DEPTH	4
#define TOP	(&self->env.top)
#define LEAF	(&self->level[DEPTH - 1])

/* level[0] is env.top; tests run in the lowest. */
FIXTURE(tree) {
	struct hp_env env;
	struct cg level[DEPTH];
	int fd;
};

FIXTURE_SETUP(tree)
{
	HP_SETUP("pool=2M,size=2G");
	self->level[0] = *TOP;
	for (int i = 1; i < DEPTH; i++)
		ASSERT_OK(cg_make(&self->level[i], &self->level[i - 1], "d"));
	ASSERT_OK(cg_join(LEAF));
	self->fd = hp_open(&self->env, "a");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(tree)
{
	EXPECT_ENDED(&self->env);
}

/* --- who counts --- */

/* Each level's events, and events.local, of one kind. */
struct counts {
	long long all[DEPTH], local[DEPTH];
};

static struct counts count(const struct cg *level, const char *event)
{
	struct counts c;

	for (int i = 0; i < DEPTH; i++) {
		c.all[i] = cg_event(&level[i], event);
		c.local[i] = cg_event_local(&level[i], event);
	}
	return c;
}

/* NULL if since @was only @at has counted one for itself, and all above it. */
static const char *counted_wrong(const struct cg *level, const char *event,
				 const struct counts *was, int at)
{
	struct counts is = count(level, event);
	static char why[96];

	for (int i = 0; i < DEPTH; i++) {
		if (is.all[i] == was->all[i] + (i <= at) &&
		    is.local[i] == was->local[i] + (i == at))
			continue;
		snprintf(why, sizeof(why),
			 "%s at level %d: %lld more, %lld more local", event, i,
			 is.all[i] - was->all[i], is.local[i] - was->local[i]);
		return why;
	}
	return NULL;
}

#define EXPECT_COUNTED(event, was, at)					\
	do {								\
		const char *__why = counted_wrong(self->level, event, was, \
						  at);			\
		EXPECT_TRUE(!__why)					\
			TH_LOG("%s", __why);				\
	} while (0)

TEST_F(tree, max_belongs_to_the_level_that_refused)
{
	struct counts max, nospc;

	ASSERT_OK(fallocate(self->fd, 0, 0, UNIT));
	for (int at = 0; at < DEPTH; at++) {
		max = count(self->level, "max");
		nospc = count(self->level, "nospc");
		ASSERT_OK(cg_limit(&self->level[at], "2MB", UNIT));
		EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, UNIT, 3 * UNIT));
		EXPECT_COUNTED("max", &max, at);
		EXPECT_COUNTED("nospc", &nospc, -1);
		ASSERT_OK(cg_write(&self->level[at], "memory.hugepool.max",
				   "2MB max"));
	}
}

/* Where several would refuse, the lowest does. */
TEST_F(tree, one_refusal_is_counted_once)
{
	struct counts max = count(self->level, "max");

	for (int at = 0; at < DEPTH - 1; at++)
		ASSERT_OK(cg_limit(&self->level[at], "2MB", 0));
	EXPECT_ERRNO(ENOSPC, pwrite(self->fd, "x", 1, 0));
	EXPECT_COUNTED("max", &max, DEPTH - 2);
	max = count(self->level, "max");
	ASSERT_OK(cg_limit(LEAF, "2MB/node0", 0));
	ASSERT_OK(cg_limit(LEAF, "2MB/node1", 0));
	EXPECT_ERRNO(ENOSPC, pwrite(self->fd, "x", 1, 0));
	EXPECT_COUNTED("max", &max, DEPTH - 1);
}

TEST_F(tree, nospc_belongs_to_the_requester)
{
	struct counts max = count(self->level, "max");
	struct counts nospc = count(self->level, "nospc");
	struct cg other;

	ASSERT_OK(cg_make(&other, TOP, "other"));
	ASSERT_OK(cg_promise(TOP, "2MB", hp_sum("2MB/total")));
	ASSERT_OK(cg_promise(&other, "2MB", hp_sum("2MB/total")));
	EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 0, 3 * UNIT));
	EXPECT_COUNTED("nospc", &nospc, DEPTH - 1);
	EXPECT_COUNTED("max", &max, -1);
	EXPECT_EQ(0, cg_event(&other, "nospc"));
}

TEST_F(tree, fallback_belongs_to_the_requester)
{
	struct counts max = count(self->level, "max");
	struct counts fallback = count(self->level, "fallback");
	char dir[96];
	int fd;

	snprintf(dir, sizeof(dir), "%s/m", self->env.dir);
	ASSERT_OK(mkdir(dir, 0755));
	ASSERT_OK(hp_mount(dir, "pool=2M+base"));
	fd = hp_open(&self->env, "m/f");
	/* Even where it was a limit further up. */
	ASSERT_OK(cg_limit(TOP, "2MB", 0));
	ASSERT_EQ(1, pwrite(fd, "x", 1, 0));
	EXPECT_COUNTED("fallback", &fallback, DEPTH - 1);
	EXPECT_COUNTED("max", &max, -1);
	close(fd);
	ASSERT_OK(hp_umount(dir));
}

/* --- who is told --- */

static const char * const event_files[] = { "events", "events.local" };

static int open_events(const struct cg *cg, const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/memory.hugepool.%s", cg->path, file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Reads it, which is what poll waits for a change since. */
static int arm(struct pollfd *pfd)
{
	char buf[256];

	pfd->events = POLLPRI;
	return pread(pfd->fd, buf, sizeof(buf), 0) > 0 ? 0 : -1;
}

/* A refusal by the limit of level @at. */
static int refuse_at(const struct cg *level, int at, int fd)
{
	if (cg_limit(&level[at], "2MB", 0))
		return -1;
	if (!fallocate(fd, 0, 0, 1) || errno != ENOSPC)
		return -1;
	return cg_write(&level[at], "memory.hugepool.max", "2MB max");
}

TEST_F(tree, poll_wakes_where_it_is_counted)
{
	struct pollfd pfd[2 * DEPTH];
	int at = 1;

	for (int i = 0; i < 2 * DEPTH; i++) {
		pfd[i].fd = open_events(&self->level[i / 2], event_files[i % 2]);
		ASSERT_LE(0, pfd[i].fd);
		ASSERT_OK(arm(&pfd[i]));
	}
	ASSERT_EQ(0, poll(pfd, 2 * DEPTH, 0));
	ASSERT_OK(refuse_at(self->level, at, self->fd));
	for (int i = 0; i < 2 * DEPTH; i++) {
		bool told = i % 2 ? i / 2 == at : i / 2 <= at;

		EXPECT_EQ(told, poll(&pfd[i], 1, told ? 5000 : 100))
			TH_LOG("%s of level %d", event_files[i % 2], i / 2);
		if (told) {
			EXPECT_TRUE(pfd[i].revents & POLLPRI);
			EXPECT_OK(arm(&pfd[i]));
		}
	}
	EXPECT_EQ(0, poll(pfd, 2 * DEPTH, 0));
}

TEST_F(tree, inotify_wakes_where_it_is_counted)
{
	int at = 1, wd[2 * DEPTH], fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	bool seen[2 * DEPTH] = {};
	struct inotify_event ev;
	char path[256];

	ASSERT_LE(0, fd);
	for (int i = 0; i < 2 * DEPTH; i++) {
		snprintf(path, sizeof(path), "%s/memory.hugepool.%s",
			 self->level[i / 2].path, event_files[i % 2]);
		wd[i] = inotify_add_watch(fd, path, IN_MODIFY);
		ASSERT_LE(0, wd[i]);
	}
	ASSERT_EQ(0, poll(&pfd, 1, 0));
	ASSERT_OK(refuse_at(self->level, at, self->fd));
	/* One for each file that has changed, and for no other. */
	while (poll(&pfd, 1, 500) > 0) {
		ASSERT_EQ(sizeof(ev), read(fd, &ev, sizeof(ev)));
		EXPECT_TRUE(ev.mask & IN_MODIFY);
		for (int i = 0; i < 2 * DEPTH; i++)
			seen[i] |= wd[i] == ev.wd;
	}
	for (int i = 0; i < 2 * DEPTH; i++) {
		EXPECT_EQ(i % 2 ? i / 2 == at : i / 2 <= at, seen[i])
			TH_LOG("%s of level %d", event_files[i % 2], i / 2);
	}
}

/* Somebody who sleeps until there is something to read. */
TEST_F(tree, a_sleeper_wakes)
{
	for (int i = 0; i < 2; i++) {
		struct pollfd pfd = { .fd = open_events(LEAF, event_files[i]) };
		pid_t pid;

		ASSERT_OK(arm(&pfd));
		pid = hp_fork();
		if (!pid) {
			usleep(100000);
			_exit(refuse_at(self->level, DEPTH - 1, self->fd));
		}
		EXPECT_EQ(1, poll(&pfd, 1, 10000));
		EXPECT_EQ(0, hp_wait(pid));
		/* Once it has been read. */
		EXPECT_OK(arm(&pfd));
		EXPECT_EQ(0, poll(&pfd, 1, 0));
		close(pfd.fd);
	}
}

/* --- peak, under many who are refused --- */

#define PUSHERS	4
#define ROUNDS	60

struct pusher {
	struct hp_env *env;
	int nr;
	volatile int *stop;
};

/* Takes one after the other until it is refused, and gives all back. */
static int push(void *arg)
{
	struct pusher *p = arg;
	char name[16];
	int fd, got, refused = 0;

	snprintf(name, sizeof(name), "push%d", p->nr);
	fd = hp_open(p->env, name);
	for (int i = 0; i < ROUNDS; i++) {
		for (got = 0; !fallocate(fd, 0, got * UNIT, UNIT); got++)
			;
		if (errno != ENOSPC)
			return 1;
		refused++;
		if (ftruncate(fd, 0))
			return 2;
	}
	return refused == ROUNDS ? 0 : 3;
}

static int push_all(struct hp_env *env, const struct cg *leaf)
{
	struct pusher p[PUSHERS];
	pid_t pid[PUSHERS];
	int ret = 0;

	for (int i = 0; i < PUSHERS; i++) {
		p[i] = (struct pusher){ .env = env, .nr = i };
		pid[i] = hp_fork();
		if (!pid[i])
			_exit(cg_join(leaf) ? 99 : push(&p[i]));
	}
	for (int i = 0; i < PUSHERS; i++)
		ret |= hp_wait(pid[i]);
	return ret;
}

TEST_F(tree, peak_ignores_what_any_level_refuses)
{
	long long limit;

	/* From the top down, each tighter: what was held before counts. */
	for (int at = 0; at < DEPTH; at++) {
		limit = (DEPTH - at) * 2 * UNIT;
		ASSERT_OK(cg_limit(&self->level[at], "2MB", limit));
		EXPECT_EQ(0, push_all(&self->env, LEAF));
		EXPECT_EQ(PUSHERS * ROUNDS,
			  cg_event_local(&self->level[at], "max"));
		EXPECT_EQ(DEPTH * 2 * UNIT, cg_hp(TOP, "peak", "2MB"));
		EXPECT_EQ(DEPTH * 2 * UNIT, cg_hp(LEAF, "peak", "2MB"));
		EXPECT_GE(DEPTH * 2 * UNIT, cg_hp(LEAF, "peak", "2MB/node0"));
		EXPECT_GE(DEPTH * 2 * UNIT, cg_hp(LEAF, "peak", "2MB/node1"));
		EXPECT_EQ(0, cg_hp(LEAF, "current", "2MB"));
	}
}

/* The same where the pool has nothing, since it is guaranteed to others. */
TEST_F(tree, peak_ignores_what_the_pool_refuses)
{
	struct cg other;

	ASSERT_OK(cg_make(&other, TOP, "other"));
	ASSERT_OK(cg_promise(TOP, "2MB", hp_sum("2MB/total")));
	ASSERT_OK(cg_promise(&other, "2MB", hp_sum("2MB/total") - 3 * UNIT));
	EXPECT_EQ(0, push_all(&self->env, LEAF));
	for (int at = 0; at < DEPTH; at++) {
		EXPECT_EQ(3 * UNIT, cg_hp(&self->level[at], "peak", "2MB"))
			TH_LOG("level %d", at);
		EXPECT_EQ(PUSHERS * ROUNDS, cg_event(&self->level[at], "nospc"));
	}
	EXPECT_EQ(0, cg_event_local(TOP, "nospc"));
	EXPECT_EQ(0, cg_hp(&other, "peak", "2MB"));
}

/* --- a limit holds at once --- */

TEST_F(tree, max_is_effective_at_once_at_every_level)
{
	ASSERT_OK(fallocate(self->fd, 0, 0, 4 * UNIT));
	for (int at = 0; at < DEPTH; at++) {
		const struct cg *cg = &self->level[at];

		/* Below what is held: nothing more, and nothing is taken. */
		ASSERT_OK(cg_limit(cg, "2MB", UNIT));
		EXPECT_EQ(UNIT, cg_hp(cg, "max", "2MB"));
		EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 4 * UNIT, 1));
		EXPECT_EQ(4 * UNIT, cg_hp(LEAF, "current", "2MB"));
		ASSERT_OK(cg_limit(cg, "2MB", 5 * UNIT));
		EXPECT_OK(fallocate(self->fd, 0, 4 * UNIT, 1));
		EXPECT_ERRNO(ENOSPC, fallocate(self->fd, 0, 5 * UNIT, 1));
		ASSERT_OK(ftruncate(self->fd, 4 * UNIT));
		ASSERT_OK(cg_write(cg, "memory.hugepool.max", "2MB max"));
	}
}

/* Holds up to sixteen blocks, for ever. */
static int work(void *arg)
{
	struct pusher *p = arg;
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "work%d", p->nr);
	fd = hp_open(p->env, name);
	while (!*p->stop) {
		for (int i = 0; i < 16; i++)
			if (fallocate(fd, 0, i * UNIT, UNIT) && errno != ENOSPC)
				return 1;
		if (ftruncate(fd, 0))
			return 2;
	}
	return 0;
}

/* From when the write to max is done nothing goes above it. */
TEST_F(tree, max_is_effective_under_load)
{
	volatile int *stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct pusher p[2];
	long long max, held;
	pid_t pid[2];

	ASSERT_NE(MAP_FAILED, (void *)stop);
	for (int i = 0; i < 2; i++) {
		p[i] = (struct pusher){ .env = &self->env, .nr = i, .stop = stop };
		pid[i] = hp_fork();
		if (!pid[i])
			_exit(work(&p[i]));
	}
	for (int round = 0; round < 40; round++) {
		const struct cg *cg = &self->level[round % DEPTH];

		ASSERT_OK(cg_write(cg, "memory.hugepool.max", "2MB max"));
		usleep(5000);
		max = (round % 7) * UNIT;
		ASSERT_OK(cg_limit(cg, "2MB", max));
		/* Above it may only be what was held when it was written. */
		held = cg_hp(cg, "current", "2MB");
		if (held < max)
			held = max;
		for (int i = 0; i < 10; i++) {
			long long seen = cg_hp(cg, "current", "2MB");

			EXPECT_GE(held, seen)
				TH_LOG("round %d", round);
			if (seen < held)
				held = seen < max ? max : seen;
		}
		ASSERT_OK(cg_write(cg, "memory.hugepool.max", "2MB max"));
	}
	*stop = 1;
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(0, hp_wait(pid[i]));
}

TEST_HARNESS_MAIN
