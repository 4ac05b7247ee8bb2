// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <numaif.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pud_mix.h"

#define RW	(PROT_READ | PROT_WRITE)

static uint64_t below(struct mix_at *at, uint64_t n)
{
	return rng_below(&at->t->rng, n);
}

static uint32_t new_gen(struct mix_at *at)
{
	return __sync_add_and_fetch(&at->t->p->s->next_gen, 1);
}

static void set_gen(struct mix_at *at, size_t nr, uint32_t gen)
{
	for (size_t i = 0; i < nr; i++)
		at->f->gen[at->page + i] = gen;
}

/*
 * A call that failed: want of memory is allowed where allocations are made to
 * fail, and @allowed always. Neither may have changed anything.
 */
static int failed(struct mix_at *at, const char *what, int err, int allowed)
{
	struct mix_shared *s = at->t->p->s;

	if (err == allowed) {
		__sync_fetch_and_add(&s->refused, 1);
		return 1;
	}
	if (s->inject && (err == ENOMEM || err == EAGAIN || err == ENOSPC ||
			  err == EFAULT || err == ENOBUFS)) {
		__sync_fetch_and_add(&s->nomem, 1);
		return 1;
	}
	return mix_complain(s, "%s: %s: %s", at->f->opts, what, strerror(err));
}

/* A range of the view that has nothing to do with any unit. */
static unsigned char *random_range(struct mix_at *at, size_t *len, size_t *off)
{
	size_t pages = at->v->units * UNIT_PAGES, from, nr;

	switch (below(at, 16)) {
	case 0:				/* all of it */
		from = 0;
		nr = pages;
		break;
	case 1 ... 5:			/* a page */
		from = below(at, pages);
		nr = 1;
		break;
	case 6 ... 10:			/* some units */
		from = below(at, at->v->units) * UNIT_PAGES;
		nr = UNIT_PAGES * (1 + below(at, 8));
		break;
	default:
		from = below(at, pages);
		nr = 1 + below(at, 5 * UNIT_PAGES);
	}
	if (nr > pages - from)
		nr = pages - from;
	*len = nr * PAGE;
	*off = at->v->first * UNIT + from * PAGE;
	return mix_place(at->v, at->v->at) + from * PAGE;
}

/* --- with the lock of the unit --- */

static void op_store(struct mix_at *at)
{
	uint32_t gen = new_gen(at);

	set_gen(at, mix_store(at, at->p, gen), gen);
	mix_inject(at->t, 0);
	mix_check(at, at->p, "stored");
}

static void op_load(struct mix_at *at)
{
	mix_check(at, at->p, "load");
}

/* The pages in memory of our own, as they are to be. */
static uint32_t fill_tmp(struct mix_at *at)
{
	uint32_t gen = new_gen(at);

	memset(at->t->tmp, 0, at->nr * PAGE);
	mix_store(at, at->t->tmp, gen);
	return gen;
}

static void op_pwrite(struct mix_at *at)
{
	uint32_t gen = fill_tmp(at);
	ssize_t n = pwrite(at->fd, at->t->tmp, at->nr * PAGE, at->page * PAGE);

	if (n < 0)
		failed(at, "pwrite", errno, ENOSPC);
	else
		/* Cut short inside of a page, its word may be in or not. */
		set_gen(at, n / PAGE, gen);
	if (n > 0 && n % PAGE)
		mix_complain(at->t->p->s, "pwrite cut short at %zd", n);
}

static void op_pread(struct mix_at *at)
{
	ssize_t n = pread(at->fd, at->t->tmp, at->nr * PAGE, at->page * PAGE);

	if (n == (ssize_t)(at->nr * PAGE))
		mix_check(at, at->t->tmp, "pread");
	else
		failed(at, "pread", n < 0 ? errno : EIO, 0);
}

static void op_process_vm(struct mix_at *at)
{
	struct iovec local = { at->t->tmp, at->nr * PAGE };
	struct iovec remote = { at->p, at->nr * PAGE };
	uint32_t gen = 0;
	bool in = below(at, 2);
	ssize_t n;

	if (in) {
		gen = fill_tmp(at);
		n = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
	} else {
		n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	}
	/* Read-only or refused for the moment: up to there. */
	if (n < 0)
		failed(at, "process_vm", errno, EFAULT);
	else if (in)
		set_gen(at, n / PAGE, gen);
	else if (n == (ssize_t)local.iov_len)
		mix_check(at, at->t->tmp, "process_vm_readv");
}

