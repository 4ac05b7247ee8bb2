/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hugepool: what the parsers take and refuse, as tables. Run by KUnit
 * (cmdline_kunit.c) and in userspace under sanitizers (tests/sim of the hugepool
 * project).
 */
#ifndef _MM_HUGEPOOL_TESTS_CMDLINE_CASES_H
#define _MM_HUGEPOOL_TESTS_CMDLINE_CASES_H

#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "../cmdline.h"

#define HP_MAX_TOKENS	4
#define HP_MAX_SHARES	5

/**
 * struct hp_token - what hp_parse_request() must say of one token
 * @ret: its return value
 * @text: the token it must name
 * @class: with @ret 1
 * @nid: with @ret 1
 * @count: with @ret 1
 */
struct hp_token {
	int ret;
	const char *text;
	enum hp_class class;
	int nid;
	unsigned long count;
};

/**
 * struct hp_request_case - a value of hugepool=
 * @text: the value
 * @nr: its tokens
 * @tokens: what must come of each
 */
struct hp_request_case {
	const char *text;
	unsigned int nr;
	struct hp_token tokens[HP_MAX_TOKENS];
};

#define T_GOOD(_text, _class, _count, _nid) \
	{ 1, _text, _class, _nid, _count }
#define T_BAD(_text)	{ -EINVAL, _text }
#define T_RANGE(_text)	{ -ERANGE, _text }

/* A value that is one token, refused. */
#define C_BAD(_text)	{ _text, 1, { T_BAD(_text) } }
#define C_RANGE(_text)	{ _text, 1, { T_RANGE(_text) } }

static const struct hp_request_case hp_request_cases[] = {
	{ "1G:4@0,1G:4@1,2M:512@0", 3, {
		T_GOOD("1G:4@0", HP_1G, 4, 0),
		T_GOOD("1G:4@1", HP_1G, 4, 1),
		T_GOOD("2M:512@0", HP_2M, 512, 0),
	} },
	{ "2MB:1", 1, { T_GOOD("2MB:1", HP_2M, 1, HP_ANY_NODE) } },
	{ "1GB:16@63", 1, { T_GOOD("1GB:16@63", HP_1G, 16, 63) } },
	{ "2M:0000000000000000000000007", 1, {
		T_GOOD("2M:0000000000000000000000007", HP_2M, 7, HP_ANY_NODE),
	} },
	{ "2M:1@2147483647", 1, {
		T_GOOD("2M:1@2147483647", HP_2M, 1, INT_MAX),
	} },
#if ULONG_MAX > 0xffffffffUL
	{ "2M:18446744073709551615", 1, {
		T_GOOD("2M:18446744073709551615", HP_2M, ULONG_MAX,
		       HP_ANY_NODE),
	} },
	C_RANGE("2M:18446744073709551616"),
	C_RANGE("2M:18446744073709551620"),
#endif
	/* A refused token does not hide those around it. */
	{ "2M:1,3M:1,1G:2", 3, {
		T_GOOD("2M:1", HP_2M, 1, HP_ANY_NODE),
		T_BAD("3M:1"),
		T_GOOD("1G:2", HP_1G, 2, HP_ANY_NODE),
	} },
	{ "2M:0@1,2M:5@1", 2, {
		T_RANGE("2M:0@1"),
		T_GOOD("2M:5@1", HP_2M, 5, 1),
	} },
	/* Empty tokens are refused, not skipped. */
	C_BAD(""),
	{ ",", 2, { T_BAD(""), T_BAD("") } },
	{ "2M:1,", 2, { T_GOOD("2M:1", HP_2M, 1, HP_ANY_NODE), T_BAD("") } },
	{ ",1G:1,,2M:1", 4, {
		T_BAD(""), T_GOOD("1G:1", HP_1G, 1, HP_ANY_NODE),
		T_BAD(""), T_GOOD("2M:1", HP_2M, 1, HP_ANY_NODE),
	} },
	/* Sizes: these four spellings and no other. */
	C_BAD("2m:1"), C_BAD("1g:1"), C_BAD("2Mb:1"), C_BAD("1GiB:1"),
	C_BAD("2048K:1"), C_BAD("1024M:1"), C_BAD("2097152:1"), C_BAD("4M:1"),
	C_BAD("M:1"), C_BAD("2:1"), C_BAD("2MBB:1"), C_BAD(" 2M:1"),
	C_BAD("02M:1"), C_BAD(":1"), C_BAD("@0:1"),
	/* Counts: decimal, all of it. */
	C_BAD("2M"), C_BAD("2M:"), C_BAD("2M:@0"), C_BAD("2M:x"),
	C_BAD("2M:-1"), C_BAD("2M:+1"), C_BAD("2M: 1"), C_BAD("2M:1 "),
	C_BAD("2M:0x10"), C_BAD("2M:1.5"), C_BAD("2M:1K"), C_BAD("2M:1:2"),
	C_BAD("2M:\xb1"), C_BAD("2M:1\n"), C_BAD("2M@0"), C_BAD("2M@0:1"),
	C_RANGE("2M:0"), C_RANGE("1G:000"),
	C_RANGE("2M:99999999999999999999999999"),
	/* Nodes: the same. */
	C_BAD("2M:1@"), C_BAD("2M:1@-1"), C_BAD("2M:1@x"), C_BAD("2M:1@0-1"),
	C_BAD("2M:1@0@1"), C_BAD("2M:1@@0"), C_BAD("2M:1@ 0"),
	C_BAD("2M:1@0:1"), C_BAD("2M:1@0x1"),
	C_RANGE("2M:1@2147483648"), C_RANGE("2M:1@4294967296"),
	C_RANGE("2M:1@99999999999999999999999999"),
};

