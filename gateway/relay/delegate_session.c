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

static void on_timer(uv_timer_t *timer);

static struct delegate_session *session_of(struct session *session)
{
	return (struct delegate_session *)session;
}

uint64_t delegate_session_now_ms(const struct delegate_session *s)
{
	return uv_now(s->delegate->loop);
}

void delegate_session_wake_in(struct delegate_session *s, uint64_t ms)
{
	uv_timer_start(&s->timer, on_timer, ms, 0);
}

void delegate_session_wake(struct delegate_session *s)
{
	delegate_session_wake_in(s, 0);
}

bool delegate_session_is_idle(const struct delegate_session *s)
{
	return s->phase == DELEGATE_OVER || s->session.closing;
}

bool delegate_session_is_update(const struct delegate_session *s)
{
	return s->setup.goal == ENGINE_GOAL_UPDATE;
}

bool delegate_session_runs_image(const struct delegate_session *s)
{
	return delegate_session_is_update(s) && s->image.version[0] &&
		!strcmp(s->facts.version, s->image.version);
}

uint64_t delegate_session_bytes(const struct delegate_session *s)
{
	return s->image.len * s->progress_bp / DELEGATE_DONE_BP;
}

/* ---- what the owner is told ---- */

void delegate_session_wait(struct delegate_session *s, enum engine_wait wait,
	uint64_t in_ms)
{
	if (s->wait == wait)
		return;
	s->wait = wait;
	if (s->setup.events->on_wait)
		s->setup.events->on_wait(s->setup.arg, wait,
			in_ms ? (int64_t)(delegate_session_now_ms(s) + in_ms) :
			ENGINE_NEVER);
}

void delegate_session_end(struct delegate_session *s,
	enum engine_outcome outcome, const struct engine_failure *failure)
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

void delegate_session_fail(struct delegate_session *s,
	enum engine_outcome outcome, int code, const char *step,
	const char *words)
{
	struct engine_failure failure = {
		.code = code,
		.step = step,
		.offset = delegate_session_bytes(s),
	};

	snprintf(failure.device_status, sizeof(failure.device_status), "%s",
		words);
	snprintf(failure.hint, sizeof(failure.hint), "%s%s", words[0] ?
		"zigbee2mqtt says: " : "", words);
	delegate_session_end(s, outcome, &failure);
}

bool delegate_session_goes_on(struct delegate_session *s, int status)
{
	if (status)
		delegate_session_fail(s, ENGINE_FAILED, status, "hand-over",
			"");
	else if (s->withdrawn)
		delegate_session_end(s, ENGINE_WITHDRAWN, NULL);
	return !status && !s->withdrawn;
}

void delegate_session_take_version(struct delegate_session *s)
{
	ota_version_text(s->installed, s->facts.version,
		sizeof(s->facts.version));
	s->facts.exchanges = 1;
	if (s->setup.events->on_facts)
		s->setup.events->on_facts(s->setup.arg, &s->facts);
}

/* ---- what arrives ---- */

bool delegate_says(const struct z2m_response *r, const char *words)
{
	return strstr(r->error, words) != NULL;
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
	if (delegate_session_is_idle(s) || !r->transaction[0])
		return;
	if (!strcmp(what, "check") && !strcmp(r->transaction, s->asked)) {
		s->asked[0] = '\0';
		if (s->phase == DELEGATE_ASKING)
			delegate_ask_response(s, r);
		else if (s->phase == DELEGATE_UPDATING && s->looks)
			delegate_update_looked(s, r);
	} else if (!strcmp(what, "update") && is_ours(s, r->transaction)) {
		delegate_update_response(s, r);
	}
}

void delegate_session_state(struct delegate_session *s,
	const struct z2m_update *u)
{
	if (delegate_session_is_idle(s))
		return;
	if (u->has_installed && s->asked[0]) {
		s->has_installed = true;
		s->installed = u->installed;
	}
	if (s->phase == DELEGATE_UPDATING && u->state == Z2M_STATE_UPDATING)
		delegate_update_progress(s, u);
	/* Something came from it: it is awake for a moment. */
	if (s->phase == DELEGATE_PAUSING && s->wait == ENGINE_WAIT_WAKE)
		delegate_ask_in_turn(s);
}

/* ---- the way to it ---- */

void delegate_session_down(struct delegate_session *s)
{
	if (delegate_session_is_idle(s))
		return;
	switch (s->phase) {
	case DELEGATE_OPENING:
	case DELEGATE_QUEUEING:
	case DELEGATE_ASKING:
	case DELEGATE_PAUSING:
	case DELEGATE_HOLDING:
	case DELEGATE_COPYING:
		delegate_ask_lost(s);
		return;
	case DELEGATE_UPDATING:
	case DELEGATE_ABORTING:
		delegate_update_lost(s);
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

void delegate_session_up(struct delegate_session *s)
{
	if (delegate_session_is_idle(s))
		return;
	subscribe(s);
	if (s->phase == DELEGATE_UPDATING)
		delegate_update_look(s);
	else if (s->phase == DELEGATE_ABORTING && s->aborts)
		delegate_update_abort(s);
	else if (s->phase == DELEGATE_PAUSING)
		delegate_ask_in_turn(s);
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

	if (delegate_session_is_idle(s) || !n)
		return;
	memcpy(before, s->topic, sizeof(before));
	name_topic(s, n);
	if (!strcmp(before, s->topic))
		return;
	mqtt_unsubscribe(s->delegate->mqtt, before);
	subscribe(s);
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer)
{
	struct delegate_session *s = timer->data;
	static const struct z2m_response silence = {.error = "no answer"};

	switch (s->phase) {
	case DELEGATE_ASKING:
		delegate_ask_unanswered(s, &silence);
		return;
	case DELEGATE_QUEUEING:
		delegate_ask_in_turn(s);
		delegate_let_next_ask(s->delegate);
		return;
	case DELEGATE_PAUSING:
		if (s->delegate->reach == DELEGATE_UP)
			delegate_ask_in_turn(s);
		else
			delegate_ask_unproved(s, "zigbee2mqtt is away");
		return;
	case DELEGATE_UPDATING:
		delegate_update_silent(s);
		return;
	case DELEGATE_ABORTING:
		if (s->aborts)
			log_warn("delegate", "update was withdrawn, and "
				"nobody said that it ended", "peer=%s job=%llu",
				s->key, (unsigned long long)s->setup.job);
		delegate_session_end(s, ENGINE_WITHDRAWN, NULL);
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

	if (!delegate_session_is_idle(s) &&
			delegate_session_goes_on(s, status))
		delegate_ask_in_turn(s);
}

/* ---- the session ---- */

static void go(struct session *session, enum engine_stage stage, bool skip)
{
	struct delegate_session *s = session_of(session);

	(void)skip;
	if (delegate_session_is_idle(s) || s->phase != DELEGATE_HOLDING ||
			stage != ENGINE_STAGE_TRANSFER)
		return;
	s->phase = DELEGATE_COPYING;
	handover_copy(s->handover);
}

/* What runs on the pool goes on with it; what is asked may stay unanswered. */
static void withdraw(struct session *session)
{
	struct delegate_session *s = session_of(session);

	if (delegate_session_is_idle(s) || s->withdrawn)
		return;
	s->withdrawn = true;
	switch (s->phase) {
	case DELEGATE_UPDATING:
		delegate_update_abort(s);
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
	delegate_session_wake_in(s, 0);
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
		.on_checked = delegate_update_checked,
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
