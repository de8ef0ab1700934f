#include "tests/unit/unit.h"

#include "devices/zigbee_ota/zcl.h"

/* Exactly the bytes of `hex`, on the heap: a reader that goes past them is
 * caught by the sanitizer. The caller frees `.at`. */
static struct bytes raw_of(const char *hex)
{
	size_t len = strlen(hex) / 2;
	uint8_t *at = malloc(len ? len : 1);

	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(bytes_from_hex(hex, at, len), 0);
	return bytes_of(at, len);
}

static void free_raw(struct bytes raw)
{
	free((void *)(uintptr_t)raw.at);
}

static void check_hex(const char *name, const uint8_t *at, size_t len,
	const char *want)
{
	char text[2 * ZCL_ASDU_MAX + 1];

	ck_assert_uint_le(len, ZCL_ASDU_MAX);
	bytes_to_hex(bytes_of(at, len), text, sizeof(text));
	ck_assert_msg(strcmp(text, want) == 0, "%s: %s, not %s", name, text,
		want);
}

/* ---- header ---- */

static const struct {
	const char *name;
	const char *hex;
	int err;
	struct zcl_header want;
	size_t payload_len;
} headers[] = {
	{"empty", "", ERR_ZCL_TRUNCATED, {0}, 0},
	{"two bytes", "0142", ERR_ZCL_TRUNCATED, {0}, 0},
	{"no command behind a manufacturer", "05341242", ERR_ZCL_TRUNCATED,
		{0}, 0},
	{"frame type 2", "024201", ERR_ZCL_FRAME_TYPE, {0}, 0},
	{"frame type 3", "034201", ERR_ZCL_FRAME_TYPE, {0}, 0},
	{"foundation", "004200", 0, {.tsn = 0x42}, 0},
	{"of a cluster", "01420355", 0,
		{.cluster_specific = true, .tsn = 0x42, .command = 3}, 1},
	{"from a server", "19420098", 0,
		{.cluster_specific = true, .from_server = true,
			.no_default_response = true, .tsn = 0x42}, 1},
	{"of a manufacturer", "0534124203aabb", 0,
		{.cluster_specific = true, .has_manufacturer = true,
			.manufacturer = 0x1234, .tsn = 0x42, .command = 3}, 2},
	{"reserved bits", "e14203", 0,
		{.cluster_specific = true, .tsn = 0x42, .command = 3}, 0},
};

START_TEST(read_header_by_row)
{
	struct bytes raw = raw_of(headers[_i].hex), payload = {0};
	const struct zcl_header *want = &headers[_i].want;
	struct zcl_header h;
	int err = zcl_read(raw, &h, &payload);

	ck_assert_msg(err == headers[_i].err, "%s: %s", headers[_i].name,
		err_name(err));
	if (!err) {
		ck_assert_msg(payload.len == headers[_i].payload_len,
			"%s: %zu bytes of payload", headers[_i].name,
			payload.len);
		ck_assert_msg(h.cluster_specific == want->cluster_specific &&
				h.from_server == want->from_server &&
				h.no_default_response ==
					want->no_default_response &&
				h.has_manufacturer == want->has_manufacturer &&
				h.manufacturer == want->manufacturer &&
				h.tsn == want->tsn &&
				h.command == want->command,
			"%s: another header", headers[_i].name);
	}
	free_raw(raw);
}
END_TEST

START_TEST(write_header_reads_back)
{
	for (unsigned bits = 0; bits < 16; bits++) {
		struct zcl_header h = {
			.cluster_specific = bits & 1,
			.from_server = bits & 2,
			.no_default_response = bits & 4,
			.has_manufacturer = bits & 8,
			.manufacturer = bits & 8 ? 0x117c : 0,
			.tsn = (uint8_t)(0x80 + bits),
			.command = (uint8_t)bits,
		};
		struct zcl_header got;
		struct bytes payload;
		uint8_t raw[5];
		size_t len = zcl_write(raw, &h);

		ck_assert_uint_eq(len, bits & 8 ? 5 : 3);
		ck_assert_int_eq(zcl_read(bytes_of(raw, len), &got, &payload),
			0);
		ck_assert(got.cluster_specific == h.cluster_specific);
		ck_assert(got.from_server == h.from_server);
		ck_assert(got.no_default_response == h.no_default_response);
		ck_assert(got.has_manufacturer == h.has_manufacturer);
		ck_assert_uint_eq(got.manufacturer, h.manufacturer);
		ck_assert_uint_eq(got.tsn, h.tsn);
		ck_assert_uint_eq(got.command, h.command);
	}
}
END_TEST

