/* Whose a short address is: what is asked, which answer counts, and what a flood
 * of strangers cannot do. The test plays the network. */
#include "tests/unit/transports/zigbee_play.h"

#include "transports/zigbee/radio.h"

#define OTHER_KEY "00124b0000000002"
#define OTHER_NWK 0x4321u
#define SURE_MS 601000

/* Everything that went out was confirmed. */
static void confirm_all(void)
{
	while (confirmed < sent_count)
		confirm_it(confirmed, ZB_SENT_OK);
}

static void let_pass(unsigned ms)
{
	unsigned step;

	for (; ms; ms -= step) {
		step = ms < 50 ? ms : 50;
		vhost_pass(&v, step);
		confirm_all();
	}
}

static uint8_t tsn_of(const struct sent *s)
{
	return s->data[0];
}

static void hear_address(uint16_t from, uint16_t cluster, uint8_t tsn,
	uint64_t eui64, uint16_t nwk)
{
	uint8_t rsp[12] = {tsn, 0};

	put_le32(rsp + 2, (uint32_t)eui64);
	put_le32(rsp + 6, (uint32_t)(eui64 >> 32));
	put_le16(rsp + 10, nwk);
	hear_zdo(from, cluster, rsp, sizeof(rsp));
	confirm_all();
}

/* The newest IEEE_addr_req is answered by the device that has the address. */
static void says_who_it_is(uint16_t nwk, uint64_t eui64)
{
	const struct sent *s = last_sent(ZDO_IEEE_ADDR_REQ);

	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(s->r.nwk, nwk);
	confirm_all();
	hear_address(nwk, ZDO_IEEE_ADDR_RSP, tsn_of(s), eui64, nwk);
}

/* Known, and long ago. */
static void know_of_old(void)
{
	up();
	know(LAMP, LAMP_NWK);
	let_pass(SURE_MS);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 0);
}

/* ---- addresses that were used again ---- */

START_TEST(heard_from_an_address_of_old_is_its_new_owners)
{
	know_of_old();
	hear(0, LAMP_NWK, 0x0019, "query");
	ck_assert_uint_eq(v.message_count, 0);
	says_who_it_is(LAMP_NWK, OTHER);
	ck_assert_uint_eq(v.message_count, 1);
	ck_assert_str_eq(v.messages[0].peer, OTHER_KEY);
	answer(0, "none");
	ck_assert_uint_eq(last_sent(0x0019)->r.nwk, LAMP_NWK);
	ck_assert_uint_eq(last_sent(0x0019)->r.eui64, OTHER);
}
END_TEST

START_TEST(heard_from_an_address_of_old_is_confirmed_once)
{
	know_of_old();
	hear(0, LAMP_NWK, 0x0019, "query");
	says_who_it_is(LAMP_NWK, LAMP);
	hear(0, LAMP_NWK, 0x0019, "block");
	ck_assert_uint_eq(v.message_count, 2);
	ck_assert_str_eq(v.messages[0].peer, LAMP_KEY);
	ck_assert_mem_eq(v.messages[1].data, "block", 5);
	let_pass(SURE_MS - 2000);
	hear(0, LAMP_NWK, 0x0019, "block");
	ck_assert_uint_eq(v.message_count, 3);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 1);
}
END_TEST

START_TEST(heard_with_the_eui64_needs_no_question)
{
	know_of_old();
	hear(LAMP, LAMP_NWK, 0x0019, "query");
	ck_assert_uint_eq(v.message_count, 1);
	hear(0, LAMP_NWK, 0x0019, "block");
	ck_assert_uint_eq(v.message_count, 2);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 0);
}
END_TEST

/* As a coordinator may say it that has no entry for the sender. */
START_TEST(heard_with_an_eui64_of_all_ones_is_asked_who_it_is)
{
	know_of_old();
	hear(UINT64_MAX, LAMP_NWK, 0x0019, "query");
	ck_assert_uint_eq(v.message_count, 0);
	says_who_it_is(LAMP_NWK, LAMP);
	ck_assert_uint_eq(v.message_count, 1);
	hear(UINT64_MAX, OTHER_NWK, 0x0019, "query");
	says_who_it_is(OTHER_NWK, OTHER);
	ck_assert_uint_eq(v.message_count, 2);
	ck_assert_str_eq(v.messages[1].peer, OTHER_KEY);
}
END_TEST

