#include "tests/unit/gateway/played_broker.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "gateway/relay/mqtt.h"
#include "tests/unit/unit.h"

#define SAID_MAX 64
#define TOPICS_MAX 64

struct mqtt {
	const struct mqtt_events *events;
	void *arg;
};

static uv_loop_t *turns;
static struct mqtt broker;
static bool connected;
static struct {
	char topic[128];
	char payload[512];
} said[SAID_MAX];
static unsigned said_count;
static char topics[TOPICS_MAX][160];

/* ---- in place of the library ---- */

int mqtt_open(const struct mqtt_setup *setup, struct mqtt **ret,
	struct fault *fault)
{
	(void)fault;
	broker = (struct mqtt){setup->events, setup->arg};
	*ret = &broker;
	return 0;
}

static bool holds_close;
static void (*held_closed)(void *arg);
static void *held_arg;

void mqtt_close(struct mqtt *m, void (*on_closed)(void *arg), void *arg)
{
	(void)m;
	if (!holds_close) {
		on_closed(arg);
		return;
	}
	held_closed = on_closed;
	held_arg = arg;
}

void broker_holds_close(void)
{
	holds_close = true;
}

void broker_closes(void)
{
	holds_close = false;
	held_closed(held_arg);
}

static char *subscribed(const char *topic)
{
	for (unsigned i = 0; i < TOPICS_MAX; i++)
		if (!strcmp(topics[i], topic))
			return topics[i];
	return NULL;
}

int mqtt_subscribe(struct mqtt *m, const char *topic)
{
	char *at = subscribed("");

	(void)m;
	if (!connected)
		return -ENOTCONN;
	ck_assert_ptr_nonnull(at);
	snprintf(at, sizeof(topics[0]), "%s", topic);
	return 0;
}

void mqtt_unsubscribe(struct mqtt *m, const char *topic)
{
	char *at = subscribed(topic);

	(void)m;
	if (at)
		*at = '\0';
}

int mqtt_publish(struct mqtt *m, const char *topic, struct bytes payload)
{
	(void)m;
	if (!connected)
		return -ENOTCONN;
	ck_assert_uint_lt(said_count, SAID_MAX);
	snprintf(said[said_count].topic, sizeof(said[0].topic), "%s", topic);
	snprintf(said[said_count].payload, sizeof(said[0].payload), "%.*s",
		(int)payload.len, (const char *)payload.at);
	said_count++;
	return 0;
}

/* ---- what the test does ---- */

void broker_init(uv_loop_t *loop)
{
	turns = loop;
	connected = false;
	broker_forget();
	memset(topics, 0, sizeof(topics));
}

void broker_turn(void)
{
	for (int i = 0; i < 8; i++)
		uv_run(turns, UV_RUN_NOWAIT);
}

void broker_settle(void)
{
	while (turns->active_reqs.count)
		uv_run(turns, UV_RUN_ONCE);
	broker_turn();
}

void broker_up(void)
{
	connected = true;
	broker.events->on_up(broker.arg);
}

void broker_down(void)
{
	connected = false;
	memset(topics, 0, sizeof(topics));
	broker.events->on_down(broker.arg, "gone");
	broker_turn();
}

bool broker_is_subscribed(const char *topic)
{
	return subscribed(topic) != NULL;
}

void broker_hear_at(const char *topic, const char *payload, bool retained)
{
	broker.events->on_message(broker.arg, topic, bytes_of_text(payload),
		retained);
	broker_turn();
}

void broker_hear(const char *rest, const char *payload)
{
	char topic[160];

	snprintf(topic, sizeof(topic), "z/%s", rest);
	broker_hear_at(topic, payload, false);
}

void broker_respond(const char *what, const char *transaction,
	const char *error)
{
	char topic[96], payload[320];

	snprintf(topic, sizeof(topic), "bridge/response/%s", what);
	snprintf(payload, sizeof(payload), "{\"data\":{},\"status\":\"%s\","
		"\"error\":\"%s\",\"transaction\":\"%s\"}", error ? "error" :
		"ok", error ? error : "", transaction);
	broker_hear(topic, payload);
}

void broker_forget(void)
{
	said_count = 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);

	return len >= strlen(end) && !strcmp(text + len - strlen(end), end);
}

unsigned broker_count_of(const char *end)
{
	unsigned n = 0;

	for (unsigned i = 0; i < said_count; i++)
		n += ends_with(said[i].topic, end);
	return n;
}

const char *broker_last_of(const char *end)
{
	for (unsigned i = said_count; i-- > 0;)
		if (ends_with(said[i].topic, end))
			return said[i].payload;
	return NULL;
}

const char *broker_member(const char *payload, const char *name)
{
	static char text[4][128];
	static unsigned turn_of;
	char *at = text[turn_of++ % 4];
	json_t *json = json_loads(payload ? payload : "", 0, NULL);
	const char *value = json_string_value(json_object_get(json, name));

	snprintf(at, sizeof(text[0]), "%s", value ? value : "");
	json_decref(json);
	return at;
}

const char *broker_transaction(const char *end)
{
	return broker_member(broker_last_of(end), "transaction");
}
