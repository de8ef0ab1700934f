#include "policy/trust/encrypt.h"

#include <stdio.h>

#include "policy/trust/fields.h"

#define PROTECTED_MAX 256
#define CTR_IV 16
#define GCM_IV 12

/* RFC 9052 table 3, RFC 9053 tables 14, 16 and 19. */
enum label {
	LABEL_EPHEMERAL = -1,
	LABEL_ALG = 1,
	LABEL_CRIT = 2,
	LABEL_KID = 4,
	LABEL_IV = 5,
	LABEL_PARTIAL_IV = 6,
};

static const struct encrypt_cipher ciphers[] = {
	{1, "A128GCM", CRYPTO_GCM, 16, CRYPTO_GCM_TAG},
	{3, "A256GCM", CRYPTO_GCM, 32, CRYPTO_GCM_TAG},
	{-65534, "A128CTR", CRYPTO_CTR, 16, 0},
	{-65532, "A256CTR", CRYPTO_CTR, 32, 0},
};

static const struct encrypt_wrapping wrappings[] = {
	{-3, "A128KW", false, 16, -3},
	{-5, "A256KW", false, 32, -5},
	{-29, "ECDH-ES+A128KW", true, 16, -3},
	{-31, "ECDH-ES+A256KW", true, 32, -5},
};

const struct encrypt_cipher *encrypt_cipher_find(int64_t alg)
{
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		if (ciphers[i].alg == alg)
			return &ciphers[i];
	return NULL;
}

const struct encrypt_wrapping *encrypt_wrapping_find(int64_t alg)
{
	for (size_t i = 0; i < sizeof(wrappings) / sizeof(wrappings[0]); i++)
		if (wrappings[i].alg == alg)
			return &wrappings[i];
	return NULL;
}

/* The members of both header maps that matter here. */
struct header {
	struct cose_header cose; /* the algorithm alone */
	struct bytes kid;
	struct bytes iv;
	struct bytes ephemeral; /* raw COSE_Key */
	bool is_foreign; /* has what changes the meaning and is not known */
};

static void once(struct fields *f, struct bytes *at, const char *field)
{
	if (at->at)
		field_fail(f, ERR_TRUST_ENCRYPT_FORM, field, "stands twice");
}

/* Labels from -2 down are parameters of key agreement and derivation (static
 * keys, salt, party information): a key that is derived without them is
 * another. */
static void member_read(
	struct fields *f, int64_t label, void *arg, bool is_protected)
{
	struct header *h = arg;

	switch (label) {
	case LABEL_ALG:
		field_header_alg(f, &h->cose, ERR_TRUST_ENCRYPT_FORM,
			is_protected);
		return;
	case LABEL_KID:
		once(f, &h->kid, "kid");
		if (cbor_peek(&f->r) == CBOR_BSTR)
			h->kid = field_bstr(f, "kid", 0, SIZE_MAX);
		else
			field_skip(f, "kid");
		return;
	case LABEL_IV:
		once(f, &h->iv, "iv");
		h->iv = field_bstr(f, "iv", 0, SIZE_MAX);
		return;
	case LABEL_EPHEMERAL:
		once(f, &h->ephemeral, "ephemeral");
		h->ephemeral = field_skip(f, "ephemeral");
		return;
	default:
		if (label < LABEL_EPHEMERAL || label == LABEL_CRIT ||
			label == LABEL_PARTIAL_IV)
			h->is_foreign = true;
		field_skip(f, "");
	}
}

static void headers_read(
	struct fields *f, struct bytes *ret_protected, struct header *ret)
{
	*ret = (struct header){0};
	field_headers(f, "encryption.protected", PROTECTED_MAX, member_read,
		ret, ret_protected);
}

/* AES-GCM is for the protected header, AES-CTR for the other one: with nothing
 * that authenticates, a protected header would only pretend (RFC 9459 section
 * 4). */
static void cipher_take(
	struct fields *f, const struct header *h, struct encrypt_info *info)
{
	bool gcm;

