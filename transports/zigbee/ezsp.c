#include "transports/zigbee/ezsp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 200

void ezsp_log(struct zb_stack *s, uint32_t level, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	s->host->log(s->arg, level, text);
}

/* ---- the one command outstanding ---- */

void ezsp_command(const struct zb_stack *s, struct ezsp_writer *w,
	enum ezsp_id id)
{
	ezsp_begin(w, (uint8_t)(s->seq + 1), s->step == EZSP_STEP_VERSION, id);
}

void ezsp_ask(struct zb_stack *s, enum ezsp_call_kind kind, enum ezsp_id id,
	const struct ezsp_writer *w)
{
	if (w->bad || ash_send(&s->ash, s->now, bytes_of(w->at, w->len))) {
		ezsp_restart(s, "command %04x could not be sent", id);
		return;
	}
	s->seq++;
	s->call = kind;
	s->call_id = (uint16_t)id;
	s->call_due = s->now + EZSP_CALL_MS;
	s->stats.calls++;
}

static void ask_for_sign(struct zb_stack *s)
{
	struct ezsp_writer w;

	if (s->now - s->heard_at < EZSP_QUIET_MS)
		return;
	ezsp_command(s, &w, EZSP_NOP);
	ezsp_ask(s, EZSP_CALL_SIGN, EZSP_NOP, &w);
}

void ezsp_next(struct zb_stack *s)
{
	if (s->call != EZSP_CALL_NONE ||
			s->ash.state != ASH_STATE_CONNECTED)
		return;
	if (s->step != EZSP_STEP_UP)
		ezsp_step_ask(s);
	else if (!ezsp_air_ask(s))
		ask_for_sign(s);
}

/* Both kinds of restart: of the coprocessor by itself, and by us. */
static void lose(struct zb_stack *s, const char *text)
{
	s->call = EZSP_CALL_NONE;
	s->call_due = INT64_MAX;
	s->step_due = INT64_MAX;
	s->version = 0;
	s->network_up = false;
	s->sender = 0;
	s->lookup_count = 0;
	s->stats.restarts++;
	ezsp_air_lose(s);
	if (s->reported) {
		s->reported = false;
		s->host->lost(s->arg, text);
	} else {
		ezsp_log(s, FERRY_LOG_WARN, "%s; starting again", text);
	}
}

void ezsp_restart(struct zb_stack *s, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (s->step == EZSP_STEP_BACKOFF || s->step == EZSP_STEP_OFF)
		return;
	lose(s, text);
	ezsp_enter(s, EZSP_STEP_BACKOFF);
	s->step_due = s->now + s->backoff_ms;
	s->backoff_ms *= 2;
	if (s->backoff_ms > EZSP_BACKOFF_MAX_MS)
		s->backoff_ms = EZSP_BACKOFF_MAX_MS;
}

void ezsp_fail(struct zb_stack *s, int status, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ezsp_air_lose(s);
	s->call = EZSP_CALL_NONE;
	s->call_due = s->step_due = INT64_MAX;
	s->reported = false;
	ezsp_enter(s, EZSP_STEP_OFF);
	s->host->fail(s->arg, status, text);
}

/* ---- the line below ---- */

static void on_write(void *arg, struct bytes data)
{
	struct zb_stack *s = arg;

	s->host->write(s->arg, data);
}

static void on_up(void *arg, uint8_t reason)
{
	struct zb_stack *s = arg;
	char text[TEXT_MAX];

	if (s->step == EZSP_STEP_OFF)
		return;
	if (s->step != EZSP_STEP_RESET) {
		snprintf(text, sizeof(text),
			"the coprocessor restarted, reason 0x%02x", reason);
		lose(s, text);
	}
	s->silent = 0;
	s->version = 0;
	s->network_up = false;
	s->heard_at = s->now;
	ezsp_enter(s, EZSP_STEP_VERSION);
}

/* An instance that has never worked says so and ends: port, speed or flow
 * control are wrong, and somebody has to look. One that has worked goes on. */
static void on_silent(struct zb_stack *s)
{
	s->silent++;
	if (!s->ever_up && s->silent >= EZSP_SILENT_MAX)
		ezsp_fail(s, -ETIMEDOUT, "no answer to reset: is this the "
			"port of an EZSP coprocessor, and are baud and flow "
			"right?");
	else
		ezsp_restart(s, "no answer to reset");
}

