#include "store/db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "store/db_priv.h"
#include "store/db_vfs.h"
#include "store/disk.h"

/* Commits of one group: one transaction and one fsync a file. */
#define GROUP_MAX 64

/* ---- the queue ---- */

static void queue_init(struct db_queue *q)
{
	q->first = NULL;
	q->last = &q->first;
	q->count = 0;
}

static void queue_push(struct db_queue *q, struct db_request *request)
{
	request->next = NULL;
	*q->last = request;
	q->last = &request->next;
	q->count++;
}

static struct db_request *queue_pop(struct db_queue *q)
{
	struct db_request *request = q->first;

	if (!request)
		return NULL;
	q->first = request->next;
	if (!q->first)
		q->last = &q->first;
	q->count--;
	return request;
}

int db_enqueue(struct store *store, struct db_request *take_q)
{
	int r = 0;

	if (store->closing)
		return ERR_STORE_CLOSED;
	uv_mutex_lock(&store->mutex);
	if (store->todo.count >= STORE_QUEUE_MAX)
		r = -EAGAIN;
	else
		queue_push(&store->todo, take_q);
	uv_cond_signal(&store->wake);
	uv_mutex_unlock(&store->mutex);
	return r;
}

/* Waits for work; takes one request, or all commits that wait in a row. */
static size_t take_work(struct store *store, struct db_request **work)
{
	size_t n = 0;

	uv_mutex_lock(&store->mutex);
	while (!store->todo.first)
		uv_cond_wait(&store->wake, &store->mutex);
	do
		work[n++] = queue_pop(&store->todo);
	while (n < GROUP_MAX && work[0]->commit && store->todo.first &&
		store->todo.first->commit);
	uv_mutex_unlock(&store->mutex);
	return n;
}

static void give_back(struct store *store, struct db_request **work, size_t n)
{
	uv_mutex_lock(&store->mutex);
	for (size_t i = 0; i < n; i++)
		queue_push(&store->done, work[i]);
	uv_mutex_unlock(&store->mutex);
	uv_async_send(&store->async);
}

struct db_file *db_usable_trust(struct store *store)
{
	return store->trust == STORE_TRUST_OK ? &store->files[DB_TRUST] : NULL;
}

static void run_commits(struct store *store, struct db_request **work, size_t n)
{
	struct store_commit *commits[GROUP_MAX];
	int results[GROUP_MAX] = {0};

	for (size_t i = 0; i < n; i++)
		commits[i] = work[i]->commit;
	if (store->opened == 0)
		db_apply_group(db_usable_trust(store), &store->files[DB_STATE],
			commits, results, n, &store->outbox_dropped);
	for (size_t i = 0; i < n; i++)
		work[i]->status =
			store->opened < 0 ? store->opened : results[i];
}

static void run_one(struct store *store, struct db_request *q)
{
	if (q->needs_open && store->opened < 0)
		q->status = store->opened;
	else
		q->status = q->run(store, q);
}

static int run_close(struct store *store, struct db_request *q)
{
	(void)q;
	db_file_close(&store->files[DB_TRUST]);
	db_file_close(&store->files[DB_STATE]);
	return 0;
}

static void on_thread(void *arg)
{
	struct store *store = arg;
	struct db_request *work[GROUP_MAX];
	bool last = false;
	size_t n;

	while (!last) {
		n = take_work(store, work);
		last = work[0]->run == run_close;
		if (work[0]->commit)
			run_commits(store, work, n);
		else
			run_one(store, work[0]);
		give_back(store, work, n);
	}
}

static void on_done(uv_async_t *async)
{
	struct store *store = async->data;
	struct db_queue done;
	struct db_request *q;

	uv_mutex_lock(&store->mutex);
	done = store->done;
	if (!done.first)
		done.last = &done.first;
	queue_init(&store->done);
	uv_mutex_unlock(&store->mutex);
	while ((q = queue_pop(&done))) {
		if (q->status < 0)
			store->last_fault = q->fault;
		q->finish(store, q);
		free(q);
	}
}

/* ---- opening ---- */

int db_random_id(uint8_t id[DB_ID_LEN])
{
	return getrandom(id, DB_ID_LEN, 0) == DB_ID_LEN ? 0 : -EIO;
}

