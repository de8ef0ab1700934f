#include "tests/unit/devices/zigbee_bench.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "ferry/transport.h"

#define RETRY_MS 3000
#define TRIES 10
#define NEVER ENGINE_NEVER

static const struct engine_ops *ops(void)
{
	return &zigbee_ota_engine_ops;
}

/* ---- set up ---- */

static void write_header(uint8_t *at, size_t len)
{
	memset(at, 0, OTA_FILE_HEADER_MIN);
	put_le32(at, OTA_FILE_MAGIC);
	put_le16(at + 4, 0x0100);
	put_le16(at + 6, OTA_FILE_HEADER_MIN);
	put_le16(at + 10, BENCH_MANUFACTURER);
	put_le16(at + 12, BENCH_TYPE);
	put_le32(at + 14, BENCH_NEW);
	put_le16(at + 18, 2);
	put_le32(at + 52, (uint32_t)len);
}

static void make_image(struct bench *b, size_t len)
{
	uint32_t v = 1;

	for (size_t i = 0; i < len; i++) {
		v = v * 1664525 + 1013904223;
		b->image[i] = (uint8_t)(v >> 24);
	}
	write_header(b->image, len);
	b->image_len = len;
	b->want = (struct engine_image){.len = len, .version = "0x0a0b0c0d"};
}

void bench_contain(struct bench *b, size_t before, size_t behind)
{
	ck_assert_uint_le(before + b->image_len + behind, sizeof(b->image));
	memmove(b->image + before, b->image, b->image_len);
	memset(b->image, 0x5a, before);
	memset(b->image + before + b->image_len, 0xa5, behind);
	b->image_at = before;
	b->image_len += before + behind;
	b->want.len = b->image_len;
}

void bench_hardware(struct bench *b, uint16_t low, uint16_t high)
{
	put_le16(b->image + 6, OTA_FILE_HEADER_MIN + 4);
	put_le16(b->image + 8, 4);
	put_le16(b->image + OTA_FILE_HEADER_MIN, low);
	put_le16(b->image + OTA_FILE_HEADER_MIN + 2, high);
}

static void make_device(struct bench *b, unsigned n)
{
	struct device *d = &b->devices[n];

	snprintf(d->key, sizeof(d->key), "00124b00%08x", n + 1);
	d->manufacturer = BENCH_MANUFACTURER;
	d->type = BENCH_TYPE;
	d->version = BENCH_OLD;
	d->max_data = 63;
	d->restart_ms = 4000;
	d->think_ms = 10;
	d->due_ms = NEVER;
	d->shortest = SIZE_MAX;
}

void bench_event(struct bench *b, const struct engine_event *e)
{
	ops()->event(b->engine, b->now_ms, e);
}

void bench_peer(struct bench *b, unsigned device, bool joined)
{
	const struct device *d = &b->devices[device];
	struct engine_event e = {.type = ENGINE_PEER, .peer = {
		.key = d->key, .sleepy = d->sleepy, .joined = joined}};

	bench_event(b, &e);
}

void bench_quirks(struct bench *b, const char *source, const char *rows)
{
	struct engine_event e = {.type = ENGINE_QUIRKS, .quirks = {
		.source = source, .rows = bytes_of_text(rows)}};

	bench_event(b, &e);
}

void bench_link(struct bench *b, bool up)
{
	struct engine_event e = {.type = up ? ENGINE_UP : ENGINE_DOWN,
		.up.max_payload = up ? 82 : 0};

	b->down = !up;
	if (!up) {
		memset(b->reports, 0, sizeof(b->reports));
		b->wire_count = 0;
	}
	bench_event(b, &e);
}

static void greet(struct bench *b)
{
	struct engine_event group = {.type = ENGINE_PEER, .peer = {
		.key = "all-awake", .group = true}};

	bench_link(b, true);
	bench_event(b, &group);
	for (unsigned i = 0; i < b->count; i++)
		bench_peer(b, i, false);
}

void bench_init(struct bench *b, unsigned count, size_t len,
	const char *options)
{
	struct fault f = {0};

	ck_assert_uint_le(len, BENCH_IMAGE_MAX);
	b->count = count;
	b->limit_ms = 24 * 3600 * 1000;
	b->go_at = b->stop_at = b->withdraw_at = -1;
	b->reply_len = 12;
	b->now_ms = 1000;
	make_image(b, len);
	for (unsigned i = 0; i < BENCH_DEVICES; i++)
		make_device(b, i);
	ck_assert_msg(ops()->create(options, &b->engine, &f) == 0, "%s %s",
		f.field, f.rule);
	greet(b);
}

