/* Any bytes on the line of an ASH host. The first byte chooses the window and
 * how the rest is cut. Cutting must make no difference to what arrives at a host
 * that sends nothing; a frame that was decoded and is encoded again must be decoded the same; the host never
 * owes more than its queue and is always fit for a reset. */
#include "transports/zigbee/ash.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
	size_t frames;
	uint16_t sum;
	struct ash *ash;
	bool replies;
};

static void on_write(void *arg, struct bytes data)
{
	(void)arg;
	if (!data.len)
		abort();
}

static void on_data(void *arg, struct bytes data)
{
	struct seen *seen = arg;

	if (data.len < ASH_DATA_MIN || data.len > ASH_DATA_MAX)
		abort();
	seen->frames++;
	seen->sum = (uint16_t)(seen->sum * 31 + ash_crc(data));
	if (seen->replies)
		ash_send(seen->ash, seen->ash->now, data);
}

static void on_up(void *arg, uint8_t reason)
{
	struct seen *seen = arg;

	seen->sum = (uint16_t)(seen->sum * 31 + reason);
}

static void on_down(void *arg, enum ash_down why, uint8_t code)
{
	struct seen *seen = arg;

	seen->sum = (uint16_t)(seen->sum * 31 + why + code);
}

static const struct ash_host host = {on_write, on_data, on_up, on_down};

static struct seen run(unsigned window, struct bytes in, size_t piece)
{
	static const uint8_t rstack[] = {0xc1, 2, 2, 0x9b, 0x7b, 0x7e};
	struct seen seen = {0};
	struct ash ash;

	seen.ash = &ash;
	seen.replies = window;
	ash_init(&ash, &host, &seen, window);
	ash_reset(&ash, 0);
	ash_input(&ash, 1, bytes_of(rstack, sizeof(rstack)));
	for (; in.len; in = bytes_slice(in, piece, in.len)) {
		ash_input(&ash, 2, bytes_slice(in, 0, piece));
		if (ash_queued(&ash) > 7)
			abort();
	}
	while (ash.state != ASH_STATE_DOWN && ash_deadline(&ash) != INT64_MAX)
		ash_time(&ash, ash_deadline(&ash));
	ash_reset(&ash, 1 << 30);
	if (ash.state != ASH_STATE_RESETTING)
		abort();
	return seen;
}

static void read_back(struct bytes in)
{
	struct ash_frame f, again;
	struct ash_decoder d, e;
	uint8_t at[ASH_WIRE_MAX];
	size_t i, j, len;

	ash_decoder_init(&d);
	ash_decoder_init(&e);
	for (i = 0; i < in.len; i++) {
		if (ash_decode(&d, in.at[i], &f) != ASH_FRAME)
			continue;
		len = ash_frame_put(at, &f);
		if (!len || len > sizeof(at))
			abort();
		for (j = 0; j + 1 < len; j++)
			if (ash_decode(&e, at[j], &again) != ASH_MORE)
				abort();
		if (ash_decode(&e, at[j], &again) != ASH_FRAME ||
				again.type != f.type || again.ack != f.ack ||
				!bytes_equal(again.data, f.data))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct seen whole, cut;
	struct bytes in;

	if (len < 1)
		return 0;
	in = bytes_of(data + 1, len - 1);
	read_back(in);
	whole = run(data[0] & 7, in, in.len);
	cut = run(data[0] & 7, in, 1 + data[0] / 8);
	if (!whole.replies &&
			(whole.frames != cut.frames || whole.sum != cut.sum))
		abort();
	return 0;
}
