#include "gateway/daemon/radio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/daemon/delegated.h"

static bool is_device(void *arg, const char *key)
{
	const struct radio *r = arg;

	return registry_device_of_peer(r->line->gateway->registry,
		r->line->name, key) != NULL;
}

/* ---- what is known of a peer ---- */

#define SIGHT_ATTRIBUTES \
	(FERRY_ATTRIBUTES_MAX + ENGINE_PEER_ATTRIBUTES + ATTRIBUTES_MAX)

/* What nobody has said since the start is as it was. */
static size_t add_before(const struct radio_peer *p,
	struct peer_attribute *attributes, size_t count)
{
	struct peer_attribute before[ATTRIBUTES_MAX];
	size_t n = radio_texts_list(&p->before, before, ATTRIBUTES_MAX);
	size_t told = count;

	for (size_t i = 0; i < n; i++) {
		size_t at = 0;

		while (at < told && strcmp(attributes[at].name,
				before[i].name))
			at++;
		if (at == told)
			attributes[count++] = before[i];
	}
	return count;
}

/* Both sides together are what classes are matched with. */
static void fill_sight(const struct radio *r, const struct radio_peer *p,
	struct peer_attribute *attributes, struct peer_sight *ret)
{
	size_t count = radio_texts_list(&p->driver, attributes,
		FERRY_ATTRIBUTES_MAX);

	count += radio_texts_list(&p->engine, attributes + count,
		ENGINE_PEER_ATTRIBUTES);
	count = add_before(p, attributes, count);
	*ret = (struct peer_sight){
		.driver = r->line->config->driver,
		.link = r->line->name,
		.key = p->key,
		.address = p->address[0] ? p->address : NULL,
		.id_kind = p->id_kind,
		.attributes = attributes,
		.attribute_count = count,
		.doubtful = !p->proven,
		.on_hold = !p->proven &&
			r->peers.on_trust >= RADIO_ON_TRUST_MAX,
	};
}

/* Counted again after a restart. */
static void keep_trust(struct radio *r, const struct radio_peer *p,
	const struct peer_sight *sight)
{
	struct device *d = registry_device_of_peer(r->line->gateway->registry,
		r->line->name, p->key);

	if (!d || d->on_trust == p->on_trust)
		return;
	d->on_trust = p->on_trust;
	r->line->events->on_device(r->line, sight, d, REGISTRY_SIGHT_CHANGED,
		false);
}

/* A class may make it a device. */
static void tell_registry(struct radio *r, struct radio_peer *p)
{
	struct peer_attribute attributes[SIGHT_ATTRIBUTES];
	bool was_device = is_device(r, p->key);
	struct peer_sight sight;

	fill_sight(r, p, attributes, &sight);
	line_saw(r->line, &sight);
	if (!was_device && is_device(r, p->key))
		radio_peers_trust(&r->peers, p);
	keep_trust(r, p, &sight);
}

static void tell_network(struct radio *r, const struct radio_peer *p,
	bool joined)
{
	struct network_peer told = {
		.key = p->key,
		.sleepy = p->sleepy,
		.joined = joined,
	};

	network_peer(r->network, &told);
}

/* What it said before it was a device counts until it is read again. */
static void give_heard(const struct radio *r, const struct radio_peer *p,
	struct device *d)
{
	const struct config_class *c = gateway_class(r->line->gateway,
		d->class_name);
	int64_t seen_s = d->seen_s;

	if (!p->facts || p->facts_s < d->read_s || !c ||
			strcmp(c->device.engine,
			r->line->config->network->engine))
		return;
	registry_take_facts(d, p->facts, p->facts_s);
	if (d->seen_s < seen_s)
		d->seen_s = seen_s;
}

void radio_review_peer(struct gateway *g, const char *link, const char *key)
{
	struct line *l = line_find(g, link);
	struct radio *r = l ? l->radio : NULL;
	struct radio_peer *p = r ? radio_peers_find(&r->peers, key) : NULL;
	struct device *d = registry_device_of_peer(g->registry, link, key);
	struct peer_attribute attributes[SIGHT_ATTRIBUTES];
	struct peer_sight sight;

	if (!p)
		return;
	radio_peers_set(&r->peers, p, p->present, p->sleepy);
	if (d) {
		give_heard(r, p, d);
	} else if (p->present) {
		fill_sight(r, p, attributes, &sight);
		registry_show(g->registry, &sight, gateway_wall_ms() / 1000,
			NULL);
	}
}