/* ---- commands ---- */

#define KEY "341202010d0c0b0a"

static const struct {
	const char *name;
	uint8_t command;
	const char *hex;
	int err;
	const char *field;
} requests[] = {
	{"a notify", 0x00, "0064", ERR_ZCL_COMMAND, "command"},
	{"a query response", 0x02, "98", ERR_ZCL_COMMAND, "command"},
	{"a block response", 0x05, "95", ERR_ZCL_COMMAND, "command"},
	{"an unknown command", 0x0a, "", ERR_ZCL_COMMAND, "command"},
	{"command 255", 0xff, KEY KEY, ERR_ZCL_COMMAND, "command"},

	{"query, empty", 0x01, "", ERR_ZCL_TRUNCATED, "field_control"},
	{"query, no manufacturer", 0x01, "0034", ERR_ZCL_TRUNCATED,
		"manufacturer"},
	{"query, no type", 0x01, "00341202", ERR_ZCL_TRUNCATED, "type"},
	{"query, half a version", 0x01, "00341202010d0c0b", ERR_ZCL_TRUNCATED,
		"version"},
	{"query", 0x01, "00" KEY, 0, NULL},
	{"query, hardware not announced", 0x01, "00" KEY "0101", 0, NULL},
	{"query, hardware missing", 0x01, "01" KEY, ERR_ZCL_TRUNCATED,
		"hw_version"},
	{"query, half a hardware", 0x01, "01" KEY "01", ERR_ZCL_TRUNCATED,
		"hw_version"},
	{"query, unknown bits", 0x01, "fe" KEY, 0, NULL},
	{"query, bytes behind", 0x01, "00" KEY "ffffffffff", 0, NULL},

	{"block, empty", 0x03, "", ERR_ZCL_TRUNCATED, "field_control"},
	{"block, no offset", 0x03, "00" KEY "000100", ERR_ZCL_TRUNCATED,
		"offset"},
	{"block, no size", 0x03, "00" KEY "00010000", ERR_ZCL_TRUNCATED,
		"max_data"},
	{"block of 0 bytes", 0x03, "00" KEY "0001000000", ERR_ZCL_FIELD,
		"max_data"},
	{"block of 255 bytes", 0x03, "00" KEY "00010000ff", 0, NULL},
	{"block at the last offset", 0x03, "00" KEY "ffffffff01", 0, NULL},
	{"block, half an EUI-64", 0x03, "01" KEY "000100003f44332211",
		ERR_ZCL_TRUNCATED, "eui64"},
	{"block, period missing", 0x03, "02" KEY "000100003f", 0, NULL},
	{"block, half a period", 0x03, "02" KEY "000100003fc8", 0, NULL},
	{"block, period behind an EUI-64 that is cut", 0x03,
		"03" KEY "000100003f443322", ERR_ZCL_TRUNCATED, "eui64"},

	{"page, no page size", 0x04, "00" KEY "000100003f",
		ERR_ZCL_TRUNCATED, "page_size"},
	{"page of 0 bytes", 0x04, "00" KEY "000100003f00003200",
		ERR_ZCL_FIELD, "page_size"},
	{"page, blocks of 0 bytes", 0x04, "00" KEY "000100000000043200",
		ERR_ZCL_FIELD, "max_data"},
	{"page, no spacing", 0x04, "00" KEY "000100003f0004",
		ERR_ZCL_TRUNCATED, "spacing"},
	{"page, half an EUI-64", 0x04, "01" KEY "000100003f0004320044",
		ERR_ZCL_TRUNCATED, "eui64"},
	{"page of 65535", 0x04, "00" KEY "000100003fffff0000", 0, NULL},

	{"end, empty", 0x06, "", ERR_ZCL_TRUNCATED, "status"},
	{"end, status alone", 0x06, "95", ERR_ZCL_TRUNCATED, "manufacturer"},
	{"end", 0x06, "00" KEY, 0, NULL},

	{"specific, empty", 0x08, "", ERR_ZCL_TRUNCATED, "eui64"},
	{"specific, no stack", 0x08, "44332211004b1200" KEY,
		ERR_ZCL_TRUNCATED, "stack"},
	{"specific", 0x08, "44332211004b1200" KEY "0200", 0, NULL},
};

