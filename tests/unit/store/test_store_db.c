#include "tests/unit/store/db_test.h"

/* ---- rows ---- */

START_TEST(load_after_reopen_gives_rows_back)
{
	struct device_row device = test_device("d1");
	struct job_row job = test_job(7, "d1");
	struct vendor_row vendor = {.name = "acme",
		.failures = 2,
		.last_error = ERR_STORE_BUSY,
		.pseudonym_key = {1, 2, 3}};
	struct store_commit *c = store_commit_new();
	struct seen s;

	memcpy(device.hash, "\x00\x01\x02", 3);
	device.hash_len = 3;
	device.confirmed = true;
	device.read_ms = -5;
	job.sequence = UINT64_MAX;
	job.payload_digest[31] = 9;
	job.failure = (struct job_failure){.code = ERR_STORE_QUOTA,
		.step = 4,
		.offset = UINT64_MAX - 1,
		.hint = "free some space"};
	snprintf(job.expect, sizeof(job.expect), "{\"v\":1}");
	open_well();
	store_commit_job(c, &job);
	ck_assert_int_eq(test_commit(c), ERR_STORE_ROW);
	c = store_commit_new();
	store_commit_device(c, &device);
	store_commit_job(c, &job);
	store_commit_vendor(c, &vendor);
	ck_assert_int_eq(test_commit(c), 0);
	test_close();
	open_well();
	s = load();
	ck_assert_int_eq(s.answer.status, 0);
	ck_assert_uint_eq(s.devices, 1);
	ck_assert_int_eq(memcmp(&s.device, &device, sizeof(device)), 0);
	ck_assert_int_eq(memcmp(&s.job, &job, sizeof(job)), 0);
	ck_assert_int_eq(memcmp(&s.vendor, &vendor, sizeof(vendor)), 0);
	ck_assert_uint_eq(s.next_job_id, 8);
	test_close();
}
END_TEST

START_TEST(load_leaves_closed_jobs_out)
{
	struct store_commit *c = store_commit_new();
	struct job_row job = test_job(3, "d1");
	struct seen s;

	open_well();
	enrol("d1");
	job.closed = true;
	store_commit_job(c, &job);
	ck_assert_int_eq(test_commit(c), 0);
	s = load();
	ck_assert_uint_eq(s.jobs, 0);
	ck_assert_uint_eq(s.next_job_id, 4);
	test_close();
}
END_TEST

START_TEST(commit_with_unclosed_text_is_refused)
{
	struct device_row row = test_device("d1");
	struct store_commit *c = store_commit_new();

	memset(row.note, 'x', sizeof(row.note));
	ck_assert_int_eq(store_commit_device(c, &row), ERR_STORE_ROW);
	row = test_device("d2");
	ck_assert_int_eq(store_commit_device(c, &row), ERR_STORE_ROW);
	open_well();
	ck_assert_int_eq(test_commit(c), ERR_STORE_ROW);
	ck_assert_uint_eq(load().devices, 0);
	test_close();
}
END_TEST

START_TEST(commit_row_rules_are_checked)
{
	static const struct ledger_row step = {.job = 1, .step = 14};
	static const struct ledger_row tier = {
		.job = 1, .tier = LEDGER_TIER_3 + 1};
	static const struct job_row no_id = {.device = "d"};
	static const struct device_row no_name = {.vendor = "v"};
	static const struct class_floor_row range = {
		.vendor = "v", .hw_min = 2, .hw_max = 1};
	struct outbox_row report = {.body_len = ROW_REPORT_MAX + 1};
	struct store_commit *c = store_commit_new();

	ck_assert_int_eq(store_commit_ledger(c, &step), ERR_STORE_ROW);
	store_commit_free(c);
	c = store_commit_new();
	ck_assert_int_eq(store_commit_ledger(c, &tier), ERR_STORE_ROW);
	store_commit_free(c);
	c = store_commit_new();
	ck_assert_int_eq(store_commit_job(c, &no_id), ERR_STORE_ROW);
	store_commit_free(c);
	c = store_commit_new();
	ck_assert_int_eq(store_commit_device(c, &no_name), ERR_STORE_ROW);
	store_commit_free(c);
	c = store_commit_new();
	ck_assert_int_eq(store_commit_class_floor(c, &range), ERR_STORE_ROW);
	store_commit_free(c);
	c = store_commit_new();
	ck_assert_int_eq(store_commit_outbox(c, &report), ERR_STORE_ROW);
	store_commit_free(c);
	ck_assert_int_eq(store_commit_device(NULL, &no_name), -ENOMEM);
}
END_TEST

