#include "tools/sim/config.h"

#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>

struct group *config_add_devices(struct world_setup *setup)
{
	struct group *more;

	if (setup->group_count == CONFIG_GROUPS_MAX)
		return NULL;
	more = realloc(setup->groups,
		(setup->group_count + 1) * sizeof(*setup->groups));
	if (!more)
		return NULL;
	setup->groups = more;
	more += setup->group_count++;
	group_init(more);
	return more;
}

struct reader {
	const char *path;
	struct world_setup *setup;
	struct fault *fault;
};

/* Of a long path the end, so that the line is never cut off. */
static int fail_at(
	struct fault *fault, const char *path, unsigned line, const char *rule)
{
	size_t len = strlen(path);
	char place[64];

	snprintf(place, sizeof(place), "%s%s:%u", len > 48 ? "..." : "",
		len > 48 ? path + len - 48 : path, line);
	return fault_set(fault, -EINVAL, 0, place, "%s", rule);
}

static int fail(
	const struct reader *r, const config_setting_t *at, const char *rule)
{
	return fail_at(r->fault, r->path,
		(unsigned)config_setting_source_line(at), rule);
}

/* A scalar as the text that group_set() reads. */
static int scalar_text(const config_setting_t *s, char *text, size_t size)
{
	int n;

	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		n = snprintf(text, size, "%lld", config_setting_get_int64(s));
		break;
	case CONFIG_TYPE_BOOL:
		n = snprintf(text, size, "%s",
			config_setting_get_bool(s) ? "true" : "false");
		break;
	case CONFIG_TYPE_STRING:
		n = snprintf(text, size, "%s", config_setting_get_string(s));
		break;
	default:
		return -EINVAL;
	}
	return n < 0 || (size_t)n >= size ? -EINVAL : 0;
}

static int read_value(const struct reader *r, struct group *g, const char *key,
	const config_setting_t *value)
{
	struct fault inner = {0};
	char text[GROUP_PATH_SIZE], rule[240];

	if (scalar_text(value, text, sizeof(text)) < 0)
		return fail(r, value, "is not a short number, text or boolean");
	if (group_set(g, key, text, &inner) == 0)
		return 0;
	snprintf(rule, sizeof(rule), "%s %s", inner.field, inner.rule);
	return fail(r, value, rule);
}

static int read_switches(
	const struct reader *r, struct group *g, const config_setting_t *list)
{
	int err = 0;

	if (!config_setting_is_list(list) && !config_setting_is_array(list))
		return fail(r, list, "switches must be a list");
	for (int i = 0; i < config_setting_length(list) && !err; i++)
		err = read_value(r, g, "switch",
			config_setting_get_elem(list, (unsigned)i));
	return err;
}

static int read_group(const struct reader *r, const config_setting_t *from)
{
	struct group *g;
	int err = 0;

	if (!config_setting_is_group(from))
		return fail(r, from, "must be a group");
	g = config_add_devices(r->setup);
	if (!g)
		return fail(r, from, "is one group too many");
	for (int i = 0; i < config_setting_length(from) && !err; i++) {
		const config_setting_t *s =
			config_setting_get_elem(from, (unsigned)i);
		const char *key = config_setting_name(s);

		err = strcmp(key, "switches") == 0 ? read_switches(r, g, s)
						   : read_value(r, g, key, s);
	}
	return err;
}

static int read_path(
	const struct reader *r, const config_setting_t *s, char *to)
{
	if (scalar_text(s, to, GROUP_PATH_SIZE) < 0)
		return fail(r, s, "is not a path");
	return 0;
}

static int read_setting(const struct reader *r, const config_setting_t *s)
{
	const char *key = config_setting_name(s);
	int err = 0;

	if (strcmp(key, "dir") == 0)
		return read_path(r, s, r->setup->dir);
	if (strcmp(key, "control") == 0)
		return read_path(r, s, r->setup->control);
	if (strcmp(key, "stats") == 0)
		return read_path(r, s, r->setup->stats);
	if (strcmp(key, "devices") != 0)
		return fail(r, s, "is not a setting");
	if (!config_setting_is_list(s))
		return fail(r, s, "devices must be a list of groups");
	for (int i = 0; i < config_setting_length(s) && !err; i++)
		err = read_group(r, config_setting_get_elem(s, (unsigned)i));
	return err;
}

int config_load(
	const char *path, struct world_setup *setup, struct fault *fault)
{
	struct reader r = {path, setup, fault};
	config_setting_t *root;
	config_t file;
	int err = 0;

	config_init(&file);
	if (config_read_file(&file, path) != CONFIG_TRUE) {
		err = fail_at(fault, path, (unsigned)config_error_line(&file),
			config_error_text(&file));
		goto out;
	}
	root = config_root_setting(&file);
	for (int i = 0; i < config_setting_length(root) && !err; i++)
		err = read_setting(
			&r, config_setting_get_elem(root, (unsigned)i));
out:
	config_destroy(&file);
	return err;
}
