#include "tests/unit/transports/znp_rig.h"

#include <errno.h>

#include "transports/zigbee/znp.h"

static struct rig r;

static void up(unsigned window)
{
	struct zb_config config = {.window = window};

	rig_init(&r, &config);
	rig_start(&r);
	ck_assert_uint_eq(r.ups, 1);
}

static void request(struct zb_request *q, uint32_t id)
{
	static const uint8_t asdu[] = {0x19, 0x42, 0x00, 0x00, 0x64};

	memset(q, 0, sizeof(*q));
	q->id = id;
	q->nwk = 0x1000;
	q->profile = ZB_PROFILE_HA;
	q->cluster = 0x0019;
	q->src_ep = 1;
	q->dst_ep = 1;
	q->asdu = bytes_of(asdu, sizeof(asdu));
}

/* The number that the n-th data request carries. */
static uint8_t trans_of(size_t n)
{
	return rig_nth(&r, ZNP_AF_DATA, n)->data[6];
}

static void confirm(uint8_t status, uint8_t trans)
{
	char text[16];

	snprintf(text, sizeof(text), "%02x 01 %02x", status, trans);
	rig_say(&r, ZNP_AF_CONFIRM, text);
}

/* ---- to the air ---- */

START_TEST(send_of_a_unicast_is_a_data_request)
{
	up(0);
	ck_assert_int_eq(rig_send(&r, 5), 0);
	rig_expect(rig_last(&r, ZNP_AF_DATA),
		"0010 01 01 1900 01 00 1E 05 1942000064");
	rig_answer(&r);
	ck_assert_uint_eq(r.confirm_count, 0);
	confirm(0, trans_of(0));
	ck_assert_uint_eq(r.confirm_count, 1);
	ck_assert_uint_eq(r.confirms[0].id, 5);
	ck_assert_int_eq(r.confirms[0].result, ZB_SENT_OK);
	rig_done(&r);
}
END_TEST

START_TEST(send_with_ack_sets_the_option)
{
	struct zb_request q;

	up(0);
	request(&q, 5);
	q.ack = true;
	ck_assert_int_eq(rig_send_request(&r, &q), 0);
	rig_expect(rig_last(&r, ZNP_AF_DATA),
		"0010 01 01 1900 01 10 1E 05 1942000064");
	rig_done(&r);
}
END_TEST

START_TEST(send_from_an_endpoint_that_is_not_ours_comes_from_the_first)
{
	static const uint8_t rows[][2] = {{1, 1}, {12, 12}, {47, 47}, {9, 1}};
	struct zb_request q;

	up(0);
	request(&q, 5);
	q.src_ep = rows[_i][0];
	ck_assert_int_eq(rig_send_request(&r, &q), 0);
	ck_assert_uint_eq(rig_last(&r, ZNP_AF_DATA)->data[3], rows[_i][1]);
	rig_done(&r);
}
END_TEST

START_TEST(send_of_a_broadcast_is_extended_and_ends_without_a_confirm)
{
	struct zb_request q;

	up(0);
	request(&q, 5);
	q.nwk = ZB_NWK_ALL_AWAKE;
	q.dst_ep = 0xff;
	q.ack = true;
	ck_assert_int_eq(rig_send_request(&r, &q), 0);
	rig_expect(rig_last(&r, ZNP_AF_DATA_EXT),
		"02 fdff000000000000 ff 0000 01 1900 01 00 1e 0500 1942000064");
	rig_pass(&r, ZNP_BROADCAST_MS - 1);
	ck_assert_uint_eq(r.confirm_count, 0);
	rig_pass(&r, 1);
	ck_assert_int_eq(r.confirms[0].result, ZB_SENT_OK);
	rig_done(&r);
}
END_TEST

START_TEST(send_beyond_the_window_is_busy)
{
	unsigned i;

	up(2);
	for (i = 1; i <= 2; i++)
		ck_assert_int_eq(rig_send(&r, i), 0);
	ck_assert_uint_eq(zb_znp_stack.room(r.s), 0);
	ck_assert_int_eq(rig_send(&r, 3), -EBUSY);
	rig_answer(&r);
	confirm(0, trans_of(0));
	ck_assert_uint_eq(zb_znp_stack.room(r.s), 1);
	ck_assert_int_eq(rig_send(&r, 3), 0);
	rig_done(&r);
}
END_TEST

