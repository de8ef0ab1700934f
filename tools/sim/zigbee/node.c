#include "tools/sim/zigbee/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/sim/zigbee/mesh.h"

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)
#define CHECK_IN_WAIT_NS (2 * S)

void node_setup_init(struct node_setup *setup)
{
	*setup = (struct node_setup){
		.name = "node",
		.eui64 = UINT64_C(0x00124b0000000001),
		.endpoint = 1,
		.hops = 1,
		.manufacturer = 0x1234,
		.image_type = 0x0102,
		.file_version = 1,
		.model = "bulb",
		.maker = "Ferry",
		.think_ns = 2 * MS,
		.boot_ns = 100 * MS,
		.fast_poll_ns = 100 * MS,
	};
	timers_preset("ember", &setup->timers, NULL);
}

static const char *const phase_names[] = {
#define PHASE_NAME(id, name) [NODE_##id] = name,
	NODE_PHASE_MAP(PHASE_NAME)
#undef PHASE_NAME
};

const char *node_phase_name(const struct node *n)
{
	return n->joined ? phase_names[n->ota.phase] : "away";
}

bool node_is_sleepy(const struct node *n)
{
	return n->setup.poll_ns != 0;
}

bool node_is_deaf(const struct node *n)
{
	return !n->joined || n->ota.phase == NODE_RESTARTING ||
	       n->ota.phase == NODE_DEAD;
}

bool node_is_downloading(const struct node *n)
{
	return n->ota.phase >= NODE_BLOCKS && n->ota.phase <= NODE_ENDING;
}

int node_init(struct node *n, struct mesh *mesh, const struct node_setup *setup,
	uint64_t seed, struct fault *fault)
{
	n->mesh = mesh;
	n->setup = *setup;
	n->random = (seed << 20 ^ setup->eui64) * 2 + 1;
	air_random(&n->random);
	n->own = (struct node_key){setup->manufacturer, setup->image_type,
		setup->file_version};
	n->query_at = n->poll_at = n->check_in_at = n->flood_at = NCP_NEVER;
	n->ota.at = NCP_NEVER;
	if (setup->state_path[0]) {
		int err = node_flash_read(n, fault);

		if (err)
			return err;
	}
	if (setup->sw_build[0] && n->own.version == setup->file_version)
		memcpy(n->sw_build, setup->sw_build, sizeof(n->sw_build));
	else
		snprintf(n->sw_build, sizeof(n->sw_build), "%08x",
			n->own.version);
	return 0;
}

void node_done(struct node *n)
{
	node_ota_reset(n);
	free(n->ota.page);
	n->ota.page = NULL;
}

/* Not all devices of a house do the same at the same moment. */
static uint64_t some_of(struct node *n, uint64_t ns)
{
	return ns ? air_random(&n->random) % ns : 0;
}

static void plan(struct node *n, uint64_t now)
{
	uint64_t interval = n->setup.timers.interval_ms * MS;

	n->query_at = interval ? now + some_of(n, interval) : NCP_NEVER;
	if (trait_is_on(&n->setup.traits, TRAIT_QUERY_STORM))
		n->query_at = now;
	n->poll_at = node_is_sleepy(n) ? now + some_of(n, n->setup.poll_ns)
				       : NCP_NEVER;
	n->check_in_at = n->setup.check_in_ns
				 ? now + some_of(n, n->setup.check_in_ns)
				 : NCP_NEVER;
	n->flood_at = trait_is_on(&n->setup.traits, TRAIT_FLOOD) ? now
								: NCP_NEVER;
}

void node_start(struct node *n, uint64_t now)
{
	n->joined = true;
	n->counts.boots++;
	plan(n, now);
}

void node_send(struct node *n, uint64_t now, uint8_t dst_ep, uint16_t profile,
	uint16_t cluster, const uint8_t *asdu, size_t len)
{
	struct ncp_frame f = {
		.profile = profile,
		.cluster = cluster,
		.src_ep = profile == NODE_PROFILE_ZDO ? 0 : n->setup.endpoint,
		.dst_ep = dst_ep,
		.ack = true,
		.asdu = asdu,
		.asdu_len = (uint8_t)len,
	};

	mesh_uplink(n->mesh, n, now, &f);
	if (node_is_sleepy(n) && n->setup.fast_poll_ns &&
		n->poll_at > now + n->setup.fast_poll_ns)
		n->poll_at = now + n->setup.fast_poll_ns;
}

