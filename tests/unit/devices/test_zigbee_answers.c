/* What is answered to single frames, and to whom. */
#include "tests/unit/devices/zigbee_case.h"

struct answer_row {
	const char *name;
	int64_t after_ms; /* since the link came up */
	bool transfer;    /* with a transfer under way */
	const char *request;
	const char *answer; /* its start */
};

static const struct answer_row answers[] = {
	{"query, no offer", 1, false, QUERY, "19420298"},
	{"query of the unknown type", 1, false,
		"01420100" "ffff" "ffff" "ffffffff", "19420298"},
	{"block, no offer, at first", 1, false, BLOCK_AT("00010000", "3f"),
		"19420597" "00000000" "05000000"},
	{"block, no offer, later", 121000, false,
		BLOCK_AT("00010000", "3f"), "19420595"},
	{"end, no offer, at first", 1, false, END_OK,
		"194207" "3412" "0201" "0d0c0b0a" "00000000" "ffffffff"},
	{"end, no offer, later", 121000, false, END_OK, "18420b0695"},
	{"end of another image", 1, true,
		"01420695" "3412" "0201" "01000000", "18420b0600"},
	{"specific file", 1, false, "014208" "0100000000000000" "3412" "c0ff"
		"0d0c0b0a" "0200", "19420998"},
	{"unknown command", 1, false, "01427700", "18420b7781"},
	{"truncated query", 1, false, "014201003412", "18420b0180"},
	{"truncated block", 1, false, "014203003412", "18420b0380"},
	{"reading a server", 1, false, "0042000000", "18420b0081"},
	{"offset at the end", 1, true, BLOCK_AT("b80b0000", "3f"), "19420580"},
	{"offset far beyond", 1, true, BLOCK_AT("ffffffff", "3f"), "19420580"},
	{"max data 0", 1, true, BLOCK_AT("00000000", "00"), "18420b0385"},
	{"another version", 1, true,
		"01420300" "3412" "0201" "01000000" "00000000" "3f",
		"19420595"},
	{"another manufacturer", 1, true,
		"01420300" "9999" "0201" "0d0c0b0a" "00000000" "3f",
		"19420595"},
	{"wildcard version", 1, true,
		"01420300" "3412" "0201" "ffffffff" "00000000" "08",
		"19420500" "3412" "0201" "0d0c0b0a" "00000000" "08"
		"1ef1ee0b00013800"},
	{"an old offset", 1, true, BLOCK_AT("04000000", "04"),
		"19420500" "3412" "0201" "0d0c0b0a" "04000000" "04"
		"00013800"},
	{"the last bytes", 1, true, BLOCK_AT("b60b0000", "3f"),
		"19420500" "3412" "0201" "0d0c0b0a" "b60b0000" "02"},
	{"page of 0 bytes", 1, true, "01420400" "3412" "0201" "0d0c0b0a"
		"00000000" "3f" "0000" "1400", "18420b0485"},
};

START_TEST(request_by_row_is_answered)
{
	const struct answer_row *row = &answers[_i];
	char sent[2 * ZCL_ASDU_MAX + 1];
	unsigned before;

	if (row->transfer)
		case_begin_transfer("");
	else
		bench_init(b, 1, CASE_LEN, "");
	bench_run_until(b, b->now_ms + row->after_ms);
	before = b->sends;
	bench_rx_hex(b, 0, OTA, row->request);
	case_settle();
	ck_assert_msg(b->sends > before, "%s: no answer", row->name);
	bytes_to_hex(bytes_of(bench_log(b, 0)->data, bench_log(b, 0)->len),
		sent, sizeof(sent));
	ck_assert_msg(!strncmp(sent, row->answer, strlen(row->answer)),
		"%s: %s", row->name, sent);
	ck_assert_msg(bench_log(b, 0)->has_reply, "%s", row->name);
}
END_TEST

static const char *const ignored[] = {
	"", "01", "0142",
	"03420100341202010001",           /* reserved frame type */
	"05341242010034120201000100",     /* of a manufacturer */
	"1942020098",                     /* of a server */
	"18420b0000",                     /* default response */
	"18420b",                         /* the same, cut */
	"18420100",                       /* a read response, cut */
	"18420102000023",                 /* and in the value */
};

START_TEST(frame_by_row_is_ignored)
{
	unsigned before;

	case_begin_transfer("");
	before = b->sends;
	bench_rx_hex(b, 0, OTA, ignored[_i]);
	bench_rx_hex(b, 0, ZIGBEE_OTA_CHANNEL_BASIC, ignored[_i]);
	bench_rx_hex(b, 0, ZIGBEE_OTA_CHANNEL_POLL, ignored[_i]);
	bench_rx_hex(b, 0, 9, QUERY);
	case_settle();
	ck_assert_uint_eq(b->sends, before);
	ck_assert(!bench_job(b, 0)->over);
}
END_TEST

