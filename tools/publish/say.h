/* How ferry-publish tells a person what is wrong: one line on stderr that
 * names the file, the field and the rule.
 *
 * A function of this tool that fails has already said why, once, and returns
 * a negative code that callers only pass on. No state; one thread. */
#ifndef FERRY_PUBLISH_SAY_H
#define FERRY_PUBLISH_SAY_H

#include <stdio.h>

#include "base/err.h"

/* Where complaints and warnings go; standard error before the first call. */
void say_to(FILE *out);

/* Exit codes of the program. */
enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

/* Writes "ferry-publish: FILE: FIELD: RULE" (parts that are NULL or empty are
 * left out) and returns `code`. */
int complain(int code, const char *file, const char *field, const char *rule,
	...) __attribute__((format(printf, 4, 5)));

/* The same from a fault that a parser has filled; a fault without a rule gets
 * the text of its code. */
int complain_fault(const char *file, int code, const struct fault *fault);

/* Writes "ferry-publish: warning: FILE: FIELD: RULE". */
void warn(const char *file, const char *field, const char *rule, ...)
	__attribute__((format(printf, 3, 4)));

#endif
