/* The table of the driver: settings, requests, events of the host. */
#include "transports/serial/serial_port.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/serial.h>

#include "transports/answer.h"

#define LINE_SCOPES                                                            \
	(FERRY_SCOPE_INSTANCE | FERRY_SCOPE_CHANNEL | FERRY_SCOPE_SET)

static const struct ferry_param params[] = {
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_TEXT, FERRY_PARAM_REQUIRED, 0, "port",
		NULL, NULL,
		"A path, usb:VID:PID, usb:VID:PID:SERIAL or tcp://HOST:PORT."},
	{LINE_SCOPES, FERRY_TYPE_UINT, 0, 0, "baud", "50..12000000", "115200",
		"Rate of the line in bits per second."},
	{LINE_SCOPES, FERRY_TYPE_CHOICE, 0, 0, "data", "7|8", "8",
		"Data bits of a character."},
	{LINE_SCOPES, FERRY_TYPE_CHOICE, 0, 0, "parity", "none|even|odd",
		"none", "Parity bit."},
	{LINE_SCOPES, FERRY_TYPE_CHOICE, 0, 0, "stop", "1|2", "1",
		"Stop bits of a character."},
	{LINE_SCOPES, FERRY_TYPE_CHOICE, 0, 0, "flow", "none|rtscts|xonxoff",
		"none", "Flow control."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_CHOICE, 0, 0, "mode", "own|borrow",
		"own",
		"Opened once and held, or opened for each link and given "
		"back."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_BOOL, 0, 0, "hotplug", NULL, "yes",
		"Wait for a port that is not there; otherwise its absence ends "
		"the link."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_BOOL, 0, 0, "low_latency", NULL,
		"yes", "Ask USB adapters to hand over received bytes at once."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_UINT, 0, 0, "boot_wait", "0..60000",
		"0",
		"Milliseconds that the board needs after the port opened."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_TEXT, 0, 0, "open_lines", NULL, NULL,
		"DTR and RTS after opening: \"dtr=1 rts=0 5ms dtr=0 100ms\"."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_TEXT, 0, 0, "connect_lines", NULL,
		NULL, "The same at each connect."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_TEXT, 0, 0, "disconnect_lines", NULL,
		NULL, "The same at each disconnect."},
	{FERRY_SCOPE_SET, FERRY_TYPE_TEXT, 0, 0, "lines", NULL, NULL,
		"DTR, RTS and break now, after changed line settings."},
	{FERRY_SCOPE_SET, FERRY_TYPE_CHOICE, 0, 0, "dtr", "0|1", NULL,
		"The same as a word of lines."},
	{FERRY_SCOPE_SET, FERRY_TYPE_CHOICE, 0, 0, "rts", "0|1", NULL,
		"The same as a word of lines."},
	{FERRY_SCOPE_SET, FERRY_TYPE_CHOICE, 0, 0, "break", "0|1", NULL,
		"The same as a word of lines."},
};

void serial_complete(struct serial *s, uint64_t *token, int status,
	const char *key, const char *text)
{
	answer_once(s->host, s->owner, token, status, key, text);
}

void serial_log(struct serial *s, uint32_t level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	answer_log(s->host, s->owner, level, format, args);
	va_end(args);
}

void serial_timer(struct serial *s, enum serial_timer timer, int64_t ms)
{
	if (s->timers[timer])
		s->host->timer_set(s->owner, s->timers[timer], ms);
}

static void serial_end_run(struct serial *s)
{
	s->run = NULL;
	s->pausing = false;
	serial_timer(s, TIMER_PHASE, -1);
}

static int op_create(
	const struct ferry_host *host, struct ferry_owner *owner, void **ret)
{
	struct serial *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->host = host;
	s->owner = owner;
	s->fd = -1;
	s->retry_ms = RETRY_MIN_MS;
	*ret = s;
	return 0;
}

static void op_destroy(void *self)
{
	struct serial *s = self;
	int i;

	for (i = 1; i < TIMER_COUNT; i++) {
		if (s->timers[i])
			s->host->timer_free(s->owner, s->timers[i]);
		s->timers[i] = 0;
	}
	serial_close_port(s);
	while (s->out_count)
		free(s->out[--s->out_count].rest);
	free(s->want);
	free(s->target);
	free(s);
}

static int take_port(struct serial *s, const char *value)
{
	enum serial_place place;

	s->target = strdup(value);
	if (!s->target)
		return -ENOMEM;
	snprintf(s->key, sizeof(s->key), "port");
	if (serial_place_read(value, &place))
		return -EINVAL;
	if (place != SERIAL_PLACE_USB) {
		s->kind = place == SERIAL_PLACE_TCP ? PORT_TCP : PORT_PATH;
		return 0;
	}
	s->kind = PORT_USB;
	s->want = calloc(1, sizeof(*s->want));
	if (!s->want)
		return -ENOMEM;
	if (serial_port_parse_usb(value, s->want))
		return -EINVAL;
	snprintf(s->key, sizeof(s->key), "usb:%04x:%04x%s%.47s", s->want->vid,
		s->want->pid, s->want->serial[0] ? ":" : "", s->want->serial);
	return 0;
}

