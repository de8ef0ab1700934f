#include "tests/unit/gateway/radio_rig.h"

/* The peers of a radio between driver, engine and registry. */

#define ONE "0000000000000001"
#define TWO "0000000000000002"

/* How often the engine was told these words since the last look. */
static unsigned told(const char *words)
{
	unsigned times = 0;

	for (const char *at = strstr(script.log, words); at;
			at = strstr(at + 1, words))
		times++;
	script.log[0] = '\0';
	return times;
}

static void makes_up(unsigned from, unsigned count)
{
	char key[20];

	for (unsigned i = from; i < from + count; i++) {
		snprintf(key, sizeof(key), "f%015x", i);
		rig_report(key, 0, NULL);
		script.log[0] = '\0';
	}
}

/* ---- what both sides say ---- */

START_TEST(candidate_has_what_driver_and_engine_say)
{
	rig_report(ONE, 0, NULL);
	ck_assert_str_eq(rig_attributes(ONE), "kind=router ");
	rig_says(ONE, "Plug 1", false, false);
	rig_pass();
	ck_assert_str_eq(rig_attributes(ONE), "kind=router model=Plug 1 ");
	ck_assert_str_eq(registry_candidate(rig.gateway.registry, "hub",
		ONE)->suggested_class, "plug");
	rig_report(ONE, FERRY_PEER_SLEEPY, NULL);
	ck_assert_str_eq(rig_attributes(ONE), "kind=sleepy model=Plug 1 ");
	rig_says(ONE, NULL, false, false);
	rig_pass();
	ck_assert_str_eq(rig_attributes(ONE), "kind=sleepy ");
}
END_TEST

START_TEST(peer_announced_late_is_known_by_the_engine_first)
{
	rig_says(ONE, "Plug 1", false, false);
	rig_pass();
	ck_assert_str_eq(rig_attributes(ONE), "model=Plug 1 ");
	ck_assert_uint_eq(rig.line->radio->peers.present, 1);
	rig_report(ONE, FERRY_PEER_SLEEPY, NULL);
	ck_assert_str_eq(rig_attributes(ONE), "kind=sleepy model=Plug 1 ");
	ck_assert(radio_is_sleepy(rig.line->radio, ONE));
	ck_assert_uint_eq(rig.line->radio->peers.present, 1);
	ck_assert_uint_eq(told("peer:" ONE ":sleepy "), 1);
}
END_TEST

START_TEST(group_is_told_to_the_engine_and_is_no_candidate)
{
	rig_report("all-awake", FERRY_PEER_GROUP, NULL);
	ck_assert_uint_eq(told("peer:all-awake:group "), 1);
	ck_assert_ptr_null(rig_attributes("all-awake"));
	ck_assert_uint_eq(rig.line->radio->peers.present, 0);
}
END_TEST

START_TEST(peer_that_left_is_gone_for_all)
{
	const struct candidate *c;

	rig_report(ONE, FERRY_PEER_SLEEPY, NULL);
	rig_report(ONE, FERRY_PEER_GONE, NULL);
	ck_assert_uint_eq(told("peer:" ONE ":gone "), 1);
	c = registry_candidate(rig.gateway.registry, "hub", ONE);
	ck_assert(!c->present);
	ck_assert_uint_eq(rig.line->radio->peers.present, 0);
	ck_assert_uint_eq(rig.line->radio->peers.sleepy, 0);
}
END_TEST

/* Who comes and goes on the air may be anybody: no reason to plan anew. */
START_TEST(candidate_that_left_does_not_touch_the_state_of_the_link)
{
	int64_t since_ms = rig.line->since_ms = 1;

	rig_report(ONE, 0, NULL);
	rig_report(ONE, FERRY_PEER_GONE, NULL);
	ck_assert_int_eq(rig.line->since_ms, since_ms);
	rig_report(TWO, 0, NULL);
	rig_enrol(TWO, "plug");
	rig_report(TWO, FERRY_PEER_GONE, NULL);
	ck_assert_int_ne(rig.line->since_ms, since_ms);
}
END_TEST

/* ---- announcements ---- */

