#include "tests/unit/tools/publish_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cbor_out.h"
#include "policy/trust/cose.h"
#include "tools/publish/hss_key.h"
#include "tools/publish/hss_record.h"
#include "tools/publish/hss_tree.h"
#include "tools/publish/say.h"

struct set_row {
	const char *text;
	int err;
	uint64_t total;
	size_t len;
};

static const struct set_row set_rows[] = {
	{"h5/w8", 0, 32, 1296},
	{"h10/w8,h10/w8", 0, 1048576, 2964},
	{"h10/w4,h10/w4", 0, 1048576, 5076},
	{"h15/w1,h5/w2", 0, 1048576, 4 + 9004 + 56 + 4460},
	{"h5/w8,h5/w8,h5/w8,h5/w8,h5/w8,h5/w8,h5/w8,h5/w8", 0, UINT64_C(1) << 40,
		8 * 1292 + 7 * 56 + 4},
	{"h5/w8,h5/w8,h5/w8,h5/w8,h5/w8,h5/w8,h5/w8,h5/w8,h5/w8", -EINVAL, 0,
		0},
	{"h15/w8,h15/w8,h15/w8,h15/w8", 0, UINT64_C(1) << 60,
		4 * 1612 + 3 * 56 + 4},
	{"h15/w8,h15/w8,h15/w8,h15/w8,h5/w8", -EINVAL, 0, 0},
	{"", -EINVAL, 0, 0},
	{"h5/w8,", -EINVAL, 0, 0},
	{",h5/w8", -EINVAL, 0, 0},
	{"h20/w8", -EINVAL, 0, 0},
	{"h5/w3", -EINVAL, 0, 0},
	{"h5", -EINVAL, 0, 0},
	{"H5/W8", -EINVAL, 0, 0},
	{"h5/w8 ", -EINVAL, 0, 0},
};

START_TEST(hss_set_parse_row_gives_its_numbers)
{
	const struct set_row *row = &set_rows[_i];
	char text[HSS_SET_TEXT_SIZE];
	struct hss_set set;
	int err = hss_set_parse(row->text, &set);

	ck_assert_msg(err == row->err, "\"%s\": %d", row->text, err);
	if (err)
		return;
	ck_assert_uint_eq(hss_set_total(&set), row->total);
	ck_assert_uint_eq(hss_set_signature_len(&set), row->len);
	ck_assert_str_eq(hss_set_format(&set, text), row->text);
}
END_TEST

static struct hss_key *key_made(const char *set_text)
{
	struct hss_key *key = NULL;
	struct hss_set set;

	ck_assert_int_eq(hss_set_parse(set_text, &set), 0);
	ck_assert_int_eq(hss_key_make(at("k.pem"), &set, &key), 0);
	ck_assert_int_eq(hss_key_attend(key, dir), 0);
	return key;
}

static struct hss_key *key_opened(int err)
{
	struct hss_key *key = NULL;
	struct buf text;

	buf_init(&text, 4096);
	ck_assert_int_eq(file_read(at("k.pem"), &text), 0);
	ck_assert_int_eq(
		hss_key_open(at("k.pem"), buf_bytes(&text), &key), err);
	if (!err)
		ck_assert_int_eq(hss_key_attend(key, dir), 0);
	buf_done(&text);
	return key;
}

/* Signs, verifies, and says which leaf it was. */
static uint64_t leaf_of_next(struct hss_key *key, const char *text)
{
	size_t len = hss_set_signature_len(&key->set);
	struct bytes message = bytes_of_text(text);
	uint8_t *signature = malloc(len);
	uint64_t leaf;

	ck_assert_ptr_nonnull(signature);
	ck_assert_int_eq(hss_key_sign(key, message, signature, len), 0);
	ck_assert_int_eq(hss_verify(bytes_of(key->public, HSS_PUBLIC_LEN),
				 &message, 1, bytes_of(signature, len)),
		0);
	ck_assert_int_eq(hss_set_leaf_read(&key->set, bytes_of(signature, len),
				 &leaf),
		0);
	free(signature);
	return leaf;
}

static int sign_code(struct hss_key *key)
{
	size_t len = hss_set_signature_len(&key->set);
	uint8_t *signature = malloc(len);
	int err;

	ck_assert_ptr_nonnull(signature);
	err = hss_key_sign(key, bytes_of_text("x"), signature, len);
	free(signature);
	return err;
}

