/* What a driver reports: checked, copied, queued. Nothing here calls back. */
#include "transports/instance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define INSTANCE_WINDOW_MAX 1024u
#define ATTRIBUTE_KEY_MAX 63u

int host_status_clean(int status)
{
	static const int known[] = {ECANCELED, EINVAL, ENOSYS, EOPNOTSUPP,
		ENOTCONN, EMSGSIZE, ENOBUFS, ENOMEM, EBUSY, EEXIST, ENODEV,
		ENOENT, EHOSTUNREACH, ECONNREFUSED, ECONNRESET, ETIMEDOUT,
		EACCES, EPERM, EPROTO, EIO};
	size_t i;

	if (status == 0 || status == FERRY_NOT_DELIVERED ||
		status == FERRY_NOT_NOW || status == FERRY_SECURITY)
		return status;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (status == -known[i])
			return status;
	return -EIO;
}

void host_event_push(struct transport *t, struct event *e)
{
	e->next = NULL;
	e->queued = true;
	t->event_bytes += e->charge;
	*t->events_end = e;
	t->events_end = &e->next;
	instance_wake(t);
}

/* Only for those that are not embedded in something that lives on. */
void host_event_free(struct transport *t, struct event *e)
{
	t->event_bytes -= e->charge;
	free(e);
}

static void *event_new(struct transport *t, enum event_kind kind, size_t size)
{
	struct event *e;

	if (t->event_bytes + size > TRANSPORT_EVENT_BYTES_MAX)
		return NULL;
	e = malloc(size);
	if (!e)
		return NULL;
	memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->charge = size;
	return e;
}

static void text_take(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%.*s", (int)size - 1, from ? from : "");
}

static size_t text_len(const char *text, size_t max)
{
	return text ? strnlen(text, max) : 0;
}

/* Appends at most `max` bytes of `from` and a NUL at *at; NULL stays NULL. */
static const char *text_keep(char **at, const char *from, size_t max)
{
	size_t len = text_len(from, max);
	char *kept = *at;

	if (!from)
		return NULL;
	memcpy(kept, from, len);
	kept[len] = 0;
	*at += len + 1;
	return kept;
}

static bool key_is_good(const char *key)
{
	size_t i, len = text_len(key, FERRY_KEY_MAX + 1);

	for (i = 0; i < len; i++)
		if (key[i] <= ' ' || key[i] > '~')
			return false;
	return len >= 1 && len <= FERRY_KEY_MAX;
}

/* Copies the record of a link, with `count` channels, or refuses it. */
static bool record_copy(const struct ferry_link *from, uint32_t count,
	uint32_t window_max, struct ferry_link *ret,
	struct ferry_channel *channels, char *text, size_t text_size)
{
	struct ferry_channel *c;
	uint32_t i;

	if (!from || from->size < 16)
		return false;
	record_take(ret, sizeof(*ret), from, from->size);
	if (ret->channel_count != count || !ret->channels ||
		ret->channel_stride < 16)
		return false;
	for (i = 0; i < count; i++) {
		c = &channels[i];
		record_take(c, sizeof(*c),
			(const char *)ret->channels +
				(size_t)i * ret->channel_stride,
			ret->channel_stride);
		if (c->max_payload < 1 || c->max_payload > FERRY_PAYLOAD_MAX ||
			c->window < 1 || c->window > window_max)
			return false;
		if (c->level < FERRY_TAKEN || c->level > FERRY_DELIVERED)
			return false;
	}
	text_take(text, text_size, ret->text);
	ret->size = sizeof(*ret);
	ret->channels = channels;
	ret->channel_stride = sizeof(struct ferry_channel);
	ret->text = text;
	return true;
}

/* The record of a start or connect that succeeded. */
static bool result_record(
	struct transport *t, struct request *r, const struct ferry_link *record)
{
	struct link *l;

	if (r->kind == REQUEST_START) {
		r->result.record = &t->record;
		return record_copy(record, 1, INSTANCE_WINDOW_MAX, &t->record,
			&t->channel0, t->record_text, sizeof(t->record_text));
	}
	l = host_link_find(t, r->link);
	if (!l || !record_copy(record, r->channel_count, FERRY_WINDOW_MAX,
			  &l->record, l->channels, l->text, sizeof(l->text)))
		return false;
	l->made = true;
	r->result.record = &l->record;
	return true;
}

/* Texts and counters are worth a try only: without memory they are missing. */
static void result_extra(struct request *r, const struct ferry_result *from)
{
	struct result_extra *x;
	uint32_t i;

	if (!from->key && !from->text && !from->counter_count)
		return;
	x = calloc(1, sizeof(*x));
	if (!x)
		return;
	r->extra = x;
	text_take(x->key, sizeof(x->key), from->key);
	text_take(x->text, sizeof(x->text), from->text);
	r->result.key = from->key ? x->key : NULL;
	r->result.text = from->text ? x->text : NULL;
	for (i = 0; i < from->counter_count; i++) {
		text_take(x->names[i], sizeof(x->names[i]),
			from->counters[i].name);
		x->counters[i].name = x->names[i];
		x->counters[i].value = from->counters[i].value;
	}
	r->result.counters = from->counter_count ? x->counters : NULL;
	r->result.counter_count = from->counter_count;
}

