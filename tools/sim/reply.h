/* Builds the CBOR of an answer in the style of a server: a map is collected
 * pair by pair and written in the end, definite or indefinite, in order or
 * shuffled, with keys that nobody knows, with `rc` 0. One thread. */
#ifndef FERRY_SIM_REPLY_H
#define FERRY_SIM_REPLY_H

#include "base/buf.h"

#define REPLY_MAX 4096
#define REPLY_PAIRS_MAX 14

struct reply_style {
	bool indefinite;
	bool shuffled;
	bool unknown;
	bool rc0;
	bool frugal;	 /* false is left out */
	uint32_t random; /* state of the shuffle; not 0 */
};

struct reply_pair {
	const char *key;
	size_t at;
	size_t len;
};

struct reply_map {
	struct buf values;
	struct reply_pair pairs[REPLY_PAIRS_MAX];
	unsigned count;
};

void reply_init(struct reply_map *m);
void reply_done(struct reply_map *m);

/* `key` is kept as a pointer. A map that is full drops the pair and becomes
 * an error at the end. */
void reply_uint(struct reply_map *m, const char *key, uint64_t value);
void reply_int(struct reply_map *m, const char *key, int64_t value);
void reply_bytes(struct reply_map *m, const char *key, struct bytes value);
void reply_text(struct reply_map *m, const char *key, struct bytes value);
void reply_bool(struct reply_map *m, const char *key, bool value);
/* Left out in the frugal style when false. */
void reply_flag(struct reply_map *m, const char *key, bool value,
	const struct reply_style *style);
/* One or more items that are CBOR already. */
void reply_raw(struct reply_map *m, const char *key, struct bytes cbor);

/* Appends the map to `to` and empties it. Failures stick in `to`. */
void reply_end(struct reply_map *m, struct reply_style *style, struct buf *to);

/* As an array of `count` items that stand in `items` already. */
void reply_array(struct buf *to, const struct reply_style *style,
	struct bytes items, unsigned count);

#endif
