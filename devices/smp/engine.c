#include "devices/smp/session.h"

#include <errno.h>
#include <stdlib.h>

#define RETURN_MS 120000
#define STREAM_UNIT 4096
#define TX_OPEN_MAX 24 /* sends under way in the host */
#define SEND_FAILED_MS 1000

static struct smp_session *session_of(struct engine *e)
{
	return (struct smp_session *)(void *)e;
}

static void smp_destroy(struct engine *e)
{
	struct smp_session *s = session_of(e);

	if (!s)
		return;
	smp_reader_done(&s->reader);
	buf_done(&s->message);
	buf_done(&s->frame);
	buf_done(&s->chunk);
	free(s);
}

static int smp_create(const char *options, struct engine **ret,
	struct fault *f)
{
	struct smp_options read;
	struct smp_session *s;
	int rc = smp_options_read(options, &read, f);

	if (rc || !ret)
		return rc;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->options = read;
	s->version = 1;
	s->quiet_ms = INT64_MIN;
	s->tx_at_ms = INT64_MIN;
	buf_init(&s->message, SMP_MESSAGE_MAX);
	buf_init(&s->frame, SMP_MESSAGE_MAX * (size_t)2);
	buf_init(&s->chunk, SMP_MESSAGE_MAX);
	smp_reader_init(&s->reader, SMP_CONSOLE);
	*ret = (struct engine *)(void *)s;
	return 0;
}

static void link_down(struct smp_session *s, int64_t now_ms)
{
	if (!s->up)
		return;
	s->up = false;
	s->tx = bytes_of(NULL, 0);
	s->tx_open = 0;
	s->need_open = false;
	smp_reader_reset(&s->reader);
	smp_steps_down(s, now_ms);
}

/* A link that only says again what it said before goes on undisturbed. */
static void link_up(struct smp_session *s, size_t max_payload, int64_t now_ms)
{
	if (s->up && s->max_payload == max_payload)
		return;
	link_down(s, now_ms);
	s->up = true;
	s->max_payload = max_payload;
	s->framing = max_payload ? SMP_DATAGRAM :
		s->options.raw ? SMP_RAW : SMP_CONSOLE;
	s->quiet_ms = INT64_MIN;
	s->tx_at_ms = INT64_MIN;
	smp_reader_done(&s->reader);
	smp_reader_init(&s->reader, s->framing);
	smp_steps_up(s, now_ms);
}

static void forget_job(struct smp_session *s)
{
	smp_ask_stop(s);
	smp_upload_reset(&s->upload);
	buf_done(&s->chunk);
	s->chunk_off = 0;
	s->need_open = false;
	s->told_progress = 0;
	s->granted = 0;
	s->goes_on = false;
	s->recheck = false;
	s->withdrawn = false;
	s->skip_confirm = false;
	s->in_place = false;
	s->uploaded = false;
	s->skip_mark = false;
	s->marked = false;
	s->restarted = false;
	s->forced = false;
	s->cured = false;
	s->resets = 0;
	s->confirms = 0;
	s->fresh = 0;
	s->has_before = false;
	s->slot_count = 0;
	s->wants = 0;
	s->status = (struct smp_status){0};
	s->mark_status = (struct smp_status){0};
	s->failure = (struct engine_failure){0};
	s->facts = (struct engine_facts){
		.confirmed = -1,
		.pending = -1,
		.can_revert = -1,
		.can_resume = -1,
		.can_prove = -1,
	};
}

static void offer(struct smp_session *s, const struct engine_event *event,
	int64_t now_ms)
{
	const struct engine_image *image = event->offer.image;

	forget_job(s);
	s->job = event->offer.job;
	s->goal = event->offer.goal;
	s->reached = event->offer.reached;
	s->image = image ? *image : (struct engine_image){0};
	s->return_limit_ms = s->options.return_ms ? s->options.return_ms :
		event->offer.return_ms ? (int)event->offer.return_ms :
		RETURN_MS;
	s->reset_line = event->offer.reset_line && event->offer.reset_line[0] ?
		event->offer.reset_line : NULL;
	s->image_number = s->image.slot;
	s->blind = !s->image.hash_len && !s->image.version[0];
	s->phase = SMP_PHASE_PARAMS;
	if (s->goal == ENGINE_GOAL_UPDATE &&
			(!image || image->len < SMP_FIRST_DATA_MIN ||
			 image->hash_len > sizeof(image->hash) ||
			 memchr(image->version, 0, sizeof(image->version)) ==
				NULL)) {
		s->image = (struct engine_image){0};
		smp_job_fail(s, ERR_SMP_BAD_EXPECT, "offer",
			"an image has 32 bytes or more, a version and a hash");
		return;
	}
	smp_steps_begin(s, now_ms);
}

