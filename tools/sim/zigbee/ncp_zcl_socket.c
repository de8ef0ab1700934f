/* A simulated hub whose own stack owns the radio: the stack's side of zcl-socket
 * (docs/zigbee.md), from that page alone. */
#include <errno.h>
#include <stdlib.h>

#include "tools/sim/zigbee/mesh.h"
#include "tools/sim/zigbee/ncp_options.h"

#define MSG_HELLO 0x01
#define MSG_LIST 0x02
#define MSG_SEND 0x03
#define MSG_PING 0x04
#define MSG_PONG 0x05
#define MSG_NETWORK 0x81
#define MSG_NODE 0x82
#define MSG_LISTED 0x83
#define MSG_FRAME 0x84
#define MSG_CONFIRM 0x85

#define VERSION 1
#define PACKET_MAX 256u
#define QUEUE_SIZE 4096u
#define FRAMES_MAX 2048u /* above, frames from the air are dropped */
#define WINDOW_MAX 64u
#define HELLO_LEN 7u
#define SEND_HEAD 23u
#define FRAME_HEAD 24u

#define NETWORK_UP 0x01
#define NETWORK_AIRTIME 0x02
#define NETWORK_ZDO 0x04
#define NODE_JOINED 0x01
#define NODE_LEFT 0x02
#define NODE_SLEEP_KNOWN 0x04
#define NODE_SLEEPS 0x08
#define SEND_ACK 0x01

struct packet {
	uint16_t len;
	uint8_t bytes[PACKET_MAX];
};

struct ncp {
	struct mesh *mesh;
	bool zdo;
	bool greeted;
	bool broken;
	bool listing;
	size_t list_at;
	uint16_t listed;
	struct packet *queue; /* QUEUE_SIZE, a ring */
	size_t first, count;
	uint64_t dropped;
};

static void put_eui64(uint8_t *at, uint64_t v)
{
	put_le32(at, (uint32_t)v);
	put_le32(at + 4, (uint32_t)(v >> 32));
}

static uint64_t get_eui64(const uint8_t *at)
{
	return (uint64_t)get_le32(at + 4) << 32 | get_le32(at);
}

static void say(struct ncp *n, const uint8_t *data, size_t len)
{
	struct packet *p = &n->queue[(n->first + n->count) % QUEUE_SIZE];

	if (!n->greeted || n->count == QUEUE_SIZE) {
		n->dropped++;
		return;
	}
	p->len = (uint16_t)len;
	memcpy(p->bytes, data, len);
	n->count++;
}

static void say_network(struct ncp *n, uint8_t version)
{
	const struct ncp_network *net = mesh_network(n->mesh);
	unsigned window = net->buffers;
	uint8_t p[24 + 9] = {MSG_NETWORK, version};

	if (window > WINDOW_MAX)
		window = WINDOW_MAX;
	p[2] = (uint8_t)((net->formed ? NETWORK_UP : 0) | NETWORK_AIRTIME |
			 (n->zdo ? NETWORK_ZDO : 0));
	p[3] = net->channel;
	p[4] = (uint8_t)(window ? window : 1);
	p[5] = AIR_ASDU_MAX;
	put_le16(p + 6, net->pan);
	put_eui64(p + 8, net->eui64);
	put_eui64(p + 16, net->ext_pan);
	memcpy(p + 24, "ferry-sim", 9);
	say(n, p, sizeof(p));
}

static size_t write_node(
	uint8_t *at, uint64_t eui64, uint16_t nwk, unsigned flags)
{
	at[0] = MSG_NODE;
	put_eui64(at + 1, eui64);
	put_le16(at + 9, nwk);
	at[11] = (uint8_t)flags;
	return 12;
}

static void say_node(
	struct ncp *n, uint64_t eui64, uint16_t nwk, unsigned flags)
{
	uint8_t p[12];

	say(n, p, write_node(p, eui64, nwk, flags));
}

/* ---- from Ferry ---- */

static void heard_hello(struct ncp *n, struct bytes p)
{
	if (p.len < HELLO_LEN || memcmp(p.at + 1, "ZCLS", 4) != 0 ||
		p.at[5] > p.at[6]) {
		n->broken = true;
		return;
	}
	n->greeted = true;
	if (p.at[5] > VERSION || p.at[6] < VERSION) {
		say_network(n, 0);
		n->broken = true;
		return;
	}
	say_network(n, VERSION);
}

