/* Encrypted images: the encryption-info of a SUIT manifest
 * (draft-ietf-suit-firmware-encryption-26), which is a COSE_Encrypt with a
 * detached ciphertext (RFC 9052 section 5.1).
 *
 * Content: AES-GCM (RFC 9053 section 4.1) and AES-CTR (RFC 9459), 128 and 256
 * bit. Recipients: AES key wrap (RFC 9053 section 6.2.1) and ECDH-ES on P-256
 * with AES key wrap (section 6.4.1) by the context of the draft, 128 and 256
 * bit. Parsing is bounded and allocates nothing: structs are views into the
 * input. What is released by a stream is unverified until it has finished, and
 * AES-CTR has no integrity at all: whoever decrypts must compare the plaintext
 * with the digest that the manifest signs.
 *
 * Key operations go through struct encrypt_key, so that a token can do them;
 * they may block and belong on a pool thread. No other state; any thread. */
#ifndef FERRY_POLICY_TRUST_ENCRYPT_H
#define FERRY_POLICY_TRUST_ENCRYPT_H

#include "policy/trust/cose.h"
#include "policy/trust/crypto_secret.h"
#include "policy/trust/tier.h"

#define ENCRYPT_TAG 96
#define ENCRYPT_INFO_MAX 16384
#define ENCRYPT_RECIPIENTS_MAX 64
#define ENCRYPT_KID_MAX 64
#define ENCRYPT_KEYS_MAX 8

struct encrypt_cipher {
	int64_t alg; /* of COSE */
	const char *name;
	enum crypto_mode mode;
	unsigned key_len;
	unsigned growth; /* bytes by which the ciphertext is longer */
};

/* NULL if the algorithm is not accepted. */
const struct encrypt_cipher *encrypt_cipher_find(int64_t alg);

struct encrypt_wrapping {
	int64_t alg; /* of COSE */
	const char *name;
	bool agrees; /* ECDH-ES first */
	unsigned kek_len;
	int64_t wrap_alg; /* the AES key wrap that it ends in */
};

const struct encrypt_wrapping *encrypt_wrapping_find(int64_t alg);

struct encrypt_info {
	const struct encrypt_cipher *cipher;
	struct bytes protected_bytes;
	struct bytes iv;
	struct bytes recipients; /* raw array */
	unsigned recipient_count;
};

struct encrypt_recipient {
	const struct encrypt_wrapping *wrapping; /* NULL: not one of ours */
	struct bytes protected_bytes;
	struct bytes kid;	/* .at NULL: none */
	struct bytes wrapped;	/* the content key */
	uint8_t ephemeral[64];	/* x || y on P-256, where it agrees */
};

/* Parses the content of parameter 19. A recipient that uses something else than
 * the above is for somebody else and is passed over, as long as it is well
 * formed; ERR_TRUST_ENCRYPT_RECIPIENT when none is left. Others: CBOR codes,
 * ERR_TRUST_ENCRYPT_FORM, _CIPHER, _ATTACHED, ERR_TRUST_COSE_CRIT. */
int encrypt_info_parse(
	struct bytes in, struct encrypt_info *ret, struct fault *fault);

/* Recipient `i` of what encrypt_info_parse() took. */
int encrypt_recipient_at(const struct encrypt_info *info, unsigned i,
	struct encrypt_recipient *ret);

/* Length of the plaintext of a ciphertext. ERR_TRUST_ENCRYPT_LENGTH. */
int encrypt_plain_len(
	const struct encrypt_info *info, uint64_t sealed_len, uint64_t *ret);

/* How well the content key is protected, as a tier of step 2: a key encryption
 * key that all share is basic, one for each recipient is +1, public keys of the
 * recipients are +2; the weakest recipient counts. */
int encrypt_tier(const struct encrypt_info *info);

/* "A128GCM, ECDH-ES+A128KW, 2 recipients" */
void encrypt_describe(
	const struct encrypt_info *info, char *text, size_t size);

/* One key that may open images. Operations that a key does not have are NULL;
 * they return 0 or a negative code, and nothing is written unless 0. */
struct encrypt_key {
	struct bytes kid; /* .at NULL: it is tried with every recipient */
	/* The shared x coordinate with a point on P-256. */
	int (*agree)(void *arg, const uint8_t peer[64], uint8_t ret[32]);
	/* RFC 3394; `ret` holds wrapped.len - 8 bytes. */
	int (*unwrap)(void *arg, struct bytes wrapped, uint8_t *ret);
	unsigned kek_len; /* of `unwrap` */
	void *arg;
};

struct encrypt_cek {
	uint8_t at[CRYPTO_KEY_MAX];
	unsigned len;
};

void encrypt_cek_wipe(struct encrypt_cek *cek);

/* Finds the content key: first by kid, then with every pair of key and
 * recipient that fit each other. ERR_TRUST_ENCRYPT_NO_KEY when no pair fits or
 * opens, ERR_TRUST_ENCRYPT_UNWRAP when a recipient names the key and does not
 * open with it, or the error of a key operation (a token that is gone). */
int encrypt_open_key(const struct encrypt_info *info,
	const struct encrypt_key *keys, unsigned count,
	struct encrypt_cek *ret, struct fault *fault);

/* ---- the bytes ---- */

struct encrypt_stream;

/* Decrypts a ciphertext of `sealed_len` bytes. */
int encrypt_stream_new(const struct encrypt_info *info,
	const struct encrypt_cek *cek, uint64_t sealed_len,
	struct encrypt_stream **ret);

/* Takes the next ciphertext bytes, the tag of GCM among them at the end. `out`
 * holds in.len + CRYPTO_CIPHER_SLACK. ERR_TRUST_ENCRYPT_LENGTH past the end. */
int encrypt_stream_update(struct encrypt_stream *stream, struct bytes in,
	uint8_t *out, size_t *ret_len);

/* After the last byte: 0, ERR_TRUST_ENCRYPT_TAG or ERR_TRUST_ENCRYPT_LENGTH.
 * `out` holds CRYPTO_CIPHER_SLACK. */
int encrypt_stream_finish(
	struct encrypt_stream *stream, uint8_t *out, size_t *ret_len);

/* NULL is allowed. */
void encrypt_stream_free(struct encrypt_stream *stream);

/* ---- making (ferry-publish) ---- */

/* Whom to encrypt for: a public key on P-256, or a key encryption key. */
struct encrypt_target {
	struct bytes kid;	     /* empty: none */
	const struct cose_key *key;  /* NULL: `kek` */
	struct bytes kek;
};

/* A content key and an IV that were never used before. */
struct encrypt_making {
	const struct encrypt_cipher *cipher;
	struct encrypt_cek cek;
	uint8_t iv[16];
	unsigned iv_len;
};

int encrypt_making_init(
	const struct encrypt_cipher *cipher, struct encrypt_making *ret);
void encrypt_making_wipe(struct encrypt_making *making);

/* Writes the tagged COSE_Encrypt with one recipient a target (1 to
 * ENCRYPT_RECIPIENTS_MAX). KEKs of 16 bytes are for A128KW, of 32 for A256KW;
 * public keys get ECDH-ES+A128KW, or +A256KW with a 256 bit cipher. */
int encrypt_put_info(struct buf *b, const struct encrypt_making *making,
	const struct encrypt_target *targets, unsigned count);

/* The cipher for encrypting `len` bytes; see crypto_cipher_update(). The tag of
 * GCM goes behind the last byte. */
int encrypt_making_cipher(const struct encrypt_making *making, uint64_t len,
	struct crypto_cipher **ret);

#endif
