#include "tools/publish/when.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/trust/date.h"

/* Reads `count` digits at `*at` and the character behind them. */
static bool number(const char **at, int count, char behind, unsigned min,
	unsigned max, unsigned *ret)
{
	unsigned value = 0;

	for (int i = 0; i < count; i++, ++*at) {
		if (**at < '0' || **at > '9')
			return false;
		value = value * 10 + (unsigned)(**at - '0');
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
	unsigned hours, minutes;
	int sign;

	*ret_minutes = 0;
	if (strcmp(at, "Z") == 0 || strcmp(at, "z") == 0)
		return true;
	if (*at != '+' && *at != '-')
		return false;
	sign = *at++ == '-' ? -1 : 1;
	if (!number(&at, 2, ':', 0, 23, &hours) ||
			!number(&at, 2, '\0', 0, 59, &minutes) || *at)
		return false;
	*ret_minutes = sign * (int)(hours * 60 + minutes);
	return true;
}

int when_parse(const char *text, uint64_t *ret)
{
	const char *at = text;
	struct date date = {0};
	unsigned second = 0;
	int64_t value;
	int offset = 0;

	if (!number(&at, 4, '-', 1970, 9999, &date.year) ||
			!number(&at, 2, '-', 1, 12, &date.month) ||
			!number(&at, 2, '\0', 1, 31, &date.day) ||
			!date_exists(&date))
		return -EINVAL;
	if (*at) {
		if (*at != 'T' && *at != 't' && *at != ' ')
			return -EINVAL;
		at++;
		if (!number(&at, 2, ':', 0, 23, &date.hour) ||
				!number(&at, 2, ':', 0, 59, &date.minute) ||
				!number(&at, 2, '\0', 0, 60, &second))
			return -EINVAL;
		if (*at == '.')
			at += 1 + strspn(at + 1, "0123456789");
		if (!offset_read(at, &offset))
			return -EINVAL;
	}
	/* A leap second is the first of the next minute. */
	value = (int64_t)date_seconds(&date) + second - offset * 60;
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
	if (at > 253402300799ULL)
		snprintf(text, WHEN_TEXT_SIZE, "%llu s",
			(unsigned long long)at);
	else
		date_text(at, text);
	return text;
}

uint64_t when_now(void)
{
	time_t now = time(NULL);

	return now > 0 ? (uint64_t)now : 0;
}
