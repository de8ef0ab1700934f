#include "devices/smp/codec.h"

#include "base/cbor.h"
#include "base/cbor_out.h"

#include <stdio.h>

int smp_header_read(struct bytes message, struct smp_header *ret,
	struct bytes *ret_body)
{
	const uint8_t *at = message.at;

	if (message.len < SMP_HEADER_LEN ||
			get_be16(at + 2) != message.len - SMP_HEADER_LEN)
		return ERR_SMP_ANSWER;
	*ret = (struct smp_header){
		.version = at[0] >> 3 & 3,
		.op = at[0] & 7,
		.group = get_be16(at + 4),
		.seq = at[6],
		.id = at[7],
	};
	*ret_body = bytes_slice(message, SMP_HEADER_LEN, message.len);
	return 0;
}

static void begin(struct buf *b, const struct smp_header *h)
{
	uint8_t raw[SMP_HEADER_LEN] = {
		(uint8_t)(h->version << 3 | h->op), 0, 0, 0, 0, 0, h->seq, h->id,
	};

	put_be16(raw + 4, h->group);
	buf_reset(b);
	buf_add(b, raw, sizeof(raw));
}

static void end(struct buf *b)
{
	if (!b->err)
		put_be16(b->at + 2, (uint16_t)(b->len - SMP_HEADER_LEN));
}

void smp_put_plain(struct buf *b, const struct smp_header *h)
{
	begin(b, h);
	cbor_put_map(b, 0);
	end(b);
}

void smp_put_echo(struct buf *b, const struct smp_header *h, size_t len)
{
	uint8_t head[9];

	begin(b, h);
	cbor_put_map(b, 1);
	cbor_put_tstr(b, "d");
	buf_add(b, head, cbor_head(head, 3, len));
	for (size_t i = 0; i < len; i++)
		buf_add(b, "f", 1);
	end(b);
}

void smp_put_mode(struct buf *b, const struct smp_header *h)
{
	begin(b, h);
	cbor_put_map(b, 1);
	cbor_put_tstr(b, "query");
	cbor_put_tstr(b, "mode");
	end(b);
}

void smp_put_reset(struct buf *b, const struct smp_header *h, bool force)
{
	begin(b, h);
	cbor_put_map(b, force ? 1 : 0);
	if (force) {
		cbor_put_tstr(b, "force");
		cbor_put_bool(b, true);
	}
	end(b);
}

void smp_put_state(struct buf *b, const struct smp_header *h,
	struct bytes hash, bool confirm)
{
	begin(b, h);
	cbor_put_map(b, hash.len ? 2 : 1);
	if (hash.len) {
		cbor_put_tstr(b, "hash");
		cbor_put_bstr(b, hash);
	}
	cbor_put_tstr(b, "confirm");
	cbor_put_bool(b, confirm);
	end(b);
}

/* Everything of the body but the data. Servers take keys in any order; the
 * first request has them in the order that mcumgr clients use. */
static void put_chunk_keys(struct buf *b, const struct smp_chunk *c)
{
	bool with_image = c->first && c->image >= 0;
	bool with_sha = c->first && c->sha.len;
	bool with_upgrade = c->first && c->upgrade;

	cbor_put_map(b, 2 + (c->first ? 1 : 0) + with_image + with_sha +
		with_upgrade);
	if (with_image) {
		cbor_put_tstr(b, "image");
		cbor_put_uint(b, (uint64_t)c->image);
	}
	if (c->first) {
		cbor_put_tstr(b, "len");
		cbor_put_uint(b, c->len);
	}
	cbor_put_tstr(b, "off");
	cbor_put_uint(b, c->off);
	if (with_sha) {
		cbor_put_tstr(b, "sha");
		cbor_put_bstr(b, c->sha);
	}
	if (with_upgrade) {
		cbor_put_tstr(b, "upgrade");
		cbor_put_bool(b, true);
	}
	cbor_put_tstr(b, "data");
}

void smp_put_upload(struct buf *b, const struct smp_header *h,
	const struct smp_chunk *c)
{
	begin(b, h);
	put_chunk_keys(b, c);
	cbor_put_bstr(b, c->data);
	end(b);
}

static size_t uint_len(uint64_t value)
{
	uint8_t head[9];

	return cbor_head(head, 0, value);
}

size_t smp_upload_room(const struct smp_chunk *c, size_t max_message)
{
	size_t used = SMP_HEADER_LEN + 1 + 4 + uint_len(c->off) + 5;
	size_t room;

	if (c->first) {
		used += 4 + uint_len(c->len);
		if (c->image >= 0)
			used += 6 + uint_len((uint64_t)c->image);
		if (c->sha.len)
			used += 4 + uint_len(c->sha.len) + c->sha.len;
		if (c->upgrade)
			used += 9;
	}
	if (max_message <= used)
		return 0;
	room = max_message - used;
	/* The head of the data grows with it. */
	for (size_t head = 1; head <= 5; head += head < 3 ? 1 : 2) {
		size_t limit = head == 1 ? 23 : head == 2 ? 0xff :
			head == 3 ? 0xffff : 0xffffffff;

		if (room <= head)
			return 0;
		if (room - head <= limit)
			return room - head;
		if (room - head == limit + 1)
			return limit;
	}
	return 0;
}

