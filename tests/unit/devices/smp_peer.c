#include "tests/unit/devices/smp_peer.h"

#include "base/cbor.h"
#include "base/cbor_out.h"

#include <check.h>

struct request {
	struct smp_header h;
	bool has_off, has_len, confirm, force;
	uint64_t off, len, image;
	struct bytes data, sha, hash, text;
};

void peer_init(struct peer *p)
{
	p->buf_size = 384;
	p->buf_count = 4;
	p->mode = 1;
	p->boot_ms = 1000;
	p->rewind_by = 64;
	p->images = 1;
	p->slot[0] = (struct peer_slot){.here = true, .confirmed = true,
		.version = "1.0.0", .hash = {0x11}};
	p->slot[2] = (struct peer_slot){.here = true, .confirmed = true,
		.version = "3.0.0", .hash = {0x33}};
	p->active[1] = 2;
}

static void read_request(struct bytes message, struct request *q)
{
	struct cbor_list map;
	struct bytes body, key;
	struct cbor r;

	*q = (struct request){0};
	ck_assert_int_eq(smp_header_read(message, &q->h, &body), 0);
	cbor_init(&r, body, CBOR_COSE);
	cbor_map(&r, &map);
	while (cbor_next(&r, &map)) {
		cbor_tstr(&r, &key);
		if (bytes_is_text(key, "off"))
			q->has_off = cbor_uint(&r, &q->off) == 0;
		else if (bytes_is_text(key, "len"))
			q->has_len = cbor_uint(&r, &q->len) == 0;
		else if (bytes_is_text(key, "image"))
			cbor_uint(&r, &q->image);
		else if (bytes_is_text(key, "data"))
			cbor_bstr(&r, &q->data);
		else if (bytes_is_text(key, "sha"))
			cbor_bstr(&r, &q->sha);
		else if (bytes_is_text(key, "hash"))
			cbor_bstr(&r, &q->hash);
		else if (bytes_is_text(key, "confirm"))
			cbor_bool(&r, &q->confirm);
		else if (bytes_is_text(key, "force"))
			cbor_bool(&r, &q->force);
		else if (bytes_is_text(key, "d"))
			cbor_tstr(&r, &q->text);
		else
			cbor_skip(&r, NULL);
	}
	ck_assert_int_eq(cbor_done(&r), 0);
}

/* Body writers: a map of `pairs`, in the server's style. */
static void map_begin(struct peer *p, struct buf *b, unsigned pairs)
{
	if (p->odd_cbor) {
		buf_add(b, "\xbf", 1);
		cbor_put_tstr(b, "zz");
		buf_add(b, "\x9f\x01\x61x\xff", 5);
		cbor_put_tstr(b, "rc");
		cbor_put_uint(b, 0);
		return;
	}
	cbor_put_map(b, pairs + p->flat);
	if (p->flat) {
		cbor_put_tstr(b, "rc");
		cbor_put_uint(b, 0);
	}
}

static void map_end(struct peer *p, struct buf *b)
{
	if (p->odd_cbor)
		buf_add(b, "\xff", 1);
}

static void put_flat(struct buf *b, int64_t rc)
{
	cbor_put_map(b, 1);
	cbor_put_tstr(b, "rc");
	cbor_put_int(b, rc);
}

static void put_error(struct peer *p, struct buf *b, unsigned group, int64_t rc)
{
	if (p->flat || p->only_version == 1) {
		put_flat(b, rc == 9 || rc == 27 || rc == 28 ? 6 :
			rc == 22 || rc == 24 ? 3 : 1);
		return;
	}
	cbor_put_map(b, 1);
	cbor_put_tstr(b, p->ret_map ? "ret" : "err");
	cbor_put_map(b, 2);
	cbor_put_tstr(b, "group");
	cbor_put_uint(b, group);
	cbor_put_tstr(b, "rc");
	cbor_put_int(b, rc);
}

static void put_flag(struct peer *p, struct buf *b, const char *name, bool is)
{
	if (p->frugal && !is)
		return;
	cbor_put_tstr(b, name);
	cbor_put_bool(b, is);
}