static int take_flag(const char *value, const char *on, bool *ret)
{
	*ret = !strcmp(value, on);
	return 0;
}

static int take_setting(struct serial *s, const char *key, const char *value)
{
	int got = serial_settings_take(&s->base, key, value);

	if (got)
		return got < 0 ? got : 0;
	if (!strcmp(key, "port"))
		return s->target ? -EINVAL : take_port(s, value);
	if (!strcmp(key, "mode"))
		return take_flag(value, "borrow", &s->borrow);
	if (!strcmp(key, "hotplug"))
		return take_flag(value, "yes", &s->hotplug);
	if (!strcmp(key, "low_latency"))
		return take_flag(value, "yes", &s->low_latency);
	if (!strcmp(key, "open_lines"))
		return serial_lines_parse(value, &s->open_lines);
	if (!strcmp(key, "connect_lines"))
		return serial_lines_parse(value, &s->connect_lines);
	if (!strcmp(key, "disconnect_lines"))
		return serial_lines_parse(value, &s->leave_lines);
	if (strcmp(key, "boot_wait") != 0)
		return -EINVAL;
	s->boot_wait_ms = (uint32_t)strtoul(value, NULL, 10);
	return s->boot_wait_ms <= 60000 ? 0 : -EINVAL;
}

static int take_settings(struct serial *s, const struct ferry_kv *kv,
	uint32_t count, const char **ret_key)
{
	uint32_t i;
	int err;

	s->base = (struct serial_settings){
		.baud = 115200, .data_bits = 8, .stop_bits = 1};
	s->hotplug = true;
	s->low_latency = true;
	for (i = 0; i < count; i++) {
		err = take_setting(s, kv[i].key, kv[i].value);
		if (err) {
			*ret_key = kv[i].key;
			return err;
		}
	}
	*ret_key = "port";
	return s->target ? 0 : -EINVAL;
}

/* What a setting has to be that its type and range do not say. */
static const char *rule_of(const char *key)
{
	if (!strcmp(key, "port"))
		return SERIAL_PLACE_RULE;
	if (strstr(key, "lines") || !strcmp(key, "dtr") ||
		!strcmp(key, "rts") || !strcmp(key, "break"))
		return "must be words such as dtr=0, rts=1 and break=0, and "
		       "pauses such as 100ms: at most 24 steps and 60 s";
	return "is not valid here";
}

static int op_start(
	void *self, uint64_t token, const struct ferry_kv *kv, uint32_t count)
{
	struct serial *s = self;
	const char *key = NULL;
	int err, i;

	s->start_token = token;
	err = take_settings(s, kv, count, &key);
	for (i = 1; i < TIMER_COUNT && !err; i++) {
		s->timers[i] = s->host->timer(s->owner, (uint64_t)i);
		if (s->timers[i] < 0) {
			err = s->timers[i];
			s->timers[i] = 0;
			key = NULL;
		}
	}
	if (err) {
		serial_complete(s, &s->start_token, err, key,
			err == -EINVAL && key ? rule_of(key) : NULL);
		return 0;
	}
	s->now = s->base;
	s->port = PORT_LOOK;
	serial_advance(s);
	return 0;
}

static int op_stop(void *self, uint64_t token)
{
	struct serial *s = self;

	serial_out_end(s, -ECANCELED);
	serial_complete(s, &s->start_token, -ECANCELED, NULL, NULL);
	serial_complete(s, &s->scan_token, -ECANCELED, NULL, NULL);
	serial_complete(s, &s->connect_token, -ECANCELED, NULL, NULL);
	serial_complete(s, &s->set_token, -ECANCELED, NULL, NULL);
	serial_complete(s, &s->disconnect_token, 0, NULL, NULL);
	serial_close_port(s);
	s->port = PORT_ABSENT;
	s->state = SERIAL_NONE_YET;
	serial_complete(s, &token, 0, NULL, NULL);
	return 0;
}

static void cancel_connect(struct serial *s)
{
	serial_complete(s, &s->connect_token, -ECANCELED, NULL, NULL);
	if (s->state == SERIAL_JOINING)
		serial_end_run(s);
	serial_end_link(s);
}

