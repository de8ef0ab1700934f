#include "devices/zigbee_ota/file.h"

#include <errno.h>
#include <stdio.h>

#define HEADER_VERSION 0x0100
#define CONTROL_CREDENTIAL 0x0001
#define CONTROL_DESTINATION 0x0002
#define CONTROL_HW 0x0004
#define CONTROL_KNOWN 0x0007

#define ELEMENT_HEADER 6u
#define ELEMENT_HEADER_TELINK 8u
#define TAG_IMAGE 0x0000
#define TAG_STANDARD_LAST 0x0006
#define TAG_MANUFACTURER_FIRST 0xf000

static uint16_t header_len_of(uint16_t control)
{
	return (uint16_t)(OTA_FILE_HEADER_MIN +
		(control & CONTROL_CREDENTIAL ? 1 : 0) +
		(control & CONTROL_DESTINATION ? 8 : 0) +
		(control & CONTROL_HW ? 4 : 0));
}

static void read_optional(const uint8_t *at, uint16_t control,
	struct ota_file *ret)
{
	ret->has_credential = control & CONTROL_CREDENTIAL;
	if (ret->has_credential)
		ret->credential = *at++;
	ret->has_destination = control & CONTROL_DESTINATION;
	if (ret->has_destination) {
		memcpy(ret->destination, at, 8);
		at += 8;
	}
	ret->has_hw = control & CONTROL_HW;
	if (ret->has_hw) {
		ret->hw_min = get_le16(at);
		ret->hw_max = get_le16(at + 2);
	}
}

/* The rules of version, field control and length, which together say that all
 * of the header is there. */
static int check_shape(struct bytes header, uint64_t at, struct fault *f)
{
	uint16_t version, len, control;

	if (header.len < OTA_FILE_HEADER_MIN)
		return fault_set(f, ERR_OTA_FILE_HEADER, at, "header",
			"has %u bytes at least, %zu are left",
			OTA_FILE_HEADER_MIN, header.len);
	version = get_le16(header.at + 4);
	len = get_le16(header.at + 6);
	control = get_le16(header.at + 8);
	if (version != HEADER_VERSION)
		return fault_set(f, ERR_OTA_FILE_HEADER, at + 4,
			"header.version", "must be 0x0100, is 0x%04x", version);
	if (control & ~CONTROL_KNOWN)
		return fault_set(f, ERR_OTA_FILE_HEADER, at + 8,
			"header.field_control",
			"must have bits 0 to 2 alone, is 0x%04x", control);
	if (len != header_len_of(control))
		return fault_set(f, ERR_OTA_FILE_HEADER, at + 6,
			"header.length",
			"must be %u for field control 0x%04x, is %u",
			header_len_of(control), control, len);
	if (header.len < len)
		return fault_set(f, ERR_OTA_FILE_HEADER, at, "header",
			"has %u bytes, %zu are left", len, header.len);
	return 0;
}

static int check_size(const struct ota_file *file, uint64_t file_len,
	struct fault *f)
{
	uint64_t here = file_len - file->at;
	uint64_t at = file->at + 52;

	if (file->size <= file->header_len)
		return fault_set(f, ERR_OTA_FILE_SIZE, at, "header.image_size",
			"must be more than the %u bytes of the header, is %lu",
			file->header_len, (unsigned long)file->size);
	if (file->size > here)
		return fault_set(f, ERR_OTA_FILE_SIZE, at, "header.image_size",
			"the header promises %lu bytes, the file has %llu",
			(unsigned long)file->size, (unsigned long long)here);
	if (file->size > OTA_FILE_IMAGE_MAX)
		return fault_set(f, ERR_OTA_FILE_SIZE, at, "header.image_size",
			"must be at most %u, is %lu", OTA_FILE_IMAGE_MAX,
			(unsigned long)file->size);
	return 0;
}

/* The header that begins with the magic at `at`; its shape has been checked. */
static int read_header(struct bytes header, uint64_t at, uint64_t file_len,
	struct ota_file *ret, struct fault *f)
{
	const uint8_t *p = header.at;
	struct ota_file file = {
		.at = at,
		.size = get_le32(p + 52),
		.header_version = get_le16(p + 4),
		.header_len = get_le16(p + 6),
		.key = {get_le16(p + 10), get_le16(p + 12), get_le32(p + 14)},
		.stack = get_le16(p + 18),
	};
	int err;

	memcpy(file.string, p + 20, sizeof(file.string));
	read_optional(p + OTA_FILE_HEADER_MIN, get_le16(p + 8), &file);
	err = check_size(&file, file_len, f);
	if (err)
		return err;
	file.trailing = file_len - at - file.size;
	*ret = file;
	return 0;
}

int ota_file_find(struct bytes prefix, uint64_t file_len,
	struct ota_file *ret, struct fault *f)
{
	struct fault first = {0};

