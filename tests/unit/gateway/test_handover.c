#include "tests/unit/gateway/cached_image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "gateway/relay/handover.h"

#define BLOB_LEN ((size_t)3 * HANDOVER_STEP_MAX / 4 + 77)
#define OTHER_RUN "ferry-00000000-00112233445566778899aabbccddeeff"

static struct handover *handover;
static uint8_t blob[BLOB_LEN];
static char folder[256];

static struct {
	int readies, checks, closes;
	int status;
} got;

static void on_ready(void *arg, int status)
{
	(void)arg;
	got.readies++;
	got.status = status;
}

static void on_checked(void *arg, int status)
{
	(void)arg;
	got.checks++;
	got.status = status;
}

static void on_closed(void *arg)
{
	(void)arg;
	got.closes++;
}

static void setup(void)
{
	cached_image_setup(blob, BLOB_LEN);
	snprintf(folder, sizeof(folder), "%s", test_path("handover"));
	ck_assert_int_eq(mkdir(folder, 0750), 0);
	memset(&got, 0, sizeof(got));
}

static void settle(void)
{
	uv_run(&test_loop, UV_RUN_DEFAULT);
}

static void open_handover(const char *where, struct cache *from)
{
	struct handover_setup s = {
		.loop = &test_loop,
		.folder = where,
		.cache = from,
		.len = BLOB_LEN,
		.on_ready = on_ready,
		.on_checked = on_checked,
	};

	memcpy(s.digest, digest, sizeof(s.digest));
	ck_assert_int_eq(handover_open(&s, &handover), 0);
}

static void close_handover(void)
{
	handover_close(handover, on_closed, NULL);
	settle();
	ck_assert_int_eq(got.closes, 1);
}

static void teardown(void)
{
	cached_image_teardown();
}

static unsigned files_in(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void make_copy(void)
{
	open_handover(folder, cache);
	settle();
	ck_assert_int_eq(got.readies, 1);
	ck_assert_int_eq(got.status, 0);
	handover_copy(handover);
	settle();
	ck_assert_int_eq(got.checks, 1);
	ck_assert_int_eq(got.status, 0);
}

static void put_byte(long at, uint8_t byte)
{
	FILE *file;

	ck_assert_int_eq(chmod(handover_image(handover), 0640), 0);
	file = fopen(handover_image(handover), "r+");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fseek(file, at, SEEK_SET), 0);
	ck_assert_int_eq(fputc(byte, file), byte);
	fclose(file);
	ck_assert_int_eq(chmod(handover_image(handover), 0440), 0);
}

static int check_again(void)
{
	got.checks = 0;
	handover_check(handover);
	settle();
	ck_assert_int_eq(got.checks, 1);
	return got.status;
}

