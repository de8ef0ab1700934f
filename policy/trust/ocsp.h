/* OCSP (RFC 6960, RFC 9919, RFC 9654): requests, and responses read strictly.
 *
 * A request asks about one certificate, with SHA-256 in its CertID. A response
 * counts when it is successful and basic, has exactly one answer with our
 * CertID, is signed by the issuer itself or by a responder whose certificate
 * the same issuer key signed directly (EKU OCSPSigning, digitalSignature, in
 * date, and either nocheck or named by `ret_delegate`, so that the caller asks
 * for evidence about it too), names the signer as responder, has nextUpdate not
 * more than OCSP_VALIDITY_MAX_S after thisUpdate, producedAt not before
 * thisUpdate, and no unknown critical extension. `now` judges the dates of the
 * delegate and a producedAt in the future; those of the answer itself are
 * judged by policy/trust/revocation.h. Pure; any thread. */
#ifndef FERRY_POLICY_TRUST_OCSP_H
#define FERRY_POLICY_TRUST_OCSP_H

#include "policy/trust/evidence.h"

#define OCSP_NONCE_MIN 16
#define OCSP_NONCE_LEN 32
#define OCSP_NONCE_MAX 128
#define OCSP_REQUEST_GET_MAX 255 /* encoded; longer ones are sent by POST */
#define OCSP_VALIDITY_MAX_S (14u * 86400u)

/* Appends the DER of a request. `nonce` empty: none. */
int ocsp_request(
	const struct cert_id *id, struct bytes nonce, struct buf *b);

struct ocsp_question {
	struct cert_id id;
	struct bytes issuer;	/* DER of the certificate that issued it */
	struct bytes nonce;	/* that was sent; empty: none */
	bool nonce_required;	/* the answer must repeat it */
	struct trust_now now;
};

/* A delegated responder without nocheck. */
struct ocsp_delegate {
	bool needs_evidence;
	struct cert_id id;
	struct bytes certificate; /* a view into the response */
};

/* `ret_delegate` may be NULL: then a delegate without nocheck is refused. */
int ocsp_read(struct bytes der, const struct ocsp_question *question,
	struct statement *ret, struct ocsp_delegate *ret_delegate,
	struct fault *fault);

#endif
