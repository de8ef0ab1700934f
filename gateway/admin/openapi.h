/* docs/openapi.json, built into the program. Static storage; any thread. */
#ifndef FERRY_GATEWAY_ADMIN_OPENAPI_H
#define FERRY_GATEWAY_ADMIN_OPENAPI_H

#include "base/bytes.h"

struct bytes openapi_text(void);

#endif
