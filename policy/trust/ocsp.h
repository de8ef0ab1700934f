/* OCSP (RFC 6960, RFC 9919, RFC 9654): requests, and responses read strictly.
 *
 * A request asks about one certificate, with SHA-256 in its CertID. A response
 * counts when it is successful and basic, has exactly one answer with our
 * CertID (beside it one about the same serial number in terms of another hash,
 * as RFC 9919 allows, if it says the same), is signed by the issuer itself or
 * by a responder whose certificate the same issuer key signed directly (EKU
 * OCSPSigning, digitalSignature, in date, and either nocheck or named by
 * `ret_delegate`, so that the caller asks for evidence about it too), names the
 * signer as responder, has nextUpdate not more than OCSP_VALIDITY_MAX_S after
 * thisUpdate, producedAt not before thisUpdate, and no unknown critical
 * extension. `now` judges the dates of the delegate and a producedAt in the
 * future; those of the answer itself are judged by policy/trust/revocation.h.
 * Pure; any thread. */
#ifndef FERRY_POLICY_TRUST_OCSP_H
#define FERRY_POLICY_TRUST_OCSP_H

#include "policy/trust/evidence.h"

#define OCSP_NONCE_MIN 16
#define OCSP_NONCE_LEN 32
#define OCSP_NONCE_MAX 128
/* A whole URL with the request in it; longer ones are sent by POST. */
#define OCSP_REQUEST_GET_MAX 255
#define OCSP_VALIDITY_MAX_S (14u * 86400u)
#define OCSP_CERTS_MAX 4       /* that a response may bring */
#define OCSP_EXTENSIONS_MAX 16 /* of a response, and of an answer */

/* Appends the DER of a request. `nonce` empty: none; otherwise OCSP_NONCE_MIN
 * to OCSP_NONCE_MAX octets, or -EINVAL. */
int ocsp_request(const struct cert_id *id, struct bytes nonce, struct buf *b);

struct ocsp_question {
	struct cert_id id;
	struct bytes issuer; /* DER of the certificate that issued it */
	struct bytes nonce;  /* that was sent; empty: none */
	bool nonce_required; /* the answer must repeat it */
	struct trust_now now;
};

/* One SingleResponse, in views into the response. */
struct ocsp_answer {
	struct bytes hash; /* OID of the CertID's hash algorithm */
	struct bytes name_hash;
	struct bytes key_hash;
	struct bytes serial; /* content of the INTEGER */
	enum statement_status status;
	uint8_t reason;
	uint64_t revoked_at;
	uint64_t this_update;
	bool has_next_update;
	uint64_t next_update;
	bool has_critical; /* critical extensions, all of them unknown */
};

struct ocsp_facts {
	uint64_t produced_at;
	struct bytes responder_name; /* Name in DER, or empty: by key */
	struct bytes responder_key;  /* SHA-1 of the key */
	struct bytes nonce;	     /* empty: none */
	unsigned certs;
	unsigned answers;
};

/* Reads a successful basic response in words, before anything is trusted.
 * `on_answer` (may be NULL) sees the answers in their order. */
int ocsp_look(struct bytes der, struct ocsp_facts *ret,
	void (*on_answer)(void *arg, const struct ocsp_answer *answer),
	void *arg, struct fault *fault);

/* A delegated responder without nocheck. */
struct ocsp_delegate {
	bool needs_evidence;
	struct cert_id id;
	struct bytes certificate; /* a view into the response */
};

/* `ret_delegate` may be NULL: then a delegate without nocheck is refused. An
 * issuer that is no certificate is ERR_TRUST_CERT_FORM, one that did not issue
 * `id` ERR_TRUST_OCSP_RESPONDER; a producedAt in the future is
 * ERR_TRUST_REVOCATION_NOT_YET, everything else ERR_TRUST_OCSP_*. */
int ocsp_read(struct bytes der, const struct ocsp_question *question,
	struct statement *ret, struct ocsp_delegate *ret_delegate,
	struct fault *fault);

#endif
