/* Whole updates: one device, one peculiarity, one outcome. */
#include "ferry/transport.h"
#include "tests/unit/devices/zigbee_case.h"

#define LEN 5000
#define BLOCKS (LEN / 50)

struct row {
	const char *name;
	void (*set)(struct device *d);
	const char *options; /* of the class */
	const char *quirks;  /* the local table */
	enum engine_outcome outcome;
	int code;
	void (*check)(const struct device *d);
	bool order; /* a downgrade is ordered */
};

/* ---- what is odd about them, and what must come of it ---- */

static void contained(struct device *d)
{
	(void)d;
	bench_contain(b, 712, 512);
}

static void parts(struct device *d)
{
	(void)d;
	b->image_part = 7;
}

static void slow_host(struct device *d)
{
	(void)d;
	b->image_ms = 40;
}

/* The next request comes before the last answer is confirmed. */
static void late_confirm(struct device *d)
{
	d->think_ms = 0;
	b->sent_ms = 50;
}

static void fast(const struct device *d)
{
	(void)d;
	ck_assert_int_lt(bench_job(b, 0)->over_ms, 20000);
}

static void twice(struct device *d)
{
	d->asks_twice = true;
	b->sent_ms = 5;
}

static void coalesced(const struct device *d)
{
	(void)d;
	ck_assert_uint_ge(case_counts().coalesced, BLOCKS);
	ck_assert_uint_eq(case_counts().blocks, BLOCKS);
}

static void loss(struct device *d) { d->drop_nth = 5; }
static void zero_after(struct device *d)
{
	d->zero_after = true;
	d->drop_answers = 1;
}

static void malformed(struct device *d) { d->malformed = true; }
static void period(struct device *d) { d->period_bit = true; }
static void any_key(struct device *d) { d->any_key_asked = true; }
static void pages(struct device *d) { d->uses_pages = true; }

static void pages_loss(struct device *d)
{
	d->uses_pages = true;
	d->drop_nth = 9;
}

static void unsupported(const struct device *d)
{
	ck_assert_uint_eq(d->last_default, ZCL_UNSUP_COMMAND);
	ck_assert_uint_eq(d->defaults, 1);
}

static void no_end(struct device *d) { d->no_end = true; }
static void no_end_old(struct device *d)
{
	d->no_end = true;
	d->stays_old = true;
}

static void no_announce(struct device *d) { d->announces_not = true; }
static void no_read(struct device *d) { d->knows_no_read = true; }
static void no_wait(struct device *d) { d->knows_no_wait = true; }
static void slow_finish(struct device *d) { d->finish_ms = 30 * 60000; }
static void hour_a_block(struct device *d)
{
	d->think_ms = 50 * 60000;
	b->limit_ms *= 10;
}

static void stops(struct device *d) { d->stops_at = 1000; }
static void stops_at_end(struct device *d) { d->stops_at = LEN; }
static void aborts(struct device *d) { d->end_status = ZCL_ABORT; }
static void invalid(struct device *d) { d->end_status = ZCL_INVALID_IMAGE; }
static void more(struct device *d) { d->end_status = ZCL_REQUIRE_MORE_IMAGE; }
static void stays_old(struct device *d) { d->stays_old = true; }
static void stays_away(struct device *d) { d->stays_away = true; }
static void becomes_other(struct device *d) { d->becomes = 0x77; }
static void small(struct device *d) { d->max_data = 20; }
static void greedy(struct device *d) { d->max_data = 255; }
static void of_64(struct device *d) { d->max_data = 64; }

static void refused_quietly(const struct device *d)
{
	ck_assert_uint_eq(d->last_default, ZCL_SUCCESS);
	ck_assert_uint_eq(d->restarts, 0);
}

static void said_aborted(const struct device *d)
{
	refused_quietly(d);
	ck_assert_str_eq(bench_job(b, 0)->failure.device_status,
		"status=0x95 ABORT");
}

static void said_invalid(const struct device *d)
{
	refused_quietly(d);
	ck_assert_str_eq(bench_job(b, 0)->failure.device_status,
		"status=0x96 INVALID_IMAGE");
}

static void blocks_of_20(const struct device *d)
{
	ck_assert_uint_eq(d->longest, 20);
}

