/* What is encrypted for one gateway: the published vectors, and what ferry-publish
 * makes. Malformed information is in test_encrypt_forms.c. */
#include "tests/unit/unit.h"

#include <psa/crypto.h>

#include "base/cbor_out.h"
#include "policy/trust/encrypt.h"
#include "policy/trust/suit.h"

#define PLAIN "This is a real firmware image."

static void release(struct bytes b)
{
	free((void *)(uintptr_t)b.at);
}

static uint8_t kek16[16], kek32[32];

static int kek_unwrap(void *arg, struct bytes wrapped, uint8_t *ret)
{
	const struct bytes *kek = arg;

	return crypto_key_unwrap(*kek, wrapped, ret);
}

static struct bytes kek_views[2];

static struct encrypt_key kek_key(unsigned len)
{
	struct bytes *view = &kek_views[len == 32];

	*view = bytes_of(len == 32 ? kek32 : kek16, len);
	return (struct encrypt_key){
		.unwrap = kek_unwrap, .kek_len = len, .arg = view};
}

static int pair_agree(void *arg, const uint8_t peer[64], uint8_t ret[32])
{
	return crypto_pair_agree(*(uint32_t *)arg, peer, ret);
}

static int token_is_gone(void *arg, struct bytes wrapped, uint8_t *ret)
{
	(void)arg;
	(void)wrapped;
	(void)ret;
	return ERR_KEYS_TOKEN;
}

/* Decrypts in pieces of `step` bytes; the plaintext goes to `ret`. */
static int decrypt(const struct encrypt_info *info,
	const struct encrypt_cek *cek, struct bytes sealed, size_t step,
	struct buf *ret)
{
	uint8_t out[512];
	struct encrypt_stream *stream;
	size_t len;
	int err = encrypt_stream_new(info, cek, sealed.len, &stream);

	if (err)
		return err;
	for (size_t at = 0; !err && at < sealed.len; at += step) {
		err = encrypt_stream_update(
			stream, bytes_slice(sealed, at, step), out, &len);
		if (!err)
			buf_add(ret, out, len);
	}
	if (!err)
		err = encrypt_stream_finish(stream, out, &len);
	if (!err)
		buf_add(ret, out, len);
	encrypt_stream_free(stream);
	return err;
}

/* ---- published vectors ---- */

struct vector {
	const char *name;
	bool agrees;
};

static const struct vector vectors[] = {
	{"aes-kw-aes-gcm", false},
	{"aes-kw-aes-ctr", false},
	{"es-ecdh-aes-gcm", true},
	{"es-ecdh-aes-ctr", true},
};

#define DEVICE_D                                                               \
	"60FE6DD6D85D5740A5349B6F91267EEAC5BA81B8CB53EE249E4B4EB102C476B3"

static int device_agree(void *arg, const uint8_t peer[64], uint8_t ret[32])
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	psa_key_id_t id;
	uint8_t d[32];
	int err;

	(void)arg;
	ck_assert_int_eq(bytes_from_hex(DEVICE_D, d, 32), 0);
	psa_set_key_type(&attributes,
		PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
	psa_set_key_algorithm(&attributes, PSA_ALG_ECDH);
	ck_assert_int_eq(psa_import_key(&attributes, d, 32, &id), PSA_SUCCESS);
	err = crypto_pair_agree(id, peer, ret);
	psa_destroy_key(id);
	return err;
}

#define FOLDER "vectors/ietf-firmware-encryption/"

static struct bytes vector_info(const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), FOLDER "suit-encryption-info-%s.cose",
		name);
	return unit_read_shared(path);
}

static struct bytes vector_sealed(const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), FOLDER "encrypted-payload-%s.bin", name);
	return unit_read_shared(path);
}