START_TEST(query_of_stranger_answered_and_told)
{
	bench_init(b, 0, CASE_LEN, "");
	bench_rx_hex(b, 7, OTA, "01420101" "3412" "0201" "00010000" "0150");
	case_settle();
	case_expect_sent(0, "19420298");
	ck_assert_uint_eq(b->facts_tells, 1);
	ck_assert_str_eq(b->facts_version, "0x00000100");
	ck_assert_str_eq(b->attributes, "manufacturer=0x1234 image_type=0x0102 "
		"file_version=0x00000100 hw_version=0x5001 ");
}
END_TEST

START_TEST(query_storm_tells_facts_once)
{
	bench_init(b, 1, CASE_LEN, "");
	for (unsigned i = 0; i < 10; i++) {
		bench_rx_hex(b, 0, OTA, QUERY);
		bench_run_until(b, b->now_ms + 1000);
	}
	ck_assert_uint_eq(b->facts_tells, 1);
	bench_rx_hex(b, 0, OTA, "01420100" "3412" "0201" "01010000");
	case_settle();
	ck_assert_uint_eq(b->facts_tells, 2);
	ck_assert_str_eq(b->facts_version, "0x00000101");
}
END_TEST

START_TEST(basic_attributes_of_router_are_read_once)
{
	bench_init(b, 1, CASE_LEN, "");
	bench_run_until(b, 5 * MINUTE);
	ck_assert_str_eq(b->attributes, "model=Lamp ");
	ck_assert_uint_eq(b->sends, 1);
	case_expect_sent(0, "1000000400" "0500" "0040");
}
END_TEST

START_TEST(basic_attributes_of_sleepy_child_are_read_when_it_speaks)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].sleepy = true;
	bench_peer(b, 0, false);
	bench_run_until(b, b->now_ms + 1000);
	ck_assert_uint_eq(b->sends, 0);
	bench_rx_hex(b, 0, OTA, QUERY);
	case_settle();
	ck_assert_uint_eq(b->sends, 2);
}
END_TEST

START_TEST(flood_of_one_device_is_dropped_and_others_go_on)
{
	bench_init(b, 2, CASE_LEN, "");
	bench_offer(b, 1);
	for (unsigned i = 0; i < 2000; i++) {
		char hex[64];

		snprintf(hex, sizeof(hex), "01%02x0100341202010001%04x",
			i & 0xff, i);
		bench_rx_hex(b, 0, OTA, hex);
		if (i % 100 == 0)
			bench_run_until(b, b->now_ms + 10);
	}
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 1)->outcome, ENGINE_DONE);
	ck_assert_uint_gt(case_counts().dropped, 1800);
}
END_TEST

START_TEST(flood_with_an_offer_is_dropped)
{
	case_begin_transfer("");
	b->sent_ms = 100;
	for (unsigned i = 0; i < 1000; i++) {
		char hex[64];

		snprintf(hex, sizeof(hex), "01%02x0300341202010d0c0b0a"
			"%02x0000003f", i & 0xff, i % 200);
		bench_rx_hex(b, 0, OTA, hex);
	}
	case_settle();
	ck_assert_uint_gt(case_counts().dropped, 900);
	ck_assert_uint_lt(case_counts().blocks, 100);
}
END_TEST

START_TEST(strangers_without_number_are_forgotten)
{
	struct engine_event e = {.type = ENGINE_RX};
	uint8_t query[16];
	char key[20];

	bench_init(b, 1, CASE_LEN, "");
	bench_offer(b, 0);
	case_settle();
	ck_assert_int_eq(bytes_from_hex(QUERY, query, 12), 0);
	e.rx.data = bytes_of(query, 12);
	for (unsigned i = 0; i < 6000; i++) {
		struct engine_command c;

		snprintf(key, sizeof(key), "f%015x", i);
		e.rx.peer = bytes_of_text(key);
		bench_event(b, &e);
		while (zigbee_ota_engine_ops.next(b->engine, b->now_ms, &c)) {
			struct engine_event sent = {.type = ENGINE_SENT,
				.sent.id = c.tx.id};

			if (c.type == ENGINE_CMD_TX)
				bench_event(b, &sent);
		}
	}
	ck_assert_uint_eq(case_counts().peers, 4096);
	ck_assert_uint_eq(case_counts().offers, 1);
	bench_link(b, false);
	bench_link(b, true);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

static void add_serving(TCase *c)
{
	tcase_add_loop_test(c, request_by_row_is_answered, 0,
		sizeof(answers) / sizeof(answers[0]));
	tcase_add_loop_test(c, frame_by_row_is_ignored, 0,
		sizeof(ignored) / sizeof(ignored[0]));
	tcase_add_test(c, query_of_stranger_answered_and_told);
	tcase_add_test(c, query_storm_tells_facts_once);
	tcase_add_test(c, basic_attributes_of_router_are_read_once);
	tcase_add_test(c,
		basic_attributes_of_sleepy_child_are_read_when_it_speaks);
	tcase_add_test(c, flood_of_one_device_is_dropped_and_others_go_on);
	tcase_add_test(c, flood_with_an_offer_is_dropped);
	tcase_add_test(c, strangers_without_number_are_forgotten);
}

int main(void)
{
	return case_run("zigbee_answers", add_serving);
}
