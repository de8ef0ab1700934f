/* The OTA Upgrade client of a node (ZCL revision 8, 11.9 to 11.16). */
#include <stdio.h>

#include "tools/sim/zigbee/mesh.h"

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)
#define HOUR (3600 * S)
#define PROFILE_ZLL 0xc05eu
#define STATUS_OK 0x00
#define STATUS_UNSUP 0x81
#define STATUS_INVALID_IMAGE 0x96
#define STATUS_WAIT 0x97
#define FC_REQUEST 0x01

enum { CMD_NOTIFY, CMD_QUERY, CMD_QUERY_ANSWER, CMD_BLOCK, CMD_PAGE,
	CMD_BLOCK_ANSWER, CMD_END, CMD_END_ANSWER };

static void put_key(uint8_t *at, const struct node_key *key)
{
	put_le16(at, key->manufacturer);
	put_le16(at + 2, key->type);
	put_le32(at + 4, key->version);
}

static struct node_key get_key(const uint8_t *at)
{
	return (struct node_key){
		get_le16(at), get_le16(at + 2), get_le32(at + 4)};
}

static void enter(struct node *n, enum node_phase phase, uint64_t at)
{
	n->ota.phase = phase;
	n->ota.asked = false;
	n->ota.at = at;
}

static void end_hash(struct node *n, char *ret_hex, size_t size)
{
	uint8_t digest[SHA_LEN];

	if (n->ota.hashing && sha_end(&n->ota.sha, digest) && ret_hex)
		bytes_to_hex(bytes_of(digest, SHA_LEN), ret_hex, size);
	n->ota.hashing = false;
}

void node_ota_reset(struct node *n)
{
	end_hash(n, NULL, 0);
	n->ota.offset = 0;
	n->ota.bad = 0;
}

/* ---- asking ---- */

static void find_server(struct node *n)
{
	struct node_ota *o = &n->ota;
	const struct traits *t = &n->setup.traits;

	o->asked_profile = NODE_PROFILE_HA;
	o->asked_ep = o->server_ep;
	if (o->asked_ep == 0 || !mesh_has_endpoint(n->mesh, o->asked_ep))
		o->asked_ep = 0;
	if (o->asked_ep == 0 && !mesh_match(n->mesh, NODE_PROFILE_HA,
					NODE_CLUSTER_OTA, &o->asked_ep))
		o->asked_ep = 1;
	if (trait_is_on(t, TRAIT_WRONG_ENDPOINT)) {
		o->asked_ep = (uint8_t)trait_value(t, TRAIT_WRONG_ENDPOINT);
		if (n->counts.queries % 2 == 1)
			o->asked_profile = PROFILE_ZLL;
	}
}

void node_ota_ask(struct node *n, uint64_t now, uint8_t fc, uint8_t command,
	const uint8_t *payload, size_t len)
{
	struct node_ota *o = &n->ota;
	uint8_t frame[64] = {fc, n->next_tsn++, command};
	uint64_t wait = n->setup.timers.answer_ms * MS;

	memcpy(frame + 3, payload, len);
	o->tsn = frame[1];
	o->asked = true;
	o->asked_at = now;
	if (command == CMD_BLOCK &&
		trait_is_on(&n->setup.traits, TRAIT_IMPATIENT))
		wait = trait_value(&n->setup.traits, TRAIT_IMPATIENT) * 1000;
	o->at = now + wait;
	find_server(n);
	node_send(n, now, o->asked_ep, o->asked_profile, NODE_CLUSTER_OTA,
		frame, len + 3);
	if (trait_fires(&n->setup.traits, TRAIT_TWICE))
		node_send(n, now, o->asked_ep, o->asked_profile,
			NODE_CLUSTER_OTA, frame, len + 3);
}

static void ask_query(struct node *n, uint64_t now)
{
	uint8_t p[11] = {n->setup.has_hw};

	n->counts.queries++;
	put_key(p + 1, &n->own);
	put_le16(p + 9, n->setup.hw);
	node_ota_ask(n, now, FC_REQUEST, CMD_QUERY, p,
		n->setup.has_hw ? 11 : 9);
}

