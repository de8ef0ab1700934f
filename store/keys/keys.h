/* Secret keys of the gateway and of the publisher: in a file, in a systemd
 * credential, or in a PKCS #11 token.
 *
 * One way to name a key:
 *   /path/to/file     a file of its owner alone (mode 0600 or less)
 *   credential:NAME   a file of $CREDENTIALS_DIRECTORY (LoadCredential= of the
 *                     unit, which may hold it encrypted)
 *   pkcs11:...        RFC 7512; the key never leaves the token
 * and two kinds: a private key on P-256 or P-384 (PEM or DER), and an AES key
 * encryption key (16 or 32 raw bytes, or one line of text, [KID:]HEX).
 *
 * A key lives from secret_key_open() to secret_key_close(). Operations may
 * block (a token is slow): call them from a pool thread. They may be called
 * from several threads; those of one token wait for each other. A key of a file
 * is wiped when it is closed. Nothing here ever logs a secret or a PIN. */
#ifndef FERRY_STORE_KEYS_KEYS_H
#define FERRY_STORE_KEYS_KEYS_H

#include "policy/trust/encrypt.h"

#define SECRET_KEY_WHERE_MAX 1024

struct secret_key;

enum secret_kind { SECRET_EC, SECRET_AES };

struct secret_key_options {
	/* Of a token whose URI does not say it (module-path, pin-source). */
	const char *module;   /* NULL: none */
	const char *pin_file; /* NULL: none; of its owner alone, like a key */
};

/* `options` may be NULL. ERR_KEYS_* or -errno, with the fault filled; it quotes
 * neither secret nor PIN. */
int secret_key_open(const char *where, const struct secret_key_options *options,
	struct secret_key **ret, struct fault *fault);

/* NULL is allowed. */
void secret_key_close(struct secret_key *take_key);

enum secret_kind secret_key_kind(const struct secret_key *key);

/* The public key of SECRET_EC. */
const struct cose_key *secret_key_public(const struct secret_key *key);

/* ECDSA: r || s over a digest, of `len` = twice the curve's length. */
int secret_key_sign(struct secret_key *key, enum crypto_hash hash,
	struct bytes digest, uint8_t *ret, size_t len);

/* As a key that opens images. The result points into `key`. ERR_KEYS_KIND for a
 * key on another curve than P-256. */
int secret_key_opens(struct secret_key *key, struct encrypt_key *ret);

/* The bytes of an AES key of a file, to encrypt for it; ERR_KEYS_KIND for every
 * other key. The view points into `key`. `ret_kid` is empty for none. */
int secret_key_kek(const struct secret_key *key, struct bytes *ret,
	struct bytes *ret_kid);

#endif