START_TEST(rejoin_is_told_when_the_number_is_another)
{
	rig_report(ONE, 0, NULL);
	ck_assert_uint_eq(told(":joined "), 0);
	rig_report(ONE, 0, "4");
	ck_assert_uint_eq(told("peer:" ONE ":joined "), 1);
	rig_report(ONE, 0, "4");
	ck_assert_uint_eq(told(":joined "), 0);
	rig_report(ONE, 0, "9");
	ck_assert_uint_eq(told("peer:" ONE ":joined "), 1);
}
END_TEST

/* A driver that has forgotten a peer says no number until it announces itself. */
START_TEST(rejoin_of_a_peer_that_the_driver_forgot_is_told)
{
	rig_report(ONE, 0, "4");
	rig_report(ONE, FERRY_PEER_GONE, NULL);
	rig_report(ONE, 0, NULL);
	script.log[0] = '\0';
	rig_report(ONE, 0, "5");
	ck_assert_uint_eq(told("peer:" ONE ":joined "), 1);
}
END_TEST

/* A driver counts from the start again when it does. */
START_TEST(rejoin_after_a_restart_of_the_link_is_told)
{
	rig_report(ONE, 0, "1");
	ck_assert_uint_eq(told("peer:" ONE ":joined "), 1);
	radio_loses(0);
	rig_until("up ");
	rig_report(ONE, 0, "1");
	ck_assert_uint_eq(told("peer:" ONE ":joined "), 1);
}
END_TEST

/* ---- the engine has forgotten ---- */

START_TEST(untold_peer_is_told_again)
{
	rig_report(ONE, FERRY_PEER_SLEEPY, "1");
	script.log[0] = '\0';
	rig_says(ONE, "Plug 1", false, true);
	rig_pass();
	ck_assert_uint_eq(told("peer:" ONE ":sleepy "), 1);
}
END_TEST

START_TEST(untold_peer_that_the_driver_does_not_see_is_not_told)
{
	rig_report(ONE, 0, NULL);
	rig_report(ONE, FERRY_PEER_GONE, NULL);
	script.log[0] = '\0';
	rig_says(ONE, "Plug 1", false, true);
	rig_says(TWO, "Plug 2", false, true);
	rig_pass();
	ck_assert_uint_eq(told("peer:"), 0);
}
END_TEST

/* It may have forgotten by now, and would wait until the device speaks. */
START_TEST(peer_of_an_offer_is_told_before_it)
{
	static const struct session_events none;
	struct session_setup setup = {
		.engine = &script_network,
		.goal = ENGINE_GOAL_INVENTORY,
		.events = &none,
	};
	struct session *session = NULL;
	struct device *d;

	rig_report(ONE, FERRY_PEER_SLEEPY, "1");
	d = rig_enrol(ONE, "plug");
	script.log[0] = '\0';
	ck_assert_int_eq(radio_offer(&rig.gateway, d, &setup, &session), 0);
	ck_assert_ptr_nonnull(strstr(script.log,
		"peer:" ONE ":sleepy offer:" ONE));
	session_close(session, NULL, NULL);
}
END_TEST

START_TEST(peer_of_an_offer_that_the_driver_does_not_see_is_not_told)
{
	static const struct session_events none;
	struct session_setup setup = {
		.engine = &script_network,
		.goal = ENGINE_GOAL_INVENTORY,
		.events = &none,
	};
	struct session *session = NULL;
	struct device *d;

	rig_report(ONE, 0, NULL);
	d = rig_enrol(ONE, "plug");
	rig_report(ONE, FERRY_PEER_GONE, NULL);
	script.log[0] = '\0';
	ck_assert_int_eq(radio_offer(&rig.gateway, d, &setup, &session), 0);
	ck_assert_uint_eq(told("peer:"), 0);
	session_close(session, NULL, NULL);
}
END_TEST

/* ---- restarts of the link ---- */

