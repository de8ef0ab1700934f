/* Any text as each of the four kinds of configuration file. The first byte
 * chooses the kind. What is refused names a file and a field; what is taken
 * keeps every bound. */
#include <stdlib.h>

#include "gateway/config/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_text(const char *text, size_t size)
{
	check(memchr(text, '\0', size) != NULL);
}

static int as_main(const char *text, struct conf_problem *p)
{
	static struct config c;
	int err;

	memset(&c, 0, sizeof(c));
	config_presets(&c);
	err = conf_read_text(text, "ferryd.conf", config_main_fields, &c, p);
	if (err)
		return err;
	check_text(c.state_dir, sizeof(c.state_dir));
	check_text(c.window, sizeof(c.window));
	check(c.admin.viewer_count <= CONFIG_NAMES_MAX);
	check(c.log.debug_count <= CONFIG_NAMES_MAX);
	check(c.cache.quota_mb >= 1 && c.retry.budget >= 1);
	return 0;
}

static int as_vendor(const char *text, struct conf_problem *p)
{
	static struct config_vendor v;
	uint8_t id[16];
	int err;

	memset(&v, 0, sizeof(v));
	config_vendor_init(&v);
	err = conf_read_text(text, "vendor.conf", config_vendor_fields, &v, p);
	if (err)
		return err;
	check(v.root[0] == '/' && v.link.url[0] == 'h');
	check(v.vendor_id_count <= CONFIG_NAMES_MAX);
	check(v.link.pin_count <= 4);
	for (unsigned i = 0; i < v.vendor_id_count; i++)
		config_uuid_parse(v.vendor_id_texts[i], id);
	return 0;
}

static int as_class(const char *text, struct conf_problem *p)
{
	static struct config_class_file f;
	static struct device_class presets;
	int err;

	memset(&f, 0, sizeof(f));
	class_init(&presets);
	config_class_file_init(&f, &presets);
	err = conf_read_text(text, "class.conf", config_class_fields, &f, p);
	if (err)
		return err;
	check(f.component_count <= CLASS_COMPONENTS_MAX);
	check(f.match_count <= CLASS_MATCHES_MAX);
	for (unsigned i = 0; i < f.tier_count; i++)
		check(f.tiers[i].step >= 1 && f.tiers[i].step <= 13);
	check_text(f.options, sizeof(f.options));
	return 0;
}

static int as_link(const char *text, struct conf_problem *p)
{
	static struct config_link l;
	int err;

	memset(&l, 0, sizeof(l));
	err = conf_read_text(text, "link.conf", config_link_fields, &l, p);
	if (err)
		return err;
	check(l.param_count <= CONFIG_PAIRS_MAX);
	for (unsigned i = 0; i < l.param_count; i++) {
		check_text(l.params[i].key, sizeof(l.params[i].key));
		check_text(l.params[i].value, sizeof(l.params[i].value));
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int (*const kinds[])(const char *, struct conf_problem *) = {
		as_main, as_vendor, as_class, as_link};
	struct conf_problem problem = {0};
	char *text;

	if (len == 0 || len > 65536)
		return 0;
	text = malloc(len);
	if (!text)
		return 0;
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	if (kinds[data[0] % 4](text, &problem))
		check(problem.file[0] && problem.fault.rule[0]);
	free(text);
	return 0;
}
