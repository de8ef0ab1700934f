/* What the simulated bootloader and server read of an MCUboot image in a slot
 * (layout: docs of MCUboot, "image format"; all little endian). Reads from
 * simulated flash in pieces. No state; one thread. */
#ifndef FERRY_SIM_IMAGE_H
#define FERRY_SIM_IMAGE_H

#include "tools/sim/flash.h"

#define IMAGE_MAGIC 0x96f3b83du
#define IMAGE_HEADER_LEN 32
#define IMAGE_HASH_LEN 32

#define IMAGE_F_NON_BOOTABLE 0x10u
#define IMAGE_F_ROM_FIXED 0x100u

#define IMAGE_TLV_MAGIC 0x6907
#define IMAGE_TLV_PROTECTED_MAGIC 0x6908
#define IMAGE_TLV_SHA256 0x0010
#define IMAGE_TLV_COUNTER 0x0050
#define IMAGE_TLV_HW 0x00a0 /* vendor's own: hardware number, u32 */

struct image_version {
	uint8_t major;
	uint8_t minor;
	uint16_t revision;
	uint32_t build;
};

struct image {
	uint32_t at; /* where it begins in its slot; what follows counts from it */
	struct image_version version;
	uint32_t flags;
	uint32_t load_address;
	uint32_t hashed_len; /* header, payload, protected TLVs */
	uint32_t total_len;  /* with the unprotected TLVs */
	bool has_hw;
	uint32_t hw;
	uint8_t hash[IMAGE_HASH_LEN]; /* as TLV 0010 says */
};

/* "1.2.3" or "1.2.3+4". Returns 0 or -EINVAL. */
int image_version_parse(const char *text, struct image_version *ret);

/* "1.2.3", or "1.2.3.4" when the build number is not 0, as servers show it. */
#define IMAGE_VERSION_TEXT_SIZE 32
char *image_version_text(
	const struct image_version *v, char text[IMAGE_VERSION_TEXT_SIZE]);

/* Below, equal, above: < 0, 0, > 0. The build number counts only if asked. */
int image_version_compare(const struct image_version *a,
	const struct image_version *b, bool with_build);

/* Only the first 32 bytes of a file. False without the magic. */
bool image_header_version(const uint8_t *header, struct image_version *ret);

/* Reads header and TLVs of a slot. Returns 0, -ENOENT when no magic is there,
 * -EBADMSG when the areas do not parse or exactly one hash is missing. */
int image_read(const struct flash *f, unsigned slot, struct image *ret);

/* The same of an image that begins at `base`, as in a SUIT envelope. */
int image_read_at(const struct flash *f, unsigned slot, uint32_t base,
	struct image *ret);

/* True when the hash over the content equals the TLV and the image leaves the
 * trailer's sector free. */
bool image_is_valid(
	const struct flash *f, unsigned slot, const struct image *image);

/* SHA-256 of `len` bytes of a slot from `at` on. Returns 0 or -errno. */
int image_digest(const struct flash *f, unsigned slot, uint32_t at,
	uint32_t len, uint8_t ret_digest[IMAGE_HASH_LEN]);

#endif