/* ---- what the engine says ---- */

static void on_facts(void *arg, const char *key,
	const struct engine_facts *facts)
{
	struct radio *r = arg;
	struct gateway *g = r->line->gateway;
	struct radio_peer *p = radio_peers_find(&r->peers, key);
	const struct device *d = registry_device_of_peer(g->registry,
		r->line->name, key);

	if (p)
		radio_peer_read(p, facts, gateway_wall_ms() / 1000);
	if (d)
		r->line->events->on_facts(r->line, d, facts);
}

/* The engine may have forgotten what the driver told of it. */
static void on_peer(void *arg, const struct engine_peer *peer)
{
	struct radio *r = arg;
	struct radio_peer *p = radio_peers_get(&r->peers, peer->key);
	bool untold = peer->untold;

	if (!p)
		return;
	radio_texts_clear(&p->engine);
	for (size_t i = 0; i < peer->attribute_count; i++)
		radio_texts_add(&p->engine, peer->attributes[i].name,
			peer->attributes[i].value);
	p->proven = p->proven || peer->proven;
	/* It spoke, so it is there. */
	radio_peers_set(&r->peers, p, true, p->sleepy);
	if (untold && p->reported)
		tell_network(r, p, false);
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
	news_line(&r->line->gateway->news, r->line);
}

static const struct network_events events = {
	.on_facts = on_facts,
	.on_peer = on_peer,
	.on_link = on_link,
};

/* ---- what the driver says ---- */

