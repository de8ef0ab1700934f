/* One device behind zigbee2mqtt, for one job or one inventory.
 *
 *   OPENING -> QUEUEING -> ASKING -> (inventory: done)
 *                 ^           |  \
 *                 |           |   \-> PAUSING           asleep, or busy
 *                 +-----------|----------+
 *                             v
 *              HOLDING -> COPYING -> UPDATING -> REHASHING -> QUEUEING ...
 *                                       \-> ABORTING -> withdrawn
 *
 * What a device runs is asked with a check against an empty index: zigbee2mqtt
 * then publishes the file version that the device itself has just told. What it
 * publishes after an update is the version of the image, which proves nothing.
 *
 * Every session begins with the question. An update that is still under way,
 * because ferryd was started again, is answered with "already in progress": it is
 * followed, and no second one is begun.
 *
 * Each order has a transaction of its own: zigbee2mqtt answers to an update that
 * was aborted when the next one may have begun. */
#include "gateway/relay/delegate_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "devices/zigbee_ota/file.h"

#define ASK_MS 75000      /* zigbee2mqtt itself waits 60 s for the device */
#define BUSY_AGAIN_MS 15000
#define SLEEP_AGAIN_MS 20000
#define PROVE_FIRST_MS 2000
#define PROVE_AGAIN_MS 10000
#define PROVE_MS 300000   /* unless the class says how long */
#define SILENT_MS 180000  /* progress comes every 30 s */
#define ABORT_MS 10000
#define LOST_MS 300000    /* broker or zigbee2mqtt away in mid-update */
#define AGAIN_MAX 2       /* orders after one that zigbee2mqtt forgot */
#define UNHEARD_MAX 3     /* looks after an update that nobody answers */
#define DONE_BP 10000

static void ask(struct delegate_session *s);
static void ask_in_turn(struct delegate_session *s);
static void look_after(struct delegate_session *s);
static void on_timer(uv_timer_t *timer);

static struct delegate_session *session_of(struct session *session)
{
	return (struct delegate_session *)session;
}

static uint64_t now_ms(const struct delegate_session *s)
{
	return uv_now(s->delegate->loop);
}

static void wake_in(struct delegate_session *s, uint64_t ms)
{
	uv_timer_start(&s->timer, on_timer, ms, 0);
}

static bool is_idle(const struct delegate_session *s)
{
	return s->phase == DELEGATE_OVER || s->session.closing;
}

/* ---- what the owner is told ---- */

static void tell_wait(struct delegate_session *s, enum engine_wait wait,
	uint64_t in_ms)
{
	if (s->wait == wait)
		return;
	s->wait = wait;
	if (s->setup.events->on_wait)
		s->setup.events->on_wait(s->setup.arg, wait,
			in_ms ? (int64_t)(now_ms(s) + in_ms) : ENGINE_NEVER);
}

static void end(struct delegate_session *s, enum engine_outcome outcome,
	const struct engine_failure *failure)
{
	struct session_result result = {
		.outcome = outcome,
		.facts = &s->facts,
		.failure = failure,
		.bytes_sent = s->published ? s->image.len : 0,
		.security = FERRY_SECURITY_NONE,
	};

	uv_timer_stop(&s->timer);
	s->phase = DELEGATE_OVER;
	s->wait = ENGINE_WAIT_NONE;
	delegate_let_next_ask(s->delegate);
	s->setup.events->on_result(s->setup.arg, &result);
}

static void fail(struct delegate_session *s, enum engine_outcome outcome,
	int code, const char *step, const char *words)
{
	struct engine_failure failure = {
		.code = code,
		.step = step,
		.offset = s->image.len * s->progress_bp / DONE_BP,
	};

	snprintf(failure.device_status, sizeof(failure.device_status), "%s",
		words);
	snprintf(failure.hint, sizeof(failure.hint), "%s%s", words[0] ?
		"zigbee2mqtt says: " : "", words);
	end(s, outcome, &failure);
}

static void take_version(struct delegate_session *s)
{
	ota_version_text(s->installed, s->facts.version,
		sizeof(s->facts.version));
	s->facts.exchanges = 1;
	if (s->setup.events->on_facts)
		s->setup.events->on_facts(s->setup.arg, &s->facts);
}

