/* Hostile devices, a slow host and bad luck behind the entry of the ZigBee OTA
 * engine. The input is a script: its first byte chooses the options of the link;
 * then records of a kind, a device, a length and so many bytes. Whatever is
 * said, the engine asks for bytes inside the image only and serves exactly
 * those, serves none before GO(transfer), lets nobody restart before
 * GO(restart), stays within the airtime that it was given, gives one result a
 * job, and never stands still in time. */
#include "devices/engine.h"
#include "devices/zigbee_ota/file.h"
#include "devices/zigbee_ota/zigbee_ota.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define IMAGE_LEN 700
#define IMAGE_AT 5
#define DEVICES 4
#define WINDOW 64
#define ROUNDS_MAX 400000

enum { OPEN = 1, RESULT = 2 };

struct job {
	unsigned state; /* bits: open, has a result */
	unsigned announced, granted;
	int pending;
};

struct run {
	const struct engine_ops *ops;
	struct engine *engine;
	int64_t now_ms;
	bool up, slow_image, slow_sent, fails, hold;
	uint32_t left_us; /* UINT32_MAX: no limit */
	struct job jobs[DEVICES]; /* one a device */
	uint64_t open[WINDOW];
	unsigned open_count;
	uint64_t need_job, need_offset;
	size_t need_len;
	unsigned commands;
};

static uint8_t image[IMAGE_LEN + 16];

static void event(struct run *r, const struct engine_event *e)
{
	r->ops->event(r->engine, r->now_ms, e);
}

static void key_of(unsigned device, char key[20])
{
	snprintf(key, 20, "00124b000000000%x", device);
}

static void make_image(void)
{
	uint8_t *at = image + IMAGE_AT;

	for (size_t i = 0; i < sizeof(image); i++)
		image[i] = (uint8_t)(i * 7);
	memset(at, 0, OTA_FILE_HEADER_MIN);
	put_le32(at, OTA_FILE_MAGIC);
	put_le16(at + 4, 0x0100);
	put_le16(at + 6, OTA_FILE_HEADER_MIN);
	put_le16(at + 10, 0x1234);
	put_le16(at + 12, 0x0102);
	put_le32(at + 14, 0x0a0b0c0d);
	put_le32(at + 52, IMAGE_LEN);
}

/* ---- commands ---- */

static void look_block(const struct run *r, const struct job *j,
	const struct ota_answer *a)
{
	(void)r;
	if (a->status != ZCL_SUCCESS)
		return;
	if (!(j->granted & 1u << ENGINE_STAGE_TRANSFER))
		abort();
	if (a->data.len == 0 || a->offset >= IMAGE_LEN ||
			a->data.len > IMAGE_LEN - a->offset ||
			memcmp(a->data.at, image + IMAGE_AT + a->offset,
				a->data.len))
		abort();
}

static void look(struct run *r, unsigned device, struct bytes data)
{
	struct job *j = device < DEVICES ? &r->jobs[device] : NULL;
	struct zcl_header h;
	struct bytes payload;
	struct ota_answer a;

	if (data.len == 0 || data.len > ZCL_ASDU_MAX ||
			zcl_read(data, &h, &payload))
		abort();
	if (!h.cluster_specific || !h.from_server)
		return;
	if (ota_read_answer(h.command, payload, &a, NULL))
		abort();
	if (h.command == OTA_BLOCK_RESPONSE && j)
		look_block(r, j, &a);
	if (h.command == OTA_END_RESPONSE && a.request_time != UINT32_MAX &&
			(!j || !(j->granted & 1u << ENGINE_STAGE_RESTART)))
		abort();
}

static void report(struct run *r, uint64_t id)
{
	struct engine_event e = {.type = ENGINE_SENT, .sent.id = id};

	e.sent.status = r->fails ? -5501 : 0;
	e.sent.airtime_us = 5000;
	event(r, &e);
}

static void take_tx(struct run *r, const struct engine_command *c)
{
	unsigned device = DEVICES;
	char key[20];

	for (unsigned i = 0; i < DEVICES; i++) {
		key_of(i, key);
		if (bytes_is_text(c->tx.peer, key))
			device = i;
	}
	if (c->tx.id == 0 || !r->up)
		abort();
	if (r->left_us != UINT32_MAX) {
		if (c->tx.airtime_us > r->left_us)
			abort();
		r->left_us -= c->tx.airtime_us;
	}
	if (c->tx.channel == ZIGBEE_OTA_CHANNEL_OTA)
		look(r, device, c->tx.data);
	if (r->slow_sent && r->open_count < WINDOW)
		r->open[r->open_count++] = c->tx.id;
	else
		report(r, c->tx.id);
}