START_TEST(send_of_too_much_or_nothing_is_refused)
{
	static const uint8_t many[ZNP_ASDU_MAX + 1];
	struct zb_request q;

	up(0);
	request(&q, 5);
	q.asdu = bytes_of(many, sizeof(many));
	ck_assert_int_eq(rig_send_request(&r, &q), -EMSGSIZE);
	q.asdu = bytes_of(many, ZNP_ASDU_MAX);
	ck_assert_int_eq(rig_send_request(&r, &q), 0);
	q.asdu.len = 0;
	ck_assert_int_eq(rig_send_request(&r, &q), -EMSGSIZE);
	rig_done(&r);
}
END_TEST

START_TEST(send_while_a_request_is_out_waits_for_its_answer)
{
	up(0);
	ck_assert_int_eq(rig_send(&r, 1), 0);
	ck_assert_int_eq(rig_send(&r, 2), 0);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_AF_DATA), 1);
	rig_say(&r, 0x6401, "00");
	ck_assert_uint_eq(rig_wrote(&r, ZNP_AF_DATA), 2);
	rig_done(&r);
}
END_TEST

START_TEST(send_without_a_route_asks_for_one_first)
{
	struct zb_request q;

	up(0);
	request(&q, 5);
	q.find_route = true;
	ck_assert_int_eq(rig_send_request(&r, &q), 0);
	rig_expect(rig_last(&r, ZNP_ZDO_ROUTE), "0010 00 1e");
	ck_assert_uint_eq(rig_wrote(&r, ZNP_AF_DATA), 0);
	rig_answer(&r);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_AF_DATA), 1);
	rig_done(&r);
}
END_TEST

static const struct status_row {
	uint8_t status;
	enum zb_sent result;
} statuses[] = {
	{0x00, ZB_SENT_OK},
	{0x10, ZB_SENT_BUSY},
	{0x11, ZB_SENT_BUSY},
	{0x1a, ZB_SENT_BUSY},
	{0xe1, ZB_SENT_BUSY},
	{0xb7, ZB_SENT_NO_ACK},
	{0xe9, ZB_SENT_NO_ACK},
	{0xcd, ZB_SENT_NO_ROUTE},
	{0xf0, ZB_SENT_EXPIRED},
	{0xe5, ZB_SENT_TOO_LONG},
	{0x01, ZB_SENT_FAILED},
	{0x02, ZB_SENT_FAILED},
	{0xff, ZB_SENT_FAILED},
};

START_TEST(confirm_with_a_status_gives_its_result)
{
	const struct status_row *row = &statuses[_i];

	up(0);
	ck_assert_int_eq(rig_send(&r, 5), 0);
	rig_answer(&r);
	confirm(row->status, trans_of(0));
	ck_assert_msg(r.confirms[0].result == row->result, "%02x: %d",
		row->status, r.confirms[0].result);
	ck_assert_int_eq(r.confirms[0].native, row->status);
	rig_done(&r);
}
END_TEST

START_TEST(answer_with_a_status_gives_its_result)
{
	const struct status_row *row = &statuses[_i];

	up(0);
	r.data_status = row->status;
	ck_assert_int_eq(rig_send(&r, 5), 0);
	rig_answer(&r);
	if (row->status == 0) {
		ck_assert_uint_eq(r.confirm_count, 0);
	} else {
		ck_assert_uint_eq(r.confirm_count, 1);
		ck_assert_msg(r.confirms[0].result == row->result, "%02x: %d",
			row->status, r.confirms[0].result);
	}
	rig_done(&r);
}
END_TEST

START_TEST(confirm_before_the_answer_counts)
{
	up(0);
	ck_assert_int_eq(rig_send(&r, 5), 0);
	confirm(0, trans_of(0));
	ck_assert_uint_eq(r.confirm_count, 1);
	ck_assert_int_eq(rig_send(&r, 6), 0);
	rig_answer(&r);
	ck_assert_uint_eq(r.confirm_count, 1);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_AF_DATA), 2);
	rig_done(&r);
}
END_TEST