START_TEST(restart_of_the_link_loses_all_until_they_are_reported)
{
	struct device *d;

	rig_report(ONE, 0, NULL);
	rig_report(TWO, FERRY_PEER_SLEEPY, NULL);
	rig_says(ONE, "Plug 1", true, false);
	rig_pass();
	d = rig_enrol(ONE, "plug");
	ck_assert(d->present);
	radio_loses(0);
	rig_until("up ");
	ck_assert(!d->present);
	ck_assert_uint_eq(rig.line->radio->peers.present, 0);
	ck_assert_uint_eq(rig.line->radio->peers.sleepy, 0);
	rig_report(ONE, 0, NULL);
	ck_assert(d->present);
	ck_assert_uint_eq(rig.line->radio->peers.present, 1);
	/* What the engine knows outlives the link. */
	registry_forget(rig.gateway.registry, d->id, 200, NULL);
	radio_review_peer(&rig.gateway, "hub", ONE);
	ck_assert_str_eq(rig_attributes(ONE), "kind=router model=Plug 1 ");
}
END_TEST

/* ---- devices ---- */

START_TEST(class_enrols_when_the_engine_tells_what_it_matches)
{
	rig_report(ONE, 0, NULL);
	ck_assert_ptr_null(rig_device(ONE));
	rig_says(ONE, "Lamp 1", true, false);
	rig_pass();
	ck_assert_str_eq(rig_device(ONE)->class_name, "lamp");
	ck_assert_ptr_null(rig_attributes(ONE));
	ck_assert_ptr_nonnull(child_find(&rig.gateway, rig_device(ONE)->id));
}
END_TEST

START_TEST(class_enrols_a_sleeper_with_the_version_that_was_heard)
{
	struct device *d;

	rig_report(ONE, FERRY_PEER_SLEEPY, NULL);
	rig_says_version(ONE, "0x00000007");
	rig_pass();
	rig_says(ONE, "Lamp 1", true, false);
	rig_pass();
	d = rig_device(ONE);
	ck_assert_str_eq(d->version, "0x00000007");
	ck_assert_int_gt(d->read_s, 0);
	ck_assert_int_eq(d->health, DEVICE_HEALTH_GOOD);
	/* It is read all the same when its time has come. */
	ck_assert(!child_find(&rig.gateway, d->id)->read_this_run);
}
END_TEST

START_TEST(person_enrols_a_sleeper_with_the_version_that_was_heard_last)
{
	rig_report(ONE, FERRY_PEER_SLEEPY, NULL);
	rig_says_version(ONE, "0x00000007");
	rig_says_version(ONE, "0x00000008");
	rig_says_version(ONE, "");
	rig_pass();
	ck_assert_str_eq(rig_enrol(ONE, "plug")->version, "0x00000008");
}
END_TEST

START_TEST(version_that_was_heard_is_not_for_a_class_of_another_engine)
{
	rig_report(ONE, 0, NULL);
	rig_says_version(ONE, "0x00000007");
	rig_pass();
	ck_assert_str_eq(rig_enrol(ONE, "other")->version, "");
}
END_TEST

START_TEST(version_that_was_read_later_stays)
{
	const struct engine_facts later = {.version = "0x00000009"};
	struct device *d;

	rig_report(ONE, 0, NULL);
	rig_says_version(ONE, "0x00000007");
	rig_pass();
	d = rig_enrol(ONE, "plug");
	registry_take_facts(d, &later, d->read_s + 10);
	radio_review_peer(&rig.gateway, "hub", ONE);
	ck_assert_str_eq(d->version, "0x00000009");
}
END_TEST

START_TEST(facts_of_a_device_count_at_once)
{
	struct device *d;

	rig_report(ONE, 0, NULL);
	d = rig_enrol(ONE, "plug");
	rig_says_version(ONE, "0x00000007");
	rig_pass();
	ck_assert_str_eq(d->version, "0x00000007");
	ck_assert(child_find(&rig.gateway, d->id)->read_this_run);
}
END_TEST