static void on_down(void *arg, enum ash_down why, uint8_t code)
{
	struct zb_stack *s = arg;

	if (s->step == EZSP_STEP_OFF)
		return;
	switch (why) {
	case ASH_DOWN_SILENT:
		on_silent(s);
		break;
	case ASH_DOWN_ERROR:
		ezsp_restart(s, "the coprocessor failed, code 0x%02x%s", code,
			code == 0x51 ? " (its frames were not acknowledged in "
				       "time: flow control?)" : "");
		break;
	case ASH_DOWN_TIMEOUT:
		ezsp_restart(s, "the coprocessor does not acknowledge");
		break;
	case ASH_DOWN_VERSION:
		ezsp_fail(s, -EPROTO, "version %u of ASH is not known", code);
		break;
	}
}

/* ---- answers and callbacks ---- */

static void take_answer(struct zb_stack *s, const struct ezsp_head *h)
{
	struct ezsp_reader r = {h->params, h->truncated};
	enum ezsp_call_kind kind = s->call;
	bool refused = h->id == EZSP_INVALID_COMMAND && h->id != s->call_id;

	if (kind == EZSP_CALL_NONE || h->seq != s->seq ||
			(h->id != s->call_id && !refused)) {
		s->stats.odd++;
		return;
	}
	s->call = EZSP_CALL_NONE;
	s->call_due = INT64_MAX;
	switch (kind) {
	case EZSP_CALL_NONE:
	case EZSP_CALL_SIGN:
		break;
	case EZSP_CALL_STEP:
		ezsp_step_answer(s, &r, refused);
		break;
	case EZSP_CALL_LOOKUP:
		ezsp_lookup_answer(s, &r, refused);
		break;
	case EZSP_CALL_SEND:
		ezsp_send_answer(s, &r, refused);
		break;
	}
}

static void take_callback(struct zb_stack *s, const struct ezsp_head *h)
{
	struct ezsp_reader r = {h->params, false};
	uint32_t status;

	if (!s->version) {
		s->stats.odd++;
		return;
	}
	s->stats.callbacks++;
	/* It is of the message right behind it, or of none. */
	if (h->id != EZSP_INCOMING_MESSAGE_HANDLER)
		s->sender = 0;
	if (h->id == EZSP_STACK_STATUS_HANDLER) {
		status = ezsp_get_status(&r, s->version);
		if (!r.bad)
			ezsp_stack_status(s, status);
	} else {
		ezsp_air_callback(s, h);
	}
}

static void on_data(void *arg, struct bytes data)
{
	struct zb_stack *s = arg;
	struct ezsp_head h;

	s->heard_at = s->now;
	if (!ezsp_head_read(data, s->step == EZSP_STEP_VERSION, &h)) {
		s->stats.odd++;
		return;
	}
	if (h.overflow) {
		s->stats.overflows++;
		s->sender = 0; /* of a message that may be among the lost */
	}
	if (h.callback)
		take_callback(s, &h);
	else
		take_answer(s, &h);
	ezsp_next(s);
}

static const struct ash_host below = {
	.write = on_write,
	.on_data = on_data,
	.on_up = on_up,
	.on_down = on_down,
};

/* ---- operations ---- */

static int stack_create(const struct zb_config *config,
	const struct zb_host *host, void *arg, struct zb_stack **ret)
{
	struct zb_stack *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->host = host;
	s->arg = arg;
	s->config = *config;
	s->window = config->window ? config->window : EZSP_WINDOW_PRESET;
	if (s->window > EZSP_WINDOW_MAX)
		s->window = EZSP_WINDOW_MAX;
	s->call_due = s->step_due = INT64_MAX;
	s->backoff_ms = EZSP_BACKOFF_MS;
	ash_init(&s->ash, &below, s, ASH_WINDOW_PRESET);
	*ret = s;
	return 0;
}

static void stack_destroy(struct zb_stack *s)
{
	if (!s)
		return;
	/* The keys of a network that was to be formed. */
	explicit_bzero(s, sizeof(*s));
	free(s);
}

