/* One link of links.d: a transport instance, and the peers that it sees.
 *
 * Peers are fed to the registry; what arrives on a connection goes to the
 * session that owns it. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_LINE_H
#define FERRY_GATEWAY_DAEMON_LINE_H

#include "gateway/daemon/gateway.h"
#include "gateway/relay/session.h"

struct radio;
struct delegate;
struct line;

/* What a line tells whoever lives above it, after the registry was told. */
struct line_events {
	/* Its link, or that to who owns it, came or went. */
	void (*on_link)(struct line *l);
	/* A peer is there that is no device. */
	void (*on_candidate)(struct line *l, const struct peer_sight *sight);
	/* A device is there. `how`: what registry_see() made of it; `is_back`:
	 * it was not there before. */
	void (*on_device)(struct line *l, const struct peer_sight *sight,
		struct device *d, int how, bool is_back);
	/* The engine that serves the whole line was told what it runs. */
	void (*on_facts)(struct line *l, const struct device *d,
		const struct engine_facts *facts);
};

struct line_session {
	struct line_session *next;
	struct session *session;
};

struct line {
	struct line *next;
	struct line *same_bucket; /* of the index by name */
	uint64_t number; /* rises along the lines; no other one ever had it */
	struct gateway *gateway;
	const struct line_events *events;
	char name[CONFIG_NAME_SIZE];
	char short_name[32]; /* of the instance, in log lines */
	const struct config_link *config;
	struct transport_driver *driver;
	struct transport *transport;
	bool up;
	bool failed;           /* never tried again by itself */
	int status;
	char text[256];
	char address[256];
	char kept[CONFIG_PATH_SIZE]; /* whose descriptor the manager keeps */
	uint32_t peers; /* without a radio, which counts its own */
	int64_t since_ms;
	uint64_t caps;
	uint32_t security;     /* FERRY_SECURITY_*, as its driver says */
	uint32_t payload_max;
	unsigned transfers;    /* sessions of jobs on it */
	uint64_t job;          /* one of these, 0: none */
	struct line_session *sessions;
	struct radio *radio; /* NULL: devices are spoken to one by one */
	struct delegate *delegate; /* in place of a transport; NULL: none */
	bool closing;
};

/* A link that cannot be opened stays, shown as failed. -ENOMEM. */
int line_add(struct gateway *g, const struct config_link *config,
	const struct line_events *events);
struct line *line_find(const struct gateway *g, const char *name);

/* Messages of the session's connection reach it from now on; until forgotten. */
int line_attach(struct line *l, struct session *s);
void line_forget(struct gateway *g, struct session *s);

/* Whether devices of a class with this engine can be on the line. */
bool line_serves(const struct line *l, const struct engine_ops *engine);

/* A peer is there: for the registry, and for who waits for it. */
void line_saw(struct line *l, const struct peer_sight *sight);

/* State or text of the line is another: told to whoever looks. */
void line_changed(struct line *l);

/* FERRY_SECURITY_* of what goes to the devices on this line, -1 while nobody
 * knows: it is down, another program drives it, or each of several peers has a
 * link of its own. It is the word of the driver. */
int line_security(const struct line *l);

/* "up", "starting", "down", "failed", "stopped". */
const char *line_state_name(const struct line *l);

/* The configuration does not have the link any more, or another one: what the
 * service manager keeps for it is of no use. */
void line_drop_kept(struct line *l);

void line_close(struct line *l, void (*on_closed)(void *arg), void *arg);

#endif
