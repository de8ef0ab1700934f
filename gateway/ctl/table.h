/* Tables and trees that fit the terminal.
 *
 * A table is filled row by row and printed once: _init to _done. Cells are
 * foreign text; the table makes them harmless. Single thread. */
#ifndef FERRY_GATEWAY_CTL_TABLE_H
#define FERRY_GATEWAY_CTL_TABLE_H

#include "gateway/ctl/text.h"

struct column {
	const char *title;
	bool right;       /* numbers */
	/* Least columns when space is short, 0: never less; TABLE_BELOW: stands
	 * under its row, in as many lines as it needs. */
	unsigned shrinks;
};

struct cell {
	char *text;
	enum tint tint;
};

#define TABLE_COLUMNS_MAX 16
#define TABLE_BELOW 0xffffu

struct table {
	const struct term *term;
	struct column columns[TABLE_COLUMNS_MAX];
	size_t column_count;
	struct cell *cells;
	size_t count; /* cells */
	size_t size;
};

void table_init(struct table *t, const struct term *term);
void table_column(struct table *t, const char *title, bool right,
	unsigned shrinks);

/* Adds the next cell of the present row. */
void table_cell(struct table *t, const char *foreign, enum tint tint);

/* Columns in which every cell is empty are left out. */
void table_print(const struct table *t);
void table_done(struct table *t);

/* The rails of a tree line: `depth` levels, of which bit i of `open` says that
 * level i goes on below; `last` is for the line itself. */
void tree_print_rail(const struct term *term, unsigned depth, unsigned open,
	bool last);

#endif
