#include "tools/sim/zigbee/mesh_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define COALESCE_NS UINT64_C(20000000)
#define LATE_NS UINT64_C(50000000)
#define LATE_MAX_NS UINT64_C(200000000)
#define NWK_BROADCAST 0xfff8u

void mesh_setup_init(struct mesh_setup *setup)
{
	static const uint8_t key[16] = {
		1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 13};

	*setup = (struct mesh_setup){
		.network = {.eui64 = UINT64_C(0x00124b0009d69f77),
			.ext_pan = UINT64_C(0xdddddddddddddddd),
			.pan = 0x1a62,
			.channel = 11,
			.formed = true,
			.buffers = 8},
		.air = {.retries = 3,
			.retry_ns = UINT64_C(1600000000),
			.seed = 1},
	};
	memcpy(setup->network.key, key, sizeof(key));
}

static void free_flight(struct mesh *m, struct flight *fl)
{
	queue_take(&m->queue, &fl->item);
	if (fl->node && fl->node->confirm == fl)
		fl->node->confirm = NULL;
	if (fl->counted)
		m->in_flight--;
	fl->counted = false;
	fl->next = m->free;
	m->free = fl;
}

static struct flight *new_flight(struct mesh *m, const struct ncp_frame *f)
{
	struct flight *fl = m->free;

	if (!fl)
		return NULL;
	m->free = fl->next;
	fl->next = NULL;
	fl->node = NULL;
	fl->up = fl->lost = fl->twice = fl->counted = false;
	fl->tries = 0;
	fl->airtime_us = 0;
	fl->f = *f;
	memcpy(fl->asdu, f->asdu, f->asdu_len);
	fl->f.asdu = fl->asdu;
	return fl;
}

int mesh_new(const struct mesh_setup *setup, struct mesh **ret)
{
	struct mesh *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->setup = *setup;
	air_init(&m->air, &setup->air);
	m->nodes = calloc(MESH_NODES_MAX, sizeof(struct node *));
	m->flights = calloc(MESH_FLIGHTS_MAX, sizeof(*m->flights));
	if (!m->nodes || !m->flights ||
		queue_init(&m->queue, MESH_NODES_MAX + MESH_FLIGHTS_MAX) < 0) {
		mesh_free(m);
		return -ENOMEM;
	}
	for (size_t i = MESH_FLIGHTS_MAX; i-- > 0;) {
		m->flights[i].item.kind = ITEM_FLIGHT;
		m->flights[i].next = m->free;
		m->free = &m->flights[i];
	}
	*ret = m;
	return 0;
}

void mesh_free(struct mesh *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++) {
		node_done(m->nodes[i]);
		free(m->nodes[i]);
	}
	queue_done(&m->queue);
	free(m->flights);
	free(m->nodes);
	free(m);
}

void mesh_attach(struct mesh *m, const struct ncp_ops *ops, struct ncp *ncp)
{
	m->ops = ops;
	m->ncp = ncp;
}

int mesh_add(struct mesh *m, const struct node_setup *setup, uint64_t now,
	struct fault *fault, struct node **ret)
{
	struct node *n;
	int err;

	if (m->count == MESH_NODES_MAX)
		return fault_set(fault, -E2BIG, 0, "count",
			"more than %d nodes of a network", MESH_NODES_MAX);
	if (mesh_by_eui64(m, setup->eui64))
		return fault_set(fault, -EEXIST, 0, "eui64",
			"%016llx is there twice",
			(unsigned long long)setup->eui64);
	n = calloc(1, sizeof(*n));
	if (!n)
		return fault_set(fault, -ENOMEM, 0, "node", "no memory");
	n->index = m->count;
	n->item.kind = ITEM_NODE;
	err = node_init(n, m, setup, m->setup.air.seed, fault);
	if (err) {
		node_done(n);
		free(n);
		return err;
	}
	m->nodes[m->count++] = n;
	mesh_enter_eui64(m, n);
	if (m->setup.network.formed) {
		mesh_readdress(m, n);
		node_start(n, now);
	}
	mesh_schedule(m, n);
	if (ret)
		*ret = n;
	return 0;
}

size_t mesh_count(const struct mesh *m)
{
	return m->count;
}

struct node *mesh_node(const struct mesh *m, size_t i)
{
	return m->nodes[i];
}

