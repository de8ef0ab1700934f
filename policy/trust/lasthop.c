#include "policy/trust/lasthop.h"

#include "base/cbor_out.h"
#include "policy/trust/crypto_secret.h"

#include <errno.h>
#include <stdio.h>

#define TAG_ENVELOPE 107
#define TAG_MAC 97
#define USE_ROOM 128   /* bytes of the key derivation's info */
#define PROTECTED_ROOM 128
#define MAC_INPUT_ROOM 512

static const char use_name[] = "ferry fw-mac 1";

/* ---- hub, kid, key ---- */

static bool hub_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

int lasthop_hub_check(const struct lasthop_hub *hub)
{
	size_t len = strnlen(hub->id, sizeof(hub->id));

	if (len == 0 || len == sizeof(hub->id))
		return ERR_LASTHOP_HUB;
	for (size_t i = 0; i < len; i++)
		if (!hub_char(hub->id[i]))
			return ERR_LASTHOP_HUB;
	return 0;
}

static void hub_put(struct buf *b, const struct lasthop_hub *hub)
{
	cbor_put_tstr(b, hub->id);
	cbor_put_uint(b, hub->epoch);
}

size_t lasthop_kid(const struct lasthop_hub *hub, uint8_t ret[LASTHOP_KID_MAX])
{
	size_t id_len = strlen(hub->id);
	size_t len = cbor_head(ret, 4, 2);

	len += cbor_head(ret + len, 3, id_len);
	memcpy(ret + len, hub->id, id_len);
	len += id_len;
	return len + cbor_head(ret + len, 0, hub->epoch);
}

int lasthop_kid_read(struct bytes kid, struct lasthop_hub *ret)
{
	struct lasthop_hub hub = {0};
	struct cbor_list list;
	struct bytes id = {0};
	struct cbor r;

	cbor_init(&r, kid, CBOR_STRICT);
	if (cbor_array(&r, &list) || list.left != 2)
		return ERR_LASTHOP_HUB;
	cbor_next(&r, &list);
	cbor_tstr(&r, &id);
	cbor_next(&r, &list);
	cbor_uint(&r, &hub.epoch);
	cbor_next(&r, &list);
	if (cbor_done(&r) || id.len >= sizeof(hub.id))
		return ERR_LASTHOP_HUB;
	memcpy(hub.id, id.at, id.len);
	/* A NUL inside would make it another hub's name. */
	if (strlen(hub.id) != id.len || lasthop_hub_check(&hub))
		return ERR_LASTHOP_HUB;
	*ret = hub;
	return 0;
}

int lasthop_derive(struct bytes device_key, const struct lasthop_hub *hub,
	uint8_t ret[LASTHOP_KEY_LEN])
{
	struct buf use;
	int err;

	if (lasthop_hub_check(hub) || device_key.len != LASTHOP_KEY_LEN)
		return ERR_LASTHOP_HUB;
	buf_init(&use, USE_ROOM);
	cbor_put_array(&use, 3);
	cbor_put_tstr(&use, use_name);
	hub_put(&use, hub);
	err = use.err ? use.err : crypto_hkdf(device_key, buf_bytes(&use), ret,
					  LASTHOP_KEY_LEN);
	buf_done(&use);
	return err;
}

/* ---- making the prefix ---- */

/* The tag of a block; 0 when it has none. */
static uint64_t block_tag(struct bytes block)
{
	uint64_t tag = 0;
	struct cbor r;

	cbor_init(&r, block, CBOR_COSE);
	if (cbor_peek(&r) == CBOR_TAG)
		cbor_tag(&r, &tag);
	return tag;
}

static bool is_kept(const struct lasthop_request *request, struct bytes block)
{
	uint64_t tag = block_tag(block);

	return !request->strip_signatures || tag == COSE_MAC0 || tag == TAG_MAC;
}

static int mac_put(struct buf *b, const struct lasthop_request *request,
	struct bytes signed_digest)
{
	uint8_t kid[LASTHOP_KID_MAX], tag[CRYPTO_HASH_MAX];
	struct bytes parts[2];
	struct buf header, input;
	int err;

