/* Reads author anchors for `verify --anchor`: a certificate (PEM, DER) or a
 * bare public key (PEM, DER, COSE_Key, raw point), told apart by content.
 *
 * anchors_add() as often as needed, then anchors_done(). Functions that fail
 * have said why. */
#ifndef FERRY_PUBLISH_ANCHORS_H
#define FERRY_PUBLISH_ANCHORS_H

#include "policy/trust/offer.h"
#include "policy/trust/x509.h"

struct anchors {
	struct offer_anchor of[OFFER_ANCHORS_MAX];
	struct buf der[OFFER_ANCHORS_MAX]; /* of certificates */
	unsigned count;

	/* Well-formed keys of kinds that nothing here verifies with yet. */
	const char *unjudged[OFFER_ANCHORS_MAX]; /* "HSS-LMS", "Ed25519" */
	unsigned unjudged_count;
};

/* -EINVAL when the file is none of these. */
int anchors_add(struct anchors *anchors, const char *path);
void anchors_done(struct anchors *anchors);

/* What raw bytes could be besides: "HSS-LMS" (60 bytes: levels 1 to 8 and types
 * that RFC 8554 knows), "Ed25519" (32 bytes), or NULL. */
const char *anchors_other_kind(struct bytes file);

#endif
