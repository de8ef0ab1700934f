/* The inside of struct store: the queue to the database thread and back.
 *
 * A request is queued on the loop thread, run on the database thread, finished
 * on the loop thread, in order. Internal to store/db*.c. */
#ifndef FERRY_STORE_DB_PRIV_H
#define FERRY_STORE_DB_PRIV_H

#include <stdatomic.h>

#include "store/db.h"
#include "store/db_file.h"
#include "store/db_ops.h"

struct db_request {
	struct db_request *next;
	/* Database thread. Not called for commits, which are run in groups. */
	int (*run)(struct store *store, struct db_request *q);
	/* Loop thread: calls back; frees what the request holds, not itself. */
	void (*finish)(struct store *store, struct db_request *q);
	struct store_commit *commit; /* set: this request is a commit */
	int status;
	bool needs_open; /* fails by itself when the opening has failed */
	struct fault fault;
};

struct db_queue {
	struct db_request *first;
	struct db_request **last;
	size_t count;
};

struct store {
	uv_async_t async;
	uv_thread_t thread;
	uv_mutex_t mutex;
	uv_cond_t wake;
	/* Under the mutex. */
	struct db_queue todo;
	struct db_queue done;
	/* Loop thread only. */
	bool closing;
	struct db_request *close_request; /* made early: closing cannot fail */
	enum store_trust trust_shown;
	struct fault last_fault;
	store_cb closed_cb;
	void *closed_arg;
	/* Database thread only. */
	char dir[PATH_MAX];
	struct db_file files[2]; /* by enum db_which */
	enum store_trust trust;
	int opened; /* 0, or why it is not */
	atomic_uint_fast64_t outbox_dropped;
};

/* Takes the request (heap). 0, or an error and the request is still the
 * caller's. */
int db_enqueue(struct store *store, struct db_request *take_q);

/* The trust file if it may be used, else NULL. Database thread. */
struct db_file *db_usable_trust(struct store *store);

struct db_rows {
	void *at;
	size_t count;
};

struct db_param {
	const char *text; /* NULL: the number */
	int64_t number;
};

/* All rows that `tail` selects; more than `max` are ERR_STORE_DAMAGED. The
 * caller frees ret->at. */
int db_rows_read(struct db_file *f, enum db_table_id table, const char *tail,
	const struct db_param *params, size_t param_count, size_t max,
	struct db_rows *ret, struct fault *fault);

/* The bytes of a vendor's root; the caller frees ret->at. */
int db_root_bytes(struct db_file *f, const char *vendor, struct bytes *ret,
	struct fault *fault);

/* Roots that were kept of a vendor; see store_roots(). `ret` is empty at first
 * and is freed with db_roots_done(). */
struct db_roots {
	struct store_root of[STORE_ROOTS_PAGE];
	size_t count;
};
int db_roots_read(struct db_file *f, const char *vendor, uint64_t from,
	struct db_roots *ret, struct fault *fault);
void db_roots_done(struct db_roots *roots);

/* A random id. 0 or -EIO. */
int db_random_id(uint8_t id[DB_ID_LEN]);

#endif
