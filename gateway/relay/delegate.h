/* zigbee2mqtt as delegate: it owns the radio, Ferry hands it jobs over MQTT.
 *
 * A delegate keeps a connection to the broker, shows the devices that
 * zigbee2mqtt lists as peers, and makes sessions (session.h) that ask it for
 * what a device runs and for updates. What it does by itself, and what is known
 * of it, is in docs/zigbee.md; topics and payloads are in docs/protocols.md.
 *
 *   delegate_open() -> on_up, on_peer ... on_down ... -> delegate_close()
 *
 * It is up while the broker is connected and zigbee2mqtt says that it is online.
 * Callbacks come from the loop, never from inside a function of this header.
 * Loop thread. */
#ifndef FERRY_GATEWAY_RELAY_DELEGATE_H
#define FERRY_GATEWAY_RELAY_DELEGATE_H

#include "devices/registry.h"
#include "gateway/relay/session.h"

#define DELEGATE_SESSIONS_MAX 1024

struct delegate;

struct delegate_peer {
	const char *key;     /* EUI-64, 16 lower-case digits */
	const char *address; /* its name in zigbee2mqtt, printable */
	const struct peer_attribute *attributes;
	size_t attribute_count;
	bool sleepy;
};

struct delegate_events {
	/* Also when the text, which names program and version, has changed. */
	void (*on_up)(void *arg, const char *text);
	/* Every peer is gone with it. */
	void (*on_down)(void *arg, int status, const char *text);
	void (*on_peer)(void *arg, const struct delegate_peer *peer);
	void (*on_peer_gone)(void *arg, const char *key);
};

struct delegate_setup {
	uv_loop_t *loop;
	const struct ferry_kv *params; /* for the call */
	size_t param_count;
	const struct delegate_events *events; /* static */
	void *arg;
};

/* Parameters: url (mqtt://HOST[:PORT] or mqtts://), topic, hand_over (file or
 * url), folder (file), ca, cert, key, credentials (a file with user and password
 * on two lines). Also looks who else could have read `key` and `credentials`, or
 * could change what is in `folder`. ERR_CONFIG_*, ERR_KEYS_PERMISSION, with the
 * fault naming the parameter. Blocking. */
int delegate_params_check(const struct ferry_kv *params, size_t count,
	struct fault *fault);

/* 0, -ENOMEM, -ENOSYS (built without MQTT), what the system says when it gives
 * no random numbers, or as delegate_params_check(). */
int delegate_open(const struct delegate_setup *setup, struct delegate **ret,
	struct fault *fault);

/* Its sessions must be closed. NULL is allowed: `on_closed` comes at once. */
void delegate_close(struct delegate *d, void (*on_closed)(void *arg),
	void *arg);

/* An end device that runs on a battery. */
bool delegate_is_sleepy(const struct delegate *d, const char *peer);

/* A session for a peer: like network_offer() of network.h. ERR_JOB_NO_LINK (it
 * is not up, or does not know the peer), -EBUSY, -ENOBUFS, -EINVAL (there is a
 * prefix), -ENOMEM, ERR_ZIGBEE_OPTIONS. */
int delegate_offer(struct delegate *d, const char *peer,
	const struct session_setup *setup, struct session **ret);

#endif
