/* Parts of the driver zigbee that stand alone: ZDO messages, the table of
 * devices, the estimate of airtime. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "transports/zigbee/airtime.h"
#include "transports/zigbee/nodes.h"
#include "transports/zigbee/zdo.h"

#define LAMP 0x00124b0000000001u

/* ---- ZDO ---- */

static const struct {
	const char *name;
	uint16_t cluster;
	const char *asdu; /* hexadecimal */
	int want;
	uint64_t eui64;
	uint16_t nwk;
	bool sleepy;
	unsigned endpoints;
} messages[] = {
	{"announce, awake", ZDO_DEVICE_ANNCE,
		"0134120100000000"
		"4b12008e",
		0, LAMP, 0x1234, false, 0},
	{"announce, sleeping", ZDO_DEVICE_ANNCE, "01341201000000004b120080", 0,
		LAMP, 0x1234, true, 0},
	{"announce, cut", ZDO_DEVICE_ANNCE, "01341201000000004b1200", -EINVAL,
		0, 0, false, 0},
	{"announce, no address", ZDO_DEVICE_ANNCE,
		"0134120000000000000000"
		"8e",
		-EINVAL, 0, 0, false, 0},
	{"ieee", ZDO_IEEE_ADDR_RSP, "010001000000004b12003412", 0, LAMP, 0x1234,
		false, 0},
	{"ieee, with a list behind", ZDO_IEEE_ADDR_RSP,
		"010001000000004b1200341201005678", 0, LAMP, 0x1234, false, 0},
	{"ieee, cut", ZDO_IEEE_ADDR_RSP, "010001000000004b120034", -EINVAL, 0,
		0, false, 0},
	{"nwk, error without more", ZDO_NWK_ADDR_RSP, "0181", 0, 0, 0, false,
		0},
	{"descriptor, end device", ZDO_NODE_DESC_RSP,
		"010034120240803412525200000052"
		"0000",
		0, 0, 0x1234, true, 0},
	{"descriptor, router", ZDO_NODE_DESC_RSP,
		"0100341201408e34125252000000520000", 0, 0, 0x1234, false, 0},
	{"descriptor, cut", ZDO_NODE_DESC_RSP, "01003412014080", -EINVAL, 0, 0,
		false, 0},
	{"match, two", ZDO_MATCH_DESC_RSP, "01003412020b0c", 0, 0, 0x1234,
		false, 2},
	{"match, none", ZDO_MATCH_DESC_RSP, "0100341200", 0, 0, 0x1234, false,
		0},
	{"match, more than there is", ZDO_MATCH_DESC_RSP,
		"0100341202"
		"0b",
		-EINVAL, 0, 0, false, 0},
	{"match, endpoint 0", ZDO_MATCH_DESC_RSP, "010034120100", -EINVAL, 0, 0,
		false, 0},
	{"match, twenty", ZDO_MATCH_DESC_RSP,
		"0100341214"
		"0101010101010101010101010101010101010101",
		0, 0, 0x1234, false, 16},
	{"request", ZDO_IEEE_ADDR_REQ, "0134120000", -ENOENT, 0, 0, false, 0},
	{"one byte", ZDO_DEVICE_ANNCE, "01", -EINVAL, 0, 0, false, 0},
	{"leave", ZDO_MGMT_LEAVE_RSP, "0100", 0, 0, 0, false, 0},
};

START_TEST(zdo_read_takes_what_is_whole)
{
	struct zdo_message m = {.nwk = 0};
	uint8_t asdu[64];
	size_t len = strlen(messages[_i].asdu) / 2;
	const char *name = messages[_i].name;

	ck_assert_int_eq(bytes_from_hex(messages[_i].asdu, asdu, len), 0);
	ck_assert_msg(zdo_read(messages[_i].cluster, bytes_of(asdu, len), &m) ==
			      messages[_i].want,
		"%s", name);
	if (messages[_i].want)
		return;
	ck_assert_msg(m.tsn == 1, "%s", name);
	ck_assert_msg(m.eui64 == messages[_i].eui64, "%s", name);
	ck_assert_msg(m.nwk == messages[_i].nwk, "%s", name);
	ck_assert_msg(m.sleepy == messages[_i].sleepy, "%s", name);
	ck_assert_msg(m.endpoint_count == messages[_i].endpoints, "%s", name);
}
END_TEST

