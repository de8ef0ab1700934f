/* The table of the driver: requests and events of the host. */
#include "transports/zigbee/radio.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "transports/answer.h"
#include "transports/zigbee/zigbee.h"

static const struct ferry_param params[] = {
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_CHOICE, FERRY_PARAM_REQUIRED, 0,
		"stack", "zcl-socket|znp|ezsp|deconz", NULL,
		"Who owns the radio: the hub's own stack, or a coordinator."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_TEXT, FERRY_PARAM_REQUIRED, 0, "port",
		NULL, NULL,
		"A path, usb:VID:PID, usb:VID:PID:SERIAL or tcp://HOST:PORT; "
		"for zcl-socket the path of the socket."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_UINT, 0, 0, "baud", "0..12000000",
		"0", "Rate of a serial line; 0: usual for the stack."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_CHOICE, 0, 0, "flow",
		"none|rtscts|xonxoff", "none",
		"Flow control of a serial line."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_BOOL, 0, 0, "form", NULL, "no",
		"Make a network when the coordinator has none."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_UINT, 0, 0, "channel", "11..26", "15",
		"Radio channel of a network that is made."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_TEXT, 0, 0, "pan", NULL, "0xffff",
		"PAN of a network that is made; 0xffff: any."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_SECRET, 0, 0, "network_key", NULL,
		NULL,
		"32 hexadecimal digits, for a network that is made; preset: "
		"random."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_UINT, 0, 0, "window", "0..64", "0",
		"Frames in flight in the coordinator; 0: known to be good."},
	{FERRY_SCOPE_CHANNEL, FERRY_TYPE_TEXT, FERRY_PARAM_REQUIRED, 0,
		"cluster", NULL, NULL, "Number of the cluster, 0x0019."},
	{FERRY_SCOPE_CHANNEL, FERRY_TYPE_TEXT, 0, 0, "profile", NULL, "0x0104",
		"Profile of frames that answer none."},
	{FERRY_SCOPE_CHANNEL, FERRY_TYPE_UINT, 0, 0, "endpoint", "1..240", "1",
		"Our endpoint for frames that answer none."},
	{FERRY_SCOPE_CHANNEL, FERRY_TYPE_CHOICE, 0, 0, "role", "server|client",
		"client", "Our side of the cluster."},
};

void zb_complete(struct zb_radio *r, uint64_t *token, int status,
	const char *key, const char *text)
{
	answer_once(r->host, r->owner, token, status, key, text);
}

void zb_log(struct zb_radio *r, uint32_t level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	answer_log(r->host, r->owner, level, format, args);
	va_end(args);
}

static void take_time(struct zb_radio *r)
{
	r->now_us = r->host->now_us(r->owner);
	r->now_ms = (int64_t)(r->now_us / 1000);
}

static int op_create(
	const struct ferry_host *host, struct ferry_owner *owner, void **ret)
{
	struct zb_radio *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->host = host;
	r->owner = owner;
	r->line.fd = -1;
	r->armed_ms = ZB_NEVER;
	r->survey_ms = ZB_NEVER;
	r->sends_due_ms = ZB_NEVER;
	r->asks_due_ms = ZB_NEVER;
	buf_init(&r->line.out, ZB_OUT_MAX);
	zb_nodes_init(&r->nodes, ZB_NODES_MAX);
	r->nodes.on_forget = zb_forgotten;
	r->nodes.arg = r;
	*ret = r;
	return 0;
}

static void op_destroy(void *self)
{
	struct zb_radio *r = self;

	if (r->state == RADIO_OPENING)
		r->host->open_cancel(r->owner, 1);
	zb_line_close(r);
	if (r->timer)
		r->host->timer_free(r->owner, r->timer);
	if (r->stack)
		r->ops->destroy(r->stack);
	zb_nodes_done(&r->nodes);
	buf_done(&r->line.out);
	free(r);
}

void zb_over(struct zb_radio *r, int status, const char *why)
{
	char text[FERRY_TEXT_MAX + 1];

	if (r->state == RADIO_OVER)
		return;
	zb_line_blame(r, status, why, text, sizeof(text));
	r->state = RADIO_OVER;
	zb_line_close(r);
	if (r->timer)
		r->host->timer_set(r->owner, r->timer, -1);
	answer_over(
		r->host, r->owner, &r->start_token, status, "port", text);
}

