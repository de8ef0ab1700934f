/* The part of the driver zigbee that all stacks share, over a stack that the
 * test plays, under a virtual clock. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/transports/vhost.h"
#include "transports/zigbee/airtime.h"
#include "transports/zigbee/stacks.h"
#include "transports/zigbee/zdo.h"
#include "transports/zigbee/zigbee.h"

#define LAMP 0x00124b0000000001u
#define LAMP_KEY "00124b0000000001"
#define LAMP_NWK 0x1234u
#define OTHER 0x00124b0000000002u
#define OTHER_KEY "00124b0000000002"
#define LINK 7u

/* ---- the stack that the test plays ---- */

struct zb_stack {
	const struct zb_host *host;
	void *arg;
	struct zb_config config;
};

struct sent {
	struct zb_request r;
	uint8_t data[ZB_ASDU_MAX];
};

static struct vhost v;
static struct zb_stack *stack;
static struct sent sent[256];
static unsigned sent_count, confirmed;
static unsigned room;
static struct zb_network network;
static uint64_t next_token;

static int fake_create(const struct zb_config *config,
	const struct zb_host *host, void *arg, struct zb_stack **ret)
{
	stack = calloc(1, sizeof(*stack));
	stack->host = host;
	stack->arg = arg;
	stack->config = *config;
	*ret = stack;
	return 0;
}

static void fake_destroy(struct zb_stack *s)
{
	free(s);
	stack = NULL;
}

static void fake_start(struct zb_stack *s, int64_t now_ms)
{
	(void)now_ms;
	s->host->write(s->arg, bytes_of("start", 5));
}

/* The test says what happens by a call, when any byte comes in. */
static void (*on_input)(void);

static void fake_input(struct zb_stack *s, int64_t now_ms, struct bytes data)
{
	(void)s;
	(void)now_ms;
	(void)data;
	if (on_input)
		on_input();
}

static void fake_time(struct zb_stack *s, int64_t now_ms)
{
	(void)s;
	(void)now_ms;
}

static int64_t fake_deadline(const struct zb_stack *s)
{
	(void)s;
	return INT64_MAX;
}

static int fake_send(
	struct zb_stack *s, int64_t now_ms, const struct zb_request *r)
{
	struct sent *to = &sent[sent_count];

	(void)s;
	(void)now_ms;
	if (sent_count - confirmed >= room)
		return -EBUSY;
	ck_assert_uint_lt(sent_count, sizeof(sent) / sizeof(sent[0]));
	sent_count++;
	to->r = *r;
	memcpy(to->data, r->asdu.at, r->asdu.len);
	to->r.asdu = bytes_of(to->data, r->asdu.len);
	return 0;
}

static unsigned fake_room(const struct zb_stack *s)
{
	(void)s;
	return room - (sent_count - confirmed);
}

static void fake_stop(struct zb_stack *s, int64_t now_ms)
{
	(void)s;
	(void)now_ms;
}

static const struct zb_stack_ops fake = {
	.name = "znp",
	.packets = true,
	.create = fake_create,
	.destroy = fake_destroy,
	.start = fake_start,
	.input = fake_input,
	.time = fake_time,
	.deadline = fake_deadline,
	.send = fake_send,
	.room = fake_room,
	.stop = fake_stop,
};

const struct zb_stack_ops *zb_stack_find(const char *name)
{
	return !strcmp(name, "znp") ? &fake : NULL;
}

static void setup(void)
{
	sent_count = 0;
	confirmed = 0;
	room = 8;
	next_token = 100;
	on_input = NULL;
	network = (struct zb_network){.eui64 = 0x00124b00000000ffu,
		.pan = 0x1a62,
		.channel = 15,
		.window = 8,
		.asdu_max = 82,
		.text = "test"};
	vhost_init(&v, zigbee_driver());
}

static void teardown(void)
{
	vhost_done(&v);
}

/* Something comes in on the line, and `what` is what it means. */
static void input(void (*what)(void))
{
	on_input = what;
	ck_assert_int_eq(send(v.far, "x", 1, MSG_NOSIGNAL), 1);
	vhost_turn(&v);
	on_input = NULL;
}

static void is_up(void)
{
	stack->host->up(stack->arg, &network);
}

static int start_with(const struct ferry_kv *kv, uint32_t count)
{
	return zigbee_driver()->start(v.self, 1, kv, count);
}

static void start(void)
{
	const struct ferry_kv kv[] = {{"stack", "znp"}, {"port", "/radio"}};

	ck_assert_int_eq(start_with(kv, 2), 0);
	ck_assert_str_eq(v.target, "seqpacket:/radio");
	vhost_opened(&v, 0, SOCK_SEQPACKET);
	input(is_up);
	ck_assert_ptr_nonnull(vhost_result(&v, 1));
	ck_assert_int_eq(vhost_result(&v, 1)->status, 0);
}

static void up(void)
{
	static const struct ferry_kv kv[3][3] = {
		{{"cluster", "0x0019"}, {"role", "server"}, {"endpoint", "1"}},
		{{"cluster", "0x0000"}, {"role", "client"},
			{"profile", "0x0104"}},
		{{"cluster", "0x0020"}, {"role", "client"}, {"endpoint", "1"}},
	};
	const struct ferry_channel_spec channels[] = {
		{kv[0], 3, 0}, {kv[1], 3, 0}, {kv[2], 3, 0}};
	const struct ferry_connect c = {.size = sizeof(c),
		.link = LINK,
		.channels = channels,
		.channel_count = 3};

	start();
	ck_assert_int_eq(zigbee_driver()->connect(v.self, 2, &c), 0);
	ck_assert_int_eq(vhost_result(&v, 2)->status, 0);
}

static struct zb_indication frame;

