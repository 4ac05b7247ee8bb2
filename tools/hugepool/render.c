// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <libsmartcols.h>

#include "builtin.h"
#include "json.h"
#include "render.h"

struct column *table_add_column(struct table *table, char *key, char *head)
{
	struct column *column;

	table->column = hp_grow(table->column, table->nr_columns, sizeof(*column));
	column = &table->column[table->nr_columns++];
	column->key = key;
	column->head = head;
	return column;
}

struct row *table_add_row(struct table *table, size_t parent)
{
	struct row *row;

	table->row = hp_grow(table->row, table->nr_rows, sizeof(*row));
	row = &table->row[table->nr_rows++];
	row->parent = parent;
	row->cell = hp_zalloc(table->nr_columns, sizeof(*row->cell));
	return row;
}

struct fact *table_add_fact(struct table *table, char *name)
{
	struct fact *fact;

	table->fact = hp_grow(table->fact, table->nr_facts, sizeof(*fact));
	fact = &table->fact[table->nr_facts++];
	fact->name = name;
	return fact;
}

static void cell_free(struct cell *cell)
{
	free(cell->text);
	free(cell->label);
}

void table_free(struct table *table)
{
	size_t i, c;

	for (i = 0; i < table->nr_rows; i++) {
		for (c = 0; c < table->nr_columns; c++)
			cell_free(&table->row[i].cell[c]);
		free(table->row[i].cell);
	}
	for (c = 0; c < table->nr_columns; c++) {
		free(table->column[c].key);
		free(table->column[c].head);
	}
	for (i = 0; i < table->nr_facts; i++) {
		free(table->fact[i].name);
		cell_free(&table->fact[i].cell);
	}
	free(table->fact);
	free(table->row);
	free(table->column);
}

/* As text; the caller frees it. */
static char *cell_text(const struct cell *cell, const struct render_options *options)
{
	char size[HP_SIZE_LEN];

	switch (cell->type) {
	case CELL_SIZE:
		if (!options->bytes)
			return hp_strdup(hp_format_size(cell->number, size));
		/* fall through */
	case CELL_COUNT:
		return hp_asprintf("%" PRIu64, cell->number);
	case CELL_NOLIMIT:
		return hp_strdup("max");
	case CELL_TEXT:
		return hp_strdup(cell->label ? cell->label : cell->text);
	case CELL_NONE:
		break;
	}
	return hp_strdup("-");
}

static struct libscols_table *new_scols_table(const struct table *table,
					      const struct render_options *options)
{
	struct libscols_table *tb = hp_must(scols_new_table());
	struct libscols_column *cl;
	const struct column *column;
	char *head;
	size_t c;

	scols_table_enable_noheadings(tb, options->no_headings);
	for (c = 0; c < table->nr_columns; c++) {
		column = &table->column[c];
		/* Human sizes carry their unit, plain ones have it in the heading. */
		head = hp_asprintf("%s%s", column->head,
				   options->bytes && column->is_size ? " [B]" : "");
		cl = hp_must(scols_table_new_column(tb, head, 0,
					column->is_tree ? SCOLS_FL_TREE :
					c ? SCOLS_FL_RIGHT : 0));
		/* Headings line up with the values below them. */
		if (c)
			scols_cell_set_flags(scols_column_get_header(cl), SCOLS_CELL_FL_RIGHT);
		free(head);
	}
	return tb;
}

static void render_text(const struct table *table, const struct render_options *options)
{
	struct libscols_line **line = hp_zalloc(table->nr_rows, sizeof(*line));
	struct libscols_table *tb = new_scols_table(table, options);
	const struct row *row;
	const struct fact *fact;
	bool first = true;
	size_t i, c;
	char *text;

	for (i = 0; i < table->nr_rows; i++) {
		row = &table->row[i];
		line[i] = hp_must(scols_table_new_line(tb, row->parent == NO_PARENT ?
						       NULL : line[row->parent]));
		for (c = 0; c < table->nr_columns; c++) {
			/* libsmartcols takes over the string. */
			if (scols_line_refer_data(line[i], c, cell_text(&row->cell[c], options)))
				hp_must(NULL);
		}
	}
	scols_print_table(tb);
	scols_unref_table(tb);
	free(line);

	if (options->no_facts)
		return;
	for (i = 0; i < table->nr_facts; i++) {
		fact = &table->fact[i];
		if (fact->only_json)
			continue;
		text = cell_text(&fact->cell, options);
		printf("%s%s%s%s: %s\n", first ? "\n" : "", table->facts_label, fact->name,
		       options->bytes && fact->cell.type == CELL_SIZE ? " [B]" : "", text);
		free(text);
		first = false;
	}
}

static void json_cell(struct json *json, const char *key, const struct cell *cell)
{
	switch (cell->type) {
	case CELL_SIZE:
	case CELL_COUNT:
		json_number(json, key, cell->number);
		break;
	case CELL_TEXT:
		json_string(json, key, cell->text);
		break;
	case CELL_NOLIMIT:
	case CELL_NONE:
		json_null(json, key);
		break;
	}
}

static void render_json(const struct table *table)
{
	struct json json = { .out = stdout };
	size_t i, c;

	json_open(&json, NULL, '{');
	json_open(&json, table->facts_name, '{');
	for (i = 0; i < table->nr_facts; i++)
		json_cell(&json, table->fact[i].name, &table->fact[i].cell);
	json_close(&json, '}');
	json_open(&json, table->name, '[');
	for (i = 0; i < table->nr_rows; i++) {
		json_open(&json, NULL, '{');
		for (c = 0; c < table->nr_columns; c++)
			json_cell(&json, table->column[c].key, &table->row[i].cell[c]);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_close(&json, '}');
}

void table_render(const struct table *table, const struct render_options *options)
{
	if (options->json)
		render_json(table);
	else
		render_text(table, options);
}
