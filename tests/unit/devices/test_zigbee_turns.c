/* What is answered to whom and when: single frames, many devices, stages,
 * airtime, restarts of the gateway. */
#include "tests/unit/unit.h"

#include "devices/zigbee_ota/server_options.h"
#include "tests/unit/devices/zigbee_bench.h"

#define LEN 3000
#define BLOCKS (LEN / 50)
#define OTA ZIGBEE_OTA_CHANNEL_OTA
#define MINUTE 60000
#define BIT(stage) (1u << ENGINE_STAGE_##stage)

/* Frames of device 0, TSN 42; versions as the bench has them. */
#define QUERY "01420100" "3412" "0201" "00010000"
#define BLOCK_AT(offset, max) \
	"01420300" "3412" "0201" "0d0c0b0a" offset max
#define END_OK "01420600" "3412" "0201" "0d0c0b0a"

static struct bench *b;

static void setup(void)
{
	b = calloc(1, sizeof(*b));
	ck_assert_ptr_nonnull(b);
}

static void teardown(void)
{
	bench_done(b);
	free(b);
}

static struct zigbee_ota_counts counts(void)
{
	struct zigbee_ota_counts c;

	zigbee_ota_counts(b->engine, &c);
	return c;
}

static void expect_sent(unsigned n, const char *hex)
{
	const struct bench_frame *f = bench_log(b, n);
	char text[2 * ZCL_ASDU_MAX + 1];

	bytes_to_hex(bytes_of(f->data, f->len), text, sizeof(text));
	ck_assert_str_eq(text, hex);
}

static void settle(void)
{
	bench_run_until(b, b->now_ms + 1);
}

/* A transfer of device 0 that is under way and does not end by itself. */
static void begin_transfer(const char *options)
{
	bench_init(b, 1, LEN, options);
	b->devices[0].stops_at = 500;
	bench_offer(b, 0);
	bench_run_until(b, b->now_ms + 2000);
	ck_assert_uint_eq(b->devices[0].offset, 500);
	ck_assert_uint_eq(bench_job(b, 0)->stages, BIT(TRANSFER));
}

/* ---- single requests ---- */

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
		begin_transfer("");
	else
		bench_init(b, 1, LEN, "");
	bench_run_until(b, b->now_ms + row->after_ms);
	before = b->sends;
	bench_rx_hex(b, 0, OTA, row->request);
	settle();
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

	begin_transfer("");
	before = b->sends;
	bench_rx_hex(b, 0, OTA, ignored[_i]);
	bench_rx_hex(b, 0, ZIGBEE_OTA_CHANNEL_BASIC, ignored[_i]);
	bench_rx_hex(b, 0, ZIGBEE_OTA_CHANNEL_POLL, ignored[_i]);
	bench_rx_hex(b, 0, 9, QUERY);
	settle();
	ck_assert_uint_eq(b->sends, before);
	ck_assert(!bench_job(b, 0)->over);
}
END_TEST

START_TEST(query_of_stranger_answered_and_told)
{
	bench_init(b, 0, LEN, "");
	bench_rx_hex(b, 7, OTA, "01420101" "3412" "0201" "00010000" "0150");
	settle();
	expect_sent(0, "19420298");
	ck_assert_uint_eq(b->facts_tells, 1);
	ck_assert_str_eq(b->facts_version, "0x00000100");
	ck_assert_str_eq(b->attributes, "manufacturer=0x1234 image_type=0x0102 "
		"file_version=0x00000100 hw_version=0x5001 ");
}
END_TEST

START_TEST(query_storm_tells_facts_once)
{
	bench_init(b, 1, LEN, "");
	for (unsigned i = 0; i < 10; i++) {
		bench_rx_hex(b, 0, OTA, QUERY);
		bench_run_until(b, b->now_ms + 1000);
	}
	ck_assert_uint_eq(b->facts_tells, 1);
	bench_rx_hex(b, 0, OTA, "01420100" "3412" "0201" "01010000");
	settle();
	ck_assert_uint_eq(b->facts_tells, 2);
	ck_assert_str_eq(b->facts_version, "0x00000101");
}
END_TEST

START_TEST(basic_attributes_of_router_are_read_once)
{
	bench_init(b, 1, LEN, "");
	bench_run_until(b, 5 * MINUTE);
	ck_assert_str_eq(b->attributes, "model=Lamp ");
	ck_assert_uint_eq(b->sends, 1);
	expect_sent(0, "1000000400" "0500" "0040");
}
END_TEST

START_TEST(basic_attributes_of_sleepy_child_are_read_when_it_speaks)
{
	bench_init(b, 1, LEN, "");
	b->devices[0].sleepy = true;
	bench_peer(b, 0, false);
	bench_run_until(b, b->now_ms + 1000);
	ck_assert_uint_eq(b->sends, 0);
	bench_rx_hex(b, 0, OTA, QUERY);
	settle();
	ck_assert_uint_eq(b->sends, 2);
}
END_TEST

START_TEST(flood_of_one_device_is_dropped_and_others_go_on)
{
	bench_init(b, 2, LEN, "");
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
	ck_assert_uint_gt(counts().dropped, 1800);
}
END_TEST