static void give(struct run *r, uint64_t job, uint64_t offset, size_t len)
{
	struct engine_event e = {.type = ENGINE_IMAGE, .image = {.job = job,
		.offset = offset}};

	e.image.data = bytes_of(image + offset, len > 40 && r->fails ? 40 : len);
	event(r, &e);
}

static void take_need(struct run *r, const struct engine_command *c)
{
	uint64_t offset = c->need_image.offset;
	size_t len = c->need_image.len;

	if (len == 0 || offset >= sizeof(image) ||
			len > sizeof(image) - offset ||
			c->need_image.job < 1 || c->need_image.job > DEVICES)
		abort();
	if (!r->slow_image) {
		give(r, c->need_image.job, offset, len);
		return;
	}
	r->need_job = c->need_image.job;
	r->need_offset = offset;
	r->need_len = len;
}

static struct job *job_of(struct run *r, uint64_t job)
{
	if (job < 1 || job > DEVICES)
		abort();
	if (r->jobs[job - 1].state != OPEN)
		abort();
	return &r->jobs[job - 1];
}

static void grant(struct run *r, unsigned device)
{
	struct job *j = &r->jobs[device];
	struct engine_event e = {.type = ENGINE_GO, .go.job = device + 1};

	if (j->state != OPEN || j->pending < 0)
		return;
	e.go.stage = (enum engine_stage)j->pending;
	j->granted |= 1u << j->pending;
	j->pending = -1;
	event(r, &e);
}

static void take_stage(struct run *r, const struct engine_command *c)
{
	struct job *j = job_of(r, c->stage.job);

	if (j->announced & 1u << c->stage.stage || j->pending >= 0)
		abort();
	j->announced |= 1u << c->stage.stage;
	j->pending = (int)c->stage.stage;
	if (!r->hold)
		grant(r, (unsigned)c->stage.job - 1);
}

static void take(struct run *r, const struct engine_command *c)
{
	switch (c->type) {
	case ENGINE_CMD_TX:
		take_tx(r, c);
		return;
	case ENGINE_CMD_NEED_IMAGE:
		take_need(r, c);
		return;
	case ENGINE_CMD_STAGE:
		take_stage(r, c);
		return;
	case ENGINE_CMD_RESULT:
		job_of(r, c->result.job)->state = RESULT;
		return;
	case ENGINE_CMD_PROGRESS:
		if (c->progress.offset > c->progress.total)
			abort();
		(void)job_of(r, c->progress.job);
		return;
	case ENGINE_CMD_WAIT:
		(void)job_of(r, c->wait.job);
		return;
	case ENGINE_CMD_FACTS:
	case ENGINE_CMD_PEER:
		return;
	case ENGINE_CMD_LINE:
	case ENGINE_CMD_RECONNECT:
		break;
	}
	abort();
}

static void drain(struct run *r)
{
	struct engine_command c;
	int64_t at;

	while (r->ops->next(r->engine, r->now_ms, &c)) {
		if (++r->commands > ROUNDS_MAX)
			abort();
		take(r, &c);
	}
	at = r->ops->deadline(r->engine);
	if (at <= r->now_ms)
		abort();
}

/* ---- records ---- */

static void receive(struct run *r, unsigned device, unsigned channel,
	struct bytes data)
{
	char key[20];
	struct engine_event e = {.type = ENGINE_RX, .rx = {
		.peer = bytes_of(key, 16), .channel = channel,
		.reply = data, .data = data}};

	if (e.rx.reply.len > 12)
		e.rx.reply.len = 12;
	key_of(device, key);
	event(r, &e);
}

/* A request whose key is that of the image, so that scripts get far. */
static void request(struct run *r, unsigned device, struct bytes data)
{
	uint8_t frame[3 + 9 + 255] = {0x01, 0, 0, 0, 0x34, 0x12, 0x02, 0x01,
		0x0d, 0x0c, 0x0b, 0x0a};
	size_t n = data.len > 3 ? data.len - 3 : 0;

	if (data.len < 3)
		return;
	frame[1] = data.at[0];
	frame[2] = 1 + data.at[1] % 8;
	frame[3] = data.at[2] & 3;
	memcpy(frame + 12, data.at + 3, n);
	if (frame[2] == OTA_QUERY_REQUEST)
		frame[8] = data.at[2] >> 4;
	if (frame[2] == OTA_END_REQUEST)
		frame[3] = data.at[2] & 8 ? 0x95 : 0;
	receive(r, device, ZIGBEE_OTA_CHANNEL_OTA, bytes_of(frame, 12 + n));
}

