// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest.h"

/* The guest's own memory. */
#define LOW_SIZE	(2UL << 20)
#define LOW_STOP	0x1000
#define LOW_PML4	0x2000
#define LOW_PDPT	0x3000
#define LOW_CODE	0x10000

/* Entries of the guest's page tables: present, writable, and a leaf. */
#define PT_TABLE	0x3
#define PT_LEAF		0x83

/*
 * The jobs: rdi is the address, rcx the number, rdx the step, rax the value, rbx
 * the result.
 */
asm(".pushsection .rodata\n"
    ".globl guest_code, guest_code_end\n"
    ".globl guest_fill, guest_check, guest_look, guest_spin\n"
    "guest_code:\n"
    "guest_fill:\n"
    "	mov %rdi, %r8\n"
    "	xor %rax, %r8\n"
    "	mov %r8, (%rdi)\n"
    "	add %rdx, %rdi\n"
    "	dec %rcx\n"
    "	jnz guest_fill\n"
    "	hlt\n"
    "guest_check:\n"
    "	mov %rdi, %r8\n"
    "	xor %rax, %r8\n"
    "	cmp %r8, (%rdi)\n"
    "	je 1f\n"
    "	inc %rbx\n"
    "1:	add %rdx, %rdi\n"
    "	dec %rcx\n"
    "	jnz guest_check\n"
    "	hlt\n"
    "guest_look:\n"
    "	or (%rdi), %rbx\n"
    "	add %rdx, %rdi\n"
    "	dec %rcx\n"
    "	jnz guest_look\n"
    "	hlt\n"
    "guest_spin:\n"
    "	mov %rdi, %r9\n"
    "	mov %rcx, %r10\n"
    "1:	mov %r9, %r8\n"
    "	xor %rax, %r8\n"
    "	mov %r8, (%r9)\n"
    "	add %rdx, %r9\n"
    "	dec %r10\n"
    "	jnz 1b\n"
    "	inc %rbx\n"
    "	mov $0x1000, %r11\n"	/* LOW_STOP */
    "	cmpq $0, (%r11)\n"
    "	je guest_spin\n"
    "	hlt\n"
    "guest_code_end:\n"
    ".popsection\n");

extern const unsigned char guest_code[], guest_code_end[];
extern const unsigned char guest_fill[], guest_check[], guest_look[], guest_spin[];

static const unsigned char * const jobs[GUEST_NR_JOBS] = {
	[GUEST_FILL]	= guest_fill,
	[GUEST_CHECK]	= guest_check,
	[GUEST_LOOK]	= guest_look,
	[GUEST_SPIN]	= guest_spin,
};

static int or_errno(int ret)
{
	return ret < 0 ? -errno : ret;
}

/* Of all that there is one: it is opened once, and stays. */
static int kvm_dev(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	return or_errno(fd);
}

int gmem_vm(unsigned long type)
{
	int kvm = kvm_dev();

	return kvm < 0 ? kvm : or_errno(ioctl(kvm, KVM_CREATE_VM, type));
}

int gmem_create(int vm, uint64_t size, uint64_t flags)
{
	struct kvm_create_guest_memfd args = { .size = size, .flags = flags };

	return or_errno(ioctl(vm, KVM_CREATE_GUEST_MEMFD, &args));
}

int gmem_slot(int vm, int slot, uint64_t gpa, uint64_t len, int fd, uint64_t off,
	      void *hva)
{
	struct kvm_userspace_memory_region2 region = {
		.slot = slot,
		.flags = fd < 0 ? 0 : KVM_MEM_GUEST_MEMFD,
		.guest_phys_addr = gpa,
		.memory_size = len,
		.userspace_addr = (uint64_t)hva,
		.guest_memfd = fd < 0 ? 0 : fd,
		.guest_memfd_offset = off,
	};

	return or_errno(ioctl(vm, KVM_SET_USER_MEMORY_REGION2, &region));
}

int gmem_attributes(int vm, uint64_t gpa, uint64_t len, uint64_t attributes)
{
	struct kvm_memory_attributes attr = {
		.address = gpa, .size = len, .attributes = attributes,
	};

	return or_errno(ioctl(vm, KVM_SET_MEMORY_ATTRIBUTES, &attr));
}

long long gmem_kvm_stat(int fd, const char *name)
{
	int stats = ioctl(fd, KVM_GET_STATS_FD, NULL);
	struct kvm_stats_header head;
	struct kvm_stats_desc *desc;
	long long ret = -ENOENT;
	ssize_t each;

	if (stats < 0)
		return -errno;
	if (pread(stats, &head, sizeof(head), 0) != sizeof(head)) {
		close(stats);
		return -EIO;
	}
	each = sizeof(*desc) + head.name_size;
	desc = malloc(each);
	for (unsigned int i = 0; desc && i < head.num_desc; i++) {
		if (pread(stats, desc, each, head.desc_offset + i * each) != each)
			break;
		if (strcmp(desc->name, name))
			continue;
		if (pread(stats, &ret, sizeof(ret),
			  head.data_offset + desc->offset) != sizeof(ret))
			ret = -EIO;
		break;
	}
	free(desc);
	close(stats);
	return ret;
}

