/* X.509: facts of a certificate, and chains to an anchor.
 *
 * The only file that talks to Mbed TLS's X.509. Its own time flags are always
 * masked; time is judged here, by the trusted time of the caller. Certificates
 * that a message brings never become anchors. Nothing is kept; any thread. */
#ifndef FERRY_POLICY_TRUST_X509_H
#define FERRY_POLICY_TRUST_X509_H

#include "policy/trust/cose.h"
#include "policy/trust/revocation.h"

struct x509_facts {
	struct cose_key key;	      /* valid if `has_key` */
	bool has_key;		      /* an EC key on a curve that we know */
	uint8_t key_id[COSE_KID_LEN]; /* thumbprint; SHA-256 of the
					 SubjectPublicKeyInfo for other keys */
	bool is_ca;
	bool can_sign;	   /* key usage digitalSignature */
	bool code_signing; /* extended key usage codeSigning */
	uint64_t not_before;
	uint64_t not_after;
	char subject[128]; /* printable, cut */
	char serial[48];   /* hexadecimal */
};

/* ERR_TRUST_CERT_FORM if `der` is not exactly one certificate. */
int x509_read(struct bytes der, struct x509_facts *ret);

/* A certificate in PEM or DER: the DER bytes into `b`. */
int x509_to_der(struct bytes in, struct buf *b);

/* A public key as PEM or DER SubjectPublicKeyInfo. ERR_TRUST_COSE_KEY. */
int x509_public_key(struct bytes in, struct cose_key *ret);

struct x509_anchor {
	struct bytes certificate; /* DER */
	bool revoked_by_root_only; /* then it may be the leaf itself */
};

struct x509_chain {
	struct cose_key leaf_key;
	unsigned anchor;     /* index of the anchor that it ended at */
	unsigned depth;	     /* certificates used, anchor included */
	bool anchor_is_leaf; /* the leaf itself is the anchor */
	uint64_t not_after;  /* the earliest of the path */
	char subject[128];   /* of the leaf */
	struct revocation_result revocation;
};

/* Builds and verifies the path from certs[0] to one of the anchors: signatures,
 * CA flags, path lengths, algorithms (SHA-256 or longer; P-256, P-384, P-521,
 * RSA of 3072 bits and more for issuers), dates, and of the leaf key usage
 * digitalSignature and extended key usage codeSigning (listed; "any" does not
 * count); ERR_TRUST_CERT_*. A path that is right in all of that is judged by
 * revocation_judge(), which is the only way to success: its codes, with what it
 * says in `fault` (field "revocation"). `ret` is then written too, for the
 * record: revocation_refuses() tells these codes from the others. */
int x509_chain_verify(const struct bytes *certs, unsigned count,
	const struct x509_anchor *anchors, unsigned anchor_count,
	const struct chain_rules *rules, struct x509_chain *ret,
	struct fault *fault);

#endif
