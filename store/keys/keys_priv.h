/* The parts of a secret key. Internal to store/keys. */
#ifndef FERRY_STORE_KEYS_KEYS_PRIV_H
#define FERRY_STORE_KEYS_KEYS_PRIV_H

#include "store/keys/keys.h"

#define KEYS_FILE_MAX 8192
#define KEYS_FILE_SIZE (KEYS_FILE_MAX + 2) /* maximum of a buffer for it */
#define KEYS_TEXT_SIZE 256 /* of a path, a label or a PIN */

struct token_key;

struct secret_key {
	enum secret_kind kind;
	struct cose_key public;
	uint8_t kid[ENCRYPT_KID_MAX];
	size_t kid_len;
	uint32_t pair; /* SECRET_EC of a file: in the crypto library */
	uint8_t kek[CRYPTO_KEY_MAX]; /* SECRET_AES of a file */
	unsigned kek_len; /* SECRET_AES, also of a token */
	struct token_key *token; /* NULL: of a file */
};

/* ---- files ---- */

/* Reads a file that holds a secret, at most KEYS_FILE_MAX bytes. Refused unless
 * it is a regular file of this user or of root that nobody else may open. A
 * credential is kept from others by its folder, and its mode may show an ACL.
 * `ret` must have no memory yet; a NUL stands behind its content. */
int keys_file_read(const char *path, bool is_credential, struct buf *ret,
	struct fault *fault);

/* Fills what a file holds; a NUL stands behind `content`. */
int keys_file_parse(struct bytes content, const char *name,
	struct secret_key *ret, struct fault *fault);
void keys_file_done(struct secret_key *key);
int keys_file_sign(const struct secret_key *key, enum crypto_hash hash,
	struct bytes digest, uint8_t *ret, size_t len);

/* ---- PKCS #11 URIs (RFC 7512) ---- */

enum keys_uri_type { KEYS_URI_ANY, KEYS_URI_PRIVATE, KEYS_URI_SECRET };

/* Empty texts are not said. */
struct keys_uri {
	char token[KEYS_TEXT_SIZE];
	char manufacturer[KEYS_TEXT_SIZE];
	char serial[KEYS_TEXT_SIZE];
	char model[KEYS_TEXT_SIZE];
	char object[KEYS_TEXT_SIZE];
	uint8_t id[64];
	size_t id_len;
	enum keys_uri_type type;
	bool has_slot;
	unsigned long slot;
	char module[KEYS_TEXT_SIZE];   /* module-path */
	char pin_file[KEYS_TEXT_SIZE]; /* pin-source */
};

int keys_uri_parse(
	const char *text, struct keys_uri *ret, struct fault *fault);

/* ---- tokens ---- */

/* Opens the key and fills kind, public key or length. */
int keys_token_open(const struct keys_uri *uri, struct secret_key *ret,
	struct fault *fault);
void keys_token_close(struct token_key *take_key);
int keys_token_sign(struct token_key *key, struct bytes digest, uint8_t *ret,
	size_t len);
int keys_token_agree(
	struct token_key *key, const uint8_t peer[64], uint8_t ret[32]);
int keys_token_unwrap(
	struct token_key *key, struct bytes wrapped, uint8_t *ret);

#endif
