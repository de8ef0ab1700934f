#include "gateway/daemon/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/daemon/authority.h"
#include "gateway/daemon/radio.h"
#include "gateway/daemon/support.h"
#include "policy/trust/component.h"
#include "policy/trust/ed25519.h"

/* ---- status ---- */

static json_int_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long long size = 0, resident = 0;

	if (file && fscanf(file, "%lld %lld", &size, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return resident * sysconf(_SC_PAGESIZE);
}

static json_t *counts_of(const struct gateway *g)
{
	unsigned online = 0, links = 0, up = 0, vendors = 0, open = 0;
	size_t devices = registry_device_count(g->registry);

	for (size_t i = 0; i < devices; i++)
		online += registry_device_at(g->registry, i)->present;
	for (const struct line *l = g->lines; l; l = l->next) {
		links++;
		up += l->up;
	}
	for (const struct vendor *v = g->vendors; v; v = v->next)
		vendors++;
	for (const struct job *j = g->jobs; j; j = j->next)
		open++;
	return json_pack("{s:I,s:i,s:I,s:i,s:i,s:i,s:i,s:I,s:i,s:I,s:I,s:I}",
		"devices", (json_int_t)devices, "online", (int)online,
		"candidates", (json_int_t)registry_candidate_count(g->registry),
		"links", (int)links, "links_up", (int)up, "vendors",
		(int)vendors, "classes", (int)g->config->class_count, "images",
		(json_int_t)cache_list(g->cache, NULL, 0), "jobs_open",
		(int)open, "jobs_done", (json_int_t)g->ended_done,
		"jobs_failed", (json_int_t)g->ended_failed, "jobs_unverified",
		(json_int_t)g->ended_unverified);
}

static json_t *jobs_by_state(const struct gateway *g)
{
	unsigned counts[JOB_STATES] = {0};
	json_t *json = json_object();

	for (const struct job *j = g->jobs; j; j = j->next)
		counts[j->state]++;
	for (int i = 0; i < JOB_STATES; i++)
		if (counts[i])
			json_object_set_new(json, job_state_name(
				(enum job_state)i), json_integer(counts[i]));
	return json;
}

static json_t *alarms_of(const struct gateway *g)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < g->alarm_count; i++)
		json_array_append_new(list, json_pack("{s:s,s:o,s:o,s:o}",
			"code", g->alarms[i].code, "text",
			view_text(g->alarms[i].text), "since",
			view_time_ms(g->alarms[i].since_ms), "hint",
			view_text(g->alarms[i].hint)));
	return list;
}

json_t *view_status(const struct gateway *g)
{
	struct trust_clock clock = gateway_clock(g);
	uint64_t bound = clock.build;
	struct store_usage usage;
	int64_t now = gateway_wall_ms();

	store_usage(&usage);
	for (const struct vendor *v = g->vendors; v; v = v->next)
		if (v->trust_is_open &&
				trust_time_value(&v->trust.time, &clock) > bound)
			bound = trust_time_value(&v->trust.time, &clock);
	return json_pack("{s:s,s:b,s:o,s:o,s:I,s:{s:b,s:o},s:{s:s,s:s},s:o,s:o,"
		"s:{s:I,s:I,s:I,s:I},s:I,s:I,s:o}",
		"version", FERRY_VERSION, "ed25519", ed25519_is_built(), "now",
		view_time_ms(now), "started", view_time_ms(g->started_ms), "uptime_s",
		(json_int_t)(now - g->started_ms) / 1000, "time",
		"synchronised", clock.synchronised, "bound",
		view_time_ms(gateway_ms(bound)), "trust", "state",
		g->trust_locked ? "locked" : "ok", "reason", g->trust_locked ?
		store_trust_text(store_trust_state(g->store)) : "", "counts",
		counts_of(g), "jobs_by_state", jobs_by_state(g), "store",
		"cache_bytes", (json_int_t)cache_used(g->cache),
		"cache_quota_bytes", (json_int_t)cache_quota(g->cache),
		"written_bytes", (json_int_t)(usage.db_bytes +
			usage.cache_bytes), "database_bytes",
		(json_int_t)usage.db_bytes, "outbox",
		(json_int_t)g->outbox_count, "memory_bytes", resident_bytes(),
		"alarms", alarms_of(g));
}

