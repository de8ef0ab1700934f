/* The stack "zcl-socket": the hub's own stack hands over frames on a socket.
 *
 *   IDLE -> GREETED -> AWAY <-> UP
 *
 * GREETED waits for the first NETWORK; AWAY knows the stack, whose network is
 * not up. Whatever is heard counts as life. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "transports/zigbee/socket_wire.h"
#include "transports/zigbee/stack.h"

#define GREET_MS 5000
#define PING_MS 5000
#define SILENCE_MS 15000

enum socket_state { SOCKET_IDLE, SOCKET_GREETED, SOCKET_AWAY, SOCKET_UP };

struct zb_stack {
	const struct zb_host *host;
	void *arg;
	enum socket_state state;
	unsigned window_wanted; /* of the settings, 0: what the stack says */
	unsigned window;
	unsigned asdu_max;
	uint32_t ids[64]; /* without a CONFIRM */
	unsigned in_flight;
	int64_t heard_ms;
	int64_t ask_ms; /* when the next PING is due */
	uint32_t pings;
	bool over;
	uint64_t packets_in, packets_out, packets_bad, packets_unknown;
};

static int stack_create(const struct zb_config *config,
	const struct zb_host *host, void *arg, struct zb_stack **ret)
{
	struct zb_stack *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->host = host;
	s->arg = arg;
	s->window_wanted = config->window;
	*ret = s;
	return 0;
}

static void stack_destroy(struct zb_stack *s)
{
	free(s);
}

static void say(struct zb_stack *s, const struct zs_packet *p)
{
	uint8_t at[ZS_PACKET_MAX];

	s->packets_out++;
	s->host->write(s->arg, bytes_of(at, zs_write(p, at)));
}

static void fail(struct zb_stack *s, int status, const char *text)
{
	if (s->over)
		return;
	s->over = true;
	s->host->fail(s->arg, status, text);
}

static void stack_start(struct zb_stack *s, int64_t now_ms)
{
	const struct zs_packet hello = {.type = ZS_HELLO,
		.version = ZS_VERSION,
		.last_version = ZS_VERSION};

	s->state = SOCKET_GREETED;
	s->heard_ms = now_ms;
	s->ask_ms = now_ms + PING_MS;
	s->in_flight = 0;
	say(s, &hello);
}

/* ---- what the stack says ---- */

static void network_text(struct bytes from, char *text, size_t size)
{
	snprintf(text, size, "%.*s", (int)from.len,
		from.len ? (const char *)from.at : "");
}

static void network_up(struct zb_stack *s, const struct zs_packet *p)
{
	const struct zs_packet list = {.type = ZS_LIST};
	struct zb_network n = {
		.eui64 = p->eui64,
		.ext_pan = p->ext_pan,
		.pan = p->pan,
		.channel = p->channel,
		.asdu_max = p->asdu_max,
		.airtime = p->flags & ZS_NETWORK_AIRTIME,
		.by_eui64 = true,
		.no_zdo = !(p->flags & ZS_NETWORK_ZDO),
	};
	bool again = s->state == SOCKET_UP;

	s->window = p->window;
	if (s->window_wanted && s->window_wanted < s->window)
		s->window = s->window_wanted;
	s->asdu_max = p->asdu_max;
	n.window = s->window;
	network_text(p->rest, n.text, sizeof(n.text));
	s->state = SOCKET_UP;
	s->host->up(s->arg, &n);
	if (!again)
		say(s, &list);
}

static void on_network(struct zb_stack *s, const struct zs_packet *p)
{
	if (p->version != ZS_VERSION) {
		fail(s, -EPROTO,
			"the stack speaks no version of zcl-socket that is "
			"known here");
		return;
	}
	if (p->flags & ZS_NETWORK_UP) {
		network_up(s, p);
		return;
	}
	if (s->state == SOCKET_UP) {
		s->in_flight = 0;
		s->host->lost(s->arg, "the stack says that it is down");
	}
	s->state = SOCKET_AWAY;
}

static void on_node(struct zb_stack *s, const struct zs_packet *p)
{
	int sleepy = -1;

	if (p->flags & ZS_NODE_KIND_KNOWN)
		sleepy = p->flags & ZS_NODE_SLEEPY ? 1 : 0;
	s->host->node(s->arg, p->eui64, p->nwk, sleepy,
		p->flags & ZS_NODE_JOINED, p->flags & ZS_NODE_GONE);
}

static void on_frame(struct zb_stack *s, const struct zs_packet *p)
{
	const struct zb_indication i = {
		.nwk = p->nwk,
		.eui64 = p->eui64,
		.profile = p->profile,
		.cluster = p->cluster,
		.src_ep = p->src_ep,
		.dst_ep = p->dst_ep,
		.broadcast = p->flags & ZS_FRAME_BROADCAST,
		.aps_security = p->flags & ZS_FRAME_LINK_KEY,
		.lqi = p->lqi,
		.rssi = p->rssi,
		.airtime_us = p->airtime_us,
		.asdu = p->rest,
	};

	if (s->state == SOCKET_UP)
		s->host->heard(s->arg, &i);
}

static enum zb_sent result_of(uint8_t result)
{
	static const enum zb_sent results[] = {
		ZB_SENT_OK,
		ZB_SENT_NO_ACK,
		ZB_SENT_NO_ROUTE,
		ZB_SENT_BUSY,
		ZB_SENT_EXPIRED,
		ZB_SENT_TOO_LONG,
		ZB_SENT_LOST,
	};

	return result < sizeof(results) / sizeof(results[0]) ? results[result]
							     : ZB_SENT_FAILED;
}

