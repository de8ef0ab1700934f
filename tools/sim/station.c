#include "tools/sim/station.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/sim/hub.h"
#include "tools/sim/world.h"

/* `pattern` of the group, or DIR/NAME and `suffix`; empty without both. */
static int make_path(const struct group *g, const char *pattern, uint32_t index,
	const char *dir, const char *suffix, char ret[GROUP_PATH_SIZE])
{
	char name[DEVICE_NAME_SIZE];
	int n = 0;

	ret[0] = '\0';
	if (pattern[0])
		return group_expand(g, pattern, index, ret, GROUP_PATH_SIZE);
	if (group_expand(g, g->name, index, name, sizeof(name)) < 0)
		return -EINVAL;
	if (dir)
		n = snprintf(
			ret, GROUP_PATH_SIZE, "%s/%s%s", dir, name, suffix);
	return n >= GROUP_PATH_SIZE ? -EINVAL : 0;
}

static int open_port(struct station *s)
{
	switch (s->transport) {
	case TRANSPORT_PTY:
		return port_pty_open(s);
	case TRANSPORT_TCP:
		return port_tcp_open(s);
	case TRANSPORT_SIM:
		return 0;
	case TRANSPORT_ZNP:
	case TRANSPORT_EZSP:
	case TRANSPORT_DECONZ:
	case TRANSPORT_ZCL_SOCKET:
		break; /* coordinators are radios (radio.h) */
	}
	return -EINVAL;
}

static int join_hub(struct station *s, const struct group *g, const char *dir,
	struct fault *fault)
{
	char path[GROUP_PATH_SIZE];
	struct hub *hub;

	if (g->hub[0])
		snprintf(path, sizeof(path), "%s", g->hub);
	else if (!dir || snprintf(path, sizeof(path), "%s/hub.sock", dir) >=
				 (int)sizeof(path))
		return fault_set(fault, -EINVAL, 0, "hub", "has no path");
	hub = world_hub(s->world, path, fault);
	if (!hub)
		return -EINVAL;
	snprintf(s->port_name, sizeof(s->port_name), "%s", path);
	s->security = g->security;
	hub_add(hub, s);
	return 0;
}

static int open_device(struct station *s, const struct group *g, uint32_t index,
	const char *dir, struct fault *fault)
{
	struct device_setup setup = g->setup;
	char flash[GROUP_PATH_SIZE];

	if (group_expand(g, g->name, index, setup.name, sizeof(setup.name)) <
			0 ||
		make_path(g, g->link, index, dir,
			g->transport == TRANSPORT_TCP ? ".port" : "",
			s->path) < 0 ||
		make_path(g, g->flash, index, dir, ".flash", flash) < 0)
		return fault_set(fault, -EINVAL, 0, "name",
			"%s makes no name or path", g->name);
	if (!g->flash_in_memory && flash[0])
		setup.flash_path = flash;
	if (g->image[0])
		setup.image_path = g->image;
	if (g->transport == TRANSPORT_SIM) {
		setup.framing = FRAMING_DATAGRAM;
		s->path[0] = '\0';
	}
	if (g->device_keys[0]) {
		int err = suit_key_read(g->device_keys, setup.name,
			setup.suit_key, fault);

		if (err)
			return err;
		setup.suit = true;
	}
	if (unseal_parse(g->sealed, &setup.unseal))
		return fault_set(fault, -EINVAL, 0, "sealed",
			"must be KEY:COUNTER, 32 hexadecimal digits each");
	return device_open(&s->device, &setup, &g->sw, uv_hrtime(), fault);
}

int station_new(struct world *w, const struct group *g, uint32_t index,
	const char *dir, struct station **ret, struct fault *fault)
{
	struct station *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return fault_set(fault, -ENOMEM, 0, "devices", "no memory");
	s->world = w;
	s->transport = g->transport;
	s->baud_of_line = g->baud_of_line;
	s->plugged = true;
	s->fd = s->slave_fd = s->listen_fd = -1;
	err = open_device(s, g, index, dir, fault);
	if (err) {
		free(s);
		return err;
	}
	err = s->transport == TRANSPORT_SIM ? join_hub(s, g, dir, fault)
					    : open_port(s);
	if (err) {
		fault_set(fault, err, 0, s->device.name, "port: %s",
			err_text(err));
		port_stream_close(s);
		device_close(&s->device);
		free(s);
		return err;
	}
	*ret = s;
	return 0;
}

void station_close(struct station *s)
{
	if (s->transport != TRANSPORT_SIM)
		port_stream_close(s);
	device_close(&s->device);
	free(s);
}

/* A PTY comes back under another name: the old one is given up only after the
 * new one is there. */
static void change_plug(struct station *s)
{
	int old_slave = s->slave_fd;

	s->plugged = s->device.plugged;
	if (s->transport == TRANSPORT_SIM)
		return;
	if (!s->plugged) {
		s->slave_fd = -1;
		port_stream_close(s);
		s->slave_fd = old_slave;
		return;
	}
	s->slave_fd = -1;
	if (open_port(s) < 0)
		device_unplug(&s->device, uv_hrtime(), 1000000000u);
	if (old_slave >= 0)
		close(old_slave);
}

void station_service(struct station *s, uint64_t now)
{
	uint64_t port_due;

	device_advance(&s->device, now);
	if (s->plugged != s->device.plugged)
		change_plug(s);
	if (s->transport == TRANSPORT_SIM) {
		hub_service(s, now);
		port_due = hub_due(s);
	} else {
		port_stream_service(s, now);
		port_due = port_stream_due(s);
	}
	s->due = device_deadline(&s->device);
	if (port_due < s->due)
		s->due = port_due;
	world_schedule(s->world, s);
}