START_TEST(confirms_in_any_order_end_the_right_ones)
{
	up(0);
	ck_assert_int_eq(rig_send(&r, 1), 0);
	rig_answer(&r);
	ck_assert_int_eq(rig_send(&r, 2), 0);
	rig_answer(&r);
	confirm(0xe9, trans_of(1));
	confirm(0, trans_of(0));
	ck_assert_uint_eq(r.confirms[0].id, 2);
	ck_assert_int_eq(r.confirms[0].result, ZB_SENT_NO_ACK);
	ck_assert_uint_eq(r.confirms[1].id, 1);
	rig_done(&r);
}
END_TEST

START_TEST(confirm_that_never_comes_ends_as_lost)
{
	up(0);
	ck_assert_int_eq(rig_send(&r, 5), 0);
	rig_pass(&r, ZNP_CONFIRM_MS - 1);
	ck_assert_uint_eq(r.confirm_count, 0);
	rig_pass(&r, 1);
	ck_assert_int_eq(r.confirms[0].result, ZB_SENT_LOST);
	rig_done(&r);
}
END_TEST

/* 300 frames later the numbers have come round: a confirm of the one that was
 * given up must not end a frame that is under way. */
START_TEST(confirm_that_is_late_ends_nothing_else)
{
	uint8_t old, now = 0;
	unsigned i;

	up(0);
	ck_assert_int_eq(rig_send(&r, 1000), 0);
	rig_pass(&r, ZNP_CONFIRM_MS);
	old = trans_of(0);
	for (i = 1; i <= 300; i++) {
		r.out_count = r.answered = r.confirm_count = 0;
		ck_assert_int_eq(rig_send(&r, i), 0);
		rig_answer(&r);
		now = rig_last(&r, ZNP_AF_DATA)->data[6];
		ck_assert_uint_ne(now, old);
		if (i < 300)
			confirm(0, now);
	}
	confirm(0, old);
	ck_assert_uint_eq(r.confirm_count, 0);
	confirm(0, now);
	ck_assert_uint_eq(r.confirm_count, 1);
	rig_done(&r);
}
END_TEST

START_TEST(numbers_that_come_round_pass_over_one_in_use)
{
	uint8_t first, now;
	unsigned i;

	up(0);
	ck_assert_int_eq(rig_send(&r, 1000), 0);
	rig_answer(&r);
	first = trans_of(0);
	for (i = 1; i < 600; i++) {
		r.out_count = r.answered = 0;
		r.confirm_count = 0;
		ck_assert_int_eq(rig_send(&r, i), 0);
		rig_answer(&r);
		now = rig_last(&r, ZNP_AF_DATA)->data[6];
		ck_assert_uint_ne(now, first);
		confirm(0, now);
		ck_assert_uint_eq(r.confirm_count, 1);
		ck_assert_uint_eq(r.confirms[0].id, i);
	}
	rig_done(&r);
}
END_TEST

START_TEST(answer_that_is_lost_sends_the_frame_again_once)
{
	up(0);
	r.holds = ZNP_AF_DATA;
	ck_assert_int_eq(rig_send(&r, 5), 0);
	rig_pass(&r, ZNP_OVERDUE_MS);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_AF_DATA), 2);
	ck_assert_uint_ne(trans_of(0), trans_of(1));
	rig_pass(&r, ZNP_OVERDUE_MS);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_AF_DATA), 2);
	ck_assert_uint_eq(r.confirm_count, 1);
	ck_assert_int_eq(r.confirms[0].result, ZB_SENT_LOST);
	ck_assert_uint_eq(r.losts, 0);
	rig_done(&r);
}
END_TEST

START_TEST(answer_that_is_only_late_is_taken)
{
	up(0);
	r.holds = ZNP_AF_DATA;
	r.silent_to_pings = true;
	ck_assert_int_eq(rig_send(&r, 5), 0);
	rig_pass(&r, ZNP_OVERDUE_MS);
	rig_say(&r, 0x6401, "00");
	ck_assert_int_eq(rig_send(&r, 6), 0);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_AF_DATA), 1);
	rig_say(&r, 0x6101, "7907");
	ck_assert_uint_eq(rig_wrote(&r, ZNP_AF_DATA), 2);
	confirm(0, trans_of(0));
	ck_assert_uint_eq(r.confirms[0].id, 5);
	rig_done(&r);
}
END_TEST

