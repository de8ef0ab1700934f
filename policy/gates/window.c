#include "policy/gates/window.h"

#include <stdio.h>

enum { DAY_S = 86400, THURSDAY_S = 3 * DAY_S, WEEK_S = 7 * DAY_S };
#define ALL_DAYS 0x7f

static const char day_names[7][4] = {
	"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* A cursor over the text of a window. */
struct reader {
	const char *start;
	const char *at;
	struct fault *fault;
};

static int bad(struct reader *r, const char *rule)
{
	return fault_set(r->fault, ERR_GATE_WINDOW,
		(uint64_t)(r->at - r->start), "window", "%s", rule);
}

static void blanks(struct reader *r)
{
	while (*r->at == ' ' || *r->at == '\t')
		r->at++;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* HH:MM; 24:00 is the end of the day. */
static int time_read(struct reader *r, uint32_t *ret_s)
{
	const char *p = r->at;
	unsigned hour;
	unsigned minute;

	if (!is_digit(p[0]) || !is_digit(p[1]) || p[2] != ':' ||
		!is_digit(p[3]) || !is_digit(p[4]))
		return bad(r, "expected a time of day as HH:MM");
	hour = (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
	minute = (unsigned)(p[3] - '0') * 10 + (unsigned)(p[4] - '0');
	if (minute > 59 || hour > 24 || (hour == 24 && minute))
		return bad(r, "no such time of day");
	r->at += 5;
	*ret_s = hour * 3600 + minute * 60;
	return 0;
}

static int day_read(struct reader *r, unsigned *ret)
{
	for (unsigned i = 0; i < 7; i++)
		if (!strncmp(r->at, day_names[i], 3)) {
			r->at += 3;
			*ret = i;
			return 0;
		}
	return bad(r, "expected a day: mon tue wed thu fri sat sun");
}

/* "mon-fri,sun"; a span may wrap the week. */
static int days_read(struct reader *r, uint8_t *ret)
{
	uint8_t days = 0;
	unsigned first = 0;
	unsigned last;
	int err;

	do {
		if (days)
			r->at++;
		err = day_read(r, &first);
		last = first;
		if (!err && *r->at == '-') {
			r->at++;
			err = day_read(r, &last);
		}
		if (err)
			return err;
		for (unsigned d = first;; d = (d + 1) % 7) {
			days |= (uint8_t)(1u << d);
			if (d == last)
				break;
		}
	} while (*r->at == ',');
	*ret = days;
	return 0;
}

static int times_read(struct reader *r, struct window_range *ret)
{
	uint32_t from = 0;
	uint32_t to = 0;
	int err = time_read(r, &from);

	if (!err && *r->at != '-')
		return bad(r, "expected - between two times");
	r->at += err ? 0 : 1;
	if (!err)
		err = time_read(r, &to);
	if (err)
		return err;
	if (from == DAY_S)
		return bad(r, "a window cannot begin at 24:00");
	if (from == to)
		return bad(r, "a window has a length");
	ret->from_s = from;
	ret->len_s = to > from ? to - from : to + DAY_S - from;
	return 0;
}

/* Times and days in either order, days once or not at all. */
static int range_read(struct reader *r, struct window_range *ret)
{
	bool has_times = false;
	bool has_days = false;
	int err = 0;

	*ret = (struct window_range){.days = ALL_DAYS};
	blanks(r);
	while (!err && *r->at && *r->at != ';') {
		if (is_digit(*r->at)) {
			if (has_times)
				return bad(r, "two ranges need ; between them");
			err = times_read(r, ret);
			has_times = true;
		} else {
			if (has_days)
				return bad(r, "days stand twice");
			err = days_read(r, &ret->days);
			has_days = true;
		}
		if (!err && *r->at && *r->at != ';' && *r->at != ' ' &&
			*r->at != '\t')
			return bad(r, "unexpected character");
		blanks(r);
	}
	if (!err && !has_times) {
		if (!has_days)
			return bad(r, "expected a range of times");
		ret->len_s = DAY_S;
	}
	return err;
}

int window_parse(const char *text, struct window *ret, struct fault *fault)
{
	struct reader r = {text, text, fault};
	struct window w = {0};
	int err = 0;

	blanks(&r);
	if (*r.at == 0 || !strcmp(r.at, "always")) {
		*ret = w;
		return 0;
	}
	for (;;) {
		if (w.count == WINDOW_RANGES_MAX)
			return bad(&r, "more ranges than the limit");
		err = range_read(&r, &w.ranges[w.count++]);
		if (err || *r.at != ';')
			break;
		r.at++;
	}
	if (!err)
		*ret = w;
	return err;
}

/* Seconds since Monday 00:00 local time; 1970-01-01 was a Thursday. */
static uint32_t second_of_week(uint64_t now_s, int32_t offset_s)
{
	int64_t offset = offset_s % WEEK_S;
	uint64_t s = now_s % WEEK_S + THURSDAY_S + WEEK_S;

	return (uint32_t)((uint64_t)((int64_t)s + offset) % WEEK_S);
}

/* Seconds from `second` of the week until the range's beginning on `day`. */
static uint32_t ahead(
	uint32_t second, const struct window_range *range, unsigned day)
{
	uint32_t begin = day * DAY_S + range->from_s;

	return (begin + WEEK_S - second) % WEEK_S;
}

/* How long it stays open by one beginning; 0 if that is not now. */
static uint32_t open_left(
	uint32_t second, const struct window_range *range, unsigned day)
{
	uint32_t since = (WEEK_S - ahead(second, range, day)) % WEEK_S;

	return since < range->len_s ? range->len_s - since : 0;
}

static uint32_t longest_left(const struct window *w, uint32_t second)
{
	uint32_t left = 0;

	for (unsigned i = 0; i < w->count; i++)
		for (unsigned day = 0; day < 7; day++) {
			uint32_t one;

			if (!(w->ranges[i].days >> day & 1))
				continue;
			one = open_left(second, &w->ranges[i], day);
			left = one > left ? one : left;
		}
	return left;
}

bool window_is_open(const struct window *w, uint64_t now_s, int32_t offset_s)
{
	return w->count == 0 ||
	       longest_left(w, second_of_week(now_s, offset_s)) > 0;
}

uint64_t window_opens(const struct window *w, uint64_t now_s, int32_t offset_s)
{
	uint32_t second = second_of_week(now_s, offset_s);
	uint32_t next = WEEK_S;

	if (window_is_open(w, now_s, offset_s))
		return now_s;
	for (unsigned i = 0; i < w->count; i++)
		for (unsigned day = 0; day < 7; day++) {
			uint32_t one = ahead(second, &w->ranges[i], day);

			if (w->ranges[i].days >> day & 1 && one < next)
				next = one;
		}
	return now_s + next;
}

uint64_t window_closes(const struct window *w, uint64_t now_s, int32_t offset_s)
{
	uint32_t second = second_of_week(now_s, offset_s);
	uint32_t total = 0;

	if (w->count == 0)
		return UINT64_MAX;
	/* Ranges that touch or overlap are one window. */
	for (;;) {
		uint32_t left = longest_left(w, (second + total) % WEEK_S);

		if (left == 0)
			return now_s + total;
		total += left;
		if (total >= WEEK_S)
			return UINT64_MAX;
	}
}

void window_judge(const struct window *w, uint64_t now_s, int32_t offset_s,
	struct gates *gates)
{
	uint64_t opens = window_opens(w, now_s, offset_s);

	if (opens == now_s)
		gates_open(gates, GATE_WINDOW);
	else
		gates_wait(gates, GATE_WINDOW, opens, "opens in %llu min",
			(unsigned long long)((opens - now_s + 59) / 60));
}
