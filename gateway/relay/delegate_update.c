/* The update that zigbee2mqtt makes: offered, ordered, followed, stopped. */
#include "gateway/relay/delegate_priv.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "devices/zigbee_ota/file.h"

#define BUSY_AGAIN_MS 15000
#define SILENT_MS 180000  /* progress comes every 30 s */
#define ABORT_MS 10000
#define LOST_MS 300000    /* broker or zigbee2mqtt away in mid-update */
#define AGAIN_MAX 2       /* orders after one that zigbee2mqtt forgot */
#define UNHEARD_MAX 3     /* looks after an update that nobody answers */

/* The image's version is below the one that the device has told. */
static bool is_older(const struct delegate_session *s)
{
	uint32_t wanted;

	return !ota_version_read(s->image.version, &wanted) &&
		wanted < s->before;
}

void delegate_update_offer(struct delegate_session *s)
{
	s->before = s->installed;
	if (is_older(s) && !s->setup.allow_downgrade) {
		delegate_session_fail(s, ENGINE_FAILED,
			ERR_ZIGBEE_DOWNGRADE, "query", "");
		return;
	}
	s->phase = DELEGATE_HOLDING;
	uv_timer_stop(&s->timer);
	delegate_let_next_ask(s->delegate);
	delegate_session_wait(s, ENGINE_WAIT_NONE, 0);
	s->setup.events->on_stage(s->setup.arg, ENGINE_STAGE_TRANSFER,
		&s->facts);
}

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
	char random[DELEGATE_RANDOM_SIZE];
	const struct engine_failure no_name = {
		.code = delegate_random(random),
		.step = "hand-over",
		.hint = DELEGATE_NO_RANDOM,
	};

	if (no_name.code) {
		delegate_session_end(s, ENGINE_FAILED, &no_name);
		return;
	}
	snprintf(s->ordered, sizeof(s->ordered), "%s%s", s->ours, random);
	if (delegate_request(s->delegate, is_older(s) ? "update/downgrade" :
			"update", &request)) {
		s->ordered[0] = '\0';
		delegate_session_fail(s, ENGINE_FAILED, ERR_JOB_NO_LINK,
			"hand-over", "");
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
	delegate_session_wake_in(s, SILENT_MS);
}

void delegate_update_abort(struct delegate_session *s)
{
	struct z2m_request request = {
		.key = s->key,
		.transaction = s->ordered[0] ? s->ordered : s->ours,
	};

	/* It has all: the device installs it, whoever wants it or not. */
	if (s->progress_bp == DELEGATE_DONE_BP)
		return;
	s->phase = DELEGATE_ABORTING;
	s->aborts = true;
	if (s->delegate->reach != DELEGATE_UP) {
		delegate_session_wake_in(s, LOST_MS);
		return;
	}
	delegate_session_wake_in(s, ABORT_MS);
	if (delegate_request(s->delegate, "update/abort", &request))
		log_warn("delegate", "update cannot be aborted", "peer=%s",
			s->key);
}

void delegate_update_found(struct delegate_session *s)
{
	if (!delegate_session_is_update(s)) {
		/* Not waited for: a job may want to follow what goes on. */
		delegate_session_fail(s, ENGINE_FAILED, -EBUSY, "query", "");
		return;
	}
	if (!s->published && s->setup.reached < ENGINE_STAGE_TRANSFER) {
		if (s->withdrawn)
			delegate_session_end(s, ENGINE_WITHDRAWN, NULL);
		else
			delegate_ask_later(s, ENGINE_WAIT_TURN, BUSY_AGAIN_MS);
		return;
	}
	if (!s->published)
		log_info("delegate", "update is under way and is followed",
			"peer=%s job=%llu", s->key,
			(unsigned long long)s->setup.job);
	s->published = true;
	s->phase = DELEGATE_UPDATING;
	delegate_let_next_ask(s->delegate);
	delegate_session_wait(s, ENGINE_WAIT_NONE, 0);
	delegate_session_wake_in(s, BUSY_AGAIN_MS);
	if (s->withdrawn) {
		delegate_update_abort(s);
		return;
	}
	/* What is under way cannot be held: go() has nothing to do. */
	s->setup.events->on_stage(s->setup.arg, ENGINE_STAGE_TRANSFER,
		&s->facts);
}