START_TEST(line_that_is_dead_is_noticed_after_an_answer_is_due)
{
	up(0);
	r.silent = true;
	ck_assert_int_eq(rig_send(&r, 5), 0);
	rig_pass(&r, ZNP_ANSWER_MS - 1);
	ck_assert_uint_eq(r.losts, 0);
	rig_pass(&r, 1);
	ck_assert_uint_eq(r.losts, 1);
	ck_assert_int_eq(r.confirms[0].result, ZB_SENT_LOST);
	rig_done(&r);
}
END_TEST

START_TEST(answer_to_something_else_is_ignored)
{
	static const char *const rows[] = {"FE 01 64 02 00 67",
		"FE 01 65 40 00 24", "FE 03 60 00 02 21 33 73",
		"FE 00 60 00 60"};

	up(0);
	ck_assert_int_eq(rig_send(&r, 5), 0);
	rig_feed_hex(&r, rows[_i]);
	ck_assert_uint_eq(r.confirm_count, 0);
	rig_answer(&r);
	confirm(0, trans_of(0));
	ck_assert_uint_eq(r.confirm_count, 1);
	rig_done(&r);
}
END_TEST

/* ---- from the air ---- */

#define QUERY "01420100341202010D0C0B0A"

START_TEST(incoming_vector_is_heard)
{
	const struct zb_indication *i = &r.heard[0].i;

	up(0);
	rig_feed_hex(&r, "FE 20 44 81 0000 1900 0010 01 01 00 78 00 01000000 "
			 "42 0C " QUERY " 00001E A2");
	ck_assert_uint_eq(r.heard_count, 1);
	ck_assert_uint_eq(i->nwk, 0x1000);
	ck_assert_uint_eq(i->cluster, 0x0019);
	ck_assert_uint_eq(i->profile, ZB_PROFILE_HA);
	ck_assert_uint_eq(i->src_ep, 1);
	ck_assert_uint_eq(i->dst_ep, 1);
	ck_assert_uint_eq(i->lqi, 0x78);
	ck_assert(!i->broadcast && !i->aps_security && !i->eui64);
	ck_assert_uint_eq(i->asdu.len, 12);
	rig_done(&r);
}
END_TEST

/* The tail differs by release; there may be none. */
START_TEST(incoming_with_any_tail_is_heard)
{
	static const char *const tails[] = {"", "00", "00001E", "0000"};
	char text[256];

	up(0);
	snprintf(text, sizeof(text),
		"0000 1900 0010 01 2f 01 78 01 01000000 42 0C " QUERY " %s",
		tails[_i]);
	rig_say(&r, ZNP_AF_INCOMING, text);
	ck_assert_uint_eq(r.heard_count, 1);
	ck_assert_uint_eq(r.heard[0].i.dst_ep, 47);
	ck_assert(r.heard[0].i.broadcast && r.heard[0].i.aps_security);
	ck_assert_uint_eq(r.heard[0].i.asdu.len, 12);
	rig_done(&r);
}
END_TEST

START_TEST(incoming_at_the_endpoint_of_zll_has_its_profile)
{
	up(0);
	rig_say(&r, ZNP_AF_INCOMING,
		"0000 1900 0010 01 0c 00 78 00 01000000 42 0C " QUERY);
	ck_assert_uint_eq(r.heard[0].i.profile, 0xc05e);
	rig_done(&r);
}
END_TEST

START_TEST(incoming_extended_is_heard_from_either_kind_of_address)
{
	up(0);
	rig_say(&r, ZNP_AF_INCOMING_EXT,
		"0000 1900 02 0010000000000000 01 0000 01 00 78 00 01000000 42 "
		"0C00 " QUERY);
	rig_say(&r, ZNP_AF_INCOMING_EXT,
		"0000 1900 03 01000000004b1200 01 0000 01 00 78 00 01000000 42 "
		"0C00 " QUERY);
	ck_assert_uint_eq(r.heard_count, 2);
	ck_assert_uint_eq(r.heard[0].i.nwk, 0x1000);
	ck_assert_uint_eq(r.heard[0].i.asdu.len, 12);
	ck_assert_uint_eq(r.heard[1].i.nwk, ZB_NWK_UNKNOWN);
	ck_assert(r.heard[1].i.eui64 == 0x00124b0000000001ull);
	rig_done(&r);
}
END_TEST