START_TEST(commit_of_many_operations_is_bounded)
{
	struct store_commit *c = store_commit_new();

	for (int i = 0; i < STORE_COMMIT_OPS_MAX; i++)
		ck_assert_int_eq(store_commit_outbox_drop(c, 1), 0);
	ck_assert_int_eq(store_commit_outbox_drop(c, 1), ERR_STORE_FULL);
	store_commit_free(c);
}
END_TEST

START_TEST(device_forget_with_open_job_is_refused)
{
	struct store_commit *c = store_commit_new();
	struct job_row job = test_job(1, "d1");

	open_well();
	enrol("d1");
	store_commit_job(c, &job);
	ck_assert_int_eq(test_commit(c), 0);
	c = store_commit_new();
	store_commit_device_forget(c, "d1");
	ck_assert_int_eq(test_commit(c), ERR_STORE_ROW);
	c = store_commit_new();
	job.closed = true;
	store_commit_job(c, &job);
	store_commit_device_forget(c, "d1");
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert_uint_eq(load().devices, 0);
	test_close();
}
END_TEST

/* ---- groups ---- */

START_TEST(send_of_many_commits_fails_one_alone)
{
	struct test_answer answers[9] = {{0}};
	struct seen s;

	open_well();
	for (unsigned i = 0; i < 9; i++) {
		struct store_commit *c = store_commit_new();
		struct device_row row = test_device("d");
		struct ledger_row orphan = test_ledger(99, 1);

		row.id[1] = (char)('0' + i);
		store_commit_device(c, &row);
		if (i == 4)
			store_commit_ledger(c, &orphan);
		ck_assert_int_eq(store_commit_send(test_store, c,
					 on_test_answer, &answers[i]),
			0);
	}
	s = load();
	for (unsigned i = 0; i < 9; i++) {
		ck_assert_int_eq(answers[i].calls, 1);
		ck_assert_int_eq(answers[i].status, i == 4 ? ERR_STORE_ROW : 0);
	}
	ck_assert_uint_eq(s.devices, 8);
	test_close();
}
END_TEST

START_TEST(send_of_many_commits_shares_syncs)
{
	struct test_answer answers[200] = {{0}};
	struct store_usage before, after;

	open_well();
	enrol("d1");
	store_usage(&before);
	for (unsigned i = 0; i < 200; i++) {
		struct store_commit *c = store_commit_new();
		struct job_row job = test_job(i + 1, "d1");

		store_commit_job(c, &job);
		ck_assert_int_eq(store_commit_send(test_store, c,
					 on_test_answer, &answers[i]),
			0);
	}
	ck_assert_uint_eq(load().jobs, 200);
	store_usage(&after);
	for (unsigned i = 0; i < 200; i++)
		ck_assert_int_eq(answers[i].status, 0);
	ck_assert_uint_gt(after.db_syncs, before.db_syncs);
	ck_assert_uint_lt(after.db_syncs - before.db_syncs, 100);
	ck_assert_uint_gt(after.db_bytes, before.db_bytes);
	test_close();
}
END_TEST

START_TEST(send_after_close_is_refused)
{
	struct test_answer sent = {0}, closed = {0};
	struct store_commit *c = store_commit_new();
	struct device_row row = test_device("d1");

	open_well();
	store_commit_device(c, &row);
	ck_assert_int_eq(
		store_commit_send(test_store, c, on_test_answer, &sent), 0);
	store_close(test_store, on_test_answer, &closed);
	ck_assert_int_eq(sent.calls + closed.calls, 0);
	ck_assert_int_eq(
		store_commit_send(test_store, store_commit_new(), NULL, NULL),
		ERR_STORE_CLOSED);
	test_wait(&closed);
	ck_assert_int_eq(sent.calls, 1);
	ck_assert_int_eq(sent.status, 0);
}
END_TEST

/* ---- queries ---- */

struct ledger_seen {
	struct test_answer answer;
	size_t count;
	int steps[8];
	uint64_t job;
};

static void on_ledger(
	void *arg, int status, const struct ledger_row *rows, size_t count)
{
	struct ledger_seen *s = arg;

	on_test_answer(&s->answer, status);
	s->count = count;
	for (size_t i = 0; i < count && i < 8; i++)
		s->steps[i] = rows[i].step;
	s->job = count ? rows[0].job : 0;
}

