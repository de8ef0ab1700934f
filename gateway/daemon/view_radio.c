/* What is shown of a link with a radio. */
#include "gateway/daemon/radio.h"
#include "gateway/daemon/view.h"

#define FILLED_SIZE 256

static double per_cent(unsigned basis_points)
{
	return basis_points / 100.0;
}

static json_t *view_loudest(const struct radio *r,
	const struct talker_use *use)
{
	const struct device *d = use->bp ? registry_device_of_peer(
		r->line->gateway->registry, r->line->name, use->key) : NULL;

	return use->bp ? json_pack("{s:s,s:s?,s:f}", "peer", use->key,
		"device", d ? d->id : NULL, "pct", per_cent(use->bp)) :
		json_null();
}

json_t *view_airtime(const struct radio *r)
{
	struct network_numbers n;
	char text[FILLED_SIZE];

	if (!r || !r->network)
		return json_null();
	network_count(r->network, &n);
	return json_pack("{s:o,s:f,s:f,s:f,s:i,s:i,s:o,s:s?}", "budget_pct",
		n.airtime.budget_pct ? json_integer(n.airtime.budget_pct) :
		json_null(), "used_pct", per_cent(n.airtime.sent_bp +
		n.airtime.received_bp), "sent_pct",
		per_cent(n.airtime.sent_bp), "received_pct",
		per_cent(n.airtime.received_bp), "held", (int)n.held,
		"window_s", AIRTIME_WINDOW_MS / 1000, "loudest",
		view_loudest(r, &n.loudest), "text", radio_is_filled(r, text,
		sizeof(text)) ? text : NULL);
}

json_t *view_network(const struct radio *r)
{
	struct network_numbers n;

	if (!r || !r->network)
		return json_null();
	network_count(r->network, &n);
	return json_pack("{s:s,s:b,s:o,s:i,s:i,s:i,s:i,s:i,s:I,s:I}", "engine",
		r->line->config->network->engine, "served",
		network_is_served(r->network), "text",
		view_text(r->line->address), "peers", (int)r->peers.present,
		"sleepy", (int)r->peers.sleepy,
		"offers", (int)n.offers, "downloads", (int)n.downloads,
		"asleep", (int)n.asleep, "frames_in", (json_int_t)n.frames_in,
		"frames_out", (json_int_t)n.frames_out);
}
