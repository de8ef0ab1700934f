/* What `verify` is given about revocation: evidence files, a nonce, a policy and
 * further intermediates.
 *
 * verify_evidence_init() to verify_evidence_done(); the views in it point into
 * itself, so it must not move. Functions that fail have said why, but what is
 * wrong with an evidence object is a row of the verdict. One thread. */
#ifndef FERRY_PUBLISH_VERIFY_EVIDENCE_H
#define FERRY_PUBLISH_VERIFY_EVIDENCE_H

#include "policy/trust/ocsp.h"
#include "policy/trust/revocation.h"
#include "policy/trust/verdict.h"
#include "tools/publish/cli.h"
#include "tools/publish/pki.h"

#define VERIFY_EVIDENCE_MAX (2 * CLI_VALUES_MAX)

/* Evidence that has run out counts so long under require-if-reachable, unless
 * --max-age says otherwise: what a gateway takes by default. */
#define VERIFY_MAX_AGE_S (7u * 86400u)

struct verify_object {
	const char *path;
	enum evidence_kind kind;
	struct buf der;
	int code;      /* why it is no evidence; 0: it is */
	struct fault fault;
	bool needed;   /* it says something about these certificates */
	bool older;    /* than another that was given */
};

struct verify_evidence {
	struct verify_object of[VERIFY_EVIDENCE_MAX];
	unsigned count;
	uint8_t nonce[OCSP_NONCE_MAX];
	size_t nonce_len;
	struct pki_chain intermediates[CLI_VALUES_MAX];
	unsigned intermediates_count;
	struct bytes issuers[COSE_CERTS_MAX];
	unsigned issuer_count;
	struct statement_table table;
	uint8_t unreachable[REVOCATION_NEEDS_MAX][CERT_ID_LEN];
	struct revocation_view view;
	struct revocation_needs needs;
};

#define VERIFY_EVIDENCE_OPTIONS \
	{"revocation", "POLICY", false, "require (default)," \
		" require-if-reachable or off: what to ask of revocation" \
		" evidence"}, \
	{"crl", "FILE", true, "CRL (DER or PEM)"}, \
	{"ocsp", "FILE", true, "OCSP response (DER)"}, \
	{"nonce", "HEX", false, "nonce that every OCSP response must repeat"}, \
	{"max-age", "SPAN", false, "require-if-reachable: how old evidence" \
		" that has run out may be, such as 36h (default 7d)"}, \
	{"issuer", "FILE", true, "further intermediate certificates, trusted" \
		" for nothing"}

void verify_evidence_init(struct verify_evidence *e);
void verify_evidence_done(struct verify_evidence *e);

int verify_evidence_take(const struct cli *cli, struct verify_evidence *e);

/* Reads all objects for what `needs` asks about. True when the view says more
 * than before: then judge again. */
bool verify_evidence_answer(struct verify_evidence *e, struct trust_now now);

/* Puts the row "evidence" before all others, if any was given: an object that
 * is malformed, has a wrong signature or lacks the nonce refuses. */
void verify_evidence_row(const struct verify_evidence *e, struct verdict *v);

/* "crl" or "ocsp"; what an object was worth, for people. */
const char *verify_object_kind(const struct verify_object *object);
const char *verify_object_word(const struct verify_object *object);

#endif
