/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtual machine so small that a test can say what its CPUs do, and which entries
 * KVM maps its memory by. Functions answer 0 (or a descriptor) or -errno.
 *
 * Also for tests/bench: this needs nothing of the other helpers.
 */
#ifndef HUGEPOOL_TESTS_GUEST_H
#define HUGEPOOL_TESTS_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/kvm.h>

/* --- without a virtual CPU --- */
int gmem_vm(unsigned long type);
int gmem_create(int vm, uint64_t size, uint64_t flags);
int gmem_slot(int vm, int slot, uint64_t gpa, uint64_t len, int fd, uint64_t off,
	      void *hva);
/* A statistic of a VM or of a virtual CPU, by its name. */
long long gmem_kvm_stat(int fd, const char *name);
/* KVM_MEMORY_ATTRIBUTE_PRIVATE or 0 for the range. */
int gmem_attributes(int vm, uint64_t gpa, uint64_t len, uint64_t attributes);

/* --- with some --- */
#define GUEST_CPUS	4
/* Guest physical memory below this is the guest's own, above it is the test's. */
#define GUEST_TEST	(4UL << 30)

/*
 * What a CPU of the guest can be told to do with @nr words, @step bytes apart.
 * A word that was written is its own address, XORed with a value.
 */
enum guest_job {
	GUEST_FILL,	/* write them */
	GUEST_CHECK,	/* result: how many are not as written */
	GUEST_LOOK,	/* result: all of them, ORed */
	GUEST_SPIN,	/* write them until told to stop; result: how often */
	GUEST_NR_JOBS,
};

struct guest_range {
	uint64_t gpa, nr, step, value;
};

struct guest {
	int vm;
	unsigned char *low;
	struct {
		int fd;
		struct kvm_run *run;
	} cpu[GUEST_CPUS];
};

int guest_open(struct guest *g, unsigned long type, int cpus);
void guest_close(struct guest *g);
/* -errno is what KVM_RUN said; -ENOEXEC: it came back for another reason. */
int guest_do(struct guest *g, int cpu, enum guest_job job, struct guest_range r,
	     uint64_t *result);
/* After one that failed: go on where it stood. */
int guest_go_on(struct guest *g, int cpu, uint64_t *result);
void guest_stop_spinning(struct guest *g, bool stop);
uint64_t guest_word(uint64_t gpa, uint64_t value);

/* What KVM says that the guest is mapped by. */
struct guest_maps {
	long long g, m, k;
};

struct guest_maps guest_maps(const struct guest *g);

#endif
