// SPDX-License-Identifier: GPL-2.0
/*
 * The parsers against random text. Regular expressions say what is legal; every
 * text is in memory of just its size, so that the sanitizer sees a byte too far.
 */

#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <string.h>

#include "cmdline.h"
#include "sim.h"

static const char *const pieces[] = {
	"2M", "2MB", "1G", "1GB", ":", "@", ",", "+", "base", "0", "1", "512",
	"18446744073709551615", "18446744073709551616", "2147483647",
	"2147483648", "-", " ", "x", "M", "B", "\xff", "0x1", "2M:3@0,1G:1",
	"1G+2M", "2M+base", "1G:4@", "2MB:", ",2M:",
};

static regex_t request_regex, list_regex;

static void compile(void)
{
	sim_check(!regcomp(&request_regex,
			   "^(2MB?|1GB?):([0-9]+)(@([0-9]+))?$",
			   REG_EXTENDED));
	sim_check(!regcomp(&list_regex, "^(2MB?|1GB?(\\+2MB?)?)(\\+base)?$",
			   REG_EXTENDED | REG_NOSUB));
}

static char *random_text(struct rng *rng)
{
	unsigned int nr = rng_below(rng, 9);
	char text[256] = "", *exact;
	size_t len;

	while (nr--)
		strcat(text, pieces[rng_below(rng, ARRAY_SIZE(pieces))]);
	len = strlen(text);
	if (len && rng_one_in(rng, 4))
		text[rng_below(rng, len)] = 1 + rng_below(rng, 255);
	exact = sim_alloc(len + 1);
	memcpy(exact, text, len + 1);
	return exact;
}

/* One token, given as a string of its own, with what the parser said of it. */
static void check_token(const char *token, int ret,
			const struct hp_request *request)
{
	unsigned long count, nid = 0;
	regmatch_t part[5];
	bool fits;

	if (regexec(&request_regex, token, ARRAY_SIZE(part), part, 0)) {
		sim_check(ret < 0);
		return;
	}
	errno = 0;
	count = strtoul(token + part[2].rm_so, NULL, 10);
	if (part[4].rm_so >= 0)
		nid = strtoul(token + part[4].rm_so, NULL, 10);
	fits = !errno && count && nid <= INT_MAX;
	if (!fits) {
		sim_check(ret == -ERANGE);
		return;
	}
	sim_check(ret == 1);
	sim_check(request->class == (token[0] == '1' ? HP_1G : HP_2M));
	sim_check(request->count == count);
	sim_check(request->nid == (part[4].rm_so >= 0 ? (int)nid :
				   HP_ANY_NODE));
}

/* The tokens are the text between the commas, one by one, and all of them. */
static void check_requests(const char *text, unsigned long *good)
{
	const char *left = text, *expected = text;
	struct hp_request request;
	int ret;

	for (;;) {
		size_t len = strcspn(expected, ",");
		char *token;

		ret = hp_parse_request(&left, &request);
		sim_check(ret == 1 || ret == -EINVAL || ret == -ERANGE);
		sim_check(request.token == expected && request.len == len);
		token = strndup(expected, len);
		sim_check(token);
		check_token(token, ret, &request);
		free(token);
		*good += ret == 1;
		if (!expected[len])
			break;
		expected += len + 1;
		sim_check(left == expected);
	}
	sim_check(!left && !hp_parse_request(&left, &request));
}

static void check_list(const char *text, unsigned long *good)
{
	bool legal = !regexec(&list_regex, text, 0, NULL, 0), base = false;
	unsigned long classes = 0, again;
	const char *shown;

	sim_check(hp_parse_list(text, &classes, &base) ==
		  (legal ? 0 : -EINVAL));
	if (!legal)
		return;
	sim_check(base == !!strstr(text, "base"));
	sim_check(!!(classes & 1UL << HP_2M) == !!strstr(text, "2M"));
	sim_check(!!(classes & 1UL << HP_1G) == !!strstr(text, "1G"));
	/* What is shown can be given again. */
	shown = hp_list_name(classes, base);
	sim_check(!strstr(shown, "MB") && !strstr(shown, "GB"));
	sim_check(!hp_parse_list(shown, &again, &base) && again == classes);
	*good += 1;
}

void text_random(struct rng *rng, unsigned long strings)
{
	unsigned long requests = 0, lists = 0;

	compile();
	for (sim_op = 0; sim_op < strings; sim_op++) {
		char *text = random_text(rng);

		check_requests(text, &requests);
		check_list(text, &lists);
		free(text);
	}
	regfree(&request_regex);
	regfree(&list_regex);
	printf("# %lu texts, good among them: %lu requests, %lu lists\n",
	       strings, requests, lists);
	/* Hostile text alone would prove little. */
	sim_check(strings < 10000 || (requests > 100 && lists > 100));
}
