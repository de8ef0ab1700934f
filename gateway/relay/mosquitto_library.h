/* libmosquitto, loaded when the first link to zigbee2mqtt is opened: it brings a
 * TLS library of its own, 1.8 MiB that a gateway without such a link does not
 * hold. It stays for the life of the program. Only mqtt.c uses it. */
#ifndef FERRY_GATEWAY_RELAY_MOSQUITTO_LIBRARY_H
#define FERRY_GATEWAY_RELAY_MOSQUITTO_LIBRARY_H

#include <mosquitto.h>

#include "base/err.h"

#define MOSQUITTO_CALLS(call) \
	call(lib_init) call(lib_cleanup) call(new) call(destroy) \
	call(connect_async) call(disconnect) \
	call(subscribe) call(unsubscribe) call(publish) \
	call(socket) call(want_write) \
	call(loop_read) call(loop_write) call(loop_misc) \
	call(tls_set) call(tls_opts_set) call(username_pw_set) \
	call(connect_callback_set) call(disconnect_callback_set) \
	call(log_callback_set) call(subscribe_callback_set) \
	call(message_callback_set) call(connack_string) call(strerror)

/* `new` is mosquitto_new(), and so on. */
struct mosquitto_library {
#define MOSQUITTO_CALL(name) __typeof__(&mosquitto_##name) name;
	MOSQUITTO_CALLS(MOSQUITTO_CALL)
#undef MOSQUITTO_CALL
};

/* NULL when it cannot be loaded; `fault` says why. Loop thread. */
const struct mosquitto_library *mosquitto_library_get(struct fault *fault);

#endif
