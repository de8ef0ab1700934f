#include "gateway/ctl/fields.h"

#include <string.h>

#include "gateway/ctl/evidence.h"

const json_t *json_at(const json_t *json, const char *path)
{
	char key[48];

	while (json && path && *path) {
		size_t len = strcspn(path, ".");

		if (len >= sizeof(key))
			return NULL;
		memcpy(key, path, len);
		key[len] = '\0';
		json = json_object_get(json, key);
		path += len + (path[len] == '.');
	}
	return json;
}

const char *json_text_at(const json_t *json, const char *path)
{
	const char *text = json_string_value(json_at(json, path));

	return text ? text : "";
}

int64_t json_number_at(const json_t *json, const char *path)
{
	const json_t *value = json_at(json, path);

	double real = json_real_value(value);

	if (!json_is_real(value))
		return json_integer_value(value);
	return real > -9e18 && real < 9e18 ? (int64_t)real : 0;
}

bool json_truth_at(const json_t *json, const char *path)
{
	return json_is_true(json_at(json, path));
}

static void list_text(const json_t *list, char *text)
{
	size_t len = 0, i;
	json_t *item;

	text[0] = '\0';
	if (json_array_size(list) && !json_is_string(json_array_get(list, 0))) {
		snprintf(text, FIELD_TEXT_SIZE, "%zu", json_array_size(list));
		return;
	}
	json_array_foreach(list, i, item) {
		int n = snprintf(text + len, FIELD_TEXT_SIZE - len, "%s%s",
			i ? ", " : "", json_text_at(item, ""));

		if (n < 0 || len + (size_t)n >= FIELD_TEXT_SIZE)
			return;
		len += (size_t)n;
	}
}

static void match_text(const json_t *pairs, char *text)
{
	const char *name;
	size_t len = 0;
	json_t *value;

	text[0] = '\0';
	json_object_foreach((json_t *)(uintptr_t)pairs, name, value) {
		int n = snprintf(text + len, FIELD_TEXT_SIZE - len,
			"%s%s = \"%s\"", len ? "; " : "", name,
			json_text_at(value, ""));

		if (n < 0 || len + (size_t)n >= FIELD_TEXT_SIZE)
			return;
		len += (size_t)n;
	}
}

static void gates_text(const json_t *gates, char *text)
{
	size_t len = 0, i;
	json_t *gate;

	text[0] = '\0';
	json_array_foreach(gates, i, gate) {
		int n = snprintf(text + len, FIELD_TEXT_SIZE - len, "%s%s: %s",
			i ? "; " : "", json_text_at(gate, "gate"),
			json_text_at(gate, "reason"));

		if (n < 0 || len + (size_t)n >= FIELD_TEXT_SIZE)
			return;
		len += (size_t)n;
	}
}

static void progress_text(const json_t *p, char *text)
{
	char rate[TEXT_SIZE], eta[TEXT_SIZE];
	int64_t speed = json_number_at(p, "rate_bps");
	bool has_eta = json_is_number(json_at(p, "eta_s"));

	snprintf(text, FIELD_TEXT_SIZE, "%u %%%s%s%s%s%s",
		percent_of(json_number_at(p, "offset"),
			json_number_at(p, "total")),
		speed ? ", " : "", speed ? text_bytes(speed, rate) : "",
		speed ? "/s" : "", has_eta ? ", ETA " : "",
		has_eta ? text_seconds(json_number_at(p, "eta_s"), eta) : "");
}

const char *field_text(const struct field *f, const json_t *json,
	char text[FIELD_TEXT_SIZE])
{
	const json_t *value = json_at(json, f->path);

	text[0] = '\0';
	if (!value || json_is_null(value))
		return text;
	switch (f->show) {
	case SHOW_TEXT:
	case SHOW_STATE:
		return json_text_at(value, "");
	case SHOW_NUMBER:
		snprintf(text, FIELD_TEXT_SIZE, "%lld",
			(long long)json_number_at(value, ""));
		return text;
	case SHOW_BYTES:
		return text_bytes(json_number_at(value, ""), text);
	case SHOW_SHARE:
		snprintf(text, FIELD_TEXT_SIZE, "%.1f %%",
			json_number_value(value));
		return text;
	case SHOW_SECONDS:
		return text_seconds(json_number_at(value, ""), text);
	case SHOW_TIME:
		return text_time(json_text_at(value, ""), text);
	case SHOW_DIGEST:
		snprintf(text, FIELD_TEXT_SIZE, "%.12s",
			json_text_at(value, ""));
		return text;
	case SHOW_YES:
		return json_is_true(value) ? "yes" : "";
	case SHOW_ONLINE:
		return json_is_true(value) ? "online" : "offline";
	case SHOW_LIST:
		list_text(value, text);
		return text;
	case SHOW_GATES:
		gates_text(value, text);
		return text;
	case SHOW_PROGRESS:
		progress_text(value, text);
		return text;
	case SHOW_PAIRS:
		evidence_brief(value, text, FIELD_TEXT_SIZE);
		return text;
	case SHOW_MATCH:
		match_text(value, text);
		return text;
	case SHOW_FAILURE:
		return *json_text_at(value, "hint") ?
			json_text_at(value, "hint") :
			json_text_at(value, "text");
	}
	return text;
}

enum tint field_tint(const struct field *f, const json_t *json)
{
	char text[FIELD_TEXT_SIZE];

	if (f->show != SHOW_STATE && f->show != SHOW_ONLINE)
		return TINT_NONE;
	return tint_of_state(field_text(f, json, text));
}

void fields_print_table(const struct term *term, const struct field *fields,
	const json_t *items, const char *none)
{
	char text[FIELD_TEXT_SIZE];
	struct table table;
	json_t *item;
	size_t i;

	if (json_array_size(items) == 0) {
		fprintf(term->out, "%s\n", none);
		return;
	}
	table_init(&table, term);
	for (const struct field *f = fields; f->title; f++)
		table_column(&table, f->title, f->right, f->shrinks);
	json_array_foreach(items, i, item)
		for (const struct field *f = fields; f->title; f++)
			table_cell(&table, field_text(f, item, text),
				field_tint(f, item));
	table_print(&table);
	table_done(&table);
}

void fields_print_lines(const struct term *term, const struct field *fields,
	const json_t *json, const char *indent)
{
	char text[FIELD_TEXT_SIZE];
	size_t widest = 0;

	for (const struct field *f = fields; f->title; f++)
		if (strlen(f->title) > widest)
			widest = strlen(f->title);
	for (const struct field *f = fields; f->title; f++) {
		char *clean = term_text(term, field_text(f, json, text));
		enum tint tint = field_tint(f, json);

		if (*clean)
			fprintf(term->out, "%s%-*s  %s%s%s\n", indent,
				(int)widest, f->title,
				tint ? term_tint(term, tint) : "", clean,
				tint ? term_tint(term, TINT_NONE) : "");
		text_free(clean);
	}
}
