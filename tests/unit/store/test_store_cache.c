#include "tests/unit/store/cache_test.h"

#include <dirent.h>

/* ---- loading ---- */

START_TEST(seal_makes_the_blob_readable)
{
	struct cache_entry entry;

	open_cache();
	ck_assert_int_eq(state(), CACHE_ABSENT);
	load_blob();
	ck_assert_int_eq(cache_find(cache, digest, &entry), CACHE_READY);
	ck_assert_uint_eq(entry.len, BLOB_LEN);
	ck_assert_int_eq(read_at(0, 1), 0);
	ck_assert_int_eq(read_at(4095, 2), 0);
	ck_assert_int_eq(read_at(512 * 1024 - 1000, CACHE_READ_MAX), 0);
	ck_assert_int_eq(read_at(BLOB_LEN - 5, 5), 0);
	ck_assert(!exists(digest, ".part"));
	ck_assert_uint_ge(cache_used(cache), BLOB_LEN);
	close_cache();
}
END_TEST

START_TEST(read_outside_of_the_blob_is_refused)
{
	open_cache();
	ck_assert_int_eq(read_at(0, 1), -ENOENT);
	load_blob();
	ck_assert_int_eq(read_at(0, 0), -EINVAL);
	ck_assert_int_eq(read_at(BLOB_LEN, 1), -EINVAL);
	ck_assert_int_eq(read_at(BLOB_LEN - 1, 2), -EINVAL);
	ck_assert_int_eq(read_at(0, CACHE_READ_MAX + 1), -EINVAL);
	close_cache();
}
END_TEST

START_TEST(part_resumes_after_restart_with_its_etag)
{
	struct cache_part *part;

	open_cache();
	part = open_part();
	ck_assert_uint_eq(cache_part_offset(part), 0);
	ck_assert_str_eq(cache_part_etag(part), "");
	cache_part_note_etag(part, "\"v1\"");
	ck_assert_int_eq(append_all(part, blob, 300001), 0);
	ck_assert_int_eq(state(), CACHE_LOADING);
	cache_part_close(part);
	close_cache();
	open_cache();
	ck_assert_int_eq(state(), CACHE_ABSENT);
	part = open_part();
	ck_assert_uint_eq(cache_part_offset(part), 300001);
	ck_assert_str_eq(cache_part_etag(part), "\"v1\"");
	ck_assert_int_eq(append_all(part, blob + 300001, BLOB_LEN - 300001), 0);
	ck_assert_int_eq(seal(part), 0);
	ck_assert_int_eq(read_at(299000, 5000), 0);
	ck_assert(!exists(digest, ".etag"));
	close_cache();
}
END_TEST

START_TEST(part_restart_begins_at_zero)
{
	struct cache_part *part;
	uint8_t wrong[5000] = {1};

	open_cache();
	part = open_part();
	cache_part_note_etag(part, "\"v1\"");
	ck_assert_int_eq(append_all(part, wrong, sizeof(wrong)), 0);
	cache_part_restart(part);
	ck_assert_uint_eq(cache_part_offset(part), 0);
	ck_assert_str_eq(cache_part_etag(part), "");
	ck_assert_int_eq(append_all(part, blob, BLOB_LEN), 0);
	ck_assert_int_eq(seal(part), 0);
	ck_assert_int_eq(read_at(0, 5000), 0);
	close_cache();
}
END_TEST

START_TEST(seal_of_other_content_deletes_the_part)
{
	struct cache_part *part;

	open_cache();
	part = open_part();
	blob[12345] ^= 1;
	ck_assert_int_eq(append_all(part, blob, BLOB_LEN), 0);
	ck_assert_int_eq(seal(part), ERR_STORE_DIGEST);
	ck_assert_int_eq(state(), CACHE_ABSENT);
	ck_assert(!exists(digest, ".part"));
	ck_assert(!exists(digest, ""));
	ck_assert_uint_eq(cache_used(cache), 0);
	close_cache();
}
END_TEST

START_TEST(seal_of_too_little_keeps_the_part)
{
	struct cache_part *part;

	open_cache();
	part = open_part();
	ck_assert_int_eq(append_all(part, blob, 5000), 0);
	ck_assert_int_eq(seal(part), ERR_STORE_LENGTH);
	part = open_part();
	ck_assert_uint_eq(cache_part_offset(part), 5000);
	cache_part_close(part);
	close_cache();
}
END_TEST

