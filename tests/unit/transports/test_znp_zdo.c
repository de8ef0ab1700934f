/* ZDO through Z-Stack's commands of its own, and what it tells of devices. */
#include "tests/unit/transports/znp_rig.h"

#include "transports/zigbee/znp.h"

static struct rig r;

static void up(unsigned window)
{
	struct zb_config config = {.window = window};

	rig_init(&r, &config);
	rig_start(&r);
	ck_assert_uint_eq(r.ups, 1);
}

/* Frames as they are on the air, and Z-Stack's commands for them. */
static const struct zdo_row {
	const char *name;
	uint16_t cluster;
	const char *asdu;
	uint16_t command;
	const char *data;
} zdo_out[] = {
	{"NWK_addr", 0x0000, "07 01000000004b1200 00 00", 0x2500,
		"01000000004b1200 00 00"},
	{"IEEE_addr", 0x0001, "07 0010 00 00", 0x2501, "0010 00 00"},
	{"Node_Desc", 0x0002, "07 0010", 0x2502, "0010 0010"},
	{"Simple_Desc", 0x0004, "07 0010 01", 0x2504, "0010 0010 01"},
	{"Active_EP", 0x0005, "07 0010", 0x2505, "0010 0010"},
	{"Match_Desc", 0x0006, "07 0010 0401 00 01 1900", 0x2506,
		"0010 0010 0401 00 01 1900"},
	{"Bind", 0x0021, "07 01000000004b1200 01 2000 03 7bc5f209004b1200 01",
		0x2521, "0010 01000000004b1200 01 2000 03 7bc5f209004b1200 01"},
	{"Bind to a group", 0x0021, "07 01000000004b1200 01 2000 01 0500",
		0x2521, "0010 01000000004b1200 01 2000 01 0500000000000000 00"},
	{"Mgmt_Leave", 0x0034, "07 01000000004b1200 00", 0x2534,
		"0010 01000000004b1200 00"},
	{"Mgmt_Permit_Joining", 0x0036, "07 3c 00", 0x2536, "02 0010 3c 00"},
};

static void send_zdo(uint16_t cluster, const char *asdu)
{
	uint8_t raw[128];
	struct zb_request q = {.id = 9, .nwk = 0x1000, .cluster = cluster};

	q.asdu = bytes_of(raw, unit_unhex(asdu, raw, sizeof(raw)));
	ck_assert_int_eq(rig_send_request(&r, &q), 0);
}

START_TEST(send_of_zdo_is_a_command_and_ends_with_its_answer)
{
	const struct zdo_row *row = &zdo_out[_i];

	up(0);
	r.registered = "";
	send_zdo(row->cluster, row->asdu);
	rig_answer(&r);
	rig_expect(rig_last(&r, row->command), row->data);
	ck_assert_msg(r.confirm_count == 1, "%s", row->name);
	ck_assert_int_eq(r.confirms[0].result, ZB_SENT_OK);
	rig_done(&r);
}
END_TEST

START_TEST(send_of_zdo_that_has_no_command_fails_later)
{
	size_t wrote;

	up(0);
	wrote = r.out_count;
	send_zdo(0x0013, "07 0010 01000000004b1200 8e");
	ck_assert_uint_eq(r.confirm_count, 0);
	rig_pass(&r, 0);
	ck_assert_uint_eq(r.confirm_count, 1);
	ck_assert_int_eq(r.confirms[0].result, ZB_SENT_FAILED);
	ck_assert_uint_eq(r.out_count, wrote);
	rig_done(&r);
}
END_TEST

/* Z-Stack's indications, and the frames as they were on the air. */
static const struct zdo_in_row {
	const char *name;
	uint16_t command;
	const char *data;
	uint16_t nwk, cluster;
	const char *asdu;
} zdo_in[] = {
	{"NWK_addr_rsp", 0x4580, "00 01000000004b1200 0020 00 00", 0x2000,
		0x8000, "00 00 01000000004b1200 0020"},
	{"IEEE_addr_rsp", 0x4581, "00 01000000004b1200 0010 00 00", 0x1000,
		0x8001, "00 00 01000000004b1200 0010"},
	{"IEEE_addr_rsp with children", 0x4581,
		"00 01000000004b1200 0010 05 02 1111 2222", 0x1000, 0x8001,
		"00 00 01000000004b1200 0010 02 05 1111 2222"},
	{"Node_Desc_rsp", 0x4582, "0010 00 0010 01408e34125252000000520000",
		0x1000, 0x8002, "00 00 0010 01408e34125252000000520000"},
	{"Match_Desc_rsp", 0x4586, "0010 00 0010 01 01", 0x1000, 0x8006,
		"00 00 0010 01 01"},
	{"Device_annce", 0x45c1, "0010 0010 01000000004b1200 8e", 0x1000,
		0x0013, "00 0010 01000000004b1200 8e"},
	{"Device_annce through another", 0x45c1,
		"0030 0010 01000000004b1200 80 00", 0x1000, 0x0013,
		"00 0010 01000000004b1200 80"},
	{"a ZDO frame as it is", 0x45ff,
		"0010 00 0080 00 07 0000 00 01000000004b1200 0020 00", 0x1000,
		0x8000, "00 00 01000000004b1200 0020 00"},
	{"a question as it is", 0x45ff, "0010 00 0600 00 07 0000 0000 0401",
		0x1000, 0x0006, "07 0000 0401"},
};

