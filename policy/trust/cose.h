/* COSE (RFC 9052): signed and MACed messages, public keys, their thumbprints.
 *
 * Parsing is bounded and allocates nothing: messages are views into the input,
 * which must outlive them. Parsing says what is there; what may be there is
 * policy, but for the two rules that no caller may drop: an algorithm fits
 * exactly one curve (RFC 9864), and a critical header refuses. The writers are
 * shared with ferry-publish, so that what is signed and what is judged are
 * built by one piece of code. Any thread. */
#ifndef FERRY_POLICY_TRUST_COSE_H
#define FERRY_POLICY_TRUST_COSE_H

#include "base/buf.h"
#include "base/err.h"
#include "policy/trust/crypto.h"
#include "policy/trust/hss.h"

#define COSE_SIGNERS_MAX 32
#define COSE_CERTS_MAX 8
#define COSE_CERT_LEN_MAX 8192
#define COSE_KID_LEN 32
#define COSE_KEY_PUB_MAX (2 * CRYPTO_POINT_MAX)
#define COSE_SIGNATURE_MAX HSS_SIGNATURE_MAX

/* RFC 9053 sections 2 and 3.1, RFC 9864 section 2, RFC 8778. EdDSA means
 * Ed25519 here, since no other curve of it is known. */
enum cose_alg {
	COSE_ES256 = -7,
	COSE_EDDSA = -8,
	COSE_ESP256 = -9,
	COSE_ED25519 = -19,
	COSE_ES384 = -35,
	COSE_ES512 = -36,
	COSE_HSS_LMS = -46,
	COSE_ESP384 = -51,
	COSE_ESP512 = -52,
	COSE_HMAC256 = 5,
	COSE_HMAC384 = 6,
	COSE_HMAC512 = 7,
};

/* RFC 9053 table 17, RFC 8778 section 5. */
enum cose_kty {
	COSE_KTY_OKP = 1,
	COSE_KTY_EC2 = 2,
	COSE_KTY_HSS_LMS = 5,
};

/* An algorithm fits keys of one kind and, for EC2, on one curve only. */
struct cose_alg_facts {
	enum cose_alg alg;
	const char *name;
	enum crypto_hash hash; /* of ECDSA and HMAC */
	int kty;	       /* enum cose_kty, 0 for a MAC */
	int curve;	       /* enum crypto_curve, 0 unless EC2 */
};

/* NULL if the algorithm is not accepted. */
const struct cose_alg_facts *cose_alg_find(int64_t alg);

/* A public key. */
struct cose_key {
	enum cose_kty kty;
	enum crypto_curve curve; /* of EC2 only */
	uint8_t pub[COSE_KEY_PUB_MAX];
};

/* The public part: x || y of EC2 (coordinates unpadded), x of OKP, the public
 * key of RFC 8554 of HSS-LMS. A view into `key`. */
struct bytes cose_key_pub(const struct cose_key *key);

/* "P-256", "Ed25519", "HSS-LMS". */
const char *cose_key_kind(const struct cose_key *key);

/* From a COSE_Key: EC2 (kty 2) on a known curve, OKP (1) on Ed25519, HSS-LMS
 * (5) with parameters of RFC 8554. Other members are ignored; a private part
 * (-4) refuses. ERR_TRUST_COSE_KEY; ERR_TRUST_COSE_ALG for kinds, curves and
 * parameters that are not known. */
int cose_key_parse(struct bytes in, struct cose_key *ret, struct fault *fault);

/* From 0x04 || x || y; the curve by its length. */
int cose_key_from_point(struct bytes in, struct cose_key *ret);

/* From the 32 bytes of an Ed25519 key. */
int cose_key_from_ed25519(struct bytes in, struct cose_key *ret);

/* From the HSS_PUBLIC_LEN bytes of RFC 8554. ERR_TRUST_HSS_KEY. */
int cose_key_from_hss(struct bytes in, struct cose_key *ret);

/* The deterministic map, which is also what is hashed: {1, -1, -2, -3} of EC2,
 * {1, -1, -2} of OKP, {1, -1} of HSS-LMS. */
void cose_key_put(struct buf *b, const struct cose_key *key);

/* RFC 9679, SHA-256. */
int cose_key_thumbprint(const struct cose_key *key, uint8_t ret[COSE_KID_LEN]);