START_TEST(heard_of_old_without_an_answer_is_taken_for_the_same)
{
	know_of_old();
	hear(0, LAMP_NWK, 0x0019, "query");
	let_pass(900);
	ck_assert_uint_eq(v.message_count, 0);
	let_pass(200);
	ck_assert_uint_eq(v.message_count, 1);
	ck_assert_str_eq(v.messages[0].peer, LAMP_KEY);
	/* And not asked about for each of its frames. */
	let_pass(5000);
	hear(0, LAMP_NWK, 0x0019, "block");
	ck_assert_uint_eq(v.message_count, 2);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 2);
	/* It may have been out of reach for a moment. */
	let_pass(61000);
	hear(0, LAMP_NWK, 0x0019, "block");
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 3);
}
END_TEST

START_TEST(send_to_an_address_of_old_asks_first)
{
	know_of_old();
	send_to(LAMP_KEY, "notify");
	ck_assert_uint_eq(count_sent(0x0019), 0);
	says_who_it_is(LAMP_NWK, LAMP);
	/* Its endpoint is asked for next. */
	ck_assert_uint_eq(last_sent(ZDO_MATCH_DESC_REQ)->r.nwk, LAMP_NWK);
	let_pass(4000);
	ck_assert_uint_eq(count_sent(0x0019), 1);
	ck_assert_uint_eq(last_sent(0x0019)->r.nwk, LAMP_NWK);
	send_to(LAMP_KEY, "again");
	ck_assert_uint_eq(count_sent(0x0019), 2);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 1);
}
END_TEST

START_TEST(send_asks_when_a_minute_has_passed)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "query");
	confirm_all();
	let_pass(55000);
	send_to(LAMP_KEY, "read");
	ck_assert_uint_eq(count_sent(0x0019), 1);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 0);
	let_pass(6000);
	send_to(LAMP_KEY, "read");
	ck_assert_uint_eq(count_sent(0x0019), 1);
	says_who_it_is(LAMP_NWK, LAMP);
	ck_assert_uint_eq(count_sent(0x0019), 2);
	/* An answer needs no question: who asked has just been there. */
	let_pass(61000);
	hear(0, LAMP_NWK, 0x0019, "query");
	answer(1, "none");
	ck_assert_uint_eq(count_sent(0x0019), 3);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 1);
}
END_TEST

START_TEST(send_to_an_address_that_another_has_now_finds_the_device)
{
	know_of_old();
	send_to(LAMP_KEY, "notify");
	says_who_it_is(LAMP_NWK, OTHER);
	ck_assert_uint_eq(count_sent(0x0019), 0);
	ck_assert_uint_eq(count_sent(ZDO_NWK_ADDR_REQ), 1);
	hear_address(OTHER_NWK, ZDO_NWK_ADDR_RSP,
		tsn_of(last_sent(ZDO_NWK_ADDR_REQ)), LAMP, OTHER_NWK);
	let_pass(4000);
	ck_assert_uint_eq(count_sent(0x0019), 1);
	ck_assert_uint_eq(last_sent(0x0019)->r.nwk, OTHER_NWK);
}
END_TEST

START_TEST(send_to_an_address_of_old_without_an_answer_goes_all_the_same)
{
	know_of_old();
	send_to(LAMP_KEY, "notify");
	let_pass(8000);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 2);
	ck_assert_uint_eq(count_sent(0x0019), 1);
	ck_assert_uint_eq(last_sent(0x0019)->r.nwk, LAMP_NWK);
}
END_TEST

/* ---- what the coordinator's own table says ---- */

static void is_told(void)
{
	stack->host->known(stack->arg, told_eui64, told_nwk);
}

static void hearsay(uint64_t eui64, uint16_t nwk)
{
	told_eui64 = eui64;
	told_nwk = nwk;
	input(is_told);
}

