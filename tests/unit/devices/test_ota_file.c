#include "tests/unit/unit.h"

#include <errno.h>

#include "devices/zigbee_ota/file.h"

#define ROOM 8192

/* A header of 56 bytes, then one element of 4 bytes: 66 in all. */
#define PLAIN_LEN 66

static void put_header(uint8_t *at, uint16_t control, uint16_t len,
	uint32_t size)
{
	put_le32(at, OTA_FILE_MAGIC);
	put_le16(at + 4, 0x0100);
	put_le16(at + 6, len);
	put_le16(at + 8, control);
	put_le16(at + 10, 0x1234);
	put_le16(at + 12, 0x0102);
	put_le32(at + 14, 0x0a0b0c0d);
	put_le16(at + 18, 2);
	memcpy(at + 20, "header string", 13);
	put_le32(at + 52, size);
}

static size_t put_element(uint8_t *at, uint16_t tag, uint32_t len)
{
	put_le16(at, tag);
	put_le32(at + 2, len);
	return 6;
}

static void put_plain(uint8_t *at)
{
	put_header(at, 0, 56, PLAIN_LEN);
	put_element(at + 56, 0, 4);
}

static int find(const uint8_t *at, size_t len, uint64_t file_len,
	struct ota_file *ret, struct fault *f)
{
	/* On the heap, so that reading on is seen. */
	uint8_t *copy = malloc(len ? len : 1);
	int err;

	ck_assert_ptr_nonnull(copy);
	if (len)
		memcpy(copy, at, len);
	err = ota_file_find(bytes_of(copy, len), file_len, ret, f);
	free(copy);
	return err;
}

/* ---- the header ---- */

static const struct {
	const char *name;
	size_t at;        /* of a byte that is changed */
	uint8_t byte;
	size_t len;       /* of the file */
	int err;
	const char *field;
} headers[] = {
	{"as it should be", 0, 0x1e, PLAIN_LEN, 0, NULL},
	{"no magic", 0, 0x1f, PLAIN_LEN, ERR_OTA_FILE_MAGIC, "header.magic"},
	{"empty", 0, 0x1e, 0, ERR_OTA_FILE_MAGIC, "header.magic"},
	{"three bytes", 0, 0x1e, 3, ERR_OTA_FILE_MAGIC, "header.magic"},
	{"the magic alone", 0, 0x1e, 4, ERR_OTA_FILE_HEADER, "header"},
	{"a header that is cut", 0, 0x1e, 55, ERR_OTA_FILE_HEADER, "header"},
	{"version 0x0101", 4, 0x01, PLAIN_LEN, ERR_OTA_FILE_HEADER,
		"header.version"},
	{"version 0x0200", 5, 0x02, PLAIN_LEN, ERR_OTA_FILE_HEADER,
		"header.version"},
	{"a length too small", 6, 55, PLAIN_LEN, ERR_OTA_FILE_HEADER,
		"header.length"},
	{"a length of fields that are not there", 6, 60, PLAIN_LEN,
		ERR_OTA_FILE_HEADER, "header.length"},
	{"a length of 312", 7, 1, PLAIN_LEN, ERR_OTA_FILE_HEADER,
		"header.length"},
	{"fields that the length has not", 8, 4, PLAIN_LEN,
		ERR_OTA_FILE_HEADER, "header.length"},
	{"an unknown field", 8, 8, PLAIN_LEN, ERR_OTA_FILE_HEADER,
		"header.field_control"},
	{"an unknown field, high byte", 9, 1, PLAIN_LEN, ERR_OTA_FILE_HEADER,
		"header.field_control"},
	{"one byte missing", 0, 0x1e, PLAIN_LEN - 1, ERR_OTA_FILE_SIZE,
		"header.image_size"},
	{"nothing but a header", 0, 0x1e, 56, ERR_OTA_FILE_SIZE,
		"header.image_size"},
	{"a size less than itself", 52, 40, PLAIN_LEN, ERR_OTA_FILE_SIZE,
		"header.image_size"},
	{"a size of its header", 52, 56, PLAIN_LEN, ERR_OTA_FILE_SIZE,
		"header.image_size"},
	{"a size of 16 million", 54, 0xff, PLAIN_LEN, ERR_OTA_FILE_SIZE,
		"header.image_size"},
	{"bytes behind", 0, 0x1e, PLAIN_LEN + 17, 0, NULL},
};

