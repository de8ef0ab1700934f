/* Writes SUIT envelopes (draft-ietf-suit-manifest-37) for one image of one
 * component, as docs/formats.md asks: the shared sequence checks vendor and
 * class, install fetches the payload and matches its digest, the text is
 * severed so that a gateway may drop it for a weak device.
 *
 * No state. Functions that fail have said why. */
#ifndef FERRY_PUBLISH_ENVELOPE_H
#define FERRY_PUBLISH_ENVELOPE_H

#include "base/buf.h"
#include "policy/trust/cose.h"
#include "tools/publish/record.h"

struct envelope_plan {
	const struct release *release; /* ids, component, sequence, payload */
	const struct vendor_conf *vendor;
	const struct class_conf *class;
	uint64_t use_before;           /* 0: none */
	bool with_text;
};

/* The parts that no signature renews. */
struct envelope_parts {
	struct buf manifest; /* content, without its byte string head */
	struct buf text;     /* content; empty: none */
};

void envelope_parts_init(struct envelope_parts *parts);
void envelope_parts_done(struct envelope_parts *parts);

int envelope_plan_write(const struct envelope_plan *plan,
	struct envelope_parts *ret);

/* SHA-256 over the manifest with its byte string head. */
int envelope_manifest_digest(struct bytes manifest, uint8_t ret[32]);

/* Signs the manifest digest and puts the envelope together. `text` may be
 * empty. Appends to `ret`. */
int envelope_sign(struct bytes manifest, struct bytes text,
	const struct cose_signing *by, struct buf *ret);

#endif