START_TEST(encrypt_published_vector_decrypts)
{
	static const size_t steps[] = {1, 7, 16, 64};
	const struct vector *row = &vectors[_i];
	struct bytes in = vector_info(row->name);
	struct bytes sealed = vector_sealed(row->name);
	struct encrypt_key keys[2] = {{.agree = device_agree}, kek_key(16)};
	struct encrypt_info info;
	struct encrypt_cek cek;
	struct buf plain;
	uint64_t len;

	memset(kek16, 'a', 16);
	ck_assert_int_eq(encrypt_info_parse(in, &info, NULL), 0);
	ck_assert_int_eq(encrypt_open_key(&info, keys, 2, &cek, NULL), 0);
	ck_assert_int_eq(encrypt_plain_len(&info, sealed.len, &len), 0);
	ck_assert_uint_eq(len, strlen(PLAIN));
	for (size_t i = 0; i < 4; i++) {
		buf_init(&plain, 512);
		ck_assert_msg(
			!decrypt(&info, &cek, sealed, steps[i], &plain) &&
				bytes_is_text(buf_bytes(&plain), PLAIN),
			"%s by %zu", row->name, steps[i]);
		buf_done(&plain);
	}
	release(in);
	release(sealed);
}
END_TEST

/* The published manifests: their encryption-info opens with the keys of the
 * README, and where the ciphertext stands beside it, it is the firmware. */
static const struct vector manifests[] = {
	{"aes-kw-content", false},
	{"aes-kw-slot", false},
	{"aes-kw", false},
	{"es-ecdh-content", true},
	{"es-ecdh-dependency", true},
};

/* Content of the last byte string with this parameter in the install
 * sequence. */
static struct bytes install_parameter(
	const struct suit_manifest *m, int64_t wanted)
{
	struct bytes found = {0}, value;
	struct suit_walk walk;
	struct suit_step step;

	suit_walk_init(&walk, m->members[SUIT_INSTALL].content);
	while (suit_walk_next(&walk, &step)) {
		struct cbor_list map;
		struct cbor r;
		int64_t key;

		if (step.begins_choice ||
			step.command != SUIT_OVERRIDE_PARAMETERS)
			continue;
		cbor_init(&r, step.argument, CBOR_STRICT);
		ck_assert_int_eq(cbor_map(&r, &map), 0);
		while (cbor_next(&r, &map)) {
			cbor_int(&r, &key);
			if (key == wanted && cbor_bstr(&r, &value) == 0)
				found = value;
			else if (key != wanted)
				cbor_skip(&r, NULL);
		}
	}
	return found;
}

START_TEST(encrypt_published_manifest_opens)
{
	const struct vector *row = &manifests[_i];
	struct encrypt_key keys[2] = {{.agree = device_agree}, kek_key(16)};
	struct suit_envelope envelope;
	struct suit_manifest manifest;
	struct bytes file, content;
	struct encrypt_info info;
	struct encrypt_cek cek;
	char path[160];
	struct buf plain;

	snprintf(path, sizeof(path), FOLDER "suit-manifest-%s.suit", row->name);
	file = unit_read_shared(path);
	ck_assert_int_eq(suit_envelope_parse(file, &envelope, NULL), 0);
	ck_assert_int_eq(suit_manifest_parse(&envelope, &manifest, NULL), 0);
	ck_assert_int_eq(encrypt_info_parse(install_parameter(&manifest,
				 SUIT_PARAM_ENCRYPTION), &info, NULL),
		0);
	ck_assert_int_eq(encrypt_open_key(&info, keys, 2, &cek, NULL), 0);
	content = install_parameter(&manifest, SUIT_PARAM_CONTENT);
	buf_init(&plain, 512);
	if (content.at)
		ck_assert_msg(!decrypt(&info, &cek, content, 7, &plain) &&
				      bytes_is_text(buf_bytes(&plain), PLAIN),
			"%s", row->name);
	buf_done(&plain);
	release(file);
}
END_TEST

START_TEST(encrypt_open_key_wrong_kind_of_key_is_no_key)
{
	const struct vector *row = &vectors[_i];
	struct bytes in = vector_info(row->name);
	struct encrypt_key key =
		row->agrees ? kek_key(16)
			    : (struct encrypt_key){.agree = device_agree};
	struct encrypt_info info;
	struct encrypt_cek cek;

	ck_assert_int_eq(encrypt_info_parse(in, &info, NULL), 0);
	ck_assert_int_eq(encrypt_open_key(&info, &key, 1, &cek, NULL),
		ERR_TRUST_ENCRYPT_NO_KEY);
	release(in);
}
END_TEST

