#include "tests/unit/unit.h"

#include "tests/unit/policy/maker.h"

static struct buf file;

static void setup(void)
{
	buf_init(&file, 1 << 20);
}

static void teardown(void)
{
	buf_done(&file);
}

static struct bytes made(const struct maker_root *maker)
{
	buf_reset(&file);
	maker_root_file(maker, &file);
	return buf_bytes(&file);
}

static int first_code(const struct maker_root *maker)
{
	struct fault fault = {0};
	struct root *root = NULL;
	int err = root_first(made(maker), &root, &fault);

	ck_assert(err == 0 || root == NULL);
	ck_assert_msg(
		err == 0 || fault.field[0], "%s names no field", err_name(err));
	root_free(root);
	return err;
}

START_TEST(root_first_default_is_read)
{
	struct maker_root maker = maker_root_default();
	struct root *root;

	maker.grace = 3600;
	ck_assert_int_eq(root_first(made(&maker), &root, NULL), 0);
	ck_assert_uint_eq(root->version, 1);
	ck_assert_uint_eq(root->epoch, 1);
	ck_assert_uint_eq(root->offline_grace_s, 3600);
	ck_assert_uint_eq(root_role(root, ROLE_ROOT)->threshold, 2);
	ck_assert_uint_eq(root_role(root, ROLE_ROOT)->count, 3);
	ck_assert_ptr_null(root_role(root, ROLE_OPERATOR));
	root_free(root);
}
END_TEST

/* Each changes the default root and says what root_first() gives. */
static int threshold_short(struct maker_root *m)
{
	m->signers[1] = NULL;
	return ERR_TRUST_ROOT_THRESHOLD;
}

static int one_key_signs_twice(struct maker_root *m)
{
	m->signers[1] = m->signers[0];
	return ERR_TRUST_ROOT_THRESHOLD;
}

static int strangers_sign_too(struct maker_root *m)
{
	m->signers[2] = maker_key("stranger");
	return 0;
}

static int stranger_instead(struct maker_root *m)
{
	m->signers[1] = maker_key("stranger");
	return ERR_TRUST_ROOT_THRESHOLD;
}

static int catalog_key_signs(struct maker_root *m)
{
	m->signers[1] = maker_key("catalog");
	return ERR_TRUST_ROOT_THRESHOLD;
}

static int purpose_of_a_catalog(struct maker_root *m)
{
	m->aad = CATALOG_AAD;
	return ERR_TRUST_ROOT_THRESHOLD;
}

static int kid_not_protected(struct maker_root *m)
{
	m->kid_unprotected = true;
	return ERR_TRUST_ROOT_THRESHOLD;
}

static int key_in_two_roles(struct maker_root *m)
{
	m->roles[2].entries[1].key = maker_key("catalog");
	return ERR_TRUST_ROOT_KEY_TWICE;
}

static int key_twice_in_one_role(struct maker_root *m)
{
	m->roles[0].entries[2].key = maker_key("root-a");
	return ERR_TRUST_ROOT_KEY_TWICE;
}

static int key_in_an_unknown_role_too(struct maker_root *m)
{
	m->roles[3] = (struct maker_role){9, 1, {{.key = maker_key("root-a")}}};
	return ERR_TRUST_ROOT_KEY_TWICE;
}

static int unknown_role(struct maker_root *m)
{
	m->roles[3] = (struct maker_role){9, 1, {{.key = maker_key("nine")}}};
	return 0;
}

static int key_of_an_unknown_kind(struct maker_root *m)
{
	m->roles[2].entries[1] = (struct maker_entry){
		.key = maker_key("hss"), .unknown_kind = true};
	return 0;
}

static int no_catalog_role(struct maker_root *m)
{
	m->roles[1] = m->roles[2];
	m->roles[2].number = 0;
	return ERR_TRUST_ROOT_ROLE;
}

static int threshold_zero(struct maker_root *m)
{
	m->roles[1].threshold = 0;
	return ERR_TRUST_ROOT_FORM;
}

static int threshold_above_entries(struct maker_root *m)
{
	m->roles[1].threshold = 2;
	return ERR_TRUST_ROOT_FORM;
}

static int version_zero(struct maker_root *m)
{
	m->version = 0;
	return ERR_TRUST_ROOT_FORM;
}

static int expires_before_issued(struct maker_root *m)
{
	m->expires = m->issued;
	return ERR_TRUST_ROOT_FORM;
}

static int unknown_key(struct maker_root *m)
{
	m->unknown_key = true;
	return 0;
}

static int negative_key(struct maker_root *m)
{
	m->negative_key = true;
	return ERR_TRUST_NEGATIVE_KEY;
}

static int expired_long_ago(struct maker_root *m)
{
	m->issued = 1;
	m->expires = 2;
	return 0;
}

struct row {
	const char *name;
	int (*change)(struct maker_root *maker);
};