static inline bool hp_token_matches(const struct hp_token *token, int ret,
				    const struct hp_request *request)
{
	if (ret != token->ret || request->len != strlen(token->text) ||
	    memcmp(request->token, token->text, request->len))
		return false;
	return ret != 1 || (request->class == token->class &&
			    request->nid == token->nid &&
			    request->count == token->count);
}

/* Whether the tokens of a value come out as expected, and then nothing. */
static inline bool hp_request_run(const struct hp_request_case *rc)
{
	const char *left = rc->text;
	struct hp_request request;
	unsigned int i;

	for (i = 0; i < rc->nr; i++) {
		int ret;

		memset(&request, 0xa5, sizeof(request));
		ret = hp_parse_request(&left, &request);
		if (!hp_token_matches(&rc->tokens[i], ret, &request))
			return false;
	}
	return !left && !hp_parse_request(&left, &request);
}

/**
 * struct hp_class_case - a name of a size
 * @text: the name
 * @ret: of hp_parse_class()
 * @class: with @ret 0
 */
struct hp_class_case {
	const char *text;
	int ret;
	enum hp_class class;
};

static const struct hp_class_case hp_class_cases[] = {
	{ "2M", 0, HP_2M }, { "2MB", 0, HP_2M },
	{ "1G", 0, HP_1G }, { "1GB", 0, HP_1G },
	{ "", -EINVAL }, { "2", -EINVAL }, { "2MBx", -EINVAL },
	{ "2mb", -EINVAL }, { "1gb", -EINVAL }, { "2G", -EINVAL },
	{ "1M", -EINVAL }, { "2M ", -EINVAL }, { "B", -EINVAL },
};

/* Text behind the length that was told must not count: pass more than that. */
static inline bool hp_class_run(const struct hp_class_case *cc)
{
	enum hp_class class = HP_NR_CLASSES;
	unsigned int len = strlen(cc->text);
	char text[8] = "BBBBBBB";

	memcpy(text, cc->text, len);
	if (hp_parse_class(text, len, &class) != cc->ret)
		return false;
	return class == (cc->ret ? HP_NR_CLASSES : cc->class);
}

/**
 * struct hp_list_case - a value of pool=
 * @text: the value
 * @ret: of hp_parse_list()
 * @classes: with @ret 0
 * @base: with @ret 0
 * @shown: with @ret 0, what hp_list_name() makes of it
 */
