#include "tools/publish/envelope.h"

#include <errno.h>
#include <stdio.h>

#include "base/cbor_out.h"
#include "policy/trust/component.h"
#include "policy/trust/suit.h"
#include "tools/publish/say.h"

/* What policy/trust/suit.h does not name: draft section 8. */
enum {
	ENVELOPE_TAG = 107,
	MANIFEST_VERSION = 1,
	MANIFEST_SEQUENCE = 2,
	MANIFEST_COMMON = 3,
	COMMON_COMPONENTS = 2,
	COMMON_SHARED = 4,
	TEXT_UPDATE = 2,
	TEXT_VENDOR = 1,
	TEXT_MODEL = 2,
	TEXT_DOMAIN = 3,
	TEXT_VERSION = 6,
	DIGEST_SHA256 = -16,
	REPORT_ALL = 15,
	REPORT_FAILURE = 2,
};

void envelope_parts_init(struct envelope_parts *parts)
{
	buf_init(&parts->manifest, SUIT_ENVELOPE_MAX);
	buf_init(&parts->text, SUIT_ENVELOPE_MAX);
}

void envelope_parts_done(struct envelope_parts *parts)
{
	buf_done(&parts->manifest);
	buf_done(&parts->text);
}

static void put_digest(struct buf *b, const uint8_t digest[32])
{
	cbor_put_array(b, 2);
	cbor_put_int(b, DIGEST_SHA256);
	cbor_put_bstr(b, bytes_of(digest, 32));
}

/* Wraps what `inner` holds as a byte string and empties it. */
static void put_wrapped(struct buf *b, struct buf *inner)
{
	if (inner->err && !b->err)
		b->err = inner->err;
	cbor_put_bstr(b, buf_bytes(inner));
	buf_reset(inner);
}

/* With several components every sequence says first which it means. */
static void put_index(struct buf *b, const struct envelope_plan *plan,
	unsigned index)
{
	if (!plan->sealing)
		return;
	cbor_put_uint(b, SUIT_SET_INDEX);
	cbor_put_uint(b, index);
}

/* A sequence of so many items, and two more for the index. */
static void put_sequence(struct buf *b, const struct envelope_plan *plan,
	unsigned items)
{
	cbor_put_array(b, items + (plan->sealing ? 2 : 0));
}

static const uint8_t *image_digest(const struct envelope_plan *plan)
{
	return plan->sealing ? plan->sealing->image_digest :
		plan->release->payload_digest;
}

