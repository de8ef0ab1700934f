#include "tests/unit/unit.h"

#include "devices/mcuboot/image.h"

/* The complete image of 104 bytes, as published: version 1.2.3+4. */
static const char image_hex[] =
	"3db8f396000000002000000020000000000000000102030004000000"
	"00000000"
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	"0769280010002000"
	"06245178f907abd61c77aa4f4d5653b55287ea6177ddde9a96d7e6a5c6496d77";

/* A digest that knows one answer: the tests of the reader need to know which
 * bytes were hashed, not SHA-256. */
struct tape {
	uint8_t bytes[4096];
	size_t len;
	uint8_t answer[32];
	int rc;
};

static int tape_add(void *arg, struct bytes part)
{
	struct tape *tape = arg;

	ck_assert_uint_le(part.len, sizeof(tape->bytes) - tape->len);
	memcpy(tape->bytes + tape->len, part.at, part.len);
	tape->len += part.len;
	return tape->rc;
}

static int tape_finish(void *arg, uint8_t ret_hash[32])
{
	struct tape *tape = arg;

	memcpy(ret_hash, tape->answer, 32);
	return 0;
}

static size_t published(uint8_t *at)
{
	ck_assert_int_eq(bytes_from_hex(image_hex, at, 104), 0);
	return 104;
}

static int read_all(struct bytes file, size_t piece, struct tape *tape,
	struct mcuboot_image *ret, struct fault *f)
{
	struct mcuboot_digest digest = {tape_add, tape_finish, tape};
	struct mcuboot_reader r;

	mcuboot_reader_init(&r, tape ? &digest : NULL);
	for (size_t at = 0; at < file.len; at += piece)
		if (mcuboot_reader_add(&r, bytes_slice(file, at, piece), f))
			break;
	return mcuboot_reader_finish(&r, ret, f);
}

START_TEST(reader_published_image_in_pieces)
{
	static const size_t pieces[] = {1, 3, 7, 32, 33, 64, 104};
	struct mcuboot_image image;
	static struct tape tape;
	uint8_t raw[128];
	size_t len = published(raw);
	char hex[65];

	tape = (struct tape){0};
	memcpy(tape.answer, raw + 72, 32);
	ck_assert_int_eq(read_all(bytes_of(raw, len), pieces[_i], &tape,
		&image, NULL), 0);
	ck_assert_str_eq(image.version, "1.2.3.4");
	ck_assert_uint_eq(image.hash_len, 32);
	ck_assert_str_eq(bytes_to_hex(bytes_of(image.hash, 32), hex,
		sizeof(hex)), "06245178f907abd61c77aa4f4d5653b55287ea6177ddde9a"
		"96d7e6a5c6496d77");
	ck_assert(image.hash_checked);
	ck_assert(!image.is_signed);
	ck_assert_uint_eq(image.used_len, 104);
	ck_assert_uint_eq(tape.len, 64);
	ck_assert(!memcmp(tape.bytes, raw, 64));
}
END_TEST

START_TEST(reader_padded_image_ignores_the_trailer)
{
	uint8_t raw[1024];
	struct mcuboot_image image;
	size_t len = published(raw);

	memset(raw + len, 0xff, sizeof(raw) - len);
	ck_assert_int_eq(read_all(bytes_of(raw, sizeof(raw)), 100, NULL,
		&image, NULL), 0);
	ck_assert_uint_eq(image.used_len, 104);
	ck_assert(!image.hash_checked);
}
END_TEST

START_TEST(reader_wrong_hash_is_refused)
{
	static struct tape tape;
	uint8_t raw[128];
	struct fault f = {0};
	size_t len = published(raw);

	tape = (struct tape){0};
	ck_assert_int_eq(read_all(bytes_of(raw, len), len, &tape, NULL, &f),
		ERR_MCUBOOT_HASH);
	ck_assert_str_eq(f.field, "tlvs.sha256");
}
END_TEST

START_TEST(reader_encrypted_image_is_not_recomputed)
{
	static struct tape tape;
	struct mcuboot_image image;
	uint8_t raw[128];
	size_t len = published(raw);

	tape = (struct tape){0};
	raw[16] = MCUBOOT_ENCRYPTED_128;
	ck_assert_int_eq(read_all(bytes_of(raw, len), len, &tape, &image,
		NULL), 0);
	ck_assert(!image.hash_checked);
}
END_TEST