static int trust_is_empty(struct db_file *f, bool *ret)
{
	static const char sql[] =
		"SELECT EXISTS(SELECT 1 FROM catalog_floors)"
		"+EXISTS(SELECT 1 FROM class_floors)"
		"+EXISTS(SELECT 1 FROM device_floors)"
		"+EXISTS(SELECT 1 FROM time_bounds)"
		"+EXISTS(SELECT 1 FROM roots)+EXISTS(SELECT 1 FROM epochs)"
		"+EXISTS(SELECT 1 FROM revocations)+EXISTS(SELECT 1 FROM pins)"
		"+EXISTS(SELECT 1 FROM evidence_floors)";
	int64_t some = 0;
	int r = db_number(f, sql, &some);

	*ret = some == 0;
	return r;
}

/* 1 there, 0 absent or blank, an error. Does not make a file. */
static int open_if_there(
	struct store *store, enum db_which which, struct fault *fault)
{
	int r = db_file_exists(store->dir, which);

	if (r < 0)
		fault_set(fault, r, 0, db_file_name(which), "%s", err_text(r));
	if (r <= 0)
		return r;
	return db_file_open(&store->files[which], store->dir, which, fault);
}

static int open_or_make(struct store *store, enum db_which which,
	const uint8_t id[DB_ID_LEN], struct fault *fault)
{
	struct db_file *f = &store->files[which];
	int r = 0;

	if (!f->sql)
		r = db_file_open(f, store->dir, which, fault);
	if (r == 0)
		r = db_file_fill(f, id);
	if (r >= 0)
		r = disk_sync_dir(store->dir);
	if (r < 0)
		fault_set(fault, r, 0, db_file_name(which), "%s", err_text(r));
	return r < 0 ? r : 0;
}

/* state.db is new. An empty trust.db beside it is what a first start leaves
 * that was cut in the middle; one with floors belonged to another state.db. */
static int make_state(struct store *store, int trust_there, struct fault *fault)
{
	struct db_file *trust = &store->files[DB_TRUST];
	uint8_t id[DB_ID_LEN];
	bool empty = false;
	int r;

	r = db_random_id(id);
	if (r == 0 && trust_there == 0)
		r = open_or_make(store, DB_TRUST, id, fault);
	if (r == 0 && trust_there == 1)
		r = trust_is_empty(trust, &empty);
	if (r < 0)
		return fault_set(fault, r, 0, "trust.db", "%s", err_text(r));
	return open_or_make(store, DB_STATE, empty ? trust->id : id, fault);
}

static int open_files(struct store *store, struct fault *fault)
{
	struct db_file *trust = &store->files[DB_TRUST];
	struct db_file *state = &store->files[DB_STATE];
	struct fault trust_fault = {0};
	int trust_there, state_there, r = 0;

	state_there = open_if_there(store, DB_STATE, fault);
	if (state_there < 0)
		return state_there;
	trust_there = open_if_there(store, DB_TRUST, &trust_fault);
	if (trust_there < 0 && trust_there != ERR_STORE_DAMAGED) {
		*fault = trust_fault;
		return trust_there;
	}
	if (state_there == 0)
		r = make_state(store, trust_there, fault);
	if (r < 0)
		return r;
	if (trust_there == ERR_STORE_DAMAGED)
		store->trust = STORE_TRUST_DAMAGED;
	else if (trust_there == 0 && state_there == 1)
		store->trust = STORE_TRUST_ABSENT;
	else if (memcmp(trust->id, state->id, DB_ID_LEN) != 0)
		store->trust = STORE_TRUST_OTHER;
	else
		store->trust = STORE_TRUST_OK;
	return 0;
}

struct open_request {
	struct db_request q;
	enum store_trust trust;
	store_opened_cb cb;
	void *arg;
};

static int run_open(struct store *store, struct db_request *q)
{
	struct open_request *o = (struct open_request *)(void *)q;

	store->opened = open_files(store, &q->fault);
	if (store->opened < 0) {
		db_file_close(&store->files[DB_TRUST]);
		db_file_close(&store->files[DB_STATE]);
	}
	o->trust = store->trust;
	return store->opened;
}

static void finish_open(struct store *store, struct db_request *q)
{
	struct open_request *o = (struct open_request *)(void *)q;

	store->trust_shown = o->trust;
	o->cb(o->arg, q->status, &q->fault);
}

