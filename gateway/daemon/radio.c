#include "gateway/daemon/radio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "devices/zigbee_ota/quirks.h"
#include "gateway/daemon/child.h"
#include "gateway/daemon/delegated.h"
#include "gateway/daemon/vendor.h"
#include "gateway/daemon/view.h"

#define TEXTS_MAX 768 /* of the attributes of one side */

/* Attributes of one side: name, NUL, value, NUL, name ... */
struct texts {
	char *at;
	size_t len;
};

struct radio_peer {
	struct radio_peer *next;
	char key[FERRY_KEY_MAX + 1];
	char address[64];
	enum peer_id_kind id_kind;
	bool present; /* its driver reported it since it came up */
	bool sleepy;
	int64_t heard_s; /* its last frame; 0: none since the start */
	char joined[24]; /* the attribute as it was last; "" none */
	struct texts driver, engine;
};

/* ---- the table ---- */

static unsigned bucket_of(const char *key)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	while (*key)
		hash = (hash ^ (uint8_t)*key++) * 16777619u;
	return (hash ^ hash >> 16) % RADIO_BUCKETS;
}

static struct radio_peer *peer_find(const struct radio *r, const char *key)
{
	struct radio_peer *p = r->buckets[bucket_of(key)];

	while (p && strcmp(p->key, key))
		p = p->next;
	return p;
}

static void peer_free(struct radio_peer *p)
{
	free(p->driver.at);
	free(p->engine.at);
	free(p);
}

/* One that is not there makes room. */
static bool evict_one(struct radio *r)
{
	for (unsigned i = 0; i < RADIO_BUCKETS; i++)
		for (struct radio_peer **at = &r->buckets[i]; *at;
				at = &(*at)->next) {
			struct radio_peer *p = *at;

			if (p->present)
				continue;
			*at = p->next;
			peer_free(p);
			r->peers--;
			return true;
		}
	return false;
}

static struct radio_peer *peer_of(struct radio *r, const char *key)
{
	struct radio_peer *p = peer_find(r, key);
	unsigned bucket = bucket_of(key);

	if (p)
		return p;
	if (strlen(key) > FERRY_KEY_MAX ||
			(r->peers >= RADIO_PEERS_MAX && !evict_one(r)))
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	snprintf(p->key, sizeof(p->key), "%s", key);
	p->id_kind = PEER_ID_HARDWARE;
	p->next = r->buckets[bucket];
	r->buckets[bucket] = p;
	r->peers++;
	return p;
}

/* ---- attributes ---- */

static void texts_add(struct texts *t, const char *name, const char *value)
{
	size_t name_size = strlen(name) + 1;
	size_t value_size = strlen(value) + 1;
	char *more;

	if (name_size + value_size > TEXTS_MAX - t->len)
		return;
	more = realloc(t->at, t->len + name_size + value_size);
	if (!more)
		return;
	memcpy(more + t->len, name, name_size);
	memcpy(more + t->len + name_size, value, value_size);
	t->at = more;
	t->len += name_size + value_size;
}

static size_t texts_list(const struct texts *t, struct peer_attribute *into,
	size_t room)
{
	size_t count = 0;
	size_t at = 0;

	while (at < t->len && count < room) {
		const char *name = t->at + at;
		const char *value = name + strlen(name) + 1;

		into[count++] = (struct peer_attribute){name, value};
		at = (size_t)(value + strlen(value) + 1 - t->at);
	}
	return count;
}

/* Both sides together are what classes are matched with. */
static void tell_registry(struct radio *r, struct radio_peer *p)
{
	struct peer_attribute attributes[FERRY_ATTRIBUTES_MAX +
		ENGINE_PEER_ATTRIBUTES];
	size_t count = texts_list(&p->driver, attributes,
		FERRY_ATTRIBUTES_MAX);
	struct peer_sight sight = {
		.driver = r->line->config->driver,
		.link = r->line->name,
		.key = p->key,
		.address = p->address[0] ? p->address : NULL,
		.id_kind = p->id_kind,
		.attributes = attributes,
	};

	count += texts_list(&p->engine, attributes + count,
		ENGINE_PEER_ATTRIBUTES);
	sight.attribute_count = count;
	line_saw(r->line, &sight);
}

/* ---- what the engine says ---- */

static void on_facts(void *arg, const char *key,
	const struct engine_facts *facts)
{
	struct radio *r = arg;
	struct gateway *g = r->line->gateway;
	const struct device *d = registry_device_of_peer(g->registry,
		r->line->name, key);
	struct child *c = d ? child_find(g, d->id) : NULL;

	if (c)
		child_take_facts(c, facts);
}

static void on_peer(void *arg, const char *key,
	const struct engine_attribute *attributes, size_t count)
{
	struct radio *r = arg;
	struct radio_peer *p = peer_of(r, key);

	if (!p)
		return;
	free(p->engine.at);
	p->engine = (struct texts){0};
	for (size_t i = 0; i < count; i++)
		texts_add(&p->engine, attributes[i].name,
			attributes[i].value);
	/* It spoke, so it is there. */
	p->present = true;
	tell_registry(r, p);
}

