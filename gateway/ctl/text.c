#include "gateway/ctl/text.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "base/bytes.h"
#include "base/utf8.h"

static char nothing[1];

static bool is_set(const char *name)
{
	const char *value = getenv(name); // NOLINT(concurrency-mt-unsafe)

	return value && *value;
}

static unsigned number_in(const char *name)
{
	const char *value = getenv(name); // NOLINT(concurrency-mt-unsafe)
	long n = value ? strtol(value, NULL, 10) : 0;

	return n > 0 && n < 10000 ? (unsigned)n : 0;
}

void term_measure(struct term *t)
{
	struct winsize size = {0};

	if (!t->tty)
		return;
	if (ioctl(fileno(t->out), TIOCGWINSZ, &size) < 0)
		size.ws_col = 0;
	t->width = size.ws_col ? size.ws_col : number_in("COLUMNS");
	t->height = size.ws_row ? size.ws_row : 24;
	if (t->width == 0)
		t->width = 80;
}

void term_open(struct term *t)
{
	const char *name = getenv("TERM"); // NOLINT(concurrency-mt-unsafe)

	*t = (struct term){.out = stdout};
	t->tty = isatty(fileno(stdout));
	t->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8"); // NOLINT(concurrency-mt-unsafe)
	t->colour = t->tty && !is_set("NO_COLOR") && name && *name &&
		strcmp(name, "dumb") != 0;
	term_measure(t);
}

const char *term_tint(const struct term *t, enum tint tint)
{
	if (!t->colour)
		return "";
	switch (tint) {
	case TINT_NONE:
		return "\033[0m";
	case TINT_GOOD:
		return "\033[32m";
	case TINT_BAD:
		return "\033[31m";
	case TINT_WARN:
		return "\033[33m";
	case TINT_DIM:
		return "\033[2m";
	case TINT_BOLD:
		return "\033[1m";
	}
	return "";
}

enum tint tint_of_state(const char *state)
{
	static const struct {
		const char *word;
		enum tint tint;
	} words[] = {
		{"done", TINT_GOOD}, {"ok", TINT_GOOD}, {"up", TINT_GOOD},
		{"current", TINT_GOOD}, {"verified", TINT_GOOD},
		{"fresh", TINT_GOOD}, {"online", TINT_GOOD},
		{"install", TINT_GOOD}, {"new", TINT_GOOD},
		{"failed", TINT_BAD}, {"down", TINT_BAD}, {"rotten", TINT_BAD},
		{"quarantined", TINT_BAD}, {"recalled", TINT_BAD},
		{"revoked", TINT_BAD}, {"refuse", TINT_BAD},
		{"refused", TINT_BAD}, {"expired", TINT_BAD},
		{"locked", TINT_BAD}, {"stopped", TINT_BAD},
		{"unverified", TINT_WARN}, {"waiting", TINT_WARN},
		{"wait", TINT_WARN}, {"paused", TINT_WARN},
		{"silent", TINT_WARN}, {"offline", TINT_WARN},
		{"backoff", TINT_WARN}, {"partial", TINT_WARN},
		{"declared", TINT_WARN}, {"off", TINT_WARN},
		{"declined", TINT_DIM}, {"cancelled", TINT_DIM},
		{"superseded", TINT_DIM}, {"pending", TINT_DIM},
		{"unknown", TINT_DIM}, {"skipped", TINT_DIM},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(words[i].word, state))
			return words[i].tint;
	return TINT_NONE;
}

/* Characters that turn the direction of text or cannot be seen. */
static bool is_hidden(uint32_t p)
{
	return (p >= 0x200b && p <= 0x200f) || (p >= 0x2028 && p <= 0x202e) ||
		(p >= 0x2060 && p <= 0x206f) || p == 0xfeff || p == 0x061c ||
		(p >= 0xe0000 && p <= 0xe0fff);
}

char *term_text(const struct term *t, const char *foreign)
{
	struct bytes left = bytes_of_text(foreign);
	size_t size = left.len * 4 + 16, len = 0;
	char *text = malloc(size);

	if (!text)
		return nothing;
	while (left.len) {
		uint32_t point = 0;
		size_t n = utf8_read(left.at, left.len, &point);
		bool plain = n == 1 && point >= 0x20 && point < 0x7f;

		if (plain || (n > 1 && t->utf8 && point >= 0xa0 &&
				!is_hidden(point))) {
			memcpy(text + len, left.at, n);
			len += n;
		} else if (n > 1 && is_hidden(point)) {
			len += (size_t)snprintf(text + len, size - len,
				"\\u{%x}", (unsigned)point);
		} else {
			n = n ? n : 1;
			for (size_t i = 0; i < n; i++)
				len += (size_t)snprintf(text + len, size - len,
					"\\x%02x", left.at[i]);
		}
		left = bytes_slice(left, n, left.len);
	}
	text[len] = '\0';
	return text;
}

void text_free(char *text)
{
	if (text != nothing)
		free(text);
}

