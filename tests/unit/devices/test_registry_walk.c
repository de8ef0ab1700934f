#include "tests/unit/unit.h"

#include "devices/registry.h"

/* Walking devices and candidates while others come and go. */

static struct registry *r;

static void setup(void)
{
	r = registry_new();
	ck_assert_ptr_nonnull(r);
}

static void teardown(void)
{
	registry_free(r);
}

static void add(unsigned from, unsigned to)
{
	struct device d = {.driver = "serial", .link = "usb",
		.class_name = "lamp"};

	for (unsigned i = from; i < to; i++) {
		snprintf(d.id, sizeof(d.id), "lamp-%u", i);
		snprintf(d.key, sizeof(d.key), "k%u", i);
		ck_assert_int_eq(registry_load(r, &d, NULL), 0);
	}
}

static void forget(unsigned i)
{
	char id[32];

	snprintf(id, sizeof(id), "lamp-%u", i);
	ck_assert_int_eq(registry_forget(r, id, 1, NULL), 0);
}

static unsigned next_number(uint64_t *cursor)
{
	const struct device *d = registry_device_next(r, cursor);

	return d ? (unsigned)strtoul(d->id + strlen("lamp-"), NULL, 10) : 9999;
}

START_TEST(next_of_none_is_the_end)
{
	uint64_t cursor = 0;

	ck_assert_ptr_null(registry_device_next(r, &cursor));
	ck_assert_ptr_null(registry_candidate_next(r, &cursor));
	ck_assert_uint_eq(cursor, 0);
}
END_TEST

START_TEST(next_gives_all_in_the_order_of_enrolment)
{
	uint64_t cursor = 0;

	add(0, 100);
	for (unsigned i = 0; i < 100; i++)
		ck_assert_uint_eq(next_number(&cursor), i);
	ck_assert_uint_eq(next_number(&cursor), 9999);
}
END_TEST

/* One from before the cursor, that at the cursor itself, one from behind. */
START_TEST(next_passes_over_none_when_others_are_forgotten)
{
	uint64_t cursor = 0;

	add(0, 10);
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(next_number(&cursor), i);
	forget(1);
	forget(4);
	forget(6);
	ck_assert_uint_eq(next_number(&cursor), 5);
	ck_assert_uint_eq(next_number(&cursor), 7);
	forget(5);
	ck_assert_uint_eq(next_number(&cursor), 8);
	ck_assert_uint_eq(next_number(&cursor), 9);
	ck_assert_uint_eq(next_number(&cursor), 9999);
}
END_TEST

START_TEST(next_meets_none_twice_when_others_are_enrolled)
{
	uint64_t cursor = 0;

	add(0, 3);
	ck_assert_uint_eq(next_number(&cursor), 0);
	ck_assert_uint_eq(next_number(&cursor), 1);
	forget(0);
	add(3, 40);
	for (unsigned i = 2; i < 40; i++)
		ck_assert_uint_eq(next_number(&cursor), i);
	ck_assert_uint_eq(next_number(&cursor), 9999);
	add(40, 41);
	ck_assert_uint_eq(next_number(&cursor), 40);
}
END_TEST

START_TEST(device_that_is_enrolled_again_comes_last)
{
	uint64_t cursor = 0;

	add(0, 3);
	ck_assert_uint_eq(next_number(&cursor), 0);
	forget(1);
	add(1, 2);
	ck_assert_uint_eq(next_number(&cursor), 2);
	ck_assert_uint_eq(next_number(&cursor), 1);
	ck_assert_uint_eq(next_number(&cursor), 9999);
}
END_TEST

static void see(unsigned i)
{
	struct device *d;
	char key[16];
	const struct peer_sight s = {.driver = "zigbee", .link = "hub",
		.key = key, .id_kind = PEER_ID_HARDWARE, .doubtful = true};

	snprintf(key, sizeof(key), "p%u", i);
	ck_assert_int_eq(registry_see(r, &s, 1000 + i, &d, NULL),
		REGISTRY_SIGHT_CANDIDATE);
}

/* Others make room while the list is walked: those that stay come once each. */
START_TEST(next_candidate_holds_while_others_make_room)
{
	const struct candidate *c;
	unsigned found = 0, last = 0;
	uint64_t cursor = 0;

	for (unsigned i = 0; i < REGISTRY_CANDIDATES_MAX; i++)
		see(i);
	while ((c = registry_candidate_next(r, &cursor)) != NULL) {
		unsigned i = (unsigned)strtoul(c->key + 1, NULL, 10);

		ck_assert(found == 0 || i > last);
		last = i;
		found++;
		if (found <= 300)
			see(REGISTRY_CANDIDATES_MAX + found);
	}
	/* Each that came pushed out one that had been given already. */
	ck_assert_uint_eq(last, REGISTRY_CANDIDATES_MAX + 300);
	ck_assert_uint_eq(found, REGISTRY_CANDIDATES_MAX + 300);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("registry_walk");
	TCase *tc = tcase_create("walk");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, next_of_none_is_the_end);
	tcase_add_test(tc, next_gives_all_in_the_order_of_enrolment);
	tcase_add_test(tc, next_passes_over_none_when_others_are_forgotten);
	tcase_add_test(tc, next_meets_none_twice_when_others_are_enrolled);
	tcase_add_test(tc, device_that_is_enrolled_again_comes_last);
	tcase_add_test(tc, next_candidate_holds_while_others_make_room);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
