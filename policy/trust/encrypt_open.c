#include <errno.h>
#include <stdlib.h>

#include "base/cbor_out.h"
#include "policy/trust/encrypt_priv.h"

#define CONTEXT_MAX 512

void encrypt_cek_wipe(struct encrypt_cek *cek)
{
	crypto_wipe(cek, sizeof(*cek));
}

static void put_party(struct buf *b)
{
	cbor_put_array(b, 3);
	cbor_put_null(b);
	cbor_put_null(b);
	cbor_put_null(b);
}

int encrypt_derive_kek(const struct encrypt_wrapping *wrapping,
	struct bytes protected_bytes, const uint8_t secret[32], uint8_t *ret)
{
	struct buf b;
	int err;

	buf_init(&b, CONTEXT_MAX);
	cbor_put_array(&b, 4);
	cbor_put_int(&b, wrapping->wrap_alg);
	put_party(&b);
	put_party(&b);
	cbor_put_array(&b, 3);
	cbor_put_uint(&b, wrapping->kek_len * 8);
	cbor_put_bstr(&b, protected_bytes);
	cbor_put_bstr(&b, bytes_of_text("SUIT Payload Encryption"));
	err = b.err ? b.err
		    : crypto_hkdf(bytes_of(secret, 32), buf_bytes(&b), ret,
			      wrapping->kek_len);
	buf_done(&b);
	return err;
}

static int agree_and_unwrap(const struct encrypt_recipient *r,
	const struct encrypt_key *key, uint8_t *ret)
{
	uint8_t kek[CRYPTO_KEY_MAX];
	uint8_t secret[32];
	int err = key->agree(key->arg, r->ephemeral, secret);

	if (!err)
		err = encrypt_derive_kek(
			r->wrapping, r->protected_bytes, secret, kek);
	if (!err)
		err = crypto_key_unwrap(
			bytes_of(kek, r->wrapping->kek_len), r->wrapped, ret);
	crypto_wipe(secret, sizeof(secret));
	crypto_wipe(kek, sizeof(kek));
	return err;
}

static bool fits(
	const struct encrypt_recipient *r, const struct encrypt_key *key)
{
	if (!r->wrapping)
		return false;
	if (r->wrapping->agrees)
		return key->agree != NULL;
	return key->unwrap && key->kek_len == r->wrapping->kek_len;
}

static bool names(
	const struct encrypt_recipient *r, const struct encrypt_key *key)
{
	return r->kid.at && key->kid.at && bytes_equal(r->kid, key->kid);
}

/* What went wrong so far: a failing token counts more than a key that does not
 * open, and that more than no key at all. */
static int worse(int before, int err, bool named)
{
	if (err == ERR_TRUST_ENCRYPT_UNWRAP || err == ERR_TRUST_COSE_KEY)
		err = named ? ERR_TRUST_ENCRYPT_UNWRAP
			    : ERR_TRUST_ENCRYPT_NO_KEY;
	if (before == ERR_TRUST_ENCRYPT_NO_KEY)
		return err;
	if (before == ERR_TRUST_ENCRYPT_UNWRAP &&
		err != ERR_TRUST_ENCRYPT_NO_KEY)
		return err;
	return before;
}

/* One round: pairs whose kid is the same, or all others. */
static int open_round(const struct encrypt_info *info,
	const struct encrypt_key *keys, unsigned count, bool named,
	struct encrypt_cek *ret)
{
	int code = ERR_TRUST_ENCRYPT_NO_KEY;

	for (unsigned i = 0; i < info->recipient_count; i++) {
		struct encrypt_recipient r;
		int err = encrypt_recipient_at(info, i, &r);

		if (err)
			return err;
		for (unsigned k = 0; k < count; k++) {
			if (!fits(&r, &keys[k]) ||
				names(&r, &keys[k]) != named)
				continue;
			err = r.wrapping->agrees
				      ? agree_and_unwrap(&r, &keys[k], ret->at)
				      : keys[k].unwrap(keys[k].arg, r.wrapped,
						ret->at);
			if (!err) {
				ret->len = info->cipher->key_len;
				return 0;
			}
			code = worse(code, err, named);
		}
	}
	return code;
}

