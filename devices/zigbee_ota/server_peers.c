#include "devices/zigbee_ota/server.h"

#include <stdio.h>
#include <stdlib.h>

#define LEARN_FIRST_MS 2000
#define LEARN_SPREAD_MS 250
#define REPORT_AGAIN_MS 5000 /* each may cost the host a write to flash */
#define AIR_PERCENT_START 100

/* ---- lists ---- */

static struct server_hook *hook_of(struct server_peer *p, size_t hook)
{
	return (struct server_hook *)(void *)((char *)p + hook);
}

void server_list_add(struct server_list *l, struct server_peer *p,
	size_t hook)
{
	struct server_hook *h = hook_of(p, hook);

	if (h->in)
		return;
	h->in = true;
	h->prev = l->last;
	if (h->prev)
		hook_of(h->prev, hook)->next = p;
	else
		l->first = p;
	l->last = p;
}

void server_list_remove(struct server_list *l, struct server_peer *p,
	size_t hook)
{
	struct server_hook *h = hook_of(p, hook);

	if (!h->in)
		return;
	if (h->prev)
		hook_of(h->prev, hook)->next = h->next;
	else
		l->first = h->next;
	if (h->next)
		hook_of(h->next, hook)->prev = h->prev;
	else
		l->last = h->prev;
	*h = (struct server_hook){0};
}

/* ---- the table ---- */

static struct server_peer **bucket(struct server *s, struct bytes key)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < key.len; i++)
		hash = (hash ^ key.at[i]) * 16777619u;
	hash ^= hash >> 15;
	return &s->buckets[hash & (SERVER_BUCKETS - 1)];
}

static bool is_key(struct bytes key)
{
	if (key.len == 0 || key.len >= SERVER_KEY_SIZE)
		return false;
	for (size_t i = 0; i < key.len; i++)
		if (key.at[i] <= ' ' || key.at[i] > '~')
			return false;
	return true;
}

static void forget(struct server *s, struct server_peer *p)
{
	struct server_peer **at = bucket(s, bytes_of_text(p->key));

	while (*at != p)
		at = &(*at)->in_bucket;
	*at = p->in_bucket;
	server_wake_drop(s, p);
	server_list_remove(&s->lanes[p->lane], p, HOOK(lane_hook));
	keep_drop(&s->keep, &p->keep);
	server_list_remove(&s->peer_reports, p, HOOK(report_hook));
	server_queue_forget(s, p);
	s->peer_count--;
	free(p);
}

static struct server_peer *make_peer(struct server *s, struct bytes key)
{
	struct server_peer **at = bucket(s, key);
	struct keep_hook *out = keep_next_out(&s->keep);
	struct server_peer *p;

	if (s->peer_count == SERVER_PEERS_MAX && out)
		forget(s, KEEP_ENTRY(out, struct server_peer, keep));
	p = s->peer_count < SERVER_PEERS_MAX ? calloc(1, sizeof(*p)) : NULL;
	if (!p) {
		s->counts.refused_peers++;
		return NULL;
	}
	memcpy(p->key, key.at, key.len);
	p->in_bucket = *at;
	*at = p;
	p->basic_ms = ENGINE_NEVER;
	p->facts_ms = INT64_MIN;
	p->tokens_ms = INT64_MIN;
	p->paced_ms = INT64_MIN / 2;
	p->air_percent = AIR_PERCENT_START;
	s->peer_count++;
	server_peer_quirks(s, p);
	server_peer_settle(s, p);
	return p;
}

struct server_peer *server_peer(struct server *s, struct bytes key, bool make)
{
	if (!is_key(key))
		return NULL;
	for (struct server_peer *p = *bucket(s, key); p; p = p->in_bucket)
		if (bytes_is_text(key, p->key))
			return p;
	return make ? make_peer(s, key) : NULL;
}

void server_peers_done(struct server *s)
{
	for (size_t i = 0; i < SERVER_BUCKETS; i++)
		while (s->buckets[i])
			forget(s, s->buckets[i]);
	for (size_t i = 0; i < s->vendor_count; i++)
		quirk_table_free(s->vendors[i].table);
	quirk_table_free(s->local);
	quirk_table_free(s->built_in);
}

/* A device that left and proved itself before is real when it is back. */
void server_peer_settle(struct server *s, struct server_peer *p)
{
	keep_set(&s->keep, &p->keep, p->offers ? KEEP_PINNED : !p->known ?
		KEEP_GONE : p->proven ? KEEP_PROVEN : KEEP_STRANGER);
}

