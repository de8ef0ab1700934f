/* The conformance checks and the scene each is played in. A check is a function
 * that returns an outcome; NEED() ends it as failed with the text of what did not
 * hold, APPLIES() as not applicable to this driver or bench. */
#ifndef FERRY_DRIVER_CHECK_CHECK_H
#define FERRY_DRIVER_CHECK_CHECK_H

#include "tools/driver-check/bench.h"

enum outcome { CHECK_OK, CHECK_FAILED, CHECK_NOT_APPLICABLE };

#define SCENE_REQUESTS 96u

struct scene {
	struct bench *bench;
	struct rig rig;
	struct transport_driver *driver;
	struct rig_request q[SCENE_REQUESTS];
	uint8_t block[FERRY_PAYLOAD_MAX + 1];
	uint64_t link;
	uint32_t payload;
	uint32_t window;
	bool stream;
	char why[256];
};

struct check {
	unsigned number; /* of the list in the driver guide */
	const char *name;
	enum outcome (*run)(struct scene *s);
};

extern const struct check checks_of_links[], checks_of_sends[],
	checks_of_ends[], checks_of_settings[];

enum outcome scene_fail(struct scene *s, const char *what, int line);

#define NEED(s, expr) \
	do { \
		if (!(expr)) \
			return scene_fail((s), #expr, __LINE__); \
	} while (0)

#define APPLIES(expr) \
	do { \
		if (!(expr)) \
			return CHECK_NOT_APPLICABLE; \
	} while (0)

/* Each waits and says whether it came true. */
bool scene_up(struct scene *s);	    /* started, and the peer was announced */
bool scene_raw_up(struct scene *s); /* the same, nothing checked by the host */
bool scene_link(struct scene *s);   /* and linked to the bench's peer */
/* Sends `len` bytes of a pattern, request number `i`. */
int scene_send(struct scene *s, unsigned i, uint32_t len, uint32_t until);
bool scene_wait(struct scene *s, unsigned i);
int scene_connect(struct scene *s, unsigned i, const char *peer,
	uint32_t min_security, uint64_t *ret_token);
/* Whom to connect to for a link to the bench's peer, and what `to` of a send is
 * then; one of them is NULL. */
const char *scene_peer(const struct scene *s);
const char *scene_to(const struct scene *s);
bool scene_disconnect(struct scene *s, unsigned i);
/* The pattern that scene_send() sends. */
struct bytes scene_pattern(struct scene *s, uint32_t len);
/* Bytes that have come in since the last call of scene_forget(). */
bool scene_hears(struct scene *s, struct bytes want);
void scene_forget(struct scene *s);

/* Runs one check in a scene of its own. `why` gets the reason of a failure. */
enum outcome check_run(
	const struct check *c, struct bench *b, char *why, size_t size);

#endif
