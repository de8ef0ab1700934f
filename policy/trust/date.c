#include "policy/trust/date.h"

#include <stdio.h>

#define DAY_S 86400u
#define DATES_END 253402300800u /* the year 10000 */

static bool is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in(unsigned year, unsigned month)
{
	static const uint8_t days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

bool date_exists(const struct date *date)
{
	return date->month >= 1 && date->month <= 12 && date->day >= 1 &&
		date->day <= days_in(date->year, date->month) &&
		date->hour <= 23 && date->minute <= 59 && date->second <= 59;
}

/* The calendar is counted from 1 March 0000, so that the leap day is the last
 * of a year. */
uint64_t date_seconds(const struct date *date)
{
	uint64_t year = date->month <= 2 ? (uint64_t)date->year - 1 :
		date->year;
	uint64_t month = date->month <= 2 ? date->month + 9 : date->month - 3;
	uint64_t days;

	if (date->year < 1970)
		return 0;
	days = year * 365 + year / 4 - year / 100 + year / 400;
	days += (153 * month + 2) / 5 + date->day - 1 - 719468;
	return days * DAY_S + date->hour * 3600 + date->minute * 60 +
		date->second;
}

const char *date_text(uint64_t seconds, char text[DATE_SIZE])
{
	unsigned days, era, year, day, month, left;

	if (seconds >= DATES_END) {
		snprintf(text, DATE_SIZE, "%llu", (unsigned long long)seconds);
		return text;
	}
	days = (unsigned)(seconds / DAY_S) + 719468;
	left = (unsigned)(seconds % DAY_S);
	era = days / 146097;
	day = days % 146097;
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	snprintf(text, DATE_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ",
		era * 400 + year + (month >= 10), month < 10 ? month + 3 :
		month - 9, day + 1, left / 3600, left / 60 % 60, left % 60);
	return text;
}
