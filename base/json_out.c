#include "base/json_out.h"

#include "base/utf8.h"

#define PRINTABLE_SIZE 1100 /* of a text that is not UTF-8 */
#define NUMBER_SIZE 24

void json_out_init(struct json_out *out, struct buf *to)
{
	*out = (struct json_out){.to = to};
}

static bool is_utf8(struct bytes text)
{
	uint32_t point;
	size_t n;

	for (size_t i = 0; i < text.len; i += n) {
		n = utf8_read(text.at + i, text.len - i, &point);
		if (n == 0)
			return false;
	}
	return true;
}

static void add_escaped(struct buf *to, uint8_t c)
{
	static const char digits[] = "0123456789abcdef";
	const char pair[] = {'\\', (char)c};
	const char code[] = {'\\', 'u', '0', '0', digits[c >> 4],
		digits[c & 15]};

	if (c == '"' || c == '\\')
		buf_add(to, pair, sizeof(pair));
	else
		buf_add(to, code, sizeof(code));
}

/* Bytes that stand for themselves. */
static size_t plain_len(const char *at)
{
	size_t n = 0;

	while (at[n] >= 0x20 && at[n] < 0x7f && at[n] != '"' && at[n] != '\\')
		n++;
	return n;
}

static void put_plain(struct buf *to, const char *at, size_t len)
{
	uint8_t *room = buf_room(to, len + 2);

	if (!room)
		return;
	room[0] = '"';
	memcpy(room + 1, at, len);
	room[len + 1] = '"';
	buf_grow(to, len + 2);
}

static void put_escaped(struct buf *to, const char *at)
{
	const char *from = at;

	buf_add(to, "\"", 1);
	for (; *at; at++) {
		uint8_t c = (uint8_t)*at;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(to, from, (size_t)(at - from));
		add_escaped(to, c);
		from = at + 1;
	}
	buf_add(to, from, (size_t)(at - from));
	buf_add(to, "\"", 1);
}

static void put_string(struct buf *to, const char *at)
{
	char printable[PRINTABLE_SIZE];
	size_t len = plain_len(at);

	if (!at[len])
		put_plain(to, at, len);
	else if (is_utf8(bytes_of_text(at)))
		put_escaped(to, at);
	else
		put_escaped(to, bytes_to_printable(bytes_of_text(at), printable,
			sizeof(printable)));
}

/* What stands in front of a value. */
static void begin(struct json_out *out, const char *key)
{
	if (out->more)
		buf_add(out->to, ",", 1);
	if (key) {
		put_string(out->to, key);
		buf_add(out->to, ":", 1);
	}
	out->more = true;
}

static void open(struct json_out *out, const char *key, const char *bracket)
{
	begin(out, key);
	buf_add(out->to, bracket, 1);
	out->more = false;
}

static void end(struct json_out *out, const char *bracket)
{
	buf_add(out->to, bracket, 1);
	out->more = true;
}

void json_out_object(struct json_out *out, const char *key)
{
	open(out, key, "{");
}

void json_out_array(struct json_out *out, const char *key)
{
	open(out, key, "[");
}

void json_out_end_object(struct json_out *out)
{
	end(out, "}");
}

void json_out_end_array(struct json_out *out)
{
	end(out, "]");
}

void json_out_text(struct json_out *out, const char *key, const char *text)
{
	begin(out, key);
	put_string(out->to, text ? text : "");
}

void json_out_number(struct json_out *out, const char *key, int64_t number)
{
	uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	char text[NUMBER_SIZE];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (number < 0)
		text[--at] = '-';
	begin(out, key);
	buf_add(out->to, text + at, sizeof(text) - at);
}

void json_out_bool(struct json_out *out, const char *key, bool value)
{
	begin(out, key);
	buf_add_text(out->to, value ? "true" : "false");
}

void json_out_null(struct json_out *out, const char *key)
{
	begin(out, key);
	buf_add(out->to, "null", 4);
}

void json_out_hex(struct json_out *out, const char *key, struct bytes value)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *at;

	if (!value.len) {
		json_out_null(out, key);
		return;
	}
	begin(out, key);
	at = buf_room(out->to, 2 * value.len + 2);
	if (!at)
		return;
	*at++ = '"';
	for (size_t i = 0; i < value.len; i++) {
		*at++ = (uint8_t)digits[value.at[i] >> 4];
		*at++ = (uint8_t)digits[value.at[i] & 15];
	}
	*at = '"';
	buf_grow(out->to, 2 * value.len + 2);
}

void json_out_raw(struct json_out *out, const char *key, struct bytes json)
{
	begin(out, key);
	buf_add_bytes(out->to, json);
}