/* ---- vendors, links ---- */

static json_t *vendor_classes(const struct vendor *v)
{
	const struct config *config = v->gateway->config;
	json_t *list = json_array();

	for (unsigned i = 0; i < config->class_count; i++)
		if (!strcmp(config->classes[i].vendor, v->name))
			json_array_append_new(list, json_string(
				config->classes[i].device.name));
	return list;
}

static json_t *vendor_link_json(const struct vendor *v)
{
	struct vendor_poll_state poll = {0};
	const char *state = "stopped";
	int64_t next = 0;

	if (v->poll) {
		poll = vendor_poll_state(v->poll);
		state = poll.running ? "checking" : poll.failures ? "backoff" :
			"idle";
		next = poll.running ? 0 : gateway_wall_ms() +
			(int64_t)poll.due_in_ms;
	}
	return json_pack("{s:s,s:o,s:s,s:o,s:o,s:o,s:o}", "kind", "https",
		"url", view_text(v->config->link.url), "state", state,
		"last_check", view_time_ms(v->checked_ms), "last_success",
		view_time_ms(v->succeeded_ms), "next_check",
		view_time_ms(next), "failure", view_failure(v->last_status, 0,
			false, 0, "", next, v->last_fault.rule));
}

static json_t *root_json(const struct vendor *v)
{
	const struct root *r = v->trust_is_open ? v->trust.root : NULL;

	return r ? json_pack("{s:I,s:I,s:o,s:o}", "version",
		(json_int_t)r->version, "epoch", (json_int_t)r->epoch,
		"issued", view_time_ms(gateway_ms(r->issued)), "expires",
		view_time_ms(gateway_ms(r->expires))) : json_null();
}

static json_t *catalog_json(const struct vendor *v)
{
	const struct catalog *c = vendor_catalog(v);

	if (!c)
		return json_pack("{s:n,s:n,s:n,s:s,s:n,s:n}", "epoch",
			"sequence", "expires", "state", "none", "offers",
			"digest");
	return json_pack("{s:I,s:I,s:o,s:s,s:i,s:o}", "epoch",
		(json_int_t)c->epoch, "sequence", (json_int_t)c->sequence,
		"expires", view_time_ms(gateway_ms(c->expires)), "state",
		vendor_state(v) == 0 ? "fresh" : "expired", "offers",
		(int)c->entry_count, "digest", view_hex(c->sha256, 32));
}

json_t *view_vendor(const struct vendor *v)
{
	struct trust_clock clock = gateway_clock(v->gateway);
	struct vendor_https_state state = {0};

	if (v->link)
		state = vendor_https_state(v->link);
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:s,s:o,s:o,s:o}",
		"name", view_text(v->name), "authority", authority_of_vendor(v),
		"classes", vendor_classes(v), "link",
		vendor_link_json(v), "root", root_json(v), "catalog",
		catalog_json(v), "revocation",
		config_revocation_name(v->config->signers), "revocation_tls",
		config_revocation_name(v->config->server), "evidence",
		view_evidence(v), "time_bound", view_time_ms(v->trust_is_open ?
			gateway_ms(trust_time_value(&v->trust.time, &clock)) :
			0), "client_certificate", state.cert_not_after ?
		json_pack("{s:o}", "expires", view_time_ms(
			state.cert_not_after * 1000)) : json_null());
}

static const char *line_mode(const struct line *l)
{
	for (unsigned i = 0; i < l->config->param_count; i++)
		if (!strcmp(l->config->params[i].key, "mode"))
			return l->config->params[i].value;
	return "";
}

