#include "gateway/admin/path.h"

#include <errno.h>

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Length of the UTF-8 sequence at `at` and its code point; 0 when malformed. */
static size_t utf8_at(const uint8_t *at, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2 :
		at[0] >= 0xe0 && at[0] < 0xf0 ? 3 :
		at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : 0;
	uint32_t point;

	if (n == 0 || n > len)
		return 0;
	point = n == 1 ? at[0] : at[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (at[i] & 0x3f);
	}
	if (point < least[n] || point > 0x10ffff ||
			(point >= 0xd800 && point < 0xe000))
		return 0;
	*ret = point;
	return n;
}

bool path_text_is_clean(const char *text, size_t len)
{
	const uint8_t *at = (const uint8_t *)text;
	uint32_t point = 0;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_at(at + i, len - i, &point);
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
				hex_digit(part.at[i + 1]) : -1;
			int low = high >= 0 ? hex_digit(part.at[i + 2]) : -1;

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
