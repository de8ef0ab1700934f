/* An image in a cache of its own, for those who read it from there: in a folder,
 * on a loop, as tests/unit/store/store_test.h has them. */
#ifndef FERRY_TESTS_CACHED_IMAGE_H
#define FERRY_TESTS_CACHED_IMAGE_H

#include "tests/unit/store/store_test.h"

#include "store/cache.h"
#include "store/hash.h"

static struct cache *cache;
static uint8_t digest[CACHE_DIGEST_LEN];

/* Fills `image` with bytes that differ from place to place and puts it there. */
static inline void cached_image_setup(uint8_t *image, size_t len)
{
	struct cache_options options = {.quota = 1 << 24, .part_age_ms = 1000};
	struct test_answer a = {0};

	test_setup();
	for (size_t i = 0; i < len; i++)
		image[i] = (uint8_t)(i * 7 + i / 251);
	ck_assert_int_eq(store_hash_setup(), 0);
	ck_assert_int_eq(store_hash_once(bytes_of(image, len), digest), 0);
	ck_assert_int_eq(cache_open(&test_loop, test_path("cache"), &options,
		on_test_answer, &a, &cache), 0);
	test_wait(&a);
	a = (struct test_answer){0};
	ck_assert_int_eq(cache_put(cache, digest, bytes_of(image, len),
		on_test_answer, &a), 0);
	test_wait(&a);
	ck_assert_int_eq(a.status, 0);
}

static inline void cached_image_teardown(void)
{
	struct test_answer a = {0};

	cache_close(cache, on_test_answer, &a);
	test_wait(&a);
	test_teardown();
}

#endif
