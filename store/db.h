/* The databases: what ferryd must still know after it was killed.
 *
 * Two SQLite files in one folder. `trust.db` keeps floors, roots, time bounds,
 * sticky revocations and pins; `state.db` keeps devices, jobs, ledger, history,
 * outbox and vendor state. One thread of its own does all SQLite work, in the
 * order of the calls; every callback runs on the loop thread, exactly once,
 * never inside the call that started it. All functions here are for the loop
 * thread but store_restore().
 *
 * Lifetime: store_open() ... store_close(). A store whose opening failed is
 * closed as well. The files are locked: a second process gets ERR_STORE_BUSY.
 *
 * Durability: when a commit's callback says 0 it survives a power cut. Commits
 * that wait together share one transaction and one fsync a file, but each
 * succeeds or fails by itself. Within a commit trust.db is made durable
 * before state.db: after a cut the trust part may be there without the state
 * part, never the other way round, so repeat such commits at start.
 *
 * Trust: state.db holds a random id and trust.db the same one. A trust.db that
 * is absent, damaged or has another id locks the trust store: loads show no
 * trust rows, commits with trust operations fail with ERR_STORE_LOCKED, until
 * store_trust_unlock(). Only where both files are absent (first start) both are
 * made. A damaged state.db fails the opening with ERR_STORE_DAMAGED; nothing is
 * ever recreated over it. */
#ifndef FERRY_STORE_DB_H
#define FERRY_STORE_DB_H

#include <uv.h>

#include "base/bytes.h"
#include "base/err.h"
#include "store/rows.h"

#define STORE_DEVICES_MAX 4096
#define STORE_JOBS_OPEN_MAX 8192
#define STORE_JOBS_CLOSED_MAX 2048
#define STORE_LEDGER_JOB_MAX 256 /* rows of one job; the oldest go */
#define STORE_HISTORY_MAX 8192
#define STORE_OUTBOX_MAX 4096
#define STORE_VENDORS_MAX 64
#define STORE_TRUST_ROWS_MAX 32768 /* a table of trust.db */
/* Class floors of one vendor: what a stolen catalog key fills is its own share,
 * and a new epoch empties it. */
#define STORE_CLASS_FLOORS_VENDOR_MAX 8192
#define STORE_CLASS_FLOORS_MAX                                                 \
	(STORE_VENDORS_MAX * STORE_CLASS_FLOORS_VENDOR_MAX)
#define STORE_AUTHORITIES_MAX 1024
#define STORE_ROOTS_KEPT_MAX 256 /* of one vendor */
#define STORE_ROOTS_PAGE 16
#define STORE_COMMIT_OPS_MAX 1024
#define STORE_QUEUE_MAX 4096	/* requests that wait; then -EAGAIN */
#define STORE_LOAD_ROWS_MAX 512 /* what one ledger or history query gives */

struct store;
struct store_commit;

/* status: 0 or an error. */
typedef void (*store_cb)(void *arg, int status);

/* ---- opening and closing ---- */

/* `fault` names the file and the rule when status is an error; borrowed. */
typedef void (*store_opened_cb)(
	void *arg, int status, const struct fault *fault);

/* Opens or makes the databases in the folder `dir`, which must exist and be
 * private to us. Migrates older minor schemas; a newer minor of the same major
 * is used as it is. Returns 0 with *ret_store set and `cb` to come, or an
 * error (no memory, no thread) and no store.
 * Statuses: ERR_STORE_DAMAGED, _SCHEMA (another major), _BUSY, -errno. */
int store_open(uv_loop_t *loop, const char *dir, store_opened_cb cb, void *arg,
	struct store **ret_store);

/* Finishes everything that was queued, closes the files, ends the thread, then
 * calls `cb`, after which the store is gone. Callbacks of queued requests come
 * before `cb`. NULL `store` is not allowed. */
void store_close(struct store *store, store_cb cb, void *arg);

enum store_trust {
	STORE_TRUST_OK,
	STORE_TRUST_ABSENT,  /* locked: state.db is there, trust.db is not */
	STORE_TRUST_DAMAGED, /* locked: unreadable or fails its check */
	STORE_TRUST_OTHER,   /* locked: belongs to another state.db */
};

/* Valid from the opened callback on. Anything but OK: no vendor may be served.
 */
enum store_trust store_trust_state(const struct store *store);
const char *store_trust_text(enum store_trust state);

/* An administrator says that the loss is understood. ABSENT: an empty trust.db
 * is made. DAMAGED: the file is kept under another name, an empty one is made.
 * OTHER: the file is adopted, its floors count. Load again afterwards. Writes
 * a history row ("trust-unlocked", `who`) in the same go. */
int store_trust_unlock(struct store *store, const char *who, int64_t at_ms,
	store_cb cb, void *arg);

/* ---- commits ---- */

/* A commit is built, then sent. Each operation copies its row; the first error
 * sticks (-ENOMEM, ERR_STORE_ROW, ERR_STORE_FULL: more than
 * STORE_COMMIT_OPS_MAX) and is also the result of store_commit_send(), so a
 * caller may ignore the single results. Operations on one file are applied in
 * the order of the calls, trust.db first. NULL `c` gives -ENOMEM everywhere. */
