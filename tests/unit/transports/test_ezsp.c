#include "tests/unit/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "ezsp_peer.h"
#include "transports/zigbee/ezsp_frame.h"

static const unsigned versions[] = {8, 13, 14, 19};

#define VERSIONS 4

static struct ezsp_peer peer;
static struct zb_stack *stack;
static const struct zb_stack_ops *const ops = &zb_ezsp_stack;
static int64_t now;
static char story[16384]; /* what the stack told, a word each, then details */
static size_t story_len;
static bool gone; /* the coprocessor hears and says nothing */

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

static void settle(void)
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

/* Time passes, with everything that is due on the way. */
static void pass(int64_t ms)
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

static void on_log(void *arg, uint32_t level, const char *text)
{
	(void)arg;
	(void)level;
	(void)text;
}

static const struct zb_host host = {on_write, on_up, on_lost, on_fail, on_line,
	on_heard, on_confirm, on_node, on_log};

static void assert_story(const char *want)
{
	ck_assert_str_eq(story, want);
	story_len = 0;
	story[0] = 0;
}

/* ---- starting ---- */

static void create(unsigned version, const struct zb_config *config)
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

static void start(void)
{
	ops->start(stack, now);
	pass(10);
}

static void up(unsigned version)
{
	create(version, NULL);
	start();
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
	story_len = 0;
	story[0] = 0;
}

static void teardown(void)
{
	ops->destroy(stack);
	stack = NULL;
}

START_TEST(start_commissioned_goes_up)
{
	char want[200];

	create(versions[_i], NULL);
	start();
	snprintf(want, sizeof(want), "up 00124b0009d69f77 pan 1a62 channel 11 "
		"window 8 asdu 82 \"EmberZNet 7.4.4.0, EZSP v%u\"\n",
		versions[_i]);
	assert_story(want);
	ck_assert_uint_eq(ops->room(stack), 8);
}
END_TEST

/* The number of the coprocessor is agreed, unless it was asked for at first. */
START_TEST(start_version_is_negotiated)
{
	up(versions[_i]);
	ck_assert_uint_eq(peer.legacy, 1);
	ck_assert_uint_eq(peer.log[0].at[0], 19);
	if (versions[_i] == 19) {
		ck_assert_int_eq(ezsp_peer_find(&peer, 0, 1), -1);
		return;
	}
	ck_assert_int_eq(ezsp_peer_find(&peer, 0, 1), 1);
	ck_assert_uint_eq(peer.log[1].at[0], versions[_i]);
}
END_TEST

START_TEST(start_newer_version_speaks_the_newest_known)
{
	create(21, NULL);
	start();
	ck_assert_ptr_nonnull(strstr(story, "EZSP v19"));
	ck_assert_uint_eq(peer.version, 19);
}
END_TEST

START_TEST(start_newer_version_that_insists_fails)
{
	create(21, NULL);
	peer.insists = true;
	start();
	assert_story("fail -71 the coprocessor insists on EZSP version 21; 8 to "
		"19 are known\n");
	ck_assert_int_eq(ops->deadline(stack), INT64_MAX);
}
END_TEST

START_TEST(start_older_version_fails)
{
	create(7, NULL);
	start();
	assert_story("fail -71 the coprocessor speaks EZSP version 7 (stack type "
		"2); 8 to 19 are known: it needs newer firmware\n");
}
END_TEST

START_TEST(start_registers_ota_server_before_network)
{
	static const uint8_t want[] = {1, 0x04, 0x01, 0x05, 0x00, 0, 3, 2,
		0x00, 0x00, 0x0a, 0x00, 0x19, 0x00, 0x00, 0x00, 0x20, 0x00};
	int at;

	up(versions[_i]);
	at = ezsp_peer_find(&peer, 0x0002, 0);
	ck_assert_int_ge(at, 0);
	ck_assert_int_lt(at, ezsp_peer_find(&peer, 0x0017, 0));
	ck_assert(bytes_equal(bytes_of(peer.log[at].at, peer.log[at].len),
		bytes_of(want, sizeof(want))));
	at = ezsp_peer_find(&peer, 0x0002, 2);
	ck_assert_int_lt(at, ezsp_peer_find(&peer, 0x0017, 0));
	ck_assert_uint_eq(peer.log[at].at[0], 47);
	ck_assert_int_eq(ezsp_peer_find(&peer, 0x0002, 3), -1);
}
END_TEST

