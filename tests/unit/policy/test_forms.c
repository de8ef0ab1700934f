/* Roots and catalogs with every member that the formats have: each is read, and
 * each refuses, with the name of a field, when it is of another type. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/policy/maker.h"

static struct buf payload;
static struct buf file;

static void setup(void)
{
	buf_init(&payload, 1 << 16);
	buf_init(&file, 1 << 17);
}

static void teardown(void)
{
	buf_done(&file);
	buf_done(&payload);
}

static struct bytes filled(uint8_t with, size_t len)
{
	static uint8_t all[8][64];
	uint8_t *at = all[with % 8];

	memset(at, with, 64);
	return bytes_of(at, len);
}

static void put_pair(struct buf *b, uint64_t key, uint64_t value)
{
	cbor_put_uint(b, key);
	cbor_put_uint(b, value);
}

static void put_bytes(struct buf *b, uint64_t key, struct bytes value)
{
	cbor_put_uint(b, key);
	cbor_put_bstr(b, value);
}

static void put_text(struct buf *b, uint64_t key, const char *value)
{
	cbor_put_uint(b, key);
	cbor_put_tstr(b, value);
}

static void put_component(struct buf *b, uint64_t key)
{
	cbor_put_uint(b, key);
	cbor_put_array(b, 2);
	cbor_put_bstr(b, bytes_of("app", 3));
	cbor_put_bstr(b, bytes_of("\1", 1));
}

static void put_evidence(struct buf *b)
{
	cbor_put_uint(b, 8);
	cbor_put_array(b, 2);
	for (uint8_t kind = 1; kind <= 2; kind++) {
		cbor_put_map(b, 4);
		put_pair(b, 1, kind);
		put_bytes(b, 2, filled(kind, 32));
		put_pair(b, 3, 1000);
		put_text(b, 40, "of a later version");
	}
}

static void put_payloads(struct buf *b)
{
	cbor_put_uint(b, 8);
	cbor_put_array(b, 1);
	cbor_put_array(b, 3);
	cbor_put_tstr(b, "p/image");
	cbor_put_uint(b, 70000);
	cbor_put_bstr(b, filled(3, 32));
}

static void put_expect(struct buf *b)
{
	cbor_put_uint(b, 9);
	cbor_put_map(b, 3);
	put_text(b, 1, "1.2.3");
	put_bytes(b, 2, filled(4, 64));
	put_text(b, 9, "of a later version");
}

static void put_entry(struct buf *b)
{
	cbor_put_map(b, 18);
	put_bytes(b, 1, bytes_of(maker_vendor_id, 16));
	put_bytes(b, 2, bytes_of(maker_class_id, 16));
	put_component(b, 3);
	put_pair(b, 4, 7);
	put_bytes(b, 5, filled(5, 32));
	put_bytes(b, 6, filled(6, 32));
	put_pair(b, 7, 500);
	put_payloads(b);
	put_expect(b);
	put_text(b, 10, "1.2.3");
	cbor_put_uint(b, 11);
	cbor_put_array(b, 2);
	cbor_put_uint(b, 2);
	cbor_put_uint(b, 4);
	cbor_put_uint(b, 12);
	cbor_put_bool(b, true);
	put_text(b, 13, "notes");
	put_pair(b, 14, MAKER_NOW + MAKER_YEAR);
	put_text(b, 15, "spring");
	cbor_put_uint(b, 16);
	cbor_put_array(b, 1);
	cbor_put_bstr(b, filled(7, 32));
	cbor_put_uint(b, 17);
	cbor_put_bool(b, false);
	put_text(b, 1000, "of a later version");
}

static void full_catalog(struct buf *b)
{
	cbor_put_map(b, 10);
	put_pair(b, 1, 1);
	put_pair(b, 2, 9);
	put_pair(b, 3, MAKER_NOW);
	put_pair(b, 4, MAKER_NOW + MAKER_YEAR);
	put_pair(b, 5, 1);
	put_pair(b, 6, 1);
	cbor_put_uint(b, 7);
	cbor_put_array(b, 1);
	put_entry(b);
	put_evidence(b);
	put_bytes(b, 9, bytes_of("quirks", 6));
	put_text(b, 70, "of a later version");
}

static void put_key(struct buf *b, const char *name)
{
	struct buf key;

	buf_init(&key, 256);
	cose_key_put(&key, &maker_key(name)->key);
	put_bytes(b, 1, buf_bytes(&key));
	buf_done(&key);
}

static void put_scope(struct buf *b)
{
	cbor_put_uint(b, 3);
	cbor_put_array(b, 1);
	cbor_put_map(b, 4);
	put_bytes(b, 1, bytes_of(maker_vendor_id, 16));
	put_bytes(b, 2, bytes_of(maker_class_id, 16));
	put_component(b, 3);
	put_text(b, 50, "of a later version");
}

static void put_role(struct buf *b, unsigned number, const char *name)
{
	cbor_put_uint(b, number);
	cbor_put_map(b, 3);
	put_pair(b, 1, 1);
	cbor_put_uint(b, 2);
	cbor_put_array(b, 1);
	cbor_put_map(b, 4);
	put_key(b, name);
	put_scope(b);
	cbor_put_uint(b, 4);
	cbor_put_bool(b, true);
	put_text(b, 60, "of a later version");
	put_text(b, 30, "of a later version");
}

static void put_certificate_role(struct buf *b, unsigned number)
{
	struct maker_cert cert = {
		.subject = "CN=operator",
		.key = maker_key("operator"),
		.ca = true,
	};

	maker_cert_make(&cert);
	cbor_put_uint(b, number);
	cbor_put_map(b, 2);
	put_pair(b, 1, 1);
	cbor_put_uint(b, 2);
	cbor_put_array(b, 1);
	cbor_put_map(b, 1);
	put_bytes(b, 2, maker_cert_der(&cert));
}

static void put_transfer(struct buf *b)
{
	cbor_put_uint(b, 7);
	cbor_put_array(b, 1);
	cbor_put_map(b, 3);
	cbor_put_uint(b, 1);
	cbor_put_array(b, 1);
	cbor_put_bstr(b, filled(1, 16));
	put_bytes(b, 2, filled(2, 32));
	put_text(b, 33, "of a later version");
}

static void full_root(struct buf *b)
{
	cbor_put_map(b, 10);
	put_pair(b, 1, 1);
	put_pair(b, 2, 3);
	put_pair(b, 3, MAKER_NOW);
	put_pair(b, 4, MAKER_NOW + MAKER_YEAR);
	put_pair(b, 5, 2);
	cbor_put_uint(b, 6);
	cbor_put_map(b, 4);
	put_role(b, 1, "root-a");
	put_role(b, 2, "catalog");
	put_role(b, 3, "author");
	put_certificate_role(b, 4);
	put_transfer(b);
	cbor_put_uint(b, 8);
	cbor_put_array(b, 1);
	cbor_put_tstr(b, "crl.acme.example");
	put_pair(b, 9, 7200);
	put_text(b, 88, "of a later version");
}

/* COSE_Sign around a payload; the signature is of nobody, which parsing does
 * not ask. */
