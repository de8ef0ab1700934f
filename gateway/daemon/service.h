/* The service manager: readiness, watchdog-free notices, and descriptors kept
 * over a restart (systemd's FD store). Does nothing where there is none. */
#ifndef FERRY_GATEWAY_DAEMON_SERVICE_H
#define FERRY_GATEWAY_DAEMON_SERVICE_H

/* "READY=1", "STOPPING=1", "STATUS=..." */
void service_tell(const char *text);

/* Gives a copy of the descriptor of `target` into keeping. */
void service_keep(const char *target, int fd);

/* Nobody will ask for the descriptor of `target` any more. */
void service_drop(const char *target);

/* A descriptor that was kept for `target` and still is what stands there; it is
 * then the caller's. Or -1. */
int service_take(const char *target);

/* True when a manager that keeps descriptors is there. */
int service_keeps(void);

#endif
