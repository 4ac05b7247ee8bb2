/* SPDX-License-Identifier: GPL-2.0 */
/* Allocation that succeeds or ends the process, which is all a short-lived command can do. */
#ifndef HP_ALLOC_H
#define HP_ALLOC_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *hp_must(void *p)
{
	if (!p) {
		fputs("hugepool: out of memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	return p;
}

static inline void *hp_zalloc(size_t n, size_t size)
{
	return hp_must(calloc(n ? n : 1, size));
}

static inline char *hp_strdup(const char *s)
{
	return hp_must(strdup(s));
}

static inline __attribute__((format(printf, 1, 2))) char *hp_asprintf(const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	if (vasprintf(&s, fmt, args) < 0)
		s = NULL;
	va_end(args);
	return hp_must(s);
}

/* Room for one more element at the end of an array that holds @nr; the new one is zeroed. */
static inline void *hp_grow(void *array, size_t nr, size_t size)
{
	char *p = hp_must(reallocarray(array, nr + 1, size));

	memset(p + nr * size, 0, size);
	return p;
}

#endif
