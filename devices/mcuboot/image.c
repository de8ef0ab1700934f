#include "devices/mcuboot/image.h"

#define AREA_MAGIC 0x6907
#define AREA_MAGIC_PROTECTED 0x6908

enum tlv {
	TLV_SHA256 = 0x10,
	TLV_SHA384 = 0x11,
	TLV_SHA512 = 0x12,
	TLV_SIGNATURE_FIRST = 0x20,
	TLV_SIGNATURE_LAST = 0x24,
	TLV_COUNTER = 0x50,
};

/* HEADER -> BODY -> AREA -> ENTRY -> VALUE | SKIP -> ENTRY ... -> AREA (the
 * unprotected one after the protected one) -> END. BODY and SKIP pass over
 * `skip` bytes, the others collect `part_need` bytes. */
enum state {
	STATE_HEADER,
	STATE_BODY,
	STATE_AREA,
	STATE_ENTRY,
	STATE_VALUE,
	STATE_SKIP,
	STATE_END,
};

bool mcuboot_is_image(struct bytes file)
{
	return file.len >= MCUBOOT_HEADER_LEN &&
		get_le32(file.at) == MCUBOOT_MAGIC;
}

int mcuboot_header_read(struct bytes file, struct mcuboot_header *ret,
	struct fault *f)
{
	struct mcuboot_header h;
	const uint8_t *at = file.at;

	if (file.len < MCUBOOT_HEADER_LEN)
		return fault_set(f, ERR_MCUBOOT_TRUNCATED, 0, "header",
			"must have 32 bytes, has %zu", file.len);
	if (get_le32(at) != MCUBOOT_MAGIC)
		return fault_set(f, ERR_MCUBOOT_MAGIC, 0, "header.magic",
			"must be 96f3b83d, is %08lx",
			(unsigned long)get_le32(at));
	h = (struct mcuboot_header){
		.load_address = get_le32(at + 4),
		.header_size = get_le16(at + 8),
		.protected_size = get_le16(at + 10),
		.image_size = get_le32(at + 12),
		.flags = get_le32(at + 16),
		.version = {at[20], at[21], get_le16(at + 22),
			get_le32(at + 24)},
	};
	if (h.header_size < MCUBOOT_HEADER_LEN)
		return fault_set(f, ERR_MCUBOOT_HEADER, 8, "header.size",
			"must be 32 or more, is %u", h.header_size);
	if (h.protected_size && h.protected_size < 4)
		return fault_set(f, ERR_MCUBOOT_HEADER, 10,
			"header.protected_size", "must be 0 or 4 and more");
	*ret = h;
	return 0;
}

void mcuboot_reader_init(struct mcuboot_reader *r,
	const struct mcuboot_digest *digest)
{
	*r = (struct mcuboot_reader){
		.digest = digest,
		.state = STATE_HEADER,
		.part_need = MCUBOOT_HEADER_LEN,
	};
}

static uint64_t hashed_end(const struct mcuboot_reader *r)
{
	const struct mcuboot_header *h = &r->image.header;

	return (uint64_t)h->header_size + h->image_size + h->protected_size;
}

static void collect(struct mcuboot_reader *r, enum state state, uint8_t need)
{
	r->state = (uint8_t)state;
	r->part_need = need;
	r->part_len = 0;
}

static int take_header(struct mcuboot_reader *r, struct fault *f)
{
	int rc = mcuboot_header_read(bytes_of(r->part, r->part_len),
		&r->image.header, f);

	if (rc)
		return rc;
	mcuboot_version_text(r->image.header.version, r->image.version);
	r->in_protected = r->image.header.protected_size != 0;
	r->state = STATE_BODY;
	return 0;
}

/* Between two entries: is there another one, another area, or nothing? */
static int next_entry(struct mcuboot_reader *r, struct fault *f)
{
	uint64_t left = r->area_end - r->at;

	if (left >= 4) {
		collect(r, STATE_ENTRY, 4);
		return 0;
	}
	if (left)
		return fault_set(f, ERR_MCUBOOT_TLV, r->at, "tlvs",
			"area ends with %u stray bytes", (unsigned)left);
	if (r->in_protected) {
		r->in_protected = false;
		collect(r, STATE_AREA, 4);
		return 0;
	}
	r->image.used_len = r->at;
	r->state = STATE_END;
	return 0;
}

