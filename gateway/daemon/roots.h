/* The roots of a vendor at the start: from the one that its file names, through
 * every one that trust.db kept, to the newest that was ever accepted.
 *
 * Nothing of trust.db is believed but that it may raise what is asked for: who
 * can write that file as ferryd's user can lock a vendor out, but never choose
 * its root. A chain that breaks or is cut short leaves the vendor behind its
 * floor (ERR_TRUST_ROOT_BEHIND): nothing of it is accepted, and what is missing
 * is fetched from its server and judged like any other root.
 *
 * Signatures are checked on the pool; until the end v->trust_is_open is false
 * and the loop keeps its hands off v->trust. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_ROOTS_H
#define FERRY_GATEWAY_DAEMON_ROOTS_H

#include "gateway/daemon/vendor.h"

#define ROOTS_SEEN_MAX 512 /* transfers that the roots of a vendor name */

/* Called once, never inside the call that started it. 0: v->trust_is_open, and
 * v->chain_fault says at which root the walk ended early (code 0: nowhere). Any
 * other status: the vendor cannot be opened. */
typedef void (*roots_cb)(
	struct vendor *v, int status, const struct fault *fault);

/* Takes over what `loaded` has of the vendor's trust (borrowed for the call) and
 * walks. 0 and `cb` comes, or an error with `fault` filled and it does not. A
 * vendor that is closed meanwhile is released without a call. */
int roots_open(struct vendor *v, const struct store_loaded *loaded,
	roots_cb cb, struct fault *fault);

/* Adds the newest root to a commit: as the newest one, or, when it is still below
 * what was accepted before, only to the chain that is kept. */
void roots_store(const struct vendor *v, struct store_commit *c);

/* Whether the newest root is below what was accepted before. */
bool roots_are_behind(const struct vendor *v);

/* A root was accepted or walked; notes the transfers that it names. Any thread,
 * as long as it is the only one that has the vendor. */
void roots_note(struct vendor *v, const struct root *root);

/* Whether one of its roots hands the class to the heir whose first root has this
 * SHA-256. */
bool roots_named(const struct vendor *v, const uint8_t class_id[16],
	const uint8_t heir[32]);

/* SHA-256 of the first root that the vendor's file names, as it is on disk. */
int roots_file_digest(const struct vendor *v, uint8_t ret[32]);

#endif