void bench_done(struct bench *b)
{
	ops()->destroy(b->engine);
	b->engine = NULL;
}

void bench_restart(struct bench *b, const char *options)
{
	bench_done(b);
	memset(b->reports, 0, sizeof(b->reports));
	memset(b->needs, 0, sizeof(b->needs));
	b->wire_count = 0;
	b->job_count = b->over_count = 0;
	memset(b->jobs, 0, sizeof(b->jobs));
	ck_assert_int_eq(ops()->create(options, &b->engine, NULL), 0);
	greet(b);
}

struct bench_job *bench_job(struct bench *b, unsigned device)
{
	for (unsigned i = b->job_count; i > 0; i--)
		if (b->jobs[i - 1].device == device)
			return &b->jobs[i - 1];
	ck_abort_msg("device %u has no job", device);
	return NULL;
}

static struct bench_job *job_of(struct bench *b, uint64_t job)
{
	for (unsigned i = 0; i < b->job_count; i++)
		if (b->jobs[i].job == job)
			return &b->jobs[i];
	ck_abort_msg("nobody knows job %llu", (unsigned long long)job);
	return NULL;
}

void bench_offer_as(struct bench *b, unsigned device, enum engine_goal goal,
	int reached, const char *options, bool allow_downgrade)
{
	struct engine_event e = {.type = ENGINE_OFFER, .offer = {
		.job = 100 + device, .goal = goal, .reached = reached,
		.image = goal == ENGINE_GOAL_UPDATE ? &b->want : NULL,
		.peer = b->devices[device].key, .options = options,
		.allow_downgrade = allow_downgrade}};
	struct bench_job *j;
	unsigned n = 0;

	while (n < b->job_count && b->jobs[n].job != 100 + device)
		n++;
	ck_assert_uint_lt(n, BENCH_DEVICES);
	j = &b->jobs[n];
	if (n == b->job_count)
		b->job_count++;
	else
		b->over_count -= j->over;
	*j = (struct bench_job){.job = 100 + device, .device = device,
		.pending = -1};
	bench_event(b, &e);
}

void bench_offer(struct bench *b, unsigned device)
{
	bench_offer_as(b, device, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE, NULL,
		false);
}

bool bench_has_image(const struct bench *b, unsigned device)
{
	const struct device *d = &b->devices[device];

	return !d->bad && d->size && !memcmp(d->got, b->image + b->image_at,
		d->size);
}

/* ---- from the devices ---- */

static void post(struct bench *b, unsigned device, unsigned channel,
	const uint8_t *data, size_t len, int64_t delay_ms)
{
	struct bench_frame *f = &b->wire[b->wire_count];

	if (b->down)
		return;
	ck_assert_uint_lt(b->wire_count, BENCH_PARCELS);
	ck_assert_uint_le(len, sizeof(f->data));
	b->wire_count++;
	*f = (struct bench_frame){.at_ms = b->now_ms + delay_ms,
		.device = device, .channel = channel, .len = len};
	memcpy(f->data, data, len);
}

void bench_rx(struct bench *b, unsigned device, unsigned channel,
	const uint8_t *data, size_t len)
{
	uint8_t reply[12] = {(uint8_t)device, (uint8_t)(device >> 8)};
	uint8_t *copy = malloc(len ? len : 1);
	struct engine_event e = {.type = ENGINE_RX, .rx = {
		.peer = bytes_of_text(b->devices[device].key),
		.channel = channel, .reply = bytes_of(reply, b->reply_len),
		.data = bytes_of(copy, len)}};

	memcpy(copy, data, len);
	bench_event(b, &e);
	free(copy);
}

