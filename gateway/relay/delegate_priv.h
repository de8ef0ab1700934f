/* One delegate, for its own files: delegate.c has the broker and the devices,
 * delegate_session.c what is asked about one of them, delegate_turn.c when. */
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
#define DELEGATE_BUCKETS 256
#define DELEGATE_ASKS_MAX 8          /* devices asked at a time */
#define DELEGATE_SLEEPY_ASKS_MAX 32  /* that are mostly asleep, beside them */

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
	struct delegate_node *same_bucket;
	struct z2m_device device;
	unsigned seen; /* in which list */
};

/* How far the way to zigbee2mqtt goes. */
enum delegate_reach {
	DELEGATE_AWAY,    /* no broker, or it says that it is offline */
	DELEGATE_UNHEARD, /* the broker is there and knows nothing of it */
	DELEGATE_ONLINE,  /* it says so and has not answered yet */
	DELEGATE_UP,
};

/* What a session waits for. */
enum delegate_phase {
	DELEGATE_OPENING,  /* the index to be ready */
	DELEGATE_QUEUEING, /* fewer others to be asked */
	DELEGATE_ASKING,   /* its version, by a check */
	DELEGATE_PAUSING,  /* to ask again */
	DELEGATE_HOLDING,  /* the owner to say go */
	DELEGATE_COPYING,  /* the copy to be there and hashed */
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
	char ordered[64]; /* of the update; "" it was begun by an earlier run */
	char ours[48];    /* how those of this job begin */
	bool looks;       /* UPDATING: the last check is not answered yet */
	unsigned unheard; /* such checks in a row that never were */
	unsigned again;   /* orders repeated, because one was forgotten */
	uint64_t queued;  /* place in the queue */
	bool has_installed;
	uint32_t installed; /* since the check was asked */
	uint32_t before;    /* when the update was offered */
	bool published;     /* an update of ours is or was under way */
	bool withdrawn;
	bool aborts; /* ABORTING: an update, which may go on meanwhile */
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
	enum delegate_reach reach;
	uv_timer_t probe;
	unsigned unanswered; /* probes in a row */
	char probed[48];  /* transaction of probes */
	char version[24]; /* of zigbee2mqtt; "" unknown */
	struct delegate_node *nodes;
	struct delegate_node *index[DELEGATE_BUCKETS]; /* by key */
	unsigned list; /* counts lists of devices */
	struct delegate_session *sessions;
	unsigned session_count;
	uint64_t serial; /* of transactions, and of places in the queue */
	char run[17];    /* random, so that no two runs share transactions */
	void (*on_closed)(void *arg);
	void *close_arg;
};

/* delegate.c */
struct delegate_node *delegate_node(const struct delegate *d, const char *key);
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
/* It is its turn to ask; it does so from the loop. */
void delegate_session_wake(struct delegate_session *s);
/* There is a new list of devices: its name may be another one. */
void delegate_session_named(struct delegate_session *s);

/* delegate_turn.c */
bool delegate_session_is_sleepy(const struct delegate_session *s);
bool delegate_may_ask(const struct delegate *d, bool sleepy);
/* Whoever is not asked any more makes room. */
void delegate_let_next_ask(struct delegate *d);

#endif
