#include "gateway/daemon/view.h"

#include <stdio.h>

#include "gateway/daemon/delegated.h"
#include "gateway/daemon/radio.h"
#include "gateway/daemon/support.h"

static const char *health_of(const struct device *d, const struct child *c)
{
	if (c && c->ended.job && c->ended.state == JOB_QUARANTINED)
		return "quarantined";
	if (c && c->recalled.code)
		return "recalled";
	switch (d->health) {
	case DEVICE_HEALTH_GOOD:
		return "ok";
	case DEVICE_HEALTH_SILENT:
		return "silent";
	case DEVICE_HEALTH_UNKNOWN:
	case DEVICE_HEALTH_ABSENT:
		return "unknown";
	}
	return "unknown";
}

static json_t *available_of(struct gateway *g, const struct device *d)
{
	struct plan_row row;
	char version[ROW_VERSION_SIZE] = "";

	if (!plan_best(g, d, &row))
		return json_null();
	bytes_to_printable(row.entry->version.at ? row.entry->version :
		row.entry->expect_version, version, sizeof(version));
	return json_pack("{s:o,s:I,s:o,s:b}", "version", view_text(version),
		"sequence", (json_int_t)row.entry->sequence, "manifest_digest",
		view_hex(row.entry->manifest_digest.at, 32), "security",
		row.entry->security);
}

static json_t *recalled_of(const struct child *c)
{
	if (!c || !c->recalled.code)
		return json_null();
	return json_pack("{s:s,s:o,s:o}", "code", err_name(c->recalled.code),
		"reason", view_text(c->recalled.reason), "since",
		view_time_ms(c->recalled.since_ms));
}

/* What the open job waits for; of a sleeper without one, that it wakes to be
 * read. */
static json_t *waits_of(const struct device *d, const struct child *c,
	bool sleepy)
{
	struct gates gates = {0};

	if (c && c->job)
		return view_job_gates(c->job);
	if (sleepy && !d->version[0])
		gates_wait(&gates, GATE_WAKE, 0, "has not told yet what it runs");
	return view_gates(&gates);
}

/* A link is known by its name, and a device of a radio by link and address: one
 * that moved, or whose link was renamed, is found again as somebody else. */
static void warn_of_twins(const struct gateway *g, const struct device *d,
	json_t *warnings)
{
	for (const struct line *l = g->lines; l; l = l->next) {
		const struct device *other = registry_device_of_peer(
			g->registry, l->name, d->key);
		const struct candidate *c = registry_candidate(g->registry,
			l->name, d->key);

		if (!strcmp(l->name, d->link))
			continue;
		if (other && other->id_kind == PEER_ID_HARDWARE)
			json_array_append_new(warnings, json_sprintf("link %s "
				"has a device of this address as well, %s: "
				"forget the one that is no longer there",
				l->name, other->id));
		else if (c && c->present && c->id_kind == PEER_ID_HARDWARE)
			json_array_append_new(warnings, json_sprintf("link %s "
				"sees a peer of this address as well; if it "
				"has moved there: ferryctl replace %s %s:%s",
				l->name, d->id, l->name, d->key));
	}
}

/* Where a device differs from what the `match` of its class wants, and where
 * else it is seen. What is not known of it may come yet. */
json_t *view_warnings(const struct gateway *g, const struct device *d,
	bool also_unknown)
{
	json_t *warnings = json_array();
	const char *value = NULL;
	const struct class_match *rule = registry_mismatch(g->registry, d,
		&value);

	if (rule && value)
		json_array_append_new(warnings, json_sprintf("it does not fit "
			"its class, which wants %s = \"%s\": it has \"%s\"",
			rule->name, rule->glob, value));
	else if (rule && also_unknown)
		json_array_append_new(warnings, json_sprintf("whether it fits "
			"its class, which wants %s = \"%s\", is not known: "
			"it has not told its %s", rule->name, rule->glob,
			rule->name));
	warn_of_twins(g, d, warnings);
	return warnings;
}

json_t *view_device(struct gateway *g, const struct device *d)
{
	const struct child *c = child_find(g, d->id);
	const struct config_class *klass = gateway_class(g, d->class_name);
	json_t *available = available_of(g, d);
	const struct line *l = line_find(g, d->link);
	const struct radio *radio = l ? l->radio : NULL;
	bool sleepy = radio_is_sleepy(radio, d->key) ||
		delegated_is_sleepy(l, d->key);
	bool read = d->version[0] || d->hash_len;
	const char *state = c && c->job ? job_state_name(c->job->state) :
		!json_is_null(available) ? "available" :
		read ? "current" : "unknown";

	return json_pack("{s:o,s:o,s:o,s:s,s:o,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o,"
		"s:s,s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:s,s:o,s:b,s:o,s:o,s:o}",
		"id", view_text(d->id), "class", view_text(d->class_name),
		"vendor", view_text(d->vendor), "component",
		klass && klass->device.component_count ?
			klass->device.components[0].id : "",
		"link", view_text(d->link), "peer", view_text(d->key),
		"online", d->present, "last_seen",
		view_time_ms(d->seen_s * 1000), "hw_revision",
		view_text(d->hw_revision), "version", view_text(d->version),
		"digest", view_hex(d->hash, d->hash_len), "confirmed",
		d->confirmed < 0 ? json_null() : json_boolean(d->confirmed),
		"read_at", view_time_ms(d->read_s * 1000), "state", state,
		"available", available, "job", c && c->job ?
			json_integer((json_int_t)c->job->row.id) : json_null(),
		"health", health_of(d, c), "note", view_text(c ? c->note : ""),
		"enrolled_at", view_time_ms(d->enrolled_s * 1000),
		"enrolled_by", view_text(c ? c->enrolled_by : ""),
		"recalled", recalled_of(c),
		"end_of_support", view_time_ms(gateway_ms(
			support_until(g, d))), "support", support_state(g, d),
		"attributes", view_attributes(&d->attributes), "sleepy", sleepy,
		"last_heard", view_time_ms(radio_heard_s(radio, d->key) * 1000),
		"waits", waits_of(d, c, sleepy), "warnings",
		view_warnings(g, d, false));
}
