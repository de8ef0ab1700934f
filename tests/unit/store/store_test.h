/* A folder, a loop and waiting, for the tests of the store. */
#ifndef FERRY_TESTS_STORE_H
#define FERRY_TESTS_STORE_H

#include "tests/unit/scratch.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "store/db.h"

static char test_dir[PATH_MAX];
static uv_loop_t test_loop;
static struct store *test_store;

static inline void test_setup(void)
{
	scratch_make(test_dir, sizeof(test_dir), "ferry-store");
	ck_assert_int_eq(uv_loop_init(&test_loop), 0);
	test_store = NULL;
}

static inline void test_teardown(void)
{
	ck_assert_int_eq(uv_loop_close(&test_loop), 0);
	scratch_drop(test_dir);
}

static inline const char *test_path(const char *name)
{
	static char path[2][PATH_MAX + 256];
	static unsigned turn;
	char *at = path[turn++ % 2];

	snprintf(at, sizeof(path[0]), "%s/%s", test_dir, name);
	return at;
}

/* What a callback said. */
struct test_answer {
	int calls;
	int status;
	struct fault fault;
};

static inline void on_test_answer(void *arg, int status)
{
	struct test_answer *a = arg;

	a->calls++;
	a->status = status;
}

static inline void on_test_opened(
	void *arg, int status, const struct fault *fault)
{
	struct test_answer *a = arg;

	on_test_answer(arg, status);
	a->fault = *fault;
}

static inline void test_wait(struct test_answer *a)
{
	ck_assert_int_eq(a->calls, 0);
	while (a->calls == 0)
		uv_run(&test_loop, UV_RUN_ONCE);
	ck_assert_int_eq(a->calls, 1);
}

static inline struct test_answer test_open_in(const char *dir)
{
	struct test_answer a = {0};

	ck_assert_int_eq(
		store_open(&test_loop, dir, on_test_opened, &a, &test_store),
		0);
	test_wait(&a);
	return a;
}

static inline struct test_answer test_open(void)
{
	return test_open_in(test_dir);
}

static inline void test_close(void)
{
	struct test_answer a = {0};

	store_close(test_store, on_test_answer, &a);
	test_wait(&a);
	test_store = NULL;
}

/* Sends and waits. */
static inline int test_commit(struct store_commit *take_c)
{
	struct test_answer a = {0};
	int r = store_commit_send(test_store, take_c, on_test_answer, &a);

	if (r < 0)
		return r;
	test_wait(&a);
	return a.status;
}

static inline struct device_row test_device(const char *id)
{
	struct device_row row = {.enrolled_ms = 1700000000000};

	snprintf(row.id, sizeof(row.id), "%s", id);
	snprintf(row.vendor, sizeof(row.vendor), "acme");
	snprintf(row.class_name, sizeof(row.class_name), "lamp");
	return row;
}

static inline struct job_row test_job(uint64_t id, const char *device)
{
	struct job_row row = {.id = id, .created_ms = 1700000000001};

	snprintf(row.device, sizeof(row.device), "%s", device);
	snprintf(row.vendor, sizeof(row.vendor), "acme");
	snprintf(row.state, sizeof(row.state), "queued");
	return row;
}

static inline struct ledger_row test_ledger(uint64_t job, int step)
{
	struct ledger_row row = {.job = job, .step = step, .at_ms = 5};

	snprintf(row.device, sizeof(row.device), "d1");
	snprintf(row.outcome, sizeof(row.outcome), "passed");
	snprintf(row.evidence, sizeof(row.evidence), "{}");
	return row;
}

#endif
