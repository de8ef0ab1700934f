/* Names of things that a host opens for a driver, as text: what is common to the
 * host and to drivers that want to know early whether it will be understood. No
 * state; any thread. */
#ifndef FERRY_TRANSPORTS_TARGET_H
#define FERRY_TRANSPORTS_TARGET_H

#include <stdbool.h>

#define TARGET_HOST_SIZE 256

/* "tcp://HOST:PORT" in its parts, HOST maybe in brackets, PORT a number or the
 * name of a service. `ret_port` points into `text`. 0 or -EINVAL. */
int target_tcp_read(const char *text, char ret_host[TARGET_HOST_SIZE],
	const char **ret_port);

bool target_is_tcp(const char *text);

#endif
