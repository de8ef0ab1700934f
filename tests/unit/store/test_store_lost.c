/* Files of the cache that somebody else removed while it is open. */
#include "tests/unit/store/cache_test.h"

static uint8_t small[600];
static uint8_t name[CACHE_DIGEST_LEN];

static void setup_lost(void)
{
	setup();
	make_blob(small, sizeof(small), 2, name);
	open_cache();
}

static void teardown_lost(void)
{
	close_cache();
	teardown();
}

static int load(void)
{
	struct got g = {.expect = small};
	int r = cache_load(cache, name, sizeof(small), on_bytes, &g);

	if (r < 0)
		return r;
	test_wait(&g.answer);
	ck_assert(g.answer.status || g.same);
	return g.answer.status;
}

static void put_and_lose(void)
{
	ck_assert_int_eq(put(name, bytes_of(small, sizeof(small))), 0);
	ck_assert_int_eq(unlink(file_of(name, "")), 0);
}

START_TEST(cache_load_of_a_lost_blob_forgets_it)
{
	put_and_lose();
	ck_assert_int_eq(load(), -ENOENT);
	ck_assert_int_eq(cache_find(cache, name, NULL), CACHE_ABSENT);
	ck_assert_uint_eq(cache_used(cache), 0);
}
END_TEST

START_TEST(cache_put_brings_a_lost_blob_back)
{
	put_and_lose();
	ck_assert_int_eq(load(), -ENOENT);
	ck_assert_int_eq(put(name, bytes_of(small, sizeof(small))), 0);
	ck_assert(exists(name, ""));
	ck_assert_int_eq(load(), 0);
}
END_TEST

START_TEST(cache_load_of_a_lost_blob_keeps_its_pin)
{
	struct cache_entry entry;

	ck_assert_int_eq(cache_pin(cache, name), 0);
	put_and_lose();
	ck_assert_int_eq(load(), -ENOENT);
	ck_assert_int_eq(put(name, bytes_of(small, sizeof(small))), 0);
	cache_find(cache, name, &entry);
	ck_assert_uint_eq(entry.pins, 1);
	cache_unpin(cache, name);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store.lost");
	TCase *c = tcase_create("lost");

	tcase_add_checked_fixture(c, setup_lost, teardown_lost);
	tcase_add_test(c, cache_load_of_a_lost_blob_forgets_it);
	tcase_add_test(c, cache_put_brings_a_lost_blob_back);
	tcase_add_test(c, cache_load_of_a_lost_blob_keeps_its_pin);
	suite_add_tcase(s, c);
	return unit_run(s);
}
