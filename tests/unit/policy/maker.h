/* Makes what a vendor publishes, right or wrong on purpose: keys, certificates,
 * roots, catalogs and envelopes. Aborts the test when it cannot. */
#ifndef FERRY_TESTS_UNIT_POLICY_MAKER_H
#define FERRY_TESTS_UNIT_POLICY_MAKER_H

#include "base/buf.h"
#include "base/cbor_out.h"
#include "policy/trust/trust.h"

#define MAKER_NOW UINT64_C(1800000000)
#define MAKER_YEAR UINT64_C(31536000)

extern const uint8_t maker_vendor_id[16];
extern const uint8_t maker_class_id[16];

/* Revocation is off, and it is `now`. */
extern const struct revocation_view maker_revocation_off;
struct chain_rules maker_rules(uint64_t now);

struct maker_key {
	void *pk;    /* mbedtls_pk_context */
	uint32_t id; /* PSA */
	struct cose_key key;
	uint8_t kid[COSE_KID_LEN];
};

/* One call before anything else. */
void maker_init(void);

/* A key of its own for each name; kept for the life of the process. */
const struct maker_key *maker_key(const char *name);
const struct maker_key *maker_key_on(const char *name, enum crypto_curve curve);

struct maker_cert {
	const char *subject; /* "CN=leaf" */
	const struct maker_key *key;
	const struct maker_cert *issuer; /* NULL: itself */
	const char *not_before;		 /* "20200101000000"; NULL: that */
	const char *not_after;		 /* NULL: "20991231235959" */
	bool ca;
	bool no_usage; /* leaf without digitalSignature */
	bool no_eku;
	bool any_eku; /* anyExtendedKeyUsage only */
	bool sha1;
	uint8_t der[1200];
	size_t len;
};

/* Fills `der` and `len`. */
void maker_cert_make(struct maker_cert *cert);
struct bytes maker_cert_der(const struct maker_cert *cert);

struct maker_entry {
	const struct maker_key *key;
	const struct maker_cert *cert; /* instead of the key */
	const uint8_t *scope_class;    /* NULL: everything */
	bool unknown_kind;	       /* a COSE_Key of a kind nobody knows */
	bool root_only;		       /* revoked by a new root only */
};

struct maker_role {
	unsigned number;
	unsigned threshold;
	struct maker_entry entries[4]; /* up to the first without key */
};

struct maker_root {
	uint64_t version, issued, expires, epoch, grace;
	struct maker_role roles[6]; /* up to the first with number 0 */
	bool unknown_key;	    /* a non-negative one */
	bool negative_key;
	const uint8_t *transfer;	    /* a class that is handed over */
	const char *aad;		    /* NULL: the right one */
	const struct maker_key *signers[6]; /* up to NULL */
	bool kid_unprotected;
};

/* Version 1, two root keys with threshold 2, catalog key "catalog", author key
 * "author", signed by "root-a" and "root-b". */
struct maker_root maker_root_default(void);
void maker_root_file(const struct maker_root *root, struct buf *out);

struct maker_offer {
	uint64_t sequence;
	struct bytes envelope; /* digests and length come from it */
	const char *component; /* NULL: "app" */
	uint64_t payload_len;
	uint8_t payload_sha256[32];
	bool has_hardware;
	uint64_t hardware_min, hardware_max;
	bool withdrawn;
	bool precursor;
	bool negative_key;
	const char *path;	 /* NULL: "p/x" */
	const uint8_t *class_id; /* NULL: maker_class_id */
	bool wrong_manifest, wrong_envelope;
};

struct maker_catalog {
	uint64_t sequence, issued, expires, root_version, epoch;
	struct maker_offer offers[4];
	unsigned offer_count;
	bool unknown_key, negative_key;
	const char *aad;
	const struct maker_key *signers[4];
	const struct maker_cert *chain[3]; /* of the first signer */
	bool as_sign;			   /* COSE_Sign also for one signer */
	unsigned shipped;		   /* evidence files, made up */
};

struct maker_catalog maker_catalog_default(void);
void maker_catalog_file(const struct maker_catalog *catalog, struct buf *out);

struct maker_envelope {
	uint64_t sequence;
	const char *components[4]; /* NULL first: "app" */
	uint8_t digest[32];
	int64_t digest_alg;	  /* 0: -16 */
	struct bytes long_digest; /* with another algorithm */
	uint64_t size;		  /* 0: none */
	struct bytes shared;	  /* instead of the usual one */
	struct bytes install;	  /* instead of the usual one */
	struct bytes fetch;	  /* payload-fetch; .at NULL: none */
	bool no_install;
	bool no_shared;
	bool dependencies;
	uint64_t version;		    /* 0: 1 */
	const struct maker_key *signers[3]; /* NULL first: "author" */
	const struct maker_cert *chain[3];  /* of the first signer */
	const struct maker_cert *other_chain[3]; /* of the second */
	const struct cose_signing *extra;	 /* signs too; NULL: nobody */
	const char *text;		    /* severed text member */
	const char *text_there;	     /* what the envelope carries instead */
	const char *unsigned_member; /* coswid that the manifest lacks */
	bool untagged;
};

void maker_envelope_file(
	const struct maker_envelope *envelope, struct buf *out);

/* The usual sequences, for tests that change a part. */
void maker_shared(struct buf *out, struct bytes vendor_id,
	struct bytes class_id, struct bytes digest, uint64_t size);
void maker_put_digest(struct buf *out, int64_t alg, struct bytes digest);

#endif
