#include "tests/unit/transports/zigbee_play.h"

#include "transports/zigbee/nodes.h"
#include "transports/zigbee/zdo.h"

/* More devices than the table of the driver holds: anybody who has the key of the
 * network can make them up. */

#define MADE_UP 0x00deadbeef000000u

static const char *key_of(uint64_t eui64)
{
	static char text[17];

	zb_key_write(eui64, text);
	return text;
}

static bool is_gone(uint64_t eui64)
{
	const struct vpeer *p = vhost_peer(&v, key_of(eui64));

	ck_assert_ptr_nonnull(p);
	return (p->flags & FERRY_PEER_GONE) != 0;
}

static void make_up(unsigned from, unsigned count)
{
	for (unsigned i = from; i < from + count; i++)
		know(MADE_UP + i, (uint16_t)(0x2000 + i));
	vhost_turn(&v);
}

START_TEST(forgotten_node_is_gone_for_the_host)
{
	up();
	know(LAMP, LAMP_NWK);
	vhost_turn(&v);
	make_up(0, ZB_NODES_MAX - 1);
	ck_assert(!is_gone(LAMP));
	make_up(ZB_NODES_MAX, 1);
	ck_assert(is_gone(LAMP));
	ck_assert(!is_gone(MADE_UP));
	make_up(ZB_NODES_MAX + 1, 1);
	ck_assert(is_gone(MADE_UP));
}
END_TEST

START_TEST(flood_leaves_who_took_a_frame)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(LAMP, LAMP_NWK, 0x0019, "query");
	send_it((struct ferry_send){.to = LAMP_KEY, .until = FERRY_DELIVERED},
		"frame", 0);
	confirm_it(index_of_last(0x0019), ZB_SENT_OK);
	know(OTHER, 0x1235);
	vhost_turn(&v);
	make_up(0, ZB_NODES_MAX);
	ck_assert(!is_gone(LAMP));
	ck_assert(is_gone(OTHER));
}
END_TEST

START_TEST(flood_leaves_who_answered)
{
	/* nwk, then a node descriptor: end device, receiver off when idle */
	const uint8_t rsp[] = {1, 0, 0x34, 0x12, 0x02, 0x40, 0x80, 0x34, 0x12,
		82, 82, 0, 0, 0, 82, 0, 0};

	up();
	hear(LAMP, LAMP_NWK, 0x0019, "query");
	ck_assert_uint_eq(count_sent(ZDO_NODE_DESC_REQ), 1);
	hear_zdo(LAMP_NWK, ZDO_NODE_DESC_RSP, rsp, sizeof(rsp));
	vhost_turn(&v);
	make_up(0, ZB_NODES_MAX);
	ck_assert(!is_gone(LAMP));
}
END_TEST

/* Frames that nobody acknowledged prove nothing. */
START_TEST(flood_pushes_out_who_took_no_frame)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(LAMP, LAMP_NWK, 0x0019, "query");
	send_it((struct ferry_send){.to = LAMP_KEY, .until = FERRY_DELIVERED},
		"frame", 0);
	confirm_it(index_of_last(0x0019), ZB_SENT_NO_ACK);
	vhost_turn(&v);
	make_up(0, ZB_NODES_MAX);
	ck_assert(is_gone(LAMP));
}
END_TEST

START_TEST(forgotten_node_that_speaks_is_told_again)
{
	up();
	know(LAMP, LAMP_NWK);
	vhost_turn(&v);
	make_up(0, ZB_NODES_MAX);
	ck_assert(is_gone(LAMP));
	hear(LAMP, LAMP_NWK, 0x0019, "query");
	ck_assert(!is_gone(LAMP));
	ck_assert_uint_eq(v.message_count, 1);
}
END_TEST

START_TEST(forgotten_node_joins_with_a_number_of_its_own)
{
	const uint8_t annce[] = {
		1, 0x34, 0x12, 1, 0, 0, 0, 0, 0x4b, 0x12, 0, 0x8e};

	up();
	hear_zdo(LAMP_NWK, ZDO_DEVICE_ANNCE, annce, sizeof(annce));
	vhost_turn(&v);
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->joined, "1");
	make_up(0, ZB_NODES_MAX);
	ck_assert(is_gone(LAMP));
	hear_zdo(LAMP_NWK, ZDO_DEVICE_ANNCE, annce, sizeof(annce));
	vhost_turn(&v);
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->joined, "2");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transports.zigbee_crowd");
	TCase *c = tcase_create("flood");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, forgotten_node_is_gone_for_the_host);
	tcase_add_test(c, flood_leaves_who_took_a_frame);
	tcase_add_test(c, flood_leaves_who_answered);
	tcase_add_test(c, flood_pushes_out_who_took_no_frame);
	tcase_add_test(c, forgotten_node_that_speaks_is_told_again);
	tcase_add_test(c, forgotten_node_joins_with_a_number_of_its_own);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
