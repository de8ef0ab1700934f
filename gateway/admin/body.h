/* Reads the JSON body of an action into the typed fields of its call.
 *
 * A part of route.h, kept apart because it is the only reader of foreign JSON
 * in the daemon. Pure; not thread-safe. */
#ifndef FERRY_GATEWAY_ADMIN_BODY_H
#define FERRY_GATEWAY_ADMIN_BODY_H

#include "gateway/admin/route.h"

/* Fills op->call by op->route->fields. An empty body counts as {}. Returns 0 or
 * the code in `refusal`. */
int body_read(struct op *op, struct bytes body, struct op_refusal *refusal);

#endif
