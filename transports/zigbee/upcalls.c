/* What the stack tells: frames, confirms, devices, the state of its network. */
#include "transports/zigbee/radio.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "transports/zigbee/airtime.h"

#define JOIN_SPAN_MS 1000 /* two reports of one announcement */

/* ---- devices ---- */

static void node_peer(
	struct zb_radio *r, const struct zb_node *node, uint32_t flags)
{
	char key[17], nwk[8], joined[12];
	struct ferry_kv attributes[4] = {
		{"eui64", key}, {"kind", zb_kind_name(node->kind)}};
	struct ferry_peer peer = {
		.size = sizeof(peer),
		.flags = flags,
		.id_kind = FERRY_ID_HARDWARE,
		.rssi_dbm = node->rssi,
		.key = key,
		.attributes = attributes,
		.attribute_count = 2,
	};

	zb_key_write(node->eui64, key);
	if (node->nwk != ZB_NWK_UNKNOWN) {
		snprintf(nwk, sizeof(nwk), "0x%04x", node->nwk);
		peer.address = nwk;
		attributes[peer.attribute_count++] =
			(struct ferry_kv){"nwk", nwk};
	}
	if (node->joined) {
		snprintf(joined, sizeof(joined), "%" PRIu32, node->joined);
		attributes[peer.attribute_count++] =
			(struct ferry_kv){"joined", joined};
	}
	r->host->on_peer(r->owner, &peer);
}

static void tell_now(struct zb_radio *r, struct zb_node *node)
{
	node->told = true;
	node->shown = true;
	node_peer(
		r, node, node->kind == ZB_KIND_SLEEPY ? FERRY_PEER_SLEEPY : 0);
}

void zb_tell(struct zb_radio *r, struct zb_node *node)
{
	node->told = false;
	if (node->listed)
		return;
	node->listed = true;
	node->next_told = NULL;
	if (r->told_last)
		r->told_last->next_told = node;
	else
		r->told_first = node;
	r->told_last = node;
}

void zb_tell_group(struct zb_radio *r)
{
	const struct ferry_peer peer = {
		.size = sizeof(peer),
		.flags = FERRY_PEER_GROUP,
		.id_kind = FERRY_ID_PLACE,
		.key = ZB_GROUP_KEY,
		.address = "0xfffd",
	};

	r->group_told = true;
	r->host->on_peer(r->owner, &peer);
}

/* What the host can hold is bounded, and a network may be large. */
void zb_tell_all(struct zb_radio *r)
{
	unsigned left = ZB_TOLD_AT_ONCE;
	struct zb_node *node;

	if (r->state != RADIO_UP && r->state != RADIO_LOST)
		return;
	if (!r->group_told)
		zb_tell_group(r);
	while (r->told_first && left--) {
		node = r->told_first;
		r->told_first = node->next_told;
		if (!r->told_first)
			r->told_last = NULL;
		node->listed = false;
		if (!node->told)
			tell_now(r, node);
	}
	if (r->told_first)
		r->host->wake(r->owner);
}

struct zb_node *zb_learn(
	struct zb_radio *r, uint64_t eui64, uint16_t nwk, int sleepy)
{
	struct zb_node *node = zb_nodes_find(&r->nodes, eui64);
	bool news = !node;

	if (eui64 == r->net.eui64)
		return NULL;
	if (!node)
		node = zb_nodes_get(&r->nodes, eui64, r->now_ms);
	if (!node)
		return NULL;
	if (nwk != ZB_NWK_COORDINATOR && nwk < ZB_NWK_BROADCAST_FIRST) {
		news = zb_nodes_place(&r->nodes, node, nwk) || news;
		node->sure_ms = r->now_ms;
		node->unanswered_ms = 0;
	}
	if (sleepy >= 0 &&
		node->kind != (sleepy ? ZB_KIND_SLEEPY : ZB_KIND_ROUTER)) {
		node->kind = sleepy ? ZB_KIND_SLEEPY : ZB_KIND_ROUTER;
		news = true;
	}
	if (news)
		zb_tell(r, node);
	if (node->nwk != ZB_NWK_UNKNOWN && r->held_count)
		zb_release_held(r, node->nwk, true);
	return node;
}

/* What the coordinator's tables say fills gaps, and takes nothing away. */
static void learn_by_hearsay(struct zb_radio *r, uint64_t eui64, uint16_t nwk)
{
	struct zb_node *node = zb_nodes_find(&r->nodes, eui64);

	if (eui64 == r->net.eui64 || nwk == ZB_NWK_COORDINATOR ||
		nwk >= ZB_NWK_BROADCAST_FIRST || zb_nodes_at(&r->nodes, nwk) ||
		(node && node->nwk != ZB_NWK_UNKNOWN))
		return;
	if (!node)
		node = zb_nodes_get(&r->nodes, eui64, r->now_ms);
	if (!node)
		return;
	zb_nodes_place(&r->nodes, node, nwk);
	zb_tell(r, node);
}

