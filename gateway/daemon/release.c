#include "gateway/daemon/release_priv.h"

#include "base/log.h"
#include "gateway/daemon/release_open.h"

#define RETRY_FIRST_MS 2000u
#define RETRY_MAX_MS 900000u

static const char *const state_names[] = {"listed", "fetching", "fetching",
	"fetching", "verified", "refused", "failed", "refused"};

const char *release_state_name(enum release_state state)
{
	return state_names[state];
}

/* Whether what is known of it was said by the root and the catalog in force. */
bool release_is_of_today(const struct release *r, const struct vendor *v)
{
	const struct catalog *catalog = vendor_catalog(v);

	return catalog && !memcmp(r->root, v->trust.root->sha256, 32) &&
		!memcmp(r->catalog, catalog->sha256, 32) &&
		r->revoked == evidence_revoked_count(v->evidence.signers);
}

/* Whether the verdict still stands: nothing that it rests on has changed or run
 * out. */
static bool is_fresh(const struct release *r, const struct vendor *v)
{
	struct trust_clock clock = gateway_clock(r->gateway);

	return release_is_of_today(r, v) && !trust_now_expired(
		trust_now(&v->trust.time, &clock), r->good_until);
}

void release_stamp(struct release *r, const struct vendor *v)
{
	const struct catalog *catalog = vendor_catalog(v);

	memcpy(r->root, v->trust.root->sha256, 32);
	if (catalog)
		memcpy(r->catalog, catalog->sha256, 32);
	r->revoked = evidence_revoked_count(v->evidence.signers);
	r->good_until = UINT64_MAX;
}

void release_use(struct release *r)
{
	r->users++;
}

void release_unuse(struct release *r)
{
	if (--r->users == 0)
		release_forget_opened(r);
}

void release_settle(struct release *r, enum release_state state, int code)
{
	r->state = state;
	r->code = code;
	r->request = 0;
	if (state == RELEASE_VERIFIED) {
		r->failures = 0;
		log_info("release", "verified", "class=%s version=%s "
			"sequence=%llu bytes=%llu", r->class_name, r->version,
			(unsigned long long)r->sequence,
			(unsigned long long)r->payload_len);
	} else if (state == RELEASE_REFUSED || state == RELEASE_UNPROVED) {
		log_warn("release", state == RELEASE_REFUSED ?
			"refused, will not be installed" :
			"waits for evidence of revocation",
			"class=%s version=%s code=%s", r->class_name,
			r->version, err_name(code));
	}
	/* Another one that still has no room says so at its next try. */
	if (state == RELEASE_VERIFIED || state == RELEASE_REFUSED)
		gateway_alarm_clear(r->gateway, "cache");
	news_release(&r->gateway->news, r);
	gateway_replan(r->gateway);
}

static void tell_no_room(struct release *r, int code)
{
	if (code == ERR_STORE_QUOTA || code == ERR_STORE_FULL)
		gateway_alarm(r->gateway, "cache", "raise cache.quota_mb, or "
			"let jobs end", "version %s for class %s does not fit "
			"into the cache", r->version, r->class_name);
	else if (code == -ENOSPC || code == -EDQUOT || code == -EROFS)
		gateway_alarm(r->gateway, "cache", "make room in the state "
			"folder", "version %s for class %s cannot be stored: "
			"%s", r->version, r->class_name, err_text(code));
}