static void put_shared(struct buf *b, const struct envelope_plan *plan)
{
	const struct release *r = plan->release;
	struct buf digest;

	buf_init(&digest, 64);
	put_digest(&digest, image_digest(plan));
	put_sequence(b, plan, plan->use_before ? 8 : 6);
	put_index(b, plan, 0);
	cbor_put_uint(b, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(b, plan->use_before ? 5 : 4);
	cbor_put_uint(b, SUIT_PARAM_VENDOR);
	cbor_put_bstr(b, bytes_of(r->vendor_id, 16));
	cbor_put_uint(b, SUIT_PARAM_CLASS);
	cbor_put_bstr(b, bytes_of(r->class_id, 16));
	cbor_put_uint(b, SUIT_PARAM_DIGEST);
	put_wrapped(b, &digest);
	if (plan->use_before) {
		cbor_put_uint(b, SUIT_PARAM_USE_BEFORE);
		cbor_put_uint(b, plan->use_before);
	}
	cbor_put_uint(b, SUIT_PARAM_SIZE);
	cbor_put_uint(b, plan->sealing ? plan->sealing->image_len :
		r->payload_len);
	cbor_put_uint(b, SUIT_COND_VENDOR);
	cbor_put_uint(b, REPORT_ALL);
	cbor_put_uint(b, SUIT_COND_CLASS);
	cbor_put_uint(b, REPORT_ALL);
	if (plan->use_before) {
		cbor_put_uint(b, SUIT_COND_USE_BEFORE);
		cbor_put_uint(b, REPORT_ALL);
	}
	buf_done(&digest);
}

/* What the device is given, and where it keeps the ciphertext meanwhile. */
struct components {
	struct bytes image;
	struct bytes sealed;
};

static void put_common(struct buf *b, const struct envelope_plan *plan,
	const struct components *components)
{
	struct buf shared;

	buf_init(&shared, b->max);
	put_shared(&shared, plan);
	cbor_put_map(b, 2);
	cbor_put_uint(b, COMMON_COMPONENTS);
	cbor_put_array(b, plan->sealing ? 2 : 1);
	buf_add_bytes(b, components->image);
	if (plan->sealing)
		buf_add_bytes(b, components->sealed);
	cbor_put_uint(b, COMMON_SHARED);
	put_wrapped(b, &shared);
	buf_done(&shared);
}

static void put_uri(struct buf *b, const struct release *r)
{
	char uri[80] = "../p/";

	/* Relative to the envelope, which is served as e/SHA256.suit. */
	bytes_to_hex(bytes_of(r->payload_digest, 32), uri + strlen(uri),
		sizeof(uri) - strlen(uri));
	cbor_put_uint(b, SUIT_PARAM_URI);
	cbor_put_tstr(b, uri);
}

static void put_match(struct buf *b)
{
	cbor_put_uint(b, SUIT_COND_IMAGE_MATCH);
	cbor_put_uint(b, REPORT_ALL);
}

static void put_install_plain(struct buf *b, const struct release *r)
{
	cbor_put_array(b, 6);
	cbor_put_uint(b, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(b, 1);
	put_uri(b, r);
	cbor_put_uint(b, SUIT_FETCH);
	cbor_put_uint(b, REPORT_FAILURE);
	put_match(b);
}

/* Fetches the ciphertext into component 1 and decrypts it into component 0. */
static void put_install_sealed(struct buf *b, const struct envelope_plan *plan)
{
	const struct release *r = plan->release;
	struct buf digest;

	buf_init(&digest, 64);
	put_digest(&digest, r->payload_digest);
	cbor_put_array(b, 16);
	put_index(b, plan, 1);
	cbor_put_uint(b, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(b, 3);
	cbor_put_uint(b, SUIT_PARAM_DIGEST);
	put_wrapped(b, &digest);
	cbor_put_uint(b, SUIT_PARAM_SIZE);
	cbor_put_uint(b, r->payload_len);
	put_uri(b, r);
	cbor_put_uint(b, SUIT_FETCH);
	cbor_put_uint(b, REPORT_FAILURE);
	put_match(b);
	put_index(b, plan, 0);
	cbor_put_uint(b, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(b, 2);
	cbor_put_uint(b, SUIT_PARAM_ENCRYPTION);
	cbor_put_bstr(b, buf_bytes(&plan->sealing->info));
	cbor_put_uint(b, SUIT_PARAM_SOURCE);
	cbor_put_uint(b, 1);
	cbor_put_uint(b, SUIT_COPY);
	cbor_put_uint(b, REPORT_FAILURE);
	put_match(b);
	buf_done(&digest);
}

static void put_install(struct buf *b, const struct envelope_plan *plan)
{
	if (plan->sealing)
		put_install_sealed(b, plan);
	else
		put_install_plain(b, plan->release);
}

static void put_member(struct buf *b, unsigned key, const char *text)
{
	if (!text[0])
		return;
	cbor_put_uint(b, key);
	cbor_put_tstr(b, text);
}

static void put_text(struct buf *b, const struct envelope_plan *plan,
	struct bytes component)
{
	const struct release *r = plan->release;
	uint64_t members = (plan->vendor->name[0] != '\0') +
			(plan->class->model[0] != '\0') +
			(plan->vendor->domain[0] != '\0') +
			(r->version[0] != '\0');

	cbor_put_map(b, 1);
	cbor_put_tstr(b, "en");
	cbor_put_map(b, r->notes[0] ? 2 : 1);
	put_member(b, TEXT_UPDATE, r->notes);
	buf_add_bytes(b, component);
	cbor_put_map(b, members);
	put_member(b, TEXT_VENDOR, plan->vendor->name);
	put_member(b, TEXT_MODEL, plan->class->model);
	put_member(b, TEXT_DOMAIN, plan->vendor->domain);
	put_member(b, TEXT_VERSION, r->version);
}

static void put_manifest(struct buf *b, const struct envelope_plan *plan,
	const struct components *components, const uint8_t *text_digest)
{
	struct buf part;

	buf_init(&part, b->max);
	cbor_put_map(b, text_digest ? 6 : 5);
	cbor_put_uint(b, MANIFEST_VERSION);
	cbor_put_uint(b, 1);
	cbor_put_uint(b, MANIFEST_SEQUENCE);
	cbor_put_uint(b, plan->release->sequence);
	cbor_put_uint(b, MANIFEST_COMMON);
	put_common(&part, plan, components);
	put_wrapped(b, &part);
	cbor_put_uint(b, SUIT_VALIDATE);
	put_sequence(&part, plan, 2);
	put_index(&part, plan, 0);
	put_match(&part);
	put_wrapped(b, &part);
	cbor_put_uint(b, SUIT_INSTALL);
	put_install(&part, plan);
	put_wrapped(b, &part);
	if (text_digest) {
		cbor_put_uint(b, SUIT_TEXT);
		put_digest(b, text_digest);
	}
	buf_done(&part);
}

/* SUIT digests a member together with its byte string head. */
int envelope_manifest_digest(struct bytes manifest, uint8_t ret[32])
{
	uint8_t head[9];
	const struct bytes parts[] = {
		{head, cbor_head(head, 2, manifest.len)},
		manifest,
	};
	int err = crypto_digest(CRYPTO_SHA256, parts, 2, ret);

	return err ? complain(err, NULL, "digest", "%s", err_text(err)) : 0;
}

static int component_of(const char *text, uint8_t at[COMPONENT_LEN_MAX],
	struct bytes *ret)
{
	ret->at = at;
	if (component_from_text(text, at, &ret->len))
		return complain(-EINVAL, text, "component",
			"must be names joined by '/', such as app or net/0x01");
	return 0;
}

int envelope_plan_write(const struct envelope_plan *plan,
	struct envelope_parts *ret)
{
	uint8_t image_id[COMPONENT_LEN_MAX], sealed_id[COMPONENT_LEN_MAX];
	struct components components = {0};
	char sealed_text[sizeof(plan->release->component) + 8];
	uint8_t text_digest[32];
	int err = component_of(plan->release->component, image_id,
		&components.image);

	snprintf(sealed_text, sizeof(sealed_text), "%s/sealed",
		plan->release->component);
	if (!err && plan->sealing)
		err = component_of(sealed_text, sealed_id, &components.sealed);
	if (!err && plan->with_text) {
		put_text(&ret->text, plan, components.image);
		err = ret->text.err ? ret->text.err : envelope_manifest_digest(
			buf_bytes(&ret->text), text_digest);
	}
	if (!err) {
		put_manifest(&ret->manifest, plan, &components,
			plan->with_text ? text_digest : NULL);
		err = ret->manifest.err;
	}
	return err ? complain(err, NULL, "manifest", "cannot be written: %s",
		err_text(err)) : 0;
}

/* The authentication wrapper: digest, blocks that stay, new blocks. */
static int put_wrapper(struct buf *b, const struct envelope_content *content,
	const struct cose_signing *by, unsigned count)
{
	struct buf digest, block;
	uint8_t manifest_digest[32];
	int err = envelope_manifest_digest(content->manifest, manifest_digest);

	if (err)
		return err;
	buf_init(&digest, 64);
	buf_init(&block, SUIT_ENVELOPE_MAX);
	put_digest(&digest, manifest_digest);
	cbor_put_array(b, 1 + (uint64_t)content->block_count + count);
	cbor_put_bstr(b, buf_bytes(&digest));
	for (unsigned i = 0; i < content->block_count; i++)
		cbor_put_bstr(b, content->blocks[i]);
	for (unsigned i = 0; !err && i < count; i++) {
		err = cose_put_sign1(&block, &by[i], bytes_of(NULL, 0),
			buf_bytes(&digest), true);
		if (!err)
			put_wrapped(b, &block);
	}
	buf_done(&block);
	buf_done(&digest);
	return err ? err : b->err;
}

static uint64_t severed_count(const struct envelope_content *content)
{
	uint64_t count = 0;

	for (unsigned key = 0; key <= SUIT_UNINSTALL; key++)
		count += content->severed[key].len > 0;
	return count;
}

int envelope_sign(const struct envelope_content *content,
	const struct cose_signing *by, unsigned count, struct buf *ret)
{
	struct buf wrapper;
	int err = content->block_count + count > SUIT_BLOCKS_MAX ? -E2BIG : 0;

	buf_init(&wrapper, SUIT_ENVELOPE_MAX);
	if (!err)
		err = put_wrapper(&wrapper, content, by, count);
	if (!err) {
		cbor_put_tag(ret, ENVELOPE_TAG);
		cbor_put_map(ret, 2 + severed_count(content));
		cbor_put_uint(ret, SUIT_AUTH);
		put_wrapped(ret, &wrapper);
		cbor_put_uint(ret, SUIT_MANIFEST);
		cbor_put_bstr(ret, content->manifest);
		for (unsigned key = 0; key <= SUIT_UNINSTALL; key++) {
			if (!content->severed[key].len)
				continue;
			cbor_put_uint(ret, key);
			cbor_put_bstr(ret, content->severed[key]);
		}
		err = ret->err;
	}
	buf_done(&wrapper);
	if (err == -E2BIG)
		return complain(err, NULL, "envelope",
			"has %d signatures at most", SUIT_BLOCKS_MAX);
	return err ? complain(err, NULL, "envelope", "cannot be signed: %s",
		err_text(err)) : 0;
}