static void hears(void)
{
	stack->host->heard(stack->arg, &frame);
}

static void hear(
	uint64_t eui64, uint16_t nwk, uint16_t cluster, const char *text)
{
	frame = (struct zb_indication){.nwk = nwk,
		.eui64 = eui64,
		.profile = ZB_PROFILE_HA,
		.cluster = cluster,
		.src_ep = 11,
		.dst_ep = 47,
		.asdu = bytes_of_text(text)};
	input(hears);
}

static void hear_zdo(uint16_t nwk, uint16_t cluster, const void *at, size_t len)
{
	frame = (struct zb_indication){
		.nwk = nwk, .cluster = cluster, .asdu = bytes_of(at, len)};
	input(hears);
}

static struct zb_confirm confirm;

static void confirms(void)
{
	confirmed++;
	stack->host->confirm(stack->arg, &confirm);
}

static void confirm_it(unsigned i, enum zb_sent result)
{
	ck_assert_uint_lt(i, sent_count);
	confirm = (struct zb_confirm){
		.id = sent[i].r.id, .result = result, .native = 0xe9};
	input(confirms);
}

static uint64_t send_it(struct ferry_send s, const char *text, int want)
{
	uint64_t token = ++next_token;

	s.size = sizeof(s);
	s.link = LINK;
	s.data = (const uint8_t *)text;
	s.len = (uint32_t)strlen(text);
	if (!s.until)
		s.until = FERRY_DELIVERED;
	ck_assert_int_eq(zigbee_driver()->send(v.self, token, &s), want);
	return token;
}

static uint64_t send_to(const char *key, const char *text)
{
	return send_it((struct ferry_send){.to = key}, text, 0);
}

static uint64_t answer(unsigned message, const char *text)
{
	return send_it((struct ferry_send){.reply = v.messages[message].reply,
			       .reply_len = v.messages[message].reply_len},
		text, 0);
}

/* How many of the frames sent are for this cluster. */
static unsigned count_sent(uint16_t cluster)
{
	unsigned i, count = 0;

	for (i = 0; i < sent_count; i++)
		count += sent[i].r.cluster == cluster;
	return count;
}

static const struct sent *last_sent(uint16_t cluster)
{
	unsigned i;

	for (i = sent_count; i > 0; i--)
		if (sent[i - 1].r.cluster == cluster)
			return &sent[i - 1];
	return NULL;
}

static unsigned index_of_last(uint16_t cluster)
{
	ck_assert_ptr_nonnull(last_sent(cluster));
	return (unsigned)(last_sent(cluster) - sent);
}

/* A node whose address and kind are known, without a question to be asked. */
static uint64_t told_eui64;
static uint16_t told_nwk;
static int told_sleepy;
static bool told_joined, told_gone;

static void tells(void)
{
	stack->host->node(stack->arg, told_eui64, told_nwk, told_sleepy,
		told_joined, told_gone);
}

static void know(uint64_t eui64, uint16_t nwk)
{
	told_eui64 = eui64;
	told_nwk = nwk;
	told_sleepy = 0;
	told_joined = false;
	told_gone = false;
	input(tells);
}

/* ---- settings ---- */

static const struct {
	const char *name;
	struct ferry_kv kv[3];
	uint32_t count;
	const char *key; /* at fault */
	const char *rule; /* NULL: not looked at */
} bad_settings[] = {
	{"no stack", {{"port", "/x"}}, 1, "stack", NULL},
	{"unknown stack", {{"stack", "xbee"}, {"port", "/x"}}, 2, "stack", NULL},
	{"no port", {{"stack", "znp"}}, 1, "port", NULL},
	{"packets over tcp", {{"stack", "znp"}, {"port", "tcp://h:1"}}, 2,
		"port", NULL},
	{"channel", {{"stack", "znp"}, {"port", "/x"}, {"channel", "27"}}, 3,
		"channel", NULL},
	{"pan", {{"stack", "znp"}, {"port", "/x"}, {"pan", "0x10000"}}, 3,
		"pan", NULL},
	{"pan text", {{"stack", "znp"}, {"port", "/x"}, {"pan", "1a62"}}, 3,
		"pan", "must be a number of 0 to 0xffff"},
	{"socket without a path", {{"stack", "znp"}, {"port", "hub.sock"}}, 2,
		"port", "must be the absolute path of the stack's socket, at "
		"most 107 bytes"},
	{"short key",
		{{"stack", "znp"}, {"port", "/x"}, {"network_key", "0102"}}, 3,
		"network_key", "must be 32 hexadecimal digits, not all 0"},
	{"zero key",
		{{"stack", "znp"}, {"port", "/x"},
			{"network_key", "00000000000000000000000000000000"}},
		3, "network_key", NULL},
	{"window", {{"stack", "znp"}, {"port", "/x"}, {"window", "65"}}, 3,
		"window", NULL},
};

START_TEST(start_bad_setting_names_it)
{
	const char *name = bad_settings[_i].name;

	ck_assert_int_eq(
		start_with(bad_settings[_i].kv, bad_settings[_i].count), 0);
	ck_assert_msg(v.result_count == 1, "%s", name);
	ck_assert_msg(v.results[0].status == -EINVAL, "%s", name);
	ck_assert_msg(!strcmp(v.results[0].key, bad_settings[_i].key), "%s: %s",
		name, v.results[0].key);
	if (bad_settings[_i].rule)
		ck_assert_str_eq(v.results[0].text, bad_settings[_i].rule);
}
END_TEST

START_TEST(start_form_without_key_makes_a_random_one)
{
	static const uint8_t none[16];
	const struct ferry_kv kv[] = {
		{"stack", "znp"}, {"port", "/x"}, {"form", "yes"}};

	ck_assert_int_eq(start_with(kv, 3), 0);
	ck_assert(stack->config.form);
	ck_assert_int_ne(memcmp(stack->config.network_key, none, 16), 0);
}
END_TEST