/* From now on nothing that names the link counts. */
static void link_gone(struct transport *t, uint64_t id)
{
	struct link *l = host_link_find(t, id);

	if (l)
		l->down = true;
}

void host_complete(struct ferry_owner *o, const struct ferry_result *from)
{
	struct transport *t = o->t;
	struct ferry_result in;
	struct request *r;
	bool made;

	if (t->deaf)
		return;
	record_take(&in, sizeof(in), from, from->size);
	r = host_request_find(t, in.token);
	if (!r || r->completed || r->waiting) {
		instance_breach(t, "completed a token that is not outstanding");
		return;
	}
	if (in.level > FERRY_DELIVERED ||
		in.counter_count > FERRY_COUNTERS_MAX ||
		(in.counter_count && !in.counters)) {
		instance_breach(t, "completed with a value out of bounds");
		return;
	}
	in.status = host_status_clean(in.status);
	r->result = in;
	r->result.record = NULL;
	r->result.key = NULL;
	r->result.text = NULL;
	r->result.counters = NULL;
	r->result.counter_count = 0;
	made = !in.status &&
	       (r->kind == REQUEST_START || r->kind == REQUEST_CONNECT);
	if (made && !result_record(t, r, in.record)) {
		instance_breach(t, "gave a link record that breaks its rules");
		return;
	}
	result_extra(r, &in);
	if (r->kind == REQUEST_DISCONNECT)
		link_gone(t, r->link);
	host_request_end(t, r, in.status);
}

static struct peer_event *peer_copy(
	struct transport *t, const struct ferry_peer *in)
{
	size_t size = sizeof(struct peer_event), i;
	struct ferry_kv *attributes;
	struct peer_event *e;
	char *at;

	size += in->attribute_count * sizeof(struct ferry_kv);
	size += (size_t)2 * (FERRY_KEY_MAX + 1);
	size += text_len(in->address, FERRY_TEXT_MAX) + 1;
	size += text_len(in->name, FERRY_TEXT_MAX) + 1;
	for (i = 0; i < in->attribute_count; i++)
		size += text_len(in->attributes[i].key, ATTRIBUTE_KEY_MAX) +
			text_len(in->attributes[i].value, FERRY_TEXT_MAX) + 2;
	e = event_new(t, EVENT_PEER, size);
	if (!e)
		return NULL;
	e->peer = *in;
	e->peer.size = sizeof(e->peer);
	attributes = (struct ferry_kv *)(e + 1);
	at = (char *)(attributes + in->attribute_count);
	e->peer.key = text_keep(&at, in->key, FERRY_KEY_MAX);
	e->peer.was = text_keep(&at, in->was, FERRY_KEY_MAX);
	e->peer.address = text_keep(&at, in->address, FERRY_TEXT_MAX);
	e->peer.name = text_keep(&at, in->name, FERRY_TEXT_MAX);
	for (i = 0; i < in->attribute_count; i++) {
		attributes[i].key = text_keep(
			&at, in->attributes[i].key, ATTRIBUTE_KEY_MAX);
		attributes[i].value =
			text_keep(&at, in->attributes[i].value, FERRY_TEXT_MAX);
	}
	e->peer.attributes = attributes;
	return e;
}

void host_on_peer(struct ferry_owner *o, const struct ferry_peer *p)
{
	struct transport *t = o->t;
	struct peer_event *e;
	struct ferry_peer in;
	uint32_t i;

	if (t->deaf)
		return;
	record_take(&in, sizeof(in), p, p->size);
	if (!key_is_good(in.key) || (in.was && !key_is_good(in.was)) ||
		in.id_kind > FERRY_ID_BONDED ||
		in.attribute_count > FERRY_ATTRIBUTES_MAX ||
		(in.attribute_count && !in.attributes)) {
		instance_breach(t, "reported a peer that breaks its rules");
		return;
	}
	for (i = 0; i < in.attribute_count; i++)
		if (!in.attributes[i].key || !in.attributes[i].value) {
			instance_breach(t, "gave an attribute without text");
			return;
		}
	e = peer_copy(t, &in);
	if (!e) {
		t->counters.dropped_peers++;
		return;
	}
	host_event_push(t, &e->event);
}

static struct message_event *message_copy(
	struct transport *t, const struct ferry_message *in)
{
	size_t size = sizeof(struct message_event) + in->len + in->reply_len +
		      FERRY_KEY_MAX + 1;
	struct message_event *e = event_new(t, EVENT_MESSAGE, size);
	uint8_t *at;
	char *text;

