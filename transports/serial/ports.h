/* Finds and identifies serial ports of this machine by what the kernel knows
 * about them (through libserialport). Opens nothing. Reads a few files of /sys:
 * milliseconds, no device is touched. Any thread. */
#ifndef FERRY_SERIAL_PORTS_H
#define FERRY_SERIAL_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIAL_PORTS_MAX 256u

struct serial_port {
	char path[256]; /* "/dev/ttyUSB0" */
	bool usb;
	uint16_t vid;
	uint16_t pid;
	char serial[64]; /* printable; "" when it has none */
	char product[64];
};

/* At most `max` ports into `ret`. The number found, or -errno. */
int serial_ports_list(struct serial_port *ret, size_t max);

/* "usb:VID:PID" or "usb:VID:PID:SERIAL", VID and PID in hexadecimal. -EINVAL when
 * it is not of that form. Only vid, pid and serial of `ret` are set. */
int serial_port_parse_usb(const char *text, struct serial_port *ret);

/* How a setting names a port. */
enum serial_place {
	SERIAL_PLACE_PATH,
	SERIAL_PLACE_USB, /* by its identity */
	SERIAL_PLACE_TCP, /* of a serial server */
};

#define SERIAL_PLACE_RULE \
	"must be an absolute path, usb:VID:PID[:SERIAL] or tcp://HOST:PORT"

/* 0, or -EINVAL: SERIAL_PLACE_RULE says what it should be. */
int serial_place_read(const char *text, enum serial_place *ret);

/* The port with the identity `want`. 0, -ENODEV (none), -EEXIST (several: which
 * one is meant cannot be known). */
int serial_port_find(
	const struct serial_port *want, struct serial_port *ret);

/* What is known of the port at a path, links followed. 0 or -ENODEV. */
int serial_port_describe(const char *path, struct serial_port *ret);

#endif
