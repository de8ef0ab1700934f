/* The power goes at every single change to the disk, once each, until a run
 * passes; after each cut a new start must find what was acknowledged, nothing
 * half done, and come to the same end. */
#include "tests/unit/store/store_test.h"

#include <errno.h>
#include <sys/wait.h>

#include "store/cache.h"
#include "store/hash.h"
#include "tests/faults/db_steps.h"
#include "tests/faults/power.h"

#define STEPS_MAX 16

/* ---- running in a process of its own ---- */

struct scenario {
	void (*open)(void);
	/* Carries out step `number`; false after the last. Runs in a child. */
	bool (*step)(unsigned number);
	void (*close)(void);
	/* Looks at what is there after a cut. `acked`: steps that were
	 * acknowledged. Returns nothing: it asserts. */
	void (*check)(unsigned acked);
};

static void run_steps(const struct scenario *s, unsigned from, int ack)
{
	ck_assert_int_eq(uv_loop_init(&test_loop), 0);
	s->open();
	for (unsigned i = from; s->step(i); i++)
		if (ack >= 0)
			ck_assert_int_eq(write(ack, "a", 1), 1);
	s->close();
	ck_assert_int_eq(uv_loop_close(&test_loop), 0);
}

/* Runs until the n-th change. True when there was no n-th change. */
static bool run_and_cut(const struct scenario *s, unsigned n,
	enum power_mode mode, unsigned *ret_acked)
{
	char acks[STEPS_MAX];
	int fds[2], status;
	ssize_t got;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(fds[0]);
		power_arm(n, mode, test_path("grave"));
		run_steps(s, 0, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	*ret_acked = 0;
	while ((got = read(fds[0], acks, sizeof(acks))) > 0)
		*ret_acked += (unsigned)got;
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(
		WIFEXITED(status) && (WEXITSTATUS(status) == 0 ||
					     WEXITSTATUS(status) == POWER_EXIT),
		"cut %u mode %d: child ended with %x", n, (int)mode, status);
	return WEXITSTATUS(status) == 0;
}

/* In a child too: a check that fails says which cut it was. */
static void check_and_end(const struct scenario *s, unsigned n,
	enum power_mode mode, unsigned acked)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		ck_assert_int_eq(uv_loop_init(&test_loop), 0);
		s->open();
		s->check(acked);
		s->close();
		ck_assert_int_eq(uv_loop_close(&test_loop), 0);
		run_steps(s, acked, -1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		"after cut %u mode %d with %u steps acknowledged: %x", n,
		(int)mode, acked, status);
}

static void clean(void)
{
	scratch_drop(test_dir);
	ck_assert_int_eq(mkdir(test_dir, 0700), 0);
	ck_assert_int_eq(mkdir(test_path("grave"), 0700), 0);
	ck_assert_int_eq(mkdir(test_path("db"), 0700), 0);
}

static unsigned cut_everywhere(const struct scenario *s, enum power_mode mode)
{
	unsigned acked, n = 0;
	bool passed = false;

	while (!passed) {
		n++;
		ck_assert_uint_lt(n, 2000);
		clean();
		passed = run_and_cut(s, n, mode, &acked);
		check_and_end(s, n, mode, acked);
	}
	return n - 1;
}

static void setup(void)
{
	const char *tmp = getenv("TMPDIR");

	/* Syncs cost nothing in memory, and the loss is our own. */
	if (!tmp)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(test_dir, sizeof(test_dir), "%s/ferry-power-XXXXXX", tmp);
	ck_assert_ptr_nonnull(mkdtemp(test_dir));
}

static void teardown(void)
{
	scratch_drop(test_dir);
}

/* ---- the databases ---- */

static void open_db(void)
{
	struct test_answer a = test_open_in(test_path("db"));

	ck_assert_msg(
		a.status == 0, "open: %s: %s", a.fault.field, a.fault.rule);
	ck_assert_str_eq(store_trust_text(store_trust_state(test_store)), "ok");
}

static bool step_db(unsigned number)
{
	struct store_commit *c = db_step(number);

	if (!c)
		return false;
	ck_assert_int_eq(test_commit(c), 0);
	return true;
}

struct db_seen {
	struct test_answer answer;
	size_t devices, open_jobs, reports;
	bool root, epoch, floor;
	uint64_t class_floor;
};

