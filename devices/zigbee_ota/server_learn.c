#include "devices/zigbee_ota/server.h"

#define BASIC_TRIES 3
#define BASIC_AGAIN_MS 60000
#define FACTS_AGAIN_MS 60000

enum {
	OTA_CURRENT_VERSION = 0x0002,
	OTA_DOWNLOADED_VERSION = 0x0004,
	OTA_UPGRADE_STATUS = 0x0006,
	OTA_MANUFACTURER = 0x0007,
	OTA_IMAGE_TYPE = 0x0008,
	BASIC_MANUFACTURER_NAME = 0x0004,
	BASIC_MODEL = 0x0005,
	BASIC_SW_BUILD = 0x4000,
};

/* Values of ImageUpgradeStatus: the image is there, or on its way in. */
#define STATUS_COMPLETE 2
#define STATUS_COUNT_DOWN 4

/* Foundation commands that want an answer: reads, writes, configuration,
 * discovery. */
#define REQUESTS 0x00a8116du

static const uint16_t ota_ids[] = {OTA_CURRENT_VERSION,
	OTA_DOWNLOADED_VERSION, OTA_UPGRADE_STATUS, OTA_MANUFACTURER,
	OTA_IMAGE_TYPE};
static const uint16_t basic_ids[] = {BASIC_MANUFACTURER_NAME, BASIC_MODEL,
	BASIC_SW_BUILD};

#define COUNT(ids) (sizeof(ids) / sizeof((ids)[0]))

size_t server_write_read(struct server *s, unsigned want, uint8_t *at)
{
	if (want == WANT_BASIC)
		return zcl_write_read(at, s->tsn++, false, basic_ids,
			COUNT(basic_ids));
	return zcl_write_read(at, s->tsn++, true, ota_ids, COUNT(ota_ids));
}

void server_learn_later(struct server *s, struct server_peer *p,
	int64_t at_ms)
{
	if (p->basic_tries >= BASIC_TRIES || p->model[0] ||
			p->basic_ms <= at_ms)
		return;
	p->basic_ms = at_ms;
	server_wake(s, p, at_ms);
}

/* A sleepy child is asked when it speaks, not by the clock. */
void server_learn_tick(struct server *s, struct server_peer *p,
	int64_t now_ms)
{
	if (now_ms < p->basic_ms || !s->up)
		return;
	p->basic_ms = ENGINE_NEVER;
	if (p->model[0] || p->basic_tries >= BASIC_TRIES ||
			!server_is_awake(p, now_ms))
		return;
	p->basic_tries++;
	server_want(s, p, WANT_BASIC, now_ms);
	if (!p->sleepy)
		server_learn_later(s, p, now_ms +
			((int64_t)BASIC_AGAIN_MS << p->basic_tries));
}

/* ---- versions ---- */

static void told_version(struct server *s, struct server_peer *p,
	const struct ota_key *key, bool news, int64_t now_ms)
{
	bool changed = !p->has_version || p->key_told.version != key->version;

	p->key_told = *key;
	p->has_version = true;
	if (changed || news) {
		server_peer_quirks(s, p);
		server_tell_peer(s, p, now_ms);
	}
	if (changed || p->facts_ms == INT64_MIN ||
			now_ms - p->facts_ms >= FACTS_AGAIN_MS) {
		p->facts_ms = now_ms;
		server_tell_facts(s, p, now_ms);
	}
}

/* What follows for an offer. */
static void judge_version(struct server *s, struct server_peer *p,
	bool itself, int64_t now_ms)
{
	struct server_offer *o = p->offer;

	if (!o)
		return;
	if (o->goal == ENGINE_GOAL_INVENTORY)
		server_end(s, o, ENGINE_DONE, now_ms);
	else if (o->phase != PHASE_HEADER && !server_may_have_both(p))
		server_prove_version(s, o, p->key_told.version, itself,
			now_ms);
}