START_TEST(start_line_that_cannot_be_opened_fails)
{
	const struct ferry_kv kv[] = {{"stack", "znp"}, {"port", "/radio"}};

	ck_assert_int_eq(start_with(kv, 2), 0);
	vhost_opened(&v, -ECONNREFUSED, 0);
	ck_assert_int_eq(vhost_result(&v, 1)->status, -ECONNREFUSED);
	ck_assert_uint_eq(v.downs, 0);
}
END_TEST

START_TEST(start_network_that_does_not_come_ends_in_time)
{
	const struct ferry_kv kv[] = {{"stack", "znp"}, {"port", "/radio"}};

	ck_assert_int_eq(start_with(kv, 2), 0);
	vhost_opened(&v, 0, SOCK_SEQPACKET);
	vhost_pass(&v, 29000);
	ck_assert_int_eq(vhost_result(&v, 1)->status, -ETIMEDOUT);
}
END_TEST

/* Cut off in between, a memory that was cleared would be cleared once more. */
START_TEST(start_that_forms_has_the_time_for_it)
{
	const struct ferry_kv kv[] = {
		{"stack", "znp"}, {"port", "/radio"}, {"form", "yes"}};

	ck_assert_int_eq(start_with(kv, 3), 0);
	vhost_opened(&v, 0, SOCK_SEQPACKET);
	vhost_pass(&v, 100000);
	ck_assert_ptr_null(vhost_result(&v, 1));
	vhost_pass(&v, 30000);
	ck_assert_int_eq(vhost_result(&v, 1)->status, -ETIMEDOUT);
}
END_TEST

START_TEST(start_completes_with_network_and_group)
{
	start();
	ck_assert_str_eq(
		vhost_result(&v, 1)->text, "znp: test, channel 15, PAN 0x1a62");
	ck_assert_uint_eq(vhost_result(&v, 1)->window, 64);
	ck_assert_uint_eq(vhost_result(&v, 1)->payload, 82);
	ck_assert_uint_eq(vhost_peer(&v, "all-awake")->flags, FERRY_PEER_GROUP);
}
END_TEST

START_TEST(connect_second_or_to_a_peer_is_refused)
{
	const struct ferry_kv kv = {"cluster", "0x0019"};
	const struct ferry_channel_spec channel = {&kv, 1, 0};
	struct ferry_connect c = {.size = sizeof(c),
		.link = 9,
		.channels = &channel,
		.channel_count = 1};

	up();
	ck_assert_int_eq(zigbee_driver()->connect(v.self, 3, &c), -EBUSY);
	c.peer = LAMP_KEY;
	ck_assert_int_eq(
		zigbee_driver()->connect(v.self, 3, &c), -EHOSTUNREACH);
}
END_TEST

START_TEST(connect_link_key_security_is_not_reachable)
{
	const struct ferry_kv kv = {"cluster", "0x0019"};
	const struct ferry_channel_spec channel = {&kv, 1, 0};
	const struct ferry_connect c = {.size = sizeof(c),
		.link = 9,
		.min_security = FERRY_SECURITY_LINK,
		.channels = &channel,
		.channel_count = 1};

	start();
	ck_assert_int_eq(
		zigbee_driver()->connect(v.self, 3, &c), FERRY_SECURITY);
}
END_TEST

START_TEST(connect_bad_channel_names_the_setting)
{
	static const struct {
		struct ferry_kv kv;
		const char *key;
	} rows[] = {
		{{"endpoint", "1"}, "cluster"},
		{{"cluster", "OTA"}, "cluster"},
		{{"endpoint", "241"}, "endpoint"},
		{{"role", "both"}, "role"},
		{{"uuid", "1"}, "uuid"},
	};
	const struct ferry_channel_spec channel = {&rows[_i].kv, 1, 0};
	const struct ferry_connect c = {.size = sizeof(c),
		.link = 9,
		.channels = &channel,
		.channel_count = 1};

	start();
	ck_assert_int_eq(zigbee_driver()->connect(v.self, 3, &c), 0);
	ck_assert_int_eq(vhost_result(&v, 3)->status, -EINVAL);
	ck_assert_str_eq(vhost_result(&v, 3)->key, rows[_i].key);
}
END_TEST

/* ---- receiving ---- */

START_TEST(heard_frame_comes_with_peer_channel_and_reply)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "query");
	ck_assert_uint_eq(v.message_count, 1);
	ck_assert_str_eq(v.messages[0].peer, LAMP_KEY);
	ck_assert_uint_eq(v.messages[0].channel, 0);
	ck_assert_uint_eq(v.messages[0].reply_len, 12);
	ck_assert_uint_eq(v.messages[0].security, FERRY_SECURITY_NETWORK);
	ck_assert_uint_eq(
		v.messages[0].airtime_us, zb_airtime_us(5, true, false));
}
END_TEST

START_TEST(heard_frame_of_unknown_cluster_is_dropped)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0006, "toggle");
	ck_assert_uint_eq(v.message_count, 0);
}
END_TEST

/* Other traffic loads the channel too, and is charged with the next frame. */
START_TEST(heard_airtime_of_other_frames_comes_along_bounded)
{
	unsigned i;

	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0006, "toggle");
	hear(0, LAMP_NWK, 0x0019, "query");
	ck_assert_uint_eq(v.messages[0].airtime_us,
		zb_airtime_us(5, true, false) + zb_airtime_us(6, true, false));
	for (i = 0; i < 200; i++)
		hear(0, LAMP_NWK, 0x0006, "toggle");
	hear(0, LAMP_NWK, 0x0019, "query");
	ck_assert_uint_eq(v.messages[1].airtime_us,
		zb_airtime_us(5, true, false) + 1000000);
}
END_TEST

