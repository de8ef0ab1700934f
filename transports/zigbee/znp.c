#include "transports/zigbee/znp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct znp *of(struct zb_stack *s)
{
	return (struct znp *)s;
}

static const struct znp *of_const(const struct zb_stack *s)
{
	return (const struct znp *)s;
}

void znp_log(struct znp *z, uint32_t level, const char *format, ...)
{
	char text[FERRY_TEXT_MAX + 1];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	z->host->log(z->arg, level, text);
}

void znp_write(struct znp *z, struct bytes raw)
{
	z->host->write(z->arg, raw);
}

void znp_tell(struct znp *z, uint16_t command, struct bytes data)
{
	uint8_t frame[ZNP_FRAME_MAX];
	size_t len = znp_frame_put(frame, command, data);

	if (!len)
		return;
	z->counts.frames_out++;
	znp_write(z, bytes_of(frame, len));
}

void znp_ask(struct znp *z, enum znp_asker asker, unsigned slot,
	uint16_t command, struct bytes data)
{
	z->asker = asker;
	z->asked = command;
	z->asked_slot = slot;
	z->asked_at = z->now;
	z->asked_until =
		asker == ZNP_STARTING ? INT64_MAX : z->now + ZNP_ANSWER_MS;
	z->barrier = false;
	znp_tell(z, command, data);
}

void znp_forget(struct znp *z)
{
	z->asker = ZNP_NOBODY;
	z->barrier = false;
}

static bool is_of_slot(enum znp_asker asker)
{
	return asker == ZNP_SLOT || asker == ZNP_FIRST;
}

/* Z-Stack works off its line in order. When the ping that went after a request
 * is answered, the answer to the request itself was lost, or the request was.
 */
static void take_barrier(struct znp *z)
{
	enum znp_asker asker = z->asker;
	unsigned slot = z->asked_slot;

	znp_forget(z);
	z->counts.again++;
	znp_air_unanswered(z, asker, slot);
}

static void take_answer(
	struct znp *z, bool ok, uint16_t command, struct bytes data)
{
	enum znp_asker asker = z->asker;
	bool barrier = z->barrier;

	if (barrier && command == ZNP_SYS_PING) {
		take_barrier(z);
		return;
	}
	if (asker == ZNP_NOBODY || command != z->asked) {
		z->counts.unknown++;
		return;
	}
	znp_forget(z);
	if (asker == ZNP_STARTING) {
		znp_start_answer(z, ok, data);
		return;
	}
	if (barrier) { /* the ping's own answer is still to come */
		z->asker = ZNP_PING;
		z->asked = ZNP_SYS_PING;
	}
	if (is_of_slot(asker))
		znp_air_answer(z, asker, z->asked_slot, ok, data);
}

/* FE 03 60 00 err cmd0 cmd1 fcs: the answer to a request that it does not know.
 */
static void take_error(struct znp *z, struct bytes data)
{
	if (data.len < 3) {
		z->counts.malformed++;
		return;
	}
	z->counts.refused++;
	take_answer(z, false, get_be16(data.at + 1), bytes_of(data.at, 1));
}

static const char *reset_reason(struct bytes data)
{
	static const char *const reasons[] = {
		"power", "its button", "its watchdog"};

	if (!data.len || data.at[0] >= sizeof(reasons) / sizeof(reasons[0]))
		return "an unknown reason";
	return reasons[data.at[0]];
}

static void take_reset(struct znp *z, struct bytes data)
{
	char text[64];

	z->counts.resets++;
	if (z->state == ZNP_RESET || z->state == ZNP_PROBE ||
		z->state == ZNP_RETRY) {
		znp_start_areq(z, ZNP_SYS_RESET_IND, data);
		return;
	}
	snprintf(text, sizeof(text), "the coordinator restarted: %s",
		reset_reason(data));
	znp_start_again(z, text);
}

static void take_frame(struct znp *z, const struct znp_frame *f)
{
	z->counts.frames_in++;
	z->heard_at = z->now;
	if (z->state == ZNP_OFF)
		return;
	if (f->command == ZNP_RPC_ERROR)
		take_error(z, f->data);
	else if ((f->command & ZNP_TYPE_MASK) == ZNP_SRSP)
		take_answer(z, true,
			(uint16_t)(f->command - ZNP_SRSP + ZNP_SREQ), f->data);
	else if (f->command == ZNP_SYS_RESET_IND)
		take_reset(z, f->data);
	else if (z->state != ZNP_UP || f->command == ZNP_ZDO_STATE)
		znp_start_areq(z, f->command, f->data);
	else
		znp_air_areq(z, f->command, f->data);
}

static void take_bytes(struct znp *z, struct bytes in)
{
	struct znp_frame frame;

	while (znp_parser_take(&z->parser, &in, &frame))
		take_frame(z, &frame);
	z->rest_until =
		znp_parser_waits(&z->parser) ? z->now + ZNP_REST_MS : INT64_MAX;
}

