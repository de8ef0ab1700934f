#include <errno.h>

#include "tools/sim/exchange.h"
#include "tools/sim/suit.h"

/* What one upload request says. */
struct chunk {
	bool has_off, has_len, upgrade;
	uint64_t off, len, image;
	struct bytes data, sha;
};

static int read_chunk(struct exchange *x, struct chunk *c)
{
	struct cbor_list list;
	struct bytes key;
	struct cbor r;

	if (exchange_body(x, &r, &list))
		return x->rc;
	while (exchange_key(&r, &list, &key)) {
		if (bytes_is_text(key, "off"))
			c->has_off = cbor_uint(&r, &c->off) == 0;
		else if (bytes_is_text(key, "len"))
			c->has_len = cbor_uint(&r, &c->len) == 0;
		else if (bytes_is_text(key, "image"))
			cbor_uint(&r, &c->image);
		else if (bytes_is_text(key, "data"))
			cbor_bstr(&r, &c->data);
		else if (bytes_is_text(key, "sha"))
			cbor_bstr(&r, &c->sha);
		else if (bytes_is_text(key, "upgrade"))
			cbor_bool(&r, &c->upgrade);
		else
			cbor_skip(&r, NULL);
	}
	if (r.err)
		x->rc = RC_INVALID;
	return x->rc;
}

/* Bytes that had arrived before count as repeated, whoever is to blame. */
static void count_arrival(struct mcu *m, const struct chunk *c)
{
	uint64_t end = c->off + c->data.len;
	uint8_t sha[32] = {0};

	m->counts.payload_received += c->data.len;
	if (c->has_off && c->off == 0 && c->has_len) {
		memcpy(sha, c->sha.at ? c->sha.at : sha,
			c->sha.len < 32 ? c->sha.len : 32);
		if (c->sha.len == 0 || memcmp(sha, m->arrived_sha, 32) != 0)
			m->arrived = 0;
		memcpy(m->arrived_sha, sha, 32);
	}
	if (c->off < m->arrived)
		m->counts.payload_repeated +=
			(end < m->arrived ? end : m->arrived) - c->off;
	if (end > m->arrived && end <= UINT32_MAX)
		m->arrived = (uint32_t)end;
}

static void answer_off(struct exchange *x, uint64_t off)
{
	reply_uint(&x->map, "off", off);
}

static bool builds_check(const struct mcu *m)
{
	return switch_is_on(&m->sw, SW_MATCH) ||
	       switch_is_on(&m->sw, SW_MATCH_FALSE) ||
	       (switch_is_on(&m->sw, SW_FINISHED) &&
		       switch_value(&m->sw, SW_FINISHED));
}

/* Whether the first `len` bytes of the slot have the SHA-256 that was sent. */
static bool slot_matches(
	const struct mcu *m, unsigned slot, uint32_t len, const uint8_t *sha)
{
	uint8_t digest[IMAGE_HASH_LEN];

	return image_digest(&m->flash, slot, 0, len, digest) == 0 &&
	       memcmp(digest, sha, sizeof(digest)) == 0;
}

static uint32_t slot_address(const struct mcu *m, unsigned slot)
{
	return 0x10000u + slot * m->flash.slot_size;
}

/* The checks of a first request against header and running image. */
static int check_header(
	const struct mcu *m, const struct chunk *c, unsigned slot)
{
	struct image_version next;
	struct image running;
	unsigned image = slot / 2;

	if (c->len > m->flash.slot_size)
		return IMAGE_RC_TOO_LARGE;
	if (m->boot.mode == BOOT_DIRECT_XIP &&
		get_le32(c->data.at + 16) & IMAGE_F_ROM_FIXED &&
		get_le32(c->data.at + 4) != slot_address(m, slot))
		return IMAGE_RC_BAD_ADDRESS;
	if (m->boot.suit_key)
		return 0; /* the bootloader judges what is in the envelope */
	image_header_version(c->data.at, &next);
	if ((c->upgrade || m->boot.no_downgrade) &&
		image_read(&m->flash, image * 2 + m->active[image], &running) ==
			0 &&
		image_version_compare(&next, &running.version, false) <= 0)
		return IMAGE_RC_NOT_NEWER;
	return 0;
}

