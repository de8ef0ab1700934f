#include "tests/unit/transports/deconz_rig.h"

struct zb_stack *stack;
int64_t now_ms;
static struct deconz_parser from_host;

struct deconz_firmware fw;

struct deconz_told told;

void raw_answer(uint8_t command, uint8_t seq, uint8_t status,
	bool with_len, const uint8_t *payload, size_t len)
{
	uint8_t raw[256], wire[600];
	size_t n = 5, i, w = 0;
	unsigned sum = 0;

	raw[0] = command;
	raw[1] = seq;
	raw[2] = status;
	if (with_len) {
		put_le16(raw + n, (uint16_t)len);
		n += 2;
	}
	if (len)
		memcpy(raw + n, payload, len);
	n += len;
	put_le16(raw + 3, (uint16_t)n);
	for (i = 0; i < n; i++)
		sum += raw[i];
	put_le16(raw + n, (uint16_t)(0x10000 - (sum & 0xffff)));
	n += 2;
	wire[w++] = 0xc0;
	for (i = 0; i < n; i++) {
		if (raw[i] == 0xc0 || raw[i] == 0xdb) {
			wire[w++] = 0xdb;
			wire[w++] = raw[i] == 0xc0 ? 0xdc : 0xdd;
		} else {
			wire[w++] = raw[i];
		}
	}
	wire[w++] = 0xc0;
	zb_deconz_stack.input(stack, now_ms, bytes_of(wire, w));
}

uint8_t state(void)
{
	return (uint8_t)(fw.state | (fw.queued ? DECONZ_HAS_INDICATION : 0) |
			 (fw.done_count ? DECONZ_HAS_CONFIRM : 0) |
			 DECONZ_FREE_SLOTS);
}

static void read_parameter(const struct deconz_frame *f)
{
	uint8_t out[80] = {f->payload.at[0]};
	size_t len = 1;
	unsigned i;

	switch (f->payload.at[0]) {
	case 0x01:
		for (i = 0; i < 8; i++)
			out[len++] = (uint8_t)(OWN >> (8 * i));
		break;
	case 0x05:
		put_le16(out + 1, 0x1a62);
		len += 2;
		break;
	case 0x0b:
		memset(out + 1, 0xdd, 8);
		len += 8;
		break;
	case 0x13:
		if (fw.others) {
			out[1] = f->payload.at[1];
			len += 1 + unit_unhex("02 5ec0 0500 00 01 0000 00",
					   out + 2, sizeof(out) - 2);
			break;
		}
		if (f->payload.at[1] != 0 || !fw.endpoint_len) {
			raw_answer(f->command, f->seq, DECONZ_UNSUPPORTED, true,
				out, 1);
			return;
		}
		out[1] = 0;
		memcpy(out + 2, fw.endpoint, fw.endpoint_len);
		len += 1 + fw.endpoint_len;
		break;
	case 0x1c:
		if (fw.no_channel) {
			fw.no_channel--;
			raw_answer(f->command, f->seq, DECONZ_BUSY, true, out,
				1);
			return;
		}
		out[1] = fw.channel;
		len++;
		break;
	case 0x22:
		put_le16(out + 1, 0x010e);
		len += 2;
		break;
	}
	raw_answer(f->command, f->seq, 0, true, out, len);
}

static void write_parameter(const struct deconz_frame *f)
{
	const uint8_t *at = f->payload.at;

	if (at[0] == 0x13) {
		fw.endpoint_writes++;
		fw.endpoint_len = f->payload.len - 2;
		memcpy(fw.endpoint, at + 2, fw.endpoint_len);
	}
	fw.watchdogs += at[0] == 0x26;
	fw.keys += at[0] == 0x18;
	if (at[0] == 0x0a)
		fw.channel = 15;
	raw_answer(f->command, f->seq, 0, true, at, 1);
}

static void on_request(const struct deconz_frame *f)
{
	const uint8_t out[2] = {state(), f->payload.at[0]};

	if (fw.busy) {
		fw.busy--;
		raw_answer(f->command, f->seq, DECONZ_BUSY, true, out, 2);
		return;
	}
	fw.numbers[fw.requests++ % 64] = f->payload.at[0];
	fw.last_request_len = f->payload.len;
	memcpy(fw.last_request, f->payload.at, f->payload.len);
	raw_answer(f->command, f->seq, 0, true, out, 2);
}