/* Out to a disk and in again, by the pages of the mapping themselves. */
static void op_direct(struct mix_at *at)
{
	struct mix_proc *p = at->t->p;
	size_t len = at->nr * PAGE;
	off_t where = at->t->nr * UNIT;
	uint32_t gen;
	ssize_t n;

	if (below(at, 2)) {
		n = pwrite(p->disk, at->p, len, where);
		mix_inject(at->t, 0);
		if (n == (ssize_t)len && pread(p->disk, at->t->tmp, len, where) == n)
			mix_check(at, at->t->tmp, "direct out");
		else if (n < 0)
			failed(at, "direct write", errno, EFAULT);
		return;
	}
	mix_inject(at->t, 0);
	gen = fill_tmp(at);
	if (pwrite(p->disk, at->t->tmp, len, where) != (ssize_t)len)
		return;
	mix_inject(at->t, 1);
	n = pread(p->disk, at->p, len, where);
	if (n < 0 && failed(at, "direct read", errno, EFAULT) < 0)
		return;
	/*
	 * What has arrived of a failed one nobody says: all of it, once more.
	 * If that is refused, the unit is a hole, and nothing has.
	 */
	mix_inject(at->t, 0);
	if (n != (ssize_t)len)
		n = pwrite(at->fd, at->t->tmp, len, at->page * PAGE);
	if (n == (ssize_t)len)
		set_gen(at, at->nr, gen);
}

static void op_fork(struct mix_at *at)
{
	uint32_t gen = new_gen(at);
	pid_t pid = fork();
	int ret;

	if (!pid) {
		if (mix_check(at, at->p, "in a child"))
			_exit(3);
		_exit(mix_store(at, at->p, gen) == at->nr ? 0 : 4);
	}
	if (pid < 0) {
		failed(at, "fork", errno, 0);
		return;
	}
	mix_inject(at->t, 0);
	ret = hp_wait(pid);
	if (!ret) {
		set_gen(at, at->nr, gen);
		mix_check(at, at->p, "stored by a child");
	} else if (ret == 4) {
		/* Denied, some of it: what is there is there. */
		op_pwrite(at);
	} else {
		mix_complain(at->t->p->s, "a child ended with %d", ret);
	}
}

/*
 * A mapping wherever there is room. Where allocations fail there may be room in
 * a view for a moment, so then always in the same place.
 */
static void *map_anywhere(struct mix_at *at, size_t len, int flags, off_t off)
{
	bool fixed = at->t->p->s->inject;

	return mmap(fixed ? at->t->spot : NULL, len, RW,
		    flags | (fixed ? MAP_FIXED : 0), at->fd, off);
}

static void unmap(struct mix_at *at, void *p, size_t len)
{
	if (!munmap(p, len))
		return;
	failed(at, "munmap", errno, 0);
	/* Without memory for it, it stays; not for long. */
	mix_inject(at->t, 0);
	if (munmap(p, len))
		mix_complain(at->t->p->s, "munmap: %s", strerror(errno));
}

/* By a mapping that nobody has touched yet. */
static void op_fresh(struct mix_at *at)
{
	unsigned char *p = map_anywhere(at, at->f->units * UNIT, MAP_SHARED, 0);
	unsigned char *q = p + at->page * PAGE;
	uint32_t gen = new_gen(at);

	if (p == MAP_FAILED) {
		failed(at, "mmap", errno, 0);
		return;
	}
	mix_check(at, q, "fresh mapping");
	set_gen(at, mix_store(at, q, gen), gen);
	mix_check(at, at->p, "stored by a fresh mapping");
	unmap(at, p, at->f->units * UNIT);
}

/* Copied on write, which the file must not see. */
static void op_private(struct mix_at *at)
{
	unsigned char *p = map_anywhere(at, UNIT, MAP_PRIVATE, at->unit * UNIT);
	unsigned char *q = p + at->page % UNIT_PAGES * PAGE;

	if (p == MAP_FAILED) {
		failed(at, "mmap", errno, 0);
		return;
	}
	mix_check(at, q, "private");
	mix_store(at, q, new_gen(at));
	mix_inject(at->t, 0);
	mix_check(at, at->p, "beside a private mapping");
	unmap(at, p, UNIT);
}

