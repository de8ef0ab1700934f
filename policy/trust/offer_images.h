/* The rows of a verdict about images: whether the catalog lists them, how they
 * are encrypted, and whether the bytes that are there are theirs. Internal to
 * this room; see offer.h. */
#ifndef FERRY_POLICY_TRUST_OFFER_IMAGES_H
#define FERRY_POLICY_TRUST_OFFER_IMAGES_H

#include "policy/trust/offer.h"

struct offer_images {
	const struct offer_request *req;
	const struct suit_manifest *manifest; /* NULL: an earlier check failed */
	const struct catalog_entry *entry;    /* NULL: none */
	struct verdict *v;
	struct offer_plan *plan; /* has the outcome; gets the images */
};

/* Adds the rows "image-listed", "protection", for encrypted images
 * "sealed-digest", and "image-digest". */
void offer_judge_images(const struct offer_images *o);

#endif
