/* A folder of a test's own, files in it, and its end. */
#ifndef FERRY_TESTS_SCRATCH_H
#define FERRY_TESTS_SCRATCH_H

#include <ftw.h>

#include "tests/unit/unit.h"

/* Makes a new one below TMPDIR, or /tmp, and writes its path. */
static inline void scratch_make(char *ret_path, size_t size, const char *name)
{
	const char *tmp = getenv("TMPDIR");

	ck_assert_uint_lt((size_t)snprintf(ret_path, size, "%s/%s-XXXXXX",
		tmp ? tmp : "/tmp", name), size);
	ck_assert_ptr_nonnull(mkdtemp(ret_path));
}

/* A file of this text; one that is there is overwritten. */
static inline void scratch_put(const char *folder, const char *name,
	const char *text)
{
	char path[1024];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	ck_assert_msg(file != NULL, "%s", path);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static inline int scratch_remove_one(const char *path, const struct stat *st,
	int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Removes it with all that is in it. */
static inline void scratch_drop(const char *path)
{
	nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