/* --- contents go away: with the locks of all units they may reach --- */

static void gone(struct mix_at *at, size_t page, size_t nr)
{
	memset(&at->f->gen[page], 0, nr * sizeof(at->f->gen[0]));
}

static void punch(struct mix_at *at, size_t page, size_t nr, bool by_address)
{
	unsigned char *p = mix_place(at->v, at->v->at) +
		(page - at->v->first * UNIT_PAGES) * PAGE;
	int ret = -1;

	if (by_address)
		ret = madvise(p, nr * PAGE, MADV_REMOVE);
	/* Where another thread has just locked a part, what is before it is gone. */
	if (!by_address || (ret && errno == EINVAL))
		ret = fallocate(at->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				page * PAGE, nr * PAGE);
	if (!ret)
		gone(at, page, nr);
	else
		failed(at, by_address ? "MADV_REMOVE" : "punch", errno, 0);
}

static void op_punch(struct mix_at *at)
{
	punch(at, at->page, at->nr, below(at, 2));
	mix_inject(at->t, 0);
	mix_check(at, at->p, "punched");
}

static void op_punch_units(struct mix_at *at)
{
	size_t left = at->v->first + at->v->units - at->unit;
	size_t units = 1 + below(at, left < 8 ? left : 8);

	mix_unlock(at->f, at->unit, 1);
	mix_lock(at->f, at->unit, units);
	punch(at, at->unit * UNIT_PAGES, units * UNIT_PAGES, below(at, 2));
	mix_unlock(at->f, at->unit + 1, units - 1);
	mix_inject(at->t, 0);
	mix_check(at, at->p, "punched by units");
}

/* Down to somewhere, perhaps nothing, and up again. */
static void op_truncate(struct mix_at *at)
{
	size_t units = at->f->units - at->unit, pages = at->page;

	mix_unlock(at->f, at->unit, 1);
	mix_lock(at->f, at->unit, units);
	if (ftruncate(at->fd, pages * PAGE)) {
		failed(at, "ftruncate", errno, 0);
		/* Some of it may have gone: do it without failures. */
		mix_inject(at->t, 0);
		if (ftruncate(at->fd, pages * PAGE))
			mix_complain(at->t->p->s, "ftruncate again: %s", strerror(errno));
	}
	mix_inject(at->t, 0);
	gone(at, pages, at->f->units * UNIT_PAGES - pages);
	if (ftruncate(at->fd, at->f->units * UNIT))
		mix_complain(at->t->p->s, "ftruncate up: %s", strerror(errno));
	mix_unlock(at->f, at->unit + 1, units - 1);
	mix_check(at, at->p, "truncated");
}

/* --- mappings only: with no lock at all --- */

static void op_mprotect(struct mix_at *at)
{
	size_t len, off;
	unsigned char *p = random_range(at, &len, &off);

	if (mprotect(p, len, below(at, 4) ? PROT_READ : PROT_NONE))
		failed(at, "mprotect", errno, 0);
	if (below(at, 2))
		usleep(below(at, 500));
	mix_inject(at->t, 0);
	if (mprotect(p, len, RW))
		mix_complain(at->t->p->s, "mprotect back: %s", strerror(errno));
}

static void op_advice(struct mix_at *at)
{
	static const struct {
		int advice, allowed;
	} advices[] = {
		/* EINVAL: another thread has just locked a part */
		{ MADV_DONTNEED, EINVAL }, { MADV_DONTNEED, EINVAL },
		{ MADV_DONTNEED, EINVAL },
		{ MADV_POPULATE_READ, EFAULT }, { MADV_POPULATE_WRITE, EFAULT },
		{ MADV_COLD, EINVAL }, { MADV_PAGEOUT, EINVAL }, { MADV_WILLNEED },
		{ MADV_COLLAPSE, EINVAL }, { MADV_RANDOM }, { MADV_NORMAL },
	};
	int i = below(at, sizeof(advices) / sizeof(advices[0]));
	size_t len, off;
	unsigned char *p = random_range(at, &len, &off);

	/* Where somebody has made it read-only, populating says EINVAL. */
	if (madvise(p, len, advices[i].advice) &&
	    !(advices[i].allowed == EFAULT && (errno == EINVAL || errno == ENOMEM)))
		failed(at, "madvise", errno, advices[i].allowed);
}