static int bad(struct fault *f, const struct cbor *r, const char *key)
{
	return fault_set(f, ERR_SMP_ANSWER, cbor_offset(r), key, "%s",
		r->err ? err_text(r->err) : "must be of the right type");
}

static int read_error(struct cbor *r, struct smp_status *status)
{
	struct cbor_list map;
	struct bytes key;
	uint64_t group = 0;
	int64_t rc = 0;

	if (cbor_map(r, &map))
		return r->err;
	while (cbor_next(r, &map)) {
		if (cbor_peek(r) != CBOR_TSTR) {
			cbor_skip(r, NULL);
			cbor_skip(r, NULL);
			continue;
		}
		cbor_tstr(r, &key);
		if (bytes_is_text(key, "group"))
			cbor_uint(r, &group);
		else if (bytes_is_text(key, "rc"))
			cbor_int(r, &rc);
		else
			cbor_skip(r, NULL);
	}
	if (!r->err && rc != 0) {
		status->failed = true;
		status->group = group > UINT16_MAX ? UINT16_MAX :
			(int32_t)group;
		status->rc = rc;
	}
	return r->err;
}

static void read_u32(struct cbor *r, uint32_t *ret)
{
	uint64_t value;

	if (cbor_uint(r, &value) == 0)
		*ret = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static void read_hash(struct cbor *r, struct smp_slot *slot)
{
	struct bytes hash;

	if (cbor_bstr(r, &hash))
		return;
	if (hash.len > sizeof(slot->hash)) {
		cbor_fail(r, ERR_CBOR_RANGE);
		return;
	}
	if (hash.len)
		memcpy(slot->hash, hash.at, hash.len);
	slot->hash_len = (uint8_t)hash.len;
}

static void read_slot_key(struct cbor *r, struct bytes key,
	struct smp_slot *slot)
{
	struct bytes text;

	if (bytes_is_text(key, "image"))
		read_u32(r, &slot->image);
	else if (bytes_is_text(key, "slot"))
		read_u32(r, &slot->slot);
	else if (bytes_is_text(key, "version") && cbor_tstr(r, &text) == 0)
		bytes_to_printable(text, slot->version, sizeof(slot->version));
	else if (bytes_is_text(key, "hash"))
		read_hash(r, slot);
	else if (bytes_is_text(key, "bootable"))
		cbor_bool(r, &slot->bootable);
	else if (bytes_is_text(key, "pending"))
		cbor_bool(r, &slot->pending);
	else if (bytes_is_text(key, "confirmed"))
		cbor_bool(r, &slot->confirmed);
	else if (bytes_is_text(key, "active"))
		cbor_bool(r, &slot->active);
	else if (bytes_is_text(key, "permanent"))
		cbor_bool(r, &slot->permanent);
	else if (!bytes_is_text(key, "version"))
		cbor_skip(r, NULL);
}

static void read_images(struct cbor *r, struct smp_answer *a)
{
	struct cbor_list list, map;
	struct bytes key;

	if (cbor_array(r, &list))
		return;
	a->has_images = true;
	while (cbor_next(r, &list)) {
		struct smp_slot slot = {0};

		if (cbor_map(r, &map))
			return;
		while (cbor_next(r, &map)) {
			if (cbor_peek(r) == CBOR_TSTR) {
				cbor_tstr(r, &key);
				read_slot_key(r, key, &slot);
			} else {
				cbor_skip(r, NULL);
				cbor_skip(r, NULL);
			}
		}
		if (a->slot_count < SMP_SLOTS_MAX)
			a->slots[a->slot_count++] = slot;
	}
}

static void read_flat_rc(struct cbor *r, struct smp_answer *a)
{
	int64_t rc = 0;

	if (cbor_int(r, &rc))
		return;
	if (rc == 0) {
		a->has_rc = true;
	} else if (!a->status.failed) {
		a->status.failed = true;
		a->status.group = -1;
		a->status.rc = rc;
	}
}

/* False: not a key of ours. */
static bool read_status_key(struct cbor *r, struct bytes key,
	struct smp_answer *a)
{
	struct bytes text;

	if (bytes_is_text(key, "rc")) {
		read_flat_rc(r, a);
	} else if (bytes_is_text(key, "rsn")) {
		if (cbor_peek(r) != CBOR_TSTR)
			return false;
		if (cbor_tstr(r, &text) == 0)
			bytes_to_printable(text, a->status.reason,
				sizeof(a->status.reason));
	} else if (bytes_is_text(key, "err") ||
			(bytes_is_text(key, "ret") &&
			 cbor_peek(r) == CBOR_MAP)) {
		read_error(r, &a->status);
	} else {
		return false;
	}
	return true;
}

static void read_key(struct cbor *r, struct bytes key, struct smp_answer *a)
{
	if (read_status_key(r, key, a))
		return;
	if (bytes_is_text(key, "off"))
		a->has_off = cbor_uint(r, &a->off) == 0;
	else if (bytes_is_text(key, "match"))
		a->has_match = cbor_bool(r, &a->match) == 0;
	else if (bytes_is_text(key, "buf_size"))
		a->has_buf_size = cbor_uint(r, &a->buf_size) == 0;
	else if (bytes_is_text(key, "buf_count"))
		cbor_uint(r, &a->buf_count);
	else if (bytes_is_text(key, "mode"))
		a->has_mode = cbor_int(r, &a->mode) == 0;
	else if (bytes_is_text(key, "r"))
		cbor_tstr(r, &a->echo);
	else if (bytes_is_text(key, "images"))
		read_images(r, a);
	else
		cbor_skip(r, NULL);
}

int smp_answer_read(struct bytes body, struct smp_answer *ret, struct fault *f)
{
	char name[24] = "body";
	struct cbor_list map;
	struct bytes key;
	struct cbor r;

	*ret = (struct smp_answer){.buf_count = 1};
	cbor_init(&r, body, CBOR_WIRE);
	if (cbor_map(&r, &map))
		return bad(f, &r, name);
	while (cbor_next(&r, &map)) {
		if (cbor_peek(&r) != CBOR_TSTR) {
			cbor_skip(&r, NULL);
			cbor_skip(&r, NULL);
			continue;
		}
		cbor_tstr(&r, &key);
		bytes_to_printable(key, name, sizeof(name));
		read_key(&r, key, ret);
		if (r.err)
			return bad(f, &r, name);
	}
	if (r.err || cbor_done(&r))
		return bad(f, &r, name);
	return 0;
}

static const char *const general_texts[] = {
	"ok", "unknown error", "no memory", "invalid value", "time-out",
	"no such entry", "bad state", "message too large", "not supported",
	"corrupt", "busy", "access denied", "version too old",
	"version too new",
};

static const char *const image_texts[] = {
	"ok", "unknown error", "flash query failed", "no image", "no TLVs",
	"invalid TLV", "several hash TLVs", "TLV size", "hash not found",
	"no free slot", "flash open failed", "flash read failed",
	"flash write failed", "flash erase failed", "invalid slot",
	"no memory", "flash context already set", "flash context not set",
	"no flash device", "page offset", "no off", "no len",
	"header too short", "header magic", "invalid hash",
	"flash address does not match", "no running version",
	"running version is newer or same", "already pending",
	"bad vector table", "image too large", "data beyond len",
	"confirmation denied", "test of the active slot",
	"active slot unknown",
};

#define COUNT(texts) (sizeof(texts) / sizeof((texts)[0]))

static enum smp_verdict judge_general(int64_t rc)
{
	switch (rc) {
	case 2:
		return SMP_NO_MEMORY;
	case 4:
		return SMP_TIMED_OUT;
	case 6:
		return SMP_BAD_STATE;
	case 7:
	case 9:
		return SMP_TOO_LARGE;
	case 8:
		return SMP_UNSUPPORTED;
	case 10:
		return SMP_BUSY;
	case 11:
		return SMP_REFUSED;
	case 12:
		return SMP_VERSION_OLD;
	case 13:
		return SMP_VERSION_NEW;
	}
	return SMP_OTHER;
}

static enum smp_verdict judge_image(int64_t rc)
{
	switch (rc) {
	case 9:
		return SMP_NO_SLOT;
	case 27:
		return SMP_DOWNGRADE;
	case 28:
		return SMP_IS_PENDING;
	case 33:
		return SMP_TEST_ACTIVE;
	case 22:
	case 23:
	case 24:
	case 25:
	case 29:
	case 30:
	case 31:
		return SMP_REFUSED;
	}
	return SMP_OTHER;
}

enum smp_verdict smp_status_judge(const struct smp_status *status)
{
	if (!status->failed)
		return SMP_OK;
	if (status->group < 0)
		return judge_general(status->rc);
	if (status->group == SMP_GROUP_IMAGE)
		return judge_image(status->rc);
	/* A hook of the application may refuse a reset in the name of the os
	 * group, with the number of the general table. */
	return status->rc == 10 ? SMP_BUSY : SMP_OTHER;
}

char *smp_status_text(const struct smp_status *status, char *text, size_t size)
{
	const char *meaning = "";
	char group[24] = "";

	if (status->group < 0 && status->rc >= 0 &&
			status->rc < (int64_t)COUNT(general_texts))
		meaning = general_texts[status->rc];
	if (status->group == SMP_GROUP_IMAGE && status->rc >= 0 &&
			status->rc < (int64_t)COUNT(image_texts))
		meaning = image_texts[status->rc];
	if (status->group >= 0)
		snprintf(group, sizeof(group), "group %ld ",
			(long)status->group);
	snprintf(text, size, "%src %lld%s%s%s%s", group,
		(long long)status->rc, *meaning ? " " : "", meaning,
		status->reason[0] ? ": " : "", status->reason);
	return text;
}