static void on_read_confirm(const struct deconz_frame *f)
{
	uint8_t out[] = {0, 0, 2, 0x00, 0x10, 11, 1, 0, 0, 0, 0, 0};

	out[1] = fw.done_count ? fw.done[--fw.done_count] : 0xff;
	out[0] = state();
	out[7] = fw.done_status;
	fw.confirms_read++;
	raw_answer(f->command, f->seq, 0, true, out, sizeof(out));
}

static void on_read_indication(const struct deconz_frame *f)
{
	uint8_t at[160];
	size_t len = fw.queued ? fw.queue_len[0] : 0;

	if (!len) {
		raw_answer(f->command, f->seq, DECONZ_ERROR, true, NULL, 0);
		return;
	}
	memcpy(at, fw.queue[0], len);
	fw.queued--;
	memmove(fw.queue[0], fw.queue[1],
		sizeof(fw.queue) - sizeof(fw.queue[0]));
	memmove(fw.queue_len, fw.queue_len + 1,
		sizeof(fw.queue_len) - sizeof(fw.queue_len[0]));
	at[0] = state();
	raw_answer(f->command, f->seq, 0, true, at, len);
}

static void on_command(const struct deconz_frame *f)
{
	const uint8_t version[] = {0x00, 0x07, 0x78, 0x26};
	uint8_t out[3] = {0};

	if (fw.odd) {
		fw.odd = false;
		raw_answer(0x0d, f->seq, 0, false, version, 4);
		return;
	}
	switch (f->command) {
	case DECONZ_VERSION:
		raw_answer(f->command, f->seq, 0, false, version, 4);
		break;
	case DECONZ_STATE:
		fw.states++;
		out[0] = state();
		raw_answer(f->command, f->seq, 0, false, out, 3);
		break;
	case DECONZ_SET_NETWORK:
		fw.connects += f->payload.at[0] == 2;
		fw.leaves += f->payload.at[0] == 0;
		fw.state = f->payload.at[0] == 2 ? fw.connect_to : 0;
		raw_answer(f->command, f->seq, 0, false, f->payload.at, 1);
		break;
	case DECONZ_READ:
		read_parameter(f);
		break;
	case DECONZ_WRITE:
		write_parameter(f);
		break;
	case DECONZ_REQUEST:
		on_request(f);
		break;
	case DECONZ_CONFIRM:
		on_read_confirm(f);
		break;
	case DECONZ_INDICATION:
		on_read_indication(f);
		break;
	default:
		ck_abort_msg("unknown command %02x", f->command);
	}
}

/* What the stack writes is answered when it has returned. */
static uint8_t wire[4096];
static size_t wire_len;

static void up_write(void *arg, struct bytes data)
{
	(void)arg;
	ck_assert_uint_le(wire_len + data.len, sizeof(wire));
	memcpy(wire + wire_len, data.at, data.len);
	wire_len += data.len;
}

void run(void)
{
	struct deconz_frame f;
	uint8_t copy[4096];
	struct bytes in;

	while (wire_len) {
		memcpy(copy, wire, wire_len);
		in = bytes_of(copy, wire_len);
		wire_len = 0;
		while (deconz_parser_take(&from_host, &in, &f))
			if (!fw.deaf)
				on_command(&f);
	}
}

void pass(int64_t ms)
{
	int64_t until = now_ms + ms;

	run();
	while (zb_deconz_stack.deadline(stack) <= until) {
		if (zb_deconz_stack.deadline(stack) > now_ms)
			now_ms = zb_deconz_stack.deadline(stack);
		zb_deconz_stack.time(stack, now_ms);
		run();
	}
	now_ms = until;
}

static void up_up(void *arg, const struct zb_network *network)
{
	(void)arg;
	told.ups++;
	told.network = *network;
}

static void up_lost(void *arg, const char *text)
{
	(void)arg;
	told.losts++;
	snprintf(told.text, sizeof(told.text), "%s", text);
}