/* Another mapping in its place, and it is the same. */
static void op_replace(struct mix_at *at)
{
	size_t len, off;
	unsigned char *p = random_range(at, &len, &off);

	if (mmap(p, len, RW, MAP_SHARED | MAP_FIXED, at->fd, off) != MAP_FAILED)
		return;
	failed(at, "mmap over a part", errno, 0);
	/* It may be gone; nobody else is given so small a place. */
	mix_inject(at->t, 0);
	if (mmap(p, len, RW, MAP_SHARED | MAP_FIXED, at->fd, off) == MAP_FAILED)
		mix_complain(at->t->p->s, "mmap again: %s", strerror(errno));
}

static void op_mlock(struct mix_at *at)
{
	size_t len, off;
	unsigned char *p = random_range(at, &len, &off);

	/* Not of all it has: a part may be PROT_NONE for the moment. */
	if (mlock(p, len) && errno != ENOMEM && errno != EAGAIN)
		failed(at, "mlock", errno, EFAULT);
	mix_inject(at->t, 0);
	if (munlock(p, len))
		mix_complain(at->t->p->s, "munlock: %s", strerror(errno));
}

static void op_fallocate(struct mix_at *at)
{
	size_t len, off;

	random_range(at, &len, &off);
	if (fallocate(at->fd, FALLOC_FL_KEEP_SIZE, off, len))
		failed(at, "fallocate", errno, ENOSPC);
}

static void op_mincore(struct mix_at *at)
{
	size_t len, off;
	unsigned char *p = random_range(at, &len, &off);

	if (mincore(p, len, at->t->tmp))
		failed(at, "mincore", errno, 0);
}

static void op_move_pages(struct mix_at *at)
{
	void *pages[8];
	int status[8], nodes[8], node = below(at, 2);

	for (int i = 0; i < 8; i++) {
		pages[i] = at->p + i * PAGE % UNIT;
		nodes[i] = node;
	}
	if (move_pages(0, 8, pages, below(at, 2) ? nodes : NULL, status,
		       MPOL_MF_MOVE) < 0)
		failed(at, "move_pages", errno, ENOENT);
}

static void op_mbind(struct mix_at *at)
{
	unsigned long mask = 1 + below(at, 3);
	size_t len, off;
	unsigned char *p = random_range(at, &len, &off);

	if (mbind(p, len, MPOL_PREFERRED, &mask, 8, below(at, 2) ? MPOL_MF_MOVE : 0))
		failed(at, "mbind", errno, EIO);
	mix_inject(at->t, 0);
	mbind(p, len, MPOL_DEFAULT, NULL, 0, 0);
}

static void op_proc(struct mix_at *at)
{
	static const char * const files[] = {
		"/proc/self/smaps", "/proc/self/numa_maps", "/proc/self/smaps_rollup",
	};
	int fd, i = below(at, 5);

	if (i > 2) {
		fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && pread(fd, at->t->tmp, UNIT_PAGES * 8,
				     (uintptr_t)at->p / PAGE * 8) < 0)
			failed(at, "pagemap", errno, 0);
	} else {
		fd = open(files[i], O_RDONLY | O_CLOEXEC);
		while (fd >= 0 && read(fd, at->t->tmp, UNIT) > 0)
			;
	}
	if (fd < 0)
		failed(at, "/proc", errno, 0);
	else
		close(fd);
	if (!below(at, 20))
		wr_file("/proc/self/clear_refs", below(at, 2) ? "1" : "4");
}

/* --- the mapping moves: with its own lock --- */

