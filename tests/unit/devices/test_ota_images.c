/* Real images of ten vendors against what three other parsers say of them. */
#include "tests/unit/unit.h"

#include <jansson.h>

#include "devices/zigbee_ota/file.h"
#include "policy/trust/crypto.h"

#define FOLDER "images/zigbee/"
#define IMAGE_COUNT 10
#define ELEMENTS_MAX 16

static json_t *truth;

static const char *text_in(json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static long long number_in(json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static struct bytes read_image(json_t *row)
{
	char name[256];
	struct bytes file;

	snprintf(name, sizeof(name), FOLDER "%s", text_in(row, "file"));
	file = unit_read_shared(name);
	ck_assert_uint_eq(file.len, (size_t)number_in(row, "bytes"));
	return file;
}

static int find(struct bytes file, struct ota_file *ret, struct fault *f)
{
	return ota_file_find(bytes_slice(file, 0, OTA_FILE_PREFIX), file.len,
		ret, f);
}

static void check_digest(const char *what, struct bytes of, const char *want)
{
	uint8_t digest[32];
	char text[65];

	ck_assert_int_eq(crypto_sha256(of, digest), 0);
	bytes_to_hex(bytes_of(digest, 32), text, sizeof(text));
	ck_assert_msg(strcmp(text, want) == 0, "%s: SHA-256 is %s", what, text);
}

static void check_header(const char *name, const struct ota_file *file,
	json_t *h)
{
	json_t *hw = json_object_get(h, "min_hardware_version");
	char text[65];
	const struct {
		const char *field;
		long long value;
	} fields[] = {
		{"header_version", file->header_version},
		{"header_length", file->header_len},
		{"field_control", file->has_credential |
			file->has_destination << 1 | file->has_hw << 2},
		{"manufacturer_code", file->key.manufacturer},
		{"image_type", file->key.type},
		{"file_version", file->key.version},
		{"stack_version", file->stack},
		{"total_image_size", file->size},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		ck_assert_msg(number_in(h, fields[i].field) == fields[i].value,
			"%s: %s is %lld", name, fields[i].field,
			fields[i].value);
	bytes_to_hex(bytes_of(file->string, 32), text, sizeof(text));
	ck_assert_str_eq(text, text_in(h, "header_string_hex"));
	ck_assert_msg(json_is_integer(hw) == file->has_hw, "%s: hardware",
		name);
	if (file->has_hw) {
		ck_assert_int_eq(file->hw_min, json_integer_value(hw));
		ck_assert_int_eq(file->hw_max,
			number_in(h, "max_hardware_version"));
	}
}

struct seen {
	struct ota_element e[ELEMENTS_MAX];
	size_t count;
};

static void note(void *arg, const struct ota_element *e)
{
	struct seen *seen = arg;

	ck_assert_uint_lt(seen->count, ELEMENTS_MAX);
	seen->e[seen->count++] = *e;
}

static void check_elements(const char *name, const struct ota_file *file,
	struct bytes image, json_t *row)
{
	static const char *const kinds[] = {
		[OTA_TILES_PLAIN] = "plain",
		[OTA_TILES_TELINK] = "telink",
		[OTA_TILES_NOT] = "none",
	};
	json_t *elements = json_object_get(row, "elements");
	struct seen seen = {0};
	enum ota_tiling tiling = ota_file_elements(file, image, note, &seen);

	ck_assert_str_eq(kinds[tiling], text_in(row, "elements_kind"));
	ck_assert_msg(seen.count == json_array_size(elements),
		"%s: %zu elements", name, seen.count);
	for (size_t i = 0; i < seen.count; i++) {
		json_t *want = json_array_get(elements, i);
		const struct ota_element *e = &seen.e[i];

		ck_assert_int_eq(e->tag, number_in(want, "tag"));
		ck_assert_int_eq(e->len, number_in(want, "length"));
		ck_assert_int_eq(e->header_len,
			number_in(want, "header_size"));
		ck_assert_int_eq(e->data_at, number_in(want, "data_offset"));
		check_digest(name, bytes_slice(image, e->data_at, e->len),
			text_in(want, "sha256"));
	}
}

START_TEST(image_is_as_other_parsers_say)
{
	json_t *row = json_array_get(truth, (size_t)_i);
	const char *name = text_in(row, "file");
	struct bytes bytes = read_image(row), image;
	struct ota_file file;
	struct fault f = {0};
	int err = find(bytes, &file, &f);

	if (!json_is_true(json_object_get(row, "serve"))) {
		ck_assert_msg(err == ERR_OTA_FILE_SIZE, "%s: %s", name,
			err_name(err));
		ck_assert_ptr_nonnull(strstr(f.rule, "278830"));
		ck_assert_ptr_nonnull(strstr(f.rule, "92222"));
		free((void *)(uintptr_t)bytes.at);
		return;
	}
	ck_assert_msg(err == 0, "%s: %s: %s %s", name, err_name(err), f.field,
		f.rule);
	ck_assert_int_eq((long long)file.at, number_in(row, "ota_offset"));
	ck_assert_int_eq((long long)file.trailing,
		number_in(row, "trailing_bytes"));
	check_header(name, &file, json_object_get(row, "header"));
	image = bytes_slice(bytes, file.at, file.size);
	check_digest(name, image, text_in(row, "ota_sha256"));
	check_elements(name, &file, image, row);
	free((void *)(uintptr_t)bytes.at);
}
END_TEST

/* Whatever is cut off an image, it is refused, and the error has both sizes. */
START_TEST(image_cut_is_refused_with_both_sizes)
{
	json_t *row = json_array_get(truth, (size_t)_i);
	struct bytes bytes = read_image(row);
	long long size = number_in(json_object_get(row, "header"),
		"total_image_size");
	size_t at = (size_t)number_in(row, "ota_offset");
	const size_t cuts[] = {at + (size_t)size - 1, at + 4096, at + 100};
	char want[32];

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct ota_file file;
		struct fault f = {0};

		if (cuts[i] >= bytes.len)
			continue;
		ck_assert_int_eq(find(bytes_slice(bytes, 0, cuts[i]), &file,
			&f), ERR_OTA_FILE_SIZE);
		snprintf(want, sizeof(want), "%lld", size);
		ck_assert_ptr_nonnull(strstr(f.rule, want));
		snprintf(want, sizeof(want), "%zu", cuts[i] - at);
		ck_assert_ptr_nonnull(strstr(f.rule, want));
	}
	free((void *)(uintptr_t)bytes.at);
}
END_TEST

/* NodOn's and Bosch's, for example, could have come from our own publisher;
 * Telink's, Hue's and Lumi's could not. */
START_TEST(image_strict_by_its_elements)
{
	json_t *row = json_array_get(truth, (size_t)_i);
	const char *name = text_in(row, "file");
	struct bytes bytes = read_image(row);
	struct ota_file file;
	bool odd = strcmp(text_in(row, "elements_kind"), "plain") != 0 ||
		strncmp(name, "Lumi", 4) == 0;

	if (find(bytes, &file, NULL) == 0)
		ck_assert_msg(ota_file_check_strict(&file,
			bytes_slice(bytes, file.at, file.size), NULL) ==
			(odd ? ERR_OTA_FILE_ELEMENT : 0), "%s", name);
	free((void *)(uintptr_t)bytes.at);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ota_images");
	TCase *tc = tcase_create("ota_images");

	unit_need_shared(FOLDER "ground_truth.json");
	truth = json_load_file(FERRY_SHARED_DIR "/" FOLDER
		"ground_truth.json", 0, NULL);
	if (crypto_init() || json_array_size(truth) != IMAGE_COUNT) {
		fprintf(stderr, "no crypto, or not %d images\n", IMAGE_COUNT);
		return EXIT_FAILURE;
	}
	tcase_add_loop_test(tc, image_is_as_other_parsers_say, 0, IMAGE_COUNT);
	tcase_add_loop_test(tc, image_cut_is_refused_with_both_sizes, 0,
		IMAGE_COUNT);
	tcase_add_loop_test(tc, image_strict_by_its_elements, 0, IMAGE_COUNT);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
