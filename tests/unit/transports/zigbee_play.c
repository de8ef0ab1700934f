#include "tests/unit/transports/zigbee_play.h"

#include <errno.h>
#include <sys/socket.h>

struct vhost v;
struct zb_stack *stack;
struct sent sent[SENT_MAX];
unsigned sent_count, confirmed;
static unsigned room; /* how many the stack takes unconfirmed */
struct zb_network network;
struct zb_indication frame;
struct zb_confirm confirm;
uint64_t told_eui64;
uint16_t told_nwk;
int told_sleepy;
bool told_joined, told_gone;
static uint64_t next_token;

static int fake_create(const struct zb_config *config,
	const struct zb_host *host, void *arg, struct zb_stack **ret)
{
	stack = calloc(1, sizeof(*stack));
	return played_stack_made(stack, config, host, arg, ret);
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

static const struct zb_stack_ops fake = {
	PLAYED_STACK,
	.create = fake_create,
	.destroy = fake_destroy,
	.start = fake_start,
	.input = fake_input,
	.send = fake_send,
	.room = fake_room,
};

const struct zb_stack_ops *zb_stack_find(const char *name)
{
	return played_stack_find(name, &fake);
}

void setup(void)
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

void teardown(void)
{
	vhost_done(&v);
}

void input(void (*what)(void))
{
	on_input = what;
	ck_assert_int_eq(send(v.far, "x", 1, MSG_NOSIGNAL), 1);
	vhost_turn(&v);
	on_input = NULL;
}

void is_up(void)
{
	stack->host->up(stack->arg, &network);
}

int start_with(const struct ferry_kv *kv, uint32_t count)
{
	return zigbee_driver()->start(v.self, 1, kv, count);
}

void start(void)
{
	const struct ferry_kv kv[] = {{"stack", "znp"}, {"port", "/radio"}};

	ck_assert_int_eq(start_with(kv, 2), 0);
	ck_assert_str_eq(v.target, "seqpacket:/radio");
	vhost_opened(&v, 0, SOCK_SEQPACKET);
	input(is_up);
	ck_assert_ptr_nonnull(vhost_result(&v, 1));
	ck_assert_int_eq(vhost_result(&v, 1)->status, 0);
}

void up(void)
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

void hears(void)
{
	stack->host->heard(stack->arg, &frame);
}

void hear(uint64_t eui64, uint16_t nwk, uint16_t cluster, const char *text)
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

void hear_zdo(uint16_t nwk, uint16_t cluster, const void *at, size_t len)
{
	frame = (struct zb_indication){
		.nwk = nwk, .cluster = cluster, .asdu = bytes_of(at, len)};
	input(hears);
}

void confirms(void)
{
	confirmed++;
	stack->host->confirm(stack->arg, &confirm);
}

void confirm_it(unsigned i, enum zb_sent result)
{
	ck_assert_uint_lt(i, sent_count);
	confirm = (struct zb_confirm){
		.id = sent[i].r.id, .result = result, .native = 0xe9};
	input(confirms);
}

uint64_t send_it(struct ferry_send s, const char *text, int want)
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

uint64_t send_to(const char *key, const char *text)
{
	return send_it((struct ferry_send){.to = key}, text, 0);
}

uint64_t answer(unsigned message, const char *text)
{
	return send_it((struct ferry_send){.reply = v.messages[message].reply,
			       .reply_len = v.messages[message].reply_len},
		text, 0);
}

unsigned count_sent(uint16_t cluster)
{
	unsigned i, count = 0;

	for (i = 0; i < sent_count; i++)
		count += sent[i].r.cluster == cluster;
	return count;
}

const struct sent *last_sent(uint16_t cluster)
{
	unsigned i;

	for (i = sent_count; i > 0; i--)
		if (sent[i - 1].r.cluster == cluster)
			return &sent[i - 1];
	return NULL;
}

unsigned index_of_last(uint16_t cluster)
{
	ck_assert_ptr_nonnull(last_sent(cluster));
	return (unsigned)(last_sent(cluster) - sent);
}

void tells(void)
{
	stack->host->node(stack->arg, told_eui64, told_nwk, told_sleepy,
		told_joined, told_gone);
}

void know(uint64_t eui64, uint16_t nwk)
{
	told_eui64 = eui64;
	told_nwk = nwk;
	told_sleepy = 0;
	told_joined = false;
	told_gone = false;
	input(tells);
}

void up_with_query(void)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "q");
}
