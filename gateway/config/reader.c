#include "gateway/config/reader.h"

#include <errno.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/nearest.h"

#define FILE_MAX (256 * 1024)
#define DEPTH_MAX 4

struct reading {
	const char *file;
	struct conf_problem *problem;
};

int conf_problem_set(struct conf_problem *p, int code, const char *file,
	int line, const char *field, const char *rule, ...)
{
	char text[sizeof(p->fault.rule)];
	va_list args;

	if (!p)
		return code;
	*p = (struct conf_problem){.line = line};
	snprintf(p->file, sizeof(p->file), "%s", file);
	va_start(args, rule);
	vsnprintf(text, sizeof(text), rule, args);
	va_end(args);
	return fault_set(&p->fault, code, 0, field, "%s", text);
}

#define REFUSE(r, code, s, ...) \
	conf_problem_set((r)->problem, code, (r)->file, \
		(int)config_setting_source_line(s), config_setting_name(s) ? \
		config_setting_name(s) : "list element", __VA_ARGS__)

static int take_text(const struct reading *r, const struct conf_field *f,
	const config_setting_t *s, char *into)
{
	const char *text = config_setting_get_string(s);
	const char *rule;

	if (!text)
		return REFUSE(r, ERR_CONFIG_TYPE, s, "must be a text");
	if (strlen(text) >= f->size)
		return REFUSE(r, ERR_CONFIG_RANGE, s,
			"must be shorter than %zu bytes", f->size);
	rule = f->rule ? f->rule(text) : NULL;
	if (rule)
		return REFUSE(r, ERR_CONFIG_VALUE, s, "%s", rule);
	memcpy(into, text, strlen(text) + 1);
	return 0;
}

static int take_int(const struct reading *r, const struct conf_field *f,
	const config_setting_t *s, int64_t *into)
{
	int type = config_setting_type(s);
	int64_t value;

	if (type == CONFIG_TYPE_INT)
		value = config_setting_get_int(s);
	else if (type == CONFIG_TYPE_INT64)
		value = config_setting_get_int64(s);
	else
		return REFUSE(r, ERR_CONFIG_TYPE, s, "must be an integer");
	if (value < f->min || value > f->max)
		return REFUSE(r, ERR_CONFIG_RANGE, s,
			"must be %lld to %lld, not %lld", (long long)f->min,
			(long long)f->max, (long long)value);
	*into = value;
	return 0;
}

static int take_texts(const struct reading *r, const struct conf_field *f,
	const config_setting_t *s, char *into, unsigned *count)
{
	unsigned n = (unsigned)config_setting_length(s);

	if (!config_setting_is_array(s) && !config_setting_is_list(s))
		return REFUSE(r, ERR_CONFIG_TYPE, s,
			"must be a list of texts");
	if (n > f->max_count)
		return REFUSE(r, ERR_CONFIG_RANGE, s,
			"must have at most %u elements", f->max_count);
	for (unsigned i = 0; i < n; i++) {
		int err = take_text(r, f, config_setting_get_elem(s, i),
			into + i * f->size);

		if (err)
			return err;
	}
	*count = n;
	return 0;
}

static int take_pair(const struct reading *r, const config_setting_t *s,
	struct conf_pair *pair)
{
	const char *name = config_setting_name(s);
	int n = -1;

	if (!name || strlen(name) >= sizeof(pair->key))
		return REFUSE(r, ERR_CONFIG_RANGE, s,
			"name must be shorter than %zu bytes",
			sizeof(pair->key));
	memcpy(pair->key, name, strlen(name) + 1);
	pair->line = config_setting_source_line(s);
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_STRING:
		n = snprintf(pair->value, sizeof(pair->value), "%s",
			config_setting_get_string(s));
		break;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		n = snprintf(pair->value, sizeof(pair->value), "%lld",
			(long long)config_setting_get_int64(s));
		break;
	case CONFIG_TYPE_BOOL:
		n = snprintf(pair->value, sizeof(pair->value), "%s",
			config_setting_get_bool(s) ? "yes" : "no");
		break;
	default:
		return REFUSE(r, ERR_CONFIG_TYPE, s,
			"must be a text, an integer or true/false");
	}
	if (n < 0 || (size_t)n >= sizeof(pair->value))
		return REFUSE(r, ERR_CONFIG_RANGE, s,
			"must be shorter than %zu bytes", sizeof(pair->value));
	return 0;
}

