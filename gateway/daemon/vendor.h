/* One vendor: its link, when it is asked, its roots and its catalog.
 *
 * A round of questions: root N+1, N+2, ... until there is no more, then the
 * catalog (by ETag). What is accepted is committed to trust.db before anything
 * is done on the strength of it; root and catalog files are also kept in the
 * cache's object area, to be judged again at the next start. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_VENDOR_H
#define FERRY_GATEWAY_DAEMON_VENDOR_H

#include "gateway/daemon/device_keys.h"
#include "gateway/daemon/gateway.h"
#include "gateway/daemon/vendor_evidence.h"
#include "gateway/vendor/https.h"
#include "gateway/vendor/poll.h"

struct roots_seen;

enum vendor_stage {
	VENDOR_STARTING, /* reading what was kept */
	VENDOR_IDLE,
	VENDOR_ROOT,     /* asking for the next root */
	VENDOR_CATALOG,
	VENDOR_EVIDENCE, /* a catalog waits for evidence about its signers */
	VENDOR_STORING,  /* waiting for a commit */
	VENDOR_STOPPED,  /* its trust could not be opened; needs a person */
};

#define VENDOR_WAITERS_MAX 16

/* Somebody who waits for the end of the round: `ferryctl check`. */
struct vendor_waiter {
	void (*on_end)(void *arg, struct vendor *v, int status, bool news);
	void *arg;
};

/* What a vendor tells whoever lives above it. */
struct vendor_events {
	/* Its roots were opened, are others, or cannot be had; and at the end of
	 * each round, before those who wait for that are told. */
	void (*on_trust)(struct vendor *v);
	/* A round of questions has ended. */
	void (*on_round)(struct vendor *v);
	/* Evidence about signers came, or was looked for in vain; `revoked`:
	 * somebody newly is. */
	void (*on_evidence)(struct vendor *v, bool revoked);
};

struct vendor {
	struct vendor *next;
	struct gateway *gateway;
	const struct vendor_events *events;
	char name[CONFIG_NAME_SIZE];
	const struct config_vendor *config;
	struct vendor_link *link;
	struct vendor_poll *poll;
	enum vendor_stage stage;
	struct trust_vendor trust;
	bool trust_is_open;
	bool unsaved;          /* trust is ahead of trust.db: does not count */
	bool root_unsaved;     /* so is the root */
	bool epoch_rose;       /* with the root that is being stored */
	uint8_t first_root_sha256[32]; /* of the one that it began with */
	uint8_t file_root_sha256[32];  /* of the one that its file names now */
	struct fault chain_fault;      /* where the chain that was kept broke */
	struct roots_seen *seen;       /* transfers that its roots name */
	char etag[VENDOR_ETAG_MAX + 1];
	char new_etag[VENDOR_ETAG_MAX + 1];
	bool news;
	uint64_t request;
	int last_status;
	struct fault last_fault;
	int64_t checked_ms, succeeded_ms;
	uint32_t retry_after_s;
	uint8_t pseudonym_key[32];
	struct device_keys keys;
	uint64_t fetched_bytes;
	bool reporting;
	unsigned judging;      /* pool threads that read root and catalog now */
	bool due;              /* a round waits for them */
	struct vendor_waiter waiters[VENDOR_WAITERS_MAX];
	unsigned waiter_count;
	struct vendor_evidence evidence;
	bool closing;
	unsigned holds;
	void (*on_closed)(void *arg);
	void *close_arg;
};

/* Takes over what the databases keep of the vendor and starts to ask. Never
 * fails for a reason of the vendor: then its stage is VENDOR_STOPPED and an
 * alarm says why. -ENOMEM. */
int vendor_add(struct gateway *g, const struct config_vendor *config,
	const struct store_loaded *loaded, const struct vendor_events *events);

struct vendor *vendor_find(const struct gateway *g, const char *name);

/* Whether the device could be sent what its class wants: 0, or the code of
 * device_keys_find(). */
int vendor_key_check(const struct gateway *g,
	const struct device_class *klass, const struct device *d);

/* Asks now. `on_end` may be NULL. -EBUSY when too many wait already. */
int vendor_check(struct vendor *v,
	void (*on_end)(void *arg, struct vendor *v, int status, bool news),
	void *arg);

/* 0 when a transfer may start. */
int vendor_state(const struct vendor *v);

/* The catalog in force, or NULL. */
const struct catalog *vendor_catalog(const struct vendor *v);

/* Whether a release could be judged now: a catalog is in force that has not
 * expired, and no round of questions is under way, whose end wakes everybody. */
bool vendor_may_judge(const struct vendor *v);

/* The time bound of the vendor, as it is now. */
void vendor_put_time(const struct vendor *v, struct store_commit *c);

/* The catalog that waited is judged again by what is known now. */
void vendor_catalog_again(struct vendor *v);


/* A pool thread is going to read root and catalog: 0, or -EAGAIN while a round
 * of questions may change them. Ended by vendor_judge_end(). */
int vendor_judge_begin(struct vendor *v);
void vendor_judge_end(struct vendor *v);

/* Keeps it alive over an asynchronous call of another file: +1 before, -1 in the
 * callback, then, if it is closing, vendor_release() as the last thing. */
static inline void vendor_hold(struct vendor *v, int by)
{
	v->holds += (unsigned)by;
}
void vendor_release(struct vendor *v);

/* Removes it from the gateway and frees it. */
void vendor_close(struct vendor *v, void (*on_closed)(void *arg), void *arg);

#endif