static bool is_update(const struct delegate_session *s)
{
	return s->setup.goal == ENGINE_GOAL_UPDATE;
}

static bool runs_image(const struct delegate_session *s)
{
	return is_update(s) && s->image.version[0] &&
		!strcmp(s->facts.version, s->image.version);
}

/* ---- asking what it runs ---- */

static void pause_for(struct delegate_session *s, enum engine_wait wait,
	uint64_t ms)
{
	s->phase = DELEGATE_PAUSING;
	wake_in(s, ms);
	delegate_let_next_ask(s->delegate);
	tell_wait(s, wait, ms);
}

static void not_proved(struct delegate_session *s, const char *words)
{
	if (now_ms(s) < s->prove_by_ms) {
		pause_for(s, ENGINE_WAIT_DEVICE, PROVE_AGAIN_MS);
		return;
	}
	if (!s->facts.exchanges)
		fail(s, ENGINE_UNVERIFIED, ERR_ZIGBEE_GONE, "read-back", words);
	else if (s->installed == s->before)
		fail(s, ENGINE_FAILED, ERR_ZIGBEE_OLD_VERSION, "read-back",
			"");
	else
		fail(s, ENGINE_FAILED, ERR_ZIGBEE_OTHER_VERSION, "read-back",
			"");
}

/* The image's version is below the one that the device has told. */
static bool is_older(const struct delegate_session *s)
{
	uint32_t wanted;

	return !ota_version_read(s->image.version, &wanted) &&
		wanted < s->before;
}

static void hold(struct delegate_session *s)
{
	s->before = s->installed;
	if (is_older(s) && !s->setup.allow_downgrade) {
		fail(s, ENGINE_FAILED, ERR_ZIGBEE_DOWNGRADE, "query", "");
		return;
	}
	s->phase = DELEGATE_HOLDING;
	uv_timer_stop(&s->timer);
	delegate_let_next_ask(s->delegate);
	tell_wait(s, ENGINE_WAIT_NONE, 0);
	s->setup.events->on_stage(s->setup.arg, ENGINE_STAGE_TRANSFER,
		&s->facts);
}

/* The answer to the question, with the version that it brought. */
static void answered(struct delegate_session *s)
{
	take_version(s);
	if (is_idle(s))
		return;
	if (!is_update(s) || runs_image(s))
		end(s, ENGINE_DONE, NULL);
	else if (s->withdrawn && !s->prove_by_ms)
		end(s, ENGINE_WITHDRAWN, NULL);
	else if (s->prove_by_ms)
		not_proved(s, "");
	else
		hold(s);
}

static bool says(const struct z2m_response *r, const char *words)
{
	return strstr(r->error, words) != NULL;
}

static void prove(struct delegate_session *s)
{
	uint64_t limit_ms = s->setup.return_ms ? s->setup.return_ms : PROVE_MS;

	s->prove_by_ms = now_ms(s) + limit_ms;
	/* What was known of it is of before. */
	s->facts.exchanges = 0;
	s->facts.version[0] = '\0';
	pause_for(s, ENGINE_WAIT_DEVICE, PROVE_FIRST_MS);
}

/* While there is no way to zigbee2mqtt the update goes on there: it is aborted
 * when there is one again. */
static void abort_update(struct delegate_session *s)
{
	struct z2m_request request = {
		.key = s->key,
		.transaction = s->ordered[0] ? s->ordered : s->ours,
	};

	/* It has all: the device installs it, whoever wants it or not. */
	if (s->progress_bp == DONE_BP)
		return;
	s->phase = DELEGATE_ABORTING;
	s->aborts = true;
	if (s->delegate->reach != DELEGATE_UP) {
		wake_in(s, LOST_MS);
		return;
	}
	wake_in(s, ABORT_MS);
	if (delegate_request(s->delegate, "update/abort", &request))
		log_warn("delegate", "update cannot be aborted", "peer=%s",
			s->key);
}