/* Null where nobody knows. */
static void put_security(struct json_out *out, const struct line *l)
{
	static const char *const names[] = {
		[FERRY_SECURITY_NONE] = "none",
		[FERRY_SECURITY_NETWORK] = "network",
		[FERRY_SECURITY_LINK] = "link",
		[FERRY_SECURITY_AUTHENTICATED] = "authenticated",
	};
	int security = line_security(l);

	if (security < 0 || security > (int)FERRY_SECURITY_AUTHENTICATED)
		json_out_null(out, "security");
	else
		json_out_text(out, "security", names[security]);
}

void view_put_line(struct json_out *out, const struct line *l)
{
	struct transport_counters counters = {0};
	const struct view_failure failure = {
		.code = l->up ? 0 : l->status,
		.hint = l->text,
	};

	if (l->transport)
		transport_counters(l->transport, &counters);
	json_out_object(out, NULL);
	json_out_text(out, "name", l->name);
	json_out_text(out, "driver", l->config->driver);
	json_out_text(out, "state", line_state_name(l));
	view_put_time(out, "since", l->since_ms);
	json_out_text(out, "address", l->address);
	json_out_text(out, "mode", line_mode(l));
	json_out_number(out, "peers", l->radio ? l->radio->peers.present :
		l->peers);
	view_put_id(out, "payload_bytes", l->payload_max);
	put_security(out, l);
	json_out_number(out, "bytes_in", (int64_t)counters.bytes_received);
	json_out_number(out, "bytes_out", (int64_t)counters.bytes_sent);
	view_put_id(out, "job", l->job);
	view_put_failure(out, "failure", &failure);
	view_put_json(out, "airtime", view_airtime(l->radio));
	view_put_json(out, "network", view_network(l->radio));
	json_out_end_object(out);
}

/* ---- candidates, classes ---- */

/* Of what a driver says twice the last counts: no object has a name twice. */
static void put_attribute(struct json_out *out,
	const struct peer_attribute *list, size_t count, size_t i)
{
	for (size_t k = i + 1; k < count; k++)
		if (!strcmp(list[k].name, list[i].name))
			return;
	json_out_text(out, list[i].name, list[i].value);
}

void view_put_attributes(struct json_out *out, const char *key,
	const struct attributes *a)
{
	struct peer_attribute list[ATTRIBUTES_MAX];
	size_t count = attributes_list(a, list);

	json_out_object(out, key);
	for (size_t i = 0; i < count; i++)
		put_attribute(out, list, count, i);
	json_out_end_object(out);
}

/* All that classes may match a candidate by, as far as it was kept. */
static void put_candidate_attributes(struct json_out *out,
	const struct candidate *c)
{
	const struct peer_attribute kept[] = {
		{"product", c->product}, {"usb_serial", c->usb_serial},
	};
	struct peer_attribute list[ATTRIBUTES_MAX];
	size_t count = attributes_list(&c->attributes, list);

	json_out_object(out, "attributes");
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].name, "product") != 0 &&
				strcmp(list[i].name, "usb_serial") != 0)
			put_attribute(out, list, count, i);
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		const char *value = kept[i].value;

		for (size_t k = 0; k < count && !*value; k++)
			if (!strcmp(list[k].name, kept[i].name))
				value = list[k].value;
		if (*value)
			json_out_text(out, kept[i].name, value);
	}
	json_out_end_object(out);
}

void view_put_candidate(struct json_out *out, const struct candidate *c)
{
	static const char *const kinds[] = {"ephemeral", "place", "hardware",
		"bonded"};
	char key[REGISTRY_LINK_SIZE + REGISTRY_KEY_SIZE];

	/* A place such as "port" says nothing without its link. */
	if (c->id_kind == PEER_ID_PLACE)
		snprintf(key, sizeof(key), "%s:%s", c->link, c->key);
	else
		snprintf(key, sizeof(key), "%s", c->key);
	json_out_object(out, NULL);
	json_out_text(out, "key", key);
	json_out_text(out, "link", c->link);
	json_out_text(out, "peer", c->address[0] ? c->address : c->key);
	json_out_text(out, "kind", kinds[(unsigned)c->id_kind & 3]);
	put_candidate_attributes(out, c);
	view_put_time(out, "first_seen", c->first_seen_s * 1000);
	view_put_time(out, "last_seen", c->seen_s * 1000);
	json_out_array(out, "classes");
	if (c->suggested_class[0])
		json_out_text(out, NULL, c->suggested_class);
	json_out_end_array(out);
	json_out_end_object(out);
}