static void blocks_of_40(const struct device *d)
{
	ck_assert_uint_eq(d->longest, 40);
	ck_assert_uint_eq(d->shortest, 40);
}

static void blocks_of_50(const struct device *d)
{
	ck_assert_uint_eq(d->longest, 50);
}

static void blocks_of_64(const struct device *d)
{
	ck_assert_uint_eq(d->longest, 64);
	ck_assert_uint_eq(d->shortest, 64);
}

/* Blocks fail; what is left is sent in smaller ones. */
static void bad_radio(struct device *d)
{
	(void)d;
	b->fail_from = 20;
	b->fail_count = 9;
}

static void fell_to_40(const struct device *d)
{
	ck_assert_uint_eq(d->longest, 50);
	ck_assert_uint_eq(d->shortest, 40);
}

static void busy_radio(struct device *d)
{
	bad_radio(d);
	b->fail_status = FERRY_NOT_NOW;
	b->retry_after_ms = 500;
}

static void changes_key(struct device *d) { d->becomes_type = 0xbeef; }

static void fell_to_48(const struct device *d)
{
	ck_assert_uint_ge(d->shortest, 48);
}

static void acknowledged(const struct device *d)
{
	(void)d;
	for (unsigned i = 0; i < 40; i++)
		if (bench_log(b, i)->data[2] == OTA_BLOCK_RESPONSE)
			ck_assert_int_eq(bench_log(b, i)->until,
				FERRY_DELIVERED);
}

static void other_maker(struct device *d) { d->manufacturer = 0x4321; }
static void other_type(struct device *d) { d->type = 0x0999; }
static void no_bytes(const struct device *d)
{
	ck_assert_uint_eq(d->blocks, 0);
	ck_assert_uint_eq(bench_job(b, 0)->stages, 0);
}

static void hardware_fits(struct device *d)
{
	bench_hardware(b, 0x0100, 0x0200);
	d->has_hw = true;
	d->hw = 0x0150;
}

static void hardware_too_new(struct device *d)
{
	hardware_fits(d);
	d->hw = 0x0201;
}

static void hardware_silent(struct device *d)
{
	hardware_fits(d);
	d->has_hw = false;
}

static void runs_newer(struct device *d) { d->version = BENCH_NEW + 1; }
static void runs_it(struct device *d) { d->version = BENCH_NEW; }
static void sleeps_off(struct device *d) { d->ignores_notify = true; }

/* It asks by itself, again and again. */
static void storm(struct device *d)
{
	for (unsigned i = 0; i < 20; i++)
		bench_query(b, 0);
	d->state = DEVICE_IDLE;
}

