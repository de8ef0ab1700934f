#include "gateway/relay/network_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"

static struct member *member_of(struct session *session)
{
	return (struct member *)session;
}

static const struct member *const_member_of(const struct session *session)
{
	return (const struct member *)session;
}

struct member *network_member(const struct network *n, uint64_t number)
{
	uint64_t slot = number & MEMBER_SLOT_MASK;
	struct member *m = number && slot < n->member_slots ?
		n->members[slot] : NULL;

	return m && m->number == number ? m : NULL;
}

/* ---- what the engine says of an offer ---- */

void member_facts(struct member *m, const struct engine_facts *facts)
{
	if (m->setup.events->on_facts)
		m->setup.events->on_facts(m->setup.arg, facts);
}

void member_progress(struct member *m, const struct engine_command *c)
{
	if (m && m->setup.events->on_progress)
		m->setup.events->on_progress(m->setup.arg, c->progress.offset,
			c->progress.total);
}

void member_stage(struct member *m, const struct engine_command *c)
{
	if (!m)
		return;
	/* Of the frames that brought it here, which came over this link. */
	if (!m->network->is_up || m->network->security < m->security ||
			m->security == FERRY_SECURITY_NONE)
		m->security = m->network->security;
	m->is_moving = false;
	if (m->setup.events->on_stage)
		m->setup.events->on_stage(m->setup.arg, c->stage.stage,
			c->stage.facts);
}

void member_wait(struct member *m, const struct engine_command *c)
{
	if (!m)
		return;
	m->wait = c->wait.wait;
	if (m->setup.events->on_wait)
		m->setup.events->on_wait(m->setup.arg, c->wait.wait,
			c->wait.until_ms);
}

void member_result(struct member *m, const struct engine_command *c)
{
	struct session_result result = {
		.outcome = c->result.outcome,
		.facts = c->result.facts,
		.failure = c->result.failure,
	};

	if (!m || m->over)
		return;
	m->over = true;
	m->is_moving = false;
	m->wait = ENGINE_WAIT_NONE;
	if (m->security == FERRY_SECURITY_NONE)
		m->security = m->network->security;
	result.bytes_sent = m->bytes_sent;
	result.bytes_repeated = m->bytes_repeated;
	result.security = m->security;
	m->setup.events->on_result(m->setup.arg, &result);
}

/* ---- the image ---- */

static void give_image(struct network *n, uint64_t number, int status,
	uint64_t offset, struct bytes data)
{
	struct engine_event event = {
		.type = ENGINE_IMAGE,
		.image = {number, offset, status, data},
	};

	/* It was verified, and is gone: an earlier read found it rotten. */
	if (status == -ENOENT)
		event.image.status = ERR_STORE_ROTTEN_BLOB;
	n->engine_ops->event(n->engine, network_now_ms(n), &event);
}

/* Offsets of the window are those of the cached part. */
static void on_image(void *arg, int status, uint64_t offset, struct bytes data)
{
	struct member *m = arg;

	if (m->over || m->session.closing || m->network->closing)
		return;
	give_image(m->network, m->number, status,
		offset + m->setup.prefix.len, data);
	network_drain(m->network);
}

/* What the engine reads before it may send is for itself. */
static void count_asked(struct member *m, uint64_t offset, size_t len)
{
	if (!m->may_send)
		return;
	if (offset < m->highest_asked)
		m->bytes_repeated += m->highest_asked - offset < len ?
			m->highest_asked - offset : len;
	if (offset + len > m->highest_asked)
		m->highest_asked = offset + len;
	m->bytes_sent += len;
}

void member_need_image(struct network *n, const struct engine_command *c)
{
	struct member *m = network_member(n, c->need_image.job);
	uint64_t offset = c->need_image.offset;
	size_t len = c->need_image.len;
	struct bytes data = {0};
	int got;

	if (!m || !m->has_window) {
		give_image(n, c->need_image.job, -EINVAL, offset, data);
		return;
	}
	if (offset < m->setup.prefix.len) {
		/* Less than was asked for where the cached part begins. */
		data = bytes_slice(m->setup.prefix, (size_t)offset, len);
		count_asked(m, offset, data.len);
		give_image(n, m->number, 0, offset, data);
		return;
	}
	count_asked(m, offset, len);
	got = image_want(&m->window, offset - m->setup.prefix.len, len, &data);
	if (got != 0)
		give_image(n, m->number, got < 0 ? got : 0, offset, data);
}

/* ---- sessions ---- */

static void go(struct session *session, enum engine_stage stage, bool skip)
{
	struct member *m = member_of(session);
	struct engine_event event = {.type = ENGINE_GO};

	if (m->over || session->closing)
		return;
	m->is_moving = stage == ENGINE_STAGE_TRANSFER;
	m->may_send = true;
	event.go.job = m->number;
	event.go.stage = stage;
	event.go.skip = skip;
	network_tell(m->network, &event);
}