static void on_link(void *arg, bool up, int status)
{
	struct radio *r = arg;

	if (up)
		log_info("radio", "network is served", "link=%s engine=%s",
			r->line->name, r->line->config->network->engine);
	else
		log_warn("radio", "network is not served, will be tried again",
			"link=%s code=%s", r->line->name, err_name(status));
	view_tell_line(r->line);
}

static const struct network_events events = {
	.on_facts = on_facts,
	.on_peer = on_peer,
	.on_link = on_link,
};

/* ---- what the driver says ---- */

static void take_driver(struct radio_peer *p, const struct ferry_peer *peer)
{
	free(p->driver.at);
	p->driver = (struct texts){0};
	for (uint32_t i = 0; i < peer->attribute_count; i++)
		texts_add(&p->driver, peer->attributes[i].key,
			peer->attributes[i].value);
	if (peer->address)
		bytes_to_printable(bytes_of_text(peer->address), p->address,
			sizeof(p->address));
	p->id_kind = (enum peer_id_kind)peer->id_kind;
	p->sleepy = (peer->flags & FERRY_PEER_SLEEPY) != 0;
	p->present = true;
}

static const char *joined_of(const struct ferry_peer *peer)
{
	for (uint32_t i = 0; i < peer->attribute_count; i++)
		if (!strcmp(peer->attributes[i].key, "joined"))
			return peer->attributes[i].value;
	return "";
}

/* The driver counts how often a peer announced itself. */
static bool has_joined(struct radio_peer *p, const struct ferry_peer *peer)
{
	const char *joined = joined_of(peer);
	bool news = joined[0] && strcmp(joined, p->joined) != 0;

	snprintf(p->joined, sizeof(p->joined), "%s", joined);
	return news;
}

void radio_saw(struct radio *r, const struct ferry_peer *peer)
{
	struct network_peer told = {
		.key = peer->key,
		.gone = (peer->flags & FERRY_PEER_GONE) != 0,
		.sleepy = (peer->flags & FERRY_PEER_SLEEPY) != 0,
		.group = (peer->flags & FERRY_PEER_GROUP) != 0,
	};
	struct radio_peer *p = told.group ? NULL : told.gone ?
		peer_find(r, peer->key) : peer_of(r, peer->key);

	if (p && told.gone) {
		p->present = false;
	} else if (p) {
		told.joined = has_joined(p, peer);
		take_driver(p, peer);
	}
	network_peer(r->network, &told);
	if (p && !told.gone)
		tell_registry(r, p);
}

void radio_heard(struct radio *r, const char *key)
{
	struct radio_peer *p = key ? peer_find(r, key) : NULL;

	if (p)
		p->heard_s = gateway_wall_ms() / 1000;
}

int64_t radio_heard_s(const struct radio *r, const char *key)
{
	const struct radio_peer *p = r ? peer_find(r, key) : NULL;

	return p ? p->heard_s : 0;
}

bool radio_is_sleepy(const struct radio *r, const char *key)
{
	const struct radio_peer *p = r ? peer_find(r, key) : NULL;

	return p && p->sleepy;
}

/* ---- quirks ---- */

void radio_reloaded(struct radio *r)
{
	const struct config_network *c = r->line->config->network;

	network_quirks(r->network, "", bytes_of(c->quirks, c->quirks_len));
}

static struct radio_vendor *vendor_slot(struct radio *r, const char *name)
{
	struct radio_vendor *unused = NULL;

	for (unsigned i = 0; i < CONFIG_VENDORS_MAX; i++) {
		if (!strcmp(r->vendors[i].name, name))
			return &r->vendors[i];
		if (!r->vendors[i].name[0] && !unused)
			unused = &r->vendors[i];
	}
	if (unused)
		snprintf(unused->name, sizeof(unused->name), "%s", name);
	return unused;
}

static void tell_quirks(struct radio *r, const struct vendor *v,
	const struct catalog *catalog)
{
	struct radio_vendor *told = vendor_slot(r, v->name);
	struct bytes rows = {0};
	struct fault fault = {0};

	if (!told || (told->epoch == catalog->epoch &&
			told->sequence == catalog->sequence))
		return;
	told->epoch = catalog->epoch;
	told->sequence = catalog->sequence;
	if (catalog->quirks.len && quirks_of_catalog(catalog->quirks, &rows,
			&fault))
		log_warn("radio", "quirks of a catalog cannot be used",
			"link=%s vendor=%s field=%s rule=\"%s\"",
			r->line->name, v->name, fault.field, fault.rule);
	network_quirks(r->network, v->name, rows);
}

