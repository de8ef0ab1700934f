/* The publisher's side of the last hop (docs/formats.md): files of device keys,
 * and bundles read back from a device or from `ferry-publish bundle`.
 *
 * Functions that fail have said why, but for hop_judge(), whose answer is rows
 * of a verdict. One thread. */
#ifndef FERRY_PUBLISH_HOP_H
#define FERRY_PUBLISH_HOP_H

#include "policy/trust/lasthop_keys.h"
#include "policy/trust/verdict.h"

/* Reads and parses a file of keys; refuses one that others can read. */
int hop_keys_read(const char *path, enum lasthop_keys_kind kind,
	struct lasthop_keys **ret);

/* A bundle without its image, and the digests of that. hop_init() to
 * hop_done(); `envelope` points into the struct, which must not move. */
struct hop_bundle {
	struct buf head;
	struct buf envelope;
	struct lasthop_bundle at; /* valid when `err` is 0 */
	int err;                  /* why it is no bundle */
	struct fault fault;
	uint8_t sha256[32];
	uint8_t sha384[48];
	uint8_t sha512[64];
};

void hop_init(struct hop_bundle *b);
void hop_done(struct hop_bundle *b);

/* Fails only when the file cannot be read; that it is no bundle is a fact. */
int hop_read(const char *path, struct hop_bundle *b);

/* What a device asks for besides the MAC. */
struct hop_floors {
	bool sequence_known, epoch_known;
	uint64_t sequence, epoch;
};

/* Adds a row for each rule of a device: form, MAC, epoch, sequence, image. Of
 * several keys the first one whose MAC verifies counts. */
void hop_judge(const struct hop_bundle *b, const struct lasthop_keys *keys,
	const struct hop_floors *floors, struct verdict *v);

#endif
