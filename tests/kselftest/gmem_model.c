// SPDX-License-Identifier: GPL-2.0
/*
 * hugepool-test: machine=kvm timeout=600
 *
 * A hundred random lives of a guest_memfd: created with blocks of one size or the
 * other, bound, allocated, written by guest and host, mapped, limited, punched and
 * closed. After each step what is held and what is read are compared with a model:
 * for each block, whether it is there and what was written to it last.
 *
 * The seed is printed; HUGEPOOL_SEED repeats a run.
 */
#include <linux/falloc.h>

#include "hp_test.h"
#include "gmem.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	400

#define RW		(PROT_READ | PROT_WRITE)
#define LIVES		100
#define STEPS		20
#define MAX_BLOCKS	16

struct model {
	const struct gmem_size *size;
	unsigned int nr, limit;
	uint64_t value[MAX_BLOCKS];	/* 0: nothing was written */
	bool there[MAX_BLOCKS];
};

struct world {
	struct hp_env *env;
	struct guest g;
	struct model m;
	int fd;
	unsigned char *p;
	uint64_t rng;
};

static unsigned int held(const struct model *m)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < m->nr; i++)
		nr += m->there[i];
	return nr;
}

/* The block comes into being, if it may: what that answers. */
static bool may_have(struct model *m, unsigned int i)
{
	if (!m->there[i] && held(m) >= m->limit)
		return false;
	m->there[i] = true;
	return true;
}

/* Some places of a block: a word in each of 64 parts. */
static struct guest_range words(const struct world *w, unsigned int i)
{
	unsigned long block = w->m.size->block;

	return (struct guest_range) {
		GUEST_TEST + i * block, 64, block / 64, w->m.value[i],
	};
}

static const char *guest_writes(struct world *w, unsigned int i)
{
	bool may = may_have(&w->m, i);
	struct guest_range r = words(w, i);
	int ret;

	r.value = rng_next(&w->rng) | 1;
	ret = guest_do(&w->g, rng_below(&w->rng, 2), GUEST_FILL, r, NULL);
	if (ret != (may ? 0 : -ENOMEM))
		return "guest writes";
	if (may)
		w->m.value[i] = r.value;
	return NULL;
}

static const char *guest_reads(struct world *w, unsigned int i)
{
	bool may = may_have(&w->m, i), zero = !w->m.value[i];
	uint64_t result = 0;
	int ret = guest_do(&w->g, rng_below(&w->rng, 2), zero ? GUEST_LOOK : GUEST_CHECK,
			   words(w, i), &result);

	if (ret != (may ? 0 : -ENOMEM))
		return "guest reads";
	return result ? "guest reads what was not written" : NULL;
}

static const char *host_writes(struct world *w, unsigned int i)
{
	bool may = may_have(&w->m, i);
	struct guest_range r = words(w, i);
	unsigned char *p = w->p + i * w->m.size->block;

	if (touch_read(p) != (may ? 0 : SIGBUS))
		return "host writes";
	if (!may)
		return NULL;
	r.value = rng_next(&w->rng) | 1;
	for (uint64_t n = 0; n < r.nr; n++)
		*(uint64_t *)(p + n * r.step) = guest_word(r.gpa + n * r.step, r.value);
	w->m.value[i] = r.value;
	return NULL;
}

static const char *host_reads(struct world *w, unsigned int i)
{
	bool may = may_have(&w->m, i);
	struct guest_range r = words(w, i);
	unsigned char *p = w->p + i * w->m.size->block;

	if (touch_read(p) != (may ? 0 : SIGBUS))
		return "host reads";
	for (uint64_t n = 0; may && n < r.nr; n++)
		if (*(uint64_t *)(p + n * r.step) !=
		    (r.value ? guest_word(r.gpa + n * r.step, r.value) : 0))
			return "host reads what was not written";
	return NULL;
}

/* Of a range some blocks may be there before the limit is met: those stay. */
static const char *allocate(struct world *w, unsigned int i, unsigned int nr)
{
	unsigned long block = w->m.size->block;
	bool may = true;

	for (unsigned int n = i; may && n < i + nr; n++)
		may = may_have(&w->m, n);
	errno = 0;
	fallocate(w->fd, FALLOC_FL_KEEP_SIZE, i * block, nr * block);
	if (errno != (may ? 0 : ENOMEM))
		return strerror(errno);
	return NULL;
}

