/* The last hop to devices that can check a MAC and no signature.
 *
 * After the whole of a release was verified, the gateway rebuilds its SUIT
 * envelope for one device: a COSE_Mac0 over the same SUIT_Digest joins the
 * author's blocks, and the image becomes the integrated payload under the URI
 * of the manifest. That member is the last of the map, so what is sent is
 *
 *     bundle = prefix || image
 *
 * and the image itself is never copied. Manifest, digest and sequence are those
 * of the author. Keys: the vendor keeps a secret K_d for each device; a hub gets
 * K = HKDF(K_d, hub, epoch), which a new epoch makes worthless. Formats, all
 * numbers and the rules of a device: docs/formats.md, "Last hop".
 *
 * Pure functions over bytes; what is parsed points into its input. Any thread,
 * after crypto_init(). The caller wipes keys that it was given. */
#ifndef FERRY_POLICY_TRUST_LASTHOP_H
#define FERRY_POLICY_TRUST_LASTHOP_H

#include "policy/trust/suit.h"

#define LASTHOP_KEY_LEN 32
#define LASTHOP_HUB_SIZE 65 /* with NUL */
#define LASTHOP_KID_MAX 80
#define LASTHOP_URI_MAX 256
#define LASTHOP_PREFIX_MAX SUIT_ENVELOPE_MAX
#define LASTHOP_IMAGE_MAX (256ull << 20)

/* Who made a MAC. The epoch never falls, whichever hub it is. */
struct lasthop_hub {
	char id[LASTHOP_HUB_SIZE]; /* 1 to 64 of A-Z a-z 0-9 . _ - */
	uint64_t epoch;
};

/* 0 or ERR_LASTHOP_HUB. */
int lasthop_hub_check(const struct lasthop_hub *hub);

/* The kid of a MAC: the deterministic encoding of [hub id, epoch]. Returns its
 * length; the hub must be a good one. */
size_t lasthop_kid(
	const struct lasthop_hub *hub, uint8_t ret[LASTHOP_KID_MAX]);

/* 0 or ERR_LASTHOP_HUB. */
int lasthop_kid_read(struct bytes kid, struct lasthop_hub *ret);

/* The key of this hub and epoch for the device that has `device_key`, which is
 * LASTHOP_KEY_LEN bytes. 0, ERR_LASTHOP_HUB or ERR_TRUST_CRYPTO. */
int lasthop_derive(struct bytes device_key, const struct lasthop_hub *hub,
	uint8_t ret[LASTHOP_KEY_LEN]);

struct lasthop_request {
	struct bytes envelope; /* as the catalog lists it, wholly verified */
	struct bytes uri;      /* of the fetch that gets the image */
	uint64_t image_len;
	const struct lasthop_hub *hub;
	struct bytes key; /* of hub, epoch and device */
	/* Leaves signature blocks out; MACs that were there stay. */
	bool strip_signatures;
};

/* Appends everything that is before the image. Severed text and CoSWID are left
 * out. The same request gives the same bytes. ERR_LASTHOP_LAYOUT: too many
 * blocks, an integrated payload that is there already, a URI without text;
 * -EMSGSIZE past `ret`'s maximum; or what parsing said. */
int lasthop_prefix(const struct lasthop_request *request, struct buf *ret,
	struct fault *fault);

struct lasthop_bundle {
	struct suit_envelope envelope; /* without the image */
	struct bytes uri;
	uint64_t image_at; /* in the bundle */
	uint64_t image_len;
};

/* Reads a bundle of `total` bytes from its beginning (0: it says so itself, as
 * where it was written to flash and something else follows). `head` holds the whole
 * prefix: the first LASTHOP_PREFIX_MAX bytes are enough, or all there are. The
 * envelope that is left without the image is written to `ret_envelope`, which
 * `ret` points into, as `ret->uri` points into `head`. ERR_LASTHOP_FORM, or what
 * suit_envelope_parse() said. */
int lasthop_bundle_parse(struct bytes head, uint64_t total,
	struct buf *ret_envelope, struct lasthop_bundle *ret,
	struct fault *fault);

/* What a device does with its own secret: finds a MAC that a hub made for it,
 * and checks it and the digest of the manifest. Says whose MAC counted; that
 * the epoch is not lower than one seen before is for the caller to see to.
 * ERR_LASTHOP_NO_MAC, ERR_TRUST_COSE_MAC, ERR_TRUST_SUIT_DIGEST or what parsing
 * a block said. */
int lasthop_verify(const struct suit_envelope *envelope,
	struct bytes device_key, struct lasthop_hub *ret_hub);

/* The URI from which the manifest fetches the image of this digest and length,
 * as a view into it: what a bundle calls the image. Only images with a SHA-256
 * digest. ERR_LASTHOP_IMAGE, or what parsing and evaluating the manifest said. */
int lasthop_image_uri(const struct suit_envelope *envelope,
	const struct suit_facts *facts, const uint8_t sha256[32], uint64_t len,
	struct bytes *ret_uri, struct fault *fault);

/* Whether the manifest fetches this image from `uri`; `facts` are what a device
 * knows of itself. 0 with the manifest's sequence, or as above. */
int lasthop_image_check(const struct suit_envelope *envelope,
	const struct suit_facts *facts, struct bytes uri,
	const uint8_t sha256[32], uint64_t len, uint64_t *ret_sequence,
	struct fault *fault);

#endif
