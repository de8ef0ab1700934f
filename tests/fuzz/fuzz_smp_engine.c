/* A hostile device behind the engine's own entry. The input is a script: the
 * first byte chooses options and payload size; then records of a kind and a
 * length byte: an answer body that is put into a matching header, bytes as they
 * are, time that passes, or the link going and coming. Whatever is said, the
 * engine asks for bytes inside the image only, sends within the payload size,
 * never restarts or confirms without GO, and ends within bounded work. */
#include "devices/engine.h"
#include "devices/smp/frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define IMAGE_LEN 3000

struct run {
	const struct engine_ops *ops;
	struct engine *engine;
	struct smp_reader reader;
	enum smp_framing framing;
	size_t max_payload;
	int64_t now_ms;
	uint8_t last[SMP_HEADER_LEN]; /* header of the newest request */
	unsigned granted;
	unsigned commands;
	bool over;
	bool up;
};

static const uint8_t image[IMAGE_LEN];

static void send_event(struct run *r, const struct engine_event *e)
{
	r->ops->event(r->engine, r->now_ms, e);
}

static void look(struct run *r, struct bytes message)
{
	unsigned group = get_be16(message.at + 4);

	memcpy(r->last, message.at, sizeof(r->last));
	if (group == 0 && r->last[7] == 5 &&
			!(r->granted & 1U << ENGINE_STAGE_RESTART))
		abort();
	if (group == 1 && r->last[7] == 1 &&
			!(r->granted & 1U << ENGINE_STAGE_TRANSFER))
		abort();
}

static void take_tx(struct run *r, struct bytes data)
{
	struct engine_event sent = {.type = ENGINE_SENT};
	struct bytes message;

	if (data.len == 0 || (r->max_payload && data.len > r->max_payload))
		abort();
	while (smp_reader_take(&r->reader, &data, &message))
		look(r, message);
	send_event(r, &sent);
}

static void give(struct run *r, const struct engine_command *c)
{
	struct engine_event e = {.type = ENGINE_IMAGE};

	if (c->need_image.len == 0 || c->need_image.offset >= IMAGE_LEN ||
			c->need_image.len > IMAGE_LEN - c->need_image.offset)
		abort();
	e.image.job = c->need_image.job;
	e.image.offset = c->need_image.offset;
	e.image.data = bytes_of(image + c->need_image.offset,
		c->need_image.len);
	send_event(r, &e);
}

static void drain(struct run *r)
{
	struct engine_event go = {.type = ENGINE_GO};
	struct engine_command c;

	while (!r->over && r->ops->next(r->engine, r->now_ms, &c)) {
		if (++r->commands > 200000)
			abort();
		if (c.type == ENGINE_CMD_TX) {
			take_tx(r, c.tx.data);
		} else if (c.type == ENGINE_CMD_NEED_IMAGE) {
			give(r, &c);
		} else if (c.type == ENGINE_CMD_STAGE) {
			go.go.job = c.stage.job;
			go.go.stage = c.stage.stage;
			r->granted |= 1U << c.stage.stage;
			send_event(r, &go);
		} else if (c.type == ENGINE_CMD_RESULT) {
			r->over = true;
		}
	}
}

static void receive(struct run *r, struct bytes data)
{
	struct engine_event e = {.type = ENGINE_RX, .rx.data = data};

	send_event(r, &e);
}

/* Puts a body behind the header that the newest request is answered by. */
static void answer(struct run *r, struct bytes body)
{
	uint8_t message[SMP_HEADER_LEN + 256];
	struct buf out;

	memcpy(message, r->last, SMP_HEADER_LEN);
	message[0] |= 1;
	put_be16(message + 2, (uint16_t)body.len);
	if (body.len)
		memcpy(message + SMP_HEADER_LEN, body.at, body.len);
	buf_init(&out, 4096);
	smp_frame_put(&out, r->framing, bytes_of(message,
		SMP_HEADER_LEN + body.len));
	receive(r, buf_bytes(&out));
	buf_done(&out);
}

static void pass_time(struct run *r, unsigned units)
{
	struct engine_event e = {.type = ENGINE_TIME};
	int64_t at = r->ops->deadline(r->engine);

	if (at != ENGINE_NEVER && at <= r->now_ms)
		abort();
	if (at == ENGINE_NEVER || (units & 1 && at > r->now_ms + units))
		at = r->now_ms + units;
	r->now_ms = at;
	send_event(r, &e);
}

static void turn_link(struct run *r, unsigned how)
{
	struct engine_event e = {.type = ENGINE_DOWN};

	if (how & 1)
		send_event(r, &e);
	r->now_ms += how;
	if (r->max_payload)
		r->max_payload = 20 + how * 2;
	e = (struct engine_event){.type = ENGINE_UP,
		.up.max_payload = r->max_payload};
	smp_reader_reset(&r->reader);
	send_event(r, &e);
}

static void step(struct run *r, unsigned kind, struct bytes data)
{
	unsigned n = data.len ? data.at[0] : 0;

	if (kind % 8 < 4)
		answer(r, data);
	else if (kind % 8 == 4)
		receive(r, data);
	else if (kind % 8 == 5 && kind / 8 == 0)
		turn_link(r, n);
	else
		pass_time(r, n);
	drain(r);
}

static void start(struct run *r, unsigned how)
{
	static const char *const options[] = {"", "framing=raw",
		"server=recovery force_reset=yes confirm_running=yes",
		"reassembly=yes"};
	static const size_t payloads[] = {0, 0, 0, 244};
	struct engine_image want = {.len = IMAGE_LEN, .version = "2.0.0",
		.hash_len = 32};
	struct engine_event e = {.type = ENGINE_UP};

	r->ops = engine_find("smp");
	r->max_payload = payloads[how % 4];
	r->framing = how % 4 == 3 ? SMP_DATAGRAM : how % 4 == 1 ? SMP_RAW :
		SMP_CONSOLE;
	if (r->ops->create(options[how % 4], &r->engine, NULL))
		abort();
	smp_reader_init(&r->reader, r->framing);
	e.up.max_payload = r->max_payload;
	send_event(r, &e);
	e = (struct engine_event){.type = ENGINE_OFFER, .offer = {.job = 1,
		.goal = how & 64 ? ENGINE_GOAL_INVENTORY : ENGINE_GOAL_UPDATE,
		.image = &want, .reached = (int)(how / 4 % 6) - 1}};
	send_event(r, &e);
	drain(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct run r = {.up = true};
	struct bytes in = bytes_of(data, len);

	if (len < 1)
		return 0;
	start(&r, data[0]);
	in = bytes_slice(in, 1, in.len);
	while (in.len >= 2 && !r.over) {
		unsigned kind = in.at[0];
		size_t n = in.at[1];

		step(&r, kind, bytes_slice(in, 2, n));
		in = bytes_slice(in, 2 + n, in.len);
	}
	/* Left alone, it comes to an end by itself. */
	for (unsigned i = 0; i < 5000 && !r.over; i++) {
		pass_time(&r, 1000);
		drain(&r);
	}
	if (!r.over)
		abort();
	smp_reader_done(&r.reader);
	r.ops->destroy(r.engine);
	return 0;
}
