#include "policy/trust/offer_images.h"

#include "policy/trust/encrypt.h"

static void skip(const struct offer_images *o, const char *name, unsigned step,
	const char *why)
{
	verdict_add(o->v, name, CHECK_NOT_EVALUATED, 0, step, "%s",
		o->manifest ? why : "an earlier check failed");
}

/* A row about bytes: why it failed, or how many there are. */
static void judged(const struct offer_images *o, const char *name, int code,
	unsigned count, const char *what)
{
	if (code)
		verdict_add(o->v, name, CHECK_FAIL, code, STEP_CHECK, "%s",
			err_text(code));
	else
		verdict_add(o->v, name, CHECK_PASS, 0, STEP_CHECK, "%u %s",
			count, what);
}

/* Length of the ciphertext by what the manifest says; 0 if it does not. */
static uint64_t sealed_len_of(
	const struct suit_fetch *f, const struct encrypt_info *info)
{
	if (f->has_sealed_len)
		return f->sealed_len;
	if (f->has_len && f->len <= UINT64_MAX - info->cipher->growth)
		return f->len + info->cipher->growth;
	return 0;
}

/* What the bytes to fetch must be, as far as the manifest says it. */
struct wanted {
	const struct suit_digest *digest; /* NULL: not said */
	bool has_len;
	uint64_t len;
};

static int wanted_of(const struct suit_fetch *f, struct wanted *ret)
{
	struct encrypt_info info;
	int err;

	*ret = (struct wanted){&f->digest, f->has_len, f->len};
	if (!f->encryption.at)
		return 0;
	err = encrypt_info_parse(f->encryption, &info, NULL);
	if (err)
		return err;
	ret->digest = f->has_sealed_digest ? &f->sealed_digest : NULL;
	ret->len = sealed_len_of(f, &info);
	ret->has_len = ret->len != 0;
	return 0;
}

/* Where the algorithms agree the digest decides, else the length, else there
 * must be one payload alone. */
static bool payload_fits(const struct offer_images *o, const struct wanted *w,
	const struct catalog_payload *p)
{
	if (w->digest && w->digest->hash == CRYPTO_SHA256)
		return bytes_equal(p->sha256, w->digest->value);
	if (w->has_len)
		return p->len == w->len;
	return !w->digest && o->entry->payload_count == 1;
}

/* The payload of the entry that an image is, or is encrypted in. */
static int image_find(const struct offer_images *o, const struct suit_fetch *f,
	struct offer_image *image)
{
	struct wanted w;
	int err = wanted_of(f, &w);

	for (unsigned i = 0; !err && i < o->entry->payload_count; i++) {
		struct catalog_payload p;

		if (catalog_entry_payload(o->entry, i, &p))
			break;
		if (!payload_fits(o, &w, &p))
			continue;
		if (w.has_len && p.len != w.len)
			return ERR_TRUST_OFFER_PAYLOAD_LEN;
		image->payload = (int)i;
		image->from = p;
		if (!f->encryption.at)
			image->len = p.len;
		return 0;
	}
	return err ? err : ERR_TRUST_OFFER_PAYLOAD;
}

/* Of an encrypted image the manifest need not say the length, but the
 * ciphertext has one. */
static int plain_len(const struct suit_fetch *f, struct offer_image *image)
{
	struct encrypt_info info;
	uint64_t len;
	int err;

	if (!f->encryption.at || image->payload < 0)
		return 0;
	err = encrypt_info_parse(f->encryption, &info, NULL);
	if (!err)
		err = encrypt_plain_len(&info, image->from.len, &len);
	if (err)
		return err;
	if (f->has_len && f->len != len)
		return ERR_TRUST_ENCRYPT_LENGTH;
	image->len = len;
	return 0;
}

static int image_add(const struct offer_images *o, const struct suit_fetch *f)
{
	struct offer_image *image = &o->plan->images[o->plan->image_count++];
	int err = 0;

	*image = (struct offer_image){
		.component = f->component,
		.component_id = o->manifest->components[f->component],
		.slot = f->slot,
		.digest = f->digest,
		.len = f->len,
		.encryption = f->encryption,
		.payload = -1,
	};
	if (o->entry)
		err = image_find(o, f, image);
	return err ? err : plain_len(f, image);
}

static void judge_listed(const struct offer_images *o)
{
	const struct suit_outcome *outcome = &o->plan->outcome;
	int code = 0;

	if (!o->manifest) {
		skip(o, "image-listed", STEP_CHECK, "");
		return;
	}
	for (unsigned i = 0; i < outcome->fetch_count; i++) {
		int err = image_add(o, &outcome->fetches[i]);

		code = code ? code : err;
	}
	if (!o->entry)
		skip(o, "image-listed", STEP_CHECK, "no catalog");
	else
		judged(o, "image-listed", code, o->plan->image_count,
			"images, all of them");
}

static unsigned encrypted_count(const struct offer_images *o)
{
	unsigned count = 0;

	for (unsigned i = 0; i < o->plan->image_count; i++)
		count += o->plan->images[i].encryption.at != NULL;
	return count;
}

/* Step 2. The least protected image counts. */
static void judge_protection(const struct offer_images *o)
{
	const struct offer_plan *plan = o->plan;
	int tier = TIER_QUANTUM;
	char text[96] = "";

	if (!o->manifest) {
		skip(o, "protection", STEP_PROTECT, "");
		return;
	}
	for (unsigned i = 0; i < plan->image_count; i++) {
		struct encrypt_info info;
		int one;

		if (!plan->images[i].encryption.at ||
			encrypt_info_parse(
				plan->images[i].encryption, &info, NULL)) {
			verdict_add(o->v, "protection", CHECK_PASS, 0,
				STEP_PROTECT, "not encrypted");
			return;
		}
		one = encrypt_tier(&info);
		tier = one < tier ? one : tier;
		encrypt_describe(&info, text, sizeof(text));
	}
	verdict_add(o->v, "protection", CHECK_PASS, 0, STEP_PROTECT, "%s; %s",
		text,
		o->req->encrypted == OFFER_ENCRYPTED_SEALED
			? "sealed as far as the device"
			: "to be opened here");
	verdict_reach(o->v, STEP_PROTECT, tier);
}

