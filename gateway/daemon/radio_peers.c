#include "gateway/daemon/radio_peers.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXTS_MAX 768 /* of the attributes of one side */

void radio_peers_init(struct radio_peers *t, unsigned max,
	bool (*is_device)(void *arg, const char *key), void *arg)
{
	*t = (struct radio_peers){.max = max, .is_device = is_device,
		.arg = arg};
	keep_init(&t->keep, max / 4 * 3);
}

/* ---- the table ---- */

static unsigned bucket_of(const char *key)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	while (*key)
		hash = (hash ^ (uint8_t)*key++) * 16777619u;
	return (hash ^ hash >> 16) % RADIO_BUCKETS;
}

struct radio_peer *radio_peers_find(const struct radio_peers *t,
	const char *key)
{
	struct radio_peer *p = t->buckets[bucket_of(key)];

	while (p && strcmp(p->key, key))
		p = p->in_bucket;
	return p;
}

static void count(struct radio_peers *t, struct radio_peer *p, bool present,
	bool sleepy)
{
	t->present = t->present - p->present + present;
	t->sleepy = t->sleepy - (p->present && p->sleepy) +
		(present && sleepy);
	p->present = present;
	p->sleepy = sleepy;
}

static void end_trust(struct radio_peers *t, struct radio_peer *p)
{
	t->on_trust -= p->on_trust;
	p->on_trust = false;
}

void radio_peers_trust(struct radio_peers *t, struct radio_peer *p)
{
	if (p->proven || p->on_trust)
		return;
	p->on_trust = true;
	t->on_trust++;
}

static void drop(struct radio_peers *t, struct radio_peer *p)
{
	struct radio_peer **at = &t->buckets[bucket_of(p->key)];

	while (*at != p)
		at = &(*at)->in_bucket;
	*at = p->in_bucket;
	keep_drop(&t->keep, &p->keep);
	count(t, p, false, false);
	end_trust(t, p);
	t->count--;
	radio_texts_clear(&p->driver);
	radio_texts_clear(&p->engine);
	radio_texts_clear(&p->before);
	free(p->facts);
	free(p);
}

void radio_peers_done(struct radio_peers *t)
{
	for (unsigned i = 0; i < RADIO_BUCKETS; i++)
		while (t->buckets[i])
			drop(t, t->buckets[i]);
}

/* Who became a device without being heard since is found here, once. */
static bool make_room(struct radio_peers *t)
{
	struct keep_hook *out;
	struct radio_peer *p;

	while ((out = keep_next_out(&t->keep)) != NULL) {
		p = KEEP_ENTRY(out, struct radio_peer, keep);
		if (!t->is_device(t->arg, p->key)) {
			drop(t, p);
			return true;
		}
		keep_set(&t->keep, out, KEEP_PINNED);
	}
	return false;
}

struct radio_peer *radio_peers_get(struct radio_peers *t, const char *key)
{
	struct radio_peer *p = radio_peers_find(t, key);
	struct radio_peer **bucket = &t->buckets[bucket_of(key)];

	if (p)
		return p;
	if (!key[0] || strlen(key) > FERRY_KEY_MAX ||
			(t->count >= t->max && !make_room(t)))
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	snprintf(p->key, sizeof(p->key), "%s", key);
	p->id_kind = PEER_ID_HARDWARE;
	p->in_bucket = *bucket;
	*bucket = p;
	t->count++;
	radio_peers_set(t, p, false, false);
	return p;
}

void radio_peers_set(struct radio_peers *t, struct radio_peer *p, bool present,
	bool sleepy)
{
	bool is_device = t->is_device(t->arg, p->key);

	count(t, p, present, sleepy);
	if (p->proven || !is_device)
		end_trust(t, p);
	keep_set(&t->keep, &p->keep, is_device ? KEEP_PINNED : !present ?
		KEEP_GONE : p->proven ? KEEP_PROVEN : KEEP_STRANGER);
}

void radio_peers_lose(struct radio_peers *t)
{
	for (unsigned i = 0; i < RADIO_BUCKETS; i++)
		for (struct radio_peer *p = t->buckets[i]; p;
				p = p->in_bucket) {
			p->reported = false;
			p->joined[0] = '\0';
			radio_peers_set(t, p, false, p->sleepy);
		}
}

void radio_peer_read(struct radio_peer *p, const struct engine_facts *facts,
	int64_t now_s)
{
	if (!facts->version[0])
		return;
	if (!p->facts)
		p->facts = malloc(sizeof(*p->facts));
	if (!p->facts)
		return;
	*p->facts = *facts;
	p->facts_s = now_s;
}

/* ---- attributes ---- */

void radio_texts_clear(struct radio_texts *t)
{
	free(t->at);
	*t = (struct radio_texts){0};
}

void radio_texts_add(struct radio_texts *t, const char *name, const char *value)
{
	size_t name_size = strlen(name) + 1;
	size_t value_size = strlen(value) + 1;
	char *more;

	if (name_size + value_size > TEXTS_MAX - t->len)
		return;
	more = realloc(t->at, t->len + name_size + value_size);
	if (!more)
		return;
	memcpy(more + t->len, name, name_size);
	memcpy(more + t->len + name_size, value, value_size);
	t->at = more;
	t->len += name_size + value_size;
}

size_t radio_texts_list(const struct radio_texts *t,
	struct peer_attribute *into, size_t room)
{
	size_t listed = 0;
	size_t at = 0;

	while (at < t->len && listed < room) {
		const char *name = t->at + at;
		const char *value = name + strlen(name) + 1;

		into[listed++] = (struct peer_attribute){name, value};
		at = (size_t)(value + strlen(value) + 1 - t->at);
	}
	return listed;
}
