/* Writes roots: the payload from a draft, its signatures, and the check by the
 * gateway's own code before anything is published.
 *
 * A draft is a struct root that somebody fills in by hand; only the members that
 * the payload holds count. Functions that fail have said why. One thread. */
#ifndef FERRY_PUBLISH_ROOT_FILE_H
#define FERRY_PUBLISH_ROOT_FILE_H

#include "policy/trust/root.h"
#include "tools/publish/publisher.h"

#define ROOT_KEYS_MAX 32

/* "root", "catalog", ...; "unknown". */
const char *role_name(uint64_t number);

/* -EINVAL after it has complained. NULL is none. */
int role_parse(const char *text, enum role *ret);

/* The payload (docs/formats.md, "Root"). */
int root_draft_write(const struct root *draft, struct buf *ret);

/* Entries for a draft. */
int root_entry_of_key(const struct cose_key *key, struct root_entry *ret);
int root_entry_of_certificate(struct bytes der, const char *path,
	struct root_entry *ret);

/* The newest published root; root_free() it. */
int root_file_current(struct publisher *p, struct root **ret);

/* Signs a draft with every key in keys/root/ and of `more` that the root role of
 * the draft or of `previous` lists, and publishes it as www/root/N.cose. When
 * the thresholds are not reached, it is written to root-N.draft.cose instead,
 * and the answer is -EAGAIN. `previous` is NULL for the first root. */
int root_draft_publish(struct publisher *p, const struct root *previous,
	const struct root *draft, const char *const *more, size_t more_count);

/* Adds the signatures of more keys to root-N.draft.cose, and publishes it as
 * soon as that is enough; -EAGAIN as above. */
int root_draft_sign(struct publisher *p, const char *draft_path,
	const char *const *keys, size_t keys_count);

#endif
