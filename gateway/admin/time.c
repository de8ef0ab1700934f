#include "gateway/admin/time.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "policy/trust/date.h"

#define MS_MAX (253402300800000LL - 1) /* the end of year 9999 */

char *admin_time_text(int64_t ms, char text[ADMIN_TIME_SIZE])
{
	size_t n;

	if (ms < 0)
		ms = 0;
	if (ms > MS_MAX)
		ms = MS_MAX;
	date_text((uint64_t)ms / 1000, text);
	n = strlen(text) - 1;
	if (ms % 1000)
		snprintf(text + n, ADMIN_TIME_SIZE - n, ".%03dZ",
			(int)(ms % 1000));
	return text;
}

/* Reads `digits` decimal digits and moves on; false when they are not there. */
static bool take_number(const char **at, int digits, unsigned *ret)
{
	unsigned value = 0;

	for (int i = 0; i < digits; i++) {
		char c = (*at)[i];

		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (unsigned)(c - '0');
	}
	*at += digits;
	*ret = value;
	return true;
}

static bool take_char(const char **at, const char *any)
{
	if (!**at || !strchr(any, **at))
		return false;
	++*at;
	return true;
}

static bool take_fraction(const char **at, int *ret_ms)
{
	int scale = 100, n = 0;

	*ret_ms = 0;
	if (!take_char(at, "."))
		return true;
	for (; **at >= '0' && **at <= '9'; ++*at, n++) {
		*ret_ms += (**at - '0') * scale;
		scale /= 10;
	}
	return n > 0 && n <= 9;
}

static bool take_zone(const char **at, int *ret_minutes)
{
	unsigned hour, minute;
	int sign;

	*ret_minutes = 0;
	if (take_char(at, "Zz"))
		return true;
	sign = **at == '-' ? -1 : 1;
	if (!take_char(at, "+-") || !take_number(at, 2, &hour) ||
			!take_char(at, ":") || !take_number(at, 2, &minute))
		return false;
	*ret_minutes = sign * (int)(hour * 60 + minute);
	return hour <= 23 && minute <= 59;
}

int admin_time_parse(const char *text, int64_t *ret_ms)
{
	const char *at = text;
	struct date date;
	int ms, zone;

	if (!text || !take_number(&at, 4, &date.year) ||
			!take_char(&at, "-") ||
			!take_number(&at, 2, &date.month) ||
			!take_char(&at, "-") ||
			!take_number(&at, 2, &date.day) ||
			!take_char(&at, "Tt ") ||
			!take_number(&at, 2, &date.hour) ||
			!take_char(&at, ":") ||
			!take_number(&at, 2, &date.minute) ||
			!take_char(&at, ":") ||
			!take_number(&at, 2, &date.second) ||
			!take_fraction(&at, &ms) || !take_zone(&at, &zone))
		return -EINVAL;
	if (date.second == 60)
		date.second = 59;
	if (*at || date.year < 1970 || !date_exists(&date))
		return -EINVAL;
	*ret_ms = ((int64_t)date_seconds(&date) - zone * 60) * 1000 + ms;
	return 0;
}
