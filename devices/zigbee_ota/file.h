/* ZigBee OTA upgrade files: the header, its place inside vendors' containers,
 * and the sub-elements.
 *
 * Header and size are strict, sub-elements are advice (a strict reading is there
 * for files that our own publisher makes). Works on a prefix of the file, since
 * devices are served from a cache by ranges. No state, no allocation; any
 * thread. Layout: ZCL revision 8, 11.4; real files: docs/zigbee.md. */
#ifndef FERRY_DEVICES_ZIGBEE_OTA_FILE_H
#define FERRY_DEVICES_ZIGBEE_OTA_FILE_H

#include "devices/zigbee_ota/zcl.h"

#define OTA_FILE_MAGIC 0x0beef11eu
#define OTA_FILE_HEADER_MIN 56u
#define OTA_FILE_HEADER_MAX 69u
/* The magic is looked for in so many bytes of a container. */
#define OTA_FILE_SEARCH 4096u
/* Bytes of the file that ota_file_find() wants to see, if there are so many. */
#define OTA_FILE_PREFIX (OTA_FILE_SEARCH + OTA_FILE_HEADER_MAX)
#define OTA_FILE_IMAGE_MAX (64u << 20)

struct ota_file {
	uint64_t at;         /* where the OTA image begins in the container */
	uint32_t size;       /* totalImageSize: what is served, header included */
	uint64_t trailing;   /* bytes of the container behind it; never served */
	uint16_t header_len; /* from `at` to the first sub-element */
	uint16_t header_version;
	struct ota_key key;
	uint16_t stack;
	uint8_t string[32];  /* not always UTF-8, not always ended */
	bool has_credential;
	uint8_t credential;
	bool has_destination;
	uint8_t destination[8];
	bool has_hw;
	uint16_t hw_min, hw_max;
};

/* `prefix`: the first min(file_len, OTA_FILE_PREFIX) bytes of a file of
 * `file_len`. The first place whose header holds counts, even when its size is
 * wrong: Legrand's images have another OTA file inside, and a file that was cut
 * must not be taken for that. When none holds, the error is that of the first
 * magic. 0, or ERR_OTA_FILE_MAGIC (none found),
 * ERR_OTA_FILE_HEADER (version, length, field control), ERR_OTA_FILE_SIZE (the
 * header promises more than there is, or less than itself; the rule names both
 * sizes); the fault (may be NULL) names the field. */
int ota_file_find(struct bytes prefix, uint64_t file_len,
	struct ota_file *ret, struct fault *f);

enum ota_tiling {
	OTA_TILES_PLAIN,  /* 6-byte element headers tile the image */
	OTA_TILES_TELINK, /* one F000 element with an 8-byte header does */
	OTA_TILES_NOT,
};

struct ota_element {
	uint16_t tag;
	uint32_t len;
	uint32_t header_len; /* 6 or 8 */
	uint32_t data_at;    /* from the start of the OTA image */
};

/* Walks the elements of a whole image (`image`: exactly `file->size` bytes).
 * `each` (may be NULL) is called for every element of a tiling image, none when
 * nothing tiles. */
enum ota_tiling ota_file_elements(const struct ota_file *file,
	struct bytes image,
	void (*each)(void *arg, const struct ota_element *e), void *arg);

/* For images that we publish: tiles plainly, one 0x0000 element at least, no tag
 * that is neither standard nor of a manufacturer. 0 or ERR_OTA_FILE_ELEMENT. */
int ota_file_check_strict(const struct ota_file *file, struct bytes image,
	struct fault *f);

/* "0x0a0b0c0d": how file versions are written everywhere: facts, `expect` of a
 * catalog entry, ferryctl. `size` at least 11. */
void ota_version_text(uint32_t version, char *text, size_t size);
/* Takes "0x" and 1 to 8 hexadecimal digits, or a decimal number. 0, -EINVAL. */
int ota_version_read(const char *text, uint32_t *ret);

#endif
