#include "tests/unit/unit.h"

#include "devices/registry.h"

/* More peers than candidates are kept, and peers that change their name. */

static struct registry *r;
static struct device_class lamp;
static const struct device_class *const classes[] = {&lamp};

static void setup(void)
{
	class_init(&lamp);
	snprintf(lamp.name, sizeof(lamp.name), "lamp");
	snprintf(lamp.vendor, sizeof(lamp.vendor), "acme");
	lamp.match_count = 1;
	lamp.match[0] = (struct class_match){"model", "Lamp*"};
	lamp.auto_enrol = true;
	r = registry_new();
	ck_assert_ptr_nonnull(r);
	registry_set_classes(r, classes, 1);
}

static void teardown(void)
{
	registry_free(r);
}

static const struct peer_attribute model = {"model", "Lamp 1"};

static int see(const char *link, const char *key, bool doubtful, int64_t now_s)
{
	const struct peer_sight s = {.driver = "zigbee", .link = link,
		.key = key, .id_kind = PEER_ID_HARDWARE, .doubtful = doubtful};
	struct device *d;

	return registry_see(r, &s, now_s, &d, NULL);
}

static void flood(unsigned count)
{
	char key[16];

	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "f%u", i);
		ck_assert_int_eq(see("hub", key, true, 1000 + i),
			REGISTRY_SIGHT_CANDIDATE);
	}
}

static bool is_shown(const char *link, const char *key)
{
	return registry_candidate(r, link, key) != NULL;
}

START_TEST(flood_of_doubtful_peers_leaves_the_others)
{
	see("hub", "real", false, 1);
	see("usb", "port", false, 1);
	see("hub", "doubtful", true, 999);
	flood(3 * REGISTRY_CANDIDATES_MAX);
	ck_assert_uint_eq(registry_candidate_count(r), REGISTRY_CANDIDATES_MAX);
	ck_assert(is_shown("hub", "real"));
	ck_assert(is_shown("usb", "port"));
	ck_assert(!is_shown("hub", "doubtful"));
}
END_TEST

START_TEST(peer_that_proves_itself_outlasts_a_flood)
{
	see("hub", "real", true, 1);
	see("hub", "real", false, 2);
	flood(2 * REGISTRY_CANDIDATES_MAX);
	ck_assert(is_shown("hub", "real"));
}
END_TEST

/* Who is not there any more cannot be enrolled with success. */
START_TEST(peer_that_left_makes_room_before_all_others)
{
	see("hub", "left", false, 2000);
	registry_lose(r, "hub", "left");
	flood(REGISTRY_CANDIDATES_MAX - 1);
	ck_assert(is_shown("hub", "left"));
	see("hub", "one-more", true, 5000);
	ck_assert(!is_shown("hub", "left"));
	ck_assert(is_shown("hub", "f0"));
}
END_TEST

START_TEST(link_that_is_lost_loses_its_own_peers)
{
	see("hub", "a", false, 1);
	see("usb", "a", false, 1);
	registry_lose(r, "hub", NULL);
	ck_assert(!registry_candidate(r, "hub", "a")->present);
	ck_assert(registry_candidate(r, "usb", "a")->present);
}
END_TEST

START_TEST(show_makes_a_candidate_and_no_device)
{
	const struct peer_sight s = {.driver = "zigbee", .link = "hub",
		.key = "k", .id_kind = PEER_ID_HARDWARE,
		.attributes = &model, .attribute_count = 1};
	const struct peer_sight bad = {.driver = "zigbee", .link = "hub",
		.key = "two words"};
	struct device *d;

	ck_assert_int_eq(registry_show(r, &s, 7, NULL), 0);
	ck_assert_uint_eq(registry_device_count(r), 0);
	ck_assert_str_eq(registry_candidate(r, "hub", "k")->suggested_class,
		"lamp");
	ck_assert_int_eq(registry_show(r, &bad, 7, NULL), ERR_REGISTRY_SIGHT);
	ck_assert_int_eq(registry_see(r, &s, 8, &d, NULL),
		REGISTRY_SIGHT_ENROLLED);
	ck_assert_int_eq(registry_show(r, &s, 9, NULL), 0);
	ck_assert(!is_shown("hub", "k"));
}
END_TEST

START_TEST(device_is_found_by_the_peer_that_replaced_it)
{
	struct device *d;

	see("hub", "old", false, 1);
	ck_assert_int_eq(registry_enrol(r, "hub", "old", "lamp", "l1", 1, &d,
		NULL), 0);
	see("hub", "new", false, 2);
	ck_assert_int_eq(registry_replace(r, "l1", "hub", "new", 3, &d, NULL),
		0);
	ck_assert_ptr_eq(registry_device_of_peer(r, "hub", "new"), d);
	ck_assert_ptr_null(registry_device_of_peer(r, "hub", "old"));
	ck_assert_int_eq(registry_forget(r, "l1", 4, NULL), 0);
	ck_assert_ptr_null(registry_device_of_peer(r, "hub", "new"));
	ck_assert(is_shown("hub", "new"));
}
END_TEST

START_TEST(device_is_found_by_the_key_that_it_took)
{
	const struct peer_sight s = {.driver = "zigbee", .link = "hub",
		.key = "after", .was = "before",
		.id_kind = PEER_ID_HARDWARE};
	struct device *d, *seen;

	see("hub", "before", false, 1);
	ck_assert_int_eq(registry_enrol(r, "hub", "before", "lamp", "l1", 1, &d,
		NULL), 0);
	ck_assert_int_eq(registry_see(r, &s, 2, &seen, NULL),
		REGISTRY_SIGHT_CHANGED);
	ck_assert_ptr_eq(seen, d);
	ck_assert_ptr_eq(registry_device_of_peer(r, "hub", "after"), d);
	ck_assert_ptr_null(registry_device_of_peer(r, "hub", "before"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("registry_flood");
	TCase *c = tcase_create("registry_flood");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, flood_of_doubtful_peers_leaves_the_others);
	tcase_add_test(c, peer_that_proves_itself_outlasts_a_flood);
	tcase_add_test(c, peer_that_left_makes_room_before_all_others);
	tcase_add_test(c, link_that_is_lost_loses_its_own_peers);
	tcase_add_test(c, show_makes_a_candidate_and_no_device);
	tcase_add_test(c, device_is_found_by_the_peer_that_replaced_it);
	tcase_add_test(c, device_is_found_by_the_key_that_it_took);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
