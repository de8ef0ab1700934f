/* X.509 certificates for what a vendor needs: an author CA with a signing
 * certificate, and a small TLS PKI for trying Ferry out. The only file that
 * writes certificates; policy/trust/x509.h reads them.
 *
 * No state; functions that fail have said why. One thread. */
#ifndef FERRY_PUBLISH_PKI_H
#define FERRY_PUBLISH_PKI_H

#include "base/buf.h"
#include "policy/trust/evidence.h"
#include "policy/trust/x509.h"
#include "tools/publish/keys.h"

#define PKI_NAMES_MAX 16
#define PKI_URL_SIZE 256
#define PKI_CHAIN_MAX COSE_CERTS_MAX
#define PKI_CERT_MAX 4096

enum pki_use {
	PKI_CA,      /* signs certificates and CRLs */
	PKI_SIGNING, /* digitalSignature, EKU codeSigning */
	PKI_SERVER,  /* EKU serverAuth */
	PKI_CLIENT,  /* EKU clientAuth */
	PKI_OCSP,    /* EKU OCSPSigning, nocheck */
};

struct pki_request {
	enum pki_use use;
	unsigned path_length;       /* of a CA: CAs that may stand below it */
	const char *common_name;
	const char *organization;   /* NULL: none */
	const char *const *names;   /* DNS names and addresses, SERVER, CLIENT */
	size_t names_count;
	uint64_t not_before;
	uint64_t not_after;
	const struct key *subject_key;
	const struct key *issuer_key;
	struct bytes issuer;        /* DER; empty: self-signed */
	struct bytes serial;        /* empty: a new one */

	/* Where evidence about this certificate is found; NULL: nowhere. */
	const char *crl_url;
	const char *ocsp_url;
};

/* Certificates of a file, leaf first; `certs` point into `der`. */
struct pki_chain {
	struct buf der;
	struct bytes certs[PKI_CHAIN_MAX];
	size_t count;
};

#define PKI_SERIAL_LEN 16

/* Makes a serial number that nobody can guess. */
int pki_serial_make(uint8_t ret[PKI_SERIAL_LEN]);

/* Appends the DER to `ret`. */
int pki_issue(const struct pki_request *request, struct buf *ret);

/* Writes certificates one behind the other as PEM, mode 0644. */
int pki_write(const char *path, const struct bytes *certs, size_t count);

/* Reads a PEM file with one or more certificates, or one in DER. */
int pki_chain_read(const char *path, struct pki_chain *ret);
void pki_chain_done(struct pki_chain *chain);

/* `path` names the file in complaints. */
int pki_look(struct bytes der, const char *path, struct x509_facts *ret);

/* Whether a certificate names itself as its issuer. */
bool pki_is_self_signed(struct bytes der);

/* Whether the certificate names `issuer` (DER) and its key. */
bool pki_is_issued_by(struct bytes der, struct bytes issuer);

/* Fails unless the certificate holds the public part of the key. */
int pki_match(struct bytes der, const char *path, const struct key *key);

/* The end of the chain's life: the earliest not-after. */
int pki_chain_end(const struct pki_chain *chain, const char *path,
	uint64_t *ret);

#endif
