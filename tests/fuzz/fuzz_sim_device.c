/* Any bytes on the line of a simulated device, in every framing and with a few
 * personalities. The first byte chooses; after each record of length, bytes
 * come and time passes. Whatever comes, the device stays alive, its answers
 * are whole messages, and its running image stays what it was until a reset. */
#include <stdlib.h>

#include "tools/sim/device.h"

static const char *const personalities[8] = {"resume", "cbor", "two-images",
	"recovery", "direct-xip", "v1-only", "line-limits", "match"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void drain(struct device *d, uint64_t now)
{
	struct bytes out;

	device_advance(d, now);
	while ((out = device_tx(d, now)).len > 0) {
		if (d->framing == FRAMING_RAW &&
			(out.len < SMP_HEADER_LEN ||
				out.len !=
					SMP_HEADER_LEN +
						(size_t)get_be16(out.at + 2)))
			abort();
		device_tx_done(d);
	}
}

static void run(struct device *d, struct bytes in, uint64_t now)
{
	while (in.len > 0) {
		size_t n = in.at[0];

		in = bytes_slice(in, 1, in.len);
		device_rx(d, now, bytes_slice(in, 0, n));
		in = bytes_slice(in, n, in.len);
		now += n == 255 ? 4000000000u : 1000000u;
		drain(d, now);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct device_setup setup;
	struct switches sw;
	struct device d;

	if (len == 0)
		return 0;
	device_setup_init(&setup);
	setup.framing = (enum device_framing)(data[0] % 3);
	setup.slot_size = 16 << 10;
	setup.image.payload_len = 100;
	setup.think_us = 0;
	setup.boot_us = 0;
	setup.swap_us = 0;
	/* A bootloader that takes envelopes only; its secret is all zeros. */
	setup.suit = data[0] & 0x10 && data[0] >> 5 != 3 && data[0] >> 5 != 4;
	switches_init(&sw);
	if (switches_set(&sw, personalities[data[0] >> 5], NULL, NULL) < 0 ||
		device_open(&d, &setup, &sw, 1, NULL) < 0)
		abort();
	device_advance(&d, 1000000);
	run(&d, bytes_of(data + 1, len - 1), 1000000);
	if (d.state == DEVICE_DEAD && data[0] >> 5 != 3)
		abort();
	device_close(&d);
	return 0;
}