START_TEST(flood_with_an_offer_is_dropped)
{
	begin_transfer("");
	b->sent_ms = 100;
	for (unsigned i = 0; i < 1000; i++) {
		char hex[64];

		snprintf(hex, sizeof(hex), "01%02x0300341202010d0c0b0a"
			"%02x0000003f", i & 0xff, i % 200);
		bench_rx_hex(b, 0, OTA, hex);
	}
	settle();
	ck_assert_uint_gt(counts().dropped, 900);
	ck_assert_uint_lt(counts().blocks, 100);
}
END_TEST

START_TEST(strangers_without_number_are_forgotten)
{
	struct engine_event e = {.type = ENGINE_RX};
	uint8_t query[16];
	char key[20];

	bench_init(b, 1, LEN, "");
	bench_offer(b, 0);
	settle();
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
	ck_assert_uint_eq(counts().peers, 4096);
	ck_assert_uint_eq(counts().offers, 1);
	bench_link(b, false);
	bench_link(b, true);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

/* ---- notifies ---- */

START_TEST(notify_lost_is_repeated_with_growing_pauses)
{
	unsigned at_minute;

	bench_init(b, 1, LEN, "");
	b->devices[0].ignores_notify = true;
	bench_offer(b, 0);
	bench_run_until(b, b->now_ms + MINUTE);
	at_minute = b->devices[0].notifies;
	ck_assert_uint_ge(at_minute, 4);
	ck_assert_uint_le(at_minute, 7);
	bench_run_until(b, 60 * MINUTE);
	ck_assert_uint_le(b->devices[0].notifies, 20);
	bench_peer(b, 0, true);
	b->devices[0].ignores_notify = false;
	bench_run_until(b, b->now_ms + MINUTE);
	ck_assert(bench_job(b, 0)->over);
}
END_TEST

START_TEST(notify_of_many_is_one_broadcast)
{
	bench_init(b, 20, 300, "concurrent=20");
	for (unsigned i = 0; i < 20; i++)
		bench_offer(b, i);
	bench_run_until(b, b->now_ms + 10000);
	ck_assert_uint_eq(b->broadcasts, 1);
	ck_assert_uint_eq(b->last_jitter, 100);
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 20);
	for (unsigned i = 0; i < 20; i++)
		ck_assert_uint_eq(b->devices[i].notifies, 1);
}
END_TEST

START_TEST(notify_of_many_lost_is_repeated_then_told_one_by_one)
{
	bench_init(b, 20, 300, "concurrent=20");
	for (unsigned i = 0; i < 20; i++)
		b->devices[i].silent = true;
	for (unsigned i = 0; i < 20; i++)
		bench_offer(b, i);
	bench_run_until(b, b->now_ms + 40000);
	ck_assert_uint_eq(b->broadcasts, 3);
	for (unsigned i = 0; i < 20; i++)
		b->devices[i].silent = false;
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 20);
	ck_assert_uint_eq(b->broadcasts, 3);
}
END_TEST

START_TEST(notify_of_many_by_few_places_asks_for_few)
{
	bench_init(b, 40, 300, "concurrent=4");
	for (unsigned i = 0; i < 40; i++)
		bench_offer(b, i);
	bench_run_until(b, b->now_ms + 1000);
	ck_assert_uint_eq(b->last_jitter, 20);
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 40);
	ck_assert_uint_le(b->most_places, 4);
}
END_TEST

START_TEST(notify_of_few_or_by_option_is_no_broadcast)
{
	bench_init(b, 12, 300, _i ? "broadcast=no" : "");
	for (unsigned i = 0; i < (_i ? 12u : 7u); i++)
		bench_offer(b, i);
	bench_run(b);
	ck_assert_uint_eq(b->over_count, b->job_count);
	ck_assert_uint_eq(b->broadcasts, 0);
}
END_TEST

START_TEST(sleepy_child_is_not_pushed_and_served_when_it_asks)
{
	bench_init(b, 1, LEN, "");
	b->devices[0].sleepy = true;
	b->devices[0].think_ms = 2000;
	bench_peer(b, 0, false);
	bench_offer(b, 0);
	bench_run_until(b, 60 * MINUTE);
	ck_assert_uint_eq(b->sends, 0);
	ck_assert_int_eq(bench_job(b, 0)->wait, ENGINE_WAIT_WAKE);
	bench_query(b, 0);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert(bench_has_image(b, 0));
}
END_TEST

START_TEST(check_in_with_offer_polls_fast_until_the_end)
{
	struct device *d;

	bench_init(b, 1, LEN, "");
	d = &b->devices[0];
	d->sleepy = true;
	bench_peer(b, 0, false);
	bench_offer(b, 0);
	bench_run_until(b, 10 * MINUTE);
	bench_check_in(b, 0);
	bench_run(b);
	ck_assert_uint_eq(d->check_ins, 1);
	ck_assert_uint_eq(d->fast, 1);
	ck_assert_uint_eq(d->notifies, 1);
	bench_run_until(b, b->now_ms + 10);
	ck_assert_uint_eq(d->stops, 1);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(check_in_without_offer_lets_it_sleep)
{
	bench_init(b, 1, LEN, "");
	b->devices[0].sleepy = true;
	bench_peer(b, 0, false);
	bench_check_in(b, 0);
	settle();
	ck_assert_uint_eq(b->devices[0].check_ins, 1);
	ck_assert_uint_eq(b->devices[0].fast, 0);
}
END_TEST

/* ---- places ---- */

START_TEST(places_bound_the_downloads)
{
	bench_init(b, 20, LEN, "broadcast=no");
	for (unsigned i = 0; i < 20; i++) {
		bench_offer(b, i);
		bench_query(b, i);
	}
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 20);
	ck_assert_uint_le(b->most_places, 4);
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_int_eq(bench_job(b, i)->outcome, ENGINE_DONE);
		ck_assert_uint_eq(b->devices[i].no_image, 0);
	}
	ck_assert_uint_gt(b->devices[19].waits, 0);
	/* Nobody waits a minute for what takes a second. */
	ck_assert_int_lt(b->now_ms, MINUTE);
	ck_assert_uint_ne(bench_job(b, 19)->waits & 1u << ENGINE_WAIT_TURN, 0);
}
END_TEST