/* A host that waits for the confirm of its last answer would drop the request.
 */
START_TEST(incoming_before_its_confirm_is_heard_at_once)
{
	up(0);
	ck_assert_int_eq(rig_send(&r, 5), 0);
	rig_feed_hex(&r, "FE 20 44 81 0000 1900 0010 01 01 00 78 00 01000000 "
			 "42 0C " QUERY " 00001E A2");
	ck_assert_uint_eq(r.heard_count, 1);
	ck_assert_uint_eq(r.confirm_count, 0);
	rig_done(&r);
}
END_TEST

START_TEST(incoming_in_one_read_with_a_confirm_gives_both)
{
	up(0);
	ck_assert_int_eq(rig_send(&r, 5), 0);
	rig_answer(&r);
	rig_feed_hex(&r, "FE 03 44 80 00 01 01 C7 "
			 "FE 20 44 81 0000 1900 0010 01 01 00 78 00 01000000 "
			 "42 0C " QUERY " 00001E A2");
	ck_assert_uint_eq(r.confirm_count, 1);
	ck_assert_uint_eq(r.heard_count, 1);
	rig_done(&r);
}
END_TEST

/* ---- hostile ---- */

static const struct hostile_row {
	const char *name;
	uint16_t command;
	const char *data;
} hostile[] = {
	{"confirm of two bytes", 0x4480, "00 01"},
	{"confirm of nothing", 0x4480, ""},
	{"incoming of nothing", 0x4481, ""},
	{"incoming without its frame", 0x4481,
		"0000 1900 0010 01 01 00 78 00 01000000 42"},
	{"incoming of length 0", 0x4481,
		"0000 1900 0010 01 01 00 78 00 01000000 42 00"},
	{"incoming longer than it is", 0x4481,
		"0000 1900 0010 01 01 00 78 00 01000000 42 0d " QUERY},
	{"incoming of length 255", 0x4481,
		"0000 1900 0010 01 01 00 78 00 01000000 42 ff " QUERY},
	{"extended of length 65535", 0x4482,
		"0000 1900 02 0010000000000000 01 0000 01 00 78 00 01000000 42 "
		"ffff " QUERY},
	{"extended from a group address", 0x4482,
		"0000 1900 01 0010000000000000 01 0000 01 00 78 00 01000000 42 "
		"0C00 " QUERY},
	{"address of nothing", 0x4580, ""},
	{"address with a list that is cut", 0x4581,
		"00 01000000004b1200 0010 00 ff 1111"},
	{"response of nothing", 0x4582, ""},
	{"response of its source only", 0x4586, "0010"},
	{"announcement without capability", 0x45c1,
		"0010 0010 01000000004b1200"},
	{"ZDO frame without its number", 0x45ff, "0010 00 0080 00"},
	{"trust centre without parent and half an address", 0x45ca,
		"0010 01000000"},
	{"trust centre, address 0", 0x45ca, "0010 0000000000000000 0000"},
	{"leave that is cut", 0x45c9, "0010 01000000004b1200 00 00"},
	{"state of nothing", 0x45c0, ""},
	{"error of nothing", 0x6000, ""},
	{"a command nobody knows", 0x4fff, "00"},
	{"a request to us", 0x2401, "0010 01 01 1900 07 00 1E 05 1942000064"},
	{"a poll", 0x0101, ""},
};

START_TEST(hostile_frame_is_counted_and_changes_nothing)
{
	const struct hostile_row *row = &hostile[_i];

	up(0);
	ck_assert_int_eq(rig_send(&r, 5), 0);
	rig_answer(&r);
	rig_say(&r, row->command, row->data);
	ck_assert_msg(r.heard_count == 0, "%s", row->name);
	ck_assert_msg(r.confirm_count == 0, "%s", row->name);
	ck_assert_msg(r.node_count == 0, "%s", row->name);
	ck_assert_msg(r.losts == 0, "%s", row->name);
	confirm(0, trans_of(0));
	ck_assert_msg(r.confirm_count == 1, "%s", row->name);
	rig_done(&r);
}
END_TEST

