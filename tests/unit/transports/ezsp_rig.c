#include "tests/unit/transports/ezsp_rig.h"

#include <inttypes.h>
#include <stdarg.h>

const unsigned versions[VERSIONS] = {8, 13, 14, 19};
struct ezsp_peer peer;
struct zb_stack *stack;
const struct zb_stack_ops *const ops = &zb_ezsp_stack;
int64_t now;
char story[16384];
size_t story_len;
bool gone;

static void tell(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static void tell(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	story_len += (size_t)vsnprintf(story + story_len,
		sizeof(story) - story_len, format, args);
	va_end(args);
	ck_assert_uint_lt(story_len, sizeof(story));
}

/* ---- the two lines; bytes wait until settle() ---- */

struct pipe {
	uint8_t at[65536];
	size_t len;
};

static struct pipe to_peer, to_host;

static void pour(struct pipe *p, struct bytes b)
{
	ck_assert_uint_le(p->len + b.len, sizeof(p->at));
	memcpy(p->at + p->len, b.at, b.len);
	p->len += b.len;
}

static void on_write(void *arg, struct bytes b)
{
	(void)arg;
	pour(&to_peer, b);
}

static void on_peer_write(void *arg, struct bytes b)
{
	(void)arg;
	if (!gone)
		pour(&to_host, b);
}

void settle(void)
{
	static struct pipe copy;
	int64_t due;

	while (to_peer.len || to_host.len) {
		peer.now = now;
		copy = to_peer;
		to_peer.len = 0;
		if (!gone)
			ash_peer_input(&peer.ash, now,
				bytes_of(copy.at, copy.len));
		copy = to_host;
		to_host.len = 0;
		if (copy.len)
			ops->input(stack, now, bytes_of(copy.at, copy.len));
	}
	due = ops->deadline(stack);
	ck_assert_msg(due > now || due == INT64_MAX, "due at once");
}

void pass(int64_t ms)
{
	int64_t end = now + ms, due;

	for (;;) {
		settle();
		due = ops->deadline(stack);
		if (peer.ash.due < due)
			due = peer.ash.due;
		if (due > end)
			break;
		now = due;
		if (now >= ops->deadline(stack))
			ops->time(stack, now);
		ash_peer_time(&peer.ash, now);
	}
	now = end;
}

/* ---- what the stack tells ---- */

static void on_up(void *arg, const struct zb_network *n)
{
	(void)arg;
	tell("up %016" PRIx64 " pan %04x channel %u window %u asdu %u \"%s\"\n",
		n->eui64, n->pan, n->channel, n->window, n->asdu_max, n->text);
}

static void on_lost(void *arg, const char *text)
{
	(void)arg;
	tell("lost %s\n", text);
}

static void on_fail(void *arg, int status, const char *text)
{
	(void)arg;
	tell("fail %d %s\n", status, text);
}

static void on_heard(void *arg, const struct zb_indication *i)
{
	char hex[300];

	(void)arg;
	tell("heard %04x %016" PRIx64 " %04x/%04x %u>%u%s lqi %u rssi %d %s\n",
		i->nwk, i->eui64, i->profile, i->cluster, i->src_ep, i->dst_ep,
		i->broadcast ? " broadcast" : "", i->lqi, i->rssi,
		bytes_to_hex(i->asdu, hex, sizeof(hex)));
}

static void on_confirm(void *arg, const struct zb_confirm *c)
{
	static const char *const names[] = {"ok", "no-ack", "no-route", "busy",
		"expired", "too-long", "lost", "failed"};

	(void)arg;
	tell("confirm %u %s %x\n", c->id, names[c->result],
		(unsigned)c->native);
}

static void on_node(void *arg, uint64_t eui64, uint16_t nwk, int sleepy,
	bool joined, bool left)
{
	(void)arg;
	tell("node %016" PRIx64 " %04x sleepy %d%s%s\n", eui64, nwk, sleepy,
		joined ? " joined" : "", left ? " gone" : "");
}

static void on_line(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

static void on_known(void *arg, uint64_t eui64, uint16_t nwk)
{
	(void)arg;
	tell("known %016" PRIx64 " %04x\n", eui64, nwk);
}

static void on_log(void *arg, uint32_t level, const char *text)
{
	(void)arg;
	(void)level;
	(void)text;
}

static const struct zb_host host = {on_write, on_up, on_lost, on_fail, on_line,
	on_heard, on_confirm, on_node, on_log, on_known};

void assert_story(const char *want)
{
	ck_assert_str_eq(story, want);
	story_len = 0;
	story[0] = 0;
}

/* ---- starting ---- */

void create(unsigned version, const struct zb_config *config)
{
	static const struct zb_config plain = {0};

	now = 1000;
	story_len = to_peer.len = to_host.len = 0;
	story[0] = 0;
	gone = false;
	ezsp_peer_init(&peer, version);
	peer.ash.write = on_peer_write;
	ck_assert_int_eq(ops->create(config ? config : &plain, &host, NULL,
		&stack), 0);
}

void start(void)
{
	ops->start(stack, now);
	pass(10);
}

void up(unsigned version)
{
	create(version, NULL);
	start();
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
	story_len = 0;
	story[0] = 0;
}

void teardown(void)
{
	ops->destroy(stack);
	stack = NULL;
}

/* ---- frames ---- */

static const uint8_t notify[] = {0x19, 0x42, 0x00, 0x00, 0x64};

struct zb_request request(uint32_t id)
{
	struct zb_request r = {
		.id = id,
		.nwk = 0x1000,
		.profile = 0x0104,
		.cluster = 0x0019,
		.src_ep = 1,
		.dst_ep = 3,
		.ack = true,
		.asdu = bytes_of(notify, sizeof(notify)),
	};

	return r;
}

void send_ok(uint32_t id)
{
	struct zb_request r = request(id);

	ck_assert_int_eq(ops->send(stack, now, &r), 0);
	settle();
}

const uint8_t query[6] = {0x01, 0x42, 0x01, 0x00, 0x34, 0x12};

void incoming(void)
{
	ezsp_peer_incoming(&peer, 0, 0x1000, DEVICE, 0x0104, 0x0019,
		bytes_of(query, sizeof(query)));
}