START_TEST(append_past_the_length_is_refused)
{
	struct cache_part *part;

	open_cache();
	part = open_part_of(digest, 100);
	ck_assert_int_eq(cache_part_append(part, bytes_of(blob, 60)), 0);
	ck_assert_int_eq(
		cache_part_append(part, bytes_of(blob, 41)), ERR_STORE_LENGTH);
	ck_assert_uint_eq(cache_part_offset(part), 60);
	cache_part_close(part);
	close_cache();
}
END_TEST

START_TEST(append_without_pause_is_bounded)
{
	struct cache_part *part;
	int r = 0;

	open_cache();
	part = open_part_of(digest, 8 << 20);
	for (int i = 0; i < 20 && r >= 0; i++)
		r = cache_part_append(part, bytes_of(blob, 200000));
	ck_assert_int_eq(r, -EAGAIN);
	cache_part_close(part);
	close_cache();
}
END_TEST

START_TEST(part_open_rules)
{
	struct opened_part o = {.part = NULL};
	struct cache_part *part;

	open_cache();
	ck_assert_int_eq(
		cache_part_open(cache, digest, 0, on_part, &o), -EINVAL);
	ck_assert_int_eq(
		cache_part_open(cache, digest, CACHE_BLOB_MAX + 1, on_part, &o),
		-EINVAL);
	part = open_part();
	ck_assert_int_eq(
		cache_part_open(cache, digest, BLOB_LEN, on_part, &o), -EBUSY);
	cache_part_close(part);
	load_blob();
	ck_assert_int_eq(
		cache_part_open(cache, digest, BLOB_LEN, on_part, &o), -EEXIST);
	ck_assert_int_eq(o.answer.calls, 0);
	close_cache();
}
END_TEST

START_TEST(close_with_open_part_keeps_it)
{
	struct cache_part *part;

	open_cache();
	part = open_part();
	ck_assert_int_eq(cache_part_append(part, bytes_of(blob, 777)), 0);
	close_cache();
	open_cache();
	part = open_part();
	ck_assert_uint_eq(cache_part_offset(part), 777);
	cache_part_close(part);
	close_cache();
}
END_TEST

/* ---- after a start ---- */

START_TEST(verify_after_restart_is_needed)
{
	open_cache();
	load_blob();
	close_cache();
	open_cache();
	ck_assert_int_eq(state(), CACHE_UNVERIFIED);
	ck_assert_int_eq(read_at(0, 10), ERR_STORE_UNVERIFIED);
	ck_assert_int_eq(verify(), 0);
	ck_assert_int_eq(state(), CACHE_READY);
	ck_assert_int_eq(read_at(100, 4000), 0);
	close_cache();
}
END_TEST

START_TEST(verify_by_many_hashes_once_and_tells_all)
{
	struct test_answer a[5] = {{0}};

	open_cache();
	load_blob();
	close_cache();
	open_cache();
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(
			cache_verify(cache, digest, on_test_answer, &a[i]), 0);
	test_wait(&a[4]);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(a[i].calls, 1);
		ck_assert_int_eq(a[i].status, 0);
	}
	close_cache();
}
END_TEST

START_TEST(verify_of_rotten_blob_deletes_it)
{
	open_cache();
	load_blob();
	close_cache();
	flip("", 5);
	open_cache();
	ck_assert_int_eq(verify(), ERR_STORE_DIGEST);
	ck_assert_int_eq(state(), CACHE_ABSENT);
	ck_assert(!exists(digest, ""));
	ck_assert(!exists(digest, ".leaf"));
	load_blob();
	ck_assert_int_eq(read_at(0, 10), 0);
	close_cache();
}
END_TEST

START_TEST(verify_does_not_believe_the_table_on_disk)
{
	open_cache();
	load_blob();
	close_cache();
	flip(".leaf", 40);
	open_cache();
	ck_assert_int_eq(verify(), 0);
	ck_assert_int_eq(read_at(4096, 4096), 0);
	close_cache();
}
END_TEST

START_TEST(read_of_flipped_blob_gives_nothing)
{
	open_cache();
	load_blob();
	flip("", 600 * 1024);
	ck_assert_int_eq(read_at(0, 4096), 0);
	ck_assert_int_eq(
		read_at(600 * 1024 - 4000, 4096), ERR_STORE_ROTTEN_BLOB);
	ck_assert_int_eq(state(), CACHE_ABSENT);
	ck_assert(!exists(digest, ""));
	load_blob();
	ck_assert_int_eq(read_at(600 * 1024 - 4000, 4096), 0);
	close_cache();
}
END_TEST