	if (f->r.err)
		return;
	if (h->is_foreign) {
		field_fail(f, ERR_TRUST_COSE_CRIT, "header",
			"has critical parts or a partial IV");
		return;
	}
	info->cipher = h->cose.alg_is_int ? encrypt_cipher_find(h->cose.alg)
					  : NULL;
	if (!info->cipher) {
		field_fail(f, ERR_TRUST_ENCRYPT_CIPHER, "alg",
			"must be A128GCM, A256GCM, A128CTR or A256CTR");
		return;
	}
	gcm = info->cipher->mode == CRYPTO_GCM;
	if (h->cose.alg_protected != gcm || (!gcm && info->protected_bytes.len))
		field_fail(f, ERR_TRUST_ENCRYPT_FORM, "alg",
			gcm ? "must be in the protected header"
			    : "must be in the unprotected header, alone");
	if (h->iv.len != (gcm ? GCM_IV : CTR_IV))
		field_fail(f, ERR_TRUST_ENCRYPT_FORM, "iv",
			gcm ? "must be 12 bytes" : "must be 16 bytes");
	info->iv = h->iv;
}

static int ephemeral_take(struct fields *f, const struct header *h,
	struct encrypt_recipient *ret)
{
	struct cose_key key;
	int err;

	if (!h->ephemeral.at)
		return field_fail(f, ERR_TRUST_ENCRYPT_FORM, "ephemeral",
			"is missing");
	err = cose_key_parse(h->ephemeral, &key, f->fault);
	if (!err && key.curve != CRYPTO_P256)
		err = ERR_TRUST_COSE_KEY_CURVE;
	if (err)
		return field_fail(
			f, err, "ephemeral", "must be a key on P-256");
	memcpy(ret->ephemeral, key.pub, sizeof(ret->ephemeral));
	return 0;
}

/* What a recipient of ours must have. */
static void recipient_take(struct fields *f, const struct header *h,
	const struct encrypt_cipher *cipher, struct encrypt_recipient *ret)
{
	const struct encrypt_wrapping *w = ret->wrapping;

	if (h->cose.alg_protected != w->agrees ||
		(!w->agrees && ret->protected_bytes.len))
		field_fail(f, ERR_TRUST_ENCRYPT_FORM, "alg",
			w->agrees ? "must be in the protected header"
				  : "must be in the unprotected header, alone");
	if (w->agrees)
		ephemeral_take(f, h, ret);
	if (h->kid.len > ENCRYPT_KID_MAX)
		field_fail(f, ERR_TOO_LARGE, "kid", "is too long");
	if (ret->wrapped.len != cipher->key_len + CRYPTO_WRAP_GROWTH)
		field_fail(f, ERR_TRUST_ENCRYPT_FORM, "ciphertext",
			"must be a wrapped key of the cipher");
	ret->kid = h->kid;
}

static void recipient_read(struct fields *f,
	const struct encrypt_cipher *cipher, struct encrypt_recipient *ret)
{
	struct cbor_list list;
	struct header h;
	bool nests;

	*ret = (struct encrypt_recipient){0};
	field_array(f, "", 3, 4, &list);
	nests = list.left == 4;
	cbor_next(&f->r, &list);
	cbor_next(&f->r, &list);
	headers_read(f, &ret->protected_bytes, &h);
	cbor_next(&f->r, &list);
	if (cbor_peek(&f->r) == CBOR_BSTR)
		ret->wrapped = field_bstr(f, "ciphertext", 0, SIZE_MAX);
	else
		field_skip(f, "ciphertext");
	if (cbor_next(&f->r, &list)) {
		field_skip(f, "recipients");
		cbor_next(&f->r, &list);
	}
	if (field_check(f, "") || nests || h.is_foreign || !h.cose.alg_is_int)
		return;
	ret->wrapping = encrypt_wrapping_find(h.cose.alg);
	if (ret->wrapping)
		recipient_take(f, &h, cipher, ret);
}

static void recipients_read(struct fields *f, struct encrypt_info *info)
{
	struct fields one = {.fault = f->fault, .map = "encryption.recipient"};
	const uint8_t *start = f->r.at;
	struct encrypt_recipient r;
	struct cbor_list list;
	unsigned ours = 0;

	field_array(f, "recipients", 1, ENCRYPT_RECIPIENTS_MAX, &list);
	while (cbor_next(&f->r, &list)) {
		one.r = f->r;
		recipient_read(&one, info->cipher, &r);
		f->r = one.r;
		info->recipient_count++;
		ours += r.wrapping != NULL;
	}
	if (field_check(f, "recipients"))
		return;
	info->recipients = bytes_of(start, (size_t)(f->r.at - start));
	if (ours == 0)
		field_fail(f, ERR_TRUST_ENCRYPT_RECIPIENT, "recipients",
			"none uses A128KW, A256KW or ECDH-ES with one of them");
}

