#include "tests/unit/unit.h"

#include <errno.h>

#include "policy/trust/lasthop_keys.h"
#include "tests/unit/policy/maker.h"

#define IMAGE_LEN 100

static const uint8_t device_key[LASTHOP_KEY_LEN] = "0123456789abcdef0123456789";
static const struct lasthop_hub hub = {"hub-1", 7};
static uint8_t key[LASTHOP_KEY_LEN];
static uint8_t image[IMAGE_LEN];
static struct maker_envelope maker;
static struct buf file, prefix, bundle, left, install;
static struct lasthop_request request;
static struct lasthop_bundle parsed;
static struct lasthop_hub seen;
static struct suit_facts facts;
static struct fault fault;

/* The same as maker's, with a URI that names an integrated payload. */
static void put_install(const char *uri)
{
	cbor_put_array(&install, 6);
	cbor_put_uint(&install, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(&install, 1);
	cbor_put_uint(&install, SUIT_PARAM_URI);
	cbor_put_tstr(&install, uri);
	cbor_put_uint(&install, SUIT_FETCH);
	cbor_put_uint(&install, 2);
	cbor_put_uint(&install, SUIT_COND_IMAGE_MATCH);
	cbor_put_uint(&install, 15);
}

static void setup(void)
{
	maker_init();
	fault = (struct fault){0};
	memset(image, 0x5a, sizeof(image));
	buf_init(&file, SUIT_ENVELOPE_MAX);
	buf_init(&prefix, LASTHOP_PREFIX_MAX);
	buf_init(&bundle, 2 * LASTHOP_PREFIX_MAX);
	buf_init(&left, SUIT_ENVELOPE_MAX);
	buf_init(&install, 1024);
	put_install("../p/1");
	maker = (struct maker_envelope){
		.sequence = 3,
		.size = IMAGE_LEN,
		.install = buf_bytes(&install),
	};
	crypto_sha256(bytes_of(image, IMAGE_LEN), maker.digest);
	ck_assert_int_eq(
		lasthop_derive(bytes_of(device_key, 32), &hub, key), 0);
	request = (struct lasthop_request){
		.uri = bytes_of_text("../p/1"),
		.image_len = IMAGE_LEN,
		.hub = &hub,
		.key = bytes_of(key, 32),
	};
}

static void teardown(void)
{
	buf_done(&file);
	buf_done(&prefix);
	buf_done(&bundle);
	buf_done(&left);
	buf_done(&install);
}

static int make_prefix(void)
{
	if (!file.len)
		maker_envelope_file(&maker, &file);
	request.envelope = buf_bytes(&file);
	return lasthop_prefix(&request, &prefix, &fault);
}

static void make_bundle(void)
{
	ck_assert_int_eq(make_prefix(), 0);
	buf_add_bytes(&bundle, buf_bytes(&prefix));
	buf_add(&bundle, image, IMAGE_LEN);
}

static int parse(void)
{
	return lasthop_bundle_parse(
		buf_bytes(&bundle), bundle.len, &left, &parsed, &fault);
}

static int verify(void)
{
	int err = parse();

	return err ? err : lasthop_verify(&parsed.envelope,
				   bytes_of(device_key, 32), &seen);
}

/* ---- keys ---- */

START_TEST(derive_known_input_gives_known_key)
{
	/* By hashlib and hmac of Python, by hand from RFC 5869. */
	static const char expected[] =
		"864ecfd4c7019e35f2fc7e0fa5d2f41dbb48f2e17c50641fdcdff6501d4b4b23";
	char hex[65];

	ck_assert_str_eq(bytes_to_hex(bytes_of(key, 32), hex, sizeof(hex)),
		expected);
}
END_TEST

START_TEST(derive_another_hub_or_epoch_gives_another_key)
{
	struct lasthop_hub other = {"hub-2", 7};
	uint8_t k[32];

	ck_assert_int_eq(lasthop_derive(bytes_of(device_key, 32), &other, k),
		0);
	ck_assert_int_ne(memcmp(k, key, 32), 0);
	other = (struct lasthop_hub){"hub-1", 8};
	ck_assert_int_eq(lasthop_derive(bytes_of(device_key, 32), &other, k),
		0);
	ck_assert_int_ne(memcmp(k, key, 32), 0);
}
END_TEST

START_TEST(derive_short_device_key_is_refused)
{
	uint8_t k[32];

	ck_assert_int_eq(lasthop_derive(bytes_of(device_key, 31), &hub, k),
		ERR_LASTHOP_HUB);
}
END_TEST

START_TEST(kid_is_read_back)
{
	struct lasthop_hub longest = {"", UINT64_MAX};
	uint8_t kid[LASTHOP_KID_MAX];
	size_t len;

	memset(longest.id, 'a', LASTHOP_HUB_SIZE - 1);
	len = lasthop_kid(&longest, kid);
	ck_assert_uint_le(len, sizeof(kid));
	ck_assert_int_eq(lasthop_kid_read(bytes_of(kid, len), &seen), 0);
	ck_assert_str_eq(seen.id, longest.id);
	ck_assert_uint_eq(seen.epoch, UINT64_MAX);
}
END_TEST

static const struct bad_kid {
	const char *name, *hex;
} bad_kids[] = {
	{"empty", ""},
	{"text alone", "656875622d31"},
	{"one item", "81656875622d31"},
	{"three items", "83656875622d310700"},
	{"empty id", "826007"},
	{"id with a space", "8265687562203107"},
	{"id with a NUL", "8265687562003107"},
	{"id as bytes", "82456875622d3107"},
	{"epoch below zero", "82656875622d3120"},
	{"epoch in a long form", "82656875622d311807"},
	{"something behind", "82656875622d310700"},
	{"id of 65",
		"82784161616161616161616161616161616161616161616161616161616161"
		"61616161616161616161616161616161616161616161616161616161616161"
		"61616161616107"},
};

START_TEST(kid_read_malformed_is_refused)
{
	const struct bad_kid *row = &bad_kids[_i];
	uint8_t raw[128];
	size_t len = strlen(row->hex) / 2;

	ck_assert_int_eq(bytes_from_hex(row->hex, raw, len), 0);
	ck_assert_msg(lasthop_kid_read(bytes_of(raw, len), &seen) ==
		ERR_LASTHOP_HUB, "%s", row->name);
}
END_TEST

/* ---- prefix ---- */

START_TEST(prefix_of_usual_envelope_makes_a_bundle_that_verifies)
{
	uint64_t sequence = 0;

	make_bundle();
	ck_assert_int_eq(verify(), 0);
	ck_assert_str_eq(seen.id, "hub-1");
	ck_assert_uint_eq(seen.epoch, 7);
	ck_assert(bytes_is_text(parsed.uri, "../p/1"));
	ck_assert_uint_eq(parsed.image_at, prefix.len);
	ck_assert_uint_eq(parsed.image_len, IMAGE_LEN);
	ck_assert_int_eq(lasthop_image_check(&parsed.envelope, &facts, parsed.uri,
		maker.digest, IMAGE_LEN, &sequence, &fault), 0);
	ck_assert_uint_eq(sequence, 3);
}
END_TEST

START_TEST(prefix_with_image_is_a_strict_envelope)
{
	struct suit_envelope whole;

	make_bundle();
	ck_assert_int_eq(suit_envelope_parse(buf_bytes(&bundle), &whole,
		&fault), 0);
	ck_assert_uint_eq(whole.integrated_count, 1);
	ck_assert_int_eq(memcmp(whole.integrated[0].content.at, image,
		IMAGE_LEN), 0);
}
END_TEST

START_TEST(prefix_keeps_manifest_digest_and_author_as_they_are)
{
	struct suit_envelope before;

	make_bundle();
	ck_assert_int_eq(suit_envelope_parse(buf_bytes(&file), &before, NULL),
		0);
	ck_assert_int_eq(parse(), 0);
	ck_assert(bytes_equal(before.manifest.wrapped,
		parsed.envelope.manifest.wrapped));
	ck_assert(bytes_equal(before.signed_digest,
		parsed.envelope.signed_digest));
	ck_assert_uint_eq(parsed.envelope.block_count, 2);
	ck_assert(bytes_equal(before.blocks[0], parsed.envelope.blocks[0]));
}
END_TEST

START_TEST(prefix_twice_is_the_same)
{
	struct buf again;

	buf_init(&again, LASTHOP_PREFIX_MAX);
	ck_assert_int_eq(make_prefix(), 0);
	ck_assert_int_eq(lasthop_prefix(&request, &again, NULL), 0);
	ck_assert(bytes_equal(buf_bytes(&prefix), buf_bytes(&again)));
	buf_done(&again);
}
END_TEST

START_TEST(prefix_strip_signatures_leaves_only_the_mac)
{
	request.strip_signatures = true;
	make_bundle();
	ck_assert_int_eq(verify(), 0);
	ck_assert_uint_eq(parsed.envelope.block_count, 1);
}
END_TEST

START_TEST(prefix_severed_text_is_left_out)
{
	maker.text = "what people read";
	make_bundle();
	ck_assert_int_eq(verify(), 0);
	ck_assert_ptr_null(parsed.envelope.members[SUIT_TEXT].wrapped.at);
}
END_TEST

START_TEST(prefix_severed_install_is_kept)
{
	struct suit_envelope e;
	struct buf severed;

	/* Not signed; only the shape matters here. */
	maker_envelope_file(&maker, &file);
	ck_assert_int_eq(suit_envelope_parse(buf_bytes(&file), &e, NULL), 0);
	buf_init(&severed, SUIT_ENVELOPE_MAX);
	cbor_put_tag(&severed, 107);
	cbor_put_map(&severed, 3);
	buf_add(&severed, file.at + 3, file.len - 3);
	cbor_put_uint(&severed, SUIT_INSTALL);
	cbor_put_bstr(&severed, bytes_of("\x80", 1));
	buf_reset(&file);
	buf_add_bytes(&file, buf_bytes(&severed));
	buf_done(&severed);
	make_bundle();
	ck_assert_int_eq(parse(), 0);
	ck_assert_uint_eq(
		parsed.envelope.members[SUIT_INSTALL].content.len, 1);
}
END_TEST

START_TEST(prefix_of_an_integrated_envelope_is_refused)
{
	make_bundle();
	buf_reset(&file);
	buf_add_bytes(&file, buf_bytes(&bundle));
	buf_reset(&prefix);
	ck_assert_int_eq(make_prefix(), ERR_LASTHOP_LAYOUT);
	ck_assert_str_eq(fault.field, "envelope.integrated");
}
END_TEST

static int without_uri(void)
{
	request.uri = bytes_of("", 0);
	return ERR_LASTHOP_LAYOUT;
}

static int long_uri(void)
{
	static char uri[LASTHOP_URI_MAX + 1];

	memset(uri, 'u', sizeof(uri));
	request.uri = bytes_of(uri, sizeof(uri));
	return ERR_LASTHOP_LAYOUT;
}

static int no_image(void)
{
	request.image_len = 0;
	return ERR_LASTHOP_LAYOUT;
}

static int huge_image(void)
{
	request.image_len = LASTHOP_IMAGE_MAX + 1;
	return ERR_LASTHOP_LAYOUT;
}

static int short_key(void)
{
	request.key.len--;
	return ERR_LASTHOP_HUB;
}

static int bad_hub(void)
{
	static const struct lasthop_hub bad = {"a b", 1};

	request.hub = &bad;
	return ERR_LASTHOP_HUB;
}

static int full_buffer(void)
{
	prefix.max = 60;
	return -EMSGSIZE;
}

static int no_envelope(void)
{
	buf_reset(&file);
	buf_add(&file, "\xd8\x6b\xa0", 3);
	return ERR_TRUST_SUIT_NO_WRAPPER;
}

static const struct refusal {
	const char *name;
	int (*spoil)(void);
} refusals[] = {
	{"without URI", without_uri},
	{"long URI", long_uri},
	{"no image", no_image},
	{"huge image", huge_image},
	{"short key", short_key},
	{"bad hub", bad_hub},
	{"full buffer", full_buffer},
	{"no envelope", no_envelope},
};

START_TEST(prefix_bad_request_is_refused)
{
	const struct refusal *row = &refusals[_i];
	int expected, err;

	maker_envelope_file(&maker, &file);
	expected = row->spoil();
	err = make_prefix();
	ck_assert_msg(err == expected, "%s: %s", row->name, err_name(err));
	ck_assert_msg(fault.rule[0], "%s: no rule", row->name);
}
END_TEST

START_TEST(prefix_eight_blocks_leave_no_room)
{
	struct suit_envelope e;
	struct buf wrapper, many;

	maker_envelope_file(&maker, &file);
	ck_assert_int_eq(suit_envelope_parse(buf_bytes(&file), &e, NULL), 0);
	buf_init(&wrapper, SUIT_ENVELOPE_MAX);
	buf_init(&many, SUIT_ENVELOPE_MAX);
	cbor_put_array(&wrapper, 9);
	cbor_put_bstr(&wrapper, e.signed_digest);
	for (int i = 0; i < 8; i++)
		cbor_put_bstr(&wrapper, e.blocks[0]);
	cbor_put_tag(&many, 107);
	cbor_put_map(&many, 2);
	cbor_put_uint(&many, SUIT_AUTH);
	cbor_put_bstr(&many, buf_bytes(&wrapper));
	cbor_put_uint(&many, SUIT_MANIFEST);
	buf_add_bytes(&many, e.manifest.wrapped);
	request.envelope = buf_bytes(&many);
	ck_assert_int_eq(lasthop_prefix(&request, &prefix, &fault),
		ERR_LASTHOP_LAYOUT);
	request.strip_signatures = true;
	buf_reset(&prefix);
	ck_assert_int_eq(lasthop_prefix(&request, &prefix, NULL), 0);
	buf_done(&many);
	buf_done(&wrapper);
}
END_TEST

/* ---- bundle ---- */

START_TEST(bundle_parse_head_alone_is_enough)
{
	make_bundle();
	ck_assert_int_eq(lasthop_bundle_parse(buf_bytes(&prefix), bundle.len,
		&left, &parsed, &fault), 0);
	ck_assert_uint_eq(parsed.image_at, prefix.len);
}
END_TEST

START_TEST(bundle_parse_any_shorter_head_is_refused)
{
	make_bundle();
	for (size_t len = 0; len < prefix.len; len++)
		ck_assert_msg(lasthop_bundle_parse(bytes_of(bundle.at, len),
			bundle.len, &left, &parsed, NULL) == ERR_LASTHOP_FORM,
			"%zu bytes", len);
}
END_TEST

START_TEST(bundle_parse_other_length_is_refused)
{
	make_bundle();
	ck_assert_int_eq(lasthop_bundle_parse(buf_bytes(&bundle),
		bundle.len - 1, &left, &parsed, &fault), ERR_LASTHOP_FORM);
	ck_assert_int_eq(lasthop_bundle_parse(buf_bytes(&bundle),
		bundle.len + 1, &left, &parsed, &fault), ERR_LASTHOP_FORM);
}
END_TEST

START_TEST(bundle_parse_plain_envelope_is_refused)
{
	maker_envelope_file(&maker, &file);
	ck_assert_int_eq(lasthop_bundle_parse(buf_bytes(&file), file.len,
		&left, &parsed, &fault), ERR_LASTHOP_FORM);
}
END_TEST

START_TEST(bundle_parse_second_text_key_is_refused)
{
	make_bundle();
	/* One pair more than the map said: the image is not the last. */
	ck_assert_uint_eq(bundle.at[2], 0xa3);
	bundle.at[2] = 0xa4;
	cbor_put_tstr(&bundle, "z");
	cbor_put_bstr(&bundle, bytes_of("x", 1));
	ck_assert_int_eq(parse(), ERR_LASTHOP_FORM);
}
END_TEST

START_TEST(bundle_parse_long_form_of_length_is_refused)
{
	make_bundle();
	/* 58 64 becomes 59 00 64. */
	ck_assert_uint_eq(prefix.at[prefix.len - 2], 0x58);
	buf_reset(&bundle);
	buf_add(&bundle, prefix.at, prefix.len - 2);
	buf_add(&bundle, "\x59\x00\x64", 3);
	buf_add(&bundle, image, IMAGE_LEN);
	ck_assert_int_eq(parse(), ERR_LASTHOP_FORM);
}
END_TEST

/* ---- MAC ---- */

START_TEST(verify_other_device_key_is_refused)
{
	uint8_t other[32];

	make_bundle();
	ck_assert_int_eq(parse(), 0);
	memcpy(other, device_key, 32);
	other[31] ^= 1;
	ck_assert_int_eq(lasthop_verify(&parsed.envelope, bytes_of(other, 32),
		&seen), ERR_TRUST_COSE_MAC);
}
END_TEST

START_TEST(verify_without_mac_is_refused)
{
	maker_envelope_file(&maker, &file);
	ck_assert_int_eq(suit_envelope_parse(buf_bytes(&file),
		&parsed.envelope, NULL), 0);
	ck_assert_int_eq(lasthop_verify(&parsed.envelope,
		bytes_of(device_key, 32), &seen), ERR_LASTHOP_NO_MAC);
}
END_TEST

START_TEST(verify_mac_of_another_epoch_in_the_kid_is_refused)
{
	static const struct lasthop_hub later = {"hub-1", 8};

	/* The key of epoch 7 under the name of epoch 8. */
	request.hub = &later;
	make_bundle();
	ck_assert_int_eq(verify(), ERR_TRUST_COSE_MAC);
}
END_TEST

START_TEST(verify_second_of_two_macs_counts)
{
	static const struct lasthop_hub first = {"hub-0", 9};
	struct lasthop_bundle one;
	struct buf kept;

	buf_init(&kept, SUIT_ENVELOPE_MAX);
	request.hub = &first;
	make_bundle();
	ck_assert_int_eq(lasthop_bundle_parse(buf_bytes(&bundle), bundle.len,
		&kept, &one, NULL), 0);
	buf_reset(&file);
	buf_add_bytes(&file, buf_bytes(&kept));
	buf_reset(&prefix);
	buf_reset(&bundle);
	request.hub = &hub;
	make_bundle();
	ck_assert_int_eq(verify(), 0);
	ck_assert_str_eq(seen.id, "hub-1");
	buf_done(&kept);
}
END_TEST

START_TEST(verify_any_changed_bit_of_the_prefix_is_refused)
{
	struct suit_envelope before;
	uint64_t sequence;
	size_t changes = 0;

	make_bundle();
	ck_assert_int_eq(suit_envelope_parse(buf_bytes(&file), &before, NULL),
		0);
	for (size_t i = 0; i < prefix.len * 8; i++) {
		int err;

		bundle.at[i / 8] ^= (uint8_t)(1u << i % 8);
		err = verify();
		if (!err)
			err = lasthop_image_check(&parsed.envelope, &facts, parsed.uri,
				maker.digest, IMAGE_LEN, &sequence, NULL);
		/* The author's block is not for this device: its bits may
		 * change, those of the manifest may not. */
		ck_assert_msg(err || bytes_equal(before.manifest.wrapped,
			parsed.envelope.manifest.wrapped), "bit %zu", i);
		changes += !err;
		bundle.at[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	ck_assert_uint_le(changes, 8 * (before.blocks[0].len + 1));
}
END_TEST

START_TEST(image_check_other_image_is_refused)
{
	uint8_t other[32] = {1};
	uint64_t sequence;

	make_bundle();
	ck_assert_int_eq(parse(), 0);
	ck_assert_int_eq(lasthop_image_check(&parsed.envelope, &facts, parsed.uri,
		other, IMAGE_LEN, &sequence, &fault), ERR_LASTHOP_IMAGE);
	ck_assert_int_eq(lasthop_image_check(&parsed.envelope, &facts, parsed.uri,
		maker.digest, IMAGE_LEN - 1, &sequence, &fault),
		ERR_LASTHOP_IMAGE);
}
END_TEST

START_TEST(image_check_other_uri_is_refused)
{
	uint64_t sequence;

	request.uri = bytes_of_text("../p/2");
	make_bundle();
	ck_assert_int_eq(verify(), 0);
	ck_assert_int_eq(lasthop_image_check(&parsed.envelope, &facts, parsed.uri,
		maker.digest, IMAGE_LEN, &sequence, &fault),
		ERR_LASTHOP_IMAGE);
}
END_TEST

START_TEST(image_check_empty_uri_is_refused)
{
	uint64_t sequence;

	make_bundle();
	ck_assert_int_eq(parse(), 0);
	ck_assert_int_eq(lasthop_image_check(&parsed.envelope, &facts,
		bytes_of("", 0), maker.digest, IMAGE_LEN, &sequence, &fault),
		ERR_LASTHOP_IMAGE);
}
END_TEST

START_TEST(image_uri_is_that_of_the_fetch)
{
	uint8_t other[32] = {1};
	struct bytes uri;

	make_bundle();
	ck_assert_int_eq(parse(), 0);
	ck_assert_int_eq(lasthop_image_uri(&parsed.envelope, &facts,
		maker.digest, IMAGE_LEN, &uri, &fault), 0);
	ck_assert(bytes_is_text(uri, "../p/1"));
	ck_assert_int_eq(lasthop_image_uri(&parsed.envelope, &facts, other,
		IMAGE_LEN, &uri, &fault), ERR_LASTHOP_IMAGE);
}
END_TEST

/* ---- files of keys ---- */

#define K1 "1111111111111111111111111111111111111111111111111111111111111111"
#define K2 "2222222222222222222222222222222222222222222222222222222222222222"
#define K0 "0000000000000000000000000000000000000000000000000000000000000000"
#define DEVICES "ferry-device-keys 1\n"
#define HUB "ferry-hub-keys 1\nhub h\nepoch 1\n"

static int keys_parse(const char *text, enum lasthop_keys_kind kind,
	struct lasthop_keys **ret)
{
	return lasthop_keys_parse(bytes_of_text(text), kind, ret, &fault);
}

START_TEST(keys_parse_device_file_finds_each)
{
	struct lasthop_keys *keys;

	ck_assert_int_eq(keys_parse("# ours\n\n" DEVICES "device b " K1
		"\ndevice  a  " K2, LASTHOP_DEVICE_KEYS, &keys), 0);
	ck_assert_uint_eq(lasthop_keys_count(keys), 2);
	ck_assert_str_eq(lasthop_keys_at(keys, 0)->name, "a");
	ck_assert_uint_eq(lasthop_keys_find(keys, "b")->key[0], 0x11);
	ck_assert_ptr_null(lasthop_keys_find(keys, "c"));
	lasthop_keys_free(keys);
}
END_TEST

START_TEST(keys_put_makes_the_file_of_a_hub)
{
	struct lasthop_keys *devices, *keys;
	struct lasthop_hub h = {"h", 12};
	uint8_t expected[32], secret[32];
	struct buf out;

	memset(secret, 0x11, sizeof(secret));
	buf_init(&out, 4096);
	ck_assert_int_eq(keys_parse(DEVICES "device a " K1 "\ndevice b " K2,
		LASTHOP_DEVICE_KEYS, &devices), 0);
	ck_assert_int_eq(lasthop_keys_put(devices, &h, &out), 0);
	ck_assert_int_eq(lasthop_keys_parse(buf_bytes(&out), LASTHOP_HUB_KEYS,
		&keys, &fault), 0);
	ck_assert_str_eq(lasthop_keys_hub(keys)->id, "h");
	ck_assert_uint_eq(lasthop_keys_hub(keys)->epoch, 12);
	ck_assert_uint_eq(lasthop_keys_count(keys), 2);
	ck_assert_int_eq(lasthop_derive(bytes_of(secret, 32), &h, expected),
		0);
	ck_assert_int_eq(memcmp(lasthop_keys_find(keys, "a")->key, expected,
		32), 0);
	lasthop_keys_free(keys);
	lasthop_keys_free(devices);
	buf_done(&out);
}
END_TEST

static const struct bad_keys {
	const char *name;
	enum lasthop_keys_kind kind;
	const char *text, *field;
} bad_keys[] = {
	{"empty", LASTHOP_DEVICE_KEYS, "", "file"},
	{"no first line", LASTHOP_DEVICE_KEYS, "device a " K1, "line 1"},
	{"other kind", LASTHOP_HUB_KEYS, DEVICES, "line 1"},
	{"later format", LASTHOP_DEVICE_KEYS, "ferry-device-keys 2\n",
		"line 1"},
	{"unknown word", LASTHOP_DEVICE_KEYS, DEVICES "key a " K1, "line 2"},
	{"hub in a device file", LASTHOP_DEVICE_KEYS, DEVICES "hub h",
		"line 2"},
	{"name without key", LASTHOP_DEVICE_KEYS, DEVICES "device a",
		"line 2"},
	{"short key", LASTHOP_DEVICE_KEYS, DEVICES "device a 11", "line 2"},
	{"no hexadecimal", LASTHOP_DEVICE_KEYS, DEVICES "device a x" K1,
		"line 2"},
	{"long key", LASTHOP_DEVICE_KEYS, DEVICES "device a " K1 "1",
		"line 2"},
	{"zeros", LASTHOP_DEVICE_KEYS, DEVICES "device a " K0, "line 2"},
	{"name twice", LASTHOP_DEVICE_KEYS, DEVICES "device a " K1
		"\ndevice a " K2, "file"},
	{"key twice", LASTHOP_DEVICE_KEYS, DEVICES "device a " K1
		"\ndevice b " K1, "file"},
	{"a third word", LASTHOP_DEVICE_KEYS, DEVICES "device a " K1 " x",
		"line 2"},
	{"no printable name", LASTHOP_DEVICE_KEYS, DEVICES "device a\x01 " K1,
		"line 2"},
	{"long name", LASTHOP_DEVICE_KEYS, DEVICES "device " K1 "x " K1,
		"line 2"},
	{"no hub", LASTHOP_HUB_KEYS, "ferry-hub-keys 1\nepoch 1\n", "file"},
	{"no epoch", LASTHOP_HUB_KEYS, "ferry-hub-keys 1\nhub h\n", "file"},
	{"hub twice", LASTHOP_HUB_KEYS, HUB "hub h", "line 4"},
	{"epoch twice", LASTHOP_HUB_KEYS, HUB "epoch 1", "line 4"},
	{"bad hub id", LASTHOP_HUB_KEYS, "ferry-hub-keys 1\nhub a/b\n",
		"line 2"},
	{"no hub id", LASTHOP_HUB_KEYS, "ferry-hub-keys 1\nhub\n", "line 2"},
	{"empty epoch", LASTHOP_HUB_KEYS, "ferry-hub-keys 1\nepoch\n",
		"line 2"},
	{"epoch below zero", LASTHOP_HUB_KEYS, "ferry-hub-keys 1\nepoch -1\n",
		"line 2"},
	{"huge epoch", LASTHOP_HUB_KEYS,
		"ferry-hub-keys 1\nepoch 9223372036854775808\n", "line 2"},
};

START_TEST(keys_parse_bad_file_is_refused)
{
	const struct bad_keys *row = &bad_keys[_i];
	struct lasthop_keys *keys = NULL;
	int err = keys_parse(row->text, row->kind, &keys);

	ck_assert_msg(err == ERR_LASTHOP_KEYS, "%s: %s", row->name,
		err_name(err));
	ck_assert_msg(!strcmp(fault.field, row->field), "%s: %s", row->name,
		fault.field);
	ck_assert_msg(!strstr(fault.rule, "1111"), "%s tells a key", row->name);
}
END_TEST

START_TEST(keys_parse_long_line_is_refused)
{
	struct lasthop_keys *keys = NULL;
	char text[400];

	snprintf(text, sizeof(text), "%s#%300s", DEVICES, "");
	ck_assert_int_eq(keys_parse(text, LASTHOP_DEVICE_KEYS, &keys),
		ERR_LASTHOP_KEYS);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static TCase *envelope_case(void)
{
	TCase *c = tcase_create("envelope");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, derive_known_input_gives_known_key);
	tcase_add_test(c, derive_another_hub_or_epoch_gives_another_key);
	tcase_add_test(c, derive_short_device_key_is_refused);
	tcase_add_test(c, kid_is_read_back);
	tcase_add_loop_test(c, kid_read_malformed_is_refused, 0,
		ROWS(bad_kids));
	tcase_add_test(c,
		prefix_of_usual_envelope_makes_a_bundle_that_verifies);
	tcase_add_test(c, prefix_with_image_is_a_strict_envelope);
	tcase_add_test(c,
		prefix_keeps_manifest_digest_and_author_as_they_are);
	tcase_add_test(c, prefix_twice_is_the_same);
	tcase_add_test(c, prefix_strip_signatures_leaves_only_the_mac);
	tcase_add_test(c, prefix_severed_text_is_left_out);
	tcase_add_test(c, prefix_severed_install_is_kept);
	tcase_add_test(c, prefix_of_an_integrated_envelope_is_refused);
	tcase_add_loop_test(c, prefix_bad_request_is_refused, 0,
		ROWS(refusals));
	tcase_add_test(c, prefix_eight_blocks_leave_no_room);
	tcase_add_test(c, bundle_parse_head_alone_is_enough);
	tcase_add_test(c, bundle_parse_any_shorter_head_is_refused);
	tcase_add_test(c, bundle_parse_other_length_is_refused);
	tcase_add_test(c, bundle_parse_plain_envelope_is_refused);
	tcase_add_test(c, bundle_parse_second_text_key_is_refused);
	tcase_add_test(c, bundle_parse_long_form_of_length_is_refused);
	tcase_add_test(c, verify_other_device_key_is_refused);
	tcase_add_test(c, verify_without_mac_is_refused);
	tcase_add_test(c, verify_mac_of_another_epoch_in_the_kid_is_refused);
	tcase_add_test(c, verify_second_of_two_macs_counts);
	tcase_add_test(c, verify_any_changed_bit_of_the_prefix_is_refused);
	tcase_add_test(c, image_check_other_image_is_refused);
	tcase_add_test(c, image_check_other_uri_is_refused);
	tcase_add_test(c, image_check_empty_uri_is_refused);
	tcase_add_test(c, image_uri_is_that_of_the_fetch);
	return c;
}

static TCase *keys_case(void)
{
	TCase *c = tcase_create("keys");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, keys_parse_device_file_finds_each);
	tcase_add_test(c, keys_put_makes_the_file_of_a_hub);
	tcase_add_loop_test(c, keys_parse_bad_file_is_refused, 0,
		ROWS(bad_keys));
	tcase_add_test(c, keys_parse_long_line_is_refused);
	return c;
}

int main(void)
{
	Suite *suite = suite_create("lasthop");

	suite_add_tcase(suite, envelope_case());
	suite_add_tcase(suite, keys_case());
	return unit_run(suite);
}
