/* Who is out there: candidates that were seen and devices that were enrolled.
 *
 * A plain data structure without I/O or clock: the daemon feeds what links
 * report and what people decide, and persists the device records that change.
 * Candidates are never persisted and never written to. One thread; from
 * registry_new() to registry_free(). Times are Unix seconds.
 *
 * Both lists are bounded. Devices never make room. When there is none for one more
 * candidate, one that is not there any more does; else one of which nothing shows
 * that it is real, since anybody on the air can make those up; of equal ones the
 * one that was not seen for longest (base/keep.h). A sight costs no search. */
#ifndef FERRY_DEVICES_REGISTRY_H
#define FERRY_DEVICES_REGISTRY_H

#include "devices/attributes.h"
#include "devices/class.h"
#include "devices/engine.h"

#define REGISTRY_CANDIDATES_MAX 1024
/* So many candidates are kept before strangers. */
#define REGISTRY_PROVEN_MAX 768
#define REGISTRY_DEVICES_MAX 4096
#define REGISTRY_ID_SIZE 64
#define REGISTRY_KEY_SIZE 64
#define REGISTRY_LINK_SIZE 64

enum device_health {
	DEVICE_HEALTH_UNKNOWN,
	DEVICE_HEALTH_GOOD,   /* it answered, its state makes sense */
	DEVICE_HEALTH_SILENT, /* seen, but the last exchange failed */
	DEVICE_HEALTH_ABSENT, /* its link does not see it */
};

/* A device record: what is persisted, then what is only true now. */
struct device {
	char id[REGISTRY_ID_SIZE]; /* a-z 0-9 . _ -, starts with a-z or 0-9 */
	char class_name[CLASS_NAME_SIZE];
	char vendor[CLASS_NAME_SIZE];
	char driver[32];
	char link[REGISTRY_LINK_SIZE];
	char key[REGISTRY_KEY_SIZE];
	char address[64];    /* last one seen, "" none */
	char usb_serial[64]; /* attribute of that name, "" none */
	enum peer_id_kind id_kind;
	char hw_revision[24]; /* "" unknown */
	char version[40];     /* of the running image, "" unknown */
	uint8_t hash[64];     /* what the device reports of it */
	uint8_t hash_len;     /* 0 unknown */
	int8_t confirmed;     /* 1, 0; -1 unknown */
	int64_t enrolled_s;
	int64_t read_s; /* when version and hash were read; 0 never */

	enum device_health health;
	bool present;
	int64_t seen_s;
	int64_t heard_s; /* as it is stored; who listens to it knows better */
	struct attributes attributes; /* as its link told last, also in an
				       * earlier run; none: never seen */
	bool on_trust; /* its class made it a device, and nothing has shown
			* that it is real */
};

struct candidate {
	char driver[32];
	char link[REGISTRY_LINK_SIZE];
	char key[REGISTRY_KEY_SIZE];
	char address[64];
	char usb_serial[64];
	enum peer_id_kind id_kind;
	char suggested_class[CLASS_NAME_SIZE]; /* first that matches, "" none */
	char product[64]; /* attributes `product` or `name`, "" none */
	struct attributes attributes;
	bool present;
	bool doubtful; /* as its sight said last */
	int64_t first_seen_s;
	int64_t seen_s;
};

struct registry;

struct registry *registry_new(void); /* NULL: no memory */
void registry_free(struct registry *r);

/* The classes in force, borrowed until the next call or registry_free().
 * Suggestions of candidates are made anew; nobody is enrolled by it. */
void registry_set_classes(struct registry *r,
	const struct device_class *const *classes, size_t count);
const struct device_class *registry_class(const struct registry *r,
	const char *name);

/* Puts a persisted record back at start. Its class may be missing. */
int registry_load(struct registry *r, const struct device *record,
	struct fault *f);

enum registry_sight {
	REGISTRY_SIGHT_DEVICE,    /* a device, as it was */
	REGISTRY_SIGHT_CHANGED,   /* a device; its record changed: persist it */
	REGISTRY_SIGHT_ENROLLED,  /* auto_enrol made a device: persist it */
	REGISTRY_SIGHT_CANDIDATE, /* known or new candidate */
};

/* A link sees a peer. Says whose sight it is; `ret_device` is NULL for a
 * candidate. Returns an enum registry_sight, or ERR_REGISTRY_* when the report
 * is unusable. A full list of devices leaves the peer a candidate. */
int registry_see(struct registry *r, const struct peer_sight *sight,
	int64_t now_s, struct device **ret_device, struct fault *f);

/* The same of a peer that is not to become a device by it, whatever its class
 * says: a candidate, with all that is known of it. Nothing for a device. */
int registry_show(struct registry *r, const struct peer_sight *sight,
	int64_t now_s, struct fault *f);

/* The link does not see the peer any more; key NULL: the link itself is gone,
 * with all its peers. */
void registry_lose(struct registry *r, const char *link, const char *key);

/* Makes a candidate a device. `class_name` NULL takes the suggestion; `id` NULL
 * makes one: the name of the link for a peer known by its place, otherwise class
 * and a number. `key` alone is enough when no other link
 * has the same (link NULL). */
int registry_enrol(struct registry *r, const char *link, const char *key,
	const char *class_name, const char *id, int64_t now_s,
	struct device **ret, struct fault *f);

/* Gives a device another class; what was read of it is forgotten. */
int registry_classify(struct registry *r, const char *id,
	const char *class_name, struct device **ret, struct fault *f);

/* New hardware takes the place of a device: id and class stay, link and key are
 * the candidate's, what was read is forgotten. */
int registry_replace(struct registry *r, const char *id, const char *link,
	const char *key, int64_t now_s, struct device **ret, struct fault *f);

/* The device becomes a candidate again when it is present. */
int registry_forget(struct registry *r, const char *id, int64_t now_s,
	struct fault *f);

/* The first rule of `match` of its class that the device does not meet, by what
 * its link told last; NULL when it meets all, when its class has none
 * or is none, and before it was seen since the start. *ret_value is what it has there, NULL when
 * that is not known (yet). */
const struct class_match *registry_mismatch(const struct registry *r,
	const struct device *d, const char **ret_value);

/* Takes over what an engine found out. True when a persisted field other than
 * `read_s` changed. */
bool registry_take_facts(struct device *d, const struct engine_facts *facts,
	int64_t now_s);

/* Whether this peer is that device after a restart, by the rule of its class:
 * in mid-job only, and only for the link that the device was on (usb_serial:
 * any link of the same driver). */
bool registry_reappears(const struct device *d, const struct device_class *c,
	const struct peer_sight *sight);

struct device *registry_device(struct registry *r, const char *id);
struct device *registry_device_of_peer(struct registry *r, const char *link,
	const char *key);
const struct candidate *registry_candidate(const struct registry *r,
	const char *link, const char *key);

/* By position, in the order of enrolment or first sight; NULL past the end.
 * Any change may move positions. */
struct device *registry_device_at(struct registry *r, size_t i);
const struct candidate *registry_candidate_at(const struct registry *r,
	size_t i);
/* For who walks with pauses: the first one behind `*cursor`, which moves on; 0
 * stands before the first, NULL comes at the end. Whatever is enrolled or
 * forgotten meanwhile, none that stays is passed over or met twice. */
struct device *registry_device_next(struct registry *r, uint64_t *cursor);
const struct candidate *registry_candidate_next(const struct registry *r,
	uint64_t *cursor);
size_t registry_device_count(const struct registry *r);
size_t registry_candidate_count(const struct registry *r);

const char *device_health_name(enum device_health health);

#endif
