/* One vendor's trust: its chain of roots, its catalog, floors and time.
 *
 * The facade for the daemon. Order of calls:
 *   trust_open()      first root of the vendor file, what trust.db remembers
 *   trust_add_root()  for N+1, N+2, ... stored or fetched, until there is no
 * more trust_ready()     newest root not expired and not behind the floor
 *   trust_add_catalog()  stored or fetched
 *   trust_judge_again()  when evidence came or ran out
 *   trust_state()     before every transfer
 *   trust_judge()     fills vendor parts of an offer_request and judges it
 * After every call that returned 0 and says `changed`, persist v->floor and
 * trust_time_value() before anything is done on the strength of it.
 *
 * Embedded in its owner; trust_open() to trust_close(). One thread at a time; a
 * pool thread may make a call while the loop keeps its hands off. */
#ifndef FERRY_POLICY_TRUST_TRUST_H
#define FERRY_POLICY_TRUST_TRUST_H

#include "policy/trust/offer.h"

/* What trust.db keeps of a vendor. All zero: never seen. */
struct trust_floor {
	uint64_t root_version;
	uint8_t root_sha256[32];      /* of that version's file */
	struct catalog_floor catalog; /* catalog.epoch is the vendor's epoch */
};

struct trust_vendor {
	struct root *root;
	struct catalog *catalog; /* NULL: none accepted */
	int catalog_code;	 /* why its signers count no more; 0: they do */
	struct trust_floor floor;
	struct trust_time time;
	uint64_t noted; /* the latest of trust_note(); 0: none */
	bool changed;	/* floor or bound rose in the last call */
	/* What the signers of catalogs are judged by: set by the owner before
	 * each call. trust_open() sets `require` with nothing known. `needs`
	 * may be NULL. */
	const struct revocation_view *revocation;
	struct revocation_needs *needs;
};

/* `floor` may be NULL. On a failure nothing is to be closed. */
int trust_open(struct trust_vendor *v, struct bytes first_root,
	const struct trust_floor *floor, uint64_t persisted_time,
	const struct trust_clock *clock, struct fault *fault);
void trust_close(struct trust_vendor *v);

/* Root N+1. A higher epoch resets time bound and catalog floor; a catalog that
 * the new root's catalog role did not sign is dropped. A file whose version is
 * not above the current one and that is the current file is 0, unchanged. */
int trust_add_root(struct trust_vendor *v, struct bytes file,
	const struct trust_clock *clock, struct fault *fault);

/* After the last root: 0, ERR_TRUST_ROOT_BEHIND, _EXPIRED or _NOT_YET. */
int trust_ready(const struct trust_vendor *v, const struct trust_clock *clock,
	struct fault *fault);

/* Accepts also one that has expired: ask trust_state(). An error leaves the
 * catalog before as it is. `ret_shipped` (may be NULL) as of catalog_accept().
 */
int trust_add_catalog(struct trust_vendor *v, struct bytes file,
	const struct trust_clock *clock, struct catalog_shipped *ret_shipped,
	struct fault *fault);

/* Judges the signers of the catalog in force again, by v->revocation. On a
 * refusal the catalog is kept, but trust_state() is that code until it is
 * judged otherwise. 0 also without a catalog. */
int trust_judge_again(struct trust_vendor *v, const struct trust_clock *clock,
	struct fault *fault);

/* 0 when a transfer may start, ERR_TRUST_CATALOG_EXPIRED otherwise (also
 * without a catalog, and when trust_ready() fails: then its code). When the
 * evidence about the catalog's signers has run out ERR_TRUST_REVOCATION_STALE:
 * renew it and call trust_judge_again(). */
int trust_state(const struct trust_vendor *v, const struct trust_clock *clock);

/* Notes offer_plan.signed_time of an accepted verdict, also while other threads
 * still judge. Never what evidence about a TLS server says. */
void trust_note(struct trust_vendor *v, uint64_t signed_time);

/* Teaches the vendor's time what was noted, once. A higher epoch forgets what
 * was noted before it: that may be what it repairs. */
void trust_learn(struct trust_vendor *v, const struct trust_clock *clock);

/* How long after root or catalog expired a transfer that was interrupted may
 * still be taken up again. */
#define TRUST_FINISH_S 86400u

/* Whether what had begun before may be taken up again: trust_state() is 0, or
 * it is expiry alone that shuts, for less than TRUST_FINISH_S of trusted time.
 * What runs on without a break is not asked. */
bool trust_may_finish(
	const struct trust_vendor *v, const struct trust_clock *clock);

/* offer_judge() with root, catalog and time of the vendor. Revocation comes
 * with the request: a pool thread judges by a snapshot of its own. */
int trust_judge(const struct trust_vendor *v, const struct trust_clock *clock,
	struct offer_request *request, struct verdict *ret,
	struct offer_plan *ret_plan);

#endif