static void op_cancel(void *self, uint64_t token)
{
	struct serial *s = self;

	if (!token)
		return;
	if (token == s->start_token) {
		serial_complete(s, &s->start_token, -ECANCELED, NULL, NULL);
		serial_close_port(s);
		s->port = PORT_ABSENT;
		return;
	}
	if (token == s->scan_token) {
		serial_timer(s, TIMER_SCAN, -1);
		serial_complete(s, &s->scan_token, -ECANCELED, NULL, NULL);
	} else if (token == s->connect_token) {
		cancel_connect(s);
	} else if (token == s->set_token && !s->set_running) {
		serial_complete(s, &s->set_token, -ECANCELED, NULL, NULL);
		serial_out_release(s);
	} else {
		serial_out_cancel(s, token);
	}
	serial_advance(s);
}

static int op_scan(void *self, uint64_t token, uint32_t ms,
	const struct ferry_kv *kv, uint32_t count)
{
	struct serial *s = self;

	(void)kv;
	(void)count;
	if (s->scan_token)
		return -EBUSY;
	s->scan_token = token;
	s->announced = false;
	if (s->port == PORT_ABSENT)
		s->port = PORT_LOOK;
	else if (s->port == PORT_READY || s->port == PORT_IDLE)
		serial_announce(s);
	serial_timer(s, TIMER_SCAN, ms);
	serial_advance(s);
	return 0;
}

static int connect_settings(
	struct serial *s, const struct ferry_connect *c, const char **ret_key)
{
	const struct ferry_kv *kv = c->channels[0].kv;
	uint32_t i;

	s->link_settings = s->base;
	for (i = 0; i < c->channels[0].count; i++) {
		*ret_key = kv[i].key;
		if (serial_settings_take(
			    &s->link_settings, kv[i].key, kv[i].value) <= 0)
			return -EINVAL;
	}
	return 0;
}

static int op_connect(void *self, uint64_t token, const struct ferry_connect *c)
{
	struct serial *s = self;
	const char *key = NULL;

	if (!c->peer || c->channel_count != 1)
		return -EOPNOTSUPP;
	if (strcmp(c->peer, s->key) != 0)
		return -EHOSTUNREACH;
	if (s->state != SERIAL_NONE_YET)
		return -EBUSY;
	if (c->min_security > FERRY_SECURITY_NONE)
		return FERRY_SECURITY;
	if (connect_settings(s, c, &key)) {
		serial_complete(s, &token, -EINVAL, key, "is not valid here");
		return 0;
	}
	s->connect_token = token;
	s->link = c->link;
	s->state = SERIAL_WANTED;
	serial_advance(s);
	return 0;
}

static int op_disconnect(void *self, uint64_t token, uint64_t link)
{
	struct serial *s = self;

	if (s->state != SERIAL_UP || link != s->link) {
		serial_complete(s, &token, 0, NULL, NULL);
		return 0;
	}
	serial_out_end(s, -ECANCELED);
	serial_complete(s, &s->set_token, -ECANCELED, NULL, NULL);
	s->set_running = false;
	serial_end_run(s);
	s->disconnect_token = token;
	s->state = SERIAL_LEAVING;
	s->leave_by_us =
		s->host->now_us(s->owner) + (uint64_t)LEAVE_DRAIN_MS * 1000;
	serial_advance(s);
	return 0;
}

static int op_send(void *self, uint64_t token, const struct ferry_send *send)
{
	struct serial *s = self;
	int err;

	if (s->state != SERIAL_UP || send->link != s->link)
		return -ENOTCONN;
	if (send->channel != 0 || send->len == 0)
		return -EINVAL;
	if (send->len > SERIAL_PAYLOAD)
		return -EMSGSIZE;
	if (s->out_count == SERIAL_WINDOW)
		return -ENOBUFS;
	err = serial_out_add(s, token, send);
	serial_advance(s);
	return err;
}

/* One setting that is no line setting, as words of a sequence. */
static int add_words(char *text, size_t size, const struct ferry_kv *kv)
{
	bool word = !strcmp(kv->key, "dtr") || !strcmp(kv->key, "rts") ||
		    !strcmp(kv->key, "break");
	size_t len = strlen(text);
	int n;

	if (!word && strcmp(kv->key, "lines") != 0)
		return -EINVAL;
	n = snprintf(text + len, size - len, " %s%s%s", word ? kv->key : "",
		word ? "=" : "", kv->value);
	return n >= 0 && (size_t)n < size - len ? 0 : -EINVAL;
}

static int set_take(struct serial *s, const struct ferry_kv *kv, uint32_t count,
	const char **ret_key)
{
	char text[512] = "";
	uint32_t i;
	int got;

	s->set_settings = s->now;
	s->set_lines.count = 0;
	for (i = 0; i < count; i++) {
		*ret_key = kv[i].key;
		got = serial_settings_take(
			&s->set_settings, kv[i].key, kv[i].value);
		if (got == 0)
			got = add_words(text, sizeof(text), &kv[i]);
		if (got >= 0)
			got = serial_lines_parse(text, &s->set_lines);
		if (got < 0)
			return got;
	}
	return 0;
}