static int64_t own_deadline(const struct zb_radio *r)
{
	if (r->state == RADIO_STARTING)
		return r->since_ms + r->start_ms;
	if (r->state == RADIO_LOST)
		return r->since_ms + ZB_LOST_MS;
	return r->survey_ms;
}

/* Set only when it has to run out sooner: one that is early looks again. */
static void arm(struct zb_radio *r)
{
	int64_t due = own_deadline(r), delay;

	if (r->stack)
		due = zb_earlier(due, r->ops->deadline(r->stack));
	due = zb_earlier(due, zb_sends_deadline(r));
	due = zb_earlier(due, zb_asks_deadline(r));
	due = zb_earlier(due, zb_held_deadline(r));
	if (due >= r->armed_ms)
		return;
	delay = due > r->now_ms ? due - r->now_ms : 0;
	r->armed_ms = due;
	r->host->timer_set(r->owner, r->timer, delay);
}

static void check_patience(struct zb_radio *r)
{
	if (r->state == RADIO_STARTING &&
		r->now_ms - r->since_ms >= r->start_ms)
		zb_over(r, -ETIMEDOUT, "the coordinator does not start; is the setting "
			"stack that of its firmware?");
	else if (r->state == RADIO_LOST &&
		 r->now_ms - r->since_ms >= ZB_LOST_MS)
		zb_over(r, -ETIMEDOUT, "the network does not come back");
}

static void check_leaving(struct zb_radio *r)
{
	if (!r->leave_token || r->send_count)
		return;
	r->link = 0;
	r->channel_count = 0;
	zb_complete(r, &r->leave_token, 0, NULL, NULL);
}

void zb_settle(struct zb_radio *r)
{
	if (r->state == RADIO_OVER || r->state == RADIO_NEW)
		return;
	zb_tell_up(r);
	if (r->state == RADIO_UP) {
		zb_asks_run(r);
		zb_sends_pump(r);
		/* What cannot go yet has questions. */
		zb_asks_run(r);
	}
	check_leaving(r);
	zb_tell_all(r);
	zb_line_flush(r);
	if (r->failed)
		zb_over(r, r->failed, r->failed_text);
	else if (r->line.broken)
		zb_over(r, r->line.broken == -ENOBUFS ? -ENOBUFS : -ENODEV,
			"the line takes nothing any more");
	if (r->state != RADIO_OVER)
		arm(r);
}

static int start(struct zb_radio *r, struct zb_start *s)
{
	int err = zb_make_key(&s->config);

	if (err)
		return err;
	r->ops = s->ops;
	r->start_ms = s->config.form ? ZB_FORM_MS : ZB_START_MS;
	err = s->ops->create(&s->config, &zb_upcalls, r, &r->stack);
	if (err)
		return err;
	err = r->host->timer(r->owner, 0);
	if (err < 0)
		return err;
	r->timer = err;
	return zb_line_open(r);
}

static int op_start(
	void *self, uint64_t token, const struct ferry_kv *kv, uint32_t count)
{
	struct zb_radio *r = self;
	char text[FERRY_TEXT_MAX + 1] = "";
	const char *key = NULL;
	struct zb_start s;
	int err = zb_take_settings(&r->line, kv, count, &s, &key);

	r->start_token = token;
	if (err) {
		snprintf(text, sizeof(text), "%s", zb_setting_rule(&s, key));
	} else {
		key = "port";
		err = start(r, &s);
		if (err)
			zb_line_blame(r, err, NULL, text, sizeof(text));
	}
	explicit_bzero(&s, sizeof(s));
	if (!err) {
		r->state = RADIO_OPENING;
		return 0;
	}
	r->state = RADIO_OVER;
	zb_complete(r, &r->start_token, err, key, text);
	return 0;
}

