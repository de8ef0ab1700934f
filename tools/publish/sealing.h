/* Encrypts the image of a release (docs/formats.md, "Encrypted images").
 *
 * sealing_open() to sealing_done(): reads the public keys and key encryption
 * keys of the command line, makes a content key that is used for one image
 * alone, encrypts the image into a folder. Functions that fail have said why.
 * One thread. */
#ifndef FERRY_PUBLISH_SEALING_H
#define FERRY_PUBLISH_SEALING_H

#include "policy/trust/encrypt.h"
#include "store/keys/keys.h"
#include "tools/publish/cli.h"

struct sealing {
	unsigned count; /* of recipients; 0: the image stays plain */
	struct encrypt_target targets[ENCRYPT_RECIPIENTS_MAX];
	struct cose_key keys[ENCRYPT_RECIPIENTS_MAX];
	uint8_t kids[ENCRYPT_RECIPIENTS_MAX][COSE_KID_LEN];
	struct secret_key *keks[ENCRYPT_RECIPIENTS_MAX];
	unsigned kek_count;
	struct encrypt_making making;
	struct buf info; /* encryption-info, once the image is encrypted */
	uint8_t image_digest[32];
	uint64_t image_len;
};

#define SEALING_OPTIONS \
	{"encrypt-to", "FILE", true, "encrypt for this public key on P-256" \
		" (PEM, DER, certificate, COSE_Key or raw)"}, \
	{"kek", "FILE", true, "encrypt for this AES key encryption key (16" \
		" or 32 bytes, or [KID:]HEX)"}, \
	{"cipher", "NAME", false, "a128gcm, a256gcm, a128ctr or a256ctr" \
		" (default a128gcm)"}

/* Takes --encrypt-to, --kek and --cipher. */
int sealing_open(const struct cli *cli, struct sealing *ret);
void sealing_done(struct sealing *sealing);

/* Encrypts the image into a file of `folder` that has the SHA-256 of the
 * ciphertext as its name, and fills the rest of `sealing`. */
int sealing_payload(struct sealing *sealing, const char *image,
	const char *folder, uint64_t max, uint8_t ret_digest[32],
	uint64_t *ret_len);

#endif
