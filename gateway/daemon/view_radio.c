/* What is shown of a link with a radio. */
#include "gateway/daemon/radio.h"
#include "gateway/daemon/view.h"

static double per_cent(unsigned basis_points)
{
	return basis_points / 100.0;
}

json_t *view_airtime(const struct radio *r)
{
	struct network_numbers n;

	if (!r || !r->network)
		return json_null();
	network_count(r->network, &n);
	return json_pack("{s:o,s:f,s:f,s:f,s:i,s:i}", "budget_pct",
		n.airtime.budget_pct ? json_integer(n.airtime.budget_pct) :
		json_null(), "used_pct", per_cent(n.airtime.sent_bp +
		n.airtime.received_bp), "sent_pct",
		per_cent(n.airtime.sent_bp), "received_pct",
		per_cent(n.airtime.received_bp), "held", (int)n.held,
		"window_s", AIRTIME_WINDOW_MS / 1000);
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
