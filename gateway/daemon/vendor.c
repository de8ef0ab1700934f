#include "gateway/daemon/vendor_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/daemon/roots.h"
#include "policy/trust/component.h"

#define FLOORS_A_COMMIT 500

static void ask_root(struct vendor *v);

struct vendor *vendor_find(const struct gateway *g, const char *name)
{
	for (struct vendor *v = g->vendors; v; v = v->next)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

int vendor_key_check(const struct gateway *g,
	const struct device_class *klass, const struct device *d)
{
	const struct vendor *v = vendor_find(g, klass->vendor);
	const struct lasthop_device *key;
	const struct lasthop_hub *hub;

	if (klass->envelope == CLASS_ENVELOPE_NONE)
		return 0;
	return v ? device_keys_find(&v->keys, d, &key, &hub) :
		ERR_LASTHOP_NO_KEY;
}

void vendor_object_name(const struct vendor *v, char *name, size_t size)
{
	snprintf(name, size, "catalog.%.80s", v->name);
}

void vendor_alarm_code(const struct vendor *v, const char *what, char *code,
	size_t size)
{
	snprintf(code, size, "%s:%s", what, v->name);
}

void vendor_stop_with(struct vendor *v, int code, const struct fault *fault,
	const char *hint)
{
	char name[ALARM_CODE_SIZE];

	v->stage = VENDOR_STOPPED;
	v->last_status = code;
	if (fault)
		v->last_fault = *fault;
	vendor_alarm_code(v, "vendor-stopped", name, sizeof(name));
	gateway_alarm(v->gateway, name, hint, "vendor %s is not served: %s%s%s",
		v->name, err_text(code), fault && fault->rule[0] ? ": " : "",
		fault ? fault->rule : "");
	v->events->on_trust(v);
	news_vendor(&v->gateway->news, v);
}

/* ---- time and expiry ---- */

int vendor_state(const struct vendor *v)
{
	struct trust_clock clock = gateway_clock(v->gateway);

	if (!v->trust_is_open || v->stage == VENDOR_STOPPED)
		return v->last_status ? v->last_status : -EAGAIN;
	if (v->stage == VENDOR_STORING || v->stage == VENDOR_STARTING ||
			v->unsaved)
		return -EAGAIN;
	return trust_state(&v->trust, &clock);
}

const struct catalog *vendor_catalog(const struct vendor *v)
{
	if (!v->trust_is_open || v->unsaved || v->stage == VENDOR_STORING ||
			v->stage == VENDOR_STARTING ||
			v->stage == VENDOR_STOPPED || v->trust.catalog_code)
		return NULL;
	return v->trust.catalog;
}

/* The chain that was kept does not lead to what was accepted before, and the
 * vendor's server has not filled the gap. */
static void watch_roots(struct vendor *v)
{
	char code[ALARM_CODE_SIZE];

	vendor_alarm_code(v, "roots-behind", code, sizeof(code));
	if (v->trust_is_open && roots_are_behind(v))
		gateway_alarm(v->gateway, code, "look at who wrote trust.db; "
			"the roots in between must be on the vendor's server",
			"vendor %s: the roots that are kept end at version "
			"%llu, version %llu was accepted before", v->name,
			(unsigned long long)v->trust.root->version,
			(unsigned long long)v->trust.floor.root_version);
	else if (v->trust_is_open)
		gateway_alarm_clear(v->gateway, code);
}

void vendor_watch_expiry(struct vendor *v)
{
	char code[ALARM_CODE_SIZE];
	int err = vendor_state(v);

	if (err == -EAGAIN)
		return;
	watch_roots(v);
	vendor_alarm_code(v, "catalog-expired", code, sizeof(code));
	if (err == ERR_TRUST_CATALOG_EXPIRED && v->trust.catalog)
		gateway_alarm(v->gateway, code,
			"ask the vendor for a new catalog; look at the clock",
			"the catalog of vendor %s has expired", v->name);
	else if (!err)
		gateway_alarm_clear(v->gateway, code);
}

/* ---- a round of questions ---- */

static void end_round(struct vendor *v, int status, const struct fault *fault)
{
	struct vendor_waiter waiters[VENDOR_WAITERS_MAX];
	unsigned count = v->waiter_count;
	struct vendor_row row = {0};
	struct store_commit *c;

	v->stage = VENDOR_IDLE;
	v->last_status = status;
	v->last_fault = fault ? *fault : (struct fault){0};
	vendor_evidence_explain(status, &v->last_fault);
	v->checked_ms = gateway_wall_ms();
	if (!status)
		v->succeeded_ms = v->checked_ms;
	if (status)
		log_warn("vendor", "check failed, will be repeated",
			"vendor=%s code=%s field=%s rule=\"%s\"", v->name,
			err_name(status), v->last_fault.field,
			v->last_fault.rule);
	snprintf(row.name, sizeof(row.name), "%s", v->name);
	snprintf(row.catalog_etag, sizeof(row.catalog_etag), "%.128s", v->etag);
	row.checked_ms = v->checked_ms;
	row.succeeded_ms = v->succeeded_ms;
	row.last_error = status;
	memcpy(row.pseudonym_key, v->pseudonym_key, sizeof(row.pseudonym_key));
	/* An unchanged answer is not worth a write to flash. */
	if (status == 0 && v->news) {
		c = store_commit_new();
		store_commit_vendor(c, &row);
		gateway_commit(v->gateway, c, NULL, NULL);
	}
	vendor_watch_expiry(v);
	v->events->on_trust(v);
	vendor_poll_ended(v->poll, status, v->retry_after_s);
	memcpy(waiters, v->waiters, sizeof(waiters));
	v->waiter_count = 0;
	for (unsigned i = 0; i < count; i++)
		waiters[i].on_end(waiters[i].arg, v, status, v->news);
	v->events->on_round(v);
	evidence_refresh(v->evidence.signers);
	evidence_refresh(v->evidence.server);
	news_vendor(&v->gateway->news, v);
	gateway_replan(v->gateway);
}

void vendor_put_time(const struct vendor *v, struct store_commit *c)
{
	struct trust_clock clock = gateway_clock(v->gateway);
	struct time_bound_row row = {
		.time_ms = gateway_ms(trust_time_value(&v->trust.time,
			&clock)),
	};

	snprintf(row.vendor, sizeof(row.vendor), "%s", v->name);
	store_commit_time_bound(c, &row);
}

/* ---- catalog ---- */

/* What could not be stored does not count: the next round fetches it and tries
 * to store it again. */
static void not_stored(struct vendor *v, int status)
{
	v->unsaved = true;
	v->etag[0] = '\0';
	end_round(v, status, NULL);
}

static void on_catalog_stored(void *arg, int status)
{
	struct vendor *v = arg;
	const struct catalog *catalog = v->trust.catalog;

	char code[ALARM_CODE_SIZE];

	v->holds--;
	if (v->closing) {
		vendor_release(v);
		return;
	}
	vendor_alarm_code(v, "floors-full", code, sizeof(code));
	if (status == ERR_STORE_FULL)
		gateway_alarm(v->gateway, code, "the vendor must begin a new "
			"epoch: ferry-publish root epoch",
			"the catalogs of vendor %s named more targets than "
			"floors are kept for", v->name);
	if (status) {
		not_stored(v, status);
		return;
	}
	gateway_alarm_clear(v->gateway, code);
	v->unsaved = false;
	vendor_evidence_accepted(v);
	memcpy(v->etag, v->new_etag, sizeof(v->etag));
	v->news = true;
	log_info("vendor", "new catalog",
		"vendor=%s epoch=%llu sequence=%llu entries=%u", v->name,
		(unsigned long long)catalog->epoch,
		(unsigned long long)catalog->sequence, catalog->entry_count);
	end_round(v, 0, NULL);
}

static void entry_floor(const struct vendor *v, const struct catalog_entry *e,
	struct class_floor_row *row)
{
	*row = (struct class_floor_row){
		.hw_min = e->has_hardware ? e->hardware_min : 0,
		.hw_max = e->has_hardware ? e->hardware_max : UINT64_MAX,
		.sequence = e->sequence,
	};
	snprintf(row->vendor, sizeof(row->vendor), "%s", v->name);
	memcpy(row->class_id, e->class_id.at, 16);
	component_to_text(e->component, row->component,
		sizeof(row->component));
}

/* Floors of a catalog whose acceptance is being stored. Several commits when
 * there are many; they are applied in order, the last one tells. */
static int store_floors(struct vendor *v, struct store_commit **c)
{
	const struct catalog *catalog = v->trust.catalog;
	unsigned rows = 0;
	int err = 0;

	for (unsigned i = 0; i < catalog->entry_count && !err; i++) {
		struct class_floor_row row;

		/* What the vendor's file does not let it name is not there. */
		if (!config_vendor_may_name(v->config,
				catalog->entries[i].vendor_id.at,
				catalog->entries[i].class_id.at))
			continue;
		entry_floor(v, &catalog->entries[i], &row);
		store_commit_class_floor(*c, &row);
		err = floors_take_class(&v->gateway->floors, &row);
		if (err || ++rows % FLOORS_A_COMMIT)
			continue;
		err = gateway_commit(v->gateway, *c, NULL, NULL);
		*c = store_commit_new();
	}
	return err;
}

static void store_catalog(struct vendor *v, struct bytes file)
{
	const struct trust_floor *floor = &v->trust.floor;
	struct store_commit *c = store_commit_new();
	struct catalog_floor_row row = {
		.epoch = floor->catalog.epoch,
		.sequence = floor->catalog.sequence,
	};
	char name[CACHE_OBJECT_NAME_MAX + 1];
	char detail[128];
	int err;

	v->stage = VENDOR_STORING;
	vendor_object_name(v, name, sizeof(name));
	/* If this is lost the catalog is only fetched again. */
	cache_object_put(v->gateway->cache, name, file, NULL, NULL);
	snprintf(row.vendor, sizeof(row.vendor), "%s", v->name);
	memcpy(row.digest, floor->catalog.sha256, sizeof(row.digest));
	err = store_floors(v, &c);
	store_commit_catalog_floor(c, &row);
	vendor_put_time(v, c);
	snprintf(detail, sizeof(detail), "{\"epoch\":%llu,\"sequence\":%llu}",
		(unsigned long long)row.epoch,
		(unsigned long long)row.sequence);
	gateway_history(c, "catalog-accepted", v->name, NULL, 0, NULL, detail);
	v->holds++;
	if (err) {
		store_commit_free(c);
		on_catalog_stored(v, err);
		return;
	}
	err = gateway_commit(v->gateway, c, on_catalog_stored, v);
	if (err)
		on_catalog_stored(v, err);
}

void vendor_take_catalog(struct vendor *v, struct bytes file)
{
	struct fault fault = {0};
	int status = vendor_add_catalog(v, file, &fault);

	if (status == -EINPROGRESS) {
		v->stage = VENDOR_EVIDENCE;
	} else if (status) {
		end_round(v, status, &fault);
	} else if (v->trust.changed || v->unsaved) {
		store_catalog(v, file);
	} else {
		memcpy(v->etag, v->new_etag, sizeof(v->etag));
		end_round(v, 0, NULL);
	}
}

static void on_catalog(void *arg, int status, const struct vendor_answer *a)
{
	struct vendor *v = arg;

	v->holds--;
	v->request = 0;
	if (v->closing) {
		vendor_release(v);
		return;
	}
	v->retry_after_s = a->retry_after_s;
	if (status) {
		end_round(v, status, a->fault);
		return;
	}
	if (a->unchanged) {
		end_round(v, 0, NULL);
		return;
	}
	v->fetched_bytes += a->content.len;
	snprintf(v->new_etag, sizeof(v->new_etag), "%s", a->etag);
	vendor_take_catalog(v, a->content);
}

static void ask_catalog(struct vendor *v)
{
	struct trust_clock clock = gateway_clock(v->gateway);
	struct fault fault = {0};
	int err = trust_ready(&v->trust, &clock, &fault);

	if (err) {
		end_round(v, err, &fault);
		return;
	}
	v->stage = VENDOR_CATALOG;
	err = vendor_link_catalog(v->link, v->trust.catalog ? v->etag : "",
		on_catalog, v, &v->request);
	if (err)
		end_round(v, err, NULL);
	else
		v->holds++;
}

/* ---- roots ---- */

static void on_root_stored(void *arg, int status)
{
	struct vendor *v = arg;

	v->holds--;
	if (v->closing) {
		vendor_release(v);
		return;
	}
	if (status) {
		v->root_unsaved = true;
		not_stored(v, status);
		return;
	}
	if (v->epoch_rose)
		floors_forget(&v->gateway->floors, v->name);
	v->epoch_rose = false;
	v->root_unsaved = false;
	log_info("vendor", "new root", "vendor=%s version=%llu epoch=%llu",
		v->name, (unsigned long long)v->trust.root->version,
		(unsigned long long)v->trust.root->epoch);
	v->news = true;
	v->events->on_trust(v);
	ask_root(v);
}

/* One that was accepted before and had to be fetched again is only kept. */
static void store_root(struct vendor *v)
{
	const struct root *root = v->trust.root;
	struct trust_clock clock = gateway_clock(v->gateway);
	struct store_commit *c = store_commit_new();
	char detail[128];
	int err;

	v->stage = VENDOR_STORING;
	if (v->epoch_rose)
		store_commit_epoch(c, v->name, root->epoch,
			gateway_ms(trust_time_value(&v->trust.time, &clock)));
	roots_store(v, c);
	if (root->version >= v->trust.floor.root_version) {
		vendor_put_time(v, c);
		snprintf(detail, sizeof(detail),
			"{\"version\":%llu,\"epoch\":%llu}",
			(unsigned long long)root->version,
			(unsigned long long)root->epoch);
		gateway_history(c, "root-accepted", v->name, NULL, 0, NULL,
			detail);
	}
	v->holds++;
	err = gateway_commit(v->gateway, c, on_root_stored, v);
	if (err)
		on_root_stored(v, err);
}

static void on_root(void *arg, int status, const struct vendor_answer *a)
{
	struct vendor *v = arg;
	struct trust_clock clock = gateway_clock(v->gateway);
	uint64_t version = v->trust.root->version;
	uint64_t epoch = v->trust.floor.catalog.epoch;
	struct fault fault = {0};

	v->holds--;
	v->request = 0;
	if (v->closing) {
		vendor_release(v);
		return;
	}
	v->retry_after_s = a->retry_after_s;
	if (status == ERR_VENDOR_HTTP_ABSENT) {
		ask_catalog(v);
		return;
	}
	if (status) {
		end_round(v, status, a->fault);
		return;
	}
	vendor_evidence_prepare(v);
	status = trust_add_root(&v->trust, a->content, &clock, &fault);
	if (status) {
		end_round(v, status, &fault);
		return;
	}
	if (v->trust.root->version == version) {
		/* The same one under the next name: there is no newer one. */
		ask_catalog(v);
		return;
	}
	roots_note(v, v->trust.root);
	if (v->trust.root->epoch > epoch) {
		v->epoch_rose = true;
		v->etag[0] = '\0';
	}
	store_root(v);
}

static void ask_root(struct vendor *v)
{
	int err;

	v->stage = VENDOR_ROOT;
	err = vendor_link_root(v->link, v->trust.root->version + 1, on_root, v,
		&v->request);
	if (err)
		end_round(v, err, NULL);
	else
		v->holds++;
}

bool vendor_may_judge(const struct vendor *v)
{
	return vendor_catalog(v) && v->stage == VENDOR_IDLE && !v->due &&
		vendor_state(v) == 0;
}

int vendor_judge_begin(struct vendor *v)
{
	if (!vendor_may_judge(v))
		return -EAGAIN;
	v->judging++;
	v->holds++;
	return 0;
}

void vendor_judge_end(struct vendor *v)
{
	v->judging--;
	v->holds--;
	if (v->closing) {
		vendor_release(v);
		return;
	}
	vendor_evidence_judged(v);
	if (v->judging == 0 && v->due)
		vendor_due(v);
}

void vendor_due(void *arg)
{
	struct vendor *v = arg;

	v->due = v->judging > 0;
	if (v->due)
		return;
	v->news = false;
	v->retry_after_s = 0;
	if (v->stage == VENDOR_STOPPED || !v->trust_is_open) {
		vendor_poll_ended(v->poll, v->last_status, 0);
		return;
	}
	if (v->root_unsaved)
		store_root(v);
	else
		ask_root(v);
	news_vendor(&v->gateway->news, v);
}

int vendor_check(struct vendor *v,
	void (*on_end)(void *arg, struct vendor *v, int status, bool news),
	void *arg)
{
	if (v->stage == VENDOR_STOPPED || !v->poll)
		return v->last_status ? v->last_status : -EAGAIN;
	if (on_end && v->waiter_count == VENDOR_WAITERS_MAX)
		return -EBUSY;
	if (on_end)
		v->waiters[v->waiter_count++] =
			(struct vendor_waiter){on_end, arg};
	vendor_poll_now(v->poll);
	return 0;
}

/* ---- end ---- */

static void on_link_closed(void *arg)
{
	struct vendor *v = arg;

	v->link = NULL;
	v->holds--;
	vendor_release(v);
}

static void on_poll_closed(void *arg)
{
	struct vendor *v = arg;

	v->poll = NULL;
	v->holds--;
	vendor_release(v);
}

void vendor_release(struct vendor *v)
{
	void (*on_closed)(void *arg) = v->on_closed;
	void *arg = v->close_arg;

	if (!v->closing || v->holds > 0)
		return;
	if (v->trust_is_open)
		trust_close(&v->trust);
	free(v->seen);
	device_keys_close(&v->keys);
	free(v);
	if (on_closed)
		on_closed(arg);
}

/* Opened again it says anew what is wrong; removed it has nothing to say. */
static void clear_alarms(const struct vendor *v)
{
	static const char *const what[] = {"vendor-stopped", "catalog-expired",
		"roots-behind", "floors-full", "device-keys"};
	char code[ALARM_CODE_SIZE];

	for (size_t i = 0; i < sizeof(what) / sizeof(*what); i++) {
		vendor_alarm_code(v, what[i], code, sizeof(code));
		gateway_alarm_clear(v->gateway, code);
	}
}

void vendor_close(struct vendor *v, void (*on_closed)(void *arg), void *arg)
{
	struct vendor **at = &v->gateway->vendors;

	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	v->closing = true;
	clear_alarms(v);
	v->on_closed = on_closed;
	v->close_arg = arg;
	for (unsigned i = 0; i < v->waiter_count; i++)
		v->waiters[i].on_end(v->waiters[i].arg, v, ERR_RELAY_SHUTDOWN,
			false);
	v->waiter_count = 0;
	v->holds++;
	vendor_evidence_close(v);
	if (v->poll) {
		v->holds++;
		vendor_poll_close(v->poll, on_poll_closed, v);
	}
	vendor_link_close(v->link, on_link_closed, v);
}