START_TEST(read_request_by_row)
{
	struct bytes raw = raw_of(requests[_i].hex);
	struct ota_request r;
	struct fault f = {0};
	int err = ota_read_request(requests[_i].command, raw, &r, &f);

	ck_assert_msg(err == requests[_i].err, "%s: %s", requests[_i].name,
		err_name(err));
	if (requests[_i].field)
		ck_assert_msg(strcmp(f.field, requests[_i].field) == 0,
			"%s: names %s", requests[_i].name, f.field);
	ck_assert_msg(f.code == err, "%s: fault %s", requests[_i].name,
		err_name(f.code));
	ck_assert_int_eq(ota_read_request(requests[_i].command, raw, &r, NULL),
		err);
	free_raw(raw);
}
END_TEST

START_TEST(read_request_failed_leaves_result)
{
	struct ota_request r = {.command = 0x77};
	struct bytes raw = raw_of("00" KEY "0001000000");

	ck_assert_int_eq(ota_read_request(OTA_BLOCK_REQUEST, raw, &r, NULL),
		ERR_ZCL_FIELD);
	ck_assert_uint_eq(r.command, 0x77);
	free_raw(raw);
}
END_TEST

START_TEST(read_request_page_with_eui64)
{
	struct bytes raw = raw_of("01" KEY "000100003f00043200"
		"44332211004b1200");
	struct ota_request r;

	ck_assert_int_eq(ota_read_request(OTA_PAGE_REQUEST, raw, &r, NULL), 0);
	ck_assert(r.has_eui64);
	ck_assert_mem_eq(r.eui64, raw.at + raw.len - 8, 8);
	ck_assert_uint_eq(r.page_size, 1024);
	ck_assert_uint_eq(r.spacing_ms, 50);
	free_raw(raw);
}
END_TEST

START_TEST(read_request_without_period_has_none)
{
	struct bytes raw = raw_of("02" KEY "0000000040");
	struct ota_request r;

	ck_assert_int_eq(ota_read_request(OTA_BLOCK_REQUEST, raw, &r, NULL),
		0);
	ck_assert(!r.has_period);
	ck_assert_uint_eq(r.max_data, 64);
	free_raw(raw);
}
END_TEST

static const struct {
	const char *name;
	uint8_t command;
	const char *hex;
	int err;
	const char *field;
} answers[] = {
	{"a query", 0x01, "00" KEY, ERR_ZCL_COMMAND, "command"},
	{"an unknown command", 0x0b, "", ERR_ZCL_COMMAND, "command"},
	{"notify, empty", 0x00, "", ERR_ZCL_TRUNCATED, "notify_type"},
	{"notify, no jitter", 0x00, "00", ERR_ZCL_TRUNCATED, "jitter"},
	{"notify, jitter 0", 0x00, "0000", ERR_ZCL_FIELD, "jitter"},
	{"notify, jitter 101", 0x00, "0065", ERR_ZCL_FIELD, "jitter"},
	{"notify of type 4", 0x00, "0464" KEY, ERR_ZCL_FIELD, "notify_type"},
	{"notify of type 1, short", 0x00, "0164", ERR_ZCL_TRUNCATED,
		"manufacturer"},
	{"notify of type 2, short", 0x00, "01643412" "02", ERR_ZCL_FIELD,
		"notify_type"},
	{"notify of type 3, short", 0x00, "036434120201", ERR_ZCL_TRUNCATED,
		"version"},
	{"notify of type 0, long", 0x00, "006434", ERR_ZCL_FIELD,
		"notify_type"},
	{"notify of type 2", 0x00, "026434120201", 0, NULL},
	{"query response, empty", 0x02, "", ERR_ZCL_TRUNCATED, "status"},
	{"query response, no size", 0x02, "00" KEY, ERR_ZCL_TRUNCATED,
		"image_size"},
	{"block response, empty", 0x05, "", ERR_ZCL_TRUNCATED, "status"},
	{"block response, no data", 0x05, "00" KEY "0001000008",
		ERR_ZCL_TRUNCATED, "data"},
	{"block response, short data", 0x05, "00" KEY "00010000020a",
		ERR_ZCL_TRUNCATED, "data"},
	{"block response of 0 bytes", 0x05, "00" KEY "0001000000",
		ERR_ZCL_FIELD, "data_size"},
	{"block response of 255, short", 0x05, "00" KEY "00010000ff0a0a",
		ERR_ZCL_TRUNCATED, "data"},
	{"wait, no times", 0x05, "97", ERR_ZCL_TRUNCATED, "current_time"},
	{"wait, half a time", 0x05, "97000000003c00", ERR_ZCL_TRUNCATED,
		"request_time"},
	{"wait without period", 0x05, "97000000003c000000", 0, NULL},
	{"wait, half a period", 0x05, "97000000003c00000001", 0, NULL},
	{"end response, no times", 0x07, KEY, ERR_ZCL_TRUNCATED,
		"current_time"},
	{"end response, no upgrade time", 0x07, KEY "00000000",
		ERR_ZCL_TRUNCATED, "upgrade_time"},
	{"specific response, no size", 0x09, "00" KEY, ERR_ZCL_TRUNCATED,
		"image_size"},
};

