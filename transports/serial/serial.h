/* Driver "serial": one serial port, which is one peer with one stream channel.
 * The port is a path (also of a PTY), a USB identity, or a serial server over
 * TCP. Static table, linked into the daemon. */
#ifndef FERRY_SERIAL_SERIAL_H
#define FERRY_SERIAL_SERIAL_H

#include "ferry/transport.h"

const struct ferry_driver *serial_driver(void);

#endif
