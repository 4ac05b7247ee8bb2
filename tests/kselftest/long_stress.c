// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=numa2,gb long=1 timeout=420
 *
 * Everything at once, at random, for HUGEPOOL_SECONDS (120): processes of two
 * threads on shared files of a pool=2M and a pool=2M+base mount, while limits
 * change, cgroups come and go with live files, the pool runs dry, caches are
 * dropped, memory is compacted and, where there are 1 GB blocks, broken and put
 * together again. HUGEPOOL_SEED repeats the choices, though not their order.
 *
 * Two kinds of files. In "owned" each process has pieces that it alone writes,
 * and a copy of what they must hold. In "chaos" files anybody does anything; all
 * that is written to one is one byte, so that whatever else is read from it is
 * what an earlier owner of the block left behind.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include "hp_test.h"

#define WORKERS		3
#define MOUNTS		2
#define OWNED		(8 * UNIT)
#define STRIPED		(4 * UNIT)	/* pieces of STRIPE, then whole units */
#define STRIPE		(64 * KB)
#define CHAOS		3
#define CHAOS_MAX	(12 * UNIT)
#define PAGE		4096UL

/* --- what all processes share --- */

struct shared {
	volatile int stop;
	int failed;
	char why[256];
	unsigned long ops, refused, hops;
};

static struct shared *shared;

/* The first failure is the one that counts; it ends the run. */
static int __attribute__((format(printf, 1, 2))) complain(const char *fmt, ...)
{
	va_list ap;

	if (!__sync_lock_test_and_set(&shared->failed, 1)) {
		va_start(ap, fmt);
		vsnprintf(shared->why, sizeof(shared->why), fmt, ap);
		va_end(ap);
	}
	shared->stop = 1;
	return -1;
}

/* An operation that was refused for want of memory changed nothing. */
static int refused(const char *what, int err, int allowed)
{
	if (err != allowed)
		return complain("%s: %s", what, strerror(err));
	__sync_fetch_and_add(&shared->refused, 1);
	return 0;
}

/* --- one thread: one mount of one process --- */

struct thread {
	struct cg top;
	int worker, mount;
	const char *dir;
	uint64_t rng;
	int fd;			/* "owned" */
	unsigned char *shadow;	/* of OWNED bytes */
	unsigned char *tmp;	/* UNIT bytes of scratch */
	struct cg hop;		/* where it sits, if not in its home */
	int hops;
};

static __thread sigjmp_buf bus_env;
static __thread volatile sig_atomic_t bus_armed;

static void on_bus(int sig)
{
	if (bus_armed)
		siglongjmp(bus_env, 1);
	signal(sig, SIG_DFL);
}

/* Copies; false if a page was refused on the way. */
static bool copy_guarded(void *dst, const void *src, size_t len)
{
	bool ok = false;

	if (!sigsetjmp(bus_env, 1)) {
		bus_armed = 1;
		memcpy(dst, src, len);
		ok = true;
	}
	bus_armed = 0;
	return ok;
}

static bool owns(int worker, size_t off)
{
	size_t piece = off < STRIPED ? off / STRIPE : off / UNIT;

	return piece % WORKERS == worker;
}

static size_t piece_len(size_t off)
{
	return off < STRIPED ? STRIPE : UNIT;
}

/* A range inside one of our pieces, every other time all of it. */
static size_t pick(struct thread *t, size_t *off)
{
	size_t len, start;

	do {
		/* One half from the stripes, one half from the units. */
		*off = rng_below(&t->rng, 2) ?
			rng_below(&t->rng, STRIPED / STRIPE) * STRIPE :
			STRIPED + rng_below(&t->rng, (OWNED - STRIPED) / UNIT) * UNIT;
	} while (!owns(t->worker, *off));
	len = piece_len(*off);
	if (rng_below(&t->rng, 2))
		return len;
	start = rng_below(&t->rng, len);
	*off += start;
	return 1 + rng_below(&t->rng, len - start);
}

static int mismatch(struct thread *t, const char *how, const void *seen,
		    size_t off, size_t len)
{
	const unsigned char *p = seen;
	size_t i = 0;

	if (!memcmp(p, t->shadow + off, len))
		return 0;
	while (p[i] == t->shadow[off + i])
		i++;
	return complain("%s: worker %d mount %d offset %zu of %zu+%zu is %02x, not %02x",
			how, t->worker, t->mount, off + i, off, len, p[i],
			t->shadow[off + i]);
}

