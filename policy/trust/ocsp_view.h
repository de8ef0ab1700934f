/* An OCSP response (RFC 6960 section 4.2.1) as views into its DER.
 *
 * Form only: strict DER, successful, basic, version 1. Who answered and whether
 * that counts is policy/trust/ocsp.c. Pure; any thread. */
#ifndef FERRY_POLICY_TRUST_OCSP_VIEW_H
#define FERRY_POLICY_TRUST_OCSP_VIEW_H

#include "policy/trust/ocsp.h"

struct ocsp_view {
	struct bytes der; /* all of it */
	struct bytes tbs; /* what is signed */
	struct bytes alg;
	struct bytes signature;
	struct bytes certs;	     /* content of the SEQUENCE OF */
	struct bytes responder_name; /* with tag and length; empty: by key */
	struct bytes responder_key;
	uint64_t produced_at;
	struct bytes answers;	 /* content of the SEQUENCE OF */
	struct bytes extensions; /* well-formed, none twice; may be empty */
};

int ocsp_view_read(
	struct bytes der, struct ocsp_view *ret, struct fault *fault);

/* The next answer off the front of `answers`. */
int ocsp_view_answer(const struct ocsp_view *view, struct bytes *answers,
	struct ocsp_answer *ret, struct fault *fault);

/* The nonce of the response, empty if there is none. ERR_TRUST_OCSP_NONCE when
 * it is malformed. */
int ocsp_view_nonce(
	const struct ocsp_view *view, struct bytes *ret, struct fault *fault);

/* Says where and what, and gives `code`. */
int ocsp_refuse(const struct ocsp_view *view, struct bytes at, int code,
	const char *field, const char *rule, struct fault *fault);

#endif