void node_heard(struct node *n, uint64_t now, const struct ncp_frame *f)
{
	if (f->profile == NODE_PROFILE_ZDO && f->dst_ep == 0)
		node_zdo_heard(n, now, f);
	else if (f->dst_ep == n->setup.endpoint || f->dst_ep == 0xff)
		node_zcl_heard(n, now, f);
	else
		n->counts.strangers++;
}

static void poll(struct node *n, uint64_t now)
{
	bool fast = n->setup.fast_poll_ns &&
		    (n->ota.asked || n->fast_until > now || n->held);

	n->counts.polls++;
	mesh_polled(n->mesh, n, now);
	n->poll_at = now + (fast ? n->setup.fast_poll_ns : n->setup.poll_ns);
}

static void check_in(struct node *n, uint64_t now)
{
	/* Cluster specific, from the server that the device is. */
	uint8_t frame[3] = {0x19, n->next_tsn++, 0x00};
	uint8_t ep;

	n->check_in_at = now + n->setup.check_in_ns;
	if (trait_is_on(&n->setup.traits, TRAIT_NO_POLL_CONTROL))
		return;
	if (!mesh_match(n->mesh, NODE_PROFILE_HA, NODE_CLUSTER_OTA, &ep))
		ep = 1;
	n->counts.check_ins++;
	if (n->fast_until < now + CHECK_IN_WAIT_NS)
		n->fast_until = now + CHECK_IN_WAIT_NS;
	node_send(n, now, ep, NODE_PROFILE_HA, NODE_CLUSTER_POLL, frame,
		sizeof(frame));
}

static void ask_by_itself(struct node *n, uint64_t now)
{
	uint64_t storm = trait_is_on(&n->setup.traits, TRAIT_QUERY_STORM)
				 ? trait_value(&n->setup.traits,
					   TRAIT_QUERY_STORM) * 1000
				 : 0;
	uint64_t interval = storm ? storm : n->setup.timers.interval_ms * MS;

	n->query_at = interval ? now + interval : NCP_NEVER;
	node_query(n, now);
}

void node_time(struct node *n, uint64_t now)
{
	if (!n->joined)
		return;
	if (n->ota.at <= now)
		node_ota_time(n, now);
	if (node_is_deaf(n))
		return;
	if (n->query_at <= now)
		ask_by_itself(n, now);
	if (n->check_in_at <= now)
		check_in(n, now);
	if (n->flood_at <= now)
		node_ota_flood(n, now);
	if (n->poll_at <= now)
		poll(n, now);
}

uint64_t node_due(const struct node *n)
{
	uint64_t due = n->ota.at;

	if (!n->joined)
		return NCP_NEVER;
	if (node_is_deaf(n))
		return due;
	if (n->query_at < due)
		due = n->query_at;
	if (n->check_in_at < due)
		due = n->check_in_at;
	if (n->flood_at < due)
		due = n->flood_at;
	return n->poll_at < due ? n->poll_at : due;
}

/* ---- commands ---- */

void node_announce(struct node *n, uint64_t now)
{
	n->counts.announces++;
	mesh_announced(n->mesh, n, now, false);
}

void node_restart(struct node *n, uint64_t now)
{
	n->ota.phase = NODE_RESTARTING;
	n->ota.asked = false;
	n->ota.at = now + n->setup.boot_ns;
	mesh_schedule(n->mesh, n);
}

void node_leave(struct node *n, uint64_t now)
{
	if (!n->joined)
		return;
	mesh_went(n->mesh, n, now);
	n->joined = false;
	mesh_schedule(n->mesh, n);
}

void node_join(struct node *n, uint64_t now, bool new_address)
{
	bool first = !n->joined;

	if (n->nwk == 0 || new_address)
		mesh_readdress(n->mesh, n);
	if (first)
		node_start(n, now);
	n->counts.announces++;
	mesh_announced(n->mesh, n, now, first || new_address);
	mesh_schedule(n->mesh, n);
}

int node_switch(struct node *n, uint64_t now, const char *text,
	struct fault *fault)
{
	int err = traits_set(&n->setup.traits, text, fault);

	if (err)
		return err;
	if (!trait_is_on(&n->setup.traits, TRAIT_FLOOD))
		n->flood_at = NCP_NEVER;
	else if (n->flood_at == NCP_NEVER)
		n->flood_at = now;
	if (trait_is_on(&n->setup.traits, TRAIT_QUERY_STORM) && n->joined)
		n->query_at = now;
	if (n->ota.phase == NODE_DEAD &&
		!trait_is_on(&n->setup.traits, TRAIT_STAYS_DEAD)) {
		n->ota.phase = NODE_RESTARTING;
		n->ota.at = now;
	}
	mesh_schedule(n->mesh, n);
	return 0;
}
