/* The author's signing key with its certificate chain.
 *
 * author_open() to author_done(); `signing` points into the struct, so it must
 * not move meanwhile. Functions that fail have said why. */
#ifndef FERRY_PUBLISH_AUTHOR_H
#define FERRY_PUBLISH_AUTHOR_H

#include "tools/publish/pki.h"
#include "tools/publish/publisher.h"

struct author {
	struct key key;
	struct pki_chain chain;
	uint8_t kid[COSE_KID_LEN];
	struct cose_signing signing;
	uint64_t until; /* end of the chain; 0: a bare key */
};

/* `key` and `chain` are paths; NULL: keys/author/key.pem and chain.pem. With a
 * `key` and no `chain` it signs as a bare key. */
int author_open(const struct publisher *p, const char *key, const char *chain,
	struct author *ret);
void author_done(struct author *author);

/* Makes a CA for authors in FOLDER/author-ca (key.pem, cert.pem) and a signing
 * key with certificate in FOLDER/author (key.pem, chain.pem); both folders must
 * be there. Appends the CA's DER to `ret_ca`. */
int author_ca_make(const char *folder, const struct vendor_conf *vendor,
	enum crypto_curve curve, uint64_t now, struct buf *ret_ca);

/* Issues a certificate for an author's key and writes it to `path`. */
int author_certify(const char *path, const struct vendor_conf *vendor,
	const struct key *key, const struct key *ca_key, struct bytes ca,
	uint64_t now, uint64_t days);

#define AUTHOR_CA_DAYS 3650
#define AUTHOR_DAYS 730

/* Certificates begin a little in the past, for clocks that differ. */
#define CERT_CLOCK_SLACK_S 3600

#endif