void release_failed(struct release *r, int code)
{
	uint64_t wait = RETRY_FIRST_MS;

	for (unsigned i = 0; i < r->failures && wait < RETRY_MAX_MS; i++)
		wait *= 2;
	r->failures++;
	r->retry_ms = gateway_wall_ms() +
		(int64_t)(wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
	log_warn("release", "fetch failed, will be repeated",
		"class=%s version=%s code=%s wait_ms=%llu", r->class_name,
		r->version, err_name(code), (unsigned long long)wait);
	tell_no_room(r, code);
	release_settle(r, RELEASE_FAILED, code);
}

/* Root or catalog changed, or the verdict ran out. */
void release_begin_again(struct release *r, const struct vendor *v)
{
	const struct config_class *c = gateway_class(r->gateway,
		r->class_name);
	const struct catalog_entry *entry = c ? release_entry(v, &c->device,
		r->component, r->manifest) : NULL;

	release_stamp(r, v);
	r->looked = false;
	if (!entry || entry->withdrawn)
		release_settle(r, RELEASE_REFUSED, ERR_TRUST_OFFER_UNLISTED);
	else if (release_fill(r, entry))
		release_settle(r, RELEASE_REFUSED, ERR_RELEASE_IMAGES);
	else
		release_settle(r, RELEASE_LISTED, 0);
}

void release_advance(struct release *r)
{
	const struct vendor *v = vendor_find(r->gateway, r->vendor);

	if (r->closing || r->request || r->work || (!r->users && !r->watched))
		return;
	/* Judging has to wait for the end of the round, which wakes us. */
	if (!v || !vendor_may_judge(v))
		return;
	if (!is_fresh(r, v)) {
		release_begin_again(r, v);
		return;
	}
	/* A clock that was set back must not make the wait endless. */
	if (r->retry_ms > gateway_wall_ms() + RETRY_MAX_MS)
		r->retry_ms = gateway_wall_ms() + RETRY_MAX_MS;
	if (r->state == RELEASE_FAILED && gateway_wall_ms() < r->retry_ms) {
		gateway_wake_at(r->gateway,
			(uint64_t)(r->retry_ms - gateway_wall_ms()));
		return;
	}
	if (r->state != RELEASE_LISTED && r->state != RELEASE_FAILED)
		return;
	if (!r->users && r->looked)
		return;
	r->state = RELEASE_ENVELOPE;
	r->fault = (struct fault){0};
	release_get_envelope(r);
}

void release_rotten(struct release *r)
{
	bool verified = r->state == RELEASE_VERIFIED;

	release_forget_opened(r);
	if (verified)
		release_settle(r, RELEASE_LISTED, 0);
}

void release_recheck(struct vendor *v)
{
	if (!vendor_may_judge(v))
		return;
	for (struct release *r = v->gateway->releases; r; r = r->next) {
		if (strcmp(r->vendor, v->name) || r->work || r->request ||
				r->closing || release_is_of_today(r, v))
			continue;
		/* One that is not needed now is judged when it is. */
		if (r->state != RELEASE_VERIFIED || r->users || r->watched)
			release_begin_again(r, v);
	}
}

void release_evidence(struct vendor *v, bool revoked)
{
	uint64_t generation = evidence_generation(v->evidence.signers);

	for (struct release *r = v->gateway->releases; r; r = r->next)
		if (!strcmp(r->vendor, v->name) &&
				r->state == RELEASE_UNPROVED &&
				r->generation < generation)
			release_settle(r, RELEASE_LISTED, 0);
	if (revoked)
		release_recheck(v);
}

void release_lower(struct release *r)
{
	r->below_floor = true;
	if (r->state == RELEASE_REFUSED)
		release_settle(r, RELEASE_LISTED, 0);
}

int release_is_good(const struct release *r)
{
	const struct vendor *v = vendor_find(r->gateway, r->vendor);

	if (!v)
		return -ENOENT;
	if (v->trust.catalog_code == ERR_TRUST_REVOKED)
		return ERR_TRUST_REVOKED;
	if (!vendor_catalog(v))
		return -EAGAIN;
	if (r->state == RELEASE_REFUSED && release_is_of_today(r, v))
		return r->code;
	return r->state == RELEASE_VERIFIED && is_fresh(r, v) ? 0 : -EAGAIN;
}

/* ---- end ---- */

void release_close_all(struct gateway *g)
{
	for (struct release *r = g->releases; r; r = r->next) {
		struct vendor *v = vendor_find(g, r->vendor);

		r->closing = true;
		if (r->opening)
			opening_cancel(r->opening);
		if (v && v->link && r->request && r->request != UINT64_MAX)
			vendor_link_cancel(v->link, r->request);
		release_judge_cancel(r);
	}
}

bool release_all_closed(const struct gateway *g)
{
	for (const struct release *r = g->releases; r; r = r->next)
		if (r->work || r->request)
			return false;
	return true;
}