START_TEST(table_of_the_coordinator_may_be_old)
{
	up();
	hear(0, LAMP_NWK, 0x0019, "query");
	hearsay(OTHER, LAMP_NWK);
	ck_assert_uint_eq(v.message_count, 0);
	says_who_it_is(LAMP_NWK, LAMP);
	ck_assert_uint_eq(v.message_count, 1);
	ck_assert_str_eq(v.messages[0].peer, LAMP_KEY);
}
END_TEST

START_TEST(table_of_the_coordinator_counts_where_nobody_answers)
{
	up();
	hear(0, LAMP_NWK, 0x0019, "query");
	hearsay(LAMP, LAMP_NWK);
	let_pass(3500);
	ck_assert_uint_eq(v.message_count, 1);
	ck_assert_str_eq(v.messages[0].peer, LAMP_KEY);
}
END_TEST

START_TEST(table_of_the_coordinator_takes_nothing_away)
{
	up();
	know(LAMP, LAMP_NWK);
	hearsay(OTHER, LAMP_NWK);
	hearsay(LAMP, OTHER_NWK);
	hear(0, LAMP_NWK, 0x0019, "query");
	ck_assert_uint_eq(v.message_count, 1);
	ck_assert_str_eq(v.messages[0].peer, LAMP_KEY);
	ck_assert_ptr_null(vhost_peer(&v, OTHER_KEY));
}
END_TEST

/* ---- which answer counts ---- */

START_TEST(answer_of_another_transaction_is_ignored)
{
	up();
	hear(0, LAMP_NWK, 0x0019, "query");
	hear_address(LAMP_NWK, ZDO_IEEE_ADDR_RSP,
		(uint8_t)(tsn_of(last_sent(ZDO_IEEE_ADDR_REQ)) + 1), OTHER,
		LAMP_NWK);
	hear_address(LAMP_NWK, ZDO_IEEE_ADDR_RSP, 0, OTHER, LAMP_NWK);
	ck_assert_uint_eq(v.message_count, 0);
	says_who_it_is(LAMP_NWK, LAMP);
	ck_assert_uint_eq(v.message_count, 1);
}
END_TEST

START_TEST(answer_of_somebody_else_is_ignored)
{
	up();
	hear(0, LAMP_NWK, 0x0019, "query");
	hear_address(0x6666, ZDO_IEEE_ADDR_RSP,
		tsn_of(last_sent(ZDO_IEEE_ADDR_REQ)), OTHER, LAMP_NWK);
	hear_address(LAMP_NWK, ZDO_IEEE_ADDR_RSP,
		tsn_of(last_sent(ZDO_IEEE_ADDR_REQ)), OTHER, OTHER_NWK);
	ck_assert_uint_eq(v.message_count, 0);
	/* The coordinator answers for its children that sleep. */
	hear_address(0, ZDO_IEEE_ADDR_RSP,
		tsn_of(last_sent(ZDO_IEEE_ADDR_REQ)), LAMP, LAMP_NWK);
	ck_assert_uint_eq(v.message_count, 1);
}
END_TEST

START_TEST(answer_to_the_first_try_counts_after_the_second)
{
	uint8_t first;

	up();
	hear(0, LAMP_NWK, 0x0019, "query");
	first = tsn_of(last_sent(ZDO_IEEE_ADDR_REQ));
	confirm_all();
	let_pass(1600);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 2);
	hear_address(LAMP_NWK, ZDO_IEEE_ADDR_RSP, first, LAMP, LAMP_NWK);
	ck_assert_uint_eq(v.message_count, 1);
}
END_TEST

START_TEST(answer_that_is_late_spares_the_next_question)
{
	up();
	hear(0, LAMP_NWK, 0x0019, "query");
	let_pass(4000);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 2);
	says_who_it_is(LAMP_NWK, LAMP);
	hear(0, LAMP_NWK, 0x0019, "query");
	ck_assert_uint_eq(v.message_count, 1);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 2);
}
END_TEST

