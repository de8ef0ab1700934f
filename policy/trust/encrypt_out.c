#include <errno.h>

#include "base/cbor_out.h"
#include "policy/trust/encrypt_priv.h"

#define HEADER_MAX 64

enum {
	HEADER_ALG = 1,
	HEADER_KID = 4,
	HEADER_IV = 5,
	HEADER_EPHEMERAL = -1,
};

int encrypt_making_init(
	const struct encrypt_cipher *cipher, struct encrypt_making *ret)
{
	struct encrypt_making m = {
		.cipher = cipher,
		.cek.len = cipher->key_len,
		/* The low half of the counter block counts: with 64 random bits
		 * above it no image is long enough to meet another's. */
		.iv_len = cipher->mode == CRYPTO_GCM ? 12 : 16,
	};
	int err = crypto_random(m.cek.at, m.cek.len);

	if (!err)
		err = crypto_random(
			m.iv, cipher->mode == CRYPTO_GCM ? 12 : 8);
	if (!err)
		*ret = m;
	crypto_wipe(&m, sizeof(m));
	return err;
}

void encrypt_making_wipe(struct encrypt_making *making)
{
	crypto_wipe(making, sizeof(*making));
}

/* {1: alg} */
static void put_alg(struct buf *b, int64_t alg)
{
	cbor_put_map(b, 1);
	cbor_put_int(b, HEADER_ALG);
	cbor_put_int(b, alg);
}

static void put_kid(struct buf *b, struct bytes kid)
{
	if (!kid.len)
		return;
	cbor_put_int(b, HEADER_KID);
	cbor_put_bstr(b, kid);
}

static int put_by_kek(struct buf *b, const struct encrypt_making *making,
	const struct encrypt_target *target)
{
	uint8_t wrapped[CRYPTO_KEY_MAX + CRYPTO_WRAP_GROWTH];
	int err;

	if (target->kek.len != 16 && target->kek.len != 32)
		return ERR_KEYS_KIND;
	err = crypto_key_wrap(target->kek,
		bytes_of(making->cek.at, making->cek.len), wrapped);
	if (err)
		return err;
	cbor_put_array(b, 3);
	cbor_put_bstr(b, bytes_of("", 0));
	cbor_put_map(b, target->kid.len ? 2 : 1);
	cbor_put_int(b, HEADER_ALG);
	cbor_put_int(b, target->kek.len == 16 ? -3 : -5);
	put_kid(b, target->kid);
	cbor_put_bstr(b,
		bytes_of(wrapped, making->cek.len + CRYPTO_WRAP_GROWTH));
	return b->err;
}

/* An ephemeral pair, and the content key wrapped with what it agrees on. */
static int wrap_for(const struct encrypt_making *making,
	const struct encrypt_target *target, struct bytes protected_bytes,
	struct cose_key *ret_ephemeral, uint8_t *ret_wrapped)
{
	const struct encrypt_wrapping *w =
		encrypt_wrapping_find(making->cek.len == 16 ? -29 : -31);
	uint8_t kek[CRYPTO_KEY_MAX];
	uint8_t secret[32];
	uint32_t pair;
	int err;

	*ret_ephemeral = (struct cose_key){
		.kty = COSE_KTY_EC2, .curve = CRYPTO_P256};
	err = crypto_pair_new(&pair, ret_ephemeral->pub);
	if (err)
		return err;
	err = crypto_pair_agree(pair, target->key->pub, secret);
	crypto_pair_destroy(pair);
	if (!err)
		err = encrypt_derive_kek(w, protected_bytes, secret, kek);
	if (!err)
		err = crypto_key_wrap(bytes_of(kek, w->kek_len),
			bytes_of(making->cek.at, making->cek.len), ret_wrapped);
	crypto_wipe(secret, sizeof(secret));
	crypto_wipe(kek, sizeof(kek));
	return err;
}

static int put_by_key(struct buf *b, const struct encrypt_making *making,
	const struct encrypt_target *target)
{
	uint8_t wrapped[CRYPTO_KEY_MAX + CRYPTO_WRAP_GROWTH];
	struct cose_key ephemeral;
	struct buf header;
	int err;

	if (target->key->curve != CRYPTO_P256)
		return ERR_TRUST_COSE_KEY_CURVE;
	buf_init(&header, HEADER_MAX);
	put_alg(&header, making->cek.len == 16 ? -29 : -31);
	err = header.err ? header.err
			 : wrap_for(making, target, buf_bytes(&header),
				   &ephemeral, wrapped);
	if (!err) {
		cbor_put_array(b, 3);
		cbor_put_bstr(b, buf_bytes(&header));
		cbor_put_map(b, target->kid.len ? 2 : 1);
		put_kid(b, target->kid);
		cbor_put_int(b, HEADER_EPHEMERAL);
		cose_key_put(b, &ephemeral);
		cbor_put_bstr(b, bytes_of(wrapped,
			making->cek.len + CRYPTO_WRAP_GROWTH));
		err = b->err;
	}
	buf_done(&header);
	return err;
}

static void put_head(struct buf *b, const struct encrypt_making *making)
{
	bool gcm = making->cipher->mode == CRYPTO_GCM;
	struct buf header;

	buf_init(&header, HEADER_MAX);
	if (gcm)
		put_alg(&header, making->cipher->alg);
	cbor_put_tag(b, ENCRYPT_TAG);
	cbor_put_array(b, 4);
	cbor_put_bstr(b, buf_bytes(&header));
	cbor_put_map(b, gcm ? 1 : 2);
	if (!gcm) {
		cbor_put_int(b, HEADER_ALG);
		cbor_put_int(b, making->cipher->alg);
	}
	cbor_put_int(b, HEADER_IV);
	cbor_put_bstr(b, bytes_of(making->iv, making->iv_len));
	cbor_put_null(b);
	if (header.err && !b->err)
		b->err = header.err;
	buf_done(&header);
}

int encrypt_put_info(struct buf *b, const struct encrypt_making *making,
	const struct encrypt_target *targets, unsigned count)
{
	int err = 0;

	if (count < 1 || count > ENCRYPT_RECIPIENTS_MAX)
		return -EINVAL;
	put_head(b, making);
	cbor_put_array(b, count);
	for (unsigned i = 0; !err && i < count; i++)
		err = targets[i].key ? put_by_key(b, making, &targets[i])
				     : put_by_kek(b, making, &targets[i]);
	return err ? err : b->err;
}

int encrypt_making_cipher(const struct encrypt_making *making, uint64_t len,
	struct crypto_cipher **ret)
{
	struct crypto_cipher_spec spec = {
		.encrypts = true,
		.key = bytes_of(making->cek.at, making->cek.len),
		.iv = bytes_of(making->iv, making->iv_len),
		.len = len,
	};
	struct buf header;
	int err;

	buf_init(&header, HEADER_MAX);
	put_alg(&header, making->cipher->alg);
	err = header.err ? header.err
			 : encrypt_cipher_new(making->cipher,
				   buf_bytes(&header), &spec, ret);
	buf_done(&header);
	return err;
}
