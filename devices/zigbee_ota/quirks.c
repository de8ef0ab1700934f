#include "devices/zigbee_ota/quirks.h"

#include "base/cbor.h"
#include "base/nearest.h"
#include "devices/zigbee_ota/quirks_words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CATALOG_KEY "zigbee-ota"

/* One of the things that a match may be. */
struct alternative {
	uint8_t word; /* enum quirk_match */
	uint32_t low, high;
	struct bytes text; /* in the table's copy */
};

struct setting {
	uint8_t word; /* index of quirk_settings */
	uint32_t value;
};

struct row {
	uint8_t alternative_count;
	uint8_t setting_count;
	uint32_t matches; /* a bit for each enum quirk_match that stands here */
	struct alternative alternatives[QUIRKS_ALTERNATIVES_MAX];
	struct setting settings[QUIRK_SETTING_COUNT];
};

struct quirk_table {
	char *text;
	size_t count;
	struct row rows[];
};

/* A line being read. */
struct line {
	struct bytes rest;
	size_t start; /* of the line in the table */
	struct fault *f;
};

void quirks_init(struct quirks *q)
{
	*q = (struct quirks){
		.block_max = 50,
		.block_min = 1,
		.block_fallback = 40,
		.pages = true,
		.honours_wait = true,
		.wait_s = 60,
		.idle_s = 300,
		.finish_s = 3600,
		.return_s = 600,
		.ignore_malformed = true,
		.attempts_max = 3,
		.broadcast = true,
	};
}

/* ---- reading ---- */

static int refuse(const struct line *l, int code, struct bytes word,
	const char *rule)
{
	char text[40];

	return fault_set(l->f, code, l->start,
		bytes_to_printable(word, text, sizeof(text)), "%s", rule);
}

static int refuse_match(const struct line *l, struct bytes name)
{
	struct nearest near;
	const char *known;
	char rule[160];

	nearest_init(&near, name);
	for (size_t i = 0; (known = quirk_match_name(i)); i++)
		nearest_offer(&near, known);
	snprintf(rule, sizeof(rule), "is not a word that devices are matched "
		"by%s", nearest_text(&near));
	return refuse(l, ERR_QUIRKS_WORD, name, rule);
}

