/* Who speaks for a class: transfer of authority at the end of support
 * (docs/architecture.md, "Trust in detail").
 *
 * A class belongs to the vendor that its file names until a root of that vendor
 * hands it to the heir whose first root it names by SHA-256. The heir is a vendor
 * of vendors.d that claims the class too and says so (`heir_of`). It waits until
 * the transfer was accepted; then floors and sticky revocations move along in one
 * commit, and from then on only the heir's roots can hand the class on, or back.
 *
 * What trust.db says of it is no authority by itself: who holds a class that
 * several claim must be borne out by the walked roots of those who handed it on.
 * Whenever that cannot be said the class is served by nobody, and an alarm says
 * why.
 *
 * A vendor that got a class back takes it by a root that hands it to nobody;
 * before, its entries for the class are refused.
 *
 * The vendor of a class in gateway.config is the one that holds it: this file
 * alone changes it. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_AUTHORITY_H
#define FERRY_GATEWAY_DAEMON_AUTHORITY_H

#include <jansson.h>

#include "gateway/daemon/gateway.h"

/* The vendor has the class from now on; gateway.config says so already. What
 * belongs to devices and jobs of the class is the receiver's. */
typedef void (*authority_given)(struct gateway *g, const uint8_t class_id[16],
	const char *vendor);

/* Takes over what trust.db keeps and gives every class its vendor. Before
 * devices, jobs and vendors are opened, and after a reload. -ENOMEM. */
int authority_open(struct gateway *g, const struct store_loaded *loaded,
	authority_given on_given);
void authority_close(struct gateway *g);

/* The configuration is another one: every class gets its vendor again. */
void authority_apply(struct gateway *g);

/* A vendor was opened, or has a new root: proves what is recorded, and begins
 * the transfers that are due. Cheap when nothing is. */
void authority_review(struct gateway *g);

/* 0: the vendor of the class speaks for it. -EAGAIN: not known yet, or under
 * way. ERR_AUTHORITY_*: nobody does, until a person or the vendor mends it. */
int authority_state(const struct gateway *g, const struct config_class *c);

/* For views: {vendor, by, since, state, code}, or null for a class that was never
 * handed over and that one vendor claims. */
json_t *authority_view(const struct gateway *g, const struct config_class *c);

/* What a vendor has to do with classes beyond its own: a list of {class, state},
 * `waiting` as an heir, `holds`, `gave`. */
json_t *authority_of_vendor(const struct vendor *v);

#endif
