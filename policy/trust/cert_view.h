/* A certificate (RFC 5280 section 4.1) as views into its DER.
 *
 * For what has to be known of certificates beside their path: whom evidence is
 * about, who may sign it, and where it is found. Nothing is trusted by reading
 * it; paths are verified by policy/trust/x509.h. Views live as long as the DER.
 * Pure; any thread. */
#ifndef FERRY_POLICY_TRUST_CERT_VIEW_H
#define FERRY_POLICY_TRUST_CERT_VIEW_H

#include "base/err.h"
#include "policy/trust/der.h"

#define CERT_EXTENSIONS_MAX 32

/* Bits of key usage, RFC 5280 section 4.2.1.3. */
enum cert_usage { CERT_DIGITAL_SIGNATURE = 0, CERT_CRL_SIGN = 6 };

struct cert_view {
	struct bytes tbs; /* what is signed */
	struct bytes alg; /* AlgorithmIdentifier, inside and outside the same */
	struct bytes signature;
	struct bytes serial; /* content of the INTEGER */
	struct bytes issuer; /* Name, with tag and length; so is subject */
	struct bytes subject;
	struct bytes spki; /* SubjectPublicKeyInfo, with tag and length */
	struct bytes key;  /* the octets of its BIT STRING */
	uint64_t not_before;
	uint64_t not_after;
	struct bytes extensions; /* well-formed, none twice; empty: none */
};

/* ERR_TRUST_CERT_FORM if `der` is not exactly one certificate in strict DER. */
int cert_view_read(struct bytes der, struct cert_view *ret);

/* Key usage is there and has this bit. */
bool cert_view_may(const struct cert_view *cert, enum cert_usage usage);

bool cert_view_is_ca(const struct cert_view *cert);

/* Extended key usage lists this purpose itself ("any" does not count). */
bool cert_view_lists(const struct cert_view *cert, struct bytes purpose);

/* subjectKeyIdentifier; empty if there is none. */
struct bytes cert_view_key_id(const struct cert_view *cert);

/* keyIdentifier out of the value of an authorityKeyIdentifier extension, empty
 * if it has none. False if the value is malformed. */
bool cert_authority_key_id(struct bytes value, struct bytes *ret);

#endif
