/* Reads public keys of every kind that a root may list, told apart by content:
 * PEM or DER (EC, Ed25519), COSE_Key, the raw point of EC, the 32 raw bytes of
 * Ed25519, the 60 of HSS-LMS.
 *
 * No state; any thread. */
#ifndef FERRY_PUBLISH_PUBLIC_KEY_H
#define FERRY_PUBLISH_PUBLIC_KEY_H

#include "policy/trust/cose.h"

/* ERR_TRUST_COSE_KEY when the bytes are none of these. */
int public_key_of(struct bytes file, struct cose_key *ret);

/* The same from a file; says why it fails. */
int public_key_read(const char *path, struct cose_key *ret);

#endif