static json_t *uuid_text(const uint8_t id[16])
{
	char hex[33];
	char text[40];

	bytes_to_hex(bytes_of(id, 16), hex, sizeof(hex));
	snprintf(text, sizeof(text), "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
		hex + 12, hex + 16, hex + 20);
	return json_string(text);
}

static json_t *class_tiers(const struct device_class *d)
{
	json_t *tiers = json_object();
	char step[4];

	for (unsigned i = 1; i < CLASS_STEPS; i++) {
		if (!d->tiers[i])
			continue;
		snprintf(step, sizeof(step), "%u", i);
		json_object_set_new(tiers, step, json_string(
			tier_name(d->tiers[i] - 1)));
	}
	return tiers;
}

static json_t *bit_names(unsigned bits, const char *(*name)(unsigned bit))
{
	json_t *names = json_array();

	for (unsigned bit = 1; bit && bit <= bits; bit <<= 1)
		if (bits & bit)
			json_array_append_new(names, json_string(name(bit)));
	return names;
}

json_t *view_class(const struct gateway *g, const struct config_class *c)
{
	const struct device_class *d = &c->device;
	enum config_approval approval = c->has_approval ? c->approval :
		g->config->approval;
	json_t *links = json_array();
	int devices = 0;

	for (size_t i = 0; i < d->match_count; i++) {
		char text[128];

		snprintf(text, sizeof(text), "%s=%s", d->match[i].name,
			d->match[i].glob);
		json_array_append_new(links, view_text(text));
	}
	for (size_t i = 0; i < registry_device_count(g->registry); i++)
		devices += !strcmp(registry_device_at(g->registry, i)->
			class_name, d->name);
	return json_pack("{s:o,s:o,s:o,s:o,s:s,s:s,s:o,s:b,s:b,s:b,s:s,s:s,s:o,"
		"s:b,s:o,s:o,s:o,s:o,s:o,s:i}",
		"name", view_text(d->name), "vendor", view_text(c->vendor),
		"vendor_id", uuid_text(d->vendor_id), "class_id",
		uuid_text(d->class_id), "engine", d->engine, "component",
		d->component_count ? d->components[0].id : "", "links", links,
		"can_revert", d->can_revert, "can_resume", d->can_resume,
		"can_prove", d->can_prove, "confirm",
		class_confirm_name(d->confirm), "approval",
		approval == CONFIG_APPROVAL_AUTO ? "none" : "operator",
		"window", view_text(c->window[0] ? c->window :
			g->config->window), "auto_enrol", d->auto_enrol,
		"tiers", class_tiers(d), "require_roles",
		bit_names(c->demand.roles, signer_role_name),
		"require_signatures", bit_names(c->demand.algs,
			signer_alg_name), "end_of_support",
		view_time_ms(d->end_of_support_s * 1000), "authority",
		authority_view(g, c), "devices", devices);
}

/* ---- plan, offers, images ---- */

static char *entry_version(const struct catalog_entry *e,
	char text[ROW_VERSION_SIZE])
{
	text[0] = '\0';
	if (e && (e->version.at || e->expect_version.at))
		bytes_to_printable(e->version.at ? e->version :
			e->expect_version, text, ROW_VERSION_SIZE);
	return text;
}