int encrypt_open_key(const struct encrypt_info *info,
	const struct encrypt_key *keys, unsigned count,
	struct encrypt_cek *ret, struct fault *fault)
{
	struct encrypt_cek cek = {0};
	int err = open_round(info, keys, count, true, &cek);

	if (err == ERR_TRUST_ENCRYPT_NO_KEY)
		err = open_round(info, keys, count, false, &cek);
	if (!err)
		*ret = cek;
	else
		fault_set(fault, err, 0, "encryption.recipients", "%s",
			err_text(err));
	encrypt_cek_wipe(&cek);
	return err;
}

struct encrypt_stream {
	struct crypto_cipher *cipher;
	uint64_t left; /* of the ciphertext without the tag */
	unsigned tag_len;
	unsigned tag_have;
	uint8_t tag[CRYPTO_GCM_TAG];
};

int encrypt_cipher_new(const struct encrypt_cipher *cipher,
	struct bytes protected_bytes, struct crypto_cipher_spec *spec,
	struct crypto_cipher **ret)
{
	struct buf aad;
	int err;

	buf_init(&aad, CONTEXT_MAX);
	if (cipher->mode == CRYPTO_GCM) {
		cbor_put_array(&aad, 3);
		cbor_put_tstr(&aad, "Encrypt");
		cbor_put_bstr(&aad, protected_bytes);
		cbor_put_bstr(&aad, bytes_of("", 0));
	}
	spec->mode = cipher->mode;
	spec->aad = buf_bytes(&aad);
	err = aad.err ? aad.err : crypto_cipher_new(spec, ret);
	buf_done(&aad);
	return err;
}

int encrypt_stream_new(const struct encrypt_info *info,
	const struct encrypt_cek *cek, uint64_t sealed_len,
	struct encrypt_stream **ret)
{
	struct crypto_cipher_spec spec = {
		.key = bytes_of(cek->at, cek->len),
		.iv = info->iv,
	};
	struct encrypt_stream *s;
	int err = encrypt_plain_len(info, sealed_len, &spec.len);

	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->left = spec.len;
	s->tag_len = info->cipher->growth;
	err = encrypt_cipher_new(
		info->cipher, info->protected_bytes, &spec, &s->cipher);
	if (err) {
		free(s);
		return err;
	}
	*ret = s;
	return 0;
}

int encrypt_stream_update(struct encrypt_stream *stream, struct bytes in,
	uint8_t *out, size_t *ret_len)
{
	struct bytes body = bytes_slice(in, 0,
		stream->left < in.len ? (size_t)stream->left : in.len);
	struct bytes tag = bytes_slice(in, body.len, SIZE_MAX);
	int err;

	if (tag.len > stream->tag_len - stream->tag_have)
		return ERR_TRUST_ENCRYPT_LENGTH;
	err = crypto_cipher_update(stream->cipher, body, out, ret_len);
	if (err)
		return err;
	stream->left -= body.len;
	if (tag.len)
		memcpy(stream->tag + stream->tag_have, tag.at, tag.len);
	stream->tag_have += (unsigned)tag.len;
	return 0;
}

int encrypt_stream_finish(
	struct encrypt_stream *stream, uint8_t *out, size_t *ret_len)
{
	if (stream->left || stream->tag_have != stream->tag_len)
		return ERR_TRUST_ENCRYPT_LENGTH;
	return crypto_cipher_finish(
		stream->cipher, out, ret_len, stream->tag);
}

void encrypt_stream_free(struct encrypt_stream *stream)
{
	if (!stream)
		return;
	crypto_cipher_free(stream->cipher);
	free(stream);
}
