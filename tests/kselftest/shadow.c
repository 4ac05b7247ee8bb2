// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib.h"
#include "shadow.h"

int sh_init(struct shadow *s, int fd, size_t cap, uint64_t seed)
{
	s->fd = fd;
	s->cap = cap;
	s->size = 0;
	s->rng = seed;
	s->buf = calloc(1, cap);
	s->tmp = malloc(cap);
	return s->buf && s->tmp ? 0 : -ENOMEM;
}

void sh_free(struct shadow *s)
{
	free(s->buf);
	free(s->tmp);
	close(s->fd);
}

/* --- reading back --- */

static int read_pread(struct shadow *s)
{
	size_t got = 0;
	ssize_t n;

	while ((n = pread(s->fd, s->tmp + got, s->cap - got, got)) > 0)
		got += n;
	return n < 0 ? -errno : got == s->size ? 0 : -EIO;
}

static int read_mmap(struct shadow *s)
{
	void *p;

	if (!s->size)
		return 0;
	p = mmap(NULL, s->size, PROT_READ, MAP_SHARED, s->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	memcpy(s->tmp, p, s->size);
	munmap(p, s->size);
	return 0;
}

static int read_splice(struct shadow *s)
{
	loff_t off = 0;
	size_t got = 0;
	ssize_t n = 0, m;
	int p[2];

	if (pipe(p))
		return -errno;
	while ((n = splice(s->fd, &off, p[1], NULL, 64 * KB, 0)) > 0) {
		if (got + n > s->cap)
			break;
		while (n > 0 && (m = read(p[0], s->tmp + got, n)) > 0) {
			got += m;
			n -= m;
		}
	}
	close(p[0]);
	close(p[1]);
	return n < 0 ? -errno : got == s->size ? 0 : -EIO;
}

static int read_sendfile(struct shadow *s)
{
	int fd = memfd_create("shadow-out", MFD_CLOEXEC), ret = 0;
	size_t got = 0;
	off_t off = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = sendfile(fd, s->fd, &off, 4 * MB)) > 0)
		got += n;
	if (n < 0)
		ret = -errno;
	else if (got != s->size || pread(fd, s->tmp, got, 0) != (ssize_t)got)
		ret = -EIO;
	close(fd);
	return ret;
}

const char *sh_verify(struct shadow *s, enum sh_read how)
{
	static int (* const readers[])(struct shadow *) = {
		read_pread, read_mmap, read_splice, read_sendfile,
	};
	static const char * const names[] = {
		"pread", "mmap", "splice", "sendfile",
	};
	static char why[160];
	struct stat st;
	int ret;

	if (fstat(s->fd, &st) || (size_t)st.st_size != s->size) {
		snprintf(why, sizeof(why), "size is %lld, should be %zu",
			 (long long)st.st_size, s->size);
		return why;
	}
	ret = readers[how](s);
	if (ret) {
		snprintf(why, sizeof(why), "%s: %s", names[how],
			 strerror(-ret));
		return why;
	}
	if (!memcmp(s->tmp, s->buf, s->size))
		return NULL;
	for (size_t i = 0; i < s->size; i++) {
		if (s->tmp[i] == s->buf[i])
			continue;
		snprintf(why, sizeof(why),
			 "%s: byte %zu of %zu is 0x%02x, should be 0x%02x",
			 names[how], i, s->size, s->tmp[i], s->buf[i]);
		break;
	}
	return why;
}

const char *sh_verify_all(struct shadow *s)
{
	const char *why = NULL;

	for (int how = 0; how < SH_NR_READS && !why; how++)
		why = sh_verify(s, how);
	return why;
}

/* --- writing --- */

/* New bytes for a write at @off: into scratch; sh_commit() makes them true. */
static void fresh(struct shadow *s, size_t len)
{
	pattern_fill(s->tmp, len, rng_next(&s->rng));
}

static int commit(struct shadow *s, off_t off, size_t len)
{
	memcpy(s->buf + off, s->tmp, len);
	if (off + len > s->size)
		s->size = off + len;
	return 0;
}