/* Its device may have told already that it runs the image. */
static void hashed_again(struct delegate_session *s, int status)
{
	if (status)
		delegate_session_fail(s, ENGINE_FAILED, status, "hand-over",
			"");
	else if (delegate_session_runs_image(s))
		delegate_session_end(s, ENGINE_DONE, NULL);
	else
		delegate_ask_proof(s);
}

static void copied(struct delegate_session *s, int status)
{
	if (delegate_session_goes_on(s, status))
		order(s);
}

void delegate_update_checked(void *arg, int status)
{
	struct delegate_session *s = arg;

	if (delegate_session_is_idle(s))
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
	if (delegate_session_is_idle(s))
		return;
	s->progress_bp = DELEGATE_DONE_BP;
	s->phase = DELEGATE_REHASHING;
	uv_timer_stop(&s->timer);
	handover_check(s->handover);
}

static void gave_up(struct delegate_session *s, const struct z2m_response *r)
{
	if (s->withdrawn || delegate_says(r, "was aborted"))
		delegate_session_end(s, ENGINE_WITHDRAWN, NULL);
	else if (delegate_says(r, "No image currently available"))
		delegate_session_fail(s, ENGINE_FAILED,
			ERR_DELEGATE_REFUSED, "hand-over", r->error);
	else
		delegate_session_fail(s, ENGINE_FAILED, ERR_DELEGATE_FAILED,
			"upload", r->error);
}

void delegate_update_look(struct delegate_session *s)
{
	s->looks = true;
	s->unheard++;
	delegate_ask_now(s);
}

/* The update was under way and is not any more; how it ended was said while
 * nobody listened, or to nobody. The device tells. One that has `told` that it
 * runs what it ran is given it again. */
static void ended_unheard(struct delegate_session *s, bool told)
{
	if (delegate_session_runs_image(s)) {
		finished(s);
		return;
	}
	if (!s->withdrawn && s->progress_bp < DELEGATE_DONE_BP &&
			s->again++ < AGAIN_MAX) {
		/* One that waits for its next block hears nothing else. */
		if (told)
			delegate_update_offer(s);
		else
			delegate_update_look(s);
		return;
	}
	delegate_session_fail(s,
		s->withdrawn ? ENGINE_WITHDRAWN : ENGINE_FAILED,
		ERR_DELEGATE_FAILED, "upload",
		"the update ended without an answer");
}

void delegate_update_response(struct delegate_session *s,
	const struct z2m_response *r)
{
	if (s->phase != DELEGATE_UPDATING && s->phase != DELEGATE_ABORTING)
		return;
	if (r->ok)
		finished(s);
	else if (!delegate_says(r, DELEGATE_SAYS_BUSY))
		gave_up(s, r);
	/* The order came twice, after the connection was lost, or in the middle
	 * of a question of the device: what goes on is looked at. */
	else if (s->phase == DELEGATE_UPDATING)
		delegate_session_wake_in(s, BUSY_AGAIN_MS);
}

void delegate_update_looked(struct delegate_session *s,
	const struct z2m_response *r)
{
	s->looks = false;
	s->unheard = 0;
	if (delegate_says(r, DELEGATE_SAYS_BUSY)) {
		delegate_session_wake_in(s, SILENT_MS);
		return;
	}
	if (r->ok && s->has_installed)
		delegate_session_take_version(s);
	if (!delegate_session_is_idle(s))
		ended_unheard(s, r->ok && s->has_installed);
}

void delegate_update_progress(struct delegate_session *s,
	const struct z2m_update *u)
{
	s->unheard = 0;
	delegate_session_wake_in(s, SILENT_MS);
	if (!u->has_progress)
		return;
	s->progress_bp = u->progress_bp;
	if (s->setup.events->on_progress)
		s->setup.events->on_progress(s->setup.arg,
			delegate_session_bytes(s), s->image.len);
}

void delegate_update_silent(struct delegate_session *s)
{
	if (s->delegate->reach == DELEGATE_UP && s->unheard < UNHEARD_MAX)
		delegate_update_look(s);
	else
		delegate_session_fail(s, ENGINE_FAILED, ERR_DELEGATE_AWAY,
			"upload", "");
}

void delegate_update_lost(struct delegate_session *s)
{
	if (s->phase == DELEGATE_UPDATING || s->aborts)
		delegate_session_wake_in(s, LOST_MS);
}
