/* What a release does with an encrypted image. Internal to release.c and
 * release_judge.c. */
#ifndef FERRY_GATEWAY_DAEMON_RELEASE_OPEN_H
#define FERRY_GATEWAY_DAEMON_RELEASE_OPEN_H

#include "gateway/daemon/opening.h"
#include "gateway/daemon/release.h"

/* What the class says. */
enum offer_encrypted release_encrypted(const struct release *r);

/* Whether a judgement left nothing open but what the plaintext alone tells. */
bool release_has_to_open(const struct release *r, const struct verdict *verdict,
	const struct offer_plan *plan);

/* Starts to decrypt; `on_done` gets the release. Returns what opening_start()
 * does, with r->fault filled. */
int release_open(struct release *r, const struct config_vendor *vendor,
	const struct offer_image *image,
	void (*on_done)(void *arg, int status, const struct fault *fault));

/* The image is in the cache: keeps it there. 0 or a negative code. */
int release_keep_opened(struct release *r);

/* The plaintext goes; the ciphertext stays, to be opened again. */
void release_forget_opened(struct release *r);

#endif
