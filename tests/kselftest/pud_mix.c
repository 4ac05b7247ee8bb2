// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pud_mix.h"

int mix_complain(struct mix_shared *s, const char *fmt, ...)
{
	va_list ap;

	/* The first failure is the one that counts; it ends the run. */
	if (!__sync_lock_test_and_set(&s->failed, 1)) {
		va_start(ap, fmt);
		vsnprintf(s->why, sizeof(s->why), fmt, ap);
		va_end(ap);
	}
	s->stop = 1;
	return -1;
}

/* --- contents --- */

/* In ascending order only: nobody waits for one who waits for him. */
void mix_lock(struct mix_file *f, size_t first, size_t units)
{
	for (size_t i = first; i < first + units; i++)
		while (__sync_lock_test_and_set(&f->lock[i], 1))
			usleep(50);
}

void mix_unlock(struct mix_file *f, size_t first, size_t units)
{
	for (size_t i = first; i < first + units; i++)
		__sync_lock_release(&f->lock[i]);
}

/* Which file, which page, which generation: nothing else may ever be seen. */
uint64_t mix_stamp(const struct mix_shared *s, const struct mix_file *f,
		   size_t page, uint32_t gen)
{
	return gen ? (uint64_t)gen << 32 | (uint64_t)(f - s->file + 1) << 24 | page : 0;
}

static size_t word_of(size_t page)
{
	return page % UNIT_PAGES * 8;
}

static __thread sigjmp_buf guard;
static __thread volatile sig_atomic_t guarded;

static void on_fault(int sig)
{
	if (guarded)
		siglongjmp(guard, sig);
	signal(sig, SIG_DFL);
}

size_t mix_store(struct mix_at *at, unsigned char *p, uint32_t gen)
{
	struct mix_shared *s = at->t->p->s;
	volatile size_t done = 0;

	if (!sigsetjmp(guard, 1)) {
		guarded = 1;
		for (; done < at->nr; done++) {
			size_t page = at->page + done;

			*(volatile uint64_t *)(p + done * PAGE + word_of(page)) =
				mix_stamp(s, at->f, page, gen);
		}
	} else {
		__sync_fetch_and_add(&s->denied, 1);
	}
	guarded = 0;
	return done;
}

int mix_check(struct mix_at *at, const unsigned char *p, const char *how)
{
	struct mix_shared *s = at->t->p->s;
	volatile size_t done = 0;
	volatile uint64_t seen, want = 0;

	if (!sigsetjmp(guard, 1)) {
		guarded = 1;
		for (; done < at->nr; done++) {
			size_t page = at->page + done;

			seen = *(volatile uint64_t *)(p + done * PAGE + word_of(page));
			want = mix_stamp(s, at->f, page, at->f->gen[page]);
			if (seen != want)
				break;
		}
	} else {
		__sync_fetch_and_add(&s->denied, 1);
		guarded = 0;
		return 0;
	}
	guarded = 0;
	__sync_fetch_and_add(&s->checked, done);
	if (done == at->nr)
		return 0;
	return mix_complain(s, "%s: pool=%s page %zu holds %#llx, not %#llx (process %d)",
			    how, at->f->opts, at->page + done, (unsigned long long)seen,
			    (unsigned long long)want, at->t->p->nr);
}

const char *mix_verify(struct mix_shared *s)
{
	static unsigned char buf[1 << 20];
	struct mix_file *f;
	char path[128];
	int fd;

	for (f = s->file; f < s->file + MIX_FILES; f++) {
		snprintf(path, sizeof(path), "%s/f", f->dir);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		for (size_t page = 0; page < f->units * UNIT_PAGES; page++) {
			size_t at = page % (sizeof(buf) / PAGE);
			uint64_t *word;

			if (!at && pread(fd, buf, sizeof(buf), page * PAGE) != sizeof(buf))
				return "a file cannot be read at the end";
			word = (uint64_t *)(buf + at * PAGE + word_of(page));
			if (*word == mix_stamp(s, f, page, f->gen[page]))
				continue;
			snprintf(s->why, sizeof(s->why),
				 "at the end: %s page %zu holds %#llx, not generation %u",
				 f->opts, page, (unsigned long long)*word, f->gen[page]);
			return s->why;
		}
		close(fd);
	}
	return NULL;
}

