#include "tools/publish/conf.h"

#include <errno.h>
#include <stdio.h>

#include <libconfig.h>

#include "base/buf.h"
#include "tools/publish/files.h"
#include "tools/publish/say.h"
#include "tools/publish/uuid.h"
#include "tools/publish/when.h"

#define CONF_FILE_MAX ((size_t)64 * 1024)

int conf_name_check(const char *what, const char *name)
{
	size_t len = strlen(name);

	if (len > 0 && len < 64 && name[0] != '.' &&
			strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.")
			== len)
		return 0;
	return complain(-EINVAL, name, what, "must be 1 to 63 of a-z, 0-9,"
		" '-', '_' and '.', not starting with '.'");
}

int conf_url_check(const char *what, const char *url)
{
	const char *rest = strncmp(url, "http://", 7) == 0 ? url + 7 :
			strncmp(url, "https://", 8) == 0 ? url + 8 : NULL;

	if (!url[0])
		return 0;
	if (rest && *rest && *rest != '/' && strlen(url) < 200) {
		for (; *rest > ' ' && *rest < 0x7f; rest++)
			;
		if (!*rest)
			return 0;
	}
	return complain(-EINVAL, url, what, "must begin with http:// or https://"
		" and have less than 200 printable characters");
}

static int complain_setting(const char *path, const config_setting_t *setting,
	const char *rule)
{
	const char *name = config_setting_name(setting);

	return complain(-EINVAL, path, name ? name : "", "line %u: %s",
		(unsigned)config_setting_source_line(setting), rule);
}

/* Reads the file with our own bounds and parses it. */
static int conf_load(const char *path, config_t *config)
{
	struct buf text;
	int err;

	buf_init(&text, CONF_FILE_MAX);
	err = file_read(path, &text);
	if (!err && (buf_add(&text, "", 1) ||
			memchr(text.at, '\0', text.len - 1)))
		err = complain(-EINVAL, path, NULL,
			"holds a zero byte or is too large");
	if (!err && !config_read_string(config, (const char *)text.at))
		err = complain(-EINVAL, path, NULL, "line %d: %s",
			config_error_line(config), config_error_text(config));
	buf_done(&text);
	return err;
}

/* Refuses settings that are not in the list, which ends with NULL. */
static int conf_known(const char *path, const config_t *config,
	const char *const *names)
{
	const config_setting_t *root = config_root_setting(config);
	int count = config_setting_length(root);

	for (int i = 0; i < count; i++) {
		const config_setting_t *s = config_setting_get_elem(root,
			(unsigned)i);
		const char *const *name = names;

		while (*name && strcmp(*name, config_setting_name(s)) != 0)
			name++;
		if (!*name)
			return complain_setting(path, s, "unknown setting");
	}
	return 0;
}

static int take_text(const char *path, const config_t *config, const char *name,
	char *ret, size_t size)
{
	const config_setting_t *s = config_lookup(config, name);
	const char *text;

	if (!s)
		return 0;
	text = config_setting_get_string(s);
	if (!text)
		return complain_setting(path, s, "must be a text in quotes");
	if (strlen(text) >= size)
		return complain_setting(path, s, "is too long");
	strcpy(ret, text);
	return 0;
}

static int take_uuid(const char *path, const config_t *config, const char *name,
	uint8_t ret[16])
{
	const config_setting_t *s = config_lookup(config, name);
	const char *text = s ? config_setting_get_string(s) : NULL;

	if (!s)
		return complain(-EINVAL, path, name, "is missing");
	if (!text || uuid_parse(text, ret))
		return complain_setting(path, s, "must be a UUID in quotes");
	return 0;
}

static int take_number(const char *path, const config_t *config,
	const char *name, int min, int max, unsigned *ret)
{
	const config_setting_t *s = config_lookup(config, name);
	int value;

	if (!s)
		return 0;
	value = config_setting_get_int(s);
	if (config_setting_type(s) != CONFIG_TYPE_INT || value < min ||
			value > max) {
		char rule[64];

		snprintf(rule, sizeof(rule), "must be a number from %d to %d",
			min, max);
		return complain_setting(path, s, rule);
	}
	*ret = (unsigned)value;
	return 0;
}

static int take_bool(const char *path, const config_t *config, const char *name,
	bool *ret)
{
	const config_setting_t *s = config_lookup(config, name);

	if (!s)
		return 0;
	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		return complain_setting(path, s, "must be true or false");
	*ret = config_setting_get_bool(s);
	return 0;
}

static int take_time(const char *path, const config_t *config, const char *name,
	uint64_t *ret)
{
	const config_setting_t *s = config_lookup(config, name);
	const char *text = s ? config_setting_get_string(s) : NULL;

	if (!s)
		return 0;
	if (!text || when_parse(text, ret))
		return complain_setting(path, s, "must be a time in quotes,"
			" such as \"2030-01-31\"");
	return 0;
}

static int vendor_take(const char *path, const config_t *config,
	struct vendor_conf *conf)
{
	static const char *const names[] = {"vendor_id", "name", "domain",
		"catalog_days", "root_days", "unsplit_algorithms", "crl_url",
		"ocsp_url", "crl_days", NULL};
	int err = conf_known(path, config, names);

