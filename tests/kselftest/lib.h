/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every hugepool selftest needs: reading the pool's counters, a cgroup of
 * its own, a mount of its own, and the proof that all of it is given back.
 *
 * Nothing here knows the test harness, so that helpers can also run in forked
 * children; functions report failure by value (0 or -errno unless said
 * otherwise) and the test asserts on it.
 */
#ifndef HUGEPOOL_TESTS_LIB_H
#define HUGEPOOL_TESTS_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KB		1024UL
#define MB		(1UL << 20)
#define UNIT		(2UL * MB)
#define HP_SYSFS	"/sys/kernel/mm/hugepool"
#define CG_ROOT		"/sys/fs/cgroup"
#define HP_MAX_NODES	8

/* Newer than, or left out of, the C library's headers. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif
#ifndef MADV_HWPOISON
#define MADV_HWPOISON		100
#endif

/* --- small files --- */
int rd_file(const char *path, char *buf, size_t len);
int wr_file(const char *path, const char *val);
/* A whole-file number; -errno when it cannot be read. */
long long rd_num(const char *path);
/* The number after "<key> " or "<key>: " at a line's start; -ENOENT if none. */
long long rd_key(const char *path, const char *key);
/* The number after "<col>=" in the line that starts with @key. */
long long rd_col(const char *path, const char *key, const char *col);

/* --- the pool --- */
struct hp_node {
	long long total, free, used, reserved, poisoned;
	long long total_2m, free_2m, used_2m;
	long long total_1g, free_1g, used_1g, broken;
};

struct hp_pool {
	int nr;
	struct hp_node node[HP_MAX_NODES];
};

int hp_nr_nodes(void);
void hp_read(struct hp_pool *pool);
long long hp_attr(int node, const char *attr);
/* One attribute summed over all nodes. */
long long hp_sum(const char *attr);
/* NULL when every counter equals @want within @seconds, else what differs. */
const char *hp_settled(const struct hp_pool *want, int seconds);
long long vm_event(const char *name);

/* --- cgroups --- */
struct cg {
	char path[160];
};

int cg_make(struct cg *cg, const struct cg *parent, const char *name);
int cg_remove(struct cg *cg);
int cg_join(const struct cg *cg);
int cg_join_root(void);
/* @file is the name after the directory, e.g. "memory.hugepool.max". */
int cg_write(const struct cg *cg, const char *file, const char *val);
long long cg_num(const struct cg *cg, const char *file);
long long cg_key(const struct cg *cg, const char *file, const char *key);
/* memory.hugepool.<file>: the value of a key, LLONG_MAX for "max". */
long long cg_hp(const struct cg *cg, const char *file, const char *key);
int cg_limit(const struct cg *cg, const char *key, unsigned long bytes);
/* memory.hugepool.min */
int cg_promise(const struct cg *cg, const char *key, unsigned long bytes);
long long cg_event(const struct cg *cg, const char *event);
long long cg_event_local(const struct cg *cg, const char *event);

/* --- one test's world --- */
struct hp_env {
	char dir[64];
	bool mounted;
	struct cg top;		/* empty, passes memory and cpuset on */
	struct cg cg;		/* child of top, where the test runs */
	struct hp_pool before;
};

/*
 * Notes the pool, makes two nested cgroups, joins the lower one, and mounts a
 * tmpfs with @opts on env->dir (no mount when @opts is NULL).
 */
int hp_begin(struct hp_env *env, const char *opts);
/* Takes it all down; NULL, or what was not as found. Any process may call it. */
const char *hp_end(struct hp_env *env);
int hp_mount(const char *dir, const char *opts);
int hp_umount(const char *dir);
/* Opens (and creates) dir/name; -errno. */
int hp_open(const struct hp_env *env, const char *name);
/* Same, truncated to @size. */
int hp_open_sized(const struct hp_env *env, const char *name, off_t size);

/*
 * Leaves exactly @leave bytes free on @node (-1: on the machine), holding the
 * rest in a file "hog" allocated from the root cgroup. hp_unhog() frees it.
 */
int hp_hog(struct hp_env *env, int node, unsigned long leave);
int hp_unhog(struct hp_env *env);

/* --- processes --- */
/* Forks; the child dies with its parent. */
pid_t hp_fork(void);
/* Exit status of @fn(@arg) run in a child in @cg (NULL: where we are); */
/* 128 + signal when it was killed. */
int hp_run(const struct cg *cg, int (*fn)(void *), void *arg);
int hp_wait(pid_t pid);
/* Runs a program, output thrown away; exit status. */
int hp_exec(const char *file, ...);
/* 0, or the signal (SIGBUS, SIGSEGV) that touching @p gave. */
int touch_write(volatile unsigned char *p, unsigned char val);
int touch_read(volatile unsigned char *p);

/* --- mapping facts --- */
/* A kB field of the smaps entry of the VMA that holds @addr, in bytes. */
long long smaps_field(const void *addr, const char *field);
/* Pages on @node in the numa_maps line of the VMA starting at @addr. */
long long numa_maps_pages(const void *addr, int node);
long long file_blocks(int fd);
/* The frame behind an address of ours that is mapped; 0 when none is. */
unsigned long pfn_of(const void *addr);

/* --- determinism --- */
uint64_t rng_next(uint64_t *state);
uint64_t rng_below(uint64_t *state, uint64_t n);
void pattern_fill(void *buf, size_t len, uint64_t seed);
/* Offset of the first byte that is not @want; @len if all are. */
size_t first_not(const void *buf, size_t len, unsigned char want);
double now(void);

/* Waits for @cond, at most @seconds; true when it came. */
#define eventually(cond, seconds) ({					\
	double __end = now() + (seconds);				\
	bool __ok;							\
	while (!(__ok = (cond)) && now() < __end)			\
		usleep(20000);						\
	__ok; })

#endif