void node_ota_ask_block(
	struct node *n, uint64_t now, uint32_t offset, uint8_t max)
{
	struct node_key any = {0xffff, 0xffff, 0xffffffff};
	const struct traits *t = &n->setup.traits;
	uint8_t p[14] = {0};

	n->counts.block_requests++;
	if (trait_is_on(t, TRAIT_PERIOD_MISSING))
		p[0] |= 2;
	put_key(p + 1, trait_is_on(t, TRAIT_ASKS_ANY) ? &any : &n->ota.key);
	put_le32(p + 9, offset);
	p[13] = max;
	n->ota.asked_len = max;
	node_ota_ask(n, now, FC_REQUEST, CMD_BLOCK, p, sizeof(p));
}

static void ask_end(struct node *n, uint64_t now)
{
	uint8_t p[9] = {n->ota.end_status};

	n->counts.ends++;
	put_key(p + 1, &n->ota.key);
	node_ota_ask(n, now, FC_REQUEST, CMD_END, p, sizeof(p));
}

void node_query(struct node *n, uint64_t now)
{
	if (n->ota.phase != NODE_IDLE)
		return;
	n->ota.errors = 0;
	enter(n, NODE_QUERYING, now + n->setup.think_ns);
	mesh_schedule(n->mesh, n);
}

/* ---- a download ---- */

static void give_up(struct node *n)
{
	n->counts.gave_up++;
	enter(n, NODE_IDLE, NCP_NEVER);
}

void node_ota_failed(struct node *n, uint64_t now)
{
	struct node_ota *o = &n->ota;

	if (++o->errors > n->setup.timers.errors) {
		give_up(n);
		return;
	}
	n->counts.retries++;
	if (trait_is_on(&n->setup.traits, TRAIT_RESTART_AT_0))
		node_ota_reset(n);
	o->asked = false;
	o->at = now + n->setup.timers.backoff_ms * MS;
}

static void begin(struct node *n, uint64_t now, const struct node_key *key,
	uint32_t size)
{
	struct node_ota *o = &n->ota;
	bool same = o->offset > 0 && o->size == size &&
		    o->key.version == key->version &&
		    o->key.type == key->type;

	if (!same) {
		node_ota_reset(n);
		o->reached = 0;
	}
	n->counts.downloads++;
	o->key = *key;
	o->size = size;
	o->errors = 0;
	o->period_ms = 0;
	o->pages = trait_is_on(&n->setup.traits, TRAIT_PAGE) ||
		   trait_is_on(&n->setup.traits, TRAIT_NEEDS_PAGES);
	enter(n, NODE_BLOCKS, now + n->setup.think_ns);
}

static bool header_is_good(const struct node_ota *o)
{
	static const uint8_t magic[4] = {0x1e, 0xf1, 0xee, 0x0b};

	return memcmp(o->head, magic, 4) == 0 &&
	       get_le32(o->head + 52) == o->size &&
	       get_le16(o->head + 10) == o->key.manufacturer &&
	       get_le16(o->head + 12) == o->key.type;
}

static void finish(struct node *n, uint64_t now)
{
	struct node_ota *o = &n->ota;
	const struct traits *t = &n->setup.traits;
	uint64_t slow = trait_is_on(t, TRAIT_SLOW_FINISH)
				? trait_value(t, TRAIT_SLOW_FINISH) * 1000
				: 0;

	end_hash(n, n->sha256, sizeof(n->sha256));
	n->last_size = o->size;
	o->end_status = o->bad > 0 || !header_is_good(o) ? STATUS_INVALID_IMAGE
							 : STATUS_OK;
	o->offset = 0;
	enter(n, NODE_FINISHING, now + n->setup.think_ns + slow);
}

static void end_badly(struct node *n, uint64_t now, uint8_t status)
{
	node_ota_reset(n);
	n->ota.end_status = status;
	n->ota.errors = 0;
	enter(n, NODE_ENDING, now + n->setup.think_ns);
}

