/* Every single change to the disk fails in turn, once or from then on, until a
 * run passes: what is reported as failed has not happened, and the same call
 * works once the disk does. */
#include "tests/faults/db_steps.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "store/cache.h"
#include "store/disk.h"
#include "store/hash.h"

struct failing {
	unsigned at; /* the n-th change, from 1 */
	unsigned count;
	bool lasting;
	int code;
};

static int on_change(void *arg, const struct disk_event *event)
{
	struct failing *f = arg;

	(void)event;
	f->count++;
	if (f->count == f->at || (f->lasting && f->count > f->at))
		return f->code;
	return 0;
}

static void setup(void)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(test_dir, sizeof(test_dir), "%s/ferry-disk-XXXXXX", tmp);
	ck_assert_ptr_nonnull(mkdtemp(test_dir));
	ck_assert_int_eq(uv_loop_init(&test_loop), 0);
}

static void teardown(void)
{
	disk_set_hook(NULL, NULL);
	test_teardown();
}

static void clean(void)
{
	scratch_drop(test_dir);
	ck_assert_int_eq(mkdir(test_dir, 0700), 0);
}

/* ---- the databases ---- */

struct seen {
	struct test_answer answer;
	size_t devices, open_jobs, reports, ledger;
	uint64_t next_job, epoch;
};

static void on_loaded(void *arg, int status, const struct store_loaded *l)
{
	struct seen *s = arg;

	on_test_answer(&s->answer, status);
	ck_assert_int_eq(status, 0);
	s->devices = l->device_count;
	s->open_jobs = l->job_count;
	s->reports = l->outbox_count;
	s->next_job = l->next_job_id;
	s->epoch = l->root_count ? l->roots[0].epoch : 0;
}

static void on_ledger(
	void *arg, int status, const struct ledger_row *rows, size_t count)
{
	struct seen *s = arg;

	(void)rows;
	on_test_answer(&s->answer, status);
	s->ledger = count;
}

static struct seen look(void)
{
	struct seen s = {.devices = 0};

	ck_assert_int_eq(store_load_all(test_store, on_loaded, &s), 0);
	test_wait(&s.answer);
	s.answer.calls = 0;
	ck_assert_int_eq(
		store_ledger_of_job(test_store, 1, 100, on_ledger, &s), 0);
	test_wait(&s.answer);
	return s;
}

static bool same_state(const struct seen *a, const struct seen *b)
{
	return a->devices == b->devices && a->open_jobs == b->open_jobs &&
	       a->reports == b->reports && a->ledger == b->ledger &&
	       a->next_job == b->next_job;
}

static void open_despite(void)
{
	struct test_answer a = test_open();

	if (a.status < 0) {
		test_close();
		disk_set_hook(NULL, NULL);
		a = test_open();
	}
	ck_assert_msg(
		a.status == 0, "open: %s: %s", a.fault.field, a.fault.rule);
	ck_assert_int_eq(store_trust_state(test_store), STORE_TRUST_OK);
}

static void do_step(unsigned number, struct failing *f)
{
	struct seen before, after;
	int r;

	disk_set_hook(NULL, NULL);
	before = look();
	if (f->count < f->at)
		disk_set_hook(on_change, f);
	r = test_commit(db_step(number));
	if (r == 0)
		return;
	disk_set_hook(NULL, NULL);
	after = look();
	ck_assert_msg(same_state(&before, &after),
		"change %u: step %u failed (%s) and yet did something", f->at,
		number, err_name(r));
	r = test_commit(db_step(number));
	ck_assert_msg(r == 0, "change %u: step %u again: %s", f->at, number,
		err_name(r));
}

/* True when nothing failed. */
static bool run_with(struct failing *f)
{
	static const struct seen end = {
		.devices = 1, .ledger = 4, .next_job = 2};
	struct store_commit *probe;
	struct seen s;

	clean();
	disk_set_hook(on_change, f);
	open_despite();
	for (unsigned i = 0; (probe = db_step(i)); i++) {
		store_commit_free(probe);
		do_step(i, f);
	}
	disk_set_hook(NULL, NULL);
	test_close();
	ck_assert_int_eq(test_open().status, 0);
	s = look();
	ck_assert_msg(same_state(&s, &end), "change %u: another end", f->at);
	ck_assert_uint_eq(s.epoch, 2);
	test_close();
	return f->count < f->at;
}

