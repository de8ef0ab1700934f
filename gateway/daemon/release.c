#include "gateway/daemon/release.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/daemon/long_digest.h"
#include "gateway/daemon/ledger.h"
#include "gateway/daemon/release_open.h"
#include "gateway/daemon/release_priv.h"
#include "policy/trust/component.h"

#define RETRY_FIRST_MS 2000u
#define RETRY_MAX_MS 900000u

/* One judgement on the pool. */
struct release_work {
	uv_work_t req;
	struct release *release;
	struct vendor *vendor;
	uint8_t envelope[SUIT_ENVELOPE_MAX];
	size_t len;
	uint8_t vendor_id[16], class_id[16];
	uint8_t components[CLASS_COMPONENTS_MAX][COMPONENT_LEN_MAX];
	struct suit_slot slots[CLASS_COMPONENTS_MAX];
	unsigned slot_count;
	bool with_payload;
	struct offer_payload payload;
	uint8_t long_digest[CRYPTO_HASH_MAX];
	struct offer_payload opened;
	struct offer_request request;
	struct signer_demand demand;
	struct trust_clock clock;
	struct revocation_view *revocation;
	struct revocation_needs needs;
	uint64_t generation; /* of the evidence */
	struct verdict verdict;
	struct offer_plan plan;
	int code;
};

static const char *const state_names[] = {"listed", "fetching", "fetching",
	"fetching", "verified", "refused", "failed", "refused"};

const char *release_state_name(enum release_state state)
{
	return state_names[state];
}

/* Whether what is known of it was said by the root and the catalog in force. */
static bool is_of_today(const struct release *r, const struct vendor *v)
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

	return is_of_today(r, v) && !trust_now_expired(
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

static void settle(struct release *r, enum release_state state, int code)
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

static void failed(struct release *r, int code)
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
	settle(r, RELEASE_FAILED, code);
}

/* Root or catalog changed, or the verdict ran out. */
static void begin_again(struct release *r, const struct vendor *v)
{
	const struct config_class *c = gateway_class(r->gateway,
		r->class_name);
	const struct catalog_entry *entry = c ? release_entry(v, &c->device,
		r->component, r->manifest) : NULL;

	release_stamp(r, v);
	r->looked = false;
	if (!entry || entry->withdrawn)
		settle(r, RELEASE_REFUSED, ERR_TRUST_OFFER_UNLISTED);
	else if (release_fill(r, entry))
		settle(r, RELEASE_REFUSED, ERR_RELEASE_IMAGES);
	else
		settle(r, RELEASE_LISTED, 0);
}

/* ---- judging ---- */

static void judge(uv_work_t *req)
{
	struct release_work *w = req->data;

	w->code = trust_judge(&w->vendor->trust, &w->clock, &w->request,
		&w->verdict, &w->plan);
}

static void fetch_payload(struct release *r);

/* The second at which the verdict has to be made again. */
static uint64_t good_until(const struct offer_plan *plan)
{
	uint64_t until = plan->signer_not_after;

	if (until < UINT64_MAX)
		until++;
	if (plan->outcome.use_before_seen && plan->outcome.use_before < until)
		until = plan->outcome.use_before;
	return until;
}

/* The manifest decides what the image is; the catalog said the same, or the
 * verdict would have refused. */
static int take_plan(struct release *r, const struct release_work *w)
{
	const struct offer_image *image = &w->plan.images[0];

	if (w->plan.image_count != 1 || image->payload != 0)
		return ERR_RELEASE_IMAGES;
	if (!r->opened) {
		memcpy(r->image, r->payload, 32);
		r->image_len = r->payload_len;
	}
	r->slot = image->slot;
	r->image_hash = image->encryption.at ? CRYPTO_SHA256 :
		image->digest.hash;
	r->needs_authorization = w->plan.outcome.needs_authorization;
	r->good_until = good_until(&w->plan);
	return 0;
}

/* Nobody wants to install it. */
static void look_ends(struct release *r)
{
	r->looked = true;
	settle(r, RELEASE_LISTED, 0);
}

static void judge_whole(struct release *r);