static void compare(struct node *n, struct bytes data)
{
	const struct expected *e = n->setup.expected;
	uint32_t at = n->ota.offset;

	for (size_t i = 0; e && i < data.len; i++) {
		if (at + i < e->image.len && e->image.at[at + i] == data.at[i])
			continue;
		n->ota.bad++;
		n->counts.bad_bytes++;
	}
}

void node_ota_take(struct node *n, uint64_t now, struct bytes data)
{
	struct node_ota *o = &n->ota;

	if (o->offset == 0) {
		end_hash(n, NULL, 0);
		sha_init(&o->sha);
		o->hashing = true;
		o->bad = 0;
	}
	compare(n, data);
	for (size_t i = 0; i < data.len && o->offset + i < sizeof(o->head); i++)
		o->head[o->offset + i] = data.at[i];
	sha_add(&o->sha, data.at, data.len);
	o->offset += (uint32_t)data.len;
	n->counts.bytes += data.len;
	if (o->offset > o->reached)
		o->reached = o->offset;
	if (o->offset >= o->size)
		finish(n, now);
}

/* The switches that act before the next request of a download; false when one of
 * them took its place. */
static bool may_ask(struct node *n, uint64_t now)
{
	struct traits *t = &n->setup.traits;
	struct node_ota *o = &n->ota;

	if (t->s[TRAIT_ABORT].on && o->offset >= o->size / 20 * 19 &&
		trait_fires(t, TRAIT_ABORT)) {
		end_badly(n, now, (uint8_t)trait_value(t, TRAIT_ABORT));
		return false;
	}
	if (trait_fires(t, TRAIT_NEW_ADDRESS)) {
		mesh_readdress(n->mesh, n);
		node_announce(n, now);
	}
	if (trait_fires(t, TRAIT_HOSTILE) && node_ota_hostile(n, now)) {
		o->at = now + n->setup.think_ns + MS;
		return false;
	}
	return true;
}

static void ask_next(struct node *n, uint64_t now)
{
	struct traits *t = &n->setup.traits;
	struct node_ota *o = &n->ota;
	uint32_t offset = o->offset;
	uint8_t max = n->setup.timers.block;

	if (!may_ask(n, now))
		return;
	if (o->pages && node_page_ask(n, now))
		return;
	if (trait_is_on(t, TRAIT_EXACT_BLOCK)) {
		uint32_t want = (uint32_t)trait_value(t, TRAIT_EXACT_BLOCK);

		max = (uint8_t)(want - offset % want);
	}
	if (offset >= max && trait_fires(t, TRAIT_STEP_BACK))
		offset -= max;
	node_ota_ask_block(n, now, offset, max);
}

static void apply(struct node *n)
{
	const struct traits *t = &n->setup.traits;

	if (trait_is_on(t, TRAIT_UPDATE_LOOP) ||
		trait_is_on(t, TRAIT_COMES_BACK_OLD))
		return;
	n->own = n->ota.key;
	if (trait_is_on(t, TRAIT_BECOMES)) {
		uint64_t key = trait_value(t, TRAIT_BECOMES);

		n->own.manufacturer = (uint16_t)(key >> 16);
		n->own.type = (uint16_t)key;
	}
	snprintf(n->sw_build, sizeof(n->sw_build), "%08x", n->own.version);
	n->counts.updates++;
	node_flash_write(n);
}

static void restart(struct node *n, uint64_t now)
{
	apply(n);
	enter(n, NODE_RESTARTING, now + n->setup.boot_ns);
}

static void come_back(struct node *n, uint64_t now)
{
	uint64_t interval = n->setup.timers.interval_ms * MS;

	if (trait_is_on(&n->setup.traits, TRAIT_STAYS_DEAD)) {
		enter(n, NODE_DEAD, NCP_NEVER);
		return;
	}
	enter(n, NODE_IDLE, NCP_NEVER);
	n->counts.boots++;
	n->query_at = interval ? now + interval : NCP_NEVER;
	if (trait_is_on(&n->setup.traits, TRAIT_UPDATE_LOOP))
		n->query_at = now + S;
	if (node_is_sleepy(n))
		n->poll_at = now + n->setup.poll_ns;
	if (!trait_is_on(&n->setup.traits, TRAIT_NO_ANNOUNCE))
		node_announce(n, now);
}