/* Begun by an earlier run of this job, or by somebody else. */
static void busy(struct delegate_session *s)
{
	if (!is_update(s)) {
		/* Not waited for: a job may want to follow what goes on. */
		fail(s, ENGINE_FAILED, -EBUSY, "query", "");
		return;
	}
	if (!s->published && s->setup.reached < ENGINE_STAGE_TRANSFER) {
		if (s->withdrawn)
			end(s, ENGINE_WITHDRAWN, NULL);
		else
			pause_for(s, ENGINE_WAIT_TURN, BUSY_AGAIN_MS);
		return;
	}
	if (!s->published)
		log_info("delegate", "update is under way and is followed",
			"peer=%s job=%llu", s->key,
			(unsigned long long)s->setup.job);
	s->published = true;
	s->phase = DELEGATE_UPDATING;
	delegate_let_next_ask(s->delegate);
	tell_wait(s, ENGINE_WAIT_NONE, 0);
	wake_in(s, BUSY_AGAIN_MS);
	if (s->withdrawn) {
		abort_update(s);
		return;
	}
	/* What is under way cannot be held: go() has nothing to do. */
	s->setup.events->on_stage(s->setup.arg, ENGINE_STAGE_TRANSFER,
		&s->facts);
}

static void unanswered(struct delegate_session *s,
	const struct z2m_response *r)
{
	if (says(r, "already in progress")) {
		if (s->prove_by_ms)
			not_proved(s, r->error);
		else
			busy(s);
		return;
	}
	if (s->prove_by_ms)
		not_proved(s, r->error);
	else if (s->withdrawn)
		end(s, ENGINE_WITHDRAWN, NULL);
	else if (is_update(s) && delegate_session_is_sleepy(s))
		pause_for(s, ENGINE_WAIT_WAKE, SLEEP_AGAIN_MS);
	else
		fail(s, ENGINE_FAILED, says(r, "does not exist") ?
			ERR_JOB_NO_LINK : ERR_ZIGBEE_NO_ANSWER, "query",
			r->error);
}

static void take_check(struct delegate_session *s,
	const struct z2m_response *r)
{
	if (r->ok && s->has_installed)
		answered(s);
	else if (!r->ok)
		unanswered(s, r);
	/* Without a version it may stand in a topic that is not read. */
	else if (s->prove_by_ms)
		not_proved(s, "no installed_version was published");
	else
		fail(s, ENGINE_FAILED, ERR_DELEGATE_ANSWER, "query",
			"no installed_version was published");
}

static void publish_check(struct delegate_session *s)
{
	struct z2m_request request = {
		.key = s->key,
		.url = handover_index(s->handover),
		.transaction = s->asked,
	};

	snprintf(s->asked, sizeof(s->asked), "ferry-%s-%llu",
		s->delegate->run, (unsigned long long)++s->delegate->serial);
	s->has_installed = false;
	/* The link has gone, and says so soon. */
	if (delegate_request(s->delegate, "check", &request))
		log_debug("delegate", "check cannot be published", "peer=%s",
			s->key);
}

static void ask(struct delegate_session *s)
{
	s->phase = DELEGATE_ASKING;
	wake_in(s, ASK_MS);
	publish_check(s);
	if (s->wait != ENGINE_WAIT_WAKE)
		tell_wait(s, ENGINE_WAIT_DEVICE, ASK_MS);
}

/* ---- not all at once ---- */

static void ask_in_turn(struct delegate_session *s)
{
	if (delegate_may_ask(s->delegate, delegate_session_is_sleepy(s))) {
		ask(s);
		return;
	}
	s->phase = DELEGATE_QUEUEING;
	s->queued = ++s->delegate->serial;
	uv_timer_stop(&s->timer);
	if (!s->prove_by_ms)
		tell_wait(s, ENGINE_WAIT_TURN, 0);
}

void delegate_session_wake(struct delegate_session *s)
{
	wake_in(s, 0);
}

/* ---- the update ---- */