#define ROW(f)                                                                 \
	{                                                                      \
#f, f                                                          \
	}

static const struct row rows[] = {
	ROW(threshold_short),
	ROW(one_key_signs_twice),
	ROW(strangers_sign_too),
	ROW(stranger_instead),
	ROW(catalog_key_signs),
	ROW(purpose_of_a_catalog),
	ROW(kid_not_protected),
	ROW(key_in_two_roles),
	ROW(key_twice_in_one_role),
	ROW(key_in_an_unknown_role_too),
	ROW(unknown_role),
	ROW(key_of_an_unknown_kind),
	ROW(no_catalog_role),
	ROW(threshold_zero),
	ROW(threshold_above_entries),
	ROW(version_zero),
	ROW(expires_before_issued),
	ROW(unknown_key),
	ROW(negative_key),
	ROW(expired_long_ago),
};

START_TEST(root_first_changed_root_gives_its_code)
{
	struct maker_root maker = maker_root_default();
	int expected = rows[_i].change(&maker);
	int code = first_code(&maker);

	ck_assert_msg(code == expected, "%s: %s, expected %s", rows[_i].name,
		err_name(code), err_name(expected));
}
END_TEST

START_TEST(root_first_certificate_in_role_root_is_refused)
{
	struct maker_root maker = maker_root_default();
	struct maker_cert cert = {
		.subject = "CN=c", .key = maker_key("cert"), .ca = true};

	maker_cert_make(&cert);
	maker.roles[0].entries[2] = (struct maker_entry){.cert = &cert};
	ck_assert_int_eq(first_code(&maker), ERR_TRUST_ROOT_FORM);
}
END_TEST

START_TEST(root_first_certificate_counts_by_its_key)
{
	struct maker_root maker = maker_root_default();
	struct maker_cert cert = {
		.subject = "CN=c", .key = maker_key("catalog"), .ca = true};

	maker_cert_make(&cert);
	maker.roles[2].entries[1] = (struct maker_entry){.cert = &cert};
	ck_assert_int_eq(first_code(&maker), ERR_TRUST_ROOT_KEY_TWICE);
}
END_TEST

START_TEST(root_first_every_truncation_is_refused)
{
	struct maker_root maker = maker_root_default();
	struct bytes whole = made(&maker);
	struct root *root = NULL;

	for (size_t len = 0; len < whole.len; len++)
		ck_assert_int_ne(
			root_first(bytes_of(whole.at, len), &root, NULL), 0);
}
END_TEST

START_TEST(root_first_every_flipped_bit_is_refused)
{
	struct maker_root maker = maker_root_default();
	struct root *root = NULL;
	struct bytes whole;

	maker.signers[2] = NULL;
	whole = made(&maker);
	for (size_t i = 0; i < whole.len; i += 3) {
		file.at[i] ^= (uint8_t)(1u << (i % 8));
		ck_assert_msg(
			root_first(whole, &root, NULL) != 0, "byte %zu", i);
		file.at[i] ^= (uint8_t)(1u << (i % 8));
	}
}
END_TEST

START_TEST(root_first_larger_than_the_limit_is_refused)
{
	static const uint8_t big[ROOT_FILE_MAX + 1];
	struct root *root;

	ck_assert_int_eq(root_first(bytes_of(big, sizeof(big)), &root, NULL),
		ERR_TOO_LARGE);
}
END_TEST

/* Rotation: from the default root to one that differs. */
static struct root *root_one(void)
{
	struct maker_root maker = maker_root_default();
	struct root *root;

	ck_assert_int_eq(root_first(made(&maker), &root, NULL), 0);
	return root;
}

static int plain_next(struct maker_root *m)
{
	(void)m;
	return 0;
}

static int gap(struct maker_root *m)
{
	m->version = 3;
	return ERR_TRUST_ROOT_VERSION;
}

static int same_version(struct maker_root *m)
{
	m->version = 1;
	return ERR_TRUST_ROOT_VERSION;
}

static int epoch_falls(struct maker_root *m)
{
	m->epoch = 0;
	return ERR_TRUST_ROOT_EPOCH;
}

static int epoch_rises(struct maker_root *m)
{
	m->epoch = 7;
	return 0;
}

static void new_root_keys(struct maker_root *m)
{
	m->roles[0].entries[0].key = maker_key("new-a");
	m->roles[0].entries[1].key = maker_key("new-b");
	m->roles[0].entries[2].key = NULL;
}

static int all_keys_change_and_all_sign(struct maker_root *m)
{
	new_root_keys(m);
	m->signers[2] = maker_key("new-a");
	m->signers[3] = maker_key("new-b");
	return 0;
}

static int only_the_old_sign(struct maker_root *m)
{
	new_root_keys(m);
	return ERR_TRUST_ROOT_THRESHOLD;
}

