/* What the simulator says. */
#include "transports/sim/sim_radio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Foreign text as a string, cut to `size`; false when it is not printable. */
static bool text_take(char *to, size_t size, struct bytes from)
{
	size_t i, len = from.len < size ? from.len : size - 1;

	for (i = 0; i < len; i++)
		if (from.at[i] < ' ' || from.at[i] > '~')
			return false;
	if (len)
		memcpy(to, from.at, len);
	to[len] = 0;
	return true;
}

static bool key_take(char *to, struct bytes from)
{
	return text_take(to, FERRY_KEY_MAX + 1, from) && !strchr(to, ' ');
}

static void bad(struct sim *s, const char *text)
{
	s->frames_bad++;
	sim_over(s, -EPROTO, text);
}

static void record_fill(const struct sim_link *l, struct ferry_link *record,
	struct ferry_channel *channel)
{
	*channel = (struct ferry_channel){
		.size = sizeof(*channel),
		.max_payload = l->payload,
		.window = l->window,
		.level = l->level,
	};
	*record = (struct ferry_link){
		.size = sizeof(*record),
		.security = l->security,
		.caps = FERRY_CAP_DATAGRAM | FERRY_CAP_REPLY |
			FERRY_CAP_AIRTIME | FERRY_CAP_SENT | FERRY_CAP_SET,
		.channels = channel,
		.channel_count = 1,
		.channel_stride = sizeof(*channel),
		.text = l->peer[0] ? l->peer : "any peer",
	};
	if (l->level == FERRY_DELIVERED)
		record->caps |= FERRY_CAP_DELIVERED;
}

static void on_welcome(struct sim *s, const struct sim_frame *f)
{
	struct ferry_channel channel = {
		.size = sizeof(channel),
		.max_payload = SIM_WIRE_PAYLOAD_MAX,
		.window = f->window,
		.level = FERRY_DELIVERED,
	};
	struct ferry_link record = {
		.size = sizeof(record),
		.caps = sim_driver()->caps,
		.channels = &channel,
		.channel_count = 1,
		.channel_stride = sizeof(channel),
		.text = s->path,
	};
	struct ferry_result r = {
		.size = sizeof(r),
		.token = s->start_token,
		.record = &record,
	};

	if (s->state != SIM_GREETING || f->version != SIM_WIRE_VERSION ||
		f->window < 1 || f->window > SIM_SENDS_MAX) {
		bad(s, "the simulator's greeting does not fit");
		return;
	}
	s->state = SIM_RUNNING;
	s->window = f->window;
	s->answers_due--;
	s->start_token = 0;
	s->host->complete(s->owner, &r);
}

static void on_peer(struct sim *s, const struct sim_frame *f)
{
	char key[FERRY_KEY_MAX + 1], was[FERRY_KEY_MAX + 1];
	char address[64], name[64];
	char keys[SIM_WIRE_ATTRIBUTES_MAX][40];
	char values[SIM_WIRE_ATTRIBUTES_MAX][128];
	struct ferry_kv attributes[SIM_WIRE_ATTRIBUTES_MAX];
	struct ferry_peer peer = {
		.size = sizeof(peer),
		.flags = f->flags & 7u,
		.id_kind = f->id_kind,
		.rssi_dbm = f->rssi_dbm,
		.key = key,
		.was = f->was.len ? was : NULL,
		.address = address,
		.name = name,
		.attributes = attributes,
		.attribute_count = f->attribute_count,
	};
	bool good = key_take(key, f->peer) && key_take(was, f->was) &&
		    text_take(address, sizeof(address), f->address) &&
		    text_take(name, sizeof(name), f->name) &&
		    f->id_kind <= FERRY_ID_BONDED;
	unsigned i;

	for (i = 0; i < f->attribute_count && good; i++) {
		good = text_take(keys[i], sizeof(keys[i]),
			       f->attributes[i].key) &&
		       text_take(values[i], sizeof(values[i]),
			       f->attributes[i].value);
		attributes[i] = (struct ferry_kv){keys[i], values[i]};
	}
	if (good)
		s->host->on_peer(s->owner, &peer);
	else
		bad(s, "the simulator announced a peer that is none");
}

static bool link_take(struct sim_link *l, const struct sim_frame *f)
{
	if (f->payload < 1 || f->payload > SIM_WIRE_PAYLOAD_MAX ||
		f->window < 1 || f->window > FERRY_WINDOW_MAX)
		return false;
	l->payload = f->payload;
	l->window = f->window;
	return true;
}

static void on_connected(struct sim *s, const struct sim_frame *f)
{
	struct sim_link *l = sim_link_by_number(s, f->link);
	struct ferry_channel channel;
	struct ferry_link record;
	struct ferry_result r = {.size = sizeof(r), .record = &record};

	if (!l || l->state != SIM_LINK_OPENING)
		return;
	if (f->status) {
		sim_complete(s, &l->connect_token, f->status, NULL, NULL);
		sim_link_free(s, l);
		return;
	}
	if (!link_take(l, f) || f->level < FERRY_TAKEN ||
		f->level > FERRY_DELIVERED) {
		bad(s, "the simulator connected with values out of bounds");
		return;
	}
	l->level = f->level;
	l->security = f->security;
	l->state = SIM_LINK_UP;
	record_fill(l, &record, &channel);
	r.token = l->connect_token;
	l->connect_token = 0;
	s->host->complete(s->owner, &r);
}