struct node *mesh_find_name(const struct mesh *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->nodes[i]->setup.name, name) == 0)
			return m->nodes[i];
	return NULL;
}

const struct ncp_network *mesh_network(const struct mesh *m)
{
	return &m->setup.network;
}

const struct mesh_counts *mesh_counts(const struct mesh *m)
{
	return &m->counts;
}

const struct air *mesh_air(const struct mesh *m)
{
	return &m->air;
}

bool mesh_is_join(const struct mesh *m)
{
	return m->join;
}

unsigned mesh_in_flight(const struct mesh *m)
{
	return m->in_flight;
}

void mesh_set_confirms(struct mesh *m, enum mesh_confirms confirms)
{
	m->setup.confirms = confirms;
}

void mesh_set_air(struct mesh *m, const struct air_setup *setup)
{
	m->setup.air = *setup;
	m->air.setup = *setup;
}

void mesh_schedule(struct mesh *m, struct node *n)
{
	queue_put(&m->queue, &n->item, node_due(n));
}

/* ---- what ends ---- */

static void end_now(struct mesh *m, struct flight *fl, uint64_t now)
{
	uint32_t handle = fl->f.handle, airtime_us = fl->airtime_us;
	enum ncp_end end = fl->end;

	switch (end) {
	case NCP_SENT:
		break;
	case NCP_NO_ACK:
		m->counts.no_ack++;
		break;
	case NCP_NO_ROUTE:
		m->counts.no_route++;
		break;
	case NCP_NO_BUFFER:
		m->counts.refused++;
		break;
	case NCP_EXPIRED:
		m->counts.expired++;
		break;
	}
	m->counts.airtime_down_us += airtime_us;
	free_flight(m, fl);
	if (m->ops)
		m->ops->ended(m->ncp, now, handle, end, airtime_us);
}

static void end_at(struct mesh *m, struct flight *fl, enum ncp_end end,
	uint64_t when)
{
	fl->phase = FLIGHT_ENDING;
	fl->end = end;
	queue_put(&m->queue, &fl->item, when);
}

/* A frame was delivered, or given up: its confirm comes now, or when the switch
 * of the coordinator says. */
static void finish(struct mesh *m, struct flight *fl, uint64_t now,
	enum ncp_end end)
{
	struct node *n = fl->node;

	fl->end = end;
	if (!n || end != NCP_SENT ||
		m->setup.confirms == MESH_CONFIRM_AT_ONCE) {
		end_now(m, fl, now);
	} else if (m->setup.confirms == MESH_CONFIRM_LATE) {
		end_at(m, fl, end, now + LATE_NS);
	} else {
		if (n->confirm)
			end_now(m, n->confirm, now);
		n->confirm = fl;
		end_at(m, fl, end, now + COALESCE_NS);
	}
}

/* ---- to the nodes ---- */

static void launch(struct mesh *m, struct flight *fl, uint64_t now)
{
	unsigned hops = fl->node ? fl->node->setup.hops : 1;
	struct air_try t = air_try(&m->air, now, fl->f.asdu_len, hops);

	fl->tries++;
	fl->lost = t.lost;
	fl->twice = t.twice;
	fl->phase = FLIGHT_AIR;
	fl->airtime_us += air_frame_us(fl->f.asdu_len) * hops;
	m->counts.retries += fl->tries > 1;
	queue_put(&m->queue, &fl->item, t.at);
}

static void hold(struct mesh *m, struct flight *fl, uint64_t now)
{
	struct flight **at = &fl->node->held;

	while (*at)
		at = &(*at)->next;
	*at = fl;
	fl->phase = FLIGHT_HELD;
	queue_put(&m->queue, &fl->item, now + MESH_HELD_NS);
}

static void let_go(struct flight *fl)
{
	struct flight **at = &fl->node->held;

	while (*at && *at != fl)
		at = &(*at)->next;
	if (*at)
		*at = fl->next;
	fl->next = NULL;
}