static bool is_within(const struct zb_radio *r, int64_t then_ms, int64_t span_ms)
{
	return then_ms && r->now_ms - then_ms < span_ms;
}

bool zb_is_sure(
	const struct zb_radio *r, const struct zb_node *node, int64_t within_ms)
{
	return r->net.no_zdo || is_within(r, node->sure_ms, within_ms) ||
	       is_within(r, node->unanswered_ms, ZB_UNANSWERED_MS);
}

void zb_unanswered(struct zb_radio *r, struct zb_node *node)
{
	node->unanswered_ms = r->now_ms;
}

void zb_joined(struct zb_radio *r, struct zb_node *node)
{
	if (node->joined && r->now_ms - node->joined_ms < JOIN_SPAN_MS)
		return;
	/* Never the same number twice, also of one that was forgotten. */
	node->joined = ++r->joins;
	node->joined_ms = r->now_ms;
	node->matched = 0;
	node->unreached = 0;
	node->doubtful = false;
	zb_tell(r, node);
}

static void node_gone(struct zb_radio *r, struct zb_node *node)
{
	zb_nodes_place(&r->nodes, node, ZB_NWK_UNKNOWN);
	node_peer(r, node, FERRY_PEER_GONE);
	node->told = true;
	node->shown = false;
	if (!node->held && !node->listed)
		zb_nodes_remove(&r->nodes, node);
}

/* The host is not to believe in what nobody looks after any more. */
void zb_forgotten(void *arg, const struct zb_node *node)
{
	struct zb_radio *r = arg;

	if (node->shown)
		node_peer(r, node, FERRY_PEER_GONE);
}

/* ---- frames ---- */

static int channel_of(const struct zb_radio *r, uint16_t cluster)
{
	unsigned i;

	for (i = 0; i < r->channel_count; i++)
		if (r->channels[i].cluster == cluster)
			return (int)i;
	return -1;
}

static uint32_t airtime_of(
	const struct zb_radio *r, const struct zb_indication *i)
{
	return r->net.airtime ? i->airtime_us
			      : zb_airtime_us(i->asdu.len, !i->broadcast,
					i->broadcast);
}

/* It is charged to the next frame of the link; what is long past says nothing
 * of the load of the channel. */
void zb_other_airtime(struct zb_radio *r, uint32_t us)
{
	r->other_us += us;
	if (r->other_us > ZB_OTHER_US_MAX)
		r->other_us = ZB_OTHER_US_MAX;
}

/* EUI-64, our endpoint, its endpoint, profile: see zb_send_add(). */
static void reply_write(uint8_t *at, const struct zb_radio *r,
	const struct zb_node *node, const struct zb_indication *i,
	unsigned channel)
{
	bool named = i->dst_ep > 0 && i->dst_ep <= 240;

	put_le32(at, (uint32_t)node->eui64);
	put_le32(at + 4, (uint32_t)(node->eui64 >> 32));
	at[8] = named ? i->dst_ep : r->channels[channel].endpoint;
	at[9] = i->src_ep;
	put_le16(at + 10, i->profile);
}

static void note(struct zb_radio *r, struct zb_node *node,
	const struct zb_indication *i, unsigned channel)
{
	const struct zb_endpoint from = {i->src_ep, i->profile};

	zb_nodes_touch(&r->nodes, node, r->now_ms);
	node->at[channel] = from;
	node->any = from;
	node->unreached = 0;
	node->doubtful = false;
	if (i->rssi)
		node->rssi = i->rssi;
	if (node->kind == ZB_KIND_UNKNOWN)
		zb_ask_desc(r, node);
}

static void deliver(struct zb_radio *r, struct zb_node *node,
	const struct zb_indication *i, unsigned channel)
{
	uint8_t reply[ZB_REPLY_LEN];
	char key[17];
	struct ferry_message m = {
		.size = sizeof(m),
		.channel = channel,
		.link = r->link,
		.peer = key,
		.reply = reply,
		.reply_len = ZB_REPLY_LEN,
		.flags = i->broadcast ? FERRY_MESSAGE_BROADCAST : 0,
		.security = i->aps_security ? FERRY_SECURITY_LINK
					    : FERRY_SECURITY_NETWORK,
		.airtime_us = airtime_of(r, i) + r->other_us,
		.at_us = r->now_us,
		.data = i->asdu.at,
		.len = (uint32_t)i->asdu.len,
	};

	note(r, node, i, channel);
	if (!node->told)
		tell_now(r, node);
	zb_key_write(node->eui64, key);
	reply_write(reply, r, node, i, channel);
	r->other_us = 0;
	r->host->on_message(r->owner, &m);
}

