/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything one can do to a mapping, at random, by several threads of several
 * processes on the same files, with contents that stay checkable: each 2 MB of a
 * file has a lock, which whoever changes or compares contents holds, and next to
 * it what each page must hold. Whatever changes mappings only takes no such lock
 * and meets everything else.
 */
#ifndef HUGEPOOL_TESTS_PUD_MIX_H
#define HUGEPOOL_TESTS_PUD_MIX_H

#include <pthread.h>

#include "pud.h"

#define MIX_FILES	3
#define MIX_VIEWS	6
#define MIX_PROCS	3
#define MIX_THREADS	2
#define UNIT_PAGES	(UNIT / PAGE)

/* A file: where it is, and what it must hold. */
struct mix_file {
	const char *opts;
	size_t units;
	char dir[80];
	volatile unsigned int lock[GB_UNITS];
	uint32_t gen[GB_PAGES];
};

struct mix_shared {
	struct mix_file file[MIX_FILES];
	volatile int stop;
	int failed, inject;
	char why[256];
	unsigned long ops, refused, denied, nomem, checked;
	uint32_t next_gen;
};

/* A mapping of part of a file, in one of two places set aside for it. */
struct mix_view {
	pthread_rwlock_t lock;	/* for writing: its place changes */
	struct mix_file *f;
	size_t first, units;	/* of the file */
	size_t skew;		/* of the address, against a fit for one entry */
	unsigned char *place[2];
	int at;
};

struct mix_proc {
	struct mix_shared *s;
	int nr, fd[MIX_FILES], disk;
	uint64_t seed;
	struct mix_view view[MIX_VIEWS];
};

struct mix_thread {
	struct mix_proc *p;
	int nr;
	uint64_t rng;
	unsigned char *tmp;	/* a unit */
	unsigned char *spot;	/* set aside for mappings of its own */
	int fail_fd;		/* make-it-fail */
};

/* One operation on pages @page to @page + @nr of the file, seen through @v. */
struct mix_at {
	struct mix_thread *t;
	struct mix_view *v;
	struct mix_file *f;
	int fd;
	size_t unit, page, nr;
	unsigned char *p;	/* where the view has them */
};

/* Mounts and fills in the files below env->dir; takes the mounts down. */
int mix_begin(struct mix_shared *s, struct hp_env *env);
int mix_end(struct hp_env *env);
/* Lets it run for @seconds; 0, or what is in s->why. */
int mix_run(struct mix_shared *s, double seconds, uint64_t seed);
/* Compares all of all files; NULL, or what is wrong. */
const char *mix_verify(struct mix_shared *s);

/* --- between pud_mix.c and pud_mix_ops.c --- */
void mix_op(struct mix_thread *t);
int mix_complain(struct mix_shared *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void mix_lock(struct mix_file *f, size_t first, size_t units);
void mix_unlock(struct mix_file *f, size_t first, size_t units);
uint64_t mix_stamp(const struct mix_shared *s, const struct mix_file *f,
		   size_t page, uint32_t gen);
/* Stores or compares by access; pages done before one was refused. */
size_t mix_store(struct mix_at *at, unsigned char *p, uint32_t gen);
int mix_check(struct mix_at *at, const unsigned char *p, const char *how);
unsigned char *mix_place(struct mix_view *v, int which);
void mix_inject(struct mix_thread *t, int on);

#endif
