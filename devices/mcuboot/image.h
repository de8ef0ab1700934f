/* Reads MCUboot image files (magic 96f3b83d): header, TLV areas, hash.
 *
 * Images are never wholly in memory: the caller feeds the file in order, in
 * pieces of any size, from its first byte on, to a reader that is embedded in
 * its owner, holds no resources and keeps only the header and one TLV. The
 * digest comes from the caller as a callback, so that nothing here depends on a
 * library of cryptography. Anything past the end of the TLVs is padding or
 * trailer and is passed over. Not thread-safe; no I/O. */
#ifndef FERRY_DEVICES_MCUBOOT_IMAGE_H
#define FERRY_DEVICES_MCUBOOT_IMAGE_H

#include "base/bytes.h"
#include "base/err.h"

#define MCUBOOT_HEADER_LEN 32
#define MCUBOOT_MAGIC 0x96f3b83dU
#define MCUBOOT_VERSION_SIZE 40
#define MCUBOOT_TLVS_MAX 64 /* entries in both areas together */

enum mcuboot_flag {
	MCUBOOT_ENCRYPTED_128 = 0x04,
	MCUBOOT_ENCRYPTED_256 = 0x08,
	MCUBOOT_NON_BOOTABLE = 0x10,
	MCUBOOT_RAM_LOAD = 0x20,
	MCUBOOT_ROM_FIXED = 0x100,
	MCUBOOT_COMPRESSED = 0x200 | 0x400 | 0x800,
};

struct mcuboot_version {
	uint8_t major;
	uint8_t minor;
	uint16_t revision;
	uint32_t build;
};

struct mcuboot_header {
	uint32_t load_address;
	uint16_t header_size;
	uint16_t protected_size;
	uint32_t image_size;
	uint32_t flags;
	struct mcuboot_version version;
};

/* Reads the first 32 bytes of a file. Returns 0 or ERR_MCUBOOT_*. */
int mcuboot_header_read(struct bytes file, struct mcuboot_header *ret,
	struct fault *f);

/* Looks at the first bytes only: is this an MCUboot image at all? */
bool mcuboot_is_image(struct bytes file);

/* "1.2.3" or, where build is not 0, "1.2.3.4", as devices report it. `text`
 * holds MCUBOOT_VERSION_SIZE bytes. Returns `text`. */
char *mcuboot_version_text(struct mcuboot_version v, char *text);

/* Reads "major.minor.revision" with an optional ".build" or "+build"; decimal,
 * within the ranges of the header. Returns 0 or -EINVAL. */
int mcuboot_version_read(const char *text, struct mcuboot_version *ret);

/* < 0, 0, > 0. The build number counts only with `with_build`: bootloaders and
 * servers differ in that. */
int mcuboot_version_compare(struct mcuboot_version a, struct mcuboot_version b,
	bool with_build);

/* An incremental SHA-256 of the caller. `add` returns 0 or an error, which ends
 * the reading. */
struct mcuboot_digest {
	int (*add)(void *arg, struct bytes part);
	int (*finish)(void *arg, uint8_t ret_hash[32]);
	void *arg;
};

/* What a finished reader found. */
struct mcuboot_image {
	struct mcuboot_header header;
	char version[MCUBOOT_VERSION_SIZE];
	uint64_t used_len; /* header to end of TLVs; the file may be longer */
	uint8_t hash[64];  /* TLV 0010, 0011 or 0012: what devices report */
	uint8_t hash_len;  /* 32, 48 or 64 */
	bool hash_checked; /* recomputed and equal: plain image, SHA-256 */
	bool is_signed;
	bool has_counter;  /* TLV 0050 */
	uint32_t counter;
};

struct mcuboot_reader {
	const struct mcuboot_digest *digest;
	struct mcuboot_image image;
	uint64_t at;       /* bytes of the file taken */
	uint64_t area_end; /* of the TLV area that is being read */
	uint8_t part[68];  /* header, area header, entry head or kept value */
	uint8_t part_len;
	uint8_t part_need;
	uint8_t state;
	bool in_protected;
	uint16_t entry_type;
	uint32_t skip;
	unsigned entries;
	int err;
};

/* `digest` is borrowed until the reader is finished; NULL: the hash is read but
 * not checked. */
void mcuboot_reader_init(struct mcuboot_reader *r,
	const struct mcuboot_digest *digest);

/* Takes the next bytes of the file. 0, or ERR_MCUBOOT_* or the digest's error;
 * errors stick. */
int mcuboot_reader_add(struct mcuboot_reader *r, struct bytes part,
	struct fault *f);

/* At the end of the file: 0 when the image is complete and its hash, where it
 * can be recomputed, is right. `ret` may be NULL. */
int mcuboot_reader_finish(struct mcuboot_reader *r, struct mcuboot_image *ret,
	struct fault *f);

#endif
