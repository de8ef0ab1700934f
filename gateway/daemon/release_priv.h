/* Between release.c (what is known of a release, and what comes next),
 * release_list.c (which there are), release_judge.c and release_fetch.c. */
#ifndef FERRY_GATEWAY_DAEMON_RELEASE_PRIV_H
#define FERRY_GATEWAY_DAEMON_RELEASE_PRIV_H

#include "gateway/daemon/release.h"

/* What the entry says about it; -EINVAL for what this gateway cannot carry. */
int release_fill(struct release *r, const struct catalog_entry *entry);

/* Under what root, catalog and revocations it is known from now on, and whether
 * these are those in force. */
void release_stamp(struct release *r, const struct vendor *v);
bool release_is_of_today(const struct release *r, const struct vendor *v);

/* A step towards VERIFIED has ended: in another state, or without success, to be
 * tried again. */
void release_settle(struct release *r, enum release_state state, int code);
void release_failed(struct release *r, int code);

/* Root or catalog changed, or the verdict ran out. */
void release_begin_again(struct release *r, const struct vendor *v);

/* The envelope: from the cache, else from the vendor. Then it is judged. */
void release_get_envelope(struct release *r);

/* Judges the envelope, and with it the image that is in the cache. Borrowed for
 * the call. */
void release_judge(struct release *r, struct bytes envelope,
	bool with_payload);

/* The envelope is good and somebody needs the image. */
void release_fetch_payload(struct release *r);

/* The image is whole and hashed by this process: judge all of it. */
void release_judge_whole(struct release *r);

/* As uv_cancel(), if a judgement is under way. */
void release_judge_cancel(struct release *r);

#endif
