/* The line of a device: bytes to requests, answers to bytes, at its speed. */
#include "tools/sim/device.h"

#include <errno.h>
#include <stdlib.h>

#define RAW_RESYNC_NS 3000000000u
#define WIRE_BYTES_MAX 32768

static uint64_t byte_ns(const struct device *d)
{
	return d->baud ? 10000000000u / d->baud : 0;
}

static uint8_t *copy_of(struct bytes from)
{
	uint8_t *copy = malloc(from.len ? from.len : 1);

	if (copy && from.len > 0)
		memcpy(copy, from.at, from.len);
	return copy;
}

void device_line_init(struct device *d)
{
	console_init(&d->console, mcu_buffer_size(&d->mcu));
	buf_init(&d->assembly, DEVICE_BUF_SIZE_MAX);
	buf_init(&d->answer, DEVICE_BUF_SIZE_MAX);
}

void device_line_clear(struct device *d)
{
	for (unsigned i = 0; i < d->request_count; i++)
		free(d->requests[i].bytes);
	for (unsigned i = 0; i < d->answer_count; i++)
		free(d->answers[i].bytes);
	for (unsigned i = 0; i < d->wire_count; i++)
		free(d->wire[i].bytes);
	d->request_count = d->answer_count = d->wire_count = 0;
	console_reset(&d->console);
	buf_reset(&d->assembly);
}

void device_line_done(struct device *d)
{
	device_line_clear(d);
	console_done(&d->console);
	buf_done(&d->assembly);
	buf_done(&d->answer);
}

static void add_request(struct device *d, uint64_t at, struct bytes message)
{
	uint8_t *copy;

	if (d->request_count == DEVICE_REQUESTS_MAX ||
		!(copy = copy_of(message))) {
		d->mcu.counts.requests_dropped++;
		return;
	}
	d->requests[d->request_count++] = (struct device_request){
		.at = at, .len = message.len, .bytes = copy};
}

/* Zephyr's default driver has two line buffers; each is busy for a while. */
static bool line_is_taken(struct device *d, uint64_t at)
{
	uint64_t busy = switch_value(&d->mcu.sw, SW_LINE_LIMITS) * 1000;

	if (!switch_is_on(&d->mcu.sw, SW_LINE_LIMITS) || busy == 0)
		return true;
	for (int i = 0; i < 2; i++) {
		if (d->line_buffer_busy[i] <= at) {
			d->line_buffer_busy[i] = at + busy;
			return true;
		}
	}
	return false;
}

static void end_line(struct device *d, uint64_t at)
{
	size_t max = switch_is_on(&d->mcu.sw, SW_LINE_LIMITS)
			     ? CONSOLE_LINE_MAX - 1
			     : CONSOLE_LINE_MAX;

	d->console.packet.max = mcu_buffer_size(&d->mcu);
	if (!line_is_taken(d, at)) {
		d->console.line_len = 0;
		d->console.line_too_long = false;
		d->mcu.counts.lines_dropped++;
		return;
	}
	switch (console_line(&d->console, max)) {
	case CONSOLE_NOTHING:
		return;
	case CONSOLE_DROPPED:
		d->mcu.counts.lines_dropped++;
		return;
	case CONSOLE_BAD_CRC:
		d->mcu.counts.bad_crc++;
		return;
	case CONSOLE_MESSAGE:
		if (switch_fires(&d->mcu.sw, SW_CRC_FLIP))
			d->mcu.counts.bad_crc++;
		else
			add_request(d, at, console_message(&d->console));
		return;
	}
}

static void rx_console(struct device *d, uint64_t from, struct bytes in)
{
	uint64_t each = byte_ns(d);
	size_t at = 0;

	while (at < in.len) {
		bool ended;

		at += console_feed(
			&d->console, bytes_slice(in, at, in.len), &ended);
		if (ended)
			end_line(d, from + at * each);
	}
}

/* Takes complete messages off the front of the assembly. `end_at` is when its
 * last byte arrived. */
static void take_messages(struct device *d, uint64_t end_at)
{
	while (d->assembly.len >= SMP_HEADER_LEN) {
		size_t len = SMP_HEADER_LEN + get_be16(d->assembly.at + 2);
		uint64_t behind;

		if ((d->assembly.at[0] & 7) > SMP_WRITE_RSP ||
			len > mcu_buffer_size(&d->mcu)) {
			buf_reset(&d->assembly);
			d->mcu.counts.lines_dropped++;
			return;
		}
		if (d->assembly.len < len)
			return;
		behind = (d->assembly.len - len) * byte_ns(d);
		add_request(d, end_at - behind,
			bytes_slice(buf_bytes(&d->assembly), 0, len));
		buf_eat(&d->assembly, len);
	}
}

static void rx_raw(struct device *d, uint64_t from, struct bytes in)
{
	if (from - d->last_rx_at >= RAW_RESYNC_NS)
		buf_reset(&d->assembly);
	if (buf_add_bytes(&d->assembly, in) < 0) {
		buf_reset(&d->assembly);
		return;
	}
	take_messages(d, from + in.len * byte_ns(d));
}

/* A piece of a message: the first has the whole header, and no piece goes past
 * the end of its message. */