START_TEST(cut_frame_gives_way_after_a_while)
{
	up(0);
	rig_feed_hex(&r, "FE F0 44 81 FE 20 44 81 0000 1900 0010 01 01 00 78 "
			 "00 01000000 42 0C " QUERY " 00001E A2");
	ck_assert_uint_eq(r.heard_count, 0);
	rig_pass(&r, ZNP_REST_MS);
	ck_assert_uint_eq(r.heard_count, 1);
	rig_done(&r);
}
END_TEST

START_TEST(counters_tell_what_was_wrong)
{
	struct ferry_counter all[24];
	unsigned i, count, bad = 0, malformed = 0;

	up(0);
	rig_feed_hex(&r, "FE 03 44 80 00 01 07 C0");
	rig_say(&r, ZNP_AF_CONFIRM, "00");
	count = zb_znp_stack.counters(r.s, all, 24);
	for (i = 0; i < count; i++) {
		if (!strcmp(all[i].name, "znp_bad_frames"))
			bad = (unsigned)all[i].value;
		if (!strcmp(all[i].name, "znp_malformed"))
			malformed = (unsigned)all[i].value;
	}
	ck_assert_uint_eq(bad, 1);
	ck_assert_uint_eq(malformed, 1);
	ck_assert_uint_eq(zb_znp_stack.counters(r.s, all, 2), 2);
	rig_done(&r);
}
END_TEST

static void add_to_air(TCase *t)
{
	const int rows = sizeof(statuses) / sizeof(statuses[0]);

	tcase_add_test(t, send_of_a_unicast_is_a_data_request);
	tcase_add_test(t, send_with_ack_sets_the_option);
	tcase_add_loop_test(t,
		send_from_an_endpoint_that_is_not_ours_comes_from_the_first, 0,
		4);
	tcase_add_test(
		t, send_of_a_broadcast_is_extended_and_ends_without_a_confirm);
	tcase_add_test(t, send_beyond_the_window_is_busy);
	tcase_add_test(t, send_of_too_much_or_nothing_is_refused);
	tcase_add_test(t, send_while_a_request_is_out_waits_for_its_answer);
	tcase_add_test(t, send_without_a_route_asks_for_one_first);
	tcase_add_loop_test(t, confirm_with_a_status_gives_its_result, 0, rows);
	tcase_add_loop_test(t, answer_with_a_status_gives_its_result, 0, rows);
	tcase_add_test(t, confirm_before_the_answer_counts);
	tcase_add_test(t, confirms_in_any_order_end_the_right_ones);
	tcase_add_test(t, confirm_that_never_comes_ends_as_lost);
	tcase_add_test(t, confirm_that_is_late_ends_nothing_else);
	tcase_add_test(t, numbers_that_come_round_pass_over_one_in_use);
	tcase_add_test(t, answer_that_is_lost_sends_the_frame_again_once);
	tcase_add_test(t, answer_that_is_only_late_is_taken);
	tcase_add_test(t, line_that_is_dead_is_noticed_after_an_answer_is_due);
	tcase_add_loop_test(t, answer_to_something_else_is_ignored, 0, 4);
}

static void add_from_air(TCase *t)
{
	tcase_add_test(t, incoming_vector_is_heard);
	tcase_add_loop_test(t, incoming_with_any_tail_is_heard, 0, 4);
	tcase_add_test(t, incoming_at_the_endpoint_of_zll_has_its_profile);
	tcase_add_test(
		t, incoming_extended_is_heard_from_either_kind_of_address);
	tcase_add_test(t, incoming_before_its_confirm_is_heard_at_once);
	tcase_add_test(t, incoming_in_one_read_with_a_confirm_gives_both);
	tcase_add_loop_test(t, hostile_frame_is_counted_and_changes_nothing, 0,
		sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_test(t, cut_frame_gives_way_after_a_while);
	tcase_add_test(t, counters_tell_what_was_wrong);
}

int main(void)
{
	Suite *s = suite_create("znp_air");
	TCase *t = tcase_create("all");

	add_to_air(t);
	add_from_air(t);
	suite_add_tcase(s, t);
	return unit_run(s);
}
