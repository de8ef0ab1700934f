#include "tools/publish/say.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static void put_place(const char *file, const char *field)
{
	if (file && *file)
		fprintf(stderr, "%s: ", file);
	if (field && *field)
		fprintf(stderr, "%s: ", field);
}

int complain(int code, const char *file, const char *field, const char *rule,
	...)
{
	va_list args;

	fputs("ferry-publish: ", stderr);
	put_place(file, field);
	va_start(args, rule);
	vfprintf(stderr, rule, args);
	va_end(args);
	fputc('\n', stderr);
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
	va_list args;

	fputs("ferry-publish: warning: ", stderr);
	put_place(file, field);
	va_start(args, rule);
	vfprintf(stderr, rule, args);
	va_end(args);
	fputc('\n', stderr);
}