static int fits(struct shadow *s, off_t off, size_t len)
{
	return (size_t)off <= s->cap && len <= s->cap - off;
}

int sh_pwrite(struct shadow *s, off_t off, size_t len)
{
	ssize_t n;

	if (!fits(s, off, len))
		return -E2BIG;
	fresh(s, len);
	n = pwrite(s->fd, s->tmp, len, off);
	if (n != (ssize_t)len)
		return n < 0 ? -errno : -EIO;
	return len ? commit(s, off, len) : 0;
}

int sh_writev(struct shadow *s, off_t off, size_t len)
{
	struct iovec iov[3];
	size_t third = len / 3;
	ssize_t n;

	if (!fits(s, off, len) || !len)
		return -E2BIG;
	fresh(s, len);
	iov[0] = (struct iovec){ s->tmp, third };
	iov[1] = (struct iovec){ s->tmp + third, third };
	iov[2] = (struct iovec){ s->tmp + 2 * third, len - 2 * third };
	n = pwritev(s->fd, iov, 3, off);
	if (n != (ssize_t)len)
		return n < 0 ? -errno : -EIO;
	return commit(s, off, len);
}

int sh_append(struct shadow *s, size_t len)
{
	off_t off = s->size;
	int flags = fcntl(s->fd, F_GETFL);
	ssize_t n;

	if (!fits(s, off, len) || !len)
		return -E2BIG;
	fresh(s, len);
	fcntl(s->fd, F_SETFL, flags | O_APPEND);
	n = write(s->fd, s->tmp, len);
	fcntl(s->fd, F_SETFL, flags);
	if (n != (ssize_t)len)
		return n < 0 ? -errno : -EIO;
	return commit(s, off, len);
}

int sh_splice_in(struct shadow *s, off_t off, size_t len)
{
	loff_t pos = off;
	size_t done = 0;
	int p[2], ret = 0;
	ssize_t n, m;

	if (!fits(s, off, len) || !len)
		return -E2BIG;
	fresh(s, len);
	if (pipe(p))
		return -errno;
	while (!ret && done < len) {
		n = write(p[1], s->tmp + done,
			  len - done < 64 * KB ? len - done : 64 * KB);
		if (n < 0)
			ret = -errno;
		done += n;
		while (!ret && n > 0) {
			m = splice(p[0], NULL, s->fd, &pos, n, 0);
			if (m <= 0)
				ret = m ? -errno : -EIO;
			n -= m;
		}
	}
	close(p[0]);
	close(p[1]);
	return ret ?: commit(s, off, len);
}

int sh_sendfile_in(struct shadow *s, off_t off, size_t len)
{
	int fd = memfd_create("shadow-in", MFD_CLOEXEC), ret = 0;
	off_t from = 0;
	ssize_t n;

	if (!fits(s, off, len) || !len) {
		close(fd);
		return -E2BIG;
	}
	fresh(s, len);
	if (pwrite(fd, s->tmp, len, 0) != (ssize_t)len ||
	    lseek(s->fd, off, SEEK_SET) != off)
		ret = -EIO;
	while (!ret && from < (off_t)len) {
		n = sendfile(s->fd, fd, &from, len - from);
		if (n <= 0)
			ret = n ? -errno : -EIO;
	}
	close(fd);
	return ret ?: commit(s, off, len);
}

int sh_mmap_write(struct shadow *s, off_t off, size_t len)
{
	unsigned char *p;

	/* Only what is inside the file can be stored through a mapping. */
	if ((size_t)off >= s->size)
		return 0;
	if (len > s->size - off)
		len = s->size - off;
	fresh(s, len);
	p = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	memcpy(p + off, s->tmp, len);
	munmap(p, s->size);
	return commit(s, off, len);
}

int sh_truncate(struct shadow *s, size_t size)
{
	if (size > s->cap)
		return -E2BIG;
	if (ftruncate(s->fd, size))
		return -errno;
	if (size < s->size)
		memset(s->buf + size, 0, s->size - size);
	s->size = size;
	return 0;
}