START_TEST(answer_goes_back_between_the_same_endpoints)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "query");
	answer(0, "none");
	ck_assert_uint_eq(sent_count, 1);
	ck_assert_uint_eq(sent[0].r.nwk, LAMP_NWK);
	ck_assert_uint_eq(sent[0].r.src_ep, 47);
	ck_assert_uint_eq(sent[0].r.dst_ep, 11);
	ck_assert_uint_eq(sent[0].r.profile, ZB_PROFILE_HA);
	ck_assert(sent[0].r.ack);
}
END_TEST

START_TEST(answer_follows_a_device_to_its_new_address)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "query");
	know(LAMP, 0x4321);
	answer(0, "none");
	ck_assert_uint_eq(sent[0].r.nwk, 0x4321);
}
END_TEST

static void confirms_and_hears(void)
{
	hears();
	confirms();
}

START_TEST(heard_before_a_confirm_is_delivered_at_once)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "block 1");
	answer(0, "data 1");
	frame.asdu = bytes_of_text("block 2");
	confirm = (struct zb_confirm){.id = sent[0].r.id};
	input(confirms_and_hears);
	ck_assert_uint_eq(v.message_count, 2);
	ck_assert_mem_eq(v.messages[1].data, "block 2", 7);
	/* And while the confirm does not come at all. */
	answer(1, "data 2");
	hear(0, LAMP_NWK, 0x0019, "block 2");
	ck_assert_uint_eq(v.message_count, 3);
}
END_TEST

START_TEST(stranger_is_held_until_it_is_known)
{
	const uint8_t rsp[] = {1, 0, 1, 0, 0, 0, 0, 0x4b, 0x12, 0, 0x34, 0x12};

	up();
	hear(0, LAMP_NWK, 0x0019, "first");
	hear(0, LAMP_NWK, 0x0019, "second");
	ck_assert_uint_eq(v.message_count, 0);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 1);
	ck_assert_uint_eq(last_sent(ZDO_IEEE_ADDR_REQ)->r.nwk, LAMP_NWK);
	ck_assert_uint_eq(last_sent(ZDO_IEEE_ADDR_REQ)->r.src_ep, 0);
	hear_zdo(LAMP_NWK, ZDO_IEEE_ADDR_RSP, rsp, sizeof(rsp));
	ck_assert_uint_eq(v.message_count, 2);
	ck_assert_mem_eq(v.messages[0].data, "first", 5);
	ck_assert_mem_eq(v.messages[1].data, "second", 6);
	ck_assert_str_eq(v.messages[1].peer, LAMP_KEY);
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->nwk, "0x1234");
}
END_TEST

START_TEST(stranger_that_nobody_knows_is_asked_twice_and_forgotten)
{
	up();
	hear(0, LAMP_NWK, 0x0019, "first");
	confirm_it(0, ZB_SENT_OK);
	vhost_pass(&v, 1600);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 2);
	vhost_pass(&v, 5000);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 2);
	know(LAMP, LAMP_NWK);
	ck_assert_uint_eq(v.message_count, 0);
}
END_TEST

START_TEST(strangers_in_flood_hold_a_bounded_number)
{
	unsigned i;

	up();
	for (i = 0; i < 1000; i++)
		hear(0, (uint16_t)(0x2000 + i / 2), 0x0019, "flood");
	for (i = 0; i < 500; i++)
		know(LAMP + i, (uint16_t)(0x2000 + i));
	ck_assert_uint_gt(v.message_count, 0);
	ck_assert_uint_le(v.message_count, 256);
	ck_assert_uint_le(sent_count, 8);
}
END_TEST

START_TEST(sender_of_unknown_kind_is_asked_once)
{
	/* nwk, then a node descriptor: end device, receiver off when idle */
	const uint8_t rsp[] = {1, 0, 0x34, 0x12, 0x02, 0x40, 0x80, 0x34, 0x12,
		82, 82, 0, 0, 0, 82, 0, 0};

	up();
	hear(LAMP, LAMP_NWK, 0x0019, "query");
	hear(LAMP, LAMP_NWK, 0x0019, "query");
	ck_assert_uint_eq(v.message_count, 2);
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->kind, "unknown");
	ck_assert_uint_eq(count_sent(ZDO_NODE_DESC_REQ), 1);
	hear_zdo(LAMP_NWK, ZDO_NODE_DESC_RSP, rsp, sizeof(rsp));
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->kind, "sleepy");
	ck_assert_uint_eq(vhost_peer(&v, LAMP_KEY)->flags, FERRY_PEER_SLEEPY);
}
END_TEST

START_TEST(announcement_tells_the_peer_again_with_a_count)
{
	const uint8_t annce[] = {
		1, 0x34, 0x12, 1, 0, 0, 0, 0, 0x4b, 0x12, 0, 0x8e};

	up();
	hear_zdo(LAMP_NWK, ZDO_DEVICE_ANNCE, annce, sizeof(annce));
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->joined, "1");
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->kind, "router");
	/* The same one, told in another way. */
	told_joined = true;
	told_eui64 = LAMP;
	told_nwk = LAMP_NWK;
	told_sleepy = -1;
	told_gone = false;
	input(tells);
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->joined, "1");
	vhost_pass(&v, 5000);
	hear_zdo(LAMP_NWK, ZDO_DEVICE_ANNCE, annce, sizeof(annce));
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->joined, "2");
}
END_TEST

START_TEST(peer_that_left_is_gone)
{
	up();
	know(LAMP, LAMP_NWK);
	told_gone = true;
	input(tells);
	ck_assert_uint_eq(vhost_peer(&v, LAMP_KEY)->flags, FERRY_PEER_GONE);
}
END_TEST

