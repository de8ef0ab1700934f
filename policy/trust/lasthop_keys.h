/* Files of secrets for the last hop, as lines of text (docs/formats.md):
 *
 *     ferry-device-keys 1          what a vendor keeps: K_d of each device
 *     device NAME HEX64
 *
 *     ferry-hub-keys 1             what one hub gets
 *     hub ID
 *     epoch N
 *     device NAME HEX64
 *
 * The parsed set owns copies of the keys and wipes them when it is freed; the
 * caller wipes the file's text. Read-only afterwards, any thread. */
#ifndef FERRY_POLICY_TRUST_LASTHOP_KEYS_H
#define FERRY_POLICY_TRUST_LASTHOP_KEYS_H

#include "base/buf.h"
#include "policy/trust/lasthop.h"

#define LASTHOP_KEYS_FILE_MAX (16u << 20)
#define LASTHOP_KEYS_MAX 65536
#define LASTHOP_NAME_SIZE 65 /* with NUL */

enum lasthop_keys_kind {
	LASTHOP_DEVICE_KEYS, /* K_d; `hub` is empty */
	LASTHOP_HUB_KEYS,
};

struct lasthop_device {
	char name[LASTHOP_NAME_SIZE]; /* 1 to 64 printable, no space */
	uint8_t key[LASTHOP_KEY_LEN];
};

struct lasthop_keys;

/* ERR_LASTHOP_KEYS with line and rule (never with what stands there), -ENOMEM.
 * Refused too: a name twice, a key for two devices, a key of zeros. */
int lasthop_keys_parse(struct bytes file, enum lasthop_keys_kind kind,
	struct lasthop_keys **ret, struct fault *fault);
void lasthop_keys_free(struct lasthop_keys *keys);

const struct lasthop_hub *lasthop_keys_hub(const struct lasthop_keys *keys);
size_t lasthop_keys_count(const struct lasthop_keys *keys);

/* In the order of names. */
const struct lasthop_device *lasthop_keys_at(
	const struct lasthop_keys *keys, size_t i);

/* NULL: not there. */
const struct lasthop_device *lasthop_keys_find(
	const struct lasthop_keys *keys, const char *name);

/* Derives the hub's keys from the devices' own and appends its file. Errors of
 * the buffer stick in it. 0, ERR_LASTHOP_HUB, ERR_TRUST_CRYPTO. */
int lasthop_keys_put(const struct lasthop_keys *device_keys,
	const struct lasthop_hub *hub, struct buf *ret);

#endif
