#include "tests/unit/gateway/cached_image.h"

#include <errno.h>
#include <fcntl.h>

#include "gateway/relay/image_window.h"

#define BLOB_LEN ((size_t)5 * IMAGE_WINDOW_LEN + 77)

static struct image_window window;
static uint8_t blob[BLOB_LEN];

/* What on_bytes said last. */
static struct {
	int calls;
	int status;
	uint64_t offset;
	uint8_t data[IMAGE_WINDOW_LEN];
	size_t len;
} got;

static void on_bytes(void *arg, int status, uint64_t offset, struct bytes data)
{
	ck_assert_ptr_eq(arg, &window);
	got.calls++;
	got.status = status;
	got.offset = offset;
	got.len = data.len;
	ck_assert_uint_le(data.len, sizeof(got.data));
	if (data.len)
		memcpy(got.data, data.at, data.len);
}

static void setup(void)
{
	cached_image_setup(blob, BLOB_LEN);
	memset(&got, 0, sizeof(got));
	image_window_init(&window, cache, digest, BLOB_LEN, on_bytes, &window);
}

static void teardown(void)
{
	image_window_done(&window);
	cached_image_teardown();
}

static void settle(void)
{
	uv_run(&test_loop, UV_RUN_DEFAULT);
}

/* The bytes, however they come; the number of callbacks that it took. */
static int want(uint64_t offset, size_t len)
{
	int before = got.calls;
	struct bytes now = {0};
	int n = image_want(&window, offset, len, &now);

	if (n == 1)
		on_bytes(&window, 0, offset, now);
	else
		ck_assert_int_eq(n, 0);
	settle();
	ck_assert_int_eq(got.calls, before + 1);
	return n;
}

static void expect(uint64_t offset, size_t len)
{
	ck_assert_int_eq(got.status, 0);
	ck_assert_uint_eq(got.offset, offset);
	ck_assert_uint_eq(got.len, len);
	ck_assert_int_eq(memcmp(got.data, blob + offset, len), 0);
}

START_TEST(test_want_walking_all_gives_every_byte)
{
	static const size_t steps[] = {61, 100, 253, 1024, 2047, 4095, 4096};
	size_t step = steps[_i];

	for (uint64_t at = 0; at < BLOB_LEN; at += step) {
		want(at, step);
		expect(at, step < BLOB_LEN - at ? step : BLOB_LEN - at);
	}
}
END_TEST

START_TEST(test_want_next_leaf_is_there_at_once)
{
	ck_assert_int_eq(want(0, 100), 0);
	ck_assert_int_eq(want(IMAGE_WINDOW_LEN, 100), 1);
	ck_assert_int_eq(want(2 * IMAGE_WINDOW_LEN - 50, 100), 1);
	expect(2 * IMAGE_WINDOW_LEN - 50, 100);
}
END_TEST

START_TEST(test_want_backwards_reads_again)
{
	want(4 * IMAGE_WINDOW_LEN, 10);
	want(0, IMAGE_WINDOW_LEN);
	expect(0, IMAGE_WINDOW_LEN);
	want(3 * IMAGE_WINDOW_LEN - 1, 2);
	expect(3 * IMAGE_WINDOW_LEN - 1, 2);
}
END_TEST

START_TEST(test_want_past_the_end_is_cut)
{
	want(BLOB_LEN - 5, 4096);
	expect(BLOB_LEN - 5, 5);
}
END_TEST

START_TEST(test_want_nothing_is_refused)
{
	struct bytes data;

	ck_assert_int_eq(image_want(&window, BLOB_LEN, 1, &data), -EINVAL);
	ck_assert_int_eq(image_want(&window, UINT64_MAX, 1, &data), -EINVAL);
	ck_assert_int_eq(image_want(&window, 0, 0, &data), -EINVAL);
	settle();
	ck_assert_int_eq(got.calls, 0);
}
END_TEST

START_TEST(test_want_replaced_answers_only_the_new_one)
{
	struct bytes data;

	ck_assert_int_eq(image_want(&window, 0, 10, &data), 0);
	ck_assert_int_eq(image_want(&window, 4 * IMAGE_WINDOW_LEN + 3, 20,
		&data), 0);
	settle();
	ck_assert_int_eq(got.calls, 1);
	expect(4 * IMAGE_WINDOW_LEN + 3, 20);
}
END_TEST

