/* From the JSON of the API to cells: a table of fields says which value is shown
 * under which title and how.
 *
 * Pure; views live as long as the JSON. Single thread. */
#ifndef FERRY_GATEWAY_CTL_FIELDS_H
#define FERRY_GATEWAY_CTL_FIELDS_H

#include <jansson.h>

#include "gateway/ctl/table.h"

enum show {
	SHOW_TEXT,
	SHOW_NUMBER,
	SHOW_BYTES,
	SHOW_SECONDS,
	SHOW_TIME,
	SHOW_DIGEST,   /* the first 12 digits */
	SHOW_STATE,    /* a word with a colour */
	SHOW_YES,      /* "yes" or nothing */
	SHOW_ONLINE,   /* "online" or "offline" */
	SHOW_LIST,     /* texts with commas, or the number of objects */
	SHOW_GATES,    /* of a job */
	SHOW_PROGRESS, /* of a job: percent, rate, ETA */
	SHOW_SHARE,    /* per cent, with one digit */
	SHOW_PAIRS,    /* of an object: "key value, key value" */
	SHOW_MATCH,    /* of an object: as `match` of a class writes it */
	SHOW_FAILURE,  /* of a failure: its hint, or else its text */
};

struct field {
	const char *title;
	const char *path; /* "link.state" */
	enum show show;
	bool right;
	unsigned shrinks;
};

#define FIELDS_END {NULL, NULL, SHOW_TEXT, false, 0}

/* The value at `path` ("a.b"), or NULL. */
const json_t *json_at(const json_t *json, const char *path);

/* The text, number or truth there; "" / 0 / false when it is none. */
const char *json_text_at(const json_t *json, const char *path);
int64_t json_number_at(const json_t *json, const char *path);
bool json_truth_at(const json_t *json, const char *path);

#define FIELD_TEXT_SIZE 512

/* What a field shows; `text` is foreign text still. */
const char *field_text(const struct field *f, const json_t *json,
	char text[FIELD_TEXT_SIZE]);
enum tint field_tint(const struct field *f, const json_t *json);

/* "{"items": [...]}" as a table. Prints `none` for an empty list. */
void fields_print_table(const struct term *term, const struct field *fields,
	const json_t *items, const char *none);

/* One object as lines "title  value"; empty values are left out. */
void fields_print_lines(const struct term *term, const struct field *fields,
	const json_t *json, const char *indent);

#endif
