/* Keys in a real token: SoftHSM2, set up with its own tools. */
#include "tests/unit/store/keys_test.h"

#include <errno.h>
#include <unistd.h>

#include "store/keys/keys.h"

#define PIN "1234"
#define KEK_HEX "000102030405060708090a0b0c0d0e0f"

static const char *const places[] = {
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib64/softhsm/libsofthsm2.so",
	"/usr/local/lib/softhsm/libsofthsm2.so",
};

static const char *module;
static char pin_file[256];
static struct secret_key_options options;

static void write_pin(const char *text)
{
	snprintf(pin_file, sizeof(pin_file), "%s",
		write_file("pin", text, strlen(text)));
}

static void tool(const char *arguments)
{
	run("pkcs11-tool --module %s --login --pin " PIN " --token-label hub "
	    "%s >%s/log 2>&1 || { cat %s/log >&2; exit 1; }",
		module, arguments, folder, folder);
}

static void setup(void)
{
	char text[256];

	scratch_make(folder, sizeof(folder), "ferry-token");
	snprintf(text, sizeof(text),
		"directories.tokendir = %s\nobjectstore.backend = file\n"
		"log.level = ERROR\n", folder);
	setenv("SOFTHSM2_CONF", write_file("softhsm2.conf", text,
		strlen(text)), 1);
	write_pin(PIN "\n");
	options = (struct secret_key_options){module, pin_file};
	run("softhsm2-util --init-token --free --label hub --pin " PIN
	    " --so-pin 5678 >%s/log 2>&1", folder);
	tool("--keypairgen --key-type EC:prime256v1 --id 01 --label fw "
	     "--usage-derive --usage-sign");
	tool("--keypairgen --key-type EC:secp384r1 --id 02 --label author "
	     "--usage-sign");
	snprintf(text, sizeof(text),
		"printf '\\000\\001\\002\\003\\004\\005\\006\\007\\010\\011\\012"
		"\\013\\014\\015\\016\\017' >%s/kek", folder);
	run("%s", text);
	snprintf(text, sizeof(text), "--write-object %s/kek --type secrkey "
		"--key-type AES:16 --id 03 --label kek --usage-wrap", folder);
	tool(text);
}

static void teardown(void)
{
	scratch_drop(folder);
}

static struct secret_key *opened(const char *where)
{
	struct secret_key *key = NULL;
	struct fault fault = {0};
	int err = secret_key_open(where, &options, &key, &fault);

	ck_assert_msg(!err, "%s: %s: %s", where, fault.field, fault.rule);
	return key;
}

static void refuses(const char *where, int code)
{
	struct secret_key *key = NULL;
	int err = secret_key_open(where, &options, &key, NULL);

	ck_assert_msg(err == code, "%s: %s, expected %s", where, err_name(err),
		err_name(code));
}

START_TEST(secret_key_sign_in_the_token_verifies)
{
	static const char *const names[] = {
		"pkcs11:token=hub;id=%01;type=private",
		"pkcs11:object=author",
	};
	static const enum crypto_hash hashes[] = {CRYPTO_SHA256, CRYPTO_SHA384};
	struct secret_key *key = opened(names[_i]);
	const struct cose_key *public = secret_key_public(key);
	size_t len = 2 * crypto_curve_len(public->curve);
	size_t hash_len = crypto_hash_len(hashes[_i]);
	struct bytes text = bytes_of_text("text");
	uint8_t digest[64], signature[96];

	ck_assert_int_eq(public->curve, _i ? CRYPTO_P384 : CRYPTO_P256);
	ck_assert_int_eq(crypto_digest(hashes[_i], &text, 1, digest), 0);
	ck_assert_int_eq(secret_key_sign(key, hashes[_i],
				 bytes_of(digest, hash_len), signature, len),
		0);
	ck_assert_int_eq(crypto_ecdsa_verify(public->curve,
				 cose_key_pub(public), hashes[_i],
				 bytes_of(digest, hash_len),
				 bytes_of(signature, len)),
		0);
	secret_key_close(key);
}
END_TEST

/* The image is encrypted for what the token says is its public key, or for the
 * key encryption key that was written into it. */
START_TEST(secret_key_opens_with_the_token)
{
	static const char *const names[] = {
		"pkcs11:token=hub;object=fw", "pkcs11:token=hub;object=kek"};
	struct secret_key *key = opened(names[_i]);
	struct encrypt_target target = {0};
	struct encrypt_making making;
	struct encrypt_info info;
	struct encrypt_cek cek;
	struct encrypt_key opens;
	uint8_t kek[16];
	struct buf b;

	bytes_from_hex(KEK_HEX, kek, 16);
	if (_i)
		target.kek = bytes_of(kek, 16);
	else
		target.key = secret_key_public(key);
	ck_assert_int_eq(encrypt_making_init(encrypt_cipher_find(1), &making),
		0);
	buf_init(&b, 4096);
	ck_assert_int_eq(encrypt_put_info(&b, &making, &target, 1), 0);
	ck_assert_int_eq(encrypt_info_parse(buf_bytes(&b), &info, NULL), 0);
	ck_assert_int_eq(secret_key_opens(key, &opens), 0);
	ck_assert_int_eq(encrypt_open_key(&info, &opens, 1, &cek, NULL), 0);
	ck_assert_mem_eq(cek.at, making.cek.at, 16);
	buf_done(&b);
	secret_key_close(key);
}
END_TEST

