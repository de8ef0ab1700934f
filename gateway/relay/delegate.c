#include "gateway/relay/delegate_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define RESPONSES "bridge/response/device/ota_update/"
#define REQUESTS "bridge/request/device/ota_update/"
#define PROBE "bridge/request/health_check"
#define PROBED "bridge/response/health_check"
#define PROBE_MS 1000      /* while it says that it is online */
#define PROBE_LONG_MS 10000
#define PROBES_MAX 10      /* unanswered, then that is said */

/* ---- devices ---- */

static unsigned bucket_of(const char *key)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	while (*key)
		hash = (hash ^ (uint8_t)*key++) * 16777619u;
	return (hash ^ hash >> 16) % DELEGATE_BUCKETS;
}

struct delegate_node *delegate_node(const struct delegate *d, const char *key)
{
	struct delegate_node *n = d->index[bucket_of(key)];

	while (n && strcmp(n->device.key, key) != 0)
		n = n->same_bucket;
	return n;
}

static void tell_node(struct delegate *d, const struct delegate_node *n)
{
	const struct z2m_device *v = &n->device;
	const struct peer_attribute all[] = {
		{"eui64", v->key},
		{"nwk", v->nwk},
		{"kind", v->sleepy ? "sleepy" : "router"},
		{"manufacturer_name", v->manufacturer},
		{"model", v->model},
		{"power_source", v->power_source},
		{"sw_build", v->sw_build},
		{"date_code", v->date_code},
	};
	struct peer_attribute known[Z2M_ATTRIBUTES_MAX];
	char name[Z2M_NAME_SIZE];
	struct delegate_peer peer = {
		.key = v->key,
		.address = name,
		.attributes = known,
		.sleepy = v->sleepy,
	};

	bytes_to_printable(bytes_of_text(v->name), name, sizeof(name));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].value[0])
			known[peer.attribute_count++] = all[i];
	d->events->on_peer(d->arg, &peer);
}

static struct delegate_node *add_node(struct delegate *d, const char *key)
{
	struct delegate_node **bucket = &d->index[bucket_of(key)];
	struct delegate_node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->next = d->nodes;
	d->nodes = n;
	n->same_bucket = *bucket;
	*bucket = n;
	return n;
}

static void keep_device(struct delegate *d, const struct z2m_device *device)
{
	struct delegate_node *n;

	if (device->disabled)
		return;
	n = delegate_node(d, device->key);
	if (n && n->seen == d->list)
		return; /* stands twice: the first one counts */
	if (!n)
		n = add_node(d, device->key);
	if (!n)
		return;
	n->device = *device;
	n->seen = d->list;
}

static void leave_index(struct delegate *d, const struct delegate_node *n)
{
	struct delegate_node **at = &d->index[bucket_of(n->device.key)];

	while (*at != n)
		at = &(*at)->same_bucket;
	*at = n->same_bucket;
}

static void drop_unseen(struct delegate *d)
{
	for (struct delegate_node **at = &d->nodes; *at;) {
		struct delegate_node *n = *at;

		if (n->seen == d->list) {
			at = &n->next;
			continue;
		}
		*at = n->next;
		leave_index(d, n);
		if (d->reach == DELEGATE_UP)
			d->events->on_peer_gone(d->arg, n->device.key);
		free(n);
	}
}

static void tell_nodes(struct delegate *d)
{
	for (const struct delegate_node *n = d->nodes;
			d->reach == DELEGATE_UP && n; n = n->next)
		tell_node(d, n);
}

static void forget_nodes(struct delegate *d)
{
	while (d->nodes) {
		struct delegate_node *next = d->nodes->next;

		free(d->nodes);
		d->nodes = next;
	}
}

/* ---- messages ---- */

/* Sessions may end, and be closed, in what they are told. */
static void tell_sessions(struct delegate *d,
	void (*tell)(struct delegate_session *s))
{
	struct delegate_session *next;

	for (struct delegate_session *s = d->sessions; s; s = next) {
		next = s->next;
		tell(s);
	}
}

static void unreadable(const char *topic, int err)
{
	log_warn("delegate", "message cannot be read", "topic=\"%s\" code=%s",
		topic, err_name(err));
}

static void on_probe(uv_timer_t *timer);

