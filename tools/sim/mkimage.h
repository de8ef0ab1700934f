/* Makes MCUboot image files: header, payload, TLV areas with the SHA-256.
 *
 * The payload is a function of the seed, so an image is never wholly in
 * memory: it is made in pieces and given to a sink. No state; any thread. */
#ifndef FERRY_SIM_MKIMAGE_H
#define FERRY_SIM_MKIMAGE_H

#include "base/err.h"
#include "tools/sim/image.h"

struct mkimage {
	struct image_version version;
	uint32_t payload_len;
	uint32_t header_len; /* 0: 32 */
	uint64_t seed;	     /* 0: the payload counts 00 01 02 ... FF 00 */
	uint32_t flags;
	uint32_t load_address;
	bool has_hw; /* vendor TLV 00A0 with `hw`, in the protected area */
	uint32_t hw;
	bool has_counter; /* security counter in the protected area */
	uint32_t counter;
	bool bad_hash;	 /* one bit of TLV 0010 is wrong */
	bool bad_magic;	 /* the file does not start with the magic */
	bool no_hash;	 /* no TLV 0010 */
	uint32_t pad_to; /* slot size: FF and a trailer follow; 0: no padding */
	bool confirmed;	 /* the trailer says permanent, not test */
};

typedef int (*mkimage_sink)(void *arg, const void *at, size_t len);

/* Length of the file that mkimage_write() makes. */
uint64_t mkimage_len(const struct mkimage *m);

/* Writes the file through `sink`, front to back. `ret_hash` (may be NULL) gets
 * the true hash of the image. Returns 0, -EINVAL for sizes that make no image,
 * or what the sink returned. */
int mkimage_write(const struct mkimage *m, mkimage_sink sink, void *arg,
	uint8_t ret_hash[IMAGE_HASH_LEN]);

#endif