static void on_opened(void *arg, int status, const struct fault *fault)
{
	struct release *r = arg;

	r->request = 0;
	r->opening = NULL;
	if (r->closing) {
		gateway_wake(r->gateway);
		return;
	}
	if (!status)
		status = release_keep_opened(r);
	if (!status && r->users) {
		judge_whole(r);
		return;
	}
	if (!status) {
		/* Nobody waits for it any more. */
		release_forget_opened(r);
		settle(r, RELEASE_LISTED, 0);
		return;
	}
	r->fault = *fault;
	verdict_add_code(&r->verdict, "image-opened", status, STEP_CHECK,
		fault, "%s", "");
	if (status > -5000 || err_class(status) == ERR_CLASS_TRANSIENT)
		failed(r, status);
	else
		settle(r, RELEASE_REFUSED, status);
}

static void open_image(struct release *r, const struct release_work *w)
{
	int err = release_open(r, w->vendor->config, &w->plan.images[0],
		on_opened);

	if (err == -ENOMEM)
		failed(r, err);
	else if (err)
		settle(r, RELEASE_REFUSED, err);
	else
		r->request = UINT64_MAX;
}

/* It may lack what has come since the snapshot that it was judged by: nobody
 * wakes it for that any more. */
static bool is_outdated(const struct release_work *w)
{
	return vendor_evidence_may_come(w->code) &&
		vendor_evidence_settled_since(w->vendor, w->generation);
}

static void on_judged(uv_work_t *req, int status)
{
	struct release_work *w = req->data;
	struct release *r = w->release;
	bool accepted = !status && verdict_accepts(&w->verdict,
		w->with_payload);
	/* What has just run out is waited for, and what has just come is judged
	 * by: neither is a fault of the release. */
	bool waits = !accepted && (vendor_state(w->vendor) || is_outdated(w));
	int code = status ? status : w->code;

	r->work = NULL;
	r->generation = w->generation;
	if (!status && !r->closing)
		vendor_evidence_want(w->vendor, &w->needs);
	if (accepted)
		trust_note(&w->vendor->trust, w->plan.signed_time);
	evidence_snapshot_free(w->revocation);
	vendor_judge_end(w->vendor);
	if (r->closing) {
		free(w);
		gateway_wake(r->gateway);
		return;
	}
	r->verdict = w->verdict;
	if (!status && !waits && w->with_payload &&
			release_has_to_open(r, &w->verdict, &w->plan)) {
		open_image(r, w);
		free(w);
		return;
	}
	if (accepted) {
		code = take_plan(r, w);
		accepted = code == 0;
	} else if (!code) {
		code = ERR_TRUST_OFFER_INCOMPLETE;
	}
	if (waits)
		settle(r, RELEASE_LISTED, 0);
	else if (!accepted)
		settle(r, vendor_evidence_may_come(code) ? RELEASE_UNPROVED :
			RELEASE_REFUSED, code);
	else if (w->with_payload)
		settle(r, RELEASE_VERIFIED, 0);
	else if (!r->users)
		look_ends(r);
	else
		fetch_payload(r);
	free(w);
}

static void put_slots(struct release_work *w, const struct device_class *klass)
{
	for (unsigned i = 0; i < klass->component_count; i++) {
		size_t len = 0;

		if (component_from_text(klass->components[i].id,
				w->components[w->slot_count], &len))
			continue;
		w->slots[w->slot_count].component = bytes_of(
			w->components[w->slot_count], len);
		w->slots[w->slot_count].slot = klass->components[i].slot;
		w->slot_count++;
	}
}

static void fill_request(struct release_work *w, const struct release *r,
	const struct device_class *klass, const struct catalog_entry *entry)
{
	w->request = (struct offer_request){
		.envelope = bytes_of(w->envelope, w->len),
		.entry = entry,
		.facts = {
			.vendor_id = bytes_of(w->vendor_id, 16),
			.class_id = bytes_of(w->class_id, 16),
			.slots = w->slots,
			.slot_count = w->slot_count,
		},
		.hardware_known = entry->has_hardware,
		.hardware = entry->hardware_min,
		.floor_known = true,
		.floor = release_class_floor(r, klass, entry),
		.demand = &w->demand,
		.revocation = w->revocation,
		.needs = &w->needs,
		.payloads = w->with_payload ? &w->payload : NULL,
		.payload_count = w->with_payload ? 1 : 0,
		.encrypted = release_encrypted(r),
		.opened = r->opened ? &w->opened : NULL,
		.opened_count = r->opened ? 1 : 0,
	};
	memcpy(w->opened.sha256, r->image, 32);
	w->opened.len = r->image_len;
}