static void on_db(void *arg, int status, const struct store_loaded *l)
{
	struct db_seen *s = arg;

	on_test_answer(&s->answer, status);
	ck_assert_int_eq(status, 0);
	s->devices = l->device_count;
	s->open_jobs = l->job_count;
	s->reports = l->outbox_count;
	s->root = l->root_count == 1;
	s->epoch = s->root && l->roots[0].epoch == 2;
	s->floor = l->device_floor_count == 1;
	s->class_floor = l->class_floor_count ? l->class_floors[0].sequence : 0;
	/* What one commit put together is together. */
	ck_assert_int_eq(l->catalog_floor_count == 1, s->root);
	ck_assert_int_eq(l->class_floor_count == 1, s->root);
	if (s->root) {
		ck_assert_uint_eq(
			l->catalog_floors[0].epoch, l->roots[0].epoch);
		ck_assert_uint_eq(s->class_floor, s->epoch ? 1 : 5);
		ck_assert_uint_eq(l->root_bytes[0].len, 19);
	}
}

struct counted {
	struct test_answer answer;
	size_t count;
	bool closed;
};

static void on_ledger(
	void *arg, int status, const struct ledger_row *rows, size_t count)
{
	struct counted *s = arg;

	(void)rows;
	on_test_answer(&s->answer, status);
	s->count = count;
}

static void on_job(
	void *arg, int status, const struct job_row *rows, size_t count)
{
	struct counted *s = arg;

	on_test_answer(&s->answer, status);
	s->count = count;
	s->closed = count && rows[0].closed;
}

static void check_db(unsigned acked)
{
	struct counted ledger = {.count = 0}, job = {.count = 0};
	struct db_seen s = {.devices = 0};

	ck_assert_int_eq(store_load_all(test_store, on_db, &s), 0);
	test_wait(&s.answer);
	store_ledger_of_job(test_store, 1, 100, on_ledger, &ledger);
	test_wait(&ledger.answer);
	store_job(test_store, 1, on_job, &job);
	test_wait(&job.answer);
	/* What was acknowledged is there. */
	ck_assert(acked < 1 || (s.root && s.devices == 1));
	ck_assert(acked < 2 || job.count == 1);
	ck_assert(acked < 3 || ledger.count >= 3);
	ck_assert(acked < 4 || (job.closed && ledger.count == 4));
	ck_assert(acked < 5 || s.epoch);
	ck_assert(acked < 6 || s.reports == 0);
	/* What was not yet begun is not. */
	ck_assert(acked >= 1 || (job.count == 0 && !s.floor));
	ck_assert(acked >= 3 || (!job.closed && !s.epoch));
	/* All of a commit or nothing; trust before state. */
	ck_assert(ledger.count == 0 || ledger.count == 3 || ledger.count == 4);
	ck_assert_int_eq(job.closed, ledger.count == 4);
	ck_assert(s.devices == 0 || s.root);
	ck_assert(!job.closed || s.floor || s.epoch);
	ck_assert(acked >= 5 || job.count == 0 || s.reports == 1 || s.epoch);
}

START_TEST(power_cut_at_any_write_of_the_databases_converges)
{
	static const struct scenario s = {
		open_db, step_db, test_close, check_db};
	unsigned cuts = cut_everywhere(&s, (enum power_mode)_i);

	ck_assert_uint_gt(cuts, 30);
}
END_TEST

/* ---- the cache ---- */

#define BIG_LEN ((size_t)100 * 1024 + 7)
#define SMALL_LEN ((size_t)3000)

static struct cache *cache;
static uint8_t big[2][BIG_LEN], small[SMALL_LEN];
static uint8_t big_digest[2][32], small_digest[32];

static void make(uint8_t *at, size_t len, uint8_t seed, uint8_t *digest)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(i * 7 + i / 256 + seed);
	ck_assert_int_eq(store_hash_once(bytes_of(at, len), digest), 0);
}

static void open_cache(void)
{
	/* Room for one of the big ones: the second evicts the first. */
	struct cache_options options = {
		.quota = 150 * 1024, .part_age_ms = 1000000000};
	struct test_answer a = {0};

	ck_assert_int_eq(cache_open(&test_loop, test_path("cache"), &options,
				 on_test_answer, &a, &cache),
		0);
	make(big[0], BIG_LEN, 1, big_digest[0]);
	make(big[1], BIG_LEN, 2, big_digest[1]);
	make(small, SMALL_LEN, 3, small_digest);
	test_wait(&a);
	ck_assert_int_eq(a.status, 0);
}

static void close_cache(void)
{
	struct test_answer a = {0};

	cache_close(cache, on_test_answer, &a);
	test_wait(&a);
}

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

static int seal_part(struct cache_part *part)
{
	struct test_answer a = {0};

	cache_part_seal(part, on_test_answer, &a);
	test_wait(&a);
	return a.status;
}

