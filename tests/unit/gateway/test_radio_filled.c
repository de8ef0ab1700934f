#include "gateway/daemon/job_priv.h"
#include "gateway/daemon/view.h"
#include "gateway/relay/network_priv.h"
#include "tests/unit/gateway/radio_rig.h"

/* A radio whose budget is used by what devices send. */

#define ONE "0000000000000001"
#define TWO "0000000000000002"

static void setup(void)
{
	rig_setup();
	rig.line->radio->network->airtime.budget_pct = 0;
}

/* `ms` of airtime, in frames of 5 ms. */
static void hears(const char *key, unsigned ms)
{
	for (unsigned i = 0; i < ms / 5; i++)
		radio_hears(key, "x", 5000);
	rig_turn();
}

static void limit(unsigned budget_pct)
{
	rig.line->radio->network->airtime.budget_pct = budget_pct;
}

static bool filled(char text[160])
{
	return radio_is_filled(rig.line->radio, text, 160);
}

START_TEST(radio_without_a_limit_is_never_filled)
{
	char text[160];

	rig_report(ONE, 0, NULL);
	hears(ONE, 3000);
	ck_assert(!filled(text));
}
END_TEST

START_TEST(radio_that_is_half_used_by_devices_says_by_whom)
{
	char text[160];

	rig_report(ONE, 0, NULL);
	rig_report(TWO, 0, NULL);
	limit(30);
	hears(ONE, 300);
	hears(TWO, 1190);
	ck_assert(!filled(text));
	hears(TWO, 10);
	ck_assert(filled(text));
	ck_assert_str_eq(text, "devices use 15.0 % of the channel, " TWO
		" alone 12.0 %");
}
END_TEST

START_TEST(radio_names_the_device_that_fills_it)
{
	char text[160], words[160];
	const struct device *d;
	json_t *airtime;

	rig_report(ONE, 0, NULL);
	d = rig_enrol(ONE, "plug");
	limit(30);
	hears(ONE, 2000);
	ck_assert(filled(text));
	snprintf(words, sizeof(words), "(%s) alone 20.0 %%", d->id);
	ck_assert_ptr_nonnull(strstr(text, words));
	airtime = view_airtime(rig.line->radio);
	ck_assert_str_eq(json_string_value(json_object_get(airtime, "text")),
		text);
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(
		airtime, "loudest"), "device")), d->id);
	json_decref(airtime);
}
END_TEST

START_TEST(job_that_waits_for_airtime_names_the_device)
{
	const struct device *d;
	struct job job = {.gateway = &rig.gateway};

	rig_report(ONE, 0, NULL);
	d = rig_enrol(ONE, "plug");
	job.child = child_of(&rig.gateway, d->id);
	/* It is only asked whether there is one. */
	job.session = (struct session *)(void *)&job;
	limit(30);
	job_take_wait(&job, ENGINE_WAIT_AIRTIME, ENGINE_NEVER);
	ck_assert_str_eq(job.gates->detail[GATE_AIRTIME],
		"the radio's budget is used up");
	hears(ONE, 2000);
	job_take_wait(&job, ENGINE_WAIT_AIRTIME, ENGINE_NEVER);
	ck_assert_ptr_nonnull(strstr(job.gates->detail[GATE_AIRTIME],
		"budget used up: devices use 20.0 % of the channel, " ONE));
	free(job.gates);
}
END_TEST

/* What a driver charges with a frame beside it is others'. */
START_TEST(radio_blames_nobody_for_frames_that_were_not_passed_on)
{
	char text[160];

	rig_report(ONE, 0, NULL);
	limit(30);
	radio_hears(ONE, "x", 2000000);
	rig_turn();
	ck_assert(filled(text));
	ck_assert_ptr_nonnull(strstr(text, ONE " alone 0.1 %"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("radio_filled");
	TCase *c = tcase_create("radio_filled");

	tcase_add_checked_fixture(c, setup, rig_teardown);
	tcase_add_test(c, radio_without_a_limit_is_never_filled);
	tcase_add_test(c, radio_that_is_half_used_by_devices_says_by_whom);
	tcase_add_test(c, radio_names_the_device_that_fills_it);
	tcase_add_test(c, job_that_waits_for_airtime_names_the_device);
	tcase_add_test(c, radio_blames_nobody_for_frames_that_were_not_passed_on);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