static void hear_match(uint16_t from, uint8_t tsn, uint16_t of, uint8_t endpoint)
{
	const uint8_t rsp[] = {tsn, 0, (uint8_t)of, (uint8_t)(of >> 8), 1,
		endpoint};

	hear_zdo(from, ZDO_MATCH_DESC_RSP, rsp, sizeof(rsp));
	confirm_all();
}

START_TEST(match_of_another_transaction_or_sender_is_ignored)
{
	uint8_t tsn;

	up();
	know(LAMP, LAMP_NWK);
	send_to(LAMP_KEY, "notify");
	tsn = tsn_of(last_sent(ZDO_MATCH_DESC_REQ));
	hear_match(LAMP_NWK, (uint8_t)(tsn + 1), LAMP_NWK, 66);
	hear_match(OTHER_NWK, tsn, LAMP_NWK, 66);
	ck_assert_uint_eq(count_sent(0x0019), 0);
	hear_match(LAMP_NWK, tsn, LAMP_NWK, 11);
	ck_assert_uint_eq(count_sent(0x0019), 1);
	ck_assert_uint_eq(last_sent(0x0019)->r.dst_ep, 11);
}
END_TEST

START_TEST(node_descriptor_of_somebody_else_is_ignored)
{
	uint8_t rsp[] = {0, 0, 0x34, 0x12, 0x02, 0x40, 0x80, 0x34, 0x12, 82, 82,
		0, 0, 0, 82, 0, 0};

	up();
	hear(LAMP, LAMP_NWK, 0x0019, "query");
	rsp[0] = tsn_of(last_sent(ZDO_NODE_DESC_REQ));
	hear_zdo(OTHER_NWK, ZDO_NODE_DESC_RSP, rsp, sizeof(rsp));
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->kind, "unknown");
	hear_zdo(LAMP_NWK, ZDO_NODE_DESC_RSP, rsp, sizeof(rsp));
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->kind, "sleepy");
}
END_TEST

START_TEST(survey_that_nobody_made_is_not_answered)
{
	uint8_t tsn;

	up();
	hear_match(LAMP_NWK, 1, LAMP_NWK, 11);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 0);
	let_pass(2100);
	tsn = tsn_of(last_sent(ZDO_MATCH_DESC_REQ));
	hear_match(LAMP_NWK, (uint8_t)(tsn + 1), LAMP_NWK, 11);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 0);
	hear_match(LAMP_NWK, tsn, LAMP_NWK, 11);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 1);
}
END_TEST

/* ---- floods ---- */

/* `count` frames of strangers, each of another. */
static void flood(unsigned count)
{
	static uint16_t next = 0x2000;
	unsigned i;

	for (i = 0; i < count; i++) {
		hear(0, next++, 0x0019, "flood");
		confirm_all();
		if (next == 0x9000)
			next = 0x2000;
	}
}

static bool was_asked(uint16_t nwk)
{
	unsigned i;

	for (i = 0; i < sent_count; i++)
		if (sent[i].r.cluster == ZDO_IEEE_ADDR_REQ &&
			sent[i].r.nwk == nwk)
			return true;
	return false;
}

START_TEST(flood_of_strangers_does_not_delay_a_known_device)
{
	know_of_old();
	flood(200);
	ck_assert_uint_le(count_sent(ZDO_IEEE_ADDR_REQ), 6);
	hear(0, LAMP_NWK, 0x0019, "query");
	ck_assert(was_asked(LAMP_NWK));
	says_who_it_is(LAMP_NWK, LAMP);
	ck_assert_uint_eq(v.message_count, 1);
}
END_TEST

START_TEST(flood_of_strangers_does_not_keep_a_new_device_out)
{
	unsigned i;

	up();
	/* Fifty a second; the device repeats its query after three. */
	for (i = 0; i < 3 && !was_asked(LAMP_NWK); i++) {
		unsigned n;

		hear(0, LAMP_NWK, 0x0019, "query");
		confirm_all();
		for (n = 0; n < 30 && !was_asked(LAMP_NWK); n++) {
			flood(5);
			let_pass(100);
		}
	}
	ck_assert(was_asked(LAMP_NWK));
	ck_assert_uint_le(i, 2);
}
END_TEST

