/* What a device runs, asked through zigbee2mqtt: before an update, and to prove
 * one. */
#include "gateway/relay/delegate_priv.h"

#include <stdio.h>

#include "base/log.h"

#define ASK_MS 75000      /* zigbee2mqtt itself waits 60 s for the device */
#define SLEEP_AGAIN_MS 20000
#define PROVE_FIRST_MS 2000
#define PROVE_AGAIN_MS 10000
#define PROVE_MS 300000   /* unless the class says how long */

void delegate_ask_later(struct delegate_session *s, enum engine_wait wait,
	uint64_t ms)
{
	s->phase = DELEGATE_PAUSING;
	delegate_session_wake_in(s, ms);
	delegate_let_next_ask(s->delegate);
	delegate_session_wait(s, wait, ms);
}

void delegate_ask_unproved(struct delegate_session *s, const char *words)
{
	if (delegate_session_now_ms(s) < s->prove_by_ms) {
		delegate_ask_later(s, ENGINE_WAIT_DEVICE, PROVE_AGAIN_MS);
		return;
	}
	if (!s->facts.exchanges)
		delegate_session_fail(s, ENGINE_UNVERIFIED, ERR_ZIGBEE_GONE,
			"read-back", words);
	else if (s->installed == s->before)
		delegate_session_fail(s, ENGINE_FAILED,
			ERR_ZIGBEE_OLD_VERSION, "read-back", "");
	else
		delegate_session_fail(s, ENGINE_FAILED,
			ERR_ZIGBEE_OTHER_VERSION, "read-back", "");
}

void delegate_ask_proof(struct delegate_session *s)
{
	uint64_t limit_ms = s->setup.return_ms ? s->setup.return_ms : PROVE_MS;

	s->prove_by_ms = delegate_session_now_ms(s) + limit_ms;
	/* What was known of it is of before. */
	s->facts.exchanges = 0;
	s->facts.version[0] = '\0';
	delegate_ask_later(s, ENGINE_WAIT_DEVICE, PROVE_FIRST_MS);
}

void delegate_ask_lost(struct delegate_session *s)
{
	if (s->prove_by_ms)
		delegate_ask_later(s, ENGINE_WAIT_DEVICE, PROVE_AGAIN_MS);
	else
		delegate_session_fail(s, ENGINE_FAILED, ERR_JOB_NO_LINK,
			"connect", "");
}

/* The answer to the question, with the version that it brought. */
static void answered(struct delegate_session *s)
{
	delegate_session_take_version(s);
	if (delegate_session_is_idle(s))
		return;
	if (!delegate_session_is_update(s) || delegate_session_runs_image(s))
		delegate_session_end(s, ENGINE_DONE, NULL);
	else if (s->withdrawn && !s->prove_by_ms)
		delegate_session_end(s, ENGINE_WITHDRAWN, NULL);
	else if (s->prove_by_ms)
		delegate_ask_unproved(s, "");
	else
		delegate_update_offer(s);
}

void delegate_ask_unanswered(struct delegate_session *s,
	const struct z2m_response *r)
{
	if (delegate_says(r, DELEGATE_SAYS_BUSY)) {
		if (s->prove_by_ms)
			delegate_ask_unproved(s, r->error);
		else
			delegate_update_found(s);
		return;
	}
	if (s->prove_by_ms)
		delegate_ask_unproved(s, r->error);
	else if (s->withdrawn)
		delegate_session_end(s, ENGINE_WITHDRAWN, NULL);
	else if (delegate_session_is_update(s) && delegate_session_is_sleepy(s))
		delegate_ask_later(s, ENGINE_WAIT_WAKE, SLEEP_AGAIN_MS);
	else
		delegate_session_fail(s, ENGINE_FAILED,
			delegate_says(r, "does not exist") ? ERR_JOB_NO_LINK :
			ERR_ZIGBEE_NO_ANSWER, "query", r->error);
}

void delegate_ask_response(struct delegate_session *s,
	const struct z2m_response *r)
{
	if (r->ok && s->has_installed)
		answered(s);
	else if (!r->ok)
		delegate_ask_unanswered(s, r);
	/* Without a version it may stand in a topic that is not read. */
	else if (s->prove_by_ms)
		delegate_ask_unproved(s, "no installed_version was published");
	else
		delegate_session_fail(s, ENGINE_FAILED, ERR_DELEGATE_ANSWER,
			"query", "no installed_version was published");
}

void delegate_ask_now(struct delegate_session *s)
{
	struct z2m_request request = {
		.key = s->key,
		.url = handover_index(s->handover),
		.transaction = s->asked,
	};

	snprintf(s->asked, sizeof(s->asked), "ferry-%s-%llu",
		s->delegate->run, (unsigned long long)++s->delegate->serial);
	s->has_installed = false;
	delegate_session_wake_in(s, ASK_MS);
	/* The link has gone, and says so soon. */
	if (delegate_request(s->delegate, "check", &request))
		log_debug("delegate", "check cannot be published", "peer=%s",
			s->key);
}

static void ask(struct delegate_session *s)
{
	s->phase = DELEGATE_ASKING;
	delegate_ask_now(s);
	if (s->wait != ENGINE_WAIT_WAKE)
		delegate_session_wait(s, ENGINE_WAIT_DEVICE, ASK_MS);
}

void delegate_ask_in_turn(struct delegate_session *s)
{
	if (delegate_may_ask(s->delegate, delegate_session_is_sleepy(s))) {
		ask(s);
		return;
	}
	s->phase = DELEGATE_QUEUEING;
	s->queued = ++s->delegate->serial;
	uv_timer_stop(&s->timer);
	if (!s->prove_by_ms)
		delegate_session_wait(s, ENGINE_WAIT_TURN, 0);
}
