#include "tests/unit/unit.h"

#include "devices/zigbee_ota/zigbee_ota.h"
#include "ferry/transport.h"

/* Peers that proved to be real, and peers without number that did not. The test
 * is the host: it tells of peers, hears what the server says of them, and answers
 * as the device that a frame is for. */

#define LAMP "0000000000000001"
#define ROOM 4096 /* peers that the server remembers */
/* Channel OTA: a Query of version 0x100. */
#define QUERY "01420100" "3412" "0201" "00010000"

static const struct engine_ops *const ops = &zigbee_ota_engine_ops;
static struct engine *e;
static int64_t now_ms;
static bool acknowledges; /* frames that want it */

/* What was said of LAMP last. */
static struct {
	unsigned times;
	bool proven, untold;
} said;

/* The newest question for attributes to LAMP. */
static struct {
	bool asked;
	uint8_t tsn;
} question;

static void event(const struct engine_event *ev);

static void sent(const struct engine_command *c)
{
	struct engine_event ev = {.type = ENGINE_SENT};
	bool wanted = c->tx.until == FERRY_DELIVERED;

	ev.sent.id = c->tx.id;
	ev.sent.level = wanted && acknowledges ? FERRY_DELIVERED : FERRY_SENT;
	ev.sent.status = wanted && !acknowledges ? FERRY_NOT_DELIVERED : 0;
	event(&ev);
}

static void take(const struct engine_command *c)
{
	struct engine_command copy = *c;

	if (c->type == ENGINE_CMD_PEER && !strcmp(c->peer.key, LAMP)) {
		said.times++;
		said.proven = c->peer.proven;
		said.untold = c->peer.untold;
	}
	if (c->type != ENGINE_CMD_TX)
		return;
	if (c->tx.channel == ZIGBEE_OTA_CHANNEL_BASIC &&
			bytes_is_text(c->tx.peer, LAMP)) {
		question.asked = true;
		question.tsn = c->tx.data.at[1];
	}
	sent(&copy);
}

static void event(const struct engine_event *ev)
{
	struct engine_command c;

	ops->event(e, now_ms, ev);
	while (ops->next(e, now_ms, &c))
		take(&c);
}

static void pass(int64_t ms)
{
	const struct engine_event ev = {.type = ENGINE_TIME};
	int64_t until = now_ms + ms;

	while (ops->deadline(e) <= until) {
		if (ops->deadline(e) > now_ms)
			now_ms = ops->deadline(e);
		event(&ev);
	}
	now_ms = until;
}

static void tell(const char *key, bool gone)
{
	struct engine_event ev = {.type = ENGINE_PEER};

	ev.peer.key = key;
	ev.peer.gone = gone;
	event(&ev);
}

static void hear(const char *key, unsigned channel, const char *hex)
{
	struct engine_event ev = {.type = ENGINE_RX};
	uint8_t data[64];
	size_t len = strlen(hex) / 2;

	ck_assert_int_eq(bytes_from_hex(hex, data, len), 0);
	ev.rx.peer = bytes_of_text(key);
	ev.rx.channel = channel;
	ev.rx.data = bytes_of(data, len);
	event(&ev);
}

/* Made-up peers are told of and send a Query each. */
static void flood(unsigned count)
{
	char key[20];

	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "f%015x", i);
		tell(key, false);
		hear(key, ZIGBEE_OTA_CHANNEL_OTA, QUERY);
	}
}

static void setup(void)
{
	struct engine_event up = {.type = ENGINE_UP};
	struct engine_event budget = {.type = ENGINE_BUDGET};

	now_ms = 1000;
	memset(&said, 0, sizeof(said));
	memset(&question, 0, sizeof(question));
	acknowledges = false;
	ck_assert_int_eq(ops->create("", &e, NULL), 0);
	budget.budget.airtime_us = UINT32_MAX;
	event(&up);
	event(&budget);
}

static void teardown(void)
{
	ops->destroy(e);
}

static void meet_lamp(void)
{
	tell(LAMP, false);
	hear(LAMP, ZIGBEE_OTA_CHANNEL_OTA, QUERY);
	pass(5500);
	ck_assert(question.asked);
}

/* Model "A", answered to the question with this number. */
static void answer(uint8_t tsn)
{
	char hex[64];

	snprintf(hex, sizeof(hex), "18%02x01" "0500" "00" "42" "01" "41", tsn);
	hear(LAMP, ZIGBEE_OTA_CHANNEL_BASIC, hex);
	pass(6000);
}

START_TEST(peer_that_only_speaks_is_not_proven)
{
	meet_lamp();
	pass(600000);
	hear(LAMP, ZIGBEE_OTA_CHANNEL_OTA, QUERY);
	pass(6000);
	ck_assert_uint_gt(said.times, 0);
	ck_assert(!said.proven);
	ck_assert(!said.untold);
}
END_TEST

START_TEST(peer_is_proven_by_a_frame_that_it_acknowledged)
{
	acknowledges = true;
	meet_lamp();
	pass(6000);
	ck_assert(said.proven);
}
END_TEST

START_TEST(peer_is_proven_by_the_answer_to_a_question)
{
	meet_lamp();
	answer(question.tsn);
	ck_assert(said.proven);
}
END_TEST

START_TEST(peer_is_not_proven_by_an_answer_to_nothing)
{
	meet_lamp();
	answer((uint8_t)(question.tsn + 1));
	ck_assert(!said.proven);
}
END_TEST

START_TEST(flood_leaves_who_proved_itself)
{
	acknowledges = true;
	meet_lamp();
	pass(6000);
	acknowledges = false;
	flood(ROOM + 100);
	said.times = 0;
	hear(LAMP, ZIGBEE_OTA_CHANNEL_OTA, QUERY);
	pass(6000);
	ck_assert_uint_eq(said.times, 0); /* nothing that is news */
}
END_TEST

/* Who was forgotten says that nobody told of it; then it is told again. */
START_TEST(flood_pushes_out_a_stranger_who_is_untold_then)
{
	meet_lamp();
	flood(ROOM + 100);
	said.times = 0;
	hear(LAMP, ZIGBEE_OTA_CHANNEL_OTA, QUERY);
	pass(6000);
	ck_assert_uint_gt(said.times, 0);
	ck_assert(said.untold);
	tell(LAMP, false);
	answer(question.tsn);
	ck_assert(!said.untold);
}
END_TEST

/* The driver says which of its peers it has forgotten. */
START_TEST(peer_that_is_gone_makes_room_before_all_others)
{
	struct zigbee_ota_counts counts;

	acknowledges = true;
	meet_lamp();
	pass(6000);
	acknowledges = false;
	tell(LAMP, true);
	flood(ROOM);
	zigbee_ota_counts(e, &counts);
	ck_assert_uint_eq(counts.peers, ROOM);
	said.times = 0;
	hear(LAMP, ZIGBEE_OTA_CHANNEL_OTA, QUERY);
	pass(6000);
	ck_assert(said.untold);
	ck_assert(!said.proven);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zigbee_flood");
	TCase *c = tcase_create("flood");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, peer_that_only_speaks_is_not_proven);
	tcase_add_test(c, peer_is_proven_by_a_frame_that_it_acknowledged);
	tcase_add_test(c, peer_is_proven_by_the_answer_to_a_question);
	tcase_add_test(c, peer_is_not_proven_by_an_answer_to_nothing);
	tcase_add_test(c, flood_leaves_who_proved_itself);
	tcase_add_test(c, flood_pushes_out_a_stranger_who_is_untold_then);
	tcase_add_test(c, peer_that_is_gone_makes_room_before_all_others);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
