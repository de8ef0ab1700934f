/* LMS: one Merkle tree of one-time keys over SHA-256 (RFC 8554 sections 4, 5).
 *
 * Verification, and the pieces of it that a signer needs too: parameter sets,
 * the chains of a one-time key, the nodes of the tree. Nothing is allocated,
 * nothing is kept, nothing here is secret but what a signer passes in. Any
 * thread, after crypto_init(). */
#ifndef FERRY_POLICY_TRUST_LMS_H
#define FERRY_POLICY_TRUST_LMS_H

#include "base/bytes.h"
#include "base/err.h"

#define LMS_HASH_LEN 32
#define LMS_ID_LEN 16
#define LMS_PUBLIC_LEN 56
#define LMS_HEIGHT_MAX 25
#define LMS_CHAINS_MAX 265 /* of W1 */
#define LMS_DIGITS_LEN 34  /* Q and its checksum */
#define LMS_PARTS_MAX 4	   /* of a message */

/* Section 4.1, table 1. */
struct lms_ots {
	uint32_t type;
	unsigned width;	 /* w, bits of a digit: 1, 2, 4, 8 */
	unsigned chains; /* p */
	unsigned shift;	 /* ls, of the checksum */
};

/* LMOTS_SHA256_N32_W1 to _W8 (1 to 4); NULL for all others. */
const struct lms_ots *lms_ots_find(uint32_t type);

/* The height of LMS_SHA256_M32_H5 to _H25 (5 to 9); 0 for all others. */
unsigned lms_height(uint32_t type);

/* A public key with known types (section 5.3), as views. */
struct lms_public {
	uint32_t tree_type;
	unsigned height;
	const struct lms_ots *ots;
	const uint8_t *id;   /* I */
	const uint8_t *root; /* T[1] */
};

/* Of exactly LMS_PUBLIC_LEN bytes. ERR_TRUST_HSS_KEY. */
int lms_public_read(struct bytes in, struct lms_public *ret);

/* Bytes of every signature by keys of these parameters. */
size_t lms_signature_len(const struct lms_ots *ots, unsigned height);

/* Verifies over the parts of the message one after another (at most
 * LMS_PARTS_MAX). Consumes the whole signature; the types in it must be those
 * of the key, the leaf one of the tree. ERR_TRUST_HSS_FORM, _TYPE, _SIGNATURE
 * or ERR_TRUST_CRYPTO. */
int lms_verify(const struct lms_public *key, const struct bytes *parts,
	unsigned count, struct bytes signature);

/* The digits of a message: Q, then its checksum (section 4.4). */
int lms_ots_digits(const struct lms_ots *ots, const uint8_t id[LMS_ID_LEN],
	uint32_t q, const uint8_t randomizer[LMS_HASH_LEN],
	const struct bytes *parts, unsigned count,
	uint8_t ret[LMS_DIGITS_LEN]);

/* Digit `i` (section 3.1.3). */
unsigned lms_ots_digit(
	const struct lms_ots *ots, const uint8_t *digits, unsigned i);

/* Walks chain `i` of leaf `q` in place from step `from` up to, without, `to`.
 */
int lms_ots_chain(const uint8_t id[LMS_ID_LEN], uint32_t q, unsigned i,
	unsigned from, unsigned to, uint8_t value[LMS_HASH_LEN]);

/* The one-time public key from the ends of its chains, `chains` values of
 * LMS_HASH_LEN bytes one after another. */
int lms_ots_public(const struct lms_ots *ots, const uint8_t id[LMS_ID_LEN],
	uint32_t q, const uint8_t *ends, uint8_t ret[LMS_HASH_LEN]);

/* Node `r` (2^height + q) of a leaf, from its one-time public key. */
int lms_leaf_node(const uint8_t id[LMS_ID_LEN], uint32_t r,
	const uint8_t ots_public[LMS_HASH_LEN], uint8_t ret[LMS_HASH_LEN]);

/* Node `r` from its two children; `ret` may be one of them. */
int lms_inner_node(const uint8_t id[LMS_ID_LEN], uint32_t r,
	const uint8_t left[LMS_HASH_LEN], const uint8_t right[LMS_HASH_LEN],
	uint8_t ret[LMS_HASH_LEN]);

#endif
