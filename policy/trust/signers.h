/* Who else has to sign a release, and how: what a class demands beyond the
 * author and the catalog (`require_roles`, `require_signatures`).
 *
 * Plain bits, so that a configuration can keep them without this room. Pure;
 * any thread. */
#ifndef FERRY_POLICY_TRUST_SIGNERS_H
#define FERRY_POLICY_TRUST_SIGNERS_H

#include <stdbool.h>

#include "policy/trust/cose.h"

enum signer_role {
	SIGNER_AUTHOR = 1,    /* always demanded */
	SIGNER_CATALOG = 2,   /* a gateway always demands it */
	SIGNER_OPERATOR = 4,  /* the threshold of the root's role */
	SIGNER_REGULATOR = 8, /* likewise */
};

enum signer_alg {
	SIGNER_ES256 = 1, /* ECDSA on any of the accepted curves */
	SIGNER_HSS = 2,
	SIGNER_ED25519 = 4,
};

struct signer_demand {
	unsigned roles; /* bits of enum signer_role, all must */
	unsigned algs;	/* bits of enum signer_alg: each must be that of an
			   author's signature */
};

/* The bit of a name: "author", "catalog", "operator", "regulator"; "es256",
 * "hss", "ed25519". 0 if it is none. */
unsigned signer_role_bit(struct bytes name);
unsigned signer_alg_bit(struct bytes name);

/* Static text for exactly one bit; "?" for anything else. */
const char *signer_role_name(unsigned bit);
const char *signer_alg_name(unsigned bit);

/* The family that an algorithm of a signature belongs to; 0: none. */
unsigned signer_alg_of(enum cose_alg alg);

#endif