/* --- allocations that fail --- */

void mix_inject(struct mix_thread *t, int on)
{
	if (!t->p->s->inject)
		return;
	/* It may be the buffer of this very write that cannot be had. */
	for (int i = 0; i < 1000; i++)
		if (pwrite(t->fail_fd, on ? "1" : "0", 1, 0) == 1)
			return;
	mix_complain(t->p->s, "make-it-fail: %s", strerror(errno));
}

/* --- mappings --- */

/* Where the view's first page is in one of its places. */
unsigned char *mix_place(struct mix_view *v, int which)
{
	return v->place[which] + v->first * UNIT + v->skew;
}

static const struct {
	int file;
	size_t first, units, skew;
} views[MIX_VIEWS] = {
	{ 0, 0, GB_UNITS, 0 },		/* one entry each, if all goes well */
	{ 1, 0, GB_UNITS, 0 },
	{ 2, 0, 0, 0 },
	{ 0, 0, GB_UNITS, UNIT },	/* 2 MB entries */
	{ 1, 192, 128, 0 },
	{ 1, 5, 16, PAGE },		/* pages */
};

static int make_view(struct mix_proc *p, int nr)
{
	struct mix_view *v = &p->view[nr];
	int file = views[nr].file;

	pthread_rwlock_init(&v->lock, NULL);
	v->f = &p->s->file[file];
	v->first = views[nr].first;
	v->units = views[nr].units ?: v->f->units;
	v->skew = views[nr].skew;
	v->place[0] = reserve_place(GB + UNIT);
	v->place[1] = reserve_place(GB + UNIT);
	if (!v->place[0] || !v->place[1])
		return -ENOMEM;
	if (mmap(mix_place(v, 0), v->units * UNIT, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, p->fd[file], v->first * UNIT) == MAP_FAILED)
		return -errno;
	return 0;
}

/* --- processes --- */

static void *thread_main(void *arg)
{
	struct mix_thread *t = arg;

	t->fail_fd = open("/proc/thread-self/make-it-fail", O_RDWR | O_CLOEXEC);
	if (t->p->s->inject && t->fail_fd < 0)
		mix_complain(t->p->s, "no make-it-fail");
	while (!t->p->s->stop) {
		mix_op(t);
		__sync_fetch_and_add(&t->p->s->ops, 1);
	}
	return NULL;
}

static int proc_main(struct mix_shared *s, int nr, uint64_t seed)
{
	struct sigaction sa = { .sa_handler = on_fault };
	struct mix_thread t[MIX_THREADS];
	static struct mix_proc p;
	pthread_t id[MIX_THREADS];
	char path[128];
	int i, ret = 0;

	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	p = (struct mix_proc){ .s = s, .nr = nr, .seed = seed };
	for (i = 0; i < MIX_FILES; i++) {
		snprintf(path, sizeof(path), "%s/f", s->file[i].dir);
		p.fd[i] = open(path, O_RDWR | O_CLOEXEC);
	}
	p.disk = direct_disk(2 * MIX_THREADS * UNIT);
	if (p.disk < 0)
		return mix_complain(s, "no disk: %s", strerror(-p.disk));
	for (i = 0; i < MIX_VIEWS && !ret; i++)
		ret = make_view(&p, i);
	if (ret)
		return mix_complain(s, "view %d: %s", i, strerror(-ret));
	for (i = 0; i < MIX_THREADS; i++) {
		t[i] = (struct mix_thread){ &p, i, seed + nr * MIX_THREADS + i };
		t[i].spot = reserve_place(GB);
		if (!t[i].spot || posix_memalign((void **)&t[i].tmp, UNIT, UNIT) ||
		    !memset(t[i].tmp, 1, UNIT) ||
		    pthread_create(&id[i], NULL, thread_main, &t[i]))
			return mix_complain(s, "thread");
	}
	for (i = 0; i < MIX_THREADS; i++)
		pthread_join(id[i], NULL);
	return 0;
}

