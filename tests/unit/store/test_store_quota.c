/* When the cache or the disk is full, or fails; and small blobs in one call. */
#include "tests/unit/store/cache_test.h"

/* ---- quota ---- */

static uint8_t small[6][32];
static uint8_t small_at[6][100000];

static void make_small(void)
{
	for (unsigned i = 0; i < 6; i++)
		make_blob(small_at[i], sizeof(small_at[i]), 10 + i, small[i]);
}

static int put_small(unsigned i)
{
	return put(small[i], bytes_of(small_at[i], sizeof(small_at[i])));
}

START_TEST(quota_evicts_the_least_recently_used)
{
	struct got g = {.expect = small_at[0]};

	make_small();
	open_cache_of(310000);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(put_small(i), 0);
	ck_assert_int_eq(cache_read(cache, small[0], 0, 10, on_bytes, &g), 0);
	test_wait(&g.answer);
	ck_assert(g.same);
	ck_assert_int_eq(put_small(3), 0);
	ck_assert_int_eq(cache_find(cache, small[0], NULL), CACHE_READY);
	ck_assert_int_eq(cache_find(cache, small[1], NULL), CACHE_ABSENT);
	ck_assert(!exists(small[1], ""));
	ck_assert(!exists(small[1], ".leaf"));
	ck_assert_int_eq(cache_find(cache, small[2], NULL), CACHE_READY);
	ck_assert_uint_le(cache_used(cache), 310000);
	close_cache();
}
END_TEST

START_TEST(quota_never_evicts_what_is_pinned)
{
	struct opened_part o = {.part = NULL};

	make_small();
	open_cache_of(310000);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(cache_pin(cache, small[i]), 0);
		ck_assert_int_eq(put_small(i), 0);
	}
	ck_assert_int_eq(put_small(3), ERR_STORE_QUOTA);
	ck_assert_int_eq(cache_part_open(cache, small[3], 100000, on_part, &o),
		ERR_STORE_QUOTA);
	ck_assert_int_eq(cache_find(cache, small[0], NULL), CACHE_READY);
	cache_unpin(cache, small[1]);
	ck_assert_int_eq(put_small(3), 0);
	ck_assert_int_eq(cache_find(cache, small[1], NULL), CACHE_ABSENT);
	ck_assert_int_eq(cache_find(cache, small[0], NULL), CACHE_READY);
	close_cache();
}
END_TEST

START_TEST(quota_larger_than_all_is_refused)
{
	make_small();
	open_cache_of(50000);
	ck_assert_int_eq(put_small(0), ERR_STORE_QUOTA);
	ck_assert_uint_eq(cache_used(cache), 0);
	close_cache();
}
END_TEST

START_TEST(quota_counts_what_was_there_before)
{
	uint64_t used;

	make_small();
	open_cache_of(310000);
	ck_assert_int_eq(put_small(0), 0);
	ck_assert_int_eq(put_small(1), 0);
	used = cache_used(cache);
	close_cache();
	open_cache_of(310000);
	ck_assert_uint_eq(cache_used(cache), used);
	ck_assert_int_eq(put_small(2), 0);
	ck_assert_int_eq(put_small(3), 0);
	ck_assert_uint_le(cache_used(cache), 310000);
	close_cache();
}
END_TEST

START_TEST(quota_spares_what_is_being_read)
{
	struct got g = {.expect = small_at[0]};
	struct test_answer a = {0};

	make_small();
	open_cache_of(210000);
	ck_assert_int_eq(put_small(0), 0);
	ck_assert_int_eq(put_small(1), 0);
	ck_assert_int_eq(cache_read(cache, small[0], 0, 10, on_bytes, &g), 0);
	ck_assert_int_eq(cache_read(cache, small[1], 0, 10, on_bytes, &g), 0);
	ck_assert_int_eq(
		cache_drop(cache, small[0], on_test_answer, &a), -EBUSY);
	ck_assert_int_eq(put_small(2), ERR_STORE_QUOTA);
	while (g.answer.calls < 2)
		uv_run(&test_loop, UV_RUN_ONCE);
	ck_assert_int_eq(g.answer.status, 0);
	ck_assert_int_eq(put_small(2), 0);
	close_cache();
}
END_TEST

START_TEST(drop_of_pinned_blob_is_busy)
{
	struct test_answer a = {0};

	make_small();
	open_cache();
	ck_assert_int_eq(put_small(0), 0);
	ck_assert_int_eq(cache_pin(cache, small[0]), 0);
	ck_assert_int_eq(
		cache_drop(cache, small[0], on_test_answer, &a), -EBUSY);
	cache_unpin(cache, small[0]);
	ck_assert_int_eq(cache_drop(cache, small[0], on_test_answer, &a), 0);
	test_wait(&a);
	ck_assert_int_eq(a.status, 0);
	ck_assert(!exists(small[0], ""));
	ck_assert_uint_eq(cache_list(cache, NULL, 0), 0);
	close_cache();
}
END_TEST

/* ---- a disk that fails ---- */

struct failing {
	enum disk_op op;
	int code;
	int skip;
	int times;
};

static int on_fail(void *arg, const struct disk_event *event)
{
	struct failing *f = arg;

	if (event->op != f->op || f->skip-- > 0 || f->times <= 0)
		return 0;
	f->times--;
	return f->code;
}

