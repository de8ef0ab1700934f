#include "tests/unit/unit.h"

#include "gateway/relay/airtime.h"

#define START_MS 1234567

static struct airtime account;

static void fresh(unsigned budget_pct)
{
	airtime_init(&account, budget_pct, START_MS);
}

START_TEST(test_left_without_a_limit_is_endless)
{
	fresh(0);
	ck_assert_uint_eq(airtime_left(&account, START_MS), UINT32_MAX);
	ck_assert(airtime_reserve(&account, START_MS, 1000000000));
	ck_assert_uint_eq(airtime_left(&account, START_MS), UINT32_MAX);
	ck_assert_int_eq(airtime_wait_ms(&account, START_MS, UINT32_MAX), 0);
}
END_TEST

START_TEST(test_left_at_first_is_half_a_second_of_the_share)
{
	fresh(40);
	ck_assert_uint_eq(airtime_left(&account, START_MS), 200000);
}
END_TEST

START_TEST(test_reserve_takes_what_is_left_and_no_more)
{
	fresh(40);
	ck_assert(airtime_reserve(&account, START_MS, 150000));
	ck_assert(!airtime_reserve(&account, START_MS, 50001));
	ck_assert(airtime_reserve(&account, START_MS, 50000));
	ck_assert_uint_eq(airtime_left(&account, START_MS), 0);
}
END_TEST

START_TEST(test_settle_gives_back_what_was_not_used)
{
	fresh(40);
	ck_assert(airtime_reserve(&account, START_MS, 150000));
	airtime_settle(&account, START_MS, 150000, 100000);
	ck_assert_uint_eq(airtime_left(&account, START_MS), 100000);
}
END_TEST

START_TEST(test_settle_charges_more_than_was_estimated)
{
	fresh(40);
	ck_assert(airtime_reserve(&account, START_MS, 100000));
	airtime_settle(&account, START_MS, 100000, 150000);
	ck_assert_uint_eq(airtime_left(&account, START_MS), 50000);
}
END_TEST

START_TEST(test_received_frames_leave_less)
{
	fresh(40);
	airtime_received(&account, START_MS, 120000);
	ck_assert_uint_eq(airtime_left(&account, START_MS), 80000);
}
END_TEST

START_TEST(test_tokens_come_back_at_the_rate_of_the_share)
{
	fresh(40);
	ck_assert(airtime_reserve(&account, START_MS, 200000));
	ck_assert_int_eq(airtime_wait_ms(&account, START_MS, 4000), 10);
	ck_assert_uint_eq(airtime_left(&account, START_MS + 10), 4000);
	ck_assert_int_eq(airtime_wait_ms(&account, START_MS + 10, 4000), 0);
}
END_TEST

START_TEST(test_smallest_budget_lets_the_longest_frame_go)
{
	fresh(1);
	ck_assert(airtime_reserve(&account, START_MS, 30000));
}
END_TEST

START_TEST(test_frame_longer_than_the_radio_holds_goes_alone)
{
	fresh(1);
	ck_assert(airtime_reserve(&account, START_MS, 500000));
	ck_assert(!airtime_reserve(&account, START_MS, 1));
}
END_TEST

/* The tokens let it go, the 10 s do not. */
START_TEST(test_frame_longer_than_the_tokens_has_to_fit_into_the_window)
{
	int64_t wait;

	fresh(1);
	airtime_received(&account, START_MS, 20000);
	ck_assert(airtime_reserve(&account, START_MS + 2000, 50000));
	airtime_settle(&account, START_MS + 2000, 50000, 50000);
	ck_assert_uint_eq(airtime_left(&account, START_MS + 7000), 30000);
	ck_assert(!airtime_reserve(&account, START_MS + 7000, 50000));
	wait = airtime_wait_ms(&account, START_MS + 7000, 50000);
	ck_assert_int_ge(wait, 3000);
	ck_assert_int_le(wait, 3000 + AIRTIME_BUCKET_MS);
	ck_assert(airtime_reserve(&account, START_MS + 7000 + wait, 50000));
}
END_TEST

/* Received frames that use up the budget stop ours until they are 10 s old. */
START_TEST(test_wait_names_the_moment_when_the_window_opens)
{
	int64_t wait;

	fresh(10);
	airtime_received(&account, START_MS, 1000000);
	ck_assert_uint_eq(airtime_left(&account, START_MS + 9000), 0);
	wait = airtime_wait_ms(&account, START_MS + 9000, 10000);
	ck_assert_int_ge(wait, 1000);
	ck_assert_int_le(wait, 1000 + AIRTIME_BUCKET_MS);
	ck_assert_uint_eq(airtime_left(&account, START_MS + 9000 + wait - 1), 0);
	ck_assert_uint_ge(airtime_left(&account, START_MS + 9000 + wait), 10000);
}
END_TEST

START_TEST(test_use_is_of_the_last_ten_seconds)
{
	struct airtime_use use;

	fresh(35);
	ck_assert(airtime_reserve(&account, START_MS, 100000));
	airtime_settle(&account, START_MS, 100000, 100000);
	airtime_received(&account, START_MS + 5000, 250000);
	airtime_use(&account, START_MS + 9000, &use);
	ck_assert_uint_eq(use.budget_pct, 35);
	ck_assert_uint_eq(use.sent_bp, 100);
	ck_assert_uint_eq(use.received_bp, 250);
	airtime_use(&account, START_MS + 10100, &use);
	ck_assert_uint_eq(use.sent_bp, 0);
	airtime_use(&account, START_MS + 100000, &use);
	ck_assert_uint_eq(use.received_bp, 0);
}
END_TEST

/* ---- over every 10 s, for random traffic ---- */

#define FRAMES_MAX 60000

