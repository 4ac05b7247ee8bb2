/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Just enough JSON.  libsmartcols writes JSON as well, but in lower case ("2mb.current"), with one
 * type per column, and with nothing beside the rows.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	unsigned int depth;
	bool started;	/* something precedes on this level */
};

/* @key is NULL inside an array and at the top. */
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);
void json_number(struct json *json, const char *key, uint64_t number);
void json_string(struct json *json, const char *key, const char *s);
void json_null(struct json *json, const char *key);

#endif