static void op_on_opened(void *self, uint64_t request, int32_t result, int fd)
{
	struct zb_radio *r = self;
	const char *text = NULL;
	int err = result < 0 ? result : 0;

	(void)request;
	if (r->state != RADIO_OPENING) {
		if (fd >= 0)
			close(fd);
		return;
	}
	take_time(r);
	if (!err)
		err = zb_line_opened(r, fd, &text);
	if (err) {
		r->state = RADIO_STARTING;
		zb_over(r, err, text);
		return;
	}
	r->state = RADIO_STARTING;
	r->since_ms = r->now_ms;
	r->ops->start(r->stack, r->now_ms);
	zb_settle(r);
}

static int op_stop(void *self, uint64_t token)
{
	struct zb_radio *r = self;

	take_time(r);
	if (r->state == RADIO_OPENING)
		r->host->open_cancel(r->owner, 1);
	zb_sends_end(r, -ECANCELED);
	zb_complete(r, &r->start_token, -ECANCELED, NULL, NULL);
	zb_complete(r, &r->leave_token, 0, NULL, NULL);
	if (r->stack && r->line.fd >= 0) {
		r->ops->stop(r->stack, r->now_ms);
		zb_line_flush(r);
	}
	zb_line_close(r);
	r->state = RADIO_OVER;
	zb_complete(r, &token, 0, NULL, NULL);
	return 0;
}

static void op_cancel(void *self, uint64_t token)
{
	struct zb_radio *r = self;

	if (!token || r->state == RADIO_OVER)
		return;
	take_time(r);
	if (token == r->start_token) {
		if (r->state == RADIO_OPENING)
			r->host->open_cancel(r->owner, 1);
		zb_over(r, -ECANCELED, "stopped before it was open");
		return;
	}
	zb_send_cancel(r, token);
	zb_settle(r);
}

static void link_record(struct zb_radio *r, struct ferry_link *ret,
	struct ferry_channel *channels)
{
	unsigned i;

	*ret = (struct ferry_link){
		.size = sizeof(*ret),
		.security = FERRY_SECURITY_NETWORK,
		.caps = FERRY_CAP_DATAGRAM | FERRY_CAP_CHANNELS |
			FERRY_CAP_REPLY | FERRY_CAP_SENT | FERRY_CAP_DELIVERED |
			FERRY_CAP_AIRTIME,
		.channels = channels,
		.channel_count = r->channel_count,
		.channel_stride = sizeof(channels[0]),
		.text = "all devices of the network",
	};
	for (i = 0; i < r->channel_count; i++)
		channels[i] = (struct ferry_channel){
			.size = sizeof(channels[i]),
			.max_payload = r->net.asdu_max,
			.window = FERRY_WINDOW_MAX,
			.level = FERRY_DELIVERED,
		};
	r->link_payload = r->net.asdu_max;
}

void zb_tell_link(struct zb_radio *r)
{
	struct ferry_channel channels[FERRY_CHANNELS_MAX];
	struct ferry_link record;
	const struct ferry_link_event e = {
		.size = sizeof(e),
		.event = FERRY_LINK_CHANGED,
		.link = r->link,
		.record = &record,
	};

	link_record(r, &record, channels);
	r->host->on_link(r->owner, &e);
}

static void connect_complete(struct zb_radio *r, uint64_t token)
{
	struct ferry_channel channels[FERRY_CHANNELS_MAX];
	struct ferry_link record;
	const struct ferry_result result = {
		.size = sizeof(result),
		.token = token,
		.record = &record,
	};

	link_record(r, &record, channels);
	r->host->complete(r->owner, &result);
}

static int op_connect(void *self, uint64_t token, const struct ferry_connect *c)
{
	struct zb_radio *r = self;
	const char *key = NULL;

	if (r->state != RADIO_UP && r->state != RADIO_LOST)
		return -ENODEV;
	if (c->peer)
		return -EHOSTUNREACH;
	if (c->channel_count < 1 || c->channel_count > FERRY_CHANNELS_MAX)
		return -EOPNOTSUPP;
	if (r->link)
		return -EBUSY;
	if (c->min_security > FERRY_SECURITY_NETWORK)
		return FERRY_SECURITY;
	if (zb_take_channels(c, r->channels, &key)) {
		zb_complete(r, &token, -EINVAL, key, "is missing or not valid");
		return 0;
	}
	take_time(r);
	r->link = c->link;
	r->channel_count = c->channel_count;
	r->survey_ms = r->net.no_zdo ? ZB_NEVER : r->now_ms + ZB_SURVEY_MS;
	r->surveys = 0;
	connect_complete(r, token);
	zb_settle(r);
	return 0;
}