static void end_timed_out(struct node *n, uint64_t now)
{
	if (++n->ota.errors < n->setup.timers.end_tries) {
		n->counts.retries++;
		enter(n, NODE_ENDING, now + n->setup.timers.backoff_ms * MS);
	} else if (n->ota.end_status == STATUS_OK) {
		/* Nobody answers: a client may go ahead alone. */
		enter(n, NODE_COUNTDOWN,
			now + n->setup.timers.restart_ms * MS);
	} else {
		give_up(n);
	}
}

static void timed_out(struct node *n, uint64_t now)
{
	if (n->ota.phase == NODE_BLOCKS &&
		trait_is_on(&n->setup.traits, TRAIT_IMPATIENT)) {
		n->ota.asked = false;
		n->ota.at = now;
		n->counts.retries++;
		return;
	}
	node_ota_failed(n, now);
}

void node_ota_time(struct node *n, uint64_t now)
{
	struct node_ota *o = &n->ota;

	o->at = NCP_NEVER;
	switch (o->phase) {
	case NODE_IDLE:
	case NODE_DEAD:
		return;
	case NODE_QUERYING:
		if (o->asked)
			timed_out(n, now);
		else
			ask_query(n, now);
		return;
	case NODE_BLOCKS:
		if (o->asked)
			timed_out(n, now);
		else
			ask_next(n, now);
		return;
	case NODE_PAGE:
		node_page_time(n, now);
		return;
	case NODE_FINISHING:
		o->errors = 0;
		if (trait_is_on(&n->setup.traits, TRAIT_NO_END) &&
			o->end_status == STATUS_OK)
			restart(n, now);
		else
			enter(n, NODE_ENDING, now);
		return;
	case NODE_ENDING:
		if (o->asked)
			end_timed_out(n, now);
		else
			ask_end(n, now);
		return;
	case NODE_COUNTDOWN:
		restart(n, now);
		return;
	case NODE_RESTARTING:
		come_back(n, now);
		return;
	}
}

/* ---- answers ---- */

static void note_time(struct node *n, uint64_t now)
{
	uint64_t us = (now - n->ota.asked_at) / 1000;
	unsigned bucket = 0;

	while (us > 1 && bucket < NODE_RTT_BUCKETS - 1) {
		us >>= 1;
		bucket++;
	}
	n->rtt[bucket]++;
}

/* Whether an answer is to the request that is out. */
static bool is_mine(
	const struct node *n, const struct ncp_frame *f, uint8_t tsn)
{
	const struct node_ota *o = &n->ota;

	return o->asked && f->src_ep == o->asked_ep &&
	       (f->profile == o->asked_profile ||
		       f->profile == NODE_PROFILE_HA) &&
	       (tsn == o->tsn ||
		       trait_is_on(&n->setup.traits, TRAIT_NO_TSN_CHECK));
}

static void heard_notify(struct node *n, uint64_t now,
	const struct ncp_frame *f, struct bytes p)
{
	static const uint8_t lengths[4] = {2, 4, 6, 10};
	const struct traits *t = &n->setup.traits;

	if (p.len < 2 || p.at[0] > 3 || p.len != lengths[p.at[0]] ||
		p.at[1] < 1 || p.at[1] > 100) {
		n->counts.bad_frames++;
		return;
	}
	if (trait_fires(&n->setup.traits, TRAIT_NOTIFY_LOST))
		return;
	n->counts.notifies++;
	if (n->ota.phase != NODE_IDLE || trait_is_on(t, TRAIT_IGNORES_NOTIFY)) {
		n->counts.notifies_ignored++;
		return;
	}
	if (f->broadcast) {
		bool other = (p.at[0] >= 1 &&
				     get_le16(p.at + 2) != 0xffff &&
				     get_le16(p.at + 2) !=
					     n->own.manufacturer) ||
			     (p.at[0] >= 2 && get_le16(p.at + 4) != 0xffff &&
				     get_le16(p.at + 4) != n->own.type) ||
			     (p.at[0] >= 3 &&
				     get_le32(p.at + 6) == n->own.version);

		if (other || air_random(&n->random) % 100 + 1 > p.at[1]) {
			n->counts.notifies_ignored++;
			return;
		}
	}
	n->ota.server_ep = f->src_ep;
	node_query(n, now);
}

