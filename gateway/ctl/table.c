#include "gateway/ctl/table.h"

#include <stdlib.h>
#include <string.h>

#define GAP 2
#define BELOW_INDENT 6
#define LEAST 6 /* of any column of text, when space is very short */

void table_init(struct table *t, const struct term *term)
{
	*t = (struct table){.term = term};
}

void table_column(struct table *t, const char *title, bool right,
	unsigned shrinks)
{
	if (t->column_count < TABLE_COLUMNS_MAX)
		t->columns[t->column_count++] = (struct column){title, right,
			shrinks};
}

void table_cell(struct table *t, const char *foreign, enum tint tint)
{
	struct cell *cells;
	size_t size = t->size ? t->size * 2 : 64;

	if (t->count == t->size) {
		cells = realloc(t->cells, size * sizeof(*cells));
		if (!cells)
			return;
		t->cells = cells;
		t->size = size;
	}
	t->cells[t->count++] = (struct cell){term_text(t->term, foreign), tint};
}

static size_t rows_of(const struct table *t)
{
	return t->column_count ? t->count / t->column_count : 0;
}

/* Natural widths; 0 for a column that has nothing in it. */
static void measure(const struct table *t, size_t *widths)
{
	for (size_t c = 0; c < t->column_count; c++)
		widths[c] = 0;
	for (size_t i = 0; i < rows_of(t) * t->column_count; i++) {
		size_t *width = &widths[i % t->column_count];
		size_t columns = text_columns(t->term, t->cells[i].text);

		if (columns > *width && t->columns[i % t->column_count].shrinks
				!= TABLE_BELOW)
			*width = columns;
	}
	for (size_t c = 0; c < t->column_count; c++)
		if (widths[c] && strlen(t->columns[c].title) > widths[c])
			widths[c] = strlen(t->columns[c].title);
}

/* Takes one column from the widest that may still give; false when none can.
 * `least` is for every column of text; 0: each its own, or it never shrinks. */
static bool take_from_widest(const struct table *t, size_t *widths,
	unsigned least)
{
	size_t widest = t->column_count;

	for (size_t c = 0; c < t->column_count; c++) {
		unsigned floor = t->columns[c].shrinks;

		if (least && !t->columns[c].right)
			floor = least;
		if (floor && widths[c] > floor && (widest == t->column_count ||
				widths[c] > widths[widest]))
			widest = c;
	}
	if (widest == t->column_count)
		return false;
	widths[widest]--;
	return true;
}

static void shrink(const struct table *t, size_t *widths)
{
	size_t total = 0;
	unsigned least = 0;

	for (size_t c = 0; c < t->column_count; c++)
		total += widths[c] ? widths[c] + GAP : 0;
	total -= total ? GAP : 0;
	while (t->term->width && total > t->term->width) {
		if (take_from_widest(t, widths, least))
			total--;
		else if (least == 0)
			least = LEAST;
		else
			return;
	}
}

/* `owed` blanks stand before the cell; they are printed only when something
 * follows, so that no line ends in blanks. Returns those owed after it. */
static size_t put_cell(const struct table *t, const struct column *column,
	const char *text, size_t width, enum tint tint, size_t owed)
{
	char fitted[1024];
	size_t used, pad;

	snprintf(fitted, sizeof(fitted), "%s", text);
	text_fit(t->term, fitted, sizeof(fitted), width);
	used = text_columns(t->term, fitted);
	pad = width > used ? width - used : 0;
	if (!*fitted)
		return owed + width + GAP;
	if (column->right)
		owed += pad;
	fprintf(t->term->out, "%*s%s%s%s", (int)owed, "",
		tint ? term_tint(t->term, tint) : "", fitted,
		tint ? term_tint(t->term, TINT_NONE) : "");
	return (column->right ? 0 : pad) + GAP;
}

static void put_below(const struct table *t, const struct cell *cell)
{
	if (!*cell->text)
		return;
	fprintf(t->term->out, "%*s", BELOW_INDENT, "");
	text_wrap(t->term, BELOW_INDENT, BELOW_INDENT, cell->text);
}

static void print_row(const struct table *t, const size_t *widths, size_t row,
	bool is_head)
{
	size_t owed = 0;

	for (size_t c = 0; c < t->column_count; c++) {
		const struct cell *cell = is_head ? NULL :
			&t->cells[row * t->column_count + c];

		if (widths[c])
			owed = put_cell(t, &t->columns[c], cell ? cell->text :
				t->columns[c].title, widths[c],
				cell ? cell->tint : TINT_BOLD, owed);
	}
	fputc('\n', t->term->out);
	for (size_t c = 0; c < t->column_count && !is_head; c++)
		if (t->columns[c].shrinks == TABLE_BELOW)
			put_below(t, &t->cells[row * t->column_count + c]);
}

void table_print(const struct table *t)
{
	size_t widths[TABLE_COLUMNS_MAX];

	measure(t, widths);
	shrink(t, widths);
	print_row(t, widths, 0, true);
	for (size_t row = 0; row < rows_of(t); row++)
		print_row(t, widths, row, false);
}

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		text_free(t->cells[i].text);
	free(t->cells);
	*t = (struct table){0};
}

void tree_print_rail(const struct term *term, unsigned depth, unsigned open,
	bool last)
{
	static const char *const rails[2][4] = {
		{"|  ", "   ", "|- ", "`- "},
		{"\xe2\x94\x82  ", "   ", "\xe2\x94\x9c\xe2\x94\x80 ",
			"\xe2\x94\x94\xe2\x94\x80 "},
	};
	const char *const *rail = rails[term->utf8];

	for (unsigned i = 0; i + 1 < depth; i++)
		fputs(rail[open >> i & 1 ? 0 : 1], term->out);
	if (depth)
		fputs(rail[last ? 3 : 2], term->out);
}
