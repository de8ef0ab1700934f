/* Text for a person: what the terminal can show, foreign text made harmless,
 * sizes, times and durations in words.
 *
 * Pure but for term_open(). Single thread. */
#ifndef FERRY_GATEWAY_CTL_TEXT_H
#define FERRY_GATEWAY_CTL_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct term {
	FILE *out;
	bool tty;
	bool colour;
	bool utf8;
	unsigned width; /* columns; 0: no limit */
	unsigned height;
};

enum tint { TINT_NONE, TINT_GOOD, TINT_BAD, TINT_WARN, TINT_DIM, TINT_BOLD };

#define TEXT_SIZE 64

/* Looks at stdout and the environment (NO_COLOR, TERM, COLUMNS, locale). */
void term_open(struct term *t);

/* Looks at the size of the window again. */
void term_measure(struct term *t);

/* Switches a colour on and, with TINT_NONE, off. Empty without colours. */
const char *term_tint(const struct term *t, enum tint tint);

/* The colour that fits the word for a state, outcome or health. */
enum tint tint_of_state(const char *state);

/* Foreign text without anything that steers a terminal: control characters, bidi
 * marks and bytes that are no UTF-8 become \xNN or \u{N}. The caller frees it;
 * never NULL (an empty text when there is no memory is static: use text_free). */
char *term_text(const struct term *t, const char *foreign);
void text_free(char *text);

/* Columns that a clean text takes. */
size_t text_columns(const struct term *t, const char *text);

/* Cuts a clean text in place to `columns`, with an ellipsis at the end. `size`
 * is that of the array it lives in. */
void text_fit(const struct term *t, char *text, size_t size, size_t columns);

/* Prints a clean text that begins in column `at`, broken at blanks where the
 * terminal ends; further lines begin in column `indent`. Ends with a new
 * line. */
void text_wrap(const struct term *t, unsigned at, unsigned indent,
	const char *text);

/* "512 B", "8.1 kB", "1.3 MB". */
char *text_bytes(int64_t bytes, char text[TEXT_SIZE]);

/* "27 s", "4 min 10 s", "2 h 05 min", "3 d 4 h". */
char *text_seconds(int64_t seconds, char text[TEXT_SIZE]);

/* An RFC 3339 time of the API as local time, "2026-11-21 15:04:05"; what cannot
 * be read is shown as "?". */
char *text_time(const char *rfc3339, char text[TEXT_SIZE]);

/* "42 %"; 0 of 0 is 0 %. */
unsigned percent_of(int64_t part, int64_t whole);

#endif
