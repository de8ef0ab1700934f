/* Whether every certificate of a path has current evidence that it is not
 * revoked. Fails closed.
 *
 * A path that verified is judged against a view: what is known of revocation at
 * this moment, made by the caller and immutable during the judgement. What is
 * missing is noted as needs, so that the caller can fetch it and judge again.
 * Evidence for a certificate is a current statement by a CRL or by OCSP;
 * revoked by either, or ever seen revoked, is revoked. Pure; any thread. */
#ifndef FERRY_POLICY_TRUST_REVOCATION_H
#define FERRY_POLICY_TRUST_REVOCATION_H

#include "policy/trust/evidence.h"

#define REVOCATION_NEEDS_MAX 32

enum revocation_policy {
	REVOCATION_REQUIRE,
	/* Evidence that has run out counts for `max_age_s` after its
	 * this_update while its sources cannot be reached. Where there never
	 * was any, nothing counts. */
	REVOCATION_IF_REACHABLE,
	REVOCATION_OFF, /* passes, and the verdict says so */
};

struct revocation_view {
	enum revocation_policy policy;
	uint64_t max_age_s;
	const struct statement *statements;
	unsigned statement_count;
	/* cert_id_digest() of all that were ever seen revoked. Also judged
	 * when the policy is `off`. */
	const uint8_t (*revoked)[CERT_ID_LEN];
	unsigned revoked_count;
	/* cert_id_digest() of those whose sources were asked and could not be
	 * reached. */
	const uint8_t (*unreachable)[CERT_ID_LEN];
	unsigned unreachable_count;
};

/* A certificate that has no current evidence, or whose evidence runs out. */
struct revocation_need {
	struct cert_id id;
	struct bytes certificate; /* views into what was judged */
	struct bytes issuer;
	bool has_current; /* only to be renewed */
	uint64_t good_until;
	/* It is an OCSP responder without nocheck, by the same issuer as
	 * `certificate`, about which it answered: asked about by the list that
	 * `certificate` names, never by OCSP. */
	bool is_delegate;
};

/* All certificates below the anchor of the paths that were judged, once each,
 * and responders whose answers wait for evidence about themselves. */
struct revocation_needs {
	unsigned count;
	bool overflowed; /* then nothing may be accepted */
	struct revocation_need of[REVOCATION_NEEDS_MAX];
};

/* What chains of certificates are judged by: the last argument of all that
 * verify signatures (x509_chain_verify(), role_verify(), catalog_accept(),
 * offer_judge()). */
struct chain_rules {
	struct trust_now now;
	const struct revocation_view *revocation; /* NULL: refuses */
	struct revocation_needs *needs;		  /* may be NULL */
	/* Intermediates besides those of a message, trusted for nothing. */
	const struct bytes *issuers;
	unsigned issuer_count;
};

/* `require`, and nothing is known. */
extern const struct revocation_view revocation_nothing_known;

/* Whether a code is one of revocation_judge(): whatever else was judged of the
 * path was right. */
bool revocation_refuses(int code);

struct revocation_result {
	/* 0, ERR_TRUST_REVOKED, ERR_TRUST_REVOCATION_NONE (no evidence object
	 * at all), _MISSING (none for this certificate), _STALE, _NOT_YET,
	 * _UNKNOWN (the responder does not know it), _ANCHOR (the path has no
	 * certificate below its anchor, which is not marked as revoked by root
	 * only). */
	int code;
	unsigned judged; /* certificates below the anchor */
	unsigned by_crl;
	unsigned by_ocsp;
	unsigned overdue;    /* counted by IF_REACHABLE */
	bool by_root_only;   /* nothing below the anchor */
	uint64_t good_until; /* when the first evidence runs out; UINT64_MAX */
	uint64_t signed_time; /* latest this_update that counted, 0 none: teaches
				 the vendor's time, but never for TLS */
	char evidence[160];  /* printable: which object said what */
};

/* Judges the path certs[0] (leaf) ... certs[count - 1] (anchor). A path of one
 * certificate, or none (a bare key), is its own anchor and passes only with
 * `root_only`. `needs` may be NULL; needs are added to it, also for
 * certificates that pass, but not under `off`. Once it has overflowed nothing
 * passes (ERR_TRUST_REVOCATION_NEEDS). Returns ret->code.
 *
 * Which code counts when several certificates are refused: revoked before all
 * others, then the one nearest to the leaf. A statement that says revoked
 * counts whatever its dates, also under `off`. A GOOD one counts from its
 * this_update (judged by a synchronised clock only) until its next_update. */
int revocation_judge(const struct revocation_view *view,
	const struct bytes *certs, unsigned count, bool root_only,
	struct trust_now now, struct revocation_needs *needs,
	struct revocation_result *ret);

struct statement_table {
	unsigned count;
	struct statement of[2 * REVOCATION_NEEDS_MAX];
};

/* Adds what one object says about one certificate: one statement a certificate
 * and kind. An older one never replaces a newer one (ERR_TRUST_CRL_ROLLBACK by
 * cRLNumber, ERR_TRUST_OCSP_REPLAY by this_update), but REVOKED always replaces
 * and is never replaced by anything else. Returns 1 when something was added or
 * renewed, 0 when it is known already, ERR_TRUST_REVOCATION_NEEDS when there is
 * no room. */
int statement_table_put(
	struct statement_table *table, const struct statement *statement);

/* Adds one evidence object to statements: reads it for every need whose issuer
 * it is by. `kind` 0: found out from its form. With a `nonce` an OCSP response
 * has to repeat it. Returns the number of statements that were added or
 * renewed, or an error: it is no evidence, its signature is wrong, it is about
 * nothing that is needed (ERR_TRUST_EVIDENCE_UNNEEDED), it is older than what is
 * known. Judging again may add needs (delegates): add all objects again until
 * the number of needs stays. For `ferry-publish verify`, for the daemon's table
 * and for tests. */
int statement_table_add(struct statement_table *table, enum evidence_kind kind,
	struct bytes der, const struct revocation_needs *needs,
	struct bytes nonce, struct trust_now now, struct fault *fault);

#endif