static void put_long_digest(struct release_work *w, const struct release *r)
{
	if (!r->has_long_digest)
		return;
	memcpy(w->long_digest, r->long_digest, sizeof(w->long_digest));
	if (r->image_hash == CRYPTO_SHA384)
		w->payload.sha384 = w->long_digest;
	else
		w->payload.sha512 = w->long_digest;
}

/* Takes the judgement over; the work belongs to the pool afterwards. */
static void start_judging(struct release *r, struct bytes envelope,
	bool with_payload)
{
	struct vendor *v = vendor_find(r->gateway, r->vendor);
	const struct config_class *c = gateway_class(r->gateway,
		r->class_name);
	const struct catalog_entry *entry = NULL;
	struct release_work *w;
	int err = v && c ? vendor_judge_begin(v) : -ENOENT;

	if (err == -EAGAIN) {
		/* Asked again when the round of questions has ended. */
		r->state = RELEASE_LISTED;
		return;
	}
	if (!err && !is_of_today(r, v)) {
		/* The catalog changed during the fetch. */
		vendor_judge_end(v);
		begin_again(r, v);
		return;
	}
	if (!err)
		entry = release_entry(v, &c->device, r->component,
			r->manifest);
	w = err || !entry || envelope.len > SUIT_ENVELOPE_MAX ? NULL :
		calloc(1, sizeof(*w));
	if (!w) {
		if (!err)
			vendor_judge_end(v);
		if (entry)
			failed(r, -ENOMEM);
		else
			settle(r, RELEASE_REFUSED, ERR_TRUST_OFFER_UNLISTED);
		return;
	}
	*w = (struct release_work){
		.release = r,
		.vendor = v,
		.len = envelope.len,
		.with_payload = with_payload,
		.clock = gateway_clock(r->gateway),
		.payload = {.len = r->payload_len},
		.demand = c->demand,
		.revocation = evidence_snapshot(v->evidence.signers),
		.generation = evidence_generation(v->evidence.signers),
	};
	w->req.data = w;
	memcpy(w->envelope, envelope.at, envelope.len);
	memcpy(w->vendor_id, c->device.vendor_id, 16);
	memcpy(w->class_id, c->device.class_id, 16);
	memcpy(w->payload.sha256, r->payload, 32);
	put_long_digest(w, r);
	put_slots(w, &c->device);
	fill_request(w, r, &c->device, entry);
	r->state = RELEASE_JUDGING;
	r->work = w;
	uv_queue_work(r->gateway->loop, &w->req, judge, on_judged);
}

/* ---- payload ---- */

static void on_envelope_again(void *arg, int status, struct bytes bytes)
{
	struct release *r = arg;

	r->request = 0;
	if (r->closing)
		gateway_wake(r->gateway);
	else if (status)
		failed(r, status);
	else
		start_judging(r, bytes, true);
}

static void on_long_digest(void *arg, int status, const uint8_t *digest)
{
	struct release *r = arg;

	r->request = 0;
	if (r->closing) {
		gateway_wake(r->gateway);
		return;
	}
	if (status) {
		failed(r, status);
		return;
	}
	memcpy(r->long_digest, digest, crypto_hash_len(r->image_hash));
	r->has_long_digest = true;
	judge_whole(r);
}

/* The image is whole and hashed by this process: judge all of it. */
static void judge_whole(struct release *r)
{
	bool needs_digest = r->image_hash != CRYPTO_SHA256 &&
		!r->has_long_digest;
	int err = needs_digest ? long_digest_start(r->gateway->cache,
		r->payload, r->payload_len, r->image_hash, on_long_digest, r) :
		cache_load(r->gateway->cache, r->envelope, SUIT_ENVELOPE_MAX,
		on_envelope_again, r);

	if (err)
		failed(r, err);
	else
		r->request = UINT64_MAX;
}

