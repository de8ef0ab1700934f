#include "tests/unit/gateway/script_engine.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>

struct script script;

const struct engine_facts script_facts = {.version = "0x00000002"};

void script_begin(void)
{
	memset(&script, 0, sizeof(script));
	script.deadline = ENGINE_NEVER;
}

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
	size_t n = strlen(script.log);
	va_list args;

	va_start(args, format);
	vsnprintf(script.log + n, sizeof(script.log) - n, format, args);
	va_end(args);
}

/* ---- the engine ---- */

static int engine_create(const char *options, struct engine **ret,
	struct fault *fault)
{
	if (options && !strcmp(options, "bad=1"))
		return fault_set(fault, ERR_CLASS_INVALID, 0, "options",
			"bad is no option");
	script.alive++;
	*ret = (struct engine *)&script;
	return 0;
}

static void engine_destroy(struct engine *e)
{
	ck_assert_ptr_eq((void *)e, &script);
	script.alive--;
}

static void note_offer(const struct engine_event *event)
{
	ck_assert_uint_lt(script.offer_count, SCRIPT_OFFERS_MAX);
	script.offers[script.offer_count++] = event->offer.job;
	if (!event->offer.peer)
		note("offer:%d ", event->offer.reached);
	else
		note("offer:%s:%d:%s%s ", event->offer.peer,
			event->offer.reached,
			event->offer.options ? event->offer.options : "",
			event->offer.allow_downgrade ? ":down" : "");
}

static void note_rx(const struct engine_event *event)
{
	if (event->rx.peer.len)
		note("rx:%.*s:%u:%.*s:%.*s ", (int)event->rx.peer.len,
			(const char *)event->rx.peer.at, event->rx.channel,
			(int)event->rx.reply.len,
			(const char *)event->rx.reply.at,
			(int)event->rx.data.len,
			(const char *)event->rx.data.at);
	else
		note("rx:%.*s ", (int)event->rx.data.len,
			(const char *)event->rx.data.at);
}

static void note_event(const struct engine_event *event)
{
	switch (event->type) {
	case ENGINE_UP:
		script.max_payload = event->up.max_payload;
		note("up ");
		return;
	case ENGINE_DOWN:
		note("down ");
		return;
	case ENGINE_OFFER:
		note_offer(event);
		return;
	case ENGINE_WITHDRAW:
		note("withdraw ");
		return;
	case ENGINE_RX:
		note_rx(event);
		return;
	case ENGINE_SENT:
		note("sent:%llu:%d ", (unsigned long long)event->sent.id,
			event->sent.status);
		return;
	case ENGINE_IMAGE:
		note("image:%d%s%.*s ", event->image.status,
			event->image.data.len ? ":" : "",
			(int)event->image.data.len,
			(const char *)event->image.data.at);
		return;
	case ENGINE_GO:
		note("go:%d%s ", (int)event->go.stage, event->go.skip ?
			":skip" : "");
		return;
	case ENGINE_BUDGET:
		script.left_us = event->budget.airtime_us;
		script.budgets++;
		return;
	case ENGINE_PEER:
		note("peer:%s%s%s%s%s ", event->peer.key,
			event->peer.gone ? ":gone" : "",
			event->peer.sleepy ? ":sleepy" : "",
			event->peer.group ? ":group" : "",
			event->peer.joined ? ":joined" : "");
		return;
	case ENGINE_QUIRKS:
		note("quirks:%s:%zu ", event->quirks.source,
			event->quirks.rows.len);
		return;
	case ENGINE_TIME:
		if (script.deadline != ENGINE_NEVER)
			note("time ");
		script.deadline = ENGINE_NEVER;
		return;
	}
}

static void engine_event(struct engine *e, int64_t now_ms,
	const struct engine_event *event)
{
	(void)e;
	(void)now_ms;
	note_event(event);
	if (script.react)
		script.react(event);
}

static int engine_next(struct engine *e, int64_t now_ms,
	struct engine_command *ret)
{
	(void)e;
	(void)now_ms;
	if (script.head == script.tail)
		return 0;
	*ret = script.queue[script.head++];
	return 1;
}

static int64_t engine_deadline(const struct engine *e)
{
	(void)e;
	return script.deadline;
}

static uint32_t engine_wants_airtime(const struct engine *e)
{
	(void)e;
	return script.wants_us;
}

const struct engine_ops script_engine = {
	.name = "script",
	.create = engine_create,
	.destroy = engine_destroy,
	.event = engine_event,
	.next = engine_next,
	.deadline = engine_deadline,
};

static const char *const channels[] = {"cluster=25 role=server", "cluster=0"};

static const char *const peer_attributes[] = {"model", NULL};

const struct engine_ops script_network = {
	.name = "script",
	.network = true,
	.channels = channels,
	.channel_count = 2,
	.create = engine_create,
	.destroy = engine_destroy,
	.event = engine_event,
	.next = engine_next,
	.deadline = engine_deadline,
	.wants_airtime = engine_wants_airtime,
	.attributes = peer_attributes,
};

/* ---- commands ---- */

void script_push(struct engine_command command)
{
	ck_assert_uint_lt(script.tail, SCRIPT_QUEUE_MAX);
	script.queue[script.tail++] = command;
}

void script_tx(uint64_t id, const char *peer, uint32_t airtime_us)
{
	script_push((struct engine_command){.type = ENGINE_CMD_TX,
		.tx = {.id = id, .peer = bytes_of_text(peer),
			.data = bytes_of_text("frame"),
			.airtime_us = airtime_us}});
}

void script_stage(uint64_t job, enum engine_stage stage)
{
	script_push((struct engine_command){.type = ENGINE_CMD_STAGE,
		.stage = {.job = job, .stage = stage,
			.facts = &script_facts}});
}

void script_result(uint64_t job, enum engine_outcome outcome)
{
	script_push((struct engine_command){.type = ENGINE_CMD_RESULT,
		.result = {.job = job, .outcome = outcome,
			.facts = &script_facts}});
}

void script_need_image(uint64_t job, uint64_t offset, size_t len)
{
	script_push((struct engine_command){.type = ENGINE_CMD_NEED_IMAGE,
		.need_image = {.job = job, .offset = offset, .len = len}});
}