	buf_init(&header, PROTECTED_ROOM);
	buf_init(&input, MAC_INPUT_ROOM);
	cbor_put_map(&header, 2);
	cbor_put_uint(&header, 1);
	cbor_put_uint(&header, COSE_HMAC256);
	cbor_put_uint(&header, 4);
	cbor_put_bstr(&header, bytes_of(kid, lasthop_kid(request->hub, kid)));
	cose_tbs_put(&input, COSE_MAC0, buf_bytes(&header), bytes_of("", 0),
		bytes_of("", 0), signed_digest.len);
	parts[0] = buf_bytes(&input);
	parts[1] = signed_digest;
	err = header.err ? header.err : input.err;
	if (!err)
		err = crypto_hmac(CRYPTO_SHA256, request->key, parts, 2, tag);
	cbor_put_tag(b, COSE_MAC0);
	cbor_put_array(b, 4);
	cbor_put_bstr(b, buf_bytes(&header));
	cbor_put_map(b, 0);
	cbor_put_null(b);
	cbor_put_bstr(b, bytes_of(tag, 32));
	buf_done(&input);
	buf_done(&header);
	return err ? err : b->err;
}

/* The authentication wrapper: the digest, the blocks that stay, our MAC. */
static int wrapper_put(struct buf *b, const struct lasthop_request *request,
	const struct suit_envelope *e)
{
	struct buf wrapper, mac;
	unsigned kept = 0;
	int err;

	for (unsigned i = 0; i < e->block_count; i++)
		kept += is_kept(request, e->blocks[i]);
	if (kept == SUIT_BLOCKS_MAX)
		return ERR_LASTHOP_LAYOUT;
	buf_init(&wrapper, LASTHOP_PREFIX_MAX);
	buf_init(&mac, LASTHOP_PREFIX_MAX);
	err = mac_put(&mac, request, e->signed_digest);
	cbor_put_array(&wrapper, 2u + kept);
	cbor_put_bstr(&wrapper, e->signed_digest);
	for (unsigned i = 0; i < e->block_count; i++)
		if (is_kept(request, e->blocks[i]))
			cbor_put_bstr(&wrapper, e->blocks[i]);
	cbor_put_bstr(&wrapper, buf_bytes(&mac));
	if (!err)
		err = wrapper.err;
	cbor_put_bstr(b, buf_bytes(&wrapper));
	buf_done(&mac);
	buf_done(&wrapper);
	return err ? err : b->err;
}

static bool is_sent(const struct suit_envelope *e, unsigned key)
{
	return e->members[key].wrapped.at && key != SUIT_COSWID &&
	       key != SUIT_TEXT;
}

static int layout_check(const struct lasthop_request *request,
	const struct suit_envelope *e, struct fault *fault)
{
	if (e->integrated_count)
		return fault_set(fault, ERR_LASTHOP_LAYOUT, 0,
			"envelope.integrated", "holds a payload already");
	if (request->uri.len == 0 || request->uri.len > LASTHOP_URI_MAX)
		return fault_set(fault, ERR_LASTHOP_LAYOUT, 0, "manifest.uri",
			"must have 1 to %d bytes to name the image",
			LASTHOP_URI_MAX);
	if (request->image_len == 0 || request->image_len > LASTHOP_IMAGE_MAX)
		return fault_set(fault, ERR_LASTHOP_LAYOUT, 0, "image",
			"must have 1 to %llu bytes", LASTHOP_IMAGE_MAX);
	if (lasthop_hub_check(request->hub) ||
		request->key.len != LASTHOP_KEY_LEN)
		return fault_set(fault, ERR_LASTHOP_HUB, 0, "hub",
			"must be 1 to 64 of A-Z a-z 0-9 . _ - with a key of %d "
			"bytes",
			LASTHOP_KEY_LEN);
	return 0;
}

static int members_put(struct buf *b, const struct lasthop_request *request,
	const struct suit_envelope *e)
{
	unsigned members = 3;
	int err;

	for (unsigned key = 0; key <= SUIT_UNINSTALL; key++)
		members += is_sent(e, key);
	cbor_put_tag(b, TAG_ENVELOPE);
	cbor_put_map(b, members);
	cbor_put_uint(b, SUIT_AUTH);
	err = wrapper_put(b, request, e);
	if (err)
		return err;
	cbor_put_uint(b, SUIT_MANIFEST);
	buf_add_bytes(b, e->manifest.wrapped);
	for (unsigned key = 0; key <= SUIT_UNINSTALL; key++) {
		if (!is_sent(e, key))
			continue;
		cbor_put_uint(b, key);
		buf_add_bytes(b, e->members[key].wrapped);
	}
	cbor_put_tstr_bytes(b, request->uri);
	cbor_put_bstr_head(b, request->image_len);
	return b->err;
}