static void on_async_closed(uv_handle_t *handle)
{
	struct store *store = handle->data;
	store_cb cb = store->closed_cb;
	void *arg = store->closed_arg;

	uv_cond_destroy(&store->wake);
	uv_mutex_destroy(&store->mutex);
	free(store->close_request);
	free(store);
	if (cb)
		cb(arg, 0);
}

static int init_handles(struct store *store, uv_loop_t *loop)
{
	int r;

	r = uv_mutex_init(&store->mutex);
	if (r < 0)
		return r;
	r = uv_cond_init(&store->wake);
	if (r < 0)
		goto fail_mutex;
	r = uv_async_init(loop, &store->async, on_done);
	if (r < 0)
		goto fail_cond;
	store->async.data = store;
	return 0;
fail_cond:
	uv_cond_destroy(&store->wake);
fail_mutex:
	uv_mutex_destroy(&store->mutex);
	return r;
}

int store_open(uv_loop_t *loop, const char *dir, store_opened_cb cb, void *arg,
	struct store **ret_store)
{
	struct open_request *o;
	struct store *store;
	int r = -ENOMEM;

	if (strlen(dir) >= PATH_MAX - 32)
		return -ENAMETOOLONG;
	store = calloc(1, sizeof(*store));
	o = calloc(1, sizeof(*o));
	if (store)
		store->close_request = calloc(1, sizeof(*store->close_request));
	if (!store || !o || !store->close_request || !db_vfs())
		goto fail;
	snprintf(store->dir, sizeof(store->dir), "%s", dir);
	store->trust = store->trust_shown = STORE_TRUST_ABSENT;
	queue_init(&store->todo);
	queue_init(&store->done);
	o->q.run = run_open;
	o->q.finish = finish_open;
	o->cb = cb;
	o->arg = arg;
	queue_push(&store->todo, &o->q);
	r = init_handles(store, loop);
	if (r < 0)
		goto fail;
	r = uv_thread_create(&store->thread, on_thread, store);
	if (r < 0) {
		/* The loop frees the store with its handle. */
		uv_close((uv_handle_t *)&store->async, on_async_closed);
		free(o);
		return r;
	}
	*ret_store = store;
	return 0;
fail:
	if (store)
		free(store->close_request);
	free(o);
	free(store);
	return r;
}

/* ---- closing ---- */

static void finish_close(struct store *store, struct db_request *q)
{
	(void)q;
	uv_thread_join(&store->thread);
	uv_close((uv_handle_t *)&store->async, on_async_closed);
}

void store_close(struct store *store, store_cb cb, void *arg)
{
	struct db_request *q;

	if (store->closing)
		return;
	store->closing = true;
	store->closed_cb = cb;
	store->closed_arg = arg;
	q = store->close_request;
	store->close_request = NULL;
	q->run = run_close;
	q->finish = finish_close;
	uv_mutex_lock(&store->mutex);
	queue_push(&store->todo, q);
	uv_cond_signal(&store->wake);
	uv_mutex_unlock(&store->mutex);
}

/* ---- commits ---- */

struct commit_request {
	struct db_request q;
	store_cb cb;
	void *arg;
};

static void finish_commit(struct store *store, struct db_request *q)
{
	struct commit_request *c = (struct commit_request *)(void *)q;

	(void)store;
	store_commit_free(q->commit);
	if (c->cb)
		c->cb(c->arg, q->status);
}

int store_commit_send(struct store *store, struct store_commit *take_commit,
	store_cb cb, void *arg)
{
	struct commit_request *c;
	int r;

	if (!take_commit)
		return -ENOMEM;
	r = take_commit->err;
	c = r < 0 ? NULL : calloc(1, sizeof(*c));
	if (c) {
		c->q.finish = finish_commit;
		c->q.commit = take_commit;
		c->cb = cb;
		c->arg = arg;
		r = db_enqueue(store, &c->q);
	} else if (r == 0) {
		r = -ENOMEM;
	}
	if (r < 0) {
		free(c);
		store_commit_free(take_commit);
	}
	return r;
}

/* ---- trust ---- */

enum store_trust store_trust_state(const struct store *store)
{
	return store->trust_shown;
}

