#include "tests/unit/unit.h"

#include <errno.h>

#include "gateway/vendor/poll.h"

static const struct vendor_poll_rules hourly = {
	.interval_s = 3600,
	.jitter_pct = 10,
	.retry_first_s = 30,
	.retry_max_s = 1800,
};

/* Bounds of the delay over all random bits, in milliseconds. */
static const struct {
	const char *name;
	unsigned failures;
	uint32_t retry_after_s;
	uint64_t least, most;
} delay_rows[] = {
	{"good", 0, 0, 3240000, 3960000},
	{"first failure", 1, 0, 15000, 30000},
	{"second failure", 2, 0, 30000, 60000},
	{"sixth failure", 6, 0, 480000, 960000},
	{"at the limit", 7, 0, 900000, 1800000},
	{"far beyond it", 60000, 0, 900000, 1800000},
	{"retry-after counts", 1, 120, 120000, 132000},
	{"retry-after below", 0, 5, 3240000, 3960000},
	{"retry-after of a week", 1, 604800, 604800000, 665280000},
};

START_TEST(delay_stays_within_its_bounds_and_reaches_them)
{
	static const uint32_t randoms[] = {0, 1, 0x7fffffff, 0xfffffffe,
		UINT32_MAX};
	uint64_t got;

	for (size_t i = 0; i < 5; i++) {
		got = vendor_poll_delay_ms(&hourly, delay_rows[_i].failures,
			delay_rows[_i].retry_after_s, randoms[i]);
		ck_assert_msg(got >= delay_rows[_i].least &&
			got <= delay_rows[_i].most, "%s, random %x: %llu",
			delay_rows[_i].name, randoms[i],
			(unsigned long long)got);
		if (i == 0)
			ck_assert_uint_eq(got, delay_rows[_i].least);
		if (i == 4)
			ck_assert_uint_eq(got, delay_rows[_i].most);
	}
}
END_TEST

START_TEST(delay_of_empty_rules_uses_the_defaults)
{
	const struct vendor_poll_rules none = {0};

	ck_assert_uint_eq(vendor_poll_delay_ms(&none, 0, 0, 0), 3240000);
	ck_assert_uint_eq(vendor_poll_delay_ms(&none, 1, 0, 0), 15000);
	ck_assert_uint_eq(vendor_poll_delay_ms(&none, 100, 0, UINT32_MAX),
		3600000);
}
END_TEST

START_TEST(delay_of_largest_rules_does_not_overflow)
{
	const struct vendor_poll_rules most = {UINT32_MAX, 99, UINT32_MAX,
		UINT32_MAX};
	uint64_t whole = (uint64_t)UINT32_MAX * 1000;

	ck_assert_uint_le(vendor_poll_delay_ms(&most, 0, UINT32_MAX, UINT32_MAX),
		whole / 2 * 3);
	ck_assert_uint_eq(vendor_poll_delay_ms(&most, 60000, 0, UINT32_MAX),
		whole);
}
END_TEST

struct rig {
	uv_loop_t loop;
	struct vendor_poll *poll;
	unsigned rounds;
	bool ask_again;
	bool closed;
};

static void on_closed(void *arg)
{
	((struct rig *)arg)->closed = true;
}

static void on_due(void *arg)
{
	struct rig *rig = arg;

	rig->rounds++;
	if (rig->ask_again) {
		rig->ask_again = false;
		vendor_poll_now(rig->poll);
	}
	uv_stop(&rig->loop);
}

static void rig_open(struct rig *rig)
{
	*rig = (struct rig){0};
	ck_assert_int_eq(uv_loop_init(&rig->loop), 0);
	ck_assert_int_eq(vendor_poll_open(&rig->loop, &hourly, on_due, rig,
		&rig->poll), 0);
}

static void rig_close(struct rig *rig)
{
	vendor_poll_close(rig->poll, on_closed, rig);
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	ck_assert(rig->closed);
	ck_assert_int_eq(uv_loop_close(&rig->loop), 0);
}

