/* Options of an engine: "key=value key=value" in the file of a class or a link,
 * read by a table into the fields of a struct. Pure; any thread. */
#ifndef FERRY_DEVICES_OPTIONS_H
#define FERRY_DEVICES_OPTIONS_H

#include "base/err.h"
#include "base/nearest.h"

#define OPTION_WORDS_MAX 3

/* One row an option: either words, whose position is the value, or a range of
 * numbers, decimal or behind 0x. A preset may be what cannot be said. */
struct option {
	const char *key;
	size_t at; /* of its field, an int */
	int preset;
	int min, max; /* 0 or more */
	const char *words[OPTION_WORDS_MAX];
};

struct option_table {
	const struct option *rows;
	size_t count;
	int code; /* of the faults: ERR_ENGINE_OPTION, ERR_ZIGBEE_OPTIONS */
};

#define OPTION_TABLE(rows, code) {rows, sizeof(rows) / sizeof((rows)[0]), code}

/* One of the words of a text, between blanks; a view into it. */
struct option_word {
	struct bytes all, key, value; /* `value` is empty without "=" */
};

/* Presets, then what `text` says (NULL: nothing). 0, or the table's code with
 * the key and the rule in `f`, which may be NULL; `fields` are of no use then. */
int options_read(const struct option_table *t, const char *text, void *fields,
	struct fault *f);

/* The parts of it, for a text that holds more than options. */
void options_preset(const struct option_table *t, void *fields);
/* Takes the next word off `*rest`; false at the end. */
bool options_next(struct bytes *rest, struct option_word *ret);
/* The row of this key, or NULL. */
const struct option *options_find(const struct option_table *t,
	struct bytes key);
int options_take(const struct option_table *t, const struct option *option,
	struct bytes value, void *fields, struct fault *f);
/* The keys of the table, as what an unknown one may have been meant as. */
void options_offer(const struct option_table *t, struct nearest *near);

#endif