START_TEST(secret_key_opens_with_another_key_of_the_token_is_no_key)
{
	struct secret_key *key = opened("pkcs11:object=kek");
	struct encrypt_target target = {.kek = bytes_of("0123456789abcdef", 16)};
	struct encrypt_making making;
	struct encrypt_info info;
	struct encrypt_cek cek;
	struct encrypt_key opens;
	struct buf b;

	ck_assert_int_eq(encrypt_making_init(encrypt_cipher_find(1), &making),
		0);
	buf_init(&b, 4096);
	ck_assert_int_eq(encrypt_put_info(&b, &making, &target, 1), 0);
	ck_assert_int_eq(encrypt_info_parse(buf_bytes(&b), &info, NULL), 0);
	ck_assert_int_eq(secret_key_opens(key, &opens), 0);
	ck_assert_int_eq(encrypt_open_key(&info, &opens, 1, &cek, NULL),
		ERR_TRUST_ENCRYPT_NO_KEY);
	buf_done(&b);
	secret_key_close(key);
}
END_TEST

START_TEST(secret_key_opens_point_off_the_curve_is_refused)
{
	struct secret_key *key = opened("pkcs11:object=fw");
	uint8_t peer[64] = {1, 2, 3}, secret[32];
	struct encrypt_key opens;

	ck_assert_int_eq(secret_key_opens(key, &opens), 0);
	ck_assert_int_lt(opens.agree(opens.arg, peer, secret), 0);
	secret_key_close(key);
}
END_TEST

START_TEST(secret_key_open_several_keys_of_one_token)
{
	struct secret_key *keys[3] = {opened("pkcs11:object=fw"),
		opened("pkcs11:object=kek"), opened("pkcs11:object=author")};

	ck_assert_int_eq(secret_key_kind(keys[0]), SECRET_EC);
	ck_assert_int_eq(secret_key_kind(keys[1]), SECRET_AES);
	secret_key_close(keys[1]);
	secret_key_close(keys[0]);
	secret_key_close(keys[2]);
	secret_key_close(opened("pkcs11:object=fw"));
}
END_TEST

START_TEST(secret_key_open_what_the_token_lacks_is_refused)
{
	tool("--keypairgen --key-type EC:prime256v1 --id 07 --label twin");
	tool("--keypairgen --key-type EC:prime256v1 --id 08 --label twin");
	tool("--keypairgen --key-type RSA:2048 --id 09 --label rsa");
	refuses("pkcs11:object=absent", ERR_KEYS_NOT_FOUND);
	refuses("pkcs11:object=twin", ERR_KEYS_NOT_FOUND);
	refuses("pkcs11:object=rsa", ERR_KEYS_KIND);
	refuses("pkcs11:object=fw;type=secret-key", ERR_KEYS_NOT_FOUND);
	refuses("pkcs11:object=kek;type=private", ERR_KEYS_NOT_FOUND);
	refuses("pkcs11:token=other;object=fw", ERR_KEYS_TOKEN);
	tool("--delete-object --type pubkey --id 01");
	refuses("pkcs11:object=fw", ERR_KEYS_NOT_FOUND);
}
END_TEST

START_TEST(secret_key_open_wrong_pin_is_refused)
{
	write_pin("9999\n");
	refuses("pkcs11:object=fw", ERR_KEYS_PIN);
	write_pin("");
	refuses("pkcs11:object=fw", ERR_KEYS_PIN);
	options.pin_file = NULL;
	refuses("pkcs11:object=fw", ERR_KEYS_PIN);
}
END_TEST

START_TEST(secret_key_open_pin_file_for_others_is_refused)
{
	ck_assert_int_eq(chmod(pin_file, 0644), 0);
	refuses("pkcs11:object=fw", ERR_KEYS_PERMISSION);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keys_token");
	TCase *tc = tcase_create("keys_token");

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!module && access(places[i], R_OK) == 0)
			module = places[i];
	if (!module || system("command -v softhsm2-util pkcs11-tool "
			      ">/dev/null")) {
		fputs("missing: softhsm2 and opensc\n", stderr);
		return getenv("CI") ? EXIT_FAILURE : 77;
	}
	if (crypto_init())
		return EXIT_FAILURE;
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, secret_key_sign_in_the_token_verifies, 0, 2);
	tcase_add_loop_test(tc, secret_key_opens_with_the_token, 0, 2);
	tcase_add_test(
		tc, secret_key_opens_with_another_key_of_the_token_is_no_key);
	tcase_add_test(tc, secret_key_opens_point_off_the_curve_is_refused);
	tcase_add_test(tc, secret_key_open_several_keys_of_one_token);
	tcase_add_test(tc, secret_key_open_what_the_token_lacks_is_refused);
	tcase_add_test(tc, secret_key_open_wrong_pin_is_refused);
	tcase_add_test(tc, secret_key_open_pin_file_for_others_is_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
