#include "tools/publish/say.h"

#include <stdarg.h>
#include <stdbool.h>

static FILE *say_out;

void say_to(FILE *out)
{
	say_out = out;
}

static FILE *out_file(void)
{
	return say_out ? say_out : stderr;
}

static void put_place(FILE *out, const char *file, const char *field)
{
	if (file && *file)
		fprintf(out, "%s: ", file);
	if (field && *field)
		fprintf(out, "%s: ", field);
}

int complain(int code, const char *file, const char *field, const char *rule,
	...)
{
	FILE *out = out_file();
	va_list args;

	fputs("ferry-publish: ", out);
	put_place(out, file, field);
	va_start(args, rule);
	vfprintf(out, rule, args);
	va_end(args);
	fputc('\n', out);
	return code;
}

int complain_fault(const char *file, int code, const struct fault *fault)
{
	bool told = fault && fault->code;

	return complain(code, file, told ? fault->field : NULL, "%s [%s]",
		told && fault->rule[0] ? fault->rule : err_text(code),
		err_name(code));
}

void warn(const char *file, const char *field, const char *rule, ...)
{
	FILE *out = out_file();
	va_list args;

	fputs("ferry-publish: warning: ", out);
	put_place(out, file, field);
	va_start(args, rule);
	vfprintf(out, rule, args);
	va_end(args);
	fputc('\n', out);
}
