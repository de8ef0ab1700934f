/* One judgement under way: what the parts of offer_judge() share. Internal to
 * this room; see offer.h. */
#ifndef FERRY_POLICY_TRUST_OFFER_JUDGE_H
#define FERRY_POLICY_TRUST_OFFER_JUDGE_H

#include "policy/trust/offer.h"

/* Each stage adds its rows. */
struct judge {
	const struct offer_request *req;
	struct verdict *v;
	struct offer_plan *plan;
	struct fault fault;
	bool blind; /* a stage failed without which the rest means nothing */
	struct suit_envelope envelope;
	struct suit_manifest manifest;
	const struct catalog_entry *entry;
	struct root_role anchors; /* made of request anchors */
	struct root_entry anchor_entries[OFFER_ANCHORS_MAX];
	const struct root_role *authors;
	struct role_signatures found; /* of authors */
};

/* Adds a row that is not evaluated; `why` unless an earlier check failed. */
void offer_skip(
	struct judge *j, const char *name, unsigned step, const char *why);

/* Adds a row for a code and the fault that belongs to it, and forgets the
 * fault. */
void offer_judged(struct judge *j, const char *name, unsigned step, int code,
	const char *evidence, ...) __attribute__((format(printf, 5, 6)));

/* "catalog-signature", "catalog-revocation". */
void offer_judge_catalog_signers(struct judge *j);

/* "author-signature", "author-dates", "revocation": needs the envelope. */
void offer_judge_authors(struct judge *j);

/* "author-scope", "author-threshold", and as far as they are demanded
 * "demanded-algorithms", "operator-signature", "regulator-signature": needs the
 * outcome of the manifest. */
void offer_judge_signers(struct judge *j);

#endif
