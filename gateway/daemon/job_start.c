/* How the session of a job begins. */
#include "gateway/daemon/job_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/daemon/radio.h"

#define LOST_MS 30000

static void fill_image(const struct job *j, struct engine_image *image)
{
	const struct release *r = j->release &&
		j->release->state == RELEASE_VERIFIED ? j->release : NULL;

	*image = (struct engine_image){
		.len = r ? r->image_len : j->row.payload_len,
		.hash_len = j->expect_hash_len,
		.slot = r ? r->slot : j->slot,
	};
	memcpy(image->sha256, r ? r->image : j->row.payload_digest, 32);
	if (j->bundle) {
		image->len += bundle_prefix(j->bundle).len;
		memcpy(image->sha256, bundle_sha256(j->bundle), 32);
	}
	memcpy(image->hash, j->expect_hash, sizeof(image->hash));
	snprintf(image->version, sizeof(image->version), "%s",
		j->expect_version);
}

static int open_session(struct job *j, const struct config_class *c,
	struct fault *fault)
{
	struct engine_image image;
	struct ferry_kv kv[SESSION_CHANNEL_MAX];
	struct session_setup setup = {
		.loop = j->gateway->loop,
		.engine = engine_find(c->device.engine),
		.options = c->device.options,
		.channel = kv,
		.channel_count = child_channel(c, kv),
		.connect_ms = c->device.connect_limit_s * 1000,
		.lost_ms = LOST_MS,
		.job = j->row.id,
		.goal = ENGINE_GOAL_UPDATE,
		.reached = j->reached,
		.failed = j->row.attempts > 1 ? (unsigned)j->row.attempts - 1 :
			0,
		.return_ms = c->device.return_limit_s * 1000,
		.reset_line = c->device.reset_line,
		.image = &image,
		.cache = j->gateway->cache,
		.allow_downgrade = j->terms.allow_downgrade ||
			j->terms.allow_older,
		.events = &job_session_events,
		.arg = j,
	};
	const struct device *d = child_device(j->child);

	if (!setup.engine)
		return ERR_JOB_NO_ENGINE;
	fill_image(j, &image);
	memcpy(j->sends, j->bundle ? j->row.payload_digest : image.sha256, 32);
	if (j->bundle) {
		setup.prefix = bundle_prefix(j->bundle);
		setup.cached = j->row.payload_digest;
	}
	if (!setup.engine->network)
		return session_open(&setup, &j->session, fault);
	return d ? radio_offer(j->gateway, d, &setup, &j->session) :
		ERR_JOB_NO_LINK;
}

/* Its link went while the job was on its way to it. */
static void no_link(struct job *j)
{
	j->has_failure = true;
	j->failure = (struct engine_failure){
		.code = ERR_JOB_NO_LINK,
		.step = "connect",
	};
	job_attempt_failed(j);
}

static void connect_now(struct job *j)
{
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);
	struct fault fault = {0};
	int err;

	if (j->wish != JOB_WISH_NONE && !job_is_past_return(j)) {
		job_end_session(j);
		job_withdrawn(j);
		return;
	}
	/* Not counted any more: stopped and reloaded before the commit. */
	if (!job_is_member(j))
		job_take_slot(j);
	err = c ? open_session(j, c, &fault) : ERR_REGISTRY_NO_CLASS;
	if (err) {
		job_end_session(j);
		if (err == ERR_JOB_NO_LINK)
			no_link(j);
		else
			job_fail(j, err, STEP_DISTRIBUTE, fault.rule);
		return;
	}
	j->gateway->sessions++;
}

static void no_bundle(struct job *j, int code, const struct fault *fault)
{
	job_end_session(j);
	/* The envelope is no longer in the cache: fetched and judged again. */
	if (code == -ENOENT)
		code = ERR_STORE_ROTTEN_BLOB;
	j->has_failure = true;
	j->failure = (struct engine_failure){.code = code, .step = "envelope"};
	snprintf(j->failure.hint, sizeof(j->failure.hint), "%s%s%s",
		fault->field, fault->rule[0] ? " " : "", fault->rule);
	job_attempt_failed(j);
}

static void on_bundle(void *arg, int status, const struct fault *fault)
{
	struct job *j = arg;

	if (status) {
		no_bundle(j, status, fault);
		return;
	}
	j->mac = *bundle_hub(j->bundle);
	connect_now(j);
}

static int make_bundle(struct job *j, const struct config_class *c)
{
	const struct vendor *v = vendor_find(j->gateway, j->row.vendor);
	const struct device *d = child_device(j->child);
	const struct lasthop_device *key = NULL;
	struct bundle_setup setup = {
		.cache = j->gateway->cache,
		.loop = j->gateway->loop,
		.klass = &c->device,
		.envelope = j->release->envelope,
		.image = j->row.payload_digest,
		.image_len = j->row.payload_len,
		.on_ready = on_bundle,
		.arg = j,
	};
	int err = v && d ? device_keys_find(&v->keys, d, &key, &setup.hub) :
		ERR_LASTHOP_NO_KEY;

	if (err)
		return err;
	setup.key = bytes_of(key->key, sizeof(key->key));
	return bundle_open(&setup, &j->bundle);
}

/* One that was told to restart is only asked how it is: nothing is sent. */
static bool wants_bundle(const struct job *j, const struct config_class *c)
{
	return c && c->device.envelope == CLASS_ENVELOPE_INTEGRATED &&
		j->release && !job_is_past_return(j);
}

static void begin(struct job *j)
{
	static const struct fault none;
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);
	int err;

	if (!job_is_past_return(j))
		j->mac = (struct lasthop_hub){0};
	if (!wants_bundle(j, c)) {
		connect_now(j);
		return;
	}
	err = make_bundle(j, c);
	if (err)
		no_bundle(j, err, &none);
}

void job_start(struct job *j)
{
	const struct device *d = child_device(j->child);
	struct line *l = d ? line_find(j->gateway, d->link) : NULL;

	j->row.attempts++;
	j->row.next_retry_ms = 0;
	j->has_result = false;
	j->facts_known = false;
	j->has_failure = false;
	j->confirm_at_ms = 0;
	j->transfer_end_ms = 0;
	j->too_slow = false;
	j->rate_bps = 0;
	j->rate_ms = 0;
	free(j->gates);
	j->gates = NULL;
	j->wait = ENGINE_WAIT_NONE;
	if (!job_is_member(j)) {
		job_take_slot(j);
		if (l)
			job_join_line(j, l);
	}
	job_enter(j, JOB_CONNECTING, begin);
}
