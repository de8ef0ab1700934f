/* Between evidence.c and evidence_take.c. */
#ifndef FERRY_GATEWAY_DAEMON_EVIDENCE_PRIV_H
#define FERRY_GATEWAY_DAEMON_EVIDENCE_PRIV_H

#include "gateway/daemon/evidence.h"
#include "gateway/daemon/gateway.h"

#define EVIDENCE_FLOORS_MAX 4096

struct evidence_shipped {
	enum evidence_kind kind;
	uint8_t sha256[32];
	uint64_t len;
	bool tried;
	bool taken; /* fetched and looked at */
};

struct evidence_floor {
	enum evidence_kind kind;
	uint8_t id[CERT_ID_LEN];
	uint8_t number[EVIDENCE_NUMBER_LEN];
	bool saved; /* is in trust.db as well */
};

/* Where the object that is being taken came from. */
enum evidence_origin { ORIGIN_KEPT, ORIGIN_SHIPPED, ORIGIN_ASKED };

struct evidence {
	struct evidence_setup set;
	uv_timer_t timer;
	struct evidence_want *wants[REVOCATION_NEEDS_MAX];
	unsigned want_count;
	uint64_t judgements;
	uint64_t crowded_ms; /* when the first want may make room, 0: no need */
	struct statement_table table;
	uint8_t (*revoked)[CERT_ID_LEN];
	bool revoked_saved[EVIDENCE_REVOKED_MAX]; /* are in trust.db as well */
	unsigned revoked_count;
	unsigned revoked_lost; /* for which there was no room: nothing counts */
	uint8_t unreachable[REVOCATION_NEEDS_MAX][CERT_ID_LEN];
	struct evidence_floor *floors;
	unsigned floor_count;
	struct evidence_shipped shipped[CATALOG_EVIDENCE_MAX];
	unsigned shipped_count;
	struct revocation_view view;
	uint64_t generation;

	/* What is under way. */
	bool working;
	bool worked;	/* since on_settled was called last */
	bool revokes;	/* so did somebody newly get revoked */
	struct evidence_want *want; /* of the source that is asked */
	enum evidence_source source;
	struct evidence_shipped ship;
	struct http_once *once;
	uint64_t request; /* of the vendor's link, 0 none */
	uint8_t nonce[32];
	size_t nonce_len;

	bool closing;
	unsigned holds;
	void (*on_closed)(void *arg);
	void *close_arg;
};

/* An object that may be evidence. The copy of `der` is the caller's no more.
 * `kind` 0: not known. `expected` is its digest, NULL: any. Ends in
 * evidence_took(). */
void evidence_take(struct evidence *e, enum evidence_origin origin,
	enum evidence_kind kind, struct bytes der, const uint8_t *expected);

/* What came of it: 0, or why it does not count. The statements that it made
 * have `sha256`. */
void evidence_took(struct evidence *e, enum evidence_origin origin, int code,
	const uint8_t sha256[32], const struct fault *fault);

/* Under what name the cache keeps the object of a kind about `want`. */
void evidence_object_name(const struct evidence *e,
	const struct evidence_want *want, enum evidence_source source,
	char *name, size_t size);

/* NULL: not known to be revoked. Else whether trust.db knows it as well, which
 * may be set. */
bool *evidence_revoked_find(
	struct evidence *e, const uint8_t digest[CERT_ID_LEN]);

/* ERR_STORE_FULL or -ENOMEM: then nothing counts as evidence any more. */
int evidence_note_revoked(struct evidence *e,
	const uint8_t digest[CERT_ID_LEN]);

/* NULL when there is none yet. */
struct evidence_floor *evidence_floor_find(struct evidence *e,
	enum evidence_kind kind, const uint8_t id[CERT_ID_LEN]);
/* ERR_STORE_FULL or -ENOMEM: then what is higher must not count. */
int evidence_floor_raise(struct evidence *e, enum evidence_kind kind,
	const uint8_t id[CERT_ID_LEN],
	const uint8_t number[EVIDENCE_NUMBER_LEN]);

/* ---- what is to be done, in evidence.c ---- */

extern const enum evidence_kind source_kind[SOURCE_COUNT];

const struct statement *evidence_statement_of(const struct evidence *e,
	const struct evidence_want *want, enum evidence_source source);
unsigned evidence_uri_count(const struct evidence_want *want,
	enum evidence_source source);
const char *evidence_uri(const struct evidence_want *want,
	enum evidence_source source, unsigned i);

/* The first URI from `from` on that may be asked; their count if none may. */
unsigned evidence_allowed_from(const struct evidence *e,
	const struct evidence_want *want, enum evidence_source source,
	unsigned from);
bool evidence_next_kept(const struct evidence *e, struct evidence_want **ret,
	enum evidence_source *ret_source);
struct evidence_shipped *evidence_next_shipped(struct evidence *e);

/* The source that is due first, and when; UINT64_MAX: there is none. */
uint64_t evidence_next_due(const struct evidence *e,
	struct evidence_want **ret, enum evidence_source *ret_source);

/* One thing has ended. */
void evidence_go_on(struct evidence *e);

/* ---- doing it, in evidence_ask.c: true when something is under way ---- */

bool evidence_load_kept(struct evidence *e);
bool evidence_fetch_shipped(struct evidence *e);
bool evidence_ask_source(struct evidence *e);

void evidence_hold(struct evidence *e, int by);
void evidence_release(struct evidence *e);

/* Whether an URI of a certificate may be asked. */
bool evidence_uri_allowed(const struct evidence *e, const char *uri);
bool evidence_address_allowed(void *arg, const struct sockaddr *address);

/* Appends the URL of a GET that asks a responder, base64 with percents; RFC 6960
 * appendix A.1. -EMSGSIZE when it is longer than RFC 9919 lets a GET be: then
 * the request is sent by POST. */
int evidence_ocsp_path(const char *uri, struct bytes request, struct buf *ret);

#endif
