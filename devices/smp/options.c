#include "devices/smp/options.h"

#include "base/bytes.h"
#include "base/nearest.h"

#include <stdio.h>

/* One row an option: either words, whose position is the value, or a range. */
struct option {
	const char *key;
	size_t at;
	int preset;
	int min, max;
	const char *words[3];
};

#define AT(field) offsetof(struct smp_options, field)

static const struct option options[] = {
	{"framing", AT(raw), 0, 0, 0, {"console", "raw"}},
	{"server", AT(recovery), 0, 0, 0, {"auto", "recovery"}},
	{"image", AT(image), -1, 0, 255, {0}},
	{"max_message", AT(max_message), 0, 64, 8192, {0}},
	{"window", AT(window), 0, 1, 8, {0}},
	{"align", AT(align), 1, 1, 512, {0}},
	{"line_pause_ms", AT(line_pause_ms), 0, 0, 1000, {0}},
	{"reassembly", AT(reassembly), 0, 0, 0, {"probe", "yes", "no"}},
	{"activate", AT(permanent), 0, 0, 0, {"test", "permanent"}},
	{"force_reset", AT(force_reset), 0, 0, 0, {"no", "yes"}},
	{"confirm_running", AT(confirm_running), 0, 0, 0, {"no", "yes"}},
	{"upgrade_only", AT(upgrade_only), 0, 0, 0, {"no", "yes"}},
	{"answer_ms", AT(answer_ms), 3000, 50, 600000, {0}},
	{"erase_ms", AT(erase_ms), 60000, 100, 600000, {0}},
	{"last_ms", AT(last_ms), 20000, 100, 600000, {0}},
	{"boot_ms", AT(boot_ms), 2000, 0, 600000, {0}},
	{"return_ms", AT(return_ms), 0, 100, 3600000, {0}},
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

static int *field_of(struct smp_options *o, const struct option *option)
{
	return (int *)(void *)((char *)o + option->at);
}

static const struct option *find(struct bytes key)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (bytes_is_text(key, options[i].key))
			return &options[i];
	return NULL;
}

static int read_word(const struct option *option, struct bytes value, int *ret)
{
	for (int i = 0; i < 3 && option->words[i]; i++) {
		if (!bytes_is_text(value, option->words[i]))
			continue;
		*ret = i;
		return 0;
	}
	return ERR_ENGINE_OPTION;
}

static int read_number(const struct option *option, struct bytes value,
	int *ret)
{
	int n = 0;

	if (value.len == 0 || value.len > 8)
		return ERR_ENGINE_OPTION;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return ERR_ENGINE_OPTION;
		n = n * 10 + (value.at[i] - '0');
	}
	if (n < option->min || n > option->max)
		return ERR_ENGINE_OPTION;
	*ret = n;
	return 0;
}

static int read_value(const struct option *option, struct bytes value,
	struct smp_options *o, struct fault *f)
{
	if (option->words[0]) {
		if (read_word(option, value, field_of(o, option)) == 0)
			return 0;
		return fault_set(f, ERR_ENGINE_OPTION, 0, option->key,
			"must be %s, %s%s%s", option->words[0],
			option->words[1], option->words[2] ? ", " : "",
			option->words[2] ? option->words[2] : "");
	}
	if (read_number(option, value, field_of(o, option)) == 0)
		return 0;
	return fault_set(f, ERR_ENGINE_OPTION, 0, option->key,
		"must be a number from %d to %d", option->min, option->max);
}

static int refuse_unknown(struct bytes key, struct fault *f)
{
	struct nearest near;
	char shown[48];

	nearest_init(&near, key);
	for (size_t i = 0; i < OPTIONS; i++)
		nearest_offer(&near, options[i].key);
	return fault_set(f, ERR_ENGINE_OPTION, 0,
		bytes_to_printable(key, shown, sizeof(shown)),
		"is no option of this engine%s", nearest_text(&near));
}

static int read_pair(struct bytes pair, struct smp_options *o,
	struct fault *f)
{
	const struct option *option;
	size_t n = 0;

	while (n < pair.len && pair.at[n] != '=')
		n++;
	option = find(bytes_slice(pair, 0, n));
	if (!option)
		return refuse_unknown(bytes_slice(pair, 0, n), f);
	if (n == pair.len)
		return fault_set(f, ERR_ENGINE_OPTION, 0, option->key,
			"must have a value: key=value");
	return read_value(option, bytes_slice(pair, n + 1, pair.len), o, f);
}

int smp_options_read(const char *text, struct smp_options *ret,
	struct fault *f)
{
	struct bytes left = bytes_of_text(text);
	struct smp_options o;

	for (size_t i = 0; i < OPTIONS; i++)
		*field_of(&o, &options[i]) = options[i].preset;
	while (left.len) {
		size_t n = 0;
		int rc;

		while (n < left.len && left.at[n] != ' ' && left.at[n] != '\t')
			n++;
		rc = n ? read_pair(bytes_slice(left, 0, n), &o, f) : 0;
		if (rc)
			return rc;
		left = bytes_slice(left, n + 1, left.len);
	}
	*ret = o;
	return 0;
}
