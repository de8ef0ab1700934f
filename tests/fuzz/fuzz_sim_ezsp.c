/* Any bytes on the line of a simulated Silicon Labs coprocessor. The first byte
 * chooses version and form: raw bytes, or EZSP frames that this target puts into
 * ASH frames with the right number and CRC. Records of length and bytes; time
 * passes after each. Whatever comes, its output is whole ASH frames, and a reset
 * brings it back. */
#include <stdlib.h>
#include <stdio.h>

#include "tools/sim/zigbee/mesh.h"

#define FORM_FRAMES 0x10u
#define MS UINT64_C(1000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct host {
	struct mesh *mesh;
	struct ncp *ncp;
	uint64_t now;
	uint8_t next, expected;
	uint8_t frame[512];
	size_t frame_len;
};

static uint16_t crc_of(const uint8_t *at, size_t len)
{
	uint16_t crc = 0xffff;

	while (len-- > 0) {
		crc = (uint16_t)(crc >> 8 | crc << 8);
		crc ^= *at++;
		crc ^= (uint16_t)((crc & 0xff) >> 4);
		crc ^= (uint16_t)(crc << 12);
		crc ^= (uint16_t)((crc & 0xff) << 5);
	}
	return crc;
}

/* A frame came: it must be whole; data of theirs is acknowledged. */
static void came(struct host *h)
{
	uint8_t ack[4] = {0, 0, 0, 0x7e};
	uint16_t crc;

	if (h->frame_len < 3)
		abort();
	crc = crc_of(h->frame, h->frame_len - 2);
	if (h->frame[h->frame_len - 2] != crc >> 8 ||
		h->frame[h->frame_len - 1] != (crc & 0xff))
		abort();
	if (h->frame[0] == 0xc1)
		h->next = h->expected = 0;
	if (h->frame[0] & 0x80 || h->frame[0] >> 4 != h->expected)
		return;
	h->expected = (uint8_t)((h->expected + 1) & 7);
	ack[0] = (uint8_t)(0x80 | h->expected);
	crc = crc_of(ack, 1);
	ack[1] = (uint8_t)(crc >> 8);
	ack[2] = (uint8_t)crc;
	ncp_ezsp.input(h->ncp, h->now, ack, sizeof(ack));
}

static void drain(struct host *h)
{
	uint8_t out[64];
	bool escaped = false;
	size_t len;

	while ((len = ncp_ezsp.output(h->ncp, h->now, out, sizeof(out))) > 0)
		for (size_t i = 0; i < len; i++) {
			if (out[i] == 0x7d) {
				escaped = true;
			} else if (out[i] == 0x7e) {
				came(h);
				h->frame_len = 0;
			} else {
				if (h->frame_len == sizeof(h->frame))
					abort();
				h->frame[h->frame_len++] = (uint8_t)(
					escaped ? out[i] ^ 0x20 : out[i]);
				escaped = false;
			}
		}
}

static size_t stuff(const uint8_t *from, size_t len, uint8_t *to)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t b = from[i];

		if (b == 0x7e || b == 0x7d || b == 0x11 || b == 0x13 ||
			b == 0x18 || b == 0x1a) {
			to[n++] = 0x7d;
			b ^= 0x20;
		}
		to[n++] = b;
	}
	to[n++] = 0x7e;
	return n;
}

static void say_frame(struct host *h, const uint8_t *at, size_t len)
{
	uint8_t frame[260], stuffed[521];
	uint8_t r = 0x42;
	uint16_t crc;

	frame[0] = (uint8_t)(h->next << 4 | h->expected);
	for (size_t i = 0; i < len; i++) {
		frame[1 + i] = at[i] ^ r;
		r = (uint8_t)(r & 1 ? r >> 1 ^ 0xb8 : r >> 1);
	}
	crc = crc_of(frame, 1 + len);
	frame[1 + len] = (uint8_t)(crc >> 8);
	frame[2 + len] = (uint8_t)crc;
	if (len >= 3 && len <= 220)
		h->next = (uint8_t)((h->next + 1) & 7);
	ncp_ezsp.input(h->ncp, h->now, stuffed, stuff(frame, 3 + len, stuffed));
}

static void run(struct host *h, bool frames, struct bytes in)
{
	while (in.len > 0) {
		size_t n = in.at[0];
		struct bytes part = bytes_slice(in, 1, n);

		in = bytes_slice(in, 1 + n, in.len);
		if (frames)
			say_frame(h, part.at, part.len);
		else
			ncp_ezsp.input(h->ncp, h->now, part.at, part.len);
		drain(h);
		h->now += n == 255 ? 4000 * MS : 3 * MS;
		mesh_time(h->mesh, h->now);
		if (ncp_ezsp.due(h->ncp) <= h->now)
			ncp_ezsp.time(h->ncp, h->now);
		drain(h);
	}
}

static void reset(struct host *h)
{
	static const uint8_t rst[] = {0x1a, 0xc0, 0x38, 0xbc, 0x7e};

	ncp_ezsp.input(h->ncp, h->now, rst, sizeof(rst));
	drain(h);
	if (h->next != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct host h = {0};
	struct mesh_setup setup;
	struct node_setup node;
	char options[32];

	if (len == 0)
		return 0;
	mesh_setup_init(&setup);
	setup.network.formed = !(data[0] & 0x20);
	node_setup_init(&node);
	node.timers.interval_ms = 500;
	snprintf(options, sizeof(options), "version=%u,queue=%u",
		8 + data[0] % 12, data[0] & 0x40 ? 1 : 64);
	if (mesh_new(&setup, &h.mesh) < 0 ||
		ncp_ezsp.create(h.mesh, options, &h.ncp) < 0)
		abort();
	mesh_attach(h.mesh, &ncp_ezsp, h.ncp);
	if (mesh_add(h.mesh, &node, 0, NULL, NULL) < 0)
		abort();
	reset(&h);
	run(&h, data[0] & FORM_FRAMES, bytes_of(data + 1, len - 1));
	ncp_ezsp.announced(h.ncp, h.now, 0x11, 0x2000, true);
	ncp_ezsp.left(h.ncp, h.now, 0x11, 0x2000);
	drain(&h);
	reset(&h);
	ncp_ezsp.destroy(h.ncp);
	mesh_free(h.mesh);
	return 0;
}
