/* Evidence of revocation: which certificate it is about and what it says.
 *
 * A certificate is known by its issuer (name and key) and its serial number, as
 * OCSP knows it. An evidence object is a CRL (policy/trust/crl.h) or an OCSP
 * response (policy/trust/ocsp.h); reading one whose signature verified gives
 * statements, plain structs which may be kept as long as one likes: whether
 * they still count is judged by policy/trust/revocation.h. Pure; any thread. */
#ifndef FERRY_POLICY_TRUST_EVIDENCE_H
#define FERRY_POLICY_TRUST_EVIDENCE_H

#include "base/buf.h"
#include "base/err.h"
#include "policy/trust/time.h"

#define EVIDENCE_CRL_MAX ((size_t)8 << 20)   /* bytes of a CRL */
#define EVIDENCE_OCSP_MAX ((size_t)16 << 10) /* bytes of an OCSP response */
#define EVIDENCE_URI_SIZE 256		     /* with the NUL */
#define EVIDENCE_URIS_MAX 4		     /* of a kind in a certificate */
#define EVIDENCE_NUMBER_LEN 20		     /* RFC 5280 section 5.2.3 */
#define CERT_SERIAL_MAX 20		     /* RFC 5280 section 4.1.2.2 */
#define CERT_ID_LEN 32

/* Numbers of the catalog's evidence list (docs/formats.md). */
enum evidence_kind { EVIDENCE_CRL = 1, EVIDENCE_OCSP = 2 };

/* What the form of a file says that it is; 0 when it is neither. Not whether it
 * is a good one. */
int evidence_kind_of(struct bytes der);

struct cert_id {
	uint8_t issuer_name[32]; /* SHA-256 of the issuer's DN in DER */
	uint8_t issuer_key[32];	 /* SHA-256 of the issuer's public key, the bits
				    of its BIT STRING */
	uint8_t serial[CERT_SERIAL_MAX]; /* content of the INTEGER */
	uint8_t serial_len;
};

/* ERR_TRUST_CERT_FORM when one is no certificate, names differ or the serial
 * number is longer than 20 octets. Signatures are not looked at. */
int cert_id_of(
	struct bytes certificate, struct bytes issuer, struct cert_id *ret);

bool cert_id_equal(const struct cert_id *a, const struct cert_id *b);

/* SHA-256 over all members: what a revocation is remembered by. */
int cert_id_digest(const struct cert_id *id, uint8_t ret[CERT_ID_LEN]);

/* SHA-256 over name and key of the issuer: what CRL numbers are kept by. */
int cert_issuer_digest(const struct cert_id *id, uint8_t ret[CERT_ID_LEN]);

/* Where a certificate says that evidence about it is found: distribution points
 * of CRLs, and OCSP responders of authorityInfoAccess. Only URIs that are
 * http:// or https://, printable and short enough; further ones are passed
 * over. */
struct evidence_uris {
	unsigned crl_count;
	unsigned ocsp_count;
	char crl[EVIDENCE_URIS_MAX][EVIDENCE_URI_SIZE];
	char ocsp[EVIDENCE_URIS_MAX][EVIDENCE_URI_SIZE];
};
int evidence_uris(struct bytes certificate, struct evidence_uris *ret);

/* A CRL as PEM (RFC 7468), for files that people make: its DER into `b`. What
 * is no PEM is taken as it is. ERR_TRUST_CRL_FORM when there are several, or
 * no Base64. */
int evidence_to_der(struct bytes in, struct buf *b);

enum statement_status {
	STATEMENT_GOOD,
	STATEMENT_REVOKED, /* certificateHold too, for good */
	STATEMENT_UNKNOWN, /* an OCSP responder does not know it: not good */
};

/* What one evidence object says about one certificate. */
struct statement {
	struct cert_id id;
	enum evidence_kind kind;
	enum statement_status status;
	uint8_t reason;	     /* CRLReason of a revoked one, 0 unspecified */
	uint64_t revoked_at; /* seconds since 1970 */
	uint64_t this_update;
	uint64_t next_update;
	uint8_t number[EVIDENCE_NUMBER_LEN]; /* cRLNumber, right aligned */
	uint8_t sha256[32];		     /* of the object */
	/* An OCSP answer by a delegated responder without nocheck: it counts
	 * only beside evidence that the responder itself is not revoked. */
	bool by_delegate;
	struct cert_id delegate;
};

#endif