static int verify(const uint8_t *digest)
{
	struct test_answer a = {0};
	int r = cache_verify(cache, digest, on_test_answer, &a);

	if (r < 0)
		return r;
	test_wait(&a);
	return a.status;
}

/* Loads as the core does: goes on where the part ends; a part that turns out
 * to be rubbish is loaded anew. Two seals at most. */
static void fetch(unsigned which)
{
	const uint8_t *digest = big_digest[which];
	int r = -1;

	if (cache_find(cache, digest, NULL) == CACHE_UNVERIFIED)
		r = verify(digest);
	for (int i = 0; i < 2 && r != 0; i++) {
		struct opened o = {.part = NULL};
		uint64_t at;

		ck_assert_int_eq(
			cache_part_open(cache, digest, BIG_LEN, on_part, &o),
			0);
		test_wait(&o.answer);
		ck_assert_int_eq(o.answer.status, 0);
		if (!*cache_part_etag(o.part))
			cache_part_restart(o.part);
		cache_part_note_etag(o.part, "\"e\"");
		at = cache_part_offset(o.part);
		ck_assert_int_ge(
			cache_part_append(o.part,
				bytes_of(big[which] + at, (BIG_LEN - at) / 2)),
			0);
		at = cache_part_offset(o.part);
		ck_assert_int_ge(
			cache_part_append(o.part,
				bytes_of(big[which] + at, BIG_LEN - at)),
			0);
		r = seal_part(o.part);
		ck_assert(r == 0 || r == ERR_STORE_DIGEST);
	}
	ck_assert_int_eq(r, 0);
}

static bool step_cache(unsigned number)
{
	struct test_answer a = {0};

	switch (number) {
	case 0:
	case 3:
		fetch(number ? 1 : 0);
		return true;
	case 1:
		ck_assert_int_eq(
			cache_put(cache, small_digest,
				bytes_of(small, SMALL_LEN), on_test_answer, &a),
			0);
		break;
	case 2:
	case 4:
		ck_assert_int_eq(
			cache_object_put(cache, "acme.catalog",
				bytes_of_text(
					number == 2 ? "one" : "two, longer"),
				on_test_answer, &a),
			0);
		break;
	default:
		return false;
	}
	test_wait(&a);
	ck_assert_int_eq(a.status, 0);
	return true;
}

struct object {
	struct test_answer answer;
	char text[32];
};

static void on_object(void *arg, int status, struct bytes bytes)
{
	struct object *o = arg;

	on_test_answer(&o->answer, status);
	snprintf(o->text, sizeof(o->text), "%.*s", (int)bytes.len,
		bytes.at ? (const char *)bytes.at : "");
}

static void check_cache(unsigned acked)
{
	struct object o = {.text = ""};
	int first, second, little;

	/* A sealed blob is whole or absent: a wrong one would mean that its
	 * name came before its content. */
	first = verify(big_digest[0]);
	second = verify(big_digest[1]);
	little = verify(small_digest);
	ck_assert(first == 0 || first == -ENOENT);
	ck_assert(second == 0 || second == -ENOENT);
	ck_assert(little == 0 || little == -ENOENT);
	ck_assert(acked < 1 || acked >= 3 || first == 0);
	ck_assert(acked < 2 || little == 0);
	ck_assert(acked < 4 || second == 0);
	ck_assert_int_eq(
		cache_object_get(cache, "acme.catalog", 100, on_object, &o), 0);
	test_wait(&o.answer);
	if (o.answer.status == -ENOENT)
		ck_assert_uint_lt(acked, 3);
	else if (acked < 4)
		ck_assert(strcmp(o.text, "one") == 0 && acked >= 2);
	else if (acked == 4)
		ck_assert(strcmp(o.text, "one") == 0 ||
			  strcmp(o.text, "two, longer") == 0);
	else
		ck_assert_str_eq(o.text, "two, longer");
}

START_TEST(power_cut_at_any_write_of_the_cache_converges)
{
	static const struct scenario s = {
		open_cache, step_cache, close_cache, check_cache};
	unsigned cuts = cut_everywhere(&s, (enum power_mode)_i);

	ck_assert_uint_gt(cuts, 30);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("faults.store_power");
	TCase *c = tcase_create("power");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c,
		power_cut_at_any_write_of_the_databases_converges, 0,
		POWER_MODES);
	tcase_add_loop_test(c, power_cut_at_any_write_of_the_cache_converges, 0,
		POWER_MODES);
	suite_add_tcase(s, c);
	return unit_run(s);
}