/* A vendor that is no longer configured has no say. */
static void forget_vendors(struct radio *r)
{
	struct bytes none = {0};

	for (unsigned i = 0; i < CONFIG_VENDORS_MAX; i++) {
		struct radio_vendor *told = &r->vendors[i];

		if (!told->name[0] || vendor_find(r->line->gateway,
				told->name))
			continue;
		network_quirks(r->network, told->name, none);
		*told = (struct radio_vendor){0};
	}
}

void radio_review_all(struct gateway *g)
{
	for (struct line *l = g->lines; l; l = l->next) {
		if (!l->radio)
			continue;
		forget_vendors(l->radio);
		for (struct vendor *v = g->vendors; v; v = v->next)
			if (vendor_catalog(v))
				tell_quirks(l->radio, v, vendor_catalog(v));
	}
}

/* ---- offers ---- */

int radio_offer(struct gateway *g, const struct device *device,
	const struct session_setup *setup, struct session **ret)
{
	struct line *l = line_find(g, device->link);

	if (setup->engine->delegate)
		return delegated_offer(l, device, setup, ret);
	if (!l || !l->radio || strcmp(l->config->network->engine,
			setup->engine->name))
		return ERR_JOB_NO_LINK;
	return network_offer(l->radio->network, device->key, setup, ret);
}

/* ---- life ---- */

void radio_up(struct radio *r, struct transport *transport)
{
	network_up(r->network, transport);
}

void radio_down(struct radio *r)
{
	network_down(r->network);
	for (unsigned i = 0; i < RADIO_BUCKETS; i++)
		for (struct radio_peer *p = r->buckets[i]; p; p = p->next)
			p->present = false;
}

void radio_pause_all(struct gateway *g, bool paused)
{
	for (struct line *l = g->lines; l; l = l->next)
		if (l->radio)
			network_pause(l->radio->network, paused);
}

int radio_open(struct line *l, struct fault *fault)
{
	const struct config_network *c = l->config->network;
	struct radio *r = calloc(1, sizeof(*r));
	struct network_setup setup = {
		.loop = l->gateway->loop,
		.engine = engine_find(c->engine),
		.options = c->options,
		.budget_pct = c->budget_pct,
		.events = &events,
		.arg = r,
	};
	int err = -ENOMEM;

	if (!r)
		return err;
	r->line = l;
	err = setup.engine ? network_open(&setup, &r->network, fault) :
		ERR_ENGINE_UNKNOWN;
	if (err) {
		free(r);
		return err;
	}
	l->radio = r;
	radio_reloaded(r);
	return 0;
}

void radio_close(struct radio *r)
{
	if (!r)
		return;
	network_close(r->network);
	r->network = NULL;
}

void radio_free(struct radio *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < RADIO_BUCKETS; i++)
		while (r->buckets[i]) {
			struct radio_peer *next = r->buckets[i]->next;

			peer_free(r->buckets[i]);
			r->buckets[i] = next;
		}
	free(r);
}

/* ---- for people ---- */

static double per_cent(unsigned basis_points)
{
	return basis_points / 100.0;
}

json_t *radio_view_airtime(const struct radio *r)
{
	struct network_numbers n;

	if (!r || !r->network)
		return json_null();
	network_count(r->network, &n);
	return json_pack("{s:o,s:f,s:f,s:f,s:i,s:i}", "budget_pct",
		n.airtime.budget_pct ? json_integer(n.airtime.budget_pct) :
		json_null(), "used_pct", per_cent(n.airtime.sent_bp +
		n.airtime.received_bp), "sent_pct",
		per_cent(n.airtime.sent_bp), "received_pct",
		per_cent(n.airtime.received_bp), "held", (int)n.held,
		"window_s", AIRTIME_WINDOW_MS / 1000);
}

static void count_peers(const struct radio *r, int *ret_peers, int *ret_sleepy)
{
	*ret_peers = 0;
	*ret_sleepy = 0;
	for (unsigned i = 0; i < RADIO_BUCKETS; i++)
		for (const struct radio_peer *p = r->buckets[i]; p;
				p = p->next) {
			*ret_peers += p->present;
			*ret_sleepy += p->present && p->sleepy;
		}
}

json_t *radio_view_network(const struct radio *r)
{
	struct network_numbers n;
	int peers, sleepy;

	if (!r || !r->network)
		return json_null();
	network_count(r->network, &n);
	count_peers(r, &peers, &sleepy);
	return json_pack("{s:s,s:b,s:o,s:i,s:i,s:i,s:i,s:i,s:I,s:I}", "engine",
		r->line->config->network->engine, "served",
		network_is_served(r->network), "text",
		view_text(r->line->address), "peers", peers, "sleepy", sleepy,
		"offers", (int)n.offers, "downloads", (int)n.downloads,
		"asleep", (int)n.asleep, "frames_in", (json_int_t)n.frames_in,
		"frames_out", (json_int_t)n.frames_out);
}
