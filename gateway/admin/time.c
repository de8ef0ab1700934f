#include "gateway/admin/time.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MS_PER_DAY 86400000LL
#define MS_MAX (253402300800000LL - 1) /* the end of year 9999 */

char *admin_time_text(int64_t ms, char text[ADMIN_TIME_SIZE])
{
	struct tm tm;
	time_t seconds;
	size_t n;

	if (ms < 0)
		ms = 0;
	if (ms > MS_MAX)
		ms = MS_MAX;
	seconds = (time_t)(ms / 1000);
	gmtime_r(&seconds, &tm);
	n = strftime(text, ADMIN_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	if (ms % 1000)
		n += (size_t)snprintf(text + n, ADMIN_TIME_SIZE - n, ".%03d",
			(int)(ms % 1000));
	snprintf(text + n, ADMIN_TIME_SIZE - n, "Z");
	return text;
}

/* Reads `digits` decimal digits and moves on; false when they are not there. */
static bool take_number(const char **at, int digits, int *ret)
{
	int value = 0;

	for (int i = 0; i < digits; i++) {
		char c = (*at)[i];

		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
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

static int month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Days from 1970-01-01, counted in eras of 400 years that begin in March. */
static int64_t days_since_epoch(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
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
	int hour, minute, sign;

	*ret_minutes = 0;
	if (take_char(at, "Zz"))
		return true;
	sign = **at == '-' ? -1 : 1;
	if (!take_char(at, "+-") || !take_number(at, 2, &hour) ||
			!take_char(at, ":") || !take_number(at, 2, &minute))
		return false;
	*ret_minutes = sign * (hour * 60 + minute);
	return hour <= 23 && minute <= 59;
}

int admin_time_parse(const char *text, int64_t *ret_ms)
{
	int year, month, day, hour, minute, second, ms, zone;
	const char *at = text;
	int64_t value;

	if (!text || !take_number(&at, 4, &year) || !take_char(&at, "-") ||
			!take_number(&at, 2, &month) || !take_char(&at, "-") ||
			!take_number(&at, 2, &day) || !take_char(&at, "Tt ") ||
			!take_number(&at, 2, &hour) || !take_char(&at, ":") ||
			!take_number(&at, 2, &minute) || !take_char(&at, ":") ||
			!take_number(&at, 2, &second) ||
			!take_fraction(&at, &ms) || !take_zone(&at, &zone))
		return -EINVAL;
	if (*at || month < 1 || month > 12 || day < 1 ||
			day > month_days(year, month) || hour > 23 ||
			minute > 59 || second > 60)
		return -EINVAL;
	if (second == 60)
		second = 59;
	value = days_since_epoch(year, month, day) * MS_PER_DAY;
	value += ((hour * 60LL + minute - zone) * 60 + second) * 1000 + ms;
	*ret_ms = value;
	return 0;
}
