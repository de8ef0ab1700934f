#include "tests/unit/devices/zigbee_bench_devices.h"

#include <check.h>

#include "ferry/transport.h"

#define RETRY_MS 3000
#define TRIES 10
#define NEVER ENGINE_NEVER

/* ---- from the devices ---- */

static size_t request_head(struct device *d, uint8_t *at, uint8_t command,
	bool again)
{
	at[0] = 0x01;
	at[1] = again ? d->tsn : ++d->tsn;
	at[2] = command;
	return 3;
}

static size_t put_key(uint8_t *at, const struct ota_key *key)
{
	put_le16(at, key->manufacturer);
	put_le16(at + 2, key->type);
	put_le32(at + 4, key->version);
	return 8;
}

void bench_query(struct bench *b, unsigned device)
{
	struct device *d = &b->devices[device];
	struct ota_key key = {d->manufacturer, d->type, d->version};
	uint8_t data[16];
	size_t len = request_head(d, data, OTA_QUERY_REQUEST, false);

	data[len++] = d->has_hw;
	len += put_key(data + len, &key);
	if (d->has_hw) {
		put_le16(data + len, d->hw);
		len += 2;
	}
	d->state = DEVICE_QUERY;
	d->due_ms = b->now_ms + RETRY_MS;
	d->queries++;
	if (d->drop_queries) {
		d->drop_queries--;
		return;
	}
	bench_post(b, device, ZIGBEE_OTA_CHANNEL_OTA, data, len, 0);
}

void bench_check_in(struct bench *b, unsigned device)
{
	const uint8_t data[] = {0x09, 0x55, POLL_CHECK_IN};

	bench_rx(b, device, ZIGBEE_OTA_CHANNEL_POLL, data, sizeof(data));
}

static void ask_block(struct bench *b, unsigned n, bool again)
{
	struct device *d = &b->devices[n];
	uint8_t data[32];
	bool page = d->uses_pages && d->page_end == 0;
	size_t len = request_head(d, data, page ? OTA_PAGE_REQUEST :
		OTA_BLOCK_REQUEST, again);
	struct ota_key key = d->image;

	if (d->any_key_asked)
		key = (struct ota_key){0xffff, 0xffff, 0xffffffff};
	data[len++] = d->period_bit ? 2 : 0;
	len += put_key(data + len, &key);
	put_le32(data + len, d->offset);
	data[len + 4] = d->max_data;
	len += 5;
	if (page) {
		put_le16(data + len, 500);
		put_le16(data + len + 2, 10);
		len += 4;
		d->page_end = d->offset + 500 < d->size ? d->offset + 500 :
			d->size;
	}
	d->state = DEVICE_BLOCKS;
	d->due_ms = b->now_ms + RETRY_MS;
	bench_post(b, n, ZIGBEE_OTA_CHANNEL_OTA, data, len, 1);
	if (d->asks_twice)
		bench_post(b, n, ZIGBEE_OTA_CHANNEL_OTA, data, len, 1);
}

static void send_end(struct bench *b, unsigned n)
{
	struct device *d = &b->devices[n];
	uint8_t data[16];
	size_t len;

	if (d->no_end) {
		d->state = DEVICE_COUNT_DOWN;
		d->due_ms = b->now_ms + 20000;
		return;
	}
	len = request_head(d, data, OTA_END_REQUEST, false);
	data[len++] = d->end_status;
	len += put_key(data + len, &d->image);
	d->ends++;
	d->state = d->end_status ? DEVICE_IDLE : DEVICE_END;
	d->due_ms = d->end_status ? NEVER : b->now_ms + 30000;
	bench_post(b, n, ZIGBEE_OTA_CHANNEL_OTA, data, len, 0);
}

static void come_back(struct bench *b, unsigned n)
{
	struct device *d = &b->devices[n];

	d->restarts++;
	d->state = DEVICE_IDLE;
	d->due_ms = NEVER;
	if (d->stays_away) {
		d->silent = true;
		return;
	}
	if (!d->stays_old)
		d->version = d->becomes ? d->becomes : d->image.version;
	if (d->becomes_type)
		d->manufacturer = d->type = d->becomes_type;
	if (!d->announces_not)
		bench_peer(b, n, true);
}

/* Something did not come in time, or a pause is over. */
void bench_device_time(struct bench *b, unsigned n)
{
	struct device *d = &b->devices[n];

	d->due_ms = NEVER;
	switch (d->state) {
	case DEVICE_IDLE:
		return;
	case DEVICE_QUERY:
		if (++d->tries < TRIES)
			bench_query(b, n);
		else
			d->state = DEVICE_IDLE;
		return;
	case DEVICE_BLOCKS:
		d->page_end = 0;
		if (++d->tries >= TRIES) {
			d->state = DEVICE_IDLE;
			d->gave_up++;
			return;
		}
		if (d->zero_after)
			d->offset = 0;
		ask_block(b, n, d->zero_after);
		return;
	case DEVICE_PAUSE:
		if (d->offset >= d->size)
			send_end(b, n);
		else
			ask_block(b, n, false);
		return;
	case DEVICE_END:
		if (++d->tries < TRIES)
			send_end(b, n);
		return;
	case DEVICE_COUNT_DOWN:
		d->state = DEVICE_AWAY;
		d->due_ms = b->now_ms + d->restart_ms;
		return;
	case DEVICE_AWAY:
		come_back(b, n);
		return;
	}
}

