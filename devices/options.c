#include "devices/options.h"

static int *field_of(void *fields, const struct option *option)
{
	return (int *)(void *)((char *)fields + option->at);
}

void options_preset(const struct option_table *t, void *fields)
{
	for (size_t i = 0; i < t->count; i++)
		*field_of(fields, &t->rows[i]) = t->rows[i].preset;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

bool options_next(struct bytes *rest, struct option_word *ret)
{
	size_t n = 0, at = 0;

	while (n < rest->len && is_blank(rest->at[n]))
		n++;
	*rest = bytes_slice(*rest, n, rest->len);
	for (n = 0; n < rest->len && !is_blank(rest->at[n]);)
		n++;
	if (n == 0)
		return false;
	ret->all = bytes_slice(*rest, 0, n);
	*rest = bytes_slice(*rest, n, rest->len);
	while (at < n && ret->all.at[at] != '=')
		at++;
	ret->key = bytes_slice(ret->all, 0, at);
	ret->value = bytes_slice(ret->all, at + 1, n);
	return true;
}

const struct option *options_find(const struct option_table *t,
	struct bytes key)
{
	for (size_t i = 0; i < t->count; i++)
		if (bytes_is_text(key, t->rows[i].key))
			return &t->rows[i];
	return NULL;
}

static int take_word(const struct option_table *t, const struct option *option,
	struct bytes value, int *ret, struct fault *f)
{
	const char *const *words = option->words;

	for (int i = 0; i < OPTION_WORDS_MAX && words[i]; i++) {
		if (!bytes_is_text(value, words[i]))
			continue;
		*ret = i;
		return 0;
	}
	if (words[2])
		return fault_set(f, t->code, 0, option->key,
			"must be %s, %s or %s", words[0], words[1], words[2]);
	return fault_set(f, t->code, 0, option->key, "must be %s or %s",
		words[0], words[1]);
}

int options_take(const struct option_table *t, const struct option *option,
	struct bytes value, void *fields, struct fault *f)
{
	uint32_t n;

	if (option->words[0])
		return take_word(t, option, value, field_of(fields, option), f);
	if (bytes_to_u32(value, &n) || n < (uint32_t)option->min ||
			n > (uint32_t)option->max)
		return fault_set(f, t->code, 0, option->key,
			"must be a number from %d to %d", option->min,
			option->max);
	*field_of(fields, option) = (int)n;
	return 0;
}

void options_offer(const struct option_table *t, struct nearest *near)
{
	for (size_t i = 0; i < t->count; i++)
		nearest_offer(near, t->rows[i].key);
}

static int refuse_unknown(const struct option_table *t, struct bytes key,
	struct fault *f)
{
	struct nearest near;
	char shown[48];

	nearest_init(&near, key);
	options_offer(t, &near);
	return fault_set(f, t->code, 0,
		bytes_to_printable(key, shown, sizeof(shown)),
		"is no option of this engine%s", nearest_text(&near));
}

int options_read(const struct option_table *t, const char *text, void *fields,
	struct fault *f)
{
	struct bytes rest = bytes_of_text(text);
	struct option_word word;

	options_preset(t, fields);
	while (options_next(&rest, &word)) {
		const struct option *option = options_find(t, word.key);
		int err = option ? options_take(t, option, word.value, fields,
			f) : refuse_unknown(t, word.key, f);

		if (err)
			return err;
	}
	return 0;
}
