#include "base/utf8.h"

static size_t length_of(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

size_t utf8_read(const uint8_t *at, size_t len, uint32_t *ret_point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = len ? length_of(at[0]) : 0;
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
	*ret_point = point;
	return n;
}
