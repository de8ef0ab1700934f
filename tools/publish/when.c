#include "tools/publish/when.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = month > 2 ? month - 3 : month + 9;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day -
			1 - 719468;
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* Reads `count` digits at `*at` and the character behind them. */
static bool number(const char **at, int count, char behind, int min, int max,
	int *ret)
{
	int value = 0;

	for (int i = 0; i < count; i++, ++*at) {
		if (**at < '0' || **at > '9')
			return false;
		value = value * 10 + (**at - '0');
	}
	if (behind && **at != behind)
		return false;
	if (behind)
		++*at;
	*ret = value;
	return value >= min && value <= max;
}

static bool offset_read(const char *at, int *ret_minutes)
{
	int sign, hours, minutes;

	*ret_minutes = 0;
	if (strcmp(at, "Z") == 0 || strcmp(at, "z") == 0)
		return true;
	if (*at != '+' && *at != '-')
		return false;
	sign = *at++ == '-' ? -1 : 1;
	if (!number(&at, 2, ':', 0, 23, &hours) ||
			!number(&at, 2, '\0', 0, 59, &minutes) || *at)
		return false;
	*ret_minutes = sign * (hours * 60 + minutes);
	return true;
}

int when_parse(const char *text, uint64_t *ret)
{
	int year, month, day, hour = 0, minute = 0, second = 0, offset = 0;
	const char *at = text;
	int64_t value;

	if (!number(&at, 4, '-', 1970, 9999, &year) ||
			!number(&at, 2, '-', 1, 12, &month) ||
			!number(&at, 2, '\0', 1, days_in(year, month), &day))
		return -EINVAL;
	if (*at) {
		if (*at != 'T' && *at != 't' && *at != ' ')
			return -EINVAL;
		at++;
		if (!number(&at, 2, ':', 0, 23, &hour) ||
				!number(&at, 2, ':', 0, 59, &minute) ||
				!number(&at, 2, '\0', 0, 60, &second))
			return -EINVAL;
		if (*at == '.')
			at += 1 + strspn(at + 1, "0123456789");
		if (!offset_read(at, &offset))
			return -EINVAL;
	}
	value = ((days_of(year, month, day) * 24 + hour) * 60 + minute -
			offset) * 60 + second;
	if (value < 0)
		return -EINVAL;
	*ret = (uint64_t)value;
	return 0;
}

int when_parse_from(const char *text, uint64_t now, uint64_t *ret)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {{'d', WHEN_DAY}, {'h', 3600}, {'m', 60}, {'s', 1}};
	unsigned long long count;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	count = strtoull(text, &end, 10);
	if (errno || count > 10000000000ULL || strlen(end) != 1)
		return when_parse(text, ret);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit != *end)
			continue;
		if (count * units[i].seconds > 250000000000ULL)
			return -EINVAL;
		*ret = now + count * units[i].seconds;
		return 0;
	}
	return -EINVAL;
}

char *when_format(uint64_t at, char text[WHEN_TEXT_SIZE])
{
	time_t seconds = (time_t)at;
	struct tm tm;

	if (at > 253402300799ULL || !gmtime_r(&seconds, &tm) ||
			!strftime(text, WHEN_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ",
			&tm))
		snprintf(text, WHEN_TEXT_SIZE, "%llu s",
			(unsigned long long)at);
	return text;
}

uint64_t when_now(void)
{
	time_t now = time(NULL);

	return now > 0 ? (uint64_t)now : 0;
}
