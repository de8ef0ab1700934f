/* What a misspelt word may have been meant as: the end of an error message.
 *
 *   nearest_init(&n, word);
 *   nearest_offer(&n, "model"); nearest_offer(&n, "kind"); ...
 *   "... is not known%s", nearest_text(&n)
 *
 * A plain value on the stack, no _done. Any thread. */
#ifndef FERRY_BASE_NEAREST_H
#define FERRY_BASE_NEAREST_H

#include "base/bytes.h"

#define NEAREST_MAX 3u
#define NEAREST_LEN_MAX 40u /* what is behind it does not count */
#define NEAREST_TEXT_SIZE 120u

struct nearest {
	struct bytes word; /* borrowed, like all that is offered */
	const char *best[NEAREST_MAX];
	unsigned distance[NEAREST_MAX];
	unsigned count;
	bool is_cut; /* there were more */
	char all[NEAREST_TEXT_SIZE - 20]; /* "a, b, c" */
	char text[NEAREST_TEXT_SIZE];
};

void nearest_init(struct nearest *n, struct bytes word);

/* One of the words that would have been right; NULL is passed over. */
void nearest_offer(struct nearest *n, const char *known);

/* "; did you mean 'model'?" with up to three words that are written much like
 * it, or else "; known are kind, model" with the first of those that were
 * offered (", ..." where there are more), or "". Valid as long as `n` is. */
const char *nearest_text(struct nearest *n);

#endif
