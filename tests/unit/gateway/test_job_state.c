#include "tests/unit/unit.h"

#include <errno.h>

#include "gateway/relay/job_state.h"

/* Who may follow whom, written down apart from the table of the module. Rows
 * and columns in this order. */
static const char *const names[] = {"available", "queued", "waiting",
	"connecting", "transferring", "verifying", "staged", "activating",
	"confirming", "paused", "done", "unverified", "failed", "declined",
	"cancelled", "superseded", "quarantined"};

static const char *const may[] = {
	/* a q w c t v s a c p d u f d c s q */
	"  x x x . . . . . . . . . . x x x .", /* available */
	"  . x x x . . . . . x . . x x x x .", /* queued */
	"  . x x x . . . . . x . . x x x x .", /* waiting */
	"  . x x x x x x x x x x x x . x x x", /* connecting */
	"  . x x x x x x . . x x x x . x x .", /* transferring */
	"  . x x x x x x x . x x x x . x x .", /* verifying */
	"  . x x x x . x x x x x x x . x x .", /* staged */
	"  . x x x x . . x x x x x x . x x x", /* activating */
	"  . x x x . . . . x x x x x . x x x", /* confirming */
	"  . x x . . . . . . x . . . x x x .", /* paused */
	"  . . . . . . . . . . x . . . . . .", /* done */
	"  . x . . . . . . . . . x . . . . .", /* unverified */
	"  . x . . . . . . . . . . x . . x .", /* failed */
	"  . x . . . . . . . . . . . x . . .", /* declined */
	"  . x . . . . . . . . . . . . x . .", /* cancelled */
	"  . . . . . . . . . . . . . . . x .", /* superseded */
	"  . x . . . . . . . . . . . . . x x", /* quarantined */
};

#define COUNT (sizeof(names) / sizeof(names[0]))

START_TEST(test_name_parsed_gives_the_state)
{
	enum job_state state = JOB_STATES;

	ck_assert_uint_eq(COUNT, JOB_STATES);
	ck_assert_int_eq(job_state_parse(names[_i], &state), 0);
	ck_assert_int_eq((int)state, _i);
	ck_assert_str_eq(job_state_name(state), names[_i]);
}
END_TEST

START_TEST(test_may_follow_every_pair_is_as_written_down)
{
	for (size_t to = 0; to < COUNT; to++)
		ck_assert_msg(job_state_may_follow((enum job_state)_i,
			(enum job_state)to) == (may[_i][2 + 2 * to] == 'x'),
			"%s -> %s", names[_i], names[to]);
}
END_TEST

START_TEST(test_may_follow_no_state_is_refused)
{
	ck_assert(!job_state_may_follow(JOB_STATES, JOB_QUEUED));
	ck_assert(!job_state_may_follow(JOB_QUEUED, JOB_STATES));
	ck_assert(!job_state_may_follow((enum job_state)99,
		(enum job_state)99));
}
END_TEST

START_TEST(test_parse_unknown_leaves_the_result)
{
	enum job_state state = JOB_PAUSED;

	ck_assert_int_eq(job_state_parse("Done", &state), -EINVAL);
	ck_assert_int_eq(job_state_parse("", &state), -EINVAL);
	ck_assert_int_eq((int)state, JOB_PAUSED);
	ck_assert_str_eq(job_state_name(JOB_STATES), "");
}
END_TEST

START_TEST(test_is_ended_and_is_active_exclude_each_other)
{
	static const char kinds[] = "...aaaaaa.eeeeeee";
	enum job_state state = (enum job_state)_i;

	ck_assert_msg(job_state_is_active(state) == (kinds[_i] == 'a'), "%s",
		names[_i]);
	ck_assert_msg(job_state_is_ended(state) == (kinds[_i] == 'e'), "%s",
		names[_i]);
}
END_TEST

/* An operator can always get rid of a job that waits or is at work. */
START_TEST(test_may_follow_every_open_state_can_be_cancelled)
{
	enum job_state state = (enum job_state)_i;

	ck_assert_msg(job_state_is_ended(state) ||
		job_state_may_follow(state, JOB_CANCELLED), "%s", names[_i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("job_state");
	TCase *c = tcase_create("table");

	tcase_add_loop_test(c, test_name_parsed_gives_the_state, 0, COUNT);
	tcase_add_loop_test(c, test_may_follow_every_pair_is_as_written_down, 0,
		COUNT);
	tcase_add_test(c, test_may_follow_no_state_is_refused);
	tcase_add_test(c, test_parse_unknown_leaves_the_result);
	tcase_add_loop_test(c, test_is_ended_and_is_active_exclude_each_other,
		0, COUNT);
	tcase_add_loop_test(c,
		test_may_follow_every_open_state_can_be_cancelled, 0, COUNT);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