static struct bytes wrapped(struct bytes content)
{
	buf_reset(&file);
	cbor_put_tag(&file, COSE_SIGN);
	cbor_put_array(&file, 4);
	cbor_put_bstr(&file, bytes_of("", 0));
	cbor_put_map(&file, 0);
	cbor_put_bstr(&file, content);
	cbor_put_array(&file, 1);
	cbor_put_array(&file, 3);
	cbor_put_bstr(&file, bytes_of("\xa1\x01\x26", 3));
	cbor_put_map(&file, 0);
	cbor_put_bstr(&file, filled(0, 64));
	ck_assert_int_eq(file.err, 0);
	return buf_bytes(&file);
}

static int parse_catalog(struct bytes in, struct fault *fault)
{
	struct catalog *catalog = NULL;
	int err = catalog_parse(in, &catalog, fault);

	catalog_free(catalog);
	return err;
}

static int parse_root(struct bytes in, struct fault *fault)
{
	struct root *root = NULL;
	int err = root_parse(in, &root, fault);

	root_free(root);
	return err;
}

struct form {
	const char *name;
	void (*put)(struct buf *b);
	int (*parse)(struct bytes in, struct fault *fault);
};

static const struct form forms[] = {
	{"catalog", full_catalog, parse_catalog},
	{"root", full_root, parse_root},
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

START_TEST(catalog_parse_every_member_is_read)
{
	struct catalog *c = NULL;
	struct catalog_payload image;
	struct bytes precursor;
	const struct catalog_entry *e;

	full_catalog(&payload);
	ck_assert_int_eq(
		catalog_parse(wrapped(buf_bytes(&payload)), &c, NULL), 0);
	e = &c->entries[0];
	ck_assert_uint_eq(c->sequence, 9);
	ck_assert_uint_eq(c->evidence_count, 2);
	ck_assert_uint_eq(c->evidence[0].kind, 1);
	ck_assert_uint_eq(c->evidence[1].kind, 2);
	ck_assert_uint_eq(c->evidence[1].len, 1000);
	ck_assert(bytes_equal(c->evidence[1].sha256, filled(2, 32)));
	ck_assert(bytes_equal(c->quirks, bytes_of("quirks", 6)));
	ck_assert(bytes_equal(e->expect_version, bytes_of("1.2.3", 5)));
	ck_assert(bytes_equal(e->expect_digest, filled(4, 64)));
	ck_assert(bytes_equal(e->version, bytes_of("1.2.3", 5)));
	ck_assert(bytes_equal(e->notes, bytes_of("notes", 5)));
	ck_assert(bytes_equal(e->set, bytes_of("spring", 6)));
	ck_assert(e->security && !e->withdrawn && e->has_hardware);
	ck_assert_uint_eq(e->hardware_min, 2);
	ck_assert_uint_eq(e->hardware_max, 4);
	ck_assert_uint_eq(e->end_of_support, MAKER_NOW + MAKER_YEAR);
	ck_assert_int_eq(catalog_entry_payload(e, 0, &image), 0);
	ck_assert_uint_eq(image.len, 70000);
	ck_assert_int_eq(catalog_entry_payload(e, 1, &image), -ENOENT);
	ck_assert_int_eq(catalog_entry_precursor(e, 0, &precursor), 0);
	ck_assert(bytes_equal(precursor, filled(7, 32)));
	ck_assert_int_eq(catalog_entry_precursor(e, 1, &precursor), -ENOENT);
	catalog_free(c);
}
END_TEST

START_TEST(root_parse_every_member_is_read)
{
	const struct root_role *operators;
	const struct root_entry *author;
	struct root *r = NULL;

	full_root(&payload);
	ck_assert_int_eq(root_parse(wrapped(buf_bytes(&payload)), &r, NULL), 0);
	author = &root_role(r, ROLE_AUTHOR)->entries[0];
	operators = root_role(r, ROLE_OPERATOR);
	ck_assert_uint_eq(r->version, 3);
	ck_assert_uint_eq(r->epoch, 2);
	ck_assert_uint_eq(r->offline_grace_s, 7200);
	ck_assert_uint_eq(r->host_count, 1);
	ck_assert(bytes_equal(r->hosts[0], bytes_of("crl.acme.example", 16)));
	ck_assert_ptr_nonnull(root_transfer_of(r, filled(1, 16)));
	ck_assert(bytes_equal(r->transfers[0].heir, filled(2, 32)));
	ck_assert(author->revoked_by_root_only);
	ck_assert_uint_eq(author->scope_count, 1);
	ck_assert(root_entry_allows(author, bytes_of(maker_vendor_id, 16),
		bytes_of(maker_class_id, 16),
		bytes_of("\x82\x43"
			 "app\x41\1",
			7)));
	ck_assert(!root_entry_allows(author, filled(1, 16),
		bytes_of(maker_class_id, 16), (struct bytes){0}));
	ck_assert_int_eq(operators->entries[0].kind, ROOT_ENTRY_CERTIFICATE);
	root_free(r);
}
END_TEST

/* The end of the item that begins at `at`. */
static size_t item_end(struct bytes in, size_t at)
{
	struct cbor r;
	struct bytes span;

	cbor_init(&r, bytes_of(in.at + at, in.len - at), CBOR_STRICT);
	ck_assert_int_eq(cbor_skip(&r, &span), 0);
	return at + span.len;
}

/* Where the next item begins, inside this one if it is a container. */
static size_t next_item(struct bytes in, size_t at)
{
	unsigned info = in.at[at] & 31;
	unsigned major = in.at[at] >> 5;
	size_t head = info < 24 ? 1 : (size_t)1 + ((size_t)1 << (info - 24));

	return major >= 4 && major <= 6 ? at + head : item_end(in, at);
}

static int parse_replaced(const struct form *form, struct bytes in, size_t from,
	size_t to, struct bytes with, struct fault *fault)
{
	struct buf changed;
	int err;

	buf_init(&changed, 1 << 16);
	buf_add(&changed, in.at, from);
	buf_add(&changed, with.at, with.len);
	buf_add(&changed, in.at + to, in.len - to);
	ck_assert_int_eq(changed.err, 0);
	err = form->parse(wrapped(buf_bytes(&changed)), fault);
	buf_done(&changed);
	return err;
}

static const struct bytes strangers[] = {
	{(const uint8_t *)"\xf6", 1},				  /* null */
	{(const uint8_t *)"\xa0", 1},				  /* {} */
	{(const uint8_t *)"\x80", 1},				  /* [] */
	{(const uint8_t *)"\x40", 1},				  /* h'' */
	{(const uint8_t *)"\x60", 1},				  /* "" */
	{(const uint8_t *)"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", 9}, /* 2^64-1 */
	{(const uint8_t *)"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", 9},
	{(const uint8_t *)"\xbb\x00\x00\x00\x01\x00\x00\x00\x00", 9},
	{(const uint8_t *)"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff", 9},
	{(const uint8_t *)"\x21", 1}, /* -2 */
	{(const uint8_t *)"\xfb\x40\x09\x21\xfb\x54\x44\x2d\x18", 9},
};

#define STRANGERS (sizeof(strangers) / sizeof(strangers[0]))

/* Replacing an item must refuse, but for values that happen to be allowed there:
 * those that a number may have, empty lists, unknown members. */
static bool may_pass(struct bytes in, size_t at, struct bytes with)
{
	static const char later[] = "of a later version";
	struct bytes rest = bytes_of(in.at + at, in.len - at);
	unsigned was = in.at[at] >> 5;
	unsigned now = with.at[0] >> 5;

	if (rest.len >= sizeof(later) &&
		!memcmp(rest.at + 1, later, sizeof(later) - 1))
		return true;
	return was == now;
}

START_TEST(parse_item_of_another_type_refuses_with_a_field)
{
	const struct form *form = &forms[_i / STRANGERS];
	struct bytes with = strangers[_i % STRANGERS];
	struct bytes in;
	unsigned refused = 0;

	form->put(&payload);
	in = buf_bytes(&payload);
	for (size_t at = 0; at < in.len; at = next_item(in, at)) {
		struct fault fault = {0};
		int err = parse_replaced(
			form, in, at, item_end(in, at), with, &fault);

		ck_assert_msg(err || may_pass(in, at, with),
			"%s: the item at %zu may be 0x%02x", form->name, at,
			with.at[0]);
		ck_assert_msg(!err || fault.field[0],
			"%s: no field for the item at %zu", form->name, at);
		refused += err != 0;
	}
	ck_assert_uint_gt(refused, 20);
}
END_TEST

START_TEST(parse_every_truncation_of_the_payload_refuses)
{
	const struct form *form = &forms[_i];
	struct bytes in;

	form->put(&payload);
	in = buf_bytes(&payload);
	ck_assert_int_eq(form->parse(wrapped(in), NULL), 0);
	for (size_t len = 0; len < in.len; len++) {
		struct fault fault = {0};

		ck_assert_int_ne(
			form->parse(wrapped(bytes_of(in.at, len)), &fault), 0);
		ck_assert(fault.field[0]);
	}
}
END_TEST

/* What stands around the payload is judged first. */
START_TEST(parse_other_wrapping_refuses)
{
	static const uint8_t too_long[CATALOG_FILE_MAX + 1];
	static const uint8_t mac0[] = {
		0xd1, 0x84, 0x43, 0xa1, 0x01, 0x05, 0xa0, 0x41, 0xa0, 0x41, 0};
	const struct form *form = &forms[_i];
	struct bytes detached;

	ck_assert_int_eq(form->parse(bytes_of("", 0), NULL), ERR_TOO_LARGE);
	ck_assert_int_eq(form->parse(bytes_of(too_long, sizeof(too_long)), NULL),
		ERR_TOO_LARGE);
	ck_assert_int_eq(form->parse(bytes_of(mac0, sizeof(mac0)), NULL),
		ERR_TRUST_COSE_TAG);
	detached = wrapped(bytes_of("", 0));
	((uint8_t *)(uintptr_t)detached.at)[5] = 0xf6;
	ck_assert_int_eq(form->parse(detached, NULL), ERR_TRUST_COSE_DETACHED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("forms");
	TCase *t = tcase_create("forms");

	maker_init();
	maker_key("root-a");
	maker_key("catalog");
	maker_key("author");
	maker_key("operator");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, catalog_parse_every_member_is_read);
	tcase_add_test(t, root_parse_every_member_is_read);
	tcase_add_loop_test(t, parse_item_of_another_type_refuses_with_a_field,
		0, (int)(FORMS * STRANGERS));
	tcase_add_loop_test(t, parse_every_truncation_of_the_payload_refuses, 0,
		FORMS);
	tcase_add_loop_test(t, parse_other_wrapping_refuses, 0, FORMS);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
