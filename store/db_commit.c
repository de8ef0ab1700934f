#include "store/db_ops.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct store_commit *store_commit_new(void)
{
	struct store_commit *c = calloc(1, sizeof(*c));

	if (c)
		c->last = &c->first;
	return c;
}

void store_commit_free(struct store_commit *c)
{
	struct db_op *op;

	if (!c)
		return;
	while ((op = c->first)) {
		c->first = op->next;
		free(op);
	}
	free(c);
}

bool store_commit_is_empty(const struct store_commit *c)
{
	return !c || !c->first;
}

static int fail(struct store_commit *c, int code)
{
	if (!c)
		return -ENOMEM;
	if (c->err == 0)
		c->err = code;
	return c->err;
}

enum db_which db_op_file(enum db_op_kind kind)
{
	static const enum db_which files[] = {
#define OP_FILE(name, file) [OP_##name] = DB_##file,
		DB_OPS(OP_FILE)
#undef OP_FILE
	};

	return files[kind];
}

static struct db_op *add(struct store_commit *c, enum db_op_kind kind,
	const void *row, size_t size, struct bytes body)
{
	struct db_op *op;

	if (!c || c->err)
		return NULL;
	if (c->count == STORE_COMMIT_OPS_MAX) {
		c->err = ERR_STORE_FULL;
		return NULL;
	}
	op = calloc(1, sizeof(*op) + size + body.len);
	if (!op) {
		c->err = -ENOMEM;
		return NULL;
	}
	op->kind = kind;
	op->body_at = size;
	op->body_len = body.len;
	if (size)
		memcpy(op->row, row, size);
	if (body.len)
		memcpy(op->row + size, body.at, body.len);
	*c->last = op;
	c->last = &op->next;
	c->count++;
	c->touches[db_op_file(kind)] = true;
	return op;
}

static int add_row(struct store_commit *c, enum db_op_kind kind,
	enum db_table_id table, const void *row)
{
	int r = db_row_check(table, row);

	if (r < 0)
		return fail(c, r);
	add(c, kind, row, db_table(table)->row_size, bytes_of(NULL, 0));
	return c ? c->err : -ENOMEM;
}

static int add_name(struct store_commit *c, enum db_op_kind kind,
	const char *name, struct db_op **ret_op)
{
	size_t len = strnlen(name, ROW_NAME_SIZE);
	struct db_op *op;

	if (len == 0 || len == ROW_NAME_SIZE)
		return fail(c, ERR_STORE_ROW);
	op = add(c, kind, name, len + 1, bytes_of(NULL, 0));
	if (ret_op)
		*ret_op = op;
	return c ? c->err : -ENOMEM;
}

#define ROW_OP(name, table, row_type)                                          \
	int store_commit_##name(                                               \
		struct store_commit *c, const struct row_type *row)            \
	{                                                                      \
		return add_row(c, OP_##name, DB_##table, row);                 \
	}
ROW_OP(device, devices, device_row)
ROW_OP(job, jobs, job_row)
ROW_OP(ledger, ledger, ledger_row)
ROW_OP(history, history, history_row)
ROW_OP(outbox, outbox, outbox_row)
ROW_OP(vendor, vendors, vendor_row)
ROW_OP(catalog_floor, catalog_floors, catalog_floor_row)
ROW_OP(class_floor, class_floors, class_floor_row)
ROW_OP(device_floor, device_floors, device_floor_row)
ROW_OP(time_bound, time_bounds, time_bound_row)
ROW_OP(authority, authorities, authority_row)
ROW_OP(revocation, revocations, revocation_row)
ROW_OP(pin, pins, pin_row)
ROW_OP(evidence_floor, evidence_floors, evidence_floor_row)
#undef ROW_OP

int store_commit_device_forget(struct store_commit *c, const char *id)
{
	return add_name(c, OP_device_forget, id, NULL);
}

int store_commit_vendor_forget(struct store_commit *c, const char *name)
{
	return add_name(c, OP_vendor_forget, name, NULL);
}

int store_commit_outbox_drop(struct store_commit *c, uint64_t seq)
{
	struct db_op *op;

	if (seq == 0 || seq > INT64_MAX)
		return fail(c, ERR_STORE_ROW);
	op = add(c, OP_outbox_drop, NULL, 0, bytes_of(NULL, 0));
	if (op)
		op->number = seq;
	return c ? c->err : -ENOMEM;
}

int store_commit_root(
	struct store_commit *c, const struct root_row *row, struct bytes root)
{
	int r = db_row_check(DB_roots, row);

	if (r == 0 && (root.len == 0 || root.len > ROW_ROOT_MAX))
		r = ERR_STORE_ROW;
	if (r < 0)
		return fail(c, r);
	add(c, OP_root, row, sizeof(*row), root);
	return c ? c->err : -ENOMEM;
}

int store_commit_root_kept(struct store_commit *c, const char *vendor,
	uint64_t version, struct bytes root)
{
	size_t len = strnlen(vendor, ROW_NAME_SIZE);
	struct db_op *op;

	if (len == 0 || len == ROW_NAME_SIZE || root.len == 0 ||
		root.len > ROW_ROOT_MAX)
		return fail(c, ERR_STORE_ROW);
	op = add(c, OP_root_kept, vendor, len + 1, root);
	if (op)
		op->number = version;
	return c ? c->err : -ENOMEM;
}

int store_commit_root_prune(
	struct store_commit *c, const char *vendor, uint64_t below)
{
	struct db_op *op = NULL;
	int r = add_name(c, OP_root_prune, vendor, &op);

	if (op)
		op->number = below;
	return r;
}

int store_commit_authority_move(struct store_commit *c,
	const struct authority_row *row, struct bytes devices)
{
	int r = db_row_check(DB_authorities, row);

	if (r == 0 && (!row->by[0] || (devices.len > 0 &&
					      devices.at[devices.len - 1])))
		r = ERR_STORE_ROW;
	if (r == 0 && devices.len > STORE_DEVICES_MAX * ROW_NAME_SIZE)
		r = ERR_STORE_FULL;
	if (r < 0)
		return fail(c, r);
	add(c, OP_authority_move, row, sizeof(*row), devices);
	return c ? c->err : -ENOMEM;
}

int store_commit_epoch(struct store_commit *c, const char *vendor,
	uint64_t epoch, int64_t time_ms)
{
	struct db_op *op = NULL;
	int r = add_name(c, OP_epoch, vendor, &op);

	if (op) {
		op->number = epoch;
		op->time_ms = time_ms;
	}
	return r;
}

int store_commit_device_floor_lower(
	struct store_commit *c, const struct device_floor_row *row, bool allow)
{
	if (!allow)
		return fail(c, ERR_STORE_FLOOR);
	return add_row(c, OP_device_floor_lower, DB_device_floors, row);
}

int store_commit_vendor_reset(
	struct store_commit *c, const char *vendor, bool allow)
{
	if (!allow)
		return fail(c, ERR_STORE_FLOOR);
	return add_name(c, OP_vendor_reset, vendor, NULL);
}
