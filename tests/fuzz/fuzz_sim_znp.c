/* Any bytes from the host of a simulated Z-Stack coordinator, or any packets
 * from the host of a simulated hub: the first byte chooses. After each record of
 * length, bytes come and time passes. Whatever comes, the coordinator stays
 * alive and what it says is whole frames, or packets of the sizes that the page
 * allows. */
#include <stdlib.h>

#include "tools/sim/zigbee/mesh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct world {
	struct mesh *mesh;
	const struct ncp_ops *ops;
	struct ncp *ncp;
	uint64_t now;
};

static void check_stream(const uint8_t *at, size_t len)
{
	while (len > 0) {
		uint8_t fcs = 0;

		if (len < 5 || at[0] != 0xfe || len < 5u + at[1])
			abort();
		for (size_t i = 1; i < 5u + at[1]; i++)
			fcs ^= at[i];
		if (fcs != 0)
			abort();
		len -= 5u + at[1];
		at += 5u + at[1];
	}
}

static void drain(struct world *w)
{
	static uint8_t said[1 << 20];
	size_t n, len = 0;

	while ((n = w->ops->output(w->ncp, w->now, said + len,
			sizeof(said) - len)) > 0) {
		if (w->ops->packets && n > 152)
			abort();
		if (!w->ops->packets)
			len += n;
	}
	check_stream(said, len);
}

static void pass(struct world *w, uint64_t ns)
{
	uint64_t end = w->now + ns;

	for (unsigned turns = 0; turns < 2000; turns++) {
		uint64_t due = mesh_due(w->mesh);

		if (w->ops->due(w->ncp) < due)
			due = w->ops->due(w->ncp);
		if (due > end)
			break;
		if (due > w->now)
			w->now = due;
		mesh_time(w->mesh, w->now);
		w->ops->time(w->ncp, w->now);
	}
	w->now = end;
	drain(w);
}

static void add_nodes(struct world *w)
{
	static const char *const switches[] = {
		"page", "malformed=2", "exact-block=50"};
	struct node_setup node;

	node_setup_init(&node);
	node.timers.interval_ms = 1000;
	for (int i = 0; i < 4; i++) {
		if (i < 3 && traits_set(&node.traits, switches[i], NULL) < 0)
			abort();
		node.poll_ns = i == 3 ? 500000000u : 0;
		node.check_in_ns = i == 3 ? 1000000000u : 0;
		if (mesh_add(w->mesh, &node, w->now, NULL, NULL) < 0)
			abort();
		node.eui64++;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct world w = {.now = 1000000000u};
	struct mesh_setup setup;

	if (len == 0)
		return 0;
	w.ops = data[0] & 1 ? &ncp_zcl_socket : &ncp_znp;
	mesh_setup_init(&setup);
	setup.network.formed = !(data[0] & 2);
	setup.air.radio = data[0] & 4;
	setup.confirms = (enum mesh_confirms)((data[0] >> 3) % 3);
	if (mesh_new(&setup, &w.mesh) < 0 ||
		w.ops->create(w.mesh, "", &w.ncp) < 0)
		abort();
	mesh_attach(w.mesh, w.ops, w.ncp);
	add_nodes(&w);
	for (size_t at = 1; at < len;) {
		size_t n = data[at++];

		if (n > len - at)
			n = len - at;
		w.ops->input(w.ncp, w.now, data + at, n);
		at += n;
		pass(&w, n == 255 ? 2000000000u : 10000000u);
	}
	w.ops->destroy(w.ncp);
	mesh_free(w.mesh);
	return 0;
}
