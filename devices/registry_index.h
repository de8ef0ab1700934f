/* Finds records of the registry by link and key, however many there are. A spot
 * is embedded in its record and points at the record's own text: take it out
 * before that text changes or goes. One thread. */
#ifndef FERRY_DEVICES_REGISTRY_INDEX_H
#define FERRY_DEVICES_REGISTRY_INDEX_H

#define REGISTRY_BUCKETS 2048

struct registry_spot {
	struct registry_spot *next;
	const char *link, *key;
};

/* Zeroed: empty. */
struct registry_index {
	struct registry_spot *buckets[REGISTRY_BUCKETS];
};

void registry_index_add(struct registry_index *x, struct registry_spot *s);
void registry_index_drop(struct registry_index *x, struct registry_spot *s);
struct registry_spot *registry_index_find(const struct registry_index *x,
	const char *link, const char *key);

#endif