static void order(struct delegate_session *s)
{
	struct z2m_request request = {
		.key = s->key,
		.url = handover_image(s->handover),
		.transaction = s->ordered, /* written below */
		.timeout_ms = s->options.block_timeout_s * 1000,
		.delay_ms = s->options.response_delay_ms,
		.block = s->options.block,
	};
	uint8_t random[8] = {0};
	char hex[17];

	uv_random(NULL, NULL, random, sizeof(random), 0, NULL);
	snprintf(s->ordered, sizeof(s->ordered), "%s%s", s->ours,
		bytes_to_hex(bytes_of(random, sizeof(random)), hex,
		sizeof(hex)));
	if (delegate_request(s->delegate, is_older(s) ? "update/downgrade" :
			"update", &request)) {
		s->ordered[0] = '\0';
		fail(s, ENGINE_FAILED, ERR_JOB_NO_LINK, "hand-over", "");
		return;
	}
	log_info("delegate", "update handed over to zigbee2mqtt",
		"peer=%s job=%llu transaction=%s", s->key,
		(unsigned long long)s->setup.job, s->ordered);
	s->published = true;
	s->phase = DELEGATE_UPDATING;
	s->progress_bp = 0;
	s->looks = false;
	s->unheard = 0;
	wake_in(s, SILENT_MS);
}

/* Its device may have told already that it runs the image. */
static void hashed_again(struct delegate_session *s, int status)
{
	if (status)
		fail(s, ENGINE_FAILED, status, "hand-over", "");
	else if (runs_image(s))
		end(s, ENGINE_DONE, NULL);
	else
		prove(s);
}

static void copied(struct delegate_session *s, int status)
{
	if (status)
		fail(s, ENGINE_FAILED, status, "hand-over", "");
	else if (s->withdrawn)
		end(s, ENGINE_WITHDRAWN, NULL);
	else if (s->delegate->reach != DELEGATE_UP)
		fail(s, ENGINE_FAILED, ERR_JOB_NO_LINK, "hand-over", "");
	else
		order(s);
}

static void on_checked(void *arg, int status)
{
	struct delegate_session *s = arg;

	if (is_idle(s))
		return;
	if (status == ERR_DELEGATE_CHANGED)
		log_error("delegate", "copy of the image was changed",
			"peer=%s job=%llu", s->key,
			(unsigned long long)s->setup.job);
	if (s->phase == DELEGATE_COPYING)
		copied(s, status);
	else if (s->phase == DELEGATE_REHASHING)
		hashed_again(s, status);
}

/* It is done; what was used must still be what was handed over. */
static void finished(struct delegate_session *s)
{
	if (s->setup.events->on_progress)
		s->setup.events->on_progress(s->setup.arg, s->image.len,
			s->image.len);
	if (is_idle(s))
		return;
	s->progress_bp = DONE_BP;
	s->phase = DELEGATE_REHASHING;
	uv_timer_stop(&s->timer);
	handover_check(s->handover);
}

static void gave_up(struct delegate_session *s, const struct z2m_response *r)
{
	if (s->withdrawn || says(r, "was aborted"))
		end(s, ENGINE_WITHDRAWN, NULL);
	else if (says(r, "No image currently available"))
		fail(s, ENGINE_FAILED, ERR_DELEGATE_REFUSED, "hand-over",
			r->error);
	else
		fail(s, ENGINE_FAILED, ERR_DELEGATE_FAILED, "upload", r->error);
}

/* The update was under way and is not any more; how it ended was said while
 * nobody listened, or to nobody. The device tells. One that has `told` that it
 * runs what it ran is given it again. */
static void ended_unheard(struct delegate_session *s, bool told)
{
	if (runs_image(s)) {
		finished(s);
		return;
	}
	if (!s->withdrawn && s->progress_bp < DONE_BP &&
			s->again++ < AGAIN_MAX) {
		/* One that still waits for its next block hears nothing else. */
		if (told)
			hold(s);
		else
			look_after(s);
		return;
	}
	fail(s, s->withdrawn ? ENGINE_WITHDRAWN : ENGINE_FAILED,
		ERR_DELEGATE_FAILED, "upload",
		"the update ended without an answer");
}