START_TEST(find_by_row)
{
	uint8_t raw[128] = {0};
	struct ota_file file = {0};
	struct fault f = {0};
	int err;

	put_plain(raw);
	raw[headers[_i].at] = headers[_i].byte;
	err = find(raw, headers[_i].len, headers[_i].len, &file, &f);
	ck_assert_msg(err == headers[_i].err, "%s: %s", headers[_i].name,
		err_name(err));
	if (headers[_i].field) {
		ck_assert_msg(strcmp(f.field, headers[_i].field) == 0,
			"%s: names %s", headers[_i].name, f.field);
		ck_assert_uint_eq(file.size, 0);
	} else {
		ck_assert_uint_eq(file.size, PLAIN_LEN);
		ck_assert_uint_eq(file.trailing, headers[_i].len - PLAIN_LEN);
	}
}
END_TEST

START_TEST(find_too_short_names_both_sizes)
{
	uint8_t raw[PLAIN_LEN] = {0};
	struct ota_file file;
	struct fault f = {0};

	put_header(raw, 0, 56, 278830);
	ck_assert_int_eq(find(raw, sizeof(raw), 92222, &file, &f),
		ERR_OTA_FILE_SIZE);
	ck_assert_ptr_nonnull(strstr(f.rule, "278830"));
	ck_assert_ptr_nonnull(strstr(f.rule, "92222"));
	ck_assert_uint_eq(f.offset, 52);
}
END_TEST

START_TEST(find_larger_than_any_image_is_refused)
{
	uint8_t raw[PLAIN_LEN] = {0};
	struct ota_file file;

	put_header(raw, 0, 56, OTA_FILE_IMAGE_MAX);
	ck_assert_int_eq(find(raw, sizeof(raw), UINT64_MAX, &file, NULL), 0);
	put_header(raw, 0, 56, OTA_FILE_IMAGE_MAX + 1);
	ck_assert_int_eq(find(raw, sizeof(raw), UINT64_MAX, &file, NULL),
		ERR_OTA_FILE_SIZE);
}
END_TEST

START_TEST(find_reads_every_field)
{
	uint8_t raw[80] = {0};
	struct ota_file file;

	put_header(raw, 7, OTA_FILE_HEADER_MAX, 75);
	raw[56] = 3;
	memcpy(raw + 57, "\1\2\3\4\5\6\7\10", 8);
	put_le16(raw + 65, 0x0001);
	put_le16(raw + 67, 0x0203);
	put_element(raw + 69, 0, 0);
	ck_assert_int_eq(find(raw, 75, 75, &file, NULL), 0);
	ck_assert_uint_eq(file.at, 0);
	ck_assert_uint_eq(file.header_version, 0x0100);
	ck_assert_uint_eq(file.header_len, 69);
	ck_assert_uint_eq(file.key.manufacturer, 0x1234);
	ck_assert_uint_eq(file.key.type, 0x0102);
	ck_assert_uint_eq(file.key.version, 0x0a0b0c0d);
	ck_assert_uint_eq(file.stack, 2);
	ck_assert_mem_eq(file.string, "header string\0\0", 15);
	ck_assert(file.has_credential && file.credential == 3);
	ck_assert(file.has_destination);
	ck_assert_mem_eq(file.destination, raw + 57, 8);
	ck_assert(file.has_hw);
	ck_assert_uint_eq(file.hw_min, 0x0001);
	ck_assert_uint_eq(file.hw_max, 0x0203);
}
END_TEST

START_TEST(find_optional_fields_one_by_one)
{
	static const uint16_t len[8] = {56, 57, 64, 65, 60, 61, 68, 69};

	for (uint16_t control = 0; control < 8; control++) {
		uint8_t raw[80] = {0};
		struct ota_file file;

		put_header(raw, control, len[control], len[control] + 1u);
		ck_assert_int_eq(find(raw, len[control] + 1u,
			len[control] + 1u, &file, NULL), 0);
		ck_assert_uint_eq(file.has_credential, control & 1);
		ck_assert_uint_eq(file.has_destination, control >> 1 & 1);
		ck_assert_uint_eq(file.has_hw, control >> 2 & 1);
	}
}
END_TEST

