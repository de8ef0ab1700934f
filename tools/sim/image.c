#include "tools/sim/image.h"

#include <errno.h>
#include <stdio.h>

#include "tools/sim/sha.h"

int image_version_parse(const char *text, struct image_version *ret)
{
	unsigned major, minor, revision, build = 0;
	int end = 0;

	if (sscanf(text, "%3u.%3u.%5u%n", &major, &minor, &revision, &end) != 3)
		return -EINVAL;
	if (text[end] == '+' || text[end] == '.') {
		int more = 0;

		if (sscanf(text + end + 1, "%10u%n", &build, &more) != 1)
			return -EINVAL;
		end += 1 + more;
	}
	if (text[end] != '\0' || major > 255 || minor > 255 || revision > 65535)
		return -EINVAL;
	*ret = (struct image_version){
		(uint8_t)major, (uint8_t)minor, (uint16_t)revision, build};
	return 0;
}

char *image_version_text(
	const struct image_version *v, char text[IMAGE_VERSION_TEXT_SIZE])
{
	int n = snprintf(text, IMAGE_VERSION_TEXT_SIZE, "%u.%u.%u", v->major,
		v->minor, v->revision);

	if (v->build != 0)
		snprintf(text + n, IMAGE_VERSION_TEXT_SIZE - (size_t)n, ".%u",
			v->build);
	return text;
}

int image_version_compare(const struct image_version *a,
	const struct image_version *b, bool with_build)
{
	if (a->major != b->major)
		return a->major < b->major ? -1 : 1;
	if (a->minor != b->minor)
		return a->minor < b->minor ? -1 : 1;
	if (a->revision != b->revision)
		return a->revision < b->revision ? -1 : 1;
	if (with_build && a->build != b->build)
		return a->build < b->build ? -1 : 1;
	return 0;
}

bool image_header_version(const uint8_t *header, struct image_version *ret)
{
	if (get_le32(header) != IMAGE_MAGIC)
		return false;
	*ret = (struct image_version){header[20], header[21],
		get_le16(header + 22), get_le32(header + 24)};
	return true;
}

/* What the entries of one TLV area add to what is known of the image. */
static int read_entry(const struct flash *f, unsigned slot, uint32_t at,
	uint16_t type, uint16_t len, struct image *image, unsigned *hashes)
{
	uint8_t raw[4];

	if (type == IMAGE_TLV_SHA256) {
		if (len != IMAGE_HASH_LEN || (*hashes)++ > 0)
			return -EBADMSG;
		return flash_read(f, slot, at, image->hash, len);
	}
	if (type == IMAGE_TLV_HW && len == 4) {
		image->has_hw = true;
		if (flash_read(f, slot, at, raw, 4) < 0)
			return -EBADMSG;
		image->hw = get_le32(raw);
	}
	return 0;
}

/* One area at `at`; `ret_end` gets the offset behind it. */
static int read_area(const struct flash *f, unsigned slot, uint32_t at,
	uint16_t magic, struct image *image, unsigned *hashes,
	uint32_t *ret_end)
{
	uint8_t head[4];
	uint32_t end;

	if (flash_read(f, slot, at, head, 4) < 0 || get_le16(head) != magic ||
		get_le16(head + 2) < 4)
		return -EBADMSG;
	end = at + get_le16(head + 2);
	if (end > f->slot_size)
		return -EBADMSG;
	at += 4;
	while (at < end) {
		if (end - at < 4 || flash_read(f, slot, at, head, 4) < 0 ||
			end - at - 4 < get_le16(head + 2))
			return -EBADMSG;
		if (read_entry(f, slot, at + 4, get_le16(head),
			    get_le16(head + 2), image, hashes) < 0)
			return -EBADMSG;
		at += 4u + get_le16(head + 2);
	}
	*ret_end = end;
	return 0;
}

int image_read(const struct flash *f, unsigned slot, struct image *ret)
{
	return image_read_at(f, slot, 0, ret);
}

int image_read_at(const struct flash *f, unsigned slot, uint32_t base,
	struct image *ret)
{
	uint8_t h[IMAGE_HEADER_LEN];
	struct image image = {.at = base};
	unsigned hashes = 0;
	uint16_t header_len, protected_len;
	uint32_t at;

	if (flash_read(f, slot, base, h, sizeof(h)) < 0)
		return -EBADMSG;
	if (!image_header_version(h, &image.version))
		return -ENOENT;
	header_len = get_le16(h + 8);
	protected_len = get_le16(h + 10);
	image.load_address = get_le32(h + 4);
	image.flags = get_le32(h + 16);
	if (header_len < IMAGE_HEADER_LEN ||
		get_le32(h + 12) > f->slot_size - base)
		return -EBADMSG;
	at = base + header_len + get_le32(h + 12);
	image.hashed_len = at - base + protected_len;
	if (protected_len != 0 &&
		(read_area(f, slot, at, IMAGE_TLV_PROTECTED_MAGIC, &image,
			 &hashes, &at) < 0 ||
			at - base != image.hashed_len || hashes != 0))
		return -EBADMSG;
	if (read_area(f, slot, at, IMAGE_TLV_MAGIC, &image, &hashes, &at) < 0 ||
		hashes != 1)
		return -EBADMSG;
	image.total_len = at - base;
	*ret = image;
	return 0;
}

int image_digest(const struct flash *f, unsigned slot, uint32_t at,
	uint32_t len, uint8_t ret_digest[IMAGE_HASH_LEN])
{
	uint8_t chunk[FLASH_SECTOR];
	struct sha sha;
	int err = 0;

	sha_init(&sha);
	for (uint32_t done = 0; done < len && !err; done += FLASH_SECTOR) {
		size_t n = len - done < FLASH_SECTOR ? len - done
						     : FLASH_SECTOR;

		err = flash_read(f, slot, at + done, chunk, n);
		if (!err)
			sha_add(&sha, chunk, n);
	}
	if (!sha_end(&sha, ret_digest) && !err)
		err = -EIO;
	return err;
}

bool image_is_valid(
	const struct flash *f, unsigned slot, const struct image *image)
{
	uint8_t digest[IMAGE_HASH_LEN];

	return image->at + image->total_len <= f->slot_size - FLASH_SECTOR &&
	       image_digest(f, slot, image->at, image->hashed_len, digest) ==
		       0 &&
	       memcmp(digest, image->hash, sizeof(digest)) == 0;
}