static const struct {
	int code;
	bool lasting;
} disks[] = {
	{-EIO, false},
	{-EIO, true},
	{-ENOSPC, false},
	{-ENOSPC, true},
};

START_TEST(failed_write_of_the_databases_fails_its_commit_alone)
{
	struct failing f;
	unsigned n = 0;

	do {
		n++;
		f = (struct failing){.at = n,
			.code = disks[_i].code,
			.lasting = disks[_i].lasting};
		ck_assert_uint_lt(n, 2000);
	} while (!run_with(&f));
	ck_assert_uint_gt(n, 20);
}
END_TEST

/* ---- a limit that the system sets ---- */

#define BLOB_LEN ((size_t)200 * 1024)

struct opened {
	struct test_answer answer;
	struct cache_part *part;
};

static void on_part(void *arg, int status, struct cache_part *part)
{
	struct opened *o = arg;

	on_test_answer(&o->answer, status);
	o->part = part;
}

static struct cache *open_cache(void)
{
	struct cache_options options = {
		.quota = 1 << 20, .part_age_ms = 1000000};
	struct test_answer a = {0};
	struct cache *cache;

	ck_assert_int_eq(cache_open(&test_loop, test_path("cache"), &options,
				 on_test_answer, &a, &cache),
		0);
	test_wait(&a);
	ck_assert_int_eq(a.status, 0);
	return cache;
}

static int load(struct cache *cache, const uint8_t *digest, const uint8_t *blob,
	uint64_t *ret_from)
{
	struct opened o = {.part = NULL};
	struct test_answer sealed = {0};
	uint64_t at;

	ck_assert_int_eq(
		cache_part_open(cache, digest, BLOB_LEN, on_part, &o), 0);
	test_wait(&o.answer);
	ck_assert_int_eq(o.answer.status, 0);
	at = *ret_from = cache_part_offset(o.part);
	cache_part_append(o.part, bytes_of(blob + at, BLOB_LEN - at));
	cache_part_seal(o.part, on_test_answer, &sealed);
	test_wait(&sealed);
	return sealed.status;
}

/* Runs in a process of its own: the limit is the whole process's. */
START_TEST(file_size_limit_is_an_error_and_not_the_end)
{
	struct rlimit limit, narrow;
	uint8_t *blob = calloc(1, BLOB_LEN);
	uint8_t digest[32];
	struct cache *cache;
	struct test_answer closed = {0};
	uint64_t from;

	ck_assert_int_eq(store_hash_once(bytes_of(blob, BLOB_LEN), digest), 0);
	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	narrow = limit;
	narrow.rlim_cur = 20000;
	cache = open_cache();
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &narrow), 0);
	ck_assert_int_eq(load(cache, digest, blob, &from), -EFBIG);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(load(cache, digest, blob, &from), 0);
	ck_assert_int_eq(cache_find(cache, digest, NULL), CACHE_READY);
	cache_close(cache, on_test_answer, &closed);
	test_wait(&closed);
	free(blob);
}
END_TEST

START_TEST(file_size_limit_fails_a_commit_and_no_more)
{
	struct rlimit limit, narrow;
	struct store_commit *c = store_commit_new();
	struct outbox_row report = {
		.vendor = "acme", .body_len = ROW_REPORT_MAX};
	struct seen s;

	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(test_open().status, 0);
	ck_assert_int_eq(test_commit(db_step(0)), 0);
	narrow = limit;
	narrow.rlim_cur = 100000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &narrow), 0);
	for (int i = 0; i < 100; i++)
		store_commit_outbox(c, &report);
	ck_assert_int_lt(test_commit(c), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	s = look();
	ck_assert_uint_eq(s.reports, 0);
	ck_assert_uint_eq(s.devices, 1);
	ck_assert_int_eq(test_commit(db_step(1)), 0);
	test_close();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("faults.store_disk");
	TCase *c = tcase_create("disk");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c,
		failed_write_of_the_databases_fails_its_commit_alone, 0,
		sizeof(disks) / sizeof(disks[0]));
	tcase_add_test(c, file_size_limit_is_an_error_and_not_the_end);
	tcase_add_test(c, file_size_limit_fails_a_commit_and_no_more);
	suite_add_tcase(s, c);
	return unit_run(s);
}
