/* Makes certificates, CRLs and OCSP responses of which every field can be
 * wrong. A recipe that is all zero makes a good object; each member changes one
 * thing. Aborts the test when it cannot. */
#ifndef FERRY_TESTS_UNIT_POLICY_EVIDENCE_MAKER_H
#define FERRY_TESTS_UNIT_POLICY_EVIDENCE_MAKER_H

#include "policy/trust/der.h"
#include "policy/trust/ocsp.h"
#include "tests/unit/policy/maker.h"

/* Bytes of a literal, also in a static table. */
#define EM(text)                                                               \
	{                                                                      \
		(const uint8_t *)("" text), sizeof(text) - 1                   \
	}

#define EM_BEGIN "20260101000000Z" /* thisUpdate, seconds below */
#define EM_BEGIN_S UINT64_C(1767225600)
#define EM_END "20270201000000Z" /* nextUpdate of a CRL */
#define EM_END_S UINT64_C(1801440000)
#define EM_OCSP_BEGIN "20270114000000Z" /* a day before MAKER_NOW */
#define EM_OCSP_BEGIN_S UINT64_C(1799884800)
#define EM_OCSP_END "20270121000000Z"
#define EM_OCSP_END_S UINT64_C(1800489600)

enum em_alg {
	EM_ECDSA_SHA256,
	EM_ECDSA_SHA384,
	EM_ECDSA_SHA512,
	EM_ECDSA_SHA1,
	EM_RSA_SHA256,
	EM_RSA_SHA512,
	EM_PSS_SHA256,
	EM_PSS_SHA384,	/* and says the trailer, which is the default */
	EM_PSS_TRAILER, /* another one */
	EM_PSS_NOBODYS,
	EM_PSS_MIXED, /* mask with another hash */
	EM_PSS_DEFAULTS,
	EM_NOBODYS,
};

/* EC keys are those of maker_key(); these are RSA, kept for the process. */
const struct maker_key *em_rsa_key(const char *name, unsigned bits);
const struct maker_key *em_brainpool_key(void);

struct em_ext {
	struct bytes oid; /* .at NULL: the end of a list */
	struct bytes value;
	bool critical;
};

/* For lists of them in a recipe. */
#define EM_EXT(id, content)                                                    \
	{                                                                      \
		.oid = EM(id), .value = EM(content)                            \
	}
#define EM_CRITICAL(id, content)                                               \
	{                                                                      \
		.oid = EM(id), .value = EM(content), .critical = true          \
	}

/* DER, appended to what is open. */
void em_put(struct buf *b, int tag, struct bytes content);
void em_wrap(struct buf *b, size_t from, int tag);
void em_name(struct buf *b, const char *common_name);
/* Signs what stands from `from` on and appends algorithm and signature. */
void em_sign(struct buf *b, size_t from, enum em_alg alg, enum em_alg outer,
	const struct maker_key *key, bool spoil);

#define EM_NO_USAGE 0x100

struct em_cert {
	const char *subject; /* NULL: "ca" */
	const struct maker_key *key;
	const struct em_cert *issuer;	/* NULL: itself */
	const char *issuer_name;	/* instead of the issuer's */
	const struct maker_key *signer; /* instead of the issuer's */
	struct bytes serial;		/* NULL: 01 */
	const char *not_before;		/* NULL: 20200101000000Z */
	const char *not_after;		/* NULL: 20991231235959Z */
	enum em_alg alg;
	unsigned usage; /* first octet of key usage; 0: as `ca` asks */
	bool ca;
	bool no_basic;
	struct bytes key_id; /* .at NULL: none */
	struct em_ext exts[6];
	uint8_t der[2000];
	size_t len;
};
void em_cert_make(struct em_cert *cert);
struct bytes em_cert_der(const struct em_cert *cert);
void em_id(const struct em_cert *cert, const struct em_cert *issuer,
	struct cert_id *ret);

struct em_entry {
	struct bytes serial; /* .at NULL: the end of a list */
	const char *date;    /* NULL: EM_BEGIN */
	struct em_ext exts[3];
	struct bytes behind; /* more members of the entry */
	bool empty_exts;
};

struct em_crl {
	const struct em_cert *issuer;
	const struct maker_key *signer; /* NULL: the issuer's */
	const char *issuer_name;	/* NULL: the issuer's */
	struct bytes version;		/* NULL: 02 01 01, "" none */
	enum em_alg alg;
	bool other_outer;	 /* another algorithm outside */
	const char *this_update; /* "" none; other than 13 or 15 characters are
				    tagged as GeneralizedTime */
	const char *next_update;
	bool no_entries;
	bool empty_entries;
	struct em_entry entries[6]; /* none: 55 */
	struct bytes behind_entries;
	bool no_exts;
	bool no_number;
	struct bytes number;	       /* value; NULL: 02 01 07 */
	struct bytes authority_key_id; /* value; NULL: of the issuer */
	bool no_authority_key_id;
	struct em_ext exts[6]; /* more */
	bool spoil_signature;
	bool unused_bits;
	struct bytes behind_tbs;
	struct bytes behind;
	bool long_length; /* the outer length in one octet too many */
	unsigned many;	  /* entries, instead: 4-octet serials from 1 on */
};
void em_crl_make(const struct em_crl *crl, struct buf *out);

struct em_answer {
	bool used;
	struct bytes serial; /* NULL: the one asked for */
	bool other_name, other_key;
	struct bytes hash;	 /* OID; NULL: SHA-256 */
	struct bytes status;	 /* element; NULL: 80 00, good */
	const char *this_update; /* NULL: EM_OCSP_BEGIN */
	const char *next_update; /* NULL: EM_OCSP_END, "" none */
	struct em_ext exts[2];
};

struct em_ocsp {
	const struct em_cert *issuer; /* of the certificate in question */
	const struct cert_id *id;
	const struct em_cert *signer; /* NULL: the issuer */
	const struct em_cert *named;  /* as responder; NULL: the signer */
	const struct maker_key *key;  /* instead of the signer's */
	unsigned status;
	bool no_bytes;
	struct bytes type;    /* OID; NULL: basic */
	struct bytes version; /* element; NULL: none */
	bool by_key;
	struct bytes responder;	     /* element, instead */
	const char *produced;	     /* NULL: EM_OCSP_BEGIN */
	struct em_answer answers[3]; /* none: one good one */
	bool no_answers;
	struct bytes behind_answers;
	struct bytes nonce; /* value of the extension */
	struct em_ext exts[3];
	const struct em_cert *certs[6];
	enum em_alg alg;
	bool spoil_signature;
	struct bytes behind;
	struct bytes behind_tbs;
};
void em_ocsp_make(const struct em_ocsp *ocsp, struct buf *out);

#endif