static void take_driver(struct radio *r, struct radio_peer *p,
	const struct ferry_peer *peer)
{
	radio_texts_clear(&p->driver);
	for (uint32_t i = 0; i < peer->attribute_count; i++)
		radio_texts_add(&p->driver, peer->attributes[i].key,
			peer->attributes[i].value);
	if (peer->address)
		bytes_to_printable(bytes_of_text(peer->address), p->address,
			sizeof(p->address));
	p->id_kind = (enum peer_id_kind)peer->id_kind;
	p->reported = true;
	radio_peers_set(&r->peers, p, true,
		(peer->flags & FERRY_PEER_SLEEPY) != 0);
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

static void saw_group(struct radio *r, const struct ferry_peer *peer)
{
	struct network_peer told = {
		.key = peer->key,
		.group = true,
		.gone = (peer->flags & FERRY_PEER_GONE) != 0,
	};

	network_peer(r->network, &told);
}

static void lost_one(struct radio *r, const char *key)
{
	struct radio_peer *p = radio_peers_find(&r->peers, key);
	struct network_peer told = {.key = key, .gone = true};

	if (p) {
		p->reported = false;
		radio_peers_set(&r->peers, p, false, p->sleepy);
	}
	network_peer(r->network, &told);
}

void radio_saw(struct radio *r, const struct ferry_peer *peer)
{
	struct radio_peer *p;
	bool joined;

	if (peer->flags & FERRY_PEER_GROUP) {
		saw_group(r, peer);
		return;
	}
	if (peer->flags & FERRY_PEER_GONE) {
		lost_one(r, peer->key);
		return;
	}
	p = radio_peers_get(&r->peers, peer->key);
	if (!p)
		return;
	joined = has_joined(p, peer);
	take_driver(r, p, peer);
	tell_network(r, p, joined);
	tell_registry(r, p);
}

void radio_heard(struct radio *r, const char *key)
{
	struct radio_peer *p = key ? radio_peers_find(&r->peers, key) : NULL;

	int64_t now_s = gateway_wall_ms() / 1000;

	/* Once a second is enough to keep those that speak in their order. */
	if (!p || p->heard_s == now_s)
		return;
	p->heard_s = now_s;
	radio_peers_set(&r->peers, p, p->present, p->sleepy);
}

int64_t radio_heard_s(const struct radio *r, const char *key)
{
	const struct radio_peer *p = r ? radio_peers_find(&r->peers, key) :
		NULL;

	return p ? p->heard_s : 0;
}

bool radio_is_sleepy(const struct radio *r, const char *key)
{
	const struct radio_peer *p = r ? radio_peers_find(&r->peers, key) :
		NULL;

	return p && p->sleepy;
}

/* ---- quirks ---- */

void radio_reloaded(struct radio *r)
{
	const struct config_network *c = r->line->config->network;

	network_quirks(r->network, "", bytes_of(c->quirks, c->quirks_len));
}

/* ---- offers ---- */

int radio_offer(struct gateway *g, const struct device *device,
	const struct session_setup *setup, struct session **ret)
{
	struct line *l = line_find(g, device->link);
	struct radio_peer *p;

	if (setup->engine->delegate)
		return delegated_offer(l, device, setup, ret);
	if (!l || !l->radio || strcmp(l->config->network->engine,
			setup->engine->name))
		return ERR_JOB_NO_LINK;
	/* An engine that has forgotten it would wait until it speaks. */
	p = radio_peers_find(&l->radio->peers, device->key);
	if (p && p->reported)
		tell_network(l->radio, p, false);
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
	radio_peers_lose(&r->peers);
}

void radio_pause_all(struct gateway *g, bool paused)
{
	for (struct line *l = g->lines; l; l = l->next)
		if (l->radio)
			network_pause(l->radio->network, paused);
}

/* ---- what is known from before ---- */

static bool is_of_engine(const struct engine_ops *engine, const char *name)
{
	for (size_t i = 0; engine->attributes && engine->attributes[i]; i++)
		if (!strcmp(engine->attributes[i], name))
			return true;
	return false;
}

static void remember(struct radio *r, const struct engine_ops *engine,
	const struct device *d)
{
	struct peer_attribute list[ATTRIBUTES_MAX];
	size_t count = attributes_list(&d->attributes, list);
	struct radio_peer *p = radio_peers_get(&r->peers, d->key);

	if (!p)
		return;
	for (size_t i = 0; i < count; i++)
		if (is_of_engine(engine, list[i].name))
			radio_texts_add(&p->before, list[i].name,
				list[i].value);
	p->heard_s = d->heard_s;
	if (d->on_trust)
		radio_peers_trust(&r->peers, p);
}

static void remember_all(struct radio *r, const struct engine_ops *engine)
{
	struct registry *registry = r->line->gateway->registry;
	const struct device *d;

	for (size_t i = 0; (d = registry_device_at(registry, i)); i++)
		if (!strcmp(d->link, r->line->name))
			remember(r, engine, d);
}

/* ---- opening and closing ---- */

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
	radio_peers_init(&r->peers, RADIO_PEERS_MAX, is_device, r);
	err = setup.engine ? network_check(setup.engine, l->driver, fault) :
		ERR_ENGINE_UNKNOWN;
	if (!err)
		err = network_open(&setup, &r->network, fault);
	if (err) {
		free(r);
		return err;
	}
	l->radio = r;
	remember_all(r, setup.engine);
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
	radio_peers_done(&r->peers);
	free(r);
}

/* ---- who fills it ---- */

static int append_loudest(const struct radio *r, const struct talker_use *use,
	char *text, size_t size)
{
	const struct device *d = registry_device_of_peer(
		r->line->gateway->registry, r->line->name, use->key);

	return snprintf(text, size, ", %s%s%s%s alone %u.%u %%", use->key,
		d ? " (" : "", d ? d->id : "", d ? ")" : "", use->bp / 100,
		use->bp / 10 % 10);
}

bool radio_is_filled(const struct radio *r, char *text, size_t size)
{
	struct network_numbers n;
	int len;

	if (!r || !r->network)
		return false;
	network_count(r->network, &n);
	if (!n.airtime.budget_pct ||
			2 * n.airtime.received_bp < 100 * n.airtime.budget_pct)
		return false;
	len = snprintf(text, size, "devices use %u.%u %% of the channel",
		n.airtime.received_bp / 100, n.airtime.received_bp / 10 % 10);
	if (n.loudest.bp && (size_t)len < size)
		append_loudest(r, &n.loudest, text + len, size - (size_t)len);
	return true;
}