static void put_slot(struct peer *p, struct buf *b, unsigned i)
{
	const struct peer_slot *s = &p->slot[i];
	bool active = p->active[i / 2] == i;

	buf_add(b, "\xbf", 1);
	put_flag(p, b, "active", active);
	if (p->images > 1) {
		cbor_put_tstr(b, "image");
		cbor_put_uint(b, i / 2);
	}
	cbor_put_tstr(b, "slot");
	cbor_put_uint(b, i % 2);
	cbor_put_tstr(b, "hash");
	cbor_put_bstr(b, bytes_of(s->hash, 32));
	cbor_put_tstr(b, "version");
	cbor_put_tstr(b, s->version);
	put_flag(p, b, "bootable", true);
	put_flag(p, b, "pending", s->pending);
	put_flag(p, b, "confirmed", s->confirmed);
	put_flag(p, b, "permanent", s->permanent);
	buf_add(b, "\xff", 1);
}

static void put_state(struct peer *p, struct buf *b)
{
	map_begin(p, b, p->frugal ? 1 : 2);
	if (!p->frugal) {
		cbor_put_tstr(b, "splitStatus");
		cbor_put_uint(b, 0);
	}
	cbor_put_tstr(b, "images");
	buf_add(b, "\x9f", 1);
	for (unsigned i = 0; i < 2 * p->images; i++)
		if (p->slot[i].here)
			put_slot(p, b, i);
	buf_add(b, "\xff", 1);
	map_end(p, b);
}

static void put_off(struct peer *p, struct buf *b, uint64_t off, bool last)
{
	bool with_match = last && p->match;

	map_begin(p, b, with_match ? 2 : 1);
	if (with_match) {
		cbor_put_tstr(b, "match");
		cbor_put_bool(b, p->match == 1);
		if (p->match > 1)
			p->match--;
	}
	cbor_put_tstr(b, "off");
	cbor_put_uint(b, off);
	map_end(p, b);
}

static void finish_upload(struct peer *p)
{
	unsigned to = 2 * p->upload_image + (p->in_place ? 0 : 1);
	struct peer_slot *s = &p->slot[to];

	if (!p->in_place)
		ck_assert_uint_ne(p->active[p->upload_image], to);
	*s = (struct peer_slot){.here = true, .version = "2.0.0"};
	memcpy(s->hash, p->head + 32, 32);
	if (p->in_place)
		s->confirmed = true;
	if (p->mode == 4)
		s->pending = s->permanent = true;
	p->open = false;
}

static void take_data(struct peer *p, const struct request *q)
{
	struct bytes data = q->data;

	if (p->align > 1 && p->off + data.len < p->len)
		data.len -= (size_t)((p->off + data.len) % p->align);
	for (size_t i = 0; i < data.len; i++) {
		uint64_t at = p->off + i;

		if (at >= p->image_len || p->image[at] != data.at[i])
			p->bad_bytes++;
		if (at < sizeof(p->head))
			p->head[at] = data.at[i];
	}
	p->off += data.len;
}

static bool first_upload(struct peer *p, const struct request *q,
	struct buf *b, int64_t *at_ms)
{
	struct peer_slot *other = &p->slot[2 * q->image + 1];

	p->firsts++;
	p->with_sha += q->sha.len != 0;
	ck_assert(q->has_len);
	ck_assert_uint_ge(q->data.len, 32);
	if (p->upload_err || p->upload_rc) {
		if (p->upload_rc)
			put_flat(b, p->upload_rc);
		else
			put_error(p, b, 1, p->upload_err);
		return true;
	}
	if (!p->in_place && !p->slot[p->active[q->image]].confirmed) {
		put_error(p, b, 1, 9);
		return true;
	}
	if (p->open && q->sha.len && !p->in_place &&
			bytes_equal(q->sha, bytes_of(p->sha, 32))) {
		put_off(p, b, p->off, false);
		return true;
	}
	*at_ms += p->erase_ms;
	p->open = true;
	p->off = 0;
	p->len = q->len;
	p->upload_image = (unsigned)q->image;
	other->here = false;
	if (q->sha.len == 32)
		memcpy(p->sha, q->sha.at, 32);
	else
		memset(p->sha, 0, 32);
	return false;
}

