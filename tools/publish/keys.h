/* Signing keys of the publisher: P-256, P-384, Ed25519 and HSS-LMS, in PEM files
 * that only their owner may read; those on P-256 and P-384 also in a PKCS #11
 * token (store/keys/keys.h).
 *
 * A key lives from key_open() or key_make() to key_done(). The private part of
 * an EC key stays inside the crypto library (PSA), which the program has started
 * with keys_start(), or inside the token; that of an HSS key in its file.
 * Functions that fail have said why. One thread. */
#ifndef FERRY_PUBLISH_KEYS_H
#define FERRY_PUBLISH_KEYS_H

#include <stdbool.h>

#include "policy/trust/cose.h"

struct hss_key;
struct secret_key;

struct key {
	uint32_t id;            /* of PSA; 0: none */
	struct cose_key public;
	struct hss_key *hss;    /* of HSS-LMS, else NULL */
	uint8_t *seed;          /* of Ed25519, else NULL */
	struct secret_key *token; /* in a token, else NULL */
};

/* Starts the crypto library; call once, first. */
int keys_start(void);

/* Makes a new key and its file (mode 0600); never replaces a file. `ret` may
 * be NULL. */
int key_make(const char *path, enum crypto_curve curve, struct key *ret);

/* Opens a PEM file (refused when others may read it) or "pkcs11:..." with
 * module-path and pin-source. */
int key_open(const char *path, struct key *ret);
void key_done(struct key *key);

/* The `sign` of struct cose_signing; `arg` is a struct key. */
int key_sign(void *arg, enum cose_alg alg, struct bytes tbs,
	uint8_t *ret_signature, size_t len);

/* What signs with this key: `kid` must hold COSE_KID_LEN bytes and live as long
 * as the result. `unsplit`: ES256, ES384, EdDSA instead of ESP256, ESP384,
 * Ed25519. */
int key_signing(struct key *key, bool unsplit, uint8_t *kid,
	struct cose_signing *ret);

/* Ties an HSS key to the publisher's folder `dir` (hss_key_attend()); nothing to
 * do for the other kinds. */
int key_attend(struct key *key, const char *dir);

/* For what can only be done with an EC key: certificates. */
int key_need_ec(const struct key *key, const char *path);

/* The public EC key alone as a key of PSA; end it with crypto_pair_destroy(). */
int key_public_import(const struct key *key, uint32_t *ret);

/* Writes the public key: PEM, or a COSE_Key of an HSS key. */
int key_write_public(const struct key *key, const char *path);

/* "p256" or "p384"; -EINVAL otherwise, after it has complained. */
int key_curve_parse(const char *text, enum crypto_curve *ret);

#endif
