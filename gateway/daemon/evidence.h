/* What is known of revocation, fetched, kept and renewed: one `evidence` for the
 * signers of a vendor, another for the certificates of its server.
 *
 * Judgements (policy/trust/revocation.h) are made against a view of it and note
 * the certificates that they need evidence about; evidence_want() takes these
 * needs over. For each of them, in this order: what the cache kept, what the
 * catalog ships, what the certificate itself points at. Only certificates whose
 * chain verified to its anchor become needs, and only listed hosts are asked.
 * Whatever is found is scanned on the pool, held against the floors of trust.db
 * (a CRL number or OCSP time never falls) and counts when the commit of its floor
 * is durable. Who is found revoked is so at once and for ever, also after a
 * restart and whatever the policy.
 *
 * One thing at a time: one object is loaded, fetched, scanned or committed.
 * on_settled tells that everything that can be done at this moment has been.
 * Loop thread.
 *
 * evidence.c       wants, sources and when each is asked
 * evidence_take.c  an object on its way: scan, floors, commit, file */
#ifndef FERRY_GATEWAY_DAEMON_EVIDENCE_H
#define FERRY_GATEWAY_DAEMON_EVIDENCE_H

#include "gateway/config/config.h"
#include "gateway/http/once.h"
#include "policy/trust/catalog.h"
#include "store/db.h"

#define EVIDENCE_REVOKED_MAX 1024 /* certificates of a vendor */

struct gateway;
struct vendor;

/* Where evidence about one certificate comes from, for each kind. */
enum evidence_source { SOURCE_CRL, SOURCE_OCSP, SOURCE_COUNT };

struct evidence_try {
	uint64_t due_ms;    /* of the loop's clock; 0: at once */
	unsigned failures;  /* in a row */
	unsigned uri;	    /* the next one of the certificate */
	bool asked;	    /* at least once */
	bool unreachable;   /* so it was when it was asked last */
	bool no_nonce;	    /* the responder repeats none */
	int status;	    /* of the last time */
	int64_t at_ms;	    /* wall clock of the last time, 0: never */
	char etag[HTTP_ETAG_MAX];
	uint8_t etag_sha256[32]; /* of the object that has it */
};

/* A certificate that evidence is wanted about. */
struct evidence_want {
	struct cert_id id;
	uint8_t digest[CERT_ID_LEN];
	uint8_t issuer_digest[CERT_ID_LEN];
	uint8_t *der; /* certificate and issuer, one behind the other */
	struct bytes certificate, issuer;
	struct evidence_uris uris;
	struct evidence_try tries[SOURCE_COUNT];
	bool kept_tried[SOURCE_COUNT]; /* the cache was looked into */
	char subject[128];
	uint64_t wanted; /* number of the judgement; the oldest makes room */
	uint64_t wanted_ms; /* when that was, by the loop's clock */
};

struct evidence_setup {
	struct gateway *gateway;
	const struct config_vendor *config;
	enum revocation_policy policy;
	bool of_server; /* else of the signers */
	/* What is judged by: hosts of the root, the link for what the catalog
	 * ships (NULL: never), and the time. */
	const struct root *(*root)(void *arg);
	struct vendor_link *(*link)(void *arg);
	struct trust_now (*now)(void *arg);
	/* Everything was tried that can be at this moment. Statements or what
	 * is reachable may have changed; `revoked`: somebody newly is. Never
	 * from inside a function of this header. */
	void (*on_settled)(void *arg, bool revoked);
	void *arg;
};

struct evidence;

/* Takes sticky revocations and floors over from the database. */
int evidence_open(const struct evidence_setup *setup,
	const struct store_loaded *loaded, struct evidence **ret);
void evidence_close(struct evidence *e, void (*on_closed)(void *arg),
	void *arg);

/* What is known now. The view of the loop thread is good until it next runs the
 * loop; a snapshot is for a judgement on the pool. */
const struct revocation_view *evidence_view(struct evidence *e);
struct revocation_view *evidence_snapshot(struct evidence *e);
void evidence_snapshot_free(struct revocation_view *snapshot);

/* Who hands a class over gives along whom it knows to be revoked. */
void evidence_inherit(struct evidence *to, const struct evidence *from);

/* Rises whenever a judgement may come out otherwise than before, other than by
 * the mere renewal of what was current. When it rose during a judgement by a
 * snapshot, what was missing may be there: judge again, on_settled was before. */
uint64_t evidence_generation(const struct evidence *e);

/* Copies what a judgement needs. True when on_settled follows: something is
 * going to be tried, or has been and was not told yet. False: judging again by
 * what is known at this moment makes no sense. */
bool evidence_want(struct evidence *e, const struct revocation_needs *needs);

/* What the catalog ships; looked at once each, whenever something is wanted. */
void evidence_ship(struct evidence *e, const struct catalog_shipped *shipped);

/* News is asked for: everything is asked again, current or not. */
void evidence_refresh(struct evidence *e);

bool evidence_is_busy(const struct evidence *e);

/* Why certificates have no evidence, for people: the first that has none and
 * how its sources failed. "" when all have. */
const char *evidence_reason(struct evidence *e, char *text, size_t size);

/* For `status`: every statement and every source that failed. */
struct evidence_row {
	const char *subject;	   /* of the certificate */
	const struct statement *statement; /* NULL: there is none */
	enum evidence_kind kind;
	const char *uri;	   /* "" none */
	const struct evidence_try *last;
};
void evidence_list(const struct evidence *e,
	void (*on_row)(void *arg, const struct evidence_row *row), void *arg);
unsigned evidence_revoked_count(const struct evidence *e);

#endif