static void rx_datagram(struct device *d, uint64_t at, struct bytes in)
{
	size_t len;

	if (d->assembly.len == 0 && in.len < SMP_HEADER_LEN) {
		d->mcu.counts.lines_dropped++;
		return;
	}
	if (buf_add_bytes(&d->assembly, in) < 0) {
		buf_reset(&d->assembly);
		return;
	}
	len = SMP_HEADER_LEN + get_be16(d->assembly.at + 2);
	if (d->assembly.len > len || len > mcu_buffer_size(&d->mcu)) {
		d->mcu.counts.lines_dropped++;
		buf_reset(&d->assembly);
	} else if (d->assembly.len == len ||
		   switch_is_on(&d->mcu.sw, SW_BLE_NO_REASSEMBLY)) {
		add_request(d, at, buf_bytes(&d->assembly));
		buf_reset(&d->assembly);
	}
}

void device_link_ended(struct device *d)
{
	buf_reset(&d->assembly);
}

static bool listens(const struct device *d)
{
	return d->plugged && d->state == DEVICE_RUNNING;
}

void device_rx(struct device *d, uint64_t now, struct bytes in)
{
	uint64_t from = now > d->rx_free_at ? now : d->rx_free_at;

	d->rx_free_at = from + in.len * byte_ns(d);
	if (!listens(d))
		return;
	d->mcu.counts.bytes_in += in.len;
	switch (d->framing) {
	case FRAMING_CONSOLE:
		rx_console(d, from, in);
		break;
	case FRAMING_RAW:
		rx_raw(d, from, in);
		break;
	case FRAMING_DATAGRAM:
		rx_datagram(d, d->rx_free_at, in);
		break;
	}
	d->last_rx_at = d->rx_free_at;
}

uint64_t device_rx_free_at(const struct device *d)
{
	return d->rx_free_at;
}

/* Keeps the list in the order of time. */
void device_put_answer(struct device *d, uint64_t at, struct bytes message)
{
	unsigned i = d->answer_count;
	uint8_t *copy;

	if (i == DEVICE_ANSWERS_MAX || !(copy = copy_of(message))) {
		d->mcu.counts.answers_dropped++;
		return;
	}
	for (; i > 0 && d->answers[i - 1].at > at; i--)
		d->answers[i] = d->answers[i - 1];
	d->answers[i] = (struct device_out){at, message.len, copy};
	d->answer_count++;
}

static void put_wire(struct device *d, uint64_t ready, struct bytes out)
{
	uint64_t from = ready > d->tx_free_at ? ready : d->tx_free_at;
	uint8_t *copy;

	d->tx_free_at = from + out.len * byte_ns(d);
	if (d->wire_count == DEVICE_WIRE_MAX || !(copy = copy_of(out))) {
		d->mcu.counts.answers_dropped++;
		return;
	}
	d->wire[d->wire_count++] =
		(struct device_out){d->tx_free_at, out.len, copy};
	d->mcu.counts.bytes_out += out.len;
}

static void put_lines(struct device *d, uint64_t ready, struct bytes message)
{
	struct switches *sw = &d->mcu.sw;
	struct console_style style = {
		.short_line = switch_is_on(sw, SW_SHORT_LINE),
		.noise = switch_is_on(sw, SW_NOISE),
		.crlf = switch_is_on(sw, SW_NOISE) &&
			switch_value(sw, SW_NOISE) > 1,
		.damage = switch_fires(sw, SW_CRC_FLIP),
		.tick = (uint32_t)(ready / 1000000),
	};
	struct buf lines;

	buf_init(&lines, WIRE_BYTES_MAX);
	console_encode(message, &style, &lines);
	if (lines.err)
		d->mcu.counts.answers_dropped++;
	else
		put_wire(d, ready, buf_bytes(&lines));
	buf_done(&lines);
}

static void put_message(struct device *d, uint64_t ready, struct bytes message)
{
	switch (d->framing) {
	case FRAMING_CONSOLE:
		put_lines(d, ready, message);
		return;
	case FRAMING_RAW:
		put_wire(d, ready, message);
		return;
	case FRAMING_DATAGRAM:
		for (size_t at = 0; at < message.len; at += d->payload)
			put_wire(
				d, ready, bytes_slice(message, at, d->payload));
		return;
	}
}

/* Two answers that nobody asked for: another sequence, another id. */
static void put_wrong_answers(
	struct device *d, uint64_t ready, struct device_out *right)
{
	right->bytes[6] ^= 0x55;
	put_message(d, ready, bytes_of(right->bytes, right->len));
	right->bytes[6] ^= 0x55;
	right->bytes[7] ^= 0x01;
	put_message(d, ready, bytes_of(right->bytes, right->len));
	right->bytes[7] ^= 0x01;
}

void device_send_answer(struct device *d)
{
	struct device_out out = d->answers[0];

	d->answer_count--;
	memmove(d->answers, d->answers + 1,
		d->answer_count * sizeof(d->answers[0]));
	if (!d->plugged || device_loses(d)) {
		d->mcu.counts.answers_dropped++;
	} else {
		if (switch_fires(&d->mcu.sw, SW_WRONG_SEQ))
			put_wrong_answers(d, out.at, &out);
		put_message(d, out.at, bytes_of(out.bytes, out.len));
	}
	free(out.bytes);
}

struct bytes device_tx(const struct device *d, uint64_t now)
{
	if (d->wire_count == 0 || d->wire[0].at > now)
		return bytes_of(NULL, 0);
	return bytes_of(d->wire[0].bytes, d->wire[0].len);
}

void device_tx_done(struct device *d)
{
	free(d->wire[0].bytes);
	d->wire_count--;
	memmove(d->wire, d->wire + 1, d->wire_count * sizeof(d->wire[0]));
}
