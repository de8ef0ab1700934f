#include "policy/trust/suit.h"

#include "base/cbor_out.h"
#include "policy/trust/fields.h"

#define TAG_ENVELOPE 107

int suit_digest_parse(struct bytes in, struct suit_digest *ret)
{
	struct suit_digest d = {0};
	struct cbor_list list;
	struct cbor r;

	cbor_init(&r, in, CBOR_STRICT);
	cbor_array(&r, &list);
	if (!r.err && list.left != 2)
		return ERR_TRUST_SUIT_FORM;
	cbor_next(&r, &list);
	cbor_int(&r, &d.alg);
	cbor_next(&r, &list);
	cbor_bstr(&r, &d.value);
	cbor_next(&r, &list);
	if (cbor_done(&r))
		return r.err;
	d.known = true;
	if (d.alg == -16)
		d.hash = CRYPTO_SHA256;
	else if (d.alg == -43)
		d.hash = CRYPTO_SHA384;
	else if (d.alg == -44)
		d.hash = CRYPTO_SHA512;
	else
		d.known = false;
	if (d.known && d.value.len != crypto_hash_len(d.hash))
		return ERR_TRUST_SUIT_FORM;
	*ret = d;
	return 0;
}

int suit_digest_check(const struct suit_digest *digest, struct bytes in)
{
	uint8_t value[CRYPTO_HASH_MAX];
	int err;

	if (!digest->known)
		return ERR_TRUST_SUIT_DIGEST_ALG;
	err = crypto_digest(digest->hash, &in, 1, value);
	if (err)
		return err;
	return bytes_equal(digest->value,
		       bytes_of(value, crypto_hash_len(digest->hash)))
		       ? 0
		       : ERR_TRUST_SUIT_DIGEST;
}

/* A byte string together with its head. */
static struct suit_span span(struct fields *f, const char *field)
{
	struct suit_span s = {0};
	const uint8_t *from = f->r.at;

	s.content = field_bstr(f, field, 0, SUIT_ENVELOPE_MAX);
	if (!f->r.err)
		s.wrapped = bytes_of(from, (size_t)(f->r.at - from));
	return s;
}

static void wrapper_read(struct fields *f, struct suit_envelope *e)
{
	struct bytes content =
		field_bstr(f, "authentication", 0, SUIT_ENVELOPE_MAX);
	struct fields in = {.fault = f->fault, .map = "authentication"};
	struct cbor_list list;
	int err;

	if (f->r.err)
		return;
	e->has_wrapper = true;
	cbor_init(&in.r, content, CBOR_STRICT);
	field_array(&in, "", 1, 1 + SUIT_BLOCKS_MAX, &list);
	cbor_next(&in.r, &list);
	e->signed_digest = field_bstr(&in, "digest", 1, 256);
	while (cbor_next(&in.r, &list))
		e->blocks[e->block_count++] =
			field_bstr(&in, "block", 1, SUIT_ENVELOPE_MAX);
	cbor_done(&in.r);
	field_check(&in, "");
	if (!in.r.err) {
		err = suit_digest_parse(e->signed_digest, &e->digest);
		if (err)
			field_fail(&in, err, "digest", err_text(err));
	}
	if (in.r.err)
		cbor_fail(&f->r, in.r.err);
}

static void integrated_read(struct fields *f, struct suit_envelope *e)
{
	struct suit_integrated *one;

	if (e->integrated_count == SUIT_INTEGRATED_MAX) {
		field_fail(
			f, ERR_TOO_LARGE, "integrated", "more than the limit");
		return;
	}
	one = &e->integrated[e->integrated_count++];
	one->name = field_tstr(f, "integrated", 256);
	one->content = field_bstr(f, "integrated", 0, SUIT_ENVELOPE_MAX);
}

static bool may_be_severed(int64_t key)
{
	return key == SUIT_COSWID || key == SUIT_DEPENDENCY_RESOLUTION ||
	       key == SUIT_PAYLOAD_FETCH || key == SUIT_INSTALL ||
	       key == SUIT_CANDIDATE_VERIFICATION || key == SUIT_TEXT;
}

static void envelope_member(struct fields *f, struct suit_envelope *e)
{
	int64_t key = 0;

	if (cbor_peek(&f->r) == CBOR_TSTR) {
		integrated_read(f, e);
		return;
	}
	if (cbor_int(&f->r, &key)) {
		field_check(f, "");
		return;
	}
	if (key == SUIT_AUTH)
		wrapper_read(f, e);
	else if (key == SUIT_MANIFEST)
		e->manifest = span(f, "manifest");
	else if (may_be_severed(key))
		e->members[key] = span(f, "severed");
	else
		field_fail(f, ERR_TRUST_SUIT_FORM, "", "unknown member");
}

static void tag_read(struct fields *f, struct suit_envelope *e)
{
	uint64_t tag = 0;

	if (cbor_peek(&f->r) != CBOR_TAG)
		return;
	cbor_tag(&f->r, &tag);
	e->tagged = true;
	if (!f->r.err && tag != TAG_ENVELOPE)
		field_fail(f, ERR_TRUST_SUIT_TAG, "", "tag must be 107");
}

int suit_envelope_parse(
	struct bytes in, struct suit_envelope *ret, struct fault *fault)
{
	struct fields f = {.fault = fault, .map = "envelope"};
	struct suit_envelope e = {0};
	struct cbor_list map;

	if (in.len > SUIT_ENVELOPE_MAX)
		return fault_set(fault, ERR_TOO_LARGE, 0, "envelope",
			"%zu bytes, limit %u", in.len, SUIT_ENVELOPE_MAX);
	cbor_init(&f.r, in, CBOR_STRICT);
	tag_read(&f, &e);
	field_map(&f, "", &map);
	while (cbor_next(&f.r, &map))
		envelope_member(&f, &e);
	cbor_done(&f.r);
	if (field_check(&f, ""))
		return f.r.err;
	if (!e.has_wrapper)
		return fault_set(fault, ERR_TRUST_SUIT_NO_WRAPPER, 0,
			"envelope.authentication", "member 2 is missing");
	if (!e.manifest.wrapped.at)
		return fault_set(fault, ERR_TRUST_SUIT_NO_MANIFEST, 0,
			"envelope.manifest", "member 3 is missing");
	*ret = e;
	return 0;
}

int suit_envelope_check_digest(const struct suit_envelope *envelope)
{
	return suit_digest_check(&envelope->digest, envelope->manifest.wrapped);
}

int suit_envelope_release(const struct suit_envelope *envelope, uint8_t ret[32])
{
	return crypto_sha256(envelope->manifest.wrapped, ret);
}