START_TEST(reader_digest_error_ends_reading)
{
	static struct tape tape;
	uint8_t raw[128];
	size_t len = published(raw);

	tape = (struct tape){.rc = -5};
	ck_assert_int_eq(read_all(bytes_of(raw, len), len, &tape, NULL, NULL),
		-5);
}
END_TEST

START_TEST(reader_every_cut_is_truncated)
{
	uint8_t raw[128];
	struct fault f = {0};

	published(raw);
	ck_assert_int_eq(read_all(bytes_of(raw, (size_t)_i), 1000, NULL, NULL,
		&f), ERR_MCUBOOT_TRUNCATED);
	ck_assert_str_eq(f.rule, "ends before its last TLV");
}
END_TEST

/* Builds: header with the given sizes, 4 bytes of image, then areas. */
struct row {
	const char *name;
	uint16_t protected_size;
	const char *areas; /* hexadecimal */
	int rc;
	bool is_signed;
	int64_t counter; /* -1: none */
};

#define H32 "00000000000000000000000000000000" \
	"00000000000000000000000000000000"

static const struct row rows[] = {
	{"hash only", 0, "0769" "2800" "10002000" H32, 0, false, -1},
	{"counter and signature", 12, "0869" "0c00" "50000400" "2a000000"
		"0769" "3000" "10002000" H32 "22000400" "01020304", 0, true, 42},
	{"unknown entries", 0, "0769" "3400" "a0000400" "01020304" "60000000"
		"10002000" H32, 0, false, -1},
	{"counter outside is not taken", 0, "0769" "3000" "50000400" "2a000000"
		"10002000" H32, 0, false, -1},
	{"no hash", 0, "0769" "0400", ERR_MCUBOOT_NO_HASH, false, -1},
	{"two hashes", 0, "0769" "4c00" "10002000" H32 "10002000" H32,
		ERR_MCUBOOT_NO_HASH, false, -1},
	{"hash in the protected area", 40, "0869" "2800" "10002000" H32
		"0769" "0400", ERR_MCUBOOT_TLV, false, -1},
	{"hash of 31 bytes", 0, "0769" "2700" "10001f00" H32, ERR_MCUBOOT_TLV,
		false, -1},
	{"wrong area magic", 0, "0869" "2800" "10002000" H32, ERR_MCUBOOT_TLV,
		false, -1},
	{"protected area missing", 12, "0769" "2800" "10002000" H32,
		ERR_MCUBOOT_TLV, false, -1},
	{"protected total differs", 16, "0869" "0c00" "50000400" "2a000000",
		ERR_MCUBOOT_TLV, false, -1},
	{"total below 4", 0, "0769" "0300", ERR_MCUBOOT_TLV, false, -1},
	{"entry past the end", 0, "0769" "2700" "10002000" H32,
		ERR_MCUBOOT_TLV, false, -1},
	{"stray bytes", 0, "0769" "2a00" "10002000" H32 "0000",
		ERR_MCUBOOT_TLV, false, -1},
	{"protected size of 3", 3, "", ERR_MCUBOOT_HEADER, false, -1},
};

START_TEST(reader_areas_by_row)
{
	const struct row *row = &rows[_i];
	size_t len = strlen(row->areas) / 2;
	struct mcuboot_image image = {0};
	struct fault f = {0};
	uint8_t raw[256] = {0};
	int rc;

	published(raw);
	put_le16(raw + 10, row->protected_size);
	put_le32(raw + 12, 4);
	ck_assert_int_eq(bytes_from_hex(row->areas, raw + 36, len), 0);
	rc = read_all(bytes_of(raw, 36 + len), 5, NULL, &image, &f);
	ck_assert_msg(rc == row->rc, "%s: %s (%s %s)", row->name,
		err_name(rc), f.field, f.rule);
	if (rc)
		return;
	ck_assert_msg(image.is_signed == row->is_signed, "%s", row->name);
	ck_assert_msg(image.has_counter == (row->counter >= 0), "%s",
		row->name);
	if (row->counter >= 0)
		ck_assert_uint_eq(image.counter, (uint64_t)row->counter);
}
END_TEST

