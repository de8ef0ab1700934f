/* Reads author anchors for `verify --anchor`: a certificate (PEM, DER) or a
 * bare public key (see public_key.h), told apart by content.
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
};

/* -EINVAL when the file is none of these. */
int anchors_add(struct anchors *anchors, const char *path);
void anchors_done(struct anchors *anchors);

#endif