/* --- on the file with owners --- */

static int own_pwrite(struct thread *t)
{
	size_t off, len = pick(t, &off);
	ssize_t n;

	pattern_fill(t->tmp, len, rng_next(&t->rng));
	n = pwrite(t->fd, t->tmp, len, off);
	if (n < 0)
		return refused("pwrite", errno, ENOSPC);
	memcpy(t->shadow + off, t->tmp, n);
	return 0;
}

static int own_read(struct thread *t)
{
	size_t off, len = pick(t, &off);
	ssize_t n = pread(t->fd, t->tmp, len, off);

	if (n != (ssize_t)len)
		return complain("pread: %zd of %zu (%s)", n, len, strerror(errno));
	return mismatch(t, "pread", t->tmp, off, len);
}

/* Maps the pages around a range; where the range is, or NULL. */
static unsigned char *map_range(struct thread *t, size_t off, size_t len, int prot,
				int flags, void **base, size_t *size)
{
	size_t start = off / PAGE * PAGE;

	/* Half of them such that a whole unit can be mapped by one entry. */
	if (rng_below(&t->rng, 2))
		start = off / UNIT * UNIT;
	*size = (off + len - start + PAGE - 1) / PAGE * PAGE;
	*base = mmap(NULL, *size, prot, flags, t->fd, start);
	if (*base == MAP_FAILED) {
		complain("mmap: %s", strerror(errno));
		return NULL;
	}
	return (unsigned char *)*base + (off - start);
}

/* 0 when the pages of @p are there and writable, 1 when refused. */
static int populate(unsigned char *p, size_t len)
{
	unsigned char *page = (unsigned char *)((uintptr_t)p / PAGE * PAGE);

	if (!madvise(page, p + len - page, MADV_POPULATE_WRITE))
		return 0;
	return refused("MADV_POPULATE_WRITE", errno, EFAULT) ? -1 : 1;
}

static int own_store(struct thread *t)
{
	size_t off, size, len = pick(t, &off);
	unsigned char *p;
	void *base;
	int ret;

	p = map_range(t, off, len, PROT_READ | PROT_WRITE, MAP_SHARED, &base, &size);
	if (!p)
		return -1;
	ret = populate(p, len);
	if (!ret) {
		/* Nobody else punches what is ours: it is there to stay. */
		pattern_fill(p, len, rng_next(&t->rng));
		memcpy(t->shadow + off, p, len);
		if (rng_below(&t->rng, 2))
			madvise(base, size, MADV_DONTNEED);
		ret = mismatch(t, "mapped store", p, off, len);
	}
	munmap(base, size);
	return ret < 0 ? ret : 0;
}

static int own_load(struct thread *t)
{
	size_t off, size, len = pick(t, &off);
	unsigned char *p;
	void *base;
	int ret = 0;

	p = map_range(t, off, len, PROT_READ, MAP_SHARED, &base, &size);
	if (!p)
		return -1;
	/* A hole may be refused. */
	if (copy_guarded(t->tmp, p, len))
		ret = mismatch(t, "mapped load", t->tmp, off, len);
	munmap(base, size);
	return ret;
}

static int own_punch(struct thread *t)
{
	size_t off, len = pick(t, &off);

	if (fallocate(t->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len))
		return complain("punch: %s", strerror(errno));
	memset(t->shadow + off, 0, len);
	return 0;
}

static int own_remove(struct thread *t)
{
	size_t off, size, start, end, len = pick(t, &off);
	unsigned char *p;
	void *base;
	int ret = 0;

	start = (off + PAGE - 1) / PAGE * PAGE;
	end = (off + len) / PAGE * PAGE;
	if (end <= start)
		return 0;
	p = map_range(t, start, end - start, PROT_READ | PROT_WRITE, MAP_SHARED,
		      &base, &size);
	if (!p)
		return -1;
	if (madvise(p, end - start, MADV_REMOVE))
		ret = complain("MADV_REMOVE: %s", strerror(errno));
	memset(t->shadow + start, 0, end - start);
	munmap(base, size);
	return ret;
}

/* Over anything of anybody: it may not change what is there. */
static int own_fallocate(struct thread *t)
{
	size_t off = rng_below(&t->rng, OWNED);
	size_t len = 1 + rng_below(&t->rng, OWNED - off);

	if (fallocate(t->fd, 0, off, len))
		return refused("fallocate", errno, ENOSPC);
	return 0;
}

