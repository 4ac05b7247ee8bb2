/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file and a byte-for-byte copy of what it must hold. Every operation is done
 * to both; sh_verify() reads the file back in a chosen way and compares.
 */
#ifndef HUGEPOOL_TESTS_SHADOW_H
#define HUGEPOOL_TESTS_SHADOW_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct shadow {
	int fd;
	unsigned char *buf;	/* @cap bytes, zero from @size on */
	unsigned char *tmp;	/* @cap bytes of scratch */
	size_t size, cap;
	uint64_t rng;
};

enum sh_read { SH_PREAD, SH_MMAP, SH_SPLICE, SH_SENDFILE, SH_NR_READS };

int sh_init(struct shadow *s, int fd, size_t cap, uint64_t seed);
void sh_free(struct shadow *s);
/* NULL, or where and how the file differs from the copy. */
const char *sh_verify(struct shadow *s, enum sh_read how);
const char *sh_verify_all(struct shadow *s);

/* Each returns 0 or -errno; -EIO stands for a short or wrong count. */
int sh_pwrite(struct shadow *s, off_t off, size_t len);
int sh_writev(struct shadow *s, off_t off, size_t len);
int sh_append(struct shadow *s, size_t len);
int sh_splice_in(struct shadow *s, off_t off, size_t len);
int sh_sendfile_in(struct shadow *s, off_t off, size_t len);
int sh_mmap_write(struct shadow *s, off_t off, size_t len);
int sh_truncate(struct shadow *s, size_t size);
int sh_fallocate(struct shadow *s, off_t off, size_t len, int keep_size);
int sh_punch(struct shadow *s, off_t off, size_t len);
int sh_copy_range(struct shadow *s, off_t from, off_t to, size_t len);
/* One operation picked by s->rng; its name goes to @what. */
int sh_random_op(struct shadow *s, char *what, size_t len);

#endif