static int refuse_setting(const struct line *l, struct bytes name)
{
	struct nearest near;
	char rule[160];

	nearest_init(&near, name);
	for (size_t i = 0; i < QUIRK_SETTING_COUNT; i++)
		nearest_offer(&near, quirk_setting_name(i));
	snprintf(rule, sizeof(rule), "is not a setting of devices%s",
		nearest_text(&near));
	return refuse(l, ERR_QUIRKS_WORD, name, rule);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of the line, which ends at a blank or a colon outside of
 * quotes; a colon is a word of its own. 1, 0 at the end, or an error. */
static int next_word(struct line *l, struct bytes *ret)
{
	bool quoted = false;
	size_t len = 0;

	while (l->rest.len && is_blank(l->rest.at[0]))
		l->rest = bytes_slice(l->rest, 1, l->rest.len);
	if (l->rest.len == 0 || l->rest.at[0] == '#')
		return 0;
	while (len < l->rest.len) {
		uint8_t c = l->rest.at[len];

		if (!quoted && (is_blank(c) || c == '#' || c == ':'))
			break;
		if (c == '"')
			quoted = !quoted;
		len++;
	}
	if (len == 0)
		len = 1;
	*ret = bytes_slice(l->rest, 0, len);
	if (quoted)
		return refuse(l, ERR_QUIRKS_FORM, *ret, "has no closing quote");
	l->rest = bytes_slice(l->rest, len, l->rest.len);
	return 1;
}

/* Splits WORD=VALUE. False without a `=` or without a value. */
static bool split(struct bytes word, struct bytes *ret_name,
	struct bytes *ret_value)
{
	const uint8_t *at = memchr(word.at, '=', word.len);
	size_t len = at ? (size_t)(at - word.at) : word.len;

	if (len + 1 >= word.len)
		return false;
	*ret_name = bytes_slice(word, 0, len);
	*ret_value = bytes_slice(word, len + 1, word.len);
	return true;
}

/* Takes off `*rest` what stands before the next `|` outside of quotes; false
 * when nothing is left. What is empty stays: the value is wrong then. */
static bool next_alternative(struct bytes *rest, struct bytes *ret)
{
	bool quoted = false;
	size_t len = 0;

	if (!rest->at)
		return false;
	for (; len < rest->len; len++) {
		if (rest->at[len] == '"')
			quoted = !quoted;
		if (rest->at[len] == '|' && !quoted)
			break;
	}
	*ret = bytes_slice(*rest, 0, len);
	*rest = len < rest->len ? bytes_slice(*rest, len + 1, rest->len) :
		bytes_of(NULL, 0);
	return true;
}

static int read_match(struct line *l, struct row *row, struct bytes word)
{
	struct bytes name, value, one;
	enum quirk_match match;

	if (bytes_is_text(word, "*"))
		return 0;
	if (!split(word, &name, &value))
		return refuse(l, ERR_QUIRKS_FORM, word,
			"must be WORD=VALUE, or * for every device");
	if (quirk_match_find(name, &match))
		return refuse_match(l, name);
	if (row->matches & 1u << match)
		return refuse(l, ERR_QUIRKS_FORM, name, "stands here twice");
	row->matches |= 1u << match;
	while (next_alternative(&value, &one)) {
		struct alternative *a;

		if (row->alternative_count == QUIRKS_ALTERNATIVES_MAX)
			return refuse(l, ERR_QUIRKS_FORM, name,
				"makes more than 16 alternatives in this row");
		a = &row->alternatives[row->alternative_count++];
		a->word = (uint8_t)match;
		if (quirk_match_read(match, one, &a->low, &a->high, &a->text))
			return refuse(l, ERR_QUIRKS_VALUE, word,
				quirk_match_rule(match));
	}
	return 0;
}

static int read_setting(struct line *l, struct row *row, struct bytes word)
{
	struct bytes name, value;
	char rule[80];
	uint32_t number;
	size_t which;

	if (!split(word, &name, &value))
		return refuse(l, ERR_QUIRKS_FORM, word, "must be WORD=VALUE");
	if (quirk_setting_find(name, &which))
		return refuse_setting(l, name);
	for (size_t i = 0; i < row->setting_count; i++)
		if (row->settings[i].word == which)
			return refuse(l, ERR_QUIRKS_FORM, name,
				"stands here twice");
	if (quirk_setting_read(which, value, &number))
		return refuse(l, ERR_QUIRKS_VALUE, word,
			quirk_setting_rule(which, rule, sizeof(rule)));
	row->settings[row->setting_count++] = (struct setting){
		.word = (uint8_t)which,
		.value = number,
	};
	return 0;
}

/* Words up to the colon, or those behind it, all by `read`. */
static int read_words(struct line *l, struct row *row, bool until_colon,
	int (*read)(struct line *, struct row *, struct bytes))
{
	struct bytes word = {0};
	size_t count = 0;
	int rc;

	while ((rc = next_word(l, &word)) == 1) {
		if (bytes_is_text(word, ":") && until_colon && count)
			return 0;
		rc = read(l, row, word);
		if (rc)
			return rc;
		count++;
	}
	if (rc)
		return rc;
	if (until_colon)
		return refuse(l, ERR_QUIRKS_FORM, word,
			"must have : and settings behind what is matched");
	return count ? 0 : refuse(l, ERR_QUIRKS_FORM, bytes_of_text(":"),
		"must have a setting behind it");
}

static int read_row(struct line *l, struct row *ret)
{
	int rc = read_words(l, ret, true, read_match);

	return rc ? rc : read_words(l, ret, false, read_setting);
}

/* ---- lines ---- */

static struct bytes next_line(struct bytes *rest)
{
	const uint8_t *end = memchr(rest->at, '\n', rest->len);
	size_t len = end ? (size_t)(end - rest->at) : rest->len;
	struct bytes line = bytes_slice(*rest, 0, len);

	*rest = bytes_slice(*rest, len + (end != NULL), rest->len);
	return line;
}

static bool is_row(struct bytes line)
{
	size_t at = 0;

	while (at < line.len && is_blank(line.at[at]))
		at++;
	return at < line.len && line.at[at] != '#';
}

/* What must hold of a line before it is read word by word. */
static int check_line(const struct line *l)
{
	struct bytes start = bytes_slice(l->rest, 0, 16);

	if (l->rest.len > QUIRKS_LINE_MAX)
		return refuse(l, ERR_QUIRKS_FORM, start,
			"is in a line of more than 512 bytes");
	for (size_t i = 0; i < l->rest.len; i++) {
		uint8_t c = l->rest.at[i];

		if ((c < 0x20 && !is_blank(c)) || c == 0x7f)
			return refuse(l, ERR_QUIRKS_FORM, start,
				"is in a line with control characters");
	}
	return 0;
}

static int count_rows(struct bytes text, size_t *ret, struct fault *f)
{
	size_t count = 0;

	if (text.len > QUIRKS_TEXT_MAX)
		return fault_set(f, ERR_TOO_LARGE, 0, "table",
			"must be at most %u bytes, is %zu", QUIRKS_TEXT_MAX,
			text.len);
	while (text.len)
		count += is_row(next_line(&text));
	if (count > QUIRKS_ROWS_MAX)
		return fault_set(f, ERR_TOO_LARGE, 0, "table",
			"must have at most %d rows, has %zu", QUIRKS_ROWS_MAX,
			count);
	*ret = count;
	return 0;
}

static int read_rows(struct quirk_table *t, struct bytes text, struct fault *f)
{
	struct line l = {.f = f};
	const uint8_t *first = text.at;

	while (text.len) {
		int rc;

		l.start = (size_t)(text.at - first);
		l.rest = next_line(&text);
		rc = check_line(&l);
		if (!rc && is_row(l.rest))
			rc = read_row(&l, &t->rows[t->count++]);
		if (rc)
			return rc;
	}
	return 0;
}

int quirk_table_read(struct bytes text, struct quirk_table **ret,
	struct fault *f)
{
	struct quirk_table *t;
	size_t count = 0;
	int rc = count_rows(text, &count, f);

	if (rc)
		return rc;
	t = calloc(1, sizeof(*t) + count * sizeof(t->rows[0]));
	if (!t)
		return -ENOMEM;
	t->text = malloc(text.len + 1);
	if (!t->text) {
		rc = -ENOMEM;
		goto fail;
	}
	if (text.len)
		memcpy(t->text, text.at, text.len);
	rc = read_rows(t, bytes_of(t->text, text.len), f);
	if (rc)
		goto fail;
	*ret = t;
	return 0;
fail:
	quirk_table_free(t);
	return rc;
}

unsigned quirk_table_line(struct bytes text, const struct fault *f)
{
	unsigned line = 1;

	if (f->code == ERR_TOO_LARGE || f->offset > text.len)
		return 0;
	for (size_t i = 0; i < f->offset; i++)
		line += text.at[i] == '\n';
	return line;
}

void quirk_table_free(struct quirk_table *t)
{
	if (!t)
		return;
	free(t->text);
	free(t);
}

size_t quirk_table_rows(const struct quirk_table *t)
{
	return t ? t->count : 0;
}

/* ---- applying ---- */

static bool row_fits(const struct row *row, const struct quirk_subject *s)
{
	uint32_t held = 0;

	for (size_t i = 0; i < row->alternative_count; i++) {
		const struct alternative *a = &row->alternatives[i];

		if (quirk_match_holds((enum quirk_match)a->word, a->low,
				a->high, a->text, s))
			held |= 1u << a->word;
	}
	return held == row->matches;
}

void quirk_table_apply(const struct quirk_table *t,
	const struct quirk_subject *subject, struct quirks *q)
{
	for (size_t i = 0; t && i < t->count; i++) {
		const struct row *row = &t->rows[i];

		if (!row_fits(row, subject))
			continue;
		for (size_t j = 0; j < row->setting_count; j++)
			quirk_setting_put(row->settings[j].word,
				row->settings[j].value, q);
	}
}

/* ---- the catalog ---- */

/* `key` is the whole item. */
static bool is_our_key(struct bytes key)
{
	struct bytes name;
	struct cbor r;

	cbor_init(&r, key, CBOR_STRICT);
	return cbor_peek(&r) == CBOR_TSTR && !cbor_tstr(&r, &name) &&
		bytes_is_text(name, CATALOG_KEY);
}

int quirks_of_catalog(struct bytes quirks, struct bytes *ret_rows,
	struct fault *f)
{
	struct bytes rows = {0}, key = {0};
	struct cbor_list map;
	struct cbor r;
	int err;

	cbor_init(&r, quirks, CBOR_STRICT);
	cbor_map(&r, &map);
	while (cbor_next(&r, &map)) {
		cbor_skip(&r, &key);
		if (is_our_key(key))
			cbor_tstr(&r, &rows);
		else
			cbor_skip(&r, NULL);
	}
	err = cbor_done(&r);
	if (err)
		return fault_set(f, err, cbor_offset(&r), "quirks",
			"must be a map from names of engines to their data");
	if (rows.len > QUIRKS_TEXT_MAX)
		return fault_set(f, ERR_TOO_LARGE, 0, "quirks." CATALOG_KEY,
			"must be at most %u bytes, is %zu", QUIRKS_TEXT_MAX,
			rows.len);
	*ret_rows = rows;
	return 0;
}
