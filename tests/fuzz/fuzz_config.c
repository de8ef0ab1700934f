/* A configuration file of the kind that its first byte names. What must hold: it
 * is read or refused with the file's name, and texts end within their fields. */
#include "gateway/config/schema.h"

#include <stdlib.h>

#include "devices/smp/options.h"
#include "policy/gates/window.h"

#define TEXT_MAX 16384

const char *__lsan_default_suppressions(void);

/* libconfig loses a few bytes of its own at some syntax errors. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig\n";
}

static void check_texts(const char *options, const char *window)
{
	struct smp_options smp;
	struct window parsed;
	struct fault fault = {0};

	if (smp_options_read(options, &smp, &fault) && !fault.code)
		abort();
	if (window_parse(window, &parsed, NULL) == 0)
		window_opens(&parsed, 1800000000, 3600);
}

static int read_main(const char *text, struct conf_problem *p)
{
	struct config *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		abort();
	config_presets(c);
	err = conf_read_text(text, "f", config_main_fields, c, p);
	if (!err)
		check_texts("", c->window);
	free(c);
	return err;
}

static int read_vendor(const char *text, struct conf_problem *p)
{
	static struct config_vendor v;

	memset(&v, 0, sizeof(v));
	config_vendor_init(&v);
	return conf_read_text(text, "f", config_vendor_fields, &v, p);
}

static int read_class(const char *text, struct conf_problem *p)
{
	static struct config_class_file f;
	struct device_class presets;
	int err;

	memset(&f, 0, sizeof(f));
	class_init(&presets);
	config_class_file_init(&f, &presets);
	err = conf_read_text(text, "f", config_class_fields, &f, p);
	if (!err)
		check_texts(f.options, f.window);
	return err;
}

static int read_link(const char *text, struct conf_problem *p)
{
	static struct config_link_file l;

	memset(&l, 0, sizeof(l));
	return conf_read_text(text, "f", config_link_fields, &l, p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int (*const readers[])(const char *, struct conf_problem *) = {
		read_main, read_vendor, read_class, read_link};
	struct conf_problem problem = {0};
	char text[TEXT_MAX];
	int err;

	if (len == 0 || len > sizeof(text))
		return 0;
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	err = readers[data[0] % 4](text, &problem);
	if (conf_text_line(text, problem.fault.field) < 0 ||
			conf_text_line(text, text) < 0)
		abort();
	if (err && (strcmp(problem.file, "f") || !problem.fault.code ||
			!problem.fault.field[0] || !problem.fault.rule[0]))
		abort();
	return 0;
}
