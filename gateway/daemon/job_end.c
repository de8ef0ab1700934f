/* What becomes of a job whose session has ended. */
#include "gateway/daemon/job_priv.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "gateway/daemon/ledger.h"
#include "policy/gates/retry.h"

#define ABSENT_MS 5000
#define ABSENCES_MAX 6 /* then every 320 s: each try is written to flash */

void job_wait_retry(struct job *j, int code)
{
	const struct config *config = j->gateway->config;
	struct retry_rule rule = {
		.first_s = (uint32_t)config->retry.first_s,
		.cap_s = (uint32_t)config->retry.max_s,
		.budget = (unsigned)config->retry.budget,
	};
	uint32_t random = 0;
	uint64_t wait_s = 0;

	uv_random(NULL, NULL, &random, sizeof(random), 0, NULL);
	job_note_failure(j, code, 0, NULL);
	if (retry_delay(&rule, (unsigned)j->row.attempts, random, &wait_s)) {
		/* Told to restart and never heard again: nothing more is sent to
		 * it, of whatever release, until a person has looked. */
		bool lost = job_is_past_return(j);

		snprintf(j->row.failure.hint, sizeof(j->row.failure.hint),
			lost ? "it never came back from its restart; look at "
			"the device, then ferryctl retry" :
			"all %u attempts are used up; ferryctl retry begins "
			"anew", rule.budget);
		job_enter(j, lost ? JOB_QUARANTINED : JOB_FAILED, NULL);
		return;
	}
	j->row.next_retry_ms = gateway_wall_ms() + (int64_t)wait_s * 1000;
	log_warn("job", "attempt failed, will be repeated",
		"job=%llu device=%s code=%s offset=%llu attempt=%d wait_s=%llu",
		(unsigned long long)j->row.id, j->row.device, err_name(code),
		(unsigned long long)j->offset, j->row.attempts,
		(unsigned long long)wait_s);
	job_enter(j, JOB_WAITING, NULL);
}

void job_carry_out_wish(struct job *j)
{
	enum job_wish wish = j->wish;

	j->wish = JOB_WISH_NONE;
	switch (wish) {
	case JOB_WISH_PAUSE:
		job_enter(j, JOB_PAUSED, NULL);
		return;
	case JOB_WISH_CANCEL:
		job_enter(j, JOB_CANCELLED, NULL);
		return;
	case JOB_WISH_SUPERSEDE:
		job_enter(j, JOB_SUPERSEDED, NULL);
		return;
	case JOB_WISH_REFUSE:
		job_fail(j, j->wish_code, j->wish_step, j->wish_code ==
			ERR_JOB_TIER ? "the link or a missing approval keeps a "
			"step below the tier that the class requires" :
			"the release is no longer good; nothing was activated");
		return;
	case JOB_WISH_NONE:
		/* Resumed before the engine had stopped. */
		job_enter(j, JOB_QUEUED, NULL);
		return;
	}
}

/* Who is stopped has not failed: the attempt does not count. */
void job_withdrawn(struct job *j)
{
	j->row.attempts -= j->row.attempts > 0 &&
		(j->wish == JOB_WISH_PAUSE || j->wish == JOB_WISH_NONE);
	job_carry_out_wish(j);
}

static bool image_is_rotten(int code)
{
	return code == ERR_STORE_ROTTEN_BLOB || code == ERR_STORE_ROTTEN_TABLE ||
		code == ERR_STORE_UNVERIFIED || code == ERR_STORE_DIGEST;
}

void job_attempt_failed(struct job *j)
{
	int code = j->has_failure ? j->failure.code : -EIO;

	if (image_is_rotten(code) && j->release) {
		/* Nothing of it was sent; the image is fetched again. */
		j->row.attempts--;
		release_rotten(j->release);
		job_note_failure(j, code, STEP_CHECK,
			"the image is fetched again");
		job_enter(j, JOB_WAITING, NULL);
		return;
	}
	if (code == ERR_JOB_NO_LINK) {
		/* It was not there: no attempt was made. */
		j->row.attempts--;
		job_note_failure(j, code, 0, "connect the device");
		j->row.next_retry_ms = gateway_wall_ms() +
			((int64_t)ABSENT_MS << j->absences);
		j->absences += j->absences < ABSENCES_MAX;
		job_enter(j, JOB_WAITING, NULL);
		return;
	}
	if (j->wish != JOB_WISH_NONE && !job_is_past_return(j)) {
		job_withdrawn(j);
		return;
	}
	if (err_class(code) == ERR_CLASS_TRANSIENT)
		job_wait_retry(j, code);
	else
		job_fail(j, code, 0, NULL);
}

static void done(struct job *j)
{
	unsigned step = ledger_shortfall(j);

	j->row.failure = (struct job_failure){0};
	if (j->facts_known && j->facts.hash_len) {
		memcpy(j->row.staged_hash, j->facts.hash,
			sizeof(j->row.staged_hash));
		j->row.staged_len = j->facts.hash_len;
	}
	if (step == 0) {
		job_enter(j, JOB_DONE, NULL);
		return;
	}
	j->has_failure = false;
	job_note_failure(j, ERR_JOB_TIER, step, NULL);
	snprintf(j->row.failure.hint, sizeof(j->row.failure.hint),
		"step %s did not reach the tier that the class requires",
		step_name(step));
	job_enter(j, JOB_UNVERIFIED, NULL);
}

/* What was transferred stays on the device: the next attempt goes on. */
static void too_slow(struct job *j)
{
	j->too_slow = false;
	j->has_failure = true;
	j->failure = (struct engine_failure){
		.code = ERR_JOB_TRANSFER_LIMIT,
		.step = "upload",
		.offset = j->offset,
		.hint = "raise transfer_limit_s of the class, or look at the "
			"link",
	};
	job_attempt_failed(j);
}

void job_take_result(struct job *j)
{
	struct device *d = child_device(j->child);

	j->has_result = false;
	job_end_session(j);
	if (d && j->facts_known) {
		registry_take_facts(d, &j->facts, gateway_wall_ms() / 1000);
		j->child->read_this_run = true;
		news_device(&j->gateway->news, d);
	}
	switch (j->outcome) {
	case ENGINE_DONE:
		done(j);
		return;
	case ENGINE_UNVERIFIED:
		job_note_failure(j, j->has_failure ? j->failure.code :
			ERR_JOB_NOT_PROVED, STEP_REVERIFY,
			"read the version another way");
		job_enter(j, JOB_UNVERIFIED, NULL);
		return;
	case ENGINE_FAILED:
		job_attempt_failed(j);
		return;
	case ENGINE_WITHDRAWN:
		if (j->too_slow && j->wish == JOB_WISH_NONE)
			too_slow(j);
		else
			job_withdrawn(j);
		return;
	}
}
