#include "gateway/daemon/line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/daemon/delegated.h"
#include "gateway/daemon/drivers.h"
#include "gateway/daemon/radio.h"
#include "gateway/daemon/service.h"

#define RESTART_MIN_MS 1000
#define RESTART_MAX_MS 60000

static unsigned bucket_of(const char *name)
{
	return gateway_name_hash(name) % GATEWAY_LINE_BUCKETS;
}

struct line *line_find(const struct gateway *g, const char *name)
{
	struct line *l = g->line_index[bucket_of(name)];

	while (l && strcmp(l->name, name))
		l = l->same_bucket;
	return l;
}

/* Behind those that are there, and into the index. */
static void place(struct line *l)
{
	struct line **at = &l->gateway->lines;
	struct line **bucket = &l->gateway->line_index[bucket_of(l->name)];

	while (*at)
		at = &(*at)->next;
	*at = l;
	l->same_bucket = *bucket;
	*bucket = l;
	l->number = ++l->gateway->last_line;
}

static void unplace(struct line *l)
{
	struct line **at = &l->gateway->lines;
	struct line **bucket = &l->gateway->line_index[bucket_of(l->name)];

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	while (*bucket != l)
		bucket = &(*bucket)->same_bucket;
	*bucket = l->same_bucket;
}

const char *line_state_name(const struct line *l)
{
	if (l->closing)
		return "stopped";
	if (l->failed)
		return "failed";
	if (l->up)
		return "up";
	return l->status ? "down" : "starting";
}

int line_security(const struct line *l)
{
	if (l->radio)
		return network_security(l->radio->network);
	if (!l->up || l->delegate || (l->caps & FERRY_CAP_PEERS))
		return -1;
	return (int)l->security;
}

bool line_serves(const struct line *l, const struct engine_ops *engine)
{
	const struct config_link *c = l->config;

	if (c->is_delegate)
		return !strcmp(c->driver, engine->name);
	if (c->network)
		return !strcmp(c->network->engine, engine->name);
	return !engine->network;
}

void line_changed(struct line *l)
{
	l->since_ms = gateway_wall_ms();
	news_line(&l->gateway->news, l);
	gateway_wake(l->gateway);
}

/* ---- sessions ---- */