START_TEST(read_answer_by_row)
{
	struct bytes raw = raw_of(answers[_i].hex);
	struct ota_answer a;
	struct fault f = {0};
	int err = ota_read_answer(answers[_i].command, raw, &a, &f);

	ck_assert_msg(err == answers[_i].err, "%s: %s", answers[_i].name,
		err_name(err));
	if (answers[_i].field)
		ck_assert_msg(strcmp(f.field, answers[_i].field) == 0,
			"%s: names %s", answers[_i].name, f.field);
	free_raw(raw);
}
END_TEST

/* ---- what the vectors do not have ---- */

static const struct ota_key key = {0x1234, 0x0102, 0x0a0b0c0d};

START_TEST(write_notify_by_type)
{
	static const char *const want[] = {"1907000032", "19070001323412",
		"190700023234120201", "1907000332" KEY, "1907000332" KEY};

	for (uint8_t type = 0; type < 5; type++) {
		uint8_t raw[ZCL_ASDU_MAX];
		size_t len = ota_write_notify(raw, 7, type, 50, &key);

		check_hex("notify", raw, len, want[type]);
	}
}
END_TEST

START_TEST(write_block_too_long_is_cut)
{
	static const uint8_t data[255] = {0x11, 0x22};
	uint8_t raw[ZCL_ASDU_MAX];
	struct zcl_header h;
	struct ota_answer a;
	struct bytes payload;
	size_t len = ota_write_block(raw, 9, &key, 5, bytes_of(data, 255));

	ck_assert_uint_eq(len, ZCL_ASDU_MAX);
	ck_assert_int_eq(zcl_read(bytes_of(raw, len), &h, &payload), 0);
	ck_assert_int_eq(ota_read_answer(h.command, payload, &a, NULL), 0);
	ck_assert_uint_eq(a.data.len, ZCL_ASDU_MAX - 17);
	ck_assert_mem_eq(a.data.at, data, a.data.len);
}
END_TEST

START_TEST(write_wait_without_period)
{
	uint8_t raw[ZCL_ASDU_MAX];

	check_hex("wait", raw, ota_write_wait(raw, 0x42, 0, 60, false, 300),
		"19420597000000003c000000");
}
END_TEST

START_TEST(write_foundation_frames)
{
	static const uint16_t ids[] = {0x0002, 0x0006};
	uint8_t raw[ZCL_ASDU_MAX];

	check_hex("read of a server", raw,
		zcl_write_read(raw, 1, false, ids, 1), "1001000200");
	check_hex("read of a client", raw,
		zcl_write_read(raw, 1, true, ids, 2), "18010002000600");
	check_hex("default response", raw,
		zcl_write_default(raw, 2, true, 0x04, 0x81), "18020b0481");
	check_hex("default response of a client", raw,
		zcl_write_default(raw, 2, false, 0x00, 0), "10020b0000");
}
END_TEST

START_TEST(write_read_of_many_stays_in_frame)
{
	uint16_t ids[100] = {0};
	uint8_t raw[ZCL_ASDU_MAX];

	ck_assert_uint_eq(zcl_write_read(raw, 1, true, ids, 100), 127);
}
END_TEST

START_TEST(write_poll_control)
{
	uint8_t raw[ZCL_ASDU_MAX];

	check_hex("start", raw,
		poll_write_check_in_response(raw, 3, true, 0x0140),
		"110300014001");
	check_hex("no fast poll", raw,
		poll_write_check_in_response(raw, 3, false, 99),
		"110300000000");
	check_hex("stop", raw, poll_write_stop(raw, 4), "110401");
}
END_TEST

