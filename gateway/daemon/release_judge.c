/* Judging a release on the pool, before its image is there and with it. */
#include "gateway/daemon/release_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "gateway/daemon/long_digest.h"
#include "gateway/daemon/release_open.h"
#include "policy/trust/component.h"

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

static void judge(uv_work_t *req)
{
	struct release_work *w = req->data;

	w->code = trust_judge(&w->vendor->trust, &w->clock, &w->request,
		&w->verdict, &w->plan);
}

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
	release_settle(r, RELEASE_LISTED, 0);
}

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
		release_judge_whole(r);
		return;
	}
	if (!status) {
		/* Nobody waits for it any more. */
		release_forget_opened(r);
		release_settle(r, RELEASE_LISTED, 0);
		return;
	}
	r->fault = *fault;
	verdict_add_code(&r->verdict, "image-opened", status, STEP_CHECK,
		fault, "%s", "");
	if (status > -5000 || err_class(status) == ERR_CLASS_TRANSIENT)
		release_failed(r, status);
	else
		release_settle(r, RELEASE_REFUSED, status);
}

static void open_image(struct release *r, const struct release_work *w)
{
	int err = release_open(r, w->vendor->config, &w->plan.images[0],
		on_opened);

	if (err == -ENOMEM)
		release_failed(r, err);
	else if (err)
		release_settle(r, RELEASE_REFUSED, err);
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
		release_settle(r, RELEASE_LISTED, 0);
	else if (!accepted)
		release_settle(r, vendor_evidence_may_come(code) ? RELEASE_UNPROVED :
			RELEASE_REFUSED, code);
	else if (w->with_payload)
		release_settle(r, RELEASE_VERIFIED, 0);
	else if (!r->users)
		look_ends(r);
	else
		release_fetch_payload(r);
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
void release_judge(struct release *r, struct bytes envelope,
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
	if (!err && !release_is_of_today(r, v)) {
		/* The catalog changed during the fetch. */
		vendor_judge_end(v);
		release_begin_again(r, v);
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
			release_failed(r, -ENOMEM);
		else
			release_settle(r, RELEASE_REFUSED, ERR_TRUST_OFFER_UNLISTED);
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

void release_judge_cancel(struct release *r)
{
	if (r->work)
		uv_cancel((uv_req_t *)&r->work->req);
}

/* ---- with the image ---- */

static void on_envelope_again(void *arg, int status, struct bytes bytes)
{
	struct release *r = arg;

	r->request = 0;
	if (r->closing)
		gateway_wake(r->gateway);
	else if (status)
		release_failed(r, status);
	else
		release_judge(r, bytes, true);
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
		release_failed(r, status);
		return;
	}
	memcpy(r->long_digest, digest, crypto_hash_len(r->image_hash));
	r->has_long_digest = true;
	release_judge_whole(r);
}

/* The image is whole and hashed by this process: judge all of it. */
void release_judge_whole(struct release *r)
{
	bool needs_digest = r->image_hash != CRYPTO_SHA256 &&
		!r->has_long_digest;
	int err = needs_digest ? long_digest_start(r->gateway->cache,
		r->payload, r->payload_len, r->image_hash, on_long_digest, r) :
		cache_load(r->gateway->cache, r->envelope, SUIT_ENVELOPE_MAX,
		on_envelope_again, r);

	if (err)
		release_failed(r, err);
	else
		r->request = UINT64_MAX;
}