static const struct row rows[] = {
	{"ordinary", NULL, NULL, NULL, ENGINE_DONE, 0, fast, false},
	{"container", contained, NULL, NULL, ENGINE_DONE, 0, NULL, false},
	{"image in parts", parts, NULL, NULL, ENGINE_DONE, 0, NULL, false},
	{"slow host", slow_host, NULL, NULL, ENGINE_DONE, 0, NULL, false},
	{"late confirm", late_confirm, NULL, NULL, ENGINE_DONE, 0, fast, false},
	{"asks twice", twice, NULL, NULL, ENGINE_DONE, 0, coalesced, false},
	{"loss", loss, NULL, NULL, ENGINE_DONE, 0, NULL, false},
	{"restarts at 0", zero_after, NULL, NULL, ENGINE_DONE, 0, NULL, false},
	{"malformed", malformed, NULL, NULL, ENGINE_DONE, 0, NULL, false},
	{"malformed, and means it", malformed, NULL, "* : ignore_malformed=no",
		ENGINE_FAILED, ERR_ZIGBEE_ABORTED, NULL, false},
	{"period bit without bytes", period, NULL, NULL, ENGINE_DONE, 0, NULL,
		false},
	{"wildcard key", any_key, NULL, NULL, ENGINE_DONE, 0, NULL, false},
	{"pages", pages, NULL, NULL, ENGINE_DONE, 0, NULL, false},
	{"pages with loss", pages_loss, NULL, NULL, ENGINE_DONE, 0, NULL,
		false},
	{"pages are not served", pages, "pages=no", NULL, ENGINE_DONE, 0,
		unsupported, false},
	{"no Upgrade End", no_end, NULL, "* : no_end=yes", ENGINE_DONE, 0,
		NULL, false},
	{"no Upgrade End, not told so", no_end, NULL, NULL, ENGINE_DONE, 0,
		NULL, false},
	{"no Upgrade End, old version", no_end_old, NULL,
		"* : no_end=yes finish_s=120", ENGINE_FAILED,
		ERR_ZIGBEE_OLD_VERSION, NULL, false},
	{"no announcement", no_announce, NULL, NULL, ENGINE_DONE, 0, NULL,
		false},
	{"no attributes, announces", no_read, NULL, NULL, ENGINE_UNVERIFIED,
		ERR_ZIGBEE_GONE, NULL, false},
	{"cannot wait", no_wait, NULL, NULL, ENGINE_DONE, 0, NULL, false},
	{"30 minutes after 100 %", slow_finish, NULL, NULL, ENGINE_DONE, 0,
		NULL, false},
	{"an hour a block", hour_a_block, NULL, "* : idle_s=3600",
		ENGINE_DONE, 0, NULL, false},
	{"an hour a block, not known", hour_a_block, NULL, NULL,
		ENGINE_FAILED, ERR_ZIGBEE_SILENT, NULL, false},
	{"falls silent", stops, NULL, NULL, ENGINE_FAILED, ERR_ZIGBEE_SILENT,
		NULL, false},
	{"falls silent at 100 %", stops_at_end, NULL, NULL, ENGINE_FAILED,
		ERR_ZIGBEE_SILENT, NULL, false},
	{"aborts", aborts, NULL, NULL, ENGINE_FAILED, ERR_ZIGBEE_ABORTED,
		said_aborted, false},
	{"aborts for the last time", aborts, "attempts_max=1", NULL,
		ENGINE_FAILED, ERR_ZIGBEE_GAVE_UP, said_aborted, false},
	{"invalid image", invalid, NULL, NULL, ENGINE_FAILED,
		ERR_ZIGBEE_REFUSED, said_invalid, false},
	{"needs more images", more, NULL, NULL, ENGINE_FAILED,
		ERR_ZIGBEE_REFUSED, refused_quietly, false},
	{"stays old", stays_old, NULL, NULL, ENGINE_FAILED,
		ERR_ZIGBEE_OLD_VERSION, NULL, false},
	{"manufacturer and type change", changes_key, NULL, NULL, ENGINE_DONE,
		0, NULL, false},
	{"stays away", stays_away, NULL, NULL, ENGINE_UNVERIFIED,
		ERR_ZIGBEE_GONE, NULL, false},
	{"another version", becomes_other, NULL, NULL, ENGINE_FAILED,
		ERR_ZIGBEE_OTHER_VERSION, NULL, false},
	{"asks for 20", small, NULL, NULL, ENGINE_DONE, 0, blocks_of_20, false},
	{"asks for 255", greedy, NULL, NULL, ENGINE_DONE, 0, blocks_of_50,
		false},
	{"exactly 64", of_64, NULL, "manufacturer=0x1234 : block_max=64",
		ENGINE_DONE, 0, blocks_of_64, false},
	{"64 by its class", of_64, "block=64", NULL, ENGINE_DONE, 0,
		blocks_of_64, false},
	{"at most 40", NULL, NULL, "manufacturer=0x1234 : block_max=40",
		ENGINE_DONE, 0, blocks_of_40, false},
	{"radio fails", bad_radio, NULL, NULL, ENGINE_DONE, 0, fell_to_40,
		false},
	{"radio is busy", busy_radio, NULL, NULL, ENGINE_DONE, 0, blocks_of_50,
		false},
	{"radio fails, never below 48", bad_radio, NULL, "* : block_min=48",
		ENGINE_DONE, 0, fell_to_48, false},
	{"blocks are acknowledged", NULL, "ack_blocks=yes", NULL, ENGINE_DONE,
		0, acknowledged, false},
	{"a pause between blocks", NULL, "block_delay_ms=100", NULL,
		ENGINE_DONE, 0, NULL, false},
	{"another manufacturer", other_maker, NULL, NULL, ENGINE_FAILED,
		ERR_ZIGBEE_NOT_FOR, no_bytes, false},
	{"another manufacturer, by class", other_maker, "manufacturer=0x4321",
		NULL, ENGINE_DONE, 0, NULL, false},
	{"another manufacturer, by quirk", other_maker, NULL,
		"manufacturer=0x4321 : any_key=yes", ENGINE_DONE, 0, NULL,
		false},
	{"another type", other_type, NULL, NULL, ENGINE_FAILED,
		ERR_ZIGBEE_NOT_FOR, no_bytes, false},
	{"another type, by class", other_type, "image_type=0x999", NULL,
		ENGINE_DONE, 0, NULL, false},
	{"hardware fits", hardware_fits, NULL, NULL, ENGINE_DONE, 0, NULL,
		false},
	{"hardware too new", hardware_too_new, NULL, NULL, ENGINE_FAILED,
		ERR_ZIGBEE_NOT_FOR, no_bytes, false},
	{"hardware not told", hardware_silent, NULL, NULL, ENGINE_DONE, 0,
		NULL, false},
	{"may follow", NULL, "from=0x100-0x1ff", NULL, ENGINE_DONE, 0, NULL,
		false},
	{"may not follow", NULL, "from=0x200-0x300", NULL, ENGINE_FAILED,
		ERR_ZIGBEE_NOT_FOR, no_bytes, false},
	{"downgrade", runs_newer, NULL, NULL, ENGINE_FAILED,
		ERR_ZIGBEE_DOWNGRADE, no_bytes, false},
	{"downgrade by order", runs_newer, NULL, NULL, ENGINE_DONE, 0, NULL,
		true},
	{"downgrade by order, class forbids", runs_newer, "downgrade=no", NULL,
		ENGINE_FAILED, ERR_ZIGBEE_DOWNGRADE, no_bytes, true},
	{"downgrade by order, refused by its make", runs_newer, NULL,
		"* : refuses_downgrade=yes", ENGINE_FAILED,
		ERR_ZIGBEE_DOWNGRADE, no_bytes, true},
	{"lower is newer", runs_newer, NULL, "* : lower_is_newer=yes",
		ENGINE_DONE, 0, NULL, false},
	{"runs it already", runs_it, NULL, NULL, ENGINE_DONE, 0, no_bytes,
		false},
	{"storm of queries", storm, NULL, NULL, ENGINE_DONE, 0, NULL, false},
	{"upgrade time 0", NULL, "upgrade_now=yes", NULL, ENGINE_DONE, 0, NULL,
		false},
	{"told to wait first", NULL, "activate=wait", NULL, ENGINE_DONE, 0,
		NULL, false},
	{"asks by itself only", sleeps_off, NULL, NULL, ENGINE_DONE, 0, NULL,
		false},
};

