/* What every unit test shares: running a suite, and reading published vectors.
 * A missing folder of vectors is loud: exit 77 (ctest: skipped) with a line that
 * names the folder, or a failure when CI is set. */
#ifndef FERRY_TESTS_UNIT_H
#define FERRY_TESTS_UNIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/bytes.h"

/* Table tests run one row per loop index; print the row's name on failure with
 * ck_assert_msg(..., "%s: ...", row->name). */

static inline int unit_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The bytes that `hex` says, which may have blanks between its digits; their
 * number. Aborts when it is no hexadecimal or more than `size` bytes. */
static inline size_t unit_unhex(const char *hex, uint8_t *at, size_t size)
{
	char pair[3] = "";
	size_t len = 0;

	while (*(hex += strspn(hex, " "))) {
		pair[0] = *hex++;
		hex += strspn(hex, " ");
		pair[1] = *hex;
		hex += *hex != '\0';
		ck_assert_uint_lt(len, size);
		ck_assert_int_eq(bytes_from_hex(pair, at + len, 1), 0);
		len++;
	}
	return len;
}

/* Exits 77 or 1 when `folder` (below FERRY_SHARED_DIR) is not there. Call it at
 * the start of main() of a test that needs vectors. */
static inline void unit_need_shared(const char *folder)
{
	char path[1024];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", FERRY_SHARED_DIR, folder);
	if (stat(path, &st) == 0)
		return;
	fprintf(stderr, "missing folder of test vectors: %s\n", path);
	exit(getenv("CI") ? EXIT_FAILURE : 77);
}

/* The whole file below FERRY_SHARED_DIR, at most 64 MiB; aborts when it cannot
 * be read. The caller frees `.at`. */
static inline struct bytes unit_read_shared(const char *name)
{
	char path[1024];
	uint8_t *at;
	FILE *file;
	long len;

	snprintf(path, sizeof(path), "%s/%s", FERRY_SHARED_DIR, name);
	file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "cannot open %s", path);
	ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
	len = ftell(file);
	ck_assert_msg(len >= 0 && len <= 64 << 20, "%s: length %ld", path, len);
	rewind(file);
	at = malloc((size_t)len + 1);
	ck_assert_ptr_nonnull(at);
	ck_assert_uint_eq(fread(at, 1, (size_t)len, file), (size_t)len);
	fclose(file);
	return bytes_of(at, (size_t)len);
}

#endif