struct frame {
	int64_t from_us, to_us; /* reserved, completed */
	int64_t air_us; /* when it was on the air: somewhere between */
	uint32_t estimate_us, cost_us;
};

static struct frame sent[FRAMES_MAX];
static struct frame received[FRAMES_MAX];
static unsigned sent_count, received_count;
static uint64_t seed;

static unsigned random_to(unsigned below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

static int compare_air(const void *a, const void *b)
{
	const struct frame *one = a, *two = b;

	return (one->air_us > two->air_us) - (one->air_us < two->air_us);
}

/* In the 10 s up to each frame: what was sent, and what had been received when
 * the frame was chosen. */
static void check_windows(int64_t window_us)
{
	unsigned first = 0, heard_first = 0, heard = 0;
	int64_t ours = 0, theirs = 0;

	for (unsigned i = 0; i < sent_count; i++) {
		int64_t from = sent[i].air_us - 10000000;

		ours += sent[i].cost_us;
		while (sent[first].air_us <= from)
			ours -= sent[first++].cost_us;
		/* Known when the frame was chosen. */
		while (heard < received_count && received[heard].air_us <=
				sent[i].from_us)
			theirs += received[heard++].cost_us;
		while (heard_first < heard && received[heard_first].air_us <=
				from)
			theirs -= received[heard_first++].cost_us;
		ck_assert_msg(ours + theirs <= window_us,
			"frame %u: %lld and %lld of %lld us", i,
			(long long)ours, (long long)theirs,
			(long long)window_us);
	}
}

/* Frames wait up to 300 ms in the driver, none costs more than estimated. */
static void play(unsigned budget_pct, unsigned heard_pct, bool bursts)
{
	struct frame waiting[32];
	unsigned waiting_count = 0;
	int64_t end = START_MS + 60000;

	fresh(budget_pct);
	sent_count = received_count = 0;
	for (int64_t now = START_MS; now < end; now++) {
		for (unsigned i = 0; i < waiting_count;) {
			if (waiting[i].to_us > now * 1000) {
				i++;
				continue;
			}
			airtime_settle(&account, now, waiting[i].estimate_us,
				waiting[i].cost_us);
			ck_assert_uint_lt(sent_count, FRAMES_MAX);
			sent[sent_count++] = waiting[i];
			waiting[i] = waiting[--waiting_count];
		}
		if (random_to(1000) < heard_pct * 2) {
			uint32_t cost = 2000 + random_to(6000);

			airtime_received(&account, now, cost);
			ck_assert_uint_lt(received_count, FRAMES_MAX);
			received[received_count++] = (struct frame){
				.air_us = now * 1000, .cost_us = cost};
		}
		while (waiting_count < 32 && (!bursts || random_to(200) == 0)) {
			uint32_t estimate = 2000 + random_to(8000);
			int64_t takes = 1000 * (1 + random_to(300));

			if (!airtime_reserve(&account, now, estimate))
				break;
			waiting[waiting_count++] = (struct frame){
				.from_us = now * 1000,
				.to_us = now * 1000 + takes,
				.air_us = now * 1000 + random_to(
					(unsigned)takes),
				.estimate_us = estimate,
				.cost_us = estimate - random_to(estimate / 4),
			};
		}
	}
	qsort(sent, sent_count, sizeof(sent[0]), compare_air);
}

static const struct {
	const char *name;
	unsigned budget_pct, heard_pct;
	bool bursts;
} traffic[] = {
	{"nothing heard", 35, 0, false},
	{"as in a transfer", 35, 15, false},
	{"heard more than the budget", 20, 30, false},
	{"now and then", 35, 10, true},
	{"smallest budget", 1, 0, false},
	{"whole channel", 100, 40, false},
};

START_TEST(test_no_ten_seconds_hold_more_than_the_budget)
{
	for (unsigned round = 0; round < 8; round++) {
		seed = round * 977 + (unsigned)_i;
		play(traffic[_i].budget_pct, traffic[_i].heard_pct,
			traffic[_i].bursts);
		check_windows((int64_t)traffic[_i].budget_pct * 100000);
	}
}
END_TEST

START_TEST(test_budget_is_used_when_there_is_work)
{
	int64_t used = 0;

	seed = 7;
	play(35, 15, false);
	for (unsigned i = 0; i < sent_count; i++)
		used += sent[i].cost_us;
	for (unsigned i = 0; i < received_count; i++)
		used += received[i].cost_us;
	/* 60 s of 35 %, at least 95 % of that. */
	ck_assert_int_ge(used, 60 * 350000 * 95 / 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("airtime");
	TCase *c = tcase_create("airtime");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, test_left_without_a_limit_is_endless);
	tcase_add_test(c, test_left_at_first_is_half_a_second_of_the_share);
	tcase_add_test(c, test_reserve_takes_what_is_left_and_no_more);
	tcase_add_test(c, test_settle_gives_back_what_was_not_used);
	tcase_add_test(c, test_settle_charges_more_than_was_estimated);
	tcase_add_test(c, test_received_frames_leave_less);
	tcase_add_test(c, test_tokens_come_back_at_the_rate_of_the_share);
	tcase_add_test(c, test_smallest_budget_lets_the_longest_frame_go);
	tcase_add_test(c, test_frame_longer_than_the_radio_holds_goes_alone);
	tcase_add_test(c,
		test_frame_longer_than_the_tokens_has_to_fit_into_the_window);
	tcase_add_test(c, test_wait_names_the_moment_when_the_window_opens);
	tcase_add_test(c, test_use_is_of_the_last_ten_seconds);
	tcase_add_loop_test(c, test_no_ten_seconds_hold_more_than_the_budget, 0,
		(int)(sizeof(traffic) / sizeof(traffic[0])));
	tcase_add_test(c, test_budget_is_used_when_there_is_work);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