START_TEST(zdo_write_requests_are_as_on_the_air)
{
	uint8_t at[ZDO_REQUEST_MAX];

	ck_assert_uint_eq(zdo_write_nwk_addr(at, 7, LAMP), 11);
	ck_assert_mem_eq(at, "\x07\x01\0\0\0\0\x4b\x12\0\0\0", 11);
	ck_assert_uint_eq(zdo_write_ieee_addr(at, 7, 0x1234), 5);
	ck_assert_mem_eq(at, "\x07\x34\x12\0\0", 5);
	ck_assert_uint_eq(zdo_write_node_desc(at, 7, 0x1234), 3);
	ck_assert_mem_eq(at, "\x07\x34\x12", 3);
	ck_assert_uint_eq(
		zdo_write_match_desc(at, 7, 0x1234, 0x0104, 0x0019, false), 9);
	ck_assert_mem_eq(at, "\x07\x34\x12\x04\x01\0\x01\x19\0", 9);
	ck_assert_uint_eq(
		zdo_write_match_desc(at, 7, 0x1234, 0x0104, 0x0020, true), 9);
	ck_assert_mem_eq(at, "\x07\x34\x12\x04\x01\x01\x20\0\0", 9);
}
END_TEST

/* ---- airtime ---- */

/* A block of 50 bytes: its request of 17 bytes with APS acknowledgement, its
 * answer of 67 bytes without. */
START_TEST(airtime_of_a_block_is_that_of_the_model)
{
	uint32_t request = zb_airtime_us(17, true, false);
	uint32_t plain = zb_airtime_us(17, false, false);
	uint32_t answer = zb_airtime_us(67, false, false);
	uint32_t acked = zb_airtime_us(67, true, false);

	ck_assert_uint_eq((request + answer) / 100, 154);
	ck_assert_uint_eq((request + acked + 50) / 100, 197);
	ck_assert_uint_eq((plain + answer + 50) / 100, 112);
	ck_assert_uint_lt(zb_airtime_us(67, true, true), answer);
}
END_TEST

/* ---- nodes ---- */

static struct zb_nodes nodes;

static void setup(void)
{
	zb_nodes_init(&nodes, 16);
}

static void teardown(void)
{
	zb_nodes_done(&nodes);
}

START_TEST(nodes_short_address_has_one_node)
{
	struct zb_node *a = zb_nodes_get(&nodes, LAMP, 0);
	struct zb_node *b = zb_nodes_get(&nodes, LAMP + 1, 0);

	ck_assert(zb_nodes_place(&nodes, a, 0x1234));
	ck_assert(!zb_nodes_place(&nodes, a, 0x1234));
	ck_assert(zb_nodes_place(&nodes, b, 0x1234));
	ck_assert_ptr_eq(zb_nodes_at(&nodes, 0x1234), b);
	ck_assert_uint_eq(a->nwk, ZB_NWK_UNKNOWN);
	ck_assert(zb_nodes_place(&nodes, b, 0x1634)); /* the same bucket */
	ck_assert_ptr_null(zb_nodes_at(&nodes, 0x1234));
	ck_assert_ptr_eq(zb_nodes_at(&nodes, 0x1634), b);
}
END_TEST

