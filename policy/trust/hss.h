/* HSS: trees of LMS keys, each signing the next (RFC 8554 section 6).
 *
 * Verification only, over SHA-256 with 32 bytes: LMS H5 to H25, LM-OTS W1 to
 * W8, one to eight levels, which may differ from each other. Bounded by the
 * length of the signature, which costs at most 34 * 255 hashes a level; nothing
 * is allocated. Any thread, after crypto_init(). */
#ifndef FERRY_POLICY_TRUST_HSS_H
#define FERRY_POLICY_TRUST_HSS_H

#include "policy/trust/lms.h"

#define HSS_LEVELS_MAX 8
#define HSS_PUBLIC_LEN (4 + LMS_PUBLIC_LEN)

/* Eight levels of W1 and H25, which no envelope has room for. */
#define HSS_SIGNATURE_MAX 74988

/* Whether `pub` is a key that hss_verify() can use: its length, its number of
 * levels and the parameters of its first one. ERR_TRUST_HSS_KEY. */
int hss_public_check(struct bytes pub);

/* Verifies over the parts of the message one after another (at most
 * LMS_PARTS_MAX); the whole signature must be used up.
 * ERR_TRUST_HSS_KEY: of `pub` itself.
 * ERR_TRUST_HSS_FORM: a length, a leaf outside of its tree, unknown parameters
 * of a lower level, or another number of levels than the key's.
 * ERR_TRUST_HSS_TYPE: other parameters than those of the key of its level.
 * ERR_TRUST_HSS_SIGNATURE: well-formed, but not by this key.
 * ERR_TRUST_CRYPTO: a hash could not be made, which never counts as success. */
int hss_verify(struct bytes pub, const struct bytes *parts, unsigned count,
	struct bytes signature);

#endif