/*
 * Rights and places of parts of a mapping change; what it shows does not. No
 * address is given back twice: the other thread may have been given it.
 */
static int own_views(struct thread *t)
{
	size_t off, size, at, part, start, middle, len = pick(t, &off);
	unsigned char *p, *moved;
	void *base;
	int ret;

	p = map_range(t, off, len, PROT_READ | PROT_WRITE, MAP_SHARED, &base, &size);
	if (!p)
		return -1;
	start = off - (p - (unsigned char *)base);
	at = rng_below(&t->rng, size / PAGE) * PAGE;
	part = PAGE + rng_below(&t->rng, (size - at) / PAGE) * PAGE;
	ret = populate(p, len);
	if (ret)
		goto out;
	if (mprotect((char *)base + at, part, PROT_READ)) {
		ret = complain("mprotect: %s", strerror(errno));
		goto out;
	}
	ret = mismatch(t, "after mprotect", p, off, len);
	moved = mremap((char *)base + at, part, part,
		       MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	if (moved == MAP_FAILED) {
		ret = complain("mremap: %s", strerror(errno));
		goto out;
	}
	/* A page of the part that is ours, at its new place and at the old. */
	if (!ret && start + at >= off && start + at + PAGE <= off + len) {
		ret = mismatch(t, "after mremap", moved, start + at, PAGE);
		if (!ret)
			ret = mismatch(t, "after mremap away", (char *)base + at,
				       start + at, PAGE);
	}
	munmap(moved, part);
out:
	/* A page out of the middle first. */
	middle = size / PAGE / 2 * PAGE;
	munmap((char *)base + middle, PAGE);
	if (middle)
		munmap(base, middle);
	if (size > middle + PAGE)
		munmap((char *)base + middle + PAGE, size - middle - PAGE);
	return ret < 0 ? ret : 0;
}

/* What a private mapping changes stays there. */
static int own_private(struct thread *t)
{
	size_t off, size, len = pick(t, &off);
	unsigned char *p;
	void *base;
	int ret = 0;

	len = len < STRIPE ? len : STRIPE;
	p = map_range(t, off, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, &base, &size);
	if (!p)
		return -1;
	memset(t->tmp, 0x5a, len);
	copy_guarded(p, t->tmp, len);
	if (pread(t->fd, t->tmp, len, off) != (ssize_t)len)
		ret = complain("pread beside a private mapping");
	else
		ret = mismatch(t, "beside a private mapping", t->tmp, off, len);
	munmap(base, size);
	return ret;
}

/* A child stores through the mapping it inherited. */
static int own_fork(struct thread *t)
{
	size_t off, size, len = pick(t, &off);
	unsigned char *p;
	void *base;
	pid_t pid;
	int ret;

	p = map_range(t, off, len, PROT_READ | PROT_WRITE, MAP_SHARED, &base, &size);
	if (!p)
		return -1;
	ret = populate(p, len);
	if (ret)
		goto out;
	pattern_fill(t->tmp, len, rng_next(&t->rng));
	/* No stdio in here: the other thread may hold its locks. */
	pid = fork();
	if (!pid)
		_exit(copy_guarded(p, t->tmp, len) ? 0 : 1);
	ret = pid < 0 ? -errno : hp_wait(pid);
	if (ret) {
		ret = complain("child that stores: %d", ret);
		goto out;
	}
	memcpy(t->shadow + off, t->tmp, len);
	ret = mismatch(t, "store of a child", p, off, len);
out:
	munmap(base, size);
	return ret < 0 ? ret : 0;
}

/* --- on the files where anything goes --- */

static int chaos_check(const unsigned char *p, size_t len, int tag)
{
	uint64_t word, whole = 0x0101010101010101ULL * tag;

	for (size_t i = 0; i < len; i++) {
		/* Long stretches are all one or all the other. */
		while (i + 8 <= len && (memcpy(&word, p + i, 8), !word || word == whole))
			i += 8;
		if (i < len && p[i] && p[i] != tag)
			return complain("chaos file %02x shows a stranger's byte %02x",
					tag, p[i]);
	}
	return 0;
}

static int chaos_map(struct thread *t, int fd, int tag)
{
	size_t off = rng_below(&t->rng, CHAOS_MAX / UNIT) * UNIT;
	size_t at = rng_below(&t->rng, UNIT - STRIPE);
	unsigned char *p;
	int ret = 0;

	p = mmap(NULL, UNIT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off);
	if (p == MAP_FAILED)
		return complain("mmap of a chaos file: %s", strerror(errno));
	if (copy_guarded(t->tmp, p + at, STRIPE))
		ret = chaos_check(t->tmp, STRIPE, tag);
	memset(t->tmp, tag, STRIPE);
	copy_guarded(p + at, t->tmp, STRIPE);
	munmap(p, UNIT);
	return ret;
}

static int chaos_rw(struct thread *t, int fd, int tag, bool write)
{
	size_t off = rng_below(&t->rng, CHAOS_MAX);
	size_t len = 1 + rng_below(&t->rng, UNIT);
	ssize_t n;

	if (write) {
		memset(t->tmp, tag, len);
		n = pwrite(fd, t->tmp, len, off);
		return n < 0 ? refused("pwrite", errno, ENOSPC) : 0;
	}
	n = pread(fd, t->tmp, len, off);
	return n < 0 ? complain("pread: %s", strerror(errno)) :
		       chaos_check(t->tmp, n, tag);
}

static int chaos_space(struct thread *t, int fd, int mode)
{
	size_t off = rng_below(&t->rng, CHAOS_MAX);
	size_t len = 1 + rng_below(&t->rng, 2 * UNIT);

	if (rng_below(&t->rng, 2)) {
		off = off / UNIT * UNIT;
		len = (len + UNIT - 1) / UNIT * UNIT;
	}
	if (!fallocate(fd, mode, off, len))
		return 0;
	if (mode & FALLOC_FL_PUNCH_HOLE)
		return complain("punch: %s", strerror(errno));
	return refused("fallocate", errno, ENOSPC);
}

static int chaos(struct thread *t)
{
	int k = rng_below(&t->rng, CHAOS), tag = 0x90 + k, fd, ret = 0;
	char path[128];

	snprintf(path, sizeof(path), "%s/chaos%d", t->dir, k);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return complain("%s: %s", path, strerror(errno));
	switch (rng_below(&t->rng, 9)) {
	case 0:
	case 1:
		ret = chaos_rw(t, fd, tag, true);
		break;
	case 2:
		ret = chaos_rw(t, fd, tag, false);
		break;
	case 3:
		ret = chaos_space(t, fd, 0);
		break;
	case 4:
		ret = chaos_space(t, fd, FALLOC_FL_KEEP_SIZE);
		break;
	case 5:
		ret = chaos_space(t, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
		break;
	case 6:
		if (ftruncate(fd, rng_below(&t->rng, CHAOS_MAX)))
			ret = complain("ftruncate: %s", strerror(errno));
		break;
	case 7:
		ret = chaos_map(t, fd, tag);
		break;
	case 8:
		if (unlink(path) && errno != ENOENT)
			ret = complain("unlink: %s", strerror(errno));
		break;
	}
	close(fd);
	return ret;
}

/* --- a worker --- */

static int join(struct cg *cg)
{
	int ret = cg_join(cg);

	return ret ? complain("joining %s: %s", cg->path, strerror(-ret)) : 0;
}

static void home_of(struct thread *t, struct cg *cg)
{
	snprintf(cg->path, sizeof(cg->path), "%.120s/w%d", t->top.path, t->worker);
}

/* On to a new cgroup; the old one goes, and what it is charged for stays. */
static int hop(struct thread *t)
{
	struct cg old = t->hop, home;
	char name[32];
	int ret;

	home_of(t, &home);
	t->hop.path[0] = '\0';
	if (rng_below(&t->rng, 4)) {
		snprintf(name, sizeof(name), "h%d.%d", t->worker, t->hops++);
		ret = cg_make(&t->hop, &t->top, name);
		if (ret)
			return complain("new cgroup: %s", strerror(-ret));
		cg_limit(&t->hop, "2MB", (4 + rng_below(&t->rng, 30)) * UNIT);
	}
	__sync_fetch_and_add(&shared->hops, 1);
	if (join(t->hop.path[0] ? &t->hop : &home))
		return -1;
	/* A child of the other thread may still be in there. */
	if (old.path[0] && !eventually(!rmdir(old.path), 60))
		return complain("rmdir %s: %s", old.path, strerror(errno));
	return 0;
}

static int (* const own_ops[])(struct thread *) = {
	own_pwrite, own_pwrite, own_read, own_read, own_store, own_store, own_load,
	own_punch, own_remove, own_fallocate, own_views, own_private, own_fork,
};

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	int ret = 0;

	while (!shared->stop && !ret) {
		if (!t->mount && !rng_below(&t->rng, 40))
			ret = hop(t);
		else if (rng_below(&t->rng, 3))
			ret = own_ops[rng_below(&t->rng, ARRAY_SIZE(own_ops))](t);
		else
			ret = chaos(t);
		__sync_fetch_and_add(&shared->ops, 1);
	}
	return NULL;
}

/* All that is ours, at the end of it all. */
static int verify_all(struct thread *t)
{
	size_t off, len;

	for (off = 0; off < OWNED; off += len) {
		len = piece_len(off);
		if (!owns(t->worker, off))
			continue;
		if (pread(t->fd, t->tmp, len, off) != (ssize_t)len)
			return complain("pread at the end: %s", strerror(errno));
		if (mismatch(t, "at the end", t->tmp, off, len))
			return -1;
	}
	return 0;
}

static int thread_init(struct thread *t, struct hp_env *env, int worker, int mount,
		       const char *dir, uint64_t seed)
{
	char path[128];

	*t = (struct thread){ env->top, worker, mount, dir,
			      seed + worker * MOUNTS + mount };
	snprintf(path, sizeof(path), "%s/owned", dir);
	t->fd = open(path, O_RDWR | O_CLOEXEC);
	t->shadow = calloc(1, OWNED);
	t->tmp = malloc(UNIT);
	return t->fd < 0 || !t->shadow || !t->tmp ? complain("setup of a worker") : 0;
}

static int worker_main(struct hp_env *env, int nr, const char * const *dirs,
		       uint64_t seed)
{
	struct sigaction sa = { .sa_handler = on_bus };
	struct thread t[MOUNTS];
	pthread_t id[MOUNTS];
	struct cg home;
	int i;

	sigaction(SIGBUS, &sa, NULL);
	for (i = 0; i < MOUNTS; i++)
		if (thread_init(&t[i], env, nr, i, dirs[i], seed))
			return 1;
	home_of(&t[0], &home);
	if (join(&home))
		return 1;
	for (i = 0; i < MOUNTS; i++)
		if (pthread_create(&id[i], NULL, thread_main, &t[i]))
			return complain("pthread_create");
	for (i = 0; i < MOUNTS; i++)
		pthread_join(id[i], NULL);
	if (t[0].hop.path[0] &&
	    (join(&home) || !eventually(!rmdir(t[0].hop.path), 60)))
		return complain("the last cgroup: %s", strerror(errno));
	for (i = 0; i < MOUNTS; i++)
		if (verify_all(&t[i]))
			return 1;
	return 0;
}

/* --- the weather --- */

static void random_limit(struct hp_env *env, uint64_t *rng)
{
	static const char * const keys[] = { "2MB", "2MB/node0", "2MB/node1" };
	const char *key = keys[rng_below(rng, ARRAY_SIZE(keys))];
	struct cg cg = env->top;
	char line[48];

	if (rng_below(rng, 4))
		snprintf(cg.path, sizeof(cg.path), "%.120s/w%d", env->top.path,
			 (int)rng_below(rng, WORKERS));
	if (rng_below(rng, 2)) {
		snprintf(line, sizeof(line), "%s max", key);
		cg_write(&cg, "memory.hugepool.max", line);
	} else {
		cg_limit(&cg, key, rng_below(rng, 32) * UNIT);
	}
}

/* Takes most of the pool, from no cgroup, or gives it back. */
static void random_hog(struct hp_env *env, uint64_t *rng)
{
	int fd = hp_open(env, "hog");

	if (fd < 0)
		return;
	if (rng_below(rng, 2)) {
		/* All of it goes together, or does not. */
		fallocate(fd, 0, 0, hp_sum("free") / UNIT * UNIT -
			  rng_below(rng, 16) * UNIT);
	} else {
		ftruncate(fd, 0);
	}
	close(fd);
}

static void weather_step(struct hp_env *env, uint64_t *rng)
{
	switch (rng_below(rng, 100)) {
	case 0:
		wr_file("/proc/sys/vm/drop_caches", "2");
		break;
	case 1:
		wr_file("/proc/sys/vm/compact_memory", "1");
		break;
	case 2:
		cg_write(&env->top, "memory.reclaim", "4M");
		break;
	case 3 ... 19:
		wr_file(HP_SYSFS "/demote", rng_below(rng, 3) ? "1" : "0");
		break;
	case 20 ... 27:
		random_hog(env, rng);
		break;
	default:
		random_limit(env, rng);
	}
}

static int weather_main(struct hp_env *env, uint64_t seed)
{
	uint64_t rng = ~seed;
	char path[128];

	if (cg_join_root())
		return 1;
	while (!shared->stop) {
		weather_step(env, &rng);
		usleep(5000 + rng_below(&rng, 40000));
	}
	snprintf(path, sizeof(path), "%s/hog", env->dir);
	return unlink(path) && errno != ENOENT;
}

/* --- the test --- */

FIXTURE(stress) {
	struct hp_env env;
	char base[80];		/* where pool=2M+base is mounted */
	long long demote;
};

FIXTURE_SETUP(stress)
{
	/* Sizes beyond the pool: it is to run dry, not the mount. */
	HP_SETUP("pool=2M,size=4G");
	self->demote = rd_num(HP_SYSFS "/demote");
	snprintf(self->base, sizeof(self->base), "%s-base", self->env.dir);
	ASSERT_OK(mkdir(self->base, 0755));
	ASSERT_OK(hp_mount(self->base, "pool=2M+base,size=4G"));
}

FIXTURE_TEARDOWN_PARENT(stress)
{
	EXPECT_OK(wr_file(HP_SYSFS "/demote", self->demote ? "1" : "0"));
	EXPECT_OK(hp_umount(self->base));
	EXPECT_OK(rmdir(self->base));
	EXPECT_ENDED(&self->env);
}

static int make_owned(const char *dir)
{
	char path[128];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/owned", dir);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = ftruncate(fd, OWNED);
	close(fd);
	return ret;
}

/* What cgroups and files say they hold is what the pool has given. */
static const char *books_balance(struct hp_env *env)
{
	static char why[160];
	long long before = 0, used, held;

	for (int node = 0; node < env->before.nr; node++)
		before += env->before.node[node].used;
	used = hp_sum("used") - before;
	held = cg_hp(&env->top, "current", "2MB");
	if (used == held && used == cg_key(&env->top, "memory.stat", "hugepool"))
		return NULL;
	snprintf(why, sizeof(why), "used %lld, in memory.hugepool.current %lld, in memory.stat %lld",
		 used, held, cg_key(&env->top, "memory.stat", "hugepool"));
	return why;
}

TEST_F_TIMEOUT(stress, all_at_once, 1200)
{
	const char *dirs[MOUNTS] = { self->env.dir, self->base };
	pid_t pid[WORKERS], weather;
	uint64_t seed = run_seed();
	const char *why = NULL;
	char name[16];
	struct cg cg;
	double end;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	for (int i = 0; i < MOUNTS; i++)
		ASSERT_OK(make_owned(dirs[i]));
	for (int i = 0; i < WORKERS; i++) {
		snprintf(name, sizeof(name), "w%d", i);
		ASSERT_OK(cg_make(&cg, &self->env.top, name));
	}
	for (int i = 0; i < WORKERS; i++) {
		pid[i] = hp_fork();
		if (!pid[i])
			_exit(worker_main(&self->env, i, dirs, seed));
		ASSERT_LT(0, pid[i]);
	}
	weather = hp_fork();
	if (!weather)
		_exit(weather_main(&self->env, seed));
	ASSERT_LT(0, weather);

	for (end = now() + run_seconds(120, 120); now() < end && !shared->stop;)
		usleep(100000);
	shared->stop = 1;
	EXPECT_EQ(0, hp_wait(weather));
	for (int i = 0; i < WORKERS; i++) {
		EXPECT_EQ(0, hp_wait(pid[i]))
			TH_LOG("worker %d", i);
	}
	printf("# %lu operations, %lu refused, %lu changes of cgroup\n", shared->ops,
	       shared->refused, shared->hops);
	EXPECT_FALSE(shared->failed)
		TH_LOG("%s", shared->why);
	EXPECT_LT(0, shared->ops);
	EXPECT_EQ(0, cg_key(&self->env.top, "memory.events", "oom_kill"));
	/* The books are for once in one state only. */
	EXPECT_TRUE(eventually(!(why = books_balance(&self->env)), 10))
		TH_LOG("%s", why);
}

TEST_HARNESS_MAIN