START_TEST(status_name_known_and_unknown)
{
	char text[16];

	ck_assert_str_eq(zcl_status_name(0x97, text, sizeof(text)),
		"WAIT_FOR_DATA");
	ck_assert_str_eq(zcl_status_name(0x00, text, sizeof(text)), "SUCCESS");
	ck_assert_str_eq(zcl_status_name(0xc3, text, sizeof(text)),
		"status 0xc3");
}
END_TEST

/* The figures of the model for a block of 50 bytes: request and response, with
 * none, one and two of them acknowledged. */
START_TEST(airtime_of_a_block_is_the_model)
{
	uint32_t request = zcl_airtime_us(17, false, 1);
	uint32_t response = zcl_airtime_us(67, false, 1);

	ck_assert_uint_eq(request + response, 11192);
	ck_assert_uint_eq(zcl_airtime_us(17, true, 1) + response, 15444);
	ck_assert_uint_eq(zcl_airtime_us(17, true, 1) +
		zcl_airtime_us(67, true, 1), 19696);
	ck_assert_uint_eq(zcl_airtime_us(17, false, 3), 3 * request);
	ck_assert_uint_eq(zcl_airtime_us(17, false, 0), request);
	ck_assert_uint_eq(zcl_airtime_us(SIZE_MAX, true, UINT32_MAX),
		zcl_airtime_us(ZCL_ASDU_MAX, true, 30));
}
END_TEST

/* ---- records ---- */

static const struct {
	const char *name;
	const char *hex;
	int rc[3];            /* of the first calls, up to the last */
	uint16_t id;          /* of the first record */
	uint8_t status;
	const char *data;
	bool is_number;
	uint64_t number;
} records[] = {
	{"nothing", "", {0}, 0, 0, NULL, false, 0},
	{"uint32", "0200" "00" "23" "0d0c0b0a", {1, 0}, 2, 0, "0d0c0b0a", true,
		0x0a0b0c0d},
	{"enum8", "0600" "00" "30" "01", {1, 0}, 6, 0, "01", true, 1},
	{"enum16", "0600" "00" "31" "0102", {1, 0}, 6, 0, "0102", true, 0x201},
	{"uint8", "0000" "00" "20" "03", {1, 0}, 0, 0, "03", true, 3},
	{"uint24", "0000" "00" "22" "010203", {1, 0}, 0, 0, "010203", true,
		0x030201},
	{"uint64", "0000" "00" "27" "0102030405060708", {1, 0}, 0, 0,
		"0102030405060708", true, 0x0807060504030201},
	{"bitmap40", "0000" "00" "1c" "0100000080", {1, 0}, 0, 0, "0100000080",
		true, 0x8000000001},
	{"int16 is no number", "0000" "00" "29" "ffff", {1, 0}, 0, 0, "ffff",
		false, 0},
	{"bool is no number", "0000" "00" "10" "01", {1, 0}, 0, 0, "01", false,
		0},
	{"data32", "0000" "00" "0b" "01020304", {1, 0}, 0, 0, "01020304",
		false, 0},
	{"text", "0500" "00" "42" "03" "616263", {1, 0}, 5, 0, "616263", false,
		0},
	{"text of 0", "0500" "00" "42" "00", {1, 0}, 5, 0, "", false, 0},
	{"invalid text", "0500" "00" "42" "ff", {1, 0}, 5, 0, "", false, 0},
	{"octets", "0500" "00" "41" "02" "0001", {1, 0}, 5, 0, "0001", false,
		0},
	{"long text", "0500" "00" "44" "0200" "6162", {1, 0}, 5, 0, "6162",
		false, 0},
	{"invalid long octets", "0500" "00" "43" "ffff", {1, 0}, 5, 0, "",
		false, 0},
	{"EUI-64", "0000" "00" "f0" "0102030405060708", {1, 0}, 0, 0,
		"0102030405060708", false, 0},
	{"key", "0000" "00" "f1" "000102030405060708090a0b0c0d0e0f", {1, 0},
		0, 0, "000102030405060708090a0b0c0d0e0f", false, 0},
	{"double", "0000" "00" "3a" "0102030405060708", {1, 0}, 0, 0,
		"0102030405060708", false, 0},
	{"UTC", "0000" "00" "e2" "01020304", {1, 0}, 0, 0, "01020304", false,
		0},
	{"no data", "0000" "00" "00", {1, 0}, 0, 0, "", false, 0},
	{"not supported", "0200" "86", {1, 0}, 2, 0x86, "", false, 0},
	{"two", "0200" "86" "0600" "00" "30" "01", {1, 1, 0}, 2, 0x86, "",
		false, 0},
	{"cut behind the first", "0200" "86" "06", {1, ERR_ZCL_TRUNCATED}, 2,
		0x86, "", false, 0},
	{"an id alone", "0200", {ERR_ZCL_TRUNCATED}, 0, 0, NULL, false, 0},
	{"no type", "020000", {ERR_ZCL_TRUNCATED}, 0, 0, NULL, false, 0},
	{"no value", "02000023", {ERR_ZCL_TRUNCATED}, 0, 0, NULL, false, 0},
	{"half a value", "02000023" "0d0c", {ERR_ZCL_TRUNCATED}, 0, 0, NULL,
		false, 0},
	{"text without length", "05000042", {ERR_ZCL_TRUNCATED}, 0, 0, NULL,
		false, 0},
	{"text too long", "05000042" "04" "616263", {ERR_ZCL_TRUNCATED}, 0, 0,
		NULL, false, 0},
	{"long text, half a length", "05000044" "04", {ERR_ZCL_TRUNCATED}, 0,
		0, NULL, false, 0},
	{"long text too long", "05000044" "feff" "61", {ERR_ZCL_TRUNCATED}, 0,
		0, NULL, false, 0},
	{"array", "00000048" "20" "0000", {ERR_ZCL_TYPE}, 0, 0, NULL, false,
		0},
	{"structure", "0000004c" "0000", {ERR_ZCL_TYPE}, 0, 0, NULL, false, 0},
	{"unknown type", "000000ff", {ERR_ZCL_TYPE}, 0, 0, NULL, false, 0},
	{"a gap of types", "00000032" "00", {ERR_ZCL_TYPE}, 0, 0, NULL, false,
		0},
};

