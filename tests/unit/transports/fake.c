#include "tests/unit/transports/fake.h"

#include <errno.h>
#include <unistd.h>

struct fake fake;

static void enter(void)
{
	if (fake.inside++)
		fake.re_entered = true;
}

static int leave(int result)
{
	fake.inside--;
	return result;
}

void fake_reset(void)
{
	fake = (struct fake){
		.payload = 100,
		.window = 2,
		.all_window = 3,
		.caps = FERRY_CAP_DATAGRAM | FERRY_CAP_PEERS,
		.pipe = {-1, -1},
	};
}

static void fill(struct ferry_link *record, struct ferry_channel *channel,
	uint32_t payload, uint32_t window)
{
	*channel = (struct ferry_channel){
		.size = sizeof(*channel),
		.max_payload = payload,
		.window = window,
		.level = FERRY_TAKEN,
	};
	*record = (struct ferry_link){
		.size = sizeof(*record),
		.caps = fake.caps,
		.channels = channel,
		.channel_count = 1,
		.channel_stride = sizeof(*channel),
		.text = "fake",
	};
}

void fake_complete(uint64_t token, int status)
{
	struct ferry_channel channel;
	struct ferry_link record;
	struct ferry_result r = {
		.size = sizeof(r),
		.token = token,
		.status = status,
		.key = status ? fake.start_key : NULL,
		.record = &record,
	};

	fill(&record, &channel, fake.payload,
		token == fake.start_token ? fake.all_window : fake.window);
	fake.host->complete(fake.owner, &r);
}

void fake_finish(unsigned i, int status)
{
	uint64_t token = fake.sends[i];

	fake.send_count--;
	memmove(&fake.sends[i], &fake.sends[i + 1],
		(fake.send_count - i) * sizeof(fake.sends[0]));
	memmove(&fake.send_links[i], &fake.send_links[i + 1],
		(fake.send_count - i) * sizeof(fake.send_links[0]));
	fake_complete(token, status);
}

void fake_message(uint64_t link, const void *data, uint32_t len)
{
	const struct ferry_message m = {
		.size = sizeof(m),
		.link = link,
		.data = data,
		.len = len,
	};

	fake.host->on_message(fake.owner, &m);
}

void fake_peer(const char *key)
{
	const struct ferry_peer p = {.size = sizeof(p), .key = key};

	fake.host->on_peer(fake.owner, &p);
}

void fake_down(uint64_t link, int status)
{
	const struct ferry_link_event e = {
		.size = sizeof(e),
		.event = FERRY_LINK_DOWN,
		.link = link,
		.status = status,
		.text = "told to",
	};

	fake.host->on_link(fake.owner, &e);
}

void fake_changed(uint64_t link, uint32_t payload, uint32_t window)
{
	struct ferry_channel channel;
	struct ferry_link record;
	const struct ferry_link_event e = {
		.size = sizeof(e),
		.event = FERRY_LINK_CHANGED,
		.link = link,
		.record = &record,
	};

	fill(&record, &channel, payload, window);
	fake.host->on_link(fake.owner, &e);
}

static int op_create(
	const struct ferry_host *host, struct ferry_owner *owner, void **ret)
{
	enter();
	fake.host = host;
	fake.owner = owner;
	fake.exists = true;
	fake.created++;
	fake.send_count = 0;
	*ret = &fake;
	return leave(0);
}

static void op_destroy(void *self)
{
	(void)self;
	enter();
	fake.destroyed++;
	fake.exists = false;
	if (!fake.leave_watch && fake.watch > 0) {
		fake.host->unwatch(fake.owner, fake.watch);
		fake.watch = 0;
	}
	leave(0);
}

static int op_start(
	void *self, uint64_t token, const struct ferry_kv *kv, uint32_t count)
{
	(void)self;
	(void)kv;
	(void)count;
	enter();
	fake.start_token = token;
	if (!fake.hold_start)
		fake_complete(token, fake.start_status);
	return leave(0);
}

static int op_stop(void *self, uint64_t token)
{
	(void)self;
	enter();
	fake.stops++;
	fake.stop_token = token;
	while (fake.send_count)
		fake_finish(0, -ECANCELED);
	if (!fake.hold_stop)
		fake_complete(token, 0);
	return leave(0);
}

static void op_cancel(void *self, uint64_t token)
{
	unsigned i;

	(void)self;
	enter();
	fake.cancels++;
	if (token == fake.start_token && !fake.ignore_cancel)
		fake_complete(token, -ECANCELED);
	for (i = 0; i < fake.send_count && !fake.ignore_cancel; i++)
		if (fake.sends[i] == token)
			fake_finish(i, -ECANCELED);
	leave(0);
}

static int op_connect(void *self, uint64_t token, const struct ferry_connect *c)
{
	(void)self;
	enter();
	if (c->peer && !strcmp(c->peer, "nobody"))
		return leave(-EHOSTUNREACH);
	fake.links[fake.link_count++ % 64] = c->link;
	fake_complete(token, 0);
	return leave(0);
}

static int op_disconnect(void *self, uint64_t token, uint64_t link)
{
	unsigned i;

	(void)self;
	enter();
	for (i = 0; i < fake.send_count;)
		if (fake.send_links[i] == link)
			fake_finish(i, -ECANCELED);
		else
			i++;
	fake.disconnected = link;
	fake_complete(token, 0);
	return leave(0);
}

static int op_send(void *self, uint64_t token, const struct ferry_send *s)
{
	(void)self;
	enter();
	if (fake.complete_and_refuse)
		fake_complete(token, 0);
	if (fake.complete_and_refuse || fake.refuse_sends)
		return leave(-ENOBUFS);
	if (fake.sends_seen < 512)
		fake.order[fake.sends_seen] = s->link;
	fake.sends_seen++;
	if (fake.echo)
		fake_message(s->link, s->data, s->len);
	if (!fake.hold_sends) {
		fake_complete(token, 0);
		return leave(0);
	}
	fake.sends[fake.send_count] = token;
	fake.send_links[fake.send_count] = s->link;
	fake.send_lens[fake.send_count] = s->len;
	fake.send_count++;
	return leave(0);
}

static void op_on_wake(void *self)
{
	(void)self;
	enter();
	fake.wakes++;
	leave(0);
}

static void op_on_ready(void *self, uint64_t arg, uint32_t events)
{
	char byte;

	(void)self;
	(void)arg;
	(void)events;
	enter();
	fake.ready++;
	if (read(fake.pipe[0], &byte, 1) < 0 || fake.ready > 3)
		fake.host->unwatch(fake.owner, fake.watch);
	leave(0);
}

static void op_on_timer(void *self, uint64_t arg)
{
	(void)self;
	(void)arg;
	enter();
	fake.timeouts++;
	leave(0);
}

static const struct ferry_driver table = {
	.size = sizeof(table),
	.abi = FERRY_ABI,
	.caps = FERRY_CAP_DATAGRAM | FERRY_CAP_PEERS,
	.name = "fake",
	.version = "1",
	.cancel_bound_ms = 30,
	.create = op_create,
	.destroy = op_destroy,
	.start = op_start,
	.stop = op_stop,
	.cancel = op_cancel,
	.connect = op_connect,
	.disconnect = op_disconnect,
	.send = op_send,
	.on_wake = op_on_wake,
	.on_ready = op_on_ready,
	.on_timer = op_on_timer,
};

const struct ferry_driver *fake_table(void)
{
	return &table;
}
