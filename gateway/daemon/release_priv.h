/* Between release.c and release_list.c. */
#ifndef FERRY_GATEWAY_DAEMON_RELEASE_PRIV_H
#define FERRY_GATEWAY_DAEMON_RELEASE_PRIV_H

#include "gateway/daemon/release.h"

/* What the entry says about it; -EINVAL for what this gateway cannot carry. */
int release_fill(struct release *r, const struct catalog_entry *entry);

/* Under what root, catalog and revocations it is known from now on. */
void release_stamp(struct release *r, const struct vendor *v);

#endif