/* ---- what ferry-publish makes ---- */

struct made {
	struct buf info;
	struct buf sealed;
	struct encrypt_info parsed;
};

static void seal(struct buf *ret, const struct encrypt_making *making,
	const char *text)
{
	struct crypto_cipher *cipher;
	uint8_t out[256], tag[16];
	size_t len;

	ck_assert_int_eq(
		encrypt_making_cipher(making, strlen(text), &cipher), 0);
	ck_assert_int_eq(crypto_cipher_update(cipher, bytes_of_text(text), out,
				 &len),
		0);
	buf_add(ret, out, len);
	ck_assert_int_eq(crypto_cipher_finish(cipher, out, &len, tag), 0);
	buf_add(ret, out, len);
	buf_add(ret, tag, making->cipher->growth);
	crypto_cipher_free(cipher);
}

static void made_init(struct made *m, int64_t cipher,
	const struct encrypt_target *targets, unsigned count)
{
	struct encrypt_making making;
	struct fault fault = {0};
	int err;

	buf_init(&m->info, ENCRYPT_INFO_MAX);
	buf_init(&m->sealed, 1024);
	ck_assert_int_eq(
		encrypt_making_init(encrypt_cipher_find(cipher), &making), 0);
	ck_assert_int_eq(
		encrypt_put_info(&m->info, &making, targets, count), 0);
	seal(&m->sealed, &making, PLAIN);
	encrypt_making_wipe(&making);
	err = encrypt_info_parse(buf_bytes(&m->info), &m->parsed, &fault);
	ck_assert_msg(!err, "%s: %s", fault.field, fault.rule);
}

static void made_done(struct made *m)
{
	buf_done(&m->info);
	buf_done(&m->sealed);
}

static int open_with(const struct made *m, const struct encrypt_key *keys,
	unsigned count)
{
	struct encrypt_cek cek;
	struct buf plain;
	int err = encrypt_open_key(&m->parsed, keys, count, &cek, NULL);

	if (err)
		return err;
	buf_init(&plain, 512);
	err = decrypt(&m->parsed, &cek, buf_bytes(&m->sealed), 5, &plain);
	if (!err && !bytes_is_text(buf_bytes(&plain), PLAIN))
		err = ERR_TRUST_ENCRYPT_PLAIN;
	buf_done(&plain);
	return err;
}

static const int64_t cipher_algs[] = {1, 3, -65534, -65532};

START_TEST(encrypt_put_info_every_cipher_and_wrapping_opens)
{
	uint32_t id;
	struct cose_key public = {.kty = COSE_KTY_EC2,
		.curve = CRYPTO_P256};
	struct encrypt_target targets[3] = {
		{.kek = bytes_of(kek16, 16)},
		{.kek = bytes_of(kek32, 32), .kid = bytes_of_text("k")},
		{.key = &public},
	};

	ck_assert_int_eq(crypto_pair_new(&id, public.pub), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct encrypt_key keys[] = {kek_key(16), kek_key(32),
			{.agree = pair_agree, .arg = &id}};
		struct made m;

		made_init(&m, cipher_algs[_i], &targets[i], 1);
		ck_assert_int_eq(open_with(&m, &keys[i], 1), 0);
		ck_assert_int_eq(open_with(&m, &keys[(i + 1) % 3], 1),
			ERR_TRUST_ENCRYPT_NO_KEY);
		made_done(&m);
	}
	crypto_pair_destroy(id);
}
END_TEST