struct store_commit *store_commit_new(void);
void store_commit_free(struct store_commit *c);
bool store_commit_is_empty(const struct store_commit *c);

/* state.db. Rows with a key replace the row with that key. */
int store_commit_device(struct store_commit *c, const struct device_row *row);
/* Its closed jobs, ledger and floors stay; its open jobs must be closed first
 * or in the same commit. */
int store_commit_device_forget(struct store_commit *c, const char *id);
int store_commit_job(struct store_commit *c, const struct job_row *row);
int store_commit_ledger(struct store_commit *c, const struct ledger_row *row);
int store_commit_history(struct store_commit *c, const struct history_row *row);
int store_commit_outbox(struct store_commit *c, const struct outbox_row *row);
int store_commit_outbox_drop(struct store_commit *c, uint64_t seq);
int store_commit_vendor(struct store_commit *c, const struct vendor_row *row);
int store_commit_vendor_forget(struct store_commit *c, const char *name);

/* trust.db. These only raise: a lower value leaves the stored one. */
int store_commit_catalog_floor(
	struct store_commit *c, const struct catalog_floor_row *row);
int store_commit_class_floor(
	struct store_commit *c, const struct class_floor_row *row);
int store_commit_device_floor(
	struct store_commit *c, const struct device_floor_row *row);
int store_commit_time_bound(
	struct store_commit *c, const struct time_bound_row *row);
/* Replaces the stored root when the version is higher; an equal version needs
 * the same digest (ERR_STORE_CONFLICT), a lower one and an epoch that falls
 * are refused (ERR_STORE_FLOOR). At most ROW_ROOT_MAX bytes. */
int store_commit_root(
	struct store_commit *c, const struct root_row *row, struct bytes root);
/* Every root goes also into the chain that is walked again at the next start;
 * beyond STORE_ROOTS_KEPT_MAX of a vendor the later ones are not kept. This one
 * keeps a root without touching the floor: one below it, fetched again. */
int store_commit_root_kept(struct store_commit *c, const char *vendor,
	uint64_t version, struct bytes root);
/* The vendor's file begins later now: what is kept below is not needed. */
int store_commit_root_prune(
	struct store_commit *c, const char *vendor, uint64_t below);

/* Who speaks for a class. A place that is taken keeps its vendor
 * (ERR_STORE_CONFLICT); `cleared` only rises. */
int store_commit_authority(
	struct store_commit *c, const struct authority_row *row);
/* What moves with the class from row->by to row->vendor: class floors of
 * row->class_id, floors of the devices (their names, each with its NUL, one
 * behind the other), sticky revocations. Raises only, and what row->by has
 * stays. */
int store_commit_authority_move(struct store_commit *c,
	const struct authority_row *row, struct bytes devices);

int store_commit_revocation(
	struct store_commit *c, const struct revocation_row *row);
/* A pin that is there keeps its digest (another one: ERR_STORE_CONFLICT); its
 * number rises. */
int store_commit_pin(struct store_commit *c, const struct pin_row *row);
int store_commit_evidence_floor(
	struct store_commit *c, const struct evidence_floor_row *row);

/* A root with a higher epoch was accepted: forgets the vendor's catalog, class
 * and device floors and sets its time bound to time_ms, even downwards. An
 * epoch that was reached before changes nothing. Revocations and pins stay.
 * Put it before the root and the floors of the new epoch. */
int store_commit_epoch(struct store_commit *c, const char *vendor,
	uint64_t epoch, int64_t time_ms);

/* What only an administrator may do; `allow` must be true, or ERR_STORE_FLOOR.
 * Lowers one device's floor (marked `lowered`). */
int store_commit_device_floor_lower(
	struct store_commit *c, const struct device_floor_row *row, bool allow);
/* Forgets root, floors, epoch and time bound of a vendor whose first root is to
 * be replaced. Revocations and pins stay. */
int store_commit_vendor_reset(
	struct store_commit *c, const char *vendor, bool allow);

/* Takes the commit, also on error. Returns 0 and `cb` will come, or the
 * builder's error, -EAGAIN (queue full) or ERR_STORE_CLOSED, and `cb` will not
 * come. `cb` may be NULL.
 * Statuses: ERR_STORE_LOCKED, _FLOOR, _CONFLICT, _FULL, _ROW (names a job or
 * device that is not there), _DAMAGED, _SQL, -ENOSPC, -EIO. Nothing of a failed
 * commit is applied; only when the last step, making state.db durable, fails
 * may the trust part have been. */
int store_commit_send(struct store *store, struct store_commit *take_commit,
	store_cb cb, void *arg);

/* ---- reading ---- */