	if (prefix.len > file_len)
		prefix.len = (size_t)file_len;
	for (size_t at = 0; at < OTA_FILE_SEARCH && prefix.len - at >= 4;
			at++) {
		struct bytes header = bytes_slice(prefix, at,
			OTA_FILE_HEADER_MAX);

		if (get_le32(prefix.at + at) != OTA_FILE_MAGIC)
			continue;
		if (!check_shape(header, at, &first))
			return read_header(header, at, file_len, ret, f);
	}
	if (!first.code)
		return fault_set(f, ERR_OTA_FILE_MAGIC, 0, "header.magic",
			"1e f1 ee 0b must be in the first %u bytes",
			OTA_FILE_SEARCH);
	return fault_set(f, first.code, first.offset, first.field, "%s",
		first.rule);
}

/* ---- sub-elements ---- */

/* The element with a plain header at `at`, if it ends in the image. */
static bool plain_element(struct bytes image, size_t at,
	struct ota_element *ret)
{
	uint32_t len;

	if (image.len - at < ELEMENT_HEADER)
		return false;
	len = get_le32(image.at + at + 2);
	if (len > image.len - at - ELEMENT_HEADER)
		return false;
	*ret = (struct ota_element){
		.tag = get_le16(image.at + at),
		.len = len,
		.header_len = ELEMENT_HEADER,
		.data_at = (uint32_t)at + ELEMENT_HEADER,
	};
	return true;
}

static bool tiles_plainly(const struct ota_file *file, struct bytes image)
{
	struct ota_element e;
	size_t at = file->header_len;

	while (at < image.len && plain_element(image, at, &e))
		at = (size_t)e.data_at + e.len;
	return at == image.len;
}

static bool tiles_as_telink(const struct ota_file *file, struct bytes image,
	struct ota_element *ret)
{
	size_t at = file->header_len;
	uint32_t len;

	if (image.len - at < ELEMENT_HEADER_TELINK ||
			get_le16(image.at + at) != TAG_MANUFACTURER_FIRST)
		return false;
	len = get_le32(image.at + at + 2);
	if (len != image.len - at - ELEMENT_HEADER_TELINK)
		return false;
	*ret = (struct ota_element){
		.tag = TAG_MANUFACTURER_FIRST,
		.len = len,
		.header_len = ELEMENT_HEADER_TELINK,
		.data_at = (uint32_t)at + ELEMENT_HEADER_TELINK,
	};
	return true;
}

enum ota_tiling ota_file_elements(const struct ota_file *file,
	struct bytes image,
	void (*each)(void *arg, const struct ota_element *e), void *arg)
{
	struct ota_element e;

	if (image.len != file->size || image.len <= file->header_len)
		return OTA_TILES_NOT;
	if (!tiles_plainly(file, image)) {
		if (!tiles_as_telink(file, image, &e))
			return OTA_TILES_NOT;
		if (each)
			each(arg, &e);
		return OTA_TILES_TELINK;
	}
	for (size_t at = file->header_len; each && at < image.len &&
			plain_element(image, at, &e);
			at = (size_t)e.data_at + e.len)
		each(arg, &e);
	return OTA_TILES_PLAIN;
}

struct strict {
	bool has_image;
	bool has_odd;
	struct ota_element odd;
};

static void look_at_element(void *arg, const struct ota_element *e)
{
	struct strict *s = arg;

	if (e->tag == TAG_IMAGE)
		s->has_image = true;
	if (e->tag > TAG_STANDARD_LAST && e->tag < TAG_MANUFACTURER_FIRST &&
			!s->has_odd) {
		s->has_odd = true;
		s->odd = *e;
	}
}

int ota_file_check_strict(const struct ota_file *file, struct bytes image,
	struct fault *f)
{
	struct strict s = {0};

	if (ota_file_elements(file, image, look_at_element, &s) !=
			OTA_TILES_PLAIN)
		return fault_set(f, ERR_OTA_FILE_ELEMENT, file->header_len,
			"elements", "must fill the image from header to end, "
			"each with a header of 6 bytes");
	if (s.has_odd)
		return fault_set(f, ERR_OTA_FILE_ELEMENT,
			s.odd.data_at - s.odd.header_len, "elements.tag",
			"must be 0x0000 to 0x0006, or 0xf000 and more, is "
			"0x%04x", s.odd.tag);
	if (!s.has_image)
		return fault_set(f, ERR_OTA_FILE_ELEMENT, file->header_len,
			"elements", "one must be an upgrade image (0x0000)");
	return 0;
}

/* ---- versions ---- */

void ota_version_text(uint32_t version, char *text, size_t size)
{
	snprintf(text, size, "0x%08lx", (unsigned long)version);
}

int ota_version_read(const char *text, uint32_t *ret)
{
	return bytes_to_u32(bytes_of_text(text), ret);
}