START_TEST(update_by_row_ends)
{
	const struct row *row = &rows[_i];
	struct device *d;
	struct bench_job *j;

	bench_init(b, 1, LEN, "");
	d = &b->devices[0];
	if (row->quirks)
		bench_quirks(b, "", row->quirks);
	if (row->set)
		row->set(d);
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE,
		row->options, row->order);
	if (d->ignores_notify)
		bench_query(b, 0);
	bench_run(b);
	j = bench_job(b, 0);
	ck_assert_msg(j->over, "%s: not over at %lld", row->name,
		(long long)b->now_ms);
	ck_assert_msg(j->outcome == row->outcome, "%s: outcome %d code %d %s",
		row->name, (int)j->outcome, j->failure.code, j->failure.hint);
	ck_assert_msg(j->failure.code == row->code, "%s: code %d", row->name,
		j->failure.code);
	ck_assert_msg(d->bad == 0, "%s: bad answers", row->name);
	if (row->outcome == ENGINE_DONE)
		ck_assert_msg(!strcmp(j->facts.version, "0x0a0b0c0d"), "%s",
			row->name);
	if (row->outcome == ENGINE_DONE && d->blocks)
		ck_assert_msg(bench_has_image(b, 0), "%s: image", row->name);
	if (row->check)
		row->check(d);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("zigbee_server");
	TCase *c = tcase_create("rows");

	tcase_add_checked_fixture(c, case_setup, case_teardown);
	tcase_add_loop_test(c, update_by_row_ends, 0,
		sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(s, c);
	return unit_run(s);
}