START_TEST(encrypt_open_key_finds_its_recipient_among_many)
{
	struct encrypt_target targets[4];
	struct cose_key publics[4];
	uint32_t ids[4];
	char text[96];
	struct made m;

	for (unsigned i = 0; i < 4; i++) {
		publics[i] = (struct cose_key){.kty = COSE_KTY_EC2,
			.curve = CRYPTO_P256};
		ck_assert_int_eq(crypto_pair_new(&ids[i], publics[i].pub), 0);
		targets[i] = (struct encrypt_target){.key = &publics[i],
			.kid = bytes_of(&"0123"[i], 1)};
	}
	made_init(&m, 1, targets, 4);
	for (unsigned i = 0; i < 4; i++) {
		struct encrypt_key named = {.agree = pair_agree,
			.arg = &ids[i], .kid = targets[i].kid};
		struct encrypt_key nameless = {
			.agree = pair_agree, .arg = &ids[i]};
		struct encrypt_key misnamed = {.agree = pair_agree,
			.arg = &ids[i], .kid = targets[(i + 1) % 4].kid};

		ck_assert_int_eq(open_with(&m, &named, 1), 0);
		ck_assert_int_eq(open_with(&m, &nameless, 1), 0);
		ck_assert_int_eq(open_with(&m, &misnamed, 1),
			ERR_TRUST_ENCRYPT_UNWRAP);
		crypto_pair_destroy(ids[i]);
	}
	ck_assert_int_eq(encrypt_tier(&m.parsed), TIER_ENHANCED);
	encrypt_describe(&m.parsed, text, sizeof(text));
	ck_assert_str_eq(text, "A128GCM, ECDH-ES+A128KW, 4 recipients");
	made_done(&m);
}
END_TEST

START_TEST(encrypt_open_key_failing_token_is_its_own_error)
{
	struct encrypt_target target = {.kek = bytes_of(kek16, 16)};
	struct encrypt_key keys[2] = {
		{.unwrap = token_is_gone, .kek_len = 16}, kek_key(16)};
	struct made m;

	made_init(&m, 1, &target, 1);
	ck_assert_int_eq(open_with(&m, keys, 1), ERR_KEYS_TOKEN);
	ck_assert_int_eq(open_with(&m, keys, 2), 0);
	made_done(&m);
}
END_TEST

START_TEST(encrypt_tier_weakest_recipient_counts)
{
	uint32_t id;
	struct cose_key public = {.kty = COSE_KTY_EC2,
		.curve = CRYPTO_P256};
	struct encrypt_target shared = {.kek = bytes_of(kek16, 16)};
	struct encrypt_target mixed[2] = {{.key = &public},
		{.kek = bytes_of(kek16, 16)}};
	struct made m;

	ck_assert_int_eq(crypto_pair_new(&id, public.pub), 0);
	crypto_pair_destroy(id);
	made_init(&m, 1, &shared, 1);
	ck_assert_int_eq(encrypt_tier(&m.parsed), TIER_BASIC);
	made_done(&m);
	made_init(&m, 1, mixed, 2);
	ck_assert_int_eq(encrypt_tier(&m.parsed), TIER_UPGRADED);
	made_done(&m);
}
END_TEST

static int stream_code(const struct made *m, struct bytes sealed)
{
	struct encrypt_key key = kek_key(16);
	struct encrypt_cek cek;
	struct buf plain;
	int err;

	ck_assert_int_eq(encrypt_open_key(&m->parsed, &key, 1, &cek, NULL), 0);
	buf_init(&plain, 512);
	err = decrypt(&m->parsed, &cek, sealed, 64, &plain);
	buf_done(&plain);
	return err;
}

START_TEST(encrypt_stream_every_changed_byte_of_gcm_is_refused)
{
	struct encrypt_target target = {.kek = bytes_of(kek16, 16)};
	struct made m;

	made_init(&m, 1, &target, 1);
	for (size_t i = 0; i < m.sealed.len; i++) {
		m.sealed.at[i] ^= 1;
		ck_assert_int_eq(stream_code(&m, buf_bytes(&m.sealed)),
			ERR_TRUST_ENCRYPT_TAG);
		m.sealed.at[i] ^= 1;
	}
	ck_assert_int_eq(stream_code(&m, buf_bytes(&m.sealed)), 0);
	ck_assert_int_eq(stream_code(&m, bytes_of(m.sealed.at, 16)),
		ERR_TRUST_ENCRYPT_LENGTH);
	ck_assert_int_eq(stream_code(&m, bytes_of(m.sealed.at,
					m.sealed.len - 1)),
		ERR_TRUST_ENCRYPT_TAG);
	made_done(&m);
}
END_TEST