/* ---- containers ---- */

START_TEST(find_behind_a_prefix)
{
	static const size_t places[] = {1, 4, 152, 488, 712,
		OTA_FILE_SEARCH - 1};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint8_t raw[ROOM] = {0};
		size_t len = places[i] + PLAIN_LEN + 5;
		struct ota_file file;

		put_plain(raw + places[i]);
		ck_assert_int_eq(find(raw, len, len, &file, NULL), 0);
		ck_assert_uint_eq(file.at, places[i]);
		ck_assert_uint_eq(file.trailing, 5);
	}
}
END_TEST

START_TEST(find_past_the_search_finds_none)
{
	uint8_t raw[ROOM] = {0};
	struct ota_file file;

	put_plain(raw + OTA_FILE_SEARCH);
	ck_assert_int_eq(find(raw, ROOM, ROOM, &file, NULL),
		ERR_OTA_FILE_MAGIC);
}
END_TEST

/* The agreed prefix is enough for the longest header at the last place. */
START_TEST(find_in_the_prefix_alone)
{
	uint8_t raw[ROOM] = {0};
	struct ota_file file;

	put_header(raw + OTA_FILE_SEARCH - 1, 7, OTA_FILE_HEADER_MAX, 1000);
	ck_assert_int_eq(find(raw, OTA_FILE_PREFIX, ROOM, &file, NULL), 0);
	ck_assert_uint_eq(file.at, OTA_FILE_SEARCH - 1);
	ck_assert_uint_eq(file.trailing, ROOM - OTA_FILE_SEARCH + 1 - 1000);
}
END_TEST

START_TEST(find_passes_over_a_magic_without_header)
{
	uint8_t raw[ROOM] = {0};
	struct ota_file file;

	put_le32(raw + 3, OTA_FILE_MAGIC);
	put_plain(raw + 100);
	ck_assert_int_eq(find(raw, 300, 300, &file, NULL), 0);
	ck_assert_uint_eq(file.at, 100);
}
END_TEST

START_TEST(find_none_holds_tells_of_the_first)
{
	uint8_t raw[ROOM] = {0};
	struct ota_file file;
	struct fault f = {0};

	put_plain(raw + 10);
	raw[10 + 5] = 9;
	put_header(raw + 200, 0, 57, 100);
	ck_assert_int_eq(find(raw, 400, 400, &file, &f), ERR_OTA_FILE_HEADER);
	ck_assert_str_eq(f.field, "header.version");
	ck_assert_uint_eq(f.offset, 14);
}
END_TEST

/* An OTA file whose body begins with another one, which is whole. */
START_TEST(find_cut_file_is_not_taken_for_one_inside)
{
	uint8_t raw[ROOM] = {0};
	struct ota_file file;

	put_header(raw, 0, 56, 500);
	put_plain(raw + 62);
	ck_assert_int_eq(find(raw, 500, 500, &file, NULL), 0);
	ck_assert_uint_eq(file.at, 0);
	ck_assert_int_eq(find(raw, 499, 499, &file, NULL), ERR_OTA_FILE_SIZE);
}
END_TEST

/* ---- elements ---- */

struct seen {
	struct ota_element e[8];
	size_t count;
};

static void note(void *arg, const struct ota_element *e)
{
	struct seen *seen = arg;

	ck_assert_uint_lt(seen->count, 8);
	seen->e[seen->count++] = *e;
}

/* Elements as tag and announced length; `data` bytes follow each header, and
 * `extra` the last. */
struct piece {
	uint16_t tag;
	uint32_t len;
	uint32_t data;
};