static int op_disconnect(void *self, uint64_t token, uint64_t link)
{
	struct zb_radio *r = self;

	if (r->state == RADIO_OVER)
		return -ENODEV;
	if (!r->link || link != r->link || r->leave_token) {
		zb_complete(r, &token, 0, NULL, NULL);
		return 0;
	}
	take_time(r);
	r->leave_token = token;
	r->survey_ms = ZB_NEVER;
	zb_sends_cancel_waiting(r);
	zb_settle(r);
	return 0;
}

static int op_send(void *self, uint64_t token, const struct ferry_send *s)
{
	struct zb_radio *r = self;
	int err;

	if (!r->link || s->link != r->link || r->leave_token ||
		r->state == RADIO_OVER)
		return -ENOTCONN;
	if (s->channel >= r->channel_count || s->len == 0)
		return -EINVAL;
	if (s->len > r->net.asdu_max)
		return -EMSGSIZE;
	take_time(r);
	err = zb_send_add(r, token, s);
	zb_settle(r);
	return err;
}

static int op_stats(void *self, uint64_t token)
{
	struct zb_radio *r = self;
	struct ferry_counter counters[FERRY_COUNTERS_MAX] = {
		{"frames_in", r->frames_in},
		{"frames_out", r->frames_out},
		{"frames_dropped", r->frames_dropped},
		{"retries", r->retries},
		{"busy", r->busy},
		{"airtime_in_us", r->airtime_in_us},
		{"airtime_out_us", r->airtime_out_us},
		{"in_flight_peak", r->in_flight_peak},
	};
	struct ferry_result result = {
		.size = sizeof(result),
		.token = token,
		.counters = counters,
		.counter_count = 8,
	};

	if (r->stack && r->ops->counters)
		result.counter_count += r->ops->counters(
			r->stack, counters + 8, FERRY_COUNTERS_MAX - 8);
	r->host->complete(r->owner, &result);
	return 0;
}

static void op_on_ready(void *self, uint64_t arg, uint32_t events)
{
	struct zb_radio *r = self;

	(void)arg;
	if (r->state == RADIO_OVER)
		return;
	take_time(r);
	zb_line_ready(r, events);
	zb_settle(r);
}

static void op_on_timer(void *self, uint64_t arg)
{
	struct zb_radio *r = self;

	(void)arg;
	r->armed_ms = ZB_NEVER;
	if (r->state == RADIO_OVER)
		return;
	take_time(r);
	if (r->line.fd >= 0 && r->ops->deadline(r->stack) <= r->now_ms)
		r->ops->time(r->stack, r->now_ms);
	check_patience(r);
	zb_sends_expire(r);
	zb_expire_held(r);
	zb_settle(r);
}

static void op_on_wake(void *self)
{
	struct zb_radio *r = self;

	if (r->state == RADIO_OVER)
		return;
	take_time(r);
	zb_settle(r);
}

static const char *const attributes[] = {"eui64", "kind", "nwk", "joined", NULL};

static const struct ferry_driver table = {
	.size = sizeof(table),
	.abi = FERRY_ABI,
	.caps = ZB_CAPS,
	.name = "zigbee",
	.version = "1",
	.params = params,
	.param_count = sizeof(params) / sizeof(params[0]),
	.param_stride = sizeof(params[0]),
	.cancel_bound_ms = ZB_CONFIRM_MS + 5000,
	.create = op_create,
	.destroy = op_destroy,
	.start = op_start,
	.stop = op_stop,
	.cancel = op_cancel,
	.connect = op_connect,
	.disconnect = op_disconnect,
	.send = op_send,
	.stats = op_stats,
	.on_wake = op_on_wake,
	.on_ready = op_on_ready,
	.on_timer = op_on_timer,
	.on_opened = op_on_opened,
	.attributes = attributes,
	.check = zb_check_settings,
};

const struct ferry_driver *zigbee_driver(void)
{
	return &table;
}
