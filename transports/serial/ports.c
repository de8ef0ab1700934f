#include "transports/serial/ports.h"

#include <errno.h>
#include <libserialport.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transports/target.h"

/* Names that a device gives itself, cut to what can stand in a key. */
static void text_take(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; from && from[i] && i + 1 < size; i++)
		to[i] = from[i] > ' ' && from[i] <= '~' ? from[i] : '_';
	to[i] = 0;
}

static void port_take(struct sp_port *from, struct serial_port *ret)
{
	const char *name = sp_get_port_name(from);
	int vid = 0, pid = 0;

	memset(ret, 0, sizeof(*ret));
	snprintf(ret->path, sizeof(ret->path), "%s", name ? name : "");
	if (sp_get_port_transport(from) != SP_TRANSPORT_USB)
		return;
	ret->usb = true;
	if (sp_get_port_usb_vid_pid(from, &vid, &pid) == SP_OK) {
		ret->vid = (uint16_t)vid;
		ret->pid = (uint16_t)pid;
	}
	text_take(
		ret->serial, sizeof(ret->serial), sp_get_port_usb_serial(from));
	text_take(ret->product, sizeof(ret->product),
		sp_get_port_usb_product(from));
}

int serial_ports_list(struct serial_port *ret, size_t max)
{
	struct sp_port **list;
	enum sp_return err = sp_list_ports(&list);
	size_t i;

	/* Without /sys nothing can be listed. */
	if (err != SP_OK)
		return err == SP_ERR_MEM ? -ENOMEM : -ENODEV;
	for (i = 0; list[i] && i < max && i < SERIAL_PORTS_MAX; i++)
		port_take(list[i], &ret[i]);
	sp_free_port_list(list);
	return (int)i;
}

/* Not by strtoul alone: it would read "0x" too. */
static int take_hex(const char **at, uint16_t *ret)
{
	size_t digits = strspn(*at, "0123456789abcdefABCDEF");
	char text[5] = "";

	if (digits < 1 || digits > 4)
		return -EINVAL;
	memcpy(text, *at, digits);
	*ret = (uint16_t)strtoul(text, NULL, 16);
	*at += digits;
	return 0;
}

int serial_port_parse_usb(const char *text, struct serial_port *ret)
{
	struct serial_port out = {.usb = true};
	const char *at = text;

	if (strncmp(at, "usb:", 4) != 0)
		return -EINVAL;
	at += 4;
	if (take_hex(&at, &out.vid) || *at++ != ':' || take_hex(&at, &out.pid))
		return -EINVAL;
	if (*at == ':') {
		at++;
		if (!*at || strlen(at) > 47 || strpbrk(at, " \t"))
			return -EINVAL;
		text_take(out.serial, sizeof(out.serial), at);
	} else if (*at) {
		return -EINVAL;
	}
	*ret = out;
	return 0;
}

int serial_place_read(const char *text, enum serial_place *ret)
{
	char host[TARGET_HOST_SIZE];
	struct serial_port want;
	const char *port;

	if (strlen(text) >= sizeof(want.path))
		return -EINVAL;
	if (text[0] == '/') {
		*ret = SERIAL_PLACE_PATH;
		return 0;
	}
	if (target_is_tcp(text)) {
		*ret = SERIAL_PLACE_TCP;
		return target_tcp_read(text, host, &port);
	}
	*ret = SERIAL_PLACE_USB;
	return serial_port_parse_usb(text, &want);
}

static bool port_matches(
	const struct serial_port *port, const struct serial_port *want)
{
	return port->usb && port->vid == want->vid && port->pid == want->pid &&
	       (!want->serial[0] || !strcmp(port->serial, want->serial));
}

int serial_port_find(const struct serial_port *want, struct serial_port *ret)
{
	struct serial_port port, hit = {0};
	struct sp_port **list;
	unsigned i, hits = 0;

	if (sp_list_ports(&list) != SP_OK)
		return -ENODEV;
	for (i = 0; list[i] && i < SERIAL_PORTS_MAX; i++) {
		port_take(list[i], &port);
		if (!port_matches(&port, want))
			continue;
		hit = port;
		hits++;
	}
	sp_free_port_list(list);
	if (hits != 1)
		return hits ? -EEXIST : -ENODEV;
	*ret = hit;
	return 0;
}

int serial_port_describe(const char *path, struct serial_port *ret)
{
	char real[PATH_MAX];
	struct sp_port *port;

	if (!realpath(path, real) || sp_get_port_by_name(real, &port) != SP_OK)
		return -ENODEV;
	port_take(port, ret);
	sp_free_port(port);
	return 0;
}