static void put_plan_warnings(struct json_out *out, struct gateway *g,
	const struct plan_row *row, const struct child *c)
{
	view_put_warnings(out, g, row->device, false);
	if (!row->klass->can_revert)
		json_out_text(out, NULL,
			"the device cannot go back to its old image");
	if (!row->klass->can_prove)
		json_out_text(out, NULL,
			"the device cannot prove what it runs");
	if (row->klass->reset_on_open)
		json_out_text(out, NULL, "opening its port restarts the device");
	if (c && c->ended.job && !memcmp(c->ended.manifest,
			row->entry->manifest_digest.at, 32))
		json_out_text(out, NULL,
			"it was tried before and is not begun again by itself");
	if (!strcmp(support_state(g, row->device), "ended"))
		json_out_text(out, NULL,
			"the device is past the end of its support");
}

static void put_plan_offer(struct json_out *out, const struct plan_row *row)
{
	char version[ROW_VERSION_SIZE];

	json_out_text(out, "to_version", entry_version(row->entry, version));
	if (row->entry) {
		json_out_number(out, "sequence", (int64_t)row->entry->sequence);
		json_out_hex(out, "offer", bytes_of(
			row->entry->manifest_digest.at, 32));
	} else {
		json_out_null(out, "sequence");
		json_out_null(out, "offer");
	}
}

void view_put_plan_row(struct json_out *out, struct gateway *g,
	const struct plan_row *row)
{
	const struct child *c = child_find(g, row->device->id);
	const struct job *j = c && c->job && row->entry && !memcmp(
		c->job->row.manifest_digest, row->entry->manifest_digest.at,
		32) ? c->job : NULL;
	bool install = row->decision == PLAN_INSTALL;
	struct gates gates;

	gates_clear(&gates);
	if (j)
		job_judge_gates(j, &gates);
	json_out_object(out, NULL);
	json_out_text(out, "device", row->device->id);
	json_out_text(out, "vendor", row->klass ? row->klass->vendor : "");
	json_out_text(out, "class", row->device->class_name);
	json_out_text(out, "component", row->component);
	json_out_text(out, "from_version", row->device->version);
	put_plan_offer(out, row);
	json_out_text(out, "decision", install && !gates_are_open(&gates) ?
		"wait" : plan_decision_name(row->decision));
	json_out_object(out, "reason");
	json_out_text(out, "code", row->code);
	json_out_text(out, "text", row->text);
	json_out_text(out, "hint", row->hint);
	json_out_end_object(out);
	view_put_gates(out, "gates", &gates);
	json_out_array(out, "warnings");
	if (install)
		put_plan_warnings(out, g, row, c);
	json_out_end_array(out);
	view_put_id(out, "job", j ? j->row.id : 0);
	json_out_end_object(out);
}

static const char *offer_state(const struct release *r)
{
	return r ? release_state_name(r->state) : "listed";
}

static json_t *offer_refusal(const struct release *r)
{
	const struct check *check = NULL;

	if (!r || (r->state != RELEASE_REFUSED &&
			r->state != RELEASE_UNPROVED))
		return json_null();
	for (unsigned i = 0; i < r->verdict.count && !check; i++)
		if (r->verdict.rows[i].outcome == CHECK_FAIL)
			check = &r->verdict.rows[i];
	return view_failure(r->code, check ? check->step : 0, false, 0,
		check ? check->name : "", 0, check ? check->evidence : "");
}

static void append_offer(json_t *list, struct gateway *g,
	const struct vendor *v, const struct config_class *c,
	const struct catalog_entry *e)
{
	const struct release *r = release_find(g, c->device.name,
		e->manifest_digest.at);
	struct catalog_payload payload = {0};
	char component[ROW_COMPONENT_SIZE];
	char version[ROW_VERSION_SIZE];
	char notes[512] = "", set[128] = "";
	const char *state = offer_state(r);

	catalog_entry_payload(e, 0, &payload);
	if (e->notes.at)
		bytes_to_printable(e->notes, notes, sizeof(notes));
	if (e->set.at)
		bytes_to_printable(e->set, set, sizeof(set));
	json_array_append_new(list, json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,"
		"s:b,s:o,s:o,s:s,s:o,s:o}",
		"manifest_digest", view_hex(e->manifest_digest.at, 32),
		"envelope_digest", view_hex(e->envelope_digest.at, 32),
		"vendor", view_text(v->name), "class",
		view_text(c->device.name), "component",
		view_text(component_to_text(e->component, component,
			sizeof(component))), "version",
		view_text(entry_version(e, version)),
		"sequence", (json_int_t)e->sequence, "size",
		(json_int_t)payload.len, "security", e->security, "notes",
		view_text(notes), "set", e->set.at ? view_text(set) :
		json_null(), "state", !strcmp(state, "failed") ? "listed" :
		state, "refusal", offer_refusal(r), "expires", view_time_ms(
			gateway_ms(vendor_catalog(v)->expires))));
}