START_TEST(ledger_of_device_is_of_its_latest_job_with_one)
{
	struct store_commit *c = store_commit_new();
	struct ledger_seen s = {.count = 0};

	open_well();
	enrol("d1");
	for (uint64_t id = 1; id <= 3; id++) {
		struct job_row job = test_job(id, "d1");

		store_commit_job(c, &job);
	}
	for (int step = 1; step <= 4; step++) {
		struct ledger_row row = test_ledger(step < 3 ? 1 : 2, step);

		store_commit_ledger(c, &row);
	}
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert_int_eq(
		store_ledger_of_device(test_store, "d1", 100, on_ledger, &s),
		0);
	test_wait(&s.answer);
	ck_assert_uint_eq(s.count, 2);
	ck_assert_uint_eq(s.job, 2);
	ck_assert_int_eq(s.steps[0], 3);
	s = (struct ledger_seen){.count = 0};
	ck_assert_int_eq(
		store_ledger_of_job(test_store, 1, 1, on_ledger, &s), 0);
	test_wait(&s.answer);
	ck_assert_uint_eq(s.count, 1);
	ck_assert_int_eq(s.steps[0], 1);
	test_close();
}
END_TEST

START_TEST(ledger_of_one_job_is_bounded)
{
	struct ledger_seen s = {.count = 0};
	struct job_row job = test_job(1, "d1");
	struct store_commit *c = store_commit_new();

	open_well();
	enrol("d1");
	store_commit_job(c, &job);
	for (int i = 0; i < STORE_LEDGER_JOB_MAX + 10; i++) {
		struct ledger_row row = test_ledger(1, i < 10 ? 1 : 2);

		store_commit_ledger(c, &row);
	}
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert_int_eq(
		store_ledger_of_job(test_store, 1, 1000, on_ledger, &s), 0);
	test_wait(&s.answer);
	ck_assert_uint_eq(s.count, STORE_LEDGER_JOB_MAX);
	ck_assert_int_eq(s.steps[0], 2);
	test_close();
}
END_TEST

START_TEST(history_filters_and_pages_backwards)
{
	struct history_filter all = {.job = 0}, one = {.device = "d1"};
	struct store_commit *c = store_commit_new();
	struct history_seen s;

	open_well();
	for (int i = 0; i < 6; i++) {
		struct history_row row = {.at_ms = i, .kind = "note"};

		row.device[0] = 'd';
		row.device[1] = (char)('0' + i % 2);
		store_commit_history(c, &row);
	}
	ck_assert_int_eq(test_commit(c), 0);
	s = ask_history(&all, 4);
	ck_assert_uint_eq(s.count, 4);
	ck_assert_uint_eq(s.ids[0], 6);
	all.before = s.ids[3];
	s = ask_history(&all, 4);
	ck_assert_uint_eq(s.count, 2);
	ck_assert_uint_eq(s.ids[1], 1);
	ck_assert_uint_eq(ask_history(&one, 8).count, 3);
	snprintf(one.kind, sizeof(one.kind), "other");
	ck_assert_uint_eq(ask_history(&one, 8).count, 0);
	test_close();
}
END_TEST

struct outbox_seen {
	struct test_answer answer;
	size_t count;
	uint64_t first;
	uint16_t body_len;
};

static void on_outbox(
	void *arg, int status, const struct outbox_row *rows, size_t count)
{
	struct outbox_seen *s = arg;

	on_test_answer(&s->answer, status);
	s->count = count;
	s->first = count ? rows[0].seq : 0;
	s->body_len = count ? rows[0].body_len : 0;
}

static struct outbox_seen ask_outbox(const char *vendor)
{
	struct outbox_seen s = {.count = 0};

	ck_assert_int_eq(
		store_outbox_next(test_store, vendor, 10, on_outbox, &s), 0);
	test_wait(&s.answer);
	return s;
}

static void report(const char *vendor, uint16_t len)
{
	struct store_commit *c = store_commit_new();
	struct outbox_row row = {.body_len = len};

	snprintf(row.vendor, sizeof(row.vendor), "%s", vendor);
	store_commit_outbox(c, &row);
	ck_assert_int_eq(test_commit(c), 0);
}

