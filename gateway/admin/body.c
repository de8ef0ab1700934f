#include "gateway/admin/body.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/path.h"
#include "gateway/admin/time.h"

/* Deeper than any body of ours; keeps the JSON reader off the stack's end. */
#define DEPTH_MAX 8

static int refuse(struct op_refusal *refusal, int code, const char *field,
	const char *rule, ...) __attribute__((format(printf, 4, 5)));

static int refuse(struct op_refusal *refusal, int code, const char *field,
	const char *rule, ...)
{
	va_list args;

	refusal->code = code;
	snprintf(refusal->field, sizeof(refusal->field), "%s", field);
	va_start(args, rule);
	vsnprintf(refusal->rule, sizeof(refusal->rule), rule, args); // NOLINT(clang-analyzer-valist.Uninitialized)
	va_end(args);
	return code;
}

/* Counts brackets outside of strings; the JSON reader itself checks that they
 * pair up. */
static bool is_too_deep(struct bytes body)
{
	bool in_text = false;
	int depth = 0;

	for (size_t i = 0; i < body.len; i++) {
		uint8_t c = body.at[i];

		if (in_text && c == '\\')
			i++;
		else if (c == '"')
			in_text = !in_text;
		else if (!in_text && (c == '{' || c == '['))
			depth++;
		else if (!in_text && (c == '}' || c == ']'))
			depth--;
		if (depth > DEPTH_MAX)
			return true;
	}
	return false;
}

static int check_text(const json_t *value, const char *field, size_t max,
	struct op_refusal *refusal)
{
	size_t len;

	if (!json_is_string(value))
		return refuse(refusal, ERR_ADMIN_FIELD, field, "must be a text");
	len = json_string_length(value);
	if (len == 0 || len > max)
		return refuse(refusal, ERR_ADMIN_FIELD, field,
			"must have 1 to %zu bytes", max);
	if (!path_text_is_clean(json_string_value(value), len))
		return refuse(refusal, ERR_ADMIN_FIELD, field,
			"must not hold control characters");
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Refuses a name that stands twice, by a sorted copy. */
static int check_once(const struct op *op, size_t count,
	struct op_refusal *refusal)
{
	const char **sorted = calloc(count, sizeof(*sorted));
	int err = 0;

	if (!sorted)
		return refuse(refusal, -ENOMEM, "devices", "no memory");
	memcpy(sorted, op->names, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_text);
	for (size_t i = 1; i < count && !err; i++)
		if (!strcmp(sorted[i - 1], sorted[i]))
			err = refuse(refusal, ERR_ADMIN_FIELD, "devices",
				"must not name a device twice");
	free(sorted);
	return err;
}

static int read_names(struct op *op, const json_t *value,
	struct op_refusal *refusal)
{
	size_t count = json_is_array(value) ? json_array_size(value) : 0;
	char field[32];
	int err;

	if (count == 0 || count > ADMIN_DEVICES_MAX)
		return refuse(refusal, ERR_ADMIN_FIELD, "devices",
			"must be a list of 1 to %d device ids",
			ADMIN_DEVICES_MAX);
	op->names = calloc(count, sizeof(*op->names));
	if (!op->names)
		return refuse(refusal, -ENOMEM, "devices", "no memory");
	for (size_t i = 0; i < count; i++) {
		const json_t *name = json_array_get(value, i);

		snprintf(field, sizeof(field), "devices[%zu]", i);
		err = check_text(name, field, ADMIN_ID_MAX, refusal);
		if (err)
			return err;
		op->names[i] = json_string_value(name);
	}
	err = check_once(op, count, refusal);
	if (err)
		return err;
	op->call.devices = op->names;
	op->call.device_count = count;
	return 0;
}

static int base64_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Padded base64 of RFC 4648 section 4, canonical only. `at` has room for
 * len / 4 * 3 bytes. */
static int decode_base64(const char *text, size_t len, uint8_t *at,
	size_t *ret_len)
{
	size_t pad = len >= 4 && text[len - 1] == '=' ?
		1 + (text[len - 2] == '=') : 0;
	uint32_t bits = 0;
	size_t out = 0;

	if (len % 4)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		int digit = i < len - pad ? base64_digit(text[i]) : 0;

		if (digit < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4 != 3)
			continue;
		at[out++] = (uint8_t)(bits >> 16);
		at[out++] = (uint8_t)(bits >> 8);
		at[out++] = (uint8_t)bits;
	}
	for (size_t i = 0; i < pad; i++)
		if (at[--out])
			return -EINVAL;
	*ret_len = out;
	return 0;
}

static int read_base64(struct op *op, const char *name, const json_t *value,
	struct bytes *ret, struct op_refusal *refusal)
{
	size_t len;
	int err;

