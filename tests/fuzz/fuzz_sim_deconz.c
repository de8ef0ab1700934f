/* Any bytes on the line of a simulated ConBee. The first byte chooses the form:
 * raw bytes, or frames that this target gives length, check and SLIP. Records of
 * length and bytes; time passes after each. Whatever comes, its output is whole
 * frames with right lengths and checks. */
#include <stdlib.h>

#include "tools/sim/zigbee/mesh.h"

#define FORM_FRAMES 0x10u
#define MS UINT64_C(1000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct host {
	struct mesh *mesh;
	struct ncp *ncp;
	uint64_t now;
	uint8_t frame[1024];
	size_t frame_len;
	bool escaped;
};

static void came(const struct host *h)
{
	const uint8_t *at = h->frame;
	size_t len = h->frame_len - 2;
	uint16_t sum = 0;

	if (h->frame_len < 7 || get_le16(at + 3) != len)
		abort();
	for (size_t i = 0; i < len; i++)
		sum = (uint16_t)(sum + at[i]);
	if ((uint16_t)(sum + get_le16(at + len)) != 0)
		abort();
}

static void take(struct host *h, uint8_t byte)
{
	if (byte == 0xc0) {
		if (h->frame_len > 0)
			came(h);
		h->frame_len = 0;
		return;
	}
	if (byte == 0xdb) {
		h->escaped = true;
		return;
	}
	if (h->escaped && byte != 0xdc && byte != 0xdd)
		abort();
	if (h->escaped)
		byte = byte == 0xdc ? 0xc0 : 0xdb;
	h->escaped = false;
	if (h->frame_len == sizeof(h->frame))
		abort();
	h->frame[h->frame_len++] = byte;
}

static void drain(struct host *h)
{
	uint8_t out[64];
	size_t len;

	while ((len = ncp_deconz.output(h->ncp, h->now, out, sizeof(out))) > 0)
		for (size_t i = 0; i < len; i++)
			take(h, out[i]);
}

static void put(struct host *h, uint8_t byte)
{
	uint8_t pair[2] = {0xdb, byte == 0xc0 ? 0xdc : 0xdd};

	if (byte == 0xc0 || byte == 0xdb)
		ncp_deconz.input(h->ncp, h->now, pair, 2);
	else
		ncp_deconz.input(h->ncp, h->now, &byte, 1);
}

/* Bytes 3 and 4 become the length of the frame. */
static void say_frame(struct host *h, struct bytes part)
{
	static const uint8_t end = 0xc0;
	uint8_t frame[260];
	uint16_t sum = 0;

	memcpy(frame, part.at, part.len);
	if (part.len >= 5)
		put_le16(frame + 3, (uint16_t)part.len);
	for (size_t i = 0; i < part.len; i++)
		sum = (uint16_t)(sum + frame[i]);
	put_le16(frame + part.len, (uint16_t)-sum);
	ncp_deconz.input(h->ncp, h->now, &end, 1);
	for (size_t i = 0; i < part.len + 2; i++)
		put(h, frame[i]);
	ncp_deconz.input(h->ncp, h->now, &end, 1);
}

static void run(struct host *h, bool frames, struct bytes in)
{
	while (in.len > 0) {
		size_t n = in.at[0];
		struct bytes part = bytes_slice(in, 1, n);

		in = bytes_slice(in, 1 + n, in.len);
		if (frames && part.len > 0)
			say_frame(h, part);
		else
			ncp_deconz.input(h->ncp, h->now, part.at, part.len);
		h->now += n == 255 ? 8000 * MS : 3 * MS;
		mesh_time(h->mesh, h->now);
		/* Now and then the host is slow. */
		if (n % 5)
			drain(h);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct host h = {0};
	struct mesh_setup setup;
	struct node_setup node;

	if (len == 0)
		return 0;
	mesh_setup_init(&setup);
	setup.network.formed = !(data[0] & 0x20);
	node_setup_init(&node);
	node.timers.interval_ms = 500;
	if (mesh_new(&setup, &h.mesh) < 0 ||
		ncp_deconz.create(h.mesh, data[0] & 0x40 ? "queue=1" : "",
			&h.ncp) < 0)
		abort();
	mesh_attach(h.mesh, &ncp_deconz, h.ncp);
	if (mesh_add(h.mesh, &node, 0, NULL, NULL) < 0)
		abort();
	run(&h, data[0] & FORM_FRAMES, bytes_of(data + 1, len - 1));
	ncp_deconz.announced(h.ncp, h.now, 0x11, 0x2000, true);
	drain(&h);
	ncp_deconz.reset(h.ncp, h.now);
	drain(&h);
	ncp_deconz.destroy(h.ncp);
	mesh_free(h.mesh);
	return 0;
}