static const char *punch(struct world *w, unsigned int i, unsigned int nr)
{
	unsigned long block = w->m.size->block;

	for (unsigned int n = i; n < i + nr; n++) {
		w->m.there[n] = false;
		w->m.value[n] = 0;
	}
	return fallocate(w->fd, GMEM_PUNCH, i * block, nr * block) ? "punch" : NULL;
}

static const char *remap(struct world *w)
{
	size_t len = w->m.nr * w->m.size->block;

	munmap(w->p, len);
	w->p = mmap(NULL, len, RW, MAP_SHARED, w->fd, 0);
	return w->p == MAP_FAILED ? "mmap" : NULL;
}

/* Taken out of the guest and put back: with other entries, but the same memory. */
static const char *rebind(struct world *w)
{
	size_t len = w->m.nr * w->m.size->block;

	if (gmem_slot(w->g.vm, 1, GUEST_TEST, 0, w->fd, 0, NULL) ||
	    gmem_slot(w->g.vm, 1, GUEST_TEST, len, w->fd, 0, NULL))
		return "slot";
	return NULL;
}

static const char *limit(struct world *w, unsigned int nr)
{
	w->m.limit = nr;
	return cg_limit(&w->env->cg, w->m.size->class, w->m.limit * w->m.size->block) ?
	       "limit" : NULL;
}

static const char *step(struct world *w)
{
	unsigned int i = rng_below(&w->rng, w->m.nr);
	unsigned int nr = 1 + rng_below(&w->rng, w->m.nr - i);

	switch (rng_below(&w->rng, 16)) {
	case 0: case 1: case 2:
		return guest_writes(w, i);
	case 3: case 4: case 5:
		return guest_reads(w, i);
	case 6: case 7:
		return host_writes(w, i);
	case 8: case 9:
		return host_reads(w, i);
	case 10: case 11:
		return allocate(w, i, nr);
	case 12: case 13:
		return punch(w, i, nr);
	case 14:
		return rng_below(&w->rng, 2) ? remap(w) : rebind(w);
	default:
		return limit(w, rng_below(&w->rng, w->m.nr + 1));
	}
}

static const char *born(struct world *w)
{
	/* Blocks of 1 GB take time to clear. */
	bool big = rng_below(&w->rng, 10) == 0;
	size_t len;

	w->m = (struct model) { .size = big ? &gmem_1g : &gmem_2m };
	w->m.nr = 1 + rng_below(&w->rng, big ? 3 : MAX_BLOCKS);
	len = w->m.nr * w->m.size->block;
	w->fd = gmem_create(w->g.vm, len, w->m.size->flags | GMEM_SHARED);
	if (w->fd < 0)
		return "create";
	if (gmem_slot(w->g.vm, 1, GUEST_TEST, len, w->fd, 0, NULL))
		return "bind";
	w->p = mmap(NULL, len, RW, MAP_SHARED, w->fd, 0);
	return w->p == MAP_FAILED ? "map" : limit(w, w->m.nr);
}

/* In any order. */
static const char *dies(struct world *w)
{
	size_t len = w->m.nr * w->m.size->block;
	bool early = rng_below(&w->rng, 2);

	if (early)
		close(w->fd);
	if (munmap(w->p, len))
		return "munmap";
	if (gmem_slot(w->g.vm, 1, GUEST_TEST, 0, -1, 0, NULL))
		return "unbind";
	if (!early)
		close(w->fd);
	return eventually(!gmem_held(&w->env->cg, w->m.size), 5) ? NULL : "close";
}

HP_FIXTURE(gmem_model, NULL);

TEST_F(gmem_model, a_hundred_lives)
{
	struct world w = { .env = &self->env, .rng = run_seed() };
	const char *why = NULL;
	unsigned long steps = 0;

	ASSERT_OK(guest_open(&w.g, KVM_X86_DEFAULT_VM, 2));
	for (int life = 0; !why && life < LIVES; life++) {
		why = born(&w);
		for (int n = 0; !why && n < STEPS; n++) {
			why = step(&w);
			steps++;
			if (!why && gmem_held(CG, w.m.size) != held(&w.m))
				why = "what is held";
		}
		if (!why)
			why = dies(&w);
		ASSERT_TRUE(!why)
			TH_LOG("life %d, step %lu: %s; %u of %u held, limit %u",
			       life, steps, why, held(&w.m), w.m.nr, w.m.limit);
	}
	TH_LOG("%lu steps", steps);
}

TEST_HARNESS_MAIN
