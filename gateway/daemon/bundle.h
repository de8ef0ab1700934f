/* What one device of a class with `envelope = "integrated"` is sent: the
 * release's envelope with a MAC for it, and the image behind
 * (policy/trust/lasthop.h).
 *
 * Made for a job when it starts, from the envelope and the image in the cache,
 * which were verified; the same again after every start, so that an upload goes
 * on where it was. The image stays where it is and is only hashed, on the pool.
 * Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_BUNDLE_H
#define FERRY_GATEWAY_DAEMON_BUNDLE_H

#include <uv.h>

#include "devices/class.h"
#include "policy/trust/lasthop.h"
#include "store/cache.h"

struct bundle;

struct bundle_setup {
	struct cache *cache;
	uv_loop_t *loop;
	const struct device_class *klass;
	const uint8_t *envelope; /* SHA-256 */
	const uint8_t *image;    /* SHA-256 */
	uint64_t image_len;
	const struct lasthop_hub *hub;
	struct bytes key; /* copied, and wiped as soon as the MAC is made */
	/* Once, unless it is closed before; never from inside bundle_open().
	 * `fault` is filled where a rule was broken. */
	void (*on_ready)(void *arg, int status, const struct fault *fault);
	void *arg;
};

/* Everything is copied. 0, -ENOMEM or the cache's refusal. */
int bundle_open(const struct bundle_setup *setup, struct bundle **ret);

/* NULL is allowed; at any time. What is under way ends without a callback. */
void bundle_close(struct bundle *b);

bool bundle_is_ready(const struct bundle *b);

/* Valid when it is ready, until it is closed. */
struct bytes bundle_prefix(const struct bundle *b);
const uint8_t *bundle_sha256(const struct bundle *b); /* of prefix and image */
const struct lasthop_hub *bundle_hub(const struct bundle *b);

#endif
