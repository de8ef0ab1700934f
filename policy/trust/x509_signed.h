/* Signatures over X.509 structures: CRLs, OCSP responses and the certificates
 * of their responders.
 *
 * The profile is that of policy/trust/x509.h: ECDSA on P-256, P-384 or P-521
 * and RSA of at least 3072 bits (PKCS #1 v1.5, or PSS with one hash for
 * message and mask), each with SHA-256, SHA-384 or SHA-512. Nothing is kept;
 * any thread, after crypto_init(). */
#ifndef FERRY_POLICY_TRUST_X509_SIGNED_H
#define FERRY_POLICY_TRUST_X509_SIGNED_H

#include "base/bytes.h"
#include "base/err.h"

/* `spki`: SubjectPublicKeyInfo of the signer; `alg`: AlgorithmIdentifier of the
 * structure, both with tag and length; `signature`: octets of the BIT STRING.
 * 0, ERR_TRUST_CERT_ALG (algorithm or key outside of the profile, or they do
 * not fit), ERR_TRUST_COSE_SIGNATURE, ERR_TRUST_CRYPTO or -ENOMEM. */
int x509_verify_signed(struct bytes spki, struct bytes alg, struct bytes tbs,
	struct bytes signature);

#endif
