#include "devices/registry_index.h"

#include <stdint.h>
#include <string.h>

static uint32_t mix(uint32_t hash, const char *text)
{
	do
		hash = (hash ^ (uint8_t)*text) * 16777619u; /* FNV-1a */
	while (*text++);
	return hash;
}

static unsigned bucket_of(const char *link, const char *key)
{
	uint32_t hash = mix(mix(2166136261u, link), key);

	return (hash ^ hash >> 16) % REGISTRY_BUCKETS;
}

void registry_index_add(struct registry_index *x, struct registry_spot *s)
{
	struct registry_spot **at = &x->buckets[bucket_of(s->link, s->key)];

	s->next = *at;
	*at = s;
}

void registry_index_drop(struct registry_index *x, struct registry_spot *s)
{
	struct registry_spot **at = &x->buckets[bucket_of(s->link, s->key)];

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
}

struct registry_spot *registry_index_find(const struct registry_index *x,
	const char *link, const char *key)
{
	struct registry_spot *s = x->buckets[bucket_of(link, key)];

	while (s && (strcmp(s->key, key) || strcmp(s->link, link)))
		s = s->next;
	return s;
}
