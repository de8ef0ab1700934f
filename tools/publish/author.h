/* The author's signing key with its certificate chain.
 *
 * author_open() to author_done(); `signing` points into the struct, so it must
 * not move meanwhile. Functions that fail have said why. */
#ifndef FERRY_PUBLISH_AUTHOR_H
#define FERRY_PUBLISH_AUTHOR_H

#include "tools/publish/ca.h"
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

/* A certificate for an author's key by `ca`, written to `path` with the CA's
 * own certificate behind it where that is no anchor (not self-signed). */
int author_certify(const char *path, const struct vendor_conf *vendor,
	const struct key *key, struct ca *ca, uint64_t now, uint64_t days);

/* What author_ca_make() makes. */
struct author_plan {
	const char *folder;
	const struct vendor_conf *vendor;
	enum crypto_curve curve;
	uint64_t now;
	bool intermediate; /* a CA between anchor and author */
};

/* Makes a CA for authors in FOLDER/author-ca (key.pem, cert.pem), with
 * `intermediate` another below it in FOLDER/author-issuing, and a signing key
 * with its chain in FOLDER/author (key.pem, chain.pem). FOLDER must be there.
 * Appends the anchor's DER to `ret_anchor`. */
int author_ca_make(const struct author_plan *plan, struct buf *ret_anchor);

/* The folder of the CA that certifies authors below `folder`. */
int author_ca_folder(const char *folder, char ret[FILES_PATH_SIZE]);

#define AUTHOR_CA_DAYS 3650
#define AUTHOR_ISSUING_DAYS 1825
#define AUTHOR_DAYS 730

/* Certificates begin a little in the past, for clocks that differ. */
#define CERT_CLOCK_SLACK_S 3600

#endif
