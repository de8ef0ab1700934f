/* Clocks that stand still, jump, start in 1970 or are not there at all, against
 * a vendor's root and catalog. */
#include "tests/unit/unit.h"

#include "tests/unit/policy/maker.h"

#define DAY UINT64_C(86400)
#define Y2099 UINT64_C(4070908800)
#define BUILD (MAKER_NOW - 10 * DAY)

/* The catalog was issued at MAKER_NOW - 100 and expires a day after MAKER_NOW. */
static const struct row {
	const char *name;
	uint64_t build;
	uint64_t persisted; /* of the run before */
	uint64_t system;
	bool synchronised;
	uint64_t uptime; /* since the catalog was accepted */
	int accepted;    /* the code of the catalog */
	int state;	 /* afterwards, when it was accepted */
	uint64_t least;  /* trusted time is at least this late then */
} rows[] = {
	{"no clock at all, just started", BUILD, 0, 0, false, 0, 0, 0,
		MAKER_NOW - 100},
	{"no clock at all, up for a day and more", BUILD, 0, 0, false,
		DAY + 101, 0, ERR_TRUST_CATALOG_EXPIRED, MAKER_NOW + DAY},
	{"a clock that stands still", BUILD, 0, MAKER_NOW, false, DAY + 101, 0,
		ERR_TRUST_CATALOG_EXPIRED, MAKER_NOW + DAY},
	{"one that stands still and is called synchronised", BUILD, 0,
		MAKER_NOW, true, DAY + 101, 0, ERR_TRUST_CATALOG_EXPIRED,
		MAKER_NOW + DAY},
	{"1970", BUILD, 0, 10, false, 60, 0, 0, MAKER_NOW - 40},
	{"1970, called synchronised", BUILD, 0, 10, true, 0,
		ERR_TRUST_ROOT_NOT_YET, 0, 0},
	{"2099", BUILD, 0, Y2099, false, 60, 0, 0, MAKER_NOW - 40},
	{"2099, called synchronised", BUILD, 0, Y2099, true, 0,
		ERR_TRUST_ROOT_EXPIRED, 0, 0},
	{"right and synchronised", BUILD, 0, MAKER_NOW, true, 60, 0, 0,
		MAKER_NOW - 40},
	{"synchronised, a little slow", BUILD, 0, MAKER_NOW - 350, true, 0, 0,
		0, MAKER_NOW - 100},
	{"synchronised, slower than the skew", BUILD, 0, MAKER_NOW - 500, true,
		0, ERR_TRUST_CATALOG_NOT_YET, 0, 0},
	{"no clock, bound of the run before", BUILD, MAKER_NOW + DAY / 2, 0,
		false, 0, 0, 0, MAKER_NOW + DAY / 2},
	{"no clock, bound of the run before is past the catalog", BUILD,
		MAKER_NOW + DAY, 0, false, 0, 0, ERR_TRUST_CATALOG_EXPIRED,
		MAKER_NOW + DAY},
	{"1970 after a run that knew better", BUILD, MAKER_NOW + DAY, 10, false,
		0, 0, ERR_TRUST_CATALOG_EXPIRED, MAKER_NOW + DAY},
	{"a program that was built after the catalog expired", MAKER_NOW + DAY,
		0, 0, false, 0, 0, ERR_TRUST_CATALOG_EXPIRED, MAKER_NOW + DAY},
};

static struct buf file;

static struct bytes root_file(void)
{
	struct maker_root maker = maker_root_default();

	buf_reset(&file);
	maker_root_file(&maker, &file);
	return buf_bytes(&file);
}

static struct bytes catalog_file(uint64_t sequence)
{
	struct maker_catalog maker = maker_catalog_default();

	maker.sequence = sequence;
	buf_reset(&file);
	maker_catalog_file(&maker, &file);
	return buf_bytes(&file);
}

static void open_vendor(struct trust_vendor *v, const struct trust_clock *clk,
	uint64_t persisted)
{
	struct trust_floor floor = {.catalog = {.epoch = 1}};

	ck_assert_int_eq(trust_open(v, root_file(), &floor, persisted, clk,
				 NULL), 0);
	v->revocation = &maker_revocation_off;
}

START_TEST(catalog_with_each_clock)
{
	const struct row *row = &rows[_i];
	struct trust_clock clk = {
		row->build, 5, row->system, row->synchronised};
	struct trust_vendor v;
	int code;

	buf_init(&file, CATALOG_FILE_MAX);
	open_vendor(&v, &clk, row->persisted);
	code = trust_add_catalog(&v, catalog_file(10), &clk, NULL, NULL);
	ck_assert_msg(code == row->accepted, "%s: %s", row->name,
		err_name(code));
	if (!code) {
		clk.boot += row->uptime;
		code = trust_state(&v, &clk);
		ck_assert_msg(code == row->state, "%s: %s", row->name,
			err_name(code));
		ck_assert_msg(trust_time_value(&v.time, &clk) >= row->least,
			"%s", row->name);
	}
	trust_close(&v);
	buf_done(&file);
}
END_TEST

/* Unsigned time leaves no trace, whatever it said. */
START_TEST(bound_to_persist_never_has_anything_of_the_system_clock)
{
	const struct row *row = &rows[_i];
	struct trust_clock clk = {
		row->build, 5, row->system, row->synchronised};
	struct trust_vendor v;
	uint64_t highest = MAKER_NOW - 100;

	if (row->persisted > highest)
		highest = row->persisted;
	if (row->build > highest)
		highest = row->build;
	buf_init(&file, CATALOG_FILE_MAX);
	open_vendor(&v, &clk, row->persisted);
	(void)trust_add_catalog(&v, catalog_file(10), &clk, NULL, NULL);
	ck_assert_msg(trust_time_value(&v.time, &clk) <= highest, "%s",
		row->name);
	trust_close(&v);
	buf_done(&file);
}
END_TEST

/* How long after the expiry what was cut short may be taken up again. */
START_TEST(may_finish_ends_a_day_after_the_catalog)
{
	static const struct {
		uint64_t after;
		bool may;
	} moments[] = {{0, true}, {DAY, true}, {DAY + 101, true},
		{2 * DAY + 99, true}, {2 * DAY + 100, false},
		{30 * DAY, false}};
	struct trust_clock clk = {BUILD, 5, 0, false};
	struct trust_vendor v;

	buf_init(&file, CATALOG_FILE_MAX);
	open_vendor(&v, &clk, 0);
	ck_assert(!trust_may_finish(&v, &clk));
	ck_assert_int_eq(
		trust_add_catalog(&v, catalog_file(10), &clk, NULL, NULL), 0);
	for (size_t i = 0; i < sizeof(moments) / sizeof(*moments); i++) {
		clk.boot = 5 + moments[i].after;
		ck_assert_msg(trust_may_finish(&v, &clk) == moments[i].may,
			"after %llu", (unsigned long long)moments[i].after);
	}
	trust_close(&v);
	buf_done(&file);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy.clocks");
	TCase *c = tcase_create("clocks");
	int count = sizeof(rows) / sizeof(*rows);

	maker_init();
	tcase_add_loop_test(c, catalog_with_each_clock, 0, count);
	tcase_add_loop_test(c,
		bound_to_persist_never_has_anything_of_the_system_clock, 0,
		count);
	tcase_add_test(c, may_finish_ends_a_day_after_the_catalog);
	suite_add_tcase(s, c);
	return unit_run(s);
}
