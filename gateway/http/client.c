/* A fetch: waiting -> active (on a slot) -> ended; a redirect and the retry on
 * a connection that had been left idle lead back to waiting. on_done is called
 * only from on_turn(), which the loop runs.
 *
 * A slot: free -> setup -> busy -> idle -> busy ... -> closing -> free. */
#include "gateway/http/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "gateway/http/conn.h"
#include "gateway/http/request.h"
#include "gateway/http/response.h"

#define SLOTS_MAX 4
#define REQUEST_MAX ((size_t)8 * 1024)
#define NEVER UINT64_MAX

enum fetch_state { FETCH_WAITING, FETCH_ACTIVE, FETCH_ENDED };

struct slot;

struct http_fetch {
	struct http_client *client;
	struct http_fetch *next; /* in the list of its state */
	struct slot *slot;       /* while active */
	enum fetch_state state;
	struct http_request request;
	uint64_t until;          /* total_ms; NEVER */
	unsigned redirects;
	bool is_retry;           /* after an idle connection turned out dead */
	bool paused;
	bool has_head;
	struct http_head head;
	char location[HTTP_LOCATION_MAX + 1];
	int status;
	struct fault fault;
};

enum slot_state { SLOT_FREE, SLOT_SETUP, SLOT_BUSY, SLOT_IDLE, SLOT_CLOSING };

struct slot {
	struct http_client *client;
	enum slot_state state;
	struct http_conn *conn;
	struct http_response *response;
	struct http_fetch *fetch;
	bool reused;             /* has carried an answer before */
	uint64_t until;          /* of head, rate window or idleness */
	uint64_t window_bytes;
	uint64_t paused_at;      /* 0: not paused */
};

struct list {
	struct http_fetch *first;
	struct http_fetch **end;
	unsigned count;
};

struct http_client {
	uv_loop_t *loop;
	struct http_client_settings set;
	struct http_limits limits;
	struct url origin;
	char authority[URL_HOST_MAX + 16];
	char user_agent[64];
	struct slot slots[SLOTS_MAX];
	struct list waiting;
	struct list ended;
	uv_idle_t turn;
	uv_timer_t timer;
	bool closing;
	unsigned holds;          /* handles and connections not yet gone */
	void (*on_closed)(void *arg);
	void *closed_arg;
	struct http_client_stats stats;
	char tls_version[16];
	char tls_suite[64];
};

static void on_turn(uv_idle_t *idle);

static void list_init(struct list *list)
{
	*list = (struct list){0};
	list->end = &list->first;
}

static void list_add(struct list *list, struct http_fetch *fetch)
{
	fetch->next = NULL;
	*list->end = fetch;
	list->end = &fetch->next;
	list->count++;
}

static void list_add_first(struct list *list, struct http_fetch *fetch)
{
	fetch->next = list->first;
	if (!list->first)
		list->end = &fetch->next;
	list->first = fetch;
	list->count++;
}

static void list_remove(struct list *list, struct http_fetch *fetch)
{
	struct http_fetch **at = &list->first;

	while (*at && *at != fetch)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = fetch->next;
	if (!*at)
		list->end = at;
	list->count--;
}

static void turn_soon(struct http_client *client)
{
	if (!client->closing || client->ended.first)
		uv_idle_start(&client->turn, on_turn);
}

