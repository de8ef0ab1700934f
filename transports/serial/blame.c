#include "transports/serial/blame.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

struct blame {
	int error;
	const char *words;
};

static const struct blame path_blames[] = {
	{-ENODEV, "there is no such port; is it plugged in? ls "
		  "/dev/serial/by-id shows what is"},
	{-ENOENT, "there is no such port; is it plugged in? ls "
		  "/dev/serial/by-id shows what is"},
	{-ENXIO, "nothing is behind this port"},
	{-EIO, "nothing answers behind this port"},
	{-EACCES, "permission denied; the user that ferryd runs as must be in "
		  "the group of the port, mostly dialout"},
	{-EPERM, "not permitted; a unit needs DeviceAllow= for it"},
	{-EBUSY, "another program holds the port; fuser -v shows which"},
	{0, NULL},
};

static const struct blame usb_blames[] = {
	{-ENODEV, "no USB serial port has this identity; is it plugged in? "
		  "udevadm info -q property /dev/ttyUSB0 shows one's"},
	{-EEXIST, "several USB serial ports have this identity; add the serial "
		  "number, or name the path in /dev/serial/by-path"},
	{0, NULL},
};

static const struct blame tcp_blames[] = {
	{-ECONNREFUSED, "nobody listens there; does the serial server run, is "
			"the port number right?"},
	{-EHOSTUNREACH, "the host cannot be found or reached; look at its name "
			"and at the network"},
	{-ENETUNREACH, "there is no way to that network"},
	{-ETIMEDOUT, "no answer; is the host switched on, does a firewall "
		     "stand between?"},
	{-ECONNRESET, "the serial server hung up"},
	{0, NULL},
};

static const struct blame socket_blames[] = {
	{-ENOENT, "there is no such socket; does the hub's stack run?"},
	{-ECONNREFUSED, "nobody listens at this socket; does the hub's stack "
			"run?"},
	{-EACCES, "permission denied; the user that ferryd runs as must be "
		  "able to write to the socket: SupplementaryGroups= in a "
		  "drop-in"},
	{-EBUSY, "the hub's stack does not accept connections"},
	{-EPROTOTYPE, "it is a socket of another kind; SOCK_SEQPACKET is "
		      "needed"},
	{0, NULL},
};

static const char *words_of(const struct blame *blames, int error)
{
	while (blames->words && blames->error != error)
		blames++;
	return blames->words;
}

const char *serial_blame(const char *target, int error, const char *why,
	char *text, size_t size)
{
	const char *shown = target;

	if (!strncmp(target, "seqpacket:", 10)) {
		shown = target + 10;
		why = why ? why : words_of(socket_blames, error);
	} else if (!strncmp(target, "tcp://", 6)) {
		why = why ? why : words_of(tcp_blames, error);
	} else if (!strncmp(target, "usb:", 4)) {
		why = why ? why : words_of(usb_blames, error);
	}
	/* A USB port that was found is a path from there on. */
	if (!why && shown == target && strncmp(target, "tcp://", 6) != 0)
		why = words_of(path_blames, error);
	snprintf(text, size, "%s: %s", shown, why ? why : err_text(error));
	return text;
}
