#include "gateway/relay/delegate_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/nearest.h"

#define PORT_PLAIN 1883
#define PORT_TLS 8883
#define CREDENTIALS_MAX 512
#define RESPONSES "bridge/response/device/ota_update/"
#define REQUESTS "bridge/request/device/ota_update/"
#define PROBE "bridge/request/health_check"
#define PROBED "bridge/response/health_check"
#define PROBE_MS 1000      /* while it says that it is online */
#define PROBE_LONG_MS 10000
#define PROBES_MAX 10      /* unanswered, then that is said */

/* ---- parameters ---- */

static int read_port(const char *text, uint16_t *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || n < 1 || n > 65535)
		return -EINVAL;
	*ret = (uint16_t)n;
	return 0;
}

/* "mqtt://127.0.0.1:1883", "mqtts://broker", "mqtt://[::1]:1883" */
static int read_url(const char *text, struct delegate_params *p)
{
	const char *host, *end;
	size_t len;

	p->tls = !strncmp(text, "mqtts://", 8);
	if (!p->tls && strncmp(text, "mqtt://", 7) != 0)
		return -EINVAL;
	host = text + (p->tls ? 8 : 7);
	p->port = p->tls ? PORT_TLS : PORT_PLAIN;
	if (host[0] == '[') {
		host++;
		len = strcspn(host, "]");
		end = host + len + (host[len] == ']');
	} else {
		len = strcspn(host, ":/?#@");
		end = host + len;
	}
	if (len == 0 || len >= sizeof(p->host))
		return -EINVAL;
	snprintf(p->host, sizeof(p->host), "%.*s", (int)len, host);
	return *end == '\0' ? 0 : *end == ':' ? read_port(end + 1, &p->port) :
		-EINVAL;
}

static bool is_topic(const char *text)
{
	size_t len = strlen(text);

	return len && text[0] != '/' && text[0] != '$' &&
		text[len - 1] != '/' && !strpbrk(text, "+# ");
}

static const struct {
	const char *key;
	size_t at, size;
} fields[] = {
#define FIELD(name) {#name, offsetof(struct delegate_params, name), \
	sizeof(((struct delegate_params *)0)->name)}
	FIELD(topic), FIELD(folder), FIELD(ca), FIELD(cert), FIELD(key),
	FIELD(credentials),
#undef FIELD
};

static char *field_of(struct delegate_params *p, const char *key,
	size_t *ret_size)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!strcmp(key, fields[i].key)) {
			*ret_size = fields[i].size;
			return (char *)p + fields[i].at;
		}
	return NULL;
}

static int refuse_unknown(const char *key, struct fault *f)
{
	struct nearest near;

	nearest_init(&near, bytes_of_text(key));
	nearest_offer(&near, "url");
	nearest_offer(&near, "hand_over");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		nearest_offer(&near, fields[i].key);
	return fault_set(f, ERR_CONFIG_UNKNOWN, 0, key,
		"is no parameter of zigbee2mqtt%s", nearest_text(&near));
}

static int read_param(const struct ferry_kv *kv, struct delegate_params *p,
	struct fault *f)
{
	size_t size = 0;
	char *field = field_of(p, kv->key, &size);

	if (field && strlen(kv->value) < size) {
		memcpy(field, kv->value, strlen(kv->value) + 1);
		return 0;
	}
	if (field)
		return fault_set(f, ERR_CONFIG_VALUE, 0, kv->key,
			"is too long");
	if (!strcmp(kv->key, "url"))
		return read_url(kv->value, p) ? fault_set(f, ERR_CONFIG_VALUE,
			0, "url", "must be mqtt://HOST[:PORT] or "
			"mqtts://HOST[:PORT]") : 0;
	if (strcmp(kv->key, "hand_over") != 0)
		return refuse_unknown(kv->key, f);
	p->by_url = !strcmp(kv->value, "url");
	return p->by_url || !strcmp(kv->value, "file") ? 0 : fault_set(f,
		ERR_CONFIG_VALUE, 0, "hand_over", "must be file or url");
}

static int check_folder(const struct delegate_params *p, struct fault *f)
{
	struct stat st;

	if (p->by_url && p->folder[0])
		return fault_set(f, ERR_CONFIG_VALUE, 0, "folder",
			"makes sense with hand_over = \"file\" only");
	if (p->by_url)
		return 0;
	if (p->folder[0] != '/')
		return fault_set(f, p->folder[0] ? ERR_CONFIG_VALUE :
			ERR_CONFIG_MISSING, 0, "folder",
			"must be set to an absolute path");
	if (stat(p->folder, &st) || !S_ISDIR(st.st_mode) ||
			access(p->folder, W_OK | X_OK))
		return fault_set(f, ERR_CONFIG_VALUE, 0, "folder",
			"must be a folder that ferryd may write to");
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return fault_set(f, ERR_CONFIG_VALUE, 0, "folder",
			"must belong to the user of ferryd, or to root");
	/* Who can write to it can put another file in place of the copy. */
	if (st.st_mode & (S_IWOTH | S_IWGRP))
		return fault_set(f, ERR_CONFIG_VALUE, 0, "folder",
			"must be writable for ferryd only");
	return 0;
}