START_TEST(encrypt_stream_more_or_less_than_announced_is_refused)
{
	struct encrypt_target target = {.kek = bytes_of(kek16, 16)};
	struct encrypt_key key = kek_key(16);
	struct encrypt_stream *stream;
	struct encrypt_cek cek;
	uint8_t out[128];
	struct made m;
	size_t len;

	made_init(&m, cipher_algs[_i], &target, 1);
	ck_assert_int_eq(encrypt_open_key(&m.parsed, &key, 1, &cek, NULL), 0);
	ck_assert_int_eq(encrypt_stream_new(
				 &m.parsed, &cek, m.sealed.len, &stream),
		0);
	ck_assert_int_eq(encrypt_stream_finish(stream, out, &len),
		ERR_TRUST_ENCRYPT_LENGTH);
	encrypt_stream_free(stream);
	ck_assert_int_eq(encrypt_stream_new(
				 &m.parsed, &cek, m.sealed.len, &stream),
		0);
	ck_assert_int_eq(encrypt_stream_update(stream, buf_bytes(&m.sealed),
				 out, &len),
		0);
	ck_assert_int_eq(encrypt_stream_update(stream, bytes_of("x", 1), out,
				 &len),
		ERR_TRUST_ENCRYPT_LENGTH);
	encrypt_stream_free(stream);
	made_done(&m);
}
END_TEST

START_TEST(encrypt_making_init_never_repeats_itself)
{
	const struct encrypt_cipher *cipher = encrypt_cipher_find(-65534);
	struct encrypt_making a, b;

	ck_assert_int_eq(encrypt_making_init(cipher, &a), 0);
	ck_assert_int_eq(encrypt_making_init(cipher, &b), 0);
	ck_assert_mem_ne(a.cek.at, b.cek.at, 16);
	ck_assert_mem_ne(a.iv, b.iv, 8);
}
END_TEST

START_TEST(encrypt_put_info_what_it_cannot_do_is_refused)
{
	const struct encrypt_cipher *cipher = encrypt_cipher_find(1);
	struct cose_key p384 = {.kty = COSE_KTY_EC2,
		.curve = CRYPTO_P384};
	struct encrypt_target odd_kek = {.kek = bytes_of(kek32, 24)};
	struct encrypt_target odd_key = {.key = &p384};
	struct encrypt_making making;
	struct buf b;

	ck_assert_int_eq(encrypt_making_init(cipher, &making), 0);
	buf_init(&b, 4096);
	ck_assert_int_eq(encrypt_put_info(&b, &making, &odd_kek, 1),
		ERR_KEYS_KIND);
	ck_assert_int_eq(encrypt_put_info(&b, &making, &odd_key, 1),
		ERR_TRUST_COSE_KEY_CURVE);
	ck_assert_int_lt(encrypt_put_info(&b, &making, &odd_key, 0), 0);
	buf_done(&b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("encrypt");
	TCase *tc = tcase_create("encrypt");

	unit_need_shared("vectors/ietf-firmware-encryption");
	if (crypto_init())
		return EXIT_FAILURE;
	memset(kek16, 'a', 16);
	memset(kek32, 'b', 32);
	tcase_add_loop_test(tc, encrypt_published_vector_decrypts, 0, 4);
	tcase_add_loop_test(tc, encrypt_published_manifest_opens, 0, 5);
	tcase_add_loop_test(
		tc, encrypt_open_key_wrong_kind_of_key_is_no_key, 0, 4);
	tcase_add_loop_test(
		tc, encrypt_put_info_every_cipher_and_wrapping_opens, 0, 4);
	tcase_add_test(tc, encrypt_open_key_finds_its_recipient_among_many);
	tcase_add_test(tc, encrypt_open_key_failing_token_is_its_own_error);
	tcase_add_test(tc, encrypt_tier_weakest_recipient_counts);
	tcase_add_test(
		tc, encrypt_stream_every_changed_byte_of_gcm_is_refused);
	tcase_add_loop_test(tc,
		encrypt_stream_more_or_less_than_announced_is_refused, 0, 4);
	tcase_add_test(tc, encrypt_making_init_never_repeats_itself);
	tcase_add_test(tc, encrypt_put_info_what_it_cannot_do_is_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