START_TEST(hss_key_sign_every_leaf_signs_once_until_none_is_left)
{
	struct hss_key *key = key_made("h5/w4");

	for (uint64_t i = 0; i < 32; i++) {
		ck_assert_uint_eq(hss_key_left(key), 32 - i);
		ck_assert_int_eq(hss_key_is_low(key), 32 - i <= 3);
		ck_assert_uint_eq(leaf_of_next(key, "message"), i);
	}
	ck_assert_int_eq(sign_code(key), -ENOSPC);
	hss_key_free(key);
	key = key_opened(0);
	ck_assert_uint_eq(hss_key_left(key), 0);
	ck_assert_int_eq(sign_code(key), -ENOSPC);
	hss_key_free(key);
}
END_TEST

START_TEST(hss_key_sign_lower_trees_follow_each_other)
{
	struct hss_key *key = key_made("h5/w2,h5/w1");

	for (uint64_t i = 0; i < 70; i++) {
		if (i % 9 == 0) {
			hss_key_free(key);
			key = key_opened(0);
		}
		ck_assert_uint_eq(leaf_of_next(key, "message"), i);
	}
	hss_key_free(key);
}
END_TEST

/* What a lower tree is signed with must be the same bytes each time, whether
 * the trees come from the file or are grown again. */
START_TEST(hss_trees_sign_upper_part_is_the_same_after_a_restart)
{
	const uint8_t seed[HSS_SEED_LEN] = "a seed of thirty-two known bytes";
	struct hss_trees trees, again;
	struct buf first, second;
	struct hss_set set;
	size_t upper;

	ck_assert_int_eq(hss_set_parse("h5/w4,h5/w2", &set), 0);
	upper = 4 + lms_signature_len(lms_ots_find(3), 5) + LMS_PUBLIC_LEN;
	buf_init(&first, 1 << 16);
	buf_init(&second, 1 << 16);
	hss_trees_init(&trees, &set, seed);
	hss_trees_init(&again, &set, seed);
	ck_assert_int_eq(hss_trees_sign(
				 &trees, 40, bytes_of_text("one"), &first),
		0);
	ck_assert_int_eq(hss_trees_sign(
				 &again, 41, bytes_of_text("two"), &second),
		0);
	ck_assert_mem_eq(first.at, second.at, upper);
	ck_assert_mem_ne(first.at + upper, second.at + upper, 4);
	buf_done(&first);
	buf_done(&second);
	hss_trees_done(&trees);
	hss_trees_done(&again);
}
END_TEST

START_TEST(hss_trees_load_file_of_others_or_changed_is_passed_over)
{
	const uint8_t seed[HSS_SEED_LEN] = "a seed of thirty-two known bytes";
	const uint8_t other[HSS_SEED_LEN] = "another seed of known bytes here";
	struct hss_trees trees;
	struct hss_set set;
	struct buf file, sig;
	uint8_t pub[HSS_PUBLIC_LEN];

	ck_assert_int_eq(hss_set_parse("h5/w2", &set), 0);
	buf_init(&file, hss_trees_file_max(&set));
	buf_init(&sig, 1 << 16);
	hss_trees_init(&trees, &set, seed);
	ck_assert_int_eq(hss_trees_public(&trees, pub), 0);
	ck_assert_int_eq(hss_trees_save(&trees, &file), 0);
	hss_trees_done(&trees);

	hss_trees_init(&trees, &set, seed);
	hss_trees_load(&trees, buf_bytes(&file));
	ck_assert(trees.of[0].is_grown);
	hss_trees_done(&trees);

	hss_trees_init(&trees, &set, other);
	hss_trees_load(&trees, buf_bytes(&file));
	ck_assert(!trees.of[0].is_grown);
	hss_trees_done(&trees);

	for (size_t i = 0; i < file.len; i += 97) {
		file.at[i] ^= 1;
		hss_trees_init(&trees, &set, seed);
		hss_trees_load(&trees, buf_bytes(&file));
		ck_assert(!trees.of[0].is_grown);
		hss_trees_done(&trees);
		file.at[i] ^= 1;
	}
	for (size_t len = 0; len < file.len; len += 61) {
		hss_trees_init(&trees, &set, seed);
		hss_trees_load(&trees, bytes_of(file.at, len));
		ck_assert(!trees.of[0].is_grown);
		hss_trees_done(&trees);
	}
	buf_done(&file);
	buf_done(&sig);
}
END_TEST

static void copy(const char *from, const char *to)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	ck_assert_int_eq(file_read(at(from), &b), 0);
	ck_assert_int_eq(file_write(at(to), buf_bytes(&b), 0600), 0);
	buf_done(&b);
}