static void take_update(struct delegate_session *s,
	const struct z2m_response *r)
{
	if (s->phase != DELEGATE_UPDATING && s->phase != DELEGATE_ABORTING)
		return;
	if (r->ok)
		finished(s);
	else if (!says(r, "already in progress"))
		gave_up(s, r);
	/* The order came twice, after the connection was lost, or in the middle
	 * of a question of the device: what goes on is looked at. */
	else if (s->phase == DELEGATE_UPDATING)
		wake_in(s, BUSY_AGAIN_MS);
}

/* Looked after, because nothing was heard of it. */
static void take_look(struct delegate_session *s, const struct z2m_response *r)
{
	s->looks = false;
	s->unheard = 0;
	if (says(r, "already in progress")) {
		wake_in(s, SILENT_MS);
		return;
	}
	if (r->ok && s->has_installed)
		take_version(s);
	if (!is_idle(s))
		ended_unheard(s, r->ok && s->has_installed);
}

/* What an earlier run of ferryd has ordered is known by how it begins. */
static bool is_ours(const struct delegate_session *s, const char *transaction)
{
	return s->ordered[0] ? !strcmp(transaction, s->ordered) :
		!strncmp(transaction, s->ours, strlen(s->ours));
}

void delegate_session_response(struct delegate_session *s, const char *what,
	const struct z2m_response *r)
{
	if (is_idle(s) || !r->transaction[0])
		return;
	if (!strcmp(what, "check") && !strcmp(r->transaction, s->asked)) {
		s->asked[0] = '\0';
		if (s->phase == DELEGATE_ASKING)
			take_check(s, r);
		else if (s->phase == DELEGATE_UPDATING && s->looks)
			take_look(s, r);
	} else if (!strcmp(what, "update") && is_ours(s, r->transaction)) {
		take_update(s, r);
	}
}

static void take_progress(struct delegate_session *s,
	const struct z2m_update *u)
{
	s->unheard = 0;
	wake_in(s, SILENT_MS);
	if (!u->has_progress)
		return;
	s->progress_bp = u->progress_bp;
	if (s->setup.events->on_progress)
		s->setup.events->on_progress(s->setup.arg,
			s->image.len * u->progress_bp / DONE_BP, s->image.len);
}

void delegate_session_state(struct delegate_session *s,
	const struct z2m_update *u)
{
	if (is_idle(s))
		return;
	if (u->has_installed && s->asked[0]) {
		s->has_installed = true;
		s->installed = u->installed;
	}
	if (s->phase == DELEGATE_UPDATING && u->state == Z2M_STATE_UPDATING)
		take_progress(s, u);
	/* Something came from it: it is awake for a moment. */
	if (s->phase == DELEGATE_PAUSING && s->wait == ENGINE_WAIT_WAKE)
		ask_in_turn(s);
}

/* ---- the way to it ---- */

void delegate_session_down(struct delegate_session *s)
{
	if (is_idle(s))
		return;
	switch (s->phase) {
	case DELEGATE_OPENING:
	case DELEGATE_QUEUEING:
	case DELEGATE_ASKING:
	case DELEGATE_PAUSING:
	case DELEGATE_HOLDING:
	case DELEGATE_COPYING:
		if (!s->prove_by_ms)
			fail(s, ENGINE_FAILED, ERR_JOB_NO_LINK, "connect", "");
		else
			pause_for(s, ENGINE_WAIT_DEVICE, PROVE_AGAIN_MS);
		return;
	case DELEGATE_UPDATING:
		wake_in(s, LOST_MS);
		return;
	case DELEGATE_ABORTING:
		if (s->aborts)
			wake_in(s, LOST_MS);
		return;
	case DELEGATE_REHASHING:
	case DELEGATE_OVER:
		return;
	}
}

static void subscribe(struct delegate_session *s)
{
	mqtt_subscribe(s->delegate->mqtt, s->topic);
}

/* Whether the update survived is what it is asked. */
static void look_after(struct delegate_session *s)
{
	s->looks = true;
	s->unheard++;
	wake_in(s, ASK_MS);
	publish_check(s);
}