static void on_sealed(void *arg, int status)
{
	struct release *r = arg;

	r->request = 0;
	if (r->closing) {
		gateway_wake(r->gateway);
		return;
	}
	if (status)
		failed(r, status);
	else
		judge_whole(r);
}

static int on_payload_start(void *arg, uint64_t from, const char *etag)
{
	struct release *r = arg;

	if (!r->part)
		return -ECANCELED;
	if (from == 0 && cache_part_offset(r->part) > 0)
		cache_part_restart(r->part);
	else if (from != cache_part_offset(r->part))
		return -EINVAL;
	cache_part_note_etag(r->part, etag);
	return 0;
}

/* Also on a bad status: the next bytes then meet the error, which ends the
 * fetch so that it can be tried again. */
static void on_drained(void *arg, int status)
{
	struct release *r = arg;
	struct vendor *v = vendor_find(r->gateway, r->vendor);

	(void)status;
	if (v && v->link && r->request)
		vendor_link_resume(v->link, r->request);
}

static int on_payload_bytes(void *arg, struct bytes part)
{
	struct release *r = arg;
	struct vendor *v = vendor_find(r->gateway, r->vendor);
	int err = r->part ? cache_part_append(r->part, part) : -ECANCELED;

	if (err < 0)
		return err;
	r->fetched_bytes += part.len;
	r->have_bytes = cache_part_offset(r->part);
	if (v)
		v->fetched_bytes += part.len;
	if (err == 1 && v)
		vendor_link_pause(v->link, r->request);
	return 0;
}

static void on_payload_done(void *arg, int status,
	const struct vendor_answer *answer)
{
	struct release *r = arg;
	struct cache_part *part = r->part;

	r->request = 0;
	r->part = NULL;
	if (status || r->closing) {
		cache_part_close(part);
		if (r->closing) {
			gateway_wake(r->gateway);
			return;
		}
		if (answer && answer->fault)
			r->fault = *answer->fault;
		failed(r, status);
		return;
	}
	ledger_note_carrier(r);
	r->request = UINT64_MAX;
	cache_part_seal(part, on_sealed, r);
}

static void on_part(void *arg, int status, struct cache_part *part)
{
	struct release *r = arg;
	struct vendor *v = vendor_find(r->gateway, r->vendor);
	struct vendor_payload_spec spec = {
		.uri = r->payload_path,
		.size = r->payload_len,
		.on_start = on_payload_start,
		.on_bytes = on_payload_bytes,
		.on_done = on_payload_done,
		.arg = r,
	};

	r->request = 0;
	if (status || r->closing || !v || !v->link) {
		if (!status)
			cache_part_close(part);
		if (r->closing)
			gateway_wake(r->gateway);
		else
			failed(r, status ? status : ERR_JOB_NO_LINK);
		return;
	}
	r->part = part;
	cache_part_on_drain(part, on_drained, r);
	spec.from = cache_part_offset(part);
	spec.etag = cache_part_etag(part);
	r->have_bytes = spec.from;
	memcpy(spec.sha256, r->payload, 32);
	if (spec.from == r->payload_len) {
		/* Everything was there before the last stop. */
		r->part = NULL;
		r->request = UINT64_MAX;
		cache_part_seal(part, on_sealed, r);
		return;
	}
	status = vendor_link_payload(v->link, &spec, &r->request);
	if (status) {
		r->part = NULL;
		cache_part_close(part);
		failed(r, status);
	}
}

static void fetch_payload(struct release *r)
{
	struct cache *cache = r->gateway->cache;
	int err = 0;

	r->state = RELEASE_PAYLOAD;
	switch (cache_find(cache, r->payload, NULL)) {
	case CACHE_READY:
		judge_whole(r);
		return;
	case CACHE_UNVERIFIED:
		err = cache_verify(cache, r->payload, on_sealed, r);
		break;
	case CACHE_LOADING:
		/* Another class's release has the same image. */
		failed(r, -EBUSY);
		return;
	case CACHE_ABSENT:
		err = cache_part_open(cache, r->payload, r->payload_len,
			on_part, r);
		break;
	}
	if (err)
		failed(r, err);
	else
		r->request = UINT64_MAX;
	news_release(&r->gateway->news, r);
}