void server_peer_proven(struct server *s, struct server_peer *p,
	int64_t now_ms)
{
	if (p->proven)
		return;
	p->proven = true;
	server_peer_settle(s, p);
	server_tell_peer(s, p, now_ms);
}

void server_peer_heard(struct server *s, struct server_peer *p, int64_t now_ms)
{
	bool first = !p->heard;

	p->heard = true;
	p->heard_ms = now_ms;
	if (p->exchanges < UINT16_MAX)
		p->exchanges++;
	server_peer_settle(s, p);
	if (p->sleepy && p->offer && p->offer->goal == ENGINE_GOAL_INVENTORY)
		p->offer->read_ms = server_sooner(p->offer->read_ms, now_ms);
	if (p->known && (first || (p->sleepy && p->basic_tries == 0)))
		server_learn_later(s, p, now_ms + (p->sleepy ? 0 :
			LEARN_FIRST_MS));
}

/* ---- events of the driver ---- */

static void group_event(struct server *s, const struct engine_event *e)
{
	struct bytes key = bytes_of_text(e->peer.key);

	if (!is_key(key))
		return;
	if (!e->peer.gone)
		memcpy(s->group, e->peer.key, key.len + 1);
	else if (bytes_is_text(key, s->group))
		s->group[0] = '\0';
}

static void came(struct server *s, struct server_peer *p,
	const struct engine_event *e, int64_t now_ms)
{
	bool fresh = !p->known;

	p->known = true;
	p->sleepy = e->peer.sleepy;
	server_peer_settle(s, p);
	if (fresh && p->offer)
		server_resume(s, p->offer, now_ms);
	if (e->peer.joined) {
		p->exchanges = 0;
		if (p->offer)
			server_prove_announced(s, p->offer, now_ms);
		else if (p->has_version)
			server_want(s, p, WANT_READ, now_ms);
	}
	if (fresh && !p->sleepy && p->basic_tries == 0)
		server_learn_later(s, p, now_ms + LEARN_FIRST_MS +
			(int64_t)(s->peer_count * LEARN_SPREAD_MS));
	s->look = true;
}

void server_peer_event(struct server *s, const struct engine_event *e,
	int64_t now_ms)
{
	struct server_peer *p;

	if (e->peer.group) {
		group_event(s, e);
		return;
	}
	p = server_peer(s, bytes_of_text(e->peer.key), !e->peer.gone);
	if (!p)
		return;
	if (!e->peer.gone) {
		came(s, p, e, now_ms);
	} else {
		p->known = false;
		p->ask.state = ASK_NONE;
		if (p->offer)
			server_unload(s, p->offer);
		server_unwant(s, p, ~0u, now_ms);
		if (server_is_update(p->offer))
			server_set_wait(s, p->offer, ENGINE_WAIT_WAKE,
				ENGINE_NEVER);
		if (p->offer)
			server_inventory_lost(s, p->offer, now_ms);
		server_peer_settle(s, p);
	}
	server_rearm(s, p, now_ms);
}

/* ---- quirks ---- */

void server_peer_quirks(struct server *s, struct server_peer *p)
{
	struct quirk_subject subject = {
		.manufacturer = p->has_key ? p->key_told.manufacturer : 0xffff,
		.type = p->has_key ? p->key_told.type : 0xffff,
		.has_version = p->has_version,
		.version = p->key_told.version,
	};

	memcpy(subject.model, p->model, sizeof(subject.model));
	memcpy(subject.manufacturer_name, p->maker,
		sizeof(subject.manufacturer_name));
	quirks_init(&p->quirks);
	quirk_table_apply(s->built_in, &subject, &p->quirks);
	quirk_table_apply(s->local, &subject, &p->quirks);
	for (size_t i = 0; i < s->vendor_count; i++)
		quirk_table_apply(s->vendors[i].table, &subject, &p->quirks);
	if (p->offer)
		quirk_table_apply(p->offer->options.quirks, &subject,
			&p->quirks);
}

/* Where the table of `source` is kept; NULL: no room. */
static struct quirk_table **table_of(struct server *s, const char *source)
{
	size_t i = 0;

	if (!source[0])
		return &s->local;
	while (i < s->vendor_count && strcmp(s->vendors[i].source, source))
		i++;
	if (i == SERVER_VENDORS_MAX || strlen(source) >= SERVER_SOURCE_SIZE)
		return NULL;
	if (i == s->vendor_count) {
		memcpy(s->vendors[i].source, source, strlen(source) + 1);
		s->vendor_count++;
	}
	return &s->vendors[i].table;
}

