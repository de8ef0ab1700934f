/* One delegate, for its own files: delegate.c has the broker and the devices,
 * delegate_session.c what is asked about one of them. */
#ifndef FERRY_GATEWAY_RELAY_DELEGATE_PRIV_H
#define FERRY_GATEWAY_RELAY_DELEGATE_PRIV_H

#include "devices/delegate.h"
#include "gateway/relay/delegate.h"
#include "gateway/relay/handover.h"
#include "gateway/relay/mqtt.h"
#include "gateway/relay/session_kind.h"
#include "gateway/relay/z2m_text.h"

#define DELEGATE_TEXT_SIZE 256
#define DELEGATE_TOPIC_SIZE 128

struct delegate_params {
	char host[DELEGATE_TEXT_SIZE];
	uint16_t port;
	bool tls;
	char topic[DELEGATE_TOPIC_SIZE];
	bool by_url;
	char folder[DELEGATE_TEXT_SIZE];
	char ca[DELEGATE_TEXT_SIZE], cert[DELEGATE_TEXT_SIZE],
		key[DELEGATE_TEXT_SIZE];
	char credentials[DELEGATE_TEXT_SIZE];
};

struct delegate_node {
	struct delegate_node *next;
	struct z2m_device device;
	unsigned seen; /* in which list */
};

/* What a session waits for. */
enum delegate_phase {
	DELEGATE_OPENING,  /* the hand-over to be ready */
	DELEGATE_ASKING,   /* its version, by a check */
	DELEGATE_PAUSING,  /* to ask again */
	DELEGATE_HOLDING,  /* the owner to say go */
	DELEGATE_HASHING,  /* the copy to be hashed before it is used */
	DELEGATE_UPDATING, /* zigbee2mqtt to be done */
	DELEGATE_REHASHING, /* the copy to be hashed after it was used */
	DELEGATE_ABORTING, /* zigbee2mqtt to stop */
	DELEGATE_OVER,
};

struct delegate_session {
	struct session session; /* first: what owners hold */
	struct delegate *delegate;
	struct delegate_session *next;
	struct session_setup setup;
	struct engine_image image;
	struct delegate_options options;
	struct handover *handover;
	struct engine_facts facts;
	enum delegate_phase phase;
	char key[17];
	char topic[MQTT_TOPIC_MAX]; /* of its state */
	char asked[64];   /* transaction of the last check */
	char ordered[64]; /* of the update */
	bool has_installed;
	uint32_t installed; /* since the check was asked */
	uint32_t before;    /* when the update was offered */
	bool published;     /* an update of ours is or was under way */
	bool withdrawn;
	unsigned progress_bp;
	uint64_t prove_by_ms;  /* of the loop's clock; 0: not proving */
	enum engine_wait wait;
	uv_timer_t timer;
	bool timer_closed, handover_closed;
	void (*on_closed)(void *arg);
	void *close_arg;
};

struct delegate {
	uv_loop_t *loop;
	const struct delegate_events *events;
	void *arg;
	struct delegate_params params;
	struct mqtt *mqtt;
	bool up; /* the broker is there, zigbee2mqtt online */
	char version[24]; /* of zigbee2mqtt; "" unknown */
	struct delegate_node *nodes;
	unsigned node_count;
	unsigned list; /* counts lists of devices */
	struct delegate_session *sessions;
	unsigned session_count;
	uint64_t serial; /* of transactions */
	char run[17];    /* random, so that no two runs share transactions */
	void (*on_closed)(void *arg);
	void *close_arg;
};

/* delegate.c */
const struct delegate_node *delegate_node(const struct delegate *d,
	const char *key);
/* Below TOPIC/bridge/request/device/ota_update/. */
int delegate_request(struct delegate *d, const char *what,
	const struct z2m_request *request);

/* delegate_session.c: what arrived, and how the way to zigbee2mqtt is. */
void delegate_session_state(struct delegate_session *s,
	const struct z2m_update *update);
void delegate_session_response(struct delegate_session *s, const char *what,
	const struct z2m_response *response);
void delegate_session_up(struct delegate_session *s);
void delegate_session_down(struct delegate_session *s);

#endif
