/* A coprocessor that starts well and then says anything. The first byte chooses
 * the version, the second whether the rest is bytes of the line or, each behind a
 * byte of length, frames of EZSP on a good line. Between them frames are sent and
 * time passes. Every request must be confirmed exactly once. */
#include "tests/unit/transports/ezsp_peer.h"
#include "transports/zigbee/stack.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct zb_stack_ops *const ops = &zb_ezsp_stack;
static struct ezsp_peer peer;
static struct zb_stack *stack;
static struct {
	uint8_t at[65536];
	size_t len;
} to_peer, to_host;
static int64_t now;
static unsigned taken, confirmed;
static bool failed;

static void on_write(void *arg, struct bytes b)
{
	(void)arg;
	if (to_peer.len + b.len > sizeof(to_peer.at))
		abort();
	memcpy(to_peer.at + to_peer.len, b.at, b.len);
	to_peer.len += b.len;
}

static void on_peer_write(void *arg, struct bytes b)
{
	(void)arg;
	if (to_host.len + b.len > sizeof(to_host.at))
		abort();
	memcpy(to_host.at + to_host.len, b.at, b.len);
	to_host.len += b.len;
}

static void on_up(void *arg, const struct zb_network *n)
{
	(void)arg;
	if (n->asdu_max > ZB_ASDU_MAX || !memchr(n->text, 0, sizeof(n->text)))
		abort();
}

static void on_lost(void *arg, const char *text)
{
	(void)arg;
	(void)text;
	if (confirmed != taken)
		abort();
}

static void on_fail(void *arg, int status, const char *text)
{
	(void)arg;
	(void)status;
	(void)text;
	failed = true;
}

static void on_line(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

static void on_heard(void *arg, const struct zb_indication *i)
{
	volatile uint8_t sum = 0;
	size_t n;

	(void)arg;
	for (n = 0; n < i->asdu.len; n++)
		sum = (uint8_t)(sum + i->asdu.at[n]);
}

static void on_confirm(void *arg, const struct zb_confirm *c)
{
	(void)arg;
	if (!c->id || ++confirmed > taken)
		abort();
}

static void on_node(void *arg, uint64_t eui64, uint16_t nwk, int sleepy,
	bool joined, bool gone)
{
	(void)arg;
	(void)nwk;
	if (!eui64 || sleepy < -1 || sleepy > 1 || (joined && gone))
		abort();
}

static void on_known(void *arg, uint64_t eui64, uint16_t nwk)
{
	(void)arg;
	(void)nwk;
	if (!eui64)
		abort();
}

static void on_log(void *arg, uint32_t level, const char *text)
{
	(void)arg;
	(void)level;
	(void)text;
}

static const struct zb_host host = {on_write, on_up, on_lost, on_fail, on_line,
	on_heard, on_confirm, on_node, on_log, on_known};

static void settle(void)
{
	unsigned rounds;
	uint8_t copy[sizeof(to_peer.at)];
	size_t n;

	for (rounds = 0; rounds < 1000 && (to_peer.len || to_host.len);
			rounds++) {
		/* The log of commands is of no interest here. */
		peer.count = 0;
		peer.now = now;
		n = to_peer.len;
		memcpy(copy, to_peer.at, n);
		to_peer.len = 0;
		ash_peer_input(&peer.ash, now, bytes_of(copy, n));
		n = to_host.len;
		memcpy(copy, to_host.at, n);
		to_host.len = 0;
		if (n)
			ops->input(stack, now, bytes_of(copy, n));
	}
}

static void act(uint8_t what)
{
	struct zb_request r = {
		.id = 1u + what,
		.nwk = what & 1 ? 0x1000 : 0xfffd,
		.profile = ZB_PROFILE_HA,
		.cluster = 0x19,
		.asdu = bytes_of("\x19\x42\x00\x00\x64", 5),
	};

	if (what & 2 && !ops->send(stack, now, &r))
		taken++;
	if (what & 4) {
		now = ops->deadline(stack) == INT64_MAX ||
			ops->deadline(stack) < now ? now + 1 :
			ops->deadline(stack);
		ops->time(stack, now);
	}
	settle();
}

static void run_frames(struct bytes in)
{
	uint8_t frame[ASH_DATA_MAX];
	struct bytes part;

	while (in.len && !failed) {
		size_t len = in.at[0];

		act((uint8_t)len);
		part = bytes_slice(in, 1, len % (ASH_DATA_MAX + 1));
		in = bytes_slice(in, 1 + part.len, in.len);
		if (part.len < ASH_DATA_MIN)
			continue;
		memcpy(frame, part.at, part.len);
		if (peer.ash.connected && peer.ash.count < 32)
			ash_peer_send(&peer.ash, now,
				bytes_of(frame, part.len));
		settle();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct zb_config config = {.form = true, .pan = 0xffff};

	if (len < 2 || ops->create(&config, &host, NULL, &stack))
		return 0;
	ezsp_peer_init(&peer, 8 + data[0] % 12);
	peer.joined = data[0] < 128;
	peer.ash.write = on_peer_write;
	to_peer.len = to_host.len = 0;
	now = 1;
	taken = confirmed = 0;
	failed = false;
	ops->start(stack, now);
	settle();
	act(3);
	if (data[1] & 1) {
		run_frames(bytes_of(data + 2, len - 2));
	} else {
		ops->input(stack, now, bytes_of(data + 2, len - 2));
		settle();
		act(data[1]);
	}
	ops->stop(stack, now);
	if (confirmed != taken)
		abort();
	ops->destroy(stack);
	return 0;
}