static void ciphertext_read(struct fields *f)
{
	if (cbor_peek(&f->r) == CBOR_NULL)
		cbor_null(&f->r);
	else
		field_fail(f, ERR_TRUST_ENCRYPT_ATTACHED, "ciphertext",
			"must be nil: it is a payload of its own");
}

int encrypt_info_parse(
	struct bytes in, struct encrypt_info *ret, struct fault *fault)
{
	struct fields f = {.fault = fault, .map = "encryption"};
	struct encrypt_info info = {0};
	struct cbor_list list;
	struct header h;
	uint64_t tag = 0;

	cbor_init(&f.r, in, CBOR_COSE);
	if (in.len > ENCRYPT_INFO_MAX)
		return field_fail(&f, ERR_TOO_LARGE, "", "is too long");
	if (cbor_peek(&f.r) == CBOR_TAG)
		cbor_tag(&f.r, &tag);
	if (field_check(&f, ""))
		return f.r.err;
	if (tag != ENCRYPT_TAG)
		return field_fail(
			&f, ERR_TRUST_COSE_TAG, "", "tag must be 96");
	field_array(&f, "", 4, 4, &list);
	cbor_next(&f.r, &list);
	cbor_next(&f.r, &list);
	headers_read(&f, &info.protected_bytes, &h);
	cipher_take(&f, &h, &info);
	cbor_next(&f.r, &list);
	ciphertext_read(&f);
	cbor_next(&f.r, &list);
	if (field_check(&f, ""))
		return f.r.err;
	recipients_read(&f, &info);
	cbor_next(&f.r, &list);
	cbor_done(&f.r);
	if (field_check(&f, ""))
		return f.r.err;
	*ret = info;
	return 0;
}

int encrypt_recipient_at(const struct encrypt_info *info, unsigned i,
	struct encrypt_recipient *ret)
{
	struct fields f = {.map = "encryption.recipient"};
	struct cbor_list list;

	if (i >= info->recipient_count)
		return ERR_TRUST_ENCRYPT_FORM;
	cbor_init(&f.r, info->recipients, CBOR_COSE);
	cbor_array(&f.r, &list);
	while (cbor_next(&f.r, &list)) {
		recipient_read(&f, info->cipher, ret);
		if (i-- == 0)
			break;
	}
	return f.r.err;
}

int encrypt_plain_len(
	const struct encrypt_info *info, uint64_t sealed_len, uint64_t *ret)
{
	if (sealed_len <= info->cipher->growth)
		return ERR_TRUST_ENCRYPT_LENGTH;
	*ret = sealed_len - info->cipher->growth;
	return 0;
}

int encrypt_tier(const struct encrypt_info *info)
{
	int tier = TIER_ENHANCED;

	for (unsigned i = 0; i < info->recipient_count; i++) {
		struct encrypt_recipient r;

		if (encrypt_recipient_at(info, i, &r) || !r.wrapping)
			return TIER_BASIC;
		if (!r.wrapping->agrees)
			tier = TIER_UPGRADED;
	}
	return tier == TIER_UPGRADED && info->recipient_count == 1 ? TIER_BASIC
								   : tier;
}

void encrypt_describe(const struct encrypt_info *info, char *text, size_t size)
{
	const char *name = NULL;

	for (unsigned i = 0; i < info->recipient_count; i++) {
		struct encrypt_recipient r;

		if (encrypt_recipient_at(info, i, &r) || !r.wrapping)
			continue;
		if (name && name != r.wrapping->name)
			name = "several wrappings";
		else
			name = r.wrapping->name;
	}
	snprintf(text, size, "%s, %s, %u recipient%s", info->cipher->name,
		name ? name : "?", info->recipient_count,
		info->recipient_count == 1 ? "" : "s");
}
