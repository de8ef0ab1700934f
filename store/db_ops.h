/* What a commit does: building on the loop thread, applying on the database
 * thread. Internal to the store; the public side is in store/db.h. */
#ifndef FERRY_STORE_DB_OPS_H
#define FERRY_STORE_DB_OPS_H

#include <stdatomic.h>
#include <stddef.h>

#include "store/db.h"
#include "store/db_file.h"

/* X(name, file) */
#define DB_OPS(X)                                                              \
	X(device, STATE)                                                       \
	X(device_forget, STATE)                                                \
	X(job, STATE)                                                          \
	X(ledger, STATE)                                                       \
	X(history, STATE)                                                      \
	X(outbox, STATE)                                                       \
	X(outbox_drop, STATE)                                                  \
	X(vendor, STATE)                                                       \
	X(vendor_forget, STATE)                                                \
	X(catalog_floor, TRUST)                                                \
	X(class_floor, TRUST)                                                  \
	X(device_floor, TRUST)                                                 \
	X(time_bound, TRUST)                                                   \
	X(root, TRUST)                                                         \
	X(root_kept, TRUST)                                                    \
	X(root_prune, TRUST)                                                   \
	X(authority, TRUST)                                                    \
	X(authority_move, TRUST)                                               \
	X(revocation, TRUST)                                                   \
	X(pin, TRUST)                                                          \
	X(evidence_floor, TRUST)                                               \
	X(epoch, TRUST)                                                        \
	X(device_floor_lower, TRUST)                                           \
	X(vendor_reset, TRUST)

enum db_op_kind {
#define OP_ENUM(name, file) OP_##name,
	DB_OPS(OP_ENUM)
#undef OP_ENUM
};

struct db_op {
	struct db_op *next;
	enum db_op_kind kind;
	uint64_t number;
	int64_t time_ms;
	size_t body_at; /* in `row` */
	size_t body_len;
	_Alignas(max_align_t) unsigned char row[];
};

enum db_which db_op_file(enum db_op_kind kind);

struct store_commit {
	struct db_op *first;
	struct db_op **last;
	size_t count;
	int err;
	bool touches[2]; /* by enum db_which */
};

/* Applies a group of commits with as few transactions as can be: each commit's
 * result goes to its place in `results`. `trust` is NULL while locked.
 * `dropped` counts reports that the outbox had no room for. */
void db_apply_group(struct db_file *trust, struct db_file *state,
	struct store_commit *const *commits, int *results, size_t count,
	atomic_uint_fast64_t *dropped);

/* Inserts the row or updates the one with its key; `tail`, a literal, says when
 * an update may be. */
int db_put(struct db_file *f, enum db_table_id table, const char *tail,
	const void *row);

/* Runs a literal `sql` with one text as ?1. */
int db_run_text(struct db_file *f, const char *sql, const char *text);

/* Operations that have a file of their own (db_authority.c). */
int db_apply_root_kept(struct db_file *f, const struct db_op *op);
int db_apply_root_prune(struct db_file *f, const struct db_op *op);
int db_apply_authority(struct db_file *f, const struct db_op *op);
int db_apply_authority_move(struct db_file *f, const struct db_op *op);

/* Keeps the bytes of a root for the walk at the next start. */
int db_keep_root(struct db_file *f, const char *vendor, uint64_t version,
	struct bytes root);

/* ERR_STORE_FULL when the vendor has more class floors than its share. */
int db_class_floors_fit(struct db_file *f, const char *vendor);

/* The highest epoch that this vendor ever reached; 0 if none. */
int db_vendor_epoch(struct db_file *f, const char *vendor, uint64_t *ret);

/* Appends one history row outside of a commit. */
int db_append_history(struct db_file *state, const struct history_row *row);

#endif
