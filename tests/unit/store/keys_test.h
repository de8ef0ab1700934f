/* A folder with files of keys, and the programs that make them. */
#ifndef FERRY_TESTS_KEYS_H
#define FERRY_TESTS_KEYS_H

#include "tests/unit/scratch.h"

#include <stdarg.h>

static char folder[128];

static inline const char *in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* By the shell; it must succeed. */
static inline void run(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static inline void run(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	ck_assert_msg(system(command) == 0, "%s", command);
}

/* A file that only its owner reads. Returns its path, until the next one. */
static inline const char *write_file(const char *name, const char *text,
	size_t len)
{
	const char *path = in_folder(name);
	FILE *file = fopen(path, "wb");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, len, file), len);
	fclose(file);
	ck_assert_int_eq(chmod(path, 0600), 0);
	return path;
}

#endif
