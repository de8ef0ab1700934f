#include "devices/zigbee_ota/server_options.h"

#include <errno.h>
#include <stdio.h>

#include "devices/options.h"
#include "devices/zigbee_ota/quirks_words.h"

/* In front of the settings of a class: a row that fits every device. */
#define ANY_DEVICE "* :"

#define LINK(field) offsetof(struct server_options, field)
#define CLASS(field) offsetof(struct server_class_options, field)

static const struct option link_options[] = {
	{"concurrent", LINK(concurrent), 4, 1, 1024, {0}},
	{"sleepy_concurrent", LINK(sleepy_concurrent), 2, 1, 1024, {0}},
	{"window", LINK(window), 32, 1, 64, {0}},
	{"block", LINK(block), 50, 20, 64, {0}},
	{"grace_s", LINK(grace_s), 120, 0, 3600, {0}},
	{"jitter", LINK(jitter), 0, 1, 100, {0}},
	{"budget", LINK(budget), 35, 1, 100, {0}},
	{"broadcast", LINK(broadcast), 1, 0, 0, {"no", "yes"}},
};

static const struct option class_options[] = {
	{"activate", CLASS(wait), 0, 0, 0, {"now", "wait"}},
	{"manufacturer", CLASS(manufacturer), -1, 0, 0xffff, {0}},
	{"image_type", CLASS(type), -1, 0, 0xffff, {0}},
	{"downgrade", CLASS(downgrade), 1, 0, 0, {"no", "yes"}},
	{"block", CLASS(block), 0, 20, 64, {0}},
};

static const struct option_table of_link = OPTION_TABLE(link_options,
	ERR_ZIGBEE_OPTIONS);
static const struct option_table of_class = OPTION_TABLE(class_options,
	ERR_ZIGBEE_OPTIONS);

int server_options_read(const char *text, struct server_options *ret,
	struct fault *f)
{
	struct server_options o = {0};
	int err = options_read(&of_link, text, &o, f);

	if (!err)
		*ret = o;
	return err;
}

static int read_from(struct bytes value, struct server_class_options *o,
	struct fault *f)
{
	size_t dash = 0;

	while (dash < value.len && value.at[dash] != '-')
		dash++;
	if (bytes_to_u32(bytes_slice(value, 0, dash), &o->from_low) ||
			bytes_to_u32(bytes_slice(value, dash + 1, value.len),
				&o->from_high) || o->from_low > o->from_high)
		return fault_set(f, ERR_ZIGBEE_OPTIONS, 0, "from",
			"must be LOWEST-HIGHEST, two versions");
	o->has_from = true;
	return 0;
}

/* There are words besides the table. */
static int refuse_unknown(struct bytes key, struct fault *f)
{
	struct nearest near;
	char shown[48];

	nearest_init(&near, key);
	options_offer(&of_class, &near);
	for (size_t i = 0; i < QUIRK_SETTING_COUNT; i++)
		nearest_offer(&near, quirk_setting_name(i));
	nearest_offer(&near, "from");
	return fault_set(f, ERR_ZIGBEE_OPTIONS, 0,
		bytes_to_printable(key, shown, sizeof(shown)),
		"is no option of a class%s", nearest_text(&near));
}

/* Every word that is no option is a setting of quirks. */
static int read_word(const struct option_word *word,
	struct server_class_options *o, char *row, size_t row_size,
	struct fault *f)
{
	const struct option *option = options_find(&of_class, word->key);
	struct bytes key = word->key, value = word->value;
	size_t len = strlen(row), which;
	char rule[80];

	if (option)
		return options_take(&of_class, option, value, o, f);
	if (bytes_is_text(key, "from"))
		return read_from(value, o, f);
	if (quirk_setting_find(key, &which))
		return refuse_unknown(key, f);
	/* They mean something else in a row. */
	if (memchr(value.at, ':', value.len) || memchr(value.at, '#', value.len))
		return fault_set(f, ERR_ZIGBEE_OPTIONS, 0,
			quirk_setting_name(which), "%s",
			quirk_setting_rule(which, rule, sizeof(rule)));
	if (word->all.len >= row_size - len - 1)
		return fault_set(f, ERR_TOO_LARGE, 0, "options",
			"at most %u bytes of settings", QUIRKS_LINE_MAX);
	row[len] = ' ';
	memcpy(row + len + 1, word->all.at, word->all.len);
	row[len + 1 + word->all.len] = '\0';
	return 0;
}

int server_class_options_read(const char *text,
	struct server_class_options *ret, struct fault *f)
{
	struct bytes rest = bytes_of_text(text);
	struct option_word word;
	struct server_class_options o = {0};
	char row[QUIRKS_LINE_MAX] = ANY_DEVICE;
	int rc;

	options_preset(&of_class, &o);
	while (options_next(&rest, &word)) {
		rc = read_word(&word, &o, row, sizeof(row), f);
		if (rc)
			return rc;
	}
	if (strcmp(row, ANY_DEVICE)) {
		rc = quirk_table_read(bytes_of_text(row), &o.quirks, f);
		if (rc)
			return rc;
	}
	*ret = o;
	return 0;
}

void server_class_options_done(struct server_class_options *o)
{
	quirk_table_free(o->quirks);
	o->quirks = NULL;
}