	if (!e)
		return NULL;
	e->message = *in;
	e->message.size = sizeof(e->message);
	at = (uint8_t *)(e + 1);
	memcpy(at, in->data, in->len);
	e->message.data = at;
	at += in->len;
	if (in->reply_len)
		memcpy(at, in->reply, in->reply_len);
	e->message.reply = in->reply_len ? at : NULL;
	text = (char *)at + in->reply_len;
	e->message.peer = text_keep(&text, in->peer, FERRY_KEY_MAX);
	return e;
}

void host_on_message(struct ferry_owner *o, const struct ferry_message *m)
{
	struct transport *t = o->t;
	struct message_event *e;
	struct ferry_message in;
	struct link *l;

	if (t->deaf)
		return;
	record_take(&in, sizeof(in), m, m->size);
	l = host_link_find(t, in.link);
	if (!l || !l->made || l->down)
		return; /* it crossed a disconnect */
	if (in.channel >= l->record.channel_count || !in.data || !in.len ||
		in.len > FERRY_PAYLOAD_MAX || in.reply_len > FERRY_REPLY_MAX ||
		(in.reply_len && !in.reply) ||
		(in.peer && !key_is_good(in.peer))) {
		instance_breach(t, "reported a message that breaks its rules");
		return;
	}
	if (!in.at_us)
		in.at_us = host_now_us(o);
	e = message_copy(t, &in);
	if (!e) {
		t->counters.dropped_messages++;
		return;
	}
	host_event_push(t, &e->event);
}

static void link_changed(struct transport *t, struct link *l, uint64_t id,
	const struct ferry_link *record)
{
	uint32_t count = l ? l->record.channel_count : 1;
	uint32_t window = l ? FERRY_WINDOW_MAX : INSTANCE_WINDOW_MAX;
	struct changed_event *e = malloc(sizeof(*e));

	if (!e) {
		instance_fail(t, -ENOMEM, "no memory for a changed link");
		return;
	}
	memset(e, 0, sizeof(*e));
	e->event.kind = EVENT_CHANGED;
	e->link = id;
	if (!record_copy(record, count, window, &e->record, e->channels,
		    e->text, sizeof(e->text))) {
		free(e);
		instance_breach(t, "changed a link record against its rules");
		return;
	}
	host_event_push(t, &e->event);
}

static bool link_is_busy(const struct transport *t, const struct link *l)
{
	const struct request *r;
	uint32_t i;

	for (i = 0; i < t->request_slots; i++) {
		r = t->requests[i];
		if (r && r->link == l->id && !r->completed && !r->waiting &&
			(r->kind == REQUEST_SEND || r->kind == REQUEST_SET))
			return true;
	}
	return false;
}

static void link_down(
	struct transport *t, struct link *l, const struct ferry_link_event *in)
{
	if (link_is_busy(t, l)) {
		instance_breach(t, "ended a link before its requests");
		return;
	}
	host_link_flush(t, l, -ENOTCONN);
	l->down = true;
	l->down_status =
		in->status ? host_status_clean(in->status) : -ECONNRESET;
	text_take(l->down_text, sizeof(l->down_text), in->text);
	l->event.kind = EVENT_LINK_DOWN;
	host_event_push(t, &l->event);
}

void host_on_link(struct ferry_owner *o, const struct ferry_link_event *e)
{
	struct transport *t = o->t;
	struct ferry_link_event in;
	struct link *l = NULL;

	if (t->deaf)
		return;
	record_take(&in, sizeof(in), e, e->size);
	if (in.event != FERRY_LINK_DOWN && in.event != FERRY_LINK_CHANGED) {
		instance_breach(t, "reported an unknown link event");
		return;
	}
	if (in.link) {
		l = host_link_find(t, in.link);
		if (!l || l->down)
			return; /* it crossed a disconnect */
		if (!l->made) {
			instance_breach(t, "reported a link before it exists");
			return;
		}
	} else if (!t->self || t->start_token) {
		instance_breach(t, "reported link 0 before it exists");
		return;
	}
	if (in.event == FERRY_LINK_CHANGED)
		link_changed(t, l, in.link, in.record);
	else if (l)
		link_down(t, l, &in);
	else
		instance_fail(t,
			in.status ? host_status_clean(in.status) : -ENODEV,
			in.text);
}

void host_log(struct ferry_owner *o, uint32_t level, const char *text)
{
	struct transport *t = o->t;
	uint64_t now = instance_now_ms(t);
	struct log_event *e;

	if (now - t->log_since_ms > LOG_SPAN_MS) {
		t->log_since_ms = now;
		t->log_lines = 0;
	}
	e = t->log_lines < LOG_LINES_MAX ? event_new(t, EVENT_LOG, sizeof(*e))
					 : NULL;
	if (!e) {
		t->counters.dropped_log_lines++;
		return;
	}
	t->log_lines++;
	e->level = level > FERRY_LOG_DEBUG ? FERRY_LOG_DEBUG : level;
	bytes_to_printable(bytes_of(text, text_len(text, FERRY_TEXT_MAX)),
		e->text, sizeof(e->text));
	host_event_push(t, &e->event);
}