START_TEST(open_makes_the_first_round_due_soon)
{
	struct rig rig;

	rig_open(&rig);
	ck_assert_uint_le(vendor_poll_state(rig.poll).due_in_ms, 3000);
	ck_assert(!vendor_poll_state(rig.poll).running);
	rig_close(&rig);
	ck_assert_uint_eq(rig.rounds, 0);
}
END_TEST

START_TEST(now_begins_a_round_and_ended_waits_for_the_next)
{
	struct vendor_poll_state state;
	struct rig rig;

	rig_open(&rig);
	vendor_poll_now(rig.poll);
	ck_assert_uint_eq(rig.rounds, 0);
	uv_run(&rig.loop, UV_RUN_DEFAULT);
	ck_assert_uint_eq(rig.rounds, 1);
	ck_assert(vendor_poll_state(rig.poll).running);
	vendor_poll_ended(rig.poll, 0, 0);
	state = vendor_poll_state(rig.poll);
	ck_assert(!state.running);
	ck_assert_uint_ge(state.due_in_ms, 3240000 - 1000);
	rig_close(&rig);
}
END_TEST

START_TEST(ended_counts_failures_and_forgets_them_after_a_success)
{
	struct vendor_poll_state state;
	struct rig rig;

	rig_open(&rig);
	for (unsigned i = 1; i <= 3; i++) {
		vendor_poll_now(rig.poll);
		uv_run(&rig.loop, UV_RUN_DEFAULT);
		vendor_poll_ended(rig.poll, ERR_VENDOR_CLOSED, 0);
		state = vendor_poll_state(rig.poll);
		ck_assert_uint_eq(state.failures, i);
		ck_assert_int_eq(state.last_status, ERR_VENDOR_CLOSED);
		ck_assert_uint_le(state.due_in_ms, 30000 << i);
	}
	vendor_poll_now(rig.poll);
	uv_run(&rig.loop, UV_RUN_DEFAULT);
	vendor_poll_ended(rig.poll, 0, 0);
	ck_assert_uint_eq(vendor_poll_state(rig.poll).failures, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(now_within_a_round_makes_another_follow)
{
	struct rig rig;

	rig_open(&rig);
	rig.ask_again = true;
	vendor_poll_now(rig.poll);
	uv_run(&rig.loop, UV_RUN_DEFAULT);
	ck_assert_uint_eq(rig.rounds, 1);
	vendor_poll_ended(rig.poll, -ECONNREFUSED, 600);
	uv_run(&rig.loop, UV_RUN_DEFAULT);
	ck_assert_uint_eq(rig.rounds, 2);
	vendor_poll_ended(rig.poll, 0, 0);
	ck_assert_uint_ge(vendor_poll_state(rig.poll).due_in_ms, 1000000);
	rig_close(&rig);
}
END_TEST

START_TEST(ended_without_a_round_changes_nothing)
{
	struct rig rig;

	rig_open(&rig);
	vendor_poll_ended(rig.poll, ERR_VENDOR_CLOSED, 0);
	ck_assert_uint_eq(vendor_poll_state(rig.poll).failures, 0);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vendor_poll");
	TCase *tc = tcase_create("poll");

	tcase_add_loop_test(tc, delay_stays_within_its_bounds_and_reaches_them,
		0, (int)(sizeof(delay_rows) / sizeof(delay_rows[0])));
	tcase_add_test(tc, delay_of_empty_rules_uses_the_defaults);
	tcase_add_test(tc, delay_of_largest_rules_does_not_overflow);
	tcase_add_test(tc, open_makes_the_first_round_due_soon);
	tcase_add_test(tc, now_begins_a_round_and_ended_waits_for_the_next);
	tcase_add_test(tc, ended_counts_failures_and_forgets_them_after_a_success);
	tcase_add_test(tc, now_within_a_round_makes_another_follow);
	tcase_add_test(tc, ended_without_a_round_changes_nothing);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
