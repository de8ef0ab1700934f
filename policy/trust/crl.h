/* Certificate revocation lists (RFC 5280 section 5), scanned for a few
 * certificates in one bounded pass that keeps nothing of the list.
 *
 * Refused: a version other than 2; no cRLNumber, or one longer than 20 octets;
 * no nextUpdate; a delta CRL or an issuing distribution point, critical or not;
 * any unknown critical extension of the list or of an entry; signature
 * algorithms outside the profile of policy/trust/x509.h; an issuer without
 * cRLSign, with another name or another key; anything behind the end. Dates are
 * read, not judged. Pure; any thread. */
#ifndef FERRY_POLICY_TRUST_CRL_H
#define FERRY_POLICY_TRUST_CRL_H

#include "policy/trust/evidence.h"

#define CRL_IDS_MAX 64	      /* certificates that one scan looks for */
#define CRL_EXTENSIONS_MAX 16 /* of a list, and of an entry */

struct crl_facts {
	uint8_t issuer_name[32]; /* SHA-256 of its DN, as in struct cert_id */
	uint64_t this_update;
	uint64_t next_update;
	uint8_t number[EVIDENCE_NUMBER_LEN]; /* right aligned */
	uint64_t entries;
	uint8_t sha256[32]; /* of the file */
};

/* SHA-256 of the issuer's name, before anything is trusted: to find out whose
 * list it is. ERR_TRUST_CRL_*. */
int crl_issuer_name(struct bytes der, uint8_t ret[32], struct fault *fault);

struct crl_entry {
	struct bytes serial; /* content of the INTEGER, a view into the list */
	uint64_t revoked_at; /* seconds since 1970 */
	uint8_t reason;	     /* CRLReason, 0 unspecified */
};

/* Reads a list in words, before anything is trusted: everything that crl_scan()
 * demands but for signature and issuer. `ret_issuer` is its DN, a view;
 * `on_entry` (may be NULL) sees the entries in their order, also those before a
 * fault. */
int crl_look(struct bytes der, struct crl_facts *ret, struct bytes *ret_issuer,
	void (*on_entry)(void *arg, const struct crl_entry *entry), void *arg,
	struct fault *fault);

/* Scans the list, whose issuer is the certificate `issuer` (DER; its own chain
 * is the caller's matter), for `count` certificates of that issuer; writes one
 * statement for each, GOOD or REVOKED. Ids of other issuers are refused with
 * ERR_TRUST_CRL_ISSUER, more than CRL_IDS_MAX with ERR_TRUST_REVOCATION_NEEDS,
 * what is no certificate as issuer with ERR_TRUST_CERT_FORM. `facts` may be
 * NULL. */
int crl_scan(struct bytes der, struct bytes issuer, const struct cert_id *ids,
	unsigned count, struct statement *ret, struct crl_facts *facts,
	struct fault *fault);

#endif
