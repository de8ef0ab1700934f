/* The command line, by table: which options there are, what they take, and the
 * nearest known word to one that is unknown.
 *
 * Pure; views into argv. */
#ifndef FERRY_GATEWAY_CTL_OPTION_H
#define FERRY_GATEWAY_CTL_OPTION_H

#include <stdbool.h>
#include <stddef.h>

/* X(name, short, value, help) */
#define OPTION_MAP(X) \
	X(SOCKET, 's', "PATH", "admin socket (or $FERRY_SOCKET)") \
	X(JSON, 'j', NULL, "print the answers of ferryd as JSON") \
	X(HELP, 'h', NULL, "help, also for one command") \
	X(VERSION, 'V', NULL, "print the version") \
	X(ALL, 'a', NULL, "every device") \
	X(ALLOW_DOWNGRADE, 0, NULL, "also to an older release (admins)") \
	X(AT, 0, "TIME", "not before this time (2026-11-21T22:00:00Z)") \
	X(BEFORE, 0, "ID", "only entries older than this one") \
	X(DEVICE, 'd', "DEVICE", "only of this device") \
	X(FAILED, 0, NULL, "every failed job") \
	X(ID, 0, "DEVICE", "name of the new device") \
	X(LIMIT, 'n', "N", "at most this many, 1 to 1000") \
	X(OPEN, 'o', NULL, "only jobs that have not ended") \
	X(ROOT, 0, "FILE", "the new first root") \
	X(STATE, 0, "STATE", "only jobs in this state") \
	X(TREE, 't', NULL, "as a tree by link") \
	X(TYPES, 0, "TYPES", "only these events: job,progress,...") \
	X(WAIT, 'w', NULL, "stay until the jobs have ended") \
	X(WINDOW, 0, "WINDOW", "only in this window (22:00-05:00)") \
	X(YES, 'y', NULL, "do not ask")

enum option {
#define OPTION_ENUM(name, letter, value, help) OPTION_##name,
	OPTION_MAP(OPTION_ENUM)
#undef OPTION_ENUM
	OPTION_COUNT,
};

#define OPTION_BIT(name) (1U << OPTION_##name)
#define OPTIONS_COMMON (OPTION_BIT(SOCKET) | OPTION_BIT(JSON) | \
	OPTION_BIT(HELP) | OPTION_BIT(VERSION))

struct option_row {
	char name[24]; /* "allow-downgrade" */
	char letter;   /* 0: none */
	const char *value;
	const char *help;
};

const struct option_row *option_row(enum option option);

struct args {
	const char *value[OPTION_COUNT]; /* NULL: not given; "" for flags */
	const char **words;              /* in the order given */
	size_t count;
};

#define args_has(a, name) ((a)->value[OPTION_##name] != NULL)
#define args_get(a, name) ((a)->value[OPTION_##name])

/* Reads argv[1] on; `words` has room for argc pointers. "--" ends the options.
 * Returns 0, or -1 with the reason in `reason`. */
int args_read(struct args *a, int argc, char **argv, const char **words,
	char *reason, size_t size);

/* Steps that make one word of the other (insert, drop, change, swap); large
 * words are far from everything. */
unsigned word_distance(const char *a, const char *b);

#endif
