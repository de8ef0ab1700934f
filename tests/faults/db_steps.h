/* The life of one device and its job in six commits, for the fault families. */
#ifndef FERRY_TESTS_DB_STEPS_H
#define FERRY_TESTS_DB_STEPS_H

#include "tests/unit/store/store_test.h"

static inline void db_add_class(struct store_commit *c, uint64_t sequence)
{
	struct class_floor_row row = {.vendor = "acme",
		.component = "main",
		.hw_max = UINT64_MAX,
		.sequence = sequence};

	store_commit_class_floor(c, &row);
}

static inline void db_add_root(
	struct store_commit *c, uint64_t version, uint64_t epoch)
{
	struct root_row root = {.vendor = "acme",
		.version = version,
		.epoch = epoch,
		.digest = {(uint8_t)version}};
	struct catalog_floor_row catalog = {.vendor = "acme",
		.epoch = epoch,
		.sequence = version,
		.digest = {(uint8_t)version}};

	store_commit_root(c, &root, bytes_of_text("the bytes of a root"));
	store_commit_catalog_floor(c, &catalog);
}

static inline void db_add_ledger(struct store_commit *c, int first, int last)
{
	for (int step = first; step <= last; step++) {
		struct ledger_row row = test_ledger(1, step);

		store_commit_ledger(c, &row);
	}
}

/* The commit of a step, or NULL after the last. */
static inline struct store_commit *db_step(unsigned number)
{
	struct store_commit *c = store_commit_new();
	struct device_row device = test_device("d1");
	struct device_floor_row floor = {
		.vendor = "acme", .device = "d1", .sequence = 5};
	struct job_row job = test_job(1, "d1");
	struct outbox_row report = {.vendor = "acme", .body_len = 500};

	switch (number) {
	case 0:
		db_add_root(c, 1, 1);
		db_add_class(c, 5);
		store_commit_device(c, &device);
		break;
	case 1:
		store_commit_job(c, &job);
		store_commit_outbox(c, &report);
		break;
	case 2:
		db_add_ledger(c, 1, 3);
		break;
	case 3:
		store_commit_device_floor(c, &floor);
		job.closed = true;
		store_commit_job(c, &job);
		db_add_ledger(c, 13, 13);
		break;
	case 4:
		store_commit_epoch(c, "acme", 2, 7);
		db_add_root(c, 2, 2);
		db_add_class(c, 1);
		break;
	case 5:
		store_commit_outbox_drop(c, 1);
		break;
	default:
		store_commit_free(c);
		return NULL;
	}
	return c;
}

#endif