int sh_fallocate(struct shadow *s, off_t off, size_t len, int keep_size)
{
	if (!fits(s, off, len) || !len)
		return -E2BIG;
	if (fallocate(s->fd, keep_size ? FALLOC_FL_KEEP_SIZE : 0, off, len))
		return -errno;
	if (!keep_size && off + len > s->size)
		s->size = off + len;
	return 0;
}

int sh_punch(struct shadow *s, off_t off, size_t len)
{
	if (!fits(s, off, len) || !len)
		return -E2BIG;
	if (fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off,
		      len))
		return -errno;
	memset(s->buf + off, 0, len);
	return 0;
}

int sh_copy_range(struct shadow *s, off_t from, off_t to, size_t len)
{
	loff_t in = from, out = to;
	ssize_t n;

	if ((size_t)from >= s->size || !len)
		return 0;
	if (len > s->size - from)
		len = s->size - from;
	/* The kernel refuses overlapping ranges of one file. */
	if (!fits(s, to, len) || (from < to + (off_t)len &&
				  to < from + (off_t)len))
		return -E2BIG;
	memcpy(s->tmp, s->buf + from, len);
	while (in < from + (off_t)len) {
		n = copy_file_range(s->fd, &in, s->fd, &out,
				    from + len - in, 0);
		if (n <= 0)
			return n ? -errno : -EIO;
	}
	return commit(s, to, len);
}

/* --- one at random --- */

/* Offsets and lengths cluster around unit and page edges, where bugs live. */
static off_t pick_offset(struct shadow *s)
{
	off_t off = rng_below(&s->rng, s->cap);

	switch (rng_below(&s->rng, 4)) {
	case 0:
		return off & ~(UNIT - 1);
	case 1:
		return off & ~4095UL;
	case 2:
		off = (off & ~(UNIT - 1)) + rng_below(&s->rng, 3);
		return off > 1 ? off - 1 : off;
	}
	return off;
}

static size_t pick_len(struct shadow *s, off_t off)
{
	static const size_t sizes[] = {
		1, 511, 4096, 4097, 64 * KB, UNIT / 2, UNIT, UNIT + 1, 3 * MB,
	};
	size_t len = sizes[rng_below(&s->rng, sizeof(sizes) / sizeof(*sizes))];

	return len > s->cap - off ? s->cap - off : len;
}

int sh_random_op(struct shadow *s, char *what, size_t what_len)
{
	static const char * const names[] = {
		"pwrite", "writev", "append", "splice", "sendfile", "mmap",
		"truncate", "fallocate", "fallocate-keep", "punch",
		"copy_file_range", "punch",
	};
	unsigned int op = rng_below(&s->rng, sizeof(names) / sizeof(*names));
	off_t off = pick_offset(s), to;
	size_t len = pick_len(s, off);
	int ret = 0;

	to = pick_offset(s);
	snprintf(what, what_len, "%s(off=%lld, len=%zu, to=%lld) size=%zu",
		 names[op], (long long)off, len, (long long)to, s->size);
	switch (op) {
	case 0: ret = sh_pwrite(s, off, len); break;
	case 1: ret = sh_writev(s, off, len); break;
	case 2: ret = sh_append(s, len); break;
	case 3: ret = sh_splice_in(s, off, len); break;
	case 4: ret = sh_sendfile_in(s, off, len); break;
	case 5: ret = sh_mmap_write(s, off, len); break;
	case 6: ret = sh_truncate(s, off); break;
	case 7: ret = sh_fallocate(s, off, len, 0); break;
	case 8: ret = sh_fallocate(s, off, len, 1); break;
	case 9:
	case 11: ret = sh_punch(s, off, len); break;
	case 10: ret = sh_copy_range(s, off, to, len); break;
	}
	/* Operations that do not fit the copy were not done at all. */
	return ret == -E2BIG ? 0 : ret;
}