static void release(struct http_client *client)
{
	void (*on_closed)(void *arg) = client->on_closed;
	void *arg = client->closed_arg;

	if (--client->holds)
		return;
	for (unsigned i = 0; i < SLOTS_MAX; i++)
		http_response_free(client->slots[i].response);
	tls_trust_unref(client->set.trust);
	free(client);
	on_closed(arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
	release(handle->data);
}

/* The two handles go only after the last on_done was called. */
static void close_handles(struct http_client *client)
{
	uv_close((uv_handle_t *)&client->turn, on_handle_closed);
	uv_close((uv_handle_t *)&client->timer, on_handle_closed);
}

/* Time limits. One timer stands at the nearest of all. */

static void on_timer(uv_timer_t *timer);

static uint64_t nearest(const struct http_client *client)
{
	const struct http_fetch *fetch;
	uint64_t until = NEVER;

	for (fetch = client->waiting.first; fetch; fetch = fetch->next)
		if (fetch->until < until)
			until = fetch->until;
	for (unsigned i = 0; i < SLOTS_MAX; i++) {
		const struct slot *slot = &client->slots[i];

		if (slot->state == SLOT_FREE || slot->state == SLOT_CLOSING)
			continue;
		if (!slot->paused_at && slot->until < until)
			until = slot->until;
		if (slot->fetch && slot->fetch->until < until)
			until = slot->fetch->until;
	}
	return until;
}

static void timer_arm(struct http_client *client)
{
	uint64_t now = uv_now(client->loop);
	uint64_t until = nearest(client);

	if (client->closing)
		return;
	if (until == NEVER)
		uv_timer_stop(&client->timer);
	else
		uv_timer_start(&client->timer, on_timer,
			until > now ? until - now : 0, 0);
}

/* Slots. */

static void on_conn_closed(void *arg)
{
	struct slot *slot = arg;
	struct http_client *client = slot->client;

	slot->state = SLOT_FREE;
	turn_soon(client);
	release(client);
}

static void slot_close(struct slot *slot)
{
	if (slot->state == SLOT_FREE || slot->state == SLOT_CLOSING)
		return;
	slot->state = SLOT_CLOSING;
	slot->fetch = NULL;
	slot->paused_at = 0;
	http_conn_close(slot->conn, on_conn_closed, slot);
	slot->conn = NULL;
}

static void slot_idle(struct slot *slot)
{
	slot->state = SLOT_IDLE;
	slot->fetch = NULL;
	slot->reused = true;
	slot->paused_at = 0;
	slot->until = uv_now(slot->client->loop) + slot->client->limits.keep_ms;
	http_conn_pause(slot->conn, false);
}

/* Fetches. */

static void fetch_end(struct http_fetch *fetch, int status,
	const struct fault *fault)
{
	struct http_client *client = fetch->client;

	if (fetch->state == FETCH_ENDED)
		return;
	if (fetch->state == FETCH_WAITING)
		list_remove(&client->waiting, fetch);
	fetch->state = FETCH_ENDED;
	fetch->slot = NULL;
	fetch->status = status;
	if (fault && fault->code == status)
		fetch->fault = *fault;
	else if (status)
		fault_set(&fetch->fault, status, 0, "", "%s",
			err_text(status));
	list_add(&client->ended, fetch);
	turn_soon(client);
}

/* Ends what the slot carries, and the slot with it. */
static void slot_fail(struct slot *slot, int status, const struct fault *fault)
{
	struct http_fetch *fetch = slot->fetch;

	slot_close(slot);
	if (fetch)
		fetch_end(fetch, status, fault);
	timer_arm(slot->client);
}

static void fetch_requeue(struct http_fetch *fetch)
{
	fetch->state = FETCH_WAITING;
	fetch->slot = NULL;
	fetch->has_head = false;
	list_add_first(&fetch->client->waiting, fetch);
	turn_soon(fetch->client);
}

static bool is_redirect(const struct http_fetch *fetch)
{
	return fetch->location[0] && http_request_is_redirected(
		&fetch->request, fetch->head.status);
}

static int redirect_judge(struct http_fetch *fetch)
{
	struct url url;

	if (url_resolve(&fetch->request.url, fetch->location, &url) ||
			!url_same_origin(&url, &fetch->client->origin))
		return fault_set(&fetch->fault, ERR_VENDOR_HTTP_REDIRECT, 0,
			"location", "must stay within the origin");
	if (++fetch->redirects > fetch->client->limits.redirects)
		return fault_set(&fetch->fault, ERR_VENDOR_HTTP_REDIRECTS, 0,
			"location", "more than %u redirects",
			fetch->client->limits.redirects);
	fetch->request.url = url;
	return 0;
}

static int on_response_head(void *arg, const struct http_head *head,
	const char *location)
{
	struct slot *slot = arg;
	struct http_fetch *fetch = slot->fetch;

	fetch->has_head = true;
	fetch->head = *head;
	snprintf(fetch->location, sizeof(fetch->location), "%s", location);
	slot->window_bytes = 0;
	slot->until = uv_now(slot->client->loop) + slot->client->limits.idle_ms;
	if (is_redirect(fetch))
		return redirect_judge(fetch);
	if (!fetch->request.spec.on_head)
		return 0;
	return fetch->request.spec.on_head(fetch->request.spec.arg,
		&fetch->head);
}

static int on_response_body(void *arg, struct bytes part)
{
	struct slot *slot = arg;
	struct http_fetch *fetch = slot->fetch;

	/* The callback before this one may have cancelled. */
	if (!fetch)
		return -ECANCELED;
	slot->window_bytes += part.len;
	slot->client->stats.bytes_in += part.len;
	if (is_redirect(fetch) || !fetch->request.spec.on_body)
		return 0;
	return fetch->request.spec.on_body(fetch->request.spec.arg, part);
}

static void slot_send(struct slot *slot)
{
	struct http_client *client = slot->client;
	struct http_fetch *fetch = slot->fetch;
	const struct http_response_rules rules = {
		.head_bytes = client->limits.head_bytes,
		.head_count = client->limits.head_count,
		.body_max = fetch->request.spec.body_max,
		.ranged = fetch->request.spec.ranged,
		.range_from = fetch->request.spec.range_from,
		.range_end = fetch->request.spec.range_end,
	};
	const struct http_response_sink sink = {
		.on_head = on_response_head,
		.on_body = on_response_body,
		.arg = slot,
	};
	struct buf out;
	int e;

	slot->state = SLOT_BUSY;
	slot->until = uv_now(client->loop) + client->limits.head_ms;
	slot->paused_at = fetch->paused ? uv_now(client->loop) : 0;
	http_response_begin(slot->response, &rules, &sink);
	buf_init(&out, REQUEST_MAX + HTTP_BODY_OUT_MAX);
	e = http_request_write(&fetch->request, client->authority,
		client->user_agent, &out);
	if (e == 0)
		e = http_conn_write(slot->conn, buf_bytes(&out));
	buf_done(&out);
	if (e) {
		slot_fail(slot, e, NULL);
		return;
	}
	http_conn_pause(slot->conn, fetch->paused);
	timer_arm(client);
}

static void on_conn_ready(void *arg)
{
	struct slot *slot = arg;
	struct http_client *client = slot->client;
	const char *version = http_conn_tls_version(slot->conn);
	const char *suite = http_conn_tls_suite(slot->conn);

	snprintf(client->tls_version, sizeof(client->tls_version), "%s",
		version ? version : "");
	snprintf(client->tls_suite, sizeof(client->tls_suite), "%s",
		suite ? suite : "");
	if (slot->fetch)
		slot_send(slot);
	else
		slot_idle(slot);
}

/* The answer is whole: the slot is free for the next, the fetch goes on or
 * ends. */
static void slot_complete(struct slot *slot)
{
	struct http_fetch *fetch = slot->fetch;

	if (http_response_keeps(slot->response))
		slot_idle(slot);
	else
		slot_close(slot);
	fetch->is_retry = false;
	if (is_redirect(fetch))
		fetch_requeue(fetch);
	else
		fetch_end(fetch, 0, NULL);
	turn_soon(slot->client);
	timer_arm(slot->client);
}

static void on_conn_bytes(void *arg, struct bytes in)
{
	struct slot *slot = arg;
	struct http_fetch *fetch = slot->fetch;
	bool had_head;
	int e;

	/* Nobody asked: the server breaks the protocol or says goodbye. */
	if (!fetch || slot->state != SLOT_BUSY) {
		slot_fail(slot, ERR_VENDOR_HTTP_SURPLUS, NULL);
		return;
	}
	had_head = fetch->has_head;
	e = http_response_feed(slot->response, in);
	if (slot->fetch != fetch)
		return;
	if (e)
		slot_fail(slot, e, fetch->fault.code ? &fetch->fault
			: http_response_fault(slot->response));
	else if (http_response_is_complete(slot->response))
		slot_complete(slot);
	else if (!had_head && fetch->has_head)
		timer_arm(slot->client);
}

static void on_conn_end(void *arg, int status)
{
	struct slot *slot = arg;
	struct http_fetch *fetch = slot->fetch;
	bool was_busy = slot->state == SLOT_BUSY;
	bool had_begun = was_busy && http_response_has_begun(slot->response);
	int e = status;

	if (was_busy && (e == 0 || e == ERR_VENDOR_CLOSED || e == -ECONNRESET))
		e = had_begun || e == 0 ? http_response_end(slot->response) : e;
	if (e == 0)
		e = ERR_VENDOR_CLOSED;
	if (was_busy && fetch && slot->reused && !had_begun &&
			!fetch->is_retry &&
			fetch->request.spec.method == HTTP_METHOD_GET) {
		slot_close(slot);
		fetch->is_retry = true;
		fetch_requeue(fetch);
		return;
	}
	slot_fail(slot, e, NULL);
}

static int slot_open(struct slot *slot, struct http_fetch *fetch)
{
	struct http_client *client = slot->client;
	const struct http_conn_settings settings = {
		.loop = client->loop,
		.host = client->origin.host,
		.port = client->origin.port,
		.trust = client->origin.tls ? client->set.trust : NULL,
		.address_ms = client->limits.address_ms,
		.setup_ms = client->limits.setup_ms,
		.peer_verified = client->set.peer_verified,
		.on_gate_gone = client->set.on_gate_gone,
		.address_allowed = client->set.address_allowed,
		.hook_arg = client->set.arg,
		.on_ready = on_conn_ready,
		.on_bytes = on_conn_bytes,
		.on_end = on_conn_end,
		.arg = slot,
	};
	int e = 0;

	if (!slot->response)
		e = http_response_new(&slot->response);
	if (e == 0)
		e = http_conn_open(&settings, &slot->conn);
	if (e)
		return e;
	client->holds++;
	client->stats.connections++;
	slot->state = SLOT_SETUP;
	slot->fetch = fetch;
	slot->reused = false;
	slot->until = NEVER;
	slot->paused_at = 0;
	return 0;
}

static struct slot *slot_find(struct http_client *client,
	enum slot_state state)
{
	for (unsigned i = 0; i < client->limits.connections; i++)
		if (client->slots[i].state == state)
			return &client->slots[i];
	return NULL;
}

/* Gives the waiting fetches to idle and new connections. */
static void dispatch(struct http_client *client)
{
	struct http_fetch *fetch;
	struct slot *slot;
	int e;

	while ((fetch = client->waiting.first)) {
		bool is_idle = true;

		/* A dead connection must not be tried again by its retry. */
		slot = fetch->is_retry ? NULL : slot_find(client, SLOT_IDLE);
		if (!slot) {
			is_idle = false;
			slot = slot_find(client, SLOT_FREE);
		}
		if (!slot && fetch->is_retry &&
				(slot = slot_find(client, SLOT_IDLE)))
			slot_close(slot);
		if (!slot || slot->state == SLOT_CLOSING)
			return;
		list_remove(&client->waiting, fetch);
		fetch->state = FETCH_ACTIVE;
		fetch->slot = slot;
		if (is_idle) {
			slot->fetch = fetch;
			slot_send(slot);
			continue;
		}
		e = slot_open(slot, fetch);
		if (e)
			fetch_end(fetch, e, NULL);
	}
}

static void deliver_ended(struct http_client *client)
{
	struct http_fetch *fetch;

	while ((fetch = client->ended.first)) {
		list_remove(&client->ended, fetch);
		client->stats.fetches++;
		fetch->request.spec.on_done(fetch->request.spec.arg,
			fetch->status,
			fetch->has_head ? &fetch->head : NULL, &fetch->fault);
		http_request_done(&fetch->request);
		free(fetch);
	}
}

static void on_turn(uv_idle_t *idle)
{
	struct http_client *client = idle->data;
	bool was_closing = client->closing;

	uv_idle_stop(idle);
	deliver_ended(client);
	if (client->closing) {
		/* Closed just now, inside on_done: end the rest first. */
		if (!was_closing || client->ended.first)
			uv_idle_start(idle, on_turn);
		else
			close_handles(client);
		return;
	}
	dispatch(client);
	timer_arm(client);
}

static void slot_expire(struct slot *slot, uint64_t now)
{
	const struct http_limits *limits = &slot->client->limits;
	struct http_fetch *fetch = slot->fetch;
	uint64_t floor;

	if (fetch && now >= fetch->until) {
		slot_fail(slot, ERR_VENDOR_HTTP_TIMEOUT, NULL);
		return;
	}
	if (slot->paused_at || now < slot->until)
		return;
	if (slot->state == SLOT_IDLE) {
		slot_close(slot);
		return;
	}
	if (slot->state != SLOT_BUSY || !fetch)
		return;
	floor = (uint64_t)limits->rate_floor_bps * limits->idle_ms / 1000;
	if (!fetch->has_head)
		slot_fail(slot, ERR_VENDOR_HTTP_HEAD_TIMEOUT, NULL);
	else if (slot->window_bytes == 0 || slot->window_bytes < floor)
		slot_fail(slot, ERR_VENDOR_HTTP_SLOW, NULL);
	slot->window_bytes = 0;
	slot->until = now + limits->idle_ms;
}

static void on_timer(uv_timer_t *timer)
{
	struct http_client *client = timer->data;
	uint64_t now = uv_now(client->loop);
	struct http_fetch *fetch, *next;

	for (unsigned i = 0; i < SLOTS_MAX; i++)
		if (client->slots[i].state != SLOT_FREE &&
				client->slots[i].state != SLOT_CLOSING)
			slot_expire(&client->slots[i], now);
	for (fetch = client->waiting.first; fetch; fetch = next) {
		next = fetch->next;
		if (now >= fetch->until)
			fetch_end(fetch, ERR_VENDOR_HTTP_TIMEOUT, NULL);
	}
	timer_arm(client);
}

static void limits_fill(struct http_limits *to, const struct http_limits *from)
{
	*to = *from;
	if (!to->connections)
		to->connections = 2;
	if (to->connections > SLOTS_MAX)
		to->connections = SLOTS_MAX;
	if (!to->waiting)
		to->waiting = 32;
	if (!to->redirects)
		to->redirects = 3;
	if (!to->head_count)
		to->head_count = 64;
	if (!to->head_bytes)
		to->head_bytes = 16384;
	if (!to->address_ms)
		to->address_ms = 5000;
	if (!to->setup_ms)
		to->setup_ms = 30000;
	if (!to->head_ms)
		to->head_ms = 30000;
	if (!to->idle_ms)
		to->idle_ms = 30000;
	if (!to->rate_floor_bps)
		to->rate_floor_bps = 64;
	if (!to->keep_ms)
		to->keep_ms = 60000;
}

static int settings_judge(const struct http_client_settings *settings,
	struct fault *fault, struct url *ret_origin)
{
	if (url_parse(settings->origin, ret_origin))
		return fault_set(fault, ERR_VENDOR_URL, 0, "url",
			"must be an http(s) URL without user name");
	if (!ret_origin->tls && !settings->allow_plain)
		return fault_set(fault, ERR_VENDOR_PLAIN, 0, "url",
			"must begin with https://");
	if (ret_origin->tls && !settings->trust)
		return fault_set(fault, ERR_VENDOR_TLS_FILE, 0, "tls",
			"https needs a CA");
	return 0;
}

int http_client_open(uv_loop_t *loop,
	const struct http_client_settings *settings, struct fault *fault,
	struct http_client **ret_client)
{
	struct http_client *client;
	struct url origin;
	int e;

	e = settings_judge(settings, fault, &origin);
	if (e)
		return e;
	client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->loop = loop;
	client->set = *settings;
	client->origin = origin;
	client->set.trust = tls_trust_ref(settings->trust);
	limits_fill(&client->limits, &settings->limits);
	url_authority(&origin, client->authority, sizeof(client->authority));
	snprintf(client->user_agent, sizeof(client->user_agent), "%s",
		settings->user_agent ? settings->user_agent : "ferryd");
	list_init(&client->waiting);
	list_init(&client->ended);
	for (unsigned i = 0; i < SLOTS_MAX; i++)
		client->slots[i].client = client;
	uv_idle_init(loop, &client->turn);
	client->turn.data = client;
	uv_timer_init(loop, &client->timer);
	client->timer.data = client;
	client->holds = 2;
	*ret_client = client;
	return 0;
}

void http_client_close(struct http_client *client,
	void (*on_closed)(void *arg), void *arg)
{
	if (!client) {
		on_closed(arg);
		return;
	}
	if (client->closing)
		return;
	client->closing = true;
	client->on_closed = on_closed;
	client->closed_arg = arg;
	while (client->waiting.first)
		fetch_end(client->waiting.first, -ECANCELED, NULL);
	for (unsigned i = 0; i < SLOTS_MAX; i++)
		slot_fail(&client->slots[i], -ECANCELED, NULL);
	uv_timer_stop(&client->timer);
	uv_idle_start(&client->turn, on_turn);
}

int http_fetch_start(struct http_client *client,
	const struct http_fetch_spec *spec, struct http_fetch **ret_fetch)
{
	struct http_fetch *fetch;
	int e;

	if (client->closing)
		return -ECANCELED;
	if (client->waiting.count >= client->limits.waiting)
		return ERR_VENDOR_QUEUE;
	fetch = calloc(1, sizeof(*fetch));
	if (!fetch)
		return -ENOMEM;
	fetch->client = client;
	e = http_request_init(&fetch->request, spec, &client->origin);
	if (e) {
		http_request_done(&fetch->request);
		free(fetch);
		return e;
	}
	uv_update_time(client->loop);
	fetch->until = spec->total_ms ? uv_now(client->loop) + spec->total_ms
				      : NEVER;
	list_add(&client->waiting, fetch);
	turn_soon(client);
	if (ret_fetch)
		*ret_fetch = fetch;
	return 0;
}

void http_fetch_cancel(struct http_fetch *fetch)
{
	if (fetch->state == FETCH_ACTIVE)
		slot_fail(fetch->slot, -ECANCELED, NULL);
	else
		fetch_end(fetch, -ECANCELED, NULL);
}

void http_fetch_pause(struct http_fetch *fetch)
{
	struct slot *slot = fetch->slot;

	if (fetch->paused || fetch->state == FETCH_ENDED)
		return;
	fetch->paused = true;
	if (slot && slot->state == SLOT_BUSY) {
		slot->paused_at = uv_now(fetch->client->loop);
		http_conn_pause(slot->conn, true);
	}
}

void http_fetch_resume(struct http_fetch *fetch)
{
	struct slot *slot = fetch->slot;

	if (!fetch->paused)
		return;
	fetch->paused = false;
	if (slot && slot->state == SLOT_BUSY && slot->paused_at) {
		slot->until += uv_now(fetch->client->loop) - slot->paused_at;
		slot->paused_at = 0;
		http_conn_pause(slot->conn, false);
		timer_arm(fetch->client);
	}
}

struct http_client_stats http_client_stats(const struct http_client *client)
{
	struct http_client_stats stats = client->stats;

	stats.tls_version = client->tls_version[0] ? client->tls_version : NULL;
	stats.tls_suite = client->tls_suite[0] ? client->tls_suite : NULL;
	return stats;
}