static void say_confirm(struct ncp *n, uint32_t id, unsigned result,
	uint32_t airtime_us)
{
	uint8_t p[14] = {MSG_CONFIRM};

	put_le32(p + 1, id);
	p[5] = (uint8_t)result;
	put_le32(p + 6, result);
	put_le32(p + 10, airtime_us);
	say(n, p, sizeof(p));
}

static void heard_send(struct ncp *n, uint64_t now, struct bytes p)
{
	struct ncp_frame f = {0};

	if (p.len <= SEND_HEAD || p.len - SEND_HEAD > NCP_ASDU_MAX ||
		get_le32(p.at + 1) == 0) {
		n->broken = true;
		return;
	}
	f.handle = get_le32(p.at + 1);
	f.nwk = get_le16(p.at + 5);
	f.eui64 = get_eui64(p.at + 7);
	f.profile = get_le16(p.at + 15);
	f.cluster = get_le16(p.at + 17);
	f.src_ep = p.at[19];
	f.dst_ep = p.at[20];
	f.ack = p.at[21] & SEND_ACK;
	f.asdu = p.at + SEND_HEAD;
	f.asdu_len = (uint8_t)(p.len - SEND_HEAD);
	if (f.asdu_len > AIR_ASDU_MAX) {
		say_confirm(n, f.handle, 5, 0);
		return;
	}
	/* The stack resolves; an unknown device has no route. */
	if (f.eui64 && !mesh_find_eui64(n->mesh, f.eui64, &f.nwk)) {
		say_confirm(n, f.handle, 2, 0);
		return;
	}
	mesh_send(n->mesh, now, &f);
}

static void socket_input(
	struct ncp *n, uint64_t now, const uint8_t *data, size_t len)
{
	struct bytes p = bytes_of(data, len);
	uint8_t pong[5];

	if (n->broken || p.len == 0)
		return;
	if (p.len > PACKET_MAX || n->greeted == (p.at[0] == MSG_HELLO)) {
		n->broken = true;
		return;
	}
	switch (p.at[0]) {
	case MSG_HELLO:
		heard_hello(n, p);
		return;
	case MSG_LIST:
		n->listing = true;
		n->list_at = 0;
		n->listed = 0;
		return;
	case MSG_SEND:
		heard_send(n, now, p);
		return;
	case MSG_PING:
		n->broken = p.len < 5;
		if (n->broken)
			return;
		pong[0] = MSG_PONG;
		memcpy(pong + 1, p.at + 1, 4);
		say(n, pong, sizeof(pong));
		return;
	default:
		return; /* of a later version */
	}
}

/* ---- to Ferry ---- */

/* The next device of the list, or its end. */
static size_t write_list(struct ncp *n, uint8_t *at)
{
	while (n->list_at < mesh_count(n->mesh)) {
		const struct node *node = mesh_node(n->mesh, n->list_at++);

		if (!node->joined)
			continue;
		n->listed++;
		return write_node(at, node->setup.eui64, node->nwk,
			NODE_SLEEP_KNOWN |
				(node_is_sleepy(node) ? NODE_SLEEPS : 0));
	}
	n->listing = false;
	at[0] = MSG_LISTED;
	put_le16(at + 1, n->listed);
	return 3;
}

static size_t socket_output(
	struct ncp *n, uint64_t now, uint8_t *at, size_t room)
{
	struct packet *p = &n->queue[n->first];

	(void)now;
	if (n->count > 0) {
		if (p->len > room)
			return 0;
		memcpy(at, p->bytes, p->len);
		n->first = (n->first + 1) % QUEUE_SIZE;
		n->count--;
		return p->len;
	}
	return n->listing && room >= 12 ? write_list(n, at) : 0;
}

static void socket_heard(
	struct ncp *n, uint64_t now, const struct ncp_frame *f)
{
	uint8_t p[FRAME_HEAD + NCP_ASDU_MAX] = {MSG_FRAME};
	bool zdo = f->profile == NODE_PROFILE_ZDO;