START_TEST(thousand_peers_are_announced_some_at_a_time)
{
	unsigned i, before;

	up();
	for (i = 0; i < 1000; i++)
		stack->host->node(stack->arg, LAMP + 0x1000 + i,
			(uint16_t)(0x1000 + i), 0, false, false);
	before = v.peer_count;
	zigbee_driver()->on_wake(v.self);
	ck_assert_uint_eq(v.peer_count - before, 64);
	vhost_turn(&v);
	ck_assert_uint_eq(v.peer_count - before, 1000);
}
END_TEST

/* ---- sending ---- */

START_TEST(send_levels_and_airtime_of_a_confirm)
{
	uint64_t a, b;

	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "query");
	a = answer(0, "first");
	b = send_it((struct ferry_send){.reply = v.messages[0].reply,
			    .reply_len = 12,
			    .until = FERRY_SENT},
		"second", 0);
	ck_assert(sent[0].r.ack);
	ck_assert(!sent[1].r.ack);
	confirm_it(1, ZB_SENT_OK);
	confirm_it(0, ZB_SENT_OK);
	ck_assert_uint_eq(vhost_result(&v, a)->level, FERRY_DELIVERED);
	ck_assert_uint_eq(
		vhost_result(&v, a)->airtime_us, zb_airtime_us(5, true, false));
	ck_assert_uint_eq(vhost_result(&v, b)->level, FERRY_SENT);
	ck_assert_uint_eq(vhost_result(&v, b)->airtime_us,
		zb_airtime_us(6, false, false));
}
END_TEST

START_TEST(send_broadcast_goes_to_all_that_are_awake)
{
	uint64_t token;

	up();
	token = send_to("all-awake", "notify");
	ck_assert_uint_eq(sent[0].r.nwk, 0xfffd);
	ck_assert_uint_eq(sent[0].r.dst_ep, 0xff);
	ck_assert(!sent[0].r.ack);
	confirm_it(0, ZB_SENT_OK);
	ck_assert_uint_eq(vhost_result(&v, token)->level, FERRY_SENT);
}
END_TEST

START_TEST(send_to_no_key_is_unreachable)
{
	up();
	send_it((struct ferry_send){.to = "lamp"}, "x", -EHOSTUNREACH);
	send_it((struct ferry_send){.to = "00124B0000000001"}, "x",
		-EHOSTUNREACH);
	send_it((struct ferry_send){.to = NULL}, "x", -EHOSTUNREACH);
	ck_assert_uint_eq(v.result_count, 2);
}
END_TEST

START_TEST(send_bounds_are_kept)
{
	static char long_text[84];
	unsigned i;

	memset(long_text, 'x', 83);
	up();
	know(LAMP, LAMP_NWK);
	send_it((struct ferry_send){.to = LAMP_KEY}, long_text, -EMSGSIZE);
	send_it((struct ferry_send){.to = LAMP_KEY, .channel = 3}, "x",
		-EINVAL);
	for (i = 0; i < 64; i++)
		send_to(LAMP_KEY, "x");
	send_it((struct ferry_send){.to = LAMP_KEY}, "x", -ENOBUFS);
}
END_TEST

START_TEST(send_window_of_the_network_is_kept)
{
	unsigned i;

	network.window = 3;
	up();
	for (i = 0; i < 6; i++) {
		know(LAMP + i, (uint16_t)(0x1000 + i));
		hear(0, (uint16_t)(0x1000 + i), 0x0019, "q");
		answer(i, "a");
	}
	ck_assert_uint_eq(sent_count, 3);
	confirm_it(0, ZB_SENT_OK);
	ck_assert_uint_eq(sent_count, 4);
}
END_TEST

START_TEST(send_devices_take_turns)
{
	unsigned i, other = 0;

	network.window = 2;
	up();
	know(LAMP, 0x1000);
	know(OTHER, 0x1001);
	hear(0, 0x1000, 0x0019, "q");
	hear(0, 0x1001, 0x0019, "q");
	for (i = 0; i < 20; i++)
		answer(0, "a");
	for (i = 0; i < 4; i++)
		answer(1, "b");
	for (i = 0; i < 8; i++)
		confirm_it(i, ZB_SENT_OK);
	for (i = 0; i < sent_count; i++)
		other += sent[i].r.nwk == 0x1001;
	ck_assert_uint_eq(other, 4);
}
END_TEST

START_TEST(send_busy_is_tried_again_with_a_smaller_window)
{
	uint64_t first, second;

	up();
	know(LAMP, LAMP_NWK);
	know(OTHER, 0x1001);
	hear(0, LAMP_NWK, 0x0019, "q");
	hear(0, 0x1001, 0x0019, "q");
	first = answer(0, "one");
	second = answer(1, "two");
	confirm_it(0, ZB_SENT_BUSY);
	ck_assert_ptr_null(vhost_result(&v, first));
	ck_assert_uint_eq(sent_count, 2);
	vhost_pass(&v, 60);
	/* One was in flight: no more than that for a while. */
	ck_assert_uint_eq(sent_count, 2);
	confirm_it(1, ZB_SENT_OK);
	ck_assert_int_eq(vhost_result(&v, second)->status, 0);
	ck_assert_uint_eq(sent_count, 3);
	confirm_it(2, ZB_SENT_OK);
	ck_assert_int_eq(vhost_result(&v, first)->status, 0);
}
END_TEST

START_TEST(send_busy_for_long_is_not_now)
{
	uint64_t token;
	unsigned i;

	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
	token = answer(0, "one");
	for (i = 0; i < 8; i++) {
		confirm_it(index_of_last(0x0019), ZB_SENT_BUSY);
		vhost_pass(&v, 2000);
	}
	ck_assert_int_eq(vhost_result(&v, token)->status, FERRY_NOT_NOW);
	ck_assert_uint_gt(vhost_result(&v, token)->retry_after_ms, 0);
	ck_assert_uint_eq(count_sent(0x0019), 8);
}
END_TEST