static void offer(struct run *r, unsigned device, unsigned how)
{
	static const char *const options[] = {NULL, "activate=wait",
		"no_end=yes honours_wait=no", "ack_blocks=yes pages=no"};
	const struct engine_image want = {.len = sizeof(image),
		.version = "0x0a0b0c0d"};
	char key[20];
	struct engine_event e = {.type = ENGINE_OFFER, .offer = {
		.job = device + 1, .peer = key, .image = &want,
		.goal = how & 32 ? ENGINE_GOAL_INVENTORY : ENGINE_GOAL_UPDATE,
		.reached = (int)(how / 4 % 6) - 1,
		.options = options[how % 4], .allow_downgrade = how & 64}};

	key_of(device, key);
	r->jobs[device] = (struct job){.state = OPEN, .pending = -1};
	event(r, &e);
}

static void withdraw(struct run *r, unsigned device)
{
	struct engine_event e = {.type = ENGINE_WITHDRAW,
		.withdraw.job = device + 1};

	event(r, &e);
}

static void turn_link(struct run *r)
{
	struct engine_event e = {.type = r->up ? ENGINE_DOWN : ENGINE_UP,
		.up.max_payload = 82};

	r->up = !r->up;
	r->open_count = 0;
	event(r, &e);
}

static void peer(struct run *r, unsigned device, unsigned how)
{
	char key[20];
	struct engine_event e = {.type = ENGINE_PEER, .peer = {.key = key,
		.gone = how & 1, .sleepy = how & 2, .joined = how & 4,
		.group = how & 8}};

	key_of(device, key);
	if (e.peer.group)
		snprintf(key, sizeof(key), "all-awake");
	event(r, &e);
}

static void budget(struct run *r, unsigned n)
{
	struct engine_event e = {.type = ENGINE_BUDGET};

	r->left_us = n == 255 ? UINT32_MAX : n * 500;
	e.budget.airtime_us = r->left_us;
	event(r, &e);
}

static void finish_slow(struct run *r)
{
	unsigned n = r->open_count;
	size_t len = r->need_len;

	r->open_count = 0;
	r->need_len = 0;
	for (unsigned i = 0; i < n; i++)
		report(r, r->open[i]);
	if (len)
		give(r, r->need_job, r->need_offset, len);
}

static void pass_time(struct run *r, unsigned n)
{
	struct engine_event e = {.type = ENGINE_TIME};
	int64_t at = r->ops->deadline(r->engine);

	if (at == ENGINE_NEVER || n & 1)
		at = r->now_ms + 1 + (int64_t)n * n;
	r->now_ms = at;
	event(r, &e);
}

static void quirks(struct run *r, struct bytes rows)
{
	struct engine_event e = {.type = ENGINE_QUIRKS, .quirks = {
		.source = rows.len & 1 ? "vendor" : "", .rows = rows}};

	event(r, &e);
}

static void step(struct run *r, unsigned kind, unsigned device,
	struct bytes data)
{
	unsigned n = data.len ? data.at[0] : 0;

	switch (kind % 14) {
	case 0:
	case 1:
	case 2:
		request(r, device, data);
		break;
	case 3:
		receive(r, device, kind / 14 % 3, data);
		break;
	case 4:
		offer(r, device, n);
		break;
	case 5:
		withdraw(r, device);
		break;
	case 6:
		grant(r, device);
		break;
	case 7:
		peer(r, device, n);
		break;
	case 8:
		budget(r, n);
		break;
	case 9:
		turn_link(r);
		break;
	case 10:
		finish_slow(r);
		break;
	case 11:
		quirks(r, data);
		break;
	case 12:
		r->slow_image = n & 1;
		r->slow_sent = n & 2;
		r->fails = n & 4;
		r->hold = n & 8;
		break;
	default:
		pass_time(r, n);
		break;
	}
	drain(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const options[] = {"", "concurrent=1 window=2",
		"grace_s=0 block=20", "broadcast=no concurrent=64"};
	struct run r = {.ops = &zigbee_ota_engine_ops, .now_ms = 1,
		.left_us = UINT32_MAX};
	struct bytes in = bytes_of(data, len);

	if (len < 1)
		return 0;
	make_image();
	if (r.ops->create(options[data[0] % 4], &r.engine, NULL))
		abort();
	turn_link(&r);
	in = bytes_slice(in, 1, in.len);
	while (in.len >= 3) {
		size_t n = in.at[2];

		step(&r, in.at[0], in.at[1] % DEVICES, bytes_slice(in, 3, n));
		in = bytes_slice(in, 3 + n, in.len);
	}
	r.ops->destroy(r.engine);
	return 0;
}