/* ---- to the devices ---- */

static void take_query(struct bench *b, unsigned n,
	const struct ota_answer *a)
{
	struct device *d = &b->devices[n];

	if (d->state != DEVICE_QUERY)
		return;
	d->state = DEVICE_IDLE;
	d->due_ms = NEVER;
	d->tries = 0;
	if (a->status) {
		d->no_image++;
		return;
	}
	d->image = a->key;
	d->size = a->image_size;
	d->offset = 0;
	d->page_end = 0;
	ck_assert_uint_le(d->size, BENCH_IMAGE_MAX);
	ask_block(b, n, false);
}

static void take_data(struct bench *b, unsigned n, const struct ota_answer *a)
{
	struct device *d = &b->devices[n];

	if (d->state != DEVICE_BLOCKS)
		return;
	if (d->drop_answers) {
		d->drop_answers--;
		return;
	}
	if (a->offset != d->offset)
		return;
	if (a->data.len == 0 || a->data.len > d->max_data ||
			a->offset + a->data.len > d->size) {
		d->bad++;
		return;
	}
	memcpy(d->got + a->offset, a->data.at, a->data.len);
	d->blocks++;
	d->shortest = a->data.len < d->shortest &&
		a->offset + a->data.len < d->size ? a->data.len : d->shortest;
	d->longest = a->data.len > d->longest ? a->data.len : d->longest;
	d->offset += (uint32_t)a->data.len;
	d->tries = 0;
	if (d->stops_at && d->offset >= d->stops_at) {
		d->silent = true;
		d->due_ms = NEVER;
		return;
	}
	if (d->page_end && d->offset < d->page_end) {
		d->due_ms = b->now_ms + 1000;
		return;
	}
	d->page_end = 0;
	d->state = DEVICE_PAUSE;
	d->due_ms = b->now_ms + (d->offset >= d->size ? d->finish_ms :
		d->think_ms);
}

static void say_malformed(struct bench *b, unsigned n, uint8_t tsn)
{
	uint8_t data[8];
	size_t len = zcl_write_default(data, tsn, false, OTA_BLOCK_RESPONSE,
		ZCL_MALFORMED_COMMAND);

	bench_post(b, n, ZIGBEE_OTA_CHANNEL_OTA, data, len, 0);
}

static void take_block(struct bench *b, unsigned n,
	const struct zcl_header *h, const struct ota_answer *a)
{
	struct device *d = &b->devices[n];

	if (h->tsn != d->tsn)
		return;
	if (a->status == ZCL_SUCCESS) {
		if (d->malformed && d->blocks % 10 == 3)
			say_malformed(b, n, h->tsn);
		take_data(b, n, a);
	} else if (a->status == ZCL_WAIT_FOR_DATA && !d->knows_no_wait) {
		d->waits++;
		d->last_wait_s = a->request_time - a->current_time;
		d->state = DEVICE_PAUSE;
		d->page_end = 0;
		d->tries = 0;
		d->due_ms = b->now_ms + (int64_t)d->last_wait_s * 1000;
	} else if (a->status == ZCL_ABORT) {
		d->aborts++;
		d->state = DEVICE_IDLE;
		d->due_ms = NEVER;
	} else {
		d->bad += a->status != ZCL_WAIT_FOR_DATA;
	}
}

static void take_end(struct bench *b, struct device *d,
	const struct ota_answer *a)
{
	d->last_upgrade_s = a->request_time;
	if (d->state != DEVICE_END && d->state != DEVICE_COUNT_DOWN)
		return;
	d->due_ms = NEVER;
	if (a->request_time == UINT32_MAX) {
		d->due_ms = b->now_ms + 3600 * 1000;
		return;
	}
	d->state = DEVICE_COUNT_DOWN;
	d->due_ms = b->now_ms + (int64_t)a->request_time * 1000 + 3000;
}

static void take_notify(struct bench *b, unsigned n)
{
	struct device *d = &b->devices[n];
	uint8_t data[8];
	size_t len;

	d->notifies++;
	if (d->refuses_notify) {
		len = zcl_write_default(data, 1, false, OTA_IMAGE_NOTIFY,
			ZCL_FAILURE);
		bench_post(b, n, ZIGBEE_OTA_CHANNEL_OTA, data, len, 1);
		return;
	}
	if (d->ignores_notify || d->state != DEVICE_IDLE)
		return;
	bench_query(b, n);
}

