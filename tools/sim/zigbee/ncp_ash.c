#include "tools/sim/zigbee/ncp_ash.h"

#include <string.h>

#define FLAG 0x7eu
#define ESCAPE 0x7du
#define XON 0x11u
#define XOFF 0x13u
#define SUBSTITUTE 0x18u
#define CANCEL 0x1au
#define FLIP 0x20u

#define CONTROL_RESENT 0x08u
#define CONTROL_NOT_READY 0x08u
#define CONTROL_ACK 0x80u
#define CONTROL_NAK 0xa0u
#define CONTROL_RST 0xc0u
#define CONTROL_RSTACK 0xc1u
#define CONTROL_ERROR 0xc2u
#define ASH_VERSION 2u

#define MS UINT64_C(1000000)
#define PERIOD_FIRST (1600 * MS)
#define PERIOD_MIN (400 * MS)
#define PERIOD_MAX (3200 * MS)
#define HUSHED_NS (1000 * MS)

static uint16_t crc_of(const uint8_t *at, size_t len)
{
	uint16_t crc = 0xffff;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint16_t)(at[i] << 8);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021
						      : crc << 1);
	}
	return crc;
}

static void randomise(uint8_t *at, size_t len)
{
	uint8_t r = 0x42;

	for (size_t i = 0; i < len; i++) {
		at[i] ^= r;
		r = (uint8_t)(r & 1 ? r >> 1 ^ 0xb8 : r >> 1);
	}
}

static bool is_reserved(uint8_t byte)
{
	return byte == FLAG || byte == ESCAPE || byte == XON || byte == XOFF ||
	       byte == SUBSTITUTE || byte == CANCEL;
}

/* How many frames from `from` up to, not including, `to`. */
static unsigned distance(uint8_t from, uint8_t to)
{
	return (unsigned)(to - from) & 7u;
}

static void start_over(struct ash *a)
{
	a->failed = false;
	a->in_len = 0;
	a->in_escape = a->in_spoiled = false;
	a->expected = 0;
	a->rejecting = false;
	a->owes_rstack = a->owes_error = a->owes_nak = a->owes_ack = false;
	a->first = a->sent = a->again = 0;
	a->timer_at = UINT64_MAX;
	a->period = PERIOD_FIRST;
	a->timeouts = 0;
	a->hushed_until = 0;
}

void ash_init(struct ash *a, const struct ash_ops *ops, void *owner)
{
	memset(a, 0, sizeof(*a));
	a->ops = ops;
	a->owner = owner;
	start_over(a);
}

void ash_restart(struct ash *a, uint8_t reason)
{
	start_over(a);
	a->reason = reason;
	a->owes_rstack = true;
}

static void fail(struct ash *a, uint8_t reason)
{
	a->failed = true;
	a->reason = reason;
	a->owes_error = true;
	a->timer_at = UINT64_MAX;
}

/* ---- what the host has received ---- */

static void start_timer(struct ash *a, uint64_t now)
{
	a->timer_from = now;
	a->timer_at = now + a->period;
}

static void adapt_period(struct ash *a, uint64_t took)
{
	a->period = (7 * a->period + 4 * took) / 8;
	if (a->period < PERIOD_MIN)
		a->period = PERIOD_MIN;
	if (a->period > PERIOD_MAX)
		a->period = PERIOD_MAX;
}

/* False: not a number that it may acknowledge. */
static bool acknowledged(struct ash *a, uint64_t now, uint8_t number)
{
	unsigned count = distance(a->first, number);

	if (count > distance(a->first, a->sent))
		return false;
	if (count == 0)
		return true;
	a->timeouts = 0;
	if (a->again == a->sent)
		adapt_period(a, now - a->timer_from);
	if (distance(a->first, a->again) < count)
		a->again = number;
	a->first = number;
	a->timer_at = UINT64_MAX;
	if (a->first != a->sent)
		start_timer(a, now);
	return true;
}

static void send_again(struct ash *a)
{
	a->again = a->first;
	a->timer_at = UINT64_MAX;
}

static void reject(struct ash *a)
{
	a->counts.bad_frames++;
	if (!a->rejecting)
		a->owes_nak = true;
	a->rejecting = true;
}

static void heard_data(
	struct ash *a, uint64_t now, uint8_t *at, size_t len)
{
	uint8_t control = at[0];

	if (!acknowledged(a, now, control & 7)) {
		reject(a);
	} else if (control >> 4 == a->expected) {
		a->expected = (uint8_t)((a->expected + 1) & 7);
		a->rejecting = a->owes_nak = false;
		a->owes_ack = true;
		randomise(at + 1, len - 1);
		a->ops->data(a->owner, now, at + 1, len - 1);
	} else {
		a->counts.out_of_order++;
		if (control & CONTROL_RESENT)
			a->owes_ack = true;
		else if (!a->rejecting)
			a->rejecting = a->owes_nak = true;
	}
}

static void heard_short(struct ash *a, uint64_t now, uint8_t control)
{
	if (!acknowledged(a, now, control & 7)) {
		a->counts.bad_frames++;
		return;
	}
	a->hushed_until =
		control & CONTROL_NOT_READY ? now + HUSHED_NS : 0;
	if ((control & 0xe0) == CONTROL_NAK && a->first != a->sent)
		send_again(a);
}

static void heard_frame(struct ash *a, uint64_t now, uint8_t *at, size_t len)
{
	if (len == 1 && at[0] == CONTROL_RST) {
		ash_restart(a, ASH_RESET_SOFTWARE);
		a->ops->reset(a->owner, now);
	} else if (a->failed) {
		a->owes_error = true;
	} else if (!(at[0] & 0x80) && len > ASH_DATA_MIN &&
		   len <= ASH_DATA_MAX + 1) {
		heard_data(a, now, at, len);
	} else if (at[0] < CONTROL_RST && at[0] >= CONTROL_ACK && len == 1) {
		heard_short(a, now, at[0]);
	} else {
		a->counts.bad_frames++;
	}
}

