#include "devices/zigbee_ota/server_options.h"

#include <errno.h>
#include <stdio.h>

#include "base/nearest.h"
#include "devices/zigbee_ota/file.h"
#include "devices/zigbee_ota/quirks_words.h"

#define OPTION_VALUE_MAX 24
/* In front of the settings of a class: a row that fits every device. */
#define ANY_DEVICE "* :"

/* One row an option: either words, whose position is the value, or a range of
 * decimal or 0x numbers. */
struct option {
	const char *key;
	size_t at;
	int preset;
	int min, max;
	const char *words[3];
};

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

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int *field_of(void *o, const struct option *option)
{
	return (int *)(void *)((char *)o + option->at);
}

static void preset(void *o, const struct option *table, size_t count)
{
	for (size_t i = 0; i < count; i++)
		*field_of(o, &table[i]) = table[i].preset;
}

static const struct option *find(const struct option *table, size_t count,
	struct bytes key)
{
	for (size_t i = 0; i < count; i++)
		if (bytes_is_text(key, table[i].key))
			return &table[i];
	return NULL;
}

static int read_number(struct bytes value, uint32_t *ret)
{
	char text[OPTION_VALUE_MAX];

	if (value.len == 0 || value.len >= sizeof(text))
		return -EINVAL;
	memcpy(text, value.at, value.len);
	text[value.len] = '\0';
	if (strlen(text) != value.len)
		return -EINVAL;
	return ota_version_read(text, ret);
}

static int read_value(const struct option *option, struct bytes value, void *o,
	struct fault *f)
{
	uint32_t n;

	for (int i = 0; i < 3 && option->words[i]; i++) {
		if (!bytes_is_text(value, option->words[i]))
			continue;
		*field_of(o, option) = i;
		return 0;
	}
	if (option->words[0])
		return fault_set(f, ERR_ZIGBEE_OPTIONS, 0, option->key,
			"must be %s or %s", option->words[0], option->words[1]);
	if (read_number(value, &n) || n < (uint32_t)option->min ||
			n > (uint32_t)option->max)
		return fault_set(f, ERR_ZIGBEE_OPTIONS, 0, option->key,
			"must be a number from %d to %d", option->min,
			option->max);
	*field_of(o, option) = (int)n;
	return 0;
}

/* Takes the next "key=value" off `*rest`; false at the end. A word without a
 * value has an empty one. */
static bool next_pair(struct bytes *rest, struct bytes *ret_word,
	struct bytes *ret_key, struct bytes *ret_value)
{
	size_t n = 0, at = 0;

	while (n < rest->len && (rest->at[n] == ' ' || rest->at[n] == '\t'))
		n++;
	*rest = bytes_slice(*rest, n, rest->len);
	for (n = 0; n < rest->len; n++)
		if (rest->at[n] == ' ' || rest->at[n] == '\t')
			break;
	if (n == 0)
		return false;
	*ret_word = bytes_slice(*rest, 0, n);
	*rest = bytes_slice(*rest, n, rest->len);
	while (at < n && ret_word->at[at] != '=')
		at++;
	*ret_key = bytes_slice(*ret_word, 0, at);
	*ret_value = bytes_slice(*ret_word, at + 1, n);
	return true;
}

/* With `more`, of a class: there are words besides the table. */
static int refuse_unknown(struct bytes key, const struct option *table,
	size_t count, bool more, struct fault *f)
{
	struct nearest near;
	char shown[48];

	nearest_init(&near, key);
	for (size_t i = 0; i < count; i++)
		nearest_offer(&near, table[i].key);
	for (size_t i = 0; more && i < QUIRK_SETTING_COUNT; i++)
		nearest_offer(&near, quirk_setting_name(i));
	if (more)
		nearest_offer(&near, "from");
	return fault_set(f, ERR_ZIGBEE_OPTIONS, 0,
		bytes_to_printable(key, shown, sizeof(shown)),
		more ? "is no option of a class%s" :
		"is no option of this engine%s", nearest_text(&near));
}

int server_options_read(const char *text, struct server_options *ret,
	struct fault *f)
{
	struct bytes rest = bytes_of_text(text), word, key, value;
	struct server_options o = {0};

	preset(&o, link_options, COUNT(link_options));
	while (next_pair(&rest, &word, &key, &value)) {
		const struct option *option = find(link_options,
			COUNT(link_options), key);
		int rc;

		if (!option)
			return refuse_unknown(key, link_options,
				COUNT(link_options), false, f);
		rc = read_value(option, value, &o, f);
		if (rc)
			return rc;
	}
	*ret = o;
	return 0;
}

static int read_from(struct bytes value, struct server_class_options *o,
	struct fault *f)
{
	size_t dash = 0;

	while (dash < value.len && value.at[dash] != '-')
		dash++;
	if (read_number(bytes_slice(value, 0, dash), &o->from_low) ||
			read_number(bytes_slice(value, dash + 1, value.len),
				&o->from_high) || o->from_low > o->from_high)
		return fault_set(f, ERR_ZIGBEE_OPTIONS, 0, "from",
			"must be LOWEST-HIGHEST, two versions");
	o->has_from = true;
	return 0;
}

/* Every word that is no option is a setting of quirks. */
static int read_word(struct bytes word, struct bytes key, struct bytes value,
	struct server_class_options *o, char *row, size_t row_size,
	struct fault *f)
{
	const struct option *option = find(class_options,
		COUNT(class_options), key);
	size_t len = strlen(row), which;
	char rule[80];

	if (option)
		return read_value(option, value, o, f);
	if (bytes_is_text(key, "from"))
		return read_from(value, o, f);
	if (quirk_setting_find(key, &which))
		return refuse_unknown(key, class_options, COUNT(class_options),
			true, f);
	/* They mean something else in a row. */
	if (memchr(value.at, ':', value.len) || memchr(value.at, '#', value.len))
		return fault_set(f, ERR_ZIGBEE_OPTIONS, 0,
			quirk_setting_name(which), "%s",
			quirk_setting_rule(which, rule, sizeof(rule)));
	if (word.len >= row_size - len - 1)
		return fault_set(f, ERR_TOO_LARGE, 0, "options",
			"at most %u bytes of settings", QUIRKS_LINE_MAX);
	row[len] = ' ';
	memcpy(row + len + 1, word.at, word.len);
	row[len + 1 + word.len] = '\0';
	return 0;
}

int server_class_options_read(const char *text,
	struct server_class_options *ret, struct fault *f)
{
	struct bytes rest = bytes_of_text(text), word, key, value;
	struct server_class_options o = {0};
	char row[QUIRKS_LINE_MAX] = ANY_DEVICE;
	int rc;

	preset(&o, class_options, COUNT(class_options));
	while (next_pair(&rest, &word, &key, &value)) {
		rc = read_word(word, key, value, &o, row, sizeof(row), f);
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