static void take_message(struct smp_session *s, struct bytes message,
	int64_t now_ms)
{
	struct smp_answer answer;
	struct smp_header h;
	struct bytes body;
	bool of_upload;
	int rc;

	if (smp_header_read(message, &h, &body))
		return;
	of_upload = s->phase == SMP_PHASE_UPLOAD && h.op == SMP_WRITE + 1 &&
		h.group == SMP_GROUP_IMAGE && h.id == SMP_IMAGE_UPLOAD &&
		smp_upload_awaits(&s->upload, h.seq);
	if (!of_upload && !smp_ask_is(s, &h))
		return;
	rc = smp_answer_read(body, &answer, NULL);
	if (of_upload)
		smp_transfer_answered(s, h.seq, rc ? NULL : &answer, now_ms);
	else
		smp_ask_answered(s, rc ? NULL : &answer, now_ms);
}

static void take_bytes(struct smp_session *s, struct bytes in, int64_t now_ms)
{
	struct bytes message;

	while (s->up && smp_reader_take(&s->reader, &in, &message))
		take_message(s, message, now_ms);
}

/* A send ended. When it failed the message will not be answered: the rest of
 * it is of no use, and waiting for long neither. */
static void take_sent(struct smp_session *s, int status, int64_t now_ms)
{
	if (s->tx_open)
		s->tx_open--;
	if (status == 0 || !s->up)
		return;
	s->tx = bytes_of(NULL, 0);
	if (s->ask.under_way && s->ask.at_ms > now_ms + SEND_FAILED_MS)
		s->ask.at_ms = now_ms + SEND_FAILED_MS;
	if (s->phase == SMP_PHASE_UPLOAD)
		smp_upload_hurry(&s->upload, now_ms + SEND_FAILED_MS);
}

static void tick(struct smp_session *s, int64_t now_ms)
{
	smp_ask_time(s, now_ms);
	smp_transfer_time(s, now_ms);
	smp_steps_time(s, now_ms);
}

static void smp_event(struct engine *e, int64_t now_ms,
	const struct engine_event *event)
{
	struct smp_session *s = session_of(e);
	bool mine = s->phase != SMP_PHASE_IDLE;

	switch (event->type) {
	case ENGINE_UP:
		link_up(s, event->up.max_payload, now_ms);
		break;
	case ENGINE_DOWN:
		link_down(s, now_ms);
		break;
	case ENGINE_OFFER:
		offer(s, event, now_ms);
		break;
	case ENGINE_WITHDRAW:
		if (mine && event->withdraw.job == s->job)
			smp_steps_withdraw(s);
		break;
	case ENGINE_RX:
		if (s->up)
			take_bytes(s, event->rx.data, now_ms);
		break;
	case ENGINE_IMAGE:
		if (mine && event->image.job == s->job)
			smp_transfer_image(s, event->image.offset,
				event->image.status, event->image.data, now_ms);
		break;
	case ENGINE_GO:
		if (mine && event->go.job == s->job)
			smp_steps_go(s, event->go.stage, event->go.skip,
				now_ms);
		break;
	case ENGINE_SENT:
		take_sent(s, event->sent.status, now_ms);
		break;
	case ENGINE_TIME:
	case ENGINE_BUDGET:
	case ENGINE_PEER:
	case ENGINE_QUIRKS:
		break;
	}
	s->now_ms = now_ms;
	tick(s, now_ms);
}

static bool may_send(const struct smp_session *s, int64_t now_ms)
{
	return s->up && s->tx.len == 0 && now_ms >= s->quiet_ms &&
		now_ms >= s->tx_at_ms;
}

/* Lays the next message ready to go out, framed. What went out before is not
 * kept while the device thinks: with hundreds of engines it would add up. */
static void fill_tx(struct smp_session *s, int64_t now_ms)
{
	if (s->tx.len == 0) {
		buf_done(&s->message);
		buf_done(&s->frame);
	}
	if (!may_send(s, now_ms) || (!smp_ask_send(s, now_ms) &&
				!smp_transfer_send(s, now_ms)))
		return;
	s->tx = buf_bytes(&s->message);
	if (s->framing == SMP_CONSOLE) {
		buf_reset(&s->frame);
		smp_frame_put(&s->frame, s->framing, s->tx);
		s->tx = buf_bytes(&s->frame);
	}
	if (!s->message.err && !s->frame.err)
		return;
	s->tx = bytes_of(NULL, 0);
	smp_job_fail(s, s->message.err ? s->message.err : s->frame.err,
		"send", "%s", "");
}

static size_t unit_len(const struct smp_session *s)
{
	size_t len = s->tx.len;
	size_t n = 0;

	if (s->framing == SMP_DATAGRAM)
		return len < s->max_payload ? len : s->max_payload;
	if (s->framing == SMP_CONSOLE && s->options.line_pause_ms) {
		while (n < len && s->tx.at[n] != '\n')
			n++;
		return n < len ? n + 1 : len;
	}
	return len < STREAM_UNIT ? len : STREAM_UNIT;
}

