/* Any bytes as a frame of the OTA cluster, in both directions, and as records of
 * a read response: what is read lies inside, and an answer that is written
 * again is the beginning of what was read. */
#include "devices/zigbee_ota/zcl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_inside(struct bytes part, struct bytes whole)
{
	if (part.len && (part.at < whole.at ||
			part.at + part.len > whole.at + whole.len))
		abort();
}

static void check_request(uint8_t command, struct bytes payload)
{
	struct ota_request r;
	struct fault f = {0};
	int err = ota_read_request(command, payload, &r, &f);

	if (err != f.code || (err && !f.field[0]))
		abort();
	if (!err && (r.command == OTA_BLOCK_REQUEST ||
			r.command == OTA_PAGE_REQUEST) && r.max_data == 0)
		abort();
}

static size_t write_block_answer(uint8_t *at, const struct ota_answer *a)
{
	if (a->status == ZCL_SUCCESS)
		return ota_write_block(at, 0, &a->key, a->offset, a->data);
	if (a->status == ZCL_WAIT_FOR_DATA)
		return ota_write_wait(at, 0, a->current_time, a->request_time,
			a->has_period, a->period);
	return ota_write_block_status(at, 0, a->status);
}

static size_t write_answer(uint8_t *at, const struct ota_answer *a)
{
	switch (a->command) {
	case OTA_IMAGE_NOTIFY:
		return ota_write_notify(at, 0, a->notify_type, a->jitter,
			&a->key);
	case OTA_QUERY_RESPONSE:
		return ota_write_query_response(at, 0, a->status, &a->key,
			a->image_size);
	case OTA_BLOCK_RESPONSE:
		return write_block_answer(at, a);
	case OTA_END_RESPONSE:
		return ota_write_end_response(at, 0, &a->key, a->current_time,
			a->request_time);
	default:
		return 0;
	}
}

static void check_answer(uint8_t command, struct bytes payload)
{
	uint8_t again[ZCL_ASDU_MAX];
	struct ota_answer a;
	struct fault f = {0};
	int err = ota_read_answer(command, payload, &a, &f);
	size_t len;

	if (err != f.code)
		abort();
	if (err)
		return;
	check_inside(a.data, payload);
	len = write_answer(again, &a);
	if (len > ZCL_ASDU_MAX)
		abort();
	/* A block that is longer than a frame of ours is cut. */
	if (len && a.data.len <= ZCL_ASDU_MAX - 17 && (len - 3 > payload.len ||
			memcmp(again + 3, payload.at, len - 3) != 0))
		abort();
}

static void check_records(struct bytes rest)
{
	struct zcl_record r;
	uint64_t number;

	for (;;) {
		struct bytes before = rest;

		if (zcl_next_record(&rest, &r) != 1)
			return;
		if (rest.len >= before.len)
			abort();
		check_inside(r.data, before);
		if (zcl_record_number(&r, &number) == 0 && r.data.len < 8 &&
				number >> 8 * r.data.len)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes asdu = bytes_of(data, len), payload;
	struct zcl_header h;
	uint8_t again[5];

	if (zcl_read(asdu, &h, &payload))
		return 0;
	check_inside(payload, asdu);
	if (zcl_write(again, &h) + payload.len != len ||
			memcmp(again + 1, data + 1, len - payload.len - 1) != 0)
		abort();
	check_request(h.command, payload);
	check_answer(h.command, payload);
	check_records(payload);
	return 0;
}