void server_learn_query(struct server *s, struct server_peer *p,
	const struct ota_request *r, int64_t now_ms)
{
	bool news = !p->has_key ||
		p->key_told.manufacturer != r->key.manufacturer ||
		p->key_told.type != r->key.type ||
		(r->has_hw && (!p->has_hw || p->hw != r->hw_version));

	server_note_query(p, &r->key);
	if (!server_takes_key(p, &r->key))
		return;
	p->has_key = true;
	if (r->has_hw) {
		p->has_hw = true;
		p->hw = r->hw_version;
	}
	told_version(s, p, &r->key, news, now_ms);
	judge_version(s, p, true, now_ms);
}

/* ---- attributes ---- */

struct ota_values {
	bool has_version, has_downloaded, has_status;
	bool has_manufacturer, has_type;
	uint32_t version, downloaded;
	uint8_t status;
	uint16_t manufacturer, type;
};

static void take_ota_value(struct ota_values *v, uint16_t id, uint64_t n)
{
	switch (id) {
	case OTA_CURRENT_VERSION:
		v->has_version = n < OTA_ANY_VERSION;
		v->version = (uint32_t)n;
		break;
	case OTA_DOWNLOADED_VERSION:
		v->has_downloaded = n < OTA_ANY_VERSION;
		v->downloaded = (uint32_t)n;
		break;
	case OTA_UPGRADE_STATUS:
		v->has_status = n <= UINT8_MAX;
		v->status = (uint8_t)n;
		break;
	case OTA_MANUFACTURER:
		v->has_manufacturer = n < OTA_ANY_MANUFACTURER;
		v->manufacturer = (uint16_t)n;
		break;
	case OTA_IMAGE_TYPE:
		v->has_type = n < OTA_ANY_TYPE;
		v->type = (uint16_t)n;
		break;
	default:
		break;
	}
}

/* A device that has everything and waits was told so in an earlier life of the
 * gateway: go on from there, it will not ask again for an hour. */
static void go_on_waiting(struct server *s, struct server_peer *p,
	const struct ota_values *v)
{
	struct server_offer *o = p->offer;

	if (!server_is_update(o) || o->phase != PHASE_OPEN || o->asked ||
			o->reached < ENGINE_STAGE_TRANSFER)
		return;
	if (!v->has_status || v->status < STATUS_COMPLETE ||
			v->status > STATUS_COUNT_DOWN || !v->has_downloaded ||
			v->downloaded != o->file.key.version)
		return;
	o->phase = PHASE_FINISH;
	o->told_to_wait = true;
	server_stage(s, o, ENGINE_STAGE_STAGED);
}

static void take_ota_values(struct server *s, struct server_peer *p,
	const struct ota_values *v, int64_t now_ms)
{
	struct ota_key key = p->key_told;
	bool news = false;

	if (!v->has_version) {
		if (p->offer)
			server_read_refused(p->offer, now_ms);
		return;
	}
	key.version = v->version;
	if (v->has_manufacturer && v->has_type) {
		news = !p->has_key || key.manufacturer != v->manufacturer ||
			key.type != v->type;
		key.manufacturer = v->manufacturer;
		key.type = v->type;
		if (!server_takes_key(p, &key))
			return;
		p->has_key = true;
	}
	told_version(s, p, &key, news, now_ms);
	judge_version(s, p, false, now_ms);
	go_on_waiting(s, p, v);
	server_judge(s, p, now_ms);
}

static void take_text(char *text, const struct zcl_record *r)
{
	char shown[SERVER_TEXT_SIZE];
	size_t len = r->data.len;

	while (len && (r->data.at[len - 1] == '\0' ||
				r->data.at[len - 1] == ' '))
		len--;
	bytes_to_printable(bytes_slice(r->data, 0, len), shown, sizeof(shown));
	memcpy(text, shown, sizeof(shown));
}

static bool take_basic_value(struct server_peer *p, const struct zcl_record *r)
{
	switch (r->id) {
	case BASIC_MANUFACTURER_NAME:
		take_text(p->maker, r);
		return true;
	case BASIC_MODEL:
		take_text(p->model, r);
		return true;
	case BASIC_SW_BUILD:
		take_text(p->build, r);
		return true;
	default:
		return false;
	}
}