/* Everything that is needed at start. Borrowed for the call of the callback. */
struct store_loaded {
	const struct device_row *devices;
	size_t device_count;
	const struct job_row *jobs; /* open ones, by id */
	size_t job_count;
	const struct vendor_row *vendors;
	size_t vendor_count;
	uint64_t next_job_id;
	uint64_t outbox_count;
	/* Empty while the trust store is locked. */
	const struct catalog_floor_row *catalog_floors;
	size_t catalog_floor_count;
	const struct class_floor_row *class_floors;
	size_t class_floor_count;
	const struct device_floor_row *device_floors;
	size_t device_floor_count;
	const struct time_bound_row *time_bounds;
	size_t time_bound_count;
	const struct root_row *roots;
	const struct bytes *root_bytes; /* one for each of roots */
	size_t root_count;
	const struct authority_row *authorities;
	size_t authority_count;
	const struct revocation_row *revocations;
	size_t revocation_count;
	const struct pin_row *pins;
	size_t pin_count;
	const struct evidence_floor_row *evidence_floors;
	size_t evidence_floor_count;
};

/* `loaded` is NULL unless status is 0. */
typedef void (*store_loaded_cb)(
	void *arg, int status, const struct store_loaded *loaded);
int store_load_all(struct store *store, store_loaded_cb cb, void *arg);

struct store_root {
	uint64_t version;
	struct bytes file;
};

/* Roots that were kept of a vendor, from version `from` on, rising: at most
 * STORE_ROOTS_PAGE, borrowed for the call. ERR_STORE_LOCKED while the trust
 * store is locked, ERR_STORE_DAMAGED when a row has the wrong form. */
typedef void (*store_roots_cb)(
	void *arg, int status, const struct store_root *roots, size_t count);
int store_roots(struct store *store, const char *vendor, uint64_t from,
	store_roots_cb cb, void *arg);

/* Each query answers with at most `limit` rows (capped at STORE_LOAD_ROWS_MAX),
 * borrowed for the call. They return 0, -EAGAIN, -ENOMEM, -EINVAL or
 * ERR_STORE_CLOSED. */
typedef void (*store_jobs_cb)(
	void *arg, int status, const struct job_row *rows, size_t count);
/* One job, open or closed: 0 or 1 row. */
int store_job(struct store *store, uint64_t id, store_jobs_cb cb, void *arg);
/* Newest first; `device` NULL for all; jobs with an id below `before`, 0 for
 * no bound; closed ones too if `closed`. */
int store_jobs(struct store *store, const char *device, bool closed,
	uint64_t before, size_t limit, store_jobs_cb cb, void *arg);
/* The same of closed ones that ended in this state. */
int store_jobs_in_state(struct store *store, const char *device,
	const char *state, uint64_t before, size_t limit, store_jobs_cb cb,
	void *arg);

typedef void (*store_ledger_cb)(
	void *arg, int status, const struct ledger_row *rows, size_t count);
/* In the order of the steps as they happened. */
int store_ledger_of_job(struct store *store, uint64_t job, size_t limit,
	store_ledger_cb cb, void *arg);
/* Of the device's latest job that has a ledger. */
int store_ledger_of_device(struct store *store, const char *device,
	size_t limit, store_ledger_cb cb, void *arg);

/* Empty texts and 0 mean: any. */
struct history_filter {
	char vendor[ROW_NAME_SIZE];
	char device[ROW_NAME_SIZE];
	char kind[ROW_WORD_SIZE];
	uint64_t job;
	uint64_t before; /* only ids below this one; pages backwards */
};
typedef void (*store_history_cb)(
	void *arg, int status, const struct history_row *rows, size_t count);
/* Newest first. */
int store_history(struct store *store, const struct history_filter *filter,
	size_t limit, store_history_cb cb, void *arg);

typedef void (*store_outbox_cb)(
	void *arg, int status, const struct outbox_row *rows, size_t count);
/* Oldest first; `vendor` NULL for all. Rows stay until _outbox_drop. */
int store_outbox_next(struct store *store, const char *vendor, size_t limit,
	store_outbox_cb cb, void *arg);

/* ---- figures ---- */

/* Which file, column and rule the latest bad status was about, where that is
 * known (code 0 otherwise); for the log, inside the callback. */
const struct fault *store_last_fault(const struct store *store);

/* Since this process started. Any thread. */
struct store_usage {
	uint64_t db_bytes; /* written to the databases and their logs */
	uint64_t db_syncs;
	uint64_t cache_bytes; /* written by store/cache.h */
	uint64_t cache_syncs;
};
void store_usage(struct store_usage *ret);

/* Reports that were dropped because the outbox was full, since the opening. */
uint64_t store_outbox_dropped(const struct store *store);

/* ---- backup ---- */

/* Copies both files as of one moment into the folder `dir` (made with mode 0700
 * if absent; copies there are replaced as a whole). Not while locked. */
int store_backup(struct store *store, const char *dir, store_cb cb, void *arg);

/* Puts a backup back; synchronous, for a ferryd that does not run (otherwise
 * ERR_STORE_BUSY). state.db becomes the copy. A trust.db that is there stays
 * and is raised by the copy, never lowered; where it is absent or damaged the
 * copy is put in, and stays locked (OTHER) until an administrator unlocks it.
 * `fault` may be NULL. Any thread. */
int store_restore(const char *from_dir, const char *dir, struct fault *fault);

#endif
