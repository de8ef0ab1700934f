/* The peers of one radio, as its driver and its engine tell of them: who is there,
 * what each side says of them, what the engine read before somebody asked.
 *
 * The table is bounded and makes room by base/keep.h: devices of the registry
 * stay, who is not there any more goes first, then those that may be made up.
 * Embedded in its owner, _init to _done. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_RADIO_PEERS_H
#define FERRY_GATEWAY_DAEMON_RADIO_PEERS_H

#include "base/keep.h"
#include "devices/registry.h"
#include "ferry/transport.h"

/* Every device has its place, and so have as many others as are ever shown. */
#define RADIO_PEERS_MAX (REGISTRY_DEVICES_MAX + REGISTRY_CANDIDATES_MAX)
#define RADIO_PROVEN_MAX (RADIO_PEERS_MAX / 4 * 3)
#define RADIO_BUCKETS 1024
/* So many may be enrolled by their class and not have proved themselves yet. */
#define RADIO_ON_TRUST_MAX 256

/* Attributes of one side: name, NUL, value, NUL, name ... */
struct radio_texts {
	char *at;
	size_t len;
};

struct radio_peer {
	struct radio_peer *in_bucket;
	struct keep_hook keep;
	char key[FERRY_KEY_MAX + 1];
	char address[64];
	enum peer_id_kind id_kind;
	bool reported; /* by the driver, since it came up and last */
	bool present;  /* that, or heard of by the engine */
	bool sleepy;
	bool proven;   /* the engine is sure that it is real */
	bool on_trust; /* a device by its class that is not */
	char joined[24]; /* the attribute as it was last; "" none */
	struct radio_texts driver, engine;
	struct radio_texts before; /* what the engine said in an earlier run */
	int64_t heard_s; /* its last frame; 0: none yet */
	struct engine_facts *facts; /* the engine's latest; NULL: none */
	int64_t facts_s;
};

struct radio_peers {
	struct radio_peer *buckets[RADIO_BUCKETS];
	struct keep keep;
	unsigned count, max;
	unsigned present, sleepy, on_trust; /* of these */
	/* Whether the peer is a device of the registry. */
	bool (*is_device)(void *arg, const char *key);
	void *arg;
};

/* `max`: RADIO_PEERS_MAX, or less in tests. */
void radio_peers_init(struct radio_peers *t, unsigned max,
	bool (*is_device)(void *arg, const char *key), void *arg);
void radio_peers_done(struct radio_peers *t);

struct radio_peer *radio_peers_find(const struct radio_peers *t,
	const char *key);
/* Finds or makes it; NULL: no key, no memory, or all places are devices'. */
struct radio_peer *radio_peers_get(struct radio_peers *t, const char *key);

/* It is there or not, listens always or not: counted, and of use now. To be
 * called as well when it became a device, is none any more, or proved itself. */
void radio_peers_set(struct radio_peers *t, struct radio_peer *p, bool present,
	bool sleepy);
/* It became a device by its class. */
void radio_peers_trust(struct radio_peers *t, struct radio_peer *p);

/* None is there any more, and each may announce itself anew. */
void radio_peers_lose(struct radio_peers *t);

/* The latest that the engine read of it. */
void radio_peer_read(struct radio_peer *p, const struct engine_facts *facts,
	int64_t now_s);

void radio_texts_clear(struct radio_texts *t);
/* What does not fit is left out. */
void radio_texts_add(struct radio_texts *t, const char *name,
	const char *value);
size_t radio_texts_list(const struct radio_texts *t,
	struct peer_attribute *into, size_t room);

#endif