START_TEST(handover_open_makes_the_index_alone)
{
	char text[8] = "";
	FILE *file;

	open_handover(folder, cache);
	settle();
	ck_assert_int_eq(got.readies, 1);
	ck_assert_uint_eq(files_in(folder), 1);
	file = fopen(handover_index(handover), "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fread(text, 1, sizeof(text) - 1, file), 3);
	fclose(file);
	ck_assert_str_eq(text, "[]\n");
	close_handover();
	ck_assert_uint_eq(files_in(folder), 0);
}
END_TEST

START_TEST(handover_copy_is_the_image_and_read_only)
{
	static uint8_t seen[BLOB_LEN + 1];
	struct stat st;
	FILE *file;

	make_copy();
	file = fopen(handover_image(handover), "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fread(seen, 1, sizeof(seen), file), BLOB_LEN);
	ck_assert_int_eq(fstat(fileno(file), &st), 0);
	fclose(file);
	ck_assert_uint_eq(st.st_mode & 07777, 0440);
	ck_assert_int_eq(memcmp(seen, blob, BLOB_LEN), 0);
	close_handover();
	ck_assert_uint_eq(files_in(folder), 0);
}
END_TEST

START_TEST(handover_check_of_what_was_only_read_is_right)
{
	make_copy();
	ck_assert_int_eq(check_again(), 0);
	ck_assert_int_eq(check_again(), 0);
	close_handover();
}
END_TEST

START_TEST(handover_check_without_a_copy_is_right)
{
	open_handover(folder, cache);
	settle();
	ck_assert_int_eq(check_again(), 0);
	close_handover();
}
END_TEST

static void change(void)
{
	put_byte(BLOB_LEN - 1, (uint8_t)~blob[BLOB_LEN - 1]);
}

static void change_and_change_back(void)
{
	change();
	put_byte(BLOB_LEN - 1, blob[BLOB_LEN - 1]);
}

static void link_elsewhere(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/stolen", folder);
	ck_assert_int_eq(link(handover_image(handover), path), 0);
}

static void replace_by_link(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/moved", folder);
	ck_assert_int_eq(rename(handover_image(handover), path), 0);
	ck_assert_int_eq(symlink(path, handover_image(handover)), 0);
}

static void replace_by_fifo(void)
{
	ck_assert_int_eq(unlink(handover_image(handover)), 0);
	ck_assert_int_eq(mkfifo(handover_image(handover), 0600), 0);
}

static void take_away(void)
{
	ck_assert_int_eq(unlink(handover_image(handover)), 0);
}

static void lengthen(void)
{
	put_byte(BLOB_LEN, 0);
}

static const struct {
	const char *name;
	void (*trick)(void);
} tricks[] = {
	{"changed", change},
	{"changed_and_changed_back", change_and_change_back},
	{"linked", link_elsewhere},
	{"replaced_by_symlink", replace_by_link},
	{"replaced_by_fifo", replace_by_fifo},
	{"removed", take_away},
	{"longer", lengthen},
};

START_TEST(handover_check_finds_every_trick)
{
	make_copy();
	tricks[_i].trick();
	ck_assert_msg(check_again() == ERR_DELEGATE_CHANGED, "%s: %d",
		tricks[_i].name, got.status);
	close_handover();
}
END_TEST

START_TEST(handover_open_without_folder_is_an_error)
{
	open_handover("/nothing/here", cache);
	settle();
	ck_assert_int_eq(got.readies, 1);
	ck_assert_int_eq(got.status, ERR_DELEGATE_COPY);
	close_handover();
}
END_TEST

START_TEST(handover_copy_of_unknown_image_is_an_error)
{
	digest[0] ^= 1;
	open_handover(folder, cache);
	settle();
	handover_copy(handover);
	settle();
	ck_assert_int_eq(got.checks, 1);
	ck_assert_int_eq(got.status, ERR_STORE_ROTTEN_BLOB);
	close_handover();
	ck_assert_uint_eq(files_in(folder), 0);
}
END_TEST

/* After every number of turns of the loop: nothing is left, nothing is told. */
START_TEST(handover_close_in_mid_copy_leaves_nothing)
{
	open_handover(folder, cache);
	settle();
	handover_copy(handover);
	for (int i = 0; i < _i; i++)
		uv_run(&test_loop, UV_RUN_ONCE);
	got.checks = 0;
	close_handover();
	ck_assert_int_eq(got.checks, 0);
	ck_assert_uint_eq(files_in(folder), 0);
}
END_TEST

START_TEST(handover_close_at_once_leaves_nothing)
{
	open_handover(folder, cache);
	close_handover();
	ck_assert_int_eq(got.readies, 0);
	ck_assert_uint_eq(files_in(folder), 0);
}
END_TEST

static void touch(const char *name)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
}

static bool is_there(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return !access(path, F_OK);
}

START_TEST(handover_sweep_removes_what_another_run_left)
{
	touch(OTHER_RUN ".ota");
	touch(OTHER_RUN ".json");
	handover_sweep(folder);
	ck_assert(!is_there(OTHER_RUN ".ota"));
	ck_assert(!is_there(OTHER_RUN ".json"));
}
END_TEST

START_TEST(handover_sweep_leaves_what_is_not_named_so)
{
	static const char *const names[] = {"ferry-mine.ota", OTHER_RUN,
		OTHER_RUN ".txt", "x" OTHER_RUN ".ota", "ferry-.ota",
		"00112233445566778899aabbccddeeff.ota"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		touch(names[i]);
	handover_sweep(folder);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(is_there(names[i]), "%s", names[i]);
}
END_TEST

/* Another link with the same folder is opened while a job goes on. */
START_TEST(handover_sweep_leaves_what_this_run_uses)
{
	make_copy();
	handover_sweep(folder);
	ck_assert_int_eq(access(handover_image(handover), F_OK), 0);
	ck_assert_int_eq(access(handover_index(handover), F_OK), 0);
	close_handover();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handover");
	TCase *tc = tcase_create("handover");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, handover_open_makes_the_index_alone);
	tcase_add_test(tc, handover_copy_is_the_image_and_read_only);
	tcase_add_test(tc, handover_check_of_what_was_only_read_is_right);
	tcase_add_test(tc, handover_check_without_a_copy_is_right);
	tcase_add_loop_test(tc, handover_check_finds_every_trick, 0,
		(int)(sizeof(tricks) / sizeof(tricks[0])));
	tcase_add_test(tc, handover_open_without_folder_is_an_error);
	tcase_add_test(tc, handover_copy_of_unknown_image_is_an_error);
	tcase_add_loop_test(tc, handover_close_in_mid_copy_leaves_nothing, 0,
		40);
	tcase_add_test(tc, handover_close_at_once_leaves_nothing);
	tcase_add_test(tc, handover_sweep_removes_what_another_run_left);
	tcase_add_test(tc, handover_sweep_leaves_what_is_not_named_so);
	tcase_add_test(tc, handover_sweep_leaves_what_this_run_uses);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