void delegate_session_up(struct delegate_session *s)
{
	if (is_idle(s))
		return;
	subscribe(s);
	if (s->phase == DELEGATE_UPDATING)
		look_after(s);
	else if (s->phase == DELEGATE_ABORTING && s->aborts)
		abort_update(s);
	else if (s->phase == DELEGATE_PAUSING)
		ask_in_turn(s);
}

static void name_topic(struct delegate_session *s,
	const struct delegate_node *n)
{
	snprintf(s->topic, sizeof(s->topic), "%s/%s",
		s->delegate->params.topic, n->device.name);
}

void delegate_session_named(struct delegate_session *s)
{
	const struct delegate_node *n = delegate_node(s->delegate, s->key);
	char before[MQTT_TOPIC_MAX];

	if (is_idle(s) || !n)
		return;
	memcpy(before, s->topic, sizeof(before));
	name_topic(s, n);
	if (!strcmp(before, s->topic))
		return;
	mqtt_unsubscribe(s->delegate->mqtt, before);
	subscribe(s);
}

/* ---- time ---- */

static void look_or_lose(struct delegate_session *s)
{
	if (s->delegate->reach == DELEGATE_UP && s->unheard < UNHEARD_MAX)
		look_after(s);
	else
		fail(s, ENGINE_FAILED, ERR_DELEGATE_AWAY, "upload", "");
}

static void on_timer(uv_timer_t *timer)
{
	struct delegate_session *s = timer->data;
	static const struct z2m_response silence = {.error = "no answer"};

	switch (s->phase) {
	case DELEGATE_ASKING:
		unanswered(s, &silence);
		return;
	case DELEGATE_QUEUEING:
		ask_in_turn(s);
		delegate_let_next_ask(s->delegate);
		return;
	case DELEGATE_PAUSING:
		if (s->delegate->reach == DELEGATE_UP)
			ask_in_turn(s);
		else
			not_proved(s, "zigbee2mqtt is away");
		return;
	case DELEGATE_UPDATING:
		look_or_lose(s);
		return;
	case DELEGATE_ABORTING:
		if (s->aborts)
			log_warn("delegate", "update was withdrawn, and "
				"nobody said that it ended", "peer=%s job=%llu",
				s->key, (unsigned long long)s->setup.job);
		end(s, ENGINE_WITHDRAWN, NULL);
		return;
	case DELEGATE_OPENING:
	case DELEGATE_HOLDING:
	case DELEGATE_COPYING:
	case DELEGATE_REHASHING:
	case DELEGATE_OVER:
		return;
	}
}

static void on_ready(void *arg, int status)
{
	struct delegate_session *s = arg;

	if (is_idle(s))
		return;
	if (status)
		fail(s, ENGINE_FAILED, status, "hand-over", "");
	else if (s->withdrawn)
		end(s, ENGINE_WITHDRAWN, NULL);
	else if (s->delegate->reach != DELEGATE_UP)
		fail(s, ENGINE_FAILED, ERR_JOB_NO_LINK, "connect", "");
	else
		ask_in_turn(s);
}

/* ---- the session ---- */

static void go(struct session *session, enum engine_stage stage, bool skip)
{
	struct delegate_session *s = session_of(session);

	(void)skip;
	if (is_idle(s) || s->phase != DELEGATE_HOLDING ||
			stage != ENGINE_STAGE_TRANSFER)
		return;
	s->phase = DELEGATE_COPYING;
	handover_copy(s->handover);
}

/* What runs on the pool goes on with it; what is asked may stay unanswered. */
static void withdraw(struct session *session)
{
	struct delegate_session *s = session_of(session);

	if (is_idle(s) || s->withdrawn)
		return;
	s->withdrawn = true;
	switch (s->phase) {
	case DELEGATE_UPDATING:
		abort_update(s);
		return;
	case DELEGATE_QUEUEING:
	case DELEGATE_ASKING:
		/* What an earlier run began is found by the answer. */
		if (s->setup.reached >= ENGINE_STAGE_TRANSFER)
			return;
		break;
	case DELEGATE_PAUSING:
	case DELEGATE_HOLDING:
		break;
	case DELEGATE_OPENING:
	case DELEGATE_COPYING:
	case DELEGATE_REHASHING:
	case DELEGATE_ABORTING:
	case DELEGATE_OVER:
		return;
	}
	if (s->prove_by_ms)
		return;
	s->phase = DELEGATE_ABORTING; /* nothing is under way */
	wake_in(s, 0);
}

