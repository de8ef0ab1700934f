/* The table of the stack, and its one command at a time. */
#include "transports/zigbee/deconz.h"

#include <errno.h>
#include <stdlib.h>

#define ANSWER_MS 1500
#define PROBE_MS 700
#define TRIES 3u
#define IDLE_MS 1000 /* without a word while frames are in flight */
#define QUIET_MS 15000
#define DAMAGED_MS 100 /* for an answer, once a damaged frame has come */

static int stack_create(const struct zb_config *config,
	const struct zb_host *host, void *arg, struct zb_stack **ret)
{
	struct zb_stack *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->host = host;
	s->arg = arg;
	s->config = *config;
	s->window = config->window ? config->window : DECONZ_WINDOW;
	if (s->window > DECONZ_WINDOW_MAX)
		s->window = DECONZ_WINDOW_MAX;
	*ret = s;
	return 0;
}

static void stack_destroy(struct zb_stack *s)
{
	explicit_bzero(&s->config, sizeof(s->config));
	free(s);
}

void deconz_ask(struct zb_stack *s, uint8_t command, struct bytes payload)
{
	uint8_t at[DECONZ_WIRE_MAX];
	size_t len = deconz_frame_put(at, command, ++s->seq, payload);

	s->command = command;
	s->answer_ms =
		s->now_ms + (s->step == STEP_PROBE ? PROBE_MS : ANSWER_MS);
	s->commands++;
	s->host->write(s->arg, bytes_of(at, len));
}

void deconz_fail(struct zb_stack *s, int status, const char *text)
{
	s->running = false;
	s->host->fail(s->arg, status, text);
}

void deconz_lost(struct zb_stack *s, const char *text)
{
	deconz_air_drop(s);
	if (s->was_up)
		s->host->lost(s->arg, text);
	s->was_up = false;
}

/* From the state in any answer, and unasked. */
void deconz_take_state(struct zb_stack *s, uint8_t state)
{
	s->state = state;
	if (s->step != STEP_READY ||
		(state & DECONZ_NETWORK_MASK) == DECONZ_CONNECTED)
		return;
	deconz_lost(s, "the coordinator has left its network");
	s->command = 0; /* its answer would be taken for one of a step */
	s->step = STEP_CONNECT;
	s->wait_ms = s->now_ms;
}

static void stack_start(struct zb_stack *s, int64_t now_ms)
{
	s->now_ms = now_ms;
	s->running = true;
	s->parser = (struct deconz_parser){.len = 0};
	s->command = 0;
	s->heard_ms = now_ms;
	deconz_air_drop(s);
	deconz_start(s);
	deconz_next(s);
}

void deconz_next(struct zb_stack *s)
{
	if (!s->running || s->command)
		return;
	if (s->step != STEP_READY)
		deconz_start_next(s);
	else if (s->watchdog_ms <= s->now_ms)
		deconz_watchdog(s);
	else
		deconz_air_next(s);
}

/* The firmware now and then answers with the wrong command, or late. */
static bool is_answer(struct zb_stack *s, const struct deconz_frame *f)
{
	if (s->command && f->seq == s->seq && f->command == s->command)
		return true;
	if (s->command && f->seq == s->seq)
		s->odd++;
	else
		s->late++;
	return false;
}

static void take(struct zb_stack *s, const struct deconz_frame *f)
{
	s->heard_ms = s->now_ms;
	if (f->command == DECONZ_STATE_CHANGED) {
		if (f->payload.len >= 1)
			deconz_take_state(s, f->payload.at[0]);
		return;
	}
	if (!is_answer(s, f)) {
		/* What it read from the air counts whenever it comes. */
		if (s->step == STEP_READY && f->seq != s->seq)
			deconz_air_late(s, f);
		return;
	}
	s->answers++;
	s->silent = 0;
	s->tries = 0;
	s->command = 0;
	if (s->step != STEP_READY)
		deconz_start_answer(s, f);
	else
		deconz_air_answer(s, f);
}

static void stack_input(struct zb_stack *s, int64_t now_ms, struct bytes data)
{
	uint64_t bad = s->parser.bad;
	struct deconz_frame f;

	s->now_ms = now_ms;
	while (s->running && deconz_parser_take(&s->parser, &data, &f)) {
		take(s, &f);
		deconz_next(s);
	}
	/* It was the answer, most likely. */
	if (s->parser.bad != bad && s->command)
		s->answer_ms = zb_earlier(s->answer_ms, now_ms + DAMAGED_MS);
}

static void on_silence(struct zb_stack *s)
{
	uint8_t command = s->command;

	s->command = 0;
	s->silent++;
	if (s->step == STEP_PROBE) {
		deconz_start_silent(s);
		return;
	}
	if (s->step == STEP_READY)
		deconz_air_silent(s, command);
	if (s->silent < TRIES)
		return;
	deconz_lost(s, "the coordinator does not answer");
	deconz_start(s);
}

static void stack_time(struct zb_stack *s, int64_t now_ms)
{
	s->now_ms = now_ms;
	if (!s->running)
		return;
	if (s->command && s->answer_ms <= now_ms)
		on_silence(s);
	deconz_air_expire(s);
	deconz_next(s);
}

static int64_t stack_deadline(const struct zb_stack *s)
{
	int64_t due;

	if (!s->running)
		return INT64_MAX;
	if (s->command)
		return s->answer_ms;
	if (s->step != STEP_READY)
		return s->wait_ms;
	due = zb_earlier(s->watchdog_ms, deconz_air_deadline(s));
	return zb_earlier(due,
		s->heard_ms + (s->in_flight ? IDLE_MS : QUIET_MS));
}

static int stack_send(
	struct zb_stack *s, int64_t now_ms, const struct zb_request *r)
{
	int err;

	s->now_ms = now_ms;
	if (!s->running || s->step != STEP_READY || s->in_flight >= s->window)
		return -EBUSY;
	if (r->asdu.len < 1 || r->asdu.len > DECONZ_ASDU_MAX)
		return -EMSGSIZE;
	err = deconz_air_send(s, r);
	if (!err)
		deconz_next(s);
	return err;
}

static unsigned stack_room(const struct zb_stack *s)
{
	if (!s->running || s->step != STEP_READY || s->in_flight >= s->window)
		return 0;
	return s->window - s->in_flight;
}

static void stack_stop(struct zb_stack *s, int64_t now_ms)
{
	(void)now_ms;
	s->running = false;
}

static unsigned stack_counters(
	const struct zb_stack *s, struct ferry_counter *ret, unsigned max)
{
	const struct ferry_counter counters[] = {
		{"commands", s->commands},
		{"answers", s->answers},
		{"answers_late", s->late},
		{"answers_odd", s->odd},
		{"indications", s->indications},
		{"confirms", s->confirms},
		{"frames_bad", s->parser.bad},
	};

	return zb_counters_fill(ret, max, counters,
		sizeof(counters) / sizeof(counters[0]));
}

const struct zb_stack_ops zb_deconz_stack = {
	.name = "deconz",
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
