/* SPDX-License-Identifier: GPL-2.0 */
/* Hugepool: text of users, parsed. Pure functions on strings. */
#ifndef _MM_HUGEPOOL_CMDLINE_H
#define _MM_HUGEPOOL_CMDLINE_H

#include <linux/types.h>

#include "core.h"

#define HP_ANY_NODE	(-1)

/**
 * struct hp_request - one token of hugepool=
 * @token:	its text in the parsed string, not terminated
 * @len:	length of @token
 * @class:	size of the blocks
 * @nid:	node, or HP_ANY_NODE
 * @count:	number of blocks, at least 1
 */
struct hp_request {
	const char *token;
	unsigned int len;
	enum hp_class class;
	int nid;
	unsigned long count;
};

int hp_parse_class(const char *text, unsigned int len, enum hp_class *class);
const char *hp_class_name(enum hp_class class);
int hp_parse_request(const char **text, struct hp_request *request);
void hp_spread(unsigned long count, unsigned int nr, unsigned long *shares);
int hp_parse_list(const char *text, unsigned long *classes, bool *base);
const char *hp_list_name(unsigned long classes, bool base);

#endif /* _MM_HUGEPOOL_CMDLINE_H */