static void up_fail(void *arg, int status, const char *text)
{
	(void)arg;
	told.fails++;
	told.status = status;
	snprintf(told.text, sizeof(told.text), "%s", text);
}

static void up_line(void *arg, const char *text)
{
	(void)arg;
	told.lines++;
	snprintf(told.line, sizeof(told.line), "%s", text);
}

static void up_heard(void *arg, const struct zb_indication *i)
{
	(void)arg;
	told.heard++;
	told.last = *i;
	memcpy(told.asdu, i->asdu.at, i->asdu.len);
}

static void up_confirm(void *arg, const struct zb_confirm *c)
{
	(void)arg;
	told.confirms++;
	told.confirm = *c;
}

static void up_log(void *arg, uint32_t level, const char *text)
{
	(void)arg;
	(void)level;
	(void)text;
}

static const struct zb_host upcalls = {
	.write = up_write,
	.up = up_up,
	.lost = up_lost,
	.fail = up_fail,
	.line = up_line,
	.heard = up_heard,
	.confirm = up_confirm,
	.log = up_log,
};

void make(const struct zb_config *config)
{
	ck_assert_int_eq(
		zb_deconz_stack.create(config, &upcalls, NULL, &stack), 0);
}

void setup(void)
{
	memset(&fw, 0, sizeof(fw));
	memset(&told, 0, sizeof(told));
	memset(&from_host, 0, sizeof(from_host));
	wire_len = 0;
	now_ms = 1000;
	fw.state = DECONZ_CONNECTED;
	fw.connect_to = DECONZ_CONNECTED;
	fw.channel = 15;
	stack = NULL;
}

void teardown(void)
{
	if (stack)
		zb_deconz_stack.destroy(stack);
}

void start(void)
{
	const struct zb_config config = {.channel = 15, .pan = 0xffff};

	if (!stack)
		make(&config);
	zb_deconz_stack.start(stack, now_ms);
	pass(0);
}

void have_endpoint(void)
{
	fw.endpoint_len =
		unit_unhex("01 0401 0500 00 02 0000 1900 00", fw.endpoint,
			sizeof(fw.endpoint));
}

void up(void)
{
	have_endpoint();
	start();
	ck_assert_uint_eq(told.ups, 1);
}

void notify_state(void)
{
	const uint8_t out[] = {state(), 0};

	raw_answer(DECONZ_STATE_CHANGED, 0x77, 0, false, out, 2);
	run();
}

void air_says(const char *asdu, bool both)
{
	uint8_t *at = fw.queue[fw.queued];
	size_t n = 0, len = strlen(asdu), i;

	at[n++] = 0;
	at[n++] = 2; /* destination: short address */
	put_le16(at + n, 0x0000);
	n += 2;
	at[n++] = 1;
	at[n++] = both ? 4 : 2;
	put_le16(at + n, 0x1000);
	n += 2;
	for (i = 0; both && i < 8; i++)
		at[n++] = (uint8_t)(LAMP >> (8 * i));
	at[n++] = 11;
	put_le16(at + n, 0x0104);
	put_le16(at + n + 2, 0x0019);
	put_le16(at + n + 4, (uint16_t)len);
	n += 6;
	memcpy(at + n, asdu, len);
	n += len;
	memcpy(at + n, "\0\0\xff\0\0\0\0\xd8", 8);
	fw.queue_len[fw.queued++] = n + 8;
}

int request(uint32_t id, uint16_t nwk, uint64_t eui64, bool ack)
{
	const struct zb_request r = {.id = id,
		.nwk = nwk,
		.eui64 = eui64,
		.profile = 0x0104,
		.cluster = 0x0019,
		.src_ep = 1,
		.dst_ep = 11,
		.ack = ack,
		.asdu = bytes_of("answer", 6)};
	int err = zb_deconz_stack.send(stack, now_ms, &r);

	run();
	return err;
}

void done(unsigned request_index, uint8_t status)
{
	fw.done[fw.done_count++] = fw.numbers[request_index];
	fw.done_status = status;
	notify_state();
}
