#include "tools/sim/radio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tools/sim/world.h"

/* Frames in flight that hosts allow a CC26xx, and other coprocessors. */
#define ZNP_BUFFERS 16
#define BUFFERS 8
/* The network's clock is looked at that often: what falls between two ticks goes
 * to the host together, as a coprocessor's interrupts and its UART gather it. The
 * air keeps its own time (mesh_time()), and what the host says is served at once. */
#define TICK_NS UINT64_C(100000)

static const char *front_name(enum group_transport transport)
{
	switch (transport) {
	case TRANSPORT_ZNP:
		return "znp";
	case TRANSPORT_EZSP:
		return "ezsp";
	case TRANSPORT_DECONZ:
		return "deconz";
	case TRANSPORT_ZCL_SOCKET:
		return "zcl-socket";
	case TRANSPORT_PTY:
	case TRANSPORT_TCP:
	case TRANSPORT_SIM:
		return "";
	}
	return "";
}

/* ---- time ---- */

static uint64_t at_tick(uint64_t due)
{
	uint64_t late = due % TICK_NS;

	return due == NCP_NEVER || late == 0 ? due : due - late + TICK_NS;
}

static void arm(struct radio *r)
{
	struct itimerspec when = {0};
	uint64_t due = at_tick(mesh_due(r->mesh));
	uint64_t other = r->ops->due(r->ncp);

	if (other < due)
		due = other;
	other = radio_port_due(r);
	if (other < due)
		due = other;
	if (r->replug_at < due)
		due = r->replug_at;
	if (due == r->armed)
		return;
	r->armed = due;
	if (due == 0)
		due = 1;
	if (due != NCP_NEVER) {
		when.it_value.tv_sec = (time_t)(due / 1000000000u);
		when.it_value.tv_nsec = (long)(due % 1000000000u);
	}
	timerfd_settime(r->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void radio_service(struct radio *r, uint64_t now)
{
	if (r->replug_at <= now)
		radio_replug(r, now);
	radio_port_input(r, now);
	mesh_time(r->mesh, now);
	if (r->ops->due(r->ncp) <= now)
		r->ops->time(r->ncp, now);
	radio_port_output(r, now);
	arm(r);
}

static void on_timer(uv_poll_t *poll, int status, int events)
{
	struct radio *r = poll->data;

	(void)status;
	(void)events;
	/* That it ran out is forgotten when it is set again, which it will be. */
	r->armed = 0;
	radio_service(r, uv_hrtime());
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle);
}

static int timer_begin(struct radio *r)
{
	r->timer_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	r->timer = calloc(1, sizeof(*r->timer));
	if (r->timer_fd < 0 || !r->timer)
		return -ENOMEM;
	if (uv_poll_init(world_loop(r->world), r->timer, r->timer_fd) < 0) {
		free(r->timer);
		r->timer = NULL;
		return -ENOMEM;
	}
	r->timer->data = r;
	return uv_poll_start(r->timer, UV_READABLE, on_timer);
}

/* ---- life ---- */

static int make_path(struct radio *r, const struct group *g, const char *dir)
{
	const char *end = "";
	int n;

	if (r->ops->packets)
		end = ".sock";
	else if (r->settings.port == ZIGBEE_TCP)
		end = ".port";
	if (g->link[0])
		n = snprintf(r->path, sizeof(r->path), "%s", g->link);
	else if (dir)
		n = snprintf(r->path, sizeof(r->path), "%s/%s%s", dir, r->name,
			end);
	else
		return r->ops->packets ? -EINVAL : 0;
	return n >= (int)sizeof(r->path) ? -ENAMETOOLONG : 0;
}

static int make(struct radio *r, const struct group *g, const char *dir,
	struct fault *fault)
{
	int err;

	r->ops = ncp_find(front_name(g->transport));
	if (!r->ops)
		return fault_set(fault, -EINVAL, 0, "transport",
			"there is no coordinator of that kind");
	err = make_path(r, g, dir);
	if (err)
		return fault_set(fault, err, 0, "coordinator",
			"%s makes no path", r->name);
	r->settings.mesh.air.seed = g->setup.image.seed;
	if (r->settings.mesh.network.buffers == 0)
		r->settings.mesh.network.buffers =
			g->transport == TRANSPORT_ZNP ? ZNP_BUFFERS : BUFFERS;
	err = mesh_new(&r->settings.mesh, &r->mesh);
	if (!err)
		err = r->ops->create(r->mesh, r->settings.options, &r->ncp);
	if (err)
		return fault_set(fault, err, 0, "options", "%s: %s",
			r->settings.options, err_text(err));
	mesh_attach(r->mesh, r->ops, r->ncp);
	err = timer_begin(r);
	if (!err)
		err = radio_port_open(r);
	if (err)
		return fault_set(fault, err, 0, "coordinator", "%s: %s",
			r->name, err_text(err));
	return 0;
}

int radio_new(struct world *w, const struct group *g, const char *dir,
	struct radio **ret, struct fault *fault)
{
	struct radio *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return fault_set(fault, -ENOMEM, 0, "coordinator", "no memory");
	r->world = w;
	r->settings = g->zigbee;
	r->baud = g->setup.baud;
	r->plugged = true;
	r->replug_at = NCP_NEVER;
	r->fd = r->slave_fd = r->listen_fd = r->timer_fd = -1;
	memcpy(r->name, g->zigbee.coordinator, sizeof(r->name));
	err = make(r, g, dir, fault);
	if (err) {
		radio_close(r);
		return err;
	}
	*ret = r;
	return 0;
}

static int node_setup_of(const struct group *g, uint32_t index,
	const char *dir, struct node_setup *ret, struct fault *fault)
{
	const char *pattern = g->flash;
	int n = 0;

	*ret = g->zigbee.node;
	ret->eui64 += g->first + index;
	ret->think_ns = g->setup.think_us * 1000;
	ret->boot_ns = g->setup.boot_us * 1000;
	if (group_expand(g, g->name, index, ret->name, sizeof(ret->name)) < 0)
		return fault_set(fault, -EINVAL, 0, "name",
			"%s makes no name", g->name);
	if (g->flash_in_memory)
		return 0;
	if (pattern[0])
		return group_expand(g, pattern, index, ret->state_path,
			sizeof(ret->state_path));
	if (dir)
		n = snprintf(ret->state_path, sizeof(ret->state_path),
			"%s/%s.flash", dir, ret->name);
	return n >= (int)sizeof(ret->state_path)
		       ? fault_set(fault, -ENAMETOOLONG, 0, "flash",
				 "%s: the path is too long", ret->name)
		       : 0;
}

/* Commands find everything by name. */
static bool is_taken(struct radio *r, const char *name)
{
	struct radio *of;

	return strcmp(r->name, name) == 0 || world_find(r->world, name) ||
	       world_find_radio(r->world, name) ||
	       world_find_node(r->world, name, &of);
}

int radio_add(struct radio *r, const struct group *g, const char *dir,
	struct fault *fault)
{
	struct expected *expected = NULL;
	int err;

	if (g->image[0]) {
		if (r->expected_count == RADIO_GROUPS_MAX)
			return fault_set(fault, -E2BIG, 0, "image",
				"more than %d", RADIO_GROUPS_MAX);
		err = expected_open(g->image, &expected, fault);
		if (err)
			return err;
		r->expected[r->expected_count++] = expected;
	}
	for (uint32_t i = 0; i < g->count; i++) {
		struct node_setup setup;

		err = node_setup_of(g, i, dir, &setup, fault);
		if (!err && is_taken(r, setup.name))
			err = fault_set(fault, -EEXIST, 0, "name",
				"%s is there twice", setup.name);
		setup.expected = expected;
		if (!err)
			err = mesh_add(
				r->mesh, &setup, uv_hrtime(), fault, NULL);
		if (err)
			return err;
	}
	arm(r);
	return 0;
}

void radio_close(struct radio *r)
{
	if (!r)
		return;
	radio_port_close(r);
	if (r->timer) {
		uv_poll_stop(r->timer);
		uv_close((uv_handle_t *)r->timer, on_timer_closed);
	}
	if (r->timer_fd >= 0)
		close(r->timer_fd);
	if (r->ncp)
		r->ops->destroy(r->ncp);
	mesh_free(r->mesh);
	for (size_t i = 0; i < r->expected_count; i++)
		expected_close(r->expected[i]);
	free(r);
}

/* ---- commands ---- */

void radio_reset(struct radio *r, uint64_t now)
{
	r->resets++;
	r->out_len = 0;
	/* A hub's stack restarts as a process does. */
	if (r->ops->packets)
		radio_drop(r);
	mesh_forget_endpoints(r->mesh);
	r->ops->reset(r->ncp, now);
	radio_service(r, now);
}

void radio_unplug(struct radio *r, uint64_t now, uint64_t ns)
{
	if (!r->plugged)
		return;
	r->plugged = false;
	r->unplugs++;
	r->replug_at = ns == NCP_NEVER ? NCP_NEVER : now + ns;
	radio_port_close(r);
	mesh_forget_endpoints(r->mesh);
	arm(r);
}

void radio_replug(struct radio *r, uint64_t now)
{
	r->replug_at = NCP_NEVER;
	if (r->plugged)
		return;
	if (radio_port_open(r) < 0) {
		radio_port_close(r);
		r->replug_at = now + 1000000000u;
		return;
	}
	r->plugged = true;
	radio_reset(r, now);
}

int radio_set(struct radio *r, const char *text, struct fault *fault)
{
	char key[64];
	size_t len = strcspn(text, "=");
	int err;

	if (text[len] != '=' || len >= sizeof(key))
		return fault_set(
			fault, -EINVAL, 0, "set", "wants NAME KEY=VALUE");
	memcpy(key, text, len);
	key[len] = '\0';
	err = zigbee_change(&r->settings, key, text + len + 1, fault);
	if (err)
		return err;
	mesh_set_air(r->mesh, &r->settings.mesh.air);
	mesh_set_confirms(r->mesh, r->settings.mesh.confirms);
	return 0;
}
