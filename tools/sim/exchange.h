/* One request on its way through the server: shared by the files of the
 * server, by nobody else. */
#ifndef FERRY_SIM_EXCHANGE_H
#define FERRY_SIM_EXCHANGE_H

#include "base/cbor.h"
#include "tools/sim/reply.h"
#include "tools/sim/server.h"

struct exchange {
	struct mcu *m;
	uint8_t version; /* of the answer */
	uint8_t op;
	uint16_t group;
	uint8_t id;
	struct bytes body;
	struct reply_style style;
	struct reply_map map; /* the body of a successful answer */
	struct smp_effect *effect;
	int rc;	      /* general error; the answer is `rc` alone */
	int group_rc; /* error of the group */
};

/* Opens the body for reading; 0 or RC_INVALID in x->rc. */
int exchange_body(struct exchange *x, struct cbor *r, struct cbor_list *list);

/* Reads the next key of the body; false at the end. After a false look at
 * r->err. */
bool exchange_key(
	struct cbor *r, struct cbor_list *list, struct bytes *ret_key);

void serve_os(struct exchange *x);
void serve_state(struct exchange *x);
void serve_erase(struct exchange *x);
void serve_slot_info(struct exchange *x);
void serve_upload(struct exchange *x);

#endif