void bench_rx_hex(struct bench *b, unsigned device, unsigned channel,
	const char *hex)
{
	uint8_t data[128];
	size_t len = strlen(hex) / 2;

	ck_assert_int_eq(bytes_from_hex(hex, data, len), 0);
	bench_rx(b, device, channel, data, len);
}

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
	post(b, device, ZIGBEE_OTA_CHANNEL_OTA, data, len, 0);
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
	post(b, n, ZIGBEE_OTA_CHANNEL_OTA, data, len, 1);
	if (d->asks_twice)
		post(b, n, ZIGBEE_OTA_CHANNEL_OTA, data, len, 1);
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
	post(b, n, ZIGBEE_OTA_CHANNEL_OTA, data, len, 0);
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
static void device_time(struct bench *b, unsigned n)
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

	post(b, n, ZIGBEE_OTA_CHANNEL_OTA, data, len, 0);
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
		post(b, n, ZIGBEE_OTA_CHANNEL_OTA, data, len, 1);
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
	post(b, n, channel, data, len, 5);
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

static void take_frame(struct bench *b, unsigned n, unsigned channel,
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

static void take_broadcast(struct bench *b, struct bytes data)
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

/* ---- the host ---- */

static unsigned device_of(const struct bench *b, struct bytes key)
{
	for (unsigned i = 0; i < BENCH_DEVICES; i++)
		if (bytes_is_text(key, b->devices[i].key))
			return i;
	ck_assert_msg(bytes_is_text(key, "all-awake"), "unknown receiver");
	return BENCH_DEVICES;
}

static void report(struct bench *b, uint64_t id, int status,
	uint32_t airtime_us)
{
	struct engine_event e = {.type = ENGINE_SENT, .sent = {.id = id,
		.status = status, .airtime_us = airtime_us,
		.retry_after_ms = status ? b->retry_after_ms : 0}};

	if (!b->sent_ms) {
		bench_event(b, &e);
		return;
	}
	for (unsigned i = 0; i < 64; i++) {
		if (b->reports[i].id)
			continue;
		b->reports[i].at_ms = b->now_ms + b->sent_ms;
		b->reports[i].id = id;
		b->reports[i].status = status;
		b->reports[i].airtime_us = airtime_us;
		return;
	}
	ck_abort_msg("too many sends under way");
}

static void account(struct bench *b, uint32_t us)
{
	ck_assert_uint_gt(us, 0);
	b->airtime_us += us;
	b->spent_us += us;
	if (b->spent_us > b->most_us)
		b->most_us = b->spent_us;
	if (b->budget_us)
		ck_assert_uint_le(b->spent_us, b->budget_us);
}

static void take_tx(struct bench *b, const struct engine_command *c)
{
	unsigned n = device_of(b, c->tx.peer);
	struct bench_frame *f = &b->log[b->sends % BENCH_LOG];
	int status = 0;

	ck_assert_uint_le(c->tx.data.len, 82);
	ck_assert_uint_ne(c->tx.id, 0);
	*f = (struct bench_frame){.at_ms = b->now_ms, .device = n,
		.channel = c->tx.channel, .until = c->tx.until,
		.has_reply = c->tx.reply.len != 0,
		.airtime_us = c->tx.airtime_us, .len = c->tx.data.len};
	memcpy(f->data, c->tx.data.at, c->tx.data.len);
	if (f->has_reply)
		ck_assert_uint_eq(c->tx.reply.at[0] | c->tx.reply.at[1] << 8,
			n);
	b->sends++;
	account(b, c->tx.airtime_us);
	if ((b->fail_nth && b->sends % b->fail_nth == 0) || (b->fail_count &&
			b->sends >= b->fail_from && b->fail_count--))
		status = b->fail_status ? b->fail_status : FERRY_NOT_DELIVERED;
	if (!status && n == BENCH_DEVICES)
		take_broadcast(b, bytes_of(f->data, f->len));
	else if (!status)
		take_frame(b, n, c->tx.channel, bytes_of(f->data, f->len));
	report(b, c->tx.id, status, c->tx.airtime_us);
}

static void give(struct bench *b, uint64_t job, uint64_t offset, size_t len)
{
	struct engine_event e = {.type = ENGINE_IMAGE, .image = {.job = job,
		.offset = offset, .status = b->image_status}};
	uint8_t *copy;

	ck_assert_uint_le(offset + len, b->image_len);
	if (b->image_part && len > b->image_part)
		len = b->image_part;
	copy = malloc(len);
	memcpy(copy, b->image + offset, len);
	e.image.data = bytes_of(copy, len);
	bench_event(b, &e);
	free(copy);
}

static void take_need(struct bench *b, const struct engine_command *c)
{
	ck_assert_uint_gt(c->need_image.len, 0);
	if (!b->image_ms) {
		give(b, c->need_image.job, c->need_image.offset,
			c->need_image.len);
		return;
	}
	for (unsigned i = 0; i < 64; i++) {
		if (b->needs[i].len)
			continue;
		b->needs[i].at_ms = b->now_ms + b->image_ms;
		b->needs[i].job = c->need_image.job;
		b->needs[i].offset = c->need_image.offset;
		b->needs[i].len = c->need_image.len;
		return;
	}
	ck_abort_msg("too many needs");
}

static void give_go(struct bench *b, struct bench_job *j)
{
	struct engine_event e = {.type = ENGINE_GO, .go = {.job = j->job,
		.stage = (enum engine_stage)j->pending}};

	j->pending = -1;
	bench_event(b, &e);
}

static void take_stage(struct bench *b, const struct engine_command *c)
{
	struct bench_job *j = job_of(b, c->stage.job);
	struct engine_event e = {.type = ENGINE_WITHDRAW,
		.withdraw.job = j->job};

	ck_assert_msg(!(j->stages & 1u << c->stage.stage),
		"stage %d announced twice", (int)c->stage.stage);
	j->stages |= 1u << c->stage.stage;
	if ((int)c->stage.stage == b->withdraw_at) {
		bench_event(b, &e);
		return;
	}
	if ((int)c->stage.stage == b->stop_at)
		return;
	j->pending = (int)c->stage.stage;
	j->go_ms = b->now_ms + ((int)c->stage.stage == b->go_at ? b->go_ms :
		0);
	if (j->go_ms == b->now_ms)
		give_go(b, j);
}

static void take_result(struct bench *b, const struct engine_command *c)
{
	struct bench_job *j = job_of(b, c->result.job);

	ck_assert_msg(!j->over, "a second result");
	j->over = true;
	j->over_ms = b->now_ms;
	j->outcome = c->result.outcome;
	j->facts = *c->result.facts;
	if (c->result.failure)
		j->failure = *c->result.failure;
	b->over_count++;
}

static void take_peer(struct bench *b, const struct engine_command *c)
{
	size_t len = 0;

	ck_assert_uint_le(c->peer.attribute_count, ENGINE_PEER_ATTRIBUTES);
	b->peer_tells++;
	b->attributes[0] = '\0';
	for (size_t i = 0; i < c->peer.attribute_count; i++)
		len += (size_t)snprintf(b->attributes + len,
			sizeof(b->attributes) - len, "%s=%s ",
			c->peer.attributes[i].name,
			c->peer.attributes[i].value);
}

static void take_progress(struct bench *b, const struct engine_command *c)
{
	struct bench_job *j = job_of(b, c->progress.job);

	ck_assert_uint_le(c->progress.offset, c->progress.total);
	j->progress = c->progress.offset;
	j->total = c->progress.total;
	j->progresses++;
}

static void command(struct bench *b, const struct engine_command *c)
{
	struct bench_job *j;

	switch (c->type) {
	case ENGINE_CMD_TX:
		take_tx(b, c);
		return;
	case ENGINE_CMD_NEED_IMAGE:
		take_need(b, c);
		return;
	case ENGINE_CMD_PROGRESS:
		take_progress(b, c);
		return;
	case ENGINE_CMD_FACTS:
		b->facts_tells++;
		memcpy(b->facts_version, c->facts.facts->version,
			sizeof(b->facts_version));
		ck_assert_ptr_nonnull(c->facts.peer);
		return;
	case ENGINE_CMD_STAGE:
		take_stage(b, c);
		return;
	case ENGINE_CMD_RESULT:
		take_result(b, c);
		return;
	case ENGINE_CMD_PEER:
		take_peer(b, c);
		return;
	case ENGINE_CMD_WAIT:
		j = job_of(b, c->wait.job);
		j->wait = c->wait.wait;
		j->waits |= 1u << c->wait.wait;
		return;
	case ENGINE_CMD_LINE:
	case ENGINE_CMD_RECONNECT:
		break;
	}
	ck_abort_msg("unexpected command %d", (int)c->type);
}

static void drain(struct bench *b)
{
	struct engine_command c;
	struct zigbee_ota_counts counts;
	unsigned n = 0;

	while (ops()->next(b->engine, b->now_ms, &c)) {
		command(b, &c);
		ck_assert_msg(++n < 20000, "commands without end");
	}
	zigbee_ota_counts(b->engine, &counts);
	if (counts.downloads > b->most_places)
		b->most_places = (unsigned)counts.downloads;
}

/* ---- time ---- */

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_time(const struct bench *b)
{
	int64_t at = ops()->deadline(b->engine);

	ck_assert_msg(at > b->now_ms, "deadline %lld is not after %lld",
		(long long)at, (long long)b->now_ms);
	for (unsigned i = 0; i < b->count; i++)
		at = sooner(at, b->devices[i].due_ms);
	for (unsigned i = 0; i < b->wire_count; i++)
		at = sooner(at, b->wire[i].at_ms);
	for (unsigned i = 0; i < b->job_count; i++)
		if (b->jobs[i].pending >= 0)
			at = sooner(at, b->jobs[i].go_ms);
	for (unsigned i = 0; i < 64; i++) {
		if (b->reports[i].id)
			at = sooner(at, b->reports[i].at_ms);
		if (b->needs[i].len)
			at = sooner(at, b->needs[i].at_ms);
	}
	if (b->budget_us)
		at = sooner(at, b->second_ms + 1000);
	return at > b->now_ms ? at : b->now_ms;
}

static void deliver_wire(struct bench *b)
{
	unsigned i = 0;

	while (i < b->wire_count) {
		struct bench_frame f = b->wire[i];

		if (f.at_ms > b->now_ms) {
			i++;
			continue;
		}
		memmove(b->wire + i, b->wire + i + 1,
			(b->wire_count - i - 1) * sizeof(f));
		b->wire_count--;
		if (!b->down)
			bench_rx(b, f.device, f.channel, f.data, f.len);
		drain(b);
	}
}

static void deliver_host(struct bench *b)
{
	for (unsigned i = 0; i < 64; i++) {
		struct engine_event e = {.type = ENGINE_SENT, .sent = {
			.id = b->reports[i].id,
			.status = b->reports[i].status,
			.airtime_us = b->reports[i].airtime_us}};

		if (e.sent.id && b->reports[i].at_ms <= b->now_ms) {
			b->reports[i].id = 0;
			bench_event(b, &e);
		}
		if (b->needs[i].len && b->needs[i].at_ms <= b->now_ms) {
			size_t len = b->needs[i].len;

			b->needs[i].len = 0;
			give(b, b->needs[i].job, b->needs[i].offset, len);
		}
	}
	for (unsigned i = 0; i < b->job_count; i++)
		if (b->jobs[i].pending >= 0 && b->jobs[i].go_ms <= b->now_ms)
			give_go(b, &b->jobs[i]);
}

static void refill(struct bench *b)
{
	struct engine_event e = {.type = ENGINE_BUDGET, .budget = {
		.airtime_us = b->budget_us}};

	if (!b->budget_us || b->now_ms < b->second_ms + 1000)
		return;
	b->second_ms = b->now_ms;
	b->spent_us = 0;
	e.budget.more_at_ms = b->now_ms + 1000;
	bench_event(b, &e);
}

static void step(struct bench *b)
{
	struct engine_event time = {.type = ENGINE_TIME};

	refill(b);
	drain(b);
	deliver_wire(b);
	deliver_host(b);
	drain(b);
	for (unsigned i = 0; i < b->count; i++) {
		if (b->devices[i].due_ms > b->now_ms)
			continue;
		if (b->devices[i].silent)
			b->devices[i].due_ms = NEVER;
		else
			device_time(b, i);
	}
	bench_event(b, &time);
	drain(b);
}

void bench_run_until(struct bench *b, int64_t until_ms)
{
	unsigned idle = 0;

	step(b);
	while (b->now_ms < until_ms) {
		int64_t at = sooner(next_time(b), until_ms);

		ck_assert_msg(at > b->now_ms || ++idle < 1000000,
			"stands still");
		b->now_ms = at;
		step(b);
	}
}

void bench_run(struct bench *b)
{
	int64_t at = 0;

	step(b);
	while (b->over_count < b->job_count && b->now_ms < b->limit_ms) {
		at = next_time(b);
		if (at == NEVER)
			return;
		b->now_ms = at;
		step(b);
	}
}

const struct bench_frame *bench_log(const struct bench *b, unsigned n)
{
	ck_assert_uint_lt(n, b->sends);
	ck_assert_uint_lt(n, BENCH_LOG);
	return &b->log[(b->sends - 1 - n) % BENCH_LOG];
}