int lasthop_prefix(const struct lasthop_request *request, struct buf *ret,
	struct fault *fault)
{
	struct suit_envelope e;
	int err = suit_envelope_parse(request->envelope, &e, fault);

	if (!err)
		err = layout_check(request, &e, fault);
	if (!err)
		err = members_put(ret, request, &e);
	if (err)
		return fault_set(fault, err, 0, "envelope", "%s",
			err == ERR_LASTHOP_LAYOUT ? "has no room for a MAC"
						  : err_text(err));
	return 0;
}

/* ---- reading a bundle ---- */

/* Where the pairs of an envelope begin, where the image's pair does, and where
 * its key ends. */
struct cut {
	uint64_t pairs;
	struct bytes before; /* all pairs but the image's */
	struct bytes uri;
	size_t value_at;
};

static int cut_find(struct bytes head, struct cut *ret, struct fault *fault)
{
	struct cut cut = {0};
	struct cbor_list map;
	const uint8_t *from;
	uint64_t tag = 0;
	struct cbor r;

	cbor_init(&r, head, CBOR_STRICT);
	if (cbor_peek(&r) == CBOR_TAG)
		cbor_tag(&r, &tag);
	if (r.err || tag != TAG_ENVELOPE || cbor_map(&r, &map))
		return fault_set(fault, ERR_LASTHOP_FORM, 0, "bundle",
			"must begin with tag 107 and a map");
	cut.pairs = map.left;
	from = r.at;
	while (cbor_next(&r, &map)) {
		if (cbor_peek(&r) == CBOR_TSTR) {
			cut.before = bytes_of(from, (size_t)(r.at - from));
			cbor_tstr(&r, &cut.uri);
			break;
		}
		cbor_skip(&r, NULL);
		cbor_skip(&r, NULL);
	}
	if (r.err || !cut.uri.at || map.left != 0 ||
		cut.uri.len > LASTHOP_URI_MAX)
		return fault_set(fault, ERR_LASTHOP_FORM, cbor_offset(&r),
			"bundle", "%s",
			r.err ? err_text(r.err)
			      : "must end with the image under its URI");
	cut.value_at = cbor_offset(&r);
	*ret = cut;
	return 0;
}

/* The head of a byte string whose content may lie outside of `head`. Shortest
 * form only. False when it is none. */
static bool bstr_head_read(
	struct bytes head, size_t at, uint64_t *ret_len, size_t *ret_head_len)
{
	uint8_t again[9];
	uint64_t len = 0;
	size_t extra;

	if (at >= head.len || head.at[at] >> 5 != 2)
		return false;
	len = head.at[at] & 31;
	extra = len < 24 ? 0 : len > 27 ? 99 : (size_t)1 << (len - 24);
	if (extra > head.len - at - 1)
		return false;
	if (extra)
		len = 0;
	for (size_t i = 0; i < extra; i++)
		len = len << 8 | head.at[at + 1 + i];
	*ret_len = len;
	*ret_head_len = 1 + extra;
	return cbor_head(again, 2, len) == *ret_head_len;
}

int lasthop_bundle_parse(struct bytes head, uint64_t total,
	struct buf *ret_envelope, struct lasthop_bundle *ret,
	struct fault *fault)
{
	struct lasthop_bundle bundle = {0};
	struct cut cut = {0};
	size_t head_len = 0;
	int err = cut_find(head, &cut, fault);

	if (err)
		return err;
	if (!bstr_head_read(head, cut.value_at, &bundle.image_len, &head_len))
		return fault_set(fault, ERR_LASTHOP_FORM, cut.value_at,
			"bundle.image", "must be a byte string");
	bundle.uri = cut.uri;
	bundle.image_at = cut.value_at + head_len;
	if (bundle.image_at > LASTHOP_PREFIX_MAX || bundle.image_len == 0 ||
		bundle.image_len > LASTHOP_IMAGE_MAX ||
		(total && total != bundle.image_at + bundle.image_len))
		return fault_set(fault, ERR_LASTHOP_FORM, bundle.image_at,
			"bundle.image", "must end where the bundle does");
	buf_reset(ret_envelope);
	cbor_put_tag(ret_envelope, TAG_ENVELOPE);
	cbor_put_map(ret_envelope, cut.pairs - 1);
	buf_add_bytes(ret_envelope, cut.before);
	if (ret_envelope->err)
		return ret_envelope->err;
	err = suit_envelope_parse(
		buf_bytes(ret_envelope), &bundle.envelope, fault);
	if (!err)
		*ret = bundle;
	return err;
}

