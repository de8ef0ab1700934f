/* A line whose radio belongs to another program: the delegate of
 * gateway/relay/delegate.h in place of a transport. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_DELEGATED_H
#define FERRY_GATEWAY_DAEMON_DELEGATED_H

#include "gateway/daemon/line.h"
#include "gateway/relay/delegate.h"

/* As delegate_open(); it is closed with the line. */
int delegated_open(struct line *l, struct fault *fault);

/* As delegate_offer(); ERR_JOB_NO_LINK when the line (NULL: none) is not of
 * that kind. */
int delegated_offer(struct line *l, const struct device *device,
	const struct session_setup *setup, struct session **ret);

/* Whether the device runs on a battery and is mostly asleep; false when the line
 * (NULL: none) is not of that kind. */
bool delegated_is_sleepy(const struct line *l, const char *key);

#endif
