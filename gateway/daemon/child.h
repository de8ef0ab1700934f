/* What the daemon keeps beside a device of the registry: its open job, how its
 * last one ended, and reading what it runs. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_CHILD_H
#define FERRY_GATEWAY_DAEMON_CHILD_H

#include "gateway/daemon/line.h"

/* How the last job of a release ended, so that it is not begun again by
 * itself. */
struct child_ended {
	uint8_t manifest[32];
	uint64_t job;
	int state; /* enum job_state */
};

/* It runs an image that was recalled; code 0: it does not. */
struct child_recall {
	int code; /* base/err.h */
	int64_t since_ms;
	uint8_t manifest[32];
	char reason[ROW_NOTE_SIZE];
};

struct child {
	struct child *next;
	struct child *same_bucket; /* of the index by id */
	struct gateway *gateway;
	char id[REGISTRY_ID_SIZE];
	char enrolled_by[ROW_NAME_SIZE];
	char note[ROW_NOTE_SIZE];
	struct job *job;
	/* Where it came back as another peer, as long as the session of its job
	 * lasts; "" elsewhere. */
	char peer[FERRY_KEY_MAX + 1];
	char peer_link[CONFIG_NAME_SIZE];
	struct child_ended ended; /* of the latest job; job 0: none */
	struct child_recall recalled;
	struct session *inventory;
	bool unsaved; /* its record could not be stored yet */
	/* What is stored of what is only good to know, and since when (of the
	 * loop's clock; 0: an earlier run did). */
	uint32_t stored_attributes;
	int64_t stored_heard_s;
	uint64_t stored_ms;
	bool read_this_run;
	int64_t next_read_ms;     /* wall clock */
	unsigned read_failures;
	int read_status;
};

/* The record of a device, made if it is not there. NULL: no memory. */
struct child *child_of(struct gateway *g, const char *id);
struct child *child_find(const struct gateway *g, const char *id);
struct device *child_device(const struct child *c);

/* A device and its record as they were stored: at start. */
void child_load(struct gateway *g, const struct device_row *row);

/* Persists the device's record; `c` may hold more rows already. */
int child_put(struct store_commit *c, const struct child *child);
void child_save(struct child *child, const char *kind, const char *who);
/* Where it could not be stored, or what is only good to know was put off for long
 * enough. */
void child_save_due(struct child *c);
/* All that was put off, in few commits: before ferryd ends. */
void child_save_all(struct gateway *g);

/* Settings of channel 0 for a session, at most 8, borrowed from the class. */
size_t child_channel(const struct config_class *klass, struct ferry_kv *kv);

/* Where the device is now: for session_events.locate. */
int child_locate(const struct child *c, struct transport **ret_transport,
	char *ret_peer, size_t size, struct line **ret_line);

/* Frees the record (the registry's is the caller's); nothing reads it. */
void child_forget(struct child *c);
/* At the very end; the registry's records are the caller's. */
void child_free_all(struct gateway *g);

#endif