static int only_the_new_sign(struct maker_root *m)
{
	new_root_keys(m);
	m->signers[0] = maker_key("new-a");
	m->signers[1] = maker_key("new-b");
	return ERR_TRUST_ROOT_THRESHOLD_OLD;
}

static int one_of_the_old_sign(struct maker_root *m)
{
	new_root_keys(m);
	m->signers[1] = maker_key("new-a");
	m->signers[2] = maker_key("new-b");
	return ERR_TRUST_ROOT_THRESHOLD_OLD;
}

static int next_is_expired(struct maker_root *m)
{
	m->issued = 1;
	m->expires = 2;
	return 0;
}

static const struct row next_rows[] = {
	ROW(plain_next),
	ROW(gap),
	ROW(same_version),
	ROW(epoch_falls),
	ROW(epoch_rises),
	ROW(all_keys_change_and_all_sign),
	ROW(only_the_old_sign),
	ROW(only_the_new_sign),
	ROW(one_of_the_old_sign),
	ROW(next_is_expired),
};

START_TEST(root_next_changed_root_gives_its_code)
{
	struct maker_root maker = maker_root_default();
	struct root *one = root_one();
	struct root *two = NULL;
	int expected;
	int code;

	maker.version = 2;
	expected = next_rows[_i].change(&maker);
	code = root_next(one, made(&maker), &two, NULL);
	ck_assert_msg(code == expected, "%s: %s, expected %s",
		next_rows[_i].name, err_name(code), err_name(expected));
	root_free(two);
	root_free(one);
}
END_TEST

START_TEST(root_judge_time_expiry_and_future)
{
	struct root *root = root_one();

	ck_assert_int_eq(
		root_judge_time(root, trust_now_at(MAKER_NOW), NULL), 0);
	ck_assert_int_eq(
		root_judge_time(root, trust_now_at(root->expires), NULL),
		ERR_TRUST_ROOT_EXPIRED);
	ck_assert_int_eq(
		root_judge_time(root, trust_now_at(root->expires - 1), NULL),
		0);
	ck_assert_int_eq(root_judge_time(root, trust_now_at(1000), NULL),
		ERR_TRUST_ROOT_NOT_YET);
	ck_assert_int_eq(root_judge_time(root, (struct trust_now){0}, NULL), 0);
	root_free(root);
}
END_TEST

START_TEST(root_entry_allows_scope_limits_the_class)
{
	static const uint8_t other[16] = "another-class-1";
	struct maker_root maker = maker_root_default();
	const struct root_entry *entry;
	struct root *root;

	maker.roles[2].entries[0].scope_class = maker_class_id;
	ck_assert_int_eq(root_first(made(&maker), &root, NULL), 0);
	entry = &root_role(root, ROLE_AUTHOR)->entries[0];
	ck_assert(root_entry_allows(entry, bytes_of(maker_vendor_id, 16),
		bytes_of(maker_class_id, 16), (struct bytes){0}));
	ck_assert(!root_entry_allows(entry, bytes_of(maker_vendor_id, 16),
		bytes_of(other, 16), (struct bytes){0}));
	entry = &root_role(root, ROLE_CATALOG)->entries[0];
	ck_assert(root_entry_allows(entry, bytes_of(maker_vendor_id, 16),
		bytes_of(other, 16), (struct bytes){0}));
	root_free(root);
}
END_TEST

START_TEST(root_transfer_of_named_class_is_found)
{
	static const uint8_t other[16] = "another-class-1";
	struct maker_root maker = maker_root_default();
	struct root *root;

	maker.transfer = maker_class_id;
	ck_assert_int_eq(root_first(made(&maker), &root, NULL), 0);
	ck_assert_ptr_nonnull(
		root_transfer_of(root, bytes_of(maker_class_id, 16)));
	ck_assert_ptr_null(root_transfer_of(root, bytes_of(other, 16)));
	root_free(root);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("root");
	TCase *tc = tcase_create("root");

	maker_init();
	maker_root_default();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, root_first_default_is_read);
	tcase_add_loop_test(tc, root_first_changed_root_gives_its_code, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, root_first_certificate_in_role_root_is_refused);
	tcase_add_test(tc, root_first_certificate_counts_by_its_key);
	tcase_add_test(tc, root_first_every_truncation_is_refused);
	tcase_add_test(tc, root_first_every_flipped_bit_is_refused);
	tcase_add_test(tc, root_first_larger_than_the_limit_is_refused);
	tcase_add_loop_test(tc, root_next_changed_root_gives_its_code, 0,
		(int)(sizeof(next_rows) / sizeof(next_rows[0])));
	tcase_add_test(tc, root_judge_time_expiry_and_future);
	tcase_add_test(tc, root_entry_allows_scope_limits_the_class);
	tcase_add_test(tc, root_transfer_of_named_class_is_found);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
