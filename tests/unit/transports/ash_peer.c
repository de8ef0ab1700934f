#include "ash_peer.h"

#include <stdlib.h>

#define PEER_MS 1000

void ash_peer_init(struct ash_peer *p)
{
	memset(p, 0, sizeof(*p));
	p->due = INT64_MAX;
}

void ash_peer_put(struct ash_peer *p, const struct ash_frame *f)
{
	uint8_t at[ASH_WIRE_MAX];

	p->write(p->arg, bytes_of(at, ash_frame_put(at, f)));
}

static void answer(struct ash_peer *p, enum ash_type type)
{
	struct ash_frame f = {.type = type, .ack = p->expected};

	if (type == ASH_NAK)
		p->naks++;
	ash_peer_put(p, &f);
}

static void transmit(struct ash_peer *p, int64_t now, bool again)
{
	struct ash_frame f = {
		.type = ASH_DATA,
		.number = p->number,
		.ack = p->expected,
		.again = again,
	};

	if (!p->count || !p->connected)
		return;
	f.data = bytes_of(p->queue[p->head].at, p->queue[p->head].len);
	p->flying = true;
	p->due = now + PEER_MS;
	p->again += again;
	ash_peer_put(p, &f);
}

static void forget(struct ash_peer *p)
{
	p->expected = p->number = 0;
	p->rejecting = p->flying = false;
	p->head = p->count = 0;
	p->due = INT64_MAX;
}

void ash_peer_restart(struct ash_peer *p, uint8_t reason)
{
	struct ash_frame f = {.type = ASH_RSTACK, .version = 2, .code = reason};

	forget(p);
	p->connected = true;
	ash_peer_put(p, &f);
	if (p->on_reset)
		p->on_reset(p->arg);
}

void ash_peer_error(struct ash_peer *p, uint8_t code)
{
	struct ash_frame f = {.type = ASH_ERROR, .version = 2, .code = code};

	forget(p);
	p->connected = false;
	ash_peer_put(p, &f);
}

void ash_peer_send(struct ash_peer *p, int64_t now, struct bytes data)
{
	unsigned i = (p->head + p->count) % ASH_PEER_QUEUE;

	if (p->count >= ASH_PEER_QUEUE)
		abort();
	memcpy(p->queue[i].at, data.at, data.len);
	p->queue[i].len = data.len;
	p->count++;
	if (!p->flying)
		transmit(p, now, false);
}

static void take_ack(struct ash_peer *p, int64_t now, uint8_t ack)
{
	if (!p->flying || ack != ((p->number + 1) & 7))
		return;
	p->number = ack;
	p->flying = false;
	p->due = INT64_MAX;
	p->head = (p->head + 1) % ASH_PEER_QUEUE;
	p->count--;
	transmit(p, now, false);
}

static void reject(struct ash_peer *p)
{
	if (!p->rejecting)
		answer(p, ASH_NAK);
	p->rejecting = true;
}

static void take_data(struct ash_peer *p, const struct ash_frame *f)
{
	if (f->number != p->expected) {
		if (f->again)
			answer(p, ASH_ACK);
		else
			reject(p);
		return;
	}
	p->expected = (p->expected + 1) & 7;
	p->rejecting = false;
	answer(p, ASH_ACK);
	p->on_data(p->arg, f->data);
}

static void take(struct ash_peer *p, int64_t now, const struct ash_frame *f)
{
	if (f->type == ASH_RST) {
		p->rsts++;
		if (!p->deaf_to_rst)
			ash_peer_restart(p, 0x0b);
		return;
	}
	if (!p->connected)
		return;
	if (f->type == ASH_DATA || f->type == ASH_ACK || f->type == ASH_NAK)
		take_ack(p, now, f->ack);
	if (f->type == ASH_DATA)
		take_data(p, f);
	if (f->type == ASH_NAK && p->flying)
		transmit(p, now, true);
}

void ash_peer_input(struct ash_peer *p, int64_t now, struct bytes data)
{
	struct ash_frame f;
	size_t i;

	if (p->mute)
		return;
	for (i = 0; i < data.len; i++) {
		switch (ash_decode(&p->decoder, data.at[i], &f)) {
		case ASH_MORE:
		case ASH_CANCELLED:
			break;
		case ASH_FRAME:
			take(p, now, &f);
			break;
		case ASH_BAD:
			if (p->connected && !(p->decoder.control & 0x80))
				reject(p);
			break;
		}
	}
}

void ash_peer_time(struct ash_peer *p, int64_t now)
{
	if (now >= p->due && p->flying)
		transmit(p, now, true);
}
