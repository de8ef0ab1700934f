/* The judgement of a new catalog before it is published: every entry, by the
 * gateway's own code and by the revocation evidence that the catalog ships.
 *
 * Functions that fail have said why. One thread. */
#ifndef FERRY_PUBLISH_CATALOG_CHECK_H
#define FERRY_PUBLISH_CATALOG_CHECK_H

#include "tools/publish/evidence.h"

struct catalog_check {
	const struct publisher *p;
	const struct root *root;
	const struct evidence_list *evidence;
	bool allow_short_evidence; /* it may run out before the catalog */
};

/* Fails when a gateway would refuse the catalog or an entry that is offered:
 * also when a signer is revoked, and when evidence that is shipped runs out
 * before the catalog. Where nothing is shipped about a certificate, a warning
 * says what that means. */
int catalog_check(const struct catalog_check *check, struct bytes file);

#endif