START_TEST(indication_of_zdo_is_heard_as_on_the_air)
{
	const struct zdo_in_row *row = &zdo_in[_i];
	uint8_t want[128];
	size_t len = unit_unhex(row->asdu, want, sizeof(want));
	const struct zb_indication *i = &r.heard[0].i;

	up(0);
	rig_say(&r, row->command, row->data);
	ck_assert_msg(r.heard_count == 1, "%s", row->name);
	ck_assert_uint_eq(i->profile, ZB_PROFILE_ZDO);
	ck_assert_uint_eq(i->src_ep, 0);
	ck_assert_uint_eq(i->dst_ep, 0);
	ck_assert_msg(i->nwk == row->nwk, "%s: %04x", row->name, i->nwk);
	ck_assert_uint_eq(i->cluster, row->cluster);
	ck_assert_msg(
		bytes_equal(i->asdu, bytes_of(want, len)), "%s", row->name);
	rig_done(&r);
}
END_TEST

START_TEST(response_of_zdo_has_the_number_of_its_request)
{
	up(0);
	send_zdo(0x0006, "21 0010 0401 00 01 1900");
	send_zdo(0x0001, "22 0010 00 00");
	send_zdo(0x0000, "23 01000000004b1200 00 00");
	rig_answer(&r);
	rig_say(&r, 0x4580, "00 01000000004b1200 0010 00 00");
	rig_say(&r, 0x4581, "00 01000000004b1200 0010 00 00");
	rig_say(&r, 0x4586, "0010 00 0010 01 01");
	rig_say(&r, 0x4586, "0010 00 0010 01 01");
	ck_assert_uint_eq(r.heard_count, 4);
	ck_assert_uint_eq(r.heard[0].asdu[0], 0x23);
	ck_assert_uint_eq(r.heard[1].asdu[0], 0x22);
	ck_assert_uint_eq(r.heard[2].asdu[0], 0x21);
	ck_assert_uint_eq(r.heard[3].asdu[0], 0);
	rig_done(&r);
}
END_TEST

/* Z-Stack hands some over as they are, with a number of its own. */
START_TEST(response_that_comes_as_it_is_has_the_number_of_its_request)
{
	up(0);
	send_zdo(0x0006, "21 0010 0401 00 01 1900");
	send_zdo(0x0001, "22 0010 00 00");
	send_zdo(0x0000, "23 01000000004b1200 00 00");
	rig_answer(&r);
	rig_say(&r, 0x45ff,
		"0010 00 0080 00 07 0000 00 01000000004b1200 0010");
	rig_say(&r, 0x45ff,
		"0000 00 0180 00 08 0000 00 01000000004b1200 0010");
	rig_say(&r, 0x45ff, "0010 00 0680 00 09 0000 00 0010 01 01");
	ck_assert_uint_eq(r.heard_count, 3);
	ck_assert_uint_eq(r.heard[0].asdu[0], 0x23);
	ck_assert_uint_eq(r.heard[1].asdu[0], 0x22);
	ck_assert_uint_eq(r.heard[2].asdu[0], 0x21);
	rig_done(&r);
}
END_TEST

START_TEST(response_to_a_question_that_was_repeated_has_the_newest_number)
{
	up(0);
	send_zdo(0x0001, "22 0010 00 00");
	rig_answer(&r);
	send_zdo(0x0001, "23 0010 00 00");
	rig_answer(&r);
	rig_say(&r, 0x4581, "00 01000000004b1200 0010 00 00");
	rig_say(&r, 0x4581, "00 01000000004b1200 0010 00 00");
	ck_assert_uint_eq(r.heard[0].asdu[0], 0x23);
	ck_assert_uint_eq(r.heard[1].asdu[0], 0);
	rig_done(&r);
}
END_TEST