START_TEST(read_with_flipped_table_gives_nothing)
{
	open_cache();
	load_blob();
	flip(".leaf", 5000);
	ck_assert_int_eq(read_at(0, 4096), 0);
	ck_assert_int_eq(read_at(600 * 1024, 10), ERR_STORE_ROTTEN_TABLE);
	ck_assert_int_eq(state(), CACHE_UNVERIFIED);
	ck_assert_int_eq(read_at(0, 10), ERR_STORE_UNVERIFIED);
	ck_assert_int_eq(verify(), 0);
	ck_assert_int_eq(read_at(600 * 1024, 10), 0);
	close_cache();
}
END_TEST

START_TEST(read_with_blob_and_table_changed_alike_gives_nothing)
{
	uint8_t hash[STORE_HASH_LEN];
	int fd;

	open_cache();
	load_blob();
	blob[7] ^= 1;
	flip("", 7);
	store_hash_once(bytes_of(blob, CACHE_LEAF_LEN), hash);
	fd = open(file_of(digest, ".leaf"), O_RDWR);
	ck_assert_int_eq(pwrite(fd, hash, sizeof(hash), 0), sizeof(hash));
	close(fd);
	ck_assert_int_eq(read_at(0, 10), ERR_STORE_ROTTEN_TABLE);
	ck_assert_int_eq(verify(), ERR_STORE_DIGEST);
	close_cache();
}
END_TEST

START_TEST(read_of_cut_or_absent_files_gives_nothing)
{
	open_cache();
	load_blob();
	ck_assert_int_eq(truncate(file_of(digest, ".leaf"), 64), 0);
	ck_assert_int_eq(read_at(0, 10), ERR_STORE_ROTTEN_TABLE);
	ck_assert_int_eq(verify(), 0);
	ck_assert_int_eq(unlink(file_of(digest, ".leaf")), 0);
	ck_assert_int_eq(read_at(0, 10), ERR_STORE_ROTTEN_TABLE);
	ck_assert_int_eq(verify(), 0);
	ck_assert_int_eq(truncate(file_of(digest, ""), 4096), 0);
	ck_assert_int_eq(read_at(0, 10), ERR_STORE_ROTTEN_BLOB);
	load_blob();
	ck_assert_int_eq(unlink(file_of(digest, "")), 0);
	ck_assert_int_eq(read_at(0, 10), ERR_STORE_ROTTEN_BLOB);
	ck_assert_int_eq(verify(), -ENOENT);
	close_cache();
}
END_TEST

START_TEST(read_by_many_of_rotten_blob_spares_the_new_one)
{
	struct got g[3] = {
		{.expect = blob}, {.expect = blob}, {.expect = blob}};

	open_cache();
	load_blob();
	flip("", 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
			cache_read(cache, digest, 0, 10, on_bytes, &g[i]), 0);
	for (int i = 0; i < 3; i++) {
		while (g[i].answer.calls == 0)
			uv_run(&test_loop, UV_RUN_ONCE);
		ck_assert_int_eq(g[i].answer.status, ERR_STORE_ROTTEN_BLOB);
	}
	load_blob();
	ck_assert_int_eq(read_at(0, 10), 0);
	close_cache();
}
END_TEST

START_TEST(open_drops_what_belongs_to_nothing)
{
	static const char *const tails[] = {".leaf", ".etag", ".new"};
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	struct cache_part *part;
	char hex[65];

	open_cache();
	part = open_part();
	cache_part_note_etag(part, "x");
	ck_assert_int_eq(append_all(part, blob, 5000), 0);
	cache_part_close(part);
	close_cache();
	ck_assert_int_eq(
		utimensat(AT_FDCWD, file_of(digest, ".part"), old, 0), 0);
	bytes_to_hex(bytes_of(digest, 32), hex, sizeof(hex));
	for (size_t i = 0; i < 3; i++)
		fclose(fopen(file_of(digest, tails[i]), "ab"));
	fclose(fopen(file_of(digest, ".mine"), "wb"));
	open_cache();
	ck_assert_uint_eq(cache_used(cache), 0);
	for (size_t i = 0; i < 3; i++)
		ck_assert_msg(!exists(digest, tails[i]), "%s", tails[i]);
	ck_assert(!exists(digest, ".part"));
	ck_assert(exists(digest, ".mine"));
	part = open_part();
	ck_assert_uint_eq(cache_part_offset(part), 0);
	cache_part_close(part);
	close_cache();
}
END_TEST

