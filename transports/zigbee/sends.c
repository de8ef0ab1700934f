/* Frames to devices: waiting, in flight, tried again.
 *
 * Waiting ones stand in one list, oldest first. Only the oldest of each device
 * may go, so that a device gets its frames in order; among devices the one with
 * the fewest in flight goes, and of those the one that went least lately. When
 * the coordinator says that it is busy, `window` falls to what is in flight and
 * grows again by one with each window of good confirms. */
#include "transports/zigbee/radio.h"

#include <errno.h>

#include "transports/zigbee/airtime.h"

#define IN_FLIGHT_EACH 4u
#define DOUBT_AFTER 3u

uint32_t zb_next_id(struct zb_radio *r, unsigned slot)
{
	r->serial = (r->serial + 1) & (UINT32_MAX >> ZB_SLOT_BITS);
	if (!r->serial)
		r->serial = 1;
	return r->serial << ZB_SLOT_BITS | slot;
}

static void list_take(struct zb_radio *r, struct zb_send *s)
{
	if (s->older)
		s->older->newer = s->newer;
	else
		r->waiting_first = s->newer;
	if (s->newer)
		s->newer->older = s->older;
	else
		r->waiting_last = s->older;
	s->older = NULL;
	s->newer = NULL;
}

/* By age: what was tried already is older than most that wait. */
static void list_insert(struct zb_radio *r, struct zb_send *s)
{
	struct zb_send *newer = r->waiting_first;

	if (!r->waiting_last || r->waiting_last->order < s->order)
		newer = NULL;
	while (newer && newer->order < s->order)
		newer = newer->newer;
	s->newer = newer;
	s->older = newer ? newer->older : r->waiting_last;
	if (s->older)
		s->older->newer = s;
	else
		r->waiting_first = s;
	if (newer)
		newer->older = s;
	else
		r->waiting_last = s;
}

/* With it the time of the first of all, which may be that of one that has ended
 * since. */
static void due_at(struct zb_radio *r, struct zb_send *s, int64_t due_ms)
{
	s->due_ms = due_ms;
	if (due_ms > r->now_ms && due_ms < r->sends_due_ms)
		r->sends_due_ms = due_ms;
}

static void send_end(struct zb_radio *r, struct zb_send *s, int status,
	uint32_t level, int native)
{
	struct ferry_result result = {
		.size = sizeof(result),
		.status = status,
		.token = s->token,
		.level = level,
		.at_us = r->now_us,
		.airtime_us = s->airtime_us,
		.native = native,
	};

	if (status == FERRY_NOT_NOW)
		result.retry_after_ms = ZB_BUSY_MAX_MS;
	if (s->state == SEND_WAITING)
		list_take(r, s);
	if (s->node)
		s->node->held--;
	r->send_count--;
	s->state = SEND_FREE;
	s->node = NULL;
	r->host->complete(r->owner, &result);
}

static void left_flight(struct zb_radio *r, struct zb_send *s)
{
	r->in_flight--;
	if (s->node)
		s->node->in_flight--;
}

/* ---- adding ---- */

static int address(
	struct zb_radio *r, const struct ferry_send *from, struct zb_send *s)
{
	uint64_t eui64 = 0;

	if (from->reply_len) {
		if (from->reply_len != ZB_REPLY_LEN || !from->reply)
			return -EINVAL;
		eui64 = (uint64_t)get_le32(from->reply + 4) << 32 |
			get_le32(from->reply);
		s->answer = true;
		s->src_ep = from->reply[8];
		s->dst_ep = from->reply[9];
		s->profile = get_le16(from->reply + 10);
	} else if (!from->to) {
		return -EHOSTUNREACH;
	} else if (!strcmp(from->to, ZB_GROUP_KEY)) {
		return 0;
	} else if (zb_key_read(from->to, &eui64)) {
		return -EHOSTUNREACH;
	}
	s->node = zb_nodes_get(&r->nodes, eui64, r->now_ms);
	return s->node ? 0 : -ENOMEM;
}

int zb_send_add(
	struct zb_radio *r, uint64_t token, const struct ferry_send *from)
{
	struct zb_send *s = r->sends;
	int err;

