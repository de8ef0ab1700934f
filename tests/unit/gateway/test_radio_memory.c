#include "tests/unit/gateway/radio_rig.h"

/* What is known of devices of a radio after ferryd has started again. */

#define ONE "0000000000000001"
#define TWO "0000000000000002"

/* "kind=router model=Lamp " */
static const char *attributes_of(const char *key)
{
	static char text[512];
	struct peer_attribute list[ATTRIBUTES_MAX];
	const struct device *d = rig_device(key);
	size_t count = attributes_list(&d->attributes, list), len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"%s=%s ", list[i].name, list[i].value);
	return text;
}

static void says(const char *key, const char *model, bool proven)
{
	rig_says(key, model, proven, false);
	rig_pass();
}

static void becomes_lamp(const char *key, bool proven)
{
	rig_report(key, 0, NULL);
	says(key, "Lamp 1", proven);
	ck_assert_ptr_nonnull(rig_device(key));
}

static unsigned on_trust(void)
{
	return rig.line->radio->peers.on_trust;
}

/* ---- attributes ---- */

START_TEST(device_has_its_attributes_before_it_is_seen_again)
{
	becomes_lamp(ONE, true);
	rig_restart(false);
	ck_assert_str_eq(attributes_of(ONE), "kind=router model=Lamp 1 ");
	ck_assert(!rig_device(ONE)->present);
}
END_TEST

START_TEST(device_that_the_driver_reports_keeps_what_the_engine_knew)
{
	becomes_lamp(ONE, true);
	rig_restart(false);
	rig_report(ONE, FERRY_PEER_SLEEPY, NULL);
	ck_assert_str_eq(attributes_of(ONE), "kind=sleepy model=Lamp 1 ");
}
END_TEST

START_TEST(device_is_what_it_says_now)
{
	becomes_lamp(ONE, true);
	rig_restart(false);
	rig_report(ONE, 0, NULL);
	says(ONE, "Lamp 2", true);
	ck_assert_str_eq(attributes_of(ONE), "kind=router model=Lamp 2 ");
	rig_restart(false);
	ck_assert_str_eq(attributes_of(ONE), "kind=router model=Lamp 2 ");
}
END_TEST

/* Later changes wait for ten minutes, or for the end. */
START_TEST(device_that_is_enrolled_has_its_attributes_also_after_a_kill)
{
	becomes_lamp(ONE, true);
	rig_turn();
	rig_restart(true);
	ck_assert_str_eq(attributes_of(ONE), "kind=router model=Lamp 1 ");
}
END_TEST

START_TEST(replaced_device_is_not_taken_for_the_one_before)
{
	struct device *d;

	becomes_lamp(ONE, true);
	rig_restart(false);
	rig_report(TWO, 0, NULL);
	ck_assert_int_eq(registry_replace(rig.gateway.registry,
		rig_device(ONE)->id, "hub", TWO, 100, &d, NULL), 0);
	ck_assert_str_eq(attributes_of(TWO), "kind=router ");
	ck_assert_int_eq(d->heard_s, 0);
}
END_TEST

/* ---- the last sign of life ---- */

START_TEST(device_was_heard_also_before_a_restart)
{
	int64_t heard_s;

	becomes_lamp(ONE, true);
	radio_heard(rig.line->radio, ONE);
	heard_s = radio_heard_s(rig.line->radio, ONE);
	ck_assert_int_gt(heard_s, 0);
	rig_restart(false);
	ck_assert_int_eq(radio_heard_s(rig.line->radio, ONE), heard_s);
	rig_restart(false);
	ck_assert_int_eq(radio_heard_s(rig.line->radio, ONE), heard_s);
}
END_TEST

/* ---- who has not proved to be real ---- */

START_TEST(devices_on_trust_are_counted_after_a_restart)
{
	becomes_lamp(ONE, false);
	becomes_lamp(TWO, false);
	ck_assert_uint_eq(on_trust(), 2);
	rig_turn();
	rig_restart(true);
	ck_assert_uint_eq(on_trust(), 2);
	rig_report(ONE, 0, NULL);
	ck_assert_uint_eq(on_trust(), 2);
}
END_TEST

START_TEST(device_that_proved_itself_is_not_on_trust_after_a_restart)
{
	becomes_lamp(ONE, false);
	becomes_lamp(TWO, true);
	says(ONE, "Lamp 1", true);
	rig_turn();
	rig_restart(true);
	ck_assert_uint_eq(on_trust(), 0);
}
END_TEST

START_TEST(device_that_proves_itself_after_a_restart_makes_room)
{
	becomes_lamp(ONE, false);
	rig_restart(false);
	ck_assert_uint_eq(on_trust(), 1);
	rig_report(ONE, 0, NULL);
	says(ONE, "Lamp 1", true);
	ck_assert_uint_eq(on_trust(), 0);
	ck_assert(!rig_device(ONE)->on_trust);
}
END_TEST

START_TEST(device_on_trust_of_before_that_is_removed_makes_room)
{
	struct device *d;

	becomes_lamp(ONE, false);
	rig_restart(false);
	d = rig_device(ONE);
	inventory_forget(child_find(&rig.gateway, d->id));
	ck_assert_int_eq(registry_forget(rig.gateway.registry, d->id, 200,
		NULL), 0);
	radio_review_peer(&rig.gateway, "hub", ONE);
	ck_assert_uint_eq(on_trust(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("radio_memory");
	TCase *c = tcase_create("radio_memory");

	tcase_add_checked_fixture(c, rig_setup, rig_teardown);
	tcase_add_test(c, device_has_its_attributes_before_it_is_seen_again);
	tcase_add_test(c,
		device_that_the_driver_reports_keeps_what_the_engine_knew);
	tcase_add_test(c, device_is_what_it_says_now);
	tcase_add_test(c,
		device_that_is_enrolled_has_its_attributes_also_after_a_kill);
	tcase_add_test(c, replaced_device_is_not_taken_for_the_one_before);
	tcase_add_test(c, device_was_heard_also_before_a_restart);
	tcase_add_test(c, devices_on_trust_are_counted_after_a_restart);
	tcase_add_test(c,
		device_that_proved_itself_is_not_on_trust_after_a_restart);
	tcase_add_test(c, device_that_proves_itself_after_a_restart_makes_room);
	tcase_add_test(c,
		device_on_trust_of_before_that_is_removed_makes_room);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
