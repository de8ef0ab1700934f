#include "base/bytes.h"

#include <errno.h>

static const char digits[] = "0123456789abcdef";

char *bytes_to_hex(struct bytes b, char *text, size_t size)
{
	size_t n = 0;

	if (size == 0)
		return text;
	for (size_t i = 0; i < b.len && n + 3 <= size; i++) {
		text[n++] = digits[b.at[i] >> 4];
		text[n++] = digits[b.at[i] & 15];
	}
	text[n] = '\0';
	return text;
}

int bytes_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int bytes_from_hex(const char *text, uint8_t *at, size_t len)
{
	if (!text || strlen(text) != 2 * len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		int high = bytes_hex_digit(text[2 * i]);
		int low = bytes_hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		at[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

int bytes_to_u32(struct bytes text, uint32_t *ret)
{
	bool is_hex = text.len > 1 && text.at[0] == '0' &&
		(text.at[1] == 'x' || text.at[1] == 'X');
	struct bytes number = bytes_slice(text, is_hex ? 2 : 0, text.len);
	int base = is_hex ? 16 : 10;
	uint64_t value = 0;

	if (number.len < 1 || number.len > (is_hex ? 8 : 10))
		return -EINVAL;
	for (size_t i = 0; i < number.len; i++) {
		int digit = bytes_hex_digit((char)number.at[i]);

		if (digit < 0 || digit >= base)
			return -EINVAL;
		value = value * (unsigned)base + (unsigned)digit;
	}
	if (value > UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)value;
	return 0;
}

char *bytes_to_printable(struct bytes b, char *text, size_t size)
{
	size_t n = 0;
	size_t i;

	if (size == 0)
		return text;
	for (i = 0; i < b.len; i++) {
		bool plain = b.at[i] >= 0x20 && b.at[i] < 0x7f &&
				b.at[i] != '\\';
		size_t need = plain ? 1 : 4;
		size_t reserve = i + 1 < b.len ? 4 : 1;

		if (n + need + reserve > size)
			break;
		if (plain) {
			text[n++] = (char)b.at[i];
			continue;
		}
		text[n++] = '\\';
		text[n++] = 'x';
		text[n++] = digits[b.at[i] >> 4];
		text[n++] = digits[b.at[i] & 15];
	}
	for (int dots = 0; i < b.len && dots < 3 && n + 1 < size; dots++)
		text[n++] = '.';
	text[n] = '\0';
	return text;
}