/* The digest of a payload in the algorithm of the image; .at NULL if it was not
 * computed. */
static struct bytes payload_digest(
	const struct offer_payload *p, enum crypto_hash hash)
{
	const uint8_t *at = hash == CRYPTO_SHA256   ? p->sha256
			    : hash == CRYPTO_SHA384 ? p->sha384
						    : p->sha512;

	return bytes_of(at, at ? crypto_hash_len(hash) : 0);
}

static bool is_listed_payload(
	const struct offer_image *image, const struct offer_payload *p)
{
	return image->payload < 0 ||
	       bytes_equal(image->from.sha256, bytes_of(p->sha256, 32));
}

/* A payload that is the image itself. */
static int plain_code(const struct offer_images *o,
	const struct offer_image *image, bool has_len)
{
	for (unsigned i = 0; i < o->req->payload_count; i++) {
		const struct offer_payload *p = &o->req->payloads[i];

		if (!bytes_equal(payload_digest(p, image->digest.hash),
			    image->digest.value) ||
			!is_listed_payload(image, p))
			continue;
		return (has_len || image->payload >= 0) && p->len != image->len
			       ? ERR_TRUST_OFFER_PAYLOAD_LEN
			       : 0;
	}
	return ERR_TRUST_OFFER_PAYLOAD_DIGEST;
}

/* A payload that is the ciphertext of an image: by the catalog, by the manifest
 * where it says so, and one of them must. */
static int sealed_code(const struct offer_images *o, unsigned index)
{
	const struct offer_image *image = &o->plan->images[index];
	const struct suit_fetch *f = &o->plan->outcome.fetches[index];
	struct wanted w;
	int err = wanted_of(f, &w);

	if (err)
		return err;
	if (image->payload < 0 && !w.digest)
		return ERR_TRUST_ENCRYPT_SEALED;
	for (unsigned i = 0; i < o->req->payload_count; i++) {
		const struct offer_payload *p = &o->req->payloads[i];

		if (!is_listed_payload(image, p))
			continue;
		if (w.digest && !bytes_equal(payload_digest(p, w.digest->hash),
					w.digest->value))
			continue;
		if ((image->payload >= 0 && p->len != image->from.len) ||
			(w.has_len && p->len != w.len))
			return ERR_TRUST_ENCRYPT_LENGTH;
		return 0;
	}
	return ERR_TRUST_ENCRYPT_SEALED;
}

static int opened_code(
	const struct offer_images *o, const struct offer_image *image)
{
	for (unsigned i = 0; i < o->req->opened_count; i++) {
		const struct offer_payload *p = &o->req->opened[i];

		if (bytes_equal(payload_digest(p, image->digest.hash),
			    image->digest.value))
			return image->len && p->len != image->len
				       ? ERR_TRUST_ENCRYPT_LENGTH
				       : 0;
	}
	return ERR_TRUST_ENCRYPT_PLAIN;
}

static int judge_sealed(const struct offer_images *o)
{
	unsigned count = encrypted_count(o);
	int code = 0;

	if (count == 0)
		return 0;
	if (!o->req->payloads) {
		skip(o, "sealed-digest", STEP_CHECK, "no ciphertext given");
		return 0;
	}
	for (unsigned i = 0; !code && i < o->plan->image_count; i++)
		if (o->plan->images[i].encryption.at)
			code = sealed_code(o, i);
	judged(o, "sealed-digest", code, count,
		"ciphertexts, whole length and digest");
	return code;
}

static int images_code(const struct offer_images *o)
{
	const struct suit_outcome *outcome = &o->plan->outcome;
	int code = 0;

	for (unsigned i = 0; !code && i < o->plan->image_count; i++) {
		const struct offer_image *image = &o->plan->images[i];

		if (!image->encryption.at)
			code = plain_code(o, image,
				outcome->fetches[i].has_len);
		else if (o->req->encrypted == OFFER_ENCRYPTED_OPEN)
			code = opened_code(o, image);
	}
	return code;
}

/* A sealed image is checked by the digest of its ciphertext alone: that is what
 * the class wants, and what the row says. */
static void judge_digest(const struct offer_images *o, int sealed)
{
	bool is_sealed = encrypted_count(o) > 0 &&
			 o->req->encrypted == OFFER_ENCRYPTED_SEALED;
	bool waits = encrypted_count(o) > 0 && !is_sealed && !o->req->opened;
	int code;

	if (!o->manifest || !o->req->payloads) {
		skip(o, "image-digest", STEP_CHECK, "no image given");
		return;
	}
	if (sealed || waits) {
		skip(o, "image-digest", STEP_CHECK,
			sealed ? "the ciphertext is another"
			       : "encrypted, and not opened");
		return;
	}
	code = images_code(o);
	if (!code && is_sealed)
		verdict_add(o->v, "image-digest", CHECK_OFF, 0, STEP_CHECK,
			"not checked here: sealed");
	else
		judged(o, "image-digest", code, o->plan->image_count,
			"images, whole length and digest");
	if (!code)
		verdict_reach(o->v, STEP_CHECK, TIER_BASIC);
}

void offer_judge_images(const struct offer_images *o)
{
	judge_listed(o);
	judge_protection(o);
	judge_digest(o, judge_sealed(o));
}