START_TEST(append_to_full_disk_evicts_and_goes_on)
{
	struct failing full = {DISK_WRITE, -ENOSPC, 0, 1};
	struct cache_part *part;

	make_small();
	open_cache();
	ck_assert_int_eq(put_small(0), 0);
	part = open_part();
	disk_set_hook(on_fail, &full);
	ck_assert_int_eq(append_all(part, blob, BLOB_LEN), 0);
	ck_assert_int_eq(seal(part), 0);
	disk_set_hook(NULL, NULL);
	ck_assert_int_eq(cache_find(cache, small[0], NULL), CACHE_ABSENT);
	ck_assert_int_eq(read_at(0, 4096), 0);
	close_cache();
}
END_TEST

START_TEST(append_to_full_disk_spares_what_is_pinned)
{
	struct failing full = {DISK_WRITE, -ENOSPC, 0, 1000};
	struct cache_part *part;

	make_small();
	open_cache();
	ck_assert_int_eq(put_small(0), 0);
	ck_assert_int_eq(cache_pin(cache, small[0]), 0);
	part = open_part();
	ck_assert_int_eq(append_all(part, blob, 5000), 0);
	ck_assert_int_eq(seal(part), ERR_STORE_LENGTH);
	part = open_part();
	disk_set_hook(on_fail, &full);
	append_all(part, blob + 5000, BLOB_LEN - 5000);
	ck_assert_int_eq(seal(part), -ENOSPC);
	disk_set_hook(NULL, NULL);
	ck_assert_int_eq(cache_find(cache, small[0], NULL), CACHE_READY);
	part = open_part();
	ck_assert_uint_eq(cache_part_offset(part), 5000);
	ck_assert_int_eq(append_all(part, blob + 5000, BLOB_LEN - 5000), 0);
	ck_assert_int_eq(seal(part), 0);
	close_cache();
}
END_TEST

START_TEST(seal_without_fsync_is_an_error)
{
	struct failing bad = {DISK_SYNC, -EIO, 0, 1};
	struct cache_part *part;

	open_cache();
	part = open_part();
	ck_assert_int_eq(append_all(part, blob, BLOB_LEN), 0);
	disk_set_hook(on_fail, &bad);
	ck_assert_int_eq(seal(part), -EIO);
	disk_set_hook(NULL, NULL);
	ck_assert_int_eq(state(), CACHE_ABSENT);
	ck_assert(!exists(digest, ""));
	close_cache();
}
END_TEST

/* ---- small blobs ---- */

static int load(size_t max, struct got *g)
{
	int r;

	*g = (struct got){.expect = small_at[0]};
	r = cache_load(cache, small[0], max, on_bytes, g);
	if (r < 0)
		return r;
	test_wait(&g->answer);
	return g->answer.status;
}

START_TEST(put_then_load_gives_it_back)
{
	struct got g;

	make_small();
	open_cache();
	ck_assert_int_eq(put_small(0), 0);
	ck_assert_int_eq(put_small(0), 0);
	ck_assert_int_eq(load(CACHE_LOAD_MAX, &g), 0);
	ck_assert(g.same && g.len == sizeof(small_at[0]));
	ck_assert_int_eq(load(99999, &g), ERR_TOO_LARGE);
	close_cache();
	open_cache();
	ck_assert_int_eq(load(CACHE_LOAD_MAX, &g), 0);
	ck_assert(g.same);
	close_cache();
}
END_TEST

START_TEST(put_of_other_bytes_is_refused)
{
	make_small();
	open_cache();
	ck_assert_int_eq(
		put(small[0], bytes_of(small_at[1], 100)), ERR_STORE_DIGEST);
	ck_assert_int_eq(put(small[0], bytes_of(NULL, 0)), -EINVAL);
	ck_assert(!exists(small[0], ""));
	ck_assert_uint_eq(cache_used(cache), 0);
	close_cache();
}
END_TEST

START_TEST(put_mends_a_blob_that_rotted)
{
	struct got g;

	make_small();
	open_cache();
	ck_assert_int_eq(put_small(0), 0);
	close_cache();
	ck_assert_int_eq(truncate(file_of(small[0], ""), 5), 0);
	open_cache();
	ck_assert_int_eq(put_small(0), 0);
	ck_assert_int_eq(load(CACHE_LOAD_MAX, &g), 0);
	ck_assert(g.same);
	close_cache();
}
END_TEST

START_TEST(load_of_rotten_blob_deletes_it)
{
	struct got g;

	make_small();
	open_cache();
	ck_assert_int_eq(put_small(0), 0);
	ck_assert_int_eq(truncate(file_of(small[0], ""), 5), 0);
	ck_assert_int_eq(load(CACHE_LOAD_MAX, &g), ERR_STORE_DIGEST);
	ck_assert(!exists(small[0], ""));
	ck_assert_int_eq(load(CACHE_LOAD_MAX, &g), -ENOENT);
	close_cache();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store.quota");
	TCase *c = tcase_create("quota");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, quota_evicts_the_least_recently_used);
	tcase_add_test(c, quota_never_evicts_what_is_pinned);
	tcase_add_test(c, quota_larger_than_all_is_refused);
	tcase_add_test(c, quota_counts_what_was_there_before);
	tcase_add_test(c, quota_spares_what_is_being_read);
	tcase_add_test(c, drop_of_pinned_blob_is_busy);
	tcase_add_test(c, append_to_full_disk_evicts_and_goes_on);
	tcase_add_test(c, append_to_full_disk_spares_what_is_pinned);
	tcase_add_test(c, seal_without_fsync_is_an_error);
	tcase_add_test(c, put_then_load_gives_it_back);
	tcase_add_test(c, put_of_other_bytes_is_refused);
	tcase_add_test(c, put_mends_a_blob_that_rotted);
	tcase_add_test(c, load_of_rotten_blob_deletes_it);
	suite_add_tcase(s, c);
	return unit_run(s);
}