static const struct {
	const char *name;
	struct piece pieces[4];
	size_t count;
	size_t extra;
	enum ota_tiling tiling;
	size_t seen;
	int strict;
} tilings[] = {
	{"an image", {{0, 4, 4}}, 1, 0, OTA_TILES_PLAIN, 1, 0},
	{"of no bytes", {{0, 0, 0}}, 1, 0, OTA_TILES_PLAIN, 1, 0},
	{"image and integrity code", {{0, 9, 9}, {3, 16, 16}}, 2, 0,
		OTA_TILES_PLAIN, 2, 0},
	{"own tag, plain header", {{0xf000, 18, 18}, {0, 2, 2}}, 2, 0,
		OTA_TILES_PLAIN, 2, 0},
	{"odd tag", {{0xcdef, 17, 17}, {0, 2, 2}, {0, 3, 3}}, 3, 0,
		OTA_TILES_PLAIN, 3, ERR_OTA_FILE_ELEMENT},
	{"tag 7", {{0, 1, 1}, {7, 1, 1}}, 2, 0, OTA_TILES_PLAIN, 2,
		ERR_OTA_FILE_ELEMENT},
	{"tag 0xefff", {{0, 1, 1}, {0xefff, 1, 1}}, 2, 0, OTA_TILES_PLAIN, 2,
		ERR_OTA_FILE_ELEMENT},
	{"all standard tags", {{6, 1, 1}, {1, 1, 1}, {0, 1, 1}, {5, 1, 1}}, 4,
		0, OTA_TILES_PLAIN, 4, 0},
	{"no image", {{3, 16, 16}}, 1, 0, OTA_TILES_PLAIN, 1,
		ERR_OTA_FILE_ELEMENT},
	{"eight-byte header", {{0xf000, 4, 6}}, 1, 0, OTA_TILES_TELINK, 1,
		ERR_OTA_FILE_ELEMENT},
	{"eight-byte header of another tag", {{0xf001, 4, 6}}, 1, 0,
		OTA_TILES_NOT, 0, ERR_OTA_FILE_ELEMENT},
	{"eight-byte header, one byte more", {{0xf000, 4, 7}}, 1, 0,
		OTA_TILES_NOT, 0, ERR_OTA_FILE_ELEMENT},
	{"eight-byte header, cut", {{0xf000, 0, 1}}, 1, 0, OTA_TILES_NOT, 0,
		ERR_OTA_FILE_ELEMENT},
	{"a raw body", {{0x5342, 0x4c53424c, 20}}, 1, 0, OTA_TILES_NOT, 0,
		ERR_OTA_FILE_ELEMENT},
	{"runs past the end by one", {{0, 5, 4}}, 1, 0, OTA_TILES_NOT, 0,
		ERR_OTA_FILE_ELEMENT},
	{"of 4 GiB", {{0, UINT32_MAX, 4}}, 1, 0, OTA_TILES_NOT, 0,
		ERR_OTA_FILE_ELEMENT},
	{"stray bytes behind", {{0, 4, 4}}, 1, 5, OTA_TILES_NOT, 0,
		ERR_OTA_FILE_ELEMENT},
};

START_TEST(elements_by_row)
{
	uint8_t *raw = calloc(1, 1024), *image;
	struct ota_file file;
	struct seen seen = {0};
	enum ota_tiling tiling;
	size_t len = 56;
	int err;

	ck_assert_ptr_nonnull(raw);
	for (size_t i = 0; i < tilings[_i].count; i++) {
		const struct piece *p = &tilings[_i].pieces[i];

		len += put_element(raw + len, p->tag, p->len) + p->data;
	}
	len += tilings[_i].extra;
	put_header(raw, 0, 56, (uint32_t)len);
	image = malloc(len);
	ck_assert_ptr_nonnull(image);
	memcpy(image, raw, len);
	ck_assert_int_eq(find(raw, len, len, &file, NULL), 0);
	tiling = ota_file_elements(&file, bytes_of(image, len), note, &seen);
	ck_assert_msg(tiling == tilings[_i].tiling, "%s: tiling %d",
		tilings[_i].name, tiling);
	ck_assert_msg(seen.count == tilings[_i].seen, "%s: %zu elements",
		tilings[_i].name, seen.count);
	for (size_t i = 0, at = 56; i < seen.count; i++) {
		at += seen.e[i].header_len;
		ck_assert_uint_eq(seen.e[i].data_at, at);
		ck_assert_uint_eq(seen.e[i].tag, tilings[_i].pieces[i].tag);
		ck_assert_uint_eq(seen.e[i].len, tilings[_i].pieces[i].len);
		at += seen.e[i].len;
	}
	ck_assert_int_eq(ota_file_elements(&file, bytes_of(image, len), NULL,
		NULL), tiling);
	err = ota_file_check_strict(&file, bytes_of(image, len), NULL);
	ck_assert_msg(err == tilings[_i].strict, "%s: strict %s",
		tilings[_i].name, err_name(err));
	free(image);
	free(raw);
}
END_TEST