START_TEST(places_are_withheld_from_who_cannot_wait)
{
	bench_init(b, 12, LEN, "broadcast=no");
	bench_quirks(b, "", "* : honours_wait=no");
	for (unsigned i = 0; i < 12; i++) {
		b->devices[i].knows_no_wait = true;
		bench_offer(b, i);
		bench_query(b, i);
	}
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 12);
	ck_assert_uint_le(b->most_places, 4);
	ck_assert_uint_ge(b->devices[11].no_image, 1);
	for (unsigned i = 0; i < 12; i++) {
		ck_assert_int_eq(bench_job(b, i)->outcome, ENGINE_DONE);
		ck_assert_uint_eq(b->devices[i].waits, 0);
	}
}
END_TEST

START_TEST(places_of_silent_devices_are_given_on)
{
	bench_init(b, 6, LEN, "concurrent=2 broadcast=no");
	for (unsigned i = 0; i < 6; i++) {
		b->devices[i].silent = i < 4;
		bench_offer(b, i);
	}
	bench_run_until(b, 3 * MINUTE);
	ck_assert(bench_job(b, 4)->over);
	ck_assert(bench_job(b, 5)->over);
	ck_assert_uint_eq(b->over_count, 2);
}
END_TEST

START_TEST(places_for_sleepy_children_are_fewer)
{
	bench_init(b, 8, LEN, "concurrent=6 sleepy_concurrent=1 broadcast=no");
	for (unsigned i = 0; i < 8; i++) {
		b->devices[i].sleepy = i >= 4;
		b->devices[i].think_ms = i >= 4 ? 500 : 100;
		bench_peer(b, i, false);
		bench_offer(b, i);
		bench_query(b, i);
	}
	bench_run_until(b, 5000);
	ck_assert_uint_eq(counts().downloads, 5);
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 8);
}
END_TEST

START_TEST(place_goes_to_the_oldest_offer_first)
{
	bench_init(b, 6, LEN, "concurrent=1 broadcast=no");
	for (unsigned i = 0; i < 6; i++)
		bench_offer(b, 5 - i);
	bench_run(b);
	for (unsigned i = 0; i < 5; i++)
		ck_assert_int_gt(bench_job(b, i)->over_ms,
			bench_job(b, i + 1)->over_ms);
}
END_TEST

/* ---- airtime ---- */

START_TEST(airtime_is_kept_and_used)
{
	bench_init(b, 16, 20000, "concurrent=16 broadcast=no");
	b->budget_us = 350000;
	for (unsigned i = 0; i < 16; i++)
		bench_offer(b, i);
	bench_run_until(b, 5000);
	b->airtime_us = 0;
	bench_run_until(b, 65000);
	ck_assert_uint_eq(b->over_count, 0);
	ck_assert_uint_le(b->most_us, b->budget_us);
	ck_assert_uint_ge(b->airtime_us, (uint64_t)b->budget_us * 60 * 95 / 100);
	b->limit_ms = 3600 * 1000;
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 16);
}
END_TEST

START_TEST(airtime_scarce_sends_away_who_can_wait)
{
	unsigned waits = 0;

	bench_init(b, 16, 2000, "concurrent=16 broadcast=no");
	b->budget_us = 20000;
	for (unsigned i = 0; i < 16; i++)
		bench_offer(b, i);
	bench_run_until(b, 3 * MINUTE);
	for (unsigned i = 0; i < 16; i++) {
		waits += b->devices[i].waits;
		if (b->devices[i].waits)
			ck_assert_uint_le(b->devices[i].last_wait_s, 5);
	}
	ck_assert_uint_gt(waits, 0);
	ck_assert_uint_ne(bench_job(b, 0)->waits & 1u << ENGINE_WAIT_AIRTIME,
		0);
}
END_TEST

START_TEST(airtime_none_holds_the_newest_request_only)
{
	struct engine_event e = {.type = ENGINE_BUDGET, .budget = {0, 5000}};
	unsigned before;

	begin_transfer("");
	bench_event(b, &e);
	before = b->sends;
	for (unsigned i = 0; i < 10; i++) {
		char hex[64];

		snprintf(hex, sizeof(hex), "01%02x0300341202010d0c0b0a"
			"%02x00000008", i, i * 8);
		bench_rx_hex(b, 0, OTA, hex);
	}
	settle();
	ck_assert_uint_eq(b->sends, before);
	e.budget.airtime_us = UINT32_MAX;
	bench_event(b, &e);
	settle();
	ck_assert_uint_eq(b->sends, before + 1);
	ck_assert_uint_eq(bench_log(b, 0)->data[1], 9);
	ck_assert_uint_eq(bench_log(b, 0)->data[12], 72);
}
END_TEST