static void op_mremap(struct mix_at *at)
{
	struct mix_view *v = at->v;
	unsigned char *from = mix_place(v, v->at), *to = mix_place(v, !v->at), *p;
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	size_t len = v->units * UNIT;

	/* One mapping again, or mremap does not take it. */
	if (mmap(from, len, RW, MAP_SHARED | MAP_FIXED, at->fd, v->first * UNIT) ==
	    MAP_FAILED) {
		failed(at, "mmap", errno, 0);
		goto restore;
	}
	if (below(at, 2))
		flags |= MREMAP_DONTUNMAP;
	p = mremap(from, len, len, flags, to);
	if (p == MAP_FAILED) {
		failed(at, "mremap", errno, 0);
		goto restore;
	}
	v->at = !v->at;
	mix_inject(at->t, 0);
	/* What is left there shall be nobody's. */
	p = mmap(from, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
		 (flags & MREMAP_DONTUNMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE), -1, 0);
	if (p != from) {
		v->place[!v->at] = reserve_place(GB + UNIT);
		if (!v->place[!v->at])
			mix_complain(at->t->p->s, "no place: %s", strerror(errno));
	}
	return;
restore:
	mix_inject(at->t, 0);
	if (mmap(mix_place(v, v->at), len, RW, MAP_SHARED | MAP_FIXED, at->fd,
		 v->first * UNIT) == MAP_FAILED)
		mix_complain(at->t->p->s, "mmap again: %s", strerror(errno));
}

enum lock { NONE, UNIT_LOCK, VIEW_LOCK };

static const struct {
	void (*op)(struct mix_at *at);
	enum lock lock;
	int weight;
} ops[] = {
	{ op_store, UNIT_LOCK, 20 }, { op_load, UNIT_LOCK, 14 },
	{ op_pwrite, UNIT_LOCK, 6 }, { op_pread, UNIT_LOCK, 6 },
	{ op_process_vm, UNIT_LOCK, 6 }, { op_direct, UNIT_LOCK, 5 },
	{ op_fork, UNIT_LOCK, 2 }, { op_fresh, UNIT_LOCK, 6 },
	{ op_private, UNIT_LOCK, 3 }, { op_punch, UNIT_LOCK, 4 },
	{ op_punch_units, UNIT_LOCK, 3 }, { op_truncate, UNIT_LOCK, 1 },
	{ op_mprotect, NONE, 8 }, { op_advice, NONE, 10 }, { op_replace, NONE, 6 },
	{ op_mlock, NONE, 3 }, { op_fallocate, NONE, 3 }, { op_mincore, NONE, 2 },
	{ op_move_pages, NONE, 2 }, { op_mbind, NONE, 2 }, { op_proc, NONE, 2 },
	{ op_mremap, VIEW_LOCK, 4 },
};

static int pick(struct mix_at *at)
{
	int sum = 0, i, n = sizeof(ops) / sizeof(ops[0]);

	for (i = 0; i < n; i++)
		sum += ops[i].weight;
	sum = below(at, sum);
	for (i = 0; sum >= ops[i].weight; i++)
		sum -= ops[i].weight;
	return i;
}

void mix_op(struct mix_thread *t)
{
	struct mix_proc *p = t->p;
	struct mix_at at = { .t = t };
	bool locked = false;
	int i;

	at.v = &p->view[rng_below(&t->rng, MIX_VIEWS)];
	at.f = at.v->f;
	at.fd = p->fd[at.f - p->s->file];
	at.unit = at.v->first + rng_below(&t->rng, at.v->units);
	/* Half of the time where others are, too. */
	if (rng_below(&t->rng, 2))
		at.unit = at.v->first + rng_below(&t->rng, 4);
	at.page = rng_below(&t->rng, UNIT_PAGES);
	at.nr = 1 + rng_below(&t->rng, 32);
	if (at.nr > UNIT_PAGES - at.page)
		at.nr = UNIT_PAGES - at.page;
	at.page += at.unit * UNIT_PAGES;

	i = pick(&at);
	if (ops[i].lock == VIEW_LOCK)
		pthread_rwlock_wrlock(&at.v->lock);
	else
		pthread_rwlock_rdlock(&at.v->lock);
	at.p = mix_place(at.v, at.v->at) + (at.page - at.v->first * UNIT_PAGES) * PAGE;
	locked = ops[i].lock == UNIT_LOCK;
	if (locked)
		mix_lock(at.f, at.unit, 1);
	mix_inject(t, 1);
	ops[i].op(&at);
	mix_inject(t, 0);
	if (locked)
		mix_unlock(at.f, at.unit, 1);
	pthread_rwlock_unlock(&at.v->lock);
}
