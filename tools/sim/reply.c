#include "tools/sim/reply.h"

#include <errno.h>

#include "base/cbor_out.h"

#define BREAK 0xff

void reply_init(struct reply_map *m)
{
	m->count = 0;
	buf_init(&m->values, REPLY_MAX);
}

void reply_done(struct reply_map *m)
{
	buf_done(&m->values);
}

static void open_pair(struct reply_map *m, const char *key)
{
	if (m->count == REPLY_PAIRS_MAX) {
		m->values.err = -EMSGSIZE;
		return;
	}
	m->pairs[m->count++] = (struct reply_pair){key, m->values.len, 0};
}

static void close_pair(struct reply_map *m)
{
	struct reply_pair *pair = &m->pairs[m->count - 1];

	pair->len = m->values.len - pair->at;
}

void reply_uint(struct reply_map *m, const char *key, uint64_t value)
{
	open_pair(m, key);
	cbor_put_uint(&m->values, value);
	close_pair(m);
}

void reply_int(struct reply_map *m, const char *key, int64_t value)
{
	open_pair(m, key);
	cbor_put_int(&m->values, value);
	close_pair(m);
}

void reply_bytes(struct reply_map *m, const char *key, struct bytes value)
{
	open_pair(m, key);
	cbor_put_bstr(&m->values, value);
	close_pair(m);
}

void reply_text(struct reply_map *m, const char *key, struct bytes value)
{
	open_pair(m, key);
	cbor_put_tstr_bytes(&m->values, value);
	close_pair(m);
}

void reply_bool(struct reply_map *m, const char *key, bool value)
{
	open_pair(m, key);
	cbor_put_bool(&m->values, value);
	close_pair(m);
}

void reply_flag(struct reply_map *m, const char *key, bool value,
	const struct reply_style *style)
{
	if (value || !style->frugal)
		reply_bool(m, key, value);
}

void reply_raw(struct reply_map *m, const char *key, struct bytes cbor)
{
	open_pair(m, key);
	buf_add_bytes(&m->values, cbor);
	close_pair(m);
}

static uint32_t next_random(struct reply_style *style)
{
	uint32_t x = style->random;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	style->random = x;
	return x;
}

static void shuffle(struct reply_map *m, struct reply_style *style)
{
	for (unsigned i = m->count; i > 1; i--) {
		unsigned j = next_random(style) % i;
		struct reply_pair swap = m->pairs[i - 1];

		m->pairs[i - 1] = m->pairs[j];
		m->pairs[j] = swap;
	}
}

/* Values of unlike types: a client must pass over every one. */
static void add_unknown(struct reply_map *m, struct reply_style *style)
{
	static const uint8_t list[] = {0x83, 0x01, 0x20, 0xf6};
	static const uint8_t map[] = {0xa1, 0x61, 'k', 0x41, 0x00};
	static const uint8_t half[] = {0xf9, 0x3c, 0x00};

	switch (next_random(style) % 4) {
	case 0:
		reply_raw(m, "x-list", bytes_of(list, sizeof(list)));
		return;
	case 1:
		reply_raw(m, "x-map", bytes_of(map, sizeof(map)));
		return;
	case 2:
		reply_raw(m, "x-half", bytes_of(half, sizeof(half)));
		return;
	default:
		reply_text(m, "x-note", bytes_of_text("rc"));
	}
}

void reply_end(struct reply_map *m, struct reply_style *style, struct buf *to)
{
	static const uint8_t open = 0xbf, end = BREAK;

	if (style->unknown && m->count < REPLY_PAIRS_MAX)
		add_unknown(m, style);
	if (style->shuffled)
		shuffle(m, style);
	if (style->indefinite)
		buf_add(to, &open, 1);
	else
		cbor_put_map(to, m->count);
	for (unsigned i = 0; i < m->count; i++) {
		const struct reply_pair *pair = &m->pairs[i];

		cbor_put_tstr(to, pair->key);
		buf_add_bytes(to, bytes_slice(buf_bytes(&m->values), pair->at,
					  pair->len));
	}
	if (style->indefinite)
		buf_add(to, &end, 1);
	if (m->values.err && !to->err)
		to->err = m->values.err;
	buf_reset(&m->values);
	m->count = 0;
}

void reply_array(struct buf *to, const struct reply_style *style,
	struct bytes items, unsigned count)
{
	static const uint8_t open = 0x9f, end = BREAK;

	if (style->indefinite)
		buf_add(to, &open, 1);
	else
		cbor_put_array(to, count);
	buf_add_bytes(to, items);
	if (style->indefinite)
		buf_add(to, &end, 1);
}
