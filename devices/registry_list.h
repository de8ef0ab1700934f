/* A list of records that keep their address for as long as they exist, in the
 * order in which they were added; positions move when one is dropped. It grows
 * in steps up to its limit.
 *
 * Every record gets a number that no other one of the list ever had, so that
 * who walks the list with pauses goes on behind the number that it had last:
 * whatever was added or dropped meanwhile, no record that stayed is passed over
 * or met twice. Owned by the registry; one thread. */
#ifndef FERRY_DEVICES_REGISTRY_LIST_H
#define FERRY_DEVICES_REGISTRY_LIST_H

#include <stddef.h>
#include <stdint.h>

struct registry_place {
	void *record;
	uint64_t number; /* rises along the list */
};

/* Zeroed with `max` set: empty. */
struct registry_list {
	struct registry_place *at;
	size_t count;
	size_t size;
	size_t max;
	uint64_t last_number;
};

/* Takes a record of malloc(). 0, -ENOBUFS at the limit or -ENOMEM: then it is
 * still the caller's. */
int registry_list_add(struct registry_list *list, void *take_record);
/* Frees a record that is in the list. */
void registry_list_drop(struct registry_list *list, const void *record);
void registry_list_done(struct registry_list *list);

/* By position, NULL past the end. */
void *registry_list_at(const struct registry_list *list, size_t i);

/* The first record behind the number *cursor, which moves to it; 0 stands
 * before the first. NULL at the end. */
void *registry_list_next(const struct registry_list *list, uint64_t *cursor);

#endif