/* ---- envelope ---- */

static void on_envelope_kept(void *arg, int status)
{
	struct release *r = arg;

	r->request = 0;
	if (r->closing)
		gateway_wake(r->gateway);
	else if (status)
		failed(r, status);
	else
		settle(r, RELEASE_LISTED, 0);
}

static void on_envelope_fetched(void *arg, int status,
	const struct vendor_answer *answer)
{
	struct release *r = arg;

	r->request = 0;
	if (r->closing) {
		gateway_wake(r->gateway);
		return;
	}
	if (!status)
		status = cache_put(r->gateway->cache, r->envelope,
			answer->content, on_envelope_kept, r);
	else
		r->fault = *answer->fault;
	if (status)
		failed(r, status);
	else
		r->request = UINT64_MAX;
}

static void fetch_envelope(struct release *r)
{
	struct vendor *v = vendor_find(r->gateway, r->vendor);
	int err = v && v->link ? vendor_link_envelope(v->link, r->envelope,
		r->envelope_len, on_envelope_fetched, r, &r->request) :
		ERR_JOB_NO_LINK;

	if (err)
		failed(r, err);
}

static void on_envelope(void *arg, int status, struct bytes bytes)
{
	struct release *r = arg;

	r->request = 0;
	if (r->closing)
		gateway_wake(r->gateway);
	else if (status == 0)
		start_judging(r, bytes, false);
	else if (status == -ENOENT || status == ERR_STORE_DIGEST)
		fetch_envelope(r);
	else
		failed(r, status);
}

void release_advance(struct release *r)
{
	const struct vendor *v = vendor_find(r->gateway, r->vendor);
	int err;

	if (r->closing || r->request || r->work || (!r->users && !r->watched))
		return;
	/* Judging has to wait for the end of the round, which wakes us. */
	if (!v || !vendor_may_judge(v))
		return;
	if (!is_fresh(r, v)) {
		begin_again(r, v);
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
	err = cache_load(r->gateway->cache, r->envelope, SUIT_ENVELOPE_MAX,
		on_envelope, r);
	if (err == -ENOENT)
		fetch_envelope(r);
	else if (err)
		failed(r, err);
	else
		r->request = UINT64_MAX;
}

void release_rotten(struct release *r)
{
	bool verified = r->state == RELEASE_VERIFIED;

	release_forget_opened(r);
	if (verified)
		settle(r, RELEASE_LISTED, 0);
}

void release_recheck(struct vendor *v)
{
	if (!vendor_may_judge(v))
		return;
	for (struct release *r = v->gateway->releases; r; r = r->next) {
		if (strcmp(r->vendor, v->name) || r->work || r->request ||
				r->closing || is_of_today(r, v))
			continue;
		/* One that is not needed now is judged when it is. */
		if (r->state != RELEASE_VERIFIED || r->users || r->watched)
			begin_again(r, v);
	}
}

void release_evidence(struct vendor *v, bool revoked)
{
	uint64_t generation = evidence_generation(v->evidence.signers);

	for (struct release *r = v->gateway->releases; r; r = r->next)
		if (!strcmp(r->vendor, v->name) &&
				r->state == RELEASE_UNPROVED &&
				r->generation < generation)
			settle(r, RELEASE_LISTED, 0);
	if (revoked)
		release_recheck(v);
}

void release_lower(struct release *r)
{
	r->below_floor = true;
	if (r->state == RELEASE_REFUSED)
		settle(r, RELEASE_LISTED, 0);
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
	if (r->state == RELEASE_REFUSED && is_of_today(r, v))
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
		if (r->work)
			uv_cancel((uv_req_t *)&r->work->req);
	}
}

bool release_all_closed(const struct gateway *g)
{
	for (const struct release *r = g->releases; r; r = r->next)
		if (r->work || r->request)
			return false;
	return true;
}
