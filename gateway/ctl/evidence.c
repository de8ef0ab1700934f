#include "gateway/ctl/evidence.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A text that grows in a slot of fixed size. */
struct line {
	char *text;
	size_t size;
	size_t len;
	bool full;
};

static void add(struct line *l, const char *more, size_t n)
{
	if (l->full)
		return;
	if (n >= l->size - l->len) {
		l->full = true;
		n = l->size - l->len - 1;
	}
	memcpy(l->text + l->len, more, n);
	l->len += n;
	l->text[l->len] = '\0';
	if (l->full && l->size > 4)
		memcpy(l->text + l->size - 4, "...", 4);
}

static void add_text(struct line *l, const char *more)
{
	add(l, more, strlen(more));
}

/* "image_bytes" is two words for people. */
static void add_key(struct line *l, const char *key)
{
	for (; *key; key++)
		add(l, *key == '_' ? " " : key, 1);
	add(l, " ", 1);
}

static void add_value(struct line *l, const json_t *value)
{
	char number[40];

	if (json_is_string(value)) {
		add_text(l, json_string_value(value));
	} else if (json_is_boolean(value)) {
		add_text(l, json_is_true(value) ? "yes" : "no");
	} else if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%lld",
			(long long)json_integer_value(value));
		add_text(l, number);
	} else if (json_is_real(value)) {
		snprintf(number, sizeof(number), "%g", json_real_value(value));
		add_text(l, number);
	} else {
		snprintf(number, sizeof(number), "(%zu)",
			json_is_array(value) ? json_array_size(value) :
			json_object_size(value));
		add_text(l, number);
	}
}

static bool is_empty(const json_t *value)
{
	return !value || json_is_null(value) || (json_is_string(value) &&
		!*json_string_value(value));
}

static void add_pairs(struct line *l, const json_t *evidence)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)evidence, key, value) {
		if (is_empty(value) || (!strcmp(key, "checks") &&
				json_is_array(value)))
			continue;
		if (l->len)
			add_text(l, ", ");
		add_key(l, key);
		add_value(l, value);
	}
}

static struct line line_of(char *text, size_t size)
{
	text[0] = '\0';
	return (struct line){text, size, 0, false};
}

void evidence_pairs(const json_t *evidence, char *text, size_t size)
{
	struct line l = line_of(text, size);

	add_pairs(&l, evidence);
}

/* Each check is "name outcome: evidence"; of those that passed the name will
 * do. */
static void add_checks(struct line *l, const json_t *checks, bool passed)
{
	static const char pass[] = " pass";
	const char *before = passed ? "passed " : l->len ? "; " : "";
	json_t *check;
	size_t i;

	json_array_foreach(checks, i, check) {
		const char *text = json_string_value(check);
		const char *blank = text ? strchr(text, ' ') : NULL;
		bool good = blank && !strncmp(blank, pass, sizeof(pass) - 1);

		if (!text || good != passed)
			continue;
		add_text(l, before);
		add(l, text, passed ? (size_t)(blank - text) : strlen(text));
		before = passed ? ", " : "; ";
	}
}

void evidence_brief(const json_t *evidence, char *text, size_t size)
{
	const json_t *checks = json_object_get(evidence, "checks");
	struct line l = line_of(text, size);

	add_checks(&l, checks, true);
	add_checks(&l, checks, false);
	add_pairs(&l, evidence);
}
