#include "tools/publish/cli.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/publish/say.h"

#ifndef FERRY_VERSION
#define FERRY_VERSION "0.1.0"
#endif

static size_t option_find(const struct cli_verb *verb, const char *name,
	size_t len)
{
	size_t i = 0;

	while (verb->options[i].name && (strlen(verb->options[i].name) != len ||
			strncmp(verb->options[i].name, name, len) != 0))
		i++;
	return i;
}

static int option_take(struct cli *cli, const char *text, int argc, char **argv,
	int *at)
{
	const struct cli_verb *verb = cli->verb;
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : strlen(text);
	size_t i = option_find(verb, text, len);
	const struct cli_option *option = &verb->options[i];
	const char *value = equals ? equals + 1 : NULL;

	if (!option->name)
		return complain(-EINVAL, verb->name, NULL,
			"unknown option --%.*s (see --help)", (int)len, text);
	if (!option->value && value)
		return complain(-EINVAL, verb->name, NULL,
			"--%s takes no value", option->name);
	if (option->value && !value) {
		if (*at + 1 >= argc)
			return complain(-EINVAL, verb->name, NULL,
				"--%s needs a value (%s)", option->name,
				option->value);
		value = argv[++*at];
	}
	if (cli->counts[i] > 0 && !option->repeat)
		return complain(-EINVAL, verb->name, NULL,
			"--%s may be given only once", option->name);
	if (cli->counts[i] == CLI_VALUES_MAX)
		return complain(-EINVAL, verb->name, NULL,
			"--%s may be given %d times at most", option->name,
			CLI_VALUES_MAX);
	cli->values[i][cli->counts[i]++] = value ? value : "";
	return 0;
}

int cli_parse(const struct cli_verb *verb, int argc, char **argv,
	struct cli *ret)
{
	bool options = true;
	int err;

	*ret = (struct cli){.verb = verb};
	for (int i = 0; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
			continue;
		}
		if (options && strncmp(argv[i], "--", 2) == 0) {
			err = option_take(ret, argv[i] + 2, argc, argv, &i);
			if (err)
				return err;
			continue;
		}
		if (ret->args_count == verb->args_max ||
				ret->args_count == CLI_ARGS_MAX)
			return complain(-EINVAL, verb->name, NULL,
				"one argument too many: %s (see --help)",
				argv[i]);
		ret->args[ret->args_count++] = argv[i];
	}
	if (ret->args_count < verb->args_min)
		return complain(-EINVAL, verb->name, NULL,
			"an argument is missing: %s", verb->args);
	return 0;
}

static size_t option_must_find(const struct cli *cli, const char *name)
{
	size_t i = option_find(cli->verb, name, strlen(name));

	assert(cli->verb->options[i].name && i < CLI_OPTIONS_MAX);
	return i;
}

const char *cli_get(const struct cli *cli, const char *name)
{
	size_t i = option_must_find(cli, name);

	return cli->counts[i] ? cli->values[i][cli->counts[i] - 1] : NULL;
}

bool cli_has(const struct cli *cli, const char *name)
{
	return cli_get(cli, name) != NULL;
}

size_t cli_all(const struct cli *cli, const char *name,
	const char *const **ret)
{
	size_t i = option_must_find(cli, name);

	*ret = cli->values[i];
	return cli->counts[i];
}

int cli_number(const struct cli *cli, const char *name, unsigned long long min,
	unsigned long long max, unsigned long long *ret)
{
	const char *text = cli_get(cli, name);
	unsigned long long value;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || value < min ||
			value > max)
		return complain(-EINVAL, cli->verb->name, NULL,
			"--%s must be a number from %llu to %llu, not \"%s\"",
			name, min, max, text);
	*ret = value;
	return 0;
}

static void help_verb(const struct cli_verb *verb)
{
	const struct cli_option *o = verb->options;

	printf("Usage: ferry-publish %s%s%s%s\n\n%s.\n", verb->name,
		o->name ? " [OPTIONS]" : "", *verb->args ? " " : "",
		verb->args, verb->summary);
	if (verb->detail)
		printf("\n%s\n", verb->detail);
	if (o->name)
		printf("\nOptions:\n");
	for (; o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", o->name,
			o->value ? " " : "", o->value ? o->value : "");
		printf("  %-26s %s%s\n", left, o->help,
			o->repeat ? " (repeatable)" : "");
	}
}

static void help_all(const struct cli_verb *const *verbs)
{
	printf("Usage: ferry-publish VERB [OPTIONS] [ARGUMENTS]\n\n"
		"Makes what a vendor publishes for Ferry gateways: keys, root,"
		" catalog and\nsigned envelopes, in a folder that any web"
		" server can serve.\n\nVerbs:\n");
	for (; *verbs; verbs++)
		printf("  %-14s %s\n", (*verbs)->name, (*verbs)->summary);
	printf("\nferry-publish VERB --help tells more. Exit codes: 0 done or"
		" accepted,\n1 failed or refused, 2 usage or unreadable"
		" input.\n");
}

/* How many words of argv name this verb; 0: not this one. */
static int verb_words(const struct cli_verb *verb, int argc, char **argv)
{
	const char *space = strchr(verb->name, ' ');
	size_t first = space ? (size_t)(space - verb->name) :
			strlen(verb->name);

	if (argc < 1 || strlen(argv[0]) != first ||
			strncmp(argv[0], verb->name, first) != 0)
		return 0;
	if (!space)
		return 1;
	return argc > 1 && strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

static bool asks_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 ||
				strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

int cli_main(const struct cli_verb *const *verbs, int argc, char **argv)
{
	const struct cli_verb *verb = NULL;
	struct cli cli;
	int words = 0;

	argc--;
	argv++;
	if (argc == 1 && strcmp(argv[0], "--version") == 0) {
		printf("ferry-publish %s\n", FERRY_VERSION);
		return EXIT_DONE;
	}
	for (size_t i = 0; verbs[i] && !words; i++) {
		verb = verbs[i];
		words = verb_words(verb, argc, argv);
	}
	if (!words) {
		if (argc > 0 && asks_help(argc, argv)) {
			help_all(verbs);
			return EXIT_DONE;
		}
		complain(-EINVAL, NULL, NULL, argc > 0 ?
			"unknown verb %s (see ferry-publish --help)" :
			"a verb is missing%s (see ferry-publish --help)",
			argc > 0 ? argv[0] : "");
		return EXIT_USAGE;
	}
	if (asks_help(argc - words, argv + words)) {
		help_verb(verb);
		return EXIT_DONE;
	}
	if (cli_parse(verb, argc - words, argv + words, &cli))
		return EXIT_USAGE;
	return verb->run(&cli);
}
