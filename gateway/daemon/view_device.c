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

/* The release that it could have; false: none. */
static bool put_available(struct json_out *out, struct gateway *g,
	const struct device *d)
{
	struct plan_row row;
	char version[ROW_VERSION_SIZE] = "";

	if (!plan_best(g, d, &row)) {
		json_out_null(out, "available");
		return false;
	}
	bytes_to_printable(row.entry->version.at ? row.entry->version :
		row.entry->expect_version, version, sizeof(version));
	json_out_object(out, "available");
	json_out_text(out, "version", version);
	json_out_number(out, "sequence", (int64_t)row.entry->sequence);
	json_out_hex(out, "manifest_digest", bytes_of(
		row.entry->manifest_digest.at, 32));
	json_out_bool(out, "security", row.entry->security);
	json_out_end_object(out);
	return true;
}

static void put_recalled(struct json_out *out, const struct child *c)
{
	if (!c || !c->recalled.code) {
		json_out_null(out, "recalled");
		return;
	}
	json_out_object(out, "recalled");
	json_out_text(out, "code", err_name(c->recalled.code));
	json_out_text(out, "reason", c->recalled.reason);
	view_put_time(out, "since", c->recalled.since_ms);
	json_out_end_object(out);
}

/* What the open job waits for; of a sleeper without one, that it wakes to be
 * read. */
static void put_waits(struct json_out *out, const struct device *d,
	const struct child *c, bool sleepy)
{
	struct gates gates;

	if (c && c->job) {
		view_put_job_gates(out, "waits", c->job);
	} else if (sleepy && !d->version[0]) {
		gates_clear(&gates);
		gates_wait(&gates, GATE_WAKE, 0, "has not told yet what it runs");
		view_put_gates(out, "waits", &gates);
	} else {
		json_out_array(out, "waits");
		json_out_end_array(out);
	}
}

/* A link is known by its name, and a device of a radio by link and address: one
 * that moved, or whose link was renamed, is found again as somebody else. */
static void warn_of_twins(struct json_out *out, const struct gateway *g,
	const struct device *d)
{
	char text[512];

	if (d->id_kind != PEER_ID_HARDWARE)
		return;
	for (const struct line *l = g->lines; l; l = l->next) {
		const struct device *other = registry_device_of_peer(
			g->registry, l->name, d->key);
		const struct candidate *c = registry_candidate(g->registry,
			l->name, d->key);

		if (!strcmp(l->name, d->link))
			continue;
		if (other && other->id_kind == PEER_ID_HARDWARE)
			snprintf(text, sizeof(text), "link %s has a device of "
				"this address as well, %s: forget the one that "
				"is no longer there", l->name, other->id);
		else if (c && c->present && c->id_kind == PEER_ID_HARDWARE)
			snprintf(text, sizeof(text), "link %s sees a peer of "
				"this address as well; if it has moved there: "
				"ferryctl replace %s %s:%s", l->name, d->id,
				l->name, d->key);
		else
			continue;
		json_out_text(out, NULL, text);
	}
}

static void warn_of_mismatch(struct json_out *out, const struct gateway *g,
	const struct device *d, bool also_unknown)
{
	const char *value = NULL;
	const struct class_match *rule = registry_mismatch(g->registry, d,
		&value);
	char text[1024];

	if (!rule || (!value && !also_unknown))
		return;
	if (value)
		snprintf(text, sizeof(text), "it does not fit its class, which "
			"wants %s = \"%s\": it has \"%s\"", rule->name,
			rule->glob, value);
	else
		snprintf(text, sizeof(text), "whether it fits its class, which "
			"wants %s = \"%s\", is not known: it has not told its "
			"%s", rule->name, rule->glob, rule->name);
	json_out_text(out, NULL, text);
}

/* Where a device differs from what the `match` of its class wants, and where
 * else it is seen. What is not known of it may come yet. */
void view_put_warnings(struct json_out *out, const struct gateway *g,
	const struct device *d, bool also_unknown)
{
	warn_of_mismatch(out, g, d, also_unknown);
	warn_of_twins(out, g, d);
}

json_t *view_warnings(const struct gateway *g, const struct device *d,
	bool also_unknown)
{
	struct view_text_of_one one;

	view_begin(&one);
	json_out_array(&one.out, NULL);
	view_put_warnings(&one.out, g, d, also_unknown);
	json_out_end_array(&one.out);
	return view_read(&one);
}

/* What the device itself said. */
static void put_told(struct json_out *out, const struct device *d)
{
	json_out_text(out, "hw_revision", d->hw_revision);
	json_out_text(out, "version", d->version);
	json_out_hex(out, "digest", bytes_of(d->hash, d->hash_len));
	if (d->confirmed < 0)
		json_out_null(out, "confirmed");
	else
		json_out_bool(out, "confirmed", d->confirmed);
	view_put_time(out, "read_at", d->read_s * 1000);
	view_put_attributes(out, "attributes", &d->attributes);
}

static void put_where(struct json_out *out, const struct gateway *g,
	const struct device *d, const struct child *c)
{
	const struct line *l = line_find(g, d->link);
	const struct radio *radio = l ? l->radio : NULL;
	bool sleepy = radio_is_sleepy(radio, d->key) ||
		delegated_is_sleepy(l, d->key);

	json_out_text(out, "link", d->link);
	json_out_text(out, "peer", d->key);
	json_out_bool(out, "online", d->present);
	view_put_time(out, "last_seen", d->seen_s * 1000);
	view_put_time(out, "last_heard", radio_heard_s(radio, d->key) * 1000);
	json_out_bool(out, "sleepy", sleepy);
	put_waits(out, d, c, sleepy);
}

static void put_doing(struct json_out *out, struct gateway *g,
	const struct device *d, const struct child *c)
{
	bool available = put_available(out, g, d);
	bool read = d->version[0] || d->hash_len;
	const struct job *j = c ? c->job : NULL;

	json_out_text(out, "state", j ? job_state_name(j->state) :
		available ? "available" : read ? "current" : "unknown");
	view_put_id(out, "job", j ? j->row.id : 0);
	json_out_text(out, "health", health_of(d, c));
	put_recalled(out, c);
}

void view_put_device(struct json_out *out, struct gateway *g,
	const struct device *d)
{
	const struct child *c = child_find(g, d->id);
	const struct config_class *klass = gateway_class(g, d->class_name);

	json_out_object(out, NULL);
	json_out_text(out, "id", d->id);
	json_out_text(out, "class", d->class_name);
	json_out_text(out, "vendor", d->vendor);
	json_out_text(out, "component", klass && klass->device.component_count ?
		klass->device.components[0].id : "");
	put_where(out, g, d, c);
	put_told(out, d);
	put_doing(out, g, d, c);
	json_out_text(out, "note", c ? c->note : "");
	view_put_time(out, "enrolled_at", d->enrolled_s * 1000);
	json_out_text(out, "enrolled_by", c ? c->enrolled_by : "");
	view_put_time(out, "end_of_support", gateway_ms(support_until(g, d)));
	json_out_text(out, "support", support_state(g, d));
	json_out_array(out, "warnings");
	view_put_warnings(out, g, d, false);
	json_out_end_array(out);
	json_out_end_object(out);
}

json_t *view_device(struct gateway *g, const struct device *d)
{
	struct view_text_of_one one;

	view_begin(&one);
	view_put_device(&one.out, g, d);
	return view_read(&one);
}