static void take_ota(struct bench *b, unsigned n, const struct zcl_header *h,
	struct bytes payload)
{
	struct ota_answer a;

	ck_assert_int_eq(ota_read_answer(h->command, payload, &a, NULL), 0);
	switch ((enum ota_command)h->command) {
	case OTA_IMAGE_NOTIFY:
		take_notify(b, n);
		return;
	case OTA_QUERY_RESPONSE:
		take_query(b, n, &a);
		return;
	case OTA_BLOCK_RESPONSE:
		take_block(b, n, h, &a);
		return;
	case OTA_END_RESPONSE:
		take_end(b, &b->devices[n], &a);
		return;
	case OTA_SPECIFIC_RESPONSE:
		return;
	case OTA_QUERY_REQUEST:
	case OTA_BLOCK_REQUEST:
	case OTA_PAGE_REQUEST:
	case OTA_END_REQUEST:
	case OTA_SPECIFIC_REQUEST:
		break;
	}
	ck_abort_msg("a server sent command %u", h->command);
}

static void put_record(uint8_t *at, size_t *len, uint16_t id, uint8_t type,
	uint32_t value, size_t bytes)
{
	put_le16(at + *len, id);
	at[*len + 2] = 0;
	at[*len + 3] = type;
	for (size_t i = 0; i < bytes; i++)
		at[*len + 4 + i] = (uint8_t)(value >> (8 * i));
	*len += 4 + bytes;
}

static void take_read(struct bench *b, unsigned n, unsigned channel,
	uint8_t tsn)
{
	static const char model[] = "\x05\x00\x00\x42\x04Lamp";
	const struct device *d = &b->devices[n];
	uint8_t data[64] = {channel ? 0x18 : 0x10, tsn, ZCL_READ_RESPONSE};
	size_t len = 3;

	if (channel == ZIGBEE_OTA_CHANNEL_BASIC) {
		memcpy(data + len, model, sizeof(model) - 1);
		len += sizeof(model) - 1;
	} else if (d->knows_no_read) {
		len = zcl_write_default(data, tsn, false, ZCL_READ_ATTRIBUTES,
			ZCL_UNSUP_COMMAND);
	} else {
		put_record(data, &len, 2, 0x23, d->version, 4);
		put_record(data, &len, 4, 0x23, d->image.version, 4);
		put_record(data, &len, 6, 0x30, d->state == DEVICE_END ? 3 : 0,
			1);
		put_record(data, &len, 7, 0x21, d->manufacturer, 2);
		put_record(data, &len, 8, 0x21, d->type, 2);
	}
	bench_post(b, n, channel, data, len, 5);
}

static void take_foundation(struct bench *b, unsigned n, unsigned channel,
	const struct zcl_header *h, struct bytes payload)
{
	struct device *d = &b->devices[n];

	if (h->command == ZCL_READ_ATTRIBUTES) {
		take_read(b, n, channel, h->tsn);
		return;
	}
	ck_assert_uint_eq(h->command, ZCL_DEFAULT_RESPONSE);
	ck_assert_uint_eq(payload.len, 2);
	d->defaults++;
	d->last_default = payload.at[1];
	if (payload.at[0] == OTA_PAGE_REQUEST &&
			payload.at[1] == ZCL_UNSUP_COMMAND) {
		d->uses_pages = false;
		ask_block(b, n, false);
	}
}

void bench_device_hears(struct bench *b, unsigned n, unsigned channel,
	struct bytes data)
{
	struct device *d = &b->devices[n];
	struct zcl_header h;
	struct bytes payload;

	ck_assert_int_eq(zcl_read(data, &h, &payload), 0);
	d->received++;
	if (d->silent || d->state == DEVICE_AWAY ||
			(d->drop_nth && d->received % d->drop_nth == 0))
		return;
	if (channel == ZIGBEE_OTA_CHANNEL_POLL) {
		d->check_ins += h.command == POLL_CHECK_IN_RESPONSE;
		d->fast += payload.len == 3 && payload.at[0];
		d->stops += h.command == POLL_FAST_POLL_STOP;
	} else if (!h.cluster_specific) {
		take_foundation(b, n, channel, &h, payload);
	} else {
		take_ota(b, n, &h, payload);
	}
}

void bench_devices_hear(struct bench *b, struct bytes data)
{
	struct zcl_header h;
	struct bytes payload;
	struct ota_answer a;

	b->broadcasts++;
	ck_assert_int_eq(zcl_read(data, &h, &payload), 0);
	ck_assert_int_eq(ota_read_answer(h.command, payload, &a, NULL), 0);
	ck_assert_uint_eq(a.command, OTA_IMAGE_NOTIFY);
	b->last_jitter = a.jitter;
	for (unsigned i = 0; i < b->count; i++)
		if (!b->devices[i].silent && !b->devices[i].sleepy &&
				(i * 37) % 100 < a.jitter)
			take_notify(b, i);
}
