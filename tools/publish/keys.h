/* Signing keys of the publisher: P-256 and P-384, in PEM files that only their
 * owner may read.
 *
 * A key lives from key_open() or key_make() to key_done(); the private part
 * stays inside the crypto library (PSA), which the program has started with
 * keys_start(). Functions that fail have said why. One thread. */
#ifndef FERRY_PUBLISH_KEYS_H
#define FERRY_PUBLISH_KEYS_H

#include <stdbool.h>

#include "policy/trust/cose.h"

struct key {
	uint32_t id;            /* of PSA; 0: none */
	struct cose_key public; /* P-256 or P-384 */
};

/* Starts the crypto library; call once, first. */
int keys_start(void);

/* Makes a new key and its file (mode 0600); never replaces a file. `ret` may
 * be NULL. */
int key_make(const char *path, enum crypto_curve curve, struct key *ret);

/* Opens a PEM file (refused when others may read it) or names what is missing
 * for "pkcs11:...". */
int key_open(const char *path, struct key *ret);
void key_done(struct key *key);

/* The `sign` of struct cose_signing; `arg` is a struct key. */
int key_sign(void *arg, enum cose_alg alg, struct bytes digest,
	uint8_t *ret_signature, size_t len);

/* What signs with this key: `kid` must hold COSE_KID_LEN bytes and live as long
 * as the result. `unsplit`: ES256 and ES384 instead of ESP256 and ESP384. */
int key_signing(struct key *key, bool unsplit, uint8_t *kid,
	struct cose_signing *ret);

/* Writes the public key as PEM. */
int key_write_public(const struct key *key, const char *path);

/* "p256" or "p384"; -EINVAL otherwise, after it has complained. */
int key_curve_parse(const char *text, enum crypto_curve *ret);

#endif
