/* A vendor and what is known of revocation: how its catalog is judged, how its
 * server is let pass, and what follows when evidence comes or somebody is
 * revoked. Part of struct vendor. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_VENDOR_EVIDENCE_H
#define FERRY_GATEWAY_DAEMON_VENDOR_EVIDENCE_H

#include "gateway/daemon/evidence.h"

#define VENDOR_GATES_MAX 4 /* connections of a client */

/* A TLS server that waits for evidence about its certificates. */
struct vendor_gate {
	struct http_gate *gate;
	const struct bytes *chain; /* alive until the gate is answered */
	size_t count;
};

struct vendor_evidence {
	struct evidence *signers;
	struct evidence *server;
	struct revocation_needs needs; /* of judgements about the catalog */
	/* A catalog that only lacks evidence about its signers. */
	uint8_t *waiting;
	size_t waiting_len;
	bool due;	/* the catalog's signers are to be judged again */
	int state;	/* what came of that the last time */
	struct vendor_gate gates[VENDOR_GATES_MAX];
	unsigned gate_count;
};

/* Also says it loudly when revocation is switched off. */
int vendor_evidence_open(struct vendor *v, const struct store_loaded *loaded);

/* Each of the two takes a hold of the vendor until it is closed. */
void vendor_evidence_close(struct vendor *v);

/* Sets what v->trust judges by: before every call that judges signatures. */
void vendor_evidence_prepare(struct vendor *v);

/* trust_add_catalog(). -EINPROGRESS: it lacks nothing but evidence, which is
 * asked for; vendor_catalog_again() follows. */
int vendor_add_catalog(struct vendor *v, struct bytes file,
	struct fault *fault);

/* Takes the copy of the catalog that waited; the caller frees ret->at. */
struct bytes vendor_evidence_waiting(struct vendor *v);

/* A catalog was accepted: what it ships is looked at. */
void vendor_evidence_accepted(struct vendor *v);

/* What a release needs. True when it will be told (release_evidence()). */
bool vendor_evidence_want(struct vendor *v,
	const struct revocation_needs *needs);

/* Whether evidence settled after a snapshot that had this generation. */
bool vendor_evidence_settled_since(const struct vendor *v, uint64_t generation);

/* A pool thread has ended. When it was the last one trust_learn() counts, and
 * the catalog is judged again if that is due. */
void vendor_evidence_judged(struct vendor *v);

/* What the root keys alone say about the time. */
struct trust_now vendor_root_now(const struct vendor *v);

/* For struct vendor_https_settings and struct tls_settings; the argument is the
 * vendor. */
int vendor_judge_tls_time(void *arg, int64_t not_before, int64_t not_after);
void vendor_peer_verified(void *arg, struct http_gate *gate,
	const struct bytes *chain, size_t count);
void vendor_gate_gone(void *arg, struct http_gate *gate);

/* Codes that new evidence may cure. */
bool vendor_evidence_may_come(int code);

/* Adds to what a round failed by what an operator can do about it. */
void vendor_evidence_explain(int code, struct fault *fault);

#endif