START_TEST(hss_key_sign_file_that_was_put_back_is_refused)
{
	struct hss_key *key = key_made("h5/w1");

	leaf_of_next(key, "first");
	copy("k.pem", "old.pem");
	leaf_of_next(key, "second");
	hss_key_free(key);
	copy("old.pem", "k.pem");
	key = key_opened(0);
	ck_assert(hss_key_is_behind(key));
	ck_assert_int_eq(sign_code(key), -ESTALE);
	hss_key_free(key);
}
END_TEST

/* Put back while the struct lives: the file is read again under the lock. */
START_TEST(hss_key_sign_file_that_is_put_back_meanwhile_is_refused)
{
	struct hss_key *key = key_made("h5/w1");

	copy("k.pem", "old.pem");
	leaf_of_next(key, "first");
	copy("old.pem", "k.pem");
	ck_assert_int_eq(sign_code(key), -ESTALE);
	hss_key_free(key);
}
END_TEST

START_TEST(hss_key_sign_file_of_another_key_meanwhile_is_refused)
{
	struct hss_key *key = key_made("h5/w1");
	struct hss_key *other = NULL;
	struct hss_set set = key->set;

	ck_assert_int_eq(hss_key_make(at("other.pem"), &set, &other), 0);
	hss_key_free(other);
	copy("other.pem", "k.pem");
	ck_assert_int_eq(sign_code(key), -EINVAL);
	hss_key_free(key);
}
END_TEST

/* Appends what ferry-publish makes: [kid protected], payload "x". */
static void sign1_put(const struct hss_key *key, struct bytes signature,
	struct buf *b)
{
	uint8_t kid[COSE_KID_LEN];
	struct cose_key public;

	ck_assert_int_eq(cose_key_from_hss(bytes_of(key->public,
				 HSS_PUBLIC_LEN), &public),
		0);
	ck_assert_int_eq(cose_key_thumbprint(&public, kid), 0);
	buf_add(b, "\xd2\x84\x58\x27\xa2\x01\x38\x2d\x04\x58\x20", 11);
	buf_add(b, kid, sizeof(kid));
	buf_add(b, "\xa0\x41x", 3);
	cbor_put_bstr(b, signature);
}

/* It signs for another folder, and what comes of it is published in ours: our
 * record knows nothing. */
START_TEST(hss_key_attend_published_signature_is_found)
{
	struct hss_key *key = NULL;
	struct buf message;
	struct hss_set set;
	uint8_t *signature;
	size_t len;

	ck_assert_int_eq(hss_set_parse("h5/w1", &set), 0);
	ck_assert_int_eq(hss_key_make(at("k.pem"), &set, &key), 0);
	copy("k.pem", "old.pem");
	ck_assert_int_eq(mkdir(at("other"), 0755), 0);
	ck_assert_int_eq(hss_key_attend(key, at("other")), 0);
	leaf_of_next(key, "not published");
	len = hss_set_signature_len(&set);
	signature = malloc(len);
	ck_assert_ptr_nonnull(signature);
	ck_assert_int_eq(
		hss_key_sign(key, bytes_of_text("x"), signature, len), 0);
	buf_init(&message, 1 << 16);
	sign1_put(key, bytes_of(signature, len), &message);
	ck_assert_int_eq(mkdir(at("www"), 0755), 0);
	ck_assert_int_eq(
		file_write(at("www/catalog.cose"), buf_bytes(&message), 0644),
		0);
	hss_key_free(key);
	copy("old.pem", "k.pem");
	key = key_opened(0);
	ck_assert_uint_eq(key->floor, 2);
	ck_assert(hss_key_is_behind(key));
	ck_assert_int_eq(sign_code(key), -ESTALE);
	hss_key_free(key);
	free(signature);
	buf_done(&message);
}
END_TEST

