/* Writes SUIT envelopes (draft-ietf-suit-manifest-37) for one image of one
 * component, as docs/formats.md asks: the shared sequence checks vendor and
 * class, install fetches the payload and matches its digest, the text is
 * severed so that a gateway may drop it for a weak device. An encrypted image
 * is fetched into a second component and copied from there
 * (draft-ietf-suit-firmware-encryption-26 section 5).
 *
 * No state. Functions that fail have said why. */
#ifndef FERRY_PUBLISH_ENVELOPE_H
#define FERRY_PUBLISH_ENVELOPE_H

#include "base/buf.h"
#include "policy/trust/suit.h"
#include "tools/publish/record.h"
#include "tools/publish/sealing.h"

struct envelope_plan {
	const struct release *release; /* ids, component, sequence, payload */
	const struct vendor_conf *vendor;
	const struct class_conf *class;
	uint64_t use_before;           /* 0: none */
	bool with_text;
	const struct sealing *sealing; /* NULL: the payload is the image */
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

/* What an envelope holds besides new signatures. */
struct envelope_content {
	struct bytes manifest;                   /* content */
	struct bytes severed[SUIT_UNINSTALL + 1]; /* by key; empty: none */
	const struct bytes *blocks;              /* that stay */
	unsigned block_count;
};

/* Signs the manifest digest once for each of `by` and puts the envelope
 * together. Appends to `ret`. */
int envelope_sign(const struct envelope_content *content,
	const struct cose_signing *by, unsigned count, struct buf *ret);

#endif