static struct zb_held *held_slot(struct zb_radio *r, uint16_t nwk)
{
	struct zb_held *free_one = NULL, *oldest = NULL, *h;
	unsigned each = 0;

	for (h = r->held; h < r->held + ZB_HELD_MAX; h++) {
		if (!h->used)
			free_one = free_one ? free_one : h;
		else if (h->i.nwk == nwk)
			each++;
		else if (h->stranger && (!oldest || h->order < oldest->order))
			oldest = h;
	}
	if (each >= ZB_HELD_EACH)
		return NULL;
	if (!free_one && oldest) {
		oldest->used = false;
		r->held_count--;
		r->frames_dropped++;
	}
	return free_one ? free_one : oldest;
}

/* All ones is what a coordinator may say that does not know. */
static bool has_eui64(const struct zb_indication *i)
{
	return i->eui64 && i->eui64 != UINT64_MAX;
}

/* `known`: its sender is known by an address that has to be confirmed. */
static void hold(
	struct zb_radio *r, const struct zb_indication *i, bool known)
{
	struct zb_held *h;

	if (r->net.no_zdo || i->nwk >= ZB_NWK_BROADCAST_FIRST || has_eui64(i) ||
		i->nwk == ZB_NWK_COORDINATOR) {
		r->frames_dropped++;
		return;
	}
	zb_ask_ieee(r, i->nwk);
	h = held_slot(r, i->nwk);
	if (!h) {
		r->frames_dropped++;
		return;
	}
	h->used = true;
	h->stranger = !known;
	h->order = ++r->held_order;
	h->until_ms = r->now_ms + (known ? ZB_HELD_KNOWN_MS : ZB_HELD_MS);
	h->i = *i;
	memcpy(h->data, i->asdu.at, i->asdu.len);
	h->i.asdu = bytes_of(h->data, i->asdu.len);
	r->held_count++;
}

static struct zb_held *held_first(struct zb_radio *r, uint16_t nwk)
{
	struct zb_held *first = NULL;
	unsigned i;

	for (i = 0; i < ZB_HELD_MAX; i++)
		if (r->held[i].used && r->held[i].i.nwk == nwk &&
			(!first || r->held[i].order < first->order))
			first = &r->held[i];
	return first;
}

void zb_release_held(struct zb_radio *r, uint16_t nwk, bool known)
{
	struct zb_node *node = zb_nodes_at(&r->nodes, nwk);
	struct zb_held *h;
	int channel;

	while (r->held_count && (h = held_first(r, nwk))) {
		h->used = false;
		r->held_count--;
		channel = channel_of(r, h->i.cluster);
		if (known && node && channel >= 0 && r->link && !r->leave_token)
			deliver(r, node, &h->i, (unsigned)channel);
		else
			r->frames_dropped++;
	}
}

/* A device that does not say who it is is taken for the one that is known. */
void zb_expire_held(struct zb_radio *r)
{
	struct zb_node *node;
	struct zb_held *h;

	for (h = r->held; h < r->held + ZB_HELD_MAX && r->held_count; h++) {
		if (!h->used || h->until_ms > r->now_ms)
			continue;
		node = zb_nodes_at(&r->nodes, h->i.nwk);
		if (node) {
			zb_unanswered(r, node);
			zb_release_held(r, h->i.nwk, true);
			continue;
		}
		h->used = false;
		r->held_count--;
		r->frames_dropped++;
	}
}

int64_t zb_held_deadline(const struct zb_radio *r)
{
	int64_t due = ZB_NEVER;
	unsigned i;

	for (i = 0; i < ZB_HELD_MAX && r->held_count; i++)
		if (r->held[i].used && r->held[i].until_ms < due)
			due = r->held[i].until_ms;
	return due;
}

static struct zb_node *sender_of(
	struct zb_radio *r, const struct zb_indication *i)
{
	if (has_eui64(i))
		return zb_learn(r, i->eui64, i->nwk, -1);
	return i->nwk == ZB_NWK_UNKNOWN ? NULL : zb_nodes_at(&r->nodes, i->nwk);
}

static void up_heard(void *arg, const struct zb_indication *i)
{
	struct zb_radio *r = arg;
	struct zb_node *node;
	int channel;

	if (i->asdu.len < 1 || i->asdu.len > ZB_ASDU_MAX) {
		r->frames_dropped++;
		return;
	}
	r->frames_in++;
	r->airtime_in_us += airtime_of(r, i);
	if (i->profile == ZB_PROFILE_ZDO && i->dst_ep == 0) {
		zb_other_airtime(r, airtime_of(r, i));
		zb_asks_heard(r, i);
		return;
	}
	channel = channel_of(r, i->cluster);
	if (channel < 0 || !r->link || r->leave_token || i->src_ep == 0) {
		zb_other_airtime(r, airtime_of(r, i));
		r->frames_dropped++;
		return;
	}
	node = sender_of(r, i);
	if (node && (has_eui64(i) || zb_is_sure(r, node, ZB_SURE_MS)))
		deliver(r, node, i, (unsigned)channel);
	else
		hold(r, i, node != NULL);
}