	(void)now;
	if (zdo ? !n->zdo
		: f->cluster != NODE_CLUSTER_OTA &&
			  f->cluster != NODE_CLUSTER_BASIC &&
			  f->cluster != NODE_CLUSTER_POLL)
		return;
	if (n->count >= FRAMES_MAX) {
		n->dropped++;
		return;
	}
	put_le16(p + 1, f->nwk);
	put_eui64(p + 3, f->eui64);
	put_le16(p + 11, f->profile);
	put_le16(p + 13, f->cluster);
	p[15] = f->src_ep;
	p[16] = f->dst_ep;
	p[17] = f->broadcast;
	p[18] = f->lqi;
	p[19] = (uint8_t)f->rssi;
	put_le32(p + 20, f->airtime_us);
	memcpy(p + FRAME_HEAD, f->asdu, f->asdu_len);
	say(n, p, FRAME_HEAD + f->asdu_len);
}

static void socket_ended(struct ncp *n, uint64_t now, uint32_t handle,
	enum ncp_end end, uint32_t airtime_us)
{
	static const uint8_t results[] = {[NCP_SENT] = 0,
		[NCP_NO_ACK] = 1,
		[NCP_NO_ROUTE] = 2,
		[NCP_NO_BUFFER] = 3,
		[NCP_EXPIRED] = 4};

	(void)now;
	say_confirm(n, handle, results[end], airtime_us);
}

static void socket_announced(
	struct ncp *n, uint64_t now, uint64_t eui64, uint16_t nwk, bool sleepy)
{
	(void)now;
	say_node(n, eui64, nwk,
		NODE_JOINED | NODE_SLEEP_KNOWN | (sleepy ? NODE_SLEEPS : 0));
}

static void socket_left(
	struct ncp *n, uint64_t now, uint64_t eui64, uint16_t nwk)
{
	(void)now;
	say_node(n, eui64, nwk, NODE_LEFT);
}

/* ---- life ---- */

/* As this stack is asked: OTA, Basic and Poll Control on every endpoint. */
static void offer_clusters(struct ncp *n)
{
	static const uint16_t in[] = {NODE_CLUSTER_OTA, NODE_CLUSTER_POLL};

	mesh_register(n->mesh, NCP_ANY_ENDPOINT, NODE_PROFILE_HA, in, 2, NULL,
		0);
}

/* A new connection, or a new start of the stack. */
static void socket_reset(struct ncp *n, uint64_t now)
{
	(void)now;
	n->greeted = n->broken = n->listing = false;
	n->first = n->count = 0;
	mesh_forget_endpoints(n->mesh);
	offer_clusters(n);
}

static void socket_destroy(struct ncp *n)
{
	if (!n)
		return;
	free(n->queue);
	free(n);
}

static int socket_create(
	struct mesh *mesh, const char *options, struct ncp **ret)
{
	uint32_t no_zdo = 0;
	const struct ncp_option zdo = {"zdo", 0, 0, &no_zdo, "no"};
	struct ncp *n;
	int err = ncp_options_read(options, &zdo, 1);

	if (err)
		return err;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->mesh = mesh;
	n->zdo = !no_zdo;
	n->queue = calloc(QUEUE_SIZE, sizeof(*n->queue));
	if (!n->queue) {
		socket_destroy(n);
		return -ENOMEM;
	}
	offer_clusters(n);
	*ret = n;
	return 0;
}

static void socket_time(struct ncp *n, uint64_t now)
{
	(void)n;
	(void)now;
}

static uint64_t socket_due(const struct ncp *n)
{
	(void)n;
	return NCP_NEVER;
}

static bool socket_broken(const struct ncp *n)
{
	return n->broken && n->count == 0;
}

const struct ncp_ops ncp_zcl_socket = {
	.name = "zcl-socket",
	.packets = true,
	.create = socket_create,
	.destroy = socket_destroy,
	.reset = socket_reset,
	.input = socket_input,
	.output = socket_output,
	.time = socket_time,
	.due = socket_due,
	.broken = socket_broken,
	.heard = socket_heard,
	.ended = socket_ended,
	.announced = socket_announced,
	.left = socket_left,
};