/* Faults in mid-upload. True: the answer is written. */
static bool upload_fault(struct peer *p, const struct request *q,
	struct buf *b)
{
	if (p->busy && p->busy--) {
		put_flat(b, 10);
		return true;
	}
	if (p->no_memory && p->no_memory--) {
		put_flat(b, 2);
		return true;
	}
	if (p->foreign_at && q->off >= p->foreign_at) {
		put_off(p, b, p->image_len - 1, false);
		return true;
	}
	if (p->restarts && q->off >= p->restart_at) {
		p->restarts--;
		p->open = false;
	}
	if (p->rewind_at && p->off >= p->rewind_at) {
		p->off -= p->rewind_by;
		p->rewind_at = 0;
	}
	return false;
}

static void upload(struct peer *p, const struct request *q, struct buf *b,
	int64_t *at_ms)
{
	p->uploads++;
	p->payload += q->data.len;
	ck_assert(q->has_off);
	if (upload_fault(p, q, b))
		return;
	if (q->off == 0 && first_upload(p, q, b, at_ms))
		return;
	if (!p->open) {
		put_off(p, b, 0, false);
		return;
	}
	if (q->off == p->off)
		take_data(p, q);
	if (p->off == p->len) {
		put_off(p, b, p->off, true);
		finish_upload(p);
		return;
	}
	put_off(p, b, p->off, false);
}

static void mark(struct peer *p, const struct request *q, struct buf *b)
{
	p->marks++;
	if (p->no_mark) {
		put_flat(b, 8);
		return;
	}
	if (p->mark_err) {
		put_error(p, b, 1, p->mark_err);
		return;
	}
	for (unsigned i = 0; i < 2 * p->images; i++) {
		struct peer_slot *s = &p->slot[i];

		if (!s->here || !bytes_equal(q->hash, bytes_of(s->hash, 32)))
			continue;
		if (p->active[i / 2] == i && !q->confirm) {
			put_error(p, b, 1, 33);
			return;
		}
		if (p->active[i / 2] == i) {
			s->confirmed = true;
		} else {
			s->pending = true;
			s->permanent = q->confirm;
		}
		put_state(p, b);
		return;
	}
	put_error(p, b, 1, 8);
}

static void state_write(struct peer *p, const struct request *q, struct buf *b)
{
	p->writes++;
	if (q->hash.len) {
		mark(p, q, b);
		return;
	}
	ck_assert(q->confirm);
	p->confirms++;
	p->slot[p->active[0]].confirmed = true;
	put_state(p, b);
}

/* MCUboot's decisions at the next boot, for one image. */
static void boot(struct peer *p, unsigned image)
{
	struct peer_slot *run = &p->slot[2 * image];
	struct peer_slot *other = &p->slot[2 * image + 1];
	struct peer_slot old = *run;

	if (other->here && other->pending && p->refuses_boot) {
		other->here = false;
		return;
	}
	if (other->here && other->pending && p->mode == 4) {
		other->pending = other->permanent = false;
		other->confirmed = true;
		p->active[image] = 2 * image + 1;
		return;
	}
	if (other->here && other->pending) {
		*run = *other;
		run->confirmed = other->permanent;
		run->pending = run->permanent = false;
		*other = old;
		other->here = !p->overwrite;
		if (p->overwrite)
			run->confirmed = true;
		if (p->other_boot)
			run->hash[0] ^= 0xff;
		if (p->reverts) {
			old = *run;
			*run = *other;
			*other = old;
			run->confirmed = true;
			other->confirmed = false;
		}
	} else if (!run->confirmed && other->here) {
		*run = *other;
		*other = old;
		run->confirmed = true;
	}
}

void peer_restart(struct peer *p, int64_t now_ms)
{
	p->resets++;
	p->open = false;
	p->away_until_ms = now_ms + 250 + p->boot_ms;
	for (unsigned i = 0; i < p->images; i++)
		boot(p, i);
	if (p->dies_at_reset)
		p->is_away = true;
	if (p->forgets_state_after_reset)
		p->no_state = true;
}