static void ask_both(unsigned tsn)
{
	char hex[64];

	snprintf(hex, sizeof(hex), "01%02x0300341202010d0c0b0a000000003f",
		tsn);
	bench_rx_hex(b, 0, OTA, hex);
	bench_rx_hex(b, 1, OTA, hex);
}

/* Of a sleepy child and a router, who gets the block that can be afforded? The
 * router; once the child has waited for a second, the child. */
START_TEST(airtime_goes_to_routers_before_sleepy_children)
{
	struct engine_event e = {.type = ENGINE_BUDGET};

	bench_init(b, 2, LEN, "broadcast=no");
	for (unsigned i = 0; i < 2; i++) {
		b->devices[i].sleepy = i == 0;
		b->devices[i].stops_at = 500;
		bench_peer(b, i, false);
		bench_offer(b, i);
		bench_query(b, i);
	}
	bench_run_until(b, 5000);
	e.budget.more_at_ms = 5100;
	bench_event(b, &e);
	ask_both(77);
	bench_run_until(b, b->now_ms + (_i ? 1500 : 500));
	e.budget.airtime_us = 7000;
	bench_event(b, &e);
	settle();
	ck_assert_uint_eq(bench_log(b, 0)->device, _i ? 0 : 1);
	ck_assert_uint_eq(bench_log(b, 0)->data[1], 77);
	ck_assert_uint_ne(bench_log(b, 1)->data[1], 77);
	bench_event(b, &e);
	settle();
	ck_assert_uint_eq(bench_log(b, 0)->device, _i ? 1 : 0);
}
END_TEST

START_TEST(airtime_set_aside_comes_back_when_the_device_changes_its_mind)
{
	struct engine_event e = {.type = ENGINE_BUDGET, .budget = {20000, 0}};

	begin_transfer("");
	b->image_ms = 1000;
	bench_event(b, &e);
	bench_rx_hex(b, 0, OTA, BLOCK_AT("00000000", "3f"));
	settle();
	bench_rx_hex(b, 0, OTA, "01430100" "3412" "0201" "00010000");
	bench_run_until(b, b->now_ms + 1500);
	b->image_ms = 0;
	e.budget.airtime_us = 7000;
	bench_event(b, &e);
	bench_rx_hex(b, 0, OTA, "01440300" "3412" "0201" "0d0c0b0a"
		"32000000" "3f");
	settle();
	ck_assert_uint_eq(bench_log(b, 0)->data[1], 0x44);
	ck_assert_uint_eq(bench_log(b, 0)->data[3], ZCL_SUCCESS);
}
END_TEST