/* ---- what a device checks ---- */

/* 1: not a MAC of a hub. */
static int block_verify(struct bytes block, struct bytes signed_digest,
	struct bytes device_key, struct lasthop_hub *ret)
{
	uint8_t key[LASTHOP_KEY_LEN];
	struct lasthop_hub hub;
	struct cose_msg msg;
	int err;

	if (block_tag(block) != COSE_MAC0)
		return 1;
	err = cose_parse(block, COSE_NONE, &msg, NULL);
	if (err)
		return err;
	if (msg.payload_attached)
		return ERR_TRUST_COSE_ATTACHED;
	if (!msg.header.kid_protected || msg.header.alg != COSE_HMAC256 ||
		lasthop_kid_read(msg.header.kid, &hub))
		return 1;
	err = lasthop_derive(device_key, &hub, key);
	if (!err)
		err = cose_verify_mac0(&msg, bytes_of(key, sizeof(key)),
			bytes_of("", 0), signed_digest, false);
	crypto_wipe(key, sizeof(key));
	if (!err)
		*ret = hub;
	return err;
}

int lasthop_verify(const struct suit_envelope *envelope,
	struct bytes device_key, struct lasthop_hub *ret_hub)
{
	int first = ERR_LASTHOP_NO_MAC;

	for (unsigned i = 0; i < envelope->block_count; i++) {
		int err = block_verify(envelope->blocks[i],
			envelope->signed_digest, device_key, ret_hub);

		if (err == 0)
			return suit_envelope_check_digest(envelope);
		if (err < 0 && first == ERR_LASTHOP_NO_MAC)
			first = err;
	}
	return first;
}

/* An image to look for; an empty URI fits any. */
struct wanted {
	struct bytes uri;
	struct bytes sha256;
	uint64_t len;
};

static bool is_wanted(const struct suit_fetch *fetch, const struct wanted *w)
{
	return (w->uri.len == 0 || bytes_equal(fetch->uri, w->uri)) &&
	       fetch->digest.known && fetch->digest.hash == CRYPTO_SHA256 &&
	       bytes_equal(fetch->digest.value, w->sha256) &&
	       (!fetch->has_len || fetch->len == w->len);
}

static int image_find(const struct suit_envelope *envelope,
	const struct suit_facts *facts, const struct wanted *wanted,
	uint64_t *ret_sequence, struct bytes *ret_uri, struct fault *fault)
{
	struct suit_manifest manifest;
	struct suit_outcome outcome;
	int err = suit_manifest_parse(envelope, &manifest, fault);

	if (!err)
		err = suit_evaluate(&manifest, facts, &outcome, fault);
	if (err)
		return err;
	for (unsigned i = 0; i < outcome.fetch_count; i++) {
		if (!is_wanted(&outcome.fetches[i], wanted))
			continue;
		*ret_sequence = manifest.sequence;
		*ret_uri = outcome.fetches[i].uri;
		return 0;
	}
	return fault_set(fault, ERR_LASTHOP_IMAGE, 0, "image",
		"is none that the manifest fetches, by SHA-256 and length");
}

int lasthop_image_uri(const struct suit_envelope *envelope,
	const struct suit_facts *facts, const uint8_t sha256[32], uint64_t len,
	struct bytes *ret_uri, struct fault *fault)
{
	struct wanted wanted = {{0}, bytes_of(sha256, 32), len};
	uint64_t sequence;

	return image_find(
		envelope, facts, &wanted, &sequence, ret_uri, fault);
}

int lasthop_image_check(const struct suit_envelope *envelope,
	const struct suit_facts *facts, struct bytes uri,
	const uint8_t sha256[32], uint64_t len, uint64_t *ret_sequence,
	struct fault *fault)
{
	struct wanted wanted = {uri, bytes_of(sha256, 32), len};
	struct bytes found;

	if (uri.len == 0)
		return fault_set(fault, ERR_LASTHOP_IMAGE, 0, "image",
			"has no URI");
	return image_find(
		envelope, facts, &wanted, ret_sequence, &found, fault);
}