const char *store_trust_text(enum store_trust state)
{
	switch (state) {
	case STORE_TRUST_OK:
		return "ok";
	case STORE_TRUST_ABSENT:
		return "locked: trust.db is absent";
	case STORE_TRUST_DAMAGED:
		return "locked: trust.db is damaged";
	case STORE_TRUST_OTHER:
		return "locked: trust.db belongs to another state.db";
	}
	return "unknown";
}

struct unlock_request {
	struct db_request q;
	struct history_row row;
	enum store_trust trust;
	store_cb cb;
	void *arg;
};

/* The damaged file keeps its evidence under a name that is free. */
static int set_aside(struct store *store, int64_t at_ms)
{
	struct db_file *f = &store->files[DB_TRUST];
	char from[PATH_MAX + 8], to[PATH_MAX + 64];
	int r;

	db_file_close(f);
	snprintf(from, sizeof(from), "%s/%s", store->dir,
		db_file_name(DB_TRUST));
	snprintf(to, sizeof(to), "%s.damaged-%lld", from, (long long)at_ms);
	r = disk_rename(from, to);
	if (r < 0 && r != -ENOENT)
		return r;
	/* A log must not be played back into the new file. */
	snprintf(from, sizeof(from), "%s/%s-wal", store->dir,
		db_file_name(DB_TRUST));
	snprintf(to, sizeof(to), "%s/%s.damaged-%lld-wal", store->dir,
		db_file_name(DB_TRUST), (long long)at_ms);
	r = disk_rename(from, to);
	return r < 0 && r != -ENOENT ? r : disk_sync_dir(store->dir);
}

static int run_unlock(struct store *store, struct db_request *q)
{
	struct unlock_request *u = (struct unlock_request *)(void *)q;
	struct db_file *state = &store->files[DB_STATE];
	int r = 0;

	u->trust = store->trust;
	switch (store->trust) {
	case STORE_TRUST_OK:
		return 0;
	case STORE_TRUST_DAMAGED:
		r = set_aside(store, u->row.at_ms);
		if (r == 0)
			r = open_or_make(store, DB_TRUST, state->id, &q->fault);
		break;
	case STORE_TRUST_ABSENT:
		r = open_or_make(store, DB_TRUST, state->id, &q->fault);
		break;
	case STORE_TRUST_OTHER:
		r = db_file_adopt(&store->files[DB_TRUST], state->id);
		break;
	}
	if (r == 0) {
		u->trust = store->trust = STORE_TRUST_OK;
		r = db_append_history(state, &u->row);
	}
	return r;
}

static void finish_unlock(struct store *store, struct db_request *q)
{
	struct unlock_request *u = (struct unlock_request *)(void *)q;

	store->trust_shown = u->trust;
	if (u->cb)
		u->cb(u->arg, q->status);
}

int store_trust_unlock(struct store *store, const char *who, int64_t at_ms,
	store_cb cb, void *arg)
{
	struct unlock_request *u;
	int r;

	u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->q.run = run_unlock;
	u->q.finish = finish_unlock;
	u->q.needs_open = true;
	u->trust = store->trust_shown;
	u->row.at_ms = at_ms;
	snprintf(u->row.kind, sizeof(u->row.kind), "trust-unlocked");
	snprintf(u->row.who, sizeof(u->row.who), "%s", who ? who : "");
	snprintf(u->row.detail, sizeof(u->row.detail), "{\"was\":\"%s\"}",
		store_trust_text(store->trust_shown));
	u->cb = cb;
	u->arg = arg;
	r = db_enqueue(store, &u->q);
	if (r < 0)
		free(u);
	return r;
}

/* ---- figures ---- */

void store_usage(struct store_usage *ret)
{
	struct disk_count db, cache;

	disk_counted(DISK_DB, &db);
	disk_counted(DISK_CACHE, &cache);
	*ret = (struct store_usage){
		.db_bytes = db.bytes,
		.db_syncs = db.syncs,
		.cache_bytes = cache.bytes,
		.cache_syncs = cache.syncs,
	};
}

uint64_t store_outbox_dropped(const struct store *store)
{
	return atomic_load(&store->outbox_dropped);
}

const struct fault *store_last_fault(const struct store *store)
{
	return &store->last_fault;
}