START_TEST(start_larger_window_raises_unicasts_of_coprocessor)
{
	const struct zb_config config = {.window = 20};
	unsigned i;

	create(13, &config);
	start();
	ck_assert_uint_eq(ops->room(stack), 20);
	for (i = 0; i < peer.count; i++)
		if (peer.log[i].id == 0x0053 && peer.log[i].at[0] == 3)
			break;
	ck_assert_uint_lt(i, peer.count);
	ck_assert_uint_eq(get_le16(peer.log[i].at + 1), 20);
}
END_TEST

START_TEST(start_without_network_fails)
{
	create(versions[_i], NULL);
	peer.joined = false;
	start();
	assert_story("fail -107 the coordinator has no network: commission it "
		"first, or set form = yes\n");
}
END_TEST

static struct zb_config forming(void)
{
	struct zb_config config = {
		.form = true, .channel = 25, .pan = 0x1a62};
	unsigned i;

	for (i = 0; i < 16; i++)
		config.network_key[i] = (uint8_t)(0xa0 + i);
	return config;
}

START_TEST(start_form_makes_network)
{
	static const uint8_t security[] = {0x84, 0x0b,
		0x34, 0x12, 0x34, 0x12, 0x34, 0x12, 0x34, 0x12,
		0x34, 0x12, 0x34, 0x12, 0x34, 0x12, 0x34, 0x12,
		0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
		0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf,
		0, 0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t form[] = {
		0x77, 0x9f, 0xd6, 0x09, 0x00, 0x4b, 0x12, 0x00, 0x62, 0x1a,
		8, 25, 0, 0, 0, 0, 0x00, 0xf8, 0xff, 0x07};
	struct zb_config config = forming();
	int s, x, f;

	create(versions[_i], &config);
	peer.joined = false;
	start();
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
	s = ezsp_peer_find(&peer, 0x0068, 0);
	x = ezsp_peer_find(&peer, 0x00ab, 0);
	f = ezsp_peer_find(&peer, 0x001e, 0);
	ck_assert_int_ge(s, 0);
	ck_assert_int_gt(x, s);
	ck_assert_int_gt(f, x);
	ck_assert(bytes_equal(bytes_of(peer.log[x].at, peer.log[x].len),
		bytes_of("\x0a\x02\x10\x01", 4)));
	ck_assert(bytes_equal(bytes_of(peer.log[s].at, peer.log[s].len),
		bytes_of(security, sizeof(security))));
	ck_assert(bytes_equal(bytes_of(peer.log[f].at, peer.log[f].len),
		bytes_of(form, sizeof(form))));
}
END_TEST

START_TEST(start_form_leaves_existing_network_alone)
{
	struct zb_config config = forming();

	create(13, &config);
	start();
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
	ck_assert_int_eq(ezsp_peer_find(&peer, 0x001e, 0), -1);
	ck_assert_int_eq(ezsp_peer_find(&peer, 0x0068, 0), -1);
}
END_TEST

START_TEST(start_form_any_pan_is_drawn)
{
	struct zb_config config = forming();
	int f;

	config.pan = 0xffff;
	create(13, &config);
	peer.joined = false;
	start();
	f = ezsp_peer_find(&peer, 0x001e, 0);
	ck_assert_int_ge(f, 0);
	ck_assert_uint_eq(get_le16(peer.log[f].at + 8), 0x1234);
}
END_TEST

START_TEST(start_optional_commands_unknown_goes_up)
{
	static const uint16_t ids[] = {
		0x00aa, 0x0053, 0x0055, 0x0010, 0x005a, 0x0033};

	create(13, NULL);
	peer.refused_id = ids[_i];
	start();
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
}
END_TEST

START_TEST(start_needed_command_unknown_starts_again)
{
	create(13, NULL);
	peer.refused_id = 0x0002;
	start();
	assert_story("");
	peer.refused_id = 0xffff;
	pass(1000);
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
	ck_assert_uint_eq(peer.ash.rsts, 2);
}
END_TEST

START_TEST(start_network_that_stays_down_starts_again)
{
	create(versions[_i], NULL);
	peer.never_up = true;
	start();
	pass(11000);
	ck_assert_uint_eq(peer.ash.rsts, 1);
	pass(3000);
	ck_assert_uint_eq(peer.ash.rsts, 2);
	assert_story("");
}
END_TEST

START_TEST(start_silence_fails_after_four_resets)
{
	create(13, NULL);
	gone = true;
	start();
	pass(20000);
	assert_story("");
	pass(20000);
	assert_story("fail -110 no answer to reset: is this the port of an EZSP "
		"coprocessor, and are baud and flow right?\n");
}
END_TEST

START_TEST(start_power_on_during_reset_goes_up)
{
	create(13, NULL);
	peer.ash.deaf_to_rst = true;
	ops->start(stack, now);
	settle();
	peer.ash.deaf_to_rst = false;
	ash_peer_restart(&peer.ash, 0x02);
	pass(10);
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
}
END_TEST

/* ---- to the air ---- */

static const uint8_t notify[] = {0x19, 0x42, 0x00, 0x00, 0x64};

static struct zb_request request(uint32_t id)
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

static void send_ok(uint32_t id)
{
	struct zb_request r = request(id);

	ck_assert_int_eq(ops->send(stack, now, &r), 0);
	settle();
}

static void assert_command(uint16_t id, const char *hex)
{
	char text[600];
	int at = ezsp_peer_find(&peer, id, 0);

	ck_assert_int_ge(at, 0);
	bytes_to_hex(bytes_of(peer.log[at].at, peer.log[at].len), text,
		sizeof(text));
	ck_assert_str_eq(text, hex);
}

START_TEST(send_unicast_has_layout_of_version)
{
	up(versions[_i]);
	send_ok(1);
	assert_command(0x0034, versions[_i] < 14 ?
		"00" "0010" "04011900" "01" "03" "4001" "0000" "00" "01" "05"
		"1942000064" :
		"00" "0010" "04011900" "01" "03" "4001" "0000" "00" "0100" "05"
		"1942000064");
}
END_TEST

START_TEST(send_without_ack_and_with_route_discovery_sets_options)
{
	struct zb_request r = request(1);

	up(13);
	r.ack = false;
	r.find_route = true;
	ck_assert_int_eq(ops->send(stack, now, &r), 0);
	settle();
	assert_command(0x0034, "00" "0010" "04011900" "01" "03" "0002" "0000"
		"00" "01" "05" "1942000064");
}
END_TEST

START_TEST(send_broadcast_has_layout_of_version_and_is_over_when_taken)
{
	struct zb_request r = request(9);

	up(versions[_i]);
	r.nwk = 0xfffd;
	r.dst_ep = 0xff;
	ck_assert_int_eq(ops->send(stack, now, &r), 0);
	settle();
	assert_story("confirm 9 ok 0\n");
	assert_command(0x0036, versions[_i] < 14 ?
		"fdff" "04011900" "01" "ff" "0000" "0000" "00" "00" "00" "05"
		"1942000064" :
		"0000" "fdff" "00" "04011900" "01" "ff" "0000" "0000" "00"
		"00" "0000" "05" "1942000064");
	ezsp_peer_sent(&peer, 0, 0);
	settle();
	assert_story("");
}
END_TEST

START_TEST(send_is_confirmed_by_its_tag_in_any_order)
{
	up(versions[_i]);
	send_ok(11);
	send_ok(12);
	send_ok(13);
	ezsp_peer_sent(&peer, 2, 0);
	ezsp_peer_sent(&peer, 3, 0);
	ezsp_peer_sent(&peer, 1, versions[_i] < 14 ? 0x66 : 0x0c02);
	ezsp_peer_sent(&peer, 1, 0);
	ezsp_peer_sent(&peer, 77, 0);
	settle();
	assert_story(versions[_i] < 14 ?
		"confirm 12 ok 0\nconfirm 13 ok 0\nconfirm 11 no-ack 66\n" :
		"confirm 12 ok 0\nconfirm 13 ok 0\nconfirm 11 no-ack c02\n");
	ck_assert_uint_eq(ops->room(stack), 8);
}
END_TEST

START_TEST(send_confirm_before_answer_is_one_confirm)
{
	up(versions[_i]);
	peer.sent_first = true;
	send_ok(5);
	send_ok(6);
	assert_story("confirm 5 ok 0\nconfirm 6 ok 0\n");
	ck_assert_uint_eq(ops->room(stack), 8);
}
END_TEST

START_TEST(send_window_full_is_ebusy)
{
	struct zb_request r = request(99);
	unsigned i;

	up(13);
	for (i = 0; i < 8; i++)
		send_ok(i + 1);
	ck_assert_uint_eq(ops->room(stack), 0);
	ck_assert_int_eq(ops->send(stack, now, &r), -EBUSY);
	ezsp_peer_sent(&peer, 1, 0);
	settle();
	ck_assert_uint_eq(ops->room(stack), 1);
	send_ok(9);
}
END_TEST

START_TEST(send_before_up_is_ebusy)
{
	struct zb_request r = request(1);

	create(13, NULL);
	ck_assert_int_eq(ops->send(stack, now, &r), -EBUSY);
	ck_assert_uint_eq(ops->room(stack), 0);
}
END_TEST

START_TEST(send_longer_than_payload_is_emsgsize)
{
	struct zb_request r = request(1);
	uint8_t asdu[83] = {0};

	up(13);
	r.asdu = bytes_of(asdu, 83);
	ck_assert_int_eq(ops->send(stack, now, &r), -EMSGSIZE);
	r.asdu = bytes_of(asdu, 82);
	ck_assert_int_eq(ops->send(stack, now, &r), 0);
}
END_TEST

static const struct {
	const char *row;
	uint32_t narrow, wide;
	enum zb_sent sent;
} statuses[] = {
	{"message limit", 0x72, 0x0c03, ZB_SENT_BUSY},
	{"no buffers", 0x18, 0x19, ZB_SENT_BUSY},
	{"channel", 0x8d, 0x4c, ZB_SENT_BUSY},
	{"too long", 0x74, 0x38, ZB_SENT_TOO_LONG},
	{"delivery failed", 0x66, 0x0c02, ZB_SENT_NO_ACK},
	{"MAC no ack", 0x40, 0x40, ZB_SENT_NO_ACK},
	{"indirect timeout", 0x42, 0x41, ZB_SENT_EXPIRED},
	{"many to one", 0xaa, 0x0c14, ZB_SENT_NO_ROUTE},
	{"network down", 0x91, 0x16, ZB_SENT_LOST},
	{"unheard of", 0xee, 0xeeee, ZB_SENT_FAILED},
};

START_TEST(sent_of_status_is_shared_word)
{
	const char *row = statuses[_i].row;

	ck_assert_msg(ezsp_sent_of(13, statuses[_i].narrow) ==
		statuses[_i].sent, "%s before 14", row);
	ck_assert_msg(ezsp_sent_of(14, statuses[_i].wide) ==
		statuses[_i].sent, "%s", row);
	ck_assert_int_eq(ezsp_sent_of(13, 0), ZB_SENT_OK);
	ck_assert_int_eq(ezsp_sent_of(14, 0), ZB_SENT_OK);
	/* The numbers of one do not count in the other. */
	ck_assert_int_eq(ezsp_sent_of(14, 0x72), ZB_SENT_FAILED);
	ck_assert_int_eq(ezsp_sent_of(13, 0x0c03), ZB_SENT_FAILED);
}
END_TEST

START_TEST(send_refused_by_status_is_confirmed_at_once)
{
	up(versions[_i]);
	peer.failed_id = 0x0034;
	peer.failed_status = versions[_i] < 14 ? 0x72 : 0x0c03;
	send_ok(4);
	assert_story(versions[_i] < 14 ? "confirm 4 busy 72\n" :
		"confirm 4 busy c03\n");
	ck_assert_uint_eq(ops->room(stack), 8);
}
END_TEST

START_TEST(send_refused_as_unknown_starts_again)
{
	up(13);
	peer.refused_id = 0x0034;
	send_ok(4);
	assert_story("confirm 4 lost 0\nlost the coprocessor refuses to send, "
		"reason 30\n");
	pass(1000);
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
}
END_TEST

START_TEST(send_never_confirmed_is_lost_after_a_while)
{
	up(13);
	send_ok(4);
	pass(29000);
	assert_story("");
	pass(2000);
	assert_story("confirm 4 lost 0\n");
	ck_assert_uint_eq(ops->room(stack), 8);
}
END_TEST

START_TEST(send_many_times_tags_stay_apart)
{
	unsigned i;

	up(versions[_i]);
	send_ok(1000); /* keeps tag 1 */
	for (i = 0; i < 300; i++) {
		peer.count = 0;
		send_ok(i + 1);
		ck_assert_uint_ne(peer.last_tag, 0);
		ck_assert_uint_ne(peer.last_tag, 1);
		ezsp_peer_sent(&peer, peer.last_tag, 0);
		settle();
		ck_assert_uint_eq(ops->room(stack), 7);
		story_len = 0;
	}
}
END_TEST

/* ---- from the air ---- */

static const uint8_t query[] = {0x01, 0x42, 0x01, 0x00, 0x34, 0x12};

#define DEVICE 0x00124b0000000001u

static void incoming(void)
{
	ezsp_peer_incoming(&peer, 0, 0x1000, DEVICE, 0x0104, 0x0019,
		bytes_of(query, sizeof(query)));
}

START_TEST(heard_has_layout_of_version)
{
	char want[200];

	up(versions[_i]);
	incoming();
	settle();
	snprintf(want, sizeof(want), "heard 1000 %s 0104/0019 3>1 lqi 200 rssi "
		"-60 014201003412\n", versions[_i] < 14 ? "0000000000000000" :
		"00124b0000000001");
	assert_story(want);
}
END_TEST

/* The next question may come in the same read as the confirm of the last
 * answer, before it or after. */
START_TEST(heard_beside_confirm_is_told_at_once)
{
	up(14);
	send_ok(1);
	if (_i)
		incoming();
	ezsp_peer_sent(&peer, 1, 0);
	if (!_i)
		incoming();
	settle();
	ck_assert_ptr_nonnull(strstr(story, "confirm 1 ok 0\n"));
	ck_assert_ptr_nonnull(strstr(story, "heard 1000"));
}
END_TEST

START_TEST(heard_while_command_is_out_is_told)
{
	up(14);
	peer.dumb_id = 0x0034;
	send_ok(1);
	incoming();
	settle();
	ck_assert_ptr_nonnull(strstr(story, "heard 1000"));
}
END_TEST

START_TEST(heard_echo_of_own_broadcast_is_nothing)
{
	up(versions[_i]);
	ezsp_peer_incoming(&peer, 5, 0x0000, 0, 0x0104, 0x0019,
		bytes_of(query, sizeof(query)));
	ezsp_peer_incoming(&peer, 3, 0x0000, 0, 0x0104, 0x0019,
		bytes_of(query, sizeof(query)));
	settle();
	assert_story("");
}
END_TEST

START_TEST(heard_announcement_is_frame_of_profile_0)
{
	static const uint8_t announce[] = {0x81, 0x00, 0x10, 1, 0, 0, 0, 0,
		0x4b, 0x12, 0x00, 0x80};

	up(14);
	ezsp_peer_incoming(&peer, 4, 0x1000, DEVICE, 0x0000, 0x0013,
		bytes_of(announce, sizeof(announce)));
	settle();
	assert_story("heard 1000 00124b0000000001 0000/0013 3>1 broadcast lqi 200 "
		"rssi -60 81001001000000004b120080\n");
}
END_TEST

START_TEST(heard_of_sender_handler_carries_eui64)
{
	uint8_t eui64[8] = {1, 0, 0, 0, 0, 0x4b, 0x12, 0x00};

	up(13);
	ezsp_peer_callback(&peer, 0x0062, bytes_of(eui64, 8));
	incoming();
	settle();
	ck_assert_ptr_nonnull(strstr(story, "heard 1000 00124b0000000001"));
	ck_assert_int_eq(ezsp_peer_find(&peer, 0x0061, 0), -1);
}
END_TEST

/* The message that the handler spoke of was lost in the coprocessor, or never
 * came: the next one is of somebody else. */
START_TEST(heard_after_a_lost_message_is_not_of_its_sender)
{
	uint8_t eui64[8] = {1, 0, 0, 0, 0, 0x4b, 0x12, 0x00};
	uint8_t child[12] = {0};

	up(13);
	ezsp_peer_callback(&peer, 0x0062, bytes_of(eui64, 8));
	if (_i)
		ezsp_peer_callback(&peer, 0x0023, bytes_of(child, 12));
	peer.overflow = !_i;
	ezsp_peer_incoming(&peer, 0, 0x2000, 0, 0x0104, 0x0019,
		bytes_of(query, sizeof(query)));
	settle();
	ck_assert_ptr_nonnull(strstr(story, "heard 2000 0000000000000000"));
}
END_TEST

START_TEST(heard_without_eui64_is_looked_up_once)
{
	up(13);
	peer.known = DEVICE;
	incoming();
	incoming();
	settle();
	incoming();
	settle();
	ck_assert_ptr_nonnull(strstr(story,
		"node 00124b0000000001 1000 sleepy -1\n"));
	ck_assert_int_ge(ezsp_peer_find(&peer, 0x0061, 0), 0);
	ck_assert_int_eq(ezsp_peer_find(&peer, 0x0061, 1), -1);
}
END_TEST

START_TEST(heard_unknown_to_coprocessor_is_no_node)
{
	up(13);
	incoming();
	settle();
	ck_assert_int_ge(ezsp_peer_find(&peer, 0x0061, 0), 0);
	ck_assert_ptr_null(strstr(story, "node"));
}
END_TEST

static void join(uint8_t status, uint8_t decision)
{
	uint8_t at[14] = {0x00, 0x10, 1, 0, 0, 0, 0, 0x4b, 0x12, 0x00, 0, 0,
		0x00, 0x00};

	at[10] = status;
	at[11] = decision;
	ezsp_peer_callback(&peer, 0x0024, bytes_of(at, sizeof(at)));
	settle();
}

START_TEST(node_trust_centre_tells_of_joins_and_leaves)
{
	up(versions[_i]);
	join(0, 3);
	assert_story("node 00124b0000000001 1000 sleepy -1 joined\n");
	join(2, 3);
	assert_story("node 00124b0000000001 1000 sleepy -1 gone\n");
	join(1, 2);
	assert_story("");
}
END_TEST

START_TEST(node_child_tells_whether_it_sleeps)
{
	uint8_t at[13] = {0, 1, 0x00, 0x20, 2, 0, 0, 0, 0, 0x4b, 0x12, 0x00, 4};

	up(13);
	ezsp_peer_callback(&peer, 0x0023, bytes_of(at, sizeof(at)));
	settle();
	assert_story("node 00124b0000000002 2000 sleepy 1\n");
	at[12] = 3;
	ezsp_peer_callback(&peer, 0x0023, bytes_of(at, sizeof(at)));
	settle();
	assert_story("node 00124b0000000002 2000 sleepy 0\n");
	at[1] = 0;
	ezsp_peer_callback(&peer, 0x0023, bytes_of(at, sizeof(at)));
	settle();
	assert_story("");
}
END_TEST

/* Each callback cut at each length: nothing is told, nothing breaks. */
START_TEST(callback_truncated_is_nothing)
{
	static const struct {
		uint16_t id;
		size_t narrow, wide; /* bytes that are needed */
	} rows[] = {{0x0045, 19, 31}, {0x003f, 16, 20}, {0x0024, 12, 12},
		{0x0023, 13, 13}, {0x0019, 1, 4}, {0x0062, 8, 8}};
	uint8_t at[64] = {0};
	size_t need, len, i;

	up(versions[_i]);
	send_ok(1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		need = versions[_i] < 14 ? rows[i].narrow : rows[i].wide;
		memset(at, 0, sizeof(at));
		for (len = 0; len < need; len++) {
			ezsp_peer_callback(&peer, rows[i].id,
				bytes_of(at, len));
			settle();
		}
	}
	assert_story("");
}
END_TEST

/* ---- when things go wrong ---- */

START_TEST(restart_of_coprocessor_loses_what_is_in_flight)
{
	up(versions[_i]);
	send_ok(1);
	send_ok(2);
	ash_peer_restart(&peer.ash, 0x03);
	pass(10);
	ck_assert_ptr_nonnull(strstr(story, "confirm 1 lost 0\nconfirm 2 lost "
		"0\nlost the coprocessor restarted, reason 0x03\nup "));
	ck_assert_uint_eq(ops->room(stack), 8);
	story_len = 0;
	send_ok(3);
	ezsp_peer_sent(&peer, peer.last_tag, 0);
	settle();
	assert_story("confirm 3 ok 0\n");
}
END_TEST

START_TEST(failure_of_coprocessor_is_reset)
{
	up(13);
	send_ok(1);
	ash_peer_error(&peer.ash, 0x51);
	pass(2000);
	ck_assert_ptr_nonnull(strstr(story, "confirm 1 lost 0\nlost the "
		"coprocessor failed, code 0x51 (its frames were not "
		"acknowledged in time: flow control?)\nup "));
	ck_assert_uint_eq(peer.ash.rsts, 2);
}
END_TEST

START_TEST(silence_of_coprocessor_is_noticed_and_outlasted)
{
	up(13);
	send_ok(1);
	gone = true;
	pass(120 * 1000);
	assert_story("confirm 1 lost 0\nlost the coprocessor does not "
		"acknowledge\n");
	gone = false;
	pass(20 * 1000);
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
}
END_TEST

START_TEST(command_without_answer_starts_again)
{
	up(13);
	peer.dumb_id = 0x0034;
	send_ok(1);
	pass(9000);
	assert_story("");
	pass(3000);
	ck_assert_ptr_nonnull(strstr(story, "confirm 1 lost 0\nlost no answer to "
		"command 0034\nup "));
}
END_TEST

START_TEST(quiet_coprocessor_is_asked_for_a_sign)
{
	up(versions[_i]);
	pass(35000);
	ck_assert_uint_eq(peer.nops, 3);
	assert_story("");
}
END_TEST

START_TEST(network_down_is_lost_and_brought_back)
{
	up(versions[_i]);
	send_ok(1);
	ezsp_peer_status(&peer, 0x91, 0x16);
	pass(2000);
	ck_assert_ptr_nonnull(strstr(story, "confirm 1 lost 0\nlost the network "
		"went down"));
	ck_assert_ptr_nonnull(strstr(story, "up "));
}
END_TEST

START_TEST(network_moved_is_told_anew_without_reset)
{
	up(versions[_i]);
	send_ok(1);
	peer.channel = 25;
	ezsp_peer_status(&peer, 0x9b, 0x0c17);
	pass(10);
	ck_assert_ptr_nonnull(strstr(story, "confirm 1 lost 0\nlost the network "
		"moved\nup "));
	ck_assert_ptr_nonnull(strstr(story, "channel 25"));
	ck_assert_uint_eq(peer.ash.rsts, 1);
}
END_TEST

START_TEST(stop_loses_what_is_in_flight_and_rests)
{
	struct zb_request r = request(2);

	up(13);
	send_ok(1);
	ops->stop(stack, now);
	assert_story("confirm 1 lost 0\n");
	ck_assert_int_eq(ops->deadline(stack), INT64_MAX);
	ck_assert_int_eq(ops->send(stack, now, &r), -EBUSY);
	incoming();
	settle();
	assert_story("");
}
END_TEST

START_TEST(start_again_after_lost_line_goes_up)
{
	up(13);
	send_ok(1);
	ops->start(stack, now);
	pass(10);
	ck_assert_ptr_nonnull(strstr(story, "confirm 1 lost 0\nlost the line was "
		"opened again\nup "));
}
END_TEST

START_TEST(counters_only_grow_and_fit)
{
	struct ferry_counter c[FERRY_COUNTERS_MAX];
	unsigned n, i;

	up(13);
	n = ops->counters(stack, c, FERRY_COUNTERS_MAX - 8);
	ck_assert_uint_gt(n, 4);
	for (i = 0; i < n; i++)
		if (!strcmp(c[i].name, "ash_resets"))
			ck_assert_uint_eq(c[i].value, 1);
	ck_assert_uint_eq(ops->counters(stack, c, 2), 2);
}
END_TEST

/* ---- frames ---- */

START_TEST(head_read_tells_kinds_apart)
{
	struct ezsp_head h;

	ck_assert(ezsp_head_read(bytes_of("\x05\x80\x01\x34\x00\x99", 6), false,
		&h));
	ck_assert(h.seq == 5 && h.id == 0x34 && !h.callback &&
		h.params.len == 1);
	ck_assert(ezsp_head_read(bytes_of("\x05\x91\x01\x45\x00", 5), false,
		&h));
	ck_assert(h.callback && h.overflow);
	ck_assert(ezsp_head_read(bytes_of("\x00\x80\x00\x02\x02\x11\x30", 7),
		true, &h));
	ck_assert(h.id == 0 && h.params.len == 4);
	/* Legacy where it is not expected, a command, too short. */
	ck_assert(!ezsp_head_read(bytes_of("\x00\x80\x00\x02\x02", 5), false,
		&h));
	ck_assert(!ezsp_head_read(bytes_of("\x00\x00\x01\x34\x00", 5), false,
		&h));
	ck_assert(!ezsp_head_read(bytes_of("\x00\x80\x01\x34", 4), false, &h));
}
END_TEST

START_TEST(put_past_end_is_bad_and_bounded)
{
	struct ezsp_writer w = {.len = 0};
	uint8_t at[EZSP_FRAME_MAX] = {0};

	ezsp_put_bytes(&w, bytes_of(at, sizeof(at)));
	ck_assert(!w.bad);
	ezsp_put(&w, 1, 0);
	ck_assert(w.bad);
	ck_assert_uint_eq(w.len, EZSP_FRAME_MAX);
}
END_TEST

static void add_start(Suite *suite)
{
	TCase *c = tcase_create("start");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_loop_test(c, start_commissioned_goes_up, 0, VERSIONS);
	tcase_add_loop_test(c, start_version_is_negotiated, 0, VERSIONS);
	tcase_add_test(c, start_newer_version_speaks_the_newest_known);
	tcase_add_test(c, start_newer_version_that_insists_fails);
	tcase_add_test(c, start_older_version_fails);
	tcase_add_loop_test(c, start_registers_ota_server_before_network, 0,
		VERSIONS);
	tcase_add_test(c, start_larger_window_raises_unicasts_of_coprocessor);
	tcase_add_loop_test(c, start_without_network_fails, 0, VERSIONS);
	tcase_add_loop_test(c, start_form_makes_network, 0, VERSIONS);
	tcase_add_test(c, start_form_leaves_existing_network_alone);
	tcase_add_test(c, start_form_any_pan_is_drawn);
	tcase_add_loop_test(c, start_optional_commands_unknown_goes_up, 0, 6);
	tcase_add_test(c, start_needed_command_unknown_starts_again);
	tcase_add_loop_test(c, start_network_that_stays_down_starts_again, 0,
		VERSIONS);
	tcase_add_test(c, start_silence_fails_after_four_resets);
	tcase_add_test(c, start_power_on_during_reset_goes_up);
	suite_add_tcase(suite, c);
}

static void add_air(Suite *suite)
{
	TCase *c = tcase_create("air");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_loop_test(c, send_unicast_has_layout_of_version, 0, VERSIONS);
	tcase_add_test(c,
		send_without_ack_and_with_route_discovery_sets_options);
	tcase_add_loop_test(c,
		send_broadcast_has_layout_of_version_and_is_over_when_taken, 0,
		VERSIONS);
	tcase_add_loop_test(c, send_is_confirmed_by_its_tag_in_any_order, 0,
		VERSIONS);
	tcase_add_loop_test(c, send_confirm_before_answer_is_one_confirm, 0,
		VERSIONS);
	tcase_add_test(c, send_window_full_is_ebusy);
	tcase_add_test(c, send_before_up_is_ebusy);
	tcase_add_test(c, send_longer_than_payload_is_emsgsize);
	tcase_add_loop_test(c, send_refused_by_status_is_confirmed_at_once, 0,
		VERSIONS);
	tcase_add_test(c, send_refused_as_unknown_starts_again);
	tcase_add_test(c, send_never_confirmed_is_lost_after_a_while);
	tcase_add_loop_test(c, send_many_times_tags_stay_apart, 0, VERSIONS);
	tcase_add_loop_test(c, heard_has_layout_of_version, 0, VERSIONS);
	tcase_add_loop_test(c, heard_beside_confirm_is_told_at_once, 0, 2);
	tcase_add_test(c, heard_while_command_is_out_is_told);
	tcase_add_loop_test(c, heard_echo_of_own_broadcast_is_nothing, 0,
		VERSIONS);
	tcase_add_test(c, heard_announcement_is_frame_of_profile_0);
	tcase_add_test(c, heard_of_sender_handler_carries_eui64);
	tcase_add_loop_test(
		c, heard_after_a_lost_message_is_not_of_its_sender, 0, 2);
	tcase_add_test(c, heard_without_eui64_is_looked_up_once);
	tcase_add_test(c, heard_unknown_to_coprocessor_is_no_node);
	tcase_add_loop_test(c, node_trust_centre_tells_of_joins_and_leaves, 0,
		VERSIONS);
	tcase_add_test(c, node_child_tells_whether_it_sleeps);
	tcase_add_loop_test(c, callback_truncated_is_nothing, 0, VERSIONS);
	suite_add_tcase(suite, c);
}

static void add_trouble(Suite *suite)
{
	TCase *c = tcase_create("trouble");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_loop_test(c, restart_of_coprocessor_loses_what_is_in_flight,
		0, VERSIONS);
	tcase_add_test(c, failure_of_coprocessor_is_reset);
	tcase_add_test(c, silence_of_coprocessor_is_noticed_and_outlasted);
	tcase_add_test(c, command_without_answer_starts_again);
	tcase_add_loop_test(c, quiet_coprocessor_is_asked_for_a_sign, 0,
		VERSIONS);
	tcase_add_loop_test(c, network_down_is_lost_and_brought_back, 0,
		VERSIONS);
	tcase_add_loop_test(c, network_moved_is_told_anew_without_reset, 0,
		VERSIONS);
	tcase_add_test(c, stop_loses_what_is_in_flight_and_rests);
	tcase_add_test(c, start_again_after_lost_line_goes_up);
	tcase_add_test(c, counters_only_grow_and_fit);
	suite_add_tcase(suite, c);
}

int main(void)
{
	Suite *suite = suite_create("ezsp");
	TCase *c = tcase_create("frames");

	tcase_add_test(c, head_read_tells_kinds_apart);
	tcase_add_test(c, put_past_end_is_bad_and_bounded);
	tcase_add_loop_test(c, sent_of_status_is_shared_word, 0,
		(int)(sizeof(statuses) / sizeof(statuses[0])));
	suite_add_tcase(suite, c);
	add_start(suite);
	add_air(suite);
	add_trouble(suite);
	return unit_run(suite);
}
