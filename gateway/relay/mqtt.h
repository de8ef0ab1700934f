/* A client of one MQTT broker on the loop, for delegates.
 *
 * Connects, and connects again for as long as it is open, with a wait that
 * doubles from one second to a minute. The broker's name is looked up, and the
 * connection begun, on the pool. Subscriptions end with a connection.
 * Messages that are longer than MQTT_MESSAGE_MAX are dropped; the library itself
 * has no limit below that of the protocol, so the broker is trusted with memory.
 *
 * Callbacks come from the loop, never from inside a function of this header;
 * mqtt_close() must not be called from inside one. Loop thread. */
#ifndef FERRY_GATEWAY_RELAY_MQTT_H
#define FERRY_GATEWAY_RELAY_MQTT_H

#include <uv.h>

#include "base/bytes.h"
#include "base/err.h"

#define MQTT_MESSAGE_MAX ((size_t)8 << 20)
#define MQTT_TOPIC_MAX 512

struct mqtt;

struct mqtt_events {
	void (*on_up)(void *arg);
	/* Also when it could not be reached; it is tried again by itself. */
	void (*on_down)(void *arg, const char *why);
	void (*on_message)(void *arg, const char *topic, struct bytes payload,
		bool retained);
	/* The broker does not let this user subscribe; the rest goes on. */
	void (*on_refused)(void *arg);
};

struct mqtt_setup {
	uv_loop_t *loop;
	const char *host;     /* all texts are copied */
	uint16_t port;
	bool tls;
	const char *ca;       /* file; tls only, NULL: the system's folder */
	const char *certificate, *key; /* files; both or none */
	const char *user;     /* NULL: none */
	const char *password; /* NULL: none */
	const struct mqtt_events *events; /* static */
	void *arg;
};

/* 0, -ENOMEM, -EINVAL (files of TLS), -ENOSYS (built or installed
 * without libmosquitto). */
int mqtt_open(const struct mqtt_setup *setup, struct mqtt **ret,
	struct fault *fault);

/* NULL is allowed: `on_closed` is called at once. A lookup that is under way is
 * waited for. */
void mqtt_close(struct mqtt *m, void (*on_closed)(void *arg), void *arg);

/* With quality of service 1, anew after each on_up. -ENOTCONN, -EIO or 0. */
int mqtt_subscribe(struct mqtt *m, const char *topic);
void mqtt_unsubscribe(struct mqtt *m, const char *topic);

/* Queued for the broker, quality of service 1. -ENOTCONN, -EIO or 0. */
int mqtt_publish(struct mqtt *m, const char *topic, struct bytes payload);

#endif
