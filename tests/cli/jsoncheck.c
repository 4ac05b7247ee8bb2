// SPDX-License-Identifier: GPL-2.0
/*
 * jsoncheck: reads one JSON text from stdin; exit 0 when it is valid, 1 and a message otherwise.
 *
 * Stricter than the grammar where our output has to be: UTF-8 only, no object with a key twice,
 * and numbers are unsigned integers of at most 64 bits.  It shares no code with what it checks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH	16
#define MAX_KEYS	1024

static unsigned char text[1 << 20];
static size_t pos;

static void fail(const char *why)
{
	fprintf(stderr, "jsoncheck: %s at byte %zu\n", why, pos);
	exit(EXIT_FAILURE);
}

static void skip_space(void)
{
	while (text[pos] && strchr(" \t\r\n", text[pos]))
		pos++;
}

static void expect(char c)
{
	skip_space();
	if (text[pos] != (unsigned char)c)
		fail("unexpected character");
	pos++;
}

static void check_utf8(void)
{
	unsigned int length, i, code;

	if (text[pos] < 0x80) {
		pos++;
		return;
	}
	if ((text[pos] & 0xe0) == 0xc0)
		length = 2;
	else if ((text[pos] & 0xf0) == 0xe0)
		length = 3;
	else if ((text[pos] & 0xf8) == 0xf0)
		length = 4;
	else
		fail("not UTF-8");
	code = text[pos++] & (0x7f >> length);
	for (i = 1; i < length; i++, pos++) {
		if ((text[pos] & 0xc0) != 0x80)
			fail("not UTF-8");
		code = code << 6 | (text[pos] & 0x3f);
	}
	if (code < (length == 2 ? 0x80u : length == 3 ? 0x800u : 0x10000u) ||
	    (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
		fail("not UTF-8");
}

static void check_string(void)
{
	size_t digits;

	expect('"');
	while (text[pos] != '"') {
		if (text[pos] < 0x20)
			fail("control character or end in a string");
		if (text[pos] != '\\') {
			check_utf8();
			continue;
		}
		pos++;
		if (text[pos] == 'u') {
			digits = strspn((char *)text + pos + 1, "0123456789abcdefABCDEF");
			if (digits < 4)
				fail("bad \\u escape");
			pos += 5;
		} else if (text[pos] && strchr("\"\\/bfnrt", text[pos])) {
			pos++;
		} else {
			fail("bad escape");
		}
	}
	pos++;
}

static void check_number(void)
{
	static const char largest[] = "18446744073709551615";
	size_t digits = strspn((char *)text + pos, "0123456789");

	if (digits > 1 && text[pos] == '0')
		fail("leading zero");
	if (digits > strlen(largest) ||
	    (digits == strlen(largest) && strncmp((char *)text + pos, largest, digits) > 0))
		fail("more than 64 bits");
	pos += digits;
	if (text[pos] && strchr(".eE", text[pos]))
		fail("not an integer");
}

static void check_value(unsigned int depth);

static void check_object(unsigned int depth)
{
	struct { size_t at, length; } key[MAX_KEYS];
	size_t nr = 0, i;

	expect('{');
	skip_space();
	if (text[pos] == '}') {
		pos++;
		return;
	}
	for (;;) {
		skip_space();
		if (nr == MAX_KEYS)
			fail("too many keys");
		key[nr].at = pos;
		check_string();
		key[nr].length = pos - key[nr].at;
		for (i = 0; i < nr; i++) {
			if (key[i].length == key[nr].length &&
			    !memcmp(text + key[i].at, text + key[nr].at, key[nr].length))
				fail("key twice");
		}
		nr++;
		expect(':');
		check_value(depth + 1);
		skip_space();
		if (text[pos] != ',')
			break;
		pos++;
	}
	expect('}');
}

static void check_array(unsigned int depth)
{
	expect('[');
	skip_space();
	if (text[pos] == ']') {
		pos++;
		return;
	}
	for (;;) {
		check_value(depth + 1);
		skip_space();
		if (text[pos] != ',')
			break;
		pos++;
	}
	expect(']');
}

static void check_value(unsigned int depth)
{
	static const char *const word[] = { "true", "false", "null" };
	size_t i;

	if (depth > MAX_DEPTH)
		fail("too deep");
	skip_space();
	if (text[pos] == '{') {
		check_object(depth);
	} else if (text[pos] == '[') {
		check_array(depth);
	} else if (text[pos] == '"') {
		check_string();
	} else if (text[pos] >= '0' && text[pos] <= '9') {
		check_number();
	} else {
		for (i = 0; i < 3; i++) {
			if (!strncmp((char *)text + pos, word[i], strlen(word[i]))) {
				pos += strlen(word[i]);
				return;
			}
		}
		fail("not a value");
	}
}

int main(void)
{
	size_t length = fread(text, 1, sizeof(text) - 1, stdin);

	if (!feof(stdin) || strlen((char *)text) != length)
		fail("too long, or a NUL byte");
	check_value(0);
	skip_space();
	if (pos != length)
		fail("something follows the value");
	return EXIT_SUCCESS;
}