static int take_pairs(const struct reading *r, const struct conf_field *f,
	const config_setting_t *s, struct conf_pair *into, unsigned *count)
{
	unsigned n = (unsigned)config_setting_length(s);

	if (!config_setting_is_group(s))
		return REFUSE(r, ERR_CONFIG_TYPE, s, "must be a group { ... }");
	if (n > f->max_count)
		return REFUSE(r, ERR_CONFIG_RANGE, s,
			"must have at most %u settings", f->max_count);
	for (unsigned i = 0; i < n; i++) {
		int err = take_pair(r, config_setting_get_elem(s, i), &into[i]);

		if (err)
			return err;
	}
	*count = n;
	return 0;
}

static int take_group(const struct reading *r, const struct conf_field *fields,
	const config_setting_t *group, void *into, unsigned depth);

static int take_groups(const struct reading *r, const struct conf_field *f,
	const config_setting_t *s, char *into, unsigned *count, unsigned depth)
{
	unsigned n = (unsigned)config_setting_length(s);

	if (!config_setting_is_list(s))
		return REFUSE(r, ERR_CONFIG_TYPE, s,
			"must be a list of groups ( { ... }, ... )");
	if (n > f->max_count)
		return REFUSE(r, ERR_CONFIG_RANGE, s,
			"must have at most %u elements", f->max_count);
	for (unsigned i = 0; i < n; i++) {
		const config_setting_t *one = config_setting_get_elem(s, i);
		int err;

		if (!config_setting_is_group(one))
			return REFUSE(r, ERR_CONFIG_TYPE, one,
				"must be a group { ... }");
		err = take_group(r, f->group, one, into + i * f->size, depth);
		if (err)
			return err;
	}
	*count = n;
	return 0;
}

static int take_field(const struct reading *r, const struct conf_field *f,
	const config_setting_t *s, char *base, unsigned depth)
{
	unsigned *count = (unsigned *)(void *)(base + f->count_offset);
	char *into = base + f->offset;

	if (f->line_offset)
		*(int *)(void *)(base + f->line_offset) =
			config_setting_source_line(s);
	switch (f->kind) {
	case CONF_TEXT:
		return take_text(r, f, s, into);
	case CONF_INT:
		return take_int(r, f, s, (int64_t *)(void *)into);
	case CONF_BOOL:
		if (config_setting_type(s) != CONFIG_TYPE_BOOL)
			return REFUSE(r, ERR_CONFIG_TYPE, s,
				"must be true or false");
		*(bool *)into = config_setting_get_bool(s);
		return 0;
	case CONF_TEXTS:
		return take_texts(r, f, s, into, count);
	case CONF_GROUP:
		if (!config_setting_is_group(s))
			return REFUSE(r, ERR_CONFIG_TYPE, s,
				"must be a group { ... }");
		return take_group(r, f->group, s, base, depth + 1);
	case CONF_GROUPS:
		return take_groups(r, f, s, into, count, depth + 1);
	case CONF_PAIRS:
		return take_pairs(r, f, s, (struct conf_pair *)(void *)into,
			count);
	}
	return -EINVAL;
}

static int refuse_unknown(const struct reading *r,
	const struct conf_field *fields, const config_setting_t *s)
{
	struct nearest near;

	nearest_init(&near, bytes_of_text(config_setting_name(s)));
	for (; fields->name; fields++)
		nearest_offer(&near, fields->name);
	return REFUSE(r, ERR_CONFIG_UNKNOWN, s,
		"is not a setting of this file%s", nearest_text(&near));
}

static const struct conf_field *find(const struct conf_field *fields,
	const char *name)
{
	for (; fields->name; fields++)
		if (!strcmp(fields->name, name))
			return fields;
	return NULL;
}

/* Nested as deep as the tables are: DEPTH_MAX at the most. */
// NOLINTNEXTLINE(misc-no-recursion)
static int take_group(const struct reading *r, const struct conf_field *fields,
	const config_setting_t *group, void *into, unsigned depth)
{
	int n = config_setting_length(group);

	if (depth > DEPTH_MAX)
		return REFUSE(r, ERR_CONFIG_RANGE, group, "is nested too deep");
	for (int i = 0; i < n; i++) {
		const config_setting_t *s = config_setting_get_elem(group,
			(unsigned)i);
		const struct conf_field *f = find(fields,
			config_setting_name(s));
		int err;

		if (!f)
			return refuse_unknown(r, fields, s);
		err = take_field(r, f, s, into, depth);
		if (err)
			return err;
	}
	for (const struct conf_field *f = fields; f->name; f++)
		if (f->required && !config_setting_get_member(group, f->name))
			return conf_problem_set(r->problem, ERR_CONFIG_MISSING,
				r->file, (int)config_setting_source_line(group),
				f->name, "is missing");
	return 0;
}

