/* Decrypts an encrypted payload, to judge what is inside.
 *
 * The plaintext is hashed and never written. Functions that fail have said
 * why, but for opening_payload(): its result is a row of the verdict. */
#ifndef FERRY_PUBLISH_OPENING_H
#define FERRY_PUBLISH_OPENING_H

#include "policy/trust/offer.h"
#include "store/keys/keys.h"
#include "tools/publish/cli.h"

struct opening {
	struct secret_key *keys[ENCRYPT_KEYS_MAX];
	struct encrypt_key opens[ENCRYPT_KEYS_MAX];
	unsigned count; /* 0: no key was given */
	struct offer_payload image;
	uint8_t sha384[48];
	uint8_t sha512[64];
};

#define OPENING_OPTIONS \
	{"decrypt-key", "FILE", true, "open an encrypted PAYLOAD with this key" \
		" (a private key on P-256, a KEK, or pkcs11:)"}

/* Takes --decrypt-key. */
int opening_open(const struct cli *cli, struct opening *ret);
void opening_done(struct opening *opening);

/* Decrypts the file by the encryption-info of an image and fills `image`. 0, or
 * the code of what is wrong with it, with the fault filled. */
int opening_payload(struct opening *opening, struct bytes encryption,
	const char *payload, struct fault *fault);

#endif
