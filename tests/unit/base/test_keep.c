#include "tests/unit/unit.h"

#include "base/keep.h"

#define ENTRIES 64
#define PROVEN_MAX 4

struct entry {
	int number;
	struct keep_hook hook;
};

static struct keep keep;
static struct entry entries[ENTRIES];

static void setup(void)
{
	memset(entries, 0, sizeof(entries));
	for (int i = 0; i < ENTRIES; i++)
		entries[i].number = i;
	keep_init(&keep, PROVEN_MAX);
}

static void set(int i, enum keep_rank rank)
{
	keep_set(&keep, &entries[i].hook, rank);
}

/* The number of who goes next, which is dropped; -1: nobody. */
static int out(void)
{
	struct keep_hook *h = keep_next_out(&keep);

	if (!h)
		return -1;
	keep_drop(&keep, h);
	return KEEP_ENTRY(h, struct entry, hook)->number;
}

START_TEST(next_out_of_nothing_is_nobody)
{
	ck_assert_int_eq(out(), -1);
}
END_TEST

START_TEST(next_out_goes_by_rank_then_by_age)
{
	set(0, KEEP_PROVEN);
	set(1, KEEP_STRANGER);
	set(2, KEEP_GONE);
	set(3, KEEP_GONE);
	set(4, KEEP_STRANGER);
	ck_assert_int_eq(out(), 2);
	ck_assert_int_eq(out(), 3);
	ck_assert_int_eq(out(), 1);
	ck_assert_int_eq(out(), 4);
	ck_assert_int_eq(out(), 0);
	ck_assert_int_eq(out(), -1);
}
END_TEST

START_TEST(set_again_makes_it_the_newest)
{
	set(0, KEEP_STRANGER);
	set(1, KEEP_STRANGER);
	set(2, KEEP_STRANGER);
	set(0, KEEP_STRANGER);
	set(1, KEEP_STRANGER);
	ck_assert_int_eq(out(), 2);
	ck_assert_int_eq(out(), 0);
}
END_TEST

START_TEST(pinned_never_goes_until_it_is_set_again)
{
	set(0, KEEP_STRANGER);
	set(0, KEEP_PINNED);
	ck_assert_int_eq(out(), -1);
	set(0, KEEP_GONE);
	ck_assert_int_eq(out(), 0);
}
END_TEST

START_TEST(drop_of_one_that_is_in_no_list_is_nothing)
{
	keep_drop(&keep, &entries[0].hook);
	set(0, KEEP_PINNED);
	keep_drop(&keep, &entries[0].hook);
	ck_assert_int_eq(out(), -1);
}
END_TEST

/* Who proved itself outlasts any number of strangers that come after it. */
START_TEST(flood_of_strangers_leaves_the_proven)
{
	for (int i = 0; i < PROVEN_MAX; i++)
		set(i, KEEP_PROVEN);
	for (int round = 0; round < 1000; round++) {
		set(PROVEN_MAX + round % 16, KEEP_STRANGER);
		if (round >= 8)
			ck_assert_int_ge(out(), PROVEN_MAX);
	}
}
END_TEST

/* However many proved themselves, strangers are not pushed out at once. */
START_TEST(flood_of_proven_leaves_room_for_a_stranger)
{
	for (int i = 0; i < 16; i++)
		set(i, KEEP_PROVEN);
	set(20, KEEP_STRANGER);
	for (int i = 0; i < 16 - PROVEN_MAX; i++)
		ck_assert_int_eq(out(), i);
	ck_assert_int_eq(out(), 20);
	ck_assert_int_eq(out(), 16 - PROVEN_MAX);
}
END_TEST

START_TEST(proven_of_use_lately_are_the_last_to_become_strangers)
{
	for (int i = 0; i < PROVEN_MAX; i++)
		set(i, KEEP_PROVEN);
	set(0, KEEP_PROVEN);
	set(10, KEEP_PROVEN);
	ck_assert_int_eq(out(), 1);
	ck_assert_int_eq(out(), 2);
}
END_TEST

/* Random settings and drops: every entry is in one list, or in none. */
START_TEST(lists_hold_what_was_put_there)
{
	unsigned seed = 11;
	size_t in = 0;

	for (int step = 0; step < 20000; step++) {
		int i;

		seed = seed * 1103515245u + 12345u;
		i = (int)(seed >> 16) % ENTRIES;
		if (seed & 0x800)
			keep_drop(&keep, &entries[i].hook);
		else
			set(i, (enum keep_rank)(seed >> 24 & 3));
	}
	for (int i = 0; i < ENTRIES; i++)
		in += entries[i].hook.in;
	ck_assert_uint_eq(keep.lists[KEEP_GONE].count +
		keep.lists[KEEP_STRANGER].count +
		keep.lists[KEEP_PROVEN].count, in);
	ck_assert_uint_le(keep.lists[KEEP_PROVEN].count, PROVEN_MAX);
	while (out() >= 0)
		in--;
	ck_assert_uint_eq(in, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keep");
	TCase *c = tcase_create("keep");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, next_out_of_nothing_is_nobody);
	tcase_add_test(c, next_out_goes_by_rank_then_by_age);
	tcase_add_test(c, set_again_makes_it_the_newest);
	tcase_add_test(c, pinned_never_goes_until_it_is_set_again);
	tcase_add_test(c, drop_of_one_that_is_in_no_list_is_nothing);
	tcase_add_test(c, flood_of_strangers_leaves_the_proven);
	tcase_add_test(c, flood_of_proven_leaves_room_for_a_stranger);
	tcase_add_test(c, proven_of_use_lately_are_the_last_to_become_strangers);
	tcase_add_test(c, lists_hold_what_was_put_there);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
