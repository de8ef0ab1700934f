/* One delegate, for its own files: delegate_params.c reads its settings,
 * delegate.c has the broker and the devices, delegate_session.c the session with
 * one of them, delegate_ask.c the question what it runs, delegate_turn.c whose
 * turn it is to ask, delegate_update.c the update. One thread: that of the
 * loop. */
#ifndef FERRY_GATEWAY_RELAY_DELEGATE_PRIV_H
#define FERRY_GATEWAY_RELAY_DELEGATE_PRIV_H

#include "devices/delegate.h"
#include "gateway/relay/delegate.h"
#include "gateway/relay/handover.h"
#include "gateway/relay/mqtt.h"
#include "gateway/relay/session_kind.h"
#include "gateway/relay/z2m_reader.h"

#define DELEGATE_TEXT_SIZE 256
#define DELEGATE_TOPIC_SIZE 128
#define DELEGATE_CREDENTIALS_SIZE 512
#define DELEGATE_RANDOM_SIZE 17
#define DELEGATE_NO_RANDOM "the system gives no random numbers"
#define DELEGATE_BUCKETS 256
#define DELEGATE_ASKS_MAX 8          /* devices asked at a time */
#define DELEGATE_SLEEPY_ASKS_MAX 32  /* that are mostly asleep, beside them */
#define DELEGATE_DONE_BP 10000       /* progress, in hundredths of a percent */
/* Errors of zigbee2mqtt have no codes: this one ends the question and the order
 * while an update of the device goes on. */
#define DELEGATE_SAYS_BUSY "already in progress"

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
	bool answered; /* a probe, while a list was read: it goes up after that */
	struct z2m_reader reader;
	char probed[48];  /* transaction of probes */
	char version[24]; /* of zigbee2mqtt; "" unknown */
	struct delegate_node *nodes;
	struct delegate_node *index[DELEGATE_BUCKETS]; /* by key */
	unsigned list; /* counts lists of devices */
	struct delegate_session *sessions;
	unsigned session_count;
	uint64_t serial; /* of transactions, and of places in the queue */
	/* So that no two runs share transactions. */
	char run[DELEGATE_RANDOM_SIZE];
	void (*on_closed)(void *arg);
	void *close_arg;
};

/* delegate_params.c: as delegate_params_check() of delegate.h. */
int delegate_params_read(const struct ferry_kv *params, size_t count,
	struct delegate_params *ret, struct fault *fault);
/* User and password, each on a line of its own; the user is `text`. NULL: no
 * password. The caller wipes it. ERR_CONFIG_VALUE, ERR_KEYS_PERMISSION. */
int delegate_credentials_read(const char *path,
	char text[DELEGATE_CREDENTIALS_SIZE], const char **ret_password,
	struct fault *fault);

/* delegate.c */
/* Digits of 64 random bits: whoever could guess a transaction could answer in
 * the place of zigbee2mqtt. 0, or what the system said. */
int delegate_random(char hex[DELEGATE_RANDOM_SIZE]);
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

/* delegate_session.c, for the other files of a session. */
uint64_t delegate_session_now_ms(const struct delegate_session *s);
/* The session has one timer; what it means is a matter of the phase. */
void delegate_session_wake_in(struct delegate_session *s, uint64_t ms);
/* Over, or closing: nobody is told anything. An owner may close it in any
 * event: ask after each. */
bool delegate_session_is_idle(const struct delegate_session *s);
bool delegate_session_is_update(const struct delegate_session *s);
/* By the version that was asked last. */
bool delegate_session_runs_image(const struct delegate_session *s);
/* Of the image, by what zigbee2mqtt says of its progress. */
uint64_t delegate_session_bytes(const struct delegate_session *s);
/* Tells the owner, once; `in_ms` 0: nobody knows how long. */
void delegate_session_wait(struct delegate_session *s, enum engine_wait wait,
	uint64_t in_ms);
/* The one result of the session. */
void delegate_session_end(struct delegate_session *s,
	enum engine_outcome outcome, const struct engine_failure *failure);
/* The same; `words` of zigbee2mqtt, "" it said none. */
void delegate_session_fail(struct delegate_session *s,
	enum engine_outcome outcome, int code, const char *step,
	const char *words);
/* Its hand-over came to `status`: whether it goes on; otherwise it has ended. A
 * link that goes meanwhile has ended it before. */
bool delegate_session_goes_on(struct delegate_session *s, int status);
/* The answer has told the version. */
void delegate_session_take_version(struct delegate_session *s);
bool delegate_says(const struct z2m_response *r, const char *words);

/* delegate_ask.c */
/* Asks now, or when fewer others are asked. */
void delegate_ask_in_turn(struct delegate_session *s);
/* Publishes the check, whatever the phase is, and sets the timer. */
void delegate_ask_now(struct delegate_session *s);
void delegate_ask_later(struct delegate_session *s, enum engine_wait wait,
	uint64_t ms);
/* From now on the question is whether the image runs. */
void delegate_ask_proof(struct delegate_session *s);
void delegate_ask_response(struct delegate_session *s,
	const struct z2m_response *r);
/* An error, or none in time. */
void delegate_ask_unanswered(struct delegate_session *s,
	const struct z2m_response *r);
/* It is not shown that the image runs: asked again until the time is over. */
void delegate_ask_unproved(struct delegate_session *s, const char *words);
/* There is no way to zigbee2mqtt any more. */
void delegate_ask_lost(struct delegate_session *s);

/* delegate_update.c */
/* The device runs something else: the owner may say go. */
void delegate_update_offer(struct delegate_session *s);
/* One was under way already, begun by an earlier run of this job or by somebody
 * else. */
void delegate_update_found(struct delegate_session *s);
/* handover.h's on_checked of a struct delegate_session. */
void delegate_update_checked(void *arg, int status);
void delegate_update_progress(struct delegate_session *s,
	const struct z2m_update *u);
void delegate_update_response(struct delegate_session *s,
	const struct z2m_response *r);
/* Asks what the device runs, to learn whether the update still goes on. */
void delegate_update_look(struct delegate_session *s);
void delegate_update_looked(struct delegate_session *s,
	const struct z2m_response *r);
/* Nothing was heard of it for as long as something should be. */
void delegate_update_silent(struct delegate_session *s);
/* Without a way to zigbee2mqtt the update goes on there: it is aborted when
 * there is one again. */
void delegate_update_abort(struct delegate_session *s);
void delegate_update_lost(struct delegate_session *s);

/* delegate_turn.c */
bool delegate_session_is_sleepy(const struct delegate_session *s);
bool delegate_may_ask(const struct delegate *d, bool sleepy);
/* Whoever is not asked any more makes room. */
void delegate_let_next_ask(struct delegate *d);

#endif
