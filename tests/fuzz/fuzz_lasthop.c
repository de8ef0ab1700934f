/* Any bytes as a bundle, as an envelope to make one of, and as files of keys.
 * What the gateway makes of an envelope, a device with the right key takes. */
#include <stdlib.h>

#include "policy/trust/lasthop_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint8_t device_key[LASTHOP_KEY_LEN] = "a device's own secret";
static const struct lasthop_hub hub = {"hub-1", 1};

static void read_bundle(struct bytes in)
{
	struct suit_facts facts = {0};
	struct lasthop_bundle bundle;
	struct lasthop_hub seen;
	struct bytes uri;
	uint8_t digest[32];
	uint64_t sequence;
	struct buf left;

	buf_init(&left, SUIT_ENVELOPE_MAX);
	if (lasthop_bundle_parse(in, in.len, &left, &bundle, NULL) == 0) {
		if (bundle.image_at + bundle.image_len != in.len)
			abort();
		crypto_sha256(bytes_slice(in, (size_t)bundle.image_at,
			(size_t)bundle.image_len), digest);
		lasthop_verify(&bundle.envelope,
			bytes_of(device_key, sizeof(device_key)), &seen);
		lasthop_image_check(&bundle.envelope, &facts, bundle.uri,
			digest, bundle.image_len, &sequence, NULL);
		lasthop_image_uri(&bundle.envelope, &facts, digest,
			bundle.image_len, &uri, NULL);
	}
	buf_done(&left);
}

static void check_made(struct buf *made, uint64_t image_len)
{
	struct lasthop_bundle bundle;
	struct lasthop_hub seen;
	struct buf left;
	int err;

	buf_init(&left, SUIT_ENVELOPE_MAX);
	if (lasthop_bundle_parse(buf_bytes(made), made->len + image_len, &left,
		    &bundle, NULL) ||
		bundle.image_at != made->len || bundle.image_len != image_len)
		abort();
	err = lasthop_verify(&bundle.envelope,
		bytes_of(device_key, sizeof(device_key)), &seen);
	/* The author's own digest may be wrong, or of an unknown kind. */
	if (err != suit_envelope_check_digest(&bundle.envelope))
		abort();
	buf_done(&left);
}

static void make_prefix(struct bytes in, bool strip)
{
	uint8_t key[LASTHOP_KEY_LEN];
	struct lasthop_request request = {
		.envelope = in,
		.uri = bytes_of_text("#app"),
		.image_len = 70000,
		.hub = &hub,
		.key = bytes_of(key, sizeof(key)),
		.strip_signatures = strip,
	};
	struct buf made;

	if (lasthop_derive(bytes_of(device_key, sizeof(device_key)), &hub, key))
		abort();
	buf_init(&made, LASTHOP_PREFIX_MAX);
	if (lasthop_prefix(&request, &made, NULL) == 0)
		check_made(&made, request.image_len);
	buf_done(&made);
}

static void read_keys(struct bytes in, enum lasthop_keys_kind kind)
{
	struct lasthop_keys *keys;

	if (lasthop_keys_parse(in, kind, &keys, NULL))
		return;
	for (size_t i = 0; i < lasthop_keys_count(keys); i++)
		if (lasthop_keys_find(keys, lasthop_keys_at(keys, i)->name) !=
			lasthop_keys_at(keys, i))
			abort();
	lasthop_keys_free(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len);
	static int ready;

	if (!ready && crypto_init())
		abort();
	ready = 1;
	read_bundle(in);
	make_prefix(in, false);
	make_prefix(in, true);
	read_keys(in, LASTHOP_DEVICE_KEYS);
	read_keys(in, LASTHOP_HUB_KEYS);
	return 0;
}
