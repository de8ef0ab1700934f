/* PEM (RFC 7468) of one object: bytes between two lines with a label.
 *
 * What is read may be a secret: both functions wipe what they are done with,
 * the caller wipes `ret`. No state; any thread. */
#ifndef FERRY_PUBLISH_PEM_H
#define FERRY_PUBLISH_PEM_H

#include "base/buf.h"

/* Whether the text holds an object of this label. */
bool pem_has(struct bytes text, const char *label);

/* The bytes of the first object of this label. -EINVAL. */
int pem_read(struct bytes text, const char *label, struct buf *ret);

int pem_write(const char *label, struct bytes content, struct buf *ret);

#endif
