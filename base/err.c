#include "base/err.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_row {
	int number;
	enum err_class klass;
	const char *name;
	const char *text;
};

/* Names are kept as the API shows them: lower case with hyphens. They are made
 * once from the macro names by err_name(), in static storage. */
#define ERR_ROW(name, number, klass, text) \
	{number, ERR_CLASS_##klass, #name, text},
static const struct err_row rows[] = {ERR_MAP(ERR_ROW)};
#undef ERR_ROW

#define ERR_ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct err_row *row_of(int code)
{
	for (size_t i = 0; i < ERR_ROWS; i++)
		if (rows[i].number == code)
			return &rows[i];
	return NULL;
}

static const char *errno_name(int number)
{
	const char *name = strerrorname_np(number);

	return name ? name : "unknown";
}

const char *err_name(int code)
{
	static _Thread_local char text[4][64];
	static _Thread_local unsigned turn;
	const struct err_row *row;
	char *out;
	size_t i;

	if (code >= 0)
		return "ok";
	if (code > -5000)
		return errno_name(-code);
	row = row_of(code);
	if (!row)
		return "unknown";
	out = text[turn++ % 4];
	for (i = 0; row->name[i] && i + 1 < sizeof(text[0]); i++)
		out[i] = row->name[i] == '_' ? '-' :
				(char)tolower((unsigned char)row->name[i]);
	out[i] = '\0';
	return out;
}

const char *err_text(int code)
{
	const struct err_row *row;
	const char *text;

	if (code >= 0)
		return "success";
	if (code > -5000) {
		text = strerrordesc_np(-code);
		return text ? text : "unknown system error";
	}
	row = row_of(code);
	return row ? row->text : "unknown error";
}

enum err_class err_class(int code)
{
	const struct err_row *row;

	switch (-code) {
	case EINVAL:
	case ENOSYS:
	case EPERM:
	case EACCES:
		return ERR_CLASS_PERMANENT;
	default:
		break;
	}
	row = row_of(code);
	return row ? row->klass : ERR_CLASS_TRANSIENT;
}

int fault_set(struct fault *f, int code, uint64_t offset, const char *field,
	const char *rule, ...)
{
	va_list args;

	if (!f || f->code)
		return code;
	f->code = code;
	f->offset = offset;
	snprintf(f->field, sizeof(f->field), "%s", field ? field : "");
	va_start(args, rule);
	vsnprintf(f->rule, sizeof(f->rule), rule, args);
	va_end(args);
	return code;
}

void fault_within(struct fault *f, const char *prefix, ...)
{
	char whole[sizeof(f->field)];
	va_list args;
	int n;

	if (!f || !f->code)
		return;
	va_start(args, prefix);
	n = vsnprintf(whole, sizeof(whole), prefix, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(whole))
		return;
	snprintf(whole + n, sizeof(whole) - (size_t)n, "%s", f->field);
	memcpy(f->field, whole, sizeof(whole));
}