static void take_records(struct server *s, struct server_peer *p,
	unsigned channel, struct bytes rest, int64_t now_ms)
{
	struct ota_values v = {0};
	struct zcl_record r;
	bool news = false;
	uint64_t n;

	while (zcl_next_record(&rest, &r) > 0) {
		if (r.status != ZCL_SUCCESS)
			continue;
		if (channel == ZIGBEE_OTA_CHANNEL_BASIC)
			news = take_basic_value(p, &r) || news;
		else if (zcl_record_number(&r, &n) == 0)
			take_ota_value(&v, r.id, n);
	}
	if (news) {
		server_peer_quirks(s, p);
		server_tell_peer(s, p, now_ms);
	}
	if (channel == ZIGBEE_OTA_CHANNEL_OTA)
		take_ota_values(s, p, &v, now_ms);
}

/* Most devices say so of a block that they do not like, and go on. */
static void take_malformed(struct server *s, struct server_peer *p,
	int64_t now_ms)
{
	struct server_offer *o = p->offer;

	if (!p->quirks.ignore_malformed && server_is_update(o) &&
			o->phase == PHASE_TRANSFER)
		server_gave_up(s, o, ZCL_MALFORMED_COMMAND, now_ms);
}

static void take_default_response(struct server *s, struct server_peer *p,
	struct bytes payload, int64_t now_ms)
{
	const struct ota_values none = {0};

	if (payload.len && payload.at[0] == ZCL_READ_ATTRIBUTES)
		take_ota_values(s, p, &none, now_ms);
	else if (payload.len >= 2 && payload.at[0] == OTA_BLOCK_RESPONSE &&
			payload.at[1] == ZCL_MALFORMED_COMMAND)
		take_malformed(s, p, now_ms);
}

void server_take_foundation(struct server *s, struct server_peer *p,
	unsigned channel, const struct zcl_header *h, struct bytes payload,
	struct bytes reply, int64_t now_ms)
{
	bool ota = channel == ZIGBEE_OTA_CHANNEL_OTA;

	if (p->read_out && h->tsn == p->read_tsn && (h->command ==
			ZCL_READ_RESPONSE || h->command ==
			ZCL_DEFAULT_RESPONSE))
		server_peer_proven(s, p, now_ms);
	if (h->command == ZCL_READ_RESPONSE)
		take_records(s, p, channel, payload, now_ms);
	else if (ota && h->command == ZCL_DEFAULT_RESPONSE)
		take_default_response(s, p, payload, now_ms);
	else if (ota && !h->from_server && h->command < 32 &&
			REQUESTS >> h->command & 1)
		server_refuse(s, p, h, reply, now_ms);
}

/* ---- check-in ---- */

/* The child is awake now and stays so while there is something to do. */
void server_take_poll(struct server *s, struct server_peer *p,
	const struct zcl_header *h, struct bytes reply, int64_t now_ms)
{
	const struct server_offer *o = p->offer;

	if (!h->cluster_specific || !h->from_server ||
			h->command != POLL_CHECK_IN ||
			reply.len > SERVER_REPLY_MAX)
		return;
	p->check_in_tsn = h->tsn;
	p->check_in_len = (uint8_t)reply.len;
	if (reply.len)
		memcpy(p->check_in_reply, reply.at, reply.len);
	p->fast_poll = o != NULL;
	server_want(s, p, WANT_CHECK_IN, now_ms);
	if (!o || o->phase == PHASE_HEADER)
		return;
	if (o->goal == ENGINE_GOAL_INVENTORY || o->phase == PHASE_PROVE)
		server_want(s, p, WANT_READ, now_ms);
	else if (o->phase == PHASE_OPEN || (o->phase == PHASE_TRANSFER &&
				!o->has_all))
		server_want(s, p, WANT_NOTIFY, now_ms);
}