START_TEST(send_order_of_a_device_survives_busy)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
	answer(0, "1");
	answer(0, "2");
	answer(0, "3");
	ck_assert_uint_eq(sent_count, 3);
	confirm_it(0, ZB_SENT_BUSY);
	confirm_it(1, ZB_SENT_BUSY);
	confirm_it(2, ZB_SENT_OK);
	vhost_pass(&v, 100);
	confirm_it(3, ZB_SENT_OK);
	vhost_pass(&v, 100);
	ck_assert_uint_eq(sent_count, 5);
	ck_assert_uint_eq(sent[3].data[0], '1');
	ck_assert_uint_eq(sent[4].data[0], '2');
}
END_TEST

START_TEST(send_without_route_is_tried_once_more)
{
	uint64_t token;

	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
	token = answer(0, "one");
	ck_assert(!sent[0].r.find_route);
	confirm_it(0, ZB_SENT_NO_ROUTE);
	ck_assert_uint_eq(sent_count, 2);
	ck_assert(sent[1].r.find_route);
	confirm_it(1, ZB_SENT_NO_ROUTE);
	ck_assert_int_eq(vhost_result(&v, token)->status, FERRY_NOT_DELIVERED);
	ck_assert_int_eq(vhost_result(&v, token)->native, 0xe9);
}
END_TEST

START_TEST(send_to_a_doubtful_address_looks_for_the_device)
{
	/* It answers from a new address. */
	const uint8_t rsp[] = {1, 0, 1, 0, 0, 0, 0, 0x4b, 0x12, 0, 0x21, 0x43};
	uint64_t token;

	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
	answer(0, "one");
	confirm_it(0, ZB_SENT_NO_ROUTE);
	confirm_it(1, ZB_SENT_NO_ROUTE);
	token = send_to(LAMP_KEY, "notify");
	ck_assert_uint_eq(count_sent(ZDO_NWK_ADDR_REQ), 1);
	ck_assert_uint_eq(last_sent(ZDO_NWK_ADDR_REQ)->r.nwk, 0xfffd);
	ck_assert_uint_eq(count_sent(0x0019), 2);
	hear_zdo(0x4321, ZDO_NWK_ADDR_RSP, rsp, sizeof(rsp));
	ck_assert_uint_eq(count_sent(0x0019), 3);
	ck_assert_uint_eq(last_sent(0x0019)->r.nwk, 0x4321);
	confirm_it(sent_count - 1, ZB_SENT_OK);
	ck_assert_int_eq(vhost_result(&v, token)->status, 0);
}
END_TEST

START_TEST(send_to_a_device_that_nobody_knows_is_not_delivered)
{
	uint64_t token;

	up();
	token = send_to(LAMP_KEY, "notify");
	ck_assert_uint_eq(count_sent(ZDO_NWK_ADDR_REQ), 1);
	vhost_pass(&v, 4000);
	ck_assert_int_eq(vhost_result(&v, token)->status, FERRY_NOT_DELIVERED);
	/* Not looked for again so soon. */
	token = send_to(LAMP_KEY, "notify");
	ck_assert_int_eq(vhost_result(&v, token)->status, FERRY_NOT_DELIVERED);
	ck_assert_uint_eq(count_sent(ZDO_NWK_ADDR_REQ), 2);
}
END_TEST

START_TEST(send_unasked_goes_to_the_endpoint_heard)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
	send_it((struct ferry_send){.to = LAMP_KEY, .channel = 1}, "read", 0);
	ck_assert_uint_eq(last_sent(0x0000)->r.dst_ep, 11);
	ck_assert_uint_eq(last_sent(0x0000)->r.src_ep, 1);
}
END_TEST

START_TEST(send_unasked_to_a_silent_device_asks_for_the_endpoint)
{
	const uint8_t rsp[] = {1, 0, 0x34, 0x12, 2, 5, 6};

	up();
	know(LAMP, LAMP_NWK);
	send_to(LAMP_KEY, "notify");
	ck_assert_uint_eq(count_sent(ZDO_MATCH_DESC_REQ), 1);
	ck_assert_uint_eq(count_sent(0x0019), 0);
	/* We are the server: it has the cluster among its outputs. */
	ck_assert_mem_eq(last_sent(ZDO_MATCH_DESC_REQ)->data + 1,
		"\x34\x12\x04\x01\x00\x01\x19\x00", 8);
	hear_zdo(LAMP_NWK, ZDO_MATCH_DESC_RSP, rsp, sizeof(rsp));
	ck_assert_uint_eq(last_sent(0x0019)->r.dst_ep, 5);
}
END_TEST

START_TEST(send_unasked_without_an_answer_takes_endpoint_one)
{
	up();
	know(LAMP, LAMP_NWK);
	send_to(LAMP_KEY, "notify");
	vhost_pass(&v, 4000);
	ck_assert_uint_eq(last_sent(0x0019)->r.dst_ep, 1);
	ck_assert_uint_eq(last_sent(0x0019)->r.profile, ZB_PROFILE_HA);
}
END_TEST

START_TEST(send_without_zdo_asks_nothing)
{
	network.no_zdo = true;
	network.by_eui64 = true;
	up();
	send_to(LAMP_KEY, "notify");
	vhost_pass(&v, 10000);
	ck_assert_uint_eq(sent_count, 1);
	ck_assert_uint_eq(sent[0].r.eui64, LAMP);
	ck_assert_uint_eq(sent[0].r.nwk, ZB_NWK_UNKNOWN);
	ck_assert_uint_eq(sent[0].r.dst_ep, 1);
}
END_TEST