START_TEST(sleepy_child_that_joins_is_notified_while_it_listens)
{
	bench_init(b, 1, LEN, "");
	b->devices[0].sleepy = true;
	bench_peer(b, 0, false);
	bench_offer(b, 0);
	bench_run_until(b, 5 * MINUTE);
	ck_assert_uint_eq(b->devices[0].notifies, 0);
	bench_peer(b, 0, true);
	bench_run(b);
	ck_assert_uint_eq(b->devices[0].notifies, 1);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

/* ---- stages ---- */

START_TEST(transfer_waits_for_go)
{
	bench_init(b, 1, LEN, "");
	b->go_at = ENGINE_STAGE_TRANSFER;
	b->go_ms = 25000;
	bench_offer(b, 0);
	bench_run_until(b, 25000);
	ck_assert_uint_eq(b->devices[0].blocks, 0);
	ck_assert_uint_le(b->devices[0].queries, 2);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(restart_waits_for_go)
{
	struct device *d;

	bench_init(b, 1, LEN, "");
	d = &b->devices[0];
	b->go_at = _i ? ENGINE_STAGE_ACTIVATE : ENGINE_STAGE_RESTART;
	b->go_ms = 20 * MINUTE;
	bench_offer(b, 0);
	bench_run_until(b, 20 * MINUTE);
	ck_assert_uint_eq(d->last_upgrade_s, UINT32_MAX);
	ck_assert_uint_eq(d->restarts, 0);
	bench_run(b);
	ck_assert_uint_eq(d->last_upgrade_s, 1);
	ck_assert_uint_eq(d->restarts, 1);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(end_response_not_asked_for_is_repeated_when_lost)
{
	struct device *d;

	bench_init(b, 1, LEN, "");
	d = &b->devices[0];
	b->go_at = ENGINE_STAGE_RESTART;
	b->go_ms = 20 * MINUTE;
	bench_offer(b, 0);
	bench_run_until(b, 20 * MINUTE);
	d->drop_nth = d->received + 1;
	bench_run(b);
	ck_assert_uint_eq(d->restarts, 1);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(stage_without_go_never_restarts_the_device)
{
	bench_init(b, 1, LEN, "");
	b->stop_at = ENGINE_STAGE_STAGED + _i;
	bench_offer(b, 0);
	bench_run_until(b, 120 * MINUTE);
	ck_assert_uint_eq(b->devices[0].restarts, 0);
	ck_assert(!bench_job(b, 0)->over);
}
END_TEST

START_TEST(stages_come_in_their_order)
{
	bench_init(b, 1, LEN, "");
	bench_offer(b, 0);
	bench_run(b);
	ck_assert_uint_eq(bench_job(b, 0)->stages, BIT(TRANSFER) |
		BIT(STAGED) | BIT(ACTIVATE) | BIT(RESTART));
	ck_assert_uint_eq(bench_job(b, 0)->progress, LEN);
	ck_assert_uint_ge(bench_job(b, 0)->progresses, 20);
	ck_assert_uint_le(bench_job(b, 0)->progresses, 140);
}
END_TEST

START_TEST(withdraw_by_stage_ends_withdrawn)
{
	bench_init(b, 1, LEN, "");
	b->withdraw_at = ENGINE_STAGE_TRANSFER + _i;
	bench_offer(b, 0);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_WITHDRAWN);
	bench_run_until(b, 5 * MINUTE);
	ck_assert_uint_eq(b->devices[0].restarts, 0);
}
END_TEST

START_TEST(withdraw_in_mid_transfer_aborts_the_device)
{
	struct engine_event e = {.type = ENGINE_WITHDRAW,
		.withdraw.job = 100};

	bench_init(b, 1, LEN, "grace_s=0");
	bench_offer(b, 0);
	while (b->devices[0].blocks < 5)
		bench_run_until(b, b->now_ms + 10);
	bench_event(b, &e);
	bench_run_until(b, b->now_ms + 5000);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_WITHDRAWN);
	ck_assert_uint_eq(b->devices[0].aborts, 1);
}
END_TEST

START_TEST(withdraw_behind_the_restart_makes_way)
{
	struct engine_event e = {.type = ENGINE_WITHDRAW,
		.withdraw.job = 100};

	bench_init(b, 1, LEN, "");
	bench_offer(b, 0);
	while (!(bench_job(b, 0)->stages & BIT(RESTART)))
		bench_run_until(b, b->now_ms + 10);
	bench_event(b, &e);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_WITHDRAWN);
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_RESTART, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

/* ---- restarts of the gateway, lost links ---- */

START_TEST(gateway_restart_goes_on_where_the_device_is)
{
	struct device *d;
	unsigned blocks, queries;

	bench_init(b, 1, 20000, "");
	d = &b->devices[0];
	bench_offer(b, 0);
	while (d->blocks < 200)
		bench_run_until(b, b->now_ms + 10);
	queries = d->queries;
	blocks = d->blocks;
	bench_restart(b, "");
	b->now_ms += _i * 20000;
	bench_run_until(b, b->now_ms + 1);
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_TRANSFER, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert(bench_has_image(b, 0));
	ck_assert_uint_eq(d->queries, queries);
	ck_assert_uint_eq(d->blocks, 400);
	ck_assert_uint_ge(blocks, 200);
}
END_TEST

START_TEST(gateway_restart_with_late_offer_keeps_the_device)
{
	struct device *d;
	unsigned queries;

	bench_init(b, 1, 20000, "");
	d = &b->devices[0];
	bench_offer(b, 0);
	while (d->blocks < 200)
		bench_run_until(b, b->now_ms + 10);
	queries = d->queries;
	bench_restart(b, "");
	bench_run_until(b, b->now_ms + 100000);
	ck_assert_uint_eq(d->aborts, 0);
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_TRANSFER, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert_uint_eq(d->queries, queries);
}
END_TEST

START_TEST(gateway_restart_finds_the_device_that_gave_up)
{
	struct device *d;

	bench_init(b, 1, 20000, "");
	d = &b->devices[0];
	bench_offer(b, 0);
	while (d->blocks < 200)
		bench_run_until(b, b->now_ms + 10);
	d->state = DEVICE_IDLE;
	d->due_ms = ENGINE_NEVER;
	bench_restart(b, "");
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_TRANSFER, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

/* It has all and was told to wait; it would not ask again for an hour. */
START_TEST(gateway_restart_finds_the_device_that_waits)
{
	struct device *d;

	bench_init(b, 1, LEN, "");
	d = &b->devices[0];
	b->stop_at = ENGINE_STAGE_ACTIVATE;
	bench_offer(b, 0);
	bench_run_until(b, 5 * MINUTE);
	ck_assert_uint_eq(d->last_upgrade_s, UINT32_MAX);
	b->stop_at = -1;
	bench_restart(b, "");
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_STAGED, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert_int_lt(b->now_ms, 10 * MINUTE);
	ck_assert_uint_eq(d->restarts, 1);
}
END_TEST

START_TEST(gateway_restart_behind_the_restart_reads_back)
{
	struct device *d;

	bench_init(b, 1, LEN, "");
	d = &b->devices[0];
	d->version = _i ? BENCH_OLD : BENCH_NEW;
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_RESTART, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, _i ? ENGINE_FAILED :
		ENGINE_DONE);
	ck_assert_int_eq(bench_job(b, 0)->failure.code, _i ?
		ERR_ZIGBEE_OLD_VERSION : 0);
	ck_assert_uint_eq(d->notifies, 0);
	ck_assert_uint_eq(bench_job(b, 0)->stages, 0);
}
END_TEST

/* It waits for leave to restart; an earlier run gave it, this one has not. */
START_TEST(gateway_restart_behind_the_restart_lets_nobody_go_without_go)
{
	bench_init(b, 1, LEN, "");
	b->stop_at = ENGINE_STAGE_STAGED;
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_RESTART, NULL,
		false);
	settle();
	b->devices[0].state = DEVICE_END;
	bench_rx_hex(b, 0, OTA, END_OK);
	bench_run_until(b, 5 * MINUTE);
	ck_assert_uint_eq(b->devices[0].last_upgrade_s, UINT32_MAX);
	ck_assert_uint_eq(b->devices[0].restarts, 0);
}
END_TEST

START_TEST(link_lost_in_mid_transfer_goes_on)
{
	struct device *d;

	bench_init(b, 2, 20000, "");
	bench_offer(b, 0);
	bench_offer(b, 1);
	d = &b->devices[0];
	while (d->blocks < 100)
		bench_run_until(b, b->now_ms + 10);
	bench_link(b, false);
	bench_run_until(b, b->now_ms + 15000);
	bench_link(b, true);
	bench_run(b);
	ck_assert_uint_eq(d->queries, 1);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert_int_eq(bench_job(b, 1)->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(link_lost_for_hours_is_not_silence)
{
	bench_init(b, 1, LEN, "");
	bench_offer(b, 0);
	while (b->devices[0].blocks < 20)
		bench_run_until(b, b->now_ms + 10);
	bench_link(b, false);
	bench_run_until(b, b->now_ms + 300 * MINUTE);
	ck_assert(!bench_job(b, 0)->over);
	bench_link(b, true);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(peer_gone_and_back_is_notified_again)
{
	struct engine_event e = {.type = ENGINE_PEER, .peer = {.gone = true}};

	bench_init(b, 1, LEN, "");
	e.peer.key = b->devices[0].key;
	b->devices[0].ignores_notify = true;
	bench_offer(b, 0);
	bench_run_until(b, 10 * MINUTE);
	bench_event(b, &e);
	b->devices[0].ignores_notify = false;
	bench_run_until(b, b->now_ms + MINUTE);
	ck_assert(!bench_job(b, 0)->over);
	bench_peer(b, 0, false);
	bench_run_until(b, b->now_ms + MINUTE);
	ck_assert(bench_job(b, 0)->over);
}
END_TEST

/* ---- inventory ---- */

START_TEST(inventory_of_router_is_read)
{
	bench_init(b, 1, LEN, "");
	b->devices[0].knows_no_read = _i == 1;
	b->devices[0].silent = _i == 2;
	bench_offer_as(b, 0, ENGINE_GOAL_INVENTORY, ENGINE_STAGE_NONE, NULL,
		false);
	bench_run(b);
	ck_assert(bench_job(b, 0)->over);
	ck_assert_uint_eq(bench_job(b, 0)->stages, 0);
	if (_i == 2) {
		ck_assert_int_eq(bench_job(b, 0)->failure.code,
			ERR_ZIGBEE_NO_ANSWER);
		return;
	}
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert_str_eq(bench_job(b, 0)->facts.version, "0x00000100");
}
END_TEST

START_TEST(inventory_of_who_refuses_all_ends)
{
	bench_init(b, 1, LEN, "");
	b->devices[0].knows_no_read = true;
	b->devices[0].refuses_notify = true;
	bench_offer_as(b, 0, ENGINE_GOAL_INVENTORY, ENGINE_STAGE_NONE, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->failure.code, ERR_ZIGBEE_NO_ANSWER);
	ck_assert_uint_le(b->sends, 6);
}
END_TEST

START_TEST(inventory_of_sleepy_child_takes_what_it_said)
{
	bench_init(b, 1, LEN, "");
	b->devices[0].sleepy = true;
	bench_peer(b, 0, false);
	bench_offer_as(b, 0, ENGINE_GOAL_INVENTORY, ENGINE_STAGE_NONE, NULL,
		false);
	bench_run_until(b, 10 * MINUTE);
	ck_assert(!bench_job(b, 0)->over);
	ck_assert_int_eq(bench_job(b, 0)->wait, ENGINE_WAIT_WAKE);
	bench_query(b, 0);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	bench_offer_as(b, 0, ENGINE_GOAL_INVENTORY, ENGINE_STAGE_NONE, NULL,
		false);
	settle();
	ck_assert_str_eq(bench_job(b, 0)->facts.version, "0x00000100");
	ck_assert(bench_job(b, 0)->over);
}
END_TEST

START_TEST(inventory_beside_a_job_is_answered_from_memory)
{
	struct engine_event e = {.type = ENGINE_OFFER};

	begin_transfer("");
	e.offer.job = 5000;
	e.offer.goal = ENGINE_GOAL_INVENTORY;
	e.offer.reached = ENGINE_STAGE_NONE;
	e.offer.peer = b->devices[0].key;
	b->jobs[1] = (struct bench_job){.job = 5000, .device = 1,
		.pending = -1};
	b->job_count = 2;
	bench_event(b, &e);
	settle();
	ck_assert(bench_job(b, 1)->over);
	ck_assert_str_eq(bench_job(b, 1)->facts.version, "0x00000100");
	ck_assert(!bench_job(b, 0)->over);
}
END_TEST

/* ---- offers that cannot be ---- */

START_TEST(offer_without_ota_file_fails)
{
	bench_init(b, 1, LEN, "");
	b->image[0] ^= 1;
	bench_offer(b, 0);
	settle();
	ck_assert_int_eq(bench_job(b, 0)->failure.code, ERR_OTA_FILE_MAGIC);
}
END_TEST

START_TEST(offer_with_bad_option_fails)
{
	bench_init(b, 1, LEN, "");
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE, "shine=1",
		false);
	settle();
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_FAILED);
}
END_TEST

START_TEST(image_that_cannot_be_read_fails_and_aborts)
{
	bench_init(b, 1, LEN, "grace_s=0");
	bench_offer(b, 0);
	while (b->devices[0].blocks < 20)
		bench_run_until(b, b->now_ms + 10);
	b->image_status = ERR_STORE_ROTTEN_BLOB;
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->failure.code, ERR_STORE_ROTTEN_BLOB);
	bench_run_until(b, b->now_ms + 10);
	ck_assert_uint_eq(b->devices[0].aborts, 1);
}
END_TEST

/* The answer is held for want of airtime when the job begins anew. */
START_TEST(offer_of_the_same_job_asks_for_go_anew)
{
	struct engine_event e = {.type = ENGINE_BUDGET};
	unsigned blocks;

	begin_transfer("");
	bench_event(b, &e);
	bench_rx_hex(b, 0, OTA, BLOCK_AT("00000000", "3f"));
	settle();
	blocks = (unsigned)counts().blocks;
	b->stop_at = ENGINE_STAGE_TRANSFER;
	bench_offer(b, 0);
	e.budget.airtime_us = UINT32_MAX;
	bench_event(b, &e);
	bench_run_until(b, b->now_ms + 5000);
	ck_assert_uint_eq(bench_job(b, 0)->stages, BIT(TRANSFER));
	ck_assert_uint_eq(counts().blocks, blocks);
}
END_TEST

START_TEST(abort_again_and_again_is_final)
{
	bench_init(b, 1, LEN, "");
	b->devices[0].end_status = ZCL_ABORT;
	for (unsigned i = 0; i < 3; i++) {
		bench_offer(b, 0);
		bench_run(b);
		ck_assert_int_eq(bench_job(b, 0)->failure.code, i < 2 ?
			ERR_ZIGBEE_ABORTED : ERR_ZIGBEE_REFUSED);
	}
}
END_TEST

START_TEST(quirks_of_vendor_win_over_local_ones)
{
	bench_init(b, 1, LEN, "");
	bench_quirks(b, "vendor", "* : block_max=30");
	bench_quirks(b, "", "* : block_max=40");
	bench_offer(b, 0);
	bench_run(b);
	ck_assert_uint_eq(b->devices[0].longest, 30);
	bench_quirks(b, "vendor", "");
	b->devices[0].version = BENCH_OLD;
	b->devices[0].longest = 0;
	bench_offer(b, 0);
	bench_run(b);
	ck_assert_uint_eq(b->devices[0].longest, 40);
}
END_TEST

START_TEST(many_devices_with_loss_all_end)
{
	static const char *const options[] = {"concurrent=64", "",
		"broadcast=no", "concurrent=1 broadcast=no"};

	bench_init(b, 200, 1000, options[_i]);
	b->sent_ms = 3;
	b->fail_nth = 50;
	for (unsigned i = 0; i < 200; i++) {
		b->devices[i].drop_nth = 30 + i % 40;
		b->devices[i].drop_queries = i % 2;
		bench_offer(b, i);
	}
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 200);
	for (unsigned i = 0; i < 200; i++) {
		ck_assert_int_eq(bench_job(b, i)->outcome, ENGINE_DONE);
		ck_assert(bench_has_image(b, i));
	}
	ck_assert_uint_le(b->most_places, _i == 0 ? 64 : 4);
	ck_assert_uint_eq(counts().offers, 0);
	ck_assert_int_lt(b->now_ms, 10 * MINUTE);
}
END_TEST