	while (s < r->sends + ZB_SENDS_MAX && s->state != SEND_FREE)
		s++;
	if (s == r->sends + ZB_SENDS_MAX)
		return -ENOBUFS;
	*s = (struct zb_send){.token = token,
		.channel = (uint8_t)from->channel,
		.ack = from->until == FERRY_DELIVERED,
		.len = (uint8_t)from->len};
	err = address(r, from, s);
	if (err)
		return err;
	memcpy(s->data, from->data, from->len);
	s->state = SEND_WAITING;
	s->order = ++r->send_order;
	r->send_count++;
	if (s->node)
		s->node->held++;
	list_insert(r, s);
	return 0;
}

/* ---- ending ---- */

static struct zb_send *by_token(struct zb_radio *r, uint64_t token)
{
	unsigned i;

	for (i = 0; i < ZB_SENDS_MAX; i++)
		if (r->sends[i].state != SEND_FREE &&
			r->sends[i].token == token)
			return &r->sends[i];
	return NULL;
}

/* What the coordinator has cannot be taken back. */
void zb_send_cancel(struct zb_radio *r, uint64_t token)
{
	struct zb_send *s = by_token(r, token);

	if (s && s->state == SEND_WAITING)
		send_end(r, s, -ECANCELED, 0, 0);
	else if (s)
		s->given_up = true;
}

void zb_sends_cancel_waiting(struct zb_radio *r)
{
	while (r->waiting_first)
		send_end(r, r->waiting_first, -ECANCELED, 0, 0);
}

void zb_sends_end(struct zb_radio *r, int status)
{
	unsigned i;

	for (i = 0; i < ZB_SENDS_MAX; i++) {
		if (r->sends[i].state == SEND_UNDER_WAY)
			left_flight(r, &r->sends[i]);
		if (r->sends[i].state != SEND_FREE)
			send_end(r, &r->sends[i], status, 0, 0);
	}
}

void zb_sends_lost(struct zb_radio *r)
{
	unsigned i;

	for (i = 0; i < ZB_SENDS_MAX; i++) {
		if (r->sends[i].state != SEND_UNDER_WAY)
			continue;
		left_flight(r, &r->sends[i]);
		send_end(r, &r->sends[i], FERRY_NOT_DELIVERED, FERRY_TAKEN, 0);
	}
}

void zb_sends_unreachable(struct zb_radio *r, struct zb_node *node)
{
	struct zb_send *s = r->waiting_first, *newer;

	for (; s; s = newer) {
		newer = s->newer;
		if (s->node == node && node->nwk == ZB_NWK_UNKNOWN)
			send_end(r, s, FERRY_NOT_DELIVERED, 0, 0);
	}
}

/* ---- confirms ---- */

/* Unless nobody wants it any more. */
static void wait_again(struct zb_radio *r, struct zb_send *s, int64_t due_ms)
{
	s->state = SEND_WAITING;
	due_at(r, s, due_ms);
	list_insert(r, s);
	if (s->given_up || r->leave_token)
		send_end(r, s, -ECANCELED, 0, 0);
}

static void on_good(struct zb_radio *r, struct zb_send *s)
{
	if (s->node && s->ack) {
		s->node->unreached = 0;
		s->node->doubtful = false;
		zb_nodes_prove(&r->nodes, s->node);
	}
	if (r->window < r->net.window && ++r->streak >= r->window) {
		r->window++;
		r->streak = 0;
	}
}

static void on_busy(struct zb_radio *r, struct zb_send *s, int native)
{
	int64_t delay = ZB_BUSY_MIN_MS;
	unsigned i;

	r->busy++;
	r->streak = 0;
	r->window = r->in_flight > 1 ? r->in_flight : 1;
	if (++s->busy >= ZB_BUSY_TRIES) {
		send_end(r, s, FERRY_NOT_NOW, 0, native);
		return;
	}
	for (i = 1; i < s->busy && delay < ZB_BUSY_MAX_MS; i++)
		delay *= 2;
	if (delay > ZB_BUSY_MAX_MS)
		delay = ZB_BUSY_MAX_MS;
	r->retries++;
	wait_again(r, s, r->now_ms + delay);
}