static void tell_withdraw(struct member *m)
{
	struct engine_event event = {.type = ENGINE_WITHDRAW};

	event.withdraw.job = m->number;
	network_tell(m->network, &event);
}

static void withdraw(struct session *session)
{
	struct member *m = member_of(session);

	if (!m->over && !session->closing)
		tell_withdraw(m);
}

static uint32_t security(const struct session *session)
{
	const struct member *m = const_member_of(session);

	return m->security != FERRY_SECURITY_NONE ? m->security :
		m->network->security;
}

static void free_member(uv_handle_t *handle)
{
	struct member *m = handle->data;
	void (*on_closed)(void *arg) = m->on_closed;
	void *arg = m->close_arg;

	free(m);
	if (on_closed)
		on_closed(arg);
}

static void forget(struct member *m)
{
	struct network *n = m->network;

	n->members[m->number & MEMBER_SLOT_MASK] = NULL;
	n->member_count--;
	if (m->has_window)
		image_window_done(&m->window);
	m->has_window = false;
}

/* The engine's answer to the withdrawal finds nobody, and is not missed. */
static void close_it(struct session *session, void (*on_closed)(void *arg),
	void *arg)
{
	struct member *m = member_of(session);

	m->on_closed = on_closed;
	m->close_arg = arg;
	if (!m->over)
		tell_withdraw(m);
	m->over = true;
	forget(m);
	uv_close((uv_handle_t *)&m->close_timer, free_member);
}

static const struct session_ops kind = {
	.go = go,
	.withdraw = withdraw,
	.close = close_it,
	.security = security,
};

static bool has_offer(const struct network *n, const char *peer)
{
	for (unsigned i = 0; i < n->member_slots; i++)
		if (n->members[i] && !strcmp(n->members[i]->peer, peer))
			return true;
	return false;
}

static int find_slot(struct network *n, unsigned *ret)
{
	unsigned more = n->member_slots ? 2 * n->member_slots : 16;
	struct member **grown;
	unsigned slot = 0;

	if (n->member_count >= NETWORK_OFFERS_MAX)
		return -ENOBUFS;
	if (n->member_count == n->member_slots) {
		grown = realloc(n->members, more * sizeof(struct member *));
		if (!grown)
			return -ENOMEM;
		memset(grown + n->member_slots, 0,
			(more - n->member_slots) * sizeof(struct member *));
		n->members = grown;
		slot = n->member_slots;
		n->member_slots = more;
	}
	while (n->members[slot])
		slot++;
	*ret = slot;
	return 0;
}

static void init_member(struct member *m, struct network *n, const char *peer,
	const struct session_setup *setup)
{
	m->session.ops = &kind;
	m->network = n;
	m->setup = *setup;
	snprintf(m->peer, sizeof(m->peer), "%s", peer);
	uv_timer_init(n->loop, &m->close_timer);
	m->close_timer.data = m;
	if (!setup->image)
		return;
	m->image = *setup->image;
	image_window_init(&m->window, setup->cache, setup->cached ?
		setup->cached : m->image.sha256, m->image.len -
		setup->prefix.len, on_image, m);
	m->has_window = true;
}

int network_offer(struct network *n, const char *peer,
	const struct session_setup *setup, struct session **ret)
{
	struct engine_event event = {.type = ENGINE_OFFER};
	struct member *m;
	unsigned slot = 0;
	int err;

	if (n->closing || !peer[0] || strlen(peer) > FERRY_KEY_MAX ||
			(setup->image && setup->prefix.len &&
			setup->prefix.len >= setup->image->len))
		return -EINVAL;
	if (has_offer(n, peer))
		return -EBUSY;
	err = find_slot(n, &slot);
	if (err)
		return err;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	init_member(m, n, peer, setup);
	m->number = ++n->member_serial << MEMBER_SLOT_BITS | slot;
	n->members[slot] = m;
	n->member_count++;
	event.offer.job = m->number;
	event.offer.goal = setup->goal;
	event.offer.image = setup->image ? &m->image : NULL;
	event.offer.reached = setup->reached;
	event.offer.failed = setup->failed;
	event.offer.return_ms = setup->return_ms;
	event.offer.peer = m->peer;
	event.offer.options = setup->options;
	event.offer.allow_downgrade = setup->allow_downgrade;
	network_tell(n, &event);
	*ret = &m->session;
	return 0;
}

/* ---- all of them ---- */

void members_count(const struct network *n, struct network_numbers *ret)
{
	for (unsigned i = 0; i < n->member_slots; i++) {
		const struct member *m = n->members[i];

		if (!m || m->over)
			continue;
		ret->offers++;
		ret->downloads += m->is_moving;
		ret->held += m->wait == ENGINE_WAIT_AIRTIME;
		ret->asleep += m->wait == ENGINE_WAIT_WAKE;
	}
}

void members_free(struct network *n)
{
	free(n->members);
}
