/* Bytes, answers, time and requests in any order for the stack deconz. Each
 * step is a byte that says what: 00..3f  so many * 50 ms pass 40..7f  a request
 *   80..bf  raw bytes: length, bytes
 *   c0..df  an answer to the command that is outstanding: status, length,
 * payload e0..ff  another frame with a good check: command, length, payload */
#include "tests/fuzz/zigbee_stack_end.h"
#include "transports/zigbee/deconz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct bytes in;

static uint8_t take(void)
{
	uint8_t byte = in.len ? in.at[0] : 0;

	in = bytes_slice(in, 1, in.len);
	return byte;
}

static struct bytes take_part(void)
{
	size_t len = take();
	struct bytes part = bytes_slice(in, 0, len);

	in = bytes_slice(in, part.len, in.len);
	return part;
}

/* A frame of the firmware: like one of ours, with a status. */
static void frame(struct zb_stack *s, int64_t now_ms, uint8_t command,
	uint8_t seq, uint8_t status, struct bytes payload)
{
	uint8_t wire[DECONZ_WIRE_MAX], raw[DECONZ_WIRE_MAX];
	size_t len = deconz_frame_put(wire, command, seq, payload), n = 0, i;
	unsigned sum = status;

	/* Without SLIP, the status in, the check again, and SLIP. */
	for (i = 1; i + 1 < len; i++) {
		raw[n] = wire[i];
		if (wire[i] == 0xdb)
			raw[n] = wire[++i] == 0xdc ? 0xc0 : 0xdb;
		n++;
	}
	raw[2] = status;
	sum = 0;
	for (i = 0; i < n - 2; i++)
		sum += raw[i];
	put_le16(raw + n - 2, (uint16_t)(0u - sum));
	len = 0;
	wire[len++] = 0xc0;
	for (i = 0; i < n && len + 3 < sizeof(wire); i++) {
		if (raw[i] == 0xc0 || raw[i] == 0xdb) {
			wire[len++] = 0xdb;
			wire[len++] = raw[i] == 0xc0 ? 0xdc : 0xdd;
		} else {
			wire[len++] = raw[i];
		}
	}
	wire[len++] = 0xc0;
	zb_deconz_stack.input(s, now_ms, bytes_of(wire, len));
}

static void step(struct zb_stack *s, int64_t *now_ms)
{
	uint8_t what = take(), byte;

	if (what < 0x40) {
		*now_ms += what * 50;
		zb_deconz_stack.time(s, *now_ms);
	} else if (what < 0x80) {
		end_send(&zb_deconz_stack, s, *now_ms, what & 0x3f);
	} else if (what < 0xc0) {
		zb_deconz_stack.input(s, *now_ms, take_part());
	} else {
		byte = take();
		if (what < 0xe0)
			frame(s, *now_ms, s->command, s->seq, byte,
				take_part());
		else
			frame(s, *now_ms, byte, s->seq, 0, take_part());
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct zb_config config = {.form = len & 1,
		.channel = 15,
		.pan = 0x1a62,
		.network_key = {1}};
	struct zb_stack *s;
	int64_t now_ms = 0;

	memset(&end, 0, sizeof(end));
	in = bytes_of(data, len);
	if (zb_deconz_stack.create(&config, &end_host, NULL, &s))
		return 0;
	zb_deconz_stack.start(s, now_ms);
	while (in.len)
		step(s, &now_ms);
	zb_deconz_stack.destroy(s);
	return 0;
}
