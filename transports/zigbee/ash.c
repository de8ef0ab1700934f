#include "transports/zigbee/ash.h"

#include <errno.h>

/* Invariants, modulo 8: acked <= next <= end, end - acked <= 7, next - acked <=
 * window. `due` runs while RESETTING, and while CONNECTED with acked != next. */

static unsigned distance(uint8_t from, uint8_t to)
{
	return (unsigned)(to - from) & 7;
}

unsigned ash_queued(const struct ash *a)
{
	return distance(a->acked, a->end);
}

void ash_init(struct ash *a, const struct ash_host *host, void *arg,
	unsigned window)
{
	memset(a, 0, sizeof(*a));
	a->host = host;
	a->arg = arg;
	a->window = window < 1 ? 1 :
		window > ASH_WINDOW_MAX ? ASH_WINDOW_MAX : window;
	a->due = INT64_MAX;
	ash_decoder_init(&a->decoder);
}

static void flush(struct ash *a)
{
	size_t len = a->out_len;

	if (!len)
		return;
	a->out_len = 0;
	a->host->write(a->arg, bytes_of(a->out, len));
}

/* Room for a frame and a cancel byte in front of it. */
static uint8_t *room(struct ash *a)
{
	if (sizeof(a->out) - a->out_len < ASH_WIRE_MAX + 1)
		flush(a);
	return a->out + a->out_len;
}

static void put(struct ash *a, const struct ash_frame *f)
{
	a->out_len += ash_frame_put(room(a), f);
}

static void put_cancel(struct ash *a)
{
	*room(a) = ASH_CANCEL;
	a->out_len++;
}

static void put_data(struct ash *a, uint8_t number, bool again)
{
	struct ash_frame f = {
		.type = ASH_DATA,
		.number = number,
		.ack = a->expected,
		.again = again,
		.data = bytes_of(a->queue[number].at, a->queue[number].len),
	};

	put(a, &f);
	a->owe_ack = false;
	if (again)
		a->stats.resent++;
	else
		a->stats.sent++;
}

static void start_timer(struct ash *a)
{
	a->sent_at = a->now;
	a->due = a->now + a->ack_ms;
}

static bool may_send(const struct ash *a)
{
	return a->next != a->end && !a->hold_until &&
		distance(a->acked, a->next) < a->window;
}

/* What is owed, and what the window allows: an acknowledgement rides on a DATA
 * frame where there is one. */
static void put_pending(struct ash *a)
{
	struct ash_frame f = {.type = ASH_NAK, .ack = a->expected};

	if (a->state != ASH_STATE_CONNECTED)
		return;
	if (a->owe_nak) {
		put(a, &f);
		a->owe_nak = a->owe_ack = false;
		a->stats.naks++;
	}
	while (may_send(a)) {
		if (a->acked == a->next)
			start_timer(a);
		put_data(a, a->next, false);
		a->next = (a->next + 1) & 7;
	}
	if (a->owe_ack) {
		f.type = ASH_ACK;
		put(a, &f);
		a->owe_ack = false;
	}
}

static void enter(struct ash *a, int64_t now)
{
	a->now = now;
	if (now >= a->hold_until)
		a->hold_until = 0;
	a->depth++;
}

static void leave(struct ash *a)
{
	if (a->depth == 1) {
		put_pending(a);
		flush(a);
	}
	a->depth--;
}

static void forget(struct ash *a)
{
	a->acked = a->next = a->end = a->expected = 0;
	a->rejecting = a->nak_heeded = a->resending = false;
	a->owe_ack = a->owe_nak = false;
	a->tries = 0;
	a->ack_ms = ASH_ACK_MS_FIRST;
	a->due = INT64_MAX;
	a->hold_until = 0;
}

void ash_reset(struct ash *a, int64_t now)
{
	struct ash_frame f = {.type = ASH_RST};

	enter(a, now);
	forget(a);
	ash_decoder_init(&a->decoder);
	a->state = ASH_STATE_RESETTING;
	a->due = now + ASH_RSTACK_MS;
	put_cancel(a);
	put(a, &f);
	leave(a);
}

static void go_down(struct ash *a, enum ash_down why, uint8_t code)
{
	forget(a);
	a->state = ASH_STATE_DOWN;
	a->host->on_down(a->arg, why, code);
}

static void resend(struct ash *a)
{
	uint8_t n;

	a->resending = true;
	put_cancel(a);
	for (n = a->acked; n != a->next; n = (n + 1) & 7)
		put_data(a, n, true);
	start_timer(a);
}

/* The timeout follows the times measured: 7/8 of the old one and half of the
 * new time, which settles at four times the usual delay. */
static void adapt(struct ash *a)
{
	int64_t ms = a->ack_ms * 7 / 8 + (a->now - a->sent_at) / 2;

	a->ack_ms = ms < ASH_ACK_MS_MIN ? ASH_ACK_MS_MIN :
		ms > ASH_ACK_MS_MAX ? ASH_ACK_MS_MAX : ms;
}