START_TEST(outbox_number_is_never_given_twice)
{
	struct store_commit *c = store_commit_new();
	struct outbox_seen s;

	open_well();
	report("a", 3);
	report("b", ROW_REPORT_MAX);
	s = ask_outbox(NULL);
	ck_assert_uint_eq(s.count, 2);
	ck_assert_uint_eq(ask_outbox("b").body_len, ROW_REPORT_MAX);
	store_commit_outbox_drop(c, 1);
	store_commit_outbox_drop(c, 2);
	ck_assert_int_eq(test_commit(c), 0);
	test_close();
	open_well();
	report("a", 1);
	ck_assert_uint_eq(ask_outbox(NULL).first, 3);
	test_close();
}
END_TEST

START_TEST(outbox_that_is_full_drops_the_oldest_and_counts)
{
	struct store_commit *c = NULL;

	open_well();
	for (int i = 0; i < STORE_OUTBOX_MAX + 5; i++) {
		struct outbox_row row = {.vendor = "a"};

		if (!c)
			c = store_commit_new();
		store_commit_outbox(c, &row);
		if (i % 1000 != 999 && i != STORE_OUTBOX_MAX + 4)
			continue;
		ck_assert_int_eq(test_commit(c), 0);
		c = NULL;
	}
	ck_assert_uint_eq(ask_outbox(NULL).first, 6);
	ck_assert_uint_eq(store_outbox_dropped(test_store), 5);
	test_close();
}
END_TEST

static void on_jobs(
	void *arg, int status, const struct job_row *rows, size_t count)
{
	struct history_seen *s = arg;

	on_test_answer(&s->answer, status);
	s->count = count;
	for (size_t i = 0; i < count && i < 8; i++)
		s->ids[i] = rows[i].id;
}

static struct history_seen ask_jobs(
	const char *device, bool closed, uint64_t before)
{
	struct history_seen s = {.count = 0};

	ck_assert_int_eq(
		store_jobs(test_store, device, closed, before, 8, on_jobs, &s),
		0);
	test_wait(&s.answer);
	ck_assert_int_eq(s.answer.status, 0);
	return s;
}

START_TEST(jobs_query_filters)
{
	struct store_commit *c = store_commit_new();
	struct history_seen s = {.count = 0};

	open_well();
	enrol("d0");
	enrol("d1");
	for (uint64_t id = 1; id <= 4; id++) {
		struct job_row job = test_job(id, id % 2 ? "d1" : "d0");

		job.closed = id < 3;
		store_commit_job(c, &job);
	}
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert_uint_eq(ask_jobs(NULL, true, 0).count, 4);
	ck_assert_uint_eq(ask_jobs(NULL, false, 0).count, 2);
	ck_assert_uint_eq(ask_jobs("d1", true, 0).ids[0], 3);
	ck_assert_uint_eq(ask_jobs("d1", true, 3).ids[0], 1);
	ck_assert_uint_eq(ask_jobs("d9", true, 0).count, 0);
	ck_assert_int_eq(store_job(test_store, 2, on_jobs, &s), 0);
	test_wait(&s.answer);
	ck_assert_uint_eq(s.count, 1);
	ck_assert_uint_eq(s.ids[0], 2);
	test_close();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store.db");
	TCase *c = tcase_create("db");

	tcase_add_checked_fixture(c, test_setup, test_teardown);
	tcase_add_test(c, load_after_reopen_gives_rows_back);
	tcase_add_test(c, load_leaves_closed_jobs_out);
	tcase_add_test(c, commit_with_unclosed_text_is_refused);
	tcase_add_test(c, commit_row_rules_are_checked);
	tcase_add_test(c, commit_of_many_operations_is_bounded);
	tcase_add_test(c, device_forget_with_open_job_is_refused);
	tcase_add_test(c, send_of_many_commits_fails_one_alone);
	tcase_add_test(c, send_of_many_commits_shares_syncs);
	tcase_add_test(c, send_after_close_is_refused);
	tcase_add_test(c, ledger_of_device_is_of_its_latest_job_with_one);
	tcase_add_test(c, ledger_of_one_job_is_bounded);
	tcase_add_test(c, history_filters_and_pages_backwards);
	tcase_add_test(c, outbox_number_is_never_given_twice);
	tcase_add_test(c, outbox_that_is_full_drops_the_oldest_and_counts);
	tcase_add_test(c, jobs_query_filters);
	suite_add_tcase(s, c);
	return unit_run(s);
}