bool cose_key_equal(const struct cose_key *a, const struct cose_key *b);

/* The algorithm that ferry-publish signs with by default: ESP256, 384, 512,
 * Ed25519 or HSS-LMS. */
enum cose_alg cose_key_alg(const struct cose_key *key);

enum cose_kind {
	COSE_NONE = 0,
	COSE_MAC0 = 17,
	COSE_SIGN1 = 18,
	COSE_SIGN = 98,
};

struct cose_header {
	bool has_alg;
	bool alg_is_int;
	bool alg_protected;
	int64_t alg;
	struct bytes kid; /* .at NULL: none */
	bool kid_protected;
	struct bytes x5chain; /* the raw item; .at NULL: none */
};

struct cose_msg {
	enum cose_kind kind;
	struct bytes protected_bytes; /* empty for an empty map */
	struct cose_header header;    /* of the body */
	bool payload_attached;
	struct bytes payload;
	struct bytes tag;      /* MAC0: the tag; SIGN1: the signature */
	struct bytes signers;  /* SIGN: raw array */
	unsigned signer_count; /* SIGN1: 1, MAC0: 0 */
};

struct cose_signer {
	struct bytes protected_bytes;
	struct cose_header header;
	struct bytes signature;
};

/* Parses the whole of `in`. Without a CBOR tag the message is taken as
 * `untagged`; with COSE_NONE there a tag is required. MAC (97) and all other
 * kinds are ERR_TRUST_COSE_TAG. */
int cose_parse(struct bytes in, enum cose_kind untagged, struct cose_msg *ret,
	struct fault *fault);

/* Signer `i` of a SIGN or SIGN1 message that cose_parse() took. */
int cose_signer_at(
	const struct cose_msg *msg, unsigned i, struct cose_signer *ret);

/* Verifies signer `i`. `payload` is what was signed: msg->payload or what the
 * caller knows when it is detached. The algorithm may stand in the unprotected
 * header only with `lax`, which is for tests of the COSE layer. */
int cose_verify(const struct cose_msg *msg, unsigned i,
	const struct cose_key *key, struct bytes aad, struct bytes payload,
	bool lax);

int cose_verify_mac0(const struct cose_msg *msg, struct bytes key,
	struct bytes aad, struct bytes payload, bool lax);

/* The certificates of a header's x5chain, leaf first, as views.
 * ERR_TRUST_CERT_FORM or ERR_TRUST_CERT_COUNT. */
int cose_x5chain(const struct cose_header *header,
	struct bytes ret_certs[COSE_CERTS_MAX], unsigned *ret_count);

/* The digest of the Sig_structure or MAC_structure (RFC 9052 section 4.4, 6.3)
 * up to and with the payload. `signer` is used for COSE_SIGN only. */
int cose_tbs_digest(enum cose_kind kind, struct bytes body, struct bytes signer,
	struct bytes aad, struct bytes payload, enum crypto_hash hash,
	uint8_t ret[CRYPTO_HASH_MAX]);

/* The same bytes without the payload: everything before its content. */
void cose_tbs_put(struct buf *b, enum cose_kind kind, struct bytes body,
	struct bytes signer, struct bytes aad, size_t payload_len);

/* What one signer brings. ECDSA: `sign` gets the digest and makes r || s (2 *
 * curve length bytes). Ed25519 and HSS-LMS: it gets the whole Sig_structure and
 * makes `signature_len` bytes. It may ask a token. Returns 0 or a negative
 * code, which the writer hands on. */
struct cose_signing {
	enum cose_alg alg;
	struct bytes kid;	   /* empty: none */
	const struct bytes *certs; /* x5chain, leaf first; NULL: none */
	unsigned cert_count;
	int (*sign)(void *arg, enum cose_alg alg, struct bytes tbs,
		uint8_t *ret_signature, size_t len);
	void *arg;
	size_t signature_len; /* of HSS-LMS only; others have their own */
};

/* Tagged messages; an error of `sign` or of the buffer is returned. */
int cose_put_sign1(struct buf *b, const struct cose_signing *by,
	struct bytes aad, struct bytes payload, bool detached);
int cose_put_sign(struct buf *b, const struct cose_signing *by, unsigned count,
	struct bytes aad, struct bytes payload, bool detached);

#endif