START_TEST(next_record_by_row)
{
	struct bytes raw = raw_of(records[_i].hex), rest = raw;
	struct zcl_record r, first = {0};
	uint64_t number = 0;
	char text[64];
	size_t n = 0;
	int rc;

	do {
		rc = zcl_next_record(&rest, &r);
		ck_assert_msg(rc == records[_i].rc[n], "%s: call %zu says %s",
			records[_i].name, n, err_name(rc));
		if (n++ == 0 && rc == 1)
			first = r;
	} while (rc == 1);
	if (records[_i].data) {
		ck_assert_uint_eq(first.id, records[_i].id);
		ck_assert_uint_eq(first.status, records[_i].status);
		ck_assert_str_eq(bytes_to_hex(first.data, text, sizeof(text)),
			records[_i].data);
		rc = zcl_record_number(&first, &number);
		ck_assert_msg(rc == (records[_i].is_number ? 0 : ERR_ZCL_TYPE),
			"%s: %s", records[_i].name, err_name(rc));
		ck_assert_uint_eq(number, records[_i].number);
	}
	free_raw(raw);
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

int main(void)
{
	Suite *suite = suite_create("zcl");
	TCase *tc = tcase_create("zcl");

	tcase_add_loop_test(tc, read_header_by_row, 0, COUNT(headers));
	tcase_add_test(tc, write_header_reads_back);
	tcase_add_loop_test(tc, read_request_by_row, 0, COUNT(requests));
	tcase_add_test(tc, read_request_failed_leaves_result);
	tcase_add_test(tc, read_request_page_with_eui64);
	tcase_add_test(tc, read_request_without_period_has_none);
	tcase_add_loop_test(tc, read_answer_by_row, 0, COUNT(answers));
	tcase_add_test(tc, write_notify_by_type);
	tcase_add_test(tc, write_block_too_long_is_cut);
	tcase_add_test(tc, write_wait_without_period);
	tcase_add_test(tc, write_foundation_frames);
	tcase_add_test(tc, write_read_of_many_stays_in_frame);
	tcase_add_test(tc, write_poll_control);
	tcase_add_test(tc, status_name_known_and_unknown);
	tcase_add_test(tc, airtime_of_a_block_is_the_model);
	tcase_add_loop_test(tc, next_record_by_row, 0, COUNT(records));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