static void erase_slot(struct exchange *x, unsigned slot)
{
	struct mcu *m = x->m;

	if (!flash_slot_is_empty(&m->flash, slot)) {
		flash_erase(&m->flash, slot, 0, m->flash.slot_size);
		m->counts.erases++;
	}
	if (switch_is_on(&m->sw, SW_SLOW_ERASE))
		x->effect->delay_us = switch_value(&m->sw, SW_SLOW_ERASE);
}

/* `finished=match`: the slot holds that very file already. */
static bool answer_finished(
	struct exchange *x, const struct chunk *c, unsigned slot)
{
	struct mcu *m = x->m;

	if (!switch_is_on(&m->sw, SW_FINISHED) ||
		!switch_value(&m->sw, SW_FINISHED) || c->sha.len != 32 ||
		!slot_matches(m, slot, (uint32_t)c->len, c->sha.at))
		return false;
	answer_off(x, c->len);
	reply_bool(&x->map, "match", true);
	return true;
}

static bool start_upload(struct exchange *x, const struct chunk *c)
{
	struct mcu *m = x->m;
	unsigned image = (unsigned)c->image, slot;

	if (c->image >= m->flash.images) {
		x->group_rc = IMAGE_RC_INVALID_SLOT;
		return false;
	}
	slot = image * 2 + 1u - m->active[image];
	if (mcu_runs_unconfirmed(m, image))
		x->group_rc = IMAGE_RC_NO_FREE_SLOT;
	else
		x->group_rc = check_header(m, c, slot);
	if (x->group_rc || answer_finished(x, c, slot))
		return false;
	m->upload = (struct mcu_upload){
		.open = true,
		.slot = (uint8_t)slot,
		.len = (uint32_t)c->len,
		.sha_len = (uint8_t)c->sha.len,
	};
	if (c->sha.len > 0)
		memcpy(m->upload.sha, c->sha.at, c->sha.len);
	m->counts.uploads_started++;
	erase_slot(x, slot);
	return true;
}

/* The last byte is in: verdict, and the record is forgotten. */
static void finish_upload(struct exchange *x)
{
	struct mcu *m = x->m;
	struct mcu_upload *up = &m->upload;

	m->counts.uploads_finished++;
	if (builds_check(m)) {
		if (switch_fires(&m->sw, SW_MATCH_FALSE)) {
			uint8_t zero = 0;

			flash_write(&m->flash, up->slot, up->len / 2, &zero, 1);
			reply_bool(&x->map, "match", false);
		} else if (up->sha_len == 32) {
			reply_bool(&x->map, "match",
				slot_matches(m, up->slot, up->len, up->sha));
		}
	}
	up->open = false;
}

static void write_chunk(struct exchange *x, const struct chunk *c)
{
	struct mcu *m = x->m;
	struct mcu_upload *up = &m->upload;
	size_t len = c->data.len;

	if (len > up->len - up->off) {
		x->group_rc = IMAGE_RC_BEYOND_LEN;
		return;
	}
	/* Recovery writes whole flash words; the rest is asked for again. */
	if (m->in_recovery && len < up->len - up->off)
		len -= len % m->alignment;
	if (flash_write(&m->flash, up->slot, up->off, c->data.at, len) < 0) {
		up->open = false;
		x->group_rc = IMAGE_RC_FLASH_WRITE;
		return;
	}
	m->counts.payload_accepted += len;
	up->off += (uint32_t)len;
	answer_off(x, up->off);
	if (up->off == up->len)
		finish_upload(x);
}

/* What a switch does to a chunk in mid-upload. True: it has answered. */
static bool disturb(struct exchange *x, const struct chunk *c)
{
	struct mcu *m = x->m;
	struct mcu_upload *up = &m->upload;

	if (switch_fires(&m->sw, SW_BUSY)) {
		x->rc = RC_BUSY;
		return true;
	}
	if (switch_fires(&m->sw, SW_HOT_UNPLUG))
		x->effect->unplug = true;
	if (!c->has_off || c->off == 0 || !up->open)
		return false;
	if (switch_fires(&m->sw, SW_RESTART))
		up->open = false;
	if (switch_fires(&m->sw, SW_FOREIGN_UPLOAD)) {
		up->foreign = true;
		up->off = 512;
	}
	if (up->foreign) {
		up->off += 256;
		answer_off(x, up->off);
		return true;
	}
	if (c->off == up->off && switch_fires(&m->sw, SW_REWIND)) {
		answer_off(x, up->off);
		return true;
	}
	return false;
}