	if (!err)
		err = take_uuid(path, config, "vendor_id", conf->vendor_id);
	if (!err)
		err = take_text(path, config, "name", conf->name,
			sizeof(conf->name));
	if (!err)
		err = take_text(path, config, "domain", conf->domain,
			sizeof(conf->domain));
	if (!err)
		err = take_number(path, config, "catalog_days", 1, 366,
			&conf->catalog_days);
	if (!err)
		err = take_number(path, config, "root_days", 1, 3660,
			&conf->root_days);
	if (!err)
		err = take_bool(path, config, "unsplit_algorithms",
			&conf->unsplit_algorithms);
	if (!err)
		err = take_text(path, config, "crl_url", conf->crl_url,
			sizeof(conf->crl_url));
	if (!err)
		err = conf_url_check("crl_url", conf->crl_url);
	if (!err)
		err = take_text(path, config, "ocsp_url", conf->ocsp_url,
			sizeof(conf->ocsp_url));
	if (!err)
		err = conf_url_check("ocsp_url", conf->ocsp_url);
	if (!err)
		err = take_number(path, config, "crl_days", 1, 366,
			&conf->crl_days);
	if (!err && !conf->name[0])
		err = complain(-EINVAL, path, "name", "is missing");
	return err;
}

int vendor_conf_read(const char *path, struct vendor_conf *ret)
{
	struct vendor_conf conf = {.catalog_days = 7, .root_days = 365,
		.crl_days = CONF_CRL_DAYS};
	config_t config;
	int err;

	config_init(&config);
	err = conf_load(path, &config);
	if (!err)
		err = vendor_take(path, &config, &conf);
	config_destroy(&config);
	if (!err)
		*ret = conf;
	return err;
}

static int take_components(const char *path, const config_t *config,
	struct class_conf *conf)
{
	const config_setting_t *s = config_lookup(config, "components");
	int count;

	if (!s)
		return complain(-EINVAL, path, "components", "is missing");
	count = config_setting_length(s);
	if (config_setting_is_scalar(s) || count < 1 ||
			count > CONF_COMPONENTS_MAX)
		return complain_setting(path, s,
			"must be a list of 1 to 8 component names");
	for (int i = 0; i < count; i++) {
		const char *text = config_setting_get_string_elem(s, i);

		if (!text || !*text || strlen(text) >=
				sizeof(conf->components[i]))
			return complain_setting(path, s,
				"each component is a text of 1 to 63 bytes");
		strcpy(conf->components[i], text);
	}
	conf->components_count = (unsigned)count;
	return 0;
}

int class_conf_read(const char *path, const char *name, struct class_conf *ret)
{
	static const char *const names[] = {"class_id", "model", "components",
		"end_of_support", NULL};
	struct class_conf conf = {0};
	config_t config;
	int err = conf_name_check("class", name);

	if (err)
		return err;
	strcpy(conf.name, name);
	config_init(&config);
	err = conf_load(path, &config);
	if (!err)
		err = conf_known(path, &config, names);
	if (!err)
		err = take_uuid(path, &config, "class_id", conf.class_id);
	if (!err)
		err = take_text(path, &config, "model", conf.model,
			sizeof(conf.model));
	if (!err)
		err = take_components(path, &config, &conf);
	if (!err)
		err = take_time(path, &config, "end_of_support",
			&conf.end_of_support);
	config_destroy(&config);
	if (!err)
		*ret = conf;
	return err;
}

/* Adds a text in quotes with what libconfig would read otherwise escaped. */
static void put_quoted(struct buf *b, const char *text)
{
	buf_add_text(b, "\"");
	for (const char *at = text; *at; at++) {
		unsigned char c = (unsigned char)*at;

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c < 0x20)
			buf_printf(b, "\\x%02x", c);
		else
			buf_add(b, at, 1);
	}
	buf_add_text(b, "\"");
}

static int conf_store(const char *path, struct buf *text)
{
	int err = text->err ? complain(text->err, path, NULL, "too large") :
			file_write_new(path, buf_bytes(text), 0644);

	buf_done(text);
	return err;
}

int vendor_conf_write(const char *path, const struct vendor_conf *conf)
{
	char uuid[UUID_TEXT_SIZE];
	struct buf b;

	buf_init(&b, CONF_FILE_MAX);
	buf_printf(&b, "# What ferry-publish writes for all classes.\n"
		"vendor_id = \"%s\";\nname = ",
		uuid_format(conf->vendor_id, uuid));
	put_quoted(&b, conf->name);
	buf_add_text(&b, ";\ndomain = ");
	put_quoted(&b, conf->domain);
	buf_printf(&b, ";\n\n# How long a catalog and a root are valid.\n"
		"catalog_days = %u;\nroot_days = %u;\n\n"
		"# true: sign with ES256 and ES384 instead of ESP256 and"
		" ESP384.\nunsplit_algorithms = %s;\n", conf->catalog_days,
		conf->root_days, conf->unsplit_algorithms ? "true" : "false");
	buf_add_text(&b, "\n# Where revocation evidence is served; stands in new"
		" certificates.\ncrl_url = ");
	put_quoted(&b, conf->crl_url);
	buf_add_text(&b, ";\nocsp_url = ");
	put_quoted(&b, conf->ocsp_url);
	buf_printf(&b, ";\ncrl_days = %u;\n", conf->crl_days);
	return conf_store(path, &b);
}

int class_conf_write(const char *path, const struct class_conf *conf)
{
	char uuid[UUID_TEXT_SIZE], when[WHEN_TEXT_SIZE];
	struct buf b;

	buf_init(&b, CONF_FILE_MAX);
	buf_printf(&b, "class_id = \"%s\";\nmodel = ",
		uuid_format(conf->class_id, uuid));
	put_quoted(&b, conf->model);
	buf_add_text(&b, ";\ncomponents = [");
	for (unsigned i = 0; i < conf->components_count; i++) {
		buf_add_text(&b, i ? ", " : "");
		put_quoted(&b, conf->components[i]);
	}
	buf_add_text(&b, "];\n");
	if (conf->end_of_support)
		buf_printf(&b, "end_of_support = \"%s\";\n",
			when_format(conf->end_of_support, when));
	return conf_store(path, &b);
}