static uint32_t security(const struct session *session)
{
	(void)session;
	/* What zigbee2mqtt does with it is not seen from here. */
	return FERRY_SECURITY_NONE;
}

static void free_when_closed(struct delegate_session *s)
{
	void (*on_closed)(void *arg) = s->on_closed;
	void *arg = s->close_arg;

	if (!s->timer_closed || !s->handover_closed)
		return;
	free(s);
	if (on_closed)
		on_closed(arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct delegate_session *s = handle->data;

	s->timer_closed = true;
	free_when_closed(s);
}

static void on_handover_closed(void *arg)
{
	struct delegate_session *s = arg;

	s->handover_closed = true;
	free_when_closed(s);
}

static void close_it(struct session *session, void (*on_closed)(void *arg),
	void *arg)
{
	struct delegate_session *s = session_of(session);
	struct delegate_session **at = &s->delegate->sessions;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	s->delegate->session_count--;
	delegate_let_next_ask(s->delegate);
	mqtt_unsubscribe(s->delegate->mqtt, s->topic);
	s->on_closed = on_closed;
	s->close_arg = arg;
	handover_close(s->handover, on_handover_closed, s);
	uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

static const struct session_ops kind = {
	.go = go,
	.withdraw = withdraw,
	.close = close_it,
	.security = security,
};

static bool has_session(const struct delegate *d, const char *peer)
{
	for (const struct delegate_session *s = d->sessions; s; s = s->next)
		if (!strcmp(s->key, peer))
			return true;
	return false;
}

static int hand_over(struct delegate_session *s)
{
	struct delegate *d = s->delegate;
	struct handover_setup setup = {
		.loop = d->loop,
		.folder = d->params.by_url ? NULL : d->params.folder,
		.cache = s->setup.image ? s->setup.cache : NULL,
		.len = s->image.len,
		.on_ready = on_ready,
		.on_checked = on_checked,
		.arg = s,
	};

	memcpy(setup.digest, s->image.sha256, sizeof(setup.digest));
	return handover_open(&setup, &s->handover);
}

static int make(struct delegate *d, const struct delegate_node *n,
	const struct session_setup *setup, struct delegate_session **ret)
{
	struct delegate_session *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->session.ops = &kind;
	s->delegate = d;
	s->setup = *setup;
	s->facts = (struct engine_facts){.confirmed = -1, .pending = -1,
		.can_revert = -1, .can_resume = -1, .can_prove = -1};
	snprintf(s->facts.mode, sizeof(s->facts.mode), "zigbee2mqtt");
	snprintf(s->key, sizeof(s->key), "%s", n->device.key);
	name_topic(s, n);
	snprintf(s->ours, sizeof(s->ours), "ferry-%s-%llu-", s->key,
		(unsigned long long)setup->job);
	if (setup->image)
		s->image = *setup->image;
	err = delegate_options_read(setup->options ? setup->options : "",
		&s->options, NULL);
	if (!err)
		err = hand_over(s);
	if (err) {
		free(s);
		return err;
	}
	uv_timer_init(d->loop, &s->timer);
	s->timer.data = s;
	*ret = s;
	return 0;
}

int delegate_offer(struct delegate *d, const char *peer,
	const struct session_setup *setup, struct session **ret)
{
	const struct delegate_node *n = delegate_node(d, peer);
	struct delegate_session *s;
	int err;

	if (d->reach != DELEGATE_UP || !n)
		return ERR_JOB_NO_LINK;
	if (setup->prefix.len)
		return -EINVAL;
	if (has_session(d, peer))
		return -EBUSY;
	if (d->session_count >= DELEGATE_SESSIONS_MAX)
		return -ENOBUFS;
	err = make(d, n, setup, &s);
	if (err)
		return err;
	s->next = d->sessions;
	d->sessions = s;
	d->session_count++;
	subscribe(s);
	*ret = &s->session;
	return 0;
}
