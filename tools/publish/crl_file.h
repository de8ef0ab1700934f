/* Writes certificate revocation lists (RFC 5280 section 5): the list of one CA
 * with cRLNumber, authority key identifier, both dates and a reason for each
 * entry. policy/trust/crl.h reads them.
 *
 * No state. Functions that fail have said why. */
#ifndef FERRY_PUBLISH_CRL_FILE_H
#define FERRY_PUBLISH_CRL_FILE_H

#include "base/buf.h"
#include "tools/publish/keys.h"

/* CRLReason of RFC 5280 section 5.3.1. certificateHold and removeFromCRL are
 * not made: to a gateway, revoked is for good. */
#define CRL_REASON_MAP(X)                                                     \
	X(0, "unspecified", "unspecified")                                    \
	X(1, "key-compromise", "keyCompromise")                               \
	X(2, "ca-compromise", "CACompromise")                                 \
	X(3, "affiliation-changed", "affiliationChanged")                     \
	X(4, "superseded", "superseded")                                      \
	X(5, "cessation-of-operation", "cessationOfOperation")

struct crl_line {
	struct bytes serial; /* content of the INTEGER */
	uint64_t at;         /* seconds since 1970 */
	unsigned reason;
};

struct crl_plan {
	struct key *key;     /* of the CA */
	struct bytes issuer; /* its certificate in DER */
	uint64_t number;
	uint64_t this_update;
	uint64_t next_update;
	const struct crl_line *entries;
	size_t count;
};

/* Appends the DER. */
int crl_write(const struct crl_plan *plan, struct buf *ret);

/* The name of a reason here, or as `openssl ca` writes it; "unspecified" for a
 * number that is none of ours. */
const char *crl_reason_text(unsigned reason);
const char *crl_reason_openssl(unsigned reason);

/* -EINVAL after it has complained. */
int crl_reason_parse(const char *text, unsigned *ret);

#endif
