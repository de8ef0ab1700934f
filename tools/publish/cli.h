/* The command line of ferry-publish: a table of verbs, each with its options.
 *
 * A verb is one or two words ("release", "root renew"). Options are
 * `--name VALUE`, `--name=VALUE` or, for flags, `--name`; they stand in any
 * order among the other arguments; `--` ends them. Parsing fills a struct that
 * points into argv, so it lives as long as argv does. No state. */
#ifndef FERRY_PUBLISH_CLI_H
#define FERRY_PUBLISH_CLI_H

#include <stdbool.h>
#include <stddef.h>

#define CLI_OPTIONS_MAX 32  /* options of one verb */
#define CLI_VALUES_MAX 16   /* times that one option may be repeated */
#define CLI_ARGS_MAX 8      /* arguments that are not options */

struct cli_option {
	const char *name;
	const char *value;  /* what --help calls the value; NULL: a flag */
	bool repeat;
	const char *help;
};

struct cli;

struct cli_verb {
	const char *name;
	const char *args;    /* "ENVELOPE [PAYLOAD]"; "" for none */
	size_t args_min;
	size_t args_max;
	const char *summary; /* one line */
	const char *detail;  /* more lines for --help, or NULL */
	const struct cli_option *options; /* ends with a NULL name */
	int (*run)(const struct cli *cli); /* returns an exit code */
};

struct cli {
	const struct cli_verb *verb;
	const char *args[CLI_ARGS_MAX];
	size_t args_count;
	const char *values[CLI_OPTIONS_MAX][CLI_VALUES_MAX];
	size_t counts[CLI_OPTIONS_MAX];
};

/* Finds the verb, parses and runs it; answers --help and --version itself.
 * Returns the exit code. `verbs` ends with NULL. */
int cli_main(const struct cli_verb *const *verbs, int argc, char **argv);

/* Fills `ret` from the arguments behind the verb. Returns 0, or -EINVAL after
 * it has complained. */
int cli_parse(const struct cli_verb *verb, int argc, char **argv,
	struct cli *ret);

/* The last value of an option, or NULL. A flag that was given has "". `name`
 * must be in the verb's table. */
const char *cli_get(const struct cli *cli, const char *name);
bool cli_has(const struct cli *cli, const char *name);

/* All values of an option that may be repeated. */
size_t cli_all(const struct cli *cli, const char *name,
	const char *const **ret);

/* Reads a number option. `*ret` keeps its value where the option is absent.
 * Returns 0, or -EINVAL after it has complained. */
int cli_number(const struct cli *cli, const char *name, unsigned long long min,
	unsigned long long max, unsigned long long *ret);

#endif
