// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepool: parse hugepool= and the lists of pool=.
 *
 * Pure functions from text to values: no allocation, no message, no global.
 */

#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "cmdline.h"

/* Lists that tmpfs and memfd take, by classes and then by base. */
static const char * const hp_lists[][2] = {
	[1 << HP_2M]			= { "2M",	"2M+base" },
	[1 << HP_1G]			= { "1G",	"1G+base" },
	[1 << HP_1G | 1 << HP_2M]	= { "1G+2M",	"1G+2M+base" },
};

static const char * const hp_class_names[HP_NR_CLASSES][2] = {
	[HP_2M]	= { "2MB", "2M" },
	[HP_1G]	= { "1GB", "1G" },
};

/**
 * hp_class_name - name of a class in files
 * @class: class
 *
 * Return: "2MB" or "1GB".
 */
const char *hp_class_name(enum hp_class class)
{
	return hp_class_names[class][0];
}

/**
 * hp_parse_class - size name to class
 * @text: name, not terminated
 * @len: its length
 * @class: set on success
 *
 * Return: 0, or -EINVAL when @text is none of 2M, 2MB, 1G and 1GB.
 */
int hp_parse_class(const char *text, unsigned int len, enum hp_class *class)
{
	unsigned int i, j;

	for (i = 0; i < HP_NR_CLASSES; i++) {
		for (j = 0; j < 2; j++) {
			const char *name = hp_class_names[i][j];

			if (strlen(name) == len && !memcmp(text, name, len)) {
				*class = i;
				return 0;
			}
		}
	}
	return -EINVAL;
}

/* Digits only, all of @len: no sign, no blanks, no hexadecimal. */
static int hp_parse_decimal(const char *text, unsigned int len,
			    unsigned long *value)
{
	unsigned long result = 0;
	unsigned int i;

	if (!len)
		return -EINVAL;
	for (i = 0; i < len; i++) {
		unsigned int digit = text[i] - '0';

		if (digit > 9)
			return -EINVAL;
		if (result > (ULONG_MAX - digit) / 10)
			return -ERANGE;
		result = result * 10 + digit;
	}
	*value = result;
	return 0;
}

static const char *hp_find(const char *text, const char *end, char wanted)
{
	for (; text < end; text++)
		if (*text == wanted)
			return text;
	return NULL;
}

/**
 * hp_parse_request - parse the next token of hugepool=
 * @text: what is left of the value; moved behind the token and its comma, NULL
 *	  after the last token
 * @request: filled in; token and len also when the token is refused
 *
 * Return: 1 for a request, 0 when nothing is left, -EINVAL for a token that does
 * not have the form size:count[@node], -ERANGE for a number that is too large or
 * a count of 0. Parsing may go on after an error.
 */
int hp_parse_request(const char **text, struct hp_request *request)
{
	const char *start = *text, *end, *colon, *at;
	unsigned long nid;
	int err;

	if (!start)
		return 0;
	end = start;
	while (*end && *end != ',')
		end++;
	*text = *end ? end + 1 : NULL;
	request->token = start;
	request->len = end - start;

	colon = hp_find(start, end, ':');
	if (!colon || hp_parse_class(start, colon - start, &request->class))
		return -EINVAL;
	at = hp_find(colon, end, '@');
	err = hp_parse_decimal(colon + 1, (at ? at : end) - (colon + 1),
			       &request->count);
	if (err)
		return err;
	if (!request->count)
		return -ERANGE;
	request->nid = HP_ANY_NODE;
	if (at) {
		err = hp_parse_decimal(at + 1, end - (at + 1), &nid);
		if (err)
			return err;
		if (nid > INT_MAX)
			return -ERANGE;
		request->nid = nid;
	}
	return 1;
}

/**
 * hp_spread - divide a request without a node over the nodes
 * @count: number of blocks
 * @nr: number of nodes, at least 1
 * @shares: set to the share of each; the remainder goes one each to the first
 */
void hp_spread(unsigned long count, unsigned int nr, unsigned long *shares)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		shares[i] = count / nr + (i < count % nr);
}

/**
 * hp_parse_list - parse the value of pool=
 * @text: value
 * @classes: set to a bit per class, 1 << HP_2M and 1 << HP_1G
 * @base: set when ordinary pages are allowed besides
 *
 * Return: 0, or -EINVAL when @text is none of the legal lists.
 */
int hp_parse_list(const char *text, unsigned long *classes, bool *base)
{
	unsigned int mask = 0;
	bool has_base = false;

	for (;;) {
		const char *end = text;
		enum hp_class class;

		while (*end && *end != '+')
			end++;
		if (end - text == 4 && !memcmp(text, "base", 4)) {
			/* base closes the list and is not one by itself. */
			if (!mask || *end)
				return -EINVAL;
			has_base = true;
		} else {
			if (hp_parse_class(text, end - text, &class))
				return -EINVAL;
			/* From the large to the small, each once. */
			if (mask & ((2U << class) - 1))
				return -EINVAL;
			mask |= 1U << class;
		}
		if (!*end)
			break;
		text = end + 1;
	}
	*classes = mask;
	*base = has_base;
	return 0;
}

/**
 * hp_list_name - a parsed list as mount options show it
 * @classes: as set by hp_parse_list()
 * @base: as set by hp_parse_list()
 *
 * Return: the list with the sizes written 2M and 1G.
 */
const char *hp_list_name(unsigned long classes, bool base)
{
	return hp_lists[classes][base];
}
