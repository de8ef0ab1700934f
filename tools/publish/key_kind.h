/* Kinds of signing keys by the names that people give: "p256", "p384",
 * "ed25519", "hss" and "hss:SET" with a set such as h10/w8,h10/w8.
 *
 * No state; one thread. Functions that fail have said why. */
#ifndef FERRY_PUBLISH_KEY_KIND_H
#define FERRY_PUBLISH_KEY_KIND_H

#include "tools/publish/hss_set.h"
#include "tools/publish/keys.h"

#define KEY_KIND_HELP "p256|p384|ed25519|hss[:SET]"

struct key_kind {
	enum cose_kty kty;
	enum crypto_curve curve; /* of EC2 */
	struct hss_set set;      /* of HSS-LMS */
};

int key_kind_parse(const char *text, struct key_kind *ret);

/* Makes a key of this kind and its file (mode 0600); never replaces one. */
int key_kind_make(const char *path, const struct key_kind *kind,
	struct key *ret);

#endif
