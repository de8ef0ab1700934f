/* One instance of the sim driver, for its own files. Numbers on the wire are a
 * serial that is not reused and a slot, so that an answer that comes late finds
 * nothing. */
#ifndef FERRY_SIM_RADIO_H
#define FERRY_SIM_RADIO_H

#include <stdbool.h>

#include "transports/sim/sim.h"
#include "transports/sim/sim_wire.h"

#define SIM_LINKS_MAX 1024u
#define SIM_SENDS_MAX 1024u
#define SIM_SLOT_MASK 1023u
#define SIM_SLOT_BITS 10
#define SIM_QUEUE_MAX 4096u /* frames that the socket has not taken */
#define SIM_SILENCE_MS 10000

enum sim_state { SIM_OPENING, SIM_GREETING, SIM_RUNNING, SIM_OVER };

enum sim_link_state {
	SIM_LINK_OPENING,
	SIM_LINK_UP,
	SIM_LINK_CLOSING,
	SIM_LINK_FORGOTTEN, /* cancelled; only the simulator still ends it */
};

struct sim_link {
	uint64_t id;
	uint32_t number;
	enum sim_link_state state;
	uint64_t connect_token;
	uint64_t disconnect_token;
	char peer[FERRY_KEY_MAX + 1]; /* "" for any */
	uint32_t payload;
	uint32_t window;
	uint32_t level;
	uint32_t security;
	uint32_t in_flight;
};

struct sim_send {
	uint64_t token;
	uint32_t id;
	uint32_t link; /* number */
	bool is_set;
};

struct sim_queued {
	struct sim_queued *next;
	uint32_t id; /* of its SEND or SET, else 0 */
	size_t len;
	uint8_t raw[];
};

struct sim {
	const struct ferry_host *host;
	struct ferry_owner *owner;
	enum sim_state state;
	char *path;
	int fd;
	int watch;
	int scan_timer;
	int silence_timer;
	uint64_t start_token;
	uint64_t scan_token;
	uint32_t serial;
	uint32_t window;
	uint32_t in_flight;
	uint32_t silence_ms;
	uint32_t answers_due; /* frames that the simulator has to answer */
	uint64_t heard_us;

	struct sim_link *links[SIM_LINKS_MAX];
	struct sim_send *sends[SIM_SENDS_MAX];
	struct sim_queued *queue;
	struct sim_queued **queue_end;
	uint32_t queue_len;
	struct buf scratch;

	uint64_t frames_in, frames_out, frames_bad;
};

/* sim.c */
void sim_complete(struct sim *s, uint64_t *token, int status,
	const char *key, const char *text);
/* Ends the instance; the host settles the rest. */
void sim_over(struct sim *s, int status, const char *text);
void sim_shut(struct sim *s);

/* frames.c */
/* Sends or queues a frame. 0, -ENOBUFS, -ENOMEM; a dead socket is no error of
 * the frame. */
int sim_put(struct sim *s, const struct sim_frame *f);
void sim_flush(struct sim *s);
/* Takes a frame back that the socket has not taken. */
bool sim_take_back(struct sim *s, uint32_t id);
void sim_drop_queue(struct sim *s);
void sim_receive(struct sim *s);

/* links.c */
struct sim_link *sim_link_by_id(struct sim *s, uint64_t id);
struct sim_link *sim_link_by_number(struct sim *s, uint32_t number);
int sim_link_new(struct sim *s, struct sim_link **ret);
void sim_link_free(struct sim *s, struct sim_link *l);
int sim_send_new(struct sim *s, uint64_t token, struct sim_send **ret);
struct sim_send *sim_send_by_id(struct sim *s, uint32_t id);
struct sim_send *sim_send_by_token(struct sim *s, uint64_t token);
/* Frees its slot and completes it. */
void sim_send_end(struct sim *s, struct sim_send *send,
	const struct ferry_result *result);
/* Ends all sends of a link. */
void sim_link_settle(struct sim *s, struct sim_link *l, int status);

/* arrivals.c */
void sim_arrived(struct sim *s, const struct sim_frame *f);

#endif
