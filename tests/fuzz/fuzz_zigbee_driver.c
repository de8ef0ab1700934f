/* The shared part of the driver zigbee over a stack whose every word comes from
 * the input: frames, confirms, devices, loss; with sends, cancels and time in
 * between. Each request to the driver ends exactly once, each frame that the
 * stack gets keeps the rules. Each step is a byte that says what, and arguments. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/transports/played_stack.h"
#include "tests/unit/transports/vhost.h"
#include "transports/zigbee/zigbee.h"

#define WINDOW 8u
#define LINK 7u
#define TOKENS 400u /* requests of one run */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct vhost v;
static struct zb_stack the_stack;
static struct bytes in;
static uint32_t out[WINDOW]; /* ids without a confirm */
static unsigned out_count;
static uint64_t next_token;

static uint8_t take(void)
{
	uint8_t byte = in.len ? in.at[0] : 0;

	in = bytes_slice(in, 1, in.len);
	return byte;
}

static int fake_create(const struct zb_config *config,
	const struct zb_host *host, void *arg, struct zb_stack **ret)
{
	return played_stack_made(&the_stack, config, host, arg, ret);
}

static void fake_destroy(struct zb_stack *s)
{
	(void)s;
}

static int fake_send(
	struct zb_stack *s, int64_t now_ms, const struct zb_request *r)
{
	unsigned i;

	(void)s;
	(void)now_ms;
	if (!r->id || !r->asdu.len || r->asdu.len > 82)
		abort();
	for (i = 0; i < out_count; i++)
		if (out[i] == r->id)
			abort();
	if (out_count == WINDOW)
		return -EBUSY;
	out[out_count++] = r->id;
	return 0;
}

static unsigned fake_room(const struct zb_stack *s)
{
	(void)s;
	return WINDOW - out_count;
}

static void be_up(void)
{
	const struct zb_network n = {.eui64 = 0x00124b00000000ffu,
		.window = WINDOW,
		.asdu_max = 82,
		.by_eui64 = take() & 1};

	the_stack.host->up(the_stack.arg, &n);
}

/* Few devices and addresses, so that they meet. */
static uint64_t take_eui64(void)
{
	return 0x00124b0000000000u + (take() & 15);
}

static uint16_t take_nwk(void)
{
	uint8_t byte = take();

	return byte < 0xf0 ? (uint16_t)(0x1000 + (byte & 15))
			   : (uint16_t)(0xff00 | byte);
}

static void hear(void)
{
	static const uint16_t clusters[] = {0x0019, 0x0000, 0x0020, 0x0013,
		0x8000, 0x8001, 0x8002, 0x8006};
	uint8_t what = take();
	struct zb_indication i = {
		.cluster = clusters[what & 7],
		.profile = what & 4 || (what & 7) == 3 ? 0 : 0x0104,
		.broadcast = what & 8,
		.nwk = take_nwk(),
	};

	if (what & 16)
		i.eui64 = take_eui64();
	if (i.profile) {
		i.src_ep = take();
		i.dst_ep = take();
	}
	i.asdu = bytes_slice(in, 0, what >> 5 ? what >> 3 : 0);
	in = bytes_slice(in, i.asdu.len, in.len);
	the_stack.host->heard(the_stack.arg, &i);
}

static void confirm(void)
{
	uint8_t what = take();
	struct zb_confirm c = {.result = (enum zb_sent)(what & 7)};
	unsigned i;

	if (!out_count)
		return;
	i = (what >> 3) % out_count;
	c.id = out[i];
	out[i] = out[--out_count];
	the_stack.host->confirm(the_stack.arg, &c);
}

static void node(void)
{
	uint8_t what = take();
	uint64_t eui64;

	if (what & 16) {
		eui64 = take_eui64();
		the_stack.host->known(the_stack.arg, eui64, take_nwk());
		return;
	}
	the_stack.host->node(the_stack.arg, take_eui64(), take_nwk(),
		(int)(what & 3) - 1, what & 4, what & 8);
}