static int take_area(struct mcuboot_reader *r, struct fault *f)
{
	const char *field = r->in_protected ? "protected" : "tlvs";
	unsigned magic = get_le16(r->part);
	unsigned total = get_le16(r->part + 2);
	unsigned want = r->in_protected ? AREA_MAGIC_PROTECTED : AREA_MAGIC;

	if (magic != want)
		return fault_set(f, ERR_MCUBOOT_TLV, r->at - 4, field,
			"area must start with %04x, is %04x", want, magic);
	if (r->in_protected && total != r->image.header.protected_size)
		return fault_set(f, ERR_MCUBOOT_TLV, r->at - 2, field,
			"total must be the header's %u, is %u",
			r->image.header.protected_size, total);
	if (total < 4)
		return fault_set(f, ERR_MCUBOOT_TLV, r->at - 2, field,
			"total must count its own 4 bytes");
	r->area_end = r->at - 4 + total;
	return next_entry(r, f);
}

/* Length of the value to keep, 0 to pass over it, or an error. */
static int entry_keeps(struct mcuboot_reader *r, unsigned type, unsigned len,
	struct fault *f)
{
	unsigned want = 0;

	if (type >= TLV_SHA256 && type <= TLV_SHA512) {
		if (r->in_protected)
			return fault_set(f, ERR_MCUBOOT_TLV, r->at, "protected",
				"the hash must not be in the protected area");
		if (r->image.hash_len)
			return fault_set(f, ERR_MCUBOOT_NO_HASH, r->at, "tlvs",
				"there must be one hash entry only");
		want = type == TLV_SHA256 ? 32 : type == TLV_SHA384 ? 48 : 64;
	} else if (type == TLV_COUNTER && r->in_protected) {
		want = 4;
	}
	if (want && len != want)
		return fault_set(f, ERR_MCUBOOT_TLV, r->at, "tlvs",
			"entry %04x must have %u bytes, has %u", type, want,
			len);
	return (int)want;
}

static int take_entry(struct mcuboot_reader *r, struct fault *f)
{
	unsigned type = get_le16(r->part);
	unsigned len = get_le16(r->part + 2);
	int keep;

	if (++r->entries > MCUBOOT_TLVS_MAX)
		return fault_set(f, ERR_MCUBOOT_TLV, r->at, "tlvs",
			"more than %d entries", MCUBOOT_TLVS_MAX);
	if (len > r->area_end - r->at)
		return fault_set(f, ERR_MCUBOOT_TLV, r->at, "tlvs",
			"entry %04x runs past the end of its area", type);
	if (type >= TLV_SIGNATURE_FIRST && type <= TLV_SIGNATURE_LAST)
		r->image.is_signed = true;
	keep = entry_keeps(r, type, len, f);
	if (keep < 0)
		return keep;
	r->entry_type = (uint16_t)type;
	if (keep) {
		collect(r, STATE_VALUE, (uint8_t)keep);
	} else {
		r->state = STATE_SKIP;
		r->skip = len;
	}
	return 0;
}

static void take_value(struct mcuboot_reader *r)
{
	if (r->entry_type == TLV_COUNTER) {
		r->image.has_counter = true;
		r->image.counter = get_le32(r->part);
	} else {
		memcpy(r->image.hash, r->part, r->part_len);
		r->image.hash_len = r->part_len;
	}
}

static int digest_add(struct mcuboot_reader *r, struct bytes part)
{
	if (!r->digest)
		return 0;
	return r->digest->add(r->digest->arg, part);
}

/* Bytes of the file from r->at on; the header is hashed with them, since its
 * size, and so the end of what is hashed, is at least its 32 bytes. */
static int hash_piece(struct mcuboot_reader *r, struct bytes piece)
{
	uint64_t end = r->state == STATE_HEADER ? MCUBOOT_HEADER_LEN :
		hashed_end(r);

	if (r->at >= end || piece.len == 0)
		return 0;
	if (piece.len > end - r->at)
		piece.len = (size_t)(end - r->at);
	return digest_add(r, piece);
}

