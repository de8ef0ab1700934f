/* A broker that the test plays: mqtt_open() and its sisters stand in
 * played_broker.c in place of the library's, keep what was said, and let the test
 * say what zigbee2mqtt would. One connection; the base topic is `z`. */
#ifndef FERRY_TESTS_PLAYED_BROKER_H
#define FERRY_TESTS_PLAYED_BROKER_H

#include <stdbool.h>
#include <uv.h>

/* A new one that is not connected; turns are those of `loop`. */
void broker_init(uv_loop_t *loop);

/* Some turns of the loop: what is to come by itself has come. */
void broker_turn(void);

/* The same, and what the pool is at is done. */
void broker_settle(void);

void broker_up(void);
void broker_down(void);

/* Closing takes until broker_closes(), as that of a connection does. */
void broker_holds_close(void);
void broker_closes(void);

bool broker_is_subscribed(const char *topic);

/* Somebody says `payload` under z/REST. */
void broker_hear(const char *rest, const char *payload);

/* The same under any topic, as a message that the broker kept or not. */
void broker_hear_at(const char *topic, const char *payload, bool retained);

/* zigbee2mqtt answers a request `what`; `error` NULL: it went well. */
void broker_respond(const char *what, const char *transaction,
	const char *error);

/* What was said so far does not count. */
void broker_forget(void);

/* Of what was said under topics that end so: how often, the last of it (NULL:
 * nothing), a text in that ("": none), and its transaction. */
unsigned broker_count_of(const char *end);
const char *broker_last_of(const char *end);
const char *broker_member(const char *payload, const char *name);
const char *broker_transaction(const char *end);

#endif
