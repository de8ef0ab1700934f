/* Reading the payload of a root; what root.c checks afterwards. Internal. */
#ifndef FERRY_POLICY_TRUST_ROOT_READ_H
#define FERRY_POLICY_TRUST_ROOT_READ_H

#include "policy/trust/root.h"

/* Fills everything of `root` that the payload says, in views into `payload`.
 * On a failure the root is half filled: root_free() takes it. */
int root_read(struct bytes payload, struct root *root, struct fault *fault);

#endif