static void on_confirm(struct zb_stack *s, const struct zs_packet *p)
{
	const struct zb_confirm c = {
		.id = p->id,
		.result = result_of(p->result),
		.native = p->status,
		.airtime_us = p->airtime_us,
	};
	unsigned i;

	for (i = 0; i < s->in_flight && s->ids[i] != p->id; i++)
		;
	if (i == s->in_flight) {
		s->packets_bad++;
		return;
	}
	s->ids[i] = s->ids[--s->in_flight];
	s->host->confirm(s->arg, &c);
}

static void take(struct zb_stack *s, const struct zs_packet *p)
{
	struct zs_packet pong = {.type = ZS_PONG, .id = p->id};

	switch (p->type) {
	case ZS_NETWORK:
		on_network(s, p);
		break;
	case ZS_NODE:
		on_node(s, p);
		break;
	case ZS_FRAME:
		on_frame(s, p);
		break;
	case ZS_CONFIRM:
		on_confirm(s, p);
		break;
	case ZS_PING:
		say(s, &pong);
		break;
	case ZS_PONG:
	case ZS_LISTED:
		break;
	case ZS_HELLO:
	case ZS_LIST:
	case ZS_SEND:
		s->packets_bad++;
		fail(s, -EPROTO, "the far end is not a ZigBee stack");
		break;
	}
}

static void refuse(struct zb_stack *s, struct bytes packet)
{
	char text[128];

	snprintf(text, sizeof(text), "the stack sent a packet of type %02x and "
		"%zu bytes that breaks a rule: %s", packet.len ? packet.at[0] :
		0u, packet.len, zs_broken_rule(packet));
	fail(s, -EPROTO, text);
}

static void stack_input(struct zb_stack *s, int64_t now_ms, struct bytes data)
{
	struct zs_packet p;
	int err = zs_read(data, &p);

	if (s->over || s->state == SOCKET_IDLE)
		return;
	s->packets_in++;
	s->heard_ms = now_ms;
	s->ask_ms = now_ms + PING_MS;
	if (err == -ENOENT) {
		s->packets_unknown++;
	} else if (err) {
		s->packets_bad++;
		refuse(s, data);
	} else if (s->state == SOCKET_GREETED && p.type != ZS_NETWORK &&
		   p.type != ZS_PING && p.type != ZS_PONG) {
		s->packets_bad++;
		fail(s, -EPROTO, "the stack did not tell its network first");
	} else {
		take(s, &p);
	}
}

static void stack_time(struct zb_stack *s, int64_t now_ms)
{
	const struct zs_packet ping = {.type = ZS_PING, .id = ++s->pings};
	int64_t patience = s->state == SOCKET_GREETED ? GREET_MS : SILENCE_MS;

	if (s->over || s->state == SOCKET_IDLE)
		return;
	if (now_ms - s->heard_ms >= patience) {
		fail(s, -ETIMEDOUT, "the stack is silent");
		return;
	}
	if (now_ms < s->ask_ms)
		return;
	s->ask_ms = now_ms + PING_MS;
	say(s, &ping);
}

static int64_t stack_deadline(const struct zb_stack *s)
{
	int64_t patience = s->state == SOCKET_GREETED ? GREET_MS : SILENCE_MS;
	int64_t due = s->heard_ms + patience;

	if (s->over || s->state == SOCKET_IDLE)
		return INT64_MAX;
	return s->ask_ms < due ? s->ask_ms : due;
}

/* ---- what is asked of it ---- */

static int stack_send(
	struct zb_stack *s, int64_t now_ms, const struct zb_request *r)
{
	const struct zs_packet p = {
		.type = ZS_SEND,
		.id = r->id,
		.nwk = r->nwk,
		.eui64 = r->eui64,
		.profile = r->profile,
		.cluster = r->cluster,
		.src_ep = r->src_ep,
		.dst_ep = r->dst_ep,
		.flags = (uint8_t)((r->ack ? ZS_SEND_ACK : 0) |
				   (r->find_route ? ZS_SEND_FIND_ROUTE : 0)),
		.rest = r->asdu,
	};

	(void)now_ms;
	if (s->over || s->state != SOCKET_UP || s->in_flight >= s->window)
		return -EBUSY;
	if (r->asdu.len < 1 || r->asdu.len > s->asdu_max)
		return -EMSGSIZE;
	s->ids[s->in_flight++] = r->id;
	say(s, &p);
	return 0;
}

static unsigned stack_room(const struct zb_stack *s)
{
	if (s->over || s->state != SOCKET_UP || s->in_flight >= s->window)
		return 0;
	return s->window - s->in_flight;
}

static void stack_stop(struct zb_stack *s, int64_t now_ms)
{
	(void)now_ms;
	s->over = true;
}

static unsigned stack_counters(
	const struct zb_stack *s, struct ferry_counter *ret, unsigned max)
{
	const struct ferry_counter counters[] = {
		{"packets_in", s->packets_in},
		{"packets_out", s->packets_out},
		{"packets_bad", s->packets_bad},
		{"packets_unknown", s->packets_unknown},
	};

	return zb_counters_fill(ret, max, counters,
		sizeof(counters) / sizeof(counters[0]));
}

const struct zb_stack_ops zb_socket_stack = {
	.name = "zcl-socket",
	.packets = true,
	.create = stack_create,
	.destroy = stack_destroy,
	.start = stack_start,
	.input = stack_input,
	.time = stack_time,
	.deadline = stack_deadline,
	.send = stack_send,
	.room = stack_room,
	.stop = stack_stop,
	.counters = stack_counters,
};