static void on_unreached(struct zb_send *s, enum zb_sent result)
{
	struct zb_node *node = s->node;

	if (!node || result == ZB_SENT_EXPIRED || result == ZB_SENT_LOST)
		return;
	if (node->unreached < UINT8_MAX)
		node->unreached++;
	if (result == ZB_SENT_NO_ROUTE || node->unreached >= DOUBT_AFTER)
		node->doubtful = true;
}

static void sent(
	struct zb_radio *r, struct zb_send *s, const struct zb_confirm *c)
{
	switch (c->result) {
	case ZB_SENT_OK:
		on_good(r, s);
		send_end(r, s, 0,
			s->ack && s->node ? FERRY_DELIVERED : FERRY_SENT,
			c->native);
		return;
	case ZB_SENT_BUSY:
		on_busy(r, s, c->native);
		return;
	case ZB_SENT_NO_ROUTE:
		if (s->node && !s->find_route) {
			s->find_route = true;
			r->retries++;
			wait_again(r, s, 0);
			return;
		}
		break;
	case ZB_SENT_TOO_LONG:
		send_end(r, s, -EMSGSIZE, 0, c->native);
		return;
	case ZB_SENT_NO_ACK:
	case ZB_SENT_EXPIRED:
	case ZB_SENT_LOST:
	case ZB_SENT_FAILED:
		break;
	}
	on_unreached(s, c->result);
	send_end(r, s, FERRY_NOT_DELIVERED,
		c->result == ZB_SENT_NO_ACK ? FERRY_SENT : FERRY_TAKEN,
		c->native);
}

void zb_sends_confirm(struct zb_radio *r, const struct zb_confirm *c)
{
	unsigned slot = c->id & ((1u << ZB_SLOT_BITS) - 1);
	struct zb_send *s = &r->sends[slot % ZB_SENDS_MAX];
	uint32_t us;

	if (slot >= ZB_SENDS_MAX || s->state != SEND_UNDER_WAY ||
		s->id != c->id)
		return;
	left_flight(r, s);
	us = r->net.airtime ? c->airtime_us
	     : c->result == ZB_SENT_BUSY || c->result == ZB_SENT_TOO_LONG
		     ? 0
		     : zb_airtime_us(s->len, s->ack, !s->node);
	s->airtime_us += us;
	r->airtime_out_us += us;
	sent(r, s, c);
}

/* ---- going ---- */

/* False: it has to be asked first whether the address is still its own. Who has
 * just spoken was asked then. */
static bool is_confirmed(struct zb_radio *r, const struct zb_send *s)
{
	if (s->answer || zb_is_sure(r, s->node, ZB_SURE_TO_SEND_MS))
		return true;
	zb_ask_ieee(r, s->node->nwk);
	return false;
}

/* False: the address has to be found first. */
static bool has_address(struct zb_radio *r, struct zb_send *s)
{
	struct zb_node *node = s->node;
	bool doubt = node->nwk == ZB_NWK_UNKNOWN || node->doubtful;

	if (r->net.by_eui64 || r->net.no_zdo)
		return true;
	if (!doubt)
		return is_confirmed(r, s);
	if (zb_is_asking_nwk(r, node->eui64))
		return false;
	if (node->looked_ms && r->now_ms - node->looked_ms < ZB_LOOK_AGAIN_MS)
		return true;
	zb_ask_nwk(r, node);
	return false;
}

/* False: the endpoint has to be found first. */
static bool has_endpoint(struct zb_radio *r, struct zb_send *s)
{
	const struct zb_channel *channel = &r->channels[s->channel];
	struct zb_node *node = s->node;
	const struct zb_endpoint *at = &node->at[s->channel];

	if (s->answer)
		return true;
	if (!at->number)
		at = &node->any;
	if (!at->number && !r->net.no_zdo && node->nwk != ZB_NWK_UNKNOWN &&
		!(node->matched & 1u << s->channel)) {
		zb_ask_match(r, node, s->channel);
		return false;
	}
	s->src_ep = channel->endpoint;
	s->dst_ep = at->number ? at->number : 1;
	s->profile = at->number ? at->profile : channel->profile;
	return true;
}

static bool may_go(struct zb_radio *r, struct zb_send *s)
{
	if (s->due_ms > r->now_ms)
		return false;
	if (!s->node)
		return true;
	return s->node->in_flight < IN_FLIGHT_EACH && has_address(r, s) &&
	       has_endpoint(r, s);
}