static void up_confirm(void *arg, const struct zb_confirm *c)
{
	struct zb_radio *r = arg;

	if (!zb_asks_confirm(r, c))
		zb_sends_confirm(r, c);
}

static void up_node(void *arg, uint64_t eui64, uint16_t nwk, int sleepy,
	bool joined, bool gone)
{
	struct zb_radio *r = arg;
	struct zb_node *node;

	if (!eui64 || eui64 == UINT64_MAX)
		return;
	if (gone) {
		node = zb_nodes_find(&r->nodes, eui64);
		if (node)
			node_gone(r, node);
		return;
	}
	node = zb_learn(r, eui64, nwk, sleepy);
	if (node && joined)
		zb_joined(r, node);
}

static void up_known(void *arg, uint64_t eui64, uint16_t nwk)
{
	if (eui64 && eui64 != UINT64_MAX)
		learn_by_hearsay(arg, eui64, nwk);
}

/* ---- the network ---- */

static void up_write(void *arg, struct bytes data)
{
	zb_line_write(arg, data);
}

static void up_line(void *arg, const char *text)
{
	zb_line_flush(arg);
	zb_line_set(arg, text);
}

static void up_log(void *arg, uint32_t level, const char *text)
{
	zb_log(arg, level, "%s", text);
}

static void up_up(void *arg, const struct zb_network *network)
{
	struct zb_radio *r = arg;

	/* Another network: the old addresses may be those of others. 0: the
	 * coordinator does not say. */
	if (r->net.ext_pan && network->ext_pan &&
		r->net.ext_pan != network->ext_pan)
		zb_nodes_displace(&r->nodes);
	r->net = *network;
	if (r->net.window < 1)
		r->net.window = 1;
	if (r->net.window > ZB_SENDS_MAX)
		r->net.window = ZB_SENDS_MAX;
	if (r->net.asdu_max < 1 || r->net.asdu_max > ZB_ASDU_MAX)
		r->net.asdu_max = ZB_ASDU_MAX;
	r->window = r->net.window;
	r->streak = 0;
	r->up_again = true;
}

static void up_lost(void *arg, const char *text)
{
	struct zb_radio *r = arg;

	zb_asks_lost(r);
	zb_sends_lost(r);
	if (r->state == RADIO_UP) {
		r->state = RADIO_LOST;
		r->since_ms = r->now_ms;
		zb_log(r, FERRY_LOG_WARN, "network lost: %s", text);
	}
	r->up_again = false;
}

static void up_fail(void *arg, int status, const char *text)
{
	struct zb_radio *r = arg;

	if (r->failed)
		return;
	r->failed = status < 0 ? status : -EIO;
	snprintf(r->failed_text, sizeof(r->failed_text), "%s", text);
}

const struct zb_host zb_upcalls = {
	.write = up_write,
	.up = up_up,
	.lost = up_lost,
	.fail = up_fail,
	.line = up_line,
	.heard = up_heard,
	.confirm = up_confirm,
	.node = up_node,
	.log = up_log,
	.known = up_known,
};

/* The record of link 0: of a start, or of a network that is back. */
void zb_tell_up(struct zb_radio *r)
{
	char text[192];
	const struct ferry_channel channel = {
		.size = sizeof(channel),
		.max_payload = r->net.asdu_max,
		.window = ZB_SENDS_MAX,
		.level = FERRY_DELIVERED,
	};
	const struct ferry_link record = {
		.size = sizeof(record),
		.security = FERRY_SECURITY_NETWORK,
		.caps = ZB_CAPS,
		.channels = &channel,
		.channel_count = 1,
		.channel_stride = sizeof(channel),
		.text = text,
	};
	const struct ferry_result result = {
		.size = sizeof(result),
		.token = r->start_token,
		.record = &record,
	};
	const struct ferry_link_event e = {
		.size = sizeof(e),
		.event = FERRY_LINK_CHANGED,
		.record = &record,
	};

	if (!r->up_again || r->failed)
		return;
	r->up_again = false;
	r->state = RADIO_UP;
	if (r->link && !r->leave_token && r->link_payload != r->net.asdu_max)
		zb_tell_link(r);
	snprintf(text, sizeof(text), "%s: %s, channel %u, PAN 0x%04x",
		r->ops->name, r->net.text, r->net.channel, r->net.pan);
	if (r->start_token) {
		r->start_token = 0;
		r->host->complete(r->owner, &result);
	} else {
		r->host->on_link(r->owner, &e);
	}
}