START_TEST(cancel_takes_back_what_waits_only)
{
	uint64_t first, second;

	network.window = 1;
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
	first = answer(0, "1");
	second = answer(0, "2");
	zigbee_driver()->cancel(v.self, second);
	zigbee_driver()->cancel(v.self, first);
	ck_assert_int_eq(vhost_result(&v, second)->status, -ECANCELED);
	ck_assert_ptr_null(vhost_result(&v, first));
	confirm_it(0, ZB_SENT_OK);
	ck_assert_int_eq(vhost_result(&v, first)->status, 0);
}
END_TEST

/* Who has given up must not see it go again, nor wait for another try. */
START_TEST(cancel_under_way_ends_with_the_try)
{
	static const enum zb_sent results[] = {
		ZB_SENT_BUSY, ZB_SENT_NO_ROUTE};
	uint64_t token;

	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
	token = answer(0, "1");
	zigbee_driver()->cancel(v.self, token);
	confirm_it(0, results[_i]);
	ck_assert_ptr_nonnull(vhost_result(&v, token));
	ck_assert_int_eq(vhost_result(&v, token)->status, -ECANCELED);
	vhost_pass(&v, 5000);
	ck_assert_uint_eq(count_sent(0x0019), 1);
}
END_TEST

START_TEST(disconnect_ends_what_comes_back_busy)
{
	uint64_t token;

	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
	token = answer(0, "1");
	ck_assert_int_eq(zigbee_driver()->disconnect(v.self, 9, LINK), 0);
	confirm_it(0, ZB_SENT_BUSY);
	ck_assert_ptr_nonnull(vhost_result(&v, token));
	ck_assert_int_eq(vhost_result(&v, token)->status, -ECANCELED);
	ck_assert_ptr_nonnull(vhost_result(&v, 9));
}
END_TEST

START_TEST(confirm_that_never_comes_ends_in_time)
{
	uint64_t token;

	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
	token = answer(0, "1");
	vhost_pass(&v, 46000);
	ck_assert_int_eq(vhost_result(&v, token)->status, FERRY_NOT_DELIVERED);
	/* It comes after all, and names nothing. */
	confirm_it(0, ZB_SENT_OK);
	ck_assert_uint_eq(v.downs, 0);
}
END_TEST

START_TEST(disconnect_waits_for_what_is_in_flight)
{
	uint64_t first, second;

	network.window = 1;
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
	first = answer(0, "1");
	second = answer(0, "2");
	ck_assert_int_eq(zigbee_driver()->disconnect(v.self, 9, LINK), 0);
	ck_assert_int_eq(vhost_result(&v, second)->status, -ECANCELED);
	ck_assert_ptr_null(vhost_result(&v, 9));
	confirm_it(0, ZB_SENT_OK);
	ck_assert_int_eq(vhost_result(&v, first)->status, 0);
	ck_assert_int_eq(vhost_result(&v, 9)->status, 0);
	hear(0, LAMP_NWK, 0x0019, "q");
	ck_assert_uint_eq(v.message_count, 1);
}
END_TEST

START_TEST(survey_finds_devices_that_are_awake)
{
	const uint8_t rsp[] = {1, 0, 0x34, 0x12, 1, 5};

	up();
	vhost_pass(&v, 2500);
	ck_assert_uint_eq(count_sent(ZDO_MATCH_DESC_REQ), 1);
	ck_assert_uint_eq(last_sent(ZDO_MATCH_DESC_REQ)->r.nwk, 0xfffd);
	hear_zdo(LAMP_NWK, ZDO_MATCH_DESC_RSP, rsp, sizeof(rsp));
	ck_assert_uint_eq(last_sent(ZDO_IEEE_ADDR_REQ)->r.nwk, LAMP_NWK);
}
END_TEST

/* ---- losing ---- */

static void is_lost(void)
{
	confirmed = sent_count;
	stack->host->lost(stack->arg, "it was reset");
}

START_TEST(lost_network_ends_what_is_in_flight_and_comes_back)
{
	uint64_t first, second;

	network.window = 1;
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
	first = answer(0, "1");
	second = answer(0, "2");
	input(is_lost);
	ck_assert_int_eq(vhost_result(&v, first)->status, FERRY_NOT_DELIVERED);
	ck_assert_ptr_null(vhost_result(&v, second));
	ck_assert_uint_eq(sent_count, 1);
	input(is_up);
	ck_assert_uint_eq(v.changes, 1);
	ck_assert_uint_eq(sent_count, 2);
	ck_assert_uint_eq(v.downs, 0);
}
END_TEST

/* In another network the old address may be anybody's. */
START_TEST(network_that_is_another_one_has_other_addresses)
{
	network.ext_pan = 1;
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
	input(is_lost);
	network.ext_pan = 2;
	input(is_up);
	send_to(LAMP_KEY, "notify");
	ck_assert_uint_eq(count_sent(0x0019), 0);
	ck_assert_uint_eq(count_sent(ZDO_NWK_ADDR_REQ), 1);
}
END_TEST

START_TEST(lost_network_that_stays_away_ends_the_instance)
{
	up();
	input(is_lost);
	vhost_pass(&v, 59000);
	ck_assert_uint_eq(v.downs, 0);
	vhost_pass(&v, 2000);
	ck_assert_uint_eq(v.downs, 1);
	ck_assert_int_eq(v.down_status, -ETIMEDOUT);
}
END_TEST

START_TEST(far_end_that_closes_ends_the_instance)
{
	up();
	close(v.far);
	v.far = -1;
	vhost_turn(&v);
	ck_assert_uint_eq(v.downs, 1);
	ck_assert_int_eq(v.down_status, -ENODEV);
}
END_TEST