static bool next_tx(struct smp_session *s, int64_t now_ms,
	struct engine_command *ret)
{
	size_t len;

	fill_tx(s, now_ms);
	if (s->tx.len == 0 || now_ms < s->tx_at_ms ||
			s->tx_open >= TX_OPEN_MAX)
		return false;
	len = unit_len(s);
	*ret = (struct engine_command){
		.type = ENGINE_CMD_TX,
		.tx.id = ++s->tx_id,
		.tx.data = bytes_slice(s->tx, 0, len),
	};
	s->tx = bytes_slice(s->tx, len, s->tx.len);
	s->tx_open++;
	if (s->framing == SMP_CONSOLE && s->options.line_pause_ms)
		s->tx_at_ms = now_ms + s->options.line_pause_ms;
	return true;
}

static bool wants(struct smp_session *s, unsigned want)
{
	bool is = (s->wants & want) != 0;

	s->wants &= ~want;
	return is;
}

static bool next_report(struct smp_session *s, struct engine_command *ret)
{
	if (wants(s, SMP_WANT_FACTS)) {
		ret->type = ENGINE_CMD_FACTS;
		ret->facts.job = s->job;
		ret->facts.facts = &s->facts;
	} else if (wants(s, SMP_WANT_PROGRESS)) {
		ret->type = ENGINE_CMD_PROGRESS;
		ret->progress.job = s->job;
		ret->progress.offset = s->told_progress;
		ret->progress.total = s->image.len;
	} else if (wants(s, SMP_WANT_LINE)) {
		ret->type = ENGINE_CMD_LINE;
		ret->line.text = s->reset_line;
	} else if (wants(s, SMP_WANT_RECONNECT)) {
		ret->type = ENGINE_CMD_RECONNECT;
		ret->reconnect.within_ms = (uint32_t)s->return_limit_ms;
		ret->reconnect.expect_down = false;
	} else if (wants(s, SMP_WANT_STAGE)) {
		ret->type = ENGINE_CMD_STAGE;
		ret->stage.job = s->job;
		ret->stage.stage = s->stage;
		ret->stage.facts = &s->facts;
	} else {
		return false;
	}
	return true;
}

static bool next_result(struct smp_session *s, struct engine_command *ret)
{
	/* A message that has begun goes out whole. */
	if ((s->tx.len && s->up) || !wants(s, SMP_WANT_RESULT))
		return false;
	ret->type = ENGINE_CMD_RESULT;
	ret->result.job = s->job;
	ret->result.outcome = s->outcome;
	ret->result.facts = &s->facts;
	ret->result.failure = s->outcome == ENGINE_FAILED ||
		s->outcome == ENGINE_UNVERIFIED ? &s->failure : NULL;
	s->phase = SMP_PHASE_IDLE;
	s->tx = bytes_of(NULL, 0);
	buf_done(&s->message);
	buf_done(&s->frame);
	buf_done(&s->chunk);
	return true;
}

static int smp_next(struct engine *e, int64_t now_ms,
	struct engine_command *ret)
{
	struct smp_session *s = session_of(e);
	uint64_t off;
	size_t len;

	s->now_ms = now_ms;
	*ret = (struct engine_command){0};
	if (next_report(s, ret) || next_tx(s, now_ms, ret) ||
			next_result(s, ret))
		return 1;
	if (!smp_transfer_needs(s, &off, &len))
		return 0;
	ret->type = ENGINE_CMD_NEED_IMAGE;
	ret->need_image.job = s->job;
	ret->need_image.offset = off;
	ret->need_image.len = len;
	return 1;
}

/* `at` counts when it is earlier than `than` and still to come. */
static int64_t sooner(const struct smp_session *s, int64_t at, int64_t than)
{
	return at > s->now_ms && at < than ? at : than;
}

static int64_t smp_deadline(const struct engine *e)
{
	const struct smp_session *s = (const struct smp_session *)
		(const void *)e;
	int64_t at = smp_ask_deadline(s);
	int64_t step = smp_steps_deadline(s);

	if (s->phase == SMP_PHASE_IDLE)
		return ENGINE_NEVER;
	if (step < at)
		at = step;
	if (!s->up)
		return at;
	if (s->phase == SMP_PHASE_UPLOAD)
		at = sooner(s, smp_upload_deadline(&s->upload), at);
	return sooner(s, s->tx_at_ms, sooner(s, s->quiet_ms, at));
}

const struct engine_ops smp_engine_ops = {
	.name = "smp",
	.network = false,
	.create = smp_create,
	.destroy = smp_destroy,
	.event = smp_event,
	.next = smp_next,
	.deadline = smp_deadline,
};