static void heard_offer(struct node *n, uint64_t now, struct bytes p)
{
	struct node_key key;

	if (p.len < 13 || p.at[0] != STATUS_OK) {
		n->counts.refusals += p.len >= 1 && p.at[0] != STATUS_OK;
		n->counts.bad_frames += p.len == 0 ||
					(p.at[0] == STATUS_OK && p.len < 13);
		enter(n, NODE_IDLE, NCP_NEVER);
		return;
	}
	key = get_key(p.at + 1);
	if (key.manufacturer != n->own.manufacturer ||
		key.type != n->own.type || key.version == n->own.version ||
		get_le32(p.at + 9) == 0 ||
		(key.version < n->own.version &&
			trait_is_on(&n->setup.traits,
				TRAIT_DOWNGRADE_REFUSED))) {
		n->counts.strangers++;
		enter(n, NODE_IDLE, NCP_NEVER);
		return;
	}
	begin(n, now, &key, get_le32(p.at + 9));
}

/* WAIT_FOR_DATA: relative when the current time is 0; EmberZNet adds the period
 * to the delay, waits at most an hour, and five minutes when the times make no
 * sense. */
static void heard_wait(struct node *n, uint64_t now, struct bytes p)
{
	uint32_t current, request;
	uint64_t delay;

	n->counts.waits++;
	if (trait_is_on(&n->setup.traits, TRAIT_IGNORES_WAIT) || p.len < 9) {
		n->counts.bad_frames += p.len < 9;
		node_ota_failed(n, now);
		return;
	}
	current = get_le32(p.at + 1);
	request = get_le32(p.at + 5);
	delay = request < current ? 300 * S : (request - current) * S;
	if (p.len >= 11) {
		n->ota.period_ms = get_le16(p.at + 9);
		delay += n->ota.period_ms *
			 (trait_is_on(&n->setup.traits, TRAIT_PERIOD_IN_SECONDS)
					 ? S
					 : MS);
	}
	if (delay > HOUR)
		delay = HOUR;
	n->ota.errors = 0;
	enter(n, NODE_BLOCKS, now + delay);
}

static bool block_is_good(struct node *n, const struct node_key *key,
	uint32_t offset, struct bytes data)
{
	const struct node_ota *o = &n->ota;
	uint64_t most = trait_is_on(&n->setup.traits, TRAIT_FAILS_ABOVE)
				? trait_value(&n->setup.traits,
					  TRAIT_FAILS_ABOVE)
				: 255;

	if (key->manufacturer != o->key.manufacturer ||
		key->type != o->key.type || key->version != o->key.version) {
		n->counts.strangers++;
		return false;
	}
	if (data.len > o->asked_len || data.len > most || data.len == 0 ||
		data.len > o->size - offset) {
		n->counts.too_long++;
		return false;
	}
	return true;
}

static uint64_t after_block(struct node *n, uint64_t now)
{
	struct traits *t = &n->setup.traits;
	uint64_t at = now + n->setup.think_ns;

	if (trait_fires(t, TRAIT_STALL))
		at += trait_value(t, TRAIT_STALL) * 1000;
	return at;
}

static void got_block(
	struct node *n, uint64_t now, uint32_t offset, struct bytes data)
{
	struct traits *t = &n->setup.traits;
	struct node_ota *o = &n->ota;

	o->asked = false;
	o->errors = 0;
	o->at = after_block(n, now);
	if (offset != o->offset) {
		n->counts.duplicates++;
		return;
	}
	n->counts.blocks++;
	if (trait_is_on(t, TRAIT_EXACT_BLOCK) &&
		offset % trait_value(t, TRAIT_EXACT_BLOCK) != 0) {
		end_badly(n, now, STATUS_INVALID_IMAGE);
		return;
	}
	node_ota_take(n, now, data);
}

