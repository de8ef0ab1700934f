/* The stack deconz where things go wrong: late confirms, endpoints of others. */
#include "deconz_peer.h"

#define OURS "01 0401 0500 00 03 0000 0a00 1900 00"
#define GREEN_POWER "f2 e0a1 6400 01 00 01 2100"

static struct deconz_peer *const p = &deconz_peer;
static const char *const ready[] = {OURS, GREEN_POWER, NULL};

static void up(const char *const places[DECONZ_PEER_PLACES])
{
	deconz_peer_init(places);
	deconz_peer_start();
}

static const struct zb_confirm *newest(void)
{
	ck_assert_uint_gt(p->confirm_count, 0);
	return &p->confirms[p->confirm_count - 1];
}

/* ---- numbers ---- */

/* Sends and confirms until all numbers have come round, while `old` may still be
 * confirmed. */
static void come_round(uint8_t old)
{
	unsigned i;

	for (i = 1; i <= 300; i++) {
		deconz_peer_request(i);
		ck_assert_uint_ne(p->numbers[p->requests - 1], old);
		if (i == 300)
			break;
		deconz_peer_confirm(p->numbers[p->requests - 1]);
		ck_assert_uint_eq(newest()->id, i);
	}
	p->confirm_count = 0;
	deconz_peer_confirm(old);
	ck_assert_uint_eq(p->confirm_count, 0);
	deconz_peer_confirm(p->numbers[p->requests - 1]);
	ck_assert_uint_eq(newest()->id, 300);
}

START_TEST(confirm_that_was_lost_and_comes_late_ends_nothing_else)
{
	up(ready);
	deconz_peer_request(1000);
	deconz_peer_pass(31000);
	ck_assert_int_eq(newest()->result, ZB_SENT_LOST);
	come_round(p->numbers[0]);
	deconz_peer_done();
}
END_TEST

START_TEST(confirm_from_before_the_network_was_left_ends_nothing_else)
{
	up(ready);
	deconz_peer_request(1000);
	deconz_peer_tell(0);
	deconz_peer_pass(2000);
	ck_assert_uint_eq(p->losts, 1);
	ck_assert_uint_eq(p->ups, 2);
	come_round(p->numbers[0]);
	deconz_peer_done();
}
END_TEST

START_TEST(number_that_was_barred_is_used_again_after_a_minute)
{
	uint8_t old;
	unsigned i;
	bool again = false;

	up(ready);
	deconz_peer_request(1000);
	deconz_peer_pass(31000);
	old = p->numbers[0];
	deconz_peer_pass(61000);
	for (i = 1; i <= 300 && !again; i++) {
		deconz_peer_request(i);
		again = p->numbers[p->requests - 1] == old;
		deconz_peer_confirm(p->numbers[p->requests - 1]);
	}
	ck_assert(again);
	deconz_peer_done();
}
END_TEST

/* ---- endpoints ---- */

#define HUB "01 0401 0500 01 04 0000 0600 0a00 0105 04 0100 2000 0005 0205"
#define HUB_OTA \
	"01 0401 0500 01 05 0000 0600 0a00 0105 1900 04 0100 2000 0005 0205"
#define LIGHT_LINK "01 5ec0 0500 01 01 0010 01 0010"

static const struct {
	const char *name;
	const char *places[DECONZ_PEER_PLACES];
	uint8_t refused; /* status of the first writing */
	unsigned place;	 /* that is to have ... */
	const char *want;
	unsigned writes;
} endpoint_rows[] = {
	{"nobody's", {NULL, NULL, NULL}, 0, 0, OURS, 1},
	{"ours from before", {OURS, GREEN_POWER, NULL}, 0, 0, OURS, 0},
	{"ours is the third", {GREEN_POWER, LIGHT_LINK, "0b 0401 0500 00 01 "
						       "1900 00"},
		0, 1, LIGHT_LINK, 0},
	{"a hub's: it keeps its clusters", {HUB, GREEN_POWER, NULL}, 0, 0,
		HUB_OTA, 1},
	{"a hub's, no place is empty", {GREEN_POWER, HUB, LIGHT_LINK}, 0, 1,
		HUB_OTA, 1},
	{"a hub's, which is not to be changed", {HUB, GREEN_POWER, NULL}, 7, 2,
		"02 0401 0500 00 03 0000 0a00 1900 00", 2},
	{"number 1 is free", {"0b 0401 0500 00 01 0600 00", NULL, NULL}, 0, 1,
		OURS, 1},
	{"number 1 is of another profile", {LIGHT_LINK, NULL, NULL}, 0, 1,
		"02 0401 0500 00 03 0000 0a00 1900 00", 1},
	{"a hub's at 1 comes before one at 11",
		{"0b 0401 0500 00 01 0600 00", HUB, NULL}, 0, 1, HUB_OTA, 1},
	{"cut short: not to be changed", {"01 0401 0500 01 04 0000 0600", NULL,
						 NULL},
		0, 1, "02 0401 0500 00 03 0000 0a00 1900 00", 1},
	{"more than was announced",
		{"01 0401 0500 01 01 0000 00 ffff", NULL, NULL}, 0, 1,
		"02 0401 0500 00 03 0000 0a00 1900 00", 1},
	{"all are of others", {GREEN_POWER, LIGHT_LINK,
				      "03 5ec0 0500 01 01 0010 00"},
		0, 1, LIGHT_LINK, 0},
};

START_TEST(endpoints_of_others_keep_their_clusters)
{
	const char *const *places = endpoint_rows[_i].places;
	const char *name = endpoint_rows[_i].name;
	unsigned i;

	deconz_peer_init(places);
	p->endpoint_status = endpoint_rows[_i].refused;
	p->refusals = endpoint_rows[_i].refused ? 1 : 0;
	deconz_peer_start();
	ck_assert_msg(p->endpoint_writes == endpoint_rows[_i].writes,
		"%s: %u writes", name, p->endpoint_writes);
	ck_assert_msg(p->leaves == (endpoint_rows[_i].writes ? 1 : 0),
		"%s: %u leaves", name, p->leaves);
	for (i = 0; i < DECONZ_PEER_PLACES; i++)
		if (i == endpoint_rows[_i].place)
			deconz_peer_expect(i, endpoint_rows[_i].want);
		else
			deconz_peer_expect(i, places[i] ? places[i] : "");
	deconz_peer_done();
}
END_TEST

START_TEST(endpoint_that_is_never_taken_is_told_and_the_network_comes_up)
{
	deconz_peer_init((const char *const[]){HUB, GREEN_POWER, NULL});
	p->endpoint_status = 7;
	p->refusals = 100;
	deconz_peer_start();
	ck_assert_uint_eq(p->endpoint_writes, 2);
	ck_assert_uint_eq(p->leaves, 0);
	ck_assert_ptr_nonnull(strstr(p->log, "OTA"));
	deconz_peer_expect(0, HUB);
	deconz_peer_done();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transports.deconz_odd");
	TCase *tc = tcase_create("all");

	tcase_add_test(
		tc, confirm_that_was_lost_and_comes_late_ends_nothing_else);
	tcase_add_test(tc,
		confirm_from_before_the_network_was_left_ends_nothing_else);
	tcase_add_test(
		tc, number_that_was_barred_is_used_again_after_a_minute);
	tcase_add_loop_test(tc, endpoints_of_others_keep_their_clusters, 0,
		sizeof(endpoint_rows) / sizeof(endpoint_rows[0]));
	tcase_add_test(tc,
		endpoint_that_is_never_taken_is_told_and_the_network_comes_up);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