static int read_all(const char *path, char **ret, struct conf_problem *problem)
{
	struct stat st;
	FILE *file = fopen(path, "re");
	char *text = NULL;
	int err = 0;

	if (!file) {
		err = -errno;
		return conf_problem_set(problem, err, path, 0, "file",
			"cannot be opened: %s", err_text(err));
	}
	if (fstat(fileno(file), &st) || !S_ISREG(st.st_mode) ||
			st.st_size > FILE_MAX)
		err = conf_problem_set(problem, ERR_CONFIG_RANGE, path, 0,
			"file", "must be a regular file of at most %d bytes",
			FILE_MAX);
	if (!err)
		text = calloc(1, (size_t)st.st_size + 1);
	if (!err && !text)
		err = conf_problem_set(problem, -ENOMEM, path, 0, "file",
			"finds no memory");
	if (!err && fread(text, 1, (size_t)st.st_size, file) !=
			(size_t)st.st_size)
		err = conf_problem_set(problem, -EIO, path, 0, "file",
			"cannot be read");
	if (!err && strlen(text) != (size_t)st.st_size)
		err = conf_problem_set(problem, ERR_CONFIG_VALUE, path, 0,
			"file", "must be text without NUL bytes");
	fclose(file);
	if (err)
		free(text);
	else
		*ret = text;
	return err;
}

/* The line of an @include, 0 if there is none: a file must say by itself what it
 * sets. Older libconfig has no way to switch them off. */
static int include_line(const char *text)
{
	int line = 1;

	while (*text) {
		text += strspn(text, " \t\r");
		if (!strncmp(text, "@include", 8))
			return line;
		text += strcspn(text, "\n");
		if (*text)
			text++;
		line++;
	}
	return 0;
}

int conf_read_text(const char *text, const char *name,
	const struct conf_field *fields, void *into,
	struct conf_problem *problem)
{
	struct reading r = {.file = name, .problem = problem};
	int line = include_line(text);
	config_t config;
	int err;

	if (line)
		return conf_problem_set(problem, ERR_CONFIG_SYNTAX, name, line,
			"file", "@include is not allowed");
	config_init(&config);
	if (config_read_string(&config, text))
		err = take_group(&r, fields, config_root_setting(&config), into,
			0);
	else
		err = conf_problem_set(problem, ERR_CONFIG_SYNTAX, name,
			config_error_line(&config), "file", "%s",
			config_error_text(&config) ?
			config_error_text(&config) : "cannot be parsed");
	config_destroy(&config);
	return err;
}

int conf_read(const char *path, const struct conf_field *fields, void *into,
	struct conf_problem *problem)
{
	char *text = NULL;
	int err = read_all(path, &text, problem);

	if (!err)
		err = conf_read_text(text, path, fields, into, problem);
	free(text);
	return err;
}

/* One step of a path: "match" of "match.model", then "model"; 0 at its end. */
static size_t path_step(const char *path, char *name, size_t size)
{
	size_t len = strcspn(path, ".[");

	snprintf(name, size, "%.*s", (int)len, path);
	if (path[len] == '[')
		len += strcspn(path + len, "]");
	return len + strspn(path + len, "].");
}

/* The line of the innermost setting on the way to `path` that there is. */
static int line_of(const config_setting_t *root, const char *path)
{
	const config_setting_t *at = root;
	char name[sizeof(((struct fault *)0)->field)];
	size_t len;
	int line = 0;

	while (at && config_setting_is_group(at) &&
			(len = path_step(path, name, sizeof(name))) > 0) {
		at = config_setting_get_member(at, name);
		if (at)
			line = (int)config_setting_source_line(at);
		path += len;
	}
	return line;
}

int conf_text_line(const char *text, const char *path)
{
	config_t config;
	int line = 0;

	if (include_line(text))
		return 0;
	config_init(&config);
	if (config_read_string(&config, text))
		line = line_of(config_root_setting(&config), path);
	config_destroy(&config);
	return line;
}

void conf_locate(struct conf_problem *p)
{
	char *text = NULL;

	if (!p || p->line > 0 || read_all(p->file, &text, NULL))
		return;
	p->line = conf_text_line(text, p->fault.field);
	free(text);
}