static bool is_resume(const struct mcu *m, const struct chunk *c)
{
	const struct mcu_upload *up = &m->upload;

	return up->open && !up->foreign && c->sha.len > 0 &&
	       switch_is_on(&m->sw, SW_RESUME) &&
	       bytes_equal(c->sha, bytes_of(up->sha, up->sha_len));
}

/* What a file must begin with. */
static bool begins_well(const struct mcu *m, const struct chunk *c)
{
	return m->boot.suit_key ? suit_begins(c->data)
				: get_le32(c->data.at) == IMAGE_MAGIC;
}

static int check_first(const struct mcu *m, const struct chunk *c)
{
	if (c->data.len < IMAGE_HEADER_LEN)
		return IMAGE_RC_SHORT_HEADER;
	if (!c->has_len)
		return IMAGE_RC_NO_LEN;
	if (!begins_well(m, c))
		return IMAGE_RC_BAD_MAGIC;
	return c->sha.len > 32 ? IMAGE_RC_BAD_HASH : 0;
}

static void upload_in_application(struct exchange *x, const struct chunk *c)
{
	struct mcu *m = x->m;

	if (!c->has_off) {
		x->group_rc = IMAGE_RC_NO_OFF;
		return;
	}
	if (c->off == 0) {
		x->group_rc = check_first(m, c);
		if (x->group_rc)
			return;
		if (is_resume(m, c)) {
			answer_off(x, m->upload.off);
			return;
		}
		if (!start_upload(x, c))
			return;
	} else if (!m->upload.open) {
		answer_off(x, 0);
		return;
	}
	if (c->off != m->upload.off)
		answer_off(x, m->upload.off);
	else
		write_chunk(x, c);
}

/* Direct upload: 0 and 1 are the primary of image 0, 2 its secondary, 3 and 4
 * those of image 1. */
static int recovery_slot(const struct mcu *m, uint64_t image)
{
	unsigned slot = image < 2 ? 0 : (unsigned)(image - 1);

	return image > 4 || slot >= 2 * m->flash.images ? -1 : (int)slot;
}

static void upload_in_recovery(struct exchange *x, const struct chunk *c)
{
	struct mcu *m = x->m;
	int slot = recovery_slot(m, c->image);

	if (!c->has_off ||
		(c->off == 0 && (!c->has_len || c->len == 0 || slot < 0 ||
					c->len > m->flash.slot_size))) {
		x->rc = RC_INVALID;
		return;
	}
	if (c->off == 0) {
		m->upload = (struct mcu_upload){.open = true,
			.slot = (uint8_t)slot,
			.len = (uint32_t)c->len};
		m->counts.uploads_started++;
		erase_slot(x, (unsigned)slot);
	}
	if (!m->upload.open)
		answer_off(x, 0);
	else if (c->off != m->upload.off)
		answer_off(x, m->upload.off);
	else
		write_chunk(x, c);
}

/* From here on the server sees what is inside. */
static int unseal_chunk(struct exchange *x, struct chunk *c, uint8_t *room)
{
	const struct unseal *u = &x->m->unseal;

	if (!u->on || x->rc)
		return x->rc;
	if (c->data.len > UNSEAL_PIECE_MAX ||
		unseal_at(u, c->off, c->data, room))
		x->rc = RC_INVALID;
	else
		c->data = bytes_of(room, c->data.len);
	return x->rc;
}

void serve_upload(struct exchange *x)
{
	uint8_t room[UNSEAL_PIECE_MAX];
	struct chunk c = {0};

	if (read_chunk(x, &c))
		return;
	count_arrival(x->m, &c);
	if (disturb(x, &c) || unseal_chunk(x, &c, room))
		return;
	if (x->m->in_recovery)
		upload_in_recovery(x, &c);
	else
		upload_in_application(x, &c);
}
