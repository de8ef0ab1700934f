/* How a vendor begins: what was kept of it, its link, its polls. */
#include "gateway/daemon/vendor_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/daemon/roots.h"

static void begin_polling(struct vendor *v)
{
	struct vendor_poll_rules rules = {
		.interval_s = (uint32_t)v->config->link.interval_s,
		.jitter_pct = (uint32_t)v->config->link.jitter_pct,
		.retry_first_s = (uint32_t)v->config->link.retry_first_s,
		.retry_max_s = (uint32_t)v->config->link.retry_max_s,
	};
	int err;

	v->stage = VENDOR_IDLE;
	err = vendor_poll_open(v->gateway->loop, &rules, vendor_due, v, &v->poll);
	if (err)
		vendor_stop_with(v, err, NULL, "");
	vendor_watch_expiry(v);
	gateway_replan(v->gateway);
}

/* The catalog that was kept, judged again; the network is asked for no more
 * than evidence. */
static void take_kept_catalog(struct vendor *v, int status, struct bytes file)
{
	uint64_t floor = v->trust.floor.catalog.sequence;
	bool known = v->trust.floor.catalog.set;
	struct fault fault = {0};

	if (status == 0)
		status = vendor_add_catalog(v, file, &fault);
	if (status == -EINPROGRESS)
		return;
	if (!status && (!known || v->trust.floor.catalog.sequence > floor)) {
		/* Killed between keeping the file and storing its floors. */
		v->unsaved = true;
		v->etag[0] = '\0';
	}
	if (status) {
		v->etag[0] = '\0';
		if (status != -ENOENT)
			log_warn("vendor", "kept catalog does not count",
				"vendor=%s code=%s rule=\"%s\"", v->name,
				err_name(status), fault.rule);
	} else {
		vendor_evidence_accepted(v);
	}
	begin_polling(v);
}

static void on_kept_catalog(void *arg, int status, struct bytes file)
{
	struct vendor *v = arg;

	v->holds--;
	if (v->closing)
		vendor_release(v);
	else
		take_kept_catalog(v, status, file);
}

void vendor_catalog_again(struct vendor *v)
{
	struct bytes file = vendor_evidence_waiting(v);

	if (v->stage == VENDOR_EVIDENCE)
		vendor_take_catalog(v, file);
	else if (v->stage == VENDOR_STARTING)
		take_kept_catalog(v, 0, file);
	free((void *)(uintptr_t)file.at);
}

static int open_link(struct vendor *v, struct fault *fault)
{
	const struct config_vendor *c = v->config;
	struct tls_pin pins[4];
	struct vendor_https_settings settings = {
		.base_url = c->link.url,
		.reports = c->link.reports[0] ? c->link.reports : NULL,
		.tls = {
			.ca_path = c->link.ca,
			.cert_path = c->link.certificate[0] ?
				c->link.certificate : NULL,
			.key_path = c->link.key[0] ? c->link.key : NULL,
			.min_version = strcmp(c->link.tls_min, "1.2") ?
				TLS_VERSION_1_3 : TLS_VERSION_1_2,
			.pins = pins,
			.pin_count = c->link.pin_count,
			.judge_time = vendor_judge_tls_time,
			.judge_arg = v,
		},
		.peer_verified = vendor_peer_verified,
		.on_gate_gone = vendor_gate_gone,
		.gate_arg = v,
	};

	for (unsigned i = 0; i < c->link.pin_count; i++)
		if (bytes_from_hex(c->link.pins[i], pins[i].sha256, 32))
			return -EINVAL;
	return vendor_https_open(v->gateway->loop, &settings, fault, &v->link);
}

/* What is remembered of the vendor's link. */
static void take_row(struct vendor *v, const struct store_loaded *loaded)
{
	for (size_t i = 0; i < loaded->vendor_count; i++) {
		const struct vendor_row *row = &loaded->vendors[i];

		if (strcmp(row->name, v->name))
			continue;
		snprintf(v->etag, sizeof(v->etag), "%s", row->catalog_etag);
		v->checked_ms = row->checked_ms;
		v->succeeded_ms = row->succeeded_ms;
		memcpy(v->pseudonym_key, row->pseudonym_key, 32);
	}
}

static bool is_zero(const uint8_t *at, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= at[i];
	return any == 0;
}

/* Reports of this vendor name devices by a key of its own. */
static int make_pseudonym_key(struct vendor *v)
{
	struct store_commit *c;
	struct vendor_row row = {0};

	if (!is_zero(v->pseudonym_key, 32))
		return 0;
	if (uv_random(NULL, NULL, v->pseudonym_key, 32, 0, NULL))
		return -EIO;
	c = store_commit_new();
	snprintf(row.name, sizeof(row.name), "%s", v->name);
	memcpy(row.pseudonym_key, v->pseudonym_key, 32);
	store_commit_vendor(c, &row);
	gateway_commit(v->gateway, c, NULL, NULL);
	return 0;
}

static void get_kept_catalog(struct vendor *v)
{
	char name[CACHE_OBJECT_NAME_MAX + 1];
	int err;

	vendor_object_name(v, name, sizeof(name));
	err = cache_object_get(v->gateway->cache, name, CATALOG_FILE_MAX,
		on_kept_catalog, v);
	if (err) {
		v->etag[0] = '\0';
		begin_polling(v);
		return;
	}
	v->holds++;
}

static void on_roots(struct vendor *v, int status, const struct fault *fault)
{
	struct fault why = {0};
	int err;

	if (status) {
		vendor_stop_with(v, status, fault, status == ERR_TRUST_ROOT_BEHIND ?
			"ferryctl vendor reset, if the change is meant" :
			"look at the file named by 'root' in vendors.d");
		return;
	}
	err = make_pseudonym_key(v);
	if (!err)
		err = open_link(v, &why);
	if (err) {
		vendor_stop_with(v, err, &why,
			"look at the 'link' settings in vendors.d");
		return;
	}
	v->events->on_trust(v);
	get_kept_catalog(v);
}

static void start(struct vendor *v, const struct store_loaded *loaded)
{
	struct fault fault = {0};
	int err;

	if (v->gateway->trust_locked) {
		vendor_stop_with(v, ERR_STORE_LOCKED, NULL,
			"ferryctl trust unlock, once the loss is understood");
		return;
	}
	take_row(v, loaded);
	device_keys_open(&v->keys, v->gateway, v->config, loaded);
	err = vendor_evidence_open(v, loaded);
	if (!err)
		err = roots_open(v, loaded, on_roots, &fault);
	if (err)
		on_roots(v, err, &fault);
}

int vendor_add(struct gateway *g, const struct config_vendor *config,
	const struct store_loaded *loaded, const struct vendor_events *events)
{
	struct vendor *v = calloc(1, sizeof(*v));
	struct vendor **at = &g->vendors;

	if (!v)
		return -ENOMEM;
	v->gateway = g;
	v->events = events;
	v->config = config;
	snprintf(v->name, sizeof(v->name), "%s", config->name);
	while (*at)
		at = &(*at)->next;
	*at = v;
	start(v, loaded);
	return 0;
}