static int op_set(void *self, uint64_t token, uint64_t link,
	const struct ferry_kv *kv, uint32_t count)
{
	struct serial *s = self;
	const char *key = NULL;

	if (s->state != SERIAL_UP || link != s->link)
		return -ENOTCONN;
	if (s->kind == PORT_TCP)
		return -EOPNOTSUPP;
	if (s->set_token)
		return -EBUSY;
	if (set_take(s, kv, count, &key)) {
		serial_complete(s, &token, -EINVAL, key, "is not valid here");
		return 0;
	}
	s->set_token = token;
	s->set_running = false;
	serial_advance(s);
	return 0;
}

static int op_stats(void *self, uint64_t token)
{
	struct serial *s = self;
	struct serial_icounter_struct line = {0};
	struct ferry_counter counters[10] = {
		{"bytes_in", s->bytes_in},
		{"bytes_out", s->bytes_out},
		{"bytes_discarded", s->bytes_discarded},
		{"opens", s->opens},
		{"losses", s->losses},
	};
	struct ferry_result r = {
		.size = sizeof(r),
		.token = token,
		.counters = counters,
		.counter_count = 5,
	};

	if (s->fd >= 0 && ioctl(s->fd, TIOCGICOUNT, &line) == 0) {
		counters[5] = (struct ferry_counter){
			"frame_errors", (uint64_t)line.frame};
		counters[6] = (struct ferry_counter){
			"overruns", (uint64_t)line.overrun};
		counters[7] = (struct ferry_counter){
			"parity_errors", (uint64_t)line.parity};
		r.counter_count = 8;
	}
	s->host->complete(s->owner, &r);
	return 0;
}

static void op_on_ready(void *self, uint64_t arg, uint32_t events)
{
	struct serial *s = self;

	(void)arg;
	if (events & FERRY_READ)
		serial_read(s, events & FERRY_HANGUP);
	if ((events & FERRY_WRITE) && s->fd >= 0)
		serial_out_write(s);
	serial_advance(s);
}

static void op_on_timer(void *self, uint64_t arg)
{
	struct serial *s = self;

	if (arg == TIMER_PHASE)
		serial_phase_over(s);
	else if (arg == TIMER_DRAIN)
		serial_out_check(s);
	else
		serial_complete(s, &s->scan_token, 0, NULL, NULL);
	serial_advance(s);
}

static void op_on_opened(void *self, uint64_t request, int32_t result, int fd)
{
	serial_opened(self, request, result, fd);
}

/* Settings are read as they are where they are used, into an instance that never
 * is one. */
static int op_check(uint32_t scope, const struct ferry_kv *kv, uint32_t count,
	const char **ret_key, char *text)
{
	const struct ferry_channel_spec channel = {kv, count, 0};
	const struct ferry_connect connect = {
		.size = sizeof(connect),
		.channels = &channel,
		.channel_count = 1,
	};
	struct serial *s = calloc(1, sizeof(*s));
	int err = 0;

	if (!s)
		return -ENOMEM;
	if (scope == FERRY_SCOPE_INSTANCE)
		err = take_settings(s, kv, count, ret_key);
	else if (scope == FERRY_SCOPE_CHANNEL)
		err = connect_settings(s, &connect, ret_key);
	else if (scope == FERRY_SCOPE_SET)
		err = set_take(s, kv, count, ret_key);
	if (err == -EINVAL)
		snprintf(text, FERRY_TEXT_MAX + 1, "%s", rule_of(*ret_key));
	free(s->want);
	free(s->target);
	free(s);
	return err;
}

static const char *const attributes[] = {
	"path", "usb_vid", "usb_pid", "usb_serial", NULL};

static const struct ferry_driver table = {
	.size = sizeof(table),
	.abi = FERRY_ABI,
	.caps = FERRY_CAP_STREAM | FERRY_CAP_SCAN | FERRY_CAP_SENT |
		FERRY_CAP_SET | FERRY_CAP_LINES | FERRY_CAP_RATE |
		FERRY_CAP_HOTPLUG,
	.name = "serial",
	.version = "1",
	.params = params,
	.param_count = sizeof(params) / sizeof(params[0]),
	.param_stride = sizeof(params[0]),
	.create = op_create,
	.destroy = op_destroy,
	.start = op_start,
	.stop = op_stop,
	.cancel = op_cancel,
	.scan = op_scan,
	.connect = op_connect,
	.disconnect = op_disconnect,
	.send = op_send,
	.set = op_set,
	.stats = op_stats,
	.on_ready = op_on_ready,
	.on_timer = op_on_timer,
	.on_opened = op_on_opened,
	.attributes = attributes,
	.check = op_check,
};

const struct ferry_driver *serial_driver(void)
{
	return &table;
}
