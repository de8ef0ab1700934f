/* Makes a descriptor of a serial line ours, for every driver that owns one. A
 * PTY is a serial line too. Any thread. */
#ifndef FERRY_SERIAL_TTY_H
#define FERRY_SERIAL_TTY_H

#include "transports/serial/settings.h"

/* Locks it against other programs, keeps in `saved` (may be NULL) what was set
 * before unless something is there already, applies `settings`, asks for low
 * latency, drops what is in its buffers. 0, or -errno with a static `ret_text`
 * where one helps; `ret_warning` gets a static text or NULL. */
int serial_tty_take(int fd, const struct serial_settings *settings,
	bool low_latency, struct serial_saved *saved, const char **ret_warning,
	const char **ret_text);

/* Drops what waits and unlocks; the descriptor is the caller's to close. */
void serial_tty_drop(int fd);

#endif