/* A collected part is whole. */
static int part_done(struct mcuboot_reader *r, struct fault *f)
{
	switch ((enum state)r->state) {
	case STATE_HEADER:
		return take_header(r, f);
	case STATE_AREA:
		return take_area(r, f);
	case STATE_ENTRY:
		return take_entry(r, f);
	case STATE_VALUE:
		take_value(r);
		return next_entry(r, f);
	case STATE_BODY:
	case STATE_SKIP:
	case STATE_END:
		break;
	}
	return 0;
}

/* How many bytes the present state takes at once. */
static uint64_t wanted(const struct mcuboot_reader *r)
{
	const struct mcuboot_header *h = &r->image.header;

	switch ((enum state)r->state) {
	case STATE_BODY:
		return (uint64_t)h->header_size + h->image_size - r->at;
	case STATE_SKIP:
		return r->skip;
	case STATE_HEADER:
	case STATE_AREA:
	case STATE_ENTRY:
	case STATE_VALUE:
		return (uint64_t)r->part_need - r->part_len;
	case STATE_END:
		return UINT64_MAX;
	}
	return 0;
}

static int take_piece(struct mcuboot_reader *r, struct bytes piece,
	struct fault *f)
{
	int rc = hash_piece(r, piece);

	if (rc)
		return fault_set(f, rc, r->at, "image", "digest failed");
	r->at += piece.len;
	switch ((enum state)r->state) {
	case STATE_BODY:
		if (wanted(r) == 0)
			collect(r, STATE_AREA, 4);
		return 0;
	case STATE_SKIP:
		r->skip -= (uint32_t)piece.len;
		return r->skip ? 0 : next_entry(r, f);
	case STATE_HEADER:
	case STATE_AREA:
	case STATE_ENTRY:
	case STATE_VALUE:
		memcpy(r->part + r->part_len, piece.at, piece.len);
		r->part_len = (uint8_t)(r->part_len + piece.len);
		return r->part_len == r->part_need ? part_done(r, f) : 0;
	case STATE_END:
		break;
	}
	return 0;
}

int mcuboot_reader_add(struct mcuboot_reader *r, struct bytes part,
	struct fault *f)
{
	while (!r->err) {
		uint64_t want = wanted(r);
		struct bytes piece = bytes_slice(part, 0,
			want > part.len ? part.len : (size_t)want);

		/* A state that wants nothing passes on by an empty piece. */
		if (piece.len == 0 && want != 0)
			break;
		r->err = take_piece(r, piece, f);
		part = bytes_slice(part, piece.len, part.len);
	}
	return r->err;
}

static int check_hash(struct mcuboot_reader *r, struct fault *f)
{
	const struct mcuboot_image *image = &r->image;
	uint32_t opaque = MCUBOOT_ENCRYPTED_128 | MCUBOOT_ENCRYPTED_256 |
		MCUBOOT_COMPRESSED;
	uint8_t hash[32];
	int rc;

	if (!r->digest)
		return 0;
	rc = r->digest->finish(r->digest->arg, hash);
	if (rc)
		return fault_set(f, rc, r->at, "image", "digest failed");
	if (image->hash_len != 32 || (image->header.flags & opaque))
		return 0;
	if (memcmp(hash, image->hash, 32) != 0)
		return fault_set(f, ERR_MCUBOOT_HASH, 0, "tlvs.sha256",
			"must be the SHA-256 of header, image and protected "
			"area");
	r->image.hash_checked = true;
	return 0;
}

int mcuboot_reader_finish(struct mcuboot_reader *r, struct mcuboot_image *ret,
	struct fault *f)
{
	if (!r->err && r->state != STATE_END)
		r->err = fault_set(f, ERR_MCUBOOT_TRUNCATED, r->at, "image",
			"ends before its last TLV");
	if (!r->err && r->image.hash_len == 0)
		r->err = fault_set(f, ERR_MCUBOOT_NO_HASH, r->at, "tlvs",
			"there must be one hash entry");
	if (!r->err)
		r->err = check_hash(r, f);
	if (!r->err && ret)
		*ret = r->image;
	return r->err;
}