START_TEST(reader_too_many_entries_are_refused)
{
	uint8_t raw[512] = {0};

	published(raw);
	put_le32(raw + 12, 4);
	put_le16(raw + 36, 0x6907);
	put_le16(raw + 38, 4 + 4 * 65);
	ck_assert_int_eq(read_all(bytes_of(raw, sizeof(raw)), 512, NULL, NULL,
		NULL), ERR_MCUBOOT_TLV);
}
END_TEST

START_TEST(header_read_names_field_and_rule)
{
	struct mcuboot_header h;
	struct fault f = {0};
	uint8_t raw[128];

	published(raw);
	raw[0] = 0;
	ck_assert_int_eq(mcuboot_header_read(bytes_of(raw, 32), &h, &f),
		ERR_MCUBOOT_MAGIC);
	ck_assert_str_eq(f.field, "header.magic");
	ck_assert(!mcuboot_is_image(bytes_of(raw, 32)));
	published(raw);
	raw[8] = 31;
	ck_assert_int_eq(mcuboot_header_read(bytes_of(raw, 32), &h, NULL),
		ERR_MCUBOOT_HEADER);
}
END_TEST

struct version_row {
	const char *text;
	int rc;
	const char *back;
};

static const struct version_row versions[] = {
	{"1.2.3", 0, "1.2.3"}, {"1.2.3.4", 0, "1.2.3.4"},
	{"1.2.3+4", 0, "1.2.3.4"}, {"0.0.0", 0, "0.0.0"},
	{"255.255.65535.4294967295", 0, "255.255.65535.4294967295"},
	{"1.2.3+0", 0, "1.2.3"}, {"256.0.0", -22, NULL},
	{"0.0.65536", -22, NULL}, {"0.0.0.4294967296", -22, NULL},
	{"1.2", -22, NULL}, {"1+2.3", -22, NULL}, {"1.2.3.", -22, NULL},
	{"1.2.3-rc1", -22, NULL}, {"", -22, NULL}, {" 1.2.3", -22, NULL},
	{"1.2.3.4.5", -22, NULL}, {"1..3", -22, NULL},
	{"99999999999999999999.0.0", -22, NULL},
};

START_TEST(version_read_by_row)
{
	const struct version_row *row = &versions[_i];
	char text[MCUBOOT_VERSION_SIZE];
	struct mcuboot_version v;
	int rc = mcuboot_version_read(row->text, &v);

	ck_assert_msg(rc == row->rc, "%s: %d", row->text, rc);
	if (rc == 0)
		ck_assert_str_eq(mcuboot_version_text(v, text), row->back);
}
END_TEST

START_TEST(version_compare_build_counts_only_on_demand)
{
	struct mcuboot_version a = {1, 2, 3, 4}, b = {1, 2, 3, 5};

	ck_assert_int_eq(mcuboot_version_compare(a, b, false), 0);
	ck_assert_int_lt(mcuboot_version_compare(a, b, true), 0);
	b = (struct mcuboot_version){1, 2, 2, 9};
	ck_assert_int_gt(mcuboot_version_compare(a, b, true), 0);
	b = (struct mcuboot_version){2, 0, 0, 0};
	ck_assert_int_lt(mcuboot_version_compare(a, b, true), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mcuboot");
	TCase *t = tcase_create("image");

	tcase_add_loop_test(t, reader_published_image_in_pieces, 0, 7);
	tcase_add_test(t, reader_padded_image_ignores_the_trailer);
	tcase_add_test(t, reader_wrong_hash_is_refused);
	tcase_add_test(t, reader_encrypted_image_is_not_recomputed);
	tcase_add_test(t, reader_digest_error_ends_reading);
	tcase_add_loop_test(t, reader_every_cut_is_truncated, 0, 104);
	tcase_add_loop_test(t, reader_areas_by_row, 0,
		sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, reader_too_many_entries_are_refused);
	tcase_add_test(t, header_read_names_field_and_rule);
	tcase_add_loop_test(t, version_read_by_row, 0,
		sizeof(versions) / sizeof(versions[0]));
	tcase_add_test(t, version_compare_build_counts_only_on_demand);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