START_TEST(flood_that_has_passed_leaves_no_questions_behind)
{
	unsigned asked;

	up();
	flood(500);
	let_pass(4000);
	asked = count_sent(ZDO_IEEE_ADDR_REQ);
	let_pass(4000);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), asked);
	hear(0, LAMP_NWK, 0x0019, "query");
	ck_assert(was_asked(LAMP_NWK));
}
END_TEST

START_TEST(stranger_that_never_answers_is_asked_less_and_less)
{
	unsigned i;

	up();
	for (i = 0; i < 120; i++) {
		hear(0, LAMP_NWK, 0x0019, "flood");
		confirm_all();
		let_pass(1000);
	}
	/* Two tries each: at once, after 3, 8, 15, 26, 45, 80 and 115 s. */
	ck_assert_uint_ge(count_sent(ZDO_IEEE_ADDR_REQ), 10);
	ck_assert_uint_le(count_sent(ZDO_IEEE_ADDR_REQ), 18);
}
END_TEST

START_TEST(flood_holds_the_newest_frames)
{
	up();
	flood(400);
	hear(0, LAMP_NWK, 0x0019, "query");
	know(LAMP, LAMP_NWK);
	ck_assert_uint_eq(v.message_count, 1);
}
END_TEST

/* A whole network that speaks at once, as after a power cut. */
START_TEST(strangers_that_answer_lose_no_frame)
{
	unsigned heard, next;

	up();
	for (heard = 0; heard < ZB_HELD_MAX; heard++)
		hear(0, (uint16_t)(0x2000 + heard), 0x0019, "query");
	confirm_all();
	for (next = 0; next < sent_count; next++) {
		uint16_t nwk = sent[next].r.nwk;

		if (sent[next].r.cluster != ZDO_IEEE_ADDR_REQ)
			continue;
		hear_address(nwk, ZDO_IEEE_ADDR_RSP, tsn_of(&sent[next]),
			LAMP + nwk, nwk);
		confirm_all();
	}
	ck_assert_uint_eq(v.message_count, heard);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transports.zigbee_address");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, heard_from_an_address_of_old_is_its_new_owners);
	tcase_add_test(tc, heard_from_an_address_of_old_is_confirmed_once);
	tcase_add_test(tc, heard_with_the_eui64_needs_no_question);
	tcase_add_test(tc, heard_with_an_eui64_of_all_ones_is_asked_who_it_is);
	tcase_add_test(
		tc, heard_of_old_without_an_answer_is_taken_for_the_same);
	tcase_add_test(tc, send_to_an_address_of_old_asks_first);
	tcase_add_test(tc, send_asks_when_a_minute_has_passed);
	tcase_add_test(
		tc, send_to_an_address_that_another_has_now_finds_the_device);
	tcase_add_test(tc,
		send_to_an_address_of_old_without_an_answer_goes_all_the_same);
	tcase_add_test(tc, table_of_the_coordinator_may_be_old);
	tcase_add_test(
		tc, table_of_the_coordinator_counts_where_nobody_answers);
	tcase_add_test(tc, table_of_the_coordinator_takes_nothing_away);
	tcase_add_test(tc, answer_of_another_transaction_is_ignored);
	tcase_add_test(tc, answer_of_somebody_else_is_ignored);
	tcase_add_test(tc, answer_to_the_first_try_counts_after_the_second);
	tcase_add_test(tc, answer_that_is_late_spares_the_next_question);
	tcase_add_test(tc, match_of_another_transaction_or_sender_is_ignored);
	tcase_add_test(tc, node_descriptor_of_somebody_else_is_ignored);
	tcase_add_test(tc, survey_that_nobody_made_is_not_answered);
	tcase_add_test(tc, flood_of_strangers_does_not_delay_a_known_device);
	tcase_add_test(tc, flood_of_strangers_does_not_keep_a_new_device_out);
	tcase_add_test(tc, flood_that_has_passed_leaves_no_questions_behind);
	tcase_add_test(tc, stranger_that_never_answers_is_asked_less_and_less);
	tcase_add_test(tc, flood_holds_the_newest_frames);
	tcase_add_test(tc, strangers_that_answer_lose_no_frame);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