static void fails(void)
{
	/* Check has a macro of that name. */
	(stack->host->fail)(stack->arg, -EPROTO, "not a coordinator");
}

START_TEST(stack_that_gives_up_ends_the_instance)
{
	up();
	input(fails);
	ck_assert_uint_eq(v.downs, 1);
	ck_assert_int_eq(v.down_status, -EPROTO);
	ck_assert_str_eq(v.down_text, "not a coordinator");
}
END_TEST

START_TEST(stop_completes_everything)
{
	uint64_t token;

	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
	token = answer(0, "1");
	ck_assert_int_eq(zigbee_driver()->stop(v.self, 50), 0);
	ck_assert_int_eq(vhost_result(&v, token)->status, -ECANCELED);
	ck_assert_int_eq(v.results[v.result_count - 1].status, 0);
	ck_assert_uint_eq(v.results[v.result_count - 1].token, 50);
	ck_assert_uint_eq(v.downs, 0);
}
END_TEST

/* DOWN of link 0 is the last event, whatever crosses it. */
START_TEST(request_that_crosses_the_end_is_not_answered)
{
	uint64_t token;
	unsigned results;

	network.window = 1;
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
	answer(0, "1");
	token = answer(0, "2");
	input(fails);
	ck_assert_uint_eq(v.downs, 1);
	results = v.result_count;
	zigbee_driver()->cancel(v.self, token);
	ck_assert_uint_eq(v.result_count, results);
}
END_TEST

static void table_tests(TCase *c)
{
	tcase_add_loop_test(c, start_bad_setting_names_it, 0,
		(int)(sizeof(bad_settings) / sizeof(bad_settings[0])));
	tcase_add_loop_test(c, connect_bad_channel_names_the_setting, 0, 5);
}

int main(void)
{
	Suite *suite = suite_create("transports.zigbee_driver");
	TCase *c = tcase_create("driver");

	tcase_add_checked_fixture(c, setup, teardown);
	table_tests(c);
	tcase_add_test(c, start_form_without_key_makes_a_random_one);
	tcase_add_test(c, start_line_that_cannot_be_opened_fails);
	tcase_add_test(c, start_network_that_does_not_come_ends_in_time);
	tcase_add_test(c, start_that_forms_has_the_time_for_it);
	tcase_add_test(c, start_completes_with_network_and_group);
	tcase_add_test(c, connect_second_or_to_a_peer_is_refused);
	tcase_add_test(c, connect_link_key_security_is_not_reachable);
	tcase_add_test(c, heard_frame_comes_with_peer_channel_and_reply);
	tcase_add_test(c, heard_frame_of_unknown_cluster_is_dropped);
	tcase_add_test(c, heard_airtime_of_other_frames_comes_along_bounded);
	tcase_add_test(c, answer_goes_back_between_the_same_endpoints);
	tcase_add_test(c, answer_follows_a_device_to_its_new_address);
	tcase_add_test(c, heard_before_a_confirm_is_delivered_at_once);
	tcase_add_test(c, stranger_is_held_until_it_is_known);
	tcase_add_test(
		c, stranger_that_nobody_knows_is_asked_twice_and_forgotten);
	tcase_add_test(c, strangers_in_flood_hold_a_bounded_number);
	tcase_add_test(c, sender_of_unknown_kind_is_asked_once);
	tcase_add_test(c, announcement_tells_the_peer_again_with_a_count);
	tcase_add_test(c, peer_that_left_is_gone);
	tcase_add_test(c, thousand_peers_are_announced_some_at_a_time);
	tcase_add_test(c, send_levels_and_airtime_of_a_confirm);
	tcase_add_test(c, send_broadcast_goes_to_all_that_are_awake);
	tcase_add_test(c, send_to_no_key_is_unreachable);
	tcase_add_test(c, send_bounds_are_kept);
	tcase_add_test(c, send_window_of_the_network_is_kept);
	tcase_add_test(c, send_devices_take_turns);
	tcase_add_test(c, send_busy_is_tried_again_with_a_smaller_window);
	tcase_add_test(c, send_busy_for_long_is_not_now);
	tcase_add_test(c, send_order_of_a_device_survives_busy);
	tcase_add_test(c, send_without_route_is_tried_once_more);
	tcase_add_test(c, send_to_a_doubtful_address_looks_for_the_device);
	tcase_add_test(c, send_to_a_device_that_nobody_knows_is_not_delivered);
	tcase_add_test(c, send_unasked_goes_to_the_endpoint_heard);
	tcase_add_test(
		c, send_unasked_to_a_silent_device_asks_for_the_endpoint);
	tcase_add_test(c, send_unasked_without_an_answer_takes_endpoint_one);
	tcase_add_test(c, send_without_zdo_asks_nothing);
	tcase_add_test(c, cancel_takes_back_what_waits_only);
	tcase_add_loop_test(c, cancel_under_way_ends_with_the_try, 0, 2);
	tcase_add_test(c, disconnect_ends_what_comes_back_busy);
	tcase_add_test(c, confirm_that_never_comes_ends_in_time);
	tcase_add_test(c, disconnect_waits_for_what_is_in_flight);
	tcase_add_test(c, survey_finds_devices_that_are_awake);
	tcase_add_test(c, lost_network_ends_what_is_in_flight_and_comes_back);
	tcase_add_test(c, network_that_is_another_one_has_other_addresses);
	tcase_add_test(c, lost_network_that_stays_away_ends_the_instance);
	tcase_add_test(c, far_end_that_closes_ends_the_instance);
	tcase_add_test(c, stack_that_gives_up_ends_the_instance);
	tcase_add_test(c, stop_completes_everything);
	tcase_add_test(c, request_that_crosses_the_end_is_not_answered);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
