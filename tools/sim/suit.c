#include "tools/sim/suit.h"

#include "policy/trust/lasthop.h"
#include "tools/sim/image.h"

#include <errno.h>
#include <stdlib.h>

/* A bundle, its beginning in memory. */
struct reading {
	uint8_t *head;
	struct buf envelope;
	struct lasthop_bundle bundle;
};

int suit_start(void)
{
	return crypto_init();
}

bool suit_begins(struct bytes head)
{
	/* Tag 107 and a small map. */
	return head.len >= 3 && head.at[0] == 0xd8 && head.at[1] == 0x6b &&
	       head.at[2] >> 5 == 5;
}

static void reading_done(struct reading *r)
{
	buf_done(&r->envelope);
	free(r->head);
}

/* To be followed by reading_done() whatever it returns. */
static int reading_open(
	struct reading *r, const struct flash *f, unsigned slot)
{
	uint32_t room = f->slot_size - FLASH_SECTOR;
	size_t len = room < LASTHOP_PREFIX_MAX ? room : LASTHOP_PREFIX_MAX;
	int err;

	buf_init(&r->envelope, SUIT_ENVELOPE_MAX);
	r->head = malloc(len);
	if (!r->head)
		return -ENOMEM;
	err = flash_read(f, slot, 0, r->head, len);
	if (err || !suit_begins(bytes_of(r->head, len)))
		return err ? err : ERR_LASTHOP_FORM;
	err = lasthop_bundle_parse(
		bytes_of(r->head, len), 0, &r->envelope, &r->bundle, NULL);
	if (!err && (r->bundle.image_at > room ||
			    r->bundle.image_len > room - r->bundle.image_at))
		err = ERR_LASTHOP_FORM;
	return err;
}

int suit_find(const struct flash *f, unsigned slot, uint32_t *ret_at,
	uint32_t *ret_len)
{
	struct reading r = {0};
	int err = reading_open(&r, f, slot);

	if (!err) {
		*ret_at = (uint32_t)r.bundle.image_at;
		*ret_len = (uint32_t)r.bundle.image_len;
	}
	reading_done(&r);
	return err;
}

/* The MAC before anything that it protects is believed; what the flash keeps
 * before what the envelope says. */
static int check(const struct reading *r, const struct flash *f, unsigned slot,
	const uint8_t *key, struct suit_found *ret)
{
	struct suit_found found = {(uint32_t)r->bundle.image_at,
		(uint32_t)r->bundle.image_len, {0}};
	struct suit_facts facts = {0};
	uint8_t digest[IMAGE_HASH_LEN];
	struct flash_floors floors;
	struct lasthop_hub hub;
	int err = flash_floors_read(f, &floors);

	if (!err)
		err = lasthop_verify(&r->bundle.envelope,
			bytes_of(key, SUIT_KEY_LEN), &hub);
	if (!err && hub.epoch < floors.epoch)
		err = ERR_LASTHOP_EPOCH;
	if (!err)
		err = image_digest(f, slot, found.at, found.len, digest);
	if (!err)
		err = lasthop_image_check(&r->bundle.envelope, &facts,
			r->bundle.uri, digest, found.len,
			&found.floors.sequence, NULL);
	if (!err && found.floors.sequence < floors.sequence)
		err = ERR_TRUST_SUIT_SEQUENCE;
	if (err)
		return err;
	found.floors.epoch = hub.epoch;
	*ret = found;
	return 0;
}

int suit_check(const struct flash *f, unsigned slot,
	const uint8_t key[SUIT_KEY_LEN], struct suit_found *ret)
{
	struct reading r = {0};
	int err = reading_open(&r, f, slot);

	if (!err)
		err = check(&r, f, slot, key, ret);
	reading_done(&r);
	return err;
}