void mesh_send(struct mesh *m, uint64_t now, const struct ncp_frame *f)
{
	struct flight *fl;

	m->counts.frames_down++;
	if (f->asdu_len > NCP_ASDU_MAX)
		return;
	fl = new_flight(m, f);
	if (!fl)
		return;
	fl->f.broadcast = f->nwk >= NWK_BROADCAST;
	if (m->in_flight >= m->setup.network.buffers) {
		end_at(m, fl, NCP_NO_BUFFER, now);
		return;
	}
	fl->counted = true;
	m->in_flight++;
	if (m->in_flight > m->counts.in_flight_peak)
		m->counts.in_flight_peak = m->in_flight;
	if (f->asdu_len > AIR_ASDU_MAX) {
		m->counts.too_long++;
		end_at(m, fl, NCP_NO_ACK, now);
		return;
	}
	if (fl->f.broadcast) {
		m->counts.broadcasts++;
		launch(m, fl, now);
		return;
	}
	fl->node = mesh_by_nwk(m, f->nwk);
	if (!fl->node)
		end_at(m, fl, NCP_NO_ROUTE, now);
	else if (node_is_sleepy(fl->node))
		hold(m, fl, now);
	else
		launch(m, fl, now);
}

void mesh_polled(struct mesh *m, struct node *n, uint64_t now)
{
	struct flight *fl = n->held;

	air_take(&m->air, now, air_poll_us());
	if (fl) {
		let_go(fl);
		launch(m, fl, now);
	}
}

static void deliver(struct mesh *m, struct node *n, uint64_t now,
	const struct ncp_frame *f)
{
	if (!node_is_deaf(n))
		node_heard(n, now, f);
	mesh_schedule(m, n);
}

static void deliver_to_all(
	struct mesh *m, struct flight *fl, uint64_t now)
{
	for (size_t i = 0; i < m->count; i++)
		if (!node_is_sleepy(m->nodes[i]))
			deliver(m, m->nodes[i], now, &fl->f);
}

static void retry_or_end(struct mesh *m, struct flight *fl, uint64_t now)
{
	if (fl->tries <= m->setup.air.retries) {
		fl->phase = FLIGHT_RETRY;
		queue_put(&m->queue, &fl->item,
			now + m->setup.air.retry_ns);
	} else {
		finish(m, fl, now, NCP_NO_ACK);
	}
}

static bool too_much_for(const struct node *n, const struct flight *fl)
{
	return trait_is_on(&n->setup.traits, TRAIT_NO_ACK_ABOVE) &&
	       fl->f.cluster == NODE_CLUSTER_OTA &&
	       fl->f.asdu_len >
		       17 + trait_value(&n->setup.traits, TRAIT_NO_ACK_ABOVE);
}

/* The last byte of a frame to a node is through. */
static void arrived_down(struct mesh *m, struct flight *fl, uint64_t now)
{
	struct node *n = fl->node;

	if (fl->f.broadcast) {
		if (!fl->lost)
			deliver_to_all(m, fl, now);
		finish(m, fl, now, NCP_SENT);
		return;
	}
	if (!n->joined || n->nwk != fl->f.nwk) {
		finish(m, fl, now, NCP_NO_ROUTE);
		return;
	}
	if (node_is_deaf(n) || too_much_for(n, fl)) {
		retry_or_end(m, fl, now);
		return;
	}
	if (fl->lost) {
		if (fl->f.ack)
			retry_or_end(m, fl, now);
		else
			finish(m, fl, now, NCP_SENT);
		return;
	}
	deliver(m, n, now, &fl->f);
	if (fl->twice)
		deliver(m, n, now, &fl->f);
	if (fl->f.ack) {
		fl->airtime_us += air_ack_us() * n->setup.hops;
		fl->phase = FLIGHT_ACKED;
		queue_put(&m->queue, &fl->item,
			air_take(&m->air, now,
				air_ack_us() * n->setup.hops));
	} else {
		finish(m, fl, now, NCP_SENT);
	}
}

/* ---- from the nodes ---- */

void mesh_uplink(struct mesh *m, struct node *n, uint64_t now,
	const struct ncp_frame *f)
{
	struct flight *fl = f->asdu_len <= NCP_ASDU_MAX ? new_flight(m, f)
							: NULL;

	m->counts.frames_up++;
	if (!fl)
		return;
	fl->up = true;
	fl->node = n;
	fl->f.nwk = n->nwk;
	fl->f.eui64 = n->setup.eui64;
	fl->f.lqi = 120;
	fl->f.rssi = -60;
	launch(m, fl, now);
}

static void tell_host(struct mesh *m, struct flight *fl, uint64_t now)
{
	struct ncp_frame *f = &fl->f;

	if (f->dst_ep != 0 && !mesh_has_endpoint(m, f->dst_ep)) {
		m->counts.no_endpoint++;
		return;
	}
	if (fl->node->confirm)
		end_now(m, fl->node->confirm, now);
	f->airtime_us = fl->airtime_us;
	if (m->ops)
		m->ops->heard(m->ncp, now, f);
}

