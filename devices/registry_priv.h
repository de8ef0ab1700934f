/* The registry, for its own files: registry.c has the records and finds them,
 * registry_sight.c takes what links tell of peers, registry_enrol.c what people
 * decide about them. One thread, like all of the registry. */
#ifndef FERRY_DEVICES_REGISTRY_PRIV_H
#define FERRY_DEVICES_REGISTRY_PRIV_H

#include "base/keep.h"
#include "devices/registry.h"
#include "devices/registry_index.h"
#include "devices/registry_list.h"

struct registry {
	struct registry_list devices;
	struct registry_list candidates;
	struct registry_index device_index;
	struct registry_index candidate_index;
	struct keep keep; /* candidates */
	const struct device_class *const *classes;
	size_t class_count;
	size_t found; /* position of the device that was asked for last */
};

/* registry.c */

/* Copies text from outside: printable ASCII, cut to fit `size` (128 at most).
 * True on a change. */
bool registry_set_text(char *to, size_t size, const char *from);

/* ERR_REGISTRY_ID when it is no id of a device. `f` may be NULL. */
int registry_check_id(const char *id, struct fault *f);

/* A copy of the record becomes a device. ERR_REGISTRY_ID, _ID_TAKEN,
 * _PEER_TAKEN, _FULL, -ENOMEM. */
int registry_add_device(struct registry *r, const struct device *record,
	struct device **ret, struct fault *f);

/* Around a change of the link or the key of a device. */
void registry_unplace_device(struct registry *r, struct device *d);
void registry_place_device(struct registry *r, struct device *d);

void registry_drop_device(struct registry *r, struct device *d);

struct candidate *registry_find_candidate(const struct registry *r,
	const char *link, const char *key);

/* A new one, for which another makes room when the list is full. Call
 * registry_settle_candidate() when it is filled. -ENOMEM. */
int registry_add_candidate(struct registry *r, const struct peer_sight *sight,
	int64_t now_s, struct candidate **ret);

/* Places it among those that make room, by `present` and `doubtful`: after each
 * change of these. */
void registry_settle_candidate(struct registry *r, struct candidate *c);

void registry_drop_candidate(struct registry *r, struct candidate *c);

/* registry_sight.c */

/* The revision of its hardware, from where its class says (NULL: nowhere). */
void registry_read_hw(struct device *d, const struct device_class *c);

/* What is known of the device is kept as a candidate too. -ENOMEM. */
int registry_show_device(struct registry *r, const struct device *d,
	int64_t now_s);

#endif
