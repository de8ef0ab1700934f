/* The other end of the admin socket: one blocking HTTP/1.1 connection that asks
 * and reads answers, or follows an event stream.
 *
 * client_open() to client_close(). Single thread. */
#ifndef FERRY_GATEWAY_CTL_CLIENT_H
#define FERRY_GATEWAY_CTL_CLIENT_H

#include <jansson.h>

struct client;

/* Returns 0 or -errno of connect(). */
int client_open(const char *path, struct client **ret_client);
/* The same over a socket that is connected already; it is taken, also on a bad
 * result (-ENOMEM). */
int client_take(int take_fd, struct client **ret_client);
void client_close(struct client *client);

/* One request and its answer. `body` may be NULL. Returns 0 with the status and
 * the parsed body (NULL when it is no JSON), or -errno: -EPROTO for an answer
 * that is no HTTP, -ECONNRESET when ferryd hung up, -ETIMEDOUT. */
int client_ask(struct client *client, const char *method, const char *target,
	const json_t *body, unsigned *ret_status, json_t **ret_json);

/* Makes the connection an event stream. Like client_ask(); 0 with status 200
 * means that events follow. */
int client_watch(struct client *client, const char *target,
	unsigned *ret_status, json_t **ret_json);

struct event {
	char type[32];
	json_t *data; /* the caller's */
};

/* The next event, waiting at most `timeout_ms` (negative: for ever). Returns 1,
 * 0 when none came in time, or -errno (-ECONNRESET at the end of the stream). */
int client_event(struct client *client, int timeout_ms,
	struct event *ret_event);

#endif
