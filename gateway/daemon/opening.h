/* Opens an encrypted image: from the ciphertext in the cache, which is verified,
 * to the image in the cache, which is the one that the author signed.
 *
 * Twice through the ciphertext. The first time decrypts and hashes only, and
 * ends with tag, length and digest; nothing is written before they are right.
 * The second time writes. The cache seals the image under the digest that the
 * manifest signs. Keys are opened for one image and closed again, so that a
 * file that was renewed or a token that was away needs no restart.
 *
 * Loop thread; keys, decryption and hashing run on the pool, reading and
 * writing through the cache. */
#ifndef FERRY_GATEWAY_DAEMON_OPENING_H
#define FERRY_GATEWAY_DAEMON_OPENING_H

#include "gateway/config/config.h"
#include "policy/trust/encrypt.h"
#include "policy/trust/offer.h"
#include "store/cache.h"

struct opening;

struct opening_spec {
	uv_loop_t *loop;
	struct cache *cache;
	const struct config_vendor *vendor; /* whose keys; only for the call */
	const struct offer_image *image;    /* as judged; only for the call */
	uint8_t sealed[32];		    /* the ciphertext, CACHE_READY */
	uint64_t sealed_len;
	/* Once, never inside opening_start(). 0: the image is CACHE_READY under
	 * its digest. -ECANCELED after opening_cancel(). */
	void (*on_done)(void *arg, int status, const struct fault *fault);
	void *arg;
};

/* Starts. -ENOMEM; ERR_TRUST_SUIT_DIGEST_ALG for an image digest that is no
 * SHA-256, ERR_TRUST_ENCRYPT_* for an encryption-info that is none. */
int opening_start(const struct opening_spec *spec, struct opening **ret,
	struct fault *fault);

/* Ends it as soon as what is under way has ended; on_done still comes. */
void opening_cancel(struct opening *opening);

/* `fault` says which key cannot be used, when `status` is not 0. */
typedef void opening_tried(void *arg, const char *vendor, int status,
	const struct fault *fault);

/* Tries every key of a vendor once, on the pool: a token may take its time.
 * on_done comes once, never inside the call, unless this fails. */
int opening_try_keys(uv_loop_t *loop, const struct config_vendor *vendor,
	opening_tried *on_done, void *arg);

#endif