START_TEST(test_done_while_reading_calls_nobody)
{
	struct bytes data;

	ck_assert_int_eq(image_want(&window, 0, 10, &data), 0);
	image_window_done(&window);
	settle();
	ck_assert_int_eq(got.calls, 0);
}
END_TEST

/* One byte of the third leaf changes on the disk. */
static void rot(void)
{
	char name[2 * 32 + 1];
	char path[PATH_MAX];
	char command[PATH_MAX + 64];
	FILE *found;
	int fd;

	bytes_to_hex(bytes_of(digest, 32), name, sizeof(name));
	snprintf(command, sizeof(command), "find %s -type f -name '*%s*' -size "
		"+16k", test_dir, name + 2);
	found = popen(command, "r");
	ck_assert_ptr_nonnull(found);
	ck_assert_ptr_nonnull(fgets(path, sizeof(path), found));
	pclose(found);
	path[strcspn(path, "\n")] = '\0';
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "\xff\x00\xff", 3, 2 * IMAGE_WINDOW_LEN +
		9), 3);
	close(fd);
}

START_TEST(test_want_rotten_leaf_is_an_error_and_no_bytes)
{
	struct bytes data;
	int n;

	want(0, 10);
	rot();
	n = image_want(&window, 2 * IMAGE_WINDOW_LEN, 10, &data);
	if (n == 0)
		settle();
	ck_assert_int_eq(n ? n : got.status, ERR_STORE_ROTTEN_BLOB);
	ck_assert_uint_eq(n ? 0 : got.len, 0);
}
END_TEST

START_TEST(test_want_rot_in_the_leaf_ahead_spares_the_one_in_use)
{
	rot();
	want(IMAGE_WINDOW_LEN, 10);
	expect(IMAGE_WINDOW_LEN, 10);
}
END_TEST

START_TEST(test_want_leaf_of_another_window_is_there_at_once)
{
	struct image_window other;
	struct bytes data = {0};

	want(0, 100);
	image_window_init(&other, cache, digest, BLOB_LEN, on_bytes, &other);
	ck_assert_int_eq(image_want(&other, 50, 200, &data), 1);
	ck_assert_int_eq(memcmp(data.at, blob + 50, 200), 0);
	image_window_done(&other);
	/* The first still has it. */
	ck_assert_int_eq(want(10, 20), 1);
	expect(10, 20);
}
END_TEST

START_TEST(test_want_leaf_outlives_the_window_that_read_it)
{
	struct image_window reader;
	struct bytes data = {0};

	image_window_init(&reader, cache, digest, BLOB_LEN, on_bytes, &window);
	ck_assert_int_eq(image_want(&reader, 0, 10, &data), 0);
	settle();
	ck_assert_int_eq(want(5, 10), 1);
	image_window_done(&reader);
	ck_assert_int_eq(want(20, 30), 1);
	expect(20, 30);
}
END_TEST

START_TEST(test_want_leaf_of_another_image_is_not_taken)
{
	uint8_t unknown[32] = {0};
	struct image_window other;
	struct bytes data = {0};

	want(0, 100);
	memcpy(unknown, digest, 31);
	unknown[31] = (uint8_t)~digest[31];
	image_window_init(&other, cache, unknown, BLOB_LEN, on_bytes, &window);
	ck_assert_int_lt(image_want(&other, 0, 10, &data), 1);
	image_window_done(&other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("image_window");
	TCase *c = tcase_create("window");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_want_walking_all_gives_every_byte, 0, 7);
	tcase_add_test(c, test_want_next_leaf_is_there_at_once);
	tcase_add_test(c, test_want_backwards_reads_again);
	tcase_add_test(c, test_want_past_the_end_is_cut);
	tcase_add_test(c, test_want_nothing_is_refused);
	tcase_add_test(c, test_want_replaced_answers_only_the_new_one);
	tcase_add_test(c, test_done_while_reading_calls_nobody);
	tcase_add_test(c, test_want_rotten_leaf_is_an_error_and_no_bytes);
	tcase_add_test(c,
		test_want_rot_in_the_leaf_ahead_spares_the_one_in_use);
	tcase_add_test(c, test_want_leaf_of_another_window_is_there_at_once);
	tcase_add_test(c, test_want_leaf_outlives_the_window_that_read_it);
	tcase_add_test(c, test_want_leaf_of_another_image_is_not_taken);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
