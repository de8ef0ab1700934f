/* Small commits and a look at everything, for the tests of the databases. */
#ifndef FERRY_TESTS_DB_TEST_H
#define FERRY_TESTS_DB_TEST_H

#include "tests/unit/store/store_test.h"

#include <errno.h>
#include <fcntl.h>

/* What a load gave, copied. */
struct seen {
	struct test_answer answer;
	size_t devices, jobs, vendors, roots, revocations, pins;
	struct device_row device;
	struct job_row job;
	struct vendor_row vendor;
	struct root_row root;
	struct revocation_row revocation;
	struct pin_row pin;
	struct evidence_floor_row evidence;
	size_t evidences;
	size_t authorities;
	struct authority_row authority;
	char root_text[64];
	struct catalog_floor_row catalog;
	size_t catalogs;
	struct class_floor_row classes[4];
	size_t class_count;
	struct device_floor_row floor;
	size_t floors;
	struct time_bound_row bound;
	size_t bounds;
	uint64_t next_job_id, reports;
};

static inline void on_loaded(
	void *arg, int status, const struct store_loaded *l)
{
	struct seen *s = arg;

	on_test_answer(&s->answer, status);
	ck_assert_int_eq(l != NULL, status == 0);
	if (!l)
		return;
	s->devices = l->device_count;
	s->jobs = l->job_count;
	s->vendors = l->vendor_count;
	s->roots = l->root_count;
	s->revocations = l->revocation_count;
	s->pins = l->pin_count;
	s->authorities = l->authority_count;
	if (s->authorities)
		s->authority = l->authorities[0];
	s->catalogs = l->catalog_floor_count;
	s->class_count = l->class_floor_count;
	s->floors = l->device_floor_count;
	s->bounds = l->time_bound_count;
	s->next_job_id = l->next_job_id;
	s->reports = l->outbox_count;
	if (s->devices)
		s->device = l->devices[0];
	if (s->jobs)
		s->job = l->jobs[0];
	if (s->vendors)
		s->vendor = l->vendors[0];
	if (s->revocations)
		s->revocation = l->revocations[0];
	if (s->pins)
		s->pin = l->pins[0];
	s->evidences = l->evidence_floor_count;
	if (s->evidences)
		s->evidence = l->evidence_floors[0];
	if (s->catalogs)
		s->catalog = l->catalog_floors[0];
	for (size_t i = 0; i < s->class_count && i < 4; i++)
		s->classes[i] = l->class_floors[i];
	if (s->floors)
		s->floor = l->device_floors[0];
	if (s->bounds)
		s->bound = l->time_bounds[0];
	if (s->roots) {
		s->root = l->roots[0];
		snprintf(s->root_text, sizeof(s->root_text), "%.*s",
			(int)l->root_bytes[0].len,
			(const char *)l->root_bytes[0].at);
	}
}

static inline struct seen load(void)
{
	struct seen s;

	memset(&s, 0, sizeof(s));
	ck_assert_int_eq(store_load_all(test_store, on_loaded, &s), 0);
	test_wait(&s.answer);
	return s;
}

static inline void open_well(void)
{
	struct test_answer a = test_open();

	ck_assert_msg(a.status == 0, "%s: %s", a.fault.field, a.fault.rule);
	ck_assert_int_eq(store_trust_state(test_store), STORE_TRUST_OK);
}

static inline void enrol(const char *id)
{
	struct store_commit *c = store_commit_new();
	struct device_row row = test_device(id);

	store_commit_device(c, &row);
	ck_assert_int_eq(test_commit(c), 0);
}

static inline int raise_class(uint64_t sequence)
{
	struct class_floor_row row = {.vendor = "acme",
		.component = "main",
		.hw_max = UINT64_MAX,
		.sequence = sequence};
	struct store_commit *c = store_commit_new();

	store_commit_class_floor(c, &row);
	return test_commit(c);
}

static inline int raise_catalog(
	uint64_t epoch, uint64_t sequence, uint8_t digest)
{
	struct catalog_floor_row row = {.vendor = "acme",
		.epoch = epoch,
		.sequence = sequence,
		.digest = {digest}};
	struct store_commit *c = store_commit_new();

	store_commit_catalog_floor(c, &row);
	return test_commit(c);
}

static inline int put_root(uint64_t version, uint64_t epoch, uint8_t digest)
{
	struct root_row row = {.vendor = "acme",
		.version = version,
		.epoch = epoch,
		.digest = {digest}};
	struct store_commit *c = store_commit_new();
	char text[16];

	snprintf(text, sizeof(text), "root %u", (unsigned)version);
	store_commit_root(c, &row, bytes_of_text(text));
	return test_commit(c);
}

static inline void flip_byte(const char *name, off_t at)
{
	int fd = open(test_path(name), O_RDWR);
	uint8_t byte;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 0x04;
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static inline void write_file(const char *name, const char *text, size_t len)
{
	FILE *file = fopen(test_path(name), "wb");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, len, file), len);
	fclose(file);
}

static inline void unlock(int expected)
{
	struct test_answer a = {0};

	ck_assert_int_eq(
		store_trust_unlock(test_store, "root", 77, on_test_answer, &a),
		0);
	test_wait(&a);
	ck_assert_int_eq(a.status, expected);
}

struct history_seen {
	struct test_answer answer;
	size_t count;
	uint64_t ids[8];
};

static inline void on_history(
	void *arg, int status, const struct history_row *rows, size_t count)
{
	struct history_seen *s = arg;

	on_test_answer(&s->answer, status);
	s->count = count;
	for (size_t i = 0; i < count && i < 8; i++)
		s->ids[i] = rows[i].id;
}

static inline struct history_seen ask_history(
	const struct history_filter *filter, size_t limit)
{
	struct history_seen s = {.count = 0};

	ck_assert_int_eq(
		store_history(test_store, filter, limit, on_history, &s), 0);
	test_wait(&s.answer);
	ck_assert_int_eq(s.answer.status, 0);
	return s;
}

#endif
