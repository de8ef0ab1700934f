#include "gateway/daemon/view_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "gateway/admin/time.h"

json_t *view_time_ms(int64_t at_ms)
{
	char text[ADMIN_TIME_SIZE];

	if (at_ms <= 0)
		return json_null();
	return json_string(admin_time_text(at_ms, text));
}

json_t *view_hex(const uint8_t *at, size_t len)
{
	char text[2 * 64 + 1];

	return len ? json_string(bytes_to_hex(bytes_of(at, len), text,
		sizeof(text))) : json_null();
}

json_t *view_text(const char *text)
{
	json_t *json = json_string(text);
	char plain[1100];

	if (json)
		return json;
	/* Not valid UTF-8: shown escaped. */
	return json_string(bytes_to_printable(bytes_of_text(text), plain,
		sizeof(plain)));
}

void view_detail(char *text, size_t size, const char *format, ...)
{
	json_error_t error;
	json_t *json;
	va_list args;
	size_t n = 0;

	va_start(args, format);
	json = json_vpack_ex(&error, 0, format, args);
	va_end(args);
	if (json)
		n = json_dumpb(json, text, size, JSON_COMPACT);
	json_decref(json);
	if (n == 0 || n >= size)
		snprintf(text, size, "{}");
	else
		text[n] = '\0';
}

void view_put_time(struct json_out *out, const char *key, int64_t at_ms)
{
	char text[ADMIN_TIME_SIZE];

	if (at_ms <= 0)
		json_out_null(out, key);
	else
		json_out_text(out, key, admin_time_text(at_ms, text));
}

void view_put_id(struct json_out *out, const char *key, uint64_t id)
{
	if (id)
		json_out_number(out, key, (int64_t)id);
	else
		json_out_null(out, key);
}

void view_begin(struct view_text_of_one *one)
{
	buf_init(&one->text, VIEW_ONE_MAX);
	json_out_init(&one->out, &one->text);
}

json_t *view_read(struct view_text_of_one *one)
{
	json_t *json = one->text.err ? NULL : json_loadb(
		(const char *)one->text.at, one->text.len, 0, NULL);

	buf_done(&one->text);
	return json;
}

void view_put_json(struct json_out *out, const char *key, json_t *take_json)
{
	char *text = take_json ? json_dumps(take_json, JSON_COMPACT |
		JSON_ENCODE_ANY) : NULL;

	if (text)
		json_out_raw(out, key, bytes_of_text(text));
	else
		json_out_null(out, key);
	free(text);
	json_decref(take_json);
}