static void heard_block(struct node *n, uint64_t now,
	const struct ncp_frame *f, struct bytes p)
{
	struct node_ota *o = &n->ota;
	struct node_key key;
	struct bytes data;
	uint32_t offset;

	if (p.len >= 1 && p.at[0] == STATUS_WAIT) {
		heard_wait(n, now, p);
		return;
	}
	if (p.len >= 1 && p.at[0] != STATUS_OK) {
		n->counts.refusals++;
		if (p.at[0] == 0x95)
			give_up(n);
		else
			node_ota_failed(n, now);
		return;
	}
	if (p.len < 14 || p.at[13] != p.len - 14) {
		n->counts.bad_frames++;
		return;
	}
	key = get_key(p.at + 1);
	offset = get_le32(p.at + 9);
	data = bytes_slice(p, 14, p.len);
	if (offset >= o->size || !block_is_good(n, &key, offset, data)) {
		if (o->phase == NODE_BLOCKS)
			node_ota_failed(n, now);
		return;
	}
	note_time(n, now);
	if (trait_fires(&n->setup.traits, TRAIT_MALFORMED)) {
		node_default_response(n, now, f, CMD_BLOCK_ANSWER, 0x80);
		o->asked = false;
		o->at = now + n->setup.think_ns;
		n->counts.retries++;
		return;
	}
	if (o->phase == NODE_PAGE)
		node_page_block(n, now, offset, data);
	else
		got_block(n, now, offset, data);
}

static void heard_end(struct node *n, uint64_t now, struct bytes p)
{
	uint32_t current, upgrade;
	uint64_t delay;

	if (p.len < 16) {
		n->counts.bad_frames++;
		return;
	}
	n->counts.end_answers++;
	current = get_le32(p.at + 8);
	upgrade = get_le32(p.at + 12);
	if (upgrade == UINT32_MAX) {
		/* Asks again after an hour. */
		enter(n, NODE_ENDING, now + HOUR);
		return;
	}
	delay = upgrade > current ? (upgrade - current) * S : 0;
	enter(n, NODE_COUNTDOWN,
		now + delay + n->setup.timers.restart_ms * MS);
}

void node_ota_heard(struct node *n, uint64_t now, const struct ncp_frame *f,
	uint8_t tsn, uint8_t command, struct bytes payload)
{
	enum node_phase phase = n->ota.phase;

	if (command == CMD_NOTIFY) {
		heard_notify(n, now, f, payload);
		return;
	}
	if (command == CMD_END_ANSWER && phase == NODE_ENDING &&
		n->ota.end_status == STATUS_OK) {
		heard_end(n, now, payload);
		return;
	}
	if (!is_mine(n, f, tsn)) {
		n->counts.strangers++;
		return;
	}
	if (command == CMD_QUERY_ANSWER && phase == NODE_QUERYING)
		heard_offer(n, now, payload);
	else if (command == CMD_BLOCK_ANSWER &&
		 (phase == NODE_BLOCKS || phase == NODE_PAGE))
		heard_block(n, now, f, payload);
	else
		n->counts.strangers++;
}

void node_ota_default_response(struct node *n, uint64_t now, uint8_t tsn,
	uint8_t command, uint8_t status)
{
	struct node_ota *o = &n->ota;

	n->counts.default_responses++;
	if (!o->asked || tsn != o->tsn)
		return;
	if (command == CMD_END && o->phase == NODE_ENDING &&
		o->end_status != STATUS_OK) {
		enter(n, NODE_IDLE, NCP_NEVER);
	} else if (command == CMD_PAGE && o->phase == NODE_PAGE &&
		   status == STATUS_UNSUP &&
		   !trait_is_on(&n->setup.traits, TRAIT_NEEDS_PAGES)) {
		o->pages = false;
		enter(n, NODE_BLOCKS, now + n->setup.think_ns);
	} else if (status != STATUS_OK && o->phase != NODE_ENDING) {
		node_ota_failed(n, now);
	}
}