	err = check_text(value, name, (ADMIN_ROOT_MAX + 2UL) / 3 * 4, refusal);
	if (err)
		return err;
	len = json_string_length(value);
	op->decoded = calloc(1, len / 4 * 3 + 1);
	if (!op->decoded)
		return refuse(refusal, -ENOMEM, name, "no memory");
	if (decode_base64(json_string_value(value), len, op->decoded,
			&ret->len))
		return refuse(refusal, ERR_ADMIN_FIELD, name,
			"must be padded base64");
	if (ret->len > ADMIN_ROOT_MAX)
		return refuse(refusal, ERR_ADMIN_FIELD, name,
			"must hold at most %d bytes", ADMIN_ROOT_MAX);
	ret->at = op->decoded;
	return 0;
}

static int read_time(const char *name, const json_t *value, int64_t *ret,
	struct op_refusal *refusal)
{
	if (admin_time_parse(json_string_value(value), ret) || *ret <= 0)
		return refuse(refusal, ERR_ADMIN_FIELD, name,
			"must be a time such as 2026-11-21T22:00:00Z");
	return 0;
}

/* A text field of the call, borrowed from the body. */
static int read_text(const struct route_field *field, const json_t *value,
	size_t max, const char **slot, struct op_refusal *refusal)
{
	int err = check_text(value, field->name, max, refusal);

	if (err)
		return err;
	*slot = json_string_value(value);
	if (field->type == FIELD_PATH && **slot != '/')
		return refuse(refusal, ERR_ADMIN_FIELD, field->name,
			"must be an absolute path");
	return 0;
}

static int read_field(struct op *op, const struct route_field *field,
	const json_t *value, struct op_refusal *refusal)
{
	void *slot = (char *)&op->call + field->at;

	switch (field->type) {
	case FIELD_NAME:
		return read_text(field, value, ADMIN_ID_MAX, slot, refusal);
	case FIELD_KEY:
		return read_text(field, value, ADMIN_KEY_MAX, slot, refusal);
	case FIELD_PATH:
		return read_text(field, value, 4000, slot, refusal);
	case FIELD_NAMES:
		return read_names(op, value, refusal);
	case FIELD_BOOL:
		if (!json_is_boolean(value))
			return refuse(refusal, ERR_ADMIN_FIELD, field->name,
				"must be true or false");
		*(bool *)slot = json_is_true(value);
		return 0;
	case FIELD_TIME:
		return read_time(field->name, value, slot, refusal);
	case FIELD_BASE64:
		return read_base64(op, field->name, value, slot, refusal);
	}
	return 0;
}

static int check_field_role(const struct op *op,
	const struct route_field *field, const json_t *value,
	struct op_refusal *refusal)
{
	if (op->call.who.role >= field->role || json_is_false(value))
		return 0;
	refusal->hint = "roles are given in ferryd.conf, in the group admin";
	return refuse(refusal, ERR_ADMIN_ROLE, field->name,
		"needs the role %s, the caller's is %s",
		admin_role_name(field->role),
		admin_role_name(op->call.who.role));
}

static int refuse_unknown(const struct op *op, struct op_refusal *refusal)
{
	const char *key;
	json_t *value;

	json_object_foreach(op->body, key, value) {
		const struct route_field *f = op->route->fields;
		char quoted[64];

		while (f->name && strcmp(f->name, key) != 0)
			f++;
		if (!f->name)
			return refuse(refusal, ERR_ADMIN_FIELD,
				bytes_to_printable(bytes_of_text(key), quoted,
					sizeof(quoted)),
				"is not a field of this action");
	}
	return 0;
}

int body_read(struct op *op, struct bytes body, struct op_refusal *refusal)
{
	json_error_t error;
	int err;

	if (body.len == 0 && op->route->kind != ROUTE_ACT)
		return 0;
	if (op->route->kind != ROUTE_ACT)
		return refuse(refusal, ERR_ADMIN_REQUEST, "body",
			"must be empty for this method");
	if (is_too_deep(body))
		return refuse(refusal, ERR_ADMIN_JSON, "body",
			"must not nest deeper than %d", DEPTH_MAX);
	op->body = body.len == 0 ? json_object() :
		json_loadb((const char *)body.at, body.len,
			JSON_REJECT_DUPLICATES, &error);
	if (!op->body)
		return refuse(refusal, ERR_ADMIN_JSON, "body",
			"line %d, column %d: %s", body.len ? error.line : 0,
			body.len ? error.column : 0,
			body.len ? error.text : "no memory");
	if (!json_is_object(op->body))
		return refuse(refusal, ERR_ADMIN_JSON, "body",
			"must be one JSON object");
	err = refuse_unknown(op, refusal);
	for (const struct route_field *f = op->route->fields; f->name && !err;
			f++) {
		const json_t *value = json_object_get(op->body, f->name);

		if (value)
			err = check_field_role(op, f, value, refusal);
		if (value && !err)
			err = read_field(op, f, value, refusal);
		else if (!value && f->required)
			err = refuse(refusal, ERR_ADMIN_FIELD, f->name,
				"must be given");
	}
	return err;
}
