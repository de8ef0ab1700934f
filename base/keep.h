/* Who stays in a table that is full. Entries of a bounded table that outsiders
 * can fill hang in lists by what they are worth and, among equals, by when they
 * were of use last. Making room takes no search, however many entries come.
 *
 * A flood of made-up entries pushes out its own kind: strangers go before those
 * that proved to be real. These in turn may not take all places, or a newcomer
 * would be pushed out before it can prove anything: beyond `proven_max` the one
 * that was of use least lately counts as a stranger again.
 *
 * A hook is embedded in an entry and belongs to one list at a time; a zeroed one
 * is in none. Nothing is allocated. One thread. */
#ifndef FERRY_BASE_KEEP_H
#define FERRY_BASE_KEEP_H

#include <stdbool.h>
#include <stddef.h>

enum keep_rank {
	KEEP_GONE,     /* not there any more: goes first */
	KEEP_STRANGER, /* there, and nothing shows that it is real */
	KEEP_PROVEN,
	KEEP_PINNED,   /* never goes */
};

struct keep_hook {
	struct keep_hook *older, *newer;
	bool in;
	enum keep_rank rank; /* of the list that it is in */
};

struct keep_list {
	struct keep_hook *oldest, *newest;
	size_t count;
};

struct keep {
	struct keep_list lists[KEEP_PINNED];
	size_t proven_max;
};

void keep_init(struct keep *k, size_t proven_max);

/* The entry is of that rank, and of use now. Pinned ones are in no list. */
void keep_set(struct keep *k, struct keep_hook *h, enum keep_rank rank);

/* Before the entry is freed. */
void keep_drop(struct keep *k, struct keep_hook *h);

/* Who has to go next; NULL: all are pinned, or there are none. */
struct keep_hook *keep_next_out(const struct keep *k);

/* The entry around a hook. */
#define KEEP_ENTRY(hook, type, member) \
	((type *)(void *)((char *)(hook) - offsetof(type, member)))

#endif
