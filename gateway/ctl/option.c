#include "gateway/ctl/option.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX_LEN 31

static const struct {
	const char *name;
	char letter;
	const char *value;
	const char *help;
} raw[] = {
#define OPTION_RAW(name, letter, value, help) {#name, letter, value, help},
	OPTION_MAP(OPTION_RAW)
#undef OPTION_RAW
};

const struct option_row *option_row(enum option option)
{
	static struct option_row rows[OPTION_COUNT];
	struct option_row *row = &rows[option];

	for (size_t i = 0; raw[option].name[i]; i++)
		row->name[i] = raw[option].name[i] == '_' ? '-' :
			(char)tolower((unsigned char)raw[option].name[i]);
	row->letter = raw[option].letter;
	row->value = raw[option].value;
	row->help = raw[option].help;
	return row;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned word_distance(const char *a, const char *b)
{
	unsigned cost[WORD_MAX_LEN + 1][WORD_MAX_LEN + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > WORD_MAX_LEN || m > WORD_MAX_LEN)
		return UINT8_MAX;
	for (size_t i = 0; i <= n; i++)
		cost[i][0] = (unsigned)i;
	for (size_t j = 0; j <= m; j++)
		cost[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			cost[i][j] = least(cost[i - 1][j - 1] +
				(a[i - 1] != b[j - 1]),
				least(cost[i - 1][j], cost[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
					a[i - 2] == b[j - 1])
				cost[i][j] = least(cost[i][j],
					cost[i - 2][j - 2] + 1);
		}
	return cost[n][m];
}

static int find_long(const char *name, size_t len)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = option_row((enum option)i);

		if (strlen(row->name) == len && !memcmp(row->name, name, len))
			return i;
	}
	return -1;
}

static int find_letter(char letter)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (raw[i].letter && raw[i].letter == letter)
			return i;
	return -1;
}

static int refuse_long(const char *word, char *reason, size_t size)
{
	const char *nearest = NULL;
	unsigned best = 3;

	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = option_row((enum option)i);
		unsigned far = word_distance(word, row->name);

		if (far < best) {
			best = far;
			nearest = row->name;
		}
	}
	if (nearest)
		snprintf(reason, size,
			"unknown option --%s; did you mean --%s?", word,
			nearest);
	else
		snprintf(reason, size, "unknown option --%s", word);
	return -1;
}

struct reading {
	struct args *a;
	char **argv;
	int argc;
	int at;
	char *reason;
	size_t size;
};

/* Stores option `i`; its value is `inline_value`, or the next argument. */
static int put(struct reading *r, int i, const char *inline_value)
{
	const char *name = option_row((enum option)i)->name;

	if (!raw[i].value && inline_value) {
		snprintf(r->reason, r->size, "option --%s takes no value",
			name);
		return -1;
	}
	if (raw[i].value && !inline_value) {
		if (r->at + 1 >= r->argc) {
			snprintf(r->reason, r->size, "option --%s needs %s",
				name, raw[i].value);
			return -1;
		}
		inline_value = r->argv[++r->at];
	}
	r->a->value[i] = inline_value ? inline_value : "";
	return 0;
}

static int read_long(struct reading *r, const char *word)
{
	size_t len = strcspn(word, "=");
	int i = find_long(word, len);

	if (i < 0)
		return refuse_long(word, r->reason, r->size);
	return put(r, i, word[len] ? word + len + 1 : NULL);
}

/* "-jn5": letters in a row, the last may have its value behind it. */
static int read_letters(struct reading *r, const char *letters)
{
	for (; *letters; letters++) {
		int i = find_letter(*letters);

		if (i < 0) {
			snprintf(r->reason, r->size, "unknown option -%c",
				isprint((unsigned char)*letters) ? *letters :
				'?');
			return -1;
		}
		if (raw[i].value)
			return put(r, i, letters[1] ? letters + 1 : NULL);
		r->a->value[i] = "";
	}
	return 0;
}

int args_read(struct args *a, int argc, char **argv, const char **words,
	char *reason, size_t size)
{
	struct reading r = {a, argv, argc, 1, reason, size};
	int err = 0;

	*a = (struct args){.words = words};
	for (; r.at < argc && !err; r.at++) {
		const char *word = argv[r.at];

		if (!strcmp(word, "--")) {
			for (r.at++; r.at < argc; r.at++)
				words[a->count++] = argv[r.at];
		} else if (!strncmp(word, "--", 2)) {
			err = read_long(&r, word + 2);
		} else if (word[0] == '-' && word[1]) {
			err = read_letters(&r, word + 1);
		} else {
			words[a->count++] = word;
		}
	}
	return err;
}