static void take_devices(struct delegate *d, struct bytes payload)
{
	int err = z2m_reader_devices(&d->reader, payload);

	if (err)
		unreadable("bridge/devices", err);
}

static void keep_devices(struct delegate *d, const struct z2m_device *list,
	unsigned count, unsigned skipped)
{
	d->list++;
	for (unsigned i = 0; i < count; i++)
		keep_device(d, &list[i]);
	if (skipped)
		log_warn("delegate", "devices without address or usable name "
			"are passed over", "count=%u", skipped);
	drop_unseen(d);
	tell_nodes(d);
	tell_sessions(d, delegate_session_named);
}

static void go_up(struct delegate *d);

static void on_devices(void *arg, int status, const struct z2m_device *list,
	unsigned count, unsigned skipped)
{
	struct delegate *d = arg;

	if (status)
		unreadable("bridge/devices", status);
	else
		keep_devices(d, list, count, skipped);
	if (d->answered)
		go_up(d);
}

/* ---- how far it is ---- */

static void probe_in(struct delegate *d, uint64_t ms)
{
	uv_timer_start(&d->probe, on_probe, ms, 0);
}

static void tell_down(struct delegate *d, int status, const char *why)
{
	d->events->on_down(d->arg, status, why);
}

static void go_down(struct delegate *d, int status, const char *why)
{
	bool was_up = d->reach == DELEGATE_UP;

	d->reach = DELEGATE_AWAY;
	d->unanswered = 0;
	d->answered = false;
	if (was_up)
		tell_sessions(d, delegate_session_down);
	tell_down(d, status, why);
}

static void tell_up(struct delegate *d)
{
	char text[96];

	snprintf(text, sizeof(text), "zigbee2mqtt%s%s", d->version[0] ? " " :
		"", d->version);
	d->events->on_up(d->arg, text);
}

static void go_up(struct delegate *d)
{
	d->reach = DELEGATE_UP;
	d->answered = false;
	uv_timer_stop(&d->probe);
	tell_up(d);
	tell_nodes(d);
	tell_sessions(d, delegate_session_up);
}

/* It says that it is online before it listens: what is asked then is lost. So
 * it counts as there when it has answered. */
static void probe(struct delegate *d)
{
	char topic[MQTT_TOPIC_MAX], payload[128];
	struct z2m_request request = {.transaction = d->probed};
	int len = z2m_request_write(&request, payload, sizeof(payload));

	snprintf(topic, sizeof(topic), "%s/" PROBE, d->params.topic);
	if (len > 0)
		mqtt_publish(d->mqtt, topic, bytes_of(payload, (size_t)len));
}

static void no_answer(struct delegate *d)
{
	char text[DELEGATE_TOPIC_SIZE + 96];

	snprintf(text, sizeof(text), d->reach == DELEGATE_ONLINE ?
		"zigbee2mqtt does not answer: may this user publish and read "
		"below %s?" : "nothing is heard of zigbee2mqtt below %s",
		d->params.topic);
	tell_down(d, ERR_DELEGATE_AWAY, text);
}

static void on_probe(uv_timer_t *timer)
{
	struct delegate *d = timer->data;
	bool often = d->reach == DELEGATE_ONLINE && d->unanswered < PROBES_MAX;

	if (d->answered) {
		/* It goes up when the list is read. */
		probe_in(d, PROBE_LONG_MS);
		return;
	}
	if (d->unanswered == (d->reach == DELEGATE_ONLINE ? PROBES_MAX : 1) &&
			d->reach != DELEGATE_AWAY)
		no_answer(d);
	d->unanswered++;
	probe(d);
	probe_in(d, often ? PROBE_MS : PROBE_LONG_MS);
}

static void take_probed(struct delegate *d, struct bytes payload)
{
	struct z2m_response response;

	if (d->reach == DELEGATE_UP || z2m_response_read(payload, &response) ||
			!response.ok || strcmp(response.transaction,
			d->probed) != 0)
		return;
	/* Whoever is offered a job then must be known. */
	d->answered = z2m_reader_is_listing(&d->reader);
	if (!d->answered)
		go_up(d);
}