int line_attach(struct line *l, struct session *s)
{
	struct line_session *entry = malloc(sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	*entry = (struct line_session){l->sessions, s};
	l->sessions = entry;
	return 0;
}

void line_forget(struct gateway *g, struct session *s)
{
	for (struct line *l = g->lines; l; l = l->next) {
		for (struct line_session **at = &l->sessions; *at;) {
			struct line_session *entry = *at;

			if (entry->session != s) {
				at = &entry->next;
				continue;
			}
			*at = entry->next;
			free(entry);
		}
	}
}

static struct session *session_of(const struct line *l, uint64_t link)
{
	for (struct line_session *e = l->sessions; e; e = e->next)
		if (session_owns(e->session, l->transport, link))
			return e->session;
	return NULL;
}

/* ---- peers ---- */

static size_t copy_attributes(const struct ferry_peer *peer,
	struct peer_attribute *into)
{
	size_t n = peer->attribute_count < FERRY_ATTRIBUTES_MAX ?
		peer->attribute_count : FERRY_ATTRIBUTES_MAX;

	for (size_t i = 0; i < n; i++)
		into[i] = (struct peer_attribute){peer->attributes[i].key,
			peer->attributes[i].value};
	return n;
}

static bool is_present(const struct gateway *g, const char *link,
	const char *key)
{
	const struct device *d = registry_device_of_peer(g->registry, link,
		key);
	const struct candidate *c = d ? NULL : registry_candidate(g->registry,
		link, key);

	return (d && d->present) || (c && c->present);
}

void line_saw(struct line *l, const struct peer_sight *sight)
{
	struct gateway *g = l->gateway;
	struct device *d = NULL;
	struct fault fault = {0};
	bool was_there = is_present(g, l->name, sight->key);
	int n = registry_see(g->registry, sight, gateway_wall_ms() / 1000, &d,
		&fault);

	if (n < 0) {
		log_warn("line", "peer cannot be recorded",
			"link=%s code=%s field=%s rule=\"%s\"", l->name,
			err_name(n), fault.field, fault.rule);
		return;
	}
	if (!l->radio)
		l->peers += !was_there;
	if (n == REGISTRY_SIGHT_CANDIDATE) {
		l->events->on_candidate(l, sight);
		return;
	}
	if (n == REGISTRY_SIGHT_ENROLLED)
		radio_review_peer(g, l->name, sight->key);
	l->events->on_device(l, sight, d, n, !was_there);
}

/* Who comes and goes on the air without being a device is told to nobody: there
 * may be any number of them. */
static void lost(struct line *l, const char *key)
{
	bool matters = !l->radio || registry_device_of_peer(
		l->gateway->registry, l->name, key);

	registry_lose(l->gateway->registry, l->name, key);
	if (!l->radio)
		l->peers -= l->peers > 0;
	if (matters)
		line_changed(l);
}

static void on_peer(void *arg, const struct ferry_peer *peer)
{
	struct line *l = arg;
	struct peer_attribute attributes[FERRY_ATTRIBUTES_MAX];
	struct peer_sight sight = {
		.driver = l->config->driver,
		.link = l->name,
		.key = peer->key,
		.was = peer->was,
		.address = peer->address,
		.id_kind = (enum peer_id_kind)peer->id_kind,
		.attributes = attributes,
		.attribute_count = copy_attributes(peer, attributes),
	};

	if (l->radio)
		radio_saw(l->radio, peer);
	if (peer->flags & FERRY_PEER_GROUP)
		return;
	if (peer->flags & FERRY_PEER_GONE)
		lost(l, peer->key);
	else if (!l->radio)
		line_saw(l, &sight);
}

/* ---- the instance ---- */

/* What the driver says of the whole line, when it is up and later. */
static void take_record(struct line *l, const struct ferry_link *record)
{
	l->caps = record->caps;
	l->security = record->security;
	l->payload_max = record->channel_count ?
		record->channels[0].max_payload : 0;
	bytes_to_printable(bytes_of_text(record->text ? record->text : ""),
		l->address, sizeof(l->address));
}

static void on_up(void *arg, const struct ferry_link *record)
{
	struct line *l = arg;

	l->up = true;
	l->status = 0;
	l->text[0] = '\0';
	take_record(l, record);
	log_info("line", "link is up", "link=%s address=\"%s\"", l->name,
		l->address);
	if (l->radio)
		radio_up(l->radio, l->transport);
	l->events->on_link(l);
	line_changed(l);
}

/* The network that a link belongs to, or NULL. */
static struct network *network_of(const struct line *l, uint64_t link)
{
	return l->radio && network_owns(l->radio->network, link) ?
		l->radio->network : NULL;
}

static void on_message(void *arg, const struct ferry_message *message)
{
	struct line *l = arg;
	struct network *n = network_of(l, message->link);
	struct session *s;

	if (n) {
		radio_heard(l->radio, message->peer);
		network_message(n, message);
		return;
	}
	s = session_of(l, message->link);
	if (s)
		session_message(s, message);
}

static void on_link(void *arg, uint64_t link, const struct ferry_link *record)
{
	struct line *l = arg;
	struct network *n = network_of(l, link);
	struct session *s;

	if (!link) {
		take_record(l, record);
		line_changed(l);
		return;
	}
	if (n) {
		network_link_changed(n, record);
		return;
	}
	s = session_of(l, link);
	if (s)
		session_link_changed(s, record);
}

static void on_down(void *arg, uint64_t link, int status, const char *text,
	int64_t restart_ms)
{
	struct line *l = arg;
	struct network *n = network_of(l, link);
	struct session *s;

	if (n) {
		network_link_down(n, status);
		return;
	}
	if (link != 0) {
		s = session_of(l, link);
		if (s)
			session_link_down(s);
		return;
	}
	l->up = false;
	l->failed = restart_ms < 0;
	l->status = status;
	bytes_to_printable(bytes_of_text(text ? text : ""), l->text,
		sizeof(l->text));
	log_warn("line", restart_ms < 0 ? "link failed, needs a person" :
		"link is down, will be tried again",
		"link=%s code=%s text=\"%s\" again_ms=%lld", l->name,
		err_name(status), l->text, (long long)restart_ms);
	if (l->radio)
		radio_down(l->radio);
	registry_lose(l->gateway->registry, l->name, NULL);
	l->peers = 0;
	l->events->on_link(l);
	line_changed(l);
}

static int adopt(void *arg, const char *target)
{
	struct line *l = arg;
	int fd = service_take(target);

	if (fd >= 0)
		snprintf(l->kept, sizeof(l->kept), "%s", target);
	return fd;
}

static void opened(void *arg, const char *target, int fd)
{
	struct line *l = arg;

	snprintf(l->kept, sizeof(l->kept), "%s", target);
	service_keep(target, fd);
}

void line_drop_kept(struct line *l)
{
	if (l->kept[0])
		service_drop(l->kept);
	l->kept[0] = '\0';
}

static const struct transport_events of_transport = {
	.on_up = on_up,
	.on_peer = on_peer,
	.on_message = on_message,
	.on_link = on_link,
	.on_down = on_down,
	.adopt = adopt,
	.opened = opened,
};

static void copy_params(const struct config_link *config, struct ferry_kv *kv)
{
	for (unsigned i = 0; i < config->param_count; i++)
		kv[i] = (struct ferry_kv){config->params[i].key,
			config->params[i].value};
}

static int open_transport(struct line *l, struct fault *fault)
{
	struct ferry_kv kv[CONFIG_PAIRS_MAX];
	struct transport_config config = {
		.name = l->short_name,
		.kv = kv,
		.kv_count = l->config->param_count,
		.restart_min_ms = RESTART_MIN_MS,
		.restart_max_ms = RESTART_MAX_MS,
		.events = &of_transport,
		.arg = l,
	};
	int err;

	if (l->config->is_delegate)
		return delegated_open(l, fault);
	err = drivers_get(l->gateway->config, l->config->driver, &l->driver,
		fault);
	if (err)
		return err;
	if (l->config->network)
		err = radio_open(l, fault);
	if (err)
		return err;
	copy_params(l->config, kv);
	config.driver = l->driver;
	return transport_open(l->gateway->loop, &config, &l->transport, fault);
}

int line_add(struct gateway *g, const struct config_link *config,
	const struct line_events *events)
{
	struct line *l = calloc(1, sizeof(*l));
	struct fault fault = {0};
	int err;

	if (!l)
		return -ENOMEM;
	l->gateway = g;
	l->events = events;
	l->config = config;
	snprintf(l->name, sizeof(l->name), "%s", config->name);
	snprintf(l->short_name, sizeof(l->short_name), "%.31s", config->name);
	l->since_ms = gateway_wall_ms();
	place(l);
	err = open_transport(l, &fault);
	if (err) {
		l->failed = true;
		l->status = err;
		snprintf(l->text, sizeof(l->text), "%s%s%s", fault.field,
			fault.field[0] ? ": " : "", fault.rule);
		log_error("line", "link cannot be opened",
			"link=%s code=%s text=\"%s\"", l->name, err_name(err),
			l->text);
	}
	return 0;
}

struct closing_line {
	struct line *line;
	void (*on_closed)(void *arg);
	void *arg;
};

static void on_transport_closed(void *arg)
{
	struct closing_line *c = arg;
	struct line *l = c->line;

	while (l->sessions) {
		struct line_session *next = l->sessions->next;

		free(l->sessions);
		l->sessions = next;
	}
	radio_free(l->radio);
	drivers_put(l->driver);
	free(l);
	if (c->on_closed)
		c->on_closed(c->arg);
	free(c);
}

void line_close(struct line *l, void (*on_closed)(void *arg), void *arg)
{
	struct closing_line *c = malloc(sizeof(*c));

	unplace(l);
	l->closing = true;
	registry_lose(l->gateway->registry, l->name, NULL);
	if (!c)
		abort(); /* a few bytes at the very end */
	*c = (struct closing_line){l, on_closed, arg};
	radio_close(l->radio);
	if (l->delegate)
		delegate_close(l->delegate, on_transport_closed, c);
	else if (l->transport)
		transport_close(l->transport, on_transport_closed, c);
	else
		on_transport_closed(c);
}
