/* An example of a driver in a shared object: datagrams to one UDP address.
 *
 * It is small but complete: it keeps every rule of ferry/transport.h and passes
 * ferry-driver-check. docs/driver-guide.md walks through it. Nothing but the
 * public header and the C library is used. */
#include <ferry/transport.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEY "peer"
#define PAYLOAD 1200
#define WINDOW 4

/* One instance. The kernel takes a datagram at once or not at all, so no send
 * ever waits here and there is no queue; a radio would hold WINDOW slots. */
struct udp {
	const struct ferry_host *host;
	struct ferry_owner *owner;
	struct sockaddr_in to;
	int fd;
	int watch;
	int scan_timer;
	uint64_t scan_token;
	uint64_t link; /* 0: none */
	uint64_t bytes_in, bytes_out;
};

static void complete(struct udp *u, uint64_t token, int status, const char *key,
	const char *text)
{
	const struct ferry_result r = {
		.size = sizeof(r),
		.token = token,
		.status = status,
		.key = key,
		.text = text,
	};

	u->host->complete(u->owner, &r);
}

/* Link 0 and the one link look the same here. */
static void complete_with_record(struct udp *u, uint64_t token)
{
	const struct ferry_channel channel = {
		.size = sizeof(channel),
		.max_payload = PAYLOAD,
		.window = WINDOW,
		.level = FERRY_TAKEN,
	};
	const struct ferry_link record = {
		.size = sizeof(record),
		.security = FERRY_SECURITY_NONE,
		.caps = FERRY_CAP_DATAGRAM | FERRY_CAP_SCAN,
		.channels = &channel,
		.channel_count = 1,
		.channel_stride = sizeof(channel),
		.text = "UDP",
	};
	const struct ferry_result r = {
		.size = sizeof(r),
		.token = token,
		.record = &record,
	};

	u->host->complete(u->owner, &r);
}

static int udp_create(
	const struct ferry_host *host, struct ferry_owner *owner, void **ret)
{
	struct udp *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->host = host;
	u->owner = owner;
	u->fd = -1;
	*ret = u;
	return 0;
}

static void udp_shut(struct udp *u)
{
	if (u->watch)
		u->host->unwatch(u->owner, u->watch);
	if (u->scan_timer)
		u->host->timer_free(u->owner, u->scan_timer);
	if (u->fd >= 0)
		close(u->fd);
	u->watch = 0;
	u->scan_timer = 0;
	u->fd = -1;
	u->link = 0;
}

static void udp_destroy(void *self)
{
	udp_shut(self);
	free(self);
}

/* "127.0.0.1:5000" */
static int parse_address(const char *text, struct sockaddr_in *ret)
{
	const char *colon = strchr(text, ':');
	char host[16];
	long port;

	if (!colon || colon - text >= (long)sizeof(host))
		return -EINVAL;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = 0;
	port = strtol(colon + 1, NULL, 10);
	memset(ret, 0, sizeof(*ret));
	ret->sin_family = AF_INET;
	ret->sin_port = htons((uint16_t)port);
	if (port < 1 || port > 65535 ||
		inet_pton(AF_INET, host, &ret->sin_addr) != 1)
		return -EINVAL;
	return 0;
}

static int open_socket(struct udp *u)
{
	int number;

	u->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->fd < 0)
		return -errno;
	if (connect(u->fd, (const struct sockaddr *)&u->to, sizeof(u->to)))
		return -errno;
	number = u->host->timer(u->owner, 0);
	if (number < 0)
		return number;
	u->scan_timer = number;
	number = u->host->watch(u->owner, u->fd, FERRY_READ, 0);
	if (number < 0)
		return number;
	u->watch = number;
	return 0;
}

static void announce(struct udp *u)
{
	const struct ferry_peer peer = {
		.size = sizeof(peer),
		.id_kind = FERRY_ID_PLACE,
		.key = KEY,
	};

	u->host->on_peer(u->owner, &peer);
}

#define ADDRESS_RULE "must be IPv4:PORT"

/* What start() would say of the address, before there is an instance. */
static int udp_check(uint32_t scope, const struct ferry_kv *kv, uint32_t count,
	const char **ret_key, char *text)
{
	struct sockaddr_in to;
	uint32_t i;

	for (i = 0; scope == FERRY_SCOPE_INSTANCE && i < count; i++) {
		if (strcmp(kv[i].key, "address") != 0 ||
			!parse_address(kv[i].value, &to))
			continue;
		*ret_key = "address";
		snprintf(text, FERRY_TEXT_MAX + 1, ADDRESS_RULE);
		return -EINVAL;
	}
	return 0;
}

static int udp_start(
	void *self, uint64_t token, const struct ferry_kv *kv, uint32_t count)
{
	struct udp *u = self;
	uint32_t i;
	int err = -EINVAL;

	for (i = 0; i < count; i++)
		if (!strcmp(kv[i].key, "address"))
			err = parse_address(kv[i].value, &u->to);
	if (err) {
		complete(u, token, err, "address", ADDRESS_RULE);
		return 0;
	}
	err = open_socket(u);
	if (err) {
		complete(u, token, err, "address", NULL);
		return 0;
	}
	complete_with_record(u, token);
	announce(u);
	return 0;
}

static int udp_stop(void *self, uint64_t token)
{
	struct udp *u = self;

	if (u->scan_token)
		complete(u, u->scan_token, -ECANCELED, NULL, NULL);
	u->scan_token = 0;
	udp_shut(u);
	complete(u, token, 0, NULL, NULL);
	return 0;
}

