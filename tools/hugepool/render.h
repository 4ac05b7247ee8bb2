/* SPDX-License-Identifier: GPL-2.0 */
/* One table of values, shown as text (libsmartcols) or as JSON. */
#ifndef RENDER_H
#define RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cell_type {
	CELL_NONE,	/* no such value here: "-", null */
	CELL_SIZE,	/* bytes */
	CELL_COUNT,
	CELL_NOLIMIT,	/* "max", null */
	CELL_TEXT,
};

struct cell {
	enum cell_type type;
	uint64_t number;
	char *text;
	char *label;	/* what a table shows in place of @text; may be NULL */
};

struct column {
	char *key;	/* in JSON */
	char *head;	/* in text */
	bool is_size;	/* holds bytes */
	bool is_tree;	/* lines of the tree are drawn here */
};

struct row {
	struct cell *cell;	/* one per column */
	size_t parent;		/* index of an earlier row, or NO_PARENT */
};

#define NO_PARENT	((size_t)-1)

/* What belongs to no row: shown below the table, and as an object of its own in JSON. */
struct fact {
	char *name;
	struct cell cell;
	bool only_json;
};

struct table {
	const char *name;	/* JSON key of the rows */
	size_t nr_columns;
	struct column *column;
	size_t nr_rows;
	struct row *row;
	const char *facts_name;	/* JSON key of the facts */
	const char *facts_label; /* in front of each in text */
	size_t nr_facts;
	struct fact *fact;
};

struct render_options {
	bool json;
	bool bytes;		/* sizes as plain numbers; JSON always has them so */
	bool no_headings;
	bool no_facts;		/* in text */
};

/* All take over the strings they are given. */
struct column *table_add_column(struct table *table, char *key, char *head);
struct row *table_add_row(struct table *table, size_t parent);
struct fact *table_add_fact(struct table *table, char *name);

void table_render(const struct table *table, const struct render_options *options);
void table_free(struct table *table);

#endif