/* ---- options ---- */

struct option_row {
	const char *text;
	bool of_class;
	const char *field; /* NULL: taken */
};

static const struct option_row option_rows[] = {
	{"", false, NULL}, {NULL, false, NULL},
	{"concurrent=64 block=64 window=8 grace_s=0 budget=35", false, NULL},
	{"concurrent=0", false, "concurrent"},
	{"concurrent=1025", false, "concurrent"},
	{"window=65", false, "window"}, {"block=19", false, "block"},
	{"block=65", false, "block"}, {"jitter=0", false, "jitter"},
	{"broadcast=maybe", false, "broadcast"}, {"grace_s=", false, "grace_s"},
	{"shine=1", false, "shine"}, {"block", false, "block"},
	{"budget=-1", false, "budget"},
	{"", true, NULL}, {NULL, true, NULL},
	{"activate=wait block=64 from=0x1-0xff image_type=0x10", true, NULL},
	{"finish_s=1800 pages=no", true, NULL},
	{"activate=soon", true, "activate"}, {"from=5", true, "from"},
	{"from=9-5", true, "from"}, {"manufacturer=0x10000", true,
		"manufacturer"},
	{"finish_s=x", true, "line 1: finish_s"},
	{"shine=1", true, "line 1: shine"}, {"a:b=1", true, "a:b"},
	{"pages=no #", true, "#"},
};