/* False: an acknowledgement of what was never sent. */
static bool take_ack(struct ash *a, uint8_t ack)
{
	if (distance(a->acked, ack) > distance(a->acked, a->next))
		return false;
	if (ack == a->acked)
		return true;
	if (!a->resending)
		adapt(a);
	a->acked = ack;
	a->tries = 0;
	a->nak_heeded = false;
	if (a->acked == a->next) {
		a->due = INT64_MAX;
		a->resending = false;
	} else {
		start_timer(a);
	}
	return true;
}

/* One NAK until a good frame in turn comes. */
static void reject(struct ash *a)
{
	if (a->state != ASH_STATE_CONNECTED || a->rejecting)
		return;
	a->rejecting = true;
	a->owe_nak = true;
}

static void take_data(struct ash *a, const struct ash_frame *f)
{
	if (f->number != a->expected) {
		a->stats.repeated++;
		if (f->again)
			a->owe_ack = true;
		else
			reject(a);
		return;
	}
	a->expected = (a->expected + 1) & 7;
	a->rejecting = a->owe_nak = false;
	a->owe_ack = true;
	a->stats.received++;
	a->host->on_data(a->arg, f->data);
}

static void take_ready(struct ash *a, bool not_ready)
{
	a->hold_until = not_ready ? a->now + ASH_HOLD_MS : 0;
}

/* A second NAK for the same frame is left to the timer: whoever sends many of
 * them gains nothing. */
static void take_nak(struct ash *a)
{
	if (a->acked == a->next || a->nak_heeded)
		return;
	a->nak_heeded = true;
	resend(a);
}

static void take_rstack(struct ash *a, const struct ash_frame *f)
{
	if (f->version != ASH_VERSION) {
		go_down(a, ASH_DOWN_VERSION, f->version);
		return;
	}
	forget(a);
	a->state = ASH_STATE_CONNECTED;
	a->stats.resets++;
	a->host->on_up(a->arg, f->code);
}

static void take_frame(struct ash *a, const struct ash_frame *f)
{
	if (f->type == ASH_RSTACK && a->state != ASH_STATE_DOWN) {
		take_rstack(a, f);
		return;
	}
	if (a->state != ASH_STATE_CONNECTED)
		return;
	switch (f->type) {
	case ASH_DATA:
		if (take_ack(a, f->ack))
			take_data(a, f);
		else
			reject(a);
		break;
	case ASH_ACK:
	case ASH_NAK:
		if (!take_ack(a, f->ack))
			break;
		take_ready(a, f->not_ready);
		if (f->type == ASH_NAK)
			take_nak(a);
		break;
	case ASH_ERROR:
		go_down(a, ASH_DOWN_ERROR, f->code);
		break;
	case ASH_RST:
	case ASH_RSTACK:
		break;
	}
}

void ash_input(struct ash *a, int64_t now, struct bytes data)
{
	struct ash_frame f;
	size_t i;

	enter(a, now);
	for (i = 0; i < data.len; i++) {
		switch (ash_decode(&a->decoder, data.at[i], &f)) {
		case ASH_MORE:
		case ASH_CANCELLED:
			break;
		case ASH_FRAME:
			take_frame(a, &f);
			break;
		case ASH_BAD:
			a->stats.damaged++;
			if (!(a->decoder.control & 0x80))
				reject(a);
			break;
		}
	}
	leave(a);
}

static void on_due(struct ash *a)
{
	if (a->state == ASH_STATE_RESETTING) {
		go_down(a, ASH_DOWN_SILENT, 0);
		return;
	}
	if (++a->tries >= ASH_TRIES_MAX) {
		go_down(a, ASH_DOWN_TIMEOUT, 0);
		return;
	}
	a->ack_ms *= 2;
	if (a->ack_ms > ASH_ACK_MS_MAX)
		a->ack_ms = ASH_ACK_MS_MAX;
	a->nak_heeded = false;
	resend(a);
}

void ash_time(struct ash *a, int64_t now)
{
	enter(a, now);
	if (now >= a->due)
		on_due(a);
	leave(a);
}

int64_t ash_deadline(const struct ash *a)
{
	if (a->hold_until && a->next != a->end && a->hold_until < a->due)
		return a->hold_until;
	return a->due;
}

int ash_send(struct ash *a, int64_t now, struct bytes data)
{
	if (a->state != ASH_STATE_CONNECTED)
		return -ENOTCONN;
	if (data.len < ASH_DATA_MIN || data.len > ASH_DATA_MAX)
		return -EMSGSIZE;
	if (ash_queued(a) >= 7)
		return -EBUSY;
	enter(a, now);
	memcpy(a->queue[a->end].at, data.at, data.len);
	a->queue[a->end].len = (uint8_t)data.len;
	a->end = (a->end + 1) & 7;
	leave(a);
	return 0;
}
