/* What a link said of a peer, kept: names and values, as many as fit. A plain
 * value: it may be copied, and nothing has to be freed. And how the values of
 * attributes are written, where that is known by their name. Any thread. */
#ifndef FERRY_DEVICES_ATTRIBUTES_H
#define FERRY_DEVICES_ATTRIBUTES_H

#include <stdint.h>

#include "base/bytes.h"
#include "devices/class.h"

#define ATTRIBUTES_MAX 24

struct attributes {
	uint16_t len;
	char at[382]; /* name, NUL, value, NUL, name ... */
};

/* Takes the place of what was kept. Those that do not fit are left out. */
void attributes_keep(struct attributes *a, const struct peer_attribute *list,
	size_t count);

/* Takes the form in which they are kept, `at` with its length, as it was stored.
 * ERR_STORE_ROW when it is none, and nothing is changed. */
int attributes_restore(struct attributes *a, struct bytes stored);

/* A number that changes with what is kept, not with its order, and not with the
 * attribute `but` (NULL: none). */
uint32_t attributes_hash(const struct attributes *a, const char *but);

/* Fills `into`, whose texts point into `a`; returns how many there are. */
size_t attributes_list(const struct attributes *a,
	struct peer_attribute into[ATTRIBUTES_MAX]);

/* Whether an attribute of this name can have a value that `glob` fits, as far as
 * the name tells how its values are written. False: `ret_form` says how, for
 * people. */
bool attribute_may_fit(const char *name, const char *glob, char *ret_form,
	size_t size);

#endif
