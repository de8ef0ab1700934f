/* The folder of an OCSP responder, which `openssl ocsp` runs from:
 *
 *   ca.pem responder.pem responder.key.pem index.txt ferry-ocsp.service
 *
 * It holds no key of the CA, and may be copied to the machine that answers. The
 * folder of the CA remembers where it is, so that a revocation reaches the
 * index. Functions that fail have said why. One thread. */
#ifndef FERRY_PUBLISH_RESPONDER_H
#define FERRY_PUBLISH_RESPONDER_H

#include "policy/trust/ocsp.h"
#include "tools/publish/ca.h"

struct responder_plan {
	const char *folder; /* NULL: FOLDER-OF-THE-CA/ocsp */
	uint64_t now;
	uint64_t days;      /* life of the responder's certificate */
	unsigned port;
	uint64_t answers_s; /* how long an answer counts */
};

/* Makes or renews it, and prints the command. */
int responder_make(struct ca *ca, const struct responder_plan *plan);

/* Writes the index again where the CA has a responder. */
int responder_refresh(const struct ca *ca, uint64_t now);

#endif