static bool goes_before(const struct zb_send *a, const struct zb_send *b)
{
	unsigned a_load = a->node ? a->node->in_flight : 0;
	unsigned b_load = b->node ? b->node->in_flight : 0;
	uint64_t a_turn = a->node ? a->node->turn : 0;
	uint64_t b_turn = b->node ? b->node->turn : 0;

	return a_load != b_load ? a_load < b_load : a_turn < b_turn;
}

static struct zb_send *pick(struct zb_radio *r)
{
	struct zb_send *s, *best = NULL;

	r->mark++;
	for (s = r->waiting_first; s; s = s->newer) {
		if (s->node && s->node->mark == r->mark)
			continue;
		if (s->node)
			s->node->mark = r->mark;
		if (may_go(r, s) && (!best || goes_before(s, best)))
			best = s;
	}
	return best;
}

static void fill_request(
	struct zb_radio *r, struct zb_send *s, struct zb_request *ret)
{
	const struct zb_channel *channel = &r->channels[s->channel];

	*ret = (struct zb_request){
		.id = s->id,
		.nwk = s->node ? s->node->nwk : ZB_NWK_ALL_AWAKE,
		.eui64 = s->node ? s->node->eui64 : 0,
		.profile = s->node ? s->profile : channel->profile,
		.cluster = channel->cluster,
		.src_ep = s->node ? s->src_ep : channel->endpoint,
		.dst_ep = s->node ? s->dst_ep : 0xff,
		.ack = s->ack && s->node,
		.find_route = s->find_route,
		.asdu = bytes_of(s->data, s->len),
	};
}

static int go(struct zb_radio *r, struct zb_send *s)
{
	struct zb_request request;
	int err;

	/* It was looked for in vain not long ago. */
	if (s->node && s->node->nwk == ZB_NWK_UNKNOWN && !r->net.by_eui64) {
		send_end(r, s, FERRY_NOT_DELIVERED, 0, 0);
		return 0;
	}
	s->id = zb_next_id(r, (unsigned)(s - r->sends));
	fill_request(r, s, &request);
	err = r->ops->send(r->stack, r->now_ms, &request);
	if (err == -EBUSY)
		return err;
	if (err) {
		send_end(r, s, err == -EMSGSIZE ? err : FERRY_NOT_DELIVERED, 0,
			0);
		return 0;
	}
	list_take(r, s);
	s->state = SEND_UNDER_WAY;
	due_at(r, s, r->now_ms + ZB_CONFIRM_MS);
	r->frames_out++;
	r->in_flight++;
	if (r->in_flight > r->in_flight_peak)
		r->in_flight_peak = r->in_flight;
	if (s->node) {
		s->node->in_flight++;
		s->node->turn = r->frames_out;
	}
	return 0;
}

void zb_sends_pump(struct zb_radio *r)
{
	struct zb_send *s;

	while (r->waiting_first && r->in_flight < r->window && !r->failed &&
		r->ops->room(r->stack) > 0) {
		s = pick(r);
		if (!s || go(r, s))
			return;
	}
}

void zb_sends_expire(struct zb_radio *r)
{
	unsigned i;

	for (i = 0; i < ZB_SENDS_MAX && r->in_flight; i++) {
		if (r->sends[i].state != SEND_UNDER_WAY ||
			r->sends[i].due_ms > r->now_ms)
			continue;
		zb_log(r, FERRY_LOG_WARN, "a frame was not confirmed in time");
		left_flight(r, &r->sends[i]);
		send_end(r, &r->sends[i], FERRY_NOT_DELIVERED, FERRY_TAKEN, 0);
	}
}

/* They are looked through only when the time of the first has come: a frame is
 * confirmed long before. */
int64_t zb_sends_deadline(struct zb_radio *r)
{
	unsigned i;

	if (r->sends_due_ms > r->now_ms)
		return r->send_count ? r->sends_due_ms : ZB_NEVER;
	r->sends_due_ms = ZB_NEVER;
	for (i = 0; i < ZB_SENDS_MAX && r->send_count; i++)
		if (r->sends[i].state != SEND_FREE)
			due_at(r, &r->sends[i], r->sends[i].due_ms);
	return r->sends_due_ms;
}