struct hp_list_case {
	const char *text;
	int ret;
	unsigned long classes;
	bool base;
	const char *shown;
};

#define HP_ONLY_2M	(1UL << HP_2M)
#define HP_ONLY_1G	(1UL << HP_1G)
#define HP_BOTH		(HP_ONLY_2M | HP_ONLY_1G)

#define L_BAD(_text)	{ _text, -EINVAL }

static const struct hp_list_case hp_list_cases[] = {
	{ "2M", 0, HP_ONLY_2M, false, "2M" },
	{ "1G", 0, HP_ONLY_1G, false, "1G" },
	{ "1G+2M", 0, HP_BOTH, false, "1G+2M" },
	{ "2M+base", 0, HP_ONLY_2M, true, "2M+base" },
	{ "1G+base", 0, HP_ONLY_1G, true, "1G+base" },
	{ "1G+2M+base", 0, HP_BOTH, true, "1G+2M+base" },
	{ "2MB", 0, HP_ONLY_2M, false, "2M" },
	{ "1GB+2M", 0, HP_BOTH, false, "1G+2M" },
	{ "1GB+2MB+base", 0, HP_BOTH, true, "1G+2M+base" },
	/* Another order, repetition, base alone or in the middle. */
	L_BAD("2M+1G"), L_BAD("2M+1G+base"), L_BAD("2M+2M"), L_BAD("1G+1GB"),
	L_BAD("1G+2M+2M"), L_BAD("1G+2M+1G"), L_BAD("base"), L_BAD("base+2M"),
	L_BAD("2M+base+base"), L_BAD("1G+base+2M"),
	/* Not a list at all. */
	L_BAD(""), L_BAD("+"), L_BAD("2M+"), L_BAD("+2M"), L_BAD("2M++base"),
	L_BAD("2M+base+"), L_BAD("2M+bas"), L_BAD("2M+bases"), L_BAD("2M+BASE"),
	L_BAD("2m"), L_BAD("4K"), L_BAD("1G,2M"), L_BAD("1G 2M"), L_BAD(" 2M"),
	L_BAD("2M "), L_BAD("2M\n"), L_BAD("always"), L_BAD("512M"), L_BAD("0"),
};

static inline bool hp_list_run(const struct hp_list_case *lc)
{
	unsigned long classes = 0xa5;
	bool base = false;

	if (hp_parse_list(lc->text, &classes, &base) != lc->ret)
		return false;
	if (lc->ret)
		return classes == 0xa5 && !base;
	return classes == lc->classes && base == lc->base &&
	       !strcmp(hp_list_name(classes, base), lc->shown);
}

/**
 * struct hp_spread_case - a request without a node
 * @count: blocks
 * @nr: nodes
 * @shares: expected
 */
struct hp_spread_case {
	unsigned long count;
	unsigned int nr;
	unsigned long shares[HP_MAX_SHARES];
};

static const struct hp_spread_case hp_spread_cases[] = {
	{ 8, 4, { 2, 2, 2, 2 } },
	{ 7, 3, { 3, 2, 2 } },
	{ 11, 4, { 3, 3, 3, 2 } },
	{ 2, 4, { 1, 1, 0, 0 } },
	{ 5, 1, { 5 } },
	{ 1, 2, { 1, 0 } },
	{ ULONG_MAX, 2, { ULONG_MAX / 2 + 1, ULONG_MAX / 2 } },
};

static inline bool hp_spread_run(const struct hp_spread_case *sc)
{
	unsigned long shares[HP_MAX_SHARES] = { 77, 77, 77, 77, 77 };

	hp_spread(sc->count, sc->nr, shares);
	return !memcmp(shares, sc->shares, sc->nr * sizeof(*shares)) &&
	       (sc->nr == HP_MAX_SHARES || shares[sc->nr] == 77);
}

#endif /* _MM_HUGEPOOL_TESTS_CMDLINE_CASES_H */