/* A table that cannot be read leaves the one before in force: the relay has
 * checked it and says so. */
void server_quirks_event(struct server *s, const struct engine_event *e)
{
	struct quirk_table *table = NULL;
	struct quirk_table **at;

	if (!e->quirks.source || quirk_table_read(e->quirks.rows, &table, NULL))
		return;
	at = table_of(s, e->quirks.source);
	if (!at) {
		quirk_table_free(table);
		return;
	}
	quirk_table_free(*at);
	*at = table;
	for (size_t i = 0; i < SERVER_BUCKETS; i++)
		for (struct server_peer *p = s->buckets[i]; p; p = p->in_bucket)
			server_peer_quirks(s, p);
}

/* ---- what the host is told ---- */

int64_t server_report_due(const struct server_peer *p)
{
	return (p->tell_peer || p->tell_facts) && !p->report_hook.in ?
		p->report_ms : ENGINE_NEVER;
}

void server_report_tick(struct server *s, struct server_peer *p,
	int64_t now_ms)
{
	if (now_ms >= server_report_due(p))
		server_list_add(&s->peer_reports, p, HOOK(report_hook));
}

void server_tell_peer(struct server *s, struct server_peer *p, int64_t now_ms)
{
	p->tell_peer = true;
	server_report_tick(s, p, now_ms);
	server_wake(s, p, server_report_due(p));
}

void server_tell_facts(struct server *s, struct server_peer *p,
	int64_t now_ms)
{
	p->tell_facts = true;
	server_report_tick(s, p, now_ms);
	server_wake(s, p, server_report_due(p));
}

void server_fill_facts(const struct server_peer *p, struct engine_facts *ret)
{
	*ret = (struct engine_facts){
		.confirmed = -1,
		.pending = -1,
		.can_revert = 0,
		.can_resume = 1,
		.can_prove = 1,
		.exchanges = p->exchanges,
	};
	if (p->has_version)
		ota_version_text(p->key_told.version, ret->version,
			sizeof(ret->version));
	if (p->has_hw)
		snprintf(ret->hw_revision, sizeof(ret->hw_revision), "0x%04x",
			p->hw);
}

static size_t add_text(struct server *s, size_t n, const char *name,
	const char *value)
{
	if (!value[0])
		return n;
	s->attributes[n] = (struct engine_attribute){name, value};
	return n + 1;
}

static size_t add_number(struct server *s, size_t n, const char *name,
	unsigned value, char *text)
{
	snprintf(text, sizeof(s->numbers[0]), "0x%04x", value);
	return add_text(s, n, name, text);
}

static void show_peer(struct server *s, const struct server_peer *p,
	struct engine_command *ret)
{
	size_t n = 0;

	if (p->has_key) {
		n = add_number(s, n, "manufacturer", p->key_told.manufacturer,
			s->numbers[0]);
		n = add_number(s, n, "image_type", p->key_told.type,
			s->numbers[1]);
	}
	if (p->has_version) {
		ota_version_text(p->key_told.version, s->numbers[2],
			sizeof(s->numbers[2]));
		n = add_text(s, n, "file_version", s->numbers[2]);
	}
	if (p->has_hw)
		n = add_number(s, n, "hw_version", p->hw, s->numbers[3]);
	n = add_text(s, n, "model", p->model);
	n = add_text(s, n, "manufacturer_name", p->maker);
	n = add_text(s, n, "sw_build", p->build);
	ret->type = ENGINE_CMD_PEER;
	ret->peer = (struct engine_peer){
		.key = p->key,
		.attributes = s->attributes,
		.attribute_count = n,
		.proven = p->proven,
		.untold = !p->known,
	};
}

bool server_next_peer_report(struct server *s, int64_t now_ms,
	struct engine_command *ret)
{
	struct server_peer *p = s->peer_reports.first;

	if (!p)
		return false;
	if (p->tell_peer) {
		p->tell_peer = false;
		show_peer(s, p, ret);
	} else {
		p->tell_facts = false;
		server_fill_facts(p, &s->facts);
		ret->type = ENGINE_CMD_FACTS;
		ret->facts.job = p->offer ? p->offer->job : 0;
		ret->facts.facts = &s->facts;
		ret->facts.peer = p->key;
	}
	if (p->tell_peer || p->tell_facts)
		return true;
	server_list_remove(&s->peer_reports, p, HOOK(report_hook));
	p->report_ms = now_ms + REPORT_AGAIN_MS;
	return true;
}
