/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pool's core in userspace: what the parts of this program share. See run
 * for what it proves.
 */
#ifndef _SIM_H
#define _SIM_H

#include <stdio.h>
#include <stdlib.h>

#include "account.h"
#include "core.h"
#include "tests/random.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* Nodes of the random worlds. Number 1 has no pool in some of them. */
#define SIM_NIDS		4
#define SIM_WINDOWS		7

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
	return hp_random_next(&rng->state);
}

/* A number below @limit. */
static inline unsigned long rng_below(struct rng *rng, unsigned long limit)
{
	return hp_random_below(&rng->state, limit);
}

static inline bool rng_one_in(struct rng *rng, unsigned long n)
{
	return !rng_below(rng, n);
}

/* Where the random part is, and what started it. */
extern unsigned long long sim_seed;
extern unsigned long sim_op;

/* Ends the run with a failed row: says why, and how to get there again. */
void sim_failed(const char *file, int line, const char *what)
	__attribute__((noreturn));

#define sim_check(cond) do {						\
	if (!(cond))							\
		sim_failed(__FILE__, __LINE__, #cond);			\
} while (0)

/* One row of TAP. @why may be NULL, and is shown when @ok is false. */
void tap_row(bool ok, const char *kind, const char *name, const char *why);

void *sim_alloc(size_t size);

/* directed.c: the tables that KUnit runs as well. */
unsigned int directed_rows(void);
void directed_run(void);

/* text.c: the parsers against random text. */
void text_random(struct rng *rng, unsigned long strings);

/* random.c: random operations on random worlds against the models. */
void random_run(struct rng *rng, unsigned long ops, bool covered);

/* threads.c: guarantees while several threads draw on the pools. */
void threads_run(unsigned long long seed, unsigned long seconds);

#endif /* _SIM_H */
