#include "tools/sim/report.h"

#include <stdio.h>

static json_t *hex(unsigned long long value, int digits)
{
	return json_sprintf("0x%0*llx", digits, value);
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* The smallest power of two microseconds that so many answers took at most. */
static json_t *quantile(const struct node *n, unsigned percent)
{
	uint64_t total = 0, seen = 0;

	for (int i = 0; i < NODE_RTT_BUCKETS; i++)
		total += n->rtt[i];
	for (int i = 0; i < NODE_RTT_BUCKETS; i++) {
		seen += n->rtt[i];
		if (seen > 0 && seen * 100 >= total * percent)
			return number(UINT64_C(2) << i);
	}
	return json_null();
}

static json_t *node_counts(const struct node *n)
{
	json_t *o = json_object();

#define COUNT_JSON(name) json_object_set_new(o, #name, number(n->counts.name));
	NODE_COUNT_MAP(COUNT_JSON)
#undef COUNT_JSON
	return o;
}

json_t *report_node(const struct node *n)
{
	const struct node_ota *o = &n->ota;
	bool loading = node_is_downloading(n);
	json_t *j = json_object();

	json_object_set_new(j, "name", json_string(n->setup.name));
	json_object_set_new(j, "state", json_string(node_phase_name(n)));
	json_object_set_new(j, "eui64",
		json_sprintf("%016llx", (unsigned long long)n->setup.eui64));
	json_object_set_new(j, "nwk", hex(n->nwk, 4));
	json_object_set_new(j, "sleepy", json_boolean(node_is_sleepy(n)));
	json_object_set_new(j, "manufacturer", hex(n->own.manufacturer, 4));
	json_object_set_new(j, "image_type", hex(n->own.type, 4));
	json_object_set_new(j, "file_version", hex(n->own.version, 8));
	json_object_set_new(j, "sw_build", json_string(n->sw_build));
	json_object_set_new(j, "sha256",
		n->sha256[0] ? json_string(n->sha256) : json_null());
	json_object_set_new(j, "size", number(n->last_size));
	json_object_set_new(j, "download",
		loading ? json_pack("{s:o, s:I, s:I}", "file_version",
				  hex(o->key.version, 8), "offset",
				  (json_int_t)o->offset, "size",
				  (json_int_t)o->size)
			: json_null());
	json_object_set_new(j, "rtt_us",
		json_pack("{s:o, s:o}", "p50", quantile(n, 50), "p95",
			quantile(n, 95)));
	json_object_set_new(j, "counts", node_counts(n));
	return j;
}

static json_t *radio_counts(const struct radio *r)
{
	const struct mesh_counts *c = mesh_counts(r->mesh);
	const struct air *air = mesh_air(r->mesh);
	json_t *o = json_object();

#define COUNT_JSON(name) json_object_set_new(o, #name, number(c->name));
	MESH_COUNT_MAP(COUNT_JSON)
#undef COUNT_JSON
	json_object_set_new(o, "air_frames", number(air->frames));
	json_object_set_new(o, "air_lost", number(air->lost));
	json_object_set_new(o, "air_duplicated", number(air->duplicated));
	json_object_set_new(o, "air_busy_us", number(air->busy_us));
	json_object_set_new(o, "bytes_in", number(r->bytes_in));
	json_object_set_new(o, "bytes_out", number(r->bytes_out));
	json_object_set_new(o, "resets", number(r->resets));
	json_object_set_new(o, "unplugs", number(r->unplugs));
	return o;
}

/* What tests and benchmarks add up. */
static json_t *radio_sums(const struct radio *r)
{
	uint64_t sums[] = {0, 0, 0, 0, 0};

	for (size_t i = 0; i < mesh_count(r->mesh); i++) {
		const struct node *n = mesh_node(r->mesh, i);

		sums[0] += n->counts.updates;
		sums[1] += n->counts.blocks;
		sums[2] += n->counts.bytes;
		sums[3] += n->counts.bad_bytes;
		sums[4] += n->counts.retries;
	}
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "updates",
		(json_int_t)sums[0], "blocks", (json_int_t)sums[1], "bytes",
		(json_int_t)sums[2], "bad_bytes", (json_int_t)sums[3],
		"retries", (json_int_t)sums[4]);
}

json_t *report_radio(const struct radio *r, bool nodes)
{
	const struct ncp_network *net = mesh_network(r->mesh);
	json_t *j = json_object(), *list;

	json_object_set_new(j, "name", json_string(r->name));
	json_object_set_new(j, "protocol", json_string(r->ops->name));
	json_object_set_new(j, "plugged", json_boolean(r->plugged));
	json_object_set_new(j, "connected", json_boolean(r->fd >= 0));
	json_object_set_new(j, "port", json_string(r->port_name));
	json_object_set_new(
		j, "link", r->path[0] ? json_string(r->path) : json_null());
	json_object_set_new(j, "network",
		json_pack("{s:b, s:o, s:i, s:o}", "formed", net->formed, "pan",
			hex(net->pan, 4), "channel", net->channel, "ext_pan",
			hex(net->ext_pan, 16)));
	json_object_set_new(j, "node_count", number(mesh_count(r->mesh)));
	json_object_set_new(j, "in_flight", number(mesh_in_flight(r->mesh)));
	json_object_set_new(j, "counts", radio_counts(r));
	json_object_set_new(j, "sums", radio_sums(r));
	if (!nodes)
		return j;
	list = json_array();
	for (size_t i = 0; i < mesh_count(r->mesh); i++)
		json_array_append_new(
			list, report_node(mesh_node(r->mesh, i)));
	json_object_set_new(j, "nodes", list);
	return j;
}
