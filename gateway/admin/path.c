#include "gateway/admin/path.h"

#include <errno.h>

#include "base/utf8.h"

bool path_text_is_clean(const char *text, size_t len)
{
	const uint8_t *at = (const uint8_t *)text;
	uint32_t point = 0;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_read(at + i, len - i, &point);
		if (n == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0))
			return false;
	}
	return true;
}

int path_decode(struct bytes part, bool plus_is_space, char *text, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < part.len; i++) {
		int c = part.at[i];

		if (c == '+' && plus_is_space)
			c = ' ';
		if (c == '%') {
			int high = i + 2 < part.len ?
				bytes_hex_digit((char)part.at[i + 1]) : -1;
			int low = high >= 0 ?
				bytes_hex_digit((char)part.at[i + 2]) : -1;

			if (low < 0)
				return -EINVAL;
			c = high << 4 | low;
			i += 2;
		}
		if (len + 1 >= size)
			return -EMSGSIZE;
		text[len++] = (char)c;
	}
	if (!path_text_is_clean(text, len))
		return -EINVAL;
	text[len] = '\0';
	return 0;
}

bool path_cut(struct bytes *rest, char separator, struct bytes *ret_part)
{
	const uint8_t *at;

	if (!rest->at)
		return false;
	at = rest->len ? memchr(rest->at, separator, rest->len) : NULL;
	if (!at) {
		*ret_part = *rest;
		*rest = (struct bytes){0};
		return true;
	}
	*ret_part = bytes_of(rest->at, (size_t)(at - rest->at));
	*rest = bytes_of(at + 1, rest->len - ret_part->len - 1);
	return true;
}