static void input(struct zb_stack *s, int64_t now_ms, struct bytes data)
{
	struct znp *z = of(s);

	z->now = now_ms;
	take_bytes(z, data);
	znp_air_pump(z);
}

static void ping_behind(struct znp *z)
{
	z->barrier = true;
	z->counts.overdue++;
	znp_tell(z, ZNP_SYS_PING, bytes_of(NULL, 0));
}

/* What is out and what is quiet. */
static void watch_line(struct znp *z)
{
	if (z->asker != ZNP_NOBODY && z->now >= z->asked_until) {
		znp_start_again(z, "the coordinator does not answer");
		return;
	}
	if (is_of_slot(z->asker) && !z->barrier &&
		z->now >= z->asked_at + ZNP_OVERDUE_MS)
		ping_behind(z);
	if (z->state == ZNP_UP && z->asker == ZNP_NOBODY &&
		z->now >= z->heard_at + ZNP_SILENCE_MS)
		znp_ask(z, ZNP_PING, 0, ZNP_SYS_PING, bytes_of(NULL, 0));
}

static void on_time(struct zb_stack *s, int64_t now_ms)
{
	struct znp *z = of(s);

	z->now = now_ms;
	if (z->state == ZNP_OFF)
		return;
	if (now_ms >= z->rest_until) {
		znp_parser_skip(&z->parser);
		take_bytes(z, bytes_of(NULL, 0));
	}
	watch_line(z);
	znp_start_time(z);
	znp_air_time(z);
	znp_air_pump(z);
}

static int64_t deadline(const struct zb_stack *s)
{
	const struct znp *z = of_const(s);
	int64_t at = z->rest_until;

	if (z->state == ZNP_OFF)
		return INT64_MAX;
	if (z->asker != ZNP_NOBODY)
		at = zb_earlier(at, z->asked_until);
	if (is_of_slot(z->asker) && !z->barrier)
		at = zb_earlier(at, z->asked_at + ZNP_OVERDUE_MS);
	if (z->state == ZNP_UP && z->asker == ZNP_NOBODY)
		at = zb_earlier(at, z->heard_at + ZNP_SILENCE_MS);
	at = zb_earlier(at, znp_start_deadline(z));
	return zb_earlier(at, znp_air_deadline(z));
}

static int create(const struct zb_config *config, const struct zb_host *host,
	void *arg, struct zb_stack **ret)
{
	struct znp *z = calloc(1, sizeof(*z));

	if (!z)
		return -ENOMEM;
	z->config = *config;
	z->host = host;
	z->arg = arg;
	z->rest_until = INT64_MAX;
	*ret = (struct zb_stack *)z;
	return 0;
}

static void destroy(struct zb_stack *s)
{
	struct znp *z = of(s);

	/* The key of a network that was to be formed. */
	explicit_bzero(z, sizeof(*z));
	free(z);
}

static void start(struct zb_stack *s, int64_t now_ms)
{
	struct znp *z = of(s);

	z->now = now_ms;
	z->heard_at = now_ms;
	z->rest_until = INT64_MAX;
	z->parser.len = z->parser.taken = 0;
	z->tries = 0;
	if (!z->was_up)
		znp_start_off(z);
	znp_start_again(z, "the line was opened again");
}

static int send_frame(
	struct zb_stack *s, int64_t now_ms, const struct zb_request *r)
{
	struct znp *z = of(s);
	int err;

	z->now = now_ms;
	err = znp_air_send(z, r);
	if (!err)
		znp_air_pump(z);
	return err;
}

static unsigned room(const struct zb_stack *s)
{
	return znp_air_room(of_const(s));
}

static void stop(struct zb_stack *s, int64_t now_ms)
{
	struct znp *z = of(s);

	z->now = now_ms;
	znp_start_off(z);
}

static unsigned counters(
	const struct zb_stack *s, struct ferry_counter *ret, unsigned max)
{
	const struct znp *z = of_const(s);
	const struct ferry_counter all[] = {
		{"znp_frames_in", z->counts.frames_in},
		{"znp_frames_out", z->counts.frames_out},
		{"znp_bad_frames", z->parser.bad},
		{"znp_noise_bytes", z->parser.noise},
		{"znp_overdue", z->counts.overdue},
		{"znp_again", z->counts.again},
		{"znp_refused", z->counts.refused},
		{"znp_resets", z->counts.resets},
		{"znp_late_confirms", z->counts.late},
		{"znp_malformed", z->counts.malformed},
		{"znp_unknown", z->counts.unknown},
	};

	return zb_counters_fill(ret, max, all,
		sizeof(all) / sizeof(all[0]));
}

const struct zb_stack_ops zb_znp_stack = {
	.name = "znp",
	.baud = 115200,
	.create = create,
	.destroy = destroy,
	.start = start,
	.input = input,
	.time = on_time,
	.deadline = deadline,
	.send = send_frame,
	.room = room,
	.stop = stop,
	.counters = counters,
};