static size_t point_columns(uint32_t point)
{
	int columns = point < 0x80 ? 1 : wcwidth((wchar_t)point);

	return columns < 0 ? 1 : (size_t)columns;
}

size_t text_columns(const struct term *t, const char *text)
{
	struct bytes left = bytes_of_text(text);
	size_t columns = 0, n;
	uint32_t point = 0;

	if (!t->utf8)
		return left.len;
	for (; left.len; left = bytes_slice(left, n ? n : 1, left.len)) {
		n = utf8_read(left.at, left.len, &point);
		columns += n ? point_columns(point) : 1;
	}
	return columns;
}

void text_fit(const struct term *t, char *text, size_t size, size_t columns)
{
	const char *tail = t->utf8 ? "\xe2\x80\xa6" : "~";
	struct bytes left = bytes_of_text(text);
	size_t used = 0, n, wide;
	uint32_t point = 0;

	if (text_columns(t, text) <= columns || columns == 0)
		return;
	for (; left.len; left = bytes_slice(left, n ? n : 1, left.len)) {
		n = utf8_read(left.at, left.len, &point);
		wide = n && t->utf8 ? point_columns(point) : 1;
		if (used + wide > columns - 1)
			break;
		used += wide;
	}
	n = (size_t)((const char *)left.at - text);
	if (n + strlen(tail) < size)
		memcpy(text + n, tail, strlen(tail) + 1);
}

/* Bytes of `text` that `columns` columns can take; never less than one
 * character. */
static size_t bytes_in(const struct term *t, const char *text, size_t len,
	size_t columns)
{
	size_t used = 0, at = 0, n;
	uint32_t point = 0;

	while (at < len) {
		n = utf8_read((const uint8_t *)text + at, len - at, &point);
		used += n && t->utf8 ? point_columns(point) : 1;
		n = n ? n : 1;
		if (at && used > columns)
			break;
		at += n;
	}
	return at < len ? at : len;
}

static size_t columns_in(const struct term *t, const char *word, size_t len)
{
	size_t columns = 0, n;
	uint32_t point = 0;

	for (size_t at = 0; at < len; at += n) {
		n = utf8_read((const uint8_t *)word + at, len - at, &point);
		columns += n && t->utf8 ? point_columns(point) : 1;
		n = n ? n : 1;
	}
	return columns;
}

void text_wrap(const struct term *t, unsigned at, unsigned indent,
	const char *text)
{
	size_t room = t->width > indent + 8 ? t->width : 0;
	size_t used = at, len, part;
	bool first = true;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		len = strcspn(text, " ");
		part = len;
		if (!first && room && used + 1 + columns_in(t, text, len) >
				room) {
			fprintf(t->out, "\n%*s", (int)indent, "");
			used = indent;
		} else if (!first) {
			fputc(' ', t->out);
			used++;
		}
		first = false;
		/* A word that is longer than a line is cut. */
		if (room && used + columns_in(t, text, len) > room && room >
				used)
			part = bytes_in(t, text, len, room - used);
		fwrite(text, 1, part, t->out);
		used += columns_in(t, text, part);
		text += part;
		if (part < len) {
			fprintf(t->out, "\n%*s", (int)indent, "");
			used = indent;
			first = true;
		}
	}
	fputc('\n', t->out);
}

char *text_bytes(int64_t bytes, char text[TEXT_SIZE])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(text, TEXT_SIZE, "%d B", bytes < 0 ? 0 : (int)bytes);
		return text;
	}
	for (value /= 1000; value >= 999.5 && unit < 4; unit++)
		value /= 1000;
	snprintf(text, TEXT_SIZE, value < 9.95 ? "%.1f %s" : "%.0f %s", value,
		units[unit]);
	return text;
}

char *text_seconds(int64_t seconds, char text[TEXT_SIZE])
{
	long long s = seconds < 0 ? 0 : seconds;

	if (s < 60)
		snprintf(text, TEXT_SIZE, "%lld s", s);
	else if (s < 3600)
		snprintf(text, TEXT_SIZE, "%lld min %lld s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, TEXT_SIZE, "%lld h %02lld min", s / 3600,
			s / 60 % 60);
	else
		snprintf(text, TEXT_SIZE, "%lld d %lld h", s / 86400,
			s / 3600 % 24);
	return text;
}

char *text_time(const char *rfc3339, char text[TEXT_SIZE])
{
	struct tm tm = {0};
	const char *end;
	time_t when;

	end = rfc3339 ? strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	snprintf(text, TEXT_SIZE, "?");
	if (!end || (*end != 'Z' && *end != '.'))
		return text;
	when = timegm(&tm);
	localtime_r(&when, &tm);
	strftime(text, TEXT_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
	return text;
}

unsigned percent_of(int64_t part, int64_t whole)
{
	if (whole <= 0 || part <= 0)
		return 0;
	if (part >= whole)
		return 100;
	return (unsigned)((double)part * 100 / (double)whole);
}
