// SPDX-License-Identifier: GPL-2.0
/* Numbers, sizes and names as the kernel writes them. */
#include <ctype.h>
#include <inttypes.h>
#include <strings.h>

#include "internal.h"

bool hp_parse_u64(const char *s, uint64_t *number)
{
	uint64_t v = 0;

	/* strtoull() would take a sign, leading blanks and 0x. */
	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return false;
	}
	if (*s == '\n')
		s++;
	if (*s)
		return false;
	*number = v;
	return true;
}

bool hp_parse_size(const char *s, uint64_t *bytes)
{
	static const char suffix[] = "KMGTPE";
	size_t digits = strspn(s, "0123456789");
	unsigned int shift = 0;
	const char *unit;
	char *number;
	bool ok;

	if (s[digits]) {
		unit = strchr(suffix, toupper((unsigned char)s[digits]));
		if (!unit || s[digits + 1])
			return false;
		shift = 10 * (unit - suffix + 1);
	}
	number = hp_asprintf("%.*s", (int)digits, s);
	ok = hp_parse_u64(number, bytes) && *bytes <= UINT64_MAX >> shift;
	free(number);
	if (ok)
		*bytes <<= shift;
	return ok;
}

void hp_set_value(struct hp_value *value, const char *word)
{
	if (hp_parse_u64(word, &value->number)) {
		value->state = HP_NUMBER;
	} else if (!strcmp(word, "max")) {
		value->state = HP_NOLIMIT;
	} else {
		value->state = HP_TEXT;
		value->text = hp_strdup(word);
	}
}

char *hp_format_size(uint64_t bytes, char buf[HP_SIZE_LEN])
{
	static const char suffix[] = "GMK";
	unsigned int shift = 30;
	const char *s;

	/*
	 * No rounding: pools are counted in blocks, and "1.0G free of 1G" would hide the one
	 * block that is missing.
	 */
	for (s = suffix; *s; s++, shift -= 10) {
		if (bytes && !(bytes & ((UINT64_C(1) << shift) - 1))) {
			snprintf(buf, HP_SIZE_LEN, "%" PRIu64 "%c", bytes >> shift, *s);
			return buf;
		}
	}
	snprintf(buf, HP_SIZE_LEN, "%" PRIu64, bytes);
	return buf;
}

char *hp_normalise_name(const char *name)
{
	/* Every word can at most grow by the one letter. */
	char *out = hp_zalloc(2 * strlen(name) + 1, 1);
	size_t n = 0, len;

	while (*name) {
		len = strcspn(name, "/.");
		memcpy(out + n, name, len);
		n += len;
		if (len == 2 && (!strncasecmp(name, "2M", 2) || !strncasecmp(name, "1G", 2)))
			out[n++] = 'B';
		name += len;
		if (*name)
			out[n++] = *name++;
	}
	return out;
}

bool hp_is_node_dir(const char *name, unsigned int *node)
{
	uint64_t n;

	if (strncmp(name, "node", 4) || (name[4] == '0' && name[5]) || strchr(name, '\n'))
		return false;
	/* 32 bits are far beyond any MAX_NUMNODES. */
	if (!hp_parse_u64(name + 4, &n) || n > UINT32_MAX)
		return false;
	*node = n;
	return true;
}