/* Only a scan ever waits; any other token has completed already. */
static void udp_cancel(void *self, uint64_t token)
{
	struct udp *u = self;

	if (!token || token != u->scan_token)
		return;
	u->host->timer_set(u->owner, u->scan_timer, -1);
	u->scan_token = 0;
	complete(u, token, -ECANCELED, NULL, NULL);
}

static int udp_scan(void *self, uint64_t token, uint32_t ms,
	const struct ferry_kv *kv, uint32_t count)
{
	struct udp *u = self;

	(void)kv;
	(void)count;
	if (u->scan_token)
		return -EBUSY;
	u->scan_token = token;
	u->host->timer_set(u->owner, u->scan_timer, ms);
	announce(u);
	return 0;
}

static void udp_on_timer(void *self, uint64_t arg)
{
	struct udp *u = self;
	uint64_t token = u->scan_token;

	(void)arg;
	u->scan_token = 0;
	if (token)
		complete(u, token, 0, NULL, NULL);
}

static int udp_connect(
	void *self, uint64_t token, const struct ferry_connect *c)
{
	struct udp *u = self;

	if (!c->peer || c->channel_count != 1)
		return -EOPNOTSUPP;
	if (strcmp(c->peer, KEY) != 0)
		return -EHOSTUNREACH;
	if (u->link)
		return -EBUSY;
	if (c->min_security > FERRY_SECURITY_NONE)
		return FERRY_SECURITY;
	if (c->channels[0].count)
		return -EINVAL;
	u->link = c->link;
	complete_with_record(u, token);
	return 0;
}

static int udp_disconnect(void *self, uint64_t token, uint64_t link)
{
	struct udp *u = self;

	if (link == u->link)
		u->link = 0;
	complete(u, token, 0, NULL, NULL);
	return 0;
}

static int udp_send(void *self, uint64_t token, const struct ferry_send *s)
{
	struct ferry_result r = {.size = sizeof(r), .token = token};
	struct udp *u = self;

	if (!u->link || s->link != u->link)
		return -ENOTCONN;
	if (s->channel != 0 || s->len == 0)
		return -EINVAL;
	if (s->len > PAYLOAD)
		return -EMSGSIZE;
	if (send(u->fd, s->data, s->len, 0) < 0) {
		/* A full socket buffer empties by itself, soon. */
		r.status = errno == EAGAIN	   ? FERRY_NOT_NOW
			   : errno == ECONNREFUSED ? FERRY_NOT_DELIVERED
						   : -EIO;
		r.retry_after_ms = 5;
		r.native = errno;
	} else {
		r.level = FERRY_TAKEN;
		r.done = s->len;
		u->bytes_out += s->len;
	}
	u->host->complete(u->owner, &r);
	return 0;
}

static int udp_stats(void *self, uint64_t token)
{
	struct udp *u = self;
	const struct ferry_counter counters[] = {
		{"bytes_in", u->bytes_in},
		{"bytes_out", u->bytes_out},
	};
	const struct ferry_result r = {
		.size = sizeof(r),
		.token = token,
		.counters = counters,
		.counter_count = 2,
	};

	u->host->complete(u->owner, &r);
	return 0;
}

/* Level-triggered: what is left over comes again. */
static void udp_on_ready(void *self, uint64_t arg, uint32_t events)
{
	struct udp *u = self;
	uint8_t data[2048];
	struct ferry_message m = {.size = sizeof(m), .data = data};
	unsigned rounds = 16;
	ssize_t n;

	(void)arg;
	(void)events;
	while (rounds--) {
		n = recv(u->fd, data, sizeof(data), 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			continue; /* an ICMP error, or an empty datagram */
		u->bytes_in += (uint64_t)n;
		if (!u->link)
			continue;
		m.link = u->link;
		m.len = (uint32_t)n;
		m.at_us = u->host->now_us(u->owner);
		u->host->on_message(u->owner, &m);
	}
}

static const struct ferry_param params[] = {
	{
		.scope = FERRY_SCOPE_INSTANCE,
		.type = FERRY_TYPE_TEXT,
		.flags = FERRY_PARAM_REQUIRED,
		.name = "address",
		.help = "Where the device listens, IPv4:PORT.",
	},
};

/* What a rule for peers may name: they have none. */
static const char *const attributes[] = {NULL};

static const struct ferry_driver driver = {
	.size = sizeof(driver),
	.abi = FERRY_ABI,
	.caps = FERRY_CAP_DATAGRAM | FERRY_CAP_SCAN,
	.name = "example-udp",
	.version = "1.0",
	.params = params,
	.param_count = 1,
	.param_stride = sizeof(params[0]),
	.create = udp_create,
	.destroy = udp_destroy,
	.start = udp_start,
	.stop = udp_stop,
	.cancel = udp_cancel,
	.scan = udp_scan,
	.connect = udp_connect,
	.disconnect = udp_disconnect,
	.send = udp_send,
	.stats = udp_stats,
	.on_ready = udp_on_ready,
	.on_timer = udp_on_timer,
	.attributes = attributes,
	.check = udp_check,
};

const struct ferry_driver *ferry_driver_v1(uint32_t host_abi)
{
	return host_abi >> 16 == FERRY_ABI_MAJOR ? &driver : NULL;
}
