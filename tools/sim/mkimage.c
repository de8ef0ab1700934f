#include "tools/sim/mkimage.h"

#include <errno.h>

#include "tools/sim/sha.h"
#include "tools/sim/trailer.h"

#define PIECE 4096

struct out {
	mkimage_sink sink;
	void *arg;
	struct sha sha;
	bool hashing;
	int err;
};

static void out_put(struct out *o, const void *at, size_t len)
{
	if (o->err || len == 0)
		return;
	if (o->hashing)
		sha_add(&o->sha, at, len);
	o->err = o->sink(o->arg, at, len);
}

static uint32_t header_len(const struct mkimage *m)
{
	return m->header_len ? m->header_len : IMAGE_HEADER_LEN;
}

static uint16_t protected_len(const struct mkimage *m)
{
	unsigned n = (m->has_hw ? 8u : 0) + (m->has_counter ? 8u : 0);

	return (uint16_t)(n ? n + 4 : 0);
}

static uint64_t image_len(const struct mkimage *m)
{
	return (uint64_t)header_len(m) + m->payload_len + protected_len(m) + 4 +
	       (m->no_hash ? 0 : 4 + IMAGE_HASH_LEN);
}

uint64_t mkimage_len(const struct mkimage *m)
{
	return m->pad_to ? m->pad_to : image_len(m);
}

static void put_header(struct out *o, const struct mkimage *m)
{
	static const uint8_t zero[64];
	uint8_t h[IMAGE_HEADER_LEN] = {0};
	uint32_t rest = header_len(m) - IMAGE_HEADER_LEN;

	put_le32(h, m->bad_magic ? ~IMAGE_MAGIC : IMAGE_MAGIC);
	put_le32(h + 4, m->load_address);
	put_le16(h + 8, (uint16_t)header_len(m));
	put_le16(h + 10, protected_len(m));
	put_le32(h + 12, m->payload_len);
	put_le32(h + 16, m->flags);
	h[20] = m->version.major;
	h[21] = m->version.minor;
	put_le16(h + 22, m->version.revision);
	put_le32(h + 24, m->version.build);
	out_put(o, h, sizeof(h));
	while (rest > 0) {
		uint32_t n = rest < sizeof(zero) ? rest : sizeof(zero);

		out_put(o, zero, n);
		rest -= n;
	}
}

/* splitmix64: a byte stream that is a pure function of seed and place. */
static uint64_t noise_at(uint64_t seed, uint64_t index)
{
	uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint8_t payload_byte(const struct mkimage *m, uint32_t at)
{
	if (m->seed == 0)
		return (uint8_t)at;
	return (uint8_t)(noise_at(m->seed, at / 8) >> 8 * (at % 8));
}

static void put_payload(struct out *o, const struct mkimage *m)
{
	uint8_t piece[PIECE];

	for (uint32_t at = 0; at < m->payload_len && !o->err;) {
		uint32_t n = m->payload_len - at;

		if (n > PIECE)
			n = PIECE;
		for (uint32_t i = 0; i < n; i++)
			piece[i] = payload_byte(m, at + i);
		out_put(o, piece, n);
		at += n;
	}
}

static void put_area(struct out *o, uint16_t magic, uint16_t len)
{
	uint8_t head[4];

	put_le16(head, magic);
	put_le16(head + 2, len);
	out_put(o, head, 4);
}

static void put_entry(
	struct out *o, uint16_t type, const void *at, uint16_t len)
{
	put_area(o, type, len);
	out_put(o, at, len);
}

static void put_entry_u32(struct out *o, uint16_t type, uint32_t value)
{
	uint8_t raw[4];

	put_le32(raw, value);
	put_entry(o, type, raw, 4);
}

static void put_padding(struct out *o, const struct mkimage *m)
{
	uint8_t piece[FLASH_SECTOR];
	uint64_t at = image_len(m);

	memset(piece, 0xff, sizeof(piece));
	while (m->pad_to - at > TRAILER_LEN && !o->err) {
		uint64_t n = m->pad_to - TRAILER_LEN - at;

		if (n > sizeof(piece))
			n = sizeof(piece);
		out_put(o, piece, (size_t)n);
		at += n;
	}
	trailer_encode(
		&(struct trailer){.magic_good = true, .image_ok = m->confirmed},
		piece);
	out_put(o, piece, TRAILER_LEN);
}

static bool sizes_make_sense(const struct mkimage *m)
{
	return header_len(m) >= IMAGE_HEADER_LEN && header_len(m) <= 0xffff &&
	       m->payload_len <= FLASH_SLOT_SIZE_MAX &&
	       (m->pad_to == 0 ||
		       (m->pad_to <= FLASH_SLOT_SIZE_MAX &&
			       m->pad_to >= image_len(m) + TRAILER_LEN));
}

int mkimage_write(const struct mkimage *m, mkimage_sink sink, void *arg,
	uint8_t ret_hash[IMAGE_HASH_LEN])
{
	struct out o = {.sink = sink, .arg = arg, .hashing = true};
	uint8_t hash[IMAGE_HASH_LEN] = {0};

	if (!sizes_make_sense(m))
		return -EINVAL;
	sha_init(&o.sha);
	put_header(&o, m);
	put_payload(&o, m);
	if (protected_len(m) != 0)
		put_area(&o, IMAGE_TLV_PROTECTED_MAGIC, protected_len(m));
	if (m->has_counter)
		put_entry_u32(&o, IMAGE_TLV_COUNTER, m->counter);
	if (m->has_hw)
		put_entry_u32(&o, IMAGE_TLV_HW, m->hw);
	o.hashing = false;
	if (!sha_end(&o.sha, hash) && !o.err)
		o.err = -EIO;
	if (ret_hash)
		memcpy(ret_hash, hash, sizeof(hash));
	if (m->bad_hash)
		hash[0] ^= 1;
	put_area(&o, IMAGE_TLV_MAGIC, m->no_hash ? 4 : 8 + IMAGE_HASH_LEN);
	if (!m->no_hash)
		put_entry(&o, IMAGE_TLV_SHA256, hash, sizeof(hash));
	if (m->pad_to != 0)
		put_padding(&o, m);
	return o.err;
}
