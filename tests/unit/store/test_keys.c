#include "tests/unit/store/keys_test.h"

#include <errno.h>
#include <unistd.h>

#include "store/keys/keys_priv.h"

static void setup(void)
{
	scratch_make(folder, sizeof(folder), "ferry-keys");
}

static void teardown(void)
{
	scratch_drop(folder);
}

static int open_key(const char *where, struct secret_key **ret)
{
	struct fault fault = {0};
	int err = secret_key_open(where, NULL, ret, &fault);

	ck_assert_int_eq(fault.code, err);
	ck_assert(!err || fault.rule[0]);
	return err;
}

static void refuses(const char *where, int code)
{
	struct secret_key *key = NULL;
	int err = open_key(where, &key);

	ck_assert_msg(err == code, "%s, expected %s", err_name(err),
		err_name(code));
	ck_assert_ptr_null(key);
}

static const struct {
	const char *name;
	const char *command; /* makes FILE in the folder $D */
	int code;
	enum crypto_curve curve;
} pairs[] = {
	{"P-256 SEC1", "openssl ecparam -name prime256v1 -genkey -noout", 0,
		CRYPTO_P256},
	{"P-256 PKCS#8", "openssl genpkey -algorithm EC -pkeyopt "
			 "ec_paramgen_curve:P-256", 0, CRYPTO_P256},
	{"P-256 DER", "openssl genpkey -algorithm EC -pkeyopt "
		      "ec_paramgen_curve:P-256 -outform DER", 0, CRYPTO_P256},
	{"P-384", "openssl genpkey -algorithm EC -pkeyopt "
		  "ec_paramgen_curve:P-384", 0, CRYPTO_P384},
	{"P-521", "openssl genpkey -algorithm EC -pkeyopt "
		  "ec_paramgen_curve:P-521", ERR_KEYS_KIND, 0},
	{"RSA", "openssl genpkey -algorithm RSA -pkeyopt "
		"rsa_keygen_bits:2048", ERR_KEYS_KIND, 0},
	{"public key", "openssl ecparam -name prime256v1 -genkey -noout | "
		       "openssl ec -pubout", ERR_KEYS_FORM, 0},
	{"encrypted", "openssl genpkey -algorithm EC -pkeyopt "
		      "ec_paramgen_curve:P-256 -aes256 -pass pass:x",
		ERR_KEYS_FORM, 0},
};

START_TEST(secret_key_open_private_key_of_a_file)
{
	struct secret_key *key = NULL;
	int err;

	run("umask 077; %s >%s/k 2>/dev/null", pairs[_i].command, folder);
	err = open_key(in_folder("k"), &key);
	ck_assert_msg(err == pairs[_i].code, "%s: %s, expected %s",
		pairs[_i].name, err_name(err), err_name(pairs[_i].code));
	if (!err) {
		ck_assert_int_eq(secret_key_kind(key), SECRET_EC);
		ck_assert_int_eq(
			secret_key_public(key)->curve, pairs[_i].curve);
	}
	secret_key_close(key);
}
END_TEST

#define HEX32 "000102030405060708090a0b0c0d0e0f"

static const struct {
	const char *name;
	const char *text;
	int code;
	unsigned len;
	const char *kid;
} keks[] = {
	{"raw 16", "aaaaaaaaaaaaaaaa", 0, 16, ""},
	{"raw 32", "0123456789-123456789-123456789-1", 0, 32, ""},
	{"hex 16", HEX32, 0, 16, ""},
	{"hex 32 with newline", HEX32 HEX32 "\n", 0, 32, ""},
	{"named", "kid-1:" HEX32 "\r\n", 0, 16, "kid-1"},
	{"hex 24", HEX32 "0001020304050607", ERR_KEYS_FORM, 0, ""},
	{"raw 15", "aaaaaaaaaaaaaaa", ERR_KEYS_FORM, 0, ""},
	{"empty name", ":" HEX32, ERR_KEYS_FORM, 0, ""},
	{"name with blank", "kid 1:" HEX32, ERR_KEYS_FORM, 0, ""},
	{"no hex", "kid-1:000102030405060708090a0b0c0d0e0g", ERR_KEYS_FORM, 0,
		""},
	{"two lines", HEX32 "\n" HEX32, ERR_KEYS_FORM, 0, ""},
	{"empty", "", ERR_KEYS_FORM, 0, ""},
};

START_TEST(secret_key_open_key_encryption_key_of_a_file)
{
	struct secret_key *key = NULL;
	struct bytes kek, kid;
	int err = open_key(
		write_file("k", keks[_i].text, strlen(keks[_i].text)), &key);

	ck_assert_msg(err == keks[_i].code, "%s: %s, expected %s",
		keks[_i].name, err_name(err), err_name(keks[_i].code));
	if (!err) {
		ck_assert_int_eq(secret_key_kek(key, &kek, &kid), 0);
		ck_assert_uint_eq(kek.len, keks[_i].len);
		ck_assert_msg(bytes_is_text(kid, keks[_i].kid), "%s",
			keks[_i].name);
	}
	secret_key_close(key);
}
END_TEST