START_TEST(options_by_row_are_judged)
{
	const struct option_row *row = &option_rows[_i];
	const struct engine_ops *ops = &zigbee_ota_engine_ops;
	struct fault f = {0};
	int rc = row->of_class ? ops->class_options(row->text, &f) :
		ops->create(row->text, NULL, &f);

	b->engine = NULL;
	if (!row->field)
		ck_assert_msg(rc == 0, "%s: %s %s", row->text, f.field,
			f.rule);
	else
		ck_assert_msg(rc < 0 && !strncmp(f.field, row->field,
				strlen(row->field)), "%s: %d %s", row->text,
			rc, f.field);
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

static void add_turns(TCase *c)
{
	tcase_add_test(c, notify_lost_is_repeated_with_growing_pauses);
	tcase_add_test(c, notify_of_many_is_one_broadcast);
	tcase_add_test(c,
		notify_of_many_lost_is_repeated_then_told_one_by_one);
	tcase_add_test(c, notify_of_many_by_few_places_asks_for_few);
	tcase_add_loop_test(c, notify_of_few_or_by_option_is_no_broadcast, 0,
		2);
	tcase_add_test(c, sleepy_child_is_not_pushed_and_served_when_it_asks);
	tcase_add_test(c, check_in_with_offer_polls_fast_until_the_end);
	tcase_add_test(c, check_in_without_offer_lets_it_sleep);
	tcase_add_test(c, places_bound_the_downloads);
	tcase_add_test(c, places_are_withheld_from_who_cannot_wait);
	tcase_add_test(c, places_of_silent_devices_are_given_on);
	tcase_add_test(c, places_for_sleepy_children_are_fewer);
	tcase_add_test(c, place_goes_to_the_oldest_offer_first);
	tcase_add_test(c, airtime_is_kept_and_used);
	tcase_add_test(c, airtime_scarce_sends_away_who_can_wait);
	tcase_add_test(c,
		airtime_set_aside_comes_back_when_the_device_changes_its_mind);
	tcase_add_test(c,
		sleepy_child_that_joins_is_notified_while_it_listens);
	tcase_add_test(c, airtime_none_holds_the_newest_request_only);
	tcase_add_loop_test(c, airtime_goes_to_routers_before_sleepy_children,
		0, 2);
}

static void add_stages(TCase *c)
{
	tcase_add_test(c, transfer_waits_for_go);
	tcase_add_loop_test(c, restart_waits_for_go, 0, 2);
	tcase_add_test(c, end_response_not_asked_for_is_repeated_when_lost);
	tcase_add_loop_test(c, stage_without_go_never_restarts_the_device, 0,
		3);
	tcase_add_test(c, stages_come_in_their_order);
	tcase_add_loop_test(c, withdraw_by_stage_ends_withdrawn, 0, 4);
	tcase_add_test(c, withdraw_in_mid_transfer_aborts_the_device);
	tcase_add_test(c, withdraw_behind_the_restart_makes_way);
	tcase_add_loop_test(c, gateway_restart_goes_on_where_the_device_is, 0,
		2);
	tcase_add_test(c, gateway_restart_with_late_offer_keeps_the_device);
	tcase_add_test(c, gateway_restart_finds_the_device_that_gave_up);
	tcase_add_test(c, gateway_restart_finds_the_device_that_waits);
	tcase_add_loop_test(c, gateway_restart_behind_the_restart_reads_back,
		0, 2);
	tcase_add_test(c,
		gateway_restart_behind_the_restart_lets_nobody_go_without_go);
	tcase_add_test(c, link_lost_in_mid_transfer_goes_on);
	tcase_add_test(c, link_lost_for_hours_is_not_silence);
	tcase_add_test(c, peer_gone_and_back_is_notified_again);
}

static void add_offers(TCase *c)
{
	tcase_add_loop_test(c, inventory_of_router_is_read, 0, 3);
	tcase_add_test(c, inventory_of_who_refuses_all_ends);
	tcase_add_test(c, inventory_of_sleepy_child_takes_what_it_said);
	tcase_add_test(c, inventory_beside_a_job_is_answered_from_memory);
	tcase_add_test(c, offer_without_ota_file_fails);
	tcase_add_test(c, offer_with_bad_option_fails);
	tcase_add_test(c, image_that_cannot_be_read_fails_and_aborts);
	tcase_add_test(c, offer_of_the_same_job_asks_for_go_anew);
	tcase_add_test(c, abort_again_and_again_is_final);
	tcase_add_test(c, quirks_of_vendor_win_over_local_ones);
	tcase_add_loop_test(c, many_devices_with_loss_all_end, 0, 4);
	tcase_add_loop_test(c, options_by_row_are_judged, 0,
		sizeof(option_rows) / sizeof(option_rows[0]));
}

int main(void)
{
	static void (*const add[])(TCase *) = {add_serving, add_turns,
		add_stages, add_offers};
	static const char *const names[] = {"serving", "turns", "stages",
		"offers"};
	Suite *s = suite_create("zigbee_turns");

	for (size_t i = 0; i < 4; i++) {
		TCase *c = tcase_create(names[i]);

		tcase_add_checked_fixture(c, setup, teardown);
		tcase_set_timeout(c, 60);
		add[i](c);
		suite_add_tcase(s, c);
	}
	return unit_run(s);
}