static void take_online(struct delegate *d, struct bytes payload)
{
	bool online;
	int err = z2m_online_read(payload, &online);

	if (err) {
		unreadable("bridge/state", err);
		return;
	}
	if (online && d->reach != DELEGATE_UP) {
		d->reach = DELEGATE_ONLINE;
		d->unanswered = 0;
		probe(d);
		probe_in(d, PROBE_MS);
	} else if (!online) {
		if (d->reach != DELEGATE_AWAY)
			go_down(d, ERR_DELEGATE_AWAY, "zigbee2mqtt is offline");
		/* The last will of a connection that it gave up long ago may
		 * come after it is back. */
		probe_in(d, PROBE_LONG_MS);
	}
}

/* Published again whenever a setting of zigbee2mqtt changes. */
static void take_info(struct delegate *d, struct bytes payload)
{
	int err = z2m_reader_info(&d->reader, payload);

	if (err)
		unreadable("bridge/info", err);
}

static void on_version(void *arg, int status, const char *version)
{
	struct delegate *d = arg;

	if (status) {
		unreadable("bridge/info", status);
		return;
	}
	if (!strcmp(version, d->version))
		return;
	snprintf(d->version, sizeof(d->version), "%s", version);
	if (d->reach == DELEGATE_UP)
		tell_up(d);
}

static const struct z2m_reader_events reader_events = {
	.on_devices = on_devices,
	.on_version = on_version,
};

static void take_response(struct delegate *d, const char *what,
	struct bytes payload)
{
	struct z2m_response response;
	struct delegate_session *next;
	int err = z2m_response_read(payload, &response);

	if (err) {
		unreadable(what, err);
		return;
	}
	for (struct delegate_session *s = d->sessions; s; s = next) {
		next = s->next;
		delegate_session_response(s, what, &response);
	}
}

static void take_state(struct delegate *d, const char *topic,
	struct bytes payload)
{
	struct z2m_update update;
	struct delegate_session *next;

	for (struct delegate_session *s = d->sessions; s; s = next) {
		int err;

		next = s->next;
		if (strcmp(s->topic, topic) != 0)
			continue;
		err = z2m_update_read(payload, &update);
		if (err)
			unreadable(topic, err);
		else
			delegate_session_state(s, &update);
	}
}

static void on_message(void *arg, const char *topic, struct bytes payload,
	bool retained)
{
	struct delegate *d = arg;
	size_t len = strlen(d->params.topic);
	const char *rest;

	if (strncmp(topic, d->params.topic, len) != 0 || topic[len] != '/')
		return;
	rest = topic + len + 1;
	if (!strcmp(rest, "bridge/state"))
		take_online(d, payload);
	else if (!strcmp(rest, "bridge/devices"))
		take_devices(d, payload);
	else if (!strcmp(rest, "bridge/info"))
		take_info(d, payload);
	else if (!strncmp(rest, RESPONSES, strlen(RESPONSES)) && !retained)
		take_response(d, rest + strlen(RESPONSES), payload);
	else if (!strcmp(rest, PROBED) && !retained)
		take_probed(d, payload);
	else if (strncmp(rest, "bridge/", 7) != 0 && !retained)
		take_state(d, topic, payload);
}

/* ---- the broker ---- */

static void subscribe(struct delegate *d, const char *rest)
{
	char topic[MQTT_TOPIC_MAX];

	snprintf(topic, sizeof(topic), "%s/%s", d->params.topic, rest);
	if (mqtt_subscribe(d->mqtt, topic))
		log_warn("delegate", "cannot subscribe", "topic=\"%s\"", topic);
}

/* The state comes last: what is known is there when it goes up. */
static void on_up(void *arg)
{
	struct delegate *d = arg;

	d->reach = DELEGATE_UNHEARD;
	d->unanswered = 0;
	d->answered = false;
	snprintf(d->probed, sizeof(d->probed), "ferry-%s-%llu", d->run,
		(unsigned long long)++d->serial);
	subscribe(d, "bridge/info");
	subscribe(d, "bridge/devices");
	subscribe(d, RESPONSES "#");
	subscribe(d, PROBED);
	subscribe(d, "bridge/state");
	probe_in(d, PROBE_MS);
}

static void on_down(void *arg, const char *why)
{
	struct delegate *d = arg;

	uv_timer_stop(&d->probe);
	go_down(d, ERR_DELEGATE_BROKER, why);
}