static void reset(struct zb_stack *s)
{
	s->step_due = INT64_MAX;
	ezsp_enter(s, EZSP_STEP_RESET);
	ash_reset(&s->ash, s->now);
}

static void stack_start(struct zb_stack *s, int64_t now_ms)
{
	s->now = now_ms;
	if (s->step != EZSP_STEP_OFF)
		lose(s, "the line was opened again");
	s->backoff_ms = EZSP_BACKOFF_MS;
	s->silent = 0;
	reset(s);
}

static void stack_input(struct zb_stack *s, int64_t now_ms, struct bytes data)
{
	s->now = now_ms;
	if (s->step == EZSP_STEP_OFF || s->step == EZSP_STEP_BACKOFF)
		return;
	ash_input(&s->ash, now_ms, data);
	ezsp_next(s);
}

static void stack_time(struct zb_stack *s, int64_t now_ms)
{
	s->now = now_ms;
	if (s->step == EZSP_STEP_OFF)
		return;
	if (s->step == EZSP_STEP_BACKOFF) {
		if (now_ms >= s->step_due)
			reset(s);
		return;
	}
	ash_time(&s->ash, now_ms);
	if (now_ms >= s->call_due)
		ezsp_restart(s, "no answer to command %04x", s->call_id);
	if (now_ms >= s->step_due && s->step == EZSP_STEP_WAIT_UP)
		ezsp_restart(s, "the network did not come up");
	ezsp_air_time(s);
	ezsp_next(s);
}

static int64_t stack_deadline(const struct zb_stack *s)
{
	int64_t due = s->step_due;

	if (s->step == EZSP_STEP_OFF || s->step == EZSP_STEP_BACKOFF)
		return due;
	due = zb_earlier(due, ash_deadline(&s->ash));
	due = zb_earlier(due, s->call_due);
	if (s->step == EZSP_STEP_UP && s->call == EZSP_CALL_NONE)
		due = zb_earlier(due, s->heard_at + EZSP_QUIET_MS);
	return zb_earlier(due, ezsp_air_deadline(s));
}

static int stack_send(struct zb_stack *s, int64_t now_ms,
	const struct zb_request *r)
{
	int err;

	s->now = now_ms;
	err = ezsp_air_take(s, r);
	if (!err)
		ezsp_next(s);
	return err;
}

static unsigned stack_room(const struct zb_stack *s)
{
	return s->step == EZSP_STEP_UP ? s->window - s->used : 0;
}

/* The coprocessor keeps its network up; it is left as it is. */
static void stack_stop(struct zb_stack *s, int64_t now_ms)
{
	s->now = now_ms;
	ezsp_air_lose(s);
	s->call = EZSP_CALL_NONE;
	s->call_due = s->step_due = INT64_MAX;
	s->reported = false;
	ezsp_enter(s, EZSP_STEP_OFF);
}

static unsigned stack_counters(const struct zb_stack *s,
	struct ferry_counter *ret, unsigned max)
{
	const struct ferry_counter all[] = {
		{"ezsp_commands", s->stats.calls},
		{"ezsp_callbacks", s->stats.callbacks},
		{"ezsp_callbacks_lost", s->stats.overflows},
		{"ezsp_frames_odd", s->stats.odd},
		{"ezsp_sent_unknown", s->stats.expired},
		{"ezsp_restarts", s->stats.restarts},
		{"ash_sent", s->ash.stats.sent},
		{"ash_resent", s->ash.stats.resent},
		{"ash_received", s->ash.stats.received},
		{"ash_damaged", s->ash.stats.damaged},
		{"ash_repeated", s->ash.stats.repeated},
		{"ash_naks", s->ash.stats.naks},
		{"ash_resets", s->ash.stats.resets},
	};

	return zb_counters_fill(ret, max, all,
		sizeof(all) / sizeof(all[0]));
}

const struct zb_stack_ops zb_ezsp_stack = {
	.name = "ezsp",
	.baud = 115200,
	.create = stack_create,
	.destroy = stack_destroy,
	.start = stack_start,
	.input = stack_input,
	.time = stack_time,
	.deadline = stack_deadline,
	.send = stack_send,
	.room = stack_room,
	.stop = stack_stop,
	.counters = stack_counters,
};
