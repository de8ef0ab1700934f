/* Ed25519 keys of the publisher: the PEM files of RFC 8410, as openssl writes
 * them. They need a build with libsodium.
 *
 * The seed lies in memory of its own, which key_done() wipes. Functions that
 * fail have said why. */
#ifndef FERRY_PUBLISH_ED25519_KEY_H
#define FERRY_PUBLISH_ED25519_KEY_H

#include "tools/publish/keys.h"

/* Makes a key and its file (mode 0600); never replaces a file. */
int ed25519_key_make(const char *path, struct key *ret);

/* Whether the text of a file is such a key, private with nothing else in it. */
bool ed25519_key_is(struct bytes text);

int ed25519_key_open(const char *path, struct bytes text, struct key *ret);

/* Appends the public key as PEM. */
int ed25519_key_put_public(const struct cose_key *key, struct buf *ret);

#endif
