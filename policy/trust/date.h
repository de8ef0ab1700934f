/* Dates of the Gregorian calendar: from numbers, as certificates give them, and
 * in words, for the evidence of verdicts. Pure; any thread. */
#ifndef FERRY_POLICY_TRUST_DATE_H
#define FERRY_POLICY_TRUST_DATE_H

#include <stdbool.h>
#include <stdint.h>

#define DATE_SIZE 32

struct date {
	unsigned year, month, day, hour, minute, second;
};

/* Whether the calendar has the day and the clock the time; no leap seconds. */
bool date_exists(const struct date *date);

/* Seconds since 1970 of a date that exists, 0 for one before. */
uint64_t date_seconds(const struct date *date);

/* Seconds since 1970 as 2026-11-21T18:45:00Z; as a number past the year 9999.
 * Returns `text`. */
const char *date_text(uint64_t seconds, char text[DATE_SIZE]);

#endif