static void lose(void)
{
	out_count = 0;
	the_stack.host->lost(the_stack.arg, "fuzz");
}

/* All that a stack can say while bytes come in. */
static void fake_input(struct zb_stack *s, int64_t now_ms, struct bytes data)
{
	uint8_t what = take();

	(void)s;
	(void)now_ms;
	(void)data;
	if (what < 0x90)
		hear();
	else if (what < 0xd0)
		confirm();
	else if (what < 0xf0)
		node();
	else if (what < 0xf8)
		be_up();
	else
		lose();
}

static const struct zb_stack_ops fake = {
	PLAYED_STACK,
	.create = fake_create,
	.destroy = fake_destroy,
	.start = played_stack_time,
	.input = fake_input,
	.send = fake_send,
	.room = fake_room,
};

const struct zb_stack_ops *zb_stack_find(const char *name)
{
	return played_stack_find(name, &fake);
}

static void send_one(void)
{
	static const uint8_t data[82] = {1};
	const struct ferry_driver *d = zigbee_driver();
	uint8_t what = take();
	char key[17];
	struct ferry_send s = {.size = sizeof(s),
		.link = LINK,
		.channel = what & 1,
		.until = what & 2 ? FERRY_DELIVERED : FERRY_SENT,
		.data = data,
		.len = 1u + (what >> 2)};

	snprintf(key, sizeof(key), "%016llx",
		(unsigned long long)take_eui64());
	if (what & 4 && v.message_count) {
		s.reply = v.messages[v.message_count - 1].reply;
		s.reply_len = v.messages[v.message_count - 1].reply_len;
	} else {
		s.to = what & 8 ? "all-awake" : key;
	}
	if (d->send(v.self, next_token + 1, &s) == 0)
		next_token++;
}

static void step(void)
{
	uint8_t what = take();

	if (what < 0x80) {
		if (v.far >= 0 && send(v.far, "x", 1, MSG_NOSIGNAL) == 1)
			vhost_turn(&v);
	} else if (what < 0xc0) {
		send_one();
	} else if (what < 0xd0) {
		zigbee_driver()->cancel(v.self, next_token);
	} else {
		vhost_pass(&v, (what & 0x2fu) * 100u);
	}
	/* The record of the virtual host is bounded. */
	if (v.message_count > VHOST_MESSAGES / 2)
		v.message_count = 0;
	if (v.peer_count > VHOST_PEERS / 2)
		v.peer_count = 0;
}

static void check_ends(uint64_t first)
{
	static unsigned count[TOKENS + 16];
	unsigned i;

	memset(count, 0, sizeof(count));
	for (i = 0; i < v.result_count; i++)
		if (v.results[i].token >= first)
			count[v.results[i].token - first]++;
	for (i = 1; i <= next_token - first; i++)
		if (count[i] != 1)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct ferry_kv kv[] = {{"stack", "znp"}, {"port", "/x"}};
	const struct ferry_kv ota[] = {
		{"cluster", "0x0019"}, {"role", "server"}};
	const struct ferry_kv basic[] = {{"cluster", "0x0000"}};
	const struct ferry_channel_spec channels[] = {
		{ota, 2, 0}, {basic, 1, 0}};
	const struct ferry_connect c = {.size = sizeof(c),
		.link = LINK,
		.channels = channels,
		.channel_count = 2};
	const struct ferry_driver *d = zigbee_driver();

	in = bytes_of(data, len);
	out_count = 0;
	next_token = 10;
	vhost_init(&v, d);
	d->start(v.self, 1, kv, 2);
	vhost_opened(&v, 0, SOCK_SEQPACKET);
	be_up();
	d->on_wake(v.self);
	if (d->connect(v.self, 2, &c))
		abort();
	while (in.len && next_token < 10 + TOKENS && !v.downs)
		step();
	if (!v.downs) {
		d->stop(v.self, ++next_token);
		check_ends(10);
	}
	vhost_done(&v);
	return 0;
}
