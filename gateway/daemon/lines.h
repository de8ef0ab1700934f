/* The lines of the configuration, and what follows for devices and jobs from
 * what one of them sees. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_LINES_H
#define FERRY_GATEWAY_DAEMON_LINES_H

#include "gateway/daemon/line.h"

extern const struct line_events lines_events;

/* Opens those that are not there yet. */
void lines_open(struct gateway *g);

/* The configuration is another one. True when it has the line as it is, which
 * then goes on by it: closing and opening a port may restart the board behind
 * it. */
bool lines_take_over(struct line *l, const struct config *config);

#endif