START_TEST(open_leaves_symlinks_alone)
{
	open_cache();
	load_blob();
	close_cache();
	ck_assert_int_eq(
		rename(file_of(digest, ""), test_path("elsewhere")), 0);
	ck_assert_int_eq(
		symlink(test_path("elsewhere"), file_of(digest, "")), 0);
	open_cache();
	ck_assert_int_eq(state(), CACHE_ABSENT);
	ck_assert_int_eq(verify(), -ENOENT);
	close_cache();
	ck_assert_int_eq(access(test_path("elsewhere"), F_OK), 0);
}
END_TEST

/* ---- objects ---- */

static int object_get(const char *name, size_t max, const char *expect)
{
	struct got g = {.expect = (const uint8_t *)expect};
	int r = cache_object_get(cache, name, max, on_bytes, &g);

	if (r < 0)
		return r;
	test_wait(&g.answer);
	if (g.answer.status == 0) {
		ck_assert_uint_eq(g.len, strlen(expect));
		ck_assert(g.same || g.len == 0);
	}
	return g.answer.status;
}

START_TEST(object_calls_are_carried_out_in_order)
{
	struct test_answer a[3] = {{0}};

	open_cache();
	cache_object_put(cache, "acme.catalog", bytes_of_text("one"),
		on_test_answer, &a[0]);
	cache_object_drop(cache, "acme.catalog", on_test_answer, &a[1]);
	cache_object_put(cache, "acme.catalog", bytes_of_text("two"),
		on_test_answer, &a[2]);
	ck_assert_int_eq(object_get("acme.catalog", 100, "two"), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(a[i].calls, 1);
		ck_assert_int_eq(a[i].status, 0);
	}
	ck_assert_int_eq(object_get("acme.catalog", 2, ""), ERR_TOO_LARGE);
	ck_assert_int_eq(object_get("acme.root", 100, ""), -ENOENT);
	close_cache();
	open_cache();
	ck_assert_int_eq(object_get("acme.catalog", 100, "two"), 0);
	close_cache();
}
END_TEST

START_TEST(object_name_must_be_plain)
{
	static const char *const names[] = {
		"", ".", "..", ".x", "a/b", "A", "a b", "../x"};
	char longest[CACHE_OBJECT_NAME_MAX + 2];

	open_cache();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(
			object_get(names[i], 9, "") == -EINVAL, "%s", names[i]);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_int_eq(object_get(longest, 9, ""), -EINVAL);
	ck_assert_int_eq(object_get(longest + 1, 9, ""), -ENOENT);
	close_cache();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store.cache");
	TCase *c = tcase_create("cache");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, seal_makes_the_blob_readable);
	tcase_add_test(c, read_outside_of_the_blob_is_refused);
	tcase_add_test(c, part_resumes_after_restart_with_its_etag);
	tcase_add_test(c, part_restart_begins_at_zero);
	tcase_add_test(c, seal_of_other_content_deletes_the_part);
	tcase_add_test(c, seal_of_too_little_keeps_the_part);
	tcase_add_test(c, append_past_the_length_is_refused);
	tcase_add_test(c, append_without_pause_is_bounded);
	tcase_add_test(c, part_open_rules);
	tcase_add_test(c, close_with_open_part_keeps_it);
	tcase_add_test(c, verify_after_restart_is_needed);
	tcase_add_test(c, verify_by_many_hashes_once_and_tells_all);
	tcase_add_test(c, verify_of_rotten_blob_deletes_it);
	tcase_add_test(c, verify_does_not_believe_the_table_on_disk);
	tcase_add_test(c, read_of_flipped_blob_gives_nothing);
	tcase_add_test(c, read_with_flipped_table_gives_nothing);
	tcase_add_test(c, read_with_blob_and_table_changed_alike_gives_nothing);
	tcase_add_test(c, read_of_cut_or_absent_files_gives_nothing);
	tcase_add_test(c, read_by_many_of_rotten_blob_spares_the_new_one);
	tcase_add_test(c, open_drops_what_belongs_to_nothing);
	tcase_add_test(c, open_leaves_symlinks_alone);
	tcase_add_test(c, object_calls_are_carried_out_in_order);
	tcase_add_test(c, object_name_must_be_plain);
	suite_add_tcase(s, c);
	return unit_run(s);
}