START_TEST(responses_to_a_broadcast_all_have_its_number)
{
	struct zb_request q = {.id = 9, .nwk = 0xfffd, .cluster = 0x0006};
	uint8_t asdu[16];

	up(0);
	q.asdu = bytes_of(asdu,
		unit_unhex("31 fdff 0401 00 01 1900", asdu, sizeof(asdu)));
	ck_assert_int_eq(rig_send_request(&r, &q), 0);
	rig_answer(&r);
	rig_say(&r, 0x4586, "0010 00 0010 01 01");
	rig_say(&r, 0x4586, "0020 00 0020 01 01");
	ck_assert_uint_eq(r.heard[0].asdu[0], 0x31);
	ck_assert_uint_eq(r.heard[1].asdu[0], 0x31);
	rig_done(&r);
}
END_TEST

/* An old entry of its table would give the frames of one device to another. */
START_TEST(address_that_the_coordinator_knows_is_asked_on_the_air_all_the_same)
{
	up(0);
	r.known = "01000000004b1200";
	send_zdo(0x0001, "22 0010 00 00");
	rig_expect(rig_last(&r, ZNP_UTIL_LOOKUP), "0010");
	rig_answer(&r);
	ck_assert_uint_eq(r.told_count, 1);
	ck_assert_uint_eq(r.told[0].eui64, 0x00124b0000000001u);
	ck_assert_uint_eq(r.told[0].nwk, 0x1000);
	ck_assert_uint_eq(r.heard_count, 0);
	rig_expect(rig_last(&r, ZNP_ZDO_IEEE_ADDR), "0010 00 00");
	ck_assert_uint_eq(r.confirm_count, 1);
	rig_done(&r);
}
END_TEST

START_TEST(address_that_nobody_knows_is_asked_on_the_air)
{
	static const char *const unknown[] = {
		"0000000000000000", "ffffffffffffffff", "010000", ""};

	up(0);
	r.known = unknown[_i];
	send_zdo(0x0001, "22 0010 00 00");
	rig_answer(&r);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_ZDO_IEEE_ADDR), 1);
	ck_assert_uint_eq(r.heard_count, 0);
	rig_done(&r);
}
END_TEST

START_TEST(coordinator_without_a_lookup_is_asked_for_one_once)
{
	up(0);
	r.refuses = ZNP_UTIL_LOOKUP;
	send_zdo(0x0001, "22 0010 00 00");
	rig_answer(&r);
	send_zdo(0x0001, "23 0020 00 00");
	rig_answer(&r);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_UTIL_LOOKUP), 1);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_ZDO_IEEE_ADDR), 2);
	rig_done(&r);
}
END_TEST

START_TEST(device_let_in_by_the_trust_centre_is_told)
{
	up(0);
	rig_say(&r, ZNP_ZDO_TC_DEVICE, "0010 01000000004b1200 0000");
	ck_assert_uint_eq(r.node_count, 1);
	ck_assert(r.nodes[0].eui64 == 0x00124b0000000001ull);
	ck_assert_uint_eq(r.nodes[0].nwk, 0x1000);
	ck_assert(r.nodes[0].joined && !r.nodes[0].gone);
	rig_done(&r);
}
END_TEST

START_TEST(device_that_leaves_is_told_unless_it_comes_back)
{
	up(0);
	rig_say(&r, ZNP_ZDO_LEAVE, "0010 01000000004b1200 00 00 01");
	ck_assert_uint_eq(r.node_count, 0);
	rig_say(&r, ZNP_ZDO_LEAVE, "0010 01000000004b1200 00 00 00");
	ck_assert_uint_eq(r.node_count, 1);
	ck_assert(r.nodes[0].gone);
	rig_done(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("znp_zdo");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t,
		send_of_zdo_is_a_command_and_ends_with_its_answer, 0,
		sizeof(zdo_out) / sizeof(zdo_out[0]));
	tcase_add_test(t, send_of_zdo_that_has_no_command_fails_later);
	tcase_add_loop_test(t, indication_of_zdo_is_heard_as_on_the_air, 0,
		sizeof(zdo_in) / sizeof(zdo_in[0]));
	tcase_add_test(t, response_of_zdo_has_the_number_of_its_request);
	tcase_add_test(t,
		address_that_the_coordinator_knows_is_asked_on_the_air_all_the_same);
	tcase_add_test(t,
		response_that_comes_as_it_is_has_the_number_of_its_request);
	tcase_add_test(t,
		response_to_a_question_that_was_repeated_has_the_newest_number);
	tcase_add_test(t, responses_to_a_broadcast_all_have_its_number);
	tcase_add_loop_test(
		t, address_that_nobody_knows_is_asked_on_the_air, 0, 4);
	tcase_add_test(t, coordinator_without_a_lookup_is_asked_for_one_once);
	tcase_add_test(t, device_let_in_by_the_trust_centre_is_told);
	tcase_add_test(t, device_that_leaves_is_told_unless_it_comes_back);
	suite_add_tcase(s, t);
	return unit_run(s);
}