/* Its class would have it back at once. */
START_TEST(device_removed_while_it_is_there_is_a_candidate_with_all_attributes)
{
	struct device *d;

	rig_report(ONE, 0, NULL);
	rig_says(ONE, "Lamp 1", true, false);
	rig_pass();
	d = rig_device(ONE);
	inventory_forget(child_find(&rig.gateway, d->id));
	registry_forget(rig.gateway.registry, d->id, 200, NULL);
	radio_review_peer(&rig.gateway, "hub", ONE);
	ck_assert_ptr_null(rig_device(ONE));
	ck_assert_str_eq(rig_attributes(ONE), "kind=router model=Lamp 1 ");
	ck_assert_str_eq(registry_candidate(rig.gateway.registry, "hub",
		ONE)->suggested_class, "lamp");
}
END_TEST

START_TEST(device_removed_while_it_is_away_is_no_candidate)
{
	struct device *d;

	rig_report(ONE, 0, NULL);
	d = rig_enrol(ONE, "plug");
	rig_report(ONE, FERRY_PEER_GONE, NULL);
	inventory_forget(child_find(&rig.gateway, d->id));
	registry_forget(rig.gateway.registry, d->id, 200, NULL);
	radio_review_peer(&rig.gateway, "hub", ONE);
	ck_assert_ptr_null(rig_attributes(ONE));
}
END_TEST

START_TEST(review_of_a_peer_of_no_radio_is_nothing)
{
	radio_review_peer(&rig.gateway, "elsewhere", ONE);
	radio_review_peer(&rig.gateway, "hub", ONE);
	ck_assert_ptr_null(rig_attributes(ONE));
}
END_TEST

/* ---- a flood of made-up addresses ---- */

START_TEST(flood_does_not_push_out_devices_nor_who_proved_itself)
{
	struct radio_peers *peers = &rig.line->radio->peers;
	struct device *d;

	rig_report(ONE, FERRY_PEER_SLEEPY, NULL);
	d = rig_enrol(ONE, "plug");
	rig_report(TWO, 0, NULL);
	rig_says(TWO, "Plug 2", true, false);
	rig_pass();
	makes_up(0, RADIO_PEERS_MAX + 500);
	ck_assert_uint_eq(peers->count, RADIO_PEERS_MAX);
	ck_assert(d->present);
	ck_assert(radio_is_sleepy(rig.line->radio, ONE));
	ck_assert_str_eq(rig_attributes(TWO), "kind=router model=Plug 2 ");
	ck_assert_uint_eq(registry_candidate_count(rig.gateway.registry),
		REGISTRY_CANDIDATES_MAX);
}
END_TEST

START_TEST(flood_does_not_keep_a_new_device_out)
{
	makes_up(0, RADIO_PEERS_MAX);
	rig_report(ONE, 0, NULL);
	ck_assert_str_eq(rig_attributes(ONE), "kind=router ");
	makes_up(RADIO_PEERS_MAX, 100);
	rig_says(ONE, "Lamp 1", true, false);
	rig_pass();
	ck_assert_ptr_nonnull(rig_device(ONE));
	makes_up(RADIO_PEERS_MAX + 100, RADIO_PEERS_MAX);
	ck_assert(rig_device(ONE)->present);
	ck_assert_ptr_nonnull(radio_peers_find(&rig.line->radio->peers, ONE));
}
END_TEST

/* It was shown, and pushed out before it had answered. */
START_TEST(candidate_that_a_flood_pushed_out_is_back_when_it_answers)
{
	rig_report(ONE, 0, NULL);
	makes_up(0, REGISTRY_CANDIDATES_MAX);
	ck_assert_ptr_null(rig_attributes(ONE));
	rig_says(ONE, "Plug 1", true, false);
	rig_pass();
	ck_assert_str_eq(rig_attributes(ONE), "kind=router model=Plug 1 ");
}
END_TEST