static void on_refused(void *arg)
{
	struct delegate *d = arg;

	log_warn("delegate", "the broker refuses a subscription",
		"topic=\"%s/...\"", d->params.topic);
}

static const struct mqtt_events events = {
	.on_up = on_up,
	.on_down = on_down,
	.on_message = on_message,
	.on_refused = on_refused,
};

int delegate_request(struct delegate *d, const char *what,
	const struct z2m_request *request)
{
	char topic[MQTT_TOPIC_MAX], payload[2048];
	int len = z2m_request_write(request, payload, sizeof(payload));

	if (len < 0)
		return len;
	snprintf(topic, sizeof(topic), "%s/" REQUESTS "%s", d->params.topic,
		what);
	return mqtt_publish(d->mqtt, topic, bytes_of(payload, (size_t)len));
}

/* ---- life ---- */

static const char *text_or_none(const char *text)
{
	return text[0] ? text : NULL;
}

static int open_mqtt(struct delegate *d, struct fault *fault)
{
	char credentials[DELEGATE_CREDENTIALS_SIZE] = "";
	const struct delegate_params *p = &d->params;
	struct mqtt_setup setup = {
		.loop = d->loop,
		.host = p->host,
		.port = p->port,
		.tls = p->tls,
		.ca = text_or_none(p->ca),
		.certificate = text_or_none(p->cert),
		.key = text_or_none(p->key),
		.events = &events,
		.arg = d,
	};
	int err = p->credentials[0] ? delegate_credentials_read(p->credentials,
		credentials, &setup.password, fault) : 0;

	setup.user = text_or_none(credentials);
	if (!err)
		err = mqtt_open(&setup, &d->mqtt, fault);
	explicit_bzero(credentials, sizeof(credentials));
	return err;
}

int delegate_random(char hex[DELEGATE_RANDOM_SIZE])
{
	uint8_t random[(DELEGATE_RANDOM_SIZE - 1) / 2];
	int err = uv_random(NULL, NULL, random, sizeof(random), 0, NULL);

	if (!err)
		bytes_to_hex(bytes_of(random, sizeof(random)), hex,
			DELEGATE_RANDOM_SIZE);
	return err;
}

static int name_run(struct delegate *d, struct fault *fault)
{
	int err = delegate_random(d->run);

	return err ? fault_set(fault, err, 0, "", DELEGATE_NO_RANDOM ": %s",
		err_text(err)) : 0;
}

int delegate_open(const struct delegate_setup *setup, struct delegate **ret,
	struct fault *fault)
{
	struct delegate *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->loop = setup->loop;
	d->events = setup->events;
	d->arg = setup->arg;
	z2m_reader_init(&d->reader, d->loop, &reader_events, d);
	err = delegate_params_read(setup->params, setup->param_count,
		&d->params, fault);
	if (!err)
		err = name_run(d, fault);
	if (!err)
		err = open_mqtt(d, fault);
	if (err) {
		free(d);
		return err;
	}
	uv_timer_init(d->loop, &d->probe);
	d->probe.data = d;
	if (!d->params.by_url)
		handover_sweep(d->params.folder);
	*ret = d;
	return 0;
}

static void on_probe_closed(uv_handle_t *handle)
{
	struct delegate *d = handle->data;
	void (*on_closed)(void *arg) = d->on_closed;
	void *close_arg = d->close_arg;

	forget_nodes(d);
	free(d);
	on_closed(close_arg);
}

static void on_reader_closed(void *arg)
{
	struct delegate *d = arg;

	uv_close((uv_handle_t *)&d->probe, on_probe_closed);
}

static void on_mqtt_closed(void *arg)
{
	struct delegate *d = arg;

	z2m_reader_close(&d->reader, on_reader_closed, d);
}

void delegate_close(struct delegate *d, void (*on_closed)(void *arg),
	void *arg)
{
	if (!d) {
		on_closed(arg);
		return;
	}
	d->on_closed = on_closed;
	d->close_arg = arg;
	d->reach = DELEGATE_AWAY;
	d->answered = false; /* a list that is still read tells nobody */
	uv_timer_stop(&d->probe);
	mqtt_close(d->mqtt, on_mqtt_closed, d);
}