START_TEST(elements_of_another_length_tile_not)
{
	uint8_t raw[PLAIN_LEN] = {0};
	struct ota_file file;
	struct seen seen = {0};

	put_plain(raw);
	ck_assert_int_eq(find(raw, PLAIN_LEN, PLAIN_LEN, &file, NULL), 0);
	ck_assert_int_eq(ota_file_elements(&file, bytes_of(raw, PLAIN_LEN - 1),
		note, &seen), OTA_TILES_NOT);
	ck_assert_int_eq(ota_file_elements(&file, bytes_of(raw, 0), note,
		&seen), OTA_TILES_NOT);
	ck_assert_uint_eq(seen.count, 0);
}
END_TEST

/* ---- versions ---- */

static const struct {
	const char *text;
	int err;
	uint32_t version;
} versions[] = {
	{"0x0a0b0c0d", 0, 0x0a0b0c0d},
	{"0XFFFFFFFF", 0, 0xffffffff},
	{"0xAb", 0, 0xab},
	{"0x0", 0, 0},
	{"0", 0, 0},
	{"168496141", 0, 0x0a0b0c0d},
	{"4294967295", 0, 0xffffffff},
	{"4294967296", -EINVAL, 0},
	{"99999999999", -EINVAL, 0},
	{"0x100000000", -EINVAL, 0},
	{"0x", -EINVAL, 0},
	{"", -EINVAL, 0},
	{"0xg", -EINVAL, 0},
	{"12a", -EINVAL, 0},
	{" 1", -EINVAL, 0},
	{"1 ", -EINVAL, 0},
	{"-1", -EINVAL, 0},
	{"+1", -EINVAL, 0},
};

START_TEST(version_read_by_row)
{
	uint32_t version = 0;
	int err = ota_version_read(versions[_i].text, &version);

	ck_assert_msg(err == versions[_i].err, "\"%s\": %d", versions[_i].text,
		err);
	ck_assert_uint_eq(version, versions[_i].version);
}
END_TEST

START_TEST(version_text_reads_back)
{
	char text[11];
	uint32_t version;

	ota_version_text(0x0a0b0c0d, text, sizeof(text));
	ck_assert_str_eq(text, "0x0a0b0c0d");
	ck_assert_int_eq(ota_version_read(text, &version), 0);
	ck_assert_uint_eq(version, 0x0a0b0c0d);
	ota_version_text(1, text, sizeof(text));
	ck_assert_str_eq(text, "0x00000001");
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

int main(void)
{
	Suite *suite = suite_create("ota_file");
	TCase *tc = tcase_create("ota_file");

	tcase_add_loop_test(tc, find_by_row, 0, COUNT(headers));
	tcase_add_test(tc, find_too_short_names_both_sizes);
	tcase_add_test(tc, find_larger_than_any_image_is_refused);
	tcase_add_test(tc, find_reads_every_field);
	tcase_add_test(tc, find_optional_fields_one_by_one);
	tcase_add_test(tc, find_behind_a_prefix);
	tcase_add_test(tc, find_past_the_search_finds_none);
	tcase_add_test(tc, find_in_the_prefix_alone);
	tcase_add_test(tc, find_passes_over_a_magic_without_header);
	tcase_add_test(tc, find_none_holds_tells_of_the_first);
	tcase_add_test(tc, find_cut_file_is_not_taken_for_one_inside);
	tcase_add_loop_test(tc, elements_by_row, 0, COUNT(tilings));
	tcase_add_test(tc, elements_of_another_length_tile_not);
	tcase_add_loop_test(tc, version_read_by_row, 0, COUNT(versions));
	tcase_add_test(tc, version_text_reads_back);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