static void end_of_frame(struct ash *a, uint64_t now)
{
	size_t len = a->in_len;
	bool whole = !a->in_spoiled && !a->in_escape && len > 2 &&
		     len < sizeof(a->in);

	a->in_len = 0;
	a->in_escape = a->in_spoiled = false;
	if (len == 0)
		return;
	if (whole && crc_of(a->in, len - 2) ==
			     (a->in[len - 2] << 8 | a->in[len - 1]))
		heard_frame(a, now, a->in, len - 2);
	else if (!a->failed)
		reject(a);
}

static void take(struct ash *a, uint8_t byte)
{
	if (a->in_escape)
		byte ^= FLIP;
	a->in_escape = false;
	if (a->in_len < sizeof(a->in))
		a->in[a->in_len++] = byte;
}

void ash_input(struct ash *a, uint64_t now, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (at[i]) {
		case FLAG:
			end_of_frame(a, now);
			break;
		case CANCEL:
			a->in_len = 0;
			a->in_escape = a->in_spoiled = false;
			break;
		case SUBSTITUTE:
			a->in_spoiled = true;
			take(a, SUBSTITUTE);
			break;
		case ESCAPE:
			a->in_escape = true;
			break;
		case XON:
		case XOFF:
			break;
		default:
			take(a, at[i]);
			break;
		}
	}
}

/* ---- to the host ---- */

static void put(struct ash *a, uint8_t byte)
{
	if (is_reserved(byte)) {
		a->out[a->out_len++] = ESCAPE;
		byte ^= FLIP;
	}
	a->out[a->out_len++] = byte;
}

static void put_frame(struct ash *a, const uint8_t *at, size_t len)
{
	uint16_t crc = crc_of(at, len);

	a->out_len = a->out_at = 0;
	for (size_t i = 0; i < len; i++)
		put(a, at[i]);
	put(a, (uint8_t)(crc >> 8));
	put(a, (uint8_t)crc);
	a->out[a->out_len++] = FLAG;
}

static void put_data(struct ash *a, uint64_t now, uint8_t number, bool resent)
{
	uint8_t frame[1 + ASH_DATA_MAX];
	size_t len = a->window[number].len;

	frame[0] = (uint8_t)(number << 4 | (resent ? CONTROL_RESENT : 0) |
			     a->expected);
	memcpy(frame + 1, a->window[number].at, len);
	randomise(frame + 1, len);
	put_frame(a, frame, 1 + len);
	a->owes_ack = false;
	a->counts.resent += resent;
	if (a->timer_at == UINT64_MAX)
		start_timer(a, now);
}

static bool put_new(struct ash *a, uint64_t now)
{
	uint8_t number = a->sent;

	if (distance(a->first, a->sent) >= ASH_WINDOW)
		return false;
	a->window[number].len = a->ops->next(
		a->owner, a->window[number].at, now < a->hushed_until);
	if (a->window[number].len == 0)
		return false;
	a->sent = a->again = (uint8_t)((number + 1) & 7);
	put_data(a, now, number, false);
	return true;
}

/* The next frame into `out`, the most urgent one first. */
static bool put_next(struct ash *a, uint64_t now)
{
	uint8_t frame[3] = {0, ASH_VERSION, a->reason};

	if (a->owes_rstack) {
		a->owes_rstack = false;
		frame[0] = CONTROL_RSTACK;
		put_frame(a, frame, 3);
	} else if (a->failed) {
		if (!a->owes_error)
			return false;
		a->owes_error = false;
		frame[0] = CONTROL_ERROR;
		put_frame(a, frame, 3);
	} else if (a->owes_nak) {
		a->owes_nak = a->owes_ack = false;
		frame[0] = (uint8_t)(CONTROL_NAK | a->expected);
		put_frame(a, frame, 1);
	} else if (a->again != a->sent) {
		put_data(a, now, a->again, true);
		a->again = (uint8_t)((a->again + 1) & 7);
	} else if (!put_new(a, now)) {
		if (!a->owes_ack)
			return false;
		a->owes_ack = false;
		frame[0] = (uint8_t)(CONTROL_ACK | a->expected);
		put_frame(a, frame, 1);
	}
	return true;
}

size_t ash_output(struct ash *a, uint64_t now, uint8_t *at, size_t room)
{
	size_t len = 0;

	while (len < room) {
		size_t part = a->out_len - a->out_at;

		if (part == 0) {
			if (!put_next(a, now))
				break;
			continue;
		}
		if (part > room - len)
			part = room - len;
		memcpy(at + len, a->out + a->out_at, part);
		a->out_at += part;
		len += part;
	}
	return len;
}

/* ---- time ---- */

void ash_time(struct ash *a, uint64_t now)
{
	if (now >= a->hushed_until)
		a->hushed_until = 0;
	if (now < a->timer_at)
		return;
	a->counts.timeouts++;
	if (++a->timeouts >= ASH_TIMEOUTS_MAX) {
		fail(a, ASH_ERROR_ACK_TIMEOUTS);
		return;
	}
	a->period = 2 * a->period > PERIOD_MAX ? PERIOD_MAX : 2 * a->period;
	send_again(a);
}

uint64_t ash_due(const struct ash *a)
{
	uint64_t due = a->timer_at;

	if (a->hushed_until && a->hushed_until < due)
		due = a->hushed_until;
	return due;
}