json_t *view_offers(struct gateway *g)
{
	json_t *list = json_array();

	for (const struct vendor *v = g->vendors; v; v = v->next) {
		const struct catalog *catalog = vendor_catalog(v);

		for (unsigned i = 0; catalog && i < catalog->entry_count; i++) {
			const struct catalog_entry *e = &catalog->entries[i];

			for (unsigned k = 0; k < g->config->class_count; k++) {
				const struct config_class *c =
					&g->config->classes[k];

				if (!strcmp(c->vendor, v->name) && !memcmp(
						c->device.class_id,
						e->class_id.at, 16))
					append_offer(list, g, v, c, e);
			}
		}
	}
	return list;
}

static const char *image_state(enum cache_state state)
{
	switch (state) {
	case CACHE_ABSENT:
	case CACHE_LOADING:
		return "partial";
	case CACHE_UNVERIFIED:
		return "unverified";
	case CACHE_READY:
		return "verified";
	}
	return "partial";
}

json_t *view_image(struct gateway *g, const struct release *r)
{
	struct cache_entry entry;
	enum cache_state state = cache_find(g->cache, r->payload, &entry);

	return json_pack("{s:o,s:s,s:o,s:o,s:I,s:I,s:s,s:i,s:I,s:o}", "digest",
		view_hex(r->payload, 32), "kind", "payload", "vendor",
		view_text(r->vendor), "version", view_text(r->version), "size",
		(json_int_t)r->payload_len, "present_bytes",
		(json_int_t)(state == CACHE_READY || state ==
			CACHE_UNVERIFIED ? r->payload_len : r->have_bytes),
		"state", image_state(state), "jobs", (int)r->users,
		"fetched_bytes", (json_int_t)r->fetched_bytes, "last_used",
		view_time_ms(entry.used_ms));
}

static const struct release *release_of_blob(const struct gateway *g,
	const uint8_t digest[32], bool *ret_envelope)
{
	for (const struct release *r = g->releases; r; r = r->next) {
		*ret_envelope = !memcmp(r->envelope, digest, 32);
		if (*ret_envelope || !memcmp(r->payload, digest, 32))
			return r;
	}
	return NULL;
}

json_t *view_images(struct gateway *g)
{
	size_t max = cache_list(g->cache, NULL, 0);
	struct cache_entry *entries = calloc(max ? max : 1, sizeof(*entries));
	json_t *list = json_array();
	size_t n = entries ? cache_list(g->cache, entries, max) : 0;

	for (size_t i = 0; i < n && i < max; i++) {
		bool envelope = false;
		const struct release *r = release_of_blob(g, entries[i].digest,
			&envelope);

		if (r && !envelope) {
			json_array_append_new(list, view_image(g, r));
			continue;
		}
		json_array_append_new(list, json_pack(
			"{s:o,s:s,s:o,s:o,s:I,s:I,s:s,s:i,s:I,s:o}", "digest",
			view_hex(entries[i].digest, 32), "kind", envelope ?
			"envelope" : "payload", "vendor", view_text(r ?
				r->vendor : ""), "version", view_text(r ?
				r->version : ""), "size",
			(json_int_t)entries[i].len, "present_bytes",
			(json_int_t)entries[i].len, "state",
			image_state(entries[i].state), "jobs", r ?
			(int)r->users : 0, "fetched_bytes", (json_int_t)0,
			"last_used", view_time_ms(entries[i].used_ms)));
	}
	free(entries);
	return list;
}