static void arrived_up(struct mesh *m, struct flight *fl, uint64_t now)
{
	if (fl->lost && fl->f.ack && fl->tries <= m->setup.air.retries) {
		fl->phase = FLIGHT_RETRY;
		queue_put(&m->queue, &fl->item, now + m->setup.air.retry_ns);
		return;
	}
	if (!fl->lost) {
		if (fl->f.ack) {
			uint32_t us = air_ack_us() * fl->node->setup.hops;

			air_take(&m->air, now, us);
			fl->airtime_us += us;
		}
		tell_host(m, fl, now);
		if (fl->twice)
			tell_host(m, fl, now);
	}
	m->counts.airtime_up_us += fl->airtime_us;
	free_flight(m, fl);
}

void mesh_announced(struct mesh *m, struct node *n, uint64_t now, bool join)
{
	m->join = join;
	air_take(&m->air, now, air_frame_us(12));
	if (m->ops)
		m->ops->announced(m->ncp, now, n->setup.eui64, n->nwk,
			node_is_sleepy(n));
}

void mesh_went(struct mesh *m, struct node *n, uint64_t now)
{
	if (m->ops)
		m->ops->left(m->ncp, now, n->setup.eui64, n->nwk);
}

/* ---- the network as the host changes it ---- */

void mesh_form(struct mesh *m, const struct ncp_network *network)
{
	unsigned buffers = m->setup.network.buffers;
	uint64_t eui64 = m->setup.network.eui64;
	bool same = m->setup.network.formed &&
		    m->setup.network.ext_pan == network->ext_pan &&
		    m->setup.network.pan == network->pan &&
		    memcmp(m->setup.network.key, network->key,
			    sizeof(network->key)) == 0;

	m->setup.network = *network;
	m->setup.network.buffers = buffers;
	m->setup.network.eui64 = eui64;
	m->setup.network.formed = true;
	if (same)
		return;
	/* Nobody knows the new network's key before they join it. */
	for (size_t i = 0; i < m->count; i++) {
		m->nodes[i]->joined = false;
		mesh_schedule(m, m->nodes[i]);
	}
}

void mesh_forget_endpoints(struct mesh *m)
{
	m->endpoint_count = 0;
	for (size_t i = 0; i < MESH_FLIGHTS_MAX; i++) {
		struct flight *fl = &m->flights[i];

		if (fl->item.place == 0 || fl->up)
			continue;
		if (fl->phase == FLIGHT_HELD)
			let_go(fl);
		free_flight(m, fl);
	}
}

/* ---- time ---- */

static void flight_time(struct mesh *m, struct flight *fl, uint64_t now)
{
	switch (fl->phase) {
	case FLIGHT_HELD:
		let_go(fl);
		finish(m, fl, now, NCP_EXPIRED);
		return;
	case FLIGHT_AIR:
		if (fl->up)
			arrived_up(m, fl, now);
		else
			arrived_down(m, fl, now);
		return;
	case FLIGHT_ACKED:
		finish(m, fl, now, NCP_SENT);
		return;
	case FLIGHT_RETRY:
		if (fl->node && !fl->up && node_is_sleepy(fl->node))
			hold(m, fl, now);
		else
			launch(m, fl, now);
		return;
	case FLIGHT_ENDING:
		end_now(m, fl, now);
		return;
	}
}

void mesh_time(struct mesh *m, uint64_t now)
{
	struct queue_item *first;

	while ((first = queue_first(&m->queue)) && first->due <= now) {
		uint64_t due = first->due;

		/* Their own time, not that of a timer that came late: the
		 * speed of the air must not depend on it. What was asleep for
		 * long catches up with nothing. */
		if (now - due > LATE_MAX_NS)
			due = now;
		queue_take(&m->queue, first);
		if (first->kind == ITEM_NODE) {
			struct node *n = (struct node *)(void *)first;

			node_time(n, due);
			mesh_schedule(m, n);
		} else {
			flight_time(m, (struct flight *)(void *)first, due);
		}
	}
}

uint64_t mesh_due(const struct mesh *m)
{
	const struct queue_item *first = queue_first(&m->queue);

	return first ? first->due : NCP_NEVER;
}