/* Somebody who looks at the others from outside, and makes some weather. */
static int watcher_main(struct mix_shared *s, const pid_t *pid, uint64_t rng)
{
	static const char * const files[] = {
		"smaps", "smaps_rollup", "numa_maps", "pagemap", "status",
	};
	static char buf[256 * KB];
	char path[64];

	while (!s->stop) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/%s",
			 pid[rng_below(&rng, MIX_PROCS)],
			 files[rng_below(&rng, sizeof(files) / sizeof(files[0]))]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 && s->stop)
			break;
		if (fd < 0)
			return mix_complain(s, "%s: %s", path, strerror(errno));
		/* Of pagemap, what lies at the top of the address space. */
		if (strstr(path, "pagemap"))
			lseek(fd, (0x7ffUL << 36) / PAGE * 8 + rng_below(&rng, GB) / 8 * 8,
			      SEEK_SET);
		for (int i = 0; i < 64 && read(fd, buf, sizeof(buf)) > 0; i++)
			;
		close(fd);
		if (!rng_below(&rng, 10))
			wr_file(HP_SYSFS "/demote", rng_below(&rng, 2) ? "1" : "0");
		if (!rng_below(&rng, 40))
			wr_file("/proc/sys/vm/compact_memory", "1");
		if (!rng_below(&rng, 20))
			wr_file("/proc/sys/vm/drop_caches", "2");
		usleep(20000);
	}
	return wr_file(HP_SYSFS "/demote", "0");
}

int mix_begin(struct mix_shared *s, struct hp_env *env)
{
	static const struct {
		const char *opts;
		size_t units;
	} files[MIX_FILES] = {
		{ "pool=1G", GB_UNITS }, { "pool=1G+2M", GB_UNITS }, { "pool=2M", 32 },
	};
	char path[128];
	int fd, ret;

	for (int i = 0; i < MIX_FILES; i++) {
		struct mix_file *f = &s->file[i];

		f->opts = files[i].opts;
		f->units = files[i].units;
		snprintf(f->dir, sizeof(f->dir), "%s.%d", env->dir, i);
		if (mkdir(f->dir, 0755))
			return -errno;
		snprintf(path, sizeof(path), "%s,size=8G", f->opts);
		ret = hp_mount(f->dir, path);
		if (ret)
			return ret;
		snprintf(path, sizeof(path), "%s/f", f->dir);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || ftruncate(fd, f->units * UNIT))
			return -errno;
		close(fd);
	}
	return 0;
}

int mix_end(struct hp_env *env)
{
	char dir[80];
	int ret = 0;

	for (int i = 0; i < MIX_FILES; i++) {
		snprintf(dir, sizeof(dir), "%s.%d", env->dir, i);
		if (access(dir, F_OK))
			continue;
		ret = hp_umount(dir) ?: ret;
		if (rmdir(dir))
			ret = -errno;
	}
	return ret;
}

int mix_run(struct mix_shared *s, double seconds, uint64_t seed)
{
	pid_t pid[MIX_PROCS], watcher;
	double end = now() + seconds;
	int ret = 0;

	for (int i = 0; i < MIX_PROCS; i++) {
		pid[i] = hp_fork();
		if (!pid[i])
			_exit(!!proc_main(s, i, seed));
	}
	watcher = hp_fork();
	if (!watcher)
		_exit(!!watcher_main(s, pid, ~seed));
	while (now() < end && !s->stop)
		usleep(100000);
	s->stop = 1;
	for (int i = 0; i < MIX_PROCS; i++)
		ret = hp_wait(pid[i]) ?: ret;
	ret = hp_wait(watcher) ?: ret;
	if (ret)
		mix_complain(s, "a process ended with %d", ret);
	return s->failed;
}
