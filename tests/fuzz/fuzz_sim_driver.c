/* Any packets of a simulator, mixed with requests of a host, through the sim
 * driver: every token ends at most once, and after stop all of them have, once.
 * The first byte of each piece says what it is: below 0x40 a packet of so many
 * bytes, above a request. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "transports/sim/sim.h"

#define TOKENS_MAX 512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t tokens[TOKENS_MAX]; /* 0 unused, 1 outstanding, 2 ended */
static uint64_t next_token;
static bool over; /* link 0 is down, or stop has ended */
static uint64_t stop_token;
static int near_end, far_end;
static uint64_t now;

static void need(bool holds)
{
	if (!holds)
		abort();
}

static void on_complete(struct ferry_owner *o, const struct ferry_result *r)
{
	(void)o;
	need(!over);
	need(r->token < TOKENS_MAX && tokens[r->token] == 1);
	tokens[r->token] = 2;
	if (r->token == stop_token)
		over = true;
}

static void on_peer(struct ferry_owner *o, const struct ferry_peer *p)
{
	(void)o;
	need(!over && p->key[0] && strlen(p->key) <= FERRY_KEY_MAX);
}

static void on_message(struct ferry_owner *o, const struct ferry_message *m)
{
	(void)o;
	need(!over && m->link && m->len && m->len <= FERRY_PAYLOAD_MAX &&
		m->reply_len <= FERRY_REPLY_MAX && m->channel == 0);
}

static void on_link(struct ferry_owner *o, const struct ferry_link_event *e)
{
	(void)o;
	need(!over);
	if (e->event == FERRY_LINK_DOWN && !e->link)
		over = true;
	if (e->event == FERRY_LINK_CHANGED)
		need(e->record->channels[0].max_payload &&
			e->record->channels[0].window);
}

static void on_log(struct ferry_owner *o, uint32_t level, const char *text)
{
	(void)o;
	(void)level;
	(void)text;
}

static uint64_t now_us(struct ferry_owner *o)
{
	(void)o;
	return now += 1000;
}

static int watch(struct ferry_owner *o, int fd, uint32_t events, uint64_t arg)
{
	(void)o;
	(void)fd;
	(void)events;
	(void)arg;
	return 1;
}

static int watch_set(struct ferry_owner *o, int number, uint32_t events)
{
	(void)o;
	(void)number;
	(void)events;
	return 0;
}

static void forget(struct ferry_owner *o, int number)
{
	(void)o;
	(void)number;
}

static int timer(struct ferry_owner *o, uint64_t arg)
{
	(void)o;
	return (int)arg;
}

static int timer_set(struct ferry_owner *o, int number, int64_t ms)
{
	(void)o;
	(void)number;
	(void)ms;
	return 0;
}

static void wake(struct ferry_owner *o)
{
	(void)o;
}

static int open_device(struct ferry_owner *o, uint64_t request,
	uint32_t flags, const char *target)
{
	(void)o;
	(void)flags;
	(void)request;
	(void)target;
	return 0;
}

static void open_cancel(struct ferry_owner *o, uint64_t request)
{
	(void)o;
	(void)request;
}

static const struct ferry_host host = {
	.size = sizeof(host),
	.abi = FERRY_ABI,
	.complete = on_complete,
	.on_peer = on_peer,
	.on_message = on_message,
	.on_link = on_link,
	.log = on_log,
	.now_us = now_us,
	.watch = watch,
	.watch_set = watch_set,
	.unwatch = forget,
	.timer = timer,
	.timer_set = timer_set,
	.timer_free = forget,
	.wake = wake,
	.open_device = open_device,
	.open_cancel = open_cancel,
};

static uint64_t token_new(void)
{
	tokens[++next_token] = 1;
	return next_token;
}

/* A request that was refused has no end. */
static void asked(uint64_t token, int result)
{
	if (result < 0) {
		need(tokens[token] == 1);
		tokens[token] = 0;
	}
}

static void ask(const struct ferry_driver *d, void *self, uint8_t what)
{
	static const char *const peers[] = {"a", "b", NULL};
	const struct ferry_channel_spec channel = {0};
	struct ferry_connect c = {.size = sizeof(c), .channels = &channel,
		.channel_count = 1, .link = 1 + (what >> 2 & 3u)};
	struct ferry_send s = {.size = sizeof(s), .link = c.link, .until = 1,
		.data = (const uint8_t *)"xyz", .len = 3, .to = "a"};
	uint64_t token = token_new();

	switch (what & 3u) {
	case 0:
		c.peer = peers[(what >> 2 & 3u) % 3];
		asked(token, d->connect(self, token, &c));
		break;
	case 1:
		asked(token, d->send(self, token, &s));
		break;
	case 2:
		asked(token, d->disconnect(self, token, c.link));
		break;
	default:
		tokens[token] = 0;
		d->cancel(self, what % (token + 1));
		break;
	}
}

static void play(const struct ferry_driver *d, void *self, const uint8_t *data,
	size_t len)
{
	size_t take;

	while (len && next_token < TOKENS_MAX - 8 && !over) {
		if (*data >= 0x40) {
			ask(d, self, *data);
			data++;
			len--;
			continue;
		}
		take = *data < len - 1 ? *data : len - 1;
		if (take)
			send(far_end, data + 1, take, MSG_DONTWAIT);
		d->on_ready(self, 0, FERRY_READ);
		data += take + 1;
		len -= take + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct ferry_driver *d = sim_driver();
	const struct ferry_kv kv = {"path", "/x"};
	uint64_t i;
	int pair[2];
	void *self;

	memset(tokens, 0, sizeof(tokens));
	next_token = 0;
	stop_token = 0;
	over = false;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair))
		abort();
	near_end = pair[0];
	far_end = pair[1];
	need(d->create(&host, NULL, &self) == 0);
	need(d->start(self, token_new(), &kv, 1) == 0);
	d->on_opened(self, 1, 0, near_end);
	play(d, self, data, len);
	if (!over && tokens[1] == 2) {
		stop_token = token_new();
		need(d->stop(self, stop_token) == 0);
		for (i = 1; i <= next_token; i++)
			need(tokens[i] != 1);
	}
	d->destroy(self);
	close(far_end);
	return 0;
}