START_TEST(secret_key_open_file_for_others_is_refused)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0666, 0601, 0610};

	write_file("k", HEX32, 32);
	ck_assert_int_eq(chmod(in_folder("k"), modes[_i]), 0);
	refuses(in_folder("k"), ERR_KEYS_PERMISSION);
}
END_TEST

START_TEST(secret_key_open_what_is_no_file_is_refused)
{
	refuses(in_folder("absent"), -ENOENT);
	refuses(folder, ERR_KEYS_PERMISSION);
	run("mkfifo -m 600 %s/fifo", folder);
	refuses(in_folder("fifo"), ERR_KEYS_PERMISSION);
}
END_TEST

START_TEST(secret_key_open_large_file_is_refused)
{
	static char text[KEYS_FILE_MAX + 1];

	memset(text, 'x', sizeof(text));
	refuses(write_file("k", text, sizeof(text)), ERR_TOO_LARGE);
	refuses(write_file("k", text, sizeof(text) - 1), ERR_KEYS_FORM);
}
END_TEST

/* The folder of credentials keeps them from others; the mode of a file in it
 * may show the mask of an ACL. */
START_TEST(secret_key_open_credential_is_found_by_name)
{
	struct secret_key *key = NULL;

	write_file("fw-key", HEX32, 32);
	ck_assert_int_eq(chmod(in_folder("fw-key"), 0440), 0);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	ck_assert_int_eq(open_key("credential:fw-key", &key), 0);
	secret_key_close(key);
	refuses("credential:other", ERR_KEYS_CREDENTIAL);
	refuses("credential:../fw-key", ERR_KEYS_CREDENTIAL);
	refuses("credential:", ERR_KEYS_CREDENTIAL);
	ck_assert_int_eq(chmod(in_folder("fw-key"), 0444), 0);
	refuses("credential:fw-key", ERR_KEYS_PERMISSION);
	unsetenv("CREDENTIALS_DIRECTORY");
	refuses("credential:fw-key", ERR_KEYS_CREDENTIAL);
}
END_TEST

START_TEST(secret_key_sign_verifies)
{
	static const char *const curves[] = {"P-256", "P-384"};
	static const enum crypto_hash hashes[] = {CRYPTO_SHA256, CRYPTO_SHA384};
	uint8_t digest[64], signature[96];
	const struct cose_key *public;
	struct secret_key *key = NULL;
	size_t len, hash_len = crypto_hash_len(hashes[_i]);
	struct bytes text = bytes_of_text("text");

	run("umask 077; openssl genpkey -algorithm EC -pkeyopt "
	    "ec_paramgen_curve:%s >%s/k 2>/dev/null", curves[_i], folder);
	ck_assert_int_eq(open_key(in_folder("k"), &key), 0);
	public = secret_key_public(key);
	len = 2 * crypto_curve_len(public->curve);
	ck_assert_int_eq(crypto_digest(hashes[_i], &text, 1, digest), 0);
	ck_assert_int_eq(secret_key_sign(key, hashes[_i],
				 bytes_of(digest, hash_len), signature, len),
		0);
	ck_assert_int_eq(crypto_ecdsa_verify(public->curve,
				 cose_key_pub(public), hashes[_i],
				 bytes_of(digest, hash_len),
				 bytes_of(signature, len)),
		0);
	ck_assert_int_eq(secret_key_sign(key, hashes[_i],
				 bytes_of(digest, hash_len), signature,
				 len - 1),
		ERR_KEYS_KIND);
	secret_key_close(key);
}
END_TEST

/* What a publisher encrypts for the public half, the file's key opens. */
START_TEST(secret_key_opens_images_made_for_it)
{
	struct encrypt_target target = {0};
	struct encrypt_making making;
	struct encrypt_info info;
	struct encrypt_cek cek;
	struct encrypt_key opens;
	struct secret_key *key = NULL;
	struct buf b;

	if (_i)
		write_file("k", "kid:" HEX32, 36);
	else
		run("umask 077; openssl genpkey -algorithm EC -pkeyopt "
		    "ec_paramgen_curve:P-256 >%s/k 2>/dev/null", folder);
	ck_assert_int_eq(open_key(in_folder("k"), &key), 0);
	if (_i)
		ck_assert_int_eq(
			secret_key_kek(key, &target.kek, &target.kid), 0);
	else
		target.key = secret_key_public(key);
	ck_assert_int_eq(encrypt_making_init(encrypt_cipher_find(1), &making),
		0);
	buf_init(&b, 4096);
	ck_assert_int_eq(encrypt_put_info(&b, &making, &target, 1), 0);
	ck_assert_int_eq(encrypt_info_parse(buf_bytes(&b), &info, NULL), 0);
	ck_assert_int_eq(secret_key_opens(key, &opens), 0);
	ck_assert(opens.kid.at != NULL);
	ck_assert_int_eq(encrypt_open_key(&info, &opens, 1, &cek, NULL), 0);
	ck_assert_mem_eq(cek.at, making.cek.at, 16);
	buf_done(&b);
	secret_key_close(key);
}
END_TEST

