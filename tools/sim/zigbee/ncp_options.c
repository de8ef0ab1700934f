#include "tools/sim/zigbee/ncp_options.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"

/* The longest is "0xffffffff"; strtoul() wants an end. */
#define VALUE_MAX 10

static int read_number(struct bytes value, const struct ncp_option *o)
{
	char text[VALUE_MAX + 1] = "";
	unsigned long number;
	char *end;

	if (value.len == 0 || value.len > VALUE_MAX || value.at[0] < '0' ||
		value.at[0] > '9')
		return -EINVAL;
	memcpy(text, value.at, value.len);
	number = strtoul(text, &end, text[1] == 'x' ? 16 : 10);
	if (*end || number < o->min || number > o->max)
		return -EINVAL;
	*o->at = (uint32_t)number;
	return 0;
}

static int read_option(struct bytes text, const struct ncp_option *options,
	size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct ncp_option *o = &options[i];
		size_t len = strlen(o->name);
		struct bytes value;

		if (text.len <= len || memcmp(text.at, o->name, len) != 0 ||
			text.at[len] != '=')
			continue;
		value = bytes_slice(text, len + 1, text.len);
		if (!o->word)
			return read_number(value, o);
		if (!bytes_is_text(value, o->word))
			return -EINVAL;
		*o->at = 1;
		return 0;
	}
	return -EINVAL;
}

int ncp_options_read(const char *text, const struct ncp_option *options,
	size_t count)
{
	while (text && *text) {
		size_t len = strcspn(text, " ,");

		if (len && read_option(bytes_of(text, len), options, count))
			return -EINVAL;
		text += len;
		text += *text != '\0';
	}
	return 0;
}