/* Made-up peers that a class matches would else fill the database. */
START_TEST(flood_that_a_class_matches_makes_a_bounded_number_of_devices)
{
	struct registry *registry = rig.gateway.registry;
	char key[20];

	for (unsigned i = 0; i < RADIO_ON_TRUST_MAX + 50; i++) {
		snprintf(key, sizeof(key), "f%015x", i);
		rig_report(key, 0, NULL);
		rig_says(key, "Lamp 1", false, false);
		rig_pass();
		script.log[0] = '\0';
	}
	ck_assert_uint_eq(registry_device_count(registry), RADIO_ON_TRUST_MAX);
	/* Who answers is enrolled, and who answered makes room for others. */
	rig_report(ONE, 0, NULL);
	rig_says(ONE, "Lamp 1", true, false);
	rig_pass();
	ck_assert_ptr_nonnull(rig_device(ONE));
	rig_says("f000000000000000", "Lamp 1", true, false);
	rig_says(key, "Lamp 1", false, false);
	rig_pass();
	ck_assert_ptr_nonnull(rig_device(key));
	ck_assert_uint_eq(rig.line->radio->peers.on_trust, RADIO_ON_TRUST_MAX);
}
END_TEST

START_TEST(device_on_trust_that_is_removed_makes_room_for_another)
{
	struct device *d;

	rig_report(ONE, 0, NULL);
	rig_says(ONE, "Lamp 1", false, false);
	rig_pass();
	ck_assert_uint_eq(rig.line->radio->peers.on_trust, 1);
	d = rig_device(ONE);
	inventory_forget(child_find(&rig.gateway, d->id));
	registry_forget(rig.gateway.registry, d->id, 200, NULL);
	radio_review_peer(&rig.gateway, "hub", ONE);
	ck_assert_uint_eq(rig.line->radio->peers.on_trust, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("radio");
	TCase *c = tcase_create("peers");

	tcase_add_checked_fixture(c, rig_setup, rig_teardown);
	tcase_add_test(c, candidate_has_what_driver_and_engine_say);
	tcase_add_test(c, peer_announced_late_is_known_by_the_engine_first);
	tcase_add_test(c, group_is_told_to_the_engine_and_is_no_candidate);
	tcase_add_test(c, peer_that_left_is_gone_for_all);
	tcase_add_test(c,
		candidate_that_left_does_not_touch_the_state_of_the_link);
	tcase_add_test(c, rejoin_is_told_when_the_number_is_another);
	tcase_add_test(c, rejoin_of_a_peer_that_the_driver_forgot_is_told);
	tcase_add_test(c, rejoin_after_a_restart_of_the_link_is_told);
	tcase_add_test(c, untold_peer_is_told_again);
	tcase_add_test(c,
		untold_peer_that_the_driver_does_not_see_is_not_told);
	tcase_add_test(c, peer_of_an_offer_is_told_before_it);
	tcase_add_test(c,
		peer_of_an_offer_that_the_driver_does_not_see_is_not_told);
	tcase_add_test(c,
		restart_of_the_link_loses_all_until_they_are_reported);
	suite_add_tcase(suite, c);
	c = tcase_create("devices");
	tcase_add_checked_fixture(c, rig_setup, rig_teardown);
	tcase_add_test(c, class_enrols_when_the_engine_tells_what_it_matches);
	tcase_add_test(c,
		class_enrols_a_sleeper_with_the_version_that_was_heard);
	tcase_add_test(c,
		person_enrols_a_sleeper_with_the_version_that_was_heard_last);
	tcase_add_test(c,
		version_that_was_heard_is_not_for_a_class_of_another_engine);
	tcase_add_test(c, version_that_was_read_later_stays);
	tcase_add_test(c, facts_of_a_device_count_at_once);
	tcase_add_test(c,
		device_removed_while_it_is_there_is_a_candidate_with_all_attributes);
	tcase_add_test(c, device_removed_while_it_is_away_is_no_candidate);
	tcase_add_test(c, review_of_a_peer_of_no_radio_is_nothing);
	suite_add_tcase(suite, c);
	c = tcase_create("flood");
	tcase_add_checked_fixture(c, rig_setup, rig_teardown);
	tcase_add_test(c,
		flood_does_not_push_out_devices_nor_who_proved_itself);
	tcase_add_test(c, flood_does_not_keep_a_new_device_out);
	tcase_add_test(c,
		candidate_that_a_flood_pushed_out_is_back_when_it_answers);
	tcase_add_test(c,
		flood_that_a_class_matches_makes_a_bounded_number_of_devices);
	tcase_add_test(c,
		device_on_trust_that_is_removed_makes_room_for_another);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
