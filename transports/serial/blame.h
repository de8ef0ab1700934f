/* Why something could not be opened or has gone, in words for people: what it
 * is, what is wrong with it, what helps. Pure; any thread. */
#ifndef FERRY_SERIAL_BLAME_H
#define FERRY_SERIAL_BLAME_H

#include <stddef.h>

/* "/dev/ttyUSB0: there is no such port; is it plugged in?". `target` is a path,
 * "usb:...", "tcp://..." or "seqpacket:PATH"; `error` is -errno as open_device()
 * or serial_port_find() give it. `why`: what is known better than the number, or
 * NULL. Fills `text`, cut to fit, and returns it. */
const char *serial_blame(const char *target, int error, const char *why,
	char *text, size_t size);

#endif
