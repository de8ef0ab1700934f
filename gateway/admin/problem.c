#include "gateway/admin/problem.h"

#include <errno.h>
#include <stdio.h>

#include "gateway/admin/remedy.h"

struct status_row {
	int code;
	unsigned status;
};

static const struct status_row status_rows[] = {
	{-ENOENT, 404},
	{-ENODEV, 404},
	{-EINVAL, 400},
	{-EACCES, 403},
	{-EPERM, 403},
	{-ENOSYS, 409},
	{-EEXIST, 409},
	{-EALREADY, 409},
	{-ENOMEM, 503},
	{ERR_ADMIN_REQUEST, 400},
	{ERR_ADMIN_HEAD_SIZE, 431},
	{ERR_ADMIN_BODY_SIZE, 413},
	{ERR_ADMIN_NOT_FOUND, 404},
	{ERR_ADMIN_METHOD, 405},
	{ERR_ADMIN_ROLE, 403},
	{ERR_ADMIN_MEDIA_TYPE, 415},
	{ERR_ADMIN_JSON, 400},
	{ERR_ADMIN_FIELD, 400},
	{ERR_ADMIN_TIMEOUT, 504},
	{ERR_ADMIN_BUSY, 503},
	{ERR_ADMIN_STOPPING, 503},
	{ERR_ADMIN_STATE, 409},
};

unsigned problem_status(int code)
{
	for (size_t i = 0; i < sizeof(status_rows) / sizeof(*status_rows); i++)
		if (status_rows[i].code == code)
			return status_rows[i].status;
	switch (err_class(code)) {
	case ERR_CLASS_TRANSIENT:
		return 503;
	case ERR_CLASS_PERMANENT:
	case ERR_CLASS_SECURITY:
		return 409;
	}
	return 500;
}

const char *problem_reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} rows[] = {
		{200, "OK"},
		{400, "Bad Request"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{411, "Length Required"},
		{413, "Content Too Large"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].status == status)
			return rows[i].reason;
	return "Error";
}

/* A JSON text; bytes that are not UTF-8 come out as \xNN. */
static json_t *text_of(const char *text)
{
	char printable[512];
	json_t *value = json_string(text ? text : "");

	if (!value)
		value = json_string(bytes_to_printable(bytes_of_text(text),
			printable, sizeof(printable)));
	return value;
}

json_t *problem_json(const struct admin_refusal *why, unsigned status)
{
	const char *field = why->field ? why->field : "";
	const char *rule = why->rule ? why->rule : "";
	/* The system's words for it speak of files. */
	int code = why->code == -ENOENT ? ERR_ADMIN_NOT_FOUND : why->code;
	const char *text = err_text(code);
	const char *hint = why->hint && *why->hint ? why->hint :
		remedy_of(code)->text;
	char type[96], detail[512];

	snprintf(type, sizeof(type), "urn:ferry:error:%s", err_name(code));
	snprintf(detail, sizeof(detail), "%s%s%s", field,
		*field && *rule ? ": " : "", rule);
	return json_pack("{s:s, s:s, s:i, s:o, s:s, s:o, s:o, s:o}", "type",
		type, "title", text, "status",
		(int)(status ? status : problem_status(why->code)), "detail",
		text_of(*detail ? detail : text), "code", err_name(code),
		"field", text_of(field), "rule", text_of(rule), "hint",
		text_of(hint));
}