/* All addresses are what they are: entries of 1 GB, for half a terabyte. */
static void set_page_tables(unsigned char *low)
{
	uint64_t *pml4 = (uint64_t *)(low + LOW_PML4);
	uint64_t *pdpt = (uint64_t *)(low + LOW_PDPT);

	pml4[0] = LOW_PDPT | PT_TABLE;
	for (uint64_t i = 0; i < 512; i++)
		pdpt[i] = i << 30 | PT_LEAF;
}

/* 64-bit mode. */
static int set_mode(int fd)
{
	struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1,
		.s = 1, .db = 1, .g = 1,
	};
	struct kvm_segment code = {
		.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1,
		.s = 1, .l = 1, .g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(fd, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 = 0x80010033;		/* PG, WP, NE, ET, MP, PE */
	sregs.cr3 = LOW_PML4;
	sregs.cr4 = 0x20;		/* PAE */
	sregs.efer = 0x500;		/* LMA, LME */
	return or_errno(ioctl(fd, KVM_SET_SREGS, &sregs));
}

/* The guest has all features that there are: 1 GB pages for one. */
static int set_features(int kvm, int fd)
{
	const int max = 256;
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) +
					  max * sizeof(cpuid->entries[0]));
	int ret;

	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = max;
	ret = or_errno(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid));
	if (!ret)
		ret = or_errno(ioctl(fd, KVM_SET_CPUID2, cpuid));
	free(cpuid);
	return ret;
}

static int add_cpu(struct guest *g, int i)
{
	int kvm = kvm_dev(), size, fd;

	fd = ioctl(g->vm, KVM_CREATE_VCPU, i);
	if (fd < 0)
		return -errno;
	g->cpu[i].fd = fd;
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	g->cpu[i].run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (g->cpu[i].run == MAP_FAILED)
		return -errno;
	return set_features(kvm, fd) ?: set_mode(fd);
}

/* A policy keeps NUMA balancing away; where there is none, it is no use either. */
static void no_hinting_faults(void *p, size_t len)
{
	unsigned long node0 = 1;

	syscall(SYS_mbind, p, len, 2 /* MPOL_BIND */, &node0, 8 * sizeof(node0), 0);
}

int guest_open(struct guest *g, unsigned long type, int cpus)
{
	int ret;

	g->vm = gmem_vm(type);
	if (g->vm < 0)
		return g->vm;
	g->low = mmap(NULL, LOW_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (g->low == MAP_FAILED)
		return -errno;
	/* What is large is the test's own, and what has faults, too. */
	madvise(g->low, LOW_SIZE, MADV_NOHUGEPAGE);
	no_hinting_faults(g->low, LOW_SIZE);
	set_page_tables(g->low);
	memcpy(g->low + LOW_CODE, guest_code, guest_code_end - guest_code);
	ret = gmem_slot(g->vm, 0, 0, LOW_SIZE, -1, 0, g->low);
	for (int i = 0; !ret && i < cpus; i++)
		ret = add_cpu(g, i);
	return ret;
}

void guest_close(struct guest *g)
{
	int size = ioctl(kvm_dev(), KVM_GET_VCPU_MMAP_SIZE, 0);

	for (int i = 0; i < GUEST_CPUS; i++) {
		if (!g->cpu[i].run)
			continue;
		munmap(g->cpu[i].run, size);
		close(g->cpu[i].fd);
		g->cpu[i].run = NULL;
	}
	close(g->vm);
	munmap(g->low, LOW_SIZE);
}

int guest_go_on(struct guest *g, int cpu, uint64_t *result)
{
	int fd = g->cpu[cpu].fd;
	struct kvm_regs regs;

	do {
		if (!ioctl(fd, KVM_RUN, NULL))
			errno = 0;
	} while (errno == EINTR || errno == EAGAIN);
	if (errno)
		return -errno;
	if (g->cpu[cpu].run->exit_reason != KVM_EXIT_HLT)
		return -ENOEXEC;
	if (ioctl(fd, KVM_GET_REGS, &regs))
		return -errno;
	if (result)
		*result = regs.rbx;
	return 0;
}

int guest_do(struct guest *g, int cpu, enum guest_job job, struct guest_range r,
	     uint64_t *result)
{
	struct kvm_regs regs = {
		.rip = LOW_CODE + (jobs[job] - guest_code), .rflags = 2,
		.rdi = r.gpa, .rcx = r.nr, .rdx = r.step, .rax = r.value,
	};

	if (ioctl(g->cpu[cpu].fd, KVM_SET_REGS, &regs))
		return -errno;
	return guest_go_on(g, cpu, result);
}

void guest_stop_spinning(struct guest *g, bool stop)
{
	*(volatile uint64_t *)(g->low + LOW_STOP) = stop;
}

uint64_t guest_word(uint64_t gpa, uint64_t value)
{
	return gpa ^ value;
}

struct guest_maps guest_maps(const struct guest *g)
{
	return (struct guest_maps) {
		gmem_kvm_stat(g->vm, "pages_1g"), gmem_kvm_stat(g->vm, "pages_2m"),
		gmem_kvm_stat(g->vm, "pages_4k"),
	};
}