START_TEST(secret_key_opens_needs_p256)
{
	struct encrypt_key opens;
	struct secret_key *key = NULL;
	struct bytes kek, kid;

	run("umask 077; openssl genpkey -algorithm EC -pkeyopt "
	    "ec_paramgen_curve:P-384 >%s/k 2>/dev/null", folder);
	ck_assert_int_eq(open_key(in_folder("k"), &key), 0);
	ck_assert_int_eq(secret_key_opens(key, &opens), ERR_KEYS_KIND);
	ck_assert_int_eq(secret_key_kek(key, &kek, &kid), ERR_KEYS_KIND);
	secret_key_close(key);
}
END_TEST

/* ---- URIs ---- */

START_TEST(keys_uri_parse_takes_the_attributes)
{
	struct keys_uri uri;

	ck_assert_int_eq(keys_uri_parse("pkcs11:token=My%20hub;object=fw;"
					"id=%01%ff;type=private;slot-id=3;"
					"serial=1;model=m;manufacturer=v"
					"?module-path=/usr/lib/x.so&"
					"pin-source=file:/etc/pin",
				 &uri, NULL),
		0);
	ck_assert_str_eq(uri.token, "My hub");
	ck_assert_str_eq(uri.object, "fw");
	ck_assert_uint_eq(uri.id_len, 2);
	ck_assert_uint_eq(uri.id[1], 0xff);
	ck_assert_int_eq(uri.type, KEYS_URI_PRIVATE);
	ck_assert(uri.has_slot && uri.slot == 3);
	ck_assert_str_eq(uri.module, "/usr/lib/x.so");
	ck_assert_str_eq(uri.pin_file, "/etc/pin");
}
END_TEST

static const char *const bad_uris[] = {
	"pkcs11:",
	"pkcs11:token=a",
	"pkcs12:object=a",
	"pkcs11:object=",
	"pkcs11:object=%4",
	"pkcs11:object=%zz",
	"pkcs11:object=%00",
	"pkcs11:object",
	"pkcs11:=a",
	"pkcs11:object=a;object=b",
	"pkcs11:object=a;type=public",
	"pkcs11:object=a;slot-id=x",
	"pkcs11:object=a;slot-id=99999999999999999999",
	"pkcs11:object=a;x-mine=b",
	"pkcs11:object=a?pin-value=1234",
	"pkcs11:object=a?pin-source=|cat",
	"pkcs11:object=a?pin-source=pin",
	"pkcs11:object=a?module-name=x",
	"pkcs11:id=%00%01%02%03%04%05%06%07%08%09%00%01%02%03%04%05%06%07%08%09"
	"%00%01%02%03%04%05%06%07%08%09%00%01%02%03%04%05%06%07%08%09"
	"%00%01%02%03%04%05%06%07%08%09%00%01%02%03%04%05%06%07%08%09"
	"%00%01%02%03%04",
};

START_TEST(keys_uri_parse_bad_one_is_refused)
{
	struct fault fault = {0};
	struct keys_uri uri;

	ck_assert_msg(keys_uri_parse(bad_uris[_i], &uri, &fault) ==
			      ERR_KEYS_URI,
		"%s", bad_uris[_i]);
	ck_assert_int_eq(fault.code, ERR_KEYS_URI);
	ck_assert_ptr_null(strstr(fault.rule, "1234"));
}
END_TEST

START_TEST(secret_key_open_token_without_module_is_refused)
{
	struct secret_key_options options = {.module = "/nonexistent.so"};
	struct secret_key *key = NULL;

	refuses("pkcs11:object=a", ERR_KEYS_URI);
	refuses("pkcs11:object=a?module-path=relative.so", ERR_KEYS_MODULE);
	ck_assert_int_eq(secret_key_open("pkcs11:object=a", &options, &key,
				 NULL),
		ERR_KEYS_MODULE);
	options.module = write_file("k.so", "no module", 9);
	ck_assert_int_eq(secret_key_open("pkcs11:object=a", &options, &key,
				 NULL),
		ERR_KEYS_MODULE);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("keys");
	TCase *tc = tcase_create("keys");

	if (crypto_init())
		return EXIT_FAILURE;
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, secret_key_open_private_key_of_a_file, 0,
		COUNT(pairs));
	tcase_add_loop_test(tc, secret_key_open_key_encryption_key_of_a_file,
		0, COUNT(keks));
	tcase_add_loop_test(
		tc, secret_key_open_file_for_others_is_refused, 0, 6);
	tcase_add_test(tc, secret_key_open_what_is_no_file_is_refused);
	tcase_add_test(tc, secret_key_open_large_file_is_refused);
	tcase_add_test(tc, secret_key_open_credential_is_found_by_name);
	tcase_add_loop_test(tc, secret_key_sign_verifies, 0, 2);
	tcase_add_loop_test(tc, secret_key_opens_images_made_for_it, 0, 2);
	tcase_add_test(tc, secret_key_opens_needs_p256);
	tcase_add_test(tc, keys_uri_parse_takes_the_attributes);
	tcase_add_loop_test(
		tc, keys_uri_parse_bad_one_is_refused, 0, COUNT(bad_uris));
	tcase_add_test(tc, secret_key_open_token_without_module_is_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