static int read_params(const struct ferry_kv *params, size_t count,
	struct delegate_params *ret, struct fault *f)
{
	struct delegate_params p = {.topic = "zigbee2mqtt"};
	int err = 0;

	for (size_t i = 0; !err && i < count; i++)
		err = read_param(&params[i], &p, f);
	if (err)
		return err;
	if (!p.host[0])
		return fault_set(f, ERR_CONFIG_MISSING, 0, "url",
			"must be set");
	if (!is_topic(p.topic))
		return fault_set(f, ERR_CONFIG_VALUE, 0, "topic",
			"must be the base topic of zigbee2mqtt");
	if (!p.tls && (p.ca[0] || p.cert[0]))
		return fault_set(f, ERR_CONFIG_VALUE, 0, p.ca[0] ? "ca" :
			"cert", "makes sense with mqtts:// only");
	if (!p.cert[0] != !p.key[0])
		return fault_set(f, ERR_CONFIG_MISSING, 0, p.cert[0] ? "key" :
			"cert", "must be set, as the other of the two is");
	err = check_folder(&p, f);
	if (!err)
		*ret = p;
	return err;
}

int delegate_params_check(const struct ferry_kv *params, size_t count,
	struct fault *fault)
{
	struct delegate_params p;

	return read_params(params, count, &p, fault);
}

/* A secret in plain text: closed to others, so that they cannot have read it. */
static int check_secret(int fd, struct fault *f)
{
	struct stat st;

	if (fd < 0)
		return fault_set(f, ERR_CONFIG_VALUE, 0, "credentials",
			"cannot be read: %s", err_text(-errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return fault_set(f, ERR_CONFIG_VALUE, 0, "credentials",
			"must be a regular file");
	if (st.st_mode & (S_IRWXO | S_IWGRP))
		return fault_set(f, ERR_CONFIG_VALUE, 0, "credentials",
			"must not be open to others: mode is %03o, must be "
			"600 or 640", (unsigned)st.st_mode & 0777);
	return 0;
}

/* User and password, each on a line of its own. */
static int read_credentials(const char *path, char text[CREDENTIALS_MAX],
	const char **ret_password, struct fault *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err = check_secret(fd, f);
	ssize_t len = err ? 0 : read(fd, text, CREDENTIALS_MAX - 1);
	size_t user, password;

	if (fd >= 0)
		close(fd);
	if (err)
		return err;
	text[len > 0 ? len : 0] = '\0';
	user = strcspn(text, "\r\n");
	if (len <= 0 || user == 0 || strlen(text) != (size_t)len)
		return fault_set(f, ERR_CONFIG_VALUE, 0, "credentials",
			"must be a file with a user and a password on two "
			"lines");
	*ret_password = text + user + strspn(text + user, "\r\n");
	password = strcspn(*ret_password, "\r\n");
	text[*ret_password - text + (ptrdiff_t)password] = '\0';
	text[user] = '\0';
	if (!password)
		*ret_password = NULL;
	return 0;
}

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

static void on_device(void *arg, const struct z2m_device *device)
{
	struct delegate *d = arg;
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
	unsigned skipped = 0;
	int err;

	d->list++;
	err = z2m_devices_read(payload, on_device, d, &skipped);
	if (err) {
		unreadable("bridge/devices", err);
		return;
	}
	if (skipped)
		log_warn("delegate", "devices without address or usable name "
			"are passed over", "count=%u", skipped);
	drop_unseen(d);
	tell_nodes(d);
	tell_sessions(d, delegate_session_named);
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
	char version[sizeof(d->version)];
	int err = z2m_version_read(payload, version, sizeof(version));

	if (err) {
		unreadable("bridge/info", err);
		return;
	}
	if (!strcmp(version, d->version))
		return;
	memcpy(d->version, version, sizeof(version));
	if (d->reach == DELEGATE_UP)
		tell_up(d);
}

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
	char credentials[CREDENTIALS_MAX] = "";
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
	int err = p->credentials[0] ? read_credentials(p->credentials,
		credentials, &setup.password, fault) : 0;

	setup.user = text_or_none(credentials);
	if (!err)
		err = mqtt_open(&setup, &d->mqtt, fault);
	explicit_bzero(credentials, sizeof(credentials));
	return err;
}

int delegate_open(const struct delegate_setup *setup, struct delegate **ret,
	struct fault *fault)
{
	struct delegate *d = calloc(1, sizeof(*d));
	uint8_t run[8] = {0};
	int err;

	if (!d)
		return -ENOMEM;
	d->loop = setup->loop;
	d->events = setup->events;
	d->arg = setup->arg;
	uv_random(NULL, NULL, run, sizeof(run), 0, NULL);
	bytes_to_hex(bytes_of(run, sizeof(run)), d->run, sizeof(d->run));
	err = read_params(setup->params, setup->param_count, &d->params,
		fault);
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

static void on_mqtt_closed(void *arg)
{
	struct delegate *d = arg;

	uv_close((uv_handle_t *)&d->probe, on_probe_closed);
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
	uv_timer_stop(&d->probe);
	mqtt_close(d->mqtt, on_mqtt_closed, d);
}