/* False: there is no answer. */
static bool reset(struct peer *p, const struct request *q, struct buf *b,
	int64_t now_ms)
{
	p->writes++;
	if (p->reset_refused && !q->force) {
		p->reset_refused--;
		put_flat(b, 10);
		return true;
	}
	if (p->reset_ignored_once) {
		p->reset_ignored_once = false;
		p->resets++;
		return false;
	}
	peer_restart(p, now_ms);
	map_begin(p, b, 0);
	map_end(p, b);
	return !p->reset_silent;
}

static void params(struct peer *p, struct buf *b)
{
	if (p->no_params) {
		put_flat(b, 8);
		return;
	}
	map_begin(p, b, 2);
	cbor_put_tstr(b, "buf_count");
	cbor_put_uint(b, p->buf_count);
	cbor_put_tstr(b, "buf_size");
	cbor_put_uint(b, p->buf_size);
	map_end(p, b);
}

static bool os(struct peer *p, const struct request *q, struct buf *b,
	int64_t now_ms)
{
	switch (q->h.id) {
	case SMP_OS_PARAMS:
		params(p, b);
		return true;
	case SMP_OS_RESET:
		return reset(p, q, b, now_ms);
	case SMP_OS_ECHO:
		if (p->no_echo)
			return false;
		map_begin(p, b, 1);
		cbor_put_tstr(b, "r");
		cbor_put_tstr_bytes(b, q->text);
		map_end(p, b);
		return true;
	case SMP_OS_BOOTLOADER:
		if (p->no_mode)
			break;
		map_begin(p, b, 1);
		cbor_put_tstr(b, "mode");
		cbor_put_int(b, p->mode);
		map_end(p, b);
		return true;
	}
	put_flat(b, 8);
	return true;
}

static bool answer(struct peer *p, const struct request *q, struct buf *b,
	int64_t now_ms, int64_t *at_ms)
{
	if (p->only_version == 2 && q->h.version == 0) {
		put_flat(b, 12);
		return true;
	}
	if (p->only_version == 3 && q->h.version > 0) {
		put_flat(b, 13);
		return true;
	}
	if (q->h.group == SMP_GROUP_OS)
		return os(p, q, b, now_ms);
	if (q->h.group == SMP_GROUP_IMAGE && q->h.id == SMP_IMAGE_UPLOAD) {
		p->writes++;
		upload(p, q, b, at_ms);
	} else if (p->no_state) {
		put_flat(b, 8);
	} else if (q->h.op == SMP_READ) {
		put_state(p, b);
	} else {
		state_write(p, q, b);
	}
	return true;
}

static bool nth(unsigned count, unsigned n)
{
	return n && count % n == 0;
}

bool peer_take(struct peer *p, struct bytes message, int64_t now_ms,
	struct buf *ret, int64_t *ret_at_ms)
{
	uint8_t head[SMP_HEADER_LEN] = {0};
	struct request q;

	*ret_at_ms = now_ms + 2;
	p->now_ms = now_ms;
	if (p->is_away || now_ms < p->away_until_ms)
		return false;
	p->requests++;
	if (nth(p->requests, p->drop_request_nth) ||
			(p->max_request && message.len > p->max_request))
		return false;
	read_request(message, &q);
	if (q.h.id == SMP_IMAGE_UPLOAD && q.h.group == SMP_GROUP_IMAGE &&
			message.len > p->upload_max_message)
		p->upload_max_message = (unsigned)message.len;
	head[0] = (uint8_t)((p->only_version == 1 || p->only_version == 3 ? 0 :
				q.h.version << 3) | (q.h.op + 1));
	put_be16(head + 4, q.h.group);
	head[6] = q.h.seq;
	head[7] = q.h.id;
	buf_reset(ret);
	buf_add(ret, head, sizeof(head));
	if (!answer(p, &q, ret, now_ms, ret_at_ms))
		return false;
	put_be16(ret->at + 2, (uint16_t)(ret->len - SMP_HEADER_LEN));
	if (nth(p->requests, p->late_nth))
		*ret_at_ms += p->late_ms;
	return !nth(p->requests, p->drop_answer_nth);
}
