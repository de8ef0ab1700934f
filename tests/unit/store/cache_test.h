/* A cache in a folder of its own, one large blob, and every call waited for: for
 * the tests of the cache. */
#ifndef FERRY_TESTS_CACHE_TEST_H
#define FERRY_TESTS_CACHE_TEST_H

#include "tests/unit/store/store_test.h"

#include <errno.h>
#include <fcntl.h>

#include "store/cache.h"
#include "store/disk.h"
#include "store/hash.h"

#define DAY_MS 86400000u
#define BLOB_LEN ((size_t)700 * 1024 + 123) /* two pages of the table */

static struct cache *cache;
static uint8_t *blob;
static uint8_t digest[CACHE_DIGEST_LEN];

static inline void make_blob(uint8_t *at, size_t len, uint32_t seed,
	uint8_t ret_digest[CACHE_DIGEST_LEN])
{
	uint32_t x = seed * 2654435761u + 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		at[i] = (uint8_t)(x >> 24);
	}
	ck_assert_int_eq(store_hash_setup(), 0);
	ck_assert_int_eq(store_hash_once(bytes_of(at, len), ret_digest), 0);
}

static inline void open_cache_of(uint64_t quota)
{
	struct cache_options options = {.quota = quota, .part_age_ms = DAY_MS};
	struct test_answer a = {0};

	ck_assert_int_eq(cache_open(&test_loop, test_path("cache"), &options,
				 on_test_answer, &a, &cache),
		0);
	test_wait(&a);
	ck_assert_int_eq(a.status, 0);
}

static inline void open_cache(void)
{
	open_cache_of(16 << 20);
}

static inline void close_cache(void)
{
	struct test_answer a = {0};

	cache_close(cache, on_test_answer, &a);
	test_wait(&a);
}

static inline void setup(void)
{
	test_setup();
	blob = malloc(BLOB_LEN);
	ck_assert_ptr_nonnull(blob);
	make_blob(blob, BLOB_LEN, 1, digest);
}

static inline void teardown(void)
{
	free(blob);
	disk_set_hook(NULL, NULL);
	test_teardown();
}

struct opened_part {
	struct test_answer answer;
	struct cache_part *part;
};

static inline void on_part(void *arg, int status, struct cache_part *part)
{
	struct opened_part *o = arg;

	on_test_answer(&o->answer, status);
	o->part = part;
}

static inline struct cache_part *open_part_of(const uint8_t *which, uint64_t len)
{
	struct opened_part o = {.part = NULL};

	ck_assert_int_eq(cache_part_open(cache, which, len, on_part, &o), 0);
	test_wait(&o.answer);
	ck_assert_int_eq(o.answer.status, 0);
	return o.part;
}

static inline struct cache_part *open_part(void)
{
	return open_part_of(digest, BLOB_LEN);
}

static inline int append_all(
	struct cache_part *part, const uint8_t *from, size_t len)
{
	struct test_answer drained;
	size_t at = 0, n;
	int r;

	while (at < len) {
		n = len - at < 50000 ? len - at : 50000;
		drained = (struct test_answer){0};
		cache_part_on_drain(part, on_test_answer, &drained);
		r = cache_part_append(part, bytes_of(from + at, n));
		if (r < 0)
			return r;
		if (r == 1)
			test_wait(&drained);
		if (drained.status < 0)
			return drained.status;
		at += n;
	}
	return 0;
}

static inline int seal(struct cache_part *part)
{
	struct test_answer a = {0};

	cache_part_seal(part, on_test_answer, &a);
	test_wait(&a);
	return a.status;
}

static inline void load_blob(void)
{
	struct cache_part *part = open_part();

	ck_assert_int_eq(append_all(part, blob, BLOB_LEN), 0);
	ck_assert_int_eq(seal(part), 0);
}

struct got {
	struct test_answer answer;
	size_t len;
	uint8_t first;
	bool same;
	const uint8_t *expect;
};

static inline void on_bytes(void *arg, int status, struct bytes bytes)
{
	struct got *g = arg;

	on_test_answer(&g->answer, status);
	g->len = bytes.len;
	ck_assert(status == 0 || bytes.len == 0);
	g->same = status == 0 && bytes.len &&
		  memcmp(bytes.at, g->expect, bytes.len) == 0;
}

/* The status of a read; on success its bytes were checked. */
static inline int read_at(uint64_t offset, size_t len)
{
	struct got g = {.expect = blob + offset};
	int r = cache_read(cache, digest, offset, len, on_bytes, &g);

	if (r < 0)
		return r;
	test_wait(&g.answer);
	if (g.answer.status == 0) {
		ck_assert_uint_eq(g.len, len);
		ck_assert(g.same);
	}
	return g.answer.status;
}

static inline int verify(void)
{
	struct test_answer a = {0};
	int r = cache_verify(cache, digest, on_test_answer, &a);

	if (r < 0)
		return r;
	test_wait(&a);
	return a.status;
}

static inline int put(const uint8_t *which, struct bytes bytes)
{
	struct test_answer a = {0};
	int r = cache_put(cache, which, bytes, on_test_answer, &a);

	if (r < 0)
		return r;
	test_wait(&a);
	return a.status;
}

static inline const char *file_of(const uint8_t *which, const char *tail)
{
	char hex[65], name[128];

	bytes_to_hex(bytes_of(which, CACHE_DIGEST_LEN), hex, sizeof(hex));
	snprintf(name, sizeof(name), "cache/blobs/%.2s/%s%s", hex, hex, tail);
	return test_path(name);
}

static inline bool exists(const uint8_t *which, const char *tail)
{
	return access(file_of(which, tail), F_OK) == 0;
}

static inline void flip(const char *tail, off_t at)
{
	int fd = open(file_of(digest, tail), O_RDWR);
	uint8_t byte;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static inline enum cache_state state(void)
{
	return cache_find(cache, digest, NULL);
}

#endif
