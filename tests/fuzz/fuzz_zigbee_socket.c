/* Packets, time and requests in any order for the stack zcl-socket. Each step
 * is a byte that says what, and for a packet its length in the next: 00..7f  so
 * many * 50 ms pass 80..bf  a request c0..ff  a packet: length, bytes and each
 * packet that can be read can be written to the same bytes. */
#include "tests/fuzz/zigbee_stack_end.h"
#include "transports/zigbee/socket_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_codec(struct bytes packet)
{
	uint8_t out[ZS_PACKET_MAX];
	struct zs_packet p;
	size_t n;

	if (zs_read(packet, &p))
		return;
	n = zs_write(&p, out);
	if (n > packet.len || memcmp(out, packet.at, n) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct zb_stack_ops *ops = &zb_socket_stack;
	const struct zb_config config = {.window = 0};
	struct bytes in = bytes_of(data, len), packet;
	struct zb_stack *s;
	int64_t now_ms = 0;
	uint8_t step;

	memset(&end, 0, sizeof(end));
	if (ops->create(&config, &end_host, NULL, &s))
		return 0;
	ops->start(s, now_ms);
	while (in.len) {
		step = in.at[0];
		in = bytes_slice(in, 1, in.len);
		if (step < 0x80) {
			now_ms += step * 50;
			ops->time(s, now_ms);
		} else if (step < 0xc0) {
			end_send(ops, s, now_ms, step & 0x3f);
		} else if (in.len) {
			packet = bytes_slice(in, 1, in.at[0]);
			in = bytes_slice(in, 1 + (size_t)in.at[0], in.len);
			check_codec(packet);
			ops->input(s, now_ms, packet);
		}
	}
	ops->destroy(s);
	return 0;
}