START_TEST(hss_key_sign_locked_file_is_refused)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct hss_key *key = key_made("h5/w1");
	int fd = open(at("k.pem.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	ck_assert_int_eq(sign_code(key), -EBUSY);
	close(fd);
	ck_assert_uint_eq(leaf_of_next(key, "message"), 0);
	hss_key_free(key);
}
END_TEST

/* Whatever cannot be written must not be signed with. */
START_TEST(hss_key_sign_record_that_cannot_be_written_costs_a_leaf)
{
	struct hss_key *key = key_made("h5/w1");
	char record[FILES_PATH_SIZE];

	strcpy(record, key->record);
	strcpy(key->record, "/proc/self/nowhere/record");
	ck_assert_int_lt(sign_code(key), 0);
	strcpy(key->record, record);
	ck_assert_uint_eq(leaf_of_next(key, "message"), 1);
	hss_key_free(key);
}
END_TEST

START_TEST(hss_key_sign_without_a_publishers_folder_is_refused)
{
	struct hss_key *key = NULL;
	struct hss_set set;

	ck_assert_int_eq(hss_set_parse("h5/w1", &set), 0);
	ck_assert_int_eq(hss_key_make(at("k.pem"), &set, &key), 0);
	ck_assert_int_eq(sign_code(key), -EINVAL);
	hss_key_free(key);
}
END_TEST

START_TEST(hss_key_open_damaged_file_is_refused)
{
	struct hss_key *key = key_made("h5/w1");
	struct buf text;

	hss_key_free(key);
	buf_init(&text, 4096);
	ck_assert_int_eq(file_read(at("k.pem"), &text), 0);
	for (size_t i = 0; i < text.len; i++) {
		char was = (char)text.at[i];

		if (was == '\n' || was == '-')
			continue;
		/* Another top bit: the lower ones of the last may not count. */
		text.at[i] = was >= 'A' && was <= 'f' ? 'z' : 'A';
		ck_assert_msg(hss_key_open("k", buf_bytes(&text), &key) != 0,
			"byte %zu of %zu", i, text.len);
		text.at[i] = (uint8_t)was;
	}
	for (size_t len = 0; len + 1 < text.len; len += 3)
		ck_assert_int_ne(
			hss_key_open("k", bytes_of(text.at, len), &key), 0);
	ck_assert_int_eq(hss_key_open("k", buf_bytes(&text), &key), 0);
	hss_key_free(key);
	buf_done(&text);
}
END_TEST

START_TEST(hss_key_make_file_is_private_and_never_replaced)
{
	struct hss_key *key = key_made("h5/w1");
	struct hss_key *other = NULL;
	struct hss_set set = key->set;
	struct stat st;

	ck_assert_int_eq(stat(at("k.pem"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	leaf_of_next(key, "message");
	ck_assert_int_eq(stat(at("k.pem"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(hss_key_make(at("k.pem"), &set, &other), -EEXIST);
	hss_key_free(key);
}
END_TEST

START_TEST(hss_key_sign_trees_that_are_gone_or_damaged_are_grown_again)
{
	struct hss_key *key = key_made("h5/w1,h5/w1");

	leaf_of_next(key, "message");
	ck_assert_int_eq(unlink(at("k.pem.trees")), 0);
	ck_assert_uint_eq(leaf_of_next(key, "message"), 1);
	ck_assert_int_eq(
		file_write(at("k.pem.trees"), bytes_of_text("x"), 0600), 0);
	ck_assert_uint_eq(leaf_of_next(key, "message"), 2);
	hss_key_free(key);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("publish_hss");
	TCase *tc = tcase_create("publish_hss");

	if (crypto_init())
		return EXIT_FAILURE;
	tcase_add_checked_fixture(tc, make_dir, drop_dir);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, hss_set_parse_row_gives_its_numbers, 0,
		(int)(sizeof(set_rows) / sizeof(set_rows[0])));
	tcase_add_test(tc, hss_key_sign_every_leaf_signs_once_until_none_is_left);
	tcase_add_test(tc, hss_key_sign_lower_trees_follow_each_other);
	tcase_add_test(
		tc, hss_trees_sign_upper_part_is_the_same_after_a_restart);
	tcase_add_test(
		tc, hss_trees_load_file_of_others_or_changed_is_passed_over);
	tcase_add_test(tc, hss_key_sign_file_that_was_put_back_is_refused);
	tcase_add_test(
		tc, hss_key_sign_file_that_is_put_back_meanwhile_is_refused);
	tcase_add_test(
		tc, hss_key_sign_file_of_another_key_meanwhile_is_refused);
	tcase_add_test(tc, hss_key_attend_published_signature_is_found);
	tcase_add_test(tc, hss_key_sign_locked_file_is_refused);
	tcase_add_test(
		tc, hss_key_sign_record_that_cannot_be_written_costs_a_leaf);
	tcase_add_test(
		tc, hss_key_sign_without_a_publishers_folder_is_refused);
	tcase_add_test(tc, hss_key_open_damaged_file_is_refused);
	tcase_add_test(tc, hss_key_make_file_is_private_and_never_replaced);
	tcase_add_test(
		tc, hss_key_sign_trees_that_are_gone_or_damaged_are_grown_again);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