static void on_disconnected(struct sim *s, const struct sim_frame *f)
{
	struct sim_link *l = sim_link_by_number(s, f->link);

	if (!l || (l->state != SIM_LINK_CLOSING &&
			  l->state != SIM_LINK_FORGOTTEN))
		return;
	s->answers_due--;
	sim_link_settle(s, l, -ECANCELED);
	sim_complete(s, &l->disconnect_token, 0, NULL, NULL);
	sim_link_free(s, l);
}

static void on_confirm(struct sim *s, const struct sim_frame *f)
{
	struct sim_send *send = sim_send_by_id(s, f->id);
	const struct ferry_result r = {
		.status = f->status,
		.level = f->level,
		.airtime_us = f->airtime_us,
		.retry_after_ms = f->retry_after_ms,
		.native = f->status,
		.at_us = s->heard_us,
	};

	if (!send)
		return;
	if (f->level > FERRY_DELIVERED) {
		bad(s, "the simulator confirmed a level that is none");
		return;
	}
	sim_send_end(s, send, &r);
}

static void on_message(struct sim *s, const struct sim_frame *f)
{
	struct sim_link *l = sim_link_by_number(s, f->link);
	char peer[FERRY_KEY_MAX + 1];
	const struct ferry_message m = {
		.size = sizeof(m),
		.channel = f->channel,
		.link = l ? l->id : 0,
		.peer = f->peer.len ? peer : NULL,
		.reply = f->reply.len ? f->reply.at : NULL,
		.reply_len = (uint32_t)f->reply.len,
		.flags = f->flags & FERRY_MESSAGE_BROADCAST,
		.security = f->security,
		.airtime_us = f->airtime_us,
		.at_us = s->heard_us,
		.data = f->data.at,
		.len = (uint32_t)f->data.len,
	};

	if (!l || l->state != SIM_LINK_UP)
		return;
	if (f->channel != 0 || !key_take(peer, f->peer)) {
		bad(s, "the simulator sent a message that is none");
		return;
	}
	s->host->on_message(s->owner, &m);
}

static void on_changed(struct sim *s, const struct sim_frame *f)
{
	struct sim_link *l = sim_link_by_number(s, f->link);
	struct ferry_channel channel;
	struct ferry_link record;
	const struct ferry_link_event e = {
		.size = sizeof(e),
		.event = FERRY_LINK_CHANGED,
		.link = l ? l->id : 0,
		.record = &record,
	};

	if (!l || l->state != SIM_LINK_UP)
		return;
	if (!link_take(l, f)) {
		bad(s, "the simulator changed a link out of bounds");
		return;
	}
	record_fill(l, &record, &channel);
	s->host->on_link(s->owner, &e);
}

static void on_down(struct sim *s, const struct sim_frame *f)
{
	struct sim_link *l = sim_link_by_number(s, f->link);
	struct ferry_link_event e = {
		.size = sizeof(e),
		.event = FERRY_LINK_DOWN,
		.status = f->status,
		.text = "the simulated peer is gone",
	};

	if (!f->link) {
		sim_over(s, f->status ? f->status : -ENODEV,
			"the simulated coordinator is gone");
		return;
	}
	if (!l)
		return;
	sim_link_settle(s, l, f->status ? f->status : -ECONNRESET);
	e.link = l->id;
	if (l->state == SIM_LINK_UP)
		s->host->on_link(s->owner, &e);
	if (l->state == SIM_LINK_CLOSING || l->state == SIM_LINK_FORGOTTEN)
		s->answers_due--;
	sim_complete(s, &l->connect_token, f->status ? f->status : -ECONNRESET,
		NULL, NULL);
	sim_complete(s, &l->disconnect_token, 0, NULL, NULL);
	sim_link_free(s, l);
}

void sim_arrived(struct sim *s, const struct sim_frame *f)
{
	if (s->state == SIM_GREETING && f->type != SIM_WELCOME) {
		bad(s, "the simulator did not greet first");
		return;
	}
	switch (f->type) {
	case SIM_WELCOME:
		on_welcome(s, f);
		break;
	case SIM_PEER:
		on_peer(s, f);
		break;
	case SIM_CONNECTED:
		on_connected(s, f);
		break;
	case SIM_DISCONNECTED:
		on_disconnected(s, f);
		break;
	case SIM_CONFIRM:
		on_confirm(s, f);
		break;
	case SIM_MESSAGE:
		on_message(s, f);
		break;
	case SIM_CHANGED:
		on_changed(s, f);
		break;
	case SIM_DOWN:
		on_down(s, f);
		break;
	case SIM_HELLO:
	case SIM_SCAN:
	case SIM_CONNECT:
	case SIM_DISCONNECT:
	case SIM_SEND:
	case SIM_SET:
		break;
	}
}