START_TEST(nodes_full_table_forgets_the_one_not_heard_for_longest)
{
	struct zb_node *first, *second;
	unsigned i;

	for (i = 0; i < 16; i++)
		zb_nodes_place(&nodes, zb_nodes_get(&nodes, LAMP + i, i),
			(uint16_t)(0x1000 + i));
	first = zb_nodes_find(&nodes, LAMP);
	second = zb_nodes_find(&nodes, LAMP + 1);
	zb_nodes_touch(&nodes, first, 100);
	second->held = 1; /* a frame to it is under way */
	ck_assert_ptr_nonnull(zb_nodes_get(&nodes, LAMP + 16, 101));
	ck_assert_uint_eq(nodes.count, 16);
	ck_assert_ptr_eq(zb_nodes_find(&nodes, LAMP), first);
	ck_assert_ptr_eq(zb_nodes_find(&nodes, LAMP + 1), second);
	ck_assert_ptr_null(zb_nodes_find(&nodes, LAMP + 2));
	ck_assert_ptr_null(zb_nodes_at(&nodes, 0x1002));
}
END_TEST

START_TEST(nodes_all_held_have_no_room)
{
	unsigned i;

	for (i = 0; i < 16; i++)
		zb_nodes_get(&nodes, LAMP + i, i)->held = 1;
	ck_assert_ptr_null(zb_nodes_get(&nodes, LAMP + 16, 20));
}
END_TEST

/* Random gets, moves and removals against a plain list. */
START_TEST(nodes_agree_with_a_plain_list)
{
	static uint16_t nwk_of[64]; /* by number; 0: not there */
	struct zb_node *node;
	unsigned seed = 7, step, i, n;
	uint16_t nwk;

	zb_nodes_done(&nodes);
	zb_nodes_init(&nodes, 64);
	memset(nwk_of, 0, sizeof(nwk_of));
	for (step = 0; step < 20000; step++) {
		seed = seed * 1103515245u + 12345u;
		n = seed >> 16 & 63;
		nwk = (uint16_t)(0x1000 + (seed >> 22 & 31) * 0x400);
		node = zb_nodes_find(&nodes, LAMP + n);
		ck_assert_int_eq(node != NULL, nwk_of[n] != 0);
		if (node && (seed & 0x700) == 0) {
			zb_nodes_remove(&nodes, node);
			nwk_of[n] = 0;
			continue;
		}
		node = zb_nodes_get(&nodes, LAMP + n, step);
		zb_nodes_place(&nodes, node, nwk);
		zb_nodes_touch(&nodes, node, step);
		for (i = 0; i < 64; i++)
			if (nwk_of[i] == nwk)
				nwk_of[i] = ZB_NWK_UNKNOWN;
		nwk_of[n] = nwk;
		ck_assert_ptr_eq(zb_nodes_at(&nodes, nwk), node);
	}
}
END_TEST

static const struct {
	const char *text;
	int want;
} keys[] = {
	{"00124b0000000001", 0},
	{"00124B0000000001", -EINVAL},
	{"00124b000000001", -EINVAL},
	{"00124b00000000011", -EINVAL},
	{"0000000000000000", -EINVAL},
	{"ffffffffffffffff", -EINVAL},
	{"00124b000000000g", -EINVAL},
	{"", -EINVAL},
};

START_TEST(key_read_takes_sixteen_lower_case_digits)
{
	uint64_t eui64 = 0;
	char text[17];

	ck_assert_msg(zb_key_read(keys[_i].text, &eui64) == keys[_i].want, "%s",
		keys[_i].text);
	if (keys[_i].want)
		return;
	zb_key_write(eui64, text);
	ck_assert_str_eq(text, keys[_i].text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transports.zigbee_parts");
	TCase *c = tcase_create("parts");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, zdo_read_takes_what_is_whole, 0,
		(int)(sizeof(messages) / sizeof(messages[0])));
	tcase_add_test(c, zdo_write_requests_are_as_on_the_air);
	tcase_add_test(c, airtime_of_a_block_is_that_of_the_model);
	tcase_add_test(c, nodes_short_address_has_one_node);
	tcase_add_test(
		c, nodes_full_table_forgets_the_one_not_heard_for_longest);
	tcase_add_test(c, nodes_all_held_have_no_room);
	tcase_add_test(c, nodes_agree_with_a_plain_list);
	tcase_add_loop_test(c, key_read_takes_sixteen_lower_case_digits, 0,
		(int)(sizeof(keys) / sizeof(keys[0])));
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
