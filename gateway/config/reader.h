/* Reads one configuration file into a plain struct by a table of fields.
 *
 * The grammar is libconfig's. A setting that the table does not know, a wrong
 * type, a value out of range or a missing required setting is an error with
 * file, line, name and rule. Nothing is allocated for the result: texts go into
 * char arrays, lists into arrays with a maximum. Includes (@include) are off.
 * Start-up and reload only; blocking. */
#ifndef FERRY_GATEWAY_CONFIG_READER_H
#define FERRY_GATEWAY_CONFIG_READER_H

#include "base/bytes.h"
#include "base/err.h"

struct conf_problem {
	char file[256];
	int line;
	struct fault fault;
};

/* One key and value of a group with free names (CONF_PAIRS). true and false
 * become the words that drivers know: yes and no. */
struct conf_pair {
	char key[32];
	char value[224];
	int line;
};

enum conf_kind {
	CONF_TEXT,   /* string -> char[size] */
	CONF_INT,    /* integer in min..max -> int64_t */
	CONF_BOOL,   /* true/false -> bool */
	CONF_TEXTS,  /* [ "a", "b" ] -> char[max_count][size], unsigned count */
	CONF_GROUP,  /* { ... }; offsets of `group` count from the same base */
	CONF_GROUPS, /* ( {...}, ... ) -> struct[max_count] of `size`, count */
	CONF_PAIRS,  /* { any = scalar; ... } -> conf_pair[max_count], count */
};

struct conf_field {
	const char *name;
	enum conf_kind kind;
	size_t offset;
	size_t size;         /* of the text, or of one element */
	int64_t min, max;    /* CONF_INT */
	bool required;
	const struct conf_field *group; /* ends with a NULL name */
	unsigned max_count;
	size_t count_offset; /* of an `unsigned` */
	size_t line_offset;  /* of an `int` that takes the line; 0: none */
	/* CONF_TEXT, CONF_TEXTS: NULL if good, else the rule it breaks. */
	const char *(*rule)(const char *text);
};

/* `into` already holds the defaults. Returns 0, or a negative error with
 * *problem filled; `into` may be half filled then. Files larger than 256 KiB
 * are refused. */
int conf_read(const char *path, const struct conf_field *fields, void *into,
	struct conf_problem *problem);

/* The same from memory; `name` stands for the file in errors. */
int conf_read_text(const char *text, const char *name,
	const struct conf_field *fields, void *into,
	struct conf_problem *problem);

/* Fills `p` and returns `code`. */
int conf_problem_set(struct conf_problem *p, int code, const char *file,
	int line, const char *field, const char *rule, ...)
	__attribute__((format(printf, 6, 7)));

/* Where the setting on the way `path` stands ("match.model", "components[0].id"):
 * the line of the innermost one of its parts that there is, 0 for none. */
int conf_text_line(const char *text, const char *path);

/* Fills in the line of a problem that was found after its file was read, by
 * reading that once more; the field is the way to the setting. Leaves a line that
 * is known, and one that cannot be found. */
void conf_locate(struct conf_problem *p);

#endif
