/* The published frames of the OTA cluster, which another codec wrote: each is
 * read and its fields compared; each that a server sends is written and its
 * bytes compared. */
#include "tests/unit/unit.h"

#include <jansson.h>

#include "devices/zigbee_ota/zcl.h"

#define VECTORS "vectors-zigbee/zcl_vectors.jsonl"
#define VECTOR_COUNT 17

/* What one frame says, whoever sent it. */
struct said {
	struct zcl_header h;
	struct ota_request request;
	struct ota_answer answer;
	struct ota_key key;
};

static struct said read_frame(const char *label, struct bytes asdu)
{
	struct said s = {0};
	struct bytes payload;
	struct fault f = {0};
	int err = zcl_read(asdu, &s.h, &payload);

	ck_assert_msg(err == 0, "%s: %s", label, err_name(err));
	if (s.h.from_server) {
		err = ota_read_answer(s.h.command, payload, &s.answer, &f);
		s.key = s.answer.key;
	} else {
		err = ota_read_request(s.h.command, payload, &s.request, &f);
		s.key = s.request.key;
	}
	ck_assert_msg(err == 0, "%s: %s: %s %s", label, err_name(err), f.field,
		f.rule);
	return s;
}

/* Bytes that the vectors have as text: data, or an EUI-64 from its most
 * significant byte on. */
static bool text_is(const char *name, const char *want, const struct said *s)
{
	uint8_t turned[8];
	char text[256];

	if (strcmp(name, "data") == 0)
		return strcmp(bytes_to_hex(s->answer.data, text,
			sizeof(text)), want) == 0;
	for (size_t i = 0; i < 8; i++)
		turned[i] = s->request.eui64[7 - i];
	bytes_to_hex(bytes_of(turned, 8), text, sizeof(text));
	return s->request.has_eui64 && strncmp(want, "0x", 2) == 0 &&
		strcmp(text, want + 2) == 0;
}

/* -1 when we keep no such field. */
static long long number_of(const char *name, const struct said *s)
{
	bool asked = !s->h.from_server;
	const struct {
		const char *name;
		long long value;
	} fields[] = {
		{"payloadType", s->answer.notify_type},
		{"queryJitter", s->answer.jitter},
		{"status", asked ? s->request.status : s->answer.status},
		{"manufacturerCode", s->key.manufacturer},
		{"imageType", s->key.type},
		{"fileVersion", s->key.version},
		{"imageSize", s->answer.image_size},
		{"hardwareVersion", s->request.has_hw ?
			s->request.hw_version : -1},
		{"fileOffset", asked ? s->request.offset : s->answer.offset},
		{"maximumDataSize", s->request.max_data},
		{"dataSize", (long long)s->answer.data.len},
		{"minimumBlockPeriod", asked && s->request.has_period ?
			s->request.period : s->answer.has_period ?
			s->answer.period : -1},
		{"pageSize", s->request.page_size},
		{"responseSpacing", s->request.spacing_ms},
		{"currentTime", s->answer.current_time},
		{"requestTime", s->answer.request_time},
		{"upgradeTime", s->answer.request_time},
		{"zigbeeStackVersion", s->request.stack},
		{"fieldControl", (s->h.command == OTA_QUERY_REQUEST ?
			s->request.has_hw : s->request.has_eui64) |
			s->request.has_period << 1},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(fields[i].name, name) == 0)
			return fields[i].value;
	return -1;
}

static void compare(const char *label, json_t *payload, const struct said *s)
{
	const char *name;
	json_t *value;

	json_object_foreach(payload, name, value) {
		/* The last vector announces a period that is not there. */
		if (strcmp(name, "fieldControl") == 0 &&
				json_integer_value(value) == 2)
			ck_assert(!s->request.has_period);
		else if (json_is_string(value))
			ck_assert_msg(text_is(name, json_string_value(value),
				s), "%s: %s differs", label, name);
		else
			ck_assert_msg(number_of(name, s) ==
				json_integer_value(value),
				"%s: %s is %lld, not %lld", label, name,
				number_of(name, s), json_integer_value(value));
	}
}

/* Writes the answer that `s` says; its length. */
static size_t write_again(uint8_t *at, const struct said *s)
{
	const struct ota_answer *a = &s->answer;
	uint8_t tsn = s->h.tsn;

	switch (s->h.command) {
	case OTA_IMAGE_NOTIFY:
		return ota_write_notify(at, tsn, a->notify_type, a->jitter,
			&a->key);
	case OTA_QUERY_RESPONSE:
		return ota_write_query_response(at, tsn, a->status, &a->key,
			a->image_size);
	case OTA_BLOCK_RESPONSE:
		if (a->status == ZCL_SUCCESS)
			return ota_write_block(at, tsn, &a->key, a->offset,
				a->data);
		if (a->status == ZCL_WAIT_FOR_DATA)
			return ota_write_wait(at, tsn, a->current_time,
				a->request_time, a->has_period, a->period);
		return ota_write_block_status(at, tsn, a->status);
	case OTA_END_RESPONSE:
		return ota_write_end_response(at, tsn, &a->key,
			a->current_time, a->request_time);
	default:
		return 0;
	}
}

/* We refuse to serve device-specific files, so a successful answer to that is
 * read but never written. */
static bool is_ours(const struct said *s)
{
	return s->h.from_server && s->h.command != OTA_SPECIFIC_RESPONSE;
}

static void check_vector(json_t *row)
{
	const char *label = json_string_value(json_object_get(row, "label"));
	const char *hex = json_string_value(json_object_get(row, "hex"));
	json_t *payload = json_object_get(json_object_get(row, "decoded"),
		"payload");
	size_t len = strlen(hex) / 2;
	uint8_t *raw = malloc(len);
	uint8_t again[ZCL_ASDU_MAX];
	struct said s;

	ck_assert_ptr_nonnull(raw);
	ck_assert_int_eq(bytes_from_hex(hex, raw, len), 0);
	s = read_frame(label, bytes_of(raw, len));
	ck_assert_uint_eq(s.h.tsn, 0x42);
	ck_assert(s.h.cluster_specific);
	compare(label, payload, &s);
	if (is_ours(&s)) {
		ck_assert_msg(write_again(again, &s) == len,
			"%s: written with another length", label);
		ck_assert_msg(memcmp(again, raw, len) == 0,
			"%s: written with other bytes", label);
	} else {
		ck_assert_uint_eq(zcl_write(again, &s.h), 3);
		ck_assert_mem_eq(again, raw, 3);
	}
	free(raw);
}

START_TEST(vectors_read_and_write)
{
	struct bytes file = unit_read_shared(VECTORS);
	const char *at = (const char *)file.at;
	size_t left = file.len, count = 0;

	while (left) {
		const char *end = memchr(at, '\n', left);
		size_t len = end ? (size_t)(end - at) : left;
		json_t *row = json_loadb(at, len, 0, NULL);

		ck_assert_msg(row != NULL, "line %zu is no JSON", count + 1);
		check_vector(row);
		json_decref(row);
		count++;
		len += end != NULL;
		at += len;
		left -= len;
	}
	ck_assert_uint_eq(count, VECTOR_COUNT);
	free((void *)(uintptr_t)file.at);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zcl_vectors");
	TCase *tc = tcase_create("zcl_vectors");

	unit_need_shared(VECTORS);
	tcase_add_test(tc, vectors_read_and_write);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
